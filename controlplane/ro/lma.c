/* SPDX-License-Identifier: BSD-3-Clause */
/* The LMA role: what comes in, and what starts an update. */
#include <errno.h>
#include <string.h>

#include "endpoint.h"
#include "ro/internal.h"

#define TRIES_WITH_GREATER_STAMP 3
#define OTHER_MOVE_TIMEOUTS      4 /* two repetitions come before it */

bool peer_has_prefix(const struct ro_peer *peer, uint64_t id)
{
	for (unsigned i = 0; i < peer->prefix_count; i++) {
		uint64_t upper = endpoint_load_be64(peer->prefixes[i].prefix.s6_addr);
		uint8_t length = peer->prefixes[i].length;

		if (length > 0 && length <= 64 && (id ^ upper) >> (64 - length) == 0)
			return true;
	}
	return false;
}

const struct ro_peer *lma_of_prefix(const struct ro *ro, uint64_t id)
{
	const struct ro_peer *best = NULL;
	uint8_t longest = 0;

	for (unsigned i = 0; i < ro->config.peer_count; i++) {
		const struct ro_peer *peer = &ro->config.peers[i];

		for (unsigned j = 0; peer->role == RO_ROLE_LMA && j < peer->prefix_count; j++) {
			struct ro_peer one = {.prefixes = {peer->prefixes[j]}, .prefix_count = 1};

			if (peer->prefixes[j].length > longest && peer_has_prefix(&one, id)) {
				best = peer;
				longest = peer->prefixes[j].length;
			}
		}
	}
	return best;
}

/* ---- triggers ---- */

/* Both sides of a new pair; 0 or what hinders. */
static int make_sides(struct ro *ro, uint64_t source, uint64_t destination, struct side sides[2])
{
	struct ro_session session;
	const struct ro_peer *peer;

	memset(sides, 0, 2 * sizeof(*sides));
	if (!ro->ops->find_by_prefix(ro->context, source, &session))
		return -ENOENT;
	if (!session_may(ro, &session))
		return -EACCES;
	side_from_session(&sides[0], &session);
	if (!side_is_eligible(ro, &sides[0]))
		return -EACCES;
	if (!side_set_id(&sides[0], &session.id))
		return -ENOSPC;
	if (ro->ops->find_by_prefix(ro->context, destination, &session)) {
		side_from_session(&sides[1], &session);
		if (sides[0].prefixes[0] == sides[1].prefixes[0])
			return -ENOENT; /* it talks to itself, or to one whose prefix it has now */
		if (!session_may(ro, &session) || !side_is_eligible(ro, &sides[1]))
			return -EACCES;
		return side_set_id(&sides[1], &session.id) ? 0 : -ENOSPC;
	}
	peer = lma_of_prefix(ro, destination);
	if (peer == NULL)
		return -ENOENT;
	sides[1].prefixes[0] = destination;
	sides[1].prefix_count = 1;
	sides[1].lma = peer->address;
	return side_is_eligible(ro, &sides[1]) && !peer->denied ? 0 : -EACCES;
}

/* What the other LMA said of its MN when they last had a pair is so, as far as we know. */
static bool is_list_trusted(const struct association *a)
{
	return a->last_failure != RO_STATUS_PREFIX && a->last_failure != RO_STATUS_NOT_ATTACHED;
}

/*
 * What was removed may come back with other MNs at other places. Another MN may have the prefix of the other LMA now:
 * that says whose it is.
 */
static bool sides_assign(struct ro *ro, struct association *a, const struct side sides[2])
{
	unsigned first = association_side_of(a, &sides[0]);
	struct side other = sides[1];

	if (!other.ours)
		ident_clear(&a->sides[1 - first].id);
	if (!other.ours && is_list_trusted(a)) { /* its LMA said more of it than the packet */
		memcpy(other.prefixes, a->sides[1 - first].prefixes, sizeof(other.prefixes));
		other.prefix_count = a->sides[1 - first].prefix_count;
		other.ipv4 = a->sides[1 - first].ipv4;
	}
	return association_assign(ro, a, first, &sides[0]) == 0 && association_assign(ro, a, 1 - first, &other) == 0;
}

static struct association *pair_make(struct ro *ro, uint64_t source, uint64_t destination, int *error)
{
	struct association *a = NULL;
	struct side sides[2];

