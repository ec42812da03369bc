/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include <pcap/pcap.h>

#include "access/discovery.h"
#include "checksum.h"
#include "format.h"

struct packet {
	uint8_t bytes[1280];
	uint16_t length;
};

static struct in6_addr ip6(const char *text)
{
	struct in6_addr address;

	assert_int_equal(ip6_parse(text, &address), 0);
	return address;
}

static void checksum_fill(struct packet *packet)
{
	struct in6_addr source, destination;
	uint16_t checksum;

	memcpy(&source, packet->bytes + 8, 16);
	memcpy(&destination, packet->bytes + 24, 16);
	packet->bytes[42] = packet->bytes[43] = 0;
	checksum = checksum_ipv6(&source, &destination, IPPROTO_ICMPV6, packet->bytes + 40, packet->length - 40U);
	memcpy(packet->bytes + 42, &checksum, 2);
}

static struct packet icmp(const char *source, const char *destination, const void *bytes, uint16_t length)
{
	struct packet packet = {.bytes = {0x60, 0, 0, 0, 0, (uint8_t)length, IPPROTO_ICMPV6, 255}};
	struct in6_addr from = ip6(source), to = ip6(destination);

	memcpy(packet.bytes + 8, &from, 16);
	memcpy(packet.bytes + 24, &to, 16);
	memcpy(packet.bytes + 40, bytes, length);
	packet.length = (uint16_t)(40 + length);
	checksum_fill(&packet);
	return packet;
}

/* In a block of exactly its size, so that a sanitizer sees an overrun. */
static enum discovery_error parse(const struct packet *packet, struct discovery_message *message)
{
	uint8_t *exact = malloc(packet->length ? packet->length : 1);
	enum discovery_error error;

	memcpy(exact, packet->bytes, packet->length);
	error = discovery_parse(message, exact, packet->length);
	message->link_layer = NULL;
	free(exact);
	return error;
}

static void expect(const struct packet *packet, enum discovery_error error)
{
	struct discovery_message message;

	assert_int_equal(parse(packet, &message), error);
}

static const uint8_t rs[16] = {133, [8] = 1, 1, 0, 0, 0, 0, 1, 1};
static const uint8_t ns[32] = {135, [8] = 0xfe, 0x80, [23] = 9, 1, 1, 0, 0, 0, 0, 1, 1};
static const uint8_t na[32] = {136, 0, 0, 0, 0x60, [8] = 0xfe, 0x80, [23] = 1, 2, 1, 0, 0, 0, 0, 1, 1};

static void vector_i01_is_a_solicitation_with_its_link_layer_address(void **state)
{
	char path[512], error[PCAP_ERRBUF_SIZE];
	struct pcap_pkthdr *header;
	const uint8_t *bytes;
	struct discovery_message message;
	pcap_t *pcap;

	assert_non_null(getenv("VECTORS"));
	snprintf(path, sizeof(path), "%s/i_nd.pcap", getenv("VECTORS"));
	pcap = pcap_open_offline(path, error);
	assert_non_null(pcap);
	assert_int_equal(pcap_next_ex(pcap, &header, &bytes), 1);
	assert_int_equal(discovery_parse(&message, bytes + 14, header->caplen - 14), DISCOVERY_ERROR_NONE);
	assert_int_equal(message.kind, DISCOVERY_KIND_RS);
	assert_memory_equal(message.link_layer, ((uint8_t[]){2, 0, 0, 0, 1, 1}), 6);
	assert_int_equal(pcap_next_ex(pcap, &header, &bytes), 1); /* I03: an advertisement is nothing to answer */
	assert_int_equal(discovery_parse(&message, bytes + 14, header->caplen - 14), DISCOVERY_ERROR_NONE);
	assert_int_equal(message.kind, DISCOVERY_KIND_OTHER);
	pcap_close(pcap);
}

static void vector_i03_comes_out_of_the_encoder(void **state)
{
	char path[512], error[PCAP_ERRBUF_SIZE];
	struct discovery_prefix prefix = {.prefix = ip6("2001:db8:f1:1::")};
	struct router_advertisement ra = {.source = ip6("fe80::200:5eff:fe00:5213"),
		.destination = ip6("fe80::200:ff:fe00:101"),
		.link_layer = {0, 0, 0x5e, 0, 0x52, 0x13},
		.prefixes = &prefix,
		.prefix_count = 1};
	uint8_t buffer[DISCOVERY_LENGTH_MAX];
	struct pcap_pkthdr *header;
	const uint8_t *bytes;
	pcap_t *pcap;

	snprintf(path, sizeof(path), "%s/i_nd.pcap", getenv("VECTORS"));
	pcap = pcap_open_offline(path, error);
	assert_non_null(pcap);
	assert_int_equal(pcap_next_ex(pcap, &header, &bytes), 1);
	assert_int_equal(pcap_next_ex(pcap, &header, &bytes), 1);
	assert_int_equal(router_advertisement_encode(buffer, &ra), header->caplen - 14);
	assert_memory_equal(buffer, bytes + 14, header->caplen - 14);
	pcap_close(pcap);
}

