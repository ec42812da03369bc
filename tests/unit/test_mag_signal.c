/* SPDX-License-Identifier: BSD-3-Clause */
#include "mag_world.h"

static const uint8_t mn2_mac[6] = {2, 0, 0, 0, 0, 2};

/* The MN answers every probe, so that it stays. */
static void pass_present(uint64_t ms)
{
	for (; ms >= 1000; ms -= 1000) {
		world_pass(1000);
		mag_activity(world->mag, &world->now, world_view(world_mac).index);
		world_apply();
	}
	world_pass(ms);
}

/* RFC 5213 6.9.4: 1 s, doubled up to 32 s */
static void unanswered_pbu_is_sent_again_with_doubled_timeout(void **state)
{
	static const unsigned gaps_s[] = {1, 2, 4, 8, 16, 32, 32};
	uint16_t sequence;

	world_rs(0, world_mac, "fe80::1");
	sequence = world_pbu(0).sequence;
	for (unsigned i = 0; i < sizeof(gaps_s) / sizeof(gaps_s[0]); i++) {
		uint64_t at = world_pbu(0).raw.at_ms, timestamp = world_pbu(0).options.timestamp;

		pass_present(gaps_s[i] * 1000 - 1);
		assert_int_equal(world->pbu_count, i + 1);
		pass_present(1);
		assert_int_equal(world->pbu_count, i + 2);
		assert_int_equal(world_pbu(0).raw.at_ms - at, gaps_s[i] * 1000);
		assert_true(world_pbu(0).options.timestamp > timestamp); /* a fresh one */
		assert_int_equal(world_pbu(0).sequence, sequence);
	}
	assert_int_equal(world_stats().pbu_retransmitted, 7);
	assert_int_equal(world_view(world_mac).tries, 8);
	assert_true(world_remembers(world_mac, HISTORY_pbu_retransmitted, 8));
}

static void without_timestamps_a_retransmission_has_a_higher_sequence(void **state)
{
	uint16_t first;

	world->config.timestamp_based_approach_in_use = false;
	world_restart();
	world_rs(0, world_mac, "fe80::1");
	first = world_pbu(0).sequence;
	assert_int_equal(world_pbu(0).options.timestamp_count, 0);
	world_pass(1000);
	assert_int_equal(world_pbu(0).sequence, first + 1);
	world_answer(
		&(struct world_pba){.lifetime_s = 600, .sequence_plus = -1}); /* to the first one: late, not wrong */
	assert_int_equal(world_view(world_mac).state, ATTACHMENT_ACTIVE);
}

static void retransmission_ends_when_the_node_is_gone(void **state)
{
	world_rs(0, world_mac, "fe80::1");
	world_pass(14000);
	assert_false(world_has_node(world_mac));
	assert_int_equal(world_pbu(0).lifetime_s, 0); /* the LMA may have heard one of them */
	assert_true(IN6_IS_ADDR_UNSPECIFIED(&world_pbu(0).options.prefixes[0].prefix));
	world_expect_empty();
}

static void binding_is_refreshed_at_the_percentage_of_its_lifetime(void **state)
{
	uint64_t registered;

	world_rs(0, world_mac, "fe80::1");
	world_answer(&(struct world_pba){.lifetime_s = 100, .prefixes = {"2001:db8:f1:1::/64", "2001:db8:f1:2::/64"}});
	registered = world_pbu(0).raw.at_ms;
	assert_int_equal(world_view(world_mac).lifetime_s, 100);
	assert_int_equal(world_view(world_mac).expires_ms, registered + 100000);
	pass_present(79999);
	assert_int_equal(world->pbu_count, 1);
	pass_present(1);
	assert_int_equal(world->pbu_count, 2);
	assert_int_equal(world_view(world_mac).state, ATTACHMENT_REFRESHING);
	assert_int_equal(world_pbu(0).options.handoff_indicator, HI_UNCHANGED);
	assert_int_equal(world_pbu(0).options.prefix_count, 2);
	assert_memory_equal(&world_pbu(0).options.prefixes[1].prefix, world_ip6("2001:db8:f1:2::").s6_addr, 16);
	assert_int_equal(world_pbu(0).lifetime_s, 600);
	world_accept();
	assert_int_equal(world_view(world_mac).state, ATTACHMENT_ACTIVE);
	assert_true(world_remembers(world_mac, HISTORY_refreshed, 0));
	assert_int_equal(world->fake.refused, 0);
}

