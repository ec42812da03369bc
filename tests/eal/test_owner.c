/* SPDX-License-Identifier: BSD-3-Clause */
#include "eal.h"

#include <errno.h>
#include <string.h>
#include <rte_ring.h>
#include <rte_ring_elem.h>

#include "owner.h"

#define RING   64 /* one less can be used */
#define BUDGET 1000

static struct door *door;
static struct tables *tables;
static struct owner owner;

static void create(uint32_t links_max)
{
	const struct door_config door_config = {
		.workers = 2,
		.sockets = 1,
		.numa_node = {-1},
		.update_ring_size = RING,
		.mbuf_ring_size = 8,
		.event_ring_size = 4,
		.descriptors = 4,
	};
	const struct tables_config tables_config = {
		.endpoints_max = 40,
		.links_max = links_max,
		.pairs_max = links_max,
		.tunnels_max = 8,
		.neighbours_max = 8,
		.routes_max = 8,
		.readers_max = 2,
		.seed = 3,
	};
	char error[128];

	door = door_create(&door_config, error, sizeof(error));
	assert_non_null(door);
	assert_int_equal(tables_create(&tables_config, &memory_libc, &tables), 0);
	owner_init(&owner, tables, door, 0, 1);
}

static int set_up(void **state)
{
	create(8);
	return 0;
}

static int tear_down(void **state)
{
	tables_destroy(tables);
	door_destroy(door);
	return 0;
}

static uint64_t push(struct fwd_update update)
{
	uint64_t seq = door_update_push(door, &update);

	assert_int_not_equal(seq, 0);
	return seq;
}

/* Push, apply, and what came back: 0 or the errno of the failure, which is that of this update alone. */
static int apply(struct fwd_update update)
{
	uint64_t seq = push(update);
	struct door_failure failure[2];
	unsigned failures;

	assert_int_equal(owner_apply(&owner, BUDGET), 1);
	assert_int_equal(door_applied(door), seq);
	failures = door_failure_poll(door, failure, 2);
	if (failures == 0)
		return 0;
	assert_int_equal(failures, 1);
	assert_int_equal(failure[0].seq, seq);
	assert_int_equal(failure[0].op, update.op);
	return failure[0].error;
}

static struct in6_addr address(uint8_t net, uint8_t i)
{
	return (struct in6_addr){.s6_addr = {0x20, 0x01, 0x0d, 0xb8, net, [15] = i}};
}

static uint64_t id_of(uint32_t i)
{
	return UINT64_C(0x20010db800000000) + i;
}

static struct fwd_update nop(void)
{
	return (struct fwd_update){.op = FWD_OP_nop};
}

static struct fwd_update tunnel_update(enum fwd_op op, uint32_t index, uint8_t remote)
{
	return (struct fwd_update){
		.op = (uint8_t)op,
		.index = index,
		.body.tunnel = {.local = address(1, 1),
			.remote = address(2, remote),
			.descriptor = INDEX_NONE,
			.mtu_bytes = 1460,
			.use = TUNNEL_TO_MAG,
			.hop_limit = 64},
	};
}

static struct fwd_update endpoint_update(enum fwd_op op, uint32_t i, uint32_t tunnel)
{
	return (struct fwd_update){
		.op = (uint8_t)op,
		.body.endpoint = {id_of(i), {.action = tunnel != INDEX_NONE ? FORWARD_TUNNEL : FORWARD_LOCAL,
						    .tunnel = tunnel,
						    .node = i,
						    .link = LINK_NONE}},
	};
}

static struct fwd_update link_update(enum fwd_op op, uint8_t mac, uint32_t node, uint8_t link_state)
{
	return (struct fwd_update){
		.op = (uint8_t)op, .index = node, .body.link = {3, {2, 0, 0, 0, 0, mac}, link_state}};
}

static struct fwd_update neighbour_update(enum fwd_op op, uint32_t index)
{
	return (struct fwd_update){
		.op = (uint8_t)op, .index = index, .body.neighbour = {.port = 1, .mtu_bytes = 1500, .resolved = 1}};
}

static struct fwd_update route_update(enum fwd_op op, uint8_t net, uint32_t neighbour)
{
	return (struct fwd_update){.op = (uint8_t)op, .index = neighbour, .body.route = {address(net, 0), 64, 0, 0}};
}

