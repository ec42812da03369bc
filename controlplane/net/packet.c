/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/packet.h"

#include "checksum.h"
#include "cursor.h"

#include <errno.h>

#define EXTENSION_HEADERS_MAX 8
#define OPTION_PAD1           0
#define OPTION_TUNNEL_LIMIT   4

/* Looks for the option that RFC 2473 section 5.1 puts into a destination options header of @length octets. */
static void find_tunnel_limit(struct ip6 *ip6, const uint8_t *header, uint16_t at, size_t length)
{
	for (size_t i = 2; i + 1 < length;) {
		if (header[i] == OPTION_PAD1) {
			i++;
			continue;
		}
		if (header[i + 1] > length - i - 2)
			return;
		if (header[i] == OPTION_TUNNEL_LIMIT && header[i + 1] == 1) {
			ip6->limit_at = (uint16_t)(at + i + 2);
			return;
		}
		i += 2 + (size_t)header[i + 1];
	}
}

static bool is_extension(uint8_t protocol)
{
	return protocol == PROTOCOL_HOP_BY_HOP || protocol == PROTOCOL_ROUTING || protocol == PROTOCOL_FRAGMENT ||
	       protocol == PROTOCOL_AH || protocol == PROTOCOL_DESTINATION;
}

static size_t extension_bytes(uint8_t protocol, uint8_t length)
{
	if (protocol == PROTOCOL_FRAGMENT)
		return 8;
	return protocol == PROTOCOL_AH ? ((size_t)length + 2) * 4 : ((size_t)length + 1) * 8;
}

static int skip_extension(struct cursor *cursor, const uint8_t *bytes, struct ip6 *ip6)
{
	uint16_t at = (uint16_t)(cursor->at - bytes);
	struct cursor peek = *cursor;
	uint8_t next = cursor_u8(&peek);
	size_t length = extension_bytes(ip6->protocol, cursor_u8(&peek));
	const uint8_t *header = cursor_take(cursor, length);

	if (header == NULL)
		return -EINVAL;
	if (ip6->protocol == PROTOCOL_FRAGMENT) {
		uint16_t offset_flags = (uint16_t)(header[2] << 8 | header[3]);

		ip6->fragment = (offset_flags & ~0x6) != 0;
		ip6->later_fragment = offset_flags >> 3 != 0;
	} else if (ip6->protocol == PROTOCOL_DESTINATION && ip6->limit_at == 0) {
		find_tunnel_limit(ip6, header, at, length);
	}
	ip6->protocol = next;
	ip6->protocol_at = at;
	return 0;
}

int ip6_decode(const uint8_t *bytes, size_t length, struct ip6 *ip6)
{
	struct cursor cursor = cursor_over(bytes, length);
	uint32_t first = cursor_be32(&cursor);
	uint16_t payload = cursor_be16(&cursor);

	memset(ip6, 0, sizeof(*ip6));
	ip6->protocol = cursor_u8(&cursor);
	ip6->protocol_at = 6;
	ip6->hop_limit = cursor_u8(&cursor);
	cursor_copy(&cursor, &ip6->source, 16);
	cursor_copy(&cursor, &ip6->destination, 16);
	if (cursor.failed || first >> 28 != 6 || payload > UINT16_MAX - IP6_BYTES)
		return -EINVAL;
	ip6->total_bytes = (uint16_t)(IP6_BYTES + payload);
	if (cursor_left(&cursor) > payload)
		cursor.end = cursor.at + payload;
	for (unsigned n = 0; is_extension(ip6->protocol) && !ip6->later_fragment; n++) {
		if (n == EXTENSION_HEADERS_MAX || skip_extension(&cursor, bytes, ip6) != 0)
			return -EINVAL;
	}
	ip6->upper_at = (uint16_t)(cursor.at - bytes);
	ip6->upper_bytes = (uint16_t)cursor_left(&cursor);
	return 0;
}

void ip6_encode(uint8_t *to, const struct in6_addr *source, const struct in6_addr *destination, uint8_t protocol,
	uint8_t hop_limit, uint16_t payload_bytes)
{
	store_be32(to, 0x60000000);
	store_be16(to + 4, payload_bytes);
	to[6] = protocol;
	to[7] = hop_limit;
	memcpy(to + 8, source, 16);
	memcpy(to + 24, destination, 16);
}

void icmp6_checksum(uint8_t *packet, size_t length)
{
	struct in6_addr source, destination;
	uint16_t sum;

	memcpy(&source, packet + 8, 16);
	memcpy(&destination, packet + 24, 16);
	memset(packet + IP6_BYTES + 2, 0, 2);
	sum = checksum_ipv6(&source, &destination, PROTOCOL_ICMP6, packet + IP6_BYTES, length - IP6_BYTES);
	memcpy(packet + IP6_BYTES + 2, &sum, 2);
}

bool icmp6_checksum_ok(const uint8_t *bytes, const struct ip6 *ip6)
{
	if (ip6->protocol != PROTOCOL_ICMP6 || ip6->fragment || ip6->upper_bytes < 4 ||
		ip6->upper_at + ip6->upper_bytes != ip6->total_bytes)
		return false;
	return checksum_ipv6(
		       &ip6->source, &ip6->destination, PROTOCOL_ICMP6, bytes + ip6->upper_at, ip6->upper_bytes) == 0;
}
