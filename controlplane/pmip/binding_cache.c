/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmip/binding_cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "node/hash_index.h"

/* Indexes come back only when their removal is reclaimed: room for those on their way. */
#define SLOTS_EXTRA 1024

int binding_cache_init(struct binding_cache *cache, uint32_t max, uint64_t seed)
{
	uint64_t buckets = 16;

	while (buckets < max)
		buckets *= 2;
	*cache = (struct binding_cache){.seed = seed, .bucket_mask = (uint32_t)buckets - 1};
	cache->slot_count = max + max / 8 + SLOTS_EXTRA;
	cache->slots = calloc(cache->slot_count, sizeof(*cache->slots));
	cache->buckets = malloc(buckets * sizeof(*cache->buckets));
	if (cache->slots == NULL || cache->buckets == NULL || id_map_init(&cache->prefixes, max, seed) != 0) {
		binding_cache_fini(cache);
		return -ENOMEM;
	}
	memset(cache->buckets, 0xff, buckets * sizeof(*cache->buckets));
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
	free(cache->buckets);
	id_map_fini(&cache->prefixes);
	memset(cache, 0, sizeof(*cache));
}

static uint32_t *bucket_of(const struct binding_cache *cache, const struct mn_id *id)
{
	return &cache->buckets[hash_bytes(id->data, id->length, cache->seed ^ id->subtype) & cache->bucket_mask];
}

static uint64_t heap_of(const struct binding *binding)
{
	return ident_heap_bytes(&binding->id) + (binding->prefix_count - 1u) * sizeof(binding->prefix);
}

static int prefixes_insert(struct binding_cache *cache, const struct binding *binding)
{
	for (unsigned i = 0; i < binding->prefix_count; i++) {
		if (id_map_insert(&cache->prefixes, binding_prefix(binding, i), binding_index(cache, binding)) == 0)
			continue;
		while (i-- > 0)
			id_map_remove(&cache->prefixes, binding_prefix(binding, i));
		return -ENOMEM;
	}
	return 0;
}

struct binding *binding_cache_insert(
	struct binding_cache *cache, uint32_t index, const struct mn_id *id, const uint64_t *prefixes, unsigned count)
{
	struct binding *binding;
	uint32_t *bucket = bucket_of(cache, id);

	if (index >= cache->slot_count || cache->slots[index].prefix_count != 0)
		return NULL;
	binding = &cache->slots[index];
	binding->prefix = prefixes[0];
	if (count > 1) {
		binding->more_prefixes = malloc((count - 1) * sizeof(*prefixes));
		if (binding->more_prefixes == NULL)
			return NULL;
		memcpy(binding->more_prefixes, prefixes + 1, (count - 1) * sizeof(*prefixes));
	}
	binding->prefix_count = (uint8_t)count;
	if (ident_set(&binding->id, id->subtype, id->data, id->length) != 0 || prefixes_insert(cache, binding) != 0) {
		binding_clear(binding);
		return NULL;
	}
	binding->next_in_hash = *bucket;
	*bucket = index;
	if (index >= cache->top)
		cache->top = index + 1;
	cache->count++;
	cache->heap_bytes += heap_of(binding);
	return binding;
}

void binding_cache_remove(struct binding_cache *cache, struct binding *binding)
{
	struct mn_id id = binding_id(binding);
	uint32_t *link = bucket_of(cache, &id);

	while (*link != binding_index(cache, binding))
		link = &cache->slots[*link].next_in_hash;
	*link = binding->next_in_hash;
	for (unsigned i = 0; i < binding->prefix_count; i++)
		id_map_remove(&cache->prefixes, binding_prefix(binding, i));
	cache->heap_bytes -= heap_of(binding);
	cache->count--;
	binding_clear(binding);
}

struct binding *binding_cache_by_prefix(const struct binding_cache *cache, uint64_t prefix)
{
	uint32_t index = id_map_lookup(&cache->prefixes, prefix);

	return index != ID_MAP_NONE ? &cache->slots[index] : NULL;
}

struct binding *binding_cache_by_id(
	const struct binding_cache *cache, const struct mn_id *id, const struct binding *after)
{
	uint32_t index = after != NULL ? after->next_in_hash : *bucket_of(cache, id);

	while (index != INDEX_NONE && !ident_equals(&cache->slots[index].id, id->subtype, id->data, id->length))
		index = cache->slots[index].next_in_hash;
	return index != INDEX_NONE ? &cache->slots[index] : NULL;
}

struct binding *binding_cache_at(const struct binding_cache *cache, uint32_t index)
{
	return index < cache->top && cache->slots[index].prefix_count != 0 ? &cache->slots[index] : NULL;
}

uint64_t binding_cache_bytes(const struct binding_cache *cache)
{
	return (uint64_t)cache->slot_count * sizeof(*cache->slots) +
	       ((uint64_t)cache->bucket_mask + 1) * sizeof(*cache->buckets) + id_map_bytes(&cache->prefixes) +
	       cache->heap_bytes;
}
