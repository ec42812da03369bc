/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_malloc.h>
#include <rte_ring.h>

#include "endpoint.h"
#include "memory_eal.h"

#define RING_SIZE   1024
#define UPDATE_RING 4096
#define SPARE       1024

static const uint8_t fixed_mac[6] = {0, 0, 0x5e, 0, 0x52, 0x13};
static const struct dataplane_pool everywhere = {.length = 0};

void rig_die(const char *what)
{
	fprintf(stderr, "hawser-bench: %s\n", what);
	exit(1);
}

/* ---- addresses ---- */

void rig_address(uint8_t *to, uint64_t upper, uint64_t lower)
{
	rte_be64_t words[2] = {rte_cpu_to_be_64(upper), rte_cpu_to_be_64(lower)};

	memcpy(to, words, sizeof(words));
}

void rig_own_address(const struct rig *rig, uint8_t *to)
{
	rig_address(to, UINT64_C(0x20010dba00000000), rig->kind == RIG_LMA ? 1 : 0x10000);
}

void rig_peer_address(const struct rig *rig, uint8_t *to, uint32_t index)
{
	rig_address(to, UINT64_C(0x20010dba00000000), rig->kind == RIG_LMA ? 0x10000 + index : 1 + index);
}

void rig_node_mac(uint8_t *mac, uint32_t node)
{
	const uint8_t bytes[6] = {
		2, 1, (uint8_t)(node >> 24), (uint8_t)(node >> 16), (uint8_t)(node >> 8), (uint8_t)node};

	memcpy(mac, bytes, sizeof(bytes));
}

/* ---- forwarding state ---- */

static void apply(struct rig *rig, const struct fwd_update *update)
{
	if (owner_apply_one(&rig->owner, update) != 0)
		rig_die("an update was refused");
}

static void add_tunnel(struct rig *rig, uint32_t index, enum tunnel_use use)
{
	struct fwd_update update = {.op = FWD_OP_tunnel_insert, .index = index};
	struct tunnel_template *template = &rig->door->descriptors[index];

	update.body.tunnel = (struct fwd_tunnel){
		.descriptor = index, .mtu_bytes = 1460, .flags = TUNNEL_RESOLVED, .hop_limit = 64, .use = (uint8_t)use};
	rig_own_address(rig, update.body.tunnel.local.s6_addr);
	rig_peer_address(rig, update.body.tunnel.remote.s6_addr, index);
	*template = (struct tunnel_template){.length = 54, .l3 = 14, .port = RIG_CORE};
	memcpy(template->bytes, "\2\0\0\0\0\1\2\0\0\0\0\20\x86\xdd\x60\0\0\0\0\0\x29\x40", 22);
	memcpy(template->bytes + 22, &update.body.tunnel.local, 16);
	memcpy(template->bytes + 38, &update.body.tunnel.remote, 16);
	apply(rig, &update);
}

static void endpoint_of(const struct rig *rig, uint32_t node, struct fwd_update *update)
{
	bool mag = rig->kind != RIG_LMA;
	struct forward *forward = &update->body.endpoint.forward;

	update->body.endpoint.id = RIG_NODES + node;
	*forward = (struct forward){.action = mag ? FORWARD_LOCAL : FORWARD_TUNNEL,
		.link = mag ? 0 : LINK_NONE,
		.tunnel = mag ? 0 : node % RIG_MAGS,
		.node = node};
	rig_node_mac(forward->mac, node);
}

/* The half by which packets of @node leave for its partner. */
static void pair_of(uint32_t node, struct fwd_update *update)
{
	update->index = node;
	update->body.pair = (struct fwd_pair){.source = RIG_NODES + node,
		.destination = RIG_REMOTES + node,
		.forward = {.action = FORWARD_TUNNEL, .flags = FORWARD_PAIR_TX, .tunnel = 1, .node = node}};
	rig_node_mac(update->body.pair.check.from.mac, node);
}

static void add_node(struct rig *rig, uint32_t node)
{
	struct fwd_update update = {.op = FWD_OP_endpoint_insert};

	endpoint_of(rig, node, &update);
	apply(rig, &update);
}

static void add_pair(struct rig *rig, uint32_t node)
{
	struct fwd_update update = {.op = FWD_OP_pair_insert};
	struct fwd_pair *pair = &update.body.pair;

	pair_of(node, &update);
	apply(rig, &update);
	*pair = (struct fwd_pair){.source = RIG_REMOTES + node,
		.destination = RIG_NODES + node,
		.forward = {.action = FORWARD_LOCAL, .flags = FORWARD_PAIR_RX, .tunnel = INDEX_NONE, .node = node},
		.check = {.tunnel = 1, .former = INDEX_NONE}};
	rig_node_mac(pair->forward.mac, node);
	apply(rig, &update);
}

