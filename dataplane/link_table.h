/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdint.h>

#include "fwd_update.h"
#include "memory.h"
#include "reclaim.h"

/*
 * Link table (MAG): (access link, link-layer address) -> mobile node and its state. Who is not in it is unknown.
 *
 * Threads, entries, memory: as endpoint_table.h.
 */
struct link_entry {
	uint64_t key;  /* link_key() */
	uint32_t node; /* index of the MN */
	uint8_t state; /* enum link_state */
	uint8_t reserved[3];
};

struct link_table;

static inline uint64_t link_key(uint16_t link, const uint8_t *mac)
{
	return (uint64_t)link << 48 | (uint64_t)mac[0] << 40 | (uint64_t)mac[1] << 32 | (uint64_t)mac[2] << 24 |
	       (uint64_t)mac[3] << 16 | (uint64_t)mac[4] << 8 | mac[5];
}

/* Link-layer addresses are chosen by hosts: @seed has to be a number that they cannot guess. As endpoint_table.h. */
int link_table_create(uint32_t capacity, uint64_t seed, struct reclaim *reclaim, const struct memory *memory,
	struct link_table **table);
void link_table_destroy(struct link_table *table);
/* Memory that link_table_create() takes. */
uint64_t link_table_memory_bytes(uint32_t capacity);

/* The entry of @key, or NULL. Valid until the reader reports quiescence. Readers. */
const struct link_entry *link_table_lookup(const struct link_table *table, uint64_t key);
/* Look up @n keys (@n <= VECTOR_MAX): the same as one by one. Returns the number of hits. Readers. */
uint16_t link_table_lookup_burst(
	const struct link_table *table, const uint64_t *keys, uint16_t n, const struct link_entry **entries);

/* New entry, or another node or state for a key that is in. 0, -ENOSPC or -EAGAIN as endpoint_table.h. Writer. */
int link_table_insert(struct link_table *table, uint64_t key, uint32_t node, enum link_state state);
/* 0 or -ENOENT. Writer. */
int link_table_remove(struct link_table *table, uint64_t key);
/* Have what a change reads first on its way to the cache; then, when that is there, what it reads next. Writer. */
void link_table_prefetch(const struct link_table *table, uint64_t key);
void link_table_prefetch_entry(const struct link_table *table, uint64_t key);
uint32_t link_table_count(const struct link_table *table);
struct slab *link_table_slab(struct link_table *table);
