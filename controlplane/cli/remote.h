/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <jansson.h>
#include <stdbool.h>

/*
 * hawserctl's side of the control socket: one request at a time, its rows handed over as they come.
 *
 * Threads: one.
 */
struct remote;

#define SOCKET_DEFAULT   "/run/hawser/control.sock"
#define REMOTE_TIMEOUT_S 15 /* a gateway that says nothing for so long does not serve us */

/* Exit codes of hawserctl. */
enum { EXIT_DONE = 0, EXIT_REFUSED = 1, EXIT_USAGE = 2, EXIT_UNREACHABLE = 3 };

/* NULL after a message on standard error: nobody serves @path. */
struct remote *remote_open(const char *path);
void remote_close(struct remote *remote);
/*
 * Send @request (version and id are added; the reference is taken) and give every row to @each, which borrows it.
 * @each returning false ends it early: the connection is of no more use then. Returns an exit code; refusals and
 * failures are told on standard error.
 */
int remote_ask(struct remote *remote, json_t *request, bool (*each)(void *context, json_t *row), void *context);
