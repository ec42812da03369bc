/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "ro/ro.h"

#include "pmip/lma.h"
#include "pmip/mag.h"

/*
 * The sessions of the LMA's binding cache and of the MAG's binding update list, as route optimisation wants them: ops
 * for ro_create() with the engine as context. Only active sessions are found: not those in the delete wait, nor those
 * without forwarding.
 *
 * Threads: the control core.
 */
extern const struct ro_session_ops ro_lma_sessions; /* context: struct lma */
extern const struct ro_session_ops ro_mag_sessions; /* context: struct mag */
