/* SPDX-License-Identifier: BSD-3-Clause */
#include "pipeline.h"

#include <string.h>
#include <arpa/inet.h>

#include "endpoint.h"

#define LIMIT_HEADER  8 /* destination options with a Tunnel Encapsulation Limit */
#define INNER_MTU_MIN 1280
#define VERSION       RTE_BE32(0x60000000)
#define TRAFFIC_CLASS RTE_BE32(0x0ff00000)
#define ECN           RTE_BE32(0x00300000)
#define FLOW_LABEL    RTE_BE32(0x000fffff)

static const uint8_t has_ports[256] = {[IPPROTO_TCP] = 1, [IPPROTO_UDP] = 1};

static __rte_always_inline uint64_t turn(uint64_t word)
{
	return word << 32 | word >> 32;
}

/*
 * Twenty bits of the inner flow (RFC 6438), as they lie in a header: addresses, flow label, protocol and, if they are
 * there, ports. @mask 0: of the two /64s alone, so that all packets between two mobile nodes take one path. Interface
 * identifiers are turned: they tend to differ in the last octets, as /64s do.
 */
static __rte_always_inline rte_be32_t flow_hash(const struct rte_ipv6_hdr *ip, uint16_t length, uint64_t mask)
{
	uint64_t source = turn(load64(ip->src_addr + 8)) ^ (ip->vtc_flow & FLOW_LABEL) ^ ip->proto;
	uint64_t destination = turn(load64(ip->dst_addr + 8));

	if (has_ports[ip->proto] && length >= IPV6_HEADER + 4) {
		uint32_t ports;

		memcpy(&ports, ip + 1, sizeof(ports));
		source ^= (uint64_t)ports << 32;
	}
	source = load64(ip->src_addr) ^ (source & mask);
	destination = load64(ip->dst_addr) ^ (destination & mask);
	return (rte_be32_t)hash_mix(source, destination ^ UINT64_C(0x9e3779b97f4a7c15)) & FLOW_LABEL;
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

/* A quarter of a tunnel's line, in a vector register. */
typedef uint64_t quarter __attribute__((vector_size(TUNNEL_LINE / 4), aligned(1), may_alias));

/* What encap needs of a tunnel, in registers as long as packets go into the same one. */
struct outer {
	quarter line[4];
	rte_be32_t class_mask, class; /* of the inner header's first word, and what is added to it */
	uint16_t mtu_bytes;           /* 0: there is no tunnel, or it is not resolved */
	uint16_t length, port;
};

static __rte_always_inline struct outer outer_of(const struct tunnel *tunnel)
{
	static const struct tunnel none;
	const struct tunnel *from = likely(tunnel != NULL) ? tunnel : &none;
	const quarter *line = (const quarter *)(const void *)from;
	bool copy = from->dscp == TUNNEL_DSCP_COPY;

	return (struct outer){.line = {line[0], line[1], line[2], line[3]},
		.class_mask = copy ? TRAFFIC_CLASS : ECN,
		.class = VERSION | (copy ? 0 : htonl((uint32_t)from->dscp << 22)),
		.mtu_bytes = from->mtu_bytes,
		.length = from->length,
		.port = from->port};
}

/* The outer header in front of the @length octets at @inner, which the caller accounts for. @vtc_flow: inner. */
static __rte_always_inline void write_outer(
	uint8_t *inner, const struct outer *to, rte_be32_t vtc_flow, rte_be32_t label, uint16_t length)
{
	struct rte_ipv6_hdr *outer = (struct rte_ipv6_hdr *)(inner - IPV6_HEADER);

	for (unsigned i = 0; i < 4; i++)
		((quarter *)(void *)(inner - TUNNEL_LINE))[i] = to->line[i];
	outer->vtc_flow = (vtc_flow & to->class_mask) | to->class | label;
	outer->payload_len = htons(length);
}

static __rte_noinline void encap(struct worker *w, struct rte_mbuf *pkt, const struct tunnel *tunnel)
{
	const struct outer to = outer_of(tunnel);
	struct rte_ipv6_hdr *inner = packet_ipv6(pkt);
	rte_be32_t vtc_flow = inner->vtc_flow, label;
	uint16_t length = rte_pktmbuf_data_len(pkt);
	uint8_t limit = 0, *data;
	int extra = nested_limit(w, pkt, &limit);

	if (unlikely(extra < 0 || !check_encap(w, pkt, tunnel, (uint16_t)extra)))
		return;
	inner->hop_limits = (uint8_t)(inner->hop_limits - !packet_path(pkt)->own);
	count_object(w->tunnel_counters, *packet_into(pkt), w->tunnels_max, COUNTER_DOWN, length);
	label = flow_hash(inner, length, w->label_mask);
	if (unlikely(extra != 0))
		prepend_limit(pkt, limit);
	data = rte_pktmbuf_mtod(pkt, uint8_t *);
	write_outer(data, &to, vtc_flow, label, (uint16_t)(length + extra));
	if (unlikely(extra != 0))
		((struct rte_ipv6_hdr *)(data - IPV6_HEADER))->proto = IPPROTO_DSTOPTS;
	packet_prepend(pkt, tunnel->length);
	push_tx(w, pkt, tunnel->port);
}

/*
 * What nearly every packet is: it fits, brings no options, and there is a tunnel that is resolved. The same as encap()
 * does with it, in one go, but for counting and the push. @length: of its data. False: it is something else; nothing is
 * changed.
 */
static __rte_always_inline bool encap_usual(
	struct rte_mbuf *pkt, uint16_t length, const struct outer *to, uint64_t label_mask)
{
	struct rte_ipv6_hdr *inner = packet_ipv6(pkt);
	uint32_t whole = (uint32_t)length + to->length;

	if (unlikely(length > to->mtu_bytes || rte_pktmbuf_headroom(pkt) < TUNNEL_LINE || packet_path(pkt)->own ||
		     inner->hop_limits <= 1 || inner->proto == IPPROTO_DSTOPTS))
		return false;
	inner->hop_limits--;
	write_outer((uint8_t *)inner, to, inner->vtc_flow, flow_hash(inner, length, label_mask), length);
	pkt->data_off = (uint16_t)(pkt->data_off - to->length);
	packet_set_length(pkt, whole);
	pkt->port = to->port;
	return true;
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

static __rte_noinline void encap_unusual(struct worker *w, struct rte_mbuf *pkt, const struct tunnel *tunnel)
{
	if (tunnel == NULL) {
		push_drop(w, pkt, DROP_dead_index);
		return;
	}
	if (tunnel->length == 0)
		tunnel = way_round(w, pkt, tunnel);
	if (tunnel != NULL)
		encap(w, pkt, tunnel);
	else
		push_drop(w, pkt, DROP_tunnel_unresolved);
}

/* Usual packets that go into @tunnel, of @index: up to the first that is not or does not. Returns how many. */
static uint16_t encap_run(
	struct worker *w, struct rte_mbuf **pkts, uint16_t n, uint32_t index, const struct tunnel *tunnel)
{
	const struct outer to = outer_of(tunnel);
	const uint64_t label_mask = w->label_mask;
	struct vector *tx = &w->vectors[STAGE_tx];
	struct rte_mbuf **end = &tx->pkts[tx->n];
	uint32_t bytes = 0;
	uint16_t i;

	for (i = 0; i < n; i++) {
		struct rte_mbuf *pkt = pkts[i];
		uint16_t length = rte_pktmbuf_data_len(pkt);

		if (unlikely(*packet_into(pkt) != index || !encap_usual(pkt, length, &to, label_mask)))
			break;
		bytes += length;
		end[i] = pkt;
	}
	tx->n = (uint16_t)(tx->n + i);
	count_objects(w->tunnel_counters, index, w->tunnels_max, COUNTER_DOWN, i, bytes);
	return i;
}

/* Packets of many tunnels, which are on their way from memory before the first is needed. */
static void encap_each(struct worker *w, struct rte_mbuf **pkts, uint16_t n)
{
	const struct tunnel *tunnels[VECTOR_MAX];
	uint32_t indexes[VECTOR_MAX];
	const uint64_t label_mask = w->label_mask;
	const bool count = w->tunnel_counters != NULL;
	struct vector *tx = &w->vectors[STAGE_tx];
	uint16_t done = tx->n;

	for (uint16_t i = 0; i < n; i++)
		indexes[i] = *packet_into(pkts[i]);
	for (uint16_t i = 0; i < n && count; i++)
		prefetch_object(w->tunnel_counters, indexes[i], w->tunnels_max, COUNTER_DOWN);
	tunnel_table_lookup_burst(w->tables->tunnels, indexes, n, tunnels);
	for (uint16_t i = 0; i < n; i++) {
		const struct outer to = outer_of(tunnels[i]);
		uint16_t length = rte_pktmbuf_data_len(pkts[i]);

		if (unlikely(!encap_usual(pkts[i], length, &to, label_mask))) {
			tx->n = done;
			encap_unusual(w, pkts[i], tunnels[i]);
			done = tx->n;
			continue;
		}
		if (count)
			count_object(w->tunnel_counters, indexes[i], w->tunnels_max, COUNTER_DOWN, length);
		tx->pkts[done++] = pkts[i];
	}
	tx->n = done;
}

/* Nearly always all packets of a burst go into one tunnel at a MAG; at an LMA hardly ever two. */
void stage_encap(struct worker *w, struct rte_mbuf **pkts, uint16_t n)
{
	const uint32_t index = *packet_into(pkts[0]);
	const struct tunnel *tunnel = tunnel_table_lookup(w->tables->tunnels, index);
	uint16_t i = encap_run(w, pkts, n, index, tunnel);

	while (i < n && *packet_into(pkts[i]) == index) {
		encap_unusual(w, pkts[i++], tunnel);
		i += encap_run(w, pkts + i, (uint16_t)(n - i), index, tunnel);
	}
	if (i < n)
		encap_each(w, pkts + i, (uint16_t)(n - i));
}
