/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "api/objects.h"
#include "cli/table.h"

/*
 * What the table of an object shows, in order; ends with a NULL key. A column whose key no row has is left out, so that
 * one list serves both roles. Never NULL for an object.
 */
const struct column *object_columns(enum object object);
/* Is the object one row, printed as a record? */
bool object_is_record(enum object object);
