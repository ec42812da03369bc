/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "api/walk.h"

/*
 * The mobile node that a command names in its argument `mn`: an identifier in the text form of rows.h, or in a MAG the
 * link-layer address of a node that policy knows. 0, or -EINVAL with the walk's refusal. @id points into @bytes.
 *
 * Threads: the control core.
 */
int node_argument(struct walk *walk, uint8_t bytes[MN_ID_MAX], struct mn_id *id);
