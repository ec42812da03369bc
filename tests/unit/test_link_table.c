/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "bounds.h"
#include "link_table.h"

static struct reclaim reclaim;

static struct link_table *create(uint32_t capacity)
{
	struct link_table *table;

	assert_int_equal(reclaim_init(&reclaim, 1, &memory_libc), 0);
	assert_int_equal(link_table_create(capacity, 5, &reclaim, &memory_libc, &table), 0);
	return table;
}

static void destroy(struct link_table *table)
{
	link_table_destroy(table);
	reclaim_fini(&reclaim);
}

static uint64_t key_of(uint32_t i)
{
	const uint8_t mac[6] = {2, 0, 0, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i};

	return link_key((uint16_t)(i % 3), mac);
}

static void key_keeps_link_and_address_apart(void **state)
{
	const uint8_t mac[6] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab};

	assert_int_equal(link_key(0xfedc, mac), UINT64_C(0xfedc0123456789ab));
	assert_int_equal(link_key(0, mac), UINT64_C(0x00000123456789ab));
}

static void same_address_on_another_link_is_another_node(void **state)
{
	const uint8_t mac[6] = {2, 0, 0, 0, 0, 1};
	struct link_table *table = create(10);

	assert_int_equal(link_table_insert(table, link_key(0, mac), 11, LINK_KNOWN), 0);
	assert_int_equal(link_table_insert(table, link_key(1, mac), 12, LINK_REFUSED), 0);
	assert_int_equal(link_table_lookup(table, link_key(0, mac))->node, 11);
	assert_int_equal(link_table_lookup(table, link_key(1, mac))->node, 12);
	assert_null(link_table_lookup(table, link_key(2, mac)));
	assert_int_equal(link_table_remove(table, link_key(0, mac)), 0);
	assert_int_equal(link_table_remove(table, link_key(0, mac)), -ENOENT);
	assert_null(link_table_lookup(table, link_key(0, mac)));
	assert_int_equal(link_table_lookup(table, link_key(1, mac))->state, LINK_REFUSED);
	destroy(table);
}

static void insert_of_a_known_address_changes_its_state(void **state)
{
	struct link_table *table = create(1);
	const struct link_entry *held;

	assert_int_equal(link_table_insert(table, key_of(1), 7, LINK_PENDING), 0);
	held = link_table_lookup(table, key_of(1));
	assert_int_equal(link_table_insert(table, key_of(1), 7, LINK_KNOWN), 0);
	assert_int_equal(held->state, LINK_PENDING);
	assert_int_equal(link_table_lookup(table, key_of(1))->state, LINK_KNOWN);
	assert_int_equal(link_table_count(table), 1);
	assert_int_equal(reclaim_waiting(&reclaim), 1);
	assert_int_equal(link_table_insert(table, key_of(2), 8, LINK_KNOWN), -ENOSPC);
	assert_null(link_table_lookup(table, key_of(2)));
	destroy(table);
}

static void random_changes_equal_a_plain_array_and_bursts_equal_single_lookups(void **state)
{
	enum { KEYS = 500, STEPS = 50000 };
	static const uint16_t sizes[] = {1, 63, 64};
	struct link_table *table = create(KEYS);
	uint32_t nodes[KEYS] = {0}; /* 0: not in */
	uint64_t random = 77;

	for (uint32_t step = 1; step <= STEPS; step++) {
		uint32_t i = test_random_below(&random, KEYS);
		const struct link_entry *entry;

		if (test_random_below(&random, 2) != 0) {
			assert_int_equal(link_table_insert(table, key_of(i), step, step % LINK_STATE_COUNT), 0);
			nodes[i] = step;
		} else {
			assert_int_equal(link_table_remove(table, key_of(i)), nodes[i] != 0 ? 0 : -ENOENT);
			nodes[i] = 0;
		}
		reclaim_seal(&reclaim, step);
		reclaim_poll(&reclaim);
		entry = link_table_lookup(table, key_of(i));
		assert_int_equal(entry != NULL ? entry->node : 0, nodes[i]);
		if (entry != NULL)
			assert_int_equal(entry->state, step % LINK_STATE_COUNT);
		if (step % 50 == 0) {
			const struct link_entry *entries[VECTOR_MAX];
			uint64_t keys[VECTOR_MAX];
			uint16_t n = sizes[step / 50 % 3], hits;

			for (uint16_t k = 0; k < n; k++)
				keys[k] = key_of((i + k) % (KEYS + 20));
			hits = link_table_lookup_burst(table, keys, n, entries);
			for (uint16_t k = 0; k < n; k++) {
				assert_ptr_equal(entries[k], link_table_lookup(table, keys[k]));
				hits = (uint16_t)(hits - (entries[k] != NULL));
			}
			assert_int_equal(hits, 0);
		}
	}
	destroy(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(key_keeps_link_and_address_apart),
		cmocka_unit_test(same_address_on_another_link_is_another_node),
		cmocka_unit_test(insert_of_a_known_address_changes_its_state),
		cmocka_unit_test(random_changes_equal_a_plain_array_and_bursts_equal_single_lookups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
