/* SPDX-License-Identifier: BSD-3-Clause */
/* Binding Refresh Request, Binding Update, Acknowledgement and Error (RFC 6275 6.1.2, 6.1.7-6.1.9; RFC 5213 8.1, 8.2).
 */
#include "mh/message.h"

#include <string.h>

static void brr_decode(struct mh_message *message, struct cursor *data)
{
	(void)message;
	(void)data;
}

static void brr_encode(struct mh_writer *writer, const struct mh_message *message)
{
	(void)writer;
	(void)message;
}

static void bu_decode(struct mh_message *message, struct cursor *data)
{
	message->fixed.bu.sequence = cursor_be16(data);
	message->fixed.bu.flags = cursor_be16(data);
	message->fixed.bu.lifetime = cursor_be16(data);
}

void mh_write_bu(struct mh_writer *writer, uint16_t sequence, uint16_t flags, uint16_t lifetime)
{
	if (writer->failed)
		return;
	put_be16(writer->bytes + 6, sequence);
	put_be16(writer->bytes + 8, flags);
	put_be16(writer->bytes + 10, lifetime);
}

static void bu_encode(struct mh_writer *writer, const struct mh_message *message)
{
	mh_write_bu(writer, message->fixed.bu.sequence, message->fixed.bu.flags, message->fixed.bu.lifetime);
}

static void ba_decode(struct mh_message *message, struct cursor *data)
{
	message->fixed.ba.status = cursor_u8(data);
	message->fixed.ba.flags = cursor_u8(data);
	message->fixed.ba.sequence = cursor_be16(data);
	message->fixed.ba.lifetime = cursor_be16(data);
}

void mh_write_ba(struct mh_writer *writer, uint8_t status, uint8_t flags, uint16_t sequence, uint16_t lifetime)
{
	if (writer->failed)
		return;
	writer->bytes[6] = status;
	writer->bytes[7] = flags;
	put_be16(writer->bytes + 8, sequence);
	put_be16(writer->bytes + 10, lifetime);
}

static void ba_encode(struct mh_writer *writer, const struct mh_message *message)
{
	mh_write_ba(writer, message->fixed.ba.status, message->fixed.ba.flags, message->fixed.ba.sequence,
		message->fixed.ba.lifetime);
}

static void be_decode(struct mh_message *message, struct cursor *data)
{
	message->fixed.be.status = cursor_u8(data);
	cursor_u8(data);
	cursor_copy(data, &message->fixed.be.home_address, 16);
}

void mh_write_be(struct mh_writer *writer, uint8_t status, const struct in6_addr *home_address)
{
	if (writer->failed)
		return;
	writer->bytes[6] = status;
	memcpy(writer->bytes + 8, home_address, 16);
}

static void be_encode(struct mh_writer *writer, const struct mh_message *message)
{
	mh_write_be(writer, message->fixed.be.status, &message->fixed.be.home_address);
}

const struct mh_message_rule mh_rule_brr = {.fixed_length = 8, .decode = brr_decode, .encode = brr_encode};
const struct mh_message_rule mh_rule_bu = {.fixed_length = 12, .decode = bu_decode, .encode = bu_encode};
const struct mh_message_rule mh_rule_ba = {.fixed_length = 12, .decode = ba_decode, .encode = ba_encode};
const struct mh_message_rule mh_rule_be = {.fixed_length = 24, .decode = be_decode, .encode = be_encode};
