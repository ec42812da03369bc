/* SPDX-License-Identifier: BSD-3-Clause */
#include "pipeline.h"

#include <stddef.h>
#include <string.h>

#include "deliver.h"
#include "lookup.h"

/* Layer 2 towards the MN: its MAC, from the common one (RFC 6543), with the link's tag. */
static void write_ethernet(struct rte_mbuf *pkt, const struct forward *forward, const struct gateway_link *link)
{
	const uint16_t vlan = link->vlan;
	const uint16_t l2 = vlan == VLAN_NONE ? RTE_ETHER_HDR_LEN : RTE_ETHER_HDR_LEN + sizeof(struct rte_vlan_hdr);
	struct rte_ether_hdr *eth = (struct rte_ether_hdr *)packet_prepend(pkt, l2);

	/* Two octets more than the MAC has, which the source goes over. */
	memcpy(eth, (const uint8_t *)forward + offsetof(struct forward, mac), 8);
	memcpy(&eth->src_addr, link->ethernet, sizeof(link->ethernet));
	if (unlikely(vlan != VLAN_NONE)) {
		struct rte_vlan_hdr *tag = (struct rte_vlan_hdr *)(eth + 1);

		eth->ether_type = RTE_BE16(RTE_ETHER_TYPE_VLAN);
		tag->vlan_tci = rte_cpu_to_be_16(vlan);
		tag->eth_proto = RTE_BE16(RTE_ETHER_TYPE_IPV6);
	}
}

static __rte_noinline void deliver_refuse(struct worker *w, struct rte_mbuf *pkt, const struct gateway_link *link)
{
	if (link->port >= w->gateway->port_count) {
		push_drop(w, pkt, DROP_port_down);
	} else if (packet_ipv6(pkt)->hop_limits <= 1) {
		push_error(w, pkt, PUNT_hop_limit_error, DROP_hop_limit);
	} else if (rte_pktmbuf_data_len(pkt) > link->mtu_bytes) {
		packet_meta(pkt)->mtu_bytes = link->mtu_bytes;
		push_error(w, pkt, PUNT_packet_too_big_error, DROP_packet_too_big);
	} else {
		push_drop(w, pkt, DROP_no_headroom);
	}
}

void downlink_deliver(struct worker *w, struct rte_mbuf *pkt, const struct forward *forward)
{
	const struct gateway_link *link = &w->gateway->links[forward->link % LINKS_MAX];
	struct rte_ipv6_hdr *ip = packet_ipv6(pkt);
	uint16_t length = rte_pktmbuf_data_len(pkt);

	if (unlikely(length > link->mtu_bytes || ip->hop_limits <= 1 ||
		     rte_pktmbuf_headroom(pkt) < RTE_ETHER_HDR_LEN + sizeof(struct rte_vlan_hdr))) {
		deliver_refuse(w, pkt, link);
		return;
	}
	ip->hop_limits--;
	count_object(w->node_counters, forward->node, w->nodes_max, COUNTER_DOWN, length);
	write_ethernet(pkt, forward, link);
	push_tx(w, pkt, link->port);
}

/* The other direction of what uplink watches. What a node of ours sent was seen there. */
static void downlink_watch(struct worker *w, struct rte_mbuf **pkts, const struct forward **forwards, uint16_t n)
{
	for (uint16_t i; pair_sketch_next(w->sketch, n, &i);) {
		const uint8_t *source = packet_ipv6(pkts[i])->src_addr;
		uint32_t tunnel = packet_path(pkts[i])->tunnel;

		if (tunnel != INDEX_NONE && forwards[i]->tunnel == tunnel && forwards[i]->action == FORWARD_LOCAL &&
			gateway_in_pair_prefixes(w->gateway, source) &&
			endpoint_table_lookup(w->tables->endpoints, endpoint_id_ipv6(source))->action == FORWARD_NONE)
			pair_watch(w, pkts[i]);
	}
}

/*
 * Goes the way of the packets before it, and ends behind them at the transmit queue of the node's port: on the worker
 * that has it. There it opens the way for the direct packets of the pair, on whichever worker they wait.
 */
static void downlink_marker(struct worker *w, struct rte_mbuf *pkt, const struct forward *forward)
{
	const struct gateway_link *link = &w->gateway->links[forward->link % LINKS_MAX];

	if (unlikely(link->port >= w->gateway->port_count)) {
		push_drop(w, pkt, DROP_port_down);
		return;
	}
	packet_path(pkt)->marker = 1;
	push_tx(w, pkt, link->port | TX_MARKER);
}

static __rte_noinline void downlink(struct worker *w, struct rte_mbuf *pkt, const struct forward *forward)
{
	uint32_t tunnel = packet_path(pkt)->tunnel;

	if (forward->action == FORWARD_NONE)
		push_drop(w, pkt, DROP_downlink_no_endpoint);
	else if (tunnel != INDEX_NONE && forward->tunnel != tunnel)
		push_drop(w, pkt, DROP_downlink_tunnel_mismatch);
	else if (forward->action != FORWARD_LOCAL)
		push_forward_action(w, pkt, forward);
	else if (ipv6_is_marker(packet_ipv6(pkt)))
		downlink_marker(w, pkt, forward);
	else
		downlink_deliver(w, pkt, forward);
}

/* As downlink() does it, for what nearly every packet is. False: it is something else; nothing is changed. */
static __rte_always_inline bool downlink_usual(
	const struct worker *w, struct rte_mbuf *pkt, const struct forward *forward, bool count)
{
	uint32_t tunnel = packet_path(pkt)->tunnel, bytes = rte_pktmbuf_data_len(pkt);

	if (unlikely(forward->action != FORWARD_LOCAL || (forward->tunnel != tunnel && tunnel != INDEX_NONE) ||
		     packet_ipv6(pkt)->proto == IPPROTO_MH || !deliver_usual(w->gateway, pkt, forward)))
		return false;
	if (count)
		count_object(w->node_counters, forward->node, w->nodes_max, COUNTER_DOWN, bytes);
	return true;
}

void stage_downlink(struct worker *w, struct rte_mbuf **pkts, uint16_t n)
{
	const struct forward *forwards[VECTOR_MAX];
	const bool count = w->node_counters != NULL;
	struct vector *tx = &w->vectors[STAGE_tx];
	uint16_t done = tx->n;

	lookup_endpoints(w, pkts, n, LOOKUP_DESTINATION, COUNTER_DOWN, forwards);
	if (w->sketch != NULL)
		downlink_watch(w, pkts, forwards, n);
	for (uint16_t i = 0; i < n; i++) {
		if (likely(downlink_usual(w, pkts[i], forwards[i], count))) {
			tx->pkts[done++] = pkts[i];
			continue;
		}
		tx->n = done;
		downlink(w, pkts[i], forwards[i]);
		done = tx->n;
	}
	tx->n = done;
}
