/* SPDX-License-Identifier: BSD-3-Clause */
#include "soak_traffic.h"

#include <string.h>

#include "../unit/unit.h"
#include "packet.h"

#define MAGIC       0x50a4dead
#define IPV6_UDP    (IPV6_HEADER + 8)
#define INNER_MIN   (IPV6_UDP + SOAK_TAG)
#define INNER_MAX   1460
#define DROP(name)  (UINT64_C(1) << DROP_##name)
#define PUNT(name)  (UINT32_C(1) << PUNT_##name)
#define UNKNOWN_MAC 7 /* a variant that no node has */
#define MARKER_IID  "\x02\x00\x5e\xff\xfe\x00\x52\x13"

struct tag {
	uint32_t magic, place;
	uint64_t serial;
};
_Static_assert(sizeof(struct tag) == SOAK_TAG, "as its header says");

static uint32_t below(struct soak_traffic *t, uint32_t n)
{
	return test_random_below(&t->random, n);
}

static bool one_in(struct soak_traffic *t, uint32_t n)
{
	return below(t, n) == 0;
}

/* ---- octets ---- */

static uint16_t any_size(struct soak_traffic *t)
{
	uint32_t kind = below(t, 16);

	return kind < 7    ? INNER_MIN
	       : kind < 11 ? 576
	       : kind < 12 ? 1420
			   : (uint16_t)(INNER_MIN + below(t, INNER_MAX - INNER_MIN + 1));
}

static void put(struct soak_packet *p, const void *bytes, size_t n)
{
	memcpy(p->frame + p->length, bytes, n);
	p->length = (uint16_t)(p->length + n);
}

static void put_ethernet(struct soak_packet *p, const uint8_t *destination, const uint8_t *source, uint16_t vlan)
{
	const uint8_t tag[4] = {0x81, 0, (uint8_t)(vlan >> 8), (uint8_t)vlan};

	put(p, destination, 6);
	put(p, source, 6);
	if (vlan != VLAN_NONE)
		put(p, tag, sizeof(tag));
	put(p, "\x86\xdd", 2);
}

/* Version, a random label, the class; length, next header, hop limit. The addresses follow. */
static void put_ipv6(
	struct soak_traffic *t, struct soak_packet *p, uint8_t class, uint16_t payload, uint8_t next, uint8_t hop_limit)
{
	uint32_t label = below(t, 4);
	const uint8_t head[8] = {(uint8_t)(0x60 | class >> 4), (uint8_t)(class << 4), 0, (uint8_t)label,
		(uint8_t)(payload >> 8), (uint8_t)payload, next, hop_limit};

	put(p, head, sizeof(head));
}

/* Random octets up to the end of the inner packet, a tag, and sometimes padding behind it. */
static void put_rest(struct soak_traffic *t, struct soak_packet *p)
{
	uint16_t end = (uint16_t)(p->inner + p->inner_length);
	struct tag tag = {MAGIC, (uint32_t)(p - t->packets), t->serial + (uint64_t)(p - t->packets)};

	while (p->length < end - SOAK_TAG) {
		uint64_t word = test_random(&t->random);

		put(p, &word, RTE_MIN(sizeof(word), (size_t)(end - SOAK_TAG - p->length)));
	}
	put(p, &tag, sizeof(tag));
	if (one_in(t, 8))
		put(p, "padding", below(t, SOAK_TRAILING));
}

struct soak_packet *soak_traffic_find(struct soak_traffic *t, const uint8_t *bytes, uint16_t length)
{
	struct tag tag;

	if (length < INNER_MIN)
		return NULL;
	memcpy(&tag, bytes + length - SOAK_TAG, sizeof(tag));
	if (tag.magic != MAGIC || tag.place >= t->count || tag.serial != t->serial + tag.place)
		return NULL;
	return &t->packets[tag.place];
}

/* ---- the inner packet ---- */

/* Who talks to whom, as addresses. */
struct ends {
	uint8_t source[16], destination[16];
};

static uint8_t usual_hop_limit(struct soak_traffic *t)
{
	return one_in(t, 32) ? (uint8_t)below(t, 2) : (uint8_t)(2 + below(t, 254));
}

