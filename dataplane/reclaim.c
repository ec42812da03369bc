/* SPDX-License-Identifier: BSD-3-Clause */
#include "reclaim.h"

#include <errno.h>
#include <string.h>

int reclaim_init(struct reclaim *reclaim, unsigned readers, const struct memory *memory)
{
	size_t bytes = rte_rcu_qsbr_get_memsize(readers);

	memset(reclaim, 0, sizeof(*reclaim));
	reclaim->memory = memory;
	reclaim->qsbr = memory->alloc(memory, bytes, RTE_CACHE_LINE_SIZE);
	if (reclaim->qsbr == NULL)
		return -ENOMEM;
	if (rte_rcu_qsbr_init(reclaim->qsbr, readers) != 0) {
		reclaim_fini(reclaim);
		return -EINVAL;
	}
	return 0;
}

void reclaim_fini(struct reclaim *reclaim)
{
	if (reclaim->qsbr != NULL)
		reclaim->memory->free(reclaim->memory, reclaim->qsbr);
	memset(reclaim, 0, sizeof(*reclaim));
}

int reclaim_add_slab(struct reclaim *reclaim, struct slab *slab)
{
	if (reclaim->slab_count == RECLAIM_SLABS_MAX)
		return -ENOSPC;
	reclaim->slabs[reclaim->slab_count++] = slab;
	return 0;
}

static bool reclaim_has_retired(const struct reclaim *reclaim)
{
	for (unsigned i = 0; i < reclaim->slab_count; i++) {
		if (reclaim->slabs[i]->retired.count != 0)
			return true;
	}
	return false;
}

static struct reclaim_batch *reclaim_batch(struct reclaim *reclaim, uint32_t position)
{
	return &reclaim->batches[position % RECLAIM_BATCHES_MAX];
}

void reclaim_fence(struct reclaim *reclaim)
{
	reclaim->fence = true;
}

void reclaim_seal(struct reclaim *reclaim, uint64_t seq)
{
	struct reclaim_batch *batch;

	if (!reclaim->fence && !reclaim_has_retired(reclaim)) {
		if (reclaim->first == reclaim->end)
			reclaim->reclaimed_seq = seq;
		else
			reclaim_batch(reclaim, reclaim->end - 1)->seq = seq;
		return;
	}
	if (reclaim->end - reclaim->first == RECLAIM_BATCHES_MAX)
		return; /* sealed together with what follows */
	batch = reclaim_batch(reclaim, reclaim->end++);
	for (unsigned i = 0; i < reclaim->slab_count; i++)
		batch->lists[i] = slab_seal(reclaim->slabs[i]);
	reclaim->fence = false;
	batch->seq = seq;
	batch->token = rte_rcu_qsbr_start(reclaim->qsbr);
}

uint64_t reclaim_poll(struct reclaim *reclaim)
{
	while (reclaim->first != reclaim->end) {
		struct reclaim_batch *batch = reclaim_batch(reclaim, reclaim->first);

		if (rte_rcu_qsbr_check(reclaim->qsbr, batch->token, false) != 1)
			break;
		for (unsigned i = 0; i < reclaim->slab_count; i++)
			slab_reclaim(reclaim->slabs[i], &batch->lists[i]);
		reclaim->reclaimed_seq = batch->seq;
		reclaim->first++;
	}
	return reclaim->reclaimed_seq;
}

uint32_t reclaim_waiting(const struct reclaim *reclaim)
{
	uint32_t waiting = 0;

	for (unsigned i = 0; i < reclaim->slab_count; i++)
		waiting += reclaim->slabs[i]->waiting;
	return waiting;
}

int reclaim_reader_register(struct reclaim *reclaim, unsigned reader)
{
	return rte_rcu_qsbr_thread_register(reclaim->qsbr, reader) == 0 ? 0 : -EINVAL;
}

void reclaim_reader_unregister(struct reclaim *reclaim, unsigned reader)
{
	/* Fails only for a number that reclaim_reader_register() refused. */
	(void)rte_rcu_qsbr_thread_unregister(reclaim->qsbr, reader);
}
