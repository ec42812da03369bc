/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Direct tunnels between MAGs: RO Errors out and in (wire-formats G.6.2), ways that broke, echo requests to peers.
 */
#include "net/internal.h"

#include <string.h>

#include "cursor.h"
#include "endpoint.h"

#define NS_PER_S         UINT64_C(1000000000)
#define PEER_PER_S       900 /* with the burst: in no second more than 1000 */
#define PEER_BURST       100
#define BROKEN_EVERY_MS  1000
#define QUOTED_MAX       (IP6_MTU_MIN_BYTES - IP6_BYTES - ICMP6_BYTES)
#define ECHO_BYTES       ICMP6_BYTES
#define TRAFFIC_CLASS_AT 0 /* version, traffic class: the first 12 bits */

/* ---- RO Errors out ---- */

/* A MAG as the configuration knows it: an error is sent to no other. */
static bool is_peer_mag(const struct net *net, const struct in6_addr *address)
{
	for (unsigned i = 0; i < net->config->peer_count; i++)
		if (net->config->peers[i].role == PEER_MAG &&
			IN6_ARE_ADDR_EQUAL(&net->config->peers[i].address, address))
			return true;
	return false;
}

/* One per pair and second, 1000 per peer and second: the workers keep less exact ones, each for itself. */
static bool within_limits(struct net *net, const struct in6_addr *peer, const uint8_t *inner)
{
	uint64_t of_peer = endpoint_hash(endpoint_load_be64(peer->s6_addr) ^ net->seed);
	uint64_t of_pair;

	of_peer = endpoint_hash(of_peer ^ endpoint_load_be64(peer->s6_addr + 8));
	of_pair = endpoint_hash(of_peer ^ endpoint_load_be64(inner + 8));
	of_pair = endpoint_hash(of_pair ^ endpoint_load_be64(inner + 24));
	return token_bucket_take(&net->direct.of_pair[of_pair % DIRECT_PAIRS], net->now_ns, NS_PER_S, 1) &&
	       token_bucket_take(
		       &net->direct.of_peer[of_peer % DIRECT_PEERS], net->now_ns, NS_PER_S / PEER_PER_S, PEER_BURST);
}

/*
 * The outer packet as the peer sent it, at most QUOTED_MAX octets of it: it is there if no tunnel is, else its header
 * is made again around the inner packet. Returns its length; 0: it cannot be quoted.
 */
static uint16_t quote(const struct net *net, const struct packet_meta *meta, const uint8_t *bytes, uint16_t length,
	uint8_t quoted[QUOTED_MAX])
{
	const struct tunnel *tunnel = path_at(net, meta->tunnel);
	uint16_t at = 0, left = QUOTED_MAX;

	if (meta->tunnel != INDEX_NONE) {
		if (tunnel == NULL || tunnel->body.use != TUNNEL_TO_PEER_MAG || length < IP6_BYTES)
			return 0;
		ip6_encode(quoted, &tunnel->body.remote, &tunnel->body.local, PROTOCOL_IPV6, tunnel->body.hop_limit,
			length);
		quoted[TRAFFIC_CLASS_AT] = bytes[TRAFFIC_CLASS_AT];
		quoted[TRAFFIC_CLASS_AT + 1] = bytes[TRAFFIC_CLASS_AT + 1] & 0xf0;
		at = IP6_BYTES;
		left -= IP6_BYTES;
	}
	if (length < left)
		left = length;
	memcpy(quoted + at, bytes, left);
	return (uint16_t)(at + left);
}

void direct_error_send(struct net *net, const struct packet_meta *meta, const uint8_t *bytes, uint16_t length)
{
	uint8_t packet[IP6_MTU_MIN_BYTES];
	uint8_t *quoted = packet + IP6_BYTES + ICMP6_BYTES;
	uint16_t n = quote(net, meta, bytes, length, quoted);
	struct ip6 outer;

	if (net->config->role != ROLE_MAG || n == 0 || ip6_decode(quoted, n, &outer) != 0 ||
		outer.protocol != PROTOCOL_IPV6 || outer.upper_bytes < IP6_BYTES ||
		!own_address_any(net, &outer.destination) || !is_peer_mag(net, &outer.source)) {
		net->stats.malformed++;
		return;
	}
	if (!within_limits(net, &outer.source, quoted + outer.upper_at)) {
		net->stats.pair_errors_limited++;
		return;
	}
	ip6_encode(
		packet, &outer.destination, &outer.source, PROTOCOL_ICMP6, HOP_LIMIT_OWN, (uint16_t)(ICMP6_BYTES + n));
	memset(packet + IP6_BYTES, 0, ICMP6_BYTES);
	packet[IP6_BYTES] = ICMP6_UNREACHABLE;
	packet[IP6_BYTES + 1] = UNREACHABLE_SOURCE_POLICY;
	icmp6_checksum(packet, (size_t)IP6_BYTES + ICMP6_BYTES + n);
	net->stats.pair_errors_sent++;
	route_output(net, PORT_NONE, packet, (uint16_t)(IP6_BYTES + ICMP6_BYTES + n));
}

/* ---- what is heard of direct tunnels ---- */

