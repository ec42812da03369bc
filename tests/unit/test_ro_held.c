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

/*
 * MAG2 has switched to MAG3, whose next hop it does not find, while the tables still have to take the former MAG out of
 * what it receives, and refuse that: it is not left there with a tunnel that goes.
 */
static void refusal_of_what_lingers_counts_after_a_next_hop_that_is_not_found(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 4; variant++) {
		struct fake_host *fake = &world.nodes[MAG2].fake;

		world_init(&world, (struct world_options){.proxy = variant & 1, .one_lma = variant & 2});
		world_traffic(&world, LMA1);
		assert_true(is_direct());
		world.refusals = true;
		fake->is_unresolved = true;
		world_move(&world, 1, MAG3);
		fake->is_held = true;
		world_pass(&world, 1100);
		fake->fail_update = 1;
		fake->fail_op = FWD_OP_pair_replace;
		fake->fail_error = -ENOSPC;
		resolve(MAG2, -EHOSTUNREACH);
		fake->is_unresolved = fake->is_held = false;
		world_run(&world);
		assert_int_equal(fake->fail_update, 0);
		world_pass(&world, SETTLE_MS);
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

/* The same while the MN leaves MAG2, and its LMA has not said so yet: what comes for it goes back. */
static void returning_half_stays_when_a_next_hop_is_not_found(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 2; variant++) {
		world_init(&world, (struct world_options){
					   .one_lma = true, .pbu_for_setup = variant & 1, .trust_peers = variant & 1});
		world_traffic(&world, LMA1);
		world.nodes[MAG2].fake.is_unresolved = true;
		world_move(&world, 1, MAG3);
		world.nodes[MAG2].fake.is_held = true;
		ro_session_changed(world.nodes[LMA1].ro, &world.now, world.mns[0].prefix, RO_SESSION_RENEWED);
		world_run(&world);
		world.nodes[LMA1].fake.is_held = true;
		world_move(&world, 2, MAG1);
		resolve(MAG2, -EHOSTUNREACH);
		world.nodes[MAG2].fake.is_held = false;
		world_run(&world);
		world.nodes[LMA1].fake.is_held = false;
		world_pass(&world, SETTLE_MS);
		assert_true(is_direct());
		world_fini(&world);
	}
}

