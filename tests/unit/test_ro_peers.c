/* SPDX-License-Identifier: BSD-3-Clause */
/* Who depends on whom, and what goes with a peer that is lost (wire-formats G.6.14), pair by pair. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "ro_world.h"

#include "unit.h"

static struct world world;

static void begin(bool one_lma, bool proxy)
{
	world_init(&world, (struct world_options){.one_lma = one_lma, .proxy = proxy});
	world_traffic(&world, LMA1);
	assert_true(world_sends(&world, MAG1, 1, 2, MAG2));
	assert_true(world_sends(&world, MAG2, 2, 1, MAG1));
	world.arrow_count = 0;
}

static const struct in6_addr *address(unsigned node)
{
	return &world.nodes[node].config.address;
}

static void lose(unsigned at, unsigned peer)
{
	ro_peer_lost(world.nodes[at].ro, &world.now, address(peer));
	ro_advance(world.nodes[at].ro, &world.now);
	world_run(&world);
}

static uint32_t pairs_with(unsigned at, unsigned peer)
{
	while (!ro_peers_count(world.nodes[at].ro))
		continue;
	return ro_peer_pairs(world.nodes[at].ro, address(peer));
}

static struct ro_stats stats_of(unsigned node)
{
	struct ro_stats stats;

	ro_stats(world.nodes[node].ro, &stats);
	return stats;
}

/* ---- heartbeats are exchanged ---- */

static void expect_peers(unsigned at, unsigned mask)
{
	for (unsigned i = 0; i < NODES; i++)
		if (pairs_with(at, i) != (mask >> i & 1))
			fail_msg("%u and %u", at, i);
}

#define WITH(node) (1u << (node))

static void peers_of_a_direct_pair_have_heartbeats(void **state)
{
	(void)state;
	begin(false, false);
	expect_peers(LMA1, WITH(MAG1) | WITH(LMA2));
	expect_peers(LMA2, WITH(MAG2) | WITH(LMA1));
	expect_peers(MAG1, WITH(LMA1) | WITH(MAG2));
	expect_peers(MAG2, WITH(LMA2) | WITH(MAG1));
	expect_peers(MAG3, 0);
	ro_stop(world.nodes[LMA1].ro, &world.now, world.mns[0].prefix, world.mns[1].prefix);
	world_run(&world);
	for (unsigned i = 0; i < NODES; i++)
		expect_peers(i, 0);
	world_fini(&world);
}

/* RO-021 */
static void mags_of_a_proxied_pair_have_none_with_each_other(void **state)
{
	(void)state;
	begin(false, true);
	expect_peers(MAG1, WITH(LMA1));
	expect_peers(MAG2, WITH(LMA2));
	expect_peers(LMA1, WITH(MAG1) | WITH(LMA2));
	world_fini(&world);
}

static void one_lma_has_them_with_both_mags(void **state)
{
	(void)state;
	begin(true, false);
	expect_peers(LMA1, WITH(MAG1) | WITH(MAG2));
	expect_peers(MAG1, WITH(LMA1) | WITH(MAG2));
	world_fini(&world);
}

static void pair_counts_once_where_both_nodes_are(void **state)
{
	(void)state;
	world_init(&world, (struct world_options){.one_lma = true});
	world_move(&world, 2, MAG1);
	world_traffic(&world, LMA1);
	assert_true(world_sends(&world, MAG1, 1, 2, MAG1));
	expect_peers(LMA1, WITH(MAG1));
	expect_peers(MAG1, WITH(LMA1));
	world_fini(&world);
}

/* ---- what goes with a lost peer ---- */

/* Its MAGs send nothing direct any more, and do not tell the one that is not there. */
static void mag_without_its_lma_ends_what_that_anchors(void **state)
{
	(void)state;
	begin(false, false);
	world.early = true; /* until the other LMA has noticed too */
	lose(MAG1, LMA1);
	assert_false(world_sends(&world, MAG1, 1, 2, MAG2));
	assert_int_equal(world.arrow_count, 0);
	assert_int_equal(stats_of(MAG1).pairs_of_lost, 1);
	world_fini(&world);
}

/* Peer LMAs run Removal at their own MAG. */
static void lma_without_its_peer_removes_at_its_own_mag(void **state)
{
	(void)state;
	begin(false, false);
	world.nodes[LMA2].dead = true;
	lose(LMA1, LMA2);
	assert_false(world_sends(&world, MAG1, 1, 2, MAG2));
	assert_string_equal(world.arrows[0], "LMA1 -RO Setup(0)-> MAG1");
	world_fini(&world);
}

/* The peer MAG is gone: the controller hears of it, and removes at the other end too. */
static void mag_without_its_peer_reports_to_its_lma(void **state)
{
	(void)state;
	begin(false, false);
	lose(MAG1, MAG2);
	assert_string_equal(world.arrows[0], "MAG1 -RO Report(0)-> LMA1");
	assert_true(world_is_quiet(&world));
	world_fini(&world);
}

