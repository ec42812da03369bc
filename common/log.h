/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * Logs of the control core: one line of key=value pairs on standard error,
 *   time=2026-01-02T03:04:05.678Z level=warning event=pba_rejected mn=mn1@example.com peer=2001:db8:1::1 status=155 ...
 * Rate limited per event name (a token bucket: 20 a second, burst 50); what was suppressed is said with the next line
 * that passes (suppressed=N). Values with spaces or quotes are quoted.
 *
 * Threads: control core only; workers count, they never log.
 */
enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_NOTICE,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_COUNT
};

const char *log_level_name(enum log_level level);
/* -EINVAL if @name is no level. */
int log_level_parse(const char *name, enum log_level *level);
void log_set_level(enum log_level level);
/* Is it worth while to format values for a line of that level? */
bool log_is_enabled(enum log_level level);
/* Where lines go; NULL: standard error. Tests collect them. */
void log_set_sink(void (*sink)(void *context, enum log_level level, const char *line), void *context);

/*
 * @event: the name, a literal in snake case. @format: printf format that yields the rest of the line, already
 * key=value. Use log_quote() for values that come from outside.
 */
void log_write(enum log_level level, const char *event, const char *format, ...) __attribute__((format(printf, 3, 4)));

#define log_error(event, ...)   log_write(LOG_LEVEL_ERROR, event, __VA_ARGS__)
#define log_warning(event, ...) log_write(LOG_LEVEL_WARNING, event, __VA_ARGS__)
#define log_notice(event, ...)  log_write(LOG_LEVEL_NOTICE, event, __VA_ARGS__)
#define log_info(event, ...)    log_write(LOG_LEVEL_INFO, event, __VA_ARGS__)
#define log_debug(event, ...)   log_write(LOG_LEVEL_DEBUG, event, __VA_ARGS__)
