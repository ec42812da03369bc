/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "engine.h"
#include "timer_wheel.h"

#include "mh/ro.h"

/*
 * Route optimisation between MAGs (draft-abeille-netlmm-proxymip6ro, wire-formats G.2, G.6, G.7): one engine for the
 * LMA and the MAG role. A pure state machine: see engine.h for what goes in and comes out. One association per pair of
 * sessions; it alone emits updates of pairs. Any failure leaves traffic on the path over the LMA.
 *
 * A pair is about the first RO_SIDE_PREFIXES prefixes of each session. Who asks another LMA may know one of them only:
 * such an Init is refused with 136, the Ack names all in tuple A, and the Init follows once more with them.
 *
 * LMA: detects pairs, controls or follows updates, in direct mode (MAGs signal each other) or proxy mode (only LMAs
 * signal MAGs). MAG: keeps the two halves of forwarding state: RX (accept from the peer MAG) and TX (send direct).
 *
 * The host is that of the LMA or MAG engine of the same gateway: one stream of transactions, in which a tunnel to an
 * LMA is created before a pair returns packets to it. Cookies of this engine have bit 63 set.
 *
 * Threads: the control core. Memory: associations come from a slab sized at creation; requests on their way and cached
 * Acks lie on the heap.
 */
struct ro;
struct tunnel_view;

#define RO_COOKIE        (UINT64_C(1) << 63)
#define RO_SIDE_PREFIXES 4
#define RO_PEER_PREFIXES 8
#define RO_KEY_LENGTH    32
#define RO_PAIR_BYTES    512 /* that a pair takes at most at rest, with its places in indexes */

enum ro_role { RO_ROLE_LMA, RO_ROLE_MAG };

/* Another gateway that takes part. */
struct ro_peer {
	struct in6_addr address;
	enum ro_role role;
	/* LMA at an LMA: prefixes that are its own, and that its MNs may have (G.7); MAG: unused. */
	struct home_network_prefix prefixes[RO_PEER_PREFIXES];
	uint8_t prefix_count;
	/* Shared by a MAG and its LMA, for RO Authorisation (G.6.5). */
	bool has_key;
	uint8_t key_id;
	uint8_t key[RO_KEY_LENGTH];
	bool denied; /* by policy: it is asked nothing, its requests get 129, and no pair goes by way of it */
};

/* G.6.7; X(name, default) in ms */
#define RO_TIMERS(X)                   \
	X(ack_timeout_ms, 500)         \
	X(sequence_deadline_ms, 15000) \
	X(pending_lifetime_ms, 30000)  \
	X(esa_confirm_ms, 400)         \
	X(rx_linger_ms, 20000)         \
	X(tombstone_ms, 60000)         \
	X(hold_down_ms, 30000)

/* What happens to a pair. X(NAME, "word", what the value is) */
#define RO_EVENTS(X)                                       \
	X(CREATED, "created", nothing)                     \
	X(TRIGGERED, "triggered", nothing)                 \
	X(ASKED, "started-by-operator", nothing)           \
	X(HINTED, "asked-for-by-mag", nothing)             \
	X(UPDATE, "update", reason)                        \
	X(SENT, "sent", message)                           \
	X(RECEIVED, "received", message)                   \
	X(ACKNOWLEDGED, "acknowledged", status)            \
	X(REFUSED, "refused", status)                      \
	X(TIMED_OUT, "no-answer", message)                 \
	X(ACTIVE, "active", nothing)                       \
	X(QUIET, "direct-path-off", nothing)               \
	X(ROLLED_BACK, "early-activation-undone", nothing) \
	X(NOT_INSTALLED, "forwarding-refused", status)     \
	X(LEFT, "mobile-node-left", nothing)               \
	X(RETURNED, "mobile-node-back", nothing)           \
	X(STOPPED, "stopped-by-operator", nothing)         \
	X(PEER_LOST, "peer-lost", nothing)                 \
	X(PEER_ERROR, "unknown-to-peer-mag", nothing)      \
	X(EXPIRED, "expired", nothing)                     \
	X(HELD_DOWN, "held-down", status)                  \
	X(FALLBACK, "fallback", status)                    \
	X(RECEIVING_ENDED, "receiving-ended", nothing)     \
	X(FORGOTTEN, "forgotten", nothing)

enum ro_event {
#define RO_EVENT_ENUM(name, word, value) RO_EVENT_##name,
	RO_EVENTS(RO_EVENT_ENUM)
#undef RO_EVENT_ENUM
		RO_EVENT_COUNT,
};

