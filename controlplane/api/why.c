/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "format.h"

#include "api/advice.h"
#include "api/node_argument.h"
#include "api/sessions.h"
#include "node/events.h"
#include "pmip/heartbeat.h"

/*
 * `why NODE`: state, last events, last status and what can be done; one row per session. NODE is an identifier, or a
 * link-layer address or an address or prefix of the mobile node, for which the sessions are walked.
 */
enum { WHY_START, WHY_WALK, WHY_HELD };

static void advise(json_t *advice, struct row *row, const char *sentence)
{
	if (sentence != NULL && json_array_append_new(advice, json_string(sentence)) != 0)
		row->failed = true;
}

bool peer_is_unreachable(const struct walk *walk, const struct in6_addr *address)
{
	const struct heartbeat *heartbeat = walk->sources->heartbeat;
	uint32_t index = policy_peer_find(walk->sources->policy, address);
	struct peer_view view;

	return heartbeat != NULL && index != UINT32_MAX && heartbeat_peer_next(heartbeat, index, &view) &&
	       view.index == index && view.asked && !view.reachable;
}

static void row_advice(struct row *row, const struct walk *walk, const struct session *session)
{
	const struct attachment_view *attachment = session->attachment;
	bool has_status = attachment == NULL || attachment->has_status;
	json_t *advice = json_array();

	if (has_status)
		advise(advice, row,
			status_advice(attachment != NULL ? attachment->last_status : session->binding->last_status,
				attachment != NULL));
	if (peer_is_unreachable(walk, &session->peer))
		advise(advice, row,
			"the peer does not answer heartbeats: see show peers, show routes and show neighbours");
	if (attachment != NULL && attachment->state == ATTACHMENT_REGISTERING && attachment->tries > 1)
		advise(advice, row,
			"no answer so far: is the LMA reachable (show routes, show neighbours), and is this MAG "
			"one of its peers?");
	row_json(row, "advice", advice);
}

static int session_row(const struct walk *walk, const struct session *session, json_t **json)
{
	struct row row;

	row_start(&row);
	row_mn(&row, &session->id);
	row_text(&row, "state", session->state);
	row_text(&row, "meaning", state_meaning(session->state));
	row_registration(&row, walk, session);
	row_advice(&row, walk, session);
	row_history(&row, walk, session->history);
	return row_finish(&row, json);
}

static void hold(void *context, const struct session *session)
{
	struct walk *walk = context;
	json_t *row;

	if (session_row(walk, session, &row) < 0 || json_array_append_new(walk->held, row) != 0)
		walk->refusal.error = API_ERROR_INTERNAL;
}

/* Events of the ring of all nodes that are about this one: for who has no session, hence no history. */
static json_t *ring_events(const struct walk *walk, const struct mn_id *id, struct row *row)
{
	const struct events *events = walk->sources->events;
	const struct event_record *record = events != NULL ? events_next(events, 0) : NULL;
	json_t *array = json_array();

	for (; record != NULL; record = events_next(events, record->number + 1)) {
		struct row event;
		json_t *json;

		if (record->subtype != id->subtype || record->length != id->length ||
			memcmp(record->id, id->data, id->length) != 0)
			continue;
		row_start(&event);
		row_event(&event, &walk->now, walk->sources->mag != NULL, record->wall_ns,
			(enum history_event)record->event, record->value);
		if (row_finish(&event, &json) < 0 || json_array_append_new(array, json) != 0)
			row->failed = true;
	}
	return array;
}

/* The last status among events, for advice. */
static void absent_advice(struct row *row, const struct walk *walk, bool known, const json_t *events)
{
	bool mag = walk->sources->mag != NULL;
	json_t *advice = json_array();
	size_t n = json_array_size(events);

	if (!known)
		advise(advice, row,
			"the mobile node is not configured, and there is no default profile: it is refused; add it "
			"under mobile-nodes");
	else if (n == 0)
		advise(advice, row,
			mag ? "nothing was seen of it: is it on an access link of this MAG? (show drops, show "
			      "ports)"
			    : "no MAG has registered it: look at the MAG (hawserctl why there)");
	if (n != 0) {
		const json_t *last = json_array_get(events, n - 1);
		const char *event = json_string_value(json_object_get(last, "event"));

		if (event != NULL && (strcmp(event, "rejected") == 0 || strcmp(event, "pba_received") == 0))
			advise(advice, row,
				status_advice((uint8_t)json_integer_value(json_object_get(last, "value")), mag));
	}
	row_json(row, "advice", advice);
}

