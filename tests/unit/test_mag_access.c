/* SPDX-License-Identifier: BSD-3-Clause */
#include "mag_world.h"

#include "checksum.h"

#define HNP     "2001:db8:f1:1::/64"
#define OURS    "fe80::200:5eff:fe00:5213"
#define MN_ADDR "fe80::200:ff:fe00:101"

/* From the IPv6 header: what an MN hears after RS and PBA. */
static const uint8_t ra_bytes[] = {
	0x60,
	0,
	0,
	0,
	0,
	64,
	58,
	255, /* IPv6 */
	0xfe,
	0x80,
	0,
	0,
	0,
	0,
	0,
	0,
	2,
	0,
	0x5e,
	0xff,
	0xfe,
	0,
	0x52,
	0x13, /* from the fixed link-local address */
	0xfe,
	0x80,
	0,
	0,
	0,
	0,
	0,
	0,
	2,
	0,
	0,
	0xff,
	0xfe,
	0,
	1,
	1, /* to the MN's */
	134,
	0,
	0,
	0,
	64,
	0,
	0x07,
	0x08,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0, /* checksum checked apart; 1800 s */
	1,
	1,
	0,
	0,
	0x5e,
	0,
	0x52,
	0x13, /* source link-layer address */
	5,
	1,
	0,
	0,
	0,
	0,
	0x05,
	0xb4, /* MTU 1460 */
	3,
	4,
	64,
	0xc0,
	0,
	0x27,
	0x8d,
	0,
	0,
	0x09,
	0x3a,
	0x80,
	0,
	0,
	0,
	0, /* 2592000 s, 604800 s */
	0x20,
	1,
	0x0d,
	0xb8,
	0,
	0xf1,
	0,
	1,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
};

/* Vector I03 */
static const uint8_t withdrawal_bytes[] = {0x60, 0, 0, 0, 0, 56, 58, 255, 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 2, 0, 0x5e,
	0xff, 0xfe, 0, 0x52, 0x13, 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0xff, 0xfe, 0, 1, 1, 0x86, 0, 0x65, 0xf2,
	0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0x5e, 0, 0x52, 0x13, 3, 4, 0x40, 0xc0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0x20, 1, 0x0d, 0xb8, 0, 0xf1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0};

static void expect_withdrawal(struct world_message frame)
{
	assert_int_equal(frame.length, sizeof(withdrawal_bytes));
	assert_memory_equal(frame.bytes, withdrawal_bytes, sizeof(withdrawal_bytes));
	assert_memory_equal(frame.mac, world_mac, 6);
}

static void advertisement_has_exactly_these_bytes(void **state)
{
	uint8_t bytes[sizeof(ra_bytes)];

	world_attached();
	assert_int_equal(world_frame(0, DISCOVERY_RA).length, sizeof(ra_bytes));
	memcpy(bytes, world_frame(0, DISCOVERY_RA).bytes, sizeof(bytes));
	bytes[42] = bytes[43] = 0;
	assert_memory_equal(bytes, ra_bytes, sizeof(ra_bytes));
}

static void mtu_is_the_smaller_of_access_and_tunnel(void **state)
{
	world->config.access_mtu_bytes = 1400;
	world_restart();
	world_attached();
	assert_int_equal(world_frame(0, DISCOVERY_RA).bytes[70] << 8 | world_frame(0, DISCOVERY_RA).bytes[71], 1400);
}

static void loss_of_the_binding_sends_vector_i03_three_times(void **state)
{
	world_attached();
	world_pass(2000);
	mag_peer_restarted(world->mag, &world->now, &world_lma);
	world_apply();
	world_reject(MH_STATUS_ADMINISTRATIVELY_PROHIBITED);
	assert_int_equal(world->frame_count, 2);
	expect_withdrawal(world_frame(0, DISCOVERY_RA));
	world_pass(1000);
	assert_int_equal(world->frame_count, 3);
	expect_withdrawal(world_frame(0, DISCOVERY_RA));
	world_pass(30000);
	assert_int_equal(world->frame_count, 4);
	expect_withdrawal(world_frame(0, DISCOVERY_RA));
}

