/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/checker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "format.h"

static bool same_device(const struct config_port *a, const struct config_port *b)
{
	size_t n = strcspn(a->device, ",");

	if (a->kind != b->kind)
		return false;
	if (a->kind == PORT_VDEV) /* its name ends at the first argument */
		return n == strcspn(b->device, ",") && strncmp(a->device, b->device, n) == 0;
	return strcasecmp(a->device, b->device) == 0;
}

static void check_port_unique(const struct checker *checker, unsigned i)
{
	const struct config_port *port = &checker->config->ports[i];
	char key[AT_TEXT_MAX];

	for (unsigned j = 0; j < i; j++) {
		const struct config_port *before = &checker->config->ports[j];

		if (strcmp(before->name, port->name) == 0)
			mistake(checker, at(key, "ports[%u].name", i), "name of two ports; first in line %d",
				before->line);
		if (same_device(before, port))
			mistake(checker, at(key, "ports[%u].device", i), "device of two ports; first in line %d",
				before->line);
	}
}

static void check_port_side(const struct checker *checker, unsigned i)
{
	const struct config_port *port = &checker->config->ports[i];
	char key[AT_TEXT_MAX];

	if (checker->config->role == ROLE_LMA && port->side == SIDE_ACCESS)
		mistake(checker, at(key, "ports[%u].side", i),
			"an LMA has no mobile nodes on its links; allowed: core or outside");
	if (checker->config->role == ROLE_MAG && port->side == SIDE_OUTSIDE)
		mistake(checker, at(key, "ports[%u].side", i),
			"a MAG has no way of its own to the Internet; allowed: core or access");
	if (port->side == SIDE_CORE && port->mtu_bytes < TRANSPORT_MTU_MIN_BYTES)
		mistake(checker, at(key, "ports[%u].mtu", i),
			"a packet of 1280 octets and its tunnel header do not fit, and there is no outer fragmentation "
			"yet; "
			"allowed: %d..9216 octets on core ports",
			TRANSPORT_MTU_MIN_BYTES);
	if (port->side == SIDE_ACCESS && port->address_count > 0)
		mistake(checker, at(key, "ports[%u].addresses", i),
			"an access port has no addresses of its own; allowed: "
			"FixedMAGLinkLocalAddressOnAllAccessLinks");
	if (port->side != SIDE_ACCESS && port->vlan_count > 0)
		mistake(checker, at(key, "ports[%u].vlans", i),
			"a port without access links; allowed: on access ports");
}

static void check_vlans(const struct checker *checker, unsigned i)
{
	const struct config_port *port = &checker->config->ports[i];
	bool seen[4096] = {false};
	char key[AT_TEXT_MAX];

	for (unsigned j = 0; j < port->vlan_count; j++) {
		if (seen[port->vlans[j]])
			mistake(checker, at(key, "ports[%u].vlans[%u]", i, j),
				"VLAN twice; allowed: a VLAN once on a port");
		seen[port->vlans[j]] = true;
	}
}

static bool is_subnet_anycast(const struct config_prefix *address)
{
	if (address->length >= 127)
		return false;
	for (unsigned bit = address->length; bit < 128; bit++)
		if (address->address.s6_addr[bit / 8] & 0x80 >> bit % 8)
			return false;
	return true;
}

static const char *address_problem(const struct config_prefix *address)
{
	if (!address_is_unicast(&address->address))
		return "not an address of the whole network; allowed: a unicast address (link-local ones are made from "
		       "the MAC)";
	if (address->length == 0)
		return "a link that is the whole Internet; allowed: a prefix length of 1..128";
	if (is_subnet_anycast(address))
		return "the subnet-router anycast address of its link; allowed: an address with an interface "
		       "identifier";
	return NULL;
}

/* Against all addresses before it: the same address, or the same link on another port. */
static void check_address_unique(const struct checker *checker, unsigned i, unsigned j, const char *key)
{
	const struct config_prefix *address = &checker->config->ports[i].addresses[j];

	for (unsigned k = 0; k <= i; k++) {
		const struct config_port *port = &checker->config->ports[k];

		for (unsigned l = 0; l < (k == i ? j : port->address_count); l++) {
			const struct config_prefix *before = &port->addresses[l];

			if (memcmp(&before->address, &address->address, sizeof(address->address)) == 0)
				mistake(checker, key, "an address twice; first in line %d", before->line);
			else if (k != i && prefixes_overlap(before, address))
				mistake(checker, key,
					"the link of port %s as well (line %d); allowed: a link on one port",
					port->name, before->line);
			else
				continue;
			return;
		}
	}
}

