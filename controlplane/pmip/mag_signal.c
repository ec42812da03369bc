/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmip/mag_internal.h"

#include <string.h>

#include "log.h"

#define LIFETIME_UNIT_S   4
#define PRESENCE_FRESH_MS 1500 /* a sign of life that young needs no probe */
#define TIMESTAMP_NUDGE   6554 /* 100 ms: a clock that fell back by less does not make our own PBUs look old */

static uint16_t lifetime_units(uint32_t seconds)
{
	uint32_t units = seconds / LIFETIME_UNIT_S + (seconds % LIFETIME_UNIT_S != 0);

	return units < UINT16_MAX ? (uint16_t)units : UINT16_MAX;
}

/* A timestamp that is higher than the MN's last one, unless the clock was set back (RFC 5213 section 5.5). */
static uint64_t timestamp_next(struct mag *mag, struct attachment *a)
{
	uint64_t timestamp = mh_timestamp_from_ns(mag->now.wall_ns);

	if (timestamp <= a->timestamp && a->timestamp - timestamp < TIMESTAMP_NUDGE)
		timestamp = a->timestamp + 1;
	a->timestamp = timestamp;
	return timestamp;
}

static void write_prefixes(struct mh_writer *writer, const struct prefix_set *prefixes)
{
	static const struct home_network_prefix all_zero;
	const struct home_network_prefix *list = prefix_set_list(prefixes);

	if (prefixes->count == 0)
		mh_write_prefix(writer, &all_zero);
	for (unsigned i = 0; i < prefixes->count; i++)
		mh_write_prefix(writer, &list[i]);
}

/* RFC 5213 section 6.9.1.5; @lifetime_s 0 de-registers. Into the open transaction. */
static void pbu_send(struct mag *mag, struct attachment *a, uint32_t lifetime_s)
{
	uint8_t buffer[MH_LENGTH_SEND_MAX];
	struct mh_writer writer;
	struct mn_id id = attachment_id(a);
	const struct in6_addr *lma = &node_lma(mag, a)->address;
	struct mh_datagram datagram = {.source = mag->config.address, .destination = *lma, .bytes = buffer};

	mh_writer_init(&writer, MH_BU, buffer, sizeof(buffer));
	mh_write_bu(&writer, a->sequence, BU_FLAG_A | BU_FLAG_P, lifetime_units(lifetime_s));
	mh_write_mn_id(&writer, &id);
	write_prefixes(&writer, &a->prefixes);
	mh_write_handoff_indicator(&writer, a->handoff_indicator);
	mh_write_access_technology(&writer, mag->config.access_technology);
	mh_write_link_layer_id(&writer, a->mac, sizeof(a->mac));
	if (IN6_IS_ADDR_UNSPECIFIED(&mag->config.fixed_link_local))
		mh_write_link_local(&writer, a->own_link_local ? &a->router_link_local : &in6addr_any);
	if (mag->config.timestamp_based_approach_in_use)
		mh_write_timestamp(&writer, timestamp_next(mag, a));
	datagram.length = mh_writer_finish(&writer, &datagram.source, &datagram.destination);
	mag->host->ops->send(mag->host, &datagram);
	mag->stats.pbu_sent++;
	memmove(&a->sent_ns[1], &a->sent_ns[0], sizeof(a->sent_ns) - sizeof(a->sent_ns[0]));
	a->sent_ns[0] = mag->now.monotonic_ns;
	a->bound = true;
}

/* A new request: a new sequence number. */
static void sequence_start(struct mag *mag, struct attachment *a)
{
	a->sequence = mag->config.timestamp_based_approach_in_use ? ++mag->sequence : (uint16_t)(a->sequence + 1);
	a->sequence_first = a->sequence;
	a->tries = 0;
	a->retried_sequence = false;
}

/* When the rate limit lets the next PBU go. */
static uint64_t window_ms(const struct attachment *a)
{
	uint64_t oldest = a->sent_ns[PBU_PER_WINDOW - 1];

	return oldest != 0 ? oldest / 1000000 + PBU_WINDOW_MS : 0;
}

