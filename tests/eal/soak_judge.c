/* SPDX-License-Identifier: BSD-3-Clause */
#include "soak_judge.h"

#include <string.h>

#define IPV6       40
#define ETHERNET   14
#define OUTER      (ETHERNET + IPV6)
#define ECN        3
#define ECN_CE     3
#define ECN_NO_WAY 0xff
#define INNER_MTU  1280

struct judge {
	const struct world *world;
	const struct soak_packet *packet;
	uint64_t since;
	const uint8_t *frame; /* NULL: nothing came out */
	uint16_t length, port;
	uint8_t ecn;
	struct verdict verdict;
};

/*
 * Each version of an object that the packet may have met, as @met. A macro, because what is to be done for each is a
 * block with its own local names.
 */
#define FOR_EACH_MET(judge, object, met) \
	for (const struct version *met = first_met(object); met != NULL; met = next_met((judge), (object), met))

static const struct version *first_met(const struct object *object)
{
	return object_now(object);
}

static const struct version *next_met(struct judge *j, const struct object *object, const struct version *version)
{
	unsigned place = (unsigned)(version - object->versions);
	unsigned back = (object->count - 1 - place) % WORLD_VERSIONS;
	const struct version *before = object_version(object, back + 1);

	if (version->update.seq <= j->since)
		return NULL;
	j->verdict.forgotten |= before == NULL;
	return before;
}

static void drop(struct judge *j, enum drop_reason reason)
{
	j->verdict.drops |= UINT64_C(1) << reason;
}

static void punt(struct judge *j, enum punt_reason reason)
{
	j->verdict.punts |= UINT32_C(1) << reason;
	drop(j, DROP_punt_limited);
}

static void error(struct judge *j, enum punt_reason reason, enum drop_reason otherwise)
{
	if (j->packet->icmp_error)
		drop(j, otherwise);
	else
		punt(j, reason);
}

/* ---- octets ---- */

static const uint8_t *inner_of(const struct soak_packet *p)
{
	return p->frame + p->inner;
}

static uint8_t hop_limit_of(const struct soak_packet *p)
{
	return inner_of(p)[7];
}

static uint8_t class_of(const uint8_t *ip)
{
	return (uint8_t)(ip[0] << 4 | ip[1] >> 4);
}

static void set_ecn(uint8_t *ip, uint8_t ecn)
{
	ip[1] = (uint8_t)((ip[1] & 0xcf) | ecn << 4);
}

/* RFC 6040, figure 4. */
static uint8_t ecn_after(const struct soak_packet *p)
{
	uint8_t inner = class_of(inner_of(p)) & ECN;

	if (p->tunnel == INDEX_NONE || inner == ECN_CE)
		return inner;
	if (p->outer_ecn == ECN_CE)
		return inner == 0 ? ECN_NO_WAY : ECN_CE;
	return inner == 2 && p->outer_ecn == 1 ? 1 : inner;
}

static bool is_inner(const struct judge *j, uint16_t offset)
{
	const struct soak_packet *p = j->packet;
	uint8_t want[IPV6];

	if (j->length != offset + p->inner_length)
		return false;
	memcpy(want, inner_of(p), sizeof(want));
	want[7]--;
	set_ecn(want, j->ecn);
	return memcmp(j->frame + offset, want, sizeof(want)) == 0 &&
	       memcmp(j->frame + offset + IPV6, inner_of(p) + IPV6, (size_t)(p->inner_length - IPV6)) == 0;
}

static bool is_ethernet(const struct judge *j, const uint8_t *destination, const uint8_t *source, uint16_t vlan)
{
	const uint8_t tag[] = {0x81, 0, (uint8_t)(vlan >> 8), (uint8_t)vlan};
	uint16_t length = vlan != VLAN_NONE ? ETHERNET + sizeof(tag) : ETHERNET;

	return j->length >= length && memcmp(j->frame, destination, 6) == 0 && memcmp(j->frame + 6, source, 6) == 0 &&
	       (vlan == VLAN_NONE || memcmp(j->frame + 12, tag, sizeof(tag)) == 0) &&
	       memcmp(j->frame + length - 2, "\x86\xdd", 2) == 0;
}

