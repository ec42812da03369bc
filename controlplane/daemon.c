/* SPDX-License-Identifier: BSD-3-Clause */
#include "daemon.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>
#include <rte_mbuf.h>

#include "descriptors.h"
#include "engine_config.h"
#include "format.h"
#include "log.h"
#include "object_counters.h"
#include "packet_io.h"
#include "signalling.h"
#include "timer_wheel.h"
#include "transactions.h"

#include "api/api.h"
#include "node/events.h"
#include "pmip/heartbeat.h"
#include "pmip/lma.h"
#include "pmip/mag.h"

#define PUNTS_PER_TURN    256
#define EVENTS_PER_TURN   256
#define ACTIVITY_PER_TURN 512
#define POLL_NS           50000 /* while transactions wait for the door */
#define SLEEP_MAX_MS      1000
#define SESSIONS_EVERY_MS 1000
#define ACTIVITY_EVERY_MS 500
#define EVENTS_KEPT       1024
#define HIGH_WATER        49152

struct daemon {
	const struct config *config;
	const struct daemon_dataplane *dataplane;
	struct event_base *base;
	struct event *wakeup, *deadline, *sigterm, *sigint;
	struct policy *policy;
	struct transactions *transactions;
	struct descriptors *descriptors;
	struct object_baselines *baselines;
	struct packet_io *io;
	struct net *net;
	struct lma *lma;
	struct mag *mag;
	struct heartbeat *heartbeat;
	struct signalling signalling;
	struct api *api;
	struct events *events;
	struct engine_time now;
	uint64_t random_state;
	struct engine_time started;
	uint32_t restart_counter;
	int state_directory; /* locked as long as we run, or -1 */
	uint64_t sessions_at_ms, activity_at_ms;
	uint32_t activity_cursor;
	uint64_t *activity; /* by node index: uplink packets at the last look */
	bool stopping;
};

/* ---- time and chance ---- */

static void take_time(struct daemon *d)
{
	struct timespec monotonic, wall;

	clock_gettime(CLOCK_MONOTONIC, &monotonic);
	clock_gettime(CLOCK_REALTIME, &wall);
	d->now.monotonic_ns = (uint64_t)monotonic.tv_sec * 1000000000 + (uint64_t)monotonic.tv_nsec;
	d->now.wall_ns = (uint64_t)wall.tv_sec * 1000000000 + (uint64_t)wall.tv_nsec;
}

/* Jitter, first sequence numbers: xorshift64*, seeded by the kernel. Nothing that must be secret. */
static uint64_t host_random(void *context)
{
	struct daemon *d = context;

	d->random_state ^= d->random_state >> 12;
	d->random_state ^= d->random_state << 25;
	d->random_state ^= d->random_state >> 27;
	return d->random_state * UINT64_C(0x2545f4914f6cdd1d);
}

/* ---- the door for transactions ---- */

static uint64_t push_update(void *context, const struct fwd_update *update)
{
	struct daemon *d = context;

	return door_update_push(d->dataplane->door, update);
}

static uint64_t applied(void *context)
{
	struct daemon *d = context;

	return door_applied(d->dataplane->door);
}

static uint64_t reclaimed(void *context)
{
	struct daemon *d = context;

	return door_reclaimed(d->dataplane->door);
}

static unsigned failures(void *context, struct door_failure *list, unsigned n)
{
	struct daemon *d = context;

	return door_failure_poll(d->dataplane->door, list, n);
}

static void send_datagram(void *context, const struct mh_datagram *datagram)
{
	struct daemon *d = context;
	int result = net_send_mh(d->net, &d->now, datagram);

	if (result != 0) {
		char peer[IP6_TEXT_MAX];

		log_warning("signalling_not_sent",
			"peer=%s error=\"%s\" action=\"check routes and the peer's address\"",
			ip6_format(&datagram->destination, peer), strerror(-result));
	}
}

