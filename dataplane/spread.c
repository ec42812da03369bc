/* SPDX-License-Identifier: BSD-3-Clause */
#include "pipeline.h"

#include <rte_ring.h>

#include "endpoint.h"

#define BE16_IPV6   RTE_BE16(RTE_ETHER_TYPE_IPV6)
#define BE16_VLAN   RTE_BE16(RTE_ETHER_TYPE_VLAN)
#define SECOND_LINE 64 /* where the inner addresses of a tunnelled packet are */

/* The IPv6 header of a frame, or NULL: none that is complete. */
static __rte_always_inline const struct rte_ipv6_hdr *ipv6_of(const struct rte_mbuf *pkt, uint16_t *left)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(pkt, const struct rte_ether_hdr *);
	uint16_t length = rte_pktmbuf_data_len(pkt), l2 = RTE_ETHER_HDR_LEN;
	rte_be16_t type;

	if (unlikely(length < RTE_ETHER_HDR_LEN + IPV6_HEADER))
		return NULL;
	type = eth->ether_type;
	if (type == BE16_VLAN) {
		type = ((const struct rte_vlan_hdr *)(eth + 1))->eth_proto;
		l2 += sizeof(struct rte_vlan_hdr);
	}
	*left = (uint16_t)(length - l2);
	if (unlikely(type != BE16_IPV6 || *left < IPV6_HEADER))
		return NULL;
	return (const struct rte_ipv6_hdr *)((const uint8_t *)eth + l2);
}

/* What is in a packet that classify will give to decap, or NULL. */
static const struct rte_ipv6_hdr *inside_of(const struct rte_ipv6_hdr *ip, uint16_t left)
{
	struct ipv6_upper upper = {.protocol = ip->proto, .offset = IPV6_HEADER};

	if (unlikely(ip->proto != IPPROTO_IPV6) && (!ipv6_upper_find(ip, left, &upper) || upper.fragment))
		return NULL;
	if (upper.protocol != IPPROTO_IPV6 || left - upper.offset < IPV6_HEADER)
		return NULL;
	return (const struct rte_ipv6_hdr *)((const uint8_t *)ip + upper.offset);
}

/* Of the two home networks, so that all packets of a pair, fragments and its in-order markers too, have one worker. */
static __rte_always_inline uint32_t hash_of(const struct rte_ipv6_hdr *ip)
{
	uint64_t source = endpoint_load_be64(ip->src_addr), destination = endpoint_load_be64(ip->dst_addr);

	return (uint32_t)(endpoint_hash(source * UINT64_C(0x9e3779b97f4a7c15) + destination) >> 32);
}

/* The number of the worker of a packet's flow. What stays on the link, or is no IPv6, has none: @here. */
static __rte_always_inline unsigned worker_of(const struct worker *w, const struct rte_mbuf *pkt, unsigned here)
{
	const struct gateway *gateway = w->gateway;
	const struct rte_ipv6_hdr *inside, *ip;
	uint16_t left;

	ip = ipv6_of(pkt, &left);
	if (unlikely(ip == NULL || !ipv6_is_routable(ip->src_addr) || !ipv6_is_routable(ip->dst_addr)))
		return here;
	if (gateway->ports[pkt->port].side == DATAPLANE_CORE &&
		gateway_own(gateway, ip->dst_addr, pkt->port) == OWN_ADDRESS) {
		inside = inside_of(ip, left);
		if (inside != NULL)
			ip = inside;
	}
	return (unsigned)((uint64_t)hash_of(ip) * w->spread.count >> 32);
}

static unsigned number_of_self(const struct worker *w)
{
	unsigned here = 0;

	while (w->spread.to[here] != NULL)
		here++;
	return here;
}

static void give(struct worker *w, struct rte_ring *ring, struct rte_mbuf **pkts, unsigned n)
{
	unsigned done = rte_ring_sp_enqueue_burst(ring, (void **)pkts, n, NULL);

	counter_add(&w->stats->spread_out, done);
	for (unsigned i = done; i < n; i++)
		push_drop(w, pkts[i], DROP_spread_full);
}

void stage_spread(struct worker *w, struct rte_mbuf **pkts, uint16_t n)
{
	struct rte_mbuf *shares[WORKERS_MAX][VECTOR_MAX];
	uint8_t counts[WORKERS_MAX] = {0};
	unsigned here = number_of_self(w);
	uint32_t used = 0;

	_Static_assert(WORKERS_MAX <= 32 && VECTOR_MAX <= UINT8_MAX, "workers are bits, packets fit an octet");
	if (w->gateway->ports[pkts[0]->port].side == DATAPLANE_CORE)
		for (uint16_t i = 0; i < n; i++)
			rte_prefetch0(rte_pktmbuf_mtod_offset(pkts[i], void *, SECOND_LINE));
	for (uint16_t i = 0; i < n; i++) {
		unsigned to = worker_of(w, pkts[i], here);

		shares[to][counts[to]++] = pkts[i];
		used |= UINT32_C(1) << to;
	}
	for (; used != 0; used &= used - 1) {
		unsigned to = (unsigned)__builtin_ctz(used);

		if (to != here)
			give(w, w->spread.to[to], shares[to], counts[to]);
		else
			for (unsigned i = 0; i < counts[to]; i++)
				push(w, STAGE_classify, shares[to][i]);
	}
}
