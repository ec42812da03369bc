/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdint.h>

#include "config/config.h"

/*
 * Access links by number and by name. Links are numbered from 0 over the access ports in the order of the
 * configuration, and over each port's VLANs in their order; a port without VLANs is one untagged link.
 *
 * Threads: any, const.
 */
/* The port (a pointer into @config) and VLAN (VLAN_NONE: untagged) of a link; NULL if there is no such link. */
const struct config_port *link_port(const struct config *config, uint16_t link, uint16_t *vlan);
/*
 * "acc0", "acc0.100" or the number of a link. -ENOENT: no such port, VLAN or number; -EDOM: the port is no access
 * port; -EMLINK: the port has several links, the VLAN is missing.
 */
int link_parse(const struct config *config, const char *text, uint16_t *link);
