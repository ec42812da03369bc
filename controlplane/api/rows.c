/* SPDX-License-Identifier: BSD-3-Clause */
#include "api/rows.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "format.h"

#define KEY_MAX    64
#define DETAIL_MAX 96

void row_start(struct row *row)
{
	row->json = json_object();
	row->failed = row->json == NULL;
}

int row_finish(struct row *row, json_t **json)
{
	if (row->failed) {
		json_decref(row->json);
		*json = NULL;
		return -ENOMEM;
	}
	*json = row->json;
	return 1;
}

void row_json(struct row *row, const char *key, json_t *value)
{
	if (row->failed || value == NULL) {
		json_decref(value);
		row->failed = true;
		return;
	}
	if (json_object_set_new_nocheck(row->json, key, value) != 0)
		row->failed = true;
}

void row_text(struct row *row, const char *key, const char *text)
{
	row_json(row, key, text != NULL ? json_string(text) : json_null());
}

void row_number(struct row *row, const char *key, uint64_t value)
{
	row_json(row, key, json_integer((json_int_t)value));
}

void row_bool(struct row *row, const char *key, bool value)
{
	row_json(row, key, json_boolean(value));
}

void row_real(struct row *row, const char *key, double value)
{
	row_json(row, key, json_real(value));
}

void row_null(struct row *row, const char *key)
{
	row_json(row, key, json_null());
}

void row_hex(struct row *row, const char *key, const void *bytes, size_t n)
{
	char text[2 * UINT8_MAX + 1];

	row_text(row, key, bytes != NULL ? hex_format(bytes, n, text, sizeof(text)) : NULL);
}

void row_ip6(struct row *row, const char *key, const struct in6_addr *address)
{
	char text[IP6_TEXT_MAX];

	row_text(row, key, IN6_IS_ADDR_UNSPECIFIED(address) ? NULL : ip6_format(address, text));
}

void row_mac(struct row *row, const char *key, const uint8_t mac[6])
{
	char text[MAC_TEXT_MAX];

	row_text(row, key, mac_format(mac, text));
}

void row_prefix(struct row *row, const char *key, const struct in6_addr *prefix, uint8_t length)
{
	char text[PREFIX_TEXT_MAX];

	row_text(row, key, prefix_format(prefix, length, text));
}

void row_prefixes(struct row *row, const char *key, const struct home_network_prefix *prefixes, unsigned count)
{
	json_t *array = json_array();
	char text[PREFIX_TEXT_MAX];

	for (unsigned i = 0; i < count; i++) {
		prefix_format(&prefixes[i].prefix, prefixes[i].length, text);
		if (json_array_append_new(array, json_string(text)) != 0)
			row->failed = true;
	}
	row_json(row, key, array);
}

void row_mn(struct row *row, const struct mn_id *id)
{
	char text[MN_TEXT_MAX];

	row_text(row, "mn", mn_format(id, text));
}

const char *wall_format(uint64_t wall_ns, char text[WALL_TEXT_MAX])
{
	time_t seconds = (time_t)(wall_ns / 1000000000);
	struct tm parts;
	size_t n;

	if (gmtime_r(&seconds, &parts) == NULL)
		memset(&parts, 0, sizeof(parts));
	n = strftime(text, WALL_TEXT_MAX, "%Y-%m-%dT%H:%M:%S", &parts);
	snprintf(text + n, WALL_TEXT_MAX - n, ".%03uZ", (unsigned)(wall_ns / 1000000 % 1000));
	return text;
}

void row_wall(struct row *row, const char *key, uint64_t wall_ns)
{
	char text[WALL_TEXT_MAX];

	row_text(row, key, wall_ns != 0 ? wall_format(wall_ns, text) : NULL);
}

static const char *join(char key[KEY_MAX], const char *stem, const char *suffix)
{
	snprintf(key, KEY_MAX, "%s%s", stem, suffix);
	return key;
}

/* Wall clock of a monotonic time, @distance_ms from now (negative: past); never before 1970. */
static uint64_t wall_at(const struct engine_time *now, int64_t distance_ms)
{
	int64_t wall_ms = (int64_t)(now->wall_ns / 1000000) + distance_ms;

	return wall_ms > 0 ? (uint64_t)wall_ms * 1000000 : 0;
}

void row_deadline(struct row *row, const char *key, const struct engine_time *now, uint64_t monotonic_ms)
{
	int64_t distance_ms = (int64_t)(monotonic_ms - engine_ms(now));
	bool none = monotonic_ms == 0 || monotonic_ms == UINT64_MAX;
	char name[KEY_MAX];

	row_json(row, join(name, key, "_in_ms"), none ? json_null() : json_integer(distance_ms));
	row_wall(row, join(name, key, "_at"), none ? 0 : wall_at(now, distance_ms));
}

void row_past(struct row *row, const char *key, const struct engine_time *now, uint64_t monotonic_ms)
{
	int64_t ago_ms = (int64_t)(engine_ms(now) - monotonic_ms);
	bool none = monotonic_ms == 0;
	char name[KEY_MAX];

	row_json(row, join(name, key, "_ago_ms"), none ? json_null() : json_integer(ago_ms));
	row_wall(row, join(name, key, "_at"), none ? 0 : wall_at(now, -ago_ms));
}

