/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TSC ticks per packet of the data plane as it ships: rx_queue_poll(), which is what the worker loop calls, with all
 * stages, counters of nodes and tunnels included, over ports made of rings. 78-octet frames (64 from the IPv6 header
 * on; 40 more in a tunnel), bursts of 64, random mobile nodes, 512 hot buffers whose headers are written outside the
 * clock. An LMA with 1024 MAGs, a MAG with one LMA.
 *
 * The rows "..._watched" are the same with detection of pairs at its usual sampling, as if no pair ever was over the
 * threshold; they alternate with those without.
 *
 * usage: bench_pipeline [MOBILE-NODES...]
 */
#include "bench.h"

#include <stdbool.h>
#include <arpa/inet.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_malloc.h>
#include <rte_mempool.h>
#include <rte_ring.h>

#include "endpoint.h"
#include "memory_eal.h"
#include "owner.h"
#include "rx.h"
#include "worker.h"

#define BURST     64
#define BUFFERS   512
#define MAGS      1024
#define PORTS     2
#define RING_SIZE 1024
#define INNER     64 /* octets from the inner IPv6 header on */
#define SERVERS   UINT64_C(0x20010db900000000)
#define NODES     UINT64_C(0x20010db800000000)
#define REMOTES   UINT64_C(0x20010dbb00000000) /* at another MAG */
#define SPARE     64

#define STAGE_PACKETS 1000000 /* for the split by stages */

enum { CORE, OTHER };

struct gateway_under_test {
	struct dataplane_config config;
	struct gateway gateway;
	struct memory memory;
	struct tables *tables;
	struct door *door;
	struct owner owner;
	struct worker *worker;
	struct pair_sketch *sketch;
	struct rte_ring *receive[PORTS], *transmit[PORTS];
	uint16_t ethdev[PORTS];
	uint32_t nodes;
};

struct path {
	struct gateway_under_test *g;
	uint16_t in, out;
	bool watched;
	/* Writes the frame of a packet between mobile nodes @from and @to; returns its length. */
	uint16_t (*fill)(const struct path *path, uint8_t *frame, uint32_t from, uint32_t to);
	struct rte_mbuf *buffers[BUFFERS];
	unsigned next;
	uint64_t random;
};

static const uint8_t fixed_mac[6] = {0, 0, 0x5e, 0, 0x52, 0x13};

static void die(const char *what)
{
	fprintf(stderr, "bench_pipeline: %s\n", what);
	exit(1);
}

static uint32_t pick(struct path *path)
{
	return (uint32_t)((uint64_t)(uint32_t)(bench_random(&path->random) >> 20) * path->g->nodes >> 32);
}

/* ---- the gateway ---- */

static void address(uint8_t *to, uint64_t upper, uint64_t lower)
{
	rte_be64_t words[2] = {rte_cpu_to_be_64(upper), rte_cpu_to_be_64(lower)};

	memcpy(to, words, sizeof(words));
}

static void own_address(const struct gateway_under_test *g, uint8_t *to)
{
	address(to, UINT64_C(0x20010dba00000000), g->config.role == DATAPLANE_LMA ? 1 : 0x10000);
}

/* The other end of tunnel @index. */
static void peer_address(const struct gateway_under_test *g, uint8_t *to, uint32_t index)
{
	address(to, UINT64_C(0x20010dba00000000), g->config.role == DATAPLANE_LMA ? 0x10000 + index : 1 + index);
}

static void node_mac(uint8_t *mac, uint32_t node)
{
	const uint8_t bytes[6] = {
		2, 1, (uint8_t)(node >> 24), (uint8_t)(node >> 16), (uint8_t)(node >> 8), (uint8_t)node};

	memcpy(mac, bytes, sizeof(bytes));
}

static void apply(struct gateway_under_test *g, const struct fwd_update *update)
{
	if (owner_apply_one(&g->owner, update) != 0)
		die("an update was refused");
}

static void add_tunnel(struct gateway_under_test *g, uint32_t index, enum tunnel_use use)
{
	struct fwd_update update = {.op = FWD_OP_tunnel_insert, .index = index};
	struct tunnel_template *template = &g->door->descriptors[index];

	update.body.tunnel = (struct fwd_tunnel){
		.descriptor = index, .mtu_bytes = 1460, .flags = TUNNEL_RESOLVED, .hop_limit = 64, .use = (uint8_t)use};
	own_address(g, update.body.tunnel.local.s6_addr);
	peer_address(g, update.body.tunnel.remote.s6_addr, index);
	*template = (struct tunnel_template){.length = 54, .l3 = 14, .port = CORE};
	memcpy(template->bytes, "\2\0\0\0\0\1\2\0\0\0\0\20\x86\xdd\x60\0\0\0\0\0\x29\x40", 22);
	memcpy(template->bytes + 22, &update.body.tunnel.local, 16);
	memcpy(template->bytes + 38, &update.body.tunnel.remote, 16);
	apply(g, &update);
}

