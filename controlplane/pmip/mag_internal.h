/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "pmip/mag.h"

#include "node/hash_index.h"
#include "pmip/prefix_set.h"

/*
 * Inside of the MAG engine. An attachment is one MN on an access link: a slot of the slab (mag_node.c), a registration
 * with its LMA (mag_signal.c, mag_pba.c), forwarding state (mag_forwarding.c), advertisements (mag_access.c) and
 * presence (mag_presence.c). mag_attach.c has what starts and ends it, mag_walk.c what is done with all of them.
 *
 * Every entry point copies the time with mag_enter(); functions below it read mag->now. Each closes the transactions
 * that it opens before it returns.
 */

#define SLAB_CHUNK 256 /* attachments that are allocated at a time; slots never move */

#define PBU_PER_WINDOW 2 /* wire-formats B.10: at most 2 PBU/s per MN */
#define PBU_WINDOW_MS  1000

/* What a committed transaction was about: bits 60 to 62 of its cookie (63 is another engine's). */
enum mag_transaction { TRANSACTION_NONE, TRANSACTION_LINK, TRANSACTION_INSTALL, TRANSACTION_REMOVE };

/* What follows when a de-registration has ended. */
enum after_deregistration {
	AFTER_REMOVE, /* the MN is gone */
	AFTER_DETACH, /* by the operator: only a router solicitation brings it back for refused_hold_s */
	AFTER_REFUSE, /* no service for refused_hold_s */
};

struct attachment {
	struct timer signal;    /* retransmission, refresh, retry, end of a hold: by state */
	struct timer presence;  /* next look at last_seen_ms, or next probe */
	struct timer advertise; /* next unsolicited advertisement */

	uint64_t last_seen_ms;
	uint64_t expires_ms;              /* of the binding at the LMA; 0: none */
	uint64_t next_try_ms;             /* next PBU, or end of the hold; TIMER_NEVER: none */
	uint64_t ra_ms;                   /* last advertisement */
	uint64_t awaited_rs_ms;           /* a first RS until then belongs to the attachment */
	uint64_t sent_ns[PBU_PER_WINDOW]; /* last PBUs, newest first */

	uint64_t told;               /* first prefix of the session that the listener knows; ENDPOINT_NONE: none */
	struct prefix_set prefixes;  /* of the session; forwarded if installed */
	struct prefix_set withdrawn; /* to be advertised with lifetimes 0, as long as finals > 0 */

	struct in6_addr link_local;        /* of the MN, :: if unknown */
	struct in6_addr seen_address;      /* global source of its discovery: to probe without a link-local address */
	struct in6_addr router_link_local; /* ours on its link */

	uint64_t timestamp; /* of the last PBU */
	uint64_t upn_ms;    /* last update notification; 0: none */
	uint8_t *id;        /* octets of the MN identifier */
	uint8_t id_subtype, id_length;
	uint8_t mac[6];
	uint16_t link;
	uint16_t sequence, sequence_first; /* PBUs of the exchange under way: first..last */
	uint16_t upn_sequence;             /* of the last update notification */
	uint32_t index, generation;
	uint32_t peer; /* its LMA in the policy */
	uint32_t tunnel;
	uint32_t requested_s, lifetime_s;
	uint32_t pbu_pba_us;

	uint8_t state;             /* enum attachment_state */
	uint8_t handoff_indicator; /* of the exchange under way */
	uint8_t after;             /* enum after_deregistration */
	uint8_t tries;             /* PBUs of the exchange */
	uint8_t backoff;           /* rejections in a row: 1 s << backoff */
	uint8_t probes;            /* unanswered so far; 0: not probing */
	uint8_t finals;            /* withdrawals left to send */
	uint8_t initial_ras;       /* initial advertisements left */
	uint8_t epoch;             /* changes when its forwarding goes: older transactions do not matter */
	uint16_t pending;          /* installing transactions of the epoch */
	uint8_t last_status;
	uint8_t upn_status; /* answer to the last update notification */
	bool used : 1;
	bool has_status : 1;
	bool local_routing : 1;
	bool ro_denied : 1;
	bool in_order : 1;
	bool installed : 1;        /* forwarding is in the tables, or on its way */
	bool bound : 1;            /* the LMA may have a binding */
	bool halted : 1;           /* an echo differed: no PBU before an administrative action */
	bool retried_sequence : 1; /* 135 in this exchange */
	bool advertised : 1;       /* the MN heard of the prefixes, with lifetimes over 0 */
	bool own_link_local : 1;   /* router_link_local is settled: the LMA is told it, not asked for one */
	bool verify : 1;           /* PBU waits for a sign of presence */
	bool renew : 1;            /* registers again: by the walk, or when its forwarding is applied */
	bool leave : 1;            /* the walk de-registers it */
	bool asked : 1;            /* the walk does what an update notification asks for */
	bool elsewhere : 1;        /* verify: the LMA has its binding at another MAG */
	struct history history;
};

