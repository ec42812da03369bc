/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "config/schema.h"

/*
 * Values of the configuration: text to field and back, by the type of the schema row.
 *
 * Threads: any, no state.
 */

/*
 * Read @text into the field at @field, which belongs to the list element or configuration at @base (SCHEMA_DEVICE sets
 * two fields). @plain: without quotes, as numbers and booleans have to be. Returns NULL, or what is wrong as words for
 * a message; @hint (of SCHEMA_ALLOWED_MAX) then holds what is allowed.
 */
const char *value_parse(const struct schema_row *row, const char *text, bool plain, void *base, void *field,
	char hint[SCHEMA_ALLOWED_MAX]);
/* The integer in a field of 1, 2, 4 or 8 octets; signed only with four (int). */
int64_t value_number(const struct schema_row *row, const void *field);

#define VALUE_TEXT_MAX 512
#define VALUE_HIDDEN   "(hidden)" /* what stands for a secret */
/* The value as it would stand in a file; of a SCHEMA_KEY only that there is one. */
const char *value_format(const struct schema_row *row, const void *base, const void *field, char text[VALUE_TEXT_MAX]);
