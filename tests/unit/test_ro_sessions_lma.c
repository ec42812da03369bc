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

static bool is_allowed(const char *mn)
{
	struct mn_id id = world_id(mn);
	struct ro_session session;

	assert_true(ro_lma_sessions.find_by_id(world.lma, &id, &session));
	return session.allowed;
}

/* RO-002 */
static void node_takes_part_as_policy_says(void **state)
{
	struct policy_node denied = {
		.id = world_id("denied@example.com"), .proxy_registration = true, .ro_denied = true};

	(void)state;
	assert_int_equal(policy_add_node(world.policy, &denied), 0);
	world_register(&world, MN, MAG1);
	world_register(&world, "denied@example.com", MAG1);
	assert_true(is_allowed(MN));
	assert_false(is_allowed("denied@example.com"));
}

/* RO-002 */
static void node_takes_part_if_all_its_prefixes_are_eligible(void **state)
{
	struct home_network_prefix eligible[2] = {{.length = 63}, {.length = 36}};
	const uint64_t statics = world_endpoint("2001:db8:f1:1::/64"), pool = world_endpoint("2001:db8:f000::/64");

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		eligible[0].prefix.s6_addr[i] = (uint8_t)(statics >> (56 - 8 * i));
		eligible[1].prefix.s6_addr[i] = (uint8_t)(pool >> (56 - 8 * i));
	}
	assert_int_equal(policy_set_eligible(world.policy, eligible, 2), 0);
	world_register(&world, MN, MAG1);
	world_register(&world, "static@example.com", MAG1); /* the second of its prefixes is not in the /63 */
	assert_true(is_allowed(MN));
	assert_false(is_allowed("static@example.com"));
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

/* The MAG ended what it had of the MN's pairs, so this is no refresh. */
static void listener_hears_of_the_return_from_the_delete_wait(void **state)
{
	struct pba granted = world_register(&world, MN, MAG1);
	struct pbu pbu = world_pbu_again(&world, MN, MAG1, &granted, 0);

	(void)state;
	world_ask(&world, &pbu);
	heard_count = 0;
	lma_listen(world.lma, hear, &world);
	pbu = world_pbu_again(&world, MN, MAG1, &granted, 100);
	assert_int_equal(world_ask(&world, &pbu).status, MH_STATUS_ACCEPTED);
	assert_int_equal(heard_count, 1);
	assert_int_equal(heard[0], LMA_SESSION_RENEWED);
	pbu = world_pbu_again(&world, MN, MAG1, &granted, 0);
	world_ask(&world, &pbu);
	pbu = world_pbu_again(&world, MN, MAG2, &granted, 100);
	assert_int_equal(world_ask(&world, &pbu).status, MH_STATUS_ACCEPTED);
	assert_int_equal(heard_count, 2);
	assert_int_equal(heard[1], LMA_SESSION_MOVED);
}

/* Its de-registration was lost: it was not there in between. */
static void listener_hears_of_an_mn_that_attaches_anew_where_it_is_registered(void **state)
{
	struct pba granted = world_register(&world, MN, MAG1);
	struct pbu pbu = world_pbu_again(&world, MN, MAG1, &granted, 100);

	(void)state;
	heard_count = 0;
	lma_listen(world.lma, hear, &world);
	pbu.indicator = HI_UNKNOWN;
	assert_int_equal(world_ask(&world, &pbu).status, MH_STATUS_ACCEPTED);
	assert_int_equal(heard_count, 1);
	assert_int_equal(heard[0], LMA_SESSION_UP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(binding_is_found_by_prefix_and_by_identifier, set_up, tear_down),
		cmocka_unit_test_setup_teardown(node_takes_part_as_policy_says, set_up, tear_down),
		cmocka_unit_test_setup_teardown(node_takes_part_if_all_its_prefixes_are_eligible, set_up, tear_down),
		cmocka_unit_test_setup_teardown(listener_hears_of_registration_handover_and_removal, set_up, tear_down),
		cmocka_unit_test_setup_teardown(listener_hears_of_the_return_from_the_delete_wait, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			listener_hears_of_an_mn_that_attaches_anew_where_it_is_registered, set_up, tear_down),
		cmocka_unit_test_setup_teardown(session_in_the_delete_wait_is_not_found, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
