/* SPDX-License-Identifier: BSD-3-Clause */
/* The options of an RO message as values: tuples, stamp, authorisation (wire-formats G.2, G.6). */
#include "mh/ro.h"

#include "mh/message.h"

#define ADDRESS_BITS  128
#define LMAA_CODE_IP6 1 /* RFC 5949 section 6.2.2 */

#define IPV4_LENGTH_SHIFT 10 /* of option 36: 6 bits, then 10 reserved ones */

/* First octets of IPv4 addresses that nobody has at home (RFC 6890). */
#define IPV4_THIS_NETWORK 0
#define IPV4_LOOPBACK     127
#define IPV4_MULTICAST    224 /* and beyond: reserved */

static struct ro_tuple *open_tuple(struct ro_body *body)
{
	if (body->tuple_count >= 1 && body->tuple_count <= 2)
		return &body->tuples[body->tuple_count - 1];
	body->is_malformed = true;
	return NULL;
}

static void take_id(struct ro_body *body, const struct mh_option *option)
{
	if (body->tuple_count < UINT8_MAX)
		body->tuple_count++;
	if (body->tuple_count <= 2)
		mh_option_mn_id(option, &body->tuples[body->tuple_count - 1].id);
	else
		body->is_malformed = true;
}

static void take_prefix(struct ro_body *body, const struct mh_option *option)
{
	struct ro_tuple *tuple = open_tuple(body);

	if (tuple == NULL)
		return;
	if (tuple->prefix_count == RO_PREFIXES_MAX)
		body->is_malformed = true;
	else
		mh_option_prefix(option, &tuple->prefixes[tuple->prefix_count++]);
}

bool ro_ipv4_home_is_valid(const struct ro_ipv4_home *home)
{
	uint8_t first = home->address[0];

	return home->length >= 1 && home->length <= 32 && first != IPV4_THIS_NETWORK && first != IPV4_LOOPBACK &&
	       first < IPV4_MULTICAST;
}

/* No message is refused for what is wrong with it: the pair is about prefixes. */
static void take_ipv4(struct ro_body *body, const struct mh_option *option)
{
	struct cursor data = cursor_over(option->data, option->length);
	struct ro_tuple *tuple = &body->tuples[body->tuple_count == 2];
	struct ro_ipv4_home home;

	if (body->tuple_count < 1 || body->tuple_count > 2 || tuple->ipv4.length != 0)
		return;
	home.length = (uint8_t)(cursor_be16(&data) >> IPV4_LENGTH_SHIFT);
	cursor_copy(&data, home.address, sizeof(home.address));
	if (ro_ipv4_home_is_valid(&home))
		tuple->ipv4 = home;
}

/* Options 41 and 51: two octets, the first or second of which is a tag, then an IPv6 address. */
static void take_mag(struct ro_body *body, const struct mh_option *option)
{
	struct ro_tuple *tuple = open_tuple(body);

	if (tuple == NULL)
		return;
	if (option->length != 18 || option->data[1] != ADDRESS_BITS || tuple->has_mag) {
		body->is_malformed = true;
		return;
	}
	tuple->has_mag = true;
	memcpy(&tuple->mag, option->data + 2, 16);
}

static void take_lma(struct ro_body *body, const struct mh_option *option)
{
	struct ro_tuple *tuple = open_tuple(body);

	if (tuple == NULL)
		return;
	if (option->length != 18 || option->data[0] != LMAA_CODE_IP6 || tuple->has_lma) {
		body->is_malformed = true;
		return;
	}
	tuple->has_lma = true;
	memcpy(&tuple->lma, option->data + 2, 16);
}

static void take_ro_option(struct ro_body *body, const struct mh_option *option)
{
	struct ro_option ro;

	if (!ro_option(option, &ro))
		return; /* of somebody else */
	if (ro.code == RO_OPTION_AUTHORISATION) {
		body->is_malformed |= body->has_authorisation;
		body->has_authorisation = ro_option_authorisation(&ro, &body->authorisation);
	} else if (ro.code == RO_OPTION_TUNNEL) {
		body->is_malformed |= body->has_tunnel;
		body->has_tunnel = true;
		body->tunnel_mode = ro.data[0];
	}
}

static void take_stamp(struct ro_body *body, const struct mh_option *option)
{
	struct cursor data = cursor_over(option->data, option->length);

	body->is_malformed |= body->has_stamp;
	body->has_stamp = true;
	body->stamp = cursor_be64(&data);
}

