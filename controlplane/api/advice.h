/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * What a state or a status means for an operator, and what can be done: the sentences of `why NODE`.
 *
 * Threads: any, const.
 */

/* What it means that a session is in this state (a word of BINDING_STATES or ATTACHMENT_STATES, or "absent"). */
const char *state_meaning(const char *state);
/* What the operator can do about a BA status; NULL: nothing is wrong with it. @mag: seen from the MAG. */
const char *status_advice(uint8_t status, bool mag);
