/* SPDX-License-Identifier: BSD-3-Clause */
#include "liveness.h"

#include <stdlib.h>

#include "door.h"

#include "net/net.h"
#include "node/policy.h"
#include "pmip/heartbeat.h"
#include "ro/probe.h"

#define COUNT_EVERY_MS 1000

struct liveness {
	struct liveness_config config;
	struct probe *probe;           /* MAG */
	const struct engine_time *now; /* of the call under way */
	uint64_t count_ms;
};

/* ---- what the probe asks for ---- */

static bool direct_next(void *context, uint32_t *from, unsigned slots, struct ro_direct *direct)
{
	const struct liveness *liveness = context;

	return ro_direct_next(liveness->config.ro, from, slots, direct);
}

static uint32_t direct_end(void *context)
{
	const struct liveness *liveness = context;

	return ro_direct_end(liveness->config.ro);
}

static bool direct_find(void *context, uint64_t source, uint64_t destination, struct ro_direct *direct)
{
	const struct liveness *liveness = context;

	return ro_direct_find(liveness->config.ro, source, destination, direct);
}

static bool packets(void *context, uint32_t pair, uint64_t *sent, uint64_t *received)
{
	const struct liveness *liveness = context;
	struct object_counter up, down;

	if (!liveness->config.door->config.pair_counters)
		return false;
	door_pair_counter(liveness->config.door, pair, COUNTER_UP, &up);
	door_pair_counter(liveness->config.door, pair, COUNTER_DOWN, &down);
	*sent = up.packets;
	*received = down.packets;
	return true;
}

/* A peer that does not know heartbeats answers an echo request. */
static void ask(void *context, const struct in6_addr *peer, bool proxy, uint16_t sequence)
{
	struct liveness *liveness = context;

	if (proxy || !heartbeat_probe(liveness->config.heartbeat, liveness->now, peer))
		net_echo(liveness->config.net, liveness->now, peer, liveness->config.identifier, sequence);
}

static void lost(void *context, const struct in6_addr *peer)
{
	struct liveness *liveness = context;

	ro_peer_lost(liveness->config.ro, liveness->now, peer);
}

static void error(void *context, uint64_t source, uint64_t destination, const struct in6_addr *peer)
{
	struct liveness *liveness = context;

	ro_error(liveness->config.ro, liveness->now, source, destination, peer);
}

static const struct probe_ops probe_ops = {
	.next = direct_next,
	.end = direct_end,
	.find = direct_find,
	.packets = packets,
	.ask = ask,
	.lost = lost,
	.error = error,
};

/* ---- what is heard ---- */

static void on_answer(void *context, const struct engine_time *now, const struct in6_addr *peer)
{
	struct liveness *liveness = context;

	(void)now;
	probe_answered(liveness->probe, peer);
}

void liveness_heard(struct liveness *liveness, const struct engine_time *now, const struct net_heard *heard)
{
	if (liveness->probe == NULL)
		return;
	liveness->now = now;
	switch (heard->kind) {
	case NET_HEARD_PAIR_ERROR:
		probe_error(liveness->probe, now, heard->source, heard->destination, &heard->peer);
		break;
	case NET_HEARD_BROKEN: ro_peer_lost(liveness->config.ro, now, &heard->peer); break;
	case NET_HEARD_ECHO:
		if (heard->identifier == liveness->config.identifier)
			probe_answered(liveness->probe, &heard->peer);
		break;
	}
	liveness->now = NULL;
}

/* ---- life ---- */

struct liveness *liveness_create(const struct liveness_config *config, const struct engine_time *now)
{
	struct liveness *liveness = calloc(1, sizeof(*liveness));

	if (liveness == NULL)
		return NULL;
	liveness->config = *config;
	if (!config->is_mag)
		return liveness;
	liveness->probe = probe_create(config->max_pairs, &probe_ops, liveness, now);
	if (liveness->probe == NULL) {
		free(liveness);
		return NULL;
	}
	heartbeat_listen(config->heartbeat, on_answer, liveness);
	return liveness;
}

void liveness_destroy(struct liveness *liveness)
{
	if (liveness == NULL)
		return;
	if (liveness->probe != NULL)
		heartbeat_listen(liveness->config.heartbeat, NULL, NULL);
	probe_destroy(liveness->probe);
	free(liveness);
}

static void tell_heartbeats(struct liveness *liveness, const struct engine_time *now)
{
	const struct policy_peer *peer;

	for (uint32_t i = 0; (peer = policy_peer(liveness->config.policy, i)) != NULL; i++)
		heartbeat_pairs(liveness->config.heartbeat, now, &peer->address,
			ro_peer_pairs(liveness->config.ro, &peer->address));
}

uint64_t liveness_advance(struct liveness *liveness, const struct engine_time *now)
{
	uint64_t now_ms = engine_ms(now), next_ms;

	liveness->now = now;
	if (liveness->count_ms <= now_ms && ro_peers_count(liveness->config.ro)) {
		tell_heartbeats(liveness, now);
		liveness->count_ms = now_ms + COUNT_EVERY_MS;
	}
	next_ms = liveness->count_ms;
	if (liveness->probe != NULL) {
		uint64_t probe_ms = probe_advance(liveness->probe, now);

		next_ms = probe_ms < next_ms ? probe_ms : next_ms;
	}
	liveness->now = NULL;
	return next_ms;
}

void liveness_stats(const struct liveness *liveness, struct probe_stats *stats)
{
	*stats = (struct probe_stats){0};
	if (liveness->probe != NULL)
		probe_stats(liveness->probe, stats);
}
