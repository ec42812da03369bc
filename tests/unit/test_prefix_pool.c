/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "endpoint.h"
#include "format.h"
#include "pmip/prefix_pool.h"
#include "pmip/prefix_tree.h"

#define HOLD_MS 1000

static struct policy *policy;
static struct prefix_pools *pools;
static struct prefix_pools_config config;

static struct home_network_prefix prefix(const char *text)
{
	struct home_network_prefix parsed;

	assert_int_equal(prefix_parse(text, &parsed.prefix, &parsed.length), 0);
	return parsed;
}

static uint64_t id_of(const char *text)
{
	return endpoint_id_ipv6(prefix(text).prefix.s6_addr);
}

static struct mn_id node(const char *text)
{
	return (struct mn_id){.subtype = 1, .length = (uint8_t)strlen(text), .data = (const uint8_t *)text};
}

/* Pools: 0 a /32, 1 a /60 with one static prefix of a node in it, 2 a /64. */
static int setup(void **state)
{
	const struct home_network_prefix statics[] = {prefix("fd00:0:0:3::/64")};
	static const char *const prefixes[] = {"2001:db8::/32", "fd00::/60", "fd00:1::/64"};
	static const char *const names[] = {"huge", "small", "one"};

	policy = policy_create();
	assert_non_null(policy);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(
			policy_add_pool(policy, &(struct policy_pool){.name = names[i], .prefix = prefix(prefixes[i])}),
			0);
	assert_int_equal(policy_add_node(policy,
				 &(struct policy_node){.id = node("static"), .prefixes = statics, .prefix_count = 1}),
		0);
	config = (struct prefix_pools_config){.policy = policy, .hold_ms = HOLD_MS, .held_max = 100, .seed = 7};
	pools = prefix_pools_create(&config);
	assert_non_null(pools);
	return 0;
}

static int teardown(void **state)
{
	prefix_pools_destroy(pools);
	policy_destroy(policy);
	return 0;
}

static void again_with(uint64_t hold_ms, uint64_t restart_until_ms, uint32_t held_max)
{
	prefix_pools_destroy(pools);
	config.hold_ms = hold_ms;
	config.restart_until_ms = restart_until_ms;
	config.held_max = held_max;
	pools = prefix_pools_create(&config);
	assert_non_null(pools);
}

static uint64_t take(uint64_t now_ms, uint32_t pool, const char *mn)
{
	struct mn_id id = node(mn);
	uint64_t taken;

	assert_int_equal(prefix_pools_allocate(pools, now_ms, pool, &id, &taken), 0);
	return taken;
}

static int try_take(uint64_t now_ms, uint32_t pool, const char *mn)
{
	struct mn_id id = node(mn);
	uint64_t taken;

	return prefix_pools_allocate(pools, now_ms, pool, &id, &taken);
}

static int claim(uint32_t pool, const char *text, const char *mn)
{
	struct mn_id id = node(mn);

	return prefix_pools_claim(pools, pool, id_of(text), &id);
}

static void give_back(uint64_t now_ms, uint64_t taken, const char *mn)
{
	struct mn_id id = node(mn);

	prefix_pools_release(pools, now_ms, 0, taken, &id);
}

static void expect_usage(uint32_t pool, uint64_t used, uint64_t held, uint64_t total)
{
	uint64_t is_used, is_held, is_total;

	assert_true(prefix_pools_usage(pools, pool, &is_used, &is_held, &is_total));
	assert_int_equal(is_used, used);
	assert_int_equal(is_held, held);
	assert_int_equal(is_total, total);
}

static void every_prefix_is_handed_out_once_and_static_ones_never(void **state)
{
	uint64_t seen = 0;

	expect_usage(1, 0, 0, 15);
	for (unsigned i = 0; i < 15; i++) {
		uint64_t taken = take(0, 1, "mn");

		assert_int_equal(taken >> 4, id_of("fd00::/64") >> 4);
		assert_int_not_equal(taken, id_of("fd00:0:0:3::/64"));
		assert_int_equal(seen >> (taken & 15) & 1, 0);
		seen |= UINT64_C(1) << (taken & 15);
	}
	assert_int_equal(try_take(0, 1, "mn"), -ENOSPC);
	expect_usage(1, 15, 0, 15);
	assert_false(prefix_pools_usage(pools, 3, &seen, &seen, &seen));
	assert_int_equal(try_take(0, 3, "mn"), -ENOSPC);
	assert_int_equal(try_take(0, UINT32_MAX, "mn"), -ENOSPC);
}

static void pool_of_one_prefix_works(void **state)
{
	assert_int_equal(take(0, 2, "mn"), id_of("fd00:1::/64"));
	assert_int_equal(try_take(0, 2, "mn"), -ENOSPC);
}

