/* SPDX-License-Identifier: BSD-3-Clause */
/* Between the gateways: messages on their way, what happens to them, and the arrows that they leave. */
#include "network.h"

#include <arpa/inet.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "endpoint.h"
#include "mh/ro.h"

#define SCRIPT_MAX       16
#define DELAY_DEFAULT_US 1000
#define ACCESS_MIN_US    200
#define ACCESS_MAX_US    600

enum script_action { SCRIPT_LOSE, SCRIPT_DUPLICATE, SCRIPT_DELAY };

/* The next @count messages with the arrow. */
struct script_line {
	char arrow[72];
	enum script_action action;
	unsigned count;
	uint64_t delay_ms;
};

struct script {
	struct script_line lines[SCRIPT_MAX];
	unsigned count;
};

struct script *script_create(void)
{
	struct script *script = calloc(1, sizeof(*script));

	if (script == NULL)
		abort();
	return script;
}

void script_destroy(struct script *script)
{
	free(script);
}

static void script_add(
	struct domain *domain, const char *arrow, enum script_action action, unsigned count, uint64_t delay_ms)
{
	struct script *script = domain->script;
	struct script_line *line;

	if (script->count == SCRIPT_MAX)
		domain_fail(domain, "the script is full");
	line = &script->lines[script->count++];
	*line = (struct script_line){.action = action, .count = count, .delay_ms = delay_ms};
	snprintf(line->arrow, sizeof(line->arrow), "%s", arrow);
}

void domain_lose(struct domain *domain, const char *arrow, unsigned count)
{
	script_add(domain, arrow, SCRIPT_LOSE, count, 0);
}

void domain_unlose(struct domain *domain)
{
	struct script *script = domain->script;

	domain->lose_number = 0;
	for (unsigned i = 0; i < script->count; i++)
		if (script->lines[i].action == SCRIPT_LOSE)
			script->lines[i].count = 0;
}

void domain_duplicate(struct domain *domain, const char *arrow, unsigned count, uint64_t after_ms)
{
	script_add(domain, arrow, SCRIPT_DUPLICATE, count, after_ms);
}

void domain_delay(struct domain *domain, const char *arrow, unsigned count, uint64_t ms)
{
	script_add(domain, arrow, SCRIPT_DELAY, count, ms);
}

/* The line for this arrow, used up once; NULL: nothing special. */
static const struct script_line *script_next(struct domain *domain, const char *arrow)
{
	for (unsigned i = 0; i < domain->script->count; i++) {
		struct script_line *line = &domain->script->lines[i];

		if (line->count > 0 && strcmp(line->arrow, arrow) == 0) {
			line->count--;
			return line;
		}
	}
	return NULL;
}

/* ---- labels ---- */

static enum arrow_kind ro_label(const struct mh_message *message, char *label, size_t size)
{
	struct ro_fixed fixed = ro_fixed_of(message);
	const char *word = ro_message_name(fixed.code);

	if (fixed.code % 2 == 0)
		snprintf(label, size, "%s %u", word, fixed.value);
	else if (fixed.code == RO_REPORT)
		snprintf(label, size, "%s %u%s", word, fixed.value, fixed.lifetime_s == 0 ? "(0)" : "");
	else
		snprintf(label, size, "%s%s", word, fixed.lifetime_s == 0 ? "(0)" : "");
	return ARROW_RO;
}

static enum arrow_kind label_of(const struct mh_message *message, char *label, size_t size)
{
	char text[16];

	if (ro_mh_type_is(message->type))
		return ro_label(message, label, size);
	switch (message->type) {
	case MH_HEARTBEAT:
		snprintf(label, size, "Heartbeat%s%s",
			message->fixed.heartbeat.flags & HEARTBEAT_FLAG_R ? " response" : "",
			message->fixed.heartbeat.flags & HEARTBEAT_FLAG_U ? " unsolicited" : "");
		return ARROW_HEARTBEAT;
	case MH_BU:
		snprintf(label, size, "%s%s", mh_message_name(message, text),
			message->fixed.bu.lifetime == 0 ? "(0)" : "");
		return ARROW_SIGNALLING;
	case MH_BA:
		snprintf(label, size, message->fixed.ba.status != 0 ? "%s %u" : "%s", mh_message_name(message, text),
			message->fixed.ba.status);
		return ARROW_SIGNALLING;
	case MH_UPN:
		snprintf(label, size, "UPN%s", message->fixed.upn.flags & UPN_FLAG_D ? "(D)" : "");
		return ARROW_SIGNALLING;
	case MH_UPA:
		snprintf(label, size, message->fixed.upa.status != 0 ? "UPA %u" : "UPA", message->fixed.upa.status);
		return ARROW_SIGNALLING;
	default: snprintf(label, size, "%s", mh_message_name(message, text)); return ARROW_SIGNALLING;
	}
}

