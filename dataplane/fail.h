/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stddef.h>

/*
 * Tell the caller of a start-up function what went wrong: @error gets the text and the word for @rc (a negative errno),
 * which is returned. The longest texts are cut.
 */
int fail(char *error, size_t error_size, int rc, const char *format, ...) __attribute__((format(printf, 4, 5)));
