/* SPDX-License-Identifier: BSD-3-Clause */
#include "sim_ro.h"

#define SERVED_MS 5000
#define DIRECT_MS 5000

struct domain *ro_domain(const struct domain_config *config)
{
	struct domain_config full = *config;
	struct domain *domain;

	full.ro.enabled = true;
	domain = domain_create(&full);
	domain->arrow_kinds = ARROW_RO;
	return domain;
}

static bool is_served(struct domain *domain, void *context)
{
	return mobile_is_served(domain, *(unsigned *)context);
}

void ro_attach(struct domain *domain, unsigned number, unsigned mag)
{
	mobile_attach(domain, number, mag);
	domain_run_until(domain, is_served, &number, SERVED_MS);
}

static bool is_direct(struct domain *domain, void *context)
{
	(void)context;
	return domain_is_direct(domain, 0, 1);
}

void ro_set_up(struct domain *domain, uint64_t ms)
{
	ro_attach(domain, 0, 0);
	ro_attach(domain, 1, 1);
	domain_talk(domain, 0, 1, ms);
	domain_run_until(domain, is_direct, NULL, DIRECT_MS);
	domain_run(domain, 100);
	domain_forget_arrows(domain);
	domain_flows_clear(domain);
}
