/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>

#include "unit.h"

#include "format.h"
#include "log.h"

#include "net/net.h"

/*
 * A host for net/ without a daemon: keeps what left and what was pushed, can refuse updates and descriptors, and has a
 * clock that tests move. Packets are built here octet by octet, with a checksum of their own.
 *
 * The gateway: port 0 "core" 2001:db8:1::1/64, port 1 "outside" 2001:db8:100::1/64, port 2 "access" with VLANs 10 and
 * 20; a default route over 2001:db8:1::fe and 2001:db8:77::/48 over 2001:db8:100::fe.
 */
#define OUTPUTS_MAX  512
#define UPDATES_MAX  512
#define SLOTS_MAX    64
#define FRAME_MAX    2048
#define PORT_CORE    0
#define PORT_OUTSIDE 1
#define PORT_ACCESS  2

struct output_seen {
	struct net_output output;
	uint8_t bytes[FRAME_MAX];
};

struct net_host {
	struct config config;
	struct config_port ports[3];
	struct config_prefix addresses[3];
	struct config_route routes[2];
	uint16_t vlans[2];
	struct engine_time now;
	struct net *net;

	struct output_seen outputs[OUTPUTS_MAX];
	unsigned output_count;
	struct fwd_update updates[UPDATES_MAX];
	unsigned update_count;
	uint64_t taken, reclaimed;
	bool reclaim_lags; /* reclaimed does not follow taken */
	bool refuse;
	unsigned accept; /* with refuse: so many more are taken */
	struct tunnel_template slots[SLOTS_MAX];
	bool slot_used[SLOTS_MAX];
	bool no_slots;
	struct {
		uint32_t tunnel;
		int error;
	} resolved[64];
	unsigned resolved_count;
	struct net_heard heard[64];
	unsigned heard_count;
	uint64_t random;
	bool has_node;
	struct in6_addr node;
	char logs[8192];
	size_t log_used;
};

static const uint8_t net_macs[3][6] = {{2, 0, 0, 0, 0, 0x10}, {2, 0, 0, 0, 0, 0x11}, {2, 0, 0, 0, 0, 0x12}};
static const uint8_t fixed_mac[6] = {0, 0, 0x5e, 0, 0x52, 0x13};
static const uint8_t peer_mac[6] = {2, 0, 0, 0, 0, 0x21};
static const uint8_t other_mac[6] = {2, 0, 0, 0, 0, 0x22};
static const uint8_t node_mac[6] = {2, 0, 0, 0, 1, 1};

static inline struct in6_addr addr(const char *text)
{
	struct in6_addr address;

	assert_int_equal(inet_pton(AF_INET6, text, &address), 1);
	return address;
}

/* ---- what the host does for net ---- */

static inline void host_output(void *context, const struct net_output *output)
{
	struct net_host *host = context;
	struct output_seen *seen = &host->outputs[host->output_count++];

	assert_true(host->output_count <= OUTPUTS_MAX);
	assert_true(output->length <= FRAME_MAX);
	seen->output = *output;
	memcpy(seen->bytes, output->bytes, output->length);
	seen->output.bytes = seen->bytes;
}

static inline bool host_update(void *context, const struct fwd_update *update)
{
	struct net_host *host = context;

	if (host->refuse && host->accept == 0)
		return false;
	if (host->refuse)
		host->accept--;
	assert_true(host->update_count < UPDATES_MAX);
	host->updates[host->update_count++] = *update;
	host->taken++;
	if (!host->reclaim_lags)
		host->reclaimed = host->taken;
	return true;
}

static inline uint64_t host_taken(void *context)
{
	return ((struct net_host *)context)->taken;
}

static inline uint64_t host_reclaimed(void *context)
{
	return ((struct net_host *)context)->reclaimed;
}

static inline uint32_t host_descriptor(void *context, const struct tunnel_template *template)
{
	struct net_host *host = context;

	for (uint32_t i = 0; i < SLOTS_MAX && !host->no_slots; i++) {
		if (!host->slot_used[i]) {
			host->slot_used[i] = true;
			host->slots[i] = *template;
			return i;
		}
	}
	return INDEX_NONE;
}

static inline void host_descriptor_release(void *context, uint32_t slot)
{
	struct net_host *host = context;

	assert_true(slot < SLOTS_MAX && host->slot_used[slot]);
	host->slot_used[slot] = false;
}

