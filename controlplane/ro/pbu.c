/* SPDX-License-Identifier: BSD-3-Clause */
/* PBU and PBA between MAGs in place of RO Setup and its Ack (RO-035, wire-formats G.6.12). */
#include <stdlib.h>
#include <string.h>

#include "endpoint.h"
#include "ro/internal.h"

#define LIFETIME_UNIT_S      4
#define LOCAL_RO_INTRA_LMA   2 /* straight to the other MAG */
#define PAIR_LENGTH          34
#define PAIR_LENGTH_IPV4     42
#define PAIR_FLAG_P          0x80 /* with IPv4 addresses */
#define AUTHORISATION_LENGTH 18
#define INFINITE_LIFETIME    UINT16_MAX
#define LONGEST_FINITE_S     (UINT16_MAX - 1)

static const struct {
	uint8_t ro, ba;
} statuses[] = {
	{RO_STATUS_PROHIBITED, MH_STATUS_ADMINISTRATIVELY_PROHIBITED},
	{RO_STATUS_NO_RESOURCES, MH_STATUS_INSUFFICIENT_RESOURCES},
	{RO_STATUS_NOT_ATTACHED, MH_STATUS_NOT_LMA_FOR_THIS_MOBILE_NODE},
	{RO_STATUS_NOT_AUTHORISED, MH_STATUS_MAG_NOT_AUTHORIZED_FOR_PROXY_REG},
	{RO_STATUS_PREFIX, MH_STATUS_NOT_AUTHORIZED_FOR_HOME_NETWORK_PREFIX},
	{RO_STATUS_OUT_OF_WINDOW, MH_STATUS_TIMESTAMP_LOWER_THAN_PREV_ACCEPTED},
};

#define STATUSES (sizeof(statuses) / sizeof(statuses[0]))

static uint8_t ba_status(uint8_t status)
{
	for (unsigned i = 0; i < STATUSES; i++)
		if (statuses[i].ro == status)
			return statuses[i].ba;
	return RO_FAILED(status) ? MH_STATUS_UNSPECIFIED : MH_STATUS_ACCEPTED;
}

static uint8_t ro_status(uint8_t ba)
{
	for (unsigned i = 0; i < STATUSES; i++)
		if (statuses[i].ba == ba)
			return statuses[i].ro;
	return ba >= MH_STATUS_UNSPECIFIED ? RO_STATUS_UNSPECIFIED : RO_STATUS_ACTIVE;
}

static uint16_t to_units(uint16_t lifetime_s)
{
	return lifetime_s == INFINITE_LIFETIME ? INFINITE_LIFETIME
					       : (uint16_t)((lifetime_s + LIFETIME_UNIT_S - 1) / LIFETIME_UNIT_S);
}

static uint16_t to_seconds(uint16_t units)
{
	uint32_t seconds = (uint32_t)units * LIFETIME_UNIT_S;

	if (units == INFINITE_LIFETIME)
		return INFINITE_LIFETIME;
	return seconds > LONGEST_FINITE_S ? LONGEST_FINITE_S : (uint16_t)seconds;
}

uint32_t pbu_exchange_id(uint64_t stamp)
{
	return (uint32_t)(stamp ^ stamp >> 32);
}

/* ---- sending ---- */

static void write_pair(struct mh_writer *writer, const struct ro_fixed *fixed, const struct side *side)
{
	uint8_t data[PAIR_LENGTH_IPV4] = {side->ipv4.length != 0 ? PAIR_FLAG_P : 0, 64};
	struct in6_addr prefix = prefix_address(side->prefixes[0]);

	memcpy(data + 2, &prefix, 16);
	memcpy(data + 18, &side->mag, 16);
	memcpy(data + PAIR_LENGTH, side->ipv4.address, 4);
	ro_write_option(
		writer, fixed, RO_OPTION_MN_CN_PAIR, data, side->ipv4.length != 0 ? PAIR_LENGTH_IPV4 : PAIR_LENGTH);
}

/* A PBU has no room for the Association ID that the authorisation covers: it follows the authenticator. */
static void write_authorisation(
	struct mh_writer *writer, const struct ro_fixed *fixed, const struct ro_authorisation *token)
{
	uint8_t data[AUTHORISATION_LENGTH] = {token->key_id};

	memcpy(data + 2, token->mac, RO_MAC_LENGTH);
	for (unsigned i = 0; i < 4; i++)
		data[2 + RO_MAC_LENGTH + i] = (uint8_t)(fixed->association >> (24 - 8 * i));
	ro_write_option(writer, fixed, RO_OPTION_AUTHORISATION, data, sizeof(data));
}

