/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Everything at once, by chance: domains of random shape in which messages are lost, doubled and overtaken, tables are
 * slow and refuse, next hops are missing, clocks jump, gateways restart and go away, nodes move and leave. The
 * invariants hold all the time. When the faults end, everybody who is attached is served, and in the end nothing is
 * left. In the short mode some simulated hours, with --hours N so many; each domain has a seed of its own, which is
 * printed when it fails.
 */
#include "sim_test.h"

#include <stdlib.h>
#include <string.h>

#define SHORT_DOMAINS   12
#define STEP_MAX_MS     4000
#define STEPS           150
#define QUIET_BEYOND_MS 400000 /* the longest wait of a MAG whose clock was wrong is 320 s */
#define SECOND_NS       UINT64_C(1000000000)

static uint32_t chance(struct sim_random *random, uint32_t of_four, uint64_t low, uint64_t high)
{
	return sim_random_between(random, 0, 3) < of_four ? (uint32_t)sim_random_between(random, low, high) : 0;
}

static struct faults random_faults(struct sim_random *random)
{
	struct faults faults = {.loss_ppm = chance(random, 3, 1000, 200000),
		.duplicate_ppm = chance(random, 2, 1000, 200000),
		.delay_min_us = sim_random_between(random, 100, 1000),
		.unresolved_ppm = chance(random, 2, 1000, 1000000),
		.unreachable_ppm = chance(random, 2, 1000, 300000),
		.owner = {.apply_max_us = chance(random, 3, 10, 100000),
			.reclaim_max_us = chance(random, 3, 10, 500000),
			.refuse_ppm = chance(random, 2, 100, 50000),
			.room = chance(random, 1, 4, 64)}};

	faults.delay_max_us = faults.delay_min_us + chance(random, 3, 100, 200000);
	return faults;
}

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
		.high_water = chance(&random, 1, 2, 20),
		.static_every = chance(&random, 2, 1, 4),
		.sequence_numbers = chance(&random, 1, 1, 1) != 0,
		.faults = random_faults(&random)};
}

static struct gateway *any_gateway(struct domain *domain)
{
	return &domain->gateways[sim_random_between(&domain->random, 0, domain->gateway_count - 1)];
}

static void operator_acts(struct domain *domain, unsigned number)
{
	struct gateway *lma = domain_lma(domain, number % domain->config.lmas);
	struct gateway *mag =
		domain_mag(domain, (unsigned)sim_random_between(&domain->random, 0, domain->config.mags - 1));
	const struct mobile *mobile = &domain->mobiles[number];
	struct mn_id id = mobile_id(mobile);
	struct engine_time now;

	if (lma->alive && sim_random_chance(&domain->random, 300000)) {
		now = gateway_time(lma);
		lma_clear(lma->lma, &now, &id);
		gateway_run(lma);
	} else if (mag->alive) {
		now = gateway_time(mag);
		mag_detach(mag->mag, &now, &id);
		if (sim_random_chance(&domain->random, 500000))
			mag_attach(mag->mag, &now, (uint16_t)number, mobile->mac);
		gateway_run(mag);
	}
}

static void act(struct domain *domain)
{
	unsigned number = (unsigned)sim_random_between(&domain->random, 0, domain->config.nodes - 1);
	unsigned mag = (unsigned)sim_random_between(&domain->random, 0, domain->config.mags - 1);
	uint64_t dice = sim_random_between(&domain->random, 0, 99);
	struct gateway *gateway = any_gateway(domain);

	if (dice < 60)
		mobile_attach(domain, number, mag);
	else if (dice < 70)
		mobile_leave(domain, number);
	else if (dice < 75)
		operator_acts(domain, number);
	else if (dice < 79 && gateway->alive)
		gateway_restart(gateway);
	else if (dice < 82)
		gateway_stop(gateway);
	else if (dice < 90 && !gateway->alive)
		gateway_start(gateway);
	else if (dice < 93)
		gateway->wall_offset_ns = 0;
	else if (dice < 95)
		gateway_step_clock(gateway, (int64_t)sim_random_between(&domain->random, 0, 20000) - 10000);
}

static void quieten(struct domain *domain)
{
	memset(&domain->faults, 0, sizeof(domain->faults));
	for (unsigned i = 0; i < domain->gateway_count; i++) {
		domain->gateways[i].wall_offset_ns = 0;
		if (!domain->gateways[i].alive)
			gateway_start(&domain->gateways[i]);
	}
	domain_run(domain, (uint64_t)domain->config.lifetime_s * 2000 + QUIET_BEYOND_MS);
}

/* Returns how much time it simulated. */
static uint64_t run_domain(uint64_t seed)
{
	struct domain_config config = random_config(seed);
	struct domain *domain = domain_create(&config);
	uint64_t end_ns;

	for (unsigned i = 0; i < STEPS; i++) {
		act(domain);
		domain_run(domain, sim_random_between(&domain->random, 0, STEP_MAX_MS));
	}
	quieten(domain);
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