static void put_inner(struct soak_traffic *t, struct soak_packet *p, const struct ends *ends)
{
	p->icmp_error = one_in(t, 16);
	p->inner = p->length;
	p->inner_length = any_size(t);
	put_ipv6(t, p, (uint8_t)below(t, 256), (uint16_t)(p->inner_length - IPV6_HEADER),
		p->icmp_error ? IPPROTO_ICMPV6 : IPPROTO_UDP, usual_hop_limit(t));
	put(p, ends, sizeof(*ends));
	if (p->icmp_error)
		put(p, "\1\0\0\0\0\0\0\0", 8);
	else
		put(p, "\x10\0\x20\0\0\0\0\1", 8);
	put_rest(t, p);
}

/* Ethernet and outer header towards the gateway; @tunnel's peer sends. */
static void put_outer(struct soak_traffic *t, struct soak_packet *p, uint32_t tunnel)
{
	static const uint8_t mac[] = {2, 0, 0, 0, 0, 0x10}, router[] = {2, 0, 0, 0, 0, 1};
	uint8_t address[16];

	p->port = CORE;
	p->tunnel = tunnel;
	p->outer_ecn = (uint8_t)(one_in(t, 4) ? below(t, 4) : 0);
	put_ethernet(p, mac, router, VLAN_NONE);
	put_ipv6(t, p, (uint8_t)(below(t, 64) << 2 | p->outer_ecn), 0, IPPROTO_IPV6, 64);
	world_peer_address(t->world, address, tunnel);
	put(p, address, sizeof(address));
	world_own_address(t->world, address);
	put(p, address, sizeof(address));
}

static void close_outer(struct soak_packet *p)
{
	uint8_t *outer = p->frame + p->inner - IPV6_HEADER;

	outer[4] = (uint8_t)(p->inner_length >> 8);
	outer[5] = (uint8_t)p->inner_length;
}

static uint32_t flow_of(const struct soak_packet *p, const struct ends *ends)
{
	uint64_t hash = p->tunnel ^ (uint64_t)p->port << 32 ^ (uint64_t)p->link << 40 ^ p->mac[2];

	for (unsigned i = 0; i < sizeof(*ends); i++)
		hash = (hash ^ ((const uint8_t *)ends)[i]) * UINT64_C(0x100000001b3);
	return (uint32_t)(hash >> 16 ^ hash) | 1;
}

/* ---- paths ---- */

static struct soak_packet *new_packet(struct soak_traffic *t, enum soak_path path)
{
	struct soak_packet *p = &t->packets[t->count];

	memset((uint8_t *)p + offsetof(struct soak_packet, length), 0,
		sizeof(*p) - offsetof(struct soak_packet, length));
	p->path = path;
	p->number = t->count++;
	p->tunnel = INDEX_NONE;
	p->link = LINK_NONE;
	p->source = p->destination = p->pair_tx = p->pair_rx = p->route = p->link_object = -1;
	return p;
}

static void to_server(struct soak_traffic *t, struct soak_packet *p, uint8_t *to)
{
	p->route = (int)below(t, WORLD_ROUTES);
	world_address(to, 5, (uint16_t)p->route, (uint16_t)(1 + below(t, 4)));
}

static void to_node(struct soak_packet *p, uint8_t *to, uint32_t node)
{
	p->destination = (int)node;
	world_address(to, 0xaa, (uint16_t)node, 0x10);
}

/* On an access link, from where the node is, or from where it is not. */
static void from_node(struct soak_traffic *t, struct soak_packet *p, uint32_t node)
{
	static const uint16_t vlans[WORLD_LINKS] = {VLAN_NONE, 100, 200};
	static const uint8_t fixed[] = {0, 0, 0x5e, 0, 0x52, 0x13};
	const struct version *now = object_now(&t->world->endpoints[node]);
	uint8_t variant = (uint8_t)below(t, 2);

	p->source = (int)node;
	p->link = (uint16_t)below(t, WORLD_LINKS);
	if (one_in(t, 32))
		variant = UNKNOWN_MAC;
	world_node_mac(p->mac, node, variant);
	if (now->live && !one_in(t, 8)) {
		p->link = now->update.body.endpoint.forward.link;
		memcpy(p->mac, now->update.body.endpoint.forward.mac, 6);
		variant = p->mac[2];
	}
	if (node < WORLD_LINKED && variant == 0)
		p->link_object = (int)(node * WORLD_LINKS + p->link);
	p->port = p->link == 0 ? ACCESS : TAGGED;
	put_ethernet(p, fixed, p->mac, vlans[p->link]);
}

