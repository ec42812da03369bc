/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Harness of the gateway as an IPv6 host. The input is a series of steps: one octet that says what comes (a punt
 * reason), one of flags (below), one of the length in units of 8 octets, then the packet. Beyond staying inside the
 * bytes: what leaves is a packet with the length that it claims and a right checksum, errors fit the smallest MTU, and
 * the data plane is told about next hops before routes over them and the other way round.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>

#include "checksum.h"
#include "log.h"

#include "net/net.h"

#include "fuzz.h"

/* Flags of a step. */
#define STEP_OUTSIDE 0x01 /* from the outside port, else the core port */
#define STEP_LINK    0x02 /* from an access link */
#define STEP_TUNNEL  0x04 /* out of a tunnel */
#define STEP_SEAL    0x08 /* the ICMPv6 checksum is made right, if the header comes first */
#define STEP_TIME    0x10 /* three seconds before */
#define STEP_REFUSE  0x20 /* updates are refused meanwhile */
#define STEP_REMOVE  0x40 /* the tunnel goes and comes again */
#define STEP_LONG    0x80 /* an hour before */

#define NEIGHBOURS 8
#define TUNNEL     3
#define DIRECT     4 /* between MAGs */

struct world {
	struct config config;
	struct config_port ports[3];
	struct config_prefix addresses[2];
	struct config_route route;
	struct config_peer peer;
	struct engine_time now;
	struct net *net;
	bool refuse;
	uint64_t taken;
	uint64_t random;
	bool inserted[NEIGHBOURS], slots[NEIGHBOURS];
	unsigned routes[NEIGHBOURS]; /* that lead over the next hop */
};

static void check_packet(const uint8_t *ip, uint16_t length)
{
	struct in6_addr source, destination;

	CHECK(length >= 40 && ip[0] >> 4 == 6);
	CHECK((ip[4] << 8 | ip[5]) == length - 40);
	memcpy(&source, ip + 8, 16);
	memcpy(&destination, ip + 24, 16);
	CHECK(ip[8] != 0xff);
	if (ip[6] != IPPROTO_ICMPV6)
		return;
	CHECK(checksum_ipv6(&source, &destination, IPPROTO_ICMPV6, ip + 40, (size_t)length - 40) == 0);
	CHECK(ip[40] >= 128 || length <= 1280);
	if (ip[40] < 128 && length >= 48 + 41 && ip[48 + 6] == IPPROTO_ICMPV6)
		CHECK(ip[48 + 40] >= 128 && ip[48 + 40] != 137); /* never about an error or a redirect */
}

/* Packets of the data plane come out as they went in: only what is ours is checked. */
static void output(void *context, const struct net_output *out)
{
	const uint8_t *ip = out->bytes;
	uint16_t length = out->length;

	(void)context;
	if (out->kind == NET_FRAME) {
		uint16_t head = ip[12] == 0x81 ? 18 : 14;

		CHECK(out->port < 3 && length >= head);
		CHECK((ip[head - 2] << 8 | ip[head - 1]) == 0x86dd);
		ip += head;
		length = (uint16_t)(length - head);
	}
	if (length >= 24 && memcmp(ip + 8, "\x20\x01\x0d\xb8\0\1\0\0\0\0\0\0\0\0\0\1", 16) == 0)
		check_packet(ip, length);
}

static bool update(void *context, const struct fwd_update *value)
{
	struct world *world = context;

	if (world->refuse)
		return false;
	world->taken++;
	switch (value->op) {
	case FWD_OP_neighbour_insert:
		CHECK(value->index < NEIGHBOURS);
		world->inserted[value->index] = true;
		break;
	case FWD_OP_neighbour_remove:
		CHECK(world->inserted[value->index] && world->routes[value->index] == 0);
		world->inserted[value->index] = false;
		break;
	case FWD_OP_route_insert:
		if (value->body.route.local)
			break;
		CHECK(world->inserted[value->index]);
		world->routes[value->index]++;
		break;
	case FWD_OP_route_remove:
		CHECK(world->routes[value->index] > 0);
		world->routes[value->index]--;
		break;
	default: CHECK(value->op == FWD_OP_tunnel_replace && (value->index == TUNNEL || value->index == DIRECT));
	}
	return true;
}

