/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "endpoint.h"
#include "format.h"

#include "api/pair_argument.h"
#include "api/pairs.h"
#include "api/sessions.h"
#include "pmip/prefix_pool.h"

/*
 * `why A B`: the path of packets from A to B and from B to A and why it is that one; the pair, if there is one; the
 * session on each side; what happened lately; what can be done.
 */
enum { WHY_DONE = PAIR_KNOWN + 1 };

#define REASON_MAX 256

struct end {
	uint64_t endpoint;
	struct ro_prospect prospect;
	bool has_id;
	struct mn_id id;
	uint8_t id_bytes[MN_ID_MAX];
	char name[END_TEXT_MAX];
	/* of the session, if there is one here */
	const char *session; /* its state */
	struct in6_addr peer;
	uint32_t tunnel;
};

/* What `why` is about. */
struct question {
	const struct walk *walk;
	bool mag;
	bool has_pair;
	struct ro_view view;
	unsigned side[2]; /* of the view, for a and b */
	struct end ends[2];
};

/* ---- what is known ---- */

static void end_identify(struct end *end, const struct mn_id *id)
{
	if (end->has_id || id->length == 0)
		return;
	end->has_id = true;
	memcpy(end->id_bytes, id->data, id->length);
	end->id = (struct mn_id){.subtype = id->subtype, .length = id->length, .data = end->id_bytes};
}

static void take_session(void *context, const struct session *session)
{
	struct end *end = context;

	if (session->prefix_count == 0 || endpoint_id_ipv6(session->prefixes[0].prefix.s6_addr) != end->endpoint)
		return;
	end->session = session->state;
	end->peer = session->peer;
	end->tunnel = session->binding != NULL ? session->binding->tunnel : session->attachment->tunnel;
}

static void end_fill(struct question *question, unsigned i)
{
	const struct walk *walk = question->walk;
	struct end *end = &question->ends[i];
	uint8_t bytes[MN_ID_MAX];
	struct in6_addr address;
	uint8_t length;
	struct mn_id id;
	const char *text = pair_argument_text(walk, i);
	bool is_id = ip6_parse(text, &address) != 0 && prefix_parse(text, &address, &length) != 0 &&
		     mn_parse(text, bytes, &id) == 0;

	*end = (struct end){.endpoint = walk->ends[i], .prospect.allowed = true, .tunnel = INDEX_NONE};
	if (walk->sources->ro != NULL)
		ro_prospect(walk->sources->ro, walk->ends[i], walk->ends[1 - i], &end->prospect);
	if (question->has_pair)
		end_identify(end, &question->view.sides[question->side[i]].id);
	if (is_id)
		end_identify(end, &id);
	if (!end->has_id && end->prospect.here)
		end_identify(end, &end->prospect.id);
	end_name(&end->id, end->endpoint, end->name);
	if (end->has_id)
		session_find(walk->sources, &end->id, take_session, end);
}

static void question_fill(struct question *question, const struct walk *walk)
{
	const struct ro *ro = walk->sources->ro;

	memset(question, 0, sizeof(*question));
	question->walk = walk;
	question->mag = walk->sources->config->role == ROLE_MAG;
	question->has_pair = ro != NULL && ro_pair_find(ro, walk->ends[0], walk->ends[1], &question->view) &&
			     question->view.state != RO_STATE_NONE;
	question->side[0] = question->has_pair ? pair_side(&question->view, walk->ends[0]) : 1;
	question->side[1] = 1 - question->side[0];
	for (unsigned i = 0; i < 2; i++)
		end_fill(question, i);
}

/* ---- why a direction takes its path ---- */

static void say(char text[REASON_MAX], const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Add to a sentence. */
static void say(char text[REASON_MAX], const char *format, ...)
{
	size_t n = strlen(text);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text + n, REASON_MAX - n, format, arguments);
	va_end(arguments);
}

static uint64_t seconds_until(const struct walk *walk, uint64_t monotonic_ms)
{
	uint64_t now_ms = engine_ms(&walk->now);

	return monotonic_ms > now_ms ? (monotonic_ms - now_ms + 999) / 1000 : 0;
}