static void fullest_advertisement_fits(void **state)
{
	struct discovery_prefix prefixes[DISCOVERY_PREFIXES_MAX] = {0};
	struct router_advertisement ra = {
		.mtu_bytes = 1500, .prefixes = prefixes, .prefix_count = DISCOVERY_PREFIXES_MAX};
	uint8_t *buffer = malloc(DISCOVERY_LENGTH_MAX);

	assert_int_equal(router_advertisement_encode(buffer, &ra), 40 + 16 + 8 + 8 + 32 * DISCOVERY_PREFIXES_MAX);
	free(buffer);
}

static void sound_messages_pass(void **state)
{
	struct discovery_message message;
	struct packet packet = icmp("fe80::1", "ff02::2", rs, 16);

	assert_int_equal(parse(&packet, &message), DISCOVERY_ERROR_NONE);
	assert_int_equal(message.kind, DISCOVERY_KIND_RS);
	packet = icmp("::", "ff02::2", rs, 8);
	expect(&packet, DISCOVERY_ERROR_NONE);
	packet = icmp("fe80::1", "ff02::1:ff00:9", ns, 32);
	assert_int_equal(parse(&packet, &message), DISCOVERY_ERROR_NONE);
	assert_int_equal(message.kind, DISCOVERY_KIND_NS);
	assert_int_equal(message.target.s6_addr[15], 9);
	packet = icmp("::", "ff02::1:ff00:9", ns, 24);
	expect(&packet, DISCOVERY_ERROR_NONE);
	packet = icmp("fe80::1", "fe80::2", na, 32);
	assert_int_equal(parse(&packet, &message), DISCOVERY_ERROR_NONE);
	assert_int_equal(message.kind, DISCOVERY_KIND_NA);
	assert_true(message.solicited && message.override && !message.router);
}

static void padding_of_the_frame_is_ignored(void **state)
{
	struct packet packet = icmp("::", "ff02::2", rs, 8);

	packet.length += 6;
	expect(&packet, DISCOVERY_ERROR_NONE);
}

static void every_truncation_is_an_error(void **state)
{
	struct packet packet = icmp("fe80::1", "ff02::1:ff00:9", ns, 32);

	for (packet.length = 0; packet.length < 72; packet.length++)
		expect(&packet, DISCOVERY_ERROR_TRUNCATED);
}

static void payload_shorter_than_the_type_is_an_error(void **state)
{
	static const uint8_t types[] = {133, 135, 136};
	static const uint16_t least[] = {8, 24, 24};

	for (unsigned i = 0; i < 3; i++)
		for (uint16_t length = 0; length < least[i]; length++) {
			uint8_t bytes[24] = {types[i]};
			struct packet packet = icmp("fe80::1", "fe80::2", bytes, length);

			expect(&packet, DISCOVERY_ERROR_LENGTH);
		}
}

static void hop_limit_other_than_255_is_an_error(void **state)
{
	struct packet packet = icmp("fe80::1", "ff02::2", rs, 16);

	for (unsigned hop_limit = 0; hop_limit < 255; hop_limit++) {
		packet.bytes[7] = (uint8_t)hop_limit;
		expect(&packet, DISCOVERY_ERROR_HOP_LIMIT);
	}
}

