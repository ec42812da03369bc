/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmip/mag_internal.h"

#include <errno.h>
#include <string.h>

#include "endpoint.h"
#include "format.h"
#include "log.h"

#define REJECTED             128
#define LIFETIME_UNIT_S      4
#define BACKOFF_MS           1000
#define CLOCK_BACKOFF_MS     5000
#define CLOCK_BACKOFF_MAX_MS 320000

/* What a rejection calls for (RFC 5213 section 6.9.1.2, wire-formats B.7 and B.10). */
enum rejection {
	REJECTION_GIVE_UP,  /* no service for refused_hold_s */
	REJECTION_ADMIN,    /* no service until an administrative action */
	REJECTION_LATER,    /* again with back-off */
	REJECTION_CLOCK,    /* again later: somebody has to set a clock first */
	REJECTION_PRESENCE, /* another MAG was there after us: again if the MN answers a probe */
	REJECTION_SEQUENCE, /* again at once with the next number */
	REJECTION_PREFIX,   /* again without asking for these prefixes */
};

struct rejection_row {
	uint8_t status;
	enum rejection rejection;
	const char *action;
};

static const struct rejection_row rejections[] = {
	{MH_STATUS_UNSPECIFIED, REJECTION_LATER, "see the LMA's log"},
	{MH_STATUS_INSUFFICIENT_RESOURCES, REJECTION_LATER, "check limits and pools of the LMA"},
	{MH_STATUS_DAD_FAILED, REJECTION_LATER, "see the LMA's log"},
	{MH_STATUS_SEQUENCE_OUT_OF_WINDOW, REJECTION_SEQUENCE, "none"},
	{MH_STATUS_PROXY_REG_NOT_ENABLED, REJECTION_ADMIN, "allow proxy registration, then attach it"},
	{MH_STATUS_NOT_LMA_FOR_THIS_MOBILE_NODE, REJECTION_GIVE_UP, "add the node to the LMA, or name another LMA"},
	{MH_STATUS_MAG_NOT_AUTHORIZED_FOR_PROXY_REG, REJECTION_GIVE_UP, "add this MAG to the node's mags at the LMA"},
	{MH_STATUS_NOT_AUTHORIZED_FOR_HOME_NETWORK_PREFIX, REJECTION_PREFIX, "none"},
	{MH_STATUS_TIMESTAMP_MISMATCH, REJECTION_CLOCK, "set this MAG's or the LMA's clock"},
	{MH_STATUS_TIMESTAMP_LOWER_THAN_PREV_ACCEPTED, REJECTION_PRESENCE, "none"},
	{MH_STATUS_BCE_PBU_PREFIX_SET_DO_NOT_MATCH, REJECTION_PREFIX, "none"},
};

static const struct rejection_row *rejection_row(uint8_t status)
{
	static const struct rejection_row others = {0, REJECTION_GIVE_UP, "see the LMA's log"};

	for (size_t i = 0; i < sizeof(rejections) / sizeof(rejections[0]); i++)
		if (rejections[i].status == status)
			return &rejections[i];
	return &others;
}

static uint64_t backoff_ms(struct attachment *a, uint64_t first_ms, uint64_t max_ms)
{
	uint64_t delay_ms = first_ms << a->backoff;

	if (delay_ms >= max_ms)
		return max_ms;
	a->backoff++;
	return delay_ms;
}

/* Rejected, but perhaps not for long: no forwarding, and no word to the MN (its addresses stay as they are). */
static void suspend(struct mag *mag, struct attachment *a)
{
	if (!a->installed)
		return;
	timer_stop(&mag->wheel, &a->advertise);
	forwarding_uninstall(mag, a, LINK_PENDING);
	mag->host->ops->commit(mag->host, 0, 0);
	forwarding_tell(mag, a);
}

