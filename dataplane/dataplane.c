/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_mempool.h>
#include <rte_random.h>
#include <rte_ring.h>

#include "fail.h"
#include "log.h"
#include "memory_eal.h"
#include "owner.h"
#include "port.h"
#include "sizes.h"
#include "worker.h"

#define MEMPOOL_CACHE  256
#define FIRST_LCORE    1 /* of the workers; 0 is the control core's */
#define DRAIN_POLL_US  100
#define DESCRIPTOR_MIN 64

struct socket_state {
	int numa; /* EAL's number */
	struct memory memory;
	struct tables *tables;
	struct owner owner;
};

struct dataplane {
	struct dataplane_config config; /* its pointers are valid during creation only */
	struct gateway gateway;
	struct door *door;
	unsigned socket_count;
	struct socket_state sockets[SOCKETS_MAX];
	struct rte_mempool *pool;
	unsigned worker_count, workers_made;
	struct worker *workers[WORKERS_MAX];
	uint16_t socket_of[WORKERS_MAX];
	unsigned ports_open;
	struct port ports[PORTS_MAX];
	unsigned ring_count;
	struct rte_ring *rings[WORKERS_MAX * (PORTS_MAX + WORKERS_MAX)]; /* between workers */
	bool running;
	unsigned mbufs_after_start;
};

/* ---- creation, in this order ---- */

static int find_sockets(struct dataplane *d, char *error, size_t error_size)
{
	for (unsigned w = 0; w < d->worker_count; w++) {
		int numa = (int)rte_lcore_to_socket_id(FIRST_LCORE + w);
		unsigned s = 0;

		while (s < d->socket_count && d->sockets[s].numa != numa)
			s++;
		if (s == SOCKETS_MAX)
			return fail(error, error_size, -ENOSPC, "workers on more than %u NUMA sockets", SOCKETS_MAX);
		if (s == d->socket_count) {
			d->sockets[s].numa = numa;
			memory_eal_init(&d->sockets[s].memory, numa);
			d->socket_count++;
		}
		d->socket_of[w] = (uint16_t)s;
	}
	return 0;
}

static int make_pool(struct dataplane *d, char *error, size_t error_size)
{
	uint32_t n = sizes_mbufs(&d->config);
	uint16_t bytes = sizes_mbuf_bytes(&d->config);

	d->pool = rte_pktmbuf_pool_create("mbufs", n, MEMPOOL_CACHE, 0, bytes, d->sockets[0].numa);
	return d->pool != NULL ? 0 : fail(error, error_size, -rte_errno, "%u packet buffers of %u octets", n, bytes);
}

static int open_ports(struct dataplane *d, char *error, size_t error_size)
{
	struct port_dealer dealer = {.workers = d->worker_count};

	for (unsigned i = 0; i < d->config.port_count; i++) {
		const struct dataplane_port *config = &d->config.ports[i];
		int rc = port_open(&d->ports[i], i, config, d->pool, &dealer, error, error_size);

		if (rc != 0)
			return rc;
		d->ports_open++;
	}
	return 0;
}

static int make_gateway(struct dataplane *d, char *error, size_t error_size)
{
	struct rte_ether_addr macs[PORTS_MAX];
	int rc;

	for (unsigned i = 0; i < d->ports_open; i++)
		macs[i] = d->ports[i].mac;
	rc = gateway_init(&d->gateway, &d->config, macs, &d->sockets[0].memory);
	return rc == 0 ? 0 : fail(error, error_size, rc, "addresses, links and peers of the gateway");
}

static int make_tables(struct dataplane *d, char *error, size_t error_size)
{
	struct tables_config sizes;

	sizes_tables(&d->config, &sizes);
	for (unsigned s = 0; s < d->socket_count; s++) {
		int rc;

		sizes.seed = rte_rand() ^ rte_rdtsc();
		rc = tables_create(&sizes, &d->sockets[s].memory, &d->sockets[s].tables);
		if (rc != 0)
			return fail(error, error_size, rc, "forwarding tables (%" PRIu64 " MB)",
				tables_memory_bytes(&sizes) >> 20);
	}
	return 0;
}

