/* SPDX-License-Identifier: BSD-3-Clause */
#include "ro_world.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "endpoint.h"
#include "unit.h"

static const char *const names[NODES] = {"LMA1", "LMA2", "MAG1", "MAG2", "MAG3"};
static const char *const addresses[NODES] = {
	"2001:db8:1::1", "2001:db8:2::1", "2001:db8:a1::1", "2001:db8:a2::1", "2001:db8:a3::1"};

static struct in6_addr address_of(unsigned node)
{
	struct in6_addr address;

	assert_int_equal(inet_pton(AF_INET6, addresses[node], &address), 1);
	return address;
}

static unsigned node_at(const struct in6_addr *address)
{
	for (unsigned i = 0; i < NODES; i++) {
		struct in6_addr other = address_of(i);

		if (memcmp(&other, address, 16) == 0)
			return i;
	}
	fail_msg("an address of nobody");
	return 0;
}

/* ---- sessions ---- */

static bool is_here(const struct world_node *node, const struct world_mn *mn)
{
	if (mn->mag < 0)
		return false;
	return (mn->lma == (int)node->number && !mn->unbound) || (mn->mag == (int)node->number && !mn->given_up);
}

/* As this node has them. */
static void prefixes_at(const struct world_node *node, const struct world_mn *mn, uint64_t prefixes[2])
{
	bool late = mn->served != 0 && mn->mag == (int)node->number;

	prefixes[0] = late ? mn->served : mn->prefix;
	prefixes[1] = late ? mn->served_second : mn->second;
}

static void fill_session(const struct world_node *node, const struct world_mn *mn, struct ro_session *session)
{
	const struct world *world = node->world;
	uint64_t prefixes[2];

	prefixes_at(node, mn, prefixes);
	*session = (struct ro_session){
		.id = {.subtype = 1, .length = (uint8_t)strlen(mn->id), .data = (const uint8_t *)mn->id},
		.prefixes = {prefixes[0], prefixes[1]},
		.prefix_count = prefixes[1] != 0 ? 2 : 1,
		.ipv4 = mn->ipv4,
		.allowed = !mn->denied,
		.in_order = world->in_order,
		.mag = address_of((unsigned)mn->mag),
		.lma = address_of((unsigned)mn->lma),
		.link = (uint16_t)(mn->id[2] - '0'),
		.mac = {2, 0, 0, 0, 0, (uint8_t)mn->id[2]},
		.node = (uint32_t)(mn->id[2] - '0')};
	if (mn->former >= 0)
		session->former_mag = address_of((unsigned)mn->former);
}

static bool find_by_prefix(void *context, uint64_t prefix, struct ro_session *session)
{
	const struct world_node *node = context;

	for (unsigned i = 0; i < WORLD_MNS; i++) {
		const struct world_mn *mn = &node->world->mns[i];
		uint64_t prefixes[2];

		prefixes_at(node, mn, prefixes);
		if ((prefixes[0] == prefix || (prefixes[1] != 0 && prefixes[1] == prefix)) && is_here(node, mn)) {
			fill_session(node, mn, session);
			return true;
		}
	}
	return false;
}

static bool find_by_id(void *context, const struct mn_id *id, struct ro_session *session)
{
	const struct world_node *node = context;

	for (unsigned i = 0; i < WORLD_MNS; i++) {
		const struct world_mn *mn = &node->world->mns[i];

		if (id->length == strlen(mn->id) && memcmp(id->data, mn->id, id->length) == 0 && is_here(node, mn)) {
			fill_session(node, mn, session);
			return true;
		}
	}
	return false;
}

/* The tunnel to the LMA that packets go back through: one more index of the host. */
static uint32_t tunnel_acquire(void *context, const struct in6_addr *lma)
{
	struct world_node *node = context;
	struct engine_host *host = &node->fake.host;
	struct fwd_update update = {.op = FWD_OP_tunnel_insert};

	update.index = host->ops->index_allocate(host, INDEX_TUNNEL);
	update.body.tunnel = node->config.tunnel;
	update.body.tunnel.use = TUNNEL_TO_LMA;
	update.body.tunnel.remote = *lma;
	host->ops->update(host, &update);
	return update.index;
}

