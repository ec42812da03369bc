/* SPDX-License-Identifier: BSD-3-Clause */
#include "node/policy.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "node/hash_index.h"

#define MAC_HEX_LENGTH 12

enum { SEED_NAME = 1, SEED_ADDRESS, SEED_MAC, SEED_ID, SEED_PREFIX };

struct policy {
	struct policy_peer *peers;
	uint32_t peer_count;
	struct hash_index peer_names, peer_addresses;

	struct policy_pool *pools;
	uint32_t pool_count;
	struct hash_index pool_names, pool_prefixes;
	bool pool_lengths[65]; /* some pool has this length */

	struct policy_node **nodes; /* each one block with what it points to */
	uint32_t node_count, node_room;
	struct hash_index node_ids, node_macs, node_prefixes;

	struct home_network_prefix *eligible;
	unsigned eligible_count;

	struct policy_node *profile; /* NULL: unknown nodes are refused */
	char *id_format;
};

static uint64_t name_hash(const char *name)
{
	return hash_bytes(name, strlen(name), SEED_NAME);
}

static uint64_t address_hash(const struct in6_addr *address)
{
	return hash_bytes(address, sizeof(*address), SEED_ADDRESS);
}

static uint64_t mac_hash(const uint8_t mac[6])
{
	return hash_bytes(mac, 6, SEED_MAC);
}

static uint64_t id_hash(const struct mn_id *id)
{
	return hash_bytes(id->data, id->length, (uint64_t)id->subtype << 8 | SEED_ID);
}

static uint64_t prefix_hash(const struct home_network_prefix *prefix)
{
	return hash_bytes(&prefix->prefix, sizeof(prefix->prefix), (uint64_t)prefix->length << 8 | SEED_PREFIX);
}

static bool id_equal(const struct mn_id *a, const struct mn_id *b)
{
	return a->subtype == b->subtype && a->length == b->length &&
	       (a->length == 0 || memcmp(a->data, b->data, a->length) == 0);
}

static bool prefix_equal(const struct home_network_prefix *a, const struct home_network_prefix *b)
{
	return a->length == b->length && memcmp(&a->prefix, &b->prefix, sizeof(a->prefix)) == 0;
}

/* The first @length bits of @prefix as a prefix of that length. */
static struct home_network_prefix prefix_cut(const struct in6_addr *prefix, uint8_t length)
{
	struct home_network_prefix cut = {.length = length};
	unsigned octets = length / 8, bits = length % 8;

	memcpy(&cut.prefix, prefix, octets);
	if (bits != 0)
		cut.prefix.s6_addr[octets] = prefix->s6_addr[octets] & (uint8_t)(0xff << (8 - bits));
	return cut;
}

struct policy *policy_create(void)
{
	return calloc(1, sizeof(struct policy));
}

void policy_destroy(struct policy *policy)
{
	if (policy == NULL)
		return;
	for (uint32_t i = 0; i < policy->peer_count; i++)
		free((char *)(uintptr_t)policy->peers[i].name);
	for (uint32_t i = 0; i < policy->pool_count; i++)
		free((char *)(uintptr_t)policy->pools[i].name);
	for (uint32_t i = 0; i < policy->node_count; i++)
		free(policy->nodes[i]);
	free(policy->peers);
	free(policy->pools);
	free(policy->nodes);
	free(policy->eligible);
	free(policy->profile);
	free(policy->id_format);
	hash_index_fini(&policy->peer_names);
	hash_index_fini(&policy->peer_addresses);
	hash_index_fini(&policy->pool_names);
	hash_index_fini(&policy->pool_prefixes);
	hash_index_fini(&policy->node_ids);
	hash_index_fini(&policy->node_macs);
	hash_index_fini(&policy->node_prefixes);
	free(policy);
}

/* Peers and pools: a handful, so the array grows by one. */
static void *array_grow(void *array, uint32_t count, size_t size)
{
	return reallocarray(array, (size_t)count + 1, size);
}

int policy_add_peer(struct policy *policy, const struct policy_peer *peer)
{
	struct policy_peer *peers;
	char *name;

	if (policy_peer_find_name(policy, peer->name) != UINT32_MAX ||
		policy_peer_find(policy, &peer->address) != UINT32_MAX)
		return -EEXIST;
	peers = array_grow(policy->peers, policy->peer_count, sizeof(*peers));
	if (peers == NULL)
		return -ENOMEM;
	policy->peers = peers;
	if (hash_index_reserve(&policy->peer_names, 1) != 0 || hash_index_reserve(&policy->peer_addresses, 1) != 0)
		return -ENOMEM;
	name = strdup(peer->name);
	if (name == NULL)
		return -ENOMEM;
	peers[policy->peer_count] = *peer;
	peers[policy->peer_count].name = name;
	hash_index_insert(&policy->peer_names, name_hash(name), policy->peer_count);
	hash_index_insert(&policy->peer_addresses, address_hash(&peer->address), policy->peer_count);
	policy->peer_count++;
	return 0;
}

