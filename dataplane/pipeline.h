/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "worker.h"

/*
 * The stages and their order. A stage takes up to VECTOR_MAX packets and pushes each into the vector of one later
 * stage; punt, tx and drop end a packet's way. Nothing is lost: packets in = out + dropped + punted + held.
 *
 * Threads: the worker's.
 */

/*
 * Cache lines that a usual packet touches, of those that the packets around it do not share: the budget of each path.
 * Nobody adds one without measuring. Headers are two lines of the buffer: the frame's first, and the one that an outer
 * header goes to or an inner one ends in. Tunnels are shared by the packets of a MAG; at an LMA with a thousand of them
 * they are lines of the second-level cache.
 *
 *   path                   mbuf  headers  tables                                            tunnels  with counters
 *   mag_uplink             1     2        endpoint: bucket, entry                           -        node
 *   mag_uplink_direct      1     2        pair: bucket, entry                               -        node, pair
 *   mag_downlink           1     2        endpoint: bucket, entry                           -        node
 *   mag_downlink_direct    1     2        pair: bucket, entry                               -        node, pair
 *   lma_downlink           1     2        endpoint: bucket, entry                           2        node, tunnel
 *   lma_uplink             1     2        endpoint: bucket, entry; routes, neighbour shared 2        node, tunnel
 *   lma_hairpin            1     3        endpoint: bucket, entry, twice                    4        2 nodes, 2 tunnels
 *
 * At 85 % load one key in ten takes a second bucket.
 */
typedef void (*stage_fn)(struct worker *w, struct rte_mbuf **pkts, uint16_t n);

struct pipeline_step {
	enum stage stage;
	stage_fn run;
};

struct pipeline {
	const struct pipeline_step *steps;
	unsigned count;
};

const struct pipeline *pipeline_for(enum dataplane_role role);

/*
 * Run the stages over what is in the vectors, in order, and account calls, packets and cycles (an estimate: struct
 * stage_counter). Leaves none behind.
 */
void pipeline_run(struct worker *w);
/* The same; the first stage's cycles count from the TSC at @start, when the packets were asked for. */
void pipeline_run_since(struct worker *w, uint64_t start);

void stage_rx(struct worker *w, struct rte_mbuf **pkts, uint16_t n);
void stage_spread(struct worker *w, struct rte_mbuf **pkts, uint16_t n);
void stage_classify(struct worker *w, struct rte_mbuf **pkts, uint16_t n);
void stage_decap(struct worker *w, struct rte_mbuf **pkts, uint16_t n);
void stage_uplink(struct worker *w, struct rte_mbuf **pkts, uint16_t n);
void stage_pair(struct worker *w, struct rte_mbuf **pkts, uint16_t n);
void stage_downlink(struct worker *w, struct rte_mbuf **pkts, uint16_t n);
void stage_anchor_up(struct worker *w, struct rte_mbuf **pkts, uint16_t n);
void stage_anchor_down(struct worker *w, struct rte_mbuf **pkts, uint16_t n);
void stage_route(struct worker *w, struct rte_mbuf **pkts, uint16_t n);
void stage_encap(struct worker *w, struct rte_mbuf **pkts, uint16_t n);
void stage_tx(struct worker *w, struct rte_mbuf **pkts, uint16_t n);
void stage_punt(struct worker *w, struct rte_mbuf **pkts, uint16_t n);
void stage_drop(struct worker *w, struct rte_mbuf **pkts, uint16_t n);

/*
 * A packet to an own address @kind (enum own_kind), data at the IPv6 header: decapsulate, punt or drop. @core: it came
 * straight from a core port, where Mobility Headers and tunnels are let in. In classify.c.
 */
void classify_own(struct worker *w, struct rte_mbuf *pkt, int kind, bool core);

/* Send a packet to the MN that @forward (FORWARD_LOCAL) leads to. In downlink.c. */
void downlink_deliver(struct worker *w, struct rte_mbuf *pkt, const struct forward *forward);

/*
 * An ICMPv6 error that the tunnel's other end made about a packet for one of its mobile nodes, on the way to who sent
 * it (RFC 2473 section 8: Packet Too Big of an access link, say). The peer speaks for itself, with its outer address.
 */
bool is_error_of_peer(const struct worker *w, struct rte_mbuf *pkt);

/*
 * May a peer be told of the packet @inner that it sent direct, within the limits of its pair and of the peer? @peer:
 * anything that tells one from the others. In punt.c.
 */
bool pair_error_allowed(struct worker *w, const struct rte_ipv6_hdr *inner, uint64_t peer);

/*
 * Packets that a worker with w->hold holds back (wire-formats G.6.13): send on what need not wait any more, @all: every
 * one. Outside of a pass. Returns how many. In pair.c.
 */
unsigned pair_hold_poll(struct worker *w, bool all);
/* Drop every one, as at shutdown. Returns how many. */
unsigned pair_hold_discard(struct worker *w);
/*
 * A marker where its way ends: what came before it on the path over the anchor is in the transmit queue. The packets
 * of its pair need not wait any more. In pair.c.
 */
void marker_arrived(struct worker *w, struct rte_mbuf *pkt);

/* Count a sampled packet (data at the IPv6 header) of w->sketch; tells the control core of its pair. In punt.c. */
void pair_watch(struct worker *w, struct rte_mbuf *pkt);

/* Tell the control core of an unknown link-layer address on the packet's link. Rate limited. In punt.c. */
void event_unknown_mac(struct worker *w, struct rte_mbuf *pkt);
/*
 * LMA: @endpoint, which is known, sent a packet by a tunnel that is not its own: that of index @tunnel, or (INDEX_NONE)
 * none that there is. @peer: outer source. Worker.
 */
void event_wrong_tunnel(struct worker *w, uint64_t endpoint, uint32_t tunnel, const void *peer);
