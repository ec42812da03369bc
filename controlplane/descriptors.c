/* SPDX-License-Identifier: BSD-3-Clause */
#include "descriptors.h"

#include <stdlib.h>

struct retired {
	uint64_t seq;
	uint32_t slot;
};

struct descriptors {
	struct door *door;
	uint32_t *free;
	struct retired *retired; /* ring of `size`, in order of seq */
	uint32_t size, free_count, head, retired_count;
};

struct descriptors *descriptors_create(struct door *door)
{
	struct descriptors *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->door = door;
	d->size = door->config.descriptors;
	d->free = calloc(d->size + 1, sizeof(*d->free));
	d->retired = calloc(d->size + 1, sizeof(*d->retired));
	if (d->free == NULL || d->retired == NULL) {
		descriptors_destroy(d);
		return NULL;
	}
	for (uint32_t i = 0; i < d->size; i++)
		d->free[d->free_count++] = d->size - 1 - i;
	return d;
}

void descriptors_destroy(struct descriptors *d)
{
	if (d == NULL)
		return;
	free(d->free);
	free(d->retired);
	free(d);
}

static void collect(struct descriptors *d)
{
	uint64_t applied = door_applied(d->door);

	for (; d->retired_count > 0 && d->retired[d->head].seq <= applied; d->retired_count--) {
		d->free[d->free_count++] = d->retired[d->head].slot;
		d->head = (d->head + 1) % d->size;
	}
}

uint32_t descriptors_put(struct descriptors *d, const struct tunnel_template *template)
{
	uint32_t slot;

	if (d->free_count == 0)
		collect(d);
	if (d->free_count == 0)
		return INDEX_NONE;
	slot = d->free[--d->free_count];
	d->door->descriptors[slot] = *template;
	return slot;
}

void descriptors_release(struct descriptors *d, uint32_t slot, uint64_t pushed)
{
	if (slot >= d->size || d->retired_count + d->free_count >= d->size)
		return;
	d->retired[(d->head + d->retired_count++) % d->size] = (struct retired){pushed, slot};
}
