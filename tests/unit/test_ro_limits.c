/* SPDX-License-Identifier: BSD-3-Clause */
/* What route optimisation does not do too often, too much at once, or with whom it is of no use (wire-formats G.7). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <errno.h>

#include <cmocka.h>

#include "ro_world.h"

static struct world world;

static void begin(unsigned variant)
{
	world_init(&world, (struct world_options){.proxy = variant & 1, .one_lma = variant & 2});
}

static int start(void)
{
	int error = ro_start(world.nodes[LMA1].ro, &world.now, world.mns[0].prefix, world.mns[1].prefix);

	world_run(&world);
	return error;
}

static bool is_direct(void)
{
	return world_sends(&world, MAG1, 1, 2, MAG2) && world_sends(&world, MAG2, 2, 1, MAG1);
}

/* ---- peers without route optimisation ---- */

static bool binding_error(unsigned at, unsigned from)
{
	bool taken = ro_binding_error(world.nodes[at].ro, &world.now, &world.nodes[from].config.address);

	world_run(&world);
	return taken;
}

static void binding_error_without_a_request_is_of_no_interest(void **state)
{
	(void)state;
	begin(2);
	assert_false(binding_error(LMA1, MAG2));
	assert_int_equal(start(), 0);
	assert_true(is_direct());
	assert_false(binding_error(LMA1, MAG2)); /* all requests are answered */
	assert_true(is_direct());
	world_fini(&world);
}

/* G.7: 300 s, doubling to an hour */
static void peer_that_knows_no_ro_is_left_alone_for_longer_and_longer(void **state)
{
	uint64_t silence_ms = 300000;

	(void)state;
	begin(2);
	world.nodes[MAG2].dead = true; /* a Binding Error is all that comes from there */
	for (unsigned i = 0; i < 6; i++) {
		assert_int_equal(start(), 0);
		assert_true(binding_error(LMA1, MAG2));
		world.arrow_count = 0;
		assert_int_equal(start(), -EOPNOTSUPP);
		world_pass(&world, silence_ms - 1000);
		assert_int_equal(start(), -EOPNOTSUPP);
		world.arrow_count = 0;
		world_pass(&world, 1000);
		silence_ms = silence_ms * 2 < 3600000 ? silence_ms * 2 : 3600000;
	}
	world_fini(&world);
}

static void peer_that_speaks_is_asked_again(void **state)
{
	struct ro_view view;

	(void)state;
	begin(0);
	world.nodes[LMA2].dead = true;
	assert_int_equal(start(), 0);
	assert_true(binding_error(LMA1, LMA2));
	assert_true(ro_pair_find(world.nodes[LMA1].ro, world.mns[0].prefix, world.mns[1].prefix, &view));
	assert_int_equal(view.state, RO_STATE_FALLBACK);
	assert_int_equal(view.last_failure, RO_STATUS_MODE);
	world.nodes[LMA2].dead = false; /* with another software */
	assert_int_equal(start(), -EOPNOTSUPP);
	assert_int_equal(ro_start(world.nodes[LMA2].ro, &world.now, world.mns[1].prefix, world.mns[0].prefix), 0);
	world_run(&world);
	assert_true(is_direct());
	world_fini(&world);
}

/* Also what would end something: there is nothing that it could end. */
static void nothing_is_repeated_to_a_peer_that_knows_no_ro(void **state)
{
	(void)state;
	begin(2);
	world.nodes[MAG1].dead = world.nodes[MAG2].dead = true;
	assert_int_equal(start(), 0);
	assert_true(binding_error(LMA1, MAG2));
	expect_arrows(&world, "LMA1 -RO Init-> MAG2", "LMA1 -RO Setup(0)-> MAG1");
	assert_true(binding_error(LMA1, MAG1));
	world_pass(&world, 10000);
	expect_arrows(&world, NULL);
	world_fini(&world);
}

