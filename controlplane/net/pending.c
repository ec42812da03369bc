/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/internal.h"

void pending_init(struct pending *pending, enum push_result (*push)(struct net *, struct pending *))
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
	struct pending *last = TAILQ_LAST(&net->pending, pending_list), *next;

	for (struct pending *at = TAILQ_FIRST(&net->pending); at != NULL; at = next) {
		enum push_result result = at->push(net, at);

		next = at == last ? NULL : TAILQ_NEXT(at, entry);
		if (result != PUSH_DONE)
			net->stats.updates_refused++;
		if (result == PUSH_REFUSED)
			return;
		if (result == PUSH_DONE)
			pending_cancel(net, at);
	}
}
