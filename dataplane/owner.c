/* SPDX-License-Identifier: BSD-3-Clause */
#include "owner.h"

#include <errno.h>
#include <rte_cycles.h>
#include <rte_ring.h>
#include <rte_ring_elem.h>

#include "endpoint.h"

void owner_init(struct owner *owner, struct tables *tables, struct door *door, unsigned socket, unsigned worker)
{
	*owner = (struct owner){
		.tables = tables,
		.door = door,
		.socket = &door->socket[socket],
		.worker = worker,
	};
}

static int owner_nop(struct owner *owner, const struct fwd_update *update)
{
	reclaim_fence(&owner->tables->reclaim);
	return 0;
}

/* The template that the update names; NULL if it has none. -EINVAL: it is not in the slab. */
static int owner_template(
	const struct owner *owner, const struct fwd_tunnel *tunnel, const struct tunnel_template **template)
{
	*template = NULL;
	if ((tunnel->flags & TUNNEL_RESOLVED) == 0)
		return 0;
	if (tunnel->descriptor >= owner->door->config.descriptors)
		return -EINVAL;
	*template = &owner->door->descriptors[tunnel->descriptor];
	return 0;
}

static int owner_tunnel_insert(struct owner *owner, const struct fwd_update *update)
{
	const struct tunnel_template *template;
	int error = owner_template(owner, &update->body.tunnel, &template);

	return error == 0 ? tunnel_table_insert(owner->tables->tunnels, update->index, &update->body.tunnel, template)
			  : error;
}

static int owner_tunnel_replace(struct owner *owner, const struct fwd_update *update)
{
	const struct tunnel_template *template;
	int error = owner_template(owner, &update->body.tunnel, &template);

	return error == 0 ? tunnel_table_replace(owner->tables->tunnels, update->index, &update->body.tunnel, template)
			  : error;
}

static int owner_tunnel_remove(struct owner *owner, const struct fwd_update *update)
{
	return tunnel_table_remove(owner->tables->tunnels, update->index);
}

static int owner_check_forward(const struct owner *owner, const struct forward *forward)
{
	if (forward->action == FORWARD_NONE || forward->action >= FORWARD_ACTION_COUNT ||
		(forward->action == FORWARD_DROP && forward->drop_reason >= DROP_COUNT) ||
		(forward->action == FORWARD_TUNNEL && forward->tunnel == INDEX_NONE))
		return -EINVAL;
	if (forward->tunnel != INDEX_NONE && tunnel_table_lookup(owner->tables->tunnels, forward->tunnel) == NULL)
		return -ENOENT;
	if ((forward->flags & FORWARD_FORMER) != 0 &&
		tunnel_table_lookup(owner->tables->tunnels, forward->former) == NULL)
		return -ENOENT;
	return 0;
}

static uint32_t owner_former(const struct forward *forward)
{
	return (forward->flags & FORWARD_FORMER) != 0 ? forward->former : INDEX_NONE;
}

/* An endpoint starts to use tunnel @to and ends to use @from; either may be INDEX_NONE. */
static void owner_change_tunnel(struct owner *owner, uint32_t from, uint32_t to)
{
	if (to != INDEX_NONE)
		tunnel_table_hold(owner->tables->tunnels, to);
	if (from != INDEX_NONE)
		tunnel_table_release(owner->tables->tunnels, from);
}

static int owner_endpoint_insert(struct owner *owner, const struct fwd_update *update)
{
	const struct fwd_endpoint *endpoint = &update->body.endpoint;
	int error = owner_check_forward(owner, &endpoint->forward);

	if (error == 0)
		error = endpoint_table_insert(owner->tables->endpoints, endpoint->id, &endpoint->forward);
	if (error != 0)
		return error;
	owner_change_tunnel(owner, INDEX_NONE, endpoint->forward.tunnel);
	owner_change_tunnel(owner, INDEX_NONE, owner_former(&endpoint->forward));
	return 0;
}

static int owner_endpoint_replace(struct owner *owner, const struct fwd_update *update)
{
	const struct fwd_endpoint *endpoint = &update->body.endpoint;
	const struct forward before = *endpoint_table_lookup(owner->tables->endpoints, endpoint->id);
	int error = owner_check_forward(owner, &endpoint->forward);

	if (error == 0)
		error = endpoint_table_replace(owner->tables->endpoints, endpoint->id, &endpoint->forward);
	if (error != 0)
		return error;
	owner_change_tunnel(owner, before.tunnel, endpoint->forward.tunnel);
	owner_change_tunnel(owner, owner_former(&before), owner_former(&endpoint->forward));
	return 0;
}