static void removed_node_is_told(void **state)
{
	world_attached();
	mag_shutdown(world->mag, &world->now);
	world_apply();
	world_answer(&(struct world_pba){.lifetime_s = 0});
	expect_withdrawal(world_frame(0, DISCOVERY_RA));
	world_expect_empty();
}

/* RFC 4861 6.2.4: three at 16 s or less, then at random between 198 s and 600 s */
static void unsolicited_advertisements_follow_the_schedule(void **state)
{
	uint64_t last;

	world->config.nud_interval_ms = 0;
	world_restart();
	world_attached();
	for (unsigned i = 1; i < 12; i++) {
		last = world_frame(0, DISCOVERY_RA).at_ms;
		while (world->frame_count == i) {
			world_pass(500);
			if (world_view(world_mac).state == ATTACHMENT_REFRESHING)
				world_accept();
		}
		last = world_frame(0, DISCOVERY_RA).at_ms - last;
		if (i < 3)
			assert_int_equal(last, 16000);
		else
			assert_in_range(last, 198000, 600000);
	}
}

static void repeated_solicitations_are_answered_at_a_limited_rate(void **state)
{
	world_attached();
	for (unsigned i = 0; i < 100; i++) {
		world_rs(0, world_mac, MN_ADDR);
		world_pass(10);
	}
	assert_in_range(world_stats().ra_sent, 2, 3);
	assert_int_equal(world_stats().rs_received, 101);
}

static void solicitation_without_an_address_is_answered_to_all_nodes_at_its_mac(void **state)
{
	struct world_message ra;

	world_rs(0, world_mac, "::");
	world_accept();
	ra = world_frame(0, DISCOVERY_RA);
	assert_memory_equal(ra.bytes + 24, world_ip6("ff02::1").s6_addr, 16);
	assert_memory_equal(ra.mac, world_mac, 6);
}

static void solicitation_for_our_address_is_answered(void **state)
{
	static const uint8_t na[] = {136, 0, 0, 0, 0xe0, 0, 0, 0, 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 2, 0, 0x5e, 0xff, 0xfe,
		0, 0x52, 0x13, 2, 1, 0, 0, 0x5e, 0, 0x52, 0x13};
	struct world_message frame;
	uint8_t bytes[sizeof(na)];

	world_attached();
	world_ns(0, world_mac, MN_ADDR, OURS);
	frame = world_frame(0, DISCOVERY_NA);
	assert_memory_equal(frame.mac, world_mac, 6);
	assert_memory_equal(frame.bytes + 8, world_ip6(OURS).s6_addr, 16);
	assert_memory_equal(frame.bytes + 24, world_ip6(MN_ADDR).s6_addr, 16);
	memcpy(bytes, frame.bytes + 40, sizeof(bytes));
	bytes[2] = bytes[3] = 0;
	assert_memory_equal(bytes, na, sizeof(na));
}

static void subnet_router_address_of_its_prefix_is_answered_without_override(void **state)
{
	world_attached();
	world_ns(0, world_mac, "2001:db8:f1:1::5", "2001:db8:f1:1::");
	assert_int_equal(world_frame(0, DISCOVERY_NA).bytes[44], 0xc0);
	world_ns(0, world_mac, "2001:db8:f1:1::5", "2001:db8:f1:2::"); /* not its prefix */
	world_ns(0, world_mac, "2001:db8:f1:1::5", "2001:db8:f1:1::1");
	assert_int_equal(world->frame_count, 2);
}

