/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "engine.h"
#include "timer_wheel.h"

#include "mh/mh.h"
#include "node/history.h"
#include "node/policy.h"
#include "pmip/tunnels.h"

/*
 * The Mobile Access Gateway: binding update list, registration of mobile nodes with their LMA (RFC 5213 section 6,
 * wire-formats B.7-B.10), and their access links: router advertisements, neighbour discovery, presence (RFC 4861,
 * RFC 6543, wire-formats I). A pure state machine: see engine.h for what goes in and comes out.
 *
 * A PBU that is sent again, tried again or refreshes goes out only if the MN showed a sign of life just before (the
 * refresh: within nud_interval_ms); else it is probed first. It may be at another MAG by now, and the newest PBU wins.
 *
 * Threads: the control core. Memory: nodes come from a slab sized at creation by max_nodes.
 */
struct mag;

struct mag_config {
	struct in6_addr address; /* proxy-CoA */
	uint32_t max_nodes;
	uint32_t binding_lifetime_s;
	uint32_t refresh_percent;
	uint8_t access_technology;
	uint32_t initial_bindack_timeout_ms;
	uint32_t max_bindack_timeout_ms;
	bool timestamp_based_approach_in_use;
	bool enable_mag_local_routing;
	struct in6_addr fixed_link_local; /* FixedMAGLinkLocalAddressOnAllAccessLinks */
	uint8_t fixed_link_layer[6];      /* FixedMAGLinkLayerAddressOnAllAccessLinks */
	uint32_t nud_interval_ms;
	uint32_t nud_retransmit_ms;
	uint32_t nud_probes;
	uint32_t refused_hold_s;
	uint32_t router_lifetime_s;
	uint32_t prefix_valid_s;
	uint32_t prefix_preferred_s;
	uint32_t max_rtr_adv_interval_s;
	uint16_t access_mtu_bytes; /* smallest of the access ports */
	uint16_t tunnel_mtu_bytes; /* of new tunnels: transport MTU less 40 */
	uint8_t tunnel_hop_limit;
	int tunnel_dscp;             /* -1: copy */
	const struct policy *policy; /* outlives the engine */
};

struct mag *mag_create(const struct mag_config *config, struct engine_host *host, const struct engine_time *now);
void mag_destroy(struct mag *mag);

enum mag_session_change {
	MAG_SESSION_UP,    /* registered, its prefixes are forwarded */
	MAG_SESSION_MOVED, /* on another access link */
	MAG_SESSION_DOWN,  /* the MN is gone or lost its binding or these prefixes */
	MAG_SESSION_KEPT,  /* it is down, and the LMA refused to hear of it or did not answer */
};

/*
 * Who wants to hear of sessions: after the transaction that changed the forwarding was committed, with the session's
 * first prefix (endpoint.h). None is open then, so the listener may have its own, which are applied behind it. A
 * session is down when its de-registration begins. One that has other prefixes is down and up again, unless it only has
 * more of them. MAG_SESSION_KEPT may follow MAG_SESSION_DOWN. One listener; NULL: nobody.
 */
void mag_listen(struct mag *mag,
	void (*changed)(void *context, const struct engine_time *now, uint64_t prefix, enum mag_session_change change),
	void *context);

/* A decoded PBA from a configured LMA. */
void mag_pba(struct mag *mag, const struct engine_time *now, const struct mh_datagram *datagram,
	const struct mh_message *message);
/*
 * A decoded UPN from a configured LMA (RFC 7077). FORCE-REREGISTRATION: a PBU with handoff indicator 4, at once if the
 * MN was seen within the last second, else when it answers a probe. Other reasons ask for what this MAG does not have:
 * they are refused. Only the MN's own LMA is obeyed; answered is who asks for an answer.
 */
void mag_upn(struct mag *mag, const struct engine_time *now, const struct mh_datagram *datagram,
	const struct mh_message *message);
/*
 * A router solicitation, neighbour discovery or a multicast listener report came from an access link: @bytes from the
 * IPv6 header, not checked beyond what classify does; @source_mac from the frame.
 *
 * A solicitation of an MN that is attached is answered at once, and its binding is asserted with a PBU (handoff
 * indicator 4, every prefix): it may have been at another MAG since. So is one that shows up on another access link;
 * for the LMA that is no handoff between MAGs. Not more than 2 PBU/s leave for one MN.
 */
void mag_discovery(struct mag *mag, const struct engine_time *now, uint16_t link, const uint8_t source_mac[6],
	const uint8_t *bytes, uint16_t length);
