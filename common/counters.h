/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdint.h>

#include "drop_reasons.h"
#include "bounds.h"
#include "hold_ends.h"
#include "punt_reasons.h"
#include "stages.h"

/*
 * Counters. Each worker only adds, to memory that it alone writes; nobody zeroes. The control core sums over
 * workers with relaxed loads and subtracts a baseline taken when an index was allocated or `clear counters` ran.
 */

struct object_counter {
	uint64_t packets;
	uint64_t bytes; /* layer 3, inner */
};

struct stage_counter {
	uint64_t calls;
	uint64_t packets;
	uint64_t cycles; /* TSC; of passes of 16 packets or more estimated from one in 16, taken at random */
};

struct port_counter {
	uint64_t rx_packets;
	uint64_t rx_bytes; /* layer 2, without FCS */
	uint64_t tx_packets;
	uint64_t tx_bytes;
};

/* Directions of the per-object counters. */
enum counter_direction { COUNTER_UP, COUNTER_DOWN, COUNTER_DIRECTIONS };

struct worker_stats {
	struct stage_counter stages[STAGE_COUNT];
	uint64_t drops[DROP_COUNT];
	uint64_t punts[PUNT_COUNT];
	uint64_t events;      /* pushed */
	uint64_t events_lost; /* ring full or over the limit */
	uint64_t updates;     /* applied by this worker as owner */
	uint64_t loops;
	uint64_t empty_loops;
	uint64_t sleeps;
	uint64_t handed_over; /* to the worker that owns the transmit queue */
	uint64_t spread_out;  /* received, and given to the worker that has the packet's flow */
	uint64_t spread_in;   /* of this worker's flows, received by others */
	uint64_t held;        /* MAG: packets held back for the order of their pair */
	uint64_t released[HOLD_END_COUNT];
	struct port_counter ports[PORTS_MAX];
} __attribute__((aligned(64)));

/* Per-object counters of one worker: two per object, [index * COUNTER_DIRECTIONS + direction]; NULL if switched off. */
struct object_counters {
	struct object_counter *nodes;
	struct object_counter *tunnels;
	struct object_counter *pairs; /* up: sent direct by our MN; down: out of the direct tunnel */
};

/* Read a counter that another thread adds to. */
static inline uint64_t counter_read(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

/* Add to a counter of the calling worker: a plain load and store, no locked instruction. */
static inline void counter_add(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + n, __ATOMIC_RELAXED);
}

/* @sum += every counter of @add. */
void worker_stats_sum(struct worker_stats *sum, const struct worker_stats *add);
/* @stats -= @baseline, field by field. */
void worker_stats_subtract(struct worker_stats *stats, const struct worker_stats *baseline);
