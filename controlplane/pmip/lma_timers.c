/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmip/lma_internal.h"

/* Work of one lma_advance(): the control core has other things to do in between. */
#define FIRES_PER_ADVANCE  256
#define PURGES_PER_ADVANCE 256
#define SLOTS_PER_ADVANCE  16384

void lma_binding_timer(struct timer *timer, void *context, uint64_t now_ms)
{
	struct binding *binding = (struct binding *)((char *)timer - offsetof(struct binding, timer));
	struct lma *lma = context;

	if (binding->state != BINDING_DELETING) {
		if (now_ms < binding->terms.expires_ms) {
			timer_start(&lma->wheel, timer, binding->terms.expires_ms); /* it was refreshed */
			return;
		}
		lma->stats.expiries++;
		lma_note(lma, binding, HISTORY_expired, 0);
	}
	lma_remove(lma, binding);
}

/* Go on with the walk for bindings of an older epoch than their peer's. */
static void purge(struct lma *lma)
{
	uint32_t slots = SLOTS_PER_ADVANCE, removals = PURGES_PER_ADVANCE;

	for (; lma->purge_cursor < lma->cache.top; lma->purge_cursor++) {
		struct binding *binding = binding_cache_at(&lma->cache, lma->purge_cursor);

		if (slots-- == 0 || removals == 0 || lma->host->ops->busy(lma->host))
			return;
		if (binding == NULL || binding->terms.epoch == lma->peers[binding->terms.peer].epoch)
			continue;
		lma->stats.purged++;
		lma_note(lma, binding, HISTORY_peer_lost, 0);
		lma_notice_if_younger(lma, binding, lma->peers[binding->terms.peer].heard_ms);
		lma_remove(lma, binding);
		removals--;
	}
	lma->purge_cursor = INDEX_NONE;
}

static uint32_t peer_lost(
	struct lma *lma, const struct engine_time *now, const struct in6_addr *proxy_coa, uint64_t heard_ms)
{
	uint32_t peer = policy_peer_find(lma->config.policy, proxy_coa);
	uint32_t sessions;

	if (peer >= lma->peer_count)
		return 0;
	lma->peers[peer].no_upn_until_ms = 0; /* it may come back as another version */
	if (lma->peers[peer].sessions == 0)
		return 0;
	sessions = lma->peers[peer].sessions;
	lma->now = now;
	lma->peers[peer].epoch++;
	lma->peers[peer].heard_ms = heard_ms;
	lma->purge_cursor = 0;
	purge(lma);
	lma_backlog_run(lma);
	lma->now = NULL;
	return sessions;
}

uint32_t lma_peer_lost(struct lma *lma, const struct engine_time *now, const struct in6_addr *proxy_coa)
{
	return peer_lost(lma, now, proxy_coa, UINT64_MAX);
}

uint32_t lma_peer_restarted(
	struct lma *lma, const struct engine_time *now, const struct in6_addr *proxy_coa, uint64_t heard_ms)
{
	return peer_lost(lma, now, proxy_coa, heard_ms);
}

uint64_t lma_advance(struct lma *lma, const struct engine_time *now)
{
	uint64_t now_ms = engine_ms(now);
	uint64_t prefixes_ms, next_ms;
	unsigned fired;

	lma->now = now;
	fired = timer_wheel_advance(&lma->wheel, now_ms, FIRES_PER_ADVANCE);
	prefixes_ms = prefix_pools_advance(lma->pools, now_ms, FIRES_PER_ADVANCE);
	if (lma->purge_cursor != INDEX_NONE)
		purge(lma);
	lma_backlog_run(lma);
	lma->now = NULL;
	if (fired == FIRES_PER_ADVANCE)
		return now_ms;
	next_ms = timer_wheel_next(&lma->wheel);
	if (prefixes_ms < next_ms)
		next_ms = prefixes_ms;
	if (lma->purge_cursor != INDEX_NONE && now_ms + 1 < next_ms)
		next_ms = now_ms + 1;
	return next_ms;
}
