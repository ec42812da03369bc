/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "engine.h"
#include "transactions.h"

#include "pmip/heartbeat.h"
#include "pmip/lma.h"
#include "pmip/mag.h"

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
	struct heartbeat *heartbeat;
	struct transactions *transactions;
	struct owner *owner;
	uint32_t life;                   /* counts them */
	uint32_t resolving[TUNNELS_MAX]; /* by tunnel: its next hop is being looked for, under this number; 0: not */
	uint32_t resolving_last;
	uint64_t wake_ns; /* a wake-up is under way for then; UINT64_MAX: none */
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

enum arrow_kind { ARROW_SIGNALLING = 1, ARROW_HEARTBEAT = 2, ARROW_ACCESS = 4, ARROW_LIFE = 8 };

struct domain {
	struct domain_config config;
	struct faults faults; /* may be changed at any time */
	struct sim_random random;
	uint64_t seed, now_ns;
	struct gateway *gateways; /* LMAs, then MAGs */
	unsigned gateway_count;
	struct mobile *mobiles;
	unsigned arrow_kinds; /* recorded: ARROW_SIGNALLING if nobody changes it */
	uint64_t events, messages, lost;
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

/* ---- the domain ---- */

struct domain *domain_create(const struct domain_config *config);
/* Lets everybody leave and everything expire, checks that nothing is left anywhere, and frees the domain. */
void domain_finish(struct domain *domain);

struct gateway *domain_lma(struct domain *domain, unsigned number);
struct gateway *domain_mag(struct domain *domain, unsigned number);
struct gateway *domain_gateway_at(struct domain *domain, const struct in6_addr *address); /* or NULL */

void domain_run(struct domain *domain, uint64_t ms);
/* Until @condition holds; fails the test after @ms. */
void domain_run_until(
	struct domain *domain, bool (*condition)(struct domain *domain, void *context), void *context, uint64_t ms);

/* Until @arrow has been recorded since the last expect_arrows(); fails the test after @ms. */
void domain_run_until_arrow(struct domain *domain, const char *arrow, uint64_t ms);

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
/* After a call into one of its engines: lets its transactions and timers go on. */
void gateway_run(struct gateway *gateway);

/* ---- scripted faults: the next @count messages with that arrow ---- */

void domain_lose(struct domain *domain, const char *arrow, unsigned count);
void domain_duplicate(struct domain *domain, const char *arrow, unsigned count, uint64_t after_ms);
void domain_delay(struct domain *domain, const char *arrow, unsigned count, uint64_t ms);

/* ---- arrows ---- */

/* Everything recorded since the last call, in order, is exactly this. */
#define expect_arrows(domain, ...) \
	domain_expect_arrows(domain, __FILE__, __LINE__, (const char *const[]){__VA_ARGS__, NULL})
void domain_expect_arrows(struct domain *domain, const char *file, int line, const char *const *expected);
void domain_forget_arrows(struct domain *domain);
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
