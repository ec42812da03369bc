/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Churn: a control thread, an owner and readers, as in the daemon. Everything that the tables hold is inserted,
 * replaced, removed and made again as fast as the owner takes it; what is reclaimed is poisoned. Every value that a
 * reader sees has to be whole, of the key that it asked for, not poison, and never older than what it saw before; and
 * what is never removed has to be found every time, whatever moves around it.
 * Runs for 3 s, or for the number of seconds in CHURN_SECONDS.
 */
#include "eal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <rte_pause.h>

#include "exact_table.h"
#include "owner.h"

#define READERS    2
#define ENDPOINTS  1700 /* ids */
#define CAPACITY   1650 /* endpoints at once: keys have to move for others */
#define KEPT       500  /* ids below it are never removed */
#define LINKS      300
#define PAIRS      400 /* halves of pairs */
#define TUNNELS    16
#define NEIGHBOURS 16
#define ROUTES     64
#define POISON     0xdd
#define RING       256

enum object { OBJECT_ENDPOINT, OBJECT_LINK, OBJECT_TUNNEL, OBJECT_NEIGHBOUR, OBJECT_ROUTE, OBJECT_PAIR, OBJECT_KINDS };

static struct door *door;
static struct tables *tables;
static _Atomic bool stop;

struct reader {
	pthread_t thread;
	unsigned number;
	uint64_t lookups, hits;
	const char *wrong;                      /* what it saw; NULL: nothing wrong */
	uint32_t seen[OBJECT_KINDS][ENDPOINTS]; /* latest generation of each */
};

static void poison(struct slab *slab, uint32_t index)
{
	memset(slab_at(slab, index), POISON, slab->entry_bytes);
}

static uint64_t id_of(uint32_t i)
{
	return UINT64_C(0x20010db800000000) + i * UINT64_C(0x100);
}

static uint64_t link_key_of(uint32_t i)
{
	return link_key(3, (const uint8_t[]){2, 0, 0, 0, (uint8_t)(i >> 8), (uint8_t)i});
}

static struct in6_addr address_of(uint8_t net, uint32_t i)
{
	return (struct in6_addr){.s6_addr = {0x20, 0x01, 0x0d, 0xb8, net, 0, (uint8_t)(i >> 8), (uint8_t)i, [15] = 1}};
}

/* All of a forward follows from what it belongs to and its generation. */
static struct forward forward_of(uint32_t i, uint32_t generation)
{
	return (struct forward){
		.action = FORWARD_LOCAL,
		.link = (uint16_t)(generation * 7),
		.tunnel = INDEX_NONE,
		.node = i,
		.generation = generation,
		.mac = {(uint8_t)i, (uint8_t)(i >> 8), (uint8_t)generation, (uint8_t)(generation >> 8),
			(uint8_t)(generation >> 16), (uint8_t)(generation >> 24)},
	};
}

static void complain(struct reader *reader, const char *wrong)
{
	if (reader->wrong == NULL)
		reader->wrong = wrong;
}

/* What is replaced never comes back; generations of all objects only grow. */
static void check_generation(struct reader *reader, enum object object, uint32_t i, uint32_t generation)
{
	if (generation < reader->seen[object][i])
		complain(reader, "an entry that was replaced came back");
	reader->seen[object][i] = generation;
}

static void read_endpoints(struct reader *reader, uint64_t *random)
{
	uint32_t numbers[VECTOR_MAX];
	uint64_t ids[VECTOR_MAX];
	const struct forward *forwards[VECTOR_MAX];
	uint16_t n = (uint16_t)(1 + test_random_below(random, VECTOR_MAX));

	for (uint16_t i = 0; i < n; i++) {
		numbers[i] = test_random_below(random, ENDPOINTS);
		ids[i] = id_of(numbers[i]);
	}
	if (test_random_below(random, 4) == 0) {
		for (uint16_t i = 0; i < n; i++)
			forwards[i] = endpoint_table_lookup(tables->endpoints, ids[i]);
	} else {
		endpoint_table_lookup_burst(tables->endpoints, ids, n, forwards);
	}
	for (uint16_t i = 0; i < n; i++) {
		const struct forward got = *forwards[i], want = forward_of(numbers[i], got.generation);

		reader->lookups++;
		if (got.action == FORWARD_NONE) {
			if (numbers[i] < KEPT)
				complain(reader, "an endpoint that is always in was not found");
			continue;
		}
		reader->hits++;
		if (memcmp(&got, &want, sizeof(got)) != 0)
			complain(reader, "a forward is a mix, another's, or poison");
		check_generation(reader, OBJECT_ENDPOINT, numbers[i], got.generation);
	}
}

