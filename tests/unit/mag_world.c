/* SPDX-License-Identifier: BSD-3-Clause */
#include "mag_world.h"

#include <stdlib.h>

#include "checksum.h"
#include "endpoint.h"

#define ENDPOINT_SLOTS 262144

struct world *world;
const uint8_t world_mac[6] = {0, 0, 0, 0, 1, 1};
const struct in6_addr world_lma = {.s6_addr = {0x20, 1, 0x0d, 0xb8, 0, 1, [15] = 1}};
static const struct in6_addr other_lma = {.s6_addr = {0x20, 1, 0x0d, 0xb8, 0, 2, [15] = 1}};
const struct in6_addr world_mag = {.s6_addr = {0x20, 1, 0x0d, 0xb8, 0, 0xa1, [15] = 1}};

struct in6_addr world_ip6(const char *text)
{
	struct in6_addr address;

	assert_int_equal(ip6_parse(text, &address), 0);
	return address;
}

struct home_network_prefix world_prefix(const char *text)
{
	struct home_network_prefix prefix;

	assert_int_equal(prefix_parse(text, &prefix.prefix, &prefix.length), 0);
	return prefix;
}

/* ---- index spaces ---- */

static uint32_t index_allocate(struct engine_host *host, enum index_space space)
{
	struct world_index *indexes = &world->spaces[space];

	for (uint32_t i = indexes->first_free; i < WORLD_INDEXES; i++) {
		if (indexes->used[i])
			continue;
		indexes->used[i] = true;
		indexes->generation[i]++;
		indexes->first_free = i + 1;
		indexes->in_use++;
		return i;
	}
	return INDEX_NONE;
}

static void index_release(struct engine_host *host, enum index_space space, uint32_t index)
{
	struct world_transaction *open = &world->open;

	assert_true(world->spaces[space].used[index]);
	assert_true(open->released_count < 4);
	open->released[open->released_count].space = space;
	open->released[open->released_count++].index = index;
}

static uint32_t index_generation(struct engine_host *host, enum index_space space, uint32_t index)
{
	return world->spaces[space].generation[index];
}

static void release_applied(const struct world_transaction *t)
{
	for (unsigned i = 0; i < t->released_count; i++) {
		struct world_index *indexes = &world->spaces[t->released[i].space];
		uint32_t index = t->released[i].index;

		indexes->used[index] = false;
		indexes->in_use--;
		if (index < indexes->first_free)
			indexes->first_free = index;
	}
}

/* ---- the owner's tables ---- */

static struct world_endpoint *endpoint_slot(uint64_t id)
{
	struct world_endpoint *free_slot = NULL;

	for (uint64_t i = endpoint_hash(id);; i++) {
		struct world_endpoint *slot = &world->endpoints[i % ENDPOINT_SLOTS];

		if (slot->used && slot->id == id)
			return slot;
		if (!slot->used && free_slot == NULL)
			free_slot = slot;
		if (!slot->used && slot->id == 0)
			return free_slot;
	}
}

static int apply_endpoint(const struct fwd_update *u)
{
	struct world_endpoint *slot = endpoint_slot(u->body.endpoint.id);
	uint32_t tunnel = u->body.endpoint.forward.tunnel;

	if (u->op == FWD_OP_endpoint_remove) {
		if (!slot->used)
			return -ENOENT;
		slot->used = false;
		world->endpoint_count--;
		return 0;
	}
	if (slot->used != (u->op == FWD_OP_endpoint_replace))
		return slot->used ? -EEXIST : -ENOENT;
	if (tunnel >= WORLD_INDEXES || !world->tunnels[tunnel])
		return -ENOENT;
	if (!slot->used)
		world->endpoint_count++;
	*slot = (struct world_endpoint){u->body.endpoint.id, u->body.endpoint.forward, true};
	return 0;
}

