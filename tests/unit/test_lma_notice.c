/* SPDX-License-Identifier: BSD-3-Clause */
/* A MAG that sends packets of a node bound at another one is asked to register it: RFC 7077. */
#include "lma_world.h"

#include <stdlib.h>
#include <string.h>

#include "endpoint.h"

#define MN          "mn1@example.com"
#define OVER_GRACE  150 /* ms: what comes later was not in flight */
#define NOTICES_MAX 1024

static struct lma_world world;

static int setup(void **state)
{
	world_init(&world, NULL);
	return 0;
}

static int teardown(void **state)
{
	world_fini(&world);
	return 0;
}

static struct lma_stats stats(void)
{
	struct lma_stats now;

	lma_stats(world.lma, &now);
	return now;
}

/* Registered at @mag so long ago that packets of before are through. */
static struct pba settle_at(const char *mn, int mag)
{
	struct pba pba = world_register(&world, mn, mag);

	world_advance(&world, OVER_GRACE);
	return pba;
}

static uint64_t endpoint_of(const char *mn)
{
	struct binding_view view = world_binding(&world, mn);

	return endpoint_id_ipv6(view.prefixes[0].prefix.s6_addr);
}

/* The workers tell of a packet of @mn from @mag. */
static void packet_from(const char *mn, int mag)
{
	lma_wrong_tunnel(world.lma, &world.now, endpoint_of(mn), &mag_addresses[mag]);
	fake_host_run(&world.fake);
}

/* The one message that is there: a UPN to @mag. */
static struct mh_message *expect_notice(int mag, uint16_t flags)
{
	const struct fake_message *sent = &world.fake.messages[0];
	static struct mh_message message;
	static uint8_t bytes[MH_LENGTH_SEND_MAX];

	assert_int_equal(world.fake.message_count, 1);
	assert_in_range(sent->length, 1, sizeof(bytes));
	memcpy(bytes, sent->bytes, sent->length);
	assert_int_equal(mh_decode(&message, bytes, sent->length, &sent->source, &sent->destination), MH_ERROR_NONE);
	assert_int_equal(message.type, MH_UPN);
	assert_int_equal(message.fixed.upn.reason, UPN_REASON_FORCE_REREGISTRATION);
	assert_int_equal(message.fixed.upn.flags, flags);
	assert_memory_equal(&sent->source, &lma_address, 16);
	assert_memory_equal(&sent->destination, &mag_addresses[mag], 16);
	fake_host_clear(&world.fake);
	return &message;
}

static uint16_t asked(int mag)
{
	packet_from(MN, mag);
	return expect_notice(mag, UPN_FLAG_A)->fixed.upn.sequence;
}

static void acknowledge(const char *mn, int mag, uint16_t sequence, uint8_t status)
{
	struct mh_datagram datagram = {.source = mag_addresses[mag], .destination = lma_address};
	struct mn_id id = mn != NULL ? world_id(mn) : (struct mn_id){0};
	uint8_t buffer[512], *exact;
	struct mh_message message;
	struct mh_writer writer;

	mh_writer_init(&writer, MH_UPA, buffer, sizeof(buffer));
	mh_write_upa(&writer, sequence, status);
	if (mn != NULL)
		mh_write_mn_id(&writer, &id);
	datagram.length = mh_writer_finish(&writer, &datagram.source, &lma_address);
	exact = malloc(datagram.length);
	assert_non_null(exact);
	memcpy(exact, buffer, datagram.length);
	datagram.bytes = exact;
	assert_int_equal(mh_decode(&message, exact, datagram.length, &datagram.source, &lma_address), MH_ERROR_NONE);
	lma_upa(world.lma, &world.now, &datagram, &message);
	free(exact);
	fake_host_run(&world.fake);
}

static bool remembers(const char *mn, enum history_event event, uint8_t value)
{
	struct binding_view view = world_binding(&world, mn);
	const struct history_entry *entry;

	for (unsigned i = 0; (entry = history_get(view.history, i)) != NULL; i++)
		if (entry->event == event && entry->value == value)
			return true;
	return false;
}

