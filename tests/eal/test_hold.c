/* SPDX-License-Identifier: BSD-3-Clause */
/* In-order switch-over: direct packets that wait for the marker of their pair, and the way of markers. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <arpa/inet.h>
#include <cmocka.h>
#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_malloc.h>

#include "endpoint.h"
#include "scenario.h"

#define DEADLINE_S 10
#define LIMIT      256
#define NUMBER     3 /* of the switch-over */
#define MARKER_ID  "200:5eff:fe00:5213"
#define MN1_MARKER "2001:db8:aa:1:" MARKER_ID
#define MN6_MARKER "2001:db8:aa:6:" MARKER_ID
#define FLOWS      3

static const unsigned bursts[] = {1, 63, 64};

static struct bed *bed;
static uint16_t numbers[FLOWS]; /* of the last packet of each flow, as sent */

static uint64_t id_of(const char *text)
{
	struct in6_addr address;

	assert_int_equal(inet_pton(AF_INET6, text, &address), 1);
	return endpoint_id_ipv6(address.s6_addr);
}

/* The half of MN6 -> MN1, @hold being the number of the switch-over. */
static struct fwd_pair half_of_mn1(uint8_t hold)
{
	return (struct fwd_pair){.source = id_of(MN6),
		.destination = id_of(MN1),
		.forward = {.action = FORWARD_LOCAL,
			.flags = FORWARD_PAIR_RX,
			.link = 0,
			.tunnel = INDEX_NONE,
			.node = 1,
			.hold = hold,
			.mac = {2, 0, 0, 0, 1, 1}},
		.check = {.tunnel = 7, .former = 8}};
}

static void replace(uint8_t hold)
{
	struct fwd_pair half = half_of_mn1(hold);

	bed_pair(bed, FWD_OP_pair_replace, &half, PAIR_DIRECT);
}

/* A gateway that waits @ms for markers, with the pair of MN6 and MN1 before its first direct packet. */
static void begin(unsigned workers, uint64_t ms)
{
	bed = scenario_mag(workers);
	scenario_pairs(bed);
	for (unsigned w = 0; w < workers; w++) {
		bed->workers[w]->hold = rte_zmalloc("hold", sizeof(struct hold), 64);
		assert_non_null(bed->workers[w]->hold);
		hold_init(bed->workers[w]->hold, LIMIT, rte_get_tsc_hz() / 1000 * ms);
	}
	replace(NUMBER);
	memset(numbers, 0, sizeof(numbers));
}

static void end(void)
{
	bed_destroy(bed);
}

/* ---- packets ---- */

/* Out of @remote's tunnel, for MN1: the next packet of @flow. */
static struct frame packet(const char *remote, unsigned flow)
{
	struct frame frame;

	frame_init(&frame);
	frame_ethernet(&frame, MAC(CORE), ROUTER, 0);
	scenario_outer(&frame, remote, MAG, 0);
	scenario_udp(&frame, MN6, MN1, 64, 0);
	frame_close(&frame, frame.l3);
	frame_set16(&frame, (uint16_t)(frame.length - 4), (uint16_t)flow);
	frame_set16(&frame, (uint16_t)(frame.length - 2), ++numbers[flow]);
	return frame;
}

static struct frame marker(const char *remote, const char *from, const char *to)
{
	struct frame frame;
	uint16_t ip;

	frame_init(&frame);
	frame_ethernet(&frame, MAC(CORE), ROUTER, 0);
	scenario_outer(&frame, remote, MAG, 0);
	ip = frame_ipv6(&frame, &(struct frame_ipv6){from, to, 135, 64, 0, 0});
	frame_bytes(&frame, (const uint8_t[24]){0x3b, 2, 11, 0, 0, 0, 0x52, 0x4f, 1, 11}, 24);
	frame_close(&frame, ip);
	frame_close(&frame, frame.l3);
	return frame;
}