/* What is left of a refused start must not fill the engine. */
static void refused_start_leaves_nothing_behind(void **state)
{
	struct ro_stats stats;

	(void)state;
	begin(2);
	world.nodes[MAG2].dead = true;
	assert_int_equal(start(), 0);
	assert_true(binding_error(LMA1, MAG2));
	world_pass(&world, 61000);
	assert_int_equal(start(), -EOPNOTSUPP);
	ro_stats(world.nodes[LMA1].ro, &stats);
	assert_int_equal(stats.pairs, 0);
	world_fini(&world);
}

/* ---- rates and numbers ---- */

static void stop(void)
{
	ro_stop(world.nodes[LMA1].ro, &world.now, world.mns[0].prefix, world.mns[1].prefix);
	world_run(&world);
}

/* G.6.7: 3 a second; neither a removal nor a handover waits */
static void fourth_update_of_a_second_waits(void **state)
{
	struct ro_stats stats;

	(void)state;
	begin(2);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(start(), 0);
		assert_true(is_direct());
		stop();
		assert_true(world_is_quiet(&world));
	}
	assert_int_equal(start(), 0);
	assert_true(world_is_quiet(&world));
	assert_int_equal(start(), -EALREADY);
	world_pass(&world, 900);
	assert_true(world_is_quiet(&world));
	world_pass(&world, 150);
	assert_true(is_direct());
	ro_stats(world.nodes[LMA1].ro, &stats);
	assert_int_equal(stats.delayed, 1);
	world_fini(&world);
}

static void handover_does_not_wait(void **state)
{
	(void)state;
	begin(2);
	assert_int_equal(start(), 0);
	for (unsigned i = 0; i < 5; i++) {
		world_move(&world, 1, MAG3);
		assert_true(world_sends(&world, MAG2, 2, 1, MAG3));
		world_move(&world, 1, MAG1);
		assert_true(is_direct());
	}
	world_fini(&world);
}

static void handover_ends_the_wait(void **state)
{
	(void)state;
	begin(2);
	for (unsigned i = 0; i < 3; i++) {
		start();
		stop();
	}
	start();
	world_move(&world, 1, MAG3);
	assert_true(world_sends(&world, MAG2, 2, 1, MAG3));
	world.arrow_count = 0;
	world_pass(&world, 2000);
	expect_arrows(&world, NULL);
	world_fini(&world);
}

static void one_active_pair(struct ro_config *config)
{
	config->node_active = 1;
}

static void one_pending_pair(struct ro_config *config)
{
	config->node_pending = 1;
}

static void two_triggers(struct ro_config *config)
{
	config->node_triggers_per_s = 2;
}

static void traffic(unsigned node, unsigned source, unsigned destination)
{
	uint64_t a = world.mns[source - 1].prefix, b = world.mns[destination - 1].prefix;

	ro_traffic_seen(world.nodes[node].ro, &world.now, a, b);
	ro_traffic_seen(world.nodes[node].ro, &world.now, b, a);
	world_run(&world);
}

static bool has_pair(unsigned node, unsigned a, unsigned b)
{
	struct ro_view view;

	return ro_pair_find(world.nodes[node].ro, world.mns[a - 1].prefix, world.mns[b - 1].prefix, &view);
}

/* G.7; mn1 is in both pairs */
static void mn_has_no_more_pairs_than_it_may_have(void **state)
{
	struct ro_stats stats;

	(void)state;
	for (unsigned from = LMA1; from <= MAG1; from += MAG1 - LMA1) {
		world_init(&world, (struct world_options){.one_lma = true, .adjust = one_active_pair});
		traffic(LMA1, 1, 2);
		assert_true(is_direct());
		traffic(from, 1, 3);
		assert_false(has_pair(LMA1, 1, 3));
		ro_stats(world.nodes[LMA1].ro, &stats);
		assert_int_equal(stats.triggers_limited + stats.limited, 1);
		world_fini(&world);
	}
}

