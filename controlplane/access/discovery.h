/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <netinet/in.h>

/*
 * Neighbour discovery on an access link as values: packets from mobile nodes are checked and taken apart, packets to
 * them are built (RFC 4861, RFC 6543, wire-formats I.1). All bytes are from the IPv6 header on.
 *
 * Threads: any, no state. Bytes come from outside: every read is bounds-checked.
 */

#define DISCOVERY_RS           133
#define DISCOVERY_RA           134
#define DISCOVERY_NS           135
#define DISCOVERY_NA           136
#define DISCOVERY_REDIRECT     137
#define DISCOVERY_HOP_LIMIT    255
#define DISCOVERY_LENGTH_MAX   1280 /* octets of a packet that we build */
#define DISCOVERY_PREFIXES_MAX 32   /* prefix options in one advertisement */

/* Why a packet is not taken. X(NAME, "word") */
#define DISCOVERY_ERRORS(X)                             \
	X(NONE, "none")                                 \
	X(TRUNCATED, "shorter than its headers say")    \
	X(VERSION, "not IPv6")                          \
	X(HOP_LIMIT, "hop limit is not 255")            \
	X(CHECKSUM, "checksum wrong")                   \
	X(CODE, "code is not 0")                        \
	X(LENGTH, "shorter than its type")              \
	X(OPTION, "option of length 0 or past the end") \
	X(SOURCE, "source may not send this")           \
	X(DESTINATION, "destination not allowed")       \
	X(TARGET, "target is multicast")

enum discovery_error {
#define DISCOVERY_ERROR_ENUM(name, word) DISCOVERY_ERROR_##name,
	DISCOVERY_ERRORS(DISCOVERY_ERROR_ENUM)
#undef DISCOVERY_ERROR_ENUM
		DISCOVERY_ERROR_COUNT,
};

const char *discovery_error_help(enum discovery_error error);

enum discovery_kind {
	DISCOVERY_KIND_RS,
	DISCOVERY_KIND_NS,
	DISCOVERY_KIND_NA,
	DISCOVERY_KIND_OTHER, /* sound IPv6, not for us to answer: RA, redirect, MLD, ... */
	DISCOVERY_KIND_COUNT,
};

struct discovery_message {
	enum discovery_kind kind;
	struct in6_addr source, destination;
	struct in6_addr target;           /* NS, NA */
	const uint8_t *link_layer;        /* source or target link-layer address option, 6 octets; NULL if absent */
	bool solicited, override, router; /* NA */
};

/*
 * Check and take apart the @length octets at @bytes: RS, NS and NA as RFC 4861 sections 6.1.1, 7.1.1 and 7.1.2 demand.
 * What follows the IPv6 payload (padding of the frame) is ignored. @message points into @bytes; it is whole only
 * without an error.
 */
enum discovery_error discovery_parse(struct discovery_message *message, const void *bytes, size_t length);

/* A prefix information option. Both lifetimes 0: the prefix is withdrawn. */
struct discovery_prefix {
	struct in6_addr prefix;
	uint32_t valid_s, preferred_s;
};

struct router_advertisement {
	struct in6_addr source, destination;
	uint8_t link_layer[6];                   /* source link-layer address option */
	uint16_t router_lifetime_s;              /* 0: not a default router */
	uint32_t mtu_bytes;                      /* 0: no MTU option */
	const struct discovery_prefix *prefixes; /* /64, L and A set */
	unsigned prefix_count;                   /* at most DISCOVERY_PREFIXES_MAX */
};

/* Each builds a whole packet with its checksum in @buffer of DISCOVERY_LENGTH_MAX octets and returns its length. */
uint16_t router_advertisement_encode(uint8_t *buffer, const struct router_advertisement *ra);
/* @override is off for an anycast target (RFC 4861 section 7.2.7); @solicited for a known source of the NS. */
uint16_t neighbour_advertisement_encode(uint8_t *buffer, const struct in6_addr *source,
	const struct in6_addr *destination, const struct in6_addr *target, const uint8_t link_layer[6], bool solicited,
	bool override);
/* A unicast probe: destination = target. */
uint16_t neighbour_solicitation_encode(
	uint8_t *buffer, const struct in6_addr *source, const struct in6_addr *target, const uint8_t link_layer[6]);
/*
 * A general MLDv2 query to ff02::1 (RFC 3810 section 5.1): every host answers with a report from its link-local
 * address. The probe for a mobile node whose addresses are not known yet.
 */
uint16_t listener_query_encode(uint8_t *buffer, const struct in6_addr *source, uint16_t max_response_ms);
