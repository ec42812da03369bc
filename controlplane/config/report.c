/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/report.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "format.h"

#define VALUE_TEXT_MAX 80

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
		fprintf(report->out, ": %s", log_quote(value, strlen(value), text, sizeof(text)));
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
