/* SPDX-License-Identifier: BSD-3-Clause */
/* Route optimisation: what its keys, the peers and the mobile nodes say together. */
#include "config/checker.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ro/ro.h"

/* Prefixes of other LMAs, with whose they are. */
struct claim {
	const struct config_prefix *prefix;
	unsigned peer, place;
};

static bool is_own_role(const struct config *config, const struct config_peer *peer)
{
	return config_peer_is_lma(config, peer) == (config->role == ROLE_LMA);
}

/* ---- times and numbers ---- */

struct order {
	const char *shorter, *longer;
	uint32_t shorter_ms, longer_ms;
};

/* wire-formats G.6.7 */
static void check_timers(const struct checker *checker)
{
	const struct config_ro *ro = &checker->config->ro;
	const struct order orders[] = {
		{"esa-confirm-timeout", "ack-timeout", ro->esa_confirm_ms, ro->ack_timeout_ms},
		{"sequence-deadline", "rx-linger", ro->sequence_deadline_ms, ro->rx_linger_ms},
		{"rx-linger", "pending-lifetime", ro->rx_linger_ms, ro->pending_lifetime_ms},
		{"pending-lifetime", "tombstone", ro->pending_lifetime_ms, ro->tombstone_ms},
	};
	uint64_t exchange_ms = (uint64_t)ro->ack_timeout_ms * ((UINT64_C(2) << ro->retries) - 1);
	char key[AT_TEXT_MAX];

	for (unsigned i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		const struct order *o = &orders[i];

		at(key, "route-optimisation.%s", o->shorter);
		if (o->shorter_ms >= o->longer_ms && !key_given(checker, key))
			at(key, "route-optimisation.%s", o->longer);
		if (o->shorter_ms >= o->longer_ms)
			mistake(checker, key, "%s (%u ms) is not shorter than %s (%u ms); allowed: a shorter one",
				o->shorter, o->shorter_ms, o->longer, o->longer_ms);
	}
	if (exchange_ms > ro->sequence_deadline_ms)
		mistake(checker,
			key_given(checker, "route-optimisation.retries") ? "route-optimisation.retries"
									 : "route-optimisation.ack-timeout",
			"an exchange of up to %" PRIu64 " ms (ack-timeout doubles with each of the retries) does not "
			"fit into sequence-deadline (%u ms); allowed: fewer retries, a shorter ack-timeout",
			exchange_ms, ro->sequence_deadline_ms);
}

static void check_detection(const struct checker *checker)
{
	const struct config_ro *ro = &checker->config->ro;

	if ((ro->detect_sample & (ro->detect_sample - 1)) != 0)
		mistake(checker, "route-optimisation.detect-sample",
			"not a power of 2; allowed: 1, 2, 4 and so on up to 65536");
	if (ro->detect && ro->detect_packets == 0 && ro->detect_bytes == 0)
		mistake(checker, "route-optimisation.detect-packets",
			"neither packets nor octets begin a pair; allowed: detect-packets or detect-bytes over 0, or "
			"detect: false");
}

/* ---- prefixes ---- */

static bool check_home_prefix(struct checker *checker, const struct config_prefix *prefix, const char *key)
{
	if (prefix->length > 64)
		mistake(checker, key, "longer than the /64 that a mobile node has; allowed: a length of at most 64");
	else if (!prefix_is_home(prefix))
		mistake(checker, key, "not a prefix for mobile nodes; allowed: a prefix in 2000::/3 or fc00::/7");
	else
		return check_off_link(checker, prefix, key);
	return false;
}

/* Nobody's packets to a gateway may become those of a pair. */
static void check_no_peer_within(struct checker *checker, const struct config_prefix *prefix, const char *key)
{
	const struct config *config = checker->config;

	for (unsigned i = 0; i < config->peer_count; i++) {
		struct config_prefix host = {.address = config->peers[i].address, .length = 128};

		if (!prefixes_overlap(prefix, &host))
			continue;
		mistake(checker, key,
			"the address of peer %s (line %d) lies in it; allowed: prefixes of mobile nodes only",
			config->peers[i].name, config->peers[i].line);
		return;
	}
}

