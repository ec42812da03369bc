/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/remote.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "api/objects.h"
#include "cli/text.h"

struct remote {
	FILE *in;
	int out;
	char *path;
	json_int_t id; /* of the last request */
};

static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval timeout = {REMOTE_TIMEOUT_S, 0};
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) != 0 ||
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) != 0 ||
		connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		int error = -errno;

		close(fd);
		return error;
	}
	return fd;
}

static const char *connect_advice(int error)
{
	switch (error) {
	case -ENOENT: return "is hawser running, and is this its control socket (--socket)?";
	case -ECONNREFUSED: return "the gateway that made it is gone; start hawser";
	case -EACCES:
	case -EPERM: return "you may not: run it as root or as a member of the socket's group";
	default: return "see --socket";
	}
}

struct remote *remote_open(const char *path)
{
	struct remote *remote = calloc(1, sizeof(*remote));
	int fd;

	if (remote == NULL)
		return NULL;
	fd = connect_to(path);
	if (fd < 0) {
		fprintf(stderr, "hawserctl: %s: %s; %s\n", path, strerror(-fd), connect_advice(fd));
		goto fail;
	}
	remote->out = fd;
	remote->path = strdup(path);
	remote->in = fdopen(fd, "r");
	if (remote->path == NULL || remote->in == NULL) {
		fprintf(stderr, "hawserctl: no memory\n");
		if (remote->in != NULL)
			fclose(remote->in);
		else
			close(fd);
		goto fail;
	}
	return remote;

fail:
	free(remote->path);
	free(remote);
	return NULL;
}

void remote_close(struct remote *remote)
{
	if (remote == NULL)
		return;
	fclose(remote->in);
	free(remote->path);
	free(remote);
}

static int unreachable(const struct remote *remote, const char *why)
{
	fprintf(stderr, "hawserctl: %s: %s\n", remote->path, why);
	return EXIT_UNREACHABLE;
}

static int request_send(struct remote *remote, json_t *request)
{
	size_t sent = 0, size;
	ssize_t n;
	char *text;

	if (json_object_set_new(request, "version", json_integer(API_VERSION)) != 0 ||
		json_object_set_new(request, "id", json_integer(++remote->id)) != 0)
		return -ENOMEM;
	text = json_dumps(request, JSON_COMPACT);
	if (text == NULL)
		return -ENOMEM;
	size = strlen(text);
	text[size++] = '\n'; /* in the place of the terminator: sent by length */
	while (sent < size) {
		n = send(remote->out, text + sent, size - sent, MSG_NOSIGNAL);
		if (n < 0) {
			n = -errno;
			free(text);
			return (int)n;
		}
		sent += (size_t)n;
	}
	free(text);
	return 0;
}

static int refused(const json_t *error)
{
	const char *code = json_string_value(json_object_get(error, "code"));
	const char *message = json_string_value(json_object_get(error, "message"));

	fputs("hawserctl: ", stderr);
	text_print_safe(stderr, message != NULL ? message : "refused");
	fprintf(stderr, "\n");
	if (code != NULL && strcmp(code, "bad-argument") == 0)
		return EXIT_USAGE;
	return EXIT_REFUSED;
}

/* One line of the answer: 0 with @more, or an exit code. */
static int line_take(
	struct remote *remote, json_t *line, bool (*each)(void *context, json_t *row), void *context, bool *more)
{
	const json_t *error = json_object_get(line, "error");
	json_t *rows = json_object_get(line, "rows"), *row;
	size_t i;

	*more = false;
	if (error != NULL)
		return refused(error);
	if (!json_is_array(rows) || json_integer_value(json_object_get(line, "id")) != remote->id)
		return unreachable(remote, "answered something that is no answer; is it a hawser?");
	json_array_foreach(rows, i, row)
	{
		if (!each(context, row))
			return EXIT_DONE;
	}
	*more = json_is_true(json_object_get(line, "more"));
	return EXIT_DONE;
}

int remote_ask(struct remote *remote, json_t *request, bool (*each)(void *context, json_t *row), void *context)
{
	char *text = NULL;
	size_t size = 0;
	bool more = true;
	int result = request_send(remote, request);

	json_decref(request);
	if (result != 0)
		return unreachable(remote, strerror(-result));
	while (more) {
		json_t *line;
		ssize_t n;

		errno = 0;
		n = getline(&text, &size, remote->in);
		if (n < 0) {
			result = unreachable(remote, errno == EAGAIN ? "the gateway does not answer"
						     : errno != 0    ? strerror(errno)
								     : "the gateway closed the connection");
			break;
		}
		line = json_loadb(text, (size_t)n, 0, NULL);
		result = line_take(remote, line, each, context, &more);
		json_decref(line);
		if (result != EXIT_DONE)
			break;
	}
	free(text);
	return result;
}
