/* SPDX-License-Identifier: BSD-3-Clause */
/* One gateway of the simulation: its engines, and what the daemon would be to them. */
#include "domain.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "events.h"
#include "network.h"

#define ROUNDS_MAX       64
#define RESOLVE_MAX_US   2000000
#define TUNNEL_MTU_BYTES 1460

struct engine_time gateway_time(const struct gateway *gateway)
{
	uint64_t start_ns = UINT64_C(1700000000000000000);

	return (struct engine_time){.monotonic_ns = gateway->domain->now_ns,
		.wall_ns = start_ns + gateway->domain->now_ns + (uint64_t)gateway->wall_offset_ns};
}

/* ---- what the engines' host needs ---- */

static uint64_t hook_push(void *context, const struct fwd_update *update)
{
	struct gateway *gateway = context;

	return owner_push(gateway->owner, gateway->domain->now_ns, update);
}

static uint64_t hook_applied(void *context)
{
	return owner_applied(((struct gateway *)context)->owner);
}

static uint64_t hook_reclaimed(void *context)
{
	return owner_reclaimed(((struct gateway *)context)->owner);
}

static unsigned hook_failures(void *context, struct door_failure *failures, unsigned n)
{
	struct gateway *gateway = context;
	unsigned count = owner_failures(gateway->owner, failures, n);

	if (count > 0)
		domain_disturb(gateway->domain);
	return count;
}

static void host_send(void *context, const struct mh_datagram *datagram)
{
	network_send(context, datagram);
}

/* There are no packets of mobile nodes here that a marker could follow. */
static void host_send_inner(void *context, uint32_t tunnel, const struct mh_datagram *datagram)
{
}

static void host_send_frame(void *context, const struct access_frame *frame)
{
	network_send_frame(context, frame);
}

/* Its next hop answers some time, or does not. */
void gateway_resolve(struct gateway *gateway, uint32_t tunnel)
{
	struct domain *domain = gateway->domain;
	struct event event = {.kind = EVENT_RESOLVED,
		.gateway = (unsigned)(gateway - domain->gateways),
		.epoch = gateway->life,
		.index = tunnel};

	if (sim_random_chance(&domain->random, domain->faults.unreachable_ppm))
		event.error = -EHOSTUNREACH;
	event.try = gateway->resolving[tunnel] = ++gateway->resolving_last;
	event.at_ns = domain->now_ns + sim_random_between(&domain->random, 100, RESOLVE_MAX_US) * 1000;
	events_queue_add(domain->queue, &event);
}

/* As net does: now, later, or a failure that is told later, and then perhaps that it is mended. */
static int host_tunnel_insert(void *context, struct fwd_update *update)
{
	struct gateway *gateway = context;
	struct domain *domain = gateway->domain;

	gateway->resolving[update->index] = 0;
	if (!sim_random_chance(&domain->random, domain->faults.unresolved_ppm))
		return 1;
	gateway_resolve(gateway, update->index);
	return 0;
}

static void host_tunnel_remove(void *context, uint32_t tunnel)
{
	((struct gateway *)context)->resolving[tunnel] = 0;
}

static void host_index_allocated(void *context, enum index_space space, uint32_t index)
{
	owner_allocated(((struct gateway *)context)->owner, space, index);
}

static uint64_t host_random(void *context)
{
	return sim_random_u64(&((struct gateway *)context)->domain->random);
}

static void engine_done(void *context, uint64_t cookie, int error)
{
	struct gateway *gateway = context;
	struct engine_time now = gateway_time(gateway);

	if ((cookie & RO_COOKIE) != 0)
		ro_transaction_done(gateway->ro, &now, cookie, error);
	else if (gateway->lma != NULL)
		lma_transaction_done(gateway->lma, &now, cookie, error);
	else
		mag_transaction_done(gateway->mag, &now, cookie, error);
}

static void heartbeat_done(void *context, uint64_t cookie, int error)
{
	domain_fail(((struct gateway *)context)->domain, "a heartbeat waited for a transaction (%llu, %d)",
		(unsigned long long)cookie, error);
}