const char *ro_event_name(uint8_t event);
/* The value as a word of its kind, "" for nothing. */
const char *ro_event_value(uint8_t event, uint8_t value);
/* The value is an enum ro_status. */
bool ro_event_is_status(uint8_t event);

/* A pair as its events name it; valid during the call. */
struct ro_event_pair {
	uint32_t index;       /* below max_pairs; after FORGOTTEN it means another pair */
	uint64_t prefixes[2]; /* the first one of each side; endpoint.h */
	struct mn_id ids[2];  /* length 0: not known */
};

/* What the engine asks and tells besides its transactions. Any may be NULL; none calls back into the engine. */
struct ro_hooks {
	void *context;
	/* MAG: packets that workers ever sent and took direct under this index; UINT64_MAX: nobody counts. */
	uint64_t (*pair_packets)(void *context, uint32_t pair);
	/* Something happened to a pair: pair_events_note(). */
	void (*pair_event)(void *context, const struct engine_time *now, const struct ro_event_pair *pair,
		enum ro_event event, uint8_t value);
};

struct ro_config {
	enum ro_role role;
	struct in6_addr address; /* LMAA or proxy-CoA */
	bool native;             /* profile of own requests; else exp */
	uint32_t experiment_id;
	bool proxy;       /* LMA: mode of what it triggers */
	bool early;       /* LMA: asks for early state activation; MAG: allows it */
	bool trust_peers; /* direct-trust: peers; else every Setup of a MAG needs an RO Authorisation */
	uint16_t lifetime_s;
	uint8_t retries; /* RO_MAX_RETRIES */
#define RO_TIMER_MEMBER(name, ms) uint32_t name;
	RO_TIMERS(RO_TIMER_MEMBER)
#undef RO_TIMER_MEMBER
	bool pbu_for_setup; /* MAG, direct mode: PBU and PBA in place of RO Setup (RO-035); else both are refused */
	uint8_t access_technology; /* MAG: ATT of these PBUs */
	/* LMA, of one MN (G.7) */
	uint32_t node_pending, node_active, node_triggers_per_s;
	uint32_t max_pairs;
	const struct ro_peer *peers; /* outlive the engine */
	unsigned peer_count;
	const struct home_network_prefix *eligible; /* HNPs that may take part (RO-002); outlive the engine */
	unsigned eligible_count;                    /* 0: all */
	struct fwd_tunnel tunnel; /* MAG: shape of tunnels to other MAGs, as tunnels_create() wants it */
	struct ro_hooks hooks;
};

/* The draft's and this project's defaults: everything but role, address, peers and tunnel. */
struct ro_config ro_config_default(void);
/* 0, or -EINVAL: timers that contradict each other (G.6.7: ESA < ack, deadline < linger < pending < tombstone). */
int ro_config_check(const struct ro_config *config);

/* A session as its owner (binding cache or binding update list) knows it. */
struct ro_session {
	struct mn_id id;                     /* valid until the next call into the owner */
	uint64_t prefixes[RO_SIDE_PREFIXES]; /* endpoint.h; the first ones */
	uint8_t prefix_count;
	struct ro_ipv4_home ipv4;   /* told to the other gateways; length 0: none */
	bool allowed;               /* by policy */
	bool in_order;              /* MAG: by policy, RO-077 */
	struct in6_addr mag;        /* current proxy-CoA */
	struct in6_addr former_mag; /* LMA: the one before, for a while after a handover; :: if none */
	struct in6_addr lma;
	uint16_t link; /* MAG: access link and MAC of the MN */
	uint8_t mac[6];
	uint32_t node; /* index and generation */
	uint32_t generation;
};

struct ro_session_ops {
	/* The session that has the prefix; false: none is active here. */
	bool (*find_by_prefix)(void *context, uint64_t prefix, struct ro_session *session);
	/* Any session of the MN. */
	bool (*find_by_id)(void *context, const struct mn_id *id, struct ro_session *session);
	/* MAG: one more or less user of the tunnel to an LMA, LMA: of that to a MAG, in the host's open transaction.
	 * INDEX_NONE: none to be had. */
	uint32_t (*tunnel_acquire)(void *context, const struct in6_addr *lma);
	void (*tunnel_release)(void *context, uint32_t tunnel);
};

/* NULL: not enough memory, or ro_config_check() fails. */
struct ro *ro_create(const struct ro_config *config, struct engine_host *host, const struct ro_session_ops *sessions,
	void *context, const struct engine_time *now);
void ro_destroy(struct ro *ro);

/* A decoded RO message from a configured peer. */
void ro_message(struct ro *ro, const struct engine_time *now, const struct mh_datagram *datagram,
	const struct mh_message *message);

