/* SPDX-License-Identifier: BSD-3-Clause */
/* What direct paths rest on: peers, RO Errors, pairs that are to be watched (wire-formats G.6.2, G.6.14). */
#include <string.h>

#include "ro/internal.h"

#define COUNT_SLOTS 4096 /* looked at in one turn */

/* ---- how many pairs depend on each peer ---- */

static void count_one(struct ro *ro, const struct in6_addr *peer)
{
	struct peer_state *state = peer_state(ro, peer);

	if (state != NULL)
		state->counting++;
}

/*
 * Those that heartbeats are for: a MAG and the LMAs of its MNs, MAGs that signal each other, an LMA and the MAGs of its
 * MNs, two LMAs with a pair between them.
 */
static void count_pair(struct ro *ro, const struct association *a)
{
	bool mag = ro->config.role == RO_ROLE_MAG;

	for (unsigned i = 0; i < 2; i++) {
		const struct side *side = &a->sides[i], *before = &a->sides[0];
		bool near = side->ours == mag;
		const struct in6_addr *peer = near ? &side->lma : &side->mag;

		if (mag && !near && a->proxy)
			continue; /* they do not know each other */
		if (i == 1 && before->ours == side->ours && same_address(peer, near ? &before->lma : &before->mag))
			continue;
		count_one(ro, peer);
	}
}

bool ro_peers_count(struct ro *ro)
{
	uint32_t end = ro->count_at + COUNT_SLOTS < ro->top ? ro->count_at + COUNT_SLOTS : ro->top;

	for (; ro->count_at < end; ro->count_at++)
		if (pair_is_alive(&ro->slots[ro->count_at]))
			count_pair(ro, &ro->slots[ro->count_at]);
	if (ro->count_at < ro->top)
		return false;
	ro->count_at = 0;
	for (unsigned i = 0; i < ro->config.peer_count; i++) {
		ro->peers[i].pairs = ro->peers[i].counting;
		ro->peers[i].counting = 0;
	}
	return true;
}

uint32_t ro_peer_pairs(const struct ro *ro, const struct in6_addr *peer)
{
	const struct peer_state *state = peer_state(ro, peer);

	return state != NULL ? state->pairs : 0;
}

/* ---- pairs that send direct ---- */

/* The side whose packets leave by a direct tunnel, or -1. */
static int direct_side(const struct association *a)
{
	if (!pair_is_alive(a) || a->local || a->tunnel == INDEX_NONE)
		return -1;
	for (int i = 0; i < 2; i++)
		if (a->sides[i].ours && a->sides[i].tx)
			return i;
	return -1;
}

static void fill_direct(const struct association *a, int side, struct ro_direct *direct)
{
	*direct = (struct ro_direct){
		.index = a->index, .generation = a->generation, .proxy = a->proxy, .peer = a->sides[1 - side].mag};
}

bool ro_direct_next(const struct ro *ro, uint32_t *from, unsigned slots, struct ro_direct *direct)
{
	for (; slots > 0 && *from < ro->top; slots--, (*from)++) {
		int side = direct_side(&ro->slots[*from]);

		if (side >= 0) {
			fill_direct(&ro->slots[*from], side, direct);
			return true;
		}
	}
	return false;
}

uint32_t ro_direct_end(const struct ro *ro)
{
	return ro->top;
}

/* The pair whose packets go direct from @source to @destination, by any prefix of both; *side: of @source. */
static struct association *find_by_packet(struct ro *ro, uint64_t source, uint64_t destination, int *side)
{
	struct association *a = association_find(ro, source, destination);
	uint32_t at = 0;

	if (a == NULL || direct_side(a) < 0) /* it may be of the time when an MN had other prefixes */
		a = association_of(ro, source, &at);
	for (; a != NULL; a = association_of(ro, source, &at)) {
		*side = direct_side(a);
		if (*side >= 0 && side_is_about(&a->sides[*side], source) &&
			side_is_about(&a->sides[1 - *side], destination))
			return a;
	}
	return NULL;
}

bool ro_direct_find(struct ro *ro, uint64_t source, uint64_t destination, struct ro_direct *direct)
{
	int side;
	const struct association *a = find_by_packet(ro, source, destination, &side);

	if (a == NULL)
		return false;
	fill_direct(a, side, direct);
	return true;
}

void ro_error(struct ro *ro, const struct engine_time *now, uint64_t source, uint64_t destination,
	const struct in6_addr *peer)
{
	int side;
	struct association *a = find_by_packet(ro, source, destination, &side);

	ro->now = *now;
	if (ro->config.role != RO_ROLE_MAG || a == NULL || !same_address(&a->sides[1 - side].mag, peer)) {
		ro->stats.errors_ignored++;
		return;
	}
	ro->stats.errors_taken++;
	pair_note(ro, a, RO_EVENT_PEER_ERROR, 0);
	if (a->confirm_ms != 0) /* early: the Setup is still on its way there */
		mag_roll_back_early(ro, a);
	else
		pair_end(ro, a, RO_STATUS_UNKNOWN);
}

/* ---- what a lost peer takes along ---- */

bool pair_depends_on(const struct association *a, const struct in6_addr *peer)
{
	for (unsigned side = 0; side < 2; side++)
		if (same_address(&a->sides[side].mag, peer) || same_address(&a->sides[side].lma, peer))
			return true;
	return false;
}

/* The side whose LMA is still there to hear of it, or -1. */
static int side_to_report(const struct association *a, const struct in6_addr *lost)
{
	for (unsigned i = 0; i < 2; i++) {
		unsigned side = i == 0 ? a->lead : 1u - a->lead;

		if (a->sides[side].ours && !same_address(&a->sides[side].lma, lost))
			return (int)side;
	}
	return -1;
}

void pair_end_by_loss(struct ro *ro, struct association *a, const struct in6_addr *lost, uint8_t cause)
{
	int side = ro->config.role == RO_ROLE_MAG ? side_to_report(a, lost) : 0;

	ro->stats.pairs_of_lost++;
	if (side >= 0) {
		if (ro->config.role == RO_ROLE_MAG)
			a->lead = (uint8_t)side;
		pair_end(ro, a, cause);
		return;
	}
	exchanges_cancel(ro, a, true);
	a->last_failure = cause;
	association_fall_back(ro, a, cause);
	association_commit(ro, a);
}
