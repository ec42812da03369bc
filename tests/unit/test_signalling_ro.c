/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages of route optimisation at the gate of an LMA that takes part. */
#include "lma_world.h"

#include <stdlib.h>
#include <string.h>

#include "endpoint.h"
#include "ro/sessions.h"
#include "signalling.h"

#define FIRST  "mn1@example.com"
#define SECOND "mn2@example.com"

static struct lma_world world;
static struct fake_host ro_host;
static struct heartbeat *heartbeat;
static struct ro *ro;
static struct ro_peer peers[3];
static struct signalling signalling;
static uint64_t first, second; /* prefixes */

static void ro_done(void *context, uint64_t cookie, int error)
{
	assert_true((cookie & RO_COOKIE) != 0);
	ro_transaction_done(ro, &world.now, cookie, error);
}

static struct ro *make_ro(void)
{
	struct ro_config config = ro_config_default();

	for (int mag = MAG1; mag <= MAG3; mag++)
		peers[mag] = (struct ro_peer){.address = mag_addresses[mag], .role = RO_ROLE_MAG};
	config.role = RO_ROLE_LMA;
	config.address = lma_address;
	config.peers = peers;
	config.peer_count = 3;
	fake_host_init(&ro_host);
	ro_host.done = ro_done;
	return ro_create(&config, &ro_host.host, &ro_lma_sessions, world.lma, &world.now);
}

static uint64_t prefix_of(const char *mn, int mag)
{
	struct pba pba = world_register(&world, mn, mag);

	return endpoint_id_ipv6(pba.options.prefixes[0].prefix.s6_addr);
}

static int setup(void **state)
{
	world_init(&world, NULL);
	heartbeat = world_heartbeat(&world);
	ro = make_ro();
	assert_non_null(ro);
	signalling = (struct signalling){.lma = world.lma, .ro = ro, .heartbeat = heartbeat, .policy = world.policy};
	first = prefix_of(FIRST, MAG1);
	second = prefix_of(SECOND, MAG2);
	fake_host_clear(&world.fake);
	return 0;
}

static int teardown(void **state)
{
	ro_destroy(ro);
	fake_host_fini(&ro_host);
	heartbeat_destroy(heartbeat);
	world_fini(&world);
	return 0;
}

static struct ro_stats stats(void)
{
	struct ro_stats now;

	ro_stats(ro, &now);
	return now;
}

/* A whole packet of @mag, as a worker punts it. */
static void hear(int mag, const uint8_t *bytes, uint16_t length)
{
	struct packet_meta meta = {.tunnel = INDEX_NONE};
	uint8_t *packet = world_packet(mag, bytes, length);

	signalling_packet(&signalling, &world.now, &meta, packet, (uint16_t)(40 + length));
	free(packet);
	fake_host_run(&ro_host);
	fake_host_run(&world.fake);
}

static struct home_network_prefix network(uint64_t prefix)
{
	struct home_network_prefix network = {.length = 64};

	for (unsigned i = 0; i < 8; i++)
		network.prefix.s6_addr[i] = (uint8_t)(prefix >> (56 - 8 * i));
	return network;
}

/* MAG1 has seen its node talk to the other one (G.6.11). */
static uint16_t write_hint(bool native, uint8_t *bytes, size_t size)
{
	struct ro_fixed fixed = {.code = RO_INIT,
		.experimental = !native,
		.sequence = 7,
		.value = RO_REASON_NEW_FLOW,
		.lifetime_s = 300};
	struct ro_body body = {.tuple_count = 2, .has_stamp = true, .stamp = mh_timestamp_from_ns(world.now.wall_ns)};

	body.tuples[0].id.subtype = 1;
	body.tuples[0].prefixes[body.tuples[0].prefix_count++] = network(second);
	body.tuples[1].id = world_id(FIRST);
	body.tuples[1].prefixes[body.tuples[1].prefix_count++] = network(first);
	body.tuples[1].has_mag = true;
	body.tuples[1].mag = mag_addresses[MAG1];
	return ro_encode(&fixed, &body, bytes, size, &mag_addresses[MAG1], &lma_address);
}

static void hear_hint(bool native)
{
	uint8_t bytes[256];

	hear(MAG1, bytes, write_hint(native, bytes, sizeof(bytes)));
}

static void hear_binding_error(int mag)
{
	uint8_t bytes[64];
	struct mh_writer writer;

	mh_writer_init(&writer, MH_BE, bytes, sizeof(bytes));
	mh_write_be(&writer, 2, &in6addr_any);
	hear(mag, bytes, mh_writer_finish(&writer, &mag_addresses[mag], &lma_address));
}

