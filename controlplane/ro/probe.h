/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "engine.h"
#include "ro/ro.h"

/*
 * Watches the direct paths of a MAG by the counters of its pairs (wire-formats G.6.2, G.6.14): a pair that sends direct
 * without receiving anything for a second has its peer MAG probed, once a second, as long as that lasts; after three
 * probes in a row without an answer the peer is lost. And it knows whether something came direct from the peer
 * of late, when that peer says that it has no state for the pair.
 *
 * Looks at a bounded number of pairs per call and so often that up to PROBE_SLICE * 10 pairs are seen every 50 ms; with
 * more of them a round takes longer. A pure state machine: time, counters and answers in, questions and verdicts out.
 *
 * Threads: the control core. Memory: fixed at creation, 36 octets per pair.
 */
struct probe;

#define PROBE_SLICE      1024 /* slots of pairs in one call */
#define PROBE_SLICE_MS   5    /* between slices */
#define PROBE_ROUND_MS   50   /* between the beginnings of rounds, at least */
#define PROBE_SILENCE_MS 1000
#define PROBE_WAIT_MS    1000 /* for an answer, and between questions */
#define PROBE_LOSSES     3
#define PROBE_RECENT_MS  100 /* a packet of the peer's that is not older says that it has state */

struct probe_ops {
	/* As ro_direct_next(), ro_direct_end() and ro_direct_find(). */
	bool (*next)(void *context, uint32_t *from, unsigned slots, struct ro_direct *direct);
	uint32_t (*end)(void *context);
	bool (*find)(void *context, uint64_t source, uint64_t destination, struct ro_direct *direct);
	/* Packets that were ever sent and received direct. False: nobody counts. */
	bool (*packets)(void *context, uint32_t pair, uint64_t *sent, uint64_t *received);
	/* A question to the peer: Heartbeat or, in proxy mode, ICMPv6 echo request. */
	void (*ask)(void *context, const struct in6_addr *peer, bool proxy, uint16_t sequence);
	/* The peer does not answer: its pairs go back to their anchors. As ro_peer_lost(). */
	void (*lost)(void *context, const struct in6_addr *peer);
	/* The peer has no state for the pair, and nothing came from there. As ro_error(). */
	void (*error)(void *context, uint64_t source, uint64_t destination, const struct in6_addr *peer);
};

/* @max_pairs: slots. NULL: no memory. @ops may call back into the engine, not into this. */
struct probe *probe_create(
	uint32_t max_pairs, const struct probe_ops *ops, void *context, const struct engine_time *now);
void probe_destroy(struct probe *probe);
/* The peer answered a question, or said something else that shows that it is there. */
void probe_answered(struct probe *probe, const struct in6_addr *peer);
/*
 * An RO Error of @peer about a packet from @source to @destination. Nothing comes of it if a direct packet of the pair
 * came from there in the last 100 ms; where the counters do not tell, the next 100 ms decide.
 */
void probe_error(struct probe *probe, const struct engine_time *now, uint64_t source, uint64_t destination,
	const struct in6_addr *peer);
/* Look on, ask, judge; returns the monotonic time in ms of the next call. */
uint64_t probe_advance(struct probe *probe, const struct engine_time *now);

struct probe_stats {
	uint64_t silent;     /* pairs that began to send without receiving */
	uint64_t asked;      /* questions */
	uint64_t lost;       /* peers */
	uint64_t errors;     /* RO Errors that were believed */
	uint64_t refuted;    /* a packet of the peer shows that it has state */
	uint64_t undecided;  /* the next 100 ms had to decide */
	uint64_t overflowed; /* too many peers or errors at a time */
	uint32_t watched;    /* pairs, in the last round */
	uint32_t peers;      /* that are being asked */
};

void probe_stats(const struct probe *probe, struct probe_stats *stats);
