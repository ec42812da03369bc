/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * What the measuring programs share. A measured function does some work of at least one burst and returns the TSC
 * ticks that it took; several of them are measured in turn, round by round, so that a disturbance of the machine meets
 * all alike. Each result is one line of JSON on standard output.
 */
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_memory.h>

#define BENCH_ROUNDS   7
#define BENCH_ROUND_MS 100

/* How long a round takes. */
static unsigned bench_round_ms = BENCH_ROUND_MS;

struct bench {
	const char *name;
	uint64_t flows;
	const char *unit;
	/* Does some work, adds the number of units done to @done, returns the ticks. */
	uint64_t (*run)(void *context, uint64_t *done);
	void *context;
	double rounds[BENCH_ROUNDS + 1];
};

/* xorshift64; @state must not be 0. */
static inline uint64_t bench_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static inline uint64_t bench_tsc(void)
{
	uint64_t tsc;

	__asm__ volatile("lfence" ::: "memory");
	tsc = rte_rdtsc();
	__asm__ volatile("lfence" ::: "memory");
	return tsc;
}

static inline double bench_round(struct bench *bench)
{
	uint64_t end = rte_rdtsc() + rte_get_tsc_hz() / 1000 * bench_round_ms, ticks = 0, done = 0;

	do
		ticks += bench->run(bench->context, &done);
	while (rte_rdtsc() < end);
	return (double)ticks / (double)done;
}

static inline int bench_compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* One line of a result: BENCH_ROUNDS + 1 rounds, of which the first does not count. Sorts them. */
static inline void bench_report(const char *name, uint64_t flows, const char *unit, double *all_rounds)
{
	double *rounds = all_rounds + 1;

	qsort(rounds, BENCH_ROUNDS, sizeof(*rounds), bench_compare);
	printf("{\"name\": \"%s\", \"flows\": %llu, \"unit\": \"%s\", \"min\": %.1f, \"median\": %.1f, "
	       "\"max\": %.1f}\n",
		name, (unsigned long long)flows, unit, rounds[0], rounds[BENCH_ROUNDS / 2], rounds[BENCH_ROUNDS - 1]);
	fflush(stdout);
}

/* Measure @n functions in turn; the first round does not count. Prints and returns nothing else. */
static inline void bench_measure(struct bench *benches, unsigned n)
{
	for (unsigned round = 0; round <= BENCH_ROUNDS; round++) {
		for (unsigned i = 0; i < n; i++)
			benches[i].rounds[round] = bench_round(&benches[i]);
	}
	for (unsigned i = 0; i < n; i++)
		bench_report(benches[i].name, benches[i].flows, benches[i].unit, benches[i].rounds);
}

/* Core clock per TSC tick: a chain of dependent additions. Below what the machine gives at rest, it was disturbed. */
static inline double bench_core_clock(void)
{
	const uint64_t n = 100 * 1000 * 1000;
	uint64_t x = 0, tsc = bench_tsc();

	for (uint64_t i = 0; i < n; i++)
		__asm__ volatile("add $1, %0" : "+r"(x));
	return (double)n / (double)(bench_tsc() - tsc);
}

/* Real-time priority for the calling thread; EAL does not survive it before its start. */
static inline void bench_prioritise(void)
{
	const struct sched_param priority = {.sched_priority = 50};

	if (sched_setscheduler(0, SCHED_FIFO, &priority) != 0)
		fprintf(stderr, "# no real-time priority: expect noise\n");
}

/*
 * Start EAL: with huge pages if @memory_mb of them are there, else without; with the virtual device @vdev if it is not
 * NULL. Says on standard error what it got.
 */
static inline int bench_start_eal(const char *program, unsigned memory_mb, const char *vdev)
{
	char prefix[32], memory[16],
		*huge[] = {(char *)(uintptr_t)program, (char *)(uintptr_t) "--in-memory", NULL, NULL};
	char *plain[] = {huge[0], (char *)(uintptr_t) "--no-huge", NULL, NULL};
	unsigned free_pages = 0;
	FILE *file = fopen("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "r");
	char *argv[18], **choice;
	int argc = 0;

	if (file != NULL) {
		if (fscanf(file, "%u", &free_pages) != 1)
			free_pages = 0;
		fclose(file);
	}
	snprintf(prefix, sizeof(prefix), "bench%d", (int)getpid());
	snprintf(memory, sizeof(memory), "%u", memory_mb);
	choice = free_pages * 2 >= memory_mb ? huge : plain;
	while (*choice != NULL)
		argv[argc++] = *choice++;
	argv[argc++] = (char *)(uintptr_t) "-m";
	argv[argc++] = memory;
	argv[argc++] = (char *)(uintptr_t) "--no-pci";
	argv[argc++] = (char *)(uintptr_t) "--no-telemetry";
	argv[argc++] = (char *)(uintptr_t) "--log-level=warning";
	argv[argc++] = (char *)(uintptr_t) "--file-prefix";
	argv[argc++] = prefix;
	if (vdev != NULL) {
		argv[argc++] = (char *)(uintptr_t) "--vdev";
		argv[argc++] = (char *)(uintptr_t)vdev;
	}
	argv[argc] = NULL;
	if (rte_eal_init(argc, argv) < 0)
		return -1;
	fprintf(stderr, "# %s pages, %.2f core clocks per TSC tick at %.2f GHz\n",
		rte_eal_has_hugepages() ? "huge" : "4 KB", bench_core_clock(), (double)rte_get_tsc_hz() / 1e9);
	return 0;
}

static inline int bench_start(const char *program, unsigned memory_mb)
{
	if (bench_start_eal(program, memory_mb, NULL) != 0)
		return -1;
	bench_prioritise();
	return 0;
}

/*
 * The main function of a program that measures tables of the sizes in its arguments, or of 1, 65536 and 1000000
 * entries. @memory_mb: of tables with none and what a million entries need on top.
 */
static inline int bench_sizes(
	int argc, char **argv, unsigned memory_mb, unsigned memory_mb_million, int (*measure)(uint32_t entries))
{
	static const char *const usual[] = {"1", "65536", "1000000"};
	const char *const *sizes = argc > 1 ? (const char *const *)&argv[1] : usual;
	int count = argc > 1 ? argc - 1 : 3, status = 0;
	uint64_t most = 1;

	for (int i = 0; i < count; i++) {
		uint64_t entries = strtoull(sizes[i], NULL, 10);

		if (entries == 0 || entries > UINT32_C(1) << 27) {
			fprintf(stderr, "usage: %s [ENTRIES...]\n", argv[0]);
			return 2;
		}
		most = entries > most ? entries : most;
	}
	if (bench_start(argv[0], (unsigned)(memory_mb + most * memory_mb_million / 1000000)) != 0)
		return 1;
	for (int i = 0; i < count && status == 0; i++)
		status = measure((uint32_t)strtoull(sizes[i], NULL, 10));
	rte_eal_cleanup();
	return status == 0 ? 0 : 1;
}
