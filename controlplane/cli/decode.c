/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/decode.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <pcap/pcap.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "cursor.h"
#include "format.h"

#include "mh/json.h"

#define EXIT_USAGE 2

#define PCAP_MAGIC_NS         0xa1b23c4d
#define PCAP_MAGIC_NS_SWAPPED 0x4d3cb2a1

static const char usage[] = "usage: hawserctl decode [--json] [--reencode OUT.pcap] FILE.pcap\n";
static const char help[] =
	"Print every Mobility Header message of a capture, in order.\n"
	"\n"
	"      --json            one JSON object per message and line\n"
	"      --reencode OUT    write the capture with each message encoded again\n"
	"  -h, --help            this text\n"
	"\n"
	"FILE may be - for standard input. Messages are found behind extension headers, in IP-in-IP tunnels and in\n"
	"UDP port 5436 over IPv4. Exit codes: 0 done, 1 a file cannot be read or written, 2 wrong usage.\n";

struct decode {
	const char *path, *output_path; /* output_path NULL: none */
	bool json;
	FILE *out, *errors;
	pcap_t *pcap;
	pcap_dumper_t *dump;
	uint64_t frames, messages, bad;
};

/* Link types and where their IP packet begins: after @header octets, or what the type field at @type says. */
static const struct link_type {
	int dlt;
	unsigned header;
	int type;
} link_types[] = {
	{DLT_EN10MB, 14, 12},
	{DLT_RAW, 0, -1},
	{DLT_IPV4, 0, -1},
	{DLT_IPV6, 0, -1},
	{DLT_LINUX_SLL, 16, 14},
	{DLT_LINUX_SLL2, 20, 0},
};

#define TYPE_IPV4   0x0800
#define TYPE_IPV6   0x86dd
#define TYPE_VLAN   0x8100
#define TYPE_S_VLAN 0x88a8

static const struct link_type *link_type_find(int dlt)
{
	for (unsigned i = 0; i < sizeof(link_types) / sizeof(link_types[0]); i++)
		if (link_types[i].dlt == dlt)
			return &link_types[i];
	return NULL;
}

/* Octets before the IP packet, or -1 if there is none. */
static long ip_offset(const struct link_type *link, const uint8_t *bytes, size_t size)
{
	struct cursor at = cursor_over(bytes, size);
	uint16_t type;

	if (link->type < 0)
		return size > 0 ? 0 : -1;
	cursor_take(&at, (size_t)link->type);
	type = cursor_be16(&at);
	cursor_take(&at, link->header - (size_t)link->type - 2);
	while (type == TYPE_VLAN || type == TYPE_S_VLAN) {
		cursor_be16(&at);
		type = cursor_be16(&at);
	}
	if (at.failed || (type != TYPE_IPV4 && type != TYPE_IPV6))
		return -1;
	return at.at - bytes;
}

/* ---- text for people ---- */

static void print_value(FILE *out, const json_t *value)
{
	char text[512];
	const json_t *item;
	size_t i;

	if (json_is_integer(value))
		fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else if (json_is_string(value))
		fputs(log_quote(json_string_value(value), json_string_length(value), text, sizeof(text)), out);
	else
		json_array_foreach(value, i, item) fprintf(out, "%s%s", i > 0 ? "," : "", json_string_value(item));
}

static void print_values(FILE *out, json_t *object)
{
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value)
	{
		if (strcmp(key, "type") == 0 || strcmp(key, "name") == 0)
			continue;
		fprintf(out, " %s=", key);
		print_value(out, value);
	}
	fputc('\n', out);
}

static void print_text(FILE *out, const json_t *message, enum mh_error error)
{
	json_t *fields = json_object_get(message, "fields"), *option;
	size_t i;

	fprintf(out, "frame %" JSON_INTEGER_FORMAT "  %s  %s > %s  checksum %s\n",
		json_integer_value(json_object_get(message, "frame")),
		json_string_value(json_object_get(message, "type")), json_string_value(json_object_get(message, "src")),
		json_string_value(json_object_get(message, "dst")),
		json_string_value(json_object_get(message, "checksum")));
	if (json_object_size(fields) > 0) {
		fputs("   ", out);
		print_values(out, fields);
	}
	json_array_foreach(json_object_get(message, "options"), i, option)
	{
		fprintf(out,
			"    option %" JSON_INTEGER_FORMAT " %s:", json_integer_value(json_object_get(option, "type")),
			json_string_value(json_object_get(option, "name")));
		print_values(out, option);
	}
	if (error != MH_ERROR_NONE)
		fprintf(out, "    error: %s: %s\n", mh_error_name(error), mh_error_help(error));
}

