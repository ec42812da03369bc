/* SPDX-License-Identifier: BSD-3-Clause */
/* Update notifications of the LMA (RFC 7077 section 6). */
#include "pmip/mag_internal.h"

#include <string.h>

#include "cursor.h"
#include "format.h"
#include "log.h"

#define SEEN_LATELY_MS 1000
#define DUPLICATE_MS   30000 /* longer than a notification is sent again */
#define GROUP_BULK     1     /* sub-type of a group (RFC 6602 section 4.3) */
#define GROUP_ALL      1     /* all sessions of the LMA with this MAG */

static void log_refusal(const struct mh_datagram *datagram, const struct mh_message *message,
	const struct mh_option *session, uint8_t status)
{
	char address[IP6_TEXT_MAX], text[128];
	struct mn_id id = {.length = 0};

	if (session != NULL && session->type == MHO_MN_ID)
		mh_option_mn_id(session, &id);
	log_warning("update_notification_refused", "mn=%s peer=%s reason=%s status=%u cause=%s",
		log_quote(id.data, id.length, text, sizeof(text)), ip6_format(&datagram->source, address),
		upn_reason_name(message->fixed.upn.reason), status, upa_status_name(status));
}

static void acknowledge(struct mag *mag, const struct mh_datagram *datagram, const struct mh_message *message,
	const struct mh_option *session, uint8_t status)
{
	uint8_t bytes[MH_LENGTH_SEND_MAX];
	struct mh_datagram answer = {.source = datagram->destination, .destination = datagram->source, .bytes = bytes};
	struct mh_writer writer;

	if (status >= 128)
		log_refusal(datagram, message, session, status);
	if (!(message->fixed.upn.flags & UPN_FLAG_A))
		return;
	mh_writer_init(&writer, MH_UPA, bytes, sizeof(bytes));
	mh_write_upa(&writer, message->fixed.upn.sequence, status);
	if (session != NULL)
		mh_write_option(&writer, session->type, session->data, session->length);
	answer.length = mh_writer_finish(&writer, &answer.source, &answer.destination);
	mag->stats.upa_sent[status]++;
	mag->host->ops->send(mag->host, &answer);
	mag->host->ops->commit(mag->host, 0, 0);
}

/* The LMA thinks that it is elsewhere: if it is here, say so. If nobody knows, ask it first (wire-formats B.10). */
static void assert_binding(struct mag *mag, struct attachment *a)
{
	bool is_probed = a->probes > 0;

	if (presence_verified(mag, a, SEEN_LATELY_MS)) {
		signal_register(mag, a, HI_UNKNOWN);
		return;
	}
	a->elsewhere = true;
	if (is_probed)
		access_probe(mag, a); /* the next probe in turn is late for a node that is back */
}

/* The PBU under way may have been lost: do not wait for the end of a long back-off. */
static void hurry(struct mag *mag, struct attachment *a)
{
	a->next_try_ms = mag_ms(mag);
	signal_schedule(mag, a);
}

uint8_t notice_register(struct mag *mag, struct attachment *a)
{
	if (mag->shutting_down)
		return UPA_STATUS_NOT_ATTACHED;
	if (a->halted)
		return UPA_STATUS_UNSPECIFIED; /* no PBU before an administrative action */
	switch ((enum attachment_state)a->state) {
	case ATTACHMENT_ACTIVE: assert_binding(mag, a); return UPA_STATUS_SUCCESS;
	case ATTACHMENT_REGISTERING:
	case ATTACHMENT_REFRESHING:
		if (a->sent_ns[0] / 1000000 + PBU_WINDOW_MS <= mag_ms(mag))
			hurry(mag, a);
		return UPA_STATUS_SUCCESS;
	case ATTACHMENT_INSTALLING: /* registered just now */
	case ATTACHMENT_WAITING: return UPA_STATUS_SUCCESS;
	default: return UPA_STATUS_NOT_ATTACHED;
	}
}

static bool is_attached(const struct attachment *a)
{
	return a->state != ATTACHMENT_DEREGISTERING && a->state != ATTACHMENT_REFUSED &&
	       a->state != ATTACHMENT_DETACHED;
}

