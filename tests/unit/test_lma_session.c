/* SPDX-License-Identifier: BSD-3-Clause */
/* The life of a session: RFC 5213 sections 5.3.2 to 5.3.6, rule W, transactions, lost peers. */
#include "lma_world.h"

#include <errno.h>
#include <string.h>

#include "endpoint.h"
#include "format.h"
#include "pmip/lma_internal.h"

#define MN   "mn1@example.com"
#define MAC2 "\x02\x02\x02\x02\x02\x02"

static struct lma_world world;

static int setup(void **state)
{
	world_init(&world, NULL);
	return 0;
}

static int teardown(void **state)
{
	world_fini(&world);
	return 0;
}

static uint64_t endpoint_of(const struct pba *pba, unsigned i)
{
	return endpoint_id_ipv6(pba->options.prefixes[i].prefix.s6_addr);
}

static void expect_tunnel(uint64_t endpoint, int mag)
{
	const struct forward *forward = fake_host_endpoint(&world.fake, endpoint);

	assert_non_null(forward);
	assert_int_equal(forward->flags, 0);
	assert_true(world.fake.has_tunnel[forward->tunnel]);
	assert_memory_equal(&world.fake.tunnels[forward->tunnel].remote, &mag_addresses[mag], sizeof(struct in6_addr));
}

static void expect_care_of(int mag)
{
	struct binding_view view = world_binding(&world, MN);

	assert_memory_equal(&view.proxy_coa, &mag_addresses[mag], sizeof(view.proxy_coa));
}

static void expect_link_local(const struct in6_addr *address)
{
	struct binding_view view = world_binding(&world, MN);

	assert_memory_equal(&view.link_local, address, sizeof(view.link_local));
}

static struct lma_stats stats(void)
{
	struct lma_stats now;

	lma_stats(world.lma, &now);
	return now;
}

static void expect_nothing_left(void)
{
	assert_int_equal(world_bindings(&world), 0);
	assert_int_equal(world.fake.endpoint_count, 0);
	assert_int_equal(world.fake.tunnel_count, 0);
	assert_int_equal(stats().tunnels, 0);
	assert_int_equal(fake_host_indexes(&world.fake, INDEX_NODE), 0);
	assert_int_equal(fake_host_indexes(&world.fake, INDEX_TUNNEL), 0);
	for (uint32_t peer = MAG1; peer <= MAG3; peer++)
		assert_int_equal(lma_peer_sessions(world.lma, peer), 0);
}

static struct pba move_to(const struct pba *granted, int mag)
{
	struct pbu pbu = world_pbu_again(&world, MN, mag, granted, 225);

	pbu.indicator = HI_BETWEEN_MAGS;
	return world_ask(&world, &pbu);
}

static const struct history_entry *last_event(const char *mn)
{
	const struct history *history = world_binding(&world, mn).history;

	return history_get(history, history->count - 1u);
}

static void granted_lifetime_is_the_smaller_one_and_never_0(void **state)
{
	static const struct {
		uint16_t asked, granted;
	} cases[] = {{225, 225}, {900, 900}, {901, 900}, {65535, 900}, {1, 1}};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pbu pbu = world_pbu(&world, MN, MAG1);

		pbu.lifetime = cases[i].asked;
		assert_int_equal(world_ask(&world, &pbu).lifetime, cases[i].granted);
	}
}

static void tiny_lifetime(struct lma_config *config)
{
	config->max_binding_lifetime_s = 3;
}

static void lifetime_below_one_unit_is_granted_as_one_unit(void **state)
{
	world_fini(&world);
	world_init(&world, tiny_lifetime);
	assert_int_equal(world_register(&world, MN, MAG1).lifetime, 1);
}

static void binding_expires_at_the_end_of_its_lifetime(void **state)
{
	struct pba granted = world_register(&world, MN, MAG1);

	assert_int_equal(granted.lifetime, 225);
	world_advance(&world, 899998);
	assert_int_equal(world_bindings(&world), 1);
	world_advance(&world, 3);
	assert_int_equal(stats().expiries, 1);
	expect_nothing_left();
}

static void refresh_extends_the_lifetime_without_an_update(void **state)
{
	struct pba granted = world_register(&world, MN, MAG1);
	unsigned updates = world.fake.update_count;
	struct pbu pbu;

	for (unsigned i = 0; i < 5; i++) {
		world_advance(&world, 600000);
		pbu = world_pbu_again(&world, MN, MAG1, &granted, 225);
		granted = world_ask(&world, &pbu);
		assert_int_equal(granted.status, MH_STATUS_ACCEPTED);
	}
	assert_int_equal(world.fake.update_count, updates);
	assert_int_equal(stats().refreshes, 5);
	world_advance(&world, 899998);
	assert_int_equal(world_bindings(&world), 1);
	world_advance(&world, 3);
	expect_nothing_left();
}

static void refresh_with_a_shorter_lifetime_expires_earlier(void **state)
{
	struct pba granted = world_register(&world, MN, MAG1);
	struct pbu pbu = world_pbu_again(&world, MN, MAG1, &granted, 10);

	assert_int_equal(world_ask(&world, &pbu).lifetime, 10);
	world_advance(&world, 40001);
	expect_nothing_left();
}

