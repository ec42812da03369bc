/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * System headers that say <limits.h> find this file first: they get the C library's too. No "#pragma once" before that:
 * found next to the file that includes it, this header is what #include_next finds first.
 */
#include_next <limits.h>

#ifndef COMMON_LIMITS_H
#define COMMON_LIMITS_H

/* Fixed upper bounds that both planes know. Sizes of tables come from the configuration. */
#define WORKERS_MAX      32
#define SOCKETS_MAX      4
#define PORTS_MAX        32
#define LINKS_MAX        4096 /* access links (port, VLAN) */
#define ADDRESSES_MAX    64   /* own addresses */
#define VECTOR_MAX       64   /* packets a stage gets at once */
#define TRANSPORT_MTU_MIN_BYTES 1320 /* 1280 inside plus 40 of the tunnel: no outer fragmentation yet */

#endif
