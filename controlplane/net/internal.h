/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <string.h>
#include <sys/queue.h>

#include "format.h"
#include "log.h"
#include "timer_wheel.h"
#include "token_bucket.h"

#include "net/net.h"
#include "net/packet.h"

/*
 * What the files of net/ know of each other: one struct net, and who calls whom. Nothing else includes this.
 *
 * net.c owns the object, the entry points and the own addresses; neighbour.c the cache and its state machine; nd.c the
 * messages of RFC 4861; route.c next-hop determination and the routes' updates; path.c the tunnels; icmp6.c echo,
 * errors out and errors in; direct.c what is special of tunnels between MAGs; pending.c the updates that the host
 * refused.
 */

/* An object whose forwarding state differs from what the data plane was told; in the order of the first change. */
enum push_result {
	PUSH_DONE,
	PUSH_REFUSED, /* the host takes no updates: this one and all behind it have to wait */
	PUSH_LATER,   /* this object lacks something, others go on */
};

struct pending {
	TAILQ_ENTRY(pending) entry;
	bool queued;
	enum push_result (*push)(struct net *net, struct pending *pending); /* what differs */
};

TAILQ_HEAD(pending_list, pending);

struct net_port {
	const struct config_port *config;
	uint8_t mac[6];
	uint16_t mtu_bytes;
	uint16_t vlan; /* tag of what leaves on a core or outside port, or VLAN_NONE */
	struct in6_addr link_local;
};

struct net_link {
	uint16_t port;
	uint16_t vlan;
};

struct own_address {
	struct in6_addr address;
	uint16_t port;
	uint8_t length; /* of its on-link prefix; 128 for link-locals, which are on-link anyway */
};

/* A packet that waits for its next hop. */
struct waiting {
	STAILQ_ENTRY(waiting) entry;
	struct packet_meta meta; /* of punted ones: where an error goes */
	bool own;                /* net_send(): nobody is told when it fails */
	uint16_t length;
	uint8_t bytes[];
};

struct neighbour {
	struct in6_addr address;
	uint16_t port;
	uint8_t mac[6];
	uint8_t state;         /* enum neighbour_state */
	bool used;             /* the slot */
	uint8_t solicits;      /* sent in INCOMPLETE or PROBE */
	bool host_route;       /* on-link destination that the data plane forwards to */
	bool mourned;          /* its failure was logged */
	bool dying;            /* to be taken out of the data plane, then freed */
	bool inserted, routed; /* what the data plane was told: next hop, host route */
	struct fwd_neighbour told;
	uint32_t index;
	unsigned routes; /* static ones over it */
	unsigned tunnels;
	unsigned waiting_count;
	uint64_t confirmed_ms, used_ms;
	uint64_t freed_mark; /* free slots: not before this update is reclaimed */
	struct timer timer;
	struct pending pending;
	LIST_ENTRY(neighbour) bucket;
	STAILQ_ENTRY(neighbour) free;
	STAILQ_HEAD(waiting_list, waiting) waiting;
	LIST_HEAD(tunnel_users, tunnel) users;
};

struct route {
	struct in6_addr prefix;
	struct in6_addr via; /* :: on-link */
	uint8_t length;
	uint16_t port;
	bool connected;
	bool told;
	struct neighbour *next_hop; /* NULL: on-link, or no place in the cache */
	struct pending pending;
};

struct tunnel {
	uint32_t index;
	bool used;
	struct fwd_tunnel body;  /* as the engine gave it */
	uint16_t link_mtu_bytes; /* of the way out */
	uint16_t learned_bytes;  /* path MTU from Packet Too Big, or 0 */
	uint16_t port;
	struct neighbour *next_hop; /* NULL: no route */
	uint32_t descriptor;
	bool awaiting;  /* tunnel_resolved() is owed */
	bool reporting; /* it is in the list of answers */
	int report_error;
	bool told_resolved; /* what the data plane was told */
	uint16_t told_mtu_bytes;
	uint8_t told_mac[6];
	struct timer expiry;
	struct pending pending;
	bool is_broken;     /* it is in the list of direct tunnels that broke */
	uint64_t broken_ms; /* the last time; 0: never */
	LIST_ENTRY(tunnel) user;
	TAILQ_ENTRY(tunnel) report, broken;
};

