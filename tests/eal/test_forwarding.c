/* SPDX-License-Identifier: BSD-3-Clause */
/* Every way a packet can take through the stages: one in, the exact octets out, in bursts of 1, 63 and 64. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "scenario.h"

static const unsigned bursts[] = {1, 63, 64};

static void close_outer(struct frame *frame)
{
	frame_close(frame, frame->l3);
}

/* The outer flow label is a hash: taken over, after a look that it is one. */
static void take_label(struct frame *expected, const struct frame *got)
{
	expected->bytes[expected->l3 + 1] |= got->bytes[expected->l3 + 1] & 0x0f;
	memcpy(expected->bytes + expected->l3 + 2, got->bytes + expected->l3 + 2, 2);
}

static void expect_frames(struct bed *bed, uint16_t port, struct frame *expected, bool encapsulated, unsigned n)
{
	struct frame got;

	for (unsigned i = 0; i < n; i++) {
		assert_true(bed_sent(bed, port, &got));
		if (encapsulated)
			take_label(expected, &got);
		assert_int_equal(got.length, expected->length);
		assert_memory_equal(got.bytes, expected->bytes, expected->length);
	}
	assert_false(bed_sent(bed, port, &got));
	bed_check_conservation(bed);
}

static void mag_uplink_goes_into_the_tunnel(void **state)
{
	struct bed *bed = scenario_mag(1);
	struct frame in, out;

	frame_init(&in);
	frame_ethernet(&in, FIXED, MN1_MAC, 0);
	scenario_udp(&in, MN1, SERVER, 64, 0xb9);
	frame_init(&out);
	frame_ethernet(&out, ROUTER, MAC(CORE), 0);
	scenario_outer(&out, MAG, LMA, 0xb9);
	scenario_udp(&out, MN1, SERVER, 63, 0xb9);
	close_outer(&out);
	for (unsigned i = 0; i < RTE_DIM(bursts); i++) {
		bed_receive(bed, ACCESS, &in, bursts[i]);
		expect_frames(bed, CORE, &out, true, bursts[i]);
	}
	bed_destroy(bed);
}

static void mag_uplink_takes_the_tag_of_its_link_off(void **state)
{
	struct bed *bed = scenario_mag(1);
	struct frame in, out;

	frame_init(&in);
	frame_ethernet(&in, MAC(TAGGED), MN2_MAC, 200);
	scenario_udp(&in, MN2, SERVER, 2, 0);
	frame_init(&out);
	frame_ethernet(&out, ROUTER, MAC(CORE), 0);
	scenario_outer(&out, MAG, LMA, 0);
	scenario_udp(&out, MN2, SERVER, 1, 0);
	close_outer(&out);
	for (unsigned i = 0; i < RTE_DIM(bursts); i++) {
		bed_receive(bed, TAGGED, &in, bursts[i]);
		expect_frames(bed, CORE, &out, true, bursts[i]);
	}
	bed_destroy(bed);
}

static void mag_downlink_leaves_by_the_link_of_the_node(void **state)
{
	struct bed *bed = scenario_mag(1);
	struct frame in, out;

	frame_init(&in);
	frame_ethernet(&in, MAC(CORE), ROUTER, 0);
	scenario_outer(&in, LMA, MAG, 0);
	scenario_udp(&in, SERVER, MN1, 64, 0);
	close_outer(&in);
	frame_init(&out);
	frame_ethernet(&out, MN1_MAC, FIXED, 0);
	scenario_udp(&out, SERVER, MN1, 63, 0);
	for (unsigned i = 0; i < RTE_DIM(bursts); i++) {
		bed_receive(bed, CORE, &in, bursts[i]);
		expect_frames(bed, ACCESS, &out, false, bursts[i]);
	}
	bed_destroy(bed);
}

static void mag_downlink_puts_the_tag_of_the_link_on(void **state)
{
	struct bed *bed = scenario_mag(1);
	struct frame in, out;

	frame_init(&in);
	frame_ethernet(&in, MAC(CORE), ROUTER, 0);
	scenario_outer(&in, LMA, MAG, 0);
	scenario_udp(&in, SERVER, MN2, 64, 0);
	close_outer(&in);
	frame_init(&out);
	frame_ethernet(&out, MN2_MAC, FIXED, 200);
	scenario_udp(&out, SERVER, MN2, 63, 0);
	bed_receive(bed, CORE, &in, 64);
	expect_frames(bed, TAGGED, &out, false, 64);
	bed_destroy(bed);
}

