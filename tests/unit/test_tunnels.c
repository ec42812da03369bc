/* SPDX-License-Identifier: BSD-3-Clause */
#include "fake_host.h"
#include "unit.h"

#include <string.h>

#include "pmip/tunnels.h"

#define MANY 500

static struct fake_host fake;
static struct tunnels *tunnels;

static struct in6_addr remote(unsigned i)
{
	return (struct in6_addr){.s6_addr = {0x20, 0x01, 0x0d, 0xb8, [14] = (uint8_t)(i >> 8), [15] = (uint8_t)i}};
}

static int setup(void **state)
{
	struct fwd_tunnel shape = {.local = remote(9999), .mtu_bytes = 1460, .use = TUNNEL_TO_MAG, .hop_limit = 64};

	fake_host_init(&fake);
	tunnels = tunnels_create(&fake.host, &shape, MANY);
	assert_non_null(tunnels);
	return 0;
}

static int teardown(void **state)
{
	tunnels_destroy(tunnels);
	fake_host_fini(&fake);
	return 0;
}

static uint32_t acquire(unsigned i)
{
	struct in6_addr to = remote(i);
	uint32_t index = tunnels_acquire(tunnels, &to);

	fake.host.ops->commit(&fake.host, 0, 0);
	fake_host_run(&fake);
	return index;
}

static void release(uint32_t index)
{
	tunnels_release(tunnels, index);
	fake.host.ops->commit(&fake.host, 0, 0);
	fake_host_run(&fake);
}

static void tunnel_lives_from_its_first_to_its_last_user(void **state)
{
	uint32_t index = acquire(1);
	struct tunnel_view view;
	struct in6_addr to = remote(1), local = remote(9999);

	assert_int_equal(acquire(1), index);
	assert_int_equal(fake.update_count, 1);
	assert_int_equal(fake.updates[0].op, FWD_OP_tunnel_insert);
	assert_int_equal(fake.updates[0].index, index);
	assert_memory_equal(&fake.updates[0].body.tunnel.remote, &to, sizeof(to));
	assert_memory_equal(&fake.updates[0].body.tunnel.local, &local, sizeof(local));
	assert_int_equal(fake.updates[0].body.tunnel.mtu_bytes, 1460);
	assert_int_equal(fake.updates[0].body.tunnel.descriptor, INDEX_NONE);
	assert_true(tunnels_next(tunnels, 0, &view));
	assert_int_equal(view.users, 2);
	assert_memory_equal(&view.local, &local, sizeof(local));
	release(index);
	assert_int_equal(fake.update_count, 1);
	assert_int_equal(tunnels_find(tunnels, &to), index);
	release(index);
	assert_int_equal(fake.updates[1].op, FWD_OP_tunnel_remove);
	assert_int_equal(tunnels_find(tunnels, &to), INDEX_NONE);
	assert_int_equal(tunnels_count(tunnels), 0);
	assert_int_equal(fake_host_indexes(&fake, INDEX_TUNNEL), 0);
}

static void each_remote_has_a_tunnel_of_its_own_up_to_the_limit(void **state)
{
	uint32_t index[MANY];
	struct tunnel_view view;
	unsigned seen = 0;

	for (unsigned i = 0; i < MANY; i++) {
		index[i] = acquire(i);
		assert_int_not_equal(index[i], INDEX_NONE);
	}
	assert_int_equal(acquire(MANY), INDEX_NONE);
	assert_int_equal(acquire(0), index[0]); /* one that exists costs nothing */
	release(index[0]);
	for (uint32_t at = 0; tunnels_next(tunnels, at, &view); at = view.index + 1)
		seen++;
	assert_int_equal(seen, MANY);
	for (unsigned i = 0; i < MANY; i++) {
		struct in6_addr to = remote(i);

		assert_int_equal(tunnels_find(tunnels, &to), index[i]);
		release(index[i]);
	}
	assert_int_equal(fake.tunnel_count, 0);
}

static void without_an_index_there_is_no_tunnel(void **state)
{
	fake.index_limit[INDEX_TUNNEL] = 1;
	assert_int_equal(acquire(1), 0);
	assert_int_equal(acquire(2), INDEX_NONE);
	assert_int_equal(tunnels_count(tunnels), 1);
	release(0);
	assert_int_equal(acquire(2), 0);
	release(0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(tunnel_lives_from_its_first_to_its_last_user),
		TEST(each_remote_has_a_tunnel_of_its_own_up_to_the_limit),
		TEST(without_an_index_there_is_no_tunnel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
