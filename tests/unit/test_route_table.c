/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "bounds.h"
#include "route_table.h"

static struct reclaim reclaim;
static struct route_table *table;

static int set_up(void **state)
{
	assert_int_equal(reclaim_init(&reclaim, 1, &memory_libc), 0);
	assert_int_equal(route_table_create(300, 5, &reclaim, &memory_libc, &table), 0);
	return 0;
}

static int tear_down(void **state)
{
	route_table_destroy(table);
	reclaim_fini(&reclaim);
	return 0;
}

static struct in6_addr address(const char *text)
{
	struct in6_addr address;

	assert_int_equal(inet_pton(AF_INET6, text, &address), 1);
	return address;
}

static int insert(const char *prefix, uint8_t length, uint32_t next_hop)
{
	struct in6_addr parsed = address(prefix);

	return route_table_insert(table, &parsed, length, next_hop, NULL);
}

static int remove_route(const char *prefix, uint8_t length, uint32_t *old)
{
	struct in6_addr parsed = address(prefix);

	return route_table_remove(table, &parsed, length, old);
}

static uint32_t lookup(const char *destination)
{
	struct in6_addr parsed = address(destination);

	return route_table_lookup(table, &parsed);
}

static void longest_prefix_wins(void **state)
{
	assert_int_equal(lookup("2001:db8::1"), ROUTE_NONE);
	assert_int_equal(insert("::", 0, 1), 0);
	assert_int_equal(insert("2001:db8::", 32, 2), 0);
	assert_int_equal(insert("2001:db8:0:1::", 64, ROUTE_LOCAL | 3), 0);
	assert_int_equal(insert("2001:db8:0:1::80", 121, 4), 0);
	assert_int_equal(insert("2001:db8:0:1::ff", 128, 5), 0);
	assert_int_equal(lookup("3001::1"), 1);
	assert_int_equal(lookup("2001:db8:ffff::1"), 2);
	assert_int_equal(lookup("2001:db8:0:1::1"), ROUTE_LOCAL | 3);
	assert_true(route_is_local(lookup("2001:db8:0:1::1")));
	assert_int_equal(route_local_port(lookup("2001:db8:0:1::1")), 3);
	assert_int_equal(lookup("2001:db8:0:1::81"), 4);
	assert_int_equal(lookup("2001:db8:0:1::ff"), 5);
	assert_int_equal(lookup("2001:db8:0:1::fe"), 4);
	assert_int_equal(remove_route("2001:db8:0:1::ff", 128, NULL), 0);
	assert_int_equal(lookup("2001:db8:0:1::ff"), 4);
	assert_int_equal(remove_route("::", 0, NULL), 0);
	assert_int_equal(lookup("3001::1"), ROUTE_NONE);
}

static void replaced_route_tells_what_it_replaced(void **state)
{
	struct in6_addr prefix = address("2001:db8::");
	uint32_t old = 77;

	assert_int_equal(route_table_insert(table, &prefix, 32, 1, &old), 0);
	assert_int_equal(old, ROUTE_NONE);
	assert_int_equal(route_table_insert(table, &prefix, 32, 2, &old), 0);
	assert_int_equal(old, 1);
	assert_int_equal(route_table_count(table), 1);
	assert_int_equal(route_table_remove(table, &prefix, 32, &old), 0);
	assert_int_equal(old, 2);
	assert_int_equal(route_table_remove(table, &prefix, 32, &old), -ENOENT);
}

static void malformed_route_is_refused(void **state)
{
	assert_int_equal(insert("2001:db8::1", 32, 1), -EINVAL);
	assert_int_equal(insert("8000::", 0, 1), -EINVAL);
	assert_int_equal(insert("::1", 127, 1), -EINVAL);
	assert_int_equal(insert("::", 129, 1), -EINVAL);
	assert_int_equal(insert("::", 0, ROUTE_NONE), -EINVAL);
	assert_int_equal(insert("::", 0, ROUTE_LOCAL | 0x10000), -EINVAL);
	assert_int_equal(remove_route("2001:db8::1", 32, NULL), -EINVAL);
	assert_int_equal(remove_route("::", 255, NULL), -EINVAL);
	assert_int_equal(route_table_count(table), 0);
	assert_int_equal(insert("::", 0, ROUTE_NEXT_HOP_MAX), 0);
	assert_int_equal(insert("::1", 128, ROUTE_LOCAL | 0xffff), 0);
	assert_int_equal(lookup("::1"), ROUTE_LOCAL | 0xffff);
	assert_int_equal(lookup("::2"), ROUTE_NEXT_HOP_MAX);
}