static void send_access_frame(void *context, const struct access_frame *frame)
{
	struct daemon *d = context;

	packet_io_access_frame(d->io, frame);
}

static int tunnel_insert(void *context, struct fwd_update *update)
{
	struct daemon *d = context;

	return net_tunnel_insert(d->net, &d->now, update);
}

static void tunnel_remove(void *context, uint32_t tunnel)
{
	struct daemon *d = context;

	net_tunnel_remove(d->net, tunnel);
}

static void index_allocated(void *context, enum index_space space, uint32_t index)
{
	struct daemon *d = context;

	object_baselines_take(d->baselines, space, index);
	if (space == INDEX_NODE && d->activity != NULL)
		d->activity[index] = 0;
}

static void node_happened(
	void *context, const struct engine_time *now, const struct mn_id *id, uint8_t event, uint8_t value)
{
	struct daemon *d = context;

	events_add(d->events, now->wall_ns, id, (enum history_event)event, value);
}

/* ---- the IPv6 host's way out ---- */

static void net_output(void *context, const struct net_output *output)
{
	struct daemon *d = context;

	packet_io_output(d->io, output);
}

static bool net_update(void *context, const struct fwd_update *update)
{
	struct daemon *d = context;

	return transactions_push(d->transactions, update);
}

static uint64_t net_updates_taken(void *context)
{
	struct daemon *d = context;

	return transactions_pushed(d->transactions);
}

static uint32_t net_descriptor(void *context, const struct tunnel_template *template)
{
	struct daemon *d = context;

	return descriptors_put(d->descriptors, template);
}

static void net_descriptor_release(void *context, uint32_t slot)
{
	struct daemon *d = context;

	descriptors_release(d->descriptors, slot, transactions_pushed(d->transactions));
}

static void net_tunnel_resolved(void *context, uint32_t tunnel, int error)
{
	struct daemon *d = context;

	transactions_tunnel_resolved(d->transactions, tunnel, error);
}

static bool net_access_node(void *context, const struct in6_addr *address, uint16_t *link, uint8_t mac[6])
{
	struct daemon *d = context;

	return d->mag != NULL && mag_locate(d->mag, address, link, mac);
}

/* ---- engines ---- */

static void lma_done(void *context, uint64_t cookie, int error)
{
	struct daemon *d = context;

	lma_transaction_done(d->lma, &d->now, cookie, error);
}

static void mag_done(void *context, uint64_t cookie, int error)
{
	struct daemon *d = context;

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

	if (d->lma != NULL && change != PEER_REACHABLE)
		lma_peer_lost(d->lma, now, peer);
	if (d->mag == NULL)
		return;
	if (change == PEER_RESTARTED)
		mag_peer_restarted(d->mag, now, peer);
	else
		mag_peer_unreachable(d->mag, now, peer, change == PEER_UNREACHABLE);
}

