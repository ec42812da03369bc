/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmip/prefix_pool.h"

#include <errno.h>
#include <stdlib.h>

#include "endpoint.h"
#include "node/key_hash.h"
#include "pmip/ident.h"
#include "pmip/prefix_tree.h"

#define NONE UINT32_MAX

struct pool {
	uint64_t base; /* its first /64 */
	struct prefix_tree taken;
	uint64_t next;     /* position to look from */
	uint64_t reserved; /* static prefixes of nodes */
	uint64_t held;
};

/* A prefix that waits for its mobile node to come back. */
struct held {
	struct ident id;
	uint64_t prefix;
	uint64_t expires_ms;
	uint64_t hash; /* of the id */
	uint32_t pool;
	uint32_t older, newer; /* in order of expiry; newer also links the free ones */
};

struct prefix_pools {
	struct prefix_pools_config config;
	struct pool *pools;
	uint32_t pool_count;
	struct held *held;
	uint32_t held_room, held_count, free;
	uint32_t oldest, newest;
	struct hash_index by_prefix, by_node; /* -> held */
};

static bool pool_position(const struct prefix_pools *pools, uint32_t pool, uint64_t prefix, uint64_t *position)
{
	if (pool >= pools->pool_count || prefix < pools->pools[pool].base)
		return false;
	*position = prefix - pools->pools[pool].base;
	return *position >> pools->pools[pool].taken.bits == 0;
}

static uint32_t pool_of(const struct prefix_pools *pools, uint64_t prefix)
{
	struct home_network_prefix as_prefix = prefix_from_id(prefix);

	return policy_pool_find(pools->config.policy, &as_prefix);
}

static int reserve_static(struct prefix_pools *pools)
{
	const struct policy_node *node;

	for (uint32_t i = 0; (node = policy_node(pools->config.policy, i)) != NULL; i++) {
		for (unsigned j = 0; j < node->prefix_count; j++) {
			uint64_t id = endpoint_id_ipv6(node->prefixes[j].prefix.s6_addr);
			uint32_t pool = pool_of(pools, id);
			uint64_t position;
			int error;

			if (!pool_position(pools, pool, id, &position))
				continue;
			error = prefix_tree_set(&pools->pools[pool].taken, position);
			if (error == -ENOMEM)
				return error;
			pools->pools[pool].reserved += error == 0;
		}
	}
	return 0;
}

static int pools_fill(struct prefix_pools *pools)
{
	const struct policy_pool *policy;

	while (policy_pool(pools->config.policy, pools->pool_count) != NULL)
		pools->pool_count++;
	pools->pools = calloc(pools->pool_count + 1, sizeof(*pools->pools));
	if (pools->pools == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < pools->pool_count; i++) {
		policy = policy_pool(pools->config.policy, i);
		pools->pools[i].base = endpoint_id_ipv6(policy->prefix.prefix.s6_addr);
		prefix_tree_init(&pools->pools[i].taken, 64u - policy->prefix.length);
	}
	return reserve_static(pools);
}

struct prefix_pools *prefix_pools_create(const struct prefix_pools_config *config)
{
	struct prefix_pools *pools = calloc(1, sizeof(*pools));

	if (pools == NULL)
		return NULL;
	pools->config = *config;
	pools->free = pools->oldest = pools->newest = NONE;
	if (pools_fill(pools) != 0) {
		prefix_pools_destroy(pools);
		return NULL;
	}
	return pools;
}

void prefix_pools_destroy(struct prefix_pools *pools)
{
	if (pools == NULL)
		return;
	for (uint32_t i = pools->oldest; i != NONE; i = pools->held[i].newer)
		ident_clear(&pools->held[i].id);
	for (uint32_t i = 0; pools->pools != NULL && i < pools->pool_count; i++)
		prefix_tree_fini(&pools->pools[i].taken);
	hash_index_fini(&pools->by_prefix);
	hash_index_fini(&pools->by_node);
	free(pools->held);
	free(pools->pools);
	free(pools);
}