struct mag {
	struct mag_config config;
	struct engine_host *host;
	struct engine_time now;
	struct timer_wheel wheel;
	struct timer walk; /* paces renewals and the shutdown */
	uint32_t walk_at;
	bool walk_again;            /* flags were set behind walk_at */
	struct attachment **chunks; /* slab by node index */
	uint32_t chunk_count;
	uint32_t top; /* one past the highest index ever used */
	struct hash_index by_mac, by_id, by_prefix;
	uint64_t seed;
	struct tunnels *tunnels;
	uint32_t refused;  /* attachments that hold no service */
	uint32_t removals; /* removing transactions under way */
	uint16_t sequence; /* with timestamps: one counter for all */
	bool shutting_down;
	struct mag_stats stats;
	void (*changed)(void *context, const struct engine_time *now, uint64_t prefix, enum mag_session_change change);
	void *changed_context;
};

static inline void mag_enter(struct mag *mag, const struct engine_time *now)
{
	mag->now = *now;
}

static inline uint64_t mag_ms(const struct mag *mag)
{
	return engine_ms(&mag->now);
}

static inline struct mn_id attachment_id(const struct attachment *a)
{
	return (struct mn_id){.subtype = a->id_subtype, .length = a->id_length, .data = a->id};
}

static inline bool mac_equal(const uint8_t a[6], const uint8_t b[6])
{
	return __builtin_memcmp(a, b, 6) == 0;
}

/* ---- mag_node.c: the slab and its indexes ---- */

/* A used slot, or NULL. */
struct attachment *node_at(const struct mag *mag, uint32_t index);
struct attachment *node_by_mac(const struct mag *mag, const uint8_t mac[6]);
struct attachment *node_by_id(const struct mag *mag, const struct mn_id *id);
struct attachment *node_by_prefix(const struct mag *mag, const struct home_network_prefix *prefix);
/* A slot with its index, in both node indexes; NULL: no room (or max_nodes reached). */
struct attachment *node_create(struct mag *mag, uint16_t link, const uint8_t mac[6], const struct policy_node *policy);
/* Gives the slot and, with the open transaction, its index back. Forwarding must be gone. */
void node_destroy(struct mag *mag, struct attachment *a);
/* The session's prefixes, and their index. 0 or -ENOMEM. */
int node_set_prefixes(struct mag *mag, struct attachment *a, const struct home_network_prefix *prefixes, unsigned n);
const struct policy_peer *node_lma(const struct mag *mag, const struct attachment *a);
void node_set_state(struct mag *mag, struct attachment *a, enum attachment_state state);
/* Into the node's history and the host's. */
void node_note(struct mag *mag, struct attachment *a, enum history_event event, uint8_t value);
/* Text of the id for a log line, in a buffer that the next call overwrites. */
const char *node_name(const struct attachment *a);

/* ---- mag_signal.c: PBUs and their timers ---- */

void signal_fire(struct timer *timer, void *context, uint64_t now_ms);
/* Start an exchange: the first PBU leaves as soon as the rate limit lets it, into an own transaction. */
void signal_register(struct mag *mag, struct attachment *a, enum handoff_indicator hi);
/* As above into the open transaction, for a new attachment. */
void signal_register_open(struct mag *mag, struct attachment *a, enum handoff_indicator hi);
/* Send the request that is under way again, at once (135). */
void signal_again(struct mag *mag, struct attachment *a);
/* The request under way once more: its answer is overdue, and the MN is there. */
void signal_retransmit(struct mag *mag, struct attachment *a);
/* After a rejection: register again in @delay_ms. */
void signal_wait(struct mag *mag, struct attachment *a, uint64_t delay_ms, bool verify);
void signal_deregister(struct mag *mag, struct attachment *a, enum after_deregistration after);
/* Arm the timer for what the state waits for. */
void signal_schedule(struct mag *mag, struct attachment *a);
/* The MN is there, and may have been elsewhere: assert its binding if the last PBU is not too young. */
void signal_assert(struct mag *mag, struct attachment *a);