static void lma_uplink_is_routed_outside(void **state)
{
	struct bed *bed = scenario_lma(1);
	struct frame in, out;

	frame_init(&in);
	frame_ethernet(&in, MAC(CORE), ROUTER, 0);
	scenario_outer(&in, MAG, LMA, 0);
	scenario_udp(&in, MN1, SERVER, 63, 0);
	close_outer(&in);
	frame_init(&out);
	frame_ethernet(&out, NEXT_HOP, MAC(OUTSIDE), 0);
	scenario_udp(&out, MN1, SERVER, 62, 0);
	for (unsigned i = 0; i < RTE_DIM(bursts); i++) {
		bed_receive(bed, CORE, &in, bursts[i]);
		expect_frames(bed, OUTSIDE, &out, false, bursts[i]);
	}
	bed_destroy(bed);
}

static void lma_downlink_goes_to_the_mag_of_the_binding(void **state)
{
	struct bed *bed = scenario_lma(1);
	struct frame in, out;

	frame_init(&in);
	frame_ethernet(&in, MAC(OUTSIDE), NEXT_HOP, 0);
	scenario_udp(&in, SERVER, MN1, 60, 2);
	frame_init(&out);
	frame_ethernet(&out, ROUTER, MAC(CORE), 0);
	scenario_outer(&out, LMA, MAG, 2);
	scenario_udp(&out, SERVER, MN1, 59, 2);
	close_outer(&out);
	for (unsigned i = 0; i < RTE_DIM(bursts); i++) {
		bed_receive(bed, OUTSIDE, &in, bursts[i]);
		expect_frames(bed, CORE, &out, true, bursts[i]);
	}
	bed_destroy(bed);
}

/* Pipe model: a DSCP of its own for tunnel 2, ECN from the inner header all the same. */
static void lma_hairpin_goes_to_the_other_mag_with_a_fixed_dscp(void **state)
{
	struct bed *bed = scenario_lma(1);
	struct frame in, out;

	frame_init(&in);
	frame_ethernet(&in, MAC(CORE), ROUTER, 0);
	scenario_outer(&in, MAG, LMA, 0xb9);
	scenario_udp(&in, MN1, MN2, 63, 0xb9);
	close_outer(&in);
	frame_init(&out);
	frame_ethernet(&out, ROUTER, MAC(CORE), 0);
	scenario_outer(&out, LMA, MAG2, 10 << 2 | 1);
	scenario_udp(&out, MN1, MN2, 62, 0xb9);
	close_outer(&out);
	for (unsigned i = 0; i < RTE_DIM(bursts); i++) {
		bed_receive(bed, CORE, &in, bursts[i]);
		expect_frames(bed, CORE, &out, true, bursts[i]);
	}
	bed_destroy(bed);
}

/* What Ethernet or a tunnel carries behind the packet is not sent on. */
static void padding_is_cut_off(void **state)
{
	struct bed *mag = scenario_mag(1), *lma = scenario_lma(1);
	struct frame in, out;

	frame_init(&in);
	frame_ethernet(&in, FIXED, MN1_MAC, 0);
	scenario_udp(&in, MN1, SERVER, 64, 0);
	frame_bytes(&in, "padding", 7);
	frame_init(&out);
	frame_ethernet(&out, ROUTER, MAC(CORE), 0);
	scenario_outer(&out, MAG, LMA, 0);
	scenario_udp(&out, MN1, SERVER, 63, 0);
	close_outer(&out);
	bed_receive(mag, ACCESS, &in, 1);
	expect_frames(mag, CORE, &out, true, 1);

	frame_init(&in);
	frame_ethernet(&in, MAC(CORE), ROUTER, 0);
	scenario_outer(&in, MAG, LMA, 0);
	scenario_udp(&in, MN1, SERVER, 63, 0);
	frame_bytes(&in, "inside", 6);
	close_outer(&in);
	frame_bytes(&in, "outside", 7);
	frame_init(&out);
	frame_ethernet(&out, NEXT_HOP, MAC(OUTSIDE), 0);
	scenario_udp(&out, MN1, SERVER, 62, 0);
	bed_receive(lma, CORE, &in, 1);
	expect_frames(lma, OUTSIDE, &out, false, 1);
	bed_destroy(mag);
	bed_destroy(lma);
}

