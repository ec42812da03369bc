/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "transactions.h"

/* A door and a host that the test plays by hand. */
static struct {
	uint64_t seq, applied, reclaimed;
	unsigned room;
	enum fwd_op ops[64];
	struct door_failure failures[8];
	unsigned failure_count;
	unsigned sent, frames, inner;
	uint32_t inner_tunnel;
	char last_message[16];
	bool next_hop_known;
	unsigned tunnels_followed;
	uint64_t done_cookie;
	int done_error;
	unsigned done;
} world;
static struct transactions *transactions;
static struct engine_host *engine;

static uint64_t world_push(void *context, const struct fwd_update *update)
{
	if (world.room == 0)
		return 0;
	world.room--;
	world.seq++;
	world.ops[world.seq % 64] = (enum fwd_op)update->op;
	return world.seq;
}

static uint64_t world_applied(void *context)
{
	return world.applied;
}

static uint64_t world_reclaimed(void *context)
{
	return world.reclaimed;
}

static unsigned world_failures(void *context, struct door_failure *failures, unsigned n)
{
	unsigned count = world.failure_count;

	memcpy(failures, world.failures, count * sizeof(*failures));
	world.failure_count = 0;
	return count;
}

static void world_send(void *context, const struct mh_datagram *datagram)
{
	world.sent++;
	memcpy(world.last_message, datagram->bytes, datagram->length);
	world.last_message[datagram->length] = '\0';
}

static void world_send_inner(void *context, uint32_t tunnel, const struct mh_datagram *datagram)
{
	world.inner++;
	world.inner_tunnel = tunnel;
	memcpy(world.last_message, datagram->bytes, datagram->length);
	world.last_message[datagram->length] = '\0';
}

static void world_send_frame(void *context, const struct access_frame *frame)
{
	world.frames++;
}

static int world_tunnel_insert(void *context, struct fwd_update *update)
{
	world.tunnels_followed++;
	return world.next_hop_known;
}

static void world_tunnel_remove(void *context, uint32_t tunnel)
{
	world.tunnels_followed--;
}

static void world_index_allocated(void *context, enum index_space space, uint32_t index)
{
}

static uint64_t world_random(void *context)
{
	return 4;
}

static void engine_done(void *context, uint64_t cookie, int error)
{
	world.done++;
	world.done_cookie = cookie;
	world.done_error = error;
}

static int setup(void **state)
{
	static const struct transactions_config config = {
		.indexes = {[INDEX_NODE] = 4, [INDEX_TUNNEL] = 2}, .high_water = 3};
	static const struct transactions_door door = {world_push, world_applied, world_reclaimed, world_failures};
	static const struct transactions_host host = {
		.send = world_send,
		.send_frame = world_send_frame,
		.send_inner = world_send_inner,
		.tunnel_insert = world_tunnel_insert,
		.tunnel_remove = world_tunnel_remove,
		.index_allocated = world_index_allocated,
		.random = world_random,
	};

	memset(&world, 0, sizeof(world));
	world.room = 64;
	world.next_hop_known = true;
	transactions = transactions_create(&config, &door, NULL, &host, NULL);
	engine = transactions_engine(transactions, engine_done, NULL);
	return transactions == NULL || engine == NULL;
}

static int teardown(void **state)
{
	transactions_destroy(transactions);
	return 0;
}

static void give_update(enum fwd_op op, uint32_t index, uint32_t tunnel)
{
	struct fwd_update update = {.op = (uint8_t)op, .index = index};

	update.body.endpoint.forward.tunnel = tunnel;
	engine->ops->update(engine, &update);
}

static void give_message(const char *text)
{
	struct mh_datagram datagram = {.bytes = (const uint8_t *)text, .length = (uint16_t)strlen(text)};

	engine->ops->send(engine, &datagram);
}

static void message_waits_for_the_last_update(void **state)
{
	give_update(FWD_OP_endpoint_insert, 0, INDEX_NONE);
	give_update(FWD_OP_endpoint_insert, 1, INDEX_NONE);
	give_message("PBA");
	engine->ops->commit(engine, 7, 0);
	world.applied = 1;
	assert_true(transactions_poll(transactions));
	assert_int_equal(world.sent, 0);
	world.applied = 2;
	assert_false(transactions_poll(transactions));
	assert_int_equal(world.sent, 1);
	assert_string_equal(world.last_message, "PBA");
	assert_int_equal(world.done_cookie, 7);
	assert_int_equal(world.done_error, 0);
}

static void message_without_updates_leaves_at_once(void **state)
{
	give_message("PBA");
	engine->ops->commit(engine, 0, 0);
	assert_int_equal(world.sent, 1);
}

