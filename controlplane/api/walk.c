/* SPDX-License-Identifier: BSD-3-Clause */
#include "api/walk.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "door.h"
#include "format.h"
#include "forward_only.h"

#include "api/links.h"
#include "net/net.h"
#include "pmip/lma.h"
#include "pmip/mag.h"
#include "ro/ro.h"

#define STEP_OF(name, filters, help) show_##name##_step,

static const walk_step show_steps[] = {OBJECTS(STEP_OF)};

#define STATE_WORD_OF(name, word) word,

static const char *const binding_words[] = {BINDING_STATES(STATE_WORD_OF)};
static const char *const attachment_words[] = {ATTACHMENT_STATES(STATE_WORD_OF)};
static const char *const neighbour_words[] = {NEIGHBOUR_STATES(STATE_WORD_OF)};

static const char *const pair_words[] = {RO_STATES(STATE_WORD_OF)};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

const char *const *walk_states(const struct api_sources *sources, enum object object, unsigned *count)
{
	if (object == OBJECT_neighbours) {
		*count = COUNT_OF(neighbour_words);
		return neighbour_words;
	}
	if (object == OBJECT_pairs) {
		*count = COUNT_OF(pair_words);
		return pair_words;
	}
	if (object != OBJECT_bindings && object != OBJECT_nodes)
		return NULL;
	if (sources->config->role == ROLE_LMA) {
		*count = COUNT_OF(binding_words);
		return binding_words;
	}
	*count = COUNT_OF(attachment_words);
	return attachment_words;
}

static int state_check(const struct api_sources *sources, const struct request *request, struct refusal *refusal)
{
	const char *wanted = request->filter.state;
	unsigned count = 0;
	const char *const *words = walk_states(sources, request->object, &count);
	char all[160] = "";
	size_t n = 0;

	if (wanted == NULL || (request->object == OBJECT_nodes && strcmp(wanted, "absent") == 0))
		return 0;
	for (unsigned i = 0; i < count; i++) {
		if (strcmp(words[i], wanted) == 0)
			return 0;
		if (n < sizeof(all))
			n += (size_t)snprintf(all + n, sizeof(all) - n, "%s%s", i != 0 ? ", " : "", words[i]);
	}
	return refusal_set(refusal, API_ERROR_BAD_ARGUMENT, "filter state: '%.40s' is no state; allowed: %s%s", wanted,
		all, request->object == OBJECT_nodes ? ", absent" : "");
}

static int peer_check(const struct api_sources *sources, const struct request *request, struct refusal *refusal)
{
	const char *wanted = request->filter.peer;
	struct in6_addr address;

	if (wanted == NULL || ip6_parse(wanted, &address) == 0 ||
		policy_peer_find_name(sources->policy, wanted) != UINT32_MAX)
		return 0;
	return refusal_set(refusal, API_ERROR_NOT_FOUND,
		"filter peer: '%.60s' is neither a configured peer nor an address", wanted);
}

static int port_check(const struct api_sources *sources, const struct request *request, struct refusal *refusal)
{
	const char *wanted = request->filter.port;

	if (wanted == NULL)
		return 0;
	for (unsigned i = 0; i < sources->config->port_count; i++)
		if (strcmp(sources->config->ports[i].name, wanted) == 0)
			return 0;
	return refusal_set(refusal, API_ERROR_NOT_FOUND, "filter port: there is no port '%.60s'", wanted);
}

static int worker_check(const struct api_sources *sources, const struct request *request, struct refusal *refusal)
{
	unsigned workers = sources->door != NULL ? sources->door->config.workers : 0;

	if (!(request->filter.given & FILTER_BIT(worker)) || request->filter.worker < workers)
		return 0;
	return refusal_set(
		refusal, API_ERROR_NOT_FOUND, "filter worker: there are %u workers, numbered from 0", workers);
}

/* Objects of sessions: a gateway that only forwards has none. */
static bool is_of_sessions(enum object object)
{
	static const uint64_t of_sessions = UINT64_C(1) << OBJECT_bindings | UINT64_C(1) << OBJECT_nodes |
					    UINT64_C(1) << OBJECT_events | UINT64_C(1) << OBJECT_pairs |
					    UINT64_C(1) << OBJECT_pair_events;

	_Static_assert(OBJECT_COUNT <= 64, "objects are bits of a word");
	return (of_sessions >> object & 1) != 0;
}