static bool is_outer(const struct judge *j, const struct fwd_tunnel *tunnel)
{
	const uint8_t *ip = j->frame + ETHERNET;
	uint8_t class = class_of(inner_of(j->packet));
	uint16_t payload = (uint16_t)(j->length - OUTER);

	class = (uint8_t)((class & ~ECN) | j->ecn);
	if (tunnel->dscp_mode == DSCP_FIXED)
		class = (uint8_t)(tunnel->dscp << 2 | j->ecn);
	return j->length > OUTER && ip[0] >> 4 == 6 && class_of(ip) == class && ip[4] == payload >> 8 &&
	       ip[5] == (payload & 0xff) && ip[6] == IPPROTO_IPV6 && ip[7] == tunnel->hop_limit &&
	       memcmp(ip + 8, &tunnel->local, 16) == 0 && memcmp(ip + 24, &tunnel->remote, 16) == 0;
}

bool soak_is_punted(const struct soak_packet *p, const uint8_t *bytes, uint16_t length)
{
	uint8_t head[IPV6], want[IPV6];

	if (length < p->inner_length)
		return false;
	bytes += length - p->inner_length;
	memcpy(head, bytes, sizeof(head));
	memcpy(want, inner_of(p), sizeof(want));
	set_ecn(head, 0);
	set_ecn(want, 0);
	want[7] = (uint8_t)(want[7] - (head[7] != want[7]));
	return memcmp(head, want, sizeof(head)) == 0 &&
	       memcmp(bytes + IPV6, inner_of(p) + IPV6, (size_t)(p->inner_length - IPV6)) == 0;
}

/* ---- ends of the ways ---- */

static void deliver(struct judge *j, uint16_t link, const uint8_t *mac)
{
	static const uint16_t vlans[WORLD_LINKS] = {VLAN_NONE, 100, 200};
	static const uint8_t fixed[] = {0, 0, 0x5e, 0, 0x52, 0x13};
	uint16_t port = link == 0 ? ACCESS : TAGGED;

	if (hop_limit_of(j->packet) <= 1) {
		error(j, PUNT_hop_limit_error, DROP_hop_limit);
		return;
	}
	j->verdict.matches |= j->frame != NULL && j->port == port && is_ethernet(j, mac, fixed, vlans[link]) &&
			      is_inner(j, link == 0 ? ETHERNET : ETHERNET + 4);
}

/* Into one version of a tunnel, which is resolved. */
static void enter(struct judge *j, const struct version *version)
{
	static const uint8_t own[] = {2, 0, 0, 0, 0, 0x10};
	const struct fwd_tunnel *tunnel = &version->update.body.tunnel;
	uint8_t mac[6];

	if (hop_limit_of(j->packet) <= 1) {
		error(j, PUNT_hop_limit_error, DROP_hop_limit);
		return;
	}
	if (j->packet->inner_length > tunnel->mtu_bytes) {
		if (j->packet->inner_length <= INNER_MTU)
			drop(j, DROP_packet_too_big);
		else
			error(j, PUNT_packet_too_big_error, DROP_packet_too_big);
		return;
	}
	world_hop_mac(mac, version->generation);
	j->verdict.matches |= j->frame != NULL && j->port == CORE && is_ethernet(j, mac, own, VLAN_NONE) &&
			      is_outer(j, tunnel) && is_inner(j, OUTER);
}

static bool is_resolved(const struct version *version)
{
	return (version->update.body.tunnel.flags & TUNNEL_RESOLVED) != 0;
}

/* A direct tunnel without a next hop: round by the anchor. */
static void go_round(struct judge *j)
{
	if (j->packet->source < 0) {
		drop(j, DROP_tunnel_unresolved);
		return;
	}
	FOR_EACH_MET(j, &j->world->endpoints[j->packet->source], node)
	{
		const struct forward *forward = &node->update.body.endpoint.forward;

		if (!node->live || forward->action != FORWARD_LOCAL) {
			drop(j, DROP_tunnel_unresolved);
			continue;
		}
		FOR_EACH_MET(j, &j->world->tunnels[forward->tunnel], tunnel)
		{
			if (tunnel->live && is_resolved(tunnel))
				enter(j, tunnel);
			else
				drop(j, DROP_tunnel_unresolved);
		}
	}
}

static void encapsulate(struct judge *j, uint32_t index)
{
	FOR_EACH_MET(j, &j->world->tunnels[index], tunnel)
	{
		if (!tunnel->live)
			drop(j, DROP_dead_index);
		else if (is_resolved(tunnel))
			enter(j, tunnel);
		else if (tunnel->update.body.tunnel.use == TUNNEL_TO_PEER_MAG)
			go_round(j);
		else
			drop(j, DROP_tunnel_unresolved);
	}
}

/* ---- MAG ---- */

