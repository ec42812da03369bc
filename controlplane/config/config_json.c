/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/config_json.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/schema.h"
#include "config/value.h"

/* A number or boolean stays one, words and everything else are text. */
static json_t *json_from_text(const struct schema_row *row, const char *text)
{
	bool digits = isdigit((unsigned char)text[0]);

	if (row->type == SCHEMA_BOOL && (strcmp(text, "true") == 0 || strcmp(text, "false") == 0))
		return json_boolean(text[0] == 't');
	if (row->type != SCHEMA_NUMBER || !digits)
		return json_string(text);
	return strchr(text, '.') != NULL ? json_real(strtod(text, NULL)) : json_integer(strtoll(text, NULL, 10));
}

static json_t *json_value(const struct schema_row *row, const char *base, const char *field)
{
	char text[VALUE_TEXT_MAX];

	return json_from_text(row, value_format(row, base, field, text));
}

static json_t *json_map(int row, const char *base, uint8_t role);

static unsigned list_count(int row, const char *base)
{
	return *(const unsigned *)(base + schema[row].count_offset);
}

static json_t *json_element(int row, const char *base, uint8_t role, size_t i)
{
	const struct schema_row *r = &schema[row];
	const char *first = r->fixed != 0 ? base + r->offset : *(char *const *)(base + r->offset);
	const char *element = first + i * r->size;

	return r->type == SCHEMA_MAP ? json_map(row, element, role) : json_value(r, base, element);
}

static json_t *json_list(int row, const char *base, uint8_t role)
{
	unsigned count = list_count(row, base);
	json_t *list = json_array();

	for (unsigned i = 0; i < count; i++)
		if (json_array_append_new(list, json_element(row, base, role, i)) != 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static bool has_value(int row, const char *base, uint8_t role)
{
	const struct schema_row *r = &schema[row];

	if ((r->roles & role) == 0)
		return false;
	if (schema_is_list(row))
		return *(const unsigned *)(base + r->count_offset) != 0;
	if (r->given_offset != 0)
		return *(const bool *)(base + r->given_offset);
	return r->type != SCHEMA_STRING || *(char *const *)(base + r->offset) != NULL;
}

static json_t *json_map(int row, const char *base, uint8_t role)
{
	json_t *map = json_object();

	for (int key = schema_first(row); key >= 0; key = schema_next(row, key)) {
		const struct schema_row *r = &schema[key];
		size_t length;
		const char *name = schema_name(key, &length);
		json_t *value;

		if (!has_value(key, base, role))
			continue;
		if (schema_is_list(key))
			value = json_list(key, base, role);
		else
			value = r->type == SCHEMA_MAP ? json_map(key, base, role)
						      : json_value(r, base, base + r->offset);
		if (json_object_setn_new(map, name, length, value) != 0) {
			json_decref(map);
			return NULL;
		}
	}
	return map;
}

json_t *config_to_json(const struct config *config)
{
	json_t *json = json_map(-1, (const char *)config, (uint8_t)(1 << config->role));

	if (json != NULL && config->unknown_nodes != UNKNOWN_PROFILE)
		json_object_del(json, "default-profile"); /* without effect, so that the file may not have it either */
	return json;
}

/* Row of the key, or -1. */
static int key_row(unsigned number)
{
	int key = schema_first(-1);

	while (key >= 0 && number-- > 0)
		key = schema_next(-1, key);
	return key;
}

int config_piece_to_json(const struct config *config, unsigned key, uint64_t element, struct config_piece *piece)
{
	const char *base = (const char *)config, *name;
	uint8_t role = (uint8_t)(1 << config->role);
	int row = key_row(key);
	size_t length;
	bool is_list;

	if (row < 0)
		return -ENOENT;
	is_list = schema_is_list(row);
	if (!has_value(row, base, role) || element >= (is_list ? list_count(row, base) : 1))
		return 0;
	name = schema_name(row, &length);
	snprintf(piece->key, sizeof(piece->key), "%.*s", (int)length, name);
	if (strcmp(piece->key, "default-profile") == 0 && config->unknown_nodes != UNKNOWN_PROFILE)
		return 0; /* without effect */
	piece->element = is_list ? (int64_t)element : -1;
	if (is_list)
		piece->value = json_element(row, base, role, element);
	else if (schema[row].type == SCHEMA_MAP)
		piece->value = json_map(row, base, role);
	else
		piece->value = json_value(&schema[row], base, base + schema[row].offset);
	return piece->value != NULL ? 1 : -ENOMEM;
}

static json_t *json_variable(int key, const struct config *config)
{
	const struct schema_row *r = &schema[key];
	size_t length;
	const char *name = schema_name(key, &length);
	const char *base = (const char *)config;

	return json_pack("{s:s%, s:o, s:s?, s:o, s:s}", "name", name, length, "value",
		json_value(r, base, base + r->offset), "unit", r->unit, "default", json_from_text(r, r->fallback),
		"source", r->source);
}

json_t *config_variables_to_json(const struct config *config)
{
	int row = schema_find("variables");
	json_t *list = json_array();

	for (int key = schema_first(row); key >= 0; key = schema_next(row, key))
		if ((schema[key].roles & 1 << config->role) != 0 &&
			json_array_append_new(list, json_variable(key, config)) != 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}
