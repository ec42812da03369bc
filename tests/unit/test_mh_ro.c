/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages of route optimisation: the vectors of group G byte by byte, both profiles, bodies as values. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "mh/ro.h"

#define ID1 "mn1@example.com"
#define ID2 "mn2@example.com"

static struct in6_addr address(const char *text)
{
	struct in6_addr in6;

	assert_int_equal(inet_pton(AF_INET6, text, &in6), 1);
	return in6;
}

static struct ro_tuple tuple(const char *id, const char *prefix, const char *mag)
{
	struct ro_tuple tuple = {.id = {.subtype = 1, .length = (uint8_t)strlen(id), .data = (const uint8_t *)id}};

	if (prefix != NULL)
		tuple.prefixes[tuple.prefix_count++] =
			(struct home_network_prefix){.prefix = address(prefix), .length = 64};
	tuple.has_mag = mag != NULL;
	if (mag != NULL)
		tuple.mag = address(mag);
	return tuple;
}

static void from_hex(const char *hex, uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		unsigned octet;

		assert_int_equal(sscanf(hex + 2 * i, "%2x", &octet), 1);
		bytes[i] = (uint8_t)octet;
	}
	assert_int_equal(hex[2 * size], 0);
}

/* @hex: an IPv6 header and the message. */
static void assert_vector(const char *hex, const struct ro_fixed *fixed, const struct ro_body *body)
{
	uint8_t packet[256], bytes[256];
	size_t size = strlen(hex) / 2;
	struct in6_addr source, destination;
	struct mh_message message;
	struct ro_body parsed;
	struct ro_fixed again;

	assert_in_range(size, 48, sizeof(packet));
	from_hex(hex, packet, size);
	memcpy(&source, packet + 8, 16);
	memcpy(&destination, packet + 24, 16);
	assert_int_equal(ro_encode(fixed, body, bytes, sizeof(bytes), &source, &destination), size - 40);
	assert_memory_equal(bytes, packet + 40, size - 40);
	assert_int_equal(mh_decode(&message, packet + 40, size - 40, &source, &destination), MH_ERROR_NONE);
	again = ro_fixed_of(&message);
	assert_int_equal(again.code, fixed->code);
	assert_int_equal(again.experimental, fixed->experimental);
	assert_int_equal(again.sequence, fixed->sequence);
	assert_int_equal(again.flags, fixed->flags);
	assert_int_equal(again.value, fixed->value);
	assert_int_equal(again.lifetime_s, fixed->lifetime_s);
	assert_int_equal(again.association, fixed->association);
	ro_body_parse(&message, &parsed);
	assert_false(parsed.is_malformed);
	assert_int_equal(parsed.tuple_count, 2);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(parsed.tuples[i].id.length, body->tuples[i].id.length);
		assert_memory_equal(parsed.tuples[i].id.data, body->tuples[i].id.data, body->tuples[i].id.length);
		assert_int_equal(parsed.tuples[i].prefix_count, body->tuples[i].prefix_count);
		assert_memory_equal(
			parsed.tuples[i].prefixes, body->tuples[i].prefixes, sizeof(parsed.tuples[i].prefixes));
		assert_int_equal(parsed.tuples[i].has_mag, body->tuples[i].has_mag);
		assert_memory_equal(&parsed.tuples[i].mag, &body->tuples[i].mag, 16);
	}
}

/* RO-031, RO-032, RO-033, RO-034; G01 */
static void ro_init_in_the_experimental_profile_has_the_octets_of_the_vector(void **state)
{
	struct ro_fixed fixed = {.code = RO_INIT,
		.experimental = true,
		.sequence = 0x0101,
		.flags = RO_FLAG_C,
		.value = RO_REASON_NEW_FLOW,
		.lifetime_s = 300,
		.association = 0xcafe0001};
	struct ro_body body = {
		.tuples = {tuple(ID2, "2001:db8:f2:2::", NULL), tuple(ID1, "2001:db8:f1:1::", "2001:db8:a1::1")},
		.tuple_count = 2};

	(void)state;
	assert_vector("600000000080874020010db800010000000000000000000120010db800a2000000000000000000013b0f0b00bd2f524f"
		      "01010000000001014001012ccafe00010810016d6e32406578616d706c652e636f6d01001612004020010db800f20002"
		      "00000000000000000810016d6e31406578616d706c652e636f6d01001612004020010db800f100010000000000000000"
		      "010200003312008020010db800a100000000000000000001",
		&fixed, &body);
}

