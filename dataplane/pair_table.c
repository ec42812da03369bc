/* SPDX-License-Identifier: BSD-3-Clause */
#include "pair_table.h"

#include <errno.h>

#include "endpoint.h"
#include "exact_table.h"

#define PAIR_WORDS (sizeof(union pair_key) / sizeof(uint64_t))
#define PAIR_BYTES sizeof(struct pair_entry)

struct pair_table {
	struct exact_table exact;
	const struct memory *memory;
	bool used __attribute__((aligned(64))); /* writer: rw, readers: ro; relaxed */
};

enum pair_half pair_half_of(uint8_t flags)
{
	switch (flags & (FORWARD_PAIR_TX | FORWARD_PAIR_RX | FORWARD_PAIR_RETURN)) {
	case FORWARD_PAIR_TX: return PAIR_TX;
	case FORWARD_PAIR_RX:
	case FORWARD_PAIR_RX | FORWARD_PAIR_RETURN: return PAIR_RX;
	default: return PAIR_HALVES;
	}
}

int pair_table_create(uint32_t capacity, uint64_t seed, struct reclaim *reclaim, const struct memory *memory,
	struct pair_table **created)
{
	struct pair_table *table = memory->alloc(memory, sizeof(*table), 64);
	int error;

	if (table == NULL)
		return -ENOMEM;
	table->memory = memory;
	table->used = false;
	error = exact_table_init(&table->exact, capacity, PAIR_WORDS, PAIR_BYTES, seed, reclaim, memory);
	if (error != 0) {
		memory->free(memory, table);
		return error;
	}
	*created = table;
	return 0;
}

void pair_table_destroy(struct pair_table *table)
{
	if (table == NULL)
		return;
	exact_table_fini(&table->exact);
	table->memory->free(table->memory, table);
}

uint64_t pair_table_memory_bytes(uint32_t capacity)
{
	return sizeof(struct pair_table) + exact_table_memory_bytes(capacity, PAIR_BYTES);
}

bool pair_table_is_empty(const struct pair_table *table)
{
	return !__atomic_load_n(&table->used, __ATOMIC_RELAXED);
}

static void pair_table_note_use(struct pair_table *table)
{
	bool used = table->exact.core.count != 0;

	if (used != table->used)
		__atomic_store_n(&table->used, used, __ATOMIC_RELAXED);
}

static const struct pair_entry *pair_entry_at(const struct pair_table *table, uint32_t entry)
{
	const void *at = table->exact.slab.entries + (uint64_t)entry * PAIR_BYTES;

	return entry != HASH_NONE ? at : NULL;
}

const struct pair_entry *pair_table_lookup(const struct pair_table *table, union pair_key key)
{
	return pair_entry_at(table, hash_core_find(&table->exact.core, key.words, PAIR_WORDS, PAIR_BYTES));
}

uint16_t pair_table_lookup_burst(
	const struct pair_table *table, const union pair_key *keys, uint16_t n, const struct pair_entry **pairs)
{
	return hash_core_find_burst(
		&table->exact.core, keys->words, n, (const void **)(void *)pairs, PAIR_WORDS, PAIR_BYTES);
}

void pair_table_lookup_ahead(
	const struct pair_table *table, const union pair_key *keys, uint16_t n, struct hash_ahead *ahead)
{
	hash_core_find_ahead(&table->exact.core, keys->words, n, ahead, PAIR_WORDS);
}

uint16_t pair_table_lookup_prepared(const struct pair_table *table, const union pair_key *keys,
	const struct hash_ahead *ahead, uint16_t n, const struct pair_entry **pairs)
{
	return hash_core_find_prepared(
		&table->exact.core, keys->words, ahead, n, (const void **)(void *)pairs, PAIR_WORDS, PAIR_BYTES);
}

/* The entry that @pair asks for. 0 or -EINVAL. */
static int pair_entry_build(struct pair_entry *entry, const struct fwd_pair *pair, uint32_t index)
{
	enum pair_half half = pair_half_of(pair->forward.flags);

	if (pair->forward.hold != 0 && pair->forward.flags != FORWARD_PAIR_RX)
		return -EINVAL;
	if (half == PAIR_HALVES || pair->source == ENDPOINT_NONE || pair->destination == ENDPOINT_NONE ||
		pair->source == pair->destination)
		return -EINVAL;
	*entry = (struct pair_entry){
		.key = pair_key(half, pair->source, pair->destination), .forward = pair->forward, .index = index};
	memcpy(&entry->check, &pair->check, sizeof(entry->check));
	return 0;
}

int pair_table_insert(struct pair_table *table, const struct fwd_pair *pair, uint32_t index)
{
	struct pair_entry entry;
	int error = pair_entry_build(&entry, pair, index);

	if (error == 0)
		error = exact_table_insert(&table->exact, &entry);
	pair_table_note_use(table);
	return error;
}

/* The same switch-over goes on. A worker that ends it now may still have the old entry: then the deadline ends it. */
static void pair_entry_inherit(const struct pair_table *table, struct pair_entry *entry)
{
	const struct pair_entry *old = entry->forward.hold != 0 ? pair_table_lookup(table, entry->key) : NULL;

	if (old != NULL && old->forward.hold == entry->forward.hold)
		entry->held = pair_entry_held(old);
}

int pair_table_replace(struct pair_table *table, const struct fwd_pair *pair, uint32_t index)
{
	struct pair_entry entry;
	int error = pair_entry_build(&entry, pair, index);

	if (error != 0)
		return error;
	pair_entry_inherit(table, &entry);
	return exact_table_replace(&table->exact, &entry);
}

int pair_table_remove(struct pair_table *table, const struct fwd_pair *pair)
{
	struct pair_entry entry;
	int error = pair_entry_build(&entry, pair, 0);

	if (error == 0)
		error = exact_table_remove(&table->exact, &entry.key);
	pair_table_note_use(table);
	return error;
}

void pair_table_prefetch(const struct pair_table *table, const struct fwd_pair *pair)
{
	union pair_key key = pair_key(pair_half_of(pair->forward.flags), pair->source, pair->destination);

	hash_core_prefetch_bucket(&table->exact.core, key.words);
}

void pair_table_prefetch_entry(const struct pair_table *table, const struct fwd_pair *pair)
{
	union pair_key key = pair_key(pair_half_of(pair->forward.flags), pair->source, pair->destination);

	hash_core_prefetch_entry(&table->exact.core, key.words);
}

uint32_t pair_table_count(const struct pair_table *table)
{
	return table->exact.core.count;
}

struct slab *pair_table_slab(struct pair_table *table)
{
	return &table->exact.slab;
}
