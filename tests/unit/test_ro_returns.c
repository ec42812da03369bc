/* SPDX-License-Identifier: BSD-3-Clause */
/* LMA: what the MAG that an MN left returns is taken for a while, of the MN's pairs only (RO-057, wire-formats G.6.2).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "ro_world.h"

#include "unit.h"

static struct world world;

static void begin(unsigned variant)
{
	world_init(&world, (struct world_options){.one_lma = variant & 1, .proxy = (variant & 2) != 0});
	world_traffic(&world, LMA1);
	assert_true(world_sends(&world, MAG1, 1, 2, MAG2));
}

/* At LMA1: packets from mn2 to mn1 out of the tunnel to @mag. */
static void expect_return_from(unsigned mag)
{
	const struct fwd_pair *entry = world_entry(&world, LMA1, 2, 1);
	const struct fake_host *fake = &world.nodes[LMA1].fake;

	assert_non_null(entry);
	assert_int_equal(entry->forward.action, FORWARD_LOCAL);
	assert_int_equal(entry->forward.flags, FORWARD_PAIR_RX);
	assert_int_equal(entry->forward.tunnel, INDEX_NONE);
	assert_int_equal(entry->check.former, INDEX_NONE);
	assert_true(fake->has_tunnel[entry->check.tunnel]);
	assert_memory_equal(
		&fake->tunnels[entry->check.tunnel].remote, &world.nodes[mag].config.address, sizeof(struct in6_addr));
}

static void expect_none(void)
{
	assert_null(world_entry(&world, LMA1, 2, 1));
	assert_null(world_entry(&world, LMA1, 1, 2));
	assert_int_equal(world.nodes[LMA1].fake.tunnel_count, 0);
}

static void returns_are_taken_for_the_linger_after_a_handover(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 4; variant++) {
		begin(variant);
		expect_none();
		world_move(&world, 1, MAG3);
		expect_return_from(MAG1);
		assert_null(world_entry(&world, LMA1, 1, 2)); /* the other MN is where it was */
		assert_true(world_sends(&world, MAG3, 1, 2, MAG2));
		world_pass(&world, 19900);
		expect_return_from(MAG1);
		world_pass(&world, 200);
		expect_none();
		world_fini(&world);
	}
}

static void only_the_mag_that_was_left_last_may_return(void **state)
{
	(void)state;
	begin(0);
	world_move(&world, 1, MAG3);
	world_pass(&world, 1000);
	world_move(&world, 1, MAG1);
	expect_return_from(MAG3);
	assert_int_equal(world.nodes[LMA1].fake.tunnel_count, 1);
	world_pass(&world, 20100);
	expect_none();
	world_fini(&world);
}

/* The MN has one prefix more: a pair of other prefixes. */
static void returns_of_a_pair_end_for_those_of_one_that_overlaps_it(void **state)
{
	struct world_mn *mn = &world.mns[0];

	(void)state;
	begin(3);
	world_move(&world, 1, MAG3);
	expect_return_from(MAG1);
	ro_stop(world.nodes[LMA1].ro, &world.now, mn->prefix, world.mns[1].prefix);
	world_run(&world);
	mn->second = mn->prefix;
	mn->prefix += 16;
	world_pass(&world, 11000);
	assert_int_equal(ro_start(world.nodes[LMA1].ro, &world.now, mn->prefix, world.mns[1].prefix), 0);
	world_run(&world);
	assert_true(world_sends(&world, MAG3, 1, 2, MAG2));
	world_move(&world, 1, MAG1);
	expect_return_from(MAG3);
	world_pass(&world, 20100);
	expect_none();
	world_fini(&world);
}

static void both_nodes_may_have_moved(void **state)
{
	(void)state;
	begin(1);
	world_move(&world, 1, MAG3);
	world_move(&world, 2, MAG1);
	expect_return_from(MAG1);
	assert_non_null(world_entry(&world, LMA1, 1, 2));
	assert_int_equal(world.nodes[LMA1].fake.tunnel_count, 2);
	world_pass(&world, 20100);
	expect_none();
	world_fini(&world);
}

static void removal_of_the_pair_does_not_end_it_early(void **state)
{
	(void)state;
	begin(0);
	world_move(&world, 1, MAG3);
	ro_stop(world.nodes[LMA1].ro, &world.now, world.mns[0].prefix, world.mns[1].prefix);
	world_run(&world);
	expect_return_from(MAG1);
	world_pass(&world, 20100);
	expect_none();
	world_fini(&world);
}

/* Nothing is returned of who has no pair. */
static void handover_without_a_pair_brings_nothing(void **state)
{
	(void)state;
	world_init(&world, (struct world_options){.one_lma = false});
	world_move(&world, 1, MAG3);
	expect_none();
	world_fini(&world);
}

/* The table is full: the handover goes on, only what is returned is lost. */
static void handover_goes_on_without_room_for_returns(void **state)
{
	(void)state;
	begin(0);
	world.refusals = true;
	world.nodes[LMA1].fake.fail_update = 1;
	world.nodes[LMA1].fake.fail_op = FWD_OP_pair_insert;
	world.nodes[LMA1].fake.fail_error = -28;
	world_move(&world, 1, MAG3);
	assert_null(world_entry(&world, LMA1, 2, 1));
	assert_true(world_sends(&world, MAG3, 1, 2, MAG2));
	assert_true(world_sends(&world, MAG2, 2, 1, MAG3));
	world_pass(&world, 20100);
	expect_none();
	world_fini(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(returns_are_taken_for_the_linger_after_a_handover),
		cmocka_unit_test(only_the_mag_that_was_left_last_may_return),
		cmocka_unit_test(returns_of_a_pair_end_for_those_of_one_that_overlaps_it),
		cmocka_unit_test(both_nodes_may_have_moved),
		cmocka_unit_test(removal_of_the_pair_does_not_end_it_early),
		cmocka_unit_test(handover_without_a_pair_brings_nothing),
		cmocka_unit_test(handover_goes_on_without_room_for_returns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
