/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests of the control socket: lines, patterns, cursors, identifiers as text. */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/request.h"
#include "api/rows.h"

/* Parse @line from a block of its exact size. 0, or the error in @refusal. */
static int parse(const char *line, struct request *request, struct refusal *refusal)
{
	size_t n = strlen(line);
	char *block = malloc(n > 0 ? n : 1);
	int result;

	memcpy(block, line, n);
	memset(refusal, 0, sizeof(*refusal));
	result = request_parse(request, block, n, refusal);
	free(block);
	return result;
}

static void expect_error(const char *line, enum api_error error, const char *part)
{
	struct request request;
	struct refusal refusal;

	assert_int_equal(parse(line, &request, &refusal), -EINVAL);
	assert_string_equal(api_error_name(refusal.error), api_error_name(error));
	if (strstr(refusal.message, part) == NULL)
		assert_string_equal(refusal.message, part);
	request_fini(&request);
}

#define SHOW(object, rest) "{\"version\":1,\"command\":\"show\",\"object\":\"" object "\"" rest "}"

static void show_with_everything_is_understood(void **state)
{
	struct request request;
	struct refusal refusal;

	assert_int_equal(parse(SHOW("bindings", ",\"id\":7,\"limit\":10,\"cursor\":\"1.42\",\"filter\":{\"mn\":\"a*\","
						"\"mac\":\"02:00:00:00:00:01\",\"prefix\":\"2001:db8::/32\"}"),
				 &request, &refusal),
		0);
	assert_int_equal(request.command, COMMAND_show);
	assert_int_equal(request.object, OBJECT_bindings);
	assert_int_equal(json_integer_value(request.id), 7);
	assert_int_equal(request.limit, 10);
	assert_int_equal(request.start.phase, 1);
	assert_int_equal(request.start.at, 42);
	assert_int_equal(request.filter.given, FILTER_BIT(mn) | FILTER_BIT(mac) | FILTER_BIT(prefix));
	assert_string_equal(request.filter.mn, "a*");
	assert_int_equal(request.filter.mac[5], 1);
	assert_int_equal(request.filter.prefix_length, 32);
	request_fini(&request);
}

static void show_without_extras_is_the_whole_walk(void **state)
{
	struct request request;
	struct refusal refusal;

	assert_int_equal(parse(SHOW("node", ""), &request, &refusal), 0);
	assert_null(request.id);
	assert_int_equal(request.limit, UINT64_MAX);
	assert_int_equal(request.filter.given, 0);
	assert_int_equal(request.start.at, 0);
	request_fini(&request);
}

static void address_as_prefix_means_128_bits(void **state)
{
	struct request request;
	struct refusal refusal;

	assert_int_equal(parse(SHOW("bindings", ",\"filter\":{\"prefix\":\"2001:db8::5\"}"), &request, &refusal), 0);
	assert_int_equal(request.filter.prefix_length, 128);
	request_fini(&request);
}

