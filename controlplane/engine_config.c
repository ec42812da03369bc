/* SPDX-License-Identifier: BSD-3-Clause */
#include "engine_config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define OUTER_HEADER_BYTES 40 /* IPv6 in IPv6 */

static uint32_t pool_index(const struct config *config, const char *name)
{
	for (uint32_t i = 0; name != NULL && i < config->lma.pool_count; i++)
		if (strcmp(config->lma.pools[i].name, name) == 0)
			return i;
	return 0;
}

/* The peer of that name, without one the first that is not of our own role. */
static uint32_t peer_index(const struct policy *policy, const char *name)
{
	const struct policy_peer *peer;
	uint32_t i = 0;

	if (name != NULL)
		return policy_peer_find_name(policy, name);
	while ((peer = policy_peer(policy, i)) != NULL && peer->ro_only)
		i++;
	return i;
}

static struct home_network_prefix home_prefix(const struct config_prefix *prefix)
{
	return (struct home_network_prefix){.prefix = prefix->address, .length = prefix->length};
}

static int add_peers(struct policy *policy, const struct config *config)
{
	int error = 0;

	for (unsigned i = 0; error == 0 && i < config->peer_count; i++) {
		const struct config_peer *peer = &config->peers[i];

		error = policy_add_peer(
			policy, &(struct policy_peer){.name = peer->name,
					.address = peer->address,
					.insecure = peer->insecure,
					.heartbeat = peer->heartbeat,
					.ro_only = config_peer_is_lma(config, peer) == (config->role == ROLE_LMA)});
	}
	return error;
}

static int add_pools(struct policy *policy, const struct config *config)
{
	int error = 0;

	for (unsigned i = 0; error == 0 && i < config->lma.pool_count; i++) {
		const struct config_pool *pool = &config->lma.pools[i];

		error = policy_add_pool(
			policy, &(struct policy_pool){.name = pool->name, .prefix = home_prefix(&pool->prefix)});
	}
	return error;
}

/* What a node and the default profile have in common; without identity, prefixes and MAGs. */
static struct policy_node node_base(
	const struct policy *policy, const struct config *config, const struct config_node *node)
{
	bool local = config->variables.enable_mag_local_routing;

	return (struct policy_node){
		.peer = peer_index(policy, node->lma),
		.pool = pool_index(config, node->pool),
		.dynamic_prefixes = (uint16_t)node->dynamic_prefixes,
		.proxy_registration = node->proxy_registration,
		.local_routing = node->local_routing < 0 ? local : node->local_routing != 0,
		.lifetime_s = node->lifetime_s != 0 ? node->lifetime_s : config->mag.binding_lifetime_s,
		.ro_denied = !(node->route_optimisation < 0 ? config->ro.allow : node->route_optimisation != 0),
		.in_order = node->in_order < 0 ? config->ro.in_order : node->in_order != 0,
	};
}

/* Adds the node, or sets the default profile if it has no id. */
static int add_node(struct policy *policy, const struct config *config, const struct config_node *node)
{
	struct policy_node entry = node_base(policy, config, node);
	struct home_network_prefix *prefixes = calloc(node->prefix_count + 1, sizeof(*prefixes));
	uint32_t *peers = calloc(node->mag_count + 1, sizeof(*peers));
	int error = -1;

	if (prefixes == NULL || peers == NULL)
		goto out;
	for (unsigned i = 0; i < node->prefix_count; i++)
		prefixes[i] = home_prefix(&node->prefixes[i]);
	for (unsigned i = 0; i < node->mag_count; i++)
		peers[i] = peer_index(policy, node->mags[i]);
	entry.prefixes = prefixes;
	entry.prefix_count = (uint16_t)node->prefix_count;
	entry.peers = peers;
	entry.peer_count = (uint16_t)node->mag_count;
	entry.has_mac = node->has_mac;
	memcpy(entry.mac, node->mac, sizeof(entry.mac));
	if (node->id != NULL) {
		entry.id = (struct mn_id){
			.subtype = 1, .length = (uint8_t)strlen(node->id), .data = (const uint8_t *)node->id};
		error = policy_add_node(policy, &entry);
	} else {
		error = policy_set_default(policy, &entry, config->id_format);
	}
out:
	free(prefixes);
	free(peers);
	return error;
}