/* A packet from a link-layer address that has no MN (EVENT_unknown_mac). */
void mag_unknown_mac(struct mag *mag, const struct engine_time *now, uint16_t link, const uint8_t mac[6]);
/* Presence: uplink packets of the node were counted since the last call (from the node's counters). */
void mag_activity(struct mag *mag, const struct engine_time *now, uint32_t node);
void mag_transaction_done(struct mag *mag, const struct engine_time *now, uint64_t cookie, int error);
/* Run due timers; returns the monotonic time in ms of the next one, or TIMER_NEVER. */
uint64_t mag_advance(struct mag *mag, const struct engine_time *now);
/* The LMA lost its state: every binding with it registers again, at most 20,000 a second. Returns how many. */
uint32_t mag_peer_restarted(struct mag *mag, const struct engine_time *now, const struct in6_addr *lma);
/*
 * The LMA does not answer heartbeats any more: bindings are kept until they expire. Or it answers again: they register
 * again, because it may have purged them.
 */
void mag_peer_unreachable(struct mag *mag, const struct engine_time *now, const struct in6_addr *lma, bool unreachable);

/*
 * By the operator. 0, -ENOENT (no such MN or MAC), -EALREADY, -EACCES (policy refuses), -ENOSPC. Attaching ends every
 * refusal but that of the policy. After a detach the MN's data is dropped for refused_hold_s (state DETACHED), so that
 * its next packet does not undo it; a router solicitation or an attach brings it back.
 */
int mag_attach(struct mag *mag, const struct engine_time *now, uint16_t link, const uint8_t mac[6]);
int mag_detach(struct mag *mag, const struct engine_time *now, const struct mn_id *id);

/*
 * De-register every MN, paced (bounded by the caller's wait); mag_idle() tells when nothing is outstanding any more.
 * Nobody attaches from then on.
 */
void mag_shutdown(struct mag *mag, const struct engine_time *now);
bool mag_idle(const struct mag *mag);

/* X(name, word) */
#define ATTACHMENT_STATES(X)               \
	X(REGISTERING, "registering")      \
	X(INSTALLING, "installing")        \
	X(ACTIVE, "active")                \
	X(REFRESHING, "refreshing")        \
	X(WAITING, "waiting-to-retry")     \
	X(REFUSED, "refused")              \
	X(DEREGISTERING, "de-registering") \
	X(DETACHED, "detached")

enum attachment_state {
#define ATTACHMENT_STATE_ENUM(name, word) ATTACHMENT_##name,
	ATTACHMENT_STATES(ATTACHMENT_STATE_ENUM)
#undef ATTACHMENT_STATE_ENUM
		ATTACHMENT_STATE_COUNT,
};

const char *attachment_state_name(enum attachment_state state);

/* One MN as `show bindings` and `show nodes` print it; valid until the next call into the engine. */
struct attachment_view {
	uint32_t index;
	uint32_t generation;
	enum attachment_state state;
	struct mn_id id;
	uint16_t link;
	uint8_t mac[6];
	struct in6_addr link_local; /* of the MN; :: if not known */
	const struct home_network_prefix *prefixes;
	unsigned prefix_count;
	struct in6_addr lma;
	uint32_t tunnel;
	uint16_t sequence; /* of the last PBU */
	unsigned tries;    /* PBUs sent for what is outstanding */
	uint8_t last_status;
	bool has_status;
	uint32_t lifetime_s;    /* granted */
	uint64_t expires_ms;    /* monotonic */
	uint64_t next_event_ms; /* monotonic: refresh, retry or probe */
	uint64_t last_seen_ms;  /* monotonic */
	uint32_t pbu_pba_us;    /* of the last registration: PBU to PBA */
	const struct history *history;
};

bool mag_attachment_next(const struct mag *mag, uint32_t from, struct attachment_view *view);
unsigned mag_attachment_find(const struct mag *mag, const struct mn_id *id,
	void (*each)(void *context, const struct attachment_view *view), void *context);

/* The link and link-layer address of the MN whose prefix holds @address; false: none is attached. */
bool mag_locate(const struct mag *mag, const struct in6_addr *address, uint16_t *link, uint8_t mac[6]);
/* Sessions with the LMA at @lma. */
uint32_t mag_peer_sessions(const struct mag *mag, const struct in6_addr *lma);

struct mag_stats {
	uint64_t attaches, detaches, refused;
	uint64_t pbu_sent, pbu_retransmitted;
	uint64_t pba_received[256];
	uint64_t pba_ignored;
	uint64_t upn_received, upn_duplicate;
	uint64_t upa_sent[256];
	uint64_t ra_sent, rs_received, ns_received, na_received, ns_sent, discovery_malformed;
	uint32_t nodes, tunnels;
	uint64_t memory_bytes;
};

void mag_stats(const struct mag *mag, struct mag_stats *stats);

bool mag_tunnel_next(const struct mag *mag, uint32_t from, struct tunnel_view *view);