static void check_addresses(const struct checker *checker, unsigned i)
{
	const struct config_port *port = &checker->config->ports[i];
	char key[AT_TEXT_MAX];

	for (unsigned j = 0; j < port->address_count; j++) {
		const char *problem = address_problem(&port->addresses[j]);

		at(key, "ports[%u].addresses[%u]", i, j);
		if (problem != NULL)
			mistake(checker, key, "%s", problem);
		else
			check_address_unique(checker, i, j, key);
	}
}

static void check_counts(const struct checker *checker)
{
	const struct config *config = checker->config;
	unsigned links = 0, addresses = 0;
	bool has_access = false;

	for (unsigned i = 0; i < config->port_count; i++) {
		addresses += config->ports[i].address_count;
		if (config->ports[i].side != SIDE_ACCESS)
			continue;
		has_access = true;
		links += config->ports[i].vlan_count > 0 ? config->ports[i].vlan_count : 1;
	}
	if (config->role == ROLE_MAG && !has_access)
		mistake(checker, "ports", "no access port; allowed: at least one port with side: access on a MAG");
	if (links > LINKS_MAX)
		mistake(checker, "ports", "%u access links; allowed: at most %d", links, LINKS_MAX);
	if (addresses > ADDRESSES_MAX)
		mistake(checker, "ports", "%u own addresses; allowed: at most %d", addresses, ADDRESSES_MAX);
}

int check_ports(struct checker *checker)
{
	if (checker->config->port_count > PORTS_MAX) {
		mistake(checker, "ports", "%u ports; allowed: at most %d", checker->config->port_count, PORTS_MAX);
		return 0;
	}
	check_counts(checker);
	for (unsigned i = 0; i < checker->config->port_count; i++) {
		check_port_unique(checker, i);
		check_port_side(checker, i);
		check_vlans(checker, i);
		check_addresses(checker, i);
	}
	return 0;
}

static bool port_has_link(const struct config_port *port, const struct in6_addr *via)
{
	for (unsigned i = 0; i < port->address_count; i++)
		if (prefix_contains(&port->addresses[i].address, port->addresses[i].length, via))
			return true;
	return false;
}

static const struct config_port *find_port(const struct config *config, const char *name)
{
	for (unsigned i = 0; i < config->port_count; i++)
		if (strcmp(config->ports[i].name, name) == 0)
			return &config->ports[i];
	return NULL;
}

static const struct config_port *find_link(const struct config *config, const struct in6_addr *via)
{
	for (unsigned i = 0; i < config->port_count; i++)
		if (port_has_link(&config->ports[i], via))
			return &config->ports[i];
	return NULL;
}

static bool is_own_address(const struct config *config, const struct in6_addr *address)
{
	for (unsigned i = 0; i < config->port_count; i++)
		for (unsigned j = 0; j < config->ports[i].address_count; j++)
			if (memcmp(&config->ports[i].addresses[j].address, address, sizeof(*address)) == 0)
				return true;
	return false;
}

/* The port of the route; fills it if the file does not name it. */
static int check_route_port(struct checker *checker, unsigned i)
{
	struct config_route *route = &checker->config->routes[i];
	const struct config_port *port;
	char key[AT_TEXT_MAX];

	if (route->port != NULL) {
		port = find_port(checker->config, route->port);
		if (port == NULL)
			mistake(checker, at(key, "routes[%u].port", i),
				"no port has this name; allowed: a name under ports");
		else if (port->side == SIDE_ACCESS)
			mistake(checker, at(key, "routes[%u].port", i),
				"an access port; allowed: a core or outside port");
		else if (!IN6_IS_ADDR_LINKLOCAL(&route->via) && !port_has_link(port, &route->via))
			mistake(checker, at(key, "routes[%u].via", i),
				"not on a link of port %s; allowed: an address in a prefix of its addresses",
				port->name);
		return 0;
	}
	port = find_link(checker->config, &route->via);
	if (IN6_IS_ADDR_LINKLOCAL(&route->via))
		mistake(checker, at(key, "routes[%u].port", i),
			"missing; allowed: the port of the link-local next hop");
	else if (port == NULL)
		mistake(checker, at(key, "routes[%u].via", i),
			"not on a link of any port; allowed: an address in a prefix of a port's addresses");
	else
		route->port = strdup(port->name);
	return port != NULL && route->port == NULL && !IN6_IS_ADDR_LINKLOCAL(&route->via) ? -ENOMEM : 0;
}

