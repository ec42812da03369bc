/* SPDX-License-Identifier: BSD-3-Clause */
/* Finding Mobility Headers in packets: extension headers, tunnels, UDP, limits, and putting a new one in their place.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <errno.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "checksum.h"

#include "mh/packet.h"

#define NEXT_HBH      0
#define NEXT_IPV4     4
#define NEXT_UDP      17
#define NEXT_IPV6     41
#define NEXT_ROUTING  43
#define NEXT_FRAGMENT 44
#define NEXT_ESP      50
#define NEXT_AH       51
#define NEXT_DSTOPTS  60
#define NEXT_MH       135

/* A packet that is put together from the outside in. */
struct build {
	uint8_t bytes[1024];
	size_t length;
};

static struct in6_addr mag1, lma1, home;

static int addresses(void **state)
{
	(void)state;
	inet_pton(AF_INET6, "2001:db8:a1::1", &mag1);
	inet_pton(AF_INET6, "2001:db8:1::1", &lma1);
	inet_pton(AF_INET6, "2001:db8:8000::77", &home);
	return 0;
}

static uint8_t *add(struct build *build, const void *bytes, size_t n)
{
	uint8_t *at = build->bytes + build->length;

	assert_true(build->length + n <= sizeof(build->bytes));
	if (bytes != NULL)
		memcpy(at, bytes, n);
	else
		memset(at, 0, n);
	build->length += n;
	return at;
}

/* Payload Length is put right by finish(). */
static void add_ipv6(struct build *build, uint8_t next)
{
	uint8_t *at = add(build, NULL, 40);

	at[0] = 0x60;
	at[6] = next;
	memcpy(at + 8, &mag1, 16);
	memcpy(at + 24, &lma1, 16);
}

static void add_ipv4(struct build *build, uint8_t next)
{
	uint8_t *at = add(build, NULL, 24);

	at[0] = 0x46; /* with an option word */
	at[9] = next;
	memcpy(at + 12, (uint8_t[]){198, 51, 100, 1, 192, 0, 2, 1}, 8);
}

static void add_udp(struct build *build, uint16_t port)
{
	uint8_t *at = add(build, NULL, 8);

	at[0] = at[2] = (uint8_t)(port >> 8);
	at[1] = at[3] = (uint8_t)port;
}

static void add_options(struct build *build, uint8_t next)
{
	add(build, (uint8_t[]){next, 0, 1, 4, 0, 0, 0, 0}, 8);
}

static void add_home_address(struct build *build, uint8_t next)
{
	add(build, (uint8_t[]){next, 2, 1, 2, 0, 0, 201, 16}, 8);
	add(build, &home, 16);
}

static void add_routing(struct build *build, uint8_t next, uint8_t type, uint8_t left)
{
	add(build, (uint8_t[]){next, 2, type, left, 0, 0, 0, 0}, 8);
	add(build, &home, 16);
}

static void add_fragment(struct build *build, uint8_t next, uint16_t offset_and_more)
{
	add(build, (uint8_t[]){next, 0, (uint8_t)(offset_and_more >> 8), (uint8_t)offset_and_more, 0, 0, 0, 1}, 8);
}