static void read_link(struct reader *reader, uint32_t i)
{
	uint64_t key = link_key_of(i);
	const struct link_entry *entry = link_table_lookup(tables->links, key);

	if (entry == NULL)
		return;
	if (entry->key != key || entry->state != entry->node % LINK_STATE_COUNT)
		complain(reader, "a link entry is a mix, another's, or poison");
	check_generation(reader, OBJECT_LINK, i, entry->node);
}

/* Two halves for each two neighbouring ids, one in each direction. All follows from number and generation. */
static struct fwd_pair pair_of(uint32_t i, uint32_t generation)
{
	struct fwd_pair pair = {
		.source = id_of(i / 2), .destination = id_of(i / 2 + 1), .forward = forward_of(i, generation)};

	pair.forward.flags = FORWARD_PAIR_TX;
	pair.check.from.link = (uint16_t)(generation % LINKS_MAX);
	memcpy(pair.check.from.mac, pair.forward.mac, 6);
	if (i % 2 != 0) { /* the other direction */
		pair.source = id_of(i / 2 + 1);
		pair.destination = id_of(i / 2);
	}
	return pair;
}

static void read_pairs(struct reader *reader, uint64_t *random)
{
	const struct pair_entry *entries[VECTOR_MAX];
	union pair_key keys[VECTOR_MAX];
	uint32_t numbers[VECTOR_MAX];
	uint16_t n = (uint16_t)(1 + test_random_below(random, VECTOR_MAX));

	for (uint16_t i = 0; i < n; i++) {
		struct fwd_pair pair;

		numbers[i] = test_random_below(random, PAIRS);
		pair = pair_of(numbers[i], 0);
		keys[i] = pair_key(PAIR_TX, pair.source, pair.destination);
	}
	pair_table_lookup_burst(tables->pairs, keys, n, entries);
	for (uint16_t i = 0; i < n; i++) {
		struct fwd_pair want;

		if (entries[i] == NULL)
			continue;
		want = pair_of(numbers[i], entries[i]->forward.generation);
		if (memcmp(&entries[i]->forward, &want.forward, sizeof(want.forward)) != 0 ||
			memcmp(&entries[i]->check, &want.check, sizeof(want.check)) != 0 ||
			entries[i]->key.source != want.source || entries[i]->index != numbers[i])
			complain(reader, "a pair is a mix, another's, or poison");
		check_generation(reader, OBJECT_PAIR, numbers[i], entries[i]->forward.generation);
	}
}

/* The generation of a tunnel is spread over its MTU and the Ethernet header of its template. */
static void read_tunnel(struct reader *reader, uint32_t i)
{
	const struct tunnel *tunnel = tunnel_table_lookup(tables->tunnels, i);
	union tunnel_key key = {.remote = address_of(2, i), .local = address_of(1, 0), .protocol = IPPROTO_IPV6};
	const struct tunnel_peer *peer = tunnel_table_peer(tables->tunnels, &key);
	const uint8_t *ethernet;
	uint32_t generation;

	if (peer != NULL && (peer->tunnel != i || peer->use != TUNNEL_TO_MAG))
		complain(reader, "a tunnel's peer is another's, or poison");
	if (tunnel == NULL)
		return;
	ethernet = tunnel->header + 4;
	memcpy(&generation, ethernet, sizeof(generation));
	if (tunnel->length != 54 || tunnel->mtu_bytes != 1280 + generation % 1000 ||
		memcmp(ethernet + 4, ethernet, 4) != 0 || memcmp(&tunnel->remote, &key.remote, 16) != 0 ||
		memcmp(tunnel->header + TUNNEL_HEADER_MAX - 16, &key.remote, 16) != 0)
		complain(reader, "a tunnel is a mix, another's, or poison");
	check_generation(reader, OBJECT_TUNNEL, i, generation);
}

