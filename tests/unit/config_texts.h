/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"

/*
 * Small configurations that are right, and what the loader says about changed ones. Line numbers in the messages that
 * tests expect are those of these texts.
 */
extern const char lma_text[];
extern const char mag_text[];

/* What config_parse() writes to its error file, in a new block; the configuration, if there is one, in @config. */
char *parse_messages(const char *text, size_t length, struct config **config);

/* @text with its only @old replaced by @new, in a new block. */
char *text_replace(const char *text, const char *old, const char *new);

/* That this is said about @base with @old replaced by @new; "": it is right. */
void expect(const char *base, const char *old, const char *new, const char *expected);
