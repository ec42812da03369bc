/* SPDX-License-Identifier: BSD-3-Clause */
/* Slots of tunnel templates: none is written while the owner may still read it. */
#include "descriptors.h"

#include <stdlib.h>
#include <string.h>

#include "unit.h"

#define SLOTS 3

static struct door *door;
static struct tunnel_template slab[SLOTS], template;
static struct descriptors *descriptors;

static void create(uint32_t slots)
{
	door->config = (struct door_config){.workers = 1, .sockets = 2, .descriptors = slots};
	door->descriptors = slab;
	descriptors = descriptors_create(door);
	assert_non_null(descriptors);
}

static int setup(void **state)
{
	door = aligned_alloc(64, sizeof(*door));
	assert_non_null(door);
	memset(door, 0, sizeof(*door));
	memset(slab, 0, sizeof(slab));
	create(SLOTS);
	return 0;
}

static int teardown(void **state)
{
	descriptors_destroy(descriptors);
	free(door);
	return 0;
}

static void applied(uint64_t first_socket, uint64_t second_socket)
{
	door->socket[0].applied_seq = first_socket;
	door->socket[1].applied_seq = second_socket;
}

/* The template is filled with @mark. */
static uint32_t put(uint8_t mark)
{
	memset(&template, mark, sizeof(template));
	return descriptors_put(descriptors, &template);
}

static void fill(uint32_t slots[SLOTS])
{
	for (unsigned i = 0; i < SLOTS; i++) {
		slots[i] = put((uint8_t)(i + 1));
		assert_true(slots[i] < SLOTS);
		for (unsigned j = 0; j < i; j++)
			assert_int_not_equal(slots[i], slots[j]);
	}
	assert_int_equal(put(9), INDEX_NONE);
}

static void each_slot_is_given_once_with_its_template(void **state)
{
	uint32_t slots[SLOTS];

	fill(slots);
	for (unsigned i = 0; i < SLOTS; i++) {
		memset(&template, (int)i + 1, sizeof(template));
		assert_memory_equal(&slab[slots[i]], &template, sizeof(template));
	}
}

static void released_slot_waits_until_every_socket_has_applied(void **state)
{
	uint32_t slots[SLOTS];

	fill(slots);
	descriptors_release(descriptors, slots[1], 7);
	applied(6, 7);
	assert_int_equal(put(8), INDEX_NONE);
	applied(9, 6);
	assert_int_equal(put(8), INDEX_NONE);
	applied(7, 7);
	assert_int_equal(put(8), slots[1]);
	assert_int_equal(put(9), INDEX_NONE);
}

static void slots_come_back_in_the_order_of_their_updates(void **state)
{
	uint32_t slots[SLOTS];

	fill(slots);
	descriptors_release(descriptors, slots[2], 3);
	descriptors_release(descriptors, slots[0], 5);
	applied(4, 4);
	assert_int_equal(put(1), slots[2]);
	assert_int_equal(put(2), INDEX_NONE);
	applied(5, 5);
	assert_int_equal(put(2), slots[0]);
}

static void slots_go_round_many_times(void **state)
{
	uint32_t slots[SLOTS];

	fill(slots);
	for (uint64_t seq = 1; seq < 100; seq++) {
		descriptors_release(descriptors, slots[seq % SLOTS], seq);
		assert_int_equal(put(1), INDEX_NONE);
		applied(seq, seq);
		assert_int_equal(put(2), slots[seq % SLOTS]);
	}
}

static void slot_that_does_not_exist_is_not_taken_back(void **state)
{
	uint32_t slots[SLOTS];

	descriptors_release(descriptors, SLOTS, 0);
	descriptors_release(descriptors, INDEX_NONE, 0);
	descriptors_release(descriptors, 0, 0); /* nothing is out */
	fill(slots);
}

static void slab_without_slots_gives_none(void **state)
{
	descriptors_destroy(descriptors);
	create(0);
	assert_int_equal(put(1), INDEX_NONE);
	descriptors_release(descriptors, 0, 0);
	assert_int_equal(put(1), INDEX_NONE);
}

#define ROW(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(each_slot_is_given_once_with_its_template),
		ROW(released_slot_waits_until_every_socket_has_applied),
		ROW(slots_come_back_in_the_order_of_their_updates),
		ROW(slots_go_round_many_times),
		ROW(slot_that_does_not_exist_is_not_taken_back),
		ROW(slab_without_slots_gives_none),
	};

	return cmocka_run_group_tests_name("descriptors", tests, NULL, NULL);
}
