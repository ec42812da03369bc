/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "engine.h"

#include "pmip/tunnels.h"

/*
 * A gateway that only forwards: takes the place of the protocol engines and fills the forwarding tables with the rows
 * of a file (bindings_file.h), for people who measure with a traffic generator. Every row is one transaction; a slice
 * of them goes out per turn, as long as the host is not busy, so that the control core stays responsive and what is
 * under way is bounded. The rows are given back when the last one is applied. A row whose tunnel has no next hop counts
 * as applied: the tunnel is mended when its next hop answers, and a log line says how many there are.
 *
 * Threads: the control core.
 */
struct bindings;
struct config;
struct forward_only;

/*
 * Takes over @bindings, also when it fails: NULL, not enough memory. @config outlives the object. Tunnels are made with
 * the first row that needs them.
 */
struct forward_only *forward_only_create(const struct config *config, struct bindings *bindings,
	struct engine_host *host, const struct engine_time *now);
void forward_only_destroy(struct forward_only *forward);

/* The next slice; returns the monotonic time in ms of the next call, or TIMER_NEVER when all rows are in. */
uint64_t forward_only_advance(struct forward_only *forward, const struct engine_time *now);
void forward_only_transaction_done(
	struct forward_only *forward, const struct engine_time *now, uint64_t cookie, int error);

struct forward_only_stats {
	uint32_t bindings, nodes, pairs, neighbours; /* rows of the file, and mobile nodes in them */
	uint32_t applied;                            /* bindings and pairs */
	uint32_t refused;                            /* by the tables */
	uint32_t unresolved;                         /* applied, but the tunnel had no next hop then */
	uint32_t tunnels;
	bool complete; /* every row is applied or refused */
};

void forward_only_stats(const struct forward_only *forward, struct forward_only_stats *stats);
/* The first tunnel with an index >= @from. */
bool forward_only_tunnel_next(const struct forward_only *forward, uint32_t from, struct tunnel_view *view);
/* How many rows go over the tunnels to @peer. */
uint32_t forward_only_peer_rows(const struct forward_only *forward, const struct in6_addr *peer);
