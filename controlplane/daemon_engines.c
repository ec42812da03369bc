/* SPDX-License-Identifier: BSD-3-Clause */
#include "daemon_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_mbuf.h>

#include "bindings_file.h"
#include "engine_config.h"
#include "forward_only.h"
#include "liveness.h"
#include "log.h"
#include "object_counters.h"

#include "net/net.h"
#include "pmip/heartbeat.h"
#include "pmip/lma.h"
#include "pmip/mag.h"
#include "ro/pair_events.h"
#include "ro/sessions.h"

#define PUNTS_PER_TURN    256
#define EVENTS_PER_TURN   256
#define ACTIVITY_PER_TURN 512
#define SESSIONS_EVERY_MS 1000
#define PAIR_EVENTS_ALL   4096 /* the last ones of all pairs */
#define ACTIVITY_EVERY_MS 500

/* ---- engines ---- */

static void lma_done(void *context, uint64_t cookie, int error)
{
	struct daemon *d = context;

	if (cookie & RO_COOKIE)
		ro_transaction_done(d->ro, &d->now, cookie, error);
	else
		lma_transaction_done(d->lma, &d->now, cookie, error);
}

static void mag_done(void *context, uint64_t cookie, int error)
{
	struct daemon *d = context;

	if (cookie & RO_COOKIE)
		ro_transaction_done(d->ro, &d->now, cookie, error);
	else
		mag_transaction_done(d->mag, &d->now, cookie, error);
}

static void heartbeat_done(void *context, uint64_t cookie, int error)
{
	/* A heartbeat carries no forwarding state: it never asks. */
}

static void peer_changed(
	void *context, const struct engine_time *now, const struct in6_addr *peer, enum peer_change change)
{
	struct daemon *d = context;

	if (d->ro != NULL && change != PEER_REACHABLE)
		ro_peer_lost(d->ro, now, peer);
	if (d->lma != NULL && change == PEER_RESTARTED)
		lma_peer_restarted(d->lma, now, peer, heartbeat_heard_ms(d->heartbeat, peer));
	else if (d->lma != NULL && change == PEER_UNREACHABLE)
		lma_peer_lost(d->lma, now, peer);
	if (d->mag == NULL)
		return;
	if (change == PEER_RESTARTED)
		mag_peer_restarted(d->mag, now, peer);
	else
		mag_peer_unreachable(d->mag, now, peer, change == PEER_UNREACHABLE);
}

static void lma_session_changed(
	void *context, const struct engine_time *now, uint64_t prefix, enum lma_session_change change)
{
	static const enum ro_session_change changes[] = {
		[LMA_SESSION_UP] = RO_SESSION_UP,
		[LMA_SESSION_MOVED] = RO_SESSION_MOVED,
		[LMA_SESSION_DOWN] = RO_SESSION_DOWN,
		[LMA_SESSION_RENEWED] = RO_SESSION_RENEWED,
	};
	struct daemon *d = context;

	ro_session_changed(d->ro, now, prefix, changes[change]);
}

static void mag_session_changed(
	void *context, const struct engine_time *now, uint64_t prefix, enum mag_session_change change)
{
	static const enum ro_session_change changes[] = {
		[MAG_SESSION_UP] = RO_SESSION_UP,
		[MAG_SESSION_MOVED] = RO_SESSION_MOVED,
		[MAG_SESSION_DOWN] = RO_SESSION_DOWN,
		[MAG_SESSION_KEPT] = RO_SESSION_KEPT,
	};
	struct daemon *d = context;

	ro_session_changed(d->ro, now, prefix, changes[change]);
}

static uint64_t pair_packets(void *context, uint32_t pair)
{
	struct daemon *d = context;
	struct object_counter up, down;

	if (!d->dataplane->door->config.pair_counters)
		return UINT64_MAX;
	door_pair_counter(d->dataplane->door, pair, COUNTER_UP, &up);
	door_pair_counter(d->dataplane->door, pair, COUNTER_DOWN, &down);
	return up.packets + down.packets;
}

