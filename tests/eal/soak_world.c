/* SPDX-License-Identifier: BSD-3-Clause */
#include "soak_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../unit/unit.h"
#include "endpoint.h"

static uint32_t below(struct world *w, uint32_t n)
{
	return test_random_below(&w->random, n);
}

static bool one_in(struct world *w, uint32_t n)
{
	return below(w, n) == 0;
}

/* ---- addresses ---- */

void world_address(uint8_t *to, uint16_t third, uint16_t fourth, uint16_t last)
{
	const uint8_t bytes[16] = {0x20, 0x01, 0x0d, 0xb8, (uint8_t)(third >> 8), (uint8_t)third,
		(uint8_t)(fourth >> 8), (uint8_t)fourth, [14] = (uint8_t)(last >> 8), [15] = (uint8_t)last};

	memcpy(to, bytes, sizeof(bytes));
}

void world_node_mac(uint8_t *mac, uint32_t node, uint8_t variant)
{
	memcpy(mac, (const uint8_t[]){2, 0xaa, variant, 0, (uint8_t)(node >> 8), (uint8_t)node}, 6);
}

void world_hop_mac(uint8_t *mac, uint32_t generation)
{
	memcpy(mac,
		(const uint8_t[]){2, 0xee, (uint8_t)(generation >> 24), (uint8_t)(generation >> 16),
			(uint8_t)(generation >> 8), (uint8_t)generation},
		6);
}

void world_own_address(const struct world *w, uint8_t *to)
{
	world_address(to, 1, 0, world_is_mag(w) ? 2 : 1);
}

void world_peer_address(const struct world *w, uint8_t *to, uint32_t tunnel)
{
	uint32_t last = !world_is_mag(w) || tunnel >= WORLD_ANCHORS ? 0x100 + tunnel : 1 + 2 * tunnel;

	world_address(to, 1, 0, (uint16_t)last);
}

static uint64_t id_of(uint16_t third, uint32_t fourth)
{
	uint8_t address[16];

	world_address(address, third, (uint16_t)fourth, 0);
	return endpoint_id_ipv6(address);
}

/* ---- versions ---- */

static bool is_live(const struct object *object)
{
	return object_now(object)->live;
}

/* False: no room at the door, nothing changed. */
static bool change(struct world *w, struct object *object, struct fwd_update *update, bool live)
{
	struct version *version = &object->versions[object->count % WORLD_VERSIONS];
	uint64_t seq = door_update_push(w->bed->door, update);

	if (seq == 0)
		return false;
	update->seq = seq;
	*version = (struct version){.update = *update, .generation = w->generation, .live = live};
	object->count++;
	w->updates++;
	return true;
}

unsigned world_live(const struct object *objects, unsigned count)
{
	unsigned live = 0;

	for (unsigned i = 0; i < count; i++)
		live += is_live(&objects[i]);
	return live;
}

/* The same again, as the removal of what it says. */
static bool take_out(struct world *w, struct object *object, enum fwd_op op)
{
	struct fwd_update update = object_now(object)->update;

	if (!is_live(object))
		return true;
	update.op = (uint8_t)op;
	return change(w, object, &update, false);
}

/* ---- tunnels ---- */

/* A live one; INDEX_NONE: none found. */
static uint32_t any_tunnel(struct world *w, bool anchor)
{
	bool mag = world_is_mag(w);

	for (unsigned tries = 0; tries < 16; tries++) {
		uint32_t tunnel = anchor && mag ? below(w, WORLD_ANCHORS)
				  : mag         ? WORLD_ANCHORS + below(w, WORLD_TUNNELS - WORLD_ANCHORS)
						: below(w, WORLD_TUNNELS);

		if (is_live(&w->tunnels[tunnel]))
			return tunnel;
	}
	return INDEX_NONE;
}

static void make_template(struct world *w, uint32_t index, const struct fwd_tunnel *tunnel)
{
	struct tunnel_template *template = &w->bed->door->descriptors[index];

	*template = (struct tunnel_template){.length = 54, .l3 = 14, .port = CORE};
	world_hop_mac(template->bytes, w->generation);
	memcpy(template->bytes + 6, "\2\0\0\0\0\20\x86\xdd\x60\0\0\0\0\0\x29\x40", 16);
	memcpy(template->bytes + 22, &tunnel->local, 16);
	memcpy(template->bytes + 38, &tunnel->remote, 16);
}

