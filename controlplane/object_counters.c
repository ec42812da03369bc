/* SPDX-License-Identifier: BSD-3-Clause */
#include "object_counters.h"

#include <stdlib.h>

struct object_baselines {
	const struct door *door;
	struct object_counter *spaces[INDEX_SPACE_COUNT]; /* [index * COUNTER_DIRECTIONS + direction] */
};

static uint32_t space_size(const struct door *door, enum index_space space)
{
	return space == INDEX_NODE ? door->config.nodes_max : door->config.tunnels_max;
}

static void read_sum(const struct door *door, enum index_space space, uint32_t index, enum counter_direction direction,
	struct object_counter *sum)
{
	if (space == INDEX_NODE)
		door_node_counter(door, index, direction, sum);
	else
		door_tunnel_counter(door, index, direction, sum);
}

struct object_baselines *object_baselines_create(const struct door *door)
{
	struct object_baselines *baselines = calloc(1, sizeof(*baselines));

	if (baselines == NULL)
		return NULL;
	baselines->door = door;
	for (unsigned space = 0; space < INDEX_SPACE_COUNT; space++) {
		size_t slots = (size_t)space_size(door, (enum index_space)space) * COUNTER_DIRECTIONS;

		baselines->spaces[space] = calloc(slots + 1, sizeof(struct object_counter));
		if (baselines->spaces[space] == NULL) {
			object_baselines_destroy(baselines);
			return NULL;
		}
	}
	return baselines;
}

void object_baselines_destroy(struct object_baselines *baselines)
{
	if (baselines == NULL)
		return;
	for (unsigned space = 0; space < INDEX_SPACE_COUNT; space++)
		free(baselines->spaces[space]);
	free(baselines);
}

void object_baselines_take(struct object_baselines *baselines, enum index_space space, uint32_t index)
{
	if (index >= space_size(baselines->door, space))
		return;
	for (unsigned direction = 0; direction < COUNTER_DIRECTIONS; direction++)
		read_sum(baselines->door, space, index, (enum counter_direction)direction,
			&baselines->spaces[space][(size_t)index * COUNTER_DIRECTIONS + direction]);
}

void object_baselines_read(const struct object_baselines *baselines, enum index_space space, uint32_t index,
	enum counter_direction direction, struct object_counter *sum)
{
	const struct object_counter *baseline;

	*sum = (struct object_counter){0, 0};
	if (index >= space_size(baselines->door, space))
		return;
	baseline = &baselines->spaces[space][(size_t)index * COUNTER_DIRECTIONS + direction];
	read_sum(baselines->door, space, index, direction, sum);
	sum->packets -= baseline->packets;
	sum->bytes -= baseline->bytes;
}
