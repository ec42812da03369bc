/* SPDX-License-Identifier: BSD-3-Clause */
/* Home and Care-of Test Init, Home and Care-of Test (RFC 6275 sections 6.1.3-6.1.6). */
#include "mh/message.h"

static void init_decode(struct mh_message *message, struct cursor *data)
{
	cursor_be16(data);
	message->fixed.init.cookie = cursor_be64(data);
}

void mh_write_init_test(struct mh_writer *writer, uint64_t cookie)
{
	if (!writer->failed)
		put_be64(writer->bytes + 8, cookie);
}

static void init_encode(struct mh_writer *writer, const struct mh_message *message)
{
	mh_write_init_test(writer, message->fixed.init.cookie);
}

static void test_decode(struct mh_message *message, struct cursor *data)
{
	message->fixed.test.nonce_index = cursor_be16(data);
	message->fixed.test.cookie = cursor_be64(data);
	message->fixed.test.token = cursor_be64(data);
}

void mh_write_test(struct mh_writer *writer, uint16_t nonce_index, uint64_t cookie, uint64_t token)
{
	if (writer->failed)
		return;
	put_be16(writer->bytes + 6, nonce_index);
	put_be64(writer->bytes + 8, cookie);
	put_be64(writer->bytes + 16, token);
}

static void test_encode(struct mh_writer *writer, const struct mh_message *message)
{
	mh_write_test(writer, message->fixed.test.nonce_index, message->fixed.test.cookie, message->fixed.test.token);
}

const struct mh_message_rule mh_rule_test_init = {.fixed_length = 16, .decode = init_decode, .encode = init_encode};
const struct mh_message_rule mh_rule_test = {.fixed_length = 24, .decode = test_decode, .encode = test_encode};
