/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/internal.h"

#include <errno.h>
#include <stdlib.h>

#define ANNOUNCEMENTS   3 /* RFC 4861 section 7.2.6: MAX_NEIGHBOR_ADVERTISEMENT */
#define ANNOUNCE_GAP_MS 1000
#define TIMERS_PER_TURN 1024
#define RETRY_MS        1 /* after a refused update */
#define MH_BYTES_MAX    2048

void net_set_time(struct net *net, const struct engine_time *now)
{
	net->now_ns = now->monotonic_ns;
	net->now_ms = engine_ms(now);
}

bool port_speaks(const struct net *net, uint16_t port)
{
	return port < net->port_count && net->ports[port].config->side != SIDE_ACCESS;
}

bool own_address_on(const struct net *net, const struct in6_addr *address, uint16_t port)
{
	for (unsigned i = 0; i < net->own_count; i++) {
		if (net->own[i].port == port && IN6_ARE_ADDR_EQUAL(&net->own[i].address, address))
			return true;
	}
	return false;
}

bool own_address_any(const struct net *net, const struct in6_addr *address)
{
	for (unsigned i = 0; i < net->own_count; i++) {
		if (IN6_ARE_ADDR_EQUAL(&net->own[i].address, address))
			return true;
	}
	return false;
}

const struct in6_addr *own_source(const struct net *net, uint16_t port, const struct in6_addr *to)
{
	const struct in6_addr *same_scope = NULL;

	if (ip6_is_link_local(to))
		return &net->ports[port].link_local;
	for (unsigned i = 0; i < net->own_count; i++) {
		const struct own_address *own = &net->own[i];

		if (own->port != port || ip6_is_link_local(&own->address))
			continue;
		if (prefix_contains(&own->address, own->length, to))
			return &own->address;
		if (same_scope == NULL)
			same_scope = &own->address;
	}
	return same_scope != NULL ? same_scope : &net->main_address;
}

uint64_t random_below(struct net *net, uint64_t bound)
{
	return net->ops->random(net->context) % bound;
}

void transmit(struct net *net, uint16_t port, uint16_t vlan, const uint8_t source[6], const uint8_t destination[6],
	const uint8_t *bytes, uint16_t length)
{
	struct net_output output = {.kind = NET_FRAME, .port = port, .tunnel = INDEX_NONE, .bytes = net->frame};
	uint8_t *at = net->frame;

	if (length > net->ports[port].mtu_bytes)
		return;
	memcpy(at, destination, 6);
	memcpy(at + 6, source, 6);
	at += 12;
	if (vlan != VLAN_NONE) {
		store_be16(at, ETHERTYPE_VLAN_WIRE);
		store_be16(at + 2, vlan);
		at += VLAN_BYTES;
	}
	store_be16(at, ETHERTYPE_IPV6_WIRE);
	memcpy(at + 2, bytes, length);
	output.length = (uint16_t)(at + 2 + length - net->frame);
	net->ops->output(net->context, &output);
}

/* RFC 2464 section 7 */
void transmit_multicast(struct net *net, uint16_t port, const uint8_t *bytes, uint16_t length)
{
	uint8_t group[6] = {0x33, 0x33, bytes[36], bytes[37], bytes[38], bytes[39]};

	transmit(net, port, net->ports[port].vlan, net->ports[port].mac, group, bytes, length);
}

static void add_own(struct net *net, const struct in6_addr *address, uint16_t port, uint8_t length)
{
	if (net->own_count < ADDRESSES_MAX + PORTS_MAX)
		net->own[net->own_count++] = (struct own_address){*address, port, length};
}

static void add_port(struct net *net, const struct config_port *config, const uint8_t mac[6])
{
	uint16_t index = (uint16_t)net->port_count++;
	struct net_port *port = &net->ports[index];

	port->config = config;
	port->mtu_bytes = config->mtu_bytes;
	memcpy(port->mac, mac, 6);
	ip6_link_local_from_mac(mac, &port->link_local);
	if (config->side == SIDE_ACCESS)
		return;
	port->vlan = config->vlan_count == 1 ? config->vlans[0] : VLAN_NONE;
	for (unsigned i = 0; i < config->address_count; i++)
		add_own(net, &config->addresses[i].address, index, config->addresses[i].length);
	add_own(net, &port->link_local, index, 128);
}