void row_traffic(struct row *row, const struct object_counter *up, const struct object_counter *down)
{
	row_number(row, "up_packets", up->packets);
	row_number(row, "up_bytes", up->bytes);
	row_number(row, "down_packets", down->packets);
	row_number(row, "down_bytes", down->bytes);
}

void row_status(struct row *row, const char *key, bool has, uint8_t status)
{
	char name[KEY_MAX];

	row_json(row, key, has ? json_integer(status) : json_null());
	row_text(row, join(name, key, "_name"), has ? mh_status_name(status) : NULL);
}

/* What the value of an event means in words; "" if it means nothing. */
static void event_detail(bool mag, enum history_event event, uint8_t value, char text[DETAIL_MAX])
{
	text[0] = '\0';
	switch (event) {
	case HISTORY_rejected: /* without one it was policy's */
		if (value != 0)
			snprintf(text, DETAIL_MAX, "%u %s", value, mh_status_name(value));
		break;
	case HISTORY_pba_sent:
	case HISTORY_pba_received:
	case HISTORY_pba_ignored: snprintf(text, DETAIL_MAX, "%u %s", value, mh_status_name(value)); break;
	case HISTORY_pbu_retransmitted: snprintf(text, DETAIL_MAX, "try %u", value); break;
	case HISTORY_pbu_sent: /* without one it is a de-registration */
		if (value != 0)
			snprintf(text, DETAIL_MAX, "handoff indicator %u %s", value, handoff_indicator_name(value));
		break;
	case HISTORY_upn_sent:
	case HISTORY_upn_received: snprintf(text, DETAIL_MAX, "%u %s", value, upn_reason_name(value)); break;
	case HISTORY_upn_failed:
		snprintf(text, DETAIL_MAX, "%u %s", value, value != 0 ? upa_status_name(value) : "no answer");
		break;
	case HISTORY_probe_unanswered: snprintf(text, DETAIL_MAX, "probe %u", value); break;
	case HISTORY_retry_wait: snprintf(text, DETAIL_MAX, "%u s", value); break;
	case HISTORY_prefixes_changed: snprintf(text, DETAIL_MAX, "%u now", value); break;
	case HISTORY_forwarding_failed:
		if (value != 0)
			snprintf(text, DETAIL_MAX, "%s", strerror(value));
		break;
	case HISTORY_registered:
	case HISTORY_refreshed:
	case HISTORY_handover:
	case HISTORY_pbu_held:
		if (!mag)
			snprintf(text, DETAIL_MAX, "handoff indicator %u %s", value, handoff_indicator_name(value));
		else if (event == HISTORY_handover)
			snprintf(text, DETAIL_MAX, "to link %u", value);
		break;
	default: break;
	}
}

void row_event(struct row *row, const struct engine_time *now, bool mag, uint64_t wall_ns, enum history_event event,
	uint8_t value)
{
	int64_t ago_ms = (int64_t)(now->wall_ns / 1000000) - (int64_t)(wall_ns / 1000000);
	char detail[DETAIL_MAX];

	event_detail(mag, event, value, detail);
	row_wall(row, "at", wall_ns);
	row_json(row, "ago_ms", json_integer(ago_ms));
	row_text(row, "event", history_event_name(event));
	row_text(row, "text", history_event_help(event));
	row_number(row, "value", value);
	row_text(row, "detail", detail);
}

const char *mn_format(const struct mn_id *id, char text[MN_TEXT_MAX])
{
	static const char digits[] = "0123456789abcdef";
	char *to = text;

	if (id->subtype != 1)
		to += snprintf(text, MN_TEXT_MAX, "\\s%u:", id->subtype);
	for (unsigned i = 0; i < id->length && i < MN_ID_MAX; i++) {
		uint8_t octet = id->data[i];

		if (octet >= 0x20 && octet < 0x7f && octet != '\\') {
			*to++ = (char)octet;
			continue;
		}
		*to++ = '\\';
		*to++ = 'x';
		*to++ = digits[octet >> 4];
		*to++ = digits[octet & 15];
	}
	*to = '\0';
	return text;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* "\sN:" in front of @text; moves it past that. Without it the subtype is 1. */
static bool subtype_parse(const char **text, uint8_t *subtype)
{
	const char *p = *text;
	unsigned value = 0;

	*subtype = 1;
	if (p[0] != '\\' || p[1] != 's')
		return true;
	for (p += 2; *p >= '0' && *p <= '9' && value <= UINT8_MAX; p++)
		value = value * 10 + (unsigned)(*p - '0');
	if (*p != ':' || p == *text + 2 || value > UINT8_MAX)
		return false;
	*subtype = (uint8_t)value;
	*text = p + 1;
	return true;
}

int mn_parse(const char *text, uint8_t bytes[MN_ID_MAX], struct mn_id *id)
{
	unsigned n = 0;

	*id = (struct mn_id){.data = bytes};
	if (!subtype_parse(&text, &id->subtype))
		return -EINVAL;
	for (; *text != '\0'; n++) {
		if (n == MN_ID_MAX)
			return -ERANGE;
		if (*text != '\\') {
			bytes[n] = (uint8_t)*text++;
			continue;
		}
		if (text[1] != 'x' || hex_digit(text[2]) < 0 || hex_digit(text[3]) < 0)
			return -EINVAL;
		bytes[n] = (uint8_t)(hex_digit(text[2]) << 4 | hex_digit(text[3]));
		text += 4;
	}
	id->length = (uint8_t)n;
	return 0;
}
