/* SPDX-License-Identifier: BSD-3-Clause */
#include "node/history.h"

#include <stddef.h>

#define NAME_OF(name, word) #name,
#define HELP_OF(name, word) word,

static const char *const names[] = {HISTORY_EVENTS(NAME_OF)};
static const char *const helps[] = {HISTORY_EVENTS(HELP_OF)};

const char *history_event_name(enum history_event event)
{
	return (unsigned)event < HISTORY_EVENT_COUNT ? names[event] : "?";
}

const char *history_event_help(enum history_event event)
{
	return (unsigned)event < HISTORY_EVENT_COUNT ? helps[event] : "?";
}

void history_add(struct history *history, uint64_t wall_ns, enum history_event event, uint8_t value)
{
	history->entries[history->next] = (struct history_entry){
		.wall_s = (uint32_t)(wall_ns / 1000000000),
		.wall_ms = (uint16_t)(wall_ns / 1000000 % 1000),
		.event = (uint8_t)event,
		.value = value,
	};
	history->next = (uint8_t)((history->next + 1) % HISTORY_LENGTH);
	if (history->count < HISTORY_LENGTH)
		history->count++;
}

const struct history_entry *history_get(const struct history *history, unsigned i)
{
	if (i >= history->count)
		return NULL;
	return &history->entries[(history->next + HISTORY_LENGTH - history->count + i) % HISTORY_LENGTH];
}
