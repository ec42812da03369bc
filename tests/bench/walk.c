/* SPDX-License-Identifier: BSD-3-Clause */
#include "walk.h"

#include <errno.h>
#include <rte_malloc.h>
#include <rte_prefetch.h>

#include "bench.h"

#define LINE_WORDS   8
#define BUCKET_SLOTS 10 /* as in hash_core.h, at 85 % load */
#define BURSTS       64

static uint64_t scale(uint64_t random, uint64_t range)
{
	return (random >> 32) * range >> 32;
}

int walk_init(struct walk *walk, uint64_t entries)
{
	*walk = (struct walk){.first = entries * 100 / (85 * BUCKET_SLOTS) + 1,
		.second = entries,
		.random = UINT64_C(0x2545f4914f6cdd1d)};
	walk->lines = rte_malloc("walk", (walk->first + walk->second) * RTE_CACHE_LINE_SIZE, RTE_CACHE_LINE_SIZE);
	if (walk->lines == NULL)
		return -ENOMEM;
	for (uint64_t i = 0; i < walk->first + walk->second; i++)
		walk->lines[i * LINE_WORDS] = bench_random(&walk->random);
	return 0;
}

void walk_fini(struct walk *walk)
{
	rte_free(walk->lines);
}

uint64_t walk_run(void *context, uint64_t *done)
{
	struct walk *walk = context;
	uint64_t *entries = walk->lines + walk->first * LINE_WORDS;
	const uint64_t *at[WALK_BURST];
	uint64_t start = bench_tsc();

	for (unsigned burst = 0; burst < BURSTS; burst++) {
		for (unsigned i = 0; i < WALK_BURST; i++) {
			at[i] = &walk->lines[scale(bench_random(&walk->random), walk->first) * LINE_WORDS];
			rte_prefetch0(at[i]);
		}
		for (unsigned i = 0; i < WALK_BURST; i++) {
			/* No entry follows from its bucket alone. */
			at[i] = &entries[scale(*at[i] ^ walk->random * (2 * i + 1), walk->second) * LINE_WORDS];
			rte_prefetch0(at[i]);
		}
		for (unsigned i = 0; i < WALK_BURST; i++)
			walk->sum += *at[i];
	}
	*done += (uint64_t)BURSTS * WALK_BURST;
	return bench_tsc() - start;
}
