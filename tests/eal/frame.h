/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdint.h>
#include <stddef.h>

/* Frames built octet by octet, with nothing of the code under test. */
#define FRAME_MAX 2048

struct frame {
	uint8_t bytes[FRAME_MAX];
	uint16_t length;
	uint16_t l3; /* offset of the first IPv6 header, with frame_ethernet() before it */
};

void frame_init(struct frame *frame);
void frame_bytes(struct frame *frame, const void *bytes, size_t n);
/* @vlan: 0 for none. */
void frame_ethernet(struct frame *frame, const uint8_t *destination, const uint8_t *source, uint16_t vlan);

struct frame_ipv6 {
	const char *source, *destination;
	uint8_t next_header, hop_limit, traffic_class;
	uint32_t flow_label;
};

/* An IPv6 header; its payload length is set by frame_close(). Returns its offset. */
uint16_t frame_ipv6(struct frame *frame, const struct frame_ipv6 *header);
/* Payload length of the IPv6 header at @offset: all that follows. */
void frame_close(struct frame *frame, uint16_t offset);
/* An extension header of 8 octets: destination options (60), hop-by-hop (0), fragment (44). */
void frame_extension(struct frame *frame, uint8_t next_header, const uint8_t body[6]);
void frame_udp(struct frame *frame, uint16_t source, uint16_t destination, unsigned payload);
void frame_icmpv6(struct frame *frame, uint8_t type, const char *target);
void frame_set16(struct frame *frame, uint16_t offset, uint16_t value);
