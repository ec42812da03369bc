/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "counters.h"
#include "fwd_update.h"
#include "bounds.h"

struct rte_mbuf;
struct rte_mempool;
struct rte_ring;

/*
 * The door between the planes: everything that passes from the control core to the workers and back. Every ring is
 * single-producer single-consumer. What passes is a value or an mbuf, whose ownership passes with the ring.
 *
 * Threads: who may call is said at each function. control: the control core (one thread). owner: the table owner of
 * a socket (its first worker). worker: the worker of that number.
 * Memory: fixed at creation. Nothing here ever blocks.
 */

/* What a worker tells the control core; a value, may be lost (counted), rate limited by the worker. X(name, help) */
#define EVENT_TYPES(X)                                                                                               \
	X(unknown_mac, "MAG: packet from a link-layer address without an MN: link, mac, endpoint of the source")     \
	X(wrong_tunnel, "LMA: packet of an MN out of another tunnel than its own, dropped: endpoint of the source, " \
			"peer, value: tunnel (INDEX_NONE: the peer has none)")                                       \
	X(link_activity, "MAG: packet from an MN whose state was asked for: link, mac")                              \
	X(pair_seen, "a pair over the thresholds: endpoints, packets in value, bytes")                               \
	X(probe_answer, "answer to FWD_OP_probe_endpoint: forward, errno in value")

enum event_type {
#define EVENT_ENUM(name, help) EVENT_##name,
	EVENT_TYPES(EVENT_ENUM)
#undef EVENT_ENUM
		EVENT_TYPE_COUNT,
};

struct door_event {
	uint8_t type; /* enum event_type */
	uint8_t worker;
	uint16_t link;
	uint8_t mac[6];
	uint16_t port;
	uint32_t value;
	uint64_t endpoint;    /* of the packet's source */
	uint64_t endpoint_to; /* of the packet's destination */
	union {
		struct forward forward;
		uint64_t bytes;   /* pair_seen */
		uint8_t peer[16]; /* wrong_tunnel: outer source of the packet */
	};
	uint64_t tsc;
};
_Static_assert(sizeof(struct door_event) == 64, "events are one cache line");

/* A refused update. */
struct door_failure {
	uint64_t seq;
	int32_t error; /* negative errno */
	uint32_t op;
};

/*
 * What a packet carries besides its bytes, in an mbuf dynamic field: set by workers when punting, by the control core
 * when injecting, and by handing packets over between workers.
 */
struct packet_meta {
	uint8_t stage;  /* inject: enum stage to enter at: tx, encap, classify (as if received), anchor_down or route */
	uint8_t reason; /* punt: enum punt_reason */
	uint16_t port;  /* in: where it came from (PORT_NONE: out of a tunnel); inject to tx: where to send */
	uint16_t link;  /* access link it came from, or LINK_NONE */
	uint16_t mtu_bytes; /* packet_too_big_error: MTU to report */
	uint32_t tunnel;    /* it came out of, or is to be encapsulated by; or INDEX_NONE */
	uint16_t vlan;      /* tag it came with, or VLAN_NONE */
	uint8_t l3;     /* punt: offset of the IP header from the start of the data: 14 or 18 with the frame's Ethernet
			 * header before it, 0 if layer 2 is gone */
	uint8_t worker; /* that punted it */
	uint8_t source_mac[6]; /* punt: from the frame, zero if it came out of a tunnel */
};
_Static_assert(sizeof(struct packet_meta) == 24, "fits the dynamic fields of an mbuf beside a driver's time stamp");

/* Offset of struct packet_meta in an mbuf; registered by door_create(), const afterwards. */
extern int packet_meta_offset;

static inline struct packet_meta *packet_meta(struct rte_mbuf *mbuf)
{
	return (struct packet_meta *)((uintptr_t)mbuf + (uintptr_t)packet_meta_offset);
}

struct door_config {
	unsigned workers;                /* 1..WORKERS_MAX */
	unsigned sockets;                /* 1..SOCKETS_MAX */
	uint16_t socket_of[WORKERS_MAX]; /* index of the worker's socket, 0..sockets-1 */
	int numa_node[SOCKETS_MAX];      /* where the rings and counters of a socket lie; -1: anywhere */
	unsigned update_ring_size;       /* powers of two */
	unsigned mbuf_ring_size;
	unsigned event_ring_size;
	uint32_t descriptors; /* tunnel templates */
	uint32_t nodes_max;   /* slots of per-node counters */
	uint32_t tunnels_max;
	uint32_t pairs_max;
	bool node_counters; /* per-object counters, each class can be off */
	bool tunnel_counters;
	bool pair_counters;
};

