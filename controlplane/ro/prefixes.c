/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The LMA role: a pair is about all prefixes of both MNs, with two LMAs as with one. Who asks the other LMA knows only
 * the prefix that a packet had. An Init that does not name all of them is refused with 136, and the Ack tells the rest:
 * so no MAG hears of a pair before both LMAs know what it is about, and an RO Authorisation covers all of it.
 */
#include "ro/internal.h"

bool names_all_prefixes(const struct ro *ro, const struct side *own)
{
	struct ro_session session;

	return ro->ops->find_by_prefix(ro->context, own->prefixes[0], &session) &&
	       own->prefix_count == session.prefix_count;
}

void tell_all_prefixes(struct ro *ro, const struct ro_request *request, const struct side *named)
{
	struct ro_body body = {.tuple_count = 2, .has_stamp = true, .stamp = request->body.stamp};
	struct ro_session session;
	struct side all;

	if (!ro->ops->find_by_prefix(ro->context, named->prefixes[0], &session) ||
		!may_trigger(ro, session.prefixes[0])) { /* who an MN is, is told as seldom as where it is (G.7) */
		ro->stats.limited++;
		request_refuse(ro, NULL, request, RO_STATUS_NO_RESOURCES);
		return;
	}
	side_from_session(&all, &session);
	body.tuples[0] = tuple_of(&all, false);
	body.tuples[0].id = session.id;
	body.tuples[1].id = request->body.tuples[1].id;
	ack_send(ro, NULL, request, RO_STATUS_PREFIX, 0, 0, &body);
	ro->host->ops->commit(ro->host, 0, 0);
}

/* All that are known, and others: whoever tells them, it comes to an end. */
static bool is_more(const struct side *told, const struct side *known)
{
	for (unsigned i = 0; i < known->prefix_count; i++)
		if (!side_is_about(told, known->prefixes[i]))
			return false;
	return told->prefix_count > known->prefix_count;
}

static bool is_believable(const struct ro *ro, const struct ro_peer *peer, const struct side *told)
{
	struct ro_session session;

	for (unsigned i = 0; i < told->prefix_count; i++)
		if (!peer_has_prefix(peer, told->prefixes[i]) ||
			ro->ops->find_by_prefix(ro->context, told->prefixes[i], &session))
			return false;
	return side_is_eligible(ro, told);
}

/* Another association that is about packets between @own and @told. */
static struct association *other_with(
	const struct ro *ro, const struct association *a, const struct side *own, const struct side *told)
{
	struct association *other;

	for (unsigned i = 0; i < told->prefix_count; i++)
		for (uint32_t at = 0; (other = association_of(ro, told->prefixes[i], &at)) != NULL;)
			if (other != a && association_overlaps(other, own, told))
				return other;
	return NULL;
}

/*
 * Begun with another prefix of the same MN before both were known to be its. MAGs that have it replace it by what
 * follows; its stamp is what they compare that with.
 */
static void absorb(struct ro *ro, struct association *a, struct association *other)
{
	if (other->stamp > a->stamp)
		a->stamp = other->stamp;
	if (other->state == RO_STATE_ACTIVE)
		ro->stats.active--;
	returns_stop(ro, other);
	association_destroy(ro, other);
}

bool learn_all_prefixes(struct ro *ro, struct association *a, const struct ro_request *ack)
{
	unsigned own = 1 - foreign_side(a);
	struct side *known = &a->sides[1 - own], told;
	const struct ro_peer *peer = peer_find(ro, &known->lma);
	const struct ro_tuple *tuple = &ack->body.tuples[0];
	struct association *other;

	if (known->ours || peer == NULL || !side_from_tuple(&told, tuple) || !is_more(&told, known) ||
		!is_believable(ro, peer, &told))
		return false;
	while ((other = other_with(ro, a, &a->sides[own], &told)) != NULL) {
		if (a->state == RO_STATE_PENDING && other->hold_down_ms > ro_ms(ro)) {
			returns_stop(ro, a);
			association_destroy(ro, a); /* that is this pair, and it shall not be tried yet */
			return true;
		}
		absorb(ro, a, other);
	}
	told.mag = known->mag;
	told.lma = known->lma;
	if ((known->id.length == 0 && tuple->id.length > 0 && !side_set_id(known, &tuple->id)) ||
		association_assign(ro, a, 1 - own, &told) != 0)
		return false;
	update_start(ro, a, a->lead, a->reason, a->handover);
	return true;
}