static void peer_changed(
	void *context, const struct engine_time *now, const struct in6_addr *peer, enum peer_change change)
{
	static const char *const words[] = {[PEER_UNREACHABLE] = "misses",
		[PEER_REACHABLE] = "hears again",
		[PEER_RESTARTED] = "hears a new counter of"};
	struct gateway *gateway = context;

	domain_record(gateway->domain, ARROW_LIFE, gateway->name, words[change],
		domain_gateway_at(gateway->domain, peer)->name);
	if (change != PEER_REACHABLE) {
		domain_disturb(gateway->domain);
		gateway_ro_peer_lost(gateway, now, peer);
	}
	if (gateway->lma != NULL) {
		if (change == PEER_RESTARTED)
			lma_peer_restarted(gateway->lma, now, peer, heartbeat_heard_ms(gateway->heartbeat, peer));
		else if (change == PEER_UNREACHABLE)
			lma_peer_lost(gateway->lma, now, peer);
	} else if (change == PEER_RESTARTED) {
		mag_peer_restarted(gateway->mag, now, peer);
	} else {
		mag_peer_unreachable(gateway->mag, now, peer, change == PEER_UNREACHABLE);
	}
}

static void violation(void *context, const char *what)
{
	struct gateway *gateway = context;

	domain_fail(gateway->domain, "%s: %s", gateway->name, what);
}

/* ---- configuration ---- */

static void must(int result)
{
	if (result != 0)
		abort();
}

static struct in6_addr prefix_of(uint16_t group, unsigned number)
{
	struct in6_addr prefix = {.s6_addr = {0x20, 0x01, 0x0d, 0xb8, (uint8_t)(group >> 8), (uint8_t)group}};

	prefix.s6_addr[6] = (uint8_t)(number >> 8);
	prefix.s6_addr[7] = (uint8_t)number;
	return prefix;
}

struct home_network_prefix gateway_pool(const struct gateway *lma)
{
	unsigned number = (unsigned)(lma - lma->domain->gateways);

	return (struct home_network_prefix){.prefix = prefix_of((uint16_t)(0xf000 + (number << 8)), 0),
		.length = (uint8_t)lma->domain->config.pool_length};
}

static void add_node(struct gateway *gateway, const struct mobile *mobile, uint32_t lma)
{
	const struct domain_config *config = &gateway->domain->config;
	struct home_network_prefix fixed = {.prefix = prefix_of(0xe000, mobile->number), .length = 64};
	struct policy_node node = {.id = mobile_id(mobile),
		.has_mac = true,
		.peer = lma,
		.dynamic_prefixes = config->ro.two_prefixes || mobile->number % 4 == 3 ? 2 : 1,
		.proxy_registration = true,
		.lifetime_s = config->lifetime_s};

	memcpy(node.mac, mobile->mac, 6);
	if (config->static_every != 0 && mobile->number % config->static_every == 0) {
		node.prefixes = &fixed;
		node.prefix_count = 1;
	}
	must(policy_add_node(gateway->policy, &node));
}

/* MN i belongs to LMA i mod lmas. */
static void make_policy(struct gateway *gateway)
{
	struct domain *domain = gateway->domain;
	const struct domain_config *config = &domain->config;
	unsigned own = (unsigned)(gateway - domain->gateways);
	struct policy_pool pool = {.name = "pool"};

	gateway->policy = policy_create();
	if (gateway->policy == NULL)
		abort();
	for (unsigned i = 0; i < domain->gateway_count; i++) {
		const struct gateway *other = &domain->gateways[i];
		struct policy_peer peer = {.name = other->name, .address = other->address, .heartbeat = true};

		if (other->role != gateway->role)
			must(policy_add_peer(gateway->policy, &peer));
	}
	for (unsigned i = 0; i < domain->gateway_count && config->ro.enabled; i++) {
		const struct gateway *other = &domain->gateways[i];
		struct policy_peer peer = {.name = other->name, .address = other->address, .ro_only = true};

		if (other->role == gateway->role && other != gateway)
			must(policy_add_peer(gateway->policy, &peer));
	}
	if (gateway->role == ROLE_LMA) {
		pool.prefix = gateway_pool(gateway);
		must(policy_add_pool(gateway->policy, &pool));
	}
	for (unsigned i = 0; i < config->nodes; i++)
		if (gateway->role == ROLE_MAG || i % config->lmas == own)
			add_node(gateway, &domain->mobiles[i], i % config->lmas);
}

