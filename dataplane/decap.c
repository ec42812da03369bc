/* SPDX-License-Identifier: BSD-3-Clause */
#include "pipeline.h"

#include <string.h>

#include "endpoint.h"

#define VERSION_MASK RTE_BE32(0xf0000000)
#define ECN_CE       3
#define ECN_MASK     RTE_BE32(0x00300000)

#define ECN_DROP 0xff

/* RFC 6040 section 4.2: [inner][outer] -> what goes on. Codepoints: 0 Not-ECT, 1 ECT(1), 2 ECT(0), 3 CE. */
static const uint8_t ecn_decap[4][4] = {
	[0] = {0, 0, 0, ECN_DROP},
	[1] = {1, 1, 1, ECN_CE},
	[2] = {2, 1, 2, ECN_CE},
	[3] = {ECN_CE, ECN_CE, ECN_CE, ECN_CE},
};

/* What a tunnel is for says who looks at what comes out of it. */
static const enum stage after_decap[TUNNEL_USE_COUNT] = {
	[TUNNEL_TO_LMA] = STAGE_downlink,
	[TUNNEL_TO_MAG] = STAGE_anchor_up,
	[TUNNEL_TO_PEER_MAG] = STAGE_pair,
};

static uint8_t ecn_of(const struct rte_ipv6_hdr *ip)
{
	return rte_be_to_cpu_32(ip->vtc_flow) >> 20 & 3;
}

/* Offset of the inner packet, or 0 after the packet was dropped. */
static uint16_t inner_offset(struct worker *w, struct rte_mbuf *pkt)
{
	struct ipv6_upper upper = {.protocol = IPPROTO_IPV6, .offset = IPV6_HEADER};
	const struct rte_ipv6_hdr *ip = packet_ipv6(pkt);

	if (unlikely(ip->proto != IPPROTO_IPV6)) {
		if (!ipv6_upper_find(ip, rte_pktmbuf_data_len(pkt), &upper)) {
			push_drop(w, pkt, DROP_extension_headers);
			return 0;
		}
		if (upper.fragment) {
			push_drop(w, pkt, DROP_fragment);
			return 0;
		}
	}
	return upper.offset;
}

/* The inner packet: complete, IPv6, and not the tunnel itself again. False: dropped. */
static __rte_always_inline bool check_inner(struct worker *w, struct rte_mbuf *pkt, uint16_t offset)
{
	const struct rte_ipv6_hdr *outer = packet_ipv6(pkt);
	const struct rte_ipv6_hdr *inner = rte_pktmbuf_mtod_offset(pkt, const struct rte_ipv6_hdr *, offset);
	uint16_t left = (uint16_t)(rte_pktmbuf_data_len(pkt) - offset);
	uint32_t claimed;

	if (unlikely(left < IPV6_HEADER)) {
		push_drop(w, pkt, DROP_ip_length);
		return false;
	}
	if (unlikely((inner->vtc_flow & VERSION_MASK) != RTE_BE32(0x60000000))) {
		push_drop(w, pkt, DROP_tunnel_inner_protocol);
		return false;
	}
	claimed = rte_be_to_cpu_16(inner->payload_len) + (uint32_t)IPV6_HEADER;
	if (unlikely(claimed > left)) {
		push_drop(w, pkt, DROP_ip_length);
		return false;
	}
	if (unlikely(memcmp(inner->src_addr, outer->src_addr, 16) == 0 &&
		     memcmp(inner->dst_addr, outer->dst_addr, 16) == 0)) {
		push_drop(w, pkt, DROP_tunnel_loop);
		return false;
	}
	rte_pktmbuf_trim(pkt, (uint16_t)(left - claimed));
	return true;
}

/* It may be a MAG whose last MN went to another one, and has come back without having to register. */
static void tell_anchor(struct worker *w, struct rte_mbuf *pkt, const struct rte_ipv6_hdr *inner)
{
	uint64_t source = endpoint_id_ipv6(inner->src_addr);

	if (endpoint_table_lookup(w->tables->endpoints, source)->action != FORWARD_NONE)
		event_wrong_tunnel(w, source, INDEX_NONE, packet_ipv6(pkt)->src_addr);
}

/* Another MAG that sends direct after all pairs with it are gone, or were lost by a restart: it is told. */
static bool is_of_former_peer(struct worker *w, struct rte_mbuf *pkt, const struct rte_ipv6_hdr *inner)
{
	const uint8_t *source = packet_ipv6(pkt)->src_addr;

	return w->tables->pairs != NULL && address_set_lookup(&w->gateway->peers, source) != ADDRESS_SET_MISS &&
	       pair_error_allowed(w, inner, endpoint_load_be64(source) ^ endpoint_hash(endpoint_load_be64(source + 8)));
}

/* From nobody who has a tunnel. */
static void decap_unknown(struct worker *w, struct rte_mbuf *pkt, uint16_t offset)
{
	const struct rte_ipv6_hdr *inner = rte_pktmbuf_mtod_offset(pkt, const struct rte_ipv6_hdr *, offset);
	bool is_complete = rte_pktmbuf_data_len(pkt) >= offset + IPV6_HEADER &&
			   (inner->vtc_flow & VERSION_MASK) == RTE_BE32(0x60000000);

	if (is_complete && w->gateway->role == DATAPLANE_LMA)
		tell_anchor(w, pkt, inner);
	else if (is_complete && is_of_former_peer(w, pkt, inner)) {
		push_punt(
			w, pkt, PUNT_pair_error); /* the whole packet, for there is no tunnel that knows its outside */
		return;
	}
	push_drop(w, pkt, DROP_tunnel_unknown);
}

