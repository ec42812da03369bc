/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets between mobile nodes, hop by hop as the forwarding tables of the gateways send them (dataplane/uplink.c,
 * pair.c, anchor_up.c, anchor_down.c, downlink.c), and what the workers tell the control core of. Between the gateways
 * IP works: no packet is lost or overtaken there, so that what is lost was lost by forwarding state.
 */
#include "network.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "endpoint.h"

#define TALKS_MAX        64
#define HOPS_MAX         8 /* MAG, LMA, LMA, MAG, and back to an LMA from a MAG that a node left */
#define ACCESS_NS        300000
#define CORE_NS          1000000
#define SEE_DEFAULT_MS   1000
#define ERROR_EVERY_NS   UINT64_C(1000000000) /* RO Error, for one pair */
#define ERROR_VOID_NS    UINT64_C(100000000)  /* not after a direct packet of the peer */
#define REFUSED_MAX_NS   UINT64_C(1000000000) /* G.6.15 (a) */
#define REFUSED_PAUSE_NS UINT64_C(1500000000) /* longer than from one packet to the next */
#define REFUSED_SLACK_NS UINT64_C(50000000)

enum arrival { FROM_ACCESS, FROM_TUNNEL, FROM_CORE, FROM_AIR };
enum hop { HOP_ON, HOP_LOST };

struct talk {
	unsigned mobiles[2];
	uint64_t interval_ms; /* 0: silent */
	uint32_t epoch;
	struct flow flows[2];
	struct agreement agreement;
};

struct talks {
	struct talk talks[TALKS_MAX];
	unsigned count;
};

#define LOSS_WORD(name) #name,
static const char *const loss_words[] = {LOSSES(LOSS_WORD)};

struct talks *talks_create(void)
{
	struct talks *talks = calloc(1, sizeof(*talks));

	if (talks == NULL)
		abort();
	return talks;
}

void talks_destroy(struct talks *talks)
{
	free(talks);
}

bool talk_get(const struct domain *domain, unsigned talk, unsigned mobiles[2])
{
	if (talk >= domain->talks->count)
		return false;
	memcpy(mobiles, domain->talks->talks[talk].mobiles, sizeof(domain->talks->talks[talk].mobiles));
	return true;
}

bool talk_is_on(const struct domain *domain, unsigned talk)
{
	return domain->talks->talks[talk].interval_ms != 0;
}

struct flow *domain_flow(struct domain *domain, unsigned talk, unsigned direction)
{
	return &domain->talks->talks[talk].flows[direction];
}

struct agreement *domain_agreement(struct domain *domain, unsigned talk)
{
	return &domain->talks->talks[talk].agreement;
}

void domain_flows_clear(struct domain *domain)
{
	for (unsigned i = 0; i < domain->talks->count; i++) {
		for (unsigned k = 0; k < 2; k++) {
			struct flow *flow = domain_flow(domain, i, k);

			flow->sent = flow->delivered = flow->overtaken = flow->gap_ns = 0;
			memset(flow->by_path, 0, sizeof(flow->by_path));
			memset(flow->lost, 0, sizeof(flow->lost));
		}
	}
}

uint64_t flow_lost(const struct flow *flow)
{
	uint64_t lost = 0;

	for (unsigned i = 0; i < LOSS_COUNT; i++)
		lost += flow->lost[i];
	return lost;
}

static void schedule_talk(struct domain *domain, unsigned talk, uint64_t delay_ns)
{
	struct event event = {.kind = EVENT_TALK,
		.at_ns = domain->now_ns + delay_ns,
		.index = talk,
		.epoch = domain->talks->talks[talk].epoch};

	events_queue_add(domain->queue, &event);
}

unsigned domain_talk(struct domain *domain, unsigned a, unsigned b, uint64_t ms)
{
	struct talks *talks = domain->talks;
	unsigned i = 0;

	while (i < talks->count && (talks->talks[i].mobiles[0] != a || talks->talks[i].mobiles[1] != b))
		i++;
	if (i == TALKS_MAX)
		domain_fail(domain, "too many talks");
	if (i == talks->count)
		talks->count++;
	talks->talks[i].mobiles[0] = a;
	talks->talks[i].mobiles[1] = b;
	talks->talks[i].interval_ms = ms;
	talks->talks[i].epoch++;
	schedule_talk(domain, i, 0);
	return i;
}

