/* SPDX-License-Identifier: BSD-3-Clause */
#include "memory.h"

#include <string.h>

static void *libc_alloc(const struct memory *memory, size_t size, size_t align)
{
	size_t rounded = (size + align - 1) & ~(align - 1);
	void *block = rounded >= size ? aligned_alloc(align, rounded) : NULL;

	if (block != NULL)
		memset(block, 0, rounded);
	return block;
}

static void libc_free(const struct memory *memory, void *block)
{
	free(block);
}

const struct memory memory_libc = {libc_alloc, libc_free, -1};