static int set_eligible(struct policy *policy, const struct config *config)
{
	struct home_network_prefix *prefixes = calloc(config->ro.eligible_count + 1, sizeof(*prefixes));
	int error = -ENOMEM;

	for (unsigned i = 0; prefixes != NULL && i < config->ro.eligible_count; i++)
		prefixes[i] = home_prefix(&config->ro.eligible[i]);
	if (prefixes != NULL)
		error = policy_set_eligible(policy, prefixes, config->ro.eligible_count);
	free(prefixes);
	return error;
}

struct policy *config_policy(const struct config *config)
{
	struct policy *policy = policy_create();
	int error;

	if (policy == NULL)
		return NULL;
	error = add_peers(policy, config);
	if (error == 0)
		error = add_pools(policy, config);
	if (error == 0)
		error = set_eligible(policy, config);
	for (unsigned i = 0; error == 0 && i < config->node_count; i++)
		error = add_node(policy, config, &config->nodes[i]);
	if (error == 0 && config->unknown_nodes == UNKNOWN_PROFILE)
		error = add_node(policy, config, &config->default_profile);
	if (error == 0)
		return policy;
	policy_destroy(policy);
	return NULL;
}

static uint16_t smallest_mtu(const struct config *config, enum port_side side)
{
	uint16_t mtu = UINT16_MAX;

	for (unsigned i = 0; i < config->port_count; i++)
		if (config->ports[i].side == side && config->ports[i].mtu_bytes < mtu)
			mtu = config->ports[i].mtu_bytes;
	return mtu;
}

void config_lma_engine(const struct config *config, const struct policy *policy, struct lma_config *lma)
{
	const struct config_variables *v = &config->variables;
	const struct config_lma *c = &config->lma;

	*lma = (struct lma_config){
		.address = c->address,
		.max_bindings = c->max_bindings,
		.max_binding_lifetime_s = c->max_binding_lifetime_s,
		.min_delay_before_bce_delete_ms = v->min_delay_before_bce_delete_ms,
		.max_delay_before_new_bce_assign_ms = v->max_delay_before_new_bce_assign_ms,
		.timestamp_validity_window_ms = v->timestamp_validity_window_ms,
		.timestamp_based_approach_in_use = v->timestamp_based_approach_in_use,
		.mobile_node_generated_timestamp_in_use = v->mobile_node_generated_timestamp_in_use,
		.immediate_new_bce = c->immediate_new_bce,
		.update_notification_retransmit_count = v->update_notification_retransmit_count,
		.update_notification_replay_ms = v->update_notification_replay_ms,
		.former_linger_ms = config->ro.enabled ? config->ro.rx_linger_ms : 0,
		.prefix_hold_s = c->prefix_hold_s,
		.restart_hold_s = c->restart_hold_s == UINT32_MAX ? c->max_binding_lifetime_s : c->restart_hold_s,
		.tunnel_mtu_bytes = (uint16_t)(smallest_mtu(config, SIDE_CORE) - OUTER_HEADER_BYTES),
		.tunnel_hop_limit = config->tunnel.hop_limit,
		.tunnel_dscp = config->tunnel.dscp,
		.policy = policy,
	};
}

void config_mag_engine(const struct config *config, const struct policy *policy, struct mag_config *mag)
{
	const struct config_variables *v = &config->variables;
	const struct config_mag *c = &config->mag;

	*mag = (struct mag_config){
		.address = c->address,
		.max_nodes = c->max_nodes,
		.binding_lifetime_s = c->binding_lifetime_s,
		.refresh_percent = c->refresh_percent,
		.access_technology = c->access_technology,
		.initial_bindack_timeout_ms = v->initial_bindack_timeout_ms,
		.max_bindack_timeout_ms = v->max_bindack_timeout_ms,
		.timestamp_based_approach_in_use = v->timestamp_based_approach_in_use,
		.enable_mag_local_routing = v->enable_mag_local_routing,
		.fixed_link_local = v->fixed_mag_link_local_address,
		.nud_interval_ms = c->nud_interval_ms,
		.nud_retransmit_ms = c->nud_retransmit_ms,
		.nud_probes = c->nud_probes,
		.refused_hold_s = c->refused_hold_s,
		.router_lifetime_s = c->router_lifetime_s,
		.prefix_valid_s = c->prefix_valid_s,
		.prefix_preferred_s = c->prefix_preferred_s,
		.max_rtr_adv_interval_s = c->max_rtr_adv_interval_s,
		.access_mtu_bytes = smallest_mtu(config, SIDE_ACCESS),
		.tunnel_mtu_bytes = (uint16_t)(smallest_mtu(config, SIDE_CORE) - OUTER_HEADER_BYTES),
		.tunnel_hop_limit = config->tunnel.hop_limit,
		.tunnel_dscp = config->tunnel.dscp,
		.policy = policy,
	};
	memcpy(mag->fixed_link_layer, v->fixed_mag_link_layer_address, sizeof(mag->fixed_link_layer));
}

