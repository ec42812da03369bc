/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Route optimisation when things go wrong: messages lost at every arrow, gateways that are dead or restart, refused
 * updates, moves in the middle of an update, two controllers. Whatever happens, in the end both MNs send direct or
 * neither does (wire-formats G.6.15 b); in between nobody sends direct to a MAG that does not take it (d), which the
 * world checks after every message.
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

static void begin(unsigned variant)
{
	world_init(&world, (struct world_options){.proxy = variant & 1, .one_lma = variant & 2});
}

static unsigned mag_of(unsigned mn)
{
	return (unsigned)world.mns[mn - 1].mag;
}

static bool is_direct(void)
{
	return world_sends(&world, mag_of(1), 1, 2, mag_of(2)) && world_sends(&world, mag_of(2), 2, 1, mag_of(1));
}

static void assert_both_agree(const char *when, unsigned variant, unsigned n)
{
	bool one = world_sends(&world, mag_of(1), 1, 2, mag_of(2));
	bool other = world_sends(&world, mag_of(2), 2, 1, mag_of(1));

	if (one != other)
		fail_msg("%s: variant %u, message %u: mn1 %s, mn2 %s", when, variant, n,
			one ? "sends direct" : "does not", other ? "sends direct" : "does not");
}

/* RO-036 */
static void any_lost_message_is_made_up_for(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 4; variant++) {
		for (unsigned n = 1; n <= 12; n++) {
			begin(variant);
			world.lose_number = n;
			world_traffic(&world, LMA1);
			world_pass(&world, 2000);
			if (!is_direct())
				fail_msg("variant %u, message %u: not set up", variant, n);
			world_fini(&world);
		}
	}
}

static void any_message_lost_during_a_handover_is_made_up_for(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 8; variant++) {
		for (unsigned n = 1; n <= 12; n++) {
			begin(variant);
			world_traffic(&world, LMA1);
			world.lose_number = n;
			world_move(&world, variant & 4 ? 2 : 1, MAG3);
			world_pass(&world, 2000);
			if (!is_direct())
				fail_msg("variant %u, message %u: not set up", variant, n);
			world_fini(&world);
		}
	}
}

static char arrows[WORLD_ARROWS][64];

static unsigned arrows_of_set_up(unsigned variant)
{
	unsigned count;

	begin(variant);
	world_traffic(&world, LMA1);
	count = world.arrow_count;
	memcpy(arrows, world.arrows, sizeof(arrows));
	world_fini(&world);
	return count;
}

static void arrow_that_never_arrives_ends_on_the_path_over_the_lma(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 4; variant++) {
		unsigned count = arrows_of_set_up(variant);

		for (unsigned n = 0; n < count; n++) {
			begin(variant);
			world.lose = arrows[n];
			world.lose_count = 1000;
			world_traffic(&world, LMA1);
			world_pass(&world, SETTLE_MS);
			assert_both_agree("an arrow never arrives", variant, n);
			world_fini(&world);
		}
	}
}

static void dead_gateway_leaves_no_half_of_a_path(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 4; variant++) {
		for (unsigned node = LMA1; node <= MAG2; node++) {
			begin(variant);
			world.nodes[node].dead = true;
			world_traffic(&world, LMA1);
			world_pass(&world, SETTLE_MS);
			if (node >= MAG1 || variant < 2 || node == LMA1)
				assert_true(world_is_quiet(&world));
			else
				assert_true(is_direct()); /* LMA2 has no part in it */
			world_fini(&world);
		}
	}
}

static void refused_update_leaves_no_half_of_a_path(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 4; variant++) {
		for (unsigned node = MAG1; node <= MAG2; node++) {
			for (unsigned n = 1; n <= 4; n++) {
				begin(variant);
				world.refusals = true;
				world.nodes[node].fake.fail_update = n;
				world.nodes[node].fake.fail_error = -ENOSPC;
				world_traffic(&world, LMA1);
				world_pass(&world, SETTLE_MS);
				assert_both_agree("a refused update", variant, n);
				world_fini(&world);
			}
		}
	}
}