static void every_wrong_part_is_named(void **state)
{
	expect_error("", API_ERROR_MALFORMED, "not JSON");
	expect_error("{\"version\":1,", API_ERROR_MALFORMED, "not JSON");
	expect_error("[1]", API_ERROR_MALFORMED, "JSON object");
	expect_error("{\"version\":1,\"id\":[],\"command\":\"show\"}", API_ERROR_MALFORMED, "id");
	expect_error("{\"command\":\"show\"}", API_ERROR_MALFORMED, "version");
	expect_error("{\"version\":1.5}", API_ERROR_MALFORMED, "version");
	expect_error("{\"version\":9}", API_ERROR_VERSION, "speaks version 1");
	expect_error("{\"version\":1,\"command\":7}", API_ERROR_MALFORMED, "command");
	expect_error("{\"version\":1,\"command\":\"show\"}", API_ERROR_BAD_ARGUMENT, "object");
	expect_error("{\"version\":1,\"command\":\"why\",\"arguments\":[]}", API_ERROR_BAD_ARGUMENT, "arguments");
	expect_error(SHOW("node", ",\"filter\":7"), API_ERROR_BAD_ARGUMENT, "filter");
	expect_error(SHOW("node", ",\"filter\":{\"mn\":\"x\"}"), API_ERROR_BAD_ARGUMENT, "allowed: none");
	expect_error(SHOW("drops", ",\"filter\":{\"mn\":\"x\"}"), API_ERROR_BAD_ARGUMENT, "allowed: worker, name, all");
	expect_error(SHOW("drops", ",\"filter\":{\"all\":true}"), API_ERROR_BAD_ARGUMENT, "string");
	expect_error(SHOW("drops", ",\"filter\":{\"all\":\"perhaps\"}"), API_ERROR_BAD_ARGUMENT, "'perhaps' is no");
	expect_error(SHOW("drops", ",\"filter\":{\"worker\":\"-1\"}"), API_ERROR_BAD_ARGUMENT, "worker");
	expect_error(SHOW("drops", ",\"filter\":{\"worker\":\"32\"}"), API_ERROR_BAD_ARGUMENT, "worker");
	expect_error(SHOW("drops", ",\"filter\":{\"worker\":\"1x\"}"), API_ERROR_BAD_ARGUMENT, "worker");
	expect_error(SHOW("drops", ",\"filter\":{\"worker\":\"\"}"), API_ERROR_BAD_ARGUMENT, "worker");
	expect_error(SHOW("bindings", ",\"filter\":{\"mac\":\"02:00\"}"), API_ERROR_BAD_ARGUMENT, "MAC");
	expect_error(SHOW("bindings", ",\"filter\":{\"prefix\":\"::/129\"}"), API_ERROR_BAD_ARGUMENT, "PREFIX");
	expect_error(SHOW("node", ",\"limit\":0"), API_ERROR_BAD_ARGUMENT, "limit");
	expect_error(SHOW("node", ",\"limit\":\"9\""), API_ERROR_BAD_ARGUMENT, "limit");
	expect_error(SHOW("node", ",\"cursor\":5"), API_ERROR_BAD_ARGUMENT, "cursor");
}

static void cursor_that_no_answer_gave_is_refused(void **state)
{
	static const char *const cursors[] = {"", ".", "1", "1.", ".1", "1.2.3", "-1.0", "1.-0", " 1.0", "1.0 ",
		"0x1.0", "4294967296.0", "0.18446744073709551615", "0.18446744073709551616",
		"0.99999999999999999999999"};
	char line[200];

	for (unsigned i = 0; i < sizeof(cursors) / sizeof(cursors[0]); i++) {
		snprintf(line, sizeof(line), SHOW("node", ",\"cursor\":\"%s\""), cursors[i]);
		expect_error(line, API_ERROR_BAD_ARGUMENT, "cursor");
	}
}

static void cursor_is_what_was_given(void **state)
{
	static const struct walk_place places[] = {{0, 0}, {1, 1}, {UINT32_MAX, 5}, {3, UINT64_MAX - 1}};

	for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		char line[200], text[PLACE_TEXT_MAX];
		struct request request;
		struct refusal refusal;

		snprintf(line, sizeof(line), SHOW("node", ",\"cursor\":\"%s\""), place_format(&places[i], text));
		assert_int_equal(parse(line, &request, &refusal), 0);
		assert_int_equal(request.start.phase, places[i].phase);
		assert_int_equal(request.start.at, places[i].at);
		request_fini(&request);
	}
}

static void refusal_has_nothing_but_printable_ascii(void **state)
{
	struct request request;
	struct refusal refusal;

	parse("{\"version\":1,\"command\":\"\\u001b[2J\\u0085\\u00e9\\u007f\"}", &request, &refusal);
	for (const char *p = refusal.message; *p != '\0'; p++)
		assert_true(*p >= 0x20 && *p < 0x7f);
	request_fini(&request);
}

/* The textbook form, exponential: what the linear one is held against. */
static bool book_match(const char *pattern, const char *text)
{
	if (*pattern == '\0')
		return *text == '\0';
	if (*pattern == '*')
		return book_match(pattern + 1, text) || (*text != '\0' && book_match(pattern, text + 1));
	return *pattern == *text && book_match(pattern + 1, text + 1);
}

static void pattern_matches_as_the_textbook_says(void **state)
{
	uint64_t random = 88172645463325252;

	for (unsigned i = 0; i < 20000; i++) {
		char pattern[8] = "", text[10] = "";

		for (unsigned n = (unsigned)(test_random(&random) % 8); n > 0; n--)
			pattern[n - 1] = "ab**"[test_random(&random) % 4];
		for (unsigned n = (unsigned)(test_random(&random) % 10); n > 0; n--)
			text[n - 1] = "ab"[test_random(&random) % 2];
		assert_int_equal(pattern_match(pattern, text), book_match(pattern, text));
	}
}

