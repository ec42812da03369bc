/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include <string.h>

#include "node/events.h"

static void walk_is_oldest_first_and_ends(void **state)
{
	struct events *events = events_create(3);
	const struct event_record *record;
	unsigned n = 0;

	assert_null(events_next(events, 0));
	for (uint8_t i = 1; i <= 2; i++)
		events_add(events, i, NULL, HISTORY_cleared, i);
	for (record = events_next(events, 0); record != NULL; record = events_next(events, record->number + 1)) {
		n++;
		assert_int_equal(record->number, n);
		assert_int_equal(record->value, n);
		assert_int_equal(record->length, 0);
	}
	assert_int_equal(n, 2);
	events_destroy(events);
}

static void oldest_gives_way_and_a_late_reader_goes_on_with_what_is_left(void **state)
{
	struct events *events = events_create(3);

	for (uint8_t i = 1; i <= 100; i++) {
		events_add(events, i, NULL, HISTORY_cleared, i);
		assert_int_equal(events_next(events, 0)->number, i > 3 ? i - 2 : 1);
		assert_int_equal(events_next(events, 0)->value, i > 3 ? i - 2 : 1);
		assert_int_equal(events_next(events, i)->value, i);
		assert_null(events_next(events, i + UINT64_C(1)));
	}
	events_destroy(events);
}

static void identifier_is_copied(void **state)
{
	struct events *events = events_create(1);
	uint8_t bytes[MN_ID_MAX];
	struct mn_id id = {.subtype = 1, .length = MN_ID_MAX, .data = bytes};
	const struct event_record *record;

	memset(bytes, 'x', sizeof(bytes));
	events_add(events, 5, &id, HISTORY_rejected, 155);
	memset(bytes, 'y', sizeof(bytes));
	record = events_next(events, 0);
	assert_int_equal(record->length, MN_ID_MAX);
	assert_int_equal(record->id[MN_ID_MAX - 1], 'x');
	assert_int_equal(record->wall_ns, 5);
	events_destroy(events);
}

static void ring_of_nothing_cannot_be(void **state)
{
	assert_null(events_create(0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(walk_is_oldest_first_and_ends),
		cmocka_unit_test(oldest_gives_way_and_a_late_reader_goes_on_with_what_is_left),
		cmocka_unit_test(identifier_is_copied),
		cmocka_unit_test(ring_of_nothing_cannot_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
