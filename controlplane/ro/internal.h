/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "node/hash_index.h"
#include "pmip/ident.h"
#include "pmip/tunnels.h"
#include "ro/ro.h"

/*
 * Inside of the route optimisation engine.
 *	association.c  the object and its indexes; forwarding.c: what is installed of it
 *	exchange.c     requests until their Acks, Acks until they are old
 *	lma.c          LMA role: what starts an update; prefixes.c: all of an MN, with two LMAs; reports.c: what is
 *heard of it; controller.c: updates step by step by the table of a driver; returns.c: what comes back from MAGs that
 *MNs left mag.c          MAG role: messages; mag_changes.c: the rest; pbu.c: PBU and PBA in place of RO Setup;
 *	               marker.c: the order of packets
 *	peers.c        the other gateways; paths.c: what direct paths rest on
 *	events.c       words of what happens; pair_events.c: who remembers it; view.c: what is shown
 */

/* One MN of a pair. */
struct side {
	struct ident id;
	uint64_t prefixes[RO_SIDE_PREFIXES];
	uint8_t prefix_count;     /* of the pair */
	bool behind : 1;          /* behind them stands the session's first prefix, which is not of the pair */
	bool ours : 1;            /* served here */
	bool tx : 1, rx : 1;      /* MAG: halves wanted for this MN */
	struct ro_ipv4_home ipv4; /* told and shown only: no authorisation covers it, no packet is sent by it */
	struct in6_addr mag, lma; /* :: if not known */
};

/*
 * Steps of an update at an LMA. The LMA whose MAG gets the Init leads, the other one follows; with one LMA it does
 * both. X(name, word)
 */
#define RO_STEPS(X)                               \
	X(IDLE, "idle")                           \
	X(ASK, "init-to-lma")                     \
	X(LEAD_INIT, "init-to-mag")               \
	X(LEAD_WAIT_MAG, "report-of-mag-awaited") \
	X(LEAD_READY, "report-of-ready-mag")      \
	X(LEAD_WAIT_LMA, "report-of-lma-awaited") \
	X(LEAD_SETUP, "setup-of-first-mag")       \
	X(LEAD_TELL, "report-to-lma")             \
	X(FOLLOW_WAIT, "leader-awaited")          \
	X(FOLLOW_SETUP, "setup-of-second-mag")    \
	X(FOLLOW_TELL, "report-to-leader")

enum step {
#define STEP_ENUM(name, word) STEP_##name,
	RO_STEPS(STEP_ENUM)
#undef STEP_ENUM
		STEP_COUNT,
};

/* What follows a step that went well; the drivers' tables. */
struct driver {
	const char *name;
	uint8_t next_one[STEP_COUNT]; /* one LMA */
	uint8_t next_two[STEP_COUNT];
};

extern const struct driver driver_direct, driver_proxy;

struct association;

/*
 * A request until its Ack. It leaves, and the time for the Ack begins, when the transaction that it is of was applied:
 * a newer update cancels what has not left. A removal is part of the transaction, and nothing takes it back.
 */
struct exchange {
	struct exchange *next;
	struct association *association;
	struct timer timer;
	struct in6_addr peer;
	uint32_t id;
	uint16_t sequence;
	uint16_t serial; /* of the transaction */
	bool waits;      /* for it */
	uint8_t code;
	uint8_t value;
	uint8_t tries;
	bool removal; /* Lifetime 0: outlives the update */
	bool is_sent;
	bool pbu;
	uint16_t length;
	uint8_t bytes[];
};

/* The last Ack to a peer for a code. */
struct cached_ack {
	struct cached_ack *next;
	struct in6_addr peer;
	uint64_t stamp;
	uint64_t expires_ms;
	uint32_t id;
	uint16_t sequence;
	uint16_t serial; /* of the transaction that it waits for */
	uint8_t code;    /* of the request */
	bool waits;      /* not applied yet: a duplicate is not answered */
	uint16_t length;
	uint8_t *bytes;
};

/* A tunnel that the entries of a transaction do not name any more; it goes when that one was applied. */
struct retired {
	struct retired *next;
	uint32_t tunnel;
	uint16_t serial;
	bool to_lma;
};

