/* SPDX-License-Identifier: BSD-3-Clause */
#include "lma_world.h"

#include <stdlib.h>
#include <string.h>

#include "endpoint.h"
#include "format.h"
#include "log.h"

#define ADDRESS(...)                                                         \
	{                                                                    \
		.s6_addr = { 0x20, 0x01, 0x0d, 0xb8, __VA_ARGS__, [15] = 1 } \
	}

const struct in6_addr lma_address = ADDRESS(0, 1);
const struct in6_addr mag_addresses[MAG_COUNT] = {
	ADDRESS(0, 0xa1), ADDRESS(0, 0xa2), ADDRESS(0, 0xa3), ADDRESS(0, 0xa4)};

static struct home_network_prefix prefix(const char *text)
{
	struct home_network_prefix parsed;

	assert_int_equal(prefix_parse(text, &parsed.prefix, &parsed.length), 0);
	return parsed;
}

struct mn_id world_id(const char *mn)
{
	return (struct mn_id){.subtype = 1, .length = (uint8_t)strlen(mn), .data = (const uint8_t *)mn};
}

uint64_t world_endpoint(const char *text)
{
	return endpoint_id_ipv6(prefix(text).prefix.s6_addr);
}

static void add_node(struct policy *policy, const char *mn, struct policy_node node)
{
	node.id = world_id(mn);
	if (node.dynamic_prefixes == 0)
		node.dynamic_prefixes = 1;
	assert_int_equal(policy_add_node(policy, &node), 0);
}

static struct policy *make_policy(void)
{
	const struct home_network_prefix statics[] = {prefix("2001:db8:f1:1::/64"), prefix("2001:db8:f1:2::/64")};
	const uint32_t only[] = {MAG1};
	struct policy *policy = policy_create();

	assert_non_null(policy);
	for (int mag = MAG1; mag <= MAG3; mag++) {
		char name[8] = {'m', 'a', 'g', (char)('1' + mag)};
		struct policy_peer peer = {.name = name, .address = mag_addresses[mag], .heartbeat = true};

		assert_int_equal(policy_add_peer(policy, &peer), 0);
	}
	assert_int_equal(
		policy_add_pool(policy, &(struct policy_pool){.name = "big", .prefix = prefix("2001:db8:f000::/36")}),
		0);
	assert_int_equal(
		policy_add_pool(policy, &(struct policy_pool){.name = "small", .prefix = prefix("fd00:1::/62")}), 0);
	add_node(policy, "mn1@example.com", (struct policy_node){.proxy_registration = true});
	add_node(policy, "mn2@example.com", (struct policy_node){.proxy_registration = true});
	add_node(policy, "two@example.com", (struct policy_node){.proxy_registration = true, .dynamic_prefixes = 2});
	add_node(policy, "static@example.com",
		(struct policy_node){.proxy_registration = true, .prefixes = statics, .prefix_count = 2});
	add_node(policy, "mag1-only@example.com",
		(struct policy_node){.proxy_registration = true, .peers = only, .peer_count = 1});
	add_node(policy, "disabled@example.com", (struct policy_node){.proxy_registration = false});
	add_node(policy, "small@example.com", (struct policy_node){.proxy_registration = true, .pool = 1});
	return policy;
}

static void on_done(void *context, uint64_t cookie, int error)
{
	struct lma_world *world = context;

	lma_transaction_done(world->lma, &world->now, cookie, error);
}

static void swallow(void *context, enum log_level level, const char *line)
{
}

void world_init(struct lma_world *world, void (*adjust)(struct lma_config *config))
{
	memset(world, 0, sizeof(*world));
	log_set_level(LOG_LEVEL_DEBUG); /* format all lines, print none */
	log_set_sink(swallow, NULL);
	fake_host_init(&world->fake);
	world->fake.done = on_done;
	world->fake.context = world;
	world->policy = make_policy();
	world->now = (struct engine_time){.monotonic_ns = UINT64_C(1000000000000), .wall_ns = WALL_START_NS};
	world->config = (struct lma_config){.address = lma_address,
		.max_bindings = 1000,
		.max_binding_lifetime_s = LIFETIME_MAX_S,
		.min_delay_before_bce_delete_ms = 10000,
		.max_delay_before_new_bce_assign_ms = 1500,
		.update_notification_retransmit_count = 1,
		.update_notification_replay_ms = 1000,
		.timestamp_validity_window_ms = 300,
		.timestamp_based_approach_in_use = true,
		.prefix_hold_s = PREFIX_HOLD_S,
		.tunnel_mtu_bytes = 1460,
		.tunnel_hop_limit = 64,
		.tunnel_dscp = -1,
		.policy = world->policy};
	if (adjust != NULL)
		adjust(&world->config);
	world->lma = lma_create(&world->config, &world->fake.host, &world->now);
	assert_non_null(world->lma);
}

