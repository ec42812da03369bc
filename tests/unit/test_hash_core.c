/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hash_core.h"
#include "tables_memory.h"

/* Entries of the tests: 64 bytes, the key first. */
struct record {
	uint64_t key[8];
};

struct fixture {
	struct hash_core core;
	struct slab slab;
	unsigned words;
};

static void fixture_init(struct fixture *f, uint32_t capacity, unsigned words, uint64_t seed)
{
	f->words = words;
	assert_int_equal(slab_init(&f->slab, capacity + 1, sizeof(struct record), &memory_libc), 0);
	assert_int_equal(hash_core_init(&f->core, capacity, words, seed, &f->slab, &memory_libc), 0);
}

static void fixture_fini(struct fixture *f)
{
	hash_core_fini(&f->core);
	slab_fini(&f->slab);
}

/* Key number @i: alike in all words but one, as prefixes of one pool are. */
static void make_key(uint64_t *key, unsigned words, uint32_t i)
{
	for (unsigned w = 0; w < words; w++)
		key[w] = UINT64_C(0x20010db800000000) + w;
	key[i % words] += (uint64_t)i << 8;
}

static uint32_t take(struct fixture *f, uint32_t i)
{
	uint32_t entry = slab_take(&f->slab);

	assert_int_not_equal(entry, SLAB_NONE);
	make_key(((struct record *)slab_at(&f->slab, entry))->key, f->words, i);
	return entry;
}

static uint32_t find(const struct fixture *f, uint32_t i)
{
	uint64_t key[HASH_KEY_WORDS_MAX] = {0};

	make_key(key, f->words, i);
	return hash_core_find(&f->core, key, f->words, sizeof(struct record));
}

/* The burst of @n keys from number @from on gives what single lookups give. */
static void check_burst(const struct fixture *f, uint32_t from, uint16_t n)
{
	uint64_t keys[VECTOR_MAX * HASH_KEY_WORDS_MAX];
	const void *entries[VECTOR_MAX];
	uint16_t found = 0;

	for (uint16_t i = 0; i < n; i++)
		make_key(&keys[i * f->words], f->words, from + i);
	found = hash_core_find_burst(&f->core, keys, n, entries, f->words, sizeof(struct record));
	for (uint16_t i = 0; i < n; i++) {
		assert_int_equal(slab_index_of(f->core.slab, entries[i]), find(f, from + i));
		found = (uint16_t)(found - (entries[i] != NULL));
	}
	assert_int_equal(found, 0);
}

static void random_changes(unsigned words, uint64_t seed)
{
	enum { KEYS = 600, CAPACITY = 400, STEPS = 40000 };
	static const uint16_t sizes[] = {1, 63, 64};
	uint32_t model[KEYS], live = 0;
	uint64_t random = seed;
	struct fixture f;

	fixture_init(&f, CAPACITY, words, seed);
	memset(model, 0xff, sizeof(model));
	for (unsigned step = 0; step < STEPS; step++) {
		uint32_t i = test_random_below(&random, KEYS), what = test_random_below(&random, 4);
		uint64_t key[HASH_KEY_WORDS_MAX] = {0};

		make_key(key, words, i);
		assert_int_equal(find(&f, i), model[i]);
		if (what == 0) {
			assert_int_equal(hash_core_remove(&f.core, key), model[i]);
			if (model[i] != HASH_NONE) {
				slab_give(&f.slab, model[i]);
				live--;
			}
			model[i] = HASH_NONE;
		} else if (what == 1) {
			uint32_t entry = take(&f, i), old = hash_core_replace(&f.core, entry);

			assert_int_equal(old, model[i]);
			slab_give(&f.slab, old != HASH_NONE ? old : entry);
			model[i] = old != HASH_NONE ? entry : HASH_NONE;
		} else if (model[i] == HASH_NONE && live < CAPACITY) {
			model[i] = take(&f, i);
			live++;
			assert_int_equal(hash_core_insert(&f.core, model[i]), 0);
		}
		assert_int_equal(find(&f, i), model[i]);
		assert_int_equal(f.core.count, live);
		if (step % 64 == 0)
			check_burst(&f, test_random_below(&random, KEYS), sizes[step / 64 % 3]);
	}
	for (uint32_t i = 0; i < KEYS; i++)
		assert_int_equal(find(&f, i), model[i]);
	fixture_fini(&f);
}

static void random_changes_equal_a_plain_array(void **state)
{
	for (unsigned words = 1; words <= HASH_KEY_WORDS_MAX; words++) {
		for (uint64_t seed = 1; seed <= 3; seed++)
			random_changes(words, seed);
	}
}

static void takes_as_many_keys_as_it_promised(void **state)
{
	static const uint32_t capacities[] = {1, 2, 9, 10, 11, 64, 100, 1000, 10000, 300000};

	for (size_t c = 0; c < sizeof(capacities) / sizeof(capacities[0]); c++) {
		for (uint64_t seed = 0; seed < (capacities[c] > 10000 ? 2 : 20); seed++) {
			struct fixture f;

			fixture_init(&f, capacities[c], 1 + seed % 3, seed);
			for (uint32_t i = 0; i < capacities[c]; i++)
				assert_int_equal(hash_core_insert(&f.core, take(&f, i)), 0);
			for (uint32_t i = 0; i < capacities[c]; i++)
				assert_int_not_equal(find(&f, i), HASH_NONE);
			assert_int_equal(find(&f, capacities[c]), HASH_NONE);
			fixture_fini(&f);
		}
	}
}