static void say_held_down(const struct question *question, char text[REASON_MAX])
{
	const struct ro_view *view = &question->view;
	const struct walk *walk = question->walk;
	uint64_t left_s = seconds_until(walk, view->hold_down_ms);

	if (left_s == 0)
		say(text, "; the next packets in both directions start it again");
	else if (view->last_failure != 0)
		say(text, "; held down for %llu s more after status %u %s", (unsigned long long)left_s,
			view->last_failure, ro_status_name(view->last_failure));
	else
		say(text, "; held down for %llu s more after the operator stopped it", (unsigned long long)left_s);
}

static void why_removed(const struct question *question, unsigned from, char text[REASON_MAX])
{
	const struct ro_view *view = &question->view;
	const struct ro_side_view *to = &view->sides[question->side[1 - from]];

	say(text, "no direct path any more");
	if (view->last_failure != 0)
		say(text, ": %s", ro_status_name(view->last_failure));
	if (!question->mag)
		say_held_down(question, text);
	if (to->goes_back)
		say(text, "; what still comes direct for %.80s goes back to its LMA", question->ends[1 - from].name);
}

static void why_pending(const struct question *question, char text[REASON_MAX])
{
	const struct ro_view *view = &question->view;
	char gateway[GATEWAY_TEXT_MAX];

	if (question->mag)
		say(text, "being set up: direct packets are taken, sending waits for the other MAG");
	else
		say(text, "being set up: step %s", view->step);
	if (view->awaited != 0)
		say(text, "; waits for the Ack of %.80s to %s",
			gateway_name(question->walk, &view->awaited_from, gateway), ro_message_name(view->awaited));
	if (view->awaited != 0 && view->awaited_tries > 0)
		say(text, ", sent again %u time%s", view->awaited_tries, view->awaited_tries > 1 ? "s" : "");
}

static void why_active(const struct question *question, unsigned from, const char *path, char text[REASON_MAX])
{
	const struct ro_view *view = &question->view;
	const struct ro_side_view *source = &view->sides[question->side[from]];
	const struct ro_side_view *target = &view->sides[question->side[1 - from]];
	char a[GATEWAY_TEXT_MAX], b[GATEWAY_TEXT_MAX];
	const char *source_mag = gateway_name(question->walk, &source->mag, a);
	const char *target_mag = gateway_name(question->walk, &target->mag, b);

	if (source_mag == NULL)
		source_mag = "its MAG";
	if (target_mag == NULL)
		target_mag = "the other MAG";
	if (strcmp(path, "local") == 0)
		say(text, "both are at %.80s, which hands packets over", target_mag);
	else if (strcmp(path, "moving") == 0)
		say(text, "a mobile node moved: step %s; until it is done packets go by its old MAG and the LMA",
			view->step);
	else if (strcmp(path, "direct") == 0 && question->mag && source->ours)
		say(text, "sent through a tunnel to %.80s, the MAG of %.80s", target_mag,
			question->ends[1 - from].name);
	else if (strcmp(path, "direct") == 0 && question->mag)
		say(text, "taken from %.80s, the MAG of %.80s", source_mag, question->ends[from].name);
	else if (strcmp(path, "direct") == 0)
		say(text, "%.80s sends it straight to %.80s", source_mag, target_mag);
	else
		say(text, "the other MAG has not confirmed that it takes direct packets");
}

/* No pair: what is missing? */
static void why_no_pair(const struct question *question, unsigned from, char text[REASON_MAX])
{
	const struct end *source = &question->ends[from], *target = &question->ends[1 - from];
	const struct config_ro *config = &question->walk->sources->config->ro;
	uint64_t here = source->prospect.seen_ms, back = target->prospect.seen_ms;

	for (unsigned i = 0; i < 2; i++) {
		const struct end *end = &question->ends[i];

		if (!end->prospect.allowed)
			say(text, "%spolicy of %.80s denies route optimisation", text[0] != '\0' ? "; " : "",
				end->name);
	}
	if (text[0] != '\0')
		return;
	if (question->mag)
		say(text, "its LMA has not asked for it");
	else if (!config->detect)
		say(text, "pairs are not looked for: route-optimisation.detection is off");
	else if (here == 0 && back == 0)
		say(text,
			"no packets of either direction were seen, or too few (threshold %u packets or %llu octets in "
			"%u ms)",
			config->detect_packets, (unsigned long long)config->detect_bytes, config->detect_window_ms);
	else if (here == 0)
		say(text, "no packets in this direction yet, or fewer than the threshold");
	else if (back == 0)
		say(text, "no packets in the other direction yet, or fewer than the threshold");
	else
		say(text, "packets in both directions were seen; not started: over a limit of one of them, or a "
			  "gateway on "
			  "the way does not take part");
}

