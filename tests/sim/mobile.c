/* SPDX-License-Identifier: BSD-3-Clause */
/* Mobile nodes: what of a host's stack a MAG gets to see (RFC 4861 section 6.3, RFC 4862, RFC 3810). */
#include "domain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checksum.h"
#include "cursor.h"
#include "endpoint.h"
#include "format.h"

#define ICMPV6             58
#define MLD_QUERY          130
#define RS                 133
#define RA                 134
#define NS                 135
#define NA                 136
#define MLD_REPORT         143
#define OPTION_PREFIX      3
#define RS_RETRANSMIT_US   4000000 /* RTR_SOLICITATION_INTERVAL */
#define RS_MAX             3       /* MAX_RTR_SOLICITATIONS */
#define SOLICITED_OVERRIDE 0x60000000

static const struct in6_addr all_routers = {.s6_addr = {0xff, 0x02, [15] = 2}};

void mobiles_create(struct domain *domain)
{
	domain->mobiles = calloc(domain->config.nodes + 1, sizeof(*domain->mobiles));
	if (domain->mobiles == NULL)
		abort();
	for (unsigned i = 0; i < domain->config.nodes; i++) {
		struct mobile *mobile = &domain->mobiles[i];

		*mobile = (struct mobile){.domain = domain, .number = i, .mag = -1};
		snprintf(mobile->name, sizeof(mobile->name), "MN%u", i + 1);
		snprintf(mobile->id, sizeof(mobile->id), "mn%u@example.com", i + 1);
		memcpy(mobile->mac, (uint8_t[]){2, 0, 0, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}, 6);
		ip6_link_local_from_mac(mobile->mac, &mobile->link_local);
	}
}

struct mn_id mobile_id(const struct mobile *mobile)
{
	return (struct mn_id){.subtype = 1, .length = (uint8_t)strlen(mobile->id), .data = (const uint8_t *)mobile->id};
}

/* An ICMPv6 message of @length octets (type and body) from the node's link-local address. */
static void send_icmp(struct domain *domain, const struct mobile *mobile, const struct in6_addr *to, uint8_t *message,
	uint16_t length)
{
	uint8_t packet[256] = {0x60};
	uint16_t checksum;

	packet[5] = (uint8_t)length;
	packet[6] = ICMPV6;
	packet[7] = 255;
	memcpy(packet + 8, &mobile->link_local, 16);
	memcpy(packet + 24, to, 16);
	memcpy(packet + 40, message, length);
	checksum = checksum_ipv6(&mobile->link_local, to, ICMPV6, packet + 40, length);
	memcpy(packet + 42, &checksum, 2);
	domain_uplink(domain, mobile, packet, (uint16_t)(40 + length));
}

void mobile_solicit(struct domain *domain, unsigned number, uint32_t epoch)
{
	struct mobile *mobile = &domain->mobiles[number];
	uint8_t message[16] = {RS, [8] = 1, 1};

	if (mobile->epoch != epoch || mobile->mag < 0 || mobile->has_router || mobile->rs_left == 0)
		return;
	mobile->rs_left--;
	memcpy(message + 10, mobile->mac, 6);
	domain_record(domain, ARROW_ACCESS, mobile->name, "RS", domain->gateways[mobile->mag].name);
	send_icmp(domain, mobile, &all_routers, message, sizeof(message));
	domain_schedule_solicit(domain, mobile, RS_RETRANSMIT_US);
}

void mobile_attach(struct domain *domain, unsigned number, unsigned mag)
{
	struct mobile *mobile = &domain->mobiles[number];

	mobile->mag = (int)(domain_mag(domain, mag) - domain->gateways);
	mobile->epoch++;
	mobile->rs_left = RS_MAX;
	mobile->has_router = false;
	mobile->attached_ns = domain->now_ns;
	mobile->advertised_ns = 0;
	mobile_solicit(domain, number, mobile->epoch);
	if (domain->config.traffic_ms != 0)
		domain_schedule_traffic(domain, mobile,
			sim_random_between(&domain->random, 1, (uint64_t)domain->config.traffic_ms * 1000));
}

void mobile_slip(struct domain *domain, unsigned number, unsigned mag)
{
	domain->mobiles[number].mag = (int)(domain_mag(domain, mag) - domain->gateways);
}

void mobile_leave(struct domain *domain, unsigned number)
{
	domain->mobiles[number].mag = -1;
	domain->mobiles[number].epoch++;
}

