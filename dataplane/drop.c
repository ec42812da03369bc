/* SPDX-License-Identifier: BSD-3-Clause */
#include "pipeline.h"

void stage_drop(struct worker *w, struct rte_mbuf **pkts, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++)
		counter_add(&w->stats->drops[packet_path(pkts[i])->reason], 1);
	rte_pktmbuf_free_bulk(pkts, n);
}
