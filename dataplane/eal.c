/* SPDX-License-Identifier: BSD-3-Clause */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>

#include "dataplane.h"
#include "fail.h"
#include "log.h"
#include "sizes.h"

#define ARGUMENTS_MAX  (32 + PORTS_MAX * 2)
#define ARGUMENT_BYTES 512
#define HUGEPAGES_DIR  "/sys/kernel/mm/hugepages"

struct arguments {
	char *words[ARGUMENTS_MAX + 1];
	int count;
	bool failed;
};

static void add(struct arguments *arguments, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct arguments *arguments, const char *format, ...)
{
	char text[ARGUMENT_BYTES];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	if (arguments->count == ARGUMENTS_MAX || (arguments->words[arguments->count] = strdup(text)) == NULL)
		arguments->failed = true;
	else
		arguments->count++;
}

static void release(struct arguments *arguments)
{
	for (int i = 0; i < arguments->count; i++)
		free(arguments->words[i]);
}

/* Free huge pages of all sizes, in MB. */
static uint64_t free_hugepages_mb(void)
{
	DIR *directory = opendir(HUGEPAGES_DIR);
	struct dirent *entry;
	uint64_t kilobytes = 0;

	if (directory == NULL)
		return 0;
	while ((entry = readdir(directory)) != NULL) {
		char path[sizeof(HUGEPAGES_DIR) + NAME_MAX + 32];
		uint64_t size, pages;
		FILE *file;

		if (sscanf(entry->d_name, "hugepages-%" SCNu64 "kB", &size) != 1)
			continue;
		snprintf(path, sizeof(path), HUGEPAGES_DIR "/%s/free_hugepages", entry->d_name);
		file = fopen(path, "r");
		if (file != NULL && fscanf(file, "%" SCNu64, &pages) == 1)
			kilobytes += pages * size;
		if (file != NULL)
			fclose(file);
	}
	closedir(directory);
	return kilobytes / 1024;
}

/*
 * One lcore per thread, each bound to its core: 0 is the control core's, 1.. are the workers'. Several may share a
 * core, which `-l` would refuse.
 */
static int add_lcores(
	struct arguments *arguments, const struct dataplane_config *config, char *error, size_t error_size)
{
	char text[ARGUMENT_BYTES];
	cpu_set_t allowed;
	size_t used;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0)
		return fail(error, error_size, -errno, "the process's cores are not known");
	if (config->control_core >= CPU_SETSIZE || !CPU_ISSET(config->control_core, &allowed))
		return fail(error, error_size, -EINVAL, "core %u is not there for us", config->control_core);
	used = (size_t)snprintf(text, sizeof(text), "0@%u", config->control_core);
	for (unsigned i = 0; i < config->worker_count; i++) {
		if (config->workers[i] >= CPU_SETSIZE || !CPU_ISSET(config->workers[i], &allowed))
			return fail(error, error_size, -EINVAL, "core %u is not there for us", config->workers[i]);
		used += (size_t)snprintf(text + used, sizeof(text) - used, ",%u@%u", i + 1, config->workers[i]);
	}
	add(arguments, "--lcores");
	add(arguments, "%s", text);
	add(arguments, "--main-lcore");
	add(arguments, "0");
	return 0;
}

static void add_pci(struct arguments *arguments, const struct dataplane_config *config)
{
	bool any = false;

	for (unsigned i = 0; i < config->port_count; i++) {
		if (config->ports[i].kind != DATAPLANE_PCI)
			continue;
		any = true;
		add(arguments, "-a");
		add(arguments, "%s", config->ports[i].device);
	}
	if (!any)
		add(arguments, "--no-pci");
}

/* Huge pages if they are there and enough, or demanded; the two ways exclude each other. */
static int add_memory(
	struct arguments *arguments, const struct dataplane_config *config, char *error, size_t error_size)
{
	uint64_t needed_mb = config->memory_mb != 0 ? config->memory_mb : sizes_memory_mb(config, 1);
	uint64_t free_mb = config->hugepages == DATAPLANE_HUGEPAGES_OFF ? 0 : free_hugepages_mb();

	if (config->hugepages == DATAPLANE_HUGEPAGES_ON && free_mb < needed_mb)
		return fail(error, error_size, -ENOMEM,
			"huge pages: %" PRIu64 " MB needed, %" PRIu64 " MB free (vm.nr_hugepages)", needed_mb, free_mb);
	if (free_mb >= needed_mb) {
		add(arguments, "--in-memory");
		add(arguments, "-m"); /* all of it now, while nobody else starts */
		add(arguments, "%" PRIu64, needed_mb);
		log_notice("memory", "kind=hugepages needed_mb=%" PRIu64 " free_mb=%" PRIu64, needed_mb, free_mb);
		return 0;
	}
	add(arguments, "--no-huge");
	add(arguments, "--no-shconf");
	add(arguments, "-m");
	add(arguments, "%" PRIu64, needed_mb);
	log_notice("memory", "kind=no-huge needed_mb=%" PRIu64 " free_hugepages_mb=%" PRIu64, needed_mb, free_mb);
	return 0;
}

/*
 * Gateways that start at once count the free pages and take theirs one after the other: else all of them see the same
 * pages. Released with the descriptor. Negative: there is nothing to count.
 */
static int lock_hugepages(const struct dataplane_config *config)
{
	int lock = config->hugepages == DATAPLANE_HUGEPAGES_OFF
			   ? -1
			   : open(HUGEPAGES_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (lock >= 0)
		(void)flock(lock, LOCK_EX); /* a file system without locks: as if we were alone */
	return lock;
}

int dataplane_eal_start(const struct dataplane_config *config, char *error, size_t error_size)
{
	char *words[ARGUMENTS_MAX + 1];
	struct arguments arguments = {0};
	int lock = lock_hugepages(config);
	int rc;

	add(&arguments, "hawser");
	rc = add_lcores(&arguments, config, error, error_size);
	if (rc == 0)
		rc = add_memory(&arguments, config, error, error_size);
	if (rc != 0)
		goto out;
	add(&arguments, "--file-prefix");
	add(&arguments, "%s-%d", config->name, (int)getpid());
	add_pci(&arguments, config);
	add(&arguments, "--no-telemetry");
	add(&arguments, "--log-level");
	add(&arguments, "*:warning");
	rc = -ENOMEM;
	if (arguments.failed) {
		fail(error, error_size, rc, "EAL");
		goto out;
	}
	/* EAL reorders what it is given: the words stay ours to free. */
	memcpy(words, arguments.words, sizeof(words));
	rc = 0;
	if (rte_eal_init(arguments.count, words) < 0)
		rc = fail(error, error_size, -rte_errno, "EAL does not start");
out:
	if (lock >= 0)
		close(lock);
	release(&arguments);
	return rc;
}

/* EAL leaves its folder behind; the name carries our process number, so nobody else's is in it. */
void dataplane_eal_stop(void)
{
	char folder[PATH_MAX];

	snprintf(folder, sizeof(folder), "%s", rte_eal_get_runtime_dir());
	rte_eal_cleanup();
	(void)rmdir(folder);
}

uint64_t dataplane_tsc_hz(void)
{
	return rte_get_tsc_hz();
}