	*error = make_sides(ro, source, destination, sides);
	if (*error == 0) {
		a = association_find_overlap(ro, &sides[0], &sides[1]);
		if (a == NULL)
			a = association_create(ro, &sides[0], &sides[1]);
		else if (a->state == RO_STATE_FALLBACK && !sides_assign(ro, a, sides))
			a = NULL;
		*error = a != NULL ? 0 : -ENOSPC;
	}
	ident_clear(&sides[0].id);
	ident_clear(&sides[1].id);
	return a;
}

int lma_trigger(struct ro *ro, uint64_t source, uint64_t destination, bool operator_asks)
{
	int error;
	struct association *a = pair_make(ro, source, destination, &error);
	struct ro_session session;
	unsigned to;

	if (a == NULL)
		return error;
	if (a->state == RO_STATE_PENDING || a->state == RO_STATE_ACTIVE)
		return -EALREADY;
	if (!operator_asks && a->hold_down_ms > ro_ms(ro))
		return -EACCES;
	if (!ro->ops->find_by_prefix(ro->context, source, &session))
		return -ENOENT;
	if (lacks_ro(ro, a)) {
		if (a->state == RO_STATE_NONE)
			association_destroy(ro, a);
		return -EOPNOTSUPP;
	}
	to = association_side(a, source) == 0 ? 1 : 0;
	a->state = RO_STATE_NONE;
	do
		a->id = (uint32_t)ro->host->ops->random(ro->host);
	while (a->id == 0);
	a->proxy = ro->config.proxy;
	a->early = ro->config.early;
	a->lifetime_s = ro->config.lifetime_s;
	a->controller = a->sides[0].ours && a->sides[1].ours;
	a->hold_down_ms = 0;
	ro->stats.triggers++;
	pair_note(ro, a, operator_asks ? RO_EVENT_ASKED : RO_EVENT_TRIGGERED, 0);
	update_start(ro, a, to, RO_REASON_NEW_FLOW, false);
	return 0;
}

/* ---- Inits ---- */

static uint8_t hint_status(int error)
{
	switch (error) {
	case 0: return RO_STATUS_CREATED;
	case -EACCES: return RO_STATUS_PROHIBITED;
	case -ENOSPC: return RO_STATUS_NO_RESOURCES;
	default: return RO_STATUS_UNRESOLVED;
	}
}

bool is_told_right(const struct ro_tuple *told, const struct ro_session *session)
{
	bool is_id = told->id.length == session->id.length &&
		     memcmp(told->id.data, session->id.data, session->id.length) == 0;

	return is_id && (!told->has_mag || same_address(&told->mag, &session->mag));
}

/* A MAG asks for its MN's flow (G.6.11): a hint. */
static void hint_in(struct ro *ro, struct ro_request *request)
{
	const struct ro_tuple *tuples = request->body.tuples;
	struct ro_session session;
	struct association *a;
	struct side to, from;
	int error;

	if (!side_from_tuple(&to, &tuples[0]) || !side_from_tuple(&from, &tuples[1]) || to.prefix_count == 0 ||
		from.prefix_count == 0) {
		request_refuse(ro, NULL, request, RO_STATUS_MALFORMED);
		return;
	}
	if (!ro->ops->find_by_prefix(ro->context, from.prefixes[0], &session) ||
		!same_address(&session.mag, &request->datagram->source) || !is_told_right(&tuples[1], &session)) {
		ro->stats.value_mismatch++;
		request_refuse(ro, NULL, request, RO_STATUS_NOT_AUTHORISED);
		return;
	}
	if (!has_room(ro, to.prefixes[0]) || !may_trigger(ro, session.prefixes[0])) {
		ro->stats.limited++;
		request_refuse(ro, NULL, request, RO_STATUS_NO_RESOURCES);
		return;
	}
	a = pair_make(ro, from.prefixes[0], to.prefixes[0], &error);
	request_refuse(ro, NULL, request, hint_status(error));
	if (error != 0)
		return;
	pair_note(ro, a, RO_EVENT_HINTED, 0);
	lma_trigger(ro, from.prefixes[0], to.prefixes[0], false);
}

