/* SPDX-License-Identifier: BSD-3-Clause */
/* 100,000 pairs at once: all are set up, all go, nothing stays; what is lost with a gateway is lost in turns. */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ro/internal.h"
#include "ro_crowd.h"

#define STEP      500u
#define PAIRS     100000u
#define TURN_MAX  400 /* updates of one turn of the control core */
#define LINGER_MS 21000
#define FORGET_MS 62000

static struct crowd *crowd;

static void begin(bool proxy)
{
	const struct crowd_options options = {.pairs = PAIRS, .proxy = proxy};

	crowd = crowd_create(&options);
	assert_non_null(crowd);
}

static void expect_active(uint32_t active)
{
	for (unsigned i = 0; i < CROWD_NODES; i++) {
		struct ro_stats stats;

		ro_stats(crowd_ro(crowd, i), &stats);
		assert_int_equal(stats.active, active);
	}
	assert_int_equal(crowd_halves(crowd, CROWD_MAG1), active * UINT64_C(2));
	assert_int_equal(crowd_halves(crowd, CROWD_MAG2), active * UINT64_C(2));
}

static void expect_nothing(void)
{
	for (unsigned i = 0; i < CROWD_NODES; i++) {
		struct ro_stats stats;

		ro_stats(crowd_ro(crowd, i), &stats);
		assert_int_equal(stats.pairs, 0);
		assert_int_equal(stats.active, 0);
		assert_int_equal(stats.tunnels, 0);
		assert_int_equal(crowd_halves(crowd, i), 0);
	}
}

/* A sanitizer's heap tells nothing: 0. */
static size_t allocated(void)
{
	return mallinfo2().uordblks;
}

static void all_pairs_are_set_up_at_once_and_leave_no_memory(void **state)
{
	(void)state;
	for (unsigned proxy = 0; proxy < 2; proxy++) {
		size_t first = 0;

		begin(proxy);
		for (unsigned round = 0; round < 2; round++) {
			crowd_start(crowd, 0, PAIRS);
			crowd_run(crowd);
			expect_active(PAIRS);
			crowd_pass(crowd, 1000);
			crowd_stop(crowd, 0, PAIRS);
			crowd_run(crowd);
			crowd_pass(crowd, LINGER_MS);
			crowd_pass(crowd, FORGET_MS);
			expect_nothing();
			/* Indexes keep their size; what a pair had on the heap is gone, but for a few chunks that the
			 * heap's own cache holds. */
			if (round == 0)
				first = allocated();
			else
				assert_true(allocated() < first + PAIRS);
		}
		crowd_destroy(crowd);
	}
}

/* However many they are: also when the indexes have just grown. */
static void pair_never_takes_more_than_it_is_reckoned_with(void **state)
{
	struct ro_stats stats;

	(void)state;
	begin(true);
	for (uint32_t pairs = STEP; pairs <= PAIRS / 2; pairs += STEP) {
		double most = RO_PAIR_BYTES, indexes;

		crowd_start(crowd, pairs - STEP, STEP);
		crowd_run(crowd);
		ro_stats(crowd_ro(crowd, CROWD_MAG1), &stats);
		assert_int_equal(stats.pairs, pairs);
		indexes = (double)(stats.association_bytes - PAIRS * sizeof(struct association)) / pairs;
		if (sizeof(struct association) + indexes > most)
			fail_msg("%u pairs: %.1f octets each", pairs, (double)sizeof(struct association) + indexes);
	}
	crowd_destroy(crowd);
}

/* An Ack is kept as long as its request may be repeated, not as long as its pair lives. */
static void active_pair_has_nothing_on_the_heap(void **state)
{
	size_t before, after;

	(void)state;
	begin(false);
	crowd_start(crowd, 0, PAIRS);
	crowd_run(crowd);
	before = allocated();
	crowd_pass(crowd, 31000);
	after = allocated();
	assert_true(before == 0 || before - after > (size_t)PAIRS * 300); /* 3 Acks each */
	crowd_stop(crowd, 0, PAIRS);
	crowd_run(crowd);
	crowd_destroy(crowd);
}

static void lost_peer_does_not_hold_up_the_control_core(void **state)
{
	uint64_t before;
	unsigned turns = 0;
	bool more;

	(void)state;
	begin(false);
	crowd_start(crowd, 0, PAIRS);
	crowd_run(crowd);
	before = crowd_updates(crowd, CROWD_MAG1);
	ro_peer_lost(crowd_ro(crowd, CROWD_MAG1), crowd_now(crowd), crowd_address(crowd, CROWD_MAG2));
	assert_in_range(crowd_updates(crowd, CROWD_MAG1) - before, 1, TURN_MAX);
	do {
		before = crowd_updates(crowd, CROWD_MAG1);
		more = crowd_turn(crowd, CROWD_MAG1);
		assert_in_range(crowd_updates(crowd, CROWD_MAG1) - before, 0, TURN_MAX);
		assert_true(++turns < PAIRS);
	} while (more);
	crowd_run(crowd);
	crowd_pass(crowd, LINGER_MS);
	crowd_pass(crowd, FORGET_MS);
	expect_nothing();
	crowd_destroy(crowd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_pairs_are_set_up_at_once_and_leave_no_memory),
		cmocka_unit_test(pair_never_takes_more_than_it_is_reckoned_with),
		cmocka_unit_test(active_pair_has_nothing_on_the_heap),
		cmocka_unit_test(lost_peer_does_not_hold_up_the_control_core),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