static void other_lma_does_not_exceed_what_an_mn_may_have(void **state)
{
	(void)state;
	world_init(&world, (struct world_options){.adjust = one_active_pair});
	traffic(LMA2, 2, 1);
	assert_true(is_direct());
	world.arrow_count = 0;
	assert_int_equal(ro_start(world.nodes[LMA1].ro, &world.now, world.mns[2].prefix, world.mns[1].prefix), 0);
	world_run(&world);
	assert_string_equal(world.arrows[1], "LMA2 -RO Init Ack 130-> LMA1");
	world_fini(&world);
}

static void mn_with_a_pending_pair_waits_for_it(void **state)
{
	(void)state;
	world_init(&world, (struct world_options){.one_lma = true, .adjust = one_pending_pair});
	world.nodes[MAG2].dead = true;
	traffic(LMA1, 1, 2);
	traffic(LMA1, 1, 3);
	assert_false(has_pair(LMA1, 1, 3));
	world_pass(&world, 16000);
	traffic(LMA1, 1, 3);
	assert_true(has_pair(LMA1, 1, 3));
	world_fini(&world);
}

static void mn_triggers_only_so_often(void **state)
{
	(void)state;
	world_init(&world, (struct world_options){.one_lma = true, .adjust = two_triggers});
	world.mns[1].mag = MAG3;
	traffic(LMA1, 1, 2);
	traffic(LMA1, 1, 3);
	stop();
	world_pass(&world, 100);
	ro_stop(world.nodes[LMA1].ro, &world.now, world.mns[0].prefix, world.mns[2].prefix);
	world_run(&world);
	world_pass(&world, 31000);
	traffic(LMA1, 1, 2);
	traffic(LMA1, 1, 3);
	assert_false(world_is_quiet(&world));
	world_fini(&world);
}

/* ---- who may ---- */

static const struct home_network_prefix only_first = {
	.prefix = {.s6_addr = {0x20, 0x01, 0x0d, 0xb8, 0, 0xf1, 0, 1}}, .length = 64};

static void eligible_first(struct ro_config *config)
{
	config->eligible = &only_first;
	config->eligible_count = 1;
}

static void eligible_first_at_mags(struct ro_config *config)
{
	if (config->role == RO_ROLE_MAG)
		eligible_first(config);
}

static void eligible_first_at_lma2(struct ro_config *config)
{
	if (config->role == RO_ROLE_LMA && config->address.s6_addr[5] == 2)
		eligible_first(config);
}

/* RO-002 */
static void prefix_that_is_not_eligible_takes_no_part(void **state)
{
	(void)state;
	world_init(&world, (struct world_options){.adjust = eligible_first});
	assert_int_equal(start(), -EACCES);
	world_fini(&world);
	world_init(&world, (struct world_options){.adjust = eligible_first_at_lma2});
	assert_int_equal(start(), 0);
	assert_string_equal(world.arrows[1], "LMA2 -RO Init Ack 129-> LMA1");
	world_fini(&world);
	world_init(&world, (struct world_options){.one_lma = true, .proxy = true, .adjust = eligible_first_at_mags});
	assert_int_equal(start(), 0);
	assert_string_equal(world.arrows[1], "MAG2 -RO Init Ack-> LMA1");      /* of mn1 */
	assert_string_equal(world.arrows[3], "MAG1 -RO Setup Ack 136-> LMA1"); /* of mn2 */
	assert_true(world_is_quiet(&world));
	world_fini(&world);
}

/* G.7: ::/0 and prefixes of gateways would take all traffic of an MN */
static void prefix_of_a_gateway_is_nobodys(void **state)
{
	(void)state;
	begin(3);
	world.mns[1].prefix = UINT64_C(0x20010db800a30000); /* where MAG3 is */
	assert_int_equal(start(), 0);
	assert_string_equal(world.arrows[3], "MAG1 -RO Setup Ack 136-> LMA1");
	assert_true(world_is_quiet(&world));
	world_fini(&world);
}

/* ---- what nobody uses, and nobody knows ---- */

static void set_packets(uint64_t packets)
{
	for (unsigned i = MAG1; i <= MAG3; i++)
		world.nodes[i].packets = packets;
}

