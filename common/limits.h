/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * System headers that say <limits.h> find this file first: they get the C library's too. No "
/*
 * System headers that say <limits.h> find this file first: they get the C library's too. Not below the guard, because
 * a file that was found beside its includer is found once more through the include path.
 */
#include_next <limits.h>

#ifndef HAWSER_LIMITS_H
#define HAWSER_LIMITS_H

/* Fixed upper bounds that both planes know. Sizes of tables come from the configuration. */
#define WORKERS_MAX      32
#define SOCKETS_MAX      4
#define PORTS_MAX        32
#define LINKS_MAX        4096 /* access links (port, VLAN) */
#define ADDRESSES_MAX    64   /* own addresses */
#define VECTOR_MAX       64   /* packets a stage gets at once */
#define TRANSPORT_MTU_MIN_BYTES 1320 /* 1280 inside plus 40 of the tunnel: no outer fragmentation yet */

#endif

#endif
