/* SPDX-License-Identifier: BSD-3-Clause */
/* Single messages that are lost, doubled or late, and tables that refuse (RFC 5213 section 6.9.4, wire-formats B.10).
 */
#include "sim_test.h"

#include <errno.h>

static void lost_pba_is_answered_again(void **state)
{
	struct domain *domain = domain_create(&(struct domain_config){.lmas = 1, .mags = 1, .nodes = 1});

	(void)state;
	domain_lose(domain, "LMA1 -PBA-> MAG1", 1);
	mobile_attach(domain, 0, 0);
	domain_run(domain, 900);
	expect_arrows(domain, "MAG1 -PBU-> LMA1", "LMA1 -PBA-> MAG1");
	assert_false(mobile_is_served(domain, 0));
	domain_run(domain, 1000); /* INITIAL_BINDACK_TIMEOUT */
	expect_arrows(domain, "MAG1 -PBU-> LMA1", "LMA1 -PBA-> MAG1");
	invariants_check_converged(domain);
	domain_finish(domain);
}

static void lost_pbus_are_sent_again_with_back_off(void **state)
{
	struct domain *domain =
		domain_create(&(struct domain_config){.lmas = 1, .mags = 1, .nodes = 1, .traffic_ms = 500});

	(void)state;
	domain_lose(domain, "MAG1 -PBU-> LMA1", 4);
	mobile_attach(domain, 0, 0);
	domain_run(domain, 14000); /* after 1, 2 and 4 s */
	expect_arrows(domain, "MAG1 -PBU-> LMA1", "MAG1 -PBU-> LMA1", "MAG1 -PBU-> LMA1", "MAG1 -PBU-> LMA1");
	domain_run(domain, 2000);
	expect_arrows(domain, "MAG1 -PBU-> LMA1", "LMA1 -PBA-> MAG1");
	invariants_check_converged(domain);
	domain_finish(domain);
}

/* wire-formats B.10: an exact duplicate gets the last PBA again. */
static void duplicate_pbu_makes_no_second_binding(void **state)
{
	struct domain *domain = domain_create(&(struct domain_config){.lmas = 1, .mags = 1, .nodes = 1});
	struct lma_stats stats;

	(void)state;
	domain_duplicate(domain, "MAG1 -PBU-> LMA1", 1, 50);
	mobile_attach(domain, 0, 0);
	domain_run(domain, 500);
	expect_arrows(domain, "MAG1 -PBU-> LMA1", "LMA1 -PBA-> MAG1", "LMA1 -PBA-> MAG1");
	lma_stats(domain_lma(domain, 0)->lma, &stats);
	assert_int_equal(stats.bindings, 1);
	assert_int_equal(stats.pbu_duplicate, 1);
	invariants_check_converged(domain);
	domain_finish(domain);
}

static void duplicate_pbu_while_the_first_is_being_installed_is_answered_once(void **state)
{
	struct domain *domain = domain_create(&(struct domain_config){
		.lmas = 1, .mags = 1, .nodes = 1, .faults.owner = {.apply_min_us = 20000, .apply_max_us = 20000}});
	struct lma_stats stats;

	(void)state;
	domain_duplicate(domain, "MAG1 -PBU-> LMA1", 1, 5);
	mobile_attach(domain, 0, 0);
	domain_run(domain, 500);
	expect_arrows(domain, "MAG1 -PBU-> LMA1", "LMA1 -PBA-> MAG1");
	lma_stats(domain_lma(domain, 0)->lma, &stats);
	assert_int_equal(stats.bindings, 1);
	invariants_check_converged(domain);
	domain_finish(domain);
}

/* The old MAG's refresh overtaken by the new MAG's registration: 157, and the MN stays where it is. */
static void late_refresh_of_the_old_mag_does_not_take_the_node_back(void **state)
{
	struct domain *domain =
		domain_create(&(struct domain_config){.lmas = 1, .mags = 2, .nodes = 1, .lifetime_s = 20});

	(void)state;
	mobile_attach(domain, 0, 0);
	domain_run(domain, 2000);
	domain_forget_arrows(domain);
	domain_delay(domain, "MAG1 -PBU-> LMA1", 1, 100);
	domain_run_until_arrow(domain, "MAG1 -PBU-> LMA1", 20000); /* the refresh at 75 % of 20 s */
	mobile_attach(domain, 0, 1);
	domain_run(domain, 500);
	expect_arrows(domain, "MAG1 -PBU-> LMA1", "MAG2 -PBU-> LMA1", "LMA1 -PBA-> MAG2", "LMA1 -PBA 157-> MAG1");
	assert_true(mobile_is_served(domain, 0));
	domain_run(domain, 30000);
	invariants_check_converged(domain);
	domain_finish(domain);
}

