/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdio.h>

/*
 * Mistakes in a configuration, one line each:
 *   FILE:LINE: KEY: VALUE: what is wrong; what is allowed
 * After REPORT_MAX lines only the number of the further ones is told, by report_finish().
 *
 * Threads: one.
 */
#define REPORT_MAX 100

struct report {
	const char *file;
	FILE *out;
	unsigned mistakes;
};

/*
 * @line: 0 if there is none. @key: path of the key as in "ports[0].mtu"; NULL: the message is about the whole file.
 * @value: what was found, quoted if needed and cut if long, hidden if it may be a cryptographic key; NULL: nothing to
 * show.
 */
void report(struct report *report, int line, const char *key, const char *value, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
/* Tell how many were not shown. Returns 0, or -EINVAL if there was a mistake. */
int report_finish(struct report *report);
