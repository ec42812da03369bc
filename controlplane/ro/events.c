/* SPDX-License-Identifier: BSD-3-Clause */
/* What happens to pairs, in words. */
#include "ro/ro.h"

enum value_kind { VALUE_nothing, VALUE_reason, VALUE_message, VALUE_status };

static const struct {
	const char *word;
	enum value_kind kind;
} rows[] = {
#define EVENT_ROW(name, word, value) {word, VALUE_##value},
	RO_EVENTS(EVENT_ROW)
#undef EVENT_ROW
};

const char *ro_event_name(uint8_t event)
{
	return event < RO_EVENT_COUNT ? rows[event].word : "unknown";
}

const char *ro_event_value(uint8_t event, uint8_t value)
{
	switch (event < RO_EVENT_COUNT ? rows[event].kind : VALUE_nothing) {
	case VALUE_reason: return ro_reason_name(value);
	case VALUE_message: return ro_message_name(value);
	case VALUE_status: return ro_status_name(value);
	case VALUE_nothing: break;
	}
	return "";
}

bool ro_event_is_status(uint8_t event)
{
	return event < RO_EVENT_COUNT && rows[event].kind == VALUE_status;
}
