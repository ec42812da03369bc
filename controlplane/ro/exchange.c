/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "endpoint.h"
#include "ro/internal.h"

#define ACK_KEPT_MS 30000 /* G.2 */

static void exchange_fire(struct timer *timer, void *context, uint64_t now_ms);

struct in6_addr prefix_address(uint64_t id)
{
	struct in6_addr address = {0};

	for (unsigned i = 0; i < 8; i++)
		address.s6_addr[i] = (uint8_t)(id >> (56 - 8 * i));
	return address;
}

static uint64_t exchange_hash(uint32_t id, uint16_t sequence)
{
	return endpoint_hash((uint64_t)id << 16 | sequence);
}

/* Out of the index and the wheel. */
static void exchange_end(struct ro *ro, struct exchange *exchange)
{
	struct peer_state *peer = peer_state(ro, &exchange->peer);

	if (peer != NULL)
		peer->outstanding--;
	timer_stop(&ro->wheel, &exchange->timer);
	hash_index_remove(
		&ro->by_exchange, exchange_hash(exchange->id, exchange->sequence), exchange->association->index);
}

struct ro_tuple tuple_of(const struct side *side, bool with_mag)
{
	struct ro_tuple tuple = {.id = side_id(side), .prefix_count = side->prefix_count, .ipv4 = side->ipv4};

	for (unsigned i = 0; i < side->prefix_count; i++)
		tuple.prefixes[i] = (struct home_network_prefix){prefix_address(side->prefixes[i]), 64};
	if (tuple.id.length == 0)
		tuple.id.subtype = 1;
	tuple.has_mag = with_mag && !IN6_IS_ADDR_UNSPECIFIED(&side->mag);
	tuple.mag = side->mag;
	return tuple;
}

static void datagram_send(struct ro *ro, const struct in6_addr *to, const uint8_t *bytes, uint16_t length)
{
	struct mh_datagram datagram = {
		.source = ro->config.address, .destination = *to, .bytes = bytes, .length = length};

	ro->host->ops->send(ro->host, &datagram);
}

/* Out it goes, with the open transaction. */
static void exchange_leaves(struct ro *ro, struct exchange *exchange)
{
	datagram_send(ro, &exchange->peer, exchange->bytes, exchange->length);
	exchange->is_sent = true;
	if (exchange->pbu)
		ro->stats.pbus_sent++;
	else
		ro->stats.sent[exchange->code]++;
	pair_note(ro, exchange->association, RO_EVENT_SENT, exchange->code);
	if (exchange->code == RO_REPORT)
		ro->stats.reports[exchange->value]++;
}

/* It waits for its Ack from now on. NULL: no memory. */
static struct exchange *exchange_start(struct ro *ro, struct association *a, const struct request_spec *spec,
	uint16_t sequence, const uint8_t *bytes, uint16_t length)
{
	struct peer_state *peer = peer_state(ro, &spec->to);
	struct exchange *exchange;

	if (hash_index_reserve(&ro->by_exchange, 1) != 0)
		return NULL;
	exchange = calloc(1, sizeof(*exchange) + length);
	if (exchange == NULL)
		return NULL;
	if (peer != NULL)
		peer->outstanding++;
	exchange->association = a;
	exchange->peer = spec->to;
	exchange->id = spec->pbu ? pbu_exchange_id(a->stamp) : a->id;
	exchange->pbu = spec->pbu;
	exchange->sequence = sequence;
	exchange->serial = a->serial;
	exchange->waits = true;
	exchange->code = spec->code;
	exchange->value = spec->value;
	exchange->removal = spec->lifetime_s == 0;
	exchange->length = length;
	memcpy(exchange->bytes, bytes, length);
	hash_index_insert(&ro->by_exchange, exchange_hash(exchange->id, sequence), a->index);
	exchange->next = a->exchanges;
	a->exchanges = exchange;
	timer_init(&exchange->timer, exchange_fire);
	timer_start(&ro->wheel, &exchange->timer, ro_ms(ro) + ro->config.ack_timeout_ms);
	return exchange;
}