/* New, or with a new next hop. */
static bool put_tunnel(struct world *w, uint32_t index)
{
	struct door *door = w->bed->door;
	struct fwd_update update = {
		.op = is_live(&w->tunnels[index]) ? FWD_OP_tunnel_replace : FWD_OP_tunnel_insert, .index = index};
	struct fwd_tunnel *tunnel = &update.body.tunnel;
	bool pipe = one_in(w, 4);

	if (door_applied(door) < w->descriptor_after[index] || door_reclaimed(door) < w->free_after[index])
		return false;
	*tunnel = (struct fwd_tunnel){.descriptor = INDEX_NONE,
		.mtu_bytes = one_in(w, 4) ? (uint16_t)(1280 + below(w, 181)) : 1460,
		.hop_limit = 64,
		.dscp_mode = pipe ? DSCP_FIXED : DSCP_COPY,
		.dscp = pipe ? (uint8_t)below(w, 64) : 0,
		.use = !world_is_mag(w)        ? TUNNEL_TO_MAG
		       : index < WORLD_ANCHORS ? TUNNEL_TO_LMA
					       : TUNNEL_TO_PEER_MAG};
	world_own_address(w, tunnel->local.s6_addr);
	world_peer_address(w, tunnel->remote.s6_addr, index);
	w->generation++;
	if (!one_in(w, 8)) {
		tunnel->flags = TUNNEL_RESOLVED;
		tunnel->descriptor = index;
		make_template(w, index, tunnel);
	}
	if (!change(w, &w->tunnels[index], &update, true))
		return false;
	w->descriptor_after[index] = update.seq;
	return true;
}

static bool forward_names(const struct forward *forward, uint32_t tunnel)
{
	return forward->tunnel == tunnel || ((forward->flags & FORWARD_FORMER) != 0 && forward->former == tunnel);
}

static bool pair_names(const struct fwd_pair *pair, uint32_t tunnel)
{
	bool rx = (pair->forward.flags & FORWARD_PAIR_RX) != 0;

	return pair->forward.tunnel == tunnel || (rx && (pair->check.tunnel == tunnel || pair->check.former == tunnel));
}

static bool take_pairs_out(struct world *w, struct object *pairs, unsigned count, uint32_t tunnel)
{
	for (unsigned i = 0; i < count; i++) {
		if (!is_live(&pairs[i]) || !pair_names(&object_now(&pairs[i])->update.body.pair, tunnel))
			continue;
		if (world_is_mag(w) && pairs == w->pairs_rx && i < WORLD_SWITCHED &&
			(w->switches[i].used || w->switches[i].state != SWITCH_IDLE))
			return false;
		if (!take_out(w, &pairs[i], FWD_OP_pair_remove))
			return false;
	}
	return true;
}

/* With all that uses it first. */
static bool take_tunnel_out(struct world *w, uint32_t index)
{
	if (!is_live(&w->tunnels[index]))
		return true;
	for (unsigned i = 0; i < WORLD_NODES; i++) {
		const struct version *now = object_now(&w->endpoints[i]);

		if (now->live && forward_names(&now->update.body.endpoint.forward, index) &&
			!take_out(w, &w->endpoints[i], FWD_OP_endpoint_remove))
			return false;
	}
	if (!take_pairs_out(w, w->pairs_tx, WORLD_PAIRS + WORLD_LOCALS, index) ||
		!take_pairs_out(w, w->pairs_rx, WORLD_PAIRS, index) ||
		!take_out(w, &w->tunnels[index], FWD_OP_tunnel_remove))
		return false;
	w->free_after[index] = object_now(&w->tunnels[index])->update.seq;
	return true;
}

static void change_tunnel(struct world *w)
{
	uint32_t index = below(w, WORLD_TUNNELS);
	bool stays = world_is_mag(w) && index < WORLD_ANCHORS;

	if (!stays && one_in(w, 8))
		take_tunnel_out(w, index);
	else
		put_tunnel(w, index);
}

