/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <netinet/in.h>

/* The Internet checksum (RFC 1071) and its IPv6 pseudo-header (RFC 8200 section 8.1). Any thread. */

/* Unfolded sum of @n octets on top of @sum. */
static inline uint64_t checksum_add(uint64_t sum, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	uint32_t word;
	uint16_t half;

	for (; n >= 4; n -= 4, p += 4) {
		memcpy(&word, p, 4);
		sum += word;
	}
	if (n >= 2) {
		memcpy(&half, p, 2);
		sum += half;
		p += 2;
		n -= 2;
	}
	if (n == 1) {
		half = 0;
		memcpy(&half, p, 1);
		sum += half;
	}
	return sum;
}

/* Fold and complement: the value as it lies in memory (network order). */
static inline uint16_t checksum_finish(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/*
 * Checksum of @length octets of upper layer @next_header between @source and @destination, as it is written to the
 * packet. With the checksum field filled in, the result is 0 iff it is right. (UDP's 0 to 0xffff is the caller's.)
 */
static inline uint16_t checksum_ipv6(const struct in6_addr *source, const struct in6_addr *destination,
	uint8_t next_header, const void *bytes, size_t length)
{
	uint8_t pseudo[8] = {(uint8_t)(length >> 24), (uint8_t)(length >> 16), (uint8_t)(length >> 8), (uint8_t)length,
		0, 0, 0, next_header};
	uint64_t sum = checksum_add(0, source, 16);

	sum = checksum_add(sum, destination, 16);
	sum = checksum_add(sum, pseudo, sizeof(pseudo));
	return checksum_finish(checksum_add(sum, bytes, length));
}
