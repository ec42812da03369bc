/* SPDX-License-Identifier: BSD-3-Clause */
#include "mh/packet.h"

#include <errno.h>
#include <string.h>

#include "checksum.h"
#include "cursor.h"

#include "mh/message.h"

#define OPTION_HOME_ADDRESS 201
#define ROUTING_TYPE2       2
#define FRAGMENT_OFFSET     0xfff8

/* Where the walk is. @at ends where the header before says that its packet ends, or where the capture does. */
struct walk {
	struct mh_packet *packet;
	const uint8_t *start;
	struct cursor at;
	uint8_t next; /* protocol of what is at @at */
	unsigned extensions;
};

static int walk_layer(struct walk *walk, int kind)
{
	struct mh_packet *packet = walk->packet;
	struct mh_packet_layer *layer = &packet->layers[packet->layer_count];

	if (packet->layer_count == MH_PACKET_LAYERS_MAX)
		return -E2BIG;
	layer->kind = kind;
	layer->offset = (uint16_t)(walk->at.at - walk->start);
	packet->layer_count++;
	return 0;
}

/* What follows ends after @length octets, unless the capture ends before. */
static void walk_limit(struct walk *walk, size_t length)
{
	if (length < cursor_left(&walk->at))
		walk->at.end = walk->at.at + length;
}

static int walk_ipv6(struct walk *walk)
{
	struct mh_packet *packet = walk->packet;
	int error = walk_layer(walk, MH_LAYER_IPV6);
	uint16_t payload;

	if (error != 0)
		return error;
	if (cursor_be32(&walk->at) >> 28 != 6)
		return -EINVAL;
	payload = cursor_be16(&walk->at);
	walk->next = cursor_u8(&walk->at);
	cursor_u8(&walk->at);
	cursor_copy(&walk->at, &packet->source, 16);
	cursor_copy(&walk->at, &packet->destination, 16);
	if (walk->at.failed)
		return -EINVAL;
	walk_limit(walk, payload);
	packet->checksum_source = packet->source;
	packet->checksum_destination = packet->destination;
	packet->over_ipv4 = packet->home_address_option = packet->type2_routing = false;
	walk->extensions = 0;
	return 0;
}

static void mapped_address(struct in6_addr *address, struct cursor *at)
{
	memset(address, 0, sizeof(*address));
	address->s6_addr[10] = address->s6_addr[11] = 0xff;
	cursor_copy(at, &address->s6_addr[12], 4);
}

static int walk_ipv4(struct walk *walk)
{
	struct mh_packet *packet = walk->packet;
	int error = walk_layer(walk, MH_LAYER_IPV4);
	uint16_t length, fragment;
	unsigned header;

	if (error != 0)
		return error;
	header = cursor_u8(&walk->at);
	if (header >> 4 != 4 || (header & 15) < 5)
		return -EINVAL;
	header = (header & 15) * 4;
	cursor_u8(&walk->at);
	length = cursor_be16(&walk->at);
	cursor_be16(&walk->at);
	fragment = cursor_be16(&walk->at);
	cursor_u8(&walk->at);
	walk->next = cursor_u8(&walk->at);
	cursor_be16(&walk->at);
	mapped_address(&packet->source, &walk->at);
	mapped_address(&packet->destination, &walk->at);
	cursor_take(&walk->at, header - 20);
	if (walk->at.failed || length < header)
		return -EINVAL;
	if ((fragment & 0x1fff) != 0)
		return -ENOENT;
	walk_limit(walk, length - header);
	packet->checksum_source = packet->source;
	packet->checksum_destination = packet->destination;
	packet->over_ipv4 = true;
	packet->home_address_option = packet->type2_routing = false;
	return 0;
}

