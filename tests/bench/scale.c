/* SPDX-License-Identifier: BSD-3-Clause */
#include "scale.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <rte_ethdev.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_ring.h>

#include "report.h"
#include "rx.h"

#define BATCH   32
#define BATCHES 32

#define RING_SIZE 1024 /* of packets for another worker */

#define UPDATE_SLICES 20 /* of a round, for each rate of updates */

/* ---- packets ---- */

void stream_init(struct stream *stream, struct rig *rig, unsigned worker, enum traffic_path path,
	const struct traffic_shape *shape, unsigned buffers, struct rte_mempool *pool)
{
	*stream = (struct stream){.rig = rig, .worker = worker, .buffer_count = buffers};
	traffic_init(&stream->traffic, rig, path, shape);
	stream->traffic.random += worker;
	stream->buffers = calloc(buffers, sizeof(*stream->buffers));
	if (stream->buffers == NULL || rte_pktmbuf_alloc_bulk(pool, stream->buffers, buffers) != 0)
		rig_die("no packet buffers");
}

void stream_fini(struct stream *stream)
{
	rte_pktmbuf_free_bulk(stream->buffers, stream->buffer_count);
	free(stream->buffers);
}

static void stream_offer(struct stream *s, struct rte_ring *ring)
{
	struct rte_mbuf **burst = &s->buffers[s->next];

	s->next = (s->next + STREAM_BURST) % s->buffer_count;
	for (unsigned i = 0; i < STREAM_BURST; i++) {
		rte_pktmbuf_reset(burst[i]);
		burst[i]->pkt_len = burst[i]->data_len =
			traffic_next(&s->traffic, rte_pktmbuf_mtod(burst[i], uint8_t *));
	}
	if (rte_ring_enqueue_bulk(ring, (void **)burst, STREAM_BURST, NULL) != STREAM_BURST)
		rig_die("receive ring full");
}

uint64_t stream_run(void *context, uint64_t *done)
{
	struct stream *s = context;
	const struct traffic_path_info *path = &traffic_paths[s->traffic.path];
	struct worker *worker = s->rig->worker[s->worker];
	struct rte_mbuf *sent[STREAM_BURST];
	uint64_t start, ticks;

	rig_count(s->rig, s->worker, s->count, s->watch);
	stream_offer(s, s->rig->receive[s->worker][path->in]);
	start = bench_tsc();
	rx_queue_poll(worker, &worker->queues[path->in]);
	if (s->updates) {
		worker_apply(worker, true);
		reclaim_reader_quiescent(worker->reclaim, worker->reader);
	}
	ticks = bench_tsc() - start;
	if (rte_ring_dequeue_bulk(s->rig->transmit[s->worker][path->out], (void **)sent, STREAM_BURST, NULL) !=
		STREAM_BURST)
		rig_die("a packet was not sent");
	*done += STREAM_BURST;
	atomic_store_explicit(
		&s->clocked, atomic_load_explicit(&s->clocked, memory_order_relaxed) + ticks, memory_order_relaxed);
	return ticks;
}

/* ---- updates ---- */

struct updates {
	struct rig *rig;
	uint64_t random;
	uint64_t pushed, missed; /* missed: the ring was full, or this core was late */
};

static bool push_update(struct updates *u)
{
	struct fwd_update update;

	rig_update(u->rig, (uint32_t)((bench_random(&u->random) >> 32) * u->rig->nodes >> 32), &update);
	return door_update_push(u->rig->door, &update) != 0;
}

static uint64_t apply_run(void *context, uint64_t *done)
{
	struct updates *u = context;
	struct worker *worker = u->rig->worker[0];
	uint64_t ticks = 0;

	for (unsigned batch = 0; batch < BATCHES; batch++) {
		uint64_t start;

		for (unsigned i = 0; i < BATCH; i++)
			if (!push_update(u))
				rig_die("the ring of updates is full");
		start = bench_tsc();
		*done += owner_apply(&u->rig->owner, BATCH);
		ticks += bench_tsc() - start;
		reclaim_reader_quiescent(worker->reclaim, worker->reader);
	}
	return ticks;
}

