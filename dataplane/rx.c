/* SPDX-License-Identifier: BSD-3-Clause */
#include "rx.h"

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_ring.h>

#include "pipeline.h"

/* Counts and starts what a port received: that of the first packet, as the index of the configured port. */
void stage_rx(struct worker *w, struct rte_mbuf **pkts, uint16_t n)
{
	uint16_t port = pkts[0]->port;
	bool spread = w->spread.ports >> port & 1;
	struct vector *next = &w->vectors[unlikely(spread) ? STAGE_spread : STAGE_classify];
	struct rte_mbuf **to = &next->pkts[next->n];
	uint64_t bytes = 0;

	for (uint16_t i = 0; i < n; i++) {
		struct rte_mbuf *pkt = to[i] = pkts[i];

		pkt->port = port;
		rte_prefetch0(rte_pktmbuf_mtod(pkt, void *));
		bytes += rte_pktmbuf_pkt_len(pkt);
	}
	next->n += n;
	counter_add(&w->stats->ports[port].rx_packets, n);
	counter_add(&w->stats->ports[port].rx_bytes, bytes);
}

unsigned rx_queue_poll(struct worker *w, const struct worker_queue *queue)
{
	struct vector *vector = &w->vectors[STAGE_rx];
	uint64_t start = rte_rdtsc(); /* what the driver takes is the stage's, if packets come of it */
	uint16_t n = rte_eth_rx_burst(queue->ethdev, queue->queue, vector->pkts, VECTOR_MAX);

	if (n == 0)
		return 0;
	vector->n = n;
	vector->pkts[0]->port = queue->port;
	pipeline_run_since(w, start);
	return n;
}

unsigned rx_share_poll(struct worker *w, struct rte_ring *share)
{
	struct vector *vector = &w->vectors[STAGE_classify];
	unsigned n = rte_ring_sc_dequeue_burst(share, (void **)vector->pkts, VECTOR_MAX, NULL);

	for (unsigned i = 0; i < n; i++)
		rte_prefetch0(vector->pkts[i]);
	for (unsigned i = 0; i < n; i++)
		rte_prefetch0(rte_pktmbuf_mtod(vector->pkts[i], void *));
	vector->n = (uint16_t)n;
	counter_add(&w->stats->spread_in, n);
	if (n != 0)
		pipeline_run(w);
	return n;
}

unsigned rx_handover_poll(struct worker *w, const struct worker_inlet *inlet)
{
	struct vector *vector = &w->vectors[STAGE_tx];
	unsigned n = rte_ring_sc_dequeue_burst(inlet->ring, (void **)vector->pkts, VECTOR_MAX, NULL);

	for (unsigned i = 0; i < n; i++)
		vector->pkts[i]->port = inlet->port | (packet_path(vector->pkts[i])->marker ? TX_MARKER : 0);
	vector->n = (uint16_t)n;
	if (n != 0)
		pipeline_run(w);
	return n;
}

/* Where a packet of the control core enters; false: nowhere. */
static bool inject(struct worker *w, struct rte_mbuf *pkt)
{
	const struct packet_meta *meta = packet_meta(pkt);

	*packet_path(pkt) = (struct packet_path){.tunnel = INDEX_NONE, .link = LINK_NONE, .own = 1};
	*packet_into(pkt) = meta->tunnel;
	switch (meta->stage) {
	case STAGE_tx: push_tx(w, pkt, meta->port); return true;
	case STAGE_classify:
		if (meta->port >= w->gateway->port_count)
			return false;
		pkt->port = meta->port;
		push(w, STAGE_classify, pkt);
		return true;
	case STAGE_anchor_down:
	case STAGE_route:
	case STAGE_encap:
		pkt->port = PORT_NONE;
		if (meta->stage == STAGE_anchor_down && w->gateway->role != DATAPLANE_LMA)
			return false;
		if (pkt->nb_segs != 1 || rte_pktmbuf_data_len(pkt) < IPV6_HEADER)
			return false;
		push(w, (enum stage)meta->stage, pkt);
		return true;
	default: return false;
	}
}

static bool is_marker(struct rte_mbuf *pkt)
{
	return packet_meta(pkt)->stage == STAGE_encap && rte_pktmbuf_data_len(pkt) >= IPV6_HEADER &&
	       ipv6_is_marker(packet_ipv6(pkt));
}

/*
 * Before a marker all that other workers have handed over until now: no packet of its pair is in their hands any more
 * when the control core sends it (FWD_OP_nop).
 */
static void finish_handovers(struct worker *w)
{
	for (unsigned i = 0; i < w->inlet_count; i++) {
		unsigned left = rte_ring_count(w->inlets[i].ring), n = 1;

		for (; left != 0 && n != 0; left -= RTE_MIN(n, left))
			n = rx_handover_poll(w, &w->inlets[i]);
	}
}

unsigned rx_inject_poll(struct worker *w)
{
	struct rte_mbuf *pkts[VECTOR_MAX];
	unsigned n = rte_ring_sc_dequeue_burst(w->door_worker->inject, (void **)pkts, VECTOR_MAX, NULL);
	bool marker = false;

	for (unsigned i = 0; i < n; i++)
		marker |= is_marker(pkts[i]);
	if (unlikely(marker))
		finish_handovers(w);

	for (unsigned i = 0; i < n; i++)
		if (!inject(w, pkts[i]))
			push_drop(w, pkts[i], DROP_inject_malformed);
	if (n != 0)
		pipeline_run(w);
	return n;
}
