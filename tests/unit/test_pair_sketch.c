/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include <string.h>

#include "pair_sketch.h"

#define WINDOW 1000

static struct pair_sketch sketch;

static void create(uint32_t sample, uint32_t packets, uint64_t bytes)
{
	memset(&sketch, 0, sizeof(sketch));
	pair_sketch_init(&sketch,
		&(struct pair_thresholds){.sample = sample, .packets = packets, .bytes = bytes, .window = WINDOW});
}

/* Adds until the pair is seen; how many packets that took. 0: not among @n. */
static unsigned add(uint64_t source, unsigned n, uint64_t now)
{
	struct pair_seen seen;

	for (unsigned i = 1; i <= n; i++)
		if (pair_sketch_add(&sketch, source, 2, 100, now, &seen))
			return i;
	return 0;
}

static void pair_is_seen_when_it_passes_both_thresholds(void **state)
{
	create(1, 10, 0);
	assert_int_equal(add(1, 100, 5), 10);
	create(1, 0, 2000);
	assert_int_equal(add(1, 100, 5), 20);
	create(1, 30, 2000);
	assert_int_equal(add(1, 100, 5), 30);
	create(8, 80, 0); /* each sampled packet stands for eight */
	assert_int_equal(add(1, 100, 5), 10);
}

static void pair_is_seen_once_in_a_window(void **state)
{
	create(1, 10, 0);
	assert_int_equal(add(1, 100, 5), 10);
	assert_int_equal(add(1, 100, 5 + WINDOW - 1), 0);
	assert_int_equal(add(1, 100, 5 + 2 * WINDOW), 10);
}

static void slow_pair_is_never_seen(void **state)
{
	struct pair_seen seen;

	create(1, 10, 0);
	for (uint64_t now = 0; now < 1000 * WINDOW; now += WINDOW / 5)
		assert_false(pair_sketch_add(&sketch, 1, 2, 100, now, &seen));
}

/* Many pairs, each in somebody's cell now and then: the heavy one among them is seen all the same. */
static void heavy_pair_is_seen_among_light_ones(void **state)
{
	uint64_t random = 3;
	struct pair_seen seen;
	bool heavy = false;

	create(1, 1000, 0);
	for (unsigned i = 0; i < 100000; i++) {
		uint64_t light = 100 + test_random_below(&random, 50000);

		assert_false(pair_sketch_add(&sketch, light, 7, 100, 5, &seen));
		if (i % 16 == 0)
			heavy |= pair_sketch_add(&sketch, 1, 2, 100, 5, &seen);
	}
	assert_true(heavy);
}

static void one_packet_of_so_many_is_sampled_whatever_the_bursts(void **state)
{
	static const uint16_t bursts[] = {1, 63, 64, 0};
	static const uint32_t samples[] = {1, 2, 64, 1000};

	for (unsigned s = 0; s < 4; s++) {
		uint64_t packets = 0, sampled = 0;

		create(samples[s], 1, 0);
		while (packets < 1000 * (uint64_t)samples[s]) {
			uint16_t n = bursts[packets % 4], previous = 0, i;

			for (bool first = true; pair_sketch_next(&sketch, n, &i); first = false, previous = i) {
				assert_true(i < n && (first || i > previous));
				sampled++;
			}
			packets += n != 0 ? n : 1;
			if (n == 0 && pair_sketch_next(&sketch, 1, &i)) {
				sampled++;
				assert_false(pair_sketch_next(&sketch, 1, &i));
			}
		}
		assert_true(sampled > packets / samples[s] * 9 / 10 && sampled < packets / samples[s] * 11 / 10 + 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pair_is_seen_when_it_passes_both_thresholds),
		cmocka_unit_test(pair_is_seen_once_in_a_window),
		cmocka_unit_test(slow_pair_is_never_seen),
		cmocka_unit_test(heavy_pair_is_seen_among_light_ones),
		cmocka_unit_test(one_packet_of_so_many_is_sampled_whatever_the_bursts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
