/* SPDX-License-Identifier: BSD-3-Clause */
#include "life.h"

#include <string.h>

#define QUIET_BEYOND_MS 400000 /* the longest wait of a MAG whose clock was wrong is 320 s */

uint32_t life_chance(struct sim_random *random, uint32_t of_four, uint64_t low, uint64_t high)
{
	return sim_random_between(random, 0, 3) < of_four ? (uint32_t)sim_random_between(random, low, high) : 0;
}

struct faults life_faults(struct sim_random *random)
{
	struct faults faults = {.loss_ppm = life_chance(random, 3, 1000, 200000),
		.duplicate_ppm = life_chance(random, 2, 1000, 200000),
		.delay_min_us = sim_random_between(random, 100, 1000),
		.unresolved_ppm = life_chance(random, 2, 1000, 1000000),
		.unreachable_ppm = life_chance(random, 2, 1000, 300000),
		.owner = {.apply_max_us = life_chance(random, 3, 10, 100000),
			.reclaim_max_us = life_chance(random, 3, 10, 500000),
			.refuse_ppm = life_chance(random, 2, 100, 50000),
			.room = life_chance(random, 1, 4, 64)}};

	faults.delay_max_us = faults.delay_min_us + life_chance(random, 3, 100, 200000);
	return faults;
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

void life_act(struct domain *domain)
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
	else if (domain->config.steady)
		return;
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

void life_quieten(struct domain *domain)
{
	memset(&domain->faults, 0, sizeof(domain->faults));
	for (unsigned i = 0; i < domain->gateway_count; i++) {
		domain->gateways[i].wall_offset_ns = 0;
		if (!domain->gateways[i].alive)
			gateway_start(&domain->gateways[i]);
	}
	domain_run(domain, (uint64_t)domain->config.lifetime_s * 2000 + QUIET_BEYOND_MS);
}