static void tunnel_release(void *context, uint32_t tunnel)
{
	struct world_node *node = context;
	struct engine_host *host = &node->fake.host;
	struct fwd_update update = {.op = FWD_OP_tunnel_remove, .index = tunnel};

	host->ops->update(host, &update);
	host->ops->index_release(host, INDEX_TUNNEL, tunnel);
}

static const struct ro_session_ops session_ops = {find_by_prefix, find_by_id, tunnel_acquire, tunnel_release};

/* ---- nodes ---- */

static int apply_pair(void *context, const struct fwd_update *update);

static void done(void *context, uint64_t cookie, int error)
{
	struct world_node *node = context;

	assert_true((cookie & RO_COOKIE) != 0);
	if (node->ro != NULL)
		ro_transaction_done(node->ro, &node->world->now, cookie, error);
}

static void peers_of(struct world_node *node)
{
	for (unsigned i = 0; i < NODES; i++) {
		struct ro_peer *peer = &node->peers[i];
		bool lma = i == LMA1 || i == LMA2, self = node->number == LMA1 || node->number == LMA2;

		*peer = (struct ro_peer){.address = address_of(i), .role = lma ? RO_ROLE_LMA : RO_ROLE_MAG};
		if (lma && i != node->number) {
			peer->prefix_count = 1;
			peer->prefixes[0].length = 48;
			inet_pton(AF_INET6, i == LMA1 ? "2001:db8:f1::" : "2001:db8:f2::", &peer->prefixes[0].prefix);
		}
		/* A MAG and each LMA share a key. */
		peer->has_key = lma != self;
		peer->key_id = 1;
		memset(peer->key, (int)(self ? node->number * 16 + i : i * 16 + node->number), RO_KEY_LENGTH);
	}
}

static void pair_event(void *context, const struct engine_time *now, const struct ro_event_pair *pair,
	enum ro_event event, uint8_t value)
{
	const struct world_node *node = context;

	pair_events_note(node->events, now, pair, event, value);
}

static uint64_t pair_packets(void *context, uint32_t pair)
{
	const struct world_node *node = context;

	(void)pair;
	return node->packets;
}

static void node_init(struct world *world, unsigned number, const struct world_options *options)
{
	struct world_node *node = &world->nodes[number];

	node->number = number;
	node->world = world;
	node->config = ro_config_default();
	node->config.role = number <= LMA2 ? RO_ROLE_LMA : RO_ROLE_MAG;
	node->config.address = address_of(number);
	node->config.proxy = options->proxy;
	node->config.early = options->early;
	node->config.native = options->native;
	node->config.trust_peers = options->trust_peers;
	node->config.pbu_for_setup = options->pbu_for_setup;
	node->config.peers = node->peers;
	node->config.peer_count = NODES;
	node->config.max_pairs = 16;
	node->config.tunnel =
		(struct fwd_tunnel){.local = node->config.address, .mtu_bytes = 1460, .use = TUNNEL_TO_PEER_MAG};
	node->events = pair_events_create(node->config.max_pairs, 256);
	assert_non_null(node->events);
	node->config.hooks = (struct ro_hooks){.context = node, .pair_packets = pair_packets, .pair_event = pair_event};
	node->packets = UINT64_MAX;
	peers_of(node);
	if (options->adjust != NULL)
		options->adjust(&node->config);
	fake_host_init(&node->fake);
	node->fake.random += number * 7919;
	node->fake.done = done;
	node->fake.apply_other = apply_pair;
	node->fake.context = node;
	node->ro = ro_create(&node->config, &node->fake.host, &session_ops, node, &world->now);
	assert_non_null(node->ro);
}

