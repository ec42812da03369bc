/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "engine.h"
#include "timer_wheel.h"

#include "mh/mh.h"
#include "node/history.h"
#include "node/policy.h"
#include "pmip/tunnels.h"

/*
 * The Local Mobility Anchor: binding cache, prefix pools, PBU processing (RFC 5213 section 5, wire-formats B.3-B.6,
 * B.8-B.10). A pure state machine: see engine.h for what goes in and comes out.
 *
 * Every PBU ends in a PBA with a status, in a wait (for its transaction, or for the old MAG's de-registration: rule W),
 * or in silence where the RFC says "ignore". While the transaction of a binding is under way the newest PBU for it is
 * kept and goes on afterwards. A refused transaction is answered with 130 and undone: a new session disappears, a
 * handover goes back to the old MAG.
 *
 * Threads: the control core. Memory: bindings come from a slab sized at creation by max_bindings.
 */
struct lma;

struct lma_config {
	struct in6_addr address; /* LMAA */
	uint32_t max_bindings;
	uint32_t max_binding_lifetime_s;
	uint32_t min_delay_before_bce_delete_ms;
	uint32_t max_delay_before_new_bce_assign_ms;
	uint32_t timestamp_validity_window_ms;
	bool timestamp_based_approach_in_use; /* what MAGs should do; a PBU's own option decides (RFC 5213 5.5) */
	bool mobile_node_generated_timestamp_in_use;
	bool immediate_new_bce;
	uint32_t update_notification_retransmit_count; /* MAX_UPDATE_NOTIFICATION_RETRANSMIT_COUNT */
	uint32_t update_notification_replay_ms;        /* MIN_DELAY_BETWEEN_UPDATE_NOTIFICATION_REPLAY */
	uint32_t former_linger_ms; /* packets of an MN are taken from its former MAG so long; 0: not at all (G.6.2) */
	uint32_t prefix_hold_s;
	uint32_t restart_hold_s;   /* UINT32_MAX: max_binding_lifetime_s */
	uint16_t tunnel_mtu_bytes; /* of new tunnels: transport MTU less 40 */
	uint8_t tunnel_hop_limit;
	int tunnel_dscp;             /* -1: copy */
	const struct policy *policy; /* nodes, pools, peers; outlives the engine */
};

/* NULL: not enough memory. */
struct lma *lma_create(const struct lma_config *config, struct engine_host *host, const struct engine_time *now);
void lma_destroy(struct lma *lma);

enum lma_session_change {
	LMA_SESSION_UP,      /* registered and forwarding; also anew, where it was registered all the time */
	LMA_SESSION_MOVED,   /* forwards to another proxy-CoA */
	LMA_SESSION_DOWN,    /* removed */
	LMA_SESSION_RENEWED, /* back from the delete wait with the proxy-CoA that had de-registered it */
};

/*
 * Who wants to hear of sessions: after the PBA left and forwarding was applied, with the session's first prefix
 * (endpoint.h). No transaction is open then, so the listener may have its own. One listener; NULL: nobody.
 */
void lma_listen(struct lma *lma,
	void (*changed)(void *context, const struct engine_time *now, uint64_t prefix, enum lma_session_change change),
	void *context);

/*
 * A Mobility Header message from a configured peer came in on a core port: a decoded PBU. @datagram has its addresses
 * (bytes may be NULL).
 */
void lma_pbu(struct lma *lma, const struct engine_time *now, const struct mh_datagram *datagram,
	const struct mh_message *message);
/*
 * EVENT_wrong_tunnel: a packet of the MN with the prefix @endpoint came from @proxy_coa, where its binding is not. If a
 * configured MAG that may register the MN has that address it is asked to (RFC 7077, FORCE-REREGISTRATION), unless it
 * was asked within 500 ms or has not answered yet; at most twice a second for one MN; and not just after a handover:
 * then the packet was in flight.
 */
void lma_wrong_tunnel(
	struct lma *lma, const struct engine_time *now, uint64_t endpoint, const struct in6_addr *proxy_coa);
/* A decoded UPA from a configured MAG. */
void lma_upa(struct lma *lma, const struct engine_time *now, const struct mh_datagram *datagram,
	const struct mh_message *message);
/*
 * A binding error with status 2 from @proxy_coa. It does not say which message it is about: true if an update
 * notification to that MAG was outstanding. Then none is sent to it for 300 s.
 */
bool lma_binding_error(struct lma *lma, const struct engine_time *now, const struct in6_addr *proxy_coa);
/* The end of a transaction that was committed with @cookie, whose bit 63 is never set. */
void lma_transaction_done(struct lma *lma, const struct engine_time *now, uint64_t cookie, int error);
/* Run due timers; returns the monotonic time in ms of the next one, or TIMER_NEVER. */
uint64_t lma_advance(struct lma *lma, const struct engine_time *now);
/*
 * The MAG is unreachable (heartbeats): the bindings that it has registered up to
 * now are purged, some at once and the rest by lma_advance(), no faster than the host takes removals. What it registers
 * from now on stays. @proxy_coa: its address as a peer. Returns how many.
 */
