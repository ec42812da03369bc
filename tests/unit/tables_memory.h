/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memory.h"

/* The C library's memory, counted, and failing from the @left-th block on. First member: it is a struct memory. */
struct counting_memory {
	struct memory memory;
	unsigned left, live;
};

static inline void *counting_alloc(const struct memory *memory, size_t size, size_t align)
{
	struct counting_memory *counting = (struct counting_memory *)(uintptr_t)memory;
	void *block = counting->left != 0 ? memory_libc.alloc(&memory_libc, size, align) : NULL;

	if (block != NULL) {
		counting->left--;
		counting->live++;
	}
	return block;
}

static inline void counting_free(const struct memory *memory, void *block)
{
	struct counting_memory *counting = (struct counting_memory *)(uintptr_t)memory;

	if (block != NULL)
		counting->live--;
	memory_libc.free(&memory_libc, block);
}

static inline struct counting_memory counting_memory(unsigned left)
{
	return (struct counting_memory){{counting_alloc, counting_free, -1}, left, 0};
}