static int print_message(struct decode *decode, const struct mh_packet *packet, const struct mh_reading *reading)
{
	json_t *message = mh_json(decode->frames, packet, reading);
	int error = 0;

	if (message == NULL)
		return -ENOMEM;
	if (!decode->json)
		print_text(decode->out, message, reading->error);
	else if (json_dumpf(message, decode->out, JSON_COMPACT) != 0 || fputc('\n', decode->out) == EOF)
		error = -EIO;
	json_decref(message);
	return error;
}

/* ---- encoding again ---- */

/*
 * @frame with its message at @ip encoded again into @to of @room octets. Returns the octets, 0: keep the frame as it is
 * (and why).
 */
static size_t reencode(const struct mh_packet *packet, const struct mh_reading *reading, const uint8_t *frame,
	size_t size, size_t ip, uint8_t *to, size_t room, const char **why)
{
	const struct mh_message *message = &reading->message;
	uint8_t bytes[MH_LENGTH_MAX];
	uint16_t length;
	size_t total;

	*why = NULL;
	if (reading->error != MH_ERROR_NONE) {
		*why = mh_error_help(reading->error);
		return 0;
	}
	length = mh_encode(message, bytes, sizeof(bytes), packet->over_ipv4 ? NULL : &packet->checksum_source,
		packet->over_ipv4 ? NULL : &packet->checksum_destination);
	if (length == message->length && memcmp(bytes, frame + ip + packet->offset, length) == 0)
		return 0;
	total = length == 0 ? 0
			    : mh_packet_replace(packet, frame + ip, size - ip, message->length, bytes, length, to + ip,
				      room - ip);
	if (total == 0) {
		*why = "its canonical form is too long";
		return 0;
	}
	memcpy(to, frame, ip);
	return ip + total;
}

static void dump_frame(struct decode *decode, const struct pcap_pkthdr *header, const uint8_t *frame)
{
	if (decode->dump != NULL)
		pcap_dump((u_char *)decode->dump, header, frame);
}

static void dump_message(struct decode *decode, const struct pcap_pkthdr *header, const uint8_t *frame, size_t ip,
	const struct mh_packet *packet, const struct mh_reading *reading)
{
	static uint8_t again[UINT16_MAX + 64];
	struct pcap_pkthdr changed = *header;
	const char *why;
	size_t size;

	if (decode->dump == NULL)
		return;
	size = reencode(packet, reading, frame, header->caplen, ip, again, sizeof(again), &why);
	if (why != NULL)
		fprintf(decode->errors, "hawserctl decode: %s: frame %" PRIu64 ": message copied as it is: %s\n",
			decode->path, decode->frames, why);
	if (size == 0) {
		dump_frame(decode, header, frame);
		return;
	}
	changed.caplen = (bpf_u_int32)size;
	changed.len = (bpf_u_int32)(header->len + size - header->caplen);
	dump_frame(decode, &changed, again);
}

/* ---- the run ---- */

static int decode_frame(
	struct decode *decode, const struct link_type *link, const struct pcap_pkthdr *header, const uint8_t *frame)
{
	long ip = ip_offset(link, frame, header->caplen);
	struct mh_reading reading;
	struct mh_packet packet;

	decode->frames++;
	if (ip < 0 || mh_packet_find(&packet, frame + ip, header->caplen - (size_t)ip) != 0) {
		dump_frame(decode, header, frame);
		return 0;
	}
	mh_packet_read(&packet, frame + ip, &reading);
	decode->messages++;
	if (reading.error != MH_ERROR_NONE)
		decode->bad++;
	dump_message(decode, header, frame, (size_t)ip, &packet, &reading);
	return print_message(decode, &packet, &reading);
}

