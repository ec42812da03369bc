/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "fwd_update.h"
#include "hash_core.h"
#include "hold_ends.h"
#include "memory.h"
#include "reclaim.h"

/*
 * Pair table of a MAG: (source endpoint, destination endpoint) -> forward, and what a packet has to look like: a hit is
 * lookup and anti-spoofing in one cache line behind the bucket. The two halves of a pair's state (FORWARD_PAIR_TX and
 * FORWARD_PAIR_RX) are different keys: after a handover both may be there for the same two endpoints.
 *
 * Threads, entries, memory: as endpoint_table.h.
 */
enum pair_half {
	PAIR_TX, /* packets of our MN */
	PAIR_RX, /* packets out of direct tunnels */
	PAIR_HALVES,
};

union pair_key {
	struct {
		uint64_t source; /* of PAIR_RX with every bit turned, which no endpoint id is */
		uint64_t destination;
	};
	uint64_t words[2];
};

/* Where packets of a PAIR_TX entry come from. */
union pair_from {
	struct {
		uint16_t link;
		uint8_t mac[6];
	};
	uint64_t word;
};

/* All that a packet needs; immutable once published, but for the one field. */
struct pair_entry {
	union pair_key key;
	struct forward forward;
	union {
		union pair_from from; /* PAIR_TX */
		struct {
			uint32_t tunnel, former;
		}; /* PAIR_RX */
	} check;
	uint32_t index; /* slot of the pair's counters */
	uint32_t held;  /* enum hold_end, with forward.hold; workers: rw; atomic */
	uint8_t reserved[8];
};
_Static_assert(sizeof(struct pair_entry) == 64, "one cache line");

static inline union pair_key pair_key(enum pair_half half, uint64_t source, uint64_t destination)
{
	return (union pair_key){.source = half == PAIR_TX ? source : ~source, .destination = destination};
}

/* The word of @link, without a MAC. */
static inline uint64_t pair_from_link(uint16_t link)
{
	return (union pair_from){.link = link}.word;
}

/* The word of a @link (pair_from_link()) with @mac, in front of which two other octets lie. */
static inline uint64_t pair_from_word(uint64_t link, const uint8_t *mac)
{
	const union pair_from mask = {.mac = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
	uint64_t word;

	memcpy(&word, mac - 2, sizeof(word));
	return (word & mask.word) | link;
}

/*
 * Why the packets of an entry with forward.hold are not held back any more; HOLD_WAITS: they are. What happened before
 * pair_entry_release() of another worker is done when this one sees it. Readers.
 */
static inline enum hold_end pair_entry_held(const struct pair_entry *entry)
{
	return (enum hold_end)__atomic_load_n(&entry->held, __ATOMIC_ACQUIRE);
}

/* From now on they are not; the first reason stays, unless two workers meet. Readers. */
static inline void pair_entry_release(const struct pair_entry *entry, enum hold_end end)
{
	if (pair_entry_held(entry) == HOLD_WAITS)
		__atomic_store_n((uint32_t *)(uintptr_t)&entry->held, end, __ATOMIC_RELEASE);
}

/* The half that @flags (FORWARD_PAIR_...) name; PAIR_HALVES: none or both, or _RETURN without _RX. */
enum pair_half pair_half_of(uint8_t flags);

struct pair_table;

/* As endpoint_table.h; @capacity counts entries: halves, not pairs. */
int pair_table_create(uint32_t capacity, uint64_t seed, struct reclaim *reclaim, const struct memory *memory,
	struct pair_table **table);
void pair_table_destroy(struct pair_table *table);
/* Memory that pair_table_create() takes. */
uint64_t pair_table_memory_bytes(uint32_t capacity);

/*
 * Is there nothing to look up? False as soon as there has been an entry for a while; a reader may see a change late, as
 * it may see an entry late. Cheap: a line that is written when the first entry comes and the last one goes. Readers.
 */
bool pair_table_is_empty(const struct pair_table *table);
/* The entry of @key, NULL: none. Until the reader reports quiescence. Readers. */
const struct pair_entry *pair_table_lookup(const struct pair_table *table, union pair_key key);
/* @n lookups (@n <= VECTOR_MAX), the same as one by one. Returns the number found. Readers. */
uint16_t pair_table_lookup_burst(
	const struct pair_table *table, const union pair_key *keys, uint16_t n, const struct pair_entry **entries);
/*
 * The same in two halves, with other work between them: the first has what is read first on its way to the cache.
 * @ahead: from one to the other. Readers.
 */
void pair_table_lookup_ahead(
	const struct pair_table *table, const union pair_key *keys, uint16_t n, struct hash_ahead *ahead);
uint16_t pair_table_lookup_prepared(const struct pair_table *table, const union pair_key *keys,
	const struct hash_ahead *ahead, uint16_t n, const struct pair_entry **entries);

/*
 * Writer. The half is that of @pair's forward.flags. 0, or -EINVAL: no half, source and destination are not two
 * endpoints, or hold at what cannot be held; -EEXIST; -ENOENT; -ENOSPC; -EAGAIN, as endpoint_table.h. On error nothing
 * changed.
 */
int pair_table_insert(struct pair_table *table, const struct fwd_pair *pair, uint32_t index);
int pair_table_replace(struct pair_table *table, const struct fwd_pair *pair, uint32_t index);
int pair_table_remove(struct pair_table *table, const struct fwd_pair *pair);
/* Have what a change of @pair reads on its way to the cache, as endpoint_table.h. Writer. */
void pair_table_prefetch(const struct pair_table *table, const struct fwd_pair *pair);
void pair_table_prefetch_entry(const struct pair_table *table, const struct fwd_pair *pair);
/* Entries in the table. Writer. */
uint32_t pair_table_count(const struct pair_table *table);
/* The entries: for tests. */
struct slab *pair_table_slab(struct pair_table *table);
