/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmip/lma_internal.h"

static bool is_accepted(uint8_t status)
{
	return status < 128;
}

/* Accepted: those of the session; rejected: those of the request, or one ALL_ZERO. */
static void write_prefixes(struct mh_writer *writer, const struct lma_request *request, const struct binding *binding)
{
	const struct proxy_options *options = &request->options;
	struct home_network_prefix prefix = {.length = 0};

	for (unsigned i = 0; binding != NULL && i < binding->prefix_count; i++) {
		prefix = prefix_from_id(binding_prefix(binding, i));
		mh_write_prefix(writer, &prefix);
	}
	if (binding != NULL)
		return;
	if (options->prefix_count == 0 || options->prefix_count > PROXY_PREFIXES_MAX || request->all_zero_count > 0) {
		mh_write_prefix(writer, &prefix);
		return;
	}
	for (unsigned i = 0; i < options->prefix_count; i++)
		mh_write_prefix(writer, &options->prefixes[i]);
}

/* RFC 5213 section 5.5 rules 7 to 9. */
static uint64_t timestamp_of(const struct lma *lma, const struct lma_request *request, uint8_t status)
{
	bool is_refused =
		status == MH_STATUS_TIMESTAMP_MISMATCH || status == MH_STATUS_TIMESTAMP_LOWER_THAN_PREV_ACCEPTED;

	if (is_refused && !lma->config.mobile_node_generated_timestamp_in_use)
		return mh_timestamp_from_ns(lma->now->wall_ns);
	return request->options.timestamp;
}

static void write_options(struct mh_writer *writer, const struct lma *lma, const struct lma_request *request,
	uint8_t status, const struct binding *session)
{
	const struct proxy_options *options = &request->options;
	struct mn_id nobody = {.subtype = 1};

	mh_write_mn_id(writer, options->mn_id_count > 0 ? &options->mn_id : &nobody);
	write_prefixes(writer, request, session);
	mh_write_handoff_indicator(writer, options->handoff_indicator_count > 0 ? options->handoff_indicator : 0);
	mh_write_access_technology(writer, options->access_technology_count > 0 ? options->access_technology : 0);
	if (request->has_timestamp)
		mh_write_timestamp(writer, timestamp_of(lma, request, status));
	if (options->link_layer_id_count > 0)
		mh_write_link_layer_id(writer, options->link_layer_id, options->link_layer_id_length);
	if (options->link_local_count > 0)
		mh_write_link_local(writer, session != NULL ? &session->terms.link_local : &options->link_local);
}

void lma_answer(struct lma *lma, const struct lma_request *request, uint8_t status, const struct binding *binding)
{
	const struct binding *session = is_accepted(status) ? binding : NULL;
	bool is_out_of_window = status == MH_STATUS_SEQUENCE_OUT_OF_WINDOW && binding != NULL;
	uint16_t sequence = is_out_of_window ? binding->terms.sequence : request->sequence;
	uint32_t lifetime_s = session != NULL && request->lifetime != 0 ? session->terms.lifetime_s : 0;
	uint8_t bytes[MH_LENGTH_SEND_MAX];
	struct mh_datagram datagram = {
		.source = request->datagram->destination, .destination = request->datagram->source, .bytes = bytes};
	struct mh_writer writer;

	mh_writer_init(&writer, MH_BA, bytes, sizeof(bytes));
	mh_write_ba(&writer, status, BA_FLAG_P, sequence, (uint16_t)(lifetime_s / 4));
	write_options(&writer, lma, request, status, session);
	datagram.length = mh_writer_finish(&writer, &datagram.source, &datagram.destination);
	lma->stats.pba_sent[status]++;
	lma->host->ops->send(lma->host, &datagram);
}

void lma_reject(struct lma *lma, const struct lma_request *request, uint8_t status, const struct binding *binding)
{
	lma_note_rejected(lma, request, status);
	lma_answer(lma, request, status, binding);
	lma->host->ops->commit(lma->host, 0, 0);
}
