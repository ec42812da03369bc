/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "engine.h"
#include "transactions.h"

#include "pmip/heartbeat.h"
#include "pmip/lma.h"
#include "pmip/mag.h"
#include "ro/ro.h"

#include "owner.h"
#include "random.h"

/*
 * A PMIPv6 domain in one thread: real engines of LMAs and MAGs, each with its real transactions, forwarding tables
 * behind a simulated door (owner.h), mobile nodes with the part of a host's stack that matters (mobile.c), and a
 * network between them. Time is simulated and all chance comes from one seed: the same seed gives the same run.
 *
 * After every event (in large domains: now and then) the invariants of invariants.c are checked. What breaks one ends
 *the test with the seed, the time and the last arrows.
 *
 *	struct domain *domain = domain_create(&(struct domain_config){.lmas = 1, .mags = 2, .nodes = 1});
 *
 *	mobile_attach(domain, 0, 0);
 *	domain_run(domain, 100);
 *	expect_arrows(domain, "MAG1 -PBU-> LMA1", "LMA1 -PBA-> MAG1");
 *	domain_finish(domain);
 */

#define MN_PREFIXES_MAX 8
#define TUNNELS_MAX     64 /* of a gateway */

enum gateway_role { ROLE_LMA, ROLE_MAG };

/* What goes wrong by chance. All zero: a network that delivers in order after 1 ms, tables that apply at once. */
struct faults {
	uint32_t loss_ppm, duplicate_ppm;    /* of a signalling message */
	uint64_t delay_min_us, delay_max_us; /* of a signalling message; unequal: they overtake each other */
	uint32_t unresolved_ppm;             /* a new tunnel's next hop is not known at once */
	uint32_t unreachable_ppm;            /* of these: it will not be */
	struct owner_faults owner;
};

/* Route optimisation of all gateways. MNs have dynamic prefixes then, of the pools of their LMAs. */
struct ro_options {
	bool enabled;
	bool proxy, early, native, trust_peers;
	bool pbu_for_setup;  /* RO-035 */
	bool two_prefixes;   /* every node has two, and talks from both to both */
	uint16_t lifetime_s; /* 0: 300 */
	uint32_t max_pairs;  /* 0: 1024 */
	uint32_t detecting;  /* bit i: gateway i tells its engine of the pairs that it sees on the path over the LMA */
	uint64_t see_after_ms; /* and as often; 0: 1000 */
};

struct domain_config {
	unsigned lmas, mags, nodes;
	uint64_t seed;            /* 0: that of the command line, or one by default */
	uint32_t lifetime_s;      /* 0: 600 */
	uint32_t nud_interval_ms; /* 0: 5000 */
	uint32_t heartbeat_s;     /* 0: 5 */
	uint32_t traffic_ms;      /* an attached node sends a packet that often; 0: never */
	uint32_t high_water;      /* 0: 4096 */
	uint32_t static_every;    /* every n-th node has a static prefix; 0: none */
	uint32_t pool_length;     /* of the pool of each LMA; 0: 40 */
	bool sequence_numbers;    /* instead of timestamps */
	bool steady;              /* life_act(): no gateway goes away, no clock jumps */
	struct ro_options ro;
	struct faults faults;
};

struct gateway {
	struct domain *domain;
	enum gateway_role role;
	char name[16];
	struct in6_addr address;
	struct policy *policy;
	int64_t wall_offset_ns; /* of its clock */
	uint32_t restart_counter;
	bool alive;

	/* Of the current life. */
	struct lma *lma; /* or */
	struct mag *mag;
	struct ro *ro; /* NULL: disabled */
	struct ro_peer *ro_peers;
	bool refuses_ro;
	uint64_t *pair_packets; /* by index of the pair: sent and taken direct */
	struct heartbeat *heartbeat;
	struct transactions *transactions;
	struct owner *owner;
	uint32_t life; /* counts them */
	uint64_t started_ns;
	uint32_t resolving[TUNNELS_MAX]; /* by tunnel: its next hop is being looked for, under this number; 0: not */
	uint32_t resolving_last;
	uint64_t wake_ns;           /* a wake-up is under way for then; UINT64_MAX: none */
	uint64_t pair_version_seen; /* invariants */
};

