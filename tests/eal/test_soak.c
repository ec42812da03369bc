/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Soak: two workers forward mixed traffic while the control core changes everything that they forward by. What comes
 * out is checked octet by octet against all that a packet may have met on its way (soak_judge.h); what does not come
 * out has to be accounted for by reason; of the rest nothing may be left: no buffer, no table entry, no memory.
 *
 * In rounds: some packets are made, go in, and come out or are counted, all of them, before the next ones are made.
 * The updates do not wait for the rounds. SOAK_SECONDS=N for the long mode, SOAK_SEED=N to have the same packets and
 * changes again (not the same interleaving).
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <rte_eal.h>
#include <rte_launch.h>
#include <rte_lcore.h>

#include "../unit/unit.h"
#include "soak_judge.h"

#define SECONDS_USUAL    12
#define TESTS            4
#define ROUND_DEADLINE_S 30
#define UPDATES_ROUND    1500 /* so that WORLD_VERSIONS hold what a round needs */
#define GROWTH_MAX_KB    8192
#define LOOPS_CHECK_S    10.0

struct soak {
	struct bed *bed;
	struct world *world;
	struct soak_traffic *traffic;
	pthread_t control;
	_Atomic bool stop;
	_Atomic uint64_t credit;     /* updates that may have been pushed */
	_Atomic uint32_t refused;    /* updates that were */
	struct door_failure failure; /* the first of them */
	struct worker_stats before;  /* of the round */
	uint64_t since;              /* reclaimed before the round */
	unsigned came_out, punted, strays;
	struct order {
		uint32_t flow, ring, number;
		uint64_t serial;
	} orders[4096]; /* the last of a flow that came out of a ring */

	uint64_t rounds, packets, out[SOAK_PATHS], drops[DROP_COUNT], punts, in_order, switches, forgotten;
	uint64_t loops[BED_WORKERS];
	double loops_checked;
};

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- the control core ---- */

static void collect_failures(struct soak *soak)
{
	struct door_failure failure;

	while (door_failure_poll(soak->bed->door, &failure, 1) == 1)
		if (atomic_fetch_add(&soak->refused, 1) == 0)
			soak->failure = failure;
}

static void *run_control(void *context)
{
	struct soak *soak = context;

	while (!atomic_load(&soak->stop)) {
		pthread_mutex_lock(&soak->world->lock);
		if (soak->world->updates < atomic_load(&soak->credit))
			world_change_some(soak->world);
		pthread_mutex_unlock(&soak->world->lock);
		collect_failures(soak);
		sched_yield();
	}
	return NULL;
}

/* ---- one packet that came out ---- */

static void show(const struct soak_packet *p, const uint8_t *bytes, uint16_t length, const char *what)
{
	print_error("%s: path %d, received by port %u queue %u, tunnel %d, source %d, destination %d, pair %d %d\n",
		what, p->path, p->port, p->queue, (int)p->tunnel, p->source, p->destination, p->pair_tx, p->pair_rx);
	for (unsigned i = 0; bytes != NULL && i < length && i < 160; i++)
		print_error("%02x%s", bytes[i], i % 16 == 15 ? "\n" : " ");
	print_error("\n");
}

static void check_order(struct soak *soak, const struct soak_packet *p, unsigned ring)
{
	struct order *last = &soak->orders[(p->flow * 2654435761u ^ ring * 97u ^ p->pair_tx) % RTE_DIM(soak->orders)];

	if (last->serial == soak->traffic->serial && last->flow == p->flow && last->ring == ring &&
		last->number > p->number) {
		show(p, NULL, 0, "out of order");
		fail_msg("packet %u of a flow came after packet %u", p->number, last->number);
	}
	*last = (struct order){p->flow, ring, p->number, soak->traffic->serial};
}

/* What the order of packets is kept by, beside the flow: the ring, and the tunnel that they go into. */
static unsigned way_of(const uint8_t *frame, uint16_t length, uint16_t port, unsigned ring)
{
	return port == CORE && length > 54 ? ring << 16 | frame[52] << 8 | frame[53] : ring << 16;
}