static int apply_link(const struct fwd_update *u)
{
	const struct fwd_link *body = &u->body.link;
	struct world_link *slot = NULL, *known = NULL;

	for (uint32_t i = (uint32_t)endpoint_hash(hash_bytes(body->mac, 6, body->link));; i++) {
		slot = &world->links[i % ENDPOINT_SLOTS];
		if (slot->used && slot->link == body->link && memcmp(slot->mac, body->mac, 6) == 0)
			known = slot;
		if (known != NULL || !slot->used)
			break;
	}
	if (u->op == FWD_OP_link_remove) {
		if (known == NULL)
			return -ENOENT;
		/* tests remove few: what was behind it in its chain is inserted again */
		known->used = false;
		world->link_count--;
		for (uint32_t i = (uint32_t)(known - world->links) + 1; world->links[i % ENDPOINT_SLOTS].used; i++) {
			struct world_link moved = world->links[i % ENDPOINT_SLOTS];
			uint32_t to = (uint32_t)endpoint_hash(hash_bytes(moved.mac, 6, moved.link));

			world->links[i % ENDPOINT_SLOTS].used = false;
			while (world->links[to % ENDPOINT_SLOTS].used)
				to++;
			world->links[to % ENDPOINT_SLOTS] = moved;
		}
		return 0;
	}
	if (known == NULL)
		world->link_count++;
	else
		slot = known;
	*slot = (struct world_link){.link = body->link, .state = body->state, .node = u->index, .used = true};
	memcpy(slot->mac, body->mac, 6);
	return 0;
}

static bool tunnel_has_users(uint32_t tunnel)
{
	for (uint32_t i = 0; i < ENDPOINT_SLOTS; i++)
		if (world->endpoints[i].used && world->endpoints[i].forward.tunnel == tunnel)
			return true;
	return false;
}

static int apply_update(const struct fwd_update *u)
{
	if (world->fail != 0 && u->op == world->fail_op) {
		int error = world->fail;

		world->fail = 0;
		return error;
	}
	switch (u->op) {
	case FWD_OP_endpoint_insert:
	case FWD_OP_endpoint_replace:
	case FWD_OP_endpoint_remove: return apply_endpoint(u);
	case FWD_OP_link_insert:
	case FWD_OP_link_remove: return apply_link(u);
	case FWD_OP_tunnel_insert:
		if (world->tunnels[u->index])
			return -EEXIST;
		world->tunnels[u->index] = true;
		world->tunnel_count++;
		return 0;
	case FWD_OP_tunnel_remove:
		if (!world->tunnels[u->index])
			return -ENOENT;
		assert_false(tunnel_has_users(u->index)); /* users go before what they use */
		world->tunnels[u->index] = false;
		world->tunnel_count--;
		return 0;
	default: return -EINVAL;
	}
}

/* ---- transactions ---- */

static void host_update(struct engine_host *host, const struct fwd_update *update)
{
	struct world_transaction *open = &world->open;

	open->updates = realloc(open->updates, (open->update_count + 1) * sizeof(*open->updates));
	assert_non_null(open->updates);
	open->updates[open->update_count++] = *update;
}

static void keep_message(bool is_frame, const struct mh_datagram *datagram, const struct access_frame *frame)
{
	struct world_transaction *open = &world->open;
	uint16_t length = is_frame ? frame->length : datagram->length;

	assert_true(open->message_count < 8);
	assert_true(length > 0 && length <= 1280);
	open->messages[open->message_count].is_frame = is_frame;
	open->messages[open->message_count].bytes = malloc(length);
	memcpy(open->messages[open->message_count].bytes, is_frame ? frame->bytes : datagram->bytes, length);
	if (is_frame)
		open->messages[open->message_count].frame = *frame;
	else
		open->messages[open->message_count].datagram = *datagram;
	open->message_count++;
}

static void host_send(struct engine_host *host, const struct mh_datagram *datagram)
{
	keep_message(false, datagram, NULL);
}

static void host_send_frame(struct engine_host *host, const struct access_frame *frame)
{
	keep_message(true, NULL, frame);
}

static void deliver(const struct world_transaction *t)
{
	for (unsigned i = 0; i < t->message_count; i++) {
		bool is_frame = t->messages[i].is_frame;
		struct world_message *to = is_frame ? &world->frames[world->frame_count++ % WORLD_SENT]
						    : &world->pbus[world->pbu_count++ % WORLD_SENT];

		*to = (struct world_message){.at_ms = engine_ms(&world->now)};
		to->length = is_frame ? t->messages[i].frame.length : t->messages[i].datagram.length;
		memcpy(to->bytes, t->messages[i].bytes, to->length);
		to->source = t->messages[i].datagram.source;
		to->destination = t->messages[i].datagram.destination;
		to->link = t->messages[i].frame.link;
		memcpy(to->mac, t->messages[i].frame.mac, 6);
	}
}

