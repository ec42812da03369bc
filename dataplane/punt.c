/* SPDX-License-Identifier: BSD-3-Clause */
#include "pipeline.h"

#include <string.h>
#include <rte_cycles.h>
#include <rte_ring.h>

#include "endpoint.h"

/* Which punts are signalling, in place of a word to compare: the list is the same. */
static const bool is_signalling[PUNT_COUNT] = {
#define signalling                true
#define other                     false
#define RING_OF(name, ring, help) [PUNT_##name] = ring,
	PUNT_REASONS(RING_OF)
#undef RING_OF
#undef signalling
#undef other
};

/* What a source is known by: its link-layer address on an access link, else its /64. */
static uint64_t source_of(struct rte_mbuf *pkt, const struct packet_meta *meta)
{
	if (meta->link != LINK_NONE)
		return link_key(meta->link, meta->source_mac);
	return endpoint_load_be64(packet_ipv6(pkt)->src_addr);
}

static bool source_allowed(struct worker *w, uint64_t source)
{
	struct token_bucket *bucket = &w->source_buckets[endpoint_hash(source) % SOURCE_BUCKETS];

	return token_bucket_take(bucket, w->now, w->limits.source_interval, w->limits.source_burst);
}

static bool allowed(struct worker *w, struct rte_mbuf *pkt, const struct packet_meta *meta)
{
	struct token_bucket *bucket = &w->reason_buckets[meta->reason];

	if (meta->reason == PUNT_pair_error)
		return true; /* pair_error_allowed() has said so */
	if (is_signalling[meta->reason])
		return token_bucket_take(bucket, w->now, w->limits.signalling_interval, w->limits.signalling_burst);
	return source_allowed(w, source_of(pkt, meta)) &&
	       token_bucket_take(bucket, w->now, w->limits.reason_interval, w->limits.reason_burst);
}

static void fill_meta(struct worker *w, struct rte_mbuf *pkt)
{
	const struct packet_path *path = packet_path(pkt);
	struct packet_meta *meta = packet_meta(pkt);
	uint16_t mtu_bytes = path->reason == PUNT_packet_too_big_error ? meta->mtu_bytes : 0;

	*meta = (struct packet_meta){
		.reason = path->reason,
		.port = pkt->port,
		.link = path->link,
		.mtu_bytes = mtu_bytes,
		.tunnel = path->tunnel,
		.vlan = VLAN_NONE,
		.worker = (uint8_t)w->number,
	};
	if (path->l2 != 0) {
		const struct rte_ether_hdr *eth =
			(const struct rte_ether_hdr *)(rte_pktmbuf_mtod(pkt, const uint8_t *) - path->l2);

		meta->vlan = pkt->vlan_tci;
		memcpy(meta->source_mac, eth->src_addr.addr_bytes, sizeof(meta->source_mac));
	}
}

void stage_punt(struct worker *w, struct rte_mbuf **pkts, uint16_t n)
{
	bool pushed = false;

	for (uint16_t i = 0; i < n; i++) {
		enum punt_reason reason = (enum punt_reason)packet_path(pkts[i])->reason;
		struct rte_ring *ring =
			is_signalling[reason] ? w->door_worker->punt_signalling : w->door_worker->punt_other;

		fill_meta(w, pkts[i]);
		if (!allowed(w, pkts[i], packet_meta(pkts[i]))) {
			push_drop(w, pkts[i], DROP_punt_limited);
		} else if (rte_ring_sp_enqueue(ring, pkts[i]) != 0) {
			push_drop(w, pkts[i], DROP_punt_full);
		} else {
			counter_add(&w->stats->punts[reason], 1);
			pushed = true;
		}
	}
	if (pushed)
		door_control_wake(w->door);
}

