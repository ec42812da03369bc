/* SPDX-License-Identifier: BSD-3-Clause */
#include "access/discovery.h"

#include <assert.h>
#include <string.h>

#include "checksum.h"

#define IPV6_HEADER              40
#define CUR_HOP_LIMIT            64
#define FLAGS_ON_LINK_AUTONOMOUS 0xc0
#define NA_ROUTER                0x80
#define NA_SOLICITED             0x40
#define NA_OVERRIDE              0x20
#define QUERY_ROBUSTNESS         2
#define QUERY_INTERVAL_S         125

/* Appends to a packet; the sizes of what we build are known, so overruns are bugs. */
struct packet_writer {
	uint8_t *bytes;
	uint16_t length;
};

static void put(struct packet_writer *writer, const void *bytes, uint16_t n)
{
	assert(writer->length + n <= DISCOVERY_LENGTH_MAX);
	memcpy(writer->bytes + writer->length, bytes, n);
	writer->length += n;
}

static void put_u8(struct packet_writer *writer, uint8_t value)
{
	put(writer, &value, 1);
}

static void put_be16(struct packet_writer *writer, uint16_t value)
{
	put(writer, (const uint8_t[]){(uint8_t)(value >> 8), (uint8_t)value}, 2);
}

static void put_be32(struct packet_writer *writer, uint32_t value)
{
	put_be16(writer, (uint16_t)(value >> 16));
	put_be16(writer, (uint16_t)value);
}

static struct packet_writer ipv6_start(uint8_t *buffer, const struct in6_addr *source,
	const struct in6_addr *destination, uint8_t next_header, uint8_t hop_limit)
{
	struct packet_writer writer = {.bytes = buffer};

	put_be32(&writer, UINT32_C(6) << 28);
	put_be16(&writer, 0);
	put_u8(&writer, next_header);
	put_u8(&writer, hop_limit);
	put(&writer, source, sizeof(*source));
	put(&writer, destination, sizeof(*destination));
	return writer;
}

/* Type, code and an empty checksum of ICMPv6. */
static void icmp_start(struct packet_writer *writer, uint8_t type)
{
	put_u8(writer, type);
	put_u8(writer, 0);
	put_be16(writer, 0);
}

/* Lengths and checksum; ICMPv6 starts at @icmp. */
static uint16_t icmp_finish(struct packet_writer *writer, uint16_t icmp)
{
	struct in6_addr source, destination;
	uint16_t payload = writer->length - IPV6_HEADER;
	uint16_t checksum;

	writer->bytes[4] = (uint8_t)(payload >> 8);
	writer->bytes[5] = (uint8_t)payload;
	memcpy(&source, writer->bytes + 8, sizeof(source));
	memcpy(&destination, writer->bytes + 24, sizeof(destination));
	checksum = checksum_ipv6(&source, &destination, IPPROTO_ICMPV6, writer->bytes + icmp, writer->length - icmp);
	memcpy(writer->bytes + icmp + 2, &checksum, sizeof(checksum));
	return writer->length;
}

static void put_link_layer(struct packet_writer *writer, uint8_t option, const uint8_t link_layer[6])
{
	put_u8(writer, option);
	put_u8(writer, 1);
	put(writer, link_layer, 6);
}

static void put_prefix(struct packet_writer *writer, const struct discovery_prefix *prefix)
{
	put_u8(writer, 3);
	put_u8(writer, 4);
	put_u8(writer, 64);
	put_u8(writer, FLAGS_ON_LINK_AUTONOMOUS);
	put_be32(writer, prefix->valid_s);
	put_be32(writer, prefix->preferred_s);
	put_be32(writer, 0);
	put(writer, &prefix->prefix, sizeof(prefix->prefix));
}

uint16_t router_advertisement_encode(uint8_t *buffer, const struct router_advertisement *ra)
{
	struct packet_writer writer =
		ipv6_start(buffer, &ra->source, &ra->destination, IPPROTO_ICMPV6, DISCOVERY_HOP_LIMIT);

	icmp_start(&writer, DISCOVERY_RA);
	put_u8(&writer, CUR_HOP_LIMIT);
	put_u8(&writer, 0);
	put_be16(&writer, ra->router_lifetime_s);
	put_be32(&writer, 0);
	put_be32(&writer, 0);
	put_link_layer(&writer, 1, ra->link_layer);
	if (ra->mtu_bytes != 0) {
		put_u8(&writer, 5);
		put_u8(&writer, 1);
		put_be16(&writer, 0);
		put_be32(&writer, ra->mtu_bytes);
	}
	for (unsigned i = 0; i < ra->prefix_count; i++)
		put_prefix(&writer, &ra->prefixes[i]);
	return icmp_finish(&writer, IPV6_HEADER);
}

uint16_t neighbour_advertisement_encode(uint8_t *buffer, const struct in6_addr *source,
	const struct in6_addr *destination, const struct in6_addr *target, const uint8_t link_layer[6], bool solicited,
	bool override)
{
	struct packet_writer writer = ipv6_start(buffer, source, destination, IPPROTO_ICMPV6, DISCOVERY_HOP_LIMIT);
	uint8_t flags = NA_ROUTER | (solicited ? NA_SOLICITED : 0) | (override ? NA_OVERRIDE : 0);

	icmp_start(&writer, DISCOVERY_NA);
	put_be32(&writer, (uint32_t)flags << 24);
	put(&writer, target, sizeof(*target));
	put_link_layer(&writer, 2, link_layer);
	return icmp_finish(&writer, IPV6_HEADER);
}

uint16_t neighbour_solicitation_encode(
	uint8_t *buffer, const struct in6_addr *source, const struct in6_addr *target, const uint8_t link_layer[6])
{
	struct packet_writer writer = ipv6_start(buffer, source, target, IPPROTO_ICMPV6, DISCOVERY_HOP_LIMIT);

	icmp_start(&writer, DISCOVERY_NS);
	put_be32(&writer, 0);
	put(&writer, target, sizeof(*target));
	put_link_layer(&writer, 1, link_layer);
	return icmp_finish(&writer, IPV6_HEADER);
}

uint16_t listener_query_encode(uint8_t *buffer, const struct in6_addr *source, uint16_t max_response_ms)
{
	static const struct in6_addr all_nodes = {.s6_addr = {0xff, 0x02, [15] = 1}};
	static const uint8_t router_alert[8] = {IPPROTO_ICMPV6, 0, 5, 2, 0, 0, 1, 0};
	struct packet_writer writer = ipv6_start(buffer, source, &all_nodes, IPPROTO_HOPOPTS, 1);

	put(&writer, router_alert, sizeof(router_alert));
	icmp_start(&writer, 130);
	put_be16(&writer, max_response_ms);
	put_be16(&writer, 0);
	put(&writer, &in6addr_any, sizeof(in6addr_any));
	put_u8(&writer, QUERY_ROBUSTNESS);
	put_u8(&writer, QUERY_INTERVAL_S);
	put_be16(&writer, 0);
	return icmp_finish(&writer, IPV6_HEADER + sizeof(router_alert));
}
