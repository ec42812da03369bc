/* SPDX-License-Identifier: BSD-3-Clause */
/* Mobile nodes of a pair that move: both at once, back and forth, next to each other, to gateways that want no part. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ro_world.h"

#define SETTLE_MS 23000

static struct world world;

static void begin(unsigned variant)
{
	world_init(&world, (struct world_options){.proxy = variant & 1, .one_lma = variant & 2, .early = variant & 4});
}

static unsigned mag_of(unsigned mn)
{
	return (unsigned)world.mns[mn - 1].mag;
}

static bool is_direct(void)
{
	return world_sends(&world, mag_of(1), 1, 2, mag_of(2)) && world_sends(&world, mag_of(2), 2, 1, mag_of(1));
}

static void expect_direct(const char *what, unsigned variant)
{
	if (!is_direct())
		fail_msg("%s, variant %u: not direct", what, variant);
}

/* The gateways hear of a move, and nothing is delivered before the next one. */
static void move_silently(unsigned number, unsigned mag)
{
	struct world_mn *mn = &world.mns[number - 1];
	unsigned from = mag_of(number);

	world.now.monotonic_ns += 1000000;
	world.now.wall_ns += 1000000;
	mn->mag = (int)mag;
	ro_session_changed(world.nodes[from].ro, &world.now, mn->prefix, RO_SESSION_DOWN);
	ro_session_changed(world.nodes[mag].ro, &world.now, mn->prefix, RO_SESSION_UP);
	ro_session_changed(world.nodes[mn->lma].ro, &world.now, mn->prefix, RO_SESSION_MOVED);
}

/* RO-062: the newest PBU wins, with both current MAGs */
static void both_mns_move_at_once(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 4; variant++) {
		for (unsigned first = 1; first <= 2; first++) {
			begin(variant);
			world_traffic(&world, LMA1);
			move_silently(first, MAG3);
			move_silently(3 - first, first == 1 ? MAG1 : MAG2);
			world_run(&world);
			world_pass(&world, SETTLE_MS);
			expect_direct("both at once", variant);
			world_fini(&world);
		}
	}
}

static uint64_t stamp_at(unsigned lma)
{
	struct ro_view view;

	assert_true(ro_pair_find(world.nodes[lma].ro, world.mns[0].prefix, world.mns[1].prefix, &view));
	return view.stamp;
}

/* G.6.3: equal stamps would make one update of two. */
static void moves_in_the_same_tick_of_the_stamp_are_two_updates(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 2; variant++) {
		for (unsigned tick = 0; tick < 8; tick++) {
			begin(variant);
			world_traffic(&world, LMA1);
			world.now.wall_ns += tick * 7000; /* a stamp counts 1/65536 s */
			move_silently(1, MAG3);
			world.now.monotonic_ns -= 1000000;
			world.now.wall_ns -= 1000000;
			move_silently(2, MAG1);
			assert_int_not_equal(stamp_at(LMA1), stamp_at(LMA2));
			world.lose = "LMA1 -RO Init-> LMA2";
			world.lose_count = 1;
			world_run(&world);
			world_pass(&world, SETTLE_MS);
			expect_direct("the same tick", variant);
			world_fini(&world);
		}
	}
}

static void both_mns_swap_their_mags(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 4; variant++) {
		begin(variant);
		world_traffic(&world, LMA1);
		move_silently(1, MAG2);
		move_silently(2, MAG1);
		world_run(&world);
		world_pass(&world, SETTLE_MS);
		expect_direct("swap", variant);
		world_fini(&world);
	}
}

static void mn_that_comes_straight_back_is_direct_again(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 4; variant++) {
		for (unsigned mn = 1; mn <= 2; mn++) {
			unsigned home;

			begin(variant);
			world_traffic(&world, LMA1);
			home = mag_of(mn);
			for (unsigned i = 0; i < 5; i++) {
				move_silently(mn, MAG3);
				move_silently(mn, home);
			}
			world_run(&world);
			world_pass(&world, SETTLE_MS);
			expect_direct("straight back", variant);
			world_fini(&world);
		}
	}
}

