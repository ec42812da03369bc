/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/table.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/text.h"

#define COLUMNS_MAX 24

struct table {
	const struct column *columns[COLUMNS_MAX]; /* shown */
	bool present[COLUMNS_MAX];                 /* a row of the sample has the key */
	size_t width[COLUMNS_MAX];
	unsigned count;
	char **cells; /* of the sample: count per row */
	unsigned held;
	bool streaming; /* the sample is printed */
	bool failed;
	FILE *out;
};

struct table *table_create(const struct column *columns, bool wide, FILE *out)
{
	struct table *table = calloc(1, sizeof(*table));

	if (table == NULL)
		return NULL;
	table->out = out;
	for (; columns->key != NULL && table->count < COLUMNS_MAX; columns++) {
		if (columns->wide && !wide)
			continue;
		table->width[table->count] = strlen(columns->title);
		table->columns[table->count++] = columns;
	}
	table->cells = calloc((size_t)TABLE_SAMPLE * COLUMNS_MAX, sizeof(*table->cells));
	if (table->cells == NULL) {
		free(table);
		return NULL;
	}
	return table;
}

static char *list_text(const json_t *array)
{
	char *text = NULL;
	size_t size = 0, i;
	FILE *out = open_memstream(&text, &size);
	json_t *item;

	if (out == NULL)
		return NULL;
	json_array_foreach(array, i, item)
	{
		if (i != 0)
			fputc(',', out);
		if (json_is_string(item))
			text_print_safe(out, json_string_value(item));
		else if (json_is_integer(item))
			fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(item));
		else
			fputc('-', out);
	}
	if (json_array_size(array) == 0)
		fputc('-', out);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

static char *number_text(enum cell cell, json_int_t value)
{
	char text[TEXT_VALUE_MAX];

	switch (cell) {
	case CELL_BYTES: text_bytes((uint64_t)value, text); break;
	case CELL_SECONDS: text_duration(value * 1000, text); break;
	case CELL_DISTANCE: text_distance(value, text); break;
	case CELL_AGO: text_distance(value > 0 ? -value : -1, text); break;
	case CELL_MICROS: snprintf(text, sizeof(text), "%.3f", (double)value / 1000); break;
	default: snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT, value); break;
	}
	return strdup(text);
}

static char *value_text(enum cell cell, const json_t *value)
{
	char text[TEXT_VALUE_MAX];

	if (json_is_string(value) && json_string_length(value) != 0)
		return text_safe(json_string_value(value));
	if (json_is_array(value))
		return list_text(value);
	if (json_is_boolean(value))
		return strdup(json_is_true(value) ? "yes" : "no");
	if (json_is_integer(value))
		return number_text(cell, json_integer_value(value));
	if (json_is_real(value)) {
		snprintf(text, sizeof(text), "%.1f", json_real_value(value));
		return strdup(text);
	}
	return strdup("-");
}

char *table_cell(const struct column *column, const json_t *row)
{
	char *text = value_text(column->cell, json_object_get(row, column->key)), *joined = NULL;
	const char *suffix = column->suffix != NULL ? json_string_value(json_object_get(row, column->suffix)) : NULL;
	char *safe;

	if (suffix == NULL || text == NULL)
		return text;
	safe = text_safe(suffix);
	if (safe == NULL || asprintf(&joined, "%s %s", text, safe) < 0)
		joined = NULL;
	free(safe);
	free(text);
	return joined;
}

static bool is_right(enum cell cell)
{
	return cell == CELL_NUMBER || cell == CELL_REAL || cell == CELL_BYTES || cell == CELL_MICROS;
}

/* The last column that is shown: it is not padded. */
static unsigned last_column(const struct table *table)
{
	unsigned last = 0;

	for (unsigned i = 0; i < table->count; i++)
		if (table->present[i])
			last = i;
	return last;
}

static void print_line(const struct table *table, char *const *cells)
{
	unsigned last = last_column(table);
	bool first = true;

	for (unsigned i = 0; i < table->count; i++) {
		int width = (int)table->width[i];

		if (!table->present[i])
			continue;
		if (!first)
			fputs("  ", table->out);
		first = false;
		if (is_right(table->columns[i]->cell))
			fprintf(table->out, "%*s", width, cells[i]);
		else
			fprintf(table->out, "%-*s", i != last ? width : 0, cells[i]);
	}
	fputc('\n', table->out);
}

static void cells_free(char **cells, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		free(cells[i]);
}

static void print_sample(struct table *table)
{
	char *titles[COLUMNS_MAX];
	bool bad = false;

	for (unsigned i = 0; i < table->count; i++) {
		titles[i] = strdup(table->columns[i]->title);
		bad |= titles[i] == NULL;
	}
	if (!bad && table->held != 0)
		print_line(table, titles);
	cells_free(titles, table->count);
	for (unsigned row = 0; row < table->held; row++) {
		char **cells = &table->cells[row * COLUMNS_MAX];

		print_line(table, cells);
		cells_free(cells, table->count);
	}
	table->failed |= bad;
	table->streaming = true;
}

bool table_add(struct table *table, const json_t *row)
{
	char *streamed[COLUMNS_MAX];
	char **cells = table->streaming ? streamed : &table->cells[table->held * COLUMNS_MAX];
	bool bad = false;

	for (unsigned i = 0; i < table->count; i++) {
		cells[i] = table_cell(table->columns[i], row);
		bad |= cells[i] == NULL;
		if (bad || table->streaming)
			continue;
		if (json_object_get(row, table->columns[i]->key) != NULL)
			table->present[i] = true;
		if (strlen(cells[i]) > table->width[i])
			table->width[i] = strlen(cells[i]);
	}
	if (bad) {
		cells_free(cells, table->count);
		memset(cells, 0, table->count * sizeof(*cells));
		table->failed = true;
		return false;
	}
	if (table->streaming) {
		print_line(table, cells);
		cells_free(cells, table->count);
		return ferror(table->out) == 0;
	}
	if (++table->held == TABLE_SAMPLE)
		print_sample(table);
	return true;
}

static void table_destroy(struct table *table)
{
	free(table->cells);
	free(table);
}

void table_discard(struct table *table)
{
	for (unsigned row = 0; !table->streaming && row < table->held; row++)
		cells_free(&table->cells[row * COLUMNS_MAX], table->count);
	table_destroy(table);
}

int table_finish(struct table *table)
{
	int result;

	if (!table->streaming) {
		if (table->held == 0)
			fputs("none\n", table->out);
		print_sample(table);
	}
	fflush(table->out);
	result = table->failed ? -ENOMEM : ferror(table->out) ? -EIO : 0;
	table_destroy(table);
	return result;
}

void table_print_record(const struct column *columns, const json_t *row, FILE *out)
{
	size_t width = 0;

	for (const struct column *column = columns; column->key != NULL; column++)
		if (json_object_get(row, column->key) != NULL && strlen(column->title) > width)
			width = strlen(column->title);
	for (const struct column *column = columns; column->key != NULL; column++) {
		char *text;

		if (json_object_get(row, column->key) == NULL)
			continue;
		text = table_cell(column, row);
		fprintf(out, "%-*s  %s\n", (int)width, column->title, text != NULL ? text : "?");
		free(text);
	}
}