static void set_be16(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* A message of 16 octets at the end, and the length field of the header at each of @offsets. */
static void finish(struct build *build, unsigned count, const size_t *offsets)
{
	add(build, (uint8_t[]){59, 1, MH_BU, 0, 0, 0, 0, 5, 0x82, 0, 0, 9, 1, 2, 0, 0}, 16);
	for (unsigned i = 0; i < count; i++) {
		uint8_t *header = build->bytes + offsets[i];
		size_t left = build->length - offsets[i];

		if (header[0] >> 4 == 6)
			set_be16(header + 4, left - 40);
		else if (header[0] >> 4 == 4)
			set_be16(header + 2, left);
		else
			set_be16(header + 4, left); /* UDP: port 5436 begins with 0x15 */
	}
}

static int find(const struct build *build, struct mh_packet *packet)
{
	uint8_t *block = malloc(build->length);
	int error;

	memcpy(block, build->bytes, build->length);
	error = mh_packet_find(packet, block, build->length);
	free(block);
	return error;
}

static void message_right_behind_the_ipv6_header_is_found(void **state)
{
	struct build build = {.length = 0};
	struct mh_packet packet;

	(void)state;
	add_ipv6(&build, NEXT_MH);
	finish(&build, 1, (size_t[]){0});
	add(&build, "trailer", 7); /* Ethernet padding */
	assert_int_equal(find(&build, &packet), 0);
	assert_int_equal(packet.offset, 40);
	assert_int_equal(packet.size, 16);
	assert_memory_equal(&packet.source, &mag1, 16);
	assert_memory_equal(&packet.destination, &lma1, 16);
	assert_memory_equal(&packet.checksum_source, &mag1, 16);
	assert_memory_equal(&packet.checksum_destination, &lma1, 16);
	assert_false(packet.home_address_option);
	assert_false(packet.type2_routing);
	assert_int_equal(packet.layer_count, 1);
}

static void home_addresses_stand_in_for_the_checksum(void **state)
{
	struct build build = {.length = 0};
	struct mh_packet packet;

	(void)state;
	add_ipv6(&build, NEXT_HBH);
	add_options(&build, NEXT_DSTOPTS);
	add_home_address(&build, NEXT_MH);
	finish(&build, 1, (size_t[]){0});
	assert_int_equal(find(&build, &packet), 0);
	assert_true(packet.home_address_option);
	assert_memory_equal(&packet.source, &mag1, 16);
	assert_memory_equal(&packet.checksum_source, &home, 16);

	build.length = 0;
	add_ipv6(&build, NEXT_ROUTING);
	add_routing(&build, NEXT_MH, 2, 1);
	finish(&build, 1, (size_t[]){0});
	assert_int_equal(find(&build, &packet), 0);
	assert_true(packet.type2_routing);
	assert_memory_equal(&packet.destination, &lma1, 16);
	assert_memory_equal(&packet.checksum_destination, &home, 16);
}

static void other_routing_headers_change_nothing(void **state)
{
	static const uint8_t others[][2] = {{2, 0}, {2, 2}, {0, 1}, {3, 1}, {4, 1}};

	(void)state;
	for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct build build = {.length = 0};
		struct mh_packet packet;

		add_ipv6(&build, NEXT_ROUTING);
		add_routing(&build, NEXT_MH, others[i][0], others[i][1]);
		finish(&build, 1, (size_t[]){0});
		assert_int_equal(find(&build, &packet), 0);
		assert_false(packet.type2_routing);
		assert_memory_equal(&packet.checksum_destination, &lma1, 16);
	}
}

static void message_in_a_tunnel_has_the_inner_addresses(void **state)
{
	struct build build = {.length = 0};
	struct mh_packet packet;

	(void)state;
	add_ipv6(&build, NEXT_DSTOPTS);
	add_home_address(&build, NEXT_IPV6); /* of the outer header: nothing to the inner one */
	add_ipv6(&build, NEXT_MH);
	memcpy(build.bytes + 64 + 8, &home, 16);
	finish(&build, 2, (size_t[]){0, 64});
	assert_int_equal(find(&build, &packet), 0);
	assert_int_equal(packet.offset, 104);
	assert_int_equal(packet.layer_count, 2);
	assert_memory_equal(&packet.source, &home, 16);
	assert_memory_equal(&packet.checksum_source, &home, 16);
	assert_false(packet.home_address_option);
}

static void message_in_udp_over_ipv4_is_found_by_its_port(void **state)
{
	struct build build = {.length = 0};
	struct mh_packet packet;

	(void)state;
	add_ipv4(&build, NEXT_UDP);
	add_udp(&build, UDP_PORT_PMIP6_CNTL);
	finish(&build, 2, (size_t[]){0, 24});
	assert_int_equal(find(&build, &packet), 0);
	assert_true(packet.over_ipv4);
	assert_int_equal(packet.offset, 32);
	assert_int_equal(packet.size, 16);
	assert_int_equal(packet.source.s6_addr[12], 198);
	assert_true(IN6_IS_ADDR_V4MAPPED(&packet.destination));

	set_be16(build.bytes + 24, 40000); /* one of the ports is enough: a reply goes to where the request came from */
	assert_int_equal(find(&build, &packet), 0);
	set_be16(build.bytes + 26, 40000);
	assert_int_equal(find(&build, &packet), -ENOENT);
	set_be16(build.bytes + 26, UDP_PORT_PMIP6_CNTL);
	set_be16(build.bytes + 6, 0x2001); /* a later fragment */
	assert_int_equal(find(&build, &packet), -ENOENT);

	build.length = 0; /* over IPv6 the port means nothing */
	add_ipv6(&build, NEXT_UDP);
	add_udp(&build, UDP_PORT_PMIP6_CNTL);
	finish(&build, 2, (size_t[]){0, 40});
	assert_int_equal(find(&build, &packet), -ENOENT);
}