static void presence_is_verified_before_a_refresh(void **state)
{
	world->config.nud_interval_ms = 200000;
	world_restart();
	world_rs(0, world_mac, "fe80::1");
	world_answer(&(struct world_pba){.lifetime_s = 300});
	world_pass(240000); /* probed at 200 s, silent: gone */
	assert_false(world_has_node(world_mac));
	assert_int_equal(world_pbu(0).lifetime_s, 0);
}

static void silent_node_is_probed_and_refreshed_when_it_answers(void **state)
{
	world_attached();
	world->config.nud_interval_ms = 10000;
	for (unsigned s = 0; s < 480; s++) {
		unsigned frames = world->frame_count;

		world_pass(1000);
		if (world->frame_count > frames && world_stats().ns_sent > 0)
			world_na(0, world_mac, "fe80::200:ff:fe00:101");
	}
	assert_int_equal(world->pbu_count, 2);
	assert_int_equal(world_pbu(0).options.handoff_indicator, HI_UNCHANGED);
}

static void lost_refresh_ends_in_expiry_withdrawal_and_registration_again(void **state)
{
	struct discovery_prefix prefixes[DISCOVERY_PREFIXES_MAX];

	world_rs(0, world_mac, "fe80::1");
	world_answer(&(struct world_pba){.lifetime_s = 100});
	pass_present(99999);
	assert_non_null(world_endpoint("2001:db8:f1:1::/64"));
	assert_int_equal(world_view(world_mac).state, ATTACHMENT_REFRESHING);
	pass_present(1);
	assert_null(world_endpoint("2001:db8:f1:1::/64"));
	assert_int_equal(world_link(0, world_mac)->state, LINK_PENDING);
	assert_int_equal(world_ra_prefixes(world_frame(0, DISCOVERY_RA), prefixes), 1);
	assert_int_equal(prefixes[0].valid_s + prefixes[0].preferred_s, 0);
	assert_int_equal(world_view(world_mac).state, ATTACHMENT_REGISTERING);
	assert_true(world_remembers(world_mac, HISTORY_expired, 0));
	pass_present(1000);
	assert_int_equal(world_pbu(0).options.handoff_indicator, HI_UNKNOWN);
	assert_memory_equal(&world_pbu(0).options.prefixes[0].prefix, world_ip6("2001:db8:f1:1::").s6_addr, 16);
	world_accept();
	assert_non_null(world_endpoint("2001:db8:f1:1::/64"));
	assert_int_equal(world_ra_prefixes(world_frame(0, DISCOVERY_RA), prefixes), 1);
	assert_int_equal(prefixes[0].valid_s, 2592000);
}

static void deregistration_names_every_prefix_and_removes_after_the_pba(void **state)
{
	struct mn_id id = {1, 15, (const uint8_t *)"mn1@example.com"};

	world_rs(0, world_mac, "fe80::1");
	world_answer(&(struct world_pba){.lifetime_s = 100, .prefixes = {"2001:db8:f1:1::/64", "2001:db8:f1:2::/64"}});
	mag_shutdown(world->mag, &world->now);
	assert_false(mag_idle(world->mag));
	world_pass(10);
	assert_int_equal(world_pbu(0).lifetime_s, 0);
	assert_int_equal(world_pbu(0).options.handoff_indicator, HI_UNKNOWN);
	assert_int_equal(world_pbu(0).options.prefix_count, 2);
	assert_int_equal(world_view(world_mac).state, ATTACHMENT_DEREGISTERING);
	assert_non_null(world_endpoint("2001:db8:f1:1::/64"));
	world_answer(&(struct world_pba){.lifetime_s = 0});
	world_expect_empty();
	assert_int_equal(mag_detach(world->mag, &world->now, &id), -ENOENT);
	assert_int_equal(world->fake.refused, 0);
}

static void deregistration_without_an_answer_ends_after_the_timeout(void **state)
{
	world_attached();
	mag_shutdown(world->mag, &world->now);
	world_pass(1);
	world_pass(998);
	assert_true(world_has_node(world_mac));
	world_pass(2);
	world_expect_empty();
	assert_int_equal(world->pbu_count, 2); /* no second try */
}

