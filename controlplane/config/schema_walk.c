/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/schema.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NAME_TEXT_MAX 64

int schema_find(const char *path)
{
	for (unsigned i = 0; i < schema_count; i++)
		if (strcmp(schema[i].path, path) == 0)
			return (int)i;
	return -1;
}

/* Is @key a key right below the map @row? */
static bool is_child(int row, int key)
{
	const char *path = schema[key].path;
	size_t n = 0;

	if (row >= 0) {
		n = strlen(schema[row].path);
		if (strncmp(path, schema[row].path, n) != 0 || path[n] != '.')
			return false;
		n++;
	}
	return strchr(path + n, '.') == NULL;
}

/* Below the map @row at any depth? The run of such rows ends where it is not. */
static bool is_below(int row, int key)
{
	size_t n = row < 0 ? 0 : strlen(schema[row].path);

	return row < 0 || (strncmp(schema[key].path, schema[row].path, n) == 0 && schema[key].path[n] == '.');
}

int schema_next(int row, int key)
{
	for (key++; key < (int)schema_count && is_below(row, key); key++)
		if (is_child(row, key))
			return key;
	return -1;
}

int schema_first(int row)
{
	return schema_next(row, row);
}

const char *schema_name(int row, size_t *length)
{
	const char *dot = strrchr(schema[row].path, '.');
	const char *name = dot != NULL ? dot + 1 : schema[row].path;

	*length = strcspn(name, "[");
	return name;
}

bool schema_is_list(int row)
{
	const char *path = schema[row].path;

	return path[strlen(path) - 1] == ']';
}

int schema_key(int row, const char *name, size_t length)
{
	for (int key = schema_first(row); key >= 0; key = schema_next(row, key)) {
		size_t n;
		const char *word = schema_name(key, &n);

		if (n == length && memcmp(word, name, n) == 0)
			return key;
	}
	return -1;
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned least = a < b ? a : b;

	return least < c ? least : c;
}

/* Levenshtein distance without regard to case, '-' and '_'; words longer than NAME_TEXT_MAX are far from all. */
static unsigned distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
	unsigned row[NAME_TEXT_MAX + 1];

	if (b_length > NAME_TEXT_MAX || a_length > NAME_TEXT_MAX)
		return UINT16_MAX;
	for (unsigned j = 0; j <= b_length; j++)
		row[j] = j;
	for (unsigned i = 1; i <= a_length; i++) {
		unsigned corner = row[0];

		row[0] = i;
		for (unsigned j = 1; j <= b_length; j++) {
			char x = a[i - 1] == '_' ? '-' : (char)(a[i - 1] | 0x20);
			char y = b[j - 1] == '_' ? '-' : (char)(b[j - 1] | 0x20);
			unsigned above = row[j];

			row[j] = min3(above + 1, row[j - 1] + 1, corner + (x != y));
			corner = above;
		}
	}
	return row[b_length];
}

int schema_nearest(int row, const char *name, uint8_t roles)
{
	size_t length = strlen(name);
	unsigned best = length < 4 ? 2 : (unsigned)length / 3 + 2; /* nothing that far is near */
	int nearest = -1;

	for (int key = schema_first(row); key >= 0; key = schema_next(row, key)) {
		size_t n;
		const char *word = schema_name(key, &n);
		unsigned d = distance(name, length, word, n);

		if (d < best && (schema[key].roles & roles) != 0) {
			best = d;
			nearest = key;
		}
	}
	return nearest;
}

static void append(char text[SCHEMA_ALLOWED_MAX], const char *part)
{
	size_t used = strlen(text);

	snprintf(text + used, SCHEMA_ALLOWED_MAX - used, "%s", part);
}

static void append_words(char text[SCHEMA_ALLOWED_MAX], const struct schema_word *words)
{
	for (; words != NULL && words->word != NULL; words++) {
		if (text[0] != '\0')
			append(text, words[1].word == NULL ? " or " : ", ");
		append(text, words->word);
	}
}

const char *schema_format_number(const struct schema_row *row, int64_t value, char text[SCHEMA_NUMBER_MAX])
{
	int64_t scale = row->scale > 1 ? row->scale : 1;
	size_t length;

	if (value % scale == 0) {
		snprintf(text, SCHEMA_NUMBER_MAX, "%" PRId64, value / scale);
		return text;
	}
	snprintf(text, SCHEMA_NUMBER_MAX, "%" PRId64 ".%03" PRId64, value / scale, value % scale * 1000 / scale);
	for (length = strlen(text); text[length - 1] == '0'; length--)
		text[length - 1] = '\0';
	return text;
}

static void append_range(char text[SCHEMA_ALLOWED_MAX], const struct schema_row *row)
{
	char number[SCHEMA_NUMBER_MAX];

	append(text, schema_format_number(row, row->min, number));
	append(text, "..");
	append(text, schema_format_number(row, row->max, number));
	if (row->unit != NULL) {
		append(text, " ");
		append(text, row->unit);
	}
}

const char *schema_allowed(const struct schema_row *row, char text[SCHEMA_ALLOWED_MAX])
{
	static const char *const plain[SCHEMA_TYPE_COUNT] = {
		[SCHEMA_MAP] = "keys and values",
		[SCHEMA_BOOL] = "true or false",
		[SCHEMA_MODE] = "0000..0777 (octal)",
		[SCHEMA_ADDRESS] = "an IPv6 address",
		[SCHEMA_PREFIX] = "an IPv6 prefix as in 2001:db8::/32",
		[SCHEMA_INTERFACE] = "an IPv6 address with a prefix length as in 2001:db8::1/64",
		[SCHEMA_MAC] = "a MAC address as in 02:00:00:00:00:01",
		[SCHEMA_DEVICE] = "kernel:INTERFACE, vdev:net_DRIVER,ARGUMENTS or pci:DDDD:BB:DD.F",
	};

	text[0] = '\0';
	if (row->type == SCHEMA_NUMBER)
		append_range(text, row);
	else if (row->type == SCHEMA_STRING && row->words == NULL)
		snprintf(text, SCHEMA_ALLOWED_MAX, "text of %" PRId64 "..%" PRId64 " octets", row->min, row->max);
	else if (row->type == SCHEMA_KEY)
		snprintf(text, SCHEMA_ALLOWED_MAX, "%u hexadecimal digits, not all 0", (unsigned)row->size * 2);
	else if (plain[row->type] != NULL)
		append(text, row->type == SCHEMA_BOOL && row->words != NULL ? "true, false" : plain[row->type]);
	append_words(text, row->words);
	return text;
}