void world_fini(struct lma_world *world)
{
	lma_destroy(world->lma);
	fake_host_fini(&world->fake);
	policy_destroy(world->policy);
	free(world->kept.bytes);
}

void world_advance(struct lma_world *world, uint64_t ms)
{
	uint64_t end_ns = world->now.monotonic_ns + ms * 1000000;

	for (;;) {
		uint64_t next_ms = lma_advance(world->lma, &world->now);
		uint64_t next_ns = next_ms == TIMER_NEVER ? UINT64_MAX : next_ms * 1000000;

		fake_host_run(&world->fake);
		if (world->now.monotonic_ns == end_ns && next_ns > end_ns)
			return;
		if (next_ns > end_ns)
			next_ns = end_ns;
		if (next_ns > world->now.monotonic_ns) {
			world->now.wall_ns += next_ns - world->now.monotonic_ns;
			world->now.monotonic_ns = next_ns;
		}
	}
}

struct pbu world_pbu(struct lma_world *world, const char *mn, int mag)
{
	world_advance(world, 1);
	return (struct pbu){.mn = mn,
		.mag = mag,
		.prefixes = {"::"},
		.prefix_count = 1,
		.indicator = HI_NEW_INTERFACE,
		.technology = 4,
		.link_layer_id = "\x02\x01\x01\x01\x01\x01",
		.has_timestamp = true,
		.wall_ns = world->now.wall_ns,
		.sequence = ++world->sequence,
		.lifetime = 225,
		.prefix_length = 64};
}

/* Texts of the prefixes of the last answers. */
static const char *text_of(const struct home_network_prefix *granted)
{
	static char texts[64][IP6_TEXT_MAX];
	static unsigned next;

	return ip6_format(&granted->prefix, texts[next++ % 64]);
}

struct pbu world_pbu_again(
	struct lma_world *world, const char *mn, int mag, const struct pba *granted, uint16_t lifetime)
{
	struct pbu pbu = world_pbu(world, mn, mag);

	pbu.prefix_count = granted->options.prefix_count;
	for (unsigned i = 0; i < pbu.prefix_count; i++)
		pbu.prefixes[i] = text_of(&granted->options.prefixes[i]);
	pbu.indicator = lifetime > 0 ? HI_UNCHANGED : HI_UNKNOWN;
	pbu.lifetime = lifetime;
	return pbu;
}

static struct in6_addr address(const char *text)
{
	struct in6_addr parsed;

	assert_int_equal(ip6_parse(text, &parsed), 0);
	return parsed;
}

static void write_options(struct mh_writer *writer, const struct pbu *pbu)
{
	struct home_network_prefix hnp;
	struct in6_addr parsed;
	struct mn_id id;

	if (pbu->mn != NULL) {
		id = world_id(pbu->mn);
		mh_write_mn_id(writer, &id);
	}
	for (unsigned i = 0; i < pbu->prefix_count; i++) {
		hnp.prefix = address(pbu->prefixes[i]);
		hnp.length = strcmp(pbu->prefixes[i], "::") == 0 ? 0 : pbu->prefix_length;
		mh_write_prefix(writer, &hnp);
	}
	for (int i = 0; pbu->indicator >= 0 && i < (pbu->twice ? 2 : 1); i++)
		mh_write_handoff_indicator(writer, (uint8_t)pbu->indicator);
	if (pbu->technology >= 0)
		mh_write_access_technology(writer, (uint8_t)pbu->technology);
	if (pbu->has_timestamp)
		mh_write_timestamp(writer, mh_timestamp_from_ns(pbu->wall_ns));
	if (pbu->link_layer_id != NULL && strcmp(pbu->link_layer_id, ZERO_ID) == 0)
		mh_write_link_layer_id(writer, (const uint8_t[6]){0}, 6);
	else if (pbu->link_layer_id != NULL)
		mh_write_link_layer_id(writer, pbu->link_layer_id, (uint8_t)strlen(pbu->link_layer_id));
	if (pbu->link_local != NULL) {
		parsed = address(pbu->link_local);
		mh_write_link_local(writer, &parsed);
	}
	if (pbu->alternate != NULL) {
		parsed = address(pbu->alternate);
		mh_write_alternate_care_of_address(writer, &parsed);
	}
}

static void nothing_changed(
	void *context, const struct engine_time *now, const struct in6_addr *peer, enum peer_change change)
{
	fail();
}