static uint64_t taken(void *context)
{
	return ((struct world *)context)->taken;
}

static uint32_t descriptor(void *context, const struct tunnel_template *template)
{
	struct world *world = context;

	CHECK(template->length == 54 && template->port < 2);
	for (uint32_t i = 0; i < NEIGHBOURS; i++) {
		if (!world->slots[i]) {
			world->slots[i] = true;
			return i;
		}
	}
	return INDEX_NONE;
}

static void descriptor_release(void *context, uint32_t slot)
{
	struct world *world = context;

	CHECK(slot < NEIGHBOURS && world->slots[slot]);
	world->slots[slot] = false;
}

static void tunnel_resolved(void *context, uint32_t tunnel, int error)
{
	(void)context;
	(void)error;
	CHECK(tunnel == TUNNEL || tunnel == DIRECT);
}

/* What is heard of another MAG is about the one that there is; any node may answer an echo request. */
static void heard(void *context, const struct net_heard *what)
{
	struct world *world = context;

	CHECK(what->kind == NET_HEARD_ECHO || memcmp(&what->peer, &world->peer.address, 16) == 0);
}

static bool access_node(void *context, const struct in6_addr *address, uint16_t *link, uint8_t mac[6])
{
	(void)context;
	*link = 0;
	memcpy(mac, address->s6_addr + 10, 6);
	return address->s6_addr[15] % 2 == 0;
}

static uint64_t next_random(void *context)
{
	struct world *world = context;

	world->random = world->random * UINT64_C(6364136223846793005) + 1442695040888963407;
	return world->random >> 16;
}

static void sink(void *context, enum log_level level, const char *line)
{
	(void)context;
	(void)level;
	CHECK(line[0] != '\0');
}

static const struct net_host_ops ops = {
	.output = output,
	.update = update,
	.updates_taken = taken,
	.updates_reclaimed = taken,
	.descriptor = descriptor,
	.descriptor_release = descriptor_release,
	.tunnel_resolved = tunnel_resolved,
	.access_node = access_node,
	.random = next_random,
	.heard = heard,
};

static void insert_tunnel(struct world *world, uint32_t index, const char *remote, enum tunnel_use use)
{
	struct fwd_update value = {.op = FWD_OP_tunnel_insert,
		.index = index,
		.body.tunnel = {
			.local = world->addresses[0].address, .mtu_bytes = 1460, .hop_limit = 64, .use = (uint8_t)use}};

	inet_pton(AF_INET6, remote, &value.body.tunnel.remote);
	net_tunnel_insert(world->net, &world->now, &value);
}

static void insert_tunnels(struct world *world)
{
	bool lma = world->config.role == ROLE_LMA;

	insert_tunnel(world, TUNNEL, "2001:db8:1::a1", lma ? TUNNEL_TO_MAG : TUNNEL_TO_LMA);
	if (!lma)
		insert_tunnel(world, DIRECT, "2001:db8:1::a2", TUNNEL_TO_PEER_MAG);
}

static void remove_tunnels(struct world *world)
{
	net_tunnel_remove(world->net, TUNNEL);
	net_tunnel_remove(world->net, DIRECT);
}