static void applied_number_is_written_after_the_updates_took_effect(void **state)
{
	uint64_t first = push(tunnel_update(FWD_OP_tunnel_insert, 2, 1)), last;

	for (uint32_t i = 0; i < 40; i++)
		push(endpoint_update(FWD_OP_endpoint_insert, i, 2));
	last = push(nop());
	assert_int_equal(first, 1);
	assert_int_equal(door_applied(door), 0);
	assert_true(owner_has_work(&owner));
	assert_int_equal(owner_apply(&owner, 5), 5);
	assert_int_equal(door_applied(door), 5);
	assert_int_equal(endpoint_table_count(tables->endpoints), 4);
	assert_true(owner_has_work(&owner));
	assert_int_equal(owner_apply(&owner, BUDGET), last - 5);
	assert_int_equal(door_applied(door), last);
	assert_int_equal(endpoint_table_count(tables->endpoints), 40);
	assert_int_equal(door->worker[1].stats->updates, last);
	assert_false(owner_has_work(&owner));
	assert_int_equal(owner_apply(&owner, BUDGET), 0);
}

static void every_op_does_what_it_says(void **state)
{
	const uint8_t mac[6] = {2, 0, 0, 0, 0, 9};
	struct in6_addr destination = address(7, 77);

	assert_int_equal(apply(nop()), 0);
	assert_int_equal(apply(tunnel_update(FWD_OP_tunnel_insert, 1, 1)), 0);
	assert_int_equal(apply(tunnel_update(FWD_OP_tunnel_insert, 2, 2)), 0);
	assert_int_equal(apply(endpoint_update(FWD_OP_endpoint_insert, 5, 1)), 0);
	assert_int_equal(endpoint_table_lookup(tables->endpoints, id_of(5))->tunnel, 1);
	assert_int_equal(apply(endpoint_update(FWD_OP_endpoint_replace, 5, 2)), 0);
	assert_int_equal(endpoint_table_lookup(tables->endpoints, id_of(5))->tunnel, 2);
	assert_int_equal(apply(endpoint_update(FWD_OP_endpoint_remove, 5, 0)), 0);
	assert_int_equal(endpoint_table_lookup(tables->endpoints, id_of(5))->action, FORWARD_NONE);
	assert_int_equal(apply(link_update(FWD_OP_link_insert, 9, 5, LINK_PENDING)), 0);
	assert_int_equal(apply(link_update(FWD_OP_link_insert, 9, 5, LINK_KNOWN)), 0);
	assert_int_equal(link_table_lookup(tables->links, link_key(3, mac))->state, LINK_KNOWN);
	assert_int_equal(link_table_lookup(tables->links, link_key(3, mac))->node, 5);
	assert_int_equal(apply(link_update(FWD_OP_link_remove, 9, 0, 0)), 0);
	assert_null(link_table_lookup(tables->links, link_key(3, mac)));
	assert_int_equal(apply(neighbour_update(FWD_OP_neighbour_insert, 4)), 0);
	assert_int_equal(apply(route_update(FWD_OP_route_insert, 7, 4)), 0);
	assert_int_equal(route_table_lookup(tables->routes, &destination), 4);
	assert_int_equal(apply(route_update(FWD_OP_route_remove, 7, 0)), 0);
	assert_int_equal(route_table_lookup(tables->routes, &destination), ROUTE_NONE);
	assert_int_equal(apply(neighbour_update(FWD_OP_neighbour_remove, 4)), 0);
	assert_int_equal(apply(tunnel_update(FWD_OP_tunnel_remove, 1, 0)), 0);
	assert_int_equal(apply(tunnel_update(FWD_OP_tunnel_remove, 2, 0)), 0);
}