static inline void host_tunnel_resolved(void *context, uint32_t tunnel, int error)
{
	struct net_host *host = context;

	assert_true(host->resolved_count < 64);
	host->resolved[host->resolved_count].tunnel = tunnel;
	host->resolved[host->resolved_count++].error = error;
}

static inline void host_heard(void *context, const struct net_heard *heard)
{
	struct net_host *host = context;

	assert_true(host->heard_count < 64);
	host->heard[host->heard_count++] = *heard;
}

static inline bool host_access_node(void *context, const struct in6_addr *address, uint16_t *link, uint8_t mac[6])
{
	struct net_host *host = context;

	if (!host->has_node || memcmp(address, &host->node, 8) != 0)
		return false;
	*link = 1;
	memcpy(mac, node_mac, 6);
	return true;
}

static inline uint64_t host_random(void *context)
{
	return ((struct net_host *)context)->random;
}

static inline void host_log(void *context, enum log_level level, const char *line)
{
	struct net_host *host = context;
	size_t left = sizeof(host->logs) - host->log_used;
	int n = snprintf(host->logs + host->log_used, left, "%s\n", line);

	(void)level;
	if (n > 0 && (size_t)n < left)
		host->log_used += (size_t)n;
}

static const struct net_host_ops host_ops = {
	.output = host_output,
	.update = host_update,
	.updates_taken = host_taken,
	.updates_reclaimed = host_reclaimed,
	.descriptor = host_descriptor,
	.descriptor_release = host_descriptor_release,
	.tunnel_resolved = host_tunnel_resolved,
	.access_node = host_access_node,
	.random = host_random,
	.heard = host_heard,
};

static inline char *word(const char *text)
{
	char *copy = strdup(text);

	assert_non_null(copy);
	return copy;
}

static inline void host_configure(struct net_host *host, enum role role)
{
	memset(host, 0, sizeof(*host));
	host->now.monotonic_ns = UINT64_C(1000000000000);
	host->random = 15000; /* reachable for 15 s + 15 s */
	host->vlans[0] = 10;
	host->vlans[1] = 20;
	host->addresses[0] = (struct config_prefix){.address = addr("2001:db8:1::1"), .length = 64};
	host->addresses[1] = (struct config_prefix){.address = addr("2001:db8:100::1"), .length = 64};
	host->ports[0] = (struct config_port){.name = word("core"),
		.side = SIDE_CORE,
		.addresses = &host->addresses[0],
		.address_count = 1,
		.mtu_bytes = 1500};
	host->ports[1] = (struct config_port){.name = word("outside"),
		.side = SIDE_OUTSIDE,
		.addresses = &host->addresses[1],
		.address_count = 1,
		.mtu_bytes = 1500};
	host->ports[2] = (struct config_port){
		.name = word("access"), .side = SIDE_ACCESS, .mtu_bytes = 1500, .vlans = host->vlans, .vlan_count = 2};
	host->routes[0] = (struct config_route){.via = addr("2001:db8:1::fe"), .port = host->ports[0].name};
	host->routes[1] = (struct config_route){.prefix = {.address = addr("2001:db8:77::"), .length = 48},
		.via = addr("2001:db8:100::fe"),
		.port = host->ports[1].name};
	host->config.role = role;
	host->config.ports = host->ports;
	host->config.port_count = 3;
	host->config.routes = host->routes;
	host->config.lma.address = host->config.mag.address = host->addresses[0].address;
	host->config.variables.fixed_mag_link_local_address = addr("fe80::200:5eff:fe00:5213");
	memcpy(host->config.variables.fixed_mag_link_layer_address, fixed_mac, 6);
	host->config.limits = (struct config_limits){
		.icmp_errors_per_s = 1000, .icmp_burst = 100, .resolve_queue = 4, .neighbours = 16, .routes = 16};
}

static inline void host_create(struct net_host *host)
{
	log_set_sink(host_log, host);
	host->net = net_create(&host->config, net_macs, &host_ops, host, &host->now);
	assert_non_null(host->net);
}

static inline void host_clear(struct net_host *host)
{
	host->output_count = host->update_count = host->resolved_count = host->heard_count = 0;
	host->log_used = 0;
	host->logs[0] = '\0';
}

/* A gateway without static routes, nothing sent yet. */
static inline struct net_host *host_new(enum role role)
{
	struct net_host *host = calloc(1, sizeof(*host));

	assert_non_null(host);
	host_configure(host, role);
	host_create(host);
	return host;
}