/* To a node here. @tunnel: out of which it came, or INDEX_NONE. */
static void down(struct judge *j, uint32_t tunnel)
{
	FOR_EACH_MET(j, &j->world->endpoints[j->packet->destination], node)
	{
		const struct forward *forward = &node->update.body.endpoint.forward;

		if (!node->live)
			drop(j, DROP_downlink_no_endpoint);
		else if (tunnel != INDEX_NONE && forward->tunnel != tunnel)
			drop(j, DROP_downlink_tunnel_mismatch);
		else if (forward->action != FORWARD_LOCAL)
			drop(j, DROP_forward_action);
		else
			deliver(j, forward->link, forward->mac);
	}
}

static void refuse(struct judge *j, bool mismatch)
{
	if (j->packet->link_object < 0) {
		drop(j, DROP_link_unknown);
		return;
	}
	FOR_EACH_MET(j, &j->world->links[j->packet->link_object], link)
	{
		if (!link->live)
			drop(j, DROP_link_unknown);
		else if (link->update.body.link.state == LINK_PENDING)
			drop(j, DROP_link_pending);
		else if (link->update.body.link.state == LINK_REFUSED)
			drop(j, DROP_link_refused);
		else if (mismatch)
			drop(j, DROP_uplink_mac_mismatch);
		else
			error(j, PUNT_source_policy_error, DROP_uplink_source);
	}
}

static bool is_from(const struct soak_packet *p, uint16_t link, const uint8_t *mac)
{
	return p->link == link && memcmp(p->mac, mac, sizeof(p->mac)) == 0;
}

static bool is_local_routing(const struct forward *forward)
{
	return forward->action == FORWARD_LOCAL && (forward->flags & FORWARD_LOCAL_ROUTING) != 0;
}

static void up_by_endpoint(struct judge *j, const struct forward *forward)
{
	bool other_way = true;

	if (is_local_routing(forward) && j->packet->destination >= 0) {
		bool all = true;

		FOR_EACH_MET(j, &j->world->endpoints[j->packet->destination], node)
		{
			if (node->live && is_local_routing(&node->update.body.endpoint.forward))
				down(j, INDEX_NONE);
			else
				all = false;
		}
		other_way = !all;
	}
	if (other_way)
		encapsulate(j, forward->tunnel);
}

static void up(struct judge *j)
{
	FOR_EACH_MET(j, &j->world->endpoints[j->packet->source], node)
	{
		const struct forward *forward = &node->update.body.endpoint.forward;

		if (!node->live)
			refuse(j, false);
		else if (!is_from(j->packet, forward->link, forward->mac))
			refuse(j, true);
		else if (forward->action != FORWARD_LOCAL)
			drop(j, DROP_forward_action);
		else
			up_by_endpoint(j, forward);
	}
}

static void uplink(struct judge *j)
{
	unsigned versions = 0;

	if (j->packet->pair_tx < 0) {
		up(j);
		return;
	}
	FOR_EACH_MET(j, &j->world->pairs_tx[j->packet->pair_tx], pair)
	{
		const struct fwd_pair *body = &pair->update.body.pair;

		versions++;
		if (!pair->live || !is_from(j->packet, body->check.from.link, body->check.from.mac))
			up(j);
		else if (body->forward.action == FORWARD_LOCAL)
			down(j, INDEX_NONE);
		else
			encapsulate(j, body->forward.tunnel);
	}
	j->verdict.certain = versions == 1;
}

/* It came out of a tunnel: was there one? @then: what it is for. */
static void leave_tunnel(struct judge *j, void (*then)(struct judge *j))
{
	bool mag = world_is_mag(j->world);

	FOR_EACH_MET(j, &j->world->tunnels[j->packet->tunnel], tunnel)
	{
		if (!tunnel->live) {
			drop(j, DROP_tunnel_unknown);
			if (mag)
				punt(j, PUNT_pair_error);
		} else if (j->ecn == ECN_NO_WAY) {
			drop(j, DROP_tunnel_ecn);
		} else {
			then(j);
		}
	}
}

static void downlink(struct judge *j)
{
	down(j, j->packet->tunnel);
}

static void refuse_pair(struct judge *j, enum drop_reason reason)
{
	drop(j, reason);
	error(j, PUNT_pair_error, reason);
}

static void direct(struct judge *j)
{
	FOR_EACH_MET(j, &j->world->pairs_rx[j->packet->pair_rx], pair)
	{
		const struct fwd_pair *body = &pair->update.body.pair;

		if (!pair->live)
			refuse_pair(j, DROP_pair_unknown);
		else if (body->check.tunnel != j->packet->tunnel && body->check.former != j->packet->tunnel)
			refuse_pair(j, DROP_pair_tunnel_mismatch);
		else if (body->forward.action == FORWARD_TUNNEL)
			encapsulate(j, body->forward.tunnel);
		else
			deliver(j, body->forward.link, body->forward.mac);
	}
}