struct association {
	struct side sides[2];
	uint32_t index, generation;
	uint32_t id;
	uint32_t tunnel, former; /* MAG: to the peer MAG, and the one before; LMA: see returns.c */
	uint32_t back;           /* MAG: to the LMA of an MN that left */
	uint64_t stamp;          /* highest, 48.16 */
	bool used : 1, proxy : 1, early : 1, controller : 1, handover : 1, local : 1;
	bool rolled_back : 1; /* MAG: early activation was not confirmed in time */
	bool receives : 1;    /* MAG: receive_serial was applied */
	bool has_token : 1;
	bool switched : 1;      /* MAG: the peer is another than TX was installed with */
	bool marker_due : 1;    /* MAG: TX goes on in the open transaction */
	bool yielded : 1;       /* LMA: the other one controls, and its Init is awaited (G.6.8) */
	bool held_for_mn : 1;   /* LMA: held down until the MN that was nowhere is somewhere */
	uint8_t moved : 1;      /* side of the handover */
	uint8_t lead : 1;       /* LMA: side whose MAG gets the Init */
	uint8_t idle : 2;       /* sides without direct packets since the last refresh; MAG: 3 or 0 */
	uint8_t rate_count : 2; /* LMA: updates until rate_end_ms */
	uint8_t state : 3;      /* enum ro_state */
	uint8_t step : 4;       /* LMA: enum step */
	uint8_t attempts : 3;   /* LMA: with a greater stamp, after 135 */
	uint8_t reason;         /* of the update */
	uint8_t last_failure;
	uint8_t hold; /* MAG: number of the switch-over to direct packets of the peer, RO-077; 0: none */
	struct ro_authorisation token; /* for the Setup of this update */
	uint16_t lifetime_s;
	uint16_t sequence;       /* of own requests */
	uint16_t serial;         /* of own transactions */
	uint16_t receive_serial; /* MAG: the transaction that last changed RX */
	uint16_t settled;        /* MAG: refusals of transactions before this one are dealt with */
	uint16_t path_serial; /* MAG: the next hops that those before this one wait for are of a path that was left */
	uint64_t deadline_ms; /* of the update under way; 0: none */
	uint64_t expires_ms;  /* of the lifetime; LMA controller: refresh before; 0: none */
	union {
		uint64_t confirm_ms; /* MAG: of early activation; 0: none */
		uint64_t start_ms;   /* LMA: when an update starts that came too soon; 0: none */
	};
	uint64_t linger_ms;    /* MAG: RX goes; 0: not now; LMA: see returns.c */
	uint64_t former_ms;    /* MAG: the former peer's tunnel goes; 0: none; LMA: see returns.c */
	uint64_t forget_ms;    /* the tombstone ends; 0: alive */
	uint64_t hold_down_ms; /* no new trigger before; 0: none */
	union {
		uint64_t packets;     /* MAG: sent and taken direct until the last refresh */
		uint64_t rate_end_ms; /* LMA: of the second in which rate_count updates were started */
	};
	uint64_t halves[4]; /* MAG: fingerprints of what is installed; TX and RX of side 0 and 1; 0: none */
	struct timer timer;
	struct exchange *exchanges;
	struct cached_ack *acks;
	struct retired *retired;
};

_Static_assert(sizeof(struct association) <= 424, "there may be a million of them");
/* In two indexes, in one of them by either side; just after they have grown. */
_Static_assert(sizeof(struct association) + HASH_SLOTS_OF_3 * sizeof(struct hash_slot) <= RO_PAIR_BYTES,
	"a pair at rest, whose MNs have one prefix each");

struct seen_pair {
	uint64_t source, destination;
	uint64_t at_ms;
	uint64_t hinted_ms;
};

/* Triggers of one MN in a second; one more that falls on it takes it over. */
struct trigger_bucket {
	uint64_t prefix;
	uint64_t start_ms;
	unsigned count;
};

/* What is known of a configured peer. */
struct peer_state {
	uint64_t no_ro_until_ms; /* it does not know our messages; asked nothing before */
	uint32_t no_ro_ms;       /* how long that was last; 0: never */
	uint32_t outstanding;    /* requests to it */
	uint32_t walk_at;        /* slot where the walk over what depends on it goes on */
	uint8_t walk;            /* enum peer_walk */
	uint8_t walk_cause;      /* status */
	uint32_t pairs;          /* that depend on it, by the last count */
	uint32_t counting;       /* by the count under way */
};

enum peer_walk { WALK_NONE, WALK_QUIET, WALK_END };

