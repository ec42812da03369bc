/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdint.h>
#include <netinet/in.h>

#include "fwd_update.h"
#include "memory.h"
#include "reclaim.h"

/*
 * Neighbour table: index -> next hop with its layer-2 header ready.
 *
 * Threads, entries, memory: as endpoint_table.h. A replaced neighbour keeps its index.
 */

/* Octets that one copy moves: layer-2 header and what lies before it. */
#define NEIGHBOUR_COPY       32
#define NEIGHBOUR_HEADER_MAX 18

/*
 * The header ends where the copied part ends: copying NEIGHBOUR_COPY octets to before the IP header puts it in its
 * place; what the copy writes before it is not sent. EtherType IPv6.
 */
struct neighbour {
	uint16_t mtu_bytes; /* of the link behind it */
	uint16_t port;
	uint8_t length; /* of the header: 14 or 18; 0: unresolved */
	uint8_t unused[9];
	uint8_t header[NEIGHBOUR_HEADER_MAX]; /* the last length octets */
	struct in6_addr address;
	uint8_t reserved[16];
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct neighbour) == 64, "one cache line");

struct neighbour_table;

/* @capacity: indexes are 0..capacity-1. */
int neighbour_table_create(
	uint32_t capacity, struct reclaim *reclaim, const struct memory *memory, struct neighbour_table **table);
void neighbour_table_destroy(struct neighbour_table *table);
/* Memory that neighbour_table_create() takes. */
uint64_t neighbour_table_memory_bytes(uint32_t capacity);

/* The neighbour at @index, or NULL. Valid until the reader reports quiescence. Readers. */
const struct neighbour *neighbour_table_lookup(const struct neighbour_table *table, uint32_t index);
/* @n lookups (@n <= VECTOR_MAX), the same as one by one. Returns the number found. Readers. */
uint16_t neighbour_table_lookup_burst(
	const struct neighbour_table *table, const uint32_t *indexes, uint16_t n, const struct neighbour **neighbours);

/* New or replaced. 0, -EINVAL: malformed; -ENOSPC: @index out of range; -EAGAIN as endpoint_table.h. Writer. */
int neighbour_table_insert(struct neighbour_table *table, uint32_t index, const struct fwd_neighbour *neighbour);
/* 0, -ENOENT, or -EBUSY: a route still uses it. Writer. */
int neighbour_table_remove(struct neighbour_table *table, uint32_t index);
/* Something starts or ends to use the neighbour at @index, which exists. Writer. */
void neighbour_table_hold(struct neighbour_table *table, uint32_t index);
void neighbour_table_release(struct neighbour_table *table, uint32_t index);
uint32_t neighbour_table_count(const struct neighbour_table *table);
struct slab *neighbour_table_slab(struct neighbour_table *table);
