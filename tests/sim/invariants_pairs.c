/* SPDX-License-Identifier: BSD-3-Clause */
/* What has to hold of pairs of mobile nodes at any time (wire-formats G.6.15). */
#include "domain.h"

#include <string.h>

#include "endpoint.h"
#include "ro/sessions.h"

#define CHECK_EVERY_NS    UINT64_C(250000000) /* if nothing changes */
#define EXCHANGE_NS       UINT64_C(7500000000)
#define EXPIRY_SLACK_MS   1000
#define EARLY_SLACK_MS    300
#define DISAGREE_SLACK_MS 1500

static bool is_settled(const struct gateway *gateway)
{
	struct transactions_stats stats;

	transactions_stats(gateway->transactions, &stats);
	return owner_is_settled(gateway->owner) && stats.pending == 0;
}

static bool is_disturbed(struct domain *domain)
{
	return domain->now_ns < domain->disturbed_until_ns;
}

/* ---- (d): who sends direct is heard ---- */

static bool tunnel_goes_to(const struct gateway *gateway, uint32_t index, const struct gateway *peer)
{
	const struct fwd_tunnel *tunnel = index != INDEX_NONE ? owner_tunnel(gateway->owner, index) : NULL;

	return tunnel != NULL && memcmp(&tunnel->remote, &peer->address, 16) == 0;
}

static bool takes(const struct gateway *peer, const struct gateway *from, const struct fwd_pair *pair)
{
	const struct pair_record *rx = owner_pair(peer->owner, pair->source, pair->destination, FORWARD_PAIR_RX);

	return rx != NULL &&
	       (tunnel_goes_to(peer, rx->pair.check.tunnel, from) || tunnel_goes_to(peer, rx->pair.check.former, from));
}

static bool is_registered_at(
	struct domain *domain, const struct gateway *mag, const struct mobile *mobile, uint64_t prefix)
{
	const struct gateway *lma = domain_lma(domain, (unsigned)(mobile - domain->mobiles) % domain->config.lmas);
	struct ro_session session;

	return lma->alive && ro_lma_sessions.find_by_prefix(lma->lma, prefix, &session) &&
	       memcmp(&session.mag, &mag->address, 16) == 0;
}

/*
 * The node that has the link and MAC of an entry is there, its LMA knows, and its MAG has had the time to hear what
 * changed: one that has not noticed that it left, or lost it to a refresh of a MAG that has not, sends nothing of it;
 * and for what it sends when the node is back there is RO Error, until the LMA's update has come, or its removal after
 * an exchange that went unanswered.
 */
static bool is_there(struct domain *domain, const struct gateway *mag, struct pair_record *record)
{
	const struct mobile *mobile = &domain->mobiles[record->pair.check.from.link];

	if (!is_registered_at(domain, mag, mobile, record->pair.source))
		record->elsewhere_ns = domain->now_ns;
	return mobile->mag == (int)(mag - domain->gateways) && mobile->attached_ns + EXCHANGE_NS < domain->now_ns &&
	       (record->elsewhere_ns == 0 || record->elsewhere_ns + 2 * EXCHANGE_NS < domain->now_ns);
}

/* The LMA has the prefix at @mag, or about to be elsewhere: it tells nobody before its transaction is applied. */
static bool is_bound_to(const struct gateway *lma, uint64_t prefix, const struct gateway *mag)
{
	struct binding_view view;

	for (uint32_t from = 0; lma_binding_next(lma->lma, from, &view); from = view.index + 1)
		for (unsigned i = 0; i < view.prefix_count; i++)
			if (endpoint_id_ipv6(view.prefixes[i].prefix.s6_addr) == prefix)
				return view.state == BINDING_PENDING ||
				       (view.state != BINDING_DELETING &&
					       memcmp(&view.proxy_coa, &mag->address, 16) == 0);
	return false;
}

/*
 * The MAG @peer gave the destination up, and its LMA still has it there: the de-registration, which is sent once (RFC
 * 5213 6.9.1.3), was lost, or refused. RX lingers, then there is RO Error; the LMA tells the other end when it hears of
 * it, at the latest when the binding ends or the node is back, and that takes an exchange with the other LMA and one
 * with the sender.
 */
static bool is_given_up(struct domain *domain, const struct gateway *peer, struct pair_record *record)
{
	const struct gateway *lma = domain_lma_of(domain, record->pair.destination);
	struct ro_session session;

	if (!ro_mag_sessions.find_by_prefix(peer->mag, record->pair.destination, &session) && lma != NULL &&
		lma->alive && is_bound_to(lma, record->pair.destination, peer))
		record->given_up_ns = domain->now_ns;
	return record->given_up_ns != 0 && record->given_up_ns + 2 * EXCHANGE_NS > domain->now_ns;
}

