/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker.h"

#include <time.h>
#include <sys/prctl.h>
#include <rte_ring.h>

#include "pipeline.h"
#include "rx.h"

#define OWNER_BUDGET   128  /* updates per turn */
#define TIMER_SLACK_NS 1000 /* the kernel's default of 50 us would more than triple the shortest sleep */

static unsigned turn(struct worker *w, bool receive)
{
	unsigned done = 0;

	for (unsigned i = 0; receive && i < w->queue_count; i++)
		done += rx_queue_poll(w, &w->queues[i]);
	for (unsigned i = 0; i < w->handover_count; i++)
		done += rx_handover_poll(w, w->handover_in[i], w->handover_port[i]);
	done += rx_inject_poll(w);
	if (w->owner != NULL) {
		unsigned applied = owner_apply(w->owner, OWNER_BUDGET);

		counter_add(&w->stats->updates, applied);
		done += applied;
	}
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
	return w->idle_sleep && (w->owner == NULL || !owner_has_work(w->owner));
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

	for (unsigned i = 0; i < w->handover_count; i++)
		n += discard_ring(w, w->handover_in[i]);
	return n;
}
