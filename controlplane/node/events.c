/* SPDX-License-Identifier: BSD-3-Clause */
#include "node/events.h"

#include <stdlib.h>
#include <string.h>

struct events {
	uint64_t next; /* number that the next record gets */
	unsigned size;
	struct event_record records[];
};

struct events *events_create(unsigned size)
{
	struct events *events;

	if (size == 0)
		return NULL;
	events = calloc(1, sizeof(*events) + (size_t)size * sizeof(events->records[0]));
	if (events == NULL)
		return NULL;
	events->next = 1;
	events->size = size;
	return events;
}

void events_destroy(struct events *events)
{
	free(events);
}

void events_add(
	struct events *events, uint64_t wall_ns, const struct mn_id *id, enum history_event event, uint8_t value)
{
	struct event_record *record = &events->records[events->next % events->size];

	*record = (struct event_record){
		.number = events->next++, .wall_ns = wall_ns, .event = (uint8_t)event, .value = value};
	if (id == NULL)
		return;
	record->subtype = id->subtype;
	record->length = id->length < MN_ID_MAX ? id->length : MN_ID_MAX;
	if (record->length != 0)
		memcpy(record->id, id->data, record->length);
}

const struct event_record *events_next(const struct events *events, uint64_t from)
{
	uint64_t oldest = events->next > events->size ? events->next - events->size : 1;

	if (from < oldest)
		from = oldest;
	return from < events->next ? &events->records[from % events->size] : NULL;
}