/* ---- sending ---- */

static uint64_t random_delay_ns(struct domain *domain)
{
	const struct faults *faults = &domain->faults;

	if (faults->delay_max_us == 0)
		return DELAY_DEFAULT_US * 1000;
	return sim_random_between(&domain->random, faults->delay_min_us, faults->delay_max_us) * 1000;
}

static void queue_copy(struct domain *domain, struct event *event, uint64_t delay_ns)
{
	event->at_ns = domain->now_ns + delay_ns;
	events_queue_add(domain->queue, event);
}

static void queue_datagram(struct domain *domain, struct event *event, const struct script_line *line)
{
	uint64_t delay_ns = random_delay_ns(domain);

	if (line != NULL && line->action == SCRIPT_DELAY)
		delay_ns += line->delay_ms * 1000000;
	if ((line != NULL && line->action == SCRIPT_LOSE) ||
		sim_random_chance(&domain->random, domain->faults.loss_ppm)) {
		domain->lost++;
		return;
	}
	queue_copy(domain, event, delay_ns);
	if (line != NULL && line->action == SCRIPT_DUPLICATE)
		queue_copy(domain, event, delay_ns + line->delay_ms * 1000000);
	if (sim_random_chance(&domain->random, domain->faults.duplicate_ppm))
		queue_copy(domain, event, random_delay_ns(domain));
}

/* The same Ack with a status that refuses. */
static void spoil(struct domain *domain, struct event *event, const struct mh_message *message)
{
	uint8_t bytes[MH_LENGTH_SEND_MAX];
	struct ro_fixed fixed = ro_fixed_of(message);
	struct ro_body body;

	ro_body_parse(message, &body);
	fixed.value = RO_STATUS_NO_RESOURCES;
	fixed.lifetime_s = 0;
	if (ro_encode(&fixed, &body, bytes, sizeof(bytes), &event->source, &event->destination) != event->length)
		domain_fail(domain, "an Ack has another length");
	memcpy(event->bytes, bytes, event->length);
}

/* The numbered faults of tests that try every arrow. */
static void count_ro(struct domain *domain, struct event *event, const struct mh_message *message, const char *arrow)
{
	bool is_ack = ro_mh_type_is(message->type) && ro_fixed_of(message).code % 2 == 0;

	if (is_ack && domain->spoil_number > 0 && --domain->spoil_number == 0)
		spoil(domain, event, message);
	if (domain->lose_number > 0 && --domain->lose_number == 0) {
		free(event->bytes);
		event->bytes = NULL;
		domain->lost++;
		if (domain->lose_alike)
			domain_lose(domain, arrow, UINT_MAX);
	}
	if (domain->arrow_wanted > 0 && --domain->arrow_wanted == 0)
		events_queue_add(domain->queue, &(struct event){.kind = EVENT_CALL, .at_ns = domain->now_ns});
}

static const struct gateway *anchor_of(const struct domain *domain, const struct ro_tuple *tuple)
{
	return tuple->prefix_count > 0 ? domain_lma_of(domain, endpoint_id_ipv6(tuple->prefixes[0].prefix.s6_addr))
				       : NULL;
}

/*
 * RO-052, RO-059, RO-084: an LMA asks MAGs about nodes that it anchors only, a MAG reports to the LMA of its node, and
 * asks that of its own; RO-021, RO-023: MAGs ask each other nothing in proxy mode.
 */
