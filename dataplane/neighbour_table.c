/* SPDX-License-Identifier: BSD-3-Clause */
#include "neighbour_table.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "index_table.h"

#define ETHERTYPE_8021Q 0x8100
#define ETHERTYPE_IPV6  0x86dd

_Static_assert(offsetof(struct neighbour, header) + NEIGHBOUR_HEADER_MAX == NEIGHBOUR_COPY, "the header ends the copy");

struct neighbour_table {
	struct index_table indexes;
	const struct memory *memory;
};

int neighbour_table_create(
	uint32_t capacity, struct reclaim *reclaim, const struct memory *memory, struct neighbour_table **created)
{
	struct neighbour_table *table = memory->alloc(memory, sizeof(*table), 64);
	int error;

	if (table == NULL)
		return -ENOMEM;
	table->memory = memory;
	error = index_table_init(&table->indexes, capacity, sizeof(struct neighbour), reclaim, memory);
	if (error != 0) {
		memory->free(memory, table);
		return error;
	}
	*created = table;
	return 0;
}

void neighbour_table_destroy(struct neighbour_table *table)
{
	if (table == NULL)
		return;
	index_table_fini(&table->indexes);
	table->memory->free(table->memory, table);
}

uint64_t neighbour_table_memory_bytes(uint32_t capacity)
{
	return sizeof(struct neighbour_table) + index_table_memory_bytes(capacity, sizeof(struct neighbour));
}

const struct neighbour *neighbour_table_lookup(const struct neighbour_table *table, uint32_t index)
{
	return index_table_at(&table->indexes, index, sizeof(struct neighbour));
}

uint16_t neighbour_table_lookup_burst(
	const struct neighbour_table *table, const uint32_t *indexes, uint16_t n, const struct neighbour **neighbours)
{
	return index_table_at_burst(
		&table->indexes, indexes, n, (const void **)(void *)neighbours, sizeof(struct neighbour));
}

/* Destination, source, [802.1Q tag,] EtherType: written backwards from the end. */
static uint8_t neighbour_header(uint8_t *end, const struct fwd_neighbour *from)
{
	uint8_t *at = end - 2;

	at[0] = ETHERTYPE_IPV6 >> 8;
	at[1] = ETHERTYPE_IPV6 & 0xff;
	if (from->vlan != VLAN_NONE) {
		at -= 4;
		at[0] = ETHERTYPE_8021Q >> 8;
		at[1] = ETHERTYPE_8021Q & 0xff;
		at[2] = (uint8_t)(from->vlan >> 8);
		at[3] = (uint8_t)from->vlan;
	}
	at -= 12;
	memcpy(at, from->mac, 6);
	memcpy(at + 6, from->source_mac, 6);
	return (uint8_t)(end - at);
}

int neighbour_table_insert(struct neighbour_table *table, uint32_t index, const struct fwd_neighbour *from)
{
	struct neighbour neighbour = {
		.mtu_bytes = from->mtu_bytes,
		.port = from->port,
		.address = from->address,
	};

	if (from->port >= PORTS_MAX || from->vlan > 4094 || from->resolved > 1)
		return -EINVAL;
	if (from->resolved != 0)
		neighbour.length = neighbour_header(neighbour.header + NEIGHBOUR_HEADER_MAX, from);
	return index_table_put(&table->indexes, index, &neighbour);
}

int neighbour_table_remove(struct neighbour_table *table, uint32_t index)
{
	return index_table_remove(&table->indexes, index);
}

void neighbour_table_hold(struct neighbour_table *table, uint32_t index)
{
	index_table_hold(&table->indexes, index);
}

void neighbour_table_release(struct neighbour_table *table, uint32_t index)
{
	index_table_release(&table->indexes, index);
}

uint32_t neighbour_table_count(const struct neighbour_table *table)
{
	return table->indexes.count;
}

struct slab *neighbour_table_slab(struct neighbour_table *table)
{
	return &table->indexes.slab;
}