/* A mobile node that is nowhere that we know of: its end, or -1. */
static int nowhere(const struct question *question)
{
	for (int i = 0; i < 2; i++) {
		const struct end *end = &question->ends[i];
		bool elsewhere = question->mag || !IN6_IS_ADDR_UNSPECIFIED(&end->prospect.lma);

		if (!end->prospect.here && end->session == NULL && !question->has_pair && !elsewhere)
			return i;
	}
	return question->mag && !question->has_pair && question->ends[0].session == NULL &&
			       question->ends[1].session == NULL
		       ? 0
		       : -1;
}

/* A session that forwards nothing: there is no path at all. */
static bool say_not_active(const struct question *question, char text[REASON_MAX])
{
	for (unsigned i = 0; i < 2 && question->walk->sources->ro != NULL && !question->has_pair; i++) {
		const struct end *end = &question->ends[i];

		if (end->session == NULL || end->prospect.here)
			continue;
		say(text, "%.80s is not active: its session is %s", end->name, end->session);
		return true;
	}
	return false;
}

static const char *why_direction(const struct question *question, unsigned from, char text[REASON_MAX])
{
	const struct ro_view *view = &question->view;
	const char *path = question->has_pair ? pair_path(question->walk, view, question->side[from]) : "lma";
	int lost = nowhere(question);

	text[0] = '\0';
	if (say_not_active(question, text))
		return "none";
	if (lost >= 0 && question->walk->sources->ro != NULL) {
		say(text, "%.80s has no active session here%s", question->ends[lost].name,
			question->mag ? "" : ", and no peer LMA has its prefix");
		return (unsigned)lost == from || question->mag ? "none" : "lma";
	}
	if (question->walk->sources->ro == NULL) {
		say(text, "route optimisation is off here");
		return "lma";
	}
	if (!question->has_pair)
		why_no_pair(question, from, text);
	else if (view->state == RO_STATE_FALLBACK)
		why_removed(question, from, text);
	else if (view->state == RO_STATE_PENDING || (view->state == RO_STATE_INSTALLED && strcmp(path, "lma") == 0))
		why_pending(question, text);
	else
		why_active(question, from, path, text);
	return path;
}

/* ---- the row ---- */

/* Where packets of that direction go: the far MAG if they go direct, else the LMA. */
static void row_via(struct row *row, const struct question *question, unsigned from, const char *path)
{
	const struct walk *walk = question->walk;
	const struct end *source = &question->ends[from];
	const struct in6_addr *via = question->mag ? &source->prospect.lma : &walk->sources->config->lma.address;
	char text[GATEWAY_TEXT_MAX];

	if (question->mag && IN6_IS_ADDR_UNSPECIFIED(via))
		via = &question->ends[1 - from].prospect.lma;
	if (strcmp(path, "direct") == 0 || strcmp(path, "local") == 0)
		via = &question->view.sides[question->side[1 - from]].mag;
	row_text(row, "via", strcmp(path, "none") == 0 ? NULL : gateway_name(walk, via, text));
}

static json_t *direction_json(const struct question *question, unsigned from, struct row *whole)
{
	char text[REASON_MAX];
	const char *path = why_direction(question, from, text);
	struct row row;
	json_t *json;

	row_start(&row);
	row_text(&row, "from", question->ends[from].name);
	row_text(&row, "to", question->ends[1 - from].name);
	row_text(&row, "path", path);
	row_via(&row, question, from, path);
	row_text(&row, "why", text);
	row_past(&row, "seen", &question->walk->now, question->ends[from].prospect.seen_ms);
	if (row_finish(&row, &json) < 0)
		whole->failed = true;
	return json;
}