static void check_sent(struct soak *soak, struct rte_mbuf *pkt, uint16_t port, unsigned ring)
{
	const uint8_t *frame = rte_pktmbuf_mtod(pkt, const uint8_t *);
	uint16_t length = rte_pktmbuf_data_len(pkt);
	struct soak_packet *p = soak_traffic_find(soak->traffic, frame, length);
	struct verdict verdict;

	soak->came_out++;
	if (p == NULL || p->path == SOAK_FUZZED) {
		soak->strays++;
		return;
	}
	if (p->ended)
		show(p, frame, length, "twice");
	assert_false(p->ended);
	p->ended = true;
	verdict = soak_judge(soak->world, p, soak->since, frame, length, port);
	soak->forgotten += verdict.forgotten;
	if (!verdict.matches && !verdict.forgotten) {
		show(p, p->frame, p->length, "in");
		show(p, frame, length, "out");
		fail_msg("no version of the forwarding state sends that packet out of port %u", port);
	}
	soak->out[p->path]++;
	if (p->flow != 0 && verdict.certain && !p->in_order)
		check_order(soak, p, way_of(frame, length, port, ring));
	else if (p->in_order)
		p->ended = true;
}

static void check_punted(struct soak *soak, struct rte_mbuf *pkt)
{
	const uint8_t *bytes = rte_pktmbuf_mtod(pkt, const uint8_t *);
	uint16_t length = rte_pktmbuf_data_len(pkt);
	struct soak_packet *p = soak_traffic_find(soak->traffic, bytes, length);
	unsigned reason = packet_meta(pkt)->reason;
	struct verdict verdict;

	soak->punted++;
	if (p == NULL || p->path == SOAK_FUZZED) {
		soak->strays++;
		return;
	}
	assert_false(p->ended);
	p->ended = true;
	verdict = soak_judge(soak->world, p, soak->since, NULL, 0, 0);
	if ((verdict.punts >> reason & 1) == 0 && !verdict.forgotten) {
		show(p, p->frame, p->length, "in");
		fail_msg("%s for a packet that is none", punt_reason_name((enum punt_reason)reason));
	}
	if (!soak_is_punted(p, bytes, length)) {
		show(p, p->frame, p->length, "in");
		show(p, bytes, length, "punted");
		fail_msg("the control core gets another packet than was received");
	}
}

/* ---- a round ---- */

static struct rte_ring *receive_ring(const struct bed *bed, const struct soak_packet *p)
{
	return p->port == CORE && p->queue == 1 ? bed->second_receive : bed->receive[p->port];
}

static void put_in(struct soak *soak)
{
	struct soak_traffic *t = soak->traffic;
	struct frame frame;

	for (unsigned i = 0; i < t->count; i++) {
		struct soak_packet *p = &t->packets[i];

		frame.length = p->length;
		memcpy(frame.bytes, p->frame, p->length);
		assert_int_equal(
			rte_ring_enqueue(receive_ring(soak->bed, p),
				test_random_below(&t->random, 4) == 0 ? bed_mbuf_exact(&frame) : bed_mbuf(&frame)),
			0);
	}
	soak->bed->put += t->count;
}

/* What came out of pairs that leave the anchor. */
struct switched {
	unsigned count[WORLD_SWITCHED];
	uint32_t numbers[WORLD_SWITCHED][SOAK_HELD_MAX * 2];
};

static void note_switched(struct soak *soak, struct rte_mbuf *pkt, struct switched *switched)
{
	struct soak_packet *p =
		soak_traffic_find(soak->traffic, rte_pktmbuf_mtod(pkt, const uint8_t *), rte_pktmbuf_data_len(pkt));
	unsigned pair;

	if (p == NULL || !p->in_order)
		return;
	pair = p->flow / 2 - 1;
	assert_in_range(switched->count[pair], 0, RTE_DIM(switched->numbers[pair]) - 1);
	switched->numbers[pair][switched->count[pair]++] = p->number;
}