/* Its MAG ended its half with the de-registration; the LMA brings both together again, and nothing waits (G.6.15 b). */
static void mn_back_from_the_delete_wait_is_direct_again(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 16; variant++) {
		struct world_mn *mn = &world.mns[variant & 8 ? 1 : 0];
		struct ro_stats stats;
		unsigned home;

		begin(variant);
		world_traffic(&world, LMA1);
		home = mag_of(variant & 8 ? 2 : 1);
		expect_direct("before", variant);
		mn->mag = -1;
		ro_session_changed(world.nodes[home].ro, &world.now, mn->prefix, RO_SESSION_DOWN);
		world_run(&world);
		world_pass(&world, 2000);
		mn->mag = (int)home;
		ro_session_changed(world.nodes[home].ro, &world.now, mn->prefix, RO_SESSION_UP);
		ro_session_changed(world.nodes[mn->lma].ro, &world.now, mn->prefix, RO_SESSION_RENEWED);
		world_run(&world);
		expect_direct("back", variant);
		ro_stats(world.nodes[mn->lma].ro, &stats);
		assert_int_equal(stats.removals, 0);
		world_fini(&world);
	}
}

/* The MAG has forgotten the pair by then. */
static void mn_back_late_from_the_delete_wait_is_direct_again(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 8; variant++) {
		struct world_mn *mn = &world.mns[0];

		begin(variant);
		world_traffic(&world, LMA1);
		mn->given_up = true; /* its de-registration is on its way */
		ro_session_changed(world.nodes[MAG1].ro, &world.now, mn->prefix, RO_SESSION_DOWN);
		world_run(&world);
		world.early = true; /* nobody takes what MAG2 sends */
		world_pass(&world, 65000);
		mn->given_up = false;
		ro_session_changed(world.nodes[MAG1].ro, &world.now, mn->prefix, RO_SESSION_UP);
		ro_session_changed(world.nodes[LMA1].ro, &world.now, mn->prefix, RO_SESSION_RENEWED);
		world_run(&world);
		expect_direct("back", variant);
		world_fini(&world);
	}
}

/* G.6.6: its LMA refused the de-registration, so the Report of its MAG is what ends the other half. */
static void mn_that_its_lma_keeps_is_reported(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 8; variant++) {
		struct world_mn *mn = &world.mns[variant & 4 ? 1 : 0];
		unsigned home;

		begin(variant & 3);
		world_traffic(&world, LMA1);
		home = mag_of(variant & 4 ? 2 : 1);
		mn->given_up = true;
		ro_session_changed(world.nodes[home].ro, &world.now, mn->prefix, RO_SESSION_DOWN);
		world_run(&world);
		assert_false(world_is_quiet(&world));
		world.arrow_count = 0;
		ro_session_changed(world.nodes[home].ro, &world.now, mn->prefix, RO_SESSION_KEPT);
		world_run(&world);
		assert_true(world_is_quiet(&world));
		if (variant == 2) /* direct, one LMA */
			expect_arrows(&world, "MAG1 -RO Report(0)-> LMA1", "LMA1 -RO Report Ack-> MAG1",
				"LMA1 -RO Setup(0)-> MAG1", "LMA1 -RO Setup(0)-> MAG2", "MAG1 -RO Setup Ack-> LMA1",
				"MAG2 -RO Setup Ack-> LMA1");
		mn->given_up = false; /* it comes back, and its traffic sets the pair up again: nothing is held down */
		ro_session_changed(world.nodes[home].ro, &world.now, mn->prefix, RO_SESSION_UP);
		world_pass(&world, 2000);
		world.arrow_count = 0;
		world_traffic(&world, LMA1);
		expect_direct("back", variant);
		world_fini(&world);
	}
}

/* G.6.15 (d): its MAG takes what still comes direct until its Report, which is lost for a while, has ended that. */
static void mn_that_is_back_gets_what_still_comes(void **state)
{
	struct world_mn *mn = &world.mns[0];

	(void)state;
	begin(2);
	world_traffic(&world, LMA1);
	mn->given_up = true;
	ro_session_changed(world.nodes[MAG1].ro, &world.now, mn->prefix, RO_SESSION_DOWN);
	world_pass(&world, 18000);
	mn->given_up = false;
	world.lose = "MAG1 -RO Report(0)-> LMA1";
	world.lose_count = 3;
	ro_session_changed(world.nodes[MAG1].ro, &world.now, mn->prefix, RO_SESSION_UP);
	world_pass(&world, 3000); /* the linger since it left is over */
	assert_true(world_sends(&world, MAG2, 2, 1, MAG1));
	assert_int_equal(world_entry(&world, MAG1, 2, 1)->forward.action, FORWARD_LOCAL);
	world_pass(&world, 3000);
	assert_true(world_is_quiet(&world));
	world_fini(&world);
}

