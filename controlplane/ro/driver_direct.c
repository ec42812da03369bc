/* SPDX-License-Identifier: BSD-3-Clause */
/* Direct mode: MAGs signal each other (figures 2 to 5). */
#include "ro/internal.h"

const struct driver driver_direct = {
	.name = "ro-direct",
	.next_one =
		{
			[STEP_LEAD_INIT] = STEP_LEAD_WAIT_MAG,
			[STEP_LEAD_WAIT_MAG] = STEP_IDLE,
		},
	.next_two =
		{
			[STEP_ASK] = STEP_FOLLOW_WAIT, /* or LEAD_INIT: who asks because its MN moved leads */
			[STEP_LEAD_INIT] = STEP_LEAD_WAIT_MAG,
			[STEP_LEAD_WAIT_MAG] = STEP_LEAD_TELL,
			[STEP_LEAD_TELL] = STEP_IDLE,
			[STEP_FOLLOW_WAIT] = STEP_IDLE,
		},
};