/* The old tunnel goes when nothing leads to it any more: a transaction of its own, behind the handover. */
static void handover_brings_the_new_tunnel_first_and_takes_the_old_one_last(void **state)
{
	static const enum fwd_op order[] = {FWD_OP_tunnel_insert, FWD_OP_endpoint_replace, FWD_OP_tunnel_remove};
	struct pba granted = world_register(&world, MN, MAG1);
	uint64_t endpoint = endpoint_of(&granted, 0);
	unsigned commits = world.fake.commits;

	fake_host_clear(&world.fake);
	granted = move_to(&granted, MAG2);
	assert_int_equal(granted.status, MH_STATUS_ACCEPTED);
	assert_int_equal(world.fake.commits, commits + 2);
	assert_int_equal(world.fake.update_count, 3);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(world.fake.updates[i].op, order[i]);
	expect_tunnel(endpoint, MAG2);
	assert_int_equal(stats().handovers, 1);
	assert_int_equal(lma_peer_sessions(world.lma, MAG1), 0);
	assert_int_equal(lma_peer_sessions(world.lma, MAG2), 1);
	assert_int_equal(last_event(MN)->event, HISTORY_handover);
	assert_int_equal(last_event(MN)->value, HI_BETWEEN_MAGS);
}

static void tunnel_stays_while_another_binding_uses_it(void **state)
{
	struct pba first = world_register(&world, MN, MAG1);
	uint64_t endpoint = endpoint_of(&first, 0);
	struct tunnel_view view;

	world_register(&world, "mn2@example.com", MAG1);
	assert_int_equal(stats().tunnels, 1);
	assert_true(lma_tunnel_next(world.lma, 0, &view));
	assert_int_equal(view.users, 2);
	lma_clear(world.lma, &world.now, &(struct mn_id){1, 15, (const uint8_t *)"mn2@example.com"});
	fake_host_run(&world.fake);
	assert_true(lma_tunnel_next(world.lma, 0, &view));
	assert_int_equal(view.users, 1);
	expect_tunnel(endpoint, MAG1);
}

static void alternate_care_of_address_is_the_end_of_the_tunnel(void **state)
{
	struct pbu pbu = world_pbu(&world, MN, MAG1);
	struct in6_addr care_of;
	struct pba pba;
	struct tunnel_view view;

	pbu.alternate = "2001:db8:a1::99";
	pba = world_ask(&world, &pbu);
	assert_int_equal(pba.status, MH_STATUS_ACCEPTED);
	assert_memory_equal(&pba.to, &mag_addresses[MAG1], sizeof(pba.to)); /* signalling stays */
	assert_int_equal(ip6_parse("2001:db8:a1::99", &care_of), 0);
	assert_true(lma_tunnel_next(world.lma, 0, &view));
	assert_memory_equal(&view.remote, &care_of, sizeof(care_of));
	assert_int_equal(lma_peer_sessions(world.lma, MAG1), 1);
}

static void several_prefixes_move_together(void **state)
{
	struct pbu pbu = world_pbu(&world, "two@example.com", MAG1);
	struct pba granted = world_ask(&world, &pbu);
	uint64_t endpoints[2] = {endpoint_of(&granted, 0), endpoint_of(&granted, 1)};

	assert_int_equal(granted.options.prefix_count, 2);
	assert_int_not_equal(endpoints[0], endpoints[1]);
	pbu = world_pbu_again(&world, "two@example.com", MAG2, &granted, 225);
	assert_int_equal(world_ask(&world, &pbu).options.prefix_count, 2);
	expect_tunnel(endpoints[0], MAG2);
	expect_tunnel(endpoints[1], MAG2);
	lma_clear(world.lma, &world.now, &(struct mn_id){1, 15, (const uint8_t *)"two@example.com"});
	fake_host_run(&world.fake);
	expect_nothing_left();
}

static void interfaces_of_one_node_have_sessions_of_their_own(void **state)
{
	struct pba first = world_register(&world, MN, MAG1);
	uint64_t endpoint = endpoint_of(&first, 0);
	struct pbu pbu = world_pbu(&world, MN, MAG2);
	struct pba second;

	pbu.link_layer_id = MAC2;
	second = world_ask(&world, &pbu);
	assert_int_equal(world_bindings(&world), 2);
	assert_int_not_equal(endpoint_of(&second, 0), endpoint);
	expect_tunnel(endpoint, MAG1);
	expect_tunnel(endpoint_of(&second, 0), MAG2);
	pbu = world_pbu_again(&world, MN, MAG2, &second, 0);
	pbu.link_layer_id = MAC2;
	assert_int_equal(world_ask(&world, &pbu).status, MH_STATUS_ACCEPTED);
	world_advance(&world, 10001);
	assert_int_equal(world_bindings(&world), 1);
	expect_tunnel(endpoint, MAG1);
}

/* ---- de-registration ---- */

static void deregistration_blocks_the_traffic_and_deletes_after_the_delay(void **state)
{
	struct pba granted = world_register(&world, MN, MAG1);
	uint64_t endpoint = endpoint_of(&granted, 0);
	struct pbu pbu = world_pbu_again(&world, MN, MAG1, &granted, 0);
	struct pba pba = world_ask(&world, &pbu);

	assert_int_equal(pba.status, MH_STATUS_ACCEPTED);
	assert_int_equal(pba.lifetime, 0);
	assert_int_equal(endpoint_of(&pba, 0), endpoint);
	assert_int_equal(fake_host_endpoint(&world.fake, endpoint)->flags, FORWARD_BLOCKED);
	assert_int_equal(world_binding(&world, MN).state, BINDING_DELETING);
	world_advance(&world, 9998);
	assert_int_equal(world_bindings(&world), 1);
	world_advance(&world, 3);
	assert_int_equal(stats().deregistrations, 1);
	assert_int_equal(stats().expiries, 0);
	expect_nothing_left();
}

