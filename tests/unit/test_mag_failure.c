/* SPDX-License-Identifier: BSD-3-Clause */
#include "mag_world.h"

#define HNP "2001:db8:f1:1::/64"

static void refused_link_takes_the_pbu_back(void **state)
{
	world_fail_next(FWD_OP_link_insert, -ENOSPC);
	world_rs(0, world_mac, "fe80::1");
	assert_int_equal(world->pbu_count, 0);
	assert_int_equal(world_view(world_mac).state, ATTACHMENT_REFUSED);
	assert_true(world_remembers(world_mac, HISTORY_forwarding_failed, ENOSPC));
	world_pass(60001);
	world_expect_empty();
}

static void refused_forwarding_is_undone_and_deregistered(void **state)
{
	static const enum fwd_op ops[] = {FWD_OP_tunnel_insert, FWD_OP_link_insert, FWD_OP_endpoint_insert};

	for (unsigned i = 0; i < 3; i++) {
		world_rs(0, world_mac, "fe80::1");
		world_fail_next(ops[i], i == 0 ? -EHOSTUNREACH : -ENOSPC);
		world_answer(&(struct world_pba){.lifetime_s = 600, .prefixes = {HNP, "2001:db8:f1:2::/64"}});
		assert_int_equal(world_view(world_mac).state, ATTACHMENT_DEREGISTERING);
		assert_int_equal(world->fake.endpoint_count, 0);
		assert_int_equal(world->fake.tunnel_count, 0);
		assert_int_equal(world_pbu(0).lifetime_s, 0);
		assert_int_equal(world_pbu(0).options.prefix_count, 2);
		world_answer(&(struct world_pba){.lifetime_s = 0});
		assert_int_equal(world_view(world_mac).state, ATTACHMENT_REFUSED);
		assert_int_equal(world_link(0, world_mac)->state, LINK_REFUSED);
		world_pass(60001);
		world_expect_empty();
	}
	world_attached();
}

static void no_tunnel_index_left_is_the_same(void **state)
{
	static const uint8_t mn2_mac[6] = {2, 0, 0, 0, 0, 2};

	world->fake.index_limit[INDEX_TUNNEL] = 0;
	mag_unknown_mac(world->mag, &world->now, 0, mn2_mac);
	world_apply();
	world_accept();
	assert_int_equal(world_view(mn2_mac).state, ATTACHMENT_DEREGISTERING);
	assert_int_equal(world->fake.endpoint_count, 0);
	world_answer(&(struct world_pba){.lifetime_s = 0});
	assert_int_equal(world_view(mn2_mac).state, ATTACHMENT_REFUSED);
}

static void no_node_index_left_refuses_quietly(void **state)
{
	world->fake.index_limit[INDEX_NODE] = 0;
	assert_int_equal(mag_attach(world->mag, &world->now, 0, world_mac), -ENOSPC);
	world_apply();
	assert_int_equal(world_stats().nodes, 0);
}

static void change_that_is_refused_ends_the_session(void **state)
{
	struct discovery_prefix prefixes[DISCOVERY_PREFIXES_MAX];

	world_attached();
	world_pass(2000);
	mag_peer_restarted(world->mag, &world->now, &world_lma);
	world_apply();
	world_fail_next(FWD_OP_endpoint_insert, -ENOSPC);
	world_answer(&(struct world_pba){.lifetime_s = 600, .prefixes = {"2001:db8:f1:9::/64"}});
	assert_int_equal(world->fake.endpoint_count, 0);
	world_answer(&(struct world_pba){.lifetime_s = 0});
	assert_int_equal(world_view(world_mac).state, ATTACHMENT_REFUSED);
	assert_int_equal(world_ra_prefixes(world_frame(0, DISCOVERY_RA), prefixes), 2);
	assert_int_equal(prefixes[0].valid_s + prefixes[1].valid_s, 0);
}

static void move_that_is_refused_ends_the_session(void **state)
{
	world_attached();
	world_fail_next(FWD_OP_endpoint_replace, -ENOENT);
	world_rs(4, world_mac, "fe80::1");
	assert_int_equal(world_view(world_mac).state, ATTACHMENT_DEREGISTERING);
	assert_int_equal(world->fake.endpoint_count, 0);
}

static void failure_after_the_node_left_changes_nothing(void **state)
{
	world_rs(0, world_mac, "fe80::1");
	world->hold = true;
	world_accept();
	mag_shutdown(world->mag, &world->now);
	world_fail_next(FWD_OP_endpoint_insert, -ENOSPC);
	world->hold = false;
	world_apply();
	assert_int_equal(world_view(world_mac).state, ATTACHMENT_DEREGISTERING);
	world_pass(1001);
	world_expect_empty();
}

static void withdrawn_before_it_was_applied_stays_out(void **state)
{
	world_rs(0, world_mac, "fe80::1");
	world->hold = true;
	world_accept();
	mag_shutdown(world->mag, &world->now);
	world_pass(1001); /* no answer: removal behind the installation that still waits */
	assert_false(mag_idle(world->mag));
	world->hold = false;
	world_apply();
	world_expect_empty();
	assert_int_equal(world->fake.refused, 0);
}

