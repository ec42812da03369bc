/* SPDX-License-Identifier: BSD-3-Clause */
/* Registration, handover, refresh and leaving, arrow by arrow (RFC 5213 sections 5.3 and 6.9). */
#include "sim_test.h"

static void node_that_attaches_is_registered_and_hears_its_prefix(void **state)
{
	struct domain *domain = domain_create(&(struct domain_config){.lmas = 1, .mags = 1, .nodes = 1});

	(void)state;
	domain->arrow_kinds = ARROW_SIGNALLING | ARROW_ACCESS;
	mobile_attach(domain, 0, 0);
	domain_run(domain, 100);
	expect_arrows(domain, "MN1 -RS-> MAG1", "MAG1 -PBU-> LMA1", "LMA1 -PBA-> MAG1", "MAG1 -RA-> MN1");
	invariants_check_converged(domain);
	domain_finish(domain);
}

static void node_that_moves_keeps_its_prefix(void **state)
{
	struct domain *domain = domain_create(&(struct domain_config){.lmas = 1, .mags = 2, .nodes = 1});
	struct in6_addr before;

	(void)state;
	mobile_attach(domain, 0, 0);
	domain_run(domain, 1000);
	expect_arrows(domain, "MAG1 -PBU-> LMA1", "LMA1 -PBA-> MAG1");
	before = domain->mobiles[0].prefixes[0];

	mobile_attach(domain, 0, 1);
	domain_run(domain, 100);
	expect_arrows(domain, "MAG2 -PBU-> LMA1", "LMA1 -PBA-> MAG2");
	assert_true(mobile_is_served(domain, 0));
	assert_int_equal(domain->mobiles[0].prefix_count, 1);
	assert_memory_equal(&domain->mobiles[0].prefixes[0], &before, 16);

	/* The old MAG misses it: three probes, then a de-registration that the LMA has no ear for. */
	domain_run(domain, 15000);
	expect_arrows(domain, "MAG1 -PBU(0)-> LMA1");
	invariants_check_converged(domain);
	domain_finish(domain);
}

static void node_that_leaves_is_deregistered_after_the_delete_wait(void **state)
{
	struct domain *domain = domain_create(&(struct domain_config){.lmas = 1, .mags = 1, .nodes = 1});
	struct binding_view view;

	(void)state;
	mobile_attach(domain, 0, 0);
	domain_run(domain, 1000);
	domain_forget_arrows(domain);
	mobile_leave(domain, 0);
	domain_run(domain, 9000);
	expect_arrows(domain, "MAG1 -PBU(0)-> LMA1", "LMA1 -PBA-> MAG1");
	assert_true(lma_binding_next(domain_lma(domain, 0)->lma, 0, &view));
	assert_int_equal(view.state, BINDING_DELETING);
	domain_run(domain, 11000); /* MinDelayBeforeBCEDelete */
	assert_false(lma_binding_next(domain_lma(domain, 0)->lma, 0, &view));
	domain_finish(domain);
}

static void node_that_stays_is_refreshed_before_its_lifetime_ends(void **state)
{
	struct domain *domain =
		domain_create(&(struct domain_config){.lmas = 1, .mags = 1, .nodes = 1, .lifetime_s = 100});

	(void)state;
	mobile_attach(domain, 0, 0);
	domain_run(domain, 1000);
	domain_forget_arrows(domain);
	domain_run(domain, 80000);
	expect_arrows(domain, "MAG1 -PBU-> LMA1", "LMA1 -PBA-> MAG1");
	domain_run(domain, 400000);
	assert_in_range(domain_count_arrows(domain, "MAG1 -PBU-> LMA1"), 4, 6);
	invariants_check_converged(domain);
	domain_finish(domain);
}

static void node_that_comes_back_in_the_delete_wait_gets_its_prefix_back(void **state)
{
	struct domain *domain = domain_create(&(struct domain_config){.lmas = 1, .mags = 2, .nodes = 1});
	struct in6_addr before;

	(void)state;
	mobile_attach(domain, 0, 0);
	domain_run(domain, 1000);
	before = domain->mobiles[0].prefixes[0];
	mobile_leave(domain, 0);
	domain_run(domain, 12000);
	domain_forget_arrows(domain);
	mobile_attach(domain, 0, 1);
	domain_run(domain, 100);
	expect_arrows(domain, "MAG2 -PBU-> LMA1", "LMA1 -PBA-> MAG2");
	assert_memory_equal(&domain->mobiles[0].prefixes[0], &before, 16);
	invariants_check_converged(domain);
	domain_finish(domain);
}

static void nodes_of_several_lmas_meet_at_one_mag(void **state)
{
	struct domain *domain = domain_create(
		&(struct domain_config){.lmas = 2, .mags = 3, .nodes = 12, .static_every = 3, .traffic_ms = 700});

	(void)state;
	for (unsigned i = 0; i < 12; i++)
		mobile_attach(domain, i, 0);
	domain_run(domain, 1000);
	invariants_check_converged(domain);
	for (unsigned i = 0; i < 12; i++)
		mobile_attach(domain, i, i % 3);
	domain_run(domain, 30000);
	invariants_check_converged(domain);
	domain_finish(domain);
}

static void sequence_numbers_do_where_there_are_no_clocks(void **state)
{
	struct domain *domain = domain_create(
		&(struct domain_config){.lmas = 1, .mags = 2, .nodes = 2, .sequence_numbers = true, .lifetime_s = 60});

	(void)state;
	mobile_attach(domain, 0, 0);
	mobile_attach(domain, 1, 1);
	domain_run(domain, 1000);
	invariants_check_converged(domain);
	for (unsigned i = 0; i < 6; i++) {
		mobile_attach(domain, 0, (i + 1) % 2);
		domain_run(domain, 20000);
		invariants_check_converged(domain);
	}
	domain_finish(domain);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(node_that_attaches_is_registered_and_hears_its_prefix),
		cmocka_unit_test(node_that_moves_keeps_its_prefix),
		cmocka_unit_test(node_that_leaves_is_deregistered_after_the_delete_wait),
		cmocka_unit_test(node_that_stays_is_refreshed_before_its_lifetime_ends),
		cmocka_unit_test(node_that_comes_back_in_the_delete_wait_gets_its_prefix_back),
		cmocka_unit_test(nodes_of_several_lmas_meet_at_one_mag),
		cmocka_unit_test(sequence_numbers_do_where_there_are_no_clocks),
	};

	if (!sim_arguments(argc, argv))
		return 2;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