void domain_hush(struct domain *domain, unsigned talk)
{
	domain->talks->talks[talk].interval_ms = 0;
	domain->talks->talks[talk].epoch++;
	for (unsigned k = 0; k < 2; k++)
		domain_flow(domain, talk, k)->refused_ns = 0;
}

/* ---- one hop ---- */

static struct flow *flow_of(struct domain *domain, const struct packet *packet)
{
	return domain_flow(domain, packet->talk, packet->direction);
}

static unsigned number_of(const struct domain *domain, const struct packet *packet, bool destination)
{
	return domain->talks->talks[packet->talk].mobiles[destination ? 1 - packet->direction : packet->direction];
}

static enum hop lose(struct packet *packet, enum loss why, enum loss *loss)
{
	(void)packet;
	*loss = why;
	return HOP_LOST;
}

static enum hop into_tunnel(struct domain *domain, struct packet *packet, uint32_t index, enum loss *loss)
{
	const struct fwd_tunnel *tunnel = owner_tunnel(domain->gateways[packet->at].owner, index);
	const struct gateway *to = tunnel != NULL ? domain_gateway_at(domain, &tunnel->remote) : NULL;

	if (to == NULL)
		return lose(packet, LOSS_destination, loss);
	packet->from = packet->at;
	packet->at = (unsigned)(to - domain->gateways);
	packet->arrival = FROM_TUNNEL;
	return HOP_ON;
}

static bool goes_to(const struct gateway *gateway, uint32_t tunnel, const struct gateway *peer)
{
	const struct fwd_tunnel *body = tunnel != INDEX_NONE ? owner_tunnel(gateway->owner, tunnel) : NULL;

	return body != NULL && memcmp(&body->remote, &peer->address, 16) == 0;
}

static enum hop onto_link(
	struct domain *domain, struct packet *packet, uint16_t link, const uint8_t mac[6], enum loss *loss)
{
	const struct mobile *mobile = &domain->mobiles[number_of(domain, packet, true)];

	if (link == mobile->number && memcmp(mac, mobile->mac, 6) == 0) {
		packet->arrival = FROM_AIR;
		return HOP_ON;
	}
	if (mobile_has(domain, mobile->number, packet->destination))
		domain_fail(domain, "%s gives a packet for %s to link %u", domain->gateways[packet->at].name,
			mobile->name, link);
	return lose(packet, LOSS_destination, loss); /* that was its address once */
}

/* What domain_path() walks with is no packet. */
static void count(struct domain *domain, const struct packet *packet, const struct pair_record *record)
{
	if (packet->number != 0)
		gateway_ro_count(&domain->gateways[packet->at], record);
}

static enum hop at_mag_from_access(struct domain *domain, struct packet *packet, enum loss *loss)
{
	const struct mobile *mobile = &domain->mobiles[number_of(domain, packet, false)];
	const struct owner *owner = domain->gateways[packet->at].owner;
	const struct pair_record *tx = owner_pair(owner, packet->source, packet->destination, FORWARD_PAIR_TX);
	const struct forward *forward;

	if (tx != NULL && tx->pair.check.from.link == mobile->number &&
		memcmp(tx->pair.check.from.mac, mobile->mac, 6) == 0) {
		count(domain, packet, tx);
		packet->path = tx->pair.forward.action == FORWARD_LOCAL ? PATH_LOCAL : PATH_DIRECT;
		if (packet->path == PATH_DIRECT)
			return into_tunnel(domain, packet, tx->pair.forward.tunnel, loss);
		forward = owner_endpoint(owner, packet->destination);
		return forward != NULL ? onto_link(domain, packet, forward->link, forward->mac, loss)
				       : lose(packet, LOSS_destination, loss);
	}
	packet->path = PATH_ANCHOR;
	forward = owner_endpoint(owner, packet->source);
	if (forward == NULL || forward->link != mobile->number)
		return lose(packet, LOSS_source, loss);
	return into_tunnel(domain, packet, forward->tunnel, loss);
}

/* Out of a direct tunnel: taken, returned, or refused. */
static enum hop at_mag_from_mag(struct domain *domain, struct packet *packet, enum loss *loss)
{
	const struct gateway *mag = &domain->gateways[packet->at], *from = &domain->gateways[packet->from];
	const struct pair_record *rx = owner_pair(mag->owner, packet->source, packet->destination, FORWARD_PAIR_RX);