static void check_eligible(struct checker *checker)
{
	const struct config_ro *ro = &checker->config->ro;
	char key[AT_TEXT_MAX];

	for (unsigned i = 0; i < ro->eligible_count; i++) {
		at(key, "route-optimisation.eligible-prefixes[%u]", i);
		if (check_home_prefix(checker, &ro->eligible[i], key))
			check_no_peer_within(checker, &ro->eligible[i], key);
	}
}

/* What another LMA has cannot be ours. */
static void check_not_own(struct checker *checker, const struct config_prefix *prefix, const char *key)
{
	const struct config *config = checker->config;

	for (unsigned i = 0; i < config->lma.pool_count; i++) {
		if (!prefixes_overlap(prefix, &config->lma.pools[i].prefix))
			continue;
		mistake(checker, key, "overlaps with pool %s (line %d); allowed: what this LMA does not have",
			config->lma.pools[i].name, config->lma.pools[i].line);
		return;
	}
	for (unsigned i = 0; i < config->node_count; i++) {
		for (unsigned j = 0; j < config->nodes[i].prefix_count; j++) {
			if (!prefixes_overlap(prefix, &config->nodes[i].prefixes[j]))
				continue;
			mistake(checker, key, "%s (line %d) has a prefix in it; allowed: what this LMA does not have",
				config->nodes[i].id, config->nodes[i].prefixes[j].line);
			return;
		}
	}
}

static int claim_compare(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;
	int order = memcmp(&x->prefix->address, &y->prefix->address, sizeof(x->prefix->address));

	if (order == 0)
		order = x->prefix->length - y->prefix->length;
	if (order == 0)
		order = (x->peer > y->peer) - (x->peer < y->peer);
	return order != 0 ? order : (x->place > y->place) - (x->place < y->place);
}

/* Two LMAs cannot have the same prefix. Sorted, a prefix that contains another one stands right before it. */
static int check_claims(struct checker *checker)
{
	const struct config *config = checker->config;
	struct claim *claims;
	unsigned count = 0;
	char key[AT_TEXT_MAX];

	for (unsigned i = 0; i < config->peer_count; i++)
		count += config->peers[i].ro_prefix_count;
	claims = calloc(count + 1, sizeof(*claims));
	if (claims == NULL)
		return -ENOMEM;
	count = 0;
	for (unsigned i = 0; i < config->peer_count; i++)
		for (unsigned j = 0; j < config->peers[i].ro_prefix_count; j++)
			claims[count++] = (struct claim){&config->peers[i].ro_prefixes[j], i, j};
	qsort(claims, count, sizeof(*claims), claim_compare);
	for (unsigned i = 1; i < count; i++) {
		const struct claim *first = &claims[i - 1], *second = &claims[i];

		if (first->prefix->line > second->prefix->line) {
			first = &claims[i];
			second = &claims[i - 1];
		}
		if (prefixes_overlap(first->prefix, second->prefix))
			mistake(checker, at(key, "peers[%u].ro-prefixes[%u]", second->peer, second->place),
				"overlaps with that of peer %s in line %d; allowed: a prefix once",
				config->peers[first->peer].name, first->prefix->line);
	}
	free(claims);
	return 0;
}

