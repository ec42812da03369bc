/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <netinet/in.h>

#include "door.h"
#include "bounds.h"
#include "port_view.h"

/*
 * The data plane as the daemon's start-up sees it: EAL, ports, workers, tables. After dataplane_start() everything
 * passes through the door.
 *
 * Threads: the main thread. The order is eal_start, create, start, stop, destroy, eal_stop.
 */
enum dataplane_role { DATAPLANE_LMA, DATAPLANE_MAG };
enum dataplane_side { DATAPLANE_CORE, DATAPLANE_ACCESS, DATAPLANE_OUTSIDE };
enum dataplane_device { DATAPLANE_KERNEL, DATAPLANE_VDEV, DATAPLANE_PCI };

struct dataplane_port {
	const char *name;
	enum dataplane_device kind;
	const char *device;
	enum dataplane_side side;
	uint16_t mtu_bytes;
	uint16_t queues; /* wanted; 0: as many as workers */
	bool promiscuous;
	bool spread;           /* share flows of its queues out among the workers of the socket, in software */
	const uint16_t *vlans; /* access: links of this port in order; none: one untagged link */
	unsigned vlan_count;
	uint16_t first_link; /* access: number of its first link */
};

struct dataplane_address {
	struct in6_addr address;
	uint16_t port; /* index of the port it belongs to; also its solicited-node multicast address */
};

struct dataplane_pool {
	struct in6_addr prefix;
	uint8_t length;
};

struct dataplane_config {
	enum dataplane_role role;
	const char *name; /* unique file prefix, thread names */
	unsigned control_core;
	unsigned workers[WORKERS_MAX];
	unsigned worker_count;
	enum { DATAPLANE_HUGEPAGES_AUTO, DATAPLANE_HUGEPAGES_ON, DATAPLANE_HUGEPAGES_OFF } hugepages;
	uint32_t memory_mb; /* 0: computed from the sizes below */
	uint32_t mbufs;     /* 0: computed */
	bool idle_sleep;
	bool node_counters, tunnel_counters, pair_counters;

	const struct dataplane_port *ports;
	unsigned port_count;
	const struct dataplane_address *addresses; /* own global ones; link-locals of ports are made from their MACs */
	unsigned address_count;
	const struct in6_addr *peers; /* sources of Mobility Headers that are let in */
	unsigned peer_count;
	const struct dataplane_pool *pools; /* LMA: destinations in them without an endpoint are answered */
	unsigned pool_count;
	uint8_t access_mac[6]; /* MAG: common link-layer address on access links (RFC 6543) */
	struct in6_addr access_link_local;

	uint32_t nodes_max, endpoints_max, tunnels_max, neighbours_max, routes_max;
	uint32_t pairs_max;        /* MAG: slots of counters of pairs; 0: no route optimisation */
	uint32_t pair_entries_max; /* MAG: halves of pairs in the table */
	uint32_t punts_per_s, punt_burst, source_punts_per_s;

	/*
	 * MAG: how many direct packets of a pair are held back at most, and how long, when it leaves the path over the
	 * anchor (wire-formats G.6.13). With hold_packets other than 0 the flow label of outer headers is one per pair.
	 */
	uint32_t hold_packets;
	uint32_t hold_deadline_ms;

	/* A pair is told of (EVENT_pair_seen) that sends that much in a window by the anchor; both 0: never. */
	uint32_t pair_packets;
	uint64_t pair_bytes;
	uint32_t pair_window_ms; /* 0: PAIR_WINDOW_MS */
	uint32_t pair_sample;    /* one packet of so many is looked at; 0: PAIR_SAMPLE_USUAL */
	/* Where the other end of a pair may be that is no endpoint here. LMA: prefixes of peer LMAs; MAG: of all MNs.
	 */
	const struct dataplane_pool *pair_prefixes;
	unsigned pair_prefix_count;
};

struct dataplane;

/* Start EAL: with hugepages if there are any and `hugepages` allows, else without; says which in one log line. */
int dataplane_eal_start(const struct dataplane_config *config, char *error, size_t error_size);
void dataplane_eal_stop(void);

/* Open and configure the ports, make tables and the door. 0 or negative errno with @error filled. */
int dataplane_create(
	const struct dataplane_config *config, struct dataplane **dataplane, char *error, size_t error_size);
/* Start ports and workers. */
int dataplane_start(struct dataplane *dataplane, char *error, size_t error_size);
/*
 * Stop workers after their queues are drained (bounded by @drain_ms), then the ports. Counts of mbufs in use: right
 * after port start, before the ports close, after.
 */
struct dataplane_leaks {
	unsigned after_start, before_close, after_close;
};
void dataplane_stop(struct dataplane *dataplane, unsigned drain_ms, struct dataplane_leaks *leaks);
void dataplane_destroy(struct dataplane *dataplane);

struct door *dataplane_door(struct dataplane *dataplane);
/* Packet buffers for injected packets (thread-safe). */
struct rte_mempool *dataplane_mempool(struct dataplane *dataplane);

/* One port as `show ports` prints it; false past the last. Control core, any time between start and stop. */
bool dataplane_port(const struct dataplane *dataplane, uint16_t port, struct port_view *view);
/* The worker that should send own packets to the port. */
unsigned dataplane_tx_worker(const struct dataplane *dataplane, uint16_t port);
unsigned dataplane_mbufs_in_use(const struct dataplane *dataplane);
/* TSC ticks per second: what stage cycles are counted in. */
uint64_t dataplane_tsc_hz(void);
