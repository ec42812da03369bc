/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <netinet/in.h>

#include "mh/mh.h"

/*
 * Policy store: who the mobile nodes are, what they may do, which prefixes are theirs, who the peers are (RFC 5213
 * section 6.2). Filled from the configuration, later from AAA; engines only look up.
 *
 * Threads: the control core; const while engines run. Lookups are O(1).
 */
struct policy;

struct policy_node {
	struct mn_id id; /* subtype 1 */
	bool has_mac;
	uint8_t mac[6];
	uint32_t peer;                              /* MAG: its LMA, index of policy_peer() */
	uint32_t pool;                              /* LMA: index of policy_pool() for dynamic prefixes */
	const struct home_network_prefix *prefixes; /* LMA: static; none: dynamic */
	uint16_t prefix_count;
	uint16_t dynamic_prefixes; /* LMA: how many to assign dynamically, at least 1 */
	const uint32_t *peers;     /* LMA: MAGs that may register it; none: all */
	uint16_t peer_count;
	bool proxy_registration; /* LMA: false -> 152 */
	bool local_routing;      /* MAG: EnableMAGLocalRouting or the node's own word */
	uint32_t lifetime_s;     /* MAG: to request */
	bool ro_denied;          /* may not take part in route optimisation */
	bool in_order;           /* MAG: keep the order of its packets when a path changes (RO-077) */
	bool is_default;         /* made from the default profile */
};

struct policy_peer {
	const char *name;
	struct in6_addr address;
	bool insecure;
	bool heartbeat;
	/*
	 * Of the own role: it takes part in route optimisation, nothing else. It registers no node here, and no node is
	 * registered there.
	 */
	bool ro_only;
};

struct policy_pool {
	const char *name;
	struct home_network_prefix prefix; /* at most /64; its /64s are handed out */
};

/* Sources to build from; everything is copied. */
struct policy *policy_create(void);
void policy_destroy(struct policy *policy);
/*
 * 0, -ENOMEM, -EEXIST (name, address, id, MAC or prefix is there already), -EINVAL (pool longer than /64, prefix longer
 * than /128, id longer than MN_ID_MAX); then nothing was added. Host bits of prefixes are cut off. Indexes count from
 * 0 in order of adding.
 */
int policy_add_peer(struct policy *policy, const struct policy_peer *peer);
int policy_add_pool(struct policy *policy, const struct policy_pool *pool);
int policy_add_node(struct policy *policy, const struct policy_node *node);
/*
 * What unknown nodes get (id and MAC are ignored); without it they are refused. @id_format: NAI made from the MAC, %m
 * is the MAC as 12 hex digits, %% a percent sign, e.g. "%m@default.example". Replaces an earlier profile. 0, -ENOMEM,
 * -EINVAL (no %m, another % sequence, an id longer than MN_ID_MAX, or a profile with static prefixes).
 */
int policy_set_default(struct policy *policy, const struct policy_node *profile, const char *id_format);

/*
 * Only nodes whose prefixes all lie in these may take part in route optimisation; none: all. Replaces an earlier list.
 * 0, -ENOMEM, -EINVAL (a prefix longer than /128).
 */
int policy_set_eligible(struct policy *policy, const struct home_network_prefix *prefixes, unsigned count);

/* Is this such a format? */
bool policy_id_format_is_valid(const char *id_format);

const struct policy_peer *policy_peer(const struct policy *policy, uint32_t index); /* NULL past the last */
const struct policy_pool *policy_pool(const struct policy *policy, uint32_t index);
/* Is there such a peer, and of the other role: an LMA for a MAG, a MAG for an LMA? */
bool policy_peer_is_opposite(const struct policy *policy, uint32_t index);
/* Index, or UINT32_MAX. */
uint32_t policy_peer_find(const struct policy *policy, const struct in6_addr *address);
uint32_t policy_peer_find_name(const struct policy *policy, const char *name);
/* The pool that contains the prefix (of nested ones the longest), or UINT32_MAX. */
uint32_t policy_pool_find(const struct policy *policy, const struct home_network_prefix *prefix);
/* The node whose static prefix this is, or NULL. */
const struct policy_node *policy_prefix_owner(const struct policy *policy, const struct home_network_prefix *prefix);

/*
 * By MN identifier (opaque: subtype and octets). LMA side. Unknown: the default profile if there is one, in @made with
 * @id; else false.
 */
bool policy_node_by_id(const struct policy *policy, const struct mn_id *id, struct policy_node *node);
/*
 * By MAC, MAG side. Unknown: the default profile with an id written to @id_text (of MN_ID_MAX octets), else false.
 * False too if that id is a configured node's: nobody takes over an identity by choosing a MAC.
 */
bool policy_node_by_mac(const struct policy *policy, const uint8_t mac[6], uint8_t *id_text, struct policy_node *node);
/* May peer @index register the node? Never a peer of the own role. */
bool policy_peer_may_register(const struct policy *policy, const struct policy_node *node, uint32_t peer);
/* Does the prefix lie in an eligible one? O(number of these), which are few. */
bool policy_is_eligible(const struct policy *policy, const struct home_network_prefix *prefix);
/* The configured nodes in order, for walks; NULL past the last. */
const struct policy_node *policy_node(const struct policy *policy, uint32_t index);
