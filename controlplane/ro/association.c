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

bool side_is_about(const struct side *side, uint64_t prefix)
{
	for (unsigned i = 0; i < side->prefix_count; i++)
		if (side->prefixes[i] == prefix)
			return true;
	return false;
}

static bool side_has(const struct side *side, uint64_t prefix)
{
	return side_is_about(side, prefix) || (side->behind && side->prefixes[side->prefix_count] == prefix);
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
	struct association *best = association_find(ro, a, b), *found;
	uint32_t at = 0;

	while ((best == NULL || !pair_is_alive(best)) && (found = association_of(ro, a, &at)) != NULL)
		if (side_has(&found->sides[1 - association_side(found, a)], b) &&
			(best == NULL || pair_is_alive(found)))
			best = found;
	return best;
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
		if (side_is_about(b, a->prefixes[i]))
			return true;
	return false;
}

unsigned association_side_of(const struct association *a, const struct side *side)
{
	return have_one_in_common(&a->sides[0], side) ? 0 : 1;
}

bool association_overlaps(const struct association *association, const struct side *a, const struct side *b)
{
	unsigned side = association_side_of(association, a);

	return have_one_in_common(&association->sides[side], a) && have_one_in_common(&association->sides[1 - side], b);
}

struct association *association_find_overlap(const struct ro *ro, const struct side *a, const struct side *b)
{
	struct association *best = association_find(ro, a->prefixes[0], b->prefixes[0]), *found;

	for (unsigned i = 0; i < a->prefix_count; i++) {
		uint32_t at = 0;

		while ((best == NULL || !pair_is_alive(best)) &&
			(found = association_of(ro, a->prefixes[i], &at)) != NULL)
			if (association_overlaps(found, a, b) && (best == NULL || pair_is_alive(found)))
				best = found;
	}
	return best;
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
	side->ipv4 = tuple->ipv4;
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
	side->ipv4 = session->ipv4;
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
	side->ipv4 = from->ipv4;
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
	if (!session_may(ro, &session))
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
