/* SPDX-License-Identifier: BSD-3-Clause */
/* The proxy-CoA of before a handover is a way in for a while (wire-formats G.6.2). */
#include "lma_world.h"

#include <errno.h>
#include <string.h>

#include "endpoint.h"
#include "pmip/lma_internal.h"
#include "ro/sessions.h"

#define MN        "mn1@example.com"
#define LINGER_MS 20000

static struct lma_world world;

static void lingers(struct lma_config *config)
{
	config->former_linger_ms = LINGER_MS;
}

static int setup(void **state)
{
	(void)state;
	world_init(&world, lingers);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_fini(&world);
	return 0;
}

static uint64_t endpoint_of(const struct pba *pba, unsigned i)
{
	return endpoint_id_ipv6(pba->options.prefixes[i].prefix.s6_addr);
}

static struct pba move_to(const char *mn, const struct pba *granted, int mag)
{
	struct pbu pbu = world_pbu_again(&world, mn, mag, granted, 225);

	pbu.indicator = HI_BETWEEN_MAGS;
	return world_ask(&world, &pbu);
}

static void expect_way(uint32_t tunnel, int mag)
{
	assert_true(world.fake.has_tunnel[tunnel]);
	assert_memory_equal(&world.fake.tunnels[tunnel].remote, &mag_addresses[mag], sizeof(struct in6_addr));
}

/* Its packets go to @mag and come from there or, unless -1, from @former. */
static void expect_ways(uint64_t endpoint, int mag, int former)
{
	const struct forward *forward = fake_host_endpoint(&world.fake, endpoint);

	assert_non_null(forward);
	assert_int_equal(forward->flags, former >= 0 ? FORWARD_FORMER : 0);
	expect_way(forward->tunnel, mag);
	if (former >= 0)
		expect_way(forward->former, former);
}

static void former_mag_is_a_way_in_from_the_handover_until_its_time_is_over(void **state)
{
	struct pba granted = world_register(&world, MN, MAG1);
	uint64_t endpoint = endpoint_of(&granted, 0);

	(void)state;
	expect_ways(endpoint, MAG1, -1);
	assert_int_equal(move_to(MN, &granted, MAG2).status, MH_STATUS_ACCEPTED);
	expect_ways(endpoint, MAG2, MAG1);
	assert_int_equal(world.fake.tunnel_count, 2);
	world_advance(&world, LINGER_MS - 1);
	expect_ways(endpoint, MAG2, MAG1);
	world_advance(&world, 2);
	expect_ways(endpoint, MAG2, -1);
	assert_int_equal(world.fake.tunnel_count, 1);
	assert_int_equal(fake_host_indexes(&world.fake, INDEX_TUNNEL), 1);
}

static void only_the_last_one_counts(void **state)
{
	struct pba granted = world_register(&world, MN, MAG1);
	uint64_t endpoint = endpoint_of(&granted, 0);

	(void)state;
	granted = move_to(MN, &granted, MAG2);
	world_advance(&world, 5000);
	granted = move_to(MN, &granted, MAG3);
	expect_ways(endpoint, MAG3, MAG2);
	assert_int_equal(world.fake.tunnel_count, 2);
	world_advance(&world, 5000);
	granted = move_to(MN, &granted, MAG2); /* and back */
	assert_int_equal(granted.status, MH_STATUS_ACCEPTED);
	expect_ways(endpoint, MAG2, MAG3);
	world_advance(&world, LINGER_MS - 1);
	expect_ways(endpoint, MAG2, MAG3);
	world_advance(&world, 2);
	expect_ways(endpoint, MAG2, -1);
	assert_int_equal(world.fake.tunnel_count, 1);
}

