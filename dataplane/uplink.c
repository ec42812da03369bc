/* SPDX-License-Identifier: BSD-3-Clause */
#include "pipeline.h"

#include <string.h>

#include "lookup.h"

static const struct rte_ether_hdr *ethernet_of(struct rte_mbuf *pkt)
{
	return (const struct rte_ether_hdr *)(rte_pktmbuf_mtod(pkt, const uint8_t *) - packet_path(pkt)->l2);
}

/* Anti-spoofing: is the source's home network that of the MN on this @link with this @mac? */
static bool is_from_node(struct rte_mbuf *pkt, uint16_t link, const uint8_t *mac)
{
	return link == packet_path(pkt)->link &&
	       memcmp(mac, ethernet_of(pkt)->src_addr.addr_bytes, RTE_ETHER_ADDR_LEN) == 0;
}

static void uplink_refuse(struct worker *w, struct rte_mbuf *pkt, bool mismatch)
{
	uint64_t key = link_key(packet_path(pkt)->link, ethernet_of(pkt)->src_addr.addr_bytes);
	const struct link_entry *entry = link_table_lookup(w->tables->links, key);

	if (entry == NULL) {
		event_unknown_mac(w, pkt);
		push_drop(w, pkt, DROP_link_unknown);
	} else if (entry->state == LINK_PENDING) {
		push_drop(w, pkt, DROP_link_pending);
	} else if (entry->state == LINK_REFUSED) {
		push_drop(w, pkt, DROP_link_refused);
	} else if (mismatch) {
		push_drop(w, pkt, DROP_uplink_mac_mismatch);
	} else {
		/* An address of a prefix that the MN had before: the answer goes to its MAC, not to that address. */
		push_error(w, pkt, PUNT_source_policy_error, DROP_uplink_source);
	}
}

/* Where a packet goes whose source is right. */
static void uplink(struct worker *w, struct rte_mbuf *pkt, const struct forward *forward)
{
	const struct rte_ipv6_hdr *ip = packet_ipv6(pkt);
	int own = gateway_own(w->gateway, ip->dst_addr, PORT_NONE);

	count_object(w->node_counters, forward->node, w->nodes_max, COUNTER_UP, rte_pktmbuf_data_len(pkt));
	if (unlikely(own >= 0)) {
		classify_own(w, pkt, own, false);
		return;
	}
	if (unlikely((forward->flags & FORWARD_LOCAL_ROUTING) != 0)) {
		const struct forward *to = endpoint_table_lookup(w->tables->endpoints, endpoint_id_ipv6(ip->dst_addr));

		/* Both ends have to have it: else one direction would go by the LMA and the other not. */
		if (to->action == FORWARD_LOCAL && (to->flags & FORWARD_LOCAL_ROUTING) != 0) {
			push(w, STAGE_downlink, pkt);
			return;
		}
	}
	*packet_into(pkt) = forward->tunnel;
	push(w, STAGE_encap, pkt);
}

static void uplink_direct(struct worker *w, struct rte_mbuf *pkt, const struct pair_entry *entry)
{
	uint32_t bytes = rte_pktmbuf_data_len(pkt);

	count_object(w->node_counters, entry->forward.node, w->nodes_max, COUNTER_UP, bytes);
	count_object(w->pair_counters, entry->index, w->pairs_max, COUNTER_UP, bytes);
	if (unlikely(entry->forward.action == FORWARD_LOCAL)) {
		push(w, STAGE_downlink, pkt); /* by the destination's endpoint, which counts too */
		return;
	}
	*packet_into(pkt) = entry->forward.tunnel;
	push(w, STAGE_encap, pkt);
}

/*
 * The packets that leave by the entry of their pair. The others move to the front; returns how many: those without an
 * entry, or not from where the entry says, whose endpoint decides.
 */
static uint16_t uplink_pairs(struct worker *w, struct rte_mbuf **pkts, uint16_t n)
{
	const struct pair_entry *entries[VECTOR_MAX];
	uint16_t left = 0;

	if (likely(w->ahead.count == n)) {
		pair_table_lookup_prepared(w->tables->pairs, w->ahead.keys, w->ahead.hashes, n, entries);
		prefetch_pair_counters(w, n, COUNTER_UP, entries);
	} else {
		lookup_pairs(w, pkts, n, PAIR_TX, COUNTER_UP, entries);
	}
	for (uint16_t i = 0; i < n; i++) {
		const struct pair_entry *entry = entries[i];

		if (entry != NULL && likely(is_from_node(pkts[i], entry->check.from.link, entry->check.from.mac)))
			uplink_direct(w, pkts[i], entry);
		else
			pkts[left++] = pkts[i];
	}
	return left;
}

/* Pairs that talk by way of the anchor (RO-017). */
static void uplink_watch(struct worker *w, struct rte_mbuf **pkts, const struct forward **forwards, uint16_t n)
{
	for (uint16_t i; pair_sketch_next(w->sketch, n, &i);)
		if (forwards[i]->action == FORWARD_LOCAL &&
			is_from_node(pkts[i], forwards[i]->link, forwards[i]->mac) &&
			gateway_in_pair_prefixes(w->gateway, packet_ipv6(pkts[i])->dst_addr))
			pair_watch(w, pkts[i]);
}

void stage_uplink(struct worker *w, struct rte_mbuf **pkts, uint16_t n)
{
	const struct forward *forwards[VECTOR_MAX];

	if (w->tables->pairs != NULL && !pair_table_is_empty(w->tables->pairs))
		n = uplink_pairs(w, pkts, n);
	w->ahead.count = 0;
	lookup_endpoints(w, pkts, n, LOOKUP_SOURCE, COUNTER_UP, forwards);
	if (w->sketch != NULL)
		uplink_watch(w, pkts, forwards, n);
	for (uint16_t i = 0; i < n; i++) {
		const struct forward *forward = forwards[i];

		if (unlikely(forward->action == FORWARD_NONE))
			uplink_refuse(w, pkts[i], false);
		else if (unlikely(!is_from_node(pkts[i], forward->link, forward->mac)))
			uplink_refuse(w, pkts[i], true);
		else if (unlikely(forward->action != FORWARD_LOCAL))
			push_forward_action(w, pkts[i], forward);
		else
			uplink(w, pkts[i], forward);
	}
}
