/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The stages take nearly every packet in one go, and look closer at the others. What becomes of a packet depends
 * neither on that nor on who is next to it in a burst: random packets, well-formed and not, come in one burst and one
 * by one, in the usual way and in one that makes the stages look closer, and the same has to come out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>
#include <rte_ring.h>

#include "scenario.h"

#define ROUNDS 300

struct random_frame {
	struct frame frame;
	uint16_t port;
	uint16_t headroom;
};

/* All that comes out of a bed; the packets in any order. */
struct outcome {
	uint64_t packets, sum;
	uint64_t drops[DROP_COUNT], punts[PUNT_COUNT], stages[STAGE_COUNT];
	uint64_t events;
	struct object_counter nodes[2 * BED_NODES], tunnels[2 * BED_NODES], pairs[2 * BED_NODES];
};

/* ---- random packets ---- */

static uint32_t seed;

static uint32_t below(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)seed * n >> 32);
}

static bool one_in(uint32_t n)
{
	return below(n) == 0;
}

static const char *one_of(const char *const *texts, uint32_t n)
{
	return texts[below(n)];
}

static const char *const everybody[] = {MN1, MN1, MN2, MN2, MN3, MN4, MN5, MN6, MN6, MN7, NOBODY, SERVER, SERVER, LOST,
	NEAR, ELSEWHERE, LMA, MAG, "fc00::1", "fdff::1", "fe80::1", "ff02::1", "::", "::1", "4000::1", "1fff::1",
	"2001:db8:aa:1:200:5eff:fe00:5213", "2001:db8:aa:6:200:5eff:fe00:5213"};
static const char *const peers[] = {LMA, MAG, MAG2, PEER, FORMER, STRANGER, "2001:db8:9::1", "2001:db8:9::2"};

static uint16_t random_payload(void)
{
	static const uint16_t lengths[] = {0, 3, 4, 8, 22, 22, 22, 100, BED_TUNNEL_MTU - 49, BED_TUNNEL_MTU - 48,
		BED_TUNNEL_MTU - 47, BED_MTU - 48, BED_MTU - 47};

	return lengths[below(RTE_DIM(lengths))];
}

/* Inner packet, or that of a node. */
static void add_packet(struct frame *frame, const char *from, const char *to)
{
	static const uint8_t protocols[] = {IPPROTO_UDP, IPPROTO_UDP, IPPROTO_UDP, IPPROTO_TCP, IPPROTO_ICMPV6,
		IPPROTO_MH, IPPROTO_NONE, IPPROTO_IPV6, IPPROTO_DSTOPTS};
	static const uint8_t hop_limits[] = {0, 1, 2, 64, 64, 64, 64, 255};
	static const uint8_t icmp_types[] = {1, 2, 128, 129, 133, 135};
	uint8_t protocol = protocols[below(RTE_DIM(protocols))];
	uint16_t payload = random_payload(), ip;

	ip = frame_ipv6(frame, &(struct frame_ipv6){from, to, protocol, hop_limits[below(RTE_DIM(hop_limits))],
				       (uint8_t)below(256), below(1 << 20)});
	if (protocol == IPPROTO_DSTOPTS)
		frame_extension(frame, IPPROTO_UDP, (const uint8_t[]){4, 1, (uint8_t)below(3), 1, 1, 0});
	if (protocol == IPPROTO_ICMPV6)
		frame_icmpv6(frame, icmp_types[below(RTE_DIM(icmp_types))], to);
	else
		frame_udp(frame, (uint16_t)below(4), (uint16_t)(545 + below(4)), payload);
	frame_close(frame, ip);
}

static void add_ethernet(struct frame *frame, enum dataplane_role role, uint16_t port)
{
	static const uint16_t tags[] = {0, 100, 200, 200, 200, 300};
	const uint8_t *const nodes[] = {MN1_MAC, MN1_MAC, MN2_MAC, MN4_MAC, MN5_MAC, PENDING_MAC, REFUSED_MAC};
	const uint8_t *const ours = MAC(port), *const common = FIXED, *const group = MULTICAST, *const node = MN2_MAC;
	const uint8_t *to = ours, *from = NEXT_HOP;
	uint16_t tag = 0;

	if (role == DATAPLANE_MAG && port != CORE) {
		to = one_in(4) ? ours : common;
		from = port == TAGGED ? node : nodes[below(RTE_DIM(nodes))];
		tag = port == TAGGED ? tags[below(RTE_DIM(tags))] : 0;
	}
	if (one_in(16))
		to = one_in(2) ? group : common;
	if (one_in(32))
		tag = 100;
	frame_ethernet(frame, to, from, tag);
}

static void damage(struct frame *frame)
{
	if (one_in(8))
		frame->length = (uint16_t)below(RTE_MIN(frame->length, 140));
	else
		for (unsigned octets = 1 + below(3); octets > 0; octets--)
			frame->bytes[below(RTE_MIN(frame->length, 120))] ^= (uint8_t)(1 << below(8));
}

