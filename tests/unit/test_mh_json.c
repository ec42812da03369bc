/* SPDX-License-Identifier: BSD-3-Clause */
/* What a decoded message looks like as JSON: every message, every option of the table, and bytes that are not text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "checksum.h"

#include "mh/json.h"
#include "mh/options.h"

/* One option as octets after Type and Length, and what it has to come out as besides type and name. */
struct sample {
	uint8_t type, length;
	const char *data;
	const char *expected;
};

#define ZEROES16 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define ADDRESS  "\x20\x01\x0d\xb8\0\xa1\0\0\0\0\0\0\0\0\0\1"

static const struct sample samples[] = {
	{2, 2, "\x01\x00", "{\"refresh_interval\":256,\"refresh_interval_s\":1024}"},
	{3, 16, ADDRESS, "{\"address\":\"2001:db8:a1::1\"}"},
	{4, 4, "\x01\x00\x01\x01", "{\"home_nonce_index\":256,\"care_of_nonce_index\":257}"},
	{5, 12, "\1\2\3\4\5\6\7\10\11\12\13\14", "{\"authenticator\":\"0102030405060708090a0b0c\"}"},
	{6, 18, "\0\x40" ADDRESS, "{\"data\":\"004020010db800a100000000000000000001\"}"},
	{7, 1, "\x05", "{\"data\":\"05\"}"},
	{8, 4, "\1a@b", "{\"subtype\":1,\"subtype_name\":\"nai\",\"identifier\":\"a@b\"}"},
	{8, 1, "\1", "{\"subtype\":1,\"subtype_name\":\"nai\",\"identifier\":\"\"}"},
	{8, 4, "\1\xff@b", "{\"subtype\":1,\"subtype_name\":\"nai\",\"identifier_hex\":\"ff4062\"}"},
	{8, 3, "\3\0\1", "{\"subtype\":3,\"subtype_name\":\"imsi\",\"identifier_hex\":\"0001\"}"},
	{8, 2, "\x63x", "{\"subtype\":99,\"subtype_name\":\"unknown\",\"identifier_hex\":\"78\"}"},
	{9, 5, "\1\2\3\4\5", "{\"data\":\"0102030405\"}"},
	{10, 8, "\1\2\3\4\5\6\7\10", "{\"data\":\"0102030405060708\"}"},
	{11, 0, "", "{\"data\":\"\"}"},
	{12, 1, "\1", "{\"data\":\"01\"}"},
	{13, 1, "\1", "{\"data\":\"01\"}"},
	{14, 1, "\1", "{\"data\":\"01\"}"},
	{15, 0, "", "{\"data\":\"\"}"},
	{16, 1, "\1", "{\"data\":\"01\"}"},
	{17, 1, "\1", "{\"data\":\"01\"}"},
	{18, 3, "RO\1", "{\"data\":\"524f01\"}"},
	{19, 7, "\0\0\x7e\xd9\1xy", "{\"vendor_id\":32473,\"sub_type\":1,\"data\":\"7879\"}"},
	{20, 3, "ims", "{\"data\":\"696d73\"}"},
	{21, 1, "\1", "{\"data\":\"01\"}"},
	{22, 18, "\0\x40" ADDRESS, "{\"prefix\":\"2001:db8:a1::1\",\"prefix_length\":64}"},
	{23, 2, "\0\3", "{\"handoff_indicator\":3,\"handoff_indicator_name\":\"between-mags\"}"},
	{24, 2, "\0\4", "{\"access_technology\":4,\"access_technology_name\":\"ieee-802.11\"}"},
	{25, 8, "\0\0\2\0\0\0\1\1", "{\"link_layer_id\":\"02:00:00:00:01:01\"}"},
	{25, 10, "\0\0\2\0\0\0\1\1\2\3", "{\"link_layer_id\":\"0200000001010203\"}"},
	{25, 2, "\0\0", "{\"link_layer_id\":\"\"}"},
	{26, 16, ZEROES16, "{\"address\":\"::\"}"},
	{27, 8, "\0\0\x65\x53\xf1\0\x80\0",
		"{\"seconds\":1700000000,\"fraction\":32768,\"time\":\"2023-11-14T22:13:20.500000Z\"}"},
	{28, 4, "\0\0\0\5", "{\"restart_counter\":5}"},
	{29, 6, "\0\0\x0a\1\0\x2a", "{\"data\":\"00000a01002a\"}"},
	{30, 6, "\0\0\x0a\1\0\x2a", "{\"data\":\"00000a01002a\"}"},
	{31, 6, "\x80\0\0\0\0\0", "{\"data\":\"800000000000\"}"},
	{32, 6, "\0\0\x0a\1\0\x2a", "{\"data\":\"00000a01002a\"}"},
	{33, 2, "\0\0", "{\"data\":\"0000\"}"},
	{33, 6, "\0\0\x11\x22\x33\x44", "{\"data\":\"000011223344\"}"},
	{34, 18, "\0\x40" ADDRESS, "{\"data\":\"004020010db800a100000000000000000001\"}"},
	{35, 4, "\0\1\0\0", "{\"data\":\"00010000\"}"},
	{36, 6, "\0\0\0\0\0\0", "{\"data\":\"000000000000\"}"},
	{37, 6, "\x81\x60\x0a\x09\x09\x09", "{\"data\":\"81600a090909\"}"},
	{38, 6, "\0\0\x0a\1\0\1", "{\"data\":\"00000a010001\"}"},
	{39, 2, "\0\1", "{\"data\":\"0001\"}"},
	{40, 4, "\0\0\x16\0", "{\"data\":\"00001600\"}"},
	{41, 6, "\2\0\x0a\1\0\1", "{\"option_code\":2,\"address_hex\":\"0a010001\"}"},
	{42, 10, "\0\0\1\2\3\4\5\6\7\10", "{\"data\":\"00000102030405060708\"}"},
	{43, 2, "\1\5", "{\"data\":\"0105\"}"},
	{44, 2, "\0\1", "{\"data\":\"0001\"}"},
	{45, 2, "\0\1", "{\"data\":\"0001\"}"},
	{46, 2, "\0\0", "{\"data\":\"0000\"}"},
	{47, 18, "\x80\0" ADDRESS, "{\"data\":\"800020010db800a100000000000000000001\"}"},
	{48, 18, "\0\x0a" ZEROES16, "{\"data\":\"000a00000000000000000000000000000000\"}"},
	{49, 4, "\x0a\1\0\1", "{\"data\":\"0a010001\"}"},
	{50, 6, "\1\0\0\0\0\x09", "{\"data\":\"010000000009\"}"},
	{51, 18, "\0\x80" ADDRESS, "{\"address_length\":128,\"address\":\"2001:db8:a1::1\"}"},
	{52, 3, "\1\1\x80", "{\"data\":\"010180\"}"},
	{53, 1, "\1", "{\"data\":\"01\"}"},
	{54, 1, "\1", "{\"data\":\"01\"}"},
	{55, 18, "\0\0" ZEROES16, "{\"data\":\"000000000000000000000000000000000000\"}"},
	{56, 1, "\1", "{\"data\":\"01\"}"},
	{57, 1, "\1", "{\"data\":\"01\"}"},
	{58, 6, "\0\xb8\1\0\0\0", "{\"data\":\"00b801000000\"}"},
	{59, 2, "\0\0", "{\"data\":\"0000\"}"},
	{60, 1, "\1", "{\"data\":\"01\"}"},
	{61, 1, "\1", "{\"data\":\"01\"}"},
	{62, 8, "\1\6\0\x0a\0\1\0\x20", "{\"data\":\"0106000a00010020\"}"},
	{63, 6, "\1\2\3\4\5\6", "{\"data\":\"010203040506\"}"},
	{64, 2, "\1x", "{\"data\":\"0178\"}"},
	{65, 18, "\0\x40" ADDRESS, "{\"data\":\"004020010db800a100000000000000000001\"}"},
	{66, 18, "\0\x40" ADDRESS, "{\"data\":\"004020010db800a100000000000000000001\"}"},
	{67, 34, "\0\x40" ADDRESS ZEROES16,
		"{\"data\":\"004020010db800a10000000000000000000100000000000000000000000000000000\"}"},
	{68, 16, ADDRESS, "{\"data\":\"20010db800a100000000000000000001\"}"},
	{69, 16, ADDRESS, "{\"data\":\"20010db800a100000000000000000001\"}"},
	{70, 8, "\0\0\2\0\0\0\1\1", "{\"data\":\"0000020000000101\"}"},
	{41, 18, "\1\0" ADDRESS, "{\"option_code\":1,\"address\":\"2001:db8:a1::1\"}"},
	{18, 10, "RO\1\1\0\0\0\7\0\2", "{\"ro_option\":\"local-ro\",\"experiment_id\":7,\"lri\":2}"},
	{18, 10, "RX\1\1\0\0\0\7\0\2", "{\"data\":\"52580101000000070002\"}"},
	{18, 11, "RO\1\1\0\0\0\7\0\2\0",
		"{\"data\":\"524f0101000000070002"
		"00\"}"},
	{240, 2, "\xff\xfe", "{\"lri\":2}"},
	{241, 34, "\0\x40" ADDRESS ADDRESS,
		"{\"prefix\":\"2001:db8:a1::1\",\"prefix_length\":64,\"proxy_coa\":\"2001:db8:a1::1\"}"},
	{241, 42, "\x80\x40" ADDRESS ADDRESS "\x0a\0\0\1\x0a\0\0\2",
		"{\"prefix\":\"2001:db8:a1::1\",\"prefix_length\":64,\"proxy_coa\":\"2001:db8:a1::1\","
		"\"ipv4_home_address\":\"0a000001\",\"ipv4_proxy_coa\":\"0a000002\"}"},
	{241, 34, "\x80\x40" ADDRESS ADDRESS, /* IPv4 addresses announced and missing */
		"{\"data\":\"804020010db800a10000000000000000000120010db800a100000000000000000001\"}"},
	{242, 6, "\0\x20\x0a\0\0\1", "{\"address_length\":32,\"address_hex\":\"0a000001\"}"},
	{243, 3, "\1\0x", "{\"subtype\":1,\"subtype_name\":\"nai\",\"identifier_hex\":\"78\"}"},
	{244, 2, "\1\0", "{\"tunnel_mode\":1}"},
	{245, 14, "\5\0\1\2\3\4\5\6\7\10\11\12\13\14", "{\"key_id\":5,\"mac\":\"0102030405060708090a0b0c\"}"},
	{245, 18, "\5\0\1\2\3\4\5\6\7\10\11\12\13\14\0\1\0\2",
		"{\"association_id\":65538,\"key_id\":5,\"mac\":\"0102030405060708090a0b0c\"}"},
	{250, 2, "\1\2", "{\"data\":\"0102\"}"},
};