static void refused_update_changes_nothing(void **state)
{
	struct fwd_update update;

	assert_int_equal(apply(tunnel_update(FWD_OP_tunnel_replace, 1, 1)), -ENOENT);
	assert_int_equal(apply(tunnel_update(FWD_OP_tunnel_remove, 1, 1)), -ENOENT);
	assert_int_equal(apply(tunnel_update(FWD_OP_tunnel_insert, 8, 1)), -ENOSPC);
	assert_int_equal(apply(endpoint_update(FWD_OP_endpoint_insert, 1, 1)), -ENOENT);
	assert_int_equal(apply(tunnel_update(FWD_OP_tunnel_insert, 1, 1)), 0);
	assert_int_equal(apply(tunnel_update(FWD_OP_tunnel_insert, 1, 2)), -EEXIST);
	assert_int_equal(apply(tunnel_update(FWD_OP_tunnel_insert, 2, 1)), -EEXIST);
	assert_int_equal(apply(endpoint_update(FWD_OP_endpoint_replace, 1, 1)), -ENOENT);
	assert_int_equal(apply(endpoint_update(FWD_OP_endpoint_remove, 1, 1)), -ENOENT);
	assert_int_equal(apply(endpoint_update(FWD_OP_endpoint_insert, 1, 1)), 0);
	assert_int_equal(apply(endpoint_update(FWD_OP_endpoint_insert, 1, 1)), -EEXIST);
	assert_int_equal(apply(endpoint_update(FWD_OP_endpoint_replace, 1, 2)), -ENOENT);
	assert_int_equal(endpoint_table_lookup(tables->endpoints, id_of(1))->tunnel, 1);
	assert_int_equal(tunnel_table_users(tables->tunnels, 1), 1);
	assert_int_equal(apply(link_update(FWD_OP_link_remove, 1, 0, 0)), -ENOENT);
	assert_int_equal(apply(neighbour_update(FWD_OP_neighbour_remove, 1)), -ENOENT);
	assert_int_equal(apply(neighbour_update(FWD_OP_neighbour_insert, 8)), -ENOSPC);
	assert_int_equal(apply(route_update(FWD_OP_route_insert, 1, 1)), -ENOENT);
	assert_int_equal(apply(route_update(FWD_OP_route_remove, 1, 1)), -ENOENT);

	assert_int_equal(apply((struct fwd_update){.op = FWD_OP_COUNT}), -EINVAL);
	update = endpoint_update(FWD_OP_endpoint_insert, 2, 1);
	update.body.endpoint.id = 0;
	assert_int_equal(apply(update), -EINVAL);
	update = endpoint_update(FWD_OP_endpoint_insert, 2, 1);
	update.body.endpoint.forward.action = FORWARD_NONE;
	assert_int_equal(apply(update), -EINVAL);
	update.body.endpoint.forward.action = FORWARD_ACTION_COUNT;
	assert_int_equal(apply(update), -EINVAL);
	update.body.endpoint.forward.action = FORWARD_TUNNEL;
	update.body.endpoint.forward.tunnel = INDEX_NONE;
	assert_int_equal(apply(update), -EINVAL);
	update.body.endpoint.forward.action = FORWARD_DROP;
	update.body.endpoint.forward.drop_reason = DROP_COUNT;
	assert_int_equal(apply(update), -EINVAL);
	assert_int_equal(apply(link_update(FWD_OP_link_insert, 1, 1, LINK_STATE_COUNT)), -EINVAL);
	update = link_update(FWD_OP_link_insert, 1, 1, LINK_KNOWN);
	update.body.link.link = LINK_NONE;
	assert_int_equal(apply(update), -EINVAL);
	update = route_update(FWD_OP_route_insert, 1, 1);
	update.body.route.local = 1;
	update.body.route.port = PORT_NONE;
	assert_int_equal(apply(update), -EINVAL);
	update = tunnel_update(FWD_OP_tunnel_insert, 3, 3);
	update.body.tunnel.flags = TUNNEL_RESOLVED; /* without a template */
	assert_int_equal(apply(update), -EINVAL);
	assert_int_equal(endpoint_table_count(tables->endpoints), 1);
	assert_int_equal(tunnel_table_count(tables->tunnels), 1);
	assert_int_equal(link_table_count(tables->links), 0);
	assert_int_equal(route_table_count(tables->routes), 0);
}

static void full_table_refuses_and_keeps_what_is_in(void **state)
{
	for (uint32_t i = 0; i < 40; i++)
		assert_int_equal(apply(endpoint_update(FWD_OP_endpoint_insert, i, INDEX_NONE)), 0);
	assert_int_equal(apply(endpoint_update(FWD_OP_endpoint_insert, 40, INDEX_NONE)), -ENOSPC);
	for (uint32_t i = 0; i < 40; i++)
		assert_int_equal(endpoint_table_lookup(tables->endpoints, id_of(i))->node, i);
}

static void tunnel_stays_until_its_last_endpoint_is_gone(void **state)
{
	assert_int_equal(apply(tunnel_update(FWD_OP_tunnel_insert, 1, 1)), 0);
	assert_int_equal(apply(tunnel_update(FWD_OP_tunnel_insert, 2, 2)), 0);
	assert_int_equal(apply(endpoint_update(FWD_OP_endpoint_insert, 1, 1)), 0);
	assert_int_equal(apply(endpoint_update(FWD_OP_endpoint_insert, 2, 1)), 0);
	assert_int_equal(apply(tunnel_update(FWD_OP_tunnel_remove, 1, 0)), -EBUSY);
	assert_int_equal(apply(endpoint_update(FWD_OP_endpoint_replace, 1, 2)), 0);
	assert_int_equal(apply(tunnel_update(FWD_OP_tunnel_remove, 1, 0)), -EBUSY);
	assert_int_equal(apply(endpoint_update(FWD_OP_endpoint_replace, 2, 1)), 0); /* the same again */
	assert_int_equal(apply(endpoint_update(FWD_OP_endpoint_remove, 2, 0)), 0);
	assert_int_equal(apply(tunnel_update(FWD_OP_tunnel_remove, 1, 0)), 0);
	assert_int_equal(apply(tunnel_update(FWD_OP_tunnel_remove, 2, 0)), -EBUSY);
	assert_int_equal(apply(endpoint_update(FWD_OP_endpoint_remove, 1, 0)), 0);
	assert_int_equal(apply(tunnel_update(FWD_OP_tunnel_remove, 2, 0)), 0);
}

