/* SPDX-License-Identifier: BSD-3-Clause */
#include "mag_world.h"

static const uint8_t mn2_mac[6] = {2, 0, 0, 0, 0, 2}, stranger[6] = {2, 0, 0, 0, 0, 9};

static void router_solicitation_registers_with_the_lma(void **state)
{
	struct world_pbu pbu;

	world_rs(0, world_mac, "fe80::200:ff:fe00:101");
	assert_int_equal(world->pbu_count, 1);
	assert_int_equal(world->frame_count, 0); /* nothing is advertised before the PBA */
	pbu = world_pbu(0);
	assert_memory_equal(&pbu.raw.source, &world_mag, 16);
	assert_memory_equal(&pbu.raw.destination, &world_lma, 16);
	assert_int_equal(pbu.lifetime_s, 600);
	assert_int_equal(pbu.options.mn_id.subtype, 1);
	assert_memory_equal(pbu.options.mn_id.data, "mn1@example.com", 15);
	assert_int_equal(pbu.options.handoff_indicator, HI_UNKNOWN);
	assert_int_equal(pbu.options.access_technology, 4);
	assert_int_equal(pbu.options.prefix_count, 1);
	assert_true(IN6_IS_ADDR_UNSPECIFIED(&pbu.options.prefixes[0].prefix));
	assert_int_equal(pbu.options.prefixes[0].length, 0);
	assert_memory_equal(pbu.options.link_layer_id, world_mac, 6);
	assert_int_equal(pbu.options.link_local_count, 0);
	assert_int_equal(pbu.options.timestamp, mh_timestamp_from_ns(world->now.wall_ns));
	assert_int_equal(world_view(world_mac).state, ATTACHMENT_REGISTERING);
	assert_int_equal(world_link(0, world_mac)->state, LINK_PENDING);
}

static void accepted_registration_forwards_then_advertises(void **state)
{
	struct discovery_prefix prefixes[DISCOVERY_PREFIXES_MAX];
	struct home_network_prefix hnp = world_prefix("2001:db8:f1:1::/64");
	const struct forward *endpoint;
	struct world_message ra;

	world_rs(3, world_mac, "fe80::200:ff:fe00:101");
	world->hold = true;
	world_accept();
	assert_int_equal(world_view(world_mac).state, ATTACHMENT_INSTALLING);
	assert_int_equal(world->frame_count, 0);
	world->hold = false;
	world_apply();
	assert_int_equal(world_view(world_mac).state, ATTACHMENT_ACTIVE);
	endpoint = world_endpoint("2001:db8:f1:1::/64");
	assert_non_null(endpoint);
	assert_int_equal(endpoint->action, FORWARD_LOCAL);
	assert_int_equal(endpoint->link, 3);
	assert_int_equal(endpoint->flags, 0);
	assert_memory_equal(endpoint->mac, world_mac, 6);
	assert_int_equal(endpoint->tunnel, world_view(world_mac).tunnel);
	assert_int_equal(endpoint->node, world_view(world_mac).index);
	assert_int_equal(endpoint->generation, world_view(world_mac).generation);
	assert_int_equal(world_link(3, world_mac)->state, LINK_KNOWN);
	assert_int_equal(world->frame_count, 1);
	ra = world_frame(0, DISCOVERY_RA);
	assert_int_equal(ra.link, 3);
	assert_memory_equal(ra.mac, world_mac, 6);
	assert_int_equal(world_ra_prefixes(ra, prefixes), 1);
	assert_memory_equal(&prefixes[0].prefix, &hnp.prefix, 16);
	assert_int_equal(prefixes[0].valid_s, 2592000);
	assert_int_equal(prefixes[0].preferred_s, 604800);
}

static void packet_of_an_unknown_mac_registers_it(void **state)
{
	mag_unknown_mac(world->mag, &world->now, 1, mn2_mac);
	world_apply();
	assert_int_equal(world->pbu_count, 1);
	assert_memory_equal(world_pbu(0).options.mn_id.data, "mn2@example.com", 15);
	world_accept();
	assert_int_equal(world_endpoint("2001:db8:f1:1::/64")->flags, FORWARD_LOCAL_ROUTING);
	assert_memory_equal(world_frame(0, DISCOVERY_RA).bytes + 24, world_ip6("ff02::1").s6_addr, 16);
	assert_true(world_remembers(mn2_mac, HISTORY_attach_packet, 0));
}

