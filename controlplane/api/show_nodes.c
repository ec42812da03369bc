/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "api/sessions.h"

/* `show bindings` and `show nodes`: the sessions of an engine, then (nodes) who is configured and has none. */

enum { PHASE_SESSIONS, PHASE_ABSENT };

typedef int (*session_row)(const struct walk *walk, const struct session *session, json_t **row);

static int binding_row(const struct walk *walk, const struct session *session, json_t **row)
{
	struct row out;

	row_start(&out);
	row_mn(&out, &session->id);
	row_text(&out, "state", session->state);
	row_registration(&out, walk, session);
	return row_finish(&out, row);
}

static int node_row(const struct walk *walk, const struct session *session, json_t **row)
{
	struct object_counter up, down;
	struct row out;

	walk_traffic(walk, INDEX_NODE, session->index, &up, &down);
	row_start(&out);
	row_mn(&out, &session->id);
	row_text(&out, "state", session->state);
	row_prefixes(&out, "prefixes", session->prefixes, session->prefix_count);
	row_peer(&out, walk, &session->peer);
	if (session->has_mac)
		row_mac(&out, "mac", session->mac);
	else
		row_null(&out, "mac");
	if (session->attachment != NULL) {
		row_link(&out, walk, session->link);
		row_ip6(&out, "link_local", &session->attachment->link_local);
		row_past(&out, "last_seen", &walk->now, session->attachment->last_seen_ms);
	}
	row_traffic(&out, &up, &down);
	return row_finish(&out, row);
}

struct collector {
	struct walk *walk;
	session_row build;
	bool failed;
};

static void collect(void *context, const struct session *session)
{
	struct collector *collector = context;
	json_t *row;

	if (!session_matches(collector->walk, session))
		return;
	if (collector->build(collector->walk, session, &row) < 0 ||
		json_array_append_new(collector->walk->held, row) != 0)
		collector->failed = true;
}

/* An exact identifier is looked up instead of walked for. */
static int find_step(struct walk *walk, session_row build, json_t **row)
{
	struct collector collector = {walk, build, false};
	uint8_t bytes[MN_ID_MAX];
	struct mn_id id;

	if (walk->held == NULL) {
		walk->held = json_array();
		if (walk->held == NULL)
			return -ENOMEM;
		if (mn_parse(walk->request->filter.mn, bytes, &id) == 0)
			session_find(walk->sources, &id, collect, &collector);
		if (collector.failed)
			return -ENOMEM;
	}
	return walk_held_step(walk, row);
}

static int sessions_step(struct walk *walk, session_row build, json_t **row)
{
	const struct filter *filter = &walk->request->filter;
	union session_view view;
	struct session session;

	*row = NULL;
	if (filter->mn != NULL && pattern_is_exact(filter->mn))
		return find_step(walk, build, row);
	if (!session_next(walk->sources, walk->place.at, &view, &session))
		return 0;
	walk->place.at = (uint64_t)session.index + 1;
	return session_matches(walk, &session) ? build(walk, &session, row) : 1;
}

int show_bindings_step(struct walk *walk, json_t **row)
{
	return sessions_step(walk, binding_row, row);
}

static void ignore(void *context, const struct session *session)
{
	(void)context;
	(void)session;
}

static bool absent_matches(const struct walk *walk, const struct policy_node *node)
{
	const struct filter *filter = &walk->request->filter;

	if (filter->peer != NULL || filter->port != NULL)
		return false;
	if ((filter->given & FILTER_BIT(mac)) && !(node->has_mac && filter_mac(filter, node->mac)))
		return false;
	return filter_state(filter, "absent") && filter_mn(filter, &node->id) &&
	       filter_prefixes(filter, node->prefixes, node->prefix_count);
}

/* A configured node without a session. */
static int absent_step(struct walk *walk, json_t **row)
{
	const struct object_counter none = {0};
	const struct policy_node *node;
	struct row out;

	*row = NULL;
	node = walk->place.at < UINT32_MAX ? policy_node(walk->sources->policy, (uint32_t)walk->place.at) : NULL;
	if (node == NULL)
		return 0;
	walk->place.at++;
	if (!absent_matches(walk, node) || session_find(walk->sources, &node->id, ignore, NULL) != 0)
		return 1;
	row_start(&out);
	row_mn(&out, &node->id);
	row_text(&out, "state", "absent");
	row_prefixes(&out, "prefixes", node->prefixes, node->prefix_count);
	row_null(&out, "peer");
	if (node->has_mac)
		row_mac(&out, "mac", node->mac);
	else
		row_null(&out, "mac");
	row_traffic(&out, &none, &none);
	return row_finish(&out, row);
}

int show_nodes_step(struct walk *walk, json_t **row)
{
	int result;

	if (walk->place.phase == PHASE_ABSENT)
		return absent_step(walk, row);
	result = sessions_step(walk, node_row, row);
	if (result != 0)
		return result;
	walk->place = (struct walk_place){PHASE_ABSENT, 0};
	return 1;
}
