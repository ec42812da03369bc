/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/machine.h"

#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/checker.h"

#define CORES_TEXT_MAX 128

/* "0-3,8": the cores of the set, as far as they fit. */
static void cores_format(const cpu_set_t *set, char text[CORES_TEXT_MAX])
{
	size_t used = 0;

	text[0] = '\0';
	for (int core = 0; core < CPU_SETSIZE && used + 16 < CORES_TEXT_MAX; core++) {
		int last = core;

		if (!CPU_ISSET(core, set))
			continue;
		while (last + 1 < CPU_SETSIZE && CPU_ISSET(last + 1, set))
			last++;
		used += (size_t)snprintf(text + used, CORES_TEXT_MAX - used, "%s%d", used > 0 ? "," : "", core);
		if (last > core)
			used += (size_t)snprintf(text + used, CORES_TEXT_MAX - used, "-%d", last);
		core = last;
	}
}

static void check_core(struct report *errors, const cpu_set_t *set, const char *key, unsigned core)
{
	char cores[CORES_TEXT_MAX], value[16];

	if (core < CPU_SETSIZE && CPU_ISSET(core, set))
		return;
	cores_format(set, cores);
	snprintf(value, sizeof(value), "%u", core);
	report(errors, 0, key, value, "no core that this process may use; allowed: %s", cores);
}

static void check_cores(const struct config *config, struct report *errors)
{
	char key[AT_TEXT_MAX];
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return; /* more cores than the set holds: the start-up of the data plane tells */
	check_core(errors, &set, "dataplane.control-core", config->dataplane.control_core);
	for (unsigned i = 0; i < config->dataplane.worker_count; i++)
		check_core(errors, &set, at(key, "dataplane.workers[%u]", i), config->dataplane.workers[i]);
}

static void interfaces_format(char *text, size_t size)
{
	struct if_nameindex *interfaces = if_nameindex();
	size_t used = 0;

	snprintf(text, size, "none here");
	for (const struct if_nameindex *i = interfaces; i != NULL && i->if_index != 0 && used + IFNAMSIZ + 8 < size;
		i++)
		used += (size_t)snprintf(text + used, size - used, "%s%s", used > 0 ? ", " : "", i->if_name);
	if (interfaces != NULL)
		if_freenameindex(interfaces);
}

static bool pci_exists(const char *pci_directory, const char *device)
{
	char path[512];
	struct stat status;

	snprintf(path, sizeof(path), "%s/%s", pci_directory, device);
	return stat(path, &status) == 0;
}

static void check_port(const struct config *config, unsigned i, const char *pci_directory, struct report *errors)
{
	const struct config_port *port = &config->ports[i];
	char key[AT_TEXT_MAX], interfaces[256];

	at(key, "ports[%u].device", i);
	if (port->kind == PORT_KERNEL && if_nametoindex(port->device) == 0) {
		interfaces_format(interfaces, sizeof(interfaces));
		report(errors, port->line, key, port->device, "no such network interface; allowed: %s", interfaces);
	}
	if (port->kind == PORT_PCI && !pci_exists(pci_directory, port->device))
		report(errors, port->line, key, port->device,
			"no such PCI device; allowed: an address that lspci -D shows");
}

int machine_check(const struct config *config, const char *pci_directory, FILE *out)
{
	struct report errors = {.file = config->file, .out = out};

	check_cores(config, &errors);
	for (unsigned i = 0; i < config->port_count; i++)
		check_port(config, i, pci_directory, &errors);
	return report_finish(&errors);
}

int config_check_machine(const struct config *config, FILE *errors)
{
	return machine_check(config, "/sys/bus/pci/devices", errors);
}