/* A burst arrives at worker @w, whatever queues it has. */
static void arrive(unsigned w, const struct frame *frames, unsigned n)
{
	struct worker *worker = bed->workers[w];
	struct vector *vector = &worker->vectors[STAGE_rx];

	for (unsigned i = 0; i < n; i++) {
		vector->pkts[i] = bed_mbuf(&frames[i]);
		vector->pkts[i]->port = CORE;
	}
	vector->n = (uint16_t)n;
	bed->put += n;
	pipeline_run(worker);
}

static void send_packets(unsigned w, const char *remote, unsigned n)
{
	struct frame frames[VECTOR_MAX];

	for (unsigned done = 0; done < n;) {
		unsigned burst = RTE_MIN(n - done, (unsigned)VECTOR_MAX);

		for (unsigned i = 0; i < burst; i++)
			frames[i] = packet(remote, 0);
		arrive(w, frames, burst);
		done += burst;
	}
}

static void send_marker(unsigned w)
{
	const struct frame frame = marker(LMA, MN6_MARKER, MN1_MARKER);

	arrive(w, &frame, 1);
}

/* @n packets went to MN1 since the last call, those of each flow in order, without a gap. */
static void expect_in_order(unsigned n, uint16_t *last)
{
	struct frame got;

	for (unsigned i = 0; i < n; i++) {
		unsigned flow, number;

		assert_true(bed_sent(bed, ACCESS, &got));
		flow = (unsigned)got.bytes[got.length - 4] << 8 | got.bytes[got.length - 3];
		number = (unsigned)got.bytes[got.length - 2] << 8 | got.bytes[got.length - 1];
		assert_true(flow < FLOWS);
		assert_int_equal(number, ++last[flow]);
	}
	assert_false(bed_sent(bed, ACCESS, &got));
}

static uint64_t released(enum hold_end why)
{
	uint64_t sum = 0;

	for (unsigned w = 0; w < bed->worker_count; w++)
		sum += bed->workers[w]->stats->released[why];
	return sum;
}

static uint64_t held(void)
{
	uint64_t sum = 0;

	for (unsigned w = 0; w < bed->worker_count; w++)
		sum += bed->workers[w]->stats->held;
	return sum;
}

/* ---- the receiver ---- */

static void direct_packets_wait_for_what_was_sent_over_the_anchor_before(void **state)
{
	for (unsigned i = 0; i < RTE_DIM(bursts); i++) {
		uint16_t last[FLOWS] = {0};
		unsigned n = bursts[i];
		struct frame direct[VECTOR_MAX], got;

		begin(1, 3600000);
		numbers[0] = (uint16_t)n; /* the direct ones were sent later but come first */
		for (unsigned j = 0; j < n; j++)
			direct[j] = packet(PEER, 0);
		numbers[0] = 0;
		arrive(0, direct, n);
		bed_turn(bed);
		assert_false(bed_sent(bed, ACCESS, &got));
		assert_int_equal(bed->workers[0]->hold->packets, n);
		send_packets(0, LMA, n);
		bed_turn(bed);
		expect_in_order(n, last);
		send_marker(0);
		bed_turn(bed);
		expect_in_order(n, last);
		assert_int_equal(held(), n);
		assert_int_equal(released(HOLD_marker), n);
		assert_int_equal(bed_drops(bed, DROP_marker), 1);
		numbers[0] = (uint16_t)(2 * n);
		send_packets(0, PEER, n); /* now at once */
		expect_in_order(n, last);
		assert_int_equal(held(), n);
		bed_check_conservation(bed);
		end();
	}
}

/* In one burst: the packets before the marker, the marker, and direct ones around them. */
static void marker_and_packets_mix_in_a_burst(void **state)
{
	uint16_t last[FLOWS] = {0};
	struct frame burst[5];

	begin(1, 3600000);
	burst[1] = packet(LMA, 0);
	burst[3] = packet(LMA, 0);
	burst[0] = packet(PEER, 0);
	burst[2] = packet(PEER, 0);
	burst[4] = marker(LMA, MN6_MARKER, MN1_MARKER);
	arrive(0, burst, 5);
	expect_in_order(2, last);
	send_packets(0, PEER, 1); /* before the worker came to release the others: behind them */
	bed_turn(bed);
	expect_in_order(3, last);
	assert_int_equal(released(HOLD_marker), 3);
	bed_check_conservation(bed);
	end();
}