/* ---- route optimisation ---- */

static void ro_peer_fill(const struct config *config, const struct config_peer *from, struct ro_peer *peer)
{
	*peer = (struct ro_peer){.address = from->address,
		.role = config_peer_is_lma(config, from) ? RO_ROLE_LMA : RO_ROLE_MAG,
		.has_key = from->has_ro_key,
		.key_id = from->ro_key_id,
		.denied = !from->ro_allowed};
	memcpy(peer->key, from->ro_key, sizeof(peer->key));
	for (unsigned i = 0; i < from->ro_prefix_count && i < RO_PEER_PREFIXES; i++)
		peer->prefixes[peer->prefix_count++] = home_prefix(&from->ro_prefixes[i]);
}

struct fwd_tunnel config_tunnel(const struct config *config, enum tunnel_use use)
{
	return (struct fwd_tunnel){.local = config->role == ROLE_LMA ? config->lma.address : config->mag.address,
		.descriptor = INDEX_NONE,
		.mtu_bytes = (uint16_t)(smallest_mtu(config, SIDE_CORE) - OUTER_HEADER_BYTES),
		.type = TUNNEL_IPV6_IN_IPV6,
		.use = (uint8_t)use,
		.dscp_mode = config->tunnel.dscp < 0 ? DSCP_COPY : DSCP_FIXED,
		.dscp = config->tunnel.dscp < 0 ? 0 : (uint8_t)config->tunnel.dscp,
		.hop_limit = config->tunnel.hop_limit};
}

int config_ro_engine(const struct config *config, struct ro_config *ro, struct ro_peer **peers)
{
	const struct config_ro *c = &config->ro;
	struct home_network_prefix *eligible;

	*peers = calloc(1, (config->peer_count + 1) * sizeof(**peers) + c->eligible_count * sizeof(*eligible));
	if (*peers == NULL)
		return -ENOMEM;
	eligible = (struct home_network_prefix *)(*peers + config->peer_count + 1);
	for (unsigned i = 0; i < config->peer_count; i++)
		ro_peer_fill(config, &config->peers[i], &(*peers)[i]);
	for (unsigned i = 0; i < c->eligible_count; i++)
		eligible[i] = home_prefix(&c->eligible[i]);
	*ro = (struct ro_config){
		.role = config->role == ROLE_LMA ? RO_ROLE_LMA : RO_ROLE_MAG,
		.address = config->role == ROLE_LMA ? config->lma.address : config->mag.address,
		.native = c->profile == RO_PROFILE_NATIVE,
		.experiment_id = c->experiment_id,
		.proxy = c->mode == RO_MODE_PROXY,
		.early = c->early_activation,
		.trust_peers = c->trust == RO_TRUST_PEERS,
		.pbu_for_setup = c->pbu_for_setup,
		.access_technology = config->mag.access_technology,
		.lifetime_s = c->lifetime_s,
		.retries = c->retries,
#define CONFIGURED_TIMER(name, ms) .name = c->name,
		RO_TIMERS(CONFIGURED_TIMER)
#undef CONFIGURED_TIMER
			.node_pending = c->node_pending,
		.node_active = c->node_active,
		.node_triggers_per_s = c->node_triggers_per_s,
		.max_pairs = c->max_pairs,
		.peers = *peers,
		.peer_count = config->peer_count,
		.eligible = eligible,
		.eligible_count = c->eligible_count,
	};
	if (config->role == ROLE_MAG)
		ro->tunnel = config_tunnel(config, TUNNEL_TO_PEER_MAG);
	return 0;
}