static void check_peer_prefixes(struct checker *checker, unsigned i)
{
	const struct config_peer *peer = &checker->config->peers[i];
	char key[AT_TEXT_MAX];

	at(key, "peers[%u].ro-prefixes", i);
	if (peer->role != PEER_LMA && peer->ro_prefix_count > 0)
		mistake(checker, key, "a MAG has no prefixes of its own; allowed: with role: lma");
	else if (peer->ro_prefix_count > RO_PEER_PREFIXES)
		mistake(checker, key, "%u prefixes; allowed: at most %d", peer->ro_prefix_count, RO_PEER_PREFIXES);
	else if (peer->role == PEER_LMA && peer->ro_prefix_count == 0)
		mistake(checker, key,
			"missing, so that this LMA has no mobile nodes; allowed: their home network prefixes");
	for (unsigned j = 0; j < peer->ro_prefix_count; j++) {
		at(key, "peers[%u].ro-prefixes[%u]", i, j);
		if (check_home_prefix(checker, &peer->ro_prefixes[j], key))
			check_not_own(checker, &peer->ro_prefixes[j], key);
	}
}

/* ---- keys ---- */

static bool same_key(const void *items, uint32_t a, uint32_t b)
{
	const struct config_peer *peers = items;

	return memcmp(peers[a].ro_key, peers[b].ro_key, sizeof(peers[a].ro_key)) == 0;
}

/* An LMA does not issue anything in proxy mode; a MAG does not know what its LMAs will do. */
static bool needs_keys(const struct config *config)
{
	return config->ro.enabled && config->ro.trust == RO_TRUST_TOKEN &&
	       (config->role == ROLE_MAG || config->ro.mode == RO_MODE_DIRECT);
}

static void check_key(struct checker *checker, struct hash_index *keys, unsigned i)
{
	const struct config *config = checker->config;
	const struct config_peer *peer = &config->peers[i];
	uint32_t before;
	char key[AT_TEXT_MAX];

	at(key, "peers[%u].ro-key", i);
	if (is_own_role(config, peer)) {
		if (peer->has_ro_key)
			mistake(checker, key,
				"two gateways of one role share no key; allowed: between an LMA and a MAG");
		return;
	}
	if (!peer->has_ro_key && needs_keys(config))
		mistake(checker, key,
			"missing, so that no pair of %s can be authorised in direct mode; allowed: the key "
			"that both share, or direct-trust: peers",
			peer->name);
	if (!peer->has_ro_key)
		return;
	before = first_same(keys, hash_bytes(peer->ro_key, sizeof(peer->ro_key), 0), i, config->peers, same_key);
	if (before != HASH_NONE)
		mistake(checker, key, "key of two peers; first in line %d", config->peers[before].line);
}

static int check_keys(struct checker *checker)
{
	struct hash_index keys = {0};
	int error = hash_index_reserve(&keys, checker->config->peer_count);

	for (unsigned i = 0; error == 0 && i < checker->config->peer_count; i++)
		check_key(checker, &keys, i);
	hash_index_fini(&keys);
	return error;
}

/* ---- peers ---- */

/* Switched off for a while everything may stay in the file; without a word of it a peer of the own role is a slip. */
static void check_own_roles(struct checker *checker)
{
	const struct config *config = checker->config;
	const char *opposite = role_name(config->role == ROLE_LMA ? ROLE_MAG : ROLE_LMA);
	bool meant = config->ro.enabled || key_given(checker, "route-optimisation.enabled"), any = false;
	char key[AT_TEXT_MAX];

	for (unsigned i = 0; i < config->peer_count; i++) {
		if (!is_own_role(config, &config->peers[i]))
			any = true;
		else if (!meant)
			mistake(checker, at(key, "peers[%u].role", i),
				"the role of this gateway, and route optimisation is not in use; allowed: %s, or "
				"route-optimisation: {enabled: true}",
				opposite);
	}
	if (!any)
		mistake(checker, "peers", "all have the role of this gateway; allowed: at least one peer with role: %s",
			opposite);
}

int check_ro(struct checker *checker)
{
	int error;

	check_own_roles(checker);
	check_timers(checker);
	check_detection(checker);
	check_eligible(checker);
	for (unsigned i = 0; checker->config->role == ROLE_LMA && i < checker->config->peer_count; i++)
		check_peer_prefixes(checker, i);
	error = check_claims(checker);
	return error == 0 ? check_keys(checker) : error;
}