/* @odd: also what nobody sends, or nobody is to send. @options: destination options in outer headers. */
static void make(struct random_frame *random, enum dataplane_role role, uint16_t port, bool odd, bool options)
{
	const char *here = role == DATAPLANE_MAG ? MAG : LMA;
	struct frame *frame = &random->frame;
	uint32_t people = odd ? RTE_DIM(everybody) : 9;
	const char *from = one_of(everybody, people), *to = one_of(everybody, people);

	*random = (struct random_frame){.port = port, .headroom = RTE_PKTMBUF_HEADROOM};
	if (odd && one_in(8))
		random->headroom = (uint16_t)(2 * below(36));
	frame_init(frame);
	add_ethernet(frame, role, port);
	if (port == CORE && (!odd || !one_in(4))) {
		const char *peer = role == DATAPLANE_MAG ? LMA : MAG;

		if (odd && one_in(2))
			peer = one_of(peers, RTE_DIM(peers));
		frame_ipv6(frame,
			&(struct frame_ipv6){peer, odd && one_in(16) ? one_of(everybody, people) : here,
				options ? IPPROTO_DSTOPTS : IPPROTO_IPV6, 64, (uint8_t)below(256), below(1 << 20)});
		if (options)
			frame_extension(frame, IPPROTO_IPV6, (const uint8_t[]){1, 4, 0, 0, 0, 0});
		add_packet(frame, from, to);
		frame_bytes(frame, "padding", one_in(4) ? 7 : 0);
		frame_close(frame, frame->l3);
	} else {
		add_packet(frame, from, one_in(8) ? here : to);
	}
	frame_bytes(frame, "padding", one_in(4) ? 7 : 0);
	if (odd && one_in(6))
		damage(frame);
}

static struct rte_mbuf *buffer(const struct random_frame *random)
{
	struct rte_mbuf *pkt = bed_mbuf_room(&random->frame, random->headroom);

	pkt->vlan_tci = 200; /* without the flag it says nothing */
	pkt->hash.usr = pkt->packet_type = 0x01020304;
	return pkt;
}

/* ---- what comes out ---- */

static void add_out(struct outcome *outcome, const struct frame *frame, uint64_t where)
{
	uint64_t hash = where;

	for (uint16_t i = 0; i < frame->length; i++)
		hash = (hash ^ frame->bytes[i]) * UINT64_C(0x100000001b3);
	outcome->sum += hash ^ hash >> 32;
	outcome->packets++;
}

/* Counters of @n objects move to @to. */
static void take_counters(struct object_counter *from, struct object_counter *to, uint32_t n)
{
	assert_true(n <= BED_NODES);
	memcpy(to, from, 2 * n * sizeof(*from));
	memset(from, 0, 2 * n * sizeof(*from));
}

static void take_outcome(struct bed *bed, struct outcome *outcome)
{
	struct worker *w = bed->workers[0];
	struct packet_meta meta;
	struct frame frame;

	memset(outcome, 0, sizeof(*outcome));
	for (uint16_t port = 0; port < BED_PORTS; port++)
		while (bed_sent(bed, port, &frame))
			add_out(outcome, &frame, port);
	while (bed_punted(bed, &frame, &meta))
		add_out(outcome, &frame,
			UINT64_C(0x100000000) + meta.reason + (uint64_t)meta.mtu_bytes * 0x10001 + meta.tunnel * 7 +
				meta.link * 3 + meta.vlan * 5 + meta.port * 11 + meta.source_mac[5] * 13);
	memcpy(outcome->drops, w->stats->drops, sizeof(outcome->drops));
	memcpy(outcome->punts, w->stats->punts, sizeof(outcome->punts));
	for (unsigned stage = 0; stage < STAGE_COUNT; stage++)
		outcome->stages[stage] = w->stats->stages[stage].packets;
	outcome->events = w->stats->events;
	take_counters(w->node_counters, outcome->nodes, w->nodes_max);
	take_counters(w->tunnel_counters, outcome->tunnels, w->tunnels_max);
	take_counters(w->pair_counters, outcome->pairs, w->pairs_max);
	bed_check_conservation(bed);
}

static void assert_same_outcome(const struct outcome *a, const struct outcome *b, uint32_t from_seed)
{
	for (unsigned i = 0; i < DROP_COUNT; i++)
		if (a->drops[i] != b->drops[i])
			fail_msg("seed %u: %s %u and %u times", from_seed, drop_reason_name((enum drop_reason)i),
				(unsigned)a->drops[i], (unsigned)b->drops[i]);
	for (unsigned i = 0; i < PUNT_COUNT; i++)
		if (a->punts[i] != b->punts[i])
			fail_msg("seed %u: %s %u and %u times", from_seed, punt_reason_name((enum punt_reason)i),
				(unsigned)a->punts[i], (unsigned)b->punts[i]);
	if (memcmp(a, b, sizeof(*a)) != 0)
		fail_msg("seed %u: other packets or counters", from_seed);
}

/* ---- ways in ---- */

static void put(struct bed *bed, uint16_t port, struct rte_mbuf *pkt)
{
	assert_int_equal(rte_ring_enqueue(bed->receive[port], pkt), 0);
	bed->put++;
}

