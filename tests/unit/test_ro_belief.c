/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who is believed (wire-formats G.7), and which messages are too old, too new or not true (G.6.3): messages of
 * configured peers that no gateway of ours would send, at that moment or at all.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <errno.h>

#include <cmocka.h>

#include "endpoint.h"
#include "ro/internal.h"
#include "ro_world.h"

#define OTHER_PREFIX UINT64_C(0x20010db800f20077) /* of LMA2, nobody's */
#define ALIEN_PREFIX UINT64_C(0x20010db800f30001) /* of no LMA */

static struct world world;

static void begin(unsigned variant)
{
	world_init(&world, (struct world_options){.proxy = variant & 1, .one_lma = variant & 2});
}

static bool is_direct(void)
{
	return world_sends(&world, MAG1, 1, 2, MAG2) && world_sends(&world, MAG2, 2, 1, MAG1);
}

static struct ro_view view_at(unsigned node)
{
	struct ro_view view;

	assert_true(ro_pair_find(world.nodes[node].ro, world.mns[0].prefix, world.mns[1].prefix, &view));
	return view;
}

static uint64_t stamp_of_now(void)
{
	return mh_timestamp_from_ns(world.now.wall_ns);
}

/* ---- messages as somebody could write them ---- */

static struct ro_tuple tuple_for(unsigned mn, int mag)
{
	const struct world_mn *who = &world.mns[mn - 1];
	struct ro_tuple tuple = {
		.id = {.subtype = 1, .length = (uint8_t)strlen(who->id), .data = (const uint8_t *)who->id},
		.prefixes = {{prefix_address(who->prefix), 64}},
		.prefix_count = 1,
		.has_mag = mag >= 0};

	if (mag >= 0)
		tuple.mag = world.nodes[mag].config.address;
	return tuple;
}

struct forged {
	unsigned from, to;
	struct ro_fixed fixed;
	struct ro_body body;
};

/* @a: MN of the receiver, @b: the other one, at @mag. */
static struct forged message(unsigned from, unsigned to, uint8_t code, unsigned a, unsigned b, unsigned mag)
{
	static uint16_t sequence = 1000;

	return (struct forged){.from = from,
		.to = to,
		.fixed = {.code = code,
			.experimental = true,
			.sequence = ++sequence,
			.value = RO_REASON_NEW_FLOW,
			.lifetime_s = 300,
			.association = 0x4711},
		.body = {.tuples = {tuple_for(a, -1), tuple_for(b, (int)mag)},
			.tuple_count = 2,
			.has_stamp = true,
			.stamp = stamp_of_now()}};
}

static void inject(const struct forged *forged)
{
	const struct in6_addr *from = &world.nodes[forged->from].config.address;
	const struct in6_addr *to = &world.nodes[forged->to].config.address;
	uint8_t bytes[MH_LENGTH_SEND_MAX];
	struct mh_datagram datagram = {.source = *from, .destination = *to, .bytes = bytes};
	struct mh_message decoded;

	datagram.length = ro_encode(&forged->fixed, &forged->body, bytes, sizeof(bytes), from, to);
	assert_int_not_equal(datagram.length, 0);
	assert_int_equal(mh_decode(&decoded, bytes, datagram.length, from, to), MH_ERROR_NONE);
	ro_message(world.nodes[forged->to].ro, &world.now, &datagram, &decoded);
}

/* It is answered with @status, whatever follows. */
static void expect_answer(const struct forged *forged, uint8_t status)
{
	struct ro_stats before, after;

	ro_stats(world.nodes[forged->to].ro, &before);
	inject(forged);
	ro_stats(world.nodes[forged->to].ro, &after);
	if (after.acks_sent[status] != before.acks_sent[status] + 1)
		for (unsigned i = 0; i < 256; i++)
			if (after.acks_sent[i] != before.acks_sent[i])
				fail_msg("answered %u, not %u", i, status);
	assert_int_equal(after.acks_sent[status], before.acks_sent[status] + 1);
}

static void run(void)
{
	world_run(&world);
	world.arrow_count = 0;
}

/* ---- a MAG ---- */

static struct ro_authorisation token_for(unsigned mn, unsigned other, uint32_t association, uint64_t stamp)
{
	const struct world_mn *who = &world.mns[mn - 1];
	struct side own = {.prefix_count = 1}, peer = {.prefix_count = 1, .prefixes = {world.mns[other - 1].prefix}};
	struct mn_id id = {.subtype = 1, .length = (uint8_t)strlen(who->id), .data = (const uint8_t *)who->id};
	struct ro_authorisation token;

	assert_true(side_set_id(&own, &id));
	authorisation_mint(&world.nodes[who->lma].peers[who->mag], association, stamp,
		&world.nodes[who->mag].config.address, &own, &peer, &token);
	ident_clear(&own.id);
	return token;
}

static struct forged setup_with_token(uint64_t stamp)
{
	struct forged setup = message(MAG2, MAG1, RO_SETUP, 1, 2, MAG2);

	setup.body.stamp = stamp;
	setup.body.has_authorisation = true;
	setup.body.authorisation = token_for(1, 2, setup.fixed.association, stamp);
	return setup;
}

