/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmip/id_map.h"

#include <errno.h>
#include <stdlib.h>

#include "endpoint.h"

#define SLOTS_MIN 16

static uint64_t home_of(const struct id_map *map, uint64_t id)
{
	return endpoint_hash(id ^ map->seed) & map->mask;
}

static int slots_allocate(struct id_map *map, uint64_t slots)
{
	uint64_t *ids = calloc(slots, sizeof(*ids));
	uint32_t *values = calloc(slots, sizeof(*values));

	if (ids == NULL || values == NULL) {
		free(ids);
		free(values);
		return -ENOMEM;
	}
	map->ids = ids;
	map->values = values;
	map->mask = slots - 1;
	return 0;
}

int id_map_init(struct id_map *map, uint64_t expected, uint64_t seed)
{
	uint64_t slots = SLOTS_MIN;

	while (slots / 4 * 3 < expected)
		slots *= 2;
	*map = (struct id_map){.seed = seed};
	return slots_allocate(map, slots);
}

void id_map_fini(struct id_map *map)
{
	free(map->ids);
	free(map->values);
	*map = (struct id_map){0};
}

static uint64_t slot_of(const struct id_map *map, uint64_t id)
{
	uint64_t slot = home_of(map, id);

	while (map->ids[slot] != 0 && map->ids[slot] != id)
		slot = (slot + 1) & map->mask;
	return slot;
}

uint32_t id_map_lookup(const struct id_map *map, uint64_t id)
{
	uint64_t slot = slot_of(map, id);

	return map->ids[slot] == id && id != 0 ? map->values[slot] : ID_MAP_NONE;
}

static int grow(struct id_map *map)
{
	struct id_map old = *map;

	if (slots_allocate(map, (old.mask + 1) * 2) != 0)
		return -ENOMEM;
	for (uint64_t i = 0; i <= old.mask; i++) {
		if (old.ids[i] != 0) {
			uint64_t slot = slot_of(map, old.ids[i]);

			map->ids[slot] = old.ids[i];
			map->values[slot] = old.values[i];
		}
	}
	free(old.ids);
	free(old.values);
	return 0;
}

int id_map_insert(struct id_map *map, uint64_t id, uint32_t value)
{
	uint64_t slot = slot_of(map, id);

	if (map->ids[slot] != id) {
		if (map->count >= (map->mask + 1) / 4 * 3) {
			if (grow(map) != 0)
				return -ENOMEM;
			slot = slot_of(map, id);
		}
		map->ids[slot] = id;
		map->count++;
	}
	map->values[slot] = value;
	return 0;
}

/* Close the gap: move back each later entry of the run that may lie there. */
void id_map_remove(struct id_map *map, uint64_t id)
{
	uint64_t gap = slot_of(map, id);

	if (id == 0 || map->ids[gap] != id)
		return;
	for (uint64_t i = (gap + 1) & map->mask; map->ids[i] != 0; i = (i + 1) & map->mask) {
		uint64_t home = home_of(map, map->ids[i]);

		if (((i - home) & map->mask) >= ((i - gap) & map->mask)) {
			map->ids[gap] = map->ids[i];
			map->values[gap] = map->values[i];
			gap = i;
		}
	}
	map->ids[gap] = 0;
	map->count--;
}

uint64_t id_map_bytes(const struct id_map *map)
{
	return (map->mask + 1) * (sizeof(*map->ids) + sizeof(*map->values));
}
