/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <rte_mbuf.h>
#include <rte_prefetch.h>

#include "door.h"
#include "gateway.h"
#include "hold.h"
#include "owner.h"
#include "packet.h"
#include "pair_sketch.h"
#include "pair_table.h"
#include "token_bucket.h"

/*
 * A worker: one thread in poll mode that runs the stages over its queues. All that a stage touches besides the packets
 * hangs here.
 *
 * Threads: the worker's own thread, except where said; everything not marked rw is const while the worker runs.
 */
struct vector {
	uint16_t n;
	struct rte_mbuf *pkts[VECTOR_MAX];
} __attribute__((aligned(64)));

/*
 * What classify prepared for uplink: the pairs of the packets in its vector, in order, whose buckets are on their way
 * from memory, and where the packets came from. @count: 0, it did not, for there are no pairs; or that of the vector.
 */
struct uplink_ahead {
	uint16_t count;
	union pair_key keys[VECTOR_MAX];
	uint64_t from[VECTOR_MAX]; /* pair_from_word() */
	struct hash_ahead lookups[VECTOR_MAX];
} __attribute__((aligned(64)));

/* A receive queue that this worker owns. */
struct worker_queue {
	uint16_t port;   /* index of the configured port */
	uint16_t ethdev; /* DPDK's number of it */
	uint16_t queue;
};

/* The way to a port: its own queue, or the ring to the worker that has one. */
struct worker_way {
	uint16_t ethdev;
	uint16_t queue;            /* QUEUE_NONE: hand over */
	struct rte_ring *handover; /* this worker: producer, owner of the queue: consumer; NULL with a queue */
};

#define QUEUE_NONE UINT16_MAX

/* A ring of packets that this worker sends for another. */
struct worker_inlet {
	struct rte_ring *ring;
	uint16_t port;
};

/*
 * Workers that share out what some queues of this one receive, by flow. In the same order at all of them: a flow has
 * one worker, whoever receives it.
 */
struct worker_spread {
	uint32_t ports; /* bits; 0: this worker runs all that it receives */
	unsigned count;
	struct rte_ring *to[WORKERS_MAX]; /* this worker: producer, that worker: consumer; NULL: this worker */
};

#define WORKER_QUEUES_MAX (4 * PORTS_MAX)
#define HANDOVER_MAX      (WORKERS_MAX * PORTS_MAX)

/* Limits of what goes to the control core, in TSC ticks; const. */
struct worker_limits {
	uint64_t reason_interval; /* per reason, but signalling: a peer speaks for many mobile nodes */
	uint64_t source_interval;
	uint64_t signalling_interval;
	uint32_t reason_burst, source_burst, signalling_burst;
	uint64_t pair_error_interval; /* of RO Errors: per pair one at a time, */
	uint64_t peer_error_interval; /* and per peer so that all workers together keep to PEER_ERRORS_PER_S */
};

#define SOURCE_BUCKETS 1024 /* powers of two; sources that fall into one bucket share it */
#define PAIR_BUCKETS   1024
#define PEER_BUCKETS   256

/*
 * RO Errors: wire-formats G.6.2. The control core keeps to one a second for each pair; it gets some more to choose
 * from, so that one a second it is.
 */
#define PAIR_ERRORS_PER_S 4
#define PEER_ERRORS_PER_S 1000
#define PEER_ERROR_BURST  100

struct pipeline;

struct worker {
	/* Hot: read by every stage. */
	const struct gateway *gateway;
	const struct tables *tables; /* of the worker's socket */
	const struct pipeline *pipeline;
	struct worker_stats *stats;                 /* worker: rw, control: ro; relaxed */
	struct object_counter *node_counters;       /* NULL: off */
	struct object_counter *tunnel_counters;     /* NULL: off */
	struct object_counter *pair_counters;       /* NULL: off */
	uint32_t nodes_max, tunnels_max, pairs_max; /* slots of those */
	struct pair_sketch *sketch;                 /* worker: rw; NULL: pairs are not watched */
	struct hold *hold;                          /* worker: rw; NULL: no packets are held back */
	uint64_t label_mask;                        /* what of a flow goes into the label of outer headers */
	struct worker_spread spread;
	struct vector vectors[STAGE_COUNT]; /* worker: rw; what waits for each stage */
	struct vector out[PORTS_MAX];       /* worker: rw; tx's own sorting by port */
	struct uplink_ahead ahead;          /* worker: rw */