/* @apart: each in a burst of its own. */
static void receive(struct bed *bed, const struct random_frame *random, unsigned n, bool apart)
{
	for (unsigned i = 0; i < n; i++) {
		put(bed, random[i].port, buffer(&random[i]));
		if (apart)
			bed_turn(bed);
	}
	if (!apart)
		bed_turn(bed);
}

/* By the control core, which a burst of several ports comes from. */
static void inject(struct bed *bed, const struct random_frame *random, unsigned n, bool apart)
{
	for (unsigned i = 0; i < n; i++) {
		struct rte_mbuf *pkt = buffer(&random[i]);

		*packet_meta(pkt) = (struct packet_meta){.stage = STAGE_classify, .port = random[i].port};
		assert_int_equal(door_inject(bed->door, 0, pkt), 0);
		bed->put++;
		if (apart)
			bed_turn(bed);
	}
	if (!apart)
		bed_turn(bed);
}

/*
 * As from a driver that takes tags off, or one off that says nothing: the stages cannot take such a packet in one go.
 */
static void receive_closely(struct bed *bed, const struct random_frame *random, unsigned n, bool apart)
{
	for (unsigned i = 0; i < n; i++) {
		struct rte_mbuf *pkt = buffer(&random[i]);
		uint8_t *bytes = rte_pktmbuf_mtod(pkt, uint8_t *);

		pkt->ol_flags |= RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
		pkt->vlan_tci = 0xe000;
		if (random[i].frame.length >= 18 && bytes[12] == 0x81 && bytes[13] == 0) {
			pkt->vlan_tci |= (uint16_t)(bytes[14] << 8 | bytes[15]);
			memmove(bytes + 4, bytes, 12);
			rte_pktmbuf_adj(pkt, 4);
		}
		put(bed, random[i].port, pkt);
	}
	bed_turn(bed);
}

typedef void (*way_in)(struct bed *bed, const struct random_frame *random, unsigned n, bool apart);

/* Tells of a pair's errors once, however long the test takes. */
static struct bed *make_bed(enum dataplane_role role)
{
	struct bed *bed = role == DATAPLANE_MAG ? scenario_mag(1) : scenario_lma(1);

	if (role == DATAPLANE_MAG)
		scenario_pairs(bed);
	bed->workers[0]->limits.pair_error_interval = UINT64_MAX / 1024;
	return bed;
}

/* @ports: how many of them send. */
static void expect_same(way_in one, way_in other, bool apart, unsigned ports)
{
	static const unsigned sizes[] = {1, 2, 63, 64};
	static struct random_frame random[64];
	static struct outcome a, b;

	for (enum dataplane_role role = DATAPLANE_LMA; role <= DATAPLANE_MAG; role++) {
		struct bed *bed = make_bed(role);

		for (unsigned round = 0; round < ROUNDS; round++) {
			unsigned n = sizes[round % RTE_DIM(sizes)];
			uint16_t first = (uint16_t)(round / RTE_DIM(sizes) % BED_PORTS);
			uint32_t from_seed = seed = round + 1000 * role;

			for (unsigned i = 0; i < n; i++)
				make(&random[i], role, (uint16_t)((first + below(ports)) % BED_PORTS), true, false);
			one(bed, random, n, false);
			take_outcome(bed, &a);
			other(bed, random, n, apart);
			take_outcome(bed, &b);
			assert_same_outcome(&a, &b, from_seed);
		}
		bed_destroy(bed);
	}
}

static void a_burst_is_its_packets_one_by_one(void **state)
{
	expect_same(receive, receive, true, 1);
}

static void a_burst_of_several_ports_is_its_packets_one_by_one(void **state)
{
	expect_same(inject, inject, true, BED_PORTS);
}

static void who_is_looked_at_closely_goes_the_usual_way(void **state)
{
	expect_same(receive, receive_closely, false, 1);
}

/* The outer header goes with its options, and what was inside is forwarded as if there had been none. */
static void options_of_the_outer_header_change_nothing(void **state)
{
	static struct random_frame plain[64], options[64];
	static struct outcome a, b;

	for (enum dataplane_role role = DATAPLANE_LMA; role <= DATAPLANE_MAG; role++) {
		struct bed *bed = make_bed(role);

		for (unsigned round = 0; round < ROUNDS; round++) {
			for (unsigned i = 0; i < RTE_DIM(plain); i++) {
				uint32_t again = seed = round * 64 + i;

				make(&plain[i], role, CORE, false, false);
				seed = again;
				make(&options[i], role, CORE, false, true);
			}
			receive(bed, plain, RTE_DIM(plain), false);
			take_outcome(bed, &a);
			receive(bed, options, RTE_DIM(options), false);
			take_outcome(bed, &b);
			assert_same_outcome(&a, &b, round);
		}
		bed_destroy(bed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_burst_is_its_packets_one_by_one),
		cmocka_unit_test(a_burst_of_several_ports_is_its_packets_one_by_one),
		cmocka_unit_test(who_is_looked_at_closely_goes_the_usual_way),
		cmocka_unit_test(options_of_the_outer_header_change_nothing),
	};
	int failed;

	bed_eal_start();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	bed_eal_stop();
	return failed;
}