	if (packet->path != PATH_DIRECT)
		domain_fail(domain, "%s sends a packet direct that was not direct", from->name);
	if (rx == NULL || (!goes_to(mag, rx->pair.check.tunnel, from) && !goes_to(mag, rx->pair.check.former, from)))
		return lose(packet, LOSS_refused, loss);
	count(domain, packet, rx);
	if (rx->pair.forward.action == FORWARD_LOCAL)
		return onto_link(domain, packet, rx->pair.forward.link, rx->pair.forward.mac, loss);
	packet->path = PATH_RETURN;
	return into_tunnel(domain, packet, rx->pair.forward.tunnel, loss);
}

static enum hop at_mag_from_lma(struct domain *domain, struct packet *packet, enum loss *loss)
{
	const struct gateway *mag = &domain->gateways[packet->at];
	const struct forward *forward = owner_endpoint(mag->owner, packet->destination);

	if (forward == NULL || !goes_to(mag, forward->tunnel, &domain->gateways[packet->from]))
		return lose(packet, LOSS_destination, loss);
	return onto_link(domain, packet, forward->link, forward->mac, loss);
}

const struct gateway *domain_lma_of(const struct domain *domain, uint64_t id)
{
	for (unsigned i = 0; i < domain->config.lmas; i++) {
		struct home_network_prefix pool = gateway_pool(&domain->gateways[i]);

		if ((endpoint_load_be64(pool.prefix.s6_addr) ^ id) >> (64 - pool.length) == 0)
			return &domain->gateways[i];
	}
	return NULL;
}

/* Direct traffic that came to the MAG which the destination has left comes back from there (G.6.2). */
static bool is_returned(const struct gateway *lma, const struct packet *packet, const struct gateway *from)
{
	const struct pair_record *record = owner_pair(lma->owner, packet->source, packet->destination, FORWARD_PAIR_RX);

	return record != NULL && goes_to(lma, record->pair.check.tunnel, from);
}

/* It comes from the MAG where its source is bound, or from the one before, for a while. */
static bool is_expected(const struct domain *domain, const struct packet *packet)
{
	const struct gateway *lma = &domain->gateways[packet->at], *from = &domain->gateways[packet->from];
	const struct forward *source = owner_endpoint(lma->owner, packet->source);
	bool known = source != NULL &&
		     (goes_to(lma, source->tunnel, from) ||
			     ((source->flags & FORWARD_FORMER) != 0 && goes_to(lma, source->former, from)));

	return known ? (source->flags & FORWARD_BLOCKED) == 0 : is_returned(lma, packet, from);
}

static enum hop at_lma(struct domain *domain, struct packet *packet, enum loss *loss)
{
	const struct gateway *lma = &domain->gateways[packet->at], *other;
	const struct forward *forward;

	if (packet->arrival == FROM_TUNNEL && !is_expected(domain, packet))
		return lose(packet, LOSS_anchor_source, loss);
	forward = owner_endpoint(lma->owner, packet->destination);
	if (forward != NULL)
		return (forward->flags & FORWARD_BLOCKED) == 0 ? into_tunnel(domain, packet, forward->tunnel, loss)
							       : lose(packet, LOSS_destination, loss);
	other = domain_lma_of(domain, packet->destination);
	if (other == NULL || other == lma)
		return lose(packet, LOSS_destination, loss);
	packet->from = packet->at;
	packet->at = (unsigned)(other - domain->gateways);
	packet->arrival = FROM_CORE;
	return HOP_ON;
}

/* To where @packet goes from the gateway that it is at; changes nothing but the packet. */
static enum hop hop(struct domain *domain, struct packet *packet, enum loss *loss)
{
	const struct gateway *gateway = &domain->gateways[packet->at];

	if (!gateway->alive)
		return lose(packet, LOSS_dead, loss);
	if (++packet->hops > HOPS_MAX)
		domain_fail(domain, "a packet goes round in circles");
	if (gateway->role == ROLE_LMA)
		return at_lma(domain, packet, loss);
	if (packet->arrival == FROM_ACCESS)
		return at_mag_from_access(domain, packet, loss);
	return domain->gateways[packet->from].role == ROLE_LMA ? at_mag_from_lma(domain, packet, loss)
							       : at_mag_from_mag(domain, packet, loss);
}

