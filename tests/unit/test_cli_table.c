/* SPDX-License-Identifier: BSD-3-Clause */
/* Tables and values of hawserctl. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "api/objects.h"
#include "cli/columns.h"
#include "cli/table.h"
#include "cli/text.h"

static const struct column columns[] = {
	{.key = "name", .title = "NAME", .cell = CELL_TEXT},
	{.key = "count", .title = "COUNT", .cell = CELL_NUMBER},
	{.key = "hidden", .title = "HIDDEN", .cell = CELL_TEXT, .wide = true},
	{.key = "absent", .title = "ABSENT", .cell = CELL_TEXT},
	{.key = "last", .title = "LAST", .cell = CELL_TEXT, .suffix = "last_name"},
	{.key = NULL},
};

/* The table of rows that are given as JSON; the caller frees it. */
static char *table_of(const char *rows, bool wide)
{
	char *text = NULL;
	size_t size = 0, i;
	FILE *out = open_memstream(&text, &size);
	struct table *table = table_create(columns, wide, out);
	json_t *all = json_loads(rows, 0, NULL), *row;

	assert_non_null(all);
	json_array_foreach(all, i, row) assert_true(table_add(table, row));
	assert_int_equal(table_finish(table), 0);
	fclose(out);
	json_decref(all);
	return text;
}

static void expect_table(const char *rows, bool wide, const char *expected)
{
	char *text = table_of(rows, wide);

	assert_string_equal(text, expected);
	free(text);
}

static void columns_are_aligned_numbers_to_the_right(void **state)
{
	expect_table(
		"[{\"name\":\"a\",\"count\":5,\"last\":\"x\"},{\"name\":\"longer\",\"count\":123456789,\"last\":null}]",
		false,
		"NAME        COUNT  LAST\n"
		"a               5  x\n"
		"longer  123456789  -\n");
}

static void column_that_no_row_has_is_left_out(void **state)
{
	expect_table("[{\"name\":\"a\"}]", false, "NAME\na\n");
}

static void wide_columns_come_when_asked_for(void **state)
{
	expect_table("[{\"name\":\"a\",\"hidden\":\"h\"}]", true, "NAME  HIDDEN\na     h\n");
	expect_table("[{\"name\":\"a\",\"hidden\":\"h\"}]", false, "NAME\na\n");
}

static void suffix_follows_its_value(void **state)
{
	expect_table("[{\"name\":\"a\",\"last\":155,\"last_name\":\"why\"},{\"name\":\"b\",\"last\":null,\"last_name\":"
		     "null}]",
		false, "NAME  LAST\na     155 why\nb     -\n");
}

static void no_row_is_said(void **state)
{
	expect_table("[]", false, "none\n");
}

static void octets_that_a_terminal_would_obey_are_escaped(void **state)
{
	expect_table("[{\"name\":\"\\u001b[31m\\u0007\\u009b\\u00e9\\n\\t\\u202e\"}]", false,
		"NAME\n\\x1b[31m\\x07\\xc2\\x9b\\xc3\\xa9\\x0a\\x09\\xe2\\x80\\xae\n");
}

static void rows_beyond_the_sample_are_streamed(void **state)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	struct table *table = table_create(columns, false, out);
	unsigned lines = 0;

	for (unsigned i = 0; i < 3 * TABLE_SAMPLE + 1; i++) {
		json_t *row = json_pack("{s:s, s:i}", "name", "n", "count", (int)i);

		assert_true(table_add(table, row));
		json_decref(row);
		fflush(out);
		assert_int_equal(size != 0, i >= TABLE_SAMPLE - 1);
	}
	assert_int_equal(table_finish(table), 0);
	fclose(out);
	for (const char *p = text; (p = strchr(p, '\n')) != NULL; p++)
		lines++;
	assert_int_equal(lines, 3 * TABLE_SAMPLE + 2);
	assert_non_null(strstr(text, "n       768\n"));
	free(text);
}

