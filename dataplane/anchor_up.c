/* SPDX-License-Identifier: BSD-3-Clause */
#include "pipeline.h"

#include "lookup.h"

static void anchor_miss(struct worker *w, struct rte_mbuf *pkt)
{
	if (is_error_of_peer(w, pkt))
		push(w, STAGE_anchor_down, pkt);
	else
		push_drop(w, pkt, DROP_anchor_source);
}

/* Its MN is at another MAG, as far as we know. */
static void anchor_wrong_tunnel(struct worker *w, struct rte_mbuf *pkt)
{
	uint32_t index = packet_path(pkt)->tunnel;
	const struct tunnel *tunnel = tunnel_table_lookup(w->tables->tunnels, index);

	if (tunnel != NULL)
		event_wrong_tunnel(w, endpoint_id_ipv6(packet_ipv6(pkt)->src_addr), index, &tunnel->remote);
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

void stage_anchor_up(struct worker *w, struct rte_mbuf **pkts, uint16_t n)
{
	const struct forward *forwards[VECTOR_MAX];

	lookup_endpoints(w, pkts, n, LOOKUP_SOURCE, COUNTER_UP, forwards);
	for (uint16_t i = 0; i < n; i++) {
		const struct forward *forward = forwards[i];

		if (unlikely(forward->action == FORWARD_NONE))
			anchor_miss(w, pkts[i]);
		else if (unlikely(forward->tunnel != packet_path(pkts[i])->tunnel))
			anchor_wrong_tunnel(w, pkts[i]);
		else if (unlikely((forward->flags & FORWARD_BLOCKED) != 0))
			push_drop(w, pkts[i], DROP_anchor_blocked);
		else if (unlikely(forward->action != FORWARD_TUNNEL))
			push_forward_action(w, pkts[i], forward);
		else
			anchor_up(w, pkts[i], forward);
	}
}
