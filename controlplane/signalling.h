/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "door.h"
#include "engine.h"
#include "token_bucket.h"

#include "mh/mh.h"
#include "node/policy.h"

/*
 * Mobility Headers that arrived: checks them (RFC 6275 section 9.2, wire-formats A.1), answers what must be answered
 * (Binding Error, Parameter Problem), and gives the rest to the engine whose message it is (check matrix, part J).
 *
 * Threads: the control core.
 */
struct heartbeat;
struct lma;
struct mag;
struct net;
struct ro;

struct signalling {
	struct lma *lma; /* NULL in a MAG */
	struct mag *mag; /* NULL in an LMA */
	struct ro *ro;   /* NULL: its messages are of an unknown type */
	struct heartbeat *heartbeat;
	struct net *net;
	const struct policy *policy;
	struct token_bucket answers; /* to what is malformed */
	struct signalling_stats {
		uint64_t received[256]; /* by MH type */
		uint64_t errors[MH_ERROR_COUNT];
		uint64_t wrong_role; /* a message that nobody sends to this role */
		uint64_t not_a_peer;
		uint64_t binding_errors_sent, parameter_problems_sent, answers_limited;
	} stats;
};

/* A punted packet (PUNT_mobility_header): @bytes from the IPv6 header. */
void signalling_packet(struct signalling *signalling, const struct engine_time *now, const struct packet_meta *meta,
	const uint8_t *bytes, uint16_t length);
