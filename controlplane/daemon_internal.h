/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "daemon.h"
#include "signalling.h"
#include "transactions.h"

/*
 * Inside of the daemon.
 *	daemon.c          its life and its loop
 *	daemon_engines.c  the engines: made, told what came in, advanced
 *	daemon_door.c     what engines and the IPv6 host ask for: transactions, packets, templates
 *	daemon_api.c      what the control socket asks for
 */
struct api;
struct descriptors;
struct event;
struct event_base;
struct events;
struct forward_only;
struct object_baselines;
struct liveness;
struct packet_io;
struct pair_events;
struct ro;
struct ro_peer;

#define HIGH_WATER 49152 /* pending transactions */

struct daemon {
	const struct config *config;
	const struct daemon_dataplane *dataplane;
	struct event_base *base;
	struct event *wakeup, *deadline, *sigterm, *sigint;
	struct policy *policy;
	struct transactions *transactions;
	struct descriptors *descriptors;
	struct object_baselines *baselines;
	struct packet_io *io;
	struct net *net;
	struct lma *lma;
	struct mag *mag;
	struct heartbeat *heartbeat;
	struct forward_only *forward_only; /* instead of the engines */
	struct ro *ro;                     /* NULL: no route optimisation */
	struct liveness *liveness;         /* the same */
	struct pair_events *pair_events;
	struct ro_peer *ro_peers;
	struct signalling signalling;
	struct api *api;
	struct events *events;
	struct engine_time now;
	uint64_t random_state;
	struct engine_time started;
	uint32_t restart_counter;
	int state_directory; /* locked as long as we run, or -1 */
	uint64_t sessions_at_ms, activity_at_ms;
	uint32_t activity_cursor;
	uint64_t *activity; /* by node index: uplink packets at the last look */
	bool stopping;
};

/* Take the time of now. */
void daemon_take_time(struct daemon *d);

static inline uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* ---- daemon_door.c ---- */

/* 0 or -ENOMEM; what was made is daemon_destroy()'s. */
int daemon_create_transport(struct daemon *d);

/* ---- daemon_engines.c ---- */

/* 0 or -ENOMEM. @bindings not NULL: no engine is made, these are forwarded. */
int daemon_create_engines(struct daemon *d, struct bindings *bindings);
void daemon_destroy_engines(struct daemon *d);
/* Read what the workers say; true if there is more. */
bool daemon_drain(struct daemon *d);
/* Run due timers; returns the time of the next one in ms. */
uint64_t daemon_advance(struct daemon *d);

/* ---- daemon_api.c ---- */

/* 0, or -EIO with @error. */
int daemon_create_api(struct daemon *d, char *error, size_t error_size);