static void full_table_refuses_new_routes_and_replaces_old_ones(void **state)
{
	struct in6_addr prefix = address("2001:db8::");

	for (unsigned i = 0; i < 300; i++) {
		prefix.s6_addr[4] = (uint8_t)(i >> 8);
		prefix.s6_addr[5] = (uint8_t)i;
		assert_int_equal(route_table_insert(table, &prefix, 48, i, NULL), 0);
	}
	assert_int_equal(insert("::", 0, 1), -ENOSPC);
	assert_int_equal(lookup("3001::1"), ROUTE_NONE);
	assert_int_equal(insert("2001:db8:0007::", 48, 1007), 0);
	assert_int_equal(lookup("2001:db8:7::1"), 1007);
}

struct model_route {
	struct in6_addr prefix;
	uint32_t next_hop;
	uint8_t length;
	bool live;
};

static bool covers(const struct model_route *route, const struct in6_addr *destination)
{
	for (unsigned bit = 0; bit < route->length; bit++) {
		if ((route->prefix.s6_addr[bit / 8] ^ destination->s6_addr[bit / 8]) >> (7 - bit % 8) & 1)
			return false;
	}
	return true;
}

static uint32_t model_lookup(const struct model_route *routes, unsigned n, const struct in6_addr *destination)
{
	const struct model_route *best = NULL;

	for (unsigned i = 0; i < n; i++) {
		if (routes[i].live && (best == NULL || routes[i].length > best->length) &&
			covers(&routes[i], destination))
			best = &routes[i];
	}
	return best != NULL ? best->next_hop : ROUTE_NONE;
}

/* Addresses that differ in few bits, so that prefixes nest. */
static struct in6_addr random_address(uint64_t *random)
{
	struct in6_addr chosen = {.s6_addr = {0x20, 0x01}};

	for (unsigned i = 2; i < 16; i++)
		chosen.s6_addr[i] =
			test_random_below(random, 4) == 0 ? (uint8_t)(1u << test_random_below(random, 8)) : 0;
	return chosen;
}

static void random_routes_equal_a_walk_over_all_and_bursts_equal_single_lookups(void **state)
{
	enum { ROUTES = 200, STEPS = 3000 };
	static const uint16_t sizes[] = {1, 63, 64};
	static struct model_route routes[ROUTES];
	uint64_t random = 11;

	memset(routes, 0, sizeof(routes));
	for (uint32_t step = 1; step <= STEPS; step++) {
		struct model_route *route = &routes[test_random_below(&random, ROUTES)];
		struct in6_addr destinations[VECTOR_MAX];
		const uint8_t *pointers[VECTOR_MAX];
		uint32_t next_hops[VECTOR_MAX];
		uint16_t n = sizes[step % 3], found = 0;

		if (route->live) {
			uint32_t old;

			assert_int_equal(route_table_remove(table, &route->prefix, route->length, &old), 0);
			assert_int_equal(old, route->next_hop);
			route->live = false;
		} else {
			struct model_route new = {
				random_address(&random), step, (uint8_t)test_random_below(&random, 129), true};
			bool taken = false;

			for (unsigned bit = new.length; bit < 128; bit++)
				new.prefix.s6_addr[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
			for (unsigned i = 0; i < ROUTES; i++)
				taken |= routes[i].live &&
					 routes[i].length == new.length &&memcmp(&routes[i].prefix, &new.prefix, 16) ==
						 0;
			if (!taken) {
				assert_int_equal(route_table_insert(table, &new.prefix, new.length, step, NULL), 0);
				*route = new;
			}
		}
		reclaim_seal(&reclaim, step);
		reclaim_poll(&reclaim);
		for (uint16_t i = 0; i < n; i++) {
			destinations[i] = random_address(&random);
			pointers[i] = destinations[i].s6_addr;
		}
		found = route_table_lookup_burst(table, pointers, n, next_hops);
		for (uint16_t i = 0; i < n; i++) {
			assert_int_equal(next_hops[i], model_lookup(routes, ROUTES, &destinations[i]));
			assert_int_equal(next_hops[i], route_table_lookup(table, &destinations[i]));
			found = (uint16_t)(found - (next_hops[i] != ROUTE_NONE));
		}
		assert_int_equal(found, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(longest_prefix_wins, set_up, tear_down),
		cmocka_unit_test_setup_teardown(replaced_route_tells_what_it_replaced, set_up, tear_down),
		cmocka_unit_test_setup_teardown(malformed_route_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(full_table_refuses_new_routes_and_replaces_old_ones, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			random_routes_equal_a_walk_over_all_and_bursts_equal_single_lookups, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