/* G.6.6: Ack status 6 */
static void pair_that_nobody_uses_is_removed_at_the_refresh(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 8; variant++) {
		struct ro_stats stats, other;
		unsigned mag_of_2 = variant & 4 ? MAG1 : MAG2;

		begin(variant);
		world.mns[1].mag = (int)mag_of_2;
		set_packets(0);
		assert_int_equal(start(), 0);
		set_packets(5);
		world_pass(&world, 226000); /* 75 % of the lifetime */
		assert_false(world_is_quiet(&world));
		world.arrow_count = 0;
		world_pass(&world, 223000);
		assert_false(world_is_quiet(&world));
		world.arrow_count = 0;
		world_pass(&world, 2500); /* no packet more */
		assert_true(world_is_quiet(&world));
		ro_stats(world.nodes[LMA1].ro, &stats);
		ro_stats(world.nodes[LMA2].ro, &other);
		assert_int_equal(stats.idle + other.idle, 1);
		assert_int_equal(stats.active, 0);
		assert_int_equal(other.active, 0);
		world_fini(&world);
	}
}

static void pair_whose_packets_nobody_counts_stays(void **state)
{
	(void)state;
	begin(2);
	assert_int_equal(start(), 0);
	for (unsigned i = 0; i < 10; i++) {
		world_pass(&world, 100000);
		world.arrow_count = 0;
		assert_true(is_direct());
	}
	world_fini(&world);
}

/* One MN is enough: what goes one way only is counted where it leaves and where it arrives. */
static void pair_that_one_mag_saw_used_stays(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 4; variant++) {
		begin(variant);
		set_packets(0);
		assert_int_equal(start(), 0);
		for (unsigned i = 0; i < 10; i++) {
			world.nodes[MAG1].packets++;
			world_pass(&world, 100000);
			world.arrow_count = 0;
			assert_true(is_direct());
		}
		world_fini(&world);
	}
}

/* G.6.6 */
static void report_of_an_unknown_pair_ends_it_at_the_own_mag(void **state)
{
	(void)state;
	begin(1);
	assert_int_equal(start(), 0);
	world_restart(&world, LMA1); /* not the controller: its Report at the refresh is unknown */
	world.early = true;
	world.arrow_count = 0;
	world_pass(&world, 226000);
	assert_string_equal(world.arrows[2], "LMA2 -RO Report-> LMA1");
	assert_string_equal(world.arrows[3], "LMA1 -RO Report Ack 139-> LMA2");
	assert_string_equal(world.arrows[4], "LMA1 -RO Setup(0)-> MAG1");
	assert_true(world_is_quiet(&world));
	world_fini(&world);
}

static void hold_for_two_minutes(struct ro_config *config)
{
	config->hold_down_ms = 2 * config->tombstone_ms;
}

static void hold_down_outlives_the_tombstone(void **state)
{
	static const unsigned stops[] = {LMA1, MAG1};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct world_mn *mns = world.mns;

		world_init(&world, (struct world_options){.adjust = hold_for_two_minutes});
		world_traffic(&world, LMA1);
		assert_true(world_sends(&world, MAG1, 1, 2, MAG2));
		assert_int_equal(ro_stop(world.nodes[stops[i]].ro, &world.now, mns[0].prefix, mns[1].prefix), 0);
		world_run(&world);
		world_pass(&world, 110000);
		assert_true(has_pair(stops[i], 1, 2));
		world_traffic(&world, stops[i]);
		world_traffic(&world, LMA1);
		world_traffic(&world, LMA2);
		assert_true(world_is_quiet(&world));
		world_pass(&world, 11000);
		assert_false(has_pair(stops[i], 1, 2));
		world_traffic(&world, LMA1);
		assert_true(world_sends(&world, MAG1, 1, 2, MAG2));
		world_fini(&world);
	}
}

static uint64_t triggers_of(unsigned node)
{
	struct ro_stats stats;

	ro_stats(world.nodes[node].ro, &stats);
	return stats.triggers;
}

