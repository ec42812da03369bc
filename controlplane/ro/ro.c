/* SPDX-License-Identifier: BSD-3-Clause */
#include "ro/ro.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "endpoint.h"
#include "ro/internal.h"

#define FIRE_BUDGET      256
#define SEEN_SLOTS_MIN   4096
#define BUCKET_SLOTS_MIN 1024
#define SLOTS_MAX        (UINT32_C(1) << 20)
#define STAMP_AHEAD_S    10
#define BOTH_WAYS_MS     60000 /* both directions within */

struct ro_config ro_config_default(void)
{
	return (struct ro_config){
		.lifetime_s = 300,
		.retries = 3,
#define TIMER_DEFAULT(name, ms) .name = ms,
		RO_TIMERS(TIMER_DEFAULT)
#undef TIMER_DEFAULT
			.access_technology = 4,
		.node_pending = 16,
		.node_active = 256,
		.node_triggers_per_s = 5,
		.max_pairs = 1024,
	};
}

int ro_config_check(const struct ro_config *config)
{
	bool ordered = config->esa_confirm_ms < config->ack_timeout_ms &&
		       config->sequence_deadline_ms < config->rx_linger_ms &&
		       config->rx_linger_ms < config->pending_lifetime_ms &&
		       config->pending_lifetime_ms < config->tombstone_ms;

	return ordered && config->lifetime_s > 0 && config->max_pairs > 0 && config->retries < 16 ? 0 : -EINVAL;
}

static uint32_t power_of_2(uint32_t wanted, uint32_t least)
{
	while (least < wanted && least < SLOTS_MAX)
		least *= 2;
	return least;
}

struct ro *ro_create(const struct ro_config *config, struct engine_host *host, const struct ro_session_ops *sessions,
	void *context, const struct engine_time *now)
{
	struct ro *ro = ro_config_check(config) == 0 ? calloc(1, sizeof(*ro)) : NULL;

	if (ro == NULL)
		return NULL;
	ro->config = *config;
	ro->host = host;
	ro->ops = sessions;
	ro->context = context;
	ro->now = *now;
	ro->free = INDEX_NONE;
	ro->seed = host->ops->random(host);
	timer_wheel_init(&ro->wheel, engine_ms(now), ro);
	ro->slots = calloc(config->max_pairs, sizeof(*ro->slots));
	ro->seen_mask = power_of_2(config->max_pairs, SEEN_SLOTS_MIN) - 1;
	ro->bucket_mask = power_of_2(config->max_pairs, BUCKET_SLOTS_MIN) - 1;
	ro->seen = calloc(ro->seen_mask + UINT32_C(1), sizeof(*ro->seen));
	ro->buckets = calloc(ro->bucket_mask + UINT32_C(1), sizeof(*ro->buckets));
	if (config->role == RO_ROLE_MAG)
		ro->tunnels = tunnels_create(host, &config->tunnel, config->max_pairs);
	if (peers_init(ro) != 0 || ro->slots == NULL || ro->seen == NULL || ro->buckets == NULL ||
		(config->role == RO_ROLE_MAG && ro->tunnels == NULL)) {
		ro_destroy(ro);
		return NULL;
	}
	return ro;
}

void ro_destroy(struct ro *ro)
{
	if (ro == NULL)
		return;
	for (uint32_t i = 0; i < ro->top; i++)
		if (ro->slots[i].used)
			association_destroy(ro, &ro->slots[i]);
	hash_index_fini(&ro->by_pair);
	hash_index_fini(&ro->by_prefix);
	hash_index_fini(&ro->by_exchange);
	tunnels_destroy(ro->tunnels);
	peers_fini(ro);
	free(ro->buckets);
	free(ro->seen);
	free(ro->slots);
	free(ro);
}

uint64_t stamp_now(const struct ro *ro)
{
	return mh_timestamp_from_ns(ro->now.wall_ns);
}

bool stamp_is_ahead(const struct ro *ro, uint64_t stamp)
{
	return (stamp >> 16) > (stamp_now(ro) >> 16) + STAMP_AHEAD_S;
}