static int decode_frames(struct decode *decode)
{
	const struct link_type *link = link_type_find(pcap_datalink(decode->pcap));
	struct pcap_pkthdr *header;
	const uint8_t *frame;
	int more, error;

	if (link == NULL) {
		fprintf(decode->errors, "hawserctl decode: %s: link type %d (%s) is not known here\n", decode->path,
			pcap_datalink(decode->pcap),
			pcap_datalink_val_to_description_or_dlt(pcap_datalink(decode->pcap)));
		return EXIT_FAILURE;
	}
	while ((more = pcap_next_ex(decode->pcap, &header, &frame)) == 1) {
		error = decode_frame(decode, link, header, frame);
		if (error != 0) {
			fprintf(decode->errors, "hawserctl decode: %s: frame %" PRIu64 ": %s\n", decode->path,
				decode->frames, strerror(-error));
			return EXIT_FAILURE;
		}
	}
	if (more == PCAP_ERROR) {
		fprintf(decode->errors, "hawserctl decode: %s: after frame %" PRIu64 ": %s\n", decode->path,
			decode->frames, pcap_geterr(decode->pcap));
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}

/* Keep nanoseconds where the capture has them. */
static unsigned precision_of(FILE *file)
{
	uint32_t magic = 0;

	if (fseek(file, 0, SEEK_SET) != 0)
		return PCAP_TSTAMP_PRECISION_MICRO;
	if (fread(&magic, sizeof(magic), 1, file) != 1)
		magic = 0;
	rewind(file);
	return magic == PCAP_MAGIC_NS || magic == PCAP_MAGIC_NS_SWAPPED ? PCAP_TSTAMP_PRECISION_NANO
									: PCAP_TSTAMP_PRECISION_MICRO;
}

static int open_input(struct decode *decode)
{
	FILE *file = strcmp(decode->path, "-") == 0 ? stdin : fopen(decode->path, "rb");
	char text[PCAP_ERRBUF_SIZE];

	if (file == NULL) {
		fprintf(decode->errors, "hawserctl decode: %s: %s\n", decode->path, strerror(errno));
		return EXIT_FAILURE;
	}
	decode->pcap = pcap_fopen_offline_with_tstamp_precision(file, precision_of(file), text);
	if (decode->pcap == NULL) {
		fprintf(decode->errors, "hawserctl decode: %s: %s\n", decode->path, text);
		if (file != stdin)
			fclose(file);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}

static int open_output(struct decode *decode)
{
	struct stat in, out;

	if (fstat(fileno(pcap_file(decode->pcap)), &in) == 0 && stat(decode->output_path, &out) == 0 &&
		in.st_dev == out.st_dev && in.st_ino == out.st_ino) {
		fprintf(decode->errors, "hawserctl decode: %s: is the file to read; choose another for --reencode\n",
			decode->output_path);
		return EXIT_USAGE;
	}
	decode->dump = pcap_dump_open(decode->pcap, decode->output_path);
	if (decode->dump == NULL) {
		fprintf(decode->errors, "hawserctl decode: %s\n", pcap_geterr(decode->pcap));
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}

static int close_output(struct decode *decode)
{
	bool failed = pcap_dump_flush(decode->dump) != 0 || ferror(pcap_dump_file(decode->dump));

	if (failed)
		fprintf(decode->errors, "hawserctl decode: %s: %s\n", decode->output_path, strerror(errno));
	pcap_dump_close(decode->dump);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int decode_run(struct decode *decode)
{
	int code = open_input(decode);

	if (code != EXIT_SUCCESS)
		return code;
	if (decode->output_path != NULL)
		code = open_output(decode);
	if (code == EXIT_SUCCESS)
		code = decode_frames(decode);
	if (decode->dump != NULL && close_output(decode) != EXIT_SUCCESS)
		code = EXIT_FAILURE;
	pcap_close(decode->pcap);
	if (!decode->json && code != EXIT_USAGE)
		fprintf(decode->out, "%" PRIu64 " frames, %" PRIu64 " messages, %" PRIu64 " of them with errors\n",
			decode->frames, decode->messages, decode->bad);
	if (fflush(decode->out) != 0 || ferror(decode->out)) {
		fprintf(decode->errors, "hawserctl decode: output: %s\n", strerror(errno));
		code = EXIT_FAILURE;
	}
	return code;
}

int decode_command(int argc, char **argv, FILE *out, FILE *errors)
{
	static const struct option options[] = {{"json", no_argument, NULL, 'j'},
		{"reencode", required_argument, NULL, 'r'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
	struct decode decode = {.out = out, .errors = errors};
	int option;

	optind = 0;
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		switch (option) {
		case 'j': decode.json = true; break;
		case 'r': decode.output_path = optarg; break;
		case 'h': fprintf(out, "%s%s", usage, help); return EXIT_SUCCESS;
		case ':':
			fprintf(errors, "hawserctl decode: %s needs a value\n%s", argv[optind - 1], usage);
			return EXIT_USAGE;
		default:
			fprintf(errors, "hawserctl decode: unknown option %s\n%s", argv[optind - 1], usage);
			return EXIT_USAGE;
		}
	}
	if (optind != argc - 1) {
		fprintf(errors, "hawserctl decode: %s\n%s",
			optind == argc ? "which file?" : "one file at a time, please", usage);
		return EXIT_USAGE;
	}
	decode.path = argv[optind];
	if (decode.output_path != NULL && strcmp(decode.output_path, "-") == 0) {
		fprintf(errors, "hawserctl decode: --reencode needs the name of a file\n%s", usage);
		return EXIT_USAGE;
	}
	return decode_run(&decode);
}
