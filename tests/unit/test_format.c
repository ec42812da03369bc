/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "checksum.h"
#include "endpoint.h"
#include "format.h"
#include "log.h"

static void addresses_go_to_text_and_back(void **state)
{
	struct in6_addr address;
	uint8_t length, mac[6];
	char text[PREFIX_TEXT_MAX];

	assert_int_equal(ip6_parse("2001:db8::1", &address), 0);
	assert_string_equal(ip6_format(&address, text), "2001:db8::1");
	assert_int_equal(prefix_parse("2001:db8::/32", &address, &length), 0);
	assert_string_equal(prefix_format(&address, length, text), "2001:db8::/32");
	assert_int_equal(mac_parse("02:00:5e:0A:ff:13", mac), 0);
	assert_string_equal(mac_format(mac, text), "02:00:5e:0a:ff:13");
}

static void malformed_text_is_refused(void **state)
{
	struct in6_addr address;
	uint8_t length, mac[6];

	assert_int_equal(ip6_parse("2001:db8::1 ", &address), -EINVAL);
	assert_int_equal(ip6_parse("192.0.2.1", &address), -EINVAL);
	assert_int_equal(prefix_parse("2001:db8::", &address, &length), -EINVAL);
	assert_int_equal(prefix_parse("2001:db8::/129", &address, &length), -EINVAL);
	assert_int_equal(prefix_parse("2001:db8::/-1", &address, &length), -EINVAL);
	assert_int_equal(prefix_parse("2001:db8::/0064", &address, &length), -EINVAL);
	assert_int_equal(prefix_parse("2001:db8::/64x", &address, &length), -EINVAL);
	assert_int_equal(prefix_parse("2001:db8::1/64", &address, &length), -ERANGE);
	assert_int_equal(mac_parse("02:00:5e:0a:ff", mac), -EINVAL);
	assert_int_equal(mac_parse("02:00:5e:0a:ff:1", mac), -EINVAL);
	assert_int_equal(mac_parse("02:00:5e:0a:ff:13:", mac), -EINVAL);
	assert_int_equal(mac_parse("02:00:5e:0a:ff:1g", mac), -EINVAL);
	assert_int_equal(mac_parse("", mac), -EINVAL);
}

static void prefix_contains_its_addresses_only(void **state)
{
	struct in6_addr prefix, inside, outside;

	ip6_parse("2001:db8:8000::", &prefix);
	ip6_parse("2001:db8:ffff::1", &inside);
	ip6_parse("2001:db8:7fff::1", &outside);
	assert_true(prefix_contains(&prefix, 33, &inside));
	assert_false(prefix_contains(&prefix, 33, &outside));
	assert_true(prefix_contains(&prefix, 0, &outside));
	assert_true(prefix_contains(&inside, 128, &inside));
	assert_false(prefix_contains(&inside, 128, &outside));
}

static void hex_and_quotes_never_overrun(void **state)
{
	static const uint8_t bytes[] = {'a', ' ', '"', 0x1b, 0xff, '\\', '='};

	for (size_t size = 1; size < 40; size++) {
		char *text = malloc(size); /* exact, so that a sanitizer sees an overrun */

		hex_format(bytes, sizeof(bytes), text, size);
		assert_true(strlen(text) < size);
		log_quote(bytes, sizeof(bytes), text, size);
		assert_true(strlen(text) < size);
		free(text);
	}
}

static void what_comes_from_outside_is_quoted(void **state)
{
	char text[64];

	assert_string_equal(log_quote("mn1@example.com", 15, text, sizeof(text)), "mn1@example.com");
	assert_string_equal(log_quote("", 0, text, sizeof(text)), "\"\"");
	assert_string_equal(log_quote("a b\n\"", 5, text, sizeof(text)), "\"a b\\x0a\\\"\"");
	assert_string_equal(hex_format("\x01\xab\xff", 3, text, sizeof(text)), "01abff");
	assert_string_equal(hex_format("\x01\xab\xff", 3, text, 6), "01..");
}

static void link_local_and_solicited_node_addresses(void **state)
{
	/* RFC 6543: the reserved identifier is the modified EUI-64 of the reserved MAC */
	static const uint8_t mac[6] = {0x00, 0x00, 0x5e, 0x00, 0x52, 0x13};
	struct in6_addr address, group;
	char text[IP6_TEXT_MAX];

	ip6_link_local_from_mac(mac, &address);
	assert_string_equal(ip6_format(&address, text), "fe80::200:5eff:fe00:5213");
	ip6_solicited_node(&address, &group);
	assert_string_equal(ip6_format(&group, text), "ff02::1:ff00:5213");
}

