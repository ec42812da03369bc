/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "rig.h"
#include "traffic.h"

/*
 * What measuring a worker takes: bursts of prepared packets through rx_queue_poll(), which the worker loop calls, with
 * headers written outside the clock.
 *
 * Threads: a stream belongs to the thread that runs it.
 */
#define STREAM_BURST   64
#define STREAM_BUFFERS 32768 /* at most; the usual number stays in the second-level cache */

struct stream {
	struct rig *rig;
	unsigned worker;
	bool count, watch;
	bool updates; /* apply and reclaim too, in the clock */
	struct traffic traffic;
	struct rte_mbuf **buffers;
	unsigned buffer_count, next;
	uint8_t before[64];
	_Atomic uint64_t clocked; /* ticks so far; another thread reads it: apart from the rest */
	uint8_t after[64];
};

void stream_init(struct stream *stream, struct rig *rig, unsigned worker, enum traffic_path path,
	const struct traffic_shape *shape, unsigned buffers, struct rte_mempool *pool);
void stream_fini(struct stream *stream);
/* One burst: as struct bench wants it. */
uint64_t stream_run(void *stream, uint64_t *done);

/* An update applied, from its place in the ring on; rounds of batches of 32. */
void scale_updates(struct rig *rig);
/*
 * A worker that owns the tables on another core, without updates and with 10,000 and 100,000 from this one per second
 * that the clock runs there: as a worker gets them that does nothing besides. Nothing if there is no other core.
 */
void scale_with_writer(struct stream *stream);
/* Two workers alone and at once: "NAME_alone", "NAME_together". Nothing if there is no other core. */
void scale_workers(const char *name, struct stream *first, struct stream *second);
/*
 * A worker that shares what it receives out with another one: ticks per packet received there, with the half of the
 * packets that it keeps ("NAME_spread_first"), and per packet taken by the other ("NAME_spread_second"). @first has at
 * least SCALE_SPREAD_BUFFERS. Nothing if there is no other core.
 */
#define SCALE_SPREAD_BUFFERS 1024
void scale_spread(const char *name, struct stream *first);
