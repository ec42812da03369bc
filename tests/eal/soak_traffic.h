/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "soak_world.h"

/*
 * Packets of the soak test: of nodes, remotes and servers on all ways through the gateway, and such as nobody should
 * send. Each ends with a tag that says which packet it is; the rest of its octets is random.
 *
 * Threads: one; under the lock of the world, for packets are made for what is there now (most of them).
 */
enum soak_path {
	SOAK_UPLINK,   /* MAG: from a node */
	SOAK_DOWNLINK, /* MAG: out of a tunnel to an LMA */
	SOAK_DIRECT,   /* MAG: out of a tunnel to a MAG */
	SOAK_OUTSIDE,  /* LMA: from outside */
	SOAK_INSIDE,   /* LMA: out of a tunnel to a MAG */
	SOAK_FIXED,    /* what becomes of it does not depend on the world: in `drops` and `punts` */
	SOAK_FUZZED,   /* anything may become of it */
	SOAK_PATHS,
};

#define SOAK_PACKETS  640 /* at once */
#define SOAK_FRAME    1600
#define SOAK_TAG      16
#define SOAK_TRAILING 8  /* Ethernet's padding behind a packet, at most */
#define SOAK_HELD_MAX 32 /* direct packets of a pair that may be held back */

struct soak_packet {
	enum soak_path path;
	uint8_t frame[SOAK_FRAME];
	uint16_t length, inner, inner_length; /* of the frame; where the inner packet is in it */
	uint16_t port, queue;                 /* that it is received by */
	uint16_t link;
	uint8_t mac[6];
	uint32_t tunnel;         /* that it comes out of */
	uint8_t outer_ecn;       /* of that */
	int source, destination; /* nodes, or -1 */
	int pair_tx, pair_rx;    /* pairs, or -1 */
	int route, link_object;  /* or -1 */
	bool icmp_error;         /* never answered by one */
	bool in_order;           /* of a pair that leaves the anchor in order: among those with its flow */
	uint64_t drops;          /* SOAK_FIXED: bits of enum drop_reason */
	uint32_t punts;          /* and of enum punt_reason */
	uint32_t flow;           /* those of one flow keep their order, if nothing changes */
	uint32_t number;         /* in that order */
	bool ended;              /* it came out, or was punted */
};

/* A pair that leaves the anchor in this round. */
struct soak_switch {
	uint32_t flow;
	unsigned anchored; /* packets over the anchor: those with the lowest numbers */
	bool marked, overflows;
};

struct soak_traffic {
	struct world *world;
	uint64_t random;
	uint64_t serial; /* of the first packet */
	unsigned count;
	struct soak_packet packets[SOAK_PACKETS];
	struct soak_switch switches[WORLD_SWITCHED];
	unsigned switch_count;
};

/* New ones in place of the old: at least @n. */
void soak_traffic_make(struct soak_traffic *traffic, unsigned n);
/* That is at the end of these octets, or NULL. */
struct soak_packet *soak_traffic_find(struct soak_traffic *traffic, const uint8_t *bytes, uint16_t length);
