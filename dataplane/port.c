/* SPDX-License-Identifier: BSD-3-Clause */
#include "port.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <rte_dev.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "fail.h"
#include "kernel_interface.h"
#include "log.h"
#include "worker.h"

#define DESCRIPTORS        512
#define DESCRIPTORS_PCI    1024
#define DESCRIPTORS_AF_XDP 2048 /* the driver's own choice, for fill and completion ring each */
#define FRAME_OVERHEAD     (RTE_ETHER_HDR_LEN + (uint32_t)sizeof(struct rte_vlan_hdr) + RTE_ETHER_CRC_LEN)
#define PACKET_FRAME_HEAD  128 /* what a kernel packet ring puts before a frame, rounded up */
#define PACKET_FRAME_ALIGN 1024u
#define PACKET_BLOCK       4u /* frames: whole pages */
#define PACKET_FRAMES      1024u
#define ARGUMENTS_MAX      256

/* Frames of a kernel packet ring. The driver counts on them lying behind each other: a block has no room left over. */
static unsigned packet_frame_bytes(uint16_t mtu_bytes)
{
	return RTE_MAX(RTE_ALIGN_CEIL(mtu_bytes + FRAME_OVERHEAD + PACKET_FRAME_HEAD, PACKET_FRAME_ALIGN), 2048u);
}

/* net_af_packet refuses buffers smaller than a frame of its ring. */
uint32_t port_buffer_bytes(uint16_t mtu_bytes)
{
	return RTE_PKTMBUF_HEADROOM + packet_frame_bytes(mtu_bytes);
}

uint16_t port_queues_max(const struct dataplane_port *config, unsigned workers)
{
	uint16_t queues = config->queues;

	if (queues == 0)
		queues = config->kind == DATAPLANE_PCI ? (uint16_t)workers : 1;
	return (uint16_t)RTE_MIN(queues, workers);
}

uint32_t port_buffers_max(const struct dataplane_port *config, unsigned workers)
{
	uint32_t queues = port_queues_max(config, workers);

	switch (config->kind) {
	case DATAPLANE_KERNEL: return queues * 3 * DESCRIPTORS_AF_XDP;
	case DATAPLANE_VDEV: return queues * 2 * DESCRIPTORS;
	case DATAPLANE_PCI: break;
	}
	return (queues + workers) * DESCRIPTORS_PCI;
}

static unsigned deal(struct port_dealer *dealer)
{
	return dealer->next++ % dealer->workers;
}

/* A worker sends by the queue whose receive side it owns, if there is one; a queue left over goes to one without. */
static void deal_queues(struct port *port, struct port_dealer *dealer)
{
	for (unsigned w = 0; w < WORKERS_MAX; w++)
		port->tx_queue[w] = QUEUE_NONE;
	for (uint16_t q = 0; q < port->rx_queues; q++)
		port->rx_owner[q] = (uint16_t)deal(dealer);
	for (uint16_t q = 0; q < port->tx_queues; q++) {
		unsigned w = q < port->rx_queues ? port->rx_owner[q] : 0;

		while (port->tx_queue[w] != QUEUE_NONE)
			w = (w + 1) % dealer->workers;
		port->tx_queue[w] = q;
		port->tx_owner[q] = (uint16_t)w;
	}
}

static uint64_t rss_hash(const struct rte_eth_dev_info *info)
{
	return info->flow_type_rss_offloads & (RTE_ETH_RSS_IPV6 | RTE_ETH_RSS_IPV6_EX | RTE_ETH_RSS_NONFRAG_IPV6_TCP |
						      RTE_ETH_RSS_NONFRAG_IPV6_UDP | RTE_ETH_RSS_NONFRAG_IPV6_OTHER);
}

/*
 * net_af_packet says that it carries 1518 octets whatever its ring's frames were made for; it never looks at the MTU it
 * is configured with, the interface's counts.
 */
static uint32_t configured_mtu(const struct rte_eth_dev_info *info, uint16_t mtu_bytes)
{
	bool understates = info->driver_name != NULL && strcmp(info->driver_name, "net_af_packet") == 0;

	return understates ? RTE_MIN(mtu_bytes, (uint32_t)RTE_ETHER_MTU) : mtu_bytes;
}