static uint64_t bindack_timeout_ms(const struct mag *mag, unsigned tries)
{
	uint64_t timeout = mag->config.initial_bindack_timeout_ms;

	while (tries-- > 1 && timeout < mag->config.max_bindack_timeout_ms)
		timeout *= 2;
	return timeout < mag->config.max_bindack_timeout_ms ? timeout : mag->config.max_bindack_timeout_ms;
}

/* The request under way, for the first time or again, into the open transaction. */
static void transmit(struct mag *mag, struct attachment *a)
{
	uint64_t open_ms = window_ms(a);

	if (open_ms > mag_ms(mag)) {
		a->next_try_ms = open_ms;
		return;
	}
	if (a->tries > 0) {
		mag->stats.pbu_retransmitted++;
		if (!mag->config.timestamp_based_approach_in_use)
			a->sequence++;
	}
	if (a->tries < UINT8_MAX)
		a->tries++;
	pbu_send(mag, a, a->requested_s);
	node_note(mag, a, a->tries > 1 ? HISTORY_pbu_retransmitted : HISTORY_pbu_sent,
		a->tries > 1 ? a->tries : a->handoff_indicator);
	a->next_try_ms = mag_ms(mag) + bindack_timeout_ms(mag, a->tries);
}

static void commit_message(struct mag *mag)
{
	mag->host->ops->commit(mag->host, 0, 0);
}

void signal_schedule(struct mag *mag, struct attachment *a)
{
	uint64_t deadline = a->next_try_ms;

	if ((a->installed || a->advertised) && a->expires_ms != 0 && a->expires_ms < deadline)
		deadline = a->expires_ms;
	if (deadline == TIMER_NEVER)
		timer_stop(&mag->wheel, &a->signal);
	else
		timer_start(&mag->wheel, &a->signal, deadline);
}

void signal_register_open(struct mag *mag, struct attachment *a, enum handoff_indicator hi)
{
	node_set_state(mag, a, a->installed ? ATTACHMENT_REFRESHING : ATTACHMENT_REGISTERING);
	a->handoff_indicator = (uint8_t)hi;
	a->verify = false;
	a->elsewhere = false;
	a->renew = false;
	sequence_start(mag, a);
	transmit(mag, a);
	signal_schedule(mag, a);
}

void signal_register(struct mag *mag, struct attachment *a, enum handoff_indicator hi)
{
	signal_register_open(mag, a, hi);
	commit_message(mag);
}

void signal_again(struct mag *mag, struct attachment *a)
{
	bool leaving = a->state == ATTACHMENT_DEREGISTERING;

	a->sequence_first = a->sequence;
	mag->stats.pbu_retransmitted++;
	pbu_send(mag, a, leaving ? 0 : a->requested_s);
	node_note(mag, a, HISTORY_pbu_retransmitted, a->tries);
	a->next_try_ms = mag_ms(mag) + bindack_timeout_ms(mag, leaving ? 1 : a->tries);
	signal_schedule(mag, a);
	commit_message(mag);
}

void signal_wait(struct mag *mag, struct attachment *a, uint64_t delay_ms, bool verify)
{
	uint64_t seconds = delay_ms / 1000;

	node_set_state(mag, a, ATTACHMENT_WAITING);
	a->next_try_ms = mag_ms(mag) + delay_ms;
	node_note(mag, a, HISTORY_retry_wait, seconds < UINT8_MAX ? (uint8_t)seconds : UINT8_MAX);
	signal_schedule(mag, a);
	if (verify)
		presence_verified(mag, a, 0);
}

