/* SPDX-License-Identifier: BSD-3-Clause */
/* Flows of one queue shared out among workers: who gets what, and in which order it leaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <arpa/inet.h>
#include <cmocka.h>

#include "scenario.h"

#define FLOWS    64
#define MN1_END  "2001:db8:aa:1:200:5eff:fe00:5213"
#define FAR      ":5"
#define FAR_END  "200:5eff:fe00:5213"
#define FAR_HOST "1:2:3:4"

static const uint8_t limit_option[] = {4, 1, 4, 1, 1, 0};

static struct bed *spread_bed(enum dataplane_role role, bool shared_out)
{
	struct bed_options options = bed_usual(2);

	options.spread = true;
	options.shared_out = shared_out;
	return role == DATAPLANE_LMA ? scenario_lma_with(&options) : scenario_mag_with(&options);
}

static void turns(struct bed *bed)
{
	for (unsigned i = 0; i < 4; i++)
		bed_turn(bed);
}

/* The worker that runs a packet out of this receive ring. */
static unsigned worker_of(struct bed *bed, struct rte_ring *receive, const struct frame *frame)
{
	uint64_t before[BED_WORKERS];
	unsigned worker = BED_WORKERS;

	for (unsigned w = 0; w < BED_WORKERS; w++)
		before[w] = bed->workers[w]->stats->stages[STAGE_classify].packets;
	assert_int_equal(rte_ring_enqueue(receive, bed_mbuf(frame)), 0);
	bed->put++;
	turns(bed);
	for (unsigned w = 0; w < BED_WORKERS; w++) {
		uint64_t packets = bed->workers[w]->stats->stages[STAGE_classify].packets - before[w];

		assert_true(packets <= 1);
		if (packets == 1) {
			assert_int_equal(worker, BED_WORKERS);
			worker = w;
		}
	}
	assert_true(worker < BED_WORKERS);
	return worker;
}

/* In the network of a flow. */
static const char *address(char *text, const char *host, unsigned flow)
{
	snprintf(text, INET6_ADDRSTRLEN, "2001:db8:5:%x:%s", flow, host);
	return text;
}

/* What is to be inside of the tunnel from @outer to @inner follows, and tunnelled_end(). */
static void tunnelled(struct frame *frame, const char *outer, const char *inner)
{
	frame_init(frame);
	frame_ethernet(frame, MAC(CORE), ROUTER, 0);
	scenario_outer(frame, outer, inner, 0);
}

static void tunnelled_end(struct frame *frame, uint16_t inside)
{
	if (inside != 0)
		frame_close(frame, inside);
	frame_close(frame, frame->l3);
}

/* From 2001:db8:5:@flow::5 to MN1, in the tunnel from @outer to @inner, if any. */
static struct frame packet(const uint8_t *mac, const char *outer, const char *inner, unsigned flow)
{
	char from[INET6_ADDRSTRLEN];
	struct frame frame;

	frame_init(&frame);
	frame_ethernet(&frame, mac, NEXT_HOP, 0);
	if (outer != NULL)
		scenario_outer(&frame, outer, inner, 0);
	scenario_udp(&frame, address(from, FAR, flow), MN1, 64, 0);
	frame_close(&frame, frame.l3);
	return frame;
}

static void both_have_flows(const unsigned *workers)
{
	unsigned second = 0;

	for (unsigned flow = 0; flow < FLOWS; flow++)
		second += workers[flow];
	assert_in_range(second, FLOWS / 4, 3 * FLOWS / 4);
}

static void flow_has_one_worker_whoever_receives_it(void **state)
{
	struct bed *bed = spread_bed(DATAPLANE_LMA, true);
	unsigned workers[FLOWS];

	for (unsigned flow = 0; flow < FLOWS; flow++) {
		struct frame outside = packet(MAC(OUTSIDE), NULL, NULL, flow), core = packet(MAC(CORE), MAG, LMA, flow);
		struct frame tagged = packet(MAC(TAGGED), NULL, NULL, flow);

		workers[flow] = worker_of(bed, bed->receive[OUTSIDE], &outside);
		for (unsigned again = 0; again < 3; again++)
			assert_int_equal(worker_of(bed, bed->receive[OUTSIDE], &outside), workers[flow]);
		assert_int_equal(worker_of(bed, bed->receive[TAGGED], &tagged), workers[flow]);
		assert_int_equal(worker_of(bed, bed->receive[CORE], &core), workers[flow]);
		assert_int_equal(worker_of(bed, bed->second_receive, &core), workers[flow]);
	}
	both_have_flows(workers);
	bed_check_conservation(bed);
	bed_destroy(bed);
}

