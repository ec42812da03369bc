/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "pmip/lma_internal.h"

/* From where else its packets may come: in a handover that is where it was until now. */
static uint32_t former_tunnel(const struct binding *binding)
{
	const struct lma_former *former = lma_former_get(binding);

	if (binding->pending != NULL && binding->pending->change == CHANGE_MOVE && binding->pending->former != NULL)
		former = binding->pending->former;
	return former != NULL ? former->tunnel : INDEX_NONE;
}

static void endpoint_update(struct lma *lma, const struct binding *binding, enum fwd_op op, uint8_t flags)
{
	uint32_t index = binding_index(&lma->cache, binding);
	struct fwd_update update = {.op = (uint8_t)op, .index = index};

	update.body.endpoint.forward = (struct forward){.action = FORWARD_TUNNEL,
		.flags = flags,
		.link = LINK_NONE,
		.tunnel = binding->terms.tunnel,
		.node = index,
		.generation = binding->generation};
	if (former_tunnel(binding) != INDEX_NONE) {
		update.body.endpoint.forward.flags |= FORWARD_FORMER;
		update.body.endpoint.forward.former = former_tunnel(binding);
	}
	for (unsigned i = 0; i < binding->prefix_count; i++) {
		update.body.endpoint.id = binding_prefix(binding, i);
		lma->host->ops->update(lma->host, &update);
	}
}

void lma_endpoints_replace(struct lma *lma, const struct binding *binding)
{
	endpoint_update(
		lma, binding, FWD_OP_endpoint_replace, binding->state == BINDING_DELETING ? FORWARD_BLOCKED : 0);
}

static void pending_free(struct lma_pending *pending)
{
	free(pending->former);
	ident_clear(&pending->old.link_layer_id);
	free(pending->request);
	free(pending->parked);
	free(pending);
}

uint32_t lma_serial_next(struct lma *lma)
{
	lma->serial = lma->serial % SERIAL_MAX + 1;
	return lma->serial;
}

void lma_commit(struct lma *lma, const struct binding *binding, uint32_t serial)
{
	lma->host->ops->commit(lma->host, (uint64_t)serial << 32 | binding_index(&lma->cache, binding), 0);
}

/* Keeps what a refused transaction needs: the request to answer and the terms to go back to. NULL: no memory. */
static struct lma_pending *pending_create(
	struct lma *lma, const struct binding *binding, const struct lma_request *request, enum lma_change change)
{
	const struct ident *id = &binding->terms.link_layer_id;
	struct lma_pending *pending = calloc(1, sizeof(*pending));

	if (pending == NULL)
		return NULL;
	pending->serial = lma_serial_next(lma);
	pending->change = change;
	pending->other_tunnel = INDEX_NONE;
	pending->old_state = binding->state;
	pending->old_deadline_ms = binding->timer.deadline_ms;
	pending->old = binding->terms;
	memset(&pending->old.link_layer_id, 0, sizeof(pending->old.link_layer_id));
	pending->request = lma_store(request);
	if (pending->request == NULL ||
		ident_set(&pending->old.link_layer_id, id->kind, ident_data(id), id->length) != 0) {
		pending_free(pending);
		return NULL;
	}
	return pending;
}

static void timer_set(struct lma *lma, struct binding *binding, uint64_t deadline_ms)
{
	timer_start(&lma->wheel, &binding->timer, deadline_ms);
}

static void release_prefixes(struct lma *lma, const struct mn_id *id, const uint64_t *prefixes, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		prefix_pools_release(lma->pools, engine_ms(lma->now), 0, prefixes[i], id);
}

/* All its prefixes have to be eligible: a pair is about any of them. */
static bool ro_allowed(const struct lma *lma, const struct policy_node *node, const uint64_t *prefixes, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		struct home_network_prefix prefix = prefix_from_id(prefixes[i]);

		if (!policy_is_eligible(lma->config.policy, &prefix))
			return false;
	}
	return !node->ro_denied;
}

/* The binding without forwarding state; NULL: no index or no memory. */
static struct binding *binding_create(
	struct lma *lma, const struct lma_request *request, const uint64_t *prefixes, unsigned count)
{
	struct engine_host *host = lma->host;
	uint32_t index = host->ops->index_allocate(host, INDEX_NODE);
	struct binding *binding;