static void address_detection_of_the_node_is_left_alone_and_ours_is_defended(void **state)
{
	world_attached();
	world_ns(0, world_mac, "::", "2001:db8:f1:1:200:ff:fe00:101");
	world_ns(0, world_mac, "::", MN_ADDR);
	world_ns(0, world_mac, "::", "2001:db8:f1:1::");
	assert_int_equal(world->frame_count, 1);
	world_ns(0, world_mac, "::", OURS);
	assert_int_equal(world->frame_count, 2);
	assert_memory_equal(world_frame(0, DISCOVERY_NA).bytes + 24, world_ip6("ff02::1").s6_addr, 16);
	assert_int_equal(world_frame(0, DISCOVERY_NA).bytes[44], 0xa0); /* router, override, not solicited */
}

static void no_node_hears_the_prefix_of_another(void **state)
{
	static const uint8_t other[6] = {2, 0, 0, 0, 0, 7};
	struct discovery_prefix prefixes[DISCOVERY_PREFIXES_MAX];

	world_attached();
	world_rs(0, other, "fe80::7"); /* on the same link */
	world_answer(&(struct world_pba){.lifetime_s = 600, .prefixes = {"2001:db8:f1:7::/64"}});
	world_pass(700);
	world_rs(0, world_mac, MN_ADDR);
	world_rs(0, other, "fe80::7");
	assert_int_equal(world->frame_count, 4);
	for (unsigned i = 0; i < 4; i++) {
		struct world_message ra = world_frame(i, DISCOVERY_RA);
		bool first = memcmp(ra.mac, world_mac, 6) == 0;

		assert_int_equal(world_ra_prefixes(ra, prefixes), 1);
		assert_memory_equal(
			&prefixes[0].prefix, world_ip6(first ? "2001:db8:f1:1::" : "2001:db8:f1:7::").s6_addr, 16);
		assert_memory_equal(ra.bytes + 24, world_ip6(first ? MN_ADDR : "fe80::7").s6_addr, 16);
	}
}

/* What an unmodified Linux host sends when its interface comes up. */
static void linux_host_comes_up(void **state)
{
	static const uint8_t mld_report[76] = {0x60, 0, 0, 0, 0, 36, 0, 1, [36] = 0, 0, 0, 0, 58, 0, 5, 2, 0, 0, 1, 0,
		143, 0, 0x6b, 0x5e, 0, 0, 0, 1, 4, 0, 0, 0, 0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};

	world_hears(0, world_mac, mld_report, sizeof(mld_report));
	assert_int_equal(world->pbu_count, 1);
	world_accept();
	world_pass(300);
	world_ns(0, world_mac, "::", MN_ADDR);
	world_pass(1000);
	world_rs(0, world_mac, MN_ADDR);
	assert_memory_equal(world_frame(0, DISCOVERY_RA).bytes + 24, world_ip6(MN_ADDR).s6_addr, 16);
	world_ns(0, world_mac, "::", "2001:db8:f1:1:200:ff:fe00:101");
	world_ns(0, world_mac, "2001:db8:f1:1:200:ff:fe00:101", OURS);
	assert_int_equal(world->frame_count, 3);
	assert_int_equal(world->pbu_count, 1);
	assert_memory_equal(world_view(world_mac).link_local.s6_addr, world_ip6(MN_ADDR).s6_addr, 16);
}

static void idle_node_is_probed_and_gone_after_the_last_probe(void **state)
{
	world_attached();
	world_pass(9999);
	assert_int_equal(world_stats().ns_sent, 0);
	world_pass(1);
	assert_int_equal(world_stats().ns_sent, 1);
	assert_memory_equal(world_frame(0, DISCOVERY_NS).bytes + 24, world_ip6(MN_ADDR).s6_addr, 16);
	assert_memory_equal(world_frame(0, DISCOVERY_NS).mac, world_mac, 6);
	world_pass(1000);
	world_pass(1000);
	assert_int_equal(world_stats().ns_sent, 3);
	assert_true(world_remembers(world_mac, HISTORY_probe_unanswered, 2));
	world_pass(999);
	assert_int_equal(world_view(world_mac).state, ATTACHMENT_ACTIVE);
	world_pass(1);
	assert_int_equal(world_view(world_mac).state, ATTACHMENT_DEREGISTERING);
	assert_true(world_remembers(world_mac, HISTORY_detach_nud, 0));
	assert_int_equal(world_pbu(0).lifetime_s, 0);
	world_answer(&(struct world_pba){.lifetime_s = 0});
	world_expect_empty();
}