TAILQ_HEAD(tunnel_queue, tunnel);

#define ERROR_DESTINATIONS 256
#define DIRECT_PAIRS       4096 /* buckets: pairs that share one get fewer RO Errors */
#define DIRECT_PEERS       256

/* Of tunnels between MAGs. */
struct direct {
	struct token_bucket of_pair[DIRECT_PAIRS], of_peer[DIRECT_PEERS]; /* RO Errors */
	struct tunnel_queue broken;
	bool has_heard; /* something for the host, when everything else is done */
	struct net_heard heard;
};

struct net {
	const struct config *config;
	const struct net_host_ops *ops;
	void *context;
	struct timer_wheel wheel;
	uint64_t now_ms, now_ns;

	struct net_port ports[PORTS_MAX];
	unsigned port_count;
	struct net_link *links;
	unsigned link_count;
	struct own_address own[ADDRESSES_MAX + PORTS_MAX];
	unsigned own_count;
	struct in6_addr main_address; /* LMAA or proxy-CoA */
	struct timer announce;
	unsigned announced;

	struct neighbour *neighbours; /* limits.neighbours slots */
	uint32_t neighbour_max;
	uint32_t neighbour_fresh; /* slots from here on were never used */
	uint32_t evict_at;        /* where the next eviction begins to look */
	uint32_t incomplete;
	uint32_t bucket_mask;
	LIST_HEAD(neighbour_bucket, neighbour) * buckets;
	STAILQ_HEAD(neighbour_queue, neighbour) free_neighbours; /* longest free first */
	unsigned waiting_total;
	uint64_t seed;

	struct route *routes;
	uint32_t route_count;

	struct tunnel **tunnels; /* by index */
	uint32_t tunnel_slots;
	struct tunnel_queue reports;
	struct direct direct;

	struct pending_list pending;
	struct token_bucket error_rate[ICMP6_PARAMETER + 1];
	struct token_bucket error_destination[ERROR_DESTINATIONS];
	struct net_stats stats;
	uint8_t frame[ETHERNET_BYTES + VLAN_BYTES + UINT16_MAX]; /* what transmit() writes */
	uint8_t reply[IP6_BYTES + UINT16_MAX];                   /* what echo replies are made in */
};

/* net.c */
void net_set_time(struct net *net, const struct engine_time *now);
bool own_address_on(const struct net *net, const struct in6_addr *address, uint16_t port);
bool own_address_any(const struct net *net, const struct in6_addr *address);
/* Own address to speak from on @port with somebody at @to: same scope, same prefix if there is one; else the main one.
 */
const struct in6_addr *own_source(const struct net *net, uint16_t port, const struct in6_addr *to);
bool port_speaks(const struct net *net, uint16_t port); /* exists, and is no access port */
/* Frame with @bytes on @port. */
void transmit(struct net *net, uint16_t port, uint16_t vlan, const uint8_t source[6], const uint8_t destination[6],
	const uint8_t *bytes, uint16_t length);
void transmit_multicast(struct net *net, uint16_t port, const uint8_t *bytes, uint16_t length);
uint64_t random_below(struct net *net, uint64_t bound);

/* pending.c */
void pending_init(struct pending *pending, enum push_result (*push)(struct net *, struct pending *));
/* The object changed: push now, or after what was refused before it. */
void pending_mark(struct net *net, struct pending *pending);
/* The same, but not before the next flush. */
void pending_add(struct net *net, struct pending *pending);
void pending_cancel(struct net *net, struct pending *pending);
void pending_flush(struct net *net);