	struct worker_way ways[PORTS_MAX];
	struct worker_queue queues[WORKER_QUEUES_MAX];
	unsigned queue_count;
	struct worker_inlet inlets[HANDOVER_MAX]; /* what other workers hand over */
	unsigned inlet_count;
	struct rte_ring *shares[WORKERS_MAX]; /* this worker's flows that other workers receive; it is the consumer */
	unsigned share_count;

	struct worker_limits limits;
	struct token_bucket reason_buckets[PUNT_COUNT + EVENT_TYPE_COUNT]; /* worker: rw */
	struct token_bucket source_buckets[SOURCE_BUCKETS];                /* worker: rw */
	struct token_bucket pair_buckets[PAIR_BUCKETS];                    /* worker: rw */
	struct token_bucket peer_buckets[PEER_BUCKETS];                    /* worker: rw */
	uint64_t now;                                                      /* worker: rw; TSC at the last pass */

	struct door *door;
	struct door_worker *door_worker;
	struct reclaim *reclaim;
	struct owner *owner; /* the socket's first worker: the table owner; else NULL */
	uint64_t applied_at; /* worker: rw; TSC of the pass after which it last applied updates */
	uint64_t gather;     /* so long a busy worker lets updates gather, in TSC ticks; const */
	unsigned number;     /* in the door */
	unsigned reader;     /* in the socket's reclaim */
	bool idle_sleep;
	_Atomic uint32_t stop; /* main: w, worker: ro; enum worker_stop */
	_Atomic bool drained;  /* worker: w, main: ro; the last turn with WORKER_DRAIN found nothing */
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct worker) % RTE_CACHE_LINE_SIZE == 0, "no other worker's data in its last line");
_Static_assert(sizeof(struct worker_stats) % RTE_CACHE_LINE_SIZE == 0, "nor in that of its counters");
_Static_assert(
	offsetof(struct worker, vectors) % RTE_CACHE_LINE_SIZE == 0, "written apart from what every stage reads");

enum worker_stop {
	WORKER_RUN,
	WORKER_DRAIN, /* receive nothing more from ports, send what is in the rings */
	WORKER_STOP,  /* end */
};

/* What a worker is made of; everything has to outlive it. */
struct worker_setup {
	unsigned number; /* in the door, and as a reader of the tables */
	int numa;        /* its socket, by EAL's number: what it writes lies there */
	const struct gateway *gateway;
	struct tables *tables; /* of its socket */
	struct door *door;
	struct owner *owner;                   /* NULL unless it owns the tables */
	const struct dataplane_config *config; /* limits, role, idle_sleep; read only here */
};

/*
 * @worker is zeroed memory of the caller. It has no queues yet: worker_add_queue() and so on give it some, before it
 * runs. 0 or negative errno.
 */
int worker_init(struct worker *worker, const struct worker_setup *setup);
void worker_fini(struct worker *worker);
/* Receive from a queue of a port. 0 or -ENOSPC. */
int worker_add_queue(struct worker *worker, uint16_t port, uint16_t ethdev, uint16_t queue);
/* Send to @port by an own queue. */
void worker_set_way(struct worker *worker, uint16_t port, uint16_t ethdev, uint16_t queue);
/*
 * Send to @port through @to, which has a queue there: @ring has @worker as its only producer and @to as its only
 * consumer. 0 or -ENOSPC.
 */
int worker_hand_over(struct worker *worker, struct worker *to, uint16_t port, struct rte_ring *ring);