static void apply_one(struct world_transaction *t)
{
	int error = 0;

	for (unsigned i = 0; i < t->update_count; i++) {
		int result = apply_update(&t->updates[i]);

		world->refused_updates += result != 0;
		world->clashes += result == -EEXIST;
		if (error == 0)
			error = result;
	}
	if (error == 0)
		deliver(t);
	release_applied(t);
	if (t->cookie != 0)
		mag_transaction_done(world->mag, &world->now, t->cookie, error);
	for (unsigned i = 0; i < t->message_count; i++)
		free(t->messages[i].bytes);
	free(t->updates);
}

void world_apply(void)
{
	while (world->pending_count > 0) {
		struct world_transaction first = world->pending[0];

		memmove(&world->pending[0], &world->pending[1], --world->pending_count * sizeof(first));
		apply_one(&first);
	}
}

static void host_commit(struct engine_host *host, uint64_t cookie, unsigned flags)
{
	assert_true(world->pending_count < WORLD_PENDING);
	world->open.cookie = cookie;
	world->pending[world->pending_count++] = world->open;
	world->open = (struct world_transaction){0};
}

static bool host_busy(struct engine_host *host)
{
	return world->busy;
}

static uint64_t host_random(struct engine_host *host)
{
	return test_random(&world->random);
}

static void settle(void)
{
	assert_int_equal(world->open.update_count + world->open.message_count + world->open.released_count, 0);
	if (!world->hold)
		world_apply();
}

static const struct engine_host_ops ops = {
	.index_allocate = index_allocate,
	.index_release = index_release,
	.index_generation = index_generation,
	.update = host_update,
	.send = host_send,
	.send_frame = host_send_frame,
	.commit = host_commit,
	.busy = host_busy,
	.random = host_random,
};

/* ---- fixtures ---- */

static struct policy *make_policy(void)
{
	struct policy *policy = policy_create();
	struct policy_peer lma = {.name = "lma1", .address = world_lma}, lma2 = {.name = "lma2", .address = other_lma};
	struct policy_node mn1 = {
		.id = {1, 15, (const uint8_t *)"mn1@example.com"}, .has_mac = true, .lifetime_s = 600};
	struct policy_node mn2 = mn1;

	memcpy(mn1.mac, world_mac, 6);
	mn2.id.data = (const uint8_t *)"mn2@example.com";
	memcpy(mn2.mac, (const uint8_t[]){2, 0, 0, 0, 0, 2}, 6);
	mn2.peer = 1;
	mn2.local_routing = true;
	assert_int_equal(policy_add_peer(policy, &lma), 0);
	assert_int_equal(policy_add_peer(policy, &lma2), 0);
	assert_int_equal(policy_add_node(policy, &mn1), 0);
	assert_int_equal(policy_add_node(policy, &mn2), 0);
	return policy;
}

void world_restart(void)
{
	mag_destroy(world->mag);
	world->mag = mag_create(&world->config, &world->host, &world->now);
	assert_non_null(world->mag);
}

void world_refuse_unknown(void)
{
	policy_destroy(world->policy);
	world->policy = make_policy();
	world->config.policy = world->policy;
	world_restart();
}

int world_setup(void **state)
{
	struct policy_node profile = {.lifetime_s = 600};

	world = calloc(1, sizeof(*world));
	assert_non_null(world);
	world->endpoints = calloc(ENDPOINT_SLOTS, sizeof(*world->endpoints));
	world->links = calloc(ENDPOINT_SLOTS, sizeof(*world->links));
	world->tunnels = calloc(WORLD_INDEXES, sizeof(*world->tunnels));
	world->host.ops = &ops;
	world->random = 88172645463325252U;
	world->now = (struct engine_time){UINT64_C(1000000000000), UINT64_C(1700000000000000000)};
	world->policy = make_policy();
	assert_int_equal(policy_set_default(world->policy, &profile, "%m@default.example"), 0);
	world->config = (struct mag_config){.address = world_mag,
		.max_nodes = 100000,
		.binding_lifetime_s = 600,
		.refresh_percent = 80,
		.access_technology = 4,
		.initial_bindack_timeout_ms = 1000,
		.max_bindack_timeout_ms = 32000,
		.timestamp_based_approach_in_use = true,
		.fixed_link_local = world_ip6("fe80::200:5eff:fe00:5213"),
		.fixed_link_layer = {0, 0, 0x5e, 0, 0x52, 0x13},
		.nud_interval_ms = 10000,
		.nud_retransmit_ms = 1000,
		.nud_probes = 3,
		.refused_hold_s = 60,
		.router_lifetime_s = 1800,
		.prefix_valid_s = 2592000,
		.prefix_preferred_s = 604800,
		.max_rtr_adv_interval_s = 600,
		.access_mtu_bytes = 1500,
		.tunnel_mtu_bytes = 1460,
		.tunnel_hop_limit = 64,
		.tunnel_dscp = -1,
		.policy = world->policy};
	world_restart();
	return 0;
}

