/* SPDX-License-Identifier: BSD-3-Clause */
#include "api/api.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

#include "log.h"

#include "api/client.h"
#include "api/clock.h"
#include "api/listener.h"

#define CLIENTS_MAX       32
#define LINE_MAX_BYTES    8192
#define OUTPUT_HIGH_BYTES (256 * 1024)
#define STALL_MS          10000
#define PAGE_ROWS         64
#define TURN_US           200
#define ACCEPT_PAUSE_MS   1000 /* when the process is out of descriptors */

struct connection {
	TAILQ_ENTRY(connection) entry;
	struct api *api;
	struct bufferevent *stream;
	struct client client;
};

TAILQ_HEAD(connections, connection);

struct api {
	struct api_sources sources;
	struct client_shared shared;
	struct listener listener;
	struct evconnlistener *acceptor;
	struct event *turn; /* work is left: runs in the next turn of the loop */
	struct event *accept_again;
	struct connections connections; /* in the order in which they get their next piece of work */
};

static void connection_close(struct connection *connection)
{
	struct api *api = connection->api;

	TAILQ_REMOVE(&api->connections, connection, entry);
	api->shared.stats.clients--;
	client_fini(&connection->client);
	bufferevent_free(connection->stream);
	free(connection);
}

/* Everything answered and sent. */
static bool connection_is_over(const struct connection *connection)
{
	const struct client *client = &connection->client;

	return client->broken || (client_is_done(client) && evbuffer_get_length(client->output) == 0);
}

/*
 * Read only while there is no whole line of the largest size. (A high-water mark of libevent would call us again and
 * again as long as we leave the input alone.)
 */
static void reading_adjust(struct connection *connection)
{
	const struct client *client = &connection->client;
	bool full = evbuffer_get_length(client->input) > connection->api->shared.options.line_max_bytes;
	bool enabled = (bufferevent_get_enabled(connection->stream) & EV_READ) != 0;

	if (enabled && full)
		bufferevent_disable(connection->stream, EV_READ);
	else if (!enabled && !full && !client->ended && bufferevent_enable(connection->stream, EV_READ) != 0)
		connection->client.broken = true;
}

static void turn_schedule(struct api *api)
{
	const struct timeval at_once = {0, 0};

	if (!evtimer_pending(api->turn, NULL))
		evtimer_add(api->turn, &at_once); /* fails only without memory for it: taken at creation */
}

/* A connection that can go on, and move it to the end of the line. */
static struct connection *connection_pick(struct api *api)
{
	struct connection *connection;

	TAILQ_FOREACH(connection, &api->connections, entry)
	{
		if (!client_is_runnable(&connection->client))
			continue;
		TAILQ_REMOVE(&api->connections, connection, entry);
		TAILQ_INSERT_TAIL(&api->connections, connection, entry);
		return connection;
	}
	return NULL;
}

/* One turn: pieces of work for all clients in rotation, until the time of the turn is over. */
static void on_turn(evutil_socket_t fd, short what, void *context)
{
	struct api *api = context;
	uint64_t deadline_ns = clock_monotonic_ns() + (uint64_t)api->shared.options.turn_us * 1000;
	struct connection *connection;

	(void)fd;
	(void)what;
	while ((connection = connection_pick(api)) != NULL) {
		client_run(&connection->client, deadline_ns);
		reading_adjust(connection);
		if (connection_is_over(connection))
			connection_close(connection);
		if (clock_monotonic_ns() >= deadline_ns) {
			turn_schedule(api);
			return;
		}
	}
}

static void on_readable(struct bufferevent *stream, void *context)
{
	struct connection *connection = context;

	(void)stream;
	reading_adjust(connection);
	if (client_is_runnable(&connection->client))
		turn_schedule(connection->api);
}

/* The output fell below the low-water mark: a walk that waited goes on. */
static void on_writable(struct bufferevent *stream, void *context)
{
	struct connection *connection = context;

	(void)stream;
	if (connection_is_over(connection))
		connection_close(connection);
	else if (client_is_runnable(&connection->client))
		turn_schedule(connection->api);
}

static void on_event(struct bufferevent *stream, short what, void *context)
{
	struct connection *connection = context;
	struct api *api = connection->api;

	(void)stream;
	if ((what & BEV_EVENT_TIMEOUT) && (what & BEV_EVENT_WRITING)) {
		api->shared.stats.stalled++;
		log_notice("api_client_stalled", "unsent_bytes=%zu", evbuffer_get_length(connection->client.output));
		connection_close(connection);
		return;
	}
	if (!(what & BEV_EVENT_EOF) || !(what & BEV_EVENT_READING)) {
		connection_close(connection);
		return;
	}
	connection->client.ended = true;
	if (connection_is_over(connection))
		connection_close(connection);
	else if (client_is_runnable(&connection->client))
		turn_schedule(api);
}

static void busy_tell(evutil_socket_t fd)
{
	struct evbuffer *line = evbuffer_new();

	if (line != NULL && client_write_error(line, NULL, API_ERROR_BUSY, "too many clients; try again later") == 0)
		send(fd, evbuffer_pullup(line, -1), evbuffer_get_length(line), MSG_DONTWAIT | MSG_NOSIGNAL);
	if (line != NULL)
		evbuffer_free(line);
}

static struct connection *connection_open(struct api *api, struct event_base *base, evutil_socket_t fd)
{
	const struct api_options *options = &api->shared.options;
	struct timeval stall = {options->stall_ms / 1000, options->stall_ms % 1000 * 1000};
	struct connection *connection = calloc(1, sizeof(*connection));