static void take_option(struct ro_body *body, const struct mh_option *option)
{
	switch (option->type) {
	case MHO_MN_ID: take_id(body, option); break;
	case MHO_HOME_NETWORK_PREFIX: take_prefix(body, option); break;
	case MHO_IPV4_HOME_ADDRESS_REQUEST: take_ipv4(body, option); break;
	case MHO_MAG_IPV6_ADDRESS: take_mag(body, option); break;
	case MHO_LMA_ADDRESS: take_lma(body, option); break;
	case MHO_TIMESTAMP: take_stamp(body, option); break;
	default: take_ro_option(body, option); break;
	}
}

void ro_body_parse(const struct mh_message *message, struct ro_body *body)
{
	memset(body, 0, sizeof(*body));
	for (unsigned i = 0; i < message->option_count; i++)
		take_option(body, &message->options[i]);
}

/* ---- encoding ---- */

static void write_address(
	struct mh_writer *writer, uint8_t type, uint8_t first, uint8_t second, const struct in6_addr *address)
{
	uint8_t data[18] = {first, second};

	memcpy(data + 2, address, 16);
	mh_write_option(writer, type, data, sizeof(data));
}

static void write_ipv4(struct mh_writer *writer, const struct ro_ipv4_home *home)
{
	uint8_t data[6];

	put_be16(data, (uint16_t)(home->length << IPV4_LENGTH_SHIFT));
	memcpy(data + 2, home->address, sizeof(home->address));
	mh_write_option(writer, MHO_IPV4_HOME_ADDRESS_REQUEST, data, sizeof(data));
}

static void write_tuple(struct mh_writer *writer, const struct ro_tuple *tuple)
{
	mh_write_mn_id(writer, &tuple->id);
	for (unsigned i = 0; i < tuple->prefix_count; i++)
		mh_write_prefix(writer, &tuple->prefixes[i]);
	if (tuple->ipv4.length != 0)
		write_ipv4(writer, &tuple->ipv4);
	if (tuple->has_mag)
		write_address(writer, MHO_MAG_IPV6_ADDRESS, 0, ADDRESS_BITS, &tuple->mag);
	if (tuple->has_lma)
		write_address(writer, MHO_LMA_ADDRESS, LMAA_CODE_IP6, 0, &tuple->lma);
}

void ro_write_option(
	struct mh_writer *writer, const struct ro_fixed *fixed, uint8_t code, const void *data, uint8_t length)
{
	uint8_t shimmed[8 + 50];

	if (!fixed->experimental) {
		mh_write_option(writer, ro_option_type(code), data, length);
		return;
	}
	put_be16(shimmed, RO_MAGIC);
	shimmed[2] = RO_VERSION;
	shimmed[3] = code;
	put_be32(shimmed + 4, fixed->experiment_id);
	memcpy(shimmed + 8, data, length);
	mh_write_option(writer, MHO_EXPERIMENTAL, shimmed, (uint8_t)(8 + length));
}

static void write_body(struct mh_writer *writer, const struct ro_fixed *fixed, const struct ro_body *body)
{
	uint8_t authorisation[2 + RO_MAC_LENGTH] = {body->authorisation.key_id};

	for (unsigned i = 0; i < body->tuple_count; i++)
		write_tuple(writer, &body->tuples[i]);
	if (body->has_tunnel)
		ro_write_option(writer, fixed, RO_OPTION_TUNNEL, (uint8_t[2]){body->tunnel_mode}, 2);
	if (body->has_stamp)
		mh_write_timestamp(writer, body->stamp);
	memcpy(authorisation + 2, body->authorisation.mac, RO_MAC_LENGTH);
	if (body->has_authorisation)
		ro_write_option(writer, fixed, RO_OPTION_AUTHORISATION, authorisation, sizeof(authorisation));
}

uint16_t ro_encode(const struct ro_fixed *fixed, const struct ro_body *body, void *buffer, size_t size,
	const struct in6_addr *source, const struct in6_addr *destination)
{
	struct mh_message message = {.type = ro_mh_type(fixed->code, fixed->experimental),
		.fixed.ro = {.code = fixed->code,
			.experimental = fixed->experimental,
			.experiment_id = fixed->experiment_id,
			.sequence = fixed->sequence,
			.flags = fixed->flags,
			.value = fixed->value,
			.lifetime = fixed->lifetime_s,
			.association = fixed->association}};
	const struct mh_message_rule *rule = mh_message_rule(message.type);
	struct mh_writer writer;

	mh_writer_init(&writer, message.type, buffer, size);
	if (writer.failed || (body != NULL && body->tuple_count > 2))
		return 0;
	rule->encode(&writer, &message);
	if (body != NULL)
		write_body(&writer, fixed, body);
	return mh_writer_finish(&writer, source, destination);
}
