/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "door.h"
#include "engine.h"

#include "pair_store.h"
#include "random.h"

/*
 * A gateway's forwarding tables behind a simulated door: updates are applied in order after a random delay, some are
 * refused, removals are reclaimed later still. It is the table owner as fwd_update.h describes it, and it is strict:
 * what an engine may never do (use before create, remove with users, reuse before reclaimed, create twice) is told to
 * violation(). An update that names what was refused before is answered with -ENOENT, as the owner would.
 */
struct owner;

struct owner_faults {
	uint64_t apply_min_us, apply_max_us;     /* from push to applied */
	uint64_t reclaim_min_us, reclaim_max_us; /* from applied to reclaimed */
	uint32_t refuse_ppm;                     /* inserts and replacements answered with -ENOSPC */
	uint32_t room;                           /* updates in the ring, 0: no limit */
};

/* @faults is read again for each update. Aborts without memory. */
struct owner *owner_create(struct sim_random *random, const struct owner_faults *faults,
	void (*violation)(void *context, const char *what), void *context);
void owner_destroy(struct owner *owner);

/* The door: as struct transactions_door. */
uint64_t owner_push(struct owner *owner, uint64_t now_ns, const struct fwd_update *update);
uint64_t owner_applied(const struct owner *owner);
uint64_t owner_reclaimed(const struct owner *owner);
unsigned owner_failures(struct owner *owner, struct door_failure *failures, unsigned n);
/* An index was allocated: entries that name it carry its new generation. */
void owner_allocated(struct owner *owner, enum index_space space, uint32_t index);

/* The @n-th insert or replacement of a half of a pair from now on is refused; 0: none. */
void owner_refuse_pair(struct owner *owner, unsigned n);

/* Apply and reclaim what is due. */
void owner_advance(struct owner *owner, uint64_t now_ns);
/* When something is due next, or UINT64_MAX. */
uint64_t owner_next(const struct owner *owner);
/* Nothing waits to be applied. */
bool owner_is_settled(const struct owner *owner);

/* ---- what the workers would see ---- */

uint32_t owner_tunnel_count(const struct owner *owner);
uint32_t owner_endpoint_count(const struct owner *owner);
uint32_t owner_link_count(const struct owner *owner);
const struct fwd_tunnel *owner_tunnel(const struct owner *owner, uint32_t index); /* NULL: none */
const struct forward *owner_endpoint(const struct owner *owner, uint64_t id);     /* NULL: none */
/* Node index of the MN on the link, or INDEX_NONE; @state may be NULL. */
uint32_t owner_link(const struct owner *owner, uint16_t link, const uint8_t mac[6], enum link_state *state);
/* The half (FORWARD_PAIR_TX or _RX) of a pair, or NULL. */
struct pair_record *owner_pair(const struct owner *owner, uint64_t source, uint64_t destination, uint8_t half);
/* The first half that is there in a slot >= *@at, which is moved behind it; NULL past the last. */
struct pair_record *owner_pair_next(const struct owner *owner, uint32_t *at);
uint32_t owner_pair_count(const struct owner *owner); /* halves */
/* Changes with every update of a pair. */
uint64_t owner_pair_version(const struct owner *owner);
/* The first endpoint in a slot >= *@at, which is moved behind it; false past the last. */
bool owner_endpoint_next(const struct owner *owner, uint32_t *at, uint64_t *id, const struct forward **forward);