/* G.6.5, RO-078 */
static void setup_of_a_mag_needs_the_token_of_this_very_update(void **state)
{
	struct forged setup;

	(void)state;
	begin(0);
	world.early = true; /* MAG2 knows nothing of it */
	setup = message(MAG2, MAG1, RO_SETUP, 1, 2, MAG2);
	expect_answer(&setup, RO_STATUS_NOT_AUTHORISED);
	setup = setup_with_token(stamp_of_now());
	setup.body.authorisation = token_for(1, 3, setup.fixed.association, setup.body.stamp); /* of another pair */
	expect_answer(&setup, RO_STATUS_NOT_AUTHORISED);
	setup = setup_with_token(stamp_of_now());
	setup.body.stamp++; /* of another update */
	expect_answer(&setup, RO_STATUS_NOT_AUTHORISED);
	setup = setup_with_token(stamp_of_now());
	setup.fixed.association++;
	expect_answer(&setup, RO_STATUS_NOT_AUTHORISED);
	setup = setup_with_token(stamp_of_now());
	setup.body.authorisation.key_id++;
	expect_answer(&setup, RO_STATUS_NOT_AUTHORISED);
	setup = setup_with_token(stamp_of_now() - (UINT64_C(62) << 16)); /* stale */
	expect_answer(&setup, RO_STATUS_NOT_AUTHORISED);
	setup = setup_with_token(stamp_of_now());
	setup.from = MAG3; /* somebody else's */
	expect_answer(&setup, RO_STATUS_NOT_AUTHORISED);
	setup.body.tuples[1].mag = world.nodes[MAG3].config.address;
	setup.fixed.flags = RO_FLAG_P; /* it is no LMA */
	expect_answer(&setup, RO_STATUS_NOT_AUTHORISED);
	assert_true(world_is_quiet(&world));
	setup = setup_with_token(stamp_of_now());
	expect_answer(&setup, RO_STATUS_ACTIVE);
	run();
	assert_false(world_is_quiet(&world));
	world_fini(&world);
}

/* RO-023 */
static void mag_believes_the_lma_of_its_mn_only(void **state)
{
	static const uint8_t codes[] = {RO_INIT, RO_SETUP};

	(void)state;
	begin(1);
	for (unsigned i = 0; i < 2; i++) {
		struct forged forged = message(LMA2, MAG1, codes[i], 1, 2, MAG2);

		expect_answer(&forged, RO_STATUS_NOT_AUTHORISED);
	}
	run();
	assert_true(world_is_quiet(&world));
	world_traffic(&world, LMA1);
	assert_true(is_direct());
	for (unsigned i = 0; i < 2; i++) {
		struct forged forged = message(LMA2, MAG1, codes[i], 1, 2, MAG2);

		forged.fixed.lifetime_s = 0;
		expect_answer(&forged, RO_STATUS_NOT_AUTHORISED);
	}
	run();
	assert_true(is_direct());
	world_fini(&world);
}

static void mag_takes_only_what_can_be_true(void **state)
{
	struct forged init;

	(void)state;
	begin(2);
	init = message(LMA1, MAG1, RO_INIT, 1, 2, MAG2);
	init.body.tuples[1].has_mag = false;
	expect_answer(&init, RO_STATUS_MALFORMED);
	init = message(LMA1, MAG1, RO_INIT, 1, 2, LMA2); /* no MAG */
	expect_answer(&init, RO_STATUS_NOT_AUTHORISED);
	init = message(LMA1, MAG1, RO_INIT, 1, 2, MAG2);
	init.body.tuples[1].mag.s6_addr[15] ^= 0x40; /* nobody's */
	expect_answer(&init, RO_STATUS_NOT_AUTHORISED);
	init = message(LMA1, MAG1, RO_INIT, 1, 2, MAG2);
	init.body.tuples[0].id = init.body.tuples[1].id; /* its HNP is another MN's */
	expect_answer(&init, RO_STATUS_PREFIX);
	init = message(LMA1, MAG1, RO_INIT, 1, 2, MAG2);
	init.body.tuples[1].prefixes[0].length = 48;
	expect_answer(&init, RO_STATUS_PREFIX);
	init = message(LMA1, MAG1, RO_INIT, 1, 2, MAG2);
	init.body.tuples[1].prefix_count = 2; /* one of them twice */
	init.body.tuples[1].prefixes[1] = init.body.tuples[1].prefixes[0];
	expect_answer(&init, RO_STATUS_PREFIX);
	init = message(LMA1, MAG1, RO_INIT, 1, 2, MAG2);
	init.body.tuples[1].prefix_count = 0;
	expect_answer(&init, RO_STATUS_MALFORMED);
	init = message(LMA1, MAG1, RO_INIT, 2, 1, MAG2); /* MN2 is elsewhere */
	expect_answer(&init, RO_STATUS_NOT_ATTACHED);
	init = message(LMA1, MAG1, RO_INIT, 1, 1, MAG2);
	expect_answer(&init, RO_STATUS_MALFORMED);
	init = message(LMA1, MAG1, RO_INIT, 1, 2, MAG2);
	init.body.has_tunnel = true;
	init.body.tunnel_mode = 2; /* GRE */
	expect_answer(&init, RO_STATUS_TUNNEL);
	init.body.tunnel_mode = 1;
	expect_answer(&init, RO_STATUS_CREATED);
	world_fini(&world);
}

