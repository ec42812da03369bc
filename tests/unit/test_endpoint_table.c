/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "endpoint.h"
#include "endpoint_table.h"
#include "bounds.h"
#include "tables_memory.h"

static struct reclaim reclaim;
static uint64_t seq;

static struct endpoint_table *create(uint32_t capacity)
{
	struct endpoint_table *table;

	seq = 0;
	assert_int_equal(reclaim_init(&reclaim, 1, &memory_libc), 0);
	assert_int_equal(endpoint_table_create(capacity, 99, &reclaim, &memory_libc, &table), 0);
	return table;
}

static void destroy(struct endpoint_table *table)
{
	endpoint_table_destroy(table);
	reclaim_fini(&reclaim);
}

/* No reader: a grace period is over at once. */
static void settle(void)
{
	reclaim_seal(&reclaim, ++seq);
	assert_int_equal(reclaim_poll(&reclaim), seq);
}

static uint64_t id_of(uint32_t i)
{
	return UINT64_C(0x20010db800010000) + i;
}

static struct forward forward_of(uint32_t i)
{
	return (struct forward){
		.action = FORWARD_TUNNEL, .tunnel = i, .node = ~i, .generation = i * 3, .link = LINK_NONE};
}

static void check(const struct endpoint_table *table, uint32_t i, const struct forward *want)
{
	const struct forward *got = endpoint_table_lookup(table, id_of(i));

	if (want->action == FORWARD_NONE)
		assert_int_equal(got->action, FORWARD_NONE);
	else
		assert_memory_equal(got, want, sizeof(*want));
}

static void miss_is_a_forward_that_says_none(void **state)
{
	struct endpoint_table *table = create(10);
	const struct forward *forward = endpoint_table_lookup(table, id_of(1));
	const uint64_t ids[2] = {id_of(1), ENDPOINT_NONE};
	const struct forward *burst[2] = {NULL, NULL};

	assert_int_equal(forward->action, FORWARD_NONE);
	assert_int_equal(forward->tunnel, INDEX_NONE);
	assert_int_equal(forward->link, LINK_NONE);
	assert_int_equal(endpoint_table_lookup_burst(table, ids, 2, burst), 0);
	assert_int_equal(burst[0]->action, FORWARD_NONE);
	assert_int_equal(burst[1]->action, FORWARD_NONE);
	destroy(table);
}

static void no_change_without_a_reason(void **state)
{
	struct endpoint_table *table = create(2);
	const struct forward one = forward_of(1), two = forward_of(2);

	assert_int_equal(endpoint_table_insert(table, ENDPOINT_NONE, &one), -EINVAL);
	assert_int_equal(endpoint_table_replace(table, id_of(1), &one), -ENOENT);
	assert_int_equal(endpoint_table_remove(table, id_of(1)), -ENOENT);
	assert_int_equal(endpoint_table_insert(table, id_of(1), &one), 0);
	assert_int_equal(endpoint_table_insert(table, id_of(1), &two), -EEXIST);
	check(table, 1, &one);
	assert_int_equal(endpoint_table_replace(table, id_of(2), &two), -ENOENT);
	assert_int_equal(endpoint_table_remove(table, id_of(2)), -ENOENT);
	assert_int_equal(endpoint_table_count(table), 1);
	assert_int_equal(reclaim_waiting(&reclaim), 0);
	destroy(table);
}

static void full_table_refuses_and_takes_again_after_a_removal(void **state)
{
	enum { CAPACITY = 1000 };
	struct endpoint_table *table = create(CAPACITY);
	struct forward forward;

	for (uint32_t i = 0; i < CAPACITY; i++) {
		forward = forward_of(i);
		assert_int_equal(endpoint_table_insert(table, id_of(i), &forward), 0);
	}
	forward = forward_of(CAPACITY);
	assert_int_equal(endpoint_table_insert(table, id_of(CAPACITY), &forward), -ENOSPC);
	assert_int_equal(endpoint_table_count(table), CAPACITY);
	for (uint32_t i = 0; i < CAPACITY; i++) {
		forward = forward_of(i);
		check(table, i, &forward);
	}
	forward = forward_of(7777);
	assert_int_equal(endpoint_table_replace(table, id_of(3), &forward), 0);
	check(table, 3, &forward);
	assert_int_equal(endpoint_table_remove(table, id_of(4)), 0);
	assert_int_equal(endpoint_table_insert(table, id_of(CAPACITY), &forward), 0);
	destroy(table);
}

/* A replacement is a new entry: who holds the old one goes on reading what it was. */
static void replaced_entry_stays_as_it_was_until_its_grace_period_is_over(void **state)
{
	struct endpoint_table *table = create(4);
	const struct forward old = forward_of(1), new = forward_of(2);
	const struct forward *held;

	assert_int_equal(reclaim_reader_register(&reclaim, 0), 0);
	reclaim_reader_online(&reclaim, 0);
	assert_int_equal(endpoint_table_insert(table, id_of(1), &old), 0);
	held = endpoint_table_lookup(table, id_of(1));
	assert_int_equal(endpoint_table_replace(table, id_of(1), &new), 0);
	reclaim_seal(&reclaim, 1);
	reclaim_poll(&reclaim);
	while (endpoint_table_replace(table, id_of(1), &new) == 0) {
		reclaim_seal(&reclaim, 1);
		reclaim_poll(&reclaim);
	}
	assert_memory_equal(held, &old, sizeof(old));
	check(table, 1, &new);
	destroy(table);
}

