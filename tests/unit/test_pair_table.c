/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "endpoint.h"
#include "bounds.h"
#include "pair_table.h"
#include "tables_memory.h"

#define NODES 60
#define PAIRS (NODES * NODES)

static struct reclaim reclaim;
static uint64_t seq;

static struct pair_table *create(uint32_t capacity)
{
	struct pair_table *table;

	seq = 0;
	assert_int_equal(reclaim_init(&reclaim, 1, &memory_libc), 0);
	assert_int_equal(pair_table_create(capacity, 99, &reclaim, &memory_libc, &table), 0);
	return table;
}

static void destroy(struct pair_table *table)
{
	pair_table_destroy(table);
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

/* Pair @i is from node i / NODES to node i % NODES; all else follows from @version. */
static struct fwd_pair pair_of(enum pair_half half, uint32_t i, uint32_t version)
{
	return (struct fwd_pair){
		.source = id_of(i / NODES),
		.destination = id_of(i % NODES),
		.forward = {.action = FORWARD_TUNNEL,
			.flags = half == PAIR_TX ? FORWARD_PAIR_TX : FORWARD_PAIR_RX,
			.tunnel = version,
			.node = ~version,
			.link = LINK_NONE},
		.check = {.tunnel = version * 3, .former = version * 5},
	};
}

static const struct pair_entry *lookup(const struct pair_table *table, enum pair_half half, uint32_t i)
{
	return pair_table_lookup(table, pair_key(half, id_of(i / NODES), id_of(i % NODES)));
}

static void check(const struct pair_table *table, enum pair_half half, uint32_t i, uint32_t version)
{
	const struct fwd_pair want = pair_of(half, i, version);
	const struct pair_entry *entry = lookup(table, half, i);

	assert_non_null(entry);
	assert_memory_equal(&entry->forward, &want.forward, sizeof(want.forward));
	assert_int_equal(entry->check.tunnel, want.check.tunnel);
	assert_int_equal(entry->check.former, want.check.former);
	assert_int_equal(entry->index, version);
}

static void half_is_what_the_flags_say(void **state)
{
	assert_int_equal(pair_half_of(FORWARD_PAIR_TX), PAIR_TX);
	assert_int_equal(pair_half_of(FORWARD_PAIR_TX | FORWARD_LOCAL_ROUTING), PAIR_TX);
	assert_int_equal(pair_half_of(FORWARD_PAIR_RX), PAIR_RX);
	assert_int_equal(pair_half_of(FORWARD_PAIR_RX | FORWARD_PAIR_RETURN), PAIR_RX);
	assert_int_equal(pair_half_of(0), PAIR_HALVES);
	assert_int_equal(pair_half_of(FORWARD_PAIR_TX | FORWARD_PAIR_RX), PAIR_HALVES);
	assert_int_equal(pair_half_of(FORWARD_PAIR_RETURN), PAIR_HALVES);
	assert_int_equal(pair_half_of(FORWARD_PAIR_TX | FORWARD_PAIR_RETURN), PAIR_HALVES);
}

static void halves_of_the_same_endpoints_are_independent(void **state)
{
	struct pair_table *table = create(10);
	const struct fwd_pair tx = pair_of(PAIR_TX, 1, 11), rx = pair_of(PAIR_RX, 1, 12);

	assert_int_equal(pair_table_insert(table, &tx, 11), 0);
	assert_null(lookup(table, PAIR_RX, 1));
	assert_int_equal(pair_table_insert(table, &rx, 12), 0);
	check(table, PAIR_TX, 1, 11);
	check(table, PAIR_RX, 1, 12);
	assert_null(lookup(table, PAIR_TX, NODES)); /* the other direction */
	assert_int_equal(pair_table_remove(table, &tx), 0);
	assert_null(lookup(table, PAIR_TX, 1));
	check(table, PAIR_RX, 1, 12);
	destroy(table);
}

static void no_change_without_a_reason(void **state)
{
	struct pair_table *table = create(2);
	struct fwd_pair pair = pair_of(PAIR_TX, 1, 1);
	const struct fwd_pair bad[] = {
		{.source = id_of(1), .destination = id_of(2)},
		{.source = ENDPOINT_NONE, .destination = id_of(2), .forward.flags = FORWARD_PAIR_TX},
		{.source = id_of(1), .destination = ENDPOINT_NONE, .forward.flags = FORWARD_PAIR_RX},
		{.source = id_of(1), .destination = id_of(1), .forward.flags = FORWARD_PAIR_TX},
	};

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(pair_table_insert(table, &bad[i], 0), -EINVAL);
		assert_int_equal(pair_table_replace(table, &bad[i], 0), -EINVAL);
		assert_int_equal(pair_table_remove(table, &bad[i]), -EINVAL);
	}
	assert_int_equal(pair_table_replace(table, &pair, 1), -ENOENT);
	assert_int_equal(pair_table_remove(table, &pair), -ENOENT);
	assert_true(pair_table_is_empty(table));
	assert_int_equal(pair_table_insert(table, &pair, 1), 0);
	assert_int_equal(pair_table_insert(table, &pair, 2), -EEXIST);
	check(table, PAIR_TX, 1, 1);
	assert_int_equal(pair_table_count(table), 1);
	pair = pair_of(PAIR_TX, 2, 1);
	assert_int_equal(pair_table_insert(table, &pair, 1), 0);
	pair = pair_of(PAIR_TX, 3, 1);
	assert_int_equal(pair_table_insert(table, &pair, 1), -ENOSPC);
	assert_int_equal(pair_table_count(table), 2);
	destroy(table);
}

