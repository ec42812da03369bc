/* SPDX-License-Identifier: BSD-3-Clause */
#include "events.h"

#include <stdlib.h>
#include <string.h>

/* What the order is made of; the events themselves stay where they are. */
struct place {
	uint64_t at_ns, order;
	size_t slot;
};

struct events_queue {
	struct place *heap; /* @count of @size; the slots of the rest are free */
	struct event *slots;
	size_t count, size;
	uint64_t order;
};

struct events_queue *events_queue_create(void)
{
	struct events_queue *queue = calloc(1, sizeof(*queue));

	if (queue == NULL)
		abort();
	return queue;
}

void events_queue_destroy(struct events_queue *queue)
{
	for (size_t i = 0; i < queue->count; i++)
		free(queue->slots[queue->heap[i].slot].bytes);
	free(queue->heap);
	free(queue->slots);
	free(queue);
}

static bool before(const struct place *a, const struct place *b)
{
	return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

static void grow(struct events_queue *queue)
{
	size_t size = queue->size > 0 ? queue->size * 2 : 1024;

	queue->heap = realloc(queue->heap, size * sizeof(*queue->heap));
	queue->slots = realloc(queue->slots, size * sizeof(*queue->slots));
	if (queue->heap == NULL || queue->slots == NULL)
		abort();
	for (; queue->size < size; queue->size++)
		queue->heap[queue->size].slot = queue->size;
}

static uint8_t *copy_of(const uint8_t *bytes, uint16_t length)
{
	uint8_t *copy = malloc(length > 0 ? length : 1); /* exact: overruns are seen */

	if (copy == NULL)
		abort();
	memcpy(copy, bytes, length);
	return copy;
}

void events_queue_add(struct events_queue *queue, const struct event *event)
{
	size_t at = queue->count++;
	struct place added = {.at_ns = event->at_ns, .order = queue->order++};
	struct event *copy;

	if (queue->count > queue->size)
		grow(queue);
	added.slot = queue->heap[at].slot;
	copy = &queue->slots[added.slot];
	*copy = *event;
	if (event->bytes != NULL)
		copy->bytes = copy_of(event->bytes, event->length);
	for (; at > 0 && before(&added, &queue->heap[(at - 1) / 2]); at = (at - 1) / 2)
		queue->heap[at] = queue->heap[(at - 1) / 2];
	queue->heap[at] = added;
}

uint64_t events_queue_next(const struct events_queue *queue)
{
	return queue->count > 0 ? queue->heap[0].at_ns : UINT64_MAX;
}

bool events_queue_take(struct events_queue *queue, struct event *event)
{
	struct place last;
	size_t at = 0, child, slot;

	if (queue->count == 0)
		return false;
	slot = queue->heap[0].slot;
	*event = queue->slots[slot];
	last = queue->heap[--queue->count];
	while ((child = at * 2 + 1) < queue->count) {
		if (child + 1 < queue->count && before(&queue->heap[child + 1], &queue->heap[child]))
			child++;
		if (!before(&queue->heap[child], &last))
			break;
		queue->heap[at] = queue->heap[child];
		at = child;
	}
	queue->heap[at] = last;
	queue->heap[queue->count].slot = slot;
	return true;
}
