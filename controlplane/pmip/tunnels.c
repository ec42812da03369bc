/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmip/tunnels.h"

#include <stdlib.h>
#include <string.h>

#include "endpoint.h"

struct tunnel {
	struct in6_addr remote;
	uint32_t users; /* 0: no tunnel here */
	uint32_t next;  /* of the same bucket, or INDEX_NONE */
};

struct tunnels {
	struct engine_host *host;
	struct fwd_tunnel shape;
	struct tunnel *slots; /* by tunnel index; grows: indexes come back late */
	uint32_t slot_count;
	uint32_t *buckets;
	uint32_t bucket_mask;
	uint32_t count, max;
};

struct tunnels *tunnels_create(struct engine_host *host, const struct fwd_tunnel *shape, uint32_t max)
{
	struct tunnels *tunnels = calloc(1, sizeof(*tunnels));
	uint32_t buckets = 16;

	if (tunnels == NULL)
		return NULL;
	while (buckets < max && buckets < UINT32_C(1) << 20)
		buckets *= 2;
	tunnels->buckets = malloc(buckets * sizeof(*tunnels->buckets));
	if (tunnels->buckets == NULL) {
		free(tunnels);
		return NULL;
	}
	memset(tunnels->buckets, 0xff, buckets * sizeof(*tunnels->buckets));
	tunnels->bucket_mask = buckets - 1;
	tunnels->host = host;
	tunnels->shape = *shape;
	tunnels->max = max;
	return tunnels;
}

void tunnels_destroy(struct tunnels *tunnels)
{
	if (tunnels == NULL)
		return;
	free(tunnels->slots);
	free(tunnels->buckets);
	free(tunnels);
}

static uint32_t *bucket_of(const struct tunnels *tunnels, const struct in6_addr *remote)
{
	uint64_t hash = endpoint_load_be64(remote->s6_addr) ^ endpoint_hash(endpoint_load_be64(remote->s6_addr + 8));

	return &tunnels->buckets[endpoint_hash(hash) & tunnels->bucket_mask];
}

uint32_t tunnels_find(const struct tunnels *tunnels, const struct in6_addr *remote)
{
	uint32_t index = *bucket_of(tunnels, remote);

	while (index != INDEX_NONE && memcmp(&tunnels->slots[index].remote, remote, sizeof(*remote)) != 0)
		index = tunnels->slots[index].next;
	return index;
}

static bool slots_reach(struct tunnels *tunnels, uint32_t index)
{
	uint32_t count = tunnels->slot_count > 0 ? tunnels->slot_count : 16;
	struct tunnel *slots;

	if (index < tunnels->slot_count)
		return true;
	while (count <= index && count < UINT32_C(1) << 31)
		count *= 2;
	if (count <= index)
		return false;
	slots = realloc(tunnels->slots, count * sizeof(*slots));
	if (slots == NULL)
		return false;
	memset(slots + tunnels->slot_count, 0, (count - tunnels->slot_count) * sizeof(*slots));
	tunnels->slots = slots;
	tunnels->slot_count = count;
	return true;
}

static uint32_t tunnel_create(struct tunnels *tunnels, const struct in6_addr *remote)
{
	struct fwd_update update = {.op = FWD_OP_tunnel_insert, .body.tunnel = tunnels->shape};
	struct engine_host *host = tunnels->host;
	uint32_t *bucket = bucket_of(tunnels, remote);
	uint32_t index;

	if (tunnels->count >= tunnels->max)
		return INDEX_NONE;
	index = host->ops->index_allocate(host, INDEX_TUNNEL);
	if (index == INDEX_NONE)
		return INDEX_NONE;
	if (!slots_reach(tunnels, index)) {
		host->ops->index_release(host, INDEX_TUNNEL, index);
		return INDEX_NONE;
	}
	tunnels->slots[index] = (struct tunnel){.remote = *remote, .users = 1, .next = *bucket};
	*bucket = index;
	tunnels->count++;
	update.index = index;
	update.body.tunnel.remote = *remote;
	update.body.tunnel.descriptor = INDEX_NONE;
	host->ops->update(host, &update);
	return index;
}

uint32_t tunnels_acquire(struct tunnels *tunnels, const struct in6_addr *remote)
{
	uint32_t index = tunnels_find(tunnels, remote);

	if (index == INDEX_NONE)
		return tunnel_create(tunnels, remote);
	tunnels->slots[index].users++;
	return index;
}

void tunnels_release(struct tunnels *tunnels, uint32_t index)
{
	struct fwd_update update = {.op = FWD_OP_tunnel_remove, .index = index};
	struct engine_host *host = tunnels->host;
	struct tunnel *tunnel = &tunnels->slots[index];
	uint32_t *link;

	if (--tunnel->users > 0)
		return;
	link = bucket_of(tunnels, &tunnel->remote);
	while (*link != index)
		link = &tunnels->slots[*link].next;
	*link = tunnel->next;
	tunnels->count--;
	host->ops->update(host, &update);
	host->ops->index_release(host, INDEX_TUNNEL, index);
}

bool tunnels_next(const struct tunnels *tunnels, uint32_t from, struct tunnel_view *view)
{
	while (from < tunnels->slot_count && tunnels->slots[from].users == 0)
		from++;
	if (from >= tunnels->slot_count)
		return false;
	*view = (struct tunnel_view){.index = from,
		.local = tunnels->shape.local,
		.remote = tunnels->slots[from].remote,
		.users = tunnels->slots[from].users,
		.mtu_bytes = tunnels->shape.mtu_bytes,
		.type = tunnels->shape.type};
	return true;
}

uint32_t tunnels_count(const struct tunnels *tunnels)
{
	return tunnels->count;
}

uint32_t tunnels_users(const struct tunnels *tunnels, const struct in6_addr *remote)
{
	uint32_t index = tunnels_find(tunnels, remote);

	return index != INDEX_NONE ? tunnels->slots[index].users : 0;
}
