/* SPDX-License-Identifier: BSD-3-Clause */
/* Every way a packet can take through the stages: one in, the exact octets out, in bursts of 1, 63 and 64. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "bed.h"

#define MN1_MAC  ((const uint8_t[]){2, 0, 0, 0, 1, 1})
#define MN2_MAC  ((const uint8_t[]){2, 0, 0, 0, 1, 2})
#define FIXED    ((const uint8_t[]){0, 0, 0x5e, 0, 0x52, 0x13})
#define ROUTER   ((const uint8_t[]){2, 0, 0, 0, 0, 1})
#define NEXT_HOP ((const uint8_t[]){2, 0, 0, 0, 0, 2})
#define MAC(n)   ((const uint8_t[]){2, 0, 0, 0, 0, 0x10 + (n)})

#define MN1    "2001:db8:aa:1::10"
#define MN2    "2001:db8:aa:2::20"
#define MN3    "2001:db8:aa:3::30"
#define SERVER "2001:db8:5::5"
#define LMA    "2001:db8:1::1"
#define MAG    "2001:db8:1::2"
#define MAG2   "2001:db8:1::3"

static const unsigned bursts[] = {1, 63, 64};

static struct bed *mag_bed(void)
{
	struct bed *bed = bed_create(DATAPLANE_MAG, 1);
	struct forward mn1 = {.action = FORWARD_LOCAL, .link = 0, .tunnel = 1, .node = 1, .mac = {2, 0, 0, 0, 1, 1}};
	struct forward mn2 = {.action = FORWARD_LOCAL, .link = 2, .tunnel = 1, .node = 2, .mac = {2, 0, 0, 0, 1, 2}};

	bed_tunnel(bed, 1, MAG, LMA, true, -1);
	bed_endpoint(bed, "2001:db8:aa:1::", &mn1);
	bed_endpoint(bed, "2001:db8:aa:2::", &mn2);
	bed_link(bed, 0, MN1_MAC, LINK_KNOWN);
	bed_link(bed, 2, MN2_MAC, LINK_KNOWN);
	return bed;
}

static struct bed *lma_bed(void)
{
	struct bed *bed = bed_create(DATAPLANE_LMA, 1);
	struct forward mn1 = {.action = FORWARD_TUNNEL, .link = LINK_NONE, .tunnel = 1, .node = 1};
	struct forward mn2 = {.action = FORWARD_TUNNEL, .link = LINK_NONE, .tunnel = 2, .node = 2};

	bed_tunnel(bed, 1, LMA, MAG, true, -1);
	bed_tunnel(bed, 2, LMA, MAG2, true, 10);
	bed_endpoint(bed, "2001:db8:aa:1::", &mn1);
	bed_endpoint(bed, "2001:db8:aa:2::", &mn2);
	bed_neighbour(bed, 1, OUTSIDE, true);
	bed_route(bed, "2001:db8:5::", 48, 1);
	return bed;
}

/* The inner packet: 70 octets of UDP in IPv6 from the L3 header on. */
static void put_inner(struct frame *frame, const char *from, const char *to, uint8_t hop_limit, uint8_t class)
{
	uint16_t ip = frame_ipv6(frame, &(struct frame_ipv6){from, to, IPPROTO_UDP, hop_limit, class, 0x12345});

	frame_udp(frame, 1000, 2000, 22);
	frame_close(frame, ip);
}

static void put_outer(struct frame *frame, const char *from, const char *to, uint8_t class)
{
	frame_ipv6(frame, &(struct frame_ipv6){from, to, IPPROTO_IPV6, 64, class, 0});
}

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
	struct bed *bed = mag_bed();
	struct frame in, out;

	frame_init(&in);
	frame_ethernet(&in, FIXED, MN1_MAC, 0);
	put_inner(&in, MN1, SERVER, 64, 0xb9);
	frame_init(&out);
	frame_ethernet(&out, ROUTER, MAC(CORE), 0);
	put_outer(&out, MAG, LMA, 0xb9);
	put_inner(&out, MN1, SERVER, 63, 0xb9);
	close_outer(&out);
	for (unsigned i = 0; i < RTE_DIM(bursts); i++) {
		bed_receive(bed, ACCESS, &in, bursts[i]);
		expect_frames(bed, CORE, &out, true, bursts[i]);
	}
	bed_destroy(bed);
}

