/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stddef.h>

#include "engine.h"
#include "timer_wheel.h"

#include "mh/mh.h"
#include "node/events.h"
#include "node/policy.h"
#include "pmip/binding_cache.h"
#include "pmip/lma.h"
#include "pmip/prefix_pool.h"
#include "pmip/tunnels.h"

/*
 * Inside of the LMA engine. One PBU goes through
 *   lma_check_identity -> lma_check_order -> lma_check_options -> lma_lookup -> one of the session functions,
 * and each of these ends in lma_reject(), in a PBA, or in silence. While a binding's transaction is under way the
 * newest PBU for it is parked and goes on from lma_lookup when it is done: its order was checked on arrival.
 *
 * commit() is the last thing that a session function does with a binding: the host may answer it at once.
 */

/* A PBU kept for later. */
struct stored_pbu {
	struct stored_pbu *next; /* in the backlog */
	struct in6_addr source, destination;
	uint64_t timestamp; /* 0: none */
	bool create;        /* its wait is over: a new session */
	uint16_t length;
	uint8_t bytes[];
};

enum lma_change {
	CHANGE_REGISTER, /* new session */
	CHANGE_MOVE,     /* handover, or back from the delete wait */
	CHANGE_BLOCK,    /* delete wait begins: the MN's traffic is dropped */
	CHANGE_ROLLBACK, /* a refused move is undone */
};

/* A transaction under way. Its cookie is serial << 32 | index of the binding; bit 63 is another engine's. */
#define SERIAL_MAX UINT32_C(0x7fffffff)

struct lma_pending {
	uint32_t serial;
	enum lma_change change;
	bool is_handover;
	uint8_t old_state;
	uint64_t old_deadline_ms;
	struct binding_terms old;
	uint32_t other_tunnel;      /* INDEX_NONE, or what endpoints may still lead to until this is over: has a user */
	struct lma_former *former;  /* what other_tunnel will be after a handover, or NULL */
	struct stored_pbu *request; /* what it answers */
	struct stored_pbu *parked;  /* the newest that came meanwhile, or NULL */
};

/* Rule W: a PBU that waits for the de-registration by the old MAG. */
struct lma_hold {
	struct timer timer;
	uint32_t binding;
	struct stored_pbu *request;
};

/* The proxy-CoA before the last handover, which may still send. */
struct lma_former {
	struct timer timer;
	uint32_t binding;
	uint32_t tunnel; /* has a user */
	struct in6_addr proxy_coa;
	uint64_t since_ms; /* time of the change */
	uint32_t serial;   /* of the transaction that takes it out of the endpoints; 0: none yet */
	bool is_over;      /* endpoints do not name it any more, or are told not to */
};

#define NOTICES_MAX 1024 /* update notifications that are outstanding or just were */

struct lma_notice;

struct lma_notices {
	struct lma_notice *slots[NOTICES_MAX];
	struct hash_index by_id;
	uint32_t count;
	uint16_t sequence; /* of the last one */
};

struct lma_peer {
	uint64_t no_upn_until_ms; /* it does not know update notifications */
	uint32_t sessions;
	uint32_t epoch;    /* bindings of an older one are to be purged */
	uint64_t heard_ms; /* and it is asked for those that it has registered since; UINT64_MAX: for none */
};

struct lma {
	struct lma_config config;
	struct engine_host *host;
	const struct engine_time *now; /* of the call under way */
	struct timer_wheel wheel;
	struct binding_cache cache;
	struct prefix_pools *pools;
	struct tunnels *tunnels;
	struct lma_peer *peers;
	uint32_t peer_count;
	uint32_t serial;
	uint32_t purge_cursor; /* INDEX_NONE: nothing to purge */
	struct stored_pbu *backlog, **backlog_end;
	struct lma_notices notices;
	struct lma_stats stats;
	struct home_network_prefix *view_prefixes; /* of the last view */
	void (*changed)(void *context, const struct engine_time *now, uint64_t prefix, enum lma_session_change change);
	void *changed_context;
};

/* A PBU being processed; points into its message. */
struct lma_request {
	const struct mh_datagram *datagram;
	const struct mh_message *message;
	struct proxy_options options;
	struct policy_node node;
	struct in6_addr proxy_coa;
	uint32_t peer;
	uint16_t sequence;
	uint16_t lifetime; /* units of 4 s */
	bool has_timestamp;
	bool is_checked;              /* its order was checked when it came */
	bool create;                  /* its wait is over */
	const uint8_t *link_layer_id; /* NULL: absent or zeros */
	uint8_t link_layer_id_length;
	uint8_t all_zero_count;
	uint8_t explicit_count;
	uint64_t prefixes[PROXY_PREFIXES_MAX]; /* explicit ones; ENDPOINT_NONE: not a /64 of ours */
};

enum lma_session { SESSION_NEW, SESSION_FOUND, SESSION_WAIT, SESSION_REFUSED };

/* ---- lma_checks.c: steps 4-12 of RFC 5213 section 5.3.1; each returns the status, 0 to go on ---- */
void lma_request_init(
	struct lma_request *request, const struct mh_datagram *datagram, const struct mh_message *message);
uint8_t lma_check_identity(struct lma *lma, struct lma_request *request);
uint8_t lma_check_timestamp(const struct lma *lma, const struct lma_request *request);
uint8_t lma_check_sequence(const struct lma_request *request, const struct binding *binding);
uint8_t lma_check_options(const struct lma_request *request);
/* The binding whose last accepted PBU this is an exact duplicate of, or NULL. */
struct binding *lma_find_duplicate(const struct lma *lma, const struct lma_request *request);