static void marker_that_comes_first_leaves_nothing_to_wait_for(void **state)
{
	uint16_t last[FLOWS] = {0};

	begin(1, 3600000);
	send_marker(0);
	send_packets(0, PEER, 64);
	expect_in_order(64, last);
	assert_int_equal(held(), 0);
	bed_check_conservation(bed);
	end();
}

static void marker_that_comes_twice_changes_nothing(void **state)
{
	uint16_t last[FLOWS] = {0};

	begin(1, 3600000);
	send_packets(0, PEER, 63);
	send_marker(0);
	send_marker(0);
	bed_turn(bed);
	expect_in_order(63, last);
	send_marker(0);
	send_packets(0, PEER, 1);
	expect_in_order(1, last);
	assert_int_equal(bed_drops(bed, DROP_marker), 3);
	bed_check_conservation(bed);
	end();
}

static void lost_marker_costs_the_deadline(void **state)
{
	uint64_t limit = rte_get_timer_cycles() + DEADLINE_S * rte_get_timer_hz();
	uint16_t last[FLOWS] = {0};
	uint64_t first;

	begin(1, 20);
	first = rte_rdtsc();
	send_packets(0, PEER, 64);
	while (bed->workers[0]->hold->packets != 0) {
		assert_true(rte_get_timer_cycles() < limit);
		bed_turn(bed);
	}
	assert_true(rte_rdtsc() - first >= rte_get_tsc_hz() / 1000 * 20);
	expect_in_order(64, last);
	assert_int_equal(released(HOLD_deadline), 64);
	send_packets(0, PEER, 64); /* and only once */
	expect_in_order(64, last);
	send_marker(0);
	bed_check_conservation(bed);
	end();
}

static void more_than_the_limit_is_sent_at_once_and_in_order(void **state)
{
	uint16_t last[FLOWS] = {0};
	struct frame got;

	begin(1, 3600000);
	send_packets(0, PEER, LIMIT);
	bed_turn(bed);
	assert_false(bed_sent(bed, ACCESS, &got));
	send_packets(0, PEER, 50);
	bed_turn(bed);
	expect_in_order(LIMIT + 50, last);
	assert_int_equal(released(HOLD_overflow), LIMIT + 50);
	send_packets(0, PEER, 64);
	expect_in_order(64, last);
	assert_int_equal(held(), LIMIT + 50);
	bed_check_conservation(bed);
	end();
}

/* All the room that a worker has is taken by other pairs. */
static void pair_without_room_does_not_wait(void **state)
{
	uint16_t last[FLOWS] = {0};

	begin(1, 3600000);
	bed->workers[0]->hold->packets = HOLD_PACKETS_MAX;
	send_packets(0, PEER, 64);
	bed->workers[0]->hold->packets = 0;
	expect_in_order(64, last);
	assert_int_equal(released(HOLD_overflow), 1);
	assert_int_equal(held(), 1);
	bed_check_conservation(bed);
	end();
}

