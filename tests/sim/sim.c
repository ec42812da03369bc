/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line of the simulation's tests. */
#include "domain.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "log.h"

#define SEED_DEFAULT 20260101

static uint64_t seed;
static unsigned hours;

/* Engines tell much of what goes wrong on purpose here. */
static void drop_line(void *context, enum log_level level, const char *line)
{
	(void)context;
	if (getenv("SIM_LOG") != NULL)
		fprintf(stderr, "%s\n", line);
}

static bool parse_number(const char *text, uint64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoull(text, &end, 0);
	return errno == 0 && end != text && *end == 0;
}

static bool usage(const char *program)
{
	fprintf(stderr,
		"usage: %s [--seed N] [--hours N]   (or SIM_SEED=N; SIM_LOG=1 shows the engines' log, SIM_TRACE=1 "
		"every arrow)\n",
		program);
	return false;
}

bool sim_arguments(int argc, char **argv)
{
	static const struct option options[] = {
		{"seed", required_argument, NULL, 's'}, {"hours", required_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
	const char *text = getenv("SIM_SEED");
	uint64_t number;
	int option;

	log_set_sink(drop_line, NULL);
	seed = SEED_DEFAULT;
	if (text != NULL && !parse_number(text, &seed))
		return usage(argv[0]);
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == '?' || !parse_number(optarg, &number))
			return usage(argv[0]);
		if (option == 's')
			seed = number;
		else
			hours = (unsigned)number;
	}
	return optind == argc || usage(argv[0]);
}

bool sim_traces(void)
{
	static int traces = -1;

	if (traces < 0)
		traces = getenv("SIM_TRACE") != NULL;
	return traces > 0;
}

uint64_t sim_seed(void)
{
	return seed;
}

unsigned sim_hours(void)
{
	return hours;
}
