/* SPDX-License-Identifier: BSD-3-Clause */
#include "format.h"
#include "log.h"
#include "pmip/lma_internal.h"

/* What an operator sees of an event, if anything. */
static const struct {
	const char *name;
	enum log_level level;
} lines[HISTORY_EVENT_COUNT] = {
	[HISTORY_registered] = {"binding_registered", LOG_LEVEL_INFO},
	[HISTORY_refreshed] = {"binding_refreshed", LOG_LEVEL_DEBUG},
	[HISTORY_handover] = {"binding_handover", LOG_LEVEL_INFO},
	[HISTORY_deregistered] = {"binding_deregistered", LOG_LEVEL_INFO},
	[HISTORY_expired] = {"binding_expired", LOG_LEVEL_NOTICE},
	[HISTORY_pbu_held] = {"pbu_held", LOG_LEVEL_INFO},
	[HISTORY_peer_lost] = {"binding_purged", LOG_LEVEL_INFO},
	[HISTORY_cleared] = {"binding_cleared", LOG_LEVEL_NOTICE},
	[HISTORY_upn_sent] = {"update_notification_sent", LOG_LEVEL_INFO},
	[HISTORY_forwarding_failed] = {"forwarding_failed", LOG_LEVEL_WARNING},
};

static void log_binding(const struct binding *binding, enum history_event event, uint8_t value)
{
	char id[128], prefix[PREFIX_TEXT_MAX], address[IP6_TEXT_MAX];
	struct home_network_prefix first = prefix_from_id(binding->prefix);

	log_write(lines[event].level, lines[event].name,
		"mn=%s proxy_coa=%s prefix=%s prefixes=%u state=%s lifetime_s=%u value=%u",
		log_quote(ident_data(&binding->id), binding->id.length, id, sizeof(id)),
		ip6_format(&binding->terms.proxy_coa, address), prefix_format(&first.prefix, first.length, prefix),
		binding->prefix_count, binding_state_name(binding->state), binding->terms.lifetime_s, value);
}

void lma_note(struct lma *lma, struct binding *binding, enum history_event event, uint8_t value)
{
	struct mn_id id = binding_id(binding);

	node_event(lma->host, lma->now, &id, &binding->history, event, value);
	if (lines[event].name != NULL && log_is_enabled(lines[event].level))
		log_binding(binding, event, value);
}

/* Into the history of each session of the MN: the operator asks for the MN, not for one of them. */
void lma_note_rejected(struct lma *lma, const struct lma_request *request, uint8_t status)
{
	const struct mn_id *id = &request->options.mn_id;
	char text[128], address[IP6_TEXT_MAX];
	struct binding *binding;
	uint32_t at = 0;

	while (request->options.mn_id_count > 0 && (binding = binding_cache_by_id(&lma->cache, id, &at)) != NULL) {
		history_add(&binding->history, lma->now->wall_ns, HISTORY_rejected, status);
		binding->last_status = status;
	}
	if (lma->host->ops->event != NULL)
		lma->host->ops->event(lma->host, lma->now, id, HISTORY_rejected, status);
	if (log_is_enabled(LOG_LEVEL_NOTICE))
		log_notice("pbu_rejected", "mn=%s peer=%s status=%u reason=%s",
			log_quote(id->data, id->length, text, sizeof(text)),
			ip6_format(&request->datagram->source, address), status, mh_status_name(status));
}
