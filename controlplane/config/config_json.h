/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <jansson.h>

#include "config/config.h"

/*
 * The effective configuration as JSON, with defaults: what `show config` and `show variables` print. The same keys,
 * units and values as in the file; keys of the other role are left out, as are keys without a value.
 *
 * Each returns a new reference, or NULL without memory.
 */
json_t *config_to_json(const struct config *config);

/* A key of the file with its value, or one element of a list: lists may be long. */
struct config_piece {
	char key[64];
	json_t *value;   /* the caller's */
	int64_t element; /* -1: no list */
};

/*
 * Piece @element (0: the first, or what is no list) of key @key, counted from 0. 1 with @piece; 0: nothing there, go on
 * with the next key; -ENOENT: no more keys; -ENOMEM.
 */
int config_piece_to_json(const struct config *config, unsigned key, uint64_t element, struct config_piece *piece);
/*
 * A list of {"name", "value", "unit" (null if there is none), "default", "source"}: the protocol variables of the role
 * by their RFC names.
 */
json_t *config_variables_to_json(const struct config *config);