/*
 * Its LMA has an MN where it is not any more, for the de-registration was lost: its traffic of before does not ask for
 * it again and again. Only until it is somewhere (G.6.9).
 */
static void mn_that_is_not_where_it_is_registered_is_left_alone_until_it_is_back(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 16; variant++) {
		struct world_mn *mn = &world.mns[variant & 4 ? 1 : 0];

		begin(variant & 3);
		mn->given_up = true;
		world_traffic(&world, LMA1);
		for (unsigned i = 0; i < 25; i++) {
			world_pass(&world, 1000);
			world_traffic(&world, LMA1);
			world_traffic(&world, LMA2);
		}
		assert_true(world_is_quiet(&world));
		assert_true(triggers_of(LMA1) <= 1);
		assert_true(triggers_of(LMA2) <= 1);
		assert_int_equal(triggers_of(LMA1) + triggers_of(LMA2), 1);
		mn->given_up = false;
		if (variant & 8) {
			world_move(&world, variant & 4 ? 2 : 1, MAG3);
		} else { /* at the same MAG */
			ro_session_changed(world.nodes[mn->mag].ro, &world.now, mn->prefix, RO_SESSION_UP);
			ro_session_changed(world.nodes[mn->lma].ro, &world.now, mn->prefix, RO_SESSION_UP);
			world_run(&world);
		}
		world_traffic(&world, LMA1);
		world_traffic(&world, LMA2);
		if (variant & 8)
			assert_true(world_sends(&world, variant & 4 ? MAG1 : MAG3, 1, 2, variant & 4 ? MAG3 : MAG2));
		else
			assert_true(is_direct());
		world_fini(&world);
	}
}

static void hold_for_ever(struct ro_config *config)
{
	config->hold_down_ms = 1000000;
}

/* What the operator ended does not begin anew with a handover. */
static void stopped_pair_is_held_down_through_a_handover(void **state)
{
	(void)state;
	world_init(&world, (struct world_options){.one_lma = true, .adjust = hold_for_ever});
	world.mns[0].given_up = true;
	world_traffic(&world, LMA1); /* a failure of before is none of now */
	world.mns[0].given_up = false;
	world_move(&world, 1, MAG3);
	world_traffic(&world, LMA1);
	assert_true(world_sends(&world, MAG3, 1, 2, MAG2));
	stop();
	world_move(&world, 1, MAG1);
	world_traffic(&world, LMA1);
	assert_true(world_is_quiet(&world));
	world_fini(&world);
}

/* ---- peers that policy denies ---- */

/* The gateways in @denying let no pair go by way of @denied. */
static void begin_denying(unsigned variant, unsigned denied, unsigned denying)
{
	begin(variant);
	for (unsigned node = 0; node < NODES; node++)
		for (unsigned i = 0; (denying >> node & 1) != 0 && i < world.nodes[node].config.peer_count; i++)
			if (IN6_ARE_ADDR_EQUAL(
				    &world.nodes[node].peers[i].address, &world.nodes[denied].config.address))
				world.nodes[node].peers[i].denied = true;
}

#define BIT(node) (1U << (node))

