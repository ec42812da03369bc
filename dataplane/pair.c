/* SPDX-License-Identifier: BSD-3-Clause */
#include "pipeline.h"

#include "lookup.h"

/* Not what the peer may send: it is told, so that it goes back to the path over the LMA. */
static void pair_refuse(struct worker *w, struct rte_mbuf *pkt, enum drop_reason reason)
{
	if (is_error_of_peer(w, pkt)) {
		packet_path(pkt)->tunnel = INDEX_NONE; /* the destination's own tunnel is another */
		push(w, STAGE_downlink, pkt);
	} else if (pair_error_allowed(w, packet_ipv6(pkt), packet_path(pkt)->tunnel)) {
		push_error(w, pkt, PUNT_pair_error, reason);
	} else {
		push_drop(w, pkt, reason);
	}
}

static void pair_forward(struct worker *w, struct rte_mbuf *pkt, const struct pair_entry *entry)
{
	count_object(w->pair_counters, entry->index, w->pairs_max, COUNTER_DOWN, rte_pktmbuf_data_len(pkt));
	if (likely(entry->forward.action == FORWARD_LOCAL)) {
		downlink_deliver(w, pkt, &entry->forward);
		return;
	}
	/* Our MN has left: back to its LMA. What comes from there never gets here. */
	*packet_into(pkt) = entry->forward.tunnel;
	push(w, STAGE_encap, pkt);
}

void stage_pair(struct worker *w, struct rte_mbuf **pkts, uint16_t n)
{
	const struct pair_entry *entries[VECTOR_MAX] = {NULL};

	if (likely(w->tables->pairs != NULL))
		lookup_pairs(w, pkts, n, PAIR_RX, COUNTER_DOWN, entries);
	for (uint16_t i = 0; i < n; i++) {
		const struct pair_entry *entry = entries[i];
		uint32_t tunnel = packet_path(pkts[i])->tunnel;

		if (unlikely(entry == NULL))
			pair_refuse(w, pkts[i], DROP_pair_unknown);
		else if (unlikely(entry->check.tunnel != tunnel && entry->check.former != tunnel))
			pair_refuse(w, pkts[i], DROP_pair_tunnel_mismatch);
		else
			pair_forward(w, pkts[i], entry);
	}
}