struct mobile {
	struct domain *domain;
	char name[16];
	char id[40];
	uint8_t mac[6];
	struct in6_addr link_local;
	unsigned number;
	int mag;        /* index of the gateway it is attached to, -1: none */
	uint32_t epoch; /* counts its moves */
	unsigned rs_left;
	bool has_router;
	uint64_t attached_ns, advertised_ns;       /* of the last move; first advertisement after it, 0: none yet */
	struct in6_addr prefixes[MN_PREFIXES_MAX]; /* valid ones */
	uint64_t heard_by[MN_PREFIXES_MAX];        /* who told of each last: see mobile_source() */
	unsigned prefix_count;
};

enum arrow_kind { ARROW_SIGNALLING = 1, ARROW_HEARTBEAT = 2, ARROW_ACCESS = 4, ARROW_LIFE = 8, ARROW_RO = 16 };

struct domain {
	struct domain_config config;
	struct faults faults; /* may be changed at any time */
	struct sim_random random;
	uint64_t seed, now_ns;
	struct gateway *gateways; /* LMAs, then MAGs */
	unsigned gateway_count;
	struct mobile *mobiles;
	unsigned arrow_kinds;  /* recorded: ARROW_SIGNALLING | ARROW_RO if nobody changes it */
	unsigned arrow_wanted; /* the n-th message of ARROW_RO from now calls at_arrow() when it left; 0: none */
	void (*at_arrow)(struct domain *domain, void *context);
	void *at_arrow_context;
	bool lose_alike;       /* and all that are like it: same sender, receiver and message */
	unsigned lose_number;  /* the n-th message of ARROW_RO from now is lost; 0: none */
	unsigned spoil_number; /* the n-th Ack of ARROW_RO from now says 130 instead; 0: none */
	uint64_t events, messages, lost;
	struct talks *talks;
	uint64_t disturbed_until_ns; /* see domain_disturb() */
	uint64_t calm_ns;            /* time that it was not, in all */
	uint64_t checked_ns;         /* pairs, all of them */
	struct events_queue *queue;
	struct arrows *arrows;
	struct script *script;
};

/*
 * ---- the command line: --seed N, --hours N; environment SIM_SEED, SIM_LOG=1 for the engines' log, SIM_TRACE=1 for
 * every arrow ----
 */

/* Reads them; returns false (and says why) for what it does not know. Call first in main(). */
bool sim_arguments(int argc, char **argv);
uint64_t sim_seed(void);
/* Simulated hours asked for, 0: the short mode. */
unsigned sim_hours(void);
/* SIM_TRACE is set. */
bool sim_traces(void);

/* ---- the domain ---- */

struct domain *domain_create(const struct domain_config *config);
/* Frees it as it is. */
void domain_abandon(struct domain *domain);
/* Lets everybody leave and everything expire, checks that nothing is left anywhere, and frees the domain. */
void domain_finish(struct domain *domain);

struct gateway *domain_lma(struct domain *domain, unsigned number);
struct gateway *domain_mag(struct domain *domain, unsigned number);
/* The LMA that has the prefix in its pool, or NULL. */
const struct gateway *domain_lma_of(const struct domain *domain, uint64_t id);
struct gateway *domain_gateway_at(struct domain *domain, const struct in6_addr *address); /* or NULL */

void domain_run(struct domain *domain, uint64_t ms);
void domain_run_us(struct domain *domain, uint64_t us);
/* Until @condition holds; fails the test after @ms. */
void domain_run_until(
	struct domain *domain, bool (*condition)(struct domain *domain, void *context), void *context, uint64_t ms);

/* Until @arrow has been recorded since the last expect_arrows(); fails the test after @ms. */
void domain_run_until_arrow(struct domain *domain, const char *arrow, uint64_t ms);

/* What a failure says first from now on; NULL: nothing. */
void domain_context(const char *text);
/* Ends the test: says what, when and with which seed. */
void domain_fail(struct domain *domain, const char *format, ...) __attribute__((format(printf, 2, 3), noreturn));

/* ---- gateways ---- */

struct engine_time gateway_time(const struct gateway *gateway);
/* Loses all state; comes back at once, with the next restart counter. */
void gateway_restart(struct gateway *gateway);
void gateway_stop(struct gateway *gateway); /* and stays away */
void gateway_start(struct gateway *gateway);
/* Its wall clock jumps. */
void gateway_step_clock(struct gateway *gateway, int64_t ms);
/* Its next hop is looked for: later, and perhaps not found. */
void gateway_resolve(struct gateway *gateway, uint32_t tunnel);
/* After a call into one of its engines: lets its transactions and timers go on. */
void gateway_run(struct gateway *gateway);