static void check_addressee(
	const struct gateway *from, const struct gateway *to, const struct mh_message *message, const char *arrow)
{
	struct domain *domain = from->domain;
	struct ro_fixed fixed = ro_fixed_of(message);
	const struct gateway *lma = from->role == ROLE_LMA ? from : to, *anchor;
	struct ro_body body;

	if (fixed.code % 2 == 0 || (from->role == ROLE_LMA && to->role == ROLE_LMA))
		return; /* Acks go where the request came from */
	if (from->role == to->role) {
		if ((fixed.flags & RO_FLAG_P) != 0)
			domain_fail(domain, "%s in proxy mode", arrow);
		return;
	}
	ro_body_parse(message, &body);
	anchor = anchor_of(domain, &body.tuples[from->role == ROLE_MAG && fixed.code == RO_INIT]);
	if (anchor != NULL && anchor != lma) /* a static prefix says nothing */
		domain_fail(domain, "%s about the node of another LMA", arrow);
}

void network_send(struct gateway *gateway, const struct mh_datagram *datagram)
{
	struct domain *domain = gateway->domain;
	const struct gateway *to = domain_gateway_at(domain, &datagram->destination);
	struct event event = {.kind = EVENT_DATAGRAM,
		.source = datagram->source,
		.destination = datagram->destination,
		.length = datagram->length};
	const struct script_line *line;
	struct mh_message message;
	enum arrow_kind kind;
	char label[32], arrow[72];

	if (to == NULL || memcmp(&datagram->source, &gateway->address, 16) != 0)
		domain_fail(domain, "%s sends with wrong addresses", gateway->name);
	if (mh_decode(&message, datagram->bytes, datagram->length, &datagram->source, &datagram->destination) !=
		MH_ERROR_NONE)
		domain_fail(domain, "%s sends a message that cannot be decoded", gateway->name);
	event.bytes = malloc(datagram->length);
	if (event.bytes == NULL)
		abort();
	memcpy(event.bytes, datagram->bytes, datagram->length);
	domain->messages++;
	kind = label_of(&message, label, sizeof(label));
	if (gateway->role == ROLE_MAG && to->role == ROLE_MAG && kind == ARROW_SIGNALLING)
		kind = ARROW_RO; /* a PBU in place of RO Setup */
	domain_record(domain, kind, gateway->name, label, to->name);
	snprintf(arrow, sizeof(arrow), "%s -%s-> %s", gateway->name, label, to->name);
	if (ro_mh_type_is(message.type))
		check_addressee(gateway, to, &message, arrow);
	line = script_next(domain, arrow);
	if (kind == ARROW_RO)
		count_ro(domain, &event, &message, arrow);
	if (event.bytes != NULL)
		queue_datagram(domain, &event, line);
	free(event.bytes);
}

void network_send_frame(struct gateway *gateway, const struct access_frame *frame)
{
	static const struct {
		uint8_t type;
		const char *label;
	} labels[] = {{134, "RA"}, {135, "NS"}, {136, "NA"}};
	struct domain *domain = gateway->domain;
	struct event event = {.kind = EVENT_DOWNLINK,
		.gateway = (unsigned)(gateway - domain->gateways),
		.epoch = gateway->life,
		.link = frame->link,
		.length = frame->length};

	memcpy(event.mac, frame->mac, 6);
	event.bytes = malloc(frame->length);
	if (event.bytes == NULL)
		abort();
	memcpy(event.bytes, frame->bytes, frame->length);
	for (unsigned i = 0; i < 3 && frame->length > 40; i++)
		if (event.bytes[40] == labels[i].type && frame->link < domain->config.nodes)
			domain_record(domain, ARROW_ACCESS, gateway->name, labels[i].label,
				domain->mobiles[frame->link].name);
	queue_copy(domain, &event, ACCESS_MIN_US * 1000);
	free(event.bytes);
}

void domain_uplink(struct domain *domain, const struct mobile *mobile, const uint8_t *bytes, uint16_t length)
{
	struct event event = {
		.kind = EVENT_UPLINK, .gateway = (unsigned)mobile->mag, .mobile = mobile->number, .length = length};

	event.bytes = malloc(length);
	if (event.bytes == NULL)
		abort();
	memcpy(event.bytes, bytes, length);
	queue_copy(domain, &event, sim_random_between(&domain->random, ACCESS_MIN_US, ACCESS_MAX_US) * 1000);
	free(event.bytes);
}

/* ---- arriving ---- */