/*
 * The destination left the MAG @peer, which was about to return what comes for it to its LMA (G.6.2), and there is no
 * way to that one: nothing can linger. The LMA is about to tell the sender that the node left or came back (G.6.6), RO
 * Error is there before it if the sender sends.
 */
static bool cannot_return(const struct gateway *peer, const struct fwd_pair *pair)
{
	struct ro_view view;

	return ro_pair_find(peer->ro, pair->source, pair->destination, &view) && view.state == RO_STATE_FALLBACK &&
	       view.last_failure == RO_STATUS_TUNNEL;
}

static void check_sender(struct domain *domain, const struct gateway *mag, struct pair_record *record)
{
	const struct fwd_tunnel *tunnel = owner_tunnel(mag->owner, record->pair.forward.tunnel);
	const struct gateway *peer = domain_gateway_at(domain, &tunnel->remote);
	uint64_t grace_ms = domain->config.ro.early ? 400 + EARLY_SLACK_MS : 0;
	bool there = is_there(domain, mag, record);
	bool given_up = peer->alive && is_given_up(domain, peer, record); /* noted while RX lingers, too */

	if (tunnel->use != TUNNEL_TO_PEER_MAG)
		domain_fail(domain, "%s sends a pair direct through the tunnel to an LMA", mag->name);
	if (peer->alive && takes(peer, mag, &record->pair)) {
		record->taken_ns = domain->now_ns;
		record->uncovered_ns = 0;
		return;
	}
	if (!peer->alive || !there || given_up || cannot_return(peer, &record->pair)) {
		record->uncovered_ns = 0;
		return;
	}
	if (record->uncovered_ns == 0)
		record->uncovered_ns = domain->now_ns;
	if (!is_disturbed(domain) && domain->now_ns - record->uncovered_ns >= grace_ms * 1000000)
		domain_fail(domain, "%s sends %016llx -> %016llx direct to %s, which does not take it", mag->name,
			(unsigned long long)record->pair.source, (unsigned long long)record->pair.destination,
			peer->name);
}

static void check_entries(struct domain *domain, struct gateway *mag)
{
	bool settled = is_settled(mag) && domain->config.faults.owner.refuse_ppm == 0;
	struct pair_record *record;
	uint32_t at = 0;

	while ((record = owner_pair_next(mag->owner, &at)) != NULL) {
		const struct forward *source, *destination;

		source = owner_endpoint(mag->owner, record->pair.source);
		destination = owner_endpoint(mag->owner, record->pair.destination);
		if ((record->pair.forward.flags & FORWARD_PAIR_TX) == 0) {
			if (settled && record->pair.forward.action == FORWARD_LOCAL && destination == NULL)
				domain_fail(
					domain, "%s takes packets direct for a node that it does not have", mag->name);
			continue;
		}
		if (settled && source == NULL)
			domain_fail(domain, "%s sends packets of a node direct that it does not have", mag->name);
		if (settled && record->pair.forward.action == FORWARD_LOCAL && destination == NULL)
			domain_fail(domain, "%s delivers to a node that it does not have", mag->name);
		if (record->pair.forward.action == FORWARD_TUNNEL)
			check_sender(domain, mag, record);
	}
}

/* ---- the engine and its tables; (c) lifetimes ---- */

static unsigned senders_of(const struct gateway *mag, const struct ro_view *view, unsigned own, bool *all)
{
	const struct ro_side_view *from = &view->sides[own], *to = &view->sides[1 - own];
	unsigned count = 0;

	for (unsigned i = 0; i < from->prefix_count; i++) {
		for (unsigned k = 0; k < to->prefix_count; k++) {
			const struct pair_record *record =
				owner_pair(mag->owner, from->prefixes[i], to->prefixes[k], FORWARD_PAIR_TX);

			/* A node that has other prefixes now has another pair. */
			count += record != NULL && record->index == view->index;
		}
	}
	*all = count == from->prefix_count * to->prefix_count;
	return count;
}

static void check_view(struct domain *domain, struct gateway *mag, const struct ro_view *view)
{
	uint64_t now_ms = domain->now_ns / 1000000;
	bool sends = (view->sides[0].ours && view->sides[0].tx) || (view->sides[1].ours && view->sides[1].tx);

	if (view->state == RO_STATE_ACTIVE && view->expires_ms != 0 && view->expires_ms + EXPIRY_SLACK_MS < now_ms)
		domain_fail(domain, "%s: pair %u is active after its lifetime", mag->name, view->index);
	if (view->expires_ms > now_ms + (uint64_t)view->lifetime_s * 1000)
		domain_fail(domain, "%s: pair %u lives longer than it may", mag->name, view->index);
	if (sends && view->state != RO_STATE_ACTIVE && view->state != RO_STATE_INSTALLED)
		domain_fail(domain, "%s: pair %u sends direct, %s", mag->name, view->index, ro_state_name(view->state));
}

