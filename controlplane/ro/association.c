/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "endpoint.h"
#include "ro/internal.h"

#define OCTETS_64 64

static uint64_t pair_hash(uint64_t a, uint64_t b)
{
	return endpoint_hash(a) ^ endpoint_hash(b); /* unordered */
}

/* How many prefixes of the side lead to it. */
static unsigned indexed(const struct side *side)
{
	return side->prefix_count + side->behind;
}

static bool side_has(const struct side *side, uint64_t prefix)
{
	for (unsigned i = 0; i < indexed(side); i++)
		if (side->prefixes[i] == prefix)
			return true;
	return false;
}

int association_side(const struct association *a, uint64_t prefix)
{
	for (unsigned i = 0; i < 2; i++)
		if (side_has(&a->sides[i], prefix))
			return (int)i;
	return -1;
}

struct association *association_find(const struct ro *ro, uint64_t a, uint64_t b)
{
	uint32_t index;

	for (uint32_t at = 0; (index = hash_index_next(&ro->by_pair, pair_hash(a, b), &at)) != HASH_NONE;) {
		struct association *found = &ro->slots[index];
		uint64_t one = found->sides[0].prefixes[0], other = found->sides[1].prefixes[0];

		if ((one == a && other == b) || (one == b && other == a))
			return found;
	}
	return NULL;
}

struct association *association_find_any(const struct ro *ro, uint64_t a, uint64_t b)
{
	struct association *found = association_find(ro, a, b);
	uint32_t at = 0;

	if (found != NULL)
		return found;
	while ((found = association_of(ro, a, &at)) != NULL)
		if (side_has(&found->sides[1 - association_side(found, a)], b))
			return found;
	return NULL;
}

struct association *association_of(const struct ro *ro, uint64_t prefix, uint32_t *at)
{
	uint32_t index;

	while ((index = hash_index_next(&ro->by_prefix, endpoint_hash(prefix), at)) != HASH_NONE)
		if (association_side(&ro->slots[index], prefix) >= 0)
			return &ro->slots[index];
	return NULL;
}

static bool have_one_in_common(const struct side *a, const struct side *b)
{
	for (unsigned i = 0; i < a->prefix_count; i++)
		for (unsigned j = 0; j < b->prefix_count; j++)
			if (a->prefixes[i] == b->prefixes[j])
				return true;
	return false;
}

struct association *association_find_overlap(const struct ro *ro, const struct side *a, const struct side *b)
{
	struct association *found = association_find(ro, a->prefixes[0], b->prefixes[0]);

	for (unsigned i = 0; found == NULL && i < a->prefix_count; i++) {
		uint32_t at = 0;

		while ((found = association_of(ro, a->prefixes[i], &at)) != NULL) {
			unsigned side = have_one_in_common(&found->sides[0], a) ? 0 : 1;

			if (have_one_in_common(&found->sides[side], a) &&
				have_one_in_common(&found->sides[1 - side], b))
				break;
		}
	}
	return found;
}

bool side_from_tuple(struct side *side, const struct ro_tuple *tuple)
{
	memset(side, 0, sizeof(*side));
	if (tuple->prefix_count > RO_SIDE_PREFIXES)
		return false;
	for (unsigned i = 0; i < tuple->prefix_count; i++) {
		uint64_t id = endpoint_id_ipv6(tuple->prefixes[i].prefix.s6_addr);

		if (tuple->prefixes[i].length != OCTETS_64 || id == ENDPOINT_NONE || side_has(side, id))
			return false;
		side->prefixes[side->prefix_count++] = id;
	}
	if (tuple->has_mag)
		side->mag = tuple->mag;
	if (tuple->has_lma)
		side->lma = tuple->lma;
	return true;
}

void side_from_session(struct side *side, const struct ro_session *session)
{
	memset(side, 0, sizeof(*side));
	memcpy(side->prefixes, session->prefixes, sizeof(side->prefixes));
	side->prefix_count = session->prefix_count;
	side->mag = session->mag;
	side->lma = session->lma;
	side->ours = true;
}