static void read_neighbour(struct reader *reader, uint32_t i)
{
	const struct neighbour *neighbour = neighbour_table_lookup(tables->neighbours, i);
	uint32_t generation;

	if (neighbour == NULL)
		return;
	memcpy(&generation, neighbour->header + 4, sizeof(generation));
	if (neighbour->length != 14 || neighbour->mtu_bytes != 1280 + generation % 1000 ||
		memcmp(neighbour->header + 10, &generation, sizeof(generation)) != 0 ||
		neighbour->address.s6_addr[7] != i)
		complain(reader, "a neighbour is a mix, another's, or poison");
	check_generation(reader, OBJECT_NEIGHBOUR, i, generation);
}

/* Each route has a default behind it: there is always a next hop, of the route's own port or of the default's. */
static void read_route(struct reader *reader, uint32_t i)
{
	struct in6_addr destination = address_of(9, i);
	uint32_t next_hop = route_table_lookup(tables->routes, &destination);

	if (next_hop != (ROUTE_LOCAL | 31) && next_hop != (ROUTE_LOCAL | i % 31))
		complain(reader, "a route leads to where none led");
}

static void *run_reader(void *context)
{
	struct reader *reader = context;
	uint64_t random = 1000 + reader->number;

	reclaim_reader_online(&tables->reclaim, reader->number);
	while (!atomic_load_explicit(&stop, memory_order_relaxed) && reader->wrong == NULL) {
		read_endpoints(reader, &random);
		read_link(reader, test_random_below(&random, LINKS));
		read_pairs(reader, &random);
		read_tunnel(reader, test_random_below(&random, TUNNELS));
		read_neighbour(reader, test_random_below(&random, NEIGHBOURS));
		read_route(reader, test_random_below(&random, ROUTES));
		reclaim_reader_quiescent(&tables->reclaim, reader->number);
		if (test_random_below(&random, 256) == 0) {
			reclaim_reader_offline(&tables->reclaim, reader->number);
			sched_yield();
			reclaim_reader_online(&tables->reclaim, reader->number);
		}
	}
	reclaim_reader_offline(&tables->reclaim, reader->number);
	return NULL;
}

static void *run_owner(void *context)
{
	struct owner *owner = context;

	while (!atomic_load_explicit(&stop, memory_order_relaxed) || owner_has_work(owner)) {
		if (owner_apply(owner, 32) == 0)
			sched_yield();
	}
	return NULL;
}

/* What the control core knows: what is in, and generations that never come back. */
struct control {
	uint64_t random;
	uint32_t generation;
	bool live[OBJECT_KINDS][ENDPOINTS];
	uint32_t endpoints;
	uint64_t free_after[TUNNELS];       /* index may be used again when this is reclaimed */
	uint64_t descriptor_after[TUNNELS]; /* slot of the slab may be written when this is applied */
	uint64_t updates, failures;
};

static void collect_failures(struct control *control)
{
	struct door_failure failures[32];
	unsigned n;

	while ((n = door_failure_poll(door, failures, 32)) != 0) {
		print_error("update %llu, op %u: %s\n", (unsigned long long)failures[0].seq, failures[0].op,
			strerror(-failures[0].error));
		control->failures += n;
	}
}

static uint64_t push(struct control *control, const struct fwd_update *update)
{
	uint64_t seq;

	while ((seq = door_update_push(door, update)) == 0) {
		collect_failures(control);
		sched_yield();
	}
	control->updates++;
	return seq;
}

static void change_endpoint(struct control *control)
{
	uint32_t i = test_random_below(&control->random, ENDPOINTS);
	bool *live = &control->live[OBJECT_ENDPOINT][i];
	struct fwd_update update = {.body.endpoint = {id_of(i), forward_of(i, ++control->generation)}};

	if (!*live && control->endpoints == CAPACITY)
		return;
	update.op = !*live                                                ? FWD_OP_endpoint_insert
		    : i >= KEPT && test_random_below(&control->random, 2) ? FWD_OP_endpoint_remove
									  : FWD_OP_endpoint_replace;
	push(control, &update);
	if (update.op == FWD_OP_endpoint_remove)
		control->endpoints--;
	control->endpoints += update.op == FWD_OP_endpoint_insert;
	*live = update.op != FWD_OP_endpoint_remove;
}

