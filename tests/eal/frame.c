/* SPDX-License-Identifier: BSD-3-Clause */
#include "frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <arpa/inet.h>
#include <cmocka.h>

void frame_init(struct frame *frame)
{
	memset(frame, 0, sizeof(*frame));
}

void frame_bytes(struct frame *frame, const void *bytes, size_t n)
{
	assert_true(frame->length + n <= FRAME_MAX);
	memcpy(frame->bytes + frame->length, bytes, n);
	frame->length = (uint16_t)(frame->length + n);
}

static void put16(struct frame *frame, uint16_t value)
{
	frame_bytes(frame, (const uint8_t[]){(uint8_t)(value >> 8), (uint8_t)value}, 2);
}

void frame_set16(struct frame *frame, uint16_t offset, uint16_t value)
{
	frame->bytes[offset] = (uint8_t)(value >> 8);
	frame->bytes[offset + 1] = (uint8_t)value;
}

void frame_ethernet(struct frame *frame, const uint8_t *destination, const uint8_t *source, uint16_t vlan)
{
	frame_bytes(frame, destination, 6);
	frame_bytes(frame, source, 6);
	if (vlan != 0) {
		put16(frame, 0x8100);
		put16(frame, vlan);
	}
	put16(frame, 0x86dd);
	frame->l3 = frame->length;
}

static void put_address(struct frame *frame, const char *text)
{
	uint8_t address[16];

	assert_int_equal(inet_pton(AF_INET6, text, address), 1);
	frame_bytes(frame, address, 16);
}

uint16_t frame_ipv6(struct frame *frame, const struct frame_ipv6 *header)
{
	uint16_t offset = frame->length;
	uint32_t first = UINT32_C(6) << 28 | (uint32_t)header->traffic_class << 20 | header->flow_label;

	put16(frame, (uint16_t)(first >> 16));
	put16(frame, (uint16_t)first);
	put16(frame, 0);
	frame_bytes(frame, &header->next_header, 1);
	frame_bytes(frame, &header->hop_limit, 1);
	put_address(frame, header->source);
	put_address(frame, header->destination);
	return offset;
}

void frame_close(struct frame *frame, uint16_t offset)
{
	frame_set16(frame, (uint16_t)(offset + 4), (uint16_t)(frame->length - offset - 40));
}

void frame_extension(struct frame *frame, uint8_t next_header, const uint8_t body[6])
{
	frame_bytes(frame, (const uint8_t[]){next_header, 0}, 2);
	frame_bytes(frame, body, 6);
}

void frame_udp(struct frame *frame, uint16_t source, uint16_t destination, unsigned payload)
{
	put16(frame, source);
	put16(frame, destination);
	put16(frame, (uint16_t)(8 + payload));
	put16(frame, 0x1234);
	for (unsigned i = 0; i < payload; i++)
		frame_bytes(frame, (const uint8_t[]){(uint8_t)i}, 1);
}

void frame_icmpv6(struct frame *frame, uint8_t type, const char *target)
{
	frame_bytes(frame, (const uint8_t[]){type, 0, 0xab, 0xcd, 0, 0, 0, 0}, 8);
	if (target != NULL)
		put_address(frame, target);
}
