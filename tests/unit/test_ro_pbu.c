/* SPDX-License-Identifier: BSD-3-Clause */
/* RO-035, wire-formats G.6.12: PBU and PBA between MAGs in place of RO Setup and its Ack. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "endpoint.h"
#include "ro_world.h"

#define LIFETIME_UNITS 75

static struct world world;

static void begin(bool trust_peers)
{
	world_init(&world, (struct world_options){.one_lma = true, .pbu_for_setup = true, .trust_peers = trust_peers});
}

static bool is_direct(void)
{
	return world_sends(&world, MAG1, 1, 2, MAG2) && world_sends(&world, MAG2, 2, 1, MAG1);
}

/* What a MAG could send for mn2 to the MAG of mn1. */
struct forged {
	unsigned from, to;
	uint64_t stamp;
	uint16_t lifetime, sequence;
	bool no_stamp, no_pair, no_local_ro, local_ro_off, others_prefix, token;
};

static uint64_t stamp_now(void)
{
	return mh_timestamp_from_ns(world.now.wall_ns);
}

static struct in6_addr prefix_of(unsigned mn)
{
	struct in6_addr address = {0};

	for (unsigned i = 0; i < 8; i++)
		address.s6_addr[i] = (uint8_t)(world.mns[mn - 1].prefix >> (56 - 8 * i));
	return address;
}

static void write_pair(struct mh_writer *writer, unsigned mn, unsigned mag)
{
	static const struct ro_fixed fixed = {.experimental = true};
	struct in6_addr prefix = prefix_of(mn);
	uint8_t data[34] = {0, 64};

	memcpy(data + 2, &prefix, 16);
	memcpy(data + 18, &world.nodes[mag].config.address, 16);
	ro_write_option(writer, &fixed, RO_OPTION_MN_CN_PAIR, data, sizeof(data));
}

static uint16_t forge(const struct forged *forged, uint8_t *bytes, size_t size)
{
	static const struct ro_fixed fixed = {.experimental = true};
	struct home_network_prefix prefix = {prefix_of(forged->others_prefix ? 3 : 2), 64};
	struct mh_writer writer;

	mh_writer_init(&writer, MH_BU, bytes, size);
	mh_write_bu(&writer, forged->sequence, BU_FLAG_A | BU_FLAG_P, forged->lifetime);
	mh_write_mn_id(&writer, &(struct mn_id){.subtype = 1,
					.length = (uint8_t)strlen(world.mns[1].id),
					.data = (const uint8_t *)world.mns[1].id});
	mh_write_prefix(&writer, &prefix);
	mh_write_handoff_indicator(&writer, HI_UNKNOWN);
	mh_write_access_technology(&writer, 4);
	if (!forged->no_stamp)
		mh_write_timestamp(&writer, forged->stamp);
	if (!forged->no_local_ro)
		ro_write_option(&writer, &fixed, RO_OPTION_LOCAL_RO, (uint8_t[2]){0, forged->local_ro_off ? 0 : 2}, 2);
	write_pair(&writer, 1, forged->to);
	if (!forged->no_pair)
		write_pair(&writer, forged->others_prefix ? 3 : 2, forged->from);
	if (forged->token)
		ro_write_option(&writer, &fixed, RO_OPTION_AUTHORISATION, (uint8_t[18]){1}, 18);
	return mh_writer_finish(
		&writer, &world.nodes[forged->from].config.address, &world.nodes[forged->to].config.address);
}

static bool send_forged(const struct forged *forged)
{
	uint8_t bytes[MH_LENGTH_SEND_MAX];
	struct mh_datagram datagram = {.source = world.nodes[forged->from].config.address,
		.destination = world.nodes[forged->to].config.address,
		.bytes = bytes,
		.length = forge(forged, bytes, sizeof(bytes))};
	struct mh_message message;
	bool taken;

	assert_int_equal(
		mh_decode(&message, bytes, datagram.length, &datagram.source, &datagram.destination), MH_ERROR_NONE);
	taken = ro_pbu(world.nodes[forged->to].ro, &world.now, &datagram, &message);
	world_run(&world);
	return taken;
}

static struct forged good(void)
{
	return (struct forged){
		.from = MAG2, .to = MAG1, .stamp = stamp_now(), .lifetime = LIFETIME_UNITS, .sequence = 7};
}

static void lost_pbu_or_pba_is_made_up_for(void **state)
{
	(void)state;
	for (unsigned n = 1; n <= 6; n++) {
		begin(n & 1);
		world.lose_number = n;
		world_traffic(&world, LMA1);
		world_pass(&world, 2000);
		assert_true(is_direct());
		world_fini(&world);
	}
}

static void pba_that_never_comes_ends_on_the_path_over_the_lma(void **state)
{
	(void)state;
	begin(false);
	world.lose = "MAG1 -PBA-> MAG2";
	world.lose_count = 1000;
	world_traffic(&world, LMA1);
	world_pass(&world, 23000);
	assert_true(world_is_quiet(&world));
	world_fini(&world);
}

static void refused_update_is_a_pba_130(void **state)
{
	(void)state;
	begin(false);
	world.refusals = true;
	world.nodes[MAG1].fake.fail_update = 1;
	world.nodes[MAG1].fake.fail_error = -ENOSPC;
	world_traffic(&world, LMA1);
	world.arrow_count = world.arrow_count < 5 ? world.arrow_count : 5;
	expect_arrows(&world, "LMA1 -RO Init-> MAG2", "MAG2 -RO Init Ack-> LMA1", "MAG2 -PBU-> MAG1",
		"MAG1 -RO Report(0)-> LMA1", "MAG1 -PBA 130-> MAG2");
	world_pass(&world, 23000);
	assert_true(world_is_quiet(&world));
	world_fini(&world);
}

