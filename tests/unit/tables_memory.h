/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "memory.h"
#include "reclaim.h"

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

/*
 * @make creates something and destroys it again, or returns why it could not. Memory ends before each block that it
 * wants in turn: then it fails, and leaves nothing behind. Returns how many it takes.
 */
static inline unsigned expect_nothing_left(int (*make)(struct reclaim *reclaim, const struct memory *memory))
{
	unsigned blocks = 0;
	int error;

	do {
		struct counting_memory memory = counting_memory(blocks);
		struct reclaim reclaim;

		assert_int_equal(reclaim_init(&reclaim, 1, &memory_libc), 0);
		error = make(&reclaim, &memory.memory);
		assert_int_equal(memory.live, 0);
		reclaim_fini(&reclaim);
		assert_true(error == 0 || (error == -ENOMEM && blocks++ < 100));
	} while (error != 0);
	return blocks;
}
