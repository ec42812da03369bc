/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Token bucket over any clock (milliseconds, TSC): 8 octets of state per bucket. One thread per bucket. */
struct token_bucket {
	uint64_t full_at; /* time at which the bucket is full again */
};

/* Take a token: one comes every @interval, at most @burst are kept. True if there was one. */
static inline bool token_bucket_take(struct token_bucket *bucket, uint64_t now, uint64_t interval, uint32_t burst)
{
	uint64_t full_at = bucket->full_at > now ? bucket->full_at : now;

	if (full_at - now > interval * (burst - 1))
		return false;
	bucket->full_at = full_at + interval;
	return true;
}
