/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/config.h"

#include <jansson.h>
#include <string.h>

#include "config/schema.h"

static const char address_pattern[] = "^[0-9a-fA-F:.]+$";
static const char prefix_pattern[] = "^[0-9a-fA-F:.]+/[0-9]{1,3}$";
static const char mac_pattern[] = "^([0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}$";
static const char device_pattern[] = "^(kernel:[^/\\s:]{1,15}|vdev:net_[a-z].*|"
				     "pci:[0-9a-fA-F]{4}:[0-9a-fA-F]{2}:[0-9a-fA-F]{2}\\.[0-7])$";
static const char key_pattern[] = "^[0-9a-fA-F]{64}$";
static const char mode_pattern[] = "^[0-7]{3,4}$";

static void set(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value); /* a failure leaves the key out; the test of the files sees it */
}

static json_t *text_schema(const char *pattern)
{
	return json_pack("{s:s, s:s}", "type", "string", "pattern", pattern);
}

static bool is_yaml_boolean(const char *word)
{
	return strcmp(word, "on") == 0 || strcmp(word, "off") == 0;
}

/* The words; readers of YAML 1.1 take on and off for booleans. */
static json_t *words_schema(const struct schema_row *row)
{
	json_t *words = json_array();
	bool booleans = false;

	for (const struct schema_word *w = row->words; w->word != NULL; w++) {
		json_array_append_new(words, json_string(w->word));
		booleans = booleans || is_yaml_boolean(w->word);
	}
	if (booleans) {
		json_array_append_new(words, json_true());
		json_array_append_new(words, json_false());
	}
	return json_pack("{s:o}", "enum", words);
}

static json_t *number_schema(const struct schema_row *row)
{
	if (row->scale > 1)
		return json_pack("{s:s, s:f, s:f}", "type", "number", "minimum", (double)row->min / row->scale,
			"maximum", (double)row->max / row->scale);
	return json_pack(
		"{s:s, s:I, s:I}", "type", "integer", "minimum", (json_int_t)row->min, "maximum", (json_int_t)row->max);
}

static json_t *typed_schema(const struct schema_row *row)
{
	switch (row->type) {
	case SCHEMA_NUMBER: return number_schema(row);
	case SCHEMA_BOOL: return json_pack("{s:s}", "type", "boolean");
	case SCHEMA_ADDRESS: return text_schema(address_pattern);
	case SCHEMA_PREFIX:
	case SCHEMA_INTERFACE: return text_schema(prefix_pattern);
	case SCHEMA_MAC: return text_schema(mac_pattern);
	case SCHEMA_DEVICE: return text_schema(device_pattern);
	case SCHEMA_KEY: return text_schema(key_pattern);
	case SCHEMA_MODE: /* a reader of YAML 1.1 takes 0660 for a number */
		return json_pack("{s:[s, s], s:s, s:i, s:I}", "type", "string", "integer", "pattern", mode_pattern,
			"minimum", 0, "maximum", (json_int_t)row->max);
	default:
		return json_pack("{s:s, s:I, s:I}", "type", "string", "minLength", (json_int_t)row->min, "maxLength",
			(json_int_t)row->max);
	}
}

static json_t *value_schema(const struct schema_row *row)
{
	if (row->words == NULL)
		return typed_schema(row);
	if (row->type == SCHEMA_WORD || row->type == SCHEMA_STRING)
		return words_schema(row);
	return json_pack("{s:[o, o]}", "anyOf", typed_schema(row), words_schema(row));
}

static json_t *default_value(const struct schema_row *row)
{
	json_error_t error;
	json_t *value = NULL;

	if (row->type == SCHEMA_NUMBER || row->type == SCHEMA_BOOL)
		value = json_loads(row->fallback, JSON_DECODE_ANY, &error); /* words are no JSON */
	return value != NULL ? value : json_string(row->fallback);
}

static const char *role_note(const struct schema_row *row)
{
	if (row->roles == SCHEMA_LMA)
		return "lma";
	return row->roles == SCHEMA_MAG ? "mag" : "both";
}

/* The help text with what a schema has no place for. */
static json_t *description(const struct schema_row *row)
{
	char text[1024];
	size_t used = (size_t)snprintf(text, sizeof(text), "%s", row->help);

	if (row->unit != NULL)
		used += (size_t)snprintf(text + used, sizeof(text) - used, " Unit: %s.", row->unit);
	if (row->roles != (SCHEMA_LMA | SCHEMA_MAG))
		snprintf(text + used, sizeof(text) - used, " Role: %s.", role_note(row));
	return json_string(text);
}

static json_t *map_schema(int row);

