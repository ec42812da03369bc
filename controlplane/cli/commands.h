/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "cli/remote.h"
#include "cli/table.h"

/*
 * The commands of hawserctl. Each gets what stands after its name and returns an exit code; how the answer looks is in
 * the options.
 *
 * Threads: one.
 */
struct cli_options {
	const char *socket; /* path */
	bool json;
	bool wide;
	bool all; /* --all */
	bool help;
	const char *limit;   /* --limit N, or NULL */
	double interval_s;   /* watch */
	unsigned long count; /* watch: how often; 0: until interrupted */
	FILE *out;
};

struct cli_command {
	const char *name;     /* one word, or two: "clear counters" */
	const char *synopsis; /* arguments */
	const char *help;
	int (*run)(const struct cli_command *command, const struct cli_options *options, int argc, char **argv);
};

/* Ends with a NULL name. */
extern const struct cli_command cli_commands[];

/* Each is a `run` of the table. */
int show_command(const struct cli_command *command, const struct cli_options *options, int argc, char **argv);
int watch_command(const struct cli_command *command, const struct cli_options *options, int argc, char **argv);
int why_command(const struct cli_command *command, const struct cli_options *options, int argc, char **argv);
int attach_command(const struct cli_command *command, const struct cli_options *options, int argc, char **argv);
int detach_command(const struct cli_command *command, const struct cli_options *options, int argc, char **argv);
int clear_binding_command(const struct cli_command *command, const struct cli_options *options, int argc, char **argv);
int ro_start_command(const struct cli_command *command, const struct cli_options *options, int argc, char **argv);
int ro_stop_command(const struct cli_command *command, const struct cli_options *options, int argc, char **argv);
int clear_counters_command(const struct cli_command *command, const struct cli_options *options, int argc, char **argv);

/* "hawserctl: ..." and where help is, on standard error; EXIT_USAGE. */
int usage_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Help of `show`: its objects, or one object with filters and columns. */
void show_help(FILE *out, const char *object);
/* One row as a JSON line. False: the output is closed. */
bool print_json_row(FILE *out, const json_t *row);
