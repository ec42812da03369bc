/* SPDX-License-Identifier: BSD-3-Clause */
#include "gateway.h"

#include <errno.h>
#include <string.h>

#include "format.h"
#include "forward.h"

#define VLANS           4096
#define OWN_ON_ANY_PORT 0

static int own_put(struct gateway *gateway, const struct in6_addr *address, enum own_kind kind, uint16_t port)
{
	uint32_t place = port == PORT_NONE ? OWN_ON_ANY_PORT : port + 1u;
	uint32_t old = address_set_lookup(&gateway->own, address);

	if (old != ADDRESS_SET_MISS && old >> 8 != place)
		place = OWN_ON_ANY_PORT;
	return address_set_put(&gateway->own, address, (uint32_t)kind | place << 8);
}

/* An address and the multicast group that neighbour solicitations for it go to. */
static int own_put_unicast(struct gateway *gateway, const struct in6_addr *address, enum own_kind kind, uint16_t port)
{
	struct in6_addr group;
	int rc;

	ip6_solicited_node(address, &group);
	rc = own_put(gateway, address, kind, kind == OWN_ADDRESS ? PORT_NONE : port);
	return rc != 0 ? rc : own_put(gateway, &group, OWN_GROUP, port);
}

static int put_own_addresses(struct gateway *gateway, const struct dataplane_config *config)
{
	static const struct in6_addr all_nodes = {.s6_addr = {0xff, 2, [15] = 1}};
	static const struct in6_addr all_routers = {.s6_addr = {0xff, 2, [15] = 2}};
	int rc = address_set_init(&gateway->own, 2 * (config->address_count + config->port_count) + 2, gateway->memory);

	if (rc == 0)
		rc = own_put(gateway, &all_nodes, OWN_GROUP, PORT_NONE);
	if (rc == 0)
		rc = own_put(gateway, &all_routers, OWN_GROUP, PORT_NONE);
	for (unsigned i = 0; rc == 0 && i < config->address_count; i++) {
		if (config->addresses[i].port >= config->port_count)
			return -EINVAL;
		rc = own_put_unicast(gateway, &config->addresses[i].address, OWN_ADDRESS, config->addresses[i].port);
	}
	for (uint16_t i = 0; rc == 0 && i < config->port_count; i++)
		if (gateway->ports[i].side != DATAPLANE_ACCESS)
			rc = own_put_unicast(gateway, &gateway->ports[i].link_local, OWN_LINK, i);
	return rc;
}

static int put_peers(struct gateway *gateway, const struct dataplane_config *config)
{
	int rc = address_set_init(&gateway->peers, config->peer_count, gateway->memory);

	for (unsigned i = 0; rc == 0 && i < config->peer_count; i++)
		rc = address_set_put(&gateway->peers, &config->peers[i], i);
	return rc;
}

static int copy_prefixes(const struct memory *memory, const struct dataplane_pool *prefixes, unsigned count,
	struct dataplane_pool **copy, unsigned *copied)
{
	if (count == 0)
		return 0;
	*copy = memory->alloc(memory, count * sizeof(**copy), 8);
	if (*copy == NULL)
		return -ENOMEM;
	memcpy(*copy, prefixes, count * sizeof(**copy));
	*copied = count;
	return 0;
}

static int put_pairs(struct gateway *gateway, const struct dataplane_config *config)
{
	if (config->pair_packets == 0 && config->pair_bytes == 0)
		return 0;
	gateway->pair_told = gateway->memory->alloc(gateway->memory, sizeof(*gateway->pair_told), 64);
	if (gateway->pair_told == NULL)
		return -ENOMEM;
	memset(gateway->pair_told, 0, sizeof(*gateway->pair_told));
	return copy_prefixes(gateway->memory, config->pair_prefixes, config->pair_prefix_count, &gateway->pair_prefixes,
		&gateway->pair_prefix_count);
}

static int put_link(struct gateway *gateway, uint16_t port, uint16_t vlan, uint32_t link)
{
	const rte_be16_t type = RTE_BE16(RTE_ETHER_TYPE_IPV6);

	if (link >= LINKS_MAX || vlan >= VLANS || gateway->ports[port].links[vlan] != LINK_NONE)
		return -EINVAL;
	gateway->ports[port].links[vlan] = (uint16_t)link;
	gateway->links[link] =
		(struct gateway_link){.port = port, .vlan = vlan, .mtu_bytes = gateway->ports[port].mtu_bytes};
	memcpy(gateway->links[link].ethernet, &gateway->access_mac, sizeof(gateway->access_mac));
	memcpy(gateway->links[link].ethernet + sizeof(gateway->access_mac), &type, sizeof(type));
	if (link >= gateway->link_count)
		gateway->link_count = link + 1;
	return 0;
}