static void deregistration_again_is_answered_and_does_not_prolong_the_delay(void **state)
{
	struct pba granted = world_register(&world, MN, MAG1);
	struct pbu pbu = world_pbu_again(&world, MN, MAG1, &granted, 0);

	granted = world_ask(&world, &pbu);
	world_advance(&world, 6000);
	pbu = world_pbu_again(&world, MN, MAG1, &granted, 0);
	assert_int_equal(world_ask(&world, &pbu).status, MH_STATUS_ACCEPTED);
	world_advance(&world, 4001);
	expect_nothing_left();
	pbu = world_pbu_again(&world, MN, MAG1, &granted, 0); /* nothing is there any more */
	world_send(&world, &pbu);
	world_expect_silence(&world);
}

static void deregistration_from_the_wrong_mag_is_ignored(void **state)
{
	struct pba granted = world_register(&world, MN, MAG1);
	uint64_t endpoint = endpoint_of(&granted, 0);
	struct pbu pbu;

	granted = move_to(&granted, MAG2);
	pbu = world_pbu_again(&world, MN, MAG1, &granted, 0);
	world_send(&world, &pbu);
	world_expect_silence(&world);
	assert_int_equal(world_binding(&world, MN).state, BINDING_ACTIVE);
	expect_tunnel(endpoint, MAG2);
	pbu.mag = MAG2;
	pbu.alternate = "2001:db8:a2::99"; /* the option counts, not the source */
	world_send(&world, &pbu);
	world_expect_silence(&world);
	assert_int_equal(stats().pbu_ignored, 2);
}

static void pbu_in_the_delete_wait_cancels_the_deletion(void **state)
{
	struct pba granted = world_register(&world, MN, MAG1);
	uint64_t endpoint = endpoint_of(&granted, 0);
	struct pbu pbu;

	for (int mag = MAG1; mag <= MAG2; mag++) { /* back at the same MAG, then from MAG1 to MAG2 */
		pbu = world_pbu_again(&world, MN, MAG1, &granted, 0);
		assert_int_equal(world_ask(&world, &pbu).status, MH_STATUS_ACCEPTED);
		world_advance(&world, 5000);
		pbu = world_pbu_again(&world, MN, mag, &granted, 225);
		granted = world_ask(&world, &pbu);
		assert_int_equal(granted.lifetime, 225);
		expect_tunnel(endpoint, mag);
		world_advance(&world, 20000);
		assert_int_equal(world_binding(&world, MN).state, BINDING_ACTIVE);
	}
	assert_int_equal(stats().handovers, 1);
}

static void rejected_pbu_in_the_delete_wait_does_not_cancel_it(void **state)
{
	struct pba granted = world_register(&world, MN, MAG1);
	struct pbu pbu = world_pbu_again(&world, MN, MAG1, &granted, 0);

	granted = world_ask(&world, &pbu);
	pbu = world_pbu_again(&world, MN, MAG1, &granted, 225);
	pbu.technology = -1;
	assert_int_equal(world_ask(&world, &pbu).status, MH_STATUS_MISSING_ACCESS_TECH_TYPE_OPTION);
	world_advance(&world, 10001);
	expect_nothing_left();
}

/* ---- duplicates ---- */

static void duplicate_of_the_last_accepted_pbu_gets_its_answer_again(void **state)
{
	struct pbu pbu = world_pbu(&world, MN, MAG1);
	struct pba first, again;
	struct in6_addr link_local;
	uint64_t endpoint;

	pbu.link_local = "::";
	first = world_ask(&world, &pbu);
	link_local = first.options.link_local;
	endpoint = endpoint_of(&first, 0);
	world_advance(&world, 2000); /* far outside the window */
	again = world_ask(&world, &pbu);
	assert_int_equal(again.status, MH_STATUS_ACCEPTED);
	assert_int_equal(again.sequence, pbu.sequence);
	assert_int_equal(again.lifetime, 225);
	assert_int_equal(endpoint_of(&again, 0), endpoint);
	assert_memory_equal(&again.options.link_local, &link_local, sizeof(link_local));
	assert_int_equal(stats().pbu_duplicate, 1);
	assert_int_equal(stats().registrations, 1);
	assert_int_equal(stats().refreshes, 0);
}

static void duplicate_deregistration_gets_its_answer_again(void **state)
{
	struct pba granted = world_register(&world, MN, MAG1);
	struct pbu pbu = world_pbu_again(&world, MN, MAG1, &granted, 0);

	granted = world_ask(&world, &pbu);
	granted = world_ask(&world, &pbu);
	assert_int_equal(granted.status, MH_STATUS_ACCEPTED);
	assert_int_equal(granted.lifetime, 0);
	assert_int_equal(stats().pbu_duplicate, 1);
}

static void duplicate_in_sequence_mode_gets_its_answer_again(void **state)
{
	struct pbu pbu = world_pbu(&world, MN, MAG1);

	pbu.has_timestamp = false;
	assert_int_equal(world_ask(&world, &pbu).status, MH_STATUS_ACCEPTED);
	pbu.indicator = HI_BETWEEN_MAGS; /* is found by what the wire-formats call a duplicate */
	assert_int_equal(world_ask(&world, &pbu).status, MH_STATUS_ACCEPTED);
	assert_int_equal(stats().pbu_duplicate, 1);
}

/* ---- transactions ---- */

