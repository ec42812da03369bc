/* SPDX-License-Identifier: BSD-3-Clause */
#include "engine_door.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory_eal.h"
#include "owner.h"
#include "transactions.h"

#include "mh/mh.h"

#define UPDATE_RING 16384
#define HIGH_WATER  8192
#define SPARE       65536 /* indexes and entries that wait for their grace period */
#define BUDGET      64    /* as a worker gives its owner per loop */

struct engine_door {
	struct door *door;
	struct memory memory;
	struct tables *tables;
	struct owner owner;
	struct transactions *transactions;
	struct engine_host *host;
	pthread_t thread;
	bool started;
	atomic_bool stop;
	struct engine_door_config config;
	uint64_t random;
};

static uint64_t push(void *context, const struct fwd_update *update)
{
	struct engine_door *d = context;

	return door_update_push(d->door, update);
}

static uint64_t applied(void *context)
{
	struct engine_door *d = context;

	return door_applied(d->door);
}

static uint64_t reclaimed(void *context)
{
	struct engine_door *d = context;

	return door_reclaimed(d->door);
}

static unsigned failures(void *context, struct door_failure *list, unsigned n)
{
	struct engine_door *d = context;

	return door_failure_poll(d->door, list, n);
}

static void send_datagram(void *context, const struct mh_datagram *datagram)
{
	struct engine_door *d = context;

	d->config.sent(d->config.context, datagram);
}

static void ignore_frame(void *context, const struct access_frame *frame)
{
}

/* Every next hop is known: the template as net builds it, in the slot of the tunnel's index. */
static int give_template(void *context, struct fwd_update *update)
{
	struct engine_door *d = context;
	struct fwd_tunnel *tunnel = &update->body.tunnel;
	struct tunnel_template *template = &d->door->descriptors[update->index];

	*template = (struct tunnel_template){.length = 54, .l3 = 14};
	template->bytes[12] = 0x86;
	template->bytes[13] = 0xdd;
	template->bytes[14] = 0x60;
	template->bytes[20] = IPPROTO_IPV6;
	template->bytes[21] = tunnel->hop_limit;
	memcpy(&template->bytes[22], &tunnel->local, 16);
	memcpy(&template->bytes[38], &tunnel->remote, 16);
	tunnel->descriptor = update->index;
	tunnel->flags |= TUNNEL_RESOLVED;
	return 1;
}

static void forget_tunnel(void *context, uint32_t tunnel)
{
}

static void ignore_index(void *context, enum index_space space, uint32_t index)
{
}

static uint64_t next_random(void *context)
{
	struct engine_door *d = context;

	d->random ^= d->random << 13;
	d->random ^= d->random >> 7;
	d->random ^= d->random << 17;
	return d->random;
}

/* What a worker without packets does. */
static void *own(void *context)
{
	struct engine_door *d = context;

	reclaim_reader_online(&d->tables->reclaim, 0);
	while (!atomic_load_explicit(&d->stop, memory_order_relaxed)) {
		owner_apply(&d->owner, BUDGET);
		reclaim_reader_quiescent(&d->tables->reclaim, 0);
	}
	reclaim_reader_offline(&d->tables->reclaim, 0);
	return NULL;
}

/* On another core from the first instruction on: the measuring thread, with real-time priority, never yields. */
static int start_owner(struct engine_door *d)
{
	pthread_attr_t attributes;
	cpu_set_t cores;
	int result;

	CPU_ZERO(&cores);
	CPU_SET(sched_getcpu() == 0 ? 1 : 0, &cores);
	result = pthread_attr_init(&attributes);
	if (result != 0)
		return -result;
	result = pthread_attr_setaffinity_np(&attributes, sizeof(cores), &cores);
	if (result == 0)
		result = pthread_create(&d->thread, &attributes, own, d);
	pthread_attr_destroy(&attributes);
	d->started = result == 0;
	return -result;
}