/* Who was never here is not reported. */
static void mn_of_another_mag_is_not_reported(void **state)
{
	struct world_mn *mn = &world.mns[1];

	(void)state;
	begin(2);
	world_traffic(&world, LMA1);
	ro_stop(world.nodes[LMA1].ro, &world.now, world.mns[0].prefix, mn->prefix);
	world_run(&world);
	world.arrow_count = 0;
	ro_session_changed(world.nodes[MAG1].ro, &world.now, mn->prefix, RO_SESSION_KEPT);
	world_run(&world);
	assert_int_equal(world.arrow_count, 0);
	world_fini(&world);
}

static void refuse_all(struct ro_config *config)
{
	static const struct home_network_prefix none = {.prefix = {.s6_addr = {0xfd}}, .length = 64};

	if (config->role == RO_ROLE_MAG && config->address.s6_addr[5] == 0xa3) {
		config->eligible = &none;
		config->eligible_count = 1;
	}
}

/* The direct path ends, and comes back when the MN does. */
static void mag_that_refuses_means_the_path_over_the_lma(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 8; variant++) {
		unsigned mn = variant & 4 ? 2 : 1, home;

		world_init(&world,
			(struct world_options){.proxy = variant & 1, .one_lma = variant & 2, .adjust = refuse_all});
		home = mag_of(mn);
		world_traffic(&world, LMA1);
		expect_direct("before", variant);
		world_move(&world, mn, MAG3);
		world_pass(&world, SETTLE_MS);
		assert_true(world_is_quiet(&world));
		world_move(&world, mn, (int)home);
		world_pass(&world, 31000); /* hold-down */
		world.arrow_count = 0;
		world_traffic(&world, LMA1);
		world_pass(&world, SETTLE_MS);
		expect_direct("after", variant);
		world_fini(&world);
	}
}

/* RO-085, RO-086: also with messages lost on the way */
static void pair_becomes_local_and_leaves_again(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 8; variant++) {
		unsigned mn = variant & 4 ? 2 : 1, mag = variant & 4 ? MAG1 : MAG2;

		for (unsigned n = 0; n <= 12; n++) {
			begin(variant & 3);
			world_traffic(&world, LMA1);
			world.lose_number = n;
			world_move(&world, mn, (int)mag);
			world_pass(&world, SETTLE_MS);
			expect_direct("becomes local", variant);
			world.arrow_count = 0;
			world.lose_number = n;
			world_move(&world, mn, MAG3);
			world_pass(&world, SETTLE_MS);
			expect_direct("leaves", variant);
			world_fini(&world);
		}
	}
}

static void arrows_of_local_pairs(void **state)
{
	(void)state;
	begin(2);
	world.mns[1].mag = MAG1;
	world_traffic(&world, LMA1);
	expect_arrows(&world, "LMA1 -RO Init-> MAG1", "MAG1 -RO Init Ack-> LMA1", "MAG1 -RO Report-> LMA1",
		"LMA1 -RO Report Ack-> MAG1");
	world_fini(&world);
	begin(3);
	world.mns[1].mag = MAG1;
	world_traffic(&world, LMA1);
	expect_arrows(&world, "LMA1 -RO Init-> MAG1", "MAG1 -RO Init Ack-> LMA1", "LMA1 -RO Setup-> MAG1",
		"MAG1 -RO Setup Ack-> LMA1", "LMA1 -RO Setup-> MAG1", "MAG1 -RO Setup Ack-> LMA1");
	world_fini(&world);
	begin(0);
	world.mns[1].mag = MAG1;
	world_traffic(&world, LMA1);
	expect_arrows(&world, "LMA1 -RO Init-> LMA2", "LMA2 -RO Init Ack-> LMA1", "LMA2 -RO Init-> MAG1",
		"MAG1 -RO Init Ack-> LMA2", "MAG1 -RO Report-> LMA2", "LMA2 -RO Report Ack-> MAG1",
		"LMA2 -RO Report-> LMA1", "LMA1 -RO Report Ack-> LMA2");
	world_fini(&world);
}

