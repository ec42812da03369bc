/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/config_json.h"

#include <ctype.h>
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

static json_t *json_list(int row, const char *base, uint8_t role)
{
	const struct schema_row *r = &schema[row];
	const char *element = r->fixed != 0 ? base + r->offset : *(char *const *)(base + r->offset);
	unsigned count = *(const unsigned *)(base + r->count_offset);
	json_t *list = json_array();

	for (unsigned i = 0; i < count; i++, element += r->size)
		if (json_array_append_new(list,
			    r->type == SCHEMA_MAP ? json_map(row, element, role) : json_value(r, base, element)) != 0) {
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