/* ---- LMA ---- */

static void next_hop(struct judge *j, uint32_t index)
{
	FOR_EACH_MET(j, &j->world->neighbours[index], hop)
	{
		const struct fwd_neighbour *neighbour = &hop->update.body.neighbour;

		if (!hop->live)
			drop(j, DROP_dead_index);
		else if (hop_limit_of(j->packet) <= 1)
			error(j, PUNT_hop_limit_error, DROP_hop_limit);
		else if (j->packet->inner_length > neighbour->mtu_bytes)
			error(j, PUNT_packet_too_big_error, DROP_packet_too_big);
		else if (neighbour->resolved == 0)
			punt(j, PUNT_neighbour_resolve);
		else
			j->verdict.matches |= j->frame != NULL && j->port == neighbour->port &&
					      is_ethernet(j, neighbour->mac, neighbour->source_mac, VLAN_NONE) &&
					      is_inner(j, ETHERNET);
	}
}

static void to_route(struct judge *j)
{
	FOR_EACH_MET(j, &j->world->routes[j->packet->route], route)
	{
		if (route->live)
			next_hop(j, route->update.index);
		else
			error(j, PUNT_no_route_error, DROP_no_route);
	}
}

static void to_binding(struct judge *j)
{
	FOR_EACH_MET(j, &j->world->endpoints[j->packet->destination], node)
	{
		const struct forward *forward = &node->update.body.endpoint.forward;

		if (!node->live)
			error(j, PUNT_no_endpoint_error, DROP_anchor_no_endpoint);
		else if ((forward->flags & FORWARD_BLOCKED) != 0)
			drop(j, DROP_anchor_blocked);
		else if (forward->action != FORWARD_TUNNEL)
			drop(j, DROP_forward_action);
		else
			encapsulate(j, forward->tunnel);
	}
}

static void anchor_down(struct judge *j)
{
	if (j->packet->destination >= 0)
		to_binding(j);
	else if (j->packet->route >= 0)
		to_route(j);
	else
		drop(j, DROP_not_for_us);
}

/* Of a node that is not bound to that tunnel. */
static void anchor_returned(struct judge *j)
{
	if (j->packet->pair_rx < 0) {
		drop(j, DROP_anchor_source);
		return;
	}
	FOR_EACH_MET(j, &j->world->pairs_rx[j->packet->pair_rx], pair)
	{
		if (pair->live && pair->update.body.pair.check.tunnel == j->packet->tunnel)
			anchor_down(j);
		else
			drop(j, DROP_anchor_source);
	}
}

static void anchor_up(struct judge *j)
{
	if (j->packet->source < 0) {
		anchor_returned(j);
		return;
	}
	FOR_EACH_MET(j, &j->world->endpoints[j->packet->source], node)
	{
		const struct forward *forward = &node->update.body.endpoint.forward;
		bool former = (forward->flags & FORWARD_FORMER) != 0 && forward->former == j->packet->tunnel;

		if (!node->live || (forward->tunnel != j->packet->tunnel && !former))
			anchor_returned(j);
		else if ((forward->flags & FORWARD_BLOCKED) != 0)
			drop(j, DROP_anchor_blocked);
		else if (forward->action != FORWARD_TUNNEL)
			drop(j, DROP_forward_action);
		else
			anchor_down(j);
	}
}

struct verdict soak_judge(const struct world *world, const struct soak_packet *packet, uint64_t since,
	const uint8_t *frame, uint16_t length, uint16_t port)
{
	struct judge j = {.world = world,
		.packet = packet,
		.since = since,
		.frame = frame,
		.length = length,
		.port = port,
		.ecn = ecn_after(packet),
		.verdict = {.certain = true}};

	switch (packet->path) {
	case SOAK_UPLINK: uplink(&j); break;
	case SOAK_DOWNLINK: leave_tunnel(&j, downlink); break;
	case SOAK_DIRECT: leave_tunnel(&j, direct); break;
	case SOAK_OUTSIDE: anchor_down(&j); break;
	case SOAK_INSIDE: leave_tunnel(&j, anchor_up); break;
	case SOAK_FIXED:
		j.verdict.drops = packet->drops;
		j.verdict.punts = packet->punts;
		if (packet->punts != 0)
			drop(&j, DROP_punt_limited);
		break;
	default: j.verdict = (struct verdict){.matches = true, .drops = UINT64_MAX, .punts = UINT32_MAX};
	}
	return j.verdict;
}
