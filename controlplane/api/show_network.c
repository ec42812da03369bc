/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "door.h"
#include "forward_only.h"

#include "api/sessions.h"
#include "net/net.h"
#include "pmip/heartbeat.h"
#include "ro/ro.h"

#define OUTER_HEADER_BYTES 40 /* IPv6 in IPv6 */

/* What lies around the gateway: ports, tunnels, peers, neighbours, routes, pools. */

static const char *port_name(const struct walk *walk, uint16_t port)
{
	const struct config *config = walk->sources->config;

	return port < config->port_count ? config->ports[port].name : NULL;
}

/* The next index of a walk over an engine's slab, or false at its end. */
static bool place_index(const struct walk *walk, uint32_t *index)
{
	*index = (uint32_t)walk->place.at;
	return walk->place.at < INDEX_NONE;
}

/* The workers of the receive queues, in order of the queues. */
static json_t *rx_owners(const struct port_view *view)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < view->rx_queues && i < WORKERS_MAX; i++)
		json_array_append_new(array, json_integer(view->rx_owner[i]));
	return array;
}

/* The transmit queue of each worker; null: it hands packets over. */
static json_t *tx_owners(const struct port_view *view, unsigned workers)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < workers && i < WORKERS_MAX; i++)
		json_array_append_new(
			array, view->tx_owner[i] != UINT16_MAX ? json_integer(view->tx_owner[i]) : json_null());
	return array;
}

static void row_port(
	struct row *row, const struct walk *walk, const struct port_view *view, const struct port_counter *counter)
{
	const struct door *door = walk->sources->door;

	row_text(row, "device", view->device);
	row_text(row, "driver", view->driver);
	row_bool(row, "up", view->link_up);
	row_mac(row, "mac", view->mac);
	row_number(row, "mtu_bytes", view->mtu_bytes);
	row_number(row, "rx_packets", counter->rx_packets);
	row_number(row, "rx_bytes", counter->rx_bytes);
	row_number(row, "tx_packets", counter->tx_packets);
	row_number(row, "tx_bytes", counter->tx_bytes);
	row_number(row, "rx_missed", view->rx_missed);
	row_number(row, "rx_errors", view->rx_errors);
	row_number(row, "tx_errors", view->tx_errors);
	row_number(row, "rx_queues", view->rx_queues);
	row_number(row, "tx_queues", view->tx_queues);
	row_json(row, "rx_workers", rx_owners(view));
	row_bool(row, "spread", view->spread);
	row_json(row, "tx_queue_of_worker", tx_owners(view, door != NULL ? door->config.workers : 0));
}

int show_ports_step(struct walk *walk, json_t **row)
{
	const struct api_sources *sources = walk->sources;
	const struct worker_stats *stats = walk_stats(walk);
	uint16_t port = (uint16_t)walk->place.at;
	const char *name = port_name(walk, port);
	struct port_view view;
	struct row out;

	*row = NULL;
	if (stats == NULL)
		return -ENOMEM;
	if (sources->port == NULL || walk->place.at >= PORTS_MAX || name == NULL ||
		!sources->port(sources->context, port, &view))
		return 0;
	walk->place.at++;
	if (!filter_port(&walk->request->filter, name))
		return 1;
	row_start(&out);
	row_text(&out, "port", name);
	row_text(&out, "side", port_side_name(sources->config->ports[port].side));
	row_port(&out, walk, &view, &stats->ports[port]);
	return row_finish(&out, row);
}

/* What fits the tunnel now: less than what its port carries, if a router on the path has said so. */
static uint16_t tunnel_mtu(const struct walk *walk, const struct tunnel_view *view)
{
	uint64_t expires_in_ms;
	uint16_t path_bytes;

	if (walk->sources->net == NULL ||
		!net_tunnel_path(walk->sources->net, &walk->now, view->index, &path_bytes, &expires_in_ms))
		return view->mtu_bytes;
	return (uint16_t)(path_bytes - OUTER_HEADER_BYTES);
}

