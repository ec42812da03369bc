/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmip/lma_internal.h"

#define WORD_OF(name, word) word,
static const char *const state_words[] = {BINDING_STATES(WORD_OF)};
#undef WORD_OF

const char *binding_state_name(enum binding_state state)
{
	return (unsigned)state < BINDING_STATE_COUNT ? state_words[state] : "?";
}

static enum binding_state state_of(const struct binding *binding)
{
	return binding->state == BINDING_ACTIVE && binding->hold != NULL ? BINDING_HELD : binding->state;
}

static void prefixes_fill(struct home_network_prefix *prefixes, const struct binding *binding)
{
	for (unsigned i = 0; i < binding->prefix_count; i++)
		prefixes[i] = prefix_from_id(binding_prefix(binding, i));
}

static void view_fill(const struct lma *lma, const struct binding *binding, struct binding_view *view)
{
	const struct binding_terms *terms = &binding->terms;

	prefixes_fill(lma->view_prefixes, binding);
	*view = (struct binding_view){.index = binding_index(&lma->cache, binding),
		.generation = binding->generation,
		.state = state_of(binding),
		.id = binding_id(binding),
		.prefixes = lma->view_prefixes,
		.prefix_count = binding->prefix_count,
		.proxy_coa = terms->proxy_coa,
		.peer = terms->peer,
		.tunnel = terms->tunnel,
		.access_technology = terms->access_technology,
		.handoff_indicator = terms->handoff_indicator,
		.link_layer_id = terms->link_layer_id.length > 0 ? ident_data(&terms->link_layer_id) : NULL,
		.link_layer_id_length = terms->link_layer_id.length,
		.link_local = terms->link_local,
		.timestamp = terms->timestamp,
		.sequence = terms->sequence,
		.lifetime_s = terms->lifetime_s,
		.expires_ms = binding->state == BINDING_DELETING ? binding->timer.deadline_ms : terms->expires_ms,
		.last_status = binding->last_status,
		.history = &binding->history};
}

bool lma_binding_next(const struct lma *lma, uint32_t from, struct binding_view *view)
{
	for (; from < lma->cache.top; from++) {
		const struct binding *binding = binding_cache_at(&lma->cache, from);

		if (binding != NULL) {
			view_fill(lma, binding, view);
			return true;
		}
	}
	return false;
}

unsigned lma_binding_find(const struct lma *lma, const struct mn_id *id,
	void (*each)(void *context, const struct binding_view *view), void *context)
{
	const struct binding *binding;
	struct binding_view view;
	unsigned count = 0;
	uint32_t at = 0;

	while ((binding = binding_cache_by_id(&lma->cache, id, &at)) != NULL) {
		view_fill(lma, binding, &view);
		each(context, &view);
		count++;
	}
	return count;
}

void lma_stats(const struct lma *lma, struct lma_stats *stats)
{
	*stats = lma->stats;
	stats->bindings = lma->cache.count;
	stats->tunnels = tunnels_count(lma->tunnels);
	stats->memory_bytes = sizeof(*lma) + binding_cache_bytes(&lma->cache) + prefix_pools_bytes(lma->pools);
}

uint32_t lma_peer_sessions(const struct lma *lma, uint32_t peer)
{
	return peer < lma->peer_count ? lma->peers[peer].sessions : 0;
}

bool lma_tunnel_next(const struct lma *lma, uint32_t from, struct tunnel_view *view)
{
	return tunnels_next(lma->tunnels, from, view);
}

bool lma_pool_usage(const struct lma *lma, unsigned index, uint64_t *used, uint64_t *held, uint64_t *total)
{
	return prefix_pools_usage(lma->pools, index, used, held, total);
}