static void lma_of_a_restarted_mag_runs_removal(void **state)
{
	(void)state;
	for (unsigned one = 0; one < 2; one++) {
		begin(one == 1, false);
		lose(one == 1 ? LMA1 : LMA2, MAG2);
		assert_true(world_is_quiet(&world));
		world_fini(&world);
	}
}

static void loss_of_a_stranger_ends_nothing(void **state)
{
	(void)state;
	begin(false, false);
	for (unsigned at = 0; at < NODES; at++)
		lose(at, MAG3);
	lose(MAG1, LMA2);
	lose(MAG2, LMA1);
	assert_true(world_sends(&world, MAG1, 1, 2, MAG2));
	assert_true(world_sends(&world, MAG2, 2, 1, MAG1));
	assert_int_equal(world.arrow_count, 0);
	world_fini(&world);
}

/* RO-011: nobody takes over; after the hold-down traffic brings the direct path back. */
static void pair_comes_back_with_new_traffic_after_its_hold_down(void **state)
{
	(void)state;
	begin(false, false);
	lose(MAG1, MAG2);
	assert_true(world_is_quiet(&world));
	world_traffic(&world, LMA1);
	assert_true(world_is_quiet(&world));
	world_pass(&world, 31000);
	world_traffic(&world, LMA1);
	assert_true(world_sends(&world, MAG1, 1, 2, MAG2));
	assert_true(world_sends(&world, MAG2, 2, 1, MAG1));
	world_fini(&world);
}

/* ---- pairs that send direct, and RO Errors about them ---- */

static void direct_pairs_are_those_that_send(void **state)
{
	struct ro_direct direct;
	uint32_t from = 0;

	(void)state;
	begin(false, false);
	assert_true(ro_direct_next(world.nodes[MAG1].ro, &from, 16, &direct));
	assert_memory_equal(&direct.peer, address(MAG2), 16);
	assert_false(direct.proxy);
	assert_true(ro_direct_find(world.nodes[MAG1].ro, world.mns[0].prefix, world.mns[1].prefix, &direct));
	assert_false(ro_direct_find(world.nodes[MAG1].ro, world.mns[1].prefix, world.mns[0].prefix, &direct));
	assert_false(ro_direct_find(world.nodes[MAG1].ro, world.mns[0].prefix, world.mns[2].prefix, &direct));
	lose(MAG1, MAG2);
	from = 0;
	assert_false(ro_direct_next(world.nodes[MAG1].ro, &from, 16, &direct));
	assert_false(ro_direct_find(world.nodes[MAG1].ro, world.mns[0].prefix, world.mns[1].prefix, &direct));
	world_fini(&world);
}

/* G.6.2, RO-088 */
static void error_of_the_peer_ends_its_pair_with_139(void **state)
{
	(void)state;
	begin(false, false);
	ro_error(world.nodes[MAG1].ro, &world.now, world.mns[0].prefix, world.mns[1].prefix, address(MAG2));
	world_run(&world);
	assert_string_equal(world.arrows[0], "MAG1 -RO Report(0)-> LMA1");
	assert_int_equal(stats_of(MAG1).reports[RO_STATUS_UNKNOWN], 1);
	assert_int_equal(stats_of(MAG1).errors_taken, 1);
	assert_true(world_is_quiet(&world));
	world_fini(&world);
}

static void error_of_another_or_about_another_direction_is_ignored(void **state)
{
	struct ro *ro;

	(void)state;
	begin(false, false);
	ro = world.nodes[MAG1].ro;
	ro_error(ro, &world.now, world.mns[0].prefix, world.mns[1].prefix, address(MAG3));
	ro_error(ro, &world.now, world.mns[1].prefix, world.mns[0].prefix, address(MAG2));
	ro_error(ro, &world.now, world.mns[0].prefix, world.mns[2].prefix, address(MAG2));
	ro_error(world.nodes[LMA1].ro, &world.now, world.mns[0].prefix, world.mns[1].prefix, address(MAG2));
	world_run(&world);
	assert_true(world_sends(&world, MAG1, 1, 2, MAG2));
	assert_int_equal(stats_of(MAG1).errors_ignored, 3);
	assert_int_equal(world.arrow_count, 0);
	world_fini(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(peers_of_a_direct_pair_have_heartbeats),
		cmocka_unit_test(mags_of_a_proxied_pair_have_none_with_each_other),
		cmocka_unit_test(one_lma_has_them_with_both_mags),
		cmocka_unit_test(pair_counts_once_where_both_nodes_are),
		cmocka_unit_test(mag_without_its_lma_ends_what_that_anchors),
		cmocka_unit_test(lma_without_its_peer_removes_at_its_own_mag),
		cmocka_unit_test(mag_without_its_peer_reports_to_its_lma),
		cmocka_unit_test(lma_of_a_restarted_mag_runs_removal),
		cmocka_unit_test(loss_of_a_stranger_ends_nothing),
		cmocka_unit_test(pair_comes_back_with_new_traffic_after_its_hold_down),
		cmocka_unit_test(direct_pairs_are_those_that_send),
		cmocka_unit_test(error_of_the_peer_ends_its_pair_with_139),
		cmocka_unit_test(error_of_another_or_about_another_direction_is_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