/* A pair that gets an index counts from zero. */
static void pair_event(void *context, const struct engine_time *now, const struct ro_event_pair *pair,
	enum ro_event event, uint8_t value)
{
	struct daemon *d = context;

	if (event == RO_EVENT_CREATED)
		object_baselines_take_pair(d->baselines, pair->index);
	pair_events_note(d->pair_events, now, pair, event, value);
}

/* Next to the engine that has the sessions, on its @host. */
static int create_ro(struct daemon *d, struct engine_host *host)
{
	struct ro_config ro;
	int error;

	if (!d->config->ro.enabled)
		return 0;
	error = config_ro_engine(d->config, &ro, &d->ro_peers);
	if (error != 0)
		return error;
	d->pair_events = pair_events_create(ro.max_pairs, PAIR_EVENTS_ALL);
	if (d->pair_events == NULL)
		return -ENOMEM;
	ro.hooks = (struct ro_hooks){.context = d, .pair_packets = pair_packets, .pair_event = pair_event};
	if (d->lma != NULL)
		d->ro = ro_create(&ro, host, &ro_lma_sessions, d->lma, &d->now);
	else
		d->ro = ro_create(&ro, host, &ro_mag_sessions, d->mag, &d->now);
	if (d->ro == NULL)
		return -ENOMEM;
	if (d->lma != NULL)
		lma_listen(d->lma, lma_session_changed, d);
	else
		mag_listen(d->mag, mag_session_changed, d);
	return 0;
}

static struct engine_host *create_lma(struct daemon *d)
{
	struct engine_host *host = transactions_engine(d->transactions, lma_done, d);
	struct lma_config lma;

	config_lma_engine(d->config, d->policy, &lma);
	if (d->restart_counter == 1)
		lma.restart_hold_s = 0; /* the very first start: no binding can be out there */
	d->lma = host != NULL ? lma_create(&lma, host, &d->now) : NULL;
	return host;
}

static struct engine_host *create_mag(struct daemon *d)
{
	struct engine_host *host = transactions_engine(d->transactions, mag_done, d);
	struct mag_config mag;

	config_mag_engine(d->config, d->policy, &mag);
	d->mag = host != NULL ? mag_create(&mag, host, &d->now) : NULL;
	return host;
}

static int create_heartbeat(struct daemon *d)
{
	struct engine_host *host = transactions_engine(d->transactions, heartbeat_done, d);
	struct heartbeat_config heartbeat = {
		.address = d->config->role == ROLE_LMA ? d->config->lma.address : d->config->mag.address,
		.interval_s = d->config->variables.heartbeat_interval_s,
		.pair_interval_s = d->config->ro.enabled ? d->config->ro.heartbeat_interval_s : 0,
		.missing_allowed = d->config->variables.missing_heartbeats_allowed,
		.restart_counter = d->restart_counter,
		.restarted = d->restart_counter > 1,
		.policy = d->policy,
	};

	d->heartbeat = host != NULL ? heartbeat_create(&heartbeat, host, &d->now, peer_changed, d) : NULL;
	return d->heartbeat != NULL ? 0 : -ENOMEM;
}

static int create_liveness(struct daemon *d)
{
	const struct liveness_config liveness = {
		.is_mag = d->mag != NULL,
		.max_pairs = d->config->ro.max_pairs,
		.ro = d->ro,
		.heartbeat = d->heartbeat,
		.net = d->net,
		.policy = d->policy,
		.door = d->dataplane->door,
		.identifier = (uint16_t)d->random_state,
	};

	d->liveness = d->ro != NULL ? liveness_create(&liveness, &d->now) : NULL;
	return d->liveness != NULL || d->ro == NULL ? 0 : -ENOMEM;
}

/* ---- without engines ---- */

