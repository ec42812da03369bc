/* SPDX-License-Identifier: BSD-3-Clause */
/* Updates at an LMA: the steps that the driver's table names, their messages, failure and removal. */
#include <string.h>

#include "ro/internal.h"

#define REFRESH_PERCENT 75
#define UPDATES_PER_S   3 /* of one pair */

const struct driver *driver_of(const struct association *a)
{
	return a->proxy ? &driver_proxy : &driver_direct;
}

static bool is_two(const struct association *a)
{
	return !a->sides[0].ours || !a->sides[1].ours;
}

bool side_refresh(struct ro *ro, struct side *side)
{
	struct ro_session session;

	if (!side->ours)
		return true;
	for (unsigned i = 0; i < side->prefix_count; i++) {
		if (!ro->ops->find_by_prefix(ro->context, side->prefixes[i], &session))
			continue;
		side->ipv4 = session.ipv4;
		side->mag = session.mag;
		side->lma = session.lma;
		return true;
	}
	return false;
}

static uint8_t flags_of(const struct association *a)
{
	return (uint8_t)((a->proxy ? RO_FLAG_P : 0) | (a->early ? RO_FLAG_E : 0) | (a->handover ? RO_FLAG_H : 0) |
			 (a->controller ? RO_FLAG_C : 0));
}

static uint8_t reason_for(const struct association *a, unsigned tuple_a)
{
	if (!a->handover)
		return a->reason;
	return a->moved == tuple_a ? RO_REASON_HANDOVER_A : RO_REASON_HANDOVER_B;
}

/* The token for a Setup at the MAG of our side @own. */
static bool mint(struct ro *ro, const struct association *a, unsigned own, struct ro_authorisation *token)
{
	const struct side *side = &a->sides[own];
	const struct ro_peer *mag = peer_find(ro, &side->mag);

	if (mag == NULL || !mag->has_key)
		return false;
	authorisation_mint(mag, a->id, a->stamp, &side->mag, side, &a->sides[1 - own], token);
	return true;
}

static bool send_step(struct ro *ro, struct association *a, const struct request_spec *spec)
{
	struct request_spec full = *spec;

	full.flags = flags_of(a);
	full.lifetime_s = a->lifetime_s;
	return request_send(ro, a, &full);
}

static bool send_ask(struct ro *ro, struct association *a)
{
	unsigned foreign = foreign_side(a);
	struct ro_authorisation token;
	struct request_spec spec = {.to = a->sides[foreign].lma,
		.code = RO_INIT,
		.value = reason_for(a, foreign),
		.tuple_a = (uint8_t)foreign};

	/* Our MAG gets the Setup if the other one gets the Init. */
	if (!a->proxy && a->lead == foreign && mint(ro, a, 1 - foreign, &token))
		spec.token = &token;
	return send_step(ro, a, &spec);
}

static bool send_init(struct ro *ro, struct association *a)
{
	struct ro_authorisation token;
	struct request_spec spec = {
		.to = a->sides[a->lead].mag, .code = RO_INIT, .value = reason_for(a, a->lead), .tuple_a = a->lead};

	if (!a->proxy && a->has_token)
		spec.token = &a->token;
	else if (!a->proxy && !is_two(a) && mint(ro, a, 1u - a->lead, &token))
		spec.token = &token;
	return send_step(ro, a, &spec);
}

static bool send_setup(struct ro *ro, struct association *a, unsigned side)
{
	struct request_spec spec = {
		.to = a->sides[side].mag, .code = RO_SETUP, .value = reason_for(a, side), .tuple_a = (uint8_t)side};

	return send_step(ro, a, &spec);
}

static bool send_report(struct ro *ro, struct association *a, uint8_t status)
{
	unsigned foreign = foreign_side(a);
	struct request_spec spec = {.to = a->sides[foreign].lma,
		.code = RO_REPORT,
		.value = status,
		.tuple_a = (uint8_t)foreign,
		.both_mags = true};

	return send_step(ro, a, &spec);
}

static void update_done(struct ro *ro, struct association *a)
{
	uint64_t lifetime_ms = (uint64_t)a->lifetime_s * 1000;

	if (a->state != RO_STATE_ACTIVE)
		ro->stats.active++;
	if (a->handover)
		ro->stats.handovers++;
	else if (a->reason == RO_REASON_REFRESH)
		ro->stats.refreshes++;
	else
		ro->stats.setups++;
	a->state = RO_STATE_ACTIVE;
	a->deadline_ms = 0;
	a->attempts = 0;
	a->last_failure = 0;
	pair_note(ro, a, RO_EVENT_ACTIVE, 0);
	if (a->lifetime_s == UINT16_MAX)
		a->expires_ms = 0;
	else
		a->expires_ms = ro_ms(ro) + (a->controller ? lifetime_ms * REFRESH_PERCENT / 100 : lifetime_ms);
	association_schedule(ro, a);
	if (a->controller && a->idle == 3) { /* nobody uses it (G.6.6) */
		ro->stats.idle++;
		update_remove(ro, a, RO_STATUS_IDLE);
	}
}

