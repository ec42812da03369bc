/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* The stages of the pipeline in the order in which a worker runs them. X(name, help) */
#define STAGES(X)                                                            \
	X(rx, "packets received from ports, their drivers included")         \
	X(spread, "flows of one queue to several workers")                   \
	X(classify, "layer 2 and 3 checks, own addresses, access links")     \
	X(decap, "outer header checks and removal")                          \
	X(uplink, "MAG: packets of mobile nodes: anti-spoofing, lookup")     \
	X(pair, "MAG: packets out of direct tunnels: check of their pair")   \
	X(downlink, "MAG: packets to mobile nodes: lookup, layer 2 rewrite") \
	X(anchor_up, "LMA: packets out of tunnels: source check")            \
	X(anchor_down, "LMA: lookup of the destination's binding")           \
	X(route, "longest prefix match and next hop")                        \
	X(encap, "outer header from the tunnel's template")                  \
	X(tx, "transmit queues")                                             \
	X(punt, "to the control core")                                       \
	X(drop, "counted and freed")

enum stage {
#define STAGE_ENUM(name, help) STAGE_##name,
	STAGES(STAGE_ENUM)
#undef STAGE_ENUM
		STAGE_COUNT,
};

const char *stage_name(enum stage stage);
const char *stage_help(enum stage stage);
