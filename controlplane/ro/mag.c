/* SPDX-License-Identifier: BSD-3-Clause */
/* The MAG role: two halves of forwarding state per MN of a pair (wire-formats G.6.1). */
#include <string.h>

#include "ro/internal.h"

#define TOKEN_AGE_S 60
/* RO Tunnel option (G.5): 0 as between MAG and LMA, 1 in IPv6, which that is. */
#define TUNNEL_MODE_IPV6 1

/* The side that a pair is about at this MAG: ours; with both ours the one named first in the last Init or Setup. */
static unsigned own_side(const struct association *a)
{
	return a->sides[a->lead].ours ? a->lead : 1u - a->lead;
}

static void set_state(struct ro *ro, struct association *a, enum ro_state state)
{
	if (a->state != RO_STATE_ACTIVE && state == RO_STATE_ACTIVE)
		ro->stats.active++;
	if (a->state == RO_STATE_ACTIVE && state != RO_STATE_ACTIVE)
		ro->stats.active--;
	a->state = (uint8_t)state;
}

static void set_active(struct ro *ro, struct association *a)
{
	set_state(ro, a, RO_STATE_ACTIVE);
	a->deadline_ms = a->confirm_ms = 0;
	pair_note(ro, a, RO_EVENT_ACTIVE, 0);
	a->expires_ms = a->lifetime_s == UINT16_MAX ? 0 : ro_ms(ro) + (uint64_t)a->lifetime_s * 1000;
	association_schedule(ro, a);
}

void mag_report_side(struct ro *ro, struct association *a, unsigned own, uint8_t status, uint16_t lifetime_s)
{
	struct request_spec spec = {.to = a->sides[own].lma,
		.code = RO_REPORT,
		.value = status,
		.flags = (uint8_t)((a->proxy ? RO_FLAG_P : 0) | (a->handover ? RO_FLAG_H : 0)),
		.tuple_a = (uint8_t)own,
		.lifetime_s = lifetime_s,
		.both_mags = true};

	request_send(ro, a, &spec);
}

void mag_report(struct ro *ro, struct association *a, uint8_t status, uint16_t lifetime_s)
{
	unsigned own = own_side(a);

	if (a->sides[own].ours) /* who left is its LMA's: it knows */
		mag_report_side(ro, a, own, status, lifetime_s);
}

static void give_up(struct ro *ro, struct association *a, uint8_t status)
{
	if (status == RO_STATUS_TIMED_OUT && a->rolled_back)
		status = RO_STATUS_ROLLED_BACK;
	exchanges_cancel(ro, a, false);
	a->last_failure = status;
	association_fall_back(ro, a, status);
	mag_report(ro, a, status, 0);
	association_commit(ro, a);
}

/* ---- checks ---- */

/*
 * The other MN: at a MAG of the domain, or here as well; of a removal, whose sender may know no more of it than a
 * prefix, anywhere. @left: we have a session of it here, and hear that it is elsewhere: it may have left without our
 * notice.
 */
static uint8_t find_other(struct ro *ro, const struct ro_request *request, struct side *other, bool *left)
{
	const struct ro_tuple *tuple = &request->body.tuples[1];
	bool is_removal = request->fixed.lifetime_s == 0;
	struct ro_session session;
	uint8_t status;

	if (!side_from_tuple(other, tuple))
		return RO_STATUS_PREFIX;
	if (IN6_IS_ADDR_UNSPECIFIED(&other->mag) && request->fixed.code == RO_SETUP && !is_removal)
		other->mag = request->datagram->source;
	if (other->prefix_count == 0 ||
		(!is_removal && (tuple->id.length == 0 || IN6_IS_ADDR_UNSPECIFIED(&other->mag))))
		return RO_STATUS_MALFORMED;
	if (!side_is_eligible(ro, other))
		return RO_STATUS_PREFIX;
	if (same_address(&other->mag, &ro->config.address)) /* what holds of the MN of tuple A holds of it */
		return side_find_own(ro, tuple, other);
	status = is_removal ? RO_STATUS_ACTIVE : check_mag(ro, &other->mag);
	if (status != RO_STATUS_ACTIVE)
		return status;
	for (unsigned i = 0; i < other->prefix_count; i++) {
		if (prefix_is_infrastructure(ro, other->prefixes[i]))
			return RO_STATUS_PREFIX;
		*left = *left || ro->ops->find_by_prefix(ro->context, other->prefixes[i], &session);
	}
	return side_set_id(other, &tuple->id) ? RO_STATUS_ACTIVE : RO_STATUS_NO_RESOURCES;
}