uint16_t pbu_encode(const struct ro *ro, const struct association *a, const struct request_spec *spec,
	const struct ro_fixed *fixed, uint8_t *bytes, size_t size)
{
	const struct side *receiver = &a->sides[spec->tuple_a], *own = &a->sides[1 - spec->tuple_a];
	struct ro_tuple tuple = tuple_of(own, false);
	struct mh_writer writer;

	mh_writer_init(&writer, MH_BU, bytes, size);
	mh_write_bu(&writer, fixed->sequence, BU_FLAG_A | BU_FLAG_P, to_units(fixed->lifetime_s));
	mh_write_mn_id(&writer, &tuple.id);
	for (unsigned i = 0; i < tuple.prefix_count; i++)
		mh_write_prefix(&writer, &tuple.prefixes[i]);
	mh_write_handoff_indicator(&writer, HI_UNKNOWN);
	mh_write_access_technology(&writer, ro->config.access_technology);
	mh_write_timestamp(&writer, a->stamp);
	ro_write_option(&writer, fixed, RO_OPTION_LOCAL_RO, (uint8_t[2]){0, LOCAL_RO_INTRA_LMA}, 2);
	write_pair(&writer, fixed, receiver);
	write_pair(&writer, fixed, own);
	if (spec->token != NULL)
		write_authorisation(&writer, fixed, spec->token);
	return mh_writer_finish(&writer, &ro->config.address, &spec->to);
}

/* What the PBU said, back: who it is about, and the stamp. */
uint16_t pba_encode(const struct ro *ro, const struct ro_request *request, uint8_t status, uint16_t lifetime_s,
	uint8_t *bytes, size_t size)
{
	const struct mh_message *pbu = request->pbu;
	struct mh_writer writer;

	mh_writer_init(&writer, MH_BA, bytes, size);
	mh_write_ba(&writer, ba_status(status), BA_FLAG_P, pbu->fixed.bu.sequence, to_units(lifetime_s));
	for (unsigned i = 0; i < pbu->option_count; i++) {
		const struct mh_option *option = &pbu->options[i];
		struct ro_option ro_option_of;
		bool echo = option->type == MHO_MN_ID || option->type == MHO_HOME_NETWORK_PREFIX ||
			    option->type == MHO_HANDOFF_INDICATOR || option->type == MHO_ACCESS_TECHNOLOGY_TYPE ||
			    option->type == MHO_TIMESTAMP;

		echo = echo || (ro_option(option, &ro_option_of) && ro_option_of.code == RO_OPTION_LOCAL_RO);
		if (echo)
			mh_write_option(&writer, option->type, option->data, option->length);
	}
	return mh_writer_finish(&writer, &ro->config.address, &request->datagram->source);
}

uint16_t pba_with_status(const struct mh_message *pba, uint8_t status, uint8_t *bytes, size_t size,
	const struct in6_addr *source, const struct in6_addr *destination)
{
	struct mh_message changed = *pba;

	changed.fixed.ba.status = ba_status(status);
	changed.fixed.ba.lifetime = 0;
	return mh_encode(&changed, bytes, size, source, destination);
}

/* ---- receiving ---- */

struct pbu {
	struct ro_tuple tuple; /* the sender's MN */
	struct ro_pair_option pairs[2];
	unsigned pair_count;
	uint8_t local_ro;
	bool has_local_ro, has_stamp, has_authorisation;
	uint64_t stamp;
	uint32_t association;
	struct ro_authorisation authorisation;
};

static void take_ro_option(struct pbu *pbu, const struct mh_option *option)
{
	struct ro_option ro;

	if (!ro_option(option, &ro))
		return;
	if (ro.code == RO_OPTION_LOCAL_RO) {
		pbu->has_local_ro = ro_option_local_ro(&ro, &pbu->local_ro);
	} else if (ro.code == RO_OPTION_MN_CN_PAIR) {
		if (pbu->pair_count < 2 && !ro_option_pair(&ro, &pbu->pairs[pbu->pair_count]))
			return;
		pbu->pair_count++;
	} else if (ro.code == RO_OPTION_AUTHORISATION) {
		pbu->has_authorisation = ro_option_authorisation(&ro, &pbu->authorisation) &&
					 ro_option_association(&ro, &pbu->association);
	}
}

static void take_options(struct pbu *pbu, const struct mh_message *message)
{
	memset(pbu, 0, sizeof(*pbu));
	for (unsigned i = 0; i < message->option_count; i++) {
		const struct mh_option *option = &message->options[i];

		switch (option->type) {
		case MHO_MN_ID: mh_option_mn_id(option, &pbu->tuple.id); break;
		case MHO_HOME_NETWORK_PREFIX:
			if (pbu->tuple.prefix_count < RO_PREFIXES_MAX)
				mh_option_prefix(option, &pbu->tuple.prefixes[pbu->tuple.prefix_count++]);
			break;
		case MHO_TIMESTAMP:
			pbu->has_stamp = true;
			pbu->stamp = endpoint_load_be64(option->data);
			break;
		default: take_ro_option(pbu, option); break;
		}
	}
}

static bool is_complete(const struct ro *ro, const struct pbu *pbu, const struct in6_addr *source)
{
	const struct ro_pair_option *own = &pbu->pairs[0], *other = &pbu->pairs[1];

	return pbu->has_stamp && pbu->stamp != 0 && pbu->has_local_ro && pbu->pair_count == 2 &&
	       pbu->tuple.id.length > 0 && pbu->tuple.prefix_count > 0 && own->prefix_length == 64 &&
	       other->prefix_length == 64 && same_address(&other->proxy_coa, source) &&
	       memcmp(&other->prefix, &pbu->tuple.prefixes[0].prefix, 8) == 0 && !stamp_is_ahead(ro, pbu->stamp);
}

