/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "memory.h"

/*
 * The memory of EAL on one NUMA socket (-1: any): huge pages if EAL has them. Tables take it in the daemon.
 *
 * Threads: any; needs EAL.
 */
void memory_eal_init(struct memory *memory, int socket);