void scale_updates(struct rig *rig)
{
	struct updates updates = {.rig = rig, .random = 88172645463325252};
	struct bench bench = {.name = "owner_update",
		.flows = rig->nodes,
		.unit = "tsc/update",
		.run = apply_run,
		.context = &updates};
	struct worker *worker = rig->worker[0];

	reclaim_reader_online(worker->reclaim, worker->reader);
	for (unsigned round = 0; round <= BENCH_ROUNDS; round++)
		bench.rounds[round] = bench_round(&bench);
	reclaim_reader_offline(worker->reclaim, worker->reader);
	report_add(&bench, 0);
}

/* ---- another core ---- */

/* One round on another core; it starts when all are ready. */
struct round {
	struct bench *bench;
	struct worker *worker;
	double result;
	_Atomic unsigned *ready;
	unsigned wanted;
	_Atomic bool ended;
};

static struct worker *worker_of(const struct stream *stream)
{
	return stream->rig->worker[stream->worker];
}

static int round_run(void *argument)
{
	struct round *round = argument;
	struct worker *worker = round->worker;

	bench_prioritise();
	reclaim_reader_online(worker->reclaim, worker->reader);
	atomic_fetch_add(round->ready, 1);
	while (atomic_load(round->ready) < round->wanted)
		rte_pause();
	round->result = bench_round(round->bench);
	reclaim_reader_offline(worker->reclaim, worker->reader);
	atomic_store(&round->ended, true);
	return 0;
}

static unsigned other_core(void)
{
	return rte_get_next_lcore(-1, 1, 0);
}

/* Push @per_s updates per second of @stream's clock until the round on the other core has ended. */
static void write_updates(
	struct updates *u, uint64_t per_s, const struct stream *stream, uint64_t since, const struct round *round)
{
	uint64_t done = 0;

	while (!atomic_load_explicit(&round->ended, memory_order_relaxed)) {
		uint64_t clocked = atomic_load_explicit(&stream->clocked, memory_order_relaxed) - since;
		uint64_t due = clocked * per_s / rte_get_tsc_hz();

		if (due > done + BATCH) { /* either core was away: no storm afterwards */
			u->missed += due - done - BATCH;
			done = due - BATCH;
		}
		for (; done < due; done++)
			if (push_update(u))
				u->pushed++;
			else
				u->missed++;
		rte_pause();
	}
}

static double slice_with_writer(struct bench *bench, struct updates *updates, uint64_t per_s)
{
	const struct stream *stream = bench->context;
	_Atomic unsigned ready = 0;
	struct round round = {.bench = bench, .worker = worker_of(stream), .ready = &ready, .wanted = 1};
	uint64_t since = atomic_load(&stream->clocked);

	if (rte_eal_remote_launch(round_run, &round, other_core()) != 0)
		rig_die("the other core does not answer");
	write_updates(updates, per_s, stream, since, &round);
	rte_eal_wait_lcore(other_core());
	return round.result;
}

static const uint64_t update_rates[] = {0, 10000, 100000};
#define UPDATE_RATES RTE_DIM(update_rates)

/*
 * One round of each rate, in slices that take turns: what else goes on in the machine changes the ticks of a packet
 * more than updates do, but rarely from one slice to the next. The result is the median of the slices.
 */
static void round_with_writer(struct bench *benches, unsigned n, struct updates *updates)
{
	static double slices[UPDATE_RATES][UPDATE_SLICES];
	unsigned round_ms = bench_round_ms;

	bench_round_ms = RTE_MAX(round_ms / UPDATE_SLICES, 1u);
	for (unsigned slice = 0; slice < UPDATE_SLICES; slice++)
		for (unsigned i = 0; i < UPDATE_RATES; i++)
			slices[i][slice] = slice_with_writer(&benches[i], updates, update_rates[i]);
	bench_round_ms = round_ms;
	for (unsigned i = 0; i < UPDATE_RATES; i++) {
		qsort(slices[i], UPDATE_SLICES, sizeof(slices[i][0]), bench_compare);
		benches[i].rounds[n] = slices[i][UPDATE_SLICES / 2];
	}
}