/* A packet that @mag sent through its tunnel: the LMA's workers tell of one out of a wrong tunnel. */
static void arrive_at_lma(struct domain *domain, const struct mobile *mobile, const struct gateway *mag)
{
	struct gateway *lma = domain_lma(domain, mobile->number % domain->config.lmas);
	uint64_t id = mobile->prefix_count > 0 ? endpoint_id_ipv6(mobile->prefixes[0].s6_addr) : ENDPOINT_NONE;
	const struct fwd_tunnel *tunnel;
	const struct forward *forward;
	struct engine_time now;

	if (id == ENDPOINT_NONE || !lma->alive || owner_endpoint(mag->owner, id) == NULL)
		return;
	forward = owner_endpoint(lma->owner, id);
	tunnel = forward != NULL ? owner_tunnel(lma->owner, forward->tunnel) : NULL;
	if (tunnel == NULL || memcmp(&tunnel->remote, &mag->address, 16) == 0)
		return;
	now = gateway_time(lma);
	lma_wrong_tunnel(lma->lma, &now, id, &mag->address);
	gateway_run(lma);
}

/* A packet with data: the workers look the sender up, and tell of a stranger. */
void mobile_traffic(struct domain *domain, unsigned number, uint32_t epoch)
{
	struct mobile *mobile = &domain->mobiles[number];
	struct engine_time now;
	struct gateway *gateway;
	enum link_state state;
	uint32_t node;

	if (mobile->epoch != epoch || mobile->mag < 0)
		return;
	gateway = &domain->gateways[mobile->mag];
	if (gateway->alive) {
		now = gateway_time(gateway);
		node = owner_link(gateway->owner, (uint16_t)number, mobile->mac, &state);
		if (node == INDEX_NONE)
			mag_unknown_mac(gateway->mag, &now, (uint16_t)number, mobile->mac);
		else if (state == LINK_KNOWN)
			mag_activity(gateway->mag, &now, node);
		gateway_run(gateway);
		if (node != INDEX_NONE && state == LINK_KNOWN)
			arrive_at_lma(domain, mobile, gateway);
	}
	domain_schedule_traffic(domain, mobile, (uint64_t)domain->config.traffic_ms * 1000);
}

static bool is_told_of(const struct mobile *mobile, unsigned i)
{
	return mobile->mag >= 0 && mobile->heard_by[i] == mobile_source(mobile);
}

bool mobile_has(const struct domain *domain, unsigned number, uint64_t endpoint)
{
	const struct mobile *mobile = &domain->mobiles[number];

	if (mobile->mag < 0 || !domain->gateways[mobile->mag].alive)
		return false;
	for (unsigned i = 0; i < mobile->prefix_count; i++)
		if (endpoint_id_ipv6(mobile->prefixes[i].s6_addr) == endpoint && is_told_of(mobile, i))
			return true;
	return false;
}

uint64_t mobile_endpoint(const struct domain *domain, unsigned number)
{
	const struct mobile *mobile = &domain->mobiles[number];
	uint64_t first = ENDPOINT_NONE, first_told = ENDPOINT_NONE;

	for (unsigned i = 0; i < mobile->prefix_count; i++) {
		uint64_t id = endpoint_id_ipv6(mobile->prefixes[i].s6_addr);

		if (first == ENDPOINT_NONE || id < first)
			first = id;
		if (is_told_of(mobile, i) && (first_told == ENDPOINT_NONE || id < first_told))
			first_told = id;
	}
	return first_told != ENDPOINT_NONE ? first_told : first;
}

uint64_t mobile_other_endpoint(const struct domain *domain, unsigned number)
{
	const struct mobile *mobile = &domain->mobiles[number];
	uint64_t first = mobile_endpoint(domain, number);

	for (unsigned i = 0; i < mobile->prefix_count; i++) {
		uint64_t id = endpoint_id_ipv6(mobile->prefixes[i].s6_addr);

		if (id != first && is_told_of(mobile, i))
			return id;
	}
	return first;
}

/* ---- what it hears ---- */

static void prefix_withdraw(struct mobile *mobile, const struct in6_addr *prefix)
{
	for (unsigned i = 0; i < mobile->prefix_count; i++) {
		if (memcmp(&mobile->prefixes[i], prefix, 16) != 0)
			continue;
		mobile->prefix_count--;
		mobile->prefixes[i] = mobile->prefixes[mobile->prefix_count];
		mobile->heard_by[i] = mobile->heard_by[mobile->prefix_count];
		return;
	}
}

uint64_t mobile_source(const struct mobile *mobile)
{
	return (uint64_t)mobile->epoch << 32 | mobile->domain->gateways[mobile->mag].life;
}

/* Room for one more: what an earlier MAG told goes. */
static void forget_oldest(struct domain *domain, struct mobile *mobile)
{
	for (unsigned i = 0; i < mobile->prefix_count; i++) {
		struct in6_addr prefix = mobile->prefixes[i];

		if (mobile->heard_by[i] == mobile_source(mobile))
			continue;
		prefix_withdraw(mobile, &prefix);
		return;
	}
	domain_fail(domain, "%s has more prefixes than it can have", mobile->name);
}

