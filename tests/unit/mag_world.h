/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "unit.h"

#include <errno.h>
#include <string.h>

#include "access/discovery.h"
#include "format.h"
#include "node/hash_index.h"
#include "pmip/mag.h"

/*
 * What surrounds a MAG engine in its tests: a host that keeps forwarding tables as the owner would (and refuses what
 * the owner would refuse), a clock, a list of what was sent, and an LMA that answers as it is told.
 */
#define WORLD_INDEXES 131072
#define WORLD_SENT    64
#define WORLD_PENDING 4096

struct world_transaction {
	uint64_t cookie;
	struct fwd_update *updates;
	unsigned update_count;
	struct {
		uint8_t *bytes;
		struct mh_datagram datagram;
		struct access_frame frame;
		bool is_frame;
	} messages[8];
	unsigned message_count;
	struct {
		enum index_space space;
		uint32_t index;
	} released[4];
	unsigned released_count;
};

struct world_endpoint {
	uint64_t id;
	struct forward forward;
	bool used;
};

struct world_link {
	uint16_t link;
	uint8_t mac[6];
	uint8_t state;
	uint32_t node;
	bool used;
};

struct world_message {
	uint8_t bytes[1280];
	uint16_t length;
	struct in6_addr source, destination; /* datagram */
	uint16_t link;                       /* frame */
	uint8_t mac[6];
	uint64_t at_ms;
};

struct world_index {
	uint32_t next_free[WORLD_INDEXES];
	uint32_t generation[WORLD_INDEXES];
	bool used[WORLD_INDEXES];
	uint32_t first_free, in_use;
};

struct world {
	struct engine_host host; /* first: the host is the world */
	struct mag *mag;
	struct mag_config config;
	struct policy *policy;
	struct engine_time now;
	uint64_t random;
	bool busy;

	struct world_index spaces[INDEX_SPACE_COUNT];
	struct world_transaction open;
	struct world_transaction pending[WORLD_PENDING];
	unsigned pending_count;
	bool hold; /* transactions wait for world_apply() */
	int fail;  /* error of the next update of op fail_op */
	uint8_t fail_op;

	struct world_endpoint *endpoints;
	struct world_link *links;
	bool *tunnels;
	unsigned endpoint_count, link_count, tunnel_count;
	unsigned refused_updates;
	unsigned clashes; /* inserts of what was in already: never, whatever happens */

	struct world_message pbus[WORLD_SENT]; /* last ones: pbu_count - 1 is the newest */
	struct world_message frames[WORLD_SENT];
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
	const struct world_message *raw;
};
struct world_pbu world_pbu(unsigned back);
/* The frame @back before the newest; @type is asserted. */
const struct world_message *world_frame(unsigned back, uint8_t type);
/* Prefixes of an RA with their valid lifetimes; returns how many. */
unsigned world_ra_prefixes(const struct world_message *ra, struct discovery_prefix *prefixes);
struct attachment_view world_view(const uint8_t mac[6]);
bool world_has_node(const uint8_t mac[6]);
const struct world_endpoint *world_endpoint(const char *prefix);
const struct world_link *world_link(uint16_t link, const uint8_t mac[6]);
/* The history of mn1 has the event. */
bool world_remembers(const uint8_t mac[6], enum history_event event, uint8_t value);
struct mag_stats world_stats(void);
void world_expect_empty(void);
