/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdint.h>

/*
 * What every forwarding lookup yields: what to do with the packet, and all that is needed to do it. A value; it
 * carries indexes into tables, never pointers.
 *
 * Threads: written by the table owner before it is published, read by every worker, never edited afterwards.
 */

/* Indexes that the control core allocates. INDEX_NONE is never allocated. */
#define INDEX_NONE UINT32_MAX

/* Access link: index of a (port, VLAN or none) in the configuration. */
#define LINK_NONE UINT16_MAX
#define PORT_NONE UINT16_MAX
#define VLAN_NONE 0

enum forward_action {
	FORWARD_NONE,   /* no entry */
	FORWARD_LOCAL,  /* rewrite layer 2 and send on the access link */
	FORWARD_TUNNEL, /* encapsulate with the tunnel's template */
	FORWARD_AGENT,  /* route-optimisation agent, then as its entry says */
	FORWARD_PUNT,   /* to the control core */
	FORWARD_DROP,   /* dropped, reason in drop_reason */
	FORWARD_ACTION_COUNT,
};

/* Flags of an endpoint or a pair. */
#define FORWARD_LOCAL_ROUTING 0x01 /* MAG: EnableMAGLocalRouting holds for this MN */
#define FORWARD_BLOCKED       0x02 /* LMA: in MinDelayBeforeBCEDelete: the MN's traffic is dropped */
#define FORWARD_PAIR_TX       0x04 /* MAG, pair: from our MN straight to the peer's MAG, or locally */
#define FORWARD_PAIR_RX       0x08 /* MAG, pair: from the peer's MAG to our MN */
#define FORWARD_PAIR_RETURN   0x10 /* MAG, pair, with _RX: our MN has left, back to its LMA */
#define FORWARD_FORMER        0x20 /* LMA: the MN's packets may also come out of the tunnel `former` */

struct forward {
	uint8_t action;      /* enum forward_action */
	uint8_t flags;       /* FORWARD_... */
	uint16_t link;       /* MAG: the MN's access link; else LINK_NONE */
	uint32_t tunnel;     /* MAG: to the LMA; LMA: to the proxy-CoA; INDEX_NONE if none */
	uint32_t node;       /* index of the MN: slot of its counters */
	uint32_t generation; /* of the node index, for who keeps it across worker loops */
	union {
		struct {
			uint8_t mac[6];      /* MAG: link-layer address of the MN */
			uint8_t drop_reason; /* enum drop_reason, with FORWARD_DROP */
			uint8_t hold; /* MAG, pair, with _RX: number of the switch-over; 0: its packets are not held
					 back */
		};
		uint32_t former; /* LMA, with FORWARD_FORMER: to the proxy-CoA before the last handover */
	};
};

_Static_assert(sizeof(struct forward) == 24, "a forward fits an update body with its key");
