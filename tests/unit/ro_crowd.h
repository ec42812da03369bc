/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "engine.h"

#include "ro/ro.h"

/*
 * One LMA, two MAGs and many pairs: mobile node 2i at the first MAG talks with 2i + 1 at the second. Route optimisation
 * engines on hosts that apply everything at once, or on a host of the caller's. For tests of numbers and for
 * measurements: what an engine's functions take by @clock is summed up, the way of messages between them is not.
 */
enum { CROWD_LMA, CROWD_MAG1, CROWD_MAG2, CROWD_NODES };

struct crowd;

struct crowd_options {
	uint32_t pairs; /* that may be set up */
	bool proxy;
	uint64_t (*clock)(void); /* NULL: nothing is measured */
};

/* NULL: no memory. */
struct crowd *crowd_create(const struct crowd_options *options);
void crowd_destroy(struct crowd *crowd);
/*
 * Before anything else: @node gets another host, which calls crowd_sent() for each message and crowd_done() at the end
 * of a transaction; @poll lets it work, and returns how much is left to do. 0, or -1: no memory.
 */
int crowd_set_host(
	struct crowd *crowd, unsigned node, struct engine_host *host, uint32_t (*poll)(void *context), void *context);
void crowd_sent(struct crowd *crowd, const struct mh_datagram *datagram);
void crowd_done(struct crowd *crowd, unsigned node, uint64_t cookie, int error);
/* The LMA sees packets of @count pairs from @first on, both ways. */
void crowd_start(struct crowd *crowd, uint32_t first, uint32_t count);
void crowd_stop(struct crowd *crowd, uint32_t first, uint32_t count);
/* Until nothing is on its way. */
void crowd_run(struct crowd *crowd);
/* Time passes, timers fire. */
void crowd_pass(struct crowd *crowd, uint64_t ms);
/* One turn of the timers of @node; true: it wants another one at once. */
bool crowd_turn(struct crowd *crowd, unsigned node);
struct ro *crowd_ro(const struct crowd *crowd, unsigned node);
const struct engine_time *crowd_now(const struct crowd *crowd);
const struct in6_addr *crowd_address(const struct crowd *crowd, unsigned node);
uint64_t crowd_ticks(const struct crowd *crowd, unsigned node);
/* Pair updates that are in force at @node: halves inserted less those removed. */
uint64_t crowd_halves(const struct crowd *crowd, unsigned node);
uint64_t crowd_updates(const struct crowd *crowd, unsigned node);