static void answer_and_activity_keep_the_node(void **state)
{
	world_attached();
	for (unsigned i = 0; i < 10; i++) {
		world_pass(10500);
		assert_int_equal(world_stats().ns_sent, i + 1);
		world_na(0, world_mac, MN_ADDR);
	}
	assert_int_equal(world_stats().na_received, 10);
	for (unsigned i = 0; i < 100; i++) {
		world_pass(1000);
		mag_activity(world->mag, &world->now, world_view(world_mac).index);
	}
	assert_int_equal(world_stats().ns_sent, 10);
	assert_int_equal(world_view(world_mac).state, ATTACHMENT_ACTIVE);
	mag_activity(world->mag, &world->now, 12345);
	mag_activity(world->mag, &world->now, UINT32_MAX);
}

static void node_without_known_addresses_is_asked_for_its_groups(void **state)
{
	struct world_message query;

	mag_unknown_mac(world->mag, &world->now, 0, world_mac);
	world_apply();
	world_accept();
	world_pass(10001);
	query = world_frame(0, 130);
	assert_memory_equal(query.mac, world_mac, 6);
	assert_int_equal(query.bytes[7], 1);
	assert_memory_equal(query.bytes + 24, world_ip6("ff02::1").s6_addr, 16);
	assert_int_equal(query.length, 40 + 8 + 28);
}

static void hostile_packets_are_counted_and_attach_nobody(void **state)
{
	static const uint8_t rs[] = {0x60, 0, 0, 0, 0, 16, 58, 255, 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0xff, 0xfe,
		0, 1, 1, 0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0x85, 0, 0x77, 0x2c, 0, 0, 0, 0, 1, 1, 2, 0,
		0, 0, 1, 1};
	uint8_t bytes[sizeof(rs)];

	for (uint16_t length = 0; length < sizeof(rs); length++)
		world_hears(0, world_mac, rs, length);
	assert_int_equal(world_stats().discovery_malformed, sizeof(rs));
	for (unsigned at = 0; at < sizeof(rs); at++) {
		if (at >= 1 && at <= 3)
			continue; /* traffic class and flow label */
		memcpy(bytes, rs, sizeof(rs));
		bytes[at] ^= 0x40;
		if (at == 6)
			continue; /* another protocol: sound, and a sign of life */
		world_hears(0, world_mac, bytes, sizeof(rs));
	}
	assert_int_equal(world_stats().discovery_malformed, sizeof(rs) * 2 - 4);
	assert_int_equal(world->pbu_count, 0);
	world_expect_empty();
	world_hears(0, world_mac, rs, sizeof(rs));
	assert_int_equal(world->pbu_count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
		TEST(advertisement_has_exactly_these_bytes),
		TEST(mtu_is_the_smaller_of_access_and_tunnel),
		TEST(loss_of_the_binding_sends_vector_i03_three_times),
		TEST(removed_node_is_told),
		TEST(unsolicited_advertisements_follow_the_schedule),
		TEST(repeated_solicitations_are_answered_at_a_limited_rate),
		TEST(solicitation_without_an_address_is_answered_to_all_nodes_at_its_mac),
		TEST(solicitation_for_our_address_is_answered),
		TEST(subnet_router_address_of_its_prefix_is_answered_without_override),
		TEST(address_detection_of_the_node_is_left_alone_and_ours_is_defended),
		TEST(no_node_hears_the_prefix_of_another),
		TEST(linux_host_comes_up),
		TEST(idle_node_is_probed_and_gone_after_the_last_probe),
		TEST(answer_and_activity_keep_the_node),
		TEST(node_without_known_addresses_is_asked_for_its_groups),
		TEST(hostile_packets_are_counted_and_attach_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