/* The old MAG de-registers first: the session waits for its deletion, blocked, until the new one comes. */
static void handover_after_a_deregistration_has_it_too(void **state)
{
	struct pba granted = world_register(&world, MN, MAG1);
	struct pbu end = world_pbu_again(&world, MN, MAG1, &granted, 0);

	(void)state;
	assert_int_equal(world_ask(&world, &end).status, MH_STATUS_ACCEPTED);
	assert_int_equal(fake_host_endpoint(&world.fake, endpoint_of(&granted, 0))->flags, FORWARD_BLOCKED);
	assert_int_equal(move_to(MN, &granted, MAG2).status, MH_STATUS_ACCEPTED);
	expect_ways(endpoint_of(&granted, 0), MAG2, MAG1);
}

static void deregistered_session_keeps_it_while_it_is_blocked(void **state)
{
	struct pba granted = world_register(&world, MN, MAG1);
	uint64_t endpoint = endpoint_of(&granted, 0);
	struct pbu end;

	(void)state;
	granted = move_to(MN, &granted, MAG2);
	end = world_pbu_again(&world, MN, MAG2, &granted, 0);
	assert_int_equal(world_ask(&world, &end).status, MH_STATUS_ACCEPTED);
	assert_int_equal(fake_host_endpoint(&world.fake, endpoint)->flags, FORWARD_BLOCKED | FORWARD_FORMER);
	world_advance(&world, 60000);
	assert_int_equal(world_bindings(&world), 0);
	assert_int_equal(world.fake.tunnel_count, 0);
	assert_int_equal(fake_host_indexes(&world.fake, INDEX_TUNNEL), 0);
}

static void refresh_and_registration_have_none(void **state)
{
	struct pba granted = world_register(&world, MN, MAG1);
	struct pbu again = world_pbu_again(&world, MN, MAG1, &granted, 225);

	(void)state;
	assert_int_equal(world_ask(&world, &again).status, MH_STATUS_ACCEPTED);
	expect_ways(endpoint_of(&granted, 0), MAG1, -1);
}

/* Both endpoints of a session, and nothing of the refused handover, whichever update is refused. */
static void refused_handover_leaves_the_former_of_before(void **state)
{
	(void)state;
	for (unsigned n = 1; n <= 3; n++) {
		struct pbu pbu = world_pbu(&world, "two@example.com", MAG1);
		struct pba granted = world_ask(&world, &pbu);
		struct mn_id id = world_id("two@example.com");

		granted = move_to("two@example.com", &granted, MAG2);
		world.fake.fail_update = n;
		world.fake.fail_error = -ENOSPC;
		assert_int_equal(move_to("two@example.com", &granted, MAG3).status, MH_STATUS_INSUFFICIENT_RESOURCES);
		expect_ways(endpoint_of(&granted, 0), MAG2, MAG1);
		expect_ways(endpoint_of(&granted, 1), MAG2, MAG1);
		assert_int_equal(world.fake.tunnel_count, 2);
		lma_clear(world.lma, &world.now, &id);
		fake_host_run(&world.fake);
		assert_int_equal(world.fake.tunnel_count, 0);
		assert_int_equal(world.fake.endpoint_count, 0);
		world_advance(&world, 200000);
	}
}

/* The end of the former one does not come between the updates of another change. */
static void end_waits_for_a_change_under_way(void **state)
{
	struct pba granted = world_register(&world, MN, MAG1);
	uint64_t endpoint = endpoint_of(&granted, 0);
	struct pbu pbu;

	(void)state;
	granted = move_to(MN, &granted, MAG2);
	world_advance(&world, LINGER_MS - 10);
	world.fake.is_held = true;
	pbu = world_pbu_again(&world, MN, MAG3, &granted, 225);
	pbu.indicator = HI_BETWEEN_MAGS;
	world_send(&world, &pbu);
	world_advance(&world, 1000);
	world.fake.is_held = false;
	fake_host_run(&world.fake);
	expect_ways(endpoint, MAG3, MAG2);
	world_advance(&world, LINGER_MS + 1000);
	expect_ways(endpoint, MAG3, -1);
	assert_int_equal(world.fake.tunnel_count, 1);
}

static void refuse_update(unsigned n)
{
	world.fake.fail_update = n;
	world.fake.fail_op = FWD_OP_endpoint_replace;
	world.fake.fail_error = -ENOSPC;
}

