/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <netinet/in.h>

#include "timer_wheel.h"

#include "mh/mh.h"
#include "node/hash_index.h"
#include "node/history.h"
#include "pmip/ident.h"
#include "pmip/lma.h"

/*
 * The binding cache (RFC 5213 section 5.1): a slab of bindings, indexed by MN identifier and by each home network
 * prefix. A binding's slot is its node index, which the host allocates. Pure storage: no protocol, no forwarding.
 *
 * Threads: the control core. Memory: slab and indexes are reserved at creation (pages are touched as they fill);
 * identifiers and prefixes that do not fit a binding lie on the heap.
 */

/* What a PBU says and the LMA grants: a handover replaces it whole, and puts it back if forwarding refuses. */
struct binding_terms {
	struct in6_addr proxy_coa;
	struct in6_addr link_local; /* the MAG's; :: if none */
	struct ident link_layer_id; /* kind 0; empty: ALL_ZERO */
	uint64_t timestamp;         /* 48.16; 0: none */
	uint64_t expires_ms;
	uint32_t tunnel;
	uint32_t peer;       /* who registered it: index of policy_peer() */
	uint32_t epoch;      /* of the peer at that time: see lma_peer_lost() */
	uint32_t lifetime_s; /* granted */
	uint16_t sequence;
	uint16_t lifetime; /* asked for, in units of 4 s; 0: de-registration */
	uint8_t handoff_indicator;
	uint8_t access_technology;
};

struct lma_pending;
struct lma_former;
struct lma_hold;

struct binding {
	struct ident id;      /* MN identifier */
	uint32_t generation;  /* of the index */
	uint8_t state;        /* enum binding_state */
	uint8_t prefix_count; /* 0: free slot */
	uint8_t last_status;
	bool ro_allowed;          /* may take part in route optimisation, by policy */
	uint64_t prefix;          /* the first one, as endpoint.h */
	uint64_t *more_prefixes;  /* the others */
	uint64_t timestamp_floor; /* the highest of the MN's sessions that are gone */
	struct binding_terms terms;
	struct timer timer;          /* expiry or delete wait; may fire early after a refresh */
	struct lma_pending *pending; /* transaction under way, or NULL */
	struct lma_hold *hold;       /* PBU that waits for this binding's de-registration, or NULL */
	struct lma_former *former;   /* where it was before, for a while after a handover, or NULL */
	struct history history;
};

struct binding_cache {
	struct binding *slots;
	uint32_t slot_count; /* indexes from here on cannot be taken */
	uint32_t top;        /* one past the highest slot ever used */
	uint32_t count;
	uint64_t seed; /* of the hashes */
	struct hash_index by_id, by_prefix;
	uint64_t heap_bytes;
};

/* @max bindings; @seed keeps outsiders from choosing colliding identifiers. 0 or -ENOMEM. */
int binding_cache_init(struct binding_cache *cache, uint32_t max, uint64_t seed);
/* What bindings point to (pending, hold) is the caller's. */
void binding_cache_fini(struct binding_cache *cache);
/*
 * A binding at @index with its identifier and @count (1..PROXY_PREFIXES_MAX) prefixes, the rest zero. None of the
 * prefixes may be in another binding. NULL: the index is beyond the slab, or no memory.
 */
struct binding *binding_cache_insert(
	struct binding_cache *cache, uint32_t index, const struct mn_id *id, const uint64_t *prefixes, unsigned count);
void binding_cache_remove(struct binding_cache *cache, struct binding *binding);
/* NULL: none. */
struct binding *binding_cache_by_prefix(const struct binding_cache *cache, uint64_t prefix);
/* The bindings of an MN, one after the other, then NULL; *@at is 0 for the first call. Nothing may change meanwhile. */
struct binding *binding_cache_by_id(const struct binding_cache *cache, const struct mn_id *id, uint32_t *at);
/* The binding at that index, or NULL. */
struct binding *binding_cache_at(const struct binding_cache *cache, uint32_t index);
uint64_t binding_cache_bytes(const struct binding_cache *cache);

static inline uint32_t binding_index(const struct binding_cache *cache, const struct binding *binding)
{
	return (uint32_t)(binding - cache->slots);
}

static inline uint64_t binding_prefix(const struct binding *binding, unsigned i)
{
	return i == 0 ? binding->prefix : binding->more_prefixes[i - 1];
}

static inline struct mn_id binding_id(const struct binding *binding)
{
	return (struct mn_id){
		.subtype = binding->id.kind, .length = binding->id.length, .data = ident_data(&binding->id)};
}