static void change_link(struct control *control)
{
	uint32_t i = test_random_below(&control->random, LINKS), generation = ++control->generation;
	bool *live = &control->live[OBJECT_LINK][i];
	struct fwd_update update = {
		.op = FWD_OP_link_insert,
		.index = generation,
		.body.link = {3, {2, 0, 0, 0, (uint8_t)(i >> 8), (uint8_t)i}, (uint8_t)(generation % LINK_STATE_COUNT)},
	};

	if (*live && test_random_below(&control->random, 2))
		update.op = FWD_OP_link_remove;
	push(control, &update);
	*live = update.op == FWD_OP_link_insert;
}

static void change_pair(struct control *control)
{
	uint32_t i = test_random_below(&control->random, PAIRS);
	bool *live = &control->live[OBJECT_PAIR][i];
	struct fwd_update update = {
		.op = *live ? FWD_OP_pair_replace : FWD_OP_pair_insert,
		.index = i,
		.body.pair = pair_of(i, ++control->generation),
	};

	if (*live && test_random_below(&control->random, 2))
		update.op = FWD_OP_pair_remove;
	push(control, &update);
	*live = update.op != FWD_OP_pair_remove;
}

static void change_tunnel(struct control *control)
{
	uint32_t i = test_random_below(&control->random, TUNNELS), generation = ++control->generation;
	bool *live = &control->live[OBJECT_TUNNEL][i];
	struct tunnel_template *template = &door->descriptors[i];
	struct fwd_update update = {
		.op = *live ? FWD_OP_tunnel_replace : FWD_OP_tunnel_insert,
		.index = i,
		.body.tunnel = {.local = address_of(1, 0),
			.remote = address_of(2, i),
			.descriptor = i,
			.mtu_bytes = (uint16_t)(1280 + generation % 1000),
			.use = TUNNEL_TO_MAG,
			.flags = TUNNEL_RESOLVED},
	};

	if (door_applied(door) < control->descriptor_after[i] || door_reclaimed(door) < control->free_after[i])
		return;
	if (*live && test_random_below(&control->random, 2)) {
		update.op = FWD_OP_tunnel_remove;
		control->free_after[i] = push(control, &update);
		*live = false;
		return;
	}
	*template = (struct tunnel_template){.length = 54, .l3 = 14};
	memcpy(template->bytes, &generation, 4);
	memcpy(template->bytes + 4, &generation, 4);
	template->bytes[14] = 0x60;
	memcpy(template->bytes + 22, &update.body.tunnel.local, 16);
	memcpy(template->bytes + 38, &update.body.tunnel.remote, 16);
	control->descriptor_after[i] = push(control, &update);
	*live = true;
}

static void change_neighbour(struct control *control)
{
	uint32_t i = test_random_below(&control->random, NEIGHBOURS), generation = ++control->generation;
	struct fwd_update update = {
		.op = FWD_OP_neighbour_insert,
		.index = i,
		.body.neighbour = {.mtu_bytes = (uint16_t)(1280 + generation % 1000),
			.resolved = 1,
			.address = address_of(3, i)},
	};

	memcpy(update.body.neighbour.mac, &generation, 4);
	memcpy(update.body.neighbour.source_mac, &generation, 4);
	push(control, &update);
}

static void change_route(struct control *control)
{
	uint32_t i = test_random_below(&control->random, ROUTES);
	bool *live = &control->live[OBJECT_ROUTE][i];
	struct fwd_update update = {
		.op = *live ? FWD_OP_route_remove : FWD_OP_route_insert,
		.body.route = {address_of(9, i), 128, 1, (uint16_t)(i % 31)},
	};

	if (i % 2 != 0) { /* half of them are shorter */
		update.body.route.prefix.s6_addr[15] = 0;
		update.body.route.length = 64;
	}
	push(control, &update);
	*live = !*live;
}