void rig_update(const struct rig *rig, uint32_t node, struct fwd_update *update)
{
	*update = (struct fwd_update){.op = rig->kind == RIG_MAG_PAIRS ? FWD_OP_pair_replace : FWD_OP_endpoint_replace};
	if (rig->kind == RIG_MAG_PAIRS)
		pair_of(node, update);
	else
		endpoint_of(rig, node, update);
}

static void add_route(struct rig *rig)
{
	struct fwd_update next_hop = {.op = FWD_OP_neighbour_insert, .index = 0};
	struct fwd_update route = {.op = FWD_OP_route_insert, .index = 0};

	next_hop.body.neighbour = (struct fwd_neighbour){.port = RIG_OTHER,
		.mtu_bytes = 1500,
		.resolved = 1,
		.mac = {2, 0, 0, 0, 0, 2},
		.source_mac = {2, 0, 0, 0, 0, 0x11}};
	apply(rig, &next_hop);
	rig_address(route.body.route.prefix.s6_addr, RIG_SERVERS, 0);
	route.body.route.length = 32;
	apply(rig, &route);
}

static void fill(struct rig *rig)
{
	for (uint32_t i = 0; i < (rig->kind == RIG_LMA ? RIG_MAGS : 1); i++)
		add_tunnel(rig, i, rig->kind == RIG_LMA ? TUNNEL_TO_MAG : TUNNEL_TO_LMA);
	for (uint32_t i = 0; i < rig->nodes; i++)
		add_node(rig, i);
	if (rig->kind == RIG_MAG_PAIRS) {
		add_tunnel(rig, 1, TUNNEL_TO_PEER_MAG);
		for (uint32_t i = 0; i < rig->nodes; i++)
			add_pair(rig, i);
	}
	add_route(rig);
}

/* ---- ports and workers ---- */

static struct rte_ring *make_ring(const char *kind, unsigned number, unsigned worker, unsigned port)
{
	char name[RTE_RING_NAMESIZE];
	struct rte_ring *ring;

	snprintf(name, sizeof(name), "%s%u.%u.%u", kind, number, worker, port);
	ring = rte_ring_create(name, RING_SIZE, 0, RING_F_SP_ENQ | RING_F_SC_DEQ);
	if (ring == NULL)
		rig_die("no ring");
	return ring;
}

static void add_port(struct rig *rig, uint16_t port, struct rte_mempool *pool, unsigned number)
{
	struct rte_ring *receive[RIG_WORKERS], *transmit[RIG_WORKERS];
	struct rte_eth_conf conf = {0};
	uint16_t queues = (uint16_t)rig->workers;
	char name[32];
	int ethdev;

	for (unsigned i = 0; i < rig->workers; i++) {
		receive[i] = rig->receive[i][port] = make_ring("receive", number, i, port);
		transmit[i] = rig->transmit[i][port] = make_ring("transmit", number, i, port);
	}
	snprintf(name, sizeof(name), "bench%u.%u", number, port);
	ethdev = rte_eth_from_rings(name, receive, queues, transmit, queues, 0);
	if (ethdev < 0)
		rig_die("no ring port");
	rig->ethdev[port] = (uint16_t)ethdev;
	if (rte_eth_dev_configure(rig->ethdev[port], queues, queues, &conf) != 0)
		rig_die("a ring port takes no configuration");
	for (uint16_t i = 0; i < queues; i++)
		if (rte_eth_rx_queue_setup(rig->ethdev[port], i, RING_SIZE, 0, NULL, pool) != 0 ||
			rte_eth_tx_queue_setup(rig->ethdev[port], i, RING_SIZE, 0, NULL) != 0)
			rig_die("a ring port has no queues");
	if (rte_eth_dev_start(rig->ethdev[port]) != 0)
		rig_die("a ring port does not start");
}

static void make_gateway(struct rig *rig)
{
	bool mag = rig->kind != RIG_LMA;
	const struct dataplane_port ports[RIG_PORTS] = {
		{.side = DATAPLANE_CORE, .mtu_bytes = 1500},
		{.side = mag ? DATAPLANE_ACCESS : DATAPLANE_OUTSIDE, .mtu_bytes = 1500},
	};
	const struct rte_ether_addr macs[RIG_PORTS] = {{{2, 0, 0, 0, 0, 0x10}}, {{2, 0, 0, 0, 0, 0x11}}};
	struct dataplane_address own = {.port = RIG_CORE};

	rig->config = (struct dataplane_config){.role = mag ? DATAPLANE_MAG : DATAPLANE_LMA,
		.punts_per_s = 1,
		.punt_burst = 1,
		.source_punts_per_s = 1,
		.pair_packets = UINT32_MAX, /* watched, but never over the threshold */
		.pair_prefixes = &everywhere,
		.pair_prefix_count = 1,
		.ports = ports,
		.port_count = RIG_PORTS,
		.addresses = &own,
		.address_count = 1};
	rig_own_address(rig, own.address.s6_addr);
	memcpy(rig->config.access_mac, fixed_mac, sizeof(fixed_mac));
	if (gateway_init(&rig->gateway, &rig->config, macs, &rig->memory) != 0)
		rig_die("no memory for the gateway");
}

