/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdint.h>
#include <netinet/in.h>

#include "forward.h"

/*
 * One change of the forwarding state: what the control core pushes through the update ring to the table owner of
 * each NUMA socket. A 64-byte value without pointers.
 *
 * Rules: the control core allocates every index and names it in the update. Create before use, remove users before
 * what they use, reuse an index only after its removal is reclaimed. The owner refuses a dead or taken index with
 * -ENOENT or -EEXIST, a removal of what is still used with -EBUSY, a full table with -ENOSPC, what makes no sense with
 * -EINVAL; a refused update changes nothing and comes back on the failure ring.
 */
/* X(name, help) */
#define FWD_OPS(X)                                                                                                   \
	X(nop, "no change: a fence; reclaimed when no worker acts on what was before it any more")                   \
	X(tunnel_insert, "new tunnel at index; body.tunnel; may be unresolved (no template yet)")                    \
	X(tunnel_replace, "new template, MTU or next hop of the tunnel at index; body.tunnel")                       \
	X(tunnel_remove, "remove the tunnel at index")                                                               \
	X(endpoint_insert, "new endpoint; body.endpoint")                                                            \
	X(endpoint_replace, "new forward of an endpoint that exists (handover): entry is replaced, not edited")      \
	X(endpoint_remove, "remove an endpoint; body.endpoint.id")                                                   \
	X(link_insert, "MAG: (access link, MAC) of an MN, or new state of it; index = node; body.link")              \
	X(link_remove, "MAG: remove (access link, MAC)")                                                             \
	X(neighbour_insert, "next hop at index: new or replaced; body.neighbour")                                    \
	X(neighbour_remove, "remove the next hop at index")                                                          \
	X(route_insert, "prefix to the next hop at index: new or replaced; body.route")                              \
	X(route_remove, "remove the prefix")                                                                         \
	X(probe_endpoint, "read an endpoint: the answer comes on the event ring; body.endpoint.id")                  \
	X(pair_insert, "new half of a pair of endpoints; body.pair; index = slot of the pair's counters")            \
	X(pair_replace, "new forward or check of a half of the same pair: entry is replaced, not edited; body.pair") \
	X(pair_remove, "remove a half of the same pair; body.pair.source, destination and forward.flags")

enum fwd_op {
#define FWD_OP_ENUM(name, help) FWD_OP_##name,
	FWD_OPS(FWD_OP_ENUM)
#undef FWD_OP_ENUM
		FWD_OP_COUNT,
};

const char *fwd_op_name(enum fwd_op op);

enum tunnel_type {
	TUNNEL_IPV6_IN_IPV6, /* RFC 2473, next header 41 */
	TUNNEL_TYPE_COUNT,
};

/* What the peer of a tunnel may send through it. */
enum tunnel_use {
	TUNNEL_TO_LMA,      /* we are MAG: the inner destination must be an endpoint whose forward names this tunnel */
	TUNNEL_TO_MAG,      /* we are LMA: the inner source must be an endpoint whose forward names this tunnel */
	TUNNEL_TO_PEER_MAG, /* we are MAG: the inner pair must be an entry with FORWARD_PAIR_RX that names this tunnel
			     */
	TUNNEL_USE_COUNT,
};

/* DSCP of the outer header (RFC 2983). */
enum dscp_mode {
	DSCP_COPY,  /* uniform: outer = inner */
	DSCP_FIXED, /* pipe: outer = dscp */
};

#define TUNNEL_RESOLVED 0x01 /* descriptor holds a template */

struct fwd_tunnel {
	struct in6_addr local; /* own address: LMAA or proxy-CoA */
	struct in6_addr remote;
	uint32_t descriptor; /* slot of the template in the descriptor slab (struct tunnel_template), or INDEX_NONE */
	uint16_t mtu_bytes;  /* of the tunnel: path MTU less overhead: largest inner packet */
	uint8_t type;        /* enum tunnel_type */
	uint8_t use;         /* enum tunnel_use */
	uint8_t dscp_mode;   /* enum dscp_mode */
	uint8_t dscp;        /* 0..63 with DSCP_FIXED */
	uint8_t flags;       /* TUNNEL_... */
	uint8_t hop_limit;   /* of the outer header */
	uint32_t reserved;
};

struct fwd_endpoint {
	uint64_t id; /* endpoint.h */
	struct forward forward;
};