/* A gateway that only forwards has what a file said in its tables, and neither engine nor sessions. */
static int forward_only_check(const struct api_sources *sources, const struct request *request, struct refusal *refusal)
{
	struct forward_only_stats stats;

	if (sources->forward_only == NULL)
		return 0;
	switch (request->command) {
	case COMMAND_clear_counters: return 0;
	case COMMAND_show:
		if (!is_of_sessions(request->object))
			return 0;
		break;
	case COMMAND_why:
	case COMMAND_why_pair: break;
	default:
		return refusal_set(refusal, API_ERROR_REFUSED,
			"this gateway only forwards, there is no signalling: change the file of --forward-only and "
			"start again");
	}
	forward_only_stats(sources->forward_only, &stats);
	return refusal_set(refusal, API_ERROR_REFUSED,
		"this gateway only forwards: its tables hold %" PRIu32 " bindings of %" PRIu32
		" mobile nodes and %" PRIu32 " pairs of the file, %" PRIu32
		" rows are refused, and there are no sessions to show; see show tunnels",
		stats.bindings, stats.nodes, stats.pairs, stats.refused);
}

walk_step walk_find(const struct api_sources *sources, const struct request *request, struct refusal *refusal)
{
	static const walk_step steps[COMMAND_COUNT] = {
		[COMMAND_attach] = attach_step,
		[COMMAND_detach] = detach_step,
		[COMMAND_clear_binding] = clear_binding_step,
		[COMMAND_clear_counters] = clear_counters_step,
		[COMMAND_ro_start] = ro_start_step,
		[COMMAND_ro_stop] = ro_stop_step,
		[COMMAND_why] = why_step,
		[COMMAND_why_pair] = why_pair_step,
	};

	if (forward_only_check(sources, request, refusal) != 0)
		return NULL;
	if (request->command != COMMAND_show)
		return steps[request->command];
	if (state_check(sources, request, refusal) != 0 || peer_check(sources, request, refusal) != 0 ||
		port_check(sources, request, refusal) != 0 || worker_check(sources, request, refusal) != 0)
		return NULL;
	return show_steps[request->object];
}

void walk_init(struct walk *walk, const struct api_sources *sources, const struct request *request,
	struct counter_baseline *baseline)
{
	*walk = (struct walk){.sources = sources, .request = request, .baseline = baseline, .place = request->start};
}

void walk_fini(struct walk *walk)
{
	json_decref(walk->held);
	free(walk->stats);
	free(walk->tally);
	walk->tally = NULL;
	walk->held = NULL;
	walk->stats = NULL;
}

int walk_held_step(struct walk *walk, json_t **row)
{
	json_t *next = json_array_get(walk->held, (size_t)walk->place.at);

	*row = NULL;
	if (next == NULL)
		return 0;
	walk->place.at++;
	*row = json_incref(next);
	return 1;
}

void counters_of_worker(
	const struct door *door, const struct counter_baseline *baseline, unsigned worker, struct worker_stats *stats)
{
	memset(stats, 0, sizeof(*stats));
	worker_stats_sum(stats, door->worker[worker].stats);
	worker_stats_subtract(stats, &baseline->worker[worker]);
}

void counters_of_all(const struct door *door, const struct counter_baseline *baseline, struct worker_stats *stats)
{
	door_stats(door, stats);
	for (unsigned i = 0; i < door->config.workers; i++)
		worker_stats_subtract(stats, &baseline->worker[i]);
}

void counters_rebase(const struct door *door, struct counter_baseline *baseline)
{
	memset(baseline, 0, sizeof(*baseline));
	for (unsigned i = 0; door != NULL && i < door->config.workers; i++)
		worker_stats_sum(&baseline->worker[i], door->worker[i].stats);
}

