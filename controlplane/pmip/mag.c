/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmip/mag_internal.h"

#include <stdlib.h>
#include <string.h>

#define FIRES_PER_ADVANCE 1024

static struct tunnels *make_tunnels(const struct mag_config *config, struct engine_host *host)
{
	struct fwd_tunnel shape = {.local = config->address,
		.mtu_bytes = config->tunnel_mtu_bytes,
		.type = TUNNEL_IPV6_IN_IPV6,
		.use = TUNNEL_TO_LMA,
		.dscp_mode = config->tunnel_dscp < 0 ? DSCP_COPY : DSCP_FIXED,
		.dscp = config->tunnel_dscp < 0 ? 0 : (uint8_t)config->tunnel_dscp,
		.hop_limit = config->tunnel_hop_limit};
	uint32_t max = 0;

	while (policy_peer(config->policy, max) != NULL)
		max++;
	return tunnels_create(host, &shape, max > 0 ? max : 1);
}

struct mag *mag_create(const struct mag_config *config, struct engine_host *host, const struct engine_time *now)
{
	struct mag *mag = calloc(1, sizeof(*mag));

	if (mag == NULL)
		return NULL;
	mag->config = *config;
	mag->host = host;
	mag_enter(mag, now);
	mag->seed = host->ops->random(host);
	mag->sequence = (uint16_t)host->ops->random(host);
	timer_wheel_init(&mag->wheel, mag_ms(mag), mag);
	timer_init(&mag->walk, walk_fire);
	mag->tunnels = make_tunnels(config, host);
	if (mag->tunnels == NULL) {
		free(mag);
		return NULL;
	}
	mag->stats.memory_bytes = sizeof(*mag);
	return mag;
}

void mag_destroy(struct mag *mag)
{
	if (mag == NULL)
		return;
	for (uint32_t i = 0; i < mag->top; i++) {
		struct attachment *a = node_at(mag, i);

		if (a == NULL)
			continue;
		prefix_set_clear(&a->prefixes);
		prefix_set_clear(&a->withdrawn);
		free(a->id);
	}
	for (uint32_t i = 0; i < mag->chunk_count; i++)
		free(mag->chunks[i]);
	free(mag->chunks);
	hash_index_fini(&mag->by_mac);
	hash_index_fini(&mag->by_id);
	hash_index_fini(&mag->by_prefix);
	tunnels_destroy(mag->tunnels);
	free(mag);
}

void mag_listen(struct mag *mag,
	void (*changed)(void *context, const struct engine_time *now, uint64_t prefix, enum mag_session_change change),
	void *context)
{
	mag->changed = changed;
	mag->changed_context = context;
}

uint64_t mag_advance(struct mag *mag, const struct engine_time *now)
{
	mag_enter(mag, now);
	if (timer_wheel_advance(&mag->wheel, mag_ms(mag), FIRES_PER_ADVANCE) == FIRES_PER_ADVANCE)
		return mag_ms(mag);
	return timer_wheel_next(&mag->wheel);
}

const char *attachment_state_name(enum attachment_state state)
{
	static const char *const words[] = {
#define ATTACHMENT_STATE_WORD(name, word) [ATTACHMENT_##name] = word,
		ATTACHMENT_STATES(ATTACHMENT_STATE_WORD)
#undef ATTACHMENT_STATE_WORD
	};

	return (unsigned)state < ATTACHMENT_STATE_COUNT ? words[state] : "unknown";
}

static uint64_t next_event_ms(const struct attachment *a)
{
	uint64_t signal = timer_is_running(&a->signal) ? a->signal.deadline_ms : TIMER_NEVER;
	uint64_t presence = timer_is_running(&a->presence) ? a->presence.deadline_ms : TIMER_NEVER;

	return signal < presence ? signal : presence;
}

static void view_of(const struct mag *mag, const struct attachment *a, struct attachment_view *view)
{
	const struct policy_peer *lma = node_lma(mag, a);

	*view = (struct attachment_view){.index = a->index,
		.generation = a->generation,
		.state = (enum attachment_state)a->state,
		.id = attachment_id(a),
		.link = a->link,
		.link_local = a->link_local,
		.prefixes = prefix_set_list(&a->prefixes),
		.prefix_count = a->prefixes.count,
		.tunnel = a->tunnel,
		.sequence = a->sequence,
		.tries = a->tries,
		.last_status = a->last_status,
		.has_status = a->has_status,
		.lifetime_s = a->lifetime_s,
		.expires_ms = a->expires_ms,
		.next_event_ms = next_event_ms(a),
		.last_seen_ms = a->last_seen_ms,
		.pbu_pba_us = a->pbu_pba_us,
		.history = &a->history};
	__builtin_memcpy(view->mac, a->mac, 6);
	if (lma != NULL)
		view->lma = lma->address;
}

bool mag_attachment_next(const struct mag *mag, uint32_t from, struct attachment_view *view)
{
	for (; from < mag->top; from++) {
		const struct attachment *a = node_at(mag, from);

		if (a != NULL) {
			view_of(mag, a, view);
			return true;
		}
	}
	return false;
}

unsigned mag_attachment_find(const struct mag *mag, const struct mn_id *id,
	void (*each)(void *context, const struct attachment_view *view), void *context)
{
	const struct attachment *a = node_by_id(mag, id);
	struct attachment_view view;

	if (a == NULL)
		return 0;
	view_of(mag, a, &view);
	each(context, &view);
	return 1;
}

static uint64_t index_bytes(const struct hash_index *index)
{
	return index->slots != NULL ? ((uint64_t)index->mask + 1) * sizeof(*index->slots) : 0;
}

void mag_stats(const struct mag *mag, struct mag_stats *stats)
{
	*stats = mag->stats;
	stats->tunnels = tunnels_count(mag->tunnels);
	stats->memory_bytes += index_bytes(&mag->by_mac) + index_bytes(&mag->by_id) + index_bytes(&mag->by_prefix) +
			       mag->chunk_count * sizeof(*mag->chunks);
}

bool mag_tunnel_next(const struct mag *mag, uint32_t from, struct tunnel_view *view)
{
	return tunnels_next(mag->tunnels, from, view);
}

bool mag_locate(const struct mag *mag, const struct in6_addr *address, uint16_t *link, uint8_t mac[6])
{
	struct home_network_prefix prefix = {.length = 64};
	const struct attachment *a;

	memcpy(&prefix.prefix, address, 8);
	a = node_by_prefix(mag, &prefix);
	if (a == NULL || !a->installed)
		return false;
	*link = a->link;
	memcpy(mac, a->mac, 6);
	return true;
}

uint32_t mag_peer_sessions(const struct mag *mag, const struct in6_addr *lma)
{
	return tunnels_users(mag->tunnels, lma);
}