/* G.6.6: the MN that it names may be on its way here, and not be known yet. */
static void removal_by_the_lma_of_either_own_mn_ends_the_pair(void **state)
{
	(void)state;
	for (unsigned variant = 2; variant < 4; variant++) { /* one LMA */
		struct forged removal;

		begin(variant);
		world_traffic(&world, LMA1);
		assert_true(is_direct());
		removal = message(LMA1, MAG1, RO_SETUP, 2, 1, MAG1);
		removal.fixed.lifetime_s = 0;
		removal.fixed.value = RO_REASON_TEAR_DOWN;
		removal.body.stamp = view_at(MAG1).stamp + 1;
		removal.from = LMA2; /* of nobody here */
		expect_answer(&removal, RO_STATUS_NOT_AUTHORISED);
		assert_true(world_sends(&world, MAG1, 1, 2, MAG2));
		removal.from = LMA1;
		removal.fixed.sequence++;
		expect_answer(&removal, RO_STATUS_REMOVED);
		run();
		assert_false(world_sends(&world, MAG1, 1, 2, MAG2));
		world_fini(&world);
	}
}

/* G.6.3 */
static void stamps_of_the_future_and_of_no_time_are_refused(void **state)
{
	(void)state;
	for (unsigned node = LMA2; node <= MAG1; node++) {
		struct forged init;
		struct ro_stats stats;

		begin(0);
		init = node == LMA2 ? message(LMA1, LMA2, RO_INIT, 2, 1, MAG1)
				    : message(LMA1, MAG1, RO_INIT, 1, 2, MAG2);
		init.body.stamp += UINT64_C(11) << 16;
		expect_answer(&init, RO_STATUS_MALFORMED);
		init.body.stamp = 0;
		expect_answer(&init, RO_STATUS_MALFORMED);
		ro_stats(world.nodes[node].ro, &stats);
		assert_int_equal(stats.pairs, 0);
		init.body.stamp = stamp_of_now() + (UINT64_C(10) << 16);
		expect_answer(&init, RO_STATUS_CREATED);
		world_fini(&world);
	}
}

/* A stamp that a peer names in an Ack is no reason to leave our own time. */
static void refusal_with_a_stamp_of_the_future_moves_no_clock(void **state)
{
	struct forged ack;
	struct ro_view view;

	(void)state;
	begin(2);
	world.nodes[MAG2].dead = true;
	world_traffic(&world, LMA1);
	view = view_at(LMA1);
	ack = message(MAG2, LMA1, RO_INIT_ACK, 2, 1, MAG1);
	ack.body.stamp = stamp_of_now() + (UINT64_C(3600) << 16);
	ack.fixed.value = RO_STATUS_OUT_OF_WINDOW;
	ack.fixed.association = view.association;
	for (uint32_t sequence = 0; sequence <= UINT16_MAX; sequence++) { /* one of them is it */
		ack.fixed.sequence = (uint16_t)sequence;
		inject(&ack);
	}
	run();
	assert_true(view_at(LMA1).stamp > view.stamp);
	assert_true(view_at(LMA1).stamp < stamp_of_now() + (UINT64_C(1) << 16));
	world_fini(&world);
}

/* G.6.3: the Ack of an update that a newer one has superseded is not repeated, for it is not true any more. */
static void old_request_gets_no_old_ack(void **state)
{
	struct forged init, setup;
	struct ro_stats stats;

	(void)state;
	begin(3);
	init = message(LMA1, MAG2, RO_INIT, 2, 1, MAG1);
	init.fixed.flags = RO_FLAG_P;
	expect_answer(&init, RO_STATUS_CREATED);
	run();
	inject(&init); /* a duplicate */
	ro_stats(world.nodes[MAG2].ro, &stats);
	assert_int_equal(stats.acks_sent[RO_STATUS_CREATED], 1);
	assert_int_equal(stats.duplicates, 1);
	setup = message(LMA1, MAG2, RO_SETUP, 2, 1, MAG1);
	setup.fixed.flags = RO_FLAG_P;
	setup.fixed.lifetime_s = 0;
	setup.body.stamp = init.body.stamp + 1;
	expect_answer(&setup, RO_STATUS_REMOVED);
	run();
	expect_answer(&init, RO_STATUS_OUT_OF_WINDOW);
	world_fini(&world);
}

/* G.6.4: numbers are compared within an update, modulo 2^16 */
static void request_that_a_later_one_has_overtaken_is_refused(void **state)
{
	struct forged first, second;

	(void)state;
	begin(3);
	world.mns[1].mag = MAG1; /* a local pair gets two Setups */
	first = message(LMA1, MAG1, RO_SETUP, 1, 2, MAG1);
	first.fixed.flags = RO_FLAG_P;
	second = message(LMA1, MAG1, RO_SETUP, 2, 1, MAG1);
	second.fixed.flags = RO_FLAG_P;
	first.fixed.sequence = UINT16_MAX;
	second.fixed.sequence = 0;
	expect_answer(&first, RO_STATUS_ACTIVE);
	expect_answer(&second, RO_STATUS_ACTIVE);
	expect_answer(&first, RO_STATUS_OUT_OF_WINDOW);
	world_fini(&world);
}

/* G.2: ends the pair whatever the message is */
static void init_of_lifetime_0_ends_the_pair(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 4; variant++) {
		struct forged init;

		begin(variant);
		world_traffic(&world, LMA1);
		assert_true(is_direct());
		world.early = true;
		world.now.wall_ns += 1000000;
		init = variant & 2 ? message(LMA1, MAG2, RO_INIT, 2, 1, MAG1)
				   : message(LMA1, LMA2, RO_INIT, 2, 1, MAG1);
		init.fixed.lifetime_s = 0;
		expect_answer(&init, RO_STATUS_REMOVED);
		run();
		assert_false(world_sends(&world, MAG2, 2, 1, MAG1));
		world.now.wall_ns += 1000000;
		init.fixed.sequence++;
		init.body.stamp -= 1; /* older than what ended it */
		expect_answer(&init, RO_STATUS_REMOVED);
		world_fini(&world);
	}
}