static bool same_route(const void *items, uint32_t a, uint32_t b)
{
	const struct config_route *routes = items;

	return routes[a].prefix.length == routes[b].prefix.length &&
	       memcmp(&routes[a].prefix.address, &routes[b].prefix.address, sizeof(routes[a].prefix.address)) == 0;
}

static int check_route(struct checker *checker, struct hash_index *index, unsigned i)
{
	const struct config_route *routes = checker->config->routes;
	const struct config_prefix *prefix = &routes[i].prefix;
	uint32_t before = first_same(
		index, hash_bytes(&prefix->address, sizeof(prefix->address), prefix->length), i, routes, same_route);
	char key[AT_TEXT_MAX];

	if (before != HASH_NONE)
		mistake(checker, at(key, "routes[%u].prefix", i), "two routes to one prefix; first in line %d",
			routes[before].line);
	if (IN6_IS_ADDR_MULTICAST(&routes[i].via) || IN6_IS_ADDR_UNSPECIFIED(&routes[i].via) ||
		is_own_address(checker->config, &routes[i].via)) {
		mistake(checker, at(key, "routes[%u].via", i),
			"not the address of another router; allowed: the next hop");
		return 0;
	}
	return check_route_port(checker, i);
}

int check_routes(struct checker *checker)
{
	const struct config *config = checker->config;
	struct hash_index index = {0};
	unsigned connected = 0;
	int error = hash_index_reserve(&index, config->route_count);

	for (unsigned i = 0; i < config->port_count; i++)
		connected += config->ports[i].address_count;
	if (config->route_count + connected > config->limits.routes)
		mistake(checker, "limits.routes", "%u routes and %u links are configured; allowed: at least %u",
			config->route_count, connected, config->route_count + connected);
	for (unsigned i = 0; error == 0 && i < config->route_count; i++)
		error = check_route(checker, &index, i);
	hash_index_fini(&index);
	return error;
}

static bool same_peer_name(const void *items, uint32_t a, uint32_t b)
{
	const struct config_peer *peers = items;

	return strcmp(peers[a].name, peers[b].name) == 0;
}

static bool same_peer_address(const void *items, uint32_t a, uint32_t b)
{
	const struct config_peer *peers = items;

	return memcmp(&peers[a].address, &peers[b].address, sizeof(peers[a].address)) == 0;
}

static void check_peer(struct checker *checker, struct hash_index *addresses, unsigned i)
{
	struct config_peer *peers = checker->config->peers, *peer = &peers[i];
	uint32_t name = first_same(
		&checker->peer_names, hash_bytes(peer->name, strlen(peer->name), 0), i, peers, same_peer_name);
	uint32_t address = first_same(
		addresses, hash_bytes(&peer->address, sizeof(peer->address), 0), i, peers, same_peer_address);
	char key[AT_TEXT_MAX];

	peer->role = config_peer_is_lma(checker->config, peer) ? PEER_LMA : PEER_MAG;
	if (name != HASH_NONE)
		mistake(checker, at(key, "peers[%u].name", i), "name of two peers; first in line %d", peers[name].line);
	at(key, "peers[%u].address", i);
	if (!address_is_unicast(&peer->address))
		mistake(checker, key, "not an address of the whole network; allowed: a unicast address");
	else if (is_own_address(checker->config, &peer->address))
		mistake(checker, key,
			"an address twice: a port of this gateway has it; allowed: the other end's address");
	else if (address != HASH_NONE)
		mistake(checker, key, "an address twice; first in line %d", peers[address].line);
	if (!peer->insecure)
		mistake(checker, at(key, "peers[%u].insecure", i),
			"signalling with this peer would have to be protected, and there is no protection yet; "
			"allowed: insecure: true in a closed network");
}

int check_peers(struct checker *checker)
{
	struct hash_index addresses = {0};
	int error = hash_index_reserve(&checker->peer_names, checker->config->peer_count);

	if (error == 0)
		error = hash_index_reserve(&addresses, checker->config->peer_count);
	for (unsigned i = 0; error == 0 && i < checker->config->peer_count; i++)
		check_peer(checker, &addresses, i);
	hash_index_fini(&addresses);
	return error;
}
