/* SPDX-License-Identifier: BSD-3-Clause */
#include "endpoint.h"
#include "pmip/lma_internal.h"

static bool is_all_zero(const uint8_t *bytes, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

static void prefixes_init(struct lma_request *request)
{
	const struct proxy_options *options = &request->options;

	for (unsigned i = 0; i < options->prefix_count && i < PROXY_PREFIXES_MAX; i++) {
		const struct home_network_prefix *prefix = &options->prefixes[i];

		if (in6_is_zero(&prefix->prefix))
			request->all_zero_count++;
		else
			request->prefixes[request->explicit_count++] =
				prefix->length == 64 ? endpoint_id_ipv6(prefix->prefix.s6_addr) : ENDPOINT_NONE;
	}
}

void lma_request_init(struct lma_request *request, const struct mh_datagram *datagram, const struct mh_message *message)
{
	const struct proxy_options *options = &request->options;

	request->datagram = datagram;
	request->message = message;
	request->peer = UINT32_MAX;
	request->sequence = message->fixed.bu.sequence;
	request->lifetime = message->fixed.bu.lifetime;
	request->is_checked = false;
	request->create = false;
	request->link_layer_id = NULL;
	request->link_layer_id_length = 0;
	request->all_zero_count = 0;
	request->explicit_count = 0;
	mh_proxy_options(message, &request->options);
	request->has_timestamp = options->timestamp_count > 0;
	request->proxy_coa =
		options->alternate_care_of_address_count > 0 ? options->alternate_care_of_address : datagram->source;
	if (options->link_layer_id != NULL && !is_all_zero(options->link_layer_id, options->link_layer_id_length)) {
		request->link_layer_id = options->link_layer_id;
		request->link_layer_id_length = options->link_layer_id_length;
	}
	prefixes_init(request);
}

/* Steps 4 to 8. What stands twice leaves open which one is meant, so it comes before anything is looked up. */
uint8_t lma_check_identity(struct lma *lma, struct lma_request *request)
{
	const struct policy *policy = lma->config.policy;

	request->peer = policy_peer_find(policy, &request->datagram->source);
	if (request->options.mn_id_count == 0 || request->options.mn_id.length == 0)
		return MH_STATUS_MISSING_MN_IDENTIFIER_OPTION;
	if (request->options.duplicate_singleton)
		return MH_STATUS_UNSPECIFIED;
	if (request->peer >= lma->peer_count || !policy_peer_is_opposite(policy, request->peer))
		return MH_STATUS_MAG_NOT_AUTHORIZED_FOR_PROXY_REG;
	if (!policy_node_by_id(policy, &request->options.mn_id, &request->node))
		return MH_STATUS_NOT_LMA_FOR_THIS_MOBILE_NODE;
	if (!policy_peer_may_register(policy, &request->node, request->peer))
		return MH_STATUS_MAG_NOT_AUTHORIZED_FOR_PROXY_REG;
	if (!request->node.proxy_registration)
		return MH_STATUS_PROXY_REG_NOT_ENABLED;
	return MH_STATUS_ACCEPTED;
}

/* The highest timestamp that was accepted for the MN, over all its sessions. */
static uint64_t last_timestamp(const struct lma *lma, const struct mn_id *id)
{
	struct binding *binding;
	uint64_t last = 0;
	uint32_t at = 0;

	while ((binding = binding_cache_by_id(&lma->cache, id, &at)) != NULL) {
		if (binding->terms.timestamp > last)
			last = binding->terms.timestamp;
		if (binding->timestamp_floor > last)
			last = binding->timestamp_floor;
	}
	return last;
}

/* RFC 5213 section 5.5 rules 6, 8 and 9; equal timestamps: wire-formats B.10. */
uint8_t lma_check_timestamp(const struct lma *lma, const struct lma_request *request)
{
	uint64_t stamp_ns = mh_timestamp_to_ns(request->options.timestamp);
	uint64_t now_ns = lma->now->wall_ns;
	uint64_t last = last_timestamp(lma, &request->options.mn_id);
	uint64_t difference_ns = stamp_ns > now_ns ? stamp_ns - now_ns : now_ns - stamp_ns;

	if (request->options.timestamp < last)
		return MH_STATUS_TIMESTAMP_LOWER_THAN_PREV_ACCEPTED;
	if (request->options.timestamp == last)
		return MH_STATUS_TIMESTAMP_MISMATCH;
	if (!lma->config.mobile_node_generated_timestamp_in_use &&
		difference_ns > (uint64_t)lma->config.timestamp_validity_window_ms * 1000000)
		return MH_STATUS_TIMESTAMP_MISMATCH;
	return MH_STATUS_ACCEPTED;
}

/* RFC 6275 section 9.5.1: modulo 2^16. */
uint8_t lma_check_sequence(const struct lma_request *request, const struct binding *binding)
{
	if ((int16_t)(uint16_t)(request->sequence - binding->terms.sequence) > 0)
		return MH_STATUS_ACCEPTED;
	return MH_STATUS_SEQUENCE_OUT_OF_WINDOW;
}

/* Steps 10 to 12. */
uint8_t lma_check_options(const struct lma_request *request)
{
	if (request->options.prefix_count == 0)
		return MH_STATUS_MISSING_HOME_NETWORK_PREFIX_OPTION;
	if (request->options.handoff_indicator_count == 0)
		return MH_STATUS_MISSING_HANDOFF_INDICATOR_OPTION;
	if (request->options.access_technology_count == 0)
		return MH_STATUS_MISSING_ACCESS_TECH_TYPE_OPTION;
	if (request->all_zero_count > 1 || (request->all_zero_count == 1 && request->options.prefix_count > 1))
		return MH_STATUS_UNSPECIFIED;
	return MH_STATUS_ACCEPTED;
}

struct binding *lma_find_duplicate(const struct lma *lma, const struct lma_request *request)
{
	uint64_t timestamp = request->has_timestamp ? request->options.timestamp : 0;
	struct binding *binding;
	uint32_t at = 0;

	while ((binding = binding_cache_by_id(&lma->cache, &request->options.mn_id, &at)) != NULL) {
		const struct binding_terms *terms = &binding->terms;

		if (terms->sequence == request->sequence && terms->timestamp == timestamp &&
			terms->lifetime == request->lifetime && in6_equal(&terms->proxy_coa, &request->proxy_coa))
			return binding;
	}
	return NULL;
}