bool lacks_ro(const struct ro *ro, const struct association *a)
{
	for (unsigned i = 0; i < 2; i++)
		if (peer_has_no_ro(ro, a->sides[i].ours ? &a->sides[i].mag : &a->sides[i].lma))
			return true;
	return false;
}

void step_enter(struct ro *ro, struct association *a, enum step step)
{
	bool sent = true;

	a->step = (uint8_t)step;
	switch (step) {
	case STEP_IDLE: update_done(ro, a); break;
	case STEP_ASK: sent = send_ask(ro, a); break;
	case STEP_LEAD_INIT: sent = send_init(ro, a); break;
	case STEP_LEAD_READY: sent = send_report(ro, a, RO_STATUS_CREATED); break;
	case STEP_LEAD_SETUP: sent = send_setup(ro, a, a->lead); break;
	case STEP_LEAD_TELL: sent = send_report(ro, a, a->idle == 3 ? RO_STATUS_IDLE : RO_STATUS_ACTIVE); break;
	case STEP_FOLLOW_SETUP: sent = send_setup(ro, a, 1u - a->lead); break;
	case STEP_FOLLOW_TELL: sent = send_report(ro, a, a->idle != 0 ? RO_STATUS_IDLE : RO_STATUS_ACTIVE); break;
	case STEP_LEAD_WAIT_MAG:
	case STEP_LEAD_WAIT_LMA:
	case STEP_FOLLOW_WAIT:
	case STEP_COUNT: break;
	}
	if (!sent) { /* the deadline ends it */
		a->last_failure = lacks_ro(ro, a) ? RO_STATUS_MODE : RO_STATUS_NO_RESOURCES;
		a->deadline_ms = ro_ms(ro) + 1;
		association_schedule(ro, a);
	}
}

void step_next(struct ro *ro, struct association *a)
{
	const struct driver *driver = driver_of(a);

	if (a->step == STEP_ASK && a->sides[a->lead].ours)
		step_enter(ro, a, STEP_LEAD_INIT);
	else
		step_enter(ro, a, is_two(a) ? driver->next_two[a->step] : driver->next_one[a->step]);
}

/*
 * An equal stamp means the same update (G.6.3), so two LMAs that begin in the same tick of the stamp must not have the
 * same: that of the LMA with the greater address is odd.
 */
static void take_new_stamp(struct ro *ro, struct association *a)
{
	const struct side *foreign = &a->sides[foreign_side(a)];
	uint64_t now = stamp_now(ro);

	a->stamp = now > a->stamp ? now : a->stamp + 1;
	if (is_two(a) && (a->stamp & 1) != (memcmp(&ro->config.address, &foreign->lma, 16) > 0))
		a->stamp++;
}

/* Updates that are no handovers: 3 a second, later ones wait (G.6.7). */
static bool has_to_wait(struct ro *ro, struct association *a)
{
	if (a->rate_end_ms <= ro_ms(ro)) {
		a->rate_end_ms = ro_ms(ro) + 1000;
		a->rate_count = 0;
	}
	if (a->rate_count >= UPDATES_PER_S)
		return true;
	a->rate_count++;
	return false;
}

static void wait_for_rate(struct ro *ro, struct association *a)
{
	ro->stats.delayed++;
	a->step = STEP_IDLE;
	a->start_ms = a->rate_end_ms;
	a->deadline_ms = 0;
	association_schedule(ro, a);
	ro->host->ops->commit(ro->host, 0, 0);
}

static bool is_bound(const struct ro *ro, const struct side *side)
{
	struct ro_session session;

	return !side->ours || ro->ops->find_by_prefix(ro->context, side->prefixes[0], &session);
}

void update_start(struct ro *ro, struct association *a, unsigned lead, uint8_t reason, bool handover)
{
	bool asks;

	exchanges_cancel(ro, a, false);
	a->idle = 0;
	a->yielded = false;
	a->start_ms = 0;
	a->has_token = false;
	a->handover = handover;
	a->moved = (uint8_t)lead;
	a->reason = reason;
	a->lead = (uint8_t)lead;
	a->forget_ms = 0;
	take_new_stamp(ro, a);
	pair_note(ro, a, RO_EVENT_UPDATE, reason);
	if (a->state != RO_STATE_ACTIVE)
		a->state = RO_STATE_PENDING;
	if (!handover && has_to_wait(ro, a)) {
		wait_for_rate(ro, a);
		return;
	}
	a->deadline_ms = ro_ms(ro) + ro->config.sequence_deadline_ms;
	association_schedule(ro, a);
	if (!is_bound(ro, &a->sides[0]) || !is_bound(ro, &a->sides[1])) {
		update_remove(ro, a, RO_STATUS_NOT_ATTACHED);
		for (unsigned i = 0; i < 2; i++)
			removal_follows(ro, a, i);
		return;
	}
	side_refresh(ro, &a->sides[0]);
	side_refresh(ro, &a->sides[1]);
	/* A controller starts at its own MAG, unless the other LMA has to authorise the Setup. */
	asks = is_two(a) && (!a->controller || (!a->proxy && !ro->config.trust_peers));
	if (asks && !handover && reason != RO_REASON_REFRESH)
		a->lead = a->sides[0].ours; /* who is asked for a new pair leads, whoever did before */
	step_enter(ro, a, asks ? STEP_ASK : STEP_LEAD_INIT);
	association_commit(ro, a);
}

