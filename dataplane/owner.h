/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "door.h"
#include "tables.h"

/*
 * The owner of a socket's tables: the first worker of the socket. It alone writes them, from the updates of the door.
 *
 * Threads: owner_init: the main thread, before the worker runs; the rest: that worker.
 */
#define OWNER_BATCH 32 /* updates fetched at once */

struct owner {
	struct tables *tables;
	struct door *door;
	struct door_socket *socket;
	unsigned worker; /* its event ring takes the answers to probes */
	uint64_t applied_seq;
	unsigned room;      /* in the failure ring, at least: only the owner takes of it */
	unsigned at, count; /* of batch: those from at on are not applied yet */
	struct fwd_update batch[OWNER_BATCH];
};

/* @socket: index in the door; @worker: whose thread will call owner_apply(). */
void owner_init(struct owner *owner, struct tables *tables, struct door *door, unsigned socket, unsigned worker);
/*
 * Apply up to @budget updates of the ring in order, report refusals, then applied_seq (release), and advance
 * reclaimed_seq. Once per worker loop, also when nothing seems to wait. Stops early when the failure ring is full or
 * every spare entry waits for its grace period, and goes on there the next time: nothing is lost. Returns how many were
 * applied. It does not report quiescence: the owner does that for itself, as every reader.
 */
unsigned owner_apply(struct owner *owner, unsigned budget);
/* True if something waits for owner_apply(): updates, or grace periods that are under way. Before the worker sleeps. */
bool owner_has_work(const struct owner *owner);
/*
 * Apply one update. 0, or negative errno, and then nothing changed:
 * -EINVAL  malformed, or an op that this role does not have
 * -EOPNOTSUPP  a pair, and there is no table for pairs
 * -ENOENT  it names an index, endpoint, link, pair or prefix that is not there
 * -EEXIST  the index, endpoint, half of a pair or pair of tunnel addresses is taken
 * -EBUSY   something still uses what it removes
 * -ENOSPC  the table is full, or the index out of its range
 * -ENOBUFS the answer to a probe has no room
 * -EAGAIN  not now, try again: every spare entry waits for its grace period. owner_apply() does not report this one.
 */
int owner_apply_one(struct owner *owner, const struct fwd_update *update);