static uint16_t request_encode(const struct ro *ro, const struct association *a, const struct request_spec *spec,
	uint16_t sequence, uint8_t *bytes, size_t size)
{
	const struct side *receiver = &a->sides[spec->tuple_a], *other = &a->sides[1 - spec->tuple_a];
	const struct ro_fixed fixed = {.code = spec->code,
		.experimental = !ro->config.native,
		.experiment_id = ro->config.experiment_id,
		.sequence = sequence,
		.flags = spec->flags,
		.value = spec->value,
		.lifetime_s = spec->lifetime_s,
		.association = a->id};
	struct ro_body body = {.tuple_count = 2, .has_stamp = true, .stamp = a->stamp};

	if (spec->pbu)
		return pbu_encode(ro, a, spec, &fixed, bytes, size);
	body.tuples[0] = tuple_of(receiver, spec->both_mags);
	body.tuples[1] = tuple_of(other, true);
	body.has_authorisation = spec->token != NULL;
	if (spec->token != NULL)
		body.authorisation = *spec->token;
	return ro_encode(&fixed, &body, bytes, size, &ro->config.address, &spec->to);
}

bool request_send(struct ro *ro, struct association *a, const struct request_spec *spec)
{
	uint16_t sequence = ++a->sequence, length;
	uint8_t bytes[MH_LENGTH_SEND_MAX];
	struct exchange *exchange;

	if (peer_has_no_ro(ro, &spec->to))
		return false;
	length = request_encode(ro, a, spec, sequence, bytes, sizeof(bytes));
	exchange = length > 0 ? exchange_start(ro, a, spec, sequence, bytes, length) : NULL;
	if (exchange == NULL)
		return false;
	if (exchange->removal)
		exchange_leaves(ro, exchange);
	return true;
}

static bool same_id(const struct side *side, const struct mn_id *id)
{
	return side->id.length == 0 || ident_equals(&side->id, id->subtype, id->data, id->length);
}

/* A side that is not known yet is what the Ack says it is. */
static bool names_both(const struct association *a, const struct ro_body *body)
{
	const struct mn_id *first = &body->tuples[0].id, *second = &body->tuples[1].id;

	return body->tuple_count == 2 && ((same_id(&a->sides[0], first) && same_id(&a->sides[1], second)) ||
						 (same_id(&a->sides[0], second) && same_id(&a->sides[1], first)));
}

static bool names_one(const struct association *a, const struct mn_id *id)
{
	return same_id(&a->sides[0], id) || same_id(&a->sides[1], id);
}

static bool answers(const struct association *a, const struct exchange *exchange, const struct ro_request *ack)
{
	return exchange->code + 1 == ack->fixed.code && exchange->sequence == ack->fixed.sequence &&
	       exchange->id == ack->fixed.association && same_address(&exchange->peer, &ack->datagram->source) &&
	       exchange->pbu == (ack->pbu != NULL) &&
	       (exchange->pbu ? names_one(a, &ack->body.tuples[0].id) : names_both(a, &ack->body));
}

static struct exchange *take_from(struct ro *ro, struct association *a, const struct ro_request *ack)
{
	for (struct exchange **link = &a->exchanges; *link != NULL; link = &(*link)->next) {
		struct exchange *exchange = *link;

		if (!answers(a, exchange, ack))
			continue;
		*link = exchange->next;
		exchange_end(ro, exchange);
		return exchange;
	}
	return NULL;
}

struct exchange *exchange_take(struct ro *ro, const struct ro_request *ack, struct association **owner)
{
	uint64_t hash = exchange_hash(ack->fixed.association, ack->fixed.sequence);
	struct exchange *exchange;
	uint32_t index;

	for (uint32_t at = 0; (index = hash_index_next(&ro->by_exchange, hash, &at)) != HASH_NONE;) {
		*owner = &ro->slots[index];
		exchange = take_from(ro, *owner, ack);
		if (exchange != NULL)
			return exchange;
	}
	return NULL;
}

void exchanges_cancel(struct ro *ro, struct association *a, bool all)
{
	struct exchange **link = &a->exchanges;

	while (*link != NULL) {
		struct exchange *exchange = *link;

		if (exchange->removal && !all) {
			link = &exchange->next;
			continue;
		}
		*link = exchange->next;
		exchange_end(ro, exchange);
		free(exchange);
	}
}

static void exchange_remove(struct ro *ro, struct association *a, struct exchange *exchange)
{
	struct exchange **link = &a->exchanges;

	while (*link != exchange)
		link = &(*link)->next;
	*link = exchange->next;
	exchange_end(ro, exchange);
}