/* A pattern of many stars that nearly matches takes the other form minutes. */
static void pattern_of_many_stars_ends_at_once(void **state)
{
	char pattern[200], text[1000];

	for (unsigned i = 0; i < sizeof(pattern) - 2; i++)
		pattern[i] = i % 2 ? 'a' : '*';
	memcpy(pattern + sizeof(pattern) - 2, "b", 2);
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_false(pattern_match(pattern, text));
}

static void identifier_of_any_octets_survives_its_text(void **state)
{
	uint64_t random = 12345;

	for (unsigned i = 0; i < 2000; i++) {
		uint8_t bytes[MN_ID_MAX], back[MN_ID_MAX];
		struct mn_id id = {.subtype = (uint8_t)(test_random(&random) % 3 == 0 ? test_random(&random) : 1),
			.length = (uint8_t)(test_random(&random) % (MN_ID_MAX + 1)),
			.data = bytes};
		struct mn_id parsed;
		char text[MN_TEXT_MAX];

		for (unsigned n = 0; n < id.length; n++)
			bytes[n] = (uint8_t)test_random(&random);
		mn_format(&id, text);
		for (const char *p = text; *p != '\0'; p++)
			assert_true(*p >= 0x20 && *p < 0x7f);
		assert_int_equal(mn_parse(text, back, &parsed), 0);
		assert_int_equal(parsed.subtype, id.subtype);
		assert_int_equal(parsed.length, id.length);
		assert_memory_equal(parsed.data, bytes, id.length);
	}
}

static void longest_identifier_fits_its_text(void **state)
{
	uint8_t bytes[MN_ID_MAX];
	struct mn_id id = {.subtype = 255, .length = MN_ID_MAX, .data = bytes};
	char text[MN_TEXT_MAX];

	memset(bytes, 0xff, sizeof(bytes));
	mn_format(&id, text);
	assert_int_equal(strlen(text), strlen("\\s255:") + 4 * MN_ID_MAX);
}

static void text_that_is_no_identifier_is_refused(void **state)
{
	static const char *const wrong[] = {"\\", "a\\", "\\x", "\\x1", "\\xg0", "\\n", "\\s", "\\s:", "\\s256:a",
		"\\s1a:b", "\\s99999999999999999999:a"};
	uint8_t bytes[MN_ID_MAX];
	char longer[MN_ID_MAX + 2];
	struct mn_id id;

	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(mn_parse(wrong[i], bytes, &id), -EINVAL);
	memset(longer, 'a', sizeof(longer));
	longer[MN_ID_MAX + 1] = '\0';
	assert_int_equal(mn_parse(longer, bytes, &id), -ERANGE);
	assert_int_equal(mn_parse(longer + 1, bytes, &id), 0);
}

static void words_and_lists_agree(void **state)
{
	for (unsigned i = 0; i < OBJECT_COUNT; i++) {
		assert_int_equal(object_find(object_name((enum object)i)), i);
		assert_int_equal(object_filters((enum object)i) >> FILTER_COUNT, 0);
		assert_true(strlen(object_help((enum object)i)) > 0);
	}
	for (unsigned i = 0; i < FILTER_COUNT; i++)
		assert_int_equal(filter_find(filter_name((enum filter_key)i)), i);
	for (unsigned i = 0; i < COMMAND_COUNT; i++)
		assert_int_equal(command_find(command_name((enum command)i)), i);
	assert_int_equal(object_find("?"), OBJECT_COUNT);
	assert_string_equal(object_name(OBJECT_COUNT), "?");
	assert_string_equal(api_error_name(API_ERROR_COUNT), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(show_with_everything_is_understood),
		cmocka_unit_test(show_without_extras_is_the_whole_walk),
		cmocka_unit_test(address_as_prefix_means_128_bits),
		cmocka_unit_test(every_wrong_part_is_named),
		cmocka_unit_test(cursor_that_no_answer_gave_is_refused),
		cmocka_unit_test(cursor_is_what_was_given),
		cmocka_unit_test(refusal_has_nothing_but_printable_ascii),
		cmocka_unit_test(pattern_matches_as_the_textbook_says),
		cmocka_unit_test(pattern_of_many_stars_ends_at_once),
		cmocka_unit_test(identifier_of_any_octets_survives_its_text),
		cmocka_unit_test(longest_identifier_fits_its_text),
		cmocka_unit_test(text_that_is_no_identifier_is_refused),
		cmocka_unit_test(words_and_lists_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