static void only_the_first_fragment_has_a_message(void **state)
{
	static const struct {
		uint16_t field;
		int error;
	} rows[] = {{0, 0}, {1, 0}, {8, -ENOENT}, {0xfff9, -ENOENT}};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct build build = {.length = 0};
		struct mh_packet packet;

		add_ipv6(&build, NEXT_FRAGMENT);
		add_fragment(&build, NEXT_MH, rows[i].field);
		finish(&build, 1, (size_t[]){0});
		assert_int_equal(find(&build, &packet), rows[i].error);
	}
}

static void what_is_not_walked_says_so(void **state)
{
	static const uint8_t uppers[] = {6, NEXT_ESP, 58, 59, 132, 47, 253};
	struct mh_packet packet;

	(void)state;
	for (unsigned i = 0; i < sizeof(uppers); i++) {
		struct build build = {.length = 0};

		add_ipv6(&build, uppers[i]);
		finish(&build, 1, (size_t[]){0});
		assert_int_equal(find(&build, &packet), -ENOENT);
	}
	assert_int_equal(mh_packet_find(&packet, "", 0), -EINVAL);
	assert_int_equal(mh_packet_find(&packet, "\x50", 1), -EINVAL);
}

static void walk_has_limits(void **state)
{
	struct mh_packet packet;

	(void)state;
	for (unsigned headers = 0; headers <= MH_PACKET_EXTENSIONS_MAX + 1; headers++) {
		struct build build = {.length = 0};

		add_ipv6(&build, headers > 0 ? NEXT_DSTOPTS : NEXT_MH);
		for (unsigned i = 1; i <= headers; i++)
			add_options(&build, i < headers ? NEXT_DSTOPTS : NEXT_MH);
		finish(&build, 1, (size_t[]){0});
		assert_int_equal(find(&build, &packet), headers > MH_PACKET_EXTENSIONS_MAX ? -E2BIG : 0);
	}
	for (unsigned headers = 1; headers <= MH_PACKET_LAYERS_MAX + 1; headers++) {
		struct build build = {.length = 0};
		size_t offsets[MH_PACKET_LAYERS_MAX + 1];

		for (unsigned i = 0; i < headers; i++) {
			offsets[i] = build.length;
			add_ipv6(&build, i + 1 < headers ? NEXT_IPV6 : NEXT_MH);
		}
		finish(&build, headers, offsets);
		assert_int_equal(find(&build, &packet), headers > MH_PACKET_LAYERS_MAX ? -E2BIG : 0);
	}
}

static void build_everything(struct build *build)
{
	build->length = 0;
	add_ipv4(build, NEXT_IPV6); /* 0 */
	add_ipv6(build, NEXT_HBH);  /* 24 */
	add_options(build, NEXT_ROUTING);
	add_routing(build, NEXT_FRAGMENT, 2, 1);
	add_fragment(build, NEXT_AH, 0);
	add(build, (uint8_t[]){NEXT_DSTOPTS, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 12); /* authentication header */
	add_home_address(build, NEXT_IPV4);
	add_ipv4(build, NEXT_UDP); /* 140 */
	add_udp(build, UDP_PORT_PMIP6_CNTL);
	finish(build, 4, (size_t[]){0, 24, 140, 164});
}

static void captures_cut_at_any_octet_are_safe(void **state)
{
	struct build build;
	struct mh_packet packet;

	(void)state;
	build_everything(&build);
	assert_int_equal(find(&build, &packet), 0);
	assert_int_equal(packet.offset, 172);
	for (; build.length > 1; build.length--) {
		struct mh_reading reading;
		uint8_t *block;

		assert_int_equal(find(&build, &packet), build.length >= 172 ? 0 : -EINVAL);
		if (build.length < 172)
			continue;
		assert_int_equal(packet.size, build.length - 172);
		block = malloc(build.length);
		memcpy(block, build.bytes, build.length);
		mh_packet_read(&packet, block, &reading);
		assert_int_equal(reading.error, build.length < 180   ? MH_ERROR_TRUNCATED
						: build.length < 188 ? MH_ERROR_LENGTH
								     : MH_ERROR_NONE);
		free(block);
	}
}

static void impossible_headers_are_refused(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
	} breaks[] = {{0, 0x44}, {3, 20}, {24, 0x50}, {140, 0x66}, {164 + 5, 7}, {116 + 7, 15}, {116 + 3, 200}};
	struct mh_packet packet;

	(void)state;
	for (unsigned i = 0; i < sizeof(breaks) / sizeof(breaks[0]); i++) {
		struct build build;

		build_everything(&build);
		build.bytes[breaks[i].at] = breaks[i].value;
		assert_int_equal(find(&build, &packet), -EINVAL);
	}
}

