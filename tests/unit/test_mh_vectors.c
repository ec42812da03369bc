/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The test vectors through `hawserctl decode`. tests/vectors/decoded/GROUP.jsonl says what each message of GROUP.pcap
 * has to come out as; these values were compared with a decoder that shares nothing with this one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "cli/decode.h"

static char directory[] = "/tmp/test_mh_vectors.XXXXXX";

static int make_directory(void **state)
{
	(void)state;
	return mkdtemp(directory) != NULL ? 0 : -1;
}

static int remove_directory(void **state)
{
	(void)state;
	return rmdir(directory);
}

static const char *vectors(void)
{
	const char *path = getenv("VECTORS");

	assert_non_null(path);
	return path;
}

static char *read_file(const char *path, size_t *size)
{
	FILE *file = fopen(path, "rb");
	char *content;
	long n;

	assert_non_null(file);
	assert_int_equal(fseek(file, 0, SEEK_END), 0);
	n = ftell(file);
	assert_true(n >= 0);
	rewind(file);
	content = malloc((size_t)n + 1);
	assert_non_null(content);
	assert_int_equal(fread(content, 1, (size_t)n, file), n);
	content[n] = 0;
	fclose(file);
	*size = (size_t)n;
	return content;
}

/* What `decode` prints for @group.pcap; the copy it writes has to be the same as the file. */
static char *decode_group(const char *group)
{
	char path[512], copy[512],
		*argv[] = {(char[]){"decode"}, (char[]){"--json"}, (char[]){"--reencode"}, copy, path, NULL}, *text,
		*said;
	size_t size, said_size, before_size, after_size;
	FILE *out = open_memstream(&text, &size), *errors = open_memstream(&said, &said_size);
	char *before, *after;

	snprintf(path, sizeof(path), "%s/%s.pcap", vectors(), group);
	snprintf(copy, sizeof(copy), "%s/%s.pcap", directory, group);
	assert_int_equal(decode_command(5, argv, out, errors), 0);
	fclose(out);
	fclose(errors);
	free(said);
	before = read_file(path, &before_size);
	after = read_file(copy, &after_size);
	assert_int_equal(before_size, after_size);
	assert_memory_equal(before, after, before_size);
	free(before);
	free(after);
	unlink(copy);
	return text;
}

static void assert_same_line(const char *expected, const char *got, const char *group)
{
	json_t *a = json_loads(expected, 0, NULL), *b = json_loads(got, 0, NULL);

	if (a == NULL || b == NULL || !json_equal(a, b))
		fail_msg("%s: expected\n%s\ngot\n%s", group, expected, got);
	json_decref(a);
	json_decref(b);
}

/* @messages: how many there are, written down here so that an empty file does not pass. */
static void check_group(const char *group, unsigned messages)
{
	char path[512], *expected, *got, *next_expected, *next_got;
	char *a, *b;
	size_t size;

	snprintf(path, sizeof(path), "%s/decoded/%s.jsonl", vectors(), group);
	expected = read_file(path, &size);
	got = decode_group(group);
	a = strtok_r(expected, "\n", &next_expected);
	b = strtok_r(got, "\n", &next_got);
	for (; a != NULL && b != NULL; messages--) {
		assert_same_line(a, b, group);
		a = strtok_r(NULL, "\n", &next_expected);
		b = strtok_r(NULL, "\n", &next_got);
	}
	assert_null(a);
	assert_null(b);
	assert_int_equal(messages, 0);
	free(expected);
	free(got);
}

static void mobile_ipv6_vectors_decode_and_come_back_byte_for_byte(void **state)
{
	(void)state;
	check_group("a_mip6", 9);
}

static void proxy_mobile_ipv6_vectors_decode_and_come_back_byte_for_byte(void **state)
{
	(void)state;
	check_group("b_pmip6", 12);
}

static void messages_over_ipv4_decode_and_come_back_byte_for_byte(void **state)
{
	(void)state;
	check_group("c_ipv4", 2);
}

static void heartbeats_and_notifications_decode_among_other_types(void **state)
{
	(void)state;
	check_group("d_bri_hb_upn", 7);
}

static void malformed_vectors_have_the_error_that_is_expected(void **state)
{
	(void)state;
	check_group("m_malformed", 12);
}

static void messages_of_types_to_come_are_named_and_copied(void **state)
{
	(void)state;
	check_group("e_lri", 4);
	check_group("f_fmip_cxtp", 3);
	check_group("g_ro", 11);
}

static void captures_without_a_message_print_nothing(void **state)
{
	static const char *const groups[] = {"h_tunnel", "i_nd"};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		char *text = decode_group(groups[i]);

		assert_string_equal(text, "");
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mobile_ipv6_vectors_decode_and_come_back_byte_for_byte),
		cmocka_unit_test(proxy_mobile_ipv6_vectors_decode_and_come_back_byte_for_byte),
		cmocka_unit_test(messages_over_ipv4_decode_and_come_back_byte_for_byte),
		cmocka_unit_test(heartbeats_and_notifications_decode_among_other_types),
		cmocka_unit_test(malformed_vectors_have_the_error_that_is_expected),
		cmocka_unit_test(messages_of_types_to_come_are_named_and_copied),
		cmocka_unit_test(captures_without_a_message_print_nothing),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
