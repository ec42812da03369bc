/* SPDX-License-Identifier: BSD-3-Clause */
/* What the control socket of a MAG shows and does. */
#include "api_fixture.h"
#include "mag_world.h"

#include <unistd.h>

#include "api/advice.h"
#include "api/links.h"
#include "api/objects.h"
#include "ro/sessions.h"

static const uint8_t mn2_mac[6] = {2, 0, 0, 0, 0, 2}, stranger[6] = {2, 0, 0, 0, 0, 9};

static struct api_fixture fixture;
static struct engine_host_ops ops;

static void on_engine_event(
	struct engine_host *host, const struct engine_time *now, const struct mn_id *id, uint8_t event, uint8_t value)
{
	events_add(fixture.events, now->wall_ns, id, (enum history_event)event, value);
}

static void source_world_now(void *context, struct engine_time *now)
{
	*now = world->now;
}

static int setup(void **state)
{
	world_setup(state);
	ops = *world->fake.host.ops;
	ops.event = on_engine_event;
	world->fake.host.ops = &ops;
	fixture_init(&fixture, api_mag_yaml);
	fixture.sources.policy = world->policy;
	fixture.sources.mag = world->mag;
	fixture.sources.now = source_world_now;
	fixture.sources.started =
		(struct engine_time){world->now.monotonic_ns - 1000000000, world->now.wall_ns - 1000000000};
	return 0;
}

static int teardown(void **state)
{
	fixture_fini(&fixture);
	return world_teardown(state);
}

/* mn1 registered on link 0; mn2 rejected on VLAN 20 of the second access port; a stranger asks and gets no answer. */
static void populate(void)
{
	world_attached();
	world_pass(700);
	mag_unknown_mac(world->mag, &world->now, 2, mn2_mac);
	world_apply();
	world_reject(MH_STATUS_NOT_LMA_FOR_THIS_MOBILE_NODE);
	world_pass(300);
	world_rs(1, stranger, "fe80::9");
	world_pass(3500);
}

static void every_object_shows_as_table_and_as_json(void **state)
{
	static const enum object objects[] = {OBJECT_node, OBJECT_bindings, OBJECT_nodes, OBJECT_tunnels, OBJECT_peers,
		OBJECT_ports, OBJECT_messages, OBJECT_pools, OBJECT_events, OBJECT_config, OBJECT_variables,
		OBJECT_routes, OBJECT_neighbours};

	populate();
	fixture_start(&fixture);
	for (unsigned i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
		const char *object = object_name(objects[i]);
		char name[64];

		snprintf(name, sizeof(name), "mag_%s.txt", object);
		GOLDEN(&fixture, name, "show", object);
		snprintf(name, sizeof(name), "mag_%s.json", object);
		GOLDEN(&fixture, name, "show", object, "--json");
	}
	GOLDEN(&fixture, "mag_bindings_wide.txt", "show", "bindings", "--wide");
	GOLDEN(&fixture, "mag_nodes_wide.txt", "show", "nodes", "--wide");
}

static void why_tells_what_a_node_waits_for(void **state)
{
	populate();
	fixture_start(&fixture);
	GOLDEN(&fixture, "mag_why_active.txt", "why", "mn1@example.com");
	GOLDEN(&fixture, "mag_why_refused.txt", "why", "mn2@example.com");
	GOLDEN(&fixture, "mag_why_registering.txt", "why", "02:00:00:00:00:09");
	GOLDEN(&fixture, "mag_why_prefix.txt", "why", "2001:db8:f1:1::/64");
}

static void why_of_a_mac_without_a_session_is_that_of_its_node(void **state)
{
	fixture_start(&fixture);
	GOLDEN(&fixture, "mag_why_absent.txt", "why", "02:00:00:00:00:02");
}

static void why_of_a_pair_tells_the_session_that_is_here(void **state)
{
	static struct ro_peer peer = {.role = RO_ROLE_LMA};
	struct ro_config config = ro_config_default();
	struct ro *ro;

	populate();
	peer.address = world_lma;
	config.role = RO_ROLE_MAG;
	config.address = world_mag;
	config.peers = &peer;
	config.peer_count = 1;
	config.tunnel = (struct fwd_tunnel){.local = world_mag, .use = TUNNEL_TO_PEER_MAG};
	ro = ro_create(&config, &world->fake.host, &ro_mag_sessions, world->mag, &world->now);
	assert_non_null(ro);
	fixture.sources.ro = ro;
	fixture_start(&fixture);
	GOLDEN(&fixture, "mag_why_no_pair.txt", "why", "mn1@example.com", "2001:db8:f1:77::1");
	EXPECT_CLI(&fixture, 1, "", "mn2@example.com", "why", "mn1@example.com", "mn2@example.com"); /* no prefix yet */
	EXPECT_CLI(&fixture, 1, "", "this gateway is a MAG: run it on ", "ro", "start", "mn1@example.com",
		"2001:db8:f1:77::1");
	ro_destroy(ro);
}

static void attach_names_the_link_as_port_vlan_or_number(void **state)
{
	fixture_start(&fixture);
	EXPECT_CLI(&fixture, 0, "attaching 00:00:00:00:01:01 on acc0\n", "", "attach", "acc0", "00:00:00:00:01:01");
	assert_int_equal(fixture.link, 0);
	assert_memory_equal(fixture.mac, world_mac, 6);
	EXPECT_CLI(
		&fixture, 0, "attaching 00:00:00:00:01:01 on acc1.20\n", "", "attach", "acc1.20", "00:00:00:00:01:01");
	assert_int_equal(fixture.link, 2);
	EXPECT_CLI(&fixture, 0, "attaching 00:00:00:00:01:01 on acc1.10\n", "", "attach", "1", "00:00:00:00:01:01");
	assert_int_equal(fixture.link, 1);
	assert_int_equal(fixture.attaches, 3);
	EXPECT_CLI(&fixture, 0,
		"{\"result\":\"attaching\",\"mac\":\"00:00:00:00:01:01\",\"link\":0,\"port\":\"acc0\",\"vlan\":null}\n",
		"", "attach", "acc0", "00:00:00:00:01:01", "--json");
}