static void mag_uplink_takes_the_tag_of_its_link_off(void **state)
{
	struct bed *bed = mag_bed();
	struct frame in, out;

	frame_init(&in);
	frame_ethernet(&in, MAC(TAGGED), MN2_MAC, 200);
	put_inner(&in, MN2, SERVER, 2, 0);
	frame_init(&out);
	frame_ethernet(&out, ROUTER, MAC(CORE), 0);
	put_outer(&out, MAG, LMA, 0);
	put_inner(&out, MN2, SERVER, 1, 0);
	close_outer(&out);
	for (unsigned i = 0; i < RTE_DIM(bursts); i++) {
		bed_receive(bed, TAGGED, &in, bursts[i]);
		expect_frames(bed, CORE, &out, true, bursts[i]);
	}
	bed_destroy(bed);
}

static void mag_downlink_leaves_by_the_link_of_the_node(void **state)
{
	struct bed *bed = mag_bed();
	struct frame in, out;

	frame_init(&in);
	frame_ethernet(&in, MAC(CORE), ROUTER, 0);
	put_outer(&in, LMA, MAG, 0);
	put_inner(&in, SERVER, MN1, 64, 0);
	close_outer(&in);
	frame_init(&out);
	frame_ethernet(&out, MN1_MAC, FIXED, 0);
	put_inner(&out, SERVER, MN1, 63, 0);
	for (unsigned i = 0; i < RTE_DIM(bursts); i++) {
		bed_receive(bed, CORE, &in, bursts[i]);
		expect_frames(bed, ACCESS, &out, false, bursts[i]);
	}
	bed_destroy(bed);
}

static void mag_downlink_puts_the_tag_of_the_link_on(void **state)
{
	struct bed *bed = mag_bed();
	struct frame in, out;

	frame_init(&in);
	frame_ethernet(&in, MAC(CORE), ROUTER, 0);
	put_outer(&in, LMA, MAG, 0);
	put_inner(&in, SERVER, MN2, 64, 0);
	close_outer(&in);
	frame_init(&out);
	frame_ethernet(&out, MN2_MAC, FIXED, 200);
	put_inner(&out, SERVER, MN2, 63, 0);
	bed_receive(bed, CORE, &in, 64);
	expect_frames(bed, TAGGED, &out, false, 64);
	bed_destroy(bed);
}

static void lma_uplink_is_routed_outside(void **state)
{
	struct bed *bed = lma_bed();
	struct frame in, out;

	frame_init(&in);
	frame_ethernet(&in, MAC(CORE), ROUTER, 0);
	put_outer(&in, MAG, LMA, 0);
	put_inner(&in, MN1, SERVER, 63, 0);
	close_outer(&in);
	frame_init(&out);
	frame_ethernet(&out, NEXT_HOP, MAC(OUTSIDE), 0);
	put_inner(&out, MN1, SERVER, 62, 0);
	for (unsigned i = 0; i < RTE_DIM(bursts); i++) {
		bed_receive(bed, CORE, &in, bursts[i]);
		expect_frames(bed, OUTSIDE, &out, false, bursts[i]);
	}
	bed_destroy(bed);
}

static void lma_downlink_goes_to_the_mag_of_the_binding(void **state)
{
	struct bed *bed = lma_bed();
	struct frame in, out;

	frame_init(&in);
	frame_ethernet(&in, MAC(OUTSIDE), NEXT_HOP, 0);
	put_inner(&in, SERVER, MN1, 60, 2);
	frame_init(&out);
	frame_ethernet(&out, ROUTER, MAC(CORE), 0);
	put_outer(&out, LMA, MAG, 2);
	put_inner(&out, SERVER, MN1, 59, 2);
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
	struct bed *bed = lma_bed();
	struct frame in, out;

	frame_init(&in);
	frame_ethernet(&in, MAC(CORE), ROUTER, 0);
	put_outer(&in, MAG, LMA, 0xb9);
	put_inner(&in, MN1, MN2, 63, 0xb9);
	close_outer(&in);
	frame_init(&out);
	frame_ethernet(&out, ROUTER, MAC(CORE), 0);
	put_outer(&out, LMA, MAG2, 10 << 2 | 1);
	put_inner(&out, MN1, MN2, 62, 0xb9);
	close_outer(&out);
	for (unsigned i = 0; i < RTE_DIM(bursts); i++) {
		bed_receive(bed, CORE, &in, bursts[i]);
		expect_frames(bed, CORE, &out, true, bursts[i]);
	}
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
	};

	bed_eal_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