int show_tunnels_step(struct walk *walk, json_t **row)
{
	struct object_counter up, down;
	struct tunnel_view view;
	struct row out;

	*row = NULL;
	if (!tunnel_view_next(walk->sources, walk->place.at, &view))
		return 0;
	walk->place.at = (uint64_t)view.index + 1;
	if (!filter_peer(&walk->request->filter, walk->sources->policy, &view.remote))
		return 1;
	walk_traffic(walk, INDEX_TUNNEL, view.index, &up, &down);
	row_start(&out);
	row_number(&out, "tunnel", view.index);
	row_peer(&out, walk, &view.remote);
	row_text(&out, "type", view.type == TUNNEL_IPV6_IN_IPV6 ? "ipv6-in-ipv6" : "?");
	row_ip6(&out, "local", &view.local);
	row_ip6(&out, "remote", &view.remote);
	row_number(&out, "users", view.users);
	row_number(&out, "mtu_bytes", tunnel_mtu(walk, &view));
	row_traffic(&out, &up, &down);
	return row_finish(&out, row);
}

static void row_heartbeat(struct row *row, const struct walk *walk, uint32_t index)
{
	const struct heartbeat *heartbeat = walk->sources->heartbeat;
	struct peer_view view;

	if (heartbeat == NULL || !heartbeat_peer_next(heartbeat, index, &view) || view.index != index) {
		row_text(row, "heartbeat", "off");
		row_null(row, "missed");
		row_past(row, "last_answer", &walk->now, 0);
		row_null(row, "restart_counter");
		return;
	}
	if (view.unsupported)
		row_text(row, "heartbeat", "unsupported");
	else if (!view.asked)
		row_text(row, "heartbeat", "idle");
	else
		row_text(row, "heartbeat", view.reachable ? "reachable" : "unreachable");
	row_number(row, "missed", view.missed);
	row_past(row, "last_answer", &walk->now, view.last_answer_ms);
	row_json(row, "restart_counter", view.has_counter ? json_integer(view.restart_counter) : json_null());
}

static uint32_t peer_sessions(const struct api_sources *sources, uint32_t index, const struct in6_addr *address)
{
	if (sources->forward_only != NULL)
		return forward_only_peer_rows(sources->forward_only, address);
	if (sources->lma != NULL)
		return lma_peer_sessions(sources->lma, index);
	return sources->mag != NULL ? mag_peer_sessions(sources->mag, address) : 0;
}

static const struct config_peer *configured(const struct config *config, const struct in6_addr *address)
{
	for (unsigned i = 0; i < config->peer_count; i++)
		if (IN6_ARE_ADDR_EQUAL(&config->peers[i].address, address))
			return &config->peers[i];
	return NULL;
}

/* "lma" or "mag"; by default what this gateway is not. */
static const char *peer_role(const struct config *config, const struct in6_addr *address)
{
	const struct config_peer *peer = configured(config, address), unknown = {.role = PEER_OPPOSITE};

	return config_peer_is_lma(config, peer != NULL ? peer : &unknown) ? "lma" : "mag";
}

static const char *peer_word(const struct config *config, const struct in6_addr *address)
{
	const struct config_peer *peer = configured(config, address);

	return peer == NULL || peer->ro_allowed ? "allow" : "deny";
}

/* ---- pairs of each peer: counted before the first row ---- */

#define TALLY_PAIRS 32 /* a step */

static void tally_one(struct walk *walk, const struct in6_addr *address)
{
	uint32_t peer = policy_peer_find(walk->sources->policy, address);

	if (peer != UINT32_MAX)
		walk->tally[peer]++;
}

/* A pair counts once with each gateway of it. */
static void tally_pair(struct walk *walk, const struct ro_view *view)
{
	const struct ro_side_view *a = &view->sides[0], *b = &view->sides[1];

	if (view->state == RO_STATE_FALLBACK)
		return;
	tally_one(walk, &a->mag);
	tally_one(walk, &a->lma);
	if (!IN6_ARE_ADDR_EQUAL(&a->mag, &b->mag))
		tally_one(walk, &b->mag);
	if (!IN6_ARE_ADDR_EQUAL(&a->lma, &b->lma))
		tally_one(walk, &b->lma);
}

/* 1: more to count; 0: done; -ENOMEM. */
static int tally_step(struct walk *walk)
{
	const struct ro *ro = walk->sources->ro;
	struct ro_view view;

	if (walk->tally == NULL) {
		uint32_t peers = 0;

		while (policy_peer(walk->sources->policy, peers) != NULL)
			peers++;
		walk->tally = calloc(peers + 1, sizeof(*walk->tally));
		if (walk->tally == NULL)
			return -ENOMEM;
	}
	for (unsigned i = 0; i < TALLY_PAIRS; i++) {
		if (walk->tally_next >= INDEX_NONE || !ro_pair_next(ro, (uint32_t)walk->tally_next, &view)) {
			walk->tally_next = UINT64_MAX;
			return 0;
		}
		walk->tally_next = (uint64_t)view.index + 1;
		tally_pair(walk, &view);
	}
	return 1;
}

