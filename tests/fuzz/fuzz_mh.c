/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Harness of the Mobility Header codec: what begins with an IP version is taken as a packet, everything else as a
 * message (which begins with Payload Proto 59). Beyond staying inside the bytes, what was decoded without an error has
 * to come out of the encoder, be decoded again, and be encoded to the same bytes from then on.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mh/json.h"

#include "fuzz.h"

static void print(const struct mh_packet *packet, const struct mh_reading *reading)
{
	json_t *json = mh_json(1, packet, reading);
	char *text;

	CHECK(json != NULL);
	text = json_dumps(json, JSON_COMPACT);
	CHECK(text != NULL);
	free(text);
	json_decref(json);
}

static void same(const struct mh_message *a, const struct mh_message *b)
{
	CHECK(a->type == b->type);
	CHECK(memcmp(&a->fixed, &b->fixed, sizeof(a->fixed)) == 0);
	CHECK(a->option_count == b->option_count);
	for (unsigned i = 0; i < a->option_count; i++) {
		CHECK(a->options[i].type == b->options[i].type);
		CHECK(a->options[i].length == b->options[i].length);
		CHECK(memcmp(a->options[i].data, b->options[i].data, a->options[i].length) == 0);
	}
}

/* @message was decoded without an error. */
static void encode(const struct mh_message *message, const struct in6_addr *source, const struct in6_addr *destination)
{
	uint8_t once[MH_LENGTH_MAX], twice[MH_LENGTH_MAX];
	uint16_t length = mh_encode(message, once, sizeof(once), source, destination);
	struct mh_message again;

	if (length == 0) { /* alignment can make a message longer than there may be */
		CHECK(message->length > MH_LENGTH_MAX / 2);
		return;
	}
	CHECK(mh_decode(&again, once, length, source, destination) == MH_ERROR_NONE);
	same(message, &again);
	CHECK(mh_encode(&again, twice, sizeof(twice), source, destination) == length);
	CHECK(memcmp(once, twice, length) == 0);
}

static void fuzz_message(const uint8_t *data, size_t size)
{
	struct mh_packet packet = {.size = size > UINT16_MAX ? UINT16_MAX : (uint16_t)size, .over_ipv4 = true};
	struct proxy_options options;
	struct mh_reading reading;

	mh_packet_read(&packet, data, &reading);
	print(&packet, &reading);
	mh_proxy_options(&reading.message, &options);
	if (reading.error == MH_ERROR_NONE)
		encode(&reading.message, NULL, NULL);
}

static void fuzz_packet(const uint8_t *data, size_t size)
{
	static uint8_t out[UINT16_MAX + MH_LENGTH_MAX];
	const struct in6_addr *source, *destination;
	struct mh_reading reading, again;
	uint8_t bytes[MH_LENGTH_MAX];
	struct mh_packet packet, other;
	uint16_t length;
	size_t total;

	if (mh_packet_find(&packet, data, size) != 0)
		return;
	CHECK((size_t)packet.offset + packet.size <= size);
	mh_packet_read(&packet, data, &reading);
	print(&packet, &reading);
	if (reading.error != MH_ERROR_NONE)
		return;
	source = packet.over_ipv4 ? NULL : &packet.checksum_source;
	destination = packet.over_ipv4 ? NULL : &packet.checksum_destination;
	encode(&reading.message, source, destination);
	length = mh_encode(&reading.message, bytes, sizeof(bytes), source, destination);
	if (length == 0)
		return;
	total = mh_packet_replace(&packet, data, size, reading.message.length, bytes, length, out, sizeof(out));
	if (total == 0) /* a length field would not hold it */
		return;
	CHECK(mh_packet_find(&other, out, total) == 0);
	CHECK(other.offset == packet.offset);
	mh_packet_read(&other, out, &again);
	CHECK(again.error == MH_ERROR_NONE);
	same(&reading.message, &again.message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 0 && (data[0] >> 4 == 4 || data[0] >> 4 == 6))
		fuzz_packet(data, size);
	else
		fuzz_message(data, size);
	return 0;
}
