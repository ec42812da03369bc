/* SPDX-License-Identifier: BSD-3-Clause */
#include "pipeline.h"

#include <string.h>
#include <arpa/inet.h>
#ifdef __SSE4_1__
#include <smmintrin.h>
#endif

#include "lookup.h"

#define ICMPV6_ERROR_MAX    127
#define ICMPV6_ECHO_REQUEST 128
#define ICMPV6_ECHO_REPLY   129
#define ICMPV6_RS           133
#define ICMPV6_NS           135
#define ICMPV6_NA           136
#define ICMPV6_HEADER       8 /* with the four octets that every type we serve has */
#define ICMPV6_NS_LENGTH    24
#define ND_HOP_LIMIT        255
#define DHCPV6_SERVER_PORT  547
#define UDP_HEADER          8
#define AHEAD               16 /* packets that are looked up at once; what a core can have on its way */

#define BE16_IPV6 RTE_BE16(RTE_ETHER_TYPE_IPV6)
#define BE16_VLAN RTE_BE16(RTE_ETHER_TYPE_VLAN)

/* Takes the Ethernet header and a tag off. False: dropped. */
static bool take_ethernet(struct worker *w, struct rte_mbuf *pkt)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(pkt, const struct rte_ether_hdr *);
	uint16_t length = rte_pktmbuf_data_len(pkt), l2 = RTE_ETHER_HDR_LEN;
	rte_be16_t type;

	if (unlikely(pkt->nb_segs != 1)) {
		push_drop(w, pkt, DROP_chained);
		return false;
	}
	if (unlikely(length < RTE_ETHER_HDR_LEN)) {
		push_drop(w, pkt, DROP_runt);
		return false;
	}
	type = eth->ether_type;
	if (likely((pkt->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) == 0)) {
		pkt->vlan_tci = VLAN_NONE;
	} else {
		pkt->vlan_tci &= 0xfff;
	}
	if (unlikely(type == BE16_VLAN && pkt->vlan_tci == VLAN_NONE)) {
		const struct rte_vlan_hdr *tag = (const struct rte_vlan_hdr *)(eth + 1);

		l2 += sizeof(*tag);
		if (length < l2) {
			push_drop(w, pkt, DROP_runt);
			return false;
		}
		pkt->vlan_tci = rte_be_to_cpu_16(tag->vlan_tci) & 0xfff;
		type = tag->eth_proto;
	}
	if (unlikely(type != BE16_IPV6)) {
		push_drop(w, pkt, DROP_unknown_ethertype);
		return false;
	}
	packet_path(pkt)->l2 = (uint8_t)l2 & 0x3f;
	rte_pktmbuf_adj(pkt, l2);
	return true;
}

/* Version and length; what lies behind the packet (Ethernet's padding) is cut off. False: dropped. */
static bool check_ipv6(struct worker *w, struct rte_mbuf *pkt)
{
	const struct rte_ipv6_hdr *ip = packet_ipv6(pkt);
	uint16_t length = rte_pktmbuf_data_len(pkt);
	uint32_t claimed;

	if (unlikely(length < IPV6_HEADER)) {
		push_drop(w, pkt, DROP_runt);
		return false;
	}
	if (unlikely((ip->vtc_flow & RTE_BE32(0xf0000000)) != RTE_BE32(0x60000000))) {
		push_drop(w, pkt, DROP_ip_version);
		return false;
	}
	claimed = rte_be_to_cpu_16(ip->payload_len) + (uint32_t)IPV6_HEADER;
	if (unlikely(claimed > length)) {
		push_drop(w, pkt, DROP_ip_length);
		return false;
	}
	rte_pktmbuf_trim(pkt, (uint16_t)(length - claimed));
	return true;
}

