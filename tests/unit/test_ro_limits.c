/* SPDX-License-Identifier: BSD-3-Clause */
/* What route optimisation does not do too often, too much at once, or with whom it is of no use (wire-formats G.7). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <errno.h>

#include <cmocka.h>

#include "ro_world.h"

static struct world world;

static void begin(unsigned variant)
{
	world_init(&world, (struct world_options){.proxy = variant & 1, .one_lma = variant & 2});
}

static int start(void)
{
	int error = ro_start(world.nodes[LMA1].ro, &world.now, world.mns[0].prefix, world.mns[1].prefix);

	world_run(&world);
	return error;
}

static bool is_direct(void)
{
	return world_sends(&world, MAG1, 1, 2, MAG2) && world_sends(&world, MAG2, 2, 1, MAG1);
}

/* ---- peers without route optimisation ---- */

static bool binding_error(unsigned at, unsigned from)
{
	bool taken = ro_binding_error(world.nodes[at].ro, &world.now, &world.nodes[from].config.address);

	world_run(&world);
	return taken;
}

static void binding_error_without_a_request_is_of_no_interest(void **state)
{
	(void)state;
	begin(2);
	assert_false(binding_error(LMA1, MAG2));
	assert_int_equal(start(), 0);
	assert_true(is_direct());
	assert_false(binding_error(LMA1, MAG2)); /* all requests are answered */
	assert_true(is_direct());
	world_fini(&world);
}

/* G.7: 300 s, doubling to an hour */
static void peer_that_knows_no_ro_is_left_alone_for_longer_and_longer(void **state)
{
	uint64_t silence_ms = 300000;

	(void)state;
	begin(2);
	world.nodes[MAG2].dead = true; /* a Binding Error is all that comes from there */
	for (unsigned i = 0; i < 6; i++) {
		assert_int_equal(start(), 0);
		assert_true(binding_error(LMA1, MAG2));
		world.arrow_count = 0;
		assert_int_equal(start(), -EOPNOTSUPP);
		world_pass(&world, silence_ms - 1000);
		assert_int_equal(start(), -EOPNOTSUPP);
		world.arrow_count = 0;
		world_pass(&world, 1000);
		silence_ms = silence_ms * 2 < 3600000 ? silence_ms * 2 : 3600000;
	}
	world_fini(&world);
}

static void peer_that_speaks_is_asked_again(void **state)
{
	struct ro_view view;

	(void)state;
	begin(0);
	world.nodes[LMA2].dead = true;
	assert_int_equal(start(), 0);
	assert_true(binding_error(LMA1, LMA2));
	assert_true(ro_pair_find(world.nodes[LMA1].ro, world.mns[0].prefix, world.mns[1].prefix, &view));
	assert_int_equal(view.state, RO_STATE_FALLBACK);
	assert_int_equal(view.last_failure, RO_STATUS_MODE);
	world.nodes[LMA2].dead = false; /* with another software */
	assert_int_equal(start(), -EOPNOTSUPP);
	assert_int_equal(ro_start(world.nodes[LMA2].ro, &world.now, world.mns[1].prefix, world.mns[0].prefix), 0);
	world_run(&world);
	assert_true(is_direct());
	world_fini(&world);
}

/* Also what would end something: there is nothing that it could end. */
static void nothing_is_repeated_to_a_peer_that_knows_no_ro(void **state)
{
	(void)state;
	begin(2);
	world.nodes[MAG1].dead = world.nodes[MAG2].dead = true;
	assert_int_equal(start(), 0);
	assert_true(binding_error(LMA1, MAG2));
	expect_arrows(&world, "LMA1 -RO Init-> MAG2", "LMA1 -RO Setup(0)-> MAG1");
	assert_true(binding_error(LMA1, MAG1));
	world_pass(&world, 10000);
	expect_arrows(&world, NULL);
	world_fini(&world);
}

/* What is left of a refused start must not fill the engine. */
static void refused_start_leaves_nothing_behind(void **state)
{
	struct ro_stats stats;

	(void)state;
	begin(2);
	world.nodes[MAG2].dead = true;
	assert_int_equal(start(), 0);
	assert_true(binding_error(LMA1, MAG2));
	world_pass(&world, 61000);
	assert_int_equal(start(), -EOPNOTSUPP);
	ro_stats(world.nodes[LMA1].ro, &stats);
	assert_int_equal(stats.pairs, 0);
	world_fini(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(binding_error_without_a_request_is_of_no_interest),
		cmocka_unit_test(peer_that_knows_no_ro_is_left_alone_for_longer_and_longer),
		cmocka_unit_test(peer_that_speaks_is_asked_again),
		cmocka_unit_test(nothing_is_repeated_to_a_peer_that_knows_no_ro),
		cmocka_unit_test(refused_start_leaves_nothing_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
