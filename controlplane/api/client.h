/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>

#include "api/walk.h"

/*
 * One conversation on the control socket: request lines in, answer lines out, one request at a time. It knows buffers,
 * not sockets, so that tests and the fuzzer drive it without one.
 *
 * Threads: the control core.
 */
struct evbuffer;

/* What all conversations share; the server's. */
struct client_shared {
	const struct api_sources *sources;
	struct api_options options; /* defaults filled in */
	struct counter_baseline *baseline;
	struct api_stats stats;
};

struct client {
	struct client_shared *shared;
	struct evbuffer *input, *output; /* of the stream */
	struct request request;          /* of the walk */
	struct walk walk;
	walk_step step;  /* NULL: no walk under way */
	uint64_t left;   /* rows until the request's limit */
	bool discarding; /* the rest of a line that was too long */
	bool ended;      /* nothing more comes in */
	bool broken;     /* no memory for an answer: to be disconnected */
};

void client_init(struct client *client, struct client_shared *shared, struct evbuffer *input, struct evbuffer *output);
void client_fini(struct client *client);
/* Is there something to do, and room for what it yields? */
bool client_is_runnable(const struct client *client);
/*
 * Do one bounded piece of work: take one request line, or yield one page of the walk: at most options.page_rows rows,
 * and not much longer than until the monotonic time @deadline_ns.
 */
void client_run(struct client *client, uint64_t deadline_ns);
/* Everything is answered and nothing more comes: close when the output is sent. */
bool client_is_done(const struct client *client);

/* One error line with id null, as for who cannot be served at all. */
int client_write_error(struct evbuffer *output, const json_t *id, enum api_error error, const char *message);
