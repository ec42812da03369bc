/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/internal.h"

#include "endpoint.h"

#include <errno.h>
#include <stdlib.h>

/* RFC 4861 section 10, in milliseconds. */
#define REACHABLE_MS         30000
#define RETRANSMIT_MS        1000
#define DELAY_FIRST_PROBE_MS 5000
#define MULTICAST_SOLICITS   3
#define UNICAST_SOLICITS     3
/* Ours: negative cache, life of an unused entry, what an unused host route may be evicted after, packets in all. */
#define FAILED_HOLD_MS    3000
#define STALE_LIFE_MS     600000
#define IDLE_ROUTE_MS     600000
#define WAITING_TOTAL_MAX 4096
#define EVICTION_SCAN     1024 /* slots looked at for one eviction: the next goes on behind them */

#define OF(member_pointer, member) \
	((struct neighbour *)((uint8_t *)(member_pointer)-offsetof(struct neighbour, member)))

static void on_timer(struct timer *timer, void *context, uint64_t now_ms);
static enum push_result push_neighbour(struct net *net, struct pending *pending);

static struct neighbour_bucket *bucket_of(const struct net *net, uint16_t port, const struct in6_addr *address)
{
	uint64_t upper, lower;

	memcpy(&upper, address->s6_addr, 8);
	memcpy(&lower, address->s6_addr + 8, 8);
	return &net->buckets[endpoint_hash(endpoint_hash(upper ^ net->seed) ^ lower ^ port) & net->bucket_mask];
}

int neighbour_table_init(struct net *net)
{
	uint32_t buckets = 16;

	net->neighbour_max = net->config->limits.neighbours;
	while (buckets < net->neighbour_max && buckets < 1u << 20)
		buckets *= 2;
	net->bucket_mask = buckets - 1;
	net->neighbours = calloc(net->neighbour_max ? net->neighbour_max : 1, sizeof(*net->neighbours));
	net->buckets = calloc(buckets, sizeof(*net->buckets));
	STAILQ_INIT(&net->free_neighbours);
	return net->neighbours != NULL && net->buckets != NULL ? 0 : -ENOMEM;
}

static void drop_first(struct net *net, struct neighbour *neighbour)
{
	struct waiting *waiting = STAILQ_FIRST(&neighbour->waiting);

	STAILQ_REMOVE_HEAD(&neighbour->waiting, entry);
	neighbour->waiting_count--;
	net->waiting_total--;
	free(waiting);
}

void neighbour_table_fini(struct net *net)
{
	for (uint32_t i = 0; net->neighbours != NULL && i < net->neighbour_fresh; i++) {
		while (net->neighbours[i].used && !STAILQ_EMPTY(&net->neighbours[i].waiting))
			drop_first(net, &net->neighbours[i]);
	}
	free(net->neighbours);
	free(net->buckets);
}

struct neighbour *neighbour_find(const struct net *net, uint16_t port, const struct in6_addr *address)
{
	struct neighbour *neighbour = LIST_FIRST(bucket_of(net, port, address));

	while (neighbour != NULL && !(neighbour->port == port && IN6_ARE_ADDR_EQUAL(&neighbour->address, address)))
		neighbour = LIST_NEXT(neighbour, bucket);
	return neighbour;
}

bool neighbour_usable(const struct neighbour *neighbour)
{
	return neighbour->state != NEIGHBOUR_INCOMPLETE && neighbour->state != NEIGHBOUR_FAILED;
}

/* Static routes or tunnels lead over it: it is never evicted, and asked again for ever. */
static bool leads_on(const struct neighbour *neighbour)
{
	return neighbour->routes > 0 || neighbour->tunnels > 0;
}

/* The data plane sends to it without asking. */
static bool is_kept(const struct neighbour *neighbour)
{
	return leads_on(neighbour) || neighbour->host_route;
}

/* The slot is free when the data plane has forgotten it. */
static void release_slot(struct net *net, struct neighbour *neighbour, bool was_told)
{
	neighbour->used = false;
	neighbour->freed_mark = was_told ? net->ops->updates_taken(net->context) : 0;
	STAILQ_INSERT_TAIL(&net->free_neighbours, neighbour, free);
}

static void forget(struct net *net, struct neighbour *neighbour)
{
	while (!STAILQ_EMPTY(&neighbour->waiting)) {
		net->stats.waiting_dropped++;
		drop_first(net, neighbour);
	}
	if (neighbour->state == NEIGHBOUR_INCOMPLETE)
		net->incomplete--;
	neighbour->state = NEIGHBOUR_FAILED;
	timer_stop(&net->wheel, &neighbour->timer);
	LIST_REMOVE(neighbour, bucket);
	neighbour->dying = true;
	neighbour->host_route = false;
	if (neighbour->inserted || neighbour->routed || neighbour->pending.queued)
		pending_mark(net, &neighbour->pending);
	else
		release_slot(net, neighbour, false);
}

