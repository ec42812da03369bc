/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ticks per lookup (bursts of 64) of the endpoint table, of rte_hash, and of a walk over two dependent cache lines of
 * memory of the same size, which no hash table can beat; and ticks per change by the writer.
 * bench_tables [ENTRIES...]: default 1 65536 1000000.
 */
#include "bench.h"

#include <unistd.h>
#include <rte_hash.h>
#include <rte_hash_crc.h>

#include "endpoint.h"
#include "endpoint_table.h"
#include "exact_table.h"
#include "memory_eal.h"
#include "owner.h"

#define BURST             VECTOR_MAX
#define POOL              (BURST * 64) /* ids made at once, outside the clock */
#define CHANGES           32
#define MEMORY_MB_MILLION 224
#define MEMORY_MB_FIXED   64

struct setup {
	uint32_t entries;
	struct memory memory;
	struct tables *tables;
	struct door *door;
	struct owner owner;
	struct rte_hash *hash;
	uint64_t *walk_lines, *walk_entries;
	uint32_t walk_line_count;
	uint64_t random;
	uint64_t seq;
	uint32_t churn_first; /* oldest endpoint that is in: run_churn() */
	uint64_t misses, sum;
};

static uint32_t pick(struct setup *s)
{
	return (uint32_t)((bench_random(&s->random) >> 32) * s->entries >> 32);
}

static uint64_t make_id(uint32_t i)
{
	return UINT64_C(0x20010db800000000) + i;
}

static void make_ids(struct setup *s, uint64_t *ids)
{
	for (unsigned i = 0; i < POOL; i++)
		ids[i] = make_id(s->churn_first + pick(s));
}

/* One line of 64 octets, then an entry of 32: what a lookup has to touch. */
static uint64_t run_walk(void *context, uint64_t *done)
{
	struct setup *s = context;
	uint64_t ids[POOL], ticks = 0;

	make_ids(s, ids);
	for (unsigned at = 0; at < POOL; at += BURST) {
		const uint64_t *lines[BURST], *entries[BURST];
		uint64_t start = bench_tsc();

		for (unsigned i = 0; i < BURST; i++) {
			lines[i] = &s->walk_lines[(endpoint_hash(ids[at + i]) >> 32) * s->walk_line_count >> 32 << 3];
			__builtin_prefetch(lines[i]);
		}
		for (unsigned i = 0; i < BURST; i++) {
			entries[i] = &s->walk_entries[*lines[i]];
			__builtin_prefetch(entries[i]);
		}
		for (unsigned i = 0; i < BURST; i++)
			s->sum += *entries[i];
		ticks += bench_tsc() - start;
	}
	*done += POOL;
	return ticks;
}

/* What every lookup does next, with all tables: read the forward. */
static uint64_t run_endpoint(void *context, uint64_t *done)
{
	struct setup *s = context;
	uint64_t ids[POOL], ticks = 0;

	make_ids(s, ids);
	for (unsigned at = 0; at < POOL; at += BURST) {
		const struct forward *forwards[BURST];
		uint64_t start = bench_tsc();

		s->misses += (uint64_t)(BURST -
					endpoint_table_lookup_burst(s->tables->endpoints, &ids[at], BURST, forwards));
		for (unsigned i = 0; i < BURST; i++)
			s->sum += forwards[i]->link;
		ticks += bench_tsc() - start;
	}
	*done += POOL;
	return ticks;
}

static uint64_t run_endpoint_single(void *context, uint64_t *done)
{
	struct setup *s = context;
	uint64_t ids[POOL], start;

	make_ids(s, ids);
	start = bench_tsc();
	for (unsigned i = 0; i < POOL; i++)
		s->sum += endpoint_table_lookup(s->tables->endpoints, ids[i])->link;
	*done += POOL;
	return bench_tsc() - start;
}

static uint64_t run_endpoint_miss(void *context, uint64_t *done)
{
	struct setup *s = context;
	uint64_t ids[POOL], ticks = 0;

	for (unsigned i = 0; i < POOL; i++)
		ids[i] = make_id((uint32_t)bench_random(&s->random) | UINT32_C(1) << 31);
	for (unsigned at = 0; at < POOL; at += BURST) {
		const struct forward *forwards[BURST];
		uint64_t start = bench_tsc();

		s->sum += endpoint_table_lookup_burst(s->tables->endpoints, &ids[at], BURST, forwards);
		ticks += bench_tsc() - start;
	}
	*done += POOL;
	return ticks;
}