struct ro {
	struct ro_config config;
	struct engine_host *host;
	const struct ro_session_ops *ops;
	void *context;
	struct engine_time now;
	struct timer_wheel wheel;
	struct association *slots;
	uint32_t top;  /* one past the highest slot ever used */
	uint32_t free; /* head of the list of free slots, or INDEX_NONE */
	struct hash_index by_pair, by_prefix, by_exchange, by_peer, by_infrastructure;
	struct peer_state *peers; /* as config.peers */
	unsigned walking;         /* peers whose loss is dealt with */
	uint32_t count_at;        /* slot where the count of pairs per peer goes on */
	struct tunnels *tunnels;  /* MAG: to other MAGs */
	uint64_t seed;            /* of fingerprints */
	struct seen_pair *seen;   /* memory of both is bounded by max_pairs: what falls on a slot takes it over */
	struct trigger_bucket *buckets;
	uint32_t seen_mask, bucket_mask;
	struct ro_stats stats;
};

/* A request as it came in. */
struct ro_request {
	const struct mh_datagram *datagram;
	struct ro_fixed fixed;
	struct ro_body body;
	const struct mh_message *pbu; /* the PBU or PBA that it was, or NULL */
};

static inline uint64_t ro_ms(const struct ro *ro)
{
	return engine_ms(&ro->now);
}

static inline bool same_address(const struct in6_addr *a, const struct in6_addr *b)
{
	return __builtin_memcmp(a, b, 16) == 0;
}

/* Of a pair that ends now: not before its hold-down, which would be forgotten with it. */
static inline uint64_t tombstone_end(const struct ro *ro, const struct association *a)
{
	uint64_t end = ro_ms(ro) + ro->config.tombstone_ms;

	return end > a->hold_down_ms ? end : a->hold_down_ms;
}

static inline struct mn_id side_id(const struct side *side)
{
	return (struct mn_id){.subtype = side->id.kind, .length = side->id.length, .data = ident_data(&side->id)};
}

/* Of a pair at an LMA: the side that another LMA may anchor; 1 if both are ours. */
static inline unsigned foreign_side(const struct association *a)
{
	return a->sides[0].ours ? 1 : 0;
}

/* ---- ro.c ---- */

uint64_t stamp_now(const struct ro *ro);
/* So far ahead of our clock that it is not believed (G.6.3). */
bool stamp_is_ahead(const struct ro *ro, uint64_t stamp);
void association_fire(struct timer *timer, void *context, uint64_t now_ms);
bool pair_is_alive(const struct association *a);
/* The policy lets every prefix of @side take part. */
bool side_is_eligible(const struct ro *ro, const struct side *side);
/* Has the MN with that prefix less pairs than it may have? */
bool has_room(const struct ro *ro, uint64_t prefix);
/* May the MN with the first prefix @prefix have one pair more? Counts a trigger. */
bool may_trigger(struct ro *ro, uint64_t prefix);
/* Ends direct forwarding of a pair from here, in either role. Commits. */
void pair_end(struct ro *ro, struct association *a, uint8_t cause);

/* Tell who listens what happened to the pair. */
void pair_note(const struct ro *ro, const struct association *a, enum ro_event event, uint8_t value);
/* Where the last report of packets from @source to @destination lies. */
struct seen_pair *seen_slot(const struct ro *ro, uint64_t source, uint64_t destination);

/* ---- peers.c ---- */

int peers_init(struct ro *ro);
void peers_fini(struct ro *ro);
/* NULL: not configured. */
const struct ro_peer *peer_find(const struct ro *ro, const struct in6_addr *address);
struct peer_state *peer_state(const struct ro *ro, const struct in6_addr *address);
/* Some gateway, or we, have an address in it. */
bool prefix_is_infrastructure(const struct ro *ro, uint64_t prefix);
bool peer_is_mag(const struct ro *ro, const struct in6_addr *address);
/* May the MN of another gateway be at the MAG @address? RO_STATUS_ACTIVE, or what is wrong. */
uint8_t check_mag(const struct ro *ro, const struct in6_addr *address);
/* By policy: it is asked nothing. */
bool peer_is_denied(const struct ro *ro, const struct in6_addr *address);
/* May the MN of that session take part, where it is? */
bool session_may(const struct ro *ro, const struct ro_session *session);
/* It answered that it does not know our messages, not long ago. */
bool peer_has_no_ro(const struct ro *ro, const struct in6_addr *address);
/* A message of it came. */
void peer_speaks(struct ro *ro, const struct ro_peer *peer);
/* One turn more of what lost peers leave to do; true: there is more. */
bool peers_walk(struct ro *ro);

/* ---- returns.c ---- */

