/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "domain.h"

/* What tests of random lives have in common. */

/* Between @low and @high in @of_four of four cases, else 0. */
uint32_t life_chance(struct sim_random *random, uint32_t of_four, uint64_t low, uint64_t high);
/* Of everything a bit, or nothing. */
struct faults life_faults(struct sim_random *random);
/* A node comes or goes, a gateway restarts, a clock jumps, an operator interferes. */
void life_act(struct domain *domain);
/* The faults are over, all gateways are there, and so much time passes that all waits are over. */
void life_quieten(struct domain *domain);
