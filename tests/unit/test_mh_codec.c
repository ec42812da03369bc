/* SPDX-License-Identifier: BSD-3-Clause */
/* Mobility Header codec: order of checks, canonical padding, options as values, random messages there and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "checksum.h"

#include "mh/mh.h"
#include "mh/options.h"

static struct in6_addr mag1, lma1;

static int addresses(void **state)
{
	(void)state;
	inet_pton(AF_INET6, "2001:db8:a1::1", &mag1);
	inet_pton(AF_INET6, "2001:db8:1::1", &lma1);
	return 0;
}

/* Decode from a heap block of exactly @size octets, so that a read past the end is found under ASan. */
static enum mh_error decode_exact(struct mh_message *message, const void *bytes, size_t size, uint8_t **block)
{
	*block = malloc(size > 0 ? size : 1);
	assert_non_null(*block);
	memcpy(*block, bytes, size);
	return mh_decode(message, size > 0 ? *block : *block + 1, size, &mag1, &lma1);
}

/* Give @bytes the checksum that they ought to have. */
static void fix_checksum(uint8_t *bytes, uint16_t length)
{
	uint16_t checksum;

	memset(bytes + 4, 0, 2);
	checksum = checksum_ipv6(&mag1, &lma1, IPPROTO_MOBILITY, bytes, length);
	memcpy(bytes + 4, &checksum, 2);
}

static enum mh_error error_of(const void *bytes, size_t size)
{
	struct mh_message message;
	uint8_t *block;
	enum mh_error error = decode_exact(&message, bytes, size, &block);

	free(block);
	return error;
}

