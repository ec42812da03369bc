/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "api/walk.h"
#include "config/config_json.h"

/*
 * `show config` and `show variables`. The configuration is given in pieces, one row per key of the file, a list one row
 * per element, each made when its turn comes: tens of thousands of mobile nodes must not be made at once.
 */
int show_config_step(struct walk *walk, json_t **row)
{
	struct config_piece piece;
	struct row out;
	int result;

	*row = NULL;
	/* phase counts keys, at the elements of one */
	result = config_piece_to_json(walk->sources->config, walk->place.phase, walk->place.at, &piece);
	if (result == -ENOENT)
		return 0;
	if (result < 0)
		return result;
	if (result == 0) {
		walk->place = (struct walk_place){walk->place.phase + 1, 0};
		return 1;
	}
	walk->place.at++;
	row_start(&out);
	row_text(&out, "key", piece.key);
	row_json(&out, "element", piece.element >= 0 ? json_integer(piece.element) : json_null());
	row_json(&out, "value", piece.value);
	return row_finish(&out, row);
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
