/* SPDX-License-Identifier: BSD-3-Clause */
#include "api/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>

#include "api/clock.h"

#define DUMP_FLAGS   (JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(6))
#define STEPS_MAX    4096 /* of a page that finds nothing: the deadline is looked at in between */
#define STEPS_A_LOOK 16

void client_init(struct client *client, struct client_shared *shared, struct evbuffer *input, struct evbuffer *output)
{
	*client = (struct client){.shared = shared, .input = input, .output = output};
}

static void walk_end(struct client *client)
{
	walk_fini(&client->walk);
	request_fini(&client->request);
	client->step = NULL;
}

void client_fini(struct client *client)
{
	if (client->step != NULL)
		walk_end(client);
}

/* Takes @document; NULL: it could not be made. */
static int write_line(struct evbuffer *output, json_t *document)
{
	char *text = document != NULL ? json_dumps(document, DUMP_FLAGS) : NULL;
	int result = -ENOMEM;

	if (text != NULL && evbuffer_expand(output, strlen(text) + 1) == 0 &&
		evbuffer_add(output, text, strlen(text)) == 0 && evbuffer_add(output, "\n", 1) == 0)
		result = 0;
	free(text);
	json_decref(document);
	return result;
}

/* {"version":1,"id":...}; a reference to @id is taken. */
static json_t *answer(const json_t *id)
{
	json_t *document = json_object();
	json_t *copy = id != NULL ? json_deep_copy(id) : json_null();

	if (json_object_set_new(document, "version", json_integer(API_VERSION)) != 0 ||
		json_object_set_new(document, "id", copy) != 0) {
		json_decref(document);
		return NULL;
	}
	return document;
}

int client_write_error(struct evbuffer *output, const json_t *id, enum api_error error, const char *message)
{
	json_t *document = answer(id);
	json_t *body = json_pack("{s:s, s:s}", "code", api_error_name(error), "message", message);

	if (json_object_set_new(document, "error", body) != 0) {
		json_decref(document);
		document = NULL;
	}
	return write_line(output, document);
}

static void write_error(struct client *client, const json_t *id, enum api_error error, const char *message)
{
	struct api_stats *stats = &client->shared->stats;

	if (error == API_ERROR_MALFORMED || error == API_ERROR_TOO_LONG)
		stats->malformed++;
	else
		stats->errors++;
	if (client_write_error(client->output, id, error, message) != 0)
		client->broken = true;
}

/* ---- lines in ---- */

static void request_start(struct client *client, const char *line, size_t n)
{
	struct client_shared *shared = client->shared;
	struct refusal refusal = {0};
	struct request *request = &client->request;
	int result = request_parse(request, line, n, &refusal);

	shared->stats.requests++;
	if (result == 0) {
		client->step = walk_find(shared->sources, request, &refusal);
		client->left = request->limit;
		walk_init(&client->walk, shared->sources, request, shared->baseline);
		client->walk.server = &shared->stats;
	}
	if (client->step != NULL)
		return;
	write_error(client, request->id, refusal.error, refusal.message);
	request_fini(request);
}

static void line_too_long(struct client *client)
{
	client->shared->stats.requests++;
	write_error(client, NULL, API_ERROR_TOO_LONG, "the line is longer than a request may be");
	client->discarding = true;
}

static bool is_blank(const char *line, size_t n)
{
	while (n > 0 && (line[n - 1] == ' ' || line[n - 1] == '\t' || line[n - 1] == '\r'))
		n--;
	return n == 0;
}

/* Is a whole line there, or one that is too long, or the last one without its end? */
static bool line_is_ready(const struct client *client)
{
	struct evbuffer_ptr end = evbuffer_search_eol(client->input, NULL, NULL, EVBUFFER_EOL_LF);
	size_t length = evbuffer_get_length(client->input);

	return end.pos >= 0 || length > client->shared->options.line_max_bytes || (client->ended && length > 0) ||
	       (client->discarding && length > 0);
}

