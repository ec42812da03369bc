/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>

/*
 * Why a packet goes to the control core. X(name, ring, help): ring is signalling (drained first and fully) or
 * other (a budget per turn). The *_error reasons carry the offending packet, layer 3 first; the control core
 * answers with ICMP.
 */
#define PUNT_REASONS(X)                                                                                      \
	X(mobility_header, signalling, "Mobility Header to an own address from a configured peer")           \
	X(neighbour_discovery, other, "neighbour discovery on a core or outside port")                       \
	X(access_discovery, other, "router solicitation or neighbour discovery on an access link")           \
	X(access_dhcp, other, "DHCP on an access link")                                                      \
	X(icmp_echo, other, "ICMPv6 echo request to an own address")                                         \
	X(icmp_error_in, other, "ICMPv6 error to an own address (Packet Too Big from inside a tunnel, ...)") \
	X(own_protocol_error, other, "unknown next header to an own address: Parameter Problem or BE")       \
	X(hop_limit_error, other, "hop limit reached zero: Time Exceeded")                                   \
	X(packet_too_big_error, other, "larger than the MTU: Packet Too Big")                                \
	X(no_endpoint_error, other, "no binding for a prefix of ours: Destination Unreachable, code 3")      \
	X(no_route_error, other, "no route: Destination Unreachable, code 0")                                \
	X(source_policy_error, other, "source failed ingress policy: Destination Unreachable, code 5")       \
	X(pair_error, other, "out of a direct tunnel without a pair for it: RO Error to its peer")           \
	X(neighbour_resolve, other, "next hop without a link-layer address: queued by the control core")     \
	X(tunnel_limit_error, other, "tunnel encapsulation limit: Parameter Problem")                        \
	X(icmp_reply, other, "ICMPv6 echo reply of a configured peer: answer to a probe")

enum punt_reason {
#define PUNT_ENUM(name, ring, help) PUNT_##name,
	PUNT_REASONS(PUNT_ENUM)
#undef PUNT_ENUM
		PUNT_COUNT,
};

const char *punt_reason_name(enum punt_reason reason);
const char *punt_reason_help(enum punt_reason reason);
bool punt_reason_is_signalling(enum punt_reason reason);