/* RFC 6040 section 4.2, wire-formats H.2: rows inner, columns outer; in the order of the codepoints. */
static void decapsulation_merges_ecn(void **state)
{
	enum { NOT, ECT1, ECT0, CE, LOST_HERE };
	static const uint8_t expected[4][4] = {
		[NOT] = {NOT, NOT, NOT, LOST_HERE},
		[ECT1] = {ECT1, ECT1, ECT1, CE},
		[ECT0] = {ECT0, ECT1, ECT0, CE},
		[CE] = {CE, CE, CE, CE},
	};
	struct bed *bed = scenario_lma(1);
	struct frame in, out;

	for (uint8_t inner = 0; inner < 4; inner++) {
		for (uint8_t outer = 0; outer < 4; outer++) {
			frame_init(&in);
			frame_ethernet(&in, MAC(CORE), ROUTER, 0);
			scenario_outer(&in, MAG, LMA, outer);
			scenario_udp(&in, MN1, SERVER, 64, 0xb8 | inner);
			close_outer(&in);
			bed_receive(bed, CORE, &in, 1);
			if (expected[inner][outer] == LOST_HERE) {
				assert_int_equal(bed_drops(bed, DROP_tunnel_ecn), 1);
				bed_check_conservation(bed);
				continue;
			}
			frame_init(&out);
			frame_ethernet(&out, NEXT_HOP, MAC(OUTSIDE), 0);
			scenario_udp(&out, MN1, SERVER, 63, 0xb8 | expected[inner][outer]);
			expect_frames(bed, OUTSIDE, &out, false, 1);
		}
	}
	bed_destroy(bed);
}

/* RFC 2473 section 4.1.1: a limit that a packet brings goes on, lower by one. */
static void tunnel_encapsulation_limit_goes_on_lower_by_one(void **state)
{
	struct bed *bed = scenario_mag(1);
	struct frame in, out;
	uint16_t ip;

	frame_init(&in);
	frame_ethernet(&in, FIXED, MN1_MAC, 0);
	ip = frame_ipv6(&in, &(struct frame_ipv6){MN1, SERVER, IPPROTO_DSTOPTS, 64, 0, 7});
	frame_extension(&in, IPPROTO_NONE, (const uint8_t[]){4, 1, 3, 1, 1, 0});
	frame_close(&in, ip);
	frame_init(&out);
	frame_ethernet(&out, ROUTER, MAC(CORE), 0);
	frame_ipv6(&out, &(struct frame_ipv6){MAG, LMA, IPPROTO_DSTOPTS, 64, 0, 0});
	frame_extension(&out, IPPROTO_IPV6, (const uint8_t[]){4, 1, 2, 1, 1, 0});
	ip = frame_ipv6(&out, &(struct frame_ipv6){MN1, SERVER, IPPROTO_DSTOPTS, 63, 0, 7});
	frame_extension(&out, IPPROTO_NONE, (const uint8_t[]){4, 1, 3, 1, 1, 0});
	frame_close(&out, ip);
	close_outer(&out);
	bed_receive(bed, ACCESS, &in, 63);
	expect_frames(bed, CORE, &out, true, 63);
	bed_destroy(bed);
}

static void tunnelled_packet_behind_options_is_decapsulated(void **state)
{
	struct bed *bed = scenario_lma(1);
	struct frame in, out;

	frame_init(&in);
	frame_ethernet(&in, MAC(CORE), ROUTER, 0);
	frame_ipv6(&in, &(struct frame_ipv6){MAG, LMA, IPPROTO_DSTOPTS, 64, 0, 0});
	frame_extension(&in, IPPROTO_IPV6, (const uint8_t[]){4, 1, 4, 1, 1, 0});
	scenario_udp(&in, MN1, SERVER, 63, 0);
	close_outer(&in);
	frame_init(&out);
	frame_ethernet(&out, NEXT_HOP, MAC(OUTSIDE), 0);
	scenario_udp(&out, MN1, SERVER, 62, 0);
	bed_receive(bed, CORE, &in, 64);
	expect_frames(bed, OUTSIDE, &out, false, 64);
	bed_destroy(bed);
}

static void replace_flags(struct bed *bed, const char *prefix, uint8_t flags, uint16_t link, const uint8_t *mac)
{
	struct fwd_update update = {.op = FWD_OP_endpoint_remove};
	struct forward forward = {.action = FORWARD_LOCAL, .flags = flags, .link = link, .tunnel = 1, .node = 1};

	update.body.endpoint.id = UINT64_C(0x20010db800aa0000) | (uint64_t)(prefix[12] - '0');
	bed_apply(bed, &update);
	memcpy(forward.mac, mac, 6);
	bed_endpoint(bed, prefix, &forward);
}

