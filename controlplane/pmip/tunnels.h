/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "engine.h"

/*
 * The tunnels of an engine: one per (local, remote, encapsulation), shared by its bindings and counted; created with
 * the first user, removed with the last (RFC 5213 sections 5.6.1 and 6.10.2). Emits FWD_OP_tunnel_insert and
 * FWD_OP_tunnel_remove into the engine's open transaction and owns the tunnel indexes.
 *
 * A refused insert needs no repair here: every user's own transaction fails with it (its endpoints name a dead tunnel),
 * each of them releases, and the removal of what never was there is refused without effect.
 *
 * Threads: the control core.
 */
struct tunnels;

struct tunnel_view {
	uint32_t index;
	struct in6_addr local, remote;
	uint32_t users; /* bindings */
	uint16_t mtu_bytes;
	uint8_t type; /* enum tunnel_type */
};

/*
 * @shape: type, use, DSCP, hop limit, MTU and local address of all tunnels; remote and descriptor are ignored: the host
 * resolves the next hop and fills the descriptor. @max: tunnels at a time. NULL: no memory.
 */
struct tunnels *tunnels_create(struct engine_host *host, const struct fwd_tunnel *shape, uint32_t max);
void tunnels_destroy(struct tunnels *tunnels);
/* Index of the tunnel to @remote with one more user, created if needed; INDEX_NONE: @max or no index left. */
uint32_t tunnels_acquire(struct tunnels *tunnels, const struct in6_addr *remote);
/* One user less; with the last one the tunnel is removed in the open transaction. */
void tunnels_release(struct tunnels *tunnels, uint32_t index);
/* Index, or INDEX_NONE; no side effect. */
uint32_t tunnels_find(const struct tunnels *tunnels, const struct in6_addr *remote);
/* How many users the tunnel to @remote has; 0 if there is none. */
uint32_t tunnels_users(const struct tunnels *tunnels, const struct in6_addr *remote);
/* The first tunnel with an index >= @from. */
bool tunnels_next(const struct tunnels *tunnels, uint32_t from, struct tunnel_view *view);
uint32_t tunnels_count(const struct tunnels *tunnels);
