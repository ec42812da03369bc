/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker.h"

#include <errno.h>
#include <time.h>
#include <sys/prctl.h>
#include <rte_cycles.h>
#include <rte_malloc.h>
#include <rte_ring.h>

#include "pipeline.h"
#include "rx.h"

#define OWNER_BUDGET      128  /* updates per turn */
#define OWNER_GATHER_US   50   /* while there are packets: in a batch an update costs half of what it does alone */
#define SIGNALLING_FACTOR 100  /* a peer speaks for many mobile nodes */
#define SOURCE_BURST_MIN  8    /* a host that attaches sends some packets at once */
#define TIMER_SLACK_NS    1000 /* the kernel's default of 50 us would more than triple the shortest sleep */

static void set_limits(struct worker_limits *limits, const struct dataplane_config *config)
{
	uint64_t hz = rte_get_tsc_hz();
	uint32_t reasons = RTE_MAX(config->punts_per_s, 1u), sources = RTE_MAX(config->source_punts_per_s, 1u);

	*limits = (struct worker_limits){
		.reason_interval = hz / reasons,
		.source_interval = hz / sources,
		.pair_error_interval = hz / PAIR_ERRORS_PER_S,
		.peer_error_interval = hz / PEER_ERRORS_PER_S * RTE_MAX(config->worker_count, 1u),
		.signalling_interval = hz / ((uint64_t)reasons * SIGNALLING_FACTOR),
		.reason_burst = RTE_MAX(config->punt_burst, 1u),
		.source_burst = RTE_MAX(RTE_MIN(config->punt_burst, sources), (uint32_t)SOURCE_BURST_MIN),
		.signalling_burst = RTE_MAX(config->punt_burst, 1u) * SIGNALLING_FACTOR,
	};
}

/* Watch pairs if some threshold is given. 0 or -ENOMEM. */
static int make_sketch(struct worker *w, const struct dataplane_config *config, int numa)
{
	uint32_t window_ms = config->pair_window_ms != 0 ? config->pair_window_ms : PAIR_WINDOW_MS;
	struct pair_thresholds thresholds = {.sample = config->pair_sample,
		.packets = config->pair_packets,
		.bytes = config->pair_bytes,
		.window = rte_get_tsc_hz() / 1000 * window_ms};

	if (w->gateway->pair_told == NULL)
		return 0;
	w->sketch = rte_zmalloc_socket("pair sketch", sizeof(*w->sketch), RTE_CACHE_LINE_SIZE, numa);
	if (w->sketch == NULL)
		return -ENOMEM;
	pair_sketch_init(w->sketch, &thresholds, w->gateway->pair_told);
	return 0;
}

/* 0 or -ENOMEM. */
static int make_hold(struct worker *w, const struct dataplane_config *config, int numa)
{
	w->label_mask = config->hold_packets == 0 ? UINT64_MAX : 0;
	if (config->hold_packets == 0 || config->role != DATAPLANE_MAG)
		return 0;
	w->hold = rte_zmalloc_socket("held packets", sizeof(*w->hold), RTE_CACHE_LINE_SIZE, numa);
	if (w->hold == NULL)
		return -ENOMEM;
	hold_init(w->hold, config->hold_packets, rte_get_tsc_hz() / 1000 * config->hold_deadline_ms);
	return 0;
}

int worker_init(struct worker *w, const struct worker_setup *setup)
{
	struct door_worker *door_worker = &setup->door->worker[setup->number];
	int error;

	w->gateway = setup->gateway;
	w->tables = setup->tables;
	w->pipeline = pipeline_for(setup->config->role);
	w->stats = door_worker->stats;
	w->node_counters = door_worker->objects.nodes;
	w->tunnel_counters = door_worker->objects.tunnels;
	w->pair_counters = door_worker->objects.pairs;
	w->pairs_max = setup->door->config.pairs_max;
	w->nodes_max = setup->door->config.nodes_max;
	w->tunnels_max = setup->door->config.tunnels_max;
	for (unsigned port = 0; port < PORTS_MAX; port++)
		w->ways[port] = (struct worker_way){.queue = QUEUE_NONE};
	set_limits(&w->limits, setup->config);
	w->door = setup->door;
	w->door_worker = door_worker;
	w->reclaim = &setup->tables->reclaim;
	w->owner = setup->owner;
	w->gather = rte_get_tsc_hz() / 1000000 * OWNER_GATHER_US;
	w->number = w->reader = setup->number;
	w->idle_sleep = setup->config->idle_sleep;
	error = reclaim_reader_register(w->reclaim, w->reader);
	if (error == 0)
		error = make_sketch(w, setup->config, setup->numa);
	return error == 0 ? make_hold(w, setup->config, setup->numa) : error;
}

void worker_fini(struct worker *w)
{
	reclaim_reader_unregister(w->reclaim, w->reader);
	rte_free(w->sketch);
	rte_free(w->hold);
	w->sketch = NULL;
	w->hold = NULL;
}