struct door_worker {
	struct rte_ring *punt_signalling; /* worker: producer, control: consumer */
	struct rte_ring *punt_other;      /* worker: producer, control: consumer */
	struct rte_ring *event;           /* worker: producer, control: consumer; struct door_event */
	struct rte_ring *inject;          /* control: producer, worker: consumer */
	struct object_counters objects;   /* worker: rw, control: ro */
	struct worker_stats *stats;       /* worker: rw, control: ro; own cache lines */
};

struct door_socket {
	struct rte_ring *update;  /* control: producer, owner: consumer; struct fwd_update */
	struct rte_ring *failure; /* owner: producer, control: consumer; struct door_failure */
	_Atomic uint64_t applied_seq
		__attribute__((aligned(64))); /* owner: rw, control: ro; every update up to it was tried */
	_Atomic uint64_t reclaimed_seq;       /* owner: rw, control: ro; its grace period is over */
};

struct door {
	struct door_config config; /* const after creation */
	struct door_worker worker[WORKERS_MAX];
	struct door_socket socket[SOCKETS_MAX];
	struct tunnel_template *descriptors; /* control: w before the push, owner: r at apply */
	uint64_t next_seq;                   /* control only; the first update has number 1 */
	unsigned poll_from;                  /* control only: worker that the next poll starts with */
	int eventfd;                         /* workers: write, control: read */
	bool fence_in_worker;                /* const after creation: the kernel has no membarrier() */
	_Atomic uint32_t control_sleeps __attribute__((aligned(64))); /* control: rw; worker that wakes it: 1 to 0 */
	_Atomic bool stop;                                            /* control: w, workers: r */
};

/* Needs EAL. NULL with @error (of @error_size) telling what could not be had. Control, before workers start. */
struct door *door_create(const struct door_config *config, char *error, size_t error_size);
/* Frees the mbufs that are still in rings. Control, after the workers ended. */
void door_destroy(struct door *door);

/*
 * Push one update to every socket; fills seq and socket. Returns the sequence number, or 0 if a ring is full (then
 * nothing was pushed). Control.
 */
uint64_t door_update_push(struct door *door, const struct fwd_update *update);
/* Free places in the fullest update ring. Control. */
unsigned door_update_room(const struct door *door);
/* Every update up to the returned number was tried / reclaimed on every socket. Control. */
uint64_t door_applied(const struct door *door);
uint64_t door_reclaimed(const struct door *door);
/*
 * Up to @n refused updates; returns how many: one for each socket that refused. Read door_applied() before, so that no
 * failure is missed. Control.
 */
unsigned door_failure_poll(struct door *door, struct door_failure *failures, unsigned n);

/* Packets and events from all workers, fairly; up to @n; returns how many. Control. */
unsigned door_punt_poll(struct door *door, bool signalling, struct rte_mbuf **mbufs, unsigned n);
unsigned door_event_poll(struct door *door, struct door_event *events, unsigned n);
/* Give a packet with its packet_meta set to @worker. 0, or -ENOBUFS (the caller keeps the mbuf). Control. */
int door_inject(struct door *door, unsigned worker, struct rte_mbuf *mbuf);

/*
 * The control core is about to sleep: returns false if something waits (then do not sleep). While it sleeps a worker
 * that pushes writes the eventfd once. Something: packets, events, failures; who waits for door_applied() reads it
 * again after this call. door_control_awake() ends the sleep. Control.
 */
bool door_control_sleep(struct door *door);
void door_control_awake(struct door *door);
/* Wake the control core if it sleeps. Worker, after pushing. */
void door_control_wake(struct door *door);

/* Sum of a counter over workers. @stats is overwritten. Control. */
void door_stats(const struct door *door, struct worker_stats *stats);
void door_node_counter(
	const struct door *door, uint32_t node, enum counter_direction direction, struct object_counter *sum);
void door_tunnel_counter(
	const struct door *door, uint32_t tunnel, enum counter_direction direction, struct object_counter *sum);
void door_pair_counter(
	const struct door *door, uint32_t pair, enum counter_direction direction, struct object_counter *sum);