static void refresh_of_what_a_mag_does_not_have_is_refused(void **state)
{
	struct forged init;

	(void)state;
	begin(3);
	init = message(LMA1, MAG2, RO_INIT, 2, 1, MAG1);
	init.fixed.value = RO_REASON_REFRESH;
	expect_answer(&init, RO_STATUS_UNKNOWN);
	run();
	world_traffic(&world, LMA1);
	ro_stop(world.nodes[LMA1].ro, &world.now, world.mns[0].prefix, world.mns[1].prefix);
	run();
	world.now.wall_ns += 1000000;
	init = message(LMA1, MAG2, RO_INIT, 2, 1, MAG1);
	init.fixed.value = RO_REASON_REFRESH;
	expect_answer(&init, RO_STATUS_UNKNOWN);
	world_fini(&world);
}

/* Of both MNs of a local pair the MAG asks the same: permission, and whose the prefix is. */
static void local_pair_needs_both_mns_to_be_what_is_said(void **state)
{
	struct forged init;

	(void)state;
	begin(2);
	world.mns[1].mag = MAG1;
	init = message(LMA1, MAG1, RO_INIT, 1, 2, MAG1);
	init.body.tuples[1].id = tuple_for(3, -1).id;
	expect_answer(&init, RO_STATUS_PREFIX);
	world.mns[1].denied = true;
	init = message(LMA1, MAG1, RO_INIT, 1, 2, MAG1);
	expect_answer(&init, RO_STATUS_PROHIBITED);
	world.mns[1].denied = false;
	world.mns[1].mag = MAG2;
	expect_answer(&init, RO_STATUS_NOT_ATTACHED);
	assert_true(world_is_quiet(&world));
	world.mns[1].mag = MAG1;
	init.fixed.sequence++;
	expect_answer(&init, RO_STATUS_CREATED);
	assert_int_equal(view_at(MAG1).state, RO_STATE_ACTIVE);
	world_fini(&world);
}

/* Forwarding of a pair is its own: another one about some of its packets neither gets nor ends it. */
static void pair_that_overlaps_another_is_refused_and_leaves_it_alone(void **state)
{
	struct forged init;

	(void)state;
	begin(3);
	world_traffic(&world, LMA1);
	assert_true(is_direct());
	world.refusals = true;
	world.mns[0].second = UINT64_C(0x20010db800f10011);
	init = message(LMA1, MAG1, RO_INIT, 1, 2, MAG2);
	init.fixed.flags = RO_FLAG_P;
	init.body.tuples[0].prefixes[0].prefix = prefix_address(world.mns[0].second);
	init.body.tuples[0].prefixes[1] = tuple_for(1, -1).prefixes[0];
	init.body.tuples[0].prefix_count = 2;
	inject(&init);
	run();
	world_pass(&world, 61000);
	assert_true(is_direct());
	assert_non_null(world_entry(&world, MAG1, 2, 1));
	world_fini(&world);
}

/* The MN has another prefix now, and the pair of before has ended. */
static void pair_that_only_lingers_makes_way_for_one_that_overlaps_it(void **state)
{
	struct forged init;

	(void)state;
	begin(3);
	world_traffic(&world, LMA1);
	ro_stop(world.nodes[LMA1].ro, &world.now, world.mns[0].prefix, world.mns[1].prefix);
	run();
	assert_non_null(world_entry(&world, MAG1, 2, 1));
	world.mns[0].second = UINT64_C(0x20010db800f10011);
	init = message(LMA1, MAG1, RO_INIT, 1, 2, MAG2);
	init.fixed.flags = RO_FLAG_P;
	init.body.tuples[0].prefixes[0].prefix = prefix_address(world.mns[0].second);
	init.body.tuples[0].prefixes[1] = tuple_for(1, -1).prefixes[0];
	init.body.tuples[0].prefix_count = 2;
	init.body.stamp = view_at(MAG1).stamp;
	expect_answer(&init, RO_STATUS_OUT_OF_WINDOW);
	init.body.stamp++;
	init.fixed.sequence++;
	expect_answer(&init, RO_STATUS_CREATED);
	run();
	world_pass(&world, 21000); /* the end of the linger of before takes nothing away */
	assert_non_null(world_entry(&world, MAG1, 2, 1));
	world_fini(&world);
}

/* ---- an LMA ---- */

/* Its LMA lost its bindings and gave it to another MN. */
static void prefix_may_be_another_mns_at_the_next_trigger(void **state)
{
	(void)state;
	begin(0);
	world_traffic(&world, LMA1);
	ro_stop(world.nodes[LMA1].ro, &world.now, world.mns[0].prefix, world.mns[1].prefix);
	run();
	memcpy(world.mns[1].id, "mn4", 3);
	world_pass(&world, 30000);
	world_traffic(&world, LMA1);
	assert_true(is_direct());
	world_fini(&world);
}

