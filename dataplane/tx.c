/* SPDX-License-Identifier: BSD-3-Clause */
#include "pipeline.h"

#include <rte_ethdev.h>
#include <rte_ring.h>

static void count_tx(struct worker *w, uint16_t port, uint16_t n, uint64_t bytes)
{
	counter_add(&w->stats->ports[port].tx_packets, n);
	counter_add(&w->stats->ports[port].tx_bytes, bytes);
}

static void transmit(struct worker *w, uint16_t port, struct rte_mbuf **pkts, uint16_t n, uint64_t bytes)
{
	const struct worker_way *way = &w->ways[port];
	uint16_t sent = rte_eth_tx_burst(way->ethdev, way->queue, pkts, n);

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

/* @bytes: of all @n packets. */
static void transfer(struct worker *w, uint16_t port, struct rte_mbuf **pkts, uint16_t n, uint64_t bytes)
{
	if (likely(w->ways[port].queue != QUEUE_NONE))
		transmit(w, port, pkts, n, bytes);
	else if (w->ways[port].handover != NULL)
		hand_over(w, port, pkts, n);
	else
		for (uint16_t i = 0; i < n; i++)
			push_drop(w, pkts[i], DROP_port_down);
}

/* Do all packets leave by one port? Nearly always. @bytes: of all. */
static bool is_one_port(struct rte_mbuf **pkts, uint16_t n, uint64_t *bytes)
{
	uint16_t port = pkts[0]->port, differ = 0;
	uint64_t sum = 0;

	for (uint16_t i = 0; i < n; i++) {
		differ |= pkts[i]->port ^ port;
		sum += rte_pktmbuf_pkt_len(pkts[i]);
	}
	*bytes = sum;
	return differ == 0;
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
	uint64_t bytes[PORTS_MAX];
	uint16_t marker_count = 0;
	uint32_t used = 0;

	if (likely(is_one_port(pkts, n, &bytes[0]) && pkts[0]->port < w->gateway->port_count)) {
		transfer(w, pkts[0]->port, pkts, n, bytes[0]);
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
		bytes[port] = (out->n != 0 ? bytes[port] : 0) + rte_pktmbuf_pkt_len(pkts[i]);
		out->pkts[out->n++] = pkts[i];
		used |= UINT32_C(1) << port;
	}
	for (; used != 0; used &= used - 1) {
		uint16_t port = (uint16_t)__builtin_ctz(used);
		struct vector *out = &w->out[port];

		n = out->n;
		out->n = 0;
		transfer(w, port, out->pkts, n, bytes[port]);
	}
	for (uint16_t i = 0; i < marker_count; i++)
		transfer_marker(w, markers[i]);
}
