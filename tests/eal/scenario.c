/* SPDX-License-Identifier: BSD-3-Clause */
#include "scenario.h"

#include <string.h>
#include <arpa/inet.h>

#include "endpoint.h"

static void mobile_node(struct bed *bed, const char *address, uint16_t link, uint32_t tunnel, const uint8_t *mac)
{
	bool mag = bed->config.role == DATAPLANE_MAG;
	struct forward forward = {.action = mag ? FORWARD_LOCAL : FORWARD_TUNNEL,
		.link = link,
		.tunnel = tunnel,
		.node = address[12] - (uint32_t)'0'};

	if (mac != NULL)
		memcpy(forward.mac, mac, 6);
	bed_endpoint(bed, address, &forward);
	if (mac != NULL)
		bed_link(bed, link, mac, LINK_KNOWN);
}

struct bed *scenario_mag(unsigned workers)
{
	struct bed_options options = bed_usual(workers);

	return scenario_mag_with(&options);
}

struct bed *scenario_mag_with(const struct bed_options *options)
{
	struct bed *bed = bed_create_with(DATAPLANE_MAG, options);
	struct forward dropped = {.action = FORWARD_DROP, .link = 0, .tunnel = 1, .node = 5, .mac = {2, 0, 0, 0, 1, 5}};

	bed_tunnel(bed, 1, MAG, LMA, true, -1);
	bed_tunnel(bed, 3, MAG, MAG2, false, -1);
	mobile_node(bed, MN1, 0, 1, MN1_MAC);
	mobile_node(bed, MN2, 2, 1, MN2_MAC);
	mobile_node(bed, MN4, 0, 3, MN4_MAC);
	bed_endpoint(bed, MN5, &dropped);
	bed_link(bed, 0, MN5_MAC, LINK_KNOWN);
	bed_link(bed, 0, PENDING_MAC, LINK_PENDING);
	bed_link(bed, 0, REFUSED_MAC, LINK_REFUSED);
	return bed;
}

static uint64_t id_of(const char *text)
{
	struct in6_addr address;

	inet_pton(AF_INET6, text, &address);
	return endpoint_id_ipv6(address.s6_addr);
}

static void pair_out(struct bed *bed, const char *to, enum forward_action action, uint32_t tunnel, uint32_t index)
{
	struct fwd_pair pair = {.source = id_of(MN1),
		.destination = id_of(to),
		.forward = {.action = (uint8_t)action,
			.flags = FORWARD_PAIR_TX,
			.link = LINK_NONE,
			.tunnel = tunnel,
			.node = 1},
		.check.from = {.link = 0, .mac = {2, 0, 0, 0, 1, 1}}};

	bed_pair(bed, FWD_OP_pair_insert, &pair, index);
}

void scenario_pairs(struct bed *bed)
{
	struct fwd_pair in = {.source = id_of(MN6),
		.destination = id_of(MN1),
		.forward = {.action = FORWARD_LOCAL,
			.flags = FORWARD_PAIR_RX,
			.link = 0,
			.tunnel = INDEX_NONE,
			.node = 1,
			.mac = {2, 0, 0, 0, 1, 1}},
		.check = {.tunnel = 7, .former = 8}};
	struct fwd_pair back = {.source = id_of(MN6),
		.destination = id_of(MN7),
		.forward = {.action = FORWARD_TUNNEL,
			.flags = FORWARD_PAIR_RX | FORWARD_PAIR_RETURN,
			.link = LINK_NONE,
			.tunnel = 1,
			.node = INDEX_NONE},
		.check = {.tunnel = 7, .former = INDEX_NONE}};

	bed_direct_tunnel(bed, 7, MAG, PEER);
	bed_direct_tunnel(bed, 8, MAG, FORMER);
	pair_out(bed, MN6, FORWARD_TUNNEL, 7, PAIR_DIRECT);
	pair_out(bed, MN2, FORWARD_LOCAL, INDEX_NONE, PAIR_HERE);
	bed_pair(bed, FWD_OP_pair_insert, &in, PAIR_DIRECT);
	bed_pair(bed, FWD_OP_pair_insert, &back, PAIR_LEFT);
}

struct bed *scenario_lma(unsigned workers)
{
	struct bed_options options = bed_usual(workers);

	return scenario_lma_with(&options);
}

struct bed *scenario_lma_with(const struct bed_options *options)
{
	struct bed *bed = bed_create_with(DATAPLANE_LMA, options);
	struct forward blocked = {
		.action = FORWARD_TUNNEL, .flags = FORWARD_BLOCKED, .link = LINK_NONE, .tunnel = 1, .node = 3};
	struct forward dropped = {.action = FORWARD_DROP, .link = LINK_NONE, .tunnel = 1, .node = 5};

	bed_tunnel(bed, 1, LMA, MAG, true, -1);
	bed_tunnel(bed, 2, LMA, MAG2, true, 10);
	bed_tunnel(bed, 3, LMA, "2001:db8:1::4", false, -1);
	mobile_node(bed, MN1, LINK_NONE, 1, NULL);
	mobile_node(bed, MN2, LINK_NONE, 2, NULL);
	bed_endpoint(bed, MN3, &blocked);
	mobile_node(bed, MN4, LINK_NONE, 3, NULL);
	bed_endpoint(bed, MN5, &dropped);
	bed_neighbour(bed, 1, OUTSIDE, true);
	bed_neighbour(bed, 2, OUTSIDE, false);
	bed_route(bed, "2001:db8:5::", 48, 1);
	bed_route(bed, "2001:db8:6::", 48, 2);
	bed_route_local(bed, "2001:db8:7::", 64, OUTSIDE);
	return bed;
}

void scenario_udp(struct frame *frame, const char *from, const char *to, uint8_t hop_limit, uint8_t traffic_class)
{
	uint16_t ip = frame_ipv6(frame, &(struct frame_ipv6){from, to, IPPROTO_UDP, hop_limit, traffic_class, 0x12345});

	frame_udp(frame, 1000, 2000, 22);
	frame_close(frame, ip);
}

void scenario_outer(struct frame *frame, const char *from, const char *to, uint8_t traffic_class)
{
	frame_ipv6(frame, &(struct frame_ipv6){from, to, IPPROTO_IPV6, 64, traffic_class, 0});
}
