/* SPDX-License-Identifier: BSD-3-Clause */
#include "pipeline.h"

#include <rte_ethdev.h>
#include <rte_ring.h>

static void count_tx(struct worker *w, uint16_t port, uint16_t n, uint64_t bytes)
{
	counter_add(&w->stats->ports[port].tx_packets, n);
	counter_add(&w->stats->ports[port].tx_bytes, bytes);
}

static void transmit(struct worker *w, uint16_t port, struct rte_mbuf **pkts, uint16_t n)
{
	const struct worker_way *way = &w->ways[port];
	uint64_t bytes = 0;
	uint16_t sent;

	for (uint16_t i = 0; i < n; i++)
		bytes += rte_pktmbuf_pkt_len(pkts[i]);
	sent = rte_eth_tx_burst(way->ethdev, way->queue, pkts, n);
	for (uint16_t i = sent; i < n; i++) {
		bytes -= rte_pktmbuf_pkt_len(pkts[i]);
		push_drop(w, pkts[i], DROP_tx_full);
	}
	count_tx(w, port, sent, bytes);
}

static void hand_over(struct worker *w, uint16_t port, struct rte_mbuf **pkts, uint16_t n)
{
	struct rte_ring *ring = w->ways[port].handover;
	unsigned done = rte_ring_sp_enqueue_burst(ring, (void **)pkts, n, NULL);

	counter_add(&w->stats->handed_over, done);
	for (unsigned i = done; i < n; i++)
		push_drop(w, pkts[i], DROP_handoff_full);
}

static void transfer(struct worker *w, uint16_t port, struct rte_mbuf **pkts, uint16_t n)
{
	if (likely(w->ways[port].queue != QUEUE_NONE))
		transmit(w, port, pkts, n);
	else if (w->ways[port].handover != NULL)
		hand_over(w, port, pkts, n);
	else
		for (uint16_t i = 0; i < n; i++)
			push_drop(w, pkts[i], DROP_port_down);
}

/* How many packets from the first one on leave by its port: nearly always all. */
static uint16_t run_of_port(struct rte_mbuf **pkts, uint16_t n)
{
	uint16_t i = 1;

	while (i < n && pkts[i]->port == pkts[0]->port)
		i++;
	return i;
}

/* Behind what was before it, here or at the worker that has the queue. */
static void transfer_marker(struct worker *w, struct rte_mbuf *pkt)
{
	const struct worker_way *way = &w->ways[pkt->port & ~TX_MARKER];

	if (way->queue != QUEUE_NONE || way->handover == NULL)
		marker_arrived(w, pkt);
	else if (rte_ring_sp_enqueue(way->handover, pkt) != 0)
		push_drop(w, pkt, DROP_handoff_full);
}

void stage_tx(struct worker *w, struct rte_mbuf **pkts, uint16_t n)
{
	struct rte_mbuf *markers[VECTOR_MAX];
	uint16_t marker_count = 0;
	uint32_t used = 0;

	if (likely(pkts[0]->port < w->gateway->port_count && run_of_port(pkts, n) == n)) {
		transfer(w, pkts[0]->port, pkts, n);
		return;
	}
	_Static_assert(PORTS_MAX <= 32, "ports in use are bits of a word");
	for (uint16_t i = 0; i < n; i++) {
		uint16_t port = pkts[i]->port;
		struct vector *out;

		if (unlikely(port >= w->gateway->port_count)) {
			if ((port & TX_MARKER) != 0 && (port & ~TX_MARKER) < w->gateway->port_count)
				markers[marker_count++] = pkts[i];
			else
				push_drop(w, pkts[i], DROP_port_down);
			continue;
		}
		out = &w->out[port];
		out->pkts[out->n++] = pkts[i];
		used |= UINT32_C(1) << port;
	}
	for (; used != 0; used &= used - 1) {
		uint16_t port = (uint16_t)__builtin_ctz(used);
		struct vector *out = &w->out[port];

		n = out->n;
		out->n = 0;
		transfer(w, port, out->pkts, n);
	}
	for (uint16_t i = 0; i < marker_count; i++)
		transfer_marker(w, markers[i]);
}
