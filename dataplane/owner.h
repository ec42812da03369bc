/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdint.h>

#include "door.h"
#include "endpoint_table.h"
#include "link_table.h"
#include "memory.h"
#include "neighbour_table.h"
#include "reclaim.h"
#include "route_table.h"
#include "tunnel_table.h"

/*
 * The forwarding tables of one NUMA socket, and their owner: the first worker of the socket, which alone writes them,
 * from the updates of the door. All workers of the socket read them.
 *
 * Threads: tables_create/destroy and owner_init: the main thread, while no worker runs. owner_apply: the owner.
 * A reader registers with tables.reclaim under its number, see reclaim.h.
 */
struct tables_config {
	uint32_t endpoints_max;
	uint32_t links_max; /* 0: no link table (LMA) */
	uint32_t tunnels_max;
	uint32_t neighbours_max;
	uint32_t routes_max;
	unsigned readers_max; /* readers are 0..readers_max-1 */
	uint64_t seed;        /* random: what hosts choose shall not pick its place in a hash table */
};

struct tables {
	struct endpoint_table *endpoints;
	struct link_table *links; /* NULL in an LMA */
	struct tunnel_table *tunnels;
	struct neighbour_table *neighbours;
	struct route_table *routes;
	struct reclaim reclaim;
	const struct memory *memory;
};

/* 0 or negative errno; @memory must outlive the tables. */
int tables_create(const struct tables_config *config, const struct memory *memory, struct tables **tables);
void tables_destroy(struct tables *tables);
/* Memory that tables of that size take, to the block: what start-up reserves. */
uint64_t tables_memory_bytes(const struct tables_config *config);

#define OWNER_BATCH 32 /* updates fetched at once */

struct owner {
	struct tables *tables;
	struct door *door;
	struct door_socket *socket;
	unsigned worker; /* number of the worker that owns: its event ring takes answers */
	uint64_t applied_seq;
	unsigned at, count; /* of batch: those from at on are not applied yet */
	struct fwd_update batch[OWNER_BATCH];
};

/* @socket: index in the door; @worker: whose thread will call owner_apply(). */
void owner_init(struct owner *owner, struct tables *tables, struct door *door, unsigned socket, unsigned worker);
/*
 * Apply up to @budget updates of the ring in order, report refusals, then applied_seq (release), and advance
 * reclaimed_seq. Once per worker loop, also when nothing seems to wait. Stops early when the failure ring is full or
 * every spare entry waits for its grace period, and goes on there the next time: nothing is lost. Returns how many were
 * applied. It does not report quiescence: the owner does that for itself, as every reader.
 */
unsigned owner_apply(struct owner *owner, unsigned budget);
/* True if something waits for owner_apply(): updates, or grace periods that are under way. Owner, before it sleeps. */
bool owner_has_work(const struct owner *owner);
/* Apply one update, as owner_apply() does. 0 or negative errno. For tests and benchmarks. */
int owner_apply_one(struct owner *owner, const struct fwd_update *update);