static void end_active(struct ro *ro, struct association *a, uint8_t cause)
{
	if (a->state == RO_STATE_ACTIVE)
		ro->stats.active--;
	a->state = RO_STATE_FALLBACK;
	a->step = STEP_IDLE;
	a->yielded = false;
	a->deadline_ms = a->expires_ms = a->start_ms = 0;
	a->attempts = 0;
	a->forget_ms = tombstone_end(ro, a);
	pair_note(ro, a, RO_EVENT_FALLBACK, cause);
	association_schedule(ro, a);
}

/* Setup, Lifetime 0, to the MAG of our side @i. */
static void remove_at_mag(struct ro *ro, struct association *a, unsigned i)
{
	struct request_spec spec = {.to = a->sides[i].mag,
		.code = RO_SETUP,
		.value = RO_REASON_TEAR_DOWN,
		.tuple_a = (uint8_t)i,
		.flags = (uint8_t)(flags_of(a) & ~RO_FLAG_H)};

	request_send(ro, a, &spec);
}

/* To the MAGs of our sides, one each. */
static void remove_at_mags(struct ro *ro, struct association *a)
{
	bool both = a->sides[0].ours && a->sides[1].ours;

	for (unsigned i = 0; i < 2; i++) {
		if (!a->sides[i].ours || IN6_IS_ADDR_UNSPECIFIED(&a->sides[i].mag))
			continue;
		if (i == 1 && both && same_address(&a->sides[0].mag, &a->sides[1].mag))
			continue;
		remove_at_mag(ro, a, i);
	}
}

void removal_follows(struct ro *ro, struct association *a, unsigned i)
{
	struct side *side = &a->sides[i];
	struct in6_addr before = side->mag;

	if (!side->ours || !side_refresh(ro, side) || same_address(&side->mag, &before) ||
		peer_is_denied(ro, &side->mag)) /* it never had a pair */
		return;
	remove_at_mag(ro, a, i);
	association_commit(ro, a);
}

/* @is_told: it is the other LMA that removes, with its stamp. */
static void remove_pair(struct ro *ro, struct association *a, uint8_t cause, bool is_told)
{
	unsigned foreign = foreign_side(a);
	struct request_spec spec = {.to = a->sides[foreign].lma,
		.code = RO_REPORT,
		.value = cause,
		.tuple_a = (uint8_t)foreign,
		.both_mags = true};

	exchanges_cancel(ro, a, true);
	if (!is_told)
		take_new_stamp(ro, a);
	ro->stats.removals++;
	if (RO_FAILED(cause))
		a->last_failure = cause;
	a->handover = false;
	spec.flags = flags_of(a);
	remove_at_mags(ro, a);
	if (is_two(a) && !is_told)
		request_send(ro, a, &spec);
	for (unsigned i = 0; i < 2; i++) /* a MAG that does not have the MN keeps nothing: removal_follows() */
		if (a->sides[i].ours && !is_bound(ro, &a->sides[i]))
			a->sides[i].mag = in6addr_any;
	end_active(ro, a, cause);
	association_commit(ro, a);
}

void update_remove(struct ro *ro, struct association *a, uint8_t cause)
{
	remove_pair(ro, a, cause, false);
}

void update_remove_own(struct ro *ro, struct association *a, uint8_t cause)
{
	remove_pair(ro, a, cause, true);
}

void hold_down(struct ro *ro, struct association *a, uint8_t status)
{
	a->hold_down_ms = ro_ms(ro) + ro->config.hold_down_ms;
	a->held_for_mn = status == RO_STATUS_NOT_ATTACHED;
	pair_note(ro, a, RO_EVENT_HELD_DOWN, status);
}

void update_fail(struct ro *ro, struct association *a, uint8_t status)
{
	if (RO_FAILED(status) && status != RO_STATUS_OUT_OF_WINDOW) /* a newer update is no reason to wait */
		hold_down(ro, a, status);
	update_remove(ro, a, status);
}
