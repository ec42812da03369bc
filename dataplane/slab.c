/* SPDX-License-Identifier: BSD-3-Clause */
#include "slab.h"

#include <errno.h>
#include <string.h>

static const struct slab_list slab_list_empty = {SLAB_NONE, SLAB_NONE, 0};

int slab_init(struct slab *slab, uint32_t count, uint32_t entry_bytes, const struct memory *memory)
{
	memset(slab, 0, sizeof(*slab));
	slab->entries = memory->alloc(memory, (size_t)count * entry_bytes, 64);
	slab->next = memory->alloc(memory, (size_t)count * sizeof(*slab->next), 64);
	slab->memory = memory;
	if (slab->entries == NULL || slab->next == NULL) {
		slab_fini(slab);
		return -ENOMEM;
	}
	slab->entry_bytes = entry_bytes;
	slab->count = count;
	slab->free = slab_list_empty;
	slab->retired = slab_list_empty;
	return 0;
}

void slab_fini(struct slab *slab)
{
	if (slab->memory == NULL)
		return;
	slab->memory->free(slab->memory, slab->next);
	slab->memory->free(slab->memory, slab->entries);
	memset(slab, 0, sizeof(*slab));
}

uint64_t slab_memory_bytes(uint32_t count, uint32_t entry_bytes)
{
	return (uint64_t)count * (entry_bytes + sizeof(uint32_t)) + 2 * 64;
}

static void slab_list_push(struct slab *slab, struct slab_list *list, uint32_t index)
{
	slab->next[index] = list->head;
	list->head = index;
	if (list->tail == SLAB_NONE)
		list->tail = index;
	list->count++;
}

uint32_t slab_take(struct slab *slab)
{
	uint32_t index = slab->free.head;

	if (index == SLAB_NONE)
		return slab->unused < slab->count ? slab->unused++ : SLAB_NONE;
	slab->free.head = slab->next[index];
	slab->free.count--;
	if (slab->free.head == SLAB_NONE) {
		slab->free.tail = SLAB_NONE;
		return index;
	}
	/* Entries come back in no order: the next one is cold. */
	__builtin_prefetch(&slab->next[slab->free.head]);
	__builtin_prefetch(slab_at(slab, slab->free.head), 1);
	return index;
}

void slab_give(struct slab *slab, uint32_t index)
{
	slab_list_push(slab, &slab->free, index);
}

void slab_retire(struct slab *slab, uint32_t index)
{
	slab_list_push(slab, &slab->retired, index);
	slab->waiting++;
}

struct slab_list slab_seal(struct slab *slab)
{
	struct slab_list list = slab->retired;

	slab->retired = slab_list_empty;
	return list;
}

void slab_reclaim(struct slab *slab, const struct slab_list *list)
{
	if (list->count == 0)
		return;
	if (slab->recycle != NULL) {
		for (uint32_t i = list->head;; i = slab->next[i]) {
			slab->recycle(slab, i);
			if (i == list->tail)
				break;
		}
	}
	slab->next[list->tail] = slab->free.head;
	if (slab->free.tail == SLAB_NONE)
		slab->free.tail = list->tail;
	slab->free.head = list->head;
	slab->free.count += list->count;
	slab->waiting -= list->count;
}