uint8_t check_foreign(const struct ro *ro, const struct ro_peer *peer, const struct side *side)
{
	uint8_t status;

	if (side->prefix_count == 0 || IN6_IS_ADDR_UNSPECIFIED(&side->mag))
		return RO_STATUS_MALFORMED;
	status = check_mag(ro, &side->mag);
	if (status != RO_STATUS_ACTIVE)
		return status;
	for (unsigned i = 0; i < side->prefix_count; i++)
		if (!peer_has_prefix(peer, side->prefixes[i]))
			return RO_STATUS_NOT_AUTHORISED;
	return RO_STATUS_ACTIVE;
}

/* A path that we asked for is not complete, whether the other LMA answered (and leads) or not. */
static bool asks_for_path(const struct association *a)
{
	bool asked = a->step == STEP_ASK || a->step == STEP_FOLLOW_WAIT || a->step == STEP_FOLLOW_SETUP ||
		     a->step == STEP_FOLLOW_TELL;

	return asked && !a->yielded && !a->handover && a->reason != RO_REASON_REFRESH;
}

/*
 * Both LMAs have asked: the greater address controls (G.6.8), also if the other one's Init was overtaken by its answer
 * to ours. With our own identifier it is our update, which that LMA repeats.
 */
static bool wins_crossing(const struct ro *ro, const struct association *a, const struct ro_request *request)
{
	return asks_for_path(a) && (request->fixed.flags & RO_FLAG_H) == 0 && request->fixed.association != a->id &&
	       memcmp(&ro->config.address, &request->datagram->source, 16) >= 0;
}

static void supersede(struct ro *ro, struct association *a, const struct ro_request *request)
{
	ack_send(ro, a, request, RO_STATUS_SUPERSEDED, RO_FLAG_C, a->lifetime_s, NULL);
	association_commit(ro, a);
}

static void adopt(struct ro *ro, struct association *a, const struct ro_request *request, unsigned own)
{
	const struct ro_fixed *fixed = &request->fixed;
	bool crossed = (a->step == STEP_ASK && !a->handover) || a->yielded;
	bool follows = (fixed->flags & RO_FLAG_H) != 0 || fixed->value == RO_REASON_REFRESH;

	exchanges_cancel(ro, a, false);
	a->id = fixed->association;
	a->stamp = request->body.stamp;
	a->proxy = (fixed->flags & RO_FLAG_P) != 0;
	a->early = (fixed->flags & RO_FLAG_E) != 0 && ro->config.early;
	a->handover = (fixed->flags & RO_FLAG_H) != 0;
	a->reason = fixed->value;
	a->idle = 0;
	a->yielded = false;
	a->start_ms = 0;
	a->lifetime_s = fixed->lifetime_s < ro->config.lifetime_s ? fixed->lifetime_s : ro->config.lifetime_s;
	a->has_token = request->body.has_authorisation;
	a->token = request->body.authorisation;
	a->lead = (uint8_t)(follows ? 1 - own : own);
	a->moved = a->lead;
	if (!follows || a->state == RO_STATE_NONE || a->state == RO_STATE_FALLBACK)
		a->controller = (fixed->flags & RO_FLAG_C) == 0 && !crossed;
	a->forget_ms = 0;
	if (a->state != RO_STATE_ACTIVE)
		a->state = RO_STATE_PENDING;
	a->deadline_ms = ro_ms(ro) + ro->config.sequence_deadline_ms;
	association_schedule(ro, a);
	pair_note(ro, a, RO_EVENT_UPDATE, fixed->value);
}

static void accept_init(struct ro *ro, struct association *a, const struct ro_request *request, unsigned own)
{
	struct ro_body body = {.tuple_count = 2, .has_stamp = true, .stamp = request->body.stamp};
	bool leads = a->lead == own;
	const struct ro_peer *mag = peer_find(ro, &a->sides[own].mag);

	body.tuples[0] = tuple_of(&a->sides[own], true);
	body.tuples[1] = tuple_of(&a->sides[1 - own], true);
	if (!leads && !a->proxy && mag != NULL && mag->has_key) { /* our MAG gets the Setup */
		body.has_authorisation = true;
		authorisation_mint(mag, a->id, a->stamp, &a->sides[own].mag, &a->sides[own], &a->sides[1 - own],
			&body.authorisation);
	}
	ack_send(ro, a, request, RO_STATUS_CREATED, a->controller ? RO_FLAG_C : 0, a->lifetime_s, &body);
	step_enter(ro, a, leads ? STEP_LEAD_INIT : STEP_FOLLOW_WAIT);
	association_commit(ro, a);
}