/* ---- lma_lookup.c: step 13, RFC 5213 section 5.4.1 ---- */
enum lma_session lma_lookup(
	const struct lma *lma, const struct lma_request *request, struct binding **binding, uint8_t *status);

/* ---- lma_pba.c ---- */
/* A PBA into the open transaction. Accepted: @binding is the session; 135: the session, for its sequence number. */
void lma_answer(struct lma *lma, const struct lma_request *request, uint8_t status, const struct binding *binding);
/* A rejecting PBA as a transaction of its own. */
void lma_reject(struct lma *lma, const struct lma_request *request, uint8_t status, const struct binding *binding);

/* ---- lma_session.c: RFC 5213 sections 5.3.2-5.3.5 ---- */
void lma_register(struct lma *lma, const struct lma_request *request);
void lma_update(struct lma *lma, struct binding *binding, const struct lma_request *request);
void lma_deregister(struct lma *lma, struct binding *binding, const struct lma_request *request);
/* The binding is gone for good; PBUs that wait for it go to the backlog. */
void lma_remove(struct lma *lma, struct binding *binding);
/* Free the PBUs that wait for it. */
void lma_drop_waiting(struct lma *lma, struct binding *binding);
/* Free what it has under way, without a word to anybody: the engine ends. */
void lma_forget(struct lma *lma, struct binding *binding);

/* The binding's endpoints again, as its state has them, into the open transaction. */
void lma_endpoints_replace(struct lma *lma, const struct binding *binding);
/* Of the next transaction; never 0: a cookie of 0 is no cookie. */
uint32_t lma_serial_next(struct lma *lma);
/* Close the open transaction; its end comes back for this binding with @serial. */
void lma_commit(struct lma *lma, const struct binding *binding, uint32_t serial);

/* ---- lma_former.c ---- */
/* Of the proxy-CoA that the binding has now and is about to lose; NULL: no memory, or not wanted. */
struct lma_former *lma_former_create(const struct lma *lma, const struct binding *binding);
/* The handover is done: from now on. Takes over the tunnel's user. May commit. */
void lma_former_start(struct lma *lma, struct binding *binding, struct lma_former *former);
/*
 * The transaction @serial of the binding was applied, or refused with @error: if it was the one that ends the former
 * proxy-CoA, its tunnel goes, or it is tried again. May commit.
 */
void lma_former_done(struct lma *lma, struct binding *binding, uint32_t serial, int error);
/* Without a word to the data plane; the tunnel's user is the caller's. */
void lma_former_forget(struct lma *lma, struct binding *binding);
/* Where the binding's packets may come from too, or NULL. */
static inline const struct lma_former *lma_former_get(const struct binding *binding)
{
	return binding->former != NULL && !binding->former->is_over ? binding->former : NULL;
}

/* ---- lma_terms.c ---- */
/* What an accepted PBU changes in the terms of a session, except the tunnel. 0 or -ENOMEM (nothing changed). */
int lma_terms_update(struct lma *lma, struct binding *binding, const struct lma_request *request);
/* The prefixes of a new session: how many; 0 with the @status to reject with. */
unsigned lma_assign_prefixes(struct lma *lma, const struct lma_request *request, uint64_t *prefixes, uint8_t *status);

/* ---- lma_waiting.c: PBUs that are kept ---- */
struct stored_pbu *lma_store(const struct lma_request *request);
/* Replace what waits in @place, unless it is younger. */
void lma_store_newer(struct lma *lma, struct stored_pbu **place, const struct lma_request *request);
void lma_hold(struct lma *lma, struct binding *binding, const struct lma_request *request);
/* Ends the hold; returns the PBU, or NULL if there was none. */
struct stored_pbu *lma_hold_end(struct lma *lma, struct binding *binding);
void lma_backlog_add(struct lma *lma, struct stored_pbu *stored);
void lma_backlog_run(struct lma *lma);
/* Decode a kept PBU again; @message and @datagram are the caller's memory. */
void lma_request_from_stored(struct lma *lma, struct lma_request *request, const struct stored_pbu *stored,
	struct mh_datagram *datagram, struct mh_message *message);

/* ---- lma_notice.c: update notifications, RFC 7077 ---- */
int lma_notices_init(struct lma *lma); /* 0 or -ENOMEM */
void lma_notices_fini(struct lma *lma);
/* A PBU for the MN came: whoever sent it, what was asked before is out of date. */
/* Ask the binding's MAG to register it again if it is there, should it have been registered since @since_ms. */
void lma_notice_if_younger(struct lma *lma, struct binding *binding, uint64_t since_ms);
void lma_notices_void(struct lma *lma, const struct mn_id *id);

/* ---- lma.c ---- */
/* From step 13 on. */
void lma_dispatch(struct lma *lma, struct lma_request *request);

/* ---- lma_timers.c ---- */
void lma_binding_timer(struct timer *timer, void *context, uint64_t now_ms);

/* ---- lma_note.c: history, events and log of what happened to a mobile node ---- */
void lma_note(struct lma *lma, struct binding *binding, enum history_event event, uint8_t value);
void lma_note_rejected(struct lma *lma, const struct lma_request *request, uint8_t status);

static inline bool in6_equal(const struct in6_addr *a, const struct in6_addr *b)
{
	return __builtin_memcmp(a, b, sizeof(*a)) == 0;
}

static inline bool in6_is_zero(const struct in6_addr *address)
{
	static const struct in6_addr zero;

	return in6_equal(address, &zero);
}