/* What the tables refuse is refused whatever came after it: the tunnel of the old entry is in use yet. */
static void refusal_before_the_path_was_left_counts(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 2; variant++) {
		world_init(&world, (struct world_options){.proxy = variant & 1, .one_lma = true});
		world.refusals = true;
		world_traffic(&world, LMA1);
		world_move(&world, 2, -1);
		world.nodes[MAG2].fake.is_held = true;
		world.nodes[MAG2].fake.fail_update = 1;
		world.nodes[MAG2].fake.fail_op = FWD_OP_pair_replace;
		world.nodes[MAG2].fake.fail_error = -ENOSPC;
		world_move(&world, 2, MAG2);
		world_move(&world, 1, MAG2);
		ro_start(world.nodes[LMA1].ro, &world.now, world.mns[0].prefix, world.mns[1].prefix);
		world_run(&world);
		world.nodes[MAG2].fake.is_held = false;
		world_run(&world);
		world_pass(&world, SETTLE_MS);
		assert_int_equal(world.nodes[MAG2].fake.fail_update, 0);
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

/* ---- random lives ---- */

#define HELD_STEPS 80
#define HELD_MS    2500 /* longer than tables and next hops take */

/* When what is held at a node was let go last: it is again after HELD_MS. */
static uint64_t free_ms[NODES];

static void let_go(unsigned node, int error)
{
	struct fake_host *fake = &world.nodes[node].fake;

	fake->is_held = fake->is_unresolved = false;
	resolve(node, error);
	free_ms[node] = engine_ms(&world.now);
}

static void let_go_of_all(uint64_t *random)
{
	for (unsigned i = 0; i < NODES; i++)
		let_go(i, test_random_below(random, 2) == 0 ? 0 : -EHOSTUNREACH);
}

static void let_go_in_time(uint64_t *random)
{
	for (unsigned i = 0; i < NODES; i++)
		if (free_ms[i] + HELD_MS < engine_ms(&world.now))
			let_go(i, test_random_below(random, 2) == 0 ? 0 : -EHOSTUNREACH);
}

static void pass(uint64_t *random, uint64_t ms)
{
	for (uint64_t passed = 0; passed < ms; passed += 100) {
		world_pass(&world, 100);
		let_go_in_time(random);
	}
}

static void held_step(uint64_t *random)
{
	unsigned lma = LMA1 + test_random_below(random, 2), mn = test_random_below(random, 2);
	unsigned mag = MAG1 + test_random_below(random, 3), node = test_random_below(random, NODES);
	struct fake_host *fake = &world.nodes[mag].fake;
	struct ro *ro = world.nodes[lma].ro;

	switch (test_random_below(random, 14)) {
	case 0: fake->is_held = !fake->is_held; break;
	case 1: world.nodes[node].fake.is_held = !world.nodes[node].fake.is_held; break;
	case 2:
	case 3: fake->is_unresolved = !fake->is_unresolved; break;
	case 4: resolve(mag, test_random_below(random, 3) > 0 ? 0 : -EHOSTUNREACH); break;
	case 5: fake_host_run_one(fake); break;
	case 6:
	case 7:
	case 8: world_move(&world, mn + 1, (int)(MAG1 + test_random_below(random, 3))); break;
	case 9: pass(random, test_random_below(random, 1500)); break;
	case 10: ro_start(ro, &world.now, world.mns[mn].prefix, world.mns[1 - mn].prefix); break;
	case 11:
		if (test_random_below(random, 3) == 0)
			ro_stop(ro, &world.now, world.mns[0].prefix, world.mns[1].prefix);
		else
			world.lose_number = 1 + test_random_below(random, 8);
		break;
	case 12: world_move(&world, mn + 1, -1); break;
	default: world_traffic(&world, test_random_below(random, 2) == 0 ? lma : mag); break;
	}
	if (test_random_below(random, 3) == 0)
		world_step(&world, test_random_below(random, 4));
	else
		world_run(&world);
	let_go_in_time(random);
}

static void lives_with_held_transactions_end_well(void **state)
{
	const char *more = getenv("RO_SEEDS"), *from = getenv("RO_SEED");
	unsigned seeds = more != NULL ? (unsigned)strtoul(more, NULL, 10) : 40;
	unsigned first = from != NULL ? (unsigned)strtoul(from, NULL, 10) : 1;

	(void)state;
	for (unsigned seed = first; seed < first + seeds; seed++) {
		uint64_t random = seed * UINT64_C(0x9e3779b97f4a7c15);
		bool one, other;

		world_init(&world, (struct world_options){.proxy = seed & 1,
					   .one_lma = seed & 2,
					   .in_order = seed & 4,
					   .pbu_for_setup = seed & 8,
					   .early = seed & 16});
		memset(free_ms, 0, sizeof(free_ms));
		for (unsigned i = 0; i < HELD_STEPS; i++) {
			held_step(&random);
			world.marker_count = 0;
			if (world.arrow_count > WORLD_ARROWS / 2)
				world.arrow_count = 0;
		}
		world.lose_number = 0;
		let_go_of_all(&random);
		for (unsigned i = 0; i < 2; i++)
			if (world.mns[i].mag < 0)
				world_move(&world, i + 1, MAG1);
		world.arrow_count = 0;
		world_pass(&world, SETTLE_MS);
		one = world_sends(&world, mag_of(1), 1, 2, mag_of(2));
		other = world_sends(&world, mag_of(2), 2, 1, mag_of(1));
		if (one != other)
			fail_msg("seed %u: mn1 %s, mn2 %s", seed, one ? "sends direct" : "does not",
				other ? "sends direct" : "does not");
		ro_start(world.nodes[LMA1].ro, &world.now, world.mns[0].prefix, world.mns[1].prefix);
		world_pass(&world, 2000);
		if (!is_direct())
			fail_msg("seed %u: not direct in the end", seed);
		world_expect_nothing_left(&world, seed);
		world_fini(&world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refusal_of_what_lingers_counts_after_a_next_hop_that_is_not_found),
		cmocka_unit_test(next_hop_of_a_path_that_was_left_is_of_no_interest),
		cmocka_unit_test(refusal_counts_however_many_transactions_there_were),
		cmocka_unit_test(receiving_half_stays_when_a_next_hop_is_not_found),
		cmocka_unit_test(returning_half_stays_when_a_next_hop_is_not_found),
		cmocka_unit_test(refusal_before_the_path_was_left_counts),
		cmocka_unit_test(setup_that_comes_after_mn_was_away_sets_nothing_up),
		cmocka_unit_test(lives_with_held_transactions_end_well),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
