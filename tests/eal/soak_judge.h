/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "soak_traffic.h"

/*
 * What may have become of a packet: everything that some version of what it met would have done with it. Written after
 * the specification, from the packet and the world alone; the gateway's own tables are not asked.
 *
 * Threads: under the lock of the world.
 */
struct verdict {
	bool matches;   /* what came out is one of these */
	bool forgotten; /* so much changed meanwhile that not everything could be tried */
	bool certain;   /* its pair did not change meanwhile: the order of its flow holds */
	uint64_t drops; /* bits of enum drop_reason */
	uint32_t punts; /* bits of enum punt_reason */
};

/* @since: everything up to that update was reclaimed when the packet was made. @frame: what came out of @port, or NULL.
 */
struct verdict soak_judge(const struct world *world, const struct soak_packet *packet, uint64_t since,
	const uint8_t *frame, uint16_t length, uint16_t port);
/* Is it the packet, as the control core gets it: layer 3, and nothing changed but hop limit and ECN? */
bool soak_is_punted(const struct soak_packet *packet, const uint8_t *bytes, uint16_t length);