static void answer_waits_for_the_forwarding_state(void **state)
{
	struct pbu pbu = world_pbu(&world, MN, MAG1);

	world.fake.is_held = true;
	world_send(&world, &pbu);
	world_expect_silence(&world);
	assert_int_equal(world_binding(&world, MN).state, BINDING_PENDING);
	world_send(&world, &pbu); /* the same packet again: one answer */
	world.fake.is_held = false;
	assert_int_equal(fake_host_run(&world.fake), 1);
	assert_int_equal(world_answer(&world).status, MH_STATUS_ACCEPTED);
	assert_int_equal(world_binding(&world, MN).state, BINDING_ACTIVE);
}

static void retransmission_while_pending_is_answered_afterwards_without_another_transaction(void **state)
{
	struct pbu pbu = world_pbu(&world, MN, MAG1), again = pbu;
	unsigned updates;

	world.fake.is_held = true;
	world_send(&world, &pbu);
	for (unsigned i = 0; i < 3; i++) {
		world_advance(&world, 10);
		again.sequence++;
		again.wall_ns = world.now.wall_ns;
		world_send(&world, &again);
	}
	assert_int_equal(world.fake.commits, 1);
	world.fake.is_held = false;
	fake_host_run(&world.fake);
	updates = world.fake.update_count;
	assert_int_equal(updates, 2);
	assert_int_equal(world.fake.message_count, 2); /* to the first, and to the newest of the others */
	fake_host_decode(&world.fake, 0, &world.answer);
	assert_int_equal(world.answer.fixed.ba.sequence, pbu.sequence);
	fake_host_decode(&world.fake, 1, &world.answer);
	assert_int_equal(world.answer.fixed.ba.sequence, again.sequence);
	assert_int_equal(world.answer.fixed.ba.status, MH_STATUS_ACCEPTED);
	assert_int_equal(stats().pbu_parked, 3);
	assert_int_equal(world_bindings(&world), 1);
}

static void older_pbu_does_not_replace_the_parked_one(void **state)
{
	struct pbu pbu = world_pbu(&world, MN, MAG1);
	struct pbu older = world_pbu(&world, MN, MAG2), newer = world_pbu(&world, MN, MAG3);

	world.fake.is_held = true;
	world_send(&world, &pbu);
	world_send(&world, &newer);
	world_send(&world, &older);
	world.fake.is_held = false;
	fake_host_run(&world.fake);
	assert_int_equal(world.fake.message_count, 2);
	expect_care_of(MAG3);
}

static void deregistration_while_pending_follows_it(void **state)
{
	struct pbu pbu = world_pbu(&world, MN, MAG1), end = pbu;

	world.fake.is_held = true;
	world_send(&world, &pbu);
	end.lifetime = 0;
	end.sequence++;
	end.wall_ns += 1000000;
	world_send(&world, &end);
	world.fake.is_held = false;
	fake_host_run(&world.fake);
	assert_int_equal(world.fake.message_count, 2);
	assert_int_equal(world_binding(&world, MN).state, BINDING_DELETING);
	world_advance(&world, 10001);
	expect_nothing_left();
}

static void refused_registration_lets_the_parked_pbu_try_again(void **state)
{
	struct pbu pbu = world_pbu(&world, MN, MAG1), again = pbu;

	world.fake.is_held = true;
	world_send(&world, &pbu);
	again.sequence++;
	again.wall_ns += 1000000;
	world_send(&world, &again);
	world.fake.is_held = false;
	world.fake.fail_update = 2;
	world.fake.fail_error = -ENOSPC;
	fake_host_run(&world.fake);
	assert_int_equal(world.fake.message_count, 2);
	fake_host_decode(&world.fake, 0, &world.answer);
	assert_int_equal(world.answer.fixed.ba.status, MH_STATUS_INSUFFICIENT_RESOURCES);
	fake_host_decode(&world.fake, 1, &world.answer);
	assert_int_equal(world.answer.fixed.ba.status, MH_STATUS_ACCEPTED);
	assert_int_equal(world_binding(&world, MN).state, BINDING_ACTIVE);
}

static void refused_handover_is_answered_130_and_goes_back(void **state)
{
	for (unsigned n = 1; n <= 2; n++) { /* tunnel_insert, endpoint_replace */
		struct pba granted = world_register(&world, MN, MAG1), pba;
		uint64_t endpoint = endpoint_of(&granted, 0);
		struct binding_view before = world_binding(&world, MN), after;
		struct mn_id id = world_id(MN);

		world.fake.fail_update = n;
		world.fake.fail_error = -EHOSTUNREACH;
		pba = move_to(&granted, MAG2);
		assert_int_equal(pba.status, MH_STATUS_INSUFFICIENT_RESOURCES);
		after = world_binding(&world, MN);
		assert_int_equal(after.state, BINDING_ACTIVE);
		assert_memory_equal(&after.proxy_coa, &mag_addresses[MAG1], sizeof(struct in6_addr));
		assert_int_equal(after.timestamp, before.timestamp);
		assert_int_equal(after.expires_ms, before.expires_ms);
		assert_int_equal(after.link_layer_id_length, 6);
		expect_tunnel(endpoint, MAG1);
		assert_int_equal(lma_peer_sessions(world.lma, MAG1), 1);
		assert_int_equal(lma_peer_sessions(world.lma, MAG2), 0);
		lma_clear(world.lma, &world.now, &id);
		fake_host_run(&world.fake);
		assert_int_equal(world_bindings(&world), 0);
		assert_int_equal(world.fake.endpoint_count, 0);
		world_advance(&world, 1000);
	}
}

