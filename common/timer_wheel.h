/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * Timer wheel: hierarchical (4 levels of 256 slots, 1 ms ticks, then an overflow list), with nodes embedded in the
 * objects they belong to. Driven by a given time, no clock of its own. Start, stop and restart are O(1); a timer never
 * fires early, and at most one tick late against the time given to timer_wheel_advance().
 *
 * Threads: one thread. Memory: the wheel is the caller's; it never allocates.
 */
#define TIMER_WHEEL_LEVELS 4
#define TIMER_WHEEL_SLOTS  256

struct timer;
typedef void (*timer_fn)(struct timer *timer, void *context, uint64_t now_ms);

struct timer {
	struct timer *next, **prev; /* prev is NULL when stopped */
	uint64_t deadline_ms;
	timer_fn fire; /* with the wheel's context; the timer is stopped before, and may be started again inside */
};

struct timer_wheel {
	uint64_t now_ms;
	uint32_t count;
	void *context;
	struct timer *slots[TIMER_WHEEL_LEVELS][TIMER_WHEEL_SLOTS];
	struct timer *overflow;
	uint64_t occupied[TIMER_WHEEL_LEVELS][TIMER_WHEEL_SLOTS / 64];
};

#define TIMER_NEVER UINT64_MAX

void timer_wheel_init(struct timer_wheel *wheel, uint64_t now_ms, void *context);
/* Sets the function of a timer; a zeroed timer is stopped. */
void timer_init(struct timer *timer, timer_fn fire);
/* (Re)start: fires when the wheel reaches @deadline_ms; a deadline that is not ahead fires one tick later. */
void timer_start(struct timer_wheel *wheel, struct timer *timer, uint64_t deadline_ms);
void timer_stop(struct timer_wheel *wheel, struct timer *timer);
bool timer_is_running(const struct timer *timer);
/*
 * Advance to @now_ms and fire up to @budget due timers, in order of their deadlines (to the tick). Returns the number
 * fired; if it equals @budget, call again: the wheel may not have reached @now_ms yet.
 * A @now_ms before the wheel's time is ignored.
 */
unsigned timer_wheel_advance(struct timer_wheel *wheel, uint64_t now_ms, unsigned budget);
/* A time not after the earliest deadline, or TIMER_NEVER if no timer runs. */
uint64_t timer_wheel_next(const struct timer_wheel *wheel);
