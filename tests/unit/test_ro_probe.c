/* SPDX-License-Identifier: BSD-3-Clause */
/* Direct paths under watch: wire-formats G.6.2 (RO Errors that are believed) and G.6.14 (silent paths). */
#include <string.h>

#include "unit.h"

#include "ro/probe.h"

#define PAIRS 4000
#define STEP  5

static struct {
	bool used;
	struct ro_direct direct;
	uint64_t sent, received;
} pairs[PAIRS];

static struct probe *probe;
static struct engine_time now;
static bool counts;
static bool answers;
static unsigned asked, asked_proxy, lost_count, error_count;
static struct in6_addr lost_peer;
static uint64_t lost_ms, error_ms;

static uint64_t now_ms(void)
{
	return engine_ms(&now);
}

static struct in6_addr peer_of(unsigned number)
{
	return (struct in6_addr){.s6_addr = {0x20, 1, [14] = (uint8_t)(number >> 8), [15] = (uint8_t)number}};
}

/* ---- what the probe sees ---- */

static bool next(void *context, uint32_t *from, unsigned slots, struct ro_direct *direct)
{
	(void)context;
	for (; slots > 0 && *from < PAIRS; slots--, (*from)++) {
		if (pairs[*from].used) {
			*direct = pairs[*from].direct;
			return true;
		}
	}
	return false;
}

static uint32_t end(void *context)
{
	uint32_t last = PAIRS;

	(void)context;
	while (last > 0 && !pairs[last - 1].used)
		last--;
	return last;
}

/* The endpoints of pair N are N + 1 and 1000000. */
static bool find(void *context, uint64_t source, uint64_t destination, struct ro_direct *direct)
{
	(void)context;
	if (destination != 1000000 || source == 0 || source > PAIRS || !pairs[source - 1].used)
		return false;
	*direct = pairs[source - 1].direct;
	return true;
}

static bool packets(void *context, uint32_t pair, uint64_t *sent, uint64_t *received)
{
	(void)context;
	*sent = pairs[pair].sent;
	*received = pairs[pair].received;
	return counts;
}

static void ask(void *context, const struct in6_addr *peer, bool proxy, uint16_t sequence)
{
	(void)context;
	(void)peer;
	(void)sequence;
	asked++;
	asked_proxy += proxy;
}

static void lost(void *context, const struct in6_addr *peer)
{
	(void)context;
	lost_count++;
	lost_peer = *peer;
	lost_ms = now_ms();
	for (unsigned i = 0; i < PAIRS; i++)
		if (memcmp(&pairs[i].direct.peer, peer, sizeof(*peer)) == 0)
			pairs[i].used = false; /* they fall back */
}

static void error(void *context, uint64_t source, uint64_t destination, const struct in6_addr *peer)
{
	(void)context;
	(void)peer;
	assert_int_equal(destination, 1000000);
	error_count++;
	error_ms = now_ms();
	pairs[source - 1].used = false;
}

static const struct probe_ops ops = {next, end, find, packets, ask, lost, error};

static int set_up(void **state)
{
	(void)state;
	memset(pairs, 0, sizeof(pairs));
	now = (struct engine_time){.monotonic_ns = UINT64_C(4294967000) * 1000000}; /* 296 ms before 32 bits are over */
	counts = true;
	answers = false;
	asked = asked_proxy = lost_count = error_count = 0;
	probe = probe_create(PAIRS, &ops, NULL, &now);
	assert_non_null(probe);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	probe_destroy(probe);
	return 0;
}

static void pair_add(unsigned index, unsigned peer)
{
	pairs[index].used = true;
	pairs[index].direct = (struct ro_direct){
		.index = index, .generation = pairs[index].direct.generation + 1, .peer = peer_of(peer)};
}

/* What happens in each step of 5 ms. */
struct flow {
	bool sends, receives;
};

static void pass(uint64_t ms, struct flow flow)
{
	for (uint64_t until_ms = now_ms() + ms; now_ms() < until_ms;) {
		unsigned before = asked;

		now.monotonic_ns += STEP * 1000000;
		for (unsigned i = 0; i < PAIRS; i++) {
			pairs[i].sent += pairs[i].used && flow.sends;
			pairs[i].received += pairs[i].used && flow.receives;
		}
		probe_advance(probe, &now);
		for (unsigned i = 0; answers && asked > before && i < PAIRS; i++)
			if (pairs[i].used)
				probe_answered(probe, &pairs[i].direct.peer);
	}
}

static struct probe_stats stats_of(void)
{
	struct probe_stats stats;

	probe_stats(probe, &stats);
	return stats;
}

/* ---- silent paths ---- */

static void path_that_receives_is_never_questioned(void **state)
{
	(void)state;
	pair_add(7, 1);
	pass(20000, (struct flow){.sends = true, .receives = true});
	assert_int_equal(asked, 0);
	assert_int_equal(stats_of().watched, 1);
}

static void idle_path_is_never_questioned(void **state)
{
	(void)state;
	pair_add(7, 1);
	pass(200, (struct flow){.sends = true, .receives = true});
	pass(10, (struct flow){.sends = true});
	pass(20000, (struct flow){0});
	assert_int_equal(asked, 0);
}