static void operators_detach_outlives_data_but_not_a_solicitation(void **state)
{
	struct mn_id id = {1, 15, (const uint8_t *)"mn1@example.com"};

	world_attached();
	assert_int_equal(mag_detach(world->mag, &world->now, &id), 0);
	world_apply();
	assert_int_equal(mag_detach(world->mag, &world->now, &id), -EALREADY);
	world_answer(&(struct world_pba){.lifetime_s = 0});
	assert_int_equal(world_view(world_mac).state, ATTACHMENT_DETACHED);
	assert_null(world_endpoint("2001:db8:f1:1::/64"));
	assert_int_equal(world_frame(0, DISCOVERY_RA).bytes[46] << 8 | world_frame(0, DISCOVERY_RA).bytes[47], 0);
	mag_unknown_mac(world->mag, &world->now, 0, world_mac);
	world_ns(0, world_mac, "fe80::1", "fe80::200:5eff:fe00:5213");
	assert_int_equal(world->pbu_count, 2);
	world_pass(1000);
	world_rs(0, world_mac, "fe80::1");
	assert_int_equal(world->pbu_count, 3);
	world_accept();
	assert_int_equal(world_view(world_mac).state, ATTACHMENT_ACTIVE);
}

static void detached_node_is_forgotten_after_the_hold(void **state)
{
	struct mn_id id = {1, 15, (const uint8_t *)"mn1@example.com"};

	world_attached();
	assert_int_equal(mag_detach(world->mag, &world->now, &id), 0);
	world_apply();
	world_answer(&(struct world_pba){.lifetime_s = 0});
	world_pass(60001);
	world_expect_empty();
}

static void node_that_comes_back_stops_its_deregistration(void **state)
{
	world_attached();
	world_pass(13001); /* three probes unanswered */
	assert_int_equal(world_view(world_mac).state, ATTACHMENT_DEREGISTERING);
	world_rs(0, world_mac, "fe80::200:ff:fe00:101");
	assert_int_equal(world_view(world_mac).state, ATTACHMENT_REFRESHING);
	assert_int_equal(world_pbu(0).options.handoff_indicator, HI_UNKNOWN);
	assert_int_equal(world_pbu(0).lifetime_s, 600);
	world_accept();
	assert_int_equal(world_view(world_mac).state, ATTACHMENT_ACTIVE);
	assert_non_null(world_endpoint("2001:db8:f1:1::/64"));
}

static void timestamps_of_one_node_never_repeat(void **state)
{
	world_attached();
	mag_shutdown(world->mag, &world->now);
	world_pass(0);
	assert_int_equal(world->pbu_count, 2);
	assert_true(world_pbu(0).options.timestamp > world_pbu(1).options.timestamp);
}

static void restarted_lma_gets_every_binding_again(void **state)
{
	world_attached();
	mag_unknown_mac(world->mag, &world->now, 1, mn2_mac);
	world_apply();
	world_answer(&(struct world_pba){.lifetime_s = 600, .prefixes = {"2001:db8:f1:2::/64"}});
	pass_present(2000);
	assert_int_equal(mag_peer_restarted(world->mag, &world->now, &world_lma), 1);
	world_pass(10);
	assert_int_equal(world->pbu_count, 3);
	assert_int_equal(world_pbu(0).options.handoff_indicator, HI_UNCHANGED);
	assert_memory_equal(&world_pbu(0).options.prefixes[0].prefix, world_ip6("2001:db8:f1:1::").s6_addr, 16);
	assert_memory_equal(world_pbu(0).options.mn_id.data, "mn1@example.com", 15);
	assert_true(world_remembers(world_mac, HISTORY_peer_restarted, 0));
}

