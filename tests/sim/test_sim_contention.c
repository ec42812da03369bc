/* SPDX-License-Identifier: BSD-3-Clause */
/* Nodes that are claimed by two MAGs, or run to and fro, or come all at once. */
#include "sim_test.h"

/*
 * Two MAGs send a PBU for one MN at the same time: one of them is newer and has it; the other one's node is not there,
 * so its probes fail and it gives up. The node is where it answers.
 */
static void two_mags_claiming_one_node_leave_one_binding(void **state)
{
	struct domain *domain =
		domain_create(&(struct domain_config){.lmas = 1, .mags = 2, .nodes = 1, .traffic_ms = 1000});
	struct engine_time now;
	struct lma_stats stats;

	(void)state;
	mobile_attach(domain, 0, 0);
	now = gateway_time(domain_mag(domain, 1));
	mag_unknown_mac(domain_mag(domain, 1)->mag, &now, 0, domain->mobiles[0].mac); /* a stray packet of it */
	gateway_run(domain_mag(domain, 1));
	domain_run(domain, 500);
	lma_stats(domain_lma(domain, 0)->lma, &stats);
	assert_int_equal(stats.bindings, 1);
	domain_run(domain, 30000);
	lma_stats(domain_lma(domain, 0)->lma, &stats);
	assert_int_equal(stats.bindings, 1);
	invariants_check_converged(domain);
	domain_finish(domain);
}

/* Its PBU would be the newest, and nobody would tell the MAG where the node is. */
static void mag_without_an_answer_does_not_take_back_a_node_that_left(void **state)
{
	struct domain *domain = domain_create(&(struct domain_config){.lmas = 1, .mags = 2, .nodes = 1});

	(void)state;
	domain_lose(domain, "MAG1 -PBU-> LMA1", 2);
	mobile_attach(domain, 0, 0);
	domain_run(domain, 1500);
	expect_arrows(domain, "MAG1 -PBU-> LMA1", "MAG1 -PBU-> LMA1");
	mobile_attach(domain, 0, 1);
	domain_run(domain, 30000);
	assert_int_equal(domain_count_arrows(domain, "MAG1 -PBU-> LMA1"), 0);
	invariants_check_converged(domain);
	domain_finish(domain);
}

/* At most 2 PBU/s for one node from one MAG (wire-formats B.10), whatever it does. */
static void node_that_moves_every_300_ms_for_a_minute_ends_where_it_is(void **state)
{
	struct domain *domain =
		domain_create(&(struct domain_config){.lmas = 1, .mags = 2, .nodes = 1, .traffic_ms = 1000});
	unsigned pbus;

	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		mobile_attach(domain, 0, i % 2);
		domain_run(domain, 300);
	}
	pbus = domain_count_arrows(domain, "MAG1 -PBU-> LMA1") + domain_count_arrows(domain, "MAG2 -PBU-> LMA1");
	assert_in_range(pbus, 60, 2 * 2 * 60);
	domain_run(domain, 3000);
	assert_true(mobile_is_served(domain, 0));
	domain_run(domain, 30000);
	invariants_check_converged(domain);
	domain_finish(domain);
}

/* RFC 7077: the MAG that never noticed that the node was away is asked for it by its first packet. */
static void node_that_is_back_unnoticed_is_asked_for(void **state)
{
	struct domain *domain =
		domain_create(&(struct domain_config){.lmas = 1, .mags = 2, .nodes = 1, .traffic_ms = 300});

	(void)state;
	mobile_attach(domain, 0, 0);
	domain_run(domain, 3000);
	mobile_slip(domain, 0, 1);
	domain_run(domain, 1000);
	domain_forget_arrows(domain);
	mobile_slip(domain, 0, 0);
	domain_run(domain, 310);
	expect_arrows(domain, "LMA1 -UPN-> MAG1", "MAG1 -PBU-> LMA1", "MAG1 -UPA-> LMA1", "LMA1 -PBA-> MAG1");
	assert_true(mobile_is_served(domain, 0));
	domain_run(domain, 3000);
	domain_forget_arrows(domain); /* the other MAG has not noticed, either */
	mobile_slip(domain, 0, 1);
	domain_lose(domain, "LMA1 -UPN-> MAG2", 1);
	domain_run(domain, 300);
	expect_arrows(domain, "LMA1 -UPN-> MAG2");
	domain_run(domain, 1010);
	expect_arrows(domain, "LMA1 -UPN(D)-> MAG2", "MAG2 -PBU-> LMA1", "MAG2 -UPA-> LMA1", "LMA1 -PBA-> MAG2");
	assert_true(mobile_is_served(domain, 0));
	domain_finish(domain);
}

/* It sends data every 300 ms and nothing else, and is served within its first packet at each MAG. */
static void node_that_only_sends_data_is_followed_to_and_fro(void **state)
{
	struct domain *domain =
		domain_create(&(struct domain_config){.lmas = 1, .mags = 2, .nodes = 1, .traffic_ms = 300});
	struct lma_stats stats;

	(void)state;
	mobile_attach(domain, 0, 0);
	domain_run(domain, 3000);
	for (unsigned i = 1; i <= 60; i++) {
		mobile_slip(domain, 0, i % 2);
		domain_run(domain, 310);
		if (!mobile_is_served(domain, 0))
			domain_fail(domain, "after move %u the node is not served", i);
		domain_run(domain, 800);
	}
	lma_stats(domain_lma(domain, 0)->lma, &stats);
	assert_int_equal(stats.handovers, 60);
	assert_in_range(stats.upn_sent, 50, 60); /* the first time the other MAG did not know the node */
	assert_int_equal(stats.upn_unanswered, 0);
	domain_run(domain, 30000);
	invariants_check_converged(domain);
	domain_finish(domain);
}