static void peer_of_a_path_silent_for_a_second_is_asked(void **state)
{
	(void)state;
	pair_add(7, 1);
	pass(500, (struct flow){.sends = true, .receives = true});
	pass(950, (struct flow){.sends = true});
	assert_int_equal(asked, 0);
	pass(150, (struct flow){.sends = true});
	assert_int_equal(asked, 1);
	assert_int_equal(stats_of().silent, 1);
	assert_int_equal(stats_of().peers, 1);
}

/* One second of silence, then three questions a second apart. */
static void peer_that_answers_none_of_three_questions_is_lost(void **state)
{
	struct in6_addr expected = peer_of(1);
	uint64_t start_ms;

	(void)state;
	pair_add(7, 1);
	pair_add(8, 2);
	pairs[8].received = 1;
	pass(500, (struct flow){.sends = true, .receives = true});
	start_ms = now_ms();
	for (unsigned i = 0; i < 1000 && lost_count == 0; i++) {
		pairs[8].received++; /* the other peer is well */
		pass(STEP, (struct flow){.sends = true});
	}
	assert_int_equal(lost_count, 1);
	assert_memory_equal(&lost_peer, &expected, sizeof(expected));
	assert_int_equal(asked, 3);
	assert_in_range(lost_ms - start_ms, 3 * PROBE_WAIT_MS + PROBE_SILENCE_MS, 4200);
	assert_false(pairs[7].used);
	assert_true(pairs[8].used);
	pass(5000, (struct flow){.sends = true, .receives = true});
	assert_int_equal(lost_count, 1);
	assert_int_equal(stats_of().peers, 0);
}

/* Traffic one way only is nothing bad: as long as it lasts the peer is asked once a second, and answers. */
static void peer_of_a_one_way_flow_answers_and_is_not_lost(void **state)
{
	(void)state;
	answers = true;
	pair_add(7, 1);
	pass(500, (struct flow){.sends = true, .receives = true});
	pass(20000, (struct flow){.sends = true});
	assert_in_range(asked, 18, 20);
	assert_int_equal(lost_count, 0);
	assert_int_equal(stats_of().silent, 1);
	answers = false; /* now it dies */
	pass(4200, (struct flow){.sends = true});
	assert_int_equal(lost_count, 1);
}

static void two_lost_questions_are_forgiven(void **state)
{
	struct in6_addr peer = peer_of(1);

	(void)state;
	pair_add(7, 1);
	pass(500, (struct flow){.sends = true, .receives = true});
	for (unsigned i = 0; i < 5; i++) {
		asked = 0;
		while (asked < 3)
			pass(STEP, (struct flow){.sends = true});
		probe_answered(probe, &peer);
	}
	assert_int_equal(lost_count, 0);
}

static void packet_of_the_peer_ends_the_questions(void **state)
{
	(void)state;
	pair_add(7, 1);
	pass(500, (struct flow){.sends = true, .receives = true});
	pass(2500, (struct flow){.sends = true});
	assert_int_equal(asked, 2);
	pass(20000, (struct flow){.sends = true, .receives = true});
	assert_int_equal(asked, 2);
	assert_int_equal(lost_count, 0);
	assert_int_equal(stats_of().peers, 0);
}

static void pairs_of_one_peer_ask_it_together(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		pair_add(i, 1);
	pass(500, (struct flow){.sends = true, .receives = true});
	pass(4200, (struct flow){.sends = true});
	assert_int_equal(asked, 3);
	assert_int_equal(lost_count, 1);
}

static void peer_in_proxy_mode_is_asked_its_own_way(void **state)
{
	(void)state;
	pair_add(7, 1);
	pairs[7].direct.proxy = true;
	pass(2000, (struct flow){.sends = true});
	assert_true(asked > 0);
	assert_int_equal(asked_proxy, asked);
}

/* An index comes again with another pair, or the pair did not send direct for a while: what was before is forgotten. */
static void path_that_begins_anew_has_its_whole_second(void **state)
{
	(void)state;
	pair_add(7, 1);
	pass(900, (struct flow){.sends = true});
	pair_add(7, 2);
	pass(900, (struct flow){.sends = true});
	pairs[7].used = false;
	pass(3000, (struct flow){0});
	pairs[7].used = true;
	pass(900, (struct flow){.sends = true});
	assert_int_equal(asked, 0);
	pass(300, (struct flow){.sends = true});
	assert_int_equal(asked, 1);
}

static void more_pairs_than_a_slice_are_all_seen(void **state)
{
	(void)state;
	for (unsigned i = 0; i < PAIRS; i++)
		pair_add(i, i % 200);
	pass(500, (struct flow){.sends = true, .receives = true});
	assert_int_equal(stats_of().watched, PAIRS);
	pass(1200, (struct flow){.sends = true});
	assert_int_equal(asked, 200);
	pass(3100, (struct flow){.sends = true});
	assert_int_equal(lost_count, 200);
}

static void without_counters_nothing_is_silent(void **state)
{
	(void)state;
	counts = false;
	pair_add(7, 1);
	pass(10000, (struct flow){.sends = true});
	assert_int_equal(asked, 0);
}

