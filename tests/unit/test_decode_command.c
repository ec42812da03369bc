/* SPDX-License-Identifier: BSD-3-Clause */
/* `hawserctl decode`: usage, files that are not what they should be, link types, and the copy of --reencode. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <pcap/pcap.h>

#include "checksum.h"

#include "cli/decode.h"
#include "mh/mh.h"

static char directory[] = "/tmp/test_decode.XXXXXX";
static char input[64], output[64];

static int make_directory(void **state)
{
	(void)state;
	if (mkdtemp(directory) == NULL)
		return -1;
	snprintf(input, sizeof(input), "%s/in.pcap", directory);
	snprintf(output, sizeof(output), "%s/out.pcap", directory);
	return 0;
}

static int remove_directory(void **state)
{
	(void)state;
	unlink(input);
	unlink(output);
	return rmdir(directory);
}

/* What a call wrote and returned. */
struct call {
	int code;
	char *out, *errors;
};

static struct call run(unsigned count, const char *const *words)
{
	char *argv[8] = {NULL};
	size_t out_size, errors_size;
	struct call call;
	FILE *out = open_memstream(&call.out, &out_size), *errors = open_memstream(&call.errors, &errors_size);

	for (unsigned i = 0; i < count; i++)
		argv[i] = strdup(words[i]);
	call.code = decode_command((int)count, argv, out, errors);
	fclose(out);
	fclose(errors);
	for (unsigned i = 0; i < 8; i++)
		free(argv[i]);
	return call;
}