/* A prefix may have gone to another MN while its pair was not forgotten yet. */
static int id_assign(struct ident *id, const struct ident *from)
{
	if (from->length == 0 || ident_equals(id, from->kind, ident_data(from), from->length))
		return 0;
	ident_clear(id);
	return ident_set(id, from->kind, ident_data(from), from->length);
}

static void index_side(struct ro *ro, const struct association *a, const struct side *side)
{
	for (unsigned i = 0; i < indexed(side); i++)
		hash_index_insert(&ro->by_prefix, endpoint_hash(side->prefixes[i]), a->index);
}

static void unindex_side(struct ro *ro, const struct association *a, const struct side *side)
{
	for (unsigned i = 0; i < indexed(side); i++)
		hash_index_remove(&ro->by_prefix, endpoint_hash(side->prefixes[i]), a->index);
}

static void take_prefixes(struct ro *ro, struct association *a, unsigned i, const struct side *from)
{
	struct side *side = &a->sides[i];
	uint64_t other = a->sides[1 - i].prefixes[0];

	unindex_side(ro, a, side);
	hash_index_remove(&ro->by_pair, pair_hash(side->prefixes[0], other), a->index);
	memcpy(side->prefixes, from->prefixes, sizeof(from->prefixes));
	side->prefix_count = from->prefix_count;
	side->behind = from->behind;
	hash_index_insert(&ro->by_pair, pair_hash(side->prefixes[0], other), a->index);
	index_side(ro, a, side);
}

int association_assign(struct ro *ro, struct association *a, unsigned i, const struct side *from)
{
	struct side *side = &a->sides[i];
	bool same = side->prefix_count == from->prefix_count && side->behind == from->behind &&
		    memcmp(side->prefixes, from->prefixes, sizeof(from->prefixes)) == 0;

	if (!same && hash_index_reserve(&ro->by_prefix, RO_SIDE_PREFIXES) != 0)
		return -1;
	if (id_assign(&side->id, &from->id) != 0)
		return -1;
	if (!same) {
		returns_stop(ro, a); /* what is installed under the old ones */
		take_prefixes(ro, a, i, from);
	}
	side->mag = from->mag;
	side->lma = from->lma;
	side->ours = from->ours;
	return 0;
}

bool side_set_id(struct side *side, const struct mn_id *id)
{
	return ident_set(&side->id, id->subtype, id->data, id->length) == 0;
}

uint8_t side_find_own(struct ro *ro, const struct ro_tuple *tuple, struct side *own)
{
	struct ro_session session;
	struct side told;
	bool found;

	if (!side_from_tuple(&told, tuple))
		return RO_STATUS_PREFIX;
	found = told.prefix_count > 0 ? ro->ops->find_by_prefix(ro->context, told.prefixes[0], &session)
				      : ro->ops->find_by_id(ro->context, &tuple->id, &session);
	if (!found)
		return RO_STATUS_NOT_ATTACHED;
	if (tuple->id.length > 0 && (tuple->id.length != session.id.length ||
					    memcmp(tuple->id.data, session.id.data, tuple->id.length) != 0))
		return RO_STATUS_PREFIX;
	if (!session.allowed)
		return RO_STATUS_PROHIBITED;
	side_from_session(own, &session);
	for (unsigned i = 0; i < told.prefix_count; i++) {
		bool has = false;

		for (unsigned j = 0; j < session.prefix_count; j++)
			has = has || session.prefixes[j] == told.prefixes[i];
		if (!has)
			return RO_STATUS_PREFIX;
	}
	if (told.prefix_count > 0) { /* the pair is about these */
		memcpy(own->prefixes, told.prefixes, sizeof(own->prefixes));
		own->prefix_count = told.prefix_count;
		own->behind = own->prefix_count < RO_SIDE_PREFIXES && !side_has(own, session.prefixes[0]);
		if (own->behind)
			own->prefixes[own->prefix_count] = session.prefixes[0];
	}
	return side_set_id(own, &session.id) ? RO_STATUS_ACTIVE : RO_STATUS_NO_RESOURCES;
}

static struct association *slot_take(struct ro *ro)
{
	struct association *a;