bool pair_error_allowed(struct worker *w, const struct rte_ipv6_hdr *inner, uint64_t peer)
{
	uint64_t of = endpoint_hash(peer), pair = endpoint_hash(endpoint_load_be64(inner->src_addr) ^ of);
	struct token_bucket *of_pair, *of_peer = &w->peer_buckets[of % PEER_BUCKETS];

	pair = endpoint_hash(pair ^ endpoint_load_be64(inner->dst_addr));
	of_pair = &w->pair_buckets[pair % PAIR_BUCKETS];
	return token_bucket_take(of_pair, w->now, w->limits.pair_error_interval, 1) &&
	       token_bucket_take(of_peer, w->now, w->limits.peer_error_interval, PEER_ERROR_BURST);
}

/* The limits of what a source says, and of the type of event. */
static bool event_allowed(struct worker *w, uint64_t source, enum event_type type)
{
	struct token_bucket *bucket = &w->reason_buckets[PUNT_COUNT + type];

	return source_allowed(w, source) &&
	       token_bucket_take(bucket, w->now, w->limits.reason_interval, w->limits.reason_burst);
}

static void push_event(struct worker *w, struct door_event *event, bool in_limits)
{
	if (!in_limits || rte_ring_sp_enqueue_elem(w->door_worker->event, event, sizeof(*event)) != 0) {
		counter_add(&w->stats->events_lost, 1);
		return;
	}
	counter_add(&w->stats->events, 1);
	door_control_wake(w->door);
}

void event_unknown_mac(struct worker *w, struct rte_mbuf *pkt)
{
	const struct packet_path *path = packet_path(pkt);
	const struct rte_ether_hdr *eth =
		(const struct rte_ether_hdr *)(rte_pktmbuf_mtod(pkt, const uint8_t *) - path->l2);
	struct door_event event = {.type = EVENT_unknown_mac,
		.worker = (uint8_t)w->number,
		.link = path->link,
		.port = pkt->port,
		.endpoint = endpoint_id_ipv6(packet_ipv6(pkt)->src_addr),
		.endpoint_to = endpoint_id_ipv6(packet_ipv6(pkt)->dst_addr),
		.tsc = w->now};

	memcpy(event.mac, eth->src_addr.addr_bytes, sizeof(event.mac));
	push_event(w, &event, event_allowed(w, link_key(event.link, event.mac), EVENT_unknown_mac));
}

void pair_watch(struct worker *w, struct rte_mbuf *pkt)
{
	const struct rte_ipv6_hdr *ip = packet_ipv6(pkt);
	struct token_bucket *bucket = &w->reason_buckets[PUNT_COUNT + EVENT_pair_seen];
	struct door_event event = {.type = EVENT_pair_seen,
		.worker = (uint8_t)w->number,
		.link = packet_path(pkt)->link,
		.port = PORT_NONE,
		.endpoint = endpoint_id_ipv6(ip->src_addr),
		.endpoint_to = endpoint_id_ipv6(ip->dst_addr),
		.tsc = w->now};
	struct pair_seen seen;

	if (!pair_sketch_add(w->sketch, event.endpoint, event.endpoint_to, rte_pktmbuf_data_len(pkt), w->now, &seen))
		return;
	event.value = (uint32_t)RTE_MIN(seen.packets, (uint64_t)UINT32_MAX);
	event.bytes = seen.bytes;
	push_event(w, &event, token_bucket_take(bucket, w->now, w->limits.reason_interval, w->limits.reason_burst));
}

void event_wrong_tunnel(struct worker *w, uint64_t endpoint, uint32_t tunnel, const void *peer)
{
	struct door_event event = {.type = EVENT_wrong_tunnel,
		.worker = (uint8_t)w->number,
		.link = LINK_NONE,
		.port = PORT_NONE,
		.value = tunnel,
		.endpoint = endpoint,
		.tsc = w->now};

	memcpy(event.peer, peer, sizeof(event.peer));
	push_event(w, &event, event_allowed(w, endpoint, EVENT_wrong_tunnel));
}
