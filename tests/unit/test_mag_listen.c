/* SPDX-License-Identifier: BSD-3-Clause */
/* What the MAG tells its listener of sessions. */
#include "mag_world.h"

#include "endpoint.h"

#define FIRST  UINT64_C(0x20010db800f10001)
#define SECOND UINT64_C(0x20010db800f10002)

static struct {
	enum mag_session_change change;
	uint64_t prefix;
} heard[8];
static unsigned heard_count, expected_count;

static void note(void *context, const struct engine_time *now, uint64_t prefix, enum mag_session_change change)
{
	assert_ptr_equal(context, &heard_count);
	assert_int_equal(now->monotonic_ns, world->now.monotonic_ns);
	assert_null(world->fake.open); /* it may have a transaction of its own */
	assert_true(heard_count < 8);
	heard[heard_count].change = change;
	heard[heard_count++].prefix = prefix;
}

static void expect(enum mag_session_change change, uint64_t prefix)
{
	assert_true(heard_count > expected_count);
	assert_int_equal(heard[expected_count].change, change);
	assert_int_equal(heard[expected_count].prefix, prefix);
	expected_count++;
}

static void expect_no_more(void)
{
	assert_int_equal(heard_count, expected_count);
	heard_count = expected_count = 0;
}

static int setup(void **state)
{
	heard_count = expected_count = 0;
	if (world_setup(state) != 0)
		return -1;
	mag_listen(world->mag, note, &heard_count);
	return 0;
}

static int attached(void **state)
{
	if (setup(state) != 0)
		return -1;
	world_attached();
	expect(MAG_SESSION_UP, FIRST);
	expect_no_more();
	return 0;
}

static void detach_by_operator(void)
{
	struct mn_id id = {.subtype = 1, .length = 15, .data = (const uint8_t *)"mn1@example.com"};

	assert_int_equal(mag_detach(world->mag, &world->now, &id), 0);
	world_apply();
}

static void session_is_up_when_its_forwarding_is_committed(void **state)
{
	world_rs(0, world_mac, "fe80::200:ff:fe00:101");
	expect_no_more(); /* not before the PBA */
	world->hold = true;
	world_accept();
	expect(MAG_SESSION_UP, FIRST);
	expect_no_more();
	world->hold = false;
	world_apply();
	expect_no_more();
}

static void refresh_with_the_same_prefixes_is_no_news(void **state)
{
	world_rs(0, world_mac, "fe80::200:ff:fe00:101"); /* asserts the binding */
	world_accept();
	assert_int_equal(world_view(world_mac).state, ATTACHMENT_ACTIVE);
	expect_no_more();
}

static void session_on_another_link_has_moved(void **state)
{
	world_rs(3, world_mac, "fe80::200:ff:fe00:101");
	expect(MAG_SESSION_MOVED, FIRST);
	expect_no_more();
	assert_int_equal(world_endpoint("2001:db8:f1:1::/64")->link, 3);
}

static void session_is_down_when_its_deregistration_begins(void **state)
{
	detach_by_operator();
	assert_int_equal(world_view(world_mac).state, ATTACHMENT_DEREGISTERING);
	expect(MAG_SESSION_DOWN, FIRST);
	expect_no_more();
	world_answer(&(struct world_pba){.lifetime_s = 0});
	assert_null(world_endpoint("2001:db8:f1:1::/64"));
	expect_no_more(); /* once is enough */
}

/* Its LMA may not have heard of it, and go on with its pairs. */
static void deregistration_without_an_answer_is_told(void **state)
{
	detach_by_operator();
	expect(MAG_SESSION_DOWN, FIRST);
	world_pass(900);
	expect_no_more();
	world_pass(1000);
	expect(MAG_SESSION_KEPT, FIRST);
	expect_no_more();
	assert_null(world_endpoint("2001:db8:f1:1::/64"));
}

static void node_that_comes_back_during_its_deregistration_is_up_again(void **state)
{
	detach_by_operator();
	expect(MAG_SESSION_DOWN, FIRST);
	assert_int_equal(mag_attach(world->mag, &world->now, 0, world_mac), 0);
	world_apply();
	expect(MAG_SESSION_UP, FIRST);
	expect_no_more();
}