int world_teardown(void **state)
{
	world->hold = false;
	world_apply();
	mag_destroy(world->mag);
	policy_destroy(world->policy);
	free(world->endpoints);
	free(world->links);
	free(world->tunnels);
	free(world);
	return 0;
}

void world_pass(uint64_t ms)
{
	uint64_t end_ns = world->now.monotonic_ns + ms * 1000000;

	for (;;) {
		uint64_t next_ms = mag_advance(world->mag, &world->now);
		uint64_t step_ns;

		settle();
		if (world->now.monotonic_ns >= end_ns && next_ms > engine_ms(&world->now))
			return;
		if (next_ms <= engine_ms(&world->now))
			continue;
		step_ns = next_ms == TIMER_NEVER || next_ms * 1000000 > end_ns
				  ? end_ns - world->now.monotonic_ns
				  : next_ms * 1000000 - world->now.monotonic_ns;
		world->now.monotonic_ns += step_ns;
		world->now.wall_ns += step_ns;
	}
}

/* ---- mobile nodes ---- */

void world_hears(uint16_t link, const uint8_t mac[6], const void *bytes, uint16_t length)
{
	uint8_t *exact = malloc(length ? length : 1); /* so that a sanitizer sees an overrun */

	memcpy(exact, bytes, length);
	mag_discovery(world->mag, &world->now, link, mac, exact, length);
	free(exact);
	settle();
}

static void hears_icmp(uint16_t link, const uint8_t mac[6], const char *source, const struct in6_addr *destination,
	const uint8_t *icmp, uint16_t length)
{
	uint8_t packet[256] = {0x60, 0, 0, 0, (uint8_t)(length >> 8), (uint8_t)length, IPPROTO_ICMPV6, 255};
	struct in6_addr from = world_ip6(source);
	uint16_t checksum;

	memcpy(packet + 8, &from, 16);
	memcpy(packet + 24, destination, 16);
	memcpy(packet + 40, icmp, length);
	checksum = checksum_ipv6(&from, destination, IPPROTO_ICMPV6, packet + 40, length);
	memcpy(packet + 42, &checksum, 2);
	world_hears(link, mac, packet, (uint16_t)(40 + length));
}

void world_rs(uint16_t link, const uint8_t mac[6], const char *source)
{
	struct in6_addr all_routers = world_ip6("ff02::2");
	uint8_t icmp[16] = {DISCOVERY_RS, [8] = 1, [9] = 1};

	memcpy(icmp + 10, mac, 6);
	hears_icmp(link, mac, source, &all_routers, icmp, strcmp(source, "::") == 0 ? 8 : 16);
}

void world_ns(uint16_t link, const uint8_t mac[6], const char *source, const char *target)
{
	struct in6_addr address = world_ip6(target), group;
	uint8_t icmp[32] = {DISCOVERY_NS, [24] = 1, [25] = 1};

	ip6_solicited_node(&address, &group);
	memcpy(icmp + 8, &address, 16);
	memcpy(icmp + 26, mac, 6);
	hears_icmp(link, mac, source, &group, icmp, strcmp(source, "::") == 0 ? 24 : 32);
}

void world_na(uint16_t link, const uint8_t mac[6], const char *source)
{
	struct in6_addr address = world_ip6(source);
	uint8_t icmp[32] = {DISCOVERY_NA, [4] = 0x60, [24] = 2, [25] = 1};

	memcpy(icmp + 8, &address, 16);
	memcpy(icmp + 26, mac, 6);
	hears_icmp(link, mac, source, &world->config.fixed_link_local, icmp, 32);
}

