/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "fake_host.h"
#include "unit.h"

#include "pmip/heartbeat.h"
#include "pmip/lma.h"

/*
 * An LMA with its policy on a fake host, and PBUs to send to it.
 *
 * MAG1..MAG3 are peers, MAG4 is a stranger. Nodes: mn1 (dynamic, one prefix), mn2 (the same), two (dynamic, two
 * prefixes), static (2001:db8:f1:1::/64 and 2001:db8:f1:2::/64), mag1-only (only MAG1 may register it), disabled (no
 * proxy registration), small (pool of four /64s). Nobody else is known.
 */
#define WALL_START_NS  UINT64_C(1700000000000000000)
#define PREFIX_HOLD_S  100
#define LIFETIME_MAX_S 3600
#define ZERO_ID        "zeros" /* stands for six octets of zero */

enum { MAG1, MAG2, MAG3, MAG4, MAG_COUNT };

extern const struct in6_addr lma_address, mag_addresses[MAG_COUNT];

struct lma_world {
	struct fake_host fake;
	struct policy *policy;
	struct lma_config config;
	struct engine_time now;
	struct lma *lma;
	uint16_t sequence; /* of the last PBU that world_pbu() made */
	struct mh_message answer;
	struct fake_message kept; /* bytes behind the last answer */
};

/* A PBU as a test wants it; -1 leaves the option out. */
struct pbu {
	const char *mn; /* NULL: no option */
	int mag;
	const char *prefixes[20]; /* texts of /64s; "::" is ALL_ZERO */
	unsigned prefix_count;
	int indicator, technology;
	const char *link_layer_id; /* up to 253 characters, or ZERO_ID; NULL: none */
	const char *link_local;    /* NULL: none */
	const char *alternate;     /* NULL: none */
	bool has_timestamp;
	uint64_t wall_ns; /* of the timestamp */
	uint16_t sequence, lifetime;
	bool twice; /* the handoff indicator stands twice */
	uint8_t prefix_length;
};

struct pba {
	uint8_t status;
	uint16_t sequence, lifetime;
	struct in6_addr to;
	struct proxy_options options; /* points into the world */
};

/* The engine starts when @adjust (may be NULL) has changed its configuration. */
void world_init(struct lma_world *world, void (*adjust)(struct lma_config *config));
void world_fini(struct lma_world *world);
/* Let time pass and timers fire. */
void world_advance(struct lma_world *world, uint64_t ms);
/* What a MAG sends when @mn attaches: ALL_ZERO, HI 1, ATT 4, a link-layer id, timestamp of now; 1 ms passes. */
struct pbu world_pbu(struct lma_world *world, const char *mn, int mag);
/* The same to extend or end a session: the prefixes of @granted, HI 5 or, with lifetime 0, HI 4. */
struct pbu world_pbu_again(
	struct lma_world *world, const char *mn, int mag, const struct pba *granted, uint16_t lifetime);
/* Heartbeats of the LMA with its MAGs, on the same host; heartbeat_destroy() is the caller's. */
struct heartbeat *world_heartbeat(struct lma_world *world);
/* @mag has an outstanding heartbeat. */
void world_ask_heartbeat(struct lma_world *world, struct heartbeat *heartbeat, int mag);
bool world_heartbeat_unsupported(const struct heartbeat *heartbeat, int mag);
/* A message of @mag in its packet, as a worker punts it: 40 + @length octets on the heap, the caller frees them. */
uint8_t *world_packet(int mag, const uint8_t *bytes, uint16_t length);
void world_send(struct lma_world *world, const struct pbu *pbu);
/* The one message that came out since the last look: a PBA. */
struct pba world_answer(struct lma_world *world);
/* Send, and the answer. */
struct pba world_ask(struct lma_world *world, const struct pbu *pbu);
void world_expect_silence(struct lma_world *world);
/* Register @mn at @mag and expect that it is accepted. */
struct pba world_register(struct lma_world *world, const char *mn, int mag);
unsigned world_bindings(const struct lma_world *world);
/* The only binding of the MN; fails the test if there is another number. */
struct binding_view world_binding(const struct lma_world *world, const char *mn);
/* The endpoint id of a prefix in text. */
uint64_t world_endpoint(const char *prefix);
struct mn_id world_id(const char *mn);
