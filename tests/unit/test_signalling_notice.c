/* SPDX-License-Identifier: BSD-3-Clause */
/* Update notifications and binding errors at the gate of an LMA. */
#include "lma_world.h"

#include <stdlib.h>
#include <string.h>

#include "endpoint.h"
#include "signalling.h"

#define MN "mn1@example.com"

static struct lma_world world;
static struct heartbeat *heartbeat;
static struct signalling signalling;

static int setup(void **state)
{
	world_init(&world, NULL);
	heartbeat = world_heartbeat(&world);
	signalling = (struct signalling){.lma = world.lma, .heartbeat = heartbeat, .policy = world.policy};
	return 0;
}

static int teardown(void **state)
{
	heartbeat_destroy(heartbeat);
	world_fini(&world);
	return 0;
}

/* A whole packet of @mag, as a worker punts it. */
static void hear(int mag, struct mh_writer *writer)
{
	uint16_t length = mh_writer_finish(writer, &mag_addresses[mag], &lma_address);
	struct packet_meta meta = {.tunnel = INDEX_NONE};
	uint8_t *packet = world_packet(mag, writer->bytes, length);

	signalling_packet(&signalling, &world.now, &meta, packet, (uint16_t)(40 + length));
	free(packet);
	fake_host_run(&world.fake);
}

static void hear_binding_error(int mag, uint8_t status)
{
	uint8_t bytes[64];
	struct mh_writer writer;

	mh_writer_init(&writer, MH_BE, bytes, sizeof(bytes));
	mh_write_be(&writer, status, &in6addr_any);
	hear(mag, &writer);
}

static void hear_upa(int mag, uint16_t sequence)
{
	struct mn_id id = world_id(MN);
	uint8_t bytes[64];
	struct mh_writer writer;

	mh_writer_init(&writer, MH_UPA, bytes, sizeof(bytes));
	mh_write_upa(&writer, sequence, UPA_STATUS_SUCCESS);
	mh_write_mn_id(&writer, &id);
	hear(mag, &writer);
}

/* MAG1 has an outstanding update notification; its sequence number. */
static uint16_t ask_registration(void)
{
	struct binding_view view;
	struct mh_message message;
	uint16_t sequence;

	world_register(&world, MN, MAG2);
	world_advance(&world, 200);
	view = world_binding(&world, MN);
	lma_wrong_tunnel(
		world.lma, &world.now, endpoint_id_ipv6(view.prefixes[0].prefix.s6_addr), &mag_addresses[MAG1]);
	fake_host_run(&world.fake);
	fake_host_decode(&world.fake, 0, &message);
	assert_int_equal(message.type, MH_UPN);
	sequence = message.fixed.upn.sequence;
	fake_host_clear(&world.fake);
	return sequence;
}

static struct lma_stats stats(void)
{
	struct lma_stats now;

	lma_stats(world.lma, &now);
	return now;
}

static void binding_error_of_a_heartbeat_ends_heartbeats(void **state)
{
	world_ask_heartbeat(&world, heartbeat, MAG1);
	hear_binding_error(MAG1, 2);
	assert_true(world_heartbeat_unsupported(heartbeat, MAG1));
	assert_int_equal(stats().upn_unsupported, 0);
}

/* It does not say which message it is about: each one is believed of one of them, the notification first. */
static void binding_error_of_a_notification_leaves_heartbeats_alone(void **state)
{
	world_ask_heartbeat(&world, heartbeat, MAG1);
	ask_registration();
	hear_binding_error(MAG1, 2);
	assert_int_equal(stats().upn_unsupported, 1);
	assert_false(world_heartbeat_unsupported(heartbeat, MAG1));
	hear_binding_error(MAG1, 2);
	assert_int_equal(stats().upn_unsupported, 1);
	assert_true(world_heartbeat_unsupported(heartbeat, MAG1));
}

static void binding_error_of_another_status_ends_nothing(void **state)
{
	world_ask_heartbeat(&world, heartbeat, MAG1);
	ask_registration();
	hear_binding_error(MAG1, 1);
	assert_int_equal(stats().upn_unsupported, 0);
	assert_false(world_heartbeat_unsupported(heartbeat, MAG1));
}

static void acknowledgement_of_a_notification_reaches_the_lma(void **state)
{
	hear_upa(MAG1, ask_registration());
	assert_int_equal(stats().upa_received[UPA_STATUS_SUCCESS], 1);
	assert_int_equal(stats().upa_ignored, 0);
	assert_int_equal(signalling.stats.received[MH_UPA], 1);
}

static void what_an_anchor_alone_may_send_is_of_the_wrong_role(void **state)
{
	uint8_t bytes[64];
	struct mh_writer writer;

	mh_writer_init(&writer, MH_UPN, bytes, sizeof(bytes));
	mh_write_upn(&writer, 1, UPN_REASON_FORCE_REREGISTRATION, UPN_FLAG_A);
	hear(MAG1, &writer);
	assert_int_equal(signalling.stats.wrong_role, 1);
	signalling.lma = NULL; /* a MAG, if it had an engine */
	hear_upa(MAG1, 1);
	assert_int_equal(signalling.stats.wrong_role, 2);
	world_expect_silence(&world);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(binding_error_of_a_heartbeat_ends_heartbeats),
		TEST(binding_error_of_a_notification_leaves_heartbeats_alone),
		TEST(binding_error_of_another_status_ends_nothing),
		TEST(acknowledgement_of_a_notification_reaches_the_lma),
		TEST(what_an_anchor_alone_may_send_is_of_the_wrong_role),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
