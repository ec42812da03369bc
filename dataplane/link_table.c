/* SPDX-License-Identifier: BSD-3-Clause */
#include "link_table.h"

#include <errno.h>

#include "exact_table.h"

_Static_assert(sizeof(struct link_entry) == 16, "four entries per cache line");

#define LINK_WORDS 1
#define LINK_BYTES sizeof(struct link_entry)

struct link_table {
	struct exact_table exact;
	const struct memory *memory;
};

int link_table_create(uint32_t capacity, uint64_t seed, struct reclaim *reclaim, const struct memory *memory,
	struct link_table **created)
{
	struct link_table *table = memory->alloc(memory, sizeof(*table), 64);
	int error;

	if (table == NULL)
		return -ENOMEM;
	table->memory = memory;
	error = exact_table_init(&table->exact, capacity, LINK_WORDS, LINK_BYTES, seed, reclaim, memory);
	if (error != 0) {
		memory->free(memory, table);
		return error;
	}
	*created = table;
	return 0;
}

void link_table_destroy(struct link_table *table)
{
	if (table == NULL)
		return;
	exact_table_fini(&table->exact);
	table->memory->free(table->memory, table);
}

uint64_t link_table_memory_bytes(uint32_t capacity)
{
	return sizeof(struct link_table) + exact_table_memory_bytes(capacity, LINK_BYTES);
}

static const struct link_entry *link_entry_at(const struct link_table *table, uint32_t entry)
{
	const void *at = table->exact.slab.entries + (uint64_t)entry * LINK_BYTES;

	return entry != HASH_NONE ? at : NULL;
}

const struct link_entry *link_table_lookup(const struct link_table *table, uint64_t key)
{
	return link_entry_at(table, hash_core_find(&table->exact.core, &key, LINK_WORDS, LINK_BYTES));
}

uint16_t link_table_lookup_burst(
	const struct link_table *table, const uint64_t *keys, uint16_t n, const struct link_entry **entries)
{
	return hash_core_find_burst(
		&table->exact.core, keys, n, (const void **)(void *)entries, LINK_WORDS, LINK_BYTES);
}

int link_table_insert(struct link_table *table, uint64_t key, uint32_t node, enum link_state state)
{
	const struct link_entry entry = {.key = key, .node = node, .state = (uint8_t)state};
	int error = exact_table_replace(&table->exact, &entry);

	return error == -ENOENT ? exact_table_insert(&table->exact, &entry) : error;
}

int link_table_remove(struct link_table *table, uint64_t key)
{
	return exact_table_remove(&table->exact, &key);
}

void link_table_prefetch(const struct link_table *table, uint64_t key)
{
	hash_core_prefetch_bucket(&table->exact.core, &key);
}

void link_table_prefetch_entry(const struct link_table *table, uint64_t key)
{
	hash_core_prefetch_entry(&table->exact.core, &key);
}

uint32_t link_table_count(const struct link_table *table)
{
	return table->exact.core.count;
}

struct slab *link_table_slab(struct link_table *table)
{
	return &table->exact.slab;
}
