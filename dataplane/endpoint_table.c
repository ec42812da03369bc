/* SPDX-License-Identifier: BSD-3-Clause */
#include "endpoint_table.h"

#include <errno.h>

#include "endpoint.h"
#include "exact_table.h"

struct endpoint_entry {
	uint64_t id;
	struct forward forward;
};
_Static_assert(sizeof(struct endpoint_entry) == 32, "two entries per cache line");

#define ENDPOINT_WORDS 1
#define ENDPOINT_BYTES sizeof(struct endpoint_entry)

struct endpoint_table {
	struct exact_table exact;
	const struct memory *memory;
};

static const struct forward forward_none = {
	.action = FORWARD_NONE,
	.link = LINK_NONE,
	.tunnel = INDEX_NONE,
	.node = INDEX_NONE,
};

int endpoint_table_create(uint32_t capacity, uint64_t seed, struct reclaim *reclaim, const struct memory *memory,
	struct endpoint_table **created)
{
	struct endpoint_table *table = memory->alloc(memory, sizeof(*table), 64);
	int error;

	if (table == NULL)
		return -ENOMEM;
	table->memory = memory;
	error = exact_table_init(&table->exact, capacity, ENDPOINT_WORDS, ENDPOINT_BYTES, seed, reclaim, memory);
	if (error != 0) {
		memory->free(memory, table);
		return error;
	}
	*created = table;
	return 0;
}

void endpoint_table_destroy(struct endpoint_table *table)
{
	if (table == NULL)
		return;
	exact_table_fini(&table->exact);
	table->memory->free(table->memory, table);
}

uint64_t endpoint_table_memory_bytes(uint32_t capacity)
{
	return sizeof(struct endpoint_table) + exact_table_memory_bytes(capacity, ENDPOINT_BYTES);
}

static const struct forward *endpoint_forward(const struct endpoint_table *table, uint32_t entry)
{
	const void *at = table->exact.slab.entries + (uint64_t)entry * ENDPOINT_BYTES;

	return entry != HASH_NONE ? &((const struct endpoint_entry *)at)->forward : &forward_none;
}

const struct forward *endpoint_table_lookup(const struct endpoint_table *table, uint64_t id)
{
	return endpoint_forward(table, hash_core_find(&table->exact.core, &id, ENDPOINT_WORDS, ENDPOINT_BYTES));
}

uint16_t endpoint_table_lookup_burst(
	const struct endpoint_table *table, const uint64_t *ids, uint16_t n, const struct forward **forwards)
{
	const void *entries[VECTOR_MAX];
	uint16_t found = hash_core_find_burst(&table->exact.core, ids, n, entries, ENDPOINT_WORDS, ENDPOINT_BYTES);

	for (uint16_t i = 0; i < n; i++) {
		const struct endpoint_entry *entry = entries[i];

		forwards[i] = entry != NULL ? &entry->forward : &forward_none;
	}
	return found;
}

int endpoint_table_insert(struct endpoint_table *table, uint64_t id, const struct forward *forward)
{
	const struct endpoint_entry entry = {id, *forward};

	return id != ENDPOINT_NONE ? exact_table_insert(&table->exact, &entry) : -EINVAL;
}

int endpoint_table_replace(struct endpoint_table *table, uint64_t id, const struct forward *forward)
{
	const struct endpoint_entry entry = {id, *forward};

	return exact_table_replace(&table->exact, &entry);
}

int endpoint_table_remove(struct endpoint_table *table, uint64_t id)
{
	return exact_table_remove(&table->exact, &id);
}

void endpoint_table_prefetch(const struct endpoint_table *table, uint64_t id)
{
	hash_core_prefetch_bucket(&table->exact.core, &id);
}

void endpoint_table_prefetch_entry(const struct endpoint_table *table, uint64_t id)
{
	hash_core_prefetch_entry(&table->exact.core, &id);
}

uint32_t endpoint_table_count(const struct endpoint_table *table)
{
	return table->exact.core.count;
}

struct slab *endpoint_table_slab(struct endpoint_table *table)
{
	return &table->exact.slab;
}
