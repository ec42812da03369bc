/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmip/lma.h"

#include <stdlib.h>

#include "endpoint.h"
#include "pmip/lma_internal.h"

static int tunnels_setup(struct lma *lma)
{
	const struct lma_config *config = &lma->config;
	struct fwd_tunnel shape = {.local = config->address,
		.descriptor = INDEX_NONE,
		.mtu_bytes = config->tunnel_mtu_bytes,
		.type = TUNNEL_IPV6_IN_IPV6,
		.use = TUNNEL_TO_MAG,
		.dscp_mode = config->tunnel_dscp < 0 ? DSCP_COPY : DSCP_FIXED,
		.dscp = config->tunnel_dscp < 0 ? 0 : (uint8_t)config->tunnel_dscp,
		.hop_limit = config->tunnel_hop_limit};

	/* One per proxy-CoA: with alternate care-of addresses a peer may have several. */
	lma->tunnels = tunnels_create(lma->host, &shape, config->max_bindings);
	return lma->tunnels != NULL ? 0 : -1;
}

static int pools_setup(struct lma *lma, const struct engine_time *now)
{
	const struct lma_config *config = &lma->config;
	uint64_t restart_s =
		config->restart_hold_s == UINT32_MAX ? config->max_binding_lifetime_s : config->restart_hold_s;
	struct prefix_pools_config pools = {.policy = config->policy,
		.hold_ms = (uint64_t)config->prefix_hold_s * 1000,
		.restart_until_ms = engine_ms(now) + restart_s * 1000,
		.held_max = config->max_bindings,
		.seed = lma->host->ops->random(lma->host)};

	lma->pools = prefix_pools_create(&pools);
	return lma->pools != NULL ? 0 : -1;
}

struct lma *lma_create(const struct lma_config *config, struct engine_host *host, const struct engine_time *now)
{
	struct lma *lma = calloc(1, sizeof(*lma));

	if (lma == NULL)
		return NULL;
	lma->config = *config;
	lma->host = host;
	lma->purge_cursor = INDEX_NONE;
	lma->backlog_end = &lma->backlog;
	timer_wheel_init(&lma->wheel, engine_ms(now), lma);
	while (policy_peer(config->policy, lma->peer_count) != NULL)
		lma->peer_count++;
	lma->peers = calloc(lma->peer_count + 1, sizeof(*lma->peers));
	lma->view_prefixes = calloc(PROXY_PREFIXES_MAX, sizeof(*lma->view_prefixes));
	if (lma->peers == NULL || lma->view_prefixes == NULL ||
		binding_cache_init(&lma->cache, config->max_bindings, host->ops->random(host)) != 0 ||
		pools_setup(lma, now) != 0 || tunnels_setup(lma) != 0 || lma_notices_init(lma) != 0) {
		lma_destroy(lma);
		return NULL;
	}
	return lma;
}

static void waiting_destroy(struct lma *lma)
{
	for (uint32_t i = 0; i < lma->cache.top; i++) {
		struct binding *binding = binding_cache_at(&lma->cache, i);

		if (binding != NULL)
			lma_forget(lma, binding);
	}
}

void lma_destroy(struct lma *lma)
{
	if (lma == NULL)
		return;
	waiting_destroy(lma);
	lma_notices_fini(lma);
	binding_cache_fini(&lma->cache);
	prefix_pools_destroy(lma->pools);
	tunnels_destroy(lma->tunnels);
	free(lma->view_prefixes);
	free(lma->peers);
	free(lma);
}

void lma_listen(struct lma *lma,
	void (*changed)(void *context, const struct engine_time *now, uint64_t prefix, enum lma_session_change change),
	void *context)
{
	lma->changed = changed;
	lma->changed_context = context;
}

static void new_session(struct lma *lma, const struct lma_request *request)
{
	if (request->lifetime == 0)
		lma->stats.pbu_ignored++;
	else
		lma_register(lma, request);
}

/* Rule W: RFC 5213 section 5.4.1.2 rule 4. */
static void wait_for_deregistration(struct lma *lma, struct binding *binding, const struct lma_request *request)
{
	bool is_impatient = lma->config.immediate_new_bce || lma->config.max_delay_before_new_bce_assign_ms == 0;

	if (request->lifetime == 0 || request->create || is_impatient)
		new_session(lma, request);
	else
		lma_hold(lma, binding, request);
}