/* The sum octet by octet, as RFC 1071 writes it down: nothing shared with checksum.h. */
static uint16_t checksum_by_the_book(const uint8_t *bytes, uint16_t length)
{
	uint8_t pseudo[40] = {0};
	uint32_t sum = 0;

	memcpy(pseudo, &mag1, 16);
	memcpy(pseudo + 16, &lma1, 16);
	pseudo[34] = (uint8_t)(length >> 8);
	pseudo[35] = (uint8_t)length;
	pseudo[39] = 135;
	for (unsigned i = 0; i < 40; i += 2)
		sum += (uint32_t)pseudo[i] << 8 | pseudo[i + 1];
	for (unsigned i = 0; i < length; i += 2)
		sum += i == 4 ? 0 : (uint32_t)bytes[i] << 8 | bytes[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void first_check_that_fails_names_the_error(void **state)
{
	uint8_t bytes[32] = {MH_PAYLOAD_PROTO, 1, MH_BU, 0, 0, 0, 0, 1, 0x82, 0, 0, 9, MHO_PADN, 2, 0, 0};

	(void)state;
	fix_checksum(bytes, 16);
	assert_int_equal(error_of(bytes, 16), MH_ERROR_NONE);
	assert_int_equal(error_of(bytes, 32), MH_ERROR_NONE); /* ends earlier than the packet */
	for (size_t size = 0; size < 16; size++)
		assert_int_equal(error_of(bytes, size), size < 8 ? MH_ERROR_TRUNCATED : MH_ERROR_LENGTH);

	/* Everything is wrong; put right one thing after the other. */
	bytes[0] = 58;
	bytes[1] = 0;
	bytes[2] = 200;
	bytes[6] ^= 1;
	assert_int_equal(error_of(bytes, 16), MH_ERROR_CHECKSUM);
	fix_checksum(bytes, 8);
	assert_int_equal(error_of(bytes, 16), MH_ERROR_TYPE);
	bytes[2] = MH_BU;
	fix_checksum(bytes, 8);
	assert_int_equal(error_of(bytes, 16), MH_ERROR_PAYLOAD_PROTO);
	bytes[0] = MH_PAYLOAD_PROTO;
	fix_checksum(bytes, 8);
	assert_int_equal(error_of(bytes, 16), MH_ERROR_HEADER_LENGTH);
	bytes[1] = 1;
	fix_checksum(bytes, 16);
	assert_int_equal(error_of(bytes, 16), MH_ERROR_NONE);
}

static void header_len_below_the_minimum_of_each_type_is_refused(void **state)
{
	/* wire-formats 0.1, by type number */
	static const struct {
		uint8_t type, minimum;
	} rows[] = {{MH_BRR, 0}, {MH_HOTI, 1}, {MH_COTI, 1}, {MH_HOT, 2}, {MH_COT, 2}, {MH_BU, 1}, {MH_BA, 1},
		{MH_BE, 2}, {MH_HEARTBEAT, 1}, {MH_UPN, 1}, {MH_UPA, 1}, {240, 1}, {245, 1}, {250, 1}};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (uint8_t length = 0; length <= 3; length++) {
			uint8_t bytes[32] = {MH_PAYLOAD_PROTO, length, rows[i].type};

			fix_checksum(bytes, (uint16_t)((length + 1) * 8));
			assert_int_equal(error_of(bytes, (size_t)(length + 1) * 8),
				length < rows[i].minimum ? MH_ERROR_HEADER_LENGTH : MH_ERROR_NONE);
		}
	}
}

static void types_that_are_not_known_keep_their_number(void **state)
{
	struct mh_message message;
	uint8_t *block;
	char text[16];

	(void)state;
	for (unsigned type = 0; type < 256; type++) {
		uint8_t bytes[24] = {MH_PAYLOAD_PROTO, 2, (uint8_t)type};
		bool known = type <= MH_BE || type == MH_HEARTBEAT || type == MH_UPN || type == MH_UPA ||
			     (type >= 240 && type <= 245) || type == 250;
		enum mh_error expected = type == MH_EXPERIMENTAL ? MH_ERROR_EXPERIMENT : MH_ERROR_TYPE;

		fix_checksum(bytes, 24);
		assert_int_equal(decode_exact(&message, bytes, 24, &block), known ? MH_ERROR_NONE : expected);
		assert_int_equal(message.type, type);
		assert_int_equal(message.length, 24);
		assert_int_equal(message.option_count, 0);
		assert_non_null(mh_message_name(&message, text));
		free(block);
	}
	message.type = 200;
	assert_string_equal(mh_message_name(&message, text), "type-200");
	message.type = 16;
	assert_string_equal(mh_message_name(&message, text), "binding-revocation");
}

static void proxy_messages_are_told_by_their_p_flag(void **state)
{
	struct mh_message message = {.type = MH_BU};
	char text[16];

	(void)state;
	assert_string_equal(mh_message_name(&message, text), "BU");
	message.fixed.bu.flags = BU_FLAG_P;
	assert_string_equal(mh_message_name(&message, text), "PBU");
	message = (struct mh_message){.type = MH_BA};
	assert_string_equal(mh_message_name(&message, text), "BA");
	message.fixed.ba.flags = BA_FLAG_P;
	assert_string_equal(mh_message_name(&message, text), "PBA");
}

static void options_that_run_past_the_end_are_refused(void **state)
{
	uint8_t bytes[16] = {MH_PAYLOAD_PROTO, 1, MH_BRR};

	(void)state;
	for (uint8_t type = 1; type < 255; type++) {
		bytes[8] = type;
		bytes[9] = 7; /* one more than there are */
		fix_checksum(bytes, 16);
		assert_int_equal(error_of(bytes, 16), MH_ERROR_OPTION_OVERRUN);
	}
	/* A Type octet alone at the very end. */
	memset(bytes + 8, 0, 8);
	bytes[15] = MHO_TIMESTAMP;
	fix_checksum(bytes, 16);
	assert_int_equal(error_of(bytes, 16), MH_ERROR_OPTION_OVERRUN);
}

static void options_before_a_bad_one_are_kept(void **state)
{
	uint8_t bytes[24] = {MH_PAYLOAD_PROTO, 2, MH_BU, 0, 0, 0, 0, 7, 0, 0, 0, 1, MHO_HANDOFF_INDICATOR, 2, 0, 3,
		MHO_RESTART_COUNTER, 3, 0, 0, 0};
	struct mh_message message;
	uint8_t *block;

	(void)state;
	fix_checksum(bytes, 24);
	assert_int_equal(decode_exact(&message, bytes, 24, &block), MH_ERROR_OPTION_LENGTH);
	assert_int_equal(message.fixed.bu.sequence, 7);
	assert_int_equal(message.option_count, 1);
	assert_int_equal(message.options[0].type, MHO_HANDOFF_INDICATOR);
	free(block);
}

static void more_options_than_are_kept_is_an_error(void **state)
{
	uint8_t bytes[8 + 2 * (MH_OPTIONS_MAX + 4)] = {MH_PAYLOAD_PROTO, 0, MH_BRR};
	unsigned options;

	(void)state;
	for (options = MH_OPTIONS_MAX; options <= MH_OPTIONS_MAX + 4; options += 4) {
		for (unsigned i = 0; i < options; i++)
			bytes[8 + 2 * i] = 250;
		bytes[1] = (uint8_t)(2 * options / 8);
		fix_checksum(bytes, (uint16_t)(8 + 2 * options));
		assert_int_equal(error_of(bytes, 8 + 2 * options),
			options > MH_OPTIONS_MAX ? MH_ERROR_OPTION_COUNT : MH_ERROR_NONE);
	}
}

static void every_length_of_every_option_is_accepted_or_refused_by_its_row(void **state)
{
	uint8_t bytes[16 + 256];

	(void)state;
	for (unsigned type = 2; type < 256; type++) {
		const struct mh_option_rule *rule = mh_option_rule((uint8_t)type);

		for (unsigned length = 0; length < 256; length++) {
			uint16_t total = (uint16_t)((8 + 2 + length + 7) / 8 * 8);
			bool valid = rule == NULL || mh_option_form(rule, (uint8_t)length) != NULL;
			enum mh_error error;

			memset(bytes, 0, sizeof(bytes));
			bytes[0] = MH_PAYLOAD_PROTO;
			bytes[1] = (uint8_t)(total / 8 - 1);
			bytes[8] = (uint8_t)type;
			bytes[9] = (uint8_t)length;
			fix_checksum(bytes, total);
			error = error_of(bytes, total);
			if (type == MHO_BINDING_AUTHORIZATION_DATA && valid)
				assert_int_equal(error, MH_ERROR_AUTHORIZATION_DATA); /* not at its place here */
			else
				assert_int_equal(error, valid ? MH_ERROR_NONE : MH_ERROR_OPTION_LENGTH);
		}
	}
}

/* wire-formats 0.2, in our own words a second time: octets, alignment. */
static void option_table_agrees_with_the_registry(void **state)
{
	static const struct {
		uint8_t type, length, x, y;
	} fixed[] = {{2, 2, 2, 0}, {3, 16, 8, 6}, {4, 4, 2, 0}, {5, 12, 8, 2}, {6, 18, 8, 4}, {10, 8, 8, 2},
		{22, 18, 8, 4}, {23, 2, 1, 0}, {24, 2, 1, 0}, {26, 16, 8, 6}, {27, 8, 8, 2}, {28, 4, 4, 2},
		{29, 6, 4, 0}, {30, 6, 4, 0}, {31, 6, 4, 0}, {32, 6, 4, 0}, {33, 2, 4, 0}, {33, 6, 4, 0},
		{34, 18, 8, 4}, {35, 4, 2, 0}, {35, 8, 8, 2}, {35, 20, 8, 2}, {36, 6, 4, 0}, {37, 6, 4, 0},
		{38, 6, 4, 0}, {39, 2, 1, 0}, {41, 18, 8, 4}, {41, 6, 4, 0}, {42, 10, 8, 4}, {43, 2, 1, 0},
		{46, 2, 4, 0}, {47, 18, 4, 0}, {47, 6, 4, 0}, {48, 18, 4, 0}, {49, 4, 4, 2}, {50, 6, 4, 0},
		{51, 18, 8, 4}, {55, 18, 8, 2}, {55, 6, 8, 2}, {59, 2, 8, 2}, {59, 6, 8, 2}, {59, 18, 8, 2},
		{63, 6, 1, 0}, {65, 18, 8, 4}, {66, 18, 8, 4}, {67, 34, 8, 4}, {68, 16, 8, 6}, {69, 16, 8, 6},
		{9, 5, 4, 1}, {19, 5, 4, 2}, {40, 2, 4, 0}, {52, 2, 4, 0}, {58, 6, 4, 0}, {62, 8, 4, 2}, {240, 2, 1, 0},
		{241, 34, 8, 4}, {241, 42, 8, 4}, {242, 18, 8, 4}, {242, 6, 4, 0}, {244, 2, 1, 0}, {245, 14, 4, 0},
		{245, 18, 4, 0}};
	static const struct {
		uint8_t type, shortest;
	} open[] = {{7, 0}, {8, 1}, {9, 5}, {11, 0}, {12, 0}, {13, 0}, {14, 0}, {15, 0}, {16, 0}, {17, 0}, {18, 0},
		{19, 5}, {20, 1}, {21, 0}, {25, 2}, {40, 2}, {44, 0}, {45, 0}, {52, 2}, {53, 0}, {54, 0}, {56, 0},
		{57, 0}, {58, 6}, {60, 0}, {61, 0}, {62, 8}, {64, 2}, {70, 2}, {243, 2}};
	bool seen[256] = {false};

	(void)state;
	for (unsigned i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		const struct mh_option_form *form = mh_option_form(mh_option_rule(fixed[i].type), fixed[i].length);

		assert_non_null(form);
		assert_int_equal(form->modulus, fixed[i].x);
		assert_int_equal(form->offset, fixed[i].y);
		seen[fixed[i].type] = true;
	}
	for (unsigned i = 0; i < sizeof(open) / sizeof(open[0]); i++) {
		const struct mh_option_rule *rule = mh_option_rule(open[i].type);

		assert_non_null(mh_option_form(rule, 255));
		for (unsigned length = 0; length < 255; length++)
			assert_int_equal(mh_option_form(rule, (uint8_t)length) != NULL, length >= open[i].shortest);
		seen[open[i].type] = true;
	}
	for (unsigned type = 0; type < 256; type++)
		assert_int_equal(seen[type], mh_option_rule((uint8_t)type) != NULL);
	assert_true(seen[70]);
	assert_false(seen[71]);
}

static void encoder_aligns_with_pad1_and_padn_only(void **state)
{
	struct mh_writer writer;
	uint8_t bytes[64];
	static const uint8_t expected[48] = {MH_PAYLOAD_PROTO, 5, MH_BU, 0, 0, 0, 0, 1, 0x82, 0, 0, 2,
		MHO_HANDOFF_INDICATOR, 2, 0, 1,           /* @12, anywhere */
		MHO_PADN, 0,                              /* @16, to 8n+2 */
		MHO_TIMESTAMP, 8, 1, 2, 3, 4, 5, 6, 7, 8, /* @18 */
		250, 3, 'x', 'y', 'z',                    /* @28, an option nobody knows */
		MHO_PAD1,                                 /* @33, to 4n+2 */
		MHO_RESTART_COUNTER, 4, 0, 0, 0, 9,       /* @34 */
		251, 1, 'z',                              /* @40 */
		MHO_PADN, 3, 0, 0, 0};                    /* @43, to 48 */

	(void)state;
	mh_writer_init(&writer, MH_BU, bytes, sizeof(bytes));
	mh_write_bu(&writer, 1, BU_FLAG_A | BU_FLAG_P, 2);
	mh_write_handoff_indicator(&writer, 1);
	mh_write_timestamp(&writer, 0x0102030405060708);
	mh_write_option(&writer, 250, "xyz", 3);
	mh_write_restart_counter(&writer, 9);
	mh_write_option(&writer, 251, "z", 1);
	assert_int_equal(mh_writer_finish(&writer, NULL, NULL), sizeof(expected));
	assert_memory_equal(bytes, expected, sizeof(expected));
}

static void writer_fails_for_good_when_the_buffer_is_full(void **state)
{
	struct mn_id id = {1, 15, (const uint8_t *)"mn1@example.com"};

	(void)state;
	for (size_t size = 0; size <= 80; size++) {
		uint8_t *bytes = malloc(size > 0 ? size : 1);
		struct mh_writer writer;

		mh_writer_init(&writer, MH_BU, size > 0 ? bytes : bytes + 1, size);
		mh_write_bu(&writer, 1, BU_FLAG_P, 2);
		mh_write_mn_id(&writer, &id);                       /* 12..30 */
		mh_write_link_local(&writer, &mag1);                /* 30..48 */
		mh_write_link_layer_id(&writer, "\2\0\0\0\1\1", 6); /* 48..58, then to 64 */
		assert_int_equal(mh_writer_finish(&writer, &mag1, &lma1), size >= 64 ? 64 : 0);
		assert_int_equal(writer.failed, size < 64);
		free(bytes);
	}
}

static void writer_knows_the_limits_of_length_octets(void **state)
{
	static uint8_t bytes[4096];
	struct mh_writer writer;
	uint8_t data[255] = {0};
	struct mn_id id = {1, 255, data};

	(void)state;
	mh_writer_init(&writer, MH_BU, bytes, sizeof(bytes));
	mh_write_mn_id(&writer, &id);
	assert_int_equal(mh_writer_finish(&writer, NULL, NULL), 0);
	mh_writer_init(&writer, MH_BU, bytes, sizeof(bytes));
	mh_write_link_layer_id(&writer, data, 254);
	assert_int_equal(mh_writer_finish(&writer, NULL, NULL), 0);
	mh_writer_init(&writer, 200, bytes, sizeof(bytes));
	assert_int_equal(mh_writer_finish(&writer, NULL, NULL), 0);

	mh_writer_init(&writer, MH_BRR, bytes, sizeof(bytes)); /* 8 + 8 * 255 = 2048, no octet more */
	for (unsigned i = 0; i < 8; i++)
		mh_write_option(&writer, 250, data, i == 7 ? 246 : 253);
	assert_int_equal(mh_writer_finish(&writer, NULL, NULL), 2048);
	assert_int_equal(bytes[1], 255);
	mh_write_option(&writer, 250, data, 0);
	assert_true(writer.failed);
}

static void binding_authorization_data_ends_the_message(void **state)
{
	struct mh_message message;
	struct mh_writer writer;
	uint8_t bytes[64], mac[12] = {1};

	(void)state;
	mh_writer_init(&writer, MH_BA, bytes, sizeof(bytes));
	mh_write_ba(&writer, 0, 0, 1, 105);
	mh_write_option(&writer, MHO_BINDING_AUTHORIZATION_DATA, mac, 12);
	assert_int_equal(mh_writer_finish(&writer, &mag1, &lma1), 32);
	assert_int_equal(mh_decode(&message, bytes, 32, &mag1, &lma1), MH_ERROR_NONE);
	assert_int_equal(message.options[0].offset, 18);
	assert_true(mh_option_is_last(&message, &message.options[0]));

	bytes[1] = 4;
	memcpy(bytes + 32, (uint8_t[]){MHO_PADN, 6, 0, 0, 0, 0, 0, 0}, 8);
	fix_checksum(bytes, 40);
	assert_int_equal(mh_decode(&message, bytes, 40, &mag1, &lma1), MH_ERROR_AUTHORIZATION_DATA);
	assert_int_equal(message.option_count, 1);
	assert_false(mh_option_is_last(&message, &message.options[0]));
}

static void proxy_options_are_picked_by_one_walk(void **state)
{
	struct home_network_prefix prefix = {.length = 64};
	struct mn_id id = {1, 3, (const uint8_t *)"a@b"};
	struct proxy_options options;
	struct mh_message message;
	struct mh_writer writer;
	uint8_t bytes[1024];
	uint16_t length;

	(void)state;
	mh_writer_init(&writer, MH_BU, bytes, sizeof(bytes));
	mh_write_mn_id(&writer, &id);
	for (unsigned i = 0; i < PROXY_PREFIXES_MAX + 2; i++) {
		prefix.prefix.s6_addr[7] = (uint8_t)i;
		mh_write_prefix(&writer, &prefix);
	}
	mh_write_handoff_indicator(&writer, HI_BETWEEN_MAGS);
	mh_write_access_technology(&writer, 4);
	mh_write_link_layer_id(&writer, "\2\0\0\0\1\1", 6);
	mh_write_link_local(&writer, &lma1);
	mh_write_timestamp(&writer, 77);
	mh_write_alternate_care_of_address(&writer, &mag1);
	length = mh_writer_finish(&writer, &mag1, &lma1);
	assert_int_not_equal(length, 0);
	assert_int_equal(mh_decode(&message, bytes, length, &mag1, &lma1), MH_ERROR_NONE);
	mh_proxy_options(&message, &options);
	assert_int_equal(options.mn_id_count, 1);
	assert_int_equal(options.mn_id.length, 3);
	assert_memory_equal(options.mn_id.data, "a@b", 3);
	assert_int_equal(options.prefix_count, PROXY_PREFIXES_MAX + 2);
	assert_int_equal(options.prefixes[PROXY_PREFIXES_MAX - 1].prefix.s6_addr[7], PROXY_PREFIXES_MAX - 1);
	assert_int_equal(options.handoff_indicator, HI_BETWEEN_MAGS);
	assert_int_equal(options.access_technology, 4);
	assert_int_equal(options.link_layer_id_length, 6);
	assert_memory_equal(options.link_layer_id, "\2\0\0\0\1\1", 6);
	assert_memory_equal(&options.link_local, &lma1, 16);
	assert_int_equal(options.timestamp, 77);
	assert_memory_equal(&options.alternate_care_of_address, &mag1, 16);
	assert_false(options.duplicate_singleton);
}

/* wire-formats B.1: only options that may repeat do; of the others the first counts. */
static void second_singleton_is_told_and_the_first_counts(void **state)
{
	(void)state;
	for (unsigned type = 2; type < 256; type++) {
		const struct mh_option_rule *rule = mh_option_rule((uint8_t)type);
		uint8_t length = rule != NULL ? rule->forms[0].shortest : 5;
		uint8_t bytes[256], data[64] = {0, 1};
		struct proxy_options options;
		struct mh_message message;
		struct mh_writer writer;
		uint16_t total;

		mh_writer_init(&writer, MH_BU, bytes, sizeof(bytes));
		mh_write_option(&writer, (uint8_t)type, data, length);
		data[1] = 2;
		mh_write_option(&writer, (uint8_t)type, data, length);
		total = mh_writer_finish(&writer, &mag1, &lma1);
		assert_int_equal(mh_decode(&message, bytes, total, &mag1, &lma1),
			type == MHO_BINDING_AUTHORIZATION_DATA ? MH_ERROR_AUTHORIZATION_DATA : MH_ERROR_NONE);
		mh_proxy_options(&message, &options);
		assert_int_equal(options.duplicate_singleton, rule != NULL && !rule->many);
		if (type == MHO_HANDOFF_INDICATOR)
			assert_int_equal(options.handoff_indicator, 1);
	}
	assert_true(mh_option_rule(MHO_HOME_NETWORK_PREFIX)->many);
	assert_true(mh_option_rule(MHO_VENDOR_SPECIFIC)->many);
	assert_false(mh_option_rule(MHO_TIMESTAMP)->many);
}

static void options_are_found_in_order(void **state)
{
	struct mh_message message = {.option_count = 3};
	const struct mh_option *first;

	(void)state;
	message.options[0].type = message.options[2].type = MHO_HOME_NETWORK_PREFIX;
	message.options[1].type = MHO_MN_ID;
	first = mh_option_find(&message, MHO_HOME_NETWORK_PREFIX, NULL);
	assert_ptr_equal(first, &message.options[0]);
	assert_ptr_equal(mh_option_find(&message, MHO_HOME_NETWORK_PREFIX, first), &message.options[2]);
	assert_null(mh_option_find(&message, MHO_HOME_NETWORK_PREFIX, &message.options[2]));
	assert_null(mh_option_find(&message, MHO_TIMESTAMP, NULL));
}

static void timestamps_survive_the_way_there_and_back(void **state)
{
	uint64_t base = (uint64_t)1700000000 << 16;

	(void)state;
	assert_int_equal(mh_timestamp_from_ns(1700000000500000000), 0x6553f1008000); /* vector B01 */
	for (uint64_t fraction = 0; fraction < 65536; fraction++)
		assert_int_equal(mh_timestamp_from_ns(mh_timestamp_to_ns(base | fraction)), base | fraction);
	assert_int_equal(mh_timestamp_to_ns(UINT64_MAX), UINT64_MAX);
	assert_int_equal(mh_timestamp_from_ns(999999999), 65535);
}

/* RFC 7077 section 5.2: the same sequence number and contents, the D flag set. */
static void repeated_notification_differs_in_its_flag_alone(void **state)
{
	struct mn_id id = {.subtype = 1, .length = 3, .data = (const uint8_t *)"mn1"};
	uint8_t bytes[64], *block;
	struct mh_message message;
	struct mh_writer writer;
	uint16_t length;

	(void)state;
	mh_writer_init(&writer, MH_UPN, bytes, sizeof(bytes));
	mh_write_upn(&writer, 0xfffe, UPN_REASON_FORCE_REREGISTRATION, UPN_FLAG_A);
	mh_write_mn_id(&writer, &id);
	length = mh_writer_finish(&writer, &mag1, &lma1);
	mh_upn_repeat(bytes, length, &mag1, &lma1);
	assert_int_equal(decode_exact(&message, bytes, length, &block), MH_ERROR_NONE);
	assert_int_equal(message.fixed.upn.sequence, 0xfffe);
	assert_int_equal(message.fixed.upn.reason, UPN_REASON_FORCE_REREGISTRATION);
	assert_int_equal(message.fixed.upn.flags, UPN_FLAG_A | UPN_FLAG_D);
	assert_int_equal(message.option_count, 1);
	free(block);
}

static void every_status_of_the_registry_is_a_word(void **state)
{
	(void)state;
	for (unsigned status = 0; status < 256; status++) {
		bool assigned = status <= 6 || (status >= 128 && status <= 180);

		assert_int_equal(strcmp(mh_status_name((uint8_t)status), "unknown") != 0, assigned);
	}
	assert_string_equal(mh_status_name(MH_STATUS_NOT_AUTHORIZED_FOR_HOME_NETWORK_PREFIX),
		"not-authorized-for-home-network-prefix");
	assert_string_equal(upn_reason_name(UPN_REASON_FORCE_REREGISTRATION), "force-reregistration");
	assert_string_equal(upn_reason_name(UPN_REASON_FLOW_MOBILITY), "flow-mobility");
	assert_string_equal(upn_reason_name(6), "unknown");
	assert_string_equal(upn_reason_name(65535), "unknown");
	assert_string_equal(upa_status_name(UPA_STATUS_SUCCESS), "success");
	assert_string_equal(upa_status_name(UPA_STATUS_NOT_ATTACHED), "mobile-node-not-attached");
	assert_string_equal(upa_status_name(133), "unknown");
	assert_string_equal(handoff_indicator_name(255), "unknown");
	assert_string_equal(access_technology_name(4), "ieee-802.11");
	assert_string_equal(mh_type_name(24), "unknown");
	assert_string_equal(mh_option_name(MHO_PADN), "padn");
	assert_string_equal(mh_option_name(71), "unknown");
	for (unsigned error = 0; error < MH_ERROR_COUNT; error++)
		assert_string_not_equal(mh_error_help(error), "unknown");
	assert_string_equal(mh_error_name(MH_ERROR_COUNT), "unknown");
}

/* ---- random messages ---- */

static uint64_t random_state = 0x9e3779b97f4a7c15;

static uint32_t random_below(uint32_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 32) % n;
}