enum path domain_path(struct domain *domain, unsigned from, unsigned to)
{
	const struct mobile *source = &domain->mobiles[from], *destination = &domain->mobiles[to];
	struct talk *talk = &domain->talks->talks[TALKS_MAX - 1]; /* hop() wants to know who talks */
	struct packet packet = {.talk = TALKS_MAX - 1,
		.source = mobile_endpoint(domain, from),
		.destination = mobile_endpoint(domain, to),
		.at = (unsigned)source->mag,
		.arrival = FROM_ACCESS};
	enum loss loss;

	if (source->mag < 0 || packet.source == ENDPOINT_NONE || packet.destination == ENDPOINT_NONE)
		return PATH_NONE;
	talk->mobiles[0] = from;
	talk->mobiles[1] = to;
	while (packet.arrival != FROM_AIR)
		if (hop(domain, &packet, &loss) == HOP_LOST)
			return PATH_NONE;
	return destination->mag == (int)packet.at ? (enum path)packet.path : PATH_NONE;
}

bool domain_is_direct(struct domain *domain, unsigned a, unsigned b)
{
	enum path one = domain_path(domain, a, b), other = domain_path(domain, b, a);

	return one == other && (one == PATH_DIRECT || one == PATH_LOCAL);
}

void traffic_print(const struct domain *domain)
{
	static const char *const words[] = {"lost", "over the LMA", "direct", "local", "returned"};
	struct domain *walked = (struct domain *)(uintptr_t)domain; /* walking changes no more than a scratch talk */
	unsigned mobiles[2];

	for (unsigned i = 0; talk_get(domain, i, mobiles); i++)
		print_error("  talk %u of %s (%016llx, %s) and %s (%016llx, %s)%s\n", i,
			domain->mobiles[mobiles[0]].name, (unsigned long long)mobile_endpoint(domain, mobiles[0]),
			words[domain_path(walked, mobiles[0], mobiles[1])], domain->mobiles[mobiles[1]].name,
			(unsigned long long)mobile_endpoint(domain, mobiles[1]),
			words[domain_path(walked, mobiles[1], mobiles[0])], talk_is_on(domain, i) ? "" : ", silent");
}

/* ---- what workers tell the control core ---- */

static bool is_on_the_way_over_lmas(const struct domain *domain, const struct packet *packet)
{
	const struct gateway *gateway = &domain->gateways[packet->at];

	if (packet->arrival != FROM_ACCESS)
		return packet->path == PATH_ANCHOR;
	return owner_endpoint(gateway->owner, packet->source) != NULL &&
	       owner_pair(gateway->owner, packet->source, packet->destination, FORWARD_PAIR_TX) == NULL;
}

static void watch(struct domain *domain, const struct packet *packet)
{
	uint64_t every_ms = domain->config.ro.see_after_ms != 0 ? domain->config.ro.see_after_ms : SEE_DEFAULT_MS;
	uint64_t *seen_ns = &flow_of(domain, packet)->seen_ns[packet->at % 16];
	struct gateway *gateway = &domain->gateways[packet->at];
	struct engine_time now = gateway_time(gateway);

	if (gateway->ro == NULL || (domain->config.ro.detecting >> packet->at & 1) == 0 ||
		*seen_ns + every_ms * 1000000 > domain->now_ns || !is_on_the_way_over_lmas(domain, packet))
		return;
	*seen_ns = domain->now_ns;
	ro_traffic_seen(gateway->ro, &now, packet->source, packet->destination);
	gateway_run(gateway);
}

/* Its peer took direct packets of the pair after @since_ns: what counts the time without RX begins anew. */
static bool was_taken(const struct gateway *mag, const struct packet *packet, uint64_t since_ns)
{
	const struct pair_record *tx =
		mag->alive ? owner_pair(mag->owner, packet->source, packet->destination, FORWARD_PAIR_TX) : NULL;

	return tx != NULL && tx->taken_ns > since_ns;
}

/* Who was away in between did not send direct all the time, nor did the MAG that it came to. */
static bool is_another_refusal(const struct domain *domain, const struct flow *flow, const struct packet *packet)
{
	return flow->refused_ns == 0 || flow->refused_from != packet->from ||
	       domain->now_ns - flow->last_refused_ns > REFUSED_PAUSE_NS ||
	       was_taken(&domain->gateways[packet->from], packet, flow->refused_ns);
}

/*
 * A direct packet that is not taken: RO Error to the MAG that it came from, once a second for one pair of addresses; a
 * MAG that restarted does not know that it had sent one.
 */