/* Nobody has a session by this name: say what is known of it. */
static int absent_row(struct walk *walk, const struct mn_id *id, json_t **json)
{
	struct policy_node node;
	bool known = policy_node_by_id(walk->sources->policy, id, &node);
	struct row row;
	json_t *events;

	row_start(&row);
	events = ring_events(walk, id, &row);
	if ((!known || node.is_default) && json_array_size(events) == 0) {
		json_decref(events);
		json_decref(row.json);
		*json = NULL;
		return refusal_set(&walk->refusal, API_ERROR_NOT_FOUND,
			"nothing is known of this mobile node: no session, no configuration, no event; see show nodes");
	}
	row_mn(&row, id);
	row_text(&row, "state", "absent");
	row_text(&row, "meaning", state_meaning("absent"));
	absent_advice(&row, walk, known, events);
	row_json(&row, "events", events);
	return row_finish(&row, json);
}

/* What NODE is if it is no identifier: a filter for the walk. */
static bool locator_parse(const char *text, struct filter *filter)
{
	*filter = (struct filter){0};
	if (mac_parse(text, filter->mac) == 0) {
		filter->given = FILTER_BIT(mac);
		return true;
	}
	filter->prefix_length = 128;
	if (ip6_parse(text, &filter->prefix) == 0 || prefix_parse(text, &filter->prefix, &filter->prefix_length) == 0) {
		filter->given = FILTER_BIT(prefix);
		return true;
	}
	return false;
}

static int why_start(struct walk *walk, json_t **row)
{
	const char *text = request_argument(walk->request, "mn");
	uint8_t bytes[MN_ID_MAX];
	struct filter filter;
	struct mn_id id;

	if (text != NULL && locator_parse(text, &filter)) {
		walk->place.phase = WHY_WALK;
		return 1;
	}
	if (node_argument(walk, bytes, &id) != 0)
		return -EINVAL;
	walk->held = json_array();
	if (walk->held == NULL)
		return -ENOMEM;
	walk->place.phase = WHY_HELD;
	walk->refusal.error = API_ERROR_COUNT;
	if (session_find(walk->sources, &id, hold, walk) != 0)
		return walk->refusal.error == API_ERROR_INTERNAL ? -ENOMEM : 1;
	return absent_row(walk, &id, row);
}

/* No session has what was named; policy may know whose link-layer address it is. */
static int why_nobody(struct walk *walk, const struct filter *filter, json_t **row)
{
	const char *text = request_argument(walk->request, "mn");
	uint8_t bytes[MN_ID_MAX];
	struct mn_id id;

	walk->place.phase = WHY_HELD;
	if (!(filter->given & FILTER_BIT(mac)))
		return refusal_set(&walk->refusal, API_ERROR_NOT_FOUND, "no session has %.60s; see show nodes", text);
	return node_argument(walk, bytes, &id) == 0 ? absent_row(walk, &id, row) : -EINVAL;
}

static int why_walk(struct walk *walk, json_t **row)
{
	const char *text = request_argument(walk->request, "mn");
	union session_view view;
	struct session session;
	struct filter filter;

	if (!locator_parse(text, &filter)) /* cannot fail: it did not in why_start() */
		return 0;
	if (!session_next(walk->sources, walk->place.at, &view, &session))
		return walk->count == 0 ? why_nobody(walk, &filter, row) : 0;
	walk->place.at = (uint64_t)session.index + 1;
	if ((filter.given & FILTER_BIT(mac)) && !(session.has_mac && filter_mac(&filter, session.mac)))
		return 1;
	if (!filter_prefixes(&filter, session.prefixes, session.prefix_count))
		return 1;
	walk->count++;
	return session_row(walk, &session, row);
}

int why_step(struct walk *walk, json_t **row)
{
	*row = NULL;
	switch (walk->place.phase) {
	case WHY_START: return why_start(walk, row);
	case WHY_WALK: return why_walk(walk, row);
	default: return walk_held_step(walk, row);
	}
}