/* Addresses that no packet may carry. The unspecified source is for duplicate address detection. False: dropped. */
static bool check_addresses(struct worker *w, struct rte_mbuf *pkt)
{
	const struct rte_ipv6_hdr *ip = packet_ipv6(pkt);

	if (likely(ipv6_is_routable(ip->src_addr) && ipv6_is_routable(ip->dst_addr)))
		return true;
	if (ipv6_is_multicast(ip->src_addr) || ipv6_is_loopback(ip->src_addr) ||
		(ipv6_is_unspecified(ip->src_addr) && !ipv6_is_multicast(ip->dst_addr))) {
		push_drop(w, pkt, DROP_ip_source_invalid);
		return false;
	}
	if (ipv6_is_unspecified(ip->dst_addr) || ipv6_is_loopback(ip->dst_addr)) {
		push_drop(w, pkt, DROP_ip_destination_invalid);
		return false;
	}
	return true;
}

static bool is_neighbour_discovery(uint8_t type)
{
	return type == ICMPV6_NS || type == ICMPV6_NA;
}

/* To a probe of ours: straight from a peer. */
static bool is_answer_of_peer(const struct worker *w, struct rte_mbuf *pkt, uint8_t type, int kind)
{
	return type == ICMPV6_ECHO_REPLY && kind == OWN_ADDRESS && packet_path(pkt)->tunnel == INDEX_NONE &&
	       w->gateway->ports[pkt->port].side == DATAPLANE_CORE &&
	       address_set_lookup(&w->gateway->peers, packet_ipv6(pkt)->src_addr) != ADDRESS_SET_MISS;
}

static void own_icmp(struct worker *w, struct rte_mbuf *pkt, uint16_t offset, int kind)
{
	const struct rte_ipv6_hdr *ip = packet_ipv6(pkt);
	uint8_t type;

	if (rte_pktmbuf_data_len(pkt) < offset + ICMPV6_HEADER) {
		push_drop(w, pkt, DROP_ip_length);
		return;
	}
	type = *rte_pktmbuf_mtod_offset(pkt, const uint8_t *, offset);
	if (is_neighbour_discovery(type) && ip->hop_limits == ND_HOP_LIMIT && packet_path(pkt)->tunnel == INDEX_NONE &&
		w->gateway->ports[pkt->port].side != DATAPLANE_ACCESS)
		push_punt(w, pkt, PUNT_neighbour_discovery);
	else if (ipv6_is_unspecified(ip->src_addr))
		push_drop(w, pkt, DROP_ip_source_invalid);
	else if (type == ICMPV6_ECHO_REQUEST && kind != OWN_GROUP)
		push_punt(w, pkt, PUNT_icmp_echo);
	else if (is_answer_of_peer(w, pkt, type, kind))
		push_punt(w, pkt, PUNT_icmp_reply);
	else if (type <= ICMPV6_ERROR_MAX && kind != OWN_GROUP)
		push_punt(w, pkt, PUNT_icmp_error_in);
	else
		push_drop(w, pkt, DROP_own_unknown_protocol);
}

static void own_mobility(struct worker *w, struct rte_mbuf *pkt, bool core)
{
	if (!core)
		push_drop(w, pkt, DROP_signalling_side);
	else if (address_set_lookup(&w->gateway->peers, packet_ipv6(pkt)->src_addr) == ADDRESS_SET_MISS)
		push_drop(w, pkt, DROP_signalling_peer);
	else
		push_punt(w, pkt, PUNT_mobility_header);
}

void classify_own(struct worker *w, struct rte_mbuf *pkt, int kind, bool core)
{
	const struct rte_ipv6_hdr *ip = packet_ipv6(pkt);
	struct ipv6_upper upper;

	if (!ipv6_upper_find(ip, rte_pktmbuf_data_len(pkt), &upper)) {
		push_drop(w, pkt, DROP_extension_headers);
		return;
	}
	if (upper.fragment) {
		push_drop(w, pkt, DROP_fragment);
		return;
	}
	switch (upper.protocol) {
	case IPPROTO_IPV6:
		if (core && kind == OWN_ADDRESS)
			push(w, STAGE_decap, pkt);
		else
			push_drop(w, pkt, DROP_tunnel_unknown);
		return;
	case IPPROTO_MH: own_mobility(w, pkt, core && kind == OWN_ADDRESS); return;
	case IPPROTO_ICMPV6: own_icmp(w, pkt, upper.offset, kind); return;
	default:
		if (kind == OWN_GROUP || upper.protocol == IPPROTO_NONE || ipv6_is_unspecified(ip->src_addr))
			push_drop(w, pkt, DROP_own_unknown_protocol);
		else
			push_punt(w, pkt, PUNT_own_protocol_error);
	}
}

