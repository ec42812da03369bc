/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdint.h>

/*
 * The last events of a mobile node, for `why NODE`: a small ring of values. One thread.
 */
/* X(name, word) */
#define HISTORY_EVENTS(X)                                                \
	X(none, "none")                                                  \
	X(attach_rs, "attached: router solicitation")                    \
	X(attach_packet, "attached: packet from its link-layer address") \
	X(attach_admin, "attached: by the operator")                     \
	X(detach_nud, "detached: unreachable")                           \
	X(detach_admin, "detached: by the operator")                     \
	X(pbu_sent, "PBU sent")                                          \
	X(pbu_retransmitted, "PBU sent again")                           \
	X(pbu_received, "PBU received")                                  \
	X(pbu_held, "PBU held for the old MAG's de-registration")        \
	X(pba_sent, "PBA sent")                                          \
	X(pba_received, "PBA received")                                  \
	X(pba_ignored, "PBA ignored")                                    \
	X(registered, "registered")                                      \
	X(refreshed, "lifetime extended")                                \
	X(handover, "handover")                                          \
	X(deregistered, "de-registered")                                 \
	X(expired, "lifetime expired")                                   \
	X(rejected, "rejected")                                          \
	X(prefixes_changed, "home network prefixes changed")             \
	X(peer_lost, "peer lost")                                        \
	X(peer_restarted, "peer restarted")                              \
	X(forwarding_failed, "forwarding state refused")                 \
	X(probe_unanswered, "neighbour probe unanswered")                \
	X(cleared, "cleared by the operator")                            \
	X(retry_wait, "waits before the next try")                       \
	X(upn_sent, "asked a MAG that has its packets to register it")   \
	X(upn_failed, "that MAG did not")                                \
	X(upn_received, "asked by its LMA to register it again")

enum history_event {
#define HISTORY_ENUM(name, word) HISTORY_##name,
	HISTORY_EVENTS(HISTORY_ENUM)
#undef HISTORY_ENUM
		HISTORY_EVENT_COUNT,
};

const char *history_event_name(enum history_event event); /* "attach_rs" */
const char *history_event_help(enum history_event event);

#define HISTORY_LENGTH 8

struct history_entry {
	uint32_t wall_s;  /* since 1970-01-01 UTC */
	uint16_t wall_ms; /* 0..999 */
	uint8_t event;    /* enum history_event */
	uint8_t value;    /* by event: status of a PBA or UPA, handoff indicator, reason, number of a try */
};

struct history {
	struct history_entry entries[HISTORY_LENGTH];
	uint8_t next; /* slot that the next one takes */
	uint8_t count;
};

void history_add(struct history *history, uint64_t wall_ns, enum history_event event, uint8_t value);
/* Entry @i, 0 the oldest; NULL past the last. */
const struct history_entry *history_get(const struct history *history, unsigned i);