static void add_links(struct net *net, uint16_t port)
{
	const struct config_port *config = net->ports[port].config;
	unsigned count = config->vlan_count > 0 ? config->vlan_count : 1;

	if (config->side != SIDE_ACCESS)
		return;
	for (unsigned i = 0; i < count && net->link_count < LINKS_MAX; i++)
		net->links[net->link_count++] =
			(struct net_link){port, config->vlan_count > 0 ? config->vlans[i] : VLAN_NONE};
}

static void on_announce(struct timer *timer, void *context, uint64_t now_ms)
{
	struct net *net = context;

	nd_announce(net);
	if (++net->announced < ANNOUNCEMENTS)
		timer_start(&net->wheel, timer, net->now_ms + ANNOUNCE_GAP_MS);
}

struct net *net_create(const struct config *config, const uint8_t (*port_macs)[6], const struct net_host_ops *ops,
	void *context, const struct engine_time *now)
{
	struct net *net = calloc(1, sizeof(*net));

	if (net == NULL)
		return NULL;
	net->config = config;
	net->ops = ops;
	net->context = context;
	net->seed = ops->random(context);
	net->main_address = config->role == ROLE_LMA ? config->lma.address : config->mag.address;
	net_set_time(net, now);
	timer_wheel_init(&net->wheel, net->now_ms, net);
	timer_init(&net->announce, on_announce);
	TAILQ_INIT(&net->pending);
	TAILQ_INIT(&net->reports);
	TAILQ_INIT(&net->direct.broken);
	for (unsigned i = 0; i < config->port_count && i < PORTS_MAX; i++)
		add_port(net, &config->ports[i], port_macs[i]);
	net->links = calloc(LINKS_MAX, sizeof(*net->links));
	if (net->links == NULL || neighbour_table_init(net) != 0 || route_table_init(net) != 0) {
		net_destroy(net);
		return NULL;
	}
	for (uint16_t i = 0; i < net->port_count; i++)
		add_links(net, i);
	return net;
}

void net_destroy(struct net *net)
{
	if (net == NULL)
		return;
	path_table_fini(net);
	route_table_fini(net);
	neighbour_table_fini(net);
	free(net->links);
	free(net);
}

void net_start(struct net *net, const struct engine_time *now)
{
	net_set_time(net, now);
	route_table_start(net);
	on_announce(&net->announce, net, net->now_ms);
}

static uint32_t own_protocol_pointer(const uint8_t *bytes, uint16_t length)
{
	struct ip6 ip6;

	return ip6_decode(bytes, length, &ip6) == 0 ? ip6.protocol_at : 6;
}

static uint32_t tunnel_limit_pointer(const uint8_t *bytes, uint16_t length)
{
	struct ip6 ip6;

	return ip6_decode(bytes, length, &ip6) == 0 && ip6.limit_at != 0 ? ip6.limit_at : IP6_BYTES;
}

