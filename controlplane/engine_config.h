/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "config/config.h"
#include "node/policy.h"
#include "pmip/lma.h"
#include "pmip/mag.h"
#include "ro/ro.h"

/*
 * From the configuration to what the engines take. Pure functions.
 *
 * Threads: start-up.
 */

/*
 * The policy store: peers, pools and mobile nodes with the indexes of their order in the file, the default profile if
 * unknown nodes are not refused. Everything is copied. NULL: not enough memory (a configuration that was loaded has
 * nothing that the store refuses).
 */
struct policy *config_policy(const struct config *config);

/*
 * @policy is only referred to. Tunnels get the smallest MTU of the core ports less the outer header; restart-hold:
 * max-binding-lifetime becomes that lifetime (after the very first start there is nothing to hold: the caller knows by
 * the restart counter and sets 0).
 */
void config_lma_engine(const struct config *config, const struct policy *policy, struct lma_config *lma);
void config_mag_engine(const struct config *config, const struct policy *policy, struct mag_config *mag);

/* What all tunnels of that use have in common: own address, MTU, DSCP, hop limit. */
struct fwd_tunnel config_tunnel(const struct config *config, enum tunnel_use use);

/*
 * Route optimisation in either role; without hooks. @peers: the block that ro->peers and ro->eligible point into, the
 * caller frees it after the engine. 0 or -ENOMEM.
 */
int config_ro_engine(const struct config *config, struct ro_config *ro, struct ro_peer **peers);
