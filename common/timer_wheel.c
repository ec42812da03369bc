/* SPDX-License-Identifier: BSD-3-Clause */
#include "timer_wheel.h"

#include <stddef.h>
#include <string.h>

#define LEVEL_BITS  8
#define SLOT_MASK   (TIMER_WHEEL_SLOTS - 1)
#define SPAN(level) (UINT64_C(1) << (LEVEL_BITS * ((level) + 1)))

void timer_wheel_init(struct timer_wheel *wheel, uint64_t now_ms, void *context)
{
	memset(wheel, 0, sizeof(*wheel));
	wheel->now_ms = now_ms;
	wheel->context = context;
}

void timer_init(struct timer *timer, timer_fn fire)
{
	memset(timer, 0, sizeof(*timer));
	timer->fire = fire;
}

bool timer_is_running(const struct timer *timer)
{
	return timer->prev != NULL;
}

static void link_into(struct timer **head, struct timer *timer)
{
	timer->next = *head;
	timer->prev = head;
	if (timer->next != NULL)
		timer->next->prev = &timer->next;
	*head = timer;
}

static void unlink_timer(struct timer *timer)
{
	*timer->prev = timer->next;
	if (timer->next != NULL)
		timer->next->prev = timer->prev;
	timer->next = NULL;
	timer->prev = NULL;
}

/*
 * A timer lies at the lowest level in which its deadline and the wheel's time share all digits above: so a slot of
 * level 0 holds one tick, and a slot of a higher level is emptied into the lower ones when time enters it.
 */
static void place(struct timer_wheel *wheel, struct timer *timer)
{
	uint64_t at = timer->deadline_ms > wheel->now_ms ? timer->deadline_ms : wheel->now_ms + 1;
	uint64_t differs = at ^ wheel->now_ms;

	for (unsigned level = 0; level < TIMER_WHEEL_LEVELS; level++) {
		if (differs < SPAN(level)) {
			unsigned slot = (unsigned)(at >> (LEVEL_BITS * level)) & SLOT_MASK;

			link_into(&wheel->slots[level][slot], timer);
			wheel->occupied[level][slot / 64] |= UINT64_C(1) << slot % 64;
			return;
		}
	}
	link_into(&wheel->overflow, timer);
}

void timer_start(struct timer_wheel *wheel, struct timer *timer, uint64_t deadline_ms)
{
	if (timer_is_running(timer))
		unlink_timer(timer);
	else
		wheel->count++;
	timer->deadline_ms = deadline_ms;
	place(wheel, timer);
}

void timer_stop(struct timer_wheel *wheel, struct timer *timer)
{
	if (!timer_is_running(timer))
		return;
	unlink_timer(timer);
	wheel->count--;
}

/* First occupied slot >= @from of a level, or -1; slots that were emptied by stops are forgotten on the way. */
static int next_slot(const struct timer_wheel *wheel, unsigned level, unsigned from)
{
	for (unsigned word = from / 64; word < TIMER_WHEEL_SLOTS / 64; word++) {
		uint64_t bits = wheel->occupied[level][word];

		if (word == from / 64)
			bits &= ~UINT64_C(0) << from % 64;
		while (bits != 0) {
			unsigned slot = word * 64 + (unsigned)__builtin_ctzll(bits);

			if (wheel->slots[level][slot] != NULL)
				return (int)slot;
			bits &= bits - 1;
		}
	}
	return -1;
}

/* Start of the earliest occupied slot after now, of any level: nothing happens before it. */
static uint64_t next_stop(const struct timer_wheel *wheel)
{
	uint64_t earliest = TIMER_NEVER;

	for (unsigned level = 0; level < TIMER_WHEEL_LEVELS; level++) {
		unsigned shift = LEVEL_BITS * level;
		unsigned here = (unsigned)(wheel->now_ms >> shift) & SLOT_MASK;
		int slot = here + 1 < TIMER_WHEEL_SLOTS ? next_slot(wheel, level, here + 1) : -1;

		if (slot >= 0) {
			uint64_t base = wheel->now_ms & ~(SPAN(level) - 1);
			uint64_t at = base | (uint64_t)slot << shift;

			if (at < earliest)
				earliest = at;
		}
	}
	if (earliest == TIMER_NEVER && wheel->overflow != NULL)
		earliest = (wheel->now_ms | (SPAN(TIMER_WHEEL_LEVELS - 1) - 1)) + 1;
	return earliest;
}

uint64_t timer_wheel_next(const struct timer_wheel *wheel)
{
	if (wheel->count == 0)
		return TIMER_NEVER;
	/* What advance() left over within its budget is due now. */
	if (wheel->slots[0][wheel->now_ms & SLOT_MASK] != NULL)
		return wheel->now_ms;
	return next_stop(wheel);
}

static void replace_list(struct timer_wheel *wheel, struct timer **head)
{
	struct timer *timer = *head;

	*head = NULL;
	while (timer != NULL) {
		struct timer *next = timer->next;
		uint64_t deadline = timer->deadline_ms;

		timer->next = NULL;
		timer->prev = NULL;
		if (deadline <= wheel->now_ms)
			link_into(&wheel->slots[0][wheel->now_ms & SLOT_MASK], timer);
		else
			place(wheel, timer);
		timer = next;
	}
}

/* Time has entered new slots of the levels above 0: pour them down. */
static void cascade(struct timer_wheel *wheel)
{
	unsigned top = 0;

	for (unsigned level = 1; level <= TIMER_WHEEL_LEVELS; level++)
		if ((wheel->now_ms & (SPAN(level - 1) - 1)) == 0)
			top = level;
	if (top == TIMER_WHEEL_LEVELS)
		replace_list(wheel, &wheel->overflow);
	for (unsigned level = top < TIMER_WHEEL_LEVELS ? top : TIMER_WHEEL_LEVELS - 1; level >= 1; level--) {
		unsigned slot = (unsigned)(wheel->now_ms >> (LEVEL_BITS * level)) & SLOT_MASK;

		wheel->occupied[level][slot / 64] &= ~(UINT64_C(1) << slot % 64);
		replace_list(wheel, &wheel->slots[level][slot]);
	}
}

static unsigned fire_slot(struct timer_wheel *wheel, unsigned budget)
{
	struct timer **head = &wheel->slots[0][wheel->now_ms & SLOT_MASK];
	unsigned fired = 0;

	while (*head != NULL && fired < budget) {
		struct timer *timer = *head;

		unlink_timer(timer);
		wheel->count--;
		fired++;
		timer->fire(timer, wheel->context, wheel->now_ms);
	}
	return fired;
}

unsigned timer_wheel_advance(struct timer_wheel *wheel, uint64_t now_ms, unsigned budget)
{
	unsigned fired = fire_slot(wheel, budget);

	while (fired < budget && wheel->now_ms < now_ms) {
		uint64_t stop = next_stop(wheel);

		if (stop > now_ms) {
			wheel->now_ms = now_ms;
			break;
		}
		wheel->now_ms = stop;
		cascade(wheel);
		wheel->occupied[0][(stop & SLOT_MASK) / 64] &= ~(UINT64_C(1) << (stop & SLOT_MASK) % 64);
		fired += fire_slot(wheel, budget - fired);
	}
	return fired;
}
