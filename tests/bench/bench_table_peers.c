/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ticks per lookup (bursts of 64) of the pair table next to what DPDK has for the same keys: rte_hash for a pair,
 * rte_member for whether there is a pair, rte_fib6 for a /64 with the endpoint table beside it.
 * bench_table_peers [ENTRIES...]: default 1 65536 1000000.
 *
 * They do not do the same. rte_member keeps no key: one absent pair in about (2^16 buckets) is said to be there, so it
 * can only spare the lookup of pairs that are not there. rte_fib6 wants memory for the worst case: 5 KB for each /64.
 */
#include "bench.h"

#include <rte_byteorder.h>
#include <rte_fib6.h>
#include <rte_hash.h>
#include <rte_hash_crc.h>
#include <rte_member.h>

#include "bounds.h"
#include "endpoint.h"
#include "endpoint_table.h"
#include "memory_eal.h"
#include "pair_table.h"
#include "tables.h"

#define BURST             VECTOR_MAX
#define POOL              (BURST * 64) /* keys made at once, outside the clock */
#define FIB_MAX           65536        /* prefixes that memory is reserved for in reason */
#define FIB_TBL8          5            /* per prefix, as rte_fib6 reckons */
#define MEMORY_MB_MILLION 320
#define MEMORY_FIXED      400 /* MB; most of it for rte_fib6 */
#define MEMBER_SET        1

struct peers {
	uint32_t entries;
	struct memory memory;
	struct tables *tables;
	struct rte_hash *hash;
	struct rte_member_setsum *member;
	struct rte_fib6 *fib; /* NULL: too many entries */
	uint64_t random;
	uint64_t misses, sum;
};

static uint32_t pick(struct peers *p)
{
	return (uint32_t)((bench_random(&p->random) >> 32) * p->entries >> 32);
}

static uint64_t make_id(uint32_t i)
{
	return UINT64_C(0x20010db800000000) + i;
}

/* Each node has one peer, far away. */
static union pair_key make_key(uint32_t i)
{
	return pair_key(PAIR_TX, make_id(i), make_id(i) + (UINT64_C(1) << 32));
}

static void make_keys(struct peers *p, union pair_key *keys)
{
	for (unsigned i = 0; i < POOL; i++)
		keys[i] = make_key(pick(p));
}

static uint64_t run_pairs(void *context, uint64_t *done)
{
	struct peers *p = context;
	union pair_key keys[POOL];
	uint64_t ticks = 0;

	make_keys(p, keys);
	for (unsigned at = 0; at < POOL; at += BURST) {
		const struct pair_entry *found[BURST];
		uint64_t start = bench_tsc();

		p->misses += (uint64_t)(BURST - pair_table_lookup_burst(p->tables->pairs, &keys[at], BURST, found));
		for (unsigned i = 0; i < BURST; i++)
			p->sum += found[i]->forward.tunnel;
		ticks += bench_tsc() - start;
	}
	*done += POOL;
	return ticks;
}

static uint64_t run_hash(void *context, uint64_t *done)
{
	struct peers *p = context;
	union pair_key keys[POOL];
	uint64_t ticks = 0;

	make_keys(p, keys);
	for (unsigned at = 0; at < POOL; at += BURST) {
		const void *wanted[BURST];
		void *data[BURST];
		uint64_t hits, start = bench_tsc();

		for (unsigned i = 0; i < BURST; i++)
			wanted[i] = &keys[at + i];
		p->misses += (uint64_t)(BURST - rte_hash_lookup_bulk_data(p->hash, wanted, BURST, &hits, data));
		for (unsigned i = 0; i < BURST; i++)
			p->sum += (uintptr_t)data[i];
		ticks += bench_tsc() - start;
	}
	*done += POOL;
	return ticks;
}

static uint64_t run_member(void *context, uint64_t *done)
{
	struct peers *p = context;
	union pair_key keys[POOL];
	uint64_t ticks = 0;

	make_keys(p, keys);
	for (unsigned at = 0; at < POOL; at += BURST) {
		const void *wanted[BURST];
		member_set_t sets[BURST];
		uint64_t start = bench_tsc();
		int found;

		for (unsigned i = 0; i < BURST; i++)
			wanted[i] = &keys[at + i];
		found = rte_member_lookup_bulk(p->member, wanted, BURST, sets);
		p->misses += (uint64_t)(BURST - found);
		for (unsigned i = 0; i < BURST; i++)
			p->sum += sets[i];
		ticks += bench_tsc() - start;
	}
	*done += POOL;
	return ticks;
}

static uint64_t run_endpoints(void *context, uint64_t *done)
{
	struct peers *p = context;
	uint64_t ids[POOL], ticks = 0;

	for (unsigned i = 0; i < POOL; i++)
		ids[i] = make_id(pick(p));
	for (unsigned at = 0; at < POOL; at += BURST) {
		const struct forward *forwards[BURST];
		uint64_t start = bench_tsc();

		p->misses += (uint64_t)(BURST -
					endpoint_table_lookup_burst(p->tables->endpoints, &ids[at], BURST, forwards));
		for (unsigned i = 0; i < BURST; i++)
			p->sum += forwards[i]->tunnel;
		ticks += bench_tsc() - start;
	}
	*done += POOL;
	return ticks;
}