static void pairs_that_fall_into_one_set_do_not_disturb_each_other(void **state)
{
	static struct hold hold;
	union pair_key keys[HOLD_WAYS + 1];
	struct rte_mbuf *pkts[HOLD_WAYS];
	struct hold_pair *pair;
	ptrdiff_t set = -1;
	unsigned n = 0, at = 0;

	hold_init(&hold, LIMIT, 1000);
	for (uint64_t i = 1; n <= HOLD_WAYS; i++) {
		keys[n] = pair_key(PAIR_RX, i, 7);
		pair = hold_start(&hold, keys[n], 5);
		if (pair == NULL)
			break;
		if (set >= 0 && (pair - hold.pairs) / HOLD_WAYS != set) {
			pair->key.source = 0;
			continue;
		}
		set = (pair - hold.pairs) / HOLD_WAYS;
		pkts[n] = rte_pktmbuf_alloc(bed_pool());
		hold_append(&hold, pair, pkts[n++]);
	}
	assert_int_equal(n, HOLD_WAYS);
	assert_null(hold_find(&hold, keys[HOLD_WAYS]));
	for (unsigned i = 0; i < n; i++) {
		pair = hold_find(&hold, keys[i]);
		assert_ptr_equal(hold_next(&hold, &at), pair);
		assert_int_equal(pair->deadline, 1005);
		assert_ptr_equal(pair->first, pkts[i]);
	}
	assert_null(hold_next(&hold, &at));
	for (unsigned i = 0; i < n; i++)
		rte_pktmbuf_free(hold_take(&hold, hold_find(&hold, keys[i])));
	assert_int_equal(hold.packets, 0);
}

static void packets_of_a_pair_that_was_removed_are_refused(void **state)
{
	struct fwd_pair half = half_of_mn1(0);
	struct packet_meta meta;
	struct frame got;

	begin(1, 3600000);
	send_packets(0, PEER, 63);
	bed_pair(bed, FWD_OP_pair_remove, &half, PAIR_DIRECT);
	bed_turn(bed);
	assert_int_equal(bed->workers[0]->hold->packets, 0);
	assert_true(bed_punted(bed, &got, &meta));
	assert_int_equal(meta.reason, PUNT_pair_error);
	assert_int_equal(bed_drops(bed, DROP_pair_unknown), 62);
	assert_int_equal(released(HOLD_change), 63);
	bed_check_conservation(bed);
	end();
}

static void packets_for_who_left_while_they_waited_return_to_its_anchor(void **state)
{
	struct fwd_pair half = half_of_mn1(0);
	struct frame got;

	begin(1, 3600000);
	send_packets(0, PEER, 64);
	half.forward = (struct forward){.action = FORWARD_TUNNEL,
		.flags = FORWARD_PAIR_RX | FORWARD_PAIR_RETURN,
		.link = LINK_NONE,
		.tunnel = 1};
	bed_pair(bed, FWD_OP_pair_replace, &half, PAIR_DIRECT);
	bed_turn(bed);
	for (unsigned i = 0; i < 64; i++)
		assert_true(bed_sent(bed, CORE, &got));
	bed_check_conservation(bed);
	end();
}

static void same_switch_over_does_not_start_again(void **state)
{
	uint16_t last[FLOWS] = {0};

	begin(1, 3600000);
	send_packets(0, PEER, 10);
	replace(NUMBER); /* the node has another link, say */
	bed_turn(bed);
	assert_int_equal(bed->workers[0]->hold->packets, 10);
	send_marker(0);
	bed_turn(bed);
	expect_in_order(10, last);
	replace(NUMBER);
	send_packets(0, PEER, 10);
	expect_in_order(10, last);
	replace(NUMBER + 1);
	send_packets(0, PEER, 10);
	assert_int_equal(bed->workers[0]->hold->packets, 10);
	send_marker(0);
	bed_turn(bed);
	expect_in_order(10, last);
	bed_check_conservation(bed);
	end();
}

/* The MAG where the other node was before: what it sent is older than what is waited for. */
static void packets_of_the_former_peer_do_not_wait(void **state)
{
	uint16_t last[FLOWS] = {0};

	begin(1, 3600000);
	send_packets(0, FORMER, 64);
	expect_in_order(64, last);
	assert_int_equal(held(), 0);
	bed_check_conservation(bed);
	end();
}

