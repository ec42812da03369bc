/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdint.h>

/*
 * Map from 64-bit ids (home network prefixes, hashes) to 32-bit indexes: open addressing, linear probing, no
 * tombstones, 12 octets a slot. Id 0 and index ID_MAP_NONE are not storable. Doubles when three quarters full; size it
 * at creation where a pause for that matters.
 *
 * Threads: the control core.
 */
#define ID_MAP_NONE UINT32_MAX

struct id_map {
	uint64_t *ids; /* 0: free */
	uint32_t *values;
	uint64_t mask; /* slots - 1 */
	uint64_t count;
	uint64_t seed; /* keeps outsiders from choosing colliding ids */
};

/* Room for @expected ids before it first grows. 0 or -ENOMEM. */
int id_map_init(struct id_map *map, uint64_t expected, uint64_t seed);
void id_map_fini(struct id_map *map);
/* ID_MAP_NONE: not there. */
uint32_t id_map_lookup(const struct id_map *map, uint64_t id);
/* Insert or overwrite. 0 or -ENOMEM. */
int id_map_insert(struct id_map *map, uint64_t id, uint32_t value);
/* Nothing happens if it is not there. */
void id_map_remove(struct id_map *map, uint64_t id);
uint64_t id_map_bytes(const struct id_map *map);
