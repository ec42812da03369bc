/* SPDX-License-Identifier: BSD-3-Clause */
#include "mag_world.h"

#define HNP "2001:db8:f1:1::/64"

static void answer_probe(void)
{
	world_na(0, world_mac, "fe80::200:ff:fe00:101");
}

static void refreshing(void)
{
	world_attached();
	world_pass(2000);
	mag_peer_restarted(world->mag, &world->now, &world_lma);
	world_pass(1);
	assert_int_equal(world_view(world_mac).state, ATTACHMENT_REFRESHING);
}

static void expect_no_service(enum attachment_state state, enum link_state link)
{
	assert_int_equal(world_view(world_mac).state, state);
	assert_null(world_endpoint(HNP));
	assert_int_equal(world_link(0, world_mac)->state, link);
	assert_int_equal(world->fake.tunnel_count, 0);
}

static void every_status_under_128_is_acceptance(void **state)
{
	world_rs(0, world_mac, "fe80::1");
	world_answer(
		&(struct world_pba){.status = MH_STATUS_PBU_ACCEPTED_TB_IGNORED_SETTINGSMISMATCH, .lifetime_s = 60});
	assert_int_equal(world_view(world_mac).state, ATTACHMENT_ACTIVE);
	assert_int_equal(world_view(world_mac).last_status, 6);
	assert_true(world_view(world_mac).has_status);
}

/* 130: wait and retry, 1 s doubled up to MAX_BINDACK_TIMEOUT */
static void insufficient_resources_waits_longer_each_time(void **state)
{
	static const unsigned waits_s[] = {1, 2, 4, 8, 16, 32, 32};

	world->config.nud_interval_ms = 0;
	world_restart();
	world_rs(0, world_mac, "fe80::1");
	for (unsigned i = 0; i < sizeof(waits_s) / sizeof(waits_s[0]); i++) {
		world_reject(MH_STATUS_INSUFFICIENT_RESOURCES);
		expect_no_service(ATTACHMENT_WAITING, LINK_PENDING);
		world_pass(waits_s[i] * 1000 - 1);
		assert_int_equal(world->pbu_count, i + 1);
		world_pass(1);
		assert_int_equal(world->pbu_count, i + 2);
	}
	assert_true(world_remembers(world_mac, HISTORY_rejected, 130));
	assert_true(world_remembers(world_mac, HISTORY_retry_wait, 32));
	assert_int_equal(world_stats().pba_received[130], 7);
	world_accept();
	assert_int_equal(world_view(world_mac).state, ATTACHMENT_ACTIVE);
}

static void rejected_refresh_stops_forwarding_without_a_withdrawal(void **state)
{
	unsigned frames;

	refreshing();
	frames = world->frame_count;
	world_reject(MH_STATUS_INSUFFICIENT_RESOURCES);
	expect_no_service(ATTACHMENT_WAITING, LINK_PENDING);
	world_rs(0, world_mac, "fe80::1"); /* no advertisement without a binding */
	assert_int_equal(world->frame_count, frames);
	world_pass(1000);
	assert_memory_equal(&world_pbu(0).options.prefixes[0].prefix, world_ip6("2001:db8:f1:1::").s6_addr, 16);
	world_accept();
	assert_non_null(world_endpoint(HNP));
}

static void binding_of_a_rejected_refresh_is_deregistered_when_the_node_goes(void **state)
{
	refreshing();
	world_reject(MH_STATUS_INSUFFICIENT_RESOURCES);
	mag_shutdown(world->mag, &world->now);
	world_apply();
	assert_int_equal(world_pbu(0).lifetime_s, 0);
	world_answer(&(struct world_pba){.lifetime_s = 0});
	world_expect_empty();
}