static void no_pair_goes_by_way_of_a_denied_peer(void **state)
{
	static const struct {
		unsigned denied, denying, variants;
		bool refused_at_once;
	} cases[] = {
		{MAG2, BIT(LMA1), BIT(2) | BIT(3), true},           /* of a mobile node of ours */
		{MAG1, BIT(LMA1), BIT(0) | BIT(1), true},           /* with two LMAs, too */
		{LMA2, BIT(LMA1), BIT(0) | BIT(1), true},           /* the other LMA */
		{MAG2, BIT(LMA2), BIT(0) | BIT(1), false},          /* the other LMA denies its MAG */
		{MAG2, BIT(LMA1), BIT(0) | BIT(1), false},          /* the MAG of the other LMA's mobile node */
		{MAG1, BIT(LMA2), BIT(0) | BIT(1), false},          /* and it that of ours */
		{LMA1, BIT(LMA2), BIT(0) | BIT(1), false},          /* the other LMA denies us */
		{MAG1, BIT(MAG2), BIT(0) | BIT(1) | BIT(2), false}, /* one MAG the other */
		{MAG2, BIT(MAG1), BIT(0) | BIT(1) | BIT(2), false},
		{LMA1, BIT(MAG1), BIT(0) | BIT(1) | BIT(2), false}, /* a MAG its LMA */
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (unsigned variant = 0; variant < 4; variant++) {
			if ((cases[i].variants >> variant & 1) == 0)
				continue;
			begin_denying(variant, cases[i].denied, cases[i].denying);
			assert_int_equal(start(), cases[i].refused_at_once ? -EACCES : 0);
			if (cases[i].refused_at_once)
				assert_int_equal(world.arrow_count, 0);
			world_pass(&world, 20000);
			if (!world_is_quiet(&world) || world.arrow_count > 24)
				fail_msg("case %u, variant %u: %u messages", i, variant, world.arrow_count);
			world_fini(&world);
		}
	}
}

static void handover_to_a_denied_mag_ends_the_pair(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 4; variant++) {
		for (unsigned by = LMA1; by <= LMA2; by++) {
			begin_denying(variant, MAG3, variant & 2 ? BIT(LMA1) : BIT(by));
			world_traffic(&world, LMA1);
			assert_true(is_direct());
			world_move(&world, 1, MAG3);
			world_pass(&world, 20000);
			assert_true(world_is_quiet(&world));
			world_move(&world, 1, MAG1);
			world_pass(&world, 31000);
			world_traffic(&world, LMA1);
			assert_true(is_direct());
			world_fini(&world);
		}
	}
}

/* And one that a gateway does not know at all: the removal names it, and is a removal all the same. */
static void handover_to_a_mag_that_the_other_lma_does_not_know_ends_the_pair(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 2; variant++) {
		begin(variant);
		world.nodes[LMA1].peers[MAG3].role = RO_ROLE_LMA;
		world_traffic(&world, LMA1);
		assert_true(is_direct());
		world_move(&world, 2, MAG3);
		world_pass(&world, 1000);
		assert_true(world_is_quiet(&world));
		world_fini(&world);
	}
}

static unsigned count_to(unsigned node)
{
	unsigned count = 0;
	char end[16];

	snprintf(end, sizeof(end), "> MAG%u", node - MAG1 + 1);
	for (unsigned i = 0; i < world.arrow_count; i++)
		count += strstr(world.arrows[i], end) != NULL;
	return count;
}

/* A pair of before is not told of where it never was. */
static void denied_mag_hears_of_no_pair_of_an_mn_that_comes_to_it(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 4; variant++) {
		begin_denying(variant, MAG3, BIT(LMA1));
		world_traffic(&world, LMA1);
		assert_true(is_direct());
		world_move(&world, 1, -1);
		world.arrow_count = 0;
		world_move(&world, 1, MAG3);
		world_traffic(&world, LMA1);
		world_pass(&world, 20000);
		assert_int_equal(count_to(MAG3), 0);
		assert_true(world_is_quiet(&world));
		world_fini(&world);
	}
}

/* 129, also where it would hear otherwise who is here. */
static void pbu_of_a_denied_mag_is_refused_whoever_it_is_about(void **state)
{
	(void)state;
	for (unsigned given_up = 0; given_up < 2; given_up++) {
		world_init(&world, (struct world_options){.one_lma = true, .pbu_for_setup = true});
		for (unsigned i = 0; i < NODES; i++)
			world.nodes[MAG1].peers[i].denied = i == MAG2;
		world.mns[0].given_up = given_up;
		assert_int_equal(start(), 0);
		assert_int_equal(world_count_arrows(&world, "MAG1 -PBA 129-> MAG2"), 1);
		assert_true(world_is_quiet(&world));
		world_fini(&world);
	}
}

/* ---- lifetime ---- */

#define SHORT_S 40

static unsigned adjusted, short_lived;