static int make_door(struct dataplane *d, char *error, size_t error_size)
{
	struct door_config config = {
		.workers = d->worker_count,
		.sockets = d->socket_count,
		.update_ring_size = UPDATE_RING_SIZE,
		.mbuf_ring_size = MBUF_RING_SIZE,
		.event_ring_size = EVENT_RING_SIZE,
		.descriptors = 2 * d->config.tunnels_max + DESCRIPTOR_MIN,
		.nodes_max = d->config.nodes_max,
		.tunnels_max = d->config.tunnels_max,
		.node_counters = d->config.node_counters,
		.tunnel_counters = d->config.tunnel_counters,
		.pairs_max = d->config.role == DATAPLANE_MAG ? d->config.pairs_max : 0,
		.pair_counters = d->config.pair_counters,
	};

	memcpy(config.socket_of, d->socket_of, sizeof(config.socket_of));
	for (unsigned s = 0; s < d->socket_count; s++)
		config.numa_node[s] = d->sockets[s].numa;
	d->door = door_create(&config, error, error_size);
	return d->door != NULL ? 0 : -ENOMEM;
}

static int make_workers(struct dataplane *d, char *error, size_t error_size)
{
	bool owned[SOCKETS_MAX] = {false};

	for (unsigned w = 0; w < d->worker_count; w++) {
		unsigned s = d->socket_of[w];
		struct socket_state *socket = &d->sockets[s];
		struct worker_setup setup = {.number = w,
			.numa = socket->numa,
			.gateway = &d->gateway,
			.tables = socket->tables,
			.door = d->door,
			.owner = owned[s] ? NULL : &socket->owner,
			.config = &d->config};
		int rc = -ENOMEM;

		d->workers[w] = rte_zmalloc_socket("worker", sizeof(struct worker), RTE_CACHE_LINE_SIZE, socket->numa);
		if (d->workers[w] != NULL) {
			if (!owned[s])
				owner_init(&socket->owner, socket->tables, d->door, s, w);
			owned[s] = true;
			rc = worker_init(d->workers[w], &setup);
		}
		if (rc != 0) {
			rte_free(d->workers[w]);
			return fail(error, error_size, rc, "worker %u", w);
		}
		d->workers_made++;
	}
	return 0;
}

/* From worker @w, in its socket's memory; NULL with rte_errno. */
static struct rte_ring *make_ring(struct dataplane *d, const char *what, unsigned w, unsigned to, unsigned size)
{
	struct rte_ring *ring;
	char name[RTE_RING_NAMESIZE];

	snprintf(name, sizeof(name), "%s%u.%u", what, w, to);
	ring = rte_ring_create(name, size, d->sockets[d->socket_of[w]].numa, RING_F_SP_ENQ | RING_F_SC_DEQ);
	if (ring != NULL)
		d->rings[d->ring_count++] = ring;
	return ring;
}

static int connect_way(struct dataplane *d, unsigned w, uint16_t number)
{
	struct port *port = &d->ports[number];
	struct rte_ring *ring;

	if (port->tx_queue[w] != QUEUE_NONE) {
		worker_set_way(d->workers[w], number, port->ethdev, port->tx_queue[w]);
		return 0;
	}
	ring = make_ring(d, "handover", w, number, HANDOVER_RING_SIZE);
	if (ring == NULL)
		return -rte_errno;
	return worker_hand_over(d->workers[w], d->workers[port->tx_owner[w % port->tx_queues]], number, ring);
}

static bool receives(const struct port *port, unsigned w)
{
	for (uint16_t q = 0; q < port->rx_queues; q++)
		if (port->rx_owner[q] == w)
			return true;
	return false;
}