static void add_node(struct gateway_under_test *g, uint32_t node)
{
	bool mag = g->config.role == DATAPLANE_MAG;
	struct fwd_update update = {.op = FWD_OP_endpoint_insert};
	struct forward *forward = &update.body.endpoint.forward;

	update.body.endpoint.id = NODES + node;
	*forward = (struct forward){.action = mag ? FORWARD_LOCAL : FORWARD_TUNNEL,
		.link = mag ? 0 : LINK_NONE,
		.tunnel = mag ? 0 : node % MAGS,
		.node = node};
	node_mac(forward->mac, node);
	apply(g, &update);
}

/* Node @node and one at the other end of tunnel 1, both ways. */
static void add_pair(struct gateway_under_test *g, uint32_t node)
{
	struct fwd_update update = {.op = FWD_OP_pair_insert, .index = node};
	struct fwd_pair *pair = &update.body.pair;

	*pair = (struct fwd_pair){.source = NODES + node,
		.destination = REMOTES + node,
		.forward = {.action = FORWARD_TUNNEL, .flags = FORWARD_PAIR_TX, .tunnel = 1, .node = node}};
	node_mac(pair->check.from.mac, node);
	apply(g, &update);
	*pair = (struct fwd_pair){.source = REMOTES + node,
		.destination = NODES + node,
		.forward = {.action = FORWARD_LOCAL, .flags = FORWARD_PAIR_RX, .tunnel = INDEX_NONE, .node = node},
		.check = {.tunnel = 1, .former = INDEX_NONE}};
	node_mac(pair->forward.mac, node);
	apply(g, &update);
}

static void add_pairs(struct gateway_under_test *g)
{
	add_tunnel(g, 1, TUNNEL_TO_PEER_MAG);
	for (uint32_t i = 0; i < g->nodes; i++)
		add_pair(g, i);
}

static void add_route(struct gateway_under_test *g)
{
	struct fwd_update next_hop = {.op = FWD_OP_neighbour_insert, .index = 0};
	struct fwd_update route = {.op = FWD_OP_route_insert, .index = 0};

	next_hop.body.neighbour = (struct fwd_neighbour){.port = OTHER,
		.mtu_bytes = 1500,
		.resolved = 1,
		.mac = {2, 0, 0, 0, 0, 2},
		.source_mac = {2, 0, 0, 0, 0, 0x11}};
	apply(g, &next_hop);
	address(route.body.route.prefix.s6_addr, SERVERS, 0);
	route.body.route.length = 32;
	apply(g, &route);
}

static void add_ports(struct gateway_under_test *g, struct rte_mempool *pool, unsigned number)
{
	struct rte_eth_conf conf = {0};
	char name[32];

	for (uint16_t port = 0; port < PORTS; port++) {
		int ethdev;

		snprintf(name, sizeof(name), "receive%u.%u", number, port);
		g->receive[port] = rte_ring_create(name, RING_SIZE, 0, RING_F_SP_ENQ | RING_F_SC_DEQ);
		snprintf(name, sizeof(name), "transmit%u.%u", number, port);
		g->transmit[port] = rte_ring_create(name, RING_SIZE, 0, RING_F_SP_ENQ | RING_F_SC_DEQ);
		snprintf(name, sizeof(name), "bench%u.%u", number, port);
		ethdev = rte_eth_from_rings(name, &g->receive[port], 1, &g->transmit[port], 1, 0);
		if (ethdev < 0)
			die("no ring port");
		g->ethdev[port] = (uint16_t)ethdev;
		if (rte_eth_dev_configure(g->ethdev[port], 1, 1, &conf) != 0 ||
			rte_eth_rx_queue_setup(g->ethdev[port], 0, RING_SIZE, 0, NULL, pool) != 0 ||
			rte_eth_tx_queue_setup(g->ethdev[port], 0, RING_SIZE, 0, NULL) != 0 ||
			rte_eth_dev_start(g->ethdev[port]) != 0)
			die("ring port does not start");
	}
}

