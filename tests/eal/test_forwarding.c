/* SPDX-License-Identifier: BSD-3-Clause */
/* Every way a packet can take through the stages: one in, the exact octets out, in bursts of 1, 63 and 64. */
#include <setjmp.h>
#include <stdarg.h>
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
	int failed;

	bed_eal_start();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	bed_eal_stop();
	return failed;
}
