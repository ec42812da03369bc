/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdio.h>

#include "config/config.h"

/* config_check_machine() with the PCI devices below @pci_directory, for tests. */
int machine_check(const struct config *config, const char *pci_directory, FILE *errors);