static uint32_t pool_find_exact(const struct policy *policy, const struct home_network_prefix *prefix)
{
	uint64_t hash = prefix_hash(prefix);
	uint32_t i;

	for (uint32_t at = 0; (i = hash_index_next(&policy->pool_prefixes, hash, &at)) != HASH_NONE;)
		if (prefix_equal(&policy->pools[i].prefix, prefix))
			return i;
	return UINT32_MAX;
}

static bool pool_name_taken(const struct policy *policy, const char *name)
{
	uint64_t hash = name_hash(name);
	uint32_t i;

	for (uint32_t at = 0; (i = hash_index_next(&policy->pool_names, hash, &at)) != HASH_NONE;)
		if (strcmp(policy->pools[i].name, name) == 0)
			return true;
	return false;
}

int policy_add_pool(struct policy *policy, const struct policy_pool *pool)
{
	struct home_network_prefix prefix;
	struct policy_pool *pools;
	char *name;

	if (pool->prefix.length > 64)
		return -EINVAL;
	prefix = prefix_cut(&pool->prefix.prefix, pool->prefix.length);
	if (pool_name_taken(policy, pool->name) || pool_find_exact(policy, &prefix) != UINT32_MAX)
		return -EEXIST;
	pools = array_grow(policy->pools, policy->pool_count, sizeof(*pools));
	if (pools == NULL)
		return -ENOMEM;
	policy->pools = pools;
	if (hash_index_reserve(&policy->pool_names, 1) != 0 || hash_index_reserve(&policy->pool_prefixes, 1) != 0)
		return -ENOMEM;
	name = strdup(pool->name);
	if (name == NULL)
		return -ENOMEM;
	pools[policy->pool_count] = (struct policy_pool){.name = name, .prefix = prefix};
	hash_index_insert(&policy->pool_names, name_hash(name), policy->pool_count);
	hash_index_insert(&policy->pool_prefixes, prefix_hash(&prefix), policy->pool_count);
	policy->pool_lengths[prefix.length] = true;
	policy->pool_count++;
	return 0;
}

/* A copy of @source in one block, with its prefixes, peers and identifier behind it. */
static struct policy_node *node_copy(const struct policy_node *source)
{
	size_t prefixes = source->prefix_count * sizeof(*source->prefixes);
	size_t peers = source->peer_count * sizeof(*source->peers);
	uint8_t *block = calloc(1, sizeof(struct policy_node) + prefixes + peers + source->id.length);
	struct policy_node *node = (struct policy_node *)block;
	struct home_network_prefix *prefix;

	if (block == NULL)
		return NULL;
	*node = *source;
	block += sizeof(*node);
	if (peers != 0)
		memcpy(block, source->peers, peers);
	node->peers = (const uint32_t *)block;
	block += peers;
	prefix = (struct home_network_prefix *)block;
	for (unsigned i = 0; i < source->prefix_count; i++)
		prefix[i] = prefix_cut(&source->prefixes[i].prefix, source->prefixes[i].length);
	node->prefixes = prefix;
	block += prefixes;
	if (source->id.length != 0)
		memcpy(block, source->id.data, source->id.length);
	node->id.data = block;
	if (node->dynamic_prefixes == 0)
		node->dynamic_prefixes = 1;
	return node;
}

static uint32_t node_find_id(const struct policy *policy, const struct mn_id *id)
{
	uint64_t hash = id_hash(id);
	uint32_t i;

	for (uint32_t at = 0; (i = hash_index_next(&policy->node_ids, hash, &at)) != HASH_NONE;)
		if (id_equal(&policy->nodes[i]->id, id))
			return i;
	return UINT32_MAX;
}

static uint32_t node_find_mac(const struct policy *policy, const uint8_t mac[6])
{
	uint64_t hash = mac_hash(mac);
	uint32_t i;

	for (uint32_t at = 0; (i = hash_index_next(&policy->node_macs, hash, &at)) != HASH_NONE;)
		if (memcmp(policy->nodes[i]->mac, mac, 6) == 0)
			return i;
	return UINT32_MAX;
}

static bool node_has_prefix(const struct policy_node *node, const struct home_network_prefix *prefix)
{
	for (unsigned i = 0; i < node->prefix_count; i++)
		if (prefix_equal(&node->prefixes[i], prefix))
			return true;
	return false;
}