static int configure(struct port *port, const struct dataplane_port *config, unsigned workers)
{
	struct rte_eth_conf conf = {0};
	struct rte_eth_dev_info info;
	uint16_t wanted = port_queues_max(config, workers);
	int rc = rte_eth_dev_info_get(port->ethdev, &info);

	if (rc != 0)
		return rc;
	conf.rxmode.mtu = configured_mtu(&info, config->mtu_bytes);
	/* What we send is of one pool, in one segment, and nobody else's: what the driver has to know to free faster.
	 */
	conf.txmode.offloads = info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;
	port->rx_queues = RTE_MIN(wanted, info.max_rx_queues);
	port->tx_queues = config->kind == DATAPLANE_PCI ? RTE_MIN((uint16_t)workers, info.max_tx_queues)
							: RTE_MIN(port->rx_queues, info.max_tx_queues);
	if (port->rx_queues == 0 || port->tx_queues == 0)
		return -ENOTSUP;
	if (port->rx_queues > 1 && rss_hash(&info) != 0) {
		conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		conf.rx_adv_conf.rss_conf.rss_hf = rss_hash(&info);
	}
	/* A device that does not know its limits is believed; one that does has to carry the MTU. */
	if (info.max_mtu != 0 && config->mtu_bytes > info.max_mtu)
		return -EMSGSIZE;
	rc = rte_eth_dev_configure(port->ethdev, port->rx_queues, port->tx_queues, &conf);
	if (rc != 0)
		return rc;
	port->rx_descriptors = port->tx_descriptors = config->kind == DATAPLANE_PCI ? DESCRIPTORS_PCI : DESCRIPTORS;
	return rte_eth_dev_adjust_nb_rx_tx_desc(port->ethdev, &port->rx_descriptors, &port->tx_descriptors);
}

static int set_up_queues(struct port *port, struct rte_mempool *pool)
{
	int socket = rte_eth_dev_socket_id(port->ethdev), rc = 0;

	for (uint16_t q = 0; rc == 0 && q < port->rx_queues; q++)
		rc = rte_eth_rx_queue_setup(port->ethdev, q, port->rx_descriptors, (unsigned)socket, NULL, pool);
	for (uint16_t q = 0; rc == 0 && q < port->tx_queues; q++)
		rc = rte_eth_tx_queue_setup(port->ethdev, q, port->tx_descriptors, (unsigned)socket, NULL);
	return rc;
}

/* Not every driver knows every mode; without multicast nothing works, so it has to be one of the two. */
static int set_modes(struct port *port, const struct dataplane_port *config)
{
	bool all = config->promiscuous || config->side == DATAPLANE_ACCESS || config->kind == DATAPLANE_KERNEL;
	int rc = 0;

	if (all)
		rc = rte_eth_promiscuous_enable(port->ethdev);
	if (!all || rc != 0)
		rc = rte_eth_allmulticast_enable(port->ethdev);
	return rc == -ENOTSUP && config->kind == DATAPLANE_VDEV ? 0 : rc;
}

static int bring_up(struct port *port, const struct dataplane_port *config, struct rte_mempool *pool, unsigned workers)
{
	struct rte_eth_dev_info info;
	int rc = configure(port, config, workers);

	if (rc == 0)
		rc = set_up_queues(port, pool);
	if (rc == 0)
		rc = set_modes(port, config);
	if (rc == 0)
		rc = rte_eth_macaddr_get(port->ethdev, &port->mac);
	if (rc == 0)
		rc = rte_eth_dev_info_get(port->ethdev, &info);
	if (rc == 0)
		snprintf(port->driver, sizeof(port->driver), "%s", info.driver_name);
	return rc;
}

static void remove_device(struct port *port)
{
	if (port->device_name[0] != '\0')
		rte_eal_hotplug_remove("vdev", port->device_name);
	port->device_name[0] = '\0';
}

/* Make the vdev @name if EAL does not have it yet, and open it. */
static int open_vdev(struct port *port, const char *name, const char *arguments, const struct dataplane_port *config,
	struct rte_mempool *pool, unsigned workers)
{
	int rc = rte_eth_dev_get_port_by_name(name, &port->ethdev);

	if (rc != 0) {
		rc = rte_eal_hotplug_add("vdev", name, arguments);
		if (rc != 0)
			return rc;
		snprintf(port->device_name, sizeof(port->device_name), "%s", name);
		rc = rte_eth_dev_get_port_by_name(name, &port->ethdev);
	}
	if (rc == 0) {
		rc = bring_up(port, config, pool, workers);
		if (rc == 0)
			return 0;
		rte_eth_dev_close(port->ethdev);
	}
	remove_device(port);
	return rc;
}

static int open_kernel(struct port *port, unsigned number, const struct dataplane_port *config,
	struct rte_mempool *pool, unsigned workers, const char **cause)
{
	unsigned queues = port_queues_max(config, workers), frame = packet_frame_bytes(config->mtu_bytes);
	char name[32], arguments[ARGUMENTS_MAX];
	int rc = kernel_interface_prepare(config->device, config->mtu_bytes, cause);

