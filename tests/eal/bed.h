/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <netinet/in.h>
#include <rte_ring.h>

#include "dataplane.h"
#include "frame.h"
#include "owner.h"
#include "pipeline.h"
#include "worker.h"

/*
 * A test bed: a gateway whose workers are called by the test, one turn at a time, with ports made of rings. Frames are
 * put into a port's receive ring; what comes out of its transmit ring, of the punt rings and in the counters is
 * checked.
 *
 * Ports of a MAG: 0 core, 1 access (untagged: link 0), 2 access (VLANs 100 and 200: links 1 and 2).
 * Ports of an LMA: 0 core, 1 outside, 2 outside.
 */
#define BED_PORTS   3
#define BED_WORKERS 2

#define CORE    0
#define ACCESS  1
#define OUTSIDE 1
#define TAGGED  2

#define BED_MTU        1500
#define BED_TUNNEL_MTU 1460
#define BED_NODES      64

struct bed {
	struct dataplane_config config;
	struct gateway gateway;
	struct door *door;
	struct tables *tables;
	struct owner owner;
	struct worker *workers[BED_WORKERS];
	unsigned worker_count;
	struct rte_ring *receive[BED_PORTS], *transmit[BED_PORTS];
	struct rte_ring *second_receive, *second_transmit; /* of the core port, if worker 1 has queues */
	struct rte_ring *handover[BED_PORTS];
	struct rte_ring *share[BED_WORKERS]; /* what that worker gives the other one, if flows are shared out */
	uint16_t ethdev[BED_PORTS];
	uint64_t put; /* packets given to the gateway */
};

/* EAL once per process: no huge pages, no PCI, three lcores on whatever cores there are. */
void bed_eal_start(void);
void bed_eal_stop(void);
/* Buffers of all beds. */
struct rte_mempool *bed_pool(void);

/* @workers: 1 or 2; the second has no queue at all and hands everything over to the first. */
struct bed *bed_create(enum dataplane_role role, unsigned workers);
/* What a bed may have otherwise than usual. */
struct bed_options {
	unsigned workers;
	bool shared_out; /* two workers: each with a queue of the core port, and with one of the other ports */
	bool spread;     /* two workers: all ports' flows shared out */
	uint32_t nodes_max, tunnels_max;
	uint32_t update_ring_size, mbuf_ring_size;
	uint32_t hold_packets, hold_deadline_ms; /* as in struct dataplane_config */
	uint32_t pair_packets;
	const char *second_address; /* an own address besides the usual one, or NULL */
};

/* What bed_create() takes, to be changed. */
struct bed_options bed_usual(unsigned workers);
struct bed *bed_create_with(enum dataplane_role role, const struct bed_options *options);
/* Checks that every buffer came back. */
void bed_destroy(struct bed *bed);

/* Change forwarding state as the owner does; asserts that it is taken. */
void bed_apply(struct bed *bed, const struct fwd_update *update);
void bed_tunnel(struct bed *bed, uint32_t index, const char *local, const char *remote, bool resolved, int dscp);
/* To a peer MAG, resolved. */
void bed_direct_tunnel(struct bed *bed, uint32_t index, const char *local, const char *remote);
void bed_pair(struct bed *bed, enum fwd_op op, const struct fwd_pair *pair, uint32_t index);
void bed_endpoint(struct bed *bed, const char *prefix, const struct forward *forward);
void bed_link(struct bed *bed, uint16_t link, const uint8_t *mac, enum link_state state);
void bed_neighbour(struct bed *bed, uint32_t index, uint16_t port, bool resolved);
void bed_route(struct bed *bed, const char *prefix, uint8_t length, uint32_t neighbour);
void bed_route_local(struct bed *bed, const char *prefix, uint8_t length, uint16_t port);

/* A buffer of the pool that holds the frame. */
struct rte_mbuf *bed_mbuf(const struct frame *frame);
/*
 * The same with the octets in a block of the C library that ends where they end: AddressSanitizer sees who reads on.
 */
struct rte_mbuf *bed_mbuf_exact(const struct frame *frame);
/* The same with @headroom octets before them, in place of the usual number. */
struct rte_mbuf *bed_mbuf_room(const struct frame *frame, uint16_t headroom);
/* Give @n copies to a port; one turn of worker 0. */
void bed_receive(struct bed *bed, uint16_t port, const struct frame *frame, unsigned n);
/* Inject as the control core does; one turn. */
void bed_inject(struct bed *bed, const struct frame *frame, const struct packet_meta *meta, unsigned n);
/* One turn of every worker. */
void bed_turn(struct bed *bed);

/* The next frame that was sent to @port: false if there is none. */
bool bed_sent(struct bed *bed, uint16_t port, struct frame *frame);
/* The next punted packet: false if there is none. Signalling first. */
bool bed_punted(struct bed *bed, struct frame *frame, struct packet_meta *meta);
uint64_t bed_drops(struct bed *bed, enum drop_reason reason);
/* packets given = sent + dropped + punted; nothing is left in a vector. Takes what is still in the rings away. */
void bed_check_conservation(struct bed *bed);
/* Forget counters, limits and packets. */
void bed_reset(struct bed *bed);
