/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "bounds.h"
#include "neighbour_table.h"

#define CAPACITY 80

static struct reclaim reclaim;
static struct neighbour_table *table;

static int set_up(void **state)
{
	assert_int_equal(reclaim_init(&reclaim, 1, &memory_libc), 0);
	assert_int_equal(neighbour_table_create(CAPACITY, &reclaim, &memory_libc, &table), 0);
	return 0;
}

static int tear_down(void **state)
{
	neighbour_table_destroy(table);
	reclaim_fini(&reclaim);
	return 0;
}

static struct fwd_neighbour neighbour_of(uint8_t i)
{
	return (struct fwd_neighbour){
		.port = 1,
		.mtu_bytes = 1500,
		.resolved = 1,
		.mac = {2, 1, 1, 1, 1, i},
		.source_mac = {2, 2, 2, 2, 2, 2},
		.address = {.s6_addr = {0xfe, 0x80, [15] = i}},
	};
}

static void copied_part_before_a_packet_is_its_layer_2_header(void **state)
{
	static const uint8_t untagged[] = {2, 1, 1, 1, 1, 7, 2, 2, 2, 2, 2, 2, 0x86, 0xdd};
	static const uint8_t tagged[] = {2, 1, 1, 1, 1, 7, 2, 2, 2, 2, 2, 2, 0x81, 0x00, 0x0f, 0xa1, 0x86, 0xdd};
	struct fwd_neighbour from = neighbour_of(7);
	uint8_t packet[NEIGHBOUR_COPY];

	assert_int_equal(neighbour_table_insert(table, 0, &from), 0);
	memcpy(packet, neighbour_table_lookup(table, 0), NEIGHBOUR_COPY);
	assert_int_equal(neighbour_table_lookup(table, 0)->length, sizeof(untagged));
	assert_memory_equal(packet + NEIGHBOUR_COPY - sizeof(untagged), untagged, sizeof(untagged));
	from.vlan = 4001;
	assert_int_equal(neighbour_table_insert(table, 0, &from), 0);
	memcpy(packet, neighbour_table_lookup(table, 0), NEIGHBOUR_COPY);
	assert_int_equal(neighbour_table_lookup(table, 0)->length, sizeof(tagged));
	assert_memory_equal(packet + NEIGHBOUR_COPY - sizeof(tagged), tagged, sizeof(tagged));
	assert_int_equal(neighbour_table_lookup(table, 0)->port, 1);
	assert_int_equal(neighbour_table_lookup(table, 0)->mtu_bytes, 1500);
	assert_memory_equal(&neighbour_table_lookup(table, 0)->address, &from.address, 16);
}

static void unresolved_neighbour_has_no_header(void **state)
{
	struct fwd_neighbour from = neighbour_of(7);
	const struct neighbour *old;

	from.resolved = 0;
	assert_int_equal(neighbour_table_insert(table, 3, &from), 0);
	old = neighbour_table_lookup(table, 3);
	assert_int_equal(old->length, 0);
	from.resolved = 1;
	assert_int_equal(neighbour_table_insert(table, 3, &from), 0);
	assert_int_equal(old->length, 0); /* who holds it still reads the old one */
	assert_int_equal(neighbour_table_lookup(table, 3)->length, 14);
	assert_int_equal(neighbour_table_count(table), 1);
}

static void malformed_or_out_of_range_is_refused(void **state)
{
	struct fwd_neighbour from = neighbour_of(1);

	assert_int_equal(neighbour_table_insert(table, CAPACITY, &from), -ENOSPC);
	assert_int_equal(neighbour_table_insert(table, INDEX_NONE, &from), -ENOSPC);
	from.port = PORTS_MAX;
	assert_int_equal(neighbour_table_insert(table, 0, &from), -EINVAL);
	from = neighbour_of(1);
	from.vlan = 4095;
	assert_int_equal(neighbour_table_insert(table, 0, &from), -EINVAL);
	from = neighbour_of(1);
	from.resolved = 2;
	assert_int_equal(neighbour_table_insert(table, 0, &from), -EINVAL);
	assert_null(neighbour_table_lookup(table, 0));
	assert_null(neighbour_table_lookup(table, INDEX_NONE));
}

static void neighbour_in_use_is_not_removed(void **state)
{
	struct fwd_neighbour from = neighbour_of(1);

	assert_int_equal(neighbour_table_remove(table, 2), -ENOENT);
	assert_int_equal(neighbour_table_remove(table, CAPACITY), -ENOENT);
	assert_int_equal(neighbour_table_insert(table, 2, &from), 0);
	neighbour_table_hold(table, 2);
	assert_int_equal(neighbour_table_remove(table, 2), -EBUSY);
	assert_int_equal(neighbour_table_insert(table, 2, &from), 0);
	neighbour_table_release(table, 2);
	assert_int_equal(neighbour_table_remove(table, 2), 0);
	assert_null(neighbour_table_lookup(table, 2));
}

static void bursts_equal_single_lookups(void **state)
{
	static const uint16_t sizes[] = {1, 63, 64};
	uint32_t indexes[VECTOR_MAX];

	for (uint8_t i = 0; i < CAPACITY; i += 3) {
		struct fwd_neighbour from = neighbour_of(i);

		assert_int_equal(neighbour_table_insert(table, i, &from), 0);
	}
	for (uint32_t i = 0; i < VECTOR_MAX; i++)
		indexes[i] = i * 2;
	for (unsigned s = 0; s < 3; s++) {
		const struct neighbour *neighbours[VECTOR_MAX];
		uint16_t found = neighbour_table_lookup_burst(table, indexes, sizes[s], neighbours);

		for (uint16_t i = 0; i < sizes[s]; i++) {
			assert_ptr_equal(neighbours[i], neighbour_table_lookup(table, indexes[i]));
			assert_int_equal(neighbours[i] != NULL, indexes[i] < CAPACITY && indexes[i] % 3 == 0);
			found = (uint16_t)(found - (neighbours[i] != NULL));
		}
		assert_int_equal(found, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(copied_part_before_a_packet_is_its_layer_2_header, set_up, tear_down),
		cmocka_unit_test_setup_teardown(unresolved_neighbour_has_no_header, set_up, tear_down),
		cmocka_unit_test_setup_teardown(malformed_or_out_of_range_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(neighbour_in_use_is_not_removed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(bursts_equal_single_lookups, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