/* 0, or -EEXIST if something of @node (a copy) stands in the store or twice in the node itself. */
static int node_check_unique(const struct policy *policy, const struct policy_node *node)
{
	if (node_find_id(policy, &node->id) != UINT32_MAX)
		return -EEXIST;
	if (node->has_mac && node_find_mac(policy, node->mac) != UINT32_MAX)
		return -EEXIST;
	for (unsigned i = 0; i < node->prefix_count; i++) {
		const struct policy_node before = {.prefixes = node->prefixes, .prefix_count = (uint16_t)i};

		if (policy_prefix_owner(policy, &node->prefixes[i]) != NULL ||
			node_has_prefix(&before, &node->prefixes[i]))
			return -EEXIST;
	}
	return 0;
}

static int nodes_reserve(struct policy *policy, unsigned prefixes)
{
	if (policy->node_count == policy->node_room) {
		uint32_t room = policy->node_room == 0 ? 64 : policy->node_room * 2;
		struct policy_node **nodes = reallocarray(policy->nodes, room, sizeof(*nodes));

		if (nodes == NULL)
			return -ENOMEM;
		policy->nodes = nodes;
		policy->node_room = room;
	}
	if (hash_index_reserve(&policy->node_ids, 1) != 0 || hash_index_reserve(&policy->node_macs, 1) != 0 ||
		hash_index_reserve(&policy->node_prefixes, prefixes) != 0)
		return -ENOMEM;
	return 0;
}

static bool node_is_valid(const struct policy_node *node)
{
	if (node->id.length > MN_ID_MAX)
		return false;
	for (unsigned i = 0; i < node->prefix_count; i++)
		if (node->prefixes[i].length > 128)
			return false;
	return true;
}

int policy_add_node(struct policy *policy, const struct policy_node *source)
{
	struct policy_node *node;
	int error;

	if (!node_is_valid(source))
		return -EINVAL;
	node = node_copy(source);
	if (node == NULL)
		return -ENOMEM;
	node->is_default = false;
	error = node_check_unique(policy, node);
	if (error == 0)
		error = nodes_reserve(policy, node->prefix_count);
	if (error != 0) {
		free(node);
		return error;
	}
	hash_index_insert(&policy->node_ids, id_hash(&node->id), policy->node_count);
	if (node->has_mac)
		hash_index_insert(&policy->node_macs, mac_hash(node->mac), policy->node_count);
	for (unsigned i = 0; i < node->prefix_count; i++)
		hash_index_insert(&policy->node_prefixes, prefix_hash(&node->prefixes[i]), policy->node_count);
	policy->nodes[policy->node_count++] = node;
	return 0;
}

/*
 * Write the id of the MAC to @text, of MN_ID_MAX octets. Returns its length, or 0 if @format is wrong (something but
 * %m and %% behind a percent sign, no %m at all) or the id too long.
 */
static uint8_t id_from_mac(const char *format, const uint8_t mac[6], uint8_t *text)
{
	static const char digits[] = "0123456789abcdef";
	unsigned length = 0;
	bool has_mac = false;

	for (const char *p = format; *p != '\0'; p++) {
		bool insert = p[0] == '%' && p[1] == 'm';

		if (length + (insert ? MAC_HEX_LENGTH : 1) > MN_ID_MAX)
			return 0;
		if (*p == '%' && !insert && p[1] != '%')
			return 0;
		if (*p == '%')
			p++;
		if (!insert) {
			text[length++] = (uint8_t)*p;
			continue;
		}
		for (unsigned i = 0; i < MAC_HEX_LENGTH; i++)
			text[length++] = (uint8_t)digits[mac[i / 2] >> (i % 2 == 0 ? 4 : 0) & 0xf];
		has_mac = true;
	}
	return has_mac ? (uint8_t)length : 0;
}

bool policy_id_format_is_valid(const char *id_format)
{
	uint8_t text[MN_ID_MAX];

	return id_from_mac(id_format, (const uint8_t[6]){0}, text) != 0;
}

int policy_set_default(struct policy *policy, const struct policy_node *profile, const char *id_format)
{
	struct policy_node source = *profile, *node;
	char *format;

	if (!policy_id_format_is_valid(id_format) || source.prefix_count != 0)
		return -EINVAL;
	source.id = (struct mn_id){0};
	node = node_copy(&source);
	format = strdup(id_format);
	if (node == NULL || format == NULL) {
		free(node);
		free(format);
		return -ENOMEM;
	}
	node->has_mac = false;
	node->is_default = true;
	free(policy->profile);
	free(policy->id_format);
	policy->profile = node;
	policy->id_format = format;
	return 0;
}

int policy_set_eligible(struct policy *policy, const struct home_network_prefix *prefixes, unsigned count)
{
	struct home_network_prefix *copy = calloc(count + 1, sizeof(*copy));

	if (copy == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < count; i++) {
		if (prefixes[i].length > 128) {
			free(copy);
			return -EINVAL;
		}
		copy[i] = prefix_cut(&prefixes[i].prefix, prefixes[i].length);
	}
	free(policy->eligible);
	policy->eligible = copy;
	policy->eligible_count = count;
	return 0;
}

