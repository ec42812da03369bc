/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <netinet/in.h>

/*
 * IPv6 packets of the gateway as a host: reading headers of packets from outside with bounds, writing our own. Pure
 * functions. Offsets count from the IPv6 header.
 */
#define ETHERNET_BYTES      14
#define VLAN_BYTES          4
#define ETHERTYPE_IPV6_WIRE 0x86dd
#define ETHERTYPE_VLAN_WIRE 0x8100
#define IP6_BYTES           40
#define IP6_MTU_MIN_BYTES   1280
#define ICMP6_BYTES         8
#define HOP_LIMIT_OWN       64
#define HOP_LIMIT_ND        255

#define PROTOCOL_HOP_BY_HOP  0
#define PROTOCOL_IPV6        41
#define PROTOCOL_ROUTING     43
#define PROTOCOL_FRAGMENT    44
#define PROTOCOL_AH          51
#define PROTOCOL_ICMP6       58
#define PROTOCOL_DESTINATION 60
#define PROTOCOL_MH          135

#define ICMP6_UNREACHABLE   1
#define ICMP6_TOO_BIG       2
#define ICMP6_TIME          3
#define ICMP6_PARAMETER     4
#define ICMP6_ECHO          128
#define ICMP6_REPLY         129
#define ICMP6_SOLICITATION  135
#define ICMP6_ADVERTISEMENT 136
#define ICMP6_REDIRECTION   137

#define UNREACHABLE_NO_ROUTE      0
#define UNREACHABLE_ADDRESS       3
#define UNREACHABLE_SOURCE_POLICY 5
#define PARAMETER_FIELD           0
#define PARAMETER_NEXT_HEADER     1
#define PARAMETER_OPTION          2

/* An IPv6 packet, as far as its headers could be read. */
struct ip6 {
	struct in6_addr source, destination;
	uint8_t hop_limit;
	uint8_t protocol;     /* of the first header that is no extension header */
	uint16_t protocol_at; /* offset of the octet that names it */
	uint16_t upper_at;    /* offset of that header */
	uint16_t upper_bytes; /* octets from there, within payload length and what is there */
	uint16_t total_bytes; /* that the header claims; more than there are if the packet was cut */
	bool fragment;        /* has a fragment header that is not atomic */
	bool later_fragment;  /* and is not the first: no upper header */
	uint16_t limit_at;    /* offset of the value of a Tunnel Encapsulation Limit option, or 0 */
};

/* Read the headers of @bytes. 0; -EINVAL if it is no IPv6 packet or its extension headers cannot be walked. */
int ip6_decode(const uint8_t *bytes, size_t length, struct ip6 *ip6);

/* Write a header of IP6_BYTES octets. */
void ip6_encode(uint8_t *to, const struct in6_addr *source, const struct in6_addr *destination, uint8_t protocol,
	uint8_t hop_limit, uint16_t payload_bytes);
/* Fill the ICMPv6 checksum of the packet that ip6_encode() began, without extension headers. */
void icmp6_checksum(uint8_t *packet, size_t length);
/* Is @ip6 a whole ICMPv6 message with the right checksum? @bytes as given to ip6_decode(). */
bool icmp6_checksum_ok(const uint8_t *bytes, const struct ip6 *ip6);

static inline bool ip6_is_multicast(const struct in6_addr *address)
{
	return address->s6_addr[0] == 0xff;
}

static inline bool ip6_is_link_local(const struct in6_addr *address)
{
	return address->s6_addr[0] == 0xfe && (address->s6_addr[1] & 0xc0) == 0x80;
}

/* A source that does not name one node: nothing is sent to it. */
static inline bool ip6_is_no_node(const struct in6_addr *address)
{
	return ip6_is_multicast(address) || IN6_IS_ADDR_UNSPECIFIED(address) || IN6_IS_ADDR_LOOPBACK(address);
}

static inline void store_be16(uint8_t *to, uint16_t value)
{
	to[0] = (uint8_t)(value >> 8);
	to[1] = (uint8_t)value;
}

static inline void store_be32(uint8_t *to, uint32_t value)
{
	store_be16(to, (uint16_t)(value >> 16));
	store_be16(to + 2, (uint16_t)value);
}
