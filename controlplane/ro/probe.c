/* SPDX-License-Identifier: BSD-3-Clause */
#include "ro/probe.h"

#include <stdlib.h>
#include <string.h>

#include "timer_wheel.h"

#define TARGETS_MAX  256  /* peers that are asked at a time */
#define DOUBTS_MAX   256  /* RO Errors that wait for the next 100 ms */
#define IDLE_WAIT_MS 250  /* without a pair that sends direct */
#define IDLE_MS      2000 /* a pair that has not sent for so long does not send */

/* A pair at the last looks; times are those of looks, low 32 bits of ms. */
struct watch {
	uint32_t generation; /* of the pair, + 1; 0: never seen */
	uint32_t sent, received;
	uint32_t seen_ms;     /* the last look */
	uint32_t before_ms;   /* the look before the one that found something received */
	uint32_t received_ms; /* and that one, or the first */
	uint32_t quiet_ms;    /* sends since then without receiving; 0: does not */
	uint32_t sent_ms;     /* the look that found something sent */
	bool is_silent;       /* and that has lasted */
};

/* A peer that is asked. */
struct target {
	struct in6_addr peer;
	uint64_t silent_ms; /* a pair with it was last found silent */
	uint64_t next_ms;   /* the answer is due */
	uint16_t sequence;
	uint8_t losses;
	bool proxy, outstanding;
};

/* An RO Error that may be true. */
struct doubt {
	uint64_t source, destination;
	struct in6_addr peer;
	uint64_t due_ms;
	uint32_t index, generation;
	uint32_t received;
};

struct probe {
	const struct probe_ops *ops;
	void *context;
	struct watch *watches;
	uint32_t max_pairs;
	uint32_t cursor;
	uint64_t round_ms, last_round_ms; /* beginnings of this round and of the last whole one */
	uint64_t slice_ms;                /* the next slice */
	struct target targets[TARGETS_MAX];
	unsigned target_count;
	struct doubt doubts[DOUBTS_MAX]; /* in the order of their time */
	unsigned doubt_count;
	uint32_t watched;
	uint16_t sequence;
	struct probe_stats stats;
};

struct probe *probe_create(
	uint32_t max_pairs, const struct probe_ops *ops, void *context, const struct engine_time *now)
{
	struct probe *probe = calloc(1, sizeof(*probe));

	if (probe == NULL)
		return NULL;
	probe->ops = ops;
	probe->context = context;
	probe->max_pairs = max_pairs;
	probe->round_ms = probe->last_round_ms = probe->slice_ms = engine_ms(now);
	probe->watches = calloc((size_t)max_pairs + 1, sizeof(*probe->watches));
	if (probe->watches == NULL) {
		free(probe);
		return NULL;
	}
	return probe;
}

void probe_destroy(struct probe *probe)
{
	if (probe == NULL)
		return;
	free(probe->watches);
	free(probe);
}

/* ---- peers ---- */

static struct target *target_find(struct probe *probe, const struct in6_addr *peer)
{
	for (unsigned i = 0; i < probe->target_count; i++)
		if (memcmp(&probe->targets[i].peer, peer, sizeof(*peer)) == 0)
			return &probe->targets[i];
	return NULL;
}

static void target_ask(struct probe *probe, struct target *target, uint64_t now_ms)
{
	target->outstanding = true;
	target->sequence = ++probe->sequence;
	target->next_ms = now_ms + PROBE_WAIT_MS;
	probe->stats.asked++;
	probe->ops->ask(probe->context, &target->peer, target->proxy, target->sequence);
}

static void suspect(struct probe *probe, const struct ro_direct *direct, uint64_t now_ms)
{
	struct target *target = target_find(probe, &direct->peer);

	if (target != NULL) {
		target->silent_ms = now_ms;
		return;
	}
	if (probe->target_count == TARGETS_MAX) {
		probe->stats.overflowed++;
		return;
	}
	target = &probe->targets[probe->target_count++];
	*target = (struct target){.peer = direct->peer, .silent_ms = now_ms, .proxy = direct->proxy};
	target_ask(probe, target, now_ms);
}

void probe_answered(struct probe *probe, const struct in6_addr *peer)
{
	struct target *target = target_find(probe, peer);

	if (target == NULL)
		return;
	target->outstanding = false;
	target->losses = 0;
}

