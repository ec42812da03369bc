/* SPDX-License-Identifier: BSD-3-Clause */
#include "index_table.h"

#include <errno.h>
#include <string.h>

#define INDEX_CAPACITY_MAX (UINT32_C(1) << 28)

int index_table_init(struct index_table *table, uint32_t capacity, unsigned entry_bytes, struct reclaim *reclaim,
	const struct memory *memory)
{
	int error;

	memset(table, 0, sizeof(*table));
	if (capacity == 0 || capacity > INDEX_CAPACITY_MAX)
		return -EINVAL;
	table->memory = memory;
	table->capacity = capacity;
	table->entries = memory->alloc(memory, (size_t)capacity * sizeof(*table->entries), 64);
	table->users = memory->alloc(memory, (size_t)capacity * sizeof(*table->users), 64);
	error = table->entries != NULL && table->users != NULL ? 0 : -ENOMEM;
	if (error == 0)
		error = slab_init(&table->slab, slab_count_for(capacity), entry_bytes, memory);
	if (error == 0)
		error = reclaim_add_slab(reclaim, &table->slab);
	if (error != 0)
		index_table_fini(table);
	return error;
}

void index_table_fini(struct index_table *table)
{
	slab_fini(&table->slab);
	table->memory->free(table->memory, table->users);
	table->memory->free(table->memory, table->entries);
}

uint64_t index_table_memory_bytes(uint32_t capacity, unsigned entry_bytes)
{
	return (uint64_t)capacity * (sizeof(uint32_t) * 2) + 2 * 64 +
	       slab_memory_bytes(slab_count_for(capacity), entry_bytes);
}

int index_table_put(struct index_table *table, uint32_t index, const void *entry)
{
	uint32_t old, copy;

	if (index >= table->capacity)
		return -ENOSPC;
	copy = slab_take(&table->slab);
	if (copy == SLAB_NONE)
		return -EAGAIN;
	memcpy(slab_at(&table->slab, copy), entry, table->slab.entry_bytes);
	old = table->entries[index];
	__atomic_store_n(&table->entries[index], copy + 1, __ATOMIC_RELEASE);
	if (old != 0)
		slab_retire(&table->slab, old - 1);
	else
		table->count++;
	return 0;
}

int index_table_remove(struct index_table *table, uint32_t index)
{
	uint32_t old;

	if (index >= table->capacity || table->entries[index] == 0)
		return -ENOENT;
	if (table->users[index] != 0)
		return -EBUSY;
	old = table->entries[index];
	__atomic_store_n(&table->entries[index], 0, __ATOMIC_RELEASE);
	slab_retire(&table->slab, old - 1);
	table->count--;
	return 0;
}

void index_table_hold(struct index_table *table, uint32_t index)
{
	table->users[index]++;
}

void index_table_release(struct index_table *table, uint32_t index)
{
	table->users[index]--;
}
