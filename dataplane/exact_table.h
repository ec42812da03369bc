/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdint.h>

#include "hash_core.h"
#include "memory.h"
#include "reclaim.h"
#include "slab.h"

/*
 * Exact-match table: a hash core with the slab of its entries; the writer's half of endpoint_table, link_table,
 * route_table and of a tunnel's peers. Readers use the inline functions of hash_core.h, with constant sizes.
 *
 * Threads: one writer. Memory: fixed at creation.
 */
struct exact_table {
	struct hash_core core;
	struct slab slab;
	uint32_t capacity; /* const after creation */
};

/* Entries have @entry_bytes and start with their key of @key_words. 0, -EINVAL, -ENOSPC or -ENOMEM. */
int exact_table_init(struct exact_table *table, uint32_t capacity, unsigned key_words, unsigned entry_bytes,
	uint64_t seed, struct reclaim *reclaim, const struct memory *memory);
void exact_table_fini(struct exact_table *table);
/* Memory that exact_table_init() takes. */
uint64_t exact_table_memory_bytes(uint32_t capacity, unsigned entry_bytes);

/* The entry of @key, or NULL. Writer. */
void *exact_table_find(const struct exact_table *table, const void *key);
/*
 * Publish a copy of @entry, as a new one or in the place of the one with its key. 0, -EEXIST, -ENOENT, -ENOSPC: full;
 * -EAGAIN: every spare entry waits for its grace period. On error nothing changed. Writer.
 */
int exact_table_insert(struct exact_table *table, const void *entry);
int exact_table_replace(struct exact_table *table, const void *entry);
/* 0 or -ENOENT. Writer. */
int exact_table_remove(struct exact_table *table, const void *key);