static void make_uplink(struct soak_traffic *t)
{
	struct soak_packet *p = new_packet(t, SOAK_UPLINK);
	uint32_t node = below(t, WORLD_NODES), kind = below(t, 8);
	struct ends ends;

	from_node(t, p, node);
	world_address(ends.source, 0xaa, (uint16_t)node, 0x10);
	if (kind < 4 && node < WORLD_PAIRS) {
		p->pair_tx = (int)node;
		world_address(ends.destination, 0xbb, (uint16_t)node, 0x20);
	} else if (kind < 6) {
		to_node(p, ends.destination, (node + 1) % WORLD_NODES);
		p->pair_tx = node < WORLD_LOCALS ? (int)(WORLD_PAIRS + node) : -1;
	} else {
		to_server(t, p, ends.destination);
	}
	p->flow = flow_of(p, &ends);
	put_inner(t, p, &ends);
}

static uint32_t other_tunnel(struct soak_traffic *t, bool anchor)
{
	if (!world_is_mag(t->world))
		return below(t, WORLD_TUNNELS);
	return anchor ? below(t, WORLD_ANCHORS) : WORLD_ANCHORS + below(t, WORLD_TUNNELS - WORLD_ANCHORS);
}

/* What comes out of a tunnel; the NIC spreads by outer addresses and the pair. */
static void put_tunnelled(struct soak_traffic *t, struct soak_packet *p, uint32_t tunnel, const struct ends *ends)
{
	put_outer(t, p, tunnel);
	p->flow = flow_of(p, ends);
	p->queue = p->flow >> 8 & 1;
	put_inner(t, p, ends);
	close_outer(p);
}

static void make_downlink(struct soak_traffic *t)
{
	struct soak_packet *p = new_packet(t, SOAK_DOWNLINK);
	uint32_t node = below(t, WORLD_NODES);
	const struct version *now = object_now(&t->world->endpoints[node]);
	uint32_t tunnel =
		now->live && !one_in(t, 16) ? now->update.body.endpoint.forward.tunnel : other_tunnel(t, true);
	struct ends ends;

	to_node(p, ends.destination, node);
	world_address(ends.source, one_in(t, 2) ? 0xbb : 5, (uint16_t)node, 0x20);
	put_tunnelled(t, p, tunnel, &ends);
}

/* From remote to node of a pair, out of the tunnel that its entry names, or another. */
static void make_returned(struct soak_traffic *t, enum soak_path path)
{
	uint32_t i = below(t, WORLD_PAIRS);
	const struct version *now = object_now(&t->world->pairs_rx[i]);
	uint32_t tunnel = now->live && !one_in(t, 16) ? now->update.body.pair.check.tunnel : other_tunnel(t, false);
	struct soak_packet *p;
	struct ends ends;

	if (world_is_mag(t->world) && i < WORLD_SWITCHED) {
		if (t->world->switches[i].state != SWITCH_IDLE)
			return;
		t->world->switches[i].used = true;
	}
	p = new_packet(t, path);
	p->pair_rx = (int)i;
	to_node(p, ends.destination, i);
	world_address(ends.source, 0xbb, (uint16_t)i, 0x20);
	put_tunnelled(t, p, tunnel, &ends);
}

static void make_outside(struct soak_traffic *t)
{
	static const uint8_t router[] = {2, 0, 0, 0, 0, 9};
	struct soak_packet *p = new_packet(t, SOAK_OUTSIDE);
	uint8_t mac[] = {2, 0, 0, 0, 0, 0x10};
	struct ends ends;

	p->port = (uint16_t)(OUTSIDE + below(t, 2));
	mac[5] = (uint8_t)(mac[5] + p->port);
	put_ethernet(p, mac, router, VLAN_NONE);
	world_address(ends.source, 5, 0, 0x30);
	if (one_in(t, 32)) /* neither a node's nor in our pools */
		world_address(ends.destination, 0xcc, 0, 1);
	else
		to_node(p, ends.destination, below(t, WORLD_NODES));
	p->flow = flow_of(p, &ends);
	put_inner(t, p, &ends);
}