/* RO-087: TX right at the Init, confirmed in time it stays */
static void early_activation_stays_if_it_is_confirmed(void **state)
{
	(void)state;
	for (unsigned variant = 4; variant < 8; variant++) {
		begin(variant);
		world.lose = variant & 1 ? "LMA1 -RO Setup-> MAG1" : "MAG2 -RO Setup-> MAG1";
		world.lose_count = 1;
		world_traffic(&world, LMA1);
		assert_true(world_sends(&world, MAG2, 2, 1, MAG1));
		world_pass(&world, 450); /* no confirmation */
		assert_false(world_sends(&world, MAG2, 2, 1, MAG1));
		world_pass(&world, 2000);
		expect_direct("confirmed late", variant);
		world_move(&world, 1, MAG3);
		world_pass(&world, 1000);
		expect_direct("handover", variant);
		world_fini(&world);
	}
}

/* RO-088: what was rolled back and never confirmed is told as that */
static void early_activation_that_failed_is_reported_142(void **state)
{
	struct ro_stats stats;

	(void)state;
	begin(6);
	world.nodes[MAG1].dead = true;
	world_traffic(&world, LMA1);
	world_pass(&world, SETTLE_MS);
	assert_true(world_is_quiet(&world));
	ro_stats(world.nodes[MAG2].ro, &stats);
	assert_int_equal(stats.reports[RO_STATUS_ROLLED_BACK], 1);
	world_fini(&world);
}

/* RO-026, RO-086: a MAG may forbid it whatever the LMA asks for. */
static void no_early_activation(struct ro_config *config)
{
	if (config->role == RO_ROLE_MAG)
		config->early = false;
}

static void mag_that_does_not_allow_early_activation_waits(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 4; variant++) {
		world_init(&world, (struct world_options){.proxy = variant & 1,
					   .one_lma = variant & 2,
					   .early = true,
					   .adjust = no_early_activation});
		world.early = false; /* (d) holds at any time */
		world_traffic(&world, LMA1);
		expect_direct("without", variant);
		world_fini(&world);
	}
}

/* ---- several prefixes ---- */

static void expect_all_prefixes(unsigned mag)
{
	const struct world_node *node = &world.nodes[mag];
	unsigned tx = 0, rx = 0;

	for (unsigned i = 0; i < WORLD_PAIRS; i++) {
		tx += node->pairs[i].used && node->pairs[i].pair.forward.flags & FORWARD_PAIR_TX;
		rx += node->pairs[i].used && node->pairs[i].pair.forward.flags == FORWARD_PAIR_RX;
	}
	assert_int_equal(tx, 4);
	assert_int_equal(rx, 4);
}

/* RO-037 */
static void mns_with_two_prefixes_have_one_pair_of_all(void **state)
{
	struct ro_view view;

	(void)state;
	for (unsigned proxy = 0; proxy < 2; proxy++) {
		begin(2 | proxy);
		world.mns[0].second = UINT64_C(0x20010db800f10101);
		world.mns[1].second = UINT64_C(0x20010db800f10102);
		ro_traffic_seen(world.nodes[LMA1].ro, &world.now, world.mns[0].second, world.mns[1].prefix);
		ro_traffic_seen(world.nodes[LMA1].ro, &world.now, world.mns[1].prefix, world.mns[0].second);
		world_run(&world);
		expect_direct("two prefixes", proxy);
		expect_all_prefixes(MAG1);
		expect_all_prefixes(MAG2);
		assert_true(ro_pair_find(world.nodes[LMA1].ro, world.mns[1].second, world.mns[0].second, &view));
		world.arrow_count = 0;
		ro_traffic_seen(world.nodes[LMA1].ro, &world.now, world.mns[0].second, world.mns[1].second);
		ro_traffic_seen(world.nodes[LMA1].ro, &world.now, world.mns[1].second, world.mns[0].second);
		world_run(&world);
		expect_arrows(&world, NULL);
		world_move(&world, 1, MAG3);
		expect_direct("two prefixes moved", proxy);
		expect_all_prefixes(MAG3);
		assert_int_equal(
			ro_stop(world.nodes[LMA1].ro, &world.now, world.mns[0].second, world.mns[1].second), 0);
		world_run(&world);
		assert_true(world_is_quiet(&world));
		world_pass(&world, 90000);
		world_fini(&world);
	}
}

