/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A session that gains or loses home network prefixes while its pair is set up or active: its LMA has no binding for a
 * moment, and another list after that; its MAG hears of the list with the next PBA.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ro_world.h"
#include "unit.h"

#define FORGET_MS 95000

enum change { GAINED_FIRST, GAINED_LAST, LOST_FIRST, LOST_LAST, SWAPPED, REPLACED_FIRST, REPLACED, CHANGES };

/* When the MAG hears of it. */
enum order {
	MAG_LAST,   /* after the LMA has removed the pair everywhere */
	MAG_FIRST,  /* before that comes */
	LMA_SILENT, /* and that never comes to the MAGs */
	ORDERS
};

static struct world world;

static bool is_two_before(enum change change)
{
	return change != GAINED_FIRST && change != GAINED_LAST;
}

static uint64_t others_of(unsigned mn, unsigned n)
{
	return world.mns[mn - 1].prefix + 0x100 * n;
}

/* The list that MN @mn has after @change. */
static void list_after(unsigned mn, enum change change, uint64_t list[2])
{
	const struct world_mn *now = &world.mns[mn - 1];
	const uint64_t lists[CHANGES][2] = {
		[GAINED_FIRST] = {others_of(mn, 2), now->prefix},
		[GAINED_LAST] = {now->prefix, others_of(mn, 2)},
		[LOST_FIRST] = {now->second, 0},
		[LOST_LAST] = {now->prefix, 0},
		[SWAPPED] = {now->second, now->prefix},
		[REPLACED_FIRST] = {others_of(mn, 2), now->second},
		[REPLACED] = {others_of(mn, 2), others_of(mn, 3)},
	};

	memcpy(list, lists[change], sizeof(lists[change]));
}

static bool has(const uint64_t list[2], uint64_t prefix)
{
	return prefix == 0 || list[0] == prefix || list[1] == prefix;
}

static void tell(unsigned node, uint64_t prefix, enum ro_session_change change)
{
	ro_session_changed(world.nodes[node].ro, &world.now, prefix, change);
}

/* The PBA: mag_listen() says what is told. */
static void mag_hears(struct world_mn *mn)
{
	uint64_t before[2] = {mn->served, mn->served_second}, now[2] = {mn->prefix, mn->second};
	bool lost = !has(now, before[0]) || !has(now, before[1]);

	if (before[0] == 0)
		return;
	mn->served = mn->served_second = 0;
	if (!lost && before[0] == now[0])
		return;
	tell((unsigned)mn->mag, before[0], RO_SESSION_DOWN);
	tell((unsigned)mn->mag, now[0], RO_SESSION_UP);
}

static void lma_changes(struct world_mn *mn, const uint64_t list[2])
{
	uint64_t before = mn->prefix;

	mn->unbound = true;
	mn->served = mn->prefix;
	mn->served_second = mn->second;
	tell((unsigned)mn->lma, before, RO_SESSION_DOWN);
	mn->prefix = list[0];
	mn->second = list[1];
	mn->unbound = false;
	tell((unsigned)mn->lma, list[0], RO_SESSION_UP);
}

/* Whatever is sent in this instant is lost but what goes to @except; again and again. */
static void lose_all(void)
{
	world.nodes[LMA1].dead = world.nodes[LMA2].dead = true;
	world_pass(&world, 8000);
	world.nodes[LMA1].dead = world.nodes[LMA2].dead = false;
}

static void relist_begins(unsigned number, enum change change)
{
	uint64_t list[2];

	world.now.monotonic_ns += 1000000;
	world.now.wall_ns += 1000000;
	list_after(number, change, list);
	lma_changes(&world.mns[number - 1], list);
}

/* One or two of four, in any order. */
static void random_list(uint64_t *random, uint64_t first, uint64_t list[2])
{
	unsigned one = test_random_below(random, 4), more = test_random_below(random, 4);

	list[0] = first + 0x100 * one;
	list[1] = more != 0 ? first + 0x100 * ((one + more) % 4) : 0;
}

static void relist(unsigned number, enum change change, enum order order)
{
	relist_begins(number, change);
	if (order == MAG_LAST)
		world_run(&world);
	if (order == LMA_SILENT)
		lose_all();
	mag_hears(&world.mns[number - 1]);
	world_run(&world);
}

