/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The one source of chance of a simulation: the same seed gives the same run. SplitMix64. */
struct sim_random {
	uint64_t state;
};

static inline uint64_t sim_random_u64(struct sim_random *random)
{
	uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* From @low to @high, both included. */
static inline uint64_t sim_random_between(struct sim_random *random, uint64_t low, uint64_t high)
{
	return low + sim_random_u64(random) % (high - low + 1);
}

/* True in @ppm of a million cases. Draws nothing for 0: what has no faults stays the same when faults are added. */
static inline bool sim_random_chance(struct sim_random *random, uint32_t ppm)
{
	return ppm != 0 && sim_random_u64(random) % 1000000 < ppm;
}
