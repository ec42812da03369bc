/* SPDX-License-Identifier: BSD-3-Clause */
#include "daemon_internal.h"

#include <errno.h>

#include "object_counters.h"

#include "api/api.h"
#include "pmip/lma.h"
#include "pmip/mag.h"

static void api_now(void *context, struct engine_time *now)
{
	struct daemon *d = context;

	daemon_take_time(d);
	*now = d->now;
}

static void api_runtime(void *context, struct api_runtime *runtime)
{
	struct daemon *d = context;
	struct transactions_stats stats;

	transactions_stats(d->transactions, &stats);
	*runtime = (struct api_runtime){
		.mbufs_in_use = d->dataplane->mbufs_in_use(d->dataplane->context),
		.transactions_pending = stats.pending,
		.transactions_high = HIGH_WATER,
		.busy = stats.pending >= HIGH_WATER,
		.updates_failed = stats.updates_refused,
	};
}

static bool api_port(void *context, uint16_t port, struct port_view *view)
{
	struct daemon *d = context;

	return d->dataplane->port(d->dataplane->context, port, view);
}

static void api_object_counter(void *context, enum index_space space, uint32_t index, enum counter_direction direction,
	struct object_counter *sum)
{
	struct daemon *d = context;

	object_baselines_read(d->baselines, space, index, direction, sum);
}

static void api_counter_clear(void *context, enum index_space space, uint32_t index)
{
	struct daemon *d = context;

	object_baselines_take(d->baselines, space, index);
	if (space == INDEX_NODE && d->activity != NULL)
		d->activity[index] = 0;
}

static void api_pair_counter(void *context, uint32_t pair, enum counter_direction direction, struct object_counter *sum)
{
	struct daemon *d = context;

	object_baselines_read_pair(d->baselines, pair, direction, sum);
}

static void api_pair_counter_clear(void *context, uint32_t pair)
{
	struct daemon *d = context;

	object_baselines_take_pair(d->baselines, pair);
}

static int api_attach(void *context, uint16_t link, const uint8_t mac[6])
{
	struct daemon *d = context;

	daemon_take_time(d);
	return mag_attach(d->mag, &d->now, link, mac);
}

static int api_detach(void *context, const struct mn_id *id)
{
	struct daemon *d = context;

	daemon_take_time(d);
	return mag_detach(d->mag, &d->now, id);
}

static int api_clear_binding(void *context, const struct mn_id *id, uint32_t *removed)
{
	struct daemon *d = context;

	daemon_take_time(d);
	*removed = lma_clear(d->lma, &d->now, id);
	return *removed > 0 ? 0 : -ENOENT;
}

int daemon_create_api(struct daemon *d, char *error, size_t error_size)
{
	bool count_pairs = d->ro != NULL && d->dataplane->door->config.pair_counters;
	const struct api_sources sources = {
		.config = d->config,
		.policy = d->policy,
		.lma = d->lma,
		.mag = d->mag,
		.ro = d->ro,
		.liveness = d->liveness,
		.pair_events = d->pair_events,
		.heartbeat = d->heartbeat,
		.net = d->net,
		.forward_only = d->forward_only,
		.door = d->dataplane->door,
		.events = d->events,
		.started = d->started,
		.restart_counter = d->restart_counter,
		.tsc_hz = d->dataplane->tsc_hz,
		.context = d,
		.now = api_now,
		.runtime = api_runtime,
		.port = api_port,
		.object_counter = api_object_counter,
		.counter_clear = api_counter_clear,
		.pair_counter = count_pairs ? api_pair_counter : NULL,
		.pair_counter_clear = count_pairs ? api_pair_counter_clear : NULL,
		.attach = d->mag != NULL ? api_attach : NULL,
		.detach = d->mag != NULL ? api_detach : NULL,
		.clear_binding = d->lma != NULL ? api_clear_binding : NULL,
	};
	const struct api_options options = {.path = d->config->socket_path, .mode = d->config->socket_mode};

	d->api = api_create(d->base, &sources, &options, error, error_size);
	return d->api != NULL ? 0 : -EIO;
}