/* 135: the LMA tells the last number that it accepted; one more try with the next one. */
static void take_sequence(struct mag *mag, struct attachment *a, uint16_t last)
{
	if (a->retried_sequence) {
		suspend(mag, a);
		signal_wait(mag, a, backoff_ms(a, BACKOFF_MS, mag->config.max_bindack_timeout_ms), false);
		return;
	}
	a->retried_sequence = true;
	a->sequence = (uint16_t)(last + 1);
	signal_again(mag, a);
}

/* The LMA does not give the prefixes that we named: what it would give instead? */
static void ask_for_others(struct mag *mag, struct attachment *a)
{
	if (a->prefixes.count == 0) {
		refuse(mag, a, false);
		return;
	}
	binding_lost(mag, a, false);
	signal_register(mag, a, HI_UNKNOWN);
}

/* A refresh that failed for a time leaves the binding as it was: it is de-registered when the MN goes. */
static bool binding_outlives(const struct mag *mag, const struct attachment *a, enum rejection rejection)
{
	return (rejection == REJECTION_LATER || rejection == REJECTION_CLOCK) && a->expires_ms > mag_ms(mag);
}

static void reject(struct mag *mag, struct attachment *a, const struct mh_message *message)
{
	uint8_t status = message->fixed.ba.status;
	const struct rejection_row *row = rejection_row(status);
	uint32_t max_ms = mag->config.max_bindack_timeout_ms;

	node_note(mag, a, HISTORY_rejected, status);
	log_warning("pba_rejected", "mn=%s peer=%s status=%u cause=%s action=\"%s\"", node_name(a),
		node_lma(mag, a)->name, status, mh_status_name(status), row->action);
	if (row->rejection != REJECTION_SEQUENCE)
		a->bound = binding_outlives(mag, a, row->rejection);
	switch (row->rejection) {
	case REJECTION_GIVE_UP: refuse(mag, a, false); break;
	case REJECTION_ADMIN: refuse(mag, a, true); break;
	case REJECTION_SEQUENCE: take_sequence(mag, a, message->fixed.ba.sequence); break;
	case REJECTION_PREFIX: ask_for_others(mag, a); break;
	case REJECTION_LATER:
		suspend(mag, a);
		signal_wait(mag, a, backoff_ms(a, BACKOFF_MS, max_ms), false);
		break;
	case REJECTION_CLOCK:
		suspend(mag, a);
		signal_wait(mag, a, backoff_ms(a, CLOCK_BACKOFF_MS, CLOCK_BACKOFF_MAX_MS), false);
		break;
	case REJECTION_PRESENCE:
		suspend(mag, a);
		signal_wait(mag, a, backoff_ms(a, BACKOFF_MS, max_ms), true);
		break;
	}
}

/* Every prefix can be forwarded: a /64 with an endpoint id, named once. Host bits are cleared. */
static bool prefixes_usable(struct proxy_options *options)
{
	if (options->prefix_count == 0 || options->prefix_count > PROXY_PREFIXES_MAX)
		return false;
	for (unsigned i = 0; i < options->prefix_count; i++) {
		struct home_network_prefix *prefix = &options->prefixes[i];

		if (prefix->length != 64 || endpoint_id_ipv6(prefix->prefix.s6_addr) == ENDPOINT_NONE)
			return false;
		memset(&prefix->prefix.s6_addr[8], 0, 8);
		for (unsigned k = 0; k < i; k++)
			if (memcmp(&options->prefixes[k].prefix, &prefix->prefix, 16) == 0)
				return false;
	}
	return true;
}

/*
 * Another MN here has one of the prefixes: if the same LMA says so, its word of now counts and the other one registers
 * again; two LMAs with one prefix is a fault. False then.
 */
static bool prefixes_free(struct mag *mag, struct attachment *a, const struct proxy_options *options)
{
	for (unsigned i = 0; i < options->prefix_count; i++) {
		struct attachment *other = node_by_prefix(mag, &options->prefixes[i]);

		if (other == NULL || other == a)
			continue;
		if (other->peer != a->peer)
			return false;
		log_warning("prefix_reassigned", "mn=%s from=%u", node_name(a), other->index);
		node_note(mag, other, HISTORY_peer_lost, 0);
		other->bound = false;
		binding_lost(mag, other, false);
		if (other->state != ATTACHMENT_DEREGISTERING && other->state != ATTACHMENT_REFUSED &&
			other->state != ATTACHMENT_DETACHED)
			signal_register(mag, other, HI_UNKNOWN);
	}
	return true;
}

