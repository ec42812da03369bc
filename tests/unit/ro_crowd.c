/* SPDX-License-Identifier: BSD-3-Clause */
#include "ro_crowd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_PREFIX UINT64_C(0x2002000000000000)
#define ID_LENGTH    11
#define COOKIES      4096 /* of one call */
#define RUN_BUDGET   64   /* messages between two polls of a foreign host */

struct crowd_node {
	struct engine_host host;
	struct crowd *crowd;
	unsigned number;
	struct ro_config config;
	struct ro_peer peers[CROWD_NODES];
	struct ro *ro;
	uint32_t (*poll)(void *context);
	void *poll_context;
	uint64_t cookies[COOKIES];
	unsigned cookie_count;
	uint32_t next_index;
	uint64_t ticks, updates, halves;
};

struct letter {
	struct in6_addr source, destination;
	uint16_t length, size; /* size: to the next letter */
};

struct crowd {
	struct crowd_options options;
	struct crowd_node nodes[CROWD_NODES];
	struct engine_time now;
	char (*ids)[ID_LENGTH + 1];
	uint8_t *letters;
	size_t head, tail, size;
	uint64_t random;
};

/* ---- sessions ---- */

static bool session_of(const struct crowd_node *node, uint64_t number, struct ro_session *session)
{
	const struct crowd *crowd = node->crowd;
	unsigned mag = number % 2 == 0 ? CROWD_MAG1 : CROWD_MAG2;

	if (number >= UINT64_C(2) * crowd->options.pairs || (node->number != CROWD_LMA && node->number != mag))
		return false;
	*session = (struct ro_session){
		.id = {.subtype = 1, .length = ID_LENGTH, .data = (const uint8_t *)crowd->ids[number]},
		.prefixes = {FIRST_PREFIX + number},
		.prefix_count = 1,
		.allowed = true,
		.mag = crowd->nodes[mag].config.address,
		.lma = crowd->nodes[CROWD_LMA].config.address,
		.node = (uint32_t)number,
		.generation = 1};
	return true;
}

static bool find_by_prefix(void *context, uint64_t prefix, struct ro_session *session)
{
	return prefix >= FIRST_PREFIX && session_of(context, prefix - FIRST_PREFIX, session);
}

static bool find_by_id(void *context, const struct mn_id *id, struct ro_session *session)
{
	return id->length == ID_LENGTH && session_of(context, strtoul((const char *)id->data + 2, NULL, 10), session);
}

static uint32_t tunnel_acquire(void *context, const struct in6_addr *lma)
{
	return INDEX_NONE;
}

static void tunnel_release(void *context, uint32_t tunnel)
{
}

static const struct ro_session_ops session_ops = {find_by_prefix, find_by_id, tunnel_acquire, tunnel_release};

/* ---- host ---- */

static struct crowd_node *node_of(struct engine_host *host)
{
	return (struct crowd_node *)(void *)host;
}

static uint32_t index_allocate(struct engine_host *host, enum index_space space)
{
	return node_of(host)->next_index++;
}

static void index_release(struct engine_host *host, enum index_space space, uint32_t index)
{
}

static uint32_t index_generation(struct engine_host *host, enum index_space space, uint32_t index)
{
	return 1;
}

static void update(struct engine_host *host, const struct fwd_update *fwd_update)
{
	struct crowd_node *node = node_of(host);

	node->updates++;
	node->halves += fwd_update->op == FWD_OP_pair_insert;
	node->halves -= fwd_update->op == FWD_OP_pair_remove;
}

static void send_datagram(struct engine_host *host, const struct mh_datagram *datagram)
{
	crowd_sent(node_of(host)->crowd, datagram);
}

static void commit(struct engine_host *host, uint64_t cookie, unsigned flags)
{
	struct crowd_node *node = node_of(host);

	if (cookie == 0)
		return;
	if (node->cookie_count == COOKIES)
		abort(); /* a turn is bounded */
	node->cookies[node->cookie_count++] = cookie;
}

static bool busy(struct engine_host *host)
{
	return false;
}