/* Whichever of its endpoints is refused: it still names the tunnel, which has to stay. */
static void refused_end_keeps_the_tunnel_until_it_is_repeated(void **state)
{
	(void)state;
	for (unsigned n = 1; n <= 2; n++) {
		struct pbu pbu = world_pbu(&world, "two@example.com", MAG1);
		struct pba granted = world_ask(&world, &pbu);
		struct mn_id id = world_id("two@example.com");

		granted = move_to("two@example.com", &granted, MAG2);
		world_advance(&world, LINGER_MS - 1);
		refuse_update(n);
		world_advance(&world, 100);
		assert_int_equal(world.fake.fail_update, 0);
		expect_ways(endpoint_of(&granted, n - 1), MAG2, MAG1);
		expect_ways(endpoint_of(&granted, 2 - n), MAG2, -1);
		assert_int_equal(world.fake.tunnel_count, 2);
		world_advance(&world, 2000);
		expect_ways(endpoint_of(&granted, 0), MAG2, -1);
		expect_ways(endpoint_of(&granted, 1), MAG2, -1);
		assert_int_equal(world.fake.tunnel_count, 1);
		lma_clear(world.lma, &world.now, &id);
		fake_host_run(&world.fake);
		assert_int_equal(world.fake.tunnel_count, 0);
		assert_int_equal(fake_host_indexes(&world.fake, INDEX_TUNNEL), 0);
		world_advance(&world, 200000);
	}
}

/* The refused end is in the endpoint still; whatever comes next for it lets go of it, or the repetition does. */
static void refused_end_is_over_with_the_next_change(void **state)
{
	struct pba granted = world_register(&world, MN, MAG1);
	uint64_t endpoint = endpoint_of(&granted, 0);
	struct pbu end;

	(void)state;
	granted = move_to(MN, &granted, MAG2);
	world_advance(&world, LINGER_MS - 1);
	refuse_update(1);
	world_advance(&world, 100);
	expect_ways(endpoint, MAG2, MAG1);
	granted = move_to(MN, &granted, MAG3);
	assert_int_equal(granted.status, MH_STATUS_ACCEPTED);
	expect_ways(endpoint, MAG3, MAG2);
	assert_int_equal(world.fake.tunnel_count, 2);

	world_advance(&world, LINGER_MS - 2);
	refuse_update(1);
	world_advance(&world, 100);
	expect_ways(endpoint, MAG3, MAG2);
	end = world_pbu_again(&world, MN, MAG3, &granted, 0);
	assert_int_equal(world_ask(&world, &end).status, MH_STATUS_ACCEPTED);
	assert_int_equal(fake_host_endpoint(&world.fake, endpoint)->flags, FORWARD_BLOCKED);
	world_advance(&world, 2000);
	assert_int_equal(fake_host_endpoint(&world.fake, endpoint)->flags, FORWARD_BLOCKED);
	assert_int_equal(world.fake.tunnel_count, 1);
}

/* A handover is sent while the end is on its way, and any of the two, or both, are refused. */
static void end_and_handover_at_the_same_time(void **state)
{
	(void)state;
	for (unsigned refused = 0; refused < 4; refused++) {
		struct pba granted = world_register(&world, MN, MAG1);
		uint64_t endpoint = endpoint_of(&granted, 0);
		struct mn_id id = world_id(MN);
		struct pbu pbu;

		granted = move_to(MN, &granted, MAG2);
		world_advance(&world, LINGER_MS - 5);
		world.fake.is_held = true;
		world_advance(&world, 10);
		pbu = world_pbu_again(&world, MN, MAG3, &granted, 225);
		pbu.indicator = HI_BETWEEN_MAGS;
		world_send(&world, &pbu);
		refuse_update(refused & 1);
		assert_true(fake_host_run_one(&world.fake));
		expect_ways(endpoint, MAG2, refused & 1 ? MAG1 : -1);
		refuse_update(refused >> 1);
		world.fake.is_held = false;
		fake_host_run(&world.fake);
		fake_host_clear(&world.fake);
		assert_int_equal(world.fake.fail_update, 0);
		if (refused >> 1)
			expect_ways(endpoint, MAG2, -1); /* as it was before, without what is over */
		else
			expect_ways(endpoint, MAG3, MAG2);
		world_advance(&world, LINGER_MS + 2000);
		expect_ways(endpoint, refused >> 1 ? MAG2 : MAG3, -1);
		assert_int_equal(world.fake.tunnel_count, 1);
		lma_clear(world.lma, &world.now, &id);
		fake_host_run(&world.fake);
		assert_int_equal(world.fake.tunnel_count, 0);
		assert_int_equal(fake_host_indexes(&world.fake, INDEX_TUNNEL), 0);
		world_advance(&world, 200000);
	}
}