/* A packet from a core or outside port: to us, to a mobile node of the LMA, or not for us. */
static void classify_core(struct worker *w, struct rte_mbuf *pkt, const struct gateway_port *port)
{
	const struct rte_ipv6_hdr *ip = packet_ipv6(pkt);
	int own = gateway_own(w->gateway, ip->dst_addr, pkt->port);

	if (own >= 0)
		classify_own(w, pkt, own, port->side == DATAPLANE_CORE);
	else if (ipv6_is_multicast(ip->dst_addr))
		push_drop(w, pkt, DROP_ip_destination_invalid);
	else if (w->gateway->role != DATAPLANE_LMA || !ipv6_is_routable(ip->dst_addr))
		push_drop(w, pkt, DROP_not_for_us);
	else if (!ipv6_is_routable(ip->src_addr))
		push_drop(w, pkt, DROP_ip_source_invalid);
	else
		push(w, STAGE_anchor_down, pkt);
}

/* Is a neighbour solicitation's target an address of the gateway on an access link? */
static bool is_access_target(const struct worker *w, const uint8_t *target)
{
	if (memcmp(target, &w->gateway->access_link_local, 16) == 0)
		return true;
	/* The subnet-router anycast address of the home network prefix (RFC 4291 section 2.6.1). */
	return ipv6_is_routable(target) && memcmp(target + 8, "\0\0\0\0\0\0\0", 8) == 0;
}

enum access_kind { ACCESS_DISCOVERY, ACCESS_DAD, ACCESS_DHCP, ACCESS_ECHO, ACCESS_ERROR, ACCESS_OTHER };

static enum access_kind access_icmp_kind(const struct worker *w, struct rte_mbuf *pkt, uint16_t offset)
{
	const struct rte_ipv6_hdr *ip = packet_ipv6(pkt);
	const uint8_t *icmp = rte_pktmbuf_mtod_offset(pkt, const uint8_t *, offset);
	uint16_t left = (uint16_t)(rte_pktmbuf_data_len(pkt) - offset);
	bool to_us = memcmp(ip->dst_addr, &w->gateway->access_link_local, 16) == 0;

	if (left < ICMPV6_HEADER)
		return ACCESS_OTHER;
	if (icmp[0] == ICMPV6_ECHO_REQUEST && to_us)
		return ACCESS_ECHO;
	if (icmp[0] <= ICMPV6_ERROR_MAX && to_us)
		return ACCESS_ERROR;
	if (ip->hop_limits != ND_HOP_LIMIT)
		return ACCESS_OTHER;
	if (icmp[0] == ICMPV6_RS || (icmp[0] == ICMPV6_NA && left >= ICMPV6_NS_LENGTH))
		return ACCESS_DISCOVERY;
	if (icmp[0] != ICMPV6_NS || left < ICMPV6_NS_LENGTH)
		return ACCESS_OTHER;
	if (is_access_target(w, icmp + ICMPV6_HEADER))
		return ACCESS_DISCOVERY;
	return ipv6_is_unspecified(ip->src_addr) ? ACCESS_DAD : ACCESS_OTHER;
}

static enum access_kind access_kind(const struct worker *w, struct rte_mbuf *pkt)
{
	struct ipv6_upper upper;
	uint16_t length = rte_pktmbuf_data_len(pkt);

	if (!ipv6_upper_find(packet_ipv6(pkt), length, &upper) || upper.fragment)
		return ACCESS_OTHER;
	if (upper.protocol == IPPROTO_ICMPV6)
		return access_icmp_kind(w, pkt, upper.offset);
	if (upper.protocol == IPPROTO_UDP && length >= upper.offset + UDP_HEADER) {
		const uint8_t *udp = rte_pktmbuf_mtod_offset(pkt, const uint8_t *, upper.offset);

		if ((udp[2] << 8 | udp[3]) == DHCPV6_SERVER_PORT)
			return ACCESS_DHCP;
	}
	return ACCESS_OTHER;
}

