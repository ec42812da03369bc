/* SPDX-License-Identifier: BSD-3-Clause */
#include "pipeline.h"

#include <string.h>

#include "lookup.h"

/* Anti-spoofing: is the source's home network that of the MN on this @link with this @mac? */
static bool is_from_node(struct rte_mbuf *pkt, uint16_t link, const uint8_t *mac)
{
	return link == packet_path(pkt)->link &&
	       memcmp(mac, packet_ethernet(pkt)->src_addr.addr_bytes, RTE_ETHER_ADDR_LEN) == 0;
}

static void uplink_refuse(struct worker *w, struct rte_mbuf *pkt, bool mismatch)
{
	uint64_t key = link_key(packet_path(pkt)->link, packet_ethernet(pkt)->src_addr.addr_bytes);
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

static void count_direct(struct worker *w, struct rte_mbuf *pkt, const struct pair_entry *entry)
{
	uint32_t bytes = rte_pktmbuf_data_len(pkt);

	count_object(w->node_counters, entry->forward.node, w->nodes_max, COUNTER_UP, bytes);
	count_object(w->pair_counters, entry->index, w->pairs_max, COUNTER_UP, bytes);
}

/* The entries of the packets' pairs, which classify looked up ahead unless it saw an empty table. */
static void uplink_find(struct worker *w, struct rte_mbuf **pkts, uint16_t n, const struct pair_entry **entries)
{
	struct uplink_ahead *ahead = &w->ahead;

	if (unlikely(ahead->count != n)) {
		ahead->count = 0;
		for (uint16_t i = 0; i < n; i++)
			uplink_ahead_note(ahead, i, pair_from_link(packet_path(pkts[i])->link),
				packet_ethernet(pkts[i]), packet_ipv6(pkts[i]));
		uplink_ahead_find(w, n);
	}
	pair_table_lookup_prepared(w->tables->pairs, ahead->keys, ahead->lookups, n, entries);
	prefetch_pair_counters(w, n, COUNTER_UP, entries);
}

/*
 * The packets that leave by the entry of their pair. The others move to the front; returns how many: those without an
 * entry, or not from where the entry says, whose endpoint decides.
 */
static uint16_t uplink_pairs(struct worker *w, struct rte_mbuf **pkts, uint16_t n)
{
	const bool count = w->node_counters != NULL || w->pair_counters != NULL;
	const struct pair_entry *entries[VECTOR_MAX];
	struct vector *encap = &w->vectors[STAGE_encap];
	struct rte_mbuf **end = &encap->pkts[encap->n];
	uint16_t left = 0;

	uplink_find(w, pkts, n, entries);
	for (uint16_t i = 0; i < n; i++) {
		const struct pair_entry *entry = entries[i];
		struct rte_mbuf *pkt = pkts[i];

		if (unlikely(entry == NULL || entry->check.from.word != w->ahead.from[i])) {
			pkts[left++] = pkt;
			continue;
		}
		if (count)
			count_direct(w, pkt, entry);
		if (unlikely(entry->forward.action == FORWARD_LOCAL)) {
			push(w, STAGE_downlink, pkt); /* by the destination's endpoint, which counts too */
			continue;
		}
		*packet_into(pkt) = entry->forward.tunnel;
		*end++ = pkt;
	}
	encap->n = (uint16_t)(end - encap->pkts);
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