	if (index == INDEX_NONE)
		return NULL;
	binding = binding_cache_insert(&lma->cache, index, &request->options.mn_id, prefixes, count);
	if (binding == NULL) {
		host->ops->index_release(host, INDEX_NODE, index);
		return NULL;
	}
	binding->generation = host->ops->index_generation(host, INDEX_NODE, index);
	binding->state = BINDING_PENDING;
	binding->ro_allowed = ro_allowed(lma, &request->node, prefixes, count);
	binding->terms.peer = request->peer;
	binding->terms.tunnel = INDEX_NONE;
	lma->peers[request->peer].sessions++;
	timer_init(&binding->timer, lma_binding_timer);
	if (lma_terms_update(lma, binding, request) == 0)
		binding->pending = pending_create(lma, binding, request, CHANGE_REGISTER);
	if (binding->pending != NULL)
		binding->terms.tunnel = tunnels_acquire(lma->tunnels, &request->proxy_coa);
	if (binding->terms.tunnel != INDEX_NONE)
		return binding;
	if (binding->pending != NULL)
		pending_free(binding->pending);
	lma->peers[request->peer].sessions--;
	binding_cache_remove(&lma->cache, binding);
	host->ops->index_release(host, INDEX_NODE, index);
	return NULL;
}

/* RFC 5213 section 5.3.2 */
void lma_register(struct lma *lma, const struct lma_request *request)
{
	uint64_t prefixes[PROXY_PREFIXES_MAX];
	uint8_t status = MH_STATUS_INSUFFICIENT_RESOURCES;
	struct binding *binding;
	unsigned count;

	if (lma->cache.count >= lma->config.max_bindings || lma->host->ops->busy(lma->host)) {
		lma_reject(lma, request, status, NULL);
		return;
	}
	count = lma_assign_prefixes(lma, request, prefixes, &status);
	if (count == 0) {
		lma_reject(lma, request, status, NULL);
		return;
	}
	binding = binding_create(lma, request, prefixes, count);
	if (binding == NULL) {
		release_prefixes(lma, &request->options.mn_id, prefixes, count);
		lma_reject(lma, request, MH_STATUS_INSUFFICIENT_RESOURCES, NULL);
		return;
	}
	timer_set(lma, binding, binding->terms.expires_ms);
	endpoint_update(lma, binding, FWD_OP_endpoint_insert, 0);
	lma_answer(lma, request, MH_STATUS_ACCEPTED, binding);
	lma_commit(lma, binding, binding->pending->serial);
}

static void tell(struct lma *lma, uint64_t prefix, enum lma_session_change change)
{
	if (lma->changed != NULL)
		lma->changed(lma->changed_context, lma->now, prefix, change);
}

/*
 * RFC 5213 section 5.3.3: the forwarding state stays. An MN that attaches anew to the MAG whose de-registration was
 * lost looks the same, but for the indicator.
 */
static void refresh(struct lma *lma, struct binding *binding, const struct lma_request *request)
{
	if (lma_terms_update(lma, binding, request) != 0) {
		lma_reject(lma, request, MH_STATUS_INSUFFICIENT_RESOURCES, NULL);
		return;
	}
	/* A later expiry is noticed when the timer fires: refreshing costs no list of timers. */
	if (!timer_is_running(&binding->timer) || binding->timer.deadline_ms > binding->terms.expires_ms)
		timer_set(lma, binding, binding->terms.expires_ms);
	binding->last_status = MH_STATUS_ACCEPTED;
	lma->stats.refreshes++;
	lma_note(lma, binding, HISTORY_refreshed, request->options.handoff_indicator);
	lma_answer(lma, request, MH_STATUS_ACCEPTED, binding);
	lma->host->ops->commit(lma->host, 0, 0);
	if (request->options.handoff_indicator != HI_UNCHANGED)
		tell(lma, binding->prefix, LMA_SESSION_UP);
}

/*
 * RFC 5213 section 5.3.4, and the end of a delete wait by a valid PBU. The old tunnel stays until every endpoint has
 * left it: of several prefixes one may be refused.
 */