int worker_add_queue(struct worker *w, uint16_t port, uint16_t ethdev, uint16_t queue)
{
	if (w->queue_count == WORKER_QUEUES_MAX)
		return -ENOSPC;
	w->queues[w->queue_count++] = (struct worker_queue){port, ethdev, queue};
	return 0;
}

void worker_set_way(struct worker *w, uint16_t port, uint16_t ethdev, uint16_t queue)
{
	w->ways[port] = (struct worker_way){.ethdev = ethdev, .queue = queue};
}

int worker_hand_over(struct worker *w, struct worker *to, uint16_t port, struct rte_ring *ring)
{
	if (to->inlet_count == HANDOVER_MAX)
		return -ENOSPC;
	to->inlets[to->inlet_count++] = (struct worker_inlet){ring, port};
	w->ways[port] = (struct worker_way){.queue = QUEUE_NONE, .handover = ring};
	return 0;
}

int worker_share(struct worker *w, struct worker *to, struct rte_ring *ring)
{
	if (w->spread.count == WORKERS_MAX || to->share_count == WORKERS_MAX)
		return -ENOSPC;
	w->spread.to[w->spread.count++] = ring;
	if (ring != NULL)
		to->shares[to->share_count++] = ring;
	return 0;
}

void worker_spread_port(struct worker *w, uint16_t port)
{
	_Static_assert(PORTS_MAX <= 32, "ports are bits of a word");
	w->spread.ports |= UINT32_C(1) << port;
}

static bool holds_packets(const struct worker *w)
{
	return w->hold != NULL && w->hold->packets != 0;
}

unsigned worker_apply(struct worker *w, bool busy)
{
	if (busy && w->now - w->applied_at < w->gather)
		return 0;
	w->applied_at = w->now;
	return owner_apply(w->owner, OWNER_BUDGET);
}

static unsigned turn(struct worker *w, bool receive)
{
	unsigned done = 0;

	for (unsigned i = 0; receive && i < w->queue_count; i++)
		done += rx_queue_poll(w, &w->queues[i]);
	for (unsigned i = 0; i < w->share_count; i++)
		done += rx_share_poll(w, w->shares[i]);
	for (unsigned i = 0; i < w->inlet_count; i++)
		done += rx_handover_poll(w, &w->inlets[i]);
	done += rx_inject_poll(w);
	if (w->owner != NULL)
		done += worker_apply(w, done != 0);
	if (holds_packets(w))
		done += pair_hold_poll(w, !receive);
	reclaim_reader_quiescent(w->reclaim, w->reader);
	counter_add(&w->stats->loops, 1);
	if (done == 0)
		counter_add(&w->stats->empty_loops, 1);
	return done;
}

unsigned worker_poll(struct worker *w)
{
	return turn(w, true);
}

static void idle_sleep(struct worker *w, unsigned sleep_us)
{
	const struct timespec duration = {.tv_nsec = sleep_us * 1000L};

	counter_add(&w->stats->sleeps, 1);
	reclaim_reader_offline(w->reclaim, w->reader);
	nanosleep(&duration, NULL);
	reclaim_reader_online(w->reclaim, w->reader);
}

static bool may_sleep(const struct worker *w)
{
	return w->idle_sleep && !holds_packets(w) && (w->owner == NULL || !owner_has_work(w->owner));
}

int worker_loop(void *argument)
{
	struct worker *w = argument;
	unsigned idle = 0, sleep_us = WORKER_SLEEP_MIN_US;
	uint32_t stop;

	prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS);
	reclaim_reader_online(w->reclaim, w->reader);
	while ((stop = atomic_load_explicit(&w->stop, memory_order_relaxed)) != WORKER_STOP) {
		unsigned done = turn(w, stop == WORKER_RUN);

		if (stop == WORKER_DRAIN)
			atomic_store_explicit(&w->drained, done == 0, memory_order_release);
		if (done != 0) {
			idle = 0;
			sleep_us = WORKER_SLEEP_MIN_US;
		} else if (++idle >= WORKER_IDLE_LOOPS && may_sleep(w)) {
			idle_sleep(w, sleep_us);
			sleep_us = RTE_MIN(2 * sleep_us, (unsigned)WORKER_SLEEP_MAX_US);
		}
	}
	reclaim_reader_offline(w->reclaim, w->reader);
	return 0;
}

static unsigned discard_ring(struct worker *w, struct rte_ring *ring)
{
	struct rte_mbuf *pkts[VECTOR_MAX];
	unsigned n, all = 0;

	while ((n = rte_ring_sc_dequeue_burst(ring, (void **)pkts, VECTOR_MAX, NULL)) != 0) {
		for (unsigned i = 0; i < n; i++)
			push_drop(w, pkts[i], DROP_shutdown);
		pipeline_run(w);
		all += n;
	}
	return all;
}

unsigned worker_discard(struct worker *w)
{
	unsigned n = discard_ring(w, w->door_worker->inject);

	for (unsigned i = 0; i < w->share_count; i++)
		n += discard_ring(w, w->shares[i]);
	for (unsigned i = 0; i < w->inlet_count; i++)
		n += discard_ring(w, w->inlets[i].ring);
	if (holds_packets(w))
		n += pair_hold_discard(w);
	return n;
}