/* Out of whichever tunnel to us, with or without destination options outside. */
static void tunnelled_packets_are_spread_by_what_is_inside(void **state)
{
	struct bed *bed = spread_bed(DATAPLANE_LMA, false);
	unsigned workers[FLOWS];

	for (unsigned flow = 0; flow < FLOWS; flow++) {
		struct frame first = packet(MAC(CORE), MAG, LMA, flow), second = packet(MAC(CORE), MAG2, LMA, flow);
		struct frame third, plain = packet(MAC(OUTSIDE), NULL, NULL, flow);
		char from[INET6_ADDRSTRLEN];

		frame_init(&third);
		frame_ethernet(&third, MAC(CORE), ROUTER, 0);
		frame_ipv6(&third, &(struct frame_ipv6){MAG, LMA, IPPROTO_DSTOPTS, 64, 0, 0});
		frame_extension(&third, IPPROTO_IPV6, limit_option);
		scenario_udp(&third, address(from, FAR, flow), MN1, 64, 0);
		frame_close(&third, third.l3);
		workers[flow] = worker_of(bed, bed->receive[CORE], &first);
		assert_int_equal(worker_of(bed, bed->receive[CORE], &second), workers[flow]);
		assert_int_equal(worker_of(bed, bed->receive[CORE], &third), workers[flow]);
		assert_int_equal(worker_of(bed, bed->receive[OUTSIDE], &plain), workers[flow]);
	}
	both_have_flows(workers);
	bed_check_conservation(bed);
	bed_destroy(bed);
}

/* Other people's tunnels through us are one flow: their pair of nodes may have to keep its order. */
static void tunnel_to_somebody_else_is_one_flow(void **state)
{
	struct bed *bed = spread_bed(DATAPLANE_LMA, false);
	struct frame frame = packet(MAC(OUTSIDE), SERVER, MN1, 0);
	unsigned worker = worker_of(bed, bed->receive[OUTSIDE], &frame);

	for (unsigned flow = 1; flow < FLOWS; flow++) {
		frame = packet(MAC(OUTSIDE), SERVER, MN1, flow);
		assert_int_equal(worker_of(bed, bed->receive[OUTSIDE], &frame), worker);
	}
	bed_check_conservation(bed);
	bed_destroy(bed);
}

/* RO-077: the marker has to find the packets before it on its way. */
static void packets_fragments_and_marker_of_a_pair_have_one_worker(void **state)
{
	struct bed *bed = spread_bed(DATAPLANE_MAG, false);
	unsigned workers[FLOWS];

	for (unsigned flow = 0; flow < FLOWS; flow++) {
		struct frame data = packet(MAC(CORE), LMA, MAG, flow), host, fragment, marker;
		char from[INET6_ADDRSTRLEN];
		uint16_t ip;

		tunnelled(&host, LMA, MAG);
		scenario_udp(&host, address(from, FAR_HOST, flow), MN1, 64, 0);
		tunnelled_end(&host, 0);
		tunnelled(&fragment, LMA, MAG);
		ip = frame_ipv6(
			&fragment, &(struct frame_ipv6){address(from, FAR, flow), MN1, IPPROTO_FRAGMENT, 64, 0, 0});
		frame_extension(&fragment, IPPROTO_UDP, (const uint8_t[]){1, 0, 0, 0, 0, 9});
		tunnelled_end(&fragment, ip);
		tunnelled(&marker, LMA, MAG);
		ip = frame_ipv6(
			&marker, &(struct frame_ipv6){address(from, FAR_END, flow), MN1_END, IPPROTO_MH, 64, 0, 0});
		frame_bytes(&marker, (const uint8_t[]){59, 0, 0, 0, 0, 0, 0, 0}, 8);
		tunnelled_end(&marker, ip);
		workers[flow] = worker_of(bed, bed->receive[CORE], &data);
		assert_int_equal(worker_of(bed, bed->receive[CORE], &host), workers[flow]);
		assert_int_equal(worker_of(bed, bed->receive[CORE], &fragment), workers[flow]);
		assert_int_equal(worker_of(bed, bed->receive[CORE], &marker), workers[flow]);
	}
	both_have_flows(workers);
	bed_check_conservation(bed);
	bed_destroy(bed);
}