static void move(struct lma *lma, struct binding *binding, const struct lma_request *request)
{
	struct lma_pending *pending = pending_create(lma, binding, request, CHANGE_MOVE);
	uint32_t tunnel;

	if (pending == NULL) {
		lma_reject(lma, request, MH_STATUS_INSUFFICIENT_RESOURCES, NULL);
		return;
	}
	pending->is_handover = !in6_equal(&binding->terms.proxy_coa, &request->proxy_coa);
	if (pending->is_handover)
		pending->former = lma_former_create(lma, binding);
	tunnel = tunnels_acquire(lma->tunnels, &request->proxy_coa);
	if (tunnel == INDEX_NONE || lma_terms_update(lma, binding, request) != 0) {
		if (tunnel != INDEX_NONE)
			tunnels_release(lma->tunnels, tunnel);
		pending_free(pending);
		lma_reject(lma, request, MH_STATUS_INSUFFICIENT_RESOURCES, NULL);
		return;
	}
	pending->other_tunnel = binding->terms.tunnel;
	binding->pending = pending;
	binding->state = BINDING_PENDING;
	binding->terms.tunnel = tunnel;
	timer_set(lma, binding, binding->terms.expires_ms);
	endpoint_update(lma, binding, FWD_OP_endpoint_replace, 0);
	lma_answer(lma, request, MH_STATUS_ACCEPTED, binding);
	lma_commit(lma, binding, binding->pending->serial);
}

/* A PBU that waits for the binding has its place, unless it is this MAG's: then this one is newer. */
static void end_own_hold(struct lma *lma, struct binding *binding, const struct lma_request *request)
{
	struct stored_pbu *stored;

	if (binding->hold == NULL || !in6_equal(&binding->hold->request->source, &request->datagram->source))
		return;
	stored = lma_hold_end(lma, binding);
	free(stored);
}

void lma_update(struct lma *lma, struct binding *binding, const struct lma_request *request)
{
	end_own_hold(lma, binding, request);
	if (binding->state == BINDING_ACTIVE && in6_equal(&binding->terms.proxy_coa, &request->proxy_coa))
		refresh(lma, binding, request);
	else
		move(lma, binding, request);
}

static void accept_deregistration(struct lma *lma, struct binding *binding, const struct lma_request *request)
{
	struct binding_terms *terms = &binding->terms;

	if (terms->timestamp > binding->timestamp_floor)
		binding->timestamp_floor = terms->timestamp;
	terms->timestamp = request->has_timestamp ? request->options.timestamp : 0;
	terms->sequence = request->sequence;
	terms->lifetime = 0;
	terms->handoff_indicator = request->options.handoff_indicator;
	if (binding->state == BINDING_DELETING)
		return;
	binding->state = BINDING_DELETING;
	binding->last_status = MH_STATUS_ACCEPTED;
	timer_set(lma, binding, engine_ms(lma->now) + lma->config.min_delay_before_bce_delete_ms);
	lma->stats.deregistrations++;
	lma_note(lma, binding, HISTORY_deregistered, request->options.handoff_indicator);
}

/* RFC 5213 section 5.3.5 */
void lma_deregister(struct lma *lma, struct binding *binding, const struct lma_request *request)
{
	bool is_blocked = binding->state == BINDING_DELETING;
	struct stored_pbu *waiting;

	if (!in6_equal(&binding->terms.proxy_coa, &request->proxy_coa)) {
		lma->stats.pbu_ignored++;
		return;
	}
	end_own_hold(lma, binding, request);
	accept_deregistration(lma, binding, request);
	waiting = lma_hold_end(lma, binding);
	if (waiting != NULL)
		lma_backlog_add(lma, waiting); /* it moves the binding at once */
	else if (!is_blocked)
		binding->pending = pending_create(lma, binding, request, CHANGE_BLOCK);
	if (binding->pending != NULL)
		endpoint_update(lma, binding, FWD_OP_endpoint_replace, FORWARD_BLOCKED);
	lma_answer(lma, request, MH_STATUS_ACCEPTED, binding);
	if (binding->pending != NULL)
		lma_commit(lma, binding, binding->pending->serial);
	else
		lma->host->ops->commit(lma->host, 0, 0);
}