void world_init(struct world *world, struct world_options options)
{
	memset(world, 0, sizeof(*world));
	world->now.monotonic_ns = UINT64_C(1000000000);
	world->now.wall_ns = UINT64_C(1700000000000000000);
	world->early = options.early;
	world->in_order = options.in_order;
	for (unsigned i = 0; i < WORLD_MNS; i++)
		snprintf(world->mns[i].id, sizeof(world->mns[i].id), "mn%u@example", i + 1);
	world->mns[0].prefix = UINT64_C(0x20010db800f10001);
	world->mns[1].prefix = options.one_lma ? UINT64_C(0x20010db800f10002) : UINT64_C(0x20010db800f20002);
	world->mns[2].prefix = UINT64_C(0x20010db800f10003);
	world->mns[0].lma = world->mns[2].lma = LMA1;
	world->mns[1].lma = options.one_lma ? LMA1 : LMA2;
	for (unsigned i = 0; i < WORLD_MNS; i++)
		world->mns[i].former = -1;
	world->mns[0].mag = world->mns[2].mag = MAG1;
	world->mns[1].mag = MAG2;
	for (unsigned i = 0; i < NODES; i++)
		node_init(world, i, &options);
}

void world_fini(struct world *world)
{
	for (unsigned i = 0; i < NODES; i++) {
		ro_destroy(world->nodes[i].ro);
		pair_events_destroy(world->nodes[i].events);
		fake_host_fini(&world->nodes[i].fake);
	}
	for (unsigned i = 0; i < WORLD_DELAYS; i++)
		if (world->delays[i].waits)
			free(world->delays[i].message.bytes);
	for (; world->head < world->tail; world->head++)
		free(world->queue[world->head % WORLD_QUEUE].bytes);
}

void world_restart(struct world *world, unsigned number)
{
	struct world_node *node = &world->nodes[number];

	fake_host_run(&node->fake);
	ro_destroy(node->ro);
	fake_host_fini(&node->fake);
	memset(node->pairs, 0, sizeof(node->pairs));
	fake_host_init(&node->fake);
	node->fake.done = done;
	node->fake.apply_other = apply_pair;
	node->fake.context = node;
	node->ro = ro_create(&node->config, &node->fake.host, &session_ops, node, &world->now);
	assert_non_null(node->ro);
}

/* ---- pairs as a table owner would have them ---- */

/* @half: FORWARD_PAIR_TX or FORWARD_PAIR_RX; they are independent entries. */
static struct world_pair *pair_at(struct world_node *node, uint64_t source, uint64_t destination, uint8_t half)
{
	for (unsigned i = 0; i < WORLD_PAIRS; i++)
		if (node->pairs[i].used && node->pairs[i].pair.source == source &&
			node->pairs[i].pair.destination == destination &&
			(node->pairs[i].pair.forward.flags & half) != 0)
			return &node->pairs[i];
	return NULL;
}

static void assert_tunnel_lives(const struct world_node *node, uint32_t tunnel)
{
	assert_true(tunnel < FAKE_INDEXES && node->fake.has_tunnel[tunnel]);
}

static bool is_alive(const struct world_node *node, uint32_t tunnel)
{
	return tunnel == INDEX_NONE || (tunnel < FAKE_INDEXES && node->fake.has_tunnel[tunnel]);
}

static bool has_dead_tunnel(const struct world_node *node, const struct fwd_pair *pair)
{
	if (!is_alive(node, pair->forward.tunnel))
		return true;
	return (pair->forward.flags & FORWARD_PAIR_RX) != 0 &&
	       (!is_alive(node, pair->check.tunnel) || !is_alive(node, pair->check.former));
}

