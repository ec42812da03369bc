/* SPDX-License-Identifier: BSD-3-Clause */
#include "access/discovery.h"

#include <string.h>

#include "checksum.h"
#include "cursor.h"

#define OPTION_SOURCE_LINK_LAYER 1
#define OPTION_TARGET_LINK_LAYER 2

struct ipv6_packet {
	uint8_t next_header, hop_limit;
	const uint8_t *payload;
	size_t length;
};

const char *discovery_error_help(enum discovery_error error)
{
	static const char *const words[] = {
#define DISCOVERY_ERROR_WORD(name, word) [DISCOVERY_ERROR_##name] = word,
		DISCOVERY_ERRORS(DISCOVERY_ERROR_WORD)
#undef DISCOVERY_ERROR_WORD
	};

	return (unsigned)error < DISCOVERY_ERROR_COUNT ? words[error] : "unknown";
}

static enum discovery_error ipv6_parse(
	struct ipv6_packet *packet, struct discovery_message *message, struct cursor *cursor)
{
	uint8_t version = cursor_u8(cursor) >> 4;

	cursor_take(cursor, 3);
	packet->length = cursor_be16(cursor);
	packet->next_header = cursor_u8(cursor);
	packet->hop_limit = cursor_u8(cursor);
	cursor_copy(cursor, &message->source, sizeof(message->source));
	cursor_copy(cursor, &message->destination, sizeof(message->destination));
	packet->payload = cursor_take(cursor, packet->length);
	if (cursor->failed)
		return DISCOVERY_ERROR_TRUNCATED;
	if (version != 6)
		return DISCOVERY_ERROR_VERSION;
	return IN6_IS_ADDR_MULTICAST(&message->source) ? DISCOVERY_ERROR_SOURCE : DISCOVERY_ERROR_NONE;
}

/* RFC 4861 section 4.6: a length of 0 is an error, whatever the option; unknown ones are skipped. */
static enum discovery_error options_parse(struct discovery_message *message, struct cursor *cursor, uint8_t link_layer)
{
	while (cursor_left(cursor) > 0) {
		uint8_t type = cursor_u8(cursor);
		uint8_t units = cursor_u8(cursor);
		const uint8_t *data = units > 0 ? cursor_take(cursor, (size_t)units * 8 - 2) : NULL;

		if (data == NULL)
			return DISCOVERY_ERROR_OPTION;
		if (type == link_layer && units == 1 && message->link_layer == NULL)
			message->link_layer = data;
		else if (type == link_layer && units != 1)
			return DISCOVERY_ERROR_OPTION;
	}
	return DISCOVERY_ERROR_NONE;
}

static bool is_solicited_node(const struct in6_addr *address)
{
	static const uint8_t prefix[13] = {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff};

	return memcmp(address, prefix, sizeof(prefix)) == 0;
}

static enum discovery_error rs_parse(struct discovery_message *message, struct cursor *cursor)
{
	enum discovery_error error;

	message->kind = DISCOVERY_KIND_RS;
	cursor_take(cursor, 4);
	if (cursor->failed)
		return DISCOVERY_ERROR_LENGTH;
	error = options_parse(message, cursor, OPTION_SOURCE_LINK_LAYER);
	if (error == DISCOVERY_ERROR_NONE && IN6_IS_ADDR_UNSPECIFIED(&message->source) && message->link_layer != NULL)
		return DISCOVERY_ERROR_SOURCE;
	return error;
}

static enum discovery_error ns_parse(struct discovery_message *message, struct cursor *cursor)
{
	enum discovery_error error;

	message->kind = DISCOVERY_KIND_NS;
	cursor_take(cursor, 4);
	cursor_copy(cursor, &message->target, sizeof(message->target));
	if (cursor->failed)
		return DISCOVERY_ERROR_LENGTH;
	if (IN6_IS_ADDR_MULTICAST(&message->target))
		return DISCOVERY_ERROR_TARGET;
	error = options_parse(message, cursor, OPTION_SOURCE_LINK_LAYER);
	if (error != DISCOVERY_ERROR_NONE || !IN6_IS_ADDR_UNSPECIFIED(&message->source))
		return error;
	if (!is_solicited_node(&message->destination))
		return DISCOVERY_ERROR_DESTINATION;
	return message->link_layer != NULL ? DISCOVERY_ERROR_SOURCE : DISCOVERY_ERROR_NONE;
}

static enum discovery_error na_parse(struct discovery_message *message, struct cursor *cursor)
{
	uint8_t flags = cursor_u8(cursor);

	message->kind = DISCOVERY_KIND_NA;
	message->router = flags & 0x80;
	message->solicited = flags & 0x40;
	message->override = flags & 0x20;
	cursor_take(cursor, 3);
	cursor_copy(cursor, &message->target, sizeof(message->target));
	if (cursor->failed)
		return DISCOVERY_ERROR_LENGTH;
	if (IN6_IS_ADDR_MULTICAST(&message->target))
		return DISCOVERY_ERROR_TARGET;
	if (message->solicited && IN6_IS_ADDR_MULTICAST(&message->destination))
		return DISCOVERY_ERROR_DESTINATION;
	return options_parse(message, cursor, OPTION_TARGET_LINK_LAYER);
}

static enum discovery_error icmp_parse(struct discovery_message *message, const struct ipv6_packet *packet)
{
	struct cursor cursor = cursor_over(packet->payload, packet->length);
	uint8_t type = cursor_u8(&cursor);
	uint8_t code = cursor_u8(&cursor);

	cursor_take(&cursor, 2);
	if (cursor.failed)
		return DISCOVERY_ERROR_LENGTH;
	if (checksum_ipv6(&message->source, &message->destination, IPPROTO_ICMPV6, packet->payload, packet->length) !=
		0)
		return DISCOVERY_ERROR_CHECKSUM;
	if (type < DISCOVERY_RS || type > DISCOVERY_REDIRECT)
		return DISCOVERY_ERROR_NONE;
	if (packet->hop_limit != DISCOVERY_HOP_LIMIT)
		return DISCOVERY_ERROR_HOP_LIMIT;
	if (code != 0)
		return DISCOVERY_ERROR_CODE;
	switch (type) {
	case DISCOVERY_RS: return rs_parse(message, &cursor);
	case DISCOVERY_NS: return ns_parse(message, &cursor);
	case DISCOVERY_NA: return na_parse(message, &cursor);
	default: return DISCOVERY_ERROR_NONE;
	}
}

enum discovery_error discovery_parse(struct discovery_message *message, const void *bytes, size_t length)
{
	struct cursor cursor = cursor_over(bytes, length);
	struct ipv6_packet packet;
	enum discovery_error error;

	*message = (struct discovery_message){.kind = DISCOVERY_KIND_OTHER};
	error = ipv6_parse(&packet, message, &cursor);
	if (error != DISCOVERY_ERROR_NONE || packet.next_header != IPPROTO_ICMPV6)
		return error;
	return icmp_parse(message, &packet);
}