static void one_is_short_lived(struct ro_config *config)
{
	if (adjusted++ == short_lived)
		config->lifetime_s = SHORT_S;
}

/* RO-036, G.6.6: everybody who takes part knows the shortest lifetime; it is refreshed in time, and without that it
 * ends. */
static void pair_has_the_shortest_lifetime_of_who_take_part(void **state)
{
	struct ro_view view;

	(void)state;
	for (unsigned variant = 0; variant < 4; variant++)
		for (short_lived = LMA1; short_lived <= MAG2; short_lived++) {
			unsigned lma2 = variant & 2 ? LMA1 : LMA2;

			if (short_lived == LMA2 && lma2 != LMA2)
				continue;
			adjusted = 0;
			world_init(&world,
				(struct world_options){
					.proxy = variant & 1, .one_lma = variant & 2, .adjust = one_is_short_lived});
			assert_int_equal(start(), 0);
			assert_true(is_direct());
			for (unsigned i = 0; i < 10; i++) {
				for (unsigned node = LMA1; node <= MAG2; node++)
					if (node != LMA2 || lma2 == LMA2) {
						assert_true(ro_pair_find(world.nodes[node].ro, world.mns[0].prefix,
							world.mns[1].prefix, &view));
						assert_int_equal(view.lifetime_s, SHORT_S);
					}
				world_pass(&world, SHORT_S * 500);
				assert_true(is_direct());
			}
			world.nodes[LMA1].dead = world.nodes[LMA2].dead = true;
			world_pass(&world, SHORT_S * 1000);
			assert_false(world_sends(&world, MAG1, 1, 2, MAG2));
			assert_false(world_sends(&world, MAG2, 2, 1, MAG1));
			world_fini(&world);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(binding_error_without_a_request_is_of_no_interest),
		cmocka_unit_test(peer_that_knows_no_ro_is_left_alone_for_longer_and_longer),
		cmocka_unit_test(peer_that_speaks_is_asked_again),
		cmocka_unit_test(nothing_is_repeated_to_a_peer_that_knows_no_ro),
		cmocka_unit_test(refused_start_leaves_nothing_behind),
		cmocka_unit_test(fourth_update_of_a_second_waits),
		cmocka_unit_test(handover_does_not_wait),
		cmocka_unit_test(handover_ends_the_wait),
		cmocka_unit_test(mn_has_no_more_pairs_than_it_may_have),
		cmocka_unit_test(other_lma_does_not_exceed_what_an_mn_may_have),
		cmocka_unit_test(mn_with_a_pending_pair_waits_for_it),
		cmocka_unit_test(mn_triggers_only_so_often),
		cmocka_unit_test(prefix_that_is_not_eligible_takes_no_part),
		cmocka_unit_test(prefix_of_a_gateway_is_nobodys),
		cmocka_unit_test(pair_has_the_shortest_lifetime_of_who_take_part),
		cmocka_unit_test(pair_that_nobody_uses_is_removed_at_the_refresh),
		cmocka_unit_test(pair_whose_packets_nobody_counts_stays),
		cmocka_unit_test(pair_that_one_mag_saw_used_stays),
		cmocka_unit_test(report_of_an_unknown_pair_ends_it_at_the_own_mag),
		cmocka_unit_test(hold_down_outlives_the_tombstone),
		cmocka_unit_test(mn_that_is_not_where_it_is_registered_is_left_alone_until_it_is_back),
		cmocka_unit_test(stopped_pair_is_held_down_through_a_handover),
		cmocka_unit_test(no_pair_goes_by_way_of_a_denied_peer),
		cmocka_unit_test(handover_to_a_denied_mag_ends_the_pair),
		cmocka_unit_test(handover_to_a_mag_that_the_other_lma_does_not_know_ends_the_pair),
		cmocka_unit_test(denied_mag_hears_of_no_pair_of_an_mn_that_comes_to_it),
		cmocka_unit_test(pbu_of_a_denied_mag_is_refused_whoever_it_is_about),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
