/* SPDX-License-Identifier: BSD-3-Clause */
#include "node/hash_index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "endpoint.h"

#define SLOTS_MIN 16
#define LOAD_MAX  3 /* of LOAD_OF slots are taken at most */
#define LOAD_OF   4

uint64_t hash_bytes(const void *bytes, size_t n, uint64_t seed)
{
	const uint8_t *p = bytes;
	uint64_t hash = endpoint_hash(seed ^ (uint64_t)n * UINT64_C(0x9e3779b97f4a7c15));

	while (n > 0) {
		size_t part = n < sizeof(uint64_t) ? n : sizeof(uint64_t);
		uint64_t word = 0;

		memcpy(&word, p, part);
		hash = endpoint_hash(hash + UINT64_C(0x9e3779b97f4a7c15) + word);
		p += part;
		n -= part;
	}
	return hash;
}

void hash_index_fini(struct hash_index *index)
{
	free(index->slots);
	*index = (struct hash_index){0};
}

static void slot_insert(struct hash_slot *slots, uint32_t mask, struct hash_slot slot)
{
	uint32_t i = slot.hash & mask;

	while (slots[i].value != HASH_NONE)
		i = (i + 1) & mask;
	slots[i] = slot;
}

int hash_index_reserve(struct hash_index *index, uint32_t more)
{
	uint64_t need = (((uint64_t)index->count + more) * LOAD_OF + LOAD_MAX - 1) / LOAD_MAX;
	uint64_t size = index->slots != NULL ? (uint64_t)index->mask + 1 : SLOTS_MIN;
	struct hash_slot *slots;

	if (index->slots != NULL && size >= need)
		return 0;
	while (size < need)
		size *= 2;
	if (size > UINT64_C(1) << 31)
		return -ENOMEM;
	slots = malloc(size * sizeof(*slots));
	if (slots == NULL)
		return -ENOMEM;
	memset(slots, 0xff, size * sizeof(*slots));
	for (uint32_t i = 0; index->slots != NULL && i <= index->mask; i++)
		if (index->slots[i].value != HASH_NONE)
			slot_insert(slots, (uint32_t)size - 1, index->slots[i]);
	free(index->slots);
	index->slots = slots;
	index->mask = (uint32_t)size - 1;
	return 0;
}

void hash_index_insert(struct hash_index *index, uint64_t hash, uint32_t value)
{
	slot_insert(index->slots, index->mask, (struct hash_slot){.hash = (uint32_t)hash, .value = value});
	index->count++;
}

void hash_index_remove(struct hash_index *index, uint64_t hash, uint32_t value)
{
	struct hash_slot *slots = index->slots;
	uint32_t mask = index->mask, hole = (uint32_t)hash & mask;

	if (slots == NULL)
		return;
	for (; slots[hole].value != value || slots[hole].hash != (uint32_t)hash; hole = (hole + 1) & mask)
		if (slots[hole].value == HASH_NONE)
			return;
	/* Close the gap: a slot moves back unless its home lies behind the hole. */
	for (uint32_t i = (hole + 1) & mask; slots[i].value != HASH_NONE; i = (i + 1) & mask) {
		if (((i - slots[i].hash) & mask) < ((i - hole) & mask))
			continue;
		slots[hole] = slots[i];
		hole = i;
	}
	slots[hole] = (struct hash_slot){.hash = UINT32_MAX, .value = HASH_NONE};
	index->count--;
}

uint32_t hash_index_next(const struct hash_index *index, uint64_t hash, uint32_t *at)
{
	if (index->slots == NULL)
		return HASH_NONE;
	for (;; (*at)++) {
		const struct hash_slot *slot = &index->slots[((uint32_t)hash + *at) & index->mask];

		if (slot->value == HASH_NONE)
			return HASH_NONE;
		if (slot->hash == (uint32_t)hash) {
			(*at)++;
			return slot->value;
		}
	}
}