/* ---- the LMA ---- */

struct world_pbu world_pbu(unsigned back)
{
	struct world_pbu pbu;

	assert_true(back < world->pbu_count && back < WORLD_SENT);
	pbu.raw = &world->pbus[(world->pbu_count - 1 - back) % WORLD_SENT];
	assert_int_equal(
		mh_decode(&pbu.message, pbu.raw->bytes, pbu.raw->length, &pbu.raw->source, &pbu.raw->destination),
		MH_ERROR_NONE);
	assert_int_equal(pbu.message.type, MH_BU);
	assert_int_equal(pbu.message.fixed.bu.flags, BU_FLAG_A | BU_FLAG_P);
	mh_proxy_options(&pbu.message, &pbu.options);
	assert_int_equal(pbu.options.mn_id_count, 1);
	assert_int_equal(pbu.options.handoff_indicator_count, 1);
	assert_int_equal(pbu.options.access_technology_count, 1);
	assert_true(pbu.options.prefix_count >= 1);
	assert_false(pbu.options.duplicate_singleton);
	pbu.lifetime_s = (uint16_t)(pbu.message.fixed.bu.lifetime * 4);
	pbu.sequence = pbu.message.fixed.bu.sequence;
	return pbu;
}

static void write_answer_prefixes(struct mh_writer *writer, const struct world_pba *pba, const struct world_pbu *pbu)
{
	static const struct in6_addr any;

	for (unsigned i = 0; pba->prefixes[i] != NULL; i++) {
		struct home_network_prefix prefix = world_prefix(pba->prefixes[i]);

		mh_write_prefix(writer, &prefix);
	}
	if (pba->prefixes[0] != NULL)
		return;
	for (unsigned i = 0; i < pbu->options.prefix_count; i++) {
		struct home_network_prefix prefix = pbu->options.prefixes[i];

		if (memcmp(&prefix.prefix, &any, 16) == 0 && pba->status < 128)
			prefix = world_prefix("2001:db8:f1:1::/64");
		mh_write_prefix(writer, &prefix);
	}
}

void world_answer(const struct world_pba *pba)
{
	struct world_pbu pbu = world_pbu(0);
	struct mn_id id = pbu.options.mn_id;
	uint8_t bytes[1232];
	struct mh_writer writer;
	struct mh_datagram datagram = {.source = pba->source != NULL ? *pba->source : pbu.raw->destination,
		.destination = pbu.raw->source,
		.bytes = bytes};
	struct mh_message message;
	uint8_t wrong_mac[6] = {9, 9, 9, 9, 9, 9};
	uint16_t sequence = (uint16_t)(pbu.sequence + pba->sequence_plus);

	if (pba->wrong & WRONG_ID)
		id.length--;
	mh_writer_init(&writer, MH_BA, bytes, sizeof(bytes));
	mh_write_ba(&writer, pba->status, pba->wrong & WRONG_P_FLAG ? 0 : BA_FLAG_P,
		pba->status == MH_STATUS_SEQUENCE_OUT_OF_WINDOW ? pba->sequence : sequence, pba->lifetime_s / 4);
	mh_write_mn_id(&writer, &id);
	write_answer_prefixes(&writer, pba, &pbu);
	mh_write_handoff_indicator(&writer, pbu.options.handoff_indicator + !!(pba->wrong & WRONG_HI));
	mh_write_access_technology(&writer, pbu.options.access_technology + !!(pba->wrong & WRONG_ATT));
	if (pbu.options.link_layer_id != NULL)
		mh_write_link_layer_id(
			&writer, pba->wrong & WRONG_LINK_LAYER ? wrong_mac : pbu.options.link_layer_id, 6);
	if (pbu.options.link_local_count > 0)
		mh_write_link_local(&writer, &pba->link_local);
	if (pbu.options.timestamp_count > 0)
		mh_write_timestamp(&writer, pbu.options.timestamp);
	datagram.length = mh_writer_finish(&writer, &datagram.source, &datagram.destination);
	assert_int_equal(
		mh_decode(&message, bytes, datagram.length, &datagram.source, &datagram.destination), MH_ERROR_NONE);
	mag_pba(world->mag, &world->now, &datagram, &message);
	settle();
}

void world_accept(void)
{
	world_answer(&(struct world_pba){.lifetime_s = 600});
}

