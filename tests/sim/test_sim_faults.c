/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Everything at once, by chance: domains of random shape in which messages are lost, doubled and overtaken, tables are
 * slow and refuse, next hops are missing, clocks jump, gateways restart and go away, nodes move and leave. The
 * invariants hold all the time. When the faults end, everybody who is attached is served, and in the end nothing is
 * left. In the short mode some simulated hours, with --hours N so many; each domain has a seed of its own, which is
 * printed when it fails.
 */
#include "sim_test.h"

#include "life.h"

#define SHORT_DOMAINS 12
#define STEP_MAX_MS   4000
#define STEPS         150
#define SECOND_NS     UINT64_C(1000000000)

static struct domain_config random_config(uint64_t seed)
{
	struct sim_random random = {.state = seed};

	return (struct domain_config){.seed = seed,
		.lmas = (unsigned)sim_random_between(&random, 1, 3),
		.mags = (unsigned)sim_random_between(&random, 2, 5),
		.nodes = (unsigned)sim_random_between(&random, 2, 20),
		.lifetime_s = (uint32_t)sim_random_between(&random, 20, 240),
		.nud_interval_ms = (uint32_t)sim_random_between(&random, 1000, 20000),
		.heartbeat_s = (uint32_t)sim_random_between(&random, 1, 30),
		.traffic_ms = (uint32_t)sim_random_between(&random, 200, 2000),
		.high_water = life_chance(&random, 1, 2, 20),
		.static_every = life_chance(&random, 2, 1, 4),
		.sequence_numbers = life_chance(&random, 1, 1, 1) != 0,
		.faults = life_faults(&random)};
}

/* Returns how much time it simulated. */
static uint64_t run_domain(uint64_t seed)
{
	struct domain_config config = random_config(seed);
	struct domain *domain = domain_create(&config);
	uint64_t end_ns;

	for (unsigned i = 0; i < STEPS; i++) {
		life_act(domain);
		domain_run(domain, sim_random_between(&domain->random, 0, STEP_MAX_MS));
	}
	life_quieten(domain);
	invariants_check_converged(domain);
	end_ns = domain->now_ns;
	domain_finish(domain);
	return end_ns;
}

static void domains_full_of_faults_keep_the_invariants_and_come_to_rest(void **state)
{
	uint64_t wanted_ns = (uint64_t)sim_hours() * 3600 * SECOND_NS, done_ns = 0;
	unsigned count = 0;

	(void)state;
	for (; sim_hours() == 0 ? count < SHORT_DOMAINS : done_ns < wanted_ns; count++)
		done_ns += run_domain(sim_seed() + count);
	print_message("%u domains, %.1f simulated hours\n", count, (double)done_ns / 3.6e12);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(domains_full_of_faults_keep_the_invariants_and_come_to_rest),
	};

	if (!sim_arguments(argc, argv))
		return 2;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