static struct lma *make_lma(
	const struct gateway *gateway, struct engine_host *host, const struct engine_time *now, bool restarted)
{
	struct lma_config config = {.address = gateway->address,
		.max_bindings = gateway->domain->config.nodes * 2 + 16,
		.max_binding_lifetime_s = gateway->domain->config.lifetime_s,
		.min_delay_before_bce_delete_ms = 10000,
		.max_delay_before_new_bce_assign_ms = 1500,
		.update_notification_retransmit_count = 1,
		.update_notification_replay_ms = 1000,
		.timestamp_validity_window_ms = 300,
		.timestamp_based_approach_in_use = !gateway->domain->config.sequence_numbers,
		.prefix_hold_s = 60,
		.restart_hold_s = restarted ? UINT32_MAX : 0,
		.tunnel_mtu_bytes = TUNNEL_MTU_BYTES,
		.tunnel_hop_limit = 64,
		.tunnel_dscp = -1,
		.former_linger_ms = gateway->domain->config.ro.enabled ? ro_config_default().rx_linger_ms : 0,
		.policy = gateway->policy};

	return lma_create(&config, host, now);
}

static struct mag *make_mag(const struct gateway *gateway, struct engine_host *host, const struct engine_time *now)
{
	const struct domain_config *domain = &gateway->domain->config;
	struct mag_config config = {.address = gateway->address,
		.max_nodes = domain->nodes + 16,
		.binding_lifetime_s = domain->lifetime_s,
		.refresh_percent = 75,
		.access_technology = 4,
		.initial_bindack_timeout_ms = 1000,
		.max_bindack_timeout_ms = 32000,
		.timestamp_based_approach_in_use = !domain->sequence_numbers,
		.fixed_link_layer = {0, 0, 0x5e, 0, 0x52, 0x13},
		.nud_interval_ms = domain->nud_interval_ms,
		.nud_retransmit_ms = 1000,
		.nud_probes = 3,
		.refused_hold_s = 10,
		.router_lifetime_s = 1800,
		.prefix_valid_s = 2592000,
		.prefix_preferred_s = 604800,
		.max_rtr_adv_interval_s = 600,
		.access_mtu_bytes = 1500,
		.tunnel_mtu_bytes = TUNNEL_MTU_BYTES,
		.tunnel_hop_limit = 64,
		.tunnel_dscp = -1,
		.policy = gateway->policy};

	inet_pton(AF_INET6, "fe80::200:5eff:fe00:5213", &config.fixed_link_local);
	return mag_create(&config, host, now);
}

/* ---- life ---- */

static struct engine_host *make_host(struct gateway *gateway, void (*done)(void *, uint64_t, int))
{
	struct engine_host *host = transactions_engine(gateway->transactions, done, gateway);

	if (host == NULL)
		abort();
	return host;
}

static void make_transactions(struct gateway *gateway)
{
	static const struct transactions_door door = {
		.push = hook_push, .applied = hook_applied, .reclaimed = hook_reclaimed, .failures = hook_failures};
	static const struct transactions_host host = {.send = host_send,
		.send_frame = host_send_frame,
		.send_inner = host_send_inner,
		.tunnel_insert = host_tunnel_insert,
		.tunnel_remove = host_tunnel_remove,
		.index_allocated = host_index_allocated,
		.random = host_random};
	struct domain *domain = gateway->domain;
	struct transactions_config config = {
		.indexes = {[INDEX_NODE] = domain->config.nodes * 3 + 64, [INDEX_TUNNEL] = TUNNELS_MAX},
		.high_water = domain->config.high_water};

	gateway->owner = owner_create(&domain->random, &domain->faults.owner, violation, gateway);
	gateway->transactions = transactions_create(&config, &door, gateway, &host, gateway);
	if (gateway->transactions == NULL)
		abort();
}

