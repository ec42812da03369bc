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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			attached_node_is_found_with_its_link_and_lma, world_setup, world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