int show_peers_step(struct walk *walk, json_t **row)
{
	uint32_t index = (uint32_t)walk->place.at;
	const struct policy_peer *peer = walk->place.at < UINT32_MAX ? policy_peer(walk->sources->policy, index) : NULL;
	struct row out;
	int more;

	*row = NULL;
	if (walk->sources->ro != NULL && walk->tally_next != UINT64_MAX) {
		more = tally_step(walk);
		if (more != 0)
			return more;
	}
	if (peer == NULL)
		return 0;
	walk->place.at++;
	if (!filter_name_pattern(&walk->request->filter, peer->name))
		return 1;
	row_start(&out);
	row_text(&out, "name", peer->name);
	row_text(&out, "role", peer_role(walk->sources->config, &peer->address));
	row_ip6(&out, "address", &peer->address);
	row_text(&out, "protection", peer->insecure ? "none (insecure)" : "required");
	row_number(&out, "sessions", peer_sessions(walk->sources, index, &peer->address));
	if (walk->tally != NULL) {
		row_text(&out, "route_optimisation", peer_word(walk->sources->config, &peer->address));
		row_number(&out, "pairs", walk->tally[index]);
	}
	row_heartbeat(&out, walk, index);
	return row_finish(&out, row);
}

int show_neighbours_step(struct walk *walk, json_t **row)
{
	static const uint8_t no_mac[6];
	const struct filter *filter = &walk->request->filter;
	const struct net *net = walk->sources->net;
	struct neighbour_view view;
	uint32_t index;
	struct row out;

	*row = NULL;
	if (!place_index(walk, &index) || net == NULL || !net_neighbour_next(net, index, &view))
		return 0;
	walk->place.at = (uint64_t)view.index + 1;
	if (!filter_port(filter, port_name(walk, view.port)) || !filter_prefix(filter, &view.address, 128) ||
		!filter_state(filter, neighbour_state_name(view.state)))
		return 1;
	row_start(&out);
	row_ip6(&out, "address", &view.address);
	row_text(&out, "port", port_name(walk, view.port));
	row_text(&out, "state", neighbour_state_name(view.state));
	if (memcmp(view.mac, no_mac, 6) != 0)
		row_mac(&out, "mac", view.mac);
	else
		row_null(&out, "mac");
	row_number(&out, "waiting", view.waiting);
	row_past(&out, "confirmed", &walk->now, view.confirmed_ms);
	return row_finish(&out, row);
}

int show_routes_step(struct walk *walk, json_t **row)
{
	const struct filter *filter = &walk->request->filter;
	const struct net *net = walk->sources->net;
	struct route_view view;
	uint32_t index;
	struct row out;

	*row = NULL;
	if (!place_index(walk, &index) || net == NULL || !net_route_next(net, index, &view))
		return 0;
	walk->place.at = (uint64_t)view.index + 1;
	if (!filter_port(filter, port_name(walk, view.port)) || !filter_prefix(filter, &view.prefix, view.length))
		return 1;
	row_start(&out);
	row_prefix(&out, "prefix", &view.prefix, view.length);
	row_ip6(&out, "via", &view.via);
	row_text(&out, "port", port_name(walk, view.port));
	row_text(&out, "origin", view.origin);
	return row_finish(&out, row);
}

int show_pools_step(struct walk *walk, json_t **row)
{
	const struct api_sources *sources = walk->sources;
	uint32_t index = (uint32_t)walk->place.at;
	const struct policy_pool *pool = walk->place.at < UINT32_MAX ? policy_pool(sources->policy, index) : NULL;
	uint64_t used, held, total;
	struct row out;

	*row = NULL;
	if (pool == NULL || sources->lma == NULL || !lma_pool_usage(sources->lma, index, &used, &held, &total))
		return 0;
	walk->place.at++;
	if (!filter_name_pattern(&walk->request->filter, pool->name))
		return 1;
	row_start(&out);
	row_text(&out, "name", pool->name);
	row_prefix(&out, "prefix", &pool->prefix.prefix, pool->prefix.length);
	row_number(&out, "used", used);
	row_number(&out, "held", held);
	row_number(&out, "total", total);
	row_real(&out, "used_percent", total != 0 ? 100.0 * (double)used / (double)total : 0);
	return row_finish(&out, row);
}
