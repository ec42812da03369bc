/* SPDX-License-Identifier: BSD-3-Clause */
/* Proxy mode: only LMAs signal MAGs (figures 6 to 9). */
#include "ro/internal.h"

const struct driver driver_proxy = {
	.name = "ro-proxy",
	.next_one =
		{
			[STEP_LEAD_INIT] = STEP_FOLLOW_SETUP,
			[STEP_FOLLOW_SETUP] = STEP_LEAD_SETUP,
			[STEP_LEAD_SETUP] = STEP_IDLE,
		},
	.next_two =
		{
			[STEP_ASK] = STEP_FOLLOW_WAIT, /* or LEAD_INIT: who asks because its MN moved leads */
			[STEP_LEAD_INIT] = STEP_LEAD_READY,
			[STEP_LEAD_READY] = STEP_LEAD_WAIT_LMA,
			[STEP_LEAD_WAIT_LMA] = STEP_LEAD_SETUP,
			[STEP_LEAD_SETUP] = STEP_IDLE,
			[STEP_FOLLOW_WAIT] = STEP_FOLLOW_SETUP,
			[STEP_FOLLOW_SETUP] = STEP_FOLLOW_TELL,
			[STEP_FOLLOW_TELL] = STEP_IDLE,
		},
};