static void pbu_creates_an_association_and_its_duplicate_none(void **state)
{
	struct forged forged;
	struct ro_stats stats;

	(void)state;
	begin(true);
	world.early = true; /* MAG2 knows nothing of it */
	forged = good();
	assert_true(send_forged(&forged));
	expect_arrows(&world, "MAG1 -PBA-> MAG2");
	assert_true(send_forged(&forged));
	expect_arrows(&world, "MAG1 -PBA-> MAG2");
	ro_stats(world.nodes[MAG1].ro, &stats);
	assert_int_equal(stats.duplicates, 1);
	assert_int_equal(stats.pairs, 1);
	assert_int_equal(stats.pbus_received, 2);
	assert_true(world_sends(&world, MAG1, 1, 2, MAG2));
	world_fini(&world);
}

/* The stamps of PBUs and of RO messages are one: an older Setup comes too late. */
static void older_stamp_is_refused_157(void **state)
{
	struct forged forged;

	(void)state;
	begin(true);
	world.early = true;
	forged = good();
	send_forged(&forged);
	world.arrow_count = 0;
	forged.stamp--;
	forged.sequence++;
	assert_true(send_forged(&forged));
	expect_arrows(&world, "MAG1 -PBA 157-> MAG2");
	world_fini(&world);
}

static void expect_refusal(const struct forged *forged, const char *answer)
{
	assert_true(send_forged(forged));
	world_expect_arrows(&world, __FILE__, __LINE__, (const char *const[]){answer, NULL});
	assert_true(world_is_quiet(&world));
	assert_null(world_entry(&world, MAG1, 2, 1));
}

static void refusals_have_the_status_of_pmip(void **state)
{
	struct forged forged;

	(void)state;
	begin(true);
	forged = good();
	forged.no_stamp = true;
	expect_refusal(&forged, "MAG1 -PBA 128-> MAG2");
	forged = good();
	forged.stamp = 0;
	expect_refusal(&forged, "MAG1 -PBA 128-> MAG2");
	forged = good();
	forged.no_pair = true;
	expect_refusal(&forged, "MAG1 -PBA 128-> MAG2");
	forged = good();
	forged.no_local_ro = true;
	expect_refusal(&forged, "MAG1 -PBA 128-> MAG2");
	forged = good();
	forged.stamp += UINT64_C(11) << 16; /* 11 s ahead */
	expect_refusal(&forged, "MAG1 -PBA 128-> MAG2");
	forged = good();
	forged.local_ro_off = true;
	expect_refusal(&forged, "MAG1 -PBA 129-> MAG2");
	forged = good();
	forged.others_prefix = true; /* mn3 is at MAG1 itself */
	expect_refusal(&forged, "MAG1 -PBA 155-> MAG2");
	forged = good();
	world.mns[0].mag = MAG3;
	expect_refusal(&forged, "MAG1 -PBA 153-> MAG2");
	world.mns[0].mag = MAG1;
	world.nodes[MAG1].config.pbu_for_setup = false;
	world_restart(&world, MAG1);
	expect_refusal(&forged, "MAG1 -PBA 129-> MAG2");
	world_fini(&world);
}

static void pbu_without_a_valid_token_is_refused_154(void **state)
{
	struct forged forged;

	(void)state;
	begin(false);
	forged = good();
	expect_refusal(&forged, "MAG1 -PBA 154-> MAG2");
	forged.token = true;
	expect_refusal(&forged, "MAG1 -PBA 154-> MAG2");
	world_fini(&world);
}

static void pbu_of_lifetime_0_needs_the_same_authority_and_removes(void **state)
{
	struct forged forged;

	(void)state;
	begin(false);
	world_traffic(&world, LMA1);
	world.arrow_count = 0;
	world_pass(&world, 50);
	forged = good();
	forged.lifetime = 0;
	assert_true(send_forged(&forged));
	expect_arrows(&world, "MAG1 -PBA 154-> MAG2");
	assert_true(is_direct());
	world_fini(&world);
	begin(true);
	world_traffic(&world, LMA1);
	world.arrow_count = 0;
	world_pass(&world, 50);
	forged = good();
	forged.lifetime = 0;
	assert_true(send_forged(&forged));
	expect_arrows(&world, "MAG1 -PBA-> MAG2");
	assert_false(world_sends(&world, MAG1, 1, 2, MAG2));
	world_fini(&world);
}

/* What an LMA sends is no business of route optimisation, and an LMA has none with PBUs. */
static void messages_between_mag_and_lma_are_left_alone(void **state)
{
	struct forged forged;

	(void)state;
	begin(true);
	forged = good();
	forged.from = LMA1;
	assert_false(send_forged(&forged));
	forged = good();
	forged.to = LMA1;
	assert_false(send_forged(&forged));
	expect_arrows(&world, NULL);
	world_fini(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lost_pbu_or_pba_is_made_up_for),
		cmocka_unit_test(pba_that_never_comes_ends_on_the_path_over_the_lma),
		cmocka_unit_test(refused_update_is_a_pba_130),
		cmocka_unit_test(pbu_creates_an_association_and_its_duplicate_none),
		cmocka_unit_test(older_stamp_is_refused_157),
		cmocka_unit_test(refusals_have_the_status_of_pmip),
		cmocka_unit_test(pbu_without_a_valid_token_is_refused_154),
		cmocka_unit_test(pbu_of_lifetime_0_needs_the_same_authority_and_removes),
		cmocka_unit_test(messages_between_mag_and_lma_are_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