/* The ways from a worker to all of its socket, itself included, in the order of their numbers. */
static int connect_shares(struct dataplane *d, unsigned w)
{
	int rc = 0;

	for (unsigned to = 0; rc == 0 && to < d->worker_count; to++) {
		struct rte_ring *ring = NULL;

		if (d->socket_of[to] != d->socket_of[w])
			continue;
		if (to != w) {
			ring = make_ring(d, "spread", w, to, SPREAD_RING_SIZE);
			if (ring == NULL)
				return -rte_errno;
		}
		rc = worker_share(d->workers[w], d->workers[to], ring);
	}
	return rc;
}

static unsigned workers_beside(const struct dataplane *d, unsigned w)
{
	unsigned n = 0;

	for (unsigned other = 0; other < d->worker_count; other++)
		n += other != w && d->socket_of[other] == d->socket_of[w];
	return n;
}

/* Shares between workers, where one has a queue of a port that wants it and there are others on its socket. */
static int connect_spread(struct dataplane *d, char *error, size_t error_size)
{
	int rc = 0;

	for (unsigned w = 0; rc == 0 && w < d->worker_count; w++) {
		for (uint16_t p = 0; rc == 0 && p < d->ports_open; p++) {
			if (!d->config.ports[p].spread || !receives(&d->ports[p], w) || workers_beside(d, w) == 0)
				continue;
			if (d->workers[w]->spread.ports == 0)
				rc = connect_shares(d, w);
			worker_spread_port(d->workers[w], p);
			d->ports[p].spread = true;
		}
	}
	return rc == 0 ? 0 : fail(error, error_size, rc, "rings that share out flows");
}

static int connect_workers(struct dataplane *d, char *error, size_t error_size)
{
	int rc = 0;

	for (uint16_t p = 0; rc == 0 && p < d->ports_open; p++) {
		const struct port *port = &d->ports[p];

		for (uint16_t q = 0; rc == 0 && q < port->rx_queues; q++)
			rc = worker_add_queue(d->workers[port->rx_owner[q]], p, port->ethdev, q);
		for (unsigned w = 0; rc == 0 && w < d->worker_count; w++)
			rc = connect_way(d, w, p);
	}
	return rc == 0 ? 0 : fail(error, error_size, rc, "queues of the workers");
}

int dataplane_create(
	const struct dataplane_config *config, struct dataplane **dataplane, char *error, size_t error_size)
{
	static int (*const steps[])(struct dataplane *, char *, size_t) = {find_sockets, make_pool, open_ports,
		make_gateway, make_tables, make_door, make_workers, connect_workers, connect_spread};
	struct dataplane *d;
	int rc = 0;

	*dataplane = NULL;
	if (config->worker_count == 0 || config->worker_count > WORKERS_MAX || config->port_count > PORTS_MAX)
		return fail(error, error_size, -EINVAL, "workers or ports");
	d = calloc(1, sizeof(*d));
	if (d == NULL)
		return fail(error, error_size, -ENOMEM, "data plane");
	d->config = *config;
	d->worker_count = config->worker_count;
	for (unsigned i = 0; rc == 0 && i < RTE_DIM(steps); i++)
		rc = steps[i](d, error, error_size);
	if (rc != 0) {
		dataplane_destroy(d);
		return rc;
	}
	*dataplane = d;
	return 0;
}

void dataplane_destroy(struct dataplane *d)
{
	dataplane_stop(d, 0, NULL);
	for (unsigned i = 0; i < d->ring_count; i++)
		rte_ring_free(d->rings[i]);
	for (unsigned w = 0; w < d->workers_made; w++) {
		worker_fini(d->workers[w]);
		rte_free(d->workers[w]);
	}
	if (d->door != NULL)
		door_destroy(d->door);
	gateway_fini(&d->gateway);
	for (unsigned i = 0; i < d->ports_open; i++)
		port_close(&d->ports[i]);
	for (unsigned s = 0; s < d->socket_count; s++) {
		if (d->sockets[s].tables != NULL)
			tables_destroy(d->sockets[s].tables);
	}
	rte_mempool_free(d->pool);
	free(d);
}

/* ---- start and stop ---- */