/*
 * MAG: a PBU or PBA that another MAG sent in place of RO Setup and its Ack (RO-035, G.6.12). It touches associations
 * only. False: @datagram is not from a MAG that takes part, the message is the binding update list's.
 */
bool ro_pbu(struct ro *ro, const struct engine_time *now, const struct mh_datagram *datagram,
	const struct mh_message *message);
bool ro_pba(struct ro *ro, const struct engine_time *now, const struct mh_datagram *datagram,
	const struct mh_message *message);
/*
 * The peer does not know the type of a message (Binding Error 2). False: no request to it is on its way. Else nothing
 * is asked of it for 300 s, twice as long each further time up to an hour, or until it speaks itself (G.7).
 */
bool ro_binding_error(struct ro *ro, const struct engine_time *now, const struct in6_addr *peer);

enum ro_session_change {
	RO_SESSION_UP,      /* new, or active again */
	RO_SESSION_MOVED,   /* LMA: has another proxy-CoA, after the PBA; MAG: on another access link */
	RO_SESSION_DOWN,    /* gone; its owner does not find it any more */
	RO_SESSION_RENEWED, /* LMA: its MAG de-registered it, and has it again; nothing of its pairs is left there */
	RO_SESSION_KEPT,    /* MAG: it is down, and its LMA refused to hear of it, or did not answer */
};

/*
 * The session that has @prefix as its first one changed. One that gets other prefixes, or another first one, is down
 * and up: its pairs end, and new traffic sets up those of all that it has then. At a MAG, of one that has lost a prefix
 * of a pair nothing is taken for that pair any more; what still comes direct returns to its LMA.
 */
void ro_session_changed(struct ro *ro, const struct engine_time *now, uint64_t prefix, enum ro_session_change change);
/* Workers saw a packet from @source to @destination on the path over the LMA. */
void ro_traffic_seen(struct ro *ro, const struct engine_time *now, uint64_t source, uint64_t destination);
/*
 * LMA, by the operator: 0, -ENOENT (no session or no way to the other), -EALREADY, -EACCES, -ENOSPC, -EOPNOTSUPP (a
 * gateway on the way has no route optimisation).
 */
int ro_start(struct ro *ro, const struct engine_time *now, uint64_t source, uint64_t destination);
/* The pair of the sessions that have these prefixes: 0, or -ENOENT: there is none. */
int ro_stop(struct ro *ro, const struct engine_time *now, uint64_t a, uint64_t b);
/*
 * A peer lost its state or does not answer any more: nothing is sent direct that depends on it. First the direct paths
 * end, then others are told. A bounded part of the work is done here, ro_advance() goes on with it. Returns the pairs
 * that ended.
 */
uint32_t ro_peer_lost(struct ro *ro, const struct engine_time *now, const struct in6_addr *peer);
/*
 * MAG: the peer MAG of an active pair has no state for it (RO Error, G.6.2). Who calls has seen to it that nothing came
 * direct from there of late: probe.h.
 */
void ro_error(struct ro *ro, const struct engine_time *now, uint64_t source, uint64_t destination,
	const struct in6_addr *peer);

/* MAG: a pair that sends direct. */
struct ro_direct {
	uint32_t index, generation;
	bool proxy;
	struct in6_addr peer; /* MAG */
};

/* The first one from slot *@from on, among @slots slots; *@from is where the next look starts, or the pair's slot. */
bool ro_direct_next(const struct ro *ro, uint32_t *from, unsigned slots, struct ro_direct *direct);
/* Behind the last slot. */
uint32_t ro_direct_end(const struct ro *ro);
/* The one that sends from @source to @destination, by any of their prefixes. */
bool ro_direct_find(struct ro *ro, uint64_t source, uint64_t destination, struct ro_direct *direct);

/* Count on; true at the end of a round: ro_peer_pairs() tells of it then. Bounded. */
bool ro_peers_count(struct ro *ro);
/* Pairs for which heartbeats with the peer are exchanged (G.6.14). */
uint32_t ro_peer_pairs(const struct ro *ro, const struct in6_addr *peer);

void ro_transaction_done(struct ro *ro, const struct engine_time *now, uint64_t cookie, int error);
/*
 * Run due timers, a bounded number; returns the monotonic time in ms of the next one, or TIMER_NEVER. A time that has
 * come: there is more to do, call again soon.
 */
uint64_t ro_advance(struct ro *ro, const struct engine_time *now);

/* X(name, word) */
#define RO_STATES(X)              \
	X(NONE, "none")           \
	X(PENDING, "pending")     \
	X(INSTALLED, "installed") \
	X(ACTIVE, "active")       \
	X(FALLBACK, "fallback")