/* G.6.1: RX is what the Setup says is there. The tables, or a next hop, take three seconds. */
static void setup_is_not_repeated_before_it_was_sent(void **state)
{
	struct ro_stats stats;

	(void)state;
	world_init(&world, (struct world_options){.one_lma = true});
	world.nodes[MAG2].fake.is_held = true;
	world_traffic(&world, LMA1);
	world_pass(&world, 3000);
	ro_stats(world.nodes[MAG2].ro, &stats);
	assert_int_equal(stats.retransmitted[RO_SETUP], 0);
	world.nodes[MAG2].fake.is_held = false;
	world_run(&world);
	assert_int_equal(world_count_arrows(&world, "MAG2 -RO Setup-> MAG1"), 1);
	assert_true(is_direct());
	world_fini(&world);
}

/*
 * The newer update, or the removal, comes to MAG2 while a next hop holds its Setup back: the peer of then may not have
 * heard of it, and must not be told what is not so any more.
 */
static void setup_of_an_update_that_is_over_does_not_leave(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 8; variant++) {
		bool pbu = variant & 2, removed = variant & 4;

		world_init(&world,
			(struct world_options){.one_lma = variant & 1, .pbu_for_setup = pbu, .trust_peers = pbu});
		world.nodes[MAG2].fake.is_held = true;
		world_traffic(&world, LMA1);
		if (removed)
			world_move(&world, 1, -1);
		else
			world_move(&world, 1, MAG3);
		world.nodes[MAG2].fake.is_held = false;
		world_run(&world);
		assert_int_equal(world_count_arrows(&world, pbu ? "MAG2 -PBU-> MAG1" : "MAG2 -RO Setup-> MAG1"), 0);
		world_pass(&world, SETTLE_MS);
		if (removed)
			assert_true(world_is_quiet(&world));
		else
			assert_true(is_direct());
		world_fini(&world);
	}
}

/* LMA1 removes the pair while the Setup of MAG2, message number @setup, is under way: those that are lost do not count.
 */
static void remove_before_the_setup(unsigned setup)
{
	world.delays[0] = (struct world_delay){.number = setup, .by = 1000};
	world_traffic(&world, LMA1);
	assert_int_equal(ro_stop(world.nodes[LMA1].ro, &world.now, world.mns[0].prefix, world.mns[1].prefix), 0);
	world_run(&world);
	assert_int_equal(world_count_arrows(&world, "MAG2 -RO Setup-> MAG1"), 1);
	world_release(&world);
	assert_int_equal(world_count_arrows(&world, "MAG2 -RO Setup-> MAG1"), 1);
	assert_int_equal(world_count_arrows(&world, "MAG1 -RO Setup Ack 135-> MAG2"), 1);
	assert_true(world_is_quiet(&world));
	world_pass(&world, 130000);
	for (unsigned i = 0; i < NODES; i++) {
		struct ro_stats stats;

		ro_stats(world.nodes[i].ro, &stats);
		assert_int_equal(stats.pairs, 0);
	}
}

/* G.6.3: the removal leaves a tombstone, also where it comes before all else. */
static void setup_that_comes_after_the_removal_sets_nothing_up(void **state)
{
	(void)state;
	world_init(&world, (struct world_options){.one_lma = true});
	remove_before_the_setup(3);
	world_fini(&world);
}

/* Also where the LMA that removes knows of the other MN no more than what its Init named, for it had no answer. */
static void setup_that_comes_after_the_removal_of_an_unanswered_init_sets_nothing_up(void **state)
{
	(void)state;
	world_init(&world, (struct world_options){.one_lma = false});
	world.lose = "LMA2 -RO Init Ack-> LMA1";
	world.lose_count = 1;
	remove_before_the_setup(4);
	assert_int_equal(world_count_arrows(&world, "LMA2 -RO Init Ack-> LMA1"), 1);
	world_fini(&world);
}

/* Who is asked leads, and who repeats the update asks: both LMAs may not lead, nor tell the other one's MAG anything.
 */
static void lma_that_was_asked_repeats_the_update_as_its_own(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 4; variant++) {
		unsigned asks = variant & 2 ? LMA2 : LMA1;

		world_init(&world, (struct world_options){.proxy = variant & 1});
		world.now.wall_ns += UINT64_C(5000000000);
		world_traffic(&world, LMA1);
		assert_int_equal(
			ro_stop(world.nodes[LMA1].ro, &world.now, world.mns[0].prefix, world.mns[1].prefix), 0);
		world_run(&world);
		world_restart(&world, LMA1); /* only the MAGs know what there was, and their stamps are ahead */
		world_restart(&world, LMA2);
		world.now.wall_ns -= UINT64_C(5000000000);
		world.arrow_count = 0;
		world_traffic(&world, asks);
		assert_int_equal(world_count_arrows(&world, asks == LMA1 ? "MAG2 -RO Init Ack 135-> LMA2"
									 : "MAG1 -RO Init Ack 135-> LMA1"),
			1);
		assert_int_equal(world_count_arrows(&world, "LMA2 -RO Setup-> MAG1"), 0);
		assert_int_equal(world_count_arrows(&world, "LMA1 -RO Setup-> MAG2"), 0);
		assert_true(is_direct());
		world_fini(&world);
	}
}