/* RO-030; G04, G06, G10 */
static void acks_have_the_octets_of_the_vectors(void **state)
{
	struct ro_fixed setup = {.code = RO_SETUP_ACK,
		.experimental = true,
		.sequence = 1,
		.lifetime_s = 300,
		.association = 0xcafe0001};
	struct ro_fixed report = {.code = RO_REPORT_ACK,
		.experimental = true,
		.sequence = 1,
		.flags = RO_FLAG_C,
		.lifetime_s = 300,
		.association = 0xcafe0001};
	struct ro_fixed refused = {.code = RO_SETUP_ACK,
		.sequence = 2,
		.value = RO_STATUS_NO_SECURITY_ASSOCIATION,
		.association = 0xcafe0001};
	struct ro_body body = {.tuples = {tuple(ID1, NULL, NULL), tuple(ID2, NULL, NULL)}, .tuple_count = 2};
	struct ro_body other = {.tuples = {tuple(ID2, NULL, NULL), tuple(ID1, NULL, NULL)}, .tuple_count = 2};

	(void)state;
	assert_vector("600000000040874020010db800a10000000000000000000120010db800a2000000000000000000013b070b00ebbf524f"
		      "010400000000"
		      "00010000012ccafe00010810016d6e31406578616d706c652e636f6d0810016d6e32406578616d70"
		      "6c652e636f6d01020000",
		&setup, &body);
	assert_vector("600000000040874020010db800010000000000000000000120010db800a2000000000000000000013b070b00ac5d524f"
		      "01060000000000014000012ccafe00010810016d6e32406578616d706c652e636f6d0810016d6e31406578616d70"
		      "6c652e636f6d01020000",
		&report, &other);
	assert_vector(
		"600000000038874020010db800a10000000000000000000120010db800a2000000000000000000013b06f30057bd0002"
		"00890000cafe00010810016d6e31406578616d706c652e636f6d0810016d6e32406578616d706c652e636f6d01020000",
		&refused, &body);
}

/* G07: MN2 is known by its prefix only */
static void ro_init_in_the_native_profile_has_the_octets_of_the_vector(void **state)
{
	struct ro_fixed fixed = {.code = RO_INIT,
		.sequence = 0x0201,
		.flags = RO_FLAG_P,
		.value = RO_REASON_NEW_FLOW,
		.lifetime_s = 300,
		.association = 0xcafe0002};
	struct ro_body body = {
		.tuples = {tuple("", "2001:db8:f2:2::", NULL), tuple(ID1, "2001:db8:f1:1::", "2001:db8:a1::1")},
		.tuple_count = 2};

	(void)state;
	assert_vector("600000000068874020010db800010000000000000000000120010db80002000000000000000000013b0cf0008b540201"
		      "8001012ccafe0002080101001612004020010db800f2000200000000000000000810016d6e31406578616d706c652e63"
		      "6f6d01001612004020010db800f1000100000000000000000102000033120080"
		      "20010db800a100000000000000000001",
		&fixed, &body);
}

