/* SPDX-License-Identifier: BSD-3-Clause */
#include "pipeline.h"

#include "deliver.h"
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

/* In order of arrival on this worker, whatever has ended the wait since. */
static void pair_hold(struct worker *w, struct rte_mbuf *pkt, const struct pair_entry *entry)
{
	enum hold_end end = pair_entry_held(entry);
	struct hold *hold = w->hold;
	struct hold_pair *held = hold->packets != 0 ? hold_find(hold, entry->key) : NULL;

	if (likely(held == NULL && end != HOLD_WAITS)) {
		pair_forward(w, pkt, entry);
		return;
	}
	counter_add(&w->stats->held, 1);
	if (held == NULL && hold->packets < HOLD_PACKETS_MAX)
		held = hold_start(hold, entry->key, w->now);
	if (held == NULL || (end == HOLD_WAITS && !hold_has_room(hold, held)))
		pair_entry_release(entry, HOLD_overflow);
	if (held != NULL) {
		hold_append(hold, held, pkt);
	} else {
		counter_add(&w->stats->released[HOLD_overflow], 1);
		pair_forward(w, pkt, entry);
	}
}

/* They come to the stage again, as if they had arrived now: what the entry says now holds for them. */
static unsigned pair_release(struct worker *w, struct hold_pair *held, enum hold_end end)
{
	struct vector *vector = &w->vectors[STAGE_pair];
	unsigned released = held->count;
	struct rte_mbuf *first = hold_take(w->hold, held);

	counter_add(&w->stats->released[end], released);
	while ((vector->n = hold_unlink(&first, vector->pkts, VECTOR_MAX)) != 0)
		pipeline_run(w);
	return released;
}

static enum hold_end pair_hold_end(const struct worker *w, const struct hold_pair *held, uint64_t now, bool all)
{
	const struct pair_entry *entry = pair_table_lookup(w->tables->pairs, held->key);

	if (entry == NULL || entry->forward.hold == 0)
		return HOLD_change;
	if (all || now >= held->deadline)
		pair_entry_release(entry, all ? HOLD_change : HOLD_deadline);
	return pair_entry_held(entry);
}

unsigned pair_hold_poll(struct worker *w, bool all)
{
	uint64_t now = rte_rdtsc();
	struct hold_pair *held;
	unsigned at = 0, released = 0;

	while ((held = hold_next(w->hold, &at)) != NULL) {
		enum hold_end end = pair_hold_end(w, held, now, all);

		if (end != HOLD_WAITS)
			released += pair_release(w, held, end);
	}
	return released;
}

unsigned pair_hold_discard(struct worker *w)
{
	struct rte_mbuf *pkts[VECTOR_MAX];
	struct hold_pair *held;
	unsigned at = 0, all = 0;

	while ((held = hold_next(w->hold, &at)) != NULL) {
		struct rte_mbuf *first = hold_take(w->hold, held);

		for (uint16_t n; (n = hold_unlink(&first, pkts, VECTOR_MAX)) != 0; all += n) {
			for (uint16_t i = 0; i < n; i++)
				push_drop(w, pkts[i], DROP_shutdown);
			pipeline_run(w);
		}
	}
	return all;
}

void marker_arrived(struct worker *w, struct rte_mbuf *pkt)
{
	const struct rte_ipv6_hdr *ip = packet_ipv6(pkt);
	union pair_key key = pair_key(PAIR_RX, endpoint_id_ipv6(ip->src_addr), endpoint_id_ipv6(ip->dst_addr));
	const struct pair_entry *entry = w->tables->pairs != NULL ? pair_table_lookup(w->tables->pairs, key) : NULL;

	if (entry != NULL && entry->forward.hold != 0)
		pair_entry_release(entry, HOLD_marker);
	push_drop(w, pkt, DROP_marker);
}

/* @entry: NULL, there is none. */
static __rte_noinline void pair(struct worker *w, struct rte_mbuf *pkt, const struct pair_entry *entry)
{
	uint32_t tunnel = packet_path(pkt)->tunnel;

	if (entry == NULL)
		pair_refuse(w, pkt, DROP_pair_unknown);
	else if (entry->check.tunnel != tunnel && entry->check.former != tunnel)
		pair_refuse(w, pkt, DROP_pair_tunnel_mismatch);
	else if (entry->forward.hold != 0 && w->hold != NULL && entry->check.tunnel == tunnel)
		pair_hold(w, pkt, entry);
	else
		pair_forward(w, pkt, entry);
}

/* As pair() does it, for what nearly every packet is. False: it is something else; nothing is changed. */
static __rte_always_inline bool pair_usual(
	const struct worker *w, struct rte_mbuf *pkt, const struct pair_entry *entry, bool count)
{
	uint32_t bytes = rte_pktmbuf_data_len(pkt);

	if (unlikely(entry == NULL || entry->check.tunnel != packet_path(pkt)->tunnel || entry->forward.hold != 0 ||
		     entry->forward.action != FORWARD_LOCAL || !deliver_usual(w->gateway, pkt, &entry->forward)))
		return false;
	if (count) {
		count_object(w->pair_counters, entry->index, w->pairs_max, COUNTER_DOWN, bytes);
		count_object(w->node_counters, entry->forward.node, w->nodes_max, COUNTER_DOWN, bytes);
	}
	return true;
}

void stage_pair(struct worker *w, struct rte_mbuf **pkts, uint16_t n)
{
	const struct pair_entry *entries[VECTOR_MAX] = {NULL};
	const bool count = w->pair_counters != NULL || w->node_counters != NULL;
	struct vector *tx = &w->vectors[STAGE_tx];
	uint16_t done = tx->n;

	if (likely(w->tables->pairs != NULL))
		lookup_pairs(w, pkts, n, PAIR_RX, COUNTER_DOWN, entries);
	for (uint16_t i = 0; i < n; i++) {
		if (likely(pair_usual(w, pkts[i], entries[i], count))) {
			tx->pkts[done++] = pkts[i];
			continue;
		}
		tx->n = done;
		pair(w, pkts[i], entries[i]);
		done = tx->n;
	}
	tx->n = done;
}
