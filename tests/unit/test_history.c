/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include "node/history.h"

static void empty_history_has_no_entry(void **state)
{
	struct history history = {0};

	assert_null(history_get(&history, 0));
}

static void entries_come_oldest_first_with_time_and_value(void **state)
{
	struct history history = {0};

	history_add(&history, UINT64_C(1767323045678999999), HISTORY_attach_rs, 0);
	history_add(&history, UINT64_C(1767323046000000000), HISTORY_pba_received, 155);
	assert_int_equal(history_get(&history, 0)->event, HISTORY_attach_rs);
	assert_int_equal(history_get(&history, 0)->wall_s, 1767323045);
	assert_int_equal(history_get(&history, 0)->wall_ms, 678);
	assert_int_equal(history_get(&history, 1)->event, HISTORY_pba_received);
	assert_int_equal(history_get(&history, 1)->wall_ms, 0);
	assert_int_equal(history_get(&history, 1)->value, 155);
	assert_null(history_get(&history, 2));
}

static void full_ring_forgets_the_oldest(void **state)
{
	struct history history = {0};

	for (unsigned n = 1; n <= 3 * HISTORY_LENGTH + 3; n++) {
		history_add(&history, n * UINT64_C(1000000000), HISTORY_refreshed, (uint8_t)n);
		unsigned kept = n < HISTORY_LENGTH ? n : HISTORY_LENGTH;

		for (unsigned i = 0; i < kept; i++)
			assert_int_equal(history_get(&history, i)->value, n - kept + 1 + i);
		assert_null(history_get(&history, kept));
	}
}

static void every_event_has_a_name_and_a_help_text(void **state)
{
	for (unsigned i = 0; i < HISTORY_EVENT_COUNT; i++) {
		assert_string_not_equal(history_event_name((enum history_event)i), "?");
		assert_string_not_equal(history_event_help((enum history_event)i), "?");
	}
	assert_string_equal(history_event_name(HISTORY_pbu_held), "pbu_held");
	assert_string_equal(history_event_help(HISTORY_pbu_held), "PBU held for the old MAG's de-registration");
	assert_string_equal(history_event_name(HISTORY_EVENT_COUNT), "?");
	assert_string_equal(history_event_help((enum history_event)255), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_history_has_no_entry),
		cmocka_unit_test(entries_come_oldest_first_with_time_and_value),
		cmocka_unit_test(full_ring_forgets_the_oldest),
		cmocka_unit_test(every_event_has_a_name_and_a_help_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
