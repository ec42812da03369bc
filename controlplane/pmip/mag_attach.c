/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmip/mag_internal.h"

#include <errno.h>
#include <string.h>

#include "format.h"
#include "log.h"

#define MN_ID_EUI48 5 /* RFC 8371: who has no other name */
#define REFUSED_MIN 16

static void commit(struct mag *mag)
{
	mag->host->ops->commit(mag->host, 0, 0);
}

/* Not a group address, not zero. */
static bool mac_is_valid(const uint8_t mac[6])
{
	static const uint8_t zero[6];

	return (mac[0] & 1) == 0 && !mac_equal(mac, zero);
}

/* Strangers may not fill the slab. */
static bool refused_room(const struct mag *mag)
{
	uint32_t limit = mag->config.max_nodes / 8;

	return mag->refused < (limit > REFUSED_MIN ? limit : REFUSED_MIN);
}

void refuse(struct mag *mag, struct attachment *a, bool forever)
{
	a->bound = false;
	a->expires_ms = 0;
	a->verify = false;
	timer_stop(&mag->wheel, &a->presence);
	timer_stop(&mag->wheel, &a->advertise);
	forwarding_uninstall(mag, a, LINK_REFUSED);
	if (a->advertised)
		access_withdraw(mag, a);
	node_set_state(mag, a, ATTACHMENT_REFUSED);
	a->next_try_ms = forever ? TIMER_NEVER : mag_ms(mag) + (uint64_t)mag->config.refused_hold_s * 1000;
	signal_schedule(mag, a);
	commit(mag);
	forwarding_tell(mag, a);
	mag->stats.refused++;
}

/* Policy has no place for it: workers drop its packets for a while. */
static void refuse_stranger(struct mag *mag, uint16_t link, const uint8_t mac[6])
{
	struct policy_node stranger = {.id = {.subtype = MN_ID_EUI48, .length = 6, .data = mac}};
	char text[MAC_TEXT_MAX];
	struct attachment *a;

	a = refused_room(mag) ? node_create(mag, link, mac, &stranger) : NULL;
	if (a == NULL) {
		mag->stats.refused++;
		return;
	}
	node_note(mag, a, HISTORY_rejected, 0);
	log_notice("node_refused", "mac=%s link=%u cause=policy action=\"add it to nodes, or set a default profile\"",
		mac_format(mac, text), link);
	refuse(mag, a, false);
}

static struct attachment *attach_new(struct mag *mag, uint16_t link, const uint8_t mac[6],
	const struct policy_node *policy, enum history_event cause)
{
	struct attachment *a = node_create(mag, link, mac, policy);
	char text[MAC_TEXT_MAX];

	if (a == NULL)
		return NULL;
	mag->stats.attaches++;
	node_note(mag, a, cause, 0);
	log_info("node_attached", "mn=%s mac=%s link=%u cause=%s", node_name(a), mac_format(mac, text), link,
		history_event_name(cause));
	presence_start(mag, a);
	forwarding_link(mag, a, LINK_PENDING);
	signal_register_open(mag, a, HI_UNKNOWN);
	mag->host->ops->commit(mag->host, transaction_cookie(mag, a, TRANSACTION_LINK), 0);
	return a;
}

/* The same interface on another link of ours: RFC 5213 has no word for it, so it is 4, "unknown" (wire-formats B.7). */
static void move(struct mag *mag, struct attachment *a, uint16_t link, enum history_event cause)
{
	node_note(mag, a, HISTORY_handover, (uint8_t)link);
	log_info("node_moved", "mn=%s from=%u to=%u", node_name(a), a->link, link);
	forwarding_move(mag, a, link);
	if (a->state == ATTACHMENT_DEREGISTERING && a->after == AFTER_REMOVE) {
		attach_again(mag, a, cause);
		return;
	}
	a->last_seen_ms = mag_ms(mag);
	a->probes = 0;
	a->renew = a->state == ATTACHMENT_INSTALLING; /* once the move is applied */
}

struct attachment *attach(struct mag *mag, uint16_t link, const uint8_t mac[6], enum history_event cause, int *error)
{
	struct attachment *a = node_by_mac(mag, mac);
	uint8_t id_text[MN_ID_MAX];
	struct policy_node policy;

	*error = -EACCES;
	if (mag->shutting_down || !mac_is_valid(mac))
		return NULL;
	if (a != NULL) {
		if (a->link != link)
			move(mag, a, link, cause);
		return a;
	}
	*error = -ENOSPC;
	if (mag->host->ops->busy(mag->host))
		return NULL;
	if (!policy_node_by_mac(mag->config.policy, mac, id_text, &policy) ||
		!policy_peer_is_opposite(mag->config.policy, policy.peer)) {
		*error = -EACCES;
		if (cause != HISTORY_attach_admin)
			refuse_stranger(mag, link, mac);
		return NULL;
	}
	return attach_new(mag, link, mac, &policy, cause);
}

