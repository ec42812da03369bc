/* SPDX-License-Identifier: BSD-3-Clause */
#include "pair_store.h"

#include <stdlib.h>
#include <string.h>

#include "node/hash_index.h"

struct pair_store {
	struct pair_record *records;
	uint32_t count, size;
	struct hash_index by_key;
};

struct pair_store *pair_store_create(void)
{
	struct pair_store *store = calloc(1, sizeof(*store));

	if (store == NULL)
		abort();
	return store;
}

void pair_store_destroy(struct pair_store *store)
{
	hash_index_fini(&store->by_key);
	free(store->records);
	free(store);
}

static uint64_t key_hash(uint64_t source, uint64_t destination, uint8_t half)
{
	uint64_t key[2] = {source, destination};

	return hash_bytes(key, sizeof(key), half);
}

struct pair_record *pair_store_find(const struct pair_store *store, uint64_t source, uint64_t destination, uint8_t half)
{
	uint64_t hash = key_hash(source, destination, half);
	uint32_t slot;

	for (uint32_t at = 0; (slot = hash_index_next(&store->by_key, hash, &at)) != HASH_NONE;) {
		struct pair_record *record = &store->records[slot];

		if (record->pair.source == source && record->pair.destination == destination &&
			(record->pair.forward.flags & half) != 0)
			return record;
	}
	return NULL;
}

struct pair_record *pair_store_at(struct pair_store *store, uint64_t source, uint64_t destination, uint8_t half)
{
	struct pair_record *record = pair_store_find(store, source, destination, half);

	if (record != NULL)
		return record;
	if (store->count == store->size) {
		store->size = store->size > 0 ? store->size * 2 : 64;
		store->records = realloc(store->records, store->size * sizeof(*store->records));
		if (store->records == NULL)
			abort();
	}
	if (hash_index_reserve(&store->by_key, 1) != 0)
		abort();
	hash_index_insert(&store->by_key, key_hash(source, destination, half), store->count);
	record = &store->records[store->count++];
	memset(record, 0, sizeof(*record));
	record->pair.source = source;
	record->pair.destination = destination;
	record->pair.forward.flags = half;
	return record;
}

struct pair_record *pair_store_next(const struct pair_store *store, uint32_t *at)
{
	while (*at < store->count) {
		struct pair_record *record = &store->records[(*at)++];

		if (record->presence == PRESENT)
			return record;
	}
	return NULL;
}
