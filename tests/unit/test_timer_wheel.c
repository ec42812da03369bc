/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "timer_wheel.h"

struct probe {
	struct timer timer;
	uint64_t fired_at;
	unsigned fired;
	uint64_t restart_at;
};

static struct timer_wheel wheel;
static uint64_t last_deadline;

static void probe_fire(struct timer *timer, void *context, uint64_t now_ms)
{
	struct probe *probe = (struct probe *)timer;

	assert_ptr_equal(context, &wheel);
	assert_false(timer_is_running(timer));
	assert_true(timer->deadline_ms <= now_ms);
	assert_true(timer->deadline_ms >= last_deadline || last_deadline <= now_ms);
	last_deadline = timer->deadline_ms;
	probe->fired_at = now_ms;
	probe->fired++;
	if (probe->restart_at != 0) {
		timer_start(&wheel, timer, probe->restart_at);
		probe->restart_at = 0;
	}
}

static void start_at(uint64_t now)
{
	timer_wheel_init(&wheel, now, &wheel);
	last_deadline = 0;
}

static void timer_fires_at_its_deadline_and_not_before(void **state)
{
	static const uint64_t delays[] = {1, 2, 255, 256, 257, 1000, 65535, 65536, 65537, 16777215, 16777216,
		4294967295, 4294967296, 10000000000};

	for (size_t i = 0; i < sizeof(delays) / sizeof(delays[0]); i++) {
		struct probe probe = {.fired = 0};

		start_at(1234567);
		timer_init(&probe.timer, probe_fire);
		timer_start(&wheel, &probe.timer, 1234567 + delays[i]);
		timer_wheel_advance(&wheel, 1234567 + delays[i] - 1, 100);
		assert_int_equal(probe.fired, 0);
		assert_true(timer_wheel_next(&wheel) <= 1234567 + delays[i]);
		timer_wheel_advance(&wheel, 1234567 + delays[i], 100);
		assert_int_equal(probe.fired, 1);
		assert_int_equal(timer_wheel_next(&wheel), TIMER_NEVER);
	}
}

static void deadline_in_the_past_fires_one_tick_later(void **state)
{
	struct probe probe = {.fired = 0};

	start_at(0x1ffff); /* the next tick is in another slot of every level */
	timer_init(&probe.timer, probe_fire);
	timer_start(&wheel, &probe.timer, 5);
	assert_int_equal(timer_wheel_next(&wheel), 0x20000);
	timer_wheel_advance(&wheel, 0x20000, 100);
	assert_int_equal(probe.fired, 1);
}

static void stopped_timer_does_not_fire(void **state)
{
	struct probe probe = {.fired = 0};

	start_at(0);
	timer_init(&probe.timer, probe_fire);
	timer_stop(&wheel, &probe.timer);
	timer_start(&wheel, &probe.timer, 10);
	timer_stop(&wheel, &probe.timer);
	assert_false(timer_is_running(&probe.timer));
	timer_wheel_advance(&wheel, 1000, 100);
	assert_int_equal(probe.fired, 0);
	assert_int_equal(wheel.count, 0);
}

static void timer_can_be_started_again_while_it_fires(void **state)
{
	struct probe probe = {.restart_at = 300};

	start_at(0);
	timer_init(&probe.timer, probe_fire);
	timer_start(&wheel, &probe.timer, 10);
	timer_wheel_advance(&wheel, 299, 100);
	assert_int_equal(probe.fired, 1);
	timer_wheel_advance(&wheel, 300, 100);
	assert_int_equal(probe.fired, 2);
	assert_int_equal(probe.fired_at, 300);
}

static void budget_bounds_one_call_and_loses_nothing(void **state)
{
	struct probe probes[10] = {0};
	unsigned calls = 0, fired = 0, n;

	start_at(0);
	for (unsigned i = 0; i < 10; i++) {
		timer_init(&probes[i].timer, probe_fire);
		timer_start(&wheel, &probes[i].timer, 20);
	}
	do {
		n = timer_wheel_advance(&wheel, 50, 3);
		assert_true(n <= 3);
		if (n == 3 && fired + n < 10)
			assert_int_equal(timer_wheel_next(&wheel), 20);
		fired += n;
		calls++;
	} while (n == 3);
	assert_int_equal(fired, 10);
	assert_int_equal(calls, 4);
	assert_int_equal(wheel.now_ms, 50);
}

static void time_that_goes_back_is_ignored(void **state)
{
	struct probe probe = {.fired = 0};

	start_at(1000);
	timer_init(&probe.timer, probe_fire);
	timer_start(&wheel, &probe.timer, 1005);
	assert_int_equal(timer_wheel_advance(&wheel, 900, 100), 0);
	assert_int_equal(wheel.now_ms, 1000);
	timer_wheel_advance(&wheel, 1005, 100);
	assert_int_equal(probe.fired, 1);
}

/* Random starts, stops and steps against a plain array. */
static void wheel_equals_a_plain_list_of_deadlines(void **state)
{
	enum { N = 500 };
	struct probe *probes = calloc(N, sizeof(*probes));
	uint64_t *deadlines = calloc(N, sizeof(*deadlines)); /* 0: not running */
	uint64_t random = 88172645463325252u, now = 77;

	start_at(now);
	for (unsigned i = 0; i < N; i++)
		timer_init(&probes[i].timer, probe_fire);
	for (unsigned step = 0; step < 20000; step++) {
		unsigned i = test_random(&random) % N;
		uint64_t spread = UINT64_C(1) << test_random(&random) % 36;

		if (test_random(&random) % 4 == 0) {
			timer_stop(&wheel, &probes[i].timer);
			deadlines[i] = 0;
		} else {
			deadlines[i] = now + 1 + test_random(&random) % spread;
			timer_start(&wheel, &probes[i].timer, deadlines[i]);
		}
		probes[i].fired = 0;
		if (step % 8 == 0) {
			uint64_t earliest = TIMER_NEVER;

			now += test_random(&random) % (UINT64_C(1) << test_random(&random) % 30);
			for (unsigned j = 0; j < N; j++)
				if (deadlines[j] != 0 && deadlines[j] < earliest)
					earliest = deadlines[j];
			assert_true(timer_wheel_next(&wheel) <= earliest);
			last_deadline = 0;
			timer_wheel_advance(&wheel, now, UINT32_MAX);
			for (unsigned j = 0; j < N; j++) {
				bool due = deadlines[j] != 0 && deadlines[j] <= now;

				assert_int_equal(probes[j].fired, due);
				if (due) {
					assert_int_equal(probes[j].fired_at, deadlines[j]);
					deadlines[j] = 0;
					probes[j].fired = 0;
				}
				assert_int_equal(timer_is_running(&probes[j].timer), deadlines[j] != 0);
			}
		}
	}
	free(probes);
	free(deadlines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timer_fires_at_its_deadline_and_not_before),
		cmocka_unit_test(deadline_in_the_past_fires_one_tick_later),
		cmocka_unit_test(stopped_timer_does_not_fire),
		cmocka_unit_test(timer_can_be_started_again_while_it_fires),
		cmocka_unit_test(budget_bounds_one_call_and_loses_nothing),
		cmocka_unit_test(time_that_goes_back_is_ignored),
		cmocka_unit_test(wheel_equals_a_plain_list_of_deadlines),
	};

	return cmocka_run_group_tests_name("timer_wheel", tests, NULL, NULL);
}