static void mag_with_packets_of_a_node_bound_elsewhere_is_asked_to_register_it(void **state)
{
	struct pba pba = settle_at("two@example.com", MAG2);
	const struct mh_option *option;
	const struct mh_message *message;
	struct home_network_prefix prefix;
	struct mn_id id;

	packet_from("two@example.com", MAG1);
	message = expect_notice(MAG1, UPN_FLAG_A);
	option = mh_option_find(message, MHO_MN_ID, NULL);
	assert_non_null(option);
	assert_true(mh_option_mn_id(option, &id));
	assert_int_equal(id.length, strlen("two@example.com"));
	assert_memory_equal(id.data, "two@example.com", id.length);
	option = NULL;
	for (unsigned i = 0; i < 2; i++) {
		option = mh_option_find(message, MHO_HOME_NETWORK_PREFIX, option);
		assert_non_null(option);
		assert_true(mh_option_prefix(option, &prefix));
		assert_int_equal(prefix.length, 64);
		assert_memory_equal(&prefix.prefix, &pba.options.prefixes[i].prefix, 16);
	}
	assert_int_equal(message->option_count, 3);
	assert_int_equal(stats().upn_sent, 1);
	assert_int_equal(stats().wrong_tunnel, 1);
	assert_true(remembers("two@example.com", HISTORY_upn_sent, UPN_REASON_FORCE_REREGISTRATION));
}

static void node_in_the_delete_wait_of_another_mag_is_asked_for_too(void **state)
{
	struct pba pba = settle_at(MN, MAG2);
	struct pbu pbu = world_pbu_again(&world, MN, MAG2, &pba, 0);

	assert_int_equal(world_ask(&world, &pbu).status, MH_STATUS_ACCEPTED);
	assert_int_equal(world_binding(&world, MN).state, BINDING_DELETING);
	asked(MAG1);
	/* It does, and has its session back. */
	pba = world_register(&world, MN, MAG1);
	assert_int_equal(world_binding(&world, MN).state, BINDING_ACTIVE);
}

static void packets_in_flight_at_a_handover_mean_nothing(void **state)
{
	world_register(&world, MN, MAG1);
	world_register(&world, MN, MAG2);
	packet_from(MN, MAG1);
	world_advance(&world, 90);
	packet_from(MN, MAG1);
	world_expect_silence(&world);
	world_advance(&world, 20);
	asked(MAG1);
}

static void nobody_is_asked_without_need_or_right(void **state)
{
	struct pbu pbu;

	settle_at(MN, MAG2);
	settle_at("mag1-only@example.com", MAG1);
	packet_from(MN, MAG2);                      /* its own tunnel, by now */
	packet_from(MN, MAG4);                      /* no peer */
	packet_from("mag1-only@example.com", MAG2); /* may not register it */
	lma_wrong_tunnel(world.lma, &world.now, world_endpoint("2001:db8:f0ff::/64"), &mag_addresses[MAG1]);
	world.fake.is_held = true;
	pbu = world_pbu(&world, MN, MAG3);
	world_send(&world, &pbu);
	packet_from(MN, MAG1); /* on its way to another MAG */
	world.fake.is_held = false;
	fake_host_run(&world.fake);
	assert_int_equal(world_answer(&world).status, MH_STATUS_ACCEPTED);
	assert_int_equal(stats().upn_sent, 0);
	assert_int_equal(stats().wrong_tunnel, 5);
}

/* Rule W: the MAG has sent its PBU, which waits for the other one. */
static void mag_whose_pbu_is_held_is_not_asked(void **state)
{
	struct pbu pbu;

	settle_at(MN, MAG1);
	pbu = world_pbu(&world, MN, MAG2);
	pbu.indicator = HI_UNKNOWN;
	pbu.link_layer_id = NULL;
	world_send(&world, &pbu);
	assert_int_equal(stats().pbu_held, 1);
	packet_from(MN, MAG2);
	world_expect_silence(&world);
	asked(MAG3);
}

static void unanswered_notice_is_repeated_with_the_d_flag_and_given_up(void **state)
{
	struct fake_message first;
	uint16_t sequence;

	settle_at(MN, MAG2);
	packet_from(MN, MAG1);
	first = world.fake.messages[0];
	first.bytes = memcpy(malloc(first.length), first.bytes, first.length);
	sequence = expect_notice(MAG1, UPN_FLAG_A)->fixed.upn.sequence;
	world_advance(&world, 999);
	packet_from(MN, MAG1); /* one is outstanding */
	world_expect_silence(&world);
	world_advance(&world, 1);
	assert_int_equal(world.fake.messages[0].length, first.length);
	assert_memory_equal(world.fake.messages[0].bytes + 12, first.bytes + 12, first.length - 12u);
	assert_int_equal(expect_notice(MAG1, UPN_FLAG_A | UPN_FLAG_D)->fixed.upn.sequence, sequence);
	world_advance(&world, 10000);
	world_expect_silence(&world);
	assert_int_equal(stats().upn_sent, 1);
	assert_int_equal(stats().upn_retransmitted, 1);
	assert_int_equal(stats().upn_unanswered, 1);
	assert_true(remembers(MN, HISTORY_upn_failed, 0));
	assert_int_equal(asked(MAG1), (uint16_t)(sequence + 1));
	free(first.bytes);
}

