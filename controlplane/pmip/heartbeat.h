/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "engine.h"
#include "timer_wheel.h"

#include "mh/mh.h"
#include "node/policy.h"

/*
 * Heartbeat between LMA and MAG, both roles (RFC 5847, wire-formats D.3), and with route optimisation between LMAs and
 * between MAGs (G.6.14): notices a dead or restarted peer.
 * A pure state machine, as the engines; requests are sent only to peers with at least one session or pair, answered
 * always. With the last one the peer's restart counter is forgotten: what restarts without our sessions has lost
 * nothing of ours. A heartbeat whose request is not outstanding, or with another sequence number, is no answer.
 *
 * Threads: the control core.
 */
struct heartbeat;

struct heartbeat_config {
	struct in6_addr address;     /* own: LMAA or proxy-CoA */
	uint32_t interval_s;         /* HEARTBEAT_INTERVAL */
	uint32_t pair_interval_s;    /* with peers of route optimisation, if shorter; 0: the same */
	uint32_t missing_allowed;    /* MISSING_HEARTBEATS_ALLOWED: more consecutive losses: unreachable */
	uint32_t restart_counter;    /* of this run, from restart_counter_next() */
	bool restarted;              /* state was lost: the first advance tells every peer, unsolicited */
	const struct policy *policy; /* peers with heartbeat: true take part */
};

enum peer_change {
	PEER_UNREACHABLE, /* more than missing_allowed requests in a row unanswered */
	PEER_REACHABLE,   /* answers again */
	PEER_RESTARTED,   /* another restart counter: it lost its state */
};

/* @changed is called from within heartbeat_message() and heartbeat_advance(). NULL: no memory. */
struct heartbeat *heartbeat_create(const struct heartbeat_config *config, struct engine_host *host,
	const struct engine_time *now,
	void (*changed)(
		void *context, const struct engine_time *now, const struct in6_addr *peer, enum peer_change change),
	void *context);
void heartbeat_destroy(struct heartbeat *heartbeat);
/* How many sessions there are with the peer; 0 of these and of pairs stops requests. */
void heartbeat_sessions(
	struct heartbeat *heartbeat, const struct engine_time *now, const struct in6_addr *peer, uint32_t sessions);
/* How many pairs of route optimisation depend on the peer. */
void heartbeat_pairs(
	struct heartbeat *heartbeat, const struct engine_time *now, const struct in6_addr *peer, uint32_t pairs);
/* Ask the peer now, beside its interval. False: it takes no part. */
bool heartbeat_probe(struct heartbeat *heartbeat, const struct engine_time *now, const struct in6_addr *peer);
/* @answered is called from within heartbeat_message() when a peer answers a request. */
void heartbeat_listen(struct heartbeat *heartbeat,
	void (*answered)(void *context, const struct engine_time *now, const struct in6_addr *peer), void *context);
/* When the peer answered last, monotonic; within @changed: before what it just said. 0: never. */
uint64_t heartbeat_heard_ms(struct heartbeat *heartbeat, const struct in6_addr *peer);
/* A heartbeat message from a configured peer. */
void heartbeat_message(struct heartbeat *heartbeat, const struct engine_time *now, const struct mh_datagram *datagram,
	const struct mh_message *message);
/* A binding error with status 2 from a peer that has an outstanding request: never asked again. */
void heartbeat_binding_error(struct heartbeat *heartbeat, const struct engine_time *now, const struct in6_addr *peer);
/* Run due timers; returns the monotonic time in ms of the next one, or TIMER_NEVER. */
uint64_t heartbeat_advance(struct heartbeat *heartbeat, const struct engine_time *now);

struct peer_view {
	uint32_t index; /* of the peer in the policy store */
	const struct policy_peer *peer;
	uint32_t sessions, pairs;
	bool asked; /* requests are being sent */
	bool reachable;
	bool unsupported; /* answered with a binding error */
	bool has_counter;
	uint32_t restart_counter; /* last one it told */
	uint32_t missed;          /* in a row */
	uint64_t last_answer_ms;  /* monotonic; 0: never */
};

/* The first peer that takes part with an index >= @from; false if there is none. */
bool heartbeat_peer_next(const struct heartbeat *heartbeat, uint32_t from, struct peer_view *view);

/*
 * Take the state directory (created if missing) for this process, until the returned descriptor is closed or the
 * process ends: two gateways would count on each other's restarts. A negative errno otherwise: -EBUSY if another one
 * has it.
 */
int state_directory_lock(const char *directory);

/*
 * The restart counter on disk (a file `restart-counter` in @directory, created with the directory if missing): read,
 * add one, write atomically (temporary file, fsync, rename, fsync of the directory). 0 and the new value, 1 the first
 * time; a negative errno, which was logged: -EBADMSG if the file holds anything but a number.
 */
int restart_counter_next(const char *directory, uint32_t *counter);