static void forward_only_done(void *context, uint64_t cookie, int error)
{
	struct daemon *d = context;

	if (cookie != 0)
		forward_only_transaction_done(d->forward_only, &d->now, cookie, error);
}

/* The file was checked: what is refused here has no place beside the next hops of routes. */
static void tell_neighbours(struct daemon *d, const struct bindings *bindings)
{
	unsigned refused = 0;

	for (uint32_t i = 0; i < bindings->neighbour_count; i++) {
		const struct static_neighbour *row = &bindings->neighbours[i];

		if (net_neighbour_static(d->net, &d->now, row->port, &row->address, row->mac) != 0 && refused++ == 0)
			log_error("row_refused", "at=%s:%u action=\"raise limits.neighbours\"", bindings->file,
				row->line);
	}
}

static int create_forward_only(struct daemon *d, struct bindings *bindings)
{
	struct engine_host *host = transactions_engine(d->transactions, forward_only_done, d);

	if (host == NULL) {
		bindings_destroy(bindings);
		return -ENOMEM;
	}
	tell_neighbours(d, bindings);
	d->forward_only = forward_only_create(d->config, bindings, host, &d->now);
	return d->forward_only != NULL ? 0 : -ENOMEM;
}

int daemon_create_engines(struct daemon *d, struct bindings *bindings)
{
	struct engine_host *host;

	if (bindings != NULL)
		return create_forward_only(d, bindings);
	host = d->config->role == ROLE_LMA ? create_lma(d) : create_mag(d);
	if ((d->lma == NULL && d->mag == NULL) || create_ro(d, host) != 0 || create_heartbeat(d) != 0 ||
		create_liveness(d) != 0)
		return -ENOMEM;
	d->signalling = (struct signalling){
		.lma = d->lma,
		.mag = d->mag,
		.ro = d->ro,
		.heartbeat = d->heartbeat,
		.net = d->net,
		.policy = d->policy,
	};
	return 0;
}

void daemon_destroy_engines(struct daemon *d)
{
	forward_only_destroy(d->forward_only);
	liveness_destroy(d->liveness);
	if (d->heartbeat != NULL)
		heartbeat_destroy(d->heartbeat);
	ro_destroy(d->ro); /* before the tunnels to LMAs */
	pair_events_destroy(d->pair_events);
	free(d->ro_peers);
	if (d->mag != NULL)
		mag_destroy(d->mag);
	if (d->lma != NULL)
		lma_destroy(d->lma);
}

/* How many sessions there are with each peer: those of the tunnel to it. */
static void count_sessions(struct daemon *d)
{
	const struct policy_peer *peer;

	for (uint32_t i = 0; (peer = policy_peer(d->policy, i)) != NULL; i++) {
		uint32_t users =
			d->lma != NULL ? lma_peer_sessions(d->lma, i) : mag_peer_sessions(d->mag, &peer->address);

		heartbeat_sessions(d->heartbeat, &d->now, &peer->address, users);
	}
}

/* Tell the MAG engine whose mobile nodes sent packets; a slice of the nodes per turn. */
static void look_for_activity(struct daemon *d)
{
	struct attachment_view view;

	for (unsigned i = 0; i < ACTIVITY_PER_TURN; i++) {
		struct object_counter sum;

		if (!mag_attachment_next(d->mag, d->activity_cursor, &view)) {
			d->activity_cursor = 0;
			d->activity_at_ms = engine_ms(&d->now) + ACTIVITY_EVERY_MS;
			return;
		}
		d->activity_cursor = view.index + 1;
		object_baselines_read(d->baselines, INDEX_NODE, view.index, COUNTER_UP, &sum);
		if (sum.packets != d->activity[view.index]) {
			d->activity[view.index] = sum.packets;
			mag_activity(d->mag, &d->now, view.index);
		}
	}
}

/* ---- what the workers say ---- */

