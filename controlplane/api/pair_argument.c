/* SPDX-License-Identifier: BSD-3-Clause */
#include "api/pair_argument.h"

#include <errno.h>
#include <string.h>

#include "endpoint.h"
#include "format.h"

#include "api/sessions.h"
#include "ro/ro.h"

/* Phases: of a in 0..2, of b in 3..5. */
enum { FIND_START, FIND_SESSIONS, FIND_PAIRS, FIND_PHASES };

const char *pair_argument_text(const struct walk *walk, unsigned end)
{
	const char *text = request_argument(walk->request, end == 0 ? "a" : "b");

	return text != NULL ? text : "";
}

/* The prefix that an argument is or lies in: 0, -EINVAL if it is neither, -EDOM if it can be no home network prefix. */
static int endpoint_parse(const char *text, uint64_t *endpoint)
{
	struct in6_addr address;
	uint8_t length = 64;

	if (ip6_parse(text, &address) != 0 && prefix_parse(text, &address, &length) != 0)
		return -EINVAL;
	*endpoint = endpoint_id_ipv6(address.s6_addr);
	return length == 64 && *endpoint != ENDPOINT_NONE ? 0 : -EDOM;
}

static int known(struct walk *walk, unsigned end, uint64_t endpoint)
{
	const struct refusal none = {.error = API_ERROR_COUNT};

	walk->ends[end] = endpoint;
	walk->refusal = none;
	walk->place = (struct walk_place){end == 0 ? FIND_PHASES : PAIR_KNOWN, 0};
	if (end == 1 && walk->ends[0] == walk->ends[1])
		return refusal_set(&walk->refusal, API_ERROR_BAD_ARGUMENT,
			"'%.60s' and '%.60s' are the same mobile node; name two", pair_argument_text(walk, 0),
			pair_argument_text(walk, 1));
	return 1;
}

static int phase_set(struct walk *walk, unsigned end, unsigned phase)
{
	walk->place = (struct walk_place){end * FIND_PHASES + phase, 0};
	return 1;
}

struct candidates {
	unsigned sessions;
	uint64_t endpoint;
	char names[160]; /* their prefixes, for a message */
};

static void candidate(void *context, const struct session *session)
{
	struct candidates *candidates = context;
	size_t n = strlen(candidates->names);
	char text[PREFIX_TEXT_MAX];

	if (session->prefix_count == 0)
		return;
	prefix_format(&session->prefixes[0].prefix, session->prefixes[0].length, text);
	if (candidates->sessions++ == 0)
		candidates->endpoint = endpoint_id_ipv6(session->prefixes[0].prefix.s6_addr);
	snprintf(candidates->names + n, sizeof(candidates->names) - n, "%s%s", n > 0 ? ", " : "", text);
}

static int find_by_id(struct walk *walk, unsigned end)
{
	const char *text = pair_argument_text(walk, end);
	struct candidates candidates = {0};
	uint8_t bytes[MN_ID_MAX];
	struct mn_id id;

	if (mn_parse(text, bytes, &id) != 0)
		return refusal_set(&walk->refusal, API_ERROR_BAD_ARGUMENT,
			"%s: '%.60s' is no identifier of a mobile node, no prefix and no address", end == 0 ? "a" : "b",
			text);
	session_find(walk->sources, &id, candidate, &candidates);
	if (candidates.sessions > 1)
		return refusal_set(&walk->refusal, API_ERROR_BAD_ARGUMENT,
			"%.60s has %u sessions: name one by a prefix: %s", text, candidates.sessions, candidates.names);
	if (candidates.sessions == 1)
		return known(walk, end, candidates.endpoint);
	return phase_set(walk, end, FIND_PAIRS);
}

static int find_start(struct walk *walk, unsigned end)
{
	const char *text = pair_argument_text(walk, end);
	struct ro_prospect prospect;
	uint64_t endpoint;

	if (text[0] == '\0')
		return refusal_set(&walk->refusal, API_ERROR_BAD_ARGUMENT,
			"%s needs a and b: two mobile nodes, each by identifier, prefix or address",
			command_name(walk->request->command));
	switch (endpoint_parse(text, &endpoint)) {
	case -EINVAL: return find_by_id(walk, end);
	case -EDOM:
		return refusal_set(&walk->refusal, API_ERROR_BAD_ARGUMENT,
			"'%.60s' can be no mobile node: a home network prefix is a global or unique local /64", text);
	default: break;
	}
	if (walk->sources->ro == NULL)
		return phase_set(walk, end, FIND_SESSIONS);
	ro_prospect(walk->sources->ro, endpoint, endpoint, &prospect);
	return prospect.here ? known(walk, end, prospect.endpoint) : phase_set(walk, end, FIND_SESSIONS);
}

/* A session that is not active, or another prefix than the first. */
static int find_in_sessions(struct walk *walk, unsigned end)
{
	union session_view view;
	struct session session;
	uint64_t endpoint = 0;

	if (!session_next(walk->sources, walk->place.at, &view, &session))
		return phase_set(walk, end, FIND_PAIRS);
	walk->place.at = (uint64_t)session.index + 1;
	(void)endpoint_parse(pair_argument_text(walk, end), &endpoint); /* find_start() has seen that it is one */
	for (unsigned i = 0; i < session.prefix_count; i++)
		if (endpoint_id_ipv6(session.prefixes[i].prefix.s6_addr) == endpoint)
			return known(walk, end, endpoint_id_ipv6(session.prefixes[0].prefix.s6_addr));
	return 1;
}

static bool side_is(const struct ro_side_view *side, bool by_id, const struct mn_id *id, uint64_t endpoint)
{
	bool is = by_id && side->id.subtype == id->subtype && side->id.length == id->length &&
		  memcmp(side->id.data, id->data, id->length) == 0;

	for (unsigned i = 0; !by_id && i < side->prefix_count; i++)
		is = is || side->prefixes[i] == endpoint;
	return is;
}

/* Somebody whose session is elsewhere: pairs know it. */
static int find_in_pairs(struct walk *walk, unsigned end)
{
	const struct ro *ro = walk->sources->ro;
	const char *text = pair_argument_text(walk, end);
	uint8_t bytes[MN_ID_MAX];
	struct ro_view view;
	struct mn_id id = {0};
	uint64_t endpoint;
	bool by_id = endpoint_parse(text, &endpoint) != 0;

	if (by_id)
		(void)mn_parse(text, bytes, &id); /* find_by_id() has seen that it is one */
	if (walk->place.at < INDEX_NONE && ro != NULL && ro_pair_next(ro, (uint32_t)walk->place.at, &view)) {
		walk->place.at = (uint64_t)view.index + 1;
		for (unsigned i = 0; i < 2; i++)
			if (side_is(&view.sides[i], by_id, &id, endpoint))
				return known(walk, end, view.sides[i].prefixes[0]);
		return 1;
	}
	if (!by_id)
		return known(walk, end, endpoint);
	return refusal_set(&walk->refusal, API_ERROR_NOT_FOUND,
		"no session and no pair here has %.60s; see show nodes. Name a mobile node of another LMA by its "
		"prefix or "
		"an address",
		text);
}

int pair_argument_step(struct walk *walk)
{
	unsigned end = walk->place.phase / FIND_PHASES;

	if (walk->place.phase == PAIR_KNOWN)
		return 0;
	switch (walk->place.phase % FIND_PHASES) {
	case FIND_START: return find_start(walk, end);
	case FIND_SESSIONS: return find_in_sessions(walk, end);
	default: return find_in_pairs(walk, end);
	}
}
