/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "engine.h"

#include "mh/mh.h"
#include "node/history.h"

/*
 * The last events of all mobile nodes, for `show events`: a ring of values that the host fills from the engines'
 * event() calls. A mobile node's own ring (history.h) forgets nothing because of its neighbours; this one tells what
 * happened when.
 *
 * Threads: the control core. Memory: fixed at creation.
 */
struct events;

struct event_record {
	uint64_t number;  /* counts from 1; never reused */
	uint64_t wall_ns; /* since 1970-01-01 UTC */
	uint8_t event;    /* enum history_event */
	uint8_t value;    /* as in struct history_entry */
	uint8_t subtype;  /* of the MN identifier */
	uint8_t length;   /* octets of the MN identifier */
	uint8_t id[MN_ID_MAX];
};

/* A ring of @size records, at least one. NULL: no memory. */
struct events *events_create(unsigned size);
void events_destroy(struct events *events);
/* Add one; the oldest gives way. @id may be NULL: the event is about no single mobile node. */
void events_add(
	struct events *events, uint64_t wall_ns, const struct mn_id *id, enum history_event event, uint8_t value);
/* The oldest record with a number >= @from, or NULL: there is none yet. Valid until the next events_add(). */
const struct event_record *events_next(const struct events *events, uint64_t from);

/*
 * What an engine calls when something happens to a mobile node: into its history, and to the host for whoever looks
 * at all nodes.
 */
static inline void node_event(struct engine_host *host, const struct engine_time *now, const struct mn_id *id,
	struct history *history, enum history_event event, uint8_t value)
{
	history_add(history, now->wall_ns, event, value);
	if (host->ops->event != NULL)
		host->ops->event(host, now, id, event, value);
}