static void access_known(struct worker *w, struct rte_mbuf *pkt, enum access_kind kind)
{
	const struct rte_ipv6_hdr *ip = packet_ipv6(pkt);

	switch (kind) {
	case ACCESS_DISCOVERY: push_punt(w, pkt, PUNT_access_discovery); return;
	case ACCESS_DAD: push_drop(w, pkt, DROP_dad_probe); return;
	case ACCESS_DHCP: push_punt(w, pkt, PUNT_access_dhcp); return;
	case ACCESS_ECHO: push_punt(w, pkt, PUNT_icmp_echo); return;
	case ACCESS_ERROR: push_punt(w, pkt, PUNT_icmp_error_in); return;
	case ACCESS_OTHER: break;
	}
	if (ipv6_is_link_local(ip->src_addr) && ipv6_is_routable(ip->dst_addr))
		push_drop(w, pkt, DROP_uplink_link_local);
	else
		push_drop(w, pkt, DROP_link_protocol);
}

/* What stays on the access link: to or from link-local, unspecified and multicast addresses. */
static void classify_link(struct worker *w, struct rte_mbuf *pkt, const struct rte_ether_addr *source)
{
	const struct link_entry *entry =
		link_table_lookup(w->tables->links, link_key(packet_path(pkt)->link, source->addr_bytes));
	enum access_kind kind = access_kind(w, pkt);

	if (entry != NULL && entry->state == LINK_REFUSED) {
		push_drop(w, pkt, DROP_link_refused);
	} else if (kind == ACCESS_DISCOVERY) {
		push_punt(w, pkt, PUNT_access_discovery);
	} else if (entry == NULL) {
		event_unknown_mac(w, pkt);
		push_drop(w, pkt, kind == ACCESS_DAD ? DROP_dad_probe : DROP_link_unknown);
	} else if (entry->state == LINK_PENDING && kind != ACCESS_DAD) {
		push_drop(w, pkt, DROP_link_pending);
	} else {
		access_known(w, pkt, kind);
	}
}

static void classify_access(struct worker *w, struct rte_mbuf *pkt, const struct rte_ether_hdr *eth)
{
	const struct rte_ipv6_hdr *ip = packet_ipv6(pkt);

	if (unlikely(!ipv6_is_routable(ip->src_addr) || !ipv6_is_routable(ip->dst_addr)))
		classify_link(w, pkt, &eth->src_addr);
	else if (unlikely(ip->proto == IPPROTO_MH) && ipv6_is_marker_end(ip->dst_addr))
		push_drop(w, pkt, DROP_marker_access); /* only gateways make them */
	else
		push(w, STAGE_uplink, pkt);
}

/* Destination MAC: the port's, on access links the common one too, or multicast of IPv6. */
static __rte_always_inline bool is_our_mac(
	const struct gateway *gateway, const struct gateway_port *port, const struct rte_ether_addr *destination)
{
	if (likely(rte_is_same_ether_addr(destination, &port->mac)))
		return true;
	if (port->side == DATAPLANE_ACCESS && rte_is_same_ether_addr(destination, &gateway->access_mac))
		return true;
	return destination->addr_bytes[0] == 0x33 && destination->addr_bytes[1] == 0x33;
}

static __rte_noinline void classify(struct worker *w, struct rte_mbuf *pkt)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(pkt, const struct rte_ether_hdr *);
	const struct gateway_port *port = &w->gateway->ports[pkt->port];
	uint16_t link = LINK_NONE;

	*packet_path(pkt) = (struct packet_path){.tunnel = INDEX_NONE, .link = LINK_NONE};
	if (unlikely(!take_ethernet(w, pkt)))
		return;
	if (unlikely(!is_our_mac(w->gateway, port, &eth->dst_addr))) {
		push_drop(w, pkt, DROP_foreign_mac);
		return;
	}
	if (port->side == DATAPLANE_ACCESS)
		link = port->links[pkt->vlan_tci];
	if (unlikely(link == LINK_NONE && (port->side == DATAPLANE_ACCESS || pkt->vlan_tci != VLAN_NONE))) {
		push_drop(w, pkt, DROP_unknown_vlan);
		return;
	}
	packet_path(pkt)->link = link;
	if (unlikely(!check_ipv6(w, pkt) || !check_addresses(w, pkt)))
		return;
	if (port->side == DATAPLANE_ACCESS)
		classify_access(w, pkt, eth);
	else
		classify_core(w, pkt, port);
}