static int owner_endpoint_remove(struct owner *owner, const struct fwd_update *update)
{
	uint64_t id = update->body.endpoint.id;
	const struct forward before = *endpoint_table_lookup(owner->tables->endpoints, id);
	int error = endpoint_table_remove(owner->tables->endpoints, id);

	if (error != 0)
		return error;
	owner_change_tunnel(owner, before.tunnel, INDEX_NONE);
	owner_change_tunnel(owner, owner_former(&before), INDEX_NONE);
	return 0;
}

static int owner_link_insert(struct owner *owner, const struct fwd_update *update)
{
	const struct fwd_link *link = &update->body.link;

	if (owner->tables->links == NULL || link->state >= LINK_STATE_COUNT || link->link >= LINKS_MAX)
		return -EINVAL;
	return link_table_insert(owner->tables->links, link_key(link->link, link->mac), update->index, link->state);
}

static int owner_link_remove(struct owner *owner, const struct fwd_update *update)
{
	const struct fwd_link *link = &update->body.link;

	if (owner->tables->links == NULL)
		return -EINVAL;
	return link_table_remove(owner->tables->links, link_key(link->link, link->mac));
}

static int owner_neighbour_insert(struct owner *owner, const struct fwd_update *update)
{
	return neighbour_table_insert(owner->tables->neighbours, update->index, &update->body.neighbour);
}

static int owner_neighbour_remove(struct owner *owner, const struct fwd_update *update)
{
	return neighbour_table_remove(owner->tables->neighbours, update->index);
}

/* A route starts to use next hop @to and ends to use @from. */
static void owner_change_neighbour(struct owner *owner, uint32_t from, uint32_t to)
{
	if (to != ROUTE_NONE && !route_is_local(to))
		neighbour_table_hold(owner->tables->neighbours, to);
	if (from != ROUTE_NONE && !route_is_local(from))
		neighbour_table_release(owner->tables->neighbours, from);
}

static int owner_route_insert(struct owner *owner, const struct fwd_update *update)
{
	const struct fwd_route *route = &update->body.route;
	uint32_t next_hop = route->local != 0 ? ROUTE_LOCAL | route->port : update->index, old;
	int error;

	if (route->local > 1 || (route->local != 0 && route->port >= PORTS_MAX))
		return -EINVAL;
	if (route->local == 0 && neighbour_table_lookup(owner->tables->neighbours, next_hop) == NULL)
		return -ENOENT;
	error = route_table_insert(owner->tables->routes, &route->prefix, route->length, next_hop, &old);
	if (error == 0)
		owner_change_neighbour(owner, old, next_hop);
	return error;
}

static int owner_route_remove(struct owner *owner, const struct fwd_update *update)
{
	const struct fwd_route *route = &update->body.route;
	uint32_t old;
	int error = route_table_remove(owner->tables->routes, &route->prefix, route->length, &old);

	if (error == 0)
		owner_change_neighbour(owner, old, ROUTE_NONE);
	return error;
}

static int owner_probe_endpoint(struct owner *owner, const struct fwd_update *update)
{
	uint64_t id = update->body.endpoint.id;
	const struct forward *forward = endpoint_table_lookup(owner->tables->endpoints, id);
	struct door_event event = {
		.type = EVENT_probe_answer,
		.worker = (uint8_t)owner->worker,
		.link = forward->link,
		.port = PORT_NONE,
		.value = forward->action != FORWARD_NONE ? 0 : ENOENT,
		.endpoint = id,
		.forward = *forward,
		.tsc = rte_rdtsc(),
	};

	if (rte_ring_enqueue_elem(owner->door->worker[owner->worker].event, &event, sizeof(event)) != 0)
		return -ENOBUFS;
	door_control_wake(owner->door);
	return 0;
}

/* The tunnels that a pair names: for the forward, to come from, to have come from. */
struct pair_tunnels {
	uint32_t tunnels[3]; /* INDEX_NONE: none */
};

static struct pair_tunnels owner_pair_tunnels(const struct forward *forward, uint32_t tunnel, uint32_t former)
{
	bool rx = pair_half_of(forward->flags) == PAIR_RX;

	return (struct pair_tunnels){{forward->tunnel, rx ? tunnel : INDEX_NONE, rx ? former : INDEX_NONE}};
}

static void owner_hold_tunnels(struct owner *owner, struct pair_tunnels pair)
{
	for (unsigned i = 0; i < RTE_DIM(pair.tunnels); i++)
		owner_change_tunnel(owner, INDEX_NONE, pair.tunnels[i]);
}

