/* SPDX-License-Identifier: BSD-3-Clause */
#include "mag_world.h"

#include <stdlib.h>

#include "checksum.h"
#include "endpoint.h"

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

/* ---- what the host applied ---- */

static uint64_t link_id(uint16_t link, const uint8_t mac[6])
{
	uint64_t id = link + UINT64_C(1); /* 0 is not storable */

	for (unsigned i = 0; i < 6; i++)
		id = id << 8 | mac[i];
	return id;
}

static uint32_t link_place(uint64_t id)
{
	uint32_t place;

	for (uint32_t at = 0; (place = hash_index_next(&world->link_places, endpoint_hash(id), &at)) != HASH_NONE;)
		if (world->links[place].id == id)
			return place;
	return HASH_NONE;
}

/* Room for one more behind @count elements: doubles when full. */
static void grow(void **array, unsigned count, size_t size)
{
	if ((count & (count - 1)) != 0)
		return;
	*array = reallocarray(*array, count > 0 ? count * 2 : 1, size);
	assert_non_null(*array);
}

static void apply_link(const struct fwd_update *update)
{
	uint64_t id = link_id(update->body.link.link, update->body.link.mac);
	uint32_t place = link_place(id);
	bool is_insert = update->op == FWD_OP_link_insert;

	if (place == HASH_NONE) {
		place = world->link_entries++;
		grow((void **)&world->links, place, sizeof(*world->links));
		world->links[place].used = false;
		assert_int_equal(hash_index_reserve(&world->link_places, 1), 0);
		hash_index_insert(&world->link_places, endpoint_hash(id), place);
	}
	world->link_count += (unsigned)is_insert - world->links[place].used;
	world->links[place] = (struct world_link){
		.id = id, .state = update->body.link.state, .node = update->index, .used = is_insert};
}

static void note_times(uint64_t **times, unsigned *count, unsigned now_count)
{
	for (; *count < now_count; (*count)++) {
		grow((void **)times, *count, sizeof(**times));
		(*times)[*count] = engine_ms(&world->now);
	}
}

/* The fake host's model has no links: they are followed here, also a refused one (its node is refused next). */
static void follow(void)
{
	struct fake_host *fake = &world->fake;

	for (; world->links_seen < fake->update_count; world->links_seen++) {
		const struct fwd_update *update = &fake->updates[world->links_seen];

		if (update->op == FWD_OP_link_insert || update->op == FWD_OP_link_remove)
			apply_link(update);
	}
	note_times(&world->pbu_ms, &world->pbu_count, fake->message_count);
	note_times(&world->frame_ms, &world->frame_count, fake->frame_count);
}

static void done(void *context, uint64_t cookie, int error)
{
	mag_transaction_done(world->mag, &world->now, cookie, error);
}

void world_apply(void)
{
	fake_host_run(&world->fake);
	follow();
}

static void settle(void)
{
	assert_null(world->fake.open);
	if (!world->hold)
		world_apply();
}

void world_fail_next(enum fwd_op op, int error)
{
	world->fake.fail_update = 1;
	world->fake.fail_op = (uint8_t)op;
	world->fake.fail_error = error;
}

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
	world->mag = mag_create(&world->config, &world->fake.host, &world->now);
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
	fake_host_init(&world->fake);
	world->fake.done = done;
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
	fake_host_fini(&world->fake);
	hash_index_fini(&world->link_places);
	free(world->links);
	free(world->pbu_ms);
	free(world->frame_ms);
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

	const struct fake_message *sent;
	unsigned at = world->pbu_count - 1 - back;

	assert_true(back < world->pbu_count);
	sent = &world->fake.messages[at];
	pbu.raw = (struct world_message){.bytes = sent->bytes,
		.length = sent->length,
		.source = sent->source,
		.destination = sent->destination,
		.at_ms = world->pbu_ms[at]};
	fake_host_decode(&world->fake, at, &pbu.message);
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
	struct mh_datagram datagram = {.source = pba->source != NULL ? *pba->source : pbu.raw.destination,
		.destination = pbu.raw.source,
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

struct world_message world_frame(unsigned back, uint8_t type)
{
	unsigned at = world->frame_count - 1 - back;
	const struct fake_frame *frame = &world->fake.frames[at];
	unsigned icmp = frame->bytes[6] == IPPROTO_ICMPV6 ? 40 : 48; /* behind hop-by-hop options */
	struct world_message message = {
		.bytes = frame->bytes, .length = frame->length, .link = frame->link, .at_ms = world->frame_ms[at]};

	assert_true(back < world->frame_count);
	memcpy(message.mac, frame->mac, 6);
	memcpy(&message.source, frame->bytes + 8, 16);
	memcpy(&message.destination, frame->bytes + 24, 16);
	assert_int_equal(frame->bytes[4] << 8 | frame->bytes[5], frame->length - 40);
	assert_int_equal(frame->bytes[icmp], type);
	assert_int_equal(checksum_ipv6(&message.source, &message.destination, IPPROTO_ICMPV6, frame->bytes + icmp,
				 frame->length - icmp),
		0);
	if (icmp == 40)
		assert_int_equal(frame->bytes[7], 255);
	return message;
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

unsigned world_ra_prefixes(struct world_message ra, struct discovery_prefix *prefixes)
{
	unsigned n = 0;

	for (unsigned at = 56; at < ra.length; at += ra.bytes[at + 1] * 8U) {
		assert_int_not_equal(ra.bytes[at + 1], 0);
		if (ra.bytes[at] != 3)
			continue;
		assert_int_equal(ra.bytes[at + 2], 64);
		assert_int_equal(ra.bytes[at + 3], 0xc0);
		prefixes[n].valid_s = be32(ra.bytes + at + 4);
		prefixes[n].preferred_s = be32(ra.bytes + at + 8);
		memcpy(&prefixes[n++].prefix, ra.bytes + at + 16, 16);
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

const struct forward *world_endpoint(const char *prefix)
{
	return fake_host_endpoint(&world->fake, endpoint_id_ipv6(world_prefix(prefix).prefix.s6_addr));
}

const struct world_link *world_link(uint16_t link, const uint8_t mac[6])
{
	uint32_t place = link_place(link_id(link, mac));

	return place != HASH_NONE && world->links[place].used ? &world->links[place] : NULL;
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
	assert_int_equal(world->fake.endpoint_count, 0);
	assert_int_equal(world->link_count, 0);
	assert_int_equal(world->fake.tunnel_count, 0);
	assert_int_equal(fake_host_indexes(&world->fake, INDEX_NODE), 0);
	assert_int_equal(fake_host_indexes(&world->fake, INDEX_TUNNEL), 0);
	assert_int_equal(world_stats().nodes, 0);
	assert_true(mag_idle(world->mag));
}