/* The message in @bytes as an IPv6 packet's payload from exact heap copies. */
static json_t *json_of(const void *bytes, uint16_t length)
{
	struct mh_packet packet = {.size = length};
	struct mh_reading reading;
	uint8_t *block = malloc(length);
	json_t *json;

	inet_pton(AF_INET6, "2001:db8:a1::1", &packet.source);
	inet_pton(AF_INET6, "2001:db8:1::1", &packet.destination);
	packet.checksum_source = packet.source;
	packet.checksum_destination = packet.destination;
	memcpy(block, bytes, length);
	mh_packet_read(&packet, block, &reading);
	json = mh_json(7, &packet, &reading);
	assert_non_null(json);
	free(block);
	return json;
}

static uint16_t finish(struct mh_writer *writer)
{
	struct in6_addr source, destination;

	inet_pton(AF_INET6, "2001:db8:a1::1", &source);
	inet_pton(AF_INET6, "2001:db8:1::1", &destination);
	return mh_writer_finish(writer, &source, &destination);
}

static void assert_json(json_t *json, const char *expected)
{
	json_t *other = json_loads(expected, 0, NULL);
	char *text = json_dumps(json, JSON_COMPACT);

	if (other == NULL || !json_equal(json, other))
		fail_msg("expected\n%s\ngot\n%s", expected, text);
	free(text);
	json_decref(other);
}

