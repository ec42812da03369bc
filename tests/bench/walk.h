/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdint.h>

/*
 * The machine's limit for a table of so many entries: for each of a burst of random numbers two cache lines, the second
 * known only by the first, all prefetched, nothing done with them. Any hash table with its entries outside costs that.
 */
struct walk {
	uint64_t *lines;
	uint64_t first, second; /* cache lines: of buckets, of entries */
	uint64_t random;
	uint64_t sum; /* so that nothing is optimised away */
};

#define WALK_BURST 64

/* As much memory as a table with @entries entries of a cache line each. 0 or -ENOMEM. */
int walk_init(struct walk *walk, uint64_t entries);
void walk_fini(struct walk *walk);
/* Some bursts; adds the lookups to @done and returns the ticks: as struct bench wants it. */
uint64_t walk_run(void *walk, uint64_t *done);
