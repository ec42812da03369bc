/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "engine.h"
#include "door.h"

#include "config/config.h"

/*
 * The gateway as an IPv6 host and router on its core and outside ports: own addresses, neighbour discovery (RFC 4861:
 * NS and NA, NUD states), packets that wait for a next hop (bounded per next hop), ICMPv6 echo and errors (RFC 4443,
 * rate limited), static routes and next hops in the forwarding tables, templates of tunnels, sending of own packets.
 * Sans-IO like the engines, but with mbuf-free packets: bytes in, frames out.
 *
 * Threads: the control core.
 */
struct net;

/* A frame or packet that leaves; the host copies the bytes. */
struct net_output {
	enum { NET_FRAME, NET_PACKET, NET_TUNNEL } kind;
	uint16_t port;        /* NET_FRAME: complete with Ethernet, to this port */
	uint32_t tunnel;      /* NET_TUNNEL: inner packet, to be encapsulated */
	const uint8_t *bytes; /* NET_PACKET: from the IPv6 header, as if received and classified: anchor_down or route */
	uint16_t length;
};

struct net_host_ops {
	void (*output)(void *context, const struct net_output *output);
	/* Forwarding state of the host's own kind: neighbours, routes, tunnels. False: no room now, call again later. */
	bool (*update)(void *context, const struct fwd_update *update);
	/* Template of a tunnel into the descriptor slab; returns the slot or INDEX_NONE. */
	uint32_t (*descriptor)(void *context, const struct tunnel_template *template);
	void (*descriptor_release)(void *context, uint32_t slot);
	/* A tunnel that net_tunnel_insert() could not resolve at once: 0, or -EHOSTUNREACH. */
	void (*tunnel_resolved)(void *context, uint32_t tunnel, int error);
	uint64_t (*random)(void *context);
};

/* @port_macs: one per configured port. */
struct net *net_create(const struct config *config, const uint8_t (*port_macs)[6], const struct net_host_ops *ops,
	void *context, const struct engine_time *now);
void net_destroy(struct net *net);
/* Routes, next hops and addresses of the configuration into the forwarding tables; unsolicited NAs of own addresses. */
void net_start(struct net *net, const struct engine_time *now);

/*
 * A punted packet: @meta says why and where it came from; @bytes from the IP header (the reasons that need the frame's
 * source MAC find it in @meta->source_mac).
 */
void net_punt(struct net *net, const struct engine_time *now, const struct packet_meta *meta, const uint8_t *bytes,
	uint16_t length);

/* Send an own packet (from the IPv6 header, complete): route, next hop, resolving if needed. 0, -ENETUNREACH. */
int net_send(struct net *net, const struct engine_time *now, const uint8_t *bytes, uint16_t length);
/* Send a Mobility Header message: adds the IPv6 header. */
int net_send_mh(struct net *net, const struct engine_time *now, const struct mh_datagram *datagram);

/*
 * An engine's FWD_OP_tunnel_insert on its way to the owner: fills MTU (path), descriptor and flags if the next hop is
 * known. True: resolved. False: goes in unresolved, tunnel_resolved() follows. The tunnel is followed (neighbour
 * changes, path MTU) until net_tunnel_remove().
 */
bool net_tunnel_insert(struct net *net, const struct engine_time *now, struct fwd_update *update);
void net_tunnel_remove(struct net *net, uint32_t tunnel);

uint64_t net_advance(struct net *net, const struct engine_time *now);

/* X(name, word) RFC 4861 section 7.3.2 */
#define NEIGHBOUR_STATES(X) \
	X(INCOMPLETE, "incomplete") \
	X(REACHABLE, "reachable") \
	X(STALE, "stale") \
	X(DELAY, "delay") \
	X(PROBE, "probe") \
	X(FAILED, "failed")

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
	unsigned waiting; /* packets in its queue */
	uint64_t confirmed_ms; /* monotonic; 0: never */
};

bool net_neighbour_next(const struct net *net, uint32_t from, struct neighbour_view *view);

struct route_view {
	struct in6_addr prefix;
	uint8_t length;
	struct in6_addr via; /* :: for on-link */
	uint16_t port;
	const char *origin;  /* "connected", "static" */
};

bool net_route_next(const struct net *net, uint32_t from, struct route_view *view);

struct net_stats {
	uint64_t echo_replies, ns_sent, ns_received, na_sent, na_received, malformed;
	uint64_t errors_sent[5];  /* by ICMPv6 type 1..4 */
	uint64_t errors_limited;
	uint64_t waiting_dropped; /* queue of an unresolved next hop full, or it failed */
	uint64_t path_mtu_updates;
};

void net_stats(const struct net *net, struct net_stats *stats);