static void push_default_and_kept(struct control *control)
{
	struct fwd_update update = {.op = FWD_OP_route_insert, .body.route = {.local = 1, .port = 31}};

	push(control, &update);
	for (uint32_t i = 0; i < KEPT; i++) {
		update = (struct fwd_update){
			.op = FWD_OP_endpoint_insert, .body.endpoint = {id_of(i), forward_of(i, 0)}};
		control->live[OBJECT_ENDPOINT][i] = true;
		control->endpoints++;
		push(control, &update);
	}
	while (door_applied(door) < control->updates)
		sched_yield();
}

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void run_control(struct control *control, const struct reader *readers)
{
	const char *wanted = getenv("CHURN_SECONDS");
	double end = now_s() + (wanted != NULL ? strtod(wanted, NULL) : 3);
	static void (*const changes[])(struct control *) = {change_endpoint, change_endpoint, change_endpoint,
		change_endpoint, change_link, change_pair, change_pair, change_tunnel, change_neighbour, change_route};

	while (now_s() < end && readers[0].wrong == NULL && readers[1].wrong == NULL && control->failures == 0) {
		for (unsigned i = 0; i < 256; i++)
			changes[test_random_below(&control->random, sizeof(changes) / sizeof(changes[0]))](control);
		collect_failures(control);
	}
}

static void create(void)
{
	const struct door_config door_config = {
		.workers = 1,
		.sockets = 1,
		.numa_node = {-1},
		.update_ring_size = RING,
		.mbuf_ring_size = 8,
		.event_ring_size = 8,
		.descriptors = TUNNELS,
	};
	const struct tables_config tables_config = {
		.endpoints_max = CAPACITY,
		.links_max = LINKS,
		.pairs_max = PAIRS,
		.tunnels_max = TUNNELS,
		.neighbours_max = NEIGHBOURS,
		.routes_max = ROUTES + 1,
		.readers_max = READERS,
		.seed = 3,
	};
	char error[128];

	door = door_create(&door_config, error, sizeof(error));
	assert_non_null(door);
	assert_int_equal(tables_create(&tables_config, &memory_libc, &tables), 0);
	for (unsigned i = 0; i < tables->reclaim.slab_count; i++)
		tables->reclaim.slabs[i]->recycle = poison;
	for (unsigned i = 0; i < READERS; i++)
		assert_int_equal(reclaim_reader_register(&tables->reclaim, i), 0);
}

static void readers_see_whole_live_entries_while_everything_changes(void **state)
{
	static struct reader readers[READERS];
	static struct control control = {.random = 4};
	static struct owner owner;
	pthread_t owner_thread;
	uint64_t hits = 0;

	atomic_store(&stop, false);
	create();
	owner_init(&owner, tables, door, 0, 0);
	assert_int_equal(pthread_create(&owner_thread, NULL, run_owner, &owner), 0);
	push_default_and_kept(&control);
	for (unsigned i = 0; i < READERS; i++) {
		readers[i].number = i;
		assert_int_equal(pthread_create(&readers[i].thread, NULL, run_reader, &readers[i]), 0);
	}
	run_control(&control, readers);
	atomic_store(&stop, true);
	for (unsigned i = 0; i < READERS; i++)
		pthread_join(readers[i].thread, NULL);
	pthread_join(owner_thread, NULL);
	collect_failures(&control);
	for (unsigned i = 0; i < READERS; i++) {
		if (readers[i].wrong != NULL)
			fail_msg("reader %u: %s", i, readers[i].wrong);
		hits += readers[i].hits;
	}
	print_message("%llu updates, %llu hits\n", (unsigned long long)control.updates, (unsigned long long)hits);
	assert_true(hits > 10000 && control.updates > 10000);
	assert_int_equal(control.failures, 0);
	assert_int_equal(door_applied(door), control.updates);
	assert_int_equal(door_reclaimed(door), control.updates);
	assert_int_equal(reclaim_waiting(&tables->reclaim), 0);
	assert_int_equal(endpoint_table_count(tables->endpoints), control.endpoints);
	tables_destroy(tables);
	door_destroy(door);
}

