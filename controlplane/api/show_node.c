/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <unistd.h>

#include "door.h"
#include "forward_only.h"

#include "api/walk.h"
#include "node/events.h"
#include "pmip/lma.h"
#include "pmip/mag.h"
#include "ro/ro.h"

/* `show node`: the gateway itself, one row. `show events`: what happened to all mobile nodes. */

/* There is no signalling: the tables hold the rows of a file. */
static void row_forward_only(struct row *row, const struct api_sources *sources)
{
	struct forward_only_stats stats;

	if (sources->forward_only == NULL)
		return;
	row_bool(row, "forward_only", true);
	forward_only_stats(sources->forward_only, &stats);
	row_number(row, "rows", (uint64_t)stats.bindings + stats.pairs);
	row_number(row, "rows_applied", stats.applied);
	row_number(row, "rows_refused", stats.refused);
	row_number(row, "rows_unresolved", stats.unresolved);
	row_bool(row, "tables_filled", stats.complete);
	row_number(row, "bindings", stats.bindings);
	row_number(row, "nodes", stats.nodes);
	row_number(row, "pairs", stats.pairs);
	row_number(row, "tunnels", stats.tunnels);
}

static void row_engine(struct row *row, const struct api_sources *sources)
{
	struct lma_stats lma = {0};
	struct mag_stats mag = {0};

	if (sources->lma != NULL) {
		lma_stats(sources->lma, &lma);
		row_number(row, "bindings", lma.bindings);
		row_number(row, "bindings_max", sources->config->lma.max_bindings);
		row_number(row, "tunnels", lma.tunnels);
		row_number(row, "engine_memory_bytes", lma.memory_bytes);
	} else if (sources->mag != NULL) {
		mag_stats(sources->mag, &mag);
		row_number(row, "nodes", mag.nodes);
		row_number(row, "nodes_max", sources->config->mag.max_nodes);
		row_number(row, "tunnels", mag.tunnels);
		row_number(row, "engine_memory_bytes", mag.memory_bytes);
	}
}

static void row_route_optimisation(struct row *row, const struct api_sources *sources)
{
	struct ro_stats stats;

	row_text(row, "route_optimisation", sources->ro != NULL ? "on" : "off");
	if (sources->ro == NULL)
		return;
	ro_stats(sources->ro, &stats);
	row_number(row, "pairs", stats.pairs);
	row_number(row, "pairs_active", stats.active);
	row_number(row, "pairs_max", sources->config->ro.max_pairs);
	row_number(row, "direct_tunnels", stats.tunnels);
	row_number(row, "pair_memory_bytes", stats.memory_bytes);
}

static void row_runtime(struct row *row, const struct api_sources *sources)
{
	struct api_runtime runtime = {0};

	if (sources->runtime == NULL)
		return;
	sources->runtime(sources->context, &runtime);
	row_number(row, "mbufs_in_use", runtime.mbufs_in_use);
	row_number(row, "transactions_pending", runtime.transactions_pending);
	row_number(row, "transactions_high", runtime.transactions_high);
	row_bool(row, "busy", runtime.busy);
	row_number(row, "updates_failed", runtime.updates_failed);
}

static unsigned insecure_peers(const struct policy *policy)
{
	const struct policy_peer *peer;
	unsigned n = 0;

	for (uint32_t i = 0; (peer = policy_peer(policy, i)) != NULL; i++)
		n += peer->insecure;
	return n;
}

int show_node_step(struct walk *walk, json_t **row)
{
	const struct api_sources *sources = walk->sources;
	const struct config *config = sources->config;
	uint64_t up_ns = walk->now.monotonic_ns - sources->started.monotonic_ns;
	struct row out;

	*row = NULL;
	if (walk->place.at++ != 0)
		return 0;
	row_start(&out);
	row_text(&out, "name", config->name);
	row_text(&out, "role", role_name(config->role));
	row_text(&out, "version", HAWSER_VERSION);
	row_number(&out, "protocol", API_VERSION);
	row_ip6(&out, "address", config->role == ROLE_LMA ? &config->lma.address : &config->mag.address);
	row_number(&out, "pid", (uint64_t)getpid());
	row_wall(&out, "started_at", sources->started.wall_ns);
	row_number(&out, "uptime_s", up_ns / 1000000000);
	row_text(&out, "config_file", config->file);
	row_text(&out, "state_directory", config->state_directory);
	row_number(&out, "restart_counter", sources->restart_counter);
	row_number(&out, "ports", config->port_count);
	row_number(&out, "workers", sources->door != NULL ? sources->door->config.workers : 0);
	row_number(&out, "insecure_peers", insecure_peers(sources->policy));
	row_forward_only(&out, sources);
	row_engine(&out, sources);
	row_route_optimisation(&out, sources);
	row_runtime(&out, sources);
	return row_finish(&out, row);
}

int show_events_step(struct walk *walk, json_t **row)
{
	const struct filter *filter = &walk->request->filter;
	const struct event_record *record =
		walk->sources->events != NULL ? events_next(walk->sources->events, walk->place.at) : NULL;
	struct mn_id id;
	struct row out;

	*row = NULL;
	if (record == NULL)
		return 0;
	walk->place.at = record->number + 1;
	id = (struct mn_id){.subtype = record->subtype, .length = record->length, .data = record->id};
	if (!filter_mn(filter, &id) ||
		!filter_name_pattern(filter, history_event_name((enum history_event)record->event)))
		return 1;
	row_start(&out);
	row_number(&out, "number", record->number);
	row_mn(&out, &id);
	row_event(&out, &walk->now, walk->sources->mag != NULL, record->wall_ns, (enum history_event)record->event,
		record->value);
	return row_finish(&out, row);
}
