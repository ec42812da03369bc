/* SPDX-License-Identifier: BSD-3-Clause */
#include "pipeline.h"

#include "lookup.h"

/*
 * Direct traffic that came to the MAG which the destination has left, for a while: that MAG returns it here
 * (wire-formats G.6.2).
 */
static bool is_returned(const struct worker *w, struct rte_mbuf *pkt)
{
	const struct rte_ipv6_hdr *ip = packet_ipv6(pkt);
	const struct pair_entry *entry;

	if (w->tables->pairs == NULL || pair_table_is_empty(w->tables->pairs))
		return false;
	entry = pair_table_lookup(
		w->tables->pairs, pair_key(PAIR_RX, endpoint_id_ipv6(ip->src_addr), endpoint_id_ipv6(ip->dst_addr)));
	return entry != NULL && entry->check.tunnel == packet_path(pkt)->tunnel;
}

static void anchor_miss(struct worker *w, struct rte_mbuf *pkt)
{
	if (is_returned(w, pkt) || is_error_of_peer(w, pkt))
		push(w, STAGE_anchor_down, pkt);
	else
		push_drop(w, pkt, DROP_anchor_source);
}

static void anchor_up(struct worker *w, struct rte_mbuf *pkt, const struct forward *forward)
{
	const uint8_t *destination = packet_ipv6(pkt)->dst_addr;
	int own = gateway_own(w->gateway, destination, PORT_NONE);

	count_object(w->node_counters, forward->node, w->nodes_max, COUNTER_UP, rte_pktmbuf_data_len(pkt));
	if (unlikely(own >= 0))
		classify_own(w, pkt, own, false);
	else if (unlikely(!ipv6_is_routable(destination)))
		push_drop(w, pkt, DROP_ip_destination_invalid);
	else
		push(w, STAGE_anchor_down, pkt);
}

static void anchor_forward(struct worker *w, struct rte_mbuf *pkt, const struct forward *forward)
{
	if (unlikely((forward->flags & FORWARD_BLOCKED) != 0))
		push_drop(w, pkt, DROP_anchor_blocked);
	else if (unlikely(forward->action != FORWARD_TUNNEL))
		push_forward_action(w, pkt, forward);
	else
		anchor_up(w, pkt, forward);
}

/* Its MN is at another MAG, as far as we know. Who has just left may still have packets on their way. */
static void anchor_wrong_tunnel(struct worker *w, struct rte_mbuf *pkt, const struct forward *forward)
{
	uint32_t index = packet_path(pkt)->tunnel;
	const struct tunnel *tunnel = tunnel_table_lookup(w->tables->tunnels, index);

	if (is_returned(w, pkt)) {
		push(w, STAGE_anchor_down, pkt);
		return;
	}
	if (tunnel != NULL)
		event_wrong_tunnel(w, endpoint_id_ipv6(packet_ipv6(pkt)->src_addr), index, &tunnel->remote);
	if ((forward->flags & FORWARD_FORMER) != 0 && forward->former == index)
		anchor_forward(w, pkt, forward);
	else
		push_drop(w, pkt, DROP_anchor_source);
}

static __rte_noinline void anchor(struct worker *w, struct rte_mbuf *pkt, const struct forward *forward)
{
	if (forward->action == FORWARD_NONE)
		anchor_miss(w, pkt);
	else if (forward->tunnel != packet_path(pkt)->tunnel)
		anchor_wrong_tunnel(w, pkt, forward);
	else
		anchor_forward(w, pkt, forward);
}

/* As anchor() does it, for what nearly every packet is. False: it is something else; nothing is changed. */
static __rte_always_inline bool anchor_usual(
	const struct worker *w, struct rte_mbuf *pkt, const struct forward *forward, bool count)
{
	const uint8_t *destination = packet_ipv6(pkt)->dst_addr;

	if (unlikely(forward->action != FORWARD_TUNNEL || forward->tunnel != packet_path(pkt)->tunnel ||
		     (forward->flags & FORWARD_BLOCKED) != 0 || !ipv6_is_routable(destination) ||
		     gateway_own(w->gateway, destination, PORT_NONE) >= 0))
		return false;
	if (count)
		count_object(w->node_counters, forward->node, w->nodes_max, COUNTER_UP, rte_pktmbuf_data_len(pkt));
	return true;
}

void stage_anchor_up(struct worker *w, struct rte_mbuf **pkts, uint16_t n)
{
	const struct forward *forwards[VECTOR_MAX];
	const bool count = w->node_counters != NULL;
	struct vector *down = &w->vectors[STAGE_anchor_down];
	uint16_t done = down->n;

	lookup_endpoints(w, pkts, n, LOOKUP_SOURCE, COUNTER_UP, forwards);
	for (uint16_t i = 0; i < n; i++) {
		if (likely(anchor_usual(w, pkts[i], forwards[i], count))) {
			down->pkts[done++] = pkts[i];
			continue;
		}
		down->n = done;
		anchor(w, pkts[i], forwards[i]);
		done = down->n;
	}
	down->n = done;
}
