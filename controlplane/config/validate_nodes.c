/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/checker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "mh/mh.h"
#include "node/policy.h"

static bool same_pool_name(const void *items, uint32_t a, uint32_t b)
{
	const struct config_pool *pools = items;

	return strcmp(pools[a].name, pools[b].name) == 0;
}

static int pool_compare(const void *a, const void *b)
{
	const struct config_pool *const *x = a, *const *y = b;
	int order = memcmp(&(*x)->prefix.address, &(*y)->prefix.address, sizeof((*x)->prefix.address));

	if (order == 0)
		order = (*x)->prefix.length - (*y)->prefix.length;
	return order != 0 ? order : (*x > *y) - (*x < *y);
}

/* Two prefixes are nested or apart: sorted, one that contains another contains the one right behind it. */
static int check_pool_overlaps(struct checker *checker)
{
	const struct config_lma *lma = &checker->config->lma;
	const struct config_pool **sorted = calloc(lma->pool_count + 1, sizeof(*sorted));
	char key[AT_TEXT_MAX];

	if (sorted == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < lma->pool_count; i++)
		sorted[i] = &lma->pools[i];
	qsort(sorted, lma->pool_count, sizeof(*sorted), pool_compare);
	for (unsigned i = 1; i < lma->pool_count; i++) {
		const struct config_pool *first = sorted[i - 1] < sorted[i] ? sorted[i - 1] : sorted[i];
		const struct config_pool *second = sorted[i - 1] < sorted[i] ? sorted[i] : sorted[i - 1];

		if (prefixes_overlap(&first->prefix, &second->prefix))
			mistake(checker, at(key, "lma.pools[%u].prefix", (unsigned)(second - lma->pools)),
				"overlaps with pool %s (line %d); allowed: pools without common prefixes", first->name,
				first->line);
	}
	free(sorted);
	return 0;
}

bool check_off_link(const struct checker *checker, const struct config_prefix *prefix, const char *key)
{
	for (unsigned i = 0; i < checker->config->port_count; i++) {
		const struct config_port *port = &checker->config->ports[i];

		for (unsigned j = 0; j < port->address_count; j++) {
			if (prefixes_overlap(prefix, &port->addresses[j])) {
				mistake(checker, key,
					"overlaps with the link of port %s (line %d); allowed: a prefix of its own",
					port->name, port->addresses[j].line);
				return false;
			}
		}
	}
	return true;
}

static void check_pool(struct checker *checker, unsigned i)
{
	const struct config_pool *pools = checker->config->lma.pools, *pool = &pools[i];
	uint32_t before = first_same(
		&checker->pool_names, hash_bytes(pool->name, strlen(pool->name), 0), i, pools, same_pool_name);
	char key[AT_TEXT_MAX];

	if (before != HASH_NONE)
		mistake(checker, at(key, "lma.pools[%u].name", i), "name of two pools; first in line %d",
			pools[before].line);
	at(key, "lma.pools[%u].prefix", i);
	if (pool->prefix.length > 64)
		mistake(checker, key, "longer than the /64 that a mobile node gets; allowed: a length of at most 64");
	else if (!prefix_is_home(&pool->prefix))
		mistake(checker, key, "not a prefix for mobile nodes; allowed: a prefix in 2000::/3 or fc00::/7");
	else
		check_off_link(checker, &pool->prefix, key);
}

int check_pools(struct checker *checker)
{
	int error = hash_index_reserve(&checker->pool_names, checker->config->lma.pool_count);

	if (error != 0)
		return error;
	for (unsigned i = 0; i < checker->config->lma.pool_count; i++)
		check_pool(checker, i);
	return check_pool_overlaps(checker);
}

/* A static home network prefix and whose it is. */
struct owned_prefix {
	const struct config_prefix *prefix;
	unsigned node;
};

struct node_sets {
	struct hash_index ids, macs, prefixes;
	struct owned_prefix *owned;
	uint32_t owned_count;
};

static bool same_id(const void *items, uint32_t a, uint32_t b)
{
	const struct config_node *nodes = items;

	return strcmp(nodes[a].id, nodes[b].id) == 0;
}

static bool same_mac(const void *items, uint32_t a, uint32_t b)
{
	const struct config_node *nodes = items;

	return memcmp(nodes[a].mac, nodes[b].mac, sizeof(nodes[a].mac)) == 0;
}

static bool same_prefix(const void *items, uint32_t a, uint32_t b)
{
	const struct owned_prefix *owned = items;

	return memcmp(&owned[a].prefix->address, &owned[b].prefix->address, sizeof(owned[a].prefix->address)) == 0;
}

static void check_node_identity(struct checker *checker, struct node_sets *sets, unsigned i)
{
	const struct config_node *nodes = checker->config->nodes, *node = &nodes[i];
	uint32_t before = first_same(&sets->ids, hash_bytes(node->id, strlen(node->id), 0), i, nodes, same_id);
	char key[AT_TEXT_MAX];

	if (before != HASH_NONE)
		mistake(checker, at(key, "mobile-nodes[%u].id", i), "a mobile node twice; first in line %d",
			nodes[before].line);
	if (strchr(node->id, ' ') != NULL)
		mistake(checker, at(key, "mobile-nodes[%u].id", i),
			"has a space; allowed: a network access identifier");
	if (!node->has_mac)
		return;
	at(key, "mobile-nodes[%u].mac", i);
	if ((node->mac[0] & 1) != 0 || memcmp(node->mac, (const uint8_t[6]){0}, 6) == 0) {
		mistake(checker, key, "not the address of one station; allowed: a unicast MAC address");
		return;
	}
	before = first_same(&sets->macs, hash_bytes(node->mac, sizeof(node->mac), 0), i, nodes, same_mac);
	if (before != HASH_NONE)
		mistake(checker, key, "a MAC address twice; first in line %d", nodes[before].line);
}