/* Faster than the limits let anybody follow: they hold, and in the end it is where it is. */
static void node_that_only_sends_data_and_moves_every_300_ms_keeps_the_limits(void **state)
{
	struct domain *domain =
		domain_create(&(struct domain_config){.lmas = 1, .mags = 2, .nodes = 1, .traffic_ms = 300});
	unsigned upns;

	(void)state;
	mobile_attach(domain, 0, 0);
	domain_run(domain, 3000);
	domain_forget_arrows(domain);
	for (unsigned i = 1; i <= 200; i++) {
		mobile_slip(domain, 0, i % 2);
		domain_run(domain, 300);
	}
	upns = domain_count_arrows(domain, "LMA1 -UPN-> MAG1") + domain_count_arrows(domain, "LMA1 -UPN-> MAG2");
	assert_in_range(upns, 30, 2 * 60 + 2);
	assert_in_range(domain_count_arrows(domain, "MAG1 -PBU-> LMA1"), 15, 2 * 60 + 2);
	assert_in_range(domain_count_arrows(domain, "MAG2 -PBU-> LMA1"), 15, 2 * 60 + 2);
	domain_run(domain, 1500);
	assert_true(mobile_is_served(domain, 0));
	domain_run(domain, 30000);
	invariants_check_converged(domain);
	domain_finish(domain);
}

static void many_nodes_that_run_to_and_fro_all_end_where_they_are(void **state)
{
	struct domain *domain = domain_create(&(struct domain_config){.lmas = 2,
		.mags = 3,
		.nodes = 24,
		.traffic_ms = 1000,
		.static_every = 5,
		.faults = {.delay_min_us = 500,
			.delay_max_us = 40000,
			.owner = {.apply_max_us = 5000, .reclaim_max_us = 20000}}});

	(void)state;
	for (unsigned round = 0; round < 100; round++) {
		for (unsigned i = 0; i < 24; i++)
			if ((round + i) % 3 == 0)
				mobile_attach(domain, i, (unsigned)sim_random_between(&domain->random, 0, 2));
		domain_run(domain, 300);
	}
	domain_run(domain, 60000);
	invariants_check_converged(domain);
	domain_finish(domain);
}

enum { CROWD = 10000 };

/* 10,000 nodes attach at once; returns how many PBUs were refused with 130 before everybody was served. */
static uint64_t attach_crowd(const struct domain_config *config)
{
	struct domain *domain = domain_create(config);
	uint64_t start_ns = domain->now_ns, refused;
	struct lma_stats stats;

	for (unsigned i = 0; i < CROWD; i++)
		mobile_attach(domain, i, i % 2);
	domain_run_until(domain, everybody_is_served, NULL, 120000);
	lma_stats(domain_lma(domain, 0)->lma, &stats);
	assert_int_equal(stats.bindings, CROWD);
	refused = stats.pba_sent[MH_STATUS_INSUFFICIENT_RESOURCES];
	print_message("%u nodes served after %.0f ms, %u PBUs refused with 130\n", (unsigned)CROWD,
		(double)(domain->now_ns - start_ns) / 1e6, (unsigned)refused);
	domain_finish(domain);
	return refused;
}

static void ten_thousand_nodes_that_attach_at_once_are_all_served(void **state)
{
	struct domain_config config = {.lmas = 1,
		.mags = 2,
		.nodes = CROWD,
		.nud_interval_ms = 120000,
		.faults = {.delay_min_us = 500,
			.delay_max_us = 3000,
			.owner = {.apply_min_us = 50, .apply_max_us = 300, .reclaim_max_us = 2000}}};

	(void)state;
	assert_int_equal(attach_crowd(&config), 0);
}

/* Tables that are slower than the crowd: above the high-water mark the LMA says 130, and the MAGs come again. */
static void crowd_is_told_to_wait_when_the_tables_are_slow(void **state)
{
	struct domain_config config = {.lmas = 1,
		.mags = 2,
		.nodes = CROWD,
		.nud_interval_ms = 120000,
		.high_water = 1000,
		.traffic_ms = 3000,
		.faults.owner = {.apply_min_us = 50000, .apply_max_us = 100000, .room = 1024}};

	(void)state;
	assert_true(attach_crowd(&config) > 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_mags_claiming_one_node_leave_one_binding),
		cmocka_unit_test(mag_without_an_answer_does_not_take_back_a_node_that_left),
		cmocka_unit_test(node_that_moves_every_300_ms_for_a_minute_ends_where_it_is),
		cmocka_unit_test(node_that_is_back_unnoticed_is_asked_for),
		cmocka_unit_test(node_that_only_sends_data_is_followed_to_and_fro),
		cmocka_unit_test(node_that_only_sends_data_and_moves_every_300_ms_keeps_the_limits),
		cmocka_unit_test(many_nodes_that_run_to_and_fro_all_end_where_they_are),
		cmocka_unit_test(ten_thousand_nodes_that_attach_at_once_are_all_served),
		cmocka_unit_test(crowd_is_told_to_wait_when_the_tables_are_slow),
	};

	if (!sim_arguments(argc, argv))
		return 2;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