	if (connection == NULL)
		return NULL;
	connection->api = api;
	connection->stream = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (connection->stream == NULL) {
		free(connection);
		return NULL;
	}
	client_init(&connection->client, &api->shared, bufferevent_get_input(connection->stream),
		bufferevent_get_output(connection->stream));
	bufferevent_setcb(connection->stream, on_readable, on_writable, on_event, connection);
	bufferevent_setwatermark(connection->stream, EV_WRITE, options->output_high_bytes / 4, 0);
	bufferevent_set_timeouts(connection->stream, NULL, &stall);
	return connection;
}

static void on_accept(
	struct evconnlistener *acceptor, evutil_socket_t fd, struct sockaddr *address, int length, void *context)
{
	struct api *api = context;
	struct api_stats *stats = &api->shared.stats;
	struct connection *connection = NULL;

	(void)address;
	(void)length;
	if (stats->clients < api->shared.options.clients_max)
		connection = connection_open(api, evconnlistener_get_base(acceptor), fd);
	if (connection == NULL) {
		stats->refused++;
		busy_tell(fd);
		close(fd);
		return;
	}
	TAILQ_INSERT_TAIL(&api->connections, connection, entry);
	stats->accepted++;
	stats->clients++;
	if (bufferevent_enable(connection->stream, EV_READ | EV_WRITE) != 0)
		connection_close(connection);
}

/* Out of descriptors: accept() would fail again at once, so it pauses. */
static void on_accept_error(struct evconnlistener *acceptor, void *context)
{
	const struct timeval pause = {ACCEPT_PAUSE_MS / 1000, ACCEPT_PAUSE_MS % 1000 * 1000};
	struct api *api = context;

	log_warning("api_accept_failed", "error=\"%s\" pause_ms=%d", strerror(EVUTIL_SOCKET_ERROR()), ACCEPT_PAUSE_MS);
	evconnlistener_disable(acceptor);
	evtimer_add(api->accept_again, &pause);
}

static void on_accept_again(evutil_socket_t fd, short what, void *context)
{
	struct api *api = context;

	(void)fd;
	(void)what;
	evconnlistener_enable(api->acceptor);
}

static struct api_options options_complete(const struct api_options *given)
{
	struct api_options options = *given;

	options.mode = options.mode != 0 ? options.mode : 0660;
	options.clients_max = options.clients_max != 0 ? options.clients_max : CLIENTS_MAX;
	options.line_max_bytes = options.line_max_bytes != 0 ? options.line_max_bytes : LINE_MAX_BYTES;
	options.output_high_bytes = options.output_high_bytes != 0 ? options.output_high_bytes : OUTPUT_HIGH_BYTES;
	options.stall_ms = options.stall_ms != 0 ? options.stall_ms : STALL_MS;
	options.page_rows = options.page_rows != 0 ? options.page_rows : PAGE_ROWS;
	options.turn_us = options.turn_us != 0 ? options.turn_us : TURN_US;
	return options;
}

static int events_create_all(struct api *api, struct event_base *base)
{
	api->turn = evtimer_new(base, on_turn, api);
	api->accept_again = evtimer_new(base, on_accept_again, api);
	api->acceptor = evconnlistener_new(base, on_accept, api, LEV_OPT_CLOSE_ON_EXEC, 0, api->listener.fd);
	if (api->turn == NULL || api->accept_again == NULL || api->acceptor == NULL)
		return -ENOMEM;
	evconnlistener_set_error_cb(api->acceptor, on_accept_error);
	return 0;
}

struct api *api_create(struct event_base *base, const struct api_sources *sources, const struct api_options *options,
	char *error, size_t error_size)
{
	struct api *api = calloc(1, sizeof(*api));

	if (api == NULL) {
		snprintf(error, error_size, "control socket: no memory");
		return NULL;
	}
	TAILQ_INIT(&api->connections);
	api->listener.fd = -1;
	api->sources = *sources;
	api->shared.sources = &api->sources;
	api->shared.options = options_complete(options);
	api->shared.baseline = aligned_alloc(_Alignof(struct counter_baseline), sizeof(*api->shared.baseline));
	if (api->shared.baseline == NULL) {
		snprintf(error, error_size, "control socket: no memory");
		goto fail;
	}
	counters_rebase(NULL, api->shared.baseline);
	if (listener_open(&api->listener, options->path, api->shared.options.mode, error, error_size) != 0)
		goto fail;
	if (events_create_all(api, base) != 0) {
		snprintf(error, error_size, "control socket: no memory");
		goto fail;
	}
	api->shared.options.path = NULL;         /* the caller's; the listener has its own */
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR) /* a client that goes away is an error of its write */
		log_warning("api_sigpipe", "error=\"%s\"", strerror(errno));
	return api;

fail:
	api_destroy(api);
	return NULL;
}

void api_destroy(struct api *api)
{
	struct connection *connection;

	if (api == NULL)
		return;
	while ((connection = TAILQ_FIRST(&api->connections)) != NULL)
		connection_close(connection);
	if (api->acceptor != NULL)
		evconnlistener_free(api->acceptor);
	if (api->turn != NULL)
		event_free(api->turn);
	if (api->accept_again != NULL)
		event_free(api->accept_again);
	listener_close(&api->listener);
	free(api->shared.baseline);
	free(api);
}

void api_stats(const struct api *api, struct api_stats *stats)
{
	*stats = api->shared.stats;
}
