/* SPDX-License-Identifier: BSD-3-Clause */
/* What gateways remember of their pairs. */
#include "ro_world.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

static const uint64_t a = UINT64_C(0x20010db800f10001), b = UINT64_C(0x20010db800f20002);

static void note(struct pair_events *events, uint32_t index, uint64_t first, uint64_t second, uint8_t value)
{
	const struct engine_time now = {.wall_ns = UINT64_C(1700000000000000000) + value};
	const struct ro_event_pair pair = {
		.index = index, .prefixes = {first, second}, .ids = {{1, 3, (const uint8_t *)"mn1"}, {.subtype = 1}}};

	pair_events_note(events, &now, &pair, RO_EVENT_REFUSED, value);
}

static void records_come_oldest_first_with_both_ends(void **state)
{
	struct pair_events *events = pair_events_create(4, 3);
	struct pair_event_record record;

	assert_false(pair_events_next(events, 0, &record));
	for (uint8_t i = 1; i <= 5; i++)
		note(events, 0, a, b, i);
	assert_true(pair_events_next(events, 0, &record));
	assert_int_equal(record.number, 3);
	assert_int_equal(record.value, 3);
	assert_int_equal(record.prefixes[0], a);
	assert_int_equal(record.prefixes[1], b);
	assert_int_equal(record.ids[0].length, 3);
	assert_memory_equal(record.ids[0].data, "mn1", 3);
	assert_int_equal(record.ids[1].length, 0);
	assert_int_equal(record.event, RO_EVENT_REFUSED);
	assert_true(pair_events_next(events, 5, &record));
	assert_int_equal(record.value, 5);
	assert_false(pair_events_next(events, 6, &record));
	pair_events_destroy(events);
}

static unsigned count_of(const struct pair_events *events, uint32_t index, uint64_t first, uint64_t second)
{
	unsigned n = 0;

	while (pair_events_get(events, index, first, second, n) != NULL)
		n++;
	return n;
}

static void history_belongs_to_the_pair_not_to_its_index(void **state)
{
	struct pair_events *events = pair_events_create(4, 3);

	assert_int_equal(count_of(events, 1, a, b), 0);
	note(events, 1, a, b, 1);
	note(events, 1, b, a, 2);
	assert_int_equal(count_of(events, 1, a, b), 2);
	assert_int_equal(count_of(events, 1, b, a), 2);
	assert_int_equal(count_of(events, 0, a, b), 0);
	assert_int_equal(count_of(events, 1, a, a), 0);
	note(events, 1, a, a + 1, 3);
	assert_int_equal(count_of(events, 1, a, b), 0);
	assert_int_equal(pair_events_get(events, 1, a, a + 1, 0)->value, 3);
	note(events, 77, a, b, 1); /* more pairs than were announced: only the ring has it */
	assert_int_equal(count_of(events, 77, a, b), 0);
	pair_events_destroy(events);
}

static void full_history_forgets_the_oldest(void **state)
{
	struct pair_events *events = pair_events_create(1, 1);

	for (unsigned n = 1; n <= 3 * PAIR_EVENTS_KEPT + 3; n++) {
		unsigned kept = n < PAIR_EVENTS_KEPT ? n : PAIR_EVENTS_KEPT;

		note(events, 0, a, b, (uint8_t)n);
		assert_int_equal(count_of(events, 0, a, b), kept);
		for (unsigned i = 0; i < kept; i++)
			assert_int_equal(pair_events_get(events, 0, a, b, i)->value, n - kept + 1 + i);
	}
	pair_events_destroy(events);
}

/* "triggered, sent RO Init, ...": the events of the pair of mn1 and mn2 at a gateway. */
static void expect_events(struct world *world, unsigned number, const char *expected)
{
	const struct world_node *node = &world->nodes[number];
	const struct pair_event *entry;
	char text[512] = "";
	struct ro_view view;
	size_t n = 0;

	assert_true(ro_pair_find(node->ro, world->mns[0].prefix, world->mns[1].prefix, &view));
	for (unsigned i = 0; (entry = pair_events_get(
				      node->events, view.index, world->mns[0].prefix, world->mns[1].prefix, i)) != NULL;
		i++) {
		const char *value = ro_event_value(entry->event, entry->value);

		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s%s%s", i > 0 ? ", " : "",
			ro_event_name(entry->event), value[0] != '\0' ? " " : "", value);
	}
	assert_string_equal(text, expected);
}

static void set_up_and_stop_are_told_at_every_gateway(void **state)
{
	struct world world;

	world_init(&world, (struct world_options){.one_lma = true});
	world_traffic(&world, LMA1);
	expect_events(&world, LMA1,
		"created, triggered, update new-data-flow, sent RO Init, acknowledged created-activation-pending, "
		"received RO Report, active");
	expect_events(&world, MAG1, "created, update new-data-flow, active, received RO Setup");
	assert_int_equal(ro_stop(world.nodes[LMA1].ro, &world.now, world.mns[0].prefix, world.mns[1].prefix), 0);
	world_run(&world);
	expect_events(&world, LMA1,
		"created, triggered, update new-data-flow, sent RO Init, acknowledged created-activation-pending, "
		"received RO Report, active, stopped-by-operator, sent RO Setup, sent RO Setup, fallback removed, "
		"acknowledged removed, acknowledged removed");
	expect_events(&world, MAG1,
		"created, update new-data-flow, active, received RO Setup, fallback removed, received RO Setup");
	world_fini(&world);
}

static void failure_is_told_with_what_came_before(void **state)
{
	struct world world;

	world_init(&world, (struct world_options){.one_lma = true});
	world.nodes[MAG2].dead = true;
	world_traffic(&world, LMA1);
	world_pass(&world, 20000);
	expect_events(&world, LMA1,
		"created, triggered, update new-data-flow, sent RO Init, no-answer RO Init, held-down peer-timed-out, "
		"sent RO Setup, sent RO Setup, fallback peer-timed-out, acknowledged removed, no-answer RO Setup");
	world_fini(&world);
}

static void every_event_has_a_word(void **state)
{
	for (unsigned i = 0; i < RO_EVENT_COUNT; i++)
		assert_string_not_equal(ro_event_name((uint8_t)i), "unknown");
	assert_string_equal(ro_event_name(RO_EVENT_COUNT), "unknown");
	assert_string_equal(ro_event_value(RO_EVENT_COUNT, 1), "");
}

static void ring_of_nothing_cannot_be(void **state)
{
	assert_null(pair_events_create(1, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_come_oldest_first_with_both_ends),
		cmocka_unit_test(history_belongs_to_the_pair_not_to_its_index),
		cmocka_unit_test(full_history_forgets_the_oldest),
		cmocka_unit_test(set_up_and_stop_are_told_at_every_gateway),
		cmocka_unit_test(failure_is_told_with_what_came_before),
		cmocka_unit_test(every_event_has_a_word),
		cmocka_unit_test(ring_of_nothing_cannot_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
