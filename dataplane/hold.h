/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <rte_mbuf.h>

#include "pair_table.h"

/*
 * Packets out of direct tunnels that wait until what was sent over the anchor before them has come (RO-077,
 * wire-formats G.6.13): until the marker of their pair, or a deadline. Bounded in packets per pair, in pairs, and in
 * packets altogether; what finds no room ends the wait of its pair, so that nothing is lost.
 *
 * Threads: the worker that owns it. Memory: fixed at creation. The packets are linked by mbuf->next while they are
 * held: each is a single segment.
 */
#define HOLD_SETS        256 /* a power of two: 64 * n */
#define HOLD_WAYS        4
#define HOLD_PACKETS_MAX 4096 /* of all pairs of a worker */

/* A pair with packets; key.source 0: free. */
struct hold_pair {
	union pair_key key;
	uint64_t deadline; /* TSC */
	struct rte_mbuf *first, *last;
	uint32_t count;
	uint32_t reserved[5];
};
_Static_assert(sizeof(struct hold_pair) == 64, "one cache line");

struct hold {
	struct hold_pair pairs[HOLD_SETS * HOLD_WAYS];
	uint64_t used[HOLD_SETS * HOLD_WAYS / 64]; /* bits */
	uint64_t wait;                             /* TSC ticks from the first packet of a pair; const */
	uint32_t packets_max;                      /* of a pair; const */
	uint32_t packets;                          /* held now */
};

/* @hold is zeroed, @packets_max at least 1. */
void hold_init(struct hold *hold, uint32_t packets_max, uint64_t wait);
/* The packets that @key has here, or NULL. */
struct hold_pair *hold_find(struct hold *hold, union pair_key key);
/* The same, without packets if there were none; NULL: no room for a further pair. @now is TSC. */
struct hold_pair *hold_start(struct hold *hold, union pair_key key, uint64_t now);
/* Has the pair room for one more packet? */
bool hold_has_room(const struct hold *hold, const struct hold_pair *pair);
/* At the end; also without room. */
void hold_append(struct hold *hold, struct hold_pair *pair, struct rte_mbuf *pkt);
/* The next pair with packets from place *@at on, NULL: no more; *@at goes behind it. */
struct hold_pair *hold_next(struct hold *hold, unsigned *at);
/* All its packets, linked; the pair is free. */
struct rte_mbuf *hold_take(struct hold *hold, struct hold_pair *pair);
/* Up to @n of them from *@first on, which goes behind them, as single packets again. Returns how many. */
uint16_t hold_unlink(struct rte_mbuf **first, struct rte_mbuf **pkts, uint16_t n);
