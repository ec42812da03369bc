/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/internal.h"

void pending_init(struct pending *pending, bool (*push)(struct net *, struct pending *))
{
	*pending = (struct pending){.push = push};
}

void pending_add(struct net *net, struct pending *pending)
{
	if (!pending->queued)
		TAILQ_INSERT_TAIL(&net->pending, pending, entry);
	pending->queued = true;
}

void pending_mark(struct net *net, struct pending *pending)
{
	pending_add(net, pending);
	pending_flush(net);
}

void pending_cancel(struct net *net, struct pending *pending)
{
	if (pending->queued)
		TAILQ_REMOVE(&net->pending, pending, entry);
	pending->queued = false;
}

void pending_flush(struct net *net)
{
	struct pending *first;

	while ((first = TAILQ_FIRST(&net->pending)) != NULL) {
		if (!first->push(net, first)) {
			net->stats.updates_refused++;
			return;
		}
		pending_cancel(net, first);
	}
}