static void table_is_empty_until_the_first_and_after_the_last_entry(void **state)
{
	struct pair_table *table = create(10);

	assert_true(pair_table_is_empty(table));
	for (uint32_t i = 1; i < 5; i++) {
		const struct fwd_pair pair = pair_of(PAIR_RX, i, i);

		assert_int_equal(pair_table_insert(table, &pair, i), 0);
		assert_false(pair_table_is_empty(table));
	}
	for (uint32_t i = 1; i < 5; i++) {
		const struct fwd_pair pair = pair_of(PAIR_RX, i, i);

		assert_false(pair_table_is_empty(table));
		assert_int_equal(pair_table_remove(table, &pair), 0);
	}
	assert_true(pair_table_is_empty(table));
	destroy(table);
}

/* A replacement is a new entry: who holds the old one goes on reading what it was. */
static void replaced_entry_stays_as_it_was_until_its_grace_period_is_over(void **state)
{
	struct pair_table *table = create(4);
	const struct fwd_pair old = pair_of(PAIR_TX, 1, 1), new = pair_of(PAIR_TX, 1, 2);
	const struct pair_entry *held;
	int error;

	assert_int_equal(reclaim_reader_register(&reclaim, 0), 0);
	reclaim_reader_online(&reclaim, 0);
	assert_int_equal(pair_table_insert(table, &old, 1), 0);
	held = lookup(table, PAIR_TX, 1);
	while ((error = pair_table_replace(table, &new, 2)) == 0) {
		reclaim_seal(&reclaim, 1);
		reclaim_poll(&reclaim);
	}
	assert_int_equal(error, -EAGAIN);
	assert_memory_equal(&held->forward, &old.forward, sizeof(old.forward));
	assert_int_equal(held->index, 1);
	check(table, PAIR_TX, 1, 2);
	destroy(table);
}

static void check_burst(const struct pair_table *table, uint64_t *random, uint16_t n)
{
	const struct pair_entry *entries[VECTOR_MAX];
	union pair_key keys[VECTOR_MAX] = {0};
	uint16_t hits;

	for (uint16_t i = 0; i < n; i++)
		keys[i] = pair_key(test_random_below(random, 2) ? PAIR_TX : PAIR_RX,
			id_of(test_random_below(random, NODES)), id_of(test_random_below(random, NODES)));
	hits = pair_table_lookup_burst(table, keys, n, entries);
	for (uint16_t i = 0; i < n; i++) {
		assert_ptr_equal(entries[i], pair_table_lookup(table, keys[i]));
		hits = (uint16_t)(hits - (entries[i] != NULL));
	}
	assert_int_equal(hits, 0);
}

static void random_changes_equal_a_plain_array_and_bursts_equal_single_lookups(void **state)
{
	enum { CAPACITY = 4000, STEPS = 200000 };
	static const uint16_t sizes[] = {0, 1, 63, 64};
	static uint32_t model[PAIR_HALVES][PAIRS]; /* version, 0: none */
	struct pair_table *table = create(CAPACITY);
	uint64_t random = 5;

	memset(model, 0, sizeof(model));
	for (uint32_t step = 1; step <= STEPS; step++) {
		uint32_t i = test_random_below(&random, PAIRS), what = test_random_below(&random, 3);
		enum pair_half half = test_random_below(&random, 2) ? PAIR_TX : PAIR_RX;
		const struct fwd_pair pair = pair_of(half, i, step);
		uint32_t *known = &model[half][i];
		int error;

		if (i / NODES == i % NODES) {
			assert_int_equal(pair_table_insert(table, &pair, step), -EINVAL);
		} else if (what == 0) {
			error = pair_table_insert(table, &pair, step);
			if (*known != 0)
				assert_int_equal(error, -EEXIST);
			else
				assert_true(error == 0 || (error == -ENOSPC && pair_table_count(table) == CAPACITY));
			if (error == 0)
				*known = step;
		} else if (what == 1) {
			assert_int_equal(pair_table_replace(table, &pair, step), *known != 0 ? 0 : -ENOENT);
			if (*known != 0)
				*known = step;
		} else {
			assert_int_equal(pair_table_remove(table, &pair), *known != 0 ? 0 : -ENOENT);
			*known = 0;
		}
		if (*known != 0)
			check(table, half, i, *known);
		else
			assert_null(lookup(table, half, i));
		settle();
		if (step % 100 == 0)
			check_burst(table, &random, sizes[step / 100 % 4]);
	}
	for (uint32_t i = 0; i < PAIRS; i++)
		for (unsigned half = 0; half < PAIR_HALVES; half++)
			if (model[half][i] != 0)
				check(table, (enum pair_half)half, i, model[half][i]);
	destroy(table);
}

static int make(struct reclaim *own, const struct memory *memory)
{
	struct pair_table *table;
	int error = pair_table_create(100, 0, own, memory, &table);

	if (error == 0)
		pair_table_destroy(table);
	return error;
}

static void creation_without_memory_leaves_nothing_behind(void **state)
{
	struct pair_table *table;

	assert_true(expect_nothing_left(make) >= 3);
	assert_int_equal(pair_table_create(0, 0, &reclaim, &memory_libc, &table), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(half_is_what_the_flags_say),
		cmocka_unit_test(halves_of_the_same_endpoints_are_independent),
		cmocka_unit_test(no_change_without_a_reason),
		cmocka_unit_test(table_is_empty_until_the_first_and_after_the_last_entry),
		cmocka_unit_test(replaced_entry_stays_as_it_was_until_its_grace_period_is_over),
		cmocka_unit_test(random_changes_equal_a_plain_array_and_bursts_equal_single_lookups),
		cmocka_unit_test(creation_without_memory_leaves_nothing_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
