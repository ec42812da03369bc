/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/config.h"

#include "ro/pair_events.h"

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

#define PAIR_ENTRY_BYTES 80               /* of the MAG's pair table, with its place in the buckets */
#define PAIR_WATCH_BYTES (4096 * 64 + 64) /* what a worker keeps of the pairs that it sees */

/* What the data plane counts with: a port's rings (dataplane/port.c), a worker's (dataplane/sizes.c). */
#define DESCRIPTORS        512
#define DESCRIPTORS_PCI    1024
#define DESCRIPTORS_AF_XDP 2048
#define WORKER_RINGS       (3 * 1024)
#define WORKER_MBUFS       512  /* cache of the pool, packets under way */
#define WORKER_HELD        4096 /* for the order of pairs (dataplane/hold.h) */
#define WORKER_HELD_BYTES  (1024 * 64 + 192)
#define HANDOVER_RING      512
#define SPREAD_RING        1024
#define MBUFS_MIN          8191
#define MBUF_HEADER_BYTES  (64 + 128 + 64) /* object header, struct rte_mbuf, dynamic fields and padding */
#define MBUF_HEADROOM      (128 + 64)      /* for tunnel headers; the tail of ESP later */
#define FRAME_BYTES        (22u + 128u) /* Ethernet, VLAN and checksum; what a kernel packet ring puts before a frame */
#define FRAME_ALIGN        1024u
#define MBUF_ROOM_MIN      2048

bool config_wants_order(const struct config *config)
{
	bool wants = config->ro.in_order || config->default_profile.in_order == 1;

	for (unsigned i = 0; i < config->node_count; i++)
		wants = wants || config->nodes[i].in_order == 1;
	return config->ro.enabled && config->role == ROLE_MAG && wants;
}

static uint64_t ro_bytes(const struct config *config)
{
	const struct config_ro *ro = &config->ro;
	uint64_t pair = RO_PAIR_BYTES + PAIR_EVENTS_BYTES, worker = 0;
	unsigned workers = config->dataplane.worker_count;

	if (!ro->enabled)
		return 0;
	if (config->role == ROLE_MAG)
		pair += CONFIG_PAIR_ENTRIES * PAIR_ENTRY_BYTES;
	if (config->role == ROLE_MAG && ro->pair_counters)
		pair += (uint64_t)OBJECT_COUNTER_BYTES * workers;
	if (ro->detect)
		worker += PAIR_WATCH_BYTES;
	if (config_wants_order(config))
		worker += WORKER_HELD_BYTES;
	return ro->max_pairs * pair + worker * workers;
}

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
	       ro_bytes(config) + UPDATE_RING_BYTES + (uint64_t)dataplane->worker_count * WORKER_BYTES;
}

static unsigned port_queues(const struct config_port *port, unsigned workers)
{
	unsigned queues = port->queues != 0 ? port->queues : port->kind == PORT_PCI ? workers : 1;

	return queues < workers ? queues : workers;
}

static uint32_t port_mbufs(const struct config_port *port, unsigned workers)
{
	unsigned queues = port_queues(port, workers);

	switch (port->kind) {
	case PORT_KERNEL: return queues * 3 * DESCRIPTORS_AF_XDP;
	case PORT_VDEV: return queues * 2 * DESCRIPTORS;
	default: return (queues + workers) * DESCRIPTORS_PCI;
	}
}

uint32_t config_mbufs_min(const struct config *config)
{
	uint32_t count = config->dataplane.worker_count * WORKER_MBUFS;

	for (unsigned i = 0; i < config->port_count; i++)
		count += port_mbufs(&config->ports[i], config->dataplane.worker_count);
	return count;
}

/* From each worker with a queue whose flows are shared out to all others. */
static unsigned spread_rings(const struct config *config)
{
	unsigned workers = config->dataplane.worker_count, queues = 0;

	for (unsigned i = 0; i < config->port_count; i++)
		if (config->ports[i].spread)
			queues += port_queues(&config->ports[i], workers);
	return (queues < workers ? queues : workers) * (workers - 1);
}

static uint64_t mbuf_count(const struct config *config)
{
	unsigned workers = config->dataplane.worker_count;
	uint64_t count = config_mbufs_min(config) + (uint64_t)workers * WORKER_RINGS +
			 (uint64_t)config->port_count * (workers - 1) * HANDOVER_RING +
			 (uint64_t)spread_rings(config) * SPREAD_RING +
			 (config_wants_order(config) ? (uint64_t)workers * WORKER_HELD : 0);
	uint64_t power = MBUFS_MIN + 1;

	if (config->dataplane.mbufs != 0)
		return config->dataplane.mbufs;
	while (power <= count)
		power *= 2;
	return power - 1;
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