/* Only the MAGs know what there was, with stamps that an LMA whose clock is far behind does not believe. */
static void clock_that_is_set_right_is_enough_for_a_new_set_up(void **state)
{
	const uint64_t ahead_ns = UINT64_C(3600000000000), less_ns = UINT64_C(5000000000);

	(void)state;
	for (unsigned variant = 0; variant < 4; variant++) {
		begin(variant);
		world.now.wall_ns += ahead_ns;
		world_traffic(&world, LMA1);
		assert_int_equal(
			ro_stop(world.nodes[LMA1].ro, &world.now, world.mns[0].prefix, world.mns[1].prefix), 0);
		world_run(&world);
		world_restart(&world, LMA1);
		world_restart(&world, LMA2);
		world.now.wall_ns -= ahead_ns;
		world_traffic(&world, LMA1);
		world_pass(&world, 5000);
		assert_true(world_is_quiet(&world));
		world.now.wall_ns += ahead_ns - less_ns;
		world_traffic(&world, LMA1);
		world_pass(&world, 3000);
		if (!is_direct())
			fail_msg("variant %u: not set up", variant);
		world_fini(&world);
	}
}

/* The Ack has all its time when the request leaves late. */
static void setup_that_is_sent_late_is_repeated_in_time(void **state)
{
	(void)state;
	world_init(&world, (struct world_options){.one_lma = true});
	world.nodes[MAG2].fake.is_held = true;
	world_traffic(&world, LMA1);
	world_pass(&world, 700);
	world.nodes[MAG2].fake.is_held = false;
	world.lose = "MAG2 -RO Setup-> MAG1";
	world.lose_count = 1;
	world_run(&world);
	world_pass(&world, 450);
	assert_int_equal(world_count_arrows(&world, "MAG2 -RO Setup-> MAG1"), 1);
	world_pass(&world, 100);
	assert_int_equal(world_count_arrows(&world, "MAG2 -RO Setup-> MAG1"), 2);
	assert_true(is_direct());
	world_fini(&world);
}

static void mn_that_moves_during_the_set_up_is_found_at_its_new_place(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 8; variant++) {
		for (unsigned n = 1; n <= 12; n++) {
			begin(variant);
			world.lose_number = n; /* the update stands still for half a second */
			world_traffic(&world, LMA1);
			world_move(&world, variant & 4 ? 2 : 1, MAG3);
			world_pass(&world, SETTLE_MS);
			assert_both_agree("a move during the set-up", variant, n);
			if (!is_direct())
				fail_msg("variant %u, message %u: the newest update did not win", variant, n);
			world_fini(&world);
		}
	}
}

/* RO-012, RO-049, G.6.8 */
static void crossing_inits_have_one_controller(void **state)
{
	(void)state;
	for (unsigned proxy = 0; proxy < 2; proxy++) {
		struct ro_view one, other;

		begin(proxy);
		for (unsigned i = 0; i < 2; i++) {
			struct ro *ro = world.nodes[i].ro;

			ro_traffic_seen(ro, &world.now, world.mns[i].prefix, world.mns[1 - i].prefix);
			ro_traffic_seen(ro, &world.now, world.mns[1 - i].prefix, world.mns[i].prefix);
			ro_start(ro, &world.now, world.mns[i].prefix, world.mns[1 - i].prefix);
		}
		world_run(&world);
		world_pass(&world, SETTLE_MS);
		assert_true(is_direct());
		assert_true(ro_pair_find(world.nodes[LMA1].ro, world.mns[0].prefix, world.mns[1].prefix, &one));
		assert_true(ro_pair_find(world.nodes[LMA2].ro, world.mns[0].prefix, world.mns[1].prefix, &other));
		assert_false(one.controller);
		assert_true(other.controller); /* the greater address */
		assert_int_equal(one.association, other.association);
		world_fini(&world);
	}
}