static int create_tables(struct engine_door *d)
{
	const uint32_t nodes = d->config.nodes + SPARE, tunnels = d->config.tunnels + SPARE;
	const uint32_t halves = d->config.pairs > 0 ? 4 * d->config.pairs + SPARE : 0;
	const struct door_config door = {
		.workers = 1,
		.sockets = 1,
		.update_ring_size = UPDATE_RING,
		.mbuf_ring_size = 64,
		.event_ring_size = 64,
		.descriptors = tunnels,
		.nodes_max = nodes,
		.tunnels_max = tunnels,
		.pairs_max = d->config.pairs,
	};
	const struct tables_config tables = {
		.endpoints_max = nodes,
		.tunnels_max = tunnels,
		.pairs_max = halves,
		.neighbours_max = 16,
		.routes_max = 16,
		.readers_max = 1,
		.seed = 1,
	};
	char error[256];

	memory_eal_init(&d->memory, -1);
	d->door = door_create(&door, error, sizeof(error));
	if (d->door == NULL) {
		fprintf(stderr, "%s\n", error);
		return -1;
	}
	if (tables_create(&tables, &d->memory, &d->tables) != 0)
		return -1;
	owner_init(&d->owner, d->tables, d->door, 0, 0);
	return reclaim_reader_register(&d->tables->reclaim, 0);
}

struct engine_door *engine_door_create(const struct engine_door_config *options)
{
	static const struct transactions_door door = {push, applied, reclaimed, failures};
	static const struct transactions_host host = {
		.send = send_datagram,
		.send_frame = ignore_frame,
		.tunnel_insert = give_template,
		.tunnel_remove = forget_tunnel,
		.index_allocated = ignore_index,
		.random = next_random,
	};
	const struct transactions_config config = {
		.indexes = {[INDEX_NODE] = options->nodes + SPARE, [INDEX_TUNNEL] = options->tunnels + SPARE},
		.high_water = HIGH_WATER};
	struct engine_door *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->random = 88172645463325252u;
	d->config = *options;
	if (create_tables(d) != 0)
		goto failed;
	d->transactions = transactions_create(&config, &door, d, &host, d);
	d->host =
		d->transactions != NULL ? transactions_engine(d->transactions, options->done, options->context) : NULL;
	if (d->host == NULL || start_owner(d) != 0)
		goto failed;
	return d;
failed:
	engine_door_destroy(d);
	return NULL;
}

void engine_door_destroy(struct engine_door *d)
{
	if (d == NULL)
		return;
	atomic_store(&d->stop, true);
	if (d->started)
		pthread_join(d->thread, NULL);
	transactions_destroy(d->transactions);
	if (d->tables != NULL) {
		reclaim_reader_unregister(&d->tables->reclaim, 0);
		tables_destroy(d->tables);
	}
	if (d->door != NULL)
		door_destroy(d->door);
	free(d);
}

struct engine_host *engine_door_host(struct engine_door *d)
{
	return d->host;
}

uint32_t engine_door_poll(struct engine_door *d)
{
	struct transactions_stats stats;

	transactions_poll(d->transactions);
	transactions_stats(d->transactions, &stats);
	return stats.pending;
}

uint64_t engine_door_refused(const struct engine_door *d)
{
	struct transactions_stats stats;

	transactions_stats(d->transactions, &stats);
	return stats.updates_refused;
}

double engine_door_bytes_per_binding(uint32_t bindings)
{
	struct tables_config config = {
		.tunnels_max = 1, .neighbours_max = 16, .routes_max = 16, .readers_max = 1, .seed = 1};
	uint64_t few, many;

	config.endpoints_max = 64;
	few = tables_memory_bytes(&config);
	config.endpoints_max = bindings + 64;
	many = tables_memory_bytes(&config);
	return (double)(many - few) / bindings + COUNTER_DIRECTIONS * (double)sizeof(struct object_counter);
}