/* A Setup comes from the MN's LMA, or from the other MN's MAG with a token of that LMA. */
static uint8_t check_setup_sender(
	const struct ro *ro, const struct ro_request *request, const struct side *own, const struct side *other)
{
	const struct in6_addr *source = &request->datagram->source;
	const struct ro_peer *lma = peer_find(ro, &own->lma);
	const struct ro_body *body = &request->body;

	if (same_address(source, &own->lma))
		return RO_STATUS_ACTIVE;
	if (request->fixed.flags & RO_FLAG_P || !same_address(source, &other->mag))
		return RO_STATUS_NOT_AUTHORISED;
	if (ro->config.trust_peers)
		return RO_STATUS_ACTIVE;
	if (lma == NULL || !body->has_authorisation || (body->stamp >> 16) + TOKEN_AGE_S < stamp_now(ro) >> 16)
		return RO_STATUS_NOT_AUTHORISED;
	return authorisation_is_valid(lma, &body->authorisation, request->fixed.association, body->stamp,
		       &ro->config.address, own, other)
		       ? RO_STATUS_ACTIVE
		       : RO_STATUS_NOT_AUTHORISED;
}

/* ---- Init and Setup ---- */

static void adopt(const struct ro *ro, struct association *a, const struct ro_request *request, unsigned own)
{
	const struct ro_fixed *fixed = &request->fixed;

	a->id = fixed->association;
	a->stamp = request->body.stamp;
	a->proxy = (fixed->flags & RO_FLAG_P) != 0;
	a->handover = (fixed->flags & RO_FLAG_H) != 0;
	a->reason = fixed->value;
	a->lifetime_s = fixed->lifetime_s < ro->config.lifetime_s ? fixed->lifetime_s : ro->config.lifetime_s;
	a->lead = (uint8_t)own;
	a->forget_ms = a->linger_ms = 0;
	a->rolled_back = false;
	pair_note(ro, a, RO_EVENT_UPDATE, fixed->value);
}

/* Once per update: what was sent and taken direct since the last one that counted. */
static void count_packets(struct ro *ro, struct association *a, bool is_refresh)
{
	const struct ro_hooks *hooks = &ro->config.hooks;
	uint64_t packets = hooks->pair_packets != NULL ? hooks->pair_packets(hooks->context, a->index) : UINT64_MAX;

	if (a->state == RO_STATE_ACTIVE && !is_refresh)
		return; /* a handover is no use of the path */
	a->idle = is_refresh && packets != UINT64_MAX && packets == a->packets ? 3 : 0;
	a->packets = packets;
}

static uint8_t refreshed(const struct association *a)
{
	return a->idle != 0 ? RO_STATUS_IDLE : RO_STATUS_REFRESHED;
}

/* Sides of an existing association as the message has them; what is installed under other prefixes goes. */
static int take_sides(
	struct ro *ro, struct association *a, unsigned own, const struct side *mine, const struct side *other)
{
	bool same = a->sides[own].prefix_count == mine->prefix_count &&
		    a->sides[1 - own].prefix_count == other->prefix_count &&
		    memcmp(a->sides[own].prefixes, mine->prefixes, sizeof(mine->prefixes)) == 0 &&
		    memcmp(a->sides[1 - own].prefixes, other->prefixes, sizeof(other->prefixes)) == 0;
	bool local = same_address(&other->mag, &ro->config.address);

	if (!local && a->sides[1 - own].rx) { /* it was ours, and its peer of then is of no more use */
		a->sides[1 - own].tx = a->sides[1 - own].rx = false;
		association_apply(ro, a);
	}
	if (!same || local != a->local) {
		bool tx[2] = {a->sides[0].tx, a->sides[1].tx};
		bool linger = same && local; /* what is under way from the peer MAG, which may not know yet */

		for (unsigned i = 0; i < 2; i++) {
			a->sides[i].tx = false;
			a->sides[i].rx = a->sides[i].rx && linger;
		}
		association_apply(ro, a);
		for (unsigned i = 0; i < 2; i++)
			a->sides[i].tx = tx[i] && same && a->state == RO_STATE_ACTIVE && !local;
	}
	if (association_assign(ro, a, own, mine) != 0 || association_assign(ro, a, 1 - own, other) != 0)
		return -1;
	return association_set_peer(ro, a, &other->mag);
}

static void release_back(struct ro *ro, struct association *a)
{
	if (a->back == INDEX_NONE)
		return;
	association_retire(ro, a, a->back, true);
	a->back = INDEX_NONE;
}

