/* SPDX-License-Identifier: BSD-3-Clause */
/* What is shown: words, pairs, counters. */
#include "ro/internal.h"

#define WORD_OF(name, word) word,
static const char *const state_names[] = {RO_STATES(WORD_OF)};
static const char *const step_names[] = {RO_STEPS(WORD_OF)};

const char *ro_state_name(enum ro_state state)
{
	return state < RO_STATE_COUNT ? state_names[state] : "unknown";
}

static struct ro_side_view side_view(const struct association *a, unsigned i)
{
	const struct side *side = &a->sides[i];

	return (struct ro_side_view){.id = side_id(side),
		.prefixes = side->prefixes,
		.prefix_count = side->prefix_count,
		.ipv4 = side->ipv4,
		.ours = side->ours,
		.mag = side->mag,
		.lma = side->lma,
		.tx = side->tx,
		.rx = side->rx,
		.sends = a->halves[i] != 0,
		.takes = a->halves[2 + i] != 0,
		.goes_back = a->halves[2 + i] != 0 && !side->ours && a->back != INDEX_NONE};
}

static void view_of(const struct association *a, struct ro_view *view)
{
	*view = (struct ro_view){.index = a->index,
		.state = (enum ro_state)a->state,
		.association = a->id,
		.proxy = a->proxy,
		.controller = a->controller,
		.local = a->local,
		.early = a->early,
		.updating = a->step != STEP_IDLE,
		.handover = a->handover,
		.reason = a->reason,
		.step = step_names[a->step],
		.driver = driver_of(a)->name,
		.sides = {side_view(a, 0), side_view(a, 1)},
		.stamp = a->stamp,
		.lifetime_s = a->lifetime_s,
		.expires_ms = a->expires_ms,
		.deadline_ms = a->deadline_ms,
		.hold_down_ms = a->hold_down_ms,
		.linger_ms = a->linger_ms,
		.forget_ms = a->forget_ms,
		.last_failure = a->last_failure};
	if (a->exchanges != NULL) {
		view->awaited = a->exchanges->code;
		view->awaited_tries = a->exchanges->tries;
		view->awaited_from = a->exchanges->peer;
	}
}

bool ro_pair_next(const struct ro *ro, uint32_t from, struct ro_view *view)
{
	while (from < ro->top && !ro->slots[from].used)
		from++;
	if (from >= ro->top)
		return false;
	view_of(&ro->slots[from], view);
	return true;
}

bool ro_pair_find(const struct ro *ro, uint64_t a, uint64_t b, struct ro_view *view)
{
	const struct association *found = association_find_any(ro, a, b);

	if (found == NULL)
		return false;
	view_of(found, view);
	return true;
}

void ro_prospect(const struct ro *ro, uint64_t source, uint64_t destination, struct ro_prospect *prospect)
{
	const struct seen_pair *seen = seen_slot(ro, source, destination);
	const struct ro_peer *peer;
	struct ro_session session;

	*prospect = (struct ro_prospect){.allowed = true, .endpoint = source};
	if (seen->source == source && seen->destination == destination)
		prospect->seen_ms = seen->at_ms;
	if (ro->ops->find_by_prefix(ro->context, source, &session)) {
		prospect->here = true;
		prospect->allowed = session_may(ro, &session);
		prospect->id = session.id;
		prospect->endpoint = session.prefixes[0];
		prospect->lma = session.lma;
		return;
	}
	peer = ro->config.role == RO_ROLE_LMA ? lma_of_prefix(ro, source) : NULL;
	if (peer != NULL) {
		prospect->lma = peer->address;
		prospect->allowed = !peer->denied;
	}
}

bool ro_tunnel_next(const struct ro *ro, uint32_t from, struct tunnel_view *view)
{
	return ro->tunnels != NULL && tunnels_next(ro->tunnels, from, view);
}

static uint64_t index_bytes(const struct hash_index *index)
{
	return index->slots != NULL ? (index->mask + UINT64_C(1)) * sizeof(*index->slots) : 0;
}

void ro_stats(const struct ro *ro, struct ro_stats *stats)
{
	*stats = ro->stats;
	stats->tunnels = ro->tunnels != NULL ? tunnels_count(ro->tunnels) : 0;
	stats->memory_bytes = sizeof(*ro) + ro->config.max_pairs * sizeof(*ro->slots) + index_bytes(&ro->by_pair) +
			      index_bytes(&ro->by_prefix) + index_bytes(&ro->by_exchange) +
			      (ro->seen_mask + UINT64_C(1)) * sizeof(*ro->seen) +
			      (ro->bucket_mask + UINT64_C(1)) * sizeof(*ro->buckets);
	stats->association_bytes =
		(ro->config.max_pairs * sizeof(*ro->slots) + index_bytes(&ro->by_pair) + index_bytes(&ro->by_prefix));
}
