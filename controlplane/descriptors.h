/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdint.h>

#include "door.h"

/*
 * Slots of the descriptor slab in the door: written here before an update names them, read by the owner when it applies
 * the update. A slot that is given back is used again only when every update pushed until then is applied.
 *
 * Threads: the control core.
 */
struct descriptors;

struct descriptors *descriptors_create(struct door *door);
void descriptors_destroy(struct descriptors *descriptors);
/* Copies @template into a free slot; INDEX_NONE: none is free now. */
uint32_t descriptors_put(struct descriptors *descriptors, const struct tunnel_template *template);
/* @pushed: sequence number of the last update that was pushed. */
void descriptors_release(struct descriptors *descriptors, uint32_t slot, uint64_t pushed);
