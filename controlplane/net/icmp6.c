/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/internal.h"

#include "cursor.h"
#include "endpoint.h"

#define NS_PER_S              UINT64_C(1000000000)
#define DESTINATION_SHARE     10 /* one /64 may take this part of the whole rate, */
#define DESTINATION_PER_S_MIN 10 /* but at least what RFC 4443 section 2.4(f) gives a small device */
#define ERROR_OFFENDING_MAX   (IP6_MTU_MIN_BYTES - IP6_BYTES - ICMP6_BYTES)
#define TUNNEL_OVERHEAD_BYTES IP6_BYTES

static bool is_icmp6_error_or_redirect(const uint8_t *bytes, const struct ip6 *ip6)
{
	uint8_t type;

	if (ip6->protocol != PROTOCOL_ICMP6)
		return false;
	if (ip6->later_fragment || ip6->upper_bytes == 0)
		return true; /* cannot be told: stay silent */
	type = bytes[ip6->upper_at];
	return type < ICMP6_ECHO || type == ICMP6_REDIRECTION;
}

/* RFC 4443 section 2.4(e): when an error is never sent. */
static bool may_answer(
	const struct net *net, const uint8_t *bytes, const struct ip6 *offending, uint8_t type, uint8_t code)
{
	bool multicast_too = type == ICMP6_TOO_BIG || (type == ICMP6_PARAMETER && code == PARAMETER_OPTION);

	if (is_icmp6_error_or_redirect(bytes, offending))
		return false;
	if (ip6_is_multicast(&offending->destination) && !multicast_too)
		return false;
	return !ip6_is_no_node(&offending->source) && !own_address_any(net, &offending->source);
}

static bool take_token(struct token_bucket *bucket, uint64_t now_ns, uint32_t per_s, uint32_t burst)
{
	return per_s > 0 && token_bucket_take(bucket, now_ns, NS_PER_S / per_s, burst > 0 ? burst : 1);
}

static uint32_t share(uint32_t whole)
{
	uint32_t part = whole / DESTINATION_SHARE;

	if (part < DESTINATION_PER_S_MIN)
		part = DESTINATION_PER_S_MIN;
	return part < whole ? part : whole;
}

/* RFC 4443 section 2.4(f). The destination's bucket first: one that floods does not use up what is for all. */
static bool within_rate(struct net *net, uint8_t type, const struct in6_addr *destination)
{
	const struct config_limits *limits = &net->config->limits;
	uint64_t hash = endpoint_hash(endpoint_load_be64(destination->s6_addr) ^ net->seed);

	return take_token(&net->error_destination[hash % ERROR_DESTINATIONS], net->now_ns,
		       share(limits->icmp_errors_per_s), share(limits->icmp_burst)) &&
	       take_token(&net->error_rate[type], net->now_ns, limits->icmp_errors_per_s, limits->icmp_burst);
}

static void send_on_link(struct net *net, uint16_t link, const uint8_t mac[6], const uint8_t *bytes, uint16_t length)
{
	if (link < net->link_count)
		transmit(net, net->links[link].port, net->links[link].vlan,
			net->config->variables.fixed_mag_link_layer_address, mac, bytes, length);
}

/* Back to where a packet came from: to the mobile node on its link, through the tunnel, or by our routes. */
static void send_back(struct net *net, const struct packet_meta *meta, const uint8_t *bytes, uint16_t length)
{
	struct net_output through = {
		.kind = NET_TUNNEL, .port = PORT_NONE, .tunnel = meta->tunnel, .bytes = bytes, .length = length};

	if (meta->link != LINK_NONE)
		send_on_link(net, meta->link, meta->source_mac, bytes, length);
	else if (meta->tunnel != INDEX_NONE)
		net->ops->output(net->context, &through);
	else
		route_output(net, meta->port, bytes, length);
}

/* Our address for an answer to @to on the way of @meta. */
static const struct in6_addr *source_for(
	const struct net *net, const struct packet_meta *meta, const struct in6_addr *to)
{
	if (meta->link != LINK_NONE && ip6_is_link_local(to))
		return &net->config->variables.fixed_mag_link_local_address;
	if (meta->link != LINK_NONE || meta->tunnel != INDEX_NONE || !port_speaks(net, meta->port))
		return &net->main_address;
	return own_source(net, meta->port, to);
}