static void operator_attaches_a_node(void **state)
{
	assert_int_equal(mag_attach(world->mag, &world->now, 2, world_mac), 0);
	world_apply();
	assert_int_equal(mag_attach(world->mag, &world->now, 2, world_mac), -EALREADY);
	world_accept();
	assert_int_equal(mag_attach(world->mag, &world->now, 2, world_mac), -EALREADY);
	assert_true(world_remembers(world_mac, HISTORY_attach_admin, 0));
	assert_int_equal(world->pbu_count, 1);
}

static void unknown_node_gets_an_id_of_the_default_profile(void **state)
{
	mag_unknown_mac(world->mag, &world->now, 0, stranger);
	world_apply();
	assert_memory_equal(world_pbu(0).options.mn_id.data, "020000000009@default.example", 28);
}

static void unknown_node_is_refused_without_a_profile(void **state)
{
	world_refuse_unknown();
	world_rs(0, stranger, "fe80::9");
	assert_int_equal(world->pbu_count, 0);
	assert_int_equal(world_view(stranger).state, ATTACHMENT_REFUSED);
	assert_int_equal(world_link(0, stranger)->state, LINK_REFUSED);
	assert_int_equal(world_stats().refused, 1);
	assert_int_equal(mag_attach(world->mag, &world->now, 0, stranger), -EACCES);
	world_pass(59000);
	assert_true(world_has_node(stranger));
	world_pass(1001);
	assert_false(world_has_node(stranger));
	world_expect_empty();
}

static void strangers_cannot_fill_the_slab(void **state)
{
	world->config.max_nodes = 200;
	world_refuse_unknown();
	for (unsigned i = 0; i < 1000; i++) {
		uint8_t mac[6] = {2, 1, 0, 0, (uint8_t)(i >> 8), (uint8_t)i};

		mag_unknown_mac(world->mag, &world->now, 0, mac);
		world_apply();
	}
	assert_int_equal(world_stats().nodes, 25);
	assert_int_equal(world_stats().refused, 1000);
	world_attached();
}

static void no_node_over_the_limit(void **state)
{
	world->config.max_nodes = 1;
	world_restart();
	world_attached();
	assert_int_equal(mag_attach(world->mag, &world->now, 0, mn2_mac), -ENOSPC);
	mag_unknown_mac(world->mag, &world->now, 0, mn2_mac);
	world_apply();
	assert_int_equal(world_stats().nodes, 1);
}

static void no_new_node_while_the_host_is_busy(void **state)
{
	world->fake.is_busy = true;
	world_rs(0, world_mac, "fe80::1");
	assert_int_equal(world->pbu_count, 0);
	world->fake.is_busy = false;
	world_attached();
}

static void group_addresses_and_zero_are_nobody(void **state)
{
	static const uint8_t zero[6], group[6] = {0x33, 0x33, 0, 0, 0, 1};

	mag_unknown_mac(world->mag, &world->now, 0, zero);
	mag_unknown_mac(world->mag, &world->now, 0, group);
	assert_int_equal(mag_attach(world->mag, &world->now, 0, group), -ENOENT);
	world_apply();
	world_expect_empty();
}

static void several_prefixes_are_forwarded_and_advertised(void **state)
{
	struct discovery_prefix prefixes[DISCOVERY_PREFIXES_MAX];

	world_rs(0, world_mac, "fe80::1");
	world_answer(&(struct world_pba){
		.lifetime_s = 600, .prefixes = {"2001:db8:f1:1::/64", "2001:db8:f1:2::/64", "fd00:1:2:3::/64"}});
	assert_int_equal(world->fake.endpoint_count, 3);
	assert_int_equal(world_ra_prefixes(world_frame(0, DISCOVERY_RA), prefixes), 3);
	assert_int_equal(world_view(world_mac).prefix_count, 3);
}

static void node_on_another_link_is_moved_and_asserted(void **state)
{
	world_attached();
	world_pass(2000);
	world_rs(5, world_mac, "fe80::200:ff:fe00:101");
	assert_null(world_link(0, world_mac));
	assert_int_equal(world_link(5, world_mac)->state, LINK_KNOWN);
	assert_int_equal(world_endpoint("2001:db8:f1:1::/64")->link, 5);
	assert_int_equal(world_frame(0, DISCOVERY_RA).link, 5);
	assert_int_equal(world->pbu_count, 2);
	assert_int_equal(world_pbu(0).options.handoff_indicator, HI_UNKNOWN);
	assert_memory_equal(&world_pbu(0).options.prefixes[0].prefix, world_ip6("2001:db8:f1:1::").s6_addr, 16);
	world_accept();
	assert_int_equal(world_view(world_mac).state, ATTACHMENT_ACTIVE);
	assert_int_equal(world_stats().nodes, 1);
}

