/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "api/walk.h"
#include "ro/pair_events.h"
#include "ro/ro.h"

/*
 * Pairs of route optimisation as rows. Keys begin with a_ and b_ for the two mobile nodes.
 *
 * Threads: the control core.
 */
#define GATEWAY_TEXT_MAX 128

/* Our own name, a peer's, or the address; NULL for ::. */
const char *gateway_name(const struct walk *walk, const struct in6_addr *address, char text[GATEWAY_TEXT_MAX]);
/* The identifier, or the prefix while that is not known. */
#define END_TEXT_MAX MN_TEXT_MAX
const char *end_name(const struct mn_id *id, uint64_t endpoint, char text[END_TEXT_MAX]);

/* The side that has the prefix, first one or not: 0 or 1; 1 if none has. */
unsigned pair_side(const struct ro_view *view, uint64_t endpoint);
/*
 * The path of packets from @side to the other one as far as it is known here: "direct", "local" (both at one MAG),
 * "moving" (an update after a handover is under way), "lma".
 */
const char *pair_path(const struct walk *walk, const struct ro_view *view, unsigned side);
/* Everything about a pair but events. */
void row_pair(struct row *row, const struct walk *walk, const struct ro_view *view);
/* "192.0.2.1/24", null: none */
void row_ipv4_home(struct row *row, const char *key, const struct ro_ipv4_home *home);
/* An event: at, ago_ms, event, detail. */
void row_pair_event(struct row *row, const struct engine_time *now, uint64_t wall_ns, uint8_t event, uint8_t value);
