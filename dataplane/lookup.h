/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "endpoint.h"
#include "worker.h"

/* The two ends of a packet as the endpoint table knows them. */
enum lookup_end { LOOKUP_SOURCE, LOOKUP_DESTINATION };

/*
 * The forward of the source's or destination's endpoint of each packet (data at the IPv6 header), with the node's
 * counters of @direction on their way. A miss has action FORWARD_NONE. Worker.
 */
static inline void lookup_endpoints(const struct worker *w, struct rte_mbuf **pkts, uint16_t n, enum lookup_end end,
	enum counter_direction direction, const struct forward **forwards)
{
	uint64_t ids[VECTOR_MAX];

	if (n == 0)
		return;
	for (uint16_t i = 0; i < n; i++) {
		const struct rte_ipv6_hdr *ip = packet_ipv6(pkts[i]);

		ids[i] = endpoint_id_ipv6(end == LOOKUP_SOURCE ? ip->src_addr : ip->dst_addr);
	}
	endpoint_table_lookup_burst(w->tables->endpoints, ids, n, forwards);
	for (uint16_t i = 0; i < n && w->node_counters != NULL; i++)
		prefetch_object(w->node_counters, forwards[i]->node, w->nodes_max, direction);
}

static inline void prefetch_pair_counters(
	const struct worker *w, uint16_t n, enum counter_direction direction, const struct pair_entry *const *entries)
{
	for (uint16_t i = 0; i < n && (w->pair_counters != NULL || w->node_counters != NULL); i++) {
		if (entries[i] == NULL)
			continue;
		prefetch_object(w->pair_counters, entries[i]->index, w->pairs_max, direction);
		prefetch_object(w->node_counters, entries[i]->forward.node, w->nodes_max, direction);
	}
}

/*
 * The entry of each packet's pair (data at the IPv6 header), NULL if there is none, with the counters of pair and node
 * of @direction on their way. There is a pair table. Worker.
 */
static inline void lookup_pairs(const struct worker *w, struct rte_mbuf **pkts, uint16_t n, enum pair_half half,
	enum counter_direction direction, const struct pair_entry **entries)
{
	union pair_key keys[VECTOR_MAX];

	if (n == 0)
		return;
	for (uint16_t i = 0; i < n; i++) {
		const struct rte_ipv6_hdr *ip = packet_ipv6(pkts[i]);

		keys[i] = pair_key(half, endpoint_id_ipv6(ip->src_addr), endpoint_id_ipv6(ip->dst_addr));
	}
	pair_table_lookup_burst(w->tables->pairs, keys, n, entries);
	prefetch_pair_counters(w, n, direction, entries);
}

/*
 * Prepare uplink's look at the packet @at in its vector, from @link (pair_from_link()): @ip between addresses that are
 * forwarded, whose endpoint ids are their first halves. uplink_ahead_find() has to follow. Worker.
 */
static __rte_always_inline void uplink_ahead_note(struct uplink_ahead *ahead, size_t at, uint64_t link,
	const struct rte_ether_hdr *eth, const struct rte_ipv6_hdr *ip)
{
	ahead->keys[at] = pair_key(PAIR_TX, endpoint_load_be64(ip->src_addr), endpoint_load_be64(ip->dst_addr));
	ahead->from[at] = pair_from_word(link, eth->src_addr.addr_bytes);
}

/* Look up what was noted since, up to packet @count, as far as that needs no waiting. There is a pair table. Worker. */
static inline void uplink_ahead_find(struct worker *w, uint16_t count)
{
	struct uplink_ahead *ahead = &w->ahead;
	uint16_t from = ahead->count;

	pair_table_lookup_ahead(w->tables->pairs, &ahead->keys[from], (uint16_t)(count - from), &ahead->lookups[from]);
	ahead->count = count;
}
