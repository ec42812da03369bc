/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include <stdbool.h>

#include "node/hash_index.h"

#define VALUES 512

static bool finds(const struct hash_index *index, uint64_t hash, uint32_t value)
{
	uint32_t found;

	for (uint32_t at = 0; (found = hash_index_next(index, hash, &at)) != HASH_NONE;)
		if (found == value)
			return true;
	return false;
}

static void removed_value_is_not_found_and_nothing_happens_twice(void **state)
{
	struct hash_index index = {0};

	hash_index_remove(&index, 7, 1);
	assert_int_equal(hash_index_reserve(&index, 2), 0);
	hash_index_insert(&index, 7, 1);
	hash_index_insert(&index, 7, 2);
	hash_index_remove(&index, 7, 1);
	hash_index_remove(&index, 7, 1);
	assert_int_equal(index.count, 1);
	assert_false(finds(&index, 7, 1));
	assert_true(finds(&index, 7, 2));
	hash_index_fini(&index);
}

/* Few hashes, so that chains are long, wrap around and lie in each other's way. */
static void random_inserts_and_removals_leave_what_was_not_removed(void **state)
{
	struct hash_index index = {0};
	uint64_t random = 1234567, hashes[VALUES];
	bool in[VALUES] = {false};
	uint32_t count = 0;

	for (unsigned i = 0; i < VALUES; i++)
		hashes[i] = test_random(&random) % 97 + 0xffffffd0;
	for (unsigned step = 0; step < 20000; step++) {
		uint32_t value = (uint32_t)(test_random(&random) % VALUES);

		if (in[value]) {
			hash_index_remove(&index, hashes[value], value);
			count--;
		} else {
			assert_int_equal(hash_index_reserve(&index, 1), 0);
			hash_index_insert(&index, hashes[value], value);
			count++;
		}
		in[value] = !in[value];
		assert_int_equal(index.count, count);
		for (unsigned i = step % 16; i < VALUES; i += 16)
			assert_int_equal(finds(&index, hashes[i], i), in[i]);
	}
	hash_index_fini(&index);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(removed_value_is_not_found_and_nothing_happens_twice),
		cmocka_unit_test(random_inserts_and_removals_leave_what_was_not_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
