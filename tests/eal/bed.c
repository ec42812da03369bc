/* SPDX-License-Identifier: BSD-3-Clause */
#include "bed.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <cmocka.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_malloc.h>
#include <rte_mempool.h>

#include "endpoint.h"

#define RING_SIZE   1024
#define POOL_SIZE   8191
#define POOL_BYTES  (RTE_PKTMBUF_HEADROOM + 2048)
#define MAX_TUNNELS 16

static struct rte_mempool *pool;

void bed_eal_start(void)
{
	char prefix[64];
	char *arguments[] = {(char[]){"test"}, (char[]){"--no-huge"}, (char[]){"--no-shconf"}, (char[]){"-m"},
		(char[]){"512"}, (char[]){"--no-pci"}, (char[]){"--no-telemetry"}, (char[]){"--log-level"},
		(char[]){"*:warning"}, (char[]){"--lcores"}, (char[]){"(0-2)@(0-1)"}, (char[]){"--file-prefix"},
		prefix};

	snprintf(prefix, sizeof(prefix), "hawser-test-%d", (int)getpid());
	if (rte_eal_init(RTE_DIM(arguments), arguments) < 0)
		exit(EXIT_FAILURE);
	pool = rte_pktmbuf_pool_create("bed", POOL_SIZE, 0, 0, POOL_BYTES, SOCKET_ID_ANY);
	if (pool == NULL)
		exit(EXIT_FAILURE);
}

void bed_eal_stop(void)
{
	char folder[PATH_MAX];

	snprintf(folder, sizeof(folder), "%s", rte_eal_get_runtime_dir());
	rte_eal_cleanup();
	(void)rmdir(folder);
}

struct rte_mempool *bed_pool(void)
{
	return pool;
}

static void parse(const char *text, struct in6_addr *address)
{
	assert_int_equal(inet_pton(AF_INET6, text, address), 1);
}

static struct rte_ring *make_ring(const char *what, unsigned bed, unsigned port)
{
	char name[32];
	struct rte_ring *ring;