void pair_note(const struct ro *ro, const struct association *a, enum ro_event event, uint8_t value)
{
	const struct ro_event_pair pair = {.index = a->index,
		.prefixes = {a->sides[0].prefixes[0], a->sides[1].prefixes[0]},
		.ids = {side_id(&a->sides[0]), side_id(&a->sides[1])}};

	if (ro->config.hooks.pair_event != NULL)
		ro->config.hooks.pair_event(ro->config.hooks.context, &ro->now, &pair, event, value);
}

/* ---- messages ---- */

static void malformed(struct ro *ro, struct ro_request *request)
{
	ack_send(ro, NULL, request, RO_STATUS_MALFORMED, 0, 0, NULL);
	ro->host->ops->commit(ro->host, 0, 0);
}

static void request_in(struct ro *ro, const struct ro_peer *peer, struct ro_request *request)
{
	const struct ro_body *body = &request->body;
	bool complete = !body->is_malformed && body->tuple_count == 2 && body->has_stamp && body->stamp != 0;

	if (!complete || stamp_is_ahead(ro, body->stamp))
		malformed(ro, request);
	else if (peer->denied && request->fixed.lifetime_s != 0)
		request_refuse(ro, NULL, request, RO_STATUS_PROHIBITED);
	else if (ro->config.role == RO_ROLE_LMA)
		lma_request_in(ro, request);
	else
		mag_request_in(ro, request);
}

static void ack_in(struct ro *ro, struct ro_request *ack)
{
	struct association *a;
	struct exchange *exchange = exchange_take(ro, ack, &a);

	ro->stats.acks_received[ack->fixed.value]++;
	if (exchange != NULL)
		pair_note(ro, a, RO_EVENT_ACKNOWLEDGED, ack->fixed.value);
	if (exchange == NULL)
		ro->stats.acks_unmatched++;
	else if (ro->config.role == RO_ROLE_LMA)
		lma_ack_in(ro, a, exchange, ack);
	else
		mag_ack_in(ro, a, exchange, ack);
	free(exchange);
}

void ro_message(struct ro *ro, const struct engine_time *now, const struct mh_datagram *datagram,
	const struct mh_message *message)
{
	struct ro_request request = {.datagram = datagram, .fixed = ro_fixed_of(message)};
	const struct ro_peer *peer;

	ro->now = *now;
	if (request.fixed.experimental && request.fixed.experiment_id != ro->config.experiment_id) {
		ro->stats.foreign_experiment++;
		return;
	}
	peer = peer_find(ro, &datagram->source);
	if (peer == NULL) {
		ro->stats.not_a_peer++;
		return;
	}
	peer_speaks(ro, peer);
	ro->stats.received[request.fixed.code]++;
	ro_body_parse(message, &request.body);
	switch (request.fixed.code) {
	case RO_INIT:
	case RO_SETUP:
	case RO_REPORT: request_in(ro, peer, &request); break;
	case RO_INIT_ACK:
	case RO_SETUP_ACK:
	case RO_REPORT_ACK: ack_in(ro, &request); break;
	default: break; /* a marker is an inner packet, not for us */
	}
}

/* ---- events ---- */

void ro_session_changed(struct ro *ro, const struct engine_time *now, uint64_t prefix, enum ro_session_change change)
{
	ro->now = *now;
	if (ro->config.role == RO_ROLE_LMA)
		lma_session_changed(ro, prefix, change);
	else
		mag_session_changed(ro, prefix, change);
}

/* The two directions of a pair lie next to each other: one never takes the other's slot. */
struct seen_pair *seen_slot(const struct ro *ro, uint64_t source, uint64_t destination)
{
	uint64_t hash = endpoint_hash(endpoint_hash(source) ^ endpoint_hash(destination));

	return &ro->seen[(hash & ro->seen_mask & ~UINT64_C(1)) | (source > destination)];
}