/* Of two prefixes one stays where it was: its tunnel must still be there. */
static void handover_that_is_refused_half_way_leaves_nothing_at_a_dead_tunnel(void **state)
{
	for (unsigned n = 2; n <= 3; n++) { /* the first endpoint, the second */
		struct pbu pbu = world_pbu(&world, "two@example.com", MAG1);
		struct pba granted = world_ask(&world, &pbu);
		struct mn_id id = world_id("two@example.com");

		pbu = world_pbu_again(&world, "two@example.com", MAG2, &granted, 225);
		world.fake.fail_update = n;
		world.fake.fail_error = -ENOSPC;
		assert_int_equal(world_ask(&world, &pbu).status, MH_STATUS_INSUFFICIENT_RESOURCES);
		expect_tunnel(endpoint_of(&granted, 0), MAG1);
		expect_tunnel(endpoint_of(&granted, 1), MAG1);
		assert_int_equal(world.fake.tunnel_count, 1);
		lma_clear(world.lma, &world.now, &id);
		fake_host_run(&world.fake);
		expect_nothing_left();
	}
}

static void handover_that_cannot_even_go_back_ends_the_binding(void **state)
{
	struct pba granted = world_register(&world, MN, MAG1);
	struct pbu pbu = world_pbu_again(&world, MN, MAG2, &granted, 225);

	world.fake.is_held = true;
	world_send(&world, &pbu);
	world.fake.fail_update = 2;
	world.fake.fail_error = -ENOSPC;
	assert_true(fake_host_run_one(&world.fake));
	world.fake.fail_update = 1; /* the 130 has no update; then the way back */
	world.fake.is_held = false;
	fake_host_run(&world.fake);
	assert_int_equal(world_answer(&world).status, MH_STATUS_INSUFFICIENT_RESOURCES);
	expect_nothing_left();
}

static void refused_block_still_ends_in_a_deregistration(void **state)
{
	struct pba granted = world_register(&world, MN, MAG1);
	struct pbu pbu = world_pbu_again(&world, MN, MAG1, &granted, 0);

	world.fake.fail_update = 1;
	world.fake.fail_error = -ENOSPC;
	assert_int_equal(world_ask(&world, &pbu).status, MH_STATUS_ACCEPTED);
	assert_int_equal(world_binding(&world, MN).state, BINDING_DELETING);
	world_advance(&world, 10001);
	expect_nothing_left();
}

static void refused_return_from_the_delete_wait_deletes_in_time(void **state)
{
	struct pba granted = world_register(&world, MN, MAG1);
	uint64_t endpoint = endpoint_of(&granted, 0);
	struct pbu pbu = world_pbu_again(&world, MN, MAG1, &granted, 0);

	granted = world_ask(&world, &pbu);
	world_advance(&world, 5000);
	world.fake.fail_update = 2; /* endpoint_replace of the handover */
	world.fake.fail_error = -ENOSPC;
	assert_int_equal(move_to(&granted, MAG2).status, MH_STATUS_INSUFFICIENT_RESOURCES);
	assert_int_equal(world_binding(&world, MN).state, BINDING_DELETING);
	assert_int_equal(fake_host_endpoint(&world.fake, endpoint)->flags, FORWARD_BLOCKED);
	world_advance(&world, 5000);
	expect_nothing_left();
}

static void end_of_a_transaction_whose_binding_is_gone_changes_nothing(void **state)
{
	struct pbu pbu = world_pbu(&world, MN, MAG1);
	struct mn_id id = world_id(MN);

	world.fake.is_held = true;
	world_send(&world, &pbu);
	assert_int_equal(lma_clear(world.lma, &world.now, &id), 1);
	pbu = world_pbu(&world, MN, MAG2);
	world_send(&world, &pbu);
	world.fake.is_held = false;
	fake_host_run(&world.fake);
	assert_int_equal(world_binding(&world, MN).state, BINDING_ACTIVE);
	expect_care_of(MAG2);
	lma_clear(world.lma, &world.now, &id);
	fake_host_run(&world.fake);
	expect_nothing_left();
}

/* ---- rule W ---- */

static struct pbu unknown_handoff(int mag)
{
	struct pbu pbu = world_pbu(&world, MN, mag);

	pbu.indicator = HI_UNKNOWN;
	pbu.link_layer_id = MAC2;
	return pbu;
}

static void cookies_leave_bit_63_to_another_engine(void **state)
{
	static const char *const names[] = {MN, "mn2@example.com", "two@example.com"};

	world.lma->serial = UINT32_C(0x7ffffffe);
	for (unsigned i = 0; i < 3; i++) {
		struct pbu pbu = world_pbu(&world, names[i], MAG1);

		world.fake.is_held = true;
		world_send(&world, &pbu);
		assert_true(world.fake.first->cookie >> 32 != 0);
		assert_int_equal(world.fake.first->cookie >> 63, 0);
		world.fake.is_held = false;
		fake_host_run(&world.fake);
		assert_int_equal(world_binding(&world, names[i]).state, BINDING_ACTIVE);
	}
}

