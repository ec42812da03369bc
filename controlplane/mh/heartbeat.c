/* SPDX-License-Identifier: BSD-3-Clause */
/* Heartbeat (RFC 5847 section 3.3). */
#include "mh/message.h"

static void heartbeat_decode(struct mh_message *message, struct cursor *data)
{
	cursor_u8(data);
	message->fixed.heartbeat.flags = cursor_u8(data);
	message->fixed.heartbeat.sequence = cursor_be32(data);
}

void mh_write_heartbeat(struct mh_writer *writer, uint8_t flags, uint32_t sequence)
{
	if (writer->failed)
		return;
	writer->bytes[7] = flags;
	put_be32(writer->bytes + 8, sequence);
}

static void heartbeat_encode(struct mh_writer *writer, const struct mh_message *message)
{
	mh_write_heartbeat(writer, message->fixed.heartbeat.flags, message->fixed.heartbeat.sequence);
}

const struct mh_message_rule mh_rule_heartbeat = {
	.fixed_length = 12, .decode = heartbeat_decode, .encode = heartbeat_encode};