static void wrong_checksum_does_not_stop_the_reading(void **state)
{
	struct build build = {.length = 0};
	struct mh_reading reading;
	struct mh_packet packet;

	(void)state;
	add_ipv6(&build, NEXT_MH);
	finish(&build, 1, (size_t[]){0});
	assert_int_equal(mh_packet_find(&packet, build.bytes, build.length), 0);
	mh_packet_read(&packet, build.bytes, &reading);
	assert_int_equal(reading.error, MH_ERROR_CHECKSUM);
	assert_int_equal(reading.stopped, MH_ERROR_NONE);
	assert_false(reading.checksum_ok);
	assert_int_equal(reading.message.fixed.bu.sequence, 5);
}

/* Sum over a header with its checksum in place: 0 if that is right. */
static uint16_t ipv4_sum(const uint8_t *header)
{
	return checksum_finish(checksum_add(0, header, 24));
}

static void replaced_message_fits_every_header_around_it(void **state)
{
	static const uint8_t longer[32] = {59, 3, MH_BU};
	struct build build;
	struct mh_packet packet, again;
	uint8_t out[512], pseudo[12] = {198, 51, 100, 1, 192, 0, 2, 1, 0, NEXT_UDP};
	size_t size;

	(void)state;
	build_everything(&build);
	add(&build, "rest", 4);
	assert_int_equal(mh_packet_find(&packet, build.bytes, build.length), 0);
	size = mh_packet_replace(&packet, build.bytes, build.length, 16, longer, sizeof(longer), out, sizeof(out));
	assert_int_equal(size, build.length + 16);
	assert_memory_equal(out + size - 4, "rest", 4);
	assert_int_equal(mh_packet_find(&again, out, size), 0);
	assert_int_equal(again.offset, packet.offset);
	assert_int_equal(again.size, 32);
	assert_int_equal(ipv4_sum(out), 0);
	assert_int_equal(ipv4_sum(out + 140), 0);
	pseudo[11] = 8 + 32;
	assert_int_equal(checksum_finish(checksum_add(checksum_add(0, pseudo, 12), out + 164, 40)), 0);
	/* Octets that no length or checksum is made of stay. */
	assert_memory_equal(out + 30, build.bytes + 30, 110);

	assert_int_equal(mh_packet_replace(&packet, build.bytes, build.length, 16, longer, 32, out, size - 1), 0);
	set_be16(build.bytes + 2, 65530);
	assert_int_equal(mh_packet_replace(&packet, build.bytes, build.length, 16, longer, 32, out, sizeof(out)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(message_right_behind_the_ipv6_header_is_found),
		cmocka_unit_test(home_addresses_stand_in_for_the_checksum),
		cmocka_unit_test(other_routing_headers_change_nothing),
		cmocka_unit_test(message_in_a_tunnel_has_the_inner_addresses),
		cmocka_unit_test(message_in_udp_over_ipv4_is_found_by_its_port),
		cmocka_unit_test(only_the_first_fragment_has_a_message),
		cmocka_unit_test(what_is_not_walked_says_so),
		cmocka_unit_test(walk_has_limits),
		cmocka_unit_test(captures_cut_at_any_octet_are_safe),
		cmocka_unit_test(impossible_headers_are_refused),
		cmocka_unit_test(wrong_checksum_does_not_stop_the_reading),
		cmocka_unit_test(replaced_message_fits_every_header_around_it),
	};

	return cmocka_run_group_tests(tests, addresses, NULL);
}