static void unusable(struct mag *mag, struct attachment *a, const char *cause)
{
	node_note(mag, a, HISTORY_forwarding_failed, 0);
	log_error("pba_unusable", "mn=%s peer=%s cause=%s action=\"check the prefixes of the LMA\"", node_name(a),
		node_lma(mag, a)->name, cause);
	detach(mag, a, AFTER_REFUSE);
}

static void set_lifetime(struct mag *mag, struct attachment *a, uint32_t lifetime_s)
{
	uint64_t sent_ms = a->sent_ns[0] / 1000000;

	a->lifetime_s = lifetime_s;
	a->expires_ms = sent_ms + (uint64_t)lifetime_s * 1000;
	a->next_try_ms = sent_ms + (uint64_t)lifetime_s * 10 * mag->config.refresh_percent;
	signal_schedule(mag, a);
}

/*
 * Our link-local address on its link, if the LMA chooses it (no Fixed one): not one that the MN has; then we keep ours
 * and tell it with a PBU (RFC 5213 section 6.9.1.2 number 15).
 */
static void take_link_local(struct mag *mag, struct attachment *a, const struct proxy_options *options)
{
	const struct in6_addr *theirs = &options->link_local;

	if (!IN6_IS_ADDR_UNSPECIFIED(&mag->config.fixed_link_local) || a->own_link_local)
		return;
	a->own_link_local = true;
	if (options->link_local_count > 0 && IN6_IS_ADDR_LINKLOCAL(theirs) &&
		memcmp(theirs, &a->link_local, sizeof(*theirs)) != 0)
		a->router_link_local = *theirs;
	else
		a->renew = true;
}

static void install(struct mag *mag, struct attachment *a, const struct proxy_options *options)
{
	int result = node_set_prefixes(mag, a, options->prefixes, options->prefix_count);

	if (result == 0)
		result = forwarding_install(mag, a);
	if (result != 0) {
		unusable(mag, a, strerror(-result));
		return;
	}
	node_note(mag, a, HISTORY_registered, a->last_status);
}

static void refreshed(struct mag *mag, struct attachment *a, const struct proxy_options *options)
{
	if (prefix_set_is(&a->prefixes, options->prefixes, options->prefix_count)) {
		node_set_state(mag, a, a->pending > 0 ? ATTACHMENT_INSTALLING : ATTACHMENT_ACTIVE);
		node_note(mag, a, HISTORY_refreshed, a->last_status);
		return;
	}
	node_note(mag, a, HISTORY_prefixes_changed, (uint8_t)options->prefix_count);
	log_notice("prefixes_changed", "mn=%s count=%u", node_name(a), options->prefix_count);
	if (forwarding_change(mag, a, options->prefixes, options->prefix_count) != 0)
		unusable(mag, a, "memory");
}

static void registered(
	struct mag *mag, struct attachment *a, const struct mh_message *message, struct proxy_options *options)
{
	a->backoff = 0;
	a->bound = true;
	if (!prefixes_usable(options)) {
		unusable(mag, a, "prefix");
		return;
	}
	if (!prefixes_free(mag, a, options)) {
		unusable(mag, a, "prefix-of-another-lma");
		return;
	}
	take_link_local(mag, a, options);
	set_lifetime(mag, a, (uint32_t)message->fixed.ba.lifetime * LIFETIME_UNIT_S);
	if (a->installed)
		refreshed(mag, a, options);
	else
		install(mag, a, options);
}

static bool is_outstanding(const struct attachment *a)
{
	return a->tries > 0 && (a->state == ATTACHMENT_REGISTERING || a->state == ATTACHMENT_REFRESHING ||
				       a->state == ATTACHMENT_DEREGISTERING);
}

