/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmip/lma_internal.h"
#include "ro/sessions.h"

static bool is_active(const struct binding *binding)
{
	return binding->state == BINDING_ACTIVE || binding->state == BINDING_HELD;
}

static bool session_of(const struct lma *lma, const struct binding *binding, struct ro_session *session)
{
	if (binding == NULL || !is_active(binding))
		return false;
	*session = (struct ro_session){.id = binding_id(binding),
		.allowed = binding->ro_allowed,
		.mag = binding->terms.proxy_coa,
		.lma = lma->config.address,
		.link = LINK_NONE,
		.node = binding_index(&lma->cache, binding),
		.generation = binding->generation};
	if (lma_former_get(binding) != NULL)
		session->former_mag = lma_former_get(binding)->proxy_coa;
	for (unsigned i = 0; i < binding->prefix_count && i < RO_SIDE_PREFIXES; i++)
		session->prefixes[session->prefix_count++] = binding_prefix(binding, i);
	return true;
}

static bool find_by_prefix(void *context, uint64_t prefix, struct ro_session *session)
{
	const struct lma *lma = context;

	return session_of(lma, binding_cache_by_prefix(&lma->cache, prefix), session);
}

static bool find_by_id(void *context, const struct mn_id *id, struct ro_session *session)
{
	const struct lma *lma = context;
	const struct binding *binding;
	uint32_t at = 0;

	while ((binding = binding_cache_by_id(&lma->cache, id, &at)) != NULL)
		if (session_of(lma, binding, session))
			return true;
	return false;
}

static uint32_t tunnel_acquire(void *context, const struct in6_addr *mag)
{
	struct lma *lma = context;

	return tunnels_acquire(lma->tunnels, mag);
}

static void tunnel_release(void *context, uint32_t tunnel)
{
	struct lma *lma = context;

	tunnels_release(lma->tunnels, tunnel);
}

const struct ro_session_ops ro_lma_sessions = {.find_by_prefix = find_by_prefix,
	.find_by_id = find_by_id,
	.tunnel_acquire = tunnel_acquire,
	.tunnel_release = tunnel_release};