static void held_pbu_updates_when_the_old_mag_deregisters(void **state)
{
	struct pba granted = world_register(&world, MN, MAG1);
	uint64_t endpoint = endpoint_of(&granted, 0);
	struct pbu held = unknown_handoff(MAG2), end;

	world_send(&world, &held);
	world_expect_silence(&world);
	world_advance(&world, 1000);
	end = world_pbu_again(&world, MN, MAG1, &granted, 0);
	world_send(&world, &end);
	assert_int_equal(world.fake.message_count, 2); /* to MAG1, then to MAG2 */
	fake_host_decode(&world.fake, 0, &world.answer);
	assert_int_equal(world.answer.fixed.ba.sequence, end.sequence);
	fake_host_decode(&world.fake, 1, &world.answer);
	assert_int_equal(world.answer.fixed.ba.sequence, held.sequence);
	assert_int_equal(world.answer.fixed.ba.status, MH_STATUS_ACCEPTED);
	expect_tunnel(endpoint, MAG2);
	assert_int_equal(world_bindings(&world), 1);
	world_advance(&world, 20000);
	assert_int_equal(world_binding(&world, MN).state, BINDING_ACTIVE);
}

static void held_pbu_becomes_a_new_session_after_the_delay(void **state)
{
	struct pbu held;

	world_register(&world, MN, MAG1);
	held = unknown_handoff(MAG2);
	world_send(&world, &held);
	world_advance(&world, 1499);
	world_expect_silence(&world);
	world_advance(&world, 2);
	assert_int_equal(world_answer(&world).sequence, held.sequence);
	assert_int_equal(world_bindings(&world), 2);
}

/* B.10: one PBA, to the last one; the wait began with the first. */
static void retransmission_replaces_the_held_pbu(void **state)
{
	struct pbu held;

	world_register(&world, MN, MAG1);
	held = unknown_handoff(MAG2);
	world_send(&world, &held);
	world_advance(&world, 1000);
	held = unknown_handoff(MAG2);
	world_send(&world, &held);
	world_advance(&world, 501);
	assert_int_equal(world_answer(&world).sequence, held.sequence);
	assert_int_equal(world_bindings(&world), 2);
	assert_int_equal(stats().pbu_held, 1);
}

/* B.10: the timestamp of a held PBU is not accepted yet, and is not checked again. */
static void held_pbu_stays_valid_after_a_later_deregistration(void **state)
{
	struct pba granted = world_register(&world, MN, MAG1);
	struct pbu held = unknown_handoff(MAG2), end;

	end = world_pbu_again(&world, MN, MAG1, &granted, 0);
	world_send(&world, &held);
	assert_true(end.wall_ns > held.wall_ns);
	world_send(&world, &end);
	assert_int_equal(world.fake.message_count, 2);
	fake_host_decode(&world.fake, 1, &world.answer);
	assert_int_equal(world.answer.fixed.ba.status, MH_STATUS_ACCEPTED);
}

static void definite_pbu_of_the_waiting_mag_makes_the_held_one_void(void **state)
{
	struct pba granted = world_register(&world, MN, MAG1);
	struct pbu held = unknown_handoff(MAG2), sure;

	world_send(&world, &held);
	sure = world_pbu_again(&world, MN, MAG2, &granted, 225);
	sure.indicator = HI_BETWEEN_INTERFACES;
	assert_int_equal(world_ask(&world, &sure).status, MH_STATUS_ACCEPTED);
	world_advance(&world, 5000);
	world_expect_silence(&world);
	assert_int_equal(world_bindings(&world), 1);
}

static void refresh_of_the_old_mag_does_not_end_the_wait(void **state)
{
	struct pba granted = world_register(&world, MN, MAG1);
	struct pbu held = unknown_handoff(MAG2), refresh;

	world_send(&world, &held);
	refresh = world_pbu_again(&world, MN, MAG1, &granted, 225);
	assert_int_equal(world_ask(&world, &refresh).status, MH_STATUS_ACCEPTED);
	assert_int_equal(world_binding(&world, MN).state, BINDING_HELD);
	world_advance(&world, 1500);
	assert_int_equal(world_answer(&world).sequence, held.sequence);
}

static void held_pbu_is_a_new_session_when_its_binding_expires(void **state)
{
	struct pbu pbu = world_pbu(&world, MN, MAG1), held;

	pbu.lifetime = 1;
	assert_int_equal(world_ask(&world, &pbu).lifetime, 1);
	world_advance(&world, 3500);
	held = unknown_handoff(MAG2);
	world_send(&world, &held);
	world_advance(&world, 600);
	assert_int_equal(world_answer(&world).sequence, held.sequence);
	expect_care_of(MAG2);
}

static void cleared_binding_takes_the_held_pbu_along(void **state)
{
	struct pbu held;
	struct mn_id id = world_id(MN);

	world_register(&world, MN, MAG1);
	held = unknown_handoff(MAG2);
	world_send(&world, &held);
	assert_int_equal(lma_clear(world.lma, &world.now, &id), 1);
	fake_host_run(&world.fake);
	world_advance(&world, 5000);
	world_expect_silence(&world);
	expect_nothing_left();
	assert_int_equal(lma_clear(world.lma, &world.now, &id), 0);
}

/* ---- link-local address: wire-formats B.4 ---- */