static void begin(unsigned variant, unsigned number, enum change change)
{
	world_init(&world, (struct world_options){.proxy = variant & 1, .one_lma = variant & 2});
	if (is_two_before(change))
		world.mns[number - 1].second = others_of(number, 1);
}

enum flow { ALL, FIRST, LAST, FLOWS };

static uint64_t prefix_of(unsigned mn, bool last)
{
	const struct world_mn *who = &world.mns[mn - 1];

	return last && who->second != 0 ? who->second : who->prefix;
}

static void see_silently(enum flow flow)
{
	for (unsigned i = flow == LAST ? 3 : 0; i < (flow == FIRST ? 1 : 4); i++) {
		ro_traffic_seen(world.nodes[LMA1].ro, &world.now, prefix_of(1, i & 1), prefix_of(2, i & 2));
		ro_traffic_seen(world.nodes[LMA1].ro, &world.now, prefix_of(2, i & 2), prefix_of(1, i & 1));
	}
}

static void see(enum flow flow)
{
	see_silently(flow);
	world_run(&world);
}

static unsigned prefixes_of(unsigned mn)
{
	return world.mns[mn - 1].second != 0 ? 2 : 1;
}

static bool has_half(unsigned mag, uint64_t from, uint64_t to, uint8_t half)
{
	for (unsigned i = 0; i < WORLD_PAIRS; i++) {
		const struct world_pair *entry = &world.nodes[mag].pairs[i];

		if (entry->used && entry->pair.source == from && entry->pair.destination == to &&
			(entry->pair.forward.flags & half) != 0)
			return true;
	}
	return false;
}

/* The pair that these nodes have of all prefixes is there, and is found by any of them. */
static void expect_active(unsigned node, const char *what)
{
	struct ro_direct direct;
	struct ro_view view;

	for (unsigned i = 0; i < 4; i++) {
		uint64_t from = prefix_of(1, i & 1), to = prefix_of(2, i & 2);

		if (!ro_pair_find(world.nodes[node].ro, from, to, &view) || view.state != RO_STATE_ACTIVE)
			fail_msg("%s: node %u has no pair of prefixes %u", what, node, i);
		assert_int_equal(
			view.sides[0].prefix_count + view.sides[1].prefix_count, prefixes_of(1) + prefixes_of(2));
		if (node == MAG1 && !ro_direct_find(world.nodes[node].ro, from, to, &direct))
			fail_msg("%s: no path of prefixes %u", what, i);
		if (node == MAG2 && !ro_direct_find(world.nodes[node].ro, to, from, &direct))
			fail_msg("%s: no path back of prefixes %u", what, i);
	}
}

static void expect_direct(const char *what)
{
	for (unsigned i = 0; i < 4; i++) {
		uint64_t a = prefix_of(1, i & 1), b = prefix_of(2, i & 2);

		if (!has_half(MAG1, a, b, FORWARD_PAIR_TX) || !has_half(MAG2, a, b, FORWARD_PAIR_RX) ||
			!has_half(MAG2, b, a, FORWARD_PAIR_TX) || !has_half(MAG1, b, a, FORWARD_PAIR_RX))
			fail_msg("%s: prefixes %u are not direct", what, i);
	}
	for (unsigned node = LMA1; node <= MAG2; node++)
		if (node != LMA2 || world.mns[1].lma == LMA2)
			expect_active(node, what);
}

static void expect_direct_after(enum flow flow, uint64_t ms, const char *what)
{
	for (; ms > 2000; ms -= 2000) {
		world_pass(&world, 2000);
		see(flow);
	}
	expect_direct(what);
}

/* And nothing is left when both nodes are gone. */
static void end(const char *what)
{
	world_move(&world, 1, -1);
	world_move(&world, 2, -1);
	world_pass(&world, FORGET_MS);
	if (world_count_left(&world) != 0)
		fail_msg("%s: %u are left", what, world_count_left(&world));
	world_fini(&world);
}

