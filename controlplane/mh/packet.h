/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <netinet/in.h>

#include "mh/mh.h"

/*
 * Where the Mobility Header of an IP packet is: behind extension headers, inside IP-in-IP tunnels, and over IPv4 in
 * UDP port 5436 (RFC 5844 section 4). A packet has at most one, because nothing follows a Mobility Header.
 *
 * The walk ends at ESP, at fragments other than the first, at more than MH_PACKET_EXTENSIONS_MAX extension headers of
 * one IPv6 header and at more than MH_PACKET_LAYERS_MAX headers that have a length field. Every read is bounds-checked.
 *
 * Threads: any, no state. What is found points into the bytes that were given.
 */
#define MH_PACKET_LAYERS_MAX     5
#define MH_PACKET_EXTENSIONS_MAX 8
#define UDP_PORT_PMIP6_CNTL      5436

/* A header around the message whose length field counts it. */
struct mh_packet_layer {
	enum { MH_LAYER_IPV6, MH_LAYER_IPV4, MH_LAYER_UDP } kind;
	uint16_t offset; /* of the header, from the start of the packet */
};

struct mh_packet {
	uint16_t offset; /* of the Mobility Header, from the start of the packet */
	uint16_t size;   /* octets from there to the end of the innermost packet, as far as they were captured */
	bool over_ipv4;  /* the addresses are IPv4-mapped, and the Mobility Header's checksum is not used */
	struct in6_addr source, destination; /* of the innermost IP header, as on the wire */
	/* Of the pseudo-header: with the home address option's and the type 2 routing header's address (RFC
	 * 6275 6.1.1). */
	struct in6_addr checksum_source, checksum_destination;
	bool home_address_option, type2_routing;
	uint16_t layer_count;
	struct mh_packet_layer layers[MH_PACKET_LAYERS_MAX]; /* the outermost first */
};

/*
 * @bytes: from the IPv6 or IPv4 header, @size of them. 0: found. -ENOENT: another upper layer. -EINVAL: a header runs
 * past the end or has impossible values. -E2BIG: a limit of the walk was reached.
 */
int mh_packet_find(struct mh_packet *packet, const void *bytes, size_t size);

/* A message as a reader wants to see it, however wrong it is. */
struct mh_reading {
	struct mh_message message;
	enum mh_error error;   /* why a gateway would not take it; MH_ERROR_NONE: it would */
	enum mh_error stopped; /* where the reading stopped; as @error, except that a wrong checksum does not stop it */
	bool checksum_ok;      /* over the octets that are there; always with over_ipv4, where it is not used */
};

/* Read the message that mh_packet_find() found in @bytes. @reading points into @bytes. */
void mh_packet_read(const struct mh_packet *packet, const void *bytes, struct mh_reading *reading);

/*
 * Put @length octets at @message in the place of the @old ones of the Mobility Header that mh_packet_find() found in
 * @bytes, and write what comes out (with what followed) to @to: length fields and the checksums of IPv4 and UDP headers
 * around it are made right, everything else stays. Returns the octets written, or 0 if @to of @room octets or a length
 * field is too small.
 */
size_t mh_packet_replace(const struct mh_packet *packet, const void *bytes, size_t size, size_t old,
	const void *message, size_t length, void *to, size_t room);