static void statuses_without_hope_end_service_for_the_hold_time(void **state)
{
	static const uint8_t statuses[] = {129, 131, 132, 133, 139, 151, 153, 154, 158, 160, 161, 162, 163, 174, 255};

	for (unsigned i = 0; i < sizeof(statuses); i++) {
		world_rs(0, world_mac, "fe80::1");
		world_reject(statuses[i]);
		expect_no_service(ATTACHMENT_REFUSED, LINK_REFUSED);
		assert_int_equal(world_view(world_mac).last_status, statuses[i]);
		world_pass(61000);
		assert_false(world_has_node(world_mac)); /* its next packet tries again */
	}
	assert_int_equal(world->pbu_count, sizeof(statuses));
	world_expect_empty();
}

/* 152: no PBU until an administrative action */
static void proxy_registration_not_enabled_waits_for_the_operator(void **state)
{
	world_rs(0, world_mac, "fe80::1");
	world_reject(MH_STATUS_PROXY_REG_NOT_ENABLED);
	world_pass(86400000);
	expect_no_service(ATTACHMENT_REFUSED, LINK_REFUSED);
	world_rs(0, world_mac, "fe80::1");
	assert_int_equal(world->pbu_count, 1);
	assert_int_equal(mag_attach(world->mag, &world->now, 0, world_mac), 0);
	world_apply();
	assert_int_equal(world->pbu_count, 2);
	world_accept();
	assert_int_equal(world_view(world_mac).state, ATTACHMENT_ACTIVE);
}

static void refused_refresh_withdraws_the_prefixes(void **state)
{
	struct discovery_prefix prefixes[DISCOVERY_PREFIXES_MAX];

	refreshing();
	world_reject(MH_STATUS_PROXY_REG_NOT_ENABLED);
	expect_no_service(ATTACHMENT_REFUSED, LINK_REFUSED);
	assert_int_equal(world_ra_prefixes(world_frame(0, DISCOVERY_RA), prefixes), 1);
	assert_int_equal(prefixes[0].valid_s + prefixes[0].preferred_s, 0);
}

/* B.10: matches on peer and MN-ID alone, counter set, one retry with value + 1 */
static void sequence_out_of_window_retries_once_with_the_next_number(void **state)
{
	world->config.timestamp_based_approach_in_use = false;
	world_restart();
	world_rs(0, world_mac, "fe80::1");
	world_answer(&(struct world_pba){.status = 135, .sequence = 40000});
	assert_int_equal(world->pbu_count, 2);
	assert_int_equal(world_pbu(0).sequence, 40001);
	world_answer(&(struct world_pba){.status = 135, .sequence = 50000});
	assert_int_equal(world->pbu_count, 2);
	assert_int_equal(world_view(world_mac).state, ATTACHMENT_WAITING);
	world_pass(1000);
	assert_int_equal(world->pbu_count, 3);
	world_accept();
	assert_int_equal(world_view(world_mac).state, ATTACHMENT_ACTIVE);
}

static void deregistration_out_of_window_is_sent_once_more(void **state)
{
	world->config.timestamp_based_approach_in_use = false;
	world_restart();
	world_attached();
	mag_shutdown(world->mag, &world->now);
	world_pass(1);
	world_answer(&(struct world_pba){.status = 135, .sequence = 7000});
	assert_int_equal(world_pbu(0).sequence, 7001);
	assert_int_equal(world_pbu(0).lifetime_s, 0);
	world_answer(&(struct world_pba){.status = 135, .sequence = 8000});
	world_expect_empty();
}

/* B.10: 157 probes before it registers again, back-off 1 s doubling */
static void older_timestamp_probes_then_registers_again(void **state)
{
	static const unsigned waits_s[] = {1, 2, 4};

	world_attached();
	for (unsigned i = 0; i < 3; i++) {
		unsigned pbus;

		if (i == 0) {
			world_pass(2000);
			mag_peer_restarted(world->mag, &world->now, &world_lma);
			world_pass(1);
		}
		pbus = world->pbu_count;
		world_reject(MH_STATUS_TIMESTAMP_LOWER_THAN_PREV_ACCEPTED);
		expect_no_service(ATTACHMENT_WAITING, LINK_PENDING);
		assert_memory_equal(world_frame(0, DISCOVERY_NS).mac, world_mac, 6);
		answer_probe();
		world_pass(waits_s[i] * 1000 - 1);
		assert_int_equal(world->pbu_count, pbus);
		world_pass(1);
		if (waits_s[i] > 1)
			answer_probe(); /* once more: it may have left meanwhile */
		assert_int_equal(world->pbu_count, pbus + 1);
		assert_int_equal(world_pbu(0).options.handoff_indicator, HI_UNKNOWN);
	}
	world_accept();
	assert_non_null(world_endpoint(HNP));
}