static const char *name(
	char *text, size_t size, unsigned variant, unsigned mn, unsigned change, unsigned order, unsigned flow)
{
	static const char *const changes[] = {
		"gained first", "gained last", "lost first", "lost last", "swapped", "replaced first", "replaced all"};

	snprintf(text, size, "variant %u, mn%u, %s, order %u, %u", variant, mn, changes[change], order, flow);
	return text;
}

/* RO-037, RO-090 */
static void list_that_changes_while_the_pair_is_active(void **state)
{
	char what[80];

	(void)state;
	for (unsigned i = 0; i < 4 * 2 * FLOWS * CHANGES * ORDERS; i++) {
		unsigned variant = i & 3, mn = (i >> 2 & 1) + 1, flow = i / 8 % FLOWS, change = i / 24 % CHANGES,
			 order = i / 24 / CHANGES;

		name(what, sizeof(what), variant, mn, change, order, flow);
		begin(variant, mn, change);
		see(flow);
		expect_direct(what);
		relist(mn, change, order);
		if (!world_is_quiet(&world) && order != LMA_SILENT)
			fail_msg("%s: not quiet", what);
		expect_direct_after(flow, order == LMA_SILENT ? 40000 : 6000, what);
		end(what);
	}
}

/* RO-085: both nodes are at one MAG, which forwards locally. */
static void list_of_a_local_pair_that_changes(void **state)
{
	char what[80];

	(void)state;
	for (unsigned i = 0; i < 4 * 2 * CHANGES * ORDERS; i++) {
		unsigned variant = i & 3, mn = (i >> 2 & 1) + 1, change = i / 8 % CHANGES, order = i / 8 / CHANGES;

		name(what, sizeof(what), variant, mn, change, order, 0);
		begin(variant, mn, change);
		world.mns[1].mag = MAG1;
		see(ALL);
		relist(mn, change, order);
		for (unsigned tries = 0; tries < 20; tries++) {
			world_pass(&world, 2000);
			see(ALL);
		}
		for (unsigned k = 0; k < 4; k++) {
			uint64_t a = prefix_of(1, k & 1), b = prefix_of(2, k & 2);

			if (!has_half(MAG1, a, b, FORWARD_PAIR_TX) || !has_half(MAG1, b, a, FORWARD_PAIR_TX))
				fail_msg("%s: prefixes %u are not local", what, k);
		}
		end(what);
	}
}

/* RO-062: before anybody has heard of the first change there is the second one, or the other node's, or a handover. */
static void list_that_changes_when_something_else_happens(void **state)
{
	enum { SAME_AGAIN, OTHER_NODE, HANDOVER, OTHER_MOVES, STOP, TWISTS };
	char what[80];

	(void)state;
	for (unsigned i = 0; i < 4 * 2 * CHANGES * TWISTS; i++) {
		unsigned variant = i & 3, mn = (i >> 2 & 1) + 1, change = i / 8 % CHANGES, twist = i / 8 / CHANGES;
		struct world_mn *who = &world.mns[mn - 1], *other = &world.mns[2 - mn];

		name(what, sizeof(what), variant, mn, change, twist, 0);
		begin(variant, mn, change);
		see(ALL);
		relist_begins(mn, change);
		if (twist == SAME_AGAIN) {
			mag_hears(who);
			relist_begins(mn, GAINED_FIRST);
		} else if (twist == OTHER_NODE) {
			relist_begins(3 - mn, GAINED_FIRST);
			mag_hears(other);
		} else if (twist == HANDOVER) {
			mag_hears(who);
			world_move(&world, mn, MAG3);
			world_move(&world, mn, mn == 1 ? MAG1 : MAG2);
		} else if (twist == OTHER_MOVES) {
			world_move(&world, 3 - mn, MAG3);
			world_move(&world, 3 - mn, mn == 1 ? MAG2 : MAG1);
		} else {
			ro_stop(world.nodes[LMA1].ro, &world.now, who->prefix, other->prefix);
		}
		mag_hears(who);
		world_run(&world);
		expect_direct_after(ALL, 70000, what);
		end(what);
	}
}