static uint64_t next_random(struct engine_host *host)
{
	uint64_t *state = &node_of(host)->crowd->random;

	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static const struct engine_host_ops host_ops = {.index_allocate = index_allocate,
	.index_release = index_release,
	.index_generation = index_generation,
	.update = update,
	.send = send_datagram,
	.commit = commit,
	.busy = busy,
	.random = next_random};

/* ---- messages ---- */

void crowd_sent(struct crowd *crowd, const struct mh_datagram *datagram)
{
	struct letter letter = {.source = datagram->source,
		.destination = datagram->destination,
		.length = datagram->length,
		.size = (uint16_t)((sizeof(letter) + datagram->length + 7) & ~(size_t)7)};

	while (crowd->tail + letter.size > crowd->size) {
		uint8_t *letters = realloc(crowd->letters, crowd->size * 2);

		if (letters == NULL)
			abort();
		crowd->letters = letters;
		crowd->size *= 2;
	}
	memcpy(crowd->letters + crowd->tail, &letter, sizeof(letter));
	memcpy(crowd->letters + crowd->tail + sizeof(letter), datagram->bytes, datagram->length);
	crowd->tail += letter.size;
}

static uint64_t begin(const struct crowd *crowd)
{
	return crowd->options.clock != NULL ? crowd->options.clock() : 0;
}

/* What is applied at once is told at once; all of it is the engine's time. */
static void end(struct crowd_node *node, uint64_t began)
{
	while (node->cookie_count > 0)
		ro_transaction_done(node->ro, &node->crowd->now, node->cookies[--node->cookie_count], 0);
	if (node->crowd->options.clock != NULL)
		node->ticks += node->crowd->options.clock() - began;
}

void crowd_done(struct crowd *crowd, unsigned node, uint64_t cookie, int error)
{
	if (error != 0)
		abort();
	ro_transaction_done(crowd->nodes[node].ro, &crowd->now, cookie, error);
}

static struct crowd_node *receiver(struct crowd *crowd, const struct in6_addr *address)
{
	for (unsigned i = 0; i < CROWD_NODES; i++)
		if (memcmp(&crowd->nodes[i].config.address, address, 16) == 0)
			return &crowd->nodes[i];
	abort();
}

static void deliver(struct crowd *crowd)
{
	uint8_t bytes[MH_LENGTH_SEND_MAX];
	struct mh_message message;
	struct mh_datagram datagram;
	struct letter letter;
	struct crowd_node *node;
	uint64_t began;

	memcpy(&letter, crowd->letters + crowd->head, sizeof(letter));
	memcpy(bytes, crowd->letters + crowd->head + sizeof(letter), letter.length);
	crowd->head += letter.size;
	if (crowd->head == crowd->tail)
		crowd->head = crowd->tail = 0;
	datagram = (struct mh_datagram){letter.source, letter.destination, bytes, letter.length};
	node = receiver(crowd, &letter.destination);
	began = begin(crowd);
	if (mh_decode(&message, bytes, letter.length, &letter.source, &letter.destination) != MH_ERROR_NONE)
		abort();
	ro_message(node->ro, &crowd->now, &datagram, &message);
	end(node, began);
}

/* How much the callers' hosts have to do. */
static uint32_t poll_hosts(struct crowd *crowd)
{
	uint32_t left = 0;

	for (unsigned i = 0; i < CROWD_NODES; i++) {
		struct crowd_node *node = &crowd->nodes[i];
		uint64_t began = begin(crowd);

		if (node->poll == NULL)
			continue;
		left += node->poll(node->poll_context);
		end(node, began);
	}
	return left;
}

void crowd_run(struct crowd *crowd)
{
	do
		for (unsigned i = 0; i < RUN_BUDGET && crowd->head < crowd->tail; i++)
			deliver(crowd);
	while (poll_hosts(crowd) > 0 || crowd->head < crowd->tail);
}

/* ---- what happens ---- */

void crowd_start(struct crowd *crowd, uint32_t first, uint32_t count)
{
	struct crowd_node *lma = &crowd->nodes[CROWD_LMA];

	for (uint32_t i = first; i < first + count; i++) {
		uint64_t one = FIRST_PREFIX + 2 * (uint64_t)i, other = one + 1, began = begin(crowd);

		ro_traffic_seen(lma->ro, &crowd->now, one, other);
		ro_traffic_seen(lma->ro, &crowd->now, other, one);
		end(lma, began);
	}
}

void crowd_stop(struct crowd *crowd, uint32_t first, uint32_t count)
{
	struct crowd_node *lma = &crowd->nodes[CROWD_LMA];

	for (uint32_t i = first; i < first + count; i++) {
		uint64_t one = FIRST_PREFIX + 2 * (uint64_t)i, began = begin(crowd);

		ro_stop(lma->ro, &crowd->now, one, one + 1);
		end(lma, began);
	}
}

bool crowd_turn(struct crowd *crowd, unsigned number)
{
	struct crowd_node *node = &crowd->nodes[number];
	uint64_t began = begin(crowd);
	bool more = ro_advance(node->ro, &crowd->now) <= engine_ms(&crowd->now);

	end(node, began);
	return more;
}

void crowd_pass(struct crowd *crowd, uint64_t ms)
{
	crowd->now.monotonic_ns += ms * 1000000;
	crowd->now.wall_ns += ms * 1000000;
	for (unsigned i = 0; i < CROWD_NODES; i++)
		while (crowd_turn(crowd, i))
			crowd_run(crowd);
	crowd_run(crowd);
}

/* ---- life ---- */

static void configure(struct crowd *crowd, unsigned number)
{
	struct crowd_node *node = &crowd->nodes[number];

	node->crowd = crowd;
	node->number = number;
	node->host.ops = &host_ops;
	node->config = ro_config_default();
	node->config.role = number == CROWD_LMA ? RO_ROLE_LMA : RO_ROLE_MAG;
	node->config.address = (struct in6_addr){.s6_addr = {0x20, 0x01, 0x0d, 0xb8, [15] = (uint8_t)(number + 1)}};
	node->config.proxy = crowd->options.proxy;
	node->config.max_pairs = crowd->options.pairs;
	node->config.node_triggers_per_s = UINT32_MAX;
	node->config.peers = node->peers;
	node->config.peer_count = CROWD_NODES;
	node->config.tunnel =
		(struct fwd_tunnel){.local = node->config.address, .mtu_bytes = 1460, .use = TUNNEL_TO_PEER_MAG};
}

static void introduce(struct crowd_node *node, const struct crowd *crowd)
{
	for (unsigned i = 0; i < CROWD_NODES; i++) {
		struct ro_peer *peer = &node->peers[i];

		peer->address = crowd->nodes[i].config.address;
		peer->role = i == CROWD_LMA ? RO_ROLE_LMA : RO_ROLE_MAG;
		peer->has_key = (i == CROWD_LMA) != (node->number == CROWD_LMA);
		memset(peer->key, (int)(i + node->number), sizeof(peer->key));
	}
}

struct crowd *crowd_create(const struct crowd_options *options)
{
	struct crowd *crowd = calloc(1, sizeof(*crowd));

	if (crowd == NULL)
		return NULL;
	crowd->options = *options;
	crowd->random = 88172645463325252u;
	crowd->now = (struct engine_time){.monotonic_ns = 1000000000, .wall_ns = 1700000000000000000};
	crowd->size = 1 << 20;
	crowd->letters = malloc(crowd->size);
	crowd->ids = calloc(2 * (size_t)options->pairs, sizeof(*crowd->ids));
	if (crowd->letters == NULL || crowd->ids == NULL)
		goto failed;
	for (uint32_t i = 0; i < 2 * options->pairs; i++)
		snprintf(crowd->ids[i], sizeof(crowd->ids[i]), "mn%09u", i % 1000000000);
	for (unsigned i = 0; i < CROWD_NODES; i++)
		configure(crowd, i);
	for (unsigned i = 0; i < CROWD_NODES; i++) {
		struct crowd_node *node = &crowd->nodes[i];

		introduce(node, crowd);
		node->ro = ro_create(&node->config, &node->host, &session_ops, node, &crowd->now);
		if (node->ro == NULL)
			goto failed;
	}
	return crowd;
failed:
	crowd_destroy(crowd);
	return NULL;
}

void crowd_destroy(struct crowd *crowd)
{
	if (crowd == NULL)
		return;
	for (unsigned i = 0; i < CROWD_NODES; i++)
		ro_destroy(crowd->nodes[i].ro);
	free(crowd->ids);
	free(crowd->letters);
	free(crowd);
}

int crowd_set_host(
	struct crowd *crowd, unsigned number, struct engine_host *host, uint32_t (*poll)(void *context), void *context)
{
	struct crowd_node *node = &crowd->nodes[number];

	ro_destroy(node->ro);
	node->ro = ro_create(&node->config, host, &session_ops, node, &crowd->now);
	node->poll = poll;
	node->poll_context = context;
	return node->ro != NULL ? 0 : -1;
}

struct ro *crowd_ro(const struct crowd *crowd, unsigned node)
{
	return crowd->nodes[node].ro;
}

const struct engine_time *crowd_now(const struct crowd *crowd)
{
	return &crowd->now;
}

const struct in6_addr *crowd_address(const struct crowd *crowd, unsigned node)
{
	return &crowd->nodes[node].config.address;
}

uint64_t crowd_ticks(const struct crowd *crowd, unsigned node)
{
	return crowd->nodes[node].ticks;
}

uint64_t crowd_halves(const struct crowd *crowd, unsigned node)
{
	return crowd->nodes[node].halves;
}

uint64_t crowd_updates(const struct crowd *crowd, unsigned node)
{
	return crowd->nodes[node].updates;
}
