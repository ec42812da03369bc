/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "endpoint.h"
#include "pmip/mag_internal.h"
#include "pmip/prefix_pool.h"
#include "ro/sessions.h"

static bool session_of(const struct mag *mag, const struct attachment *a, struct ro_session *session)
{
	const struct home_network_prefix *list;

	if (a == NULL || !a->installed || a->state == ATTACHMENT_DEREGISTERING)
		return false;
	*session = (struct ro_session){.id = attachment_id(a),
		.allowed = !a->ro_denied,
		.in_order = a->in_order,
		.mag = mag->config.address,
		.lma = node_lma(mag, a)->address,
		.link = a->link,
		.node = a->index,
		.generation = a->generation};
	memcpy(session->mac, a->mac, 6);
	list = prefix_set_list(&a->prefixes);
	for (unsigned i = 0; i < a->prefixes.count && i < RO_SIDE_PREFIXES; i++)
		session->prefixes[session->prefix_count++] = endpoint_id_ipv6(list[i].prefix.s6_addr);
	for (unsigned i = 0; i < a->prefixes.count; i++) /* a pair is about any of them */
		session->allowed = session->allowed && policy_is_eligible(mag->config.policy, &list[i]);
	return true;
}

static bool find_by_prefix(void *context, uint64_t prefix, struct ro_session *session)
{
	struct home_network_prefix wanted = prefix_from_id(prefix);
	const struct mag *mag = context;

	return session_of(mag, node_by_prefix(mag, &wanted), session);
}

static bool find_by_id(void *context, const struct mn_id *id, struct ro_session *session)
{
	const struct mag *mag = context;

	return session_of(mag, node_by_id(mag, id), session);
}

static uint32_t tunnel_acquire(void *context, const struct in6_addr *lma)
{
	struct mag *mag = context;

	return tunnels_acquire(mag->tunnels, lma);
}

static void tunnel_release(void *context, uint32_t tunnel)
{
	struct mag *mag = context;

	tunnels_release(mag->tunnels, tunnel);
}

const struct ro_session_ops ro_mag_sessions = {.find_by_prefix = find_by_prefix,
	.find_by_id = find_by_id,
	.tunnel_acquire = tunnel_acquire,
	.tunnel_release = tunnel_release};