static void owner_release_tunnels(struct owner *owner, struct pair_tunnels pair)
{
	for (unsigned i = 0; i < RTE_DIM(pair.tunnels); i++)
		owner_change_tunnel(owner, pair.tunnels[i], INDEX_NONE);
}

/* 0, -ENOENT: no such tunnel, -EINVAL: it is for something else. */
static int owner_check_use(const struct owner *owner, uint32_t index, enum tunnel_use use)
{
	const struct tunnel *tunnel = tunnel_table_lookup(owner->tables->tunnels, index);

	if (tunnel == NULL)
		return -ENOENT;
	return tunnel->use == use ? 0 : -EINVAL;
}

/* An LMA takes what its MAGs return; a MAG has no tunnels to MAGs but direct ones. */
static int owner_check_source(const struct owner *owner, uint32_t index)
{
	int error = owner_check_use(owner, index, TUNNEL_TO_PEER_MAG);

	return error == -EINVAL ? owner_check_use(owner, index, TUNNEL_TO_MAG) : error;
}

/* Where its packets go: by the tunnel that is there for such packets, or to a node here. */
static int owner_check_pair_forward(const struct owner *owner, const struct forward *forward)
{
	bool back = (forward->flags & FORWARD_PAIR_RETURN) != 0;

	if (forward->action == FORWARD_TUNNEL && (back || pair_half_of(forward->flags) == PAIR_TX))
		return owner_check_use(owner, forward->tunnel, back ? TUNNEL_TO_LMA : TUNNEL_TO_PEER_MAG);
	return forward->action == FORWARD_LOCAL && !back && forward->tunnel == INDEX_NONE ? 0 : -EINVAL;
}

static int owner_check_pair(const struct owner *owner, const struct fwd_pair *pair)
{
	enum pair_half half = pair_half_of(pair->forward.flags);
	int error;

	if (owner->tables->pairs == NULL)
		return -EOPNOTSUPP;
	if (half == PAIR_HALVES)
		return -EINVAL;
	error = owner_check_pair_forward(owner, &pair->forward);
	if (error != 0)
		return error;
	if (half == PAIR_TX)
		return pair->check.from.link < LINKS_MAX ? 0 : -EINVAL;
	error = owner_check_source(owner, pair->check.tunnel);
	if (error == 0 && pair->check.former != INDEX_NONE)
		error = owner_check_use(owner, pair->check.former, TUNNEL_TO_PEER_MAG);
	return error;
}

/* The entry that @update replaces or removes: 0, or -ENOENT: there is none, or it is that of another pair. */
static int owner_pair_before(const struct owner *owner, const struct fwd_update *update, struct pair_tunnels *before)
{
	const struct fwd_pair *pair = &update->body.pair;
	enum pair_half half = pair_half_of(pair->forward.flags);
	const struct pair_entry *entry;

	if (half == PAIR_HALVES)
		return -EINVAL;
	entry = pair_table_lookup(owner->tables->pairs, pair_key(half, pair->source, pair->destination));
	if (entry == NULL || entry->index != update->index)
		return -ENOENT;
	*before = owner_pair_tunnels(&entry->forward, entry->check.tunnel, entry->check.former);
	return 0;
}

static int owner_pair_insert(struct owner *owner, const struct fwd_update *update)
{
	const struct fwd_pair *pair = &update->body.pair;
	int error = owner_check_pair(owner, pair);

	if (error == 0)
		error = pair_table_insert(owner->tables->pairs, pair, update->index);
	if (error == 0)
		owner_hold_tunnels(owner, owner_pair_tunnels(&pair->forward, pair->check.tunnel, pair->check.former));
	return error;
}

static int owner_pair_replace(struct owner *owner, const struct fwd_update *update)
{
	const struct fwd_pair *pair = &update->body.pair;
	struct pair_tunnels before;
	int error = owner_check_pair(owner, pair);

	if (error == 0)
		error = owner_pair_before(owner, update, &before);
	if (error == 0)
		error = pair_table_replace(owner->tables->pairs, pair, update->index);
	if (error != 0)
		return error;
	owner_hold_tunnels(owner, owner_pair_tunnels(&pair->forward, pair->check.tunnel, pair->check.former));
	owner_release_tunnels(owner, before);
	return 0;
}

static int owner_pair_remove(struct owner *owner, const struct fwd_update *update)
{
	const struct fwd_pair *pair = &update->body.pair;
	struct pair_tunnels before;
	int error;

	if (owner->tables->pairs == NULL)
		return -EOPNOTSUPP;
	error = owner_pair_before(owner, update, &before);
	if (error == 0)
		error = pair_table_remove(owner->tables->pairs, pair);
	if (error == 0)
		owner_release_tunnels(owner, before);
	return error;
}