static void only_a_marker_of_the_pair_out_of_its_anchors_tunnel_counts(void **state)
{
	const struct frame others[] = {marker(LMA, "2001:db8:aa:9:" MARKER_ID, MN1_MARKER),
		marker(PEER, MN6_MARKER, MN1_MARKER), marker(LMA, MN6_MARKER, "2001:db8:aa:2:" MARKER_ID),
		marker(LMA, MN6, MN1_MARKER), marker(STRANGER, MN6_MARKER, MN1_MARKER)};

	begin(1, 3600000);
	send_packets(0, PEER, 1);
	arrive(0, others, RTE_DIM(others));
	bed_turn(bed);
	assert_true(bed->workers[0]->hold->packets != 0);
	assert_int_equal(released(HOLD_marker), 0);
	send_marker(0);
	bed_turn(bed);
	assert_int_equal(bed->workers[0]->hold->packets, 0);
	bed_check_conservation(bed);
	end();
}

static void marker_without_a_pair_ends_here(void **state)
{
	struct frame got;

	begin(1, 3600000);
	for (unsigned i = 0; i < RTE_DIM(bursts); i++) {
		struct frame frames[VECTOR_MAX];

		for (unsigned j = 0; j < bursts[i]; j++)
			frames[j] = marker(LMA, "2001:db8:aa:9:" MARKER_ID, MN1_MARKER);
		arrive(0, frames, bursts[i]);
	}
	assert_int_equal(bed_drops(bed, DROP_marker), 128);
	assert_false(bed_sent(bed, ACCESS, &got));
	bed_check_conservation(bed);
	end();
}

/* ---- several workers ---- */

/* The packets over the anchor are on their way from worker 1 to the queue of worker 0, where direct ones wait. */
static void packets_handed_over_go_before_those_that_wait(void **state)
{
	uint16_t last[FLOWS] = {0};
	struct frame direct[10];

	begin(2, 3600000);
	numbers[0] = 200;
	for (unsigned i = 0; i < 10; i++)
		direct[i] = packet(PEER, 0);
	numbers[0] = 0;
	arrive(0, direct, 10);
	send_packets(1, LMA, 200);
	send_marker(1);
	assert_int_equal(rte_ring_count(bed->handover[ACCESS]), 201);
	for (unsigned turn = 0; turn < 6; turn++)
		worker_poll(bed->workers[0]);
	expect_in_order(210, last);
	assert_int_equal(bed_drops(bed, DROP_marker), 1);
	bed_check_conservation(bed);
	end();
}

/* The direct packets wait at a worker that hands over, the marker comes to the one with the queue. */
static void waiting_packets_of_another_worker_hear_of_the_marker(void **state)
{
	uint16_t last[FLOWS] = {0};
	struct frame direct[10];

	begin(2, 3600000);
	numbers[0] = 64;
	for (unsigned i = 0; i < 10; i++)
		direct[i] = packet(PEER, 0);
	numbers[0] = 0;
	arrive(1, direct, 10);
	send_packets(0, LMA, 64);
	worker_poll(bed->workers[1]);
	assert_int_equal(bed->workers[1]->hold->packets, 10);
	send_marker(0);
	worker_poll(bed->workers[1]);
	assert_int_equal(bed->workers[1]->hold->packets, 0);
	worker_poll(bed->workers[0]);
	expect_in_order(74, last);
	bed_check_conservation(bed);
	end();
}

static unsigned below(uint64_t *random, unsigned n)
{
	*random = *random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)((*random >> 33) % n);
}

struct stream {
	struct frame packets[400];
	unsigned n, next, worker;
};

/*
 * Three flows between the nodes, each switched over somewhere; both paths keep the order of what they carry, but not of
 * each other. The path over the anchor comes to one worker, direct packets of each flow to one or the other.
 */