/* Only if both have it: one direction by the LMA and the other not would be of no use. */
static void nodes_of_one_mag_talk_directly_if_both_may(void **state)
{
	struct bed *bed = scenario_mag(1);
	struct frame in, direct, tunnelled;

	frame_init(&in);
	frame_ethernet(&in, FIXED, MN1_MAC, 0);
	scenario_udp(&in, MN1, MN2, 64, 0);
	frame_init(&direct);
	frame_ethernet(&direct, MN2_MAC, FIXED, 200);
	scenario_udp(&direct, MN1, MN2, 63, 0);
	frame_init(&tunnelled);
	frame_ethernet(&tunnelled, ROUTER, MAC(CORE), 0);
	scenario_outer(&tunnelled, MAG, LMA, 0);
	scenario_udp(&tunnelled, MN1, MN2, 63, 0);
	close_outer(&tunnelled);
	bed_receive(bed, ACCESS, &in, 1);
	expect_frames(bed, CORE, &tunnelled, true, 1);
	replace_flags(bed, MN1, FORWARD_LOCAL_ROUTING, 0, MN1_MAC);
	bed_receive(bed, ACCESS, &in, 1);
	expect_frames(bed, CORE, &tunnelled, true, 1);
	replace_flags(bed, MN2, FORWARD_LOCAL_ROUTING, 2, MN2_MAC);
	bed_receive(bed, ACCESS, &in, 63);
	expect_frames(bed, TAGGED, &direct, false, 63);
	bed_destroy(bed);
}

/* Own packets are not forwarded ones: no hop is taken. */
static void injected_packets_keep_their_hop_limit(void **state)
{
	struct bed *bed = scenario_lma(1);
	struct frame in, out;

	frame_init(&in);
	scenario_udp(&in, LMA, MN1, 1, 0);
	frame_init(&out);
	frame_ethernet(&out, ROUTER, MAC(CORE), 0);
	scenario_outer(&out, LMA, MAG, 0);
	scenario_udp(&out, LMA, MN1, 1, 0);
	close_outer(&out);
	for (unsigned i = 0; i < RTE_DIM(bursts); i++) {
		bed_inject(
			bed, &in, &(struct packet_meta){.stage = STAGE_anchor_down, .tunnel = INDEX_NONE}, bursts[i]);
		expect_frames(bed, CORE, &out, true, bursts[i]);
		bed_inject(bed, &in, &(struct packet_meta){.stage = STAGE_encap, .tunnel = 1}, bursts[i]);
		expect_frames(bed, CORE, &out, true, bursts[i]);
	}
	frame_init(&in);
	scenario_udp(&in, LMA, SERVER, 1, 0);
	frame_init(&out);
	frame_ethernet(&out, NEXT_HOP, MAC(OUTSIDE), 0);
	scenario_udp(&out, LMA, SERVER, 1, 0);
	bed_inject(bed, &in, &(struct packet_meta){.stage = STAGE_anchor_down, .tunnel = INDEX_NONE}, 64);
	expect_frames(bed, OUTSIDE, &out, false, 64);
	bed_inject(bed, &in, &(struct packet_meta){.stage = STAGE_route, .tunnel = INDEX_NONE}, 64);
	expect_frames(bed, OUTSIDE, &out, false, 64);
	bed_inject(bed, &out, &(struct packet_meta){.stage = STAGE_tx, .port = OUTSIDE}, 64);
	expect_frames(bed, OUTSIDE, &out, false, 64);
	bed_destroy(bed);
}

static uint32_t label_between(
	struct bed *bed, const char *from, const char *to, uint16_t source_port, uint32_t flow_label)
{
	struct frame in, got;
	uint16_t ip;

	frame_init(&in);
	frame_ethernet(&in, MAC(OUTSIDE), NEXT_HOP, 0);
	ip = frame_ipv6(&in, &(struct frame_ipv6){from, to, IPPROTO_UDP, 64, 0, flow_label});
	frame_udp(&in, source_port, 53, 9);
	frame_close(&in, ip);
	bed_receive(bed, OUTSIDE, &in, 1);
	assert_true(bed_sent(bed, CORE, &got));
	bed_check_conservation(bed);
	return (uint32_t)(got.bytes[15] & 0xf) << 16 | (uint32_t)got.bytes[16] << 8 | got.bytes[17];
}