static void handle_punt(struct daemon *d, struct rte_mbuf *mbuf)
{
	const struct packet_meta *meta = packet_meta(mbuf);
	const uint8_t *bytes = rte_pktmbuf_mtod_offset(mbuf, const uint8_t *, meta->l3);
	uint16_t length = (uint16_t)(rte_pktmbuf_data_len(mbuf) - meta->l3);

	switch (meta->reason) {
	case PUNT_mobility_header:
		if (d->forward_only == NULL)
			signalling_packet(&d->signalling, &d->now, meta, bytes, length);
		break;
	case PUNT_access_discovery:
		if (d->mag != NULL)
			mag_discovery(d->mag, &d->now, meta->link, meta->source_mac, bytes, length);
		break;
	case PUNT_access_dhcp: break; /* no DHCP service: hosts configure themselves by router advertisements */
	default: net_punt(d->net, &d->now, meta, bytes, length); break;
	}
	rte_pktmbuf_free(mbuf);
}

/* True if the budget was used up. */
static bool drain_punts(struct daemon *d, bool signalling)
{
	struct rte_mbuf *mbufs[64];
	unsigned total = 0, n;

	do {
		n = door_punt_poll(d->dataplane->door, signalling, mbufs, 64);
		for (unsigned i = 0; i < n; i++)
			handle_punt(d, mbufs[i]);
		total += n;
	} while (n == 64 && (signalling ? total < 16 * PUNTS_PER_TURN : total < PUNTS_PER_TURN));
	return n == 64;
}

static void handle_event(struct daemon *d, const struct door_event *event)
{
	struct in6_addr peer;

	switch ((enum event_type)event->type) {
	case EVENT_unknown_mac:
		if (d->mag != NULL && !d->stopping)
			mag_unknown_mac(d->mag, &d->now, event->link, event->mac);
		break;
	case EVENT_wrong_tunnel:
		memcpy(&peer, event->peer, sizeof(peer));
		if (d->lma != NULL && !d->stopping)
			lma_wrong_tunnel(d->lma, &d->now, event->endpoint, &peer);
		break;
	case EVENT_pair_seen:
		if (d->ro != NULL && !d->stopping)
			ro_traffic_seen(d->ro, &d->now, event->endpoint, event->endpoint_to);
		break;
	default: break;
	}
}

static bool drain_events(struct daemon *d)
{
	struct door_event events[EVENTS_PER_TURN];
	unsigned n = door_event_poll(d->dataplane->door, events, EVENTS_PER_TURN);

	for (unsigned i = 0; i < n; i++)
		handle_event(d, &events[i]);
	return n == EVENTS_PER_TURN;
}

bool daemon_drain(struct daemon *d)
{
	bool more = drain_punts(d, true);

	more |= drain_punts(d, false);
	return drain_events(d) || more;
}

/* ---- time ---- */

uint64_t daemon_advance(struct daemon *d)
{
	uint64_t next = net_advance(d->net, &d->now);
	uint64_t now_ms = engine_ms(&d->now);

	if (d->forward_only != NULL)
		return earlier(next, forward_only_advance(d->forward_only, &d->now));
	next = earlier(next, heartbeat_advance(d->heartbeat, &d->now));
	if (d->lma != NULL)
		next = earlier(next, lma_advance(d->lma, &d->now));
	if (d->mag != NULL)
		next = earlier(next, mag_advance(d->mag, &d->now));
	if (d->ro != NULL)
		next = earlier(next, ro_advance(d->ro, &d->now));
	if (d->liveness != NULL)
		next = earlier(next, liveness_advance(d->liveness, &d->now));
	if (now_ms >= d->sessions_at_ms) {
		count_sessions(d);
		d->sessions_at_ms = now_ms + SESSIONS_EVERY_MS;
	}
	if (d->mag != NULL && d->activity != NULL && now_ms >= d->activity_at_ms)
		look_for_activity(d);
	next = earlier(next, d->sessions_at_ms);
	return d->activity != NULL ? earlier(next, d->activity_at_ms) : next;
}