/* What is due of a peer; false: it is not asked any more. */
static bool target_judge(struct probe *probe, struct target *target, uint64_t now_ms)
{
	struct in6_addr peer = target->peer;

	if (target->silent_ms < probe->last_round_ms)
		return false; /* its pairs receive again, or do not send */
	target->losses = (uint8_t)(target->losses + target->outstanding);
	if (target->losses < PROBE_LOSSES) {
		target_ask(probe, target, now_ms);
		return true;
	}
	probe->stats.lost++;
	probe->ops->lost(probe->context, &peer);
	return false;
}

static uint64_t targets_run(struct probe *probe, uint64_t now_ms)
{
	uint64_t next_ms = TIMER_NEVER;

	for (unsigned i = 0; i < probe->target_count;) {
		struct target *target = &probe->targets[i];

		if (target->next_ms <= now_ms && !target_judge(probe, target, now_ms)) {
			*target = probe->targets[--probe->target_count];
			continue;
		}
		if (target->next_ms < next_ms)
			next_ms = target->next_ms;
		i++;
	}
	return next_ms;
}

/* ---- pairs ---- */

static uint32_t stamp(uint64_t ms)
{
	return (uint32_t)ms != 0 ? (uint32_t)ms : 1;
}

static bool is_older(uint32_t then_ms, uint64_t now_ms, uint32_t age_ms)
{
	return (uint32_t)now_ms - then_ms > age_ms;
}

/* Packets went out, or came in, or neither, since the last look. */
static void judge_silence(struct watch *watch, bool sends, bool receives, uint64_t now_ms)
{
	if (receives || (!sends && watch->quiet_ms != 0 && is_older(watch->sent_ms, now_ms, IDLE_MS))) {
		watch->quiet_ms = 0;
		watch->is_silent = false;
	} else if (sends && watch->quiet_ms == 0) {
		watch->quiet_ms = stamp(now_ms);
	} else if (sends && is_older(watch->quiet_ms, now_ms, PROBE_SILENCE_MS - 1)) {
		watch->is_silent = true;
	}
	if (sends)
		watch->sent_ms = stamp(now_ms);
}

static void look(struct probe *probe, const struct ro_direct *direct, uint64_t now_ms)
{
	struct watch *watch = &probe->watches[direct->index];
	bool is_fresh = watch->generation == direct->generation + 1 &&
			(int32_t)(watch->seen_ms - (uint32_t)probe->last_round_ms) >= 0;
	bool was_silent = watch->is_silent, receives;
	uint64_t sent, received;

	if (!probe->ops->packets(probe->context, direct->index, &sent, &received))
		return;
	if (!is_fresh) { /* it did not send direct when it was passed by last */
		*watch = (struct watch){.generation = direct->generation + 1,
			.sent = (uint32_t)sent,
			.received = (uint32_t)received,
			.seen_ms = stamp(now_ms),
			.before_ms = stamp(now_ms),
			.received_ms = stamp(now_ms)};
		return;
	}
	receives = (uint32_t)received != watch->received;
	if (receives) {
		watch->before_ms = watch->seen_ms;
		watch->received_ms = stamp(now_ms);
	}
	judge_silence(watch, (uint32_t)sent != watch->sent, receives, now_ms);
	watch->sent = (uint32_t)sent;
	watch->received = (uint32_t)received;
	watch->seen_ms = stamp(now_ms);
	probe->stats.silent += watch->is_silent && !was_silent;
	if (watch->is_silent)
		suspect(probe, direct, now_ms);
}

static void round_end(struct probe *probe, uint64_t now_ms)
{
	uint64_t pause_ms = probe->watched > 0 ? PROBE_ROUND_MS : IDLE_WAIT_MS;
	uint64_t next_ms = probe->round_ms + pause_ms;

	probe->cursor = 0;
	probe->last_round_ms = probe->round_ms;
	probe->round_ms = next_ms > now_ms ? next_ms : now_ms;
	probe->slice_ms = probe->round_ms;
	probe->stats.watched = probe->watched;
	probe->watched = 0;
}

static void slice(struct probe *probe, uint64_t now_ms)
{
	uint32_t end = probe->ops->end(probe->context), stop;
	struct ro_direct direct;

	if (end > probe->max_pairs)
		end = probe->max_pairs;
	stop = end - probe->cursor > PROBE_SLICE && probe->cursor < end ? probe->cursor + PROBE_SLICE : end;
	while (probe->cursor < stop &&
		probe->ops->next(probe->context, &probe->cursor, stop - probe->cursor, &direct)) {
		look(probe, &direct, now_ms);
		probe->watched++;
		probe->cursor++;
	}
	probe->slice_ms = now_ms + PROBE_SLICE_MS;
	if (probe->cursor >= end)
		round_end(probe, now_ms);
}

