/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "format.h"

#include "api/links.h"
#include "api/node_argument.h"
#include "api/sessions.h"
#include "ro/ro.h"

/* Commands that change something. Each does its work in its first step and tells it in one row. */

static int link_argument(struct walk *walk, uint16_t *link)
{
	const struct config *config = walk->sources->config;
	const char *text = request_argument(walk->request, "link");
	struct refusal *refusal = &walk->refusal;

	if (text == NULL)
		return refusal_set(refusal, API_ERROR_BAD_ARGUMENT, "attach needs a link: PORT, PORT.VLAN or a number");
	switch (link_parse(config, text, link)) {
	case 0: return 0;
	case -EDOM: return refusal_set(refusal, API_ERROR_BAD_ARGUMENT, "port '%.60s' is no access port", text);
	case -EMLINK:
		return refusal_set(refusal, API_ERROR_BAD_ARGUMENT,
			"port '%.60s' has several VLANs: name one, as in %.60s.%u", text, text,
			link_port(config, *link, &(uint16_t){0})->vlans[0]);
	default:
		return refusal_set(
			refusal, API_ERROR_NOT_FOUND, "there is no access link '%.60s'; see show ports", text);
	}
}

static int mac_argument(struct walk *walk, uint8_t mac[6])
{
	const char *text = request_argument(walk->request, "mac");

	if (text == NULL || mac_parse(text, mac) != 0)
		return refusal_set(&walk->refusal, API_ERROR_BAD_ARGUMENT,
			"attach needs a mac: the link-layer address of the mobile node, as in 02:00:00:00:00:01");
	return 0;
}

static int attach_refused(struct walk *walk, int error)
{
	struct refusal *refusal = &walk->refusal;

	switch (error) {
	case -EALREADY:
		return refusal_set(refusal, API_ERROR_REFUSED, "the mobile node is attached already; see show nodes");
	case -EACCES:
		return refusal_set(refusal, API_ERROR_REFUSED,
			"policy refuses the mobile node: list it under mobile-nodes, or set a "
			"default profile for unknown ones");
	case -ENOSPC:
		return refusal_set(refusal, API_ERROR_REFUSED, "no room for another mobile node: raise max-nodes");
	case -ENOENT: return refusal_set(refusal, API_ERROR_NOT_FOUND, "there is no such mobile node or link");
	default: return refusal_set(refusal, API_ERROR_REFUSED, "not done: %s", strerror(-error));
	}
}

int attach_step(struct walk *walk, json_t **row)
{
	const struct api_sources *sources = walk->sources;
	uint8_t mac[6];
	uint16_t link;
	struct row out;
	int error;

	*row = NULL;
	if (walk->place.at++ != 0)
		return 0;
	if (sources->mag == NULL || sources->attach == NULL)
		return refusal_set(&walk->refusal, API_ERROR_WRONG_ROLE, "attach is for a MAG; this gateway is an LMA");
	if (link_argument(walk, &link) != 0 || mac_argument(walk, mac) != 0)
		return -EINVAL;
	error = sources->attach(sources->context, link, mac);
	if (error != 0)
		return attach_refused(walk, error);
	row_start(&out);
	row_text(&out, "result", "attaching");
	row_mac(&out, "mac", mac);
	row_link(&out, walk, link);
	return row_finish(&out, row);
}

int detach_step(struct walk *walk, json_t **row)
{
	const struct api_sources *sources = walk->sources;
	uint8_t bytes[MN_ID_MAX];
	struct mn_id id;
	struct row out;
	int error;

	*row = NULL;
	if (walk->place.at++ != 0)
		return 0;
	if (sources->mag == NULL || sources->detach == NULL)
		return refusal_set(&walk->refusal, API_ERROR_WRONG_ROLE,
			"detach is for a MAG; this gateway is an LMA: use clear binding");
	if (node_argument(walk, bytes, &id) != 0)
		return -EINVAL;
	error = sources->detach(sources->context, &id);
	if (error == -ENOENT)
		return refusal_set(
			&walk->refusal, API_ERROR_NOT_FOUND, "there is no attached mobile node of that name");
	if (error != 0)
		return attach_refused(walk, error);
	row_start(&out);
	row_text(&out, "result", "detaching");
	row_mn(&out, &id);
	return row_finish(&out, row);
}