static inline struct net_host *host_with_routes(enum role role)
{
	struct net_host *host = calloc(1, sizeof(*host));

	assert_non_null(host);
	host_configure(host, role);
	host->config.route_count = 2;
	host_create(host);
	return host;
}

static inline void host_free(struct net_host *host)
{
	net_destroy(host->net);
	log_set_sink(NULL, NULL);
	for (unsigned i = 0; i < 3; i++)
		free(host->ports[i].name);
	free(host);
}

/* Time goes on by @ms, timers run on the way at their time. */
static inline void host_pass(struct net_host *host, uint64_t ms)
{
	uint64_t end_ms = engine_ms(&host->now) + ms;

	for (;;) {
		uint64_t next_ms = net_advance(host->net, &host->now);

		if (next_ms > end_ms)
			break;
		if (next_ms > engine_ms(&host->now))
			host->now.monotonic_ns = next_ms * 1000000;
	}
	host->now.monotonic_ns = end_ms * 1000000;
	net_advance(host->net, &host->now);
}

/* ---- packets ---- */

struct packet {
	uint16_t length;
	uint8_t bytes[FRAME_MAX];
};

/* RFC 1071 as the book has it, sharing nothing with checksum.h. */
static inline uint16_t book_sum(const uint8_t *ip, uint16_t upper_at, uint16_t length, uint8_t protocol)
{
	uint32_t sum = 0;

	for (unsigned i = 8; i < 40; i += 2)
		sum += (uint32_t)(ip[i] << 8 | ip[i + 1]);
	sum += (uint32_t)(length - upper_at) + protocol;
	for (unsigned i = upper_at; i < length; i++)
		sum += (uint32_t)ip[i] << ((i - upper_at) % 2 ? 0 : 8);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static inline struct packet ipv6(const char *source, const char *destination, uint8_t protocol, uint8_t hop_limit,
	const void *payload, uint16_t n)
{
	struct in6_addr from = addr(source), to = addr(destination);
	struct packet packet = {.length = (uint16_t)(40 + n),
		.bytes = {0x60, 0, 0, 0, (uint8_t)(n >> 8), (uint8_t)n, protocol, hop_limit}};

	memcpy(packet.bytes + 8, &from, 16);
	memcpy(packet.bytes + 24, &to, 16);
	if (n > 0)
		memcpy(packet.bytes + 40, payload, n);
	return packet;
}

/* Writes the checksum of the ICMPv6 message at @at. */
static inline void seal(struct packet *packet, uint16_t at)
{
	uint16_t sum;

	packet->bytes[at + 2] = packet->bytes[at + 3] = 0;
	sum = book_sum(packet->bytes, at, packet->length, 58);
	packet->bytes[at + 2] = (uint8_t)(sum >> 8);
	packet->bytes[at + 3] = (uint8_t)sum;
}

static inline struct packet icmp(const char *source, const char *destination, uint8_t hop_limit, uint8_t type,
	uint8_t code, uint32_t word32, const void *body, uint16_t n)
{
	uint8_t message[FRAME_MAX - 40] = {type, code, 0, 0, (uint8_t)(word32 >> 24), (uint8_t)(word32 >> 16),
		(uint8_t)(word32 >> 8), (uint8_t)word32};
	struct packet packet;

	if (n > 0)
		memcpy(message + 8, body, n);
	packet = ipv6(source, destination, 58, hop_limit, message, (uint16_t)(8 + n));
	seal(&packet, 40);
	return packet;
}

#define NA_ROUTER    0x80000000
#define NA_SOLICITED 0x40000000
#define NA_OVERRIDE  0x20000000

/* A solicitation (135) or advertisement (136); @mac NULL: no option. */
static inline struct packet discovery(const char *source, const char *destination, uint8_t type, uint32_t flags,
	const char *target, const uint8_t *mac)
{
	uint8_t body[24] = {0};
	struct in6_addr address = addr(target);

	memcpy(body, &address, 16);
	if (mac != NULL) {
		body[16] = type == 135 ? 1 : 2;
		body[17] = 1;
		memcpy(body + 18, mac, 6);
	}
	return icmp(source, destination, 255, type, 0, flags, body, mac != NULL ? 24 : 16);
}

/* ---- into net ---- */

static inline struct packet_meta from_port(uint8_t reason, uint16_t port)
{
	struct packet_meta meta = {.reason = reason, .port = port, .link = LINK_NONE, .tunnel = INDEX_NONE};

	memcpy(meta.source_mac, peer_mac, 6);
	return meta;
}

/* From an exact heap block, so that a read past the end is found. */
static inline void punt_meta(struct net_host *host, const struct packet_meta *meta, const struct packet *packet)
{
	uint8_t *block = malloc(packet->length > 0 ? packet->length : 1);

	assert_non_null(block);
	memcpy(block, packet->bytes, packet->length);
	net_punt(host->net, &host->now, meta, block, packet->length);
	free(block);
}

static inline void punt(struct net_host *host, uint8_t reason, uint16_t port, struct packet packet)
{
	struct packet_meta meta = from_port(reason, port);

	punt_meta(host, &meta, &packet);
}

static inline void receive_nd(struct net_host *host, uint16_t port, struct packet packet)
{
	punt(host, PUNT_neighbour_discovery, port, packet);
}

static inline int send_to(struct net_host *host, const char *destination)
{
	static const uint8_t payload[8] = {59};
	struct packet packet = ipv6("2001:db8:1::1", destination, 135, 64, payload, sizeof(payload));

	return net_send(host->net, &host->now, packet.bytes, packet.length);
}

/* ---- what came out ---- */

static inline const uint8_t *frame_ip(const struct output_seen *seen)
{
	assert_int_equal(seen->output.kind, NET_FRAME);
	assert_true(seen->output.length >= 14 + 40);
	if (seen->bytes[12] == 0x81)
		return seen->bytes + 18;
	assert_int_equal(seen->bytes[12] << 8 | seen->bytes[13], 0x86dd);
	return seen->bytes + 14;
}

/* The IPv6 packet of any output. */
static inline const uint8_t *output_ip(const struct output_seen *seen)
{
	return seen->output.kind == NET_FRAME ? frame_ip(seen) : seen->bytes;
}

static inline uint16_t output_ip_length(const struct output_seen *seen)
{
	return (uint16_t)(seen->output.length - (output_ip(seen) - seen->bytes));
}

static inline bool is_icmp(const struct output_seen *seen, uint8_t type)
{
	const uint8_t *ip = output_ip(seen);

	return ip[6] == 58 && ip[40] == type;
}

static inline unsigned count_icmp(const struct net_host *host, uint8_t type)
{
	unsigned n = 0;

	for (unsigned i = 0; i < host->output_count; i++)
		n += is_icmp(&host->outputs[i], type);
	return n;
}

static inline const struct output_seen *only_output(const struct net_host *host)
{
	assert_int_equal(host->output_count, 1);
	return &host->outputs[0];
}

static inline void assert_address(const uint8_t *at, const char *expected)
{
	struct in6_addr address = addr(expected);

	assert_memory_equal(at, &address, 16);
}

/* Every ICMPv6 message that left has the right length and checksum. */
static inline void assert_sums(const struct net_host *host)
{
	for (unsigned i = 0; i < host->output_count; i++) {
		const uint8_t *ip = output_ip(&host->outputs[i]);
		uint16_t length = output_ip_length(&host->outputs[i]);

		assert_int_equal(ip[4] << 8 | ip[5], length - 40);
		if (ip[6] == 58)
			assert_int_equal(book_sum(ip, 40, length, 58), 0);
	}
}

static inline bool find_neighbour(const struct net_host *host, const char *address, struct neighbour_view *view)
{
	struct in6_addr wanted = addr(address);

	for (uint32_t i = 0; net_neighbour_next(host->net, i, view); i = view->index + 1) {
		if (memcmp(&view->address, &wanted, 16) == 0)
			return true;
	}
	return false;
}

static inline enum neighbour_state state_of(const struct net_host *host, const char *address)
{
	struct neighbour_view view;

	return find_neighbour(host, address, &view) ? view.state : NEIGHBOUR_STATE_COUNT;
}

/* The peer at @address answers a solicitation. */
static inline void answers(struct net_host *host, uint16_t port, const char *address, const uint8_t mac[6])
{
	receive_nd(host, port,
		discovery(address, port == PORT_CORE ? "2001:db8:1::1" : "2001:db8:100::1", 136,
			NA_SOLICITED | NA_OVERRIDE, address, mac));
}

static inline struct net_stats stats_of(const struct net_host *host)
{
	struct net_stats stats;

	net_stats(host->net, &stats);
	return stats;
}
