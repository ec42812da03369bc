/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdint.h>

#include "endpoint_table.h"
#include "link_table.h"
#include "memory.h"
#include "neighbour_table.h"
#include "pair_table.h"
#include "reclaim.h"
#include "route_table.h"
#include "tunnel_table.h"

/*
 * The forwarding tables of one NUMA socket: written by their owner (owner.h), read by all workers of the socket.
 *
 * Threads: create and destroy by the main thread, while no worker runs. A reader registers with tables.reclaim under
 * its number, see reclaim.h.
 */
struct tables_config {
	uint32_t endpoints_max;
	uint32_t links_max; /* 0: no link table (LMA) */
	uint32_t pairs_max; /* entries: halves of pairs; 0: no pair table (LMA, or no route optimisation) */
	uint32_t tunnels_max;
	uint32_t neighbours_max;
	uint32_t routes_max;
	unsigned readers_max; /* readers are 0..readers_max-1 */
	uint64_t seed;        /* random: what hosts choose shall not pick its place in a hash table */
};

struct tables {
	struct endpoint_table *endpoints;
	struct link_table *links; /* NULL in an LMA */
	struct pair_table *pairs; /* NULL: no pairs */
	struct tunnel_table *tunnels;
	struct neighbour_table *neighbours;
	struct route_table *routes;
	struct reclaim reclaim;
	const struct memory *memory;
};

/* 0 or negative errno; @memory must outlive the tables. */
int tables_create(const struct tables_config *config, const struct memory *memory, struct tables **tables);
void tables_destroy(struct tables *tables);
/* Memory that tables of that size take: what start-up reserves. */
uint64_t tables_memory_bytes(const struct tables_config *config);