static void start(struct world *world, bool lma)
{
	static const uint8_t macs[3][6] = {{2, 0, 0, 0, 0, 0x10}, {2, 0, 0, 0, 0, 0x11}, {2, 0, 0, 0, 0, 0x12}};
	static char names[3][8] = {"core", "outside", "access"};

	inet_pton(AF_INET6, "2001:db8:1::1", &world->addresses[0].address);
	inet_pton(AF_INET6, "2001:db8:100::1", &world->addresses[1].address);
	for (unsigned i = 0; i < 3; i++) {
		world->ports[i] = (struct config_port){.name = names[i], .mtu_bytes = 1500, .side = SIDE_OUTSIDE};
		if (i < 2) {
			world->addresses[i].length = 64;
			world->ports[i].addresses = &world->addresses[i];
			world->ports[i].address_count = 1;
		}
	}
	world->ports[0].side = SIDE_CORE;
	world->ports[2].side = SIDE_ACCESS;
	world->route.port = names[0];
	inet_pton(AF_INET6, "2001:db8:1::fe", &world->route.via);
	world->config = (struct config){.role = lma ? ROLE_LMA : ROLE_MAG,
		.ports = world->ports,
		.port_count = 3,
		.routes = &world->route,
		.route_count = 1};
	world->peer = (struct config_peer){.role = PEER_MAG};
	inet_pton(AF_INET6, "2001:db8:1::a2", &world->peer.address);
	world->config.peers = &world->peer;
	world->config.peer_count = 1;
	world->config.lma.address = world->config.mag.address = world->addresses[0].address;
	world->config.limits = (struct config_limits){
		.icmp_errors_per_s = 1000, .icmp_burst = 50, .resolve_queue = 3, .neighbours = NEIGHBOURS, .routes = 8};
	world->now.monotonic_ns = 1000000000;
	log_set_sink(sink, NULL);
	world->net = net_create(&world->config, macs, &ops, world, &world->now);
	CHECK(world->net != NULL);
	net_start(world->net, &world->now);
	insert_tunnels(world);
}

static void seal(uint8_t *packet, size_t length)
{
	struct in6_addr source, destination;
	uint16_t sum;

	if (length < 44 || packet[6] != IPPROTO_ICMPV6)
		return;
	memcpy(&source, packet + 8, 16);
	memcpy(&destination, packet + 24, 16);
	memset(packet + 42, 0, 2);
	sum = checksum_ipv6(&source, &destination, IPPROTO_ICMPV6, packet + 40, length - 40);
	memcpy(packet + 42, &sum, 2);
}

static void step(struct world *world, uint8_t reason, uint8_t flags, const uint8_t *bytes, size_t length)
{
	struct packet_meta meta = {.reason = reason % PUNT_COUNT,
		.port = flags & STEP_OUTSIDE ? 1 : 0,
		.link = flags & STEP_LINK ? 0 : LINK_NONE,
		.tunnel = flags & STEP_TUNNEL ? TUNNEL : INDEX_NONE,
		.mtu_bytes = 1400,
		.source_mac = {2, 0, 0, 0, 0, 0x21}};
	uint8_t *packet = malloc(length > 0 ? length : 1);

	CHECK(packet != NULL);
	memcpy(packet, bytes, length);
	if (flags & STEP_TUNNEL && meta.reason == PUNT_pair_error)
		meta.tunnel = DIRECT;
	if (flags & STEP_LINK)
		meta.port = 2;
	if (flags & STEP_SEAL)
		seal(packet, length);
	if (flags & STEP_TIME)
		world->now.monotonic_ns += UINT64_C(3000000000);
	if (flags & STEP_LONG)
		world->now.monotonic_ns += UINT64_C(3600000000000);
	world->refuse = flags & STEP_REFUSE;
	if (flags & STEP_REMOVE) {
		remove_tunnels(world);
		insert_tunnels(world);
	}
	net_advance(world->net, &world->now);
	net_punt(world->net, &world->now, &meta, packet, (uint16_t)length);
	if (reason >= 128)
		net_send(world->net, &world->now, packet, (uint16_t)length);
	world->refuse = false;
	net_advance(world->net, &world->now);
	free(packet);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world *world = calloc(1, sizeof(*world));
	size_t at = 1;

	CHECK(world != NULL);
	start(world, size == 0 || data[0] % 2 == 0);
	while (at + 3 <= size) {
		size_t length = (size_t)data[at + 2] * 8;

		if (length > size - at - 3)
			length = size - at - 3;
		step(world, data[at], data[at + 1], data + at + 3, length);
		at += 3 + length;
	}
	remove_tunnels(world);
	net_destroy(world->net);
	for (unsigned i = 0; i < NEIGHBOURS; i++)
		CHECK(!world->slots[i]);
	free(world);
	return 0;
}
