/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Harness of neighbour discovery on an access link. The input is a series of packets, each behind two octets: the first
 * says from whom (link, MAC), whether time passes and whether the checksum is made right; the second is the length in
 * units of 8 octets. Every packet goes to the parser and to a MAG engine whose LMA accepts everything. Beyond staying
 * inside the bytes: every frame has the MAC of a node, its length and a right checksum, and an advertisement has no
 * prefix but the node's own.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checksum.h"
#include "log.h"

#include "access/discovery.h"
#include "pmip/mag.h"

#include "fuzz.h"

/* Flags of a packet. */
#define STEP_LINK 0x01
#define STEP_MAC  0x0e /* one of eight nodes */
#define STEP_SEAL 0x10 /* the checksum is made right */
#define STEP_TIME 0x20 /* two seconds before */
#define STEP_LONG 0x40 /* ten minutes before */

#define NODES 64

struct world {
	struct engine_host host; /* first: the host is the world */
	struct mag *mag;
	struct engine_time now;
	uint64_t random;
	uint32_t generation;
	bool taken[INDEX_SPACE_COUNT][NODES];
	uint64_t done[256];
	unsigned done_count;
	struct mh_datagram answers[256]; /* PBUs to answer */
	uint8_t *bytes[256];
	unsigned answer_count;
};

static struct world *world_of(struct engine_host *host)
{
	return (struct world *)host;
}

static uint32_t index_allocate(struct engine_host *host, enum index_space space)
{
	for (uint32_t i = 0; i < NODES; i++) {
		if (world_of(host)->taken[space][i])
			continue;
		world_of(host)->taken[space][i] = true;
		world_of(host)->generation++;
		return i;
	}
	return INDEX_NONE;
}

static void index_release(struct engine_host *host, enum index_space space, uint32_t index)
{
	CHECK(world_of(host)->taken[space][index]);
	world_of(host)->taken[space][index] = false;
}

static uint32_t index_generation(struct engine_host *host, enum index_space space, uint32_t index)
{
	return world_of(host)->generation;
}

static void update(struct engine_host *host, const struct fwd_update *u)
{
}

static void send_datagram(struct engine_host *host, const struct mh_datagram *datagram)
{
	struct world *world = world_of(host);

	if (world->answer_count == 256)
		return;
	world->bytes[world->answer_count] = malloc(datagram->length);
	CHECK(world->bytes[world->answer_count] != NULL);
	memcpy(world->bytes[world->answer_count], datagram->bytes, datagram->length);
	world->answers[world->answer_count++] = *datagram;
}

/* The last octet of the MAC is the last one of the prefix: see answer(). */
static void check_advertisement(const struct access_frame *frame)
{
	for (unsigned at = 56; at < frame->length; at += frame->bytes[at + 1] * 8U) {
		CHECK(frame->bytes[at + 1] != 0);
		if (frame->bytes[at] == 3)
			CHECK(frame->bytes[at + 16 + 7] == frame->mac[5]);
	}
}

static void send_frame(struct engine_host *host, const struct access_frame *frame)
{
	struct in6_addr source, destination;
	unsigned icmp = frame->bytes[6] == IPPROTO_ICMPV6 ? 40 : 48;

	CHECK(frame->length >= icmp + 8);
	CHECK((frame->bytes[4] << 8 | frame->bytes[5]) + 40 == frame->length);
	CHECK(frame->mac[0] == 2);
	memcpy(&source, frame->bytes + 8, 16);
	memcpy(&destination, frame->bytes + 24, 16);
	CHECK(!IN6_IS_ADDR_UNSPECIFIED(&destination));
	CHECK(checksum_ipv6(&source, &destination, IPPROTO_ICMPV6, frame->bytes + icmp, frame->length - icmp) == 0);
	if (frame->bytes[icmp] == DISCOVERY_RA)
		check_advertisement(frame);
}

static void commit(struct engine_host *host, uint64_t cookie, unsigned flags)
{
	struct world *world = world_of(host);

	if (cookie != 0 && world->done_count < 256)
		world->done[world->done_count++] = cookie;
}

static bool busy(struct engine_host *host)
{
	return false;
}

static uint64_t next_random(struct engine_host *host)
{
	uint64_t *random = &world_of(host)->random;

	*random ^= *random << 13;
	*random ^= *random >> 7;
	*random ^= *random << 17;
	return *random;
}

/* The LMA accepts: 2001:db8:0:N::/64 for the MAC that ends with N. */
static void answer(struct world *world, const struct mh_datagram *pbu, const uint8_t *bytes)
{
	struct home_network_prefix prefix = {.prefix = {.s6_addr = {0x20, 1, 0x0d, 0xb8}}, .length = 64};
	struct mh_datagram datagram = {.source = pbu->destination, .destination = pbu->source};
	struct mh_message message, reply;
	struct proxy_options options;
	uint8_t buffer[MH_LENGTH_SEND_MAX];
	struct mh_writer writer;

	CHECK(mh_decode(&message, bytes, pbu->length, &pbu->source, &pbu->destination) == MH_ERROR_NONE);
	mh_proxy_options(&message, &options);
	CHECK(options.mn_id_count == 1 && options.link_layer_id_length == 6);
	prefix.prefix.s6_addr[7] = options.link_layer_id[5];
	mh_writer_init(&writer, MH_BA, buffer, sizeof(buffer));
	mh_write_ba(&writer, 0, BA_FLAG_P, message.fixed.bu.sequence, message.fixed.bu.lifetime);
	mh_write_mn_id(&writer, &options.mn_id);
	mh_write_prefix(&writer, &prefix);
	mh_write_handoff_indicator(&writer, options.handoff_indicator);
	mh_write_access_technology(&writer, options.access_technology);
	datagram.length = mh_writer_finish(&writer, &datagram.source, &datagram.destination);
	CHECK(datagram.length > 0);
	CHECK(mh_decode(&reply, buffer, datagram.length, &datagram.source, &datagram.destination) == MH_ERROR_NONE);
	mag_pba(world->mag, &world->now, &datagram, &reply);
}