static void make_gateway(struct gateway_under_test *g)
{
	bool mag = g->config.role == DATAPLANE_MAG;
	const struct dataplane_port ports[PORTS] = {
		{.side = DATAPLANE_CORE, .mtu_bytes = 1500},
		{.side = mag ? DATAPLANE_ACCESS : DATAPLANE_OUTSIDE, .mtu_bytes = 1500},
	};
	const struct rte_ether_addr macs[PORTS] = {{{2, 0, 0, 0, 0, 0x10}}, {{2, 0, 0, 0, 0, 0x11}}};
	struct dataplane_address own = {.port = CORE};

	own_address(g, own.address.s6_addr);
	memcpy(g->config.access_mac, fixed_mac, sizeof(fixed_mac));
	g->config.ports = ports;
	g->config.port_count = PORTS;
	g->config.addresses = &own;
	g->config.address_count = 1;
	if (gateway_init(&g->gateway, &g->config, macs, &g->memory) != 0)
		die("no gateway");
}

static void make_worker(struct gateway_under_test *g)
{
	struct worker_setup setup = {
		.gateway = &g->gateway, .tables = g->tables, .door = g->door, .owner = &g->owner, .config = &g->config};

	g->worker = rte_zmalloc("worker", sizeof(*g->worker), 64);
	if (g->worker == NULL || worker_init(g->worker, &setup) != 0)
		die("no worker");
	for (uint16_t port = 0; port < PORTS; port++) {
		if (worker_add_queue(g->worker, port, g->ethdev[port], 0) != 0)
			die("no queue");
		worker_set_way(g->worker, port, g->ethdev[port], 0);
	}
	g->sketch = g->worker->sketch;
	reclaim_reader_online(g->worker->reclaim, 0);
}

static const struct dataplane_pool everywhere = {.length = 0};

static struct gateway_under_test *create(enum dataplane_role role, uint32_t nodes, bool pairs, struct rte_mempool *pool)
{
	static unsigned number;
	struct gateway_under_test *g = calloc(1, sizeof(*g));
	struct tables_config sizes = {.endpoints_max = nodes + SPARE,
		.links_max = SPARE,
		.pairs_max = pairs ? 2 * nodes + SPARE : 0,
		.tunnels_max = MAGS + SPARE,
		.neighbours_max = SPARE,
		.routes_max = SPARE,
		.readers_max = 1,
		.seed = 0x5eed};
	struct door_config door = {.workers = 1,
		.sockets = 1,
		.update_ring_size = 64,
		.mbuf_ring_size = 64,
		.event_ring_size = 64,
		.descriptors = MAGS + SPARE,
		.nodes_max = nodes + SPARE,
		.tunnels_max = MAGS + SPARE,
		.node_counters = true,
		.tunnel_counters = true,
		.pairs_max = nodes,
		.pair_counters = pairs};
	char error[256];

	if (g == NULL)
		die("no memory");
	g->config = (struct dataplane_config){.role = role, .punts_per_s = 1, .punt_burst = 1, .source_punts_per_s = 1};
	g->config.pair_packets = UINT32_MAX;
	g->config.pair_prefixes = &everywhere;
	g->config.pair_prefix_count = 1;
	g->nodes = nodes;
	memory_eal_init(&g->memory, -1);
	make_gateway(g);
	if (tables_create(&sizes, &g->memory, &g->tables) != 0)
		die("no memory for the tables");
	g->door = door_create(&door, error, sizeof(error));
	if (g->door == NULL)
		die(error);
	owner_init(&g->owner, g->tables, g->door, 0, 0);
	add_ports(g, pool, number++);
	make_worker(g);
	for (uint32_t i = 0; i < (role == DATAPLANE_LMA ? MAGS : 1); i++)
		add_tunnel(g, i, role == DATAPLANE_LMA ? TUNNEL_TO_MAG : TUNNEL_TO_LMA);
	for (uint32_t i = 0; i < nodes; i++)
		add_node(g, i);
	if (pairs)
		add_pairs(g);
	add_route(g);
	return g;
}

static void destroy(struct gateway_under_test *g)
{
	reclaim_reader_offline(g->worker->reclaim, 0);
	g->worker->sketch = g->sketch;
	worker_fini(g->worker);
	rte_free(g->worker);
	for (unsigned port = 0; port < PORTS; port++) {
		rte_eth_dev_stop(g->ethdev[port]);
		rte_eth_dev_close(g->ethdev[port]);
		rte_ring_free(g->receive[port]);
		rte_ring_free(g->transmit[port]);
	}
	door_destroy(g->door);
	tables_destroy(g->tables);
	gateway_fini(&g->gateway);
	free(g);
}

/* ---- frames ---- */

static uint8_t *put_ethernet(uint8_t *at, const uint8_t *destination, const uint8_t *source)
{
	memcpy(at, destination, 6);
	memcpy(at + 6, source, 6);
	at[12] = 0x86;
	at[13] = 0xdd;
	return at + RTE_ETHER_HDR_LEN;
}