static void older_timestamp_and_no_answer_to_probes_is_the_end(void **state)
{
	unsigned pbus;

	refreshing();
	pbus = world->pbu_count;
	world_reject(MH_STATUS_TIMESTAMP_LOWER_THAN_PREV_ACCEPTED);
	world_pass(3001);
	assert_false(world_has_node(world_mac));
	assert_int_equal(world->pbu_count, pbus); /* the binding is another MAG's: nothing to de-register */
	world_expect_empty();
}

static void late_answer_to_the_probe_registers_at_once(void **state)
{
	refreshing();
	world_reject(MH_STATUS_TIMESTAMP_LOWER_THAN_PREV_ACCEPTED);
	world_pass(2500);
	assert_int_equal(world->pbu_count, 2);
	answer_probe();
	assert_int_equal(world->pbu_count, 3);
}

static void rejected_deregistration_is_not_tried_again(void **state)
{
	world_attached();
	mag_shutdown(world->mag, &world->now);
	world_pass(1);
	world_reject(MH_STATUS_TIMESTAMP_LOWER_THAN_PREV_ACCEPTED);
	world_expect_empty();
	assert_int_equal(world->pbu_count, 2);
}

/* 156: the clocks differ: later, and later each time */
static void timestamp_mismatch_waits_with_growing_delay(void **state)
{
	static const unsigned waits_s[] = {5, 10, 20, 40, 80, 160, 320, 320};

	world->config.nud_interval_ms = 0;
	world_restart();
	world_rs(0, world_mac, "fe80::1");
	for (unsigned i = 0; i < sizeof(waits_s) / sizeof(waits_s[0]); i++) {
		world_reject(MH_STATUS_TIMESTAMP_MISMATCH);
		expect_no_service(ATTACHMENT_WAITING, LINK_PENDING);
		world_pass(waits_s[i] * 1000 - 1);
		assert_int_equal(world->pbu_count, i + 1);
		world_pass(1);
		assert_int_equal(world->pbu_count, i + 2);
	}
}

/* 155, 159: the prefixes are not ours any more */
static void prefix_that_is_not_given_is_withdrawn_and_any_asked_for(void **state)
{
	static const uint8_t statuses[] = {155, 159};
	struct discovery_prefix prefixes[DISCOVERY_PREFIXES_MAX];

	for (unsigned i = 0; i < 2; i++) {
		refreshing();
		world_reject(statuses[i]);
		assert_null(world_endpoint(HNP));
		assert_int_equal(world_ra_prefixes(world_frame(0, DISCOVERY_RA), prefixes), 1);
		assert_int_equal(prefixes[0].valid_s, 0);
		assert_true(IN6_IS_ADDR_UNSPECIFIED(&world_pbu(0).options.prefixes[0].prefix));
		world_answer(&(struct world_pba){.lifetime_s = 600, .prefixes = {"2001:db8:f1:77::/64"}});
		assert_non_null(world_endpoint("2001:db8:f1:77::/64"));
		/* the host hears of both, in case it lost the withdrawal */
		assert_int_equal(world_ra_prefixes(world_frame(0, DISCOVERY_RA), prefixes), 2);
		assert_int_equal(prefixes[0].valid_s, 2592000);
		assert_int_equal(prefixes[1].valid_s, 0);
		mag_shutdown(world->mag, &world->now);
		world_pass(2000);
		world_expect_empty();
		world_restart();
	}
}

