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

static enum lma_session_change heard[8];
static unsigned heard_count;
static uint64_t heard_prefix;

static void hear(void *context, const struct engine_time *now, uint64_t prefix, enum lma_session_change change)
{
	assert_ptr_equal(context, &world);
	assert_int_equal(now->monotonic_ns, world.now.monotonic_ns);
	assert_null(world.fake.open); /* a listener may have a transaction of its own */
	heard_prefix = prefix;
	heard[heard_count++ % 8] = change;
}

static void listener_hears_of_registration_handover_and_removal(void **state)
{
	struct mn_id id = world_id(MN);
	struct pbu pbu;
	struct pba granted;

	(void)state;
	heard_count = 0;
	lma_listen(world.lma, hear, &world);
	granted = world_register(&world, MN, MAG1);
	assert_int_equal(heard_count, 1);
	assert_int_equal(heard[0], LMA_SESSION_UP);
	pbu = world_pbu_again(&world, MN, MAG1, &granted, 100);
	granted = world_ask(&world, &pbu); /* a refresh is no news */
	assert_int_equal(heard_count, 1);
	pbu = world_pbu_again(&world, MN, MAG2, &granted, 100);
	pbu.indicator = HI_BETWEEN_MAGS;
	assert_int_equal(world_ask(&world, &pbu).status, MH_STATUS_ACCEPTED);
	assert_int_equal(heard_count, 2);
	assert_int_equal(heard[1], LMA_SESSION_MOVED);
	assert_int_equal(lma_clear(world.lma, &world.now, &id), 1);
	assert_int_equal(heard_count, 3);
	assert_int_equal(heard[2], LMA_SESSION_DOWN);
	assert_int_not_equal(heard_prefix, 0);
	fake_host_run(&world.fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(binding_is_found_by_prefix_and_by_identifier, set_up, tear_down),
		cmocka_unit_test_setup_teardown(listener_hears_of_registration_handover_and_removal, set_up, tear_down),
		cmocka_unit_test_setup_teardown(session_in_the_delete_wait_is_not_found, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