/* ---- nodes ---- */

static void fill_forward(struct world *w, struct forward *forward, uint32_t node)
{
	bool mag = world_is_mag(w);

	*forward = (struct forward){.action = mag ? FORWARD_LOCAL : FORWARD_TUNNEL,
		.link = mag ? (uint16_t)below(w, WORLD_LINKS) : LINK_NONE,
		.tunnel = any_tunnel(w, true),
		.node = node,
		.generation = ++w->generation};
	if (mag) {
		forward->flags = one_in(w, 4) ? FORWARD_LOCAL_ROUTING : 0;
		world_node_mac(forward->mac, node, (uint8_t)below(w, 2));
	} else {
		forward->flags = one_in(w, 16) ? FORWARD_BLOCKED : 0;
		forward->former = any_tunnel(w, true);
		if (forward->former != INDEX_NONE && one_in(w, 3))
			forward->flags |= FORWARD_FORMER;
	}
	if (one_in(w, 24)) {
		forward->action = FORWARD_DROP;
		forward->drop_reason = 0;
		forward->flags = 0;
	}
}

static bool put_endpoint(struct world *w, uint32_t node, const struct forward *forward)
{
	struct object *object = &w->endpoints[node];
	struct fwd_update update = {.op = is_live(object) ? FWD_OP_endpoint_replace : FWD_OP_endpoint_insert};

	update.body.endpoint = (struct fwd_endpoint){.id = id_of(0xaa, node), .forward = *forward};
	return change(w, object, &update, true);
}

static void change_endpoint(struct world *w)
{
	uint32_t first = world_is_mag(w) ? WORLD_SWITCHED : 0;
	uint32_t node = first + below(w, WORLD_NODES - first);
	struct forward forward;

	if (is_live(&w->endpoints[node]) && one_in(w, 8)) {
		take_out(w, &w->endpoints[node], FWD_OP_endpoint_remove);
		return;
	}
	fill_forward(w, &forward, node);
	if (forward.tunnel != INDEX_NONE)
		put_endpoint(w, node, &forward);
}

static void change_link(struct world *w)
{
	uint32_t i = below(w, WORLD_LINKED * WORLD_LINKS);
	struct fwd_update update = {.op = FWD_OP_link_insert, .index = i / WORLD_LINKS};

	if (!world_is_mag(w))
		return;
	if (is_live(&w->links[i]) && one_in(w, 3)) {
		take_out(w, &w->links[i], FWD_OP_link_remove);
		return;
	}
	update.body.link =
		(struct fwd_link){.link = (uint16_t)(i % WORLD_LINKS), .state = (uint8_t)below(w, LINK_STATE_COUNT)};
	world_node_mac(update.body.link.mac, i / WORLD_LINKS, 0);
	change(w, &w->links[i], &update, true);
}

/* ---- pairs ---- */

static bool put_pair(struct world *w, struct object *object, const struct fwd_pair *pair, uint32_t index)
{
	struct fwd_update update = {
		.op = is_live(object) ? FWD_OP_pair_replace : FWD_OP_pair_insert, .index = index, .body.pair = *pair};

	return change(w, object, &update, true);
}

static void change_pair_tx(struct world *w)
{
	uint32_t i = below(w, WORLD_PAIRS + WORLD_LOCALS);
	bool local = i >= WORLD_PAIRS;
	uint32_t node = local ? i - WORLD_PAIRS : i;
	const struct version *now = object_now(&w->endpoints[node]);
	struct fwd_pair pair = {.source = id_of(0xaa, node),
		.destination = local ? id_of(0xaa, node + 1) : id_of(0xbb, node),
		.forward = {.action = local ? FORWARD_LOCAL : FORWARD_TUNNEL,
			.flags = FORWARD_PAIR_TX,
			.link = LINK_NONE,
			.tunnel = local ? INDEX_NONE : any_tunnel(w, false),
			.node = node}};

	if (!world_is_mag(w))
		return;
	if (is_live(&w->pairs_tx[i]) && one_in(w, 4)) {
		take_out(w, &w->pairs_tx[i], FWD_OP_pair_remove);
		return;
	}
	if (!local && pair.forward.tunnel == INDEX_NONE)
		return;
	world_node_mac(pair.check.from.mac, node, (uint8_t)below(w, 2));
	pair.check.from.link = (uint16_t)below(w, WORLD_LINKS);
	if (now->live && !one_in(w, 4)) { /* from where the node is */
		pair.check.from.link = now->update.body.endpoint.forward.link;
		memcpy(pair.check.from.mac, now->update.body.endpoint.forward.mac, 6);
	}
	put_pair(w, &w->pairs_tx[i], &pair, i);
}

