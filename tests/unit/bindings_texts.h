/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "unit.h"

#include "bindings_file.h"
#include "config_texts.h"

/* Configurations and files of bindings as text; each fails the test if the configuration is wrong. */

static inline struct config *config_of(const char *text)
{
	struct config *config;
	char *messages = parse_messages(text, strlen(text), &config);

	assert_string_equal(messages, "");
	free(messages);
	return config;
}

static inline struct config *lma_config(void)
{
	return config_of(lma_text);
}

/* A MAG with a second LMA and another MAG, and tables for pairs. */
static inline struct config *mag_config(void)
{
	char *text = text_replace(mag_text, "mobile-nodes:\n",
		"  - {name: lma2, address: 2001:db8:0:1::2, insecure: true}\n"
		"  - {name: mag2, address: 2001:db8:0:1::12, role: mag, insecure: true}\n"
		"route-optimisation: {enabled: true, direct-trust: peers, eligible-prefixes: [2001:db8:1000::/36]}\n"
		"mobile-nodes:\n");
	struct config *config = config_of(text);

	free(text);
	return config;
}

/* The rows of @text; @messages is a new block. */
static inline struct bindings *read_rows(const struct config *config, const char *text, size_t length, char **messages)
{
	/* An exact copy: what reads past the end is found. */
	char *copy = malloc(length > 0 ? length : 1);
	size_t size = 0;
	FILE *errors = open_memstream(messages, &size), *in;
	struct bindings *bindings;

	assert_non_null(copy);
	memcpy(copy, text, length);
	in = length > 0 ? fmemopen(copy, length, "r") : fopen("/dev/null", "r");
	assert_non_null(in);
	bindings = bindings_read(config, in, "b", errors);
	fclose(in);
	fclose(errors);
	free(copy);
	return bindings;
}

static inline struct bindings *right_rows(const struct config *config, const char *text)
{
	char *messages;
	struct bindings *bindings = read_rows(config, text, strlen(text), &messages);

	assert_string_equal(messages, "");
	assert_non_null(bindings);
	free(messages);
	return bindings;
}