static void discarded_table_prints_nothing(void **state)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	struct table *table = table_create(columns, false, out);
	json_t *row = json_pack("{s:s}", "name", "n");

	assert_true(table_add(table, row));
	json_decref(row);
	table_discard(table);
	fclose(out);
	assert_string_equal(text, "");
	free(text);
}

static void expect_cell(enum cell cell, const char *json, const char *expected)
{
	const struct column column = {.key = "v", .title = "V", .cell = cell};
	json_t *row = json_object();
	char *text;

	json_object_set_new(row, "v", json_loads(json, JSON_DECODE_ANY, NULL));
	text = table_cell(&column, row);
	assert_string_equal(text, expected);
	free(text);
	json_decref(row);
}

static void cells_show_values_as_people_read_them(void **state)
{
	expect_cell(CELL_TEXT, "\"\"", "-");
	expect_cell(CELL_TEXT, "null", "-");
	expect_cell(CELL_YES, "true", "yes");
	expect_cell(CELL_YES, "false", "no");
	expect_cell(CELL_REAL, "1.25", "1.2");
	expect_cell(CELL_NUMBER, "-7", "-7");
	expect_cell(CELL_LIST, "[]", "-");
	expect_cell(CELL_LIST, "[\"a\",2,null]", "a,2,-");
	expect_cell(CELL_BYTES, "1500", "1.5 kB");
	expect_cell(CELL_SECONDS, "60", "1m00s");
	expect_cell(CELL_DISTANCE, "250", "in 0.250s");
	expect_cell(CELL_DISTANCE, "-61000", "1m01s ago");
	expect_cell(CELL_AGO, "61000", "1m01s ago");
	expect_cell(CELL_MICROS, "1234", "1.234");
}

static void sizes_are_in_powers_of_1000(void **state)
{
	char text[TEXT_VALUE_MAX];

	assert_string_equal(text_bytes(0, text), "0 B");
	assert_string_equal(text_bytes(999, text), "999 B");
	assert_string_equal(text_bytes(1000, text), "1.0 kB");
	assert_string_equal(text_bytes(999949, text), "999.9 kB");
	assert_string_equal(text_bytes(999950, text), "1.0 MB");
	assert_string_equal(text_bytes(UINT64_MAX, text), "18.4 EB");
}

static void durations_have_two_units_at_most(void **state)
{
	char text[TEXT_VALUE_MAX];

	assert_string_equal(text_duration(0, text), "0.000s");
	assert_string_equal(text_duration(9999, text), "9.999s");
	assert_string_equal(text_duration(10000, text), "10s");
	assert_string_equal(text_duration(59999, text), "59s");
	assert_string_equal(text_duration(60000, text), "1m00s");
	assert_string_equal(text_duration(3599999, text), "59m59s");
	assert_string_equal(text_duration(3600000, text), "1h00m");
	assert_string_equal(text_duration(86400000, text), "1d00h");
	assert_string_equal(text_duration(-86400000, text), "1d00h");
	assert_string_equal(text_duration(INT64_MIN, text), "106751991167d07h");
}

static void every_object_has_columns(void **state)
{
	for (unsigned i = 0; i < OBJECT_COUNT; i++) {
		assert_non_null(object_columns((enum object)i));
		assert_non_null(object_columns((enum object)i)->key);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_aligned_numbers_to_the_right),
		cmocka_unit_test(column_that_no_row_has_is_left_out),
		cmocka_unit_test(wide_columns_come_when_asked_for),
		cmocka_unit_test(suffix_follows_its_value),
		cmocka_unit_test(no_row_is_said),
		cmocka_unit_test(octets_that_a_terminal_would_obey_are_escaped),
		cmocka_unit_test(rows_beyond_the_sample_are_streamed),
		cmocka_unit_test(discarded_table_prints_nothing),
		cmocka_unit_test(cells_show_values_as_people_read_them),
		cmocka_unit_test(sizes_are_in_powers_of_1000),
		cmocka_unit_test(durations_have_two_units_at_most),
		cmocka_unit_test(every_object_has_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