/* Our MN with all of its prefixes, the one that the PBU names first. */
static void own_tuple(struct ro_tuple *tuple, const struct ro_session *session, uint64_t named, uint8_t *id)
{
	memcpy(id, session->id.data, session->id.length);
	*tuple = (struct ro_tuple){.id = session->id};
	tuple->id.data = id;
	tuple->prefixes[tuple->prefix_count++] = (struct home_network_prefix){prefix_address(named), 64};
	for (unsigned i = 0; i < session->prefix_count; i++)
		if (session->prefixes[i] != named)
			tuple->prefixes[tuple->prefix_count++] =
				(struct home_network_prefix){prefix_address(session->prefixes[i]), 64};
}

/* The option has no length of a subnet. */
static struct ro_ipv4_home ipv4_of(const struct ro_pair_option *pair)
{
	struct ro_ipv4_home home = {.length = 32};

	memcpy(home.address, pair->ipv4_home, sizeof(home.address));
	return pair->has_ipv4 && ro_ipv4_home_is_valid(&home) ? home : (struct ro_ipv4_home){.length = 0};
}

bool ro_pbu(struct ro *ro, const struct engine_time *now, const struct mh_datagram *datagram,
	const struct mh_message *message)
{
	struct ro_request request = {.datagram = datagram, .pbu = message};
	uint8_t id[MN_ID_MAX];
	struct ro_session session;
	struct pbu pbu;
	uint64_t named;
	bool denied;

	ro->now = *now;
	if (ro->config.role != RO_ROLE_MAG || !peer_is_mag(ro, &datagram->source))
		return false;
	ro->stats.pbus_received++;
	peer_speaks(ro, peer_find(ro, &datagram->source));
	take_options(&pbu, message);
	request.fixed = (struct ro_fixed){.code = RO_SETUP,
		.sequence = message->fixed.bu.sequence,
		.lifetime_s = to_seconds(message->fixed.bu.lifetime),
		.association = pbu.association};
	request.body = (struct ro_body){.tuple_count = 2,
		.has_stamp = true,
		.stamp = pbu.stamp,
		.has_authorisation = pbu.has_authorisation,
		.authorisation = pbu.authorisation};
	named = endpoint_id_ipv6(pbu.pairs[0].prefix.s6_addr);
	denied = peer_is_denied(ro, &datagram->source) && request.fixed.lifetime_s != 0;
	if (!ro->config.pbu_for_setup || (pbu.has_local_ro && pbu.local_ro == 0) || denied) {
		request_refuse(ro, NULL, &request, RO_STATUS_PROHIBITED);
	} else if (!is_complete(ro, &pbu, &datagram->source)) {
		request_refuse(ro, NULL, &request, RO_STATUS_MALFORMED);
	} else if (!ro->ops->find_by_prefix(ro->context, named, &session)) {
		request_refuse(ro, NULL, &request, RO_STATUS_NOT_ATTACHED);
	} else {
		own_tuple(&request.body.tuples[0], &session, named, id);
		request.body.tuples[1] = pbu.tuple;
		request.body.tuples[1].has_mag = true;
		request.body.tuples[1].mag = datagram->source;
		request.body.tuples[1].ipv4 = ipv4_of(&pbu.pairs[1]);
		mag_request_in(ro, &request);
	}
	return true;
}

bool ro_pba(struct ro *ro, const struct engine_time *now, const struct mh_datagram *datagram,
	const struct mh_message *message)
{
	struct ro_request ack = {.datagram = datagram, .fixed = {.code = RO_SETUP_ACK}};
	struct association *a;
	struct exchange *exchange;
	struct pbu pbu;

	ro->now = *now;
	if (ro->config.role != RO_ROLE_MAG || !peer_is_mag(ro, &datagram->source))
		return false;
	peer_speaks(ro, peer_find(ro, &datagram->source));
	take_options(&pbu, message);
	ack.fixed.sequence = message->fixed.ba.sequence;
	ack.fixed.association = pbu_exchange_id(pbu.stamp);
	ack.fixed.value = ro_status(message->fixed.ba.status);
	ack.fixed.lifetime_s = to_seconds(message->fixed.ba.lifetime);
	ack.body.tuple_count = 1;
	ack.body.tuples[0].id = pbu.tuple.id;
	ack.pbu = message;
	ro->stats.acks_received[ack.fixed.value]++;
	exchange = exchange_take(ro, &ack, &a);
	if (exchange == NULL) {
		ro->stats.acks_unmatched++;
		return true;
	}
	pair_note(ro, a, RO_EVENT_ACKNOWLEDGED, ack.fixed.value);
	mag_ack_in(ro, a, exchange, &ack);
	free(exchange);
	return true;
}
