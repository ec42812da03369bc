/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/loader.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "config/schema.h"
#include "config/value.h"

#define KEY_TEXT_MAX 256
#define ROWS_MAX     256

_Static_assert(SCHEMA_LMA == 1 << ROLE_LMA && SCHEMA_MAG == 1 << ROLE_MAG, "roles are bits");

/* Where in the file: for the paths in messages, put together only when there is one. */
struct place {
	const struct place *up;
	const char *key; /* NULL: item of a list */
	unsigned index;
};

struct loader {
	struct report *report;
	uint8_t role; /* SCHEMA_LMA or SCHEMA_MAG; 0: not known, so that every key is taken */
};

static size_t place_format(const struct place *place, char text[KEY_TEXT_MAX])
{
	size_t used;

	if (place == NULL || (place->up == NULL && place->key == NULL)) {
		text[0] = '\0';
		return 0;
	}
	used = place_format(place->up, text);
	if (place->key == NULL)
		snprintf(text + used, KEY_TEXT_MAX - used, "[%u]", place->index);
	else
		snprintf(text + used, KEY_TEXT_MAX - used, "%s%s", used > 0 ? "." : "", place->key);
	return strlen(text);
}

static void __attribute__((format(printf, 5, 6)))
complain(struct loader *loader, int line, const struct place *place, const char *value, const char *format, ...)
{
	char key[KEY_TEXT_MAX], message[SCHEMA_ALLOWED_MAX + 128];
	va_list args;

	place_format(place, key);
	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	report(loader->report, line, key, value, "%s", message);
}

static void load_map(
	struct loader *loader, const struct tree_node *map, int row, void *base, const struct place *place);

static void load_value(struct loader *loader, const struct tree_node *node, int row, void *base, void *field,
	const struct place *place)
{
	char hint[SCHEMA_ALLOWED_MAX];
	const char *problem;
	bool secret = schema[row].type == SCHEMA_KEY;

	if (node->kind != TREE_SCALAR) {
		complain(loader, node->line, place, tree_text(node), "%s where a value belongs; allowed: %s",
			node->kind == TREE_LIST ? "a list" : "keys", schema_allowed(&schema[row], hint));
		return;
	}
	problem = value_parse(&schema[row], node->text, node->plain, base, field, hint);
	if (problem != NULL)
		complain(loader, node->line, place, secret ? VALUE_HIDDEN : node->text, "%s; allowed: %s", problem,
			hint);
}

static bool is_map(struct loader *loader, const struct tree_node *node, const struct place *place)
{
	if (node->kind == TREE_MAP)
		return true;
	complain(loader, node->line, place, tree_text(node), "%s where keys belong; allowed: keys and values",
		node->kind == TREE_LIST ? "a list" : "a value");
	return false;
}

static unsigned count_items(const struct tree_node *list)
{
	unsigned count = 0;

	for (const struct tree_node *item = list->first; item != NULL; item = item->next)
		count++;
	return count;
}

/* Elements of the list at @field: in place, or allocated now. NULL: no memory. */
static char *list_room(const struct schema_row *row, char *field, unsigned count)
{
	char *elements;

	if (row->fixed != 0)
		return field;
	elements = calloc(count, row->size);
	*(void **)field = elements;
	return elements;
}

static void load_list(
	struct loader *loader, const struct tree_node *list, int row, char *base, const struct place *place)
{
	const struct schema_row *r = &schema[row];
	unsigned count = count_items(list), *stored = (unsigned *)(base + r->count_offset);
	struct place item_place = {.up = place};
	char *element;

	if (list->kind != TREE_LIST) {
		complain(loader, list->line, place, tree_text(list), "not a list; allowed: a list as in [a, b]");
		return;
	}
	if (count == 0 && (r->required || r->fixed != 0 || r->type != SCHEMA_MAP))
		complain(loader, list->line, place, "[]", "empty; allowed: a list with at least one item");
	if (r->fixed != 0 && count > r->fixed)
		complain(loader, list->line, place, "[...]", "%u items; allowed: at most %u", count, r->fixed);
	if (count == 0 || (r->fixed != 0 && count > r->fixed))
		return;
	element = list_room(r, base + r->offset, count);
	if (element == NULL) {
		report(loader->report, list->line, NULL, NULL, "not enough memory");
		return;
	}
	*stored = count;
	for (const struct tree_node *item = list->first; item != NULL; item = item->next, element += r->size) {
		if (r->type == SCHEMA_MAP) {
			*(int *)(element + r->line_offset) = item->line;
			if (is_map(loader, item, &item_place))
				load_map(loader, item, row, element, &item_place);
		} else {
			if (r->type == SCHEMA_PREFIX || r->type == SCHEMA_INTERFACE)
				((struct config_prefix *)element)->line = item->line;
			load_value(loader, item, row, base, element, &item_place);
		}
		item_place.index++;
	}
}