static void make_inside(struct soak_traffic *t)
{
	struct soak_packet *p;
	uint32_t node = below(t, WORLD_NODES);
	const struct version *now = object_now(&t->world->endpoints[node]);
	const struct forward *forward = &now->update.body.endpoint.forward;
	uint32_t tunnel = now->live ? forward->tunnel : other_tunnel(t, false);
	struct ends ends;

	if (one_in(t, 4)) {
		make_returned(t, SOAK_INSIDE);
		return;
	}
	p = new_packet(t, SOAK_INSIDE);
	if (now->live && (forward->flags & FORWARD_FORMER) != 0 && one_in(t, 4))
		tunnel = forward->former;
	if (one_in(t, 16))
		tunnel = other_tunnel(t, false);
	p->source = (int)node;
	world_address(ends.source, 0xaa, (uint16_t)node, 0x10);
	if (one_in(t, 2))
		to_server(t, p, ends.destination);
	else
		to_node(p, ends.destination, below(t, WORLD_NODES));
	put_tunnelled(t, p, tunnel, &ends);
}

/* ---- what nobody should send, or only to the gateway itself ---- */

/* To the gateway's own address: @next with @body, which is 8 octets. */
static struct soak_packet *make_own(struct soak_traffic *t, uint8_t next, const char *body, uint8_t *source)
{
	static const uint8_t mac[] = {2, 0, 0, 0, 0, 0x10}, router[] = {2, 0, 0, 0, 0, 1};
	struct soak_packet *p = new_packet(t, SOAK_FIXED);
	uint8_t own[16];

	p->port = CORE;
	p->queue = (uint16_t)below(t, 2);
	put_ethernet(p, mac, router, VLAN_NONE);
	p->inner = p->length;
	p->inner_length = (uint16_t)(INNER_MIN + below(t, 100));
	put_ipv6(t, p, 0, (uint16_t)(p->inner_length - IPV6_HEADER), next, 64);
	put(p, source, 16);
	world_own_address(t->world, own);
	put(p, own, sizeof(own));
	put(p, body, 8);
	put_rest(t, p);
	return p;
}

static void make_fixed(struct soak_traffic *t)
{
	uint8_t peer[16], stranger[16], bad[16] = {0xff, 2, [15] = 1};
	struct soak_packet *p;

	world_address(peer, 1, 0, world_is_mag(t->world) ? 1 : 2);
	world_address(stranger, 1, 0, 0x66);
	switch (below(t, 10)) {
	case 0: make_own(t, IPPROTO_ICMPV6, "\x80\0\0\0\0\1\0\1", stranger)->punts = PUNT(icmp_echo); return;
	case 1: make_own(t, IPPROTO_ICMPV6, "\2\0\0\0\0\0\5\0", stranger)->punts = PUNT(icmp_error_in); return;
	case 2: make_own(t, 135, "\x3b\1\5\0\0\0\0\0", peer)->punts = PUNT(mobility_header); return;
	case 3: make_own(t, 135, "\x3b\1\5\0\0\0\0\0", stranger)->drops = DROP(signalling_peer); return;
	case 4: make_own(t, IPPROTO_UDP, "\0\1\0\2\0\0\0\0", stranger)->punts = PUNT(own_protocol_error); return;
	case 5: make_own(t, 44, "\x29\0\0\1\0\0\0\7", stranger)->drops = DROP(fragment); return;
	case 6: make_own(t, IPPROTO_UDP, "\0\1\0\2\0\0\0\0", bad)->drops = DROP(ip_source_invalid); return;
	case 7:
		p = make_own(t, IPPROTO_UDP, "\0\1\0\2\0\0\0\0", stranger);
		p->frame[12] = 8, p->frame[13] = 6;
		p->drops = DROP(unknown_ethertype);
		return;
	case 8:
		p = make_own(t, IPPROTO_UDP, "\0\1\0\2\0\0\0\0", stranger);
		p->frame[18] = 0x40;
		p->drops = DROP(ip_length);
		return;
	default:
		p = make_own(t, IPPROTO_UDP, "\0\1\0\2\0\0\0\0", stranger);
		p->length = (uint16_t)below(t, 54);
		p->drops = DROP(runt);
	}
}

static void make_usual(struct soak_traffic *t)
{
	uint32_t kind = below(t, 3);

	if (!world_is_mag(t->world)) {
		if (kind == 0)
			make_outside(t);
		else
			make_inside(t);
	} else if (kind == 0) {
		make_downlink(t);
	} else if (kind == 1) {
		make_returned(t, SOAK_DIRECT);
	} else {
		make_uplink(t);
	}
}

