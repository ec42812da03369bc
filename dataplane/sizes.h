/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdint.h>

#include "dataplane.h"
#include "owner.h"

/* How large rings, pools and EAL's memory have to be for a configuration. Pure functions. */

#define UPDATE_RING_SIZE   16384
#define MBUF_RING_SIZE     1024
#define EVENT_RING_SIZE    1024
#define HANDOVER_RING_SIZE 512
#define SPREAD_RING_SIZE   1024

void sizes_tables(const struct dataplane_config *config, struct tables_config *tables);
/* Packet buffers of the pool, and octets of data in each (headroom included). */
uint32_t sizes_mbufs(const struct dataplane_config *config);
uint16_t sizes_mbuf_bytes(const struct dataplane_config *config);
/* All that EAL has to give, in MB, on @sockets sockets. */
uint32_t sizes_memory_mb(const struct dataplane_config *config, unsigned sockets);