/* Note it; true if the other direction was seen not long ago. */
static bool seen_both_ways(struct ro *ro, uint64_t source, uint64_t destination)
{
	struct seen_pair *there = seen_slot(ro, source, destination);
	const struct seen_pair *back = seen_slot(ro, destination, source);

	if (there->source != source || there->destination != destination)
		*there = (struct seen_pair){.source = source, .destination = destination};
	there->at_ms = ro_ms(ro);
	return back->source == destination && back->destination == source && back->at_ms + BOTH_WAYS_MS > ro_ms(ro);
}

static bool is_eligible(const struct ro *ro, uint64_t id)
{
	for (unsigned i = 0; i < ro->config.eligible_count; i++) {
		const struct home_network_prefix *eligible = &ro->config.eligible[i];
		uint64_t upper = endpoint_load_be64(eligible->prefix.s6_addr);

		if (eligible->length <= 64 && (eligible->length == 0 || (id ^ upper) >> (64 - eligible->length) == 0))
			return true;
	}
	return ro->config.eligible_count == 0;
}

bool side_is_eligible(const struct ro *ro, const struct side *side)
{
	for (unsigned i = 0; i < side->prefix_count; i++)
		if (!is_eligible(ro, side->prefixes[i]))
			return false;
	return true;
}

bool has_room(const struct ro *ro, uint64_t prefix)
{
	uint32_t pairs = 0, pending = 0, at = 0;
	const struct association *a;

	while ((a = association_of(ro, prefix, &at)) != NULL) {
		pairs += a->state != RO_STATE_FALLBACK;
		pending += a->state == RO_STATE_PENDING;
	}
	return pairs < ro->config.node_active && pending < ro->config.node_pending;
}

bool may_trigger(struct ro *ro, uint64_t prefix)
{
	struct trigger_bucket *bucket = &ro->buckets[endpoint_hash(prefix) & ro->bucket_mask];

	if (bucket->prefix != prefix || bucket->start_ms + 1000 <= ro_ms(ro))
		*bucket = (struct trigger_bucket){.prefix = prefix, .start_ms = ro_ms(ro)};
	if (bucket->count >= ro->config.node_triggers_per_s || !has_room(ro, prefix))
		return false;
	bucket->count++;
	return true;
}

/* Both directions are of one pair: @source began, unless only the other MN is ours. */
static void trigger(struct ro *ro, uint64_t source, uint64_t destination)
{
	struct ro_session session;
	struct association *a;

	if (!ro->ops->find_by_prefix(ro->context, source, &session)) {
		uint64_t other = source;

		source = destination;
		destination = other;
	}
	a = association_find_any(ro, source, destination);
	if (a != NULL && (a->state != RO_STATE_FALLBACK || a->hold_down_ms > ro_ms(ro)))
		return;
	if (ro->config.role == RO_ROLE_MAG) {
		mag_trigger(ro, source, destination, seen_slot(ro, source, destination));
		return;
	}
	if (has_room(ro, destination) && may_trigger(ro, source))
		lma_trigger(ro, source, destination, false);
	else
		ro->stats.triggers_limited++;
}

void ro_traffic_seen(struct ro *ro, const struct engine_time *now, uint64_t source, uint64_t destination)
{
	ro->now = *now;
	if (seen_both_ways(ro, source, destination)) /* the answer is seen last */
		trigger(ro, destination, source);
}

int ro_start(struct ro *ro, const struct engine_time *now, uint64_t source, uint64_t destination)
{
	ro->now = *now;
	return ro->config.role == RO_ROLE_LMA ? lma_trigger(ro, source, destination, true) : -ENOENT;
}

/* Ends direct forwarding of a pair from here. */
void pair_end(struct ro *ro, struct association *a, uint8_t cause)
{
	if (ro->config.role == RO_ROLE_LMA) {
		update_remove(ro, a, cause);
		return;
	}
	exchanges_cancel(ro, a, true);
	a->last_failure = RO_FAILED(cause) ? cause : 0;
	association_fall_back(ro, a, cause);
	mag_report(ro, a, cause, 0);
	association_commit(ro, a);
}