void world_reject(uint8_t status)
{
	world_answer(&(struct world_pba){.status = status});
}

void world_attached(void)
{
	world_rs(0, world_mac, "fe80::200:ff:fe00:101");
	world_accept();
	assert_int_equal(world_view(world_mac).state, ATTACHMENT_ACTIVE);
}

/* ---- looking ---- */

const struct world_message *world_frame(unsigned back, uint8_t type)
{
	const struct world_message *frame = &world->frames[(world->frame_count - 1 - back) % WORLD_SENT];
	struct in6_addr source, destination;

	assert_true(back < world->frame_count && back < WORLD_SENT);
	memcpy(&source, frame->bytes + 8, 16);
	memcpy(&destination, frame->bytes + 24, 16);
	assert_int_equal(frame->bytes[4] << 8 | frame->bytes[5], frame->length - 40);
	if (frame->bytes[6] == IPPROTO_ICMPV6) {
		assert_int_equal(frame->bytes[40], type);
		assert_int_equal(frame->bytes[7], 255);
		assert_int_equal(
			checksum_ipv6(&source, &destination, IPPROTO_ICMPV6, frame->bytes + 40, frame->length - 40), 0);
	} else {
		assert_int_equal(frame->bytes[48], type);
		assert_int_equal(
			checksum_ipv6(&source, &destination, IPPROTO_ICMPV6, frame->bytes + 48, frame->length - 48), 0);
	}
	return frame;
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

unsigned world_ra_prefixes(const struct world_message *ra, struct discovery_prefix *prefixes)
{
	unsigned n = 0;

	for (unsigned at = 56; at < ra->length; at += ra->bytes[at + 1] * 8U) {
		assert_int_not_equal(ra->bytes[at + 1], 0);
		if (ra->bytes[at] != 3)
			continue;
		assert_int_equal(ra->bytes[at + 2], 64);
		assert_int_equal(ra->bytes[at + 3], 0xc0);
		prefixes[n].valid_s = be32(ra->bytes + at + 4);
		prefixes[n].preferred_s = be32(ra->bytes + at + 8);
		memcpy(&prefixes[n++].prefix, ra->bytes + at + 16, 16);
	}
	return n;
}

static bool find_view(const uint8_t mac[6], struct attachment_view *view)
{
	for (uint32_t from = 0; mag_attachment_next(world->mag, from, view); from = view->index + 1)
		if (memcmp(view->mac, mac, 6) == 0)
			return true;
	return false;
}

struct attachment_view world_view(const uint8_t mac[6])
{
	struct attachment_view view;

	assert_true(find_view(mac, &view));
	return view;
}

bool world_has_node(const uint8_t mac[6])
{
	struct attachment_view view;

	return find_view(mac, &view);
}

const struct world_endpoint *world_endpoint(const char *prefix)
{
	struct home_network_prefix hnp = world_prefix(prefix);
	struct world_endpoint *slot = endpoint_slot(endpoint_id_ipv6(hnp.prefix.s6_addr));

	return slot->used ? slot : NULL;
}

const struct world_link *world_link(uint16_t link, const uint8_t mac[6])
{
	for (uint32_t i = 0; i < ENDPOINT_SLOTS; i++)
		if (world->links[i].used && world->links[i].link == link && memcmp(world->links[i].mac, mac, 6) == 0)
			return &world->links[i];
	return NULL;
}

bool world_remembers(const uint8_t mac[6], enum history_event event, uint8_t value)
{
	struct attachment_view view = world_view(mac);
	const struct history_entry *entry;

	for (unsigned i = 0; (entry = history_get(view.history, i)) != NULL; i++)
		if (entry->event == event && entry->value == value)
			return true;
	return false;
}

struct mag_stats world_stats(void)
{
	struct mag_stats stats;

	mag_stats(world->mag, &stats);
	return stats;
}

void world_expect_empty(void)
{
	assert_int_equal(world->endpoint_count, 0);
	assert_int_equal(world->link_count, 0);
	assert_int_equal(world->tunnel_count, 0);
	assert_int_equal(world->spaces[INDEX_NODE].in_use, 0);
	assert_int_equal(world->spaces[INDEX_TUNNEL].in_use, 0);
	assert_int_equal(world_stats().nodes, 0);
	assert_true(mag_idle(world->mag));
}