enum ro_state {
#define RO_STATE_ENUM(name, word) RO_STATE_##name,
	RO_STATES(RO_STATE_ENUM)
#undef RO_STATE_ENUM
		RO_STATE_COUNT,
};

const char *ro_state_name(enum ro_state state);

struct ro_side_view {
	struct mn_id id;
	const uint64_t *prefixes;
	unsigned prefix_count;
	struct ro_ipv4_home ipv4; /* length 0: none */
	bool ours;
	struct in6_addr mag, lma;
	bool tx, rx;       /* MAG: halves that are wanted for this MN */
	bool sends, takes; /* MAG: and those that are installed */
	bool goes_back;    /* MAG: what comes for it out of the direct tunnel returns to its LMA */
};

/* One pair as `show pairs` and `why A B` print it; valid until the next call into the engine. */
struct ro_view {
	uint32_t index;
	enum ro_state state; /* FALLBACK: removed, the stamp is kept */
	uint32_t association;
	bool proxy, controller, local, early;
	bool updating;      /* LMA: an update is under way */
	bool handover;      /* the last update, or the one under way, follows an MN */
	uint8_t reason;     /* enum ro_reason, of that update */
	const char *step;   /* LMA: of the update under way */
	const char *driver; /* "ro-direct", "ro-proxy" */
	struct ro_side_view sides[2];
	uint64_t stamp;
	uint16_t lifetime_s;
	/* Monotonic; 0: none. */
	uint64_t expires_ms;
	uint64_t deadline_ms;  /* of the update under way */
	uint64_t hold_down_ms; /* traffic does not trigger it before */
	uint64_t linger_ms;    /* MAG: direct packets are taken until then */
	uint64_t forget_ms;    /* the stamp of a removed pair is kept until then */
	uint8_t last_failure;  /* status; 0: none */
	uint8_t awaited;       /* code of a request whose Ack is awaited; 0: none */
	uint8_t awaited_tries; /* times that it was sent again */
	struct in6_addr awaited_from;
};

/* The first pair with an index >= @from; false if there is none. */
bool ro_pair_next(const struct ro *ro, uint32_t from, struct ro_view *view);
/* The pair of the sessions that have these prefixes, first ones or not. */
bool ro_pair_find(const struct ro *ro, uint64_t a, uint64_t b, struct ro_view *view);

/* What the engine knows of an endpoint and of packets from it to another one, for `why A B` without a pair. */
struct ro_prospect {
	bool here;           /* an active session */
	bool allowed;        /* by policy */
	struct mn_id id;     /* of the session; valid until the next call into its owner */
	uint64_t endpoint;   /* what its pairs are found by: the session's first prefix, or @source */
	struct in6_addr lma; /* ours, or LMA: the peer that has the prefix; :: if nobody has */
	uint64_t seen_ms;    /* monotonic: workers told of such packets; 0: not lately */
};

void ro_prospect(const struct ro *ro, uint64_t source, uint64_t destination, struct ro_prospect *prospect);
/* MAG: the first direct tunnel with an index >= @from; false if there is none. */
bool ro_tunnel_next(const struct ro *ro, uint32_t from, struct tunnel_view *view);

struct ro_stats {
	uint64_t received[RO_CODE_MAX + 1], sent[RO_CODE_MAX + 1], retransmitted[RO_CODE_MAX + 1];
	uint64_t acks_sent[256], acks_received[256], reports[256];
	uint64_t foreign_experiment, not_a_peer, acks_unmatched, duplicates;
	uint64_t triggers, triggers_limited, setups, handovers, refreshes, removals, expiries, timeouts;
	uint64_t limited; /* Inits and hints refused as an MN has enough pairs */
	uint64_t idle;    /* pairs that were removed because nobody used them */
	uint64_t delayed; /* updates that had to wait: 3 a second (G.6.7) */
	uint64_t binding_errors, pbus_received, pbus_sent;
	uint64_t returns; /* LMA: pairs that were taken from the MAG that an MN left */
	uint64_t errors_taken,
		errors_ignored;  /* RO Errors: pairs that ended by them; about no pair that sends direct */
	uint64_t pairs_of_lost;  /* that ended because a peer was lost or restarted */
	uint64_t value_mismatch; /* a peer told something else about an own MN than the binding cache (G.7) */
	uint32_t pairs, active, tunnels;
	uint64_t memory_bytes;
	uint64_t association_bytes; /* of it: all slots, and what leads to those in use */
};

void ro_stats(const struct ro *ro, struct ro_stats *stats);
