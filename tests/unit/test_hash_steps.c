/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The hash core under every order of one writer and one reader: a lookup of all keys between any two stores of the
 * writer, and a whole change between any two loads of a reader.
 */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

static void writer_step(void);
static void reader_step(void);
#define HASH_WRITER_STEP() writer_step()
#define HASH_READER_STEP() reader_step()
#include "hash_core.c"

#define CAPACITY 60
#define KEYS     180
#define BYTES    32

static struct hash_core core;
static struct slab slab;
static bool in[KEYS];      /* key has to be found; entry i is key i */
static uint32_t steps;     /* of the reader, since the lookup began */
static uint32_t change_at; /* the step at which change() runs */
static void (*change)(void);
static bool checking;
static uint32_t checks;

static uint64_t key_of(uint32_t i)
{
	return UINT64_C(0x20010db800000000) + i % KEYS;
}

static uint32_t find(uint32_t i)
{
	uint64_t key = key_of(i);

	return hash_core_find(&core, &key, 1, BYTES);
}

static uint32_t find_in_burst(uint32_t i)
{
	uint64_t keys[3] = {key_of(i + 1), key_of(i), key_of(i + 2)};
	const void *entries[3];

	hash_core_find_burst(&core, keys, 3, entries, 1, BYTES);
	return slab_index_of(core.slab, entries[1]);
}

static void writer_step(void)
{
	if (checking || change != NULL)
		return;
	checking = true;
	for (uint32_t i = 0; i < KEYS; i++) {
		uint32_t single = find(i), burst = find_in_burst(i);

		if (in[i])
			assert_true(single == i && burst == i);
		else
			assert_true((single == i || single == HASH_NONE) && (burst == i || burst == HASH_NONE));
		checks++;
	}
	checking = false;
}

static void reader_step(void)
{
	void (*now)(void) = change;

	if (change == NULL || steps++ != change_at)
		return;
	now();
}

static void create(uint64_t seed)
{
	change = NULL;
	checks = 0;
	memset(in, 0, sizeof(in));
	assert_int_equal(slab_init(&slab, 2 * KEYS, BYTES, &memory_libc), 0);
	assert_int_equal(hash_core_init(&core, CAPACITY, 1, seed, &slab, &memory_libc), 0);
	for (uint32_t i = 0; i < 2 * KEYS; i++)
		*(uint64_t *)slab_at(&slab, i) = key_of(i);
}

static void destroy(void)
{
	hash_core_fini(&core);
	slab_fini(&slab);
}

static void no_store_of_the_writer_hides_a_key(void **state)
{
	uint64_t random = 3;
	uint32_t refused = 0;

	create(1);
	for (unsigned n = 0; n < 4000; n++) {
		uint32_t i = test_random_below(&random, KEYS);
		uint64_t key = key_of(i);

		if (!in[i]) {
			in[i] = hash_core_insert(&core, i) == 0;
			refused += !in[i];
		} else if (test_random_below(&random, 8) == 0) {
			in[i] = false;
			assert_int_equal(hash_core_remove(&core, &key), i);
		}
	}
	assert_true(refused > 0 && checks > 100000); /* so full that many keys were moved */
	destroy();
}

/* The table as it was before a change, to make the change again at another step. */
static struct hash_bucket *saved;
static uint32_t saved_count;

static void save(void)
{
	size_t bytes = core.bucket_count * sizeof(*saved);

	saved = saved != NULL ? saved : malloc(bytes);
	assert_non_null(saved);
	memcpy(saved, core.buckets, bytes);
	saved_count = core.count;
}

static void restore(void)
{
	memcpy(core.buckets, saved, core.bucket_count * sizeof(*saved));
	core.count = saved_count;
}

static uint32_t new_key, old_key;

static void insert_new_key(void)
{
	assert_int_equal(hash_core_insert(&core, new_key), 0);
}

static void replace_old_key(void)
{
	assert_int_equal(hash_core_replace(&core, old_key + KEYS), old_key);
}

static void remove_old_and_insert_new_key(void)
{
	uint64_t key = key_of(old_key);

	assert_int_equal(hash_core_remove(&core, &key), old_key);
	insert_new_key();
}

/* Look up @i with what() happening at each of the reader's steps in turn. Returns how many steps there are. */
static uint32_t look_up_during(
	void (*what)(void), uint32_t i, uint32_t (*look)(uint32_t), bool may_miss, bool may_be_new)
{
	for (change_at = 0;; change_at++) {
		uint32_t entry;

		restore();
		steps = 0;
		change = what;
		entry = look(i);
		change = NULL;
		assert_true(entry == i || (may_be_new && entry == i + KEYS) || (may_miss && entry == HASH_NONE));
		if (steps <= change_at)
			return change_at;
	}
}

static void fill(uint32_t keys, uint64_t *random)
{
	for (uint32_t tries = 0; core.count < keys && tries < 100000; tries++) {
		uint32_t i = test_random_below(random, KEYS);

		if (find(i) == HASH_NONE)
			(void)hash_core_insert(&core, i);
	}
}

/* An insert that moves keys, at every step of the lookup of each key of a nearly full table. */
static void no_move_hides_a_key_from_a_lookup_under_way(void **state)
{
	uint64_t random = 5;
	uint32_t moves = 0;

	for (uint64_t seed = 0; seed < 40; seed++) {
		create(seed);
		change = insert_new_key; /* no checks while filling */
		change_at = UINT32_MAX;
		fill(core.bucket_count * HASH_SLOTS * 90 / 100, &random);
		save();
		for (new_key = 0; new_key < KEYS; new_key++) {
			uint32_t second = hash_core_count_second(&core);

			if (find(new_key) != HASH_NONE || hash_core_insert(&core, new_key) != 0)
				continue;
			if (hash_core_count_second(&core) <= second + 1)
				restore();
			else
				break;
		}
		if (new_key == KEYS)
			goto next;
		moves++;
		for (uint32_t i = 0; i < KEYS; i++) {
			restore();
			if (find(i) == HASH_NONE)
				continue;
			assert_true(look_up_during(insert_new_key, i, find, false, false) > 0);
			assert_true(look_up_during(insert_new_key, i, find_in_burst, false, false) > 0);
		}
	next:
		free(saved);
		saved = NULL;
		destroy();
	}
	assert_true(moves > 5);
}

static void replacement_and_removal_show_the_old_or_the_new(void **state)
{
	uint64_t random = 9;

	create(2);
	change = insert_new_key;
	change_at = UINT32_MAX;
	fill(CAPACITY, &random);
	save();
	for (old_key = 0; old_key < KEYS; old_key++) {
		restore();
		if (find(old_key) == HASH_NONE)
			continue;
		for (new_key = 0; find(new_key) != HASH_NONE; new_key++)
			;
		look_up_during(replace_old_key, old_key, find, false, true);
		look_up_during(replace_old_key, old_key, find_in_burst, false, true);
		look_up_during(remove_old_and_insert_new_key, old_key, find, true, false);
		look_up_during(remove_old_and_insert_new_key, old_key, find_in_burst, true, false);
	}
	free(saved);
	saved = NULL;
	destroy();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_store_of_the_writer_hides_a_key),
		cmocka_unit_test(no_move_hides_a_key_from_a_lookup_under_way),
		cmocka_unit_test(replacement_and_removal_show_the_old_or_the_new),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