static void wrong_checksum_is_an_error(void **state)
{
	struct packet packet = icmp("fe80::1", "ff02::2", rs, 16);

	for (unsigned bit = 0; bit < 16 * 8; bit++) {
		packet.bytes[40 + bit / 8] ^= (uint8_t)(1 << bit % 8);
		expect(&packet, DISCOVERY_ERROR_CHECKSUM);
		packet.bytes[40 + bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	expect(&packet, DISCOVERY_ERROR_NONE);
}

static void code_other_than_0_is_an_error(void **state)
{
	struct packet packet = icmp("fe80::1", "ff02::2", rs, 16);

	packet.bytes[41] = 1;
	checksum_fill(&packet);
	expect(&packet, DISCOVERY_ERROR_CODE);
}

static void options_of_length_0_or_past_the_end_are_errors(void **state)
{
	static const uint8_t lengths[] = {0, 2, 3, 255};

	for (unsigned i = 0; i < 4; i++) {
		struct packet packet = icmp("fe80::1", "ff02::1:ff00:9", ns, 32);

		packet.bytes[65] = lengths[i];
		checksum_fill(&packet);
		expect(&packet, DISCOVERY_ERROR_OPTION);
		packet.bytes[64] = 99; /* also of an unknown one */
		checksum_fill(&packet);
		expect(&packet, DISCOVERY_ERROR_OPTION);
	}
}

static void single_octet_behind_the_options_is_an_error(void **state)
{
	struct packet packet = icmp("fe80::1", "ff02::2", rs, 9);

	expect(&packet, DISCOVERY_ERROR_OPTION);
}

static void unknown_options_are_skipped(void **state)
{
	static const uint8_t bytes[32] = {133, [8] = 14, 1, [16] = 1, 1, 2, 3, 4, 5, 6, 7, [24] = 200, 1};
	struct packet packet = icmp("fe80::1", "ff02::2", bytes, 32);
	struct discovery_message message;

	assert_int_equal(discovery_parse(&message, packet.bytes, packet.length), DISCOVERY_ERROR_NONE);
	assert_memory_equal(message.link_layer, ((uint8_t[]){2, 3, 4, 5, 6, 7}), 6);
}

/* RFC 4861 6.1.1 and 7.1.1 */
static void unspecified_source_may_not_tell_a_link_layer_address(void **state)
{
	struct packet packet = icmp("::", "ff02::2", rs, 16);

	expect(&packet, DISCOVERY_ERROR_SOURCE);
	packet = icmp("::", "ff02::1:ff00:9", ns, 32);
	expect(&packet, DISCOVERY_ERROR_SOURCE);
}

static void address_detection_goes_to_the_solicited_node_group(void **state)
{
	struct packet packet = icmp("::", "ff02::1", ns, 24);

	expect(&packet, DISCOVERY_ERROR_DESTINATION);
	packet = icmp("::", "fe80::9", ns, 24);
	expect(&packet, DISCOVERY_ERROR_DESTINATION);
}

static void multicast_targets_and_sources_are_errors(void **state)
{
	struct packet packet = icmp("fe80::1", "ff02::1:ff00:9", ns, 32);

	packet.bytes[48] = 0xff;
	checksum_fill(&packet);
	expect(&packet, DISCOVERY_ERROR_TARGET);
	packet = icmp("fe80::1", "fe80::2", na, 32);
	packet.bytes[48] = 0xff;
	checksum_fill(&packet);
	expect(&packet, DISCOVERY_ERROR_TARGET);
	packet = icmp("ff02::1", "fe80::2", na, 32);
	expect(&packet, DISCOVERY_ERROR_SOURCE);
}

static void solicited_advertisement_to_a_group_is_an_error(void **state)
{
	struct packet packet = icmp("fe80::1", "ff02::1", na, 32);

	expect(&packet, DISCOVERY_ERROR_DESTINATION);
	packet.bytes[44] = 0x20;
	checksum_fill(&packet);
	expect(&packet, DISCOVERY_ERROR_NONE);
}

static void other_versions_are_errors_and_other_protocols_are_not_ours(void **state)
{
	struct packet packet = icmp("fe80::1", "ff02::2", rs, 16);
	struct discovery_message message;

	packet.bytes[6] = IPPROTO_UDP;
	assert_int_equal(parse(&packet, &message), DISCOVERY_ERROR_NONE);
	assert_int_equal(message.kind, DISCOVERY_KIND_OTHER);
	packet.bytes[0] = 0x40;
	expect(&packet, DISCOVERY_ERROR_VERSION);
}

static void every_error_has_words(void **state)
{
	for (unsigned i = 0; i < DISCOVERY_ERROR_COUNT; i++)
		assert_true(strlen(discovery_error_help((enum discovery_error)i)) > 3);
	assert_string_equal(discovery_error_help(DISCOVERY_ERROR_COUNT), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vector_i01_is_a_solicitation_with_its_link_layer_address),
		cmocka_unit_test(vector_i03_comes_out_of_the_encoder),
		cmocka_unit_test(fullest_advertisement_fits),
		cmocka_unit_test(sound_messages_pass),
		cmocka_unit_test(padding_of_the_frame_is_ignored),
		cmocka_unit_test(every_truncation_is_an_error),
		cmocka_unit_test(payload_shorter_than_the_type_is_an_error),
		cmocka_unit_test(hop_limit_other_than_255_is_an_error),
		cmocka_unit_test(wrong_checksum_is_an_error),
		cmocka_unit_test(code_other_than_0_is_an_error),
		cmocka_unit_test(options_of_length_0_or_past_the_end_are_errors),
		cmocka_unit_test(single_octet_behind_the_options_is_an_error),
		cmocka_unit_test(unknown_options_are_skipped),
		cmocka_unit_test(unspecified_source_may_not_tell_a_link_layer_address),
		cmocka_unit_test(address_detection_goes_to_the_solicited_node_group),
		cmocka_unit_test(multicast_targets_and_sources_are_errors),
		cmocka_unit_test(solicited_advertisement_to_a_group_is_an_error),
		cmocka_unit_test(other_versions_are_errors_and_other_protocols_are_not_ours),
		cmocka_unit_test(every_error_has_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
