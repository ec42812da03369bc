/* SPDX-License-Identifier: BSD-3-Clause */
/* What is installed of a pair: two halves per MN at a MAG, and the tunnels that they name. */
#include <stdlib.h>
#include <string.h>

#include "endpoint.h"
#include "ro/internal.h"

/*
 * What the former MAG sent before it lost the MN has come by then. What comes later is of a MN that is back there, and
 * of a MAG that never noticed that it was away: RO Error lets it ask its LMA. G.6.1 would have it taken for as long as
 * RX lingers else; but as long as it is taken nobody learns where the MN is, and what is for it goes to where it is
 * not.
 */
#define FORMER_MS 1000

/* Older transactions of a pair are done; serials further apart could not be compared. */
#define SERIALS_OPEN 16384

int association_set_peer(struct ro *ro, struct association *a, const struct in6_addr *mag)
{
	uint32_t tunnel;

	if (same_address(mag, &ro->config.address)) {
		if (!a->local)
			a->path_serial = a->serial;
		a->local = true;
		if (a->tunnel != INDEX_NONE)
			a->former_ms = ro_ms(ro) + FORMER_MS;
		return 0;
	}
	a->local = false;
	if (a->tunnel != INDEX_NONE && tunnels_find(ro->tunnels, mag) == a->tunnel)
		return 0;
	tunnel = tunnels_acquire(ro->tunnels, mag);
	if (tunnel == INDEX_NONE)
		return -1;
	if (a->tunnel != INDEX_NONE) {
		uint32_t oldest = a->former;

		a->former = a->tunnel;
		a->former_ms = ro_ms(ro) + FORMER_MS;
		a->tunnel = tunnel;
		a->switched = true;
		a->path_serial = a->serial;
		association_apply(ro, a); /* nothing names the oldest any more */
		association_retire(ro, a, oldest, false);
		return 0;
	}
	a->tunnel = tunnel;
	return 0;
}

/*
 * Of forward and check; two that differ have the same one in 2^64, and nobody outside knows the seed. The whole would
 * take a quarter of an association.
 */
static uint64_t fingerprint(const struct ro *ro, const struct fwd_pair *pair)
{
	uint64_t words[4], hash = ro->seed;

	_Static_assert(sizeof(pair->forward) + sizeof(pair->check) == sizeof(words), "all of it");
	memcpy(words, &pair->forward, sizeof(pair->forward));
	memcpy(&words[3], &pair->check, sizeof(pair->check));
	for (unsigned i = 0; i < 4; i++)
		hash = endpoint_hash(hash ^ words[i]) + words[i];
	return hash != 0 ? hash : 1;
}

/* From our MN @own to the other one. */
static void want_tx(const struct ro *ro, const struct association *a, unsigned own, struct fwd_pair *want)
{
	const struct side *side = &a->sides[own], *other = &a->sides[1 - own];
	struct ro_session session, peer;

	if (!side->ours || !side->tx || !ro->ops->find_by_prefix(ro->context, side->prefixes[0], &session))
		return;
	if (a->local && !ro->ops->find_by_prefix(ro->context, other->prefixes[0], &peer))
		return;
	if (!a->local && a->tunnel == INDEX_NONE)
		return;
	want->forward = (struct forward){.action = a->local ? FORWARD_LOCAL : FORWARD_TUNNEL,
		.flags = FORWARD_PAIR_TX,
		.link = a->local ? peer.link : LINK_NONE,
		.tunnel = a->local ? INDEX_NONE : a->tunnel,
		.node = session.node,
		.generation = session.generation};
	if (a->local)
		memcpy(want->forward.mac, peer.mac, 6);
	want->check.from.link = session.link;
	memcpy(want->check.from.mac, session.mac, 6);
}

/* For our MN @own from the other one. */
static void want_rx(const struct ro *ro, const struct association *a, unsigned own, struct fwd_pair *want)
{
	const struct side *side = &a->sides[own];
	struct ro_session session;

	if (!side->rx || a->tunnel == INDEX_NONE)
		return;
	want->check.tunnel = a->tunnel;
	want->check.former = a->former;
	if (side->ours && ro->ops->find_by_prefix(ro->context, side->prefixes[0], &session)) {
		want->forward = (struct forward){.action = FORWARD_LOCAL,
			.flags = FORWARD_PAIR_RX,
			.link = session.link,
			.tunnel = INDEX_NONE,
			.node = session.node,
			.generation = session.generation,
			.hold = session.in_order ? a->hold : 0};
		memcpy(want->forward.mac, session.mac, 6);
	} else if (a->back != INDEX_NONE) {
		want->forward = (struct forward){.action = FORWARD_TUNNEL,
			.flags = FORWARD_PAIR_RX | FORWARD_PAIR_RETURN,
			.link = LINK_NONE,
			.tunnel = a->back};
	}
}

void association_emit(
	struct ro *ro, const struct association *a, unsigned from, enum fwd_op op, const struct fwd_pair *pair)
{
	struct fwd_update update = {.op = (uint8_t)op, .index = a->index, .body.pair = *pair};
	const struct side *source = &a->sides[from], *destination = &a->sides[1 - from];