static void send_setup(struct ro *ro, struct association *a, unsigned own)
{
	uint8_t reason = a->reason;
	struct request_spec spec = {.to = a->sides[1 - own].mag,
		.code = RO_SETUP,
		.flags = a->handover ? RO_FLAG_H : 0,
		.tuple_a = (uint8_t)(1 - own),
		.lifetime_s = a->lifetime_s,
		.token = a->has_token ? &a->token : NULL,
		.pbu = ro->config.pbu_for_setup};

	if (reason == RO_REASON_HANDOVER_A)
		reason = RO_REASON_HANDOVER_B;
	else if (reason == RO_REASON_HANDOVER_B)
		reason = RO_REASON_HANDOVER_A;
	spec.value = reason;
	request_send(ro, a, &spec);
}

static void init_accepted(
	struct ro *ro, struct association *a, const struct ro_request *request, unsigned own, bool peer_changed)
{
	bool early = (request->fixed.flags & RO_FLAG_E) != 0 && ro->config.early;
	bool refresh = a->reason == RO_REASON_REFRESH && !peer_changed && a->state == RO_STATE_ACTIVE;
	bool direct_local = a->local && !a->proxy;
	struct side *side = &a->sides[own];
	uint8_t status = refresh ? refreshed(a) : early ? RO_STATUS_ACTIVE : RO_STATUS_CREATED;

	a->has_token = request->body.has_authorisation;
	a->token = request->body.authorisation;
	if (a->local)
		a->sides[0].tx = a->sides[1].tx = direct_local || (refresh && a->sides[own].tx);
	else
		side->tx = refresh || early;
	side->rx = side->rx || !a->local;
	if (refresh) {
		set_active(ro, a);
	} else {
		set_state(ro, a, RO_STATE_INSTALLED);
		a->expires_ms = 0;
		a->deadline_ms = ro_ms(ro) + ro->config.pending_lifetime_ms;
		a->confirm_ms = early ? ro_ms(ro) + ro->config.esa_confirm_ms : 0;
		association_schedule(ro, a);
	}
	association_apply(ro, a);
	release_back(ro, a);
	ack_send(ro, a, request, status, 0, a->lifetime_s, NULL);
	if (direct_local) {
		set_active(ro, a);
		mag_report(ro, a, refresh && a->idle != 0 ? RO_STATUS_IDLE : RO_STATUS_ACTIVE, a->lifetime_s);
	} else if (!a->proxy) {
		send_setup(ro, a, own);
	}
}

static void setup_accepted(struct ro *ro, struct association *a, const struct ro_request *request, unsigned own)
{
	a->sides[own].tx = true;
	a->sides[own].rx = a->sides[own].rx || !a->local;
	set_active(ro, a);
	association_apply(ro, a);
	release_back(ro, a);
	ack_send(ro, a, request, a->reason == RO_REASON_REFRESH ? refreshed(a) : RO_STATUS_ACTIVE, 0, a->lifetime_s,
		NULL);
}

static bool is_lma_of(const struct ro *ro, const struct in6_addr *source, const struct side *side)
{
	struct ro_session session;

	return same_address(source, &side->lma) || (ro->ops->find_by_prefix(ro->context, side->prefixes[0], &session) &&
							   same_address(source, &session.lma));
}

/*
 * The LMA of the MN, that of then or that of now; for a PBU who may set up. Of either MN, while it is ours: the one
 * that is named may be on its way to us, and then nobody here knows its LMA yet.
 */
static bool may_remove(
	const struct ro *ro, const struct ro_request *request, const struct association *a, unsigned side)
{
	const struct in6_addr *source = &request->datagram->source;
	const struct side *own = &a->sides[side], *other = &a->sides[1 - side];

	if (request->pbu != NULL)
		return check_setup_sender(ro, request, own, other) == RO_STATUS_ACTIVE;
	return is_lma_of(ro, source, own) || (other->ours && is_lma_of(ro, source, other));
}

/*
 * The removal of a pair that we do not know has overtaken what sets it up: it is kept as a tombstone (G.6.3). Its
 * sender is the LMA of our MN.
 */
static struct association *unknown_make(struct ro *ro, const struct ro_request *request)
{
	struct side own = {.prefix_count = 0}, other = {.prefix_count = 0};
	struct association *a = NULL;
	bool left = false;

	if (request->pbu == NULL && side_find_own(ro, &request->body.tuples[0], &own) == RO_STATUS_ACTIVE &&
		same_address(&request->datagram->source, &own.lma) &&
		find_other(ro, request, &other, &left) == RO_STATUS_ACTIVE && own.prefixes[0] != other.prefixes[0])
		a = association_create(ro, &own, &other);
	if (a != NULL)
		a->id = request->fixed.association;
	ident_clear(&own.id);
	ident_clear(&other.id);
	return a;
}

