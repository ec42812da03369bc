/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "door.h"
#include "port_view.h"

#include "config/config.h"

/*
 * The control core of a gateway: binds the engines, the gateway's own IPv6 host, the control socket and the clock to
 * the door, and runs the loop. It sees the data plane only through the door and the few functions that main() gives.
 *
 * Threads: one, the control core, from daemon_create() to daemon_destroy().
 */
struct bindings;
struct daemon;

struct daemon_dataplane {
	struct door *door;
	struct rte_mempool *mbufs;
	const uint8_t (*port_macs)[6]; /* one per configured port */
	uint64_t tsc_hz;
	void *context;
	unsigned (*tx_worker)(void *context, uint16_t port);
	bool (*port)(void *context, uint16_t port, struct port_view *view);
	unsigned (*mbufs_in_use)(void *context);
};

/*
 * NULL with @error (of @error_size) telling what could not be had. @config and @dataplane outlive the daemon. @bindings
 * NULL: signalling decides what is forwarded; else there is none, and these rows do (forward_only.h): taken over, also
 * in case of an error.
 */
struct daemon *daemon_create(const struct config *config, const struct daemon_dataplane *dataplane,
	struct bindings *bindings, char *error, size_t error_size);
/*
 * Runs until SIGTERM or SIGINT; a MAG then de-registers its mobile nodes and waits, at most shutdown-wait, for the
 * answers.
 */
void daemon_run(struct daemon *daemon);
void daemon_destroy(struct daemon *daemon);
