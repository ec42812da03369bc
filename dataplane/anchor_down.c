/* SPDX-License-Identifier: BSD-3-Clause */
#include "pipeline.h"

#include "lookup.h"

/* No binding for the destination: in our pools it is unreachable; else only mobile nodes' packets are forwarded. */
static void anchor_miss(struct worker *w, struct rte_mbuf *pkt)
{
	const struct packet_path *path = packet_path(pkt);

	if (gateway_in_pools(w->gateway, packet_ipv6(pkt)->dst_addr))
		push_error(w, pkt, PUNT_no_endpoint_error, DROP_anchor_no_endpoint);
	else if (path->tunnel != INDEX_NONE || path->own)
		push(w, STAGE_route, pkt);
	else
		push_drop(w, pkt, DROP_not_for_us);
}

/* What does not go into a tunnel: nothing for encap. */
static void anchor_refuse(struct worker *w, struct rte_mbuf *pkt, const struct forward *forward)
{
	if (forward->action == FORWARD_NONE)
		anchor_miss(w, pkt);
	else if ((forward->flags & FORWARD_BLOCKED) != 0)
		push_drop(w, pkt, DROP_anchor_blocked);
	else
		push_forward_action(w, pkt, forward);
}

/*
 * Do two mobile nodes talk by way of the anchor? Out of one binding's tunnel into another's, or to or from a prefix of
 * a peer LMA (RO-015, RO-016).
 */
static bool is_of_pair(const struct worker *w, struct rte_mbuf *pkt, const struct forward *forward)
{
	const struct rte_ipv6_hdr *ip = packet_ipv6(pkt);
	bool from_node = packet_path(pkt)->tunnel != INDEX_NONE;
	bool to_node = forward->action == FORWARD_TUNNEL && (forward->flags & FORWARD_BLOCKED) == 0;

	if (from_node && forward->action == FORWARD_NONE)
		return gateway_in_pair_prefixes(w->gateway, ip->dst_addr);
	if (!to_node || packet_path(pkt)->own)
		return false;
	return from_node || gateway_in_pair_prefixes(w->gateway, ip->src_addr);
}

static void anchor_watch(struct worker *w, struct rte_mbuf **pkts, const struct forward **forwards, uint16_t n)
{
	for (uint16_t i; pair_sketch_next(w->sketch, n, &i);)
		if (is_of_pair(w, pkts[i], forwards[i]))
			pair_watch(w, pkts[i]);
}

void stage_anchor_down(struct worker *w, struct rte_mbuf **pkts, uint16_t n)
{
	const struct forward *forwards[VECTOR_MAX];
	const bool count = w->node_counters != NULL;
	struct vector *encap = &w->vectors[STAGE_encap];
	uint16_t done = encap->n;

	lookup_endpoints(w, pkts, n, LOOKUP_DESTINATION, COUNTER_DOWN, forwards);
	if (w->sketch != NULL)
		anchor_watch(w, pkts, forwards, n);
	for (uint16_t i = 0; i < n; i++) {
		const struct forward *forward = forwards[i];

		if (unlikely(forward->action != FORWARD_TUNNEL || (forward->flags & FORWARD_BLOCKED) != 0)) {
			anchor_refuse(w, pkts[i], forward);
			continue;
		}
		if (count)
			count_object(w->node_counters, forward->node, w->nodes_max, COUNTER_DOWN,
				rte_pktmbuf_data_len(pkts[i]));
		*packet_into(pkts[i]) = forward->tunnel;
		encap->pkts[done++] = pkts[i];
	}
	encap->n = done;
}