void exchanges_settle(struct ro *ro, struct association *a, uint16_t serial, bool applied)
{
	uint64_t deadline_ms = ro_ms(ro) + ro->config.ack_timeout_ms;
	bool any = false;

	for (struct exchange *exchange = a->exchanges; exchange != NULL; exchange = exchange->next) {
		if (!exchange->waits || exchange->serial != serial)
			continue;
		exchange->waits = false;
		if (exchange->timer.deadline_ms < deadline_ms)
			timer_start(&ro->wheel, &exchange->timer, deadline_ms);
		if (!applied || exchange->is_sent)
			continue;
		exchange_leaves(ro, exchange);
		any = true;
	}
	if (any)
		ro->host->ops->commit(ro->host, 0, 0);
}

static void exchange_fire(struct timer *timer, void *context, uint64_t now_ms)
{
	struct exchange *exchange = (struct exchange *)(void *)((char *)timer - offsetof(struct exchange, timer));
	struct association *a = exchange->association;
	struct ro *ro = context;

	if (exchange->waits) { /* nothing overtakes what it says is there */
		timer_start(&ro->wheel, timer, now_ms + ro->config.ack_timeout_ms);
		return;
	}
	if (exchange->tries < ro->config.retries && !peer_has_no_ro(ro, &exchange->peer)) {
		exchange->tries++;
		timer_start(&ro->wheel, timer, now_ms + ((uint64_t)ro->config.ack_timeout_ms << exchange->tries));
		if (exchange->is_sent) {
			ro->stats.retransmitted[exchange->code]++;
			datagram_send(ro, &exchange->peer, exchange->bytes, exchange->length);
		} else { /* what it came with was refused */
			exchange_leaves(ro, exchange);
		}
		ro->host->ops->commit(ro->host, 0, 0);
		return;
	}
	ro->stats.timeouts++;
	pair_note(ro, a, RO_EVENT_TIMED_OUT, exchange->code);
	exchange_remove(ro, a, exchange);
	if (!exchange->removal && ro->config.role == RO_ROLE_LMA)
		lma_timeout(ro, a, exchange);
	else if (!exchange->removal)
		mag_timeout(ro, a, exchange);
	free(exchange);
}

/* ---- Acks ---- */

static void ack_free(struct cached_ack *ack)
{
	free(ack->bytes);
	free(ack);
}

void acks_expire(const struct ro *ro, struct association *a)
{
	struct cached_ack **link = &a->acks;

	while (*link != NULL) {
		struct cached_ack *ack = *link;

		if (ack->waits && ack->expires_ms <= ro_ms(ro))
			ack->expires_ms = ro_ms(ro) + ACK_KEPT_MS;
		if (ack->expires_ms > ro_ms(ro)) {
			link = &ack->next;
			continue;
		}
		*link = ack->next;
		ack_free(ack);
	}
}

void acks_clear(struct association *a)
{
	while (a->acks != NULL) {
		struct cached_ack *ack = a->acks;

		a->acks = ack->next;
		ack_free(ack);
	}
}

static struct cached_ack *ack_find(const struct association *a, const struct in6_addr *peer, uint8_t code)
{
	for (struct cached_ack *ack = a->acks; ack != NULL; ack = ack->next)
		if (ack->code == code && same_address(&ack->peer, peer))
			return ack;
	return NULL;
}

/* No older one is needed than that of the last request of a code. */
static void ack_remember(
	struct ro *ro, struct association *a, const struct ro_request *request, const uint8_t *bytes, uint16_t length)
{
	struct cached_ack *ack = ack_find(a, &request->datagram->source, request->fixed.code);
	uint8_t *copy = malloc(length);

	if (ack == NULL && copy != NULL) {
		ack = calloc(1, sizeof(*ack));
		if (ack != NULL) {
			ack->next = a->acks;
			a->acks = ack;
		}
	}
	if (ack == NULL || copy == NULL) {
		free(copy); /* a duplicate will be processed again: the stamp makes that harmless */
		return;
	}
	free(ack->bytes);
	memcpy(copy, bytes, length);
	ack->bytes = copy;
	ack->length = length;
	ack->peer = request->datagram->source;
	ack->code = request->fixed.code;
	ack->id = request->fixed.association;
	ack->sequence = request->fixed.sequence;
	ack->stamp = request->body.stamp;
	ack->serial = a->serial;
	ack->waits = true;
	ack->expires_ms = ro_ms(ro) + ACK_KEPT_MS;
	association_schedule(ro, a);
}

