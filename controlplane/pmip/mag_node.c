/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmip/mag_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "node/events.h"
#include "node/key_hash.h"

static uint64_t mac_hash(const struct mag *mag, const uint8_t mac[6])
{
	return hash_bytes(mac, 6, mag->seed);
}

static uint64_t of_prefix(const struct mag *mag, const struct home_network_prefix *prefix)
{
	return hash_prefix(endpoint_load_be64(prefix->prefix.s6_addr), mag->seed);
}

struct attachment *node_at(const struct mag *mag, uint32_t index)
{
	struct attachment *chunk = index / SLAB_CHUNK < mag->chunk_count ? mag->chunks[index / SLAB_CHUNK] : NULL;

	return chunk != NULL && chunk[index % SLAB_CHUNK].used ? &chunk[index % SLAB_CHUNK] : NULL;
}

struct attachment *node_by_mac(const struct mag *mag, const uint8_t mac[6])
{
	uint64_t hash = mac_hash(mag, mac);
	uint32_t i;

	for (uint32_t at = 0; (i = hash_index_next(&mag->by_mac, hash, &at)) != HASH_NONE;) {
		struct attachment *a = node_at(mag, i);

		if (mac_equal(a->mac, mac))
			return a;
	}
	return NULL;
}

struct attachment *node_by_id(const struct mag *mag, const struct mn_id *id)
{
	uint64_t hash = hash_mn_id(id, mag->seed);
	uint32_t i;

	for (uint32_t at = 0; (i = hash_index_next(&mag->by_id, hash, &at)) != HASH_NONE;) {
		struct attachment *a = node_at(mag, i);

		if (a->id_subtype == id->subtype && a->id_length == id->length &&
			(id->length == 0 || memcmp(a->id, id->data, id->length) == 0))
			return a;
	}
	return NULL;
}

struct attachment *node_by_prefix(const struct mag *mag, const struct home_network_prefix *prefix)
{
	uint64_t hash = of_prefix(mag, prefix);
	uint32_t i;

	for (uint32_t at = 0; (i = hash_index_next(&mag->by_prefix, hash, &at)) != HASH_NONE;) {
		struct attachment *a = node_at(mag, i);

		if (prefix_set_has(&a->prefixes, prefix))
			return a;
	}
	return NULL;
}

/* The slot of @index, with its chunk there. */
static struct attachment *slot_reach(struct mag *mag, uint32_t index)
{
	uint32_t chunk = index / SLAB_CHUNK;

	if (chunk >= mag->chunk_count) {
		uint32_t count = mag->chunk_count * 2 > chunk ? mag->chunk_count * 2 : chunk + 1;
		struct attachment **chunks = reallocarray(mag->chunks, count, sizeof(*chunks));

		if (chunks == NULL)
			return NULL;
		memset(chunks + mag->chunk_count, 0, (count - mag->chunk_count) * sizeof(*chunks));
		mag->chunks = chunks;
		mag->chunk_count = count;
	}
	if (mag->chunks[chunk] == NULL) {
		mag->chunks[chunk] = calloc(SLAB_CHUNK, sizeof(*mag->chunks[chunk]));
		if (mag->chunks[chunk] == NULL)
			return NULL;
		mag->stats.memory_bytes += SLAB_CHUNK * sizeof(*mag->chunks[chunk]);
	}
	return &mag->chunks[chunk][index % SLAB_CHUNK];
}

static void slot_init(struct mag *mag, struct attachment *a, uint32_t index, const struct policy_node *policy)
{
	*a = (struct attachment){.index = index,
		.generation = mag->host->ops->index_generation(mag->host, INDEX_NODE, index),
		.tunnel = INDEX_NONE,
		.peer = policy->peer,
		.local_routing = policy->local_routing,
		.ro_denied = policy->ro_denied,
		.in_order = policy->in_order,
		.requested_s = policy->lifetime_s != 0 ? policy->lifetime_s : mag->config.binding_lifetime_s,
		.router_link_local = mag->config.fixed_link_local,
		.id_subtype = policy->id.subtype,
		.id_length = policy->id.length,
		.next_try_ms = TIMER_NEVER,
		.state = ATTACHMENT_REGISTERING,
		.used = true};
	if (IN6_IS_ADDR_UNSPECIFIED(&a->router_link_local))
		ip6_link_local_from_mac(mag->config.fixed_link_layer, &a->router_link_local);
	timer_init(&a->signal, signal_fire);
	timer_init(&a->presence, presence_fire);
	timer_init(&a->advertise, advertise_fire);
}

