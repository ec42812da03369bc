/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <netinet/in.h>

#include "memory.h"
#include "reclaim.h"

/*
 * Route table: longest prefix match of an IPv6 destination -> next hop. One hash table keyed by (prefix, length), asked
 * for each length that is in use, longest first: a gateway has few lengths (neighbours are /128, links, static routes,
 * a default), a change is one atomic store whatever the prefix covers, and memory per route does not depend on the
 * prefix.
 *
 * Threads, memory: as endpoint_table.h. While a route changes, a lookup gives the old or the new next hop.
 */

/* A next hop: index of a neighbour, or ROUTE_LOCAL | port (the destination is on that port's link), or ROUTE_NONE. */
#define ROUTE_LOCAL        UINT32_C(0x00400000)
#define ROUTE_NEXT_HOP_MAX UINT32_C(0x003fffff) /* largest neighbour index or port */
#define ROUTE_NONE         UINT32_MAX

static inline bool route_is_local(uint32_t next_hop)
{
	return next_hop != ROUTE_NONE && (next_hop & ROUTE_LOCAL) != 0;
}

static inline uint16_t route_local_port(uint32_t next_hop)
{
	return (uint16_t)(next_hop & ROUTE_NEXT_HOP_MAX);
}

struct route_table;

/* @capacity: most routes, of any length. As endpoint_table.h. */
int route_table_create(uint32_t capacity, uint64_t seed, struct reclaim *reclaim, const struct memory *memory,
	struct route_table **table);
void route_table_destroy(struct route_table *table);
/* Memory that route_table_create() takes. */
uint64_t route_table_memory_bytes(uint32_t capacity);

/* Next hop of @address, or ROUTE_NONE. Readers. */
uint32_t route_table_lookup(const struct route_table *table, const struct in6_addr *address);
/* @n lookups (@n <= VECTOR_MAX), the same as one by one; addresses need no alignment. Returns the number found. */
uint16_t route_table_lookup_burst(
	const struct route_table *table, const uint8_t *const *addresses, uint16_t n, uint32_t *next_hops);

/*
 * New route, or another next hop for a prefix that is in. @old: next hop that it had, or ROUTE_NONE; may be NULL.
 * 0, or -EINVAL: length over 128, bits set behind it, or no such next hop; -ENOSPC; -EAGAIN as endpoint_table.h. On
 * error nothing changed. Writer.
 */
int route_table_insert(
	struct route_table *table, const struct in6_addr *prefix, uint8_t length, uint32_t next_hop, uint32_t *old);
/* 0, -EINVAL or -ENOENT. Writer. */
int route_table_remove(struct route_table *table, const struct in6_addr *prefix, uint8_t length, uint32_t *old);
uint32_t route_table_count(const struct route_table *table);
struct slab *route_table_slab(struct route_table *table);