bool pair_is_alive(const struct association *a)
{
	return a->used && a->state != RO_STATE_FALLBACK && a->state != RO_STATE_NONE;
}

int ro_stop(struct ro *ro, const struct engine_time *now, uint64_t x, uint64_t y)
{
	struct association *a = association_find_any(ro, x, y);

	ro->now = *now;
	if (a == NULL || !pair_is_alive(a))
		return -ENOENT;
	a->hold_down_ms = ro_ms(ro) + ro->config.hold_down_ms;
	a->held_for_mn = false;
	pair_note(ro, a, RO_EVENT_STOPPED, 0);
	pair_end(ro, a, RO_STATUS_REMOVED);
	return 0;
}

/*
 * Is the refusal of transaction @serial news? Not if what it had is gone anyway, nor if it waited for a next hop, or a
 * tunnel that went (-ENOENT), of a path that the pair has left. Always if RX, which lingers, is not as it shall be:
 * what is in the tables may name a tunnel that goes.
 */
static bool refusal_counts(const struct association *a, uint16_t serial, int error)
{
	bool is_path = error == -EHOSTUNREACH || error == -ENOENT;

	if (!is_path && serial == a->receive_serial && (a->halves[2] | a->halves[3]) != 0)
		return true;
	return (int16_t)(serial - a->settled) >= 0 && !(is_path && (int16_t)(serial - a->path_serial) < 0);
}

void ro_transaction_done(struct ro *ro, const struct engine_time *now, uint64_t cookie, int error)
{
	uint32_t index = (uint32_t)cookie;
	struct association *a = index < ro->top ? &ro->slots[index] : NULL;
	uint16_t serial = (uint16_t)(cookie >> 32);
	uint8_t status = RO_STATUS_ACTIVE;

	if (a == NULL || !a->used || (a->generation & 0x7fff) != (cookie >> 48 & 0x7fff))
		return;
	ro->now = *now;
	exchanges_settle(ro, a, serial, error == 0);
	if (error != 0)
		status = error == -EHOSTUNREACH ? RO_STATUS_TUNNEL : RO_STATUS_NO_RESOURCES;
	if (error == 0) {
		a->receives = a->receives || (int16_t)(serial - a->receive_serial) >= 0;
		acks_settle(ro, a, serial, status);
		if (association_release_retired(ro, a, serial))
			ro->host->ops->commit(ro->host, 0, 0);
		return;
	}
	if (ro->config.role == RO_ROLE_MAG && refusal_counts(a, serial, error)) {
		exchanges_cancel(ro, a, false);
		a->last_failure = status;
		pair_note(ro, a, RO_EVENT_NOT_INSTALLED, status);
		/* That a next hop is not found hinders nobody from taking packets, unless they go back through it. */
		if (error == -EHOSTUNREACH && (a->back == INDEX_NONE || serial != a->receive_serial))
			a->receives = true;
		else if (serial == a->receive_serial)
			a->receives = false;
		association_clear(ro, a, status);
		mag_report(ro, a, status, 0);
	}
	acks_settle(ro, a, serial, status);
	association_commit(ro, a);
}

void association_fire(struct timer *timer, void *context, uint64_t now_ms)
{
	struct association *a = (struct association *)(void *)((char *)timer - offsetof(struct association, timer));
	struct ro *ro = context;

	(void)now_ms;
	acks_expire(ro, a);
	if (ro->config.role == RO_ROLE_LMA)
		lma_fire(ro, a);
	else
		mag_fire(ro, a);
}

uint64_t ro_advance(struct ro *ro, const struct engine_time *now)
{
	bool more;

	ro->now = *now;
	more = timer_wheel_advance(&ro->wheel, engine_ms(now), FIRE_BUDGET) == FIRE_BUDGET;
	more = peers_walk(ro) || more;
	return more ? engine_ms(now) : timer_wheel_next(&ro->wheel);
}
