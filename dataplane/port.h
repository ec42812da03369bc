/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <rte_ether.h>

#include "dataplane.h"
#include "bounds.h"
#include "port_view.h"

struct rte_mempool;

/*
 * Ports: a configured port as a DPDK device, and which worker owns each of its queues. Every receive and transmit queue
 * has exactly one owner; queues are dealt out round about over all ports, so that ports with one queue are shared out.
 *
 * Threads: the main thread; port_view_fill() also the control core while the port runs.
 */
struct port {
	char *name, *device;
	enum dataplane_device kind;
	uint16_t ethdev; /* DPDK's number */
	bool open, started;
	bool spread; /* its flows are shared out among workers */
	struct rte_ether_addr mac;
	uint16_t mtu_bytes;
	uint16_t rx_queues, tx_queues;
	uint16_t rx_descriptors, tx_descriptors; /* per queue */
	uint16_t rx_owner[WORKERS_MAX];          /* worker of each receive queue */
	uint16_t tx_queue[WORKERS_MAX];          /* queue of each worker, QUEUE_NONE: it hands over */
	uint16_t tx_owner[WORKERS_MAX];          /* worker of each transmit queue */
	char device_name[48];                    /* of the vdev that we made, or empty */
	char driver[32];
};

/* Deals queues to workers over all ports. */
struct port_dealer {
	unsigned workers;
	unsigned next;
};

/* Octets of packet data that a buffer must hold, headroom included, for a port of @mtu_bytes. */
uint32_t port_buffer_bytes(uint16_t mtu_bytes);
/* Receive queues that it has at most. */
uint16_t port_queues_max(const struct dataplane_port *config, unsigned workers);
/* Packet buffers that the queues of a port hold at most, before it is open. */
uint32_t port_buffers_max(const struct dataplane_port *config, unsigned workers);

/*
 * Open and configure port @number. A kernel interface gets net_af_xdp if that can attach, else net_af_packet; one log
 * line says which. 0, or negative errno with @error filled; then nothing is left open.
 */
int port_open(struct port *port, unsigned number, const struct dataplane_port *config, struct rte_mempool *pool,
	struct port_dealer *dealer, char *error, size_t error_size);
int port_start(struct port *port, char *error, size_t error_size);
void port_stop(struct port *port);
/* Also takes away a vdev that port_open() made. */
void port_close(struct port *port);

void port_view_fill(const struct port *port, struct port_view *view);
