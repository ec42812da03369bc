/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Update notifications (RFC 7077): a MAG that sends packets of a mobile node whose binding is at another MAG has not
 * noticed that the node was away. Nothing would repair that before its next probe or refresh: it is asked to register
 * the node again, and does so if the node is there.
 */
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "log.h"
#include "node/key_hash.h"
#include "pmip/lma_internal.h"

#define WINDOW_MS      1000 /* in which an MN is the reason of at most so many notifications: */
#define PER_WINDOW     2
#define SPACING_MS     (WINDOW_MS / PER_WINDOW) /* to one MAG: it said that it does it, and is at it; doubled: */
#define DOUBLINGS_MAX  6   /* each time that it was in vain, up to 32 s; packets may go on coming for long */
#define IN_FLIGHT_MS   100 /* what arrives so soon after a handover was sent before it */
#define UNSUPPORTED_MS 300000

/* Outstanding, or kept because it counts for the window, or because the next one shall not follow soon. */
struct lma_notice {
	struct timer timer; /* retransmission, or the end of the window */
	struct ident id;
	uint64_t hash; /* of the id */
	uint64_t endpoint;
	uint64_t sent_ms[PER_WINDOW]; /* new ones, the last first; 0: none */
	uint32_t slot, peer;
	uint16_t sequence, length;
	uint8_t retransmissions;
	uint8_t in_vain; /* sent since the last PBU of the MN */
	bool is_outstanding;
	uint8_t bytes[MH_LENGTH_SEND_MAX];
};

/* The notices about an MN, one after the other, then NULL; *@at is 0 for the first call. */
static struct lma_notice *notice_next(
	const struct lma_notices *notices, const struct mn_id *id, uint64_t hash, uint32_t *at)
{
	uint32_t slot;

	while ((slot = hash_index_next(&notices->by_id, hash, at)) != HASH_NONE)
		if (ident_equals(&notices->slots[slot]->id, id->subtype, id->data, id->length))
			return notices->slots[slot];
	return NULL;
}

static struct lma_notice *notice_find(
	const struct lma_notices *notices, const struct mn_id *id, uint64_t hash, uint32_t peer)
{
	struct lma_notice *notice;
	uint32_t at = 0;

	while ((notice = notice_next(notices, id, hash, &at)) != NULL)
		if (notice->peer == peer)
			return notice;
	return NULL;
}

static void notice_free(struct lma *lma, struct lma_notice *notice)
{
	struct lma_notices *notices = &lma->notices;

	timer_stop(&lma->wheel, &notice->timer);
	hash_index_remove(&notices->by_id, notice->hash, notice->slot);
	notices->slots[notice->slot] = NULL;
	notices->count--;
	ident_clear(&notice->id);
	free(notice);
}

/* From one to the next. */
static uint64_t spacing_ms(const struct lma_notice *notice)
{
	unsigned doublings = notice->in_vain > 0 ? notice->in_vain - 1u : 0;

	return (uint64_t)SPACING_MS << (doublings < DOUBLINGS_MAX ? doublings : DOUBLINGS_MAX);
}

/* No answer is awaited any more. */
static void notice_end(struct lma *lma, struct lma_notice *notice)
{
	notice->is_outstanding = false;
	timer_start(&lma->wheel, &notice->timer, notice->sent_ms[0] + PER_WINDOW * spacing_ms(notice));
}

static void note(struct lma *lma, const struct lma_notice *notice, enum history_event event, uint8_t value)
{
	struct binding *binding = binding_cache_by_prefix(&lma->cache, notice->endpoint);

	if (binding != NULL)
		lma_note(lma, binding, event, value);
}

static void notice_send(struct lma *lma, const struct lma_notice *notice)
{
	struct mh_datagram datagram = {.source = lma->config.address,
		.destination = policy_peer(lma->config.policy, notice->peer)->address,
		.bytes = notice->bytes,
		.length = notice->length};

	lma->host->ops->send(lma->host, &datagram);
	lma->host->ops->commit(lma->host, 0, 0);
}