/* LMA: the MN of side @i left the MAG @left (::: nothing is known): what that returns is taken. Commits. */
void returns_begin(struct ro *ro, struct association *a, unsigned i, const struct in6_addr *left);
/* And no more, into the open transaction; false: it was not. */
bool returns_end(struct ro *ro, struct association *a, unsigned i);
/* All of it, and those whose time is over. Commit; nothing at a MAG. */
void returns_stop(struct ro *ro, struct association *a);
void returns_fire(struct ro *ro, struct association *a);

/* ---- paths.c ---- */

/* Does direct forwarding of the pair rest on @peer? */
bool pair_depends_on(const struct association *a, const struct in6_addr *peer);
/* pair_end() because @lost is: it is not told. Commits. */
void pair_end_by_loss(struct ro *ro, struct association *a, const struct in6_addr *lost, uint8_t cause);

/* ---- association.c, forwarding.c ---- */

/* By first prefixes. */
struct association *association_find(const struct ro *ro, uint64_t a, uint64_t b);
/* By any prefixes of both: one that is alive, if there is, before what is left of the time when an MN had others. */
struct association *association_find_any(const struct ro *ro, uint64_t a, uint64_t b);
/* It is about some packets between @a and @b. */
bool association_overlaps(const struct association *association, const struct side *a, const struct side *b);
/* The one that is about some packets between @a and @b, as association_find_any(). */
struct association *association_find_overlap(const struct ro *ro, const struct side *a, const struct side *b);
/* In the indexes with all prefixes of both sides; NULL: no room. */
struct association *association_create(struct ro *ro, const struct side *a, const struct side *b);
void association_destroy(struct ro *ro, struct association *a);
/* The associations of which association_side() knows the prefix, one after the other; *@at is 0 for the first call. */
struct association *association_of(const struct ro *ro, uint64_t prefix, uint32_t *at);
/* The pair is about packets from and to @prefix, which is not what only leads to its session. */
bool side_is_about(const struct side *side, uint64_t prefix);
/* Which side has @prefix, in the pair or as the first one of its session: 0, 1, or -1. */
int association_side(const struct association *a, uint64_t prefix);
/* The side that has a prefix of @side, of a pair that is about some packets from or to it. */
unsigned association_side_of(const struct association *a, const struct side *side);
/* Fill @side from a tuple (prefixes not /64 or outside what endpoint.h takes: false), the rest zero. */
bool side_from_tuple(struct side *side, const struct ro_tuple *tuple);
void side_from_session(struct side *side, const struct ro_session *session);
/* Fill an empty identifier; false: no memory. */
bool side_set_id(struct side *side, const struct mn_id *id);
/* Our own MN that tuple A means, with the prefixes that it names: RO_STATUS_ACTIVE, or what is wrong. */
uint8_t side_find_own(struct ro *ro, const struct ro_tuple *tuple, struct side *own);
/* Take identifier (if there is one), prefixes and addresses of side @i over; frees nothing of @from. 0 or -1. */
int association_assign(struct ro *ro, struct association *a, unsigned i, const struct side *from);
void association_schedule(struct ro *ro, struct association *a);
/* MAG: use the tunnel to @mag from now on; the one before lingers. 0 or -ENOSPC. */
int association_set_peer(struct ro *ro, struct association *a, const struct in6_addr *mag);
/* One update for each prefix of side @from and each of the other. Into the open transaction. */
void association_emit(
	struct ro *ro, const struct association *a, unsigned from, enum fwd_op op, const struct fwd_pair *pair);
/* MAG: make what is installed what the sides want; into the open transaction. True: something changed. */
bool association_apply(struct ro *ro, struct association *a);
/* MAG: TX off at once, RX lingers; the stamp stays as tombstone. @cause: a status. Into the open transaction. */
void association_fall_back(struct ro *ro, struct association *a, uint8_t cause);
/*
 * MAG: something was refused. RX lingers if it is known to be there, else everything goes at once. What was never there
 * need not go: refusals of this are of no interest. Commits.
 */
void association_clear(struct ro *ro, struct association *a, uint8_t cause);
/*
 * MAG: what the open transaction replaces does not name @tunnel any more. A replacement can be refused, and then the
 * old entry still does: one user less when the transaction was applied, or everything was removed.
 */
