/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "endpoint.h"
#include "pmip/lma_internal.h"

/* Granted: what was asked for, at most MaxBindingLifetime, in whole units of 4 s, never 0. */
static uint32_t granted_lifetime_s(const struct lma *lma, const struct lma_request *request)
{
	uint32_t units = lma->config.max_binding_lifetime_s / 4;

	if (request->lifetime < units)
		units = request->lifetime;
	return units > 0 ? units * 4 : 4;
}

/*
 * A link-local address for the MAG that the MN does not have: a random interface identifier with the universal bit
 * clear cannot be the EUI-64 of the MN's link-layer address.
 */
static struct in6_addr generate_link_local(struct lma *lma)
{
	struct in6_addr address = {.s6_addr = {0xfe, 0x80}};
	uint64_t random = lma->host->ops->random(lma->host);

	memcpy(address.s6_addr + 8, &random, sizeof(random));
	address.s6_addr[8] &= 0xfd;
	address.s6_addr[15] |= 0x01; /* not the subnet-router anycast address */
	return address;
}

/* Wire-formats B.4. */
static void link_local_update(struct lma *lma, struct binding_terms *terms, const struct lma_request *request)
{
	if (request->options.link_local_count == 0)
		return;
	if (!in6_is_zero(&request->options.link_local))
		terms->link_local = request->options.link_local;
	else if (in6_is_zero(&terms->link_local))
		terms->link_local = generate_link_local(lma);
}

/* A handoff between interfaces without the new one's id leaves none. */
static int link_layer_id_update(struct binding_terms *terms, const struct lma_request *request)
{
	struct ident id = {0};

	if (request->link_layer_id == NULL) {
		if (request->options.handoff_indicator == HI_BETWEEN_INTERFACES)
			ident_clear(&terms->link_layer_id);
		return 0;
	}
	if (ident_equals(&terms->link_layer_id, 0, request->link_layer_id, request->link_layer_id_length))
		return 0;
	if (ident_set(&id, 0, request->link_layer_id, request->link_layer_id_length) != 0)
		return -ENOMEM;
	ident_clear(&terms->link_layer_id);
	terms->link_layer_id = id;
	return 0;
}

static void peer_update(struct lma *lma, struct binding_terms *terms, uint32_t peer)
{
	lma->peers[terms->peer].sessions--;
	lma->peers[peer].sessions++;
	terms->peer = peer;
	terms->epoch = lma->peers[peer].epoch;
}

int lma_terms_update(struct lma *lma, struct binding *binding, const struct lma_request *request)
{
	struct binding_terms *terms = &binding->terms;

	if (link_layer_id_update(terms, request) != 0)
		return -ENOMEM;
	link_local_update(lma, terms, request);
	peer_update(lma, terms, request->peer);
	if (terms->timestamp > binding->timestamp_floor)
		binding->timestamp_floor = terms->timestamp;
	terms->timestamp = request->has_timestamp ? request->options.timestamp : 0;
	terms->proxy_coa = request->proxy_coa;
	terms->lifetime_s = granted_lifetime_s(lma, request);
	terms->expires_ms = engine_ms(lma->now) + (uint64_t)terms->lifetime_s * 1000;
	terms->sequence = request->sequence;
	terms->lifetime = request->lifetime;
	terms->handoff_indicator = request->options.handoff_indicator;
	terms->access_technology = request->options.access_technology;
	return 0;
}

static unsigned assign_static(const struct lma *lma, const struct lma_request *request, uint64_t *prefixes)
{
	unsigned count = 0;

	for (unsigned i = 0; i < request->node.prefix_count && count < PROXY_PREFIXES_MAX; i++) {
		uint64_t id = endpoint_id_ipv6(request->node.prefixes[i].prefix.s6_addr);

		if (id != ENDPOINT_NONE && binding_cache_by_prefix(&lma->cache, id) == NULL)
			prefixes[count++] = id;
	}
	return count;
}

/* As many as the policy says, or as the pool has left. */
static unsigned assign_dynamic(struct lma *lma, const struct lma_request *request, uint64_t *prefixes)
{
	unsigned count = 0;

	while (count < request->node.dynamic_prefixes && count < PROXY_PREFIXES_MAX &&
		prefix_pools_allocate(lma->pools, engine_ms(lma->now), request->node.pool, &request->options.mn_id,
			&prefixes[count]) == 0)
		count++;
	return count;
}

static bool is_static_of(const struct lma_request *request, uint64_t prefix)
{
	for (unsigned i = 0; i < request->node.prefix_count; i++)
		if (endpoint_id_ipv6(request->node.prefixes[i].prefix.s6_addr) == prefix)
			return true;
	return false;
}

/* The lookup has seen that no binding has them. */
static bool claim(struct lma *lma, const struct lma_request *request, uint64_t prefix)
{
	if (prefix == ENDPOINT_NONE)
		return false;
	if (request->node.prefix_count > 0)
		return is_static_of(request, prefix);
	return prefix_pools_claim(lma->pools, request->node.pool, prefix, &request->options.mn_id) == 0;
}

static unsigned assign_explicit(struct lma *lma, const struct lma_request *request, uint64_t *prefixes)
{
	unsigned allowed = request->node.prefix_count > 0 ? request->node.prefix_count : request->node.dynamic_prefixes;
	unsigned count;

	if (request->options.prefix_count > allowed || request->options.prefix_count > PROXY_PREFIXES_MAX)
		return 0;
	for (count = 0; count < request->explicit_count; count++) {
		prefixes[count] = request->prefixes[count];
		for (unsigned i = 0; i < count; i++)
			if (prefixes[i] == prefixes[count])
				goto refused;
		if (!claim(lma, request, prefixes[count]))
			goto refused;
	}
	return count;

refused:
	while (count-- > 0)
		prefix_pools_release(lma->pools, engine_ms(lma->now), 0, prefixes[count], &request->options.mn_id);
	return 0;
}

unsigned lma_assign_prefixes(struct lma *lma, const struct lma_request *request, uint64_t *prefixes, uint8_t *status)
{
	if (request->explicit_count > 0) {
		*status = MH_STATUS_NOT_AUTHORIZED_FOR_HOME_NETWORK_PREFIX;
		return assign_explicit(lma, request, prefixes);
	}
	*status = MH_STATUS_INSUFFICIENT_RESOURCES;
	if (request->node.prefix_count > 0)
		return assign_static(lma, request, prefixes);
	return assign_dynamic(lma, request, prefixes);
}
