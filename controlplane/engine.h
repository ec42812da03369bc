/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <netinet/in.h>

#include "fwd_update.h"

/*
 * What a protocol engine and its surroundings say to each other. An engine is a pure state machine without I/O: time,
 * events and random numbers go in by function calls; transactions and log records come out through struct engine_host.
 * The daemon binds engines to rings, the clock and the ports; tests bind several of them to a simulated network.
 *
 * Transactions: within a call the engine first gives the updates of the forwarding state, then the messages, then
 * commits. The host applies the updates in order and holds the messages back until the last one is applied (a new
 * tunnel: also until its next hop is resolved). If one is refused, the messages are dropped and the engine hears
 * transaction_done() with the error. So a message that says "acknowledged" means "forwarding". Transactions of an
 * engine are applied in the order of their commits; a later one may finish earlier. What is not committed when the
 * engine's function returns is a bug (asserted).
 *
 * Threads: the control core. No function of the host calls back into the engine, except transaction_done() which may
 * run before commit() returns only if the host says so in its own header.
 */

/* Time as an engine sees it. Monotonic time drives timers; wall time stamps messages and may step. */
struct engine_time {
	uint64_t monotonic_ns;
	uint64_t wall_ns; /* since 1970-01-01 UTC */
};

static inline uint64_t engine_ms(const struct engine_time *now)
{
	return now->monotonic_ns / 1000000;
}

/* Index spaces that the host owns. */
enum index_space { INDEX_NODE, INDEX_TUNNEL, INDEX_SPACE_COUNT };

/* A Mobility Header message as a datagram. */
struct mh_datagram {
	struct in6_addr source;
	struct in6_addr destination;
	const uint8_t *bytes; /* from Payload Proto, checksum filled in; the host copies it */
	uint16_t length;
};

/* A frame for one mobile node on an access link: the host adds Ethernet (our fixed MAC as source) and the VLAN. */
struct access_frame {
	uint16_t link;
	uint8_t mac[6];       /* destination */
	const uint8_t *bytes; /* from the IPv6 header; the host copies it */
	uint16_t length;
};

#define COMMIT_AFTER_RECLAIM 0x01 /* hold messages and transaction_done() until the removals are reclaimed */

struct engine_host;
struct mn_id;

struct engine_host_ops {
	/* A free index of the space, or INDEX_NONE: insufficient resources. */
	uint32_t (*index_allocate)(struct engine_host *host, enum index_space space);
	/* Give an index back with the open transaction; it is reused after its removal is reclaimed. */
	void (*index_release)(struct engine_host *host, enum index_space space, uint32_t index);
	/* Generation of an index: changes with each allocation. */
	uint32_t (*index_generation)(struct engine_host *host, enum index_space space, uint32_t index);
	/* Add to the open transaction. */
	void (*update)(struct engine_host *host, const struct fwd_update *update);
	void (*send)(struct engine_host *host, const struct mh_datagram *datagram);
	void (*send_frame)(struct engine_host *host, const struct access_frame *frame);
	/* MAG: a message as inner packet of the tunnel, behind everything that workers gave into it; else NULL. */
	void (*send_inner)(struct engine_host *host, uint32_t tunnel, const struct mh_datagram *datagram);
	/*
	 * Close the open transaction. With a @cookie other than 0 the engine hears transaction_done(cookie, 0 or
	 * negative errno): -ENOSPC, -EEXIST, -ENOENT from the owner, -EHOSTUNREACH if a next hop does not resolve.
	 */
	void (*commit)(struct engine_host *host, uint64_t cookie, unsigned flags);
	/* True above the high-water mark of pending transactions: refuse new sessions with 130, never removals. */
	bool (*busy)(struct engine_host *host);
	uint64_t (*random)(struct engine_host *host);
	/* Something happened to a mobile node (enum history_event): see node_event(). May be NULL: nobody listens. */
	void (*event)(struct engine_host *host, const struct engine_time *now, const struct mn_id *id, uint8_t event,
		uint8_t value);
};

struct engine_host {
	const struct engine_host_ops *ops;
};
