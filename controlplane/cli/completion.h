/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <getopt.h>
#include <stdio.h>

/*
 * `hawserctl completion`: a script for bash-completion, made from the same lists as the commands, so that it knows them
 * all. @options end with a NULL name.
 */
void completion_print(FILE *out, const struct option *options);