void association_retire(struct ro *ro, struct association *a, uint32_t tunnel, bool to_lma);
/* MAG: the tunnels that were retired up to transaction @serial, into the open transaction. True: there were any. */
bool association_release_retired(struct ro *ro, struct association *a, uint16_t serial);
/* MAG: the tunnels that nothing names any more, into the open transaction. */
void association_release_tunnels(struct ro *ro, struct association *a);
/* Close the open transaction; a refusal comes back for this association. */
void association_commit(struct ro *ro, struct association *a);

/* ---- marker.c ---- */

/* MAG, after a commit: if it has turned TX on, markers follow when no worker uses the path over the LMA any more. */
void markers_send(struct ro *ro, struct association *a);

/* ---- exchange.c ---- */

struct in6_addr prefix_address(uint64_t id);
/* A tuple of @side; @with_mag: also its MAG. */
struct ro_tuple tuple_of(const struct side *side, bool with_mag);

struct request_spec {
	struct in6_addr to;
	uint8_t code, value, flags;
	uint8_t tuple_a; /* side of tuple A */
	uint16_t lifetime_s;
	bool both_mags; /* option 51 in both tuples */
	const struct ro_authorisation *token;
	bool pbu; /* as PBU */
};

/*
 * For the open transaction, which is to be closed by association_commit(): it leaves when that was applied (a removal:
 * with it), and is repeated until its Ack or the retries are over. False: no memory, or the receiver does not know our
 * messages.
 */
bool request_send(struct ro *ro, struct association *a, const struct request_spec *spec);
/* The transaction @serial was @applied: its requests leave; or refused: they do when their time for the Ack is over. */
void exchanges_settle(struct ro *ro, struct association *a, uint16_t serial, bool applied);
/* The exchange that an Ack ends, taken out of its association (caller frees), or NULL. */
struct exchange *exchange_take(struct ro *ro, const struct ro_request *ack, struct association **owner);
/* All but removals, unless @all; those too, but what is in a transaction leaves with it. */
void exchanges_cancel(struct ro *ro, struct association *a, bool all);
/* Answer @request; @a may be NULL (nothing is cached). @body: what the Ack carries, or NULL: both identifiers. */
void ack_send(struct ro *ro, struct association *a, const struct ro_request *request, uint8_t status, uint8_t flags,
	uint16_t lifetime_s, const struct ro_body *body);
/* A failure, or anything without consequences, as Ack. Commits. */
void request_refuse(struct ro *ro, struct association *a, const struct ro_request *request, uint8_t status);
/*
 * Is it a duplicate? Then its Ack was repeated, or is on its way. What a newer update has superseded is none: its Ack
 * is not true any more (G.6.3).
 */
bool ack_repeat(struct ro *ro, struct association *a, const struct ro_request *request);
/* Of an update that a newer one has superseded, or overtaken by a later request of the same update (G.6.3, G.6.4). */
bool request_is_old(const struct association *a, const struct ro_request *request);
/* The transaction @serial was applied, or refused: then its Ack is sent with @status. */
void acks_settle(struct ro *ro, struct association *a, uint16_t serial, uint8_t status);
/* Those that no duplicate can ask for any more. */
void acks_expire(const struct ro *ro, struct association *a);
void acks_clear(struct association *a);

/* ---- pbu.c ---- */

/* A PBA carries no Association ID: its exchange is found by the stamp. */
uint32_t pbu_exchange_id(uint64_t stamp);
uint16_t pbu_encode(const struct ro *ro, const struct association *a, const struct request_spec *spec,
	const struct ro_fixed *fixed, uint8_t *bytes, size_t size);
uint16_t pba_encode(const struct ro *ro, const struct ro_request *request, uint8_t status, uint16_t lifetime_s,
	uint8_t *bytes, size_t size);
/* An own PBA again, as a failure. */
uint16_t pba_with_status(const struct mh_message *pba, uint8_t status, uint8_t *bytes, size_t size,
	const struct in6_addr *source, const struct in6_addr *destination);

/* ---- authorisation.c ---- */

/*
 * First96(HMAC-SHA256(key, "RO" | association | stamp | receiving MAG | its MN-ID | HNPs of tuple B)), G.6.5.
 */
void authorisation_mint(const struct ro_peer *holder, uint32_t id, uint64_t stamp, const struct in6_addr *mag,
	const struct side *receiver, const struct side *other, struct ro_authorisation *out);
/* Compared in constant time. */
bool authorisation_is_valid(const struct ro_peer *holder, const struct ro_authorisation *authorisation, uint32_t id,
	uint64_t stamp, const struct in6_addr *mag, const struct side *receiver, const struct side *other);