static void check_option(const struct sample *sample)
{
	json_t *json, *option, *expected;
	struct mh_writer writer;
	uint8_t bytes[512];
	char *text;

	mh_writer_init(&writer, MH_BU, bytes, sizeof(bytes));
	mh_write_option(&writer, sample->type, sample->data, sample->length);
	json = json_of(bytes, finish(&writer));
	assert_true(json_is_null(json_object_get(json, "error")));
	assert_int_equal(json_array_size(json_object_get(json, "options")), 1);
	option = json_array_get(json_object_get(json, "options"), 0);
	expected = json_loads(sample->expected, 0, NULL);
	assert_non_null(expected);
	json_object_set_new(expected, "type", json_integer(sample->type));
	json_object_set_new(expected, "name", json_string(mh_option_name(sample->type)));
	text = json_dumps(option, JSON_COMPACT);
	if (!json_equal(option, expected))
		fail_msg("option %u: expected %s, got %s", sample->type, sample->expected, text);
	free(text);
	json_decref(expected);
	json_decref(json);
}

static void every_option_of_the_table_decodes_by_its_name(void **state)
{
	bool tested[256] = {false};

	(void)state;
	for (unsigned i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		check_option(&samples[i]);
		tested[samples[i].type] = true;
	}
	for (unsigned type = 0; type < 256; type++) {
		if (mh_option_rule((uint8_t)type) != NULL && !tested[type])
			fail_msg("option %u (%s) has no sample here", type, mh_option_name((uint8_t)type));
	}
}