static void tag_does_not_matter(void **state)
{
	struct bed *bed = spread_bed(DATAPLANE_MAG, false);
	unsigned workers[FLOWS];

	for (unsigned flow = 0; flow < FLOWS; flow++) {
		struct frame plain, tagged;
		char to[INET6_ADDRSTRLEN];

		frame_init(&plain);
		frame_ethernet(&plain, FIXED, MN1_MAC, 0);
		scenario_udp(&plain, MN1, address(to, FAR, flow), 64, 0);
		frame_init(&tagged);
		frame_ethernet(&tagged, FIXED, MN2_MAC, 200);
		scenario_udp(&tagged, MN1, address(to, FAR, flow), 64, 0);
		workers[flow] = worker_of(bed, bed->receive[ACCESS], &plain);
		assert_int_equal(worker_of(bed, bed->receive[TAGGED], &tagged), workers[flow]);
	}
	both_have_flows(workers);
	bed_check_conservation(bed);
	bed_destroy(bed);
}

static void what_has_no_flow_stays_where_it_is_received(void **state)
{
	struct bed *bed = spread_bed(DATAPLANE_MAG, true);
	struct frame frame, whole = packet(FIXED, NULL, NULL, 1);

	frame_init(&frame); /* not IPv6 */
	frame_ethernet(&frame, FIXED, MN1_MAC, 0);
	frame_set16(&frame, 12, 0x0806);
	frame_bytes(&frame, whole.bytes, 46);
	assert_int_equal(worker_of(bed, bed->receive[ACCESS], &frame), 0);
	assert_int_equal(worker_of(bed, bed->receive[TAGGED], &frame), 1);
	for (unsigned n = 0; n < 16; n++) { /* of the link */
		char from[INET6_ADDRSTRLEN];

		snprintf(from, sizeof(from), "fe80::%x", n);
		frame_init(&frame);
		frame_ethernet(&frame, MULTICAST, MN1_MAC, 0);
		scenario_udp(&frame, from, "ff02::1", 255, 0);
		assert_int_equal(worker_of(bed, bed->receive[ACCESS], &frame), 0);
		assert_int_equal(worker_of(bed, bed->receive[TAGGED], &frame), 1);
	}
	for (uint16_t length = 14; length < 54; length++) { /* cut off */
		frame = whole;
		frame.length = length;
		assert_int_equal(worker_of(bed, bed->receive[ACCESS], &frame), 0);
		assert_int_equal(worker_of(bed, bed->receive[TAGGED], &frame), 1);
	}
	bed_check_conservation(bed);
	bed_destroy(bed);
}

/* At any octet; AddressSanitizer sees who reads on. */
static void packets_cut_off_anywhere_are_taken(void **state)
{
	struct bed *bed = spread_bed(DATAPLANE_LMA, false);
	struct frame whole, frame;

	frame_init(&whole);
	frame_ethernet(&whole, MAC(CORE), ROUTER, 100);
	frame_ipv6(&whole, &(struct frame_ipv6){MAG, LMA, IPPROTO_DSTOPTS, 64, 0, 0});
	frame_extension(&whole, IPPROTO_IPV6, limit_option);
	scenario_udp(&whole, MN1, SERVER, 64, 0);
	frame_close(&whole, whole.l3);
	for (unsigned kind = 0; kind < 2; kind++) {
		frame = kind == 0 ? whole : packet(MAC(CORE), MAG, LMA, 1);
		for (; frame.length > 0; frame.length--) {
			assert_int_equal(rte_ring_enqueue(bed->receive[CORE], bed_mbuf_exact(&frame)), 0);
			bed->put++;
			turns(bed);
		}
	}
	bed_check_conservation(bed);
	bed_destroy(bed);
}

