/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* Fixed upper bounds that both planes know. Sizes of tables come from the configuration. */
#define WORKERS_MAX             32
#define SOCKETS_MAX             4
#define PORTS_MAX               32
#define LINKS_MAX               4096 /* access links (port, VLAN) */
#define ADDRESSES_MAX           64   /* own addresses */
#define VECTOR_MAX              64   /* packets a stage gets at once */
#define TRANSPORT_MTU_MIN_BYTES 1320 /* 1280 inside plus 40 of the tunnel: no outer fragmentation yet */
