/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Route optimisation in process: pairs are seen by an LMA and set up between two MAGs, with messages from bytes to
 * bytes and authorisations, in direct mode (figure 2) and proxy mode (figure 6). Each engine's time is its own; a row
 * of a MAG is that of the one that takes longer. Then again with one engine on a host that goes through the rings to a
 * table owner on another core: its messages wait until their updates are applied.
 *
 * usage: bench_ro [PAIRS]
 */
#include "bench.h"

#include <inttypes.h>

#include "engine_door.h"
#include "ro_crowd.h"

#define BATCH      256
#define BATCH_DOOR 4096 /* what is on its way while the owner works */
#define NO_DOOR    CROWD_NODES

struct setup {
	struct crowd *crowd;
	struct engine_door *door;
	unsigned behind; /* the door */
	uint32_t pairs, done, batch;
	double rounds[CROWD_NODES][BENCH_ROUNDS + 1];
};

static void door_sent(void *context, const struct mh_datagram *datagram)
{
	struct setup *s = context;

	crowd_sent(s->crowd, datagram);
}

static void door_done(void *context, uint64_t cookie, int error)
{
	struct setup *s = context;

	crowd_done(s->crowd, s->behind, cookie, error);
}

static uint32_t door_poll(void *context)
{
	struct setup *s = context;

	return engine_door_poll(s->door);
}

static int setup_init(struct setup *s, uint32_t pairs, bool proxy, unsigned behind)
{
	const struct crowd_options options = {.pairs = pairs, .proxy = proxy, .clock = bench_tsc};

	*s = (struct setup){.pairs = pairs, .behind = behind, .batch = behind == NO_DOOR ? BATCH : BATCH_DOOR};
	s->crowd = crowd_create(&options);
	if (s->crowd == NULL)
		return -1;
	if (behind == NO_DOOR)
		return 0;
	s->door = engine_door_create(&(struct engine_door_config){
		.nodes = 64, .tunnels = 64, .pairs = pairs, .done = door_done, .sent = door_sent, .context = s});
	if (s->door == NULL)
		return -1;
	return crowd_set_host(s->crowd, behind, engine_door_host(s->door), door_poll, s);
}

static void setup_fini(struct setup *s)
{
	crowd_destroy(s->crowd);
	engine_door_destroy(s->door);
}

static void run_round(struct setup *s, unsigned round)
{
	uint32_t begin = s->done, end = (uint32_t)((uint64_t)s->pairs * (round + 1) / (BENCH_ROUNDS + 1));
	uint64_t before[CROWD_NODES];

	for (unsigned i = 0; i < CROWD_NODES; i++)
		before[i] = crowd_ticks(s->crowd, i);
	while (s->done < end) {
		uint32_t count = end - s->done < s->batch ? end - s->done : s->batch;

		crowd_start(s->crowd, s->done, count);
		crowd_run(s->crowd);
		crowd_pass(s->crowd, 1);
		s->done += count;
	}
	for (unsigned i = 0; i < CROWD_NODES; i++)
		s->rounds[i][round] = (double)(end - begin) * (double)rte_get_tsc_hz() /
				      (double)(crowd_ticks(s->crowd, i) - before[i]);
}

static bool all_active(const struct setup *s)
{
	bool all = true;

	for (unsigned i = 0; i < CROWD_NODES; i++) {
		struct ro_stats stats;

		ro_stats(crowd_ro(s->crowd, i), &stats);
		if (stats.active != s->pairs)
			fprintf(stderr, "engine %u: %" PRIu32 " of %" PRIu32 " pairs are active\n", i, stats.active,
				s->pairs);
		all = all && stats.active == s->pairs;
	}
	return all && (s->door == NULL || engine_door_refused(s->door) == 0);
}

static void report(struct setup *s, const char *name, unsigned node)
{
	bench_report(name, s->pairs, "1/s", s->rounds[node]);
}

static void report_bytes(const struct setup *s)
{
	double rounds[BENCH_ROUNDS + 1];
	struct ro_stats stats;

	ro_stats(crowd_ro(s->crowd, CROWD_MAG1), &stats);
	for (unsigned i = 0; i <= BENCH_ROUNDS; i++)
		rounds[i] = (double)stats.association_bytes / stats.pairs;
	bench_report("ro_bytes_per_association", s->pairs, "B", rounds);
}

static int measure(uint32_t pairs, bool proxy, unsigned behind)
{
	struct setup *s = calloc(1, sizeof(*s));
	int status = -1;
	unsigned mag;

	if (s == NULL || setup_init(s, pairs, proxy, behind) != 0) {
		fprintf(stderr, "%" PRIu32 " pairs: no memory\n", pairs);
		goto out;
	}
	for (unsigned round = 0; round <= BENCH_ROUNDS; round++)
		run_round(s, round);
	mag = s->rounds[CROWD_MAG1][BENCH_ROUNDS] < s->rounds[CROWD_MAG2][BENCH_ROUNDS] ? CROWD_MAG1 : CROWD_MAG2;
	if (behind == CROWD_LMA) {
		report(s, "ro_direct_setups_per_s_lma_door", CROWD_LMA);
	} else if (behind != NO_DOOR) {
		report(s, "ro_direct_setups_per_s_mag_door", behind);
	} else {
		report(s, proxy ? "ro_proxy_setups_per_s_lma" : "ro_direct_setups_per_s_lma", CROWD_LMA);
		report(s, proxy ? "ro_proxy_setups_per_s_mag" : "ro_direct_setups_per_s_mag", mag);
		if (!proxy)
			report_bytes(s);
	}
	status = all_active(s) ? 0 : -1;
out:
	if (s != NULL)
		setup_fini(s);
	free(s);
	return status;
}

int main(int argc, char **argv)
{
	uint64_t pairs = argc > 1 ? strtoull(argv[1], NULL, 10) : 200000;
	int status = 0;

	if (argc > 2 || pairs < 8 * BATCH || pairs > 10000000) {
		fprintf(stderr, "usage: bench_ro [PAIRS]   (at least %d)\n", 8 * BATCH);
		return 2;
	}
	if (bench_start(argv[0], (unsigned)(192 + pairs / 1024)) != 0)
		return 1;
	for (unsigned proxy = 0; proxy < 2 && status == 0; proxy++)
		status = measure((uint32_t)pairs, proxy, NO_DOOR);
	if (status == 0)
		status = measure((uint32_t)pairs, false, CROWD_MAG2); /* gets the Init */
	if (status == 0)
		status = measure((uint32_t)pairs, false, CROWD_LMA);
	rte_eal_cleanup();
	return status == 0 ? 0 : 1;
}
