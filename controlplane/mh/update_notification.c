/* SPDX-License-Identifier: BSD-3-Clause */
/* Update Notification and its Acknowledgement (RFC 7077 section 4). */
#include "mh/message.h"

#include <string.h>

#include "checksum.h"

static void upn_decode(struct mh_message *message, struct cursor *data)
{
	message->fixed.upn.sequence = cursor_be16(data);
	message->fixed.upn.reason = cursor_be16(data);
	message->fixed.upn.flags = cursor_be16(data);
}

void mh_write_upn(struct mh_writer *writer, uint16_t sequence, uint16_t reason, uint16_t flags)
{
	if (writer->failed)
		return;
	put_be16(writer->bytes + 6, sequence);
	put_be16(writer->bytes + 8, reason);
	put_be16(writer->bytes + 10, flags);
}

static void upn_encode(struct mh_writer *writer, const struct mh_message *message)
{
	mh_write_upn(writer, message->fixed.upn.sequence, message->fixed.upn.reason, message->fixed.upn.flags);
}

void mh_upn_repeat(uint8_t *bytes, uint16_t length, const struct in6_addr *source, const struct in6_addr *destination)
{
	uint16_t checksum;

	bytes[10] |= UPN_FLAG_D >> 8;
	memset(bytes + 4, 0, 2);
	checksum = checksum_ipv6(source, destination, IPPROTO_MOBILITY, bytes, length);
	memcpy(bytes + 4, &checksum, 2);
}

static void upa_decode(struct mh_message *message, struct cursor *data)
{
	message->fixed.upa.sequence = cursor_be16(data);
	message->fixed.upa.status = cursor_u8(data);
}

void mh_write_upa(struct mh_writer *writer, uint16_t sequence, uint8_t status)
{
	if (writer->failed)
		return;
	put_be16(writer->bytes + 6, sequence);
	writer->bytes[8] = status;
}

static void upa_encode(struct mh_writer *writer, const struct mh_message *message)
{
	mh_write_upa(writer, message->fixed.upa.sequence, message->fixed.upa.status);
}

const struct mh_message_rule mh_rule_upn = {.fixed_length = 12, .decode = upn_decode, .encode = upn_encode};
const struct mh_message_rule mh_rule_upa = {.fixed_length = 12, .decode = upa_decode, .encode = upa_encode};