static void neighbour_stays_until_its_last_route_is_gone(void **state)
{
	struct fwd_update local = route_update(FWD_OP_route_insert, 1, 0);

	assert_int_equal(apply(neighbour_update(FWD_OP_neighbour_insert, 1)), 0);
	assert_int_equal(apply(neighbour_update(FWD_OP_neighbour_insert, 2)), 0);
	assert_int_equal(apply(route_update(FWD_OP_route_insert, 1, 1)), 0);
	assert_int_equal(apply(route_update(FWD_OP_route_insert, 1, 2)), 0);
	assert_int_equal(apply(neighbour_update(FWD_OP_neighbour_remove, 1)), 0);
	assert_int_equal(apply(neighbour_update(FWD_OP_neighbour_remove, 2)), -EBUSY);
	local.body.route.local = 1;
	assert_int_equal(apply(local), 0);
	assert_int_equal(apply(neighbour_update(FWD_OP_neighbour_remove, 2)), 0);
	assert_int_equal(apply(route_update(FWD_OP_route_remove, 1, 0)), 0);
}

/* The control core may use the slot of the slab for another tunnel as soon as the update is applied. */
static void template_is_copied_when_it_is_applied(void **state)
{
	struct fwd_update update = tunnel_update(FWD_OP_tunnel_insert, 1, 1);
	struct tunnel_template *template = &door->descriptors[3];

	update.body.tunnel.flags = TUNNEL_RESOLVED;
	update.body.tunnel.descriptor = 3;
	*template = (struct tunnel_template){.length = 54, .l3 = 14, .port = 2};
	template->bytes[14] = 0x60;
	memcpy(&template->bytes[22], &update.body.tunnel.local, 16);
	memcpy(&template->bytes[38], &update.body.tunnel.remote, 16);
	assert_int_equal(apply(update), 0);
	memset(template, 0xee, sizeof(*template));
	assert_int_equal(tunnel_table_lookup(tables->tunnels, 1)->port, 2);
	assert_memory_equal(&tunnel_table_lookup(tables->tunnels, 1)->header[58 - 16], &update.body.tunnel.remote, 16);
	update = tunnel_update(FWD_OP_tunnel_replace, 1, 1);
	update.body.tunnel.flags = TUNNEL_RESOLVED;
	update.body.tunnel.descriptor = 4; /* one behind the slab */
	assert_int_equal(apply(update), -EINVAL);
	update.body.tunnel.descriptor = 3; /* not this tunnel's */
	assert_int_equal(apply(update), -EINVAL);
	assert_int_equal(tunnel_table_lookup(tables->tunnels, 1)->port, 2);
}

static void full_failure_ring_stops_the_owner_and_loses_nothing(void **state)
{
	enum { UPDATES = 150 };
	uint64_t pushed = 0, seen = 0;
	struct door_failure failures[10];

	for (unsigned round = 0; seen < UPDATES; round++) {
		unsigned n;

		assert_true(round < 100);
		while (pushed < UPDATES && door_update_room(door) != 0)
			pushed = push(endpoint_update(FWD_OP_endpoint_remove, 1, 0));
		owner_apply(&owner, BUDGET);
		assert_true(door_applied(door) - seen <= RING - 1);
		n = door_failure_poll(door, failures, 10);
		for (unsigned i = 0; i < n; i++) {
			assert_int_equal(failures[i].seq, ++seen);
			assert_int_equal(failures[i].error, -ENOENT);
		}
	}
	assert_int_equal(door_applied(door), UPDATES);
	assert_false(owner_has_work(&owner));
}