bool policy_is_eligible(const struct policy *policy, const struct home_network_prefix *prefix)
{
	for (unsigned i = 0; i < policy->eligible_count; i++) {
		const struct home_network_prefix *eligible = &policy->eligible[i];
		struct home_network_prefix cut = prefix_cut(&prefix->prefix, eligible->length);

		if (prefix->length >= eligible->length && prefix_equal(&cut, eligible))
			return true;
	}
	return policy->eligible_count == 0;
}

const struct policy_peer *policy_peer(const struct policy *policy, uint32_t index)
{
	return index < policy->peer_count ? &policy->peers[index] : NULL;
}

bool policy_peer_is_opposite(const struct policy *policy, uint32_t index)
{
	return index < policy->peer_count && !policy->peers[index].ro_only;
}

const struct policy_pool *policy_pool(const struct policy *policy, uint32_t index)
{
	return index < policy->pool_count ? &policy->pools[index] : NULL;
}

const struct policy_node *policy_node(const struct policy *policy, uint32_t index)
{
	return index < policy->node_count ? policy->nodes[index] : NULL;
}

uint32_t policy_peer_find(const struct policy *policy, const struct in6_addr *address)
{
	uint64_t hash = address_hash(address);
	uint32_t i;

	for (uint32_t at = 0; (i = hash_index_next(&policy->peer_addresses, hash, &at)) != HASH_NONE;)
		if (memcmp(&policy->peers[i].address, address, sizeof(*address)) == 0)
			return i;
	return UINT32_MAX;
}

uint32_t policy_peer_find_name(const struct policy *policy, const char *name)
{
	uint64_t hash = name_hash(name);
	uint32_t i;

	for (uint32_t at = 0; (i = hash_index_next(&policy->peer_names, hash, &at)) != HASH_NONE;)
		if (strcmp(policy->peers[i].name, name) == 0)
			return i;
	return UINT32_MAX;
}

uint32_t policy_pool_find(const struct policy *policy, const struct home_network_prefix *prefix)
{
	int longest = prefix->length < 64 ? prefix->length : 64;

	for (int length = longest; length >= 0; length--) {
		struct home_network_prefix cut;
		uint32_t pool;

		if (!policy->pool_lengths[length])
			continue;
		cut = prefix_cut(&prefix->prefix, (uint8_t)length);
		pool = pool_find_exact(policy, &cut);
		if (pool != UINT32_MAX)
			return pool;
	}
	return UINT32_MAX;
}

const struct policy_node *policy_prefix_owner(const struct policy *policy, const struct home_network_prefix *prefix)
{
	struct home_network_prefix cut;
	uint64_t hash;
	uint32_t i;

	if (prefix->length > 128)
		return NULL;
	cut = prefix_cut(&prefix->prefix, prefix->length);
	hash = prefix_hash(&cut);
	for (uint32_t at = 0; (i = hash_index_next(&policy->node_prefixes, hash, &at)) != HASH_NONE;)
		if (node_has_prefix(policy->nodes[i], &cut))
			return policy->nodes[i];
	return NULL;
}

bool policy_node_by_id(const struct policy *policy, const struct mn_id *id, struct policy_node *node)
{
	uint32_t i = node_find_id(policy, id);

	if (i == UINT32_MAX && policy->profile == NULL)
		return false;
	*node = i != UINT32_MAX ? *policy->nodes[i] : *policy->profile;
	if (i == UINT32_MAX)
		node->id = *id;
	return true;
}

bool policy_node_by_mac(const struct policy *policy, const uint8_t mac[6], uint8_t *id_text, struct policy_node *node)
{
	uint32_t i = node_find_mac(policy, mac);
	struct mn_id id = {.subtype = 1, .data = id_text};

	if (i != UINT32_MAX) {
		*node = *policy->nodes[i];
		return true;
	}
	if (policy->profile == NULL)
		return false;
	id.length = id_from_mac(policy->id_format, mac, id_text);
	if (node_find_id(policy, &id) != UINT32_MAX)
		return false; /* the id belongs to a configured node: a stranger must not get it by choosing its MAC */
	*node = *policy->profile;
	node->id = id;
	node->has_mac = true;
	memcpy(node->mac, mac, 6);
	return true;
}

bool policy_peer_may_register(const struct policy *policy, const struct policy_node *node, uint32_t peer)
{
	if (!policy_peer_is_opposite(policy, peer))
		return false;
	for (unsigned i = 0; i < node->peer_count; i++)
		if (node->peers[i] == peer)
			return true;
	return node->peer_count == 0;
}
