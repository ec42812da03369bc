/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* What cmocka.h wants before it, in its order; and a small random generator for property tests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <cmocka.h>

/* xorshift64: the same numbers on every machine; @state must not be 0. */
static inline uint64_t test_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static inline uint32_t test_random_below(uint64_t *state, uint32_t n)
{
	return (uint32_t)((test_random(state) >> 32) * n >> 32);
}