static void refuse(struct domain *domain, const struct packet *packet)
{
	struct flow *flow = flow_of(domain, packet);
	struct event event = {.kind = EVENT_REFUSAL,
		.at_ns = domain->now_ns + CORE_NS,
		.gateway = packet->from,
		.epoch = domain->gateways[packet->from].life,
		.packet = *packet};
	uint32_t life = domain->gateways[packet->at].life;

	if (flow->refused_at != packet->at || flow->refused_life != life || flow->refused_source != packet->source ||
		flow->refused_destination != packet->destination)
		flow->refused_ns = flow->error_ns = 0;
	if (is_another_refusal(domain, flow, packet))
		flow->refused_ns = domain->now_ns;
	flow->refused_from = packet->from;
	flow->refused_at = packet->at;
	flow->refused_life = life;
	flow->refused_source = packet->source;
	flow->refused_destination = packet->destination;
	flow->last_refused_ns = domain->now_ns;
	if (domain->now_ns - flow->refused_ns > REFUSED_MAX_NS + REFUSED_SLACK_NS)
		domain_fail(domain, "%s sends direct to %s since %.3f s, which refuses it",
			domain->gateways[packet->from].name, domain->gateways[packet->at].name,
			(double)flow->refused_ns / 1e9);
	if (flow->error_ns != 0 && flow->error_ns + ERROR_EVERY_NS > domain->now_ns)
		return;
	flow->error_ns = domain->now_ns;
	events_queue_add(domain->queue, &event);
}

/* By its engine; its tables follow. */
static bool is_told_to_send(const struct gateway *mag, const struct packet *packet)
{
	struct ro_view view;

	return ro_pair_find(mag->ro, packet->source, packet->destination, &view) &&
	       (view.sides[0].tx || view.sides[1].tx);
}

void traffic_refusal(struct domain *domain, const struct event *event)
{
	struct gateway *gateway = &domain->gateways[event->gateway];
	const struct flow *back = domain_flow(domain, event->packet.talk, 1 - event->packet.direction);
	struct engine_time now = gateway_time(gateway);

	if (!gateway->alive || gateway->life != event->epoch)
		return;
	/* Then the time counts from the next packet that is refused: one RO Error a second is all that may be sent. */
	if (back->direct_ns != 0 && back->direct_at == event->gateway &&
		back->direct_ns + ERROR_VOID_NS > domain->now_ns) {
		flow_of(domain, &event->packet)->refused_ns = 0;
		return;
	}
	domain_record(domain, ARROW_LIFE, domain->gateways[event->packet.at].name, "RO Error", gateway->name);
	ro_error(gateway->ro, &now, event->packet.source, event->packet.destination,
		&domain->gateways[event->packet.at].address);
	gateway_run(gateway);
	/* A Setup Ack can turn it on again at once, after early activation: that is a time of its own. */
	if (!is_told_to_send(gateway, &event->packet))
		flow_of(domain, &event->packet)->refused_ns = 0;
}

/* Its binding is elsewhere, taken or not. */
static void tell_of_wrong_tunnel(struct domain *domain, const struct packet *packet)
{
	struct gateway *lma = &domain->gateways[packet->at], *from = &domain->gateways[packet->from];
	const struct forward *source;
	struct engine_time now;

	if (lma->role != ROLE_LMA || !lma->alive || packet->arrival != FROM_TUNNEL)
		return;
	source = owner_endpoint(lma->owner, packet->source);
	if (source == NULL || goes_to(lma, source->tunnel, from) || is_returned(lma, packet, from))
		return;
	now = gateway_time(lma);
	lma_wrong_tunnel(lma->lma, &now, packet->source, &from->address);
	gateway_run(lma);
}

static void tell_of_loss(struct domain *domain, const struct packet *packet, enum loss loss)
{
	const struct mobile *mobile = &domain->mobiles[number_of(domain, packet, false)];
	struct gateway *gateway = &domain->gateways[packet->at];
	struct engine_time now = gateway_time(gateway);

	if (loss == LOSS_refused)
		refuse(domain, packet);
	if (loss == LOSS_source &&
		owner_link(gateway->owner, (uint16_t)mobile->number, mobile->mac, NULL) == INDEX_NONE)
		mag_unknown_mac(gateway->mag, &now, (uint16_t)mobile->number, mobile->mac);
	else
		return;
	gateway_run(gateway);
}

