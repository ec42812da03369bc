/* SPDX-License-Identifier: BSD-3-Clause */
#include "sizes.h"

#include <rte_mbuf.h>

#include "port.h"
#include "worker.h"

#define MBUF_CACHE_MARGIN 512 /* per worker: the pool's cache, one and a half times 256, and packets under way */
#define MBUFS_MIN         8191
#define MEGABYTE          (UINT64_C(1) << 20)
#define MEMORY_SPARE_MB   64 /* drivers, EAL's own, what alignment costs */

void sizes_tables(const struct dataplane_config *config, struct tables_config *tables)
{
	*tables = (struct tables_config){
		.endpoints_max = config->endpoints_max,
		.links_max = config->role == DATAPLANE_MAG ? config->nodes_max : 0,
		.pairs_max = config->pair_entries_max,
		.tunnels_max = config->tunnels_max,
		.neighbours_max = config->neighbours_max,
		.routes_max = config->routes_max,
		.readers_max = config->worker_count,
	};
}

/* Rings by which workers share out flows, at most: from each with a queue of such a port to all others. */
static uint32_t spread_rings(const struct dataplane_config *config)
{
	uint32_t queues = 0;

	for (unsigned i = 0; i < config->port_count; i++)
		if (config->ports[i].spread)
			queues += port_queues_max(&config->ports[i], config->worker_count);
	return RTE_MIN(queues, config->worker_count) * (config->worker_count - 1);
}

uint32_t sizes_mbufs(const struct dataplane_config *config)
{
	uint32_t n = config->worker_count * (3 * MBUF_RING_SIZE + MBUF_CACHE_MARGIN) +
		     spread_rings(config) * SPREAD_RING_SIZE;

	if (config->mbufs != 0)
		return config->mbufs;
	if (config->hold_packets != 0)
		n += config->worker_count * HOLD_PACKETS_MAX;
	for (unsigned i = 0; i < config->port_count; i++) {
		n += port_buffers_max(&config->ports[i], config->worker_count);
		n += (config->worker_count - 1) * HANDOVER_RING_SIZE;
	}
	return RTE_MAX(rte_align32pow2(n + 1) - 1, (uint32_t)MBUFS_MIN);
}

uint16_t sizes_mbuf_bytes(const struct dataplane_config *config)
{
	uint32_t bytes = 0;

	for (unsigned i = 0; i < config->port_count; i++)
		bytes = RTE_MAX(bytes, port_buffer_bytes(config->ports[i].mtu_bytes));
	return (uint16_t)RTE_MIN(bytes, (uint32_t)UINT16_MAX);
}

static uint64_t counters_bytes(const struct dataplane_config *config)
{
	uint64_t slots = (uint64_t)(config->node_counters ? config->nodes_max : 0) +
			 (config->tunnel_counters ? config->tunnels_max : 0) +
			 (config->pair_counters && config->role == DATAPLANE_MAG ? config->pairs_max : 0);

	return config->worker_count * (slots * COUNTER_DIRECTIONS * sizeof(struct object_counter));
}

uint32_t sizes_memory_mb(const struct dataplane_config *config, unsigned sockets)
{
	uint64_t mbufs =
		(uint64_t)sizes_mbufs(config) *
		RTE_ALIGN_CEIL(sizes_mbuf_bytes(config) + sizeof(struct rte_mbuf) + RTE_CACHE_LINE_SIZE * 2, 64);
	uint64_t rings =
		config->worker_count *
			(3 * MBUF_RING_SIZE * sizeof(void *) + EVENT_RING_SIZE * sizeof(struct door_event) +
				sizeof(struct worker) + sizeof(struct worker_stats) + sizeof(struct pair_sketch) +
				sizeof(struct hold) + config->port_count * HANDOVER_RING_SIZE * sizeof(void *)) +
		spread_rings(config) * SPREAD_RING_SIZE * sizeof(void *);
	struct tables_config tables;
	uint64_t bytes;

	sizes_tables(config, &tables);
	bytes = sockets * (tables_memory_bytes(&tables) + UPDATE_RING_SIZE * sizeof(struct fwd_update));
	bytes +=
		mbufs + rings + counters_bytes(config) + (uint64_t)config->tunnels_max * sizeof(struct tunnel_template);
	bytes += bytes / 8;
	return (uint32_t)(bytes / MEGABYTE + MEMORY_SPARE_MB);
}
