/* SPDX-License-Identifier: BSD-3-Clause */
#include "api/sessions.h"

#include <errno.h>
#include <string.h>

#include "forward_only.h"

#include "ro/ro.h"

static void from_binding(const struct binding_view *view, struct session *session)
{
	*session = (struct session){
		.binding = view,
		.index = view->index,
		.id = view->id,
		.state = binding_state_name(view->state),
		.prefixes = view->prefixes,
		.prefix_count = view->prefix_count,
		.peer = view->proxy_coa,
		.has_mac = view->link_layer_id != NULL && view->link_layer_id_length == 6,
		.link = LINK_NONE,
		.history = view->history,
	};
	if (session->has_mac)
		memcpy(session->mac, view->link_layer_id, 6);
}

static void from_attachment(const struct attachment_view *view, struct session *session)
{
	*session = (struct session){
		.attachment = view,
		.index = view->index,
		.id = view->id,
		.state = attachment_state_name(view->state),
		.prefixes = view->prefixes,
		.prefix_count = view->prefix_count,
		.peer = view->lma,
		.has_mac = true,
		.link = view->link,
		.history = view->history,
	};
	memcpy(session->mac, view->mac, 6);
}

bool session_next(const struct api_sources *sources, uint64_t from, union session_view *view, struct session *session)
{
	if (from >= INDEX_NONE)
		return false;
	if (sources->lma != NULL && lma_binding_next(sources->lma, (uint32_t)from, &view->binding)) {
		from_binding(&view->binding, session);
		return true;
	}
	if (sources->mag != NULL && mag_attachment_next(sources->mag, (uint32_t)from, &view->attachment)) {
		from_attachment(&view->attachment, session);
		return true;
	}
	return false;
}

struct finder {
	void (*each)(void *context, const struct session *session);
	void *context;
};

static void binding_found(void *context, const struct binding_view *view)
{
	const struct finder *finder = context;
	struct session session;

	from_binding(view, &session);
	finder->each(finder->context, &session);
}

static void attachment_found(void *context, const struct attachment_view *view)
{
	const struct finder *finder = context;
	struct session session;

	from_attachment(view, &session);
	finder->each(finder->context, &session);
}

unsigned session_find(const struct api_sources *sources, const struct mn_id *id,
	void (*each)(void *context, const struct session *session), void *context)
{
	struct finder finder = {each, context};

	if (sources->lma != NULL)
		return lma_binding_find(sources->lma, id, binding_found, &finder);
	if (sources->mag != NULL)
		return mag_attachment_find(sources->mag, id, attachment_found, &finder);
	return 0;
}

bool tunnel_view_next(const struct api_sources *sources, uint64_t from, struct tunnel_view *view)
{
	struct tunnel_view direct;

	if (from >= INDEX_NONE)
		return false;
	if (sources->forward_only != NULL)
		return forward_only_tunnel_next(sources->forward_only, (uint32_t)from, view);
	if (sources->lma != NULL)
		return lma_tunnel_next(sources->lma, (uint32_t)from, view);
	if (sources->mag == NULL || !mag_tunnel_next(sources->mag, (uint32_t)from, view))
		return sources->ro != NULL && ro_tunnel_next(sources->ro, (uint32_t)from, view);
	if (sources->ro != NULL && ro_tunnel_next(sources->ro, (uint32_t)from, &direct) && direct.index < view->index)
		*view = direct;
	return true;
}

bool session_matches(const struct walk *walk, const struct session *session)
{
	const struct filter *filter = &walk->request->filter;

	if ((filter->given & FILTER_BIT(mac)) && !(session->has_mac && filter_mac(filter, session->mac)))
		return false;
	return filter_state(filter, session->state) && filter_mn(filter, &session->id) &&
	       filter_prefixes(filter, session->prefixes, session->prefix_count) &&
	       filter_peer(filter, walk->sources->policy, &session->peer) &&
	       filter_link(filter, walk->sources->config, session->link);
}

/* 0 stands for "not yet". */
static void row_measured(struct row *row, const char *key, uint32_t value)
{
	row_json(row, key, value != 0 ? json_integer(value) : json_null());
}

static void row_binding(struct row *row, const struct walk *walk, const struct binding_view *view)
{
	row_ip6(row, "proxy_coa", &view->proxy_coa);
	row_json(row, "tunnel", view->tunnel != INDEX_NONE ? json_integer(view->tunnel) : json_null());
	row_text(row, "access_technology", access_technology_name(view->access_technology));
	row_text(row, "handoff_indicator", handoff_indicator_name(view->handoff_indicator));
	row_hex(row, "link_layer_id", view->link_layer_id, view->link_layer_id_length);
	row_ip6(row, "link_local", &view->link_local);
	row_wall(row, "timestamp", view->timestamp != 0 ? mh_timestamp_to_ns(view->timestamp) : 0);
	row_number(row, "sequence", view->sequence);
	row_number(row, "lifetime_s", view->lifetime_s);
	row_deadline(row, "expires", &walk->now, view->expires_ms);
	row_status(row, "last_status", true, view->last_status);
}

static void row_attachment(struct row *row, const struct walk *walk, const struct attachment_view *view)
{
	row_ip6(row, "lma", &view->lma);
	row_json(row, "tunnel", view->tunnel != INDEX_NONE ? json_integer(view->tunnel) : json_null());
	row_link(row, walk, view->link);
	row_mac(row, "mac", view->mac);
	row_ip6(row, "link_local", &view->link_local);
	row_number(row, "sequence", view->sequence);
	row_number(row, "tries", view->tries);
	row_measured(row, "lifetime_s", view->lifetime_s);
	row_deadline(row, "expires", &walk->now, view->expires_ms);
	row_deadline(row, "next_event", &walk->now, view->next_event_ms);
	row_past(row, "last_seen", &walk->now, view->last_seen_ms);
	row_measured(row, "pbu_pba_us", view->pbu_pba_us);
	row_status(row, "last_status", view->has_status, view->last_status);
}

void row_registration(struct row *row, const struct walk *walk, const struct session *session)
{
	row_number(row, "index", session->index);
	row_prefixes(row, "prefixes", session->prefixes, session->prefix_count);
	row_peer(row, walk, &session->peer);
	if (session->binding != NULL)
		row_binding(row, walk, session->binding);
	else
		row_attachment(row, walk, session->attachment);
}

void row_history(struct row *row, const struct walk *walk, const struct history *history)
{
	const struct history_entry *entry;
	json_t *events = json_array();

	for (unsigned i = 0; history != NULL && (entry = history_get(history, i)) != NULL; i++) {
		uint64_t wall_ns = (uint64_t)entry->wall_s * 1000000000 + (uint64_t)entry->wall_ms * 1000000;
		struct row event;
		json_t *json;

		row_start(&event);
		row_event(&event, &walk->now, walk->sources->mag != NULL, wall_ns, (enum history_event)entry->event,
			entry->value);
		if (row_finish(&event, &json) < 0 || json_array_append_new(events, json) != 0)
			row->failed = true;
	}
	row_json(row, "events", events);
}
