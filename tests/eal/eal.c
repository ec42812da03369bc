/* SPDX-License-Identifier: BSD-3-Clause */
#include "eal.h"

#include <sched.h>
#include <stdio.h>
#include <unistd.h>
#include <rte_eal.h>

#define ARGUMENT(text) ((char *)(uintptr_t)(text))

int eal_start(const char *program)
{
	char prefix[32];
	char *arguments[] = {ARGUMENT(program), ARGUMENT("--no-huge"), ARGUMENT("-m"), ARGUMENT("256"),
		ARGUMENT("--no-pci"), ARGUMENT("--no-telemetry"), ARGUMENT("--no-shconf"),
		ARGUMENT("--log-level=error"), ARGUMENT("--file-prefix"), prefix, NULL};
	cpu_set_t processors;
	int ready;

	snprintf(prefix, sizeof(prefix), "test%d", (int)getpid());
	CPU_ZERO(&processors);
	if (sched_getaffinity(0, sizeof(processors), &processors) != 0)
		return -1;
	ready = rte_eal_init((int)(sizeof(arguments) / sizeof(arguments[0])) - 1, arguments);
	return ready >= 0 ? sched_setaffinity(0, sizeof(processors), &processors) : -1;
}

void eal_stop(void)
{
	rte_eal_cleanup();
}