void signal_deregister(struct mag *mag, struct attachment *a, enum after_deregistration after)
{
	timer_stop(&mag->wheel, &a->presence);
	timer_stop(&mag->wheel, &a->advertise);
	node_set_state(mag, a, ATTACHMENT_DEREGISTERING);
	a->handoff_indicator = HI_UNKNOWN;
	a->after = (uint8_t)after;
	a->verify = false;
	sequence_start(mag, a);
	a->tries = 1;
	pbu_send(mag, a, 0);
	node_note(mag, a, HISTORY_pbu_sent, 0);
	a->next_try_ms = mag_ms(mag) + mag->config.initial_bindack_timeout_ms;
	signal_schedule(mag, a);
	commit_message(mag);
	forwarding_tell(mag, a);
}

void signal_assert(struct mag *mag, struct attachment *a)
{
	if (a->state == ATTACHMENT_ACTIVE && !a->halted)
		signal_register(mag, a, HI_UNKNOWN);
}

/* The binding's lifetime ran out without an answer. */
static void expired(struct mag *mag, struct attachment *a)
{
	node_note(mag, a, HISTORY_expired, 0);
	log_warning("binding_expired", "mn=%s status=%s action=\"check the LMA and the path to it\"", node_name(a),
		a->has_status ? mh_status_name(a->last_status) : "none");
	binding_lost(mag, a, true);
	if (a->halted)
		refuse(mag, a, true);
	else if (a->state == ATTACHMENT_REGISTERING || a->state == ATTACHMENT_WAITING)
		signal_schedule(mag, a);
	else
		signal_register(mag, a, HI_UNKNOWN);
}

static void refresh_due(struct mag *mag, struct attachment *a)
{
	a->next_try_ms = TIMER_NEVER;
	if (!a->halted && presence_verified(mag, a, mag->config.nud_interval_ms))
		signal_register(mag, a, HI_UNCHANGED);
	else
		signal_schedule(mag, a);
}

/*
 * A PBU that the MN gave no cause for takes its binding from the MAG where it is by now: it is asked first. While it
 * does not answer presence_seen() goes on, or its probes end the attachment.
 */
static bool is_here(struct mag *mag, struct attachment *a)
{
	a->next_try_ms = TIMER_NEVER;
	if (!a->verify && presence_verified(mag, a, PRESENCE_FRESH_MS))
		return true;
	signal_schedule(mag, a);
	return false;
}

static void retry_due(struct mag *mag, struct attachment *a)
{
	if (is_here(mag, a))
		signal_register(mag, a, HI_UNKNOWN);
}

void signal_retransmit(struct mag *mag, struct attachment *a)
{
	transmit(mag, a);
	signal_schedule(mag, a);
	commit_message(mag);
}

static void retransmit_due(struct mag *mag, struct attachment *a)
{
	if (a->tries == 0 || is_here(mag, a)) /* the first one waited for the rate limit only */
		signal_retransmit(mag, a);
}

void signal_fire(struct timer *timer, void *context, uint64_t now_ms)
{
	struct attachment *a = (struct attachment *)((char *)timer - offsetof(struct attachment, signal));
	struct mag *mag = context;
	bool due = a->next_try_ms <= now_ms;

	if (a->state != ATTACHMENT_DEREGISTERING && a->expires_ms != 0 && a->expires_ms <= now_ms &&
		(a->installed || a->advertised)) {
		expired(mag, a);
		return;
	}
	if (!due) {
		signal_schedule(mag, a);
		return;
	}
	switch ((enum attachment_state)a->state) {
	case ATTACHMENT_REGISTERING:
	case ATTACHMENT_REFRESHING: retransmit_due(mag, a); break;
	case ATTACHMENT_ACTIVE: refresh_due(mag, a); break;
	case ATTACHMENT_WAITING: retry_due(mag, a); break;
	case ATTACHMENT_DEREGISTERING: deregistered_in_vain(mag, a); break;
	case ATTACHMENT_REFUSED:
	case ATTACHMENT_DETACHED: forwarding_remove(mag, a); break;
	case ATTACHMENT_INSTALLING: /* the door is slow: look again */
		a->next_try_ms = now_ms + 1000;
		signal_schedule(mag, a);
		break;
	case ATTACHMENT_STATE_COUNT: break;
	}
}
