/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Route optimisation while transactions are held: tables that take their time, next hops that answer late or never, so
 * that a later transaction is done before an earlier one (engine.h). Whatever comes in between, the newest update wins,
 * in the end both MNs send direct or neither does, and nothing is left behind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <errno.h>

#include <cmocka.h>

#include "ro_world.h"
#include "unit.h"

#define SETTLE_MS 23000 /* RO_SEQUENCE_DEADLINE and one exchange */

static struct world world;

static unsigned mag_of(unsigned mn)
{
	return (unsigned)world.mns[mn - 1].mag;
}

static bool is_direct(void)
{
	return world_sends(&world, mag_of(1), 1, 2, mag_of(2)) && world_sends(&world, mag_of(2), 2, 1, mag_of(1));
}

/* The tunnels of @node that have no next hop yet get one, or an error. */
static void resolve(unsigned node, int error)
{
	struct fake_host *fake = &world.nodes[node].fake;

	for (uint32_t i = 0; i < FAKE_INDEXES; i++)
		if (fake->tunnel_state[i] == FAKE_TUNNEL_WAITS)
			fake_host_resolve(fake, i, error);
}

/*
 * MAG2 waits for the next hop of MAG1 when MN1 moves on. That it is not found, or that the tunnel goes while it is
 * awaited, is no matter of the path that there is now.
 */
static void next_hop_of_a_path_that_was_left_is_of_no_interest(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 16; variant++) {
		world_init(&world, (struct world_options){.proxy = variant & 1, .one_lma = variant & 2});
		world.nodes[MAG2].fake.is_unresolved = true;
		world_traffic(&world, LMA1);
		assert_false(is_direct());
		world.nodes[MAG2].fake.is_unresolved = false;
		world_move(&world, 1, variant & 4 ? MAG3 : MAG2);
		if (!is_direct())
			fail_msg("variant %u: not direct", variant);
		if (variant & 8)
			resolve(MAG2, -EHOSTUNREACH);
		world_pass(&world, 3000);
		if (!is_direct())
			fail_msg("variant %u: not direct any more", variant);
		world_fini(&world);
	}
}

/* The Init that waits in the world's queue. */
static struct fake_message copy_of_first(void)
{
	struct fake_message copy = world.queue[world.head % WORLD_QUEUE];

	copy.bytes = malloc(copy.length);
	assert_non_null(copy.bytes);
	memcpy(copy.bytes, world.queue[world.head % WORLD_QUEUE].bytes, copy.length);
	return copy;
}

/* It has come late, and is answered so; the answer is one more transaction of the pair. */
static void come_late(unsigned node, const struct fake_message *message, unsigned times)
{
	struct mh_datagram datagram = {.source = message->source,
		.destination = message->destination,
		.bytes = message->bytes,
		.length = message->length};
	struct mh_message decoded;

	assert_int_equal(mh_decode(&decoded, message->bytes, message->length, NULL, NULL), MH_ERROR_NONE);
	for (unsigned i = 0; i < times; i++) {
		ro_message(world.nodes[node].ro, &world.now, &datagram, &decoded);
		fake_host_run(&world.nodes[node].fake);
		fake_host_clear(&world.nodes[node].fake);
	}
}

/* Transactions are numbered with 16 bits. */
static void refusal_counts_however_many_transactions_there_were(void **state)
{
	(void)state;
	for (unsigned transactions = 32000; transactions <= 66000; transactions += 2000) {
		struct fake_message init;

		world_init(&world, (struct world_options){.one_lma = true});
		ro_start(world.nodes[LMA1].ro, &world.now, world.mns[0].prefix, world.mns[1].prefix);
		world_step(&world, 0);
		init = copy_of_first();
		world_run(&world);
		world_move(&world, 1, MAG3);
		assert_true(is_direct());
		come_late(MAG2, &init, transactions);
		world.refusals = true;
		world.nodes[MAG2].fake.fail_update = 1;
		world.nodes[MAG2].fake.fail_op = FWD_OP_pair_insert;
		world.nodes[MAG2].fake.fail_error = -ENOSPC;
		ro_stop(world.nodes[LMA1].ro, &world.now, world.mns[0].prefix, world.mns[1].prefix);
		world_run(&world);
		ro_start(world.nodes[LMA1].ro, &world.now, world.mns[0].prefix, world.mns[1].prefix);
		world_pass(&world, SETTLE_MS);
		assert_int_equal(world.nodes[MAG2].fake.fail_update, 0);
		if (!world_is_quiet(&world))
			fail_msg("after %u transactions: somebody sends direct", transactions);
		free(init.bytes);
		world_fini(&world);
	}
}

/*
 * MAG2 waits for the next hop of MAG1, its MN goes and comes back, and there is a newer set-up. What is under way to
 * the tables when the next hop is not found is there all the same, and its Ack says so: the world sees that it stays
 * there.
 */
static void receiving_half_stays_when_a_next_hop_is_not_found(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 4; variant++) {
		world_init(&world, (struct world_options){.proxy = variant & 1, .one_lma = variant & 2});
		world.nodes[MAG2].fake.is_unresolved = true;
		world_traffic(&world, LMA1);
		world.nodes[MAG2].fake.is_held = true;
		world_move(&world, 2, -1);
		world_move(&world, 2, MAG2);
		ro_start(world.nodes[LMA1].ro, &world.now, world.mns[0].prefix, world.mns[1].prefix);
		world_run(&world);
		resolve(MAG2, -EHOSTUNREACH);
		world.nodes[MAG2].fake.is_held = false;
		world_run(&world);
		world_pass(&world, SETTLE_MS);
		assert_true(world_is_quiet(&world));
		world_fini(&world);
	}
}

/* MN2 at MAG1, MN1 at MAG3, and what MAG1 knows of an earlier pair of them, if it does, is of MN1's time there. */
static void begin_elsewhere(bool known)
{
	world_init(&world, (struct world_options){.proxy = false});
	if (known) {
		world_traffic(&world, LMA1);
		ro_stop(world.nodes[LMA1].ro, &world.now, world.mns[0].prefix, world.mns[1].prefix);
		world_run(&world);
	}
	world_move(&world, 1, MAG3);
	world_move(&world, 2, MAG1);
	world.arrow_count = 0;
}

/*
 * A MAG does not believe the LMA of an MN that it does not have, and keeps nothing of the removal. The MN comes back
 * there before the Setup that was under way: its LMA tells the MAG once more.
 */
static void setup_that_comes_after_mn_was_away_sets_nothing_up(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 2; variant++) {
		begin_elsewhere(variant & 1);
		world.delays[0] = (struct world_delay){.number = 5, .by = 1000};
		ro_start(world.nodes[LMA2].ro, &world.now, world.mns[1].prefix, world.mns[0].prefix);
		world_run(&world);
		assert_int_equal(world_count_arrows(&world, "MAG3 -RO Setup-> MAG1"), 1);
		world_move(&world, 2, -1);
		world_move(&world, 2, MAG1);
		world_release(&world);
		assert_int_equal(world_count_arrows(&world, "MAG1 -RO Setup Ack 135-> MAG3"), 1);
		assert_true(world_is_quiet(&world));
		world_fini(&world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(next_hop_of_a_path_that_was_left_is_of_no_interest),
		cmocka_unit_test(refusal_counts_however_many_transactions_there_were),
		cmocka_unit_test(receiving_half_stays_when_a_next_hop_is_not_found),
		cmocka_unit_test(setup_that_comes_after_mn_was_away_sets_nothing_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
