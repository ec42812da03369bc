/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Handovers that meet each other, or a set-up, or slow tables, and two LMAs that begin at once: the newest place of a
 * node wins (wire-formats G.6.3, G.6.8, G.6.9), and the pair is direct there soon after.
 */
#include "sim_test.h"

#include "sim_ro.h"

#define TALK_MS   20
#define DIRECT_MS 5000
#define OTHERS_MS 120000 /* restart hold, hold-down */
#define VARIANTS  4

static struct domain *make(unsigned variant)
{
	return ro_domain(&(struct domain_config){
		.lmas = variant & 2 ? 1 : 2, .mags = 4, .nodes = 2, .ro = {.proxy = variant & 1, .detecting = 3}});
}

static bool is_direct(struct domain *domain, void *context)
{
	(void)context;
	return mobile_is_served(domain, 0) && mobile_is_served(domain, 1) && domain_is_direct(domain, 0, 1);
}

/* Direct soon, and nothing is lost from then on. */
static void end(struct domain *domain)
{
	domain_run_until(domain, is_direct, NULL, DIRECT_MS);
	domain_run(domain, DIRECT_MS); /* an older update may have been first */
	domain_flows_clear(domain);
	domain_run(domain, 30000); /* also not when what lingers goes */
	for (unsigned k = 0; k < 2; k++) {
		const struct flow *flow = domain_flow(domain, 0, k);

		if (flow_lost(flow) != 0 || flow->by_path[PATH_ANCHOR] != 0)
			domain_fail(domain, "%u lost, %u over the LMA", (unsigned)flow_lost(flow),
				(unsigned)flow->by_path[PATH_ANCHOR]);
	}
	domain_finish(domain);
}

static void expect_one_pair(struct domain *domain, const struct gateway *gateway)
{
	struct ro_stats stats;

	ro_stats(gateway->ro, &stats);
	if (stats.active != 1)
		domain_fail(domain, "%s has %u pairs that are active", gateway->name, stats.active);
}

/* RO-037: packets from either prefix to either prefix are direct, also after a handover; each of them starts the pair.
 */
static void nodes_with_two_prefixes_are_direct_with_all_of_them(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < VARIANTS; variant++) {
		for (unsigned see_after_ms = 20; see_after_ms <= 100; see_after_ms += 20) {
			struct domain *domain = ro_domain(&(struct domain_config){.lmas = variant & 2 ? 1 : 2,
				.mags = 4,
				.nodes = 2,
				.ro = {.proxy = variant & 1,
					.detecting = see_after_ms % 40 == 0 ? 3 : 1,
					.two_prefixes = true,
					.pbu_for_setup = see_after_ms > 60,
					.see_after_ms = see_after_ms}});

			ro_set_up(domain, TALK_MS);
			domain_run(domain, 500);
			for (unsigned i = 0; i < domain->config.lmas; i++)
				expect_one_pair(domain, domain_lma(domain, i));
			for (unsigned i = 0; i < 2; i++)
				expect_one_pair(domain, domain_mag(domain, i));
			mobile_attach(domain, 0, 2);
			domain_run(domain, see_after_ms);
			if (see_after_ms > 40)
				mobile_attach(domain, 1, 3);
			end(domain);
		}
	}
}

/* It comes back with another configuration. */
static void restart_with_other_prefixes(struct domain *domain, struct gateway *lma, bool all)
{
	struct policy *before = lma->policy;

	domain->config.ro.two_prefixes = false;
	domain->config.static_every = all ? 1 : 0;
	lma->policy = NULL;
	gateway_restart(lma);
	policy_destroy(before);
}

/* RO-037, RO-090: an LMA comes back and gives its nodes one of their two prefixes only, or another one. */
static void nodes_that_get_other_prefixes_are_direct_with_these(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < VARIANTS + 2; variant++) { /* the last ones with static prefixes */
		struct domain *domain = ro_domain(&(struct domain_config){.lmas = variant >= 2 ? 1 : 2,
			.mags = 4,
			.nodes = 2,
			.heartbeat_s = 1,
			.lifetime_s = 60,
			.ro = {.proxy = variant & 1, .detecting = 3, .two_prefixes = true}});
		struct in6_addr before;

		ro_set_up(domain, TALK_MS);
		before = domain->mobiles[0].prefixes[0];
		restart_with_other_prefixes(domain, domain_lma(domain, 0), variant >= VARIANTS);
		domain_run(domain, OTHERS_MS);
		assert_int_equal(domain->mobiles[0].prefix_count, 1);
		if (variant >= VARIANTS)
			assert_memory_not_equal(&domain->mobiles[0].prefixes[0], &before, 16);
		end(domain);
	}
}

/* RO-006, RO-062 */
static void both_nodes_move_at_once(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < VARIANTS; variant++) {
		for (unsigned after_us = 0; after_us < 8000; after_us += 250) {
			struct domain *domain = make(variant);

			ro_set_up(domain, TALK_MS);
			domain->faults.delay_min_us = domain->faults.delay_max_us = 1000 + after_us / 10;
			mobile_attach(domain, 0, 2);
			domain_run_us(domain, after_us);
			mobile_attach(domain, 1, 3);
			end(domain);
		}
	}
}

static void nodes_that_change_places_find_each_other(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < VARIANTS; variant++) {
		struct domain *domain = make(variant);

		ro_set_up(domain, TALK_MS);
		mobile_attach(domain, 0, 1);
		mobile_attach(domain, 1, 0);
		end(domain);
	}
}