static void five_times_after_500_ms(struct lma_config *config)
{
	config->update_notification_retransmit_count = 5;
	config->update_notification_replay_ms = 500;
}

static void never(struct lma_config *config)
{
	config->update_notification_retransmit_count = 0;
}

static void count_and_delay_of_repetitions_are_those_of_the_configuration(void **state)
{
	world_fini(&world);
	world_init(&world, five_times_after_500_ms);
	settle_at(MN, MAG2);
	asked(MAG1);
	for (unsigned i = 0; i < 5; i++) {
		world_advance(&world, 500);
		expect_notice(MAG1, UPN_FLAG_A | UPN_FLAG_D);
	}
	world_advance(&world, 10000);
	world_expect_silence(&world);
	world_fini(&world);
	world_init(&world, never);
	settle_at(MN, MAG2);
	asked(MAG1);
	world_advance(&world, 10000);
	world_expect_silence(&world);
	assert_int_equal(stats().upn_unanswered, 1);
}

static void pbu_of_the_node_ends_the_repetitions(void **state)
{
	const int mags[] = {MAG1, MAG2}; /* the one that was asked; one that shows that it has the node after all */

	for (unsigned i = 0; i < 2; i++) {
		settle_at(MN, i == 0 ? MAG2 : MAG3);
		asked(MAG1);
		world_register(&world, MN, mags[i]);
		world_advance(&world, 10000);
		world_expect_silence(&world);
	}
	assert_int_equal(stats().upn_unanswered, 0);
	assert_int_equal(stats().upn_retransmitted, 0);
}

static void acknowledgement_ends_the_repetitions_whatever_it_says(void **state)
{
	const uint8_t statuses[] = {UPA_STATUS_SUCCESS, 127, UPA_STATUS_NOT_ATTACHED, 255};

	settle_at(MN, MAG2);
	for (unsigned i = 0; i < 4; i++) {
		acknowledge(MN, MAG1, asked(MAG1), statuses[i]);
		world_advance(&world, 5000);
		world_expect_silence(&world);
		assert_int_equal(stats().upa_received[statuses[i]], 1);
		assert_int_equal(remembers(MN, HISTORY_upn_failed, statuses[i]), statuses[i] >= 128);
	}
	assert_int_equal(stats().upa_ignored, 0);
	assert_int_equal(stats().upn_unanswered, 0);
}

/* The PBU was there before: the acknowledgement fits all the same. */
static void acknowledgement_behind_the_pbu_is_not_unknown(void **state)
{
	uint16_t sequence;

	settle_at(MN, MAG2);
	sequence = asked(MAG1);
	world_register(&world, MN, MAG1);
	acknowledge(MN, MAG1, sequence, UPA_STATUS_SUCCESS);
	assert_int_equal(stats().upa_ignored, 0);
}

static void acknowledgement_that_fits_nothing_changes_nothing(void **state)
{
	uint16_t sequence;

	settle_at(MN, MAG2);
	acknowledge(MN, MAG1, 0, UPA_STATUS_SUCCESS);
	sequence = asked(MAG1);
	acknowledge(MN, MAG1, (uint16_t)(sequence + 1), UPA_STATUS_SUCCESS);
	acknowledge(MN, MAG2, sequence, UPA_STATUS_SUCCESS);
	acknowledge(MN, MAG4, sequence, UPA_STATUS_SUCCESS);
	acknowledge("mn2@example.com", MAG1, sequence, UPA_STATUS_SUCCESS);
	acknowledge(NULL, MAG1, sequence, UPA_STATUS_SUCCESS);
	assert_int_equal(stats().upa_ignored, 6);
	world_advance(&world, 1000);
	expect_notice(MAG1, UPN_FLAG_A | UPN_FLAG_D);
}

/* It asks the node first, and its PBU may come some milliseconds after its word. */
static void mag_that_said_yes_has_500_ms(void **state)
{
	settle_at(MN, MAG2);
	acknowledge(MN, MAG1, asked(MAG1), UPA_STATUS_SUCCESS);
	packet_from(MN, MAG1);
	world_advance(&world, 499);
	packet_from(MN, MAG1);
	world_expect_silence(&world);
	assert_int_equal(stats().upn_limited, 0);
	world_advance(&world, 1);
	asked(MAG1);
}