/* As a table owner would. */
static int apply_pair(void *context, const struct fwd_update *update)
{
	struct world_node *node = context;
	uint8_t half = update->body.pair.forward.flags & (FORWARD_PAIR_TX | FORWARD_PAIR_RX);
	struct world_pair *entry = pair_at(node, update->body.pair.source, update->body.pair.destination, half);

	if (update->op < FWD_OP_pair_insert || update->op > FWD_OP_pair_remove)
		return 0;
	if (half == 0)
		return -EINVAL; /* it names neither half */
	if ((entry == NULL) != (update->op == FWD_OP_pair_insert))
		return entry == NULL ? -ENOENT : -EEXIST;
	if (entry != NULL && entry->index != update->index)
		return -ENOENT;
	if (update->op != FWD_OP_pair_remove && has_dead_tunnel(node, &update->body.pair))
		return -ENOENT;
	for (unsigned i = 0; entry == NULL && i < WORLD_PAIRS; i++)
		if (!node->pairs[i].used)
			entry = &node->pairs[i];
	if (entry == NULL)
		return -ENOSPC;
	entry->used = update->op != FWD_OP_pair_remove;
	entry->pair = update->body.pair;
	entry->index = update->index;
	return 0;
}

static void assert_entries_are_sound(const struct world_node *node)
{
	for (unsigned i = 0; i < WORLD_PAIRS; i++) {
		const struct fwd_pair *pair = &node->pairs[i].pair;

		if (!node->pairs[i].used)
			continue;
		if (pair->forward.action == FORWARD_TUNNEL)
			assert_tunnel_lives(node, pair->forward.tunnel);
		if (pair->forward.flags & FORWARD_PAIR_RX) {
			assert_tunnel_lives(node, pair->check.tunnel);
			if (pair->check.former != INDEX_NONE)
				assert_tunnel_lives(node, pair->check.former);
		}
	}
}

static void print_arrows(const struct world *world)
{
	for (unsigned i = 0; i < world->arrow_count; i++)
		print_error("%s\n", world->arrows[i]);
}

/* As far as this node knows; who left unnoticed has it yet. */
static bool is_of_mn(const struct world_node *node, uint64_t prefix)
{
	for (unsigned i = 0; i < WORLD_MNS; i++) {
		uint64_t prefixes[2];

		prefixes_at(node, &node->world->mns[i], prefixes);
		if (prefixes[0] == prefix || prefixes[1] == prefix)
			return true;
	}
	return false;
}

/* RO-090 */
static void assert_is_of_mn(struct world *world, const struct world_node *node, const struct fwd_pair *pair)
{
	bool sends = (pair->forward.flags & FORWARD_PAIR_TX) != 0, delivers = pair->forward.action == FORWARD_LOCAL;

	if ((!sends || is_of_mn(node, pair->source)) && (!delivers || is_of_mn(node, pair->destination)))
		return;
	print_arrows(world);
	fail_msg("%s sends or delivers packets of a prefix that no MN has", names[node->number]);
}

/* G.6.15 (d); what is sent to a prefix that nobody has is nobody's loss, and who is held cannot stop. */
static void assert_peer_receives(struct world *world, const struct world_node *node, const struct fwd_pair *pair)
{
	unsigned to = node_at(&node->fake.tunnels[pair->forward.tunnel].remote);
	struct world_node *peer = &world->nodes[to];
	const struct world_pair *entry = pair_at(peer, pair->source, pair->destination, FORWARD_PAIR_RX);

	if (world->early || peer->dead || !is_of_mn(peer, pair->destination) || node->fake.is_held)
		return;
	if (entry == NULL || !(entry->pair.forward.flags & FORWARD_PAIR_RX)) {
		print_arrows(world);
		fail_msg("%s sends direct to %s, which does not take it", names[node->number], names[to]);
	}
}

static void assert_invariants(struct world *world)
{
	for (unsigned i = 0; i < NODES; i++) {
		const struct world_node *node = &world->nodes[i];

		assert_entries_are_sound(node);
		for (unsigned j = 0; j < WORLD_PAIRS; j++)
			if (i > LMA2 && !node->dead && node->pairs[j].used)
				assert_is_of_mn(world, node, &node->pairs[j].pair);
		for (unsigned j = 0; j < WORLD_PAIRS; j++)
			if (node->pairs[j].used && node->pairs[j].pair.forward.action == FORWARD_TUNNEL &&
				node->pairs[j].pair.forward.flags & FORWARD_PAIR_TX)
				assert_peer_receives(world, node, &node->pairs[j].pair);
	}
}