static bool is_in_order(const struct switched *switched, unsigned pair)
{
	for (unsigned i = 1; i < switched->count[pair]; i++)
		if (switched->numbers[pair][i] < switched->numbers[pair][i - 1])
			return false;
	return true;
}

static void take_sent(
	struct soak *soak, struct rte_ring *ring, uint16_t port, unsigned number, struct switched *switched)
{
	struct rte_mbuf *pkts[VECTOR_MAX];
	unsigned n;

	while (ring != NULL && (n = rte_ring_dequeue_burst(ring, (void **)pkts, VECTOR_MAX, NULL)) != 0)
		for (unsigned i = 0; i < n; i++) {
			note_switched(soak, pkts[i], switched);
			check_sent(soak, pkts[i], port, number);
			rte_pktmbuf_free(pkts[i]);
		}
}

static void take_punted(struct soak *soak)
{
	struct rte_mbuf *pkt;

	while (door_punt_poll(soak->bed->door, true, &pkt, 1) == 1 ||
		door_punt_poll(soak->bed->door, false, &pkt, 1) == 1) {
		check_punted(soak, pkt);
		rte_pktmbuf_free(pkt);
	}
}

static void take_out_all(struct soak *soak, struct switched *switched)
{
	struct door_event events[32];

	pthread_mutex_lock(&soak->world->lock);
	for (uint16_t port = 0; port < BED_PORTS; port++)
		take_sent(soak, soak->bed->transmit[port], port, port, switched);
	take_sent(soak, soak->bed->second_transmit, CORE, BED_PORTS, switched);
	take_punted(soak);
	pthread_mutex_unlock(&soak->world->lock);
	while (door_event_poll(soak->bed->door, events, RTE_DIM(events)) != 0)
		;
}

/* Since the round began. */
static uint64_t dropped(struct soak *soak, struct worker_stats *stats)
{
	uint64_t all = 0;

	door_stats(soak->bed->door, stats);
	worker_stats_subtract(stats, &soak->before);
	for (unsigned i = 0; i < DROP_COUNT; i++)
		all += stats->drops[i];
	return all;
}

static void wait_for_all(struct soak *soak, struct worker_stats *stats, struct switched *switched)
{
	double end = now_s() + ROUND_DEADLINE_S;
	uint64_t ended;

	do {
		take_out_all(soak, switched);
		ended = soak->came_out + soak->punted + dropped(soak, stats);
		if (now_s() > end)
			fail_msg("%llu of %u packets are accounted for: %u sent, %u punted; %llu held, loops %llu",
				(unsigned long long)ended, soak->traffic->count, soak->came_out, soak->punted,
				(unsigned long long)stats->held, (unsigned long long)stats->loops);
		if (ended < soak->traffic->count)
			sched_yield();
	} while (ended < soak->traffic->count);
	assert_int_equal(ended, soak->traffic->count);
	while (rte_mempool_in_use_count(bed_pool()) != 0) { /* counted just before it is freed */
		if (now_s() > end)
			fail_msg("%u buffers are left", rte_mempool_in_use_count(bed_pool()));
		sched_yield();
	}
}

/* Each packet that is missing was dropped for a reason that it may be dropped for, and each drop has its packet. */
static void check_missing(struct soak *soak, const struct worker_stats *stats)
{
	uint64_t may[DROP_COUNT] = {0}, must[DROP_COUNT] = {0}, missing = 0;

	pthread_mutex_lock(&soak->world->lock);
	for (unsigned i = 0; i < soak->traffic->count; i++) {
		struct soak_packet *p = &soak->traffic->packets[i];
		struct verdict verdict;

		if (p->ended)
			continue;
		missing++;
		verdict = soak_judge(soak->world, p, soak->since, NULL, 0, 0);
		if (verdict.forgotten)
			verdict.drops = UINT64_MAX;
		if (verdict.drops == 0)
			show(p, p->frame, p->length, "lost");
		assert_true(verdict.drops != 0);
		for (unsigned reason = 0; reason < DROP_COUNT; reason++) {
			may[reason] += verdict.drops >> reason & 1;
			must[reason] += verdict.drops == UINT64_C(1) << reason;
		}
	}
	pthread_mutex_unlock(&soak->world->lock);
	for (unsigned reason = 0; reason < DROP_COUNT; reason++) {
		soak->drops[reason] += stats->drops[reason];
		if (stats->drops[reason] < must[reason] || stats->drops[reason] > may[reason])
			fail_msg("%llu packets dropped as %s, not %llu to %llu",
				(unsigned long long)stats->drops[reason], drop_reason_name((enum drop_reason)reason),
				(unsigned long long)must[reason], (unsigned long long)may[reason]);
	}
	/* Fuzzed ones that came out, or were punted, may not be known again. */
	assert_true(soak->strays <= missing);
	assert_int_equal(missing - soak->strays, dropped(soak, &(struct worker_stats){0}));
}