static void restarted_mag_is_set_up_again_after_it_was_noticed(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 4; variant++) {
		begin(variant);
		world_traffic(&world, LMA1);
		assert_true(is_direct());
		world.early = true; /* until somebody notices */
		world_restart(&world, MAG2);
		for (unsigned i = 0; i < NODES; i++)
			if (i != MAG2)
				ro_peer_lost(world.nodes[i].ro, &world.now, &world.nodes[MAG2].config.address);
		world_run(&world);
		assert_true(world_is_quiet(&world));
		world_fini(&world);
	}
}

/* G.6.2: the peer MAG says that it has no state */
static void error_of_the_peer_mag_ends_the_pair(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 4; variant++) {
		begin(variant);
		world_traffic(&world, LMA1);
		ro_error(world.nodes[MAG1].ro, &world.now, world.mns[0].prefix, world.mns[1].prefix,
			&world.nodes[MAG2].config.address);
		world_run(&world);
		assert_true(world_is_quiet(&world));
		world_fini(&world);
	}
}

/* RO-087, RO-088 */
static void early_activation_is_rolled_back_without_confirmation(void **state)
{
	(void)state;
	world_init(&world, (struct world_options){.early = true, .one_lma = true});
	world.nodes[MAG1].dead = true;
	world_traffic(&world, LMA1);
	assert_true(world_sends(&world, MAG2, 2, 1, MAG1));
	world_pass(&world, 450);
	assert_false(world_sends(&world, MAG2, 2, 1, MAG1));
	world_pass(&world, SETTLE_MS);
	assert_true(world_is_quiet(&world));
	world_fini(&world);
}

/* G.6.5, RO-078 */
static void setup_without_a_valid_token_is_refused(void **state)
{
	(void)state;
	begin(2);
	world.nodes[LMA1].peers[MAG1].key[5] ^= 1; /* LMA1 mints with another key than MAG1 checks with */
	world_traffic(&world, LMA1);
	expect_arrows(&world, "LMA1 -RO Init-> MAG2", "MAG2 -RO Init Ack-> LMA1", "MAG2 -RO Setup-> MAG1",
		"MAG1 -RO Setup Ack 143-> MAG2", "MAG2 -RO Report(0)-> LMA1", "LMA1 -RO Report Ack-> MAG2",
		"LMA1 -RO Setup(0)-> MAG1", "LMA1 -RO Setup(0)-> MAG2", "MAG1 -RO Setup Ack-> LMA1",
		"MAG2 -RO Setup Ack-> LMA1");
	assert_true(world_is_quiet(&world));
	world_fini(&world);
}

/* What happens in one step of a random life. */
static void random_step(uint64_t *random)
{
	unsigned mn = 1 + test_random_below(random, 2);

	switch (test_random_below(random, 8)) {
	case 0:
	case 1: world_move(&world, mn, (int)(MAG1 + test_random_below(random, 3))); break;
	case 2:
		ro_stop(world.nodes[LMA1].ro, &world.now, world.mns[0].prefix, world.mns[1].prefix);
		world_run(&world);
		break;
	case 3: world.lose_number = 1 + test_random_below(random, 8); break;
	case 4: ro_start(world.nodes[LMA1].ro, &world.now, world.mns[0].prefix, world.mns[1].prefix); break;
	case 5: world_pass(&world, test_random_below(random, 2000)); break;
	default: world_traffic(&world, test_random_below(random, 2) == 0 ? LMA1 : MAG1); break;
	}
	world_run(&world);
}

static void random_lives_keep_the_invariants(void **state)
{
	const char *more = getenv("RO_SEEDS");
	unsigned seeds = more != NULL ? (unsigned)strtoul(more, NULL, 10) : 40;

	(void)state;
	for (unsigned seed = 1; seed <= seeds; seed++) {
		uint64_t random = seed * UINT64_C(0x9e3779b97f4a7c15);

		begin(seed & 3);
		for (unsigned i = 0; i < 60; i++) {
			random_step(&random);
			if (world.arrow_count > WORLD_ARROWS / 2)
				world.arrow_count = 0;
		}
		world.lose_number = 0;
		world_pass(&world, SETTLE_MS);
		assert_both_agree("a random life", seed & 3, seed);
		world_fini(&world);
	}
}

