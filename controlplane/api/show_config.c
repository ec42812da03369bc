/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "api/walk.h"
#include "config/config_json.h"

/*
 * `show config` and `show variables`. The configuration is made as one document at the start of the walk and given in
 * pieces: one row per key of the file, a list one row per element, so that no page is larger than its pieces.
 */

/* The key that the walk is at: place.phase counts keys. */
static void *key_at(json_t *document, uint32_t number)
{
	void *key = json_object_iter(document);

	while (key != NULL && number-- > 0)
		key = json_object_iter_next(document, key);
	return key;
}

static int piece_row(const char *key, json_t *value, json_int_t element, json_t **row)
{
	struct row out;

	row_start(&out);
	row_text(&out, "key", key);
	row_json(&out, "element", element >= 0 ? json_integer(element) : json_null());
	row_json(&out, "value", json_incref(value));
	return row_finish(&out, row);
}

int show_config_step(struct walk *walk, json_t **row)
{
	json_t *value, *element;
	void *key;

	*row = NULL;
	if (walk->held == NULL)
		walk->held = config_to_json(walk->sources->config);
	if (walk->held == NULL)
		return -ENOMEM;
	key = key_at(walk->held, walk->place.phase);
	if (key == NULL)
		return 0;
	value = json_object_iter_value(key);
	if (json_is_array(value)) {
		element = json_array_get(value, (size_t)walk->place.at);
		if (element != NULL)
			return piece_row(json_object_iter_key(key), element, (json_int_t)walk->place.at++, row);
	}
	walk->place = (struct walk_place){walk->place.phase + 1, 0};
	return json_is_array(value) ? 1 : piece_row(json_object_iter_key(key), value, -1, row);
}

int show_variables_step(struct walk *walk, json_t **row)
{
	const json_t *next;
	const char *name;

	*row = NULL;
	if (walk->held == NULL)
		walk->held = config_variables_to_json(walk->sources->config);
	if (walk->held == NULL)
		return -ENOMEM;
	next = json_array_get(walk->held, (size_t)walk->place.at);
	name = json_string_value(json_object_get(next, "name"));
	if (next == NULL || name == NULL || filter_name_pattern(&walk->request->filter, name))
		return walk_held_step(walk, row);
	walk->place.at++;
	return 1;
}
