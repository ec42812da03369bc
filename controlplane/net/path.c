/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/internal.h"

#include <errno.h>
#include <stdlib.h>

#define PATH_MTU_LIFE_MS      600000 /* RFC 8201 section 4: at least 5 minutes, 10 recommended */
#define TUNNEL_OVERHEAD_BYTES IP6_BYTES
#define TUNNELS_STEP          64

#define OF(member_pointer, member) ((struct tunnel *)((uint8_t *)(member_pointer)-offsetof(struct tunnel, member)))

static void on_expiry(struct timer *timer, void *context, uint64_t now_ms);
static enum push_result push_tunnel(struct net *net, struct pending *pending);

struct tunnel *path_at(const struct net *net, uint32_t index)
{
	struct tunnel *tunnel = index < net->tunnel_slots ? net->tunnels[index] : NULL;

	return tunnel != NULL && tunnel->used ? tunnel : NULL;
}

static struct tunnel *slot_at(struct net *net, uint32_t index)
{
	uint32_t slots = index + TUNNELS_STEP;
	struct tunnel **grown;

	if (index >= net->tunnel_slots) {
		grown = index < INDEX_NONE - TUNNELS_STEP ? realloc(net->tunnels, slots * sizeof(struct tunnel *))
							  : NULL;
		if (grown == NULL)
			return NULL;
		memset(grown + net->tunnel_slots, 0, (slots - net->tunnel_slots) * sizeof(struct tunnel *));
		net->tunnels = grown;
		net->tunnel_slots = slots;
	}
	if (net->tunnels[index] == NULL)
		net->tunnels[index] = calloc(1, sizeof(struct tunnel));
	return net->tunnels[index];
}

void path_table_fini(struct net *net)
{
	for (uint32_t i = 0; i < net->tunnel_slots; i++)
		free(net->tunnels[i]);
	free(net->tunnels);
}

uint16_t path_mtu(const struct tunnel *tunnel)
{
	return tunnel->learned_bytes != 0 ? tunnel->learned_bytes : tunnel->link_mtu_bytes;
}

/* Outer header of RFC 2473 section 3.1; traffic class, flow label and payload length are the encapsulator's. */
static void write_template(const struct net *net, const struct tunnel *tunnel, struct tunnel_template *template)
{
	const struct net_port *port = &net->ports[tunnel->port];
	uint8_t *at = template->bytes;

	memcpy(at, tunnel->next_hop->mac, 6);
	memcpy(at + 6, port->mac, 6);
	at += 12;
	if (port->vlan != VLAN_NONE) {
		store_be16(at, ETHERTYPE_VLAN_WIRE);
		store_be16(at + 2, port->vlan);
		at += VLAN_BYTES;
	}
	store_be16(at, ETHERTYPE_IPV6_WIRE);
	at += 2;
	ip6_encode(at, &tunnel->body.local, &tunnel->body.remote, PROTOCOL_IPV6, tunnel->body.hop_limit, 0);
	template->l3 = (uint8_t)(at - template->bytes);
	template->length = (uint8_t)(template->l3 + IP6_BYTES);
	template->port = tunnel->port;
}

static uint32_t make_descriptor(struct net *net, const struct tunnel *tunnel)
{
	struct tunnel_template template = {0};

	write_template(net, tunnel, &template);
	return net->ops->descriptor(net->context, &template);
}

static bool is_resolved(const struct tunnel *tunnel)
{
	return tunnel->next_hop != NULL && neighbour_usable(tunnel->next_hop);
}

static struct fwd_tunnel body_of(const struct tunnel *tunnel, uint32_t descriptor)
{
	struct fwd_tunnel body = tunnel->body;

	body.mtu_bytes = (uint16_t)(path_mtu(tunnel) - TUNNEL_OVERHEAD_BYTES);
	body.descriptor = descriptor;
	body.flags = (uint8_t)(descriptor != INDEX_NONE ? body.flags | TUNNEL_RESOLVED : body.flags & ~TUNNEL_RESOLVED);
	return body;
}