/* ---- messages ---- */

static void record(struct world *world, const struct fake_message *sent, char arrow[64])
{
	struct mh_message message;
	char text[16], label[32];
	unsigned status, lifetime;
	bool ack, is_ro;

	assert_int_equal(
		mh_decode(&message, sent->bytes, sent->length, &sent->source, &sent->destination), MH_ERROR_NONE);
	is_ro = ro_mh_type_is(message.type);
	ack = message.type == MH_BA || (is_ro && message.fixed.ro.code % 2 == 0);
	status = is_ro ? message.fixed.ro.value : message.type == MH_BA ? message.fixed.ba.status : 0;
	lifetime = is_ro ? message.fixed.ro.lifetime : message.fixed.bu.lifetime;
	if (ack && status >= 128)
		snprintf(label, sizeof(label), "%s %u", mh_message_name(&message, text), status);
	else
		snprintf(label, sizeof(label), "%s%s", mh_message_name(&message, text),
			!ack && lifetime == 0 ? "(0)" : "");
	snprintf(arrow, 64, "%s -%s-> %s", names[node_at(&sent->source)], label, names[node_at(&sent->destination)]);
	assert_true(world->arrow_count < WORLD_ARROWS);
	memcpy(world->arrows[world->arrow_count++], arrow, 64);
}

static bool is_lost(struct world *world, const char *arrow)
{
	if (world->lose_number > 0 && --world->lose_number == 0)
		return true;
	if (world->lose == NULL || world->lose_count == 0 || strcmp(world->lose, arrow) != 0)
		return false;
	world->lose_count--;
	return true;
}

static void enqueue(struct world *world, struct fake_message *sent)
{
	assert_true(world->tail - world->head < WORLD_QUEUE);
	world->queue[world->tail++ % WORLD_QUEUE] = *sent;
	sent->bytes = NULL;
}

static bool is_delayed(struct world *world, struct fake_message *sent)
{
	bool delayed = false;

	for (unsigned i = 0; i < WORLD_DELAYS; i++) {
		struct world_delay *delay = &world->delays[i];

		if (delay->number == 0 || --delay->number > 0 || delayed)
			continue;
		delay->message = *sent;
		delay->waits = delayed = true;
	}
	if (delayed)
		sent->bytes = NULL;
	return delayed;
}

/* One message more has come: those that waited for it follow. */
static void count_delivery(struct world *world)
{
	for (unsigned i = 0; i < WORLD_DELAYS; i++) {
		struct world_delay *delay = &world->delays[i];

		if (!delay->waits || (delay->by > 0 && --delay->by > 0))
			continue;
		delay->waits = false;
		enqueue(world, &delay->message);
	}
}

void world_release(struct world *world)
{
	for (unsigned i = 0; i < WORLD_DELAYS; i++)
		if (world->delays[i].waits)
			enqueue(world, &world->delays[i].message);
	memset(world->delays, 0, sizeof(world->delays));
	world_run(world);
}

/* Out of the tunnel: a decodable message between the addresses that markers have. */
static void record_marker(struct world *world, const struct world_node *node, const struct fake_message *sent)
{
	static const uint8_t interface[8] = {0x02, 0x00, 0x5e, 0xff, 0xfe, 0x00, 0x52, 0x13};
	struct mh_message message;

	assert_int_equal(node->fake.tunnels[sent->tunnel].use, TUNNEL_TO_LMA);
	assert_memory_equal(sent->source.s6_addr + 8, interface, 8);
	assert_memory_equal(sent->destination.s6_addr + 8, interface, 8);
	assert_int_equal(
		mh_decode(&message, sent->bytes, sent->length, &sent->source, &sent->destination), MH_ERROR_NONE);
	assert_int_equal(message.fixed.ro.code, RO_MARKER);
	assert_int_equal(message.option_count, 0);
	assert_true(world->marker_count < WORLD_MARKERS);
	world->markers[world->marker_count++] = (struct world_marker){.mag = node->number,
		.source = endpoint_id_ipv6(sent->source.s6_addr),
		.destination = endpoint_id_ipv6(sent->destination.s6_addr)};
}

