/* SPDX-License-Identifier: BSD-3-Clause */
#include "pipeline.h"

#include <limits.h>
#include <string.h>
#include <rte_cycles.h>

#define ICMPV6_HEADER    8
#define ICMPV6_ERROR_MAX 127
#define TIMED_ALWAYS     16 /* packets: every pass of fewer is timed, */
#define TIMED_OF         16 /* and one of so many others */

#define STEP(name)                         \
	{                                  \
		STAGE_##name, stage_##name \
	}

static const struct pipeline_step lma_steps[] = {
	STEP(rx),
	STEP(spread),
	STEP(classify),
	STEP(decap),
	STEP(anchor_up),
	STEP(anchor_down),
	STEP(route),
	STEP(encap),
	STEP(tx),
	STEP(punt),
	STEP(drop),
};

static const struct pipeline_step mag_steps[] = {
	STEP(rx),
	STEP(spread),
	STEP(classify),
	STEP(decap),
	STEP(uplink),
	STEP(pair),
	STEP(downlink),
	STEP(route),
	STEP(encap),
	STEP(tx),
	STEP(punt),
	STEP(drop),
};

static const struct pipeline lma_pipeline = {lma_steps, RTE_DIM(lma_steps)};
static const struct pipeline mag_pipeline = {mag_steps, RTE_DIM(mag_steps)};

const struct pipeline *pipeline_for(enum dataplane_role role)
{
	return role == DATAPLANE_LMA ? &lma_pipeline : &mag_pipeline;
}

void pipeline_run(struct worker *w)
{
	pipeline_run_since(w, rte_rdtsc());
}

/*
 * How many passes the cycles of this one stand for; 0: it is not timed. To read the TSC after each stage costs three
 * ticks per packet, so of passes of many packets some are timed, at random, for all of them.
 */
static unsigned pass_weight(uint16_t n, uint64_t start)
{
	if (n < TIMED_ALWAYS)
		return 1;
	return (uint32_t)start * UINT32_C(0x9e3779b1) < UINT32_MAX / TIMED_OF ? TIMED_OF : 0;
}

void pipeline_run_since(struct worker *w, uint64_t start)
{
	const struct pipeline *pipeline = w->pipeline;
	unsigned weight = UINT_MAX; /* not known yet */

	w->now = start;
	for (unsigned i = 0; i < pipeline->count; i++) {
		enum stage stage = pipeline->steps[i].stage;
		struct vector *vector = &w->vectors[stage];
		uint16_t n = vector->n;
		uint64_t end;

		if (n == 0)
			continue;
		if (weight == UINT_MAX)
			weight = pass_weight(n, start);
		vector->n = 0;
		pipeline->steps[i].run(w, vector->pkts, n);
		counter_add(&w->stats->stages[stage].calls, 1);
		counter_add(&w->stats->stages[stage].packets, n);
		if (likely(weight == 0))
			continue;
		end = rte_rdtsc();
		counter_add(&w->stats->stages[stage].cycles, weight * (end - start));
		start = end;
	}
}

void push_error(struct worker *w, struct rte_mbuf *pkt, enum punt_reason punt, enum drop_reason drop)
{
	if (packet_path(pkt)->own || ipv6_is_icmp_error(packet_ipv6(pkt), rte_pktmbuf_data_len(pkt)))
		push_drop(w, pkt, drop);
	else
		push_punt(w, pkt, punt);
}

void push_forward_action(struct worker *w, struct rte_mbuf *pkt, const struct forward *forward)
{
	enum drop_reason reason = DROP_forward_action;

	if (forward->action == FORWARD_DROP && forward->drop_reason != 0 && forward->drop_reason < DROP_COUNT)
		reason = (enum drop_reason)forward->drop_reason;
	push_drop(w, pkt, reason);
}

bool is_error_of_peer(const struct worker *w, struct rte_mbuf *pkt)
{
	const struct tunnel *tunnel = tunnel_table_lookup(w->tables->tunnels, packet_path(pkt)->tunnel);
	const struct rte_ipv6_hdr *ip = packet_ipv6(pkt);

	return tunnel != NULL && memcmp(ip->src_addr, &tunnel->remote, 16) == 0 && ip->proto == IPPROTO_ICMPV6 &&
	       rte_pktmbuf_data_len(pkt) >= IPV6_HEADER + ICMPV6_HEADER &&
	       *((const uint8_t *)ip + IPV6_HEADER) <= ICMPV6_ERROR_MAX && ipv6_is_routable(ip->dst_addr) &&
	       gateway_own(w->gateway, ip->dst_addr, PORT_NONE) < 0;
}
