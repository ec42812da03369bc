/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdint.h>

#include "door.h"
#include "engine.h"

#include "config/config.h"
#include "net/net.h"

/*
 * Packets between the control core and the workers: bytes of engines and of the IPv6 host into mbufs and through the
 * inject ring of the worker that owns the transmit queue. What finds the ring full waits in order, bounded.
 *
 * Threads: the control core.
 */
struct packet_io;

struct packet_io_config {
	struct door *door;
	struct rte_mempool *mbufs;
	const struct config *config;
	void *context;
	unsigned (*tx_worker)(void *context, uint16_t port);
};

/* NULL: not enough memory. */
struct packet_io *packet_io_create(const struct packet_io_config *config);
void packet_io_destroy(struct packet_io *io);

void packet_io_output(struct packet_io *io, const struct net_output *output);
/* Adds Ethernet with our fixed MAC as source, and the VLAN of the access link. */
void packet_io_access_frame(struct packet_io *io, const struct access_frame *frame);
/* Inject what waits. Returns how many still wait. */
unsigned packet_io_flush(struct packet_io *io);

struct packet_io_stats {
	uint64_t injected;
	uint64_t waited;       /* ring was full */
	uint64_t lost_no_mbuf; /* no packet buffer */
	uint64_t lost_full;    /* too many waiting */
};

void packet_io_stats(const struct packet_io *io, struct packet_io_stats *stats);
