/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdint.h>

#include "rig.h"

/*
 * What goes through the rig: the packets of one path, of mobile nodes and sizes that a seed decides.
 *
 * Threads: a traffic belongs to one.
 */

/* X(name, rig, port in, port out, whether it is followed by a row with detection of pairs) */
#define TRAFFIC_PATHS(X)                                                \
	X(lma_downlink, RIG_LMA, RIG_OTHER, RIG_CORE, false)            \
	X(lma_uplink, RIG_LMA, RIG_CORE, RIG_OTHER, false)              \
	X(lma_hairpin, RIG_LMA, RIG_CORE, RIG_CORE, true)               \
	X(mag_uplink, RIG_MAG, RIG_OTHER, RIG_CORE, true)               \
	X(mag_downlink, RIG_MAG, RIG_CORE, RIG_OTHER, true)             \
	X(mag_uplink_direct, RIG_MAG_PAIRS, RIG_OTHER, RIG_CORE, false) \
	X(mag_downlink_direct, RIG_MAG_PAIRS, RIG_CORE, RIG_OTHER, false)

enum traffic_path {
#define TRAFFIC_PATH_ENUM(name, rig, in, out, watched) PATH_##name,
	TRAFFIC_PATHS(TRAFFIC_PATH_ENUM)
#undef TRAFFIC_PATH_ENUM
		PATH_COUNT,
};

struct traffic_path_info {
	const char *name;
	enum rig_kind rig;
	enum rig_port in, out;
	bool watched;
};

extern const struct traffic_path_info traffic_paths[PATH_COUNT];

#define TRAFFIC_SIZE_MIN   64   /* octets of the inner packet, from its IPv6 header on */
#define TRAFFIC_SIZE_MAX   1460 /* what fits the rig's tunnels */
#define TRAFFIC_SIZE_USUAL 64   /* 78 octets on an access link */
#define TRAFFIC_IMIX       0    /* 7 of 64 octets, 4 of 576, 1 of 1420 */

struct traffic_shape {
	uint64_t seed; /* not 0 */
	double zipf;   /* exponent; 0: all nodes alike */
	uint16_t size; /* or TRAFFIC_IMIX */
};

struct traffic {
	const struct rig *rig;
	enum traffic_path path;
	struct traffic_shape shape;
	uint64_t random;
	double zipf_low, zipf_high, zipf_cut; /* of rejection-inversion */
};

void traffic_init(
	struct traffic *traffic, const struct rig *rig, enum traffic_path path, const struct traffic_shape *shape);
/* The number of a mobile node, 0 to nodes - 1. */
uint32_t traffic_node(struct traffic *traffic);
/* Writes the next packet's headers to @frame, which has room for an Ethernet frame; returns the frame's length. */
uint16_t traffic_next(struct traffic *traffic, uint8_t *frame);
