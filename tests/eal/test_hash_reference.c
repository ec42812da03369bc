/* SPDX-License-Identifier: BSD-3-Clause */
/* The exact-match table against rte_hash, with the keys of endpoints (8 octets) and of pairs (16 octets). */
#include "eal.h"

#include <errno.h>
#include <string.h>
#include <rte_hash.h>
#include <rte_hash_crc.h>

#include "exact_table.h"

#define CAPACITY 5000
#define KEYS     8000
#define STEPS    300000

struct entry {
	uint64_t key[2];
	uint64_t value[2];
};

static struct reclaim reclaim;
static struct exact_table table;
static struct rte_hash *hash;

static void make_key(uint64_t *key, unsigned words, uint32_t i)
{
	key[0] = UINT64_C(0x20010db800000000) + (words == 1 ? i : i % 100);
	if (words == 2)
		key[1] = UINT64_C(0x20010db8ffff0000) + i / 100;
}

/* A burst of @n keys gives the same values from both. */
static void compare_burst(unsigned words, uint32_t from, uint16_t n)
{
	uint64_t keys[VECTOR_MAX * 2], hits = 0;
	const void *pointers[VECTOR_MAX];
	const void *entries[VECTOR_MAX];
	void *data[VECTOR_MAX];
	uint16_t found;

	for (uint16_t i = 0; i < n; i++) {
		make_key(&keys[i * words], words, (from + i) % KEYS);
		pointers[i] = &keys[i * words];
	}
	found = words == 1 ? hash_core_find_burst(&table.core, keys, n, entries, 1, sizeof(struct entry))
			   : hash_core_find_burst(&table.core, keys, n, entries, 2, sizeof(struct entry));
	assert_int_equal(rte_hash_lookup_bulk_data(hash, pointers, n, &hits, data), found);
	for (uint16_t i = 0; i < n; i++) {
		assert_int_equal(entries[i] != NULL, hits >> i & 1);
		if (entries[i] != NULL)
			assert_int_equal(((const struct entry *)entries[i])->value[0], (uintptr_t)data[i]);
	}
}

static void random_changes(unsigned words)
{
	static const uint16_t sizes[] = {1, 63, 64};
	const struct rte_hash_parameters parameters = {.name = "reference",
		.entries = 2 * KEYS,
		.key_len = 8 * words,
		.hash_func = rte_hash_crc,
		.socket_id = SOCKET_ID_ANY};
	uint64_t random = words, refused = 0;

	assert_int_equal(reclaim_init(&reclaim, 1, &memory_libc), 0);
	assert_int_equal(exact_table_init(&table, CAPACITY, words, sizeof(struct entry), 3, &reclaim, &memory_libc), 0);
	hash = rte_hash_create(&parameters);
	assert_non_null(hash);
	for (uint64_t step = 1; step <= STEPS; step++) {
		uint32_t i = test_random_below(&random, KEYS), what = test_random_below(&random, 5);
		struct entry entry = {{0, 0}, {step, step}};
		bool known;

		make_key(entry.key, words, i);
		known = rte_hash_lookup(hash, entry.key) >= 0;
		if (what == 0) {
			assert_int_equal(exact_table_remove(&table, entry.key), known ? 0 : -ENOENT);
			assert_int_equal(rte_hash_del_key(hash, entry.key) >= 0, known);
		} else if (known) {
			assert_int_equal(exact_table_insert(&table, &entry), -EEXIST);
			assert_int_equal(exact_table_replace(&table, &entry), 0);
			assert_int_equal(rte_hash_add_key_data(hash, entry.key, (void *)(uintptr_t)step), 0);
		} else {
			int error = exact_table_insert(&table, &entry);

			assert_int_equal(exact_table_replace(&table, &entry), error == 0 ? 0 : -ENOENT);
			assert_int_equal(error, rte_hash_count(hash) < CAPACITY ? 0 : -ENOSPC);
			refused += error != 0;
			if (error == 0)
				assert_int_equal(rte_hash_add_key_data(hash, entry.key, (void *)(uintptr_t)step), 0);
		}
		assert_int_equal(table.core.count, rte_hash_count(hash));
		reclaim_seal(&reclaim, step);
		reclaim_poll(&reclaim);
		if (step % 32 == 0)
			compare_burst(words, test_random_below(&random, KEYS), sizes[step / 32 % 3]);
	}
	assert_true(refused > 0);
	rte_hash_free(hash);
	exact_table_fini(&table);
	reclaim_fini(&reclaim);
}

static void endpoint_keys_give_what_rte_hash_gives(void **state)
{
	random_changes(1);
}

static void pair_keys_give_what_rte_hash_gives(void **state)
{
	random_changes(2);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(endpoint_keys_give_what_rte_hash_gives),
		cmocka_unit_test(pair_keys_give_what_rte_hash_gives),
	};
	int failed;

	if (eal_start(argv[0]) != 0)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	eal_stop();
	return failed;
}