static void other_lma_speaks_for_its_own_mns_only(void **state)
{
	struct forged init;

	(void)state;
	begin(0);
	init = message(LMA2, LMA1, RO_INIT, 1, 2, MAG2);
	init.body.tuples[1].prefixes[0].prefix = prefix_address(ALIEN_PREFIX);
	expect_answer(&init, RO_STATUS_NOT_AUTHORISED);
	init.body.tuples[1] = tuple_for(3, MAG2); /* ours */
	expect_answer(&init, RO_STATUS_NOT_AUTHORISED);
	init = message(LMA2, LMA1, RO_INIT, 1, 2, LMA2); /* no MAG */
	expect_answer(&init, RO_STATUS_NOT_AUTHORISED);
	init.body.tuples[1].has_mag = false;
	expect_answer(&init, RO_STATUS_MALFORMED);
	init = message(LMA2, LMA1, RO_INIT, 1, 2, MAG2);
	init.body.tuples[1].id.length = 0;
	expect_answer(&init, RO_STATUS_MALFORMED);
	init = message(LMA2, LMA1, RO_INIT, 1, 2, MAG2);
	init.body.tuples[0].id = tuple_for(3, -1).id;
	expect_answer(&init, RO_STATUS_PREFIX);
	init = message(LMA2, LMA1, RO_SETUP, 1, 2, MAG2);
	expect_answer(&init, RO_STATUS_NOT_AUTHORISED);
	init = message(LMA2, LMA1, RO_INIT, 1, 2, MAG2);
	init.body.tuples[0].id = (struct mn_id){.subtype = 1}; /* known by its HNP */
	expect_answer(&init, RO_STATUS_CREATED);
	world_fini(&world);
}

/* RO-002: where an MN is says an answer to an Init for anybody's HNP */
static void other_lma_asks_only_so_often_where_an_mn_is(void **state)
{
	(void)state;
	begin(0);
	for (unsigned i = 0; i < 8; i++) {
		struct forged init = message(LMA2, LMA1, RO_INIT, 1, 2, MAG2);

		init.body.tuples[1].prefixes[0].prefix = prefix_address(OTHER_PREFIX + i);
		expect_answer(&init, i < 5 ? RO_STATUS_CREATED : RO_STATUS_NO_RESOURCES);
	}
	world_fini(&world);
}

static void old_report_does_not_say_where_an_mn_is(void **state)
{
	struct forged report;
	struct ro_view view;

	(void)state;
	begin(0);
	world_traffic(&world, LMA1);
	report = message(LMA2, LMA1, RO_REPORT, 1, 2, MAG3);
	report.fixed.value = RO_STATUS_ACTIVE;
	report.body.stamp = view_at(LMA1).stamp - 1;
	expect_answer(&report, RO_STATUS_OUT_OF_WINDOW);
	view = view_at(LMA1);
	assert_memory_equal(&view.sides[view.sides[0].ours].mag, &world.nodes[MAG2].config.address, 16);
	world_fini(&world);
}

static void report_about_a_pair_that_was_removed_since_is_answered_5(void **state)
{
	struct forged report;

	(void)state;
	begin(0);
	world_traffic(&world, LMA1);
	report = message(LMA2, LMA1, RO_REPORT, 1, 2, MAG2);
	ro_stop(world.nodes[LMA1].ro, &world.now, world.mns[0].prefix, world.mns[1].prefix);
	run();
	report.fixed.lifetime_s = 0;
	report.fixed.value = RO_STATUS_REMOVED;
	report.body.stamp = view_at(LMA1).stamp - 1;
	expect_answer(&report, RO_STATUS_REMOVED);
	report.fixed.lifetime_s = 300;
	report.fixed.value = RO_STATUS_ACTIVE;
	report.fixed.sequence++;
	expect_answer(&report, RO_STATUS_OUT_OF_WINDOW);
	world_fini(&world);
}

/* G.7: a differing value is refused, and counted */
static void mag_that_says_something_else_of_its_mn_is_refused(void **state)
{
	struct forged forged[3];
	struct ro_stats stats;

	(void)state;
	begin(2);
	world_traffic(&world, LMA1);
	forged[0] = message(MAG2, LMA1, RO_REPORT, 2, 1, MAG1);
	forged[0].body.tuples[0].id = tuple_for(3, -1).id;
	forged[1] = message(MAG2, LMA1, RO_REPORT, 2, 1, MAG1);
	forged[1].body.tuples[0].has_mag = true;
	forged[1].body.tuples[0].mag = world.nodes[MAG3].config.address;
	forged[2] = message(MAG3, LMA1, RO_REPORT, 2, 1, MAG1); /* of another's MN */
	for (unsigned i = 0; i < 3; i++) {
		forged[i].fixed.lifetime_s = 0;
		expect_answer(&forged[i], RO_STATUS_NOT_AUTHORISED);
	}
	forged[0] = message(MAG1, LMA1, RO_INIT, 2, 1, MAG1); /* hints */
	forged[0].body.tuples[1].id = tuple_for(3, -1).id;
	forged[1] = message(MAG1, LMA1, RO_INIT, 2, 1, MAG3);
	forged[2] = message(MAG3, LMA1, RO_INIT, 2, 1, MAG3);
	for (unsigned i = 0; i < 3; i++)
		expect_answer(&forged[i], RO_STATUS_NOT_AUTHORISED);
	ro_stats(world.nodes[LMA1].ro, &stats);
	assert_int_equal(stats.value_mismatch, 6);
	run();
	assert_true(is_direct());
	world_fini(&world);
}

/* ---- two controllers ---- */