	if (ro->free != INDEX_NONE) {
		a = &ro->slots[ro->free];
		ro->free = a->index;
		return a;
	}
	return ro->top < ro->config.max_pairs ? &ro->slots[ro->top++] : NULL;
}

struct association *association_create(struct ro *ro, const struct side *first, const struct side *second)
{
	struct association *a;
	uint32_t generation;

	if (hash_index_reserve(&ro->by_pair, 1) != 0 || hash_index_reserve(&ro->by_prefix, 2 * RO_SIDE_PREFIXES) != 0)
		return NULL;
	a = slot_take(ro);
	if (a == NULL)
		return NULL;
	generation = a->generation + 1;
	memset(a, 0, sizeof(*a));
	a->generation = generation;
	a->index = (uint32_t)(a - ro->slots);
	a->used = true;
	a->tunnel = a->former = a->back = INDEX_NONE;
	a->sequence = (uint16_t)ro->host->ops->random(ro->host);
	timer_init(&a->timer, association_fire);
	a->sides[0] = *first;
	a->sides[1] = *second;
	a->sides[0].id = a->sides[1].id = (struct ident){0};
	hash_index_insert(&ro->by_pair, pair_hash(first->prefixes[0], second->prefixes[0]), a->index);
	index_side(ro, a, first);
	index_side(ro, a, second);
	ro->stats.pairs++;
	if (id_assign(&a->sides[0].id, &first->id) == 0 && id_assign(&a->sides[1].id, &second->id) == 0) {
		pair_note(ro, a, RO_EVENT_CREATED, 0);
		return a;
	}
	association_destroy(ro, a);
	return NULL;
}

void association_destroy(struct ro *ro, struct association *a)
{
	exchanges_cancel(ro, a, true);
	acks_clear(a);
	while (a->retired != NULL) { /* of the whole engine's end: the tables go with it */
		struct retired *retired = a->retired;

		a->retired = retired->next;
		free(retired);
	}
	timer_stop(&ro->wheel, &a->timer);
	hash_index_remove(&ro->by_pair, pair_hash(a->sides[0].prefixes[0], a->sides[1].prefixes[0]), a->index);
	unindex_side(ro, a, &a->sides[0]);
	unindex_side(ro, a, &a->sides[1]);
	pair_note(ro, a, RO_EVENT_FORGOTTEN, 0);
	ident_clear(&a->sides[0].id);
	ident_clear(&a->sides[1].id);
	a->used = false;
	ro->stats.pairs--;
	a->index = ro->free; /* of a free slot: the next one */
	ro->free = (uint32_t)(a - ro->slots);
}

static void earlier(uint64_t *deadline, uint64_t other)
{
	if (other != 0 && other < *deadline)
		*deadline = other;
}

void association_schedule(struct ro *ro, struct association *a)
{
	uint64_t deadline = TIMER_NEVER;

	earlier(&deadline, a->deadline_ms);
	earlier(&deadline, a->expires_ms);
	earlier(&deadline, a->confirm_ms);
	earlier(&deadline, a->linger_ms);
	earlier(&deadline, a->former_ms);
	earlier(&deadline, a->forget_ms);
	for (const struct cached_ack *ack = a->acks; ack != NULL; ack = ack->next)
		earlier(&deadline, ack->expires_ms);
	if (deadline == TIMER_NEVER)
		timer_stop(&ro->wheel, &a->timer);
	else
		timer_start(&ro->wheel, &a->timer, deadline);
}

/* ---- forwarding state of a MAG ---- */

/*
 * What the former MAG sent before it lost the MN has come by then. What comes later is of a MN that is back there, and
 * of a MAG that never noticed that it was away: RO Error lets it ask its LMA.
 */
#define FORMER_MS 1000

int association_set_peer(struct ro *ro, struct association *a, const struct in6_addr *mag)
{
	uint32_t tunnel;

	if (same_address(mag, &ro->config.address)) {
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
	a->forget_ms = now_ms + ro->config.tombstone_ms;
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
	ro->host->ops->commit(ro->host, cookie, 0);
	markers_send(ro, a);
}
