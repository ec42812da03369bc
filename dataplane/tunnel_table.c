/* SPDX-License-Identifier: BSD-3-Clause */
#include "tunnel_table.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "exact_table.h"
#include "index_table.h"

_Static_assert(offsetof(struct tunnel, header) + TUNNEL_HEADER_MAX == TUNNEL_LINE, "the header ends the line");

#define PEER_WORDS (sizeof(union tunnel_key) / sizeof(uint64_t))
#define PEER_BYTES sizeof(struct tunnel_peer)

#define IPV6_HEADER 40
#define IPV6_SOURCE 8 /* offset of the addresses */

struct tunnel_table {
	struct index_table indexes;
	struct exact_table peers;
	const struct memory *memory;
};

int tunnel_table_create(uint32_t capacity, uint64_t seed, struct reclaim *reclaim, const struct memory *memory,
	struct tunnel_table **created)
{
	struct tunnel_table *table = memory->alloc(memory, sizeof(*table), 64);
	int error;

	if (table == NULL)
		return -ENOMEM;
	table->memory = memory;
	error = exact_table_init(&table->peers, capacity, PEER_WORDS, PEER_BYTES, seed, reclaim, memory);
	if (error != 0)
		goto free_table;
	error = index_table_init(&table->indexes, capacity, sizeof(struct tunnel), reclaim, memory);
	if (error != 0)
		goto fini_peers;
	*created = table;
	return 0;

fini_peers:
	exact_table_fini(&table->peers);
free_table:
	memory->free(memory, table);
	return error;
}

void tunnel_table_destroy(struct tunnel_table *table)
{
	if (table == NULL)
		return;
	index_table_fini(&table->indexes);
	exact_table_fini(&table->peers);
	table->memory->free(table->memory, table);
}

uint64_t tunnel_table_memory_bytes(uint32_t capacity)
{
	return sizeof(struct tunnel_table) + index_table_memory_bytes(capacity, sizeof(struct tunnel)) +
	       exact_table_memory_bytes(capacity, PEER_BYTES);
}

const struct tunnel *tunnel_table_lookup(const struct tunnel_table *table, uint32_t index)
{
	return index_table_at(&table->indexes, index, sizeof(struct tunnel));
}

uint16_t tunnel_table_lookup_burst(
	const struct tunnel_table *table, const uint32_t *indexes, uint16_t n, const struct tunnel **tunnels)
{
	return index_table_at_burst(&table->indexes, indexes, n, (const void **)(void *)tunnels, sizeof(struct tunnel));
}

static const struct tunnel_peer *tunnel_peer_at(const struct tunnel_table *table, uint32_t entry)
{
	const void *at = table->peers.slab.entries + (uint64_t)entry * PEER_BYTES;

	return entry != HASH_NONE ? at : NULL;
}

const struct tunnel_peer *tunnel_table_peer(const struct tunnel_table *table, const union tunnel_key *key)
{
	return tunnel_peer_at(table, hash_core_find(&table->peers.core, key->words, PEER_WORDS, PEER_BYTES));
}

uint16_t tunnel_table_peer_burst(
	const struct tunnel_table *table, const union tunnel_key *keys, uint16_t n, const struct tunnel_peer **peers)
{
	return hash_core_find_burst(
		&table->peers.core, keys->words, n, (const void **)(void *)peers, PEER_WORDS, PEER_BYTES);
}

/* The outer header has to be the one of this tunnel: what control wrote into the slab, and not what was there before.
 */
static bool tunnel_template_fits(const struct fwd_tunnel *from, const struct tunnel_template *template)
{
	const uint8_t *outer = template->bytes + template->l3;

	return template->length <= TUNNEL_HEADER_MAX && (template->l3 == 14 || template->l3 == 18) &&
	       template->length == template->l3 + IPV6_HEADER && template->port < PORTS_MAX && outer[0] >> 4 == 6 &&
	       memcmp(outer + IPV6_SOURCE, &from->local, 16) == 0 &&
	       memcmp(outer + IPV6_SOURCE + 16, &from->remote, 16) == 0;
}