/* For what we have nothing to give (section 6.1): parameters, vendors' wishes, access network information, QoS. */
static uint8_t refusal(const struct mh_message *message)
{
	switch (message->fixed.upn.reason) {
	case UPN_REASON_UPDATE_SESSION_PARAMETERS: return UPA_STATUS_FAILED_TO_UPDATE_SESSION_PARAMETERS;
	case UPN_REASON_VENDOR_SPECIFIC:
		return mh_option_find(message, MHO_VENDOR_SPECIFIC, NULL) != NULL
			       ? UPA_STATUS_UNSPECIFIED
			       : UPA_STATUS_MISSING_VENDOR_SPECIFIC_OPTION;
	case UPN_REASON_QOS_SERVICE_REQUEST: return UPA_STATUS_CANNOT_MEET_QOS_SERVICE_REQUEST;
	default: return UPA_STATUS_UNSPECIFIED;
	}
}

static uint8_t act(struct mag *mag, struct attachment *a, const struct mh_message *message)
{
	uint16_t reason = message->fixed.upn.reason;

	node_note(mag, a, HISTORY_upn_received, reason < UINT8_MAX ? (uint8_t)reason : UINT8_MAX);
	if (!is_attached(a))
		return UPA_STATUS_NOT_ATTACHED;
	log_info("update_notification", "mn=%s peer=%s reason=%s", node_name(a), node_lma(mag, a)->name,
		upn_reason_name(reason));
	return reason == UPN_REASON_FORCE_REREGISTRATION ? notice_register(mag, a) : refusal(message);
}

/* Sent again, or doubled on its way: one action, and the answer as often as it is asked for. */
static bool is_duplicate(const struct mag *mag, const struct attachment *a, const struct mh_message *message)
{
	return a->upn_ms != 0 && a->upn_sequence == message->fixed.upn.sequence &&
	       mag_ms(mag) - a->upn_ms < DUPLICATE_MS;
}

static void notify_node(struct mag *mag, const struct mh_datagram *datagram, const struct mh_message *message,
	const struct mh_option *option)
{
	struct attachment *a = NULL;
	struct mn_id id;

	if (mh_option_mn_id(option, &id))
		a = node_by_id(mag, &id);
	if (a == NULL || node_lma(mag, a) == NULL ||
		memcmp(&datagram->source, &node_lma(mag, a)->address, sizeof(datagram->source)) != 0) {
		acknowledge(mag, datagram, message, option, UPA_STATUS_NOT_ATTACHED);
		return;
	}
	if (is_duplicate(mag, a, message)) {
		mag->stats.upn_duplicate++;
	} else {
		a->upn_ms = mag_ms(mag);
		a->upn_sequence = message->fixed.upn.sequence;
		a->upn_status = act(mag, a, message);
	}
	acknowledge(mag, datagram, message, option, a->upn_status);
}

static bool is_group_of_all(const struct mh_option *option)
{
	struct cursor data = cursor_over(option->data, option->length);
	uint8_t type = cursor_u8(&data);

	cursor_u8(&data);
	return cursor_be32(&data) == GROUP_ALL && type == GROUP_BULK && !data.failed;
}

/* All sessions of the LMA at once; the walk's pace makes a second action on a duplicate harmless. */
static void notify_group(struct mag *mag, const struct mh_datagram *datagram, const struct mh_message *message,
	const struct mh_option *option)
{
	const struct policy *policy = mag->config.policy;
	uint8_t status = UPA_STATUS_UNSPECIFIED; /* a group that we did not agree on */

	if (!policy_peer_is_opposite(policy, policy_peer_find(policy, &datagram->source)))
		status = UPA_STATUS_NOT_ATTACHED; /* nobody is registered there */
	else if (is_group_of_all(option) && message->fixed.upn.reason == UPN_REASON_FORCE_REREGISTRATION) {
		walk_ask(mag, &datagram->source);
		status = UPA_STATUS_SUCCESS;
	} else if (is_group_of_all(option)) {
		status = refusal(message);
	}
	acknowledge(mag, datagram, message, option, status);
}

void mag_upn(struct mag *mag, const struct engine_time *now, const struct mh_datagram *datagram,
	const struct mh_message *message)
{
	const struct mh_option *node = mh_option_find(message, MHO_MN_ID, NULL);
	const struct mh_option *group = mh_option_find(message, MHO_MN_GROUP_IDENTIFIER, NULL);

	mag_enter(mag, now);
	mag->stats.upn_received++;
	if (node != NULL && mh_option_find(message, MHO_MN_ID, node) == NULL)
		notify_node(mag, datagram, message, node);
	else if (node == NULL && group != NULL && mh_option_find(message, MHO_MN_GROUP_IDENTIFIER, group) == NULL)
		notify_group(mag, datagram, message, group);
	else
		acknowledge(mag, datagram, message, node, UPA_STATUS_UNSPECIFIED);
}
