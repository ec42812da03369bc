/* SPDX-License-Identifier: BSD-3-Clause */
#include "hash_core.h"

#include <errno.h>

#define HASH_CAPACITY_MAX (UINT32_C(1) << 28)
#define HASH_MOVE_DEPTH   2 /* longest chain of keys that are moved for one insert: 1 + HASH_MOVE_DEPTH */

/* 10 slots at 85 %, and some more so that a table for a few keys has room for an uneven spread. */
static uint32_t hash_bucket_count(uint32_t capacity)
{
	return (uint32_t)((uint64_t)capacity * 2 / 17) + 8;
}

int hash_core_init(struct hash_core *core, uint32_t capacity, unsigned key_words, uint64_t seed,
	const struct slab *slab, const struct memory *memory)
{
	uint32_t buckets = hash_bucket_count(capacity);

	memset(core, 0, sizeof(*core));
	if (capacity == 0 || capacity > HASH_CAPACITY_MAX || key_words == 0 || key_words > HASH_KEY_WORDS_MAX)
		return -EINVAL;
	core->buckets = memory->alloc(memory, (size_t)buckets * sizeof(*core->buckets), 64);
	if (core->buckets == NULL)
		return -ENOMEM;
	core->bucket_count = buckets;
	core->key_words = key_words;
	core->seed = endpoint_hash(seed + 1);
	core->slab = slab;
	core->memory = memory;
	return 0;
}

void hash_core_fini(struct hash_core *core)
{
	if (core->buckets != NULL)
		core->memory->free(core->memory, core->buckets);
	memset(core, 0, sizeof(*core));
}

uint64_t hash_core_memory_bytes(uint32_t capacity)
{
	return (uint64_t)hash_bucket_count(capacity) * sizeof(struct hash_bucket) + 64;
}

static struct hash_place hash_place(const struct hash_core *core, const uint64_t *key)
{
	uint64_t hash = hash_words(key, core->key_words, core->seed);
	uint32_t first = hash_first(hash, core->bucket_count);

	return (struct hash_place){first, hash_second(hash, first, core->bucket_count), hash_signature(hash)};
}

static const uint64_t *hash_core_key(const struct hash_core *core, uint32_t entry)
{
	return hash_entry_key(core->slab, entry, core->slab->entry_bytes);
}

static int hash_bucket_free_slot(const struct hash_bucket *bucket)
{
	bool moved;
	uint32_t mask = hash_bucket_match(bucket, 0, &moved);

	return mask != 0 ? __builtin_ctz(mask) : -1;
}

static void hash_slot_publish(struct hash_bucket *bucket, int slot, uint16_t signature, uint32_t entry)
{
	__atomic_store_n(&bucket->entry[slot], entry, __ATOMIC_RELEASE);
	HASH_WRITER_STEP();
	__atomic_store_n(&bucket->signature[slot], signature, __ATOMIC_RELEASE);
	HASH_WRITER_STEP();
}

static void hash_slot_clear(struct hash_bucket *bucket, int slot)
{
	__atomic_store_n(&bucket->signature[slot], 0, __ATOMIC_RELEASE);
	HASH_WRITER_STEP();
}

static void hash_bucket_add_moved(struct hash_bucket *bucket, int n)
{
	__atomic_store_n(&bucket->moved, (uint16_t)(bucket->moved + n), __ATOMIC_RELEASE);
	HASH_WRITER_STEP();
}

/* Move the key in @slot of its first bucket to @to in its second: there it is seen before it is gone here. */
static void hash_slot_move(
	struct hash_core *core, struct hash_bucket *from, int slot, struct hash_bucket *to, int to_slot)
{
	hash_bucket_add_moved(from, 1);
	hash_slot_publish(to, to_slot, from->signature[slot], from->entry[slot]);
	hash_slot_clear(from, slot);
}

/*
 * Free a slot of a full bucket by moving one of the keys that lie here as their first choice, after making room for it
 * the same way, up to @depth times over. Changes the table only if it succeeds. Returns the slot, or -1.
 */
