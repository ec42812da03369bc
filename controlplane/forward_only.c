/* SPDX-License-Identifier: BSD-3-Clause */
#include "forward_only.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bindings_file.h"
#include "engine_config.h"
#include "log.h"
#include "timer_wheel.h"

#define ROWS_PER_TURN 4096
#define RETRY_MS      1
#define REFUSALS_TOLD 10

struct forward_only {
	const struct config *config;
	struct bindings *bindings;
	struct engine_host *host;
	struct tunnels *anchored; /* to MAGs of an LMA, to LMAs of a MAG */
	struct tunnels *direct;   /* MAG: to other MAGs; NULL: there are no pairs */
	uint32_t *nodes;          /* index of each mobile node, INDEX_NONE until its first row */
	uint32_t next;            /* row: first bindings, then pairs */
	uint32_t under_way;
	uint64_t started_ns;
	struct forward_only_stats stats;
};

static struct tunnels *make_tunnels(const struct forward_only *f, enum tunnel_use use)
{
	struct fwd_tunnel shape = config_tunnel(f->config, use);

	return tunnels_create(f->host, &shape, f->config->peer_count > 0 ? f->config->peer_count : 1);
}

struct forward_only *forward_only_create(
	const struct config *config, struct bindings *bindings, struct engine_host *host, const struct engine_time *now)
{
	struct forward_only *f = calloc(1, sizeof(*f));

	if (f == NULL) {
		bindings_destroy(bindings);
		return NULL;
	}
	f->config = config;
	f->bindings = bindings;
	f->host = host;
	f->started_ns = now->monotonic_ns;
	f->stats = (struct forward_only_stats){.bindings = bindings->binding_count,
		.nodes = bindings->node_count,
		.pairs = bindings->pair_count,
		.neighbours = bindings->neighbour_count};
	f->anchored = make_tunnels(f, config->role == ROLE_LMA ? TUNNEL_TO_MAG : TUNNEL_TO_LMA);
	if (bindings->pair_count > 0)
		f->direct = make_tunnels(f, TUNNEL_TO_PEER_MAG);
	f->nodes = malloc(((size_t)bindings->node_count + 1) * sizeof(*f->nodes));
	if (f->anchored == NULL || (f->direct == NULL && bindings->pair_count > 0) || f->nodes == NULL) {
		forward_only_destroy(f);
		return NULL;
	}
	memset(f->nodes, 0xff, ((size_t)bindings->node_count + 1) * sizeof(*f->nodes));
	return f;
}

void forward_only_destroy(struct forward_only *f)
{
	if (f == NULL)
		return;
	tunnels_destroy(f->anchored);
	tunnels_destroy(f->direct);
	bindings_destroy(f->bindings);
	free(f->nodes);
	free(f);
}

/* ---- rows ---- */

static uint32_t line_of(const struct forward_only *f, uint32_t row)
{
	const struct bindings *b = f->bindings;

	return row < b->binding_count ? b->bindings[row].line : b->pairs[row - b->binding_count].line;
}

static void refused(struct forward_only *f, uint32_t row, int error)
{
	if (f->stats.refused++ < REFUSALS_TOLD)
		log_error("row_refused", "at=%s:%u error=\"%s\" action=\"check the sizes of the tables\"",
			f->bindings->file, line_of(f, row), strerror(-error));
}

static void commit(struct forward_only *f)
{
	f->under_way++;
	f->host->ops->commit(f->host, (uint64_t)f->next + 1, 0);
}

/* The link goes in before the first endpoint of the mobile node. */
static uint32_t node_index(struct forward_only *f, const struct static_binding *row)
{
	struct fwd_update update = {.op = FWD_OP_link_insert};
	uint32_t *index = &f->nodes[row->node];

	if (*index != INDEX_NONE)
		return *index;
	*index = f->host->ops->index_allocate(f->host, INDEX_NODE);
	if (*index == INDEX_NONE || f->config->role == ROLE_LMA)
		return *index;
	update.index = *index;
	update.body.link = (struct fwd_link){.link = row->link, .state = LINK_KNOWN};
	memcpy(update.body.link.mac, row->mac, 6);
	f->host->ops->update(f->host, &update);
	return *index;
}

static struct forward to_node(const struct forward_only *f, const struct static_binding *row)
{
	uint32_t index = f->nodes[row->node];
	struct forward forward = {.action = f->config->role == ROLE_LMA ? FORWARD_TUNNEL : FORWARD_LOCAL,
		.link = row->link,
		.tunnel = INDEX_NONE,
		.node = index,
		.generation = f->host->ops->index_generation(f->host, INDEX_NODE, index)};

	memcpy(forward.mac, row->mac, 6);
	return forward;
}

static int apply_binding(struct forward_only *f, const struct static_binding *row)
{
	struct fwd_update update = {.op = FWD_OP_endpoint_insert, .body.endpoint.id = row->prefix};
	uint32_t tunnel;

	if (node_index(f, row) == INDEX_NONE)
		return -ENOSPC;
	tunnel = tunnels_acquire(f->anchored, &f->config->peers[row->peer].address);
	if (tunnel == INDEX_NONE) {
		f->host->ops->commit(f->host, 0, 0); /* the link */
		return -ENOSPC;
	}
	update.index = f->nodes[row->node];
	update.body.endpoint.forward = to_node(f, row);
	update.body.endpoint.forward.tunnel = tunnel;
	if (f->config->role == ROLE_MAG && f->config->variables.enable_mag_local_routing)
		update.body.endpoint.forward.flags = FORWARD_LOCAL_ROUTING;
	f->host->ops->update(f->host, &update);
	commit(f);
	return 0;
}