static bool sequence_matches(const struct attachment *a, const struct mh_message *message)
{
	if (message->fixed.ba.status == MH_STATUS_SEQUENCE_OUT_OF_WINDOW)
		return true;
	return (uint16_t)(message->fixed.ba.sequence - a->sequence_first) <=
	       (uint16_t)(a->sequence - a->sequence_first);
}

/* RFC 5213 section 6.9.1.2 number 6: what is echoed has to be what was sent. */
static bool echo_matches(const struct mag *mag, const struct attachment *a, const struct proxy_options *options)
{
	if (options->handoff_indicator_count > 0 && options->handoff_indicator != a->handoff_indicator)
		return false;
	if (options->access_technology_count > 0 && options->access_technology != mag->config.access_technology)
		return false;
	return options->link_layer_id_count == 0 ||
	       (options->link_layer_id_length == 6 && mac_equal(options->link_layer_id, a->mac));
}

/* No PBU before an administrative action; what runs, runs until its lifetime ends. */
static void halt(struct mag *mag, struct attachment *a)
{
	log_error("pba_echo_differs", "mn=%s peer=%s action=\"check the LMA, then attach the node again\"",
		node_name(a), node_lma(mag, a)->name);
	if (a->state == ATTACHMENT_DEREGISTERING)
		return;
	a->halted = true;
	if (!a->installed) {
		refuse(mag, a, true);
		return;
	}
	node_set_state(mag, a, ATTACHMENT_ACTIVE);
	a->next_try_ms = TIMER_NEVER;
	signal_schedule(mag, a);
}

static void ignore(struct mag *mag, struct attachment *a, uint8_t status)
{
	mag->stats.pba_ignored++;
	if (a != NULL)
		node_note(mag, a, HISTORY_pba_ignored, status);
}

/* Refused: where the session ends with it the LMA still has the binding that it had. */
static void refused(struct mag *mag, struct attachment *a, const struct mh_message *message)
{
	bool is_sequence = message->fixed.ba.status == MH_STATUS_SEQUENCE_OUT_OF_WINDOW;
	uint64_t session = a->told;

	if (a->state == ATTACHMENT_DEREGISTERING && (!is_sequence || a->retried_sequence)) {
		deregistered_in_vain(mag, a);
		return;
	}
	reject(mag, a, message);
	if (a->told != session)
		forwarding_tell_kept(mag, session);
}

void mag_pba(struct mag *mag, const struct engine_time *now, const struct mh_datagram *datagram,
	const struct mh_message *message)
{
	uint8_t status = message->fixed.ba.status;
	struct proxy_options options;
	struct attachment *a = NULL;
	bool accepted = status < REJECTED;

	mag_enter(mag, now);
	mag->stats.pba_received[status]++;
	mh_proxy_options(message, &options);
	if ((message->fixed.ba.flags & BA_FLAG_P) && options.mn_id_count == 1 && !options.duplicate_singleton)
		a = node_by_id(mag, &options.mn_id);
	if (a == NULL || node_lma(mag, a) == NULL ||
		memcmp(&datagram->source, &node_lma(mag, a)->address, sizeof(datagram->source)) != 0 ||
		!is_outstanding(a) || !sequence_matches(a, message)) {
		ignore(mag, a, status);
		return;
	}
	if (!echo_matches(mag, a, &options)) {
		ignore(mag, a, status);
		halt(mag, a);
		return;
	}
	if (accepted && a->state != ATTACHMENT_DEREGISTERING && message->fixed.ba.lifetime == 0) {
		ignore(mag, a, status);
		return;
	}
	a->last_status = status;
	a->has_status = true;
	a->pbu_pba_us = (uint32_t)((mag->now.monotonic_ns - a->sent_ns[0]) / 1000);
	node_note(mag, a, HISTORY_pba_received, status);
	if (!accepted)
		refused(mag, a, message);
	else if (a->state == ATTACHMENT_DEREGISTERING)
		deregistered(mag, a);
	else
		registered(mag, a, message, &options);
}
