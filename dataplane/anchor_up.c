/* SPDX-License-Identifier: BSD-3-Clause */
#include "pipeline.h"

#include <string.h>

#include "lookup.h"

#define ICMPV6_HEADER    8
#define ICMPV6_ERROR_MAX 127

/*
 * An ICMPv6 error that the tunnel's other end made about a packet for one of its mobile nodes, on the way to who sent
 * it (RFC 2473 section 8: Packet Too Big of an access link, say). The peer speaks for itself, with its outer address.
 */
static bool is_error_of_peer(const struct worker *w, struct rte_mbuf *pkt)
{
	const struct tunnel *tunnel = tunnel_table_lookup(w->tables->tunnels, packet_path(pkt)->tunnel);
	const struct rte_ipv6_hdr *ip = packet_ipv6(pkt);

	return tunnel != NULL && memcmp(ip->src_addr, &tunnel->remote, 16) == 0 && ip->proto == IPPROTO_ICMPV6 &&
	       rte_pktmbuf_data_len(pkt) >= IPV6_HEADER + ICMPV6_HEADER &&
	       *((const uint8_t *)ip + IPV6_HEADER) <= ICMPV6_ERROR_MAX && ipv6_is_routable(ip->dst_addr) &&
	       gateway_own(w->gateway, ip->dst_addr, PORT_NONE) < 0;
}

static void anchor_miss(struct worker *w, struct rte_mbuf *pkt)
{
	if (is_error_of_peer(w, pkt))
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

void stage_anchor_up(struct worker *w, struct rte_mbuf **pkts, uint16_t n)
{
	const struct forward *forwards[VECTOR_MAX];

	lookup_endpoints(w, pkts, n, LOOKUP_SOURCE, COUNTER_UP, forwards);
	for (uint16_t i = 0; i < n; i++) {
		const struct forward *forward = forwards[i];

		if (unlikely(forward->action == FORWARD_NONE))
			anchor_miss(w, pkts[i]);
		else if (unlikely(forward->tunnel != packet_path(pkts[i])->tunnel))
			push_drop(w, pkts[i], DROP_anchor_source);
		else if (unlikely((forward->flags & FORWARD_BLOCKED) != 0))
			push_drop(w, pkts[i], DROP_anchor_blocked);
		else if (unlikely(forward->action != FORWARD_TUNNEL))
			push_forward_action(w, pkts[i], forward);
		else
			anchor_up(w, pkts[i], forward);
	}
}
