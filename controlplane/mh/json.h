/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <jansson.h>

#include "mh/packet.h"

/*
 * A message as a JSON object, for `hawserctl decode` and for who reads it with a program:
 *
 *	{"frame":N,"type":"PBU","src":"...","dst":"...","checksum":"ok|bad","fields":{...},
 *	 "options":[{"type":22,"name":"home-network-prefix",...},...],"error":null|"reason"}
 *
 * Fields and options carry all their values: numbers as on the wire, next to them words (status_name, flag_names),
 * seconds (lifetime_s) and texts of addresses and times. What has no layout here is "data" in hex. If home address
 * option or type 2 routing header stood before the message, its home address is among the fields.
 * An object of a bad message has what could be read. Threads: any.
 */

/* NULL: not enough memory. The caller owns the object. */
json_t *mh_json(uint64_t frame, const struct mh_packet *packet, const struct mh_reading *reading);