static void punt(struct net *net, const struct packet_meta *meta, const uint8_t *bytes, uint16_t length)
{
	uint32_t mtu_bytes = meta->mtu_bytes > IP6_MTU_MIN_BYTES ? meta->mtu_bytes : IP6_MTU_MIN_BYTES;

	switch ((enum punt_reason)meta->reason) {
	case PUNT_neighbour_discovery: nd_input(net, meta, bytes, length); break;
	case PUNT_icmp_echo: icmp6_echo(net, meta, bytes, length); break;
	case PUNT_icmp_error_in: icmp6_error_input(net, meta, bytes, length); break;
	case PUNT_neighbour_resolve: route_resolve(net, meta, bytes, length); break;
	case PUNT_own_protocol_error:
		icmp6_error(net, meta, ICMP6_PARAMETER, PARAMETER_NEXT_HEADER, own_protocol_pointer(bytes, length),
			bytes, length);
		break;
	case PUNT_hop_limit_error: icmp6_error(net, meta, ICMP6_TIME, 0, 0, bytes, length); break;
	case PUNT_packet_too_big_error: icmp6_error(net, meta, ICMP6_TOO_BIG, 0, mtu_bytes, bytes, length); break;
	case PUNT_no_endpoint_error:
		icmp6_error(net, meta, ICMP6_UNREACHABLE, UNREACHABLE_ADDRESS, 0, bytes, length);
		break;
	case PUNT_no_route_error:
		icmp6_error(net, meta, ICMP6_UNREACHABLE, UNREACHABLE_NO_ROUTE, 0, bytes, length);
		break;
	case PUNT_source_policy_error:
		icmp6_error(net, meta, ICMP6_UNREACHABLE, UNREACHABLE_SOURCE_POLICY, 0, bytes, length);
		break;
	case PUNT_pair_error: direct_error_send(net, meta, bytes, length); break;
	case PUNT_icmp_reply: direct_echo_reply(net, meta, bytes, length); break;
	case PUNT_tunnel_limit_error:
		icmp6_error(net, meta, ICMP6_PARAMETER, PARAMETER_FIELD, tunnel_limit_pointer(bytes, length), bytes,
			length);
		break;
	case PUNT_mobility_header:
	case PUNT_access_discovery:
	case PUNT_access_dhcp:
	case PUNT_COUNT: break; /* not ours */
	}
}

void net_punt(struct net *net, const struct engine_time *now, const struct packet_meta *meta, const uint8_t *bytes,
	uint16_t length)
{
	net_set_time(net, now);
	punt(net, meta, bytes, length);
	path_report(net);
}

void net_parameter_problem(struct net *net, const struct engine_time *now, const struct packet_meta *meta,
	const uint8_t *bytes, uint16_t length, uint8_t code, uint32_t pointer)
{
	net_set_time(net, now);
	icmp6_error(net, meta, ICMP6_PARAMETER, code, pointer, bytes, length);
}

int net_send(struct net *net, const struct engine_time *now, const uint8_t *bytes, uint16_t length)
{
	net_set_time(net, now);
	return route_output(net, PORT_NONE, bytes, length);
}

/* IPv6 header and message at @packet, of IP6_BYTES + MH_BYTES_MAX octets. Returns the length; 0: does not fit. */
static uint16_t mh_packet(uint8_t *packet, const struct mh_datagram *datagram)
{
	if (datagram->length > MH_BYTES_MAX)
		return 0;
	ip6_encode(packet, &datagram->source, &datagram->destination, PROTOCOL_MH, HOP_LIMIT_OWN, datagram->length);
	memcpy(packet + IP6_BYTES, datagram->bytes, datagram->length);
	return (uint16_t)(IP6_BYTES + datagram->length);
}

int net_send_mh(struct net *net, const struct engine_time *now, const struct mh_datagram *datagram)
{
	uint8_t packet[IP6_BYTES + MH_BYTES_MAX];
	uint16_t length = mh_packet(packet, datagram);

	return length != 0 ? net_send(net, now, packet, length) : -EMSGSIZE;
}

int net_send_mh_inner(struct net *net, uint32_t index, const struct mh_datagram *datagram)
{
	const struct tunnel *tunnel = path_at(net, index);
	uint8_t packet[IP6_BYTES + MH_BYTES_MAX];
	struct net_output output = {.kind = NET_TUNNEL, .tunnel = index, .bytes = packet};

	output.length = mh_packet(packet, datagram);
	if (tunnel == NULL || output.length == 0)
		return tunnel == NULL ? -ENOENT : -EMSGSIZE;
	output.port = tunnel->port;
	net->ops->output(net->context, &output);
	return 0;
}

uint64_t net_advance(struct net *net, const struct engine_time *now)
{
	net_set_time(net, now);
	pending_flush(net);
	while (timer_wheel_advance(&net->wheel, net->now_ms, TIMERS_PER_TURN) == TIMERS_PER_TURN)
		;
	path_report(net);
	return TAILQ_EMPTY(&net->pending) ? timer_wheel_next(&net->wheel) : net->now_ms + RETRY_MS;
}

void net_stats(const struct net *net, struct net_stats *stats)
{
	*stats = net->stats;
}
