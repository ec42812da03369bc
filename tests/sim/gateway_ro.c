/* SPDX-License-Identifier: BSD-3-Clause */
/* Route optimisation of a gateway: its engine, wired as the daemon does it. */
#include "domain.h"

#include <stdlib.h>
#include <string.h>

#include "ro/sessions.h"

/* A MAG and each LMA share a key of their own. */
static void share_key(struct ro_peer *peer, unsigned a, unsigned b)
{
	peer->has_key = true;
	peer->key_id = 1;
	memset(peer->key, (int)(a * 16 + b + 1), RO_KEY_LENGTH);
}

static void make_peers(struct gateway *gateway)
{
	struct domain *domain = gateway->domain;
	unsigned self = (unsigned)(gateway - domain->gateways);

	gateway->ro_peers = calloc(domain->gateway_count - 1, sizeof(*gateway->ro_peers));
	if (gateway->ro_peers == NULL)
		abort();
	for (unsigned i = 0; i < domain->gateway_count; i++) {
		const struct gateway *other = &domain->gateways[i];
		struct ro_peer *peer = &gateway->ro_peers[i < self ? i : i - 1];

		if (i == self)
			continue;
		*peer = (struct ro_peer){
			.address = other->address, .role = other->role == ROLE_LMA ? RO_ROLE_LMA : RO_ROLE_MAG};
		if (other->role == ROLE_LMA) {
			peer->prefixes[0] = gateway_pool(other);
			peer->prefix_count = 1;
		}
		if (other->role != gateway->role)
			share_key(peer, self < i ? self : i, self < i ? i : self);
	}
}

struct mobile *gateway_mobile_of(const struct gateway *gateway, uint64_t prefix, struct ro_session *session)
{
	bool found = gateway->lma != NULL ? ro_lma_sessions.find_by_prefix(gateway->lma, prefix, session)
					  : ro_mag_sessions.find_by_prefix(gateway->mag, prefix, session);

	/* "mn1@..." is the node 0. */
	return found ? &gateway->domain->mobiles[strtoul((const char *)session->id.data + 2, NULL, 10) - 1] : NULL;
}

static void lma_session_changed(
	void *context, const struct engine_time *now, uint64_t prefix, enum lma_session_change change)
{
	static const enum ro_session_change changes[] = {
		[LMA_SESSION_UP] = RO_SESSION_UP,
		[LMA_SESSION_MOVED] = RO_SESSION_MOVED,
		[LMA_SESSION_DOWN] = RO_SESSION_DOWN,
		[LMA_SESSION_RENEWED] = RO_SESSION_RENEWED,
	};

	ro_session_changed(((struct gateway *)context)->ro, now, prefix, changes[change]);
}

static void mag_session_changed(
	void *context, const struct engine_time *now, uint64_t prefix, enum mag_session_change change)
{
	static const enum ro_session_change changes[] = {
		[MAG_SESSION_UP] = RO_SESSION_UP,
		[MAG_SESSION_MOVED] = RO_SESSION_MOVED,
		[MAG_SESSION_DOWN] = RO_SESSION_DOWN,
		[MAG_SESSION_KEPT] = RO_SESSION_KEPT,
	};

	ro_session_changed(((struct gateway *)context)->ro, now, prefix, changes[change]);
}

static uint64_t pair_packets(void *context, uint32_t pair)
{
	return ((struct gateway *)context)->pair_packets[pair];
}

/* An exchange that went unanswered to its end leaves the peer with what it has. */
static void pair_event(void *context, const struct engine_time *now, const struct ro_event_pair *pair,
	enum ro_event event, uint8_t value)
{
	if (event == RO_EVENT_TIMED_OUT)
		domain_disturb(((struct gateway *)context)->domain);
}

void gateway_ro_count(struct gateway *gateway, const struct pair_record *record)
{
	gateway->pair_packets[record->index]++;
}

/* The sessions of a MAG as its policy sees them. */
static bool mag_find_by_prefix(void *context, uint64_t prefix, struct ro_session *session)
{
	const struct gateway *gateway = context;
	bool found = ro_mag_sessions.find_by_prefix(gateway->mag, prefix, session);

	if (found && gateway->refuses_ro)
		session->allowed = false;
	return found;
}

static bool mag_find_by_id(void *context, const struct mn_id *id, struct ro_session *session)
{
	const struct gateway *gateway = context;
	bool found = ro_mag_sessions.find_by_id(gateway->mag, id, session);

	if (found && gateway->refuses_ro)
		session->allowed = false;
	return found;
}

