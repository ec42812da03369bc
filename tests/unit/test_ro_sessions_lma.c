/* SPDX-License-Identifier: BSD-3-Clause */
/* The binding cache as route optimisation sees it. */
#include "lma_world.h"

#include "ro/sessions.h"

#define MN "mn1@example.com"

static struct lma_world world;

static int set_up(void **state)
{
	(void)state;
	world_init(&world, NULL);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	world_fini(&world);
	return 0;
}

static void binding_is_found_by_prefix_and_by_identifier(void **state)
{
	struct mn_id id = world_id(MN), nobody = world_id("nobody");
	struct ro_session session, same;
	struct pba granted;
	uint64_t prefix;

	(void)state;
	assert_false(ro_lma_sessions.find_by_id(world.lma, &id, &session));
	granted = world_register(&world, MN, MAG1);
	assert_true(ro_lma_sessions.find_by_id(world.lma, &id, &session));
	assert_false(ro_lma_sessions.find_by_id(world.lma, &nobody, &same));
	assert_int_equal(session.prefix_count, 1);
	prefix = session.prefixes[0];
	assert_true(ro_lma_sessions.find_by_prefix(world.lma, prefix, &same));
	assert_false(ro_lma_sessions.find_by_prefix(world.lma, prefix + 1, &same));
	assert_memory_equal(&same.mag, &mag_addresses[MAG1], 16);
	assert_memory_equal(&same.lma, &lma_address, 16);
	assert_int_equal(same.id.length, id.length);
	assert_int_equal(granted.options.prefix_count, 1);
}

static void session_in_the_delete_wait_is_not_found(void **state)
{
	struct pba granted = world_register(&world, MN, MAG1);
	struct mn_id id = world_id(MN);
	struct ro_session session;
	struct pbu pbu = world_pbu_again(&world, MN, MAG1, &granted, 0);

	(void)state;
	world_ask(&world, &pbu);
	assert_false(ro_lma_sessions.find_by_id(world.lma, &id, &session));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(binding_is_found_by_prefix_and_by_identifier, set_up, tear_down),
		cmocka_unit_test_setup_teardown(session_in_the_delete_wait_is_not_found, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
