/* SPDX-License-Identifier: BSD-3-Clause */
/* The binding update list as route optimisation sees it. */
#include "mag_world.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "ro/sessions.h"

#define PREFIX_ID UINT64_C(0x20010db800f10001)

static void attached_node_is_found_with_its_link_and_lma(void **state)
{
	static const char name[] = "mn1@example.com";
	struct mn_id id = {.subtype = 1, .length = sizeof(name) - 1, .data = (const uint8_t *)name};
	struct ro_session session;

	(void)state;
	assert_false(ro_mag_sessions.find_by_prefix(world->mag, PREFIX_ID, &session));
	world_attached();
	assert_true(ro_mag_sessions.find_by_id(world->mag, &id, &session));
	assert_int_equal(session.prefixes[0], PREFIX_ID);
	assert_true(ro_mag_sessions.find_by_prefix(world->mag, PREFIX_ID, &session));
	assert_int_equal(session.link, 0);
	assert_memory_equal(session.mac, world_mac, 6);
	assert_memory_equal(&session.lma, &world_lma, 16);
	assert_memory_equal(&session.mag, &world_mag, 16);
	assert_false(ro_mag_sessions.find_by_prefix(world->mag, PREFIX_ID + 1, &session));
}

static bool is_allowed(void)
{
	struct ro_session session;

	assert_true(ro_mag_sessions.find_by_prefix(world->mag, PREFIX_ID, &session));
	return session.allowed;
}

/* RO-002 */
static void node_takes_part_as_policy_says(void **state)
{
	static const char name[] = "new@example.com";
	struct policy_node node = {.id = {1, sizeof(name) - 1, (const uint8_t *)name},
		.has_mac = true,
		.mac = {2, 0, 0, 0, 0, 9},
		.ro_denied = true,
		.in_order = true};
	struct ro_session session;

	(void)state;
	assert_int_equal(policy_add_node(world->policy, &node), 0);
	world_rs(0, node.mac, "fe80::9");
	world_answer(&(struct world_pba){.lifetime_s = 600, .prefixes = {"2001:db8:f1:9::/64"}});
	assert_true(ro_mag_sessions.find_by_id(world->mag, &node.id, &session));
	assert_false(session.allowed);
	assert_true(session.in_order);
}

/* RO-002 */
static void node_takes_part_if_its_prefix_is_eligible(void **state)
{
	struct home_network_prefix other = world_prefix("2001:db8:f1::/48"), own = world_prefix("2001:db8:f0::/47");
	struct ro_session session;

	(void)state;
	world_attached();
	assert_true(is_allowed());
	assert_true(ro_mag_sessions.find_by_prefix(world->mag, PREFIX_ID, &session));
	assert_false(session.in_order);
	assert_int_equal(policy_set_eligible(world->policy, &(struct home_network_prefix){{{{0xfd}}}, 8}, 1), 0);
	assert_false(is_allowed());
	assert_int_equal(policy_set_eligible(world->policy, &other, 1), 0);
	assert_true(is_allowed());
	assert_int_equal(policy_set_eligible(world->policy, &own, 1), 0);
	assert_true(is_allowed());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			attached_node_is_found_with_its_link_and_lma, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(node_takes_part_as_policy_says, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(node_takes_part_if_its_prefix_is_eligible, world_setup, world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
