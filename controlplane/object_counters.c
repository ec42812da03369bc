/* SPDX-License-Identifier: BSD-3-Clause */
#include "object_counters.h"

#include <stdlib.h>

/* What is counted besides the index spaces of the host. */
enum { SPACE_PAIR = INDEX_SPACE_COUNT, SPACE_COUNT };

struct object_baselines {
	const struct door *door;
	struct object_counter *spaces[SPACE_COUNT]; /* [index * COUNTER_DIRECTIONS + direction] */
};

static uint32_t space_size(const struct door *door, unsigned space)
{
	if (space == SPACE_PAIR)
		return door->config.pairs_max;
	return space == INDEX_NODE ? door->config.nodes_max : door->config.tunnels_max;
}

static void read_sum(const struct door *door, unsigned space, uint32_t index, enum counter_direction direction,
	struct object_counter *sum)
{
	if (space == SPACE_PAIR)
		door_pair_counter(door, index, direction, sum);
	else if (space == INDEX_NODE)
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
	for (unsigned space = 0; space < SPACE_COUNT; space++) {
		size_t slots = (size_t)space_size(door, space) * COUNTER_DIRECTIONS;

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
	for (unsigned space = 0; space < SPACE_COUNT; space++)
		free(baselines->spaces[space]);
	free(baselines);
}

static void take(struct object_baselines *baselines, unsigned space, uint32_t index)
{
	if (index >= space_size(baselines->door, space))
		return;
	for (unsigned direction = 0; direction < COUNTER_DIRECTIONS; direction++)
		read_sum(baselines->door, space, index, (enum counter_direction)direction,
			&baselines->spaces[space][(size_t)index * COUNTER_DIRECTIONS + direction]);
}

static void read_since(const struct object_baselines *baselines, unsigned space, uint32_t index,
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

void object_baselines_take(struct object_baselines *baselines, enum index_space space, uint32_t index)
{
	take(baselines, space, index);
}

void object_baselines_take_pair(struct object_baselines *baselines, uint32_t pair)
{
	take(baselines, SPACE_PAIR, pair);
}

void object_baselines_read(const struct object_baselines *baselines, enum index_space space, uint32_t index,
	enum counter_direction direction, struct object_counter *sum)
{
	read_since(baselines, space, index, direction, sum);
}

void object_baselines_read_pair(const struct object_baselines *baselines, uint32_t pair,
	enum counter_direction direction, struct object_counter *sum)
{
	read_since(baselines, SPACE_PAIR, pair, direction, sum);
}