/* After so many messages of the set-up. */
static void list_that_changes_during_the_set_up(void **state)
{
	char what[80];

	(void)state;
	for (unsigned i = 0; i < 4 * 2 * CHANGES; i++) {
		unsigned variant = i & 3, mn = (i >> 2 & 1) + 1, change = i / 8;

		for (unsigned messages = 0; messages < 16; messages++) {
			unsigned order = messages & 1 ? MAG_FIRST : MAG_LAST;

			name(what, sizeof(what), variant, mn, change, order, messages);
			begin(variant, mn, change);
			see_silently(ALL);
			world_step(&world, messages);
			relist(mn, change, order);
			expect_direct_after(ALL, 38000, what);
			end(what);
		}
	}
}

/* G.6.3: a removal that only what is left of the time before can hear, overtakes what sets the pair up. */
static void set_up_that_its_removal_has_overtaken_is_refused(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 4; variant++) {
		for (unsigned message = 1; message <= 10; message++) {
			begin(variant, 1, GAINED_FIRST);
			see(ALL);
			relist(1, GAINED_FIRST, MAG_LAST);
			world_pass(&world, 2000);
			world.delays[0].number = message;
			see_silently(ALL);
			world_step(&world, 12);
			ro_stop(world.nodes[LMA1].ro, &world.now, world.mns[0].prefix, world.mns[1].prefix);
			world_run(&world);
			world_release(&world);
			if (!world_is_quiet(&world))
				fail_msg("variant %u, message %u", variant, message);
			end("overtaken");
		}
	}
}

/* The MAG has not heard of the end of before: it is told with the binding. */
static void removal_follows_whatever_prefixes_the_node_has_now(void **state)
{
	struct world_mn *mn = &world.mns[0];

	(void)state;
	begin(3, 1, GAINED_FIRST);
	see(ALL);
	mn->mag = MAG3;
	tell(MAG3, mn->prefix, RO_SESSION_UP);
	tell(LMA1, mn->prefix, RO_SESSION_MOVED);
	world_run(&world);
	mn->mag = -1;
	tell(MAG3, mn->prefix, RO_SESSION_DOWN);
	tell(LMA1, mn->prefix, RO_SESSION_DOWN);
	world_run(&world);
	assert_false(world_is_quiet(&world)); /* MAG1 */
	mn->mag = MAG1;
	mn->second = mn->prefix;
	mn->prefix = others_of(1, 2);
	tell(LMA1, mn->prefix, RO_SESSION_UP);
	world_run(&world);
	assert_true(world_is_quiet(&world));
	world_fini(&world);
}

/* MN 1 has the @first-th and the @second-th of its prefixes from now on. */
static void relist_as(uint64_t base, unsigned first, unsigned second)
{
	const uint64_t list[2] = {base + 0x100 * first, base + 0x100 * second};

	world.now.monotonic_ns += 1000000;
	world.now.wall_ns += 1000000;
	lma_changes(&world.mns[0], list);
	world_run(&world);
	mag_hears(&world.mns[0]);
	world_run(&world);
}

/* Of several pairs of the same nodes under other names the one that is alive is meant, not what is left of another. */
static void removal_ends_the_pair_that_is_alive(void **state)
{
	(void)state;
	for (unsigned proxy = 0; proxy < 2; proxy++) {
		uint64_t base;

		world_init(&world, (struct world_options){.proxy = proxy, .one_lma = true});
		base = world.mns[0].prefix;
		relist_as(base, 3, 2);
		see(ALL);
		expect_direct("first list");
		relist_as(base, 1, 3);
		world_pass(&world, 1000);
		see(ALL);
		expect_direct("second list");
		world.lose = "LMA1 -RO Setup(0)-> MAG2";
		world.lose_count = 1;
		relist_as(base, 0, 3);
		see(ALL); /* refused, for the removal has not come; the next one does */
		world_pass(&world, 1000);
		assert_true(world_is_quiet(&world));
		end("lost removal");
	}
}

