/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmip/mag_internal.h"

#include "log.h"

static bool is_attached(const struct attachment *a)
{
	switch ((enum attachment_state)a->state) {
	case ATTACHMENT_REGISTERING:
	case ATTACHMENT_INSTALLING:
	case ATTACHMENT_ACTIVE:
	case ATTACHMENT_REFRESHING:
	case ATTACHMENT_WAITING: return true;
	default: return false;
	}
}

void presence_start(struct mag *mag, struct attachment *a)
{
	a->last_seen_ms = mag_ms(mag);
	a->probes = 0;
	if (mag->config.nud_interval_ms != 0)
		timer_start(&mag->wheel, &a->presence, a->last_seen_ms + mag->config.nud_interval_ms);
}

static void probe(struct mag *mag, struct attachment *a)
{
	a->probes++;
	access_probe(mag, a);
	timer_start(&mag->wheel, &a->presence, mag_ms(mag) + mag->config.nud_retransmit_ms);
}

void presence_fire(struct timer *timer, void *context, uint64_t now_ms)
{
	struct attachment *a = (struct attachment *)((char *)timer - offsetof(struct attachment, presence));
	struct mag *mag = context;
	uint64_t due_ms = a->last_seen_ms + mag->config.nud_interval_ms;

	if (!is_attached(a))
		return;
	if (a->probes == 0 && due_ms > now_ms) {
		timer_start(&mag->wheel, &a->presence, due_ms);
		return;
	}
	if (a->probes > 0)
		node_note(mag, a, HISTORY_probe_unanswered, a->probes);
	if (a->probes < mag->config.nud_probes && a->probes < UINT8_MAX) {
		probe(mag, a);
		return;
	}
	node_note(mag, a, HISTORY_detach_nud, 0);
	log_info("node_unreachable", "mn=%s link=%u probes=%u", node_name(a), a->link, a->probes);
	detach(mag, a, AFTER_REMOVE);
}

bool presence_verified(struct mag *mag, struct attachment *a, uint64_t idle_max_ms)
{
	uint64_t idle_ms = mag_ms(mag) - a->last_seen_ms;

	if (mag->config.nud_interval_ms == 0 || idle_ms < idle_max_ms)
		return true;
	a->verify = true;
	if (a->probes == 0)
		probe(mag, a);
	return false;
}

/* The registration that waited for a sign of life. */
static void verified(struct mag *mag, struct attachment *a)
{
	a->verify = false;
	if (a->state == ATTACHMENT_ACTIVE)
		signal_register(mag, a, a->elsewhere ? HI_UNKNOWN : HI_UNCHANGED);
	else if (a->next_try_ms != TIMER_NEVER)
		return; /* its time has not come */
	else if (a->state == ATTACHMENT_WAITING)
		signal_register(mag, a, HI_UNKNOWN);
	else if (a->state == ATTACHMENT_REGISTERING || a->state == ATTACHMENT_REFRESHING)
		signal_retransmit(mag, a);
}

void presence_seen(struct mag *mag, struct attachment *a)
{
	bool missed = a->probes > 1;

	if (a->state == ATTACHMENT_DEREGISTERING && a->after == AFTER_REMOVE && !mag->shutting_down) {
		attach_again(mag, a, HISTORY_attach_packet);
		return;
	}
	a->last_seen_ms = mag_ms(mag);
	if (a->probes > 0) {
		a->probes = 0;
		timer_start(&mag->wheel, &a->presence, a->last_seen_ms + mag->config.nud_interval_ms);
	}
	if (a->verify)
		verified(mag, a);
	else if (missed)
		signal_assert(mag, a); /* it was away, perhaps at another MAG */
}

void mag_activity(struct mag *mag, const struct engine_time *now, uint32_t node)
{
	struct attachment *a = node_at(mag, node);

	mag_enter(mag, now);
	if (a != NULL)
		presence_seen(mag, a);
}