static int compare_labels(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* But for two: labels have 20 bits, and some may be equal by chance. */
static void expect_all_different(uint32_t *labels, unsigned n)
{
	unsigned different = 1;

	qsort(labels, n, sizeof(labels[0]), compare_labels);
	for (unsigned i = 1; i < n; i++)
		different += labels[i] != labels[i - 1];
	assert_true(different >= n - 2);
}

static uint32_t label_of(struct bed *bed, uint16_t source_port, uint32_t flow_label)
{
	return label_between(bed, SERVER, MN1, source_port, flow_label);
}

/* RFC 6438: the outer label tells flows apart for who spreads them, and stays the same for one. */
static void outer_flow_label_is_that_of_the_inner_flow(void **state)
{
	struct bed *bed = scenario_lma(1);
	unsigned different = 0;
	uint32_t first = label_of(bed, 1, 0);

	assert_int_equal(label_of(bed, 1, 0), first);
	for (uint16_t port = 2; port < 102; port++)
		different += label_of(bed, port, 0) != first;
	assert_true(different > 95);
	assert_int_not_equal(label_of(bed, 1, 1), first);
	bed_destroy(bed);
}

/* Interface identifiers given out by hand are small numbers, at both ends. */
static void outer_flow_label_tells_hosts_with_small_identifiers_apart(void **state)
{
	static const unsigned identifiers[] = {
		1, 2, 3, 4, 5, 6, 7, 8, 0x10, 0x20, 0x40, 0x80, 0x81, 0x82, 0x100, 0x8001};
	uint32_t labels[RTE_DIM(identifiers) * RTE_DIM(identifiers)];
	struct bed *bed = scenario_lma(1);
	unsigned n = 0;

	for (unsigned i = 0; i < RTE_DIM(labels); i++) {
		char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];

		snprintf(from, sizeof(from), "2001:db8:5::%x", identifiers[i / RTE_DIM(identifiers)]);
		snprintf(to, sizeof(to), "2001:db8:aa:1::%x", identifiers[i % RTE_DIM(identifiers)]);
		labels[n++] = label_between(bed, from, to, 1, 0);
	}
	expect_all_different(labels, n);
	bed_destroy(bed);
}

/* One host writes to many mobile nodes, many write to one; all have the same interface identifier. */
static void outer_flow_label_tells_networks_apart(void **state)
{
	const struct forward forward = {.action = FORWARD_TUNNEL, .link = LINK_NONE, .tunnel = 1, .node = 1};
	struct bed *bed = scenario_lma(1);
	uint32_t to[32], from[32];

	for (unsigned i = 0; i < RTE_DIM(to); i++) {
		char node[INET6_ADDRSTRLEN], host[INET6_ADDRSTRLEN];

		snprintf(node, sizeof(node), "2001:db8:aa:%x::1", 0x100 + i);
		snprintf(host, sizeof(host), "2001:db8:5:%x::1", 0x100 + i);
		bed_endpoint(bed, node, &forward);
		to[i] = label_between(bed, SERVER, node, 1, 0);
		from[i] = label_between(bed, host, "2001:db8:aa:100::1", 1, 0);
	}
	expect_all_different(to, RTE_DIM(to));
	expect_all_different(from, RTE_DIM(from));
	bed_destroy(bed);
}

static void nodes_and_tunnels_are_counted_once_each_way(void **state)
{
	struct bed *bed = scenario_lma(1);
	struct object_counter counter;
	struct frame in;

	frame_init(&in);
	frame_ethernet(&in, MAC(CORE), ROUTER, 0);
	scenario_outer(&in, MAG, LMA, 0);
	scenario_udp(&in, MN1, MN2, 63, 0);
	close_outer(&in);
	bed_receive(bed, CORE, &in, 63);
	bed_check_conservation(bed);
	door_node_counter(bed->door, 1, COUNTER_UP, &counter);
	assert_int_equal(counter.packets, 63);
	assert_int_equal(counter.bytes, 63 * 70);
	door_node_counter(bed->door, 2, COUNTER_DOWN, &counter);
	assert_int_equal(counter.packets, 63);
	door_node_counter(bed->door, 1, COUNTER_DOWN, &counter);
	assert_int_equal(counter.packets, 0);
	door_tunnel_counter(bed->door, 1, COUNTER_UP, &counter);
	assert_int_equal(counter.packets, 63);
	door_tunnel_counter(bed->door, 2, COUNTER_DOWN, &counter);
	assert_int_equal(counter.packets, 63);
	assert_int_equal(counter.bytes, 63 * 70);
	bed_destroy(bed);
}