/* A few octets of what is there changed: headers mostly. */
static void make_fuzzed(struct soak_traffic *t)
{
	unsigned before = t->count;
	struct soak_packet *p;

	make_usual(t);
	if (t->count == before)
		return;
	p = &t->packets[before];
	p->path = SOAK_FUZZED;
	p->flow = 0;
	for (uint32_t n = 1 + below(t, 3); n != 0; n--)
		p->frame[below(t, RTE_MIN(p->length - SOAK_TAG - SOAK_TRAILING, 110))] ^= (uint8_t)(1 + below(t, 255));
}

/* ---- in order ---- */

static struct soak_packet *make_of_switch(
	struct soak_traffic *t, uint32_t i, enum soak_path path, uint32_t tunnel, uint16_t queue)
{
	struct soak_packet *p = new_packet(t, path);
	struct ends ends;

	p->pair_rx = path == SOAK_DIRECT ? (int)i : -1;
	to_node(p, ends.destination, i);
	world_address(ends.source, 0xbb, (uint16_t)i, 0x21);
	if (path == SOAK_FIXED) {
		memcpy(ends.source + 8, MARKER_IID, 8);
		memcpy(ends.destination + 8, MARKER_IID, 8);
	}
	put_tunnelled(t, p, tunnel, &ends);
	p->queue = queue;
	p->in_order = true;
	p->flow = 2 * (i + 1); /* even: no other has it */
	return p;
}

/* Direct packets of another queue come before the last ones over the anchor and their marker, and after it. */
static void make_switch(struct soak_traffic *t, uint32_t i)
{
	uint32_t direct = object_now(&t->world->pairs_rx[i])->update.body.pair.check.tunnel;
	uint32_t anchor = object_now(&t->world->endpoints[i])->update.body.endpoint.forward.tunnel;
	struct soak_switch *s = &t->switches[t->switch_count++];
	unsigned early, late, over = 1 + below(t, 12);
	uint16_t queue = (uint16_t)below(t, 2);

	*s = (struct soak_switch){
		.flow = 2 * (i + 1), .anchored = over, .marked = !one_in(t, 256), .overflows = one_in(t, 8)};
	early = s->overflows ? SOAK_HELD_MAX + 8 : 1 + below(t, 12);
	late = s->overflows ? 0 : below(t, 12);
	for (unsigned n = 0; n < early; n++)
		make_of_switch(t, i, SOAK_DIRECT, direct, queue)->number = over + n;
	for (unsigned n = 0; n < over; n++)
		make_of_switch(t, i, SOAK_DOWNLINK, anchor, (uint16_t)!queue)->number = n;
	if (s->marked) {
		struct soak_packet *marker = make_of_switch(t, i, SOAK_FIXED, anchor, (uint16_t)!queue);

		marker->frame[marker->inner + 6] = IPPROTO_MH;
		marker->frame[marker->inner + 1] &= 0x0f;               /* not ECN capable, */
		marker->frame[marker->inner - IPV6_HEADER + 1] &= 0x0f; /* nowhere congested */
		marker->drops = DROP(marker);
	}
	for (unsigned n = 0; n < late; n++)
		make_of_switch(t, i, SOAK_DIRECT, direct, queue)->number = over + early + n;
	t->world->switches[i].used = true;
	t->world->switches[i].state = SWITCH_IDLE;
}

static void make_switches(struct soak_traffic *t, uint64_t reclaimed)
{
	t->switch_count = 0;
	for (uint32_t i = 0; i < WORLD_SWITCHED; i++) {
		const struct world_switch *s = &t->world->switches[i];

		if (t->switch_count < 2 && s->state == SWITCH_ARMED && s->seq <= reclaimed && one_in(t, 2))
			make_switch(t, i);
	}
}

void soak_traffic_make(struct soak_traffic *t, unsigned n)
{
	t->serial += SOAK_PACKETS;
	t->count = 0;
	for (unsigned i = 0; i < WORLD_SWITCHED; i++)
		t->world->switches[i].used = false;
	if (world_is_mag(t->world))
		make_switches(t, door_reclaimed(t->world->bed->door));
	for (unsigned i = 0; i < n; i++) {
		uint32_t kind = below(t, 64);

		if (kind < 3)
			make_fixed(t);
		else if (kind < 5)
			make_fuzzed(t);
		else
			make_usual(t);
	}
}