static void line_take(struct client *client)
{
	struct evbuffer_ptr end = evbuffer_search_eol(client->input, NULL, NULL, EVBUFFER_EOL_LF);
	size_t length = end.pos >= 0 ? (size_t)end.pos : evbuffer_get_length(client->input);
	bool whole = end.pos >= 0 || (client->ended && !client->discarding);
	const char *line;

	if (client->discarding) {
		client->discarding = end.pos < 0;
	} else if (length > client->shared->options.line_max_bytes) {
		line_too_long(client);
		client->discarding = end.pos < 0;
	} else if (whole) {
		line = length != 0 ? (const char *)evbuffer_pullup(client->input, (ev_ssize_t)length) : "";
		if (line == NULL)
			client->broken = true;
		else if (!is_blank(line, length))
			request_start(client, line, length);
	}
	evbuffer_drain(client->input, length + (end.pos >= 0));
}

/* ---- pages out ---- */

/* Steps until the page is full, the time is over or the walk ends. 1: more; 0: ended; negative: failed. */
static int page_fill(struct client *client, json_t *rows, uint64_t deadline_ns)
{
	struct walk *walk = &client->walk;
	unsigned page_rows = client->shared->options.page_rows;
	json_t *row;
	int result;

	walk->sources->now(walk->sources->context, &walk->now);
	for (unsigned steps = 1; steps <= STEPS_MAX; steps++) {
		if (client->left == 0)
			return 0;
		result = client->step(walk, &row);
		if (result <= 0)
			return result;
		if (row != NULL) {
			if (json_array_append_new(rows, row) != 0)
				return -ENOMEM;
			client->left--;
		}
		if (json_array_size(rows) >= page_rows)
			return 1;
		if (steps % STEPS_A_LOOK == 0 && clock_monotonic_ns() >= deadline_ns)
			return 1;
	}
	return 1;
}

/* Takes @rows. */
static int page_write(struct client *client, json_t *rows, bool more)
{
	char text[PLACE_TEXT_MAX];
	json_t *document = answer(client->request.id);
	bool failed = json_object_set_new(document, "rows", rows) != 0 ||
		      json_object_set_new(document, "more", json_boolean(more)) != 0;

	if (!more && client->left == 0)
		failed |= json_object_set_new(
				  document, "cursor", json_string(place_format(&client->walk.place, text))) != 0;
	if (failed) {
		json_decref(document);
		return -ENOMEM;
	}
	return write_line(client->output, document);
}

static void page_run(struct client *client, uint64_t deadline_ns)
{
	json_t *rows = json_array();
	int result = rows != NULL ? page_fill(client, rows, deadline_ns) : -ENOMEM;

	if (result < 0) {
		json_decref(rows);
		if (result == -EINVAL)
			write_error(
				client, client->request.id, client->walk.refusal.error, client->walk.refusal.message);
		else
			write_error(client, client->request.id, API_ERROR_INTERNAL, "no memory");
	} else if (result == 0 || json_array_size(rows) != 0) {
		if (page_write(client, rows, result != 0) != 0)
			client->broken = true;
	} else {
		json_decref(rows); /* nothing found so far: no line */
	}
	if (result <= 0)
		walk_end(client);
}

bool client_is_runnable(const struct client *client)
{
	/* It does not see the calloc() and client_init() of what is in the list. */
	/* cppcheck-suppress ctuuninitvar */
	if (client->broken || evbuffer_get_length(client->output) > client->shared->options.output_high_bytes)
		return false;
	return client->step != NULL || line_is_ready(client);
}

void client_run(struct client *client, uint64_t deadline_ns)
{
	if (client->step != NULL)
		page_run(client, deadline_ns);
	else
		line_take(client);
}

bool client_is_done(const struct client *client)
{
	return client->broken || (client->ended && client->step == NULL && evbuffer_get_length(client->input) == 0);
}