static void fixed_parts_have_all_their_values(void **state)
{
	static const struct {
		uint8_t bytes[24];
		uint8_t length;
		const char *expected;
	} rows[] = {
		{{59, 0, MH_BRR}, 8, "[\"BRR\",{}]"},
		{{59, 1, MH_HOTI, 0, 0, 0, 0, 0, 0xa0, 1}, 16,
			"[\"HoTI\",{\"home_init_cookie\":\"a001000000000000\"}]"},
		{{59, 1, MH_COTI, 0, 0, 0, 0, 0, 1}, 16, "[\"CoTI\",{\"care_of_init_cookie\":\"0100000000000000\"}]"},
		{{59, 2, MH_HOT, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2}, 24,
			"[\"HoT\",{\"home_nonce_index\":256,\"home_init_cookie\":\"0100000000000000\","
			"\"home_keygen_token\":\"0200000000000000\"}]"},
		{{59, 2, MH_COT, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 2}, 24,
			"[\"CoT\",{\"care_of_nonce_index\":1,\"care_of_init_cookie\":\"0100000000000000\","
			"\"care_of_keygen_token\":\"0200000000000000\"}]"},
		{{59, 1, MH_BU, 0, 0, 0, 0, 5, 0xfd, 0xff, 0xff, 0xff}, 16,
			"[\"BU\",{\"sequence\":5,\"flags\":65023,\"flag_names\":[\"A\",\"H\",\"L\",\"K\",\"M\",\"R\","
			"\"F\","
			"\"T\",\"B\",\"S\",\"D\"],\"lifetime\":65535,\"lifetime_s\":262140}]"},
		{{59, 1, MH_BU, 0, 0, 0, 0, 5, 0x02, 0, 0, 0}, 16,
			"[\"PBU\",{\"sequence\":5,\"flags\":512,\"flag_names\":[\"P\"],\"lifetime\":0,\"lifetime_s\":0}"
			"]"},
		{{59, 1, MH_BA, 0, 0, 0, 155, 0xff, 0, 6, 0, 1}, 16,
			"[\"PBA\",{\"status\":155,\"status_name\":\"not-authorized-for-home-network-prefix\",\"flags\":"
			"255,"
			"\"flag_names\":[\"K\",\"R\",\"P\",\"T\",\"B\",\"S\",\"D\"],\"sequence\":6,\"lifetime\":1,"
			"\"lifetime_s\":4}]"},
		{{59, 1, MH_BA, 0, 0, 0, 77, 0, 0, 6, 0, 1}, 16,
			"[\"BA\",{\"status\":77,\"status_name\":\"unknown\",\"flags\":0,\"flag_names\":[],\"sequence\":"
			"6,"
			"\"lifetime\":1,\"lifetime_s\":4}]"},
		{{59, 2, MH_BE, 0, 0, 0, 1, 0, 0x20, 0x01, 0x0d, 0xb8, [23] = 9}, 24,
			"[\"BE\",{\"status\":1,\"status_name\":\"unknown-binding-for-home-address-option\","
			"\"home_address\":\"2001:db8::9\"}]"},
		{{59, 1, MH_HEARTBEAT, 0, 0, 0, 0, 3, 1, 2, 3, 4}, 16,
			"[\"Heartbeat\",{\"flags\":3,\"flag_names\":[\"U\",\"R\"],\"sequence\":16909060}]"},
		{{59, 1, MH_UPN, 0, 0, 0, 0x0b, 1, 0, 1, 0xc0, 0}, 16,
			"[\"UPN\",{\"sequence\":2817,\"reason\":1,\"reason_name\":\"force-reregistration\","
			"\"flags\":49152,\"flag_names\":[\"A\",\"D\"]}]"},
		{{59, 1, MH_UPA, 0, 0, 0, 0x0b, 1, 132, 1, 2, 3}, 16,
			"[\"UPA\",{\"sequence\":2817,\"status\":132,\"status_name\":\"mobile-node-not-attached\"}]"},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *json = json_of(rows[i].bytes, rows[i].length);
		json_t *both = json_pack("[OO]", json_object_get(json, "type"), json_object_get(json, "fields"));

		assert_json(both, rows[i].expected);
		json_decref(both);
		json_decref(json);
	}
}

