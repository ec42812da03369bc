/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "config/config.h"
#include "config/report.h"
#include "config/tree.h"

/*
 * What several keys say together: names that refer to something, addresses and prefixes that may not meet, what a role
 * needs. Expects a configuration that was loaded without mistakes. Fills what follows from other keys: the own address
 * and the ports of routes.
 *
 * Mistakes go to @report. 0, or -ENOMEM.
 */
int validate(struct config *config, const struct tree *tree, struct report *report);
