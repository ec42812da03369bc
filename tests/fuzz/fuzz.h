/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * A harness is one function that takes any bytes and returns 0; what must not be true aborts. libFuzzer calls it with
 * bytes of its own making (meson option `fuzzers`, clang), replay.c with the files of a corpus (suite fuzz, every
 * compiler), each from a heap block of its exact size.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