/* ---- controller.c ---- */

/* A new update with a new stamp: @lead is the side whose MAG gets the Init. Commits. */
void update_start(struct ro *ro, struct association *a, unsigned lead, uint8_t reason, bool handover);
/* Enter a step: send what it sends. Into the open transaction. */
void step_enter(struct ro *ro, struct association *a, enum step step);
void step_next(struct ro *ro, struct association *a);
/* The update ends with @status; removes what may have been set up. Commits. */
void update_fail(struct ro *ro, struct association *a, uint8_t status);
/* Traffic does not trigger the pair for a while; of an MN that is nowhere: until one of its MNs is somewhere (G.6.9).
 */
void hold_down(struct ro *ro, struct association *a, uint8_t status);
/* G.6.6; commits. */
void update_remove(struct ro *ro, struct association *a, uint8_t cause);
/* The other LMA removes the pair, with the stamp of @a: so do we, at our MAG. Commits. */
void update_remove_own(struct ro *ro, struct association *a, uint8_t cause);
bool side_refresh(struct ro *ro, struct side *side);
/*
 * A removed pair may have been set up at the MAG where its MN of side @i is now: it was there before, and has come back
 * unnoticed. That MAG is told, with the stamp of the removal (G.6.6). Commits.
 */
void removal_follows(struct ro *ro, struct association *a, unsigned i);
/* A gateway that we would have to ask does not know our messages. */
bool lacks_ro(const struct ro *ro, const struct association *a);
const struct driver *driver_of(const struct association *a);

/* ---- lma.c, mag.c, mag_changes.c ---- */

void lma_request_in(struct ro *ro, struct ro_request *request);
void lma_ack_in(struct ro *ro, struct association *a, const struct exchange *exchange, struct ro_request *ack);
int lma_trigger(struct ro *ro, uint64_t source, uint64_t destination, bool operator_asks);
void lma_session_changed(struct ro *ro, uint64_t prefix, enum ro_session_change change);
void lma_timeout(struct ro *ro, struct association *a, const struct exchange *exchange);
void lma_fire(struct ro *ro, struct association *a);
/* What a MAG says about an MN is what the binding cache knows (G.7). */
bool is_told_right(const struct ro_tuple *told, const struct ro_session *session);
/* May the peer LMA say this about @side? RO_STATUS_ACTIVE, or what is wrong. */
uint8_t check_foreign(const struct ro *ro, const struct ro_peer *peer, const struct side *side);
bool peer_has_prefix(const struct ro_peer *peer, uint64_t id);
/* prefixes.c: does the other LMA name all prefixes of our MN? */
bool names_all_prefixes(const struct ro *ro, const struct side *own);
/* Refuse its Init, and tell them. Commits. */
void tell_all_prefixes(struct ro *ro, const struct ro_request *request, const struct side *named);
/* Our Init was refused so: again with all of them. Commits. False: the Ack says nothing new that can be believed. */
bool learn_all_prefixes(struct ro *ro, struct association *a, const struct ro_request *ack);
/* reports.c */
void lma_report_in(struct ro *ro, const struct ro_peer *peer, struct ro_request *request);
/* The LMA that has the longest prefix of @id, or NULL. */
const struct ro_peer *lma_of_prefix(const struct ro *ro, uint64_t id);

void mag_request_in(struct ro *ro, struct ro_request *request);
void mag_ack_in(struct ro *ro, struct association *a, const struct exchange *exchange, struct ro_request *ack);
void mag_trigger(struct ro *ro, uint64_t source, uint64_t destination, struct seen_pair *seen);
void mag_session_changed(struct ro *ro, uint64_t prefix, enum ro_session_change change);
void mag_timeout(struct ro *ro, struct association *a, const struct exchange *exchange);
void mag_fire(struct ro *ro, struct association *a);
/* To the LMA of side @own, of its MN. Into the open transaction. */
void mag_report_side(struct ro *ro, struct association *a, unsigned own, uint8_t status, uint16_t lifetime_s);
/* To the LMA of our own MN that the last update was about, unless it left. Into the open transaction. */
void mag_report(struct ro *ro, struct association *a, uint8_t status, uint16_t lifetime_s);
/* Early activation, and no confirmation in time, or the peer refuses packets: back to created. Commits. */
void mag_roll_back_early(struct ro *ro, struct association *a);
/* RX of a pair that has ended goes, and its tunnels. Commits. */
void mag_drop_receiving(struct ro *ro, struct association *a);