	snprintf(name, sizeof(name), "%s%u.%u", what, bed, port);
	ring = rte_ring_create(name, RING_SIZE, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	assert_non_null(ring);
	return ring;
}

static void make_port(struct bed *bed, unsigned number, unsigned port, bool shared_out)
{
	uint16_t queues = shared_out && port == CORE ? 2 : 1;
	struct rte_ring *receive[2], *transmit[2];
	struct rte_eth_conf conf = {0};
	char name[32];
	int ethdev;

	receive[0] = bed->receive[port] = make_ring("receive", number, port);
	transmit[0] = bed->transmit[port] = make_ring("transmit", number, port);
	if (queues == 2) {
		receive[1] = bed->second_receive = make_ring("receive", number, BED_PORTS);
		transmit[1] = bed->second_transmit = make_ring("transmit", number, BED_PORTS);
	}
	snprintf(name, sizeof(name), "bed%u.%u", number, port);
	ethdev = rte_eth_from_rings(name, receive, queues, transmit, queues, 0);
	assert_true(ethdev >= 0);
	bed->ethdev[port] = (uint16_t)ethdev;
	assert_int_equal(rte_eth_dev_configure(bed->ethdev[port], queues, queues, &conf), 0);
	for (uint16_t queue = 0; queue < queues; queue++) {
		assert_int_equal(rte_eth_rx_queue_setup(bed->ethdev[port], queue, RING_SIZE, 0, NULL, pool), 0);
		assert_int_equal(rte_eth_tx_queue_setup(bed->ethdev[port], queue, RING_SIZE, 0, NULL), 0);
	}
	assert_int_equal(rte_eth_dev_start(bed->ethdev[port]), 0);
}

/* MAC of port i: 02:00:00:00:00:1i. */
static void make_gateway(struct bed *bed, const char *second_address)
{
	static const uint16_t vlans[] = {100, 200};
	struct dataplane_port ports[BED_PORTS] = {
		{.name = "core", .device = "bed", .side = DATAPLANE_CORE, .mtu_bytes = BED_MTU},
		{.name = "one", .device = "bed", .side = DATAPLANE_OUTSIDE, .mtu_bytes = BED_MTU},
		{.name = "two", .device = "bed", .side = DATAPLANE_OUTSIDE, .mtu_bytes = BED_MTU},
	};
	struct dataplane_address addresses[2] = {{.port = CORE}, {.port = CORE}};
	struct dataplane_pool pools[1] = {{.length = 48}};
	struct in6_addr peers[3];
	struct rte_ether_addr macs[BED_PORTS];

	if (bed->config.role == DATAPLANE_MAG) {
		ports[1].side = ports[2].side = DATAPLANE_ACCESS;
		ports[2].vlans = vlans;
		ports[2].vlan_count = 2;
		ports[2].first_link = 1;
	}
	parse(bed->config.role == DATAPLANE_MAG ? "2001:db8:1::2" : "2001:db8:1::1", &addresses[0].address);
	if (second_address != NULL)
		parse(second_address, &addresses[1].address);
	parse(bed->config.role == DATAPLANE_MAG ? "2001:db8:1::1" : "2001:db8:1::2", &peers[0]);
	parse("2001:db8:1::3", &peers[1]);
	parse("2001:db8:1::7", &peers[2]);
	parse("2001:db8:aa::", &pools[0].prefix);
	parse("fe80::200:5eff:fe00:5213", &bed->config.access_link_local);
	memcpy(bed->config.access_mac, (const uint8_t[]){0, 0, 0x5e, 0, 0x52, 0x13}, 6);
	for (unsigned i = 0; i < BED_PORTS; i++)
		macs[i] = (struct rte_ether_addr){{2, 0, 0, 0, 0, (uint8_t)(0x10 + i)}};
	bed->config.ports = ports;
	bed->config.port_count = BED_PORTS;
	bed->config.addresses = addresses;
	bed->config.address_count = second_address != NULL ? 2 : 1;
	bed->config.pools = pools;
	bed->config.pool_count = bed->config.role == DATAPLANE_LMA ? 1 : 0;
	bed->config.peers = peers;
	bed->config.peer_count = 3;
	assert_int_equal(gateway_init(&bed->gateway, &bed->config, macs, &memory_libc), 0);
}

/* All queues are worker 0's. */
static void give_queues(struct bed *bed, unsigned number)
{
	for (uint16_t port = 0; port < BED_PORTS; port++) {
		assert_int_equal(worker_add_queue(bed->workers[0], port, bed->ethdev[port], 0), 0);
		worker_set_way(bed->workers[0], port, bed->ethdev[port], 0);
		if (bed->worker_count == 1)
			continue;
		bed->handover[port] = make_ring("handover", number, port);
		assert_int_equal(worker_hand_over(bed->workers[1], bed->workers[0], port, bed->handover[port]), 0);
	}
}

static void share_queues_out(struct bed *bed, unsigned number)
{
	for (uint16_t w = 0; w < 2; w++) {
		uint16_t port = w == 0 ? OUTSIDE : TAGGED;

		assert_int_equal(worker_add_queue(bed->workers[w], CORE, bed->ethdev[CORE], w), 0);
		worker_set_way(bed->workers[w], CORE, bed->ethdev[CORE], w);
		assert_int_equal(worker_add_queue(bed->workers[w], port, bed->ethdev[port], 0), 0);
		worker_set_way(bed->workers[w], port, bed->ethdev[port], 0);
		bed->handover[port] = make_ring("handover", number, port);
		assert_int_equal(worker_hand_over(bed->workers[1 - w], bed->workers[w], port, bed->handover[port]), 0);
	}
}

static void spread_flows(struct bed *bed, unsigned number)
{
	for (unsigned w = 0; w < BED_WORKERS; w++) {
		bed->share[w] = make_ring("share", number, w);
		for (unsigned to = 0; to < BED_WORKERS; to++)
			assert_int_equal(
				worker_share(bed->workers[w], bed->workers[to], to != w ? bed->share[w] : NULL), 0);
		for (uint16_t port = 0; port < BED_PORTS; port++)
			worker_spread_port(bed->workers[w], port);
	}
}

static void make_workers(struct bed *bed, unsigned number, const struct bed_options *options)
{
	for (unsigned w = 0; w < bed->worker_count; w++) {
		struct worker_setup setup = {.number = w,
			.gateway = &bed->gateway,
			.tables = bed->tables,
			.door = bed->door,
			.owner = w == 0 ? &bed->owner : NULL,
			.config = &bed->config};

		bed->workers[w] = aligned_alloc(64, sizeof(struct worker));
		assert_non_null(bed->workers[w]);
		memset(bed->workers[w], 0, sizeof(struct worker));
		assert_int_equal(worker_init(bed->workers[w], &setup), 0);
	}
	if (options->shared_out)
		share_queues_out(bed, number);
	else
		give_queues(bed, number);
	if (options->spread)
		spread_flows(bed, number);
	for (unsigned w = 0; w < bed->worker_count; w++)
		reclaim_reader_online(bed->workers[w]->reclaim, w);
}

struct bed_options bed_usual(unsigned workers)
{
	return (struct bed_options){.workers = workers,
		.nodes_max = BED_NODES,
		.tunnels_max = MAX_TUNNELS,
		.update_ring_size = 64,
		.mbuf_ring_size = 256};
}

struct bed *bed_create(enum dataplane_role role, unsigned workers)
{
	struct bed_options options = bed_usual(workers);

