/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fwd_update.h"

/*
 * The pairs of a simulated owner: halves by (source, destination, which half). Slots are never given back: a half that
 * was here once keeps its own, so that what was refused is remembered until it is removed.
 */

/* Of an entry of any simulated table. */
enum presence { ABSENT, PRESENT, REFUSED };

struct pair_record {
	struct fwd_pair pair;
	uint32_t index;
	enum presence presence;
	uint64_t since_ns;     /* inserted or replaced */
	uint64_t elsewhere_ns; /* invariants: the LMA was last seen to have the source elsewhere; 0: never */
	uint64_t given_up_ns;  /* invariants: the LMA was last seen to have the destination where it is not; 0: never */
	uint64_t taken_ns;     /* invariants: the peer was last seen to take it; 0: never */
	uint64_t uncovered_ns; /* invariants: the peer was first seen not to take it; 0: it takes it */
};

struct pair_store;

struct pair_store *pair_store_create(void);
void pair_store_destroy(struct pair_store *store);
/* @half is FORWARD_PAIR_TX or FORWARD_PAIR_RX. NULL: it never was here. Valid until the next pair_store_at(). */
struct pair_record *pair_store_find(
	const struct pair_store *store, uint64_t source, uint64_t destination, uint8_t half);
struct pair_record *pair_store_at(struct pair_store *store, uint64_t source, uint64_t destination, uint8_t half);
/* The first one that is present in a slot >= *@at, which is moved behind it; NULL past the last. */
struct pair_record *pair_store_next(const struct pair_store *store, uint32_t *at);
