/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "engine.h"

/*
 * What keeps direct paths honest (wire-formats G.6.2, G.6.14), brought together: how many pairs depend on each peer
 * goes to the heartbeats; in a MAG the counters of the workers go to the probe, its questions to heartbeats and echo
 * requests, and what the network says about direct tunnels to whom it concerns.
 *
 * Threads: the control core.
 */
struct door;
struct heartbeat;
struct liveness;
struct net;
struct net_heard;
struct policy;
struct probe_stats;
struct ro;

/* All outlive the object. */
struct liveness_config {
	bool is_mag;
	uint32_t max_pairs;
	struct ro *ro;
	struct heartbeat *heartbeat; /* it tells this one of answers */
	struct net *net;
	const struct policy *policy;
	const struct door *door;
	uint16_t identifier; /* of echo requests: chance */
};

/* NULL: no memory. */
struct liveness *liveness_create(const struct liveness_config *config, const struct engine_time *now);
void liveness_destroy(struct liveness *liveness);
/* What net says about the way to another MAG. */
void liveness_heard(struct liveness *liveness, const struct engine_time *now, const struct net_heard *heard);
/* Bounded; returns the monotonic time in ms of the next call. */
uint64_t liveness_advance(struct liveness *liveness, const struct engine_time *now);
/* All zero at an LMA. */
void liveness_stats(const struct liveness *liveness, struct probe_stats *stats);
