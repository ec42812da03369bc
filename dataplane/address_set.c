/* SPDX-License-Identifier: BSD-3-Clause */
#include "address_set.h"

#include <errno.h>

int address_set_init(struct address_set *set, uint32_t capacity, const struct memory *memory)
{
	uint32_t slots = 64;

	while (slots < 4 * (uint64_t)capacity)
		slots *= 2;
	*set = (struct address_set){.mask = slots - 1, .capacity = capacity, .memory = memory};
	set->tags = memory->alloc(memory, slots, 64);
	set->addresses = memory->alloc(memory, slots * sizeof(*set->addresses), 64);
	set->values = memory->alloc(memory, slots * sizeof(*set->values), 64);
	if (set->tags != NULL && set->addresses != NULL && set->values != NULL)
		return 0;
	address_set_fini(set);
	return -ENOMEM;
}

void address_set_fini(struct address_set *set)
{
	if (set->memory == NULL)
		return;
	set->memory->free(set->memory, set->tags);
	set->memory->free(set->memory, set->addresses);
	set->memory->free(set->memory, set->values);
	*set = (struct address_set){0};
}

int address_set_put(struct address_set *set, const struct in6_addr *address, uint32_t value)
{
	uint64_t hash = address_set_hash(address);
	uint32_t slot = (uint32_t)hash & set->mask;

	if (value == ADDRESS_SET_MISS)
		return -EINVAL;
	while (set->tags[slot] != 0 && memcmp(&set->addresses[slot], address, 16) != 0)
		slot = (slot + 1) & set->mask;
	if (set->tags[slot] == 0) {
		if (set->count == set->capacity)
			return -ENOSPC;
		set->count++;
		set->tags[slot] = (uint8_t)(hash >> 24 | 1);
		set->addresses[slot] = *address;
	}
	set->values[slot] = value;
	return 0;
}
