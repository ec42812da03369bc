/* SPDX-License-Identifier: BSD-3-Clause */
#include "packet_io.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include <rte_ether.h>
#include <rte_mbuf.h>

#define WAITING_MAX 16384 /* packets, all workers together */

struct access_link {
	uint16_t port;
	uint16_t vlan;
};

struct waiting {
	struct rte_mbuf *mbuf;
	unsigned worker;
};

struct packet_io {
	struct packet_io_config config;
	struct access_link links[LINKS_MAX];
	unsigned link_count;
	struct waiting *waiting; /* ring */
	unsigned head, count;
	struct packet_io_stats stats;
};

static void number_links(struct packet_io *io, const struct config *config)
{
	for (unsigned i = 0; i < config->port_count; i++) {
		const struct config_port *port = &config->ports[i];

		if (port->side != SIDE_ACCESS)
			continue;
		for (unsigned v = 0; v < (port->vlan_count ? port->vlan_count : 1) && io->link_count < LINKS_MAX; v++)
			io->links[io->link_count++] =
				(struct access_link){(uint16_t)i, port->vlan_count ? port->vlans[v] : VLAN_NONE};
	}
}

struct packet_io *packet_io_create(const struct packet_io_config *config)
{
	struct packet_io *io = calloc(1, sizeof(*io));

	if (io == NULL)
		return NULL;
	io->config = *config;
	io->waiting = calloc(WAITING_MAX, sizeof(*io->waiting));
	if (io->waiting == NULL) {
		free(io);
		return NULL;
	}
	number_links(io, config->config);
	return io;
}

void packet_io_destroy(struct packet_io *io)
{
	if (io == NULL)
		return;
	for (; io->count > 0; io->count--, io->head = (io->head + 1) % WAITING_MAX)
		rte_pktmbuf_free(io->waiting[io->head].mbuf);
	free(io->waiting);
	free(io);
}

unsigned packet_io_flush(struct packet_io *io)
{
	while (io->count > 0) {
		struct waiting *first = &io->waiting[io->head];

		if (door_inject(io->config.door, first->worker, first->mbuf) != 0)
			break;
		io->stats.injected++;
		io->head = (io->head + 1) % WAITING_MAX;
		io->count--;
	}
	return io->count;
}

static void inject(struct packet_io *io, unsigned worker, struct rte_mbuf *mbuf)
{
	if (packet_io_flush(io) == 0 && door_inject(io->config.door, worker, mbuf) == 0) {
		io->stats.injected++;
		return;
	}
	if (io->count == WAITING_MAX) {
		io->stats.lost_full++;
		rte_pktmbuf_free(mbuf);
		return;
	}
	io->stats.waited++;
	io->waiting[(io->head + io->count++) % WAITING_MAX] = (struct waiting){mbuf, worker};
}

/* A packet buffer with room for @head octets before the @length octets of @bytes, which are copied; NULL: none. */
static struct rte_mbuf *make(struct packet_io *io, size_t head, const void *bytes, uint16_t length)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(io->config.mbufs);
	char *at = mbuf != NULL ? rte_pktmbuf_append(mbuf, (uint16_t)(head + length)) : NULL;

	if (at == NULL) {
		io->stats.lost_no_mbuf++;
		rte_pktmbuf_free(mbuf);
		return NULL;
	}
	memcpy(at + head, bytes, length);
	*packet_meta(mbuf) = (struct packet_meta){.port = PORT_NONE, .link = LINK_NONE, .tunnel = INDEX_NONE};
	return mbuf;
}

void packet_io_output(struct packet_io *io, const struct net_output *output)
{
	struct rte_mbuf *mbuf = make(io, 0, output->bytes, output->length);
	unsigned worker = 0;

	if (mbuf == NULL)
		return;
	switch (output->kind) {
	case NET_FRAME:
		packet_meta(mbuf)->stage = STAGE_tx;
		packet_meta(mbuf)->port = output->port;
		worker = io->config.tx_worker(io->config.context, output->port);
		break;
	case NET_PACKET:
		packet_meta(mbuf)->stage = io->config.config->role == ROLE_LMA ? STAGE_anchor_down : STAGE_route;
		break;
	case NET_TUNNEL:
		packet_meta(mbuf)->stage = STAGE_encap;
		packet_meta(mbuf)->tunnel = output->tunnel;
		if (output->port != PORT_NONE)
			worker = io->config.tx_worker(io->config.context, output->port);
		break;
	}
	inject(io, worker, mbuf);
}

void packet_io_access_frame(struct packet_io *io, const struct access_frame *frame)
{
	const struct access_link *link = &io->links[frame->link < io->link_count ? frame->link : 0];
	size_t head = link->vlan != VLAN_NONE ? 18 : 14;
	struct rte_mbuf *mbuf;
	uint8_t *at;

	if (frame->link >= io->link_count)
		return;
	mbuf = make(io, head, frame->bytes, frame->length);
	if (mbuf == NULL)
		return;
	at = rte_pktmbuf_mtod(mbuf, uint8_t *);
	memcpy(at, frame->mac, 6);
	memcpy(at + 6, io->config.config->variables.fixed_mag_link_layer_address, 6);
	if (link->vlan != VLAN_NONE) {
		const uint16_t tag[2] = {htons(RTE_ETHER_TYPE_VLAN), htons(link->vlan)};

		memcpy(at + 12, tag, sizeof(tag));
	}
	at[head - 2] = RTE_ETHER_TYPE_IPV6 >> 8;
	at[head - 1] = RTE_ETHER_TYPE_IPV6 & 0xff;
	packet_meta(mbuf)->stage = STAGE_tx;
	packet_meta(mbuf)->port = link->port;
	inject(io, io->config.tx_worker(io->config.context, link->port), mbuf);
}

void packet_io_stats(const struct packet_io *io, struct packet_io_stats *stats)
{
	*stats = io->stats;
}
