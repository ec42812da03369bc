/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * A harness is one function that takes any bytes and returns 0; what must not be true aborts. libFuzzer calls it with
 * bytes of its own making (meson option `fuzzers`, clang), replay.c with the files of a corpus (suite fuzz, every
 * compiler), each from a heap block of its exact size.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must be true. Not assert(): it stays in builds without debugging. */
#define CHECK(condition)                                                                \
	do {                                                                            \
		if (!(condition)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                        \
		}                                                                       \
	} while (0)