static void repeat(struct lma *lma, struct lma_notice *notice, uint64_t now_ms)
{
	notice->retransmissions++;
	lma->stats.upn_retransmitted++;
	mh_upn_repeat(notice->bytes, notice->length, &lma->config.address,
		&policy_peer(lma->config.policy, notice->peer)->address);
	timer_start(&lma->wheel, &notice->timer, now_ms + lma->config.update_notification_replay_ms);
	notice_send(lma, notice);
}

static void log_failure(const struct lma *lma, const struct lma_notice *notice, const char *cause)
{
	char text[128];

	log_warning("update_notification_failed", "mn=%s peer=%s cause=%s action=\"see why of the node at that MAG\"",
		log_quote(ident_data(&notice->id), notice->id.length, text, sizeof(text)),
		policy_peer(lma->config.policy, notice->peer)->name, cause);
}

static void notice_timer(struct timer *timer, void *context, uint64_t now_ms)
{
	struct lma_notice *notice = (struct lma_notice *)timer; /* its first member */
	struct lma *lma = context;

	if (!notice->is_outstanding) {
		notice_free(lma, notice);
	} else if (notice->retransmissions < lma->config.update_notification_retransmit_count) {
		repeat(lma, notice, now_ms);
	} else {
		lma->stats.upn_unanswered++;
		log_failure(lma, notice, "unanswered");
		note(lma, notice, HISTORY_upn_failed, 0);
		notice_end(lma, notice);
	}
}

int lma_notices_init(struct lma *lma)
{
	lma->notices.sequence = (uint16_t)lma->host->ops->random(lma->host);
	return hash_index_reserve(&lma->notices.by_id, NOTICES_MAX);
}

void lma_notices_fini(struct lma *lma)
{
	for (unsigned i = 0; i < NOTICES_MAX; i++)
		if (lma->notices.slots[i] != NULL)
			notice_free(lma, lma->notices.slots[i]);
	hash_index_fini(&lma->notices.by_id);
}

/* For another one: a notice that is kept for the distance to the next one only. */
static void make_room(struct lma *lma)
{
	for (unsigned i = 0; i < NOTICES_MAX; i++) {
		struct lma_notice *notice = lma->notices.slots[i];

		if (!notice->is_outstanding && notice->sent_ms[0] + WINDOW_MS <= engine_ms(lma->now)) {
			notice_free(lma, notice);
			return;
		}
	}
}

/* NULL: no room, or no memory. */
static struct lma_notice *notice_create(struct lma *lma, const struct mn_id *id, uint64_t hash, uint32_t peer)
{
	struct lma_notices *notices = &lma->notices;
	struct lma_notice *notice;
	uint32_t slot = 0;

	if (notices->count == NOTICES_MAX)
		make_room(lma);
	if (notices->count == NOTICES_MAX)
		return NULL;
	notice = calloc(1, sizeof(*notice));
	if (notice == NULL)
		return NULL;
	if (ident_set(&notice->id, id->subtype, id->data, id->length) != 0) {
		free(notice);
		return NULL;
	}
	while (notices->slots[slot] != NULL)
		slot++;
	notices->slots[slot] = notice;
	notices->count++;
	hash_index_insert(&notices->by_id, hash, slot); /* room was made at creation */
	notice->slot = slot;
	notice->hash = hash;
	notice->peer = peer;
	timer_init(&notice->timer, notice_timer);
	return notice;
}

/* Of all that are outstanding none has the same (RFC 7077 section 4.1). */
static uint16_t sequence_next(struct lma_notices *notices)
{
	unsigned i;

	do {
		notices->sequence++;
		for (i = 0; i < NOTICES_MAX; i++)
			if (notices->slots[i] != NULL && notices->slots[i]->is_outstanding &&
				notices->slots[i]->sequence == notices->sequence)
				break;
	} while (i < NOTICES_MAX);
	return notices->sequence;
}