static void load_key(struct loader *loader, const struct tree_node *node, int row, char *base, const struct place *up)
{
	const struct schema_row *r = &schema[row];
	struct place place = {.up = up, .key = node->key};

	if (schema_is_list(row)) {
		load_list(loader, node, row, base, &place);
	} else if (r->type == SCHEMA_MAP) {
		if (is_map(loader, node, &place))
			load_map(loader, node, row, base, &place);
	} else {
		if (r->type == SCHEMA_PREFIX || r->type == SCHEMA_INTERFACE)
			((struct config_prefix *)(base + r->offset))->line = node->line;
		load_value(loader, node, row, base, base + r->offset, &place);
	}
	if (r->given_offset != 0)
		*(bool *)(base + r->given_offset) = true;
}

/* What stands in the file instead of a missing key. The table is ours: a fallback that does not fit is a bug. */
static void load_fallback(struct loader *loader, int row, char *base)
{
	const struct schema_row *r = &schema[row];
	char hint[SCHEMA_ALLOWED_MAX];
	const char *problem;

	if (r->type == SCHEMA_MAP && !schema_is_list(row))
		load_map(loader, NULL, row, base, NULL);
	if (r->fallback == NULL)
		return;
	if (schema_is_list(row))
		*(unsigned *)(base + r->count_offset) = 1; /* a fixed list with one item */
	problem = value_parse(r, r->fallback, true, base, base + r->offset, hint);
	if (problem != NULL)
		report(loader->report, 0, r->path, r->fallback, "the default: %s; allowed: %s", problem, hint);
}

static void report_unknown(struct loader *loader, const struct tree_node *node, int row, const struct place *place)
{
	const uint8_t all = SCHEMA_LMA | SCHEMA_MAG;
	int nearest = schema_nearest(row, node->key, loader->role != 0 ? loader->role : all);
	size_t length;

	if (nearest >= 0) {
		const char *name = schema_name(nearest, &length);

		complain(loader, node->key_line, place, tree_text(node), "unknown key; the nearest known one is %.*s",
			(int)length, name);
		return;
	}
	complain(loader, node->key_line, place, tree_text(node), "unknown key; allowed: those in config/REFERENCE.md");
}

/* False if the key is not taken: unknown, of the other role, there before. */
static bool accept_key(
	struct loader *loader, const struct tree_node *node, int row, int key, int *seen, const struct place *up)
{
	struct place place = {.up = up, .key = node->key};

	if (key < 0) {
		report_unknown(loader, node, row, &place);
		return false;
	}
	if (seen[key] != 0) {
		complain(loader, node->key_line, &place, tree_text(node), "the key stands twice; first in line %d",
			seen[key]);
		return false;
	}
	seen[key] = node->key_line;
	if (loader->role != 0 && (schema[key].roles & loader->role) == 0) {
		complain(loader, node->key_line, &place, tree_text(node),
			"a key of the other role; allowed with role: %s",
			role_name(loader->role == SCHEMA_LMA ? ROLE_MAG : ROLE_LMA));
		return false;
	}
	return true;
}

static void check_missing(struct loader *loader, const struct tree_node *map, int key, const struct place *up)
{
	const struct schema_row *r = &schema[key];
	char name[64], hint[SCHEMA_ALLOWED_MAX];
	struct place place = {.up = up, .key = name};
	size_t length;
	const char *word = schema_name(key, &length);

	if (!r->required && (r->required_roles & loader->role) == 0)
		return;
	snprintf(name, sizeof(name), "%.*s", (int)length, word);
	complain(loader, map->line, &place, NULL, "missing; allowed: %s",
		schema_is_list(key) ? "a list with at least one item" : schema_allowed(r, hint));
}

/* @map NULL: every key is missing and none required. */
static void load_map(struct loader *loader, const struct tree_node *map, int row, void *base, const struct place *place)
{
	int seen[ROWS_MAX];

	memset(seen, 0, schema_count * sizeof(*seen));
	for (const struct tree_node *node = map != NULL ? map->first : NULL; node != NULL; node = node->next) {
		int key = schema_key(row, node->key, strlen(node->key));

		if (accept_key(loader, node, row, key, seen, place))
			load_key(loader, node, key, base, place);
	}
	for (int key = schema_first(row); key >= 0; key = schema_next(row, key)) {
		if (seen[key] != 0)
			continue;
		if (map != NULL && (loader->role == 0 || (schema[key].roles & loader->role) != 0))
			check_missing(loader, map, key, place);
		load_fallback(loader, key, base);
	}
}

static uint8_t find_role(const struct tree_node *root)
{
	const struct tree_node *role = tree_child(root, "role");

	for (unsigned i = 0; role != NULL && role->kind == TREE_SCALAR && i < ROLE_COUNT; i++)
		if (strcmp(role->text, role_name((enum role)i)) == 0)
			return (uint8_t)(1 << i);
	return 0;
}

struct config *config_from_tree(const struct tree *tree, struct report *report)
{
	struct config *config = calloc(1, sizeof(*config));
	const struct tree_node *root = tree_root(tree);
	struct loader loader = {.report = report};

	if (config == NULL)
		return NULL;
	if (!is_map(&loader, root, NULL))
		return config;
	loader.role = find_role(root);
	load_map(&loader, root, -1, config, NULL);
	return config;
}