/*
 * Give a share of the flows of @port, of which @worker has queues, to @to: @ring has @worker as its only producer and
 * @to as its only consumer; NULL if @to is @worker. Once for each worker that has a share, in the same order at all
 * workers. 0 or -ENOSPC.
 */
int worker_share(struct worker *worker, struct worker *to, struct rte_ring *ring);
/* Share out what comes from the queues of @port: after worker_share(). */
void worker_spread_port(struct worker *worker, uint16_t port);

/*
 * One turn of the loop: each receive queue, the rings of shared out flows, the handover rings, the inject ring, the
 * owner's updates, held packets; then the worker reports that it holds no table entry. Returns packets and updates
 * handled: 0 is an idle turn. Worker.
 */
unsigned worker_poll(struct worker *worker);

/*
 * The owner's part of a turn: apply updates, unless the worker is @busy and did so just now. Returns how many. Worker
 * that owns the tables.
 */
unsigned worker_apply(struct worker *worker, bool busy);

/* The loop, until `stop`; @worker is a struct worker. Returns 0 (an lcore function). Goes online and offline itself. */
int worker_loop(void *worker);

/*
 * Free what is still held or in the rings that end at this worker, each packet counted as dropped at shutdown. Main,
 * after all workers ended. Returns how many.
 */
unsigned worker_discard(struct worker *worker);

/* Idle back-off: after WORKER_IDLE_LOOPS empty turns the first sleep, doubled to the longest. */
#define WORKER_IDLE_LOOPS   300
#define WORKER_SLEEP_MIN_US 20
#define WORKER_SLEEP_MAX_US 200

/* Push to the next stage. There is always room: a pass has at most VECTOR_MAX packets, each in one vector. */
static inline void push(struct worker *w, enum stage stage, struct rte_mbuf *pkt)
{
	struct vector *vector = &w->vectors[stage];

	vector->pkts[vector->n++] = pkt;
}

static inline void push_drop(struct worker *w, struct rte_mbuf *pkt, enum drop_reason reason)
{
	packet_path(pkt)->reason = (uint8_t)reason;
	push(w, STAGE_drop, pkt);
}

static inline void push_punt(struct worker *w, struct rte_mbuf *pkt, enum punt_reason reason)
{
	packet_path(pkt)->reason = (uint8_t)reason;
	push(w, STAGE_punt, pkt);
}

/* In mbuf->port on the way to tx: a marker, for the port of the other bits. */
#define TX_MARKER UINT16_C(0x8000)

static inline void push_tx(struct worker *w, struct rte_mbuf *pkt, uint16_t port)
{
	pkt->port = port;
	push(w, STAGE_tx, pkt);
}

/*
 * A packet that calls for an ICMP error: @punt if it may be answered (RFC 4443 2.4 e: never errors, never our own),
 * else dropped as @drop. Data starts at the IPv6 header.
 */
void push_error(struct worker *w, struct rte_mbuf *pkt, enum punt_reason punt, enum drop_reason drop);

/* A packet whose entry says something else than to forward it here. */
void push_forward_action(struct worker *w, struct rte_mbuf *pkt, const struct forward *forward);

static inline void count_objects(struct object_counter *counters, uint32_t index, uint32_t max,
	enum counter_direction direction, uint32_t packets, uint32_t bytes)
{
	if (counters == NULL || unlikely(index >= max))
		return;
	counter_add(&counters[(uint64_t)index * COUNTER_DIRECTIONS + direction].packets, packets);
	counter_add(&counters[(uint64_t)index * COUNTER_DIRECTIONS + direction].bytes, bytes);
}

static inline void count_object(
	struct object_counter *counters, uint32_t index, uint32_t max, enum counter_direction direction, uint32_t bytes)
{
	count_objects(counters, index, max, direction, 1, bytes);
}

static inline void prefetch_object(
	const struct object_counter *counters, uint32_t index, uint32_t max, enum counter_direction direction)
{
	if (counters != NULL && likely(index < max))
		rte_prefetch0(&counters[(uint64_t)index * COUNTER_DIRECTIONS + direction]);
}