void lma_drop_waiting(struct lma *lma, struct binding *binding)
{
	free(lma_hold_end(lma, binding));
	if (binding->pending != NULL) {
		free(binding->pending->parked);
		binding->pending->parked = NULL;
	}
}

void lma_forget(struct lma *lma, struct binding *binding)
{
	lma_drop_waiting(lma, binding);
	lma_former_forget(lma, binding);
	if (binding->pending != NULL)
		pending_free(binding->pending);
	binding->pending = NULL;
}

/* The MN's other sessions remember the highest timestamp. */
static void pass_timestamp_on(struct lma *lma, const struct binding *binding)
{
	uint64_t highest = binding->terms.timestamp > binding->timestamp_floor ? binding->terms.timestamp
									       : binding->timestamp_floor;
	struct mn_id id = binding_id(binding);
	struct binding *other;
	uint32_t at = 0;

	while ((other = binding_cache_by_id(&lma->cache, &id, &at)) != NULL)
		if (other->timestamp_floor < highest)
			other->timestamp_floor = highest;
}

/* Users before what they use: endpoints, tunnel, index. */
void lma_remove(struct lma *lma, struct binding *binding)
{
	struct engine_host *host = lma->host;
	uint32_t index = binding_index(&lma->cache, binding);
	uint64_t prefix = binding->prefix;
	struct mn_id id = binding_id(binding);
	struct stored_pbu *waiting = lma_hold_end(lma, binding);
	/* Unless it asked for the end, the MAG goes on as if the binding were there: nobody tells it. */
	uint64_t until_ms = binding->state == BINDING_DELETING ? 0 : binding->terms.expires_ms;

	endpoint_update(lma, binding, FWD_OP_endpoint_remove, 0);
	tunnels_release(lma->tunnels, binding->terms.tunnel);
	if (binding->pending != NULL && binding->pending->other_tunnel != INDEX_NONE)
		tunnels_release(lma->tunnels, binding->pending->other_tunnel);
	if (binding->former != NULL)
		tunnels_release(lma->tunnels, binding->former->tunnel);
	lma_former_forget(lma, binding);
	host->ops->index_release(host, INDEX_NODE, index);
	host->ops->commit(host, 0, 0);

	if (waiting != NULL)
		lma_backlog_add(lma, waiting);
	if (binding->pending != NULL) {
		if (binding->pending->parked != NULL)
			lma_backlog_add(lma, binding->pending->parked);
		binding->pending->parked = NULL;
		pending_free(binding->pending);
	}
	timer_stop(&lma->wheel, &binding->timer);
	pass_timestamp_on(lma, binding);
	for (unsigned i = 0; i < binding->prefix_count; i++)
		prefix_pools_release(lma->pools, engine_ms(lma->now), until_ms, binding_prefix(binding, i), &id);
	lma->peers[binding->terms.peer].sessions--;
	binding_cache_remove(&lma->cache, binding);
	tell(lma, prefix, LMA_SESSION_DOWN);
}

/* Where it was until now stays a way in; the way in of before ends. */
static void keep_former(struct lma *lma, struct binding *binding, struct lma_pending *pending)
{
	if (pending->former == NULL)
		return;
	lma_former_start(lma, binding, pending->former);
	pending->former = NULL;
	pending->other_tunnel = INDEX_NONE;
}

static enum lma_session_change change_of_move(const struct lma_pending *pending)
{
	if (pending->is_handover)
		return LMA_SESSION_MOVED;
	return pending->old_state == BINDING_DELETING ? LMA_SESSION_RENEWED : LMA_SESSION_UP;
}

/* The move was applied, or the registration. */
static void change_succeeded(struct lma *lma, struct binding *binding, struct lma_pending *pending)
{
	uint8_t indicator = binding->terms.handoff_indicator;

	switch (pending->change) {
	case CHANGE_REGISTER:
		lma->stats.registrations++;
		binding->state = BINDING_ACTIVE;
		lma_note(lma, binding, HISTORY_registered, indicator);
		tell(lma, binding->prefix, LMA_SESSION_UP);
		break;
	case CHANGE_MOVE:
		if (pending->is_handover)
			lma->stats.handovers++;
		else
			lma->stats.refreshes++;
		binding->state = BINDING_ACTIVE;
		keep_former(lma, binding, pending);
		lma_note(lma, binding, pending->is_handover ? HISTORY_handover : HISTORY_refreshed, indicator);
		tell(lma, binding->prefix, change_of_move(pending));
		break;
	case CHANGE_ROLLBACK: binding->state = pending->old_state; break;
	case CHANGE_BLOCK: break;
	}
}

