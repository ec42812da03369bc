/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "traffic.h"

/* Write @packets packets of a path to @file, as pcap. 0 or -1. */
int drive_write(const struct rig *rig, enum traffic_path path, const struct traffic_shape *shape, unsigned packets,
	const char *file);
/*
 * Ticks per packet of the pipeline over @ethdev, driver included, for @ms milliseconds: rx_queue_poll() on a port that
 * always has packets, which go out of the same port.
 */
double drive_run(struct rig *rig, enum traffic_path path, unsigned ms);
/* Configure and start a device with one queue each way. */
void drive_start(uint16_t ethdev, struct rte_mempool *pool);
