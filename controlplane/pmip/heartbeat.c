/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmip/heartbeat.h"

#include <stdlib.h>
#include <string.h>

#include "cursor.h"
#include "format.h"
#include "log.h"

#define FIRES_PER_ADVANCE 256

struct heartbeat_peer {
	struct timer timer; /* runs while requests are sent */
	const struct policy_peer *policy;
	uint32_t sessions, pairs;
	uint32_t sequence; /* of the last request */
	uint32_t missed;
	uint32_t counter;
	uint64_t asked_ms, answered_ms; /* 0: never */
	bool outstanding, unreachable, unsupported, has_counter;
};

struct heartbeat {
	struct heartbeat_config config;
	struct engine_host *host;
	struct timer_wheel wheel;
	void (*changed)(
		void *context, const struct engine_time *now, const struct in6_addr *peer, enum peer_change change);
	void *context;
	void (*answered)(void *context, const struct engine_time *now, const struct in6_addr *peer);
	void *answered_context;
	const struct engine_time *now; /* of the call under way, for timers */
	bool told;                     /* the known peers know of our restart */
	uint32_t peer_count;
	struct heartbeat_peer peers[]; /* by index of policy_peer() */
};

static void send_heartbeat(struct heartbeat *heartbeat, const struct in6_addr *to, uint8_t flags, uint32_t sequence)
{
	struct engine_host *host = heartbeat->host;
	uint8_t bytes[64];
	struct mh_datagram datagram = {.source = heartbeat->config.address, .destination = *to, .bytes = bytes};
	struct mh_writer writer;

	mh_writer_init(&writer, MH_HEARTBEAT, bytes, sizeof(bytes));
	mh_write_heartbeat(&writer, flags, sequence);
	if (flags & HEARTBEAT_FLAG_R)
		mh_write_restart_counter(&writer, heartbeat->config.restart_counter);
	datagram.length = mh_writer_finish(&writer, &datagram.source, &datagram.destination);
	host->ops->send(host, &datagram);
	host->ops->commit(host, 0, 0);
}

static void change(struct heartbeat *heartbeat, struct heartbeat_peer *peer, enum peer_change what)
{
	static const char *const words[] = {
		[PEER_UNREACHABLE] = "unreachable", [PEER_REACHABLE] = "reachable", [PEER_RESTARTED] = "restarted"};
	char text[IP6_TEXT_MAX];

	log_warning("peer_changed", "peer=%s state=%s missed=%u restart_counter=%u sessions=%u",
		ip6_format(&peer->policy->address, text), words[what], peer->missed, peer->counter, peer->sessions);
	heartbeat->changed(heartbeat->context, heartbeat->now, &peer->policy->address, what);
}

static uint64_t interval_ms(const struct heartbeat *heartbeat, const struct heartbeat_peer *peer)
{
	uint32_t interval_s = heartbeat->config.interval_s;

	if (peer->pairs > 0 && heartbeat->config.pair_interval_s > 0 && heartbeat->config.pair_interval_s < interval_s)
		interval_s = heartbeat->config.pair_interval_s;
	return (uint64_t)interval_s * 1000;
}

static void send_request(struct heartbeat *heartbeat, struct heartbeat_peer *peer, uint64_t now_ms)
{
	peer->outstanding = true;
	peer->asked_ms = now_ms;
	send_heartbeat(heartbeat, &peer->policy->address, 0, ++peer->sequence);
}

/* RFC 5847 section 3.1: count what is missing before the next request. */
static void ask(struct timer *timer, void *context, uint64_t now_ms)
{
	struct heartbeat *heartbeat = context;
	struct heartbeat_peer *peer = (struct heartbeat_peer *)timer; /* its first member */

	peer->missed += peer->outstanding;
	timer_start(&heartbeat->wheel, timer, now_ms + interval_ms(heartbeat, peer));
	send_request(heartbeat, peer, now_ms);
	if (peer->missed > heartbeat->config.missing_allowed && !peer->unreachable) {
		peer->unreachable = true;
		change(heartbeat, peer, PEER_UNREACHABLE);
	}
}