	return bed_create_with(role, &options);
}

struct bed *bed_create_with(enum dataplane_role role, const struct bed_options *options)
{
	static unsigned number;
	struct bed *bed = calloc(1, sizeof(*bed));
	struct tables_config sizes = {.endpoints_max = options->nodes_max,
		.links_max = role == DATAPLANE_MAG ? options->nodes_max : 0,
		.pairs_max = options->nodes_max,
		.tunnels_max = options->tunnels_max,
		.neighbours_max = 16,
		.routes_max = 16,
		.readers_max = BED_WORKERS,
		.seed = 1};
	struct door_config door = {.workers = options->workers,
		.sockets = 1,
		.update_ring_size = options->update_ring_size,
		.mbuf_ring_size = options->mbuf_ring_size,
		.event_ring_size = 256,
		.descriptors = options->tunnels_max,
		.nodes_max = options->nodes_max,
		.tunnels_max = options->tunnels_max,
		.pairs_max = options->nodes_max,
		.node_counters = true,
		.tunnel_counters = true,
		.pair_counters = true};
	char error[256];

	assert_non_null(bed);
	bed->worker_count = options->workers;
	bed->config = (struct dataplane_config){.role = role,
		.idle_sleep = options->shared_out,
		.nodes_max = options->nodes_max,
		.tunnels_max = options->tunnels_max,
		.hold_packets = options->hold_packets,
		.hold_deadline_ms = options->hold_deadline_ms,
		.pair_packets = options->pair_packets,
		.punts_per_s = 1000,
		.punt_burst = 10000,
		.source_punts_per_s = 100000};
	make_gateway(bed, options->second_address);
	assert_int_equal(tables_create(&sizes, &memory_libc, &bed->tables), 0);
	bed->door = door_create(&door, error, sizeof(error));
	assert_non_null(bed->door);
	owner_init(&bed->owner, bed->tables, bed->door, 0, 0);
	for (unsigned port = 0; port < BED_PORTS; port++)
		make_port(bed, number, port, options->shared_out);
	make_workers(bed, number, options);
	number++;
	return bed;
}

static void drain_ring(struct rte_ring *ring)
{
	void *pkt;

	while (ring != NULL && rte_ring_dequeue(ring, &pkt) == 0)
		rte_pktmbuf_free(pkt);
}

static uint64_t drain_punted(struct bed *bed)
{
	struct rte_mbuf *pkt;
	uint64_t n = 0;

	while (door_punt_poll(bed->door, true, &pkt, 1) == 1 || door_punt_poll(bed->door, false, &pkt, 1) == 1) {
		rte_pktmbuf_free(pkt);
		n++;
	}
	return n;
}

void bed_reset(struct bed *bed)
{
	struct door_event event;

	for (unsigned port = 0; port < BED_PORTS; port++)
		drain_ring(bed->transmit[port]);
	drain_ring(bed->second_transmit);
	drain_punted(bed);
	while (door_event_poll(bed->door, &event, 1) == 1)
		;
	for (unsigned w = 0; w < bed->worker_count; w++) {
		memset(bed->workers[w]->stats, 0, sizeof(*bed->workers[w]->stats));
		memset(bed->workers[w]->reason_buckets, 0, sizeof(bed->workers[w]->reason_buckets));
		memset(bed->workers[w]->pair_buckets, 0, sizeof(bed->workers[w]->pair_buckets));
		memset(bed->workers[w]->peer_buckets, 0, sizeof(bed->workers[w]->peer_buckets));
		memset(bed->workers[w]->source_buckets, 0, sizeof(bed->workers[w]->source_buckets));
	}
	bed->put = 0;
}

void bed_destroy(struct bed *bed)
{
	bed_reset(bed);
	for (unsigned w = 0; w < bed->worker_count; w++) {
		reclaim_reader_offline(bed->workers[w]->reclaim, w);
		worker_discard(bed->workers[w]);
		worker_fini(bed->workers[w]);
		free(bed->workers[w]);
	}
	for (unsigned port = 0; port < BED_PORTS; port++) {
		rte_eth_dev_stop(bed->ethdev[port]);
		rte_eth_dev_close(bed->ethdev[port]);
		drain_ring(bed->receive[port]);
		rte_ring_free(bed->receive[port]);
		rte_ring_free(bed->transmit[port]);
		rte_ring_free(bed->handover[port]);
	}
	for (unsigned w = 0; w < BED_WORKERS; w++)
		rte_ring_free(bed->share[w]);
	drain_ring(bed->second_receive);
	rte_ring_free(bed->second_receive);
	rte_ring_free(bed->second_transmit);
	door_destroy(bed->door);
	tables_destroy(bed->tables);
	gateway_fini(&bed->gateway);
	free(bed);
	assert_int_equal(rte_mempool_in_use_count(pool), 0);
}

/* ---- forwarding state ---- */

void bed_apply(struct bed *bed, const struct fwd_update *update)
{
	assert_int_equal(owner_apply_one(&bed->owner, update), 0);
}

/* Towards 02:00:00:00:00:01 by the core port. */
static void make_template(struct bed *bed, uint32_t slot, const struct fwd_tunnel *tunnel)
{
	static const uint8_t ethernet[] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0x10, 0x86, 0xdd};
	struct tunnel_template *template = &bed->door->descriptors[slot];
	uint8_t *ip = template->bytes + sizeof(ethernet);

