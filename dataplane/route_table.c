/* SPDX-License-Identifier: BSD-3-Clause */
#include "route_table.h"

#include <errno.h>
#include <string.h>

#include "exact_table.h"

#define ROUTE_LENGTHS 129 /* 0..128 */

union route_key {
	struct {
		uint64_t high, low; /* host order, zero behind the prefix */
		uint64_t length;
	};
	uint64_t words[3];
};

struct route_entry {
	union route_key key;
	uint32_t next_hop; /* atomic: a route that is replaced keeps its entry */
	uint32_t reserved;
};
_Static_assert(sizeof(struct route_entry) == 32, "two entries per cache line");

#define ROUTE_WORDS (sizeof(union route_key) / sizeof(uint64_t))
#define ROUTE_BYTES sizeof(struct route_entry)

struct route_table {
	/* Bit l % 64 of word l / 64: there is a route of length l. Writer: rw, readers: ro; release/acquire. */
	uint64_t lengths[ROUTE_LENGTHS / 64 + 1];
	struct exact_table exact;
	uint32_t length_counts[ROUTE_LENGTHS]; /* writer only */
	const struct memory *memory;
};

int route_table_create(uint32_t capacity, uint64_t seed, struct reclaim *reclaim, const struct memory *memory,
	struct route_table **created)
{
	struct route_table *table = memory->alloc(memory, sizeof(*table), 64);
	int error;

	if (table == NULL)
		return -ENOMEM;
	table->memory = memory;
	error = exact_table_init(&table->exact, capacity, ROUTE_WORDS, ROUTE_BYTES, seed, reclaim, memory);
	if (error != 0) {
		memory->free(memory, table);
		return error;
	}
	*created = table;
	return 0;
}

void route_table_destroy(struct route_table *table)
{
	if (table == NULL)
		return;
	exact_table_fini(&table->exact);
	table->memory->free(table->memory, table);
}

uint64_t route_table_memory_bytes(uint32_t capacity)
{
	return sizeof(struct route_table) + exact_table_memory_bytes(capacity, ROUTE_BYTES);
}

static union route_key route_key(const uint8_t *address, unsigned length)
{
	union route_key key = {{endpoint_load_be64(address), endpoint_load_be64(address + 8), length}};

	if (length <= 64) {
		key.high = length != 0 ? key.high & UINT64_MAX << (64 - length) : 0;
		key.low = 0;
	} else {
		key.low &= UINT64_MAX << (128 - length);
	}
	return key;
}

static struct route_entry *route_entry_at(const struct route_table *table, uint32_t entry)
{
	void *at = table->exact.slab.entries + (uint64_t)entry * ROUTE_BYTES;

	return at;
}

static uint32_t route_entry_next_hop(const struct route_entry *entry)
{
	return __atomic_load_n(&entry->next_hop, __ATOMIC_RELAXED);
}

/* The longest length in use that is at most @length; -1: none. */
static int route_length_below(const struct route_table *table, int length)
{
	for (int word = length / 64; length >= 0; length = word * 64 - 1, word--) {
		uint64_t bits = __atomic_load_n(&table->lengths[word], __ATOMIC_ACQUIRE);

		bits &= UINT64_MAX >> (63 - length % 64);
		if (bits != 0)
			return word * 64 + 63 - __builtin_clzll(bits);
	}
	return -1;
}

uint32_t route_table_lookup(const struct route_table *table, const struct in6_addr *address)
{
	for (int length = 128; (length = route_length_below(table, length)) >= 0; length--) {
		union route_key key = route_key(address->s6_addr, (unsigned)length);
		uint32_t entry = hash_core_find(&table->exact.core, key.words, ROUTE_WORDS, ROUTE_BYTES);

		if (entry != HASH_NONE)
			return route_entry_next_hop(route_entry_at(table, entry));
	}
	return ROUTE_NONE;
}

uint16_t route_table_lookup_burst(
	const struct route_table *table, const uint8_t *const *addresses, uint16_t n, uint32_t *next_hops)
{
	union route_key keys[VECTOR_MAX];
	const void *entries[VECTOR_MAX];
	uint8_t left[VECTOR_MAX];
	uint16_t count = n;

	for (uint16_t i = 0; i < n; i++) {
		next_hops[i] = ROUTE_NONE;
		left[i] = (uint8_t)i;
	}
	for (int length = 128; count != 0 && (length = route_length_below(table, length)) >= 0; length--) {
		uint16_t missed = 0;

		for (uint16_t j = 0; j < count; j++)
			keys[j] = route_key(addresses[left[j]], (unsigned)length);
		hash_core_find_burst(&table->exact.core, keys[0].words, count, entries, ROUTE_WORDS, ROUTE_BYTES);
		for (uint16_t j = 0; j < count; j++) {
			if (entries[j] != NULL)
				next_hops[left[j]] = route_entry_next_hop(entries[j]);
			else
				left[missed++] = left[j];
		}
		count = missed;
	}
	return (uint16_t)(n - count);
}

static bool route_next_hop_is_valid(uint32_t next_hop)
{
	return route_is_local(next_hop) ? next_hop <= (ROUTE_LOCAL | UINT16_MAX) : next_hop <= ROUTE_NEXT_HOP_MAX;
}

static int route_key_checked(const struct in6_addr *prefix, uint8_t length, union route_key *key)
{
	union route_key whole = route_key(prefix->s6_addr, 128);

	if (length > 128)
		return -EINVAL;
	*key = route_key(prefix->s6_addr, length);
	return key->high == whole.high && key->low == whole.low ? 0 : -EINVAL;
}

static void route_count_length(struct route_table *table, unsigned length, int n)
{
	uint64_t bit = UINT64_C(1) << length % 64, word = table->lengths[length / 64];

	table->length_counts[length] += (uint32_t)n;
	word = table->length_counts[length] != 0 ? word | bit : word & ~bit;
	__atomic_store_n(&table->lengths[length / 64], word, __ATOMIC_RELEASE);
}

int route_table_insert(
	struct route_table *table, const struct in6_addr *prefix, uint8_t length, uint32_t next_hop, uint32_t *old)
{
	struct route_entry entry = {.next_hop = next_hop}, *known;
	uint32_t old_next_hop = ROUTE_NONE;
	int error = route_key_checked(prefix, length, &entry.key);

	if (error != 0 || !route_next_hop_is_valid(next_hop))
		return -EINVAL;
	known = exact_table_find(&table->exact, &entry.key);
	if (known != NULL) {
		old_next_hop = known->next_hop;
		__atomic_store_n(&known->next_hop, next_hop, __ATOMIC_RELEASE);
	} else {
		error = exact_table_insert(&table->exact, &entry);
		if (error != 0)
			return error;
		route_count_length(table, length, 1);
	}
	if (old != NULL)
		*old = old_next_hop;
	return 0;
}

int route_table_remove(struct route_table *table, const struct in6_addr *prefix, uint8_t length, uint32_t *old)
{
	struct route_entry *known;
	union route_key key;

	if (route_key_checked(prefix, length, &key) != 0)
		return -EINVAL;
	known = exact_table_find(&table->exact, &key);
	if (known == NULL)
		return -ENOENT;
	if (old != NULL)
		*old = known->next_hop;
	route_count_length(table, length, -1);
	return exact_table_remove(&table->exact, &key);
}

uint32_t route_table_count(const struct route_table *table)
{
	return table->exact.core.count;
}

struct slab *route_table_slab(struct route_table *table)
{
	return &table->exact.slab;
}