/* ---- time ---- */

static void packet_lost(struct domain *domain, const struct packet *packet, enum loss loss)
{
	flow_of(domain, packet)->lost[loss]++;
	if (sim_traces())
		domain_record(domain, ARROW_LIFE, domain->mobiles[number_of(domain, packet, false)].name,
			loss_words[loss], domain->gateways[packet->at].name);
	if (domain->gateways[packet->at].alive)
		tell_of_loss(domain, packet, loss);
}

static void packet_delivered(struct domain *domain, const struct packet *packet)
{
	const struct mobile *mobile = &domain->mobiles[number_of(domain, packet, true)];
	struct flow *flow = flow_of(domain, packet);

	if (mobile->mag != (int)packet->at) {
		packet_lost(domain, packet, LOSS_radio);
		return;
	}
	if (flow->delivered > 0 && domain->now_ns - flow->delivered_ns > flow->gap_ns)
		flow->gap_ns = domain->now_ns - flow->delivered_ns;
	flow->delivered_ns = domain->now_ns;
	flow->delivered++;
	flow->by_path[packet->path]++;
	flow->path = (enum path)packet->path;
	flow->refused_ns = 0;
	flow->overtaken += packet->number < flow->number;
	if (packet->number > flow->number)
		flow->number = packet->number;
}

void traffic_packet(struct domain *domain, const struct event *event)
{
	struct event next = {.kind = EVENT_PACKET, .packet = event->packet};
	struct packet *packet = &next.packet;
	bool direct = packet->arrival == FROM_TUNNEL && packet->path == PATH_DIRECT, lost;
	enum loss loss;

	if (packet->arrival == FROM_AIR) {
		packet_delivered(domain, packet);
		return;
	}
	if (domain->gateways[packet->at].alive)
		watch(domain, packet);
	tell_of_wrong_tunnel(domain, packet);
	lost = hop(domain, packet, &loss) == HOP_LOST;
	if (packet->path == PATH_ANCHOR)
		flow_of(domain, packet)->refused_ns = 0;
	if (lost) {
		packet_lost(domain, packet, loss);
		return;
	}
	if (direct) {
		flow_of(domain, packet)->refused_ns = 0; /* it has RX */
		flow_of(domain, packet)->direct_ns = domain->now_ns;
		flow_of(domain, packet)->direct_at = event->packet.at;
	}
	next.at_ns = domain->now_ns + (packet->arrival == FROM_AIR ? ACCESS_NS : CORE_NS);
	events_queue_add(domain->queue, &next);
}

/* Each of the two, in all combinations one after the other. */
static uint64_t talk_endpoint(const struct domain *domain, unsigned talk, unsigned end, uint64_t number)
{
	unsigned mobile = domain->talks->talks[talk].mobiles[end];

	return domain->config.ro.two_prefixes && (number >> end & 1) ? mobile_other_endpoint(domain, mobile)
								     : mobile_endpoint(domain, mobile);
}

static void talk_send(struct domain *domain, unsigned talk, unsigned direction)
{
	const unsigned *mobiles = domain->talks->talks[talk].mobiles;
	const struct mobile *mobile = &domain->mobiles[mobiles[direction]];
	struct flow *flow = domain_flow(domain, talk, direction);
	struct event event = {.kind = EVENT_PACKET,
		.at_ns = domain->now_ns + ACCESS_NS,
		.packet = {.talk = talk,
			.direction = direction,
			.source = talk_endpoint(domain, talk, direction, flow->last),
			.destination = talk_endpoint(domain, talk, 1 - direction, flow->last),
			.at = (unsigned)mobile->mag,
			.arrival = FROM_ACCESS}};

	if (mobile->mag < 0 || !mobile->has_router || event.packet.source == ENDPOINT_NONE ||
		event.packet.destination == ENDPOINT_NONE)
		return;
	flow->sent++;
	event.packet.number = ++flow->last;
	events_queue_add(domain->queue, &event);
}

void traffic_talk(struct domain *domain, const struct event *event)
{
	const struct talk *talk = &domain->talks->talks[event->index];

	if (talk->epoch != event->epoch || talk->interval_ms == 0)
		return;
	talk_send(domain, event->index, 0);
	talk_send(domain, event->index, 1);
	schedule_talk(domain, event->index, talk->interval_ms * 1000000);
}