static void decap(struct worker *w, struct rte_mbuf *pkt, const struct tunnel_peer *peer)
{
	const struct rte_ipv6_hdr *outer = packet_ipv6(pkt);
	struct packet_path *path = packet_path(pkt);
	uint16_t offset = inner_offset(w, pkt);
	struct rte_ipv6_hdr *inner;
	uint8_t ecn;

	if (offset == 0)
		return;
	if (peer == NULL) {
		decap_unknown(w, pkt, offset);
		return;
	}
	if (!check_inner(w, pkt, offset))
		return;
	inner = rte_pktmbuf_mtod_offset(pkt, struct rte_ipv6_hdr *, offset);
	ecn = ecn_decap[ecn_of(inner)][ecn_of(outer)];
	if (ecn == ECN_DROP) {
		push_drop(w, pkt, DROP_tunnel_ecn);
		return;
	}
	inner->vtc_flow = (inner->vtc_flow & ~ECN_MASK) | rte_cpu_to_be_32((uint32_t)ecn << 20);
	rte_pktmbuf_adj(pkt, offset);
	path->tunnel = peer->tunnel;
	path->l2 = 0;
	count_object(w->tunnel_counters, peer->tunnel, w->tunnels_max, COUNTER_UP, rte_pktmbuf_data_len(pkt));
	push(w, after_decap[peer->use], pkt);
}

/*
 * What nearly every packet is: the inner one follows at once, is complete, has nothing to learn from the outer one's
 * congestion bits and goes elsewhere. The same as decap() does with it, in one go. False: it is something else; nothing
 * is changed.
 */
static __rte_always_inline bool decap_usual(
	struct worker *w, struct rte_mbuf *pkt, const struct tunnel_peer *peer, bool count)
{
	const struct rte_ipv6_hdr *outer = packet_ipv6(pkt), *inner = outer + 1;
	uint32_t length = rte_pktmbuf_data_len(pkt), claimed;
	rte_be32_t difference;

	if (unlikely(peer == NULL || outer->proto != IPPROTO_IPV6 || length < 2 * IPV6_HEADER))
		return false;
	claimed = rte_be_to_cpu_16(inner->payload_len) + (uint32_t)IPV6_HEADER;
	difference = inner->vtc_flow ^ outer->vtc_flow;
	if (unlikely(claimed + IPV6_HEADER > length || (difference & VERSION_MASK) != 0 ||
		     ((difference & ECN_MASK) != 0 && (outer->vtc_flow & ECN_MASK) != 0) ||
		     memcmp(inner->dst_addr + 8, outer->dst_addr + 8, 8) == 0))
		return false;
	pkt->data_off = (uint16_t)(pkt->data_off + IPV6_HEADER);
	pkt->data_len = (uint16_t)claimed;
	pkt->pkt_len = claimed;
	packet_path(pkt)->tunnel = peer->tunnel;
	packet_path(pkt)->l2 = 0;
	if (count)
		count_object(w->tunnel_counters, peer->tunnel, w->tunnels_max, COUNTER_UP, claimed);
	push(w, after_decap[peer->use], pkt);
	return true;
}

static __rte_always_inline uint64_t differ(const uint8_t *a, const uint8_t *b)
{
	return load64(a) ^ load64(b);
}

/* Do two outer headers have the same source and destination? @a and @b: where their addresses start. */
static __rte_always_inline bool is_same_tunnel(const uint8_t *a, const uint8_t *b)
{
	return (differ(a, b) | differ(a + 8, b + 8) | differ(a + 16, b + 16) | differ(a + 24, b + 24)) == 0;
}

/* Packets of one tunnel come in runs, always so at a MAG: one lookup per run. */
void stage_decap(struct worker *w, struct rte_mbuf **pkts, uint16_t n)
{
	static const union tunnel_key rest = {.protocol = IPPROTO_IPV6};
	const struct tunnel_peer *peers[VECTOR_MAX];
	union tunnel_key keys[VECTOR_MAX];
	uint8_t run_of[VECTOR_MAX]; /* of each packet */
	const bool count = w->tunnel_counters != NULL;
	const uint8_t *last = NULL;
	unsigned runs = 0;

	for (uint16_t i = 0; i < n; i++) {
		const uint8_t *addresses = packet_ipv6(pkts[i])->src_addr;

		if (last == NULL || !is_same_tunnel(addresses, last)) {
			union tunnel_key *key = &keys[runs++];

			memcpy(&key->remote, addresses, sizeof(key->remote));
			memcpy(&key->local, addresses + 16, sizeof(key->local));
			key->words[4] = rest.words[4];
		}
		last = addresses;
		run_of[i] = (uint8_t)(runs - 1);
	}
	if (runs == 0)
		return;
	tunnel_table_peer_burst(w->tables->tunnels, keys, (uint16_t)runs, peers);
	for (unsigned run = 0; run < runs && count; run++)
		if (likely(peers[run] != NULL))
			prefetch_object(w->tunnel_counters, peers[run]->tunnel, w->tunnels_max, COUNTER_UP);
	for (uint16_t i = 0; i < n; i++)
		if (unlikely(!decap_usual(w, pkts[i], peers[run_of[i]], count)))
			decap(w, pkts[i], peers[run_of[i]]);
}
