/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define __SANITIZE_THREAD__ 1
#endif
#endif
/* ThreadSanitizer does not know that a vector load of signatures is as good as one load for each. */
#if defined(__SSE4_2__) && !defined(__SANITIZE_THREAD__)
#define HASH_VECTOR_MATCH 1
#include <immintrin.h>
#endif

#include "endpoint.h"
#include "bounds.h"
#include "memory.h"
#include "slab.h"

/*
 * Hash core: what every exact-match table is made of. Keys of 1 to 5 64-bit words -> index of an entry in a slab; the
 * entry starts with its key. A bucket is one cache line of ten (16-bit signature, entry index) slots. A key lies in
 * its first bucket or, if that was full, in its second one: a lookup costs the bucket and the entry, and for about
 * one key in ten, at 85 % load, one bucket more.
 *
 * Threads: one writer; any number of readers, which hold entries until they report quiescence (reclaim.h). Readers
 * take no lock and never retry.
 * Memory: fixed at creation.
 *
 * Why a reader that runs during a change misses no key that is in all the time, and never gets another key's entry:
 * - Slots are published entry first, then signature, both with release; a reader reads signature, then entry, and then
 *   compares the key in the entry. The entry is complete before its index is stored, and is not reused within a grace
 *   period. So a hit is always an entry of the key that was asked for, whatever happened to the slot in between.
 * - A key moves at most once, from its first bucket to its second. The slot in the second bucket and the first bucket's
 *   count of moved keys are written before the slot in the first is cleared. A reader asks the first bucket, then
 *   reads its count of moved keys, then asks the second: where it finds the slot cleared or used for another key, it
 *   sees the count, and the slot in the second bucket.
 * - A replacement stores another index into the slot: a reader gets the old or the new entry.
 */
#define HASH_SLOTS         10
#define HASH_KEY_WORDS_MAX 5
#define HASH_NONE          SLAB_NONE

/*
 * Where a thread may be overtaken by others: between any two accesses that they see or that see them. A test that
 * defines these runs lookups between the writer's steps and changes between a reader's.
 */
#ifndef HASH_WRITER_STEP
#define HASH_WRITER_STEP() ((void)0)
#define HASH_READER_STEP() ((void)0)
#endif

struct hash_bucket {
	uint16_t signature[HASH_SLOTS]; /* 0: empty slot */
	uint16_t moved;                 /* keys whose first bucket this is, and that lie in their second */
	uint16_t reserved;
	uint32_t entry[HASH_SLOTS];
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct hash_bucket) == 64, "one cache line");

struct hash_core {
	struct hash_bucket *buckets;
	const struct slab *slab;
	uint64_t seed;
	uint32_t bucket_count; /* const after creation, as all above */
	uint32_t key_words;
	uint32_t count; /* writer only: keys */
	const struct memory *memory;
};

struct hash_place {
	uint32_t first, second; /* buckets, never the same */
	uint16_t signature;
};

/* Room for @capacity keys at 85 % load. @slab holds the entries. 0, -EINVAL or -ENOMEM. */
int hash_core_init(struct hash_core *core, uint32_t capacity, unsigned key_words, uint64_t seed,
	const struct slab *slab, const struct memory *memory);
void hash_core_fini(struct hash_core *core);
/* Memory that hash_core_init() takes. */
uint64_t hash_core_memory_bytes(uint32_t capacity);

/*
 * Publish @entry, which is complete and whose key is not in. 0, or -ENOSPC: no place after the moves that are tried;
 * then nothing changed. Writer.
 */
int hash_core_insert(struct hash_core *core, uint32_t entry);
/* Publish @entry instead of the one with the same key. Returns that one, or HASH_NONE: not in, nothing changed. Writer.
 */
uint32_t hash_core_replace(struct hash_core *core, uint32_t entry);
/* Unpublish the entry of @key, which readers may still hold. Returns it, or HASH_NONE. Writer. */
uint32_t hash_core_remove(struct hash_core *core, const uint64_t *key);
/*
 * Have what a change of @key touches first in the cache: its first bucket; then, if that is there, its entry and what
 * retiring that writes.
 */
void hash_core_prefetch_bucket(const struct hash_core *core, const uint64_t *key);
void hash_core_prefetch_entry(const struct hash_core *core, const uint64_t *key);
/* Keys that lie in their second bucket. For tests and benchmarks: walks the table. Writer. */
uint32_t hash_core_count_second(const struct hash_core *core);

/*
 * The rest is inline so that each table gets code for its own key and entry sizes: @words and @entry_bytes have to be
 * constants at the call, and those of the table.
 */
