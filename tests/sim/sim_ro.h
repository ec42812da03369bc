/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "domain.h"

/*
 * Domains with route optimisation. Node i belongs to LMA i mod lmas: with two LMAs nodes 0 and 1 have different ones.
 */

/* As domain_create(), with route optimisation enabled; messages of registrations are not recorded. */
struct domain *ro_domain(const struct domain_config *config);
/* Node @number comes to MAG @mag and is served. */
void ro_attach(struct domain *domain, unsigned number, unsigned mag);
/* Nodes 0 and 1 at MAGs 0 and 1, talking every @ms, on the direct path. */
void ro_set_up(struct domain *domain, uint64_t ms);