/* First octets of the addresses that are forwarded, as ipv6_is_routable(). */
static const uint8_t routable[256] = {[0x20 ... 0x3f] = 1, [0xfc ... 0xfd] = 1};

/* What all usual packets of a burst have in common. */
struct usual {
	const struct gateway_port *port;
	uint16_t number; /* of the port */
	uint64_t path;   /* struct packet_path, as one word */
};

static struct usual usual_of(const struct gateway_port *port, uint16_t number, uint16_t link)
{
	const struct packet_path path = {.tunnel = INDEX_NONE, .link = link, .l2 = RTE_ETHER_HDR_LEN};
	struct usual usual = {.port = port, .number = number};

	memcpy(&usual.path, &path, sizeof(usual.path));
	return usual;
}

/* The first octets of a frame without a tag, IPv6, to the MAC that is usual at the port. */
static __rte_always_inline bool is_usual_frame(const uint8_t *frame, const struct gateway_port *port)
{
#ifdef __SSE4_1__
	const __m128i mask = _mm_set_epi64x((int64_t)GATEWAY_FRAME_MASK_1, (int64_t)GATEWAY_FRAME_MASK_0);
	__m128i want = _mm_loadu_si128((const __m128i *)(const void *)port->frame);
	__m128i head = _mm_loadu_si128((const __m128i *)(const void *)frame);

	return _mm_testz_si128(_mm_xor_si128(head, want), mask) != 0;
#else
	uint64_t head[2];

	memcpy(head, frame, sizeof(head));
	return (((head[0] ^ port->frame[0]) & GATEWAY_FRAME_MASK_0) |
		       ((head[1] ^ port->frame[1]) & GATEWAY_FRAME_MASK_1)) == 0;
#endif
}

/*
 * What nearly every packet is: one segment, from the port of the burst, no tag, to the MAC that is usual there, IPv6 of
 * the length that it claims, between addresses that are forwarded, and not signalling. The same as classify() does with
 * it, in one go, but for the push. Returns its IPv6 header; NULL: it is something else, and nothing is changed.
 */
static __rte_always_inline const struct rte_ipv6_hdr *take_usual(struct rte_mbuf *pkt, const struct usual *usual)
{
	const uint8_t *frame = rte_pktmbuf_mtod(pkt, const uint8_t *);
	const struct rte_ipv6_hdr *ip = (const struct rte_ipv6_hdr *)(frame + RTE_ETHER_HDR_LEN);
	uint32_t length = rte_pktmbuf_data_len(pkt), claimed;

	if (unlikely(length < RTE_ETHER_HDR_LEN + IPV6_HEADER))
		return NULL;
	claimed = ntohs(ip->payload_len) + (uint32_t)IPV6_HEADER;
	if (unlikely(!is_usual_frame(frame, usual->port) || pkt->nb_segs != 1 || pkt->port != usual->number ||
		     (pkt->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) != 0 || claimed > length - RTE_ETHER_HDR_LEN ||
		     ip->proto == IPPROTO_MH || (routable[ip->src_addr[0]] & routable[ip->dst_addr[0]]) == 0))
		return NULL;
	pkt->data_off = (uint16_t)(pkt->data_off + RTE_ETHER_HDR_LEN);
	packet_set_length(pkt, claimed);
	memcpy(packet_path(pkt), &usual->path, sizeof(usual->path));
	return ip;
}

/*
 * Classify @n packets. @look_ahead: have the pairs of those that go to uplink looked up as far as that needs no
 * waiting, while the packets behind are classified.
 */
static __rte_always_inline void classify_access_some(
	struct worker *w, struct rte_mbuf **pkts, uint16_t n, const struct usual *usual, bool look_ahead)
{
	const uint64_t link = pair_from_link(usual->port->links[VLAN_NONE]);
	struct vector *uplink = &w->vectors[STAGE_uplink];
	size_t done = uplink->n;