/*
 * The hash core alone, so full that most inserts move other keys. Entry i holds key i all the time; absences[i] is odd
 * while key i is out: a miss is wrong if the number was even before and is the same after.
 */
#define MOVING      300
#define MOVING_SLOT 310

static struct {
	struct hash_core core;
	struct slab slab;
	_Atomic uint32_t absences[MOVING];
	_Atomic uint32_t wrong, misses;
} moving;

static void *run_moving_reader(void *context)
{
	uint64_t random = 1 + (uintptr_t)context;

	while (!atomic_load_explicit(&stop, memory_order_relaxed) && atomic_load(&moving.wrong) == 0) {
		uint32_t before[VECTOR_MAX], numbers[VECTOR_MAX];
		const void *entries[VECTOR_MAX];
		uint64_t keys[VECTOR_MAX];

		for (unsigned i = 0; i < VECTOR_MAX; i++) {
			numbers[i] = test_random_below(&random, MOVING);
			keys[i] = id_of(numbers[i]);
			before[i] = atomic_load_explicit(&moving.absences[numbers[i]], memory_order_acquire);
		}
		hash_core_find_burst(&moving.core, keys, VECTOR_MAX, entries, 1, 32);
		atomic_thread_fence(memory_order_acquire);
		for (unsigned i = 0; i < VECTOR_MAX; i++) {
			if (slab_index_of(moving.core.slab, entries[i]) == numbers[i])
				continue;
			if (entries[i] != NULL || (before[i] % 2 == 0 && before[i] == moving.absences[numbers[i]]))
				atomic_fetch_add(&moving.wrong, 1);
			atomic_fetch_add_explicit(&moving.misses, 1, memory_order_relaxed);
		}
	}
	return NULL;
}

static void moving_insert(uint32_t i)
{
	if (hash_core_insert(&moving.core, i) == 0)
		atomic_fetch_add_explicit(&moving.absences[i], 1, memory_order_release);
}

static void moving_remove(uint32_t i)
{
	uint64_t key = id_of(i);

	atomic_fetch_add_explicit(&moving.absences[i], 1, memory_order_release);
	atomic_thread_fence(memory_order_release);
	assert_int_equal(hash_core_remove(&moving.core, &key), i);
}

static void key_that_moves_is_never_missed(void **state)
{
	const char *wanted = getenv("CHURN_SECONDS");
	double end = now_s() + (wanted != NULL ? strtod(wanted, NULL) : 1);
	pthread_t readers[READERS];
	uint64_t random = 8, changes = 0;

	atomic_store(&stop, false);
	assert_int_equal(slab_init(&moving.slab, MOVING, 32, &memory_libc), 0);
	assert_int_equal(hash_core_init(&moving.core, 200, 1, 1, &moving.slab, &memory_libc), 0);
	assert_int_equal(moving.core.bucket_count * HASH_SLOTS, MOVING_SLOT);
	for (uint32_t i = 0; i < MOVING; i++) {
		*(uint64_t *)slab_at(&moving.slab, i) = id_of(i);
		atomic_store(&moving.absences[i], 1);
	}
	for (uintptr_t i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&readers[i], NULL, run_moving_reader, (void *)i), 0);
	for (; now_s() < end && atomic_load(&moving.wrong) == 0; changes++) {
		uint32_t i = test_random_below(&random, MOVING);

		if (atomic_load_explicit(&moving.absences[i], memory_order_relaxed) % 2 != 0)
			moving_insert(i);
		else if (test_random_below(&random, 16) == 0)
			moving_remove(i);
	}
	atomic_store(&stop, true);
	for (unsigned i = 0; i < READERS; i++)
		pthread_join(readers[i], NULL);
	print_message(
		"%llu changes, %u of %u keys in at the end\n", (unsigned long long)changes, moving.core.count, MOVING);
	assert_int_equal(moving.wrong, 0);
	assert_true(changes > 1000 && moving.misses > 0);
	hash_core_fini(&moving.core);
	slab_fini(&moving.slab);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(key_that_moves_is_never_missed),
		cmocka_unit_test(readers_see_whole_live_entries_while_everything_changes),
	};
	int failed;

	if (eal_start(argv[0]) != 0)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	eal_stop();
	return failed;
}