static json_t *end_json(const struct question *question, unsigned i, struct row *whole)
{
	const struct ro_side_view *side = question->has_pair ? &question->view.sides[question->side[i]] : NULL;
	const struct walk *walk = question->walk;
	const struct end *end = &question->ends[i];
	struct home_network_prefix prefix = prefix_from_id(end->endpoint);
	struct in6_addr mag = {0}, lma = end->prospect.lma;
	char text[GATEWAY_TEXT_MAX];
	struct row row;
	json_t *json;

	if (side != NULL) {
		mag = side->mag;
		lma = side->lma;
	} else if (end->session != NULL) {
		mag = question->mag ? walk->sources->config->mag.address : end->peer;
		lma = question->mag ? end->peer : walk->sources->config->lma.address;
	}
	row_start(&row);
	row_text(&row, "mn", end->name);
	row_prefix(&row, "prefix", &prefix.prefix, prefix.length);
	if (side != NULL)
		row_ipv4_home(&row, "ipv4_home", &side->ipv4);
	row_text(&row, "session", end->session);
	row_bool(&row, "allowed", end->prospect.allowed);
	row_text(&row, "mag", gateway_name(walk, &mag, text));
	row_text(&row, "lma", gateway_name(walk, &lma, text));
	row_json(&row, "tunnel", end->tunnel != INDEX_NONE ? json_integer(end->tunnel) : json_null());
	if (question->mag && side != NULL && (side->ours || side->takes)) {
		row_bool(&row, "sends", side->sends);
		row_bool(&row, "takes", side->takes);
		row_bool(&row, "goes_back", side->goes_back);
	}
	if (row_finish(&row, &json) < 0)
		whole->failed = true;
	return json;
}

/* Take what a constructor gave into an array; NULL was noted by it. */
static void append(json_t *array, json_t *value, struct row *row)
{
	if (value == NULL || json_array_append_new(array, value) != 0)
		row->failed = true;
}

static void append_event(json_t *array, const struct question *question, uint64_t wall_ns, uint8_t event, uint8_t value,
	struct row *whole)
{
	struct row row;
	json_t *json;

	row_start(&row);
	row_pair_event(&row, &question->walk->now, wall_ns, event, value);
	if (row_finish(&row, &json) < 0)
		whole->failed = true;
	else
		append(array, json, whole);
}

/* Of a pair that is gone: what the ring of all pairs still has. */
static void ring_events(json_t *array, const struct question *question, struct row *row)
{
	const struct pair_events *events = question->walk->sources->pair_events;
	uint64_t a = question->ends[0].endpoint, b = question->ends[1].endpoint;
	struct pair_event_record record;

	for (uint64_t at = 0; pair_events_next(events, at, &record); at = record.number + 1)
		if ((record.prefixes[0] == a && record.prefixes[1] == b) ||
			(record.prefixes[0] == b && record.prefixes[1] == a))
			append_event(array, question, record.wall_ns, record.event, record.value, row);
}

static json_t *events_json(const struct question *question, struct row *row)
{
	const struct pair_events *events = question->walk->sources->pair_events;
	const struct pair_event *event;
	json_t *array = json_array();
	uint64_t a, b;

	if (events == NULL)
		return array;
	if (!question->has_pair) {
		ring_events(array, question, row);
		return array;
	}
	a = question->view.sides[0].prefixes[0];
	b = question->view.sides[1].prefixes[0];
	for (unsigned i = 0; (event = pair_events_get(events, question->view.index, a, b, i)) != NULL; i++)
		append_event(array, question, (uint64_t)event->wall_s * 1000000000 + (uint64_t)event->wall_ms * 1000000,
			event->event, event->value, row);
	return array;
}

/* ---- advice ---- */

static const char *failure_advice(uint8_t status)
{
	switch (status) {
	case RO_STATUS_PROHIBITED:
		return "a gateway's policy denies it: see route-optimisation under mobile-nodes and peers there";
	case RO_STATUS_NO_RESOURCES: return "a gateway has no room: raise route-optimisation.max-pairs there";
	case RO_STATUS_NOT_ATTACHED: return "a mobile node has left its MAG: see show nodes there";
	case RO_STATUS_UNRESOLVED: return "an LMA does not know where a mobile node is: see ro-prefixes of its peers";
	case RO_STATUS_MODE: return "a gateway does not know route optimisation, or not this mode: see show peers";
	case RO_STATUS_OUT_OF_WINDOW: return "clocks differ too much: synchronise the gateways (NTP)";
	case RO_STATUS_PREFIX: return "gateways do not agree on the prefixes of a mobile node: compare show nodes";
	case RO_STATUS_TUNNEL:
		return "the way between the MAGs does not work: see show routes and show neighbours there";
	case RO_STATUS_TIMED_OUT: return "a gateway does not answer: see show peers, show routes and show neighbours";
	case RO_STATUS_NOT_AUTHORISED:
		return "a gateway does not accept another one: see peers, ro-prefixes, ro-key and direct-trust there";
	case RO_STATUS_MALFORMED: return "a message is not understood: hawserctl decode shows it";
	default: return NULL;
	}
}