int dataplane_start(struct dataplane *d, char *error, size_t error_size)
{
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < d->ports_open; i++)
		rc = port_start(&d->ports[i], error, error_size);
	if (rc != 0)
		goto stop_ports;
	d->mbufs_after_start = dataplane_mbufs_in_use(d);
	for (unsigned w = 0; w < d->worker_count; w++) {
		atomic_store(&d->workers[w]->stop, WORKER_RUN);
		rc = rte_eal_remote_launch(worker_loop, d->workers[w], FIRST_LCORE + w);
		if (rc != 0) {
			fail(error, error_size, rc, "worker %u does not start", w);
			goto stop_workers;
		}
	}
	d->running = true;
	return 0;
stop_workers:
	for (unsigned w = 0; w < d->worker_count; w++)
		atomic_store(&d->workers[w]->stop, WORKER_STOP);
	rte_eal_mp_wait_lcore();
stop_ports:
	for (unsigned i = 0; i < d->ports_open; i++)
		port_stop(&d->ports[i]);
	return rc;
}

static void tell_workers(struct dataplane *d, enum worker_stop stop)
{
	for (unsigned w = 0; w < d->worker_count; w++) {
		atomic_store_explicit(&d->workers[w]->drained, false, memory_order_relaxed);
		atomic_store_explicit(&d->workers[w]->stop, stop, memory_order_release);
	}
}

static bool all_drained(const struct dataplane *d)
{
	for (unsigned w = 0; w < d->worker_count; w++)
		if (!atomic_load_explicit(&d->workers[w]->drained, memory_order_acquire))
			return false;
	return true;
}

/*
 * A worker may have given a packet to one that had just found its rings empty: a round for each ring on a packet's
 * longest way (a share of flows, then the handover to the transmit queue), and one.
 */
static void drain(struct dataplane *d, unsigned drain_ms)
{
	uint64_t deadline = rte_get_timer_cycles() + drain_ms * rte_get_timer_hz() / 1000;

	for (unsigned round = 0; round < 3; round++) {
		tell_workers(d, WORKER_DRAIN);
		while (!all_drained(d) && rte_get_timer_cycles() < deadline)
			rte_delay_us_sleep(DRAIN_POLL_US);
	}
}

static void free_punted(struct dataplane *d, bool signalling)
{
	struct rte_mbuf *pkts[VECTOR_MAX];
	unsigned n;

	while ((n = door_punt_poll(d->door, signalling, pkts, VECTOR_MAX)) != 0)
		rte_pktmbuf_free_bulk(pkts, n);
}

void dataplane_stop(struct dataplane *d, unsigned drain_ms, struct dataplane_leaks *leaks)
{
	struct dataplane_leaks counts = {.after_start = d->mbufs_after_start};

	if (d->running) {
		drain(d, drain_ms);
		tell_workers(d, WORKER_STOP);
		rte_eal_mp_wait_lcore();
		for (unsigned w = 0; w < d->worker_count; w++)
			worker_discard(d->workers[w]);
		free_punted(d, true);
		free_punted(d, false);
		counts.before_close = dataplane_mbufs_in_use(d);
		for (unsigned i = 0; i < d->ports_open; i++)
			port_close(&d->ports[i]);
		d->ports_open = 0;
		counts.after_close = dataplane_mbufs_in_use(d);
		d->running = false;
	}
	if (leaks != NULL)
		*leaks = counts;
}

/* ---- views ---- */

struct door *dataplane_door(struct dataplane *d)
{
	return d->door;
}

struct rte_mempool *dataplane_mempool(struct dataplane *d)
{
	return d->pool;
}

bool dataplane_port(const struct dataplane *d, uint16_t port, struct port_view *view)
{
	if (port >= d->ports_open)
		return false;
	port_view_fill(&d->ports[port], view);
	return true;
}

unsigned dataplane_tx_worker(const struct dataplane *d, uint16_t port)
{
	return port < d->ports_open ? d->ports[port].tx_owner[0] : 0;
}

unsigned dataplane_mbufs_in_use(const struct dataplane *d)
{
	return rte_mempool_in_use_count(d->pool);
}