static void check_node_prefix(struct checker *checker, struct node_sets *sets, unsigned i, unsigned j)
{
	const struct config_prefix *prefix = &checker->config->nodes[i].prefixes[j];
	uint32_t own = sets->owned_count++, before;
	char key[AT_TEXT_MAX];

	at(key, "mobile-nodes[%u].prefixes[%u]", i, j);
	sets->owned[own] = (struct owned_prefix){.prefix = prefix, .node = i};
	if (prefix->length != 64 || !prefix_is_home(prefix)) {
		mistake(checker, key, "not a home network prefix; allowed: a /64 in 2000::/3 or fc00::/7");
		return;
	}
	check_off_link(checker, prefix, key);
	before = first_same(&sets->prefixes, hash_bytes(&prefix->address, sizeof(prefix->address), 0), own, sets->owned,
		same_prefix);
	if (before != HASH_NONE)
		mistake(checker, key, "a prefix twice; %s in line %d has it",
			checker->config->nodes[sets->owned[before].node].id, sets->owned[before].prefix->line);
}

static void check_peer_name(const struct checker *checker, const char *name, const char *key, enum peer_role role)
{
	uint32_t peer = find_peer(checker, name);
	const char *word = role == PEER_LMA ? "LMA" : "MAG";

	if (peer == HASH_NONE)
		mistake(checker, key, "no %s has this name; allowed: a name under peers", word);
	else if (checker->config->peers[peer].role != role)
		mistake(checker, key, "the peer in line %d is no %s; allowed: a peer with role: %s",
			checker->config->peers[peer].line, word, role == PEER_LMA ? "lma" : "mag");
}

/* The names in a node or in the default profile, which stands at @key. */
static void check_names(struct checker *checker, const struct config_node *node, const char *where)
{
	char key[AT_TEXT_MAX];

	if (node->lma != NULL)
		check_peer_name(checker, node->lma, at(key, "%s.lma", where), PEER_LMA);
	if (node->pool != NULL && find_pool(checker, node->pool) == HASH_NONE)
		mistake(checker, at(key, "%s.pool", where), "no pool has this name; allowed: a name under lma.pools");
	for (unsigned i = 0; i < node->mag_count; i++)
		check_peer_name(checker, node->mags[i], at(key, "%s.mags[%u]", where, i), PEER_MAG);
	if (checker->config->role == ROLE_LMA && checker->config->lma.pool_count == 0 && node->prefix_count == 0)
		mistake(checker, where,
			"no prefix to assign; allowed: prefixes of the node, or a pool under lma.pools");
}

static void check_node(struct checker *checker, struct node_sets *sets, unsigned i)
{
	const struct config_node *node = &checker->config->nodes[i];
	char where[AT_TEXT_MAX], key[AT_TEXT_MAX];

	at(where, "mobile-nodes[%u]", i);
	check_node_identity(checker, sets, i);
	check_names(checker, node, where);
	if (node->prefix_count > PROXY_PREFIXES_MAX)
		mistake(checker, at(key, "%s.prefixes", where), "%u prefixes; allowed: at most %d", node->prefix_count,
			PROXY_PREFIXES_MAX);
	for (unsigned j = 0; j < node->prefix_count; j++)
		check_node_prefix(checker, sets, i, j);
}

static void check_unknown_nodes(struct checker *checker)
{
	const struct config *config = checker->config;

	if (config->unknown_nodes == UNKNOWN_PROFILE) {
		check_names(checker, &config->default_profile, "default-profile");
		if (!policy_id_format_is_valid(config->id_format))
			mistake(checker, "default-profile.id-format",
				"does not make an identifier for each node; allowed: text with %%m for the MAC address "
				"(%%%% for a percent "
				"sign), together at most 254 octets");
		return;
	}
	if (key_given(checker, "default-profile"))
		mistake(checker, "default-profile", "without effect; allowed: with unknown-nodes: profile");
	if (config->node_count == 0)
		mistake(checker, "mobile-nodes",
			"nobody is known and unknown mobile nodes are refused; allowed: mobile-nodes, or "
			"unknown-nodes: profile");
}

int check_nodes(struct checker *checker)
{
	const struct config *config = checker->config;
	struct node_sets sets = {0};
	size_t prefixes = 0;
	int error;

	for (unsigned i = 0; i < config->node_count; i++)
		prefixes += config->nodes[i].prefix_count;
	sets.owned = calloc(prefixes + 1, sizeof(*sets.owned));
	error = sets.owned == NULL ? -ENOMEM : hash_index_reserve(&sets.ids, config->node_count);
	if (error == 0)
		error = hash_index_reserve(&sets.macs, config->node_count);
	if (error == 0)
		error = hash_index_reserve(&sets.prefixes, (uint32_t)prefixes);
	if (error == 0) {
		for (unsigned i = 0; i < config->node_count; i++)
			check_node(checker, &sets, i);
		check_unknown_nodes(checker);
	}
	hash_index_fini(&sets.ids);
	hash_index_fini(&sets.macs);
	hash_index_fini(&sets.prefixes);
	free(sets.owned);
	return error;
}