/* The addresses that an LMA gives its nodes. */
struct home_network_prefix gateway_pool(const struct gateway *lma);

/* ---- route optimisation (gateway_ro.c) ---- */

#define RO_DISTURBED_BEYOND_S 60 /* linger, deadline and an exchange */

void gateway_ro_start(struct gateway *gateway, struct engine_host *host, const struct engine_time *now);
void gateway_ro_stop(struct gateway *gateway);
/* Whose session has @prefix at @gateway, or NULL. */
struct mobile *gateway_mobile_of(const struct gateway *gateway, uint64_t prefix, struct ro_session *session);
/* A packet was forwarded by this entry of a pair. */
void gateway_ro_count(struct gateway *gateway, const struct pair_record *record);
/* MAG: its policy allows no node route optimisation, or all again. */
void gateway_refuse_ro(struct gateway *gateway, bool refuses);
void gateway_ro_peer_lost(struct gateway *gateway, const struct engine_time *now, const struct in6_addr *peer);
/*
 * Something happened after which both ends may disagree until a lifetime is over: a gateway lost its state, an exchange
 * went unanswered to its end.
 */
void domain_disturb(struct domain *domain);
/* As the operator at LMA @lma: what ro_start() and ro_stop() return. */
int domain_ro_start(struct domain *domain, unsigned lma, unsigned a, unsigned b);
int domain_ro_stop(struct domain *domain, struct gateway *gateway, unsigned a, unsigned b);

/* ---- traffic between mobile nodes (traffic.c) ---- */

enum path { PATH_NONE, PATH_ANCHOR, PATH_DIRECT, PATH_LOCAL, PATH_RETURN, PATH_COUNT };

/* X(name): where a packet ended that did not arrive */
#define LOSSES(X)        \
	X(radio)         \
	X(dead)          \
	X(source)        \
	X(anchor_source) \
	X(destination)   \
	X(refused)

enum loss {
#define LOSS_ENUM(name) LOSS_##name,
	LOSSES(LOSS_ENUM)
#undef LOSS_ENUM
		LOSS_COUNT,
};

/* One direction of a talk. */
struct flow {
	uint64_t sent, delivered, overtaken;
	uint64_t by_path[PATH_COUNT]; /* of the delivered ones */
	uint64_t lost[LOSS_COUNT];
	enum path path;                               /* of the last one delivered */
	uint64_t last, number;                        /* of the last one sent and the last one delivered, from 1 */
	uint64_t refused_ns;                          /* the peer MAG refuses direct packets since; 0: it does not */
	unsigned refused_from;                        /* of that gateway */
	unsigned refused_at;                          /* and that is the peer, */
	uint32_t refused_life;                        /* in this life */
	uint64_t refused_source, refused_destination; /* between these: nodes have other addresses now and then */
	uint64_t last_refused_ns;
	uint64_t error_ns;     /* last RO Error of that life; 0: none yet */
	uint64_t direct_ns;    /* last packet out of the direct tunnel that was taken */
	unsigned direct_at;    /* at that gateway */
	uint64_t seen_ns[16];  /* by gateway: its engine was told */
	uint64_t gap_ns;       /* longest time from one delivered to the next */
	uint64_t delivered_ns; /* the last one */
};

/* MNs @a and @b send each other a packet every @ms. Returns the number of the talk. */
unsigned domain_talk(struct domain *domain, unsigned a, unsigned b, uint64_t ms);
void domain_hush(struct domain *domain, unsigned talk);
/* From @a to @b (0) or back (1). */
struct flow *domain_flow(struct domain *domain, unsigned talk, unsigned direction);
/* Forget what was counted. */
void domain_flows_clear(struct domain *domain);
uint64_t flow_lost(const struct flow *flow); /* in all */
/* The way that a packet of @from would go to @to now. */
enum path domain_path(struct domain *domain, unsigned from, unsigned to);
/* Both ways are PATH_DIRECT, or both PATH_LOCAL. */
bool domain_is_direct(struct domain *domain, unsigned a, unsigned b);
struct talks *talks_create(void);
void talks_destroy(struct talks *talks);
/* Since when one of both sends direct and the other not, with the same newest update; 0: they agree. */
struct agreement {
	uint64_t since_ns, stamp;
};
struct agreement *domain_agreement(struct domain *domain, unsigned talk);
/* The MNs of a talk; false past the last. */
bool talk_get(const struct domain *domain, unsigned talk, unsigned mobiles[2]);
bool talk_is_on(const struct domain *domain, unsigned talk);
/* For a failure: who talks, and which way. */
void traffic_print(const struct domain *domain);