static void removal_in(struct ro *ro, struct ro_request *request)
{
	struct association *a = NULL;
	struct side own, other;

	if (side_from_tuple(&own, &request->body.tuples[0]) && side_from_tuple(&other, &request->body.tuples[1]) &&
		own.prefix_count > 0 && other.prefix_count > 0) {
		a = association_find_overlap(ro, &own, &other);
		if (a == NULL)
			a = unknown_make(ro, request);
	}
	if (a == NULL) {
		request_refuse(ro, NULL, request, RO_STATUS_REMOVED);
		return;
	}
	if (!may_remove(ro, request, a, association_side_of(a, &own))) {
		request_refuse(ro, NULL, request, RO_STATUS_NOT_AUTHORISED);
	} else if (ack_repeat(ro, a, request)) {
		return;
	} else if (request->body.stamp < a->stamp) {
		request_refuse(
			ro, a, request, a->state == RO_STATE_FALLBACK ? RO_STATUS_REMOVED : RO_STATUS_OUT_OF_WINDOW);
	} else {
		a->stamp = request->body.stamp;
		exchanges_cancel(ro, a, true);
		ro->stats.removals++;
		association_fall_back(ro, a, RO_STATUS_REMOVED);
		ack_send(ro, a, request, RO_STATUS_REMOVED, 0, 0, NULL);
		association_commit(ro, a);
	}
}

/*
 * Another pair than @a may have packets of these sides, of the time when one of them had other prefixes: what only
 * lingers makes way, for what is newer than its end. RO_STATUS_ACTIVE, or what is wrong and *@in_way.
 */
static uint8_t make_way(struct ro *ro, const struct association *a, uint64_t stamp, const struct side *mine,
	const struct side *other, struct association **in_way)
{
	for (unsigned i = 0; i < mine->prefix_count; i++) {
		struct association *former;
		uint32_t at = 0;

		while ((former = association_of(ro, mine->prefixes[i], &at)) != NULL) {
			if (former == a || !association_overlaps(former, mine, other))
				continue;
			if (former->state != RO_STATE_FALLBACK)
				return RO_STATUS_NO_RESOURCES;
			if (stamp <= former->stamp) {
				*in_way = former;
				return RO_STATUS_OUT_OF_WINDOW;
			}
			if (former->linger_ms != 0)
				mag_drop_receiving(ro, former);
		}
	}
	return RO_STATUS_ACTIVE;
}

/* Is it the turn of the update for this pair (NULL: a new one)? RO_STATUS_ACTIVE, or what is wrong. */
static uint8_t check_turn(const struct association *a, const struct ro_request *request)
{
	bool is_refresh = request->fixed.code == RO_INIT && request->fixed.value == RO_REASON_REFRESH;

	if (a != NULL && request_is_old(a, request))
		return RO_STATUS_OUT_OF_WINDOW;
	if (a != NULL && a->forget_ms != 0 && request->body.stamp == a->stamp) /* removed with this very stamp */
		return RO_STATUS_OUT_OF_WINDOW;
	if (is_refresh && (a == NULL || a->state == RO_STATE_FALLBACK)) /* the controller believes what is not so */
		return RO_STATUS_UNKNOWN;
	return RO_STATUS_ACTIVE;
}

static void update_in(struct ro *ro, struct ro_request *request, struct side *mine, struct side *other)
{
	struct association *a = association_find(ro, mine->prefixes[0], other->prefixes[0]), *in_way = NULL;
	bool is_init = request->fixed.code == RO_INIT, peer_changed;
	uint8_t status;
	unsigned own;

	if (a != NULL && ack_repeat(ro, a, request))
		return;
	status = check_turn(a, request);
	if (status == RO_STATUS_ACTIVE)
		status = make_way(ro, a, request->body.stamp, mine, other, &in_way);
	if (status == RO_STATUS_ACTIVE && a == NULL) {
		a = association_create(ro, mine, other);
		status = a != NULL ? RO_STATUS_ACTIVE : RO_STATUS_NO_RESOURCES;
	}
	if (status != RO_STATUS_ACTIVE) {
		request_refuse(ro, a != NULL ? a : in_way, request, status);
		return;
	}
	own = (unsigned)association_side(a, mine->prefixes[0]);
	if (request->body.stamp > a->stamp) {
		exchanges_cancel(ro, a, true);
		count_packets(ro, a, request->fixed.value == RO_REASON_REFRESH);
	}
	peer_changed = !same_address(&a->sides[1 - own].mag, &other->mag);
	if (peer_changed || a->state == RO_STATE_NONE || a->state == RO_STATE_FALLBACK)
		a->hold = (uint8_t)(a->hold % UINT8_MAX + 1); /* until then its packets came over the LMA */
	adopt(ro, a, request, own);
	if (is_init && peer_changed) { /* TX only when the new peer is known to have RX */
		a->sides[own].tx = false;
		association_apply(ro, a);
	}
	if (take_sides(ro, a, own, mine, other) != 0) {
		a->last_failure = RO_STATUS_TUNNEL;
		association_fall_back(ro, a, RO_STATUS_TUNNEL);
		request_refuse(ro, a, request, RO_STATUS_TUNNEL);
		return;
	}
	if (is_init)
		init_accepted(ro, a, request, own, peer_changed);
	else
		setup_accepted(ro, a, request, own);
	association_commit(ro, a);
}