static void collect(struct world *world, struct world_node *node)
{
	struct fake_host *fake = &node->fake;
	char arrow[64];

	fake_host_run(fake);
	if (fake->refused > 0 && !world->refusals)
		fail_msg("%s: an update was refused", names[node->number]);
	for (unsigned i = 0; i < fake->message_count; i++) {
		record(world, &fake->messages[i], arrow);
		if (!node->dead && !is_lost(world, arrow) && !is_delayed(world, &fake->messages[i]))
			enqueue(world, &fake->messages[i]);
	}
	for (unsigned i = 0; i < fake->inner_count; i++)
		record_marker(world, node, &fake->inner[i]);
	fake_host_clear(fake);
}

static void deliver(struct world *world, const struct fake_message *sent)
{
	struct world_node *node = &world->nodes[node_at(&sent->destination)];
	struct mh_datagram datagram = {
		.source = sent->source, .destination = sent->destination, .bytes = sent->bytes, .length = sent->length};
	struct mh_message message;

	if (node->dead)
		return;
	assert_int_equal(
		mh_decode(&message, sent->bytes, sent->length, &sent->source, &sent->destination), MH_ERROR_NONE);
	if (message.type == MH_BU)
		assert_true(ro_pbu(node->ro, &world->now, &datagram, &message));
	else if (message.type == MH_BA)
		assert_true(ro_pba(node->ro, &world->now, &datagram, &message));
	else
		ro_message(node->ro, &world->now, &datagram, &message);
}

void world_run(struct world *world)
{
	world_step(world, UINT32_MAX);
}

void world_step(struct world *world, unsigned messages)
{
	for (;;) {
		struct fake_message *sent;

		for (unsigned i = 0; i < NODES; i++)
			collect(world, &world->nodes[i]);
		assert_invariants(world);
		if (world->head == world->tail || messages-- == 0)
			return;
		sent = &world->queue[world->head++ % WORLD_QUEUE];
		deliver(world, sent);
		free(sent->bytes);
		count_delivery(world);
	}
}

void world_pass(struct world *world, uint64_t ms)
{
	for (uint64_t passed = 0; passed < ms; passed += 50) {
		world->now.monotonic_ns += 50000000;
		world->now.wall_ns += 50000000;
		for (unsigned i = 0; i < NODES; i++)
			if (!world->nodes[i].dead)
				ro_advance(world->nodes[i].ro, &world->now);
		world_run(world);
	}
}

void world_traffic(struct world *world, unsigned number)
{
	struct ro *ro = world->nodes[number].ro;

	ro_traffic_seen(ro, &world->now, world->mns[0].prefix, world->mns[1].prefix);
	ro_traffic_seen(ro, &world->now, world->mns[1].prefix, world->mns[0].prefix);
	world_run(world);
}

void world_move(struct world *world, unsigned number, int mag)
{
	struct world_mn *mn = &world->mns[number - 1];
	int from = mn->mag;
	struct ro *lma = world->nodes[mn->lma].ro;

	world->now.monotonic_ns += 1000000;
	world->now.wall_ns += 1000000;
	mn->mag = mag;
	if (from >= 0)
		ro_session_changed(world->nodes[from].ro, &world->now, mn->prefix, RO_SESSION_DOWN);
	if (mag >= 0)
		ro_session_changed(world->nodes[mag].ro, &world->now, mn->prefix, RO_SESSION_UP);
	mn->former = mag >= 0 ? from : -1;
	ro_session_changed(lma, &world->now, mn->prefix, mag >= 0 ? RO_SESSION_MOVED : RO_SESSION_DOWN);
	world_run(world);
}

