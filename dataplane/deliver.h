/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <string.h>

#include "worker.h"

/*
 * What nearly every packet to an MN is: it fits into an access link without a tag, and has hops left. The same as
 * downlink_deliver() does with it, in one go, but for counting, the push, and the tag that it came with, which is
 * forgotten. False: it is something else; nothing is changed. Worker.
 */
static __rte_always_inline bool deliver_usual(
	const struct gateway *gateway, struct rte_mbuf *pkt, const struct forward *forward)
{
	const struct gateway_link *link = &gateway->links[forward->link % LINKS_MAX];
	const uint16_t length = rte_pktmbuf_data_len(pkt), port = link->port;
	struct rte_ipv6_hdr *ip = packet_ipv6(pkt);
	uint8_t *frame = (uint8_t *)ip - RTE_ETHER_HDR_LEN;
	uint64_t destination, source;

	if (unlikely(length > link->mtu_bytes || link->vlan != VLAN_NONE || ip->hop_limits <= 1 ||
		     rte_pktmbuf_headroom(pkt) < RTE_ETHER_HDR_LEN + sizeof(struct rte_vlan_hdr)))
		return false;
	/* Two octets more than the MAC has, which the source goes over. */
	memcpy(&destination, (const uint8_t *)forward + offsetof(struct forward, mac), sizeof(destination));
	memcpy(&source, link->ethernet, sizeof(source));
	ip->hop_limits--;
	memcpy(frame, &destination, sizeof(destination));
	memcpy(frame + RTE_ETHER_ADDR_LEN, &source, sizeof(source));
	pkt->data_off = (uint16_t)(pkt->data_off - RTE_ETHER_HDR_LEN);
	packet_set_length(pkt, (uint32_t)length + RTE_ETHER_HDR_LEN);
	pkt->port = port;
	return true;
}