static void check_engine(struct domain *domain, struct gateway *mag)
{
	bool settled = is_settled(mag) && domain->config.faults.owner.refuse_ppm == 0;
	struct ro_view view;
	unsigned senders = 0, found = 0;
	uint32_t at = 0;

	for (uint32_t from = 0; ro_pair_next(mag->ro, from, &view); from = view.index + 1) {
		check_view(domain, mag, &view);
		for (unsigned own = 0; own < 2 && settled; own++) {
			bool all, wanted = view.sides[own].ours && view.sides[own].tx;
			unsigned count = senders_of(mag, &view, own, &all);

			if (wanted != (count > 0) || (wanted && !all))
				domain_fail(domain, "%s: pair %u %s direct, and its tables have %u entries", mag->name,
					view.index, wanted ? "sends" : "does not send", count);
			senders += count;
		}
	}
	for (struct pair_record *record; settled && (record = owner_pair_next(mag->owner, &at)) != NULL;)
		found += (record->pair.forward.flags & FORWARD_PAIR_TX) != 0;
	if (settled && found != senders)
		domain_fail(domain, "%s: %u entries that send direct belong to no pair", mag->name, found - senders);
}

/* ---- (b): both send direct, or none ---- */

/* The highest stamp that anybody has of the pair: another one is another update. */
static uint64_t stamp_of(const struct domain *domain, uint64_t a, uint64_t b)
{
	struct ro_view view;
	uint64_t stamp = 0;

	for (unsigned i = 0; i < domain->gateway_count; i++)
		if (domain->gateways[i].alive && ro_pair_find(domain->gateways[i].ro, a, b, &view) &&
			view.stamp > stamp)
			stamp = view.stamp;
	return stamp;
}

static bool sends_direct(const struct domain *domain, unsigned from, unsigned to)
{
	const struct mobile *mobile = &domain->mobiles[from];
	const struct gateway *mag = &domain->gateways[mobile->mag];

	return mag->alive && owner_pair(mag->owner, mobile_endpoint(domain, from), mobile_endpoint(domain, to),
				     FORWARD_PAIR_TX) != NULL;
}

static void check_agreement(struct domain *domain, unsigned talk, const unsigned mobiles[2])
{
	struct agreement *agreement = domain_agreement(domain, talk);
	uint64_t limit_ms = 15000 + 7500 + DISAGREE_SLACK_MS, stamp;

	if (is_disturbed(domain) || !mobile_is_served(domain, mobiles[0]) || !mobile_is_served(domain, mobiles[1]) ||
		sends_direct(domain, mobiles[0], mobiles[1]) == sends_direct(domain, mobiles[1], mobiles[0])) {
		agreement->since_ns = 0;
		return;
	}
	stamp = stamp_of(domain, mobile_endpoint(domain, mobiles[0]), mobile_endpoint(domain, mobiles[1]));
	if (agreement->since_ns == 0 || stamp != agreement->stamp) {
		agreement->since_ns = domain->now_ns;
		agreement->stamp = stamp;
	}
	if (domain->now_ns - agreement->since_ns > limit_ms * 1000000)
		domain_fail(domain, "%s and %s do not agree since %.3f s", domain->mobiles[mobiles[0]].name,
			domain->mobiles[mobiles[1]].name, (double)agreement->since_ns / 1e9);
}

/* ---- when ---- */

void invariants_check_pairs(struct domain *domain)
{
	bool changed = domain->now_ns - domain->checked_ns >= CHECK_EVERY_NS;
	unsigned mobiles[2];

	for (unsigned i = 0; i < domain->gateway_count; i++) {
		struct gateway *gateway = &domain->gateways[i];
		uint64_t version = gateway->alive ? owner_pair_version(gateway->owner) : 0;

		changed = changed || version != gateway->pair_version_seen;
		gateway->pair_version_seen = version;
	}
	if (!changed)
		return;
	domain->checked_ns = domain->now_ns;
	for (unsigned i = domain->config.lmas; i < domain->gateway_count; i++) {
		if (!domain->gateways[i].alive)
			continue;
		check_entries(domain, &domain->gateways[i]);
		check_engine(domain, &domain->gateways[i]);
	}
	for (unsigned i = 0; talk_get(domain, i, mobiles); i++)
		check_agreement(domain, i, mobiles);
}