static void random_options(struct mh_writer *writer)
{
	uint8_t data[255];

	for (unsigned i = random_below(12); i > 0; i--) {
		uint8_t type = (uint8_t)(i > 1 ? 6 + random_below(250) : 2 + random_below(254)); /* 5 ends a message */
		const struct mh_option_rule *rule = mh_option_rule(type);
		unsigned length = random_below(40);

		if (rule != NULL && mh_option_form(rule, (uint8_t)length) == NULL)
			length = rule->forms[0].shortest;
		for (unsigned j = 0; j < length; j++)
			data[j] = (uint8_t)random_below(256);
		mh_write_option(writer, type, data, (uint8_t)length);
	}
}

static bool same_message(const struct mh_message *a, const struct mh_message *b)
{
	if (a->type != b->type || a->option_count != b->option_count || memcmp(&a->fixed, &b->fixed, sizeof(a->fixed)))
		return false;
	for (unsigned i = 0; i < a->option_count; i++)
		if (a->options[i].type != b->options[i].type || a->options[i].length != b->options[i].length ||
			memcmp(a->options[i].data, b->options[i].data, a->options[i].length) != 0)
			return false;
	return true;
}

static void random_messages_come_back_as_they_were(void **state)
{
	static const uint8_t types[] = {
		MH_BRR, MH_HOTI, MH_COTI, MH_HOT, MH_COT, MH_BU, MH_BA, MH_BE, MH_HEARTBEAT, MH_UPN, MH_UPA};

	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		uint8_t bytes[MH_LENGTH_MAX], again[MH_LENGTH_MAX], *block, *second;
		struct mh_message message, twice;
		struct mh_writer writer;
		uint16_t length;

		mh_writer_init(&writer, types[random_below(sizeof(types))], bytes, sizeof(bytes));
		mh_write_bu(&writer, (uint16_t)random_below(65536), (uint16_t)random_below(65536),
			(uint16_t)random_below(65536)); /* any octets will do, but BRR has none */
		if (bytes[2] == MH_BRR)
			memset(bytes + 6, 0, 6);
		random_options(&writer);
		length = mh_writer_finish(&writer, &mag1, &lma1);
		assert_int_not_equal(length, 0);
		assert_int_equal(length % 8, 0);
		assert_int_equal(bytes[4] << 8 | bytes[5], checksum_by_the_book(bytes, length));
		assert_int_equal(decode_exact(&message, bytes, length, &block), MH_ERROR_NONE);
		assert_int_equal(mh_encode(&message, again, sizeof(again), &mag1, &lma1), length);
		assert_int_equal(decode_exact(&twice, again, length, &second), MH_ERROR_NONE);
		assert_true(same_message(&message, &twice));
		for (unsigned i = 0; i < twice.option_count; i++) {
			const struct mh_option_rule *rule = mh_option_rule(twice.options[i].type);
			const struct mh_option_form *form =
				rule != NULL ? mh_option_form(rule, twice.options[i].length) : NULL;

			assert_int_equal(twice.options[i].offset, message.options[i].offset);
			assert_true(form == NULL || twice.options[i].offset % form->modulus == form->offset);
		}
		free(block);
		free(second);
	}
}