static json_t *key_schema(int key)
{
	const struct schema_row *row = &schema[key];
	json_t *value = row->type == SCHEMA_MAP ? map_schema(key) : value_schema(row);

	if (schema_is_list(key)) {
		value = json_pack("{s:s, s:o}", "type", "array", "items", value);
		if (row->fixed != 0)
			set(value, "maxItems", json_integer(row->fixed));
		if (row->required || row->fixed != 0 || row->type != SCHEMA_MAP)
			set(value, "minItems", json_integer(1));
	}
	set(value, "description", description(row));
	if (row->fallback != NULL)
		set(value, "default", schema_is_list(key) ? json_pack("[o]", default_value(row)) : default_value(row));
	return value;
}

static json_t *map_schema(int row)
{
	json_t *properties = json_object(), *required = json_array();
	json_t *map =
		json_pack("{s:s, s:b, s:o}", "type", "object", "additionalProperties", 0, "properties", properties);

	for (int key = schema_first(row); key >= 0; key = schema_next(row, key)) {
		size_t length;
		const char *name = schema_name(key, &length);

		json_object_setn_new(properties, name, length, key_schema(key));
		if (schema[key].required)
			json_array_append_new(required, json_stringn(name, length));
	}
	if (json_array_size(required) > 0)
		set(map, "required", required);
	else
		json_decref(required);
	return map;
}

/* With role: ROLE the sections of the other role are no keys. */
static json_t *role_rule(enum role role)
{
	json_t *others = json_object();

	for (int key = schema_first(-1); key >= 0; key = schema_next(-1, key)) {
		size_t length;
		const char *name = schema_name(key, &length);

		if ((schema[key].roles & 1 << role) == 0)
			json_object_setn_new(others, name, length, json_false());
	}
	return json_pack("{s:{s:{s:{s:s}}}, s:{s:o}}", "if", "properties", "role", "const", role_name(role), "then",
		"properties", others);
}

void config_write_json_schema(FILE *out)
{
	json_t *root = json_object();

	set(root, "$schema", json_string("https://json-schema.org/draft/2020-12/schema"));
	set(root, "title", json_string("Configuration of hawser"));
	json_object_update_new(root, map_schema(-1));
	set(root, "allOf", json_pack("[o, o]", role_rule(ROLE_LMA), role_rule(ROLE_MAG)));
	json_dumpf(root, out, JSON_INDENT(2) | JSON_REAL_PRECISION(10));
	fputc('\n', out);
	json_decref(root);
}

static void write_cell(FILE *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '|')
			fputc('\\', out);
		fputc(*text, out);
	}
}

static void write_row(FILE *out, int key)
{
	const struct schema_row *row = &schema[key];
	char allowed[SCHEMA_ALLOWED_MAX];
	bool required = row->required || row->required_roles != 0;
	size_t length;
	const char *name = schema_name(key, &length);

	fprintf(out, "| `%.*s`%s | ", (int)length, name, schema_is_list(key) ? " (list)" : "");
	write_cell(out, schema_allowed(row, allowed));
	fputs(" | ", out);
	if (row->fallback != NULL)
		fprintf(out, "`%s`", row->fallback);
	else if (required)
		fprintf(out, "required%s",
			row->required                       ? ""
			: row->required_roles == SCHEMA_MAG ? " (mag)"
							    : " (lma)");
	fprintf(out, " | %s | ", role_note(row));
	write_cell(out, row->help);
	if (row->source != NULL)
		fprintf(out, " %s.", row->source);
	fputs(" |\n", out);
}

static bool has_table(int key)
{
	return schema[key].type == SCHEMA_MAP;
}

/* The keys of one map as a table, then the maps below it. */
static void write_section(FILE *out, int row)
{
	bool any = false;

	for (int key = schema_first(row); key >= 0; key = schema_next(row, key)) {
		if (has_table(key))
			continue;
		if (!any)
			fputs("\n| Key | Allowed | Default | Role | Meaning |\n|--|--|--|--|--|\n", out);
		any = true;
		write_row(out, key);
	}
	for (int key = schema_first(row); key >= 0; key = schema_next(row, key)) {
		const struct schema_row *r = &schema[key];

		if (!has_table(key))
			continue;
		fprintf(out, "\n## `%s`\n\n%s%s%s\n", r->path, r->help, r->required ? " Required." : "",
			r->roles == SCHEMA_LMA   ? " Only with `role: lma`."
			: r->roles == SCHEMA_MAG ? " Only with `role: mag`."
						 : "");
		write_section(out, key);
	}
}

void config_write_reference(FILE *out)
{
	fputs("# Configuration reference\n\n"
	      "Generated from the schema table (`controlplane/config/schema.c`) by `meson compile -C build "
	      "config-docs`.\n"
	      "Do not edit. `[]` marks a list. Times and rates are in the unit that stands beside the range.\n",
		out);
	write_section(out, -1);
}