/* No node ever hears of a prefix that is another one's, who is served with it (wire-formats I.1). */
static void check_stranger(struct domain *domain, const struct mobile *mobile, const struct in6_addr *prefix)
{
	if (domain->config.nodes > 64)
		return;
	for (unsigned i = 0; i < domain->config.nodes; i++) {
		const struct mobile *other = &domain->mobiles[i];

		if (other == mobile || other->mag < 0 || !mobile_is_served(domain, i))
			continue;
		for (unsigned k = 0; k < other->prefix_count; k++)
			if (other->heard_by[k] == mobile_source(other) && memcmp(&other->prefixes[k], prefix, 16) == 0)
				domain_fail(domain, "%s hears of a prefix of %s", mobile->name, other->name);
	}
}

static void prefix_heard(struct domain *domain, struct mobile *mobile, struct cursor option)
{
	struct in6_addr prefix;
	uint32_t valid_s;

	cursor_be16(&option); /* length of the prefix, flags */
	valid_s = cursor_be32(&option);
	cursor_be64(&option); /* preferred lifetime, reserved */
	cursor_copy(&option, &prefix, 16);
	if (option.failed)
		domain_fail(domain, "%s hears a short prefix option", mobile->name);
	prefix_withdraw(mobile, &prefix);
	if (valid_s == 0)
		return;
	check_stranger(domain, mobile, &prefix);
	if (mobile->prefix_count == MN_PREFIXES_MAX)
		forget_oldest(domain, mobile);
	mobile->heard_by[mobile->prefix_count] = mobile_source(mobile);
	mobile->prefixes[mobile->prefix_count++] = prefix;
}

static void advertisement_heard(struct domain *domain, struct mobile *mobile, struct cursor at)
{
	uint16_t router_lifetime_s;

	cursor_be16(&at); /* hop limit, flags */
	router_lifetime_s = cursor_be16(&at);
	cursor_be64(&at);
	while (cursor_left(&at) > 0 && !at.failed) {
		uint8_t type = cursor_u8(&at), length = cursor_u8(&at);
		const uint8_t *body = cursor_take(&at, length * 8u - 2);

		if (length == 0 || body == NULL)
			domain_fail(domain, "%s hears a broken advertisement", mobile->name);
		if (type == OPTION_PREFIX)
			prefix_heard(domain, mobile, cursor_over(body, length * 8u - 2));
	}
	mobile->has_router = router_lifetime_s > 0;
	if (mobile->has_router && mobile->advertised_ns == 0)
		mobile->advertised_ns = domain->now_ns;
}

static void solicitation_heard(
	struct domain *domain, const struct mobile *mobile, const struct in6_addr *from, struct cursor at)
{
	uint8_t message[24] = {NA, 0, 0, 0, SOLICITED_OVERRIDE >> 24};
	struct in6_addr target;

	cursor_be32(&at);
	cursor_copy(&at, &target, 16);
	if (at.failed || memcmp(&target, &mobile->link_local, 16) != 0)
		return;
	memcpy(message + 8, &target, 16);
	domain_record(domain, ARROW_ACCESS, mobile->name, "NA", domain->gateways[mobile->mag].name);
	send_icmp(domain, mobile, from, message, sizeof(message));
}

/* Every host reports its groups to a general query. */
static void query_heard(struct domain *domain, const struct mobile *mobile)
{
	static const struct in6_addr all_reporters = {.s6_addr = {0xff, 0x02, [15] = 0x16}};
	uint8_t message[28] = {MLD_REPORT, [7] = 1, [8] = 4};

	memcpy(message + 12, &all_routers, 16);
	send_icmp(domain, mobile, &all_reporters, message, sizeof(message));
}

void mobile_receive(struct domain *domain, const struct gateway *gateway, uint16_t link, const uint8_t mac[6],
	const uint8_t *bytes, uint16_t length)
{
	struct mobile *mobile = link < domain->config.nodes ? &domain->mobiles[link] : NULL;
	struct cursor at = cursor_over(bytes, length);
	struct in6_addr from;
	uint8_t next, type;

	if (mobile == NULL || memcmp(mac, mobile->mac, 6) != 0)
		domain_fail(domain, "%s sends to nobody on link %u", gateway->name, link);
	if (mobile->mag != (int)(gateway - domain->gateways))
		return; /* it left */
	cursor_take(&at, 6);
	next = cursor_u8(&at);
	cursor_u8(&at);
	cursor_copy(&at, &from, 16);
	cursor_take(&at, 16);
	if (next == 0) { /* a hop-by-hop header with the router alert of MLD */
		next = cursor_u8(&at);
		cursor_take(&at, 7);
	}
	type = cursor_u8(&at);
	cursor_take(&at, 3);
	if (at.failed || next != ICMPV6)
		domain_fail(domain, "%s hears what is no ICMPv6", mobile->name);
	if (type == RA)
		advertisement_heard(domain, mobile, at);
	else if (type == NS)
		solicitation_heard(domain, mobile, &from, at);
	else if (type == MLD_QUERY)
		query_heard(domain, mobile);
}