static void stamp_authorisation_and_anchor_come_back_in_both_profiles(void **state)
{
	struct in6_addr source = address("2001:db8:a2::1"), destination = address("2001:db8:a1::1");
	struct ro_body body = {.tuples = {tuple(ID1, "2001:db8:f1:1::", NULL), tuple(ID2, "2001:db8:f2:2::", NULL)},
		.tuple_count = 2,
		.has_stamp = true,
		.stamp = 0x0000655300018000,
		.has_tunnel = true,
		.tunnel_mode = 1,
		.has_authorisation = true,
		.authorisation = {.key_id = 3, .mac = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}}};
	struct mh_message message;
	struct ro_body parsed;
	uint8_t bytes[512];

	(void)state;
	body.tuples[1].has_lma = true;
	body.tuples[1].lma = address("2001:db8:2::1");
	for (unsigned i = 0; i < 2; i++) {
		struct ro_fixed fixed = {.code = RO_SETUP, .experimental = i == 1, .experiment_id = i * 32473};
		uint16_t length = ro_encode(&fixed, &body, bytes, sizeof(bytes), &source, &destination);

		assert_int_not_equal(length, 0);
		assert_int_equal(mh_decode(&message, bytes, length, &source, &destination), MH_ERROR_NONE);
		assert_int_equal(message.fixed.ro.experiment_id, fixed.experiment_id);
		ro_body_parse(&message, &parsed);
		assert_false(parsed.is_malformed);
		assert_int_equal(parsed.stamp, body.stamp);
		assert_int_equal(parsed.tunnel_mode, 1);
		assert_true(parsed.tuples[1].has_lma && !parsed.tuples[0].has_lma);
		assert_memory_equal(&parsed.tuples[1].lma, &body.tuples[1].lma, 16);
		assert_true(parsed.has_authorisation);
		assert_memory_equal(&parsed.authorisation, &body.authorisation, sizeof(body.authorisation));
	}
}

/* RO-037 */
static void ipv4_home_addresses_come_back_in_their_tuples(void **state)
{
	struct in6_addr source = address("2001:db8:a2::1"), destination = address("2001:db8:a1::1");
	struct ro_body body = {
		.tuples = {tuple(ID1, "2001:db8:f1:1::", NULL), tuple(ID2, "2001:db8:f2:2::", NULL)}, .tuple_count = 2};
	static const uint8_t option[8] = {36, 6, 24 << 2, 0, 192, 0, 2, 77};
	struct mh_message message;
	struct ro_body parsed;
	uint8_t bytes[512];

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct ro_fixed fixed = {.code = RO_INIT, .experimental = i & 1};
		uint16_t length;

		body.tuples[0].ipv4 = (struct ro_ipv4_home){{10, 1, 0, 9}, i & 2 ? 0 : 32};
		body.tuples[1].ipv4 = (struct ro_ipv4_home){{192, 0, 2, 77}, 24};
		length = ro_encode(&fixed, &body, bytes, sizeof(bytes), &source, &destination);
		assert_non_null(memmem(bytes, length, option, sizeof(option)));
		assert_int_equal(mh_decode(&message, bytes, length, &source, &destination), MH_ERROR_NONE);
		ro_body_parse(&message, &parsed);
		assert_false(parsed.is_malformed);
		assert_int_equal(parsed.tuples[0].ipv4.length, i & 2 ? 0 : 32);
		assert_memory_equal(&parsed.tuples[1].ipv4, &body.tuples[1].ipv4, sizeof(struct ro_ipv4_home));
		if (!(i & 2))
			assert_memory_equal(parsed.tuples[0].ipv4.address, body.tuples[0].ipv4.address, 4);
	}
}

/* The first that an MN may have, of each tuple; no message is malformed by others. */
static void ipv4_home_addresses_of_nobody_are_passed_over(void **state)
{
	static const uint8_t options[][6] = {{0, 0, 10, 0, 0, 1}, {33 << 2, 0, 10, 0, 0, 1}, {63 << 2, 0, 10, 0, 0, 1},
		{32 << 2, 0, 0, 0, 0, 0}, {32 << 2, 0, 127, 0, 0, 1}, {32 << 2, 0, 224, 0, 0, 1},
		{32 << 2, 0, 255, 255, 255, 255}, {1 << 2, 0, 223, 255, 255, 255}, {32 << 2, 0, 10, 0, 0, 1}};
	struct mh_message message;
	struct mh_writer writer;
	struct ro_body body;
	uint8_t bytes[512];
	uint16_t length;

	(void)state;
	mh_writer_init(&writer, ro_mh_type(RO_INIT, false), bytes, sizeof(bytes));
	mh_write_option(&writer, MHO_IPV4_HOME_ADDRESS_REQUEST, options[8], 6); /* before any tuple */
	for (unsigned i = 0; i < 2; i++) {
		mh_write_mn_id(&writer, &(struct mn_id){.subtype = 1});
		for (unsigned j = 0; j < sizeof(options) / sizeof(options[0]); j++)
			mh_write_option(&writer, MHO_IPV4_HOME_ADDRESS_REQUEST, options[j], 6);
	}
	length = mh_writer_finish(&writer, NULL, NULL);
	assert_int_not_equal(length, 0);
	assert_int_equal(mh_decode(&message, bytes, length, NULL, NULL), MH_ERROR_NONE);
	ro_body_parse(&message, &body);
	assert_false(body.is_malformed);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(body.tuples[i].ipv4.length, 1);
		assert_int_equal(body.tuples[i].ipv4.address[0], 223);
	}
}