static void told(struct net *net, struct tunnel *tunnel, uint32_t descriptor)
{
	if (tunnel->descriptor != INDEX_NONE)
		net->ops->descriptor_release(net->context, tunnel->descriptor);
	tunnel->descriptor = descriptor;
	tunnel->told_resolved = descriptor != INDEX_NONE;
	tunnel->told_mtu_bytes = path_mtu(tunnel);
	if (tunnel->told_resolved)
		memcpy(tunnel->told_mac, tunnel->next_hop->mac, 6);
}

/* After an error that it is mended is still owed. */
static void answer(struct net *net, struct tunnel *tunnel, int error)
{
	if (!tunnel->awaiting)
		return;
	tunnel->awaiting = error != 0;
	tunnel->report_error = error;
	if (tunnel->reporting)
		return;
	tunnel->reporting = true;
	TAILQ_INSERT_TAIL(&net->reports, tunnel, report);
}

static bool differs(const struct tunnel *tunnel)
{
	return tunnel->told_resolved != is_resolved(tunnel) || tunnel->told_mtu_bytes != path_mtu(tunnel) ||
	       (tunnel->told_resolved && memcmp(tunnel->told_mac, tunnel->next_hop->mac, 6) != 0);
}

static enum push_result push_tunnel(struct net *net, struct pending *pending)
{
	struct tunnel *tunnel = OF(pending, pending);
	struct fwd_update update = {.op = FWD_OP_tunnel_replace, .index = tunnel->index};
	uint32_t descriptor = INDEX_NONE;

	if (differs(tunnel)) {
		if (is_resolved(tunnel)) {
			descriptor = make_descriptor(net, tunnel);
			if (descriptor == INDEX_NONE)
				return PUSH_LATER; /* slots come back when what was pushed is applied */
		}
		update.body.tunnel = body_of(tunnel, descriptor);
		if (!net->ops->update(net->context, &update)) {
			if (descriptor != INDEX_NONE)
				net->ops->descriptor_release(net->context, descriptor);
			return PUSH_REFUSED;
		}
		told(net, tunnel, descriptor);
	}
	if (tunnel->told_resolved)
		answer(net, tunnel, 0);
	return PUSH_DONE;
}

static void detach(struct net *net, struct tunnel *tunnel)
{
	pending_cancel(net, &tunnel->pending);
	timer_stop(&net->wheel, &tunnel->expiry);
	if (tunnel->reporting)
		TAILQ_REMOVE(&net->reports, tunnel, report);
	direct_forget(net, tunnel);
	if (tunnel->next_hop != NULL) {
		LIST_REMOVE(tunnel, user);
		neighbour_keep(net, tunnel->next_hop, 0, -1);
	}
	if (tunnel->descriptor != INDEX_NONE)
		net->ops->descriptor_release(net->context, tunnel->descriptor);
	tunnel->used = false;
}

/* False: there is no way to the remote end. */
static bool attach(struct net *net, struct tunnel *tunnel)
{
	struct in6_addr next_hop;

	if (ip6_is_no_node(&tunnel->body.remote) || ip6_is_link_local(&tunnel->body.remote) ||
		own_address_any(net, &tunnel->body.remote) ||
		!route_lookup(net, &tunnel->body.remote, &tunnel->port, &next_hop))
		return false;
	tunnel->next_hop = neighbour_get(net, tunnel->port, &next_hop);
	if (tunnel->next_hop == NULL)
		return false;
	if (tunnel->link_mtu_bytes > net->ports[tunnel->port].mtu_bytes)
		tunnel->link_mtu_bytes = net->ports[tunnel->port].mtu_bytes;
	LIST_INSERT_HEAD(&tunnel->next_hop->users, tunnel, user);
	neighbour_keep(net, tunnel->next_hop, 0, 1);
	return neighbour_use(net, tunnel->next_hop);
}

