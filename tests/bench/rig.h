/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <rte_mbuf.h>

#include "worker.h"

/*
 * A data plane in a test rig: the tables, workers and stages that ship, filled with mobile nodes, over ports that are
 * rings. An LMA with 1024 MAGs, a MAG with one LMA, or that MAG with every mobile node in a pair with one behind
 * another MAG. Worker 0 owns the tables. All counters are on; rig_count() turns those of nodes, tunnels and pairs off
 * and on.
 *
 * Threads: made and ended by one thread; each worker belongs to the thread that polls it.
 */
#define RIG_MAGS    1024
#define RIG_WORKERS 2
#define RIG_PORTS   2

enum rig_port { RIG_CORE, RIG_OTHER }; /* towards LMA and MAGs; towards nodes (MAG) or the Internet (LMA) */
enum rig_kind { RIG_LMA, RIG_MAG, RIG_MAG_PAIRS, RIG_KINDS };

#define RIG_NODES   UINT64_C(0x20010db800000000) /* home network of node 0; the next ones follow */
#define RIG_SERVERS UINT64_C(0x20010db900000000) /* in the Internet */
#define RIG_REMOTES UINT64_C(0x20010dbb00000000) /* node 0's partner at the other MAG */

struct rig {
	enum rig_kind kind;
	uint32_t nodes;
	unsigned workers;
	struct dataplane_config config;
	struct gateway gateway;
	struct memory memory;
	struct tables *tables;
	struct door *door;
	struct owner owner;
	struct worker *worker[RIG_WORKERS];
	struct object_counters counters[RIG_WORKERS];
	struct pair_sketch *sketch[RIG_WORKERS];
	struct rte_ring *receive[RIG_WORKERS][RIG_PORTS], *transmit[RIG_WORKERS][RIG_PORTS];
	uint16_t ethdev[RIG_PORTS];
	bool rings;
};

/*
 * With ports that are rings; or, if @ethdev is not RIG_RINGS, with that configured device behind both ports.
 * Ends the process with a message if there is not enough memory: a rig is all that it is for.
 */
#define RIG_RINGS UINT16_MAX

struct rig *rig_create(enum rig_kind kind, uint32_t nodes, unsigned workers, uint16_t ethdev, struct rte_mempool *pool);
void rig_destroy(struct rig *rig);
/* Counters of objects and detection of pairs at @worker. */
void rig_count(struct rig *rig, unsigned worker, bool count, bool watch);

/* Outer addresses: our own, that of the other end of tunnel @index; a node's MAC. */
void rig_own_address(const struct rig *rig, uint8_t *to);
void rig_peer_address(const struct rig *rig, uint8_t *to, uint32_t index);
void rig_node_mac(uint8_t *mac, uint32_t node);
void rig_address(uint8_t *to, uint64_t upper, uint64_t lower);
/* An update that replaces what there is of @node by the same: a handover to where it is. */
void rig_update(const struct rig *rig, uint32_t node, struct fwd_update *update);

/* "hawser-bench: what", exit code 1. */
_Noreturn void rig_die(const char *what);
