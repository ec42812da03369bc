/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f;
}

char *text_safe(const char *text)
{
	static const char digits[] = "0123456789abcdef";
	char *safe = malloc(4 * strlen(text) + 1), *to = safe;

	if (safe == NULL)
		return NULL;
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (is_plain(c)) {
			*to++ = (char)c;
			continue;
		}
		*to++ = '\\';
		*to++ = 'x';
		*to++ = digits[c >> 4];
		*to++ = digits[c & 15];
	}
	*to = '\0';
	return safe;
}

void text_print_safe(FILE *out, const char *text)
{
	char *safe = text_safe(text);

	fputs(safe != NULL ? safe : "?", out);
	free(safe);
}

const char *text_bytes(uint64_t bytes, char text[TEXT_VALUE_MAX])
{
	static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
	double value = (double)bytes / 1000;
	unsigned unit = 0;

	if (bytes < 1000) {
		snprintf(text, TEXT_VALUE_MAX, "%" PRIu64 " B", bytes);
		return text;
	}
	for (; value >= 999.95 && unit < sizeof(units) / sizeof(units[0]) - 1; unit++)
		value /= 1000;
	snprintf(text, TEXT_VALUE_MAX, "%.1f %s", value, units[unit]);
	return text;
}

const char *text_duration(int64_t ms, char text[TEXT_VALUE_MAX])
{
	uint64_t magnitude = ms < 0 ? 0 - (uint64_t)ms : (uint64_t)ms;
	uint64_t s = magnitude / 1000;

	if (magnitude < 10000)
		snprintf(text, TEXT_VALUE_MAX, "%" PRIu64 ".%03us", s, (unsigned)(magnitude % 1000));
	else if (s < 60)
		snprintf(text, TEXT_VALUE_MAX, "%" PRIu64 "s", s);
	else if (s < 3600)
		snprintf(text, TEXT_VALUE_MAX, "%" PRIu64 "m%02us", s / 60, (unsigned)(s % 60));
	else if (s < 86400)
		snprintf(text, TEXT_VALUE_MAX, "%" PRIu64 "h%02um", s / 3600, (unsigned)(s / 60 % 60));
	else
		snprintf(text, TEXT_VALUE_MAX, "%" PRIu64 "d%02uh", s / 86400, (unsigned)(s / 3600 % 24));
	return text;
}

const char *text_distance(int64_t ms, char text[TEXT_VALUE_MAX])
{
	char duration[TEXT_VALUE_MAX];

	text_duration(ms, duration);
	snprintf(text, TEXT_VALUE_MAX, ms < 0 ? "%.20s ago" : "in %.20s", duration);
	return text;
}