int net_tunnel_insert(struct net *net, const struct engine_time *now, struct fwd_update *update)
{
	struct tunnel *tunnel = slot_at(net, update->index);
	bool reachable;

	net_set_time(net, now);
	update->body.tunnel.descriptor = INDEX_NONE;
	update->body.tunnel.flags &= (uint8_t)~TUNNEL_RESOLVED;
	if (tunnel == NULL)
		return -ENOMEM;
	if (tunnel->used)
		detach(net, tunnel);
	*tunnel = (struct tunnel){.index = update->index,
		.used = true,
		.body = update->body.tunnel,
		.link_mtu_bytes = (uint16_t)(update->body.tunnel.mtu_bytes + TUNNEL_OVERHEAD_BYTES),
		.descriptor = INDEX_NONE};
	timer_init(&tunnel->expiry, on_expiry);
	pending_init(&tunnel->pending, push_tunnel);
	reachable = attach(net, tunnel);
	if (is_resolved(tunnel))
		told(net, tunnel, make_descriptor(net, tunnel));
	tunnel->told_mtu_bytes = path_mtu(tunnel);
	update->body.tunnel = body_of(tunnel, tunnel->descriptor);
	if (tunnel->told_resolved)
		return 1;
	tunnel->awaiting = true;
	if (!reachable)
		answer(net, tunnel, -EHOSTUNREACH);
	else if (is_resolved(tunnel))
		pending_add(net, &tunnel->pending); /* no descriptor was free */
	return 0;
}

void net_tunnel_remove(struct net *net, uint32_t index)
{
	struct tunnel *tunnel = path_at(net, index);

	if (tunnel != NULL)
		detach(net, tunnel);
}

void path_next_hop_changed(struct net *net, struct neighbour *neighbour)
{
	for (struct tunnel *tunnel = LIST_FIRST(&neighbour->users); tunnel != NULL; tunnel = LIST_NEXT(tunnel, user))
		pending_add(net, &tunnel->pending);
	pending_flush(net);
}

void path_next_hop_failed(struct net *net, struct neighbour *neighbour)
{
	for (struct tunnel *tunnel = LIST_FIRST(&neighbour->users); tunnel != NULL; tunnel = LIST_NEXT(tunnel, user)) {
		answer(net, tunnel, -EHOSTUNREACH);
		direct_broken(net, tunnel);
	}
}

void path_report(struct net *net)
{
	struct tunnel *tunnel;

	while ((tunnel = TAILQ_FIRST(&net->reports)) != NULL) {
		TAILQ_REMOVE(&net->reports, tunnel, report);
		tunnel->reporting = false;
		net->ops->tunnel_resolved(net->context, tunnel->index, tunnel->report_error);
	}
	direct_report(net);
}

struct tunnel *path_find(const struct net *net, const struct in6_addr *local, const struct in6_addr *remote)
{
	for (uint32_t i = 0; i < net->tunnel_slots; i++) {
		struct tunnel *tunnel = path_at(net, i);

		if (tunnel != NULL && IN6_ARE_ADDR_EQUAL(&tunnel->body.local, local) &&
			IN6_ARE_ADDR_EQUAL(&tunnel->body.remote, remote))
			return tunnel;
	}
	return NULL;
}

void path_mtu_learn(struct net *net, struct tunnel *tunnel, uint32_t mtu_bytes)
{
	uint32_t floor = mtu_bytes < IP6_MTU_MIN_BYTES ? IP6_MTU_MIN_BYTES : mtu_bytes; /* RFC 8201 section 4 */
	char remote[IP6_TEXT_MAX];

	if (floor >= path_mtu(tunnel))
		return;
	tunnel->learned_bytes = (uint16_t)floor;
	timer_start(&net->wheel, &tunnel->expiry, net->now_ms + PATH_MTU_LIFE_MS);
	net->stats.path_mtu_updates++;
	log_notice("path_mtu", "remote=%s mtu=%u tunnel_mtu=%u", ip6_format(&tunnel->body.remote, remote), floor,
		floor - TUNNEL_OVERHEAD_BYTES);
	pending_mark(net, &tunnel->pending);
}

static void on_expiry(struct timer *timer, void *context, uint64_t now_ms)
{
	struct tunnel *tunnel = OF(timer, expiry);

	tunnel->learned_bytes = 0;
	pending_mark(context, &tunnel->pending);
}

bool net_tunnel_path(const struct net *net, const struct engine_time *now, uint32_t index, uint16_t *mtu_bytes,
	uint64_t *expires_in_ms)
{
	const struct tunnel *tunnel = path_at(net, index);

	if (tunnel == NULL)
		return false;
	*mtu_bytes = path_mtu(tunnel);
	*expires_in_ms = tunnel->learned_bytes != 0 && tunnel->expiry.deadline_ms > engine_ms(now)
				 ? tunnel->expiry.deadline_ms - engine_ms(now)
				 : 0;
	return true;
}