/* Returns the length of the error in @packet (IP6_MTU_MIN_BYTES octets). */
static uint16_t encode_error(uint8_t *packet, const struct in6_addr *source, const struct in6_addr *destination,
	uint8_t type, uint8_t code, uint32_t parameter, const uint8_t *bytes, uint16_t length)
{
	uint16_t quoted = length < ERROR_OFFENDING_MAX ? length : ERROR_OFFENDING_MAX;
	uint8_t *message = packet + IP6_BYTES;

	ip6_encode(packet, source, destination, PROTOCOL_ICMP6, HOP_LIMIT_OWN, (uint16_t)(ICMP6_BYTES + quoted));
	message[0] = type;
	message[1] = code;
	store_be32(message + 4, parameter);
	memcpy(message + ICMP6_BYTES, bytes, quoted);
	icmp6_checksum(packet, (size_t)IP6_BYTES + ICMP6_BYTES + quoted);
	return (uint16_t)(IP6_BYTES + ICMP6_BYTES + quoted);
}

static bool may_send_error(
	struct net *net, const uint8_t *bytes, const struct ip6 *offending, uint8_t type, uint8_t code)
{
	if (!may_answer(net, bytes, offending, type, code))
		return false;
	if (!within_rate(net, type, &offending->source)) {
		net->stats.errors_limited++;
		return false;
	}
	net->stats.errors_sent[type]++;
	return true;
}

void icmp6_error(struct net *net, const struct packet_meta *meta, uint8_t type, uint8_t code, uint32_t parameter,
	const uint8_t *bytes, uint16_t length)
{
	uint8_t packet[IP6_MTU_MIN_BYTES];
	struct ip6 offending;
	uint16_t n;

	if (ip6_decode(bytes, length, &offending) != 0 || !may_send_error(net, bytes, &offending, type, code))
		return;
	n = encode_error(packet, source_for(net, meta, &offending.source), &offending.source, type, code, parameter,
		bytes, length);
	send_back(net, meta, packet, n);
}

void icmp6_echo(struct net *net, const struct packet_meta *meta, const uint8_t *bytes, uint16_t length)
{
	const struct in6_addr *fixed = &net->config->variables.fixed_mag_link_local_address;
	struct ip6 ip6;
	uint8_t *reply = net->reply;
	uint16_t n;

	if (ip6_decode(bytes, length, &ip6) != 0 || !icmp6_checksum_ok(bytes, &ip6) || ip6.upper_bytes < ICMP6_BYTES ||
		bytes[ip6.upper_at] != ICMP6_ECHO || bytes[ip6.upper_at + 1] != 0 || ip6_is_no_node(&ip6.source) ||
		own_address_any(net, &ip6.source)) {
		net->stats.malformed++;
		return;
	}
	if (!own_address_any(net, &ip6.destination) &&
		!(meta->link != LINK_NONE && IN6_ARE_ADDR_EQUAL(&ip6.destination, fixed)))
		return;
	n = (uint16_t)(IP6_BYTES + ip6.upper_bytes);
	ip6_encode(reply, &ip6.destination, &ip6.source, PROTOCOL_ICMP6, HOP_LIMIT_OWN, ip6.upper_bytes);
	memcpy(reply + IP6_BYTES, bytes + ip6.upper_at, ip6.upper_bytes);
	reply[IP6_BYTES] = ICMP6_REPLY;
	icmp6_checksum(reply, n);
	net->stats.echo_replies++;
	send_back(net, meta, reply, n);
}

/* What the error from inside a tunnel says to the source of the packet in it (RFC 2473 section 8, wire-formats H.3). */
static bool translate(const struct tunnel *tunnel, const struct ip6 *outer, const struct ip6 *inner, uint8_t type,
	uint8_t code, uint32_t parameter, uint8_t *inner_type, uint8_t *inner_code, uint32_t *inner_parameter)
{
	uint32_t mtu_bytes = (uint32_t)path_mtu(tunnel) - TUNNEL_OVERHEAD_BYTES;

	*inner_type = ICMP6_UNREACHABLE;
	*inner_code = UNREACHABLE_ADDRESS;
	*inner_parameter = 0;
	switch (type) {
	case ICMP6_TOO_BIG:
		*inner_type = ICMP6_TOO_BIG;
		*inner_code = 0;
		*inner_parameter = mtu_bytes < IP6_MTU_MIN_BYTES ? IP6_MTU_MIN_BYTES : mtu_bytes;
		return inner->total_bytes > IP6_MTU_MIN_BYTES && inner->total_bytes > *inner_parameter;
	case ICMP6_UNREACHABLE:
	case ICMP6_TIME: return true;
	case ICMP6_PARAMETER: return code == PARAMETER_FIELD && outer->limit_at != 0 && parameter == outer->limit_at;
	default: return false;
	}
}