void direct_broken(struct net *net, struct tunnel *tunnel)
{
	if (tunnel->body.use != TUNNEL_TO_PEER_MAG || tunnel->is_broken ||
		(tunnel->broken_ms != 0 && tunnel->broken_ms + BROKEN_EVERY_MS > net->now_ms))
		return;
	tunnel->broken_ms = net->now_ms;
	tunnel->is_broken = true;
	TAILQ_INSERT_TAIL(&net->direct.broken, tunnel, broken);
	net->stats.direct_broken++;
}

void direct_forget(struct net *net, struct tunnel *tunnel)
{
	if (tunnel->is_broken)
		TAILQ_REMOVE(&net->direct.broken, tunnel, broken);
	tunnel->is_broken = false;
}

/* The peer has no state for the pair of the packet in @inner: its first 40 octets say which. */
static void pair_error_in(struct net *net, const struct tunnel *tunnel, const uint8_t *inner, uint16_t length)
{
	struct cursor cursor = cursor_over(inner, length);
	uint8_t version = cursor_u8(&cursor) >> 4;
	const uint8_t *source, *destination;

	cursor_take(&cursor, 7);
	source = cursor_take(&cursor, 16);
	destination = cursor_take(&cursor, 16);
	if (cursor.failed || version != 6) {
		net->stats.errors_ignored++;
		return;
	}
	net->stats.pair_errors_received++;
	net->direct.has_heard = true;
	net->direct.heard = (struct net_heard){.kind = NET_HEARD_PAIR_ERROR,
		.peer = tunnel->body.remote,
		.source = endpoint_id_ipv6(source),
		.destination = endpoint_id_ipv6(destination)};
}

bool direct_error_in(struct net *net, struct tunnel *tunnel, const struct in6_addr *from, uint8_t type, uint8_t code,
	const uint8_t *inner, uint16_t length)
{
	bool of_peer = IN6_ARE_ADDR_EQUAL(from, &tunnel->body.remote);

	if (tunnel->body.use != TUNNEL_TO_PEER_MAG)
		return false;
	if (type == ICMP6_UNREACHABLE && code == UNREACHABLE_SOURCE_POLICY && of_peer) {
		pair_error_in(net, tunnel, inner, length);
		return true;
	}
	if (type == ICMP6_UNREACHABLE || type == ICMP6_TIME ||
		(type == ICMP6_PARAMETER && code == PARAMETER_NEXT_HEADER)) {
		direct_broken(net, tunnel); /* its pairs go back to their anchors: the mobile nodes need not know */
		return true;
	}
	return false;
}

void direct_report(struct net *net)
{
	struct net_heard heard = net->direct.heard;
	bool has_heard = net->direct.has_heard;
	struct tunnel *tunnel;

	net->direct.has_heard = false;
	if (has_heard && net->ops->heard != NULL)
		net->ops->heard(net->context, &heard);
	while ((tunnel = TAILQ_FIRST(&net->direct.broken)) != NULL) {
		heard = (struct net_heard){.kind = NET_HEARD_BROKEN, .peer = tunnel->body.remote};
		direct_forget(net, tunnel);
		if (net->ops->heard != NULL)
			net->ops->heard(net->context, &heard);
	}
}

/* ---- echo ---- */

int net_echo(struct net *net, const struct engine_time *now, const struct in6_addr *peer, uint16_t identifier,
	uint16_t sequence)
{
	uint8_t packet[IP6_BYTES + ECHO_BYTES] = {0};
	uint8_t *message = packet + IP6_BYTES;

	net_set_time(net, now);
	ip6_encode(packet, &net->main_address, peer, PROTOCOL_ICMP6, HOP_LIMIT_OWN, ECHO_BYTES);
	message[0] = ICMP6_ECHO;
	store_be16(message + 4, identifier);
	store_be16(message + 6, sequence);
	icmp6_checksum(packet, sizeof(packet));
	net->stats.echo_requests++;
	return route_output(net, PORT_NONE, packet, sizeof(packet));
}

void direct_echo_reply(struct net *net, const struct packet_meta *meta, const uint8_t *bytes, uint16_t length)
{
	struct cursor cursor;
	struct ip6 ip6;
	uint8_t type, code;

	if (meta->tunnel != INDEX_NONE || meta->link != LINK_NONE || !port_speaks(net, meta->port) ||
		ip6_decode(bytes, length, &ip6) != 0 || !icmp6_checksum_ok(bytes, &ip6) ||
		ip6_is_no_node(&ip6.source) || !own_address_any(net, &ip6.destination)) {
		net->stats.malformed++;
		return;
	}
	cursor = cursor_over(bytes + ip6.upper_at, ip6.upper_bytes);
	type = cursor_u8(&cursor);
	code = cursor_u8(&cursor);
	cursor_take(&cursor, 2);
	net->direct.heard = (struct net_heard){.kind = NET_HEARD_ECHO, .peer = ip6.source};
	net->direct.heard.identifier = cursor_be16(&cursor);
	net->direct.heard.sequence = cursor_be16(&cursor);
	net->direct.has_heard = !cursor.failed && type == ICMP6_REPLY && code == 0;
	if (net->direct.has_heard)
		net->stats.echo_answers++;
	else
		net->stats.malformed++;
}