static int hash_make_room(struct hash_core *core, uint32_t index, int depth)
{
	struct hash_bucket *bucket = &core->buckets[index];
	struct hash_place places[HASH_SLOTS];
	int room;

	for (int slot = 0; slot < HASH_SLOTS; slot++) {
		places[slot] = hash_place(core, hash_core_key(core, bucket->entry[slot]));
		__builtin_prefetch(&core->buckets[places[slot].second]);
	}
	for (int slot = 0; slot < HASH_SLOTS; slot++) {
		struct hash_bucket *second = &core->buckets[places[slot].second];

		if (places[slot].first != index || (room = hash_bucket_free_slot(second)) < 0)
			continue;
		hash_slot_move(core, bucket, slot, second, room);
		return slot;
	}
	for (int slot = 0; slot < HASH_SLOTS && depth > 0; slot++) {
		if (places[slot].first != index || (room = hash_make_room(core, places[slot].second, depth - 1)) < 0)
			continue;
		hash_slot_move(core, bucket, slot, &core->buckets[places[slot].second], room);
		return slot;
	}
	return -1;
}

int hash_core_insert(struct hash_core *core, uint32_t entry)
{
	struct hash_place place = hash_place(core, hash_core_key(core, entry));
	struct hash_bucket *first = &core->buckets[place.first], *second = &core->buckets[place.second];
	int slot = hash_bucket_free_slot(first), second_slot = -1;

	if (slot < 0)
		second_slot = hash_bucket_free_slot(second);
	for (int depth = 0; slot < 0 && second_slot < 0; depth++) {
		if (depth > HASH_MOVE_DEPTH)
			return -ENOSPC;
		slot = hash_make_room(core, place.first, depth);
		if (slot < 0)
			second_slot = hash_make_room(core, place.second, depth);
	}
	if (slot >= 0) {
		hash_slot_publish(first, slot, place.signature, entry);
	} else {
		hash_bucket_add_moved(first, 1);
		hash_slot_publish(second, second_slot, place.signature, entry);
	}
	core->count++;
	return 0;
}

/* The bucket and slot of @key; NULL: not in. @first: its first bucket. */
static struct hash_bucket *hash_core_locate(
	struct hash_core *core, const uint64_t *key, struct hash_bucket **first, int *slot)
{
	uint64_t hash = hash_words(key, core->key_words, core->seed);
	uint32_t index = hash_first(hash, core->bucket_count), entry;
	struct hash_bucket *bucket = &core->buckets[index];

	*first = bucket;
	*slot = hash_bucket_find(core, bucket, hash, key, core->key_words, core->slab->entry_bytes, &entry);
	if (*slot < 0 && bucket->moved != 0) {
		bucket = &core->buckets[hash_second(hash, index, core->bucket_count)];
		*slot = hash_bucket_find(core, bucket, hash, key, core->key_words, core->slab->entry_bytes, &entry);
	}
	return *slot >= 0 ? bucket : NULL;
}

uint32_t hash_core_replace(struct hash_core *core, uint32_t entry)
{
	struct hash_bucket *first, *bucket;
	uint32_t old;
	int slot;

	bucket = hash_core_locate(core, hash_core_key(core, entry), &first, &slot);
	if (bucket == NULL)
		return HASH_NONE;
	old = bucket->entry[slot];
	__atomic_store_n(&bucket->entry[slot], entry, __ATOMIC_RELEASE);
	return old;
}

uint32_t hash_core_remove(struct hash_core *core, const uint64_t *key)
{
	struct hash_bucket *first, *bucket;
	int slot;

	bucket = hash_core_locate(core, key, &first, &slot);
	if (bucket == NULL)
		return HASH_NONE;
	hash_slot_clear(bucket, slot);
	if (bucket != first)
		hash_bucket_add_moved(first, -1);
	core->count--;
	return bucket->entry[slot];
}

void hash_core_prefetch_bucket(const struct hash_core *core, const uint64_t *key)
{
	uint64_t hash = hash_words(key, core->key_words, core->seed);

	__builtin_prefetch(&core->buckets[hash_first(hash, core->bucket_count)], 1);
}

void hash_core_prefetch_entry(const struct hash_core *core, const uint64_t *key)
{
	struct hash_place place = hash_place(core, key);
	const struct hash_bucket *bucket = &core->buckets[place.first];
	bool moved;
	uint32_t mask = hash_bucket_match(bucket, place.signature, &moved);

	if (mask != 0) {
		uint32_t entry = bucket->entry[__builtin_ctz(mask)];

		__builtin_prefetch(hash_core_key(core, entry));
		slab_prefetch_retire(core->slab, entry);
	} else if (moved || hash_bucket_free_slot(bucket) < 0) {
		__builtin_prefetch(&core->buckets[place.second], 1);
	}
}

uint32_t hash_core_count_second(const struct hash_core *core)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < core->bucket_count; i++)
		count += core->buckets[i].moved;
	return count;
}
