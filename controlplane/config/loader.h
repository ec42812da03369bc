/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "config/config.h"
#include "config/report.h"
#include "config/tree.h"

/*
 * From a tree to a struct config by the schema table: types, ranges, unknown, missing and repeated keys, defaults.
 * Mistakes go to @report. NULL only without memory. What depends on several keys is for validate.h.
 */
struct config *config_from_tree(const struct tree *tree, struct report *report);