const struct worker_stats *walk_stats(struct walk *walk)
{
	const struct filter *filter = &walk->request->filter;
	const struct door *door = walk->sources->door;

	if (walk->stats != NULL)
		return walk->stats;
	walk->stats = aligned_alloc(_Alignof(struct worker_stats), sizeof(*walk->stats));
	if (walk->stats == NULL)
		return NULL;
	if (door == NULL)
		memset(walk->stats, 0, sizeof(*walk->stats));
	else if (filter->given & FILTER_BIT(worker))
		counters_of_worker(door, walk->baseline, filter->worker, walk->stats);
	else
		counters_of_all(door, walk->baseline, walk->stats);
	return walk->stats;
}

void walk_traffic(const struct walk *walk, enum index_space space, uint32_t index, struct object_counter *up,
	struct object_counter *down)
{
	const struct api_sources *sources = walk->sources;

	*up = *down = (struct object_counter){0};
	if (sources->object_counter == NULL || index == INDEX_NONE)
		return;
	sources->object_counter(sources->context, space, index, COUNTER_UP, up);
	sources->object_counter(sources->context, space, index, COUNTER_DOWN, down);
}

const char *peer_name(const struct policy *policy, const struct in6_addr *address)
{
	const struct policy_peer *peer = policy_peer(policy, policy_peer_find(policy, address));

	return peer != NULL ? peer->name : NULL;
}

void row_peer(struct row *row, const struct walk *walk, const struct in6_addr *address)
{
	row_text(row, "peer", peer_name(walk->sources->policy, address));
}

void row_link(struct row *row, const struct walk *walk, uint16_t link)
{
	uint16_t vlan = VLAN_NONE;
	const struct config_port *port = link_port(walk->sources->config, link, &vlan);

	row_number(row, "link", link);
	row_text(row, "port", port != NULL ? port->name : NULL);
	row_json(row, "vlan", vlan != VLAN_NONE ? json_integer(vlan) : json_null());
}

bool filter_mn(const struct filter *filter, const struct mn_id *id)
{
	char text[MN_TEXT_MAX];

	return filter->mn == NULL || pattern_match(filter->mn, mn_format(id, text));
}

bool filter_mac(const struct filter *filter, const uint8_t mac[6])
{
	return !(filter->given & FILTER_BIT(mac)) || memcmp(filter->mac, mac, 6) == 0;
}

bool filter_peer(const struct filter *filter, const struct policy *policy, const struct in6_addr *address)
{
	struct in6_addr wanted;
	const char *name;

	if (filter->peer == NULL)
		return true;
	if (ip6_parse(filter->peer, &wanted) == 0)
		return IN6_ARE_ADDR_EQUAL(&wanted, address);
	name = peer_name(policy, address);
	return name != NULL && strcmp(name, filter->peer) == 0;
}

bool filter_state(const struct filter *filter, const char *state)
{
	return filter->state == NULL || strcmp(filter->state, state) == 0;
}

bool filter_prefix(const struct filter *filter, const struct in6_addr *prefix, uint8_t length)
{
	if (!(filter->given & FILTER_BIT(prefix)))
		return true;
	if (filter->prefix_length == 128)
		return prefix_contains(prefix, length, &filter->prefix);
	return length >= filter->prefix_length && prefix_contains(&filter->prefix, filter->prefix_length, prefix);
}

bool filter_prefixes(const struct filter *filter, const struct home_network_prefix *prefixes, unsigned count)
{
	if (!(filter->given & FILTER_BIT(prefix)))
		return true;
	for (unsigned i = 0; i < count; i++)
		if (filter_prefix(filter, &prefixes[i].prefix, prefixes[i].length))
			return true;
	return false;
}

bool filter_port(const struct filter *filter, const char *port)
{
	return filter->port == NULL || (port != NULL && strcmp(filter->port, port) == 0);
}

bool filter_link(const struct filter *filter, const struct config *config, uint16_t link)
{
	uint16_t vlan;
	const struct config_port *port;

	if (filter->port == NULL)
		return true;
	port = link_port(config, link, &vlan);
	return port != NULL && filter_port(filter, port->name);
}

bool filter_name_pattern(const struct filter *filter, const char *name)
{
	return filter->name == NULL || pattern_match(filter->name, name);
}