static uint8_t *put_ipv6(uint8_t *at, uint8_t protocol, uint16_t payload)
{
	memset(at, 0, IPV6_HEADER);
	at[0] = 0x60;
	at[4] = (uint8_t)(payload >> 8);
	at[5] = (uint8_t)payload;
	at[6] = protocol;
	at[7] = 64;
	return at;
}

static uint8_t *put_outer(const struct gateway_under_test *g, uint8_t *at, uint32_t tunnel)
{
	put_ethernet(at, (const uint8_t[]){2, 0, 0, 0, 0, 0x10}, (const uint8_t[]){2, 0, 0, 0, 0, 1});
	put_ipv6(at + RTE_ETHER_HDR_LEN, IPPROTO_IPV6, INNER);
	peer_address(g, at + RTE_ETHER_HDR_LEN + 8, tunnel);
	own_address(g, at + RTE_ETHER_HDR_LEN + 24);
	return at + RTE_ETHER_HDR_LEN + IPV6_HEADER;
}

static void put_inner(uint8_t *at, uint64_t from, uint64_t to)
{
	put_ipv6(at, IPPROTO_UDP, INNER - IPV6_HEADER);
	address(at + 8, from, 0x10);
	address(at + 24, to, 0x10);
	memcpy(at + IPV6_HEADER, &from, 4);
}

static uint16_t fill_lma_downlink(const struct path *path, uint8_t *frame, uint32_t from, uint32_t to)
{
	put_inner(put_ethernet(frame, (const uint8_t[]){2, 0, 0, 0, 0, 0x11}, (const uint8_t[]){2, 0, 0, 0, 0, 2}),
		SERVERS, NODES + to);
	return RTE_ETHER_HDR_LEN + INNER;
}

static uint16_t fill_lma_uplink(const struct path *path, uint8_t *frame, uint32_t from, uint32_t to)
{
	put_inner(put_outer(path->g, frame, from % MAGS), NODES + from, SERVERS);
	return RTE_ETHER_HDR_LEN + IPV6_HEADER + INNER;
}

static uint16_t fill_lma_hairpin(const struct path *path, uint8_t *frame, uint32_t from, uint32_t to)
{
	put_inner(put_outer(path->g, frame, from % MAGS), NODES + from, NODES + to);
	return RTE_ETHER_HDR_LEN + IPV6_HEADER + INNER;
}

static uint16_t fill_mag_uplink(const struct path *path, uint8_t *frame, uint32_t from, uint32_t to)
{
	uint8_t mac[6];

	node_mac(mac, from);
	put_inner(put_ethernet(frame, fixed_mac, mac), NODES + from, SERVERS);
	return RTE_ETHER_HDR_LEN + INNER;
}

static uint16_t fill_mag_downlink(const struct path *path, uint8_t *frame, uint32_t from, uint32_t to)
{
	put_inner(put_outer(path->g, frame, 0), SERVERS, NODES + to);
	return RTE_ETHER_HDR_LEN + IPV6_HEADER + INNER;
}

static uint16_t fill_mag_uplink_direct(const struct path *path, uint8_t *frame, uint32_t from, uint32_t to)
{
	uint8_t mac[6];

	node_mac(mac, from);
	put_inner(put_ethernet(frame, fixed_mac, mac), NODES + from, REMOTES + from);
	return RTE_ETHER_HDR_LEN + INNER;
}

static uint16_t fill_mag_downlink_direct(const struct path *path, uint8_t *frame, uint32_t from, uint32_t to)
{
	put_inner(put_outer(path->g, frame, 1), REMOTES + to, NODES + to);
	return RTE_ETHER_HDR_LEN + IPV6_HEADER + INNER;
}

/* ---- measuring ---- */

static uint64_t run(void *context, uint64_t *done)
{
	struct path *path = context;
	struct rte_mbuf **burst = &path->buffers[path->next];
	const struct worker_queue *queue = &path->g->worker->queues[path->in];
	struct rte_mbuf *sent[BURST];
	uint64_t start, ticks;

	path->g->worker->sketch = path->watched ? path->g->sketch : NULL;
	path->next = (path->next + BURST) % BUFFERS;
	for (unsigned i = 0; i < BURST; i++) {
		rte_pktmbuf_reset(burst[i]);
		burst[i]->pkt_len = burst[i]->data_len =
			path->fill(path, rte_pktmbuf_mtod(burst[i], uint8_t *), pick(path), pick(path));
	}
	if (rte_ring_enqueue_bulk(path->g->receive[path->in], (void **)burst, BURST, NULL) != BURST)
		die("receive ring full");
	start = bench_tsc();
	rx_queue_poll(path->g->worker, queue);
	ticks = bench_tsc() - start;
	if (rte_ring_dequeue_bulk(path->g->transmit[path->out], (void **)sent, BURST, NULL) != BURST)
		die("a packet was not sent");
	*done += BURST;
	return ticks;
}