static void see(unsigned lma, uint64_t source, uint64_t destination)
{
	ro_traffic_seen(world.nodes[lma].ro, &world.now, source, destination);
	ro_traffic_seen(world.nodes[lma].ro, &world.now, destination, source);
}

static uint64_t prefix_of(unsigned mn, bool second)
{
	return second ? world.mns[mn - 1].second : world.mns[mn - 1].prefix;
}

static void begin_with_second_prefixes(unsigned variant)
{
	begin(variant);
	world.mns[0].second = UINT64_C(0x20010db800f10101);
	world.mns[1].second = variant & 2 ? UINT64_C(0x20010db800f10102) : UINT64_C(0x20010db800f20102);
}

/* One pair on every node of it, of all prefixes. */
static void expect_one_pair_of_all(const char *what, unsigned variant, unsigned mag1, unsigned mag2)
{
	unsigned nodes[] = {mag1, mag2, LMA1, LMA2};
	struct ro_stats stats;

	expect_all_prefixes(mag1);
	expect_all_prefixes(mag2);
	for (unsigned i = 0; i < (variant & 2 ? 3 : 4); i++) {
		ro_stats(world.nodes[nodes[i]].ro, &stats);
		if (stats.pairs != 1 || stats.active != 1)
			fail_msg("%s, variant %u: node %u has %u pairs, %u active", what, variant, nodes[i],
				stats.pairs, stats.active);
	}
}

/* All prefixes are of it already: nobody starts anything. */
static void expect_nothing_new(unsigned lma)
{
	world.arrow_count = 0;
	for (unsigned named = 0; named < 4; named++)
		see(lma, prefix_of(1, named & 1), prefix_of(2, named & 2));
	world_run(&world);
	expect_arrows(&world, NULL);
}

/* RO-037: whichever prefixes the packets had, and whichever LMA saw them. */
static void pair_is_about_all_prefixes_whichever_were_seen(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 4; variant++) {
		for (unsigned named = 0; named < 4; named++) {
			for (unsigned seen_by = 1; seen_by < (variant & 2 ? 2 : 4); seen_by++) {
				begin_with_second_prefixes(variant);
				for (unsigned lma = LMA1; lma <= LMA2; lma++)
					if (seen_by & 1u << lma)
						see(lma, prefix_of(1, named & 1), prefix_of(2, named & 2));
				world_run(&world);
				expect_one_pair_of_all("seen", variant, MAG1, MAG2);
				expect_nothing_new(LMA1);
				if ((variant & 2) == 0)
					expect_nothing_new(LMA2);
				world_move(&world, 1, MAG3);
				expect_direct("moved", variant);
				expect_all_prefixes(MAG3);
				expect_all_prefixes(MAG2);
				world_move(&world, 2, -1);
				world_pass(&world, 2000);
				assert_true(world_is_quiet(&world));
				world_fini(&world);
			}
		}
	}
}

/* Packets of all prefixes at once, at one LMA or both. */
static void flows_of_several_prefixes_at_once_are_one_pair(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 2; variant++) {
		for (unsigned order = 0; order < 12; order++) {
			unsigned first = order & 3, seen_by = order / 4 + 1;

			begin_with_second_prefixes(variant);
			for (unsigned i = 0; i < 4; i++) {
				unsigned named = i ^ first;

				if (seen_by & 1)
					see(LMA1, prefix_of(1, named & 1), prefix_of(2, named & 2));
				if (seen_by & 2)
					see(LMA2, prefix_of(1, named & 2), prefix_of(2, named & 1));
			}
			world_run(&world);
			world_pass(&world, 2000);
			expect_one_pair_of_all("at once", variant, MAG1, MAG2);
			world_fini(&world);
		}
	}
}