static int (*const owner_ops[FWD_OP_COUNT])(struct owner *, const struct fwd_update *) = {
#define OWNER_OP(name, help) [FWD_OP_##name] = owner_##name,
	FWD_OPS(OWNER_OP)
#undef OWNER_OP
};

int owner_apply_one(struct owner *owner, const struct fwd_update *update)
{
	return update->op < FWD_OP_COUNT ? owner_ops[update->op](owner, update) : -EINVAL;
}

static bool owner_op_is_endpoint(uint8_t op)
{
	return op == FWD_OP_endpoint_insert || op == FWD_OP_endpoint_replace || op == FWD_OP_endpoint_remove;
}

static bool owner_op_is_link(uint8_t op)
{
	return op == FWD_OP_link_insert || op == FWD_OP_link_remove;
}

static bool owner_op_is_pair(uint8_t op)
{
	return op == FWD_OP_pair_insert || op == FWD_OP_pair_replace || op == FWD_OP_pair_remove;
}

/* The large tables are cold: have what the batch will touch on its way before the first update is applied. */
static void owner_prefetch(const struct owner *owner)
{
	const struct tables *tables = owner->tables;

	for (unsigned i = 0; i < owner->count; i++) {
		const struct fwd_update *update = &owner->batch[i];
		const struct fwd_link *link = &update->body.link;

		if (owner_op_is_endpoint(update->op))
			endpoint_table_prefetch(tables->endpoints, update->body.endpoint.id);
		else if (owner_op_is_link(update->op) && tables->links != NULL)
			link_table_prefetch(tables->links, link_key(link->link, link->mac));
		else if (owner_op_is_pair(update->op) && tables->pairs != NULL)
			pair_table_prefetch(tables->pairs, &update->body.pair);
	}
	for (unsigned i = 0; i < owner->count; i++) {
		const struct fwd_update *update = &owner->batch[i];
		const struct fwd_link *link = &update->body.link;

		if (owner_op_is_endpoint(update->op))
			endpoint_table_prefetch_entry(tables->endpoints, update->body.endpoint.id);
		else if (owner_op_is_link(update->op) && tables->links != NULL)
			link_table_prefetch_entry(tables->links, link_key(link->link, link->mac));
		else if (owner_op_is_pair(update->op) && tables->pairs != NULL)
			pair_table_prefetch_entry(tables->pairs, &update->body.pair);
	}
}

static bool owner_fetch(struct owner *owner)
{
	if (owner->at < owner->count)
		return true;
	owner->at = 0;
	owner->count = rte_ring_dequeue_burst_elem(
		owner->socket->update, owner->batch, sizeof(owner->batch[0]), OWNER_BATCH, NULL);
	owner_prefetch(owner);
	return owner->count != 0;
}

static void owner_report(struct owner *owner, const struct fwd_update *update, int error)
{
	struct door_failure failure = {update->seq, error, update->op};

	/* Cannot fail: the owner is the only producer, and saw room before it applied the update. */
	(void)rte_ring_enqueue_elem(owner->socket->failure, &failure, sizeof(failure));
}

/* Room for the failure of one more update. The ring is only asked when what was seen is used up: its lines are cold. */
static bool owner_has_room(struct owner *owner)
{
	if (owner->room == 0)
		owner->room = rte_ring_free_count(owner->socket->failure);
	return owner->room != 0;
}

unsigned owner_apply(struct owner *owner, unsigned budget)
{
	unsigned applied = 0;

	while (applied < budget && owner_has_room(owner) && owner_fetch(owner)) {
		const struct fwd_update *update = &owner->batch[owner->at];
		int error = owner_apply_one(owner, update);

		if (error == -EAGAIN)
			break;
		if (error != 0) {
			owner_report(owner, update, error);
			owner->room--;
		}
		owner->applied_seq = update->seq;
		owner->at++;
		applied++;
	}
	if (applied != 0) {
		atomic_store_explicit(&owner->socket->applied_seq, owner->applied_seq, memory_order_release);
		counter_add(&owner->door->worker[owner->worker].stats->updates, applied);
		door_control_wake(owner->door);
	}
	reclaim_seal(&owner->tables->reclaim, owner->applied_seq);
	atomic_store_explicit(
		&owner->socket->reclaimed_seq, reclaim_poll(&owner->tables->reclaim), memory_order_release);
	return applied;
}

bool owner_has_work(const struct owner *owner)
{
	return owner->at < owner->count || rte_ring_empty(owner->socket->update) == 0 ||
	       reclaim_waiting(&owner->tables->reclaim) != 0;
}
