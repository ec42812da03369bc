/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdio.h>

/*
 * hawserctl as a function: finds the command, parses options, runs it. Output goes to @out, messages to standard error.
 * Returns the exit code: 0 done; 1 the gateway said no, or there is no such thing; 2 wrong usage; 3 the gateway cannot
 * be reached. Uses getopt_long() and its globals.
 */
int cli_run(int argc, char **argv, FILE *out);
