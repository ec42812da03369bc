/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include <errno.h>

#include "tables.h"
#include "tables_memory.h"

static const struct tables_config config = {
	.endpoints_max = 100,
	.links_max = 100,
	.pairs_max = 100,
	.tunnels_max = 10,
	.neighbours_max = 10,
	.routes_max = 10,
	.readers_max = 2,
};

static int make(struct reclaim *reclaim, const struct memory *memory)
{
	struct tables *tables;
	int error = tables_create(&config, memory, &tables);

	(void)reclaim; /* they have their own */
	if (error == 0)
		tables_destroy(tables);
	return error;
}

static void creation_without_memory_leaves_nothing_behind(void **state)
{
	assert_true(expect_nothing_left(make) > 0);
}

static void anchor_has_no_tables_of_links_and_pairs(void **state)
{
	struct tables_config anchor = config;
	struct tables *tables;

	anchor.links_max = anchor.pairs_max = 0;
	assert_int_equal(tables_create(&anchor, &memory_libc, &tables), 0);
	assert_null(tables->links);
	assert_null(tables->pairs);
	tables_destroy(tables);
	assert_true(tables_memory_bytes(&anchor) < tables_memory_bytes(&config));
}

static void sizes_that_cannot_be_are_refused(void **state)
{
	struct tables_config bad = config;
	struct tables *tables;

	bad.tunnels_max = 0;
	assert_int_equal(tables_create(&bad, &memory_libc, &tables), -EINVAL);
	bad = config;
	bad.neighbours_max = ROUTE_NEXT_HOP_MAX + 1;
	assert_int_equal(tables_create(&bad, &memory_libc, &tables), -EINVAL);
}

static size_t asked_bytes;

static void *measuring_alloc(const struct memory *memory, size_t size, size_t align)
{
	asked_bytes += size;
	return memory_libc.alloc(&memory_libc, size, align);
}

static void measuring_free(const struct memory *memory, void *block)
{
	memory_libc.free(&memory_libc, block);
}

/* Start-up reserves what is told before: never less than is then taken, and not much more. */
static void told_memory_is_what_is_taken(void **state)
{
	const struct memory measuring = {measuring_alloc, measuring_free, -1};
	struct tables *tables;
	uint64_t told = tables_memory_bytes(&config);

	asked_bytes = 0;
	assert_int_equal(tables_create(&config, &measuring, &tables), 0);
	assert_true(told >= asked_bytes);
	assert_true(told < asked_bytes + asked_bytes / 10);
	tables_destroy(tables);
}

/* Forwarding side of a binding: at most 128 octets. */
static void million_endpoints_take_at_most_64_octets_each(void **state)
{
	assert_true(endpoint_table_memory_bytes(1000000) <= 64 * UINT64_C(1000000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(creation_without_memory_leaves_nothing_behind),
		cmocka_unit_test(anchor_has_no_tables_of_links_and_pairs),
		cmocka_unit_test(sizes_that_cannot_be_are_refused),
		cmocka_unit_test(told_memory_is_what_is_taken),
		cmocka_unit_test(million_endpoints_take_at_most_64_octets_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