/* ---- RO Errors ---- */

static void tell_error(unsigned pair, unsigned peer)
{
	struct in6_addr address = peer_of(peer);

	probe_error(probe, &now, pair + 1, 1000000, &address);
}

static void error_is_believed_at_once_if_nothing_came_of_late(void **state)
{
	(void)state;
	pair_add(7, 1);
	pass(500, (struct flow){.sends = true, .receives = true});
	pass(200, (struct flow){.sends = true});
	tell_error(7, 1);
	assert_int_equal(error_count, 1);
	assert_false(pairs[7].used);
}

static void error_is_refuted_by_a_packet_of_the_last_100_ms(void **state)
{
	(void)state;
	pair_add(7, 1);
	pass(500, (struct flow){.sends = true, .receives = true});
	for (unsigned i = 0; i < 9; i++) { /* up to 45 ms old */
		tell_error(7, 1);
		pass(STEP, (struct flow){.sends = true});
	}
	pass(20, (struct flow){.sends = true, .receives = true});
	pass(300, (struct flow){.sends = true, .receives = true});
	assert_int_equal(error_count, 0);
	assert_int_equal(stats_of().refuted, 9);
}

/* Where two looks at the counters leave it open, the next 100 ms decide. */
static void doubtful_error_is_decided_by_what_comes_next(void **state)
{
	(void)state;
	for (unsigned well = 0; well < 2; well++) {
		pair_add(7, 1);
		tell_error(7, 1); /* never looked at */
		tell_error(7, 1);
		assert_int_equal(error_count, 0);
		pass(95, (struct flow){.sends = true, .receives = well == 1});
		assert_int_equal(error_count, 0);
		pass(10, (struct flow){.sends = true, .receives = well == 1});
		assert_int_equal(error_count, 1 - well);
		error_count = 0;
	}
	assert_int_equal(stats_of().undecided, 2);
}

static void error_about_what_is_not_sent_direct_to_that_peer_is_nothing(void **state)
{
	(void)state;
	pair_add(7, 1);
	pass(500, (struct flow){.sends = true});
	tell_error(7, 2);
	tell_error(8, 1);
	pass(300, (struct flow){.sends = true});
	assert_int_equal(error_count, 0);
}

static void without_counters_an_error_is_believed(void **state)
{
	(void)state;
	counts = false;
	pair_add(7, 1);
	tell_error(7, 1);
	assert_int_equal(error_count, 1);
}

/*
 * G.6.15 (a): the peer lost its state, in no less than the 100 ms of a restart, and the network works. It tells once a
 * second; whenever that is between two looks, the first time is enough.
 */
static void nothing_is_sent_for_a_second_to_a_peer_without_state(void **state)
{
	(void)state;
	for (unsigned received_before = 0; received_before < 60; received_before++) {
		uint64_t start_ms, next_error_ms;

		pair_add(7, 1);
		pass(1000, (struct flow){.sends = true, .receives = received_before % 2 == 0});
		pass(PROBE_RECENT_MS + STEP * received_before, (struct flow){.sends = true});
		start_ms = next_error_ms = now_ms();
		error_count = 0;
		while (error_count == 0) {
			if (now_ms() >= next_error_ms) {
				tell_error(7, 1);
				next_error_ms += 1000;
			}
			if (error_count == 0)
				pass(STEP, (struct flow){.sends = true});
			assert_true(now_ms() - start_ms < 1000);
		}
	}
}

static void more_doubts_than_there_is_room_for_are_counted(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 300; i++)
		pair_add(i, 1);
	for (unsigned i = 0; i < 300; i++)
		tell_error(i, 1);
	assert_int_equal(stats_of().overflowed, 44);
	pass(105, (struct flow){.sends = true});
	assert_int_equal(error_count, 256);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		CASE(path_that_receives_is_never_questioned),
		CASE(idle_path_is_never_questioned),
		CASE(peer_of_a_path_silent_for_a_second_is_asked),
		CASE(peer_that_answers_none_of_three_questions_is_lost),
		CASE(peer_of_a_one_way_flow_answers_and_is_not_lost),
		CASE(two_lost_questions_are_forgiven),
		CASE(packet_of_the_peer_ends_the_questions),
		CASE(pairs_of_one_peer_ask_it_together),
		CASE(peer_in_proxy_mode_is_asked_its_own_way),
		CASE(path_that_begins_anew_has_its_whole_second),
		CASE(more_pairs_than_a_slice_are_all_seen),
		CASE(without_counters_nothing_is_silent),
		CASE(error_is_believed_at_once_if_nothing_came_of_late),
		CASE(error_is_refuted_by_a_packet_of_the_last_100_ms),
		CASE(doubtful_error_is_decided_by_what_comes_next),
		CASE(error_about_what_is_not_sent_direct_to_that_peer_is_nothing),
		CASE(without_counters_an_error_is_believed),
		CASE(nothing_is_sent_for_a_second_to_a_peer_without_state),
		CASE(more_doubts_than_there_is_room_for_are_counted),
#undef CASE
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
