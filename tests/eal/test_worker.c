/* SPDX-License-Identifier: BSD-3-Clause */
/* Workers as threads: handing over, idle sleep, stopping; and two gateways back to back. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>
#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_mempool.h>

#include "scenario.h"

#define DEADLINE_S 10

static uint64_t deadline(void)
{
	return rte_get_timer_cycles() + DEADLINE_S * rte_get_timer_hz();
}

/* Until @counter is at least @least. */
static void wait_for(const uint64_t *counter, uint64_t least)
{
	uint64_t end = deadline();

	while (counter_read(counter) < least)
		assert_true(rte_get_timer_cycles() < end);
}

/* The bed registers its workers online, because it calls them itself; the loop goes online on its own. */
static void launch(struct bed *bed)
{
	for (unsigned w = 0; w < bed->worker_count; w++) {
		reclaim_reader_offline(bed->workers[w]->reclaim, w);
		assert_int_equal(rte_eal_remote_launch(worker_loop, bed->workers[w], w + 1), 0);
	}
}

static void halt(struct bed *bed)
{
	for (unsigned w = 0; w < bed->worker_count; w++)
		atomic_store(&bed->workers[w]->stop, WORKER_STOP);
	rte_eal_mp_wait_lcore();
	for (unsigned w = 0; w < bed->worker_count; w++) {
		atomic_store(&bed->workers[w]->stop, WORKER_RUN);
		reclaim_reader_online(bed->workers[w]->reclaim, w);
	}
}

static void inject(struct bed *bed, unsigned worker, const struct frame *frame, const struct packet_meta *meta)
{
	struct rte_mbuf *pkt = bed_mbuf(frame);

	*packet_meta(pkt) = *meta;
	assert_int_equal(door_inject(bed->door, worker, pkt), 0);
	bed->put++;
}

static void downlink(struct frame *frame, unsigned number)
{
	frame_init(frame);
	frame_ethernet(frame, MAC(OUTSIDE), NEXT_HOP, 0);
	scenario_udp(frame, SERVER, MN1, 64, 0);
	frame_set16(frame, (uint16_t)(frame->length - 2), (uint16_t)number);
}

/* A worker without a transmit queue: its packets leave by the other one's, in order. */
static void packets_are_handed_over_in_order(void **state)
{
	const struct packet_meta meta = {.stage = STAGE_classify, .port = OUTSIDE};
	struct bed *bed = scenario_lma(2);
	struct frame frame;

	launch(bed);
	for (unsigned i = 0; i < 200; i++) {
		downlink(&frame, i);
		inject(bed, 1, &frame, &meta);
	}
	wait_for(&bed->workers[0]->stats->ports[CORE].tx_packets, 200);
	halt(bed);
	assert_int_equal(bed->workers[1]->stats->handed_over, 200);
	for (unsigned i = 0; i < 200; i++) {
		assert_true(bed_sent(bed, CORE, &frame));
		assert_int_equal(frame.bytes[frame.length - 2] << 8 | frame.bytes[frame.length - 1], i);
	}
	bed_check_conservation(bed);
	bed_destroy(bed);
}

static void idle_worker_sleeps_and_wakes_for_work(void **state)
{
	struct bed *bed = scenario_lma(1);
	struct frame frame;

	bed->workers[0]->idle_sleep = true;
	launch(bed);
	wait_for(&bed->workers[0]->stats->sleeps, 10);
	downlink(&frame, 0);
	inject(bed, 0, &frame, &(struct packet_meta){.stage = STAGE_classify, .port = OUTSIDE});
	wait_for(&bed->workers[0]->stats->ports[CORE].tx_packets, 1);
	halt(bed);
	bed_check_conservation(bed);
	bed_destroy(bed);
}

static void worker_does_not_sleep_when_told_not_to(void **state)
{
	struct bed *bed = scenario_lma(1);

	launch(bed);
	wait_for(&bed->workers[0]->stats->empty_loops, 100 * WORKER_IDLE_LOOPS);
	halt(bed);
	assert_int_equal(bed->workers[0]->stats->sleeps, 0);
	bed_destroy(bed);
}

/* A sleeping worker must not hold up what the owner of the tables wants to reuse. */
static void updates_are_applied_and_reclaimed_while_workers_sleep(void **state)
{
	struct bed *bed = scenario_lma(2);
	struct fwd_update update = {.op = FWD_OP_endpoint_remove};
	uint64_t seq, end = deadline();

	for (unsigned w = 0; w < 2; w++)
		bed->workers[w]->idle_sleep = true;
	launch(bed);
	wait_for(&bed->workers[1]->stats->sleeps, 10);
	update.body.endpoint.id = UINT64_C(0x20010db800aa0001);
	seq = door_update_push(bed->door, &update);
	assert_int_not_equal(seq, 0);
	while (door_reclaimed(bed->door) < seq)
		assert_true(rte_get_timer_cycles() < end);
	halt(bed);
	bed_destroy(bed);
}

/* Of @passes of @n packets each, those that added to the cycles of a stage. */
static unsigned timed_passes(struct bed *bed, const struct frame *frame, uint16_t n, unsigned passes)
{
	const uint64_t *cycles = &bed->workers[0]->stats->stages[STAGE_classify].cycles;
	unsigned timed = 0;

	for (unsigned i = 0; i < passes; i++) {
		uint64_t before = *cycles;

		bed_receive(bed, OUTSIDE, frame, n);
		timed += *cycles != before;
		bed_check_conservation(bed);
	}
	return timed;
}