static void refused_refresh_takes_the_session_down(void **state)
{
	world_rs(0, world_mac, "fe80::200:ff:fe00:101");
	world_reject(MH_STATUS_NOT_LMA_FOR_THIS_MOBILE_NODE);
	expect(MAG_SESSION_DOWN, FIRST);
	expect(MAG_SESSION_KEPT, FIRST);
	expect_no_more();
}

static void rejection_for_a_time_suspends_the_session(void **state)
{
	world_rs(0, world_mac, "fe80::200:ff:fe00:101");
	world_reject(MH_STATUS_INSUFFICIENT_RESOURCES);
	expect(MAG_SESSION_DOWN, FIRST);
	expect(MAG_SESSION_KEPT, FIRST);
	expect_no_more();
	world_rs(0, world_mac, "fe80::200:ff:fe00:101");
	world_pass(2000);
	world_accept();
	expect(MAG_SESSION_UP, FIRST);
	expect_no_more();
}

/* The LMA has it where it was, and what it knows of its pairs. */
static void refused_deregistration_is_told(void **state)
{
	detach_by_operator();
	expect(MAG_SESSION_DOWN, FIRST);
	world_reject(MH_STATUS_TIMESTAMP_MISMATCH);
	expect(MAG_SESSION_KEPT, FIRST);
	expect_no_more();
	assert_null(world_endpoint("2001:db8:f1:1::/64"));
}

static void other_prefixes_are_another_session(void **state)
{
	world_rs(0, world_mac, "fe80::200:ff:fe00:101");
	world_answer(&(struct world_pba){.lifetime_s = 600, .prefixes = {"2001:db8:f1:2::/64"}});
	expect(MAG_SESSION_DOWN, FIRST);
	expect(MAG_SESSION_UP, SECOND);
	expect_no_more();
}

static void prefix_that_is_added_changes_nothing_and_one_that_goes_does(void **state)
{
	world_rs(0, world_mac, "fe80::200:ff:fe00:101");
	world_answer(&(struct world_pba){.lifetime_s = 600, .prefixes = {"2001:db8:f1:1::/64", "2001:db8:f1:2::/64"}});
	expect_no_more();
	world_pass(2000);
	world_rs(0, world_mac, "fe80::200:ff:fe00:101");
	world_answer(&(struct world_pba){.lifetime_s = 600, .prefixes = {"2001:db8:f1:1::/64"}});
	expect(MAG_SESSION_DOWN, FIRST);
	expect(MAG_SESSION_UP, FIRST);
	expect_no_more();
}

static void refused_forwarding_takes_the_session_down(void **state)
{
	world_rs(0, world_mac, "fe80::200:ff:fe00:101");
	world_fail_next(FWD_OP_endpoint_insert, -ENOSPC);
	world_accept();
	expect(MAG_SESSION_UP, FIRST);
	expect(MAG_SESSION_DOWN, FIRST);
	expect_no_more();
}

static void expired_binding_takes_the_session_down(void **state)
{
	for (unsigned i = 0; i < 700 && heard_count == 0; i++) {
		world_na(0, world_mac, "fe80::200:ff:fe00:101"); /* it is here, its LMA is silent */
		world_pass(1000);
	}
	expect(MAG_SESSION_DOWN, FIRST);
	expect_no_more();
}

static void nobody_has_to_listen(void **state)
{
	mag_listen(world->mag, NULL, NULL);
	detach_by_operator();
	world_answer(&(struct world_pba){.lifetime_s = 0});
	expect_no_more();
}

#define TEST(name)    cmocka_unit_test_setup_teardown(name, setup, world_teardown)
#define SESSION(name) cmocka_unit_test_setup_teardown(name, attached, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(session_is_up_when_its_forwarding_is_committed),
		SESSION(refresh_with_the_same_prefixes_is_no_news),
		SESSION(session_on_another_link_has_moved),
		SESSION(session_is_down_when_its_deregistration_begins),
		SESSION(deregistration_without_an_answer_is_told),
		SESSION(node_that_comes_back_during_its_deregistration_is_up_again),
		SESSION(refused_refresh_takes_the_session_down),
		SESSION(rejection_for_a_time_suspends_the_session),
		SESSION(refused_deregistration_is_told),
		SESSION(other_prefixes_are_another_session),
		SESSION(prefix_that_is_added_changes_nothing_and_one_that_goes_does),
		TEST(refused_forwarding_takes_the_session_down),
		SESSION(expired_binding_takes_the_session_down),
		SESSION(nobody_has_to_listen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