void world_expect_arrows(struct world *world, const char *file, int line, const char *const *expected)
{
	unsigned i = 0;

	for (; expected[i] != NULL && i < world->arrow_count; i++)
		if (strcmp(expected[i], world->arrows[i]) != 0)
			break;
	if (expected[i] != NULL || i < world->arrow_count) {
		print_arrows(world);
		print_error(
			"%s:%d: arrow %u: expected %s\n", file, line, i, expected[i] != NULL ? expected[i] : "nothing");
		fail();
	}
	world->arrow_count = 0;
}

unsigned world_count_arrows(const struct world *world, const char *arrow)
{
	unsigned count = 0;

	for (unsigned i = 0; i < world->arrow_count; i++)
		count += strcmp(world->arrows[i], arrow) == 0;
	return count;
}

static const struct fwd_pair *half_at(
	const struct world *world, unsigned mag, unsigned source, unsigned destination, uint8_t half)
{
	const struct world_node *node = &world->nodes[mag];

	for (unsigned i = 0; i < WORLD_PAIRS; i++)
		if (node->pairs[i].used && node->pairs[i].pair.source == world->mns[source - 1].prefix &&
			node->pairs[i].pair.destination == world->mns[destination - 1].prefix &&
			(node->pairs[i].pair.forward.flags & half) != 0)
			return &node->pairs[i].pair;
	return NULL;
}

const struct fwd_pair *world_entry(const struct world *world, unsigned mag, unsigned source, unsigned destination)
{
	const struct fwd_pair *entry = half_at(world, mag, source, destination, FORWARD_PAIR_RX);

	return entry != NULL ? entry : half_at(world, mag, source, destination, FORWARD_PAIR_TX);
}

bool world_sends(const struct world *world, unsigned mag, unsigned source, unsigned destination, unsigned peer)
{
	const struct fwd_pair *entry = half_at(world, mag, source, destination, FORWARD_PAIR_TX);

	if (entry == NULL)
		return false;
	if (entry->forward.action == FORWARD_LOCAL)
		return peer == mag;
	return node_at(&world->nodes[mag].fake.tunnels[entry->forward.tunnel].remote) == peer;
}

bool world_is_quiet(const struct world *world)
{
	for (unsigned i = 0; i < NODES; i++)
		for (unsigned j = 0; j < WORLD_PAIRS; j++)
			if (world->nodes[i].pairs[j].used &&
				world->nodes[i].pairs[j].pair.forward.flags & FORWARD_PAIR_TX)
				return false;
	return true;
}

unsigned world_count_left(const struct world *world)
{
	unsigned count = 0;

	for (unsigned i = 0; i < NODES; i++) {
		const struct world_node *node = &world->nodes[i];
		struct ro_stats stats;

		ro_stats(node->ro, &stats);
		count += stats.pairs;
		for (unsigned j = 0; j < WORLD_PAIRS; j++)
			count += node->pairs[j].used;
		for (unsigned j = 0; j < FAKE_INDEXES; j++)
			count += node->fake.has_tunnel[j];
	}
	return count;
}

static void expect_at_rest(const struct world_node *node, unsigned seed)
{
	struct ro_stats stats;

	ro_stats(node->ro, &stats);
	if (stats.pairs + stats.active + stats.tunnels != 0)
		fail_msg("seed %u, %s: %u pairs, %u active, %u tunnels", seed, names[node->number], stats.pairs,
			stats.active, stats.tunnels);
	assert_int_equal(fake_host_indexes(&node->fake, INDEX_TUNNEL), 0);
	for (unsigned i = 0; i < WORLD_PAIRS; i++)
		assert_false(node->pairs[i].used);
}

void world_expect_nothing_left(struct world *world, unsigned seed)
{
	world_move(world, 1, -1);
	world_move(world, 2, -1);
	for (unsigned i = 0; i < 40; i++) {
		world_pass(world, 10000);
		world->arrow_count = 0;
	}
	for (unsigned i = 0; i < NODES; i++)
		expect_at_rest(&world->nodes[i], seed);
}
