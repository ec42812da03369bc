/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * A hash index: from the hash of a key to the numbers of the objects that may have the key. The objects live in an
 * array of the caller, who compares the key itself; so one index type serves names, addresses, MACs and prefixes.
 * Grows, never shrinks: three quarters full at most, and then to the double.
 *
 *	for (uint32_t at = 0; (i = hash_index_next(&index, hash, &at)) != HASH_NONE;)
 *		if (same(&objects[i], key))
 *			return i;
 *
 * Threads: one writer; lookups from any thread when nothing is inserted any more.
 */
#define HASH_NONE       UINT32_MAX
#define HASH_SLOTS_OF_3 8 /* that three values take just after it has grown, with many of them */

struct hash_slot {
	uint32_t hash;
	uint32_t value; /* HASH_NONE: free */
};

struct hash_index {
	struct hash_slot *slots; /* NULL: empty; all zero is a valid empty index */
	uint32_t mask;           /* slots - 1, a power of two less one */
	uint32_t count;
};

/* Hash of @n octets with full avalanche; @seed keeps key spaces apart. */
uint64_t hash_bytes(const void *bytes, size_t n, uint64_t seed);

void hash_index_fini(struct hash_index *index);
/* Room for @more further values: 0 or -ENOMEM. */
int hash_index_reserve(struct hash_index *index, uint32_t more);
/* Needs room from hash_index_reserve(). Cannot fail. */
void hash_index_insert(struct hash_index *index, uint64_t hash, uint32_t value);
/* Remove @value, which was inserted under @hash; nothing happens if it is not there. */
void hash_index_remove(struct hash_index *index, uint64_t hash, uint32_t value);
/* The values under @hash in any order; *@at is 0 for the first call. HASH_NONE past the last. */
uint32_t hash_index_next(const struct hash_index *index, uint64_t hash, uint32_t *at);
