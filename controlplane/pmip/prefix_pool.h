/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "node/policy.h"

/*
 * Home network prefixes of the pools: who has which /64. Prefixes are handed out in turn, so that one that was used
 * comes up again as late as possible. When a binding ends its prefixes are held for the mobile node, which gets them
 * back if it returns in time. After a start without state nobody knows what is still in use out there: until the
 * restart hold is over only explicit prefixes are granted (wire-formats B.10).
 *
 * Prefixes are 64-bit ids as in endpoint.h (host order). Static prefixes of configured nodes are never handed out.
 * Allocation touches a bounded number of tree nodes, however large or full the pool is.
 *
 * Threads: the control core.
 */
struct prefix_pools;

/* The prefix that the id stands for. */
static inline struct home_network_prefix prefix_from_id(uint64_t id)
{
	struct home_network_prefix prefix = {.length = 64};
	uint64_t be = __builtin_bswap64(id);

	memcpy(prefix.prefix.s6_addr, &be, sizeof(be));
	return prefix;
}

struct prefix_pools_config {
	const struct policy *policy;
	uint64_t hold_ms;          /* 0: not held at all */
	uint64_t restart_until_ms; /* monotonic: no dynamic allocation before */
	uint32_t held_max;         /* prefixes held at a time; the oldest gives way */
	uint64_t seed;             /* random: keeps outsiders from choosing colliding hashes */
};

/* NULL: no memory. */
struct prefix_pools *prefix_pools_create(const struct prefix_pools_config *config);
void prefix_pools_destroy(struct prefix_pools *pools);
/*
 * One prefix of @pool for the mobile node: one held for it, else a free one. 0; -EAGAIN in the restart hold, -ENOSPC
 * when the pool is used up (or is none), -ENOMEM.
 */
int prefix_pools_allocate(
	struct prefix_pools *pools, uint64_t now_ms, uint32_t pool, const struct mn_id *id, uint64_t *prefix);
/*
 * This prefix of @pool, if it is free or held for the mobile node. 0; -ENOENT not of the pool, -EADDRINUSE somebody
 * else's, -ENOMEM.
 */
int prefix_pools_claim(struct prefix_pools *pools, uint32_t pool, uint64_t prefix, const struct mn_id *id);
/*
 * The binding ended: hold the prefix, at least until @until_ms: a MAG that does not know of the end may use it so long
 * (0: none does). What is released later is not free before. Prefixes of no pool are ignored.
 */
void prefix_pools_release(
	struct prefix_pools *pools, uint64_t now_ms, uint64_t until_ms, uint64_t prefix, const struct mn_id *id);
/* Free up to @budget prefixes whose hold is over. Returns the time of the next one, or UINT64_MAX. */
uint64_t prefix_pools_advance(struct prefix_pools *pools, uint64_t now_ms, unsigned budget);
/* /64s of pool @index: in bindings, held, and all that can be handed out; false if there is no such pool. */
bool prefix_pools_usage(
	const struct prefix_pools *pools, uint32_t index, uint64_t *used, uint64_t *held, uint64_t *total);
uint64_t prefix_pools_bytes(const struct prefix_pools *pools);
