/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "unit.h"

#include <jansson.h>

#include "door.h"

#include "api/api.h"
#include "node/events.h"
#include "node/policy.h"

struct event_base;

/*
 * A control socket in a directory of its own, with sources that a test fills: a real configuration, a door whose
 * counters the test writes, callbacks that record. hawserctl runs against it in a child process, so that both ends are
 * the real ones.
 */
#define FIXTURE_WORKERS 2

struct api_fixture {
	struct event_base *base;
	struct api_sources sources; /* the test may change it before fixture_start() */
	struct api_options options; /* the same */
	struct api *api;
	struct config *config;
	struct policy *policy; /* empty; a test may show another one */
	struct events *events;
	struct door *door;
	struct worker_stats *stats; /* of FIXTURE_WORKERS */
	struct engine_time now;
	char directory[64];
	char path[80];

	/* What callbacks were asked, and what they answer. */
	unsigned attaches, detaches, clears, counter_clears;
	uint16_t link;
	uint8_t mac[6];
	char mn[MN_ID_MAX + 1];
	int error;
	uint32_t removed;
};

/* @yaml: the configuration, with a control socket that does not matter. */
void fixture_init(struct api_fixture *fixture, const char *yaml);
/* api_create(), which has to succeed. */
void fixture_start(struct api_fixture *fixture);
/* Everything freed; asserts that the socket is gone. */
void fixture_fini(struct api_fixture *fixture);

/* A client without manners: connect, write, and read lines while the server's loop runs; all with a deadline. */
int fixture_connect(struct api_fixture *fixture);
void fixture_write(int fd, const char *text);
void fixture_write_bytes(int fd, const void *bytes, size_t n);
/* The next line as JSON (the caller's); fails the test after the deadline or at the end. */
json_t *fixture_read(struct api_fixture *fixture, int fd);
/* True if the server closes the connection before the deadline; what comes before is thrown away. */
bool fixture_is_closed(struct api_fixture *fixture, int fd);
/* Run the server's loop once, without waiting, as the daemon does: what begins again at once waits for the next. */
void fixture_turn(struct api_fixture *fixture);
struct api_stats fixture_stats(const struct api_fixture *fixture);

/* hawserctl with these arguments (ends with NULL) against the server: exit code, output and messages (the caller's). */
struct cli_result {
	int code;
	char *out, *errors;
};
struct cli_result fixture_cli(struct api_fixture *fixture, const char *const *arguments);
void cli_result_free(struct cli_result *result);
/* hawserctl ends with @code, prints exactly @out, and @message is part of what it says on standard error. */
void expect_cli(
	struct api_fixture *fixture, int code, const char *out, const char *message, const char *const *arguments);
#define EXPECT_CLI(fixture, code, out, message, ...) \
	expect_cli(fixture, code, out, message, (const char *const[]){__VA_ARGS__, NULL})

/* The number of rows that hawserctl shows with --json and these arguments; it has to succeed. */
unsigned fixture_rows(struct api_fixture *fixture, const char *const *arguments);
#define ROWS(fixture, ...) fixture_rows(fixture, (const char *const[]){"show", "--json", __VA_ARGS__, NULL})

/*
 * The output for @arguments is what the file GOLDEN/NAME has (GOLDEN in the environment); with UPDATE_GOLDEN set the
 * file is written instead: look at the difference before you keep it. What differs from run to run is masked before.
 */
void expect_golden(struct api_fixture *fixture, const char *name, const char *const *arguments);
#define GOLDEN(fixture, name, ...) expect_golden(fixture, name, (const char *const[]){__VA_ARGS__, NULL})
#define CLI(fixture, ...)          fixture_cli(fixture, (const char *const[]){__VA_ARGS__, NULL})

extern const char api_lma_yaml[], api_mag_yaml[];