/* @n packets of 16 flows in one burst, numbered; returns how many worker 1 got. */
static uint64_t burst(struct bed *bed, unsigned n, uint16_t *numbers)
{
	uint64_t before = bed->workers[1]->stats->stages[STAGE_classify].packets;

	for (unsigned i = 0; i < n; i++) {
		unsigned flow = i * 7 % 16;
		struct frame frame = packet(MAC(OUTSIDE), NULL, NULL, flow);

		frame_set16(&frame, (uint16_t)(frame.length - 4), (uint16_t)flow);
		frame_set16(&frame, (uint16_t)(frame.length - 2), ++numbers[flow]);
		assert_int_equal(rte_ring_enqueue(bed->receive[OUTSIDE], bed_mbuf(&frame)), 0);
	}
	bed->put += n;
	bed_turn(bed);
	return bed->workers[1]->stats->stages[STAGE_classify].packets - before;
}

static void flows_keep_their_order_in_bursts_of_any_size(void **state)
{
	static const unsigned sizes[] = {1, 63, 64, 1, 64, 64, 63, 200};
	struct bed *bed = spread_bed(DATAPLANE_LMA, false);
	uint16_t numbers[16] = {0}, last[16] = {0};
	const struct worker_stats *first = bed->workers[0]->stats, *second = bed->workers[1]->stats;
	struct frame frame;
	uint64_t given = 0;
	unsigned came = 0;

	for (unsigned i = 0; i < RTE_DIM(sizes); i++)
		given += burst(bed, sizes[i], numbers);
	turns(bed);
	while (bed_sent(bed, CORE, &frame)) {
		unsigned flow = frame.bytes[frame.length - 3];
		uint16_t number = (uint16_t)(frame.bytes[frame.length - 2] << 8 | frame.bytes[frame.length - 1]);

		assert_true(flow < 16);
		assert_int_equal(number, last[flow] + 1);
		last[flow] = number;
		came++;
	}
	assert_int_equal(came, bed->put);
	assert_memory_equal(last, numbers, sizeof(last));
	assert_true(given > 0 && given < bed->put);
	assert_int_equal(first->spread_out, second->stages[STAGE_classify].packets);
	assert_int_equal(second->spread_in, first->spread_out);
	assert_int_equal(first->stages[STAGE_spread].packets, bed->put);
	assert_int_equal(first->ports[OUTSIDE].rx_packets, bed->put);
	assert_int_equal(second->ports[OUTSIDE].rx_packets, 0);
	assert_int_equal(first->stages[STAGE_classify].packets, bed->put - first->spread_out);
	bed_check_conservation(bed);
	bed_destroy(bed);
}

static void nothing_is_spread_unless_told(void **state)
{
	struct bed *bed = scenario_lma(2);
	uint16_t numbers[16] = {0};

	assert_int_equal(burst(bed, 64, numbers), 0);
	assert_int_equal(bed->workers[0]->stats->stages[STAGE_spread].calls, 0);
	bed_check_conservation(bed);
	bed_destroy(bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flow_has_one_worker_whoever_receives_it),
		cmocka_unit_test(tunnelled_packets_are_spread_by_what_is_inside),
		cmocka_unit_test(tunnel_to_somebody_else_is_one_flow),
		cmocka_unit_test(packets_fragments_and_marker_of_a_pair_have_one_worker),
		cmocka_unit_test(tag_does_not_matter),
		cmocka_unit_test(what_has_no_flow_stays_where_it_is_received),
		cmocka_unit_test(packets_cut_off_anywhere_are_taken),
		cmocka_unit_test(flows_keep_their_order_in_bursts_of_any_size),
		cmocka_unit_test(nothing_is_spread_unless_told),
	};
	int failed;

	bed_eal_start();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	bed_eal_stop();
	return failed;
}