static void send_to_inner_source(struct net *net, const struct in6_addr *to, const uint8_t *bytes, uint16_t length)
{
	struct net_output output = {
		.kind = NET_PACKET, .port = PORT_NONE, .tunnel = INDEX_NONE, .bytes = bytes, .length = length};
	uint16_t link;
	uint8_t mac[6];

	if (net->config->role == ROLE_LMA)
		net->ops->output(net->context, &output);
	else if (net->ops->access_node != NULL && net->ops->access_node(net->context, to, &link, mac))
		send_on_link(net, link, mac, bytes, length);
}

static void relay(struct net *net, const struct tunnel *tunnel, const struct ip6 *outer, uint8_t type, uint8_t code,
	uint32_t parameter, const uint8_t *bytes, uint16_t length)
{
	uint8_t packet[IP6_MTU_MIN_BYTES];
	uint8_t inner_type, inner_code;
	uint32_t inner_parameter;
	struct ip6 inner;
	uint16_t n;

	if (ip6_decode(bytes, length, &inner) != 0 ||
		!translate(tunnel, outer, &inner, type, code, parameter, &inner_type, &inner_code, &inner_parameter) ||
		!may_send_error(net, bytes, &inner, inner_type, inner_code))
		return;
	n = encode_error(
		packet, &net->main_address, &inner.source, inner_type, inner_code, inner_parameter, bytes, length);
	send_to_inner_source(net, &inner.source, packet, n);
}

static void log_error_in(const struct ip6 *ip6, const struct tunnel *tunnel, uint8_t type, uint8_t code)
{
	char from[IP6_TEXT_MAX], remote[IP6_TEXT_MAX];

	if (type != ICMP6_TOO_BIG)
		log_warning("tunnel_error",
			"remote=%s from=%s type=%u code=%u hint=\"the path to the tunnel's end is broken\"",
			ip6_format(&tunnel->body.remote, remote), ip6_format(&ip6->source, from), type, code);
}

static void tunnel_error(struct net *net, const struct ip6 *ip6, uint8_t type, uint8_t code, uint32_t parameter,
	const uint8_t *bytes, uint16_t length)
{
	struct tunnel *tunnel = NULL;
	struct ip6 outer;

	if (ip6_decode(bytes, length, &outer) == 0 && outer.protocol == PROTOCOL_IPV6 && !outer.later_fragment)
		tunnel = path_find(net, &outer.source, &outer.destination);
	if (tunnel == NULL) {
		net->stats.errors_ignored++;
		return;
	}
	if (direct_error_in(net, tunnel, &ip6->source, type, code, bytes + outer.upper_at, outer.upper_bytes))
		return;
	log_error_in(ip6, tunnel, type, code);
	if (type == ICMP6_TOO_BIG)
		path_mtu_learn(net, tunnel, parameter);
	relay(net, tunnel, &outer, type, code, parameter, bytes + outer.upper_at, outer.upper_bytes);
}

/*
 * Errors about tunnels come from routers between their ends: never out of a tunnel, nor from an access link, where a
 * mobile node could slow down or cut off others.
 */
void icmp6_error_input(struct net *net, const struct packet_meta *meta, const uint8_t *bytes, uint16_t length)
{
	struct cursor cursor;
	struct ip6 ip6;
	uint8_t type, code;
	uint32_t parameter;

	if (meta->tunnel != INDEX_NONE || meta->link != LINK_NONE || !port_speaks(net, meta->port)) {
		net->stats.errors_ignored++;
		return;
	}
	if (ip6_decode(bytes, length, &ip6) != 0 || !icmp6_checksum_ok(bytes, &ip6) || ip6_is_no_node(&ip6.source) ||
		!own_address_any(net, &ip6.destination)) {
		net->stats.malformed++;
		return;
	}
	cursor = cursor_over(bytes + ip6.upper_at, ip6.upper_bytes);
	type = cursor_u8(&cursor);
	code = cursor_u8(&cursor);
	cursor_take(&cursor, 2);
	parameter = cursor_be32(&cursor);
	if (cursor.failed || type > ICMP6_PARAMETER)
		net->stats.malformed++;
	else
		tunnel_error(net, &ip6, type, code, parameter, cursor.at, (uint16_t)cursor_left(&cursor));
}
