/* SPDX-License-Identifier: BSD-3-Clause */
#include "daemon_internal.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "bindings_file.h"
#include "descriptors.h"
#include "engine_config.h"
#include "log.h"
#include "object_counters.h"
#include "packet_io.h"

#include "api/api.h"
#include "net/net.h"
#include "node/events.h"
#include "pmip/heartbeat.h"
#include "pmip/mag.h"

#define POLL_NS      50000 /* while transactions wait for the door */
#define SLEEP_MAX_MS 1000
#define EVENTS_KEPT  1024

void daemon_take_time(struct daemon *d)
{
	struct timespec monotonic, wall;

	clock_gettime(CLOCK_MONOTONIC, &monotonic);
	clock_gettime(CLOCK_REALTIME, &wall);
	d->now.monotonic_ns = (uint64_t)monotonic.tv_sec * 1000000000 + (uint64_t)monotonic.tv_nsec;
	d->now.wall_ns = (uint64_t)wall.tv_sec * 1000000000 + (uint64_t)wall.tv_nsec;
}

/* ---- the loop ---- */

/* One turn. Returns the time of the next in ms; 0: at once, or when the door has moved. */
static uint64_t turn(struct daemon *d)
{
	bool more;
	uint64_t next;

	daemon_take_time(d);
	more = daemon_drain(d);
	/* What is done may start timers; what they do may begin something again. */
	(void)transactions_poll(d->transactions);
	next = daemon_advance(d);
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

	/* ONCE also without waiting: what begins again at once (a walk of the control socket) has its next turn later.
	 */
	if (next_ms == 0) {
		event_base_loop(d->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
		nanosleep(&poll, NULL);
		return;
	}
	event_add(d->deadline, &delay);
	event_base_loop(d->base, EVLOOP_ONCE | (door_control_sleep(d->dataplane->door) ? 0 : EVLOOP_NONBLOCK));
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
	daemon_take_time(d);
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
	daemon_take_time(d);
	net_start(d->net, &d->now);
	while (!d->stopping)
		wait_for(d, turn(d));
	log_notice("stopping", "role=%s name=%s", role_name(d->config->role), d->config->name);
	deregister(d);
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

struct daemon *daemon_create(const struct config *config, const struct daemon_dataplane *dataplane,
	struct bindings *bindings, char *error, size_t error_size)
{
	struct daemon *d = calloc(1, sizeof(*d));
	int result;

	snprintf(error, error_size, "not enough memory");
	if (d == NULL) {
		bindings_destroy(bindings);
		return NULL;
	}
	d->config = config;
	d->dataplane = dataplane;
	d->state_directory = -1;
	daemon_take_time(d);
	d->started = d->now;
	if (getrandom(&d->random_state, sizeof(d->random_state), 0) != sizeof(d->random_state) || d->random_state == 0)
		d->random_state = d->now.wall_ns | 1;
	/* The state is what tells peers that we restarted: without signalling nobody hears of it. */
	if (bindings == NULL && open_state(d, error, error_size) != 0)
		goto failed;
	snprintf(error, error_size, "not enough memory");
	d->policy = config_policy(config);
	d->events = events_create(EVENTS_KEPT);
	if (config->role == ROLE_MAG && config->dataplane.node_counters)
		d->activity = calloc(dataplane->door->config.nodes_max + 1, sizeof(*d->activity));
	if (d->policy == NULL || d->events == NULL)
		goto failed;
	if (create_loop(d) != 0 || daemon_create_transport(d) != 0)
		goto failed;
	result = daemon_create_engines(d, bindings);
	bindings = NULL;
	if (result != 0)
		goto failed;
	if (daemon_create_api(d, error, error_size) != 0)
		goto failed;
	return d;
failed:
	bindings_destroy(bindings);
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
	daemon_destroy_engines(d);
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
