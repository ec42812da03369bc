/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "engine.h"

/*
 * A host for the LMA engine whose updates go through the real door to a table owner on another core, as in the daemon:
 * transactions, update ring, tables of the data plane, grace periods. A PBA counts as sent when its updates are
 * applied.
 *
 * Threads: the measuring thread; the owner is a thread of its own.
 */
struct lma_door;

/* @done: as the engine's end of a transaction. NULL: not enough memory or EAL refused. */
struct lma_door *lma_door_create(
	uint32_t bindings, uint32_t tunnels, void (*done)(void *context, uint64_t cookie, int error), void *context);
void lma_door_destroy(struct lma_door *door);
struct engine_host *lma_door_host(struct lma_door *door);
/* Collect what is applied; returns how many transactions are pending. */
uint32_t lma_door_poll(struct lma_door *door);
/* Octets of the data plane per binding: its share of the tables, and a worker's counters of the node. */
double lma_door_bytes_per_binding(uint32_t bindings);
/* Messages released so far, and those of them that accept. */
void lma_door_counts(const struct lma_door *door, uint64_t *messages, uint64_t *accepted, uint64_t *refused_updates);