static void random_streams_are_never_reordered(void **state)
{
	static struct stream anchor, direct[FLOWS];
	uint64_t random = 17;

	for (unsigned run = 0; run < 200; run++) {
		unsigned before = below(&random, 100), after = below(&random, 80), left;
		uint16_t last[FLOWS] = {0};

		begin(2, 3600000);
		anchor.worker = below(&random, 2);
		anchor.n = anchor.next = 0;
		for (unsigned i = 0; i < before; i++)
			anchor.packets[anchor.n++] = packet(LMA, below(&random, FLOWS));
		anchor.packets[anchor.n++] = marker(LMA, MN6_MARKER, MN1_MARKER);
		for (unsigned f = 0; f < FLOWS; f++) {
			direct[f].worker = below(&random, 2);
			direct[f].n = direct[f].next = 0;
			for (unsigned i = 0; i < after; i++)
				direct[f].packets[direct[f].n++] = packet(PEER, f);
		}
		left = anchor.n + FLOWS * after;
		while (left != 0) {
			unsigned from = below(&random, FLOWS + 1);
			struct stream *stream = from == FLOWS ? &anchor : &direct[from];
			unsigned n = RTE_MIN(stream->n - stream->next, 1 + below(&random, VECTOR_MAX));

			if (n != 0)
				arrive(stream->worker, &stream->packets[stream->next], n);
			stream->next += n;
			left -= n;
			if (below(&random, 3) == 0)
				worker_poll(bed->workers[below(&random, 2)]);
		}
		for (unsigned turn = 0; turn < 20; turn++)
			bed_turn(bed);
		expect_in_order(before + FLOWS * after, last);
		assert_int_equal(bed->workers[0]->hold->packets + bed->workers[1]->hold->packets, 0);
		bed_check_conservation(bed);
		end();
	}
}

/* ---- the end ---- */

static void draining_worker_sends_what_it_held(void **state)
{
	uint64_t limit = rte_get_timer_cycles() + DEADLINE_S * rte_get_timer_hz();
	uint16_t last[FLOWS] = {0};

	begin(1, 3600000);
	send_packets(0, PEER, 200);
	atomic_store(&bed->workers[0]->stop, WORKER_DRAIN);
	reclaim_reader_offline(bed->workers[0]->reclaim, 0);
	assert_int_equal(rte_eal_remote_launch(worker_loop, bed->workers[0], 1), 0);
	while (!atomic_load(&bed->workers[0]->drained))
		assert_true(rte_get_timer_cycles() < limit);
	atomic_store(&bed->workers[0]->stop, WORKER_STOP);
	rte_eal_mp_wait_lcore();
	reclaim_reader_online(bed->workers[0]->reclaim, 0);
	expect_in_order(200, last);
	assert_int_equal(released(HOLD_change), 200);
	bed_check_conservation(bed);
	end();
}

/* bed_destroy() looks for buffers that did not come back. */
static void packets_that_are_held_when_all_is_over_are_dropped(void **state)
{
	begin(1, 3600000);
	send_packets(0, PEER, 200);
	assert_int_equal(worker_discard(bed->workers[0]), 200);
	assert_int_equal(bed_drops(bed, DROP_shutdown), 200);
	bed_check_conservation(bed);
	send_packets(0, PEER, 100);
	end();
}

static void idle_worker_stays_awake_for_the_deadline(void **state)
{
	uint64_t limit = rte_get_timer_cycles() + DEADLINE_S * rte_get_timer_hz();
	uint16_t last[FLOWS] = {0};

	begin(1, 50);
	bed->workers[0]->idle_sleep = true;
	send_packets(0, PEER, 10);
	reclaim_reader_offline(bed->workers[0]->reclaim, 0);
	assert_int_equal(rte_eal_remote_launch(worker_loop, bed->workers[0], 1), 0);
	while (counter_read(&bed->workers[0]->stats->released[HOLD_deadline]) == 0)
		assert_true(rte_get_timer_cycles() < limit);
	atomic_store(&bed->workers[0]->stop, WORKER_STOP);
	rte_eal_mp_wait_lcore();
	reclaim_reader_online(bed->workers[0]->reclaim, 0);
	expect_in_order(10, last);
	end();
}

/* ---- the sender, and on the way ---- */

static void take_outer_label(const struct frame *frame, uint32_t *label)
{
	memcpy(label, frame->bytes + 14, sizeof(*label));
	*label = rte_be_to_cpu_32(*label) & 0xfffff;
}

