/* SPDX-License-Identifier: BSD-3-Clause */
#include "mh/message.h"

#include "checksum.h"

#include "mh/options.h"

/* @n more octets, or NULL (and failed). */
static uint8_t *writer_take(struct mh_writer *writer, unsigned n)
{
	uint8_t *at = writer->bytes + writer->length;

	if (writer->failed || n > (unsigned)(writer->size - writer->length)) {
		writer->failed = true;
		return NULL;
	}
	writer->length = (uint16_t)(writer->length + n);
	return at;
}

/* Pad1 or PadN up to the next octet that is @offset modulo @modulus. */
static void writer_pad(struct mh_writer *writer, unsigned modulus, unsigned offset)
{
	unsigned n = (modulus + offset - writer->length % modulus) % modulus;
	uint8_t *at = writer_take(writer, n);

	if (at == NULL || n == 0)
		return;
	memset(at, 0, n);
	if (n > 1) {
		at[0] = MHO_PADN;
		at[1] = (uint8_t)(n - 2);
	}
}

void mh_writer_init(struct mh_writer *writer, uint8_t type, void *buffer, size_t size)
{
	const struct mh_message_rule *rule = mh_message_rule(type);
	uint8_t *at;

	*writer = (struct mh_writer){.bytes = buffer, .size = size > MH_LENGTH_MAX ? MH_LENGTH_MAX : (uint16_t)size};
	writer->failed = rule == NULL;
	at = writer_take(writer, rule != NULL ? rule->fixed_length : 0);
	if (at == NULL)
		return;
	memset(at, 0, rule->fixed_length);
	at[0] = MH_PAYLOAD_PROTO;
	at[2] = type;
}

/* An option's place, aligned, with Type and Length written; NULL if it does not fit. */
static uint8_t *writer_option(struct mh_writer *writer, uint8_t type, uint8_t length)
{
	const struct mh_option_rule *rule = mh_option_rule(type);
	const struct mh_option_form *form = rule != NULL ? mh_option_form(rule, length) : NULL;
	uint8_t *at;

	if (form != NULL)
		writer_pad(writer, form->modulus, form->offset);
	at = writer_take(writer, 2u + length);
	if (at == NULL)
		return NULL;
	at[0] = type;
	at[1] = length;
	return at + 2;
}

void mh_write_option(struct mh_writer *writer, uint8_t type, const void *data, uint8_t length)
{
	uint8_t *at = writer_option(writer, type, length);

	if (at != NULL && length > 0)
		memcpy(at, data, length);
}

void mh_write_mn_id(struct mh_writer *writer, const struct mn_id *id)
{
	uint8_t *at;

	if (id->length > MN_ID_MAX) {
		writer->failed = true;
		return;
	}
	at = writer_option(writer, MHO_MN_ID, (uint8_t)(id->length + 1));
	if (at == NULL)
		return;
	at[0] = id->subtype;
	if (id->length > 0)
		memcpy(at + 1, id->data, id->length);
}

void mh_write_prefix(struct mh_writer *writer, const struct home_network_prefix *prefix)
{
	uint8_t *at = writer_option(writer, MHO_HOME_NETWORK_PREFIX, 18);

	if (at == NULL)
		return;
	at[0] = 0;
	at[1] = prefix->length;
	memcpy(at + 2, &prefix->prefix, 16);
}

void mh_write_handoff_indicator(struct mh_writer *writer, uint8_t value)
{
	mh_write_option(writer, MHO_HANDOFF_INDICATOR, (uint8_t[2]){0, value}, 2);
}

void mh_write_access_technology(struct mh_writer *writer, uint8_t value)
{
	mh_write_option(writer, MHO_ACCESS_TECHNOLOGY_TYPE, (uint8_t[2]){0, value}, 2);
}

void mh_write_link_layer_id(struct mh_writer *writer, const void *id, uint8_t length)
{
	uint8_t *at;

	if (length > 253) {
		writer->failed = true;
		return;
	}
	at = writer_option(writer, MHO_MN_LINK_LAYER_ID, (uint8_t)(length + 2));
	if (at == NULL)
		return;
	put_be16(at, 0);
	if (length > 0)
		memcpy(at + 2, id, length);
}

void mh_write_link_local(struct mh_writer *writer, const struct in6_addr *address)
{
	mh_write_option(writer, MHO_LINK_LOCAL_ADDRESS, address, 16);
}

void mh_write_timestamp(struct mh_writer *writer, uint64_t timestamp)
{
	uint8_t *at = writer_option(writer, MHO_TIMESTAMP, 8);

	if (at != NULL)
		put_be64(at, timestamp);
}

void mh_write_restart_counter(struct mh_writer *writer, uint32_t counter)
{
	uint8_t *at = writer_option(writer, MHO_RESTART_COUNTER, 4);

	if (at != NULL)
		put_be32(at, counter);
}

void mh_write_alternate_care_of_address(struct mh_writer *writer, const struct in6_addr *address)
{
	mh_write_option(writer, MHO_ALTERNATE_CARE_OF_ADDRESS, address, 16);
}

uint16_t mh_writer_finish(struct mh_writer *writer, const struct in6_addr *source, const struct in6_addr *destination)
{
	uint16_t checksum;

	writer_pad(writer, 8, 0);
	if (writer->failed)
		return 0;
	writer->bytes[1] = (uint8_t)(writer->length / 8 - 1);
	if (source != NULL) {
		checksum = checksum_ipv6(source, destination, IPPROTO_MOBILITY, writer->bytes, writer->length);
		memcpy(writer->bytes + 4, &checksum, 2);
	}
	return writer->length;
}

uint16_t mh_encode(const struct mh_message *message, void *buffer, size_t size, const struct in6_addr *source,
	const struct in6_addr *destination)
{
	const struct mh_message_rule *rule = mh_message_rule(message->type);
	struct mh_writer writer;

	mh_writer_init(&writer, message->type, buffer, size);
	if (writer.failed)
		return 0;
	rule->encode(&writer, message);
	for (unsigned i = 0; i < message->option_count; i++)
		mh_write_option(
			&writer, message->options[i].type, message->options[i].data, message->options[i].length);
	return mh_writer_finish(&writer, source, destination);
}
