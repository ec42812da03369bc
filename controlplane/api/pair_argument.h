/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "api/walk.h"

/*
 * The two mobile nodes that a command names in its arguments `a` and `b`: an identifier, a home network prefix, or an
 * address. What is no session here is looked for among the pairs, in steps of the walk: there may be many.
 *
 * Threads: the control core.
 */
#define PAIR_KNOWN 100 /* phase of the walk in which both are known */

/*
 * One step: 1: go on; 0: both are in walk->ends, as the engine of route optimisation finds pairs by them, and the phase
 * is PAIR_KNOWN; -EINVAL with the walk's refusal.
 */
int pair_argument_step(struct walk *walk);
/* The text of argument @end (0: a, 1: b); "" if it is missing. */
const char *pair_argument_text(const struct walk *walk, unsigned end);