/*
 * Entries that nothing holds on to and that are in step with the data plane: failed ones first, then those that only
 * our own answers use, then host routes that no packet asked for in a long time. 0: not to be evicted.
 */
static uint64_t eviction_rank(const struct net *net, const struct neighbour *neighbour)
{
	uint64_t idle_ms = net->now_ms - neighbour->used_ms;

	if (!neighbour->used || neighbour->dying || leads_on(neighbour) || neighbour->pending.queued ||
		neighbour->waiting_count > 0 || neighbour->state == NEIGHBOUR_STATIC)
		return 0;
	if (neighbour->state == NEIGHBOUR_FAILED)
		return UINT64_C(2) << 60 | idle_ms;
	if (neighbour->host_route)
		return idle_ms >= IDLE_ROUTE_MS ? idle_ms : 0;
	return neighbour->state != NEIGHBOUR_INCOMPLETE ? UINT64_C(1) << 60 | idle_ms : 0;
}

static void evict_one(struct net *net)
{
	struct neighbour *best = NULL;
	uint64_t best_rank = 0;

	for (uint32_t n = 0; n < net->neighbour_fresh && n < EVICTION_SCAN; n++) {
		struct neighbour *neighbour = &net->neighbours[net->evict_at++ % net->neighbour_fresh];
		uint64_t rank = eviction_rank(net, neighbour);

		if (rank > best_rank) {
			best_rank = rank;
			best = neighbour;
		}
	}
	if (best != NULL)
		forget(net, best);
}

static struct neighbour *take_slot(struct net *net)
{
	struct neighbour *oldest = STAILQ_FIRST(&net->free_neighbours);

	if (oldest != NULL &&
		(oldest->freed_mark == 0 || net->ops->updates_reclaimed(net->context) >= oldest->freed_mark)) {
		STAILQ_REMOVE_HEAD(&net->free_neighbours, free);
		return oldest;
	}
	return net->neighbour_fresh < net->neighbour_max ? &net->neighbours[net->neighbour_fresh++] : NULL;
}

static struct neighbour *create(struct net *net, uint16_t port, const struct in6_addr *address)
{
	struct neighbour *neighbour = take_slot(net);

	/* One eviction at a time: what it freed is usable when the data plane has forgotten it. */
	if (neighbour == NULL && STAILQ_EMPTY(&net->free_neighbours)) {
		evict_one(net);
		neighbour = take_slot(net);
	}
	if (neighbour == NULL) {
		net->stats.neighbours_full++;
		log_warning("neighbours_full", "limit=%u hint=\"raise limits.neighbours\"", net->neighbour_max);
		return NULL;
	}
	*neighbour = (struct neighbour){
		.address = *address,
		.port = port,
		.state = NEIGHBOUR_FAILED,
		.used = true,
		.index = (uint32_t)(neighbour - net->neighbours),
		.used_ms = net->now_ms,
	};
	timer_init(&neighbour->timer, on_timer);
	pending_init(&neighbour->pending, push_neighbour);
	STAILQ_INIT(&neighbour->waiting);
	LIST_INIT(&neighbour->users);
	LIST_INSERT_HEAD(bucket_of(net, port, address), neighbour, bucket);
	return neighbour;
}

struct neighbour *neighbour_get(struct net *net, uint16_t port, const struct in6_addr *address)
{
	struct neighbour *neighbour = neighbour_find(net, port, address);

	return neighbour != NULL ? neighbour : create(net, port, address);
}

/* What the data plane has to know of the neighbour now. */
static struct fwd_neighbour wanted(const struct net *net, const struct neighbour *neighbour)
{
	const struct net_port *port = &net->ports[neighbour->port];
	struct fwd_neighbour body;

	memset(&body, 0, sizeof(body)); /* padding too: bodies are compared */
	body.port = neighbour->port;
	body.vlan = port->vlan;
	body.mtu_bytes = port->mtu_bytes;
	body.resolved = neighbour_usable(neighbour);
	if (body.resolved)
		memcpy(body.mac, neighbour->mac, 6);
	memcpy(body.source_mac, port->mac, 6);
	body.address = neighbour->address;
	return body;
}