static void fill_pair_rx(struct world *w, struct fwd_pair *pair, uint32_t node)
{
	*pair = (struct fwd_pair){.source = id_of(0xbb, node),
		.destination = id_of(0xaa, node),
		.forward = {.action = FORWARD_LOCAL,
			.flags = FORWARD_PAIR_RX,
			.link = world_is_mag(w) ? (uint16_t)below(w, WORLD_LINKS) : LINK_NONE,
			.tunnel = INDEX_NONE,
			.node = node},
		.check = {.tunnel = any_tunnel(w, false), .former = INDEX_NONE}};
	if (world_is_mag(w))
		world_node_mac(pair->forward.mac, node, (uint8_t)below(w, 2));
}

static void change_pair_rx(struct world *w)
{
	uint32_t first = world_is_mag(w) ? WORLD_SWITCHED : 0;
	uint32_t i = first + below(w, WORLD_PAIRS - first);
	struct fwd_pair pair;

	if (is_live(&w->pairs_rx[i]) && one_in(w, 4)) {
		take_out(w, &w->pairs_rx[i], FWD_OP_pair_remove);
		return;
	}
	fill_pair_rx(w, &pair, i);
	if (pair.check.tunnel == INDEX_NONE)
		return;
	if (world_is_mag(w) && one_in(w, 4))
		pair.check.former = any_tunnel(w, false);
	if (world_is_mag(w) && one_in(w, 8)) { /* it has left */
		pair.forward.action = FORWARD_TUNNEL;
		pair.forward.flags |= FORWARD_PAIR_RETURN;
		pair.forward.tunnel = any_tunnel(w, true);
	}
	put_pair(w, &w->pairs_rx[i], &pair, i);
}

/* A node that attached somewhere, and whose pair is going to leave the anchor in order. */
static void arm_switch(struct world *w)
{
	uint32_t i = below(w, WORLD_SWITCHED);
	struct world_switch *s = &w->switches[i];
	struct fwd_pair pair;
	struct forward forward = {.action = FORWARD_LOCAL, .tunnel = any_tunnel(w, true), .node = i};

	if (!world_is_mag(w) || s->used || s->state != SWITCH_IDLE)
		return;
	fill_pair_rx(w, &pair, i);
	forward.link = pair.forward.link;
	memcpy(forward.mac, pair.forward.mac, sizeof(forward.mac));
	pair.forward.hold =
		(uint8_t)(s->hold % 255 + 1); /* the number that the entry has already would not start it again */
	if (pair.check.tunnel == INDEX_NONE || !put_endpoint(w, i, &forward) || !put_pair(w, &w->pairs_rx[i], &pair, i))
		return;
	s->hold = pair.forward.hold;
	s->state = SWITCH_ARMED;
	s->seq = object_now(&w->pairs_rx[i])->update.seq;
}

/* ---- routes ---- */

static bool put_neighbour(struct world *w, uint32_t index)
{
	struct fwd_update update = {.op = FWD_OP_neighbour_insert, .index = index};
	struct fwd_neighbour *neighbour = &update.body.neighbour;

	*neighbour = (struct fwd_neighbour){.port = (uint16_t)(OUTSIDE + below(w, 2)),
		.mtu_bytes = one_in(w, 4) ? (uint16_t)(1280 + below(w, 221)) : BED_MTU,
		.resolved = !one_in(w, 8)};
	neighbour->source_mac[0] = 2;
	neighbour->source_mac[5] = (uint8_t)(0x10 + neighbour->port);
	world_hop_mac(neighbour->mac, ++w->generation);
	world_address(neighbour->address.s6_addr, 4, 0, (uint16_t)index);
	return change(w, &w->neighbours[index], &update, true);
}

