/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <netinet/in.h>

#include "api/objects.h"

/*
 * One request line of the control socket, checked. Bytes come from outside: whatever they are, the result is a request
 * or a refusal that can be sent back.
 *
 * Threads: the control core. Strings of a request point into its document and live until request_fini().
 */

/* Why something is not done: a word for programs, a sentence for people that says what they can do. */
struct refusal {
	enum api_error error;
	char message[320];
};

/* Fills @refusal (other than printable ASCII becomes ?); returns -EINVAL, so that a function can end with it. */
int refusal_set(struct refusal *refusal, enum api_error error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* What `show` lets through; only the given ones count. */
struct filter {
	uint32_t given; /* bits 1 << enum filter_key */
	const char *mn; /* pattern over the text form */
	const char *state;
	const char *name; /* pattern */
	const char *peer;
	const char *port;
	uint8_t mac[6];
	struct in6_addr prefix;
	uint8_t prefix_length; /* 128: an address */
	unsigned worker;
	bool all;
};

/* A place in a walk: where it goes on. */
struct walk_place {
	uint32_t phase;
	uint64_t at;
};

struct request {
	json_t *document;
	json_t *id; /* as the client gave it: integer, string or null; inside the document, or NULL */
	enum command command;
	enum object object; /* show */
	struct filter filter;
	uint64_t limit; /* rows; UINT64_MAX: all */
	struct walk_place start;
	const json_t *arguments; /* other commands: an object, or NULL */
};

#define PLACE_TEXT_MAX 32

/* The cursor of a place as it is sent: opaque to clients. */
const char *place_format(const struct walk_place *place, char text[PLACE_TEXT_MAX]);

/*
 * Parse @n octets (without the newline). 0, or -EINVAL with @refusal; @request is filled as far as it was understood
 * (id), and request_fini() is due in both cases.
 */
int request_parse(struct request *request, const char *line, size_t n, struct refusal *refusal);
void request_fini(struct request *request);

/* The argument @name of a command as text, or NULL if it is not there or no string. */
const char *request_argument(const struct request *request, const char *name);

/* Does @text match @pattern, in which * stands for any characters? Never worse than the product of both lengths. */
bool pattern_match(const char *pattern, const char *text);
/* No * in @pattern: it can match one text only. */
bool pattern_is_exact(const char *pattern);
