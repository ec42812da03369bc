/* SPDX-License-Identifier: BSD-3-Clause */
#include "api/pairs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "format.h"

#include "pmip/prefix_pool.h"

/* `show pairs` and `show pair_events`. */

const char *gateway_name(const struct walk *walk, const struct in6_addr *address, char text[GATEWAY_TEXT_MAX])
{
	const struct config *config = walk->sources->config;
	const struct in6_addr *own = config->role == ROLE_LMA ? &config->lma.address : &config->mag.address;
	const char *name = peer_name(walk->sources->policy, address);

	if (IN6_IS_ADDR_UNSPECIFIED(address))
		return NULL;
	if (IN6_ARE_ADDR_EQUAL(address, own))
		return config->name;
	return name != NULL ? name : ip6_format(address, text);
}

const char *end_name(const struct mn_id *id, uint64_t endpoint, char text[END_TEXT_MAX])
{
	struct home_network_prefix prefix = prefix_from_id(endpoint);

	return id->length != 0 ? mn_format(id, text) : prefix_format(&prefix.prefix, prefix.length, text);
}

unsigned pair_side(const struct ro_view *view, uint64_t endpoint)
{
	for (unsigned i = 0; i < view->sides[0].prefix_count; i++)
		if (view->sides[0].prefixes[i] == endpoint)
			return 0;
	return 1;
}

const char *pair_path(const struct walk *walk, const struct ro_view *view, unsigned side)
{
	const struct ro_side_view *from = &view->sides[side], *to = &view->sides[1 - side];

	if (walk->sources->config->role == ROLE_MAG) {
		if (from->ours)
			return !from->sends ? "lma" : view->local ? "local" : "direct";
		return to->takes && view->state == RO_STATE_ACTIVE ? "direct" : "lma";
	}
	if (view->state != RO_STATE_ACTIVE)
		return "lma";
	if (view->updating && view->handover)
		return "moving";
	return IN6_ARE_ADDR_EQUAL(&from->mag, &to->mag) ? "local" : "direct";
}

/* ---- rows ---- */

void row_ipv4_home(struct row *row, const char *key, const struct ro_ipv4_home *home)
{
	const uint8_t *a = home->address;
	char text[sizeof("255.255.255.255/255")];

	snprintf(text, sizeof(text), "%u.%u.%u.%u/%u", a[0], a[1], a[2], a[3], home->length);
	row_text(row, key, home->length != 0 ? text : NULL);
}

static void row_side_prefixes(struct row *row, const char *key, const struct ro_side_view *side)
{
	struct home_network_prefix prefixes[RO_SIDE_PREFIXES];
	unsigned n;

	for (n = 0; n < side->prefix_count && n < RO_SIDE_PREFIXES; n++)
		prefixes[n] = prefix_from_id(side->prefixes[n]);
	row_prefixes(row, key, prefixes, n);
}

static void row_side(struct row *row, const struct walk *walk, const struct ro_view *view, unsigned i)
{
	static const char *const keys[2][10] = {{"a", "a_prefixes", "a_here", "a_mag", "a_mag_address", "a_lma",
							"a_lma_address", "a_sends", "a_takes", "a_ipv4_home"},
		{"b", "b_prefixes", "b_here", "b_mag", "b_mag_address", "b_lma", "b_lma_address", "b_sends", "b_takes",
			"b_ipv4_home"}};
	const struct ro_side_view *side = &view->sides[i];
	char text[END_TEXT_MAX], gateway[GATEWAY_TEXT_MAX];

	row_text(row, keys[i][0], end_name(&side->id, side->prefixes[0], text));
	row_side_prefixes(row, keys[i][1], side);
	row_ipv4_home(row, keys[i][9], &side->ipv4);
	row_bool(row, keys[i][2], side->ours);
	row_text(row, keys[i][3], gateway_name(walk, &side->mag, gateway));
	row_ip6(row, keys[i][4], &side->mag);
	row_text(row, keys[i][5], gateway_name(walk, &side->lma, gateway));
	row_ip6(row, keys[i][6], &side->lma);
	if (walk->sources->config->role == ROLE_MAG) {
		row_bool(row, keys[i][7], side->sends);
		row_bool(row, keys[i][8], side->takes);
	}
}

/* Who controls the pair: at an LMA we or the other LMA; a MAG is not told. */
static void row_controller(struct row *row, const struct walk *walk, const struct ro_view *view)
{
	const struct config *config = walk->sources->config;
	const struct ro_side_view *foreign = &view->sides[view->sides[0].ours ? 1 : 0];
	char text[GATEWAY_TEXT_MAX];

	if (config->role == ROLE_MAG)
		return;
	row_text(row, "controller", view->controller ? config->name : gateway_name(walk, &foreign->lma, text));
}

static void row_counters(struct row *row, const struct walk *walk, uint32_t pair)
{
	const struct api_sources *sources = walk->sources;
	struct object_counter up, down;

	if (sources->pair_counter == NULL || sources->config->role != ROLE_MAG)
		return;
	sources->pair_counter(sources->context, pair, COUNTER_UP, &up);
	sources->pair_counter(sources->context, pair, COUNTER_DOWN, &down);
	row_traffic(row, &up, &down);
}

