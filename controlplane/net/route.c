/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/internal.h"

#include <errno.h>
#include <stdlib.h>

#define OF(member_pointer) ((struct route *)((uint8_t *)(member_pointer)-offsetof(struct route, pending)))

static enum push_result push_route(struct net *net, struct pending *pending)
{
	struct route *route = OF(pending);
	bool on_link = route->next_hop == NULL;
	struct fwd_update update = {.op = FWD_OP_route_insert,
		.index = on_link ? INDEX_NONE : route->next_hop->index,
		.body.route = {
			.prefix = route->prefix, .length = route->length, .local = on_link, .port = route->port}};

	if (!route->told && !net->ops->update(net->context, &update))
		return PUSH_REFUSED;
	route->told = true;
	return PUSH_DONE;
}

static struct in6_addr masked(const struct in6_addr *address, uint8_t length)
{
	struct in6_addr prefix = {0};

	memcpy(prefix.s6_addr, address->s6_addr, length / 8);
	if (length % 8 != 0)
		prefix.s6_addr[length / 8] = (uint8_t)(address->s6_addr[length / 8] & (0xff << (8 - length % 8)));
	return prefix;
}

static void add(struct net *net, const struct in6_addr *prefix, uint8_t length, const struct in6_addr *via,
	uint16_t port, bool connected)
{
	struct route *route = &net->routes[net->route_count++];

	*route = (struct route){
		.prefix = masked(prefix, length), .via = *via, .length = length, .port = port, .connected = connected};
}

static bool has_connected(const struct net *net, const struct own_address *own)
{
	struct in6_addr prefix = masked(&own->address, own->length);

	for (uint32_t i = 0; i < net->route_count; i++) {
		if (net->routes[i].length == own->length && IN6_ARE_ADDR_EQUAL(&net->routes[i].prefix, &prefix))
			return true;
	}
	return false;
}

static uint16_t port_of(const struct net *net, const struct config_route *config)
{
	for (uint16_t port = 0; port < net->port_count; port++) {
		if (config->port != NULL ? strcmp(net->ports[port].config->name, config->port) == 0
					 : route_on_link(net, port, &config->via))
			return port;
	}
	return PORT_NONE;
}

static void add_static(struct net *net, const struct config_route *config)
{
	uint16_t port = port_of(net, config);
	char prefix[PREFIX_TEXT_MAX], via[IP6_TEXT_MAX];

	if (port_speaks(net, port) && !own_address_any(net, &config->via))
		add(net, &config->prefix.address, config->prefix.length, &config->via, port, false);
	else
		log_error("route_unusable", "prefix=%s via=%s hint=\"the next hop must lie on a core or outside port\"",
			prefix_format(&config->prefix.address, config->prefix.length, prefix),
			ip6_format(&config->via, via));
}

static int longest_first(const void *a, const void *b)
{
	return ((const struct route *)b)->length - ((const struct route *)a)->length;
}

int route_table_init(struct net *net)
{
	net->routes = calloc(net->own_count + net->config->route_count + 1, sizeof(*net->routes));
	if (net->routes == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < net->own_count; i++) {
		const struct own_address *own = &net->own[i];

		if (own->length < 128 && !has_connected(net, own))
			add(net, &own->address, own->length, &in6addr_any, own->port, true);
	}
	for (unsigned i = 0; i < net->config->route_count; i++)
		add_static(net, &net->config->routes[i]);
	qsort(net->routes, net->route_count, sizeof(*net->routes), longest_first);
	for (uint32_t i = 0; i < net->route_count; i++)
		pending_init(&net->routes[i].pending, push_route);
	return 0;
}

void route_table_fini(struct net *net)
{
	free(net->routes);
}

static void start(struct net *net, struct route *route)
{
	char via[IP6_TEXT_MAX];

	if (!IN6_IS_ADDR_UNSPECIFIED(&route->via)) {
		route->next_hop = neighbour_get(net, route->port, &route->via);
		if (route->next_hop == NULL) {
			log_error("route_unusable", "via=%s hint=\"raise limits.neighbours\"",
				ip6_format(&route->via, via));
			return;
		}
		neighbour_keep(net, route->next_hop, 1, 0);
		neighbour_use(net, route->next_hop);
	}
	pending_mark(net, &route->pending);
}