/* ---- scripted faults: the next @count messages with that arrow ---- */

void domain_lose(struct domain *domain, const char *arrow, unsigned count);
/* No message is lost any more that domain_lose() or lose_number say. */
void domain_unlose(struct domain *domain);
void domain_duplicate(struct domain *domain, const char *arrow, unsigned count, uint64_t after_ms);
void domain_delay(struct domain *domain, const char *arrow, unsigned count, uint64_t ms);

/* ---- arrows ---- */

/* Everything recorded since the last call, in order, is exactly this. */
#define expect_arrows(domain, ...) \
	domain_expect_arrows(domain, __FILE__, __LINE__, (const char *const[]){__VA_ARGS__, NULL})
void domain_expect_arrows(struct domain *domain, const char *file, int line, const char *const *expected);
void domain_forget_arrows(struct domain *domain);
unsigned domain_arrows(const struct domain *domain); /* recorded since then */
/* How often @arrow was recorded since then. */
unsigned domain_count_arrows(const struct domain *domain, const char *arrow);
void domain_record(struct domain *domain, enum arrow_kind kind, const char *from, const char *label, const char *to);

/* ---- mobile nodes (mobile.c) ---- */

void mobiles_create(struct domain *domain);
/* Node @number is on the access link of MAG @mag from now on: it solicits, as a host does when its link comes up. */
void mobile_attach(struct domain *domain, unsigned number, unsigned mag);
/*
 * It is on the access link of MAG @mag from now on and does not notice, as behind a switch: it solicits nothing, and
 * its next packet leaves there.
 */
void mobile_slip(struct domain *domain, unsigned number, unsigned mag);
/* It is gone, and nobody is told. */
void mobile_leave(struct domain *domain, unsigned number);
/* A frame of @gateway for @mac on @link, if that node is there. */
void mobile_receive(struct domain *domain, const struct gateway *gateway, uint16_t link, const uint8_t mac[6],
	const uint8_t *bytes, uint16_t length);
void mobile_solicit(struct domain *domain, unsigned number, uint32_t epoch);
void mobile_traffic(struct domain *domain, unsigned number, uint32_t epoch);
/* Its MAG told it of that prefix, and is there to withdraw it. */
bool mobile_has(const struct domain *domain, unsigned number, uint64_t endpoint);
/* The endpoint id of its first prefix, of those that its MAG told it of if there are any; ENDPOINT_NONE: it has none.
 */
uint64_t mobile_endpoint(const struct domain *domain, unsigned number);
/* Another one that it is told of at the same place, if it has one. */
uint64_t mobile_other_endpoint(const struct domain *domain, unsigned number);
struct mn_id mobile_id(const struct mobile *mobile);
/*
 * The life of the MAG that it hears since its last move. Only this one can withdraw what it told; what others told
 * before stays with the host until its lifetime ends.
 */
uint64_t mobile_source(const struct mobile *mobile);

/* ---- what others schedule ---- */

void domain_schedule_solicit(struct domain *domain, const struct mobile *mobile, uint64_t delay_us);
void domain_schedule_traffic(struct domain *domain, const struct mobile *mobile, uint64_t delay_us);
/* A packet of @mobile for the MAG that it is attached to. */
void domain_uplink(struct domain *domain, const struct mobile *mobile, const uint8_t *bytes, uint16_t length);

/* ---- invariants (invariants.c) ---- */

/* What has to hold at any time, at one gateway and between them. */
void invariants_check(struct gateway *gateway);
void invariants_check_all(struct domain *domain);
/* Pairs, at all gateways (wire-formats G.6.15): after every event; does the work when something changed. */
void invariants_check_pairs(struct domain *domain);
/*
 * What has to hold when faults are over and time has passed: every attached node is registered by its MAG alone, has
 * forwarding at both ends and the prefixes of its binding.
 */
void invariants_check_converged(struct domain *domain);
bool mobile_is_served(struct domain *domain, unsigned number);
bool everybody_is_served(struct domain *domain, void *context);
/* Nothing is left of anybody. */
void invariants_check_empty(struct domain *domain);
/* Every binding and attachment with its state, for a failure. */
void domain_print(const struct domain *domain);