/* The options of a destination options header: the home address takes the place of the source. */
static int walk_destination_options(struct walk *walk, struct cursor options)
{
	while (cursor_left(&options) > 0) {
		uint8_t type = cursor_u8(&options);
		uint8_t length = type == 0 ? 0 : cursor_u8(&options);
		const uint8_t *data = cursor_take(&options, length);

		if (data == NULL)
			return -EINVAL;
		if (type != OPTION_HOME_ADDRESS)
			continue;
		if (length != 16)
			return -EINVAL;
		memcpy(&walk->packet->checksum_source, data, 16);
		walk->packet->home_address_option = true;
	}
	return 0;
}

/* @body: what follows Next Header and Hdr Ext Len. */
static void walk_routing(struct walk *walk, struct cursor body)
{
	uint8_t type = cursor_u8(&body), left = cursor_u8(&body);

	cursor_be32(&body);
	if (type != ROUTING_TYPE2 || left != 1 || cursor_left(&body) != 16)
		return;
	cursor_copy(&body, &walk->packet->checksum_destination, 16);
	walk->packet->type2_routing = true;
}

/* Options, routing and authentication headers: Next Header, length, body. */
static int walk_extension(struct walk *walk)
{
	uint8_t type = walk->next;
	struct cursor body;
	size_t length;
	const uint8_t *data;

	walk->next = cursor_u8(&walk->at);
	length = cursor_u8(&walk->at);
	length = type == IPPROTO_AH ? (length + 2) * 4 : (length + 1) * 8;
	data = cursor_take(&walk->at, length - 2);
	if (data == NULL)
		return -EINVAL;
	body = cursor_over(data, length - 2);
	if (type == IPPROTO_DSTOPTS)
		return walk_destination_options(walk, body);
	if (type == IPPROTO_ROUTING)
		walk_routing(walk, body);
	return 0;
}

static int walk_fragment(struct walk *walk)
{
	uint16_t fragment;

	walk->next = cursor_u8(&walk->at);
	cursor_u8(&walk->at);
	fragment = cursor_be16(&walk->at);
	cursor_be32(&walk->at);
	if (walk->at.failed)
		return -EINVAL;
	return (fragment & FRAGMENT_OFFSET) != 0 ? -ENOENT : 0;
}

/* UDP: the control port over IPv4 carries a Mobility Header. */
static int walk_udp(struct walk *walk)
{
	int error = walk_layer(walk, MH_LAYER_UDP);
	uint16_t source, destination, length;

	if (error != 0)
		return error;
	source = cursor_be16(&walk->at);
	destination = cursor_be16(&walk->at);
	length = cursor_be16(&walk->at);
	cursor_be16(&walk->at);
	if (walk->at.failed || length < 8)
		return -EINVAL;
	if (!walk->packet->over_ipv4 || (source != UDP_PORT_PMIP6_CNTL && destination != UDP_PORT_PMIP6_CNTL))
		return -ENOENT;
	walk_limit(walk, length - 8u);
	walk->next = IPPROTO_MOBILITY;
	return 0;
}

static int walk_next(struct walk *walk)
{
	switch (walk->next) {
	case IPPROTO_IPV6: return walk_ipv6(walk);
	case IPPROTO_IPIP: return walk_ipv4(walk);
	case IPPROTO_UDP: return walk_udp(walk);
	case IPPROTO_HOPOPTS:
	case IPPROTO_DSTOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_AH: return ++walk->extensions > MH_PACKET_EXTENSIONS_MAX ? -E2BIG : walk_extension(walk);
	case IPPROTO_FRAGMENT: return ++walk->extensions > MH_PACKET_EXTENSIONS_MAX ? -E2BIG : walk_fragment(walk);
	default: return -ENOENT;
	}
}