/* It says that it has not got the node, or that it is at it, or nothing, and packets of the node keep coming from it.
 */
static void mag_that_is_asked_in_vain_is_asked_less_and_less_often(void **state)
{
	const unsigned expected_ms[] = {0, 500, 1500, 3500, 7500, 15500, 31500, 63500, 95500};

	for (unsigned answer = 0; answer < 3; answer++) {
		unsigned sent = 0;

		settle_at(MN, MAG2);
		world_advance(&world, 1000);
		for (unsigned ms = 0; ms <= 100000; ms += 100, world_advance(&world, 100)) {
			bool asks;

			fake_host_clear(&world.fake);
			packet_from(MN, MAG1);
			asks = world.fake.message_count > 0;
			if (asks && answer < 2)
				acknowledge(MN, MAG1, expect_notice(MAG1, UPN_FLAG_A)->fixed.upn.sequence,
					answer == 0 ? UPA_STATUS_NOT_ATTACHED : UPA_STATUS_SUCCESS);
			if (asks && answer < 2 && (sent == 9 || ms != expected_ms[sent]))
				fail_msg("number %u after %u ms", sent, ms);
			sent += asks;
		}
		assert_in_range(sent, 8, 9); /* without an answer the first ones wait for it longer than that */
		fake_host_clear(&world.fake);
		world_register(&world, MN, MAG3); /* something has changed */
		world_register(&world, MN, MAG2);
		world_advance(&world, 500 + OVER_GRACE);
		asked(MAG1);
	}
}

static void one_node_is_the_reason_of_at_most_two_notices_a_second(void **state)
{
	settle_at(MN, MAG2);
	settle_at("mn2@example.com", MAG2);
	acknowledge(MN, MAG1, asked(MAG1), UPA_STATUS_SUCCESS);
	asked(MAG3);
	world_advance(&world, 600);
	for (unsigned i = 0; i < 100; i++)
		packet_from(MN, MAG1);
	world_expect_silence(&world);
	assert_int_equal(stats().upn_limited, 100);
	packet_from("mn2@example.com", MAG1); /* another one's limit is its own */
	expect_notice(MAG1, UPN_FLAG_A);
	world_advance(&world, 399);
	packet_from(MN, MAG1);
	world_expect_silence(&world);
	world_advance(&world, 1);
	fake_host_clear(&world.fake); /* MAG3 is asked again */
	asked(MAG1);
}

static void mag_that_does_not_know_the_message_is_left_alone_for_300_s(void **state)
{
	settle_at(MN, MAG2);
	assert_false(lma_binding_error(world.lma, &world.now, &mag_addresses[MAG1])); /* nothing is outstanding */
	asked(MAG1);
	assert_false(lma_binding_error(world.lma, &world.now, &mag_addresses[MAG2]));
	assert_false(lma_binding_error(world.lma, &world.now, &mag_addresses[MAG4]));
	assert_true(lma_binding_error(world.lma, &world.now, &mag_addresses[MAG1]));
	assert_false(lma_binding_error(world.lma, &world.now, &mag_addresses[MAG1]));
	assert_int_equal(stats().upn_unsupported, 1);
	world_advance(&world, 299999);
	world_expect_silence(&world);
	packet_from(MN, MAG1);
	world_expect_silence(&world);
	asked(MAG3);
	acknowledge(MN, MAG3, 0, UPA_STATUS_SUCCESS);
	world_register(&world, MN, MAG2);
	world_advance(&world, OVER_GRACE);
	asked(MAG1);
}

/* It may come back as another version. */
static void restarted_mag_is_asked_again(void **state)
{
	settle_at(MN, MAG2);
	asked(MAG1);
	assert_true(lma_binding_error(world.lma, &world.now, &mag_addresses[MAG1]));
	assert_int_equal(lma_peer_lost(world.lma, &world.now, &mag_addresses[MAG1]), 0);
	world_advance(&world, 1000);
	asked(MAG1);
}

/* What it made since it was last heard may be of its new life: it would not know that its nodes have no binding. */
static void restarted_mag_is_asked_for_what_it_may_have_registered_since(void **state)
{
	uint64_t heard_ms;

	world_register(&world, "mn2@example.com", MAG1);
	world_advance(&world, 1000);
	heard_ms = engine_ms(&world.now);
	world_advance(&world, 1000);
	world_register(&world, MN, MAG1);
	assert_int_equal(lma_peer_restarted(world.lma, &world.now, &mag_addresses[MAG1], heard_ms), 2);
	fake_host_run(&world.fake);
	expect_notice(MAG1, UPN_FLAG_A);
	assert_int_equal(world_bindings(&world), 0);
	world_register(&world, MN, MAG1);
	assert_int_equal(world_bindings(&world), 1);
}