/* The answer to a packet that does not fit goes back the way it came: the first tunnel, not the one it was to enter. */
static void packet_too_big_tells_the_way_back_and_the_mtu(void **state)
{
	struct bed *bed = scenario_lma(1);
	struct packet_meta meta;
	struct frame in, got;
	uint16_t ip;

	frame_init(&in);
	frame_ethernet(&in, MAC(CORE), ROUTER, 0);
	scenario_outer(&in, MAG, LMA, 0);
	ip = frame_ipv6(&in, &(struct frame_ipv6){MN1, MN2, IPPROTO_UDP, 63, 0, 0});
	frame_udp(&in, 1, 2, BED_TUNNEL_MTU + 1 - 48);
	frame_close(&in, ip);
	close_outer(&in);
	bed_receive(bed, CORE, &in, 1);
	assert_true(bed_punted(bed, &got, &meta));
	assert_int_equal(meta.reason, PUNT_packet_too_big_error);
	assert_int_equal(meta.mtu_bytes, BED_TUNNEL_MTU);
	assert_int_equal(meta.tunnel, 1);
	assert_int_equal(meta.link, LINK_NONE);
	assert_int_equal(got.length, BED_TUNNEL_MTU + 1);
	assert_memory_equal(got.bytes, in.bytes + ip, got.length);
	bed_check_conservation(bed);
	bed_destroy(bed);
}

static void expect_punt(struct bed *bed, enum punt_reason reason, uint16_t mtu_bytes)
{
	struct packet_meta meta;
	struct frame got;

	assert_true(bed_punted(bed, &got, &meta));
	assert_int_equal(meta.reason, reason);
	assert_int_equal(meta.mtu_bytes, mtu_bytes);
	bed_check_conservation(bed);
}

static void downlink_frame(struct frame *frame, const char *to, uint8_t hop_limit, uint16_t length)
{
	uint16_t ip;

	frame_init(frame);
	frame_ethernet(frame, MAC(CORE), ROUTER, 0);
	scenario_outer(frame, LMA, MAG, 0);
	ip = frame_ipv6(frame, &(struct frame_ipv6){SERVER, to, IPPROTO_UDP, hop_limit, 0, 0});
	frame_udp(frame, 1, 2, length - 48);
	frame_close(frame, ip);
	close_outer(frame);
}

static void expect_counted(const struct object_counter *counter, uint64_t packets, uint64_t bytes)
{
	assert_int_equal(counter->packets, packets);
	assert_int_equal(counter->bytes, bytes);
}

/* On a link without a tag and on one with. */
static void mag_counts_nodes_and_tunnels_once_each_way(void **state)
{
	struct bed *bed = scenario_mag(1);
	struct object_counter counter;
	struct frame in;

	downlink_frame(&in, MN1, 64, 100);
	bed_receive(bed, CORE, &in, 63);
	downlink_frame(&in, MN2, 64, 200);
	bed_receive(bed, CORE, &in, 2);
	frame_init(&in);
	frame_ethernet(&in, FIXED, MN1_MAC, 0);
	scenario_udp(&in, MN1, SERVER, 64, 0);
	bed_receive(bed, ACCESS, &in, 5);
	bed_check_conservation(bed);
	door_node_counter(bed->door, 1, COUNTER_DOWN, &counter);
	expect_counted(&counter, 63, 63 * 100);
	door_node_counter(bed->door, 2, COUNTER_DOWN, &counter);
	expect_counted(&counter, 2, 2 * 200);
	door_tunnel_counter(bed->door, 1, COUNTER_UP, &counter);
	expect_counted(&counter, 65, 63 * 100 + 2 * 200);
	door_node_counter(bed->door, 1, COUNTER_UP, &counter);
	expect_counted(&counter, 5, 5 * 70);
	door_tunnel_counter(bed->door, 1, COUNTER_DOWN, &counter);
	expect_counted(&counter, 5, 5 * 70);
	bed_destroy(bed);
}

/* The access link has the MTU of its port, and a packet with two faults is answered for its hop limit. */
static void downlink_fits_the_link_or_is_answered(void **state)
{
	struct bed *bed = scenario_mag(1);
	struct frame in, got;

	downlink_frame(&in, MN1, 2, BED_MTU);
	bed_receive(bed, CORE, &in, 1);
	assert_true(bed_sent(bed, ACCESS, &got));
	assert_int_equal(got.length, 14 + BED_MTU);
	bed_check_conservation(bed);
	downlink_frame(&in, MN1, 2, BED_MTU + 1);
	bed_receive(bed, CORE, &in, 1);
	expect_punt(bed, PUNT_packet_too_big_error, BED_MTU);
	downlink_frame(&in, MN1, 1, BED_MTU + 1);
	bed_receive(bed, CORE, &in, 1);
	expect_punt(bed, PUNT_hop_limit_error, 0);
	bed_destroy(bed);
}

