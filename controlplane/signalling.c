/* SPDX-License-Identifier: BSD-3-Clause */
#include "signalling.h"

#include <errno.h>

#include "format.h"
#include "log.h"
#include "token_bucket.h"

#include "mh/packet.h"
#include "mh/ro.h"
#include "net/net.h"
#include "pmip/heartbeat.h"
#include "pmip/lma.h"
#include "pmip/mag.h"
#include "ro/ro.h"

#define ANSWER_INTERVAL_MS   100 /* wait between answers to malformed messages: 10 a second, burst 10 (part I.3) */
#define ANSWER_BURST         10
#define PARAMETER_ERRONEOUS  0 /* ICMPv6 Parameter Problem code */
#define BE_UNRECOGNISED_TYPE 2
#define PAYLOAD_PROTO_OFFSET 0
#define HEADER_LEN_OFFSET    1

static bool may_answer(struct signalling *s, const struct engine_time *now)
{
	if (token_bucket_take(&s->answers, engine_ms(now), ANSWER_INTERVAL_MS, ANSWER_BURST))
		return true;
	s->stats.answers_limited++;
	return false;
}

/* Never in reply to a Binding Error (RFC 6275 section 9.3.3). */
static void send_binding_error(struct signalling *s, const struct engine_time *now, const struct mh_packet *packet)
{
	static const struct in6_addr none = IN6ADDR_ANY_INIT;
	uint8_t bytes[32];
	struct mh_writer writer;
	struct mh_datagram datagram = {.source = packet->destination, .destination = packet->source, .bytes = bytes};

	mh_writer_init(&writer, MH_BE, bytes, sizeof(bytes));
	mh_write_be(&writer, BE_UNRECOGNISED_TYPE, packet->home_address_option ? &packet->checksum_source : &none);
	datagram.length = mh_writer_finish(&writer, &datagram.source, &datagram.destination);
	if (net_send_mh(s->net, now, &datagram) == 0)
		s->stats.binding_errors_sent++;
}

static void refuse(struct signalling *s, const struct engine_time *now, const struct packet_meta *meta,
	const struct mh_packet *packet, enum mh_error error, const uint8_t *bytes, uint16_t length)
{
	char peer[IP6_TEXT_MAX];
	uint32_t octet = error == MH_ERROR_PAYLOAD_PROTO ? PAYLOAD_PROTO_OFFSET : HEADER_LEN_OFFSET;

	log_warning("message_malformed", "peer=%s error=%s", ip6_format(&packet->source, peer), mh_error_name(error));
	switch (error) {
	case MH_ERROR_TYPE:
		if (may_answer(s, now))
			send_binding_error(s, now, packet);
		break;
	case MH_ERROR_PAYLOAD_PROTO:
	case MH_ERROR_HEADER_LENGTH:
		if (may_answer(s, now)) {
			net_parameter_problem(
				s->net, now, meta, bytes, length, PARAMETER_ERRONEOUS, packet->offset + octet);
			s->stats.parameter_problems_sent++;
		}
		break;
	default: break; /* discarded silently */
	}
}

/*
 * The peer does not know a type of message, and does not say which one: an outstanding update notification first, then
 * a request of route optimisation; both are tried again some time. If it was a heartbeat, the next one gets the same
 * answer.
 */
static void binding_error(
	struct signalling *s, const struct engine_time *now, const struct in6_addr *peer, uint8_t status)
{
	if (status != BE_UNRECOGNISED_TYPE)
		return;
	if (s->lma != NULL && lma_binding_error(s->lma, now, peer))
		return;
	if (s->ro != NULL && ro_binding_error(s->ro, now, peer))
		return;
	heartbeat_binding_error(s->heartbeat, now, peer);
}

/* Of route optimisation, which is in place of a MAG's RO Setup too: a PBU or PBA between MAGs. */
static bool dispatch_ro(struct signalling *s, const struct engine_time *now, const struct mh_datagram *datagram,
	const struct mh_message *message, bool proxy)
{
	if (s->ro == NULL)
		return false;
	if (ro_mh_type_is(message->type))
		ro_message(s->ro, now, datagram, message);
	else if (s->mag == NULL || !proxy)
		return false;
	else
		return message->type == MH_BU ? ro_pbu(s->ro, now, datagram, message)
					      : ro_pba(s->ro, now, datagram, message);
	return true;
}

static void dispatch(struct signalling *s, const struct engine_time *now, const struct mh_datagram *datagram,
	const struct mh_message *message)
{
	bool proxy = (message->type == MH_BU && message->fixed.bu.flags & BU_FLAG_P) ||
		     (message->type == MH_BA && message->fixed.ba.flags & BA_FLAG_P);

	if (dispatch_ro(s, now, datagram, message, proxy))
		return;
	if (message->type == MH_HEARTBEAT)
		heartbeat_message(s->heartbeat, now, datagram, message);
	else if (message->type == MH_BE)
		binding_error(s, now, &datagram->source, message->fixed.be.status);
	else if (message->type == MH_BU && proxy && s->lma != NULL)
		lma_pbu(s->lma, now, datagram, message);
	else if (message->type == MH_BA && proxy && s->mag != NULL)
		mag_pba(s->mag, now, datagram, message);
	else if (message->type == MH_UPN && s->mag != NULL)
		mag_upn(s->mag, now, datagram, message);
	else if (message->type == MH_UPA && s->lma != NULL)
		lma_upa(s->lma, now, datagram, message);
	else
		s->stats.wrong_role++;
}

/* Without route optimisation its messages are of an unknown type, however they look inside. */
static enum mh_error known_here(const struct signalling *s, enum mh_error error, uint8_t type)
{
	switch (error) {
	case MH_ERROR_TRUNCATED:
	case MH_ERROR_LENGTH:
	case MH_ERROR_CHECKSUM: return error;
	default: return s->ro == NULL && ro_mh_type_is(type) ? MH_ERROR_TYPE : error;
	}
}

void signalling_packet(struct signalling *s, const struct engine_time *now, const struct packet_meta *meta,
	const uint8_t *bytes, uint16_t length)
{
	struct mh_packet packet;
	struct mh_message message;
	struct mh_datagram datagram;
	enum mh_error error;

	/* Workers let in only what is to an own address on a core port; a message inside a tunnel is not for us. */
	if (mh_packet_find(&packet, bytes, length) != 0 || packet.over_ipv4 || packet.layer_count != 1) {
		s->stats.errors[MH_ERROR_TRUNCATED]++;
		return;
	}
	if (policy_peer_find(s->policy, &packet.source) == UINT32_MAX) {
		s->stats.not_a_peer++;
		return;
	}
	error = mh_decode(
		&message, bytes + packet.offset, packet.size, &packet.checksum_source, &packet.checksum_destination);
	error = known_here(s, error, message.type);
	s->stats.errors[error]++;
	if (error != MH_ERROR_NONE) {
		refuse(s, now, meta, &packet, error, bytes, length);
		return;
	}
	s->stats.received[message.type]++;
	datagram = (struct mh_datagram){
		.source = packet.source,
		.destination = packet.destination,
		.bytes = bytes + packet.offset,
		.length = message.length,
	};
	dispatch(s, now, &datagram, &message);
}