static uint32_t held_allocate(struct prefix_pools *pools)
{
	uint32_t index = pools->free;

	if (index != NONE) {
		pools->free = pools->held[index].newer;
		return index;
	}
	if (pools->held_count == pools->held_room) {
		uint32_t room = pools->held_room == 0 ? 64 : pools->held_room * 2;
		struct held *held = reallocarray(pools->held, room, sizeof(*held));

		if (held == NULL)
			return NONE;
		pools->held = held;
		pools->held_room = room;
	}
	return pools->held_count; /* without free ones all below are in use */
}

/* No longer held; whether it stays taken is the caller's. */
static void held_remove(struct prefix_pools *pools, uint32_t index)
{
	struct held *held = &pools->held[index];

	hash_index_remove(&pools->by_node, held->hash, index);
	hash_index_remove(&pools->by_prefix, hash_prefix(held->prefix, pools->config.seed), index);
	*(held->older != NONE ? &pools->held[held->older].newer : &pools->oldest) = held->newer;
	*(held->newer != NONE ? &pools->held[held->newer].older : &pools->newest) = held->older;
	pools->pools[held->pool].held--;
	ident_clear(&held->id);
	held->newer = pools->free;
	pools->free = index;
	pools->held_count--;
}

static void held_free(struct prefix_pools *pools, uint32_t index)
{
	struct held *held = &pools->held[index];
	struct pool *pool = &pools->pools[held->pool];

	prefix_tree_clear(&pool->taken, held->prefix - pool->base);
	held_remove(pools, index);
}

static void held_link(struct prefix_pools *pools, uint32_t index)
{
	struct held *held = &pools->held[index];

	hash_index_insert(&pools->by_node, held->hash, index);
	hash_index_insert(&pools->by_prefix, hash_prefix(held->prefix, pools->config.seed), index);
	*(pools->newest != NONE ? &pools->held[pools->newest].newer : &pools->oldest) = index;
	pools->newest = index;
	pools->pools[held->pool].held++;
	pools->held_count++;
}

static bool held_add(
	struct prefix_pools *pools, uint64_t expires_ms, uint32_t pool, uint64_t prefix, const struct mn_id *id)
{
	struct held held = {.prefix = prefix,
		.expires_ms = expires_ms,
		.hash = hash_mn_id(id, pools->config.seed),
		.pool = pool,
		.older = pools->newest,
		.newer = NONE};
	uint32_t index;

	if (hash_index_reserve(&pools->by_node, 1) != 0 || hash_index_reserve(&pools->by_prefix, 1) != 0 ||
		ident_set(&held.id, id->subtype, id->data, id->length) != 0)
		return false;
	index = held_allocate(pools);
	if (index == NONE) {
		ident_clear(&held.id);
		return false;
	}
	pools->held[index] = held;
	held_link(pools, index);
	return true;
}

/* A prefix of the pool that is held for the node. */
static uint32_t held_find(const struct prefix_pools *pools, uint32_t pool, const struct mn_id *id)
{
	uint64_t hash = hash_mn_id(id, pools->config.seed);
	uint32_t index;

	for (uint32_t at = 0; (index = hash_index_next(&pools->by_node, hash, &at)) != HASH_NONE;)
		if (pools->held[index].pool == pool &&
			ident_equals(&pools->held[index].id, id->subtype, id->data, id->length))
			return index;
	return NONE;
}

static uint32_t held_find_prefix(const struct prefix_pools *pools, uint64_t prefix)
{
	uint64_t hash = hash_prefix(prefix, pools->config.seed);
	uint32_t index;

	for (uint32_t at = 0; (index = hash_index_next(&pools->by_prefix, hash, &at)) != HASH_NONE;)
		if (pools->held[index].prefix == prefix)
			return index;
	return NONE;
}

int prefix_pools_allocate(
	struct prefix_pools *pools, uint64_t now_ms, uint32_t index, const struct mn_id *id, uint64_t *prefix)
{
	struct pool *pool;
	uint32_t held;
	uint64_t position;
	int error;