struct heartbeat *heartbeat_create(const struct heartbeat_config *config, struct engine_host *host,
	const struct engine_time *now,
	void (*changed)(
		void *context, const struct engine_time *now, const struct in6_addr *peer, enum peer_change change),
	void *context)
{
	struct heartbeat *heartbeat;
	uint32_t count = 0;

	while (policy_peer(config->policy, count) != NULL)
		count++;
	heartbeat = calloc(1, sizeof(*heartbeat) + count * sizeof(heartbeat->peers[0]));
	if (heartbeat == NULL)
		return NULL;
	heartbeat->config = *config;
	heartbeat->host = host;
	heartbeat->changed = changed;
	heartbeat->context = context;
	heartbeat->told = !config->restarted;
	heartbeat->peer_count = count;
	timer_wheel_init(&heartbeat->wheel, engine_ms(now), heartbeat);
	for (uint32_t i = 0; i < count; i++) {
		heartbeat->peers[i].policy = policy_peer(config->policy, i);
		heartbeat->peers[i].sequence = (uint32_t)host->ops->random(host);
		timer_init(&heartbeat->peers[i].timer, ask);
	}
	return heartbeat;
}

void heartbeat_destroy(struct heartbeat *heartbeat)
{
	free(heartbeat);
}

static struct heartbeat_peer *peer_find(struct heartbeat *heartbeat, const struct in6_addr *address)
{
	uint32_t index = policy_peer_find(heartbeat->config.policy, address);

	return index < heartbeat->peer_count ? &heartbeat->peers[index] : NULL;
}

static void stop_asking(struct heartbeat *heartbeat, struct heartbeat_peer *peer)
{
	timer_stop(&heartbeat->wheel, &peer->timer);
	peer->outstanding = false;
	peer->missed = 0;
}

/* Sessions or pairs came or went. */
static void ask_as_needed(struct heartbeat *heartbeat, struct heartbeat_peer *peer, uint64_t now_ms)
{
	uint64_t next_ms = peer->asked_ms != 0 ? peer->asked_ms + interval_ms(heartbeat, peer) : now_ms;

	if (!peer->policy->heartbeat || peer->unsupported)
		return;
	if (peer->sessions == 0 && peer->pairs == 0) {
		/* What restarts without a session of ours has nothing to lose: a later session is none of that past. */
		stop_asking(heartbeat, peer);
		peer->has_counter = false;
		peer->unreachable = false;
	} else if (!timer_is_running(&peer->timer) || next_ms < peer->timer.deadline_ms) {
		timer_start(&heartbeat->wheel, &peer->timer, next_ms > now_ms ? next_ms : now_ms);
	}
}

void heartbeat_sessions(
	struct heartbeat *heartbeat, const struct engine_time *now, const struct in6_addr *address, uint32_t sessions)
{
	struct heartbeat_peer *peer = peer_find(heartbeat, address);

	if (peer == NULL)
		return;
	peer->sessions = sessions;
	ask_as_needed(heartbeat, peer, engine_ms(now));
}

void heartbeat_pairs(
	struct heartbeat *heartbeat, const struct engine_time *now, const struct in6_addr *address, uint32_t pairs)
{
	struct heartbeat_peer *peer = peer_find(heartbeat, address);

	if (peer == NULL)
		return;
	peer->pairs = pairs;
	ask_as_needed(heartbeat, peer, engine_ms(now));
}

bool heartbeat_probe(struct heartbeat *heartbeat, const struct engine_time *now, const struct in6_addr *address)
{
	struct heartbeat_peer *peer = peer_find(heartbeat, address);

	if (peer == NULL || !peer->policy->heartbeat || peer->unsupported)
		return false;
	send_request(heartbeat, peer, engine_ms(now));
	return true;
}

void heartbeat_listen(struct heartbeat *heartbeat,
	void (*answered)(void *context, const struct engine_time *now, const struct in6_addr *peer), void *context)
{
	heartbeat->answered = answered;
	heartbeat->answered_context = context;
}

uint64_t heartbeat_heard_ms(struct heartbeat *heartbeat, const struct in6_addr *address)
{
	const struct heartbeat_peer *peer = peer_find(heartbeat, address);

	return peer != NULL ? peer->answered_ms : 0;
}

