/* SPDX-License-Identifier: BSD-3-Clause */
/* The MAG role: what packets, its own MNs and time change. */
#include "endpoint.h"
#include "ro/internal.h"

#define HINT_HOLD_MS    5000
#define RETIRED_WAIT_MS 1000

/* A hint to the LMA (G.6.11): no state, no repetition; more traffic asks again. */
void mag_trigger(struct ro *ro, uint64_t source, uint64_t destination, struct seen_pair *seen)
{
	struct ro_session session;
	struct side from, to = {.prefix_count = 1};
	struct ro_fixed fixed = {.code = RO_INIT,
		.experimental = !ro->config.native,
		.experiment_id = ro->config.experiment_id,
		.sequence = (uint16_t)ro->host->ops->random(ro->host),
		.value = RO_REASON_NEW_FLOW,
		.lifetime_s = ro->config.lifetime_s};
	struct ro_body body = {.tuple_count = 2, .has_stamp = true, .stamp = stamp_now(ro)};
	uint8_t bytes[MH_LENGTH_SEND_MAX];
	struct mh_datagram datagram = {.source = ro->config.address, .bytes = bytes};

	if (association_find(ro, source, destination) != NULL ||
		(seen->hinted_ms != 0 && seen->hinted_ms + HINT_HOLD_MS > ro_ms(ro)) ||
		!ro->ops->find_by_prefix(ro->context, source, &session) || !session_may(ro, &session))
		return;
	side_from_session(&from, &session);
	to.prefixes[0] = destination;
	body.tuples[0] = tuple_of(&to, false);
	body.tuples[1] = tuple_of(&from, true);
	body.tuples[1].id = session.id;
	datagram.destination = session.lma;
	datagram.length = ro_encode(&fixed, &body, bytes, sizeof(bytes), &datagram.source, &datagram.destination);
	if (datagram.length == 0)
		return;
	seen->hinted_ms = ro_ms(ro);
	ro->stats.triggers++;
	ro->stats.sent[RO_INIT]++;
	ro->host->ops->send(ro->host, &datagram);
	ro->host->ops->commit(ro->host, 0, 0);
}

/* Our MN left: nothing is sent direct, and what comes for it goes back to its LMA for a while (G.6.2). */
static void own_left(struct ro *ro, struct association *a, unsigned side)
{
	struct in6_addr lma = a->sides[side].lma;

	exchanges_cancel(ro, a, true);
	a->sides[side].ours = false;
	a->hold = 0;
	pair_note(ro, a, RO_EVENT_LEFT, 0);
	if (a->local) { /* the one that stays is reached over its LMA again */
		association_fall_back(ro, a, RO_STATUS_NOT_ATTACHED);
		association_commit(ro, a);
		return;
	}
	if (a->sides[side].rx && a->back == INDEX_NONE)
		a->back = ro->ops->tunnel_acquire(ro->context, &lma);
	association_fall_back(ro, a, RO_STATUS_NOT_ATTACHED);
	association_commit(ro, a);
}

/* Every prefix of the pair is the session's. */
static bool has_all(const struct ro_session *session, const struct side *side)
{
	struct side now;

	side_from_session(&now, session);
	for (unsigned i = 0; i < side->prefix_count; i++)
		if (!side_is_about(&now, side->prefixes[i]))
			return false;
	return true;
}

/* The session may have got another first prefix, which is what leads to the pair when it ends. */
static bool take_back(struct ro *ro, struct association *a, unsigned side, const struct ro_session *session)
{
	struct side now = a->sides[side];

	now.ours = true;
	now.behind = !side_is_about(&now, session->prefixes[0]);
	if (!has_all(session, &now) || (now.behind && now.prefix_count == RO_SIDE_PREFIXES))
		return false;
	if (now.prefix_count < RO_SIDE_PREFIXES)
		now.prefixes[now.prefix_count] = now.behind ? session->prefixes[0] : ENDPOINT_NONE;
	return association_assign(ro, a, side, &now) == 0;
}

/*
 * It is back before its pair was forgotten. If the LMA has not noticed that it was away, both ends are still told
 * apart: the report ends that. If it has, the report's stamp is too old. Who has lost a prefix of the pair is not back:
 * what still comes direct returns to its LMA.
 */