static int put_links(struct gateway *gateway, uint16_t number, const struct dataplane_port *config)
{
	struct gateway_port *port = &gateway->ports[number];
	int rc = 0;

	port->links = gateway->memory->alloc(gateway->memory, VLANS * sizeof(*port->links), 64);
	if (port->links == NULL)
		return -ENOMEM;
	for (unsigned vlan = 0; vlan < VLANS; vlan++)
		port->links[vlan] = LINK_NONE;
	if (config->vlan_count == 0)
		return put_link(gateway, number, VLAN_NONE, config->first_link);
	for (unsigned i = 0; rc == 0 && i < config->vlan_count; i++)
		rc = put_link(gateway, number, config->vlans[i], config->first_link + i);
	return rc;
}

/* Untagged IPv6 to the port's MAC, or to the one that all access links have in common. */
static void put_frame(struct gateway_port *port, const struct rte_ether_addr *destination)
{
	uint8_t frame[sizeof(port->frame)] = {[12] = RTE_ETHER_TYPE_IPV6 >> 8, RTE_ETHER_TYPE_IPV6 & 0xff, 0x60};

	memcpy(frame, destination, sizeof(*destination));
	memcpy(port->frame, frame, sizeof(frame));
}

int gateway_init(struct gateway *gateway, const struct dataplane_config *config, const struct rte_ether_addr *macs,
	const struct memory *memory)
{
	int rc = 0;

	memset(gateway, 0, sizeof(*gateway));
	gateway->memory = memory;
	gateway->role = config->role;
	memcpy(&gateway->access_mac, config->access_mac, sizeof(gateway->access_mac));
	gateway->access_link_local = config->access_link_local;
	if (config->port_count > PORTS_MAX)
		return -EINVAL;
	for (unsigned link = 0; link < LINKS_MAX; link++)
		gateway->links[link] = (struct gateway_link){.port = PORT_NONE};
	gateway->port_count = config->port_count;
	for (uint16_t i = 0; rc == 0 && i < config->port_count; i++) {
		struct gateway_port *port = &gateway->ports[i];

		port->side = (uint8_t)config->ports[i].side;
		port->mac = macs[i];
		put_frame(port, port->side == DATAPLANE_ACCESS ? &gateway->access_mac : &macs[i]);
		port->mtu_bytes = config->ports[i].mtu_bytes;
		ip6_link_local_from_mac(macs[i].addr_bytes, &port->link_local);
		if (port->side == DATAPLANE_ACCESS)
			rc = config->role == DATAPLANE_LMA ? -EINVAL : put_links(gateway, i, &config->ports[i]);
	}
	if (rc == 0)
		rc = put_own_addresses(gateway, config);
	if (rc == 0)
		rc = put_peers(gateway, config);
	if (rc == 0)
		rc = copy_prefixes(memory, config->pools, config->pool_count, &gateway->pools, &gateway->pool_count);
	if (rc == 0)
		rc = put_pairs(gateway, config);
	if (rc != 0)
		gateway_fini(gateway);
	return rc;
}

void gateway_fini(struct gateway *gateway)
{
	for (unsigned i = 0; i < gateway->port_count; i++)
		if (gateway->ports[i].links != NULL)
			gateway->memory->free(gateway->memory, gateway->ports[i].links);
	address_set_fini(&gateway->own);
	address_set_fini(&gateway->peers);
	if (gateway->pools != NULL)
		gateway->memory->free(gateway->memory, gateway->pools);
	if (gateway->pair_prefixes != NULL)
		gateway->memory->free(gateway->memory, gateway->pair_prefixes);
	if (gateway->pair_told != NULL)
		gateway->memory->free(gateway->memory, gateway->pair_told);
	memset(gateway, 0, sizeof(*gateway));
}

static bool in_prefixes(const struct dataplane_pool *prefixes, unsigned count, const uint8_t *address)
{
	struct in6_addr in6;

	memcpy(&in6, address, sizeof(in6));
	for (unsigned i = 0; i < count; i++)
		if (prefix_contains(&prefixes[i].prefix, prefixes[i].length, &in6))
			return true;
	return false;
}

bool gateway_in_pools(const struct gateway *gateway, const uint8_t *address)
{
	return in_prefixes(gateway->pools, gateway->pool_count, address);
}

bool gateway_in_pair_prefixes(const struct gateway *gateway, const uint8_t *address)
{
	return in_prefixes(gateway->pair_prefixes, gateway->pair_prefix_count, address);
}
