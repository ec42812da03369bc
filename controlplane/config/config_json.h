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
/*
 * A list of {"name", "value", "unit" (null if there is none), "default", "source"}: the protocol variables of the role
 * by their RFC names.
 */
json_t *config_variables_to_json(const struct config *config);
