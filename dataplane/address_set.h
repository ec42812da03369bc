/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdint.h>
#include <string.h>
#include <netinet/in.h>

#include "memory.h"

/*
 * A small map from IPv6 addresses to a 32-bit value: own addresses, configured peers. A miss, which is what nearly
 * every packet is, costs one octet of a tag array that stays in the first-level cache.
 *
 * Threads: filled before the workers start, const afterwards; any number of readers.
 * Memory: fixed at initialisation (four slots per address), from @memory.
 */
struct address_set {
	uint32_t mask;
	uint32_t count, capacity;
	uint8_t *tags; /* 0: free slot */
	struct in6_addr *addresses;
	uint32_t *values;
	const struct memory *memory;
};

#define ADDRESS_SET_MISS UINT32_MAX

/* Room for @capacity addresses. 0 or -ENOMEM. */
int address_set_init(struct address_set *set, uint32_t capacity, const struct memory *memory);
void address_set_fini(struct address_set *set);
/* Add @address or change its value; ADDRESS_SET_MISS is no value. 0, -EINVAL, or -ENOSPC. */
int address_set_put(struct address_set *set, const struct in6_addr *address, uint32_t value);

static inline uint64_t address_set_hash(const void *address)
{
	uint64_t word[2];

	memcpy(word, address, sizeof(word));
	word[0] = (word[0] ^ (word[1] << 7 | word[1] >> 57)) * UINT64_C(0x9e3779b97f4a7c15);
	return word[0] ^ word[0] >> 32;
}

/* Value of the 16 octets at @address, or ADDRESS_SET_MISS. */
static inline uint32_t address_set_lookup(const struct address_set *set, const void *address)
{
	uint64_t hash = address_set_hash(address);
	uint8_t tag = (uint8_t)(hash >> 24 | 1);

	for (uint32_t slot = (uint32_t)hash & set->mask; set->tags[slot] != 0; slot = (slot + 1) & set->mask)
		if (set->tags[slot] == tag && memcmp(&set->addresses[slot], address, 16) == 0)
			return set->values[slot];
	return ADDRESS_SET_MISS;
}