static void held_prefix_goes_back_to_its_node_only(void **state)
{
	uint64_t taken = take(0, 2, "mn1");

	give_back(10, taken, "mn1");
	expect_usage(2, 0, 1, 1);
	assert_int_equal(try_take(20, 2, "mn2"), -ENOSPC);
	assert_int_equal(claim(2, "fd00:1::/64", "mn2"), -EADDRINUSE);
	assert_int_equal(take(30, 2, "mn1"), taken);
	expect_usage(2, 1, 0, 1);
	give_back(40, taken, "mn1");
	assert_int_equal(claim(2, "fd00:1::/64", "mn1"), 0);
	assert_int_equal(claim(2, "fd00:1::/64", "mn1"), -EADDRINUSE); /* it is in a binding now */
}

static void held_prefix_is_free_for_all_when_the_hold_is_over(void **state)
{
	uint64_t taken = take(0, 2, "mn1");

	give_back(10, taken, "mn1");
	assert_int_equal(prefix_pools_advance(pools, 10 + HOLD_MS - 1, 100), 10 + HOLD_MS);
	assert_int_equal(try_take(20, 2, "mn2"), -ENOSPC);
	assert_int_equal(prefix_pools_advance(pools, 10 + HOLD_MS, 100), UINT64_MAX);
	assert_int_equal(take(20, 2, "mn2"), taken);
}

/* A binding that the LMA ended by itself: its MAG may serve the node until the lifetime ends. */
static void prefix_that_a_mag_may_still_use_is_held_as_long(void **state)
{
	struct mn_id id = node("mn1");
	uint64_t taken;

	for (unsigned hold_ms = 0; hold_ms <= HOLD_MS; hold_ms += HOLD_MS) {
		again_with(hold_ms, 0, 4);
		taken = take(0, 2, "mn1");
		prefix_pools_release(pools, 10, 10 + 2 * HOLD_MS, taken, &id);
		assert_int_equal(prefix_pools_advance(pools, 10 + 2 * HOLD_MS - 1, 100), 10 + 2 * HOLD_MS);
		assert_int_equal(try_take(20, 2, "mn2"), -ENOSPC);
		prefix_pools_advance(pools, 10 + 2 * HOLD_MS, 100);
		assert_int_equal(take(20, 2, "mn2"), taken);
	}
}

static void several_held_prefixes_of_a_node_all_come_back(void **state)
{
	uint64_t taken[4], sum = 0, back = 0;

	for (unsigned i = 0; i < 4; i++) {
		taken[i] = take(0, 0, "mn1");
		sum += taken[i];
	}
	for (unsigned i = 0; i < 4; i++)
		give_back(i, taken[(i * 3) % 4], "mn1");
	for (unsigned i = 0; i < 4; i++)
		back += take(10, 0, "mn1");
	assert_int_equal(sum, back);
	expect_usage(0, 4, 0, UINT64_C(1) << 32);
}

static void long_identifiers_are_told_apart(void **state)
{
	char one[200], other[200];
	uint64_t taken;

	memset(one, 'a', sizeof(one) - 1);
	one[sizeof(one) - 1] = '\0';
	memcpy(other, one, sizeof(other));
	other[150] = 'b';
	taken = take(0, 2, one);
	give_back(0, taken, one);
	assert_int_equal(try_take(0, 2, other), -ENOSPC);
	assert_int_equal(take(0, 2, one), taken);
	give_back(0, taken, one); /* held at the end: freed with the pools */
}

static void oldest_hold_gives_way_at_the_limit(void **state)
{
	uint64_t taken[3];

	again_with(HOLD_MS, 0, 2);
	for (unsigned i = 0; i < 3; i++)
		taken[i] = take(0, 1, (const char *[]){"a", "b", "c"}[i]);
	for (unsigned i = 0; i < 3; i++)
		give_back(i, taken[i], (const char *[]){"a", "b", "c"}[i]);
	expect_usage(1, 0, 2, 15);
	assert_int_equal(take(5, 1, "c"), taken[2]);
	assert_int_equal(take(5, 1, "b"), taken[1]);
	assert_int_not_equal(take(5, 1, "a"), taken[0]); /* in turn: the next one, not the first free */
}

static void without_a_hold_prefixes_come_up_again_as_late_as_possible(void **state)
{
	uint64_t first;

	again_with(0, 0, 0);
	first = take(0, 1, "a");
	give_back(0, first, "a");
	for (unsigned i = 0; i < 14; i++) {
		uint64_t taken = take(0, 1, "b");

		assert_int_not_equal(taken, first);
	}
	assert_int_equal(take(0, 1, "c"), first);
}

/* B.10: until then nobody knows what is in use. */
static void restart_hold_allows_explicit_prefixes_only(void **state)
{
	again_with(HOLD_MS, 500, 100);
	assert_int_equal(try_take(499, 0, "mn1"), -EAGAIN);
	assert_int_equal(claim(0, "2001:db8::/64", "mn1"), 0);
	assert_int_equal(claim(0, "2001:db8::/64", "mn2"), -EADDRINUSE);
	assert_int_equal(claim(0, "2001:db9::/64", "mn2"), -ENOENT);
	assert_int_equal(claim(0, "2001:db7:ffff:ffff::/64", "mn2"), -ENOENT);
	assert_int_equal(claim(7, "2001:db8::/64", "mn2"), -ENOENT);
	give_back(400, id_of("2001:db8::/64"), "mn1");
	assert_int_equal(take(450, 0, "mn1"), id_of("2001:db8::/64")); /* its own is known */
	assert_int_equal(take(500, 0, "mn2"), id_of("2001:db8:0:1::/64"));
}