static void make_address(uint8_t *address, uint32_t i)
{
	uint64_t upper = rte_cpu_to_be_64(make_id(i));

	memset(address, 0, RTE_FIB6_IPV6_ADDR_SIZE);
	memcpy(address, &upper, sizeof(upper));
}

static uint64_t run_fib(void *context, uint64_t *done)
{
	struct peers *p = context;
	uint8_t addresses[BURST][RTE_FIB6_IPV6_ADDR_SIZE];
	uint64_t ticks = 0;

	for (unsigned at = 0; at < POOL; at += BURST) {
		uint64_t next_hops[BURST], start;

		for (unsigned i = 0; i < BURST; i++)
			make_address(addresses[i], pick(p));
		start = bench_tsc();
		p->misses += rte_fib6_lookup_bulk(p->fib, addresses, next_hops, BURST) != 0;
		for (unsigned i = 0; i < BURST; i++)
			p->sum += next_hops[i];
		ticks += bench_tsc() - start;
	}
	*done += POOL;
	return ticks;
}

static int create_fib(struct peers *p)
{
	struct rte_fib6_conf conf = {.type = RTE_FIB6_TRIE,
		.max_routes = (int)p->entries,
		.trie = {.nh_sz = RTE_FIB6_TRIE_4B, .num_tbl8 = p->entries * FIB_TBL8 + 256}};
	uint8_t address[RTE_FIB6_IPV6_ADDR_SIZE];

	p->fib = rte_fib6_create("peers", SOCKET_ID_ANY, &conf);
	if (p->fib == NULL)
		return -1;
	for (uint32_t i = 0; i < p->entries; i++) {
		make_address(address, i);
		if (rte_fib6_add(p->fib, address, 64, i + 1) != 0)
			return -1;
	}
	return 0;
}

static int fill(struct peers *p)
{
	const struct forward forward = {.action = FORWARD_LOCAL, .tunnel = INDEX_NONE, .flags = FORWARD_PAIR_TX};

	for (uint32_t i = 0; i < p->entries; i++) {
		union pair_key key = make_key(i);
		const struct fwd_pair pair = {.source = key.source, .destination = key.destination, .forward = forward};

		if (pair_table_insert(p->tables->pairs, &pair, i) != 0 ||
			endpoint_table_insert(p->tables->endpoints, make_id(i), &forward) != 0 ||
			rte_hash_add_key_data(p->hash, &key, (void *)(uintptr_t)(i + 1)) != 0 ||
			rte_member_add(p->member, &key, MEMBER_SET) < 0)
			return -1;
	}
	return p->entries <= FIB_MAX ? create_fib(p) : 0;
}

static int create(struct peers *p, uint32_t entries)
{
	const struct rte_hash_parameters hash = {.name = "peers",
		.entries = entries < 8 ? 8 : entries + entries / 4,
		.key_len = sizeof(union pair_key),
		.hash_func = rte_hash_crc,
		.socket_id = SOCKET_ID_ANY,
		.extra_flag = RTE_HASH_EXTRA_FLAGS_RW_CONCURRENCY_LF};
	const struct rte_member_parameters member = {.name = "peers",
		.type = RTE_MEMBER_TYPE_HT,
		.num_keys = rte_align32pow2(entries < 64 ? 64 : entries + entries / 4),
		.key_len = sizeof(union pair_key),
		.prim_hash_seed = 1,
		.sec_hash_seed = 2,
		.socket_id = (uint8_t)rte_socket_id()};

	const struct tables_config tables = {.endpoints_max = entries,
		.pairs_max = entries,
		.tunnels_max = 16,
		.neighbours_max = 16,
		.routes_max = 16,
		.readers_max = 1,
		.seed = 1};

	*p = (struct peers){.entries = entries, .random = 88172645463325252};
	memory_eal_init(&p->memory, -1);
	p->hash = rte_hash_create(&hash);
	p->member = rte_member_create(&member);
	if (p->hash == NULL || p->member == NULL || tables_create(&tables, &p->memory, &p->tables) != 0)
		return -1;
	return fill(p);
}

static void destroy(struct peers *p)
{
	rte_fib6_free(p->fib);
	rte_member_free(p->member);
	rte_hash_free(p->hash);
	tables_destroy(p->tables);
}

static int measure(uint32_t entries)
{
	struct peers p;
	struct bench rows[] = {
		{"pair_table", entries, "ticks", run_pairs, &p, {0}},
		{"rte_hash_pair", entries, "ticks", run_hash, &p, {0}},
		{"rte_member_pair", entries, "ticks", run_member, &p, {0}},
		{"endpoint_table", entries, "ticks", run_endpoints, &p, {0}},
		{"rte_fib6_prefix", entries, "ticks", run_fib, &p, {0}},
	};
	unsigned count = sizeof(rows) / sizeof(rows[0]);
	int status = create(&p, entries);

	if (status != 0) {
		fprintf(stderr, "%u entries: no memory, or no room in a table\n", entries);
	} else {
		if (p.fib == NULL)
			count--;
		bench_measure(rows, count);
		if (p.misses != 0) {
			fprintf(stderr, "%u entries: %llu lookups failed\n", entries, (unsigned long long)p.misses);
			status = -1;
		}
	}
	destroy(&p);
	return status;
}

int main(int argc, char **argv)
{
	return bench_sizes(argc, argv, MEMORY_FIXED, MEMORY_MB_MILLION, measure);
}