static void make_worker(struct rig *rig, unsigned number)
{
	struct worker_setup setup = {.number = number,
		.gateway = &rig->gateway,
		.tables = rig->tables,
		.door = rig->door,
		.owner = number == 0 ? &rig->owner : NULL,
		.config = &rig->config};
	struct worker *worker = rte_zmalloc("worker", sizeof(*worker), 64);

	if (worker == NULL || worker_init(worker, &setup) != 0)
		rig_die("no memory for a worker");
	for (uint16_t port = 0; port < RIG_PORTS; port++) {
		if (worker_add_queue(worker, port, rig->ethdev[port], (uint16_t)number) != 0)
			rig_die("no queue");
		worker_set_way(worker, port, rig->ethdev[port], (uint16_t)number);
	}
	rig->worker[number] = worker;
	rig->sketch[number] = worker->sketch;
	rig->counters[number] = rig->door->worker[number].objects;
}

static void make_tables(struct rig *rig)
{
	bool pairs = rig->kind == RIG_MAG_PAIRS;
	struct tables_config sizes = {.endpoints_max = rig->nodes + SPARE,
		.links_max = SPARE,
		.pairs_max = pairs ? 2 * rig->nodes + SPARE : 0,
		.tunnels_max = RIG_MAGS + SPARE,
		.neighbours_max = SPARE,
		.routes_max = SPARE,
		.readers_max = rig->workers,
		.seed = 0x5eed};
	struct door_config door = {.workers = rig->workers,
		.sockets = 1,
		.update_ring_size = UPDATE_RING,
		.mbuf_ring_size = 64,
		.event_ring_size = 64,
		.descriptors = RIG_MAGS + SPARE,
		.nodes_max = rig->nodes + SPARE,
		.tunnels_max = RIG_MAGS + SPARE,
		.node_counters = true,
		.tunnel_counters = true,
		.pairs_max = rig->nodes,
		.pair_counters = pairs};
	char error[256];

	if (tables_create(&sizes, &rig->memory, &rig->tables) != 0)
		rig_die("not enough memory for the tables: more huge pages, or fewer flows");
	rig->door = door_create(&door, error, sizeof(error));
	if (rig->door == NULL)
		rig_die(error);
	owner_init(&rig->owner, rig->tables, rig->door, 0, 0);
}

struct rig *rig_create(enum rig_kind kind, uint32_t nodes, unsigned workers, uint16_t ethdev, struct rte_mempool *pool)
{
	static unsigned number;
	struct rig *rig = calloc(1, sizeof(*rig));

	if (rig == NULL)
		rig_die("no memory");
	rig->kind = kind;
	rig->nodes = nodes;
	rig->workers = workers;
	memory_eal_init(&rig->memory, -1);
	make_gateway(rig);
	make_tables(rig);
	rig->rings = ethdev == RIG_RINGS;
	for (uint16_t port = 0; port < RIG_PORTS; port++)
		if (rig->rings)
			add_port(rig, port, pool, number);
		else
			rig->ethdev[port] = ethdev;
	number += rig->rings;
	fill(rig);
	for (unsigned i = 0; i < workers; i++)
		make_worker(rig, i);
	return rig;
}

void rig_destroy(struct rig *rig)
{
	for (unsigned i = 0; i < rig->workers; i++) {
		rig_count(rig, i, true, true);
		worker_fini(rig->worker[i]);
		rte_free(rig->worker[i]);
	}
	for (unsigned port = 0; rig->rings && port < RIG_PORTS; port++) {
		rte_eth_dev_stop(rig->ethdev[port]);
		rte_eth_dev_close(rig->ethdev[port]);
		for (unsigned i = 0; i < rig->workers; i++) {
			rte_ring_free(rig->receive[i][port]);
			rte_ring_free(rig->transmit[i][port]);
		}
	}
	door_destroy(rig->door);
	tables_destroy(rig->tables);
	gateway_fini(&rig->gateway);
	free(rig);
}

void rig_count(struct rig *rig, unsigned number, bool count, bool watch)
{
	struct worker *worker = rig->worker[number];
	struct object_counters counters = count ? rig->counters[number] : (struct object_counters){0};

	worker->node_counters = counters.nodes;
	worker->tunnel_counters = counters.tunnels;
	worker->pair_counters = counters.pairs;
	worker->sketch = watch ? rig->sketch[number] : NULL;
}