/* Both MNs of an Init of another LMA: RO_STATUS_ACTIVE, or what is wrong. */
static uint8_t init_sides(struct ro *ro, const struct ro_peer *peer, const struct ro_request *request, struct side *own,
	struct side *other)
{
	const struct ro_tuple *tuples = request->body.tuples;
	uint8_t status;

	if (!side_from_tuple(other, &tuples[1]) || tuples[1].id.length == 0)
		return RO_STATUS_MALFORMED;
	other->lma = peer->address;
	status = check_foreign(ro, peer, other);
	if (status != RO_STATUS_ACTIVE)
		return status;
	if (!side_is_eligible(ro, other))
		return RO_STATUS_PREFIX;
	if (!side_set_id(other, &tuples[1].id))
		return RO_STATUS_NO_RESOURCES;
	status = side_find_own(ro, &tuples[0], own);
	if (status == RO_STATUS_ACTIVE && !side_is_eligible(ro, own))
		status = RO_STATUS_PROHIBITED;
	return status;
}

/*
 * The pair of an Init, NULL: there can be none. The other LMA may have started it with other prefixes of the same MNs:
 * who asks again and again for new ones where an MN is gets few answers (G.7).
 */
static struct association *init_association(struct ro *ro, const struct ro_request *request, const struct side *own,
	const struct side *other, uint8_t *status)
{
	struct association *a = association_find_overlap(ro, own, other);

	if (a != NULL)
		return a;
	if (request->fixed.value == RO_REASON_REFRESH) {
		*status = RO_STATUS_UNKNOWN;
		return NULL;
	}
	*status = RO_STATUS_NO_RESOURCES;
	if (may_trigger(ro, own->prefixes[0]))
		return association_create(ro, own, other);
	ro->stats.limited++;
	return NULL;
}

static void take_init(struct ro *ro, struct association *a, const struct ro_request *request, const struct side *own,
	const struct side *other)
{
	unsigned side = 1 - foreign_side(a);

	if (association_assign(ro, a, side, own) != 0 || association_assign(ro, a, 1 - side, other) != 0) {
		request_refuse(ro, a, request, RO_STATUS_NO_RESOURCES);
		return;
	}
	adopt(ro, a, request, side);
	accept_init(ro, a, request, side);
}

static void init_of_lma(struct ro *ro, const struct ro_peer *peer, struct ro_request *request)
{
	bool follows = (request->fixed.flags & RO_FLAG_H) != 0 || request->fixed.value == RO_REASON_REFRESH;
	struct side own = {.prefix_count = 0}, other = {.prefix_count = 0};
	uint8_t status = init_sides(ro, peer, request, &own, &other);
	bool names_all = status == RO_STATUS_ACTIVE && names_all_prefixes(ro, &own);
	struct association *a = names_all ? init_association(ro, request, &own, &other, &status) : NULL;

	if (status == RO_STATUS_ACTIVE && !names_all) {
		tell_all_prefixes(ro, request, &own);
	} else if (a == NULL) {
		request_refuse(ro, NULL, request, status);
	} else if (!ack_repeat(ro, a, request)) {
		bool wins = wins_crossing(ro, a, request);
		bool crosses = (a->step == STEP_ASK || a->yielded || wins) && !follows;

		if (request->body.stamp <= a->stamp && !crosses)
			request_refuse(ro, a, request, RO_STATUS_OUT_OF_WINDOW);
		else if (wins)
			supersede(ro, a, request);
		else
			take_init(ro, a, request, &own, &other);
	}
	ident_clear(&own.id);
	ident_clear(&other.id);
}

void lma_request_in(struct ro *ro, struct ro_request *request)
{
	const struct ro_peer *peer = peer_find(ro, &request->datagram->source);

	switch (request->fixed.code) {
	case RO_INIT:
		if (request->fixed.lifetime_s == 0) { /* ends the pair, as a Report does */
			request->fixed.value = RO_STATUS_REMOVED;
			lma_report_in(ro, peer, request);
		} else if (peer->role == RO_ROLE_MAG)
			hint_in(ro, request);
		else
			init_of_lma(ro, peer, request);
		break;
	case RO_REPORT: lma_report_in(ro, peer, request); break;
	default: request_refuse(ro, NULL, request, RO_STATUS_NOT_AUTHORISED); break; /* an LMA gets no Setup */
	}
}

