/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "engine.h"

/*
 * A host for an engine whose updates go through the real door to a table owner on another core, as in the daemon:
 * transactions, update ring, tables of the data plane, grace periods. A message is sent when the updates
 * before it are applied.
 *
 * Threads: the measuring thread; the owner is a thread of its own.
 */
struct engine_door;

struct engine_door_config {
	uint32_t nodes, tunnels, pairs; /* pairs 0: no table of pairs */
	/* What the engine hears, and its messages when their updates are applied. */
	void (*done)(void *context, uint64_t cookie, int error);
	void (*sent)(void *context, const struct mh_datagram *datagram);
	void *context;
};

/* NULL: not enough memory or EAL refused. */
struct engine_door *engine_door_create(const struct engine_door_config *config);
void engine_door_destroy(struct engine_door *door);
struct engine_host *engine_door_host(struct engine_door *door);
/* Collect what is applied; returns how many transactions are pending. */
uint32_t engine_door_poll(struct engine_door *door);
/* Octets of the data plane per binding: its share of the tables, and a worker's counters of the node. */
double engine_door_bytes_per_binding(uint32_t bindings);
/* Updates that the owner refused. */
uint64_t engine_door_refused(const struct engine_door *door);