	if (index >= pools->pool_count)
		return -ENOSPC;
	pool = &pools->pools[index];
	held = held_find(pools, index, id);
	if (held != NONE) {
		*prefix = pools->held[held].prefix;
		held_remove(pools, held);
		return 0;
	}
	if (now_ms < pools->config.restart_until_ms)
		return -EAGAIN;
	if (pool->base == ENDPOINT_NONE)
		return -ENOSPC;
	position = prefix_tree_find_free(&pool->taken, pool->next);
	if (position == PREFIX_TREE_NONE)
		position = prefix_tree_find_free(&pool->taken, 0);
	if (position == PREFIX_TREE_NONE)
		return -ENOSPC;
	error = prefix_tree_set(&pool->taken, position);
	if (error != 0)
		return error;
	pool->next = position + 1;
	*prefix = pool->base + position;
	return 0;
}

int prefix_pools_claim(struct prefix_pools *pools, uint32_t pool, uint64_t prefix, const struct mn_id *id)
{
	uint32_t held;
	uint64_t position;
	int error;

	if (!pool_position(pools, pool, prefix, &position) || pools->pools[pool].base == ENDPOINT_NONE)
		return -ENOENT;
	held = held_find_prefix(pools, prefix);
	if (held != NONE) {
		if (!ident_equals(&pools->held[held].id, id->subtype, id->data, id->length))
			return -EADDRINUSE;
		held_remove(pools, held);
		return 0;
	}
	error = prefix_tree_set(&pools->pools[pool].taken, position);
	return error == -EEXIST ? -EADDRINUSE : error;
}

void prefix_pools_release(
	struct prefix_pools *pools, uint64_t now_ms, uint64_t until_ms, uint64_t prefix, const struct mn_id *id)
{
	uint64_t hold_until_ms = now_ms + pools->config.hold_ms;
	uint64_t expires_ms = until_ms > hold_until_ms ? until_ms : hold_until_ms;
	uint32_t pool = pool_of(pools, prefix);
	struct home_network_prefix as_prefix = prefix_from_id(prefix);
	uint64_t position;

	if (!pool_position(pools, pool, prefix, &position) ||
		policy_prefix_owner(pools->config.policy, &as_prefix) != NULL)
		return;
	if (expires_ms > now_ms && pools->config.held_max > 0) {
		if (pools->held_count >= pools->config.held_max)
			held_free(pools, pools->oldest);
		if (held_add(pools, expires_ms, pool, prefix, id))
			return;
	}
	prefix_tree_clear(&pools->pools[pool].taken, position);
}

uint64_t prefix_pools_advance(struct prefix_pools *pools, uint64_t now_ms, unsigned budget)
{
	while (pools->oldest != NONE && pools->held[pools->oldest].expires_ms <= now_ms && budget-- > 0)
		held_free(pools, pools->oldest);
	return pools->oldest != NONE ? pools->held[pools->oldest].expires_ms : UINT64_MAX;
}

bool prefix_pools_usage(
	const struct prefix_pools *pools, uint32_t index, uint64_t *used, uint64_t *held, uint64_t *total)
{
	const struct pool *pool;

	if (index >= pools->pool_count)
		return false;
	pool = &pools->pools[index];
	*held = pool->held;
	*used = pool->taken.count - pool->reserved - pool->held;
	*total = pool->base != ENDPOINT_NONE ? (UINT64_C(1) << pool->taken.bits) - pool->reserved : 0;
	return true;
}

uint64_t prefix_pools_bytes(const struct prefix_pools *pools)
{
	uint64_t hash_slots = (uint64_t)pools->by_prefix.mask + pools->by_node.mask;
	uint64_t bytes = sizeof(*pools) + pools->pool_count * sizeof(*pools->pools) +
			 pools->held_room * sizeof(*pools->held) + hash_slots * sizeof(struct hash_slot);

	for (uint32_t i = 0; i < pools->pool_count; i++)
		bytes += prefix_tree_bytes(&pools->pools[i].taken);
	return bytes;
}
