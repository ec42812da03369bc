/* SPDX-License-Identifier: BSD-3-Clause */
/* What is to be done with many MNs at once, at a pace that the LMA bears. */
#include "pmip/mag_internal.h"

#include "format.h"
#include "log.h"

#define WALK_INTERVAL_MS 10
#define WALK_SENDS       200 /* per interval: 20,000 PBU/s */
#define WALK_SCAN        65536

/* True if it sent something. */
static bool walk_visit(struct mag *mag, struct attachment *a)
{
	if (a->leave) {
		a->leave = false;
		if (a->state == ATTACHMENT_DEREGISTERING)
			return false;
		detach(mag, a, AFTER_REMOVE);
		return true;
	}
	if (a->asked) {
		a->asked = false;
		return notice_register(mag, a) == UPA_STATUS_SUCCESS;
	}
	if (!a->renew || a->state == ATTACHMENT_INSTALLING) /* install_done() will see to it */
		return false;
	a->renew = false;
	if (a->halted || a->state == ATTACHMENT_DEREGISTERING || a->state == ATTACHMENT_REFUSED ||
		a->state == ATTACHMENT_DETACHED)
		return false;
	signal_register(mag, a, a->installed ? HI_UNCHANGED : HI_UNKNOWN);
	return true;
}

void walk_fire(struct timer *timer, void *context, uint64_t now_ms)
{
	struct mag *mag = context;
	uint32_t end = mag->top;
	unsigned sent = 0;

	for (uint32_t n = 0; mag->walk_at < end && n < WALK_SCAN && sent < WALK_SENDS; n++, mag->walk_at++) {
		struct attachment *a = node_at(mag, mag->walk_at);

		if (a != NULL && walk_visit(mag, a))
			sent++;
	}
	if (mag->walk_at >= end) {
		if (!mag->walk_again)
			return;
		mag->walk_at = 0;
		mag->walk_again = false;
	}
	timer_start(&mag->wheel, timer, now_ms + WALK_INTERVAL_MS);
}

static void walk_start(struct mag *mag)
{
	mag->walk_again = timer_is_running(&mag->walk); /* what it has passed already */
	if (mag->walk_again)
		return;
	mag->walk_at = 0;
	walk_fire(&mag->walk, mag, mag_ms(mag));
}

static uint32_t renew_all(struct mag *mag, const struct in6_addr *lma, enum history_event cause)
{
	uint32_t peer = policy_peer_find(mag->config.policy, lma), count = 0;

	for (uint32_t i = 0; i < mag->top; i++) {
		struct attachment *a = node_at(mag, i);

		if (a == NULL || a->peer != peer || a->state == ATTACHMENT_DEREGISTERING ||
			a->state == ATTACHMENT_REFUSED || a->state == ATTACHMENT_DETACHED)
			continue;
		node_note(mag, a, cause, 0);
		a->backoff = 0;
		a->renew = true;
		count++;
	}
	if (count > 0)
		walk_start(mag);
	return count;
}

void walk_ask(struct mag *mag, const struct in6_addr *lma)
{
	uint32_t peer = policy_peer_find(mag->config.policy, lma);

	for (uint32_t i = 0; i < mag->top; i++) {
		struct attachment *a = node_at(mag, i);

		if (a != NULL && a->peer == peer)
			a->asked = true;
	}
	walk_start(mag);
}

uint32_t mag_peer_restarted(struct mag *mag, const struct engine_time *now, const struct in6_addr *lma)
{
	mag_enter(mag, now);
	return renew_all(mag, lma, HISTORY_peer_restarted);
}

void mag_peer_unreachable(struct mag *mag, const struct engine_time *now, const struct in6_addr *lma, bool unreachable)
{
	char text[IP6_TEXT_MAX];

	mag_enter(mag, now);
	if (unreachable) {
		log_warning("lma_unreachable", "peer=%s action=\"bindings are kept until they expire\"",
			ip6_format(lma, text));
		return;
	}
	renew_all(mag, lma, HISTORY_peer_lost); /* it may have purged what it could not reach */
}

void mag_shutdown(struct mag *mag, const struct engine_time *now)
{
	mag_enter(mag, now);
	mag->shutting_down = true;
	for (uint32_t i = 0; i < mag->top; i++) {
		struct attachment *a = node_at(mag, i);

		if (a != NULL)
			a->leave = true;
	}
	walk_start(mag);
}

bool mag_idle(const struct mag *mag)
{
	return mag->stats.nodes == 0 && mag->removals == 0;
}