#define RUN(...)                                                                     \
	run(sizeof((const char *const[]){"decode", ##__VA_ARGS__}) / sizeof(char *), \
		(const char *const[]){"decode", ##__VA_ARGS__})

static void done(struct call *call)
{
	free(call->out);
	free(call->errors);
}

static void assert_contains(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", part, text);
}

static void fails_with(struct call call, int code, const char *errors)
{
	assert_int_equal(call.code, code);
	assert_contains(call.errors, errors);
	done(&call);
}

/* An IPv6 packet with the message of @length octets, its checksum made right. */
static size_t packet_with(uint8_t *packet, const uint8_t *message, uint16_t length)
{
	uint8_t header[40] = {0x60, 0, 0, 0, (uint8_t)(length >> 8), (uint8_t)length, IPPROTO_MOBILITY, 64};
	struct in6_addr source, destination;
	uint16_t checksum;

	inet_pton(AF_INET6, "2001:db8:a1::1", &source);
	inet_pton(AF_INET6, "2001:db8:1::1", &destination);
	memcpy(header + 8, &source, 16);
	memcpy(header + 24, &destination, 16);
	memcpy(packet, header, 40);
	memcpy(packet + 40, message, length);
	checksum = checksum_ipv6(&source, &destination, IPPROTO_MOBILITY, packet + 40, length);
	memcpy(packet + 44, &checksum, 2);
	return 40u + length;
}

static void write_capture(
	int link_type, int precision, unsigned count, const uint8_t *const *frames, const size_t *sizes)
{
	pcap_t *pcap = pcap_open_dead_with_tstamp_precision(link_type, 65535, (u_int)precision);
	pcap_dumper_t *dump = pcap_dump_open(pcap, input);

	assert_non_null(dump);
	for (unsigned i = 0; i < count; i++) {
		struct pcap_pkthdr header = {
			.ts = {1700000000, 123}, .caplen = (bpf_u_int32)sizes[i], .len = (bpf_u_int32)sizes[i]};

		if (precision == PCAP_TSTAMP_PRECISION_NANO)
			header.ts.tv_usec = 123456789;
		pcap_dump((u_char *)dump, &header, frames[i]);
	}
	pcap_dump_close(dump);
	pcap_close(pcap);
}

static size_t file_bytes(const char *path, uint8_t *bytes, size_t size)
{
	FILE *file = fopen(path, "rb");
	size_t n;

	assert_non_null(file);
	n = fread(bytes, 1, size, file);
	fclose(file);
	return n;
}

static void put_file(const void *bytes, size_t n)
{
	FILE *file = fopen(input, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, n, file), n);
	fclose(file);
}

static const uint8_t heartbeat[16] = {59, 1, MH_HEARTBEAT, 0, 0, 0, 0, 0, 0, 0, 0, 7, 1, 2, 0, 0};

static void wrong_usage_exits_with_2(void **state)
{
	(void)state;
	fails_with(RUN(), 2, "which file?");
	fails_with(RUN("a", "b"), 2, "one file at a time");
	fails_with(RUN("--jason", "a"), 2, "unknown option --jason");
	fails_with(RUN("-x", "a"), 2, "unknown option");
	fails_with(RUN("a", "--reencode"), 2, "--reencode needs a value");
	fails_with(RUN("--reencode", "-", "a"), 2, "needs the name of a file");
}

static void help_is_printed_on_request(void **state)
{
	struct call call = RUN("--help");

	(void)state;
	assert_int_equal(call.code, 0);
	assert_contains(call.out, "--reencode OUT");
	assert_string_equal(call.errors, "");
	done(&call);
}

static void files_that_cannot_be_read_are_named(void **state)
{
	(void)state;
	fails_with(RUN("/nonexistent/a.pcap"), 1, "/nonexistent/a.pcap: No such file");
	put_file("", 0);
	fails_with(RUN(input), 1, input);
	put_file("this is no capture at all, is it?", 33);
	fails_with(RUN("--json", input), 1, input);
	fails_with(RUN("--json", directory), 1, directory);
}

static void link_types_that_are_not_known_are_named(void **state)
{
	(void)state;
	write_capture(DLT_IEEE802_11, PCAP_TSTAMP_PRECISION_MICRO, 0, NULL, NULL);
	fails_with(RUN(input), 1, "802.11");
}

static void capture_cut_in_the_middle_shows_what_came_before(void **state)
{
	const uint8_t *frames[2];
	uint8_t packet[64], file[512];
	size_t size = packet_with(packet, heartbeat, 16), total;
	struct call call;

	(void)state;
	frames[0] = frames[1] = packet;
	write_capture(DLT_RAW, PCAP_TSTAMP_PRECISION_MICRO, 2, frames, (size_t[]){size, size});
	total = file_bytes(input, file, sizeof(file));
	put_file(file, total - 1);
	call = RUN("--json", input);
	assert_int_equal(call.code, 1);
	assert_contains(call.out, "{\"frame\":1,\"type\":\"Heartbeat\"");
	assert_null(strstr(call.out, "\"frame\":2"));
	assert_contains(call.errors, input);
	assert_contains(call.errors, "after frame 1");
	done(&call);
}

static void one_bad_message_does_not_stop_the_next(void **state)
{
	static const uint8_t bad[16] = {59, 1, MH_BU, 0, 0, 0, 0, 1, 2, 0, 0, 0, 22, 9, 0, 0};
	uint8_t first[64], second[64];
	const uint8_t *frames[] = {first, (const uint8_t *)"", second};
	struct call call;

	(void)state;
	write_capture(DLT_RAW, PCAP_TSTAMP_PRECISION_MICRO, 3, frames,
		(size_t[]){packet_with(first, bad, 16), 0, packet_with(second, heartbeat, 16)});
	call = RUN("--json", input);
	assert_int_equal(call.code, 0);
	assert_contains(call.out, "\"error\":\"option-overrun\"");
	assert_contains(call.out, "{\"frame\":3,\"type\":\"Heartbeat\"");
	done(&call);

	call = RUN(input);
	assert_int_equal(call.code, 0);
	assert_contains(call.out, "frame 1  PBU  2001:db8:a1::1 > 2001:db8:1::1  checksum ok");
	assert_contains(call.out, "error: option-overrun: option runs past the end");
	assert_contains(call.out, "3 frames, 2 messages, 1 of them with errors");
	done(&call);
}

static void frames_of_each_link_type_are_understood(void **state)
{
	static const struct {
		int type;
		uint8_t length;
		uint8_t header[22];
	} links[] = {
		{DLT_RAW, 0, {0}},
		{DLT_IPV6, 0, {0}},
		{DLT_EN10MB, 14, {[12] = 0x86, 0xdd}},
		{DLT_EN10MB, 18, {[12] = 0x81, 0, 0, 5, 0x86, 0xdd}},
		{DLT_EN10MB, 22, {[12] = 0x88, 0xa8, 0, 5, 0x81, 0, 0, 6, 0x86, 0xdd}},
		{DLT_LINUX_SLL, 16, {[14] = 0x86, 0xdd}},
		{DLT_LINUX_SLL2, 20, {0x86, 0xdd}},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		uint8_t frame[128];
		const uint8_t *frames[] = {frame};
		size_t size = links[i].length + packet_with(frame + links[i].length, heartbeat, 16);
		struct call call;

		memcpy(frame, links[i].header, links[i].length);
		for (size_t cut = 0; cut <= links[i].length; cut++) {
			write_capture(links[i].type, PCAP_TSTAMP_PRECISION_MICRO, 1, frames, &cut);
			call = RUN("--json", input);
			assert_int_equal(call.code, 0);
			assert_string_equal(call.out, "");
			done(&call);
		}
		write_capture(links[i].type, PCAP_TSTAMP_PRECISION_MICRO, 1, frames, &size);
		call = RUN("--json", input);
		assert_contains(call.out, "\"type\":\"Heartbeat\"");
		done(&call);
	}
}

static void identifiers_cannot_speak_to_the_terminal(void **state)
{
	static const uint8_t message[24] = {
		59, 2, MH_BU, 0, 0, 0, 0, 1, 2, 0, 0, 0, MHO_MN_ID, 6, 1, 27, '[', '2', 'J', '\n', 1, 2, 0, 0};
	uint8_t packet[64];
	const uint8_t *frames[] = {packet};
	struct call call;

	(void)state;
	write_capture(DLT_RAW, PCAP_TSTAMP_PRECISION_MICRO, 1, frames, (size_t[]){packet_with(packet, message, 24)});
	call = RUN(input);
	assert_contains(call.out, "identifier=");
	assert_null(strchr(call.out, 27));
	done(&call);
	call = RUN("--json", input);
	assert_contains(call.out, "\\u001B[2J\\n");
	done(&call);
}

static void copy_of_canonical_messages_keeps_every_byte(void **state)
{
	static const int precisions[] = {PCAP_TSTAMP_PRECISION_MICRO, PCAP_TSTAMP_PRECISION_NANO};
	uint8_t packet[64], before[512], after[512];
	const uint8_t *frames[] = {packet, (const uint8_t *)"something else"};
	size_t sizes[] = {packet_with(packet, heartbeat, 16), 14};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct call call;
		size_t n;

		write_capture(DLT_RAW, precisions[i], 2, frames, sizes);
		call = RUN("--reencode", output, input);
		assert_int_equal(call.code, 0);
		assert_string_equal(call.errors, "");
		done(&call);
		n = file_bytes(input, before, sizeof(before));
		assert_int_equal(file_bytes(output, after, sizeof(after)), n);
		assert_memory_equal(before, after, n);
	}
}

static void copy_of_other_messages_is_canonical(void **state)
{
	/* Misplaced padding in front of a restart counter, and more of it than needed at the end. */
	static const uint8_t message[40] = {59, 4, MH_HEARTBEAT, 0, 0, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0,
		MHO_RESTART_COUNTER, 4, 0, 0, 0, 5, MHO_PADN, 17};
	static const uint8_t canonical[24] = {59, 2, MH_HEARTBEAT, 0, 0, 0, 0, 1, 0, 0, 0, 7, MHO_PADN, 0,
		MHO_RESTART_COUNTER, 4, 0, 0, 0, 5, MHO_PADN, 2, 0, 0};
	uint8_t packet[128], expected[128];
	const uint8_t *frames[] = {packet}, *frame;
	struct pcap_pkthdr *header;
	char text[PCAP_ERRBUF_SIZE];
	struct call call;
	size_t size;
	pcap_t *pcap;

	(void)state;
	size = packet_with(packet, message, 40);
	packet[7] = 33; /* an outer header that stays */
	write_capture(DLT_RAW, PCAP_TSTAMP_PRECISION_MICRO, 1, frames, &size);
	call = RUN("--json", "--reencode", output, input);
	assert_int_equal(call.code, 0);
	assert_string_equal(call.errors, "");
	done(&call);
	size = packet_with(expected, canonical, 24);
	expected[7] = 33;
	pcap = pcap_open_offline(output, text);
	assert_non_null(pcap);
	assert_int_equal(pcap_next_ex(pcap, &header, &frame), 1);
	assert_int_equal(header->caplen, size);
	assert_int_equal(header->len, size);
	assert_memory_equal(frame, expected, size);
	pcap_close(pcap);
}

static void bad_messages_are_copied_and_said(void **state)
{
	uint8_t packet[64], before[256], after[256];
	const uint8_t *frames[] = {packet};
	size_t size = packet_with(packet, heartbeat, 16), n;
	struct call call;

	(void)state;
	packet[50] ^= 1;
	write_capture(DLT_RAW, PCAP_TSTAMP_PRECISION_MICRO, 1, frames, &size);
	call = RUN("--json", "--reencode", output, input);
	assert_int_equal(call.code, 0);
	assert_contains(call.errors, "frame 1: message copied as it is: checksum wrong");
	done(&call);
	n = file_bytes(input, before, sizeof(before));
	assert_int_equal(file_bytes(output, after, sizeof(after)), n);
	assert_memory_equal(before, after, n);
}

static void copy_never_goes_over_the_original(void **state)
{
	uint8_t packet[64], before[256], after[256];
	const uint8_t *frames[] = {packet};
	size_t size = packet_with(packet, heartbeat, 16), n;

	(void)state;
	write_capture(DLT_RAW, PCAP_TSTAMP_PRECISION_MICRO, 1, frames, &size);
	n = file_bytes(input, before, sizeof(before));
	fails_with(RUN("--reencode", input, input), 2, "is the file to read");
	assert_int_equal(file_bytes(input, after, sizeof(after)), n);
	assert_memory_equal(before, after, n);
	fails_with(RUN("--reencode", "/nonexistent/out.pcap", input), 1, "/nonexistent/out.pcap");
	fails_with(RUN("--reencode", "/dev/full", input), 1, "/dev/full");
}

static void full_disk_is_an_error(void **state)
{
	char *argv[] = {(char[]){"decode"}, input, NULL};
	uint8_t packet[64];
	const uint8_t *frames[] = {packet};
	size_t size = packet_with(packet, heartbeat, 16), errors_size;
	FILE *out = fopen("/dev/full", "w"), *errors;
	char *said;

	(void)state;
	write_capture(DLT_RAW, PCAP_TSTAMP_PRECISION_MICRO, 1, frames, &size);
	errors = open_memstream(&said, &errors_size);
	assert_int_equal(decode_command(2, argv, out, errors), 1);
	fclose(errors);
	assert_contains(said, "output: No space left");
	free(said);
	fclose(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_usage_exits_with_2),
		cmocka_unit_test(help_is_printed_on_request),
		cmocka_unit_test(files_that_cannot_be_read_are_named),
		cmocka_unit_test(link_types_that_are_not_known_are_named),
		cmocka_unit_test(capture_cut_in_the_middle_shows_what_came_before),
		cmocka_unit_test(one_bad_message_does_not_stop_the_next),
		cmocka_unit_test(frames_of_each_link_type_are_understood),
		cmocka_unit_test(identifiers_cannot_speak_to_the_terminal),
		cmocka_unit_test(copy_of_canonical_messages_keeps_every_byte),
		cmocka_unit_test(copy_of_other_messages_is_canonical),
		cmocka_unit_test(bad_messages_are_copied_and_said),
		cmocka_unit_test(copy_never_goes_over_the_original),
		cmocka_unit_test(full_disk_is_an_error),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