static void marker_has_a_fixed_part_only(void **state)
{
	struct in6_addr source = address("2001:db8:f1:1:200:5eff:fe00:5213");
	struct in6_addr destination = address("2001:db8:f2:2:200:5eff:fe00:5213");
	struct ro_fixed fixed = {.code = RO_MARKER, .experimental = true, .sequence = 9, .association = 7};
	struct mh_message message;
	uint8_t bytes[64];
	char text[16];

	(void)state;
	assert_int_equal(ro_encode(&fixed, NULL, bytes, sizeof(bytes), &source, &destination), 24);
	assert_int_equal(mh_decode(&message, bytes, 24, &source, &destination), MH_ERROR_NONE);
	assert_string_equal(mh_message_name(&message, text), "RO Marker");
	assert_int_equal(message.fixed.ro.sequence, 9);
	fixed.experimental = false;
	assert_int_equal(ro_encode(&fixed, NULL, bytes, sizeof(bytes), &source, &destination), 16);
	assert_int_equal(bytes[2], 250);
}

/* One message of @count options of @types; every option has the shortest length, or a zero-filled one. */
static bool malformed(const uint8_t *types, unsigned count)
{
	uint8_t bytes[512], data[18] = {0, 64};
	struct mh_message message;
	struct mh_writer writer;
	struct ro_body body;
	uint16_t length;

	mh_writer_init(&writer, ro_mh_type(RO_INIT, false), bytes, sizeof(bytes));
	for (unsigned i = 0; i < count; i++) {
		uint8_t size = types[i] == MHO_MN_ID ? 1 : types[i] == MHO_TIMESTAMP ? 8 : types[i] == 245 ? 14 : 18;

		data[0] = types[i] == MHO_LMA_ADDRESS;
		data[1] = types[i] == MHO_MAG_IPV6_ADDRESS ? 128 : 64;
		mh_write_option(&writer, types[i], data, size);
	}
	length = mh_writer_finish(&writer, NULL, NULL);
	assert_int_not_equal(length, 0);
	assert_int_equal(mh_decode(&message, bytes, length, NULL, NULL), MH_ERROR_NONE);
	ro_body_parse(&message, &body);
	return body.is_malformed;
}

static void bodies_that_make_no_sense_are_told_apart(void **state)
{
	(void)state;
	assert_false(malformed((uint8_t[]){8, 22, 8, 22, 51, 41, 27, 245}, 8));
	assert_false(malformed((uint8_t[]){8, 22, 22, 22, 22, 22, 22, 22, 22, 8}, 10));
	assert_true(malformed((uint8_t[]){8, 22, 22, 22, 22, 22, 22, 22, 22, 22, 8}, 11));
	assert_true(malformed((uint8_t[]){22, 8, 8}, 3));
	assert_true(malformed((uint8_t[]){51, 8, 8}, 3));
	assert_true(malformed((uint8_t[]){8, 8, 8}, 3));
	assert_true(malformed((uint8_t[]){8, 8, 8, 22}, 4));
	assert_true(malformed((uint8_t[]){8, 8, 51, 51}, 4));
	assert_true(malformed((uint8_t[]){8, 8, 41, 41}, 4));
	assert_true(malformed((uint8_t[]){8, 8, 27, 27}, 4));
	assert_true(malformed((uint8_t[]){8, 8, 245, 245}, 4));
}