static void advise(json_t *advice, struct row *row, const char *sentence)
{
	if (sentence != NULL)
		append(advice, json_string(sentence), row);
}

static void advise_of_peer(
	json_t *advice, struct row *row, const struct question *question, const struct in6_addr *address)
{
	char gateway[GATEWAY_TEXT_MAX], text[REASON_MAX] = "";

	if (!peer_is_unreachable(question->walk, address))
		return;
	say(text, "%.80s does not answer heartbeats: see show peers", gateway_name(question->walk, address, gateway));
	advise(advice, row, text);
}

static json_t *advice_json(const struct question *question, struct row *row)
{
	const struct walk *walk = question->walk;
	const struct ro_view *view = &question->view;
	json_t *advice = json_array();

	if (walk->sources->ro == NULL)
		advise(advice, row, "set route-optimisation.enabled to true in the configuration");
	for (unsigned i = 0; i < 2; i++)
		if (!question->ends[i].prospect.allowed)
			advise(advice, row,
				"policy denies it: see route-optimisation under mobile-nodes and peers, and "
				"eligible-prefixes");
	if (!question->has_pair)
		return advice;
	if (view->state != RO_STATE_ACTIVE)
		advise(advice, row, failure_advice(view->last_failure));
	for (unsigned i = 0; i < 2; i++) {
		advise_of_peer(advice, row, question, &view->sides[i].mag);
		if (!IN6_ARE_ADDR_EQUAL(&view->sides[0].lma, &view->sides[1].lma) || i == 0)
			advise_of_peer(advice, row, question, &view->sides[i].lma);
	}
	if (!question->mag && view->state == RO_STATE_FALLBACK && view->hold_down_ms > engine_ms(&walk->now))
		advise(advice, row, "hawserctl ro start does not wait for the end of the hold-down");
	return advice;
}

static const char *meaning(const struct question *question)
{
	if (!question->has_pair)
		return "there is no direct path, and none is being set up";
	switch (question->view.state) {
	case RO_STATE_PENDING: return "the direct path is being set up; packets go over the LMA";
	case RO_STATE_INSTALLED: return "direct packets are taken; sending direct waits for the other MAG";
	case RO_STATE_ACTIVE: return "packets go direct";
	case RO_STATE_FALLBACK: return "packets go over the LMA again";
	default: return "";
	}
}

static int why_row(struct walk *walk, json_t **json)
{
	json_t *directions = json_array(), *sides = json_array();
	struct question question;
	struct row row;

	question_fill(&question, walk);
	row_start(&row);
	row_text(&row, "mn_a", question.ends[0].name);
	row_text(&row, "mn_b", question.ends[1].name);
	if (question.has_pair)
		row_pair(&row, walk, &question.view);
	else
		row_text(&row, "state", "absent");
	row_text(&row, "meaning", meaning(&question));
	for (unsigned i = 0; i < 2; i++) {
		append(directions, direction_json(&question, i, &row), &row);
		append(sides, end_json(&question, i, &row), &row);
	}
	row_json(&row, "directions", directions);
	row_json(&row, "sides", sides);
	row_json(&row, "events", events_json(&question, &row));
	row_json(&row, "advice", advice_json(&question, &row));
	return row_finish(&row, json);
}

int why_pair_step(struct walk *walk, json_t **row)
{
	int result;

	*row = NULL;
	if (walk->place.phase == WHY_DONE)
		return 0;
	result = pair_argument_step(walk);
	if (result != 0)
		return result;
	walk->place.phase = WHY_DONE;
	return why_row(walk, row);
}