struct attachment *node_create(struct mag *mag, uint16_t link, const uint8_t mac[6], const struct policy_node *policy)
{
	struct engine_host *host = mag->host;
	struct attachment *a;
	struct mn_id id;
	uint8_t *octets;
	uint32_t index;

	if (mag->stats.nodes >= mag->config.max_nodes || hash_index_reserve(&mag->by_mac, 1) != 0 ||
		hash_index_reserve(&mag->by_id, 1) != 0)
		return NULL;
	octets = malloc(policy->id.length + 1U);
	if (octets == NULL)
		return NULL;
	index = host->ops->index_allocate(host, INDEX_NODE);
	if (index == INDEX_NONE)
		goto no_index;
	a = slot_reach(mag, index);
	if (a == NULL)
		goto no_slot;
	slot_init(mag, a, index, policy);
	if (index >= mag->top)
		mag->top = index + 1;
	memcpy(octets, policy->id.data, policy->id.length);
	a->id = octets;
	a->link = link;
	memcpy(a->mac, mac, 6);
	id = attachment_id(a);
	hash_index_insert(&mag->by_mac, mac_hash(mag, mac), index);
	hash_index_insert(&mag->by_id, hash_mn_id(&id, mag->seed), index);
	mag->stats.nodes++;
	mag->stats.memory_bytes += a->id_length + 1U;
	return a;

no_slot:
	host->ops->index_release(host, INDEX_NODE, index);
	host->ops->commit(host, 0, 0);
no_index:
	free(octets);
	return NULL;
}

static void prefixes_forget(struct mag *mag, struct attachment *a)
{
	const struct home_network_prefix *list = prefix_set_list(&a->prefixes);

	for (unsigned i = 0; i < a->prefixes.count; i++)
		hash_index_remove(&mag->by_prefix, of_prefix(mag, &list[i]), a->index);
}

int node_set_prefixes(struct mag *mag, struct attachment *a, const struct home_network_prefix *prefixes, unsigned n)
{
	int result = hash_index_reserve(&mag->by_prefix, n);

	if (result != 0)
		return result;
	prefixes_forget(mag, a);
	result = prefix_set_assign(&a->prefixes, prefixes, n);
	prefixes = prefix_set_list(&a->prefixes);
	for (unsigned i = 0; i < a->prefixes.count; i++)
		hash_index_insert(&mag->by_prefix, of_prefix(mag, &prefixes[i]), a->index);
	return result;
}

void node_destroy(struct mag *mag, struct attachment *a)
{
	struct mn_id id = attachment_id(a);

	node_set_state(mag, a, ATTACHMENT_REGISTERING);
	timer_stop(&mag->wheel, &a->signal);
	timer_stop(&mag->wheel, &a->presence);
	timer_stop(&mag->wheel, &a->advertise);
	prefixes_forget(mag, a);
	prefix_set_clear(&a->prefixes);
	prefix_set_clear(&a->withdrawn);
	hash_index_remove(&mag->by_mac, mac_hash(mag, a->mac), a->index);
	hash_index_remove(&mag->by_id, hash_mn_id(&id, mag->seed), a->index);
	mag->host->ops->index_release(mag->host, INDEX_NODE, a->index);
	mag->stats.nodes--;
	mag->stats.memory_bytes -= a->id_length + 1U;
	free(a->id);
	a->used = false;
}

const struct policy_peer *node_lma(const struct mag *mag, const struct attachment *a)
{
	return policy_peer(mag->config.policy, a->peer);
}

static bool without_service(uint8_t state)
{
	return state == ATTACHMENT_REFUSED || state == ATTACHMENT_DETACHED;
}

void node_set_state(struct mag *mag, struct attachment *a, enum attachment_state state)
{
	if (without_service(a->state) && !without_service(state))
		mag->refused--;
	if (!without_service(a->state) && without_service(state))
		mag->refused++;
	a->state = (uint8_t)state;
}

void node_note(struct mag *mag, struct attachment *a, enum history_event event, uint8_t value)
{
	struct mn_id id = attachment_id(a);

	node_event(mag->host, &mag->now, &id, &a->history, event, value);
}

const char *node_name(const struct attachment *a)
{
	static char text[4 * MN_ID_MAX + 3];

	return log_quote(a->id, a->id_length, text, sizeof(text));
}