static inline uint64_t hash_words(const uint64_t *key, unsigned words, uint64_t seed)
{
	/* cppcheck-suppress objectIndex ; @words says how long the key is */
	uint64_t hash = words % 2 != 0 ? hash_mix(key[words - 1] ^ seed, UINT64_C(0xa0761d6478bd642f)) : 0;

	_Static_assert(HASH_KEY_WORDS_MAX < 6, "two words at most twice; compilers do not unroll a loop here");
	/* Two words at a time, each with another secret, so that the products do not wait for each other. */
	if (words >= 2)
		hash += hash_mix(key[0] ^ seed, key[1] ^ (seed << 7 | seed >> 57));
	if (words >= 4)
		hash += hash_mix(key[2] ^ seed, key[3] ^ (seed << 23 | seed >> 41));
	return hash_mix(hash ^ seed, UINT64_C(0x9e3779b97f4a7c15));
}

static inline uint32_t hash_scale(uint32_t bits, uint32_t range)
{
	return (uint32_t)((uint64_t)bits * range >> 32);
}

/* Never that of an empty slot. */
static inline uint16_t hash_signature(uint64_t hash)
{
	return (uint16_t)(hash | 1);
}

static inline uint32_t hash_first(uint64_t hash, uint32_t buckets)
{
	return hash_scale((uint32_t)(hash >> 32), buckets);
}

/* Bits 43 to 12: for up to a million buckets none that the first bucket or the signature are made of. */
static inline uint32_t hash_second(uint64_t hash, uint32_t first, uint32_t buckets)
{
	uint32_t second = first + 1 + hash_scale((uint32_t)(hash >> 12), buckets - 1);

	return second < buckets ? second : second - buckets;
}

/*
 * Slots of @bucket with @signature, as bits; @moved: whether some key lies in its second bucket instead. The count of
 * moved keys is read with or after the signatures.
 */
static inline uint32_t hash_bucket_match(const struct hash_bucket *bucket, uint16_t signature, bool *moved)
{
#ifdef HASH_VECTOR_MATCH
	__m128i want = _mm_set1_epi16((short)signature);
	__m128i low = _mm_load_si128((const __m128i *)(const void *)bucket->signature);
	__m128i high;

	__atomic_signal_fence(__ATOMIC_ACQUIRE);
	HASH_READER_STEP();
	high = _mm_loadl_epi64((const __m128i *)(const void *)&bucket->signature[8]);
	*moved = _mm_extract_epi16(high, 2) != 0;
	low = _mm_packs_epi16(_mm_cmpeq_epi16(low, want), _mm_cmpeq_epi16(high, want));
	return (uint32_t)_mm_movemask_epi8(low) & ((1u << HASH_SLOTS) - 1);
#else
	uint32_t mask = 0;

	for (unsigned i = 0; i < HASH_SLOTS; i++) {
		if (__atomic_load_n(&bucket->signature[i], __ATOMIC_ACQUIRE) == signature)
			mask |= 1u << i;
		HASH_READER_STEP();
	}
	*moved = __atomic_load_n(&bucket->moved, __ATOMIC_ACQUIRE) != 0;
	return mask;
#endif
}

static inline uint32_t hash_bucket_entry(const struct hash_bucket *bucket, unsigned slot)
{
	return __atomic_load_n(&bucket->entry[slot], __ATOMIC_ACQUIRE);
}

static inline const uint64_t *hash_entry_key(const struct slab *slab, uint32_t entry, unsigned entry_bytes)
{
	return (const uint64_t *)(const void *)(slab->entries + (uint64_t)entry * entry_bytes);
}

static inline bool hash_key_equal(const uint64_t *a, const uint64_t *b, unsigned words)
{
	uint64_t difference = a[0] ^ b[0];

	if (words > 1)
		difference |= a[1] ^ b[1];
	if (words > 2)
		difference |= a[2] ^ b[2];
	if (words > 3)
		difference |= a[3] ^ b[3];
	if (words > 4)
		difference |= a[4] ^ b[4];
	return difference == 0;
}

/* The slot of @key in @bucket, or -1; its entry in @entry. */
static inline int hash_bucket_find(const struct hash_core *core, const struct hash_bucket *bucket, uint64_t hash,
	const uint64_t *key, unsigned words, unsigned entry_bytes, uint32_t *entry)
{
	bool moved;
	uint32_t mask = hash_bucket_match(bucket, hash_signature(hash), &moved);

	for (; mask != 0; mask &= mask - 1) {
		unsigned slot = (unsigned)__builtin_ctz(mask);

		HASH_READER_STEP();
		*entry = hash_bucket_entry(bucket, slot);
		HASH_READER_STEP();
		if (hash_key_equal(hash_entry_key(core->slab, *entry, entry_bytes), key, words))
			return (int)slot;
	}
	return -1;
}

/* The entry of @key, which hashes to @hash, or HASH_NONE. */
static inline uint32_t hash_core_find_hashed(
	const struct hash_core *core, const uint64_t *key, uint64_t hash, unsigned words, unsigned entry_bytes)
{
	uint32_t first = hash_first(hash, core->bucket_count), entry;
	const struct hash_bucket *bucket = &core->buckets[first];

	if (hash_bucket_find(core, bucket, hash, key, words, entry_bytes, &entry) >= 0)
		return entry;
	HASH_READER_STEP();
	/* After the entries: a slot that was used again since its signature was read does not hide a move. */
	if (__atomic_load_n(&bucket->moved, __ATOMIC_ACQUIRE) == 0)
		return HASH_NONE;
	HASH_READER_STEP();
	bucket = &core->buckets[hash_second(hash, first, core->bucket_count)];
	return hash_bucket_find(core, bucket, hash, key, words, entry_bytes, &entry) >= 0 ? entry : HASH_NONE;
}