static bool own_came_back(struct ro *ro, struct association *a, unsigned side, const struct ro_session *session)
{
	if (!same_address(&session->lma, &a->sides[side].lma) || !take_back(ro, a, side, session))
		return false;
	if (a->sides[side].rx) { /* what still comes is for who is here, until the report has ended it */
		a->linger_ms = ro_ms(ro) + ro->config.rx_linger_ms;
		association_schedule(ro, a);
	}
	pair_note(ro, a, RO_EVENT_RETURNED, 0);
	a->lead = (uint8_t)side;
	association_apply(ro, a);
	mag_report(ro, a, RO_STATUS_UNKNOWN, 0);
	association_commit(ro, a);
	return true;
}

/* Our MN left, and nothing else tells its LMA, nor the other end: G.6.6. */
static void own_is_kept(struct ro *ro, struct association *a, unsigned side)
{
	if (a->state != RO_STATE_FALLBACK || !same_address(&a->sides[side].mag, &ro->config.address))
		return;
	mag_report_side(ro, a, side, RO_STATUS_NOT_ATTACHED, 0);
	association_commit(ro, a);
}

/* Pairs that are about any of its prefixes: it may have had others when they began. */
static void session_is_up(struct ro *ro, uint64_t prefix)
{
	struct association *a;
	struct ro_session session;

	if (!ro->ops->find_by_prefix(ro->context, prefix, &session))
		return;
	for (unsigned i = 0; i < session.prefix_count; i++) {
		uint32_t at = 0;

		while ((a = association_of(ro, session.prefixes[i], &at)) != NULL) {
			unsigned side = (unsigned)association_side(a, session.prefixes[i]);

			if (!a->sides[side].ours && a->state == RO_STATE_FALLBACK &&
				own_came_back(ro, a, side, &session))
				at = 0; /* the index has changed */
		}
	}
}

void mag_session_changed(struct ro *ro, uint64_t prefix, enum ro_session_change change)
{
	struct association *a;
	uint32_t at = 0;

	if (change == RO_SESSION_UP)
		session_is_up(ro, prefix);
	while ((a = association_of(ro, prefix, &at)) != NULL) {
		unsigned side = (unsigned)association_side(a, prefix);

		if (!a->sides[side].ours && change == RO_SESSION_KEPT)
			own_is_kept(ro, a, side);
		if (!a->sides[side].ours)
			continue;
		if (change == RO_SESSION_DOWN)
			own_left(ro, a, side);
		else if (association_apply(ro, a))
			association_commit(ro, a);
	}
}

void mag_drop_receiving(struct ro *ro, struct association *a)
{
	a->sides[0].rx = a->sides[1].rx = false;
	pair_note(ro, a, RO_EVENT_RECEIVING_ENDED, 0);
	association_apply(ro, a);
	association_release_tunnels(ro, a);
	association_commit(ro, a);
}

static void drop_former(struct ro *ro, struct association *a)
{
	uint32_t former = a->former;

	a->former_ms = 0;
	a->former = INDEX_NONE;
	if (a->local)
		a->sides[0].rx = a->sides[1].rx = false;
	association_apply(ro, a);
	association_retire(ro, a, former, false);
	if (a->local) {
		association_retire(ro, a, a->tunnel, false);
		a->tunnel = INDEX_NONE;
	}
	association_commit(ro, a);
}

void mag_roll_back_early(struct ro *ro, struct association *a)
{
	a->rolled_back = true;
	a->confirm_ms = 0;
	pair_note(ro, a, RO_EVENT_ROLLED_BACK, 0);
	a->sides[0].tx = a->sides[1].tx = false;
	association_apply(ro, a);
	association_commit(ro, a);
}

void mag_fire(struct ro *ro, struct association *a)
{
	uint64_t now_ms = ro_ms(ro);

	if (a->confirm_ms != 0 && a->confirm_ms <= now_ms)
		mag_roll_back_early(ro, a);
	if (a->former_ms != 0 && a->former_ms <= now_ms)
		drop_former(ro, a);
	if ((a->deadline_ms != 0 && a->deadline_ms <= now_ms) || (a->expires_ms != 0 && a->expires_ms <= now_ms)) {
		ro->stats.expiries++;
		pair_note(ro, a, RO_EVENT_EXPIRED, 0);
		exchanges_cancel(ro, a, true);
		association_fall_back(ro, a, RO_STATUS_TIMED_OUT);
		association_commit(ro, a);
	}
	if (a->linger_ms != 0 && a->linger_ms <= now_ms)
		mag_drop_receiving(ro, a);
	if (a->forget_ms != 0 && a->forget_ms <= now_ms && a->retired != NULL)
		a->forget_ms = now_ms + RETIRED_WAIT_MS;
	if (a->forget_ms != 0 && a->forget_ms <= now_ms)
		association_destroy(ro, a);
	else
		association_schedule(ro, a);
}
