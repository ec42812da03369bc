/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "memory.h"

/*
 * Slab: a fixed number of entries of one size, named by index. What every table keeps its entries in. An entry that
 * readers may have seen goes to the retired list, and comes back to the free list when its grace period is over
 * (reclaim.h): as a whole list, so that reclaiming costs the same for one entry and for a thousand.
 *
 * Threads: slab_at() from any thread, the rest by the one writer.
 * Memory: fixed at creation.
 */
#define SLAB_NONE UINT32_MAX

/* Entries linked through slab.next. */
struct slab_list {
	uint32_t head, tail; /* SLAB_NONE: empty */
	uint32_t count;
};

struct slab {
	uint8_t *entries;         /* const after creation */
	uint32_t entry_bytes;     /* const after creation */
	uint32_t count;           /* const after creation: all entries */
	uint32_t *next;           /* writer only */
	uint32_t unused;          /* writer only: entries from here on were never taken */
	uint32_t waiting;         /* writer only: retired entries that are not free yet */
	struct slab_list free;    /* writer only */
	struct slab_list retired; /* writer only: since the last slab_seal() */
	/* Test hook, called for each entry when its grace period is over; NULL in the daemon. */
	void (*recycle)(struct slab *slab, uint32_t index);
	const struct memory *memory;
};

/* @entry_bytes: a divisor or a multiple of 64, so that no entry lies across more lines than it must. 0 or -ENOMEM. */
int slab_init(struct slab *slab, uint32_t count, uint32_t entry_bytes, const struct memory *memory);
void slab_fini(struct slab *slab);
/* Memory that slab_init() takes. */
uint64_t slab_memory_bytes(uint32_t count, uint32_t entry_bytes);

/* Entries that a table for @capacity keys needs: those that wait for a grace period are on top. */
static inline uint32_t slab_count_for(uint32_t capacity)
{
	return capacity + capacity / 32 + 256;
}

static inline void *slab_at(const struct slab *slab, uint32_t index)
{
	return slab->entries + (uint64_t)index * slab->entry_bytes;
}

/* The index of the entry at @entry; SLAB_NONE if that is NULL. */
static inline uint32_t slab_index_of(const struct slab *slab, const void *entry)
{
	return entry != NULL ? (uint32_t)((size_t)((const uint8_t *)entry - slab->entries) / slab->entry_bytes)
			     : SLAB_NONE;
}

/* Entries that slab_take() would give now. */
static inline uint32_t slab_available(const struct slab *slab)
{
	return slab->free.count + (slab->count - slab->unused);
}

/* An entry, not zeroed; SLAB_NONE if none is free (some may be waiting). */
uint32_t slab_take(struct slab *slab);
/* Give back an entry that no reader has seen. */
void slab_give(struct slab *slab, uint32_t index);
/* Give back an entry that is unpublished, but that readers may still hold. */
void slab_retire(struct slab *slab, uint32_t index);
/* Have what slab_retire() of @index writes on its way to the cache: of a large slab it is cold. */
static inline void slab_prefetch_retire(const struct slab *slab, uint32_t index)
{
	__builtin_prefetch(&slab->next[index], 1);
}
/* The entries retired since the last call, for slab_reclaim() when a grace period that starts now is over. */
struct slab_list slab_seal(struct slab *slab);
void slab_reclaim(struct slab *slab, const struct slab_list *list);