static void refused_update_drops_the_messages_and_tells_the_engine(void **state)
{
	give_update(FWD_OP_endpoint_insert, 0, INDEX_NONE);
	give_message("PBA");
	engine->ops->commit(engine, 9, 0);
	give_update(FWD_OP_endpoint_insert, 1, INDEX_NONE);
	give_message("other");
	engine->ops->commit(engine, 0, 0);
	world.failures[0] = (struct door_failure){.seq = 1, .error = -ENOSPC, .op = FWD_OP_endpoint_insert};
	world.failure_count = 1;
	world.applied = 2;
	transactions_poll(transactions);
	assert_int_equal(world.done, 1);
	assert_int_equal(world.done_error, -ENOSPC);
	assert_int_equal(world.sent, 1);
	assert_string_equal(world.last_message, "other");
}

/* The ring took only the first part of the transaction, and the owner refuses that before the rest gets in. */
static void refusal_of_a_half_pushed_transaction_is_not_lost(void **state)
{
	world.room = 1;
	give_update(FWD_OP_endpoint_insert, 0, INDEX_NONE);
	give_update(FWD_OP_endpoint_insert, 1, INDEX_NONE);
	give_message("PBA");
	engine->ops->commit(engine, 9, 0);
	world.failures[0] = (struct door_failure){.seq = 1, .error = -ENOSPC, .op = FWD_OP_endpoint_insert};
	world.failure_count = 1;
	world.applied = 1;
	assert_true(transactions_poll(transactions));
	assert_int_equal(world.done, 0);
	world.room = 1;
	assert_true(transactions_poll(transactions));
	world.applied = 2;
	assert_false(transactions_poll(transactions));
	assert_int_equal(world.done, 1);
	assert_int_equal(world.done_cookie, 9);
	assert_int_equal(world.done_error, -ENOSPC);
	assert_int_equal(world.sent, 0);
}

static void updates_keep_their_order_when_the_ring_is_full(void **state)
{
	struct fwd_update neighbour = {.op = FWD_OP_neighbour_insert};

	world.room = 1;
	give_update(FWD_OP_endpoint_insert, 0, INDEX_NONE);
	give_update(FWD_OP_endpoint_replace, 0, INDEX_NONE);
	engine->ops->commit(engine, 1, 0);
	give_update(FWD_OP_endpoint_remove, 0, INDEX_NONE);
	engine->ops->commit(engine, 2, 0);
	assert_int_equal(world.seq, 1);
	world.room = 1;
	assert_false(transactions_push(transactions, &neighbour)); /* older ones first */
	transactions_poll(transactions);
	world.room = 5;
	transactions_poll(transactions);
	assert_true(transactions_push(transactions, &neighbour));
	assert_int_equal(world.ops[1], FWD_OP_endpoint_insert);
	assert_int_equal(world.ops[2], FWD_OP_endpoint_replace);
	assert_int_equal(world.ops[3], FWD_OP_endpoint_remove);
	assert_int_equal(world.ops[4], FWD_OP_neighbour_insert);
}

static void message_waits_for_the_next_hop_of_its_tunnel(void **state)
{
	world.next_hop_known = false;
	give_update(FWD_OP_tunnel_insert, 1, INDEX_NONE);
	give_update(FWD_OP_endpoint_insert, 0, 1);
	give_message("first");
	engine->ops->commit(engine, 1, 0);
	give_update(FWD_OP_endpoint_insert, 1, 1);
	give_message("second");
	engine->ops->commit(engine, 2, 0);
	world.applied = 3;
	assert_false(transactions_poll(transactions));
	assert_int_equal(world.sent, 0);
	transactions_tunnel_resolved(transactions, 1, 0);
	transactions_poll(transactions);
	assert_int_equal(world.sent, 2);
	assert_string_equal(world.last_message, "second");
}

static void give_pair(enum fwd_op op, uint32_t index, uint32_t tunnel, uint32_t from)
{
	struct fwd_update update = {.op = (uint8_t)op, .index = index};

	update.body.pair.forward.tunnel = tunnel;
	update.body.pair.check.tunnel = from;
	update.body.pair.check.former = INDEX_NONE;
	engine->ops->update(engine, &update);
}

/* What comes out of a tunnel needs no next hop of it. */
static void pair_waits_for_the_next_hop_of_the_tunnel_that_it_sends_into(void **state)
{
	world.next_hop_known = false;
	give_update(FWD_OP_tunnel_insert, 1, INDEX_NONE);
	engine->ops->commit(engine, 0, 0);
	give_pair(FWD_OP_pair_insert, 0, INDEX_NONE, 1);
	give_message("receives");
	engine->ops->commit(engine, 1, 0);
	give_pair(FWD_OP_pair_insert, 1, 1, INDEX_NONE);
	give_message("sends");
	engine->ops->commit(engine, 2, 0);
	give_pair(FWD_OP_pair_remove, 2, 1, INDEX_NONE);
	give_message("ends");
	engine->ops->commit(engine, 3, 0);
	world.applied = 4;
	transactions_poll(transactions);
	assert_int_equal(world.sent, 2);
	assert_string_equal(world.last_message, "ends");
	transactions_tunnel_resolved(transactions, 1, 0);
	transactions_poll(transactions);
	assert_int_equal(world.sent, 3);
	assert_string_equal(world.last_message, "sends");
}

