/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmip/lma_internal.h"

static bool is_of_node(const struct binding *binding, const struct mn_id *id)
{
	return ident_equals(&binding->id, id->subtype, id->data, id->length);
}

static bool has_prefix(const struct binding *binding, uint64_t prefix)
{
	for (unsigned i = 0; i < binding->prefix_count; i++)
		if (binding_prefix(binding, i) == prefix)
			return true;
	return false;
}

static bool is_asked_for(const struct lma_request *request, uint64_t prefix)
{
	for (unsigned i = 0; i < request->explicit_count; i++)
		if (request->prefixes[i] == prefix)
			return true;
	return false;
}

static bool are_sets_equal(const struct binding *binding, const struct lma_request *request)
{
	if (request->options.prefix_count != binding->prefix_count)
		return false;
	for (unsigned i = 0; i < request->explicit_count; i++)
		if (!has_prefix(binding, request->prefixes[i]))
			return false;
	for (unsigned i = 0; i < binding->prefix_count; i++)
		if (!is_asked_for(request, binding_prefix(binding, i)))
			return false;
	return true;
}

static bool has_link_layer_id(const struct binding *binding, const struct lma_request *request)
{
	return request->link_layer_id != NULL &&
	       ident_equals(&binding->terms.link_layer_id, 0, request->link_layer_id, request->link_layer_id_length);
}

/* Conditions (a) to (d) under which a full match is an update of the session. */
static bool is_update(const struct binding *binding, const struct lma_request *request)
{
	uint8_t indicator = request->options.handoff_indicator;
	bool is_same_technology = request->options.access_technology == binding->terms.access_technology;

	return (has_link_layer_id(binding, request) && is_same_technology) || indicator == HI_BETWEEN_INTERFACES ||
	       (request->link_layer_id == NULL && binding->terms.link_layer_id.length == 0 && is_same_technology &&
		       indicator == HI_BETWEEN_MAGS) ||
	       (in6_equal(&binding->terms.proxy_coa, &request->proxy_coa) && is_same_technology);
}

/*
 * RFC 5213 section 5.4.1.1. A full match that is no update has its prefixes in use by a session of the same node:
 * never two sessions with one prefix (wire-formats B.10).
 */
static enum lma_session lookup_by_prefix(
	const struct lma *lma, const struct lma_request *request, struct binding **binding, uint8_t *status)
{
	struct binding *match = NULL;

	for (unsigned i = 0; i < request->explicit_count; i++) {
		struct binding *holder = binding_cache_by_prefix(&lma->cache, request->prefixes[i]);

		if (holder == NULL)
			continue;
		match = holder;
		if (!is_of_node(holder, &request->options.mn_id)) {
			*status = MH_STATUS_NOT_AUTHORIZED_FOR_HOME_NETWORK_PREFIX;
			return SESSION_REFUSED;
		}
	}
	if (match == NULL)
		return SESSION_NEW;
	if (!are_sets_equal(match, request)) {
		*status = MH_STATUS_BCE_PBU_PREFIX_SET_DO_NOT_MATCH;
		return SESSION_REFUSED;
	}
	if (is_update(match, request)) {
		*binding = match;
		return SESSION_FOUND;
	}
	if (request->lifetime == 0)
		return SESSION_NEW; /* ignored there */
	*status = MH_STATUS_NOT_AUTHORIZED_FOR_HOME_NETWORK_PREFIX;
	return SESSION_REFUSED;
}

/* The one session of the node; NULL if it has none or several. */
static struct binding *only_session(const struct lma *lma, const struct mn_id *id)
{
	uint32_t at = 0;
	struct binding *first = binding_cache_by_id(&lma->cache, id, &at);

	return first != NULL && binding_cache_by_id(&lma->cache, id, &at) == NULL ? first : NULL;
}

/* RFC 5213 sections 5.4.1.2 and 5.4.1.3. */
static enum lma_session lookup_by_node(
	const struct lma *lma, const struct lma_request *request, struct binding **binding)
{
	const struct mn_id *id = &request->options.mn_id;
	uint8_t indicator = request->options.handoff_indicator;
	struct binding *match;
	uint32_t at = 0;

	while (request->link_layer_id != NULL && (match = binding_cache_by_id(&lma->cache, id, &at)) != NULL) {
		if (match->terms.access_technology == request->options.access_technology &&
			has_link_layer_id(match, request)) {
			*binding = match;
			return SESSION_FOUND;
		}
	}
	match = only_session(lma, id);
	if (match == NULL)
		return SESSION_NEW;
	*binding = match;
	if (indicator == HI_BETWEEN_INTERFACES || (request->link_layer_id == NULL && indicator == HI_BETWEEN_MAGS))
		return SESSION_FOUND;
	if (indicator == HI_UNKNOWN)
		return match->state == BINDING_DELETING ? SESSION_FOUND : SESSION_WAIT;
	return SESSION_NEW;
}

enum lma_session lma_lookup(
	const struct lma *lma, const struct lma_request *request, struct binding **binding, uint8_t *status)
{
	*binding = NULL;
	*status = MH_STATUS_ACCEPTED;
	if (request->explicit_count > 0)
		return lookup_by_prefix(lma, request, binding, status);
	return lookup_by_node(lma, request, binding);
}
