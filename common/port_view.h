/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "bounds.h"

/*
 * One port as the data plane reports it to the control core, for `show ports`. A value; the strings live as long as
 * the data plane.
 */
struct port_view {
	const char *name;
	const char *device; /* as configured */
	char driver[32];    /* net_af_xdp, net_af_packet, ... */
	uint8_t mac[6];
	bool link_up;
	uint16_t mtu_bytes;
	uint16_t rx_queues, tx_queues;
	uint16_t rx_owner[WORKERS_MAX];           /* worker of each RX queue */
	uint16_t tx_owner[WORKERS_MAX];           /* TX queue of each worker, or UINT16_MAX: handed over */
	bool spread;                              /* flows of its queues go to all workers */
	uint64_t rx_missed, rx_errors, tx_errors; /* of the device */
};