/* ---- Acks ---- */

/* Again with a stamp that nobody has seen. By us now, whoever began it. */
static void repeat_with_greater_stamp(struct ro *ro, struct association *a, const struct ro_body *theirs)
{
	if (a->attempts++ >= TRIES_WITH_GREATER_STAMP) {
		update_fail(ro, a, RO_STATUS_OUT_OF_WINDOW);
		return;
	}
	if (theirs->has_stamp && theirs->stamp > a->stamp && !stamp_is_ahead(ro, theirs->stamp))
		a->stamp = theirs->stamp;
	update_start(ro, a, a->lead, a->reason, a->handover);
}

/* The Ack of the other LMA's to an Init: who controls, where its MN is, and the token. Or what is wrong with it. */
static uint8_t ask_answered(struct ro *ro, struct association *a, const struct ro_request *ack)
{
	unsigned foreign = foreign_side(a);
	const struct ro_tuple *tuple = &ack->body.tuples[0];
	struct side told;

	if (!side_from_tuple(&told, tuple))
		return RO_STATUS_NOT_AUTHORISED;
	if (tuple->id.length > 0 && a->sides[foreign].id.length == 0 && !side_set_id(&a->sides[foreign], &tuple->id))
		return RO_STATUS_NO_RESOURCES;
	if (tuple->has_mag) {
		uint8_t status = check_mag(ro, &tuple->mag);

		if (status != RO_STATUS_ACTIVE)
			return status;
		a->sides[foreign].mag = tuple->mag;
	}
	if (told.ipv4.length != 0)
		a->sides[foreign].ipv4 = told.ipv4;
	a->controller = (ack->fixed.flags & RO_FLAG_C) == 0;
	a->has_token = ack->body.has_authorisation;
	a->token = ack->body.authorisation;
	return RO_STATUS_ACTIVE;
}

/*
 * The other LMA's MN has other prefixes than when they last had a pair: that is no failure of this one. The next packet
 * says one that it has now (sides_assign()).
 */
static bool asked_with_old_list(const struct association *a, uint8_t status)
{
	const struct side *foreign = &a->sides[foreign_side(a)];

	return a->step == STEP_ASK && (status == RO_STATUS_NOT_ATTACHED || status == RO_STATUS_PREFIX) &&
	       foreign->prefix_count > 1 && is_list_trusted(a);
}

void lma_ack_in(struct ro *ro, struct association *a, const struct exchange *exchange, struct ro_request *ack)
{
	uint8_t status = ack->fixed.value;

	if (exchange->removal)
		return;
	if (status == RO_STATUS_SUPERSEDED) { /* the other LMA's own Init comes, or the deadline */
		a->deadline_ms = ro_ms(ro) + ro->config.sequence_deadline_ms;
		a->step = STEP_FOLLOW_WAIT;
		a->yielded = true;
		return;
	}
	if (status == RO_STATUS_OUT_OF_WINDOW && (a->step == STEP_ASK || a->step == STEP_LEAD_INIT)) {
		repeat_with_greater_stamp(ro, a, &ack->body);
		return;
	}
	if (status == RO_STATUS_NOT_ATTACHED && a->handover && (!a->sides[0].ours || !a->sides[1].ours)) {
		/* Both MNs move; the other LMA is about to say where its MN is (G.6.9), if it must, once more. */
		a->last_failure = status;
		a->deadline_ms = ro_ms(ro) + (uint64_t)OTHER_MOVE_TIMEOUTS * ro->config.ack_timeout_ms;
		association_schedule(ro, a);
		return;
	}
	if (status == RO_STATUS_PREFIX && a->step == STEP_ASK && learn_all_prefixes(ro, a, ack))
		return;
	if (asked_with_old_list(a, status)) {
		update_remove(ro, a, status);
		return;
	}
	if (!RO_FAILED(status) && a->step == STEP_ASK) {
		uint8_t wrong = ask_answered(ro, a, ack);

		if (wrong != RO_STATUS_ACTIVE)
			status = wrong;
	}
	if (RO_FAILED(status)) {
		update_fail(ro, a, status);
		return;
	}
	if (ack->fixed.lifetime_s != 0 && ack->fixed.lifetime_s < a->lifetime_s)
		a->lifetime_s = ack->fixed.lifetime_s;
	if (status == RO_STATUS_IDLE)
		a->idle |= (uint8_t)(1 << (a->step == STEP_FOLLOW_SETUP ? 1 - a->lead : a->lead));
	step_next(ro, a);
	association_commit(ro, a);
}

