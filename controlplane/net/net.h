/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "engine.h"
#include "door.h"
#include "timer_wheel.h"

#include "config/config.h"

/*
 * The gateway as an IPv6 host and router on its core and outside ports: own addresses, neighbour discovery (RFC 4861:
 * NS and NA, NUD states), packets that wait for a next hop (bounded per next hop), ICMPv6 echo and errors (RFC 4443,
 * rate limited), static routes and next hops in the forwarding tables, templates of tunnels, sending of own packets.
 * Sans-IO like the engines, but with mbuf-free packets: bytes in, frames out.
 *
 * Threads: the control core. output, update and the other host operations never call back into net, with two
 * exceptions: tunnel_resolved() and heard() may (they run only inside net_punt() and net_advance(), when everything
 * else is done).
 * Memory: neighbours and routes are fixed at creation, waiting packets are bounded per next hop and in all.
 */
struct net;

/* A frame or packet that leaves; the host copies the bytes. */
struct net_output {
	enum { NET_FRAME, NET_PACKET, NET_TUNNEL } kind;
	uint16_t port;   /* NET_FRAME: complete with Ethernet, to this port; NET_TUNNEL: its way out, or PORT_NONE */
	uint32_t tunnel; /* NET_TUNNEL: inner packet, to be encapsulated */
	const uint8_t
		*bytes; /* NET_PACKET: from the IPv6 header, as if received and classified: anchor_down or route */
	uint16_t length;
};

/* What the network says about the way to another MAG. */
struct net_heard {
	enum {
		NET_HEARD_PAIR_ERROR, /* RO Error (wire-formats G.6.2): @peer takes nothing direct of the pair */
		NET_HEARD_BROKEN,     /* a router says that @peer cannot be reached, or the next hop to it failed */
		NET_HEARD_ECHO,       /* @peer answers an echo request */
	} kind;
	struct in6_addr peer;
	uint64_t source, destination;  /* PAIR_ERROR: endpoints of the packet that we sent */
	uint16_t identifier, sequence; /* ECHO */
};

struct net_host_ops {
	void (*output)(void *context, const struct net_output *output);
	/*
	 * Forwarding state of net's own kind: neighbours, routes, replaced tunnels. False: no room now; net keeps the
	 * order and comes back with it in net_advance(), which says when.
	 */
	bool (*update)(void *context, const struct fwd_update *update);
	/* Numbers of the last update taken, and of the last one that is reclaimed: indexes are not reused before. */
	uint64_t (*updates_taken)(void *context);
	uint64_t (*updates_reclaimed)(void *context);
	/* Template of a tunnel into the descriptor slab; returns the slot or INDEX_NONE: none free now. */
	uint32_t (*descriptor)(void *context, const struct tunnel_template *template);
	/* The host gives the slot out again only when every update taken until now is applied. */
	void (*descriptor_release)(void *context, uint32_t slot);
	/*
	 * The answer for a tunnel for which net_tunnel_insert() gave 0: 0 after the update with its template was
	 * taken, or -EHOSTUNREACH. After an error the tunnel is still followed: it is mended as soon as the next hop
	 * answers, and then 0 follows.
	 */
	void (*tunnel_resolved)(void *context, uint32_t tunnel, int error);
	/* MAG: link and link-layer address of the mobile node whose prefix holds @address. False: none. LMA: NULL. */
	bool (*access_node)(void *context, const struct in6_addr *address, uint16_t *link, uint8_t mac[6]);
	uint64_t (*random)(void *context);
	/* NULL: there are no direct tunnels. */
	void (*heard)(void *context, const struct net_heard *heard);
};

/*
 * @port_macs: one per configured port. NULL: not enough memory. Access links are numbered as in the data plane: port
 * by port, VLAN by VLAN. The tables of the data plane need limits.neighbours next hops, and limits.routes +
 * limits.neighbours + the ports' addresses routes (each resolved on-link destination is a /128).
 */
struct net *net_create(const struct config *config, const uint8_t (*port_macs)[6], const struct net_host_ops *ops,
	void *context, const struct engine_time *now);
void net_destroy(struct net *net);
/* Routes, next hops and addresses of the configuration into the forwarding tables; unsolicited NAs of own addresses. */
void net_start(struct net *net, const struct engine_time *now);

/*
 * A punted packet, for all reasons but mobility_header, access_discovery and access_dhcp: @meta says why and where it
 * came from (link and tunnel are LINK_NONE and INDEX_NONE if it came from neither); @bytes from the IP header, of
 * errors: of the offending packet. What neighbour_resolve brings has its hop limit taken already: it leaves as a frame.
 */
void net_punt(struct net *net, const struct engine_time *now, const struct packet_meta *meta, const uint8_t *bytes,
	uint16_t length);

/*
 * Parameter Problem (RFC 4443 section 3.4) about a packet of @length octets from the IPv6 header, to where @meta says
 * it came from. @pointer: offset of the octet that is wrong.
 */
void net_parameter_problem(struct net *net, const struct engine_time *now, const struct packet_meta *meta,
	const uint8_t *bytes, uint16_t length, uint8_t code, uint32_t pointer);