/* RFC 7077 section 5.1: the session's identity and all its prefixes. */
static uint16_t notice_encode(const struct lma *lma, struct lma_notice *notice, const struct binding *binding)
{
	struct mn_id id = binding_id(binding);
	struct mh_writer writer;

	mh_writer_init(&writer, MH_UPN, notice->bytes, sizeof(notice->bytes));
	mh_write_upn(&writer, notice->sequence, UPN_REASON_FORCE_REREGISTRATION, UPN_FLAG_A);
	mh_write_mn_id(&writer, &id);
	for (unsigned i = 0; i < binding->prefix_count; i++) {
		struct home_network_prefix prefix = prefix_from_id(binding_prefix(binding, i));

		mh_write_prefix(&writer, &prefix);
	}
	return mh_writer_finish(&writer, &lma->config.address, &policy_peer(lma->config.policy, notice->peer)->address);
}

static bool is_limited(const struct lma *lma, const struct mn_id *id, uint64_t hash)
{
	uint64_t now_ms = engine_ms(lma->now);
	const struct lma_notice *notice;
	unsigned count = 0;
	uint32_t at = 0;

	while ((notice = notice_next(&lma->notices, id, hash, &at)) != NULL)
		for (unsigned i = 0; i < PER_WINDOW; i++)
			count += notice->sent_ms[i] != 0 && notice->sent_ms[i] + WINDOW_MS > now_ms;
	return count >= PER_WINDOW;
}

static uint64_t accepted_ms(const struct binding *binding)
{
	return binding->terms.expires_ms - (uint64_t)binding->terms.lifetime_s * 1000;
}

/*
 * Somewhere else than at @from, and not since a moment ago. In the delete wait it is where it was, too: the MAG that
 * de-registered it is not the one that has it.
 */
static bool is_bound_elsewhere(const struct lma *lma, const struct binding *binding, const struct in6_addr *from)
{
	bool waits = binding->hold != NULL && in6_equal(&binding->hold->request->source, from);

	return binding->pending == NULL && !waits && !in6_equal(&binding->terms.proxy_coa, from) &&
	       engine_ms(lma->now) >= accepted_ms(binding) + IN_FLIGHT_MS;
}

static bool may_register(const struct lma *lma, const struct mn_id *id, uint32_t peer)
{
	struct policy_node node;

	return policy_node_by_id(lma->config.policy, id, &node) && node.proxy_registration &&
	       policy_peer_may_register(lma->config.policy, &node, peer);
}

/* Ask the MAG @peer to register the session, if it is not asked already. */
static void ask(struct lma *lma, struct binding *binding, uint32_t peer)
{
	struct mn_id id = binding_id(binding);
	uint64_t hash = hash_mn_id(&id, lma->cache.seed), now_ms = engine_ms(lma->now);
	struct lma_notice *notice = notice_find(&lma->notices, &id, hash, peer);

	if (notice != NULL && (notice->is_outstanding || notice->sent_ms[0] + spacing_ms(notice) > now_ms))
		return;
	if (is_limited(lma, &id, hash)) {
		lma->stats.upn_limited++;
		return;
	}
	if (!may_register(lma, &id, peer))
		return;
	if (notice == NULL)
		notice = notice_create(lma, &id, hash, peer);
	if (notice == NULL) {
		lma->stats.upn_limited++;
		return;
	}
	notice->endpoint = binding->prefix;
	notice->sequence = sequence_next(&lma->notices);
	notice->length = notice_encode(lma, notice, binding);
	notice->retransmissions = 0;
	notice->is_outstanding = true;
	if (notice->in_vain <= DOUBLINGS_MAX)
		notice->in_vain++;
	notice->sent_ms[1] = notice->sent_ms[0];
	notice->sent_ms[0] = now_ms;
	timer_start(&lma->wheel, &notice->timer, now_ms + lma->config.update_notification_replay_ms);
	lma->stats.upn_sent++;
	lma_note(lma, binding, HISTORY_upn_sent, UPN_REASON_FORCE_REREGISTRATION);
	notice_send(lma, notice);
}