static void attach_to_what_is_no_link_is_refused(void **state)
{
	fixture_start(&fixture);
	EXPECT_CLI(
		&fixture, 2, "", "has several VLANs: name one, as in acc1.10", "attach", "acc1", "00:00:00:00:01:01");
	EXPECT_CLI(&fixture, 2, "", "is no access port", "attach", "core0", "00:00:00:00:01:01");
	EXPECT_CLI(&fixture, 2, "", "is no access port", "attach", "core0.10", "00:00:00:00:01:01");
	EXPECT_CLI(&fixture, 1, "", "there is no access link", "attach", "acc1.30", "00:00:00:00:01:01");
	EXPECT_CLI(&fixture, 1, "", "there is no access link", "attach", "acc0.10", "00:00:00:00:01:01");
	EXPECT_CLI(&fixture, 1, "", "there is no access link", "attach", "3", "00:00:00:00:01:01");
	EXPECT_CLI(&fixture, 1, "", "there is no access link", "attach", "70000", "00:00:00:00:01:01");
	EXPECT_CLI(&fixture, 1, "", "there is no access link", "attach", "", "00:00:00:00:01:01");
	EXPECT_CLI(&fixture, 2, "", "needs a mac", "attach", "acc0", "02:00");
	assert_int_equal(fixture.attaches, 0);
}

static void refusal_of_the_daemon_is_told_with_what_to_do(void **state)
{
	fixture_start(&fixture);
	fixture.error = -EALREADY;
	EXPECT_CLI(&fixture, 1, "", "attached already", "attach", "acc0", "00:00:00:00:01:01");
	fixture.error = -EACCES;
	EXPECT_CLI(&fixture, 1, "", "list it under mobile-nodes", "attach", "acc0", "00:00:00:00:01:01");
	fixture.error = -ENOSPC;
	EXPECT_CLI(&fixture, 1, "", "raise max-nodes", "attach", "acc0", "00:00:00:00:01:01");
	fixture.error = -ENOENT;
	EXPECT_CLI(&fixture, 1, "", "no attached mobile node", "detach", "mn1@example.com");
	fixture.error = -EIO;
	EXPECT_CLI(&fixture, 1, "", "Input/output error", "detach", "mn1@example.com");
}

static void detach_takes_an_identifier_or_a_mac(void **state)
{
	fixture_start(&fixture);
	EXPECT_CLI(&fixture, 0, "detaching mn2@example.com\n", "", "detach", "mn2@example.com");
	assert_string_equal(fixture.mn, "mn2@example.com");
	EXPECT_CLI(&fixture, 0, "detaching mn1@example.com\n", "", "detach", "00:00:00:00:01:01");
	assert_string_equal(fixture.mn, "mn1@example.com");
	assert_int_equal(fixture.detaches, 2);
	EXPECT_CLI(&fixture, 1, "", "clear binding is for an LMA", "clear", "binding", "mn1@example.com");
}

static void filter_by_port_and_mac(void **state)
{
	struct cli_result result;

	populate();
	fixture_start(&fixture);
	result = CLI(&fixture, "show", "bindings", "port=acc1", "--json");
	assert_null(strstr(result.out, "mn1@example.com"));
	assert_non_null(strstr(result.out, "mn2@example.com"));
	cli_result_free(&result);
	result = CLI(&fixture, "show", "nodes", "mac=02:00:00:00:00:09", "--json");
	assert_non_null(strstr(result.out, "020000000009@default.example"));
	assert_null(strstr(result.out, "mn2@example.com"));
	cli_result_free(&result);
}

static void links_are_numbered_over_access_ports_in_order(void **state)
{
	uint16_t vlan = 1, link;

	assert_string_equal(link_port(fixture.config, 0, &vlan)->name, "acc0");
	assert_int_equal(vlan, VLAN_NONE);
	assert_string_equal(link_port(fixture.config, 2, &vlan)->name, "acc1");
	assert_int_equal(vlan, 20);
	assert_null(link_port(fixture.config, 3, &vlan));
	assert_null(link_port(fixture.config, LINK_NONE, &vlan));
	for (uint16_t i = 0; i < 3; i++) {
		char text[8];

		snprintf(text, sizeof(text), "%u", i);
		assert_int_equal(link_parse(fixture.config, text, &link), 0);
		assert_int_equal(link, i);
	}
	fixture_start(&fixture);
}

static void every_state_has_a_meaning(void **state)
{
	for (unsigned i = 0; i < ATTACHMENT_STATE_COUNT; i++)
		assert_true(strlen(state_meaning(attachment_state_name((enum attachment_state)i))) > 0);
}

int main(void)
{
#define API_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		API_TEST(every_object_shows_as_table_and_as_json),
		API_TEST(why_tells_what_a_node_waits_for),
		API_TEST(why_of_a_mac_without_a_session_is_that_of_its_node),
		API_TEST(why_of_a_pair_tells_the_session_that_is_here),
		API_TEST(attach_names_the_link_as_port_vlan_or_number),
		API_TEST(attach_to_what_is_no_link_is_refused),
		API_TEST(refusal_of_the_daemon_is_told_with_what_to_do),
		API_TEST(detach_takes_an_identifier_or_a_mac),
		API_TEST(filter_by_port_and_mac),
		API_TEST(links_are_numbered_over_access_ports_in_order),
		cmocka_unit_test(every_state_has_a_meaning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