static void prefix_not_given_although_any_was_asked_for_is_refusal(void **state)
{
	world_rs(0, world_mac, "fe80::1");
	world_reject(MH_STATUS_NOT_AUTHORIZED_FOR_HOME_NETWORK_PREFIX);
	expect_no_service(ATTACHMENT_REFUSED, LINK_REFUSED);
	assert_int_equal(world->pbu_count, 1);
}

static void answers_that_match_nothing_are_ignored(void **state)
{
	static const struct in6_addr elsewhere = {.s6_addr = {0x20, 1, 0x0d, 0xb8, [15] = 0xee}};
	static const struct world_pba wrong[] = {
		{.lifetime_s = 600, .sequence_plus = 1},
		{.lifetime_s = 600, .sequence_plus = -1},
		{.lifetime_s = 600, .source = &elsewhere},
		{.lifetime_s = 600, .wrong = WRONG_ID},
		{.lifetime_s = 600, .wrong = WRONG_P_FLAG},
		{.lifetime_s = 0},
	};

	world_rs(0, world_mac, "fe80::1");
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		world_answer(&wrong[i]);
		assert_int_equal(world_stats().pba_ignored, i + 1);
		assert_int_equal(world_view(world_mac).state, ATTACHMENT_REGISTERING);
	}
	world_pass(1000);
	assert_int_equal(world->pbu_count, 2);
	world_accept();
	world_answer(&(struct world_pba){.lifetime_s = 600}); /* a duplicate */
	assert_int_equal(world_view(world_mac).state, ATTACHMENT_ACTIVE);
	assert_int_equal(world_stats().pba_ignored, 7);
	assert_int_equal(world->fake.refused, 0);
}

/* RFC 5213 6.9.1.2 number 6 */
static void differing_echo_stops_registration_until_the_operator_acts(void **state)
{
	static const unsigned wrong[] = {WRONG_HI, WRONG_ATT, WRONG_LINK_LAYER};

	for (unsigned i = 0; i < 3; i++) {
		world_rs(0, world_mac, "fe80::1");
		world_answer(&(struct world_pba){.lifetime_s = 600, .wrong = wrong[i]});
		expect_no_service(ATTACHMENT_REFUSED, LINK_REFUSED);
		world_pass(3600000);
		assert_int_equal(world->pbu_count, i + 1);
		assert_true(world_remembers(world_mac, HISTORY_pba_ignored, 0));
		world_restart();
	}
}

static void differing_echo_of_a_refresh_lets_the_binding_run_out(void **state)
{
	world->config.nud_interval_ms = 0;
	world_restart();
	refreshing();
	world_answer(&(struct world_pba){.lifetime_s = 600, .wrong = WRONG_HI});
	assert_non_null(world_endpoint(HNP));
	world_pass(590000);
	assert_non_null(world_endpoint(HNP));
	assert_int_equal(world->pbu_count, 2);
	world_pass(20000);
	expect_no_service(ATTACHMENT_REFUSED, LINK_REFUSED);
	assert_int_equal(world->pbu_count, 2);
}

static void changed_prefix_set_replaces_forwarding_and_deprecates(void **state)
{
	struct discovery_prefix prefixes[DISCOVERY_PREFIXES_MAX];

	world_rs(0, world_mac, "fe80::200:ff:fe00:101");
	world_answer(&(struct world_pba){.lifetime_s = 600, .prefixes = {HNP, "2001:db8:f1:2::/64"}});
	world_pass(2000);
	mag_peer_restarted(world->mag, &world->now, &world_lma);
	world_pass(1);
	world_answer(&(struct world_pba){.lifetime_s = 600, .prefixes = {"2001:db8:f1:2::/64", "2001:db8:f1:3::/64"}});
	assert_null(world_endpoint(HNP));
	assert_non_null(world_endpoint("2001:db8:f1:2::/64"));
	assert_non_null(world_endpoint("2001:db8:f1:3::/64"));
	assert_int_equal(world_ra_prefixes(world_frame(0, DISCOVERY_RA), prefixes), 3);
	assert_int_equal(prefixes[0].valid_s, 2592000);
	assert_int_equal(prefixes[1].valid_s, 2592000);
	assert_int_equal(prefixes[2].valid_s, 0);
	assert_memory_equal(&prefixes[2].prefix, world_ip6("2001:db8:f1:1::").s6_addr, 16);
	assert_true(world_remembers(world_mac, HISTORY_prefixes_changed, 2));
	assert_int_equal(world->fake.refused, 0);
}