static void native_numbers_move_with_their_bases(void **state)
{
	struct ro_fixed fixed = {.code = RO_SETUP};
	struct ro_body body = {
		.tuples = {tuple(ID1, NULL, NULL), tuple(ID2, NULL, NULL)}, .tuple_count = 2, .has_tunnel = true};
	struct mh_message message;
	uint8_t bytes[128];
	uint16_t length;

	(void)state;
	assert_int_equal(ro_native_bases(22, 100), -ERANGE);
	assert_int_equal(ro_native_bases(245, 100), -ERANGE);
	assert_int_equal(ro_native_bases(100, 69), -ERANGE);
	assert_int_equal(ro_native_bases(100, 250), -ERANGE);
	assert_int_equal(ro_native_bases(100, 120), 0);
	length = ro_encode(&fixed, &body, bytes, sizeof(bytes), NULL, NULL);
	assert_int_equal(bytes[2], 103);
	assert_int_equal(mh_decode(&message, bytes, length, NULL, NULL), MH_ERROR_NONE);
	assert_int_equal(message.fixed.ro.code, RO_SETUP);
	assert_int_equal(message.options[2].type, 125);
	assert_string_equal(mh_option_name(125), "ro-tunnel");
	assert_string_equal(mh_option_name(244), "unknown");
	bytes[2] = 242;
	assert_int_equal(mh_decode(&message, bytes, length, NULL, NULL), MH_ERROR_TYPE);
	assert_int_equal(ro_native_bases(RO_NATIVE_BASE_DEFAULT, RO_NATIVE_BASE_DEFAULT), 0);
}

/* G.5: LROREQ, LRORSP and the LMA RO Start messages of draft-wu are nobody's here: a Binding Error, status 2 */
static void messages_of_local_routing_are_of_an_unknown_type(void **state)
{
	const struct ro_fixed fixed = {.code = RO_INIT, .experimental = true};
	const struct ro_body body = {.tuple_count = 0};
	uint8_t bytes[128];
	struct mh_message message;
	uint16_t length = ro_encode(&fixed, &body, bytes, sizeof(bytes), NULL, NULL);

	(void)state;
	assert_int_equal(mh_decode(&message, bytes, length, NULL, NULL), MH_ERROR_NONE);
	for (unsigned code = 0; code < 256; code++) {
		bool known = code == 11 || (code >= 1 && code <= 6);

		bytes[9] = (uint8_t)code;
		assert_int_equal(mh_decode(&message, bytes, length, NULL, NULL), known ? MH_ERROR_NONE : MH_ERROR_TYPE);
	}
	for (uint8_t code = 7; code <= 10; code++)
		assert_false(ro_mh_type_is(ro_mh_type(code, false)));
}

static void every_code_status_and_reason_has_a_word(void **state)
{
	(void)state;
	for (unsigned status = 0; status < 256; status++)
		assert_int_equal(strcmp(ro_status_name((uint8_t)status), "unknown") != 0,
			status <= 6 || (status >= 128 && status <= 143));
	for (unsigned reason = 0; reason < 256; reason++)
		assert_int_equal(strcmp(ro_reason_name((uint8_t)reason), "unknown") != 0, reason <= 5);
	for (unsigned code = 0; code < 256; code++)
		assert_int_equal(
			strcmp(ro_message_name((uint8_t)code), "unknown") != 0, (code >= 1 && code <= 6) || code == 11);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ro_init_in_the_experimental_profile_has_the_octets_of_the_vector),
		cmocka_unit_test(ro_init_in_the_native_profile_has_the_octets_of_the_vector),
		cmocka_unit_test(acks_have_the_octets_of_the_vectors),
		cmocka_unit_test(stamp_authorisation_and_anchor_come_back_in_both_profiles),
		cmocka_unit_test(ipv4_home_addresses_come_back_in_their_tuples),
		cmocka_unit_test(ipv4_home_addresses_of_nobody_are_passed_over),
		cmocka_unit_test(marker_has_a_fixed_part_only),
		cmocka_unit_test(bodies_that_make_no_sense_are_told_apart),
		cmocka_unit_test(native_numbers_move_with_their_bases),
		cmocka_unit_test(messages_of_local_routing_are_of_an_unknown_type),
		cmocka_unit_test(every_code_status_and_reason_has_a_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