static void settle(struct world *world)
{
	for (;;) {
		if (world->done_count > 0) {
			mag_transaction_done(world->mag, &world->now, world->done[--world->done_count], 0);
		} else if (world->answer_count > 0) {
			struct mh_datagram pbu = world->answers[--world->answer_count];
			uint8_t *bytes = world->bytes[world->answer_count];

			answer(world, &pbu, bytes);
			free(bytes);
		} else {
			return;
		}
	}
}

static void pass(struct world *world, uint64_t ms)
{
	uint64_t end_ms = engine_ms(&world->now) + ms;

	for (;;) {
		uint64_t next_ms = mag_advance(world->mag, &world->now);

		settle(world);
		if (next_ms > end_ms)
			break;
		if (next_ms > engine_ms(&world->now))
			world->now.monotonic_ns = next_ms * 1000000;
	}
	world->now.monotonic_ns = end_ms * 1000000;
	world->now.wall_ns += ms * 1000000;
}

static void seal(uint8_t *bytes, size_t length)
{
	struct in6_addr source, destination;
	uint16_t checksum, payload;

	if (length < 44)
		return;
	payload = (uint16_t)(length - 40);
	bytes[4] = (uint8_t)(payload >> 8);
	bytes[5] = (uint8_t)payload;
	memcpy(&source, bytes + 8, 16);
	memcpy(&destination, bytes + 24, 16);
	bytes[42] = bytes[43] = 0;
	checksum = checksum_ipv6(&source, &destination, IPPROTO_ICMPV6, bytes + 40, payload);
	memcpy(bytes + 42, &checksum, 2);
}

static void step(struct world *world, uint8_t flags, const uint8_t *packet, size_t length)
{
	uint8_t mac[6] = {2, 0, 0, 0, 0, (uint8_t)((flags & STEP_MAC) >> 1)};
	uint8_t *exact = malloc(length > 0 ? length : 1);

	CHECK(exact != NULL);
	memcpy(exact, packet, length);
	if (flags & STEP_SEAL)
		seal(exact, length);
	if (flags & STEP_TIME)
		pass(world, 2000);
	if (flags & STEP_LONG)
		pass(world, 600000);
	mag_discovery(world->mag, &world->now, flags & STEP_LINK, mac, exact, (uint16_t)length);
	settle(world);
	free(exact);
}

static struct policy *make_policy(void)
{
	struct policy *policy = policy_create();
	struct policy_peer lma = {.name = "lma", .address = {.s6_addr = {0x20, 1, 0x0d, 0xb8, 1, [15] = 1}}};
	struct policy_node profile = {.lifetime_s = 300};

	CHECK(policy != NULL && policy_add_peer(policy, &lma) == 0);
	CHECK(policy_set_default(policy, &profile, "%m@fuzz.example") == 0);
	return policy;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct engine_host_ops ops = {.index_allocate = index_allocate,
		.index_release = index_release,
		.index_generation = index_generation,
		.update = update,
		.send = send_datagram,
		.send_frame = send_frame,
		.commit = commit,
		.busy = busy,
		.random = next_random};
	struct world *world = calloc(1, sizeof(*world));
	struct policy *policy = make_policy();
	struct mag_config config = {.address = {.s6_addr = {0x20, 1, 0x0d, 0xb8, 2, [15] = 1}},
		.max_nodes = NODES,
		.refresh_percent = 80,
		.access_technology = 4,
		.initial_bindack_timeout_ms = 1000,
		.max_bindack_timeout_ms = 32000,
		.timestamp_based_approach_in_use = true,
		.fixed_link_local = {.s6_addr = {0xfe, 0x80, [8] = 2, 0, 0x5e, 0xff, 0xfe, 0, 0x52, 0x13}},
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
		.policy = policy};

	CHECK(world != NULL);
	log_set_level(LOG_LEVEL_ERROR);
	world->host.ops = &ops;
	world->random = 88172645463325252U;
	world->now = (struct engine_time){UINT64_C(1000000000000), UINT64_C(1700000000000000000)};
	world->mag = mag_create(&config, &world->host, &world->now);
	CHECK(world->mag != NULL);
	for (size_t at = 0; at + 2 <= size;) {
		size_t length = data[at + 1] * (size_t)8;

		if (length > size - at - 2)
			length = size - at - 2;
		step(world, data[at], data + at + 2, length);
		at += 2 + length;
	}
	mag_shutdown(world->mag, &world->now);
	pass(world, 5000);
	CHECK(mag_idle(world->mag));
	mag_destroy(world->mag);
	policy_destroy(policy);
	free(world);
	return 0;
}