static void removal_is_reclaimed_when_every_reader_was_quiescent(void **state)
{
	uint64_t removed;

	for (unsigned reader = 0; reader < 2; reader++) {
		assert_int_equal(reclaim_reader_register(&tables->reclaim, reader), 0);
		reclaim_reader_online(&tables->reclaim, reader);
	}
	assert_int_equal(apply(endpoint_update(FWD_OP_endpoint_insert, 1, INDEX_NONE)), 0);
	assert_int_equal(door_reclaimed(door), door_applied(door));
	assert_int_equal(apply(endpoint_update(FWD_OP_endpoint_remove, 1, 0)), 0);
	removed = door_applied(door);
	assert_int_equal(apply(nop()), 0);
	assert_int_equal(door_reclaimed(door), removed - 1);
	assert_true(owner_has_work(&owner));
	reclaim_reader_quiescent(&tables->reclaim, 0);
	owner_apply(&owner, BUDGET);
	assert_int_equal(door_reclaimed(door), removed - 1);
	reclaim_reader_quiescent(&tables->reclaim, 1);
	owner_apply(&owner, BUDGET);
	assert_int_equal(door_reclaimed(door), removed + 1);
	assert_false(owner_has_work(&owner));
}

/* The fence of a switch-over: every worker has come round since, though nothing was removed. */
static void nop_is_reclaimed_when_every_reader_was_quiescent(void **state)
{
	uint64_t fence;

	for (unsigned reader = 0; reader < 2; reader++) {
		assert_int_equal(reclaim_reader_register(&tables->reclaim, reader), 0);
		reclaim_reader_online(&tables->reclaim, reader);
	}
	assert_int_equal(apply(endpoint_update(FWD_OP_endpoint_insert, 1, INDEX_NONE)), 0);
	assert_int_equal(apply(nop()), 0);
	fence = door_applied(door);
	assert_int_equal(door_reclaimed(door), fence - 1);
	assert_int_equal(apply(endpoint_update(FWD_OP_endpoint_insert, 2, INDEX_NONE)), 0);
	reclaim_reader_quiescent(&tables->reclaim, 0);
	owner_apply(&owner, BUDGET);
	assert_int_equal(door_reclaimed(door), fence - 1);
	reclaim_reader_quiescent(&tables->reclaim, 1);
	owner_apply(&owner, BUDGET);
	assert_int_equal(door_reclaimed(door), fence + 1);
}

/* A reader that does not report: the owner runs out of spare entries, waits without blocking, and goes on. */
static void owner_goes_on_when_spare_entries_come_back(void **state)
{
	uint64_t pushed = 0;
	unsigned applied, rounds = 0;

	assert_int_equal(apply(endpoint_update(FWD_OP_endpoint_insert, 1, INDEX_NONE)), 0);
	assert_int_equal(reclaim_reader_register(&tables->reclaim, 0), 0);
	reclaim_reader_online(&tables->reclaim, 0);
	do {
		assert_true(++rounds < 10000);
		pushed = push(endpoint_update(FWD_OP_endpoint_replace, 1, INDEX_NONE));
		applied = owner_apply(&owner, BUDGET);
	} while (applied != 0);
	assert_int_equal(door_applied(door), pushed - 1);
	push(nop());
	assert_int_equal(owner_apply(&owner, BUDGET), 0);
	assert_true(owner_has_work(&owner));
	for (unsigned i = 0; i < 3; i++) {
		reclaim_reader_quiescent(&tables->reclaim, 0);
		owner_apply(&owner, BUDGET);
	}
	assert_int_equal(door_applied(door), pushed + 1);
	assert_int_equal(door_failure_poll(door, &(struct door_failure){0}, 1), 0);
}

static void probe_answers_with_an_event(void **state)
{
	struct fwd_update probe = endpoint_update(FWD_OP_probe_endpoint, 1, 0);
	struct door_event events[4];

	assert_int_equal(apply(probe), 0);
	assert_int_equal(apply(endpoint_update(FWD_OP_endpoint_insert, 1, INDEX_NONE)), 0);
	assert_int_equal(apply(probe), 0);
	assert_int_equal(door_event_poll(door, events, 4), 2);
	assert_int_equal(events[0].type, EVENT_probe_answer);
	assert_int_equal(events[0].worker, 1);
	assert_int_equal(events[0].endpoint, id_of(1));
	assert_int_equal(events[0].value, ENOENT);
	assert_int_equal(events[0].forward.action, FORWARD_NONE);
	assert_int_equal(events[1].value, 0);
	assert_int_equal(events[1].forward.action, FORWARD_LOCAL);
	assert_int_equal(events[1].forward.node, 1);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(apply(probe), 0);
	assert_int_equal(apply(probe), -ENOBUFS); /* the ring has no room for the answer */
}