static void both_lmas_see(uint64_t source, uint64_t destination)
{
	for (unsigned i = LMA1; i <= LMA2; i++) {
		ro_traffic_seen(world.nodes[i].ro, &world.now, source, destination);
		ro_traffic_seen(world.nodes[i].ro, &world.now, destination, source);
	}
}

static void assert_lma2_controls(void)
{
	struct ro_view one = view_at(LMA1), other = view_at(LMA2);

	assert_false(one.controller);
	assert_true(other.controller);
	assert_int_equal(one.association, other.association);
	assert_int_equal(one.state, RO_STATE_ACTIVE);
	assert_int_equal(other.state, RO_STATE_ACTIVE);
}

/* G.6.8: also if the 3 comes before the Init that it speaks of */
static void winner_of_a_crossing_controls_even_if_its_init_comes_late(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 2; variant++) {
		begin(variant);
		world.lose = "LMA2 -RO Init-> LMA1";
		world.lose_count = 1;
		both_lmas_see(world.mns[0].prefix, world.mns[1].prefix);
		world_pass(&world, 2000);
		assert_true(is_direct());
		assert_lma2_controls();
		world_fini(&world);
	}
}

/* The answer to its Init is lost, and a Report says the rest. */
static void winner_of_a_crossing_controls_even_if_it_is_not_answered(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 2; variant++) {
		begin(variant);
		world.lose = "LMA1 -RO Init Ack-> LMA2";
		world.lose_count = 1;
		both_lmas_see(world.mns[0].prefix, world.mns[1].prefix);
		world_pass(&world, 2000);
		assert_true(is_direct());
		assert_lma2_controls();
		world_fini(&world);
	}
}

/*
 * G.6.8: the loser's Init, begun a moment later, comes when the loser has long answered the winner's. It comes while
 * the update stands still because a message was lost.
 */
static void init_of_the_loser_that_comes_late_is_answered_3(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 2; variant++) {
		unsigned stalls = 0;

		for (unsigned n = 3; n <= 10; n++) { /* the first two are the Inits */
			struct forged late;
			uint32_t id;

			begin(variant);
			world.lose = "LMA1 -RO Init-> LMA2";
			world.lose_count = 1;
			for (unsigned i = LMA2 + 1; i-- > LMA1; world.now.wall_ns += 1000000) {
				ro_traffic_seen(
					world.nodes[i].ro, &world.now, world.mns[0].prefix, world.mns[1].prefix);
				ro_traffic_seen(
					world.nodes[i].ro, &world.now, world.mns[1].prefix, world.mns[0].prefix);
			}
			late = message(LMA1, LMA2, RO_INIT, 2, 1, MAG1);
			late.fixed.association = view_at(LMA1).association;
			late.fixed.flags = variant ? RO_FLAG_P : 0;
			late.body.stamp = view_at(LMA1).stamp;
			id = view_at(LMA2).association;
			assert_true(late.body.stamp > view_at(LMA2).stamp);
			world.lose_number = n;
			world_run(&world);
			assert_int_equal(view_at(LMA1).association, id);
			if (view_at(LMA2).state == RO_STATE_PENDING) {
				stalls++;
				expect_answer(&late, RO_STATUS_SUPERSEDED);
			}
			world_pass(&world, 3000);
			assert_true(is_direct());
			assert_lma2_controls();
			assert_int_equal(view_at(LMA2).association, id);
			world_fini(&world);
		}
		assert_true(stalls >= 4); /* at an Init, a Setup and a Report at least */
	}
}

static const int firsts[] = {-1, LMA1, LMA2};

#define CROSSINGS 12

/* Some messages later; a crossing and what follows are about twenty. */
static const unsigned later[] = {1, 2, 3, 4, 6, 8, 11, 14, 18, 24};

#define LATER (sizeof(later) / sizeof(later[0]))

/* The other LMA has the other mode. */
static void lma1_differs(struct ro_config *config)
{
	if (same_address(&config->address, &config->peers[LMA1].address))
		config->proxy = !config->proxy;
}

/* In either mode or both; both LMAs ask at once, or one of them a moment before the other. */
static void begin_crossing(unsigned variant)
{
	int first = firsts[variant / 4];

	world_init(&world, (struct world_options){.proxy = variant & 1, .adjust = variant & 2 ? lma1_differs : NULL});
	for (unsigned i = 0; i < 2; i++) {
		struct ro *ro = world.nodes[first == LMA2 ? LMA2 - i : LMA1 + i].ro;

		ro_traffic_seen(ro, &world.now, world.mns[0].prefix, world.mns[1].prefix);
		ro_traffic_seen(ro, &world.now, world.mns[1].prefix, world.mns[0].prefix);
		world.now.wall_ns += first < 0 ? 0 : 1000000;
	}
}

/* One association of one identifier on all four nodes, direct both ways, or nothing anywhere. */
static void expect_one_or_none(const char *what, unsigned x, unsigned y, unsigned z)
{
	struct ro_view view, first;
	unsigned active = 0;
	bool same = true;

	for (unsigned i = LMA1; i <= MAG2; i++) {
		if (!ro_pair_find(world.nodes[i].ro, world.mns[0].prefix, world.mns[1].prefix, &view) ||
			view.state == RO_STATE_FALLBACK)
			continue;
		if (active++ == 0)
			first = view;
		same = same && view.state == RO_STATE_ACTIVE && view.association == first.association &&
		       view.stamp == first.stamp && view.proxy == first.proxy;
	}
	if (active == 4 && same && is_direct() && view_at(LMA1).controller != view_at(LMA2).controller)
		return;
	if (active == 0 && world_is_quiet(&world))
		return;
	for (unsigned i = LMA1; i <= MAG2; i++)
		if (ro_pair_find(world.nodes[i].ro, world.mns[0].prefix, world.mns[1].prefix, &view))
			print_error("%u: %s %s association %x stamp %lx controls %d\n", i, ro_state_name(view.state),
				view.step, view.association, view.stamp, view.controller);
	for (unsigned i = 0; i < world.arrow_count; i++)
		print_error("%s\n", world.arrows[i]);
	fail_msg("%s %u %u %u: the nodes do not agree", what, x, y, z);
}