static void take_message(struct gateway *gateway, const struct mh_datagram *datagram)
{
	struct engine_time now = gateway_time(gateway);
	struct mh_message message;

	if (policy_peer_find(gateway->policy, &datagram->source) == UINT32_MAX)
		domain_fail(gateway->domain, "%s hears a stranger", gateway->name);
	if (mh_decode(&message, datagram->bytes, datagram->length, &datagram->source, &datagram->destination) !=
		MH_ERROR_NONE)
		domain_fail(gateway->domain, "%s cannot decode a message", gateway->name);
	if (ro_mh_type_is(message.type) && gateway->ro != NULL)
		ro_message(gateway->ro, &now, datagram, &message);
	else if (message.type == MH_HEARTBEAT)
		heartbeat_message(gateway->heartbeat, &now, datagram, &message);
	else if (message.type == MH_BU && gateway->ro != NULL && ro_pbu(gateway->ro, &now, datagram, &message))
		return;
	else if (message.type == MH_BA && gateway->ro != NULL && ro_pba(gateway->ro, &now, datagram, &message))
		return;
	else if (message.type == MH_BU && gateway->lma != NULL)
		lma_pbu(gateway->lma, &now, datagram, &message);
	else if (message.type == MH_BA && gateway->mag != NULL)
		mag_pba(gateway->mag, &now, datagram, &message);
	else if (message.type == MH_UPN && gateway->mag != NULL)
		mag_upn(gateway->mag, &now, datagram, &message);
	else if (message.type == MH_UPA && gateway->lma != NULL)
		lma_upa(gateway->lma, &now, datagram, &message);
	else
		domain_fail(gateway->domain, "%s hears a message that is not for its role", gateway->name);
}

static void deliver_datagram(struct domain *domain, const struct event *event)
{
	struct gateway *gateway = domain_gateway_at(domain, &event->destination);
	struct mh_datagram datagram = {.source = event->source,
		.destination = event->destination,
		.bytes = event->bytes,
		.length = event->length};

	if (!gateway->alive)
		return;
	take_message(gateway, &datagram);
	gateway_run(gateway);
}

static void deliver_uplink(struct domain *domain, const struct event *event)
{
	struct gateway *gateway = &domain->gateways[event->gateway];
	const struct mobile *mobile = &domain->mobiles[event->mobile];
	struct engine_time now = gateway_time(gateway);

	if (!gateway->alive || mobile->mag != (int)event->gateway)
		return;
	mag_discovery(gateway->mag, &now, (uint16_t)mobile->number, mobile->mac, event->bytes, event->length);
	gateway_run(gateway);
}

static void deliver_resolved(struct domain *domain, const struct event *event)
{
	struct gateway *gateway = &domain->gateways[event->gateway];

	if (gateway->life != event->epoch || !gateway->alive || gateway->resolving[event->index] != event->try)
		return; /* that tunnel is gone */
	gateway->resolving[event->index] = 0;
	if (event->error != 0)
		gateway_resolve(gateway, event->index); /* its next hop is still looked for */
	transactions_tunnel_resolved(gateway->transactions, event->index, event->error);
	gateway_run(gateway);
}

static void deliver_wake(struct domain *domain, const struct event *event)
{
	struct gateway *gateway = &domain->gateways[event->gateway];

	if (gateway->life != event->epoch || !gateway->alive)
		return;
	if (gateway->wake_ns == event->at_ns)
		gateway->wake_ns = UINT64_MAX;
	gateway_run(gateway);
}

void network_deliver(struct domain *domain, const struct event *event)
{
	switch (event->kind) {
	case EVENT_WAKE: deliver_wake(domain, event); break;
	case EVENT_DATAGRAM: deliver_datagram(domain, event); break;
	case EVENT_UPLINK: deliver_uplink(domain, event); break;
	case EVENT_DOWNLINK:
		mobile_receive(domain, &domain->gateways[event->gateway], event->link, event->mac, event->bytes,
			event->length);
		break;
	case EVENT_SOLICIT: mobile_solicit(domain, event->mobile, event->epoch); break;
	case EVENT_TRAFFIC: mobile_traffic(domain, event->mobile, event->epoch); break;
	case EVENT_TALK: traffic_talk(domain, event); break;
	case EVENT_PACKET: traffic_packet(domain, event); break;
	case EVENT_REFUSAL: traffic_refusal(domain, event); break;
	case EVENT_RESOLVED: deliver_resolved(domain, event); break;
	case EVENT_CALL: domain->at_arrow(domain, domain->at_arrow_context); break;
	}
}
