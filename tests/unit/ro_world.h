/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "fake_host.h"

#include "ro/pair_events.h"

/*
 * Two LMAs and three MAGs with real route optimisation engines, each on a fake host, in simulated time. Sessions are
 * what the test says; every message is an arrow "LMA1 -RO Init-> MAG2", with its status if that is a failure, "(0)"
 * if it ends something.
 *
 * After every message the invariants of wire-formats G.6.15 that hold at any time are checked: what a MAG sends direct
 * the other one takes (d), pairs are updated as a table owner allows, and a MAG sends and delivers packets of those
 * prefixes only that its MNs have (RO-090).
 */
enum { LMA1, LMA2, MAG1, MAG2, MAG3, NODES };

#define WORLD_MNS     3
#define WORLD_ARROWS  256
#define WORLD_QUEUE   256
#define WORLD_PAIRS   32
#define WORLD_MARKERS 32

struct world_mn {
	char id[16];
	uint64_t prefix, second; /* second: 0 if it has one */
	struct ro_ipv4_home ipv4;
	int lma, mag;  /* mag -1: nowhere */
	bool denied;   /* by policy, everywhere */
	int former;    /* MAG of before the last handover; -1: none */
	bool given_up; /* its MAG does not serve it any more, and its LMA does not know */
	bool unbound;  /* its LMA has no binding of it, and its MAG does not know */
	/* What its MAG has yet where that is not what its LMA has; served: 0 if it is. */
	uint64_t served, served_second;
};

struct world_pair {
	struct fwd_pair pair;
	uint32_t index; /* of the association that it is of */
	bool used;
};

/* A marker that a MAG sent into its LMA's tunnel (G.6.13). */
struct world_marker {
	unsigned mag;
	uint64_t source, destination; /* prefixes */
};

struct world_node {
	struct fake_host fake;
	struct ro *ro;
	struct pair_events *events;
	struct ro_config config;
	unsigned number;
	struct world *world;
	struct ro_peer peers[NODES];
	struct world_pair pairs[WORLD_PAIRS];
	uint64_t packets; /* that its workers count for every pair; UINT64_MAX: none of them counts */
	bool dead;
};

/* The message number @number from now, from 1, waits until @by others have come, or until world_release(). 0: none. */
struct world_delay {
	unsigned number, by;
	struct fake_message message;
	bool waits;
};

#define WORLD_DELAYS 2

struct world {
	struct world_node nodes[NODES];
	struct world_mn mns[WORLD_MNS];
	struct engine_time now;
	char arrows[WORLD_ARROWS][64];
	unsigned arrow_count;
	struct world_marker markers[WORLD_MARKERS]; /* since the test reset the count */
	unsigned marker_count;
	struct fake_message queue[WORLD_QUEUE];
	unsigned head, tail;
	const char *lose; /* this arrow is lost @lose_count times */
	unsigned lose_count;
	unsigned lose_number; /* the n-th message from now is lost; 0: none */
	struct world_delay delays[WORLD_DELAYS];
	bool refusals; /* updates may be refused */
	bool early;    /* pairs may send before the peer receives for a moment */
	bool in_order; /* by policy of every MN */
};

struct world_options {
	void (*adjust)(struct ro_config *config);
	bool proxy, one_lma, early, native, trust_peers, pbu_for_setup, in_order;
};

void world_init(struct world *world, struct world_options options);
void world_fini(struct world *world);
/* Until nothing is on its way. */
void world_run(struct world *world);
/* Until so many messages were delivered at most. */
void world_step(struct world *world, unsigned messages);
/* What is delayed comes now. */
void world_release(struct world *world);
/* Time passes in steps of 50 ms. */
void world_pass(struct world *world, uint64_t ms);
/* mn1 -> mn2 and back were seen by @node. */
void world_traffic(struct world *world, unsigned node);
/* MN @mn (1..) is at @mag now; its LMA and both MAGs are told. -1: nowhere. */
void world_move(struct world *world, unsigned mn, int mag);
void world_restart(struct world *world, unsigned node);
/* How many pairs, entries of pairs and tunnels there are anywhere. */
unsigned world_count_left(const struct world *world);
/* MN 1 and 2 leave for good: after 400 s there is nothing of them anywhere. @seed: what to say if there is. */
void world_expect_nothing_left(struct world *world, unsigned seed);
/* Everything sent since the last call, in order. */
#define expect_arrows(world, ...) \
	world_expect_arrows(world, __FILE__, __LINE__, (const char *const[]){__VA_ARGS__, NULL})
void world_expect_arrows(struct world *world, const char *file, int line, const char *const *expected);
/* How often this arrow is among those that world_expect_arrows() would see now. */
unsigned world_count_arrows(const struct world *world, const char *arrow);
/* The entry of a MAG for packets from @source to @destination (numbers of MNs), that which takes them first, or NULL.
 */
const struct fwd_pair *world_entry(const struct world *world, unsigned mag, unsigned source, unsigned destination);
/* Does @mag send mn @source to mn @destination direct to @peer (or locally, if it is @mag itself)? */
bool world_sends(const struct world *world, unsigned mag, unsigned source, unsigned destination, unsigned peer);
/* Nobody sends anything direct. */
bool world_is_quiet(const struct world *world);