enum link_state {
	LINK_PENDING, /* registration under way: data dropped, discovery punted */
	LINK_KNOWN,   /* attached */
	LINK_REFUSED, /* policy or LMA refused: dropped until removed */
	LINK_STATE_COUNT,
};

struct fwd_link {
	uint16_t link;
	uint8_t mac[6];
	uint8_t state; /* enum link_state */
};

/* A next hop of routes and of the gateway's own packets. */
struct fwd_neighbour {
	uint16_t port;
	uint16_t vlan;         /* VLAN_NONE, or tag to add */
	uint16_t mtu_bytes;    /* of the link behind it */
	uint8_t resolved;      /* 1: mac is valid */
	uint8_t mac[6];        /* destination */
	uint8_t source_mac[6]; /* of the port */
	struct in6_addr address;
};

struct fwd_route {
	struct in6_addr prefix;
	uint8_t length; /* 0..128 */
	uint8_t local;  /* 1: on-link prefix of a port: the next hop is the destination itself; unresolved ones punt */
	uint16_t port;  /* with local */
};

/*
 * One half of a pair of endpoints at a MAG; an entry goes before the endpoint's. forward.flags says which half, in a
 * removal too: the two halves of the same @source and @destination are independent entries.
 *
 * FORWARD_PAIR_TX: packets of our MN @source, straight to @destination. forward: FORWARD_TUNNEL by a tunnel of use
 *	TUNNEL_TO_PEER_MAG, or FORWARD_LOCAL if both MNs are here. check.from: the only access link and MAC that they
 *	may come from; other packets go on as if there were no entry: the endpoint's own check decides.
 * FORWARD_PAIR_RX: packets for our MN @destination that come out of check.tunnel, or, while a former peer lingers,
 *	out of check.former (INDEX_NONE: nobody lingers). forward: FORWARD_LOCAL.
 * FORWARD_PAIR_RX | FORWARD_PAIR_RETURN: the same after our MN has left. forward: FORWARD_TUNNEL to the MN's LMA.
 * FORWARD_PAIR_RX at an LMA: packets for the MN @destination that the MAG which it left returns out of check.tunnel
 *	(TUNNEL_TO_MAG) go on to its binding. forward: FORWARD_LOCAL.
 *
 * With a forward.hold other than 0 (RX, not _RETURN) packets out of check.tunnel are held back, from the first one on,
 * until the pair's marker comes out of the tunnel to the LMA, or a deadline, or there is no room (wire-formats G.6.13).
 * That happens once: another number in a replacement starts it again, the same number does not.
 *
 * A packet out of a direct tunnel that no RX half accepts is dropped and answered (PUNT_pair_error). An entry is a user
 * of each tunnel that it names.
 */
struct fwd_pair {
	uint64_t source; /* endpoint.h */
	uint64_t destination;
	struct forward forward;
	union {
		struct {
			uint16_t link;
			uint8_t mac[6];
		} from;
		struct {
			uint32_t tunnel;
			uint32_t former;
		};
	} check;
};

struct fwd_update {
	uint64_t seq;    /* filled by door_update_push() */
	uint8_t op;      /* enum fwd_op */
	uint8_t flags;   /* reserved, 0 */
	uint16_t socket; /* filled by the door */
	uint32_t index;  /* what the op says */
	union {
		struct fwd_tunnel tunnel;
		struct fwd_endpoint endpoint;
		struct fwd_link link;
		struct fwd_neighbour neighbour;
		struct fwd_route route;
		struct fwd_pair pair;
		uint8_t bytes[48];
	} body;
};

_Static_assert(sizeof(struct fwd_update) == 64, "updates are one cache line");
_Static_assert(sizeof(struct fwd_tunnel) == 48, "the largest body");
_Static_assert(sizeof(struct fwd_pair) == 48, "fills the body");

/*
 * Outer header of a tunnel as it goes on the wire: Ethernet [VLAN] IPv6, ready to be copied. Written by the control
 * core into a slot of the descriptor slab before the push, read by the owner at apply.
 */
#define TUNNEL_TEMPLATE_MAX 64
struct tunnel_template {
	uint8_t bytes[TUNNEL_TEMPLATE_MAX];
	uint8_t length; /* octets to prepend: 54, or 58 with a VLAN */
	uint8_t l3;     /* offset of the outer IP header */
	uint16_t port;  /* way out */
};