/* Where the ticks go, on standard error: per stage and packet. */
static void print_stages(const char *name, struct worker_stats *stats)
{
	fprintf(stderr, "# %s:", name);
	for (unsigned i = 0; i < STAGE_COUNT; i++)
		if (stats->stages[i].packets != 0)
			fprintf(stderr, " %s %.1f", stage_name((enum stage)i),
				(double)stats->stages[i].cycles / (double)stats->stages[i].packets);
	fprintf(stderr, "\n");
}

static void prepare(struct path *path, struct rte_mempool *pool)
{
	path->random = UINT64_C(88172645463325252);
	if (rte_pktmbuf_alloc_bulk(pool, path->buffers, BUFFERS) != 0)
		die("no buffers");
}

static void measure(uint32_t nodes, struct rte_mempool *pool)
{
	struct gateway_under_test *lma = create(DATAPLANE_LMA, nodes, false, pool);
	struct gateway_under_test *mag = create(DATAPLANE_MAG, nodes, false, pool);
	struct gateway_under_test *direct = create(DATAPLANE_MAG, nodes, true, pool);
	struct path paths[] = {
		{.g = lma, .in = OTHER, .out = CORE, .fill = fill_lma_downlink},
		{.g = lma, .in = CORE, .out = OTHER, .fill = fill_lma_uplink},
		{.g = lma, .in = CORE, .out = CORE, .fill = fill_lma_hairpin},
		{.g = lma, .in = CORE, .out = CORE, .fill = fill_lma_hairpin, .watched = true},
		{.g = mag, .in = OTHER, .out = CORE, .fill = fill_mag_uplink},
		{.g = mag, .in = OTHER, .out = CORE, .fill = fill_mag_uplink, .watched = true},
		{.g = mag, .in = CORE, .out = OTHER, .fill = fill_mag_downlink},
		{.g = mag, .in = CORE, .out = OTHER, .fill = fill_mag_downlink, .watched = true},
		{.g = direct, .in = OTHER, .out = CORE, .fill = fill_mag_uplink_direct},
		{.g = direct, .in = CORE, .out = OTHER, .fill = fill_mag_downlink_direct},
	};
	static const char *const names[] = {"lma_downlink", "lma_uplink", "lma_hairpin", "lma_hairpin_watched",
		"mag_uplink", "mag_uplink_watched", "mag_downlink", "mag_downlink_watched", "mag_uplink_direct",
		"mag_downlink_direct"};
	struct bench benches[RTE_DIM(paths)];

	for (unsigned i = 0; i < RTE_DIM(paths); i++) {
		prepare(&paths[i], pool);
		benches[i] = (struct bench){
			.name = names[i], .flows = nodes, .unit = "tsc/packet", .run = run, .context = &paths[i]};
	}
	bench_measure(benches, RTE_DIM(benches));
	for (unsigned i = 0; i < RTE_DIM(paths); i++) {
		uint64_t done = 0;

		memset(paths[i].g->worker->stats, 0, sizeof(struct worker_stats));
		while (done < STAGE_PACKETS)
			run(&paths[i], &done);
		print_stages(names[i], paths[i].g->worker->stats);
	}
	for (unsigned i = 0; i < RTE_DIM(paths); i++)
		rte_pktmbuf_free_bulk(paths[i].buffers, BUFFERS);
	destroy(lma);
	destroy(mag);
	destroy(direct);
}

int main(int argc, char **argv)
{
	static const char *const usual[] = {"1", "65536", "1000000"};
	const char *const *sizes = argc > 1 ? (const char *const *)&argv[1] : usual;
	int count = argc > 1 ? argc - 1 : 3;
	struct rte_mempool *pool;

	if (bench_start(argv[0], 1024) != 0)
		return 1;
	pool = rte_pktmbuf_pool_create("bench", 8191, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	if (pool == NULL)
		die("no pool");
	for (int i = 0; i < count; i++) {
		uint64_t nodes = strtoull(sizes[i], NULL, 10);

		if (nodes == 0 || nodes > UINT32_C(1) << 26)
			die("usage: bench_pipeline [MOBILE-NODES...]");
		measure((uint32_t)nodes, pool);
	}
	rte_eal_cleanup();
	return 0;
}