static void renewals_are_paced(void **state)
{
	unsigned before;

	for (uint32_t i = 0; i < 1000; i++) {
		char prefix[40];

		snprintf(prefix, sizeof(prefix), "2001:db8:aa:%x::/64", i);
		mag_unknown_mac(
			world->mag, &world->now, 0, (const uint8_t[6]){2, 7, 0, 0, (uint8_t)(i >> 8), (uint8_t)i});
		world_apply();
		world_answer(&(struct world_pba){.lifetime_s = 600, .prefixes = {prefix}});
	}
	world_pass(2000);
	before = world->pbu_count;
	assert_int_equal(mag_peer_restarted(world->mag, &world->now, &world_lma), 1000);
	world_pass(0);
	assert_in_range(world->pbu_count - before, 1, 200);
	world_pass(60);
	assert_int_equal(world->pbu_count - before, 1000);
}

static void lma_that_answers_again_gets_the_bindings_it_may_have_purged(void **state)
{
	world_attached();
	mag_peer_unreachable(world->mag, &world->now, &world_lma, true);
	pass_present(3000);
	assert_int_equal(world->pbu_count, 1);
	assert_non_null(world_endpoint("2001:db8:f1:1::/64"));
	mag_peer_unreachable(world->mag, &world->now, &world_lma, false);
	world_pass(10);
	assert_int_equal(world->pbu_count, 2);
}

static void node_back_after_missed_probes_asserts_its_binding(void **state)
{
	world_attached();
	world_pass(11500); /* two probes out */
	world_na(0, world_mac, "fe80::200:ff:fe00:101");
	assert_int_equal(world->pbu_count, 2);
	assert_int_equal(world_pbu(0).options.handoff_indicator, HI_UNKNOWN);
}

static void lma_chooses_the_link_local_address_without_a_fixed_one(void **state)
{
	struct in6_addr chosen = world_ip6("fe80::aa");

	world->config.fixed_link_local = in6addr_any;
	world_restart();
	world_rs(0, world_mac, "fe80::1");
	assert_int_equal(world_pbu(0).options.link_local_count, 1);
	assert_memory_equal(world_pbu(0).options.link_local.s6_addr, &in6addr_any, 16);
	world_answer(&(struct world_pba){.lifetime_s = 600, .link_local = chosen});
	assert_memory_equal(world_frame(0, DISCOVERY_RA).bytes + 8, &chosen, 16);
	assert_int_equal(world->pbu_count, 1);
}

static void link_local_address_that_the_node_has_is_not_taken(void **state)
{
	world->config.fixed_link_local = in6addr_any;
	world_restart();
	world_rs(0, world_mac, "fe80::1");
	world_answer(&(struct world_pba){.lifetime_s = 600, .link_local = world_ip6("fe80::1")});
	assert_int_equal(world->pbu_count, 2); /* the LMA is told another one at once */
	assert_memory_not_equal(world_pbu(0).options.link_local.s6_addr, &in6addr_any, 16);
	assert_memory_not_equal(world_pbu(0).options.link_local.s6_addr, world_ip6("fe80::1").s6_addr, 16);
	assert_memory_equal(world_pbu(0).options.link_local.s6_addr, world_frame(0, DISCOVERY_RA).bytes + 8, 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
		TEST(unanswered_pbu_is_sent_again_with_doubled_timeout),
		TEST(without_timestamps_a_retransmission_has_a_higher_sequence),
		TEST(retransmission_ends_when_the_node_is_gone),
		TEST(binding_is_refreshed_at_the_percentage_of_its_lifetime),
		TEST(presence_is_verified_before_a_refresh),
		TEST(silent_node_is_probed_and_refreshed_when_it_answers),
		TEST(lost_refresh_ends_in_expiry_withdrawal_and_registration_again),
		TEST(deregistration_names_every_prefix_and_removes_after_the_pba),
		TEST(deregistration_without_an_answer_ends_after_the_timeout),
		TEST(operators_detach_outlives_data_but_not_a_solicitation),
		TEST(detached_node_is_forgotten_after_the_hold),
		TEST(node_that_comes_back_stops_its_deregistration),
		TEST(timestamps_of_one_node_never_repeat),
		TEST(restarted_lma_gets_every_binding_again),
		TEST(renewals_are_paced),
		TEST(lma_that_answers_again_gets_the_bindings_it_may_have_purged),
		TEST(node_back_after_missed_probes_asserts_its_binding),
		TEST(lma_chooses_the_link_local_address_without_a_fixed_one),
		TEST(link_local_address_that_the_node_has_is_not_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