/* rte_hash keeps a pointer; the forward of 32 octets lies where the walk's entries are. */
static uint64_t run_rte_hash(void *context, uint64_t *done)
{
	struct setup *s = context;
	uint64_t ids[POOL], ticks = 0;

	make_ids(s, ids);
	for (unsigned at = 0; at < POOL; at += BURST) {
		const void *keys[BURST];
		void *data[BURST];
		uint64_t hits, start = bench_tsc();

		for (unsigned i = 0; i < BURST; i++)
			keys[i] = &ids[at + i];
		s->misses += (uint64_t)(BURST - rte_hash_lookup_bulk_data(s->hash, keys, BURST, &hits, data));
		for (unsigned i = 0; i < BURST; i++)
			__builtin_prefetch(data[i]);
		for (unsigned i = 0; i < BURST; i++)
			s->sum += *(uint64_t *)data[i];
		ticks += bench_tsc() - start;
	}
	*done += POOL;
	return ticks;
}

static void settle(struct setup *s)
{
	reclaim_seal(&s->tables->reclaim, ++s->seq);
	reclaim_poll(&s->tables->reclaim);
}

/* A handover of @CHANGES endpoints, as the owner does it: prefetched, with the grace period of the batch. */
static uint64_t run_replace(void *context, uint64_t *done)
{
	struct setup *s = context;
	struct endpoint_table *table = s->tables->endpoints;
	const struct forward forward = {.action = FORWARD_TUNNEL, .tunnel = INDEX_NONE};
	uint64_t ids[POOL], ticks = 0;

	make_ids(s, ids);
	for (unsigned at = 0; at < POOL; at += CHANGES) {
		uint64_t start = bench_tsc();

		for (unsigned i = 0; i < CHANGES; i++)
			endpoint_table_prefetch(table, ids[at + i]);
		for (unsigned i = 0; i < CHANGES; i++)
			endpoint_table_prefetch_entry(table, ids[at + i]);
		for (unsigned i = 0; i < CHANGES; i++)
			s->misses += endpoint_table_replace(table, ids[at + i], &forward) != 0;
		settle(s);
		ticks += bench_tsc() - start;
	}
	*done += POOL;
	return ticks;
}

/* The same through the door's ring; what the control core does to push is not counted. */
static uint64_t run_owner(void *context, uint64_t *done)
{
	struct setup *s = context;
	uint64_t ids[POOL], ticks = 0, applied = 0;

	make_ids(s, ids);
	for (unsigned at = 0; at < POOL; at += CHANGES) {
		uint64_t start;

		for (unsigned i = 0; i < CHANGES; i++) {
			const struct fwd_update update = {
				.op = FWD_OP_endpoint_replace,
				.body.endpoint = {ids[at + i],
					{.action = FORWARD_LOCAL, .tunnel = INDEX_NONE, .link = (uint16_t)i}},
			};

			s->misses += door_update_push(s->door, &update) == 0;
		}
		start = bench_tsc();
		applied += owner_apply(&s->owner, CHANGES);
		ticks += bench_tsc() - start;
	}
	s->misses += POOL - applied;
	*done += POOL;
	return ticks;
}

/* The oldest endpoints go, as many new ones come: two changes each. */
static uint64_t run_churn(void *context, uint64_t *done)
{
	struct setup *s = context;
	struct endpoint_table *table = s->tables->endpoints;
	const struct forward forward = {.action = FORWARD_TUNNEL, .tunnel = INDEX_NONE};
	const uint32_t changes = s->entries < CHANGES ? s->entries : CHANGES;
	uint64_t ticks = 0;

	for (unsigned round = 0; round < POOL / CHANGES; round++) {
		uint64_t start = bench_tsc();

		for (uint32_t i = 0; i < changes; i++) {
			endpoint_table_prefetch(table, make_id(s->churn_first + i));
			endpoint_table_prefetch(table, make_id(s->churn_first + s->entries + i));
		}
		for (uint32_t i = 0; i < changes; i++) {
			endpoint_table_prefetch_entry(table, make_id(s->churn_first + i));
			endpoint_table_prefetch_entry(table, make_id(s->churn_first + s->entries + i));
		}
		for (uint32_t i = 0; i < changes; i++) {
			s->misses += endpoint_table_remove(table, make_id(s->churn_first + i)) != 0;
			s->misses +=
				endpoint_table_insert(table, make_id(s->churn_first + s->entries + i), &forward) != 0;
		}
		settle(s);
		ticks += bench_tsc() - start;
		s->churn_first += changes;
		*done += 2 * changes;
	}
	return ticks;
}