static struct frame from_node(const char *from, const char *to, uint16_t port, uint8_t protocol)
{
	struct frame frame;
	uint16_t ip;

	frame_init(&frame);
	frame_ethernet(&frame, FIXED, MN1_MAC, 0);
	ip = frame_ipv6(&frame, &(struct frame_ipv6){from, to, protocol, 64, 0, port});
	frame_udp(&frame, port, 2000, 22);
	frame_close(&frame, ip);
	return frame;
}

static struct frame own_marker(const char *from, const char *to)
{
	struct frame frame;
	uint16_t ip;

	frame_init(&frame);
	ip = frame_ipv6(&frame, &(struct frame_ipv6){from, to, 135, 64, 0, 0});
	frame_bytes(&frame, (const uint8_t[24]){0x3b, 2, 11, 0, 0, 0, 0x52, 0x4f, 1, 11}, 24);
	frame_close(&frame, ip);
	return frame;
}

/* What other workers have of the pair goes before: they have seen the new entry, but their ring is not empty yet. */
static void own_marker_leaves_behind_what_other_workers_handed_over(void **state)
{
	const struct frame in = from_node(MN1, SERVER, 1000, IPPROTO_UDP), out = own_marker(MN1_MARKER, MN6_MARKER);
	const struct packet_meta meta = {.stage = STAGE_encap, .port = PORT_NONE, .tunnel = 1};
	struct frame frames[VECTOR_MAX], got;

	begin(2, 3600000);
	for (unsigned i = 0; i < VECTOR_MAX; i++)
		frames[i] = in;
	for (unsigned i = 0; i < 4; i++) {
		struct vector *vector = &bed->workers[1]->vectors[STAGE_rx];

		for (unsigned j = 0; j < VECTOR_MAX; j++) {
			vector->pkts[j] = bed_mbuf(&frames[j]);
			vector->pkts[j]->port = ACCESS;
		}
		vector->n = VECTOR_MAX;
		bed->put += VECTOR_MAX;
		pipeline_run(bed->workers[1]);
	}
	assert_int_equal(rte_ring_count(bed->handover[CORE]), 4 * VECTOR_MAX);
	bed_inject(bed, &out, &meta, 1);
	for (unsigned i = 0; i < 4 * VECTOR_MAX; i++) {
		assert_true(bed_sent(bed, CORE, &got));
		assert_int_equal(got.bytes[14 + 40 + 6], IPPROTO_UDP);
	}
	assert_true(bed_sent(bed, CORE, &got));
	assert_int_equal(got.bytes[14 + 40 + 6], 135);
	assert_memory_equal(got.bytes + 14 + 40, out.bytes, out.length);
	bed_check_conservation(bed);
	end();
}

/* G.6.13: the marker has the outer flow label of what it is sent behind. */
static void packets_of_a_pair_and_its_marker_have_one_flow_label(void **state)
{
	const struct packet_meta meta = {.stage = STAGE_encap, .port = PORT_NONE, .tunnel = 1};
	struct frame in[] = {from_node(MN1, NOBODY, 1000, IPPROTO_UDP), from_node(MN1, NOBODY, 1001, IPPROTO_UDP),
		from_node("2001:db8:aa:1::11", "2001:db8:aa:9::91", 7, 99)};
	const struct frame out = own_marker(MN1_MARKER, "2001:db8:aa:9:" MARKER_ID);
	uint32_t labels[4];
	struct frame got;

	for (unsigned in_order = 0; in_order < 2; in_order++) {
		begin(1, 3600000);
		bed->workers[0]->label_mask = in_order ? 0 : UINT64_MAX;
		for (unsigned i = 0; i < 3; i++)
			bed_receive(bed, ACCESS, &in[i], 1);
		bed_inject(bed, &out, &meta, 1);
		for (unsigned i = 0; i < 4; i++) {
			assert_true(bed_sent(bed, CORE, &got));
			take_outer_label(&got, &labels[i]);
		}
		for (unsigned i = 1; i < 4; i++) {
			if (in_order)
				assert_int_equal(labels[i], labels[0]);
			else
				assert_int_not_equal(labels[i], labels[0]);
		}
		bed_check_conservation(bed);
		end();
	}
}