	*template = (struct tunnel_template){.length = 54, .l3 = 14, .port = CORE};
	memcpy(template->bytes, ethernet, sizeof(ethernet));
	ip[0] = 0x60;
	ip[6] = IPPROTO_IPV6;
	ip[7] = tunnel->hop_limit;
	memcpy(ip + 8, &tunnel->local, 16);
	memcpy(ip + 24, &tunnel->remote, 16);
}

static void insert_tunnel(struct bed *bed, uint32_t index, const char *local, const char *remote, bool resolved,
	int dscp, enum tunnel_use use)
{
	struct fwd_update update = {.op = FWD_OP_tunnel_insert, .index = index};
	struct fwd_tunnel *tunnel = &update.body.tunnel;

	*tunnel = (struct fwd_tunnel){.mtu_bytes = BED_TUNNEL_MTU,
		.hop_limit = 64,
		.descriptor = INDEX_NONE,
		.use = (uint8_t)use,
		.dscp_mode = dscp >= 0 ? DSCP_FIXED : DSCP_COPY,
		.dscp = dscp >= 0 ? (uint8_t)dscp : 0};
	parse(local, &tunnel->local);
	parse(remote, &tunnel->remote);
	if (resolved) {
		tunnel->flags = TUNNEL_RESOLVED;
		tunnel->descriptor = index;
		make_template(bed, index, tunnel);
	}
	bed_apply(bed, &update);
}