static int setup_init(struct setup *s, uint32_t entries)
{
	const struct tables_config config = {.endpoints_max = entries,
		.tunnels_max = 16,
		.neighbours_max = 16,
		.routes_max = 16,
		.readers_max = 1,
		.seed = 1};
	const struct rte_hash_parameters hash = {.name = "endpoints",
		.entries = entries < 8 ? 8 : entries + entries / 4,
		.key_len = 8,
		.hash_func = rte_hash_crc,
		.socket_id = SOCKET_ID_ANY,
		.extra_flag = RTE_HASH_EXTRA_FLAGS_RW_CONCURRENCY_LF};
	const struct door_config door = {.workers = 1,
		.sockets = 1,
		.numa_node = {-1},
		.update_ring_size = 64,
		.mbuf_ring_size = 8,
		.event_ring_size = 8};
	const struct forward forward = {.action = FORWARD_LOCAL, .tunnel = INDEX_NONE, .link = 3};
	char error[128];

	*s = (struct setup){.entries = entries, .random = 88172645463325252};
	memory_eal_init(&s->memory, -1);
	s->walk_line_count = (uint32_t)(hash_core_memory_bytes(entries) / 64) - 1;
	s->walk_lines = s->memory.alloc(&s->memory, (size_t)s->walk_line_count * 64, 64);
	s->walk_entries = s->memory.alloc(&s->memory, (size_t)entries * 32, 64);
	s->hash = rte_hash_create(&hash);
	s->door = door_create(&door, error, sizeof(error));
	if (s->walk_lines == NULL || s->walk_entries == NULL || s->hash == NULL || s->door == NULL ||
		tables_create(&config, &s->memory, &s->tables) != 0)
		return -1;
	owner_init(&s->owner, s->tables, s->door, 0, 0);
	for (uint32_t i = 0; i < s->walk_line_count; i++)
		s->walk_lines[(uint64_t)i * 8] = (uint64_t)pick(s) * 4;
	for (uint32_t i = 0; i < entries; i++) {
		uint64_t id = make_id(i);

		if (endpoint_table_insert(s->tables->endpoints, id, &forward) != 0 ||
			rte_hash_add_key_data(s->hash, &id, &s->walk_entries[(uint64_t)i * 4]) != 0)
			return -1;
	}
	return 0;
}

static void setup_fini(struct setup *s)
{
	tables_destroy(s->tables);
	door_destroy(s->door);
	rte_hash_free(s->hash);
	s->memory.free(&s->memory, s->walk_entries);
	s->memory.free(&s->memory, s->walk_lines);
}

static int measure(uint32_t entries)
{
	struct setup s;
	struct bench lookups[] = {
		{"memory_walk", entries, "ticks", run_walk, &s, {0}},
		{"endpoint_lookup", entries, "ticks", run_endpoint, &s, {0}},
		{"endpoint_lookup_miss", entries, "ticks", run_endpoint_miss, &s, {0}},
		{"endpoint_lookup_single", entries, "ticks", run_endpoint_single, &s, {0}},
		{"rte_hash_lookup", entries, "ticks", run_rte_hash, &s, {0}},
		{"endpoint_replace", entries, "ticks", run_replace, &s, {0}},
		{"owner_update", entries, "ticks", run_owner, &s, {0}},
	};
	struct bench changes[] = {{"endpoint_insert_remove", entries, "ticks", run_churn, &s, {0}}};
	struct bench after[] = {
		{"memory_walk_after_churn", entries, "ticks", run_walk, &s, {0}},
		{"endpoint_lookup_after_churn", entries, "ticks", run_endpoint, &s, {0}},
	};

	if (setup_init(&s, entries) != 0) {
		fprintf(stderr, "%u entries: no memory\n", entries);
		setup_fini(&s);
		return -1;
	}
	bench_measure(lookups, sizeof(lookups) / sizeof(lookups[0]));
	bench_measure(changes, 1);
	while (s.churn_first < entries * UINT64_C(4)) {
		uint64_t done = 0;

		run_churn(&s, &done);
	}
	bench_measure(after, 2);
	if (s.misses != 0)
		fprintf(stderr, "%u entries: %llu lookups or changes failed\n", entries, (unsigned long long)s.misses);
	setup_fini(&s);
	return s.misses == 0 ? 0 : -1;
}

int main(int argc, char **argv)
{
	return bench_sizes(argc, argv, MEMORY_MB_FIXED, MEMORY_MB_MILLION, measure);
}