static void bad_message_has_what_could_be_read_and_a_reason(void **state)
{
	uint8_t bytes[24] = {59, 2, MH_BU, 0, 0, 0, 0, 5, 0x02, 0, 0, 0, MHO_HANDOFF_INDICATOR, 2, 0, 1,
		MHO_RESTART_COUNTER, 4, 0, 0, 0, 9, 22, 18};
	json_t *json;

	(void)state;
	json = json_of(bytes, 24); /* wrong checksum, and an option beyond the end */
	assert_json(json,
		"{\"frame\":7,\"type\":\"PBU\",\"src\":\"2001:db8:a1::1\",\"dst\":\"2001:db8:1::1\",\"checksum\":"
		"\"bad\","
		"\"fields\":{\"sequence\":5,\"flags\":512,\"flag_names\":[\"P\"],\"lifetime\":0,\"lifetime_s\":0},"
		"\"options\":[{\"type\":23,\"name\":\"handoff-indicator\",\"handoff_indicator\":1,"
		"\"handoff_indicator_name\":\"new-interface\"},{\"type\":28,\"name\":\"restart-counter\","
		"\"restart_counter\":9}],\"error\":\"checksum\"}");
	json_decref(json);
	json = json_of(bytes, 16); /* Header Len says 24 */
	assert_json(json, "{\"frame\":7,\"type\":\"BU\",\"src\":\"2001:db8:a1::1\",\"dst\":\"2001:db8:1::1\","
			  "\"checksum\":\"bad\","
			  "\"fields\":{},\"options\":[],\"error\":\"length\"}");
	json_decref(json);
	json = json_of(bytes, 7);
	assert_json(json, "{\"frame\":7,\"type\":\"unknown\",\"src\":\"2001:db8:a1::1\",\"dst\":\"2001:db8:1::1\","
			  "\"checksum\":\"bad\",\"fields\":{},\"options\":[],\"error\":\"truncated\"}");
	json_decref(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_option_of_the_table_decodes_by_its_name),
		cmocka_unit_test(fixed_parts_have_all_their_values),
		cmocka_unit_test(bad_message_has_what_could_be_read_and_a_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