void route_table_start(struct net *net)
{
	for (uint32_t i = 0; i < net->route_count; i++)
		start(net, &net->routes[i]);
}

bool route_lookup(const struct net *net, const struct in6_addr *destination, uint16_t *port, struct in6_addr *next_hop)
{
	for (uint32_t i = 0; i < net->route_count; i++) {
		const struct route *route = &net->routes[i];

		if (!prefix_contains(&route->prefix, route->length, destination))
			continue;
		*port = route->port;
		*next_hop = IN6_IS_ADDR_UNSPECIFIED(&route->via) ? *destination : route->via;
		return true;
	}
	return false;
}

bool route_on_link(const struct net *net, uint16_t port, const struct in6_addr *address)
{
	if (ip6_is_link_local(address))
		return port_speaks(net, port);
	for (unsigned i = 0; i < net->own_count; i++) {
		const struct own_address *own = &net->own[i];

		if (own->port == port && own->length < 128 && prefix_contains(&own->address, own->length, address))
			return true;
	}
	return false;
}

int route_output(struct net *net, uint16_t port, const uint8_t *bytes, uint16_t length)
{
	struct neighbour *neighbour;
	struct in6_addr next_hop;
	struct ip6 ip6;

	if (ip6_decode(bytes, length, &ip6) != 0 || ip6.total_bytes != length || ip6_is_no_node(&ip6.destination) ||
		own_address_any(net, &ip6.destination))
		return -EINVAL;
	if (ip6_is_link_local(&ip6.destination)) {
		if (!port_speaks(net, port))
			return -ENETUNREACH;
		next_hop = ip6.destination;
	} else if (!route_lookup(net, &ip6.destination, &port, &next_hop)) {
		return -ENETUNREACH;
	}
	if (length > net->ports[port].mtu_bytes)
		return -EMSGSIZE;
	neighbour = neighbour_get(net, port, &next_hop);
	return neighbour != NULL ? neighbour_output(net, neighbour, NULL, bytes, length) : -EHOSTUNREACH;
}

static struct neighbour *transit_next_hop(
	struct net *net, const struct in6_addr *destination, uint16_t port, const struct in6_addr *next_hop)
{
	struct neighbour *neighbour = neighbour_get(net, port, next_hop);

	/* The prefix is on-link in the data plane: from now on this destination has a route of its own there. */
	if (neighbour != NULL && IN6_ARE_ADDR_EQUAL(next_hop, destination) && !neighbour->host_route) {
		neighbour->host_route = true;
		if (neighbour_usable(neighbour))
			pending_mark(net, &neighbour->pending);
	}
	return neighbour;
}

void route_resolve(struct net *net, const struct packet_meta *meta, const uint8_t *bytes, uint16_t length)
{
	struct neighbour *neighbour;
	struct in6_addr next_hop;
	struct ip6 ip6;
	uint16_t port;

	if (ip6_decode(bytes, length, &ip6) != 0 || ip6_is_no_node(&ip6.destination) ||
		ip6_is_link_local(&ip6.destination) || own_address_any(net, &ip6.destination)) {
		net->stats.malformed++;
		return;
	}
	if (!route_lookup(net, &ip6.destination, &port, &next_hop)) {
		icmp6_error(net, meta, ICMP6_UNREACHABLE, UNREACHABLE_NO_ROUTE, 0, bytes, length);
		return;
	}
	neighbour = transit_next_hop(net, &ip6.destination, port, &next_hop);
	if (neighbour == NULL) {
		net->stats.waiting_dropped++;
	} else if (neighbour_output(net, neighbour, meta, bytes, length) == -EHOSTUNREACH) {
		net->stats.waiting_dropped++;
		icmp6_error(net, meta, ICMP6_UNREACHABLE, UNREACHABLE_ADDRESS, 0, bytes, length);
	}
}

bool net_route_next(const struct net *net, uint32_t from, struct route_view *view)
{
	if (from >= net->route_count)
		return false;
	*view = (struct route_view){
		.index = from,
		.prefix = net->routes[from].prefix,
		.length = net->routes[from].length,
		.via = net->routes[from].via,
		.port = net->routes[from].port,
		.origin = net->routes[from].connected ? "connected" : "static",
	};
	return true;
}