static void learn_counter(struct heartbeat *heartbeat, struct heartbeat_peer *peer, const struct mh_message *message)
{
	const struct mh_option *option = mh_option_find(message, MHO_RESTART_COUNTER, NULL);
	struct cursor cursor;
	uint32_t counter;
	bool is_other;

	if (option == NULL)
		return;
	cursor = cursor_over(option->data, option->length);
	counter = cursor_be32(&cursor);
	if (cursor.failed)
		return;
	/* Before the first answer only its own word tells: the sessions are younger than that answer would be. */
	is_other = peer->has_counter ? peer->counter != counter
				     : (message->fixed.heartbeat.flags & HEARTBEAT_FLAG_U) != 0 && peer->sessions > 0;
	peer->has_counter = true;
	peer->counter = counter;
	if (is_other)
		change(heartbeat, peer, PEER_RESTARTED);
}

static void take_response(struct heartbeat *heartbeat, struct heartbeat_peer *peer, const struct mh_message *message)
{
	if (!(message->fixed.heartbeat.flags & HEARTBEAT_FLAG_U)) {
		if (!peer->outstanding || message->fixed.heartbeat.sequence != peer->sequence)
			return;
		peer->outstanding = false;
	}
	peer->missed = 0;
	if (peer->unreachable) {
		peer->unreachable = false;
		change(heartbeat, peer, PEER_REACHABLE);
	}
	learn_counter(heartbeat, peer, message);
	peer->answered_ms = engine_ms(heartbeat->now);
	if (heartbeat->answered != NULL)
		heartbeat->answered(heartbeat->answered_context, heartbeat->now, &peer->policy->address);
}

void heartbeat_message(struct heartbeat *heartbeat, const struct engine_time *now, const struct mh_datagram *datagram,
	const struct mh_message *message)
{
	struct heartbeat_peer *peer = peer_find(heartbeat, &datagram->source);

	if (peer == NULL || message->type != MH_HEARTBEAT)
		return;
	heartbeat->now = now;
	if (message->fixed.heartbeat.flags & HEARTBEAT_FLAG_R)
		take_response(heartbeat, peer, message);
	else
		send_heartbeat(heartbeat, &datagram->source, HEARTBEAT_FLAG_R, message->fixed.heartbeat.sequence);
	heartbeat->now = NULL;
}

void heartbeat_binding_error(struct heartbeat *heartbeat, const struct engine_time *now, const struct in6_addr *address)
{
	struct heartbeat_peer *peer = peer_find(heartbeat, address);
	char text[IP6_TEXT_MAX];

	(void)now;
	if (peer == NULL || !peer->outstanding)
		return;
	peer->unsupported = true;
	stop_asking(heartbeat, peer);
	log_notice("heartbeat_unsupported",
		"peer=%s hint=\"the peer does not know heartbeats: its loss is noticed only when lifetimes expire\"",
		ip6_format(&peer->policy->address, text));
}

static void tell_restart(struct heartbeat *heartbeat)
{
	heartbeat->told = true;
	for (uint32_t i = 0; i < heartbeat->peer_count; i++)
		if (heartbeat->peers[i].policy->heartbeat)
			send_heartbeat(heartbeat, &heartbeat->peers[i].policy->address,
				HEARTBEAT_FLAG_U | HEARTBEAT_FLAG_R, 0);
}

uint64_t heartbeat_advance(struct heartbeat *heartbeat, const struct engine_time *now)
{
	unsigned fired;

	heartbeat->now = now;
	if (!heartbeat->told)
		tell_restart(heartbeat);
	fired = timer_wheel_advance(&heartbeat->wheel, engine_ms(now), FIRES_PER_ADVANCE);
	heartbeat->now = NULL;
	return fired == FIRES_PER_ADVANCE ? engine_ms(now) : timer_wheel_next(&heartbeat->wheel);
}

bool heartbeat_peer_next(const struct heartbeat *heartbeat, uint32_t from, struct peer_view *view)
{
	const struct heartbeat_peer *peer;

	while (from < heartbeat->peer_count && !heartbeat->peers[from].policy->heartbeat)
		from++;
	if (from >= heartbeat->peer_count)
		return false;
	peer = &heartbeat->peers[from];
	*view = (struct peer_view){.index = from,
		.peer = peer->policy,
		.sessions = peer->sessions,
		.pairs = peer->pairs,
		.asked = timer_is_running(&peer->timer),
		.reachable = !peer->unreachable,
		.unsupported = peer->unsupported,
		.has_counter = peer->has_counter,
		.restart_counter = peer->counter,
		.missed = peer->missed,
		.last_answer_ms = peer->answered_ms};
	return true;
}
