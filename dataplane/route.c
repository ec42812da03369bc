/* SPDX-License-Identifier: BSD-3-Clause */
#include "pipeline.h"

#include <string.h>

/* MTU and hop limit of a forwarded packet: false if it was answered or dropped. */
static bool check_forwarding(struct worker *w, struct rte_mbuf *pkt, uint16_t mtu_bytes)
{
	struct rte_ipv6_hdr *ip = packet_ipv6(pkt);

	if (unlikely(!packet_path(pkt)->own && ip->hop_limits <= 1)) {
		push_error(w, pkt, PUNT_hop_limit_error, DROP_hop_limit);
		return false;
	}
	if (unlikely(rte_pktmbuf_data_len(pkt) > mtu_bytes)) {
		packet_meta(pkt)->mtu_bytes = mtu_bytes;
		push_error(w, pkt, PUNT_packet_too_big_error, DROP_packet_too_big);
		return false;
	}
	ip->hop_limits = (uint8_t)(ip->hop_limits - !packet_path(pkt)->own);
	return true;
}

/*
 * The next hop has no link-layer address: the control core keeps the packet and finds it out. One that it released is
 * not given back: it would go round.
 */
static void unresolved(struct worker *w, struct rte_mbuf *pkt, uint16_t mtu_bytes)
{
	if (packet_path(pkt)->own)
		push_drop(w, pkt, DROP_neighbour_unresolved);
	else if (check_forwarding(w, pkt, mtu_bytes))
		push_punt(w, pkt, PUNT_neighbour_resolve);
}

static void route(struct worker *w, struct rte_mbuf *pkt, const struct neighbour *neighbour)
{
	if (unlikely(neighbour->length == 0)) {
		unresolved(w, pkt, neighbour->mtu_bytes);
		return;
	}
	if (unlikely(!check_forwarding(w, pkt, neighbour->mtu_bytes)))
		return;
	if (unlikely(rte_pktmbuf_headroom(pkt) < NEIGHBOUR_COPY)) {
		push_drop(w, pkt, DROP_no_headroom);
		return;
	}
	memcpy(rte_pktmbuf_mtod(pkt, uint8_t *) - NEIGHBOUR_COPY, neighbour, NEIGHBOUR_COPY);
	packet_prepend(pkt, neighbour->length);
	push_tx(w, pkt, neighbour->port);
}

/* A destination that no neighbour entry stands for: on a link of ours and not resolved yet, or nowhere. */
static void route_other(struct worker *w, struct rte_mbuf *pkt, uint32_t next_hop)
{
	if (next_hop == ROUTE_NONE)
		push_error(w, pkt, PUNT_no_route_error, DROP_no_route);
	else if (route_is_local(next_hop) && route_local_port(next_hop) < w->gateway->port_count)
		unresolved(w, pkt, w->gateway->ports[route_local_port(next_hop)].mtu_bytes);
	else
		push_drop(w, pkt, DROP_dead_index);
}

void stage_route(struct worker *w, struct rte_mbuf **pkts, uint16_t n)
{
	const struct neighbour *neighbours[VECTOR_MAX];
	const uint8_t *addresses[VECTOR_MAX];
	uint32_t next_hops[VECTOR_MAX];

	if (n == 0)
		return;
	for (uint16_t i = 0; i < n; i++)
		addresses[i] = packet_ipv6(pkts[i])->dst_addr;
	route_table_lookup_burst(w->tables->routes, addresses, n, next_hops);
	neighbour_table_lookup_burst(w->tables->neighbours, next_hops, n, neighbours);
	for (uint16_t i = 0; i < n; i++) {
		if (likely(neighbours[i] != NULL))
			route(w, pkts[i], neighbours[i]);
		else
			route_other(w, pkts[i], next_hops[i]);
	}
}
