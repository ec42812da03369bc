/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <netinet/in.h>

#include "config/config.h"

/*
 * Bindings and pairs from a file, for a gateway that only forwards (forward_only.h). One row a line, fields separated
 * by commas, blanks around them do not count; empty lines and lines that begin with # are skipped:
 *	LMA	binding,PREFIX,PEER			a home network and the MAG that has it
 *	MAG	binding,PREFIX,PEER,PORT[.VLAN],MAC	a home network, its LMA, and the mobile node on its access link
 *	MAG	pair,PREFIX,OTHER-PREFIX,PEER		a mobile node here, one elsewhere, and the MAG that has it: the
 *direct path in both directions; needs route-optimisation.enabled both	neighbour,ADDRESS,PORT,MAC		a next
 *hop on a core or outside port that is told, not asked Peers and ports go by their names in the configuration. Rows
 *with the same access link and MAC are one mobile node with several home networks.
 *
 * Threads: start-up, one. Memory: 32 octets a row and 24 while reading, bounded by the sizes of the configuration.
 */
struct static_binding {
	uint64_t prefix; /* endpoint id */
	uint32_t line;
	uint32_t node; /* number of the mobile node, from 0 in the order of first rows; LMA: of the binding */
	uint16_t peer; /* index in config->peers */
	uint16_t link; /* MAG: access link; LMA: LINK_NONE */
	uint8_t mac[6];
};

struct static_pair {
	uint64_t prefix, other; /* endpoint ids: of the mobile node here, and of the other one */
	uint32_t line;
	uint32_t binding; /* index of the row of prefix */
	uint16_t peer;
};

struct static_neighbour {
	struct in6_addr address;
	uint32_t line;
	uint16_t port;
	uint8_t mac[6];
};

struct bindings {
	char *file;
	struct static_binding *bindings;
	uint32_t binding_count;
	uint32_t node_count;
	struct static_pair *pairs;
	uint32_t pair_count;
	struct static_neighbour *neighbours;
	uint32_t neighbour_count;
};

/*
 * Read and check the file against @config, which outlives the result. NULL after writing one line per mistake to
 * @errors:
 *   FILE:LINE: FIELD: VALUE: what is wrong; what is allowed
 * All mistakes are found, the first hundred are listed.
 */
struct bindings *bindings_load(const struct config *config, const char *file, FILE *errors);
/* The same from an open stream; @file is the name in messages. */
struct bindings *bindings_read(const struct config *config, FILE *in, const char *file, FILE *errors);
/* NULL is allowed. */
void bindings_destroy(struct bindings *bindings);