static void broken_messages_never_read_past_their_end(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 50000; round++) {
		uint8_t bytes[256], again[MH_LENGTH_MAX], *block;
		size_t size = random_below(sizeof(bytes));
		struct proxy_options options;
		struct mh_message message;

		for (size_t i = 0; i < size; i++)
			bytes[i] = (uint8_t)random_below(i < 8 || random_below(3) == 0 ? 256 : 30);
		bytes[0] = MH_PAYLOAD_PROTO;
		bytes[1] = (uint8_t)random_below(32);
		bytes[2] = (uint8_t)random_below(MH_UPA + 1);
		block = malloc(size > 0 ? size : 1);
		memcpy(block, bytes, size);
		if (mh_decode(&message, size > 0 ? block : block + 1, size, NULL, NULL) == MH_ERROR_NONE)
			mh_encode(&message, again, sizeof(again), NULL, NULL);
		mh_proxy_options(&message, &options);
		free(block);
	}
}

#if defined(__SANITIZE_ADDRESS__)
#define NS_ALLOWED 100000
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define NS_ALLOWED 100000
#endif
#endif
#ifndef NS_ALLOWED
#define NS_ALLOWED 5000
#endif

/* An anchor takes 200,000 PBUs per second, 5 us each, and the codec must not be what it waits for. */
static void codec_leaves_time_for_the_engine(void **state)
{
	struct home_network_prefix prefix = {.length = 64};
	struct mn_id id = {1, 15, (const uint8_t *)"mn1@example.com"};
	enum { ROUNDS = 100000 };
	uint8_t bytes[256], again[256];
	struct timespec start, end;
	struct mh_message message;
	struct mh_writer writer;
	uint16_t length;
	double ns;

	(void)state;
	mh_writer_init(&writer, MH_BU, bytes, sizeof(bytes));
	mh_write_bu(&writer, 1, BU_FLAG_A | BU_FLAG_P, 900);
	mh_write_mn_id(&writer, &id);
	mh_write_prefix(&writer, &prefix);
	mh_write_handoff_indicator(&writer, 1);
	mh_write_access_technology(&writer, 4);
	mh_write_timestamp(&writer, 1);
	length = mh_writer_finish(&writer, &mag1, &lma1);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct proxy_options options;

		assert_int_equal(mh_decode(&message, bytes, length, &mag1, &lma1), MH_ERROR_NONE);
		mh_proxy_options(&message, &options);
		assert_int_equal(mh_encode(&message, again, sizeof(again), &mag1, &lma1), length);
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
	ns = ((double)(end.tv_sec - start.tv_sec) * 1e9 + (double)(end.tv_nsec - start.tv_nsec)) / ROUNDS;
	print_message("decode and encode of a PBU: %.0f ns\n", ns);
	assert_true(ns < NS_ALLOWED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_check_that_fails_names_the_error),
		cmocka_unit_test(header_len_below_the_minimum_of_each_type_is_refused),
		cmocka_unit_test(types_that_are_not_known_keep_their_number),
		cmocka_unit_test(proxy_messages_are_told_by_their_p_flag),
		cmocka_unit_test(options_that_run_past_the_end_are_refused),
		cmocka_unit_test(options_before_a_bad_one_are_kept),
		cmocka_unit_test(more_options_than_are_kept_is_an_error),
		cmocka_unit_test(every_length_of_every_option_is_accepted_or_refused_by_its_row),
		cmocka_unit_test(option_table_agrees_with_the_registry),
		cmocka_unit_test(encoder_aligns_with_pad1_and_padn_only),
		cmocka_unit_test(writer_fails_for_good_when_the_buffer_is_full),
		cmocka_unit_test(writer_knows_the_limits_of_length_octets),
		cmocka_unit_test(binding_authorization_data_ends_the_message),
		cmocka_unit_test(proxy_options_are_picked_by_one_walk),
		cmocka_unit_test(second_singleton_is_told_and_the_first_counts),
		cmocka_unit_test(options_are_found_in_order),
		cmocka_unit_test(timestamps_survive_the_way_there_and_back),
		cmocka_unit_test(repeated_notification_differs_in_its_flag_alone),
		cmocka_unit_test(every_status_of_the_registry_is_a_word),
		cmocka_unit_test(random_messages_come_back_as_they_were),
		cmocka_unit_test(broken_messages_never_read_past_their_end),
		cmocka_unit_test(codec_leaves_time_for_the_engine),
	};

	return cmocka_run_group_tests(tests, addresses, NULL);
}
