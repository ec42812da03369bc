/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "reclaim.h"
#include "tables_memory.h"

#define ENTRIES 8

static struct reclaim reclaim;
static struct slab slab;
static unsigned recycled;

static void count_recycled(struct slab *of, uint32_t index)
{
	assert_ptr_equal(of, &slab);
	assert_true(index < ENTRIES);
	recycled++;
}

static int set_up(void **state)
{
	recycled = 0;
	assert_int_equal(slab_init(&slab, ENTRIES, 32, &memory_libc), 0);
	assert_int_equal(reclaim_init(&reclaim, 4, &memory_libc), 0);
	assert_int_equal(reclaim_add_slab(&reclaim, &slab), 0);
	slab.recycle = count_recycled;
	return 0;
}

static int tear_down(void **state)
{
	reclaim_fini(&reclaim);
	slab_fini(&slab);
	return 0;
}

static void reader_starts(unsigned reader)
{
	assert_int_equal(reclaim_reader_register(&reclaim, reader), 0);
	reclaim_reader_online(&reclaim, reader);
}

static void every_entry_is_given_once_and_then_none(void **state)
{
	bool seen[ENTRIES] = {false};

	for (unsigned i = 0; i < ENTRIES; i++) {
		uint32_t index = slab_take(&slab);

		assert_true(index < ENTRIES);
		assert_false(seen[index]);
		seen[index] = true;
		assert_int_equal(slab_available(&slab), ENTRIES - 1 - i);
	}
	assert_int_equal(slab_take(&slab), SLAB_NONE);
	slab_give(&slab, 5);
	slab_give(&slab, 2);
	assert_int_equal(slab_take(&slab), 2);
	assert_int_equal(slab_take(&slab), 5);
	assert_int_equal(slab_take(&slab), SLAB_NONE);
}

static void retired_entry_waits_for_every_reader(void **state)
{
	reader_starts(0);
	reader_starts(3);
	while (slab_take(&slab) != SLAB_NONE)
		;
	slab_retire(&slab, 4);
	assert_int_equal(reclaim_waiting(&reclaim), 1);
	reclaim_seal(&reclaim, 17);
	assert_int_equal(reclaim_poll(&reclaim), 0);
	reclaim_reader_quiescent(&reclaim, 0);
	assert_int_equal(reclaim_poll(&reclaim), 0);
	assert_int_equal(slab_take(&slab), SLAB_NONE);
	reclaim_reader_quiescent(&reclaim, 3);
	assert_int_equal(reclaim_poll(&reclaim), 17);
	assert_int_equal(recycled, 1);
	assert_int_equal(reclaim_waiting(&reclaim), 0);
	assert_int_equal(slab_take(&slab), 4);
}

static void quiescence_before_the_removal_does_not_count(void **state)
{
	reader_starts(0);
	reclaim_reader_quiescent(&reclaim, 0);
	slab_retire(&slab, slab_take(&slab));
	reclaim_seal(&reclaim, 1);
	assert_int_equal(reclaim_poll(&reclaim), 0);
	reclaim_reader_quiescent(&reclaim, 0);
	assert_int_equal(reclaim_poll(&reclaim), 1);
}

static void reader_that_sleeps_or_leaves_holds_nothing(void **state)
{
	reader_starts(0);
	reader_starts(1);
	slab_retire(&slab, slab_take(&slab));
	reclaim_seal(&reclaim, 1);
	reclaim_reader_offline(&reclaim, 0);
	assert_int_equal(reclaim_poll(&reclaim), 0);
	reclaim_reader_offline(&reclaim, 1);
	reclaim_reader_unregister(&reclaim, 1);
	assert_int_equal(reclaim_poll(&reclaim), 1);
}

static void reclaimed_sequence_follows_updates_in_order(void **state)
{
	reader_starts(0);
	reclaim_seal(&reclaim, 3); /* nothing was removed: nothing to wait for */
	assert_int_equal(reclaim_poll(&reclaim), 3);
	slab_retire(&slab, slab_take(&slab));
	reclaim_seal(&reclaim, 4);
	reclaim_seal(&reclaim, 9); /* removes nothing, but comes after what waits */
	assert_int_equal(reclaim_poll(&reclaim), 3);
	slab_retire(&slab, slab_take(&slab));
	slab_retire(&slab, slab_take(&slab));
	reclaim_seal(&reclaim, 10);
	assert_int_equal(reclaim_waiting(&reclaim), 3);
	reclaim_reader_quiescent(&reclaim, 0);
	assert_int_equal(reclaim_poll(&reclaim), 10);
	assert_int_equal(recycled, 3);
}

/* More grace periods under way than are kept apart: what comes late shares one, nothing is freed early or forgotten. */
static void grace_periods_that_have_no_room_are_joined(void **state)
{
	enum { ROUNDS = RECLAIM_BATCHES_MAX * 3 };
	struct slab many;

	assert_int_equal(slab_init(&many, ROUNDS, 64, &memory_libc), 0);
	assert_int_equal(reclaim_add_slab(&reclaim, &many), 0);
	reader_starts(0);
	for (unsigned i = 0; i < ROUNDS; i++) {
		slab_retire(&many, slab_take(&many));
		reclaim_seal(&reclaim, i + 1);
		assert_int_equal(reclaim_poll(&reclaim), 0);
	}
	assert_int_equal(slab_take(&many), SLAB_NONE);
	reclaim_reader_quiescent(&reclaim, 0);
	assert_int_equal(reclaim_poll(&reclaim), RECLAIM_BATCHES_MAX);
	reclaim_seal(&reclaim, ROUNDS);
	assert_int_equal(reclaim_poll(&reclaim), RECLAIM_BATCHES_MAX);
	reclaim_reader_quiescent(&reclaim, 0);
	assert_int_equal(reclaim_poll(&reclaim), ROUNDS);
	assert_int_equal(many.free.count, ROUNDS);
	for (unsigned i = 0; i < ROUNDS; i++)
		assert_int_not_equal(slab_take(&many), SLAB_NONE);
	slab_fini(&many);
}

static void limits_are_errors(void **state)
{
	struct counting_memory none = counting_memory(0), one = counting_memory(1);
	struct reclaim other;
	struct slab spare;

	assert_int_equal(reclaim_init(&other, 1, &none.memory), -ENOMEM);
	assert_int_equal(slab_init(&spare, 4, 64, &none.memory), -ENOMEM);
	assert_int_equal(slab_init(&spare, 4, 64, &one.memory), -ENOMEM);
	assert_int_equal(one.live, 0);
	assert_int_equal(reclaim_reader_register(&reclaim, 4), -EINVAL);
	for (unsigned i = 1; i < RECLAIM_SLABS_MAX; i++)
		assert_int_equal(reclaim_add_slab(&reclaim, &slab), 0);
	assert_int_equal(reclaim_add_slab(&reclaim, &slab), -ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_entry_is_given_once_and_then_none, set_up, tear_down),
		cmocka_unit_test_setup_teardown(retired_entry_waits_for_every_reader, set_up, tear_down),
		cmocka_unit_test_setup_teardown(quiescence_before_the_removal_does_not_count, set_up, tear_down),
		cmocka_unit_test_setup_teardown(reader_that_sleeps_or_leaves_holds_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(reclaimed_sequence_follows_updates_in_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(grace_periods_that_have_no_room_are_joined, set_up, tear_down),
		cmocka_unit_test_setup_teardown(limits_are_errors, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