static inline uint32_t hash_core_find(
	const struct hash_core *core, const uint64_t *key, unsigned words, unsigned entry_bytes)
{
	return hash_core_find_hashed(core, key, hash_words(key, words, core->seed), words, entry_bytes);
}

/* The first entry in @bucket that may be the one, on its way to the cache. False, and NULL: no slot has the signature.
 */
static inline bool hash_bucket_candidate(const struct hash_bucket *bucket, uint64_t hash, const uint8_t *slab,
	unsigned entry_bytes, const void **entry, bool *moved)
{
	uint32_t mask = hash_bucket_match(bucket, hash_signature(hash), moved);

	HASH_READER_STEP();
	if (__builtin_expect(mask == 0, 0)) {
		*entry = NULL;
		return false;
	}
	*entry = slab + (uint64_t)hash_bucket_entry(bucket, (unsigned)__builtin_ctz(mask)) * entry_bytes;
	__builtin_prefetch(*entry);
	return true;
}

/* A lookup between its two halves. */
struct hash_ahead {
	const struct hash_bucket *first;
	uint64_t hash;
};

/* The first half of hash_core_find_burst(). The first buckets of @n keys are on their way. */
static inline void hash_core_find_ahead(
	const struct hash_core *core, const uint64_t *keys, uint16_t n, struct hash_ahead *ahead, unsigned words)
{
	const struct hash_bucket *const buckets = core->buckets;
	const uint32_t bucket_count = core->bucket_count;
	const uint64_t seed = core->seed;

	for (uint16_t i = 0; i < n; i++) {
		uint64_t hash = hash_words(&keys[i * words], words, seed);

		ahead[i] = (struct hash_ahead){&buckets[hash_first(hash, bucket_count)], hash};
		__builtin_prefetch(ahead[i].first);
	}
}

/* The second half, which may come as late as wanted. */
static inline uint16_t hash_core_find_prepared(const struct hash_core *core, const uint64_t *keys,
	const struct hash_ahead *ahead, uint16_t n, const void **found, unsigned words, unsigned entry_bytes)
{
	const struct hash_bucket *const buckets = core->buckets;
	const uint8_t *const slab = core->slab->entries;
	const struct hash_bucket *second[VECTOR_MAX];
	uint8_t others[VECTOR_MAX]; /* keys that may lie in their second bucket; then those not found at once */
	uint16_t missed = 0, count = 0;
	bool moved;

	for (uint16_t i = 0; i < n; i++) {
		const struct hash_bucket *first = ahead[i].first;

		if (!hash_bucket_candidate(first, ahead[i].hash, slab, entry_bytes, &found[i], &moved) && moved) {
			second[count] =
				&buckets[hash_second(ahead[i].hash, (uint32_t)(first - buckets), core->bucket_count)];
			__builtin_prefetch(second[count]);
			others[count++] = (uint8_t)i;
		}
	}
	for (uint16_t j = 0; j < count; j++)
		hash_bucket_candidate(second[j], ahead[others[j]].hash, slab, entry_bytes, &found[others[j]], &moved);
	count = 0;
	for (uint16_t i = 0; i < n; i++) {
		HASH_READER_STEP();
		if (__builtin_expect(found[i] == NULL || !hash_key_equal(found[i], &keys[i * words], words), 0))
			others[count++] = (uint8_t)i;
	}
	for (uint16_t j = 0; j < count; j++) {
		/* cppcheck-suppress uninitvar ; written above, up to @count */
		uint16_t i = others[j];
		uint32_t entry = HASH_NONE;

		if (found[i] != NULL)
			entry = hash_core_find_hashed(core, &keys[i * words], ahead[i].hash, words, entry_bytes);
		found[i] = entry != HASH_NONE ? hash_entry_key(core->slab, entry, entry_bytes) : NULL;
		missed = (uint16_t)(missed + (entry == HASH_NONE));
	}
	return (uint16_t)(n - missed);
}

/*
 * Look up @n keys (@n <= VECTOR_MAX), which lie one after the other. found[i] is the entry that hash_core_find() gives,
 * NULL if there is none. Returns the number found. All first buckets are on their way before the first is read, then
 * all entries. What is not as usual, a signature that another key has too or a change under way, goes through
 * hash_core_find_hashed().
 */
static inline uint16_t hash_core_find_burst(const struct hash_core *core, const uint64_t *keys, uint16_t n,
	const void **found, unsigned words, unsigned entry_bytes)
{
	struct hash_ahead ahead[VECTOR_MAX];

	hash_core_find_ahead(core, keys, n, ahead, words);
	return hash_core_find_prepared(core, keys, ahead, n, found, words, entry_bytes);
}