/* neighbour.c */
int neighbour_table_init(struct net *net);
void neighbour_table_fini(struct net *net);
struct neighbour *neighbour_find(const struct net *net, uint16_t port, const struct in6_addr *address);
/* Found or created, without a link-layer address then. NULL: no place. */
struct neighbour *neighbour_get(struct net *net, uint16_t port, const struct in6_addr *address);
bool neighbour_usable(const struct neighbour *neighbour);
/* Something is about to be sent to it: starts resolution or confirmation. False: it failed a moment ago. */
bool neighbour_use(struct net *net, struct neighbour *neighbour);
/* Routes or tunnels began or ceased to lead over it. */
void neighbour_keep(struct net *net, struct neighbour *neighbour, int routes, int tunnels);
/* Send, or keep until it is resolved. @meta: of a punted packet; NULL: an own one. 0, -EHOSTUNREACH, -ENOMEM. */
int neighbour_output(struct net *net, struct neighbour *neighbour, const struct packet_meta *meta, const uint8_t *bytes,
	uint16_t length);
/* RFC 4861 section 7.2.3: a link-layer address that the neighbour told with a solicitation. */
void neighbour_learned(struct net *net, struct neighbour *neighbour, const uint8_t mac[6]);
/* RFC 4861 section 7.2.5. @mac NULL: no option. */
void neighbour_advertised(
	struct net *net, struct neighbour *neighbour, const uint8_t *mac, bool solicited, bool override);

/* nd.c */
void nd_solicit(struct net *net, const struct neighbour *neighbour, bool multicast);
void nd_announce(struct net *net);
void nd_input(struct net *net, const struct packet_meta *meta, const uint8_t *bytes, uint16_t length);

/* route.c */
int route_table_init(struct net *net);
void route_table_fini(struct net *net);
void route_table_start(struct net *net);
/* Next hop of @destination, which is no link-local; false: no route. */
bool route_lookup(const struct net *net, const struct in6_addr *destination, uint16_t *port, struct in6_addr *next_hop);
bool route_on_link(const struct net *net, uint16_t port, const struct in6_addr *address);
/* Send an own packet to where its destination lies; @port only for link-local ones. As net_send(). */
int route_output(struct net *net, uint16_t port, const uint8_t *bytes, uint16_t length);
/* A packet that the data plane could not send. */
void route_resolve(struct net *net, const struct packet_meta *meta, const uint8_t *bytes, uint16_t length);

/* path.c */
void path_table_fini(struct net *net);
/* Resolved, failed or with another link-layer address. */
void path_next_hop_changed(struct net *net, struct neighbour *neighbour);
void path_next_hop_failed(struct net *net, struct neighbour *neighbour);
struct tunnel *path_find(const struct net *net, const struct in6_addr *local, const struct in6_addr *remote);
uint16_t path_mtu(const struct tunnel *tunnel);
void path_mtu_learn(struct net *net, struct tunnel *tunnel, uint32_t mtu_bytes);
void path_report(struct net *net);
/* NULL: none. */
struct tunnel *path_at(const struct net *net, uint32_t index);

/* icmp6.c */
void icmp6_echo(struct net *net, const struct packet_meta *meta, const uint8_t *bytes, uint16_t length);
/* Error about @bytes to its source, on the way that @meta tells; @parameter: MTU or pointer. */
void icmp6_error(struct net *net, const struct packet_meta *meta, uint8_t type, uint8_t code, uint32_t parameter,
	const uint8_t *bytes, uint16_t length);
void icmp6_error_input(struct net *net, const struct packet_meta *meta, const uint8_t *bytes, uint16_t length);

/* direct.c */
/* The RO Error about a packet that no pair takes: @bytes from the inner header, or from the outer if there is no
 * tunnel. */
void direct_error_send(struct net *net, const struct packet_meta *meta, const uint8_t *bytes, uint16_t length);
/* An error of @from about what we sent into @tunnel, around @inner (cut anywhere). False: nothing special. */
bool direct_error_in(struct net *net, struct tunnel *tunnel, const struct in6_addr *from, uint8_t type, uint8_t code,
	const uint8_t *inner, uint16_t length);
/* The way to the other end is no good; the host hears of direct tunnels. */
void direct_broken(struct net *net, struct tunnel *tunnel);
void direct_forget(struct net *net, struct tunnel *tunnel);
void direct_echo_reply(struct net *net, const struct packet_meta *meta, const uint8_t *bytes, uint16_t length);
/* Tell the host. */
void direct_report(struct net *net);