static void claimed_prefixes_are_skipped_by_allocation(void **state)
{
	assert_int_equal(claim(1, "fd00::/64", "a"), 0);
	assert_int_equal(claim(1, "fd00:0:0:1::/64", "a"), 0);
	assert_int_equal(claim(1, "fd00:0:0:2::/64", "a"), 0);
	assert_int_equal(claim(1, "fd00:0:0:3::/64", "a"), -EADDRINUSE); /* static of a node */
	assert_int_equal(take(0, 1, "b"), id_of("fd00:0:0:4::/64"));
}

static void release_of_static_and_foreign_prefixes_is_ignored(void **state)
{
	give_back(0, id_of("fd00:0:0:3::/64"), "static");
	give_back(0, id_of("2001:beef::/64"), "static");
	expect_usage(1, 0, 0, 15);
	assert_int_equal(claim(1, "fd00:0:0:3::/64", "static"), -EADDRINUSE);
}

/* ---- the tree, against a plain bitmap ---- */

#define BITS 13
#define SIZE (1u << BITS)

static uint64_t plain_find(const bool *has, uint64_t from)
{
	while (from < SIZE && has[from])
		from++;
	return from < SIZE ? from : PREFIX_TREE_NONE;
}

static void tree_behaves_like_a_bitmap(void **state)
{
	struct prefix_tree tree;
	bool *has = calloc(SIZE, sizeof(*has));
	uint64_t random = 88172645463325252;

	assert_non_null(has);
	prefix_tree_init(&tree, BITS);
	for (unsigned phase = 0; phase < 4; phase++) { /* filling and emptying in turn */
		for (unsigned i = 0; i < 20000; i++) {
			uint64_t at = test_random(&random) % SIZE, from = test_random(&random) % SIZE;

			if ((test_random(&random) % 8 != 0) == (phase % 2 == 0)) {
				assert_int_equal(prefix_tree_set(&tree, at), has[at] ? -EEXIST : 0);
				has[at] = true;
			} else {
				prefix_tree_clear(&tree, at);
				has[at] = false;
			}
			assert_int_equal(prefix_tree_has(&tree, at), has[at]);
			assert_int_equal(prefix_tree_find_free(&tree, from), plain_find(has, from));
		}
	}
	for (unsigned i = 0; i < SIZE; i++)
		prefix_tree_set(&tree, i);
	assert_int_equal(tree.count, SIZE);
	assert_int_equal(prefix_tree_find_free(&tree, 0), PREFIX_TREE_NONE);
	prefix_tree_clear(&tree, SIZE - 1);
	assert_int_equal(prefix_tree_find_free(&tree, 0), SIZE - 1);
	for (unsigned i = 0; i < SIZE; i++)
		prefix_tree_clear(&tree, i);
	assert_int_equal(tree.nodes, 0);
	assert_int_equal(tree.count, 0);
	prefix_tree_fini(&tree);
	free(has);
}

static void tree_of_every_size_knows_its_last_position(void **state)
{
	for (unsigned bits = 0; bits <= 61; bits++) {
		struct prefix_tree tree;
		uint64_t last = (UINT64_C(1) << bits) - 1;

		prefix_tree_init(&tree, bits);
		assert_int_equal(prefix_tree_find_free(&tree, last), last);
		assert_int_equal(prefix_tree_find_free(&tree, last + 1), PREFIX_TREE_NONE);
		assert_int_equal(prefix_tree_set(&tree, last), 0);
		assert_true(prefix_tree_has(&tree, last));
		assert_int_equal(prefix_tree_find_free(&tree, last), PREFIX_TREE_NONE);
		assert_int_equal(prefix_tree_find_free(&tree, 0), bits == 0 ? PREFIX_TREE_NONE : 0);
		prefix_tree_clear(&tree, last);
		assert_int_equal(tree.nodes, 0);
		assert_int_equal(prefix_tree_set(&tree, last / 2), 0);
		prefix_tree_fini(&tree);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_prefix_is_handed_out_once_and_static_ones_never),
		TEST(pool_of_one_prefix_works),
		TEST(held_prefix_goes_back_to_its_node_only),
		TEST(held_prefix_is_free_for_all_when_the_hold_is_over),
		TEST(prefix_that_a_mag_may_still_use_is_held_as_long),
		TEST(several_held_prefixes_of_a_node_all_come_back),
		TEST(long_identifiers_are_told_apart),
		TEST(oldest_hold_gives_way_at_the_limit),
		TEST(without_a_hold_prefixes_come_up_again_as_late_as_possible),
		TEST(restart_hold_allows_explicit_prefixes_only),
		TEST(claimed_prefixes_are_skipped_by_allocation),
		TEST(release_of_static_and_foreign_prefixes_is_ignored),
		cmocka_unit_test(tree_behaves_like_a_bitmap),
		cmocka_unit_test(tree_of_every_size_knows_its_last_position),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
