/* SPDX-License-Identifier: BSD-3-Clause */
#include "exact_table.h"

#include <errno.h>

int exact_table_init(struct exact_table *table, uint32_t capacity, unsigned key_words, unsigned entry_bytes,
	uint64_t seed, struct reclaim *reclaim, const struct memory *memory)
{
	int error;

	memset(table, 0, sizeof(*table));
	table->capacity = capacity;
	error = hash_core_init(&table->core, capacity, key_words, seed, &table->slab, memory);
	if (error == 0)
		error = slab_init(&table->slab, slab_count_for(capacity), entry_bytes, memory);
	if (error == 0)
		error = reclaim_add_slab(reclaim, &table->slab);
	if (error != 0)
		exact_table_fini(table);
	return error;
}

void exact_table_fini(struct exact_table *table)
{
	slab_fini(&table->slab);
	hash_core_fini(&table->core);
}

uint64_t exact_table_memory_bytes(uint32_t capacity, unsigned entry_bytes)
{
	return hash_core_memory_bytes(capacity) + slab_memory_bytes(slab_count_for(capacity), entry_bytes);
}

void *exact_table_find(const struct exact_table *table, const void *key)
{
	uint32_t entry = hash_core_find(&table->core, key, table->core.key_words, table->slab.entry_bytes);

	return entry != HASH_NONE ? slab_at(&table->slab, entry) : NULL;
}

/* A copy of @entry that is not published yet, or SLAB_NONE. */
static uint32_t exact_table_copy(struct exact_table *table, const void *entry)
{
	uint32_t copy = slab_take(&table->slab);

	if (copy != SLAB_NONE)
		memcpy(slab_at(&table->slab, copy), entry, table->slab.entry_bytes);
	return copy;
}

int exact_table_insert(struct exact_table *table, const void *entry)
{
	uint32_t copy;
	int error;

	if (exact_table_find(table, entry) != NULL)
		return -EEXIST;
	if (table->core.count == table->capacity)
		return -ENOSPC;
	copy = exact_table_copy(table, entry);
	if (copy == SLAB_NONE)
		return -EAGAIN;
	error = hash_core_insert(&table->core, copy);
	if (error != 0)
		slab_give(&table->slab, copy);
	return error;
}

int exact_table_replace(struct exact_table *table, const void *entry)
{
	uint32_t copy, old;

	if (table->core.count == 0)
		return -ENOENT;
	copy = exact_table_copy(table, entry);
	if (copy == SLAB_NONE)
		return exact_table_find(table, entry) != NULL ? -EAGAIN : -ENOENT;
	old = hash_core_replace(&table->core, copy);
	if (old == HASH_NONE) {
		slab_give(&table->slab, copy);
		return -ENOENT;
	}
	slab_retire(&table->slab, old);
	return 0;
}

int exact_table_remove(struct exact_table *table, const void *key)
{
	uint32_t old = hash_core_remove(&table->core, key);

	if (old == HASH_NONE)
		return -ENOENT;
	slab_retire(&table->slab, old);
	return 0;
}