/* The session of the other LMA's MN has more prefixes than when the pair was set up. */
static void prefix_that_is_new_becomes_part_of_the_pair(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 2; variant++) {
		for (unsigned stopped = 0; stopped < 2; stopped++) {
			uint64_t second = UINT64_C(0x20010db800f20102);

			begin(variant);
			see(LMA1, prefix_of(1, false), prefix_of(2, false));
			world_run(&world);
			expect_direct("one prefix", variant);
			if (stopped)
				assert_int_equal(ro_stop(world.nodes[LMA1].ro, &world.now, world.mns[0].prefix,
							 world.mns[1].prefix),
					0);
			world_pass(&world, 40000); /* hold-down */
			world.mns[1].second = second;
			see(LMA1, prefix_of(1, false), second);
			world_run(&world);
			world_pass(&world, 2000);
			for (unsigned i = LMA1; i <= MAG2; i++) {
				struct ro_view view;

				assert_true(ro_pair_find(world.nodes[i].ro, world.mns[0].prefix, second, &view));
				assert_int_equal(view.state, RO_STATE_ACTIVE);
				assert_true(ro_pair_find(
					world.nodes[i].ro, world.mns[0].prefix, prefix_of(2, false), &view));
				assert_int_equal(view.state, RO_STATE_ACTIVE);
				assert_int_equal(view.sides[0].prefix_count + view.sides[1].prefix_count, 3);
			}
			expect_direct("two prefixes", variant);
			world_pass(&world, 2000);
			world_fini(&world);
		}
	}
}

/* A message is lost at any place of it. */
static void pair_is_about_all_prefixes_whatever_is_lost(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 4; variant++) {
		for (unsigned lost = 1; lost <= 14; lost++) {
			begin_with_second_prefixes(variant);
			world.lose_number = lost;
			see(LMA1, prefix_of(1, true), prefix_of(2, true));
			world_run(&world);
			world_pass(&world, 4000);
			expect_one_pair_of_all("a loss", variant, MAG1, MAG2);
			world_fini(&world);
		}
	}
}

/* ---- IPv4 home addresses ---- */

static void expect_ipv4(unsigned node, bool pbu, unsigned variant)
{
	const struct world *w = &world;
	struct ro_view view;

	assert_true(ro_pair_find(w->nodes[node].ro, w->mns[0].prefix, w->mns[1].prefix, &view));
	for (unsigned i = 0; i < 2; i++) {
		const struct ro_side_view *side = &view.sides[i];
		const struct world_mn *mn = &w->mns[side->prefixes[0] == w->mns[0].prefix ? 0 : 1];
		/* a PBU says nothing of the subnet */
		bool ok = memcmp(side->ipv4.address, mn->ipv4.address, 4) == 0 &&
			  (side->ipv4.length == mn->ipv4.length || (pbu && !side->ours && side->ipv4.length == 32));

		if (!ok)
			fail_msg("variant %u: node %u has another IPv4 address of %s", variant, node, mn->id);
	}
}

/* RO-037: every gateway of the pair is told, with the set-up and when one of them is new. */
static void ipv4_home_addresses_are_known_wherever_the_pair_is(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 6; variant++) {
		bool pbu = variant >= 4;

		world_init(&world, (struct world_options){.proxy = (variant & 1) && !pbu,
					   .one_lma = variant & 2,
					   .pbu_for_setup = pbu,
					   .trust_peers = pbu && (variant & 1)});
		world.mns[0].ipv4 = (struct ro_ipv4_home){{10, 1, 0, 9}, 24};
		world.mns[1].ipv4 = (struct ro_ipv4_home){{192, 0, 2, 77}, 28};
		world_traffic(&world, LMA1);
		expect_direct("IPv4", variant);
		for (unsigned node = LMA1; node <= MAG2; node++)
			if (node != LMA2 || !(variant & 2))
				expect_ipv4(node, pbu, variant);
		world_move(&world, 1, MAG3);
		expect_direct("IPv4, moved", variant);
		expect_ipv4(MAG2, pbu, variant);
		expect_ipv4(MAG3, pbu, variant);
		world_fini(&world);
	}
}

/* An address that only one of them has, and that it loses with a handover, is so everywhere. */
static void ipv4_home_address_that_is_gone_is_told_no_more(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 4; variant++) {
		begin(variant);
		world.mns[0].ipv4 = (struct ro_ipv4_home){{10, 1, 0, 9}, 24};
		world_traffic(&world, LMA1);
		expect_ipv4(MAG2, false, variant);
		world.mns[0].ipv4 = (struct ro_ipv4_home){.length = 0};
		world_move(&world, 1, MAG3);
		expect_direct("moved", variant);
		expect_ipv4(LMA1, false, variant);
		expect_ipv4(MAG2, false, variant);
		expect_ipv4(MAG3, false, variant);
		world_fini(&world);
	}
}