static void nodes_cannot_send_markers(void **state)
{
	for (unsigned i = 0; i < RTE_DIM(bursts); i++) {
		struct frame frame = own_marker(MN1_MARKER, MN6_MARKER), in;

		begin(1, 3600000);
		frame_init(&in);
		frame_ethernet(&in, FIXED, MN1_MAC, 0);
		frame_bytes(&in, frame.bytes, frame.length);
		bed_receive(bed, ACCESS, &in, bursts[i]);
		assert_int_equal(bed_drops(bed, DROP_marker_access), bursts[i]);
		bed_check_conservation(bed);
		end();
	}
}

static void anchor_forwards_a_marker_like_data(void **state)
{
	struct frame in, got;
	uint16_t ip;

	bed = scenario_lma(1);
	frame_init(&in);
	frame_ethernet(&in, MAC(CORE), ROUTER, 0);
	scenario_outer(&in, MAG, LMA, 0);
	ip = frame_ipv6(&in, &(struct frame_ipv6){MN1_MARKER, "2001:db8:aa:2:" MARKER_ID, 135, 64, 0, 0});
	frame_bytes(&in, (const uint8_t[24]){0x3b, 2, 11, 0, 0, 0, 0x52, 0x4f, 1, 11}, 24);
	frame_close(&in, ip);
	frame_close(&in, in.l3);
	bed_receive(bed, CORE, &in, 1);
	assert_true(bed_sent(bed, CORE, &got));
	assert_int_equal(got.length, in.length);
	assert_memory_equal(got.bytes + 14 + 40 + 8, in.bytes + 14 + 40 + 8, in.length - (14 + 40 + 8));
	bed_check_conservation(bed);
	bed_destroy(bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(direct_packets_wait_for_what_was_sent_over_the_anchor_before),
		cmocka_unit_test(marker_and_packets_mix_in_a_burst),
		cmocka_unit_test(marker_that_comes_first_leaves_nothing_to_wait_for),
		cmocka_unit_test(marker_that_comes_twice_changes_nothing),
		cmocka_unit_test(lost_marker_costs_the_deadline),
		cmocka_unit_test(more_than_the_limit_is_sent_at_once_and_in_order),
		cmocka_unit_test(pair_without_room_does_not_wait),
		cmocka_unit_test(pairs_that_fall_into_one_set_do_not_disturb_each_other),
		cmocka_unit_test(packets_of_a_pair_that_was_removed_are_refused),
		cmocka_unit_test(packets_for_who_left_while_they_waited_return_to_its_anchor),
		cmocka_unit_test(same_switch_over_does_not_start_again),
		cmocka_unit_test(packets_of_the_former_peer_do_not_wait),
		cmocka_unit_test(only_a_marker_of_the_pair_out_of_its_anchors_tunnel_counts),
		cmocka_unit_test(marker_without_a_pair_ends_here),
		cmocka_unit_test(packets_handed_over_go_before_those_that_wait),
		cmocka_unit_test(waiting_packets_of_another_worker_hear_of_the_marker),
		cmocka_unit_test(random_streams_are_never_reordered),
		cmocka_unit_test(draining_worker_sends_what_it_held),
		cmocka_unit_test(packets_that_are_held_when_all_is_over_are_dropped),
		cmocka_unit_test(idle_worker_stays_awake_for_the_deadline),
		cmocka_unit_test(own_marker_leaves_behind_what_other_workers_handed_over),
		cmocka_unit_test(packets_of_a_pair_and_its_marker_have_one_flow_label),
		cmocka_unit_test(nodes_cannot_send_markers),
		cmocka_unit_test(anchor_forwards_a_marker_like_data),
	};
	int failed;

	bed_eal_start();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	bed_eal_stop();
	return failed;
}
