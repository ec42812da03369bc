/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <netinet/in.h>

/* What is to happen, in order of time; what is due at the same time happens in the order in which it was added. */
enum event_kind {
	EVENT_WAKE,     /* gateway: timers or the door are due */
	EVENT_DATAGRAM, /* message for the gateway at `destination` */
	EVENT_DOWNLINK, /* frame of `gateway` for `mac` on `link` */
	EVENT_UPLINK,   /* packet of `mobile` for `gateway` */
	EVENT_SOLICIT,  /* mobile: sends a router solicitation */
	EVENT_TRAFFIC,  /* mobile: sends data */
	EVENT_TALK,     /* talk `index`: both nodes send */
	EVENT_PACKET,   /* `packet` is at its next hop */
	EVENT_REFUSAL,  /* gateway: a peer MAG does not take the packets of direction `try` of talk `index` */
	EVENT_CALL,     /* at_arrow of the domain */
	EVENT_RESOLVED, /* gateway: the next hop of tunnel `index` is known, or (`error`) not yet; `try` of these */
};

/* A packet of one mobile node for another. */
struct packet {
	unsigned talk, direction;
	uint64_t number;
	uint64_t source, destination; /* endpoints */
	unsigned at;                  /* gateway */
	unsigned from;                /* gateway that it came from, by tunnel or routed */
	uint8_t arrival;              /* see traffic.c */
	uint8_t path;                 /* enum path, so far */
	uint8_t hops;
};

struct event {
	uint64_t at_ns;
	enum event_kind kind;
	unsigned gateway, mobile;
	uint32_t epoch; /* of the mobile, or life of the gateway: what is older is void */
	uint32_t index, try;
	int error;
	uint16_t link;
	uint8_t mac[6];
	struct in6_addr source, destination;
	struct packet packet;
	uint16_t length;
	uint8_t *bytes; /* the event's own */
};

struct events_queue;

/* Aborts without memory, as does the rest. */
struct events_queue *events_queue_create(void);
void events_queue_destroy(struct events_queue *queue);
/* @event's bytes, if any, are copied. */
void events_queue_add(struct events_queue *queue, const struct event *event);
/* Time of the next one, or UINT64_MAX. */
uint64_t events_queue_next(const struct events_queue *queue);
/* Take the next one out; its bytes are the caller's to free. False: there is none. */
bool events_queue_take(struct events_queue *queue, struct event *event);