static bool update(struct net *net, enum fwd_op op, const struct neighbour *neighbour)
{
	struct fwd_update value = {.op = (uint8_t)op, .index = neighbour->index};

	if (op == FWD_OP_neighbour_insert)
		value.body.neighbour = wanted(net, neighbour);
	if (op == FWD_OP_route_insert || op == FWD_OP_route_remove)
		value.body.route =
			(struct fwd_route){.prefix = neighbour->address, .length = 128, .port = neighbour->port};
	return net->ops->update(net->context, &value);
}

/* Everything leaves as a frame: the hop limit of what the data plane punted is taken already. */
static void release_waiting(struct net *net, struct neighbour *neighbour)
{
	const struct net_port *port = &net->ports[neighbour->port];

	while (!STAILQ_EMPTY(&neighbour->waiting)) {
		struct waiting *waiting = STAILQ_FIRST(&neighbour->waiting);

		transmit(net, neighbour->port, port->vlan, port->mac, neighbour->mac, waiting->bytes, waiting->length);
		drop_first(net, neighbour);
	}
}

/* In the order that the data plane asks for: a next hop before the routes over it, and the other way round. */
static enum push_result push_neighbour(struct net *net, struct pending *pending)
{
	struct neighbour *neighbour = OF(pending, pending);
	bool host_route = neighbour->host_route && (neighbour->routed || neighbour_usable(neighbour));
	bool insert = !neighbour->dying && (neighbour->routes > 0 || host_route);
	struct fwd_neighbour body = wanted(net, neighbour);

	if (insert && (!neighbour->inserted || memcmp(&body, &neighbour->told, sizeof(body)) != 0)) {
		if (!update(net, FWD_OP_neighbour_insert, neighbour))
			return PUSH_REFUSED;
		neighbour->inserted = true;
		neighbour->told = body;
	}
	if (host_route != neighbour->routed) {
		if (!update(net, host_route ? FWD_OP_route_insert : FWD_OP_route_remove, neighbour))
			return PUSH_REFUSED;
		neighbour->routed = host_route;
	}
	if (!insert && neighbour->inserted) {
		if (!update(net, FWD_OP_neighbour_remove, neighbour))
			return PUSH_REFUSED;
		neighbour->inserted = false;
	}
	if (neighbour->dying)
		release_slot(net, neighbour, true);
	return PUSH_DONE;
}

static void set_state(struct net *net, struct neighbour *neighbour, enum neighbour_state state, uint64_t timer_ms)
{
	if (neighbour->state == NEIGHBOUR_INCOMPLETE)
		net->incomplete--;
	if (state == NEIGHBOUR_INCOMPLETE)
		net->incomplete++;
	neighbour->state = (uint8_t)state;
	timer_start(&net->wheel, &neighbour->timer, net->now_ms + timer_ms);
}

/* Another link-layer address, or none any more: for what waits, the tunnels and the data plane. */
static void changed(struct net *net, struct neighbour *neighbour)
{
	char address[IP6_TEXT_MAX], mac[MAC_TEXT_MAX];

	if (neighbour_usable(neighbour)) {
		if (neighbour->mourned)
			log_notice("next_hop_answers", "address=%s port=%s mac=%s",
				ip6_format(&neighbour->address, address), net->ports[neighbour->port].config->name,
				mac_format(neighbour->mac, mac));
		neighbour->mourned = false;
		release_waiting(net, neighbour);
	}
	path_next_hop_changed(net, neighbour);
	pending_mark(net, &neighbour->pending);
}

static void enter_reachable(struct net *net, struct neighbour *neighbour)
{
	neighbour->confirmed_ms = net->now_ms;
	set_state(net, neighbour, NEIGHBOUR_REACHABLE, REACHABLE_MS / 2 + random_below(net, REACHABLE_MS));
}

/*
 * The data plane sends without asking, so what routes and tunnels lead over counts as just used: its staleness goes on
 * to DELAY and PROBE, and a next hop that died or got another address is noticed.
 */
static void enter_stale(struct net *net, struct neighbour *neighbour)
{
	if (is_kept(neighbour) || neighbour->waiting_count > 0)
		set_state(net, neighbour, NEIGHBOUR_DELAY, DELAY_FIRST_PROBE_MS);
	else
		set_state(net, neighbour, NEIGHBOUR_STALE, STALE_LIFE_MS);
}

static void solicit(struct net *net, struct neighbour *neighbour)
{
	neighbour->solicits++;
	nd_solicit(net, neighbour, neighbour->state == NEIGHBOUR_INCOMPLETE);
	timer_start(&net->wheel, &neighbour->timer, net->now_ms + RETRANSMIT_MS);
}