void lma_notice_if_younger(struct lma *lma, struct binding *binding, uint64_t since_ms)
{
	if (binding->state == BINDING_ACTIVE && accepted_ms(binding) >= since_ms)
		ask(lma, binding, binding->terms.peer);
}

void lma_wrong_tunnel(
	struct lma *lma, const struct engine_time *now, uint64_t endpoint, const struct in6_addr *proxy_coa)
{
	struct binding *binding = binding_cache_by_prefix(&lma->cache, endpoint);
	uint32_t peer = policy_peer_find(lma->config.policy, proxy_coa);

	lma->stats.wrong_tunnel++;
	if (binding == NULL || peer >= lma->peer_count || lma->peers[peer].no_upn_until_ms > engine_ms(now))
		return;
	lma->now = now;
	if (is_bound_elsewhere(lma, binding, proxy_coa))
		ask(lma, binding, peer);
	lma->now = NULL;
}

void lma_notices_void(struct lma *lma, const struct mn_id *id)
{
	struct lma_notice *notice;
	uint32_t at = 0;
	uint64_t hash;

	if (lma->notices.count == 0)
		return;
	hash = hash_mn_id(id, lma->cache.seed);
	while ((notice = notice_next(&lma->notices, id, hash, &at)) != NULL) {
		notice->in_vain = 0;
		if (notice->is_outstanding)
			notice_end(lma, notice);
	}
}

/* The notice that the acknowledgement is about, also if nobody waits for it any more; NULL: none. */
static struct lma_notice *acknowledged(
	const struct lma *lma, const struct mh_datagram *datagram, const struct mh_message *message)
{
	const struct mh_option *option = mh_option_find(message, MHO_MN_ID, NULL);
	uint32_t peer = policy_peer_find(lma->config.policy, &datagram->source);
	struct lma_notice *notice;
	struct mn_id id;

	if (option == NULL || !mh_option_mn_id(option, &id))
		return NULL;
	notice = notice_find(&lma->notices, &id, hash_mn_id(&id, lma->cache.seed), peer);
	return notice != NULL && notice->sequence == message->fixed.upa.sequence ? notice : NULL;
}

void lma_upa(struct lma *lma, const struct engine_time *now, const struct mh_datagram *datagram,
	const struct mh_message *message)
{
	struct lma_notice *notice = acknowledged(lma, datagram, message);
	uint8_t status = message->fixed.upa.status;
	char address[IP6_TEXT_MAX];

	lma->stats.upa_received[status]++;
	if (notice == NULL) {
		lma->stats.upa_ignored++;
		log_info("update_notification_unknown", "peer=%s sequence=%u status=%u",
			ip6_format(&datagram->source, address), message->fixed.upa.sequence, status);
		return;
	}
	lma->now = now;
	if (status >= 128) {
		log_failure(lma, notice, upa_status_name(status));
		note(lma, notice, HISTORY_upn_failed, status);
	}
	if (notice->is_outstanding)
		notice_end(lma, notice);
	lma->now = NULL;
}

bool lma_binding_error(struct lma *lma, const struct engine_time *now, const struct in6_addr *proxy_coa)
{
	uint32_t peer = policy_peer_find(lma->config.policy, proxy_coa);
	bool is_ours = false;

	for (unsigned i = 0; i < NOTICES_MAX; i++) {
		struct lma_notice *notice = lma->notices.slots[i];

		if (notice == NULL || !notice->is_outstanding || notice->peer != peer)
			continue;
		is_ours = true;
		notice_end(lma, notice);
	}
	if (!is_ours)
		return false;
	lma->peers[peer].no_upn_until_ms = engine_ms(now) + UNSUPPORTED_MS;
	lma->stats.upn_unsupported++;
	log_notice("update_notification_unsupported",
		"peer=%s hint=\"a mobile node that is back there soon has no service until that MAG notices\"",
		policy_peer(lma->config.policy, peer)->name);
	return true;
}