static void whoever_sleeps_knows_what_came_after_the_poll(void **state)
{
	assert_false(transactions_poll(transactions));
	give_update(FWD_OP_endpoint_insert, 0, INDEX_NONE);
	engine->ops->commit(engine, 0, 0);
	assert_true(transactions_waiting(transactions));
	world.applied = 1;
	assert_false(transactions_poll(transactions));
	world.next_hop_known = false;
	give_update(FWD_OP_tunnel_insert, 1, INDEX_NONE);
	give_message("PBA");
	engine->ops->commit(engine, 1, 0);
	world.applied = 2;
	assert_false(
		transactions_poll(transactions)); /* nothing to poll for: the next hop's answer comes as a packet */
	transactions_tunnel_resolved(transactions, 1, 0);
	assert_true(transactions_waiting(transactions));
	assert_false(transactions_poll(transactions));
	assert_int_equal(world.sent, 1);
}

static void next_hop_that_does_not_resolve_fails_the_transaction(void **state)
{
	world.next_hop_known = false;
	give_update(FWD_OP_tunnel_insert, 1, INDEX_NONE);
	give_message("PBA");
	engine->ops->commit(engine, 5, 0);
	world.applied = 1;
	transactions_poll(transactions);
	transactions_tunnel_resolved(transactions, 1, -EHOSTUNREACH);
	transactions_poll(transactions);
	assert_int_equal(world.sent, 0);
	assert_int_equal(world.done_cookie, 5);
	assert_int_equal(world.done_error, -EHOSTUNREACH);
	give_update(FWD_OP_tunnel_remove, 1, INDEX_NONE);
	engine->ops->commit(engine, 0, 0);
	assert_int_equal(world.tunnels_followed, 0);
}

/* A session that is asked for again while others still hold the tunnel must not wait for what nobody looks for. */
static void failed_next_hop_fails_later_transactions_until_it_resolves(void **state)
{
	world.next_hop_known = false;
	give_update(FWD_OP_tunnel_insert, 1, INDEX_NONE);
	engine->ops->commit(engine, 5, 0);
	transactions_tunnel_resolved(transactions, 1, -EHOSTUNREACH);
	give_update(FWD_OP_endpoint_insert, 0, 1);
	give_message("PBA");
	engine->ops->commit(engine, 6, 0);
	world.applied = 2;
	assert_false(transactions_poll(transactions));
	assert_int_equal(world.done, 2);
	assert_int_equal(world.done_cookie, 6);
	assert_int_equal(world.done_error, -EHOSTUNREACH);
	assert_int_equal(world.sent, 0);

	transactions_tunnel_resolved(transactions, 1, 0);
	give_update(FWD_OP_endpoint_insert, 0, 1);
	give_message("PBA");
	engine->ops->commit(engine, 7, 0);
	world.applied = 3;
	transactions_poll(transactions);
	assert_int_equal(world.done_error, 0);
	assert_int_equal(world.sent, 1);
}

static void removal_of_an_unresolved_tunnel_ends_the_wait_for_it(void **state)
{
	struct transactions_stats stats;

	world.next_hop_known = false;
	give_update(FWD_OP_tunnel_insert, 1, INDEX_NONE);
	give_update(FWD_OP_endpoint_insert, 0, 1);
	give_message("PBA");
	engine->ops->commit(engine, 5, 0);
	world.applied = 2;
	transactions_poll(transactions);
	assert_int_equal(world.done, 0);
	give_update(FWD_OP_endpoint_remove, 0, INDEX_NONE);
	give_update(FWD_OP_tunnel_remove, 1, INDEX_NONE);
	engine->ops->commit(engine, 0, 0);
	world.applied = 4;
	transactions_poll(transactions);
	assert_int_equal(world.done_cookie, 5);
	assert_int_equal(world.done_error, -ENOENT);
	assert_int_equal(world.sent, 0);
	transactions_stats(transactions, &stats);
	assert_int_equal(stats.pending, 0);
	assert_int_equal(stats.waiting_for_tunnel, 0);
}