static void message_in_either_profile_reaches_the_engine(void **state)
{
	hear_hint(false);
	assert_int_equal(stats().received[RO_INIT], 1);
	assert_int_equal(stats().sent[RO_INIT_ACK], 1);
	assert_int_equal(stats().triggers, 1);
	hear_hint(true);
	assert_int_equal(stats().received[RO_INIT], 2);
	assert_int_equal(signalling.stats.received[MH_EXPERIMENTAL], 1);
	assert_int_equal(signalling.stats.received[ro_mh_type(RO_INIT, false)], 1);
	assert_int_equal(signalling.stats.wrong_role, 0);
}

static void stranger_is_not_heard(void **state)
{
	uint8_t bytes[256];
	uint16_t length = write_hint(false, bytes, sizeof(bytes));

	hear(MAG4, bytes, length);
	assert_int_equal(signalling.stats.not_a_peer, 1);
	assert_int_equal(stats().received[RO_INIT], 0);
	assert_int_equal(ro_host.message_count, 0);
}

/* Type 11 is everybody's: what is not ours is nobody's business here. */
static void experiment_of_somebody_else_is_discarded(void **state)
{
	static const uint8_t theirs[24] = {MH_PAYLOAD_PROTO, 2, MH_EXPERIMENTAL, 0, 0, 0, 'X', 'Y'};
	struct mh_message message;
	uint8_t bytes[24];

	memcpy(bytes, theirs, sizeof(bytes));
	for (unsigned sum = 0; sum <= UINT16_MAX; sum++) {
		bytes[4] = (uint8_t)(sum >> 8);
		bytes[5] = (uint8_t)sum;
		if (mh_decode(&message, bytes, sizeof(bytes), &mag_addresses[MAG1], &lma_address) != MH_ERROR_CHECKSUM)
			break;
	}
	hear(MAG1, bytes, sizeof(bytes));
	assert_int_equal(signalling.stats.errors[MH_ERROR_EXPERIMENT], 1);
	assert_int_equal(signalling.stats.binding_errors_sent, 0);
	assert_int_equal(ro_host.message_count, 0);
}

static void binding_error_ends_an_outstanding_request_before_heartbeats(void **state)
{
	world_ask_heartbeat(&world, heartbeat, MAG2);
	assert_int_equal(ro_start(ro, &world.now, first, second), 0);
	fake_host_run(&ro_host);
	assert_int_equal(stats().sent[RO_INIT], 1);
	hear_binding_error(MAG2);
	assert_int_equal(stats().binding_errors, 1);
	assert_false(world_heartbeat_unsupported(heartbeat, MAG2));
	world_advance(&world, 1000);
	ro_advance(ro, &world.now); /* what is left is not sent again */
	fake_host_run(&ro_host);
	hear_binding_error(MAG2);
	assert_true(world_heartbeat_unsupported(heartbeat, MAG2));
}

static void binding_error_without_a_request_is_of_a_heartbeat(void **state)
{
	world_ask_heartbeat(&world, heartbeat, MAG2);
	hear_binding_error(MAG2);
	assert_int_equal(stats().binding_errors, 0);
	assert_true(world_heartbeat_unsupported(heartbeat, MAG2));
}

/* In place of RO Setup it comes between MAGs only. */
static void proxy_binding_update_stays_with_the_lma(void **state)
{
	struct lma_stats before, after;
	uint8_t bytes[64];
	struct mh_writer writer;

	lma_stats(world.lma, &before);
	mh_writer_init(&writer, MH_BU, bytes, sizeof(bytes));
	mh_write_bu(&writer, 1, BU_FLAG_A | BU_FLAG_P, 100);
	hear(MAG1, bytes, mh_writer_finish(&writer, &mag_addresses[MAG1], &lma_address));
	lma_stats(world.lma, &after);
	assert_int_equal(after.pbu_received, before.pbu_received + 1);
	assert_int_equal(stats().pbus_received, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(message_in_either_profile_reaches_the_engine),
		TEST(stranger_is_not_heard),
		TEST(experiment_of_somebody_else_is_discarded),
		TEST(binding_error_ends_an_outstanding_request_before_heartbeats),
		TEST(binding_error_without_a_request_is_of_a_heartbeat),
		TEST(proxy_binding_update_stays_with_the_lma),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
