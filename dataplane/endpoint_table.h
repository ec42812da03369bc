/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdint.h>

#include "forward.h"
#include "memory.h"
#include "reclaim.h"

/*
 * Endpoint table: endpoint id (endpoint.h) -> forward, in both roles.
 *
 * Threads: one writer (the socket's table owner), any number of readers that report quiescence. Readers never wait.
 * An entry is immutable once published; a replacement is a new entry, and a reader sees the old or the new one.
 * Memory: fixed at creation; insert fails with -ENOSPC, it never evicts.
 */
struct endpoint_table;

/* @seed: any number that an outsider cannot guess. 0, -EINVAL (@capacity is 0 or too large) or -ENOMEM. */
int endpoint_table_create(uint32_t capacity, uint64_t seed, struct reclaim *reclaim, const struct memory *memory,
	struct endpoint_table **table);
void endpoint_table_destroy(struct endpoint_table *table);
/* Memory that endpoint_table_create() takes. */
uint64_t endpoint_table_memory_bytes(uint32_t capacity);

/*
 * The forward of @id; a miss gives one with action FORWARD_NONE, never NULL. Valid until the reader reports
 * quiescence. Readers.
 */
const struct forward *endpoint_table_lookup(const struct endpoint_table *table, uint64_t id);
/*
 * Look up @n ids (@n <= VECTOR_MAX). Same result as calling endpoint_table_lookup() for each in turn. Returns the
 * number of hits. Readers.
 */
uint16_t endpoint_table_lookup_burst(
	const struct endpoint_table *table, const uint64_t *ids, uint16_t n, const struct forward **forwards);

/*
 * Writer. 0, or -EINVAL: id is ENDPOINT_NONE; -EEXIST; -ENOENT; -ENOSPC: @capacity endpoints are in; -EAGAIN: every
 * spare entry waits for its grace period, try again after reclaim_poll(). On error nothing changed.
 */
int endpoint_table_insert(struct endpoint_table *table, uint64_t id, const struct forward *forward);
int endpoint_table_replace(struct endpoint_table *table, uint64_t id, const struct forward *forward);
int endpoint_table_remove(struct endpoint_table *table, uint64_t id);
/* Have what a change reads first on its way to the cache; then, when that is there, what it reads next. Writer. */
void endpoint_table_prefetch(const struct endpoint_table *table, uint64_t id);
void endpoint_table_prefetch_entry(const struct endpoint_table *table, uint64_t id);
/* Endpoints in the table. Writer. */
uint32_t endpoint_table_count(const struct endpoint_table *table);
/* The entries: for tests. */
struct slab *endpoint_table_slab(struct endpoint_table *table);
