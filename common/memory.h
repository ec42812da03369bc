/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stddef.h>
#include <stdlib.h>

/*
 * Where a table takes its memory from. The daemon gives huge-page memory of the right NUMA socket; unit tests give
 * the C library's, because AddressSanitizer does not see overruns of rte_malloc() blocks.
 *
 * Threads: alloc and free are called by the thread that creates or destroys the object, never per packet.
 */
struct memory {
	/* Zeroed block of @size bytes, aligned to @align (a power of two); NULL if there is none. */
	void *(*alloc)(const struct memory *memory, size_t size, size_t align);
	void (*free)(const struct memory *memory, void *block);
	int socket; /* NUMA socket, or -1 for any */
};

/* The C library's allocator. */
extern const struct memory memory_libc;
