/* SPDX-License-Identifier: BSD-3-Clause */
/* The LMA role: Reports of MAGs and of other LMAs. */
#include "endpoint.h"
#include "ro/internal.h"

/* A Report of a MAG is about both MNs, as is that of a leader in direct mode; else about the sender's. */
static void note_idle(struct association *a, const struct ro_request *request, bool from_mag)
{
	unsigned foreign = foreign_side(a);

	if (request->fixed.value != RO_STATUS_IDLE)
		return;
	a->idle |= from_mag || !a->proxy ? 3 : (uint8_t)(1 << foreign);
}

static void report_advance(struct ro *ro, struct association *a, const struct ro_request *request, bool from_mag)
{
	uint8_t status = request->fixed.value;
	bool expected = from_mag ? a->step == STEP_LEAD_WAIT_MAG || a->step == STEP_LEAD_INIT
				 : a->step == STEP_FOLLOW_WAIT || a->step == STEP_LEAD_WAIT_LMA ||
					   a->step == STEP_LEAD_READY || a->step == STEP_ASK;

	if (!expected)
		return;
	if (status == RO_STATUS_CREATED && (a->step != STEP_FOLLOW_WAIT && a->step != STEP_ASK))
		return;
	note_idle(a, request, from_mag);
	if (a->step == STEP_ASK) /* as the Ack would have said */
		a->controller = (request->fixed.flags & RO_FLAG_C) == 0;
	/* What it answers implicitly need not be acknowledged any more. */
	exchanges_cancel(ro, a, false);
	if (from_mag)
		a->step = STEP_LEAD_WAIT_MAG;
	else
		a->step = a->step == STEP_LEAD_READY ? STEP_LEAD_WAIT_LMA
			  : a->step == STEP_ASK      ? STEP_FOLLOW_WAIT
						     : a->step;
	step_next(ro, a);
}

/*
 * A MAG reports about an MN that it has, as the binding cache knows it (G.7); another LMA about a pair that it anchors
 * one MN of.
 */
static bool may_report(struct ro *ro, const struct ro_peer *peer, const struct association *a, const struct side *own,
	const struct ro_tuple *told)
{
	struct ro_session session;

	if (peer->role == RO_ROLE_LMA)
		return a == NULL || same_address(&a->sides[foreign_side(a)].lma, &peer->address);
	return ro->ops->find_by_prefix(ro->context, own->prefixes[0], &session) &&
	       same_address(&session.mag, &peer->address) && is_told_right(told, &session);
}

/* The other LMA knows best where its MN is. */
static uint8_t learn_foreign(struct ro *ro, struct association *a, const struct side *told, const struct mn_id *id)
{
	struct side *side = &a->sides[foreign_side(a)];
	uint8_t status;

	if (IN6_IS_ADDR_UNSPECIFIED(&told->mag))
		return RO_STATUS_ACTIVE;
	status = check_mag(ro, &told->mag);
	if (status != RO_STATUS_ACTIVE)
		return status;
	side->mag = told->mag;
	side->ipv4 = told->ipv4;
	if (side->id.length == 0 && id->length > 0 && !side_set_id(side, id))
		return RO_STATUS_NO_RESOURCES;
	return RO_STATUS_ACTIVE;
}

/* Of an update that was begun before the other LMA heard of a handover of our MN: it is about where that was. */
static bool is_outdated(struct ro *ro, const struct ro_request *request)
{
	const struct ro_tuple *told = &request->body.tuples[0];
	struct ro_session session;

	return told->has_mag &&
	       ro->ops->find_by_prefix(ro->context, endpoint_id_ipv6(told->prefixes[0].prefix.s6_addr), &session) &&
	       !same_address(&told->mag, &session.mag);
}

/*
 * An operator means both ends. That an MN leaves is the end of an active pair; an update that does not find it there
 * would not the next time, and a newer update is no reason to wait.
 */
static bool is_reason_to_wait(struct ro *ro, const struct association *a, const struct ro_request *request)
{
	uint8_t cause = request->fixed.value;

	switch (cause) {
	case RO_STATUS_REMOVED: return true;
	case RO_STATUS_NOT_ATTACHED: return a->step != STEP_IDLE && !is_outdated(ro, request);
	case RO_STATUS_OUT_OF_WINDOW: return false;
	default: return RO_FAILED(cause);
	}
}

static void report_of_removal(
	struct ro *ro, const struct ro_peer *peer, struct association *a, const struct ro_request *request)
{
	uint8_t cause = request->fixed.value;

	ack_send(ro, a, request, RO_STATUS_REMOVED, 0, 0, NULL);
	if (request->body.stamp > a->stamp)
		a->stamp = request->body.stamp;
	if (a->state == RO_STATE_FALLBACK) {
		association_commit(ro, a);
		return;
	}
	if (is_reason_to_wait(ro, a, request))
		hold_down(ro, a, cause);
	association_commit(ro, a);
	if (peer->role == RO_ROLE_LMA)
		update_remove_own(ro, a, cause);
	else
		update_remove(ro, a, cause);
}

/*
 * The controller updates without asking: its Report is the first that we hear of it (G.6.10). Identifier
 * and mode may be others: of our own Init, if it came late, after the controller's had won the crossing (G.6.8).
 */