static void node_moves_while_it_registers(void **state)
{
	world_rs(0, world_mac, "fe80::1");
	mag_unknown_mac(world->mag, &world->now, 1, world_mac);
	world_apply();
	assert_null(world_link(0, world_mac));
	assert_int_equal(world_link(1, world_mac)->state, LINK_PENDING);
	world_accept();
	assert_int_equal(world_endpoint("2001:db8:f1:1::/64")->link, 1);
}

static void solicitation_of_a_node_that_returned_asserts_its_binding(void **state)
{
	world_attached();
	world_pass(600);
	world_rs(0, world_mac, "fe80::200:ff:fe00:101");
	assert_int_equal(world->frame_count, 2); /* answered at once */
	assert_int_equal(world->pbu_count, 2);
	assert_int_equal(world_pbu(0).options.handoff_indicator, HI_UNKNOWN);
	world_accept();
	assert_int_equal(world_view(world_mac).state, ATTACHMENT_ACTIVE);
}

static void first_solicitation_after_other_packets_belongs_to_the_attachment(void **state)
{
	world_ns(0, world_mac, "::", "fe80::200:ff:fe00:101");
	world_accept();
	world_pass(1000);
	world_rs(0, world_mac, "fe80::200:ff:fe00:101");
	assert_int_equal(world->pbu_count, 1);
	assert_int_equal(world->frame_count, 2);
}

/* wire-formats B.10: at most 2 PBU/s for one MN */
static void no_more_than_two_pbus_in_a_second(void **state)
{
	world_attached();
	for (unsigned i = 0; i < 100; i++) {
		unsigned before = world->pbu_count;

		world_pass(100);
		world_rs(0, world_mac, "fe80::200:ff:fe00:101");
		if (world->pbu_count > before)
			world_accept();
		if (world->pbu_count > 2)
			assert_true(world_pbu(0).raw.at_ms - world_pbu(2).raw.at_ms >= 1000);
	}
	assert_in_range(world->pbu_count, 15, 22);
}

static void ten_thousand_nodes_attach(void **state)
{
	struct mag_stats stats;

	for (uint32_t i = 0; i < 10000; i++) {
		uint8_t mac[6] = {2, 7, 0, 0, (uint8_t)(i >> 8), (uint8_t)i};
		char prefix[40];

		snprintf(prefix, sizeof(prefix), "2001:db8:%x:%x::/64", 0x100 + (i >> 8), i & 0xff);
		mag_unknown_mac(world->mag, &world->now, (uint16_t)(i % 7), mac);
		world_apply();
		world_answer(&(struct world_pba){.lifetime_s = 600, .prefixes = {prefix}});
	}
	stats = world_stats();
	assert_int_equal(stats.nodes, 10000);
	assert_int_equal(world->fake.endpoint_count, 10000);
	assert_int_equal(world->fake.tunnel_count, 1);
	assert_int_equal(stats.ra_sent, 10000);
	assert_true(stats.memory_bytes / 10000 <= 600);
	mag_shutdown(world->mag, &world->now);
	world_pass(30000);
	world_expect_empty();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
		TEST(router_solicitation_registers_with_the_lma),
		TEST(accepted_registration_forwards_then_advertises),
		TEST(packet_of_an_unknown_mac_registers_it),
		TEST(operator_attaches_a_node),
		TEST(unknown_node_gets_an_id_of_the_default_profile),
		TEST(unknown_node_is_refused_without_a_profile),
		TEST(strangers_cannot_fill_the_slab),
		TEST(no_node_over_the_limit),
		TEST(no_new_node_while_the_host_is_busy),
		TEST(group_addresses_and_zero_are_nobody),
		TEST(several_prefixes_are_forwarded_and_advertised),
		TEST(node_on_another_link_is_moved_and_asserted),
		TEST(node_moves_while_it_registers),
		TEST(solicitation_of_a_node_that_returned_asserts_its_binding),
		TEST(first_solicitation_after_other_packets_belongs_to_the_attachment),
		TEST(no_more_than_two_pbus_in_a_second),
		TEST(ten_thousand_nodes_attach),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
