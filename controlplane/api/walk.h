/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <jansson.h>

#include "api/api.h"
#include "api/request.h"
#include "api/rows.h"
#include "node/policy.h"

/* Counters of the workers at the last `clear counters`: what is shown is what came since. */
struct counter_baseline {
	struct worker_stats worker[WORKERS_MAX];
};

/*
 * A request that is being answered. Every command is a walk: its step looks at one thing (a binding, a counter, ...)
 * and yields at most one row, so that the server can stop after any step and go on in a later turn of the loop.
 * Between two steps engines may have changed; a walk goes by index, so what stays is shown once, what comes or goes
 * meanwhile may or may not be shown.
 *
 * Threads: the control core.
 */
struct walk {
	const struct api_sources *sources;
	const struct request *request;
	struct counter_baseline *baseline; /* the server's */
	const struct api_stats *server;    /* of the socket itself; NULL: not shown */
	struct walk_place place;           /* where the next step looks */
	struct engine_time now;            /* of the current page */
	json_t *held;                      /* rows or a document that was made at the start, or NULL */
	struct worker_stats *stats;        /* counters as they were when the walk started, or NULL */
	uint64_t count;                    /* what the command did */
	uint64_t ends[2];                  /* endpoints (endpoint.h) of the pair that a command names */
	uint32_t *tally;                   /* pairs of each peer, or NULL */
	uint64_t tally_next;               /* pair to be counted next; UINT64_MAX: all are */
	struct refusal refusal;            /* with -EINVAL */
};

/*
 * One step: 1: go on, @row is the caller's, or NULL if there was nothing to show; 0: the end (@row is NULL);
 * -EINVAL: refused, see the walk's refusal; -ENOMEM.
 */
typedef int (*walk_step)(struct walk *walk, json_t **row);

/* What a request needs in this role: its step, or NULL with @refusal. */
walk_step walk_find(const struct api_sources *sources, const struct request *request, struct refusal *refusal);
/* @baseline: subtracted from the workers' counters, replaced by `clear counters`. */
void walk_init(struct walk *walk, const struct api_sources *sources, const struct request *request,
	struct counter_baseline *baseline);
void walk_fini(struct walk *walk);

/* Steps of `show`, by object. */
#define SHOW_STEP(name, filters, help) int show_##name##_step(struct walk *walk, json_t **row);
OBJECTS(SHOW_STEP)
#undef SHOW_STEP

/* Steps of the other commands. */
int attach_step(struct walk *walk, json_t **row);
int detach_step(struct walk *walk, json_t **row);
int clear_binding_step(struct walk *walk, json_t **row);
int clear_counters_step(struct walk *walk, json_t **row);
int ro_start_step(struct walk *walk, json_t **row);
int ro_stop_step(struct walk *walk, json_t **row);
int why_pair_step(struct walk *walk, json_t **row);
int why_step(struct walk *walk, json_t **row);

/* ---- for steps ---- */

/* The words that `state=` may be for the object in this role; count in @count. NULL: it has no states. */
const char *const *walk_states(const struct api_sources *sources, enum object object, unsigned *count);

/* Give the next row of walk->held (an array): as a step. */
int walk_held_step(struct walk *walk, json_t **row);
/* Counters of the filter's worker, or of all, since the last clear; taken at the first call. NULL: no memory. */
const struct worker_stats *walk_stats(struct walk *walk);
/* Counters of one worker, or the sum of all, since the baseline. */
void counters_of_worker(
	const struct door *door, const struct counter_baseline *baseline, unsigned worker, struct worker_stats *stats);
void counters_of_all(const struct door *door, const struct counter_baseline *baseline, struct worker_stats *stats);
/* What the workers count from now on is shown from 0. @door may be NULL. */
void counters_rebase(const struct door *door, struct counter_baseline *baseline);
/* Traffic of a node or tunnel into up and down; zero without counters. */
void walk_traffic(const struct walk *walk, enum index_space space, uint32_t index, struct object_counter *up,
	struct object_counter *down);
/* The name of the peer at @address, or NULL. */
const char *peer_name(const struct policy *policy, const struct in6_addr *address);
void row_peer(struct row *row, const struct walk *walk, const struct in6_addr *address);
/* The peer is asked for heartbeats and does not answer. */
bool peer_is_unreachable(const struct walk *walk, const struct in6_addr *address);
/* The port name and VLAN of an access link as port, vlan and link. */
void row_link(struct row *row, const struct walk *walk, uint16_t link);

/* True if the filter has no such key, or it fits. */
bool filter_mn(const struct filter *filter, const struct mn_id *id);
bool filter_mac(const struct filter *filter, const uint8_t mac[6]);
bool filter_peer(const struct filter *filter, const struct policy *policy, const struct in6_addr *address);
bool filter_state(const struct filter *filter, const char *state);
bool filter_prefix(const struct filter *filter, const struct in6_addr *prefix, uint8_t length);
bool filter_prefixes(const struct filter *filter, const struct home_network_prefix *prefixes, unsigned count);
bool filter_port(const struct filter *filter, const char *port);
bool filter_link(const struct filter *filter, const struct config *config, uint16_t link);
bool filter_name_pattern(const struct filter *filter, const char *name);