static void answer_waits_until_the_tables_have_it(void **state)
{
	struct domain *domain = domain_create(&(struct domain_config){
		.lmas = 1, .mags = 1, .nodes = 1, .faults.owner = {.apply_min_us = 100000, .apply_max_us = 100000}});

	(void)state;
	mobile_attach(domain, 0, 0);
	domain_run(domain, 150); /* the MAG's own link entry comes first */
	expect_arrows(domain, "MAG1 -PBU-> LMA1");
	domain_run(domain, 100);
	expect_arrows(domain, "LMA1 -PBA-> MAG1");
	assert_int_equal(domain->mobiles[0].prefix_count, 0);
	domain_run(domain, 200);
	invariants_check_converged(domain);
	domain_finish(domain);
}

static void refused_update_is_answered_with_130_and_undone(void **state)
{
	struct domain *domain = domain_create(&(struct domain_config){.lmas = 1,
		.mags = 1,
		.nodes = 1,
		.traffic_ms = 500,
		.faults.owner.refuse_ppm = 1}); /* invariants allow for gaps */
	struct lma_stats stats;

	(void)state;
	domain->faults.owner.refuse_ppm = 0;
	mobile_attach(domain, 0, 0);
	domain_run_until_arrow(domain, "MAG1 -PBU-> LMA1", 100);
	domain->faults.owner.refuse_ppm = 1000000;
	domain_run(domain, 10);
	expect_arrows(domain, "MAG1 -PBU-> LMA1", "LMA1 -PBA 130-> MAG1");
	lma_stats(domain_lma(domain, 0)->lma, &stats);
	assert_int_equal(stats.bindings, 0);
	domain->faults.owner.refuse_ppm = 0;
	domain_run(domain, 5000);
	invariants_check_converged(domain);
	domain_finish(domain);
}

static void lma_without_a_way_to_the_mag_answers_130_and_tries_again(void **state)
{
	struct domain *domain = domain_create(&(struct domain_config){.lmas = 1,
		.mags = 1,
		.nodes = 2,
		.traffic_ms = 500,
		.faults = {.unresolved_ppm = 1000000, .unreachable_ppm = 1000000}});

	(void)state;
	mobile_attach(domain, 0, 0);
	mobile_attach(domain, 1, 0);
	domain_run(domain, 4000);
	assert_true(domain_count_arrows(domain, "LMA1 -PBA 130-> MAG1") > 0);
	domain->faults.unreachable_ppm = 0;
	domain_run(domain, 60000);
	invariants_check_converged(domain);
	domain_finish(domain);
}

static void clock_that_jumps_is_survived(void **state)
{
	struct domain *domain = domain_create(
		&(struct domain_config){.lmas = 1, .mags = 2, .nodes = 4, .traffic_ms = 500, .lifetime_s = 60});

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		mobile_attach(domain, i, i % 2);
	domain_run(domain, 2000);
	gateway_step_clock(domain_mag(domain, 0), -10000); /* 156 or 157, until somebody sets it */
	domain_run(domain, 90000);
	assert_true(domain_count_arrows(domain, "LMA1 -PBA 156-> MAG1") +
			    domain_count_arrows(domain, "LMA1 -PBA 157-> MAG1") >
		    0);
	gateway_step_clock(domain_mag(domain, 0), 10000);
	domain_run(domain, 330000); /* its longest wait */
	invariants_check_converged(domain);
	domain_finish(domain);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lost_pba_is_answered_again),
		cmocka_unit_test(lost_pbus_are_sent_again_with_back_off),
		cmocka_unit_test(duplicate_pbu_makes_no_second_binding),
		cmocka_unit_test(duplicate_pbu_while_the_first_is_being_installed_is_answered_once),
		cmocka_unit_test(late_refresh_of_the_old_mag_does_not_take_the_node_back),
		cmocka_unit_test(answer_waits_until_the_tables_have_it),
		cmocka_unit_test(refused_update_is_answered_with_130_and_undone),
		cmocka_unit_test(lma_without_a_way_to_the_mag_answers_130_and_tries_again),
		cmocka_unit_test(clock_that_jumps_is_survived),
	};

	if (!sim_arguments(argc, argv))
		return 2;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