/* G.6.8: an Init of the crossing comes whenever it likes, also when everything is done; or any other message does. */
static void crossing_of_which_a_message_comes_late_ends_with_one_association(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < CROSSINGS; variant++) {
		for (unsigned number = 1; number <= 24; number++) {
			for (unsigned i = 0; i < LATER; i++) {
				begin_crossing(variant);
				world.delays[0] = (struct world_delay){.number = number, .by = later[i]};
				world_run(&world);
				world_release(&world);
				world_pass(&world, 1000);
				expect_one_or_none("one", variant, number, later[i]);
				world_fini(&world);
			}
		}
	}
}

static void crossing_of_which_both_inits_come_late_ends_with_one_association(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < CROSSINGS; variant++) {
		for (unsigned one = 0; one < LATER; one++) {
			for (unsigned other = 0; other < LATER; other++) {
				begin_crossing(variant);
				world.delays[0] = (struct world_delay){.number = 1, .by = later[one]};
				world.delays[1] = (struct world_delay){.number = 2, .by = later[other]};
				world_run(&world);
				world_pass(&world, 600); /* what else comes is sent again */
				world_release(&world);
				world_pass(&world, 1000);
				expect_one_or_none("both", variant, later[one], later[other]);
				world_fini(&world);
			}
		}
	}
}

/* The loser's Init comes when all is done, and one of the messages that follow is lost. */
static void late_init_of_a_crossing_and_a_loss_end_with_one_association(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < CROSSINGS; variant++) {
		for (unsigned number = 1; number <= 2; number++) {
			for (unsigned lost = 0; lost <= 16; lost++) {
				begin_crossing(variant);
				world.delays[0] = (struct world_delay){.number = number, .by = 1000};
				world_run(&world);
				world.lose_number = lost;
				world_release(&world);
				world_pass(&world, 4000);
				expect_one_or_none("loss", variant, number, lost);
				world_fini(&world);
			}
		}
	}
}

/* G.6.8: the winner's Init never comes: nothing is left, and nobody tries again at once */
static void loser_of_a_crossing_gives_up_after_the_deadline(void **state)
{
	struct ro_view view;

	(void)state;
	begin(0);
	world.lose = "LMA2 -RO Init-> LMA1";
	world.lose_count = 1000;
	both_lmas_see(world.mns[0].prefix, world.mns[1].prefix);
	world_run(&world);
	assert_string_equal(view_at(LMA1).step, "leader-awaited"); /* the 3 has come */
	world.nodes[LMA2].dead = true;
	world_pass(&world, 16000);
	view = view_at(LMA1);
	assert_int_equal(view.state, RO_STATE_FALLBACK);
	assert_true(view.hold_down_ms > world.now.monotonic_ns / 1000000);
	assert_true(world_is_quiet(&world));
	world_fini(&world);
}

/* RO-007 */
static void pair_started_from_both_ends_at_once_is_one(void **state)
{
	struct ro *ro;
	struct ro_stats stats;

	(void)state;
	begin(2);
	ro = world.nodes[LMA1].ro;
	assert_int_equal(ro_start(ro, &world.now, world.mns[0].prefix, world.mns[1].prefix), 0);
	assert_int_equal(ro_start(ro, &world.now, world.mns[1].prefix, world.mns[0].prefix), -EALREADY);
	run();
	assert_true(is_direct());
	ro_stats(ro, &stats);
	assert_int_equal(stats.pairs, 1);
	world_fini(&world);
}

/* In the middle: both ends are told, whatever was on its way. */
static void stop_during_the_set_up_ends_everywhere(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 4; variant++) {
		for (unsigned n = 1; n <= 12; n++) {
			begin(variant);
			world.lose_number = n; /* stands still for half a second */
			world_traffic(&world, LMA1);
			ro_stop(world.nodes[LMA1].ro, &world.now, world.mns[0].prefix, world.mns[1].prefix);
			world_pass(&world, 23000);
			assert_true(world_is_quiet(&world));
			world_fini(&world);
		}
	}
}

/* G.6.3: also where the LMA that stops has not heard yet who the other MN is, and where. */
static void stop_ends_what_is_still_on_its_way(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 4; variant++) {
		for (unsigned messages = 0; messages < 14; messages++) {
			struct ro *ro;

			begin(variant);
			ro = world.nodes[LMA1].ro;
			ro_traffic_seen(ro, &world.now, world.mns[0].prefix, world.mns[1].prefix);
			ro_traffic_seen(ro, &world.now, world.mns[1].prefix, world.mns[0].prefix);
			world_step(&world, messages);
			assert_int_equal(ro_stop(ro, &world.now, world.mns[0].prefix, world.mns[1].prefix), 0);
			world_run(&world);
			if (!world_is_quiet(&world))
				fail_msg("variant %u: not after %u messages", variant, messages);
			world_pass(&world, 130000);
			assert_int_equal(world_count_left(&world), 0);
			world_fini(&world);
		}
	}
}

