/* SPDX-License-Identifier: BSD-3-Clause */
/* Gateways that lose their state or go away, and how the others notice (RFC 5847, wire-formats D.3 and B.10). */
#include "sim_test.h"

#include <string.h>

#define NODES 8

static struct domain *attached(const struct domain_config *config)
{
	struct domain *domain = domain_create(config);

	for (unsigned i = 0; i < config->nodes; i++)
		mobile_attach(domain, i, i % config->mags);
	domain_run(domain, 2000);
	invariants_check_converged(domain);
	domain_forget_arrows(domain);
	return domain;
}

static void heartbeats_are_exchanged_while_there_are_sessions(void **state)
{
	struct domain *domain = domain_create(&(struct domain_config){.lmas = 1, .mags = 1, .nodes = 1});

	(void)state;
	domain->arrow_kinds = ARROW_HEARTBEAT;
	domain_run(domain, 20000);
	expect_arrows(domain, NULL);
	mobile_attach(domain, 0, 0);
	domain_run(domain, 1000);
	assert_int_equal(domain_count_arrows(domain, "LMA1 -Heartbeat-> MAG1"), 1);
	assert_int_equal(domain_count_arrows(domain, "MAG1 -Heartbeat response-> LMA1"), 1);
	assert_int_equal(domain_count_arrows(domain, "MAG1 -Heartbeat-> LMA1"), 1);
	assert_int_equal(domain_count_arrows(domain, "LMA1 -Heartbeat response-> MAG1"), 1);
	domain_finish(domain);
}

static void restarted_lma_gets_every_binding_back_with_its_prefix(void **state)
{
	struct domain *domain = attached(
		&(struct domain_config){.lmas = 1, .mags = 2, .nodes = NODES, .static_every = 4, .traffic_ms = 500});
	struct in6_addr before[NODES][MN_PREFIXES_MAX];

	(void)state;
	for (unsigned i = 0; i < NODES; i++)
		memcpy(before[i], domain->mobiles[i].prefixes, sizeof(before[i]));
	gateway_restart(domain_lma(domain, 0));
	domain_run(domain, 1000); /* it told its peers: nobody waits for a timer */
	invariants_check_converged(domain);
	for (unsigned i = 0; i < NODES; i++)
		assert_memory_equal(before[i], domain->mobiles[i].prefixes, 16 * domain->mobiles[i].prefix_count);
	assert_int_equal(domain_count_arrows(domain, "MAG1 -PBU-> LMA1"), NODES / 2);
	assert_int_equal(domain_count_arrows(domain, "MAG2 -PBU-> LMA1"), NODES / 2);
	domain_finish(domain);
}

static void restart_is_noticed_by_the_counter_when_the_word_of_it_is_lost(void **state)
{
	struct domain *domain = attached(&(struct domain_config){.lmas = 1, .mags = 2, .nodes = NODES});

	(void)state;
	domain_lose(domain, "LMA1 -Heartbeat response unsolicited-> MAG1", 1);
	domain_lose(domain, "LMA1 -Heartbeat response unsolicited-> MAG2", 1);
	gateway_restart(domain_lma(domain, 0));
	domain_run(domain, 7000); /* a heartbeat interval */
	invariants_check_converged(domain);
	domain_finish(domain);
}

static void restarted_mag_finds_its_nodes_again_by_their_traffic(void **state)
{
	struct domain *domain =
		attached(&(struct domain_config){.lmas = 2, .mags = 2, .nodes = NODES, .traffic_ms = 500});

	(void)state;
	gateway_restart(domain_mag(domain, 0));
	domain_run(domain, 3000);
	invariants_check_converged(domain);
	domain_finish(domain);
}

static void node_that_is_quiet_loses_its_binding_with_its_mag(void **state)
{
	struct domain *domain = attached(&(struct domain_config){.lmas = 1, .mags = 1, .nodes = 1});
	struct binding_view view;

	(void)state;
	gateway_restart(domain_mag(domain, 0));
	domain_run(domain, 1000);
	assert_false(lma_binding_next(domain_lma(domain, 0)->lma, 0, &view));
	domain_finish(domain);
}

/* More than MISSING_HEARTBEATS_ALLOWED without an answer. */
static void bindings_of_a_dead_mag_are_purged(void **state)
{
	struct domain *domain = attached(&(struct domain_config){.lmas = 1, .mags = 2, .nodes = NODES});
	struct lma_stats stats;

	(void)state;
	gateway_stop(domain_mag(domain, 1));
	domain_run(domain, 12000);
	lma_stats(domain_lma(domain, 0)->lma, &stats);
	assert_int_equal(stats.bindings, NODES);
	domain_run(domain, 18000);
	lma_stats(domain_lma(domain, 0)->lma, &stats);
	assert_int_equal(stats.bindings, NODES / 2);
	assert_int_equal(stats.purged, NODES / 2);
	for (unsigned i = 1; i < NODES; i += 2)
		mobile_attach(domain, i, 0); /* who moves away from it gets its old prefix */
	domain_run(domain, 1000);
	invariants_check_converged(domain);
	domain_finish(domain);
}

static void dead_lma_that_comes_back_is_used_again(void **state)
{
	struct domain *domain =
		attached(&(struct domain_config){.lmas = 2, .mags = 2, .nodes = NODES, .traffic_ms = 500});

	(void)state;
	gateway_stop(domain_lma(domain, 1));
	domain_run(domain, 60000);
	for (unsigned i = 0; i < NODES; i += 2)
		assert_true(mobile_is_served(domain, i)); /* those of the other LMA */
	gateway_start(domain_lma(domain, 1));
	domain_run(domain, 40000);
	invariants_check_converged(domain);
	domain_finish(domain);
}

static void everybody_restarting_at_once_comes_to_rest(void **state)
{
	struct domain *domain = attached(
		&(struct domain_config){.lmas = 2, .mags = 3, .nodes = NODES, .traffic_ms = 300, .static_every = 2});

	(void)state;
	for (unsigned i = 0; i < domain->gateway_count; i++)
		gateway_restart(&domain->gateways[i]);
	/* Dynamic prefixes wait for the restart hold: the longest lifetime that may be out there. */
	domain_run(domain, (uint64_t)domain->config.lifetime_s * 1000 + 60000);
	invariants_check_converged(domain);
	domain_finish(domain);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heartbeats_are_exchanged_while_there_are_sessions),
		cmocka_unit_test(restarted_lma_gets_every_binding_back_with_its_prefix),
		cmocka_unit_test(restart_is_noticed_by_the_counter_when_the_word_of_it_is_lost),
		cmocka_unit_test(restarted_mag_finds_its_nodes_again_by_their_traffic),
		cmocka_unit_test(node_that_is_quiet_loses_its_binding_with_its_mag),
		cmocka_unit_test(bindings_of_a_dead_mag_are_purged),
		cmocka_unit_test(dead_lma_that_comes_back_is_used_again),
		cmocka_unit_test(everybody_restarting_at_once_comes_to_rest),
	};

	if (!sim_arguments(argc, argv))
		return 2;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