void ack_send(struct ro *ro, struct association *a, const struct ro_request *request, uint8_t status, uint8_t flags,
	uint16_t lifetime_s, const struct ro_body *body)
{
	struct ro_fixed fixed = request->fixed;
	struct ro_body ids = {.tuple_count = 2, .has_stamp = true};
	uint8_t bytes[MH_LENGTH_SEND_MAX];
	uint16_t length;

	ids.tuples[0].id = request->body.tuples[0].id;
	ids.tuples[1].id = request->body.tuples[1].id;
	for (unsigned i = 0; i < 2; i++)
		if (ids.tuples[i].id.data == NULL)
			ids.tuples[i].id = (struct mn_id){.subtype = 1};
	ids.stamp = a != NULL && status == RO_STATUS_OUT_OF_WINDOW ? a->stamp : request->body.stamp;
	fixed.code++;
	fixed.value = status;
	fixed.flags = (uint8_t)((request->fixed.flags & (RO_FLAG_P | RO_FLAG_E | RO_FLAG_H)) | flags);
	fixed.lifetime_s = RO_FAILED(status) ? 0 : lifetime_s;
	if (request->pbu != NULL)
		length = pba_encode(ro, request, status, fixed.lifetime_s, bytes, sizeof(bytes));
	else
		length = ro_encode(&fixed, body != NULL ? body : &ids, bytes, sizeof(bytes), &ro->config.address,
			&request->datagram->source);
	if (length == 0)
		return;
	datagram_send(ro, &request->datagram->source, bytes, length);
	ro->stats.sent[fixed.code]++;
	ro->stats.acks_sent[status]++;
	if (a != NULL)
		pair_note(ro, a, RO_EVENT_RECEIVED, request->fixed.code);
	if (a != NULL && RO_FAILED(status))
		pair_note(ro, a, RO_EVENT_REFUSED, status);
	if (a != NULL && status != RO_STATUS_OUT_OF_WINDOW)
		ack_remember(ro, a, request, bytes, length);
}

void request_refuse(struct ro *ro, struct association *a, const struct ro_request *request, uint8_t status)
{
	ack_send(ro, a, request, status, 0, 0, NULL);
	if (a != NULL)
		association_commit(ro, a);
	else
		ro->host->ops->commit(ro->host, 0, 0);
}

bool ack_repeat(struct ro *ro, struct association *a, const struct ro_request *request)
{
	const struct cached_ack *ack = ack_find(a, &request->datagram->source, request->fixed.code);

	if (ack == NULL || ack->sequence != request->fixed.sequence || ack->id != request->fixed.association ||
		ack->stamp != request->body.stamp || ack->stamp < a->stamp || ack->expires_ms < ro_ms(ro))
		return false;
	ro->stats.duplicates++;
	if (ack->waits)
		return true;
	datagram_send(ro, &ack->peer, ack->bytes, ack->length);
	ro->host->ops->commit(ro->host, 0, 0);
	return true;
}

bool request_is_old(const struct association *a, const struct ro_request *request)
{
	const struct cached_ack *ack = ack_find(a, &request->datagram->source, request->fixed.code);

	return request->body.stamp < a->stamp ||
	       (ack != NULL && ack->stamp == request->body.stamp && ack->id == request->fixed.association &&
		       (int16_t)(request->fixed.sequence - ack->sequence) < 0);
}

/* The same Ack with another status. */
static void ack_change(struct ro *ro, struct cached_ack *ack, uint8_t status)
{
	uint8_t bytes[MH_LENGTH_SEND_MAX];
	struct mh_message message;
	struct ro_fixed fixed;
	struct ro_body body;
	uint16_t length;

	if (mh_decode(&message, ack->bytes, ack->length, NULL, NULL) != MH_ERROR_NONE)
		return; /* it is our own */
	if (message.type == MH_BA) {
		length = pba_with_status(&message, status, bytes, sizeof(bytes), &ro->config.address, &ack->peer);
	} else {
		fixed = ro_fixed_of(&message);
		ro_body_parse(&message, &body);
		fixed.value = status;
		fixed.lifetime_s = 0;
		length = ro_encode(&fixed, &body, bytes, sizeof(bytes), &ro->config.address, &ack->peer);
	}
	if (length != ack->length)
		return;
	memcpy(ack->bytes, bytes, length);
	datagram_send(ro, &ack->peer, bytes, length);
	ro->stats.acks_sent[status]++;
}

void acks_settle(struct ro *ro, struct association *a, uint16_t serial, uint8_t status)
{
	for (struct cached_ack *ack = a->acks; ack != NULL; ack = ack->next) {
		if (!ack->waits || ack->serial != serial)
			continue;
		ack->waits = false;
		if (RO_FAILED(status))
			ack_change(ro, ack, status);
	}
}