static void link_local_address_is_generated_kept_and_replaced(void **state)
{
	struct pbu pbu = world_pbu(&world, MN, MAG1);
	struct pba granted;
	struct in6_addr generated, given;

	pbu.link_local = "::";
	granted = world_ask(&world, &pbu);
	generated = granted.options.link_local;
	assert_int_equal(generated.s6_addr[0], 0xfe);
	assert_int_equal(generated.s6_addr[1], 0x80);
	assert_int_equal(generated.s6_addr[8] & 0x02, 0); /* no EUI-64 of a global address */
	expect_link_local(&generated);

	pbu = world_pbu_again(&world, MN, MAG2, &granted, 225); /* ALL_ZERO with a binding: the binding's */
	pbu.link_local = "::";
	granted = world_ask(&world, &pbu);
	assert_memory_equal(&granted.options.link_local, &generated, sizeof(generated));

	pbu = world_pbu_again(&world, MN, MAG2, &granted, 225); /* given: stored */
	pbu.link_local = "fe80::77";
	granted = world_ask(&world, &pbu);
	assert_int_equal(ip6_parse("fe80::77", &given), 0);
	assert_memory_equal(&granted.options.link_local, &given, sizeof(given));
	expect_link_local(&given);

	pbu = world_pbu_again(&world, MN, MAG2, &granted, 225); /* rejected: copied, not stored */
	pbu.link_local = "fe80::88";
	pbu.technology = -1;
	granted = world_ask(&world, &pbu);
	assert_int_equal(granted.options.link_local.s6_addr[15], 0x88);
	expect_link_local(&given);
}

/* ---- lost peers ---- */

static void bindings_of_a_lost_peer_are_purged_and_no_others(void **state)
{
	struct pbu held;
	world_register(&world, MN, MAG1);
	world_register(&world, "static@example.com", MAG1);
	world_register(&world, "mn2@example.com", MAG2);
	held = unknown_handoff(MAG3);
	world_send(&world, &held);
	assert_int_equal(lma_peer_lost(world.lma, &world.now, &mag_addresses[MAG1]), 2);
	world_advance(&world, 10);
	assert_int_equal(world_answer(&world).sequence, held.sequence); /* it need not wait any more */
	assert_int_equal(world_bindings(&world), 2);
	assert_int_equal(stats().purged, 2);
	assert_int_equal(lma_peer_sessions(world.lma, MAG1), 0);
	assert_int_equal(lma_peer_lost(world.lma, &world.now, &mag_addresses[MAG1]), 0);
	assert_int_equal(lma_peer_lost(world.lma, &world.now, &mag_addresses[MAG4]), 0);
}

static void refused_handover_does_not_go_back_to_a_lost_peer(void **state)
{
	struct pba granted = world_register(&world, MN, MAG1);
	struct pbu pbu = world_pbu_again(&world, MN, MAG2, &granted, 225);

	world_register(&world, "mn2@example.com", MAG1);
	pbu.wall_ns = world.now.wall_ns;
	world.fake.is_held = true;
	world_send(&world, &pbu);
	assert_int_equal(lma_peer_lost(world.lma, &world.now, &mag_addresses[MAG1]), 1);
	world.fake.fail_update = 2;
	world.fake.fail_error = -ENOSPC;
	world.fake.is_held = false;
	fake_host_run(&world.fake);
	assert_int_equal(world_answer(&world).status, MH_STATUS_INSUFFICIENT_RESOURCES);
	expect_nothing_left();
}

static void purge_waits_while_the_host_is_busy_and_spares_new_registrations(void **state)
{
	struct pba granted = world_register(&world, MN, MAG1);
	struct pbu pbu;

	world_register(&world, "mn2@example.com", MAG1);
	world.fake.is_busy = true;
	assert_int_equal(lma_peer_lost(world.lma, &world.now, &mag_addresses[MAG1]), 2);
	world_advance(&world, 50);
	assert_int_equal(world_bindings(&world), 2);
	pbu = world_pbu_again(&world, MN, MAG1, &granted, 225);
	assert_int_equal(world_ask(&world, &pbu).status, MH_STATUS_ACCEPTED);
	world.fake.is_busy = false;
	world_advance(&world, 50);
	assert_int_equal(world_bindings(&world), 1);
	assert_int_equal(world_binding(&world, MN).state, BINDING_ACTIVE);
}

/* ---- prefixes ---- */

static void node_gets_its_prefix_back_while_it_is_held(void **state)
{
	struct pba granted = world_register(&world, MN, MAG1);
	uint64_t endpoint = endpoint_of(&granted, 0);
	struct mn_id id = world_id(MN);

	lma_clear(world.lma, &world.now, &id);
	fake_host_run(&world.fake);
	world_advance(&world, PREFIX_HOLD_S * 1000 - 10);
	granted = world_register(&world, "mn2@example.com", MAG1);
	assert_int_not_equal(endpoint_of(&granted, 0), endpoint);
	granted = world_register(&world, MN, MAG2);
	assert_int_equal(endpoint_of(&granted, 0), endpoint);
}

static void static_prefixes_are_assigned_and_may_be_asked_for(void **state)
{
	struct pbu pbu = world_pbu(&world, "static@example.com", MAG1);
	struct pba granted = world_ask(&world, &pbu);
	struct mn_id id = world_id("static@example.com");

	assert_int_equal(granted.options.prefix_count, 2);
	assert_int_equal(endpoint_of(&granted, 0), world_endpoint("2001:db8:f1:1::/64"));
	assert_int_equal(endpoint_of(&granted, 1), world_endpoint("2001:db8:f1:2::/64"));
	pbu = world_pbu(&world, "static@example.com", MAG2);
	pbu.link_layer_id = MAC2; /* a second interface: nothing is left for it */
	assert_int_equal(world_ask(&world, &pbu).status, MH_STATUS_INSUFFICIENT_RESOURCES);
	lma_clear(world.lma, &world.now, &id);
	fake_host_run(&world.fake);
	pbu = world_pbu(&world, "static@example.com", MAG1);
	pbu.prefixes[0] = "2001:db8:f1:2::";
	granted = world_ask(&world, &pbu);
	assert_int_equal(granted.status, MH_STATUS_ACCEPTED);
	assert_int_equal(granted.options.prefix_count, 1);
	pbu = world_pbu(&world, MN, MAG1);
	pbu.prefixes[0] = "2001:db8:f1:1::";
	assert_int_equal(world_ask(&world, &pbu).status, MH_STATUS_NOT_AUTHORIZED_FOR_HOME_NETWORK_PREFIX);
}

