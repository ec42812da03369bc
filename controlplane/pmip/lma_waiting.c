/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "pmip/lma_internal.h"

/* NULL: no memory, or a message beyond all bounds. */
struct stored_pbu *lma_store(const struct lma_request *request)
{
	uint8_t encoded[MH_LENGTH_MAX];
	const uint8_t *bytes = request->datagram->bytes;
	uint16_t length = request->message->length;
	struct stored_pbu *stored;

	if (bytes == NULL) {
		bytes = encoded;
		length = mh_encode(request->message, encoded, sizeof(encoded), NULL, NULL);
		if (length == 0)
			return NULL;
	}
	stored = malloc(sizeof(*stored) + length);
	if (stored == NULL)
		return NULL;
	*stored = (struct stored_pbu){.source = request->datagram->source,
		.destination = request->datagram->destination,
		.timestamp = request->has_timestamp ? request->options.timestamp : 0,
		.length = length};
	memcpy(stored->bytes, bytes, length);
	return stored;
}

void lma_store_newer(struct lma *lma, struct stored_pbu **place, const struct lma_request *request)
{
	struct stored_pbu *stored;

	if (*place != NULL && request->has_timestamp && request->options.timestamp <= (*place)->timestamp) {
		lma->stats.pbu_ignored++;
		return;
	}
	stored = lma_store(request);
	if (stored == NULL)
		return; /* it will be sent again */
	free(*place);
	*place = stored;
}

/* MaxDelayBeforeNewBCEAssign is over without a de-registration: a new session. */
static void hold_timer(struct timer *timer, void *context, uint64_t now_ms)
{
	struct lma_hold *hold = (struct lma_hold *)timer; /* its first member */
	struct lma *lma = context;
	struct stored_pbu *stored = lma_hold_end(lma, binding_cache_at(&lma->cache, hold->binding));

	(void)now_ms;
	stored->create = true;
	lma_backlog_add(lma, stored);
}

void lma_hold(struct lma *lma, struct binding *binding, const struct lma_request *request)
{
	struct lma_hold *hold = binding->hold;

	if (hold != NULL) {
		lma_store_newer(lma, &hold->request, request);
		return;
	}
	hold = calloc(1, sizeof(*hold));
	if (hold == NULL)
		return;
	hold->request = lma_store(request);
	if (hold->request == NULL) {
		free(hold);
		return;
	}
	hold->binding = binding_index(&lma->cache, binding);
	timer_init(&hold->timer, hold_timer);
	timer_start(&lma->wheel, &hold->timer, engine_ms(lma->now) + lma->config.max_delay_before_new_bce_assign_ms);
	binding->hold = hold;
	lma->stats.pbu_held++;
	lma_note(lma, binding, HISTORY_pbu_held, request->options.handoff_indicator);
}

struct stored_pbu *lma_hold_end(struct lma *lma, struct binding *binding)
{
	struct lma_hold *hold = binding->hold;
	struct stored_pbu *stored;

	if (hold == NULL)
		return NULL;
	stored = hold->request;
	timer_stop(&lma->wheel, &hold->timer);
	free(hold);
	binding->hold = NULL;
	return stored;
}

void lma_backlog_add(struct lma *lma, struct stored_pbu *stored)
{
	stored->next = NULL;
	*lma->backlog_end = stored;
	lma->backlog_end = &stored->next;
}

void lma_request_from_stored(struct lma *lma, struct lma_request *request, const struct stored_pbu *stored,
	struct mh_datagram *datagram, struct mh_message *message)
{
	*datagram = (struct mh_datagram){.source = stored->source,
		.destination = stored->destination,
		.bytes = stored->bytes,
		.length = stored->length};
	mh_decode(message, stored->bytes, stored->length, NULL, NULL); /* it was decoded before */
	lma_request_init(request, datagram, message);
	lma_check_identity(lma, request); /* fills peer and policy; passed before */
	request->is_checked = true;
	request->create = stored->create;
}

void lma_backlog_run(struct lma *lma)
{
	struct stored_pbu *stored;
	struct mh_datagram datagram;
	struct mh_message message;
	struct lma_request request;

	while ((stored = lma->backlog) != NULL) {
		lma->backlog = stored->next;
		if (lma->backlog == NULL)
			lma->backlog_end = &lma->backlog;
		lma_request_from_stored(lma, &request, stored, &datagram, &message);
		lma_dispatch(lma, &request);
		free(stored);
	}
}