static void check_switched(struct soak *soak, const struct worker_stats *stats, const struct switched *switched)
{
	bool in_time = stats->released[HOLD_deadline] == 0 && stats->released[HOLD_overflow] == 0;

	for (unsigned i = 0; i < soak->traffic->switch_count; i++) {
		const struct soak_switch *s = &soak->traffic->switches[i];

		soak->switches++;
		if (!in_time || !s->marked || s->overflows)
			continue;
		soak->in_order++;
		if (!is_in_order(switched, s->flow / 2 - 1)) {
			for (unsigned n = 0; n < switched->count[s->flow / 2 - 1]; n++)
				print_error("%u ", switched->numbers[s->flow / 2 - 1][n]);
			fail_msg("pair %u does not leave the anchor in order; %u packets over it, held %llu, released "
				 "%llu",
				s->flow / 2 - 1, s->anchored, (unsigned long long)stats->held,
				(unsigned long long)stats->released[HOLD_marker]);
		}
	}
}

/* Neither may stand still, whatever there is to do. */
static void check_loops(struct soak *soak)
{
	if (now_s() - soak->loops_checked < LOOPS_CHECK_S)
		return;
	soak->loops_checked = now_s();
	for (unsigned w = 0; w < BED_WORKERS; w++) {
		uint64_t loops = counter_read(&soak->bed->workers[w]->stats->loops);

		if (loops == soak->loops[w])
			fail_msg("worker %u stands still", w);
		soak->loops[w] = loops;
	}
}

static void run_round(struct soak *soak)
{
	static const unsigned sizes[] = {1, 63, 64, 200, 400};
	struct switched switched = {0};
	struct worker_stats stats;

	soak->came_out = soak->punted = soak->strays = 0;
	door_stats(soak->bed->door, &soak->before);
	pthread_mutex_lock(&soak->world->lock);
	soak->since = door_reclaimed(soak->bed->door);
	soak_traffic_make(soak->traffic, sizes[test_random_below(&soak->traffic->random, RTE_DIM(sizes))]);
	atomic_store(&soak->credit, soak->world->updates + UPDATES_ROUND);
	pthread_mutex_unlock(&soak->world->lock);
	put_in(soak);
	wait_for_all(soak, &stats, &switched);
	check_missing(soak, &stats);
	check_switched(soak, &stats, &switched);
	check_loops(soak);
	if (atomic_load(&soak->refused) != 0)
		fail_msg("update %llu, %s: %s", (unsigned long long)soak->failure.seq,
			fwd_op_name((enum fwd_op)soak->failure.op), strerror(-soak->failure.error));
	soak->rounds++;
	soak->packets += soak->traffic->count;
	soak->punts += soak->punted;
}

/* ---- from the beginning to the end ---- */

