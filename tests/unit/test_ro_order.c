/* SPDX-License-Identifier: BSD-3-Clause */
/* In-order switch-over (RO-077, wire-formats G.6.13): which packets a MAG has held back, and when it sends markers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ro_world.h"

static struct world world;

static void begin(struct world_options options)
{
	options.in_order = true;
	world_init(&world, options);
}

static uint64_t prefix(unsigned mn)
{
	return world.mns[mn - 1].prefix;
}

/* How many markers @mag sent behind the packets of mn @from to mn @to, by their first prefixes. */
static unsigned markers(unsigned mag, unsigned from, unsigned to)
{
	unsigned count = 0;

	for (unsigned i = 0; i < world.marker_count; i++)
		count += world.markers[i].mag == mag && world.markers[i].source == prefix(from) &&
			 world.markers[i].destination == prefix(to);
	return count;
}

/* Number of the switch-over of what comes to @mag for mn @to. */
static uint8_t hold(unsigned mag, unsigned from, unsigned to)
{
	for (unsigned i = 0; i < WORLD_PAIRS; i++) {
		const struct world_pair *entry = &world.nodes[mag].pairs[i];

		if (entry->used && entry->pair.source == prefix(from) && entry->pair.destination == prefix(to) &&
			(entry->pair.forward.flags & FORWARD_PAIR_RX) != 0)
			return entry->pair.forward.hold;
	}
	fail_msg("mag %u takes nothing", mag);
	return 0;
}

static void both_ends_send_a_marker_and_hold_at_set_up(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 16; variant++) {
		begin((struct world_options){
			.proxy = variant & 1, .one_lma = variant & 2, .native = variant & 4, .early = variant & 8});
		world_traffic(&world, LMA1);
		assert_true(world_sends(&world, MAG1, 1, 2, MAG2) && world_sends(&world, MAG2, 2, 1, MAG1));
		assert_int_equal(markers(MAG1, 1, 2), 1);
		assert_int_equal(markers(MAG2, 2, 1), 1);
		assert_int_equal(world.marker_count, 2);
		assert_int_not_equal(hold(MAG1, 2, 1), 0);
		assert_int_not_equal(hold(MAG2, 1, 2), 0);
		world_fini(&world);
	}
}

static void nothing_is_held_and_no_marker_sent_unless_policy_says_so(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 4; variant++) {
		world_init(&world, (struct world_options){.proxy = variant & 1, .one_lma = variant & 2});
		world_traffic(&world, LMA1);
		assert_int_equal(world.marker_count, 0);
		assert_int_equal(hold(MAG1, 2, 1), 0);
		assert_int_equal(hold(MAG2, 1, 2), 0);
		world_fini(&world);
	}
}

/* Every pair of prefixes is an entry of its own where it is held. */
static void node_with_two_prefixes_gets_a_marker_for_each(void **state)
{
	(void)state;
	begin((struct world_options){.one_lma = true});
	world.mns[0].second = prefix(1) + 0x1000;
	world_traffic(&world, LMA1);
	assert_int_equal(world.marker_count, 4);
	assert_int_equal(markers(MAG1, 1, 2), 1);
	assert_int_equal(markers(MAG2, 2, 1), 1);
	world_fini(&world);
}

static void refresh_does_not_switch(void **state)
{
	uint8_t before[2];

	(void)state;
	for (unsigned variant = 0; variant < 4; variant++) {
		begin((struct world_options){.proxy = variant & 1, .one_lma = variant & 2});
		world_traffic(&world, LMA1);
		before[0] = hold(MAG1, 2, 1);
		before[1] = hold(MAG2, 1, 2);
		world.marker_count = 0;
		world_pass(&world, 700000);
		assert_true(world_sends(&world, MAG1, 1, 2, MAG2));
		assert_int_equal(world.marker_count, 0);
		assert_int_equal(hold(MAG1, 2, 1), before[0]);
		assert_int_equal(hold(MAG2, 1, 2), before[1]);
		world_fini(&world);
	}
}

/* Packets of the moved MN went over its LMA meanwhile; those for it returned, or do so now. */
static void handover_switches_again(void **state)
{
	uint8_t before;

	(void)state;
	for (unsigned variant = 0; variant < 4; variant++) {
		begin((struct world_options){.proxy = variant & 1, .one_lma = variant & 2});
		world_traffic(&world, LMA1);
		before = hold(MAG2, 1, 2);
		world.marker_count = 0;
		world_move(&world, 1, MAG3);
		assert_true(world_sends(&world, MAG3, 1, 2, MAG2) && world_sends(&world, MAG2, 2, 1, MAG3));
		assert_int_equal(markers(MAG3, 1, 2), 1);
		assert_int_equal(markers(MAG2, 2, 1), 1);
		assert_int_equal(world.marker_count, 2);
		assert_int_not_equal(hold(MAG2, 1, 2), before);
		assert_int_not_equal(hold(MAG3, 2, 1), 0);
		assert_int_equal(hold(MAG1, 2, 1), 0); /* what comes for the MN that left returns at once */
		world_fini(&world);
	}
}

static void second_set_up_switches_again(void **state)
{
	uint8_t before;

	(void)state;
	begin((struct world_options){.one_lma = true});
	world_traffic(&world, LMA1);
	before = hold(MAG1, 2, 1);
	world.marker_count = 0;
	assert_int_equal(ro_stop(world.nodes[LMA1].ro, &world.now, prefix(1), prefix(2)), 0);
	world_run(&world);
	assert_true(world_is_quiet(&world));
	assert_int_equal(world.marker_count, 0);
	assert_int_equal(ro_start(world.nodes[LMA1].ro, &world.now, prefix(1), prefix(2)), 0);
	world_run(&world);
	assert_true(world_sends(&world, MAG1, 1, 2, MAG2));
	assert_int_equal(world.marker_count, 2);
	assert_int_not_equal(hold(MAG1, 2, 1), before);
	world_fini(&world);
}

/* There is one path between them, and then another: in one gateway. */
static void local_pair_needs_no_marker(void **state)
{
	(void)state;
	begin((struct world_options){.one_lma = true});
	world_move(&world, 2, MAG1);
	world_traffic(&world, LMA1);
	assert_true(world_sends(&world, MAG1, 1, 2, MAG1));
	assert_int_equal(world.marker_count, 0);
	world_fini(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ends_send_a_marker_and_hold_at_set_up),
		cmocka_unit_test(nothing_is_held_and_no_marker_sent_unless_policy_says_so),
		cmocka_unit_test(node_with_two_prefixes_gets_a_marker_for_each),
		cmocka_unit_test(refresh_does_not_switch),
		cmocka_unit_test(handover_switches_again),
		cmocka_unit_test(second_set_up_switches_again),
		cmocka_unit_test(local_pair_needs_no_marker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