void gateway_start(struct gateway *gateway)
{
	struct engine_time now = gateway_time(gateway);
	bool restarted = gateway->restart_counter > 0;
	struct engine_host *host;
	struct heartbeat_config heartbeat = {.address = gateway->address,
		.interval_s = gateway->domain->config.heartbeat_s,
		.missing_allowed = 3,
		.restart_counter = ++gateway->restart_counter,
		.restarted = restarted};

	if (gateway->policy == NULL)
		make_policy(gateway);
	heartbeat.policy = gateway->policy;
	domain_record(gateway->domain, ARROW_LIFE, gateway->name, "starts", gateway->name);
	gateway->alive = true;
	gateway->life++;
	gateway->started_ns = gateway->domain->now_ns;
	gateway->wake_ns = UINT64_MAX;
	memset(gateway->resolving, 0, sizeof(gateway->resolving));
	gateway->pair_version_seen = 0;
	make_transactions(gateway);
	host = make_host(gateway, engine_done);
	if (gateway->role == ROLE_LMA)
		gateway->lma = make_lma(gateway, host, &now, restarted);
	else
		gateway->mag = make_mag(gateway, host, &now);
	gateway->heartbeat =
		heartbeat_create(&heartbeat, make_host(gateway, heartbeat_done), &now, peer_changed, gateway);
	if ((gateway->lma == NULL && gateway->mag == NULL) || gateway->heartbeat == NULL)
		abort();
	gateway_ro_start(gateway, host, &now);
	if (restarted)
		domain_disturb(gateway->domain);
	gateway_run(gateway);
}

void gateway_stop(struct gateway *gateway)
{
	if (!gateway->alive)
		return;
	domain_record(gateway->domain, ARROW_LIFE, gateway->name, "stops", gateway->name);
	gateway->alive = false;
	domain_disturb(gateway->domain);
	gateway_ro_stop(gateway);
	heartbeat_destroy(gateway->heartbeat);
	lma_destroy(gateway->lma);
	mag_destroy(gateway->mag);
	transactions_destroy(gateway->transactions);
	owner_destroy(gateway->owner);
	gateway->heartbeat = NULL;
	gateway->lma = NULL;
	gateway->mag = NULL;
	gateway->transactions = NULL;
	gateway->owner = NULL;
}

void gateway_restart(struct gateway *gateway)
{
	gateway_stop(gateway);
	gateway_start(gateway);
}

void gateway_step_clock(struct gateway *gateway, int64_t ms)
{
	gateway->wall_offset_ns += ms * 1000000;
}

/* ---- time ---- */

static void count_sessions(struct gateway *gateway, const struct engine_time *now)
{
	const struct policy_peer *peer;

	for (uint32_t i = 0; (peer = policy_peer(gateway->policy, i)) != NULL; i++)
		heartbeat_sessions(gateway->heartbeat, now, &peer->address,
			gateway->lma != NULL ? lma_peer_sessions(gateway->lma, i)
					     : mag_peer_sessions(gateway->mag, &peer->address));
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t ns_of(uint64_t ms)
{
	return ms > UINT64_MAX / 1000000 ? UINT64_MAX : ms * 1000000;
}

static void wake_at(struct gateway *gateway, uint64_t at_ns)
{
	struct event event = {.kind = EVENT_WAKE,
		.at_ns = at_ns,
		.gateway = (unsigned)(gateway - gateway->domain->gateways),
		.epoch = gateway->life};

	if (at_ns >= gateway->wake_ns)
		return;
	gateway->wake_ns = at_ns;
	events_queue_add(gateway->domain->queue, &event);
}

void gateway_run(struct gateway *gateway)
{
	struct engine_time now = gateway_time(gateway);
	uint64_t next_ns = 0;

	for (unsigned round = 0; round < ROUNDS_MAX && next_ns <= now.monotonic_ns; round++) {
		owner_advance(gateway->owner, now.monotonic_ns);
		transactions_poll(gateway->transactions);
		next_ns =
			ns_of(gateway->lma != NULL ? lma_advance(gateway->lma, &now) : mag_advance(gateway->mag, &now));
		if (gateway->ro != NULL)
			next_ns = earlier(next_ns, ns_of(ro_advance(gateway->ro, &now)));
		count_sessions(gateway, &now);
		next_ns = earlier(next_ns, ns_of(heartbeat_advance(gateway->heartbeat, &now)));
		next_ns = earlier(next_ns, owner_next(gateway->owner));
	}
	transactions_poll(gateway->transactions);
	if (next_ns == UINT64_MAX)
		return;
	wake_at(gateway, next_ns > now.monotonic_ns ? next_ns : now.monotonic_ns + 100000);
}