static void change_without_a_spare_entry_is_to_be_tried_again(void **state)
{
	struct endpoint_table *table = create(4);
	const struct forward forward = forward_of(1);
	int error;

	assert_int_equal(reclaim_reader_register(&reclaim, 0), 0);
	reclaim_reader_online(&reclaim, 0);
	assert_int_equal(endpoint_table_insert(table, id_of(1), &forward), 0);
	while ((error = endpoint_table_replace(table, id_of(1), &forward)) == 0)
		;
	assert_int_equal(error, -EAGAIN);
	assert_int_equal(endpoint_table_insert(table, id_of(2), &forward), -EAGAIN);
	assert_int_equal(endpoint_table_replace(table, id_of(2), &forward), -ENOENT);
	check(table, 1, &forward);
	reclaim_seal(&reclaim, 1);
	reclaim_reader_quiescent(&reclaim, 0);
	assert_int_equal(reclaim_poll(&reclaim), 1);
	assert_int_equal(endpoint_table_replace(table, id_of(1), &forward), 0);
	assert_int_equal(endpoint_table_insert(table, id_of(2), &forward), 0);
	destroy(table);
}

static void check_burst(const struct endpoint_table *table, uint32_t from, uint16_t n)
{
	uint64_t ids[VECTOR_MAX] = {0};
	const struct forward *forwards[VECTOR_MAX];
	uint16_t hits = 0;

	for (uint16_t i = 0; i < n; i++)
		ids[i] = id_of(from + i);
	hits = endpoint_table_lookup_burst(table, ids, n, forwards);
	for (uint16_t i = 0; i < n; i++) {
		assert_ptr_equal(forwards[i], endpoint_table_lookup(table, ids[i]));
		hits = (uint16_t)(hits - (forwards[i]->action != FORWARD_NONE));
	}
	assert_int_equal(hits, 0);
}

static void random_changes_equal_a_plain_array_and_bursts_equal_single_lookups(void **state)
{
	enum { IDS = 3000, CAPACITY = 2000, STEPS = 200000 };
	static const uint16_t sizes[] = {0, 1, 63, 64};
	static struct forward model[IDS];
	struct endpoint_table *table = create(CAPACITY);
	uint64_t random = 5;

	memset(model, 0, sizeof(model));
	for (uint32_t step = 0; step < STEPS; step++) {
		uint32_t i = test_random_below(&random, IDS), what = test_random_below(&random, 3);
		const struct forward forward = forward_of(step);
		bool known = model[i].action != FORWARD_NONE;
		int error;

		if (what == 0) {
			error = endpoint_table_insert(table, id_of(i), &forward);
			if (known)
				assert_int_equal(error, -EEXIST);
			else
				assert_true(
					error == 0 || (error == -ENOSPC && endpoint_table_count(table) == CAPACITY));
			if (error == 0)
				model[i] = forward;
		} else if (what == 1) {
			assert_int_equal(endpoint_table_replace(table, id_of(i), &forward), known ? 0 : -ENOENT);
			if (known)
				model[i] = forward;
		} else {
			assert_int_equal(endpoint_table_remove(table, id_of(i)), known ? 0 : -ENOENT);
			model[i].action = FORWARD_NONE;
		}
		check(table, i, &model[i]);
		settle();
		if (step % 100 == 0)
			check_burst(table, test_random_below(&random, IDS), sizes[step / 100 % 4]);
	}
	for (uint32_t i = 0; i < IDS; i++)
		check(table, i, &model[i]);
	destroy(table);
}

static int make(struct reclaim *own, const struct memory *memory)
{
	struct endpoint_table *table;
	int error = endpoint_table_create(100, 0, own, memory, &table);

	if (error == 0)
		endpoint_table_destroy(table);
	return error;
}

static void creation_without_memory_leaves_nothing_behind(void **state)
{
	struct endpoint_table *table;

	assert_true(expect_nothing_left(make) >= 3);
	assert_int_equal(endpoint_table_create(0, 0, &reclaim, &memory_libc, &table), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(miss_is_a_forward_that_says_none),
		cmocka_unit_test(no_change_without_a_reason),
		cmocka_unit_test(full_table_refuses_and_takes_again_after_a_removal),
		cmocka_unit_test(replaced_entry_stays_as_it_was_until_its_grace_period_is_over),
		cmocka_unit_test(change_without_a_spare_entry_is_to_be_tried_again),
		cmocka_unit_test(random_changes_equal_a_plain_array_and_bursts_equal_single_lookups),
		cmocka_unit_test(creation_without_memory_leaves_nothing_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
