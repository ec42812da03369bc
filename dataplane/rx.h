/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "worker.h"

/*
 * Where packets enter: each takes up to VECTOR_MAX packets from one source and runs the pipeline over them. Returns
 * how many. Worker.
 */
unsigned rx_queue_poll(struct worker *w, const struct worker_queue *queue);
/* Packets of this worker's flows that another one received (stage spread). */
unsigned rx_share_poll(struct worker *w, struct rte_ring *share);
/* Packets that another worker hands over to be sent to the inlet's port. */
unsigned rx_handover_poll(struct worker *w, const struct worker_inlet *inlet);
/* Packets of the control core; they enter where their packet_meta says. */
unsigned rx_inject_poll(struct worker *w);