static void node_that_attaches_while_its_removal_is_under_way_is_a_new_one(void **state)
{
	world_attached();
	world_pass(13001);
	world->hold = true;
	world_answer(&(struct world_pba){.lifetime_s = 0});
	world_rs(0, world_mac, "fe80::1");
	world->hold = false;
	world_apply();
	world_accept();
	assert_int_equal(world_view(world_mac).state, ATTACHMENT_ACTIVE);
	assert_non_null(world_endpoint(HNP));
	assert_int_equal(world->fake.refused, 0);
}

static void solicitations_during_the_installation_are_answered_by_it(void **state)
{
	world_rs(0, world_mac, "fe80::1");
	world->hold = true;
	world_accept();
	world_rs(0, world_mac, "fe80::1");
	world_pass(700);
	world_rs(0, world_mac, "fe80::1");
	assert_int_equal(world->frame_count, 0); /* never before forwarding */
	world->hold = false;
	world_apply();
	assert_int_equal(world->frame_count, 1);
	assert_int_equal(world->pbu_count, 1);
}

/* What is in the tables is what the engine believes to be there. */
static void expect_tables_as_views(void)
{
	struct attachment_view view;
	unsigned endpoints = 0, links = 0;

	for (uint32_t from = 0; mag_attachment_next(world->mag, from, &view); from = view.index + 1) {
		links++;
		if (view.tunnel != INDEX_NONE)
			endpoints += view.prefix_count;
		assert_int_equal(view.state == ATTACHMENT_ACTIVE && view.tunnel == INDEX_NONE, false);
		assert_true(view.next_event_ms != TIMER_NEVER || view.state == ATTACHMENT_REFUSED);
	}
	assert_int_equal(world->fake.endpoint_count, endpoints);
	assert_true(world->link_count <= links);
}

/* Everything at random for hours: tables follow the engine, nothing leaks. */
static void random_events_leave_nothing_behind(void **state)
{
	static const enum fwd_op insertions[] = {
		FWD_OP_tunnel_insert, FWD_OP_endpoint_insert, FWD_OP_endpoint_replace, FWD_OP_link_insert};
	static const uint8_t statuses[] = {0, 0, 0, 0, 130, 135, 152, 155, 156, 157, 159, 129};
	uint64_t random = 42;

	world->config.nud_interval_ms = 3000;
	world_restart();
	for (unsigned step = 0; step < 20000; step++) {
		uint64_t r = test_random(&random);
		uint8_t mac[6] = {2, 0, 0, 0, 1, (uint8_t)(r >> 8 & 7)};
		char prefix[40];

		world->hold = (r >> 16 & 3) == 0;
		if ((r >> 20 & 63) == 0)
			world_fail_next(insertions[(r >> 26) % 4], -ENOSPC);
		switch (r & 7) {
		case 0: world_rs((uint16_t)(r >> 30 & 1), mac, "fe80::1"); break;
		case 1: mag_unknown_mac(world->mag, &world->now, (uint16_t)(r >> 30 & 1), mac); break;
		case 2: world_na((uint16_t)(r >> 30 & 1), mac, "fe80::1"); break;
		case 3:
		case 4:
		case 5:
			if (world->pbu_count == 0)
				break;
			snprintf(prefix, sizeof(prefix), "2001:db8:f1:%x::/64", (unsigned)(r >> 40 & 15));
			world_answer(&(struct world_pba){.status = statuses[(r >> 44) % sizeof(statuses)],
				.lifetime_s = (r >> 50 & 15) * 4,
				.prefixes = {prefix}});
			break;
		case 6: world_pass(r >> 32 & 0xfff); break;
		case 7:
			if ((r >> 32 & 15) == 0)
				mag_peer_restarted(world->mag, &world->now, &world_lma);
			mag_attach(world->mag, &world->now, (uint16_t)(r >> 30 & 1), mac);
			break;
		}
		if (world->hold)
			continue;
		world_apply();
		expect_tables_as_views();
	}
	assert_true(world_stats().attaches > 100);
	world->hold = false;
	world->fake.fail_update = 0;
	world_apply();
	mag_shutdown(world->mag, &world->now);
	world_pass(5000);
	assert_true(mag_idle(world->mag));
	assert_int_equal(world->fake.endpoint_count, 0);
	assert_int_equal(world->fake.tunnel_count, 0);
	assert_int_equal(fake_host_indexes(&world->fake, INDEX_NODE), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
		TEST(refused_link_takes_the_pbu_back),
		TEST(refused_forwarding_is_undone_and_deregistered),
		TEST(no_tunnel_index_left_is_the_same),
		TEST(no_node_index_left_refuses_quietly),
		TEST(change_that_is_refused_ends_the_session),
		TEST(move_that_is_refused_ends_the_session),
		TEST(failure_after_the_node_left_changes_nothing),
		TEST(withdrawn_before_it_was_applied_stays_out),
		TEST(node_that_attaches_while_its_removal_is_under_way_is_a_new_one),
		TEST(solicitations_during_the_installation_are_answered_by_it),
		TEST(random_events_leave_nothing_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
