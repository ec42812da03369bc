/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * Which pairs of endpoints talk so much that a direct path is worth its while: a direct-mapped table of the pairs of
 * sampled packets. A heavy pair stays in its cell; one that meets another's cell wears that one down first.
 *
 * A pair is told of when it passes the thresholds; so is the way back of such a pair, as soon as one packet of it is
 * sampled: the control core wants to see both directions, and acknowledgements are few.
 *
 * Threads: the worker that owns it; struct pair_told belongs to all workers. Memory: the caller's, zeroed. Packets that
 * are not sampled cost a subtraction per burst; a sampled one a cell, which is a cache line.
 */
#define PAIR_SKETCH_CELLS 4096 /* a power of two */
#define PAIR_SAMPLE_USUAL 128
#define PAIR_WINDOW_MS    1000
#define PAIR_SAMPLES_MIN  2 /* one sampled packet alone says little: it may be a flow of one packet */
#define PAIR_TOLD_SLOTS   4096

/* A pair is seen that sends so many packets or so many octets in a window; 0: that is no reason. */
struct pair_thresholds {
	uint32_t sample; /* one packet of so many, in the mean */
	uint32_t packets;
	uint64_t bytes;
	uint64_t window; /* in the clock of pair_sketch_add() */
};

struct pair_cell {
	uint64_t source, destination;
	uint64_t first, last; /* sampled packet of the window; of all */
	uint64_t quiet_until; /* told of: not again before */
	uint64_t bytes;       /* sampled in the window */
	uint32_t packets;
	uint32_t weight; /* falls with packets of other pairs: at 0 they get the cell */
	uint64_t reserved;
};
_Static_assert(sizeof(struct pair_cell) == 64, "one cache line");

/*
 * Which pairs passed the thresholds not long ago, whichever worker has their packets: the way back may be another's.
 * One word each, of hash and time; a pair that falls into the slot of another replaces it.
 */
struct pair_told {
	uint64_t slots[PAIR_TOLD_SLOTS]; /* workers: rw; relaxed */
};

struct pair_sketch {
	struct pair_cell cells[PAIR_SKETCH_CELLS];
	struct pair_thresholds thresholds; /* const */
	struct pair_told *told;            /* const */
	uint64_t random;
	uint32_t skip; /* packets before the next sampled one */
} __attribute__((aligned(64)));

/* What a pair sent in the window, by estimate. */
struct pair_seen {
	uint64_t packets, bytes;
};

/* @sketch is zeroed; so is @told, before the first sketch that shares it. */
void pair_sketch_init(struct pair_sketch *sketch, const struct pair_thresholds *thresholds, struct pair_told *told);
/*
 * Count a sampled packet. True if its pair is over the thresholds, or is the way back of one: it is told of once per
 * window. @now is monotonic, the same clock for all workers.
 */
bool pair_sketch_add(struct pair_sketch *sketch, uint64_t source, uint64_t destination, uint32_t bytes, uint64_t now,
	struct pair_seen *seen);
/* How many packets from a sampled one to the next: at random, so that no regular traffic escapes. */
uint32_t pair_sketch_gap(struct pair_sketch *sketch);

/* Of @n packets the next sampled one; false: no further one of these. Called until then, for each burst. */
static inline bool pair_sketch_next(struct pair_sketch *sketch, uint16_t n, uint16_t *i)
{
	if (__builtin_expect(sketch->skip >= n, 1)) {
		sketch->skip -= n;
		return false;
	}
	*i = (uint16_t)sketch->skip;
	sketch->skip += pair_sketch_gap(sketch);
	return true;
}