static int create_engines(struct daemon *d)
{
	struct in6_addr own = d->config->role == ROLE_LMA ? d->config->lma.address : d->config->mag.address;
	struct heartbeat_config heartbeat = {
		.address = own,
		.interval_s = d->config->variables.heartbeat_interval_s,
		.missing_allowed = d->config->variables.missing_heartbeats_allowed,
		.restart_counter = d->restart_counter,
		.restarted = d->restart_counter > 1,
		.policy = d->policy,
	};
	struct engine_host *host;

	if (d->config->role == ROLE_LMA) {
		struct lma_config lma;

		config_lma_engine(d->config, d->policy, &lma);
		if (d->restart_counter == 1)
			lma.restart_hold_s = 0; /* the very first start: no binding can be out there */
		host = transactions_engine(d->transactions, lma_done, d);
		d->lma = host != NULL ? lma_create(&lma, host, &d->now) : NULL;
	} else {
		struct mag_config mag;

		config_mag_engine(d->config, d->policy, &mag);
		host = transactions_engine(d->transactions, mag_done, d);
		d->mag = host != NULL ? mag_create(&mag, host, &d->now) : NULL;
	}
	if (d->lma == NULL && d->mag == NULL)
		return -ENOMEM;
	host = transactions_engine(d->transactions, heartbeat_done, d);
	d->heartbeat = host != NULL ? heartbeat_create(&heartbeat, host, &d->now, peer_changed, d) : NULL;
	d->signalling = (struct signalling){
		.lma = d->lma, .mag = d->mag, .heartbeat = d->heartbeat, .net = d->net, .policy = d->policy};
	return d->heartbeat != NULL ? 0 : -ENOMEM;
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
	case PUNT_mobility_header: signalling_packet(&d->signalling, &d->now, meta, bytes, length); break;
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

/* ---- the loop ---- */

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t advance(struct daemon *d)
{
	uint64_t next = net_advance(d->net, &d->now);
	uint64_t now_ms = engine_ms(&d->now);

	next = earlier(next, heartbeat_advance(d->heartbeat, &d->now));
	if (d->lma != NULL)
		next = earlier(next, lma_advance(d->lma, &d->now));
	if (d->mag != NULL)
		next = earlier(next, mag_advance(d->mag, &d->now));
	if (now_ms >= d->sessions_at_ms) {
		count_sessions(d);
		d->sessions_at_ms = now_ms + SESSIONS_EVERY_MS;
	}
	if (d->mag != NULL && d->activity != NULL && now_ms >= d->activity_at_ms)
		look_for_activity(d);
	next = earlier(next, d->sessions_at_ms);
	return d->activity != NULL ? earlier(next, d->activity_at_ms) : next;
}

/* One turn. Returns the time of the next in ms; 0: at once, or when the door has moved. */
static uint64_t turn(struct daemon *d)
{
	bool more;
	uint64_t next;

	take_time(d);
	more = drain_punts(d, true);
	more |= drain_punts(d, false);
	more |= drain_events(d);
	/* What is done may start timers; what they do may begin something again. */
	(void)transactions_poll(d->transactions);
	next = advance(d);
	more |= transactions_waiting(d->transactions);
	more |= packet_io_flush(d->io) > 0;
	return more || next <= engine_ms(&d->now) ? 0 : next;
}

static void wait_for(struct daemon *d, uint64_t next_ms)
{
	static const struct timespec poll = {.tv_nsec = POLL_NS};
	uint64_t now_ms = engine_ms(&d->now);
	uint64_t delay_ms = next_ms > now_ms ? earlier(next_ms - now_ms, SLEEP_MAX_MS) : 0;
	struct timeval delay = {.tv_sec = (time_t)(delay_ms / 1000), .tv_usec = (suseconds_t)(delay_ms % 1000 * 1000)};

	if (next_ms == 0) {
		event_base_loop(d->base, EVLOOP_NONBLOCK);
		nanosleep(&poll, NULL);
		return;
	}
	event_add(d->deadline, &delay);
	event_base_loop(d->base, door_control_sleep(d->dataplane->door) ? EVLOOP_ONCE : EVLOOP_NONBLOCK);
	door_control_awake(d->dataplane->door);
}

static void on_wakeup(evutil_socket_t fd, short what, void *context)
{
	uint64_t count;

	if (read(fd, &count, sizeof(count)) < 0)
		return; /* nothing to read: somebody was faster */
}

static void on_deadline(evutil_socket_t fd, short what, void *context)
{
	/* Only ends the wait: turn() does the work. */
}

static void on_signal(evutil_socket_t number, short what, void *context)
{
	struct daemon *d = context;

	d->stopping = true;
}

static void deregister(struct daemon *d)
{
	uint64_t deadline_ms;

	if (d->mag == NULL)
		return;
	take_time(d);
	deadline_ms = engine_ms(&d->now) + d->config->mag.shutdown_wait_ms;
	mag_shutdown(d->mag, &d->now);
	while (!mag_idle(d->mag) && engine_ms(&d->now) < deadline_ms)
		wait_for(d, earlier(turn(d), deadline_ms));
	if (!mag_idle(d->mag))
		log_warning("shutdown_unacknowledged",
			"cause=\"an LMA did not answer in time\" action=\"bindings end there with their lifetime\"");
}

void daemon_run(struct daemon *d)
{
	log_notice("running", "role=%s name=%s socket=%s", role_name(d->config->role), d->config->name,
		d->config->socket_path);
	take_time(d);
	net_start(d->net, &d->now);
	while (!d->stopping)
		wait_for(d, turn(d));
	log_notice("stopping", "role=%s name=%s", role_name(d->config->role), d->config->name);
	deregister(d);
}

/* ---- for the control socket ---- */

static void api_now(void *context, struct engine_time *now)
{
	struct daemon *d = context;

	take_time(d);
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

static int api_attach(void *context, uint16_t link, const uint8_t mac[6])
{
	struct daemon *d = context;

	take_time(d);
	return mag_attach(d->mag, &d->now, link, mac);
}

static int api_detach(void *context, const struct mn_id *id)
{
	struct daemon *d = context;

	take_time(d);
	return mag_detach(d->mag, &d->now, id);
}

static int api_clear_binding(void *context, const struct mn_id *id, uint32_t *removed)
{
	struct daemon *d = context;

	take_time(d);
	*removed = lma_clear(d->lma, &d->now, id);
	return *removed > 0 ? 0 : -ENOENT;
}

static int create_api(struct daemon *d, char *error, size_t error_size)
{
	const struct api_sources sources = {
		.config = d->config,
		.policy = d->policy,
		.lma = d->lma,
		.mag = d->mag,
		.heartbeat = d->heartbeat,
		.net = d->net,
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
		.attach = d->mag != NULL ? api_attach : NULL,
		.detach = d->mag != NULL ? api_detach : NULL,
		.clear_binding = d->lma != NULL ? api_clear_binding : NULL,
	};
	const struct api_options options = {.path = d->config->socket_path, .mode = d->config->socket_mode};

	d->api = api_create(d->base, &sources, &options, error, error_size);
	return d->api != NULL ? 0 : -EIO;
}

/* ---- life ---- */

static int open_state(struct daemon *d, char *error, size_t error_size)
{
	const char *directory = d->config->state_directory;
	int result;

	d->state_directory = state_directory_lock(directory);
	if (d->state_directory == -EBUSY) {
		snprintf(error, error_size, "state-directory: %s: another gateway uses it; choose one for each",
			directory);
		return -EBUSY;
	}
	result = d->state_directory < 0 ? d->state_directory : restart_counter_next(directory, &d->restart_counter);
	if (result != 0)
		snprintf(error, error_size, "state-directory: %s: %s; it must be a directory that can be written",
			directory, strerror(-result));
	return result;
}

static int create_loop(struct daemon *d)
{
	struct event_config *options = event_config_new();

	if (options == NULL)
		return -ENOMEM;
	event_config_set_flag(options, EVENT_BASE_FLAG_PRECISE_TIMER | EVENT_BASE_FLAG_NOLOCK);
	d->base = event_base_new_with_config(options);
	event_config_free(options);
	if (d->base == NULL)
		return -ENOMEM;
	d->wakeup = event_new(d->base, d->dataplane->door->eventfd, EV_READ | EV_PERSIST, on_wakeup, d);
	d->deadline = evtimer_new(d->base, on_deadline, d);
	d->sigterm = evsignal_new(d->base, SIGTERM, on_signal, d);
	d->sigint = evsignal_new(d->base, SIGINT, on_signal, d);
	if (d->wakeup == NULL || d->deadline == NULL || d->sigterm == NULL || d->sigint == NULL)
		return -ENOMEM;
	event_add(d->wakeup, NULL);
	event_add(d->sigterm, NULL);
	event_add(d->sigint, NULL);
	return 0;
}

static int create_transport(struct daemon *d)
{
	static const struct transactions_door door = {push_update, applied, reclaimed, failures};
	static const struct transactions_host host = {send_datagram, send_access_frame, tunnel_insert, tunnel_remove,
		index_allocated, node_happened, host_random};
	static const struct net_host_ops net_ops = {
		.output = net_output,
		.update = net_update,
		.updates_taken = net_updates_taken,
		.updates_reclaimed = reclaimed,
		.descriptor = net_descriptor,
		.descriptor_release = net_descriptor_release,
		.tunnel_resolved = net_tunnel_resolved,
		.access_node = net_access_node,
		.random = host_random,
	};
	const struct transactions_config config = {
		.indexes = {[INDEX_NODE] = d->dataplane->door->config.nodes_max,
			[INDEX_TUNNEL] = d->dataplane->door->config.tunnels_max},
		.high_water = HIGH_WATER,
	};
	const struct packet_io_config io = {
		.door = d->dataplane->door,
		.mbufs = d->dataplane->mbufs,
		.config = d->config,
		.context = d->dataplane->context,
		.tx_worker = d->dataplane->tx_worker,
	};

	d->transactions = transactions_create(&config, &door, d, &host, d);
	d->descriptors = descriptors_create(d->dataplane->door);
	d->baselines = object_baselines_create(d->dataplane->door);
	d->io = packet_io_create(&io);
	d->net = net_create(d->config, d->dataplane->port_macs, &net_ops, d, &d->now);
	if (d->transactions == NULL || d->descriptors == NULL || d->baselines == NULL || d->io == NULL ||
		d->net == NULL)
		return -ENOMEM;
	return 0;
}

struct daemon *daemon_create(
	const struct config *config, const struct daemon_dataplane *dataplane, char *error, size_t error_size)
{
	struct daemon *d = calloc(1, sizeof(*d));

	snprintf(error, error_size, "not enough memory");
	if (d == NULL)
		return NULL;
	d->config = config;
	d->dataplane = dataplane;
	d->state_directory = -1;
	take_time(d);
	d->started = d->now;
	if (getrandom(&d->random_state, sizeof(d->random_state), 0) != sizeof(d->random_state) || d->random_state == 0)
		d->random_state = d->now.wall_ns | 1;
	if (open_state(d, error, error_size) != 0)
		goto failed;
	snprintf(error, error_size, "not enough memory");
	d->policy = config_policy(config);
	d->events = events_create(EVENTS_KEPT);
	if (config->role == ROLE_MAG && config->dataplane.node_counters)
		d->activity = calloc(dataplane->door->config.nodes_max + 1, sizeof(*d->activity));
	if (d->policy == NULL || d->events == NULL)
		goto failed;
	if (create_loop(d) != 0 || create_transport(d) != 0 || create_engines(d) != 0)
		goto failed;
	if (create_api(d, error, error_size) != 0)
		goto failed;
	return d;
failed:
	daemon_destroy(d);
	return NULL;
}

static void free_event(struct event *event)
{
	if (event != NULL)
		event_free(event);
}

void daemon_destroy(struct daemon *d)
{
	if (d == NULL)
		return;
	if (d->api != NULL)
		api_destroy(d->api);
	if (d->heartbeat != NULL)
		heartbeat_destroy(d->heartbeat);
	if (d->mag != NULL)
		mag_destroy(d->mag);
	if (d->lma != NULL)
		lma_destroy(d->lma);
	if (d->net != NULL)
		net_destroy(d->net);
	packet_io_destroy(d->io);
	object_baselines_destroy(d->baselines);
	descriptors_destroy(d->descriptors);
	transactions_destroy(d->transactions);
	free_event(d->wakeup);
	free_event(d->deadline);
	free_event(d->sigterm);
	free_event(d->sigint);
	if (d->base != NULL)
		event_base_free(d->base);
	events_destroy(d->events);
	policy_destroy(d->policy);
	if (d->state_directory >= 0)
		close(d->state_directory);
	free(d->activity);
	free(d);
}
