/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmip/binding_cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "endpoint.h"
#include "node/key_hash.h"

/* Indexes come back only when their removal is reclaimed: room for those on their way. */
#define SLOTS_EXTRA 1024

int binding_cache_init(struct binding_cache *cache, uint32_t max, uint64_t seed)
{
	*cache = (struct binding_cache){.seed = seed, .slot_count = max + max / 8 + SLOTS_EXTRA};
	cache->slots = calloc(cache->slot_count, sizeof(*cache->slots));
	if (cache->slots == NULL || hash_index_reserve(&cache->by_id, max) != 0 ||
		hash_index_reserve(&cache->by_prefix, max) != 0) {
		binding_cache_fini(cache);
		return -ENOMEM;
	}
	return 0;
}

static void binding_clear(struct binding *binding)
{
	ident_clear(&binding->id);
	ident_clear(&binding->terms.link_layer_id);
	free(binding->more_prefixes);
	memset(binding, 0, sizeof(*binding));
}

void binding_cache_fini(struct binding_cache *cache)
{
	for (uint32_t i = 0; i < cache->top; i++)
		binding_clear(&cache->slots[i]);
	free(cache->slots);
	hash_index_fini(&cache->by_id);
	hash_index_fini(&cache->by_prefix);
	memset(cache, 0, sizeof(*cache));
}

static uint64_t heap_of(const struct binding *binding)
{
	return ident_heap_bytes(&binding->id) + (binding->prefix_count - 1u) * sizeof(binding->prefix);
}

static int prefixes_set(struct binding *binding, const uint64_t *prefixes, unsigned count)
{
	binding->prefix = prefixes[0];
	if (count > 1) {
		binding->more_prefixes = malloc((count - 1) * sizeof(*prefixes));
		if (binding->more_prefixes == NULL)
			return -ENOMEM;
		memcpy(binding->more_prefixes, prefixes + 1, (count - 1) * sizeof(*prefixes));
	}
	binding->prefix_count = (uint8_t)count;
	return 0;
}

struct binding *binding_cache_insert(
	struct binding_cache *cache, uint32_t index, const struct mn_id *id, const uint64_t *prefixes, unsigned count)
{
	struct binding *binding;

	if (index >= cache->slot_count || cache->slots[index].prefix_count != 0)
		return NULL;
	if (hash_index_reserve(&cache->by_id, 1) != 0 || hash_index_reserve(&cache->by_prefix, count) != 0)
		return NULL;
	binding = &cache->slots[index];
	if (ident_set(&binding->id, id->subtype, id->data, id->length) != 0 ||
		prefixes_set(binding, prefixes, count) != 0) {
		binding_clear(binding);
		return NULL;
	}
	hash_index_insert(&cache->by_id, hash_mn_id(id, cache->seed), index);
	for (unsigned i = 0; i < count; i++)
		hash_index_insert(&cache->by_prefix, hash_prefix(prefixes[i], cache->seed), index);
	if (index >= cache->top)
		cache->top = index + 1;
	cache->count++;
	cache->heap_bytes += heap_of(binding);
	return binding;
}

void binding_cache_remove(struct binding_cache *cache, struct binding *binding)
{
	uint32_t index = binding_index(cache, binding);
	struct mn_id id = binding_id(binding);

	hash_index_remove(&cache->by_id, hash_mn_id(&id, cache->seed), index);
	for (unsigned i = 0; i < binding->prefix_count; i++)
		hash_index_remove(&cache->by_prefix, hash_prefix(binding_prefix(binding, i), cache->seed), index);
	cache->heap_bytes -= heap_of(binding);
	cache->count--;
	binding_clear(binding);
}

static bool has_prefix(const struct binding *binding, uint64_t prefix)
{
	for (unsigned i = 0; i < binding->prefix_count; i++)
		if (binding_prefix(binding, i) == prefix)
			return true;
	return false;
}

struct binding *binding_cache_by_prefix(const struct binding_cache *cache, uint64_t prefix)
{
	uint64_t hash = hash_prefix(prefix, cache->seed);
	uint32_t index;

	for (uint32_t at = 0; (index = hash_index_next(&cache->by_prefix, hash, &at)) != HASH_NONE;)
		if (has_prefix(&cache->slots[index], prefix))
			return &cache->slots[index];
	return NULL;
}

struct binding *binding_cache_by_id(const struct binding_cache *cache, const struct mn_id *id, uint32_t *at)
{
	uint64_t hash = hash_mn_id(id, cache->seed);
	uint32_t index;

	while ((index = hash_index_next(&cache->by_id, hash, at)) != HASH_NONE)
		if (ident_equals(&cache->slots[index].id, id->subtype, id->data, id->length))
			return &cache->slots[index];
	return NULL;
}

struct binding *binding_cache_at(const struct binding_cache *cache, uint32_t index)
{
	return index < cache->top && cache->slots[index].prefix_count != 0 ? &cache->slots[index] : NULL;
}

uint64_t binding_cache_bytes(const struct binding_cache *cache)
{
	uint64_t hash_slots = (uint64_t)cache->by_id.mask + cache->by_prefix.mask + 2;

	return (uint64_t)cache->slot_count * sizeof(*cache->slots) + hash_slots * sizeof(struct hash_slot) +
	       cache->heap_bytes;
}