static void enter_soliciting(struct net *net, struct neighbour *neighbour, enum neighbour_state state)
{
	set_state(net, neighbour, state, RETRANSMIT_MS);
	neighbour->solicits = 0;
	solicit(net, neighbour);
}

/* RFC 4861 section 7.2.2: the sources of what waited are told. */
static void enter_failed(struct net *net, struct neighbour *neighbour)
{
	char address[IP6_TEXT_MAX];

	set_state(net, neighbour, NEIGHBOUR_FAILED, FAILED_HOLD_MS);
	if (leads_on(neighbour) && !neighbour->mourned) {
		log_warning("next_hop_failed",
			"address=%s port=%s routes=%u tunnels=%u hint=\"it does not answer neighbour solicitations\"",
			ip6_format(&neighbour->address, address), net->ports[neighbour->port].config->name,
			neighbour->routes, neighbour->tunnels);
		neighbour->mourned = true;
	}
	while (!STAILQ_EMPTY(&neighbour->waiting)) {
		struct waiting *waiting = STAILQ_FIRST(&neighbour->waiting);

		net->stats.waiting_dropped++;
		if (!waiting->own)
			icmp6_error(net, &waiting->meta, ICMP6_UNREACHABLE, UNREACHABLE_ADDRESS, 0, waiting->bytes,
				waiting->length);
		drop_first(net, neighbour);
	}
	path_next_hop_failed(net, neighbour);
	changed(net, neighbour);
}

static void on_timer(struct timer *timer, void *context, uint64_t now_ms)
{
	struct neighbour *neighbour = OF(timer, timer);
	struct net *net = context;

	switch ((enum neighbour_state)neighbour->state) {
	case NEIGHBOUR_INCOMPLETE:
	case NEIGHBOUR_PROBE:
		if (neighbour->solicits < (neighbour->state == NEIGHBOUR_PROBE ? UNICAST_SOLICITS : MULTICAST_SOLICITS))
			solicit(net, neighbour);
		else
			enter_failed(net, neighbour);
		break;
	case NEIGHBOUR_REACHABLE: enter_stale(net, neighbour); break;
	case NEIGHBOUR_DELAY: enter_soliciting(net, neighbour, NEIGHBOUR_PROBE); break;
	case NEIGHBOUR_STALE:
	case NEIGHBOUR_FAILED:
		if (leads_on(neighbour))
			enter_soliciting(net, neighbour, NEIGHBOUR_INCOMPLETE);
		else
			forget(net, neighbour);
		break;
	case NEIGHBOUR_STATIC:
	case NEIGHBOUR_STATE_COUNT: break;
	}
}

int net_neighbour_static(struct net *net, const struct engine_time *now, uint16_t port, const struct in6_addr *address,
	const uint8_t mac[6])
{
	static const uint8_t no_mac[6];
	struct neighbour *neighbour;

	net_set_time(net, now);
	if (!port_speaks(net, port) || !route_on_link(net, port, address) || own_address_any(net, address) ||
		ip6_is_no_node(address) || (mac[0] & 1) != 0 || memcmp(mac, no_mac, 6) == 0)
		return -EINVAL;
	neighbour = neighbour_get(net, port, address);
	if (neighbour == NULL)
		return -ENOSPC;
	if (neighbour->state == NEIGHBOUR_INCOMPLETE)
		net->incomplete--;
	timer_stop(&net->wheel, &neighbour->timer);
	neighbour->state = NEIGHBOUR_STATIC;
	neighbour->host_route = !ip6_is_link_local(address);
	memcpy(neighbour->mac, mac, 6);
	changed(net, neighbour);
	return 0;
}

bool neighbour_use(struct net *net, struct neighbour *neighbour)
{
	neighbour->used_ms = net->now_ms;
	if (neighbour->state == NEIGHBOUR_STALE)
		set_state(net, neighbour, NEIGHBOUR_DELAY, DELAY_FIRST_PROBE_MS);
	if (neighbour->state != NEIGHBOUR_FAILED)
		return true;
	if (timer_is_running(&neighbour->timer) && neighbour->timer.deadline_ms > net->now_ms)
		return false;
	if (net->incomplete > net->neighbour_max / 2 && !leads_on(neighbour)) {
		/* A scan of an on-link prefix does not take the whole cache (RFC 6583). */
		set_state(net, neighbour, NEIGHBOUR_FAILED, FAILED_HOLD_MS);
		return false;
	}
	enter_soliciting(net, neighbour, NEIGHBOUR_INCOMPLETE);
	return true;
}

