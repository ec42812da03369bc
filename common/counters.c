/* SPDX-License-Identifier: BSD-3-Clause */
#include "counters.h"

#include <stddef.h>

/* Every member is a 64-bit counter, so that sums need no list of their own. */
#define STATS_WORDS (offsetof(struct worker_stats, ports) / 8 + PORTS_MAX * sizeof(struct port_counter) / 8)

_Static_assert(sizeof(struct port_counter) % 8 == 0 && sizeof(struct stage_counter) % 8 == 0, "words only");

void worker_stats_sum(struct worker_stats *sum, const struct worker_stats *add)
{
	uint64_t *to = (uint64_t *)sum;
	const uint64_t *from = (const uint64_t *)add;

	for (size_t i = 0; i < STATS_WORDS; i++)
		to[i] += counter_read(&from[i]);
}

void worker_stats_subtract(struct worker_stats *stats, const struct worker_stats *baseline)
{
	uint64_t *to = (uint64_t *)stats;
	const uint64_t *from = (const uint64_t *)baseline;

	for (size_t i = 0; i < STATS_WORDS; i++)
		to[i] -= from[i];
}
