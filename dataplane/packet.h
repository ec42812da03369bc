/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mbuf.h>

#include "door.h"

/*
 * What stages tell each other about a packet, in the hash field of its mbuf: the first cache line, which every stage
 * has anyway. Beside it mbuf->port is the port it came from (PORT_NONE: out of the control core) and, from the push
 * to tx on, the port it leaves by; mbuf->vlan_tci is the tag it came with.
 *
 * Between classify and the last rewrite the packet's data starts at its IPv6 header; the Ethernet header that was
 * taken off still lies in front of it, l2 octets, as long as nothing was prepended.
 */
struct packet_path {
	uint32_t tunnel; /* it came out of; INDEX_NONE: none. The one that it goes into: packet_into() */
	uint16_t link;   /* access link it came from; LINK_NONE */
	uint8_t l2 : 6;
	uint8_t marker : 1; /* on its way to tx, where it ends: TX_MARKER */
	uint8_t own : 1;    /* made or released by the control core: no hop limit to take, no error to answer */
	uint8_t reason;     /* towards drop: enum drop_reason; towards punt: enum punt_reason */
};

_Static_assert(sizeof(struct packet_path) == sizeof(((struct rte_mbuf *)0)->hash), "fits the hash of an mbuf");

static inline struct packet_path *packet_path(struct rte_mbuf *mbuf)
{
	return (struct packet_path *)&mbuf->hash;
}

/* The tunnel that the packet goes into, for encap; in the packet type, which nothing else uses here. */
static inline uint32_t *packet_into(struct rte_mbuf *mbuf)
{
	return &mbuf->packet_type;
}

static inline struct rte_ipv6_hdr *packet_ipv6(struct rte_mbuf *mbuf)
{
	return rte_pktmbuf_mtod(mbuf, struct rte_ipv6_hdr *);
}

/* The header that was taken off. */
static inline const struct rte_ether_hdr *packet_ethernet(struct rte_mbuf *mbuf)
{
	return (const struct rte_ether_hdr *)(rte_pktmbuf_mtod(mbuf, const uint8_t *) - packet_path(mbuf)->l2);
}

/* Give a packet of one segment @n octets, and no tag: two fields next to each other, in one store. */
static inline void packet_set_length(struct rte_mbuf *mbuf, uint32_t n)
{
	const uint32_t word = rte_cpu_to_le_32(n);

	_Static_assert(offsetof(struct rte_mbuf, vlan_tci) == offsetof(struct rte_mbuf, data_len) + 2 && VLAN_NONE == 0,
		"the tag's field lies behind the length's");
	memcpy((uint8_t *)mbuf + offsetof(struct rte_mbuf, data_len), &word, sizeof(word));
	mbuf->pkt_len = n;
}

/* Grow the packet by @n octets in front; the caller has checked the headroom. Returns the new start of the data. */
static inline uint8_t *packet_prepend(struct rte_mbuf *mbuf, uint16_t n)
{
	mbuf->data_off = (uint16_t)(mbuf->data_off - n);
	mbuf->data_len = (uint16_t)(mbuf->data_len + n);
	mbuf->pkt_len += n;
	return rte_pktmbuf_mtod(mbuf, uint8_t *);
}

/* What encap will write in front of @ip, on its way to the cache: nothing else touches that line. */
static inline void prefetch_outer(const struct rte_ipv6_hdr *ip)
{
	__builtin_prefetch((const uint8_t *)ip - RTE_CACHE_LINE_SIZE);
}

#define IPV6_HEADER ((uint16_t)sizeof(struct rte_ipv6_hdr))

/* Eight octets as they lie there, at any address. */
static __rte_always_inline uint64_t load64(const uint8_t *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	return word;
}

static inline bool ipv6_is_multicast(const uint8_t *address)
{
	return address[0] == 0xff;
}

static inline bool ipv6_is_link_local(const uint8_t *address)
{
	return address[0] == 0xfe && (address[1] & 0xc0) == 0x80;
}

/* Global or unique local: the addresses that are ever forwarded. */
static inline bool ipv6_is_routable(const uint8_t *address)
{
	return (address[0] & 0xe0) == 0x20 || (address[0] & 0xfe) == 0xfc;
}

static inline bool ipv6_is_unspecified(const uint8_t *address)
{
	uint64_t word[2];

	memcpy(word, address, sizeof(word));
	return (word[0] | word[1]) == 0;
}

/* ::1 */
static inline bool ipv6_is_loopback(const uint8_t *address)
{
	uint64_t word[2];

	memcpy(word, address, sizeof(word));
	return word[0] == 0 && word[1] == rte_cpu_to_be_64(1);
}

/*
 * The interface identifier of in-order markers (wire-formats G.6.13), which no mobile node has: that of the gateways'
 * link-layer address. A marker is a Mobility Header between two such addresses, without extension headers.
 */
static inline bool ipv6_is_marker_end(const uint8_t *address)
{
	return load64(address + 8) == RTE_BE64(0x02005efffe005213);
}

static inline bool ipv6_is_marker(const struct rte_ipv6_hdr *ip)
{
	return unlikely(ip->proto == IPPROTO_MH) && ipv6_is_marker_end(ip->src_addr) &&
	       ipv6_is_marker_end(ip->dst_addr);
}

/*
 * The header behind the extension headers, read left to right, at most IPV6_EXTENSIONS_MAX of them (RFC 8200
 * section 4; a destination option with a tunnel encapsulation limit is one like any other here).
 */
#define IPV6_EXTENSIONS_MAX 8

struct ipv6_upper {
	uint8_t protocol;
	bool fragment;   /* a fragment header was met: protocol and offset are what it says, even of an atomic one */
	uint16_t offset; /* from the IPv6 header, at most @length */
};

/* @length octets from the IPv6 header on, at least 40. False: too many, or one is longer than the packet. */
bool ipv6_upper_find(const struct rte_ipv6_hdr *ip, uint16_t length, struct ipv6_upper *upper);

/*
 * Offset from the IPv6 header of the limit of a Tunnel Encapsulation Limit option (RFC 2473 section 4.1.1) in a
 * destination options header that follows directly; 0: there is none.
 */
uint16_t ipv6_tunnel_limit_find(const struct rte_ipv6_hdr *ip, uint16_t length);

/* Is the packet an ICMPv6 error, or one of which that cannot be told? Such a packet is never answered by an error. */
bool ipv6_is_icmp_error(const struct rte_ipv6_hdr *ip, uint16_t length);
