/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "ro/ro.h"

/*
 * What happened to pairs: the last events of each one for `why A B`, and the last of all for `show pair_events`. The
 * engine tells it through its hook. The history of a pair outlives its association until another pair gets the index.
 *
 * Threads: the control core. Memory: fixed at creation, PAIR_EVENTS_BYTES per pair.
 */
#define PAIR_EVENTS_BYTES 152
struct pair_events;

struct pair_event_record {
	uint64_t number;  /* counts from 1; never reused */
	uint64_t wall_ns; /* since 1970-01-01 UTC */
	uint64_t prefixes[2];
	struct mn_id ids[2]; /* valid until the next event; length 0: not known */
	uint8_t event;       /* enum ro_event */
	uint8_t value;
};

/* For an engine with @max_pairs pairs; @kept: records of all pairs, at least one. NULL: no memory. */
struct pair_events *pair_events_create(uint32_t max_pairs, unsigned kept);
void pair_events_destroy(struct pair_events *events);
/* For struct ro_hooks, or called by who has that context for itself; @context: struct pair_events. */
void pair_events_note(void *context, const struct engine_time *now, const struct ro_event_pair *pair,
	enum ro_event event, uint8_t value);
#define PAIR_EVENTS_KEPT 16 /* of one pair */

struct pair_event {
	uint32_t wall_s;  /* since 1970-01-01 UTC */
	uint16_t wall_ms; /* 0..999 */
	uint8_t event;    /* enum ro_event */
	uint8_t value;
};

/*
 * Event @i, 0 the oldest, of the pair with these first prefixes, in either order, if it has or had @index. NULL past
 * the last.
 */
const struct pair_event *pair_events_get(
	const struct pair_events *events, uint32_t index, uint64_t a, uint64_t b, unsigned i);
/* The oldest record with a number >= @from into @record; false: there is none yet. */
bool pair_events_next(const struct pair_events *events, uint64_t from, struct pair_event_record *record);