void bed_tunnel(struct bed *bed, uint32_t index, const char *local, const char *remote, bool resolved, int dscp)
{
	insert_tunnel(bed, index, local, remote, resolved, dscp,
		bed->config.role == DATAPLANE_LMA ? TUNNEL_TO_MAG : TUNNEL_TO_LMA);
}

void bed_direct_tunnel(struct bed *bed, uint32_t index, const char *local, const char *remote)
{
	insert_tunnel(bed, index, local, remote, true, -1, TUNNEL_TO_PEER_MAG);
}

void bed_pair(struct bed *bed, enum fwd_op op, const struct fwd_pair *pair, uint32_t index)
{
	struct fwd_update update = {.op = (uint8_t)op, .index = index, .body.pair = *pair};

	bed_apply(bed, &update);
}

void bed_endpoint(struct bed *bed, const char *prefix, const struct forward *forward)
{
	struct fwd_update update = {.op = FWD_OP_endpoint_insert};
	struct in6_addr address;

	parse(prefix, &address);
	update.body.endpoint.id = endpoint_id_ipv6(address.s6_addr);
	update.body.endpoint.forward = *forward;
	bed_apply(bed, &update);
}

void bed_link(struct bed *bed, uint16_t link, const uint8_t *mac, enum link_state state)
{
	struct fwd_update update = {.op = FWD_OP_link_insert};

	update.body.link = (struct fwd_link){.link = link, .state = (uint8_t)state};
	memcpy(update.body.link.mac, mac, 6);
	bed_apply(bed, &update);
}

/* MAC 02:00:00:00:00:02 seen from the port's own. */
void bed_neighbour(struct bed *bed, uint32_t index, uint16_t port, bool resolved)
{
	struct fwd_update update = {.op = FWD_OP_neighbour_insert, .index = index};

	update.body.neighbour = (struct fwd_neighbour){.port = port,
		.mtu_bytes = BED_MTU,
		.resolved = resolved,
		.mac = {2, 0, 0, 0, 0, 2},
		.source_mac = {2, 0, 0, 0, 0, (uint8_t)(0x10 + port)}};
	parse("fe80::2", &update.body.neighbour.address);
	bed_apply(bed, &update);
}

void bed_route(struct bed *bed, const char *prefix, uint8_t length, uint32_t neighbour)
{
	struct fwd_update update = {.op = FWD_OP_route_insert, .index = neighbour};

	parse(prefix, &update.body.route.prefix);
	update.body.route.length = length;
	bed_apply(bed, &update);
}

void bed_route_local(struct bed *bed, const char *prefix, uint8_t length, uint16_t port)
{
	struct fwd_update update = {.op = FWD_OP_route_insert, .index = INDEX_NONE};

	parse(prefix, &update.body.route.prefix);
	update.body.route.length = length;
	update.body.route.local = 1;
	update.body.route.port = port;
	bed_apply(bed, &update);
}

/* ---- packets ---- */

struct rte_mbuf *bed_mbuf(const struct frame *frame)
{
	struct rte_mbuf *pkt = rte_pktmbuf_alloc(pool);
	char *data;

	assert_non_null(pkt);
	data = rte_pktmbuf_append(pkt, frame->length);
	assert_non_null(data);
	memcpy(data, frame->bytes, frame->length);
	return pkt;
}

static void free_block(void *block, void *shared)
{
	free(block);
	free(shared);
}

struct rte_mbuf *bed_mbuf_exact(const struct frame *frame)
{
	return bed_mbuf_room(frame, RTE_PKTMBUF_HEADROOM);
}