/* Both halves: what the mobile node sends, and what it gets. */
static int apply_pair(struct forward_only *f, const struct static_pair *row)
{
	const struct static_binding *here = &f->bindings->bindings[row->binding];
	struct fwd_update update = {.op = FWD_OP_pair_insert, .index = f->next - f->bindings->binding_count};
	struct fwd_pair *pair = &update.body.pair;
	uint32_t tunnel;

	if (f->nodes[here->node] == INDEX_NONE)
		return -ENOENT; /* of the binding, which was refused */
	tunnel = tunnels_acquire(f->direct, &f->config->peers[row->peer].address);
	if (tunnel == INDEX_NONE)
		return -ENOSPC;
	*pair = (struct fwd_pair){.source = row->prefix, .destination = row->other, .forward = to_node(f, here)};
	pair->forward.action = FORWARD_TUNNEL;
	pair->forward.flags = FORWARD_PAIR_TX;
	pair->forward.link = LINK_NONE;
	pair->forward.tunnel = tunnel;
	memset(pair->forward.mac, 0, sizeof(pair->forward.mac));
	pair->check.from.link = here->link;
	memcpy(pair->check.from.mac, here->mac, 6);
	f->host->ops->update(f->host, &update);
	*pair = (struct fwd_pair){.source = row->other, .destination = row->prefix, .forward = to_node(f, here)};
	pair->forward.flags = FORWARD_PAIR_RX;
	pair->check.tunnel = tunnel;
	pair->check.former = INDEX_NONE;
	f->host->ops->update(f->host, &update);
	commit(f);
	return 0;
}

static uint32_t rows(const struct forward_only *f)
{
	return f->stats.bindings + f->stats.pairs;
}

static void apply_next(struct forward_only *f)
{
	const struct bindings *b = f->bindings;
	int error = f->next < b->binding_count ? apply_binding(f, &b->bindings[f->next])
					       : apply_pair(f, &b->pairs[f->next - b->binding_count]);

	if (error != 0)
		refused(f, f->next, error);
	f->next++;
}

static uint32_t count_tunnels(const struct forward_only *f)
{
	return tunnels_count(f->anchored) + (f->direct != NULL ? tunnels_count(f->direct) : 0);
}

/* Everything is in: the rows are not needed any more. */
static void complete(struct forward_only *f, const struct engine_time *now)
{
	const struct forward_only_stats *s = &f->stats;

	f->stats.complete = true;
	log_notice("tables_filled",
		"file=%s bindings=%u nodes=%u pairs=%u neighbours=%u tunnels=%u refused=%u unresolved=%u ms=%u",
		f->bindings->file, s->bindings, s->nodes, s->pairs, s->neighbours, count_tunnels(f), s->refused,
		s->unresolved, (unsigned)((now->monotonic_ns - f->started_ns) / 1000000));
	if (s->unresolved > 0)
		log_warning("next_hops_missing",
			"rows=%u action=\"add neighbour rows for testers that do not answer solicitations\"",
			s->unresolved);
	bindings_destroy(f->bindings);
	f->bindings = NULL;
	free(f->nodes);
	f->nodes = NULL;
}

uint64_t forward_only_advance(struct forward_only *f, const struct engine_time *now)
{
	unsigned n = 0;

	if (f->stats.complete)
		return TIMER_NEVER;
	while (f->next < rows(f) && n < ROWS_PER_TURN && !f->host->ops->busy(f->host)) {
		apply_next(f);
		n++;
	}
	if (f->next < rows(f))
		return engine_ms(now) + (n < ROWS_PER_TURN ? RETRY_MS : 0);
	if (f->under_way == 0)
		complete(f, now);
	return TIMER_NEVER;
}

void forward_only_transaction_done(struct forward_only *f, const struct engine_time *now, uint64_t cookie, int error)
{
	f->under_way--;
	if (error == 0 || error == -EHOSTUNREACH)
		f->stats.applied++;
	else
		refused(f, (uint32_t)(cookie - 1), error);
	f->stats.unresolved += error == -EHOSTUNREACH;
	if (f->under_way == 0 && f->next == rows(f))
		complete(f, now);
}

/* ---- views ---- */

void forward_only_stats(const struct forward_only *f, struct forward_only_stats *stats)
{
	*stats = f->stats;
	stats->tunnels = count_tunnels(f);
}

bool forward_only_tunnel_next(const struct forward_only *f, uint32_t from, struct tunnel_view *view)
{
	struct tunnel_view direct;
	bool found = tunnels_next(f->anchored, from, view);

	if (f->direct == NULL || !tunnels_next(f->direct, from, &direct) || (found && view->index < direct.index))
		return found;
	*view = direct;
	return true;
}

uint32_t forward_only_peer_rows(const struct forward_only *f, const struct in6_addr *peer)
{
	return tunnels_users(f->anchored, peer) + (f->direct != NULL ? tunnels_users(f->direct, peer) : 0);
}
