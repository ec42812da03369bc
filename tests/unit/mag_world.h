/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "unit.h"

#include <errno.h>
#include <string.h>

#include "fake_host.h"

#include "access/discovery.h"
#include "format.h"
#include "pmip/mag.h"

/*
 * A MAG on a fake host, with a model of the link table, a clock, and an LMA that answers as it is told. The host
 * applies after every call into the engine, unless `hold` is set.
 */
struct world_link {
	uint64_t id;   /* link and MAC */
	uint8_t state; /* enum link_state */
	uint32_t node;
	bool used;
};

/* A PBU or a frame that left. */
struct world_message {
	const uint8_t *bytes;
	uint16_t length;
	struct in6_addr source, destination; /* PBU */
	uint16_t link;                       /* frame */
	uint8_t mac[6];
	uint64_t at_ms;
};

struct world {
	struct fake_host fake;
	struct mag *mag;
	struct mag_config config;
	struct policy *policy;
	struct engine_time now;
	bool hold; /* transactions wait for world_apply() */

	struct hash_index link_places; /* (link, MAC) -> place in links */
	struct world_link *links;
	unsigned link_entries, link_count, links_seen;
	uint64_t *pbu_ms, *frame_ms; /* when each message was sent */
	unsigned pbu_count, frame_count;
};

extern struct world *world;
extern const uint8_t world_mac[6]; /* of mn1@example.com */
extern const struct in6_addr world_lma, world_mag;

/* cmocka fixtures: one MAG with two LMAs, nodes mn1 (prefixes by the LMA), mn2 and a default profile. */
int world_setup(void **state);
int world_teardown(void **state);
/* After a change of world->config: a new engine. */
void world_restart(void);
/* No default profile. */
void world_refuse_unknown(void);

struct in6_addr world_ip6(const char *text);
struct home_network_prefix world_prefix(const char *text);
/* Let @ms pass, timers fire on their time. */
void world_pass(uint64_t ms);
/* Apply everything that waits. */
void world_apply(void);

/* Packets of mobile nodes. */
void world_hears(uint16_t link, const uint8_t mac[6], const void *bytes, uint16_t length);
void world_rs(uint16_t link, const uint8_t mac[6], const char *source);
void world_ns(uint16_t link, const uint8_t mac[6], const char *source, const char *target);
void world_na(uint16_t link, const uint8_t mac[6], const char *source);

struct world_pba {
	uint8_t status;
	uint16_t lifetime_s;
	const char *prefixes[PROXY_PREFIXES_MAX + 1]; /* none: those of the PBU, or the MN's first one */
	unsigned wrong;                               /* WRONG_... */
	int sequence_plus;
	const struct in6_addr *source; /* NULL: the LMA that was asked */
	uint16_t sequence;             /* with 135 */
	struct in6_addr link_local;
};
#define WRONG_ID         1
#define WRONG_HI         2
#define WRONG_ATT        4
#define WRONG_LINK_LAYER 8
#define WRONG_P_FLAG     16

/* Answer the newest PBU. */
void world_answer(const struct world_pba *pba);
void world_accept(void);
void world_reject(uint8_t status);
/* RS of mn1 on link 0 and the LMA's acceptance: active with 2001:db8:f1:1::/64. */
void world_attached(void);

/* The PBU @back before the newest, decoded. */
struct world_pbu {
	struct mh_message message;
	struct proxy_options options;
	uint16_t lifetime_s, sequence;
	struct world_message raw;
};
struct world_pbu world_pbu(unsigned back);
/* The frame @back before the newest; @type is asserted. */
struct world_message world_frame(unsigned back, uint8_t type);
/* Prefixes of an RA with their valid lifetimes; returns how many. */
unsigned world_ra_prefixes(struct world_message ra, struct discovery_prefix *prefixes);
struct attachment_view world_view(const uint8_t mac[6]);
bool world_has_node(const uint8_t mac[6]);
const struct forward *world_endpoint(const char *prefix);
const struct world_link *world_link(uint16_t link, const uint8_t mac[6]);
/* The next update of @op is refused with @error. */
void world_fail_next(enum fwd_op op, int error);
/* The node's history has the event. */
bool world_remembers(const uint8_t mac[6], enum history_event event, uint8_t value);
struct mag_stats world_stats(void);
void world_expect_empty(void);
