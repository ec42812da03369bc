/* SPDX-License-Identifier: BSD-3-Clause */
#include "pipeline.h"

#include <string.h>

#include "endpoint.h"

#define LIMIT_HEADER  8 /* destination options with a Tunnel Encapsulation Limit */
#define INNER_MTU_MIN 1280
#define TRAFFIC_CLASS UINT32_C(0x0ff00000)
#define ECN           UINT32_C(0x00300000)
#define FLOW_LABEL    UINT32_C(0x000fffff)

/*
 * Twenty bits of the inner flow (RFC 6438): addresses, flow label, protocol and, if they are there, ports. @mask 0: of
 * the two /64s alone, so that all packets between two mobile nodes take one path.
 */
static uint32_t flow_hash(const struct rte_ipv6_hdr *ip, uint16_t length, uint64_t mask)
{
	uint64_t word[4], hash, ports = ip->proto;

	memcpy(word, ip->src_addr, sizeof(word));
	if ((ip->proto == IPPROTO_TCP || ip->proto == IPPROTO_UDP) && length >= IPV6_HEADER + 4) {
		uint32_t both;

		memcpy(&both, ip + 1, sizeof(both));
		ports |= (uint64_t)both << 32;
	}
	ports |= (uint64_t)(rte_be_to_cpu_32(ip->vtc_flow) & FLOW_LABEL) << 8;
	hash = (word[0] ^ (ports & mask)) * UINT64_C(0x9e3779b97f4a7c15);
	hash ^= ((word[1] & mask) + (hash >> 32)) * UINT64_C(0xff51afd7ed558ccd);
	hash ^= (word[2] + (hash >> 29)) * UINT64_C(0xc4ceb9fe1a85ec53);
	hash ^= ((word[3] & mask) + (hash >> 31)) * UINT64_C(0x9e3779b97f4a7c15);
	return (uint32_t)(hash >> 44);
}

/*
 * A packet that brings a tunnel encapsulation limit gets an own one, lower by one (RFC 2473 section 4.1.1). Returns
 * the octets that the outer header grows by, or a negative value after the packet was answered.
 */
static int nested_limit(struct worker *w, struct rte_mbuf *pkt, uint8_t *limit)
{
	const struct rte_ipv6_hdr *ip = packet_ipv6(pkt);
	uint16_t offset;

	if (likely(ip->proto != IPPROTO_DSTOPTS))
		return 0;
	offset = ipv6_tunnel_limit_find(ip, rte_pktmbuf_data_len(pkt));
	if (offset == 0)
		return 0;
	*limit = ((const uint8_t *)ip)[offset];
	if (*limit == 0) {
		push_error(w, pkt, PUNT_tunnel_limit_error, DROP_tunnel_limit);
		return -1;
	}
	return LIMIT_HEADER;
}

static void prepend_limit(struct rte_mbuf *pkt, uint8_t limit)
{
	uint8_t *header = packet_prepend(pkt, LIMIT_HEADER);

	memcpy(header, (const uint8_t[LIMIT_HEADER]){IPPROTO_IPV6, 0, 4, 1, 0, 1, 1, 0}, LIMIT_HEADER);
	header[4] = (uint8_t)(limit - 1);
}

/* Can it go into the tunnel? False: it was answered or dropped. */
static __rte_always_inline bool check_encap(
	struct worker *w, struct rte_mbuf *pkt, const struct tunnel *tunnel, uint16_t extra)
{
	uint16_t length = rte_pktmbuf_data_len(pkt);

	if (unlikely(!packet_path(pkt)->own && packet_ipv6(pkt)->hop_limits <= 1)) {
		push_error(w, pkt, PUNT_hop_limit_error, DROP_hop_limit);
		return false;
	}
	if (unlikely(length + extra > tunnel->mtu_bytes)) {
		packet_meta(pkt)->mtu_bytes = RTE_MAX((uint16_t)(tunnel->mtu_bytes - extra), INNER_MTU_MIN);
		if (length <= INNER_MTU_MIN) /* no source can send less */
			push_drop(w, pkt, DROP_packet_too_big);
		else
			push_error(w, pkt, PUNT_packet_too_big_error, DROP_packet_too_big);
		return false;
	}
	if (unlikely(rte_pktmbuf_headroom(pkt) < TUNNEL_LINE + extra)) {
		push_drop(w, pkt, DROP_no_headroom);
		return false;
	}
	return true;
}