int mh_packet_find(struct mh_packet *packet, const void *bytes, size_t size)
{
	struct walk walk = {.packet = packet, .start = bytes};
	int error = 0;

	memset(packet, 0, sizeof(*packet));
	if (size == 0)
		return -EINVAL;
	walk.at = cursor_over(bytes, size > UINT16_MAX ? UINT16_MAX : size);
	walk.next = walk.start[0] >> 4 == 4 ? IPPROTO_IPIP : IPPROTO_IPV6;
	while (error == 0 && walk.next != IPPROTO_MOBILITY)
		error = walk_next(&walk);
	packet->offset = (uint16_t)(walk.at.at - walk.start);
	packet->size = (uint16_t)cursor_left(&walk.at);
	return error;
}

void mh_packet_read(const struct mh_packet *packet, const void *bytes, struct mh_reading *reading)
{
	const uint8_t *at = (const uint8_t *)bytes + packet->offset;
	struct mh_message *message = &reading->message;
	uint16_t length;

	reading->stopped = mh_decode(message, at, packet->size, NULL, NULL);
	length = message->length == 0 || message->length > packet->size ? packet->size : message->length;
	reading->checksum_ok =
		packet->over_ipv4 || checksum_ipv6(&packet->checksum_source, &packet->checksum_destination,
					     IPPROTO_MOBILITY, at, length) == 0;
	reading->error = reading->stopped;
	if (!reading->checksum_ok && reading->stopped != MH_ERROR_TRUNCATED && reading->stopped != MH_ERROR_LENGTH)
		reading->error = MH_ERROR_CHECKSUM;
}

/* Length field at @at plus @change; false if it does not fit. */
static bool grow_length(uint8_t *at, long change)
{
	long length = (at[0] << 8 | at[1]) + change;

	if (length < 0 || length > UINT16_MAX)
		return false;
	put_be16(at, (uint16_t)length);
	return true;
}

static void ipv4_checksum(uint8_t *header)
{
	uint16_t checksum;

	memset(header + 10, 0, 2);
	checksum = checksum_finish(checksum_add(0, header, (header[0] & 15u) * 4));
	memcpy(header + 10, &checksum, 2);
}

/* @ipv4: the header before. RFC 768: a computed 0 is sent as all ones. */
static void udp_checksum(const uint8_t *ipv4, uint8_t *udp, size_t left)
{
	uint8_t pseudo[4] = {0, IPPROTO_UDP, udp[4], udp[5]};
	size_t length = (size_t)(udp[4] << 8 | udp[5]);
	uint16_t checksum;
	uint64_t sum;

	if (length > left)
		return;
	memset(udp + 6, 0, 2);
	sum = checksum_add(checksum_add(0, ipv4 + 12, 8), pseudo, sizeof(pseudo));
	checksum = checksum_finish(checksum_add(sum, udp, length));
	if (checksum == 0)
		checksum = 0xffff;
	memcpy(udp + 6, &checksum, 2);
}

size_t mh_packet_replace(const struct mh_packet *packet, const void *bytes, size_t size, size_t old,
	const void *message, size_t length, void *to, size_t room)
{
	const uint8_t *from = bytes, *rest = from + packet->offset + old;
	size_t rest_length = size - packet->offset - old, total = packet->offset + length + rest_length;
	long change = (long)length - (long)old;
	uint8_t *out = to;

	if (total > room)
		return 0;
	memcpy(out, from, packet->offset);
	memcpy(out + packet->offset, message, length);
	memcpy(out + packet->offset + length, rest, rest_length);
	for (unsigned i = packet->layer_count; i-- > 0;) {
		uint8_t *header = out + packet->layers[i].offset;

		switch (packet->layers[i].kind) {
		case MH_LAYER_IPV6:
			if (!grow_length(header + 4, change))
				return 0;
			break;
		case MH_LAYER_UDP:
			if (!grow_length(header + 4, change))
				return 0;
			udp_checksum(out + packet->layers[i - 1].offset, header, total - packet->layers[i].offset);
			break;
		case MH_LAYER_IPV4:
			if (!grow_length(header + 2, change))
				return 0;
			ipv4_checksum(header);
			break;
		}
	}
	return total;
}
