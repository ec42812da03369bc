/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/internal.h"

#include "cursor.h"

#define OPTION_SOURCE_MAC 1
#define OPTION_TARGET_MAC 2
#define FLAG_ROUTER       0x80
#define FLAG_SOLICITED    0x40
#define FLAG_OVERRIDE     0x20
#define ND_BYTES          24 /* type, code, checksum, flags, target */
#define ND_WITH_MAC       (IP6_BYTES + ND_BYTES + 8)

static const struct in6_addr all_nodes = {.s6_addr = {0xff, 0x02, [15] = 1}};

/* A checked solicitation or advertisement. */
struct nd_message {
	struct ip6 ip6;
	uint8_t type;
	uint8_t flags;
	struct in6_addr target;
	const uint8_t *source_mac, *target_mac; /* NULL: no such option */
};

static bool is_usable_mac(const uint8_t *mac)
{
	static const uint8_t none[6];

	return (mac[0] & 1) == 0 && memcmp(mac, none, 6) != 0;
}

/* The first option of each kind counts; every length must hold (RFC 4861 sections 4.6, 7.1). */
static bool decode_options(struct cursor *cursor, struct nd_message *nd)
{
	while (cursor_left(cursor) > 0) {
		uint8_t type = cursor_u8(cursor);
		size_t length = (size_t)cursor_u8(cursor) * 8;
		const uint8_t *value = length > 0 ? cursor_take(cursor, length - 2) : NULL;

		if (value == NULL || cursor->failed)
			return false;
		if (type != OPTION_SOURCE_MAC && type != OPTION_TARGET_MAC)
			continue;
		if (length != 8 || !is_usable_mac(value))
			return false;
		if (type == OPTION_SOURCE_MAC && nd->source_mac == NULL)
			nd->source_mac = value;
		else if (type == OPTION_TARGET_MAC && nd->target_mac == NULL)
			nd->target_mac = value;
	}
	return true;
}

/* RFC 4861 sections 7.1.1 and 7.1.2, what both messages have in common. */
static bool decode(const uint8_t *bytes, uint16_t length, struct nd_message *nd)
{
	struct cursor cursor;
	uint8_t code;

	memset(nd, 0, sizeof(*nd));
	if (ip6_decode(bytes, length, &nd->ip6) != 0 || nd->ip6.hop_limit != HOP_LIMIT_ND ||
		!icmp6_checksum_ok(bytes, &nd->ip6))
		return false;
	cursor = cursor_over(bytes + nd->ip6.upper_at, nd->ip6.upper_bytes);
	nd->type = cursor_u8(&cursor);
	code = cursor_u8(&cursor);
	cursor_take(&cursor, 2);
	nd->flags = cursor_u8(&cursor);
	cursor_take(&cursor, 3);
	cursor_copy(&cursor, &nd->target, 16);
	if (nd->type != ICMP6_SOLICITATION && nd->type != ICMP6_ADVERTISEMENT)
		return !cursor.failed; /* not ours to judge */
	return !cursor.failed && code == 0 && !ip6_is_no_node(&nd->target) && decode_options(&cursor, nd);
}

static uint16_t encode(uint8_t *packet, const struct in6_addr *source, const struct in6_addr *destination, uint8_t type,
	uint8_t flags, const struct in6_addr *target, uint8_t option, const uint8_t mac[6])
{
	uint8_t *message = packet + IP6_BYTES;

	ip6_encode(packet, source, destination, PROTOCOL_ICMP6, HOP_LIMIT_ND, ND_WITH_MAC - IP6_BYTES);
	memset(message, 0, ND_BYTES);
	message[0] = type;
	message[4] = flags;
	memcpy(message + 8, target, 16);
	message[ND_BYTES] = option;
	message[ND_BYTES + 1] = 1;
	memcpy(message + ND_BYTES + 2, mac, 6);
	icmp6_checksum(packet, ND_WITH_MAC);
	return ND_WITH_MAC;
}

void nd_solicit(struct net *net, const struct neighbour *neighbour, bool multicast)
{
	const struct net_port *port = &net->ports[neighbour->port];
	const struct in6_addr *source = own_source(net, neighbour->port, &neighbour->address);
	struct in6_addr destination = neighbour->address;
	uint8_t packet[ND_WITH_MAC];
	uint16_t length;

	if (multicast)
		ip6_solicited_node(&neighbour->address, &destination);
	length = encode(
		packet, source, &destination, ICMP6_SOLICITATION, 0, &neighbour->address, OPTION_SOURCE_MAC, port->mac);
	if (multicast)
		transmit_multicast(net, neighbour->port, packet, length);
	else
		transmit(net, neighbour->port, port->vlan, port->mac, neighbour->mac, packet, length);
	net->stats.ns_sent++;
}