static void adopt_report(struct ro *ro, struct association *a, const struct ro_request *request)
{
	exchanges_cancel(ro, a, false);
	a->id = request->fixed.association;
	a->proxy = (request->fixed.flags & RO_FLAG_P) != 0;
	a->stamp = request->body.stamp;
	a->handover = (request->fixed.flags & RO_FLAG_H) != 0;
	a->lead = foreign_side(a);
	a->moved = a->lead;
	a->reason = a->handover ? RO_REASON_HANDOVER_A : RO_REASON_REFRESH;
	a->idle = 0;
	a->start_ms = 0;
	a->step = STEP_FOLLOW_WAIT;
	a->deadline_ms = ro_ms(ro) + ro->config.sequence_deadline_ms;
	side_refresh(ro, &a->sides[1 - a->lead]);
	association_schedule(ro, a);
}

static void report_of_progress(struct ro *ro, struct association *a, const struct ro_request *request, bool from_mag)
{
	if (request->fixed.lifetime_s < a->lifetime_s)
		a->lifetime_s = request->fixed.lifetime_s;
	ack_send(ro, a, request, RO_STATUS_ACTIVE, a->controller ? RO_FLAG_C : 0, a->lifetime_s, NULL);
	if (request->body.stamp > a->stamp && !from_mag && !a->controller &&
		(a->state == RO_STATE_ACTIVE || a->state == RO_STATE_PENDING)) {
		adopt_report(ro, a, request);
		if (is_outdated(ro, request)) { /* the newest PBU supersedes it (G.6.3) */
			update_start(ro, a, 1 - foreign_side(a), RO_REASON_HANDOVER_A, true);
			return;
		}
	}
	if (request->body.stamp == a->stamp)
		report_advance(ro, a, request, from_mag);
	association_commit(ro, a);
}

/*
 * The other LMA tells of a pair that we know nothing of (any more): our MAG may, and shall not (G.6.6). What was
 * removed is kept as a tombstone.
 */
static void remove_unknown(struct ro *ro, const struct ro_peer *peer, const struct ro_request *request)
{
	struct side own = {.prefix_count = 0}, other;
	struct association *a = NULL;

	if (side_from_tuple(&other, &request->body.tuples[1]) && check_foreign(ro, peer, &other) == RO_STATUS_ACTIVE &&
		side_find_own(ro, &request->body.tuples[0], &own) == RO_STATUS_ACTIVE &&
		may_trigger(ro, own.prefixes[0])) {
		own.lma = ro->config.address;
		other.lma = peer->address;
		a = association_create(ro, &own, &other);
	}
	ident_clear(&own.id);
	if (a == NULL)
		return;
	a->id = request->fixed.association;
	a->proxy = (request->fixed.flags & RO_FLAG_P) != 0;
	a->stamp = request->body.stamp;
	if (!side_set_id(&a->sides[1], &request->body.tuples[1].id))
		association_destroy(ro, a);
	else
		update_remove_own(ro, a, RO_STATUS_UNKNOWN);
}

void lma_report_in(struct ro *ro, const struct ro_peer *peer, struct ro_request *request)
{
	const struct ro_tuple *tuples = request->body.tuples;
	bool from_mag = peer->role == RO_ROLE_MAG;
	bool ends = request->fixed.lifetime_s == 0 || RO_FAILED(request->fixed.value);
	struct association *a = NULL;
	struct side own, other;
	uint8_t status = RO_STATUS_ACTIVE;

	if (!side_from_tuple(&own, &tuples[0]) || !side_from_tuple(&other, &tuples[1]) || own.prefix_count == 0 ||
		other.prefix_count == 0)
		status = RO_STATUS_MALFORMED;
	else
		a = association_find_overlap(ro, &own, &other);
	if (status == RO_STATUS_ACTIVE && !may_report(ro, peer, a, &own, &tuples[0]))
		status = RO_STATUS_NOT_AUTHORISED;
	if (status == RO_STATUS_ACTIVE && a == NULL)
		status = RO_STATUS_UNKNOWN;
	if (status == RO_STATUS_ACTIVE && ack_repeat(ro, a, request))
		return;
	if (status == RO_STATUS_ACTIVE && request_is_old(a, request))
		status = ends && a->state == RO_STATE_FALLBACK ? RO_STATUS_REMOVED : RO_STATUS_OUT_OF_WINDOW;
	if (status == RO_STATUS_ACTIVE && !from_mag && !ends) /* by which MAG it does not go does not matter */
		status = learn_foreign(ro, a, &other, &tuples[1].id);
	if (status == RO_STATUS_NOT_AUTHORISED)
		ro->stats.value_mismatch++;
	if (status == RO_STATUS_UNKNOWN) {
		request_refuse(ro, a, request, request->fixed.lifetime_s == 0 ? RO_STATUS_REMOVED : status);
		if (!from_mag)
			remove_unknown(ro, peer, request);
	} else if (status != RO_STATUS_ACTIVE) {
		request_refuse(ro, a, request, status);
	} else if (ends) {
		report_of_removal(ro, peer, a, request);
	} else {
		report_of_progress(ro, a, request, from_mag);
	}
}