/*
 * Send an own packet (from the IPv6 header, complete): route, next hop, resolving if needed. 0: sent or waits;
 * -ENETUNREACH: no route; -EHOSTUNREACH: the next hop does not answer; -EMSGSIZE: larger than the port's MTU;
 * -EINVAL: no IPv6 packet, or not to a unicast address of another node.
 */
int net_send(struct net *net, const struct engine_time *now, const uint8_t *bytes, uint16_t length);
/* Send a Mobility Header message: adds the IPv6 header. As net_send(). */
int net_send_mh(struct net *net, const struct engine_time *now, const struct mh_datagram *datagram);
/* The same as inner packet of @tunnel. 0, -ENOENT: no such tunnel, or -EMSGSIZE. */
int net_send_mh_inner(struct net *net, uint32_t tunnel, const struct mh_datagram *datagram);

/*
 * A next hop that is told, not asked: @mac at @address on @port. It never expires, and what it or others say of its
 * link-layer address does not count. An on-link destination has its route in the data plane at once. 0; -EINVAL: not a
 * core or outside port, not on its link, an own address, no unicast MAC; -ENOSPC: no place for it.
 */
int net_neighbour_static(struct net *net, const struct engine_time *now, uint16_t port, const struct in6_addr *address,
	const uint8_t mac[6]);

/* An echo request to @peer; heard() brings the answer, if there is one. As net_send(). */
int net_echo(struct net *net, const struct engine_time *now, const struct in6_addr *peer, uint16_t identifier,
	uint16_t sequence);

/*
 * An engine's FWD_OP_tunnel_insert right before it goes to the owner (if that is refused: again with the next try):
 * fills MTU (path), descriptor and flags if the next hop is known. 1: resolved. 0: goes in unresolved, and
 * tunnel_resolved() follows. -ENOMEM: goes in unresolved, nothing follows. The tunnel is followed (neighbour changes,
 * path MTU) until net_tunnel_remove(), which is called when its removal was pushed or it was never inserted.
 */
int net_tunnel_insert(struct net *net, const struct engine_time *now, struct fwd_update *update);
void net_tunnel_remove(struct net *net, uint32_t tunnel);

/* Run due timers, try refused updates again; returns the monotonic time in ms of the next call, or TIMER_NEVER. */
uint64_t net_advance(struct net *net, const struct engine_time *now);

/* X(name, word) RFC 4861 section 7.3.2, and one of ours: told by the operator, never asked, never forgotten */
#define NEIGHBOUR_STATES(X)         \
	X(INCOMPLETE, "incomplete") \
	X(REACHABLE, "reachable")   \
	X(STALE, "stale")           \
	X(DELAY, "delay")           \
	X(PROBE, "probe")           \
	X(FAILED, "failed")         \
	X(STATIC, "static")

enum neighbour_state {
#define NEIGHBOUR_STATE_ENUM(name, word) NEIGHBOUR_##name,
	NEIGHBOUR_STATES(NEIGHBOUR_STATE_ENUM)
#undef NEIGHBOUR_STATE_ENUM
		NEIGHBOUR_STATE_COUNT,
};

const char *neighbour_state_name(enum neighbour_state state);

struct neighbour_view {
	uint32_t index;
	struct in6_addr address;
	uint16_t port;
	enum neighbour_state state;
	uint8_t mac[6];
	unsigned waiting;      /* packets in its queue */
	unsigned routes;       /* static routes that lead over it */
	unsigned tunnels;      /* that lead over it */
	uint64_t confirmed_ms; /* monotonic; 0: never */
};

/* The first neighbour with an index >= @from; false if there is none. */
bool net_neighbour_next(const struct net *net, uint32_t from, struct neighbour_view *view);

struct route_view {
	uint32_t index;
	struct in6_addr prefix;
	uint8_t length;
	struct in6_addr via; /* :: for on-link */
	uint16_t port;
	const char *origin; /* "connected", "static" */
};

/* The first route with an index >= @from; false if there is none. Sorted by length, longest first. */
bool net_route_next(const struct net *net, uint32_t from, struct route_view *view);

/* Path MTU of a tunnel (outer), and in how many ms what was learned expires (0: that of the link). */
bool net_tunnel_path(const struct net *net, const struct engine_time *now, uint32_t tunnel, uint16_t *mtu_bytes,
	uint64_t *expires_in_ms);

struct net_stats {
	uint64_t echo_replies, ns_sent, ns_received, na_sent, na_received, malformed;
	uint64_t errors_sent[5];    /* by ICMPv6 type 1..4 */
	uint64_t errors_limited;    /* over the rate, in all or to one destination */
	uint64_t errors_ignored;    /* received, but about nothing of ours, or from where none may come */
	uint64_t address_conflicts; /* somebody else uses or probes one of our addresses */
	uint64_t waiting_dropped;   /* queue of an unresolved next hop full, or it failed */
	uint64_t neighbours_full;   /* no place for a new neighbour */
	uint64_t path_mtu_updates;
	uint64_t updates_refused;                                             /* and tried again */
	uint64_t pair_errors_sent, pair_errors_limited, pair_errors_received; /* RO Errors */
	uint64_t direct_broken;                                               /* ways to other MAGs */
	uint64_t echo_requests, echo_answers;                                 /* probes of other MAGs */
};

void net_stats(const struct net *net, struct net_stats *stats);