static void restarted(struct lma_config *config)
{
	config->restart_hold_s = UINT32_MAX;
}

/* B.10: after a start without state. */
static void restart_hold_grants_known_prefixes_only(void **state)
{
	struct pbu pbu;
	struct pba granted;

	world_fini(&world);
	world_init(&world, restarted);
	pbu = world_pbu(&world, MN, MAG1);
	assert_int_equal(world_ask(&world, &pbu).status, MH_STATUS_INSUFFICIENT_RESOURCES);
	pbu = world_pbu(&world, "mn2@example.com", MAG1);
	pbu.prefixes[0] = "2001:db8:f000::"; /* the first of the pool, still in use out there */
	pbu.indicator = HI_UNCHANGED;
	pbu.lifetime = 900;
	assert_int_equal(world_ask(&world, &pbu).status, MH_STATUS_ACCEPTED);
	world_register(&world, "static@example.com", MAG1);
	world_advance(&world, LIFETIME_MAX_S * UINT64_C(1000));
	granted = world_register(&world, MN, MAG1);
	assert_int_not_equal(endpoint_of(&granted, 0), world_endpoint("2001:db8:f000::/64"));
}

static void views_walk_every_binding_once(void **state)
{
	struct binding_view view;
	unsigned seen = 0;

	world_register(&world, MN, MAG1);
	world_register(&world, "static@example.com", MAG2);
	world_register(&world, "two@example.com", MAG3);
	for (uint32_t at = 0; lma_binding_next(world.lma, at, &view); at = view.index + 1) {
		assert_int_equal(view.peer, seen);
		assert_int_equal(view.prefix_count, seen == 0 ? 1 : 2);
		assert_string_equal(binding_state_name(view.state), "active");
		seen++;
	}
	assert_int_equal(seen, 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(granted_lifetime_is_the_smaller_one_and_never_0),
		TEST(lifetime_below_one_unit_is_granted_as_one_unit),
		TEST(binding_expires_at_the_end_of_its_lifetime),
		TEST(refresh_extends_the_lifetime_without_an_update),
		TEST(refresh_with_a_shorter_lifetime_expires_earlier),
		TEST(handover_brings_the_new_tunnel_first_and_takes_the_old_one_last),
		TEST(tunnel_stays_while_another_binding_uses_it),
		TEST(alternate_care_of_address_is_the_end_of_the_tunnel),
		TEST(several_prefixes_move_together),
		TEST(interfaces_of_one_node_have_sessions_of_their_own),
		TEST(deregistration_blocks_the_traffic_and_deletes_after_the_delay),
		TEST(deregistration_again_is_answered_and_does_not_prolong_the_delay),
		TEST(deregistration_from_the_wrong_mag_is_ignored),
		TEST(pbu_in_the_delete_wait_cancels_the_deletion),
		TEST(rejected_pbu_in_the_delete_wait_does_not_cancel_it),
		TEST(duplicate_of_the_last_accepted_pbu_gets_its_answer_again),
		TEST(duplicate_deregistration_gets_its_answer_again),
		TEST(duplicate_in_sequence_mode_gets_its_answer_again),
		TEST(answer_waits_for_the_forwarding_state),
		TEST(retransmission_while_pending_is_answered_afterwards_without_another_transaction),
		TEST(older_pbu_does_not_replace_the_parked_one),
		TEST(deregistration_while_pending_follows_it),
		TEST(refused_registration_lets_the_parked_pbu_try_again),
		TEST(refused_handover_is_answered_130_and_goes_back),
		TEST(handover_that_is_refused_half_way_leaves_nothing_at_a_dead_tunnel),
		TEST(handover_that_cannot_even_go_back_ends_the_binding),
		TEST(refused_block_still_ends_in_a_deregistration),
		TEST(refused_return_from_the_delete_wait_deletes_in_time),
		TEST(end_of_a_transaction_whose_binding_is_gone_changes_nothing),
		TEST(cookies_leave_bit_63_to_another_engine),
		TEST(held_pbu_updates_when_the_old_mag_deregisters),
		TEST(held_pbu_becomes_a_new_session_after_the_delay),
		TEST(retransmission_replaces_the_held_pbu),
		TEST(held_pbu_stays_valid_after_a_later_deregistration),
		TEST(definite_pbu_of_the_waiting_mag_makes_the_held_one_void),
		TEST(refresh_of_the_old_mag_does_not_end_the_wait),
		TEST(held_pbu_is_a_new_session_when_its_binding_expires),
		TEST(cleared_binding_takes_the_held_pbu_along),
		TEST(link_local_address_is_generated_kept_and_replaced),
		TEST(bindings_of_a_lost_peer_are_purged_and_no_others),
		TEST(refused_handover_does_not_go_back_to_a_lost_peer),
		TEST(purge_waits_while_the_host_is_busy_and_spares_new_registrations),
		TEST(node_gets_its_prefix_back_while_it_is_held),
		TEST(static_prefixes_are_assigned_and_may_be_asked_for),
		TEST(restart_hold_grants_known_prefixes_only),
		TEST(views_walk_every_binding_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