/*
 * Who may say that an MN that we have a session of is elsewhere: our own MN's LMA, or who has its token. Any other MAG
 * only of a pair that we know: it could take the packets for everybody who is here (G.7).
 */
static bool may_say_left(
	const struct ro *ro, const struct ro_request *request, const struct side *mine, const struct side *other)
{
	return same_address(&request->datagram->source, &mine->lma) || !ro->config.trust_peers ||
	       association_find(ro, mine->prefixes[0], other->prefixes[0]) != NULL;
}

void mag_request_in(struct ro *ro, struct ro_request *request)
{
	bool left = false;
	struct side mine = {.prefix_count = 0}, other = {.prefix_count = 0};
	uint8_t status;

	if (request->fixed.code == RO_REPORT) {
		request_refuse(ro, NULL, request, RO_STATUS_NOT_AUTHORISED);
		return;
	}
	if (request->fixed.lifetime_s == 0) {
		removal_in(ro, request);
		return;
	}
	status = request->body.tuples[0].id.length > 0 ? side_find_own(ro, &request->body.tuples[0], &mine)
						       : RO_STATUS_MALFORMED;
	if (status == RO_STATUS_ACTIVE && request->fixed.code == RO_INIT &&
		!same_address(&request->datagram->source, &mine.lma))
		status = RO_STATUS_NOT_AUTHORISED;
	if (status == RO_STATUS_ACTIVE)
		status = find_other(ro, request, &other, &left);
	if (status == RO_STATUS_ACTIVE && request->fixed.code == RO_SETUP)
		status = check_setup_sender(ro, request, &mine, &other);
	if (status == RO_STATUS_ACTIVE && mine.prefixes[0] == other.prefixes[0])
		status = RO_STATUS_MALFORMED;
	if (status == RO_STATUS_ACTIVE && request->body.has_tunnel && request->body.tunnel_mode > TUNNEL_MODE_IPV6)
		status = RO_STATUS_TUNNEL;
	if (status == RO_STATUS_ACTIVE && left && !may_say_left(ro, request, &mine, &other))
		status = RO_STATUS_PREFIX;
	if (status == RO_STATUS_ACTIVE)
		update_in(ro, request, &mine, &other);
	else
		request_refuse(ro, NULL, request, status);
	ident_clear(&mine.id);
	ident_clear(&other.id);
}

void mag_ack_in(struct ro *ro, struct association *a, const struct exchange *exchange, struct ro_request *ack)
{
	uint8_t status = ack->fixed.value;
	unsigned own = own_side(a);
	bool idle;

	if (exchange->code == RO_REPORT && status == RO_STATUS_UNKNOWN && a->state != RO_STATE_FALLBACK) {
		association_fall_back(ro, a, RO_STATUS_UNKNOWN);
		association_commit(ro, a);
	}
	if (exchange->code != RO_SETUP)
		return;
	if (RO_FAILED(status)) {
		give_up(ro, a, status);
		return;
	}
	if (ack->fixed.lifetime_s < a->lifetime_s)
		a->lifetime_s = ack->fixed.lifetime_s;
	a->sides[own].tx = true;
	set_active(ro, a);
	association_apply(ro, a);
	idle = a->reason == RO_REASON_REFRESH && a->idle != 0 && (status == RO_STATUS_IDLE || exchange->pbu);
	mag_report(ro, a, idle ? RO_STATUS_IDLE : RO_STATUS_ACTIVE, a->lifetime_s);
	association_commit(ro, a);
}

void mag_timeout(struct ro *ro, struct association *a, const struct exchange *exchange)
{
	if (exchange->code == RO_SETUP)
		give_up(ro, a, RO_STATUS_TIMED_OUT);
}
