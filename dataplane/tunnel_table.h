/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <netinet/in.h>

#include "fwd_update.h"
#include "memory.h"
#include "reclaim.h"

/*
 * Tunnel table: index -> how to encapsulate, and (outer addresses, protocol, key) -> index for decapsulation.
 *
 * Threads, entries, memory: as endpoint_table.h. A tunnel keeps its index when its template is replaced: a reader sees
 * the old or the new tunnel, never a mix.
 */

/* Octets that one copy moves: header and what lies before it. Encapsulation needs that much headroom. */
#define TUNNEL_LINE 64
/* Longest outer header with layer 2. */
#define TUNNEL_HEADER_MAX 58

/*
 * All that encapsulation reads, in one cache line. The header ends where the line ends: copying the whole line to the
 * 64 octets before the inner packet puts the header in its place, and what the copy writes before it is not sent.
 * The header has payload length, DSCP and ECN and flow label zero: to be fixed up per packet.
 */
struct tunnel {
	uint16_t mtu_bytes;                /* largest inner packet; 0 while unresolved */
	uint8_t length;                    /* of the header, layer 2 included; 0: unresolved, nothing can be sent */
	uint8_t port;                      /* way out */
	uint8_t dscp;                      /* 0..63, or TUNNEL_DSCP_COPY */
	uint8_t type;                      /* enum tunnel_type */
	uint8_t header[TUNNEL_HEADER_MAX]; /* the last length octets */
	/* Second line: not read by encapsulation. */
	struct in6_addr local, remote;
	uint8_t use; /* enum tunnel_use */
	uint8_t hop_limit;
	uint8_t flags; /* TUNNEL_RESOLVED */
	uint8_t reserved[29];
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct tunnel) == 128, "encapsulation reads the first line");

#define TUNNEL_DSCP_COPY 0xff

/* What an encapsulated packet is known by. Unused fields are zero. */
union tunnel_key {
	struct {
		struct in6_addr remote; /* outer source */
		struct in6_addr local;  /* outer destination */
		uint32_t key;           /* GRE key; 0 */
		uint8_t protocol;       /* outer next header */
		uint8_t reserved[3];
	};
	uint64_t words[5];
};
_Static_assert(sizeof(union tunnel_key) == 40, "no padding: hashed as a whole");

/* All that decapsulation reads. */
struct tunnel_peer {
	union tunnel_key key;
	uint32_t tunnel; /* index */
	uint8_t use;     /* enum tunnel_use: what the peer may send */
	uint8_t type;    /* enum tunnel_type */
	uint8_t reserved[18];
};
_Static_assert(sizeof(struct tunnel_peer) == 64, "one cache line");

struct tunnel_table;

/* @capacity: indexes are 0..capacity-1. As endpoint_table.h. */
int tunnel_table_create(uint32_t capacity, uint64_t seed, struct reclaim *reclaim, const struct memory *memory,
	struct tunnel_table **table);
void tunnel_table_destroy(struct tunnel_table *table);
/* Memory that tunnel_table_create() takes. */
uint64_t tunnel_table_memory_bytes(uint32_t capacity);

/* The tunnel at @index, NULL if there is none (INDEX_NONE included). Until the reader reports quiescence. Readers. */
const struct tunnel *tunnel_table_lookup(const struct tunnel_table *table, uint32_t index);
/* @n lookups (@n <= VECTOR_MAX), the same as one by one. Returns the number found. Readers. */
uint16_t tunnel_table_lookup_burst(
	const struct tunnel_table *table, const uint32_t *indexes, uint16_t n, const struct tunnel **tunnels);

/* Whose packet it is; NULL: nobody's. Readers. */
const struct tunnel_peer *tunnel_table_peer(const struct tunnel_table *table, const union tunnel_key *key);
/* @n lookups (@n <= VECTOR_MAX), the same as one by one. Returns the number found. Readers. */
uint16_t tunnel_table_peer_burst(
	const struct tunnel_table *table, const union tunnel_key *keys, uint16_t n, const struct tunnel_peer **peers);

/*
 * Writer. @template: NULL unless TUNNEL_RESOLVED is set in @tunnel's flags; it is copied.
 * 0, or -EINVAL: malformed, or a replacement with other addresses, type or use; -EEXIST: index or addresses taken;
 * -ENOENT: no tunnel at @index; -ENOSPC: @index out of range; -EBUSY: something still uses the tunnel; -EAGAIN as
 * endpoint_table.h. On error nothing changed.
 */
int tunnel_table_insert(struct tunnel_table *table, uint32_t index, const struct fwd_tunnel *tunnel,
	const struct tunnel_template *template);
int tunnel_table_replace(struct tunnel_table *table, uint32_t index, const struct fwd_tunnel *tunnel,
	const struct tunnel_template *template);
int tunnel_table_remove(struct tunnel_table *table, uint32_t index);
/* Something starts or ends to use the tunnel at @index, which exists. Writer. */
void tunnel_table_hold(struct tunnel_table *table, uint32_t index);
void tunnel_table_release(struct tunnel_table *table, uint32_t index);
uint32_t tunnel_table_users(const struct tunnel_table *table, uint32_t index);
uint32_t tunnel_table_count(const struct tunnel_table *table);
struct slab *tunnel_table_slab(struct tunnel_table *table);