static int tunnel_build(struct tunnel *tunnel, const struct fwd_tunnel *from, const struct tunnel_template *template)
{
	bool resolved = (from->flags & TUNNEL_RESOLVED) != 0;

	if (from->type >= TUNNEL_TYPE_COUNT || from->use >= TUNNEL_USE_COUNT || resolved != (template != NULL) ||
		(from->dscp_mode != DSCP_COPY && (from->dscp_mode != DSCP_FIXED || from->dscp > 63)) ||
		memcmp(&from->local, &from->remote, 16) == 0)
		return -EINVAL;
	*tunnel = (struct tunnel){
		.mtu_bytes = resolved ? from->mtu_bytes : 0,
		.dscp = from->dscp_mode == DSCP_FIXED ? from->dscp : TUNNEL_DSCP_COPY,
		.type = from->type,
		.local = from->local,
		.remote = from->remote,
		.use = from->use,
		.hop_limit = from->hop_limit,
		.flags = from->flags,
	};
	if (!resolved)
		return 0;
	if (!tunnel_template_fits(from, template))
		return -EINVAL;
	tunnel->length = template->length;
	tunnel->port = (uint8_t) template->port;
	memcpy(tunnel->header + TUNNEL_HEADER_MAX - template->length, template->bytes, template->length);
	/* Traffic class, flow label, payload length: fixed up per packet. */
	memcpy(&tunnel->header[TUNNEL_HEADER_MAX - IPV6_HEADER], (const uint8_t[]){0x60, 0, 0, 0, 0, 0}, 6);
	return 0;
}

static struct tunnel_peer tunnel_peer_of(const struct fwd_tunnel *from, uint32_t index)
{
	return (struct tunnel_peer){
		.key = {.remote = from->remote, .local = from->local, .protocol = IPPROTO_IPV6},
		.tunnel = index,
		.use = from->use,
		.type = from->type,
	};
}

int tunnel_table_insert(struct tunnel_table *table, uint32_t index, const struct fwd_tunnel *from,
	const struct tunnel_template *template)
{
	struct tunnel_peer peer = tunnel_peer_of(from, index);
	struct tunnel tunnel;
	int error = tunnel_build(&tunnel, from, template);

	if (error != 0)
		return error;
	if (tunnel_table_lookup(table, index) != NULL)
		return -EEXIST;
	if (index >= table->indexes.capacity)
		return -ENOSPC;
	if (slab_available(&table->indexes.slab) == 0)
		return -EAGAIN;
	error = exact_table_insert(&table->peers, &peer);
	return error == 0 ? index_table_put(&table->indexes, index, &tunnel) : error;
}

int tunnel_table_replace(struct tunnel_table *table, uint32_t index, const struct fwd_tunnel *from,
	const struct tunnel_template *template)
{
	const struct tunnel *old = tunnel_table_lookup(table, index);
	struct tunnel tunnel;
	int error;

	if (old == NULL)
		return -ENOENT;
	error = tunnel_build(&tunnel, from, template);
	if (error != 0)
		return error;
	if (memcmp(&old->local, &from->local, 16) != 0 || memcmp(&old->remote, &from->remote, 16) != 0 ||
		old->use != from->use || old->type != from->type)
		return -EINVAL;
	return index_table_put(&table->indexes, index, &tunnel);
}

int tunnel_table_remove(struct tunnel_table *table, uint32_t index)
{
	const struct tunnel *old = tunnel_table_lookup(table, index);
	union tunnel_key key;
	int error;

	if (old == NULL)
		return -ENOENT;
	key = (union tunnel_key){.remote = old->remote, .local = old->local, .protocol = IPPROTO_IPV6};
	error = index_table_remove(&table->indexes, index);
	return error == 0 ? exact_table_remove(&table->peers, &key) : error;
}

void tunnel_table_hold(struct tunnel_table *table, uint32_t index)
{
	index_table_hold(&table->indexes, index);
}

void tunnel_table_release(struct tunnel_table *table, uint32_t index)
{
	index_table_release(&table->indexes, index);
}

uint32_t tunnel_table_users(const struct tunnel_table *table, uint32_t index)
{
	return table->indexes.users[index];
}

uint32_t tunnel_table_count(const struct tunnel_table *table)
{
	return table->indexes.count;
}

struct slab *tunnel_table_slab(struct tunnel_table *table)
{
	return &table->indexes.slab;
}
