/* SPDX-License-Identifier: BSD-3-Clause */
#include "ro/pair_events.h"

#include <stdlib.h>
#include <string.h>

struct kept_history {
	uint64_t prefixes[2];
	struct pair_event entries[PAIR_EVENTS_KEPT];
	uint8_t next; /* slot that the next one takes */
	uint8_t count;
};
_Static_assert(sizeof(struct kept_history) == PAIR_EVENTS_BYTES, "as the contract says");

struct kept_id {
	uint8_t subtype, length;
	uint8_t data[MN_ID_MAX];
};

struct kept_record {
	uint64_t number, wall_ns, prefixes[2];
	struct kept_id ids[2];
	uint8_t event, value;
};

struct pair_events {
	uint32_t max_pairs;
	unsigned kept;
	uint64_t next; /* number that the next record gets */
	struct kept_history *histories;
	struct kept_record *records;
};

struct pair_events *pair_events_create(uint32_t max_pairs, unsigned kept)
{
	struct pair_events *events = kept > 0 ? calloc(1, sizeof(*events)) : NULL;

	if (events == NULL)
		return NULL;
	events->max_pairs = max_pairs;
	events->kept = kept;
	events->next = 1;
	events->histories = calloc(max_pairs, sizeof(*events->histories));
	events->records = calloc(kept, sizeof(*events->records));
	if (events->histories == NULL || events->records == NULL) {
		pair_events_destroy(events);
		return NULL;
	}
	return events;
}

void pair_events_destroy(struct pair_events *events)
{
	if (events == NULL)
		return;
	free(events->records);
	free(events->histories);
	free(events);
}

static bool same_pair(const uint64_t prefixes[2], uint64_t a, uint64_t b)
{
	return (prefixes[0] == a && prefixes[1] == b) || (prefixes[0] == b && prefixes[1] == a);
}

static void keep_id(struct kept_id *kept, const struct mn_id *id)
{
	kept->subtype = id->subtype;
	kept->length = id->length < MN_ID_MAX ? id->length : MN_ID_MAX;
	if (kept->length != 0)
		memcpy(kept->data, id->data, kept->length);
}

static void history_note(struct kept_history *kept, const struct engine_time *now, const struct ro_event_pair *pair,
	enum ro_event event, uint8_t value)
{
	if (!same_pair(kept->prefixes, pair->prefixes[0], pair->prefixes[1])) {
		memset(kept, 0, sizeof(*kept));
		memcpy(kept->prefixes, pair->prefixes, sizeof(kept->prefixes));
	}
	kept->entries[kept->next] = (struct pair_event){
		.wall_s = (uint32_t)(now->wall_ns / 1000000000),
		.wall_ms = (uint16_t)(now->wall_ns / 1000000 % 1000),
		.event = (uint8_t)event,
		.value = value,
	};
	kept->next = (uint8_t)((kept->next + 1) % PAIR_EVENTS_KEPT);
	if (kept->count < PAIR_EVENTS_KEPT)
		kept->count++;
}

void pair_events_note(void *context, const struct engine_time *now, const struct ro_event_pair *pair,
	enum ro_event event, uint8_t value)
{
	struct pair_events *events = context;
	struct kept_record *record = &events->records[events->next % events->kept];

	record->number = events->next++;
	record->wall_ns = now->wall_ns;
	memcpy(record->prefixes, pair->prefixes, sizeof(record->prefixes));
	for (unsigned i = 0; i < 2; i++)
		keep_id(&record->ids[i], &pair->ids[i]);
	record->event = (uint8_t)event;
	record->value = value;
	if (pair->index < events->max_pairs)
		history_note(&events->histories[pair->index], now, pair, event, value);
}

const struct pair_event *pair_events_get(
	const struct pair_events *events, uint32_t index, uint64_t a, uint64_t b, unsigned i)
{
	const struct kept_history *kept = index < events->max_pairs ? &events->histories[index] : NULL;

	if (kept == NULL || i >= kept->count || !same_pair(kept->prefixes, a, b))
		return NULL;
	return &kept->entries[(kept->next + PAIR_EVENTS_KEPT - kept->count + i) % PAIR_EVENTS_KEPT];
}

bool pair_events_next(const struct pair_events *events, uint64_t from, struct pair_event_record *record)
{
	uint64_t oldest = events->next > events->kept ? events->next - events->kept : 1;
	const struct kept_record *kept;

	if (from < oldest)
		from = oldest;
	if (from >= events->next)
		return false;
	kept = &events->records[from % events->kept];
	*record = (struct pair_event_record){
		.number = kept->number, .wall_ns = kept->wall_ns, .event = kept->event, .value = kept->value};
	memcpy(record->prefixes, kept->prefixes, sizeof(record->prefixes));
	for (unsigned i = 0; i < 2; i++)
		record->ids[i] = (struct mn_id){
			.subtype = kept->ids[i].subtype, .length = kept->ids[i].length, .data = kept->ids[i].data};
	return true;
}