static void anchor_has_no_links(void **state)
{
	tear_down(state);
	create(0);
	assert_int_equal(apply(link_update(FWD_OP_link_insert, 1, 1, LINK_KNOWN)), -EINVAL);
	assert_int_equal(apply(link_update(FWD_OP_link_remove, 1, 1, LINK_KNOWN)), -EINVAL);
}

static struct fwd_update moved(enum fwd_op op, uint32_t i, uint32_t tunnel, uint32_t former)
{
	struct fwd_update update = endpoint_update(op, i, tunnel);

	update.body.endpoint.forward.flags = FORWARD_FORMER;
	update.body.endpoint.forward.former = former;
	return update;
}

/* An LMA after a handover: the tunnel that the MN's packets may still come from is in use. */
static void endpoint_uses_its_former_tunnel_too(void **state)
{
	for (uint32_t i = 1; i <= 3; i++)
		assert_int_equal(apply(tunnel_update(FWD_OP_tunnel_insert, i, (uint8_t)i)), 0);
	assert_int_equal(apply(moved(FWD_OP_endpoint_insert, 1, 1, 9)), -ENOENT);
	assert_int_equal(apply(endpoint_update(FWD_OP_endpoint_insert, 1, 1)), 0);
	assert_int_equal(apply(moved(FWD_OP_endpoint_replace, 1, 2, 1)), 0);
	assert_int_equal(apply(tunnel_update(FWD_OP_tunnel_remove, 1, 0)), -EBUSY);
	assert_int_equal(apply(moved(FWD_OP_endpoint_replace, 1, 3, 9)), -ENOENT);
	assert_int_equal(apply(moved(FWD_OP_endpoint_replace, 1, 3, 2)), 0);
	assert_int_equal(apply(tunnel_update(FWD_OP_tunnel_remove, 1, 0)), 0);
	assert_int_equal(apply(tunnel_update(FWD_OP_tunnel_remove, 2, 0)), -EBUSY);
	assert_int_equal(apply(endpoint_update(FWD_OP_endpoint_remove, 1, 3)), 0);
	assert_int_equal(apply(tunnel_update(FWD_OP_tunnel_remove, 2, 0)), 0);
	assert_int_equal(apply(tunnel_update(FWD_OP_tunnel_remove, 3, 0)), 0);
}

static struct fwd_update peer_tunnel(uint32_t index, enum tunnel_use use)
{
	struct fwd_update update = tunnel_update(FWD_OP_tunnel_insert, index, (uint8_t)index);

	update.body.tunnel.use = (uint8_t)use;
	return update;
}

static struct fwd_update tx_update(enum fwd_op op, uint32_t i, uint32_t tunnel)
{
	return (struct fwd_update){.op = (uint8_t)op,
		.index = i,
		.body.pair = {.source = id_of(i),
			.destination = id_of(i + 100),
			.forward = {.action = FORWARD_TUNNEL, .flags = FORWARD_PAIR_TX, .tunnel = tunnel},
			.check.from = {.link = 3, .mac = {2, 0, 0, 0, 0, 1}}}};
}

static struct fwd_update rx_update(enum fwd_op op, uint32_t i, uint32_t tunnel, uint32_t former)
{
	return (struct fwd_update){.op = (uint8_t)op,
		.index = i,
		.body.pair = {.source = id_of(i),
			.destination = id_of(i + 100),
			.forward = {.action = FORWARD_LOCAL, .flags = FORWARD_PAIR_RX, .tunnel = INDEX_NONE},
			.check = {.tunnel = tunnel, .former = former}}};
}

static void expect_users(uint32_t one, uint32_t two, uint32_t lma)
{
	assert_int_equal(tunnel_table_users(tables->tunnels, 1), one);
	assert_int_equal(tunnel_table_users(tables->tunnels, 2), two);
	assert_int_equal(tunnel_table_users(tables->tunnels, 5), lma);
}

static void make_pair_tunnels(void)
{
	assert_int_equal(apply(peer_tunnel(1, TUNNEL_TO_PEER_MAG)), 0);
	assert_int_equal(apply(peer_tunnel(2, TUNNEL_TO_PEER_MAG)), 0);
	assert_int_equal(apply(peer_tunnel(5, TUNNEL_TO_LMA)), 0);
}