uint32_t lma_peer_lost(struct lma *lma, const struct engine_time *now, const struct in6_addr *proxy_coa);
/*
 * The same for a MAG that lost its state (restart counter). Which of the bindings that it made since it was last heard
 * with the old counter, @heard_ms (monotonic), are of its new life nobody knows: it is asked to register these again
 * (RFC 7077), 1024 at a time.
 */
uint32_t lma_peer_restarted(
	struct lma *lma, const struct engine_time *now, const struct in6_addr *proxy_coa, uint64_t heard_ms);

/* Administrative removal of an MN's bindings, and of PBUs that wait for them. Returns how many bindings there were. */
uint32_t lma_clear(struct lma *lma, const struct engine_time *now, const struct mn_id *id);

/*
 * PENDING: its transaction is under way; ACTIVE: forwarding; HELD: active, and a PBU of another MAG waits for its
 * de-registration; DELETING: de-registered, the MN's traffic is dropped. A removed binding is gone at once.
 * X(name, word)
 */
#define BINDING_STATES(X)     \
	X(PENDING, "pending") \
	X(ACTIVE, "active")   \
	X(HELD, "held")       \
	X(DELETING, "delete-wait")

enum binding_state {
#define BINDING_STATE_ENUM(name, word) BINDING_##name,
	BINDING_STATES(BINDING_STATE_ENUM)
#undef BINDING_STATE_ENUM
		BINDING_STATE_COUNT,
};

const char *binding_state_name(enum binding_state state);

/* One binding as `show bindings` prints it; valid until the next call into the engine. */
struct binding_view {
	uint32_t index;      /* INDEX_NODE of the host: slot of its counters too */
	uint32_t generation; /* of the index */
	enum binding_state state;
	struct mn_id id;
	const struct home_network_prefix *prefixes;
	unsigned prefix_count;
	struct in6_addr proxy_coa;
	uint32_t peer; /* that registered it: index of policy_peer() */
	uint32_t tunnel;
	uint8_t access_technology;
	uint8_t handoff_indicator;    /* of the last accepted PBU */
	const uint8_t *link_layer_id; /* NULL: none */
	uint8_t link_layer_id_length;
	struct in6_addr link_local;
	uint64_t timestamp;  /* last accepted, 48.16; 0 if none */
	uint16_t sequence;   /* last accepted */
	uint32_t lifetime_s; /* granted */
	uint64_t expires_ms; /* monotonic; in the delete wait: the end of it */
	uint8_t last_status; /* of the last PBA to a PBU for this MN */
	const struct history *history;
};

/* The first binding with an index >= @from; false if there is none. For walks with a cursor and a budget. */
bool lma_binding_next(const struct lma *lma, uint32_t from, struct binding_view *view);
/* The bindings of @id: calls @each for every one; returns how many. */
unsigned lma_binding_find(const struct lma *lma, const struct mn_id *id,
	void (*each)(void *context, const struct binding_view *view), void *context);

/* Counters of the engine; index PBAs by status. */
struct lma_stats {
	uint64_t pbu_received;
	uint64_t pbu_duplicate; /* of the last accepted one: its PBA was repeated, or is still to come */
	uint64_t pbu_ignored;   /* without an answer, as the RFC says */
	uint64_t pbu_held;      /* for the old MAG's de-registration */
	uint64_t pbu_parked;    /* for the binding's transaction under way */
	uint64_t pba_sent[256];
	uint64_t wrong_tunnel; /* times that the workers told of packets out of a wrong tunnel */
	uint64_t upn_sent, upn_retransmitted;
	uint64_t upn_unanswered;
	uint64_t upn_limited;     /* not sent: too many for one MN, or outstanding at all */
	uint64_t upn_unsupported; /* binding errors */
	uint64_t upa_received[256];
	uint64_t upa_ignored; /* of them: no UPN fits */
	uint64_t registrations, refreshes, handovers, deregistrations, expiries, purged, cleared;
	uint32_t bindings, tunnels;
	uint64_t memory_bytes; /* of the engine: slab, indexes, pools */
};

void lma_stats(const struct lma *lma, struct lma_stats *stats);

/* Sessions registered by the peer of that index in the policy store: what heartbeat_sessions() wants to know. */
uint32_t lma_peer_sessions(const struct lma *lma, uint32_t peer);
bool lma_tunnel_next(const struct lma *lma, uint32_t from, struct tunnel_view *view);
/*
 * /64s of pool @index: in bindings, held for mobile nodes that left, and all that can be handed out (static prefixes
 * of nodes left out); false if there is no such pool.
 */
bool lma_pool_usage(const struct lma *lma, unsigned index, uint64_t *used, uint64_t *held, uint64_t *total);