static void every_small_pass_is_timed_and_of_large_ones_some(void **state)
{
	struct bed *bed = scenario_lma(1);
	struct frame frame;
	unsigned timed;

	downlink(&frame, 0);
	assert_int_equal(timed_passes(bed, &frame, 1, 100), 100);
	assert_int_equal(timed_passes(bed, &frame, 15, 100), 100);
	timed = timed_passes(bed, &frame, 63, 2000); /* one in 16 at random: 125 */
	assert_in_range(timed, 30, 500);
	bed_destroy(bed);
}

/* A busy worker applies them together, every so often; one that has nothing else to do at once. */
static void updates_gather_while_there_are_packets(void **state)
{
	struct bed *bed = scenario_lma(1);
	struct worker *worker = bed->workers[0];
	struct fwd_update update = {.op = FWD_OP_endpoint_remove};
	struct frame frame;
	uint64_t seq;

	downlink(&frame, 0);
	worker->gather = UINT64_MAX / 2;
	update.body.endpoint.id = UINT64_C(0x20010db800aa0001);
	seq = door_update_push(bed->door, &update);
	for (unsigned i = 0; i < 3; i++) {
		bed_receive(bed, OUTSIDE, &frame, 63);
		assert_true(door_applied(bed->door) < seq);
	}
	assert_int_equal(worker->stats->updates, 0);
	worker_poll(worker);
	assert_int_equal(door_applied(bed->door), seq);
	assert_int_equal(worker->stats->updates, 1);
	bed_check_conservation(bed);
	seq = door_update_push(bed->door, &update);
	worker->gather = 0;
	bed_receive(bed, OUTSIDE, &frame, 1);
	assert_int_equal(door_applied(bed->door), seq);
	bed_check_conservation(bed);
	bed_destroy(bed);
}

static void draining_worker_sends_what_is_in_its_rings_but_receives_no_more(void **state)
{
	struct bed *bed = scenario_lma(1);
	struct frame frame;
	uint64_t end = deadline();

	downlink(&frame, 0);
	for (unsigned i = 0; i < 100; i++)
		inject(bed, 0, &frame, &(struct packet_meta){.stage = STAGE_classify, .port = OUTSIDE});
	assert_int_equal(rte_ring_enqueue(bed->receive[OUTSIDE], bed_mbuf(&frame)), 0);
	atomic_store(&bed->workers[0]->stop, WORKER_DRAIN);
	launch(bed);
	while (!atomic_load(&bed->workers[0]->drained))
		assert_true(rte_get_timer_cycles() < end);
	halt(bed);
	assert_int_equal(bed->workers[0]->stats->ports[CORE].tx_packets, 100);
	assert_int_equal(bed->workers[0]->stats->ports[OUTSIDE].rx_packets, 0);
	bed->put++;
	assert_true(worker_poll(bed->workers[0]) > 0);
	bed_check_conservation(bed);
	bed_destroy(bed);
}

static void move(struct bed *from, uint16_t from_port, struct bed *to, uint16_t to_port, const uint8_t *mac)
{
	struct frame frame;

	while (bed_sent(from, from_port, &frame)) {
		memcpy(frame.bytes, mac, 6);
		bed_receive(to, to_port, &frame, 1);
	}
}

/* From MN1 through the MAG and the LMA to the server, and what the server sends back: each node takes one hop. */
static void packet_goes_through_mag_and_lma_and_back(void **state)
{
	struct bed *mag = scenario_mag(1), *lma = scenario_lma(1);
	struct frame frame;

	frame_init(&frame);
	frame_ethernet(&frame, FIXED, MN1_MAC, 0);
	scenario_udp(&frame, MN1, SERVER, 64, 0xb9);
	bed_receive(mag, ACCESS, &frame, 1);
	move(mag, CORE, lma, CORE, MAC(CORE));
	assert_true(bed_sent(lma, OUTSIDE, &frame));
	assert_int_equal(frame.bytes[14 + 7], 62);

	frame_init(&frame);
	frame_ethernet(&frame, MAC(OUTSIDE), NEXT_HOP, 0);
	scenario_udp(&frame, SERVER, MN1, 64, 0xb9);
	bed_receive(lma, OUTSIDE, &frame, 1);
	move(lma, CORE, mag, CORE, MAC(CORE));
	assert_true(bed_sent(mag, ACCESS, &frame));
	assert_memory_equal(frame.bytes, MN1_MAC, 6);
	assert_int_equal(frame.bytes[14 + 7], 62);
	bed_check_conservation(mag);
	bed_check_conservation(lma);
	bed_destroy(mag);
	bed_destroy(lma);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_are_handed_over_in_order),
		cmocka_unit_test(idle_worker_sleeps_and_wakes_for_work),
		cmocka_unit_test(worker_does_not_sleep_when_told_not_to),
		cmocka_unit_test(updates_are_applied_and_reclaimed_while_workers_sleep),
		cmocka_unit_test(updates_gather_while_there_are_packets),
		cmocka_unit_test(every_small_pass_is_timed_and_of_large_ones_some),
		cmocka_unit_test(draining_worker_sends_what_is_in_its_rings_but_receives_no_more),
		cmocka_unit_test(packet_goes_through_mag_and_lma_and_back),
	};
	int failed;

	bed_eal_start();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	bed_eal_stop();
	return failed;
}