static long resident_kb(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	long size, resident = 0;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%ld %ld", &size, &resident), 2);
	fclose(file);
	return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static bool is_watched_memory(void)
{
#if defined(__SANITIZE_ADDRESS__)
	return false; /* what is freed stays for a while */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
	return false;
#endif
#endif
	return true;
}

static void until(struct soak *soak, bool (*done)(struct world *world))
{
	double end = now_s() + ROUND_DEADLINE_S;

	/* All is pushed, then all is reclaimed. */
	while (!done(soak->world)) {
		collect_failures(soak);
		if (now_s() > end)
			fail_msg("updates are not taken any more");
		sched_yield();
	}
	while (door_reclaimed(soak->bed->door) < soak->world->updates) {
		if (now_s() > end)
			fail_msg("updates are not reclaimed any more");
		sched_yield();
	}
	collect_failures(soak);
	assert_int_equal(soak->refused, 0);
}

static struct soak *start(enum dataplane_role role, bool spread, uint64_t seed)
{
	struct bed_options options = {.workers = 2,
		.shared_out = true,
		.spread = spread,
		.nodes_max = 256,
		.tunnels_max = WORLD_TUNNELS,
		.update_ring_size = 512,
		.mbuf_ring_size = 1024,
		.hold_packets = SOAK_HELD_MAX,
		.hold_deadline_ms = 100,
		.pair_packets = 100};
	struct soak *soak = calloc(1, sizeof(*soak));
	unsigned lcore = rte_get_main_lcore();

	assert_non_null(soak);
	soak->bed = bed_create_with(role, &options);
	soak->world = world_create(soak->bed, seed);
	soak->traffic = calloc(1, sizeof(*soak->traffic));
	assert_non_null(soak->traffic);
	soak->traffic->world = soak->world;
	soak->traffic->random = seed ^ UINT64_C(0x9e3779b97f4a7c15);
	for (unsigned w = 0; w < BED_WORKERS; w++) {
		reclaim_reader_offline(soak->bed->workers[w]->reclaim, w);
		lcore = rte_get_next_lcore(lcore, 1, 0);
		assert_int_equal(rte_eal_remote_launch(worker_loop, soak->bed->workers[w], lcore), 0);
	}
	until(soak, world_fill);
	assert_int_equal(pthread_create(&soak->control, NULL, run_control, soak), 0);
	return soak;
}

static void stop_control(struct soak *soak)
{
	atomic_store(&soak->stop, true);
	pthread_join(soak->control, NULL);
}

static bool at_once(struct world *world)
{
	return true;
}

/* Every entry that is not in use is free again. */
static void check_tables(struct soak *soak)
{
	const struct tables *tables = soak->bed->tables;

	until(soak, at_once);
	assert_int_equal(endpoint_table_count(tables->endpoints), world_live(soak->world->endpoints, WORLD_NODES));
	until(soak, world_empty);
	assert_int_equal(endpoint_table_count(tables->endpoints), 0);
	assert_int_equal(reclaim_waiting(&tables->reclaim), 0);
	for (unsigned i = 0; i < tables->reclaim.slab_count; i++)
		assert_int_equal(slab_available(tables->reclaim.slabs[i]), tables->reclaim.slabs[i]->count);
}

static void stop(struct soak *soak)
{
	for (unsigned w = 0; w < BED_WORKERS; w++)
		atomic_store(&soak->bed->workers[w]->stop, WORKER_STOP);
	rte_eal_mp_wait_lcore();
	for (unsigned w = 0; w < BED_WORKERS; w++)
		reclaim_reader_online(soak->bed->workers[w]->reclaim, w);
	world_destroy(soak->world);
	bed_destroy(soak->bed);
	free(soak->traffic);
	free(soak);
}

static void report(const struct soak *soak, double seconds, long grown_kb)
{
	print_message("%.0f s, %llu rounds, %llu packets, %llu updates; sent", seconds,
		(unsigned long long)soak->rounds, (unsigned long long)soak->packets,
		(unsigned long long)soak->world->updates);
	for (unsigned path = 0; path < SOAK_PATHS; path++)
		print_message(" %llu", (unsigned long long)soak->out[path]);
	print_message(
		"; punted %llu; %llu pairs left the anchor, %llu checked for order; not judged %llu; grown %ld kB\n",
		(unsigned long long)soak->punts, (unsigned long long)soak->switches, (unsigned long long)soak->in_order,
		(unsigned long long)soak->forgotten, grown_kb);
	for (unsigned reason = 0; reason < DROP_COUNT; reason++)
		if (soak->drops[reason] != 0)
			print_message("  %s %llu\n", drop_reason_name((enum drop_reason)reason),
				(unsigned long long)soak->drops[reason]);
}

static double wanted_seconds(void)
{
	const char *wanted = getenv("SOAK_SECONDS");
	double seconds = wanted != NULL ? strtod(wanted, NULL) : SECONDS_USUAL;

	return (seconds > 0 ? seconds : SECONDS_USUAL) / TESTS;
}

static uint64_t wanted_seed(void)
{
	const char *wanted = getenv("SOAK_SEED");
	uint64_t seed = wanted != NULL ? strtoull(wanted, NULL, 10) : (uint64_t)time(NULL);

	return seed != 0 ? seed : 1;
}

/* From the start of a test to its end: after a failure threads are in the middle of anything. */
static bool running;

/* The time is divided among the tests; memory is compared from a fifth of it on. */
static void soak(enum dataplane_role role, bool spread, const enum soak_path *paths, unsigned path_count)
{
	double begin = now_s(), seconds = wanted_seconds();
	uint64_t seed = wanted_seed();
	struct soak *soak;
	long before_kb = 0, grown_kb;

	if (running)
		fail_msg("not after the failure before");
	running = true;
	soak = start(role, spread, seed);
	print_message("SOAK_SEED=%llu\n", (unsigned long long)seed);
	while (now_s() < begin + seconds) {
		run_round(soak);
		if (before_kb == 0 && now_s() > begin + seconds / 5)
			before_kb = resident_kb();
	}
	grown_kb = resident_kb() - before_kb;
	stop_control(soak);
	report(soak, seconds, grown_kb);
	check_tables(soak);
	if (is_watched_memory())
		assert_true(grown_kb <= GROWTH_MAX_KB);
	for (unsigned i = 0; i < path_count; i++)
		assert_true(soak->out[paths[i]] > 0);
	assert_true(soak->world->updates > soak->rounds);
	for (unsigned w = 0; w < BED_WORKERS; w++)
		assert_true((counter_read(&soak->bed->workers[w]->stats->spread_out) > 0) == spread);
	assert_true(soak->forgotten <= soak->packets / 1000);
	assert_true(role == DATAPLANE_LMA || soak->in_order > 0 || soak->rounds < 100); /* a busy machine */
	stop(soak);
	running = false;
}

static void mag_forwards_mixed_traffic_right_through_churn(void **state)
{
	soak(DATAPLANE_MAG, false, (const enum soak_path[]){SOAK_UPLINK, SOAK_DOWNLINK, SOAK_DIRECT}, 3);
}

static void mag_that_spreads_flows_forwards_right_and_in_order_through_churn(void **state)
{
	soak(DATAPLANE_MAG, true, (const enum soak_path[]){SOAK_UPLINK, SOAK_DOWNLINK, SOAK_DIRECT}, 3);
}

static void lma_forwards_mixed_traffic_right_through_churn(void **state)
{
	soak(DATAPLANE_LMA, false, (const enum soak_path[]){SOAK_OUTSIDE, SOAK_INSIDE}, 2);
}

static void lma_that_spreads_flows_forwards_right_and_in_order_through_churn(void **state)
{
	soak(DATAPLANE_LMA, true, (const enum soak_path[]){SOAK_OUTSIDE, SOAK_INSIDE}, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mag_forwards_mixed_traffic_right_through_churn),
		cmocka_unit_test(lma_forwards_mixed_traffic_right_through_churn),
		cmocka_unit_test(mag_that_spreads_flows_forwards_right_and_in_order_through_churn),
		cmocka_unit_test(lma_that_spreads_flows_forwards_right_and_in_order_through_churn),
	};
	int failed;

	bed_eal_start();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	if (running) { /* they end with the process */
		fflush(NULL);
		(void)rmdir(rte_eal_get_runtime_dir());
		_exit(1);
	}
	bed_eal_stop();
	return failed;
}
