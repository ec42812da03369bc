/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "door.h"
#include "engine.h"

/*
 * Transactions on their way through the door (DESIGN section 1): takes the updates and messages of the engines, pushes
 * the updates in the order of the commits, and releases the messages of a transaction when its last update is applied,
 * its tunnels have a next hop, and, if it says so, its removals are reclaimed. Owns the index spaces.
 *
 * Threads: the control core. Memory: transactions come from the heap while they are pending; above `high_water` engines
 * are told busy and refuse new sessions, so what comes on top are removals and refreshes, bounded by the sessions.
 */
struct transactions;

/* The door as seen from here; tests give their own. */
struct transactions_door {
	uint64_t (*push)(void *context, const struct fwd_update *update); /* sequence number, or 0: no room */
	uint64_t (*applied)(void *context);
	uint64_t (*reclaimed)(void *context);
	unsigned (*failures)(void *context, struct door_failure *failures, unsigned n);
};

/* Where released messages go, and who knows next hops. */
struct transactions_host {
	void (*send)(void *context, const struct mh_datagram *datagram);
	void (*send_frame)(void *context, const struct access_frame *frame);
	/* As inner packet of a tunnel; NULL in an LMA. */
	void (*send_inner)(void *context, uint32_t tunnel, const struct mh_datagram *datagram);
	/* As net_tunnel_insert() and net_tunnel_remove(): 1 resolved, 0 not yet, negative errno: never. */
	int (*tunnel_insert)(void *context, struct fwd_update *update);
	void (*tunnel_remove)(void *context, uint32_t tunnel);
	/* The index was allocated: counters of it start here. */
	void (*index_allocated)(void *context, enum index_space space, uint32_t index);
	/* Something happened to a mobile node; may be NULL. */
	void (*event)(
		void *context, const struct engine_time *now, const struct mn_id *id, uint8_t event, uint8_t value);
	uint64_t (*random)(void *context);
};

struct transactions_config {
	uint32_t indexes[INDEX_SPACE_COUNT]; /* size of each space */
	uint32_t high_water;                 /* pending transactions */
};

/* NULL: not enough memory. @door and @host are copied, their contexts outlive the object. */
struct transactions *transactions_create(const struct transactions_config *config, const struct transactions_door *door,
	void *door_context, const struct transactions_host *host, void *host_context);
void transactions_destroy(struct transactions *transactions);

/*
 * The host of one engine; @done is called out of transactions_poll(), never out of a function of the host. Lives as
 * long as the transactions.
 */
struct engine_host *transactions_engine(
	struct transactions *transactions, void (*done)(void *context, uint64_t cookie, int error), void *context);

/*
 * One update outside of transactions (next hops, routes, templates). False if older ones still wait for room: try again
 * later. A refusal is counted and logged.
 */
bool transactions_push(struct transactions *transactions, const struct fwd_update *update);

/* Sequence number of the last update that was pushed; 0 if none was. */
uint64_t transactions_pushed(const struct transactions *transactions);

/*
 * A tunnel that went in unresolved has a next hop now, or will not get one: then every transaction that needs it fails,
 * also those to come, until it is removed or resolved after all.
 */
void transactions_tunnel_resolved(struct transactions *transactions, uint32_t tunnel, int error);

/* Push what waits, collect what is done. Returns transactions_waiting(). */
bool transactions_poll(struct transactions *transactions);
/* True if something waits for the door, or was resolved since the last poll: poll again soon. */
bool transactions_waiting(const struct transactions *transactions);

struct transactions_stats {
	uint32_t pending, waiting_for_tunnel;
	uint64_t committed, failed;
	uint64_t updates, updates_refused;
	uint32_t indexes_used[INDEX_SPACE_COUNT];
};

void transactions_stats(const struct transactions *transactions, struct transactions_stats *stats);