static uint32_t mag_tunnel_acquire(void *context, const struct in6_addr *lma)
{
	return ro_mag_sessions.tunnel_acquire(((struct gateway *)context)->mag, lma);
}

static void mag_tunnel_release(void *context, uint32_t tunnel)
{
	ro_mag_sessions.tunnel_release(((struct gateway *)context)->mag, tunnel);
}

static const struct ro_session_ops mag_sessions = {.find_by_prefix = mag_find_by_prefix,
	.find_by_id = mag_find_by_id,
	.tunnel_acquire = mag_tunnel_acquire,
	.tunnel_release = mag_tunnel_release};

void gateway_refuse_ro(struct gateway *gateway, bool refuses)
{
	gateway->refuses_ro = refuses;
}

void gateway_ro_start(struct gateway *gateway, struct engine_host *host, const struct engine_time *now)
{
	const struct ro_options *options = &gateway->domain->config.ro;
	bool is_lma = gateway->role == ROLE_LMA;
	struct ro_config config = ro_config_default();

	if (!options->enabled)
		return;
	if (gateway->ro_peers == NULL)
		make_peers(gateway);
	config.role = is_lma ? RO_ROLE_LMA : RO_ROLE_MAG;
	config.address = gateway->address;
	config.native = options->native;
	config.proxy = options->proxy;
	config.early = options->early;
	config.trust_peers = options->trust_peers;
	config.pbu_for_setup = options->pbu_for_setup;
	config.access_technology = 4;
	config.max_pairs = options->max_pairs;
	config.hooks = (struct ro_hooks){.context = gateway, .pair_packets = pair_packets, .pair_event = pair_event};
	config.peers = gateway->ro_peers;
	config.peer_count = gateway->domain->gateway_count - 1;
	if (options->lifetime_s != 0)
		config.lifetime_s = options->lifetime_s;
	config.tunnel = (struct fwd_tunnel){.local = gateway->address,
		.descriptor = INDEX_NONE,
		.mtu_bytes = 1460,
		.use = TUNNEL_TO_PEER_MAG,
		.hop_limit = 64};
	gateway->pair_packets = calloc(options->max_pairs, sizeof(*gateway->pair_packets));
	if (gateway->pair_packets == NULL)
		abort();
	gateway->ro = ro_create(&config, host, is_lma ? &ro_lma_sessions : &mag_sessions,
		is_lma ? (void *)gateway->lma : (void *)gateway, now);
	if (gateway->ro == NULL)
		abort();
	if (is_lma)
		lma_listen(gateway->lma, lma_session_changed, gateway);
	else
		mag_listen(gateway->mag, mag_session_changed, gateway);
}

void gateway_ro_stop(struct gateway *gateway)
{
	ro_destroy(gateway->ro);
	free(gateway->pair_packets);
	gateway->ro = NULL;
	gateway->pair_packets = NULL;
}

void gateway_ro_peer_lost(struct gateway *gateway, const struct engine_time *now, const struct in6_addr *peer)
{
	if (gateway->ro != NULL)
		ro_peer_lost(gateway->ro, now, peer);
}

/* What nobody needs to be right before it: timers whose messages got lost, tables that refused, nodes that died. */
void domain_disturb(struct domain *domain)
{
	const struct ro_options *options = &domain->config.ro;
	uint64_t lifetime_s = options->lifetime_s != 0 ? options->lifetime_s : 300;
	uint64_t until_ns = domain->now_ns + (lifetime_s + RO_DISTURBED_BEYOND_S) * UINT64_C(1000000000);

	if (until_ns > domain->disturbed_until_ns)
		domain->disturbed_until_ns = until_ns;
}

/* ---- what a test or an operator does ---- */

int domain_ro_start(struct domain *domain, unsigned lma, unsigned a, unsigned b)
{
	struct gateway *gateway = domain_lma(domain, lma);
	struct engine_time now = gateway_time(gateway);
	int result = ro_start(gateway->ro, &now, mobile_endpoint(domain, a), mobile_endpoint(domain, b));

	gateway_run(gateway);
	return result;
}

int domain_ro_stop(struct domain *domain, struct gateway *gateway, unsigned a, unsigned b)
{
	struct engine_time now = gateway_time(gateway);
	int result = ro_stop(gateway->ro, &now, mobile_endpoint(domain, a), mobile_endpoint(domain, b));

	gateway_run(gateway);
	return result;
}
