/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "bench.h"

/*
 * The results of a run, as a table and as JSON, with the goals beside them.
 *
 * Threads: one.
 */

/* What the rows to come are of: "lma", "mag", "mag_pairs". Paths of a rig have the two-line walk beside them. */
void report_rig(const char *name);
/* Take over what a measured function gave: its name, flows, unit and sorted rounds. Prints its row of the table. */
void report_add(const struct bench *bench, double packets_per_tick);
/* The median of what was added last under that name; 0: there is none. */
double report_median(const char *name, uint64_t flows);
/* Ticks per packet of each stage of a path. @names[i] took @ticks[i]. */
void report_stages(const char *path, uint64_t flows, const char *const *names, const double *ticks, unsigned n);
/* A figure to measure others by, of the rig of now: "two_line_walk". */
void report_reference(const char *name, uint64_t flows, double value);
void report_header(void);
/* Goals next to what was measured, with the ratios to the two-line walk of the same rig. Returns how many were missed.
 */
unsigned report_goals(void);
/* 0 or -1 with errno. */
int report_write(const char *file);
