/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Why packets that were held back for the order of a pair (wire-formats G.6.13) go on, once: counters, the words in
 * the CLI and in the metrics come from this list. X(name, help)
 */
#define HOLD_ENDS(X)                                   \
	X(marker, "the marker of their pair came")     \
	X(deadline, "the marker did not come in time") \
	X(overflow, "there was no room to hold more")  \
	X(change, "the pair changed, or the worker ends")

enum hold_end {
	HOLD_WAITS, /* not yet */
#define HOLD_END_ENUM(name, help) HOLD_##name,
	HOLD_ENDS(HOLD_END_ENUM)
#undef HOLD_END_ENUM
		HOLD_END_COUNT,
};