struct heartbeat *world_heartbeat(struct lma_world *world)
{
	struct heartbeat_config config = {.address = lma_address,
		.interval_s = 60,
		.missing_allowed = 3,
		.restart_counter = 1,
		.policy = world->policy};
	struct heartbeat *heartbeat = heartbeat_create(&config, &world->fake.host, &world->now, nothing_changed, NULL);

	assert_non_null(heartbeat);
	return heartbeat;
}

void world_ask_heartbeat(struct lma_world *world, struct heartbeat *heartbeat, int mag)
{
	heartbeat_sessions(heartbeat, &world->now, &mag_addresses[mag], 1);
	world_advance(world, 2);
	heartbeat_advance(heartbeat, &world->now);
	fake_host_run(&world->fake);
	fake_host_clear(&world->fake);
}

bool world_heartbeat_unsupported(const struct heartbeat *heartbeat, int mag)
{
	struct peer_view view;

	assert_true(heartbeat_peer_next(heartbeat, (uint32_t)mag, &view));
	return view.unsupported;
}

uint8_t *world_packet(int mag, const uint8_t *bytes, uint16_t length)
{
	uint8_t *packet = calloc(1, 40u + length);

	assert_non_null(packet);
	assert_int_not_equal(length, 0);
	packet[0] = 0x60;
	packet[4] = (uint8_t)(length >> 8);
	packet[5] = (uint8_t)length;
	packet[6] = IPPROTO_MOBILITY;
	packet[7] = 64;
	memcpy(packet + 8, &mag_addresses[mag], 16);
	memcpy(packet + 24, &lma_address, 16);
	memcpy(packet + 40, bytes, length);
	return packet;
}

void world_send(struct lma_world *world, const struct pbu *pbu)
{
	const struct in6_addr *source = &mag_addresses[pbu->mag];
	uint8_t buffer[MH_LENGTH_MAX];
	struct mh_writer writer;
	struct mh_message message;
	uint8_t *exact;
	uint16_t length;

	mh_writer_init(&writer, MH_BU, buffer, sizeof(buffer));
	mh_write_bu(&writer, pbu->sequence, BU_FLAG_A | BU_FLAG_P, pbu->lifetime);
	write_options(&writer, pbu);
	length = mh_writer_finish(&writer, source, &lma_address);
	assert_int_not_equal(length, 0);
	exact = malloc(length);
	assert_non_null(exact);
	memcpy(exact, buffer, length);
	assert_int_equal(mh_decode(&message, exact, length, source, &lma_address), MH_ERROR_NONE);
	lma_pbu(world->lma, &world->now,
		&(struct mh_datagram){.source = *source, .destination = lma_address, .bytes = exact, .length = length},
		&message);
	free(exact); /* the engine keeps no pointer into it */
	fake_host_run(&world->fake);
}

struct pba world_answer(struct lma_world *world)
{
	struct pba pba;

	assert_int_equal(world->fake.message_count, 1);
	fake_host_decode(&world->fake, 0, &world->answer);
	assert_int_equal(world->answer.type, MH_BA);
	assert_int_equal(world->answer.fixed.ba.flags, BA_FLAG_P);
	pba.status = world->answer.fixed.ba.status;
	pba.sequence = world->answer.fixed.ba.sequence;
	pba.lifetime = world->answer.fixed.ba.lifetime;
	pba.to = world->fake.messages[0].destination;
	mh_proxy_options(&world->answer, &pba.options);
	assert_memory_equal(&world->fake.messages[0].source, &lma_address, sizeof(lma_address));
	free(world->kept.bytes);
	world->kept = world->fake.messages[0];
	world->fake.message_count = 0;
	return pba;
}

struct pba world_ask(struct lma_world *world, const struct pbu *pbu)
{
	assert_int_equal(world->fake.message_count, 0);
	world_send(world, pbu);
	return world_answer(world);
}

void world_expect_silence(struct lma_world *world)
{
	assert_int_equal(world->fake.message_count, 0);
}

struct pba world_register(struct lma_world *world, const char *mn, int mag)
{
	struct pbu pbu = world_pbu(world, mn, mag);
	struct pba pba = world_ask(world, &pbu);

	assert_int_equal(pba.status, MH_STATUS_ACCEPTED);
	return pba;
}

unsigned world_bindings(const struct lma_world *world)
{
	struct lma_stats stats;

	lma_stats(world->lma, &stats);
	return stats.bindings;
}

static void keep_view(void *context, const struct binding_view *view)
{
	*(struct binding_view *)context = *view;
}

struct binding_view world_binding(const struct lma_world *world, const char *mn)
{
	struct mn_id id = world_id(mn);
	struct binding_view view;

	assert_int_equal(lma_binding_find(world->lma, &id, keep_view, &view), 1);
	return view;
}