	for (uint16_t i = 0; i < n; i++) {
		struct rte_mbuf *pkt = pkts[i];
		const struct rte_ipv6_hdr *ip = take_usual(pkt, usual);

		if (likely(ip != NULL)) {
			prefetch_outer(ip);
			if (look_ahead)
				uplink_ahead_note(&w->ahead, done, link, (const struct rte_ether_hdr *)ip - 1, ip);
			uplink->pkts[done++] = pkt;
			continue;
		}
		uplink->n = (uint16_t)done;
		classify(w, pkt);
		if (look_ahead && uplink->n != done)
			uplink_ahead_note(&w->ahead, done, pair_from_link(packet_path(pkt)->link), packet_ethernet(pkt),
				packet_ipv6(pkt));
		done = uplink->n;
	}
	uplink->n = (uint16_t)done;
	if (look_ahead)
		uplink_ahead_find(w, uplink->n);
}

static void classify_access_burst(struct worker *w, struct rte_mbuf **pkts, uint16_t n, const struct gateway_port *port)
{
	const uint16_t link = port->links[VLAN_NONE];
	/* Without a link for frames without a tag nothing is usual. */
	const struct usual usual = usual_of(port, link != LINK_NONE ? pkts[0]->port : PORT_NONE, link);
	const struct pair_table *pairs = w->tables->pairs;

	if (pairs == NULL || pair_table_is_empty(pairs) || w->vectors[STAGE_uplink].n != w->ahead.count) {
		classify_access_some(w, pkts, n, &usual, false);
		return;
	}
	for (uint16_t i = 0; i < n; i += AHEAD)
		classify_access_some(w, pkts + i, RTE_MIN((uint16_t)(n - i), (uint16_t)AHEAD), &usual, true);
}

/* The stage that a usual packet of a core or outside port goes to; STAGE_COUNT: classify_core() says. */
static __rte_always_inline enum stage core_stage(
	const struct worker *w, struct rte_mbuf *pkt, const struct gateway_port *port)
{
	const struct rte_ipv6_hdr *ip = packet_ipv6(pkt);
	int own = gateway_own(w->gateway, ip->dst_addr, pkt->port);

	if (own < 0)
		return w->gateway->role == DATAPLANE_LMA ? STAGE_anchor_down : STAGE_COUNT;
	return own == OWN_ADDRESS && ip->proto == IPPROTO_IPV6 && port->side == DATAPLANE_CORE ? STAGE_decap
											       : STAGE_COUNT;
}

static __rte_always_inline void classify_core_burst(
	struct worker *w, struct rte_mbuf **pkts, uint16_t n, const struct gateway_port *port)
{
	static const uint8_t none[16];
	const uint8_t *own = none; /* tunnels end at few own addresses, nearly always at that of the packet before */
	const struct usual usual = usual_of(port, pkts[0]->port, LINK_NONE);

	for (uint16_t i = 0; i < n; i++) {
		const struct rte_ipv6_hdr *ip = take_usual(pkts[i], &usual);
		enum stage stage;

		if (unlikely(ip == NULL)) {
			classify(w, pkts[i]);
			continue;
		}
		if (likely(ip->proto == IPPROTO_IPV6 && memcmp(ip->dst_addr, own, sizeof(none)) == 0))
			stage = STAGE_decap;
		else
			stage = core_stage(w, pkts[i], port);
		if (stage == STAGE_decap) {
			own = ip->dst_addr;
			rte_prefetch0((const uint8_t *)(ip + 1) + IPV6_HEADER - 1); /* the inner destination */
			push(w, STAGE_decap, pkts[i]);
		} else if (likely(stage == STAGE_anchor_down)) {
			prefetch_outer(ip);
			push(w, STAGE_anchor_down, pkts[i]);
		} else {
			classify_core(w, pkts[i], port);
		}
	}
}

/* All of a burst come from one port, unless the control core made them. */
void stage_classify(struct worker *w, struct rte_mbuf **pkts, uint16_t n)
{
	const struct gateway_port *port = &w->gateway->ports[pkts[0]->port];

	if (port->side == DATAPLANE_ACCESS)
		classify_access_burst(w, pkts, n, port);
	else
		classify_core_burst(w, pkts, n, port);
}