/* Behind the packets that workers gave into the tunnel before: a fence that is reclaimed after a grace period. */
static void inner_message_waits_for_the_reclaim_of_its_fence(void **state)
{
	const struct mh_datagram datagram = {.bytes = (const uint8_t *)"marker", .length = 6};

	give_update(FWD_OP_nop, 0, INDEX_NONE);
	engine->ops->send_inner(engine, 0, &datagram);
	engine->ops->commit(engine, 0, COMMIT_AFTER_RECLAIM);
	world.applied = 1;
	assert_true(transactions_poll(transactions));
	assert_int_equal(world.inner, 0);
	world.reclaimed = 1;
	assert_false(transactions_poll(transactions));
	assert_int_equal(world.inner, 1);
	assert_int_equal(world.inner_tunnel, 0);
	assert_int_equal(world.sent, 0);
	assert_string_equal(world.last_message, "marker");
}

static void answer_to_a_removal_waits_for_the_reclaim(void **state)
{
	give_update(FWD_OP_endpoint_remove, 0, INDEX_NONE);
	give_message("Ack");
	engine->ops->commit(engine, 3, COMMIT_AFTER_RECLAIM);
	world.applied = 1;
	assert_true(transactions_poll(transactions));
	assert_int_equal(world.sent, 0);
	world.reclaimed = 1;
	assert_false(transactions_poll(transactions));
	assert_int_equal(world.sent, 1);
	assert_int_equal(world.done, 1);
}

static void index_is_reused_only_after_its_removal_is_reclaimed(void **state)
{
	uint32_t first = engine->ops->index_allocate(engine, INDEX_TUNNEL), second, generation;

	generation = engine->ops->index_generation(engine, INDEX_TUNNEL, first);
	second = engine->ops->index_allocate(engine, INDEX_TUNNEL);
	assert_int_not_equal(first, second);
	assert_int_equal(engine->ops->index_allocate(engine, INDEX_TUNNEL), INDEX_NONE);
	give_update(FWD_OP_tunnel_remove, first, INDEX_NONE);
	world.tunnels_followed = 1;
	engine->ops->index_release(engine, INDEX_TUNNEL, first);
	engine->ops->commit(engine, 0, 0);
	world.applied = 1;
	transactions_poll(transactions);
	assert_int_equal(engine->ops->index_allocate(engine, INDEX_TUNNEL), INDEX_NONE);
	world.reclaimed = 1;
	transactions_poll(transactions);
	assert_int_equal(engine->ops->index_allocate(engine, INDEX_TUNNEL), first);
	assert_int_not_equal(engine->ops->index_generation(engine, INDEX_TUNNEL, first), generation);
}

static void engines_are_told_busy_above_the_high_water_mark(void **state)
{
	assert_false(engine->ops->busy(engine));
	for (unsigned i = 0; i < 3; i++) {
		give_update(FWD_OP_endpoint_insert, i, INDEX_NONE);
		engine->ops->commit(engine, 0, 0);
	}
	assert_true(engine->ops->busy(engine));
	world.applied = 3;
	transactions_poll(transactions);
	assert_false(engine->ops->busy(engine));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(message_waits_for_the_last_update, setup, teardown),
		cmocka_unit_test_setup_teardown(message_without_updates_leaves_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(
			refused_update_drops_the_messages_and_tells_the_engine, setup, teardown),
		cmocka_unit_test_setup_teardown(refusal_of_a_half_pushed_transaction_is_not_lost, setup, teardown),
		cmocka_unit_test_setup_teardown(updates_keep_their_order_when_the_ring_is_full, setup, teardown),
		cmocka_unit_test_setup_teardown(message_waits_for_the_next_hop_of_its_tunnel, setup, teardown),
		cmocka_unit_test_setup_teardown(
			pair_waits_for_the_next_hop_of_the_tunnel_that_it_sends_into, setup, teardown),
		cmocka_unit_test_setup_teardown(whoever_sleeps_knows_what_came_after_the_poll, setup, teardown),
		cmocka_unit_test_setup_teardown(next_hop_that_does_not_resolve_fails_the_transaction, setup, teardown),
		cmocka_unit_test_setup_teardown(
			failed_next_hop_fails_later_transactions_until_it_resolves, setup, teardown),
		cmocka_unit_test_setup_teardown(removal_of_an_unresolved_tunnel_ends_the_wait_for_it, setup, teardown),
		cmocka_unit_test_setup_teardown(inner_message_waits_for_the_reclaim_of_its_fence, setup, teardown),
		cmocka_unit_test_setup_teardown(answer_to_a_removal_waits_for_the_reclaim, setup, teardown),
		cmocka_unit_test_setup_teardown(index_is_reused_only_after_its_removal_is_reclaimed, setup, teardown),
		cmocka_unit_test_setup_teardown(engines_are_told_busy_above_the_high_water_mark, setup, teardown),
	};

	return cmocka_run_group_tests_name("transactions", tests, NULL, NULL);
}
