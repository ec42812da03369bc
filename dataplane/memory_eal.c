/* SPDX-License-Identifier: BSD-3-Clause */
#include "memory_eal.h"

#include <rte_malloc.h>

static void *eal_alloc(const struct memory *memory, size_t size, size_t align)
{
	return rte_zmalloc_socket(NULL, size, (unsigned)align, memory->socket);
}

static void eal_free(const struct memory *memory, void *block)
{
	rte_free(block);
}

void memory_eal_init(struct memory *memory, int socket)
{
	*memory = (struct memory){eal_alloc, eal_free, socket};
}