static void prefixes_that_cannot_be_forwarded_are_given_back(void **state)
{
	static const char *const bad[][3] = {
		{"2001:db8::/48"}, {"fe80::/64"}, {"ff00::/64"}, {"::/64"}, {HNP, HNP}, {HNP, "2001:db8:f1:10::/60"}};

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct world_pba pba = {.lifetime_s = 600, .prefixes = {bad[i][0], bad[i][1]}};

		world_rs(0, world_mac, "fe80::1");
		world_answer(&pba);
		assert_int_equal(world_view(world_mac).state, ATTACHMENT_DEREGISTERING);
		assert_int_equal(world_pbu(0).lifetime_s, 0);
		world_answer(&(struct world_pba){.lifetime_s = 0});
		expect_no_service(ATTACHMENT_REFUSED, LINK_REFUSED);
		world_pass(61000);
		world_expect_empty();
	}
	assert_int_equal(world_stats().ra_sent, 0);
}

static void prefix_given_to_another_node_leaves_the_first_one(void **state)
{
	static const uint8_t other[6] = {2, 0, 0, 0, 0, 7};

	world_attached();
	world_pass(1000);
	mag_unknown_mac(world->mag, &world->now, 1, other);
	world_apply();
	world_accept(); /* the same prefix */
	assert_int_equal(world_endpoint(HNP)->link, 1);
	assert_int_equal(world_view(world_mac).state, ATTACHMENT_REGISTERING);
	assert_int_equal(world_view(world_mac).prefix_count, 0);
	assert_int_equal(world->fake.refused, 0);
}

static void prefix_of_another_lmas_node_is_not_taken(void **state)
{
	static const uint8_t mn2_mac[6] = {2, 0, 0, 0, 0, 2};

	world_attached();
	mag_unknown_mac(world->mag, &world->now, 1, mn2_mac);
	world_apply();
	world_accept();
	assert_int_equal(world_endpoint(HNP)->link, 0);
	assert_int_equal(world_view(mn2_mac).state, ATTACHMENT_DEREGISTERING);
	assert_int_equal(world_view(world_mac).state, ATTACHMENT_ACTIVE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
		TEST(every_status_under_128_is_acceptance),
		TEST(insufficient_resources_waits_longer_each_time),
		TEST(rejected_refresh_stops_forwarding_without_a_withdrawal),
		TEST(binding_of_a_rejected_refresh_is_deregistered_when_the_node_goes),
		TEST(statuses_without_hope_end_service_for_the_hold_time),
		TEST(proxy_registration_not_enabled_waits_for_the_operator),
		TEST(refused_refresh_withdraws_the_prefixes),
		TEST(sequence_out_of_window_retries_once_with_the_next_number),
		TEST(deregistration_out_of_window_is_sent_once_more),
		TEST(older_timestamp_probes_then_registers_again),
		TEST(older_timestamp_and_no_answer_to_probes_is_the_end),
		TEST(late_answer_to_the_probe_registers_at_once),
		TEST(rejected_deregistration_is_not_tried_again),
		TEST(timestamp_mismatch_waits_with_growing_delay),
		TEST(prefix_that_is_not_given_is_withdrawn_and_any_asked_for),
		TEST(prefix_not_given_although_any_was_asked_for_is_refusal),
		TEST(answers_that_match_nothing_are_ignored),
		TEST(differing_echo_stops_registration_until_the_operator_acts),
		TEST(differing_echo_of_a_refresh_lets_the_binding_run_out),
		TEST(changed_prefix_set_replaces_forwarding_and_deprecates),
		TEST(prefixes_that_cannot_be_forwarded_are_given_back),
		TEST(prefix_given_to_another_node_leaves_the_first_one),
		TEST(prefix_of_another_lmas_node_is_not_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