static void checksum_is_the_internet_checksum(void **state)
{
	/* RFC 1071 section 3: the words 0001 f203 f4f5 f6f7 sum to ddf2 */
	static const uint8_t words[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
	uint16_t checksum = checksum_finish(checksum_add(0, words, sizeof(words)));

	assert_memory_equal(&checksum, "\x22\x0d", 2);
	for (size_t n = 0; n <= sizeof(words); n++) { /* odd lengths: the last octet is the high one */
		uint8_t *exact = malloc(n + (n == 0));
		uint32_t expected = 0;
		uint16_t got;

		memcpy(exact, words, n);
		for (size_t i = 0; i < n; i++)
			expected += i % 2 ? words[i] : (uint32_t)words[i] << 8;
		while (expected >> 16)
			expected = (expected & 0xffff) + (expected >> 16);
		got = checksum_finish(checksum_add(0, exact, n));
		assert_int_equal((uint16_t)~expected, (uint16_t)(got << 8 | got >> 8));
		free(exact);
	}
}

static void endpoint_ids_of_the_families_never_meet(void **state)
{
	struct in6_addr address;

	ip6_parse("2001:db8:f1:1::100", &address);
	assert_int_equal(endpoint_id_ipv6(address.s6_addr), UINT64_C(0x20010db800f10001));
	ip6_parse("fd00::1", &address);
	assert_true(endpoint_id_ipv6(address.s6_addr) != ENDPOINT_NONE);
	for (unsigned top = 0; top < 256; top++) {
		address.s6_addr[0] = (uint8_t)top;
		if (endpoint_id_ipv6(address.s6_addr) != ENDPOINT_NONE)
			assert_true(endpoint_id_is_ipv6(endpoint_id_ipv6(address.s6_addr)) && top != 1);
	}
	ip6_parse("fe80::1", &address);
	assert_int_equal(endpoint_id_ipv6(address.s6_addr), ENDPOINT_NONE);
	assert_int_equal(endpoint_id_ipv4(0x00abcdef, 0x0a01002a), UINT64_C(0x01abcdef0a01002a));
	assert_false(endpoint_id_is_ipv6(endpoint_id_ipv4(0xffffff, 0xffffffff)));
}

struct lines {
	unsigned count;
	char last[1200];
};

static void keep_line(void *context, enum log_level level, const char *line)
{
	struct lines *lines = context;

	lines->count++;
	snprintf(lines->last, sizeof(lines->last), "%s", line);
}

static void log_lines_are_limited_per_event(void **state)
{
	struct lines lines = {0};

	log_set_sink(keep_line, &lines);
	for (unsigned i = 0; i < 1000; i++)
		log_warning("flood_event", "n=%u", i);
	assert_in_range(lines.count, 50, 60);
	log_error("other_event", "%s", "");
	assert_non_null(strstr(lines.last, "level=error event=other_event"));
	log_set_level(LOG_LEVEL_ERROR);
	lines.count = 0;
	log_warning("third_event", "below the threshold");
	assert_int_equal(lines.count, 0);
	log_set_level(LOG_LEVEL_NOTICE);
	log_set_sink(NULL, NULL);
}

static void log_line_that_is_too_long_is_cut(void **state)
{
	struct lines lines = {0};
	char *text = malloc(5000);

	memset(text, 'x', 4999);
	text[4999] = '\0';
	log_set_sink(keep_line, &lines);
	log_error("long_event", "text=%s", text);
	assert_int_equal(lines.count, 1);
	assert_true(strlen(lines.last) < 1100);
	log_set_sink(NULL, NULL);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_go_to_text_and_back),
		cmocka_unit_test(malformed_text_is_refused),
		cmocka_unit_test(prefix_contains_its_addresses_only),
		cmocka_unit_test(hex_and_quotes_never_overrun),
		cmocka_unit_test(what_comes_from_outside_is_quoted),
		cmocka_unit_test(link_local_and_solicited_node_addresses),
		cmocka_unit_test(checksum_is_the_internet_checksum),
		cmocka_unit_test(endpoint_ids_of_the_families_never_meet),
		cmocka_unit_test(log_lines_are_limited_per_event),
		cmocka_unit_test(log_line_that_is_too_long_is_cut),
	};

	return cmocka_run_group_tests_name("format", tests, NULL, NULL);
}