/* The MAG that it came back to never noticed that it was away. */
static void removal_follows_an_mn_to_where_it_came_back(void **state)
{
	(void)state;
	for (unsigned late = 0; late < 2; late++) {
		struct world_mn *mn = &world.mns[0];

		begin(3);
		world_traffic(&world, LMA1);
		expect_direct("set up", late);
		mn->mag = MAG3;
		ro_session_changed(world.nodes[MAG3].ro, &world.now, mn->prefix, RO_SESSION_UP);
		ro_session_changed(world.nodes[LMA1].ro, &world.now, mn->prefix, RO_SESSION_MOVED);
		world_run(&world);
		expect_direct("moved", late);
		if (late) {
			world_move(&world, 2, -1);
		} else { /* its LMA has not told anybody */
			world.mns[1].mag = -1;
			ro_session_changed(world.nodes[MAG2].ro, &world.now, world.mns[1].prefix, RO_SESSION_DOWN);
		}
		mn->mag = MAG1;
		ro_session_changed(world.nodes[MAG3].ro, &world.now, mn->prefix, RO_SESSION_DOWN);
		ro_session_changed(world.nodes[LMA1].ro, &world.now, mn->prefix, RO_SESSION_MOVED);
		world_run(&world);
		assert_true(world_is_quiet(&world));
		world_fini(&world);
	}
}

/* Nor did it hear that the MN had no binding in between. */
static void removal_follows_an_mn_that_is_registered_again(void **state)
{
	struct world_mn *mn = &world.mns[0];

	(void)state;
	begin(3);
	world_traffic(&world, LMA1);
	mn->mag = MAG3;
	ro_session_changed(world.nodes[MAG3].ro, &world.now, mn->prefix, RO_SESSION_UP);
	ro_session_changed(world.nodes[LMA1].ro, &world.now, mn->prefix, RO_SESSION_MOVED);
	world_run(&world);
	assert_true(is_direct());
	mn->mag = -1;
	ro_session_changed(world.nodes[MAG3].ro, &world.now, mn->prefix, RO_SESSION_DOWN);
	ro_session_changed(world.nodes[LMA1].ro, &world.now, mn->prefix, RO_SESSION_DOWN);
	world_run(&world);
	assert_false(world_is_quiet(&world)); /* MAG1 */
	mn->mag = MAG1;
	ro_session_changed(world.nodes[LMA1].ro, &world.now, mn->prefix, RO_SESSION_UP);
	world_run(&world);
	assert_true(world_is_quiet(&world));
	world_fini(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_mns_move_at_once),
		cmocka_unit_test(moves_in_the_same_tick_of_the_stamp_are_two_updates),
		cmocka_unit_test(both_mns_swap_their_mags),
		cmocka_unit_test(mn_that_comes_straight_back_is_direct_again),
		cmocka_unit_test(mn_back_from_the_delete_wait_is_direct_again),
		cmocka_unit_test(mn_back_late_from_the_delete_wait_is_direct_again),
		cmocka_unit_test(mn_that_its_lma_keeps_is_reported),
		cmocka_unit_test(mn_that_is_back_gets_what_still_comes),
		cmocka_unit_test(mn_of_another_mag_is_not_reported),
		cmocka_unit_test(mag_that_refuses_means_the_path_over_the_lma),
		cmocka_unit_test(pair_becomes_local_and_leaves_again),
		cmocka_unit_test(arrows_of_local_pairs),
		cmocka_unit_test(early_activation_stays_if_it_is_confirmed),
		cmocka_unit_test(early_activation_that_failed_is_reported_142),
		cmocka_unit_test(mag_that_does_not_allow_early_activation_waits),
		cmocka_unit_test(mns_with_two_prefixes_have_one_pair_of_all),
		cmocka_unit_test(ipv4_home_addresses_are_known_wherever_the_pair_is),
		cmocka_unit_test(ipv4_home_address_that_is_gone_is_told_no_more),
		cmocka_unit_test(pair_is_about_all_prefixes_whichever_were_seen),
		cmocka_unit_test(flows_of_several_prefixes_at_once_are_one_pair),
		cmocka_unit_test(prefix_that_is_new_becomes_part_of_the_pair),
		cmocka_unit_test(pair_is_about_all_prefixes_whatever_is_lost),
		cmocka_unit_test(removal_follows_an_mn_to_where_it_came_back),
		cmocka_unit_test(removal_follows_an_mn_that_is_registered_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