static void unreachable_mag_is_not_asked(void **state)
{
	world_register(&world, MN, MAG1);
	assert_int_equal(lma_peer_lost(world.lma, &world.now, &mag_addresses[MAG1]), 1);
	fake_host_run(&world.fake);
	assert_int_equal(world.fake.message_count, 0);
}

static void notice_survives_the_end_of_its_session(void **state)
{
	struct mn_id id = world_id(MN);
	uint16_t sequence;

	settle_at(MN, MAG2);
	sequence = asked(MAG1);
	assert_int_equal(lma_clear(world.lma, &world.now, &id), 1);
	fake_host_run(&world.fake);
	world_advance(&world, 1000);
	expect_notice(MAG1, UPN_FLAG_A | UPN_FLAG_D);
	acknowledge(MN, MAG1, sequence, UPA_STATUS_NOT_ATTACHED);
	world_advance(&world, 5000);
	world_expect_silence(&world);
}

static int compare(const void *a, const void *b)
{
	return *(const uint16_t *)a - *(const uint16_t *)b;
}

static void many_bindings(struct lma_config *config)
{
	config->max_bindings = 2 * NOTICES_MAX;
	config->update_notification_retransmit_count = 0;
}

static void outstanding_notices_are_bounded_and_have_different_numbers(void **state)
{
	static uint16_t sequences[NOTICES_MAX];
	unsigned count = 0;
	char mn[32];

	world_fini(&world);
	world_init(&world, many_bindings);
	for (unsigned i = 0; i < NOTICES_MAX + 10; i++) {
		snprintf(mn, sizeof(mn), "n%u@example.com", i);
		assert_int_equal(policy_add_node(world.policy, &(struct policy_node){.id = world_id(mn),
								       .proxy_registration = true,
								       .dynamic_prefixes = 1}),
			0);
		world_register(&world, mn, MAG2);
	}
	world_advance(&world, OVER_GRACE);
	for (unsigned i = 0; i < NOTICES_MAX + 10; i++) {
		snprintf(mn, sizeof(mn), "n%u@example.com", i);
		packet_from(mn, MAG1);
		if (i < NOTICES_MAX)
			sequences[count++] = expect_notice(MAG1, UPN_FLAG_A)->fixed.upn.sequence;
	}
	world_expect_silence(&world);
	assert_int_equal(stats().upn_sent, NOTICES_MAX);
	assert_int_equal(stats().upn_limited, 10);
	qsort(sequences, count, sizeof(sequences[0]), compare);
	for (unsigned i = 1; i < count; i++)
		assert_int_not_equal(sequences[i], sequences[i - 1]);
	world_advance(&world, 2100);
	packet_from("n1030@example.com", MAG1); /* there is room again */
	expect_notice(MAG1, UPN_FLAG_A);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(mag_with_packets_of_a_node_bound_elsewhere_is_asked_to_register_it),
		TEST(node_in_the_delete_wait_of_another_mag_is_asked_for_too),
		TEST(packets_in_flight_at_a_handover_mean_nothing),
		TEST(nobody_is_asked_without_need_or_right),
		TEST(mag_whose_pbu_is_held_is_not_asked),
		TEST(unanswered_notice_is_repeated_with_the_d_flag_and_given_up),
		TEST(count_and_delay_of_repetitions_are_those_of_the_configuration),
		TEST(pbu_of_the_node_ends_the_repetitions),
		TEST(acknowledgement_ends_the_repetitions_whatever_it_says),
		TEST(acknowledgement_behind_the_pbu_is_not_unknown),
		TEST(acknowledgement_that_fits_nothing_changes_nothing),
		TEST(mag_that_said_yes_has_500_ms),
		TEST(mag_that_is_asked_in_vain_is_asked_less_and_less_often),
		TEST(one_node_is_the_reason_of_at_most_two_notices_a_second),
		TEST(mag_that_does_not_know_the_message_is_left_alone_for_300_s),
		TEST(restarted_mag_is_asked_again),
		TEST(restarted_mag_is_asked_for_what_it_may_have_registered_since),
		TEST(unreachable_mag_is_not_asked),
		TEST(notice_survives_the_end_of_its_session),
		TEST(outstanding_notices_are_bounded_and_have_different_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