static void row_failure(struct row *row, const struct ro_view *view)
{
	row_json(row, "last_failure", view->last_failure != 0 ? json_integer(view->last_failure) : json_null());
	row_text(row, "last_failure_name", view->last_failure != 0 ? ro_status_name(view->last_failure) : NULL);
}

void row_pair(struct row *row, const struct walk *walk, const struct ro_view *view)
{
	const struct engine_time *now = &walk->now;

	row_number(row, "pair", view->index);
	for (unsigned i = 0; i < 2; i++)
		row_side(row, walk, view, i);
	row_text(row, "state", ro_state_name(view->state));
	row_text(row, "a_to_b", pair_path(walk, view, 0));
	row_text(row, "b_to_a", pair_path(walk, view, 1));
	row_text(row, "driver", view->driver);
	row_controller(row, walk, view);
	row_number(row, "association", view->association);
	row_text(row, "update", ro_reason_name(view->reason));
	row_text(row, "step", view->updating ? view->step : NULL);
	row_wall(row, "stamp", view->stamp != 0 ? mh_timestamp_to_ns(view->stamp) : 0);
	row_number(row, "lifetime_s", view->lifetime_s);
	row_deadline(row, "expires", now, view->expires_ms);
	row_deadline(row, "deadline", now, view->deadline_ms);
	row_deadline(row, "held_down", now, view->hold_down_ms > engine_ms(now) ? view->hold_down_ms : 0);
	row_failure(row, view);
	row_counters(row, walk, view->index);
}

static bool matches_peer(const struct walk *walk, const struct ro_view *view)
{
	const struct filter *filter = &walk->request->filter;
	const struct policy *policy = walk->sources->policy;

	for (unsigned i = 0; i < 2; i++)
		if (filter_peer(filter, policy, &view->sides[i].mag) ||
			filter_peer(filter, policy, &view->sides[i].lma))
			return true;
	return false;
}

static bool matches_prefix(const struct filter *filter, const uint64_t *endpoints, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		struct home_network_prefix prefix = prefix_from_id(endpoints[i]);

		if (filter_prefix(filter, &prefix.prefix, prefix.length))
			return true;
	}
	return false;
}

static bool pair_matches(const struct walk *walk, const struct ro_view *view)
{
	const struct filter *filter = &walk->request->filter;
	bool mn = false, prefix = false;

	for (unsigned i = 0; i < 2; i++) {
		mn = mn || filter_mn(filter, &view->sides[i].id);
		prefix = prefix || matches_prefix(filter, view->sides[i].prefixes, view->sides[i].prefix_count);
	}
	return mn && prefix && matches_peer(walk, view) && filter_state(filter, ro_state_name(view->state));
}

int show_pairs_step(struct walk *walk, json_t **row)
{
	const struct ro *ro = walk->sources->ro;
	struct ro_view view;
	struct row out;

	*row = NULL;
	if (ro == NULL || walk->place.at >= INDEX_NONE || !ro_pair_next(ro, (uint32_t)walk->place.at, &view))
		return 0;
	walk->place.at = (uint64_t)view.index + 1;
	if (!pair_matches(walk, &view))
		return 1;
	row_start(&out);
	row_pair(&out, walk, &view);
	return row_finish(&out, row);
}

/* ---- events ---- */

void row_pair_event(struct row *row, const struct engine_time *now, uint64_t wall_ns, uint8_t event, uint8_t value)
{
	int64_t ago_ms = (int64_t)(now->wall_ns / 1000000) - (int64_t)(wall_ns / 1000000);
	const char *word = ro_event_value(event, value);
	char detail[64];

	if (ro_event_is_status(event) && RO_FAILED(value))
		snprintf(detail, sizeof(detail), "%u %s", value, word);
	else
		snprintf(detail, sizeof(detail), "%s", word);
	row_wall(row, "at", wall_ns);
	row_json(row, "ago_ms", json_integer(ago_ms));
	row_text(row, "event", ro_event_name(event));
	row_number(row, "value", value);
	row_text(row, "detail", detail);
}

int show_pair_events_step(struct walk *walk, json_t **row)
{
	const struct filter *filter = &walk->request->filter;
	const struct pair_events *events = walk->sources->pair_events;
	struct pair_event_record record;
	char text[END_TEXT_MAX];
	struct row out;

	*row = NULL;
	if (events == NULL || !pair_events_next(events, walk->place.at, &record))
		return 0;
	walk->place.at = record.number + 1;
	if (!(filter_mn(filter, &record.ids[0]) || filter_mn(filter, &record.ids[1])) ||
		!matches_prefix(filter, record.prefixes, 2) ||
		!filter_name_pattern(filter, ro_event_name(record.event)))
		return 1;
	row_start(&out);
	row_number(&out, "number", record.number);
	row_text(&out, "a", end_name(&record.ids[0], record.prefixes[0], text));
	row_text(&out, "b", end_name(&record.ids[1], record.prefixes[1], text));
	row_pair_event(&out, &walk->now, record.wall_ns, record.event, record.value);
	return row_finish(&out, row);
}