/* Past its capacity, until it refuses: more than 95 % of all slots hold a key, and a refusal changes nothing. */
static void refusal_comes_late_and_changes_nothing(void **state)
{
	struct hash_bucket *before;
	size_t bytes;
	struct fixture f;
	uint32_t entry, n = 0;

	fixture_init(&f, 20000, 2, 7);
	slab_fini(&f.slab);
	assert_int_equal(slab_init(&f.slab, 40000, sizeof(struct record), &memory_libc), 0);
	bytes = f.core.bucket_count * sizeof(*before);
	before = malloc(bytes);
	assert_non_null(before);
	for (;; n++) {
		memcpy(before, f.core.buckets, bytes);
		entry = take(&f, n);
		if (hash_core_insert(&f.core, entry) != 0)
			break;
	}
	assert_memory_equal(before, f.core.buckets, bytes);
	assert_int_equal(f.core.count, n);
	assert_true(n > f.core.bucket_count * HASH_SLOTS * 95 / 100);
	for (uint32_t i = 0; i < n; i++)
		assert_int_not_equal(find(&f, i), HASH_NONE);
	assert_int_equal(find(&f, n), HASH_NONE);
	check_burst(&f, n - 32, 64);
	free(before);
	fixture_fini(&f);
}

/* Of @live keys, those in their second bucket after each key was replaced by another 20 times over. */
static uint32_t second_after_churn(uint32_t capacity, uint32_t live)
{
	uint64_t random = 42;
	uint32_t *keys = malloc(live * sizeof(*keys)), next = live, seconds;
	struct fixture f;

	assert_non_null(keys);
	fixture_init(&f, capacity, 1, 42);
	for (uint32_t i = 0; i < live; i++) {
		keys[i] = i;
		assert_int_equal(hash_core_insert(&f.core, take(&f, i)), 0);
	}
	for (uint32_t step = 0; step < live * 20; step++) {
		uint32_t i = test_random_below(&random, live), entry;
		uint64_t key;

		make_key(&key, 1, keys[i]);
		entry = hash_core_remove(&f.core, &key);
		assert_int_not_equal(entry, HASH_NONE);
		slab_give(&f.slab, entry);
		keys[i] = next++;
		assert_int_equal(hash_core_insert(&f.core, take(&f, keys[i])), 0);
	}
	for (uint32_t i = 0; i < live; i++)
		assert_int_not_equal(find(&f, keys[i]), HASH_NONE);
	seconds = hash_core_count_second(&f.core);
	print_message("%u of %u keys in their second bucket, %u%% full\n", seconds, live, live * 85 / capacity);
	free(keys);
	fixture_fini(&f);
	return seconds;
}

/* Keys that come and go for long are never refused, and few drift away from the bucket that is read first. */
static void churn_keeps_most_keys_in_their_first_bucket(void **state)
{
	assert_true(second_after_churn(50000, 50000) < 50000 * 35 / 100);
	assert_true(second_after_churn(50000, 40000) < 40000 * 15 / 100);
	assert_true(second_after_churn(50000, 30000) < 30000 * 5 / 100);
}

/* Keys with the same signature in the same bucket are told apart by the key in the entry. */
static void equal_signatures_are_told_apart(void **state)
{
	enum { LIKE = 6 };
	uint32_t alike[LIKE], n = 0;
	struct fixture f;
	uint64_t key, hash, first_hash = 0;

	fixture_init(&f, 8, 1, 3);
	for (uint32_t i = 0; n < LIKE; i++) {
		make_key(&key, 1, i);
		hash = hash_words(&key, 1, f.core.seed);
		if (n == 0)
			first_hash = hash;
		if (hash_signature(hash) == hash_signature(first_hash) &&
			hash_first(hash, f.core.bucket_count) == hash_first(first_hash, f.core.bucket_count))
			alike[n++] = i;
	}
	for (uint32_t i = 1; i < LIKE; i++)
		assert_int_equal(hash_core_insert(&f.core, take(&f, alike[i])), 0);
	assert_int_equal(find(&f, alike[0]), HASH_NONE);
	for (uint32_t i = 1; i < LIKE; i++) {
		const struct record *record = slab_at(&f.slab, find(&f, alike[i]));

		make_key(&key, 1, alike[i]);
		assert_int_equal(record->key[0], key);
		check_burst(&f, alike[i], 1);
	}
	fixture_fini(&f);
}

static void sizes_that_cannot_be_are_refused(void **state)
{
	struct slab slab = {0};
	struct hash_core core;
	struct counting_memory none = counting_memory(0);

	assert_int_equal(hash_core_init(&core, 0, 1, 0, &slab, &memory_libc), -EINVAL);
	assert_int_equal(hash_core_init(&core, UINT32_MAX, 1, 0, &slab, &memory_libc), -EINVAL);
	assert_int_equal(hash_core_init(&core, 1, 0, 0, &slab, &memory_libc), -EINVAL);
	assert_int_equal(hash_core_init(&core, 1, HASH_KEY_WORDS_MAX + 1, 0, &slab, &memory_libc), -EINVAL);
	assert_int_equal(hash_core_init(&core, 1, 1, 0, &slab, &none.memory), -ENOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_changes_equal_a_plain_array),
		cmocka_unit_test(takes_as_many_keys_as_it_promised),
		cmocka_unit_test(refusal_comes_late_and_changes_nothing),
		cmocka_unit_test(churn_keeps_most_keys_in_their_first_bucket),
		cmocka_unit_test(equal_signatures_are_told_apart),
		cmocka_unit_test(sizes_that_cannot_be_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
