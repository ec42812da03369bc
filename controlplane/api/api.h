/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "counters.h"
#include "engine.h"
#include "port_view.h"

#include "config/config.h"

/*
 * The control socket: JSON lines over a Unix stream socket, in the control core's event loop (see controlplane/API.md
 * for what is spoken). It reads the engines through their views, page by page with a budget per turn of the loop, and
 * asks the daemon for what only the daemon can do.
 *
 * Threads: the control core. Memory per client is bounded: the request line, one page of rows above the high-water
 * mark of its output. A client that does not read stops its own walk and is disconnected after a while.
 */
struct api;

struct door;
struct event_base;
struct events;
struct forward_only;
struct heartbeat;
struct liveness;
struct lma;
struct mag;
struct mn_id;
struct net;
struct pair_events;
struct policy;
struct ro;

/* What the daemon alone knows of itself. */
struct api_runtime {
	uint32_t mbufs_in_use;
	uint32_t transactions_pending; /* committed by engines, not yet applied */
	uint32_t transactions_high;    /* mark above which new sessions are refused */
	bool busy;                     /* it is above the mark */
	uint64_t updates_failed;       /* refused by a table owner */
};

/*
 * What the socket shows and whom it asks. Copied by api_create(); what it points to outlives the api. A pointer that
 * is NULL means that the gateway has no such part: its objects are empty, its commands are refused.
 */
struct api_sources {
	const struct config *config; /* required */
	const struct policy *policy; /* required */
	struct lma *lma;             /* ROLE_LMA */
	struct mag *mag;             /* ROLE_MAG */
	struct ro *ro;               /* NULL: route optimisation is off */
	struct liveness *liveness;   /* the same */
	const struct pair_events *pair_events;
	const struct heartbeat *heartbeat;
	const struct net *net;
	const struct forward_only *forward_only; /* not NULL: lma, mag and ro are, there is no signalling */
	const struct door *door;                 /* counters of the workers */
	const struct events *events;             /* ring behind `show events` */
	struct engine_time started;              /* when the gateway started */
	uint32_t restart_counter;
	uint64_t tsc_hz; /* ticks of stage cycles per second; 0: not known */

	void *context;                                       /* of the functions below */
	void (*now)(void *context, struct engine_time *now); /* required */
	void (*runtime)(void *context, struct api_runtime *runtime);
	/* The port of that index in the configuration; false past the last. */
	bool (*port)(void *context, uint16_t port, struct port_view *view);
	/* Sum over workers since the index was allocated or counter_clear() was called for it. */
	void (*object_counter)(void *context, enum index_space space, uint32_t index, enum counter_direction direction,
		struct object_counter *sum);
	/* Let the counters of that index count from 0 again. */
	void (*counter_clear)(void *context, enum index_space space, uint32_t index);
	/* The same for a pair of route optimisation, by its index in struct ro_view; NULL: pairs are not counted. */
	void (*pair_counter)(
		void *context, uint32_t pair, enum counter_direction direction, struct object_counter *sum);
	void (*pair_counter_clear)(void *context, uint32_t pair);
	/*
	 * By the operator, as mag_attach(), mag_detach() and lma_clear(): 0 or negative errno; clear_binding also tells
	 * how many bindings it removed.
	 */
	int (*attach)(void *context, uint16_t link, const uint8_t mac[6]);
	int (*detach)(void *context, const struct mn_id *id);
	int (*clear_binding)(void *context, const struct mn_id *id, uint32_t *removed);
};

/* Limits; 0 takes the default that stands behind it. */
struct api_options {
	const char *path;           /* of the socket; at most API_PATH_MAX octets */
	uint32_t mode;              /* of the socket; 0660 */
	unsigned clients_max;       /* 32 */
	unsigned line_max_bytes;    /* of a request; 8192 */
	unsigned output_high_bytes; /* a walk waits while more is unsent; 256 KiB */
	unsigned stall_ms;          /* a client that takes nothing for so long is disconnected; 10000 */
	unsigned page_rows;         /* rows of a line; 64 */
	unsigned turn_us;           /* of the control core per turn of the loop, all clients together; 200 */
};

#define API_PATH_MAX 96 /* the socket is made under a temporary name beside it, both fit sun_path */

/*
 * Bind, listen and serve in @base. A socket left by a dead process is replaced; one that a living process serves is
 * refused, as is anything at the path that is no socket. NULL with @error (of @error_size) telling what is wrong and
 * what to do.
 */
struct api *api_create(struct event_base *base, const struct api_sources *sources, const struct api_options *options,
	char *error, size_t error_size);
/* Disconnects every client and removes the socket, if it is still ours. */
void api_destroy(struct api *api);

struct api_stats {
	uint64_t accepted; /* clients */
	uint64_t refused;  /* clients over clients_max */
	uint64_t requests;
	uint64_t malformed; /* request lines that are no request */
	uint64_t errors;    /* requests answered with another error */
	uint64_t stalled;   /* clients disconnected because they did not read */
	uint32_t clients;   /* now */
};

void api_stats(const struct api *api, struct api_stats *stats);