	if (rc != 0)
		return rc;
	*cause = "neither net_af_xdp nor net_af_packet can attach";
	/* Tags do not reach XDP when the kernel keeps them beside the packet. */
	if (config->vlan_count == 0) {
		snprintf(name, sizeof(name), "net_af_xdp%u", number);
		snprintf(arguments, sizeof(arguments), "iface=%s,start_queue=0,queue_count=%u", config->device, queues);
		if (open_vdev(port, name, arguments, config, pool, workers) == 0)
			return 0;
	}
	snprintf(name, sizeof(name), "net_af_packet%u", number);
	snprintf(arguments, sizeof(arguments), "iface=%s,qpairs=%u,framesz=%u,blocksz=%u,framecnt=%u,qdisc_bypass=0",
		config->device, queues, frame, PACKET_BLOCK * frame, PACKET_FRAMES);
	return open_vdev(port, name, arguments, config, pool, workers);
}

static int open_configured_vdev(
	struct port *port, const struct dataplane_port *config, struct rte_mempool *pool, unsigned workers)
{
	const char *comma = strchr(config->device, ',');
	size_t length = comma != NULL ? (size_t)(comma - config->device) : strlen(config->device);
	char name[sizeof(port->device_name)];

	if (length >= sizeof(name))
		return -ENAMETOOLONG;
	snprintf(name, sizeof(name), "%.*s", (int)length, config->device);
	return open_vdev(port, name, comma != NULL ? comma + 1 : "", config, pool, workers);
}

static int open_pci(struct port *port, const struct dataplane_port *config, struct rte_mempool *pool, unsigned workers)
{
	int rc = rte_eth_dev_get_port_by_name(config->device, &port->ethdev);

	if (rc != 0)
		return rc;
	rc = bring_up(port, config, pool, workers);
	if (rc != 0)
		rte_eth_dev_close(port->ethdev);
	return rc;
}

int port_open(struct port *port, unsigned number, const struct dataplane_port *config, struct rte_mempool *pool,
	struct port_dealer *dealer, char *error, size_t error_size)
{
	const char *cause = "the device cannot be opened";
	int rc = -EINVAL;

	*port = (struct port){.kind = config->kind, .mtu_bytes = config->mtu_bytes};
	port->name = strdup(config->name);
	port->device = strdup(config->device);
	if (port->name == NULL || port->device == NULL) {
		rc = -ENOMEM;
		cause = "no memory";
	} else if (config->kind == DATAPLANE_KERNEL) {
		rc = open_kernel(port, number, config, pool, dealer->workers, &cause);
	} else if (config->kind == DATAPLANE_VDEV) {
		rc = open_configured_vdev(port, config, pool, dealer->workers);
	} else {
		rc = open_pci(port, config, pool, dealer->workers);
	}
	if (rc != 0) {
		fail(error, error_size, rc, "port %s, device %s: %s", config->name, config->device, cause);
		port_close(port);
		return rc;
	}
	port->open = true;
	deal_queues(port, dealer);
	log_notice("port_open", "port=%s device=%s driver=%s rx_queues=%u tx_queues=%u mtu=%u", port->name,
		port->device, port->driver, port->rx_queues, port->tx_queues, port->mtu_bytes);
	return 0;
}

int port_start(struct port *port, char *error, size_t error_size)
{
	int rc = rte_eth_dev_start(port->ethdev);

	if (rc != 0)
		return fail(error, error_size, rc, "port %s, device %s: cannot be started", port->name, port->device);
	port->started = true;
	return 0;
}

void port_stop(struct port *port)
{
	if (port->started && rte_eth_dev_stop(port->ethdev) != 0)
		log_warning("port_stop_failed", "port=%s", port->name);
	port->started = false;
}

void port_close(struct port *port)
{
	port_stop(port);
	if (port->open)
		rte_eth_dev_close(port->ethdev);
	port->open = false;
	remove_device(port);
	free(port->name);
	free(port->device);
	port->name = port->device = NULL;
}

void port_view_fill(const struct port *port, struct port_view *view)
{
	struct rte_eth_stats stats = {0};
	struct rte_eth_link link = {0};

	*view = (struct port_view){.name = port->name,
		.device = port->device,
		.mtu_bytes = port->mtu_bytes,
		.spread = port->spread,
		.rx_queues = port->rx_queues,
		.tx_queues = port->tx_queues};
	snprintf(view->driver, sizeof(view->driver), "%s", port->driver);
	memcpy(view->mac, port->mac.addr_bytes, sizeof(view->mac));
	memcpy(view->rx_owner, port->rx_owner, sizeof(view->rx_owner));
	memcpy(view->tx_owner, port->tx_queue, sizeof(view->tx_owner));
	if (port->open && rte_eth_link_get_nowait(port->ethdev, &link) == 0)
		view->link_up = link.link_status == RTE_ETH_LINK_UP;
	if (port->open && rte_eth_stats_get(port->ethdev, &stats) == 0) {
		view->rx_missed = stats.imissed + stats.rx_nombuf;
		view->rx_errors = stats.ierrors;
		view->tx_errors = stats.oerrors;
	}
}
