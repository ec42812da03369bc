/* SPDX-License-Identifier: BSD-3-Clause */
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "token_bucket.h"

#define LINE_MAX_OCTETS   1024
#define LIMIT_INTERVAL_MS 50 /* 20 lines a second and event */
#define LIMIT_BURST       50
#define EVENTS_MAX        256

/* One bucket per event name; a full table shares its last slot. */
struct limit {
	char event[48];
	struct token_bucket bucket;
	uint64_t suppressed;
};

static const char *const level_names[LOG_LEVEL_COUNT] = {"error", "warning", "notice", "info", "debug"};
static enum log_level threshold = LOG_LEVEL_NOTICE;
static void (*log_sink)(void *context, enum log_level level, const char *line);
static void *log_context;
static struct limit limits[EVENTS_MAX];
static unsigned limit_count;

const char *log_level_name(enum log_level level)
{
	return (unsigned)level < LOG_LEVEL_COUNT ? level_names[level] : "?";
}

int log_level_parse(const char *name, enum log_level *level)
{
	for (unsigned i = 0; i < LOG_LEVEL_COUNT; i++) {
		if (strcmp(name, level_names[i]) == 0) {
			*level = (enum log_level)i;
			return 0;
		}
	}
	return -EINVAL;
}

void log_set_level(enum log_level level)
{
	threshold = level;
}

bool log_is_enabled(enum log_level level)
{
	return level <= threshold;
}

void log_set_sink(void (*sink)(void *context, enum log_level level, const char *line), void *context)
{
	log_sink = sink;
	log_context = context;
}

static struct limit *limit_of(const char *event)
{
	unsigned i;

	for (i = 0; i < limit_count; i++)
		if (strncmp(limits[i].event, event, sizeof(limits[i].event) - 1) == 0)
			return &limits[i];
	if (limit_count < EVENTS_MAX)
		limit_count++;
	else
		i = EVENTS_MAX - 1;
	snprintf(limits[i].event, sizeof(limits[i].event), "%s", event);
	return &limits[i];
}

static bool is_allowed(struct limit *limit)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (token_bucket_take(&limit->bucket, (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000,
		    LIMIT_INTERVAL_MS, LIMIT_BURST))
		return true;
	limit->suppressed++;
	return false;
}

static size_t line_head(char *line, size_t size, enum log_level level, const char *event)
{
	struct timespec now;
	struct tm utc;
	size_t used;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	used = strftime(line, size, "time=%Y-%m-%dT%H:%M:%S", &utc);
	used += (size_t)snprintf(line + used, size - used, ".%03ldZ level=%s event=%s ", now.tv_nsec / 1000000,
		log_level_name(level), event);
	return used;
}

static void emit(enum log_level level, char *line, size_t used)
{
	if (log_sink != NULL) {
		log_sink(log_context, level, line);
		return;
	}
	line[used] = '\n';
	if (write(STDERR_FILENO, line, used + 1) < 0)
		return; /* nobody is left to be told */
}

void log_write(enum log_level level, const char *event, const char *format, ...)
{
	char line[LINE_MAX_OCTETS + 1];
	struct limit *limit;
	va_list arguments;
	size_t used;
	int n;

	if (level > threshold)
		return;
	limit = limit_of(event);
	if (!is_allowed(limit))
		return;
	used = line_head(line, LINE_MAX_OCTETS, level, event);
	va_start(arguments, format);
	n = vsnprintf(line + used, LINE_MAX_OCTETS - used, format, arguments);
	va_end(arguments);
	if (n > 0)
		used += (size_t)n < LINE_MAX_OCTETS - used ? (size_t)n : LINE_MAX_OCTETS - used - 1;
	if (limit->suppressed > 0 && used + 32 < LINE_MAX_OCTETS) {
		used += (size_t)snprintf(
			line + used, LINE_MAX_OCTETS - used, " suppressed=%llu", (unsigned long long)limit->suppressed);
		limit->suppressed = 0;
	}
	while (used > 0 && line[used - 1] == ' ')
		line[--used] = '\0';
	emit(level, line, used);
}