void scale_with_writer(struct stream *stream)
{
	struct bench benches[UPDATE_RATES];
	char names[UPDATE_RATES][48];
	struct updates updates = {.rig = stream->rig, .random = 88172645463325252};

	if (other_core() == RTE_MAX_LCORE) {
		fprintf(stderr, "# one core: nothing is measured while another core writes\n");
		return;
	}
	stream->updates = true;
	for (unsigned i = 0; i < UPDATE_RATES; i++) {
		snprintf(names[i], sizeof(names[i]), "%s_updates_%u", traffic_paths[stream->traffic.path].name,
			(unsigned)update_rates[i]);
		benches[i] = (struct bench){.name = names[i],
			.flows = stream->rig->nodes,
			.unit = "tsc/packet",
			.run = stream_run,
			.context = stream};
	}
	for (unsigned n = 0; n <= BENCH_ROUNDS; n++)
		round_with_writer(benches, n, &updates);
	for (unsigned i = 0; i < UPDATE_RATES; i++)
		report_add(&benches[i], 1);
	if (updates.missed != 0)
		fprintf(stderr, "# %llu updates were pushed, %llu were not: too late, or no room in the ring\n",
			(unsigned long long)updates.pushed, (unsigned long long)updates.missed);
	stream->updates = false;
}

/* Both at once, the first one here. */
static double together(struct bench *first, struct bench *second)
{
	_Atomic unsigned ready = 0;
	struct round here = {.bench = first, .worker = worker_of(first->context), .ready = &ready, .wanted = 2};
	struct round there = {.bench = second, .worker = worker_of(second->context), .ready = &ready, .wanted = 2};

	if (rte_eal_remote_launch(round_run, &there, other_core()) != 0)
		rig_die("the other core does not answer");
	round_run(&here);
	rte_eal_wait_lcore(other_core());
	return (here.result + there.result) / 2;
}

static double alone_there(struct bench *bench)
{
	_Atomic unsigned ready = 0;
	struct round round = {.bench = bench, .worker = worker_of(bench->context), .ready = &ready, .wanted = 1};

	if (rte_eal_remote_launch(round_run, &round, other_core()) != 0)
		rig_die("the other core does not answer");
	rte_eal_wait_lcore(other_core());
	return round.result;
}

void scale_workers(const char *name, struct stream *first, struct stream *second)
{
	struct bench benches[2] = {{.run = stream_run, .context = first}, {.run = stream_run, .context = second}};
	char names[2][64];
	struct bench alone = {.name = names[0], .flows = first->rig->nodes, .unit = "tsc/packet"};
	struct bench both = {.name = names[1], .flows = first->rig->nodes, .unit = "tsc/packet"};

	if (other_core() == RTE_MAX_LCORE) {
		fprintf(stderr, "# one core: two workers are not measured\n");
		return;
	}
	snprintf(names[0], sizeof(names[0]), "%s_worker_alone", name);
	snprintf(names[1], sizeof(names[1]), "%s_two_workers", name);
	for (unsigned n = 0; n <= BENCH_ROUNDS; n++) {
		_Atomic unsigned ready = 0;
		struct round here = {.bench = &benches[0], .worker = worker_of(first), .ready = &ready, .wanted = 1};

		round_run(&here);
		alone.rounds[n] = (here.result + alone_there(&benches[1])) / 2;
		both.rounds[n] = together(&benches[0], &benches[1]);
	}
	report_add(&alone, 1);
	report_add(&both, 2);
}

/* ---- flows shared out ---- */

/* Waits outside of the clock: enough for the second to have whole bursts, and so few that no buffer comes round. */
#define SPREAD_WAITING 192

struct spread {
	struct stream *stream; /* of the first worker */
	struct worker *second;
	struct rte_ring *share;
	struct round *rounds[2];
};

static bool has_ended(const struct spread *s, unsigned side)
{
	return atomic_load_explicit(&s->rounds[side]->ended, memory_order_relaxed);
}

