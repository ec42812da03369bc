/* SPDX-License-Identifier: BSD-3-Clause */
#include "packet.h"

#include <string.h>

#include "cursor.h"

#define FRAGMENT_HEADER      8
#define OPTION_PAD1          0
#define OPTION_TUNNEL_LIMIT  4
#define ICMPV6_INFORMATIONAL 128

static bool is_extension(uint8_t protocol)
{
	return protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_ROUTING || protocol == IPPROTO_DSTOPTS ||
	       protocol == IPPROTO_FRAGMENT || protocol == IPPROTO_AH;
}

/* Length of the extension header @protocol at @header, of which two octets are there. */
static unsigned extension_length(uint8_t protocol, const uint8_t *header)
{
	if (protocol == IPPROTO_FRAGMENT)
		return FRAGMENT_HEADER;
	if (protocol == IPPROTO_AH)
		return (header[1] + 2u) * 4;
	return (header[1] + 1u) * 8;
}

bool ipv6_upper_find(const struct rte_ipv6_hdr *ip, uint16_t length, struct ipv6_upper *upper)
{
	struct cursor cursor = cursor_over(ip, length);
	uint8_t protocol = ip->proto;

	upper->fragment = false;
	cursor_take(&cursor, IPV6_HEADER);
	for (unsigned i = 0; is_extension(protocol); i++) {
		const uint8_t *header = cursor.at;

		if (i == IPV6_EXTENSIONS_MAX || cursor_left(&cursor) < 2)
			return false;
		if (cursor_take(&cursor, extension_length(protocol, header)) == NULL)
			return false;
		upper->fragment |= protocol == IPPROTO_FRAGMENT;
		protocol = header[0];
	}
	upper->protocol = protocol;
	upper->offset = (uint16_t)(length - cursor_left(&cursor));
	return true;
}

uint16_t ipv6_tunnel_limit_find(const struct rte_ipv6_hdr *ip, uint16_t length)
{
	struct cursor cursor = cursor_over(ip, length);
	const uint8_t *header;

	cursor_take(&cursor, IPV6_HEADER);
	if (ip->proto != IPPROTO_DSTOPTS || cursor_left(&cursor) < 2)
		return 0;
	header = cursor.at;
	if (cursor_left(&cursor) < extension_length(IPPROTO_DSTOPTS, header))
		return 0;
	cursor.end = header + extension_length(IPPROTO_DSTOPTS, header);
	cursor_take(&cursor, 2);
	while (cursor_left(&cursor) > 0) {
		uint8_t type = cursor_u8(&cursor);
		uint8_t size = type == OPTION_PAD1 ? 0 : cursor_u8(&cursor);
		const uint8_t *value = cursor_take(&cursor, size);

		if (value == NULL)
			return 0;
		if (type == OPTION_TUNNEL_LIMIT && size == 1)
			return (uint16_t)(value - (const uint8_t *)ip);
	}
	return 0;
}

bool ipv6_is_icmp_error(const struct rte_ipv6_hdr *ip, uint16_t length)
{
	struct ipv6_upper upper;

	if (!ipv6_upper_find(ip, length, &upper))
		return true;
	if (upper.protocol != IPPROTO_ICMPV6)
		return false;
	return upper.offset >= length || ((const uint8_t *)ip)[upper.offset] < ICMPV6_INFORMATIONAL;
}
