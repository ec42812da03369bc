/* SPDX-License-Identifier: BSD-3-Clause */
#include "events.h"

#include <stdlib.h>
#include <string.h>

struct events_queue {
	struct event *heap;
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
		free(queue->heap[i].bytes);
	free(queue->heap);
	free(queue);
}

static bool before(const struct event *a, const struct event *b)
{
	return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

void events_queue_add(struct events_queue *queue, const struct event *event)
{
	size_t at = queue->count++;
	struct event added = *event;

	if (queue->count > queue->size) {
		queue->size = queue->size > 0 ? queue->size * 2 : 1024;
		queue->heap = realloc(queue->heap, queue->size * sizeof(*queue->heap));
		if (queue->heap == NULL)
			abort();
	}
	added.order = queue->order++;
	if (event->bytes != NULL) {
		added.bytes = malloc(event->length > 0 ? event->length : 1); /* exact: overruns are seen */
		if (added.bytes == NULL)
			abort();
		memcpy(added.bytes, event->bytes, event->length);
	}
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
	struct event last;
	size_t at = 0, child;

	if (queue->count == 0)
		return false;
	*event = queue->heap[0];
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
	return true;
}