static void repeat_answer(struct lma *lma, const struct lma_request *request, const struct binding *binding)
{
	lma->stats.pbu_duplicate++;
	if (binding->pending != NULL)
		return; /* its PBA is on the way */
	lma_answer(lma, request, MH_STATUS_ACCEPTED, binding);
	lma->host->ops->commit(lma->host, 0, 0);
}

static void found_session(struct lma *lma, struct binding *binding, struct lma_request *request)
{
	/* Sequence numbers are the session's: they are checked only here. */
	if (!request->is_checked && !request->has_timestamp) {
		if (lma_find_duplicate(lma, request) == binding) {
			repeat_answer(lma, request, binding);
			return;
		}
		if (lma_check_sequence(request, binding) != MH_STATUS_ACCEPTED) {
			lma_reject(lma, request, MH_STATUS_SEQUENCE_OUT_OF_WINDOW, binding);
			return;
		}
	}
	if (binding->pending != NULL) {
		lma->stats.pbu_parked++;
		lma_store_newer(lma, &binding->pending->parked, request);
	} else if (request->lifetime == 0) {
		lma_deregister(lma, binding, request);
	} else {
		lma_update(lma, binding, request);
	}
}

void lma_dispatch(struct lma *lma, struct lma_request *request)
{
	struct binding *binding;
	uint8_t status;

	switch (lma_lookup(lma, request, &binding, &status)) {
	case SESSION_NEW: new_session(lma, request); break;
	case SESSION_FOUND: found_session(lma, binding, request); break;
	case SESSION_WAIT: wait_for_deregistration(lma, binding, request); break;
	case SESSION_REFUSED: lma_reject(lma, request, status, NULL); break;
	}
}

/* Steps 4 to 12 and what comes of them. */
static void process(struct lma *lma, struct lma_request *request)
{
	uint8_t status = lma_check_identity(lma, request);
	struct binding *duplicate;

	if (status == MH_STATUS_ACCEPTED)
		lma_notices_void(lma, &request->options.mn_id);
	if (status == MH_STATUS_ACCEPTED && request->has_timestamp) {
		duplicate = lma_find_duplicate(lma, request);
		if (duplicate != NULL) {
			repeat_answer(lma, request, duplicate);
			return;
		}
		status = lma_check_timestamp(lma, request);
	}
	if (status == MH_STATUS_ACCEPTED)
		status = lma_check_options(request);
	if (status == MH_STATUS_ACCEPTED)
		lma_dispatch(lma, request);
	else
		lma_reject(lma, request, status, NULL);
}

/* RFC 6275 section 9.5.1: a care-of address that is not unicast routable, or is ours, is no reason to answer. */
static bool is_care_of_address(const struct lma *lma, const struct in6_addr *address)
{
	return endpoint_id_ipv6(address->s6_addr) != ENDPOINT_NONE && !in6_equal(address, &lma->config.address);
}

void lma_pbu(struct lma *lma, const struct engine_time *now, const struct mh_datagram *datagram,
	const struct mh_message *message)
{
	struct lma_request request;

	lma->stats.pbu_received++;
	if (message->type != MH_BU || !(message->fixed.bu.flags & BU_FLAG_P)) {
		lma->stats.pbu_ignored++;
		return;
	}
	lma_request_init(&request, datagram, message);
	if (!is_care_of_address(lma, &request.proxy_coa)) {
		lma->stats.pbu_ignored++;
		return;
	}
	lma->now = now;
	process(lma, &request);
	lma_backlog_run(lma);
	lma->now = NULL;
}

uint32_t lma_clear(struct lma *lma, const struct engine_time *now, const struct mn_id *id)
{
	struct binding *binding;
	uint32_t count = 0;

	lma->now = now;
	while ((binding = binding_cache_by_id(&lma->cache, id, &(uint32_t){0})) != NULL) {
		lma->stats.cleared++;
		lma_note(lma, binding, HISTORY_cleared, 0);
		lma_drop_waiting(lma, binding);
		lma_remove(lma, binding);
		count++;
	}
	lma->now = NULL;
	return count;
}
