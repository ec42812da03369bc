/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * Values as people read them. Everything that comes from the gateway may come from a mobile node or a peer in the end,
 * so nothing but printable ASCII reaches the terminal.
 *
 * Threads: any.
 */

/* Printable ASCII as it is, any other octet as \xNN. */
void text_print_safe(FILE *out, const char *text);
/* The same as a new string, or NULL without memory. */
char *text_safe(const char *text);

#define TEXT_VALUE_MAX 32

/* "0 B", "999 B", "1.5 kB", "23.4 MB" (powers of 1000) */
const char *text_bytes(uint64_t bytes, char text[TEXT_VALUE_MAX]);
/* "0.250s", "12s", "3m12s", "5h07m", "12d03h"; no sign: of the magnitude */
const char *text_duration(int64_t ms, char text[TEXT_VALUE_MAX]);
/* "in 3m12s" for what comes, "12s ago" for what was (negative) */
const char *text_distance(int64_t ms, char text[TEXT_VALUE_MAX]);