/* ---- sessions and time ---- */

/* @renewed: it is where it was, and its MAG gave its half of the pair up in between. */
static void session_moved(struct ro *ro, struct association *a, uint64_t prefix, bool renewed)
{
	int side = association_side(a, prefix);
	struct ro_session session;
	bool same;

	if (a->state == RO_STATE_FALLBACK)
		removal_follows(ro, a, (unsigned)side);
	if (a->state != RO_STATE_ACTIVE && a->state != RO_STATE_PENDING)
		return;
	if (!ro->ops->find_by_prefix(ro->context, prefix, &session) || !session_may(ro, &session)) {
		update_remove(ro, a, RO_STATUS_NOT_ATTACHED);
		return;
	}
	same = same_address(&session.mag, &a->sides[side].mag);
	if (same && !renewed)
		return;
	if (!same)
		returns_begin(ro, a, (unsigned)side, &session.former_mag);
	a->attempts = 0;
	update_start(ro, a, (unsigned)side, RO_REASON_HANDOVER_A, true);
}

/* Its pairs are about any of its prefixes: it may have had others when they began. */
static void session_is_up(struct ro *ro, uint64_t prefix)
{
	struct ro_session session;
	struct association *a;

	if (!ro->ops->find_by_prefix(ro->context, prefix, &session))
		return;
	for (unsigned i = 0; i < session.prefix_count; i++) {
		for (uint32_t at = 0; (a = association_of(ro, session.prefixes[i], &at)) != NULL;) {
			if (a->held_for_mn)
				a->hold_down_ms = 0;
			if (a->state == RO_STATE_FALLBACK)
				removal_follows(ro, a, (unsigned)association_side(a, session.prefixes[i]));
		}
	}
}

void lma_session_changed(struct ro *ro, uint64_t prefix, enum ro_session_change change)
{
	struct association *a;
	uint32_t at = 0;

	if (change == RO_SESSION_UP)
		session_is_up(ro, prefix);
	while (change != RO_SESSION_UP && (a = association_of(ro, prefix, &at)) != NULL) {
		if (a->held_for_mn && change != RO_SESSION_DOWN)
			a->hold_down_ms = 0;
		if (change == RO_SESSION_MOVED || change == RO_SESSION_RENEWED)
			session_moved(ro, a, prefix, change == RO_SESSION_RENEWED);
		else if (change == RO_SESSION_DOWN && (a->state == RO_STATE_ACTIVE || a->state == RO_STATE_PENDING))
			update_remove(ro, a, RO_STATUS_NOT_ATTACHED);
	}
}

void lma_timeout(struct ro *ro, struct association *a, const struct exchange *exchange)
{
	(void)exchange;
	if (a->state == RO_STATE_PENDING || a->state == RO_STATE_ACTIVE)
		update_fail(ro, a, RO_STATUS_TIMED_OUT);
}

void lma_fire(struct ro *ro, struct association *a)
{
	uint64_t now_ms = ro_ms(ro);

	returns_fire(ro, a);
	if (a->forget_ms != 0 && a->forget_ms <= now_ms) {
		association_destroy(ro, a);
	} else if (a->start_ms != 0 && a->start_ms <= now_ms) {
		update_start(ro, a, a->lead, a->reason, false);
	} else if (a->deadline_ms != 0 && a->deadline_ms <= now_ms) {
		update_fail(ro, a, a->last_failure != 0 ? a->last_failure : RO_STATUS_TIMED_OUT);
	} else if (a->expires_ms != 0 && a->expires_ms <= now_ms) {
		a->expires_ms = 0;
		if (a->controller) {
			unsigned lead = a->sides[a->lead].ours ? a->lead : 1u - a->lead;

			update_start(ro, a, lead, RO_REASON_REFRESH, false);
		} else {
			ro->stats.expiries++;
			pair_note(ro, a, RO_EVENT_EXPIRED, 0);
			update_remove(ro, a, RO_STATUS_TIMED_OUT);
		}
	} else {
		association_schedule(ro, a);
	}
}
