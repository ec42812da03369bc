/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdint.h>

/*
 * A kernel interface that a poll-mode driver takes over: up, promiscuous, without the kernel's own IPv6 and without
 * offloads that change what we would see.
 *
 * Threads: the main thread, before the port is opened. Nothing is undone at the end: who gave the interface to us
 * keeps it out of other use.
 */

/*
 * Prepare @name for frames of @mtu_bytes. 0, -ENODEV: there is no such interface; -EMSGSIZE: its MTU is smaller; or
 * another negative errno (-EPERM: not root). @cause: what failed, a literal.
 */
int kernel_interface_prepare(const char *name, uint16_t mtu_bytes, const char **cause);