/* Gateways that restart, and are noticed or are not; MNs that go away, that have two prefixes; two detectors. */
static void rough_step(uint64_t *random)
{
	unsigned lma = LMA1 + test_random_below(random, 2), mn = test_random_below(random, 2), node;
	struct ro *ro = world.nodes[lma].ro;

	switch (test_random_below(random, 10)) {
	case 0: world_move(&world, mn + 1, -1); break;
	case 1:
		node = test_random_below(random, NODES);
		world_restart(&world, node);
		for (unsigned i = 0; test_random_below(random, 2) == 0 && i < NODES; i++)
			if (i != node)
				ro_peer_lost(world.nodes[i].ro, &world.now, &world.nodes[node].config.address);
		break;
	case 2: ro_stop(ro, &world.now, world.mns[0].prefix, world.mns[1].prefix); break;
	case 3: ro_start(ro, &world.now, world.mns[mn].prefix, world.mns[1 - mn].second); break;
	case 4:
	case 5:
		for (unsigned i = 0; i < NODES; i++) { /* whoever it passes detects it */
			ro_traffic_seen(world.nodes[i].ro, &world.now, world.mns[mn].prefix, world.mns[1 - mn].second);
			ro_traffic_seen(world.nodes[i].ro, &world.now, world.mns[1 - mn].second, world.mns[mn].prefix);
		}
		break;
	case 6:
		ro_error(world.nodes[MAG1 + test_random_below(random, 3)].ro, &world.now, world.mns[mn].prefix,
			world.mns[1 - mn].prefix, &world.nodes[MAG1 + test_random_below(random, 3)].config.address);
		break;
	default: random_step(random); break;
	}
	world_run(&world);
}

/* Two pairs about the same packets, or one that nobody ends, would leave something behind. */
static void rough_lives_leave_nothing_behind(void **state)
{
	const char *more = getenv("RO_SEEDS");
	unsigned seeds = more != NULL ? (unsigned)strtoul(more, NULL, 10) : 40;

	(void)state;
	for (unsigned seed = 1; seed <= seeds; seed++) {
		uint64_t random = seed * UINT64_C(0x9e3779b97f4a7c15);

		world_init(&world, (struct world_options){.proxy = seed & 1,
					   .one_lma = seed & 2,
					   .in_order = seed & 4,
					   .pbu_for_setup = seed & 8});
		world.mns[0].second = world.mns[0].prefix + 0x100;
		world.mns[1].second = world.mns[1].prefix + 0x100;
		world.early = world.refusals = true; /* who restarts forgets what it takes */
		for (unsigned i = 0; i < 60; i++) {
			rough_step(&random);
			if (world.arrow_count > WORLD_ARROWS / 2)
				world.arrow_count = 0;
			world.marker_count = 0;
		}
		world.lose_number = 0;
		world_expect_nothing_left(&world, seed);
		world_fini(&world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_lost_message_is_made_up_for),
		cmocka_unit_test(any_message_lost_during_a_handover_is_made_up_for),
		cmocka_unit_test(arrow_that_never_arrives_ends_on_the_path_over_the_lma),
		cmocka_unit_test(dead_gateway_leaves_no_half_of_a_path),
		cmocka_unit_test(refused_update_leaves_no_half_of_a_path),
		cmocka_unit_test(setup_is_not_repeated_before_it_was_sent),
		cmocka_unit_test(setup_of_an_update_that_is_over_does_not_leave),
		cmocka_unit_test(setup_that_comes_after_the_removal_sets_nothing_up),
		cmocka_unit_test(setup_that_comes_after_the_removal_of_an_unanswered_init_sets_nothing_up),
		cmocka_unit_test(clock_that_is_set_right_is_enough_for_a_new_set_up),
		cmocka_unit_test(lma_that_was_asked_repeats_the_update_as_its_own),
		cmocka_unit_test(setup_that_is_sent_late_is_repeated_in_time),
		cmocka_unit_test(mn_that_moves_during_the_set_up_is_found_at_its_new_place),
		cmocka_unit_test(crossing_inits_have_one_controller),
		cmocka_unit_test(restarted_mag_is_set_up_again_after_it_was_noticed),
		cmocka_unit_test(error_of_the_peer_mag_ends_the_pair),
		cmocka_unit_test(early_activation_is_rolled_back_without_confirmation),
		cmocka_unit_test(setup_without_a_valid_token_is_refused),
		cmocka_unit_test(random_lives_keep_the_invariants),
		cmocka_unit_test(rough_lives_leave_nothing_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
