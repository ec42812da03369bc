/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "../unit/unit.h"

/*
 * EAL for a test program: no huge pages, no devices, its own file prefix, so that programs run side by side. Threads
 * keep all the processors that the program may use. 0 on success.
 */
int eal_start(const char *program);
void eal_stop(void);
