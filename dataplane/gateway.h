/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <netinet/in.h>
#include <rte_branch_prediction.h>
#include <rte_byteorder.h>
#include <rte_ether.h>

#include "address_set.h"
#include "dataplane.h"
#include "bounds.h"
#include "pair_sketch.h"

/*
 * What the stages know of the gateway itself: its role, ports, access links, own addresses, peers and pools. Made of
 * the configuration and the MAC addresses of the ports; the forwarding tables are elsewhere.
 *
 * Threads: made before the workers start, const afterwards.
 */
struct gateway_port {
	uint64_t frame[2]; /* the first octets of nearly every frame here, under GATEWAY_FRAME_MASK */
	uint8_t side;      /* enum dataplane_side */
	struct rte_ether_addr mac;
	uint16_t mtu_bytes;
	struct in6_addr link_local;
	uint16_t *links; /* access: link by VLAN identifier, [0] without one; LINK_NONE: there is none */
};

/* Of the first 16 octets of a frame: destination, type and the version of IPv6. */
#define GATEWAY_FRAME_MASK_0 RTE_BE64(0xffffffffffff0000)
#define GATEWAY_FRAME_MASK_1 RTE_BE64(0x00000000fffff000)

struct gateway_link {
	uint16_t port; /* PORT_NONE: there is no such link, and nothing fits into it */
	uint16_t vlan; /* VLAN_NONE: untagged */
	uint16_t mtu_bytes;
	uint8_t reserved[2];
	uint8_t ethernet[8]; /* source and type of frames without a tag */
};

/* What an own address is, in the values of `own`. */
enum own_kind {
	OWN_ADDRESS, /* global or unique local */
	OWN_LINK,    /* link-local of one port */
	OWN_GROUP,   /* multicast group that we listen to */
};

struct gateway {
	enum dataplane_role role;
	unsigned port_count;
	struct gateway_port ports[PORTS_MAX];
	unsigned link_count;
	struct gateway_link links[LINKS_MAX];
	struct address_set own;   /* address -> enum own_kind | (port + 1) << 8, port part 0: on every port */
	struct address_set peers; /* sources of Mobility Headers */
	unsigned pool_count;
	struct dataplane_pool *pools;
	unsigned pair_prefix_count;
	struct dataplane_pool *pair_prefixes;
	struct pair_told *pair_told; /* NULL: pairs are not watched; workers: rw, as pair_sketch.h says */
	struct rte_ether_addr access_mac;
	struct in6_addr access_link_local;
	const struct memory *memory;
};

/*
 * @macs: one per configured port, in order. 0, or -ENOMEM, -EINVAL (links overlap or exceed LINKS_MAX, a port that
 * does not exist, an access port of an LMA); after an error nothing is left behind.
 */
int gateway_init(struct gateway *gateway, const struct dataplane_config *config, const struct rte_ether_addr *macs,
	const struct memory *memory);
void gateway_fini(struct gateway *gateway);

/* Is @address in one of the LMA's pools? Slow path only. */
bool gateway_in_pools(const struct gateway *gateway, const uint8_t *address);
/* Is @address where the other end of a pair may be that is no endpoint here? Sampled packets only. */
bool gateway_in_pair_prefixes(const struct gateway *gateway, const uint8_t *address);

/* The kind of an own address as seen on @port (PORT_NONE: out of a tunnel), or -1 if it is not ours there. */
static inline int gateway_own(const struct gateway *gateway, const void *address, uint16_t port)
{
	uint32_t value = address_set_lookup(&gateway->own, address);

	if (likely(value == ADDRESS_SET_MISS))
		return -1;
	if (value >> 8 != 0 && value >> 8 != (uint32_t)port + 1)
		return -1;
	return (int)(value & 0xff);
}