/* ---- mag_forwarding.c: transactions ---- */

uint64_t transaction_cookie(struct mag *mag, struct attachment *a, enum mag_transaction kind);
void forwarding_link(struct mag *mag, const struct attachment *a, enum link_state state);
/* Tunnel, link and prefixes in, the advertisement behind them; 0 or -ENOSPC (nothing done). Commits. */
int forwarding_install(struct mag *mag, struct attachment *a);
/* The session has the @n prefixes instead of its own. 0 or negative errno (nothing done). Commits. */
int forwarding_change(struct mag *mag, struct attachment *a, const struct home_network_prefix *prefixes, unsigned n);
/* Prefixes and tunnel out; the link stays with @state. Into the open transaction. */
void forwarding_uninstall(struct mag *mag, struct attachment *a, enum link_state state);
/* Everything out, with a withdrawal, and the attachment destroyed. Commits. */
void forwarding_remove(struct mag *mag, struct attachment *a);
/* After commits: the listener hears what became of the session. */
void forwarding_tell(struct mag *mag, struct attachment *a);
/* The first prefix of the session, if it has one, or ENDPOINT_NONE. */
uint64_t forwarding_session(const struct attachment *a);
/* The listener heard that @session is down, and the LMA does not want to. */
void forwarding_tell_kept(struct mag *mag, uint64_t session);
/* The MN is on @link now. Commits. */
void forwarding_move(struct mag *mag, struct attachment *a, uint16_t link);

/* ---- mag_access.c: what the MN hears ---- */

void advertise_fire(struct timer *timer, void *context, uint64_t now_ms);
/* Advertise the session's prefixes; into the open transaction. */
void access_advertise(struct mag *mag, struct attachment *a);
/* The schedule of unsolicited advertisements from now on. */
void access_schedule(struct mag *mag, struct attachment *a);
/* Withdraw the session's prefixes and ourselves as router; into the open transaction. */
void access_withdraw(struct mag *mag, struct attachment *a);
void access_probe(struct mag *mag, struct attachment *a);

/* ---- mag_presence.c: is the MN there ---- */

void presence_fire(struct timer *timer, void *context, uint64_t now_ms);
void presence_start(struct mag *mag, struct attachment *a);
/* A sign of life. */
void presence_seen(struct mag *mag, struct attachment *a);
/* Was it seen less than @idle_max_ms ago? If not, it is probed and the registration goes on when it answers. */
bool presence_verified(struct mag *mag, struct attachment *a, uint64_t idle_max_ms);

/* ---- mag_attach.c: beginnings and ends ---- */

/* Come back to service out of a de-registration, a refusal or a detach. */
void attach_again(struct mag *mag, struct attachment *a, enum history_event cause);
/* A new MN, or one that is known and on @link from now on; NULL: -EACCES refused, -ENOSPC no room. */
struct attachment *attach(struct mag *mag, uint16_t link, const uint8_t mac[6], enum history_event cause, int *error);
/* The MN is gone or shall go. */
void detach(struct mag *mag, struct attachment *a, enum after_deregistration after);
/* No service for refused_hold_s, or (@forever) until an administrative action. */
void refuse(struct mag *mag, struct attachment *a, bool forever);
/* The LMA has no binding (any more) for the session: withdraw, take the forwarding out. Commits. */
void binding_lost(struct mag *mag, struct attachment *a, bool keep_prefixes);
/* What @after says, when the LMA has answered or the wait is over. */
void deregistered(struct mag *mag, struct attachment *a);
/* The same; the LMA refused or did not answer, so its binding may be as it was: that is told (MAG_SESSION_KEPT). */
void deregistered_in_vain(struct mag *mag, struct attachment *a);

/* ---- mag_walk.c: renewals and the shutdown ---- */

void walk_fire(struct timer *timer, void *context, uint64_t now_ms);
/* Every MN of the LMA: notice_register(). */
void walk_ask(struct mag *mag, const struct in6_addr *lma);

/* ---- mag_notice.c: update notifications ---- */

/* FORCE-REREGISTRATION: register it again if it is there. Returns the status of the acknowledgement. */
uint8_t notice_register(struct mag *mag, struct attachment *a);
