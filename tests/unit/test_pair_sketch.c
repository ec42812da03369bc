/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include <string.h>

#include "pair_sketch.h"

#define WINDOW 1000

static struct pair_sketch sketch;
static struct pair_told told;

static void create(uint32_t sample, uint32_t packets, uint64_t bytes)
{
	memset(&sketch, 0, sizeof(sketch));
	memset(&told, 0, sizeof(told));
	pair_sketch_init(&sketch,
		&(struct pair_thresholds){.sample = sample, .packets = packets, .bytes = bytes, .window = WINDOW},
		&told);
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

static void pair_is_seen_when_it_passes_a_threshold(void **state)
{
	create(1, 10, 0);
	assert_int_equal(add(1, 100, 5), 10);
	create(1, 0, 2000);
	assert_int_equal(add(1, 100, 5), 20);
	create(1, 30, 2000);
	assert_int_equal(add(1, 100, 5), 20);
	create(1, 10, 2000);
	assert_int_equal(add(1, 100, 5), 10);
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

/* RO-018: with few packets the estimate is no more than a guess. */
static void one_sampled_packet_is_not_enough(void **state)
{
	create(128, 10, 0);
	assert_int_equal(add(1, 100, 5), PAIR_SAMPLES_MIN);
	create(1, 1, 0); /* unless every packet is looked at */
	assert_int_equal(add(1, 100, 5), 1);
}

/* G.7: both directions, but acknowledgements are fewer than what they acknowledge. */
static void way_back_of_a_seen_pair_is_seen_with_one_packet(void **state)
{
	struct pair_seen seen;

	create(128, 1000, 0);
	assert_false(pair_sketch_add(&sketch, 2, 1, 60, 5, &seen));
	assert_int_equal(add(1, 100, 5), 8);
	assert_false(pair_sketch_add(&sketch, 3, 1, 60, 6, &seen));
	assert_true(pair_sketch_add(&sketch, 2, 1, 60, 6, &seen));
	assert_false(pair_sketch_add(&sketch, 2, 1, 60, 7, &seen)); /* once in a window */
	assert_true(pair_sketch_add(&sketch, 2, 1, 60, 6 + WINDOW, &seen));
	assert_false(pair_sketch_add(&sketch, 2, 1, 60, 6 + 4 * WINDOW, &seen)); /* that was long ago */
}

static void way_back_may_be_another_workers(void **state)
{
	static struct pair_sketch other;
	struct pair_seen seen;

	create(128, 1000, 0);
	memset(&other, 0, sizeof(other));
	pair_sketch_init(&other, &sketch.thresholds, &told);
	assert_int_equal(add(1, 100, 5), 8);
	assert_true(pair_sketch_add(&other, 2, 1, 60, 6, &seen));
	assert_int_equal(seen.packets, 128);
}

/* Sends for a window at an even rate, in a stream that has @others packets between. Was it seen? */
static bool flow_is_seen(uint32_t packets, unsigned others, uint64_t *random)
{
	bool is_seen = false;
	struct pair_seen seen;

	for (uint32_t i = 0; i < packets; i++) {
		for (unsigned j = 0; j <= others; j++) {
			uint64_t source = j == 0 ? 1 : 1000 + test_random_below(random, 100000);
			uint64_t now = 5 + (uint64_t)i * WINDOW / packets;

			for (uint16_t at; pair_sketch_next(&sketch, 1, &at);)
				is_seen |= pair_sketch_add(&sketch, source, 2, 100, now, &seen) && j == 0;
		}
	}
	return is_seen;
}

/* RO-018 */
static void flow_of_a_thousand_packets_is_seen_in_a_window_and_a_short_one_is_not(void **state)
{
	uint64_t random = 11;
	unsigned heavy = 0, light = 0;

	for (unsigned run = 0; run < 200; run++) {
		create(128, 200, 0);
		sketch.random += run;
		assert_true(flow_is_seen(1000, 0, &random)); /* alone: for certain */
		create(128, 200, 0);
		sketch.random += run;
		heavy += flow_is_seen(1000, 20, &random);
		create(128, 200, 0);
		sketch.random += run;
		light += flow_is_seen(12, 1000, &random);
	}
	assert_true(heavy >= 190);
	assert_true(light <= 6);
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
		cmocka_unit_test(pair_is_seen_when_it_passes_a_threshold),
		cmocka_unit_test(pair_is_seen_once_in_a_window),
		cmocka_unit_test(slow_pair_is_never_seen),
		cmocka_unit_test(one_sampled_packet_is_not_enough),
		cmocka_unit_test(way_back_of_a_seen_pair_is_seen_with_one_packet),
		cmocka_unit_test(way_back_may_be_another_workers),
		cmocka_unit_test(flow_of_a_thousand_packets_is_seen_in_a_window_and_a_short_one_is_not),
		cmocka_unit_test(heavy_pair_is_seen_among_light_ones),
		cmocka_unit_test(one_packet_of_so_many_is_sampled_whatever_the_bursts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
