/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include "format.h"

#define VALUE_TEXT_MAX 80
#define KEY_DIGITS_MIN 16
#define KEY_HIDDEN     "(hidden)"

/* A cryptographic key, also under a name with a slip of the pen. */
static bool looks_secret(const char *key, const char *value)
{
	static const char digits[] = "0123456789abcdefABCDEF";

	if (key == NULL || strcasestr(key, "key") == NULL)
		return false;
	while (*value != '\0') {
		size_t run = strspn(value, digits);

		if (run >= KEY_DIGITS_MIN)
			return true;
		value += run > 0 ? run : 1;
	}
	return false;
}

void report(struct report *report, int line, const char *key, const char *value, const char *format, ...)
{
	char text[VALUE_TEXT_MAX];
	va_list args;

	if (report->mistakes++ >= REPORT_MAX)
		return;
	fputs(report->file, report->out);
	if (line > 0)
		fprintf(report->out, ":%d", line);
	if (key != NULL && key[0] != '\0')
		fprintf(report->out, ": %s", key);
	if (value != NULL)
		fprintf(report->out, ": %s",
			looks_secret(key, value) ? KEY_HIDDEN : log_quote(value, strlen(value), text, sizeof(text)));
	fputs(": ", report->out);
	va_start(args, format);
	vfprintf(report->out, format, args);
	va_end(args);
	fputc('\n', report->out);
}

int report_finish(struct report *report)
{
	if (report->mistakes > REPORT_MAX)
		fprintf(report->out, "%s: %u further mistakes not shown\n", report->file,
			report->mistakes - REPORT_MAX);
	return report->mistakes == 0 ? 0 : -EINVAL;
}