static void session_may_go_while_the_end_is_on_its_way(void **state)
{
	struct pba granted = world_register(&world, MN, MAG1);
	struct mn_id id = world_id(MN);

	(void)state;
	move_to(MN, &granted, MAG2);
	world_advance(&world, LINGER_MS - 1);
	world.fake.is_held = true;
	world_advance(&world, 10);
	lma_clear(world.lma, &world.now, &id);
	refuse_update(1);
	world.fake.is_held = false;
	fake_host_run(&world.fake);
	world_advance(&world, 5000);
	assert_int_equal(world.fake.tunnel_count, 0);
	assert_int_equal(fake_host_indexes(&world.fake, INDEX_TUNNEL), 0);
}

static void engine_that_ends_meanwhile_leaks_nothing(void **state)
{
	struct pba granted = world_register(&world, MN, MAG1);

	(void)state;
	move_to(MN, &granted, MAG2);
}

/* Route optimisation has to know which MAG may return packets, and may hold its tunnel. */
static void session_tells_where_it_was(void **state)
{
	struct pba granted = world_register(&world, MN, MAG1);
	uint64_t endpoint = endpoint_of(&granted, 0);
	struct ro_session session;
	uint32_t tunnel;

	(void)state;
	assert_true(ro_lma_sessions.find_by_prefix(world.lma, endpoint, &session));
	assert_true(IN6_IS_ADDR_UNSPECIFIED(&session.former_mag));
	move_to(MN, &granted, MAG2);
	assert_true(ro_lma_sessions.find_by_prefix(world.lma, endpoint, &session));
	assert_memory_equal(&session.former_mag, &mag_addresses[MAG1], sizeof(struct in6_addr));
	tunnel = ro_lma_sessions.tunnel_acquire(world.lma, &session.former_mag);
	expect_way(tunnel, MAG1);
	world_advance(&world, LINGER_MS + 1000);
	assert_int_equal(world.fake.tunnel_count, 2);
	ro_lma_sessions.tunnel_release(world.lma, tunnel);
	world.fake.host.ops->commit(&world.fake.host, 0, 0);
	fake_host_run(&world.fake);
	assert_int_equal(world.fake.tunnel_count, 1);
	assert_true(ro_lma_sessions.find_by_prefix(world.lma, endpoint, &session));
	assert_true(IN6_IS_ADDR_UNSPECIFIED(&session.former_mag));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(former_mag_is_a_way_in_from_the_handover_until_its_time_is_over),
		TEST(only_the_last_one_counts),
		TEST(handover_after_a_deregistration_has_it_too),
		TEST(deregistered_session_keeps_it_while_it_is_blocked),
		TEST(refresh_and_registration_have_none),
		TEST(refused_handover_leaves_the_former_of_before),
		TEST(end_waits_for_a_change_under_way),
		TEST(refused_end_keeps_the_tunnel_until_it_is_repeated),
		TEST(refused_end_is_over_with_the_next_change),
		TEST(end_and_handover_at_the_same_time),
		TEST(session_may_go_while_the_end_is_on_its_way),
		TEST(engine_that_ends_meanwhile_leaks_nothing),
		TEST(session_tells_where_it_was),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