void neighbour_keep(struct net *net, struct neighbour *neighbour, int routes, int tunnels)
{
	neighbour->routes += (unsigned)routes;
	neighbour->tunnels += (unsigned)tunnels;
	if (is_kept(neighbour) && neighbour->state == NEIGHBOUR_STALE)
		enter_stale(net, neighbour);
	if (routes != 0)
		pending_mark(net, &neighbour->pending);
}

static int enqueue(struct net *net, struct neighbour *neighbour, const struct packet_meta *meta, const uint8_t *bytes,
	uint16_t length)
{
	struct waiting *waiting;

	/* RFC 4861 section 7.2.2: the newest stay. */
	if (neighbour->waiting_count > 0 && (neighbour->waiting_count >= net->config->limits.resolve_queue ||
						    net->waiting_total >= WAITING_TOTAL_MAX)) {
		net->stats.waiting_dropped++;
		drop_first(net, neighbour);
	}
	waiting = net->waiting_total < WAITING_TOTAL_MAX ? malloc(sizeof(*waiting) + length) : NULL;
	if (waiting == NULL) {
		net->stats.waiting_dropped++;
		return -ENOMEM;
	}
	*waiting = (struct waiting){.own = meta == NULL, .length = length};
	if (meta != NULL)
		waiting->meta = *meta;
	memcpy(waiting->bytes, bytes, length);
	STAILQ_INSERT_TAIL(&neighbour->waiting, waiting, entry);
	neighbour->waiting_count++;
	net->waiting_total++;
	return 0;
}

int neighbour_output(struct net *net, struct neighbour *neighbour, const struct packet_meta *meta, const uint8_t *bytes,
	uint16_t length)
{
	const struct net_port *port = &net->ports[neighbour->port];

	if (!neighbour_use(net, neighbour))
		return -EHOSTUNREACH;
	if (!neighbour_usable(neighbour))
		return enqueue(net, neighbour, meta, bytes, length);
	transmit(net, neighbour->port, port->vlan, port->mac, neighbour->mac, bytes, length);
	return 0;
}

void neighbour_learned(struct net *net, struct neighbour *neighbour, const uint8_t mac[6])
{
	if (neighbour->state == NEIGHBOUR_STATIC ||
		(neighbour_usable(neighbour) && memcmp(neighbour->mac, mac, 6) == 0))
		return;
	memcpy(neighbour->mac, mac, 6);
	enter_stale(net, neighbour);
	changed(net, neighbour);
}

void neighbour_advertised(
	struct net *net, struct neighbour *neighbour, const uint8_t *mac, bool solicited, bool override)
{
	bool differs = mac != NULL && memcmp(neighbour->mac, mac, 6) != 0;

	if (neighbour->state == NEIGHBOUR_STATIC)
		return;
	if (!neighbour_usable(neighbour)) {
		if (mac == NULL)
			return;
		memcpy(neighbour->mac, mac, 6);
		if (solicited)
			enter_reachable(net, neighbour);
		else
			enter_stale(net, neighbour);
		changed(net, neighbour);
		return;
	}
	if (differs && !override) {
		if (neighbour->state == NEIGHBOUR_REACHABLE)
			enter_stale(net, neighbour);
		return;
	}
	if (differs)
		memcpy(neighbour->mac, mac, 6);
	if (solicited)
		enter_reachable(net, neighbour);
	else if (differs)
		enter_stale(net, neighbour);
	if (differs)
		changed(net, neighbour);
}

const char *neighbour_state_name(enum neighbour_state state)
{
	static const char *const words[] = {
#define NEIGHBOUR_STATE_WORD(name, word) word,
		NEIGHBOUR_STATES(NEIGHBOUR_STATE_WORD)
#undef NEIGHBOUR_STATE_WORD
	};

	return (unsigned)state < NEIGHBOUR_STATE_COUNT ? words[state] : "?";
}

bool net_neighbour_next(const struct net *net, uint32_t from, struct neighbour_view *view)
{
	for (uint32_t i = from; i < net->neighbour_fresh; i++) {
		const struct neighbour *neighbour = &net->neighbours[i];

		if (!neighbour->used || neighbour->dying)
			continue;
		*view = (struct neighbour_view){
			.index = i,
			.address = neighbour->address,
			.port = neighbour->port,
			.state = neighbour->state,
			.waiting = neighbour->waiting_count,
			.routes = neighbour->routes,
			.tunnels = neighbour->tunnels,
			.confirmed_ms = neighbour->confirmed_ms,
		};
		memcpy(view->mac, neighbour->mac, 6);
		return true;
	}
	return false;
}
