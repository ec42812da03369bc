/* SPDX-License-Identifier: BSD-3-Clause */
#include "traffic.h"

#include <math.h>
#include <string.h>
#include <rte_ether.h>

#include "bench.h"
#include "packet.h"

#define SCATTER UINT64_C(0x9e3779b97f4a7c15)

#define PATH_INFO(name, rig, in, out, watched) {#name, rig, in, out, watched},
const struct traffic_path_info traffic_paths[PATH_COUNT] = {TRAFFIC_PATHS(PATH_INFO)};

/* ---- who ---- */

/*
 * Zipf by rejection-inversion: W. Hoermann, G. Derflinger, "Rejection-inversion to generate variates from monotone
 * discrete distributions", ACM TOMACS 6 (1996). zipf_area() is the integral of x^-s and zipf_rank() its inverse.
 */
static double zipf_area(double s, double x)
{
	return fabs(s - 1) < 1e-9 ? log(x) : (pow(x, 1 - s) - 1) / (1 - s);
}

static double zipf_rank(double s, double area)
{
	return fabs(s - 1) < 1e-9 ? exp(area) : pow(1 + area * (1 - s), 1 / (1 - s));
}

static double uniform(struct traffic *t)
{
	return (double)(bench_random(&t->random) >> 11) * 0x1p-53;
}

static uint32_t zipf(struct traffic *t)
{
	const double s = t->shape.zipf;

	for (;;) {
		double area = t->zipf_high + uniform(t) * (t->zipf_low - t->zipf_high);
		double x = zipf_rank(s, area), rank = floor(x + 0.5);

		if (rank < 1)
			rank = 1;
		if (rank > t->rig->nodes)
			rank = t->rig->nodes;
		if (rank - x <= t->zipf_cut || area >= zipf_area(s, rank + 0.5) - pow(rank, -s))
			return (uint32_t)rank - 1;
	}
}

uint32_t traffic_node(struct traffic *t)
{
	uint32_t nodes = t->rig->nodes;

	if (t->shape.zipf == 0)
		return (uint32_t)((bench_random(&t->random) >> 32) * nodes >> 32);
	/* Neighbours in rank are not neighbours in the tables. */
	return (uint32_t)((zipf(t) * SCATTER >> 32) * nodes >> 32);
}

void traffic_init(struct traffic *t, const struct rig *rig, enum traffic_path path, const struct traffic_shape *shape)
{
	const double s = shape->zipf;

	*t = (struct traffic){.rig = rig, .path = path, .shape = *shape, .random = shape->seed};
	t->zipf_low = zipf_area(s, 1.5) - 1;
	t->zipf_high = zipf_area(s, rig->nodes + 0.5);
	t->zipf_cut = 1 - zipf_rank(s, zipf_area(s, 1.5) - 1);
}

/* ---- frames ---- */

static uint16_t next_size(struct traffic *t)
{
	uint32_t of_twelve;

	if (t->shape.size != TRAFFIC_IMIX)
		return t->shape.size;
	of_twelve = (uint32_t)((bench_random(&t->random) >> 32) * 12 >> 32);
	return of_twelve < 7 ? 64 : of_twelve < 11 ? 576 : 1420;
}

static uint8_t *put_ethernet(uint8_t *at, const uint8_t *destination, const uint8_t *source)
{
	memcpy(at, destination, 6);
	memcpy(at + 6, source, 6);
	at[12] = 0x86;
	at[13] = 0xdd;
	return at + RTE_ETHER_HDR_LEN;
}

static uint8_t *put_ipv6(uint8_t *at, uint8_t protocol, uint16_t payload)
{
	memset(at, 0, IPV6_HEADER);
	at[0] = 0x60;
	at[4] = (uint8_t)(payload >> 8);
	at[5] = (uint8_t)payload;
	at[6] = protocol;
	at[7] = 64;
	return at;
}

/* From the other end of tunnel @index; returns where the inner packet of @size octets goes. */
static uint8_t *put_outer(const struct rig *rig, uint8_t *at, uint32_t index, uint16_t size)
{
	at = put_ethernet(at, (const uint8_t[]){2, 0, 0, 0, 0, 0x10}, (const uint8_t[]){2, 0, 0, 0, 0, 1});
	put_ipv6(at, IPPROTO_IPV6, size);
	rig_peer_address(rig, at + 8, index);
	rig_own_address(rig, at + 24);
	return at + IPV6_HEADER;
}

static uint8_t *put_access(const struct rig *rig, uint8_t *at, uint32_t node)
{
	uint8_t mac[6];

	rig_node_mac(mac, node);
	return put_ethernet(at, rig->config.access_mac, mac);
}

static uint16_t put_inner(uint8_t *frame, uint8_t *at, uint64_t from, uint64_t to, uint16_t size)
{
	put_ipv6(at, IPPROTO_UDP, (uint16_t)(size - IPV6_HEADER));
	rig_address(at + 8, from, 0x10);
	rig_address(at + 24, to, 0x10);
	memcpy(at + IPV6_HEADER, &from, 4); /* ports: a flow for each node */
	return (uint16_t)(at - frame + size);
}

uint16_t traffic_next(struct traffic *t, uint8_t *frame)
{
	const struct rig *rig = t->rig;
	uint32_t from = traffic_node(t), to = traffic_node(t);
	uint16_t size = next_size(t);
	uint8_t *at;

	switch (t->path) {
	case PATH_lma_downlink:
		at = put_ethernet(frame, (const uint8_t[]){2, 0, 0, 0, 0, 0x11}, (const uint8_t[]){2, 0, 0, 0, 0, 2});
		return put_inner(frame, at, RIG_SERVERS, RIG_NODES + to, size);
	case PATH_lma_uplink:
		at = put_outer(rig, frame, from % RIG_MAGS, size);
		return put_inner(frame, at, RIG_NODES + from, RIG_SERVERS, size);
	case PATH_lma_hairpin:
		at = put_outer(rig, frame, from % RIG_MAGS, size);
		return put_inner(frame, at, RIG_NODES + from, RIG_NODES + to, size);
	case PATH_mag_uplink:
		return put_inner(frame, put_access(rig, frame, from), RIG_NODES + from, RIG_SERVERS, size);
	case PATH_mag_downlink:
		return put_inner(frame, put_outer(rig, frame, 0, size), RIG_SERVERS, RIG_NODES + to, size);
	case PATH_mag_uplink_direct:
		return put_inner(frame, put_access(rig, frame, from), RIG_NODES + from, RIG_REMOTES + from, size);
	case PATH_mag_downlink_direct:
		return put_inner(frame, put_outer(rig, frame, 1, size), RIG_REMOTES + to, RIG_NODES + to, size);
	case PATH_COUNT: break;
	}
	rig_die("no such path");
}