void attach_again(struct mag *mag, struct attachment *a, enum history_event cause)
{
	mag->stats.attaches++;
	node_note(mag, a, cause, 0);
	a->backoff = 0;
	a->halted = false;
	if (!a->installed) {
		forwarding_link(mag, a, LINK_PENDING);
		prefix_set_clear(&a->withdrawn);
		a->finals = 0;
		timer_stop(&mag->wheel, &a->advertise);
	} else {
		access_schedule(mag, a);
	}
	presence_start(mag, a);
	signal_register_open(mag, a, HI_UNKNOWN);
	commit(mag);
	forwarding_tell(mag, a);
}

void detach(struct mag *mag, struct attachment *a, enum after_deregistration after)
{
	mag->stats.detaches++;
	if (a->bound) {
		signal_deregister(mag, a, after);
		return;
	}
	a->after = (uint8_t)after;
	deregistered(mag, a);
}

static void hold_detached(struct mag *mag, struct attachment *a)
{
	timer_stop(&mag->wheel, &a->presence);
	a->expires_ms = 0;
	forwarding_uninstall(mag, a, LINK_PENDING);
	if (a->advertised)
		access_withdraw(mag, a);
	node_set_state(mag, a, ATTACHMENT_DETACHED);
	a->next_try_ms = mag_ms(mag) + (uint64_t)mag->config.refused_hold_s * 1000;
	signal_schedule(mag, a);
	commit(mag);
	forwarding_tell(mag, a);
}

void deregistered(struct mag *mag, struct attachment *a)
{
	a->bound = false;
	if (a->state == ATTACHMENT_DEREGISTERING)
		node_note(mag, a, HISTORY_deregistered, 0);
	if (mag->shutting_down || a->after == AFTER_REMOVE)
		forwarding_remove(mag, a);
	else if (a->after == AFTER_DETACH)
		hold_detached(mag, a);
	else
		refuse(mag, a, false);
}

void deregistered_in_vain(struct mag *mag, struct attachment *a)
{
	uint64_t session = forwarding_session(a);

	deregistered(mag, a);
	forwarding_tell_kept(mag, session);
}

void binding_lost(struct mag *mag, struct attachment *a, bool keep_prefixes)
{
	a->expires_ms = 0;
	timer_stop(&mag->wheel, &a->advertise);
	if (a->installed)
		forwarding_uninstall(mag, a, LINK_PENDING);
	if (a->advertised)
		access_withdraw(mag, a);
	if (!keep_prefixes)
		node_set_prefixes(mag, a, NULL, 0); /* cannot fail: nothing is added */
	commit(mag);
	forwarding_tell(mag, a);
}

void mag_unknown_mac(struct mag *mag, const struct engine_time *now, uint16_t link, const uint8_t mac[6])
{
	struct attachment *a;
	int error;

	mag_enter(mag, now);
	a = node_by_mac(mag, mac);
	if (a != NULL && a->link == link) {
		presence_seen(mag, a);
		return;
	}
	attach(mag, link, mac, HISTORY_attach_packet, &error);
}

int mag_attach(struct mag *mag, const struct engine_time *now, uint16_t link, const uint8_t mac[6])
{
	struct attachment *a = node_by_mac(mag, mac);
	uint8_t id_text[MN_ID_MAX];
	struct policy_node policy;
	bool moves = a != NULL && a->link != link;
	int error;

	mag_enter(mag, now);
	if (!mac_is_valid(mac))
		return -ENOENT;
	if (a == NULL)
		return attach(mag, link, mac, HISTORY_attach_admin, &error) != NULL ? 0 : error;
	if (mag->shutting_down || !policy_node_by_mac(mag->config.policy, mac, id_text, &policy))
		return -EACCES;
	if (moves)
		move(mag, a, link, HISTORY_attach_admin);
	if (a->state == ATTACHMENT_REFUSED || a->state == ATTACHMENT_DETACHED || a->state == ATTACHMENT_DEREGISTERING ||
		a->halted)
		attach_again(mag, a, HISTORY_attach_admin);
	else if (!moves)
		return -EALREADY;
	return 0;
}

int mag_detach(struct mag *mag, const struct engine_time *now, const struct mn_id *id)
{
	struct attachment *a = node_by_id(mag, id);

	mag_enter(mag, now);
	if (a == NULL)
		return -ENOENT;
	if (a->state == ATTACHMENT_DEREGISTERING || a->state == ATTACHMENT_DETACHED)
		return -EALREADY;
	node_note(mag, a, HISTORY_detach_admin, 0);
	if (a->state == ATTACHMENT_REFUSED)
		forwarding_remove(mag, a);
	else
		detach(mag, a, AFTER_DETACH);
	return 0;
}