	for (unsigned i = 0; i < source->prefix_count; i++) {
		for (unsigned j = 0; j < destination->prefix_count; j++) {
			update.body.pair.source = source->prefixes[i];
			update.body.pair.destination = destination->prefixes[j];
			ro->host->ops->update(ro->host, &update);
		}
	}
}

bool association_apply(struct ro *ro, struct association *a)
{
	bool changed = false;

	for (unsigned slot = 0; slot < 4; slot++) {
		uint64_t *half = &a->halves[slot], wanted = 0;
		unsigned own = slot & 1, from = slot < 2 ? own : 1 - own;
		struct fwd_pair want = {.source = 0};

		if (slot < 2)
			want_tx(ro, a, own, &want);
		else if (!a->local || a->former_ms != 0)
			want_rx(ro, a, own, &want);
		if (want.forward.action != FORWARD_NONE)
			wanted = fingerprint(ro, &want);
		if (wanted == *half)
			continue;
		if (wanted == 0) /* the owner keeps the halves apart by it */
			want.forward.flags = slot < 2 ? FORWARD_PAIR_TX : FORWARD_PAIR_RX;
		association_emit(ro, a, from,
			wanted == 0  ? FWD_OP_pair_remove
			: *half != 0 ? FWD_OP_pair_replace
				     : FWD_OP_pair_insert,
			&want);
		if (slot >= 2) {
			a->receive_serial = a->serial;
			a->receives = false;
		} else if (wanted != 0 && (*half == 0 || a->switched)) {
			a->marker_due = true;
			a->switched = false;
		}
		*half = wanted;
		changed = true;
	}
	return changed;
}

void association_fall_back(struct ro *ro, struct association *a, uint8_t cause)
{
	uint64_t now_ms = ro_ms(ro);

	if (a->state == RO_STATE_ACTIVE)
		ro->stats.active--;
	a->state = RO_STATE_FALLBACK;
	a->sides[0].tx = a->sides[1].tx = false;
	a->deadline_ms = a->expires_ms = a->confirm_ms = 0;
	if (a->linger_ms == 0)
		a->linger_ms = now_ms + ro->config.rx_linger_ms;
	a->forget_ms = tombstone_end(ro, a);
	pair_note(ro, a, RO_EVENT_FALLBACK, cause);
	association_apply(ro, a);
	association_schedule(ro, a);
}

static void release_tunnel(struct ro *ro, uint32_t tunnel, bool to_lma)
{
	if (to_lma)
		ro->ops->tunnel_release(ro->context, tunnel);
	else
		tunnels_release(ro->tunnels, tunnel);
}

void association_retire(struct ro *ro, struct association *a, uint32_t tunnel, bool to_lma)
{
	struct retired *retired;

	if (tunnel == INDEX_NONE)
		return;
	retired = malloc(sizeof(*retired));
	if (retired == NULL) { /* better at once than never */
		release_tunnel(ro, tunnel, to_lma);
		return;
	}
	*retired = (struct retired){.next = a->retired, .tunnel = tunnel, .serial = a->serial, .to_lma = to_lma};
	a->retired = retired;
}

bool association_release_retired(struct ro *ro, struct association *a, uint16_t serial)
{
	struct retired **link = &a->retired;
	bool any = false;

	while (*link != NULL) {
		struct retired *retired = *link;

		if ((int16_t)(serial - retired->serial) < 0) {
			link = &retired->next;
			continue;
		}
		*link = retired->next;
		release_tunnel(ro, retired->tunnel, retired->to_lma);
		free(retired);
		any = true;
	}
	return any;
}

void association_release_tunnels(struct ro *ro, struct association *a)
{
	uint32_t back = a->back, former = a->former, tunnel = a->tunnel;

	a->back = a->former = a->tunnel = INDEX_NONE;
	a->linger_ms = a->former_ms = 0;
	if (back != INDEX_NONE)
		ro->ops->tunnel_release(ro->context, back);
	if (former != INDEX_NONE)
		tunnels_release(ro->tunnels, former);
	if (tunnel != INDEX_NONE)
		tunnels_release(ro->tunnels, tunnel);
}

void association_clear(struct ro *ro, struct association *a, uint8_t cause)
{
	association_fall_back(ro, a, cause);
	if (!a->receives) {
		a->sides[0].rx = a->sides[1].rx = false;
		association_apply(ro, a);
		association_release_tunnels(ro, a);
		association_release_retired(ro, a, a->serial);
		association_schedule(ro, a);
	}
	ro->host->ops->commit(ro->host, 0, 0);
	a->settled = a->serial;
}

void association_commit(struct ro *ro, struct association *a)
{
	uint64_t cookie = RO_COOKIE | (uint64_t)(a->generation & 0x7fff) << 48 | (uint64_t)a->serial << 32 | a->index;

	a->serial++;
	if ((uint16_t)(a->serial - a->settled) > SERIALS_OPEN)
		a->settled++;
	if ((uint16_t)(a->serial - a->path_serial) > SERIALS_OPEN)
		a->path_serial++;
	ro->host->ops->commit(ro->host, cookie, 0);
	markers_send(ro, a);
}