/* What lies in front of the inner packet is the outer header, and no host's MAC. */
static void packet_out_of_a_tunnel_is_punted_without_a_mac(void **state)
{
	static const char own[] = "2001:db8:1:0:102:304:506:7";
	const struct forward node = {.action = FORWARD_LOCAL, .link = 0, .tunnel = 9, .node = 8, .mac = {2}};
	struct bed_options options = bed_usual(1);
	struct packet_meta meta;
	struct frame in, got;
	struct bed *bed;

	options.second_address = own;
	bed = scenario_mag_with(&options);
	bed_tunnel(bed, 9, own, LMA, true, -1);
	bed_endpoint(bed, NOBODY, &node);
	frame_init(&in);
	frame_ethernet(&in, MAC(CORE), ROUTER, 0);
	scenario_outer(&in, LMA, own, 0);
	scenario_udp(&in, SERVER, NOBODY, 1, 0);
	close_outer(&in);
	bed_receive(bed, CORE, &in, 1);
	assert_true(bed_punted(bed, &got, &meta));
	assert_int_equal(meta.reason, PUNT_hop_limit_error);
	assert_int_equal(meta.tunnel, 9);
	assert_int_equal(meta.vlan, VLAN_NONE);
	assert_memory_equal(meta.source_mac, (const uint8_t[6]){0}, 6);
	bed_destroy(bed);
}

static void node_on_a_link_that_is_not_there_gets_nothing(void **state)
{
	const struct forward nowhere = {.action = FORWARD_LOCAL, .link = 7, .tunnel = 1, .node = 8, .mac = {2}};
	struct bed *bed = scenario_mag(1);
	struct frame in;

	bed_endpoint(bed, NOBODY, &nowhere);
	for (uint8_t hop_limit = 1; hop_limit <= 2; hop_limit++) {
		downlink_frame(&in, NOBODY, hop_limit, 100);
		bed_receive(bed, CORE, &in, 64);
		assert_int_equal(bed_drops(bed, DROP_port_down), 64);
		bed_check_conservation(bed);
	}
	bed_destroy(bed);
}

/* From node to node on a MAG nothing is taken off but Ethernet: a tag may need more room than there was. */
static void tag_without_headroom_is_dropped(void **state)
{
	struct bed *bed = scenario_mag(1);
	struct frame in, got;

	replace_flags(bed, MN1, FORWARD_LOCAL_ROUTING, 0, MN1_MAC);
	replace_flags(bed, MN2, FORWARD_LOCAL_ROUTING, 2, MN2_MAC);
	frame_init(&in);
	frame_ethernet(&in, FIXED, MN1_MAC, 0);
	scenario_udp(&in, MN1, MN2, 64, 0);
	for (uint16_t room = 0; room <= 4; room += 2) {
		assert_int_equal(rte_ring_enqueue(bed->receive[ACCESS], bed_mbuf_room(&in, room)), 0);
		bed->put = 1;
		bed_turn(bed);
		assert_int_equal(bed_drops(bed, DROP_no_headroom), room < 4);
		assert_int_equal(bed_sent(bed, TAGGED, &got), room == 4);
		bed_check_conservation(bed);
	}
	bed_destroy(bed);
}