int clear_binding_step(struct walk *walk, json_t **row)
{
	const struct api_sources *sources = walk->sources;
	uint8_t bytes[MN_ID_MAX];
	uint32_t removed = 0;
	struct mn_id id;
	struct row out;
	int error;

	*row = NULL;
	if (walk->place.at++ != 0)
		return 0;
	if (sources->lma == NULL || sources->clear_binding == NULL)
		return refusal_set(&walk->refusal, API_ERROR_WRONG_ROLE,
			"clear binding is for an LMA; this gateway is a MAG: use detach");
	if (node_argument(walk, bytes, &id) != 0)
		return -EINVAL;
	error = sources->clear_binding(sources->context, &id, &removed);
	if (error != 0 && error != -ENOENT)
		return refusal_set(&walk->refusal, API_ERROR_REFUSED, "not done: %s", strerror(-error));
	if (removed == 0)
		return refusal_set(&walk->refusal, API_ERROR_NOT_FOUND, "there is no binding of that mobile node");
	row_start(&out);
	row_text(&out, "result", "cleared");
	row_mn(&out, &id);
	row_number(&out, "removed", removed);
	return row_finish(&out, row);
}

/* ---- clear counters: the workers' at once, then every object's, one a step ---- */

enum { CLEAR_WORKERS, CLEAR_TUNNELS, CLEAR_NODES, CLEAR_PAIRS, CLEAR_DONE, CLEAR_END };

static void clear_object(struct walk *walk, enum index_space space, uint32_t index)
{
	const struct api_sources *sources = walk->sources;

	if (sources->counter_clear != NULL)
		sources->counter_clear(sources->context, space, index);
	walk->place.at = (uint64_t)index + 1;
	walk->count++;
}

/* The next pair; false at the end, and if pairs are not counted. */
static bool clear_pair(struct walk *walk)
{
	const struct api_sources *sources = walk->sources;
	struct ro_view view;

	if (sources->ro == NULL || sources->pair_counter_clear == NULL || walk->place.at >= INDEX_NONE ||
		!ro_pair_next(sources->ro, (uint32_t)walk->place.at, &view))
		return false;
	sources->pair_counter_clear(sources->context, view.index);
	walk->place.at = (uint64_t)view.index + 1;
	walk->count++;
	return true;
}

/* The next tunnel, node or pair; false at the end. */
static bool clear_next(struct walk *walk)
{
	union session_view view;
	struct session session;
	struct tunnel_view tunnel;

	if (walk->place.phase == CLEAR_TUNNELS) {
		if (!tunnel_view_next(walk->sources, walk->place.at, &tunnel))
			return false;
		clear_object(walk, INDEX_TUNNEL, tunnel.index);
		return true;
	}
	if (walk->place.phase == CLEAR_PAIRS)
		return clear_pair(walk);
	if (!session_next(walk->sources, walk->place.at, &view, &session))
		return false;
	clear_object(walk, INDEX_NODE, session.index);
	return true;
}

static int cleared_row(const struct walk *walk, json_t **row)
{
	struct row out;

	row_start(&out);
	row_text(&out, "result", "cleared");
	row_number(&out, "objects", walk->count);
	return row_finish(&out, row);
}

int clear_counters_step(struct walk *walk, json_t **row)
{
	*row = NULL;
	if (walk->place.phase == CLEAR_END)
		return 0;
	if (walk->place.phase == CLEAR_DONE) {
		walk->place.phase = CLEAR_END;
		return cleared_row(walk, row);
	}
	if (walk->place.phase == CLEAR_WORKERS)
		counters_rebase(walk->sources->door, walk->baseline);
	else if (clear_next(walk))
		return 1;
	walk->place = (struct walk_place){walk->place.phase + 1, 0};
	return 1;
}