static void advertise_to_all(struct net *net, uint16_t port, const struct in6_addr *address)
{
	uint8_t packet[ND_WITH_MAC];
	uint16_t length = encode(packet, address, &all_nodes, ICMP6_ADVERTISEMENT, FLAG_ROUTER | FLAG_OVERRIDE, address,
		OPTION_TARGET_MAC, net->ports[port].mac);

	transmit_multicast(net, port, packet, length);
	net->stats.na_sent++;
}

void nd_announce(struct net *net)
{
	for (unsigned i = 0; i < net->own_count; i++)
		advertise_to_all(net, net->own[i].port, &net->own[i].address);
}

static void advertise_to(struct net *net, struct neighbour *neighbour, const struct in6_addr *address)
{
	uint8_t packet[ND_WITH_MAC];
	uint16_t length = encode(packet, address, &neighbour->address, ICMP6_ADVERTISEMENT,
		FLAG_ROUTER | FLAG_SOLICITED | FLAG_OVERRIDE, address, OPTION_TARGET_MAC,
		net->ports[neighbour->port].mac);

	neighbour_output(net, neighbour, NULL, packet, length);
	net->stats.na_sent++;
}

static void report_conflict(
	struct net *net, const struct packet_meta *meta, const struct in6_addr *address, const char *how)
{
	char text[IP6_TEXT_MAX], mac[MAC_TEXT_MAX];

	net->stats.address_conflicts++;
	log_warning("address_conflict", "address=%s port=%s mac=%s how=%s hint=\"another host has this address\"",
		ip6_format(address, text), net->ports[meta->port].config->name, mac_format(meta->source_mac, mac), how);
}

/* RFC 4861 section 7.2.3; duplicate address detection of others is answered to all nodes. */
static void solicited(struct net *net, const struct packet_meta *meta, const struct nd_message *nd)
{
	struct neighbour *neighbour;
	struct in6_addr group;

	net->stats.ns_received++;
	if (!own_address_on(net, &nd->target, meta->port))
		return;
	ip6_solicited_node(&nd->target, &group);
	if (IN6_IS_ADDR_UNSPECIFIED(&nd->ip6.source)) {
		if (nd->source_mac != NULL || !IN6_ARE_ADDR_EQUAL(&nd->ip6.destination, &group)) {
			net->stats.malformed++;
			return;
		}
		report_conflict(net, meta, &nd->target, "duplicate-address-detection");
		advertise_to_all(net, meta->port, &nd->target);
		return;
	}
	if (own_address_any(net, &nd->ip6.source)) {
		report_conflict(net, meta, &nd->ip6.source, "solicitation");
		return;
	}
	if (ip6_is_no_node(&nd->ip6.source) || !route_on_link(net, meta->port, &nd->ip6.source)) {
		net->stats.malformed++;
		return;
	}
	neighbour = neighbour_get(net, meta->port, &nd->ip6.source);
	if (neighbour == NULL)
		return;
	if (nd->source_mac != NULL)
		neighbour_learned(net, neighbour, nd->source_mac);
	advertise_to(net, neighbour, &nd->target);
}

static void advertised(struct net *net, const struct packet_meta *meta, const struct nd_message *nd)
{
	bool solicited_flag = (nd->flags & FLAG_SOLICITED) != 0;
	struct neighbour *neighbour;

	net->stats.na_received++;
	if (solicited_flag && ip6_is_multicast(&nd->ip6.destination)) {
		net->stats.malformed++;
		return;
	}
	if (own_address_on(net, &nd->target, meta->port)) {
		report_conflict(net, meta, &nd->target, "advertisement");
		return;
	}
	neighbour = neighbour_find(net, meta->port, &nd->target);
	if (neighbour != NULL)
		neighbour_advertised(net, neighbour, nd->target_mac, solicited_flag, (nd->flags & FLAG_OVERRIDE) != 0);
}

/* Routers and redirects of others are not for a router: RFC 4861 sections 6.2.7 and 8.2. */
void nd_input(struct net *net, const struct packet_meta *meta, const uint8_t *bytes, uint16_t length)
{
	struct nd_message nd;

	if (!port_speaks(net, meta->port) || meta->tunnel != INDEX_NONE || meta->link != LINK_NONE)
		return;
	if (!decode(bytes, length, &nd))
		net->stats.malformed++;
	else if (nd.type == ICMP6_SOLICITATION)
		solicited(net, meta, &nd);
	else if (nd.type == ICMP6_ADVERTISEMENT)
		advertised(net, meta, &nd);
}