static void pair_uses_each_tunnel_that_it_names(void **state)
{
	struct fwd_update back = rx_update(FWD_OP_pair_replace, 1, 2, INDEX_NONE);

	make_pair_tunnels();
	assert_int_equal(apply(tx_update(FWD_OP_pair_insert, 1, 1)), 0);
	expect_users(1, 0, 0);
	assert_int_equal(apply(rx_update(FWD_OP_pair_insert, 1, 1, 2)), 0);
	expect_users(2, 1, 0);
	assert_int_equal(apply(tx_update(FWD_OP_pair_replace, 1, 2)), 0);
	expect_users(1, 2, 0);
	assert_int_equal(apply(tunnel_update(FWD_OP_tunnel_remove, 1, 0)), -EBUSY);
	back.body.pair.forward =
		(struct forward){.action = FORWARD_TUNNEL, .flags = FORWARD_PAIR_RX | FORWARD_PAIR_RETURN, .tunnel = 5};
	assert_int_equal(apply(back), 0);
	expect_users(0, 2, 1);
	assert_int_equal(pair_table_lookup(tables->pairs, pair_key(PAIR_RX, id_of(1), id_of(101)))->forward.tunnel, 5);
	assert_int_equal(apply(tunnel_update(FWD_OP_tunnel_remove, 5, 0)), -EBUSY);
	back.op = FWD_OP_pair_remove;
	assert_int_equal(apply(back), 0);
	expect_users(0, 1, 0);
	assert_int_equal(apply(back), -ENOENT);
	expect_users(0, 1, 0);
	assert_int_equal(apply(tx_update(FWD_OP_pair_remove, 1, INDEX_NONE)), 0);
	expect_users(0, 0, 0);
	assert_true(pair_table_is_empty(tables->pairs));
	assert_int_equal(apply(tunnel_update(FWD_OP_tunnel_remove, 1, 0)), 0);
	assert_int_equal(apply(tunnel_update(FWD_OP_tunnel_remove, 2, 0)), 0);
	assert_int_equal(apply(tunnel_update(FWD_OP_tunnel_remove, 5, 0)), 0);
}

/* Two pairs may be about the same packets, if control is told so: only one has them. */
static void pair_neither_changes_nor_ends_what_another_has(void **state)
{
	struct fwd_update other = tx_update(FWD_OP_pair_insert, 1, 2);

	make_pair_tunnels();
	assert_int_equal(apply(tx_update(FWD_OP_pair_insert, 1, 1)), 0);
	other.index = 2;
	assert_int_equal(apply(other), -EEXIST);
	other.op = FWD_OP_pair_replace;
	assert_int_equal(apply(other), -ENOENT);
	other.op = FWD_OP_pair_remove;
	assert_int_equal(apply(other), -ENOENT);
	expect_users(1, 0, 0);
	assert_int_equal(pair_table_lookup(tables->pairs, pair_key(PAIR_TX, id_of(1), id_of(101)))->index, 1);
}

static void refuse_pair(struct fwd_update update, int error)
{
	for (update.op = FWD_OP_pair_insert; update.op <= FWD_OP_pair_replace; update.op++)
		assert_int_equal(apply(update), error);
	expect_users(0, 0, 0);
	assert_int_equal(pair_table_count(tables->pairs), 0);
}

static void pair_that_makes_no_sense_is_refused(void **state)
{
	struct fwd_update update;

	make_pair_tunnels();
	refuse_pair(tx_update(0, 1, 7), -ENOENT); /* no such tunnel */
	refuse_pair(tx_update(0, 1, INDEX_NONE), -ENOENT);
	refuse_pair(tx_update(0, 1, 5), -EINVAL); /* a tunnel to an LMA */
	refuse_pair(rx_update(0, 1, 7, INDEX_NONE), -ENOENT);
	refuse_pair(rx_update(0, 1, INDEX_NONE, INDEX_NONE), -ENOENT);
	refuse_pair(rx_update(0, 1, 5, INDEX_NONE), -EINVAL);
	refuse_pair(rx_update(0, 1, 1, 7), -ENOENT);
	refuse_pair(rx_update(0, 1, 1, 5), -EINVAL);
	update = tx_update(0, 1, 1);
	update.body.pair.check.from.link = LINK_NONE;
	refuse_pair(update, -EINVAL);
	update = tx_update(0, 1, 1);
	update.body.pair.forward.flags = 0;
	refuse_pair(update, -EINVAL);
	update.body.pair.forward.flags = FORWARD_PAIR_TX | FORWARD_PAIR_RX;
	refuse_pair(update, -EINVAL);
	update = tx_update(0, 1, 1);
	update.body.pair.forward.action = FORWARD_DROP;
	refuse_pair(update, -EINVAL);
	update.body.pair.forward.action = FORWARD_LOCAL; /* and names a tunnel */
	refuse_pair(update, -EINVAL);
	update = tx_update(0, 1, 1);
	update.body.pair.destination = update.body.pair.source;
	update.op = FWD_OP_pair_insert;
	assert_int_equal(apply(update), -EINVAL);
	update = rx_update(0, 1, 1, INDEX_NONE); /* back over a direct tunnel: never */
	update.body.pair.forward =
		(struct forward){.action = FORWARD_TUNNEL, .flags = FORWARD_PAIR_RX | FORWARD_PAIR_RETURN, .tunnel = 2};
	refuse_pair(update, -EINVAL);
	update.body.pair.forward.flags = FORWARD_PAIR_RX; /* on without having left */
	update.body.pair.forward.tunnel = 5;
	refuse_pair(update, -EINVAL);
	assert_int_equal(apply(tx_update(FWD_OP_pair_replace, 1, 1)), -ENOENT);
	assert_int_equal(apply(tx_update(FWD_OP_pair_remove, 1, 1)), -ENOENT);
	update = tx_update(FWD_OP_pair_insert, 1, 1);
	assert_int_equal(apply(update), 0);
	assert_int_equal(apply(update), -EEXIST);
	expect_users(1, 0, 0);
	update.op = FWD_OP_pair_remove;
	update.body.pair.forward.flags = 0; /* which half? */
	assert_int_equal(apply(update), -EINVAL);
	expect_users(1, 0, 0);
}