/* G.6.9 */
static void setup_is_not_repeated_for_an_mn_that_has_left(void **state)
{
	(void)state;
	begin(2);
	world.lose = "MAG2 -RO Setup-> MAG1";
	world.lose_count = 1000;
	world_traffic(&world, LMA1);
	world_move(&world, 2, -1);
	world.arrow_count = 0;
	world_pass(&world, 8000);
	for (unsigned i = 0; i < world.arrow_count; i++)
		assert_string_not_equal(world.arrows[i], "MAG2 -RO Setup-> MAG1");
	world_fini(&world);
}

/* Each LMA knows all prefixes of its own MN, and of the other one that which it saw. */
static void crossing_inits_with_different_prefixes_are_about_one_pair(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 2; variant++) {
		struct ro_stats stats;

		begin(variant);
		world.mns[0].second = world.mns[0].prefix;
		world.mns[1].second = world.mns[1].prefix;
		world.mns[0].prefix += 16;
		world.mns[1].prefix += 16;
		both_lmas_see(world.mns[0].second, world.mns[1].second);
		world_pass(&world, 2000);
		for (unsigned i = LMA1; i <= MAG2; i++) {
			ro_stats(world.nodes[i].ro, &stats);
			assert_int_equal(stats.active, 1);
			assert_int_equal(stats.pairs, 1);
		}
		world_fini(&world);
	}
}

/* RO-037: what an own MN has says its session; of the other one the newest message does. Neither ends an update. */
static void ipv4_home_address_of_an_own_mn_is_what_its_session_has(void **state)
{
	static const struct ro_ipv4_home own = {{10, 1, 0, 9}, 24}, told = {{203, 0, 113, 5}, 32};
	struct ro_view view;
	struct forged init;

	(void)state;
	for (unsigned has = 0; has < 2; has++) {
		begin(1);
		world.mns[0].ipv4 = has ? own : (struct ro_ipv4_home){.length = 0};
		init = message(LMA1, MAG1, RO_INIT, 1, 2, MAG2);
		init.fixed.flags = RO_FLAG_P;
		init.body.tuples[0].ipv4 = init.body.tuples[1].ipv4 = told;
		expect_answer(&init, RO_STATUS_CREATED);
		view = view_at(MAG1);
		for (unsigned i = 0; i < 2; i++)
			assert_memory_equal(
				&view.sides[i].ipv4, view.sides[i].ours ? &world.mns[0].ipv4 : &told, sizeof(told));
		run();
		world_fini(&world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(setup_of_a_mag_needs_the_token_of_this_very_update),
		cmocka_unit_test(mag_believes_the_lma_of_its_mn_only),
		cmocka_unit_test(mag_takes_only_what_can_be_true),
		cmocka_unit_test(removal_by_the_lma_of_either_own_mn_ends_the_pair),
		cmocka_unit_test(stamps_of_the_future_and_of_no_time_are_refused),
		cmocka_unit_test(refusal_with_a_stamp_of_the_future_moves_no_clock),
		cmocka_unit_test(old_request_gets_no_old_ack),
		cmocka_unit_test(request_that_a_later_one_has_overtaken_is_refused),
		cmocka_unit_test(init_of_lifetime_0_ends_the_pair),
		cmocka_unit_test(refresh_of_what_a_mag_does_not_have_is_refused),
		cmocka_unit_test(local_pair_needs_both_mns_to_be_what_is_said),
		cmocka_unit_test(pair_that_overlaps_another_is_refused_and_leaves_it_alone),
		cmocka_unit_test(pair_that_only_lingers_makes_way_for_one_that_overlaps_it),
		cmocka_unit_test(prefix_may_be_another_mns_at_the_next_trigger),
		cmocka_unit_test(other_lma_speaks_for_its_own_mns_only),
		cmocka_unit_test(other_lma_asks_only_so_often_where_an_mn_is),
		cmocka_unit_test(old_report_does_not_say_where_an_mn_is),
		cmocka_unit_test(report_about_a_pair_that_was_removed_since_is_answered_5),
		cmocka_unit_test(mag_that_says_something_else_of_its_mn_is_refused),
		cmocka_unit_test(winner_of_a_crossing_controls_even_if_its_init_comes_late),
		cmocka_unit_test(winner_of_a_crossing_controls_even_if_it_is_not_answered),
		cmocka_unit_test(init_of_the_loser_that_comes_late_is_answered_3),
		cmocka_unit_test(crossing_of_which_a_message_comes_late_ends_with_one_association),
		cmocka_unit_test(crossing_of_which_both_inits_come_late_ends_with_one_association),
		cmocka_unit_test(late_init_of_a_crossing_and_a_loss_end_with_one_association),
		cmocka_unit_test(loser_of_a_crossing_gives_up_after_the_deadline),
		cmocka_unit_test(pair_started_from_both_ends_at_once_is_one),
		cmocka_unit_test(stop_during_the_set_up_ends_everywhere),
		cmocka_unit_test(stop_ends_what_is_still_on_its_way),
		cmocka_unit_test(setup_is_not_repeated_for_an_mn_that_has_left),
		cmocka_unit_test(crossing_inits_with_different_prefixes_are_about_one_pair),
		cmocka_unit_test(ipv4_home_address_of_an_own_mn_is_what_its_session_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
