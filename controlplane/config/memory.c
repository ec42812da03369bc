/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/config.h"

/*
 * What the configured sizes cost, by the sizes that the parts are designed for. An estimate for `--check`: the data
 * plane reserves what its tables really take.
 */
#define CONTROL_NODE_BYTES    600 /* binding or attachment with its index slots, prefixes and history */
#define POLICY_NODE_BYTES     320 /* a configured mobile node in policy and configuration */
#define FORWARDING_NODE_BYTES 128 /* endpoint, on a MAG twice: link too */
#define OBJECT_COUNTER_BYTES  32  /* up and down, packets and octets; per worker */
#define TUNNEL_BYTES          512 /* entry, peer, template, control side */
#define NEIGHBOUR_BYTES       256
#define ROUTE_BYTES           192
#define UPDATE_RING_BYTES     (16384 * 64)                                  /* per NUMA socket; we count one */
#define WORKER_BYTES          (2 * 8192 * 8 + 4096 * 8 + 4096 * 64 + 65536) /* punt, inject and event rings, vectors */

#define QUEUE_DESCRIPTORS 1024
#define WORKER_MBUFS      (512 + 4 * VECTOR_MAX) /* cache of the pool, vectors */
#define CONTROL_MBUFS     8192                   /* in punt and inject rings, held for next hops */
#define MBUF_HEADER_BYTES (64 + 128 + 64)        /* object header, struct rte_mbuf, dynamic fields and padding */
#define MBUF_HEADROOM     (128 + 64)             /* for tunnel headers; the tail of ESP later */
#define FRAME_BYTES       (22u + 128u) /* Ethernet, VLAN and checksum; what a kernel packet ring puts before a frame */
#define FRAME_ALIGN       1024u
#define MBUF_ROOM_MIN     2048

static uint64_t tables_bytes(const struct config *config)
{
	const struct config_dataplane *dataplane = &config->dataplane;
	bool is_mag = config->role == ROLE_MAG;
	uint64_t nodes = is_mag ? config->mag.max_nodes : config->lma.max_bindings;
	uint64_t node = CONTROL_NODE_BYTES + FORWARDING_NODE_BYTES * (is_mag ? 2 : 1);
	uint64_t tunnel = TUNNEL_BYTES;

	if (dataplane->node_counters)
		node += (uint64_t)OBJECT_COUNTER_BYTES * dataplane->worker_count;
	if (dataplane->tunnel_counters)
		tunnel += (uint64_t)OBJECT_COUNTER_BYTES * dataplane->worker_count;
	return nodes * node + (uint64_t)config->node_count * POLICY_NODE_BYTES + config->peer_count * tunnel +
	       (uint64_t)config->limits.neighbours * NEIGHBOUR_BYTES + (uint64_t)config->limits.routes * ROUTE_BYTES +
	       UPDATE_RING_BYTES + (uint64_t)dataplane->worker_count * WORKER_BYTES;
}

static uint64_t mbuf_count(const struct config *config)
{
	uint64_t count = CONTROL_MBUFS + (uint64_t)config->dataplane.worker_count * WORKER_MBUFS;

	if (config->dataplane.mbufs != 0)
		return config->dataplane.mbufs;
	for (unsigned i = 0; i < config->port_count; i++) {
		unsigned queues =
			config->ports[i].queues != 0 ? config->ports[i].queues : config->dataplane.worker_count;

		count += (uint64_t)queues * 2 * QUEUE_DESCRIPTORS;
	}
	return count;
}

static uint64_t mbuf_bytes(const struct config *config)
{
	unsigned room = MBUF_ROOM_MIN;

	for (unsigned i = 0; i < config->port_count; i++) {
		unsigned frame =
			(config->ports[i].mtu_bytes + FRAME_BYTES + FRAME_ALIGN - 1) / FRAME_ALIGN * FRAME_ALIGN;

		if (frame > room)
			room = frame;
	}
	return MBUF_HEADER_BYTES + MBUF_HEADROOM + (room + 63) / 64 * 64;
}

void config_memory(const struct config *config, uint64_t *tables, uint64_t *mbufs)
{
	*tables = tables_bytes(config);
	*mbufs = mbuf_count(config) * mbuf_bytes(config);
}