static __rte_always_inline void encap(struct worker *w, struct rte_mbuf *pkt, const struct tunnel *tunnel)
{
	struct rte_ipv6_hdr *inner = packet_ipv6(pkt), *outer;
	uint32_t class = rte_be_to_cpu_32(inner->vtc_flow) & TRAFFIC_CLASS;
	uint16_t length = rte_pktmbuf_data_len(pkt);
	uint8_t limit = 0, *data;
	int extra = nested_limit(w, pkt, &limit);
	uint32_t label;

	if (unlikely(extra < 0 || !check_encap(w, pkt, tunnel, (uint16_t)extra)))
		return;
	inner->hop_limits = (uint8_t)(inner->hop_limits - !packet_path(pkt)->own);
	count_object(w->tunnel_counters, *packet_into(pkt), w->tunnels_max, COUNTER_DOWN, length);
	label = flow_hash(inner, length, w->label_mask);
	if (unlikely(extra != 0))
		prepend_limit(pkt, limit);
	data = rte_pktmbuf_mtod(pkt, uint8_t *);
	memcpy(data - TUNNEL_LINE, tunnel, TUNNEL_LINE);
	outer = (struct rte_ipv6_hdr *)(data - IPV6_HEADER);
	if (tunnel->dscp != TUNNEL_DSCP_COPY)
		class = (class & ECN) | (uint32_t)tunnel->dscp << 22;
	outer->vtc_flow = rte_cpu_to_be_32(UINT32_C(0x60000000) | class | label);
	outer->payload_len = rte_cpu_to_be_16((uint16_t)(length + extra));
	if (unlikely(extra != 0))
		outer->proto = IPPROTO_DSTOPTS;
	packet_prepend(pkt, tunnel->length);
	push_tx(w, pkt, tunnel->port);
}

/*
 * A direct tunnel without a next hop: until its pairs know, their packets go by the anchor as if there were no pair.
 * NULL: there is no other way.
 */
static const struct tunnel *way_round(struct worker *w, struct rte_mbuf *pkt, const struct tunnel *tunnel)
{
	const struct forward *forward;

	if (tunnel->use != TUNNEL_TO_PEER_MAG)
		return NULL;
	forward = endpoint_table_lookup(w->tables->endpoints, endpoint_id_ipv6(packet_ipv6(pkt)->src_addr));
	if (forward->action != FORWARD_LOCAL)
		return NULL;
	tunnel = tunnel_table_lookup(w->tables->tunnels, forward->tunnel);
	if (tunnel == NULL || tunnel->length == 0)
		return NULL;
	*packet_into(pkt) = forward->tunnel;
	return tunnel;
}

static __rte_noinline void encap_unresolved(struct worker *w, struct rte_mbuf *pkt, const struct tunnel *tunnel)
{
	tunnel = way_round(w, pkt, tunnel);
	if (tunnel != NULL)
		encap(w, pkt, tunnel);
	else
		push_drop(w, pkt, DROP_tunnel_unresolved);
}

void stage_encap(struct worker *w, struct rte_mbuf **pkts, uint16_t n)
{
	const struct tunnel *tunnels[VECTOR_MAX];
	uint32_t indexes[VECTOR_MAX];

	if (n == 0)
		return;
	for (uint16_t i = 0; i < n; i++) {
		indexes[i] = *packet_into(pkts[i]);
		prefetch_object(w->tunnel_counters, indexes[i], w->tunnels_max, COUNTER_DOWN);
	}
	tunnel_table_lookup_burst(w->tables->tunnels, indexes, n, tunnels);
	for (uint16_t i = 0; i < n; i++) {
		if (unlikely(tunnels[i] == NULL))
			push_drop(w, pkts[i], DROP_dead_index);
		else if (unlikely(tunnels[i]->length == 0))
			encap_unresolved(w, pkts[i], tunnels[i]);
		else
			encap(w, pkts[i], tunnels[i]);
	}
}