static void collect(const struct spread *s, unsigned worker)
{
	struct rte_ring *ring = s->stream->rig->transmit[worker][traffic_paths[s->stream->traffic.path].out];
	void *sent[STREAM_BURST];

	while (rte_ring_dequeue_burst(ring, sent, STREAM_BURST, NULL) != 0)
		;
}

static uint64_t first_run(void *context, uint64_t *done)
{
	struct spread *s = context;
	unsigned in = traffic_paths[s->stream->traffic.path].in;
	struct worker *worker = s->stream->rig->worker[0];
	uint64_t start, ticks;

	while (rte_ring_count(s->share) > SPREAD_WAITING && !has_ended(s, 1))
		rte_pause();
	if (rte_ring_count(s->share) > SPREAD_WAITING)
		return 0;
	stream_offer(s->stream, s->stream->rig->receive[0][in]);
	start = bench_tsc();
	rx_queue_poll(worker, &worker->queues[in]);
	ticks = bench_tsc() - start;
	collect(s, 0);
	*done += STREAM_BURST;
	return ticks;
}

static uint64_t second_run(void *context, uint64_t *done)
{
	struct spread *s = context;
	uint64_t start, ticks;

	while (rte_ring_count(s->share) < STREAM_BURST && !has_ended(s, 0))
		rte_pause();
	if (rte_ring_count(s->share) < STREAM_BURST)
		return 0;
	start = bench_tsc();
	*done += rx_share_poll(s->second, s->share);
	ticks = bench_tsc() - start;
	collect(s, 1);
	return ticks;
}

static void spread_round(struct spread *s, struct bench *benches, unsigned n)
{
	_Atomic unsigned ready = 0;
	struct round first = {.bench = &benches[0], .worker = s->stream->rig->worker[0], .ready = &ready, .wanted = 2};
	struct round second = {.bench = &benches[1], .worker = s->second, .ready = &ready, .wanted = 2};

	s->rounds[0] = &first;
	s->rounds[1] = &second;
	if (rte_eal_remote_launch(round_run, &second, other_core()) != 0)
		rig_die("the other core does not answer");
	round_run(&first);
	rte_eal_wait_lcore(other_core());
	reclaim_reader_online(s->second->reclaim, s->second->reader);
	while (rx_share_poll(s->second, s->share) != 0)
		collect(s, 1);
	reclaim_reader_offline(s->second->reclaim, s->second->reader);
	benches[0].rounds[n] = first.result;
	benches[1].rounds[n] = second.result;
}

void scale_spread(const char *name, struct stream *stream)
{
	struct rig *rig = stream->rig;
	struct worker *first = rig->worker[0];
	struct spread s = {.stream = stream, .second = rig->worker[1]};
	struct bench benches[2] = {{.run = first_run}, {.run = second_run}};
	char names[2][64];

	if (other_core() == RTE_MAX_LCORE)
		return;
	s.share = rte_ring_create("share", RING_SIZE, 0, RING_F_SP_ENQ | RING_F_SC_DEQ);
	if (s.share == NULL || worker_share(first, first, NULL) != 0 || worker_share(first, s.second, s.share) != 0)
		rig_die("no ring between workers");
	worker_spread_port(first, traffic_paths[stream->traffic.path].in);
	for (unsigned w = 0; w < RIG_WORKERS; w++) {
		rig_count(rig, w, stream->count, stream->watch);
		snprintf(names[w], sizeof(names[w]), "%s_spread_%s", name, w == 0 ? "first" : "second");
		benches[w].name = names[w];
		benches[w].flows = rig->nodes;
		benches[w].unit = "tsc/packet";
		benches[w].context = &s;
	}
	for (unsigned n = 0; n <= BENCH_ROUNDS; n++)
		spread_round(&s, benches, n);
	for (unsigned w = 0; w < RIG_WORKERS; w++)
		report_add(&benches[w], 2);
	first->spread = (struct worker_spread){0};
	s.second->share_count = 0;
	rte_ring_free(s.share);
}