static void node_that_goes_back_and_forth_is_direct_where_it_stays(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < VARIANTS; variant++) {
		for (unsigned pause_ms = 5; pause_ms < 3000; pause_ms = pause_ms * 3 / 2) {
			struct domain *domain = make(variant);

			ro_set_up(domain, TALK_MS);
			for (unsigned i = 0; i < 7; i++) {
				mobile_attach(domain, 0, i % 2 == 0 ? 2 : 0);
				domain_run(domain, pause_ms);
			}
			end(domain);
		}
	}
}

/* RO-085: every way over the MAG of the peer, at any pace */
static void node_that_visits_the_mag_of_its_peer_stays_direct(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < VARIANTS; variant++) {
		for (unsigned pause_ms = 5; pause_ms < 3000; pause_ms = pause_ms * 3 / 2) {
			struct domain *domain = make(variant);

			ro_set_up(domain, TALK_MS);
			mobile_attach(domain, 0, 1);
			domain_run(domain, pause_ms);
			mobile_attach(domain, 0, pause_ms % 2 == 0 ? 0 : 2);
			end(domain);
		}
	}
}

/* G.6.3: a later PBU supersedes the set-up under way, wherever it is. */
static void node_that_moves_during_the_set_up_is_found(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < VARIANTS; variant++) {
		for (unsigned after_us = 0; after_us < 12000; after_us += 250) {
			struct domain *domain = make(variant);

			ro_attach(domain, 0, 0);
			ro_attach(domain, 1, 1);
			domain_talk(domain, 0, 1, TALK_MS);
			domain_run_us(domain, after_us);
			mobile_attach(domain, after_us / 250 % 2, 2);
			end(domain);
		}
	}
}

/* The tables are slow: a later PBU comes when the update before it is not applied anywhere. */
static void slow_tables_end_with_the_newest_place(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < VARIANTS; variant++) {
		for (unsigned apply_ms = 10; apply_ms <= 400; apply_ms *= 2) {
			struct domain *domain = make(variant);

			ro_set_up(domain, TALK_MS);
			domain->faults.owner.apply_min_us = apply_ms * 500;
			domain->faults.owner.apply_max_us = apply_ms * 1000;
			for (unsigned i = 0; i < 4; i++) {
				mobile_attach(domain, 0, 2 + i % 2);
				domain_run(domain, 700);
				mobile_attach(domain, 1, i % 2);
				domain_run(domain, 700);
			}
			domain_run(domain, 10000);
			domain->faults.owner.apply_min_us = domain->faults.owner.apply_max_us = 0;
			end(domain);
		}
	}
}

/* G.6.8: both LMAs begin; the one with the greater address controls. */
static void crossing_set_ups_have_one_controller(void **state)
{
	(void)state;
	for (unsigned proxy = 0; proxy < 2; proxy++) {
		for (unsigned after_us = 0; after_us < 4000; after_us += 100) {
			struct domain *domain = ro_domain(&(struct domain_config){
				.lmas = 2, .mags = 4, .nodes = 2, .ro = {.proxy = proxy, .detecting = 0}});
			struct ro_view one, other;

			ro_attach(domain, 0, 0);
			ro_attach(domain, 1, 1);
			domain_talk(domain, 0, 1, TALK_MS);
			assert_int_equal(domain_ro_start(domain, after_us % 200 ? 1 : 0, after_us % 200 ? 1 : 0,
						 after_us % 200 ? 0 : 1),
				0);
			domain_run_us(domain, after_us);
			domain_ro_start(domain, after_us % 200 ? 0 : 1, after_us % 200 ? 0 : 1, after_us % 200 ? 1 : 0);
			domain_run_until(domain, is_direct, NULL, DIRECT_MS);
			domain_run(domain, 1000);
			assert_true(ro_pair_find(domain_lma(domain, 0)->ro, mobile_endpoint(domain, 0),
				mobile_endpoint(domain, 1), &one));
			assert_true(ro_pair_find(domain_lma(domain, 1)->ro, mobile_endpoint(domain, 0),
				mobile_endpoint(domain, 1), &other));
			if (one.controller == other.controller || one.association != other.association)
				domain_fail(domain, "both or neither control, %u us apart", after_us);
			if (after_us < 1000) /* each before it heard of the other */
				assert_true(other.controller);
			end(domain);
		}
	}
}

/* A MAG that may not: the pair goes over the LMA, and is direct again at the next one. */
static void mag_that_refuses_leaves_the_pair_over_the_lma(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < VARIANTS; variant++) {
		struct domain *domain = make(variant);

		ro_set_up(domain, TALK_MS);
		gateway_refuse_ro(domain_mag(domain, 2), true);
		mobile_attach(domain, 0, 2);
		domain_run(domain, 5000);
		assert_int_equal(domain_path(domain, 0, 1), PATH_ANCHOR);
		assert_int_equal(domain_path(domain, 1, 0), PATH_ANCHOR);
		assert_true(domain_count_arrows(domain, "MAG3 -RO Init Ack 129-> LMA1") > 0);
		mobile_attach(domain, 0, 3);
		domain_run(domain, 35000); /* RO_HOLD_DOWN */
		end(domain);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nodes_with_two_prefixes_are_direct_with_all_of_them),
		cmocka_unit_test(nodes_that_get_other_prefixes_are_direct_with_these),
		cmocka_unit_test(both_nodes_move_at_once),
		cmocka_unit_test(nodes_that_change_places_find_each_other),
		cmocka_unit_test(node_that_goes_back_and_forth_is_direct_where_it_stays),
		cmocka_unit_test(node_that_visits_the_mag_of_its_peer_stays_direct),
		cmocka_unit_test(node_that_moves_during_the_set_up_is_found),
		cmocka_unit_test(slow_tables_end_with_the_newest_place),
		cmocka_unit_test(crossing_set_ups_have_one_controller),
		cmocka_unit_test(mag_that_refuses_leaves_the_pair_over_the_lma),
	};

	if (!sim_arguments(argc, argv))
		return 2;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
