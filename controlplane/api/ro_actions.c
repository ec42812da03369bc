/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "api/pair_argument.h"
#include "api/pairs.h"

/*
 * `ro start A B` and `ro stop A B`. Asked for what is so already they say so and do nothing: who asks twice gets the
 * same pair.
 */
enum { ACTION_DONE = PAIR_KNOWN + 1 };

static int off(struct walk *walk)
{
	return refusal_set(&walk->refusal, API_ERROR_REFUSED,
		"route optimisation is off: set route-optimisation.enabled to true and start the gateway again");
}

/* Names of both ends for messages: identifiers if there are pairs or sessions, else as the client wrote them. */
static int action_row(struct walk *walk, const char *result, json_t **row)
{
	struct ro_view view;
	char text[END_TEXT_MAX];
	struct row out;

	row_start(&out);
	row_text(&out, "result", result);
	if (ro_pair_find(walk->sources->ro, walk->ends[0], walk->ends[1], &view)) {
		unsigned a = pair_side(&view, walk->ends[0]);

		row_text(&out, "a", end_name(&view.sides[a].id, walk->ends[0], text));
		row_text(&out, "b", end_name(&view.sides[1 - a].id, walk->ends[1], text));
		row_text(&out, "state", ro_state_name(view.state));
	} else {
		row_text(&out, "a", pair_argument_text(walk, 0));
		row_text(&out, "b", pair_argument_text(walk, 1));
		row_null(&out, "state");
	}
	return row_finish(&out, row);
}

/* ---- start ---- */

/* A MAG: say who can. */
static int at_mag(struct walk *walk)
{
	struct ro_prospect prospect[2];
	char text[GATEWAY_TEXT_MAX];
	const char *lma = NULL;

	for (unsigned i = 0; i < 2 && lma == NULL && walk->place.phase == PAIR_KNOWN; i++) {
		ro_prospect(walk->sources->ro, walk->ends[i], walk->ends[1 - i], &prospect[i]);
		lma = prospect[i].here ? gateway_name(walk, &prospect[i].lma, text) : NULL;
	}
	if (lma == NULL)
		return refusal_set(&walk->refusal, API_ERROR_WRONG_ROLE,
			"ro start is for the LMA of a mobile node; this gateway is a MAG");
	return refusal_set(&walk->refusal, API_ERROR_WRONG_ROLE,
		"ro start is for the LMA of a mobile node; this gateway is a MAG: run it on %.100s", lma);
}

static int not_there(struct walk *walk, const struct ro_prospect prospects[2])
{
	unsigned unknown = !prospects[0].here && IN6_IS_ADDR_UNSPECIFIED(&prospects[0].lma) ? 0 : 1;

	if (!prospects[0].here && !prospects[1].here)
		return refusal_set(&walk->refusal, API_ERROR_NOT_FOUND,
			"neither has an active session here; run it on the LMA of one of them");
	return refusal_set(&walk->refusal, API_ERROR_NOT_FOUND,
		"%.60s has no active session here, and no peer has its prefix: name the LMA under peers, with "
		"ro-prefixes",
		pair_argument_text(walk, unknown));
}

static int start_refused(struct walk *walk, int error, const struct ro_prospect prospects[2])
{
	struct refusal *refusal = &walk->refusal;

	switch (error) {
	case -ENOENT: return not_there(walk, prospects);
	case -EACCES:
		return refusal_set(refusal, API_ERROR_REFUSED,
			"policy denies route optimisation of %.60s: see route-optimisation of it under mobile-nodes "
			"and "
			"of its gateways under peers, and route-optimisation.eligible-prefixes",
			pair_argument_text(walk, prospects[0].allowed ? 1 : 0));
	case -ENOSPC:
		return refusal_set(refusal, API_ERROR_REFUSED,
			"no room for another pair (%u): raise route-optimisation.max-pairs",
			walk->sources->config->ro.max_pairs);
	case -EOPNOTSUPP:
		return refusal_set(refusal, API_ERROR_REFUSED,
			"a gateway on the way does not know route optimisation: see show peers");
	default: return refusal_set(refusal, API_ERROR_REFUSED, "not done: %s", strerror(-error));
	}
}

static int start(struct walk *walk, json_t **row)
{
	struct ro *ro = walk->sources->ro;
	struct ro_prospect prospects[2];
	struct ro_view view;
	unsigned from;
	int error;

	for (unsigned i = 0; i < 2; i++)
		ro_prospect(ro, walk->ends[i], walk->ends[1 - i], &prospects[i]);
	from = prospects[0].here ? 0 : 1; /* whose session is here asks */
	error = ro_start(ro, &walk->now, walk->ends[from], walk->ends[1 - from]);
	if (error == 0)
		return action_row(walk, "starting", row);
	if (error != -EALREADY)
		return start_refused(walk, error, prospects);
	return action_row(walk,
		ro_pair_find(ro, walk->ends[0], walk->ends[1], &view) && view.state == RO_STATE_ACTIVE
			? "already-direct"
			: "already-starting",
		row);
}

int ro_start_step(struct walk *walk, json_t **row)
{
	int result;

	*row = NULL;
	if (walk->place.phase == ACTION_DONE)
		return 0;
	if (walk->sources->ro == NULL)
		return off(walk);
	result = pair_argument_step(walk);
	if (walk->sources->config->role == ROLE_MAG && (result == 0 || walk->refusal.error == API_ERROR_NOT_FOUND))
		return at_mag(walk);
	if (result != 0)
		return result;
	walk->place.phase = ACTION_DONE;
	return start(walk, row);
}

/* ---- stop ---- */

int ro_stop_step(struct walk *walk, json_t **row)
{
	int result;

	*row = NULL;
	if (walk->place.phase == ACTION_DONE)
		return 0;
	if (walk->sources->ro == NULL)
		return off(walk);
	result = pair_argument_step(walk);
	if (result != 0)
		return result;
	walk->place.phase = ACTION_DONE;
	switch (ro_stop(walk->sources->ro, &walk->now, walk->ends[0], walk->ends[1])) {
	case 0: return action_row(walk, "stopped", row);
	case -ENOENT: return action_row(walk, "not-direct", row);
	default: return refusal_set(&walk->refusal, API_ERROR_REFUSED, "not done: see the log");
	}
}