static void change_neighbour(struct world *w)
{
	put_neighbour(w, below(w, WORLD_NEIGHBOURS));
}

static void change_route(struct world *w)
{
	uint32_t i = below(w, WORLD_ROUTES);
	struct fwd_update update = {.op = FWD_OP_route_insert, .index = below(w, WORLD_NEIGHBOURS)};

	if (is_live(&w->routes[i]) && one_in(w, 4)) {
		take_out(w, &w->routes[i], FWD_OP_route_remove);
		return;
	}
	world_address(update.body.route.prefix.s6_addr, 5, (uint16_t)i, 0);
	update.body.route.length = 64;
	change(w, &w->routes[i], &update, true);
}

/* ---- all of it ---- */

void world_change_some(struct world *w)
{
	static void (*const changes[])(struct world *) = {change_endpoint, change_endpoint, change_endpoint,
		change_endpoint, change_link, change_pair_tx, change_pair_tx, change_pair_rx, change_pair_rx,
		change_tunnel, arm_switch, change_neighbour, change_route};
	unsigned some = 1 + below(w, 32);

	for (unsigned i = 0; i < some; i++)
		changes[below(w, RTE_DIM(changes))](w);
}

bool world_fill(struct world *w)
{
	bool done = true;

	for (uint32_t i = 0; i < WORLD_TUNNELS; i++)
		done &= is_live(&w->tunnels[i]) || put_tunnel(w, i);
	for (uint32_t i = 0; i < WORLD_NEIGHBOURS; i++)
		done &= is_live(&w->neighbours[i]) || put_neighbour(w, i);
	return done;
}

static bool take_all_out(struct world *w, struct object *objects, unsigned count, enum fwd_op op)
{
	for (unsigned i = 0; i < count; i++)
		if (!take_out(w, &objects[i], op))
			return false;
	return true;
}

bool world_empty(struct world *w)
{
	for (unsigned i = 0; i < WORLD_SWITCHED; i++)
		w->switches[i] = (struct world_switch){.hold = w->switches[i].hold};
	return take_all_out(w, w->pairs_tx, RTE_DIM(w->pairs_tx), FWD_OP_pair_remove) &&
	       take_all_out(w, w->pairs_rx, RTE_DIM(w->pairs_rx), FWD_OP_pair_remove) &&
	       take_all_out(w, w->endpoints, RTE_DIM(w->endpoints), FWD_OP_endpoint_remove) &&
	       take_all_out(w, w->links, RTE_DIM(w->links), FWD_OP_link_remove) &&
	       take_all_out(w, w->routes, RTE_DIM(w->routes), FWD_OP_route_remove) &&
	       take_all_out(w, w->neighbours, RTE_DIM(w->neighbours), FWD_OP_neighbour_remove) &&
	       take_all_out(w, w->tunnels, RTE_DIM(w->tunnels), FWD_OP_tunnel_remove);
}

static void start_objects(struct object *objects, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		objects[i].count = 1; /* not there, from the beginning on */
}

struct world *world_create(struct bed *bed, uint64_t seed)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->bed = bed;
	w->random = seed;
	pthread_mutex_init(&w->lock, NULL);
	start_objects(w->endpoints, RTE_DIM(w->endpoints));
	start_objects(w->links, RTE_DIM(w->links));
	start_objects(w->tunnels, RTE_DIM(w->tunnels));
	start_objects(w->pairs_tx, RTE_DIM(w->pairs_tx));
	start_objects(w->pairs_rx, RTE_DIM(w->pairs_rx));
	start_objects(w->neighbours, RTE_DIM(w->neighbours));
	start_objects(w->routes, RTE_DIM(w->routes));
	return w;
}

void world_destroy(struct world *w)
{
	pthread_mutex_destroy(&w->lock);
	free(w);
}
