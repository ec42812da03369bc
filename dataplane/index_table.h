/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "bounds.h"
#include "memory.h"
#include "reclaim.h"
#include "slab.h"

/*
 * Index table: an index that the control core allocated -> an entry, which is replaced as a whole: a reader gets the
 * old or the new one. What tunnel_table and neighbour_table are made of. Counts the users of each index.
 *
 * Threads: one writer; readers call the inline functions and report quiescence (reclaim.h). Memory: fixed at creation.
 */
struct index_table {
	uint32_t *entries; /* writer: rw, readers: ro; release/acquire; index -> entry + 1, 0: none */
	uint32_t capacity; /* const after creation */
	uint32_t count;    /* writer only */
	uint32_t *users;   /* writer only */
	struct slab slab;
	const struct memory *memory;
};

/* 0, -EINVAL, -ENOSPC or -ENOMEM. */
int index_table_init(struct index_table *table, uint32_t capacity, unsigned entry_bytes, struct reclaim *reclaim,
	const struct memory *memory);
void index_table_fini(struct index_table *table);
/* Memory that index_table_init() takes. */
uint64_t index_table_memory_bytes(uint32_t capacity, unsigned entry_bytes);

/*
 * Publish a copy of @entry at @index, in the place of what is there. 0; -ENOSPC: out of range; -EAGAIN: every spare
 * entry waits for its grace period. On error nothing changed. Writer.
 */
int index_table_put(struct index_table *table, uint32_t index, const void *entry);
/* 0, -ENOENT, or -EBUSY: it has users. Writer. */
int index_table_remove(struct index_table *table, uint32_t index);
/* One user more or less of @index, which exists. Writer. */
void index_table_hold(struct index_table *table, uint32_t index);
void index_table_release(struct index_table *table, uint32_t index);

/* The entry at @index, or NULL. @entry_bytes: constant at the call, and that of the table. */
static inline const void *index_table_at(const struct index_table *table, uint32_t index, unsigned entry_bytes)
{
	uint32_t entry = index < table->capacity ? __atomic_load_n(&table->entries[index], __ATOMIC_ACQUIRE) : 0;

	return entry != 0 ? table->slab.entries + (uint64_t)(entry - 1) * entry_bytes : NULL;
}

/* @n times index_table_at() (@n <= VECTOR_MAX); returns how many are there. The first line of each is on its way. */
static inline uint16_t index_table_at_burst(
	const struct index_table *table, const uint32_t *indexes, uint16_t n, const void **found, unsigned entry_bytes)
{
	uint16_t count = 0;

	for (uint16_t i = 0; i < n; i++) {
		found[i] = index_table_at(table, indexes[i], entry_bytes);
		__builtin_prefetch(found[i]);
		count = (uint16_t)(count + (found[i] != NULL));
	}
	return count;
}
