/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <rte_rcu_qsbr.h>

#include "memory.h"
#include "slab.h"

/*
 * Reclaiming: unpublish, retire, reuse after a grace period (quiescent states, rte_rcu_qsbr). The writer never waits
 * for a grace period, it polls. One grace period covers everything that was retired in one batch of updates.
 *
 * Threads: reclaim_reader_*() by the reader that they name; everything else by the one writer (the table owner).
 * A reader that is online holds entries only until its next reclaim_reader_quiescent(); it goes offline before it
 * sleeps or blocks, and may not touch a table then. The writer may be one of the readers.
 * Memory: fixed at creation.
 */
#define RECLAIM_SLABS_MAX   12
#define RECLAIM_BATCHES_MAX 32 /* grace periods under way; a power of two */

struct reclaim_batch {
	uint64_t token; /* of the grace period */
	uint64_t seq;   /* every update up to it is reclaimed when the period is over */
	struct slab_list lists[RECLAIM_SLABS_MAX];
};

struct reclaim {
	struct rte_rcu_qsbr *qsbr;
	struct slab *slabs[RECLAIM_SLABS_MAX];
	unsigned slab_count;
	struct reclaim_batch batches[RECLAIM_BATCHES_MAX];
	uint32_t first, end; /* batches under way: [first, end), modulo RECLAIM_BATCHES_MAX */
	uint64_t reclaimed_seq;
	bool fence; /* the next batch needs a grace period even if nothing was retired */
	const struct memory *memory;
};

/* @readers: most readers at once. 0 or -ENOMEM. */
int reclaim_init(struct reclaim *reclaim, unsigned readers, const struct memory *memory);
void reclaim_fini(struct reclaim *reclaim);
/* Reclaim the entries of @slab too. Before the first reader. 0 or -ENOSPC. */
int reclaim_add_slab(struct reclaim *reclaim, struct slab *slab);

/* Everything retired so far belongs to updates up to @seq (monotonic): starts a grace period for it. */
void reclaim_seal(struct reclaim *reclaim, uint64_t seq);
/* What comes to be sealed next is reclaimed after a grace period even if nothing of it was retired. */
void reclaim_fence(struct reclaim *reclaim);
/* Free what may be freed; returns the sequence number up to which everything is reclaimed. Never waits. */
uint64_t reclaim_poll(struct reclaim *reclaim);
/* Entries that wait for a grace period, or for reclaim_seal(). */
uint32_t reclaim_waiting(const struct reclaim *reclaim);

/* @reader: 0..readers-1. Registered readers start offline. 0 or -EINVAL. */
int reclaim_reader_register(struct reclaim *reclaim, unsigned reader);
void reclaim_reader_unregister(struct reclaim *reclaim, unsigned reader);

static inline void reclaim_reader_online(struct reclaim *reclaim, unsigned reader)
{
	rte_rcu_qsbr_thread_online(reclaim->qsbr, reader);
}

static inline void reclaim_reader_offline(struct reclaim *reclaim, unsigned reader)
{
	rte_rcu_qsbr_thread_offline(reclaim->qsbr, reader);
}

/* The reader holds no entry. Once per worker loop. */
static inline void reclaim_reader_quiescent(struct reclaim *reclaim, unsigned reader)
{
	rte_rcu_qsbr_quiescent(reclaim->qsbr, reader);
}
