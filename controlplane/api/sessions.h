/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "api/walk.h"
#include "pmip/lma.h"
#include "pmip/mag.h"

/*
 * The sessions of mobile nodes in either role as rows: a binding of the LMA, an attachment of the MAG. What differs
 * between the roles is hidden here from `show bindings`, `show nodes` and `why`.
 *
 * Threads: the control core.
 */
struct session {
	const struct binding_view *binding;       /* LMA, or NULL */
	const struct attachment_view *attachment; /* MAG, or NULL */
	/* What both have. */
	uint32_t index;
	struct mn_id id;
	const char *state;
	const struct home_network_prefix *prefixes;
	unsigned prefix_count;
	struct in6_addr peer; /* proxy-CoA or LMAA */
	bool has_mac;
	uint8_t mac[6]; /* LMA: from the link-layer identifier, if it has six octets */
	uint16_t link;  /* LINK_NONE in an LMA */
	const struct history *history;
};

/* Room for the view behind a session. */
union session_view {
	struct binding_view binding;
	struct attachment_view attachment;
};

/* The first session with an index >= @from; false if there is none. Valid until the next call into the engine. */
bool session_next(const struct api_sources *sources, uint64_t from, union session_view *view, struct session *session);
/* Calls @each for every session of @id; returns how many. */
unsigned session_find(const struct api_sources *sources, const struct mn_id *id,
	void (*each)(void *context, const struct session *session), void *context);
/* The first tunnel with an index >= @from: to an LMA, a MAG, or direct to another MAG. */
bool tunnel_view_next(const struct api_sources *sources, uint64_t from, struct tunnel_view *view);
bool session_matches(const struct walk *walk, const struct session *session);

/* Fields of the registration: all but mn and state. */
void row_registration(struct row *row, const struct walk *walk, const struct session *session);
/* The events of a history, oldest first, as an array in "events". */
void row_history(struct row *row, const struct walk *walk, const struct history *history);