/* Packets of one burst that go different ways do not disturb each other. */
static void mixed_burst_is_taken_apart(void **state)
{
	struct bed *bed = scenario_lma(1);
	struct frame up, hairpin, strange, got;

	frame_init(&up);
	frame_ethernet(&up, MAC(CORE), ROUTER, 0);
	scenario_outer(&up, MAG, LMA, 0);
	scenario_udp(&up, MN1, SERVER, 63, 0);
	close_outer(&up);
	frame_init(&hairpin);
	frame_ethernet(&hairpin, MAC(CORE), ROUTER, 0);
	scenario_outer(&hairpin, MAG2, LMA, 0);
	scenario_udp(&hairpin, MN2, MN1, 63, 0);
	close_outer(&hairpin);
	frame_init(&strange);
	frame_ethernet(&strange, MAC(CORE), ROUTER, 0);
	scenario_outer(&strange, STRANGER, LMA, 0);
	scenario_udp(&strange, MN2, MN1, 63, 0);
	close_outer(&strange);
	for (unsigned i = 0; i < 64; i++) {
		const struct frame *frame = i % 3 == 0 ? &up : i % 3 == 1 ? &hairpin : &strange;

		assert_int_equal(rte_ring_enqueue(bed->receive[CORE], bed_mbuf(frame)), 0);
	}
	bed->put = 64;
	bed_turn(bed);
	for (unsigned i = 0; i < 22; i++)
		assert_true(bed_sent(bed, OUTSIDE, &got));
	assert_false(bed_sent(bed, OUTSIDE, &got));
	for (unsigned i = 0; i < 21; i++)
		assert_true(bed_sent(bed, CORE, &got));
	assert_false(bed_sent(bed, CORE, &got));
	assert_int_equal(bed_drops(bed, DROP_tunnel_unknown), 21);
	bed_check_conservation(bed);
	bed_destroy(bed);
}

/* Peers of a burst that are looked up once are the same at both ends of the tunnel. */
static void packets_to_another_own_address_are_of_another_tunnel(void **state)
{
	struct bed_options options = bed_usual(1);
	struct frame frames[2], got;
	struct bed *bed;

	options.second_address = "2001:db8:1::9";
	bed = scenario_lma_with(&options);
	for (unsigned i = 0; i < 2; i++) {
		frame_init(&frames[i]);
		frame_ethernet(&frames[i], MAC(CORE), ROUTER, 0);
		scenario_outer(&frames[i], MAG, i == 0 ? LMA : options.second_address, 0);
		scenario_udp(&frames[i], MN1, SERVER, 63, 0);
		close_outer(&frames[i]);
	}
	for (unsigned i = 0; i < 64; i++)
		assert_int_equal(rte_ring_enqueue(bed->receive[CORE], bed_mbuf(&frames[i % 4 == 3])), 0);
	bed->put = 64;
	bed_turn(bed);
	for (unsigned i = 0; i < 48; i++)
		assert_true(bed_sent(bed, OUTSIDE, &got));
	assert_false(bed_sent(bed, OUTSIDE, &got));
	assert_int_equal(bed_drops(bed, DROP_tunnel_unknown), 16);
	bed_check_conservation(bed);
	bed_destroy(bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mag_uplink_goes_into_the_tunnel),
		cmocka_unit_test(mag_uplink_takes_the_tag_of_its_link_off),
		cmocka_unit_test(mag_downlink_leaves_by_the_link_of_the_node),
		cmocka_unit_test(mag_downlink_puts_the_tag_of_the_link_on),
		cmocka_unit_test(lma_uplink_is_routed_outside),
		cmocka_unit_test(lma_downlink_goes_to_the_mag_of_the_binding),
		cmocka_unit_test(lma_hairpin_goes_to_the_other_mag_with_a_fixed_dscp),
		cmocka_unit_test(padding_is_cut_off),
		cmocka_unit_test(decapsulation_merges_ecn),
		cmocka_unit_test(tunnel_encapsulation_limit_goes_on_lower_by_one),
		cmocka_unit_test(tunnelled_packet_behind_options_is_decapsulated),
		cmocka_unit_test(nodes_of_one_mag_talk_directly_if_both_may),
		cmocka_unit_test(injected_packets_keep_their_hop_limit),
		cmocka_unit_test(outer_flow_label_is_that_of_the_inner_flow),
		cmocka_unit_test(outer_flow_label_tells_hosts_with_small_identifiers_apart),
		cmocka_unit_test(outer_flow_label_tells_networks_apart),
		cmocka_unit_test(nodes_and_tunnels_are_counted_once_each_way),
		cmocka_unit_test(packet_too_big_tells_the_way_back_and_the_mtu),
		cmocka_unit_test(mag_counts_nodes_and_tunnels_once_each_way),
		cmocka_unit_test(downlink_fits_the_link_or_is_answered),
		cmocka_unit_test(packet_out_of_a_tunnel_is_punted_without_a_mac),
		cmocka_unit_test(node_on_a_link_that_is_not_there_gets_nothing),
		cmocka_unit_test(tag_without_headroom_is_dropped),
		cmocka_unit_test(mixed_burst_is_taken_apart),
		cmocka_unit_test(packets_to_another_own_address_are_of_another_tunnel),
	};
	int failed;

	bed_eal_start();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	bed_eal_stop();
	return failed;
}