/* ---- RO Errors ---- */

enum verdict { VERDICT_TRUE, VERDICT_FALSE, VERDICT_OPEN };

/* Did a packet come in the last 100 ms? It came between two looks, or after the last one. */
static enum verdict judge_error(const struct watch *watch, bool is_known, uint32_t received, uint64_t now_ms)
{
	bool moved = received != watch->received;
	uint32_t earliest_ms = moved ? watch->seen_ms : watch->before_ms;
	uint32_t latest_ms = moved ? stamp(now_ms) : watch->received_ms;

	if (!is_known)
		return VERDICT_OPEN;
	if (is_older(latest_ms, now_ms, PROBE_RECENT_MS))
		return VERDICT_TRUE;
	return is_older(earliest_ms, now_ms, PROBE_RECENT_MS) || earliest_ms == latest_ms ? VERDICT_OPEN
											  : VERDICT_FALSE;
}

static void believe(struct probe *probe, uint64_t source, uint64_t destination, const struct in6_addr *peer)
{
	probe->stats.errors++;
	probe->ops->error(probe->context, source, destination, peer);
}

static bool is_doubted(const struct probe *probe, const struct ro_direct *direct)
{
	for (unsigned i = 0; i < probe->doubt_count; i++)
		if (probe->doubts[i].index == direct->index && probe->doubts[i].generation == direct->generation)
			return true;
	return false;
}

void probe_error(struct probe *probe, const struct engine_time *now, uint64_t source, uint64_t destination,
	const struct in6_addr *peer)
{
	uint64_t now_ms = engine_ms(now), sent, received;
	enum verdict verdict = VERDICT_TRUE;
	const struct watch *watch;
	struct ro_direct direct;

	if (!probe->ops->find(probe->context, source, destination, &direct) || direct.index >= probe->max_pairs ||
		memcmp(&direct.peer, peer, sizeof(*peer)) != 0 || is_doubted(probe, &direct))
		return;
	watch = &probe->watches[direct.index];
	if (probe->ops->packets(probe->context, direct.index, &sent, &received))
		verdict = judge_error(watch, watch->generation == direct.generation + 1, (uint32_t)received, now_ms);
	if (verdict == VERDICT_TRUE) {
		believe(probe, source, destination, peer);
	} else if (verdict == VERDICT_FALSE) {
		probe->stats.refuted++;
	} else if (probe->doubt_count == DOUBTS_MAX) {
		probe->stats.overflowed++;
	} else {
		probe->stats.undecided++;
		probe->doubts[probe->doubt_count++] = (struct doubt){.source = source,
			.destination = destination,
			.peer = *peer,
			.due_ms = now_ms + PROBE_RECENT_MS,
			.index = direct.index,
			.generation = direct.generation,
			.received = (uint32_t)received};
	}
}

static void doubt_end(struct probe *probe, const struct doubt *doubt)
{
	struct ro_direct direct;
	uint64_t sent, received;

	if (!probe->ops->find(probe->context, doubt->source, doubt->destination, &direct) ||
		direct.index != doubt->index || direct.generation != doubt->generation)
		return;
	if (probe->ops->packets(probe->context, doubt->index, &sent, &received) &&
		(uint32_t)received != doubt->received)
		probe->stats.refuted++;
	else
		believe(probe, doubt->source, doubt->destination, &doubt->peer);
}

static uint64_t doubts_run(struct probe *probe, uint64_t now_ms)
{
	unsigned due = 0;

	while (due < probe->doubt_count && probe->doubts[due].due_ms <= now_ms)
		doubt_end(probe, &probe->doubts[due++]);
	probe->doubt_count -= due;
	memmove(probe->doubts, probe->doubts + due, probe->doubt_count * sizeof(probe->doubts[0]));
	return probe->doubt_count > 0 ? probe->doubts[0].due_ms : TIMER_NEVER;
}

uint64_t probe_advance(struct probe *probe, const struct engine_time *now)
{
	uint64_t now_ms = engine_ms(now), next_ms, doubt_ms;

	if (probe->slice_ms <= now_ms)
		slice(probe, now_ms);
	next_ms = targets_run(probe, now_ms);
	doubt_ms = doubts_run(probe, now_ms);
	if (doubt_ms < next_ms)
		next_ms = doubt_ms;
	return probe->slice_ms < next_ms ? probe->slice_ms : next_ms;
}

void probe_stats(const struct probe *probe, struct probe_stats *stats)
{
	*stats = probe->stats;
	stats->peers = probe->target_count;
}