/* What an LMA knows of the other one's node is of the time when they had a pair: it is no failure that it is not so. */
static void list_that_changes_while_there_is_no_pair(void **state)
{
	char what[64];

	(void)state;
	for (unsigned variant = 0; variant < 2; variant++) {
		for (unsigned mn = 1; mn <= 2; mn++) {
			for (unsigned change = 0; change < CHANGES; change++) {
				name(what, sizeof(what), variant, mn, change, 0, 0);
				begin(variant, mn, (enum change)change);
				see(ALL);
				expect_direct(what);
				ro_stop(world.nodes[LMA1].ro, &world.now, prefix_of(1, false), prefix_of(2, false));
				world_run(&world);
				world_pass(&world, 31000); /* the hold-down */
				relist(mn, (enum change)change, MAG_LAST);
				expect_direct_after(ALL, 7000, what);
				end(what);
			}
		}
	}
}

static void random_relist(uint64_t *random, unsigned number, uint64_t first)
{
	struct world_mn *mn = &world.mns[number - 1];
	uint64_t list[2];

	random_list(random, first, list);
	if (has(list, mn->prefix) && has(list, mn->second) && (mn->second != 0) == (list[1] != 0))
		return; /* as before, but for the order */
	lma_changes(mn, list);
	if (test_random_below(random, 2) == 0)
		world_step(&world, test_random_below(random, 12));
	if (test_random_below(random, 4) == 0)
		see_silently(ALL);
	mag_hears(mn);
}

static void random_step(uint64_t *random, const uint64_t first[2])
{
	unsigned mn = test_random_below(random, 2), mag = MAG1 + test_random_below(random, 3);

	world.now.monotonic_ns += 1000000;
	world.now.wall_ns += 1000000;
	switch (test_random_below(random, 8)) {
	case 0:
	case 1: random_relist(random, mn + 1, first[mn]); break;
	case 2: world_move(&world, mn + 1, (int)mag); break;
	case 3: world.lose_number = 1 + test_random_below(random, 8); break;
	case 4:
		ro_stop(world.nodes[LMA1].ro, &world.now, prefix_of(1, mn), prefix_of(2, mn));
		ro_start(world.nodes[LMA1].ro, &world.now, prefix_of(1, !mn), prefix_of(2, mn));
		break;
	case 5: world_pass(&world, test_random_below(random, 40) * 50); break;
	default: see_silently((enum flow)test_random_below(random, FLOWS)); break;
	}
	if (test_random_below(random, 4) == 0)
		world_step(&world, test_random_below(random, 12));
	else
		world_run(&world);
}

/* Whatever the order, nothing is left, and no node sends or takes what is not its own. */
static void lives_with_changing_lists_leave_nothing_behind(void **state)
{
	const char *more = getenv("RO_SEEDS");
	unsigned seeds = more != NULL ? (unsigned)strtoul(more, NULL, 10) : 60;

	(void)state;
	for (unsigned seed = 1; seed <= seeds; seed++) {
		uint64_t random = seed * UINT64_C(0x9e3779b97f4a7c15), first[2];
		char what[32];

		snprintf(what, sizeof(what), "seed %u", seed);
		world_init(&world, (struct world_options){.proxy = seed & 1,
					   .one_lma = seed & 2,
					   .in_order = seed & 4,
					   .pbu_for_setup = seed & 8,
					   .early = seed & 16});
		world.early = seed & 24; /* a PBU says one prefix of its receiver only */
		first[0] = world.mns[0].prefix;
		first[1] = world.mns[1].prefix;
		for (unsigned i = 0; i < 80; i++) {
			random_step(&random, first);
			world.marker_count = 0;
			if (world.arrow_count > WORLD_ARROWS / 2)
				world.arrow_count = 0;
		}
		world.lose_number = 0;
		world_run(&world);
		world.arrow_count = 0;
		end(what);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(list_that_changes_while_the_pair_is_active),
		cmocka_unit_test(list_of_a_local_pair_that_changes),
		cmocka_unit_test(list_that_changes_when_something_else_happens),
		cmocka_unit_test(list_that_changes_during_the_set_up),
		cmocka_unit_test(set_up_that_its_removal_has_overtaken_is_refused),
		cmocka_unit_test(list_that_changes_while_there_is_no_pair),
		cmocka_unit_test(removal_ends_the_pair_that_is_alive),
		cmocka_unit_test(lives_with_changing_lists_leave_nothing_behind),
		cmocka_unit_test(removal_follows_whatever_prefixes_the_node_has_now),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
