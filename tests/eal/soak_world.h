/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "bed.h"

/*
 * The forwarding state of the soak test, with its past: what a packet may meet that was on its way while an update was.
 *
 * A version of an object holds from the push of its update to the reclaim of its successor's. A packet that was made
 * when everything up to some update was reclaimed may have met any version that had no reclaimed successor then.
 *
 * Threads: one changes the world (world_change_some()), others read it; all under the lock.
 *
 * Nodes are 2001:db8:aa:N::/64. Pair i is node i and remote i, 2001:db8:bb:N::/64, at another MAG; local pairs are node
 * i and node i + 1. A MAG's tunnels below WORLD_ANCHORS go to LMAs and stay, the others to MAGs; an LMA's all to MAGs.
 */
#define WORLD_NODES      192
#define WORLD_PAIRS      96
#define WORLD_LOCALS     32
#define WORLD_SWITCHED   8 /* pairs of a MAG, the first ones: they leave the anchor in order, again and again */
#define WORLD_TUNNELS    24
#define WORLD_ANCHORS    2
#define WORLD_LINKED     64 /* nodes whose MAC is in the link table, now and then */
#define WORLD_LINKS      3
#define WORLD_NEIGHBOURS 8
#define WORLD_ROUTES     8 /* 2001:db8:5:N::/64 */
#define WORLD_VERSIONS   64

struct version {
	struct fwd_update update; /* with its number */
	uint32_t generation;      /* of the link-layer address that a tunnel or a neighbour leads to */
	bool live;                /* false: a removal, or nothing yet */
};

struct object {
	struct version versions[WORLD_VERSIONS]; /* version n at n % WORLD_VERSIONS */
	uint32_t count;
};

enum switch_state {
	SWITCH_IDLE,
	SWITCH_ARMED, /* the pair holds direct packets back from now on */
};

/* A pair that leaves the anchor in order. */
struct world_switch {
	enum switch_state state;
	bool used;    /* by packets on their way: to be left alone */
	uint8_t hold; /* its latest number */
	uint64_t seq; /* of the update that armed it */
};

struct world {
	struct bed *bed;
	pthread_mutex_t lock;
	uint64_t random;
	struct object endpoints[WORLD_NODES];
	struct object links[WORLD_LINKED * WORLD_LINKS];
	struct object tunnels[WORLD_TUNNELS];
	struct object pairs_tx[WORLD_PAIRS + WORLD_LOCALS]; /* local ones last */
	struct object pairs_rx[WORLD_PAIRS];
	struct object neighbours[WORLD_NEIGHBOURS];
	struct object routes[WORLD_ROUTES];
	struct world_switch switches[WORLD_SWITCHED];
	uint64_t free_after[WORLD_TUNNELS];       /* an index is used again when that is reclaimed */
	uint64_t descriptor_after[WORLD_TUNNELS]; /* a slot of the slab is written when that is applied */
	uint32_t generation;
	uint64_t updates;
};

struct world *world_create(struct bed *bed, uint64_t seed);
void world_destroy(struct world *world);
static inline bool world_is_mag(const struct world *world)
{
	return world->bed->config.role == DATAPLANE_MAG;
}

/* Some random changes, as many as find room at the door. */
void world_change_some(struct world *world);
/* Tunnels and neighbours that are always there, through the door as everything: false until they are. */
bool world_fill(struct world *world);
/* Remove everything that can be removed, what uses first; false: not all yet. */
bool world_empty(struct world *world);
unsigned world_live(const struct object *objects, unsigned count);

/* The version so many changes ago; NULL: forgotten, or never was. */
static inline const struct version *object_version(const struct object *object, unsigned back)
{
	if (back >= object->count || back >= WORLD_VERSIONS)
		return NULL;
	return &object->versions[(object->count - 1 - back) % WORLD_VERSIONS];
}

static inline const struct version *object_now(const struct object *object)
{
	return &object->versions[(object->count - 1) % WORLD_VERSIONS];
}

void world_node_mac(uint8_t *mac, uint32_t node, uint8_t variant);
/* What a tunnel or a neighbour of that generation leads to. */
void world_hop_mac(uint8_t *mac, uint32_t generation);
void world_address(uint8_t *to, uint16_t third, uint16_t fourth, uint16_t last);
void world_own_address(const struct world *world, uint8_t *to);
void world_peer_address(const struct world *world, uint8_t *to, uint32_t tunnel);