struct rte_mbuf *bed_mbuf_room(const struct frame *frame, uint16_t headroom)
{
	struct rte_mbuf *pkt = rte_pktmbuf_alloc(pool);
	uint16_t size = (uint16_t)(headroom + frame->length);
	struct rte_mbuf_ext_shared_info *shared = calloc(1, sizeof(*shared));
	uint8_t *block = malloc(RTE_MAX(size, 1));

	if (pkt == NULL || shared == NULL || block == NULL)
		abort();
	shared->free_cb = free_block;
	shared->fcb_opaque = shared;
	rte_mbuf_ext_refcnt_set(shared, 1);
	rte_pktmbuf_attach_extbuf(pkt, block, 0, size, shared);
	pkt->data_off = headroom;
	memcpy(block + pkt->data_off, frame->bytes, frame->length);
	pkt->data_len = frame->length;
	pkt->pkt_len = frame->length;
	return pkt;
}

void bed_turn(struct bed *bed)
{
	for (unsigned w = 0; w < bed->worker_count; w++)
		worker_poll(bed->workers[w]);
}

void bed_receive(struct bed *bed, uint16_t port, const struct frame *frame, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(rte_ring_enqueue(bed->receive[port], bed_mbuf(frame)), 0);
	bed->put += n;
	worker_poll(bed->workers[0]);
}

void bed_inject(struct bed *bed, const struct frame *frame, const struct packet_meta *meta, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct rte_mbuf *pkt = bed_mbuf(frame);

		*packet_meta(pkt) = *meta;
		assert_int_equal(door_inject(bed->door, 0, pkt), 0);
	}
	bed->put += n;
	worker_poll(bed->workers[0]);
}

static void take(struct rte_mbuf *pkt, struct frame *frame)
{
	frame_init(frame);
	assert_int_equal(pkt->nb_segs, 1);
	assert_int_equal(rte_pktmbuf_pkt_len(pkt), rte_pktmbuf_data_len(pkt));
	frame_bytes(frame, rte_pktmbuf_mtod(pkt, void *), rte_pktmbuf_data_len(pkt));
	rte_pktmbuf_free(pkt);
}

bool bed_sent(struct bed *bed, uint16_t port, struct frame *frame)
{
	void *pkt;

	if (rte_ring_dequeue(bed->transmit[port], &pkt) != 0)
		return false;
	take(pkt, frame);
	return true;
}

bool bed_punted(struct bed *bed, struct frame *frame, struct packet_meta *meta)
{
	struct rte_mbuf *pkt;

	if (door_punt_poll(bed->door, true, &pkt, 1) != 1 && door_punt_poll(bed->door, false, &pkt, 1) != 1)
		return false;
	*meta = *packet_meta(pkt);
	take(pkt, frame);
	return true;
}

static void sum(struct bed *bed, struct worker_stats *stats)
{
	door_stats(bed->door, stats);
}

uint64_t bed_drops(struct bed *bed, enum drop_reason reason)
{
	struct worker_stats stats;

	sum(bed, &stats);
	return stats.drops[reason];
}

void bed_check_conservation(struct bed *bed)
{
	struct worker_stats stats;
	uint64_t out = 0;

	sum(bed, &stats);
	for (unsigned i = 0; i < DROP_COUNT; i++)
		out += stats.drops[i];
	for (unsigned i = 0; i < PUNT_COUNT; i++)
		out += stats.punts[i];
	for (unsigned i = 0; i < PORTS_MAX; i++)
		out += stats.ports[i].tx_packets;
	assert_int_equal(out, bed->put);
	for (unsigned w = 0; w < bed->worker_count; w++)
		for (unsigned stage = 0; stage < STAGE_COUNT; stage++)
			assert_int_equal(bed->workers[w]->vectors[stage].n, 0);
	bed_reset(bed);
	assert_int_equal(rte_mempool_in_use_count(pool), 0);
}