/* The change is over, and nothing leads to the tunnel of before (or of what was refused) any more. */
static void release_other_tunnel(struct lma *lma, struct lma_pending *pending)
{
	if (pending->other_tunnel == INDEX_NONE)
		return;
	tunnels_release(lma->tunnels, pending->other_tunnel);
	pending->other_tunnel = INDEX_NONE;
	lma->host->ops->commit(lma->host, 0, 0);
}

/* Put the old terms back, and the tunnel that is still there for them. */
static void roll_back(struct lma *lma, struct binding *binding, struct lma_pending *pending)
{
	uint32_t refused = binding->terms.tunnel;

	lma->peers[binding->terms.peer].sessions--;
	lma->peers[pending->old.peer].sessions++;
	ident_clear(&binding->terms.link_layer_id);
	binding->terms = pending->old;
	memset(&pending->old.link_layer_id, 0, sizeof(pending->old.link_layer_id));
	pending->other_tunnel = refused;
	pending->change = CHANGE_ROLLBACK;
	pending->serial = lma_serial_next(lma);
	timer_set(lma, binding, pending->old_deadline_ms);
	endpoint_update(
		lma, binding, FWD_OP_endpoint_replace, pending->old_state == BINDING_DELETING ? FORWARD_BLOCKED : 0);
	lma_commit(lma, binding, binding->pending->serial);
}

static void answer_failure(struct lma *lma, struct binding *binding, const struct lma_pending *pending)
{
	struct mh_datagram datagram;
	struct mh_message message;
	struct lma_request request;

	if (pending->change == CHANGE_ROLLBACK)
		return;
	lma_request_from_stored(lma, &request, pending->request, &datagram, &message);
	if (pending->change == CHANGE_BLOCK) {
		lma_answer(lma, &request, MH_STATUS_ACCEPTED, binding); /* it is de-registered all the same */
		lma->host->ops->commit(lma->host, 0, 0);
	} else {
		lma_reject(lma, &request, MH_STATUS_INSUFFICIENT_RESOURCES, NULL);
	}
}

/* Returns true if the binding goes on with a transaction of its own. */
static bool change_failed(struct lma *lma, struct binding *binding, struct lma_pending *pending, int error)
{
	bool is_old_mag_alive;

	lma_note(lma, binding, HISTORY_forwarding_failed, (uint8_t)-error);
	answer_failure(lma, binding, pending);
	if (pending->change == CHANGE_BLOCK)
		return false;
	if (pending->change == CHANGE_REGISTER)
		binding->terms.expires_ms = 0; /* nobody ever heard of it */
	is_old_mag_alive = pending->old.epoch == lma->peers[pending->old.peer].epoch;
	if (pending->change == CHANGE_MOVE && is_old_mag_alive)
		roll_back(lma, binding, pending);
	else
		lma_remove(lma, binding); /* takes pending along */
	return true;
}

static void change_done(struct lma *lma, struct binding *binding, struct lma_pending *pending, int error)
{
	if (error != 0 && change_failed(lma, binding, pending, error))
		return;
	if (error == 0)
		change_succeeded(lma, binding, pending);
	binding->pending = NULL;
	release_other_tunnel(lma, pending);
	if (pending->parked != NULL)
		lma_backlog_add(lma, pending->parked);
	pending->parked = NULL;
	pending_free(pending);
}

void lma_transaction_done(struct lma *lma, const struct engine_time *now, uint64_t cookie, int error)
{
	struct binding *binding = binding_cache_at(&lma->cache, (uint32_t)cookie);
	const struct engine_time *before = lma->now;
	uint32_t serial = (uint32_t)(cookie >> 32);

	if (binding == NULL)
		return; /* its removal was committed after this */
	lma->now = now;
	if (binding->pending != NULL && binding->pending->serial == serial)
		change_done(lma, binding, binding->pending, error);
	else
		lma_former_done(lma, binding, serial, error);
	lma_backlog_run(lma);
	lma->now = before;
}