static void full_pair_table_refuses(void **state)
{
	make_pair_tunnels();
	for (uint32_t i = 0; i < 8; i++)
		assert_int_equal(apply(tx_update(FWD_OP_pair_insert, i, 1)), 0);
	assert_int_equal(apply(tx_update(FWD_OP_pair_insert, 8, 1)), -ENOSPC);
	expect_users(8, 0, 0);
}

static void pairs_are_refused_without_a_table(void **state)
{
	struct fwd_update update = {.body.pair = {.source = 1, .destination = 2, .forward.action = FORWARD_LOCAL}};

	tear_down(state);
	create(0);
	for (update.op = FWD_OP_pair_insert; update.op <= FWD_OP_pair_remove; update.op++)
		assert_int_equal(apply(update), -EOPNOTSUPP);
}

static void applied_updates_wake_a_sleeping_control_core(void **state)
{
	push(nop());
	assert_true(door_control_sleep(door));
	assert_int_equal(owner_apply(&owner, BUDGET), 1);
	assert_int_equal(atomic_load(&door->control_sleeps), 0);
	door_control_awake(door);
	assert_true(door_control_sleep(door));
	assert_int_equal(owner_apply(&owner, BUDGET), 0);
	assert_int_equal(atomic_load(&door->control_sleeps), 1);
	door_control_awake(door);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			applied_number_is_written_after_the_updates_took_effect, set_up, tear_down),
		cmocka_unit_test_setup_teardown(every_op_does_what_it_says, set_up, tear_down),
		cmocka_unit_test_setup_teardown(refused_update_changes_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(full_table_refuses_and_keeps_what_is_in, set_up, tear_down),
		cmocka_unit_test_setup_teardown(tunnel_stays_until_its_last_endpoint_is_gone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(endpoint_uses_its_former_tunnel_too, set_up, tear_down),
		cmocka_unit_test_setup_teardown(neighbour_stays_until_its_last_route_is_gone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(template_is_copied_when_it_is_applied, set_up, tear_down),
		cmocka_unit_test_setup_teardown(full_failure_ring_stops_the_owner_and_loses_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nop_is_reclaimed_when_every_reader_was_quiescent, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			removal_is_reclaimed_when_every_reader_was_quiescent, set_up, tear_down),
		cmocka_unit_test_setup_teardown(owner_goes_on_when_spare_entries_come_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(probe_answers_with_an_event, set_up, tear_down),
		cmocka_unit_test_setup_teardown(anchor_has_no_links, set_up, tear_down),
		cmocka_unit_test_setup_teardown(pair_uses_each_tunnel_that_it_names, set_up, tear_down),
		cmocka_unit_test_setup_teardown(pair_neither_changes_nor_ends_what_another_has, set_up, tear_down),
		cmocka_unit_test_setup_teardown(pair_that_makes_no_sense_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(full_pair_table_refuses, set_up, tear_down),
		cmocka_unit_test_setup_teardown(pairs_are_refused_without_a_table, set_up, tear_down),
		cmocka_unit_test_setup_teardown(applied_updates_wake_a_sleeping_control_core, set_up, tear_down),
	};
	int failed;

	if (eal_start(argv[0]) != 0)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	eal_stop();
	return failed;
}
