/* SPDX-License-Identifier: BSD-3-Clause */
#include "tables.h"

#include <errno.h>

int tables_create(const struct tables_config *config, const struct memory *memory, struct tables **created)
{
	struct tables *tables;
	struct reclaim *reclaim;
	int error;

	if (config->neighbours_max > ROUTE_NEXT_HOP_MAX) /* a route could not name them all */
		return -EINVAL;
	tables = memory->alloc(memory, sizeof(*tables), 64);
	if (tables == NULL)
		return -ENOMEM;
	tables->memory = memory;
	reclaim = &tables->reclaim;
	error = reclaim_init(reclaim, config->readers_max, memory);
	if (error == 0)
		error = endpoint_table_create(config->endpoints_max, config->seed, reclaim, memory, &tables->endpoints);
	if (error == 0 && config->links_max != 0)
		error = link_table_create(config->links_max, config->seed + 1, reclaim, memory, &tables->links);
	if (error == 0)
		error = tunnel_table_create(config->tunnels_max, config->seed + 2, reclaim, memory, &tables->tunnels);
	if (error == 0)
		error = neighbour_table_create(config->neighbours_max, reclaim, memory, &tables->neighbours);
	if (error == 0)
		error = route_table_create(config->routes_max, config->seed + 3, reclaim, memory, &tables->routes);
	if (error == 0 && config->pairs_max != 0)
		error = pair_table_create(config->pairs_max, config->seed + 4, reclaim, memory, &tables->pairs);
	if (error != 0) {
		tables_destroy(tables);
		return error;
	}
	*created = tables;
	return 0;
}

void tables_destroy(struct tables *tables)
{
	if (tables == NULL)
		return;
	pair_table_destroy(tables->pairs);
	route_table_destroy(tables->routes);
	neighbour_table_destroy(tables->neighbours);
	tunnel_table_destroy(tables->tunnels);
	link_table_destroy(tables->links);
	endpoint_table_destroy(tables->endpoints);
	reclaim_fini(&tables->reclaim);
	tables->memory->free(tables->memory, tables);
}

uint64_t tables_memory_bytes(const struct tables_config *config)
{
	uint64_t links = config->links_max != 0 ? link_table_memory_bytes(config->links_max) : 0;
	uint64_t pairs = config->pairs_max != 0 ? pair_table_memory_bytes(config->pairs_max) : 0;

	return sizeof(struct tables) + rte_rcu_qsbr_get_memsize(config->readers_max) + links + pairs +
	       endpoint_table_memory_bytes(config->endpoints_max) + tunnel_table_memory_bytes(config->tunnels_max) +
	       neighbour_table_memory_bytes(config->neighbours_max) + route_table_memory_bytes(config->routes_max);
}
