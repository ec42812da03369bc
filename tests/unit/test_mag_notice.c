/* SPDX-License-Identifier: BSD-3-Clause */
/* What the LMA asks for by update notifications: RFC 7077 section 6. */
#include "mag_world.h"

#include <stdlib.h>

#define MN        "mn1@example.com"
#define LINK_TEXT "fe80::200:ff:fe00:101"
#define PREFIX    "2001:db8:f1:1::/64"

static const struct in6_addr other_lma = {.s6_addr = {0x20, 1, 0x0d, 0xb8, 0, 2, [15] = 1}};
static uint16_t next_sequence = 100;

/* A notification as a test wants it. */
struct upn {
	uint16_t sequence, reason, flags;
	const char *mn; /* NULL: no option */
	uint8_t group_type;
	uint32_t group; /* 0: no option */
	bool twice;     /* the identity stands twice */
	bool vendor;
	const struct in6_addr *source; /* NULL: the LMA */
};

static struct upn force(const char *mn)
{
	return (struct upn){.sequence = next_sequence++,
		.reason = UPN_REASON_FORCE_REREGISTRATION,
		.flags = UPN_FLAG_A,
		.mn = mn,
		.group_type = 1};
}

static void write_options(struct mh_writer *writer, const struct upn *upn)
{
	const char *mn = upn->mn != NULL ? upn->mn : "";
	struct mn_id id = {.subtype = 1, .length = (uint8_t)strlen(mn), .data = (const uint8_t *)mn};
	uint8_t group[6] = {upn->group_type, 0xee, (uint8_t)(upn->group >> 24), [5] = (uint8_t)upn->group};

	for (unsigned i = 0; i < (upn->twice ? 2 : 1); i++) {
		if (upn->mn != NULL)
			mh_write_mn_id(writer, &id);
		if (upn->group != 0)
			mh_write_option(writer, MHO_MN_GROUP_IDENTIFIER, group, sizeof(group));
	}
	if (upn->vendor)
		mh_write_option(writer, MHO_VENDOR_SPECIFIC, "\0\0\0\x01\x05", 5);
}

static void hear(const struct upn *upn)
{
	struct mh_datagram datagram = {
		.source = upn->source != NULL ? *upn->source : world_lma, .destination = world_mag};
	uint8_t buffer[512], *exact;
	struct mh_message message;
	struct mh_writer writer;

	mh_writer_init(&writer, MH_UPN, buffer, sizeof(buffer));
	mh_write_upn(&writer, upn->sequence, upn->reason, upn->flags);
	write_options(&writer, upn);
	datagram.length = mh_writer_finish(&writer, &datagram.source, &world_mag);
	exact = malloc(datagram.length);
	assert_non_null(exact);
	memcpy(exact, buffer, datagram.length);
	datagram.bytes = exact;
	assert_int_equal(mh_decode(&message, exact, datagram.length, &datagram.source, &world_mag), MH_ERROR_NONE);
	mag_upn(world->mag, &world->now, &datagram, &message);
	free(exact);
	assert_null(world->fake.open);
	if (!world->hold)
		world_apply();
}

/* The newest message is the acknowledgement of @upn. */
static void expect_answer(const struct upn *upn, uint8_t status)
{
	unsigned at = world->fake.message_count - 1;
	const struct mh_option *option;
	struct mh_message message;
	struct mn_id id;

	assert_true(world->fake.message_count > 0);
	fake_host_decode(&world->fake, at, &message);
	assert_int_equal(message.type, MH_UPA);
	assert_int_equal(message.fixed.upa.sequence, upn->sequence);
	assert_int_equal(message.fixed.upa.status, status);
	assert_memory_equal(&world->fake.messages[at].destination, upn->source != NULL ? upn->source : &world_lma, 16);
	assert_memory_equal(&world->fake.messages[at].source, &world_mag, 16);
	if (upn->mn != NULL) {
		option = mh_option_find(&message, MHO_MN_ID, NULL);
		assert_non_null(option);
		assert_true(mh_option_mn_id(option, &id));
		assert_int_equal(id.length, strlen(upn->mn));
		assert_memory_equal(id.data, upn->mn, id.length);
	}
	assert_int_equal(mh_option_find(&message, MHO_MN_GROUP_IDENTIFIER, NULL) != NULL,
		upn->group != 0 && upn->mn == NULL && !upn->twice);
}

/* Hear @upn; the answer has @status. Returns how many PBUs it led to. */
static unsigned pbus_of(const struct upn *upn, uint8_t status)
{
	uint64_t before = world_stats().pbu_sent, answers = world_stats().upa_sent[status];

	hear(upn);
	expect_answer(upn, status);
	assert_int_equal(world_stats().upa_sent[status], answers + 1);
	return (unsigned)(world_stats().pbu_sent - before);
}

static void expect_pbu(unsigned back, uint8_t indicator)
{
	struct world_pbu pbu = world_pbu(back);

	assert_int_equal(pbu.options.handoff_indicator, indicator);
	assert_int_equal(pbu.lifetime_s, 600);
	assert_int_equal(pbu.options.prefix_count, 1);
}

/* Time passes and the node answers what it is asked. */
static void pass_present(uint64_t ms)
{
	for (uint64_t step; ms > 0; ms -= step) {
		step = ms < 5000 ? ms : 5000;
		world_pass(step);
		world_na(0, world_mac, LINK_TEXT);
	}
}

static void node_that_was_seen_just_now_is_registered_at_once(void **state)
{
	struct upn upn = force(MN);

	world_attached();
	world_pass(2000);
	world_na(0, world_mac, LINK_TEXT);
	world_pass(999);
	assert_int_equal(pbus_of(&upn, UPA_STATUS_SUCCESS), 1);
	expect_pbu(1, HI_UNKNOWN);
	assert_int_equal(world_view(world_mac).state, ATTACHMENT_REFRESHING);
	assert_non_null(world_endpoint(PREFIX)); /* its packets go on meanwhile */
	assert_true(world_remembers(world_mac, HISTORY_upn_received, UPN_REASON_FORCE_REREGISTRATION));
}

/* wire-formats B.10: the MAG where NUD succeeds last has it. */
static void node_that_was_not_seen_has_to_answer_a_probe_first(void **state)
{
	struct upn upn = force(MN);

	world_attached();
	world_pass(2000);
	assert_int_equal(pbus_of(&upn, UPA_STATUS_SUCCESS), 0);
	world_frame(0, DISCOVERY_NS);
	world_pass(300);
	world_na(0, world_mac, LINK_TEXT);
	expect_pbu(0, HI_UNKNOWN);
	world_accept();
	assert_int_equal(world_view(world_mac).state, ATTACHMENT_ACTIVE);
}

/* It was being probed, and came back between two probes. */
static void node_that_is_being_probed_is_asked_at_once(void **state)
{
	struct upn upn = force(MN);
	unsigned before;

	world_attached();
	world_pass(10500);
	before = world->frame_count;
	assert_int_equal(pbus_of(&upn, UPA_STATUS_SUCCESS), 0);
	assert_int_equal(world->frame_count, before + 1);
	world_frame(0, DISCOVERY_NS);
	world_na(0, world_mac, LINK_TEXT);
	expect_pbu(0, HI_UNKNOWN);
}

static void data_answers_the_probe_as_well(void **state)
{
	struct upn upn = force(MN);

	world_attached();
	world_pass(2000);
	assert_int_equal(pbus_of(&upn, UPA_STATUS_SUCCESS), 0);
	mag_activity(world->mag, &world->now, world_view(world_mac).index);
	world_apply();
	expect_pbu(0, HI_UNKNOWN);
}

static void node_that_does_not_answer_is_gone_and_asserts_nothing(void **state)
{
	struct upn upn = force(MN);

	world_attached();
	world_pass(2000);
	assert_int_equal(pbus_of(&upn, UPA_STATUS_SUCCESS), 0);
	world_pass(3001);
	assert_int_equal(world_view(world_mac).state, ATTACHMENT_DEREGISTERING);
	assert_int_equal(world_pbu(0).lifetime_s, 0);
}

/* The next refresh of a node that nobody took away says so. */
static void refresh_after_the_answer_is_a_refresh(void **state)
{
	struct upn upn = force(MN);

	world_attached();
	world_pass(2000);
	upn.flags = 0;
	hear(&upn);
	world_na(0, world_mac, LINK_TEXT);
	world_accept();
	pass_present(500000);
	expect_pbu(0, HI_UNCHANGED);
}

static void without_neighbour_detection_everybody_is_there(void **state)
{
	struct upn upn = force(MN);

	world->config.nud_interval_ms = 0;
	world_restart();
	world_attached();
	world_pass(60000);
	assert_int_equal(pbus_of(&upn, UPA_STATUS_SUCCESS), 1);
}

static void notification_that_comes_again_is_answered_again_without_another_pbu(void **state)
{
	struct upn upn = force(MN);

	world_attached();
	world_pass(2000);
	world_na(0, world_mac, LINK_TEXT);
	assert_int_equal(pbus_of(&upn, UPA_STATUS_SUCCESS), 1);
	for (unsigned i = 0; i < 2; i++) { /* doubled on the way, sent again */
		assert_int_equal(pbus_of(&upn, UPA_STATUS_SUCCESS), 0);
		upn.flags |= UPN_FLAG_D;
	}
	assert_int_equal(world_stats().upn_received, 3);
	assert_int_equal(world_stats().upn_duplicate, 2);
	upn.flags = UPN_FLAG_D;
	hear(&upn);
	assert_int_equal(world_stats().upa_sent[UPA_STATUS_SUCCESS], 3); /* nobody asked for an answer */
}

static void refusal_that_is_asked_for_again_stays_one(void **state)
{
	struct upn upn = force(MN);

	world_attached();
	upn.reason = UPN_REASON_QOS_SERVICE_REQUEST;
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(pbus_of(&upn, UPA_STATUS_CANNOT_MEET_QOS_SERVICE_REQUEST), 0);
	assert_int_equal(world_stats().upn_duplicate, 1);
}

static void first_copy_that_arrives_counts_and_old_numbers_are_forgotten(void **state)
{
	struct upn upn = force(MN);

	world_attached();
	world_pass(2000);
	world_na(0, world_mac, LINK_TEXT);
	upn.flags = UPN_FLAG_D; /* the one without was lost */
	hear(&upn);
	expect_pbu(0, HI_UNKNOWN);
	world_accept();
	upn.flags |= UPN_FLAG_A;
	pass_present(30000 - 1);
	assert_int_equal(pbus_of(&upn, UPA_STATUS_SUCCESS), 0);
	assert_int_equal(world_stats().upn_duplicate, 1);
	pass_present(1);
	assert_int_equal(pbus_of(&upn, UPA_STATUS_SUCCESS), 1);
	assert_int_equal(world_stats().upn_duplicate, 1);
}

static void stranger_is_not_attached(void **state)
{
	struct upn unknown = force("nobody@example.com"), foreign = force(MN);

	world_attached();
	world_pass(2000);
	world_na(0, world_mac, LINK_TEXT);
	assert_int_equal(pbus_of(&unknown, UPA_STATUS_NOT_ATTACHED), 0);
	foreign.source = &other_lma; /* mn1 is not its */
	assert_int_equal(pbus_of(&foreign, UPA_STATUS_NOT_ATTACHED), 0);
	unknown.flags = 0;
	hear(&unknown);
	assert_int_equal(world_stats().upa_sent[UPA_STATUS_NOT_ATTACHED], 2);
}

static void peer_of_the_own_role_has_no_say(void **state)
{
	struct in6_addr address = world_ip6("2001:db8::b2");
	struct policy_peer mag2 = {.name = "mag2", .address = address, .ro_only = true};
	struct upn upn = force(MN), all = force(NULL);

	assert_int_equal(policy_add_peer(world->policy, &mag2), 0);
	world_attached();
	world_pass(2000);
	world_na(0, world_mac, LINK_TEXT);
	upn.source = all.source = &address;
	all.group = 1;
	assert_int_equal(pbus_of(&upn, UPA_STATUS_NOT_ATTACHED), 0);
	assert_int_equal(pbus_of(&all, UPA_STATUS_NOT_ATTACHED), 0);
}

static void reasons_that_ask_for_what_is_not_here_are_refused(void **state)
{
	const struct {
		uint16_t reason;
		uint8_t status;
		bool vendor;
	} rows[] = {
		{0, UPA_STATUS_UNSPECIFIED, false},
		{UPN_REASON_UPDATE_SESSION_PARAMETERS, UPA_STATUS_FAILED_TO_UPDATE_SESSION_PARAMETERS, false},
		{UPN_REASON_VENDOR_SPECIFIC, UPA_STATUS_MISSING_VENDOR_SPECIFIC_OPTION, false},
		{UPN_REASON_VENDOR_SPECIFIC, UPA_STATUS_UNSPECIFIED, true},
		{UPN_REASON_ANI_PARAMS_REQUESTED, UPA_STATUS_UNSPECIFIED, false},
		{UPN_REASON_QOS_SERVICE_REQUEST, UPA_STATUS_CANNOT_MEET_QOS_SERVICE_REQUEST, false},
		{UPN_REASON_FLOW_MOBILITY, UPA_STATUS_UNSPECIFIED, false},
		{0xffff, UPA_STATUS_UNSPECIFIED, false},
	};

	world_attached();
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct upn upn = force(MN);

		upn.reason = rows[i].reason;
		upn.vendor = rows[i].vendor;
		assert_int_equal(pbus_of(&upn, rows[i].status), 0);
	}
	assert_true(world_remembers(world_mac, HISTORY_upn_received, UINT8_MAX));
}

static void registration_under_way_is_enough(void **state)
{
	struct upn upn = force(MN), later = force(MN);
	uint64_t before;

	world_rs(0, world_mac, LINK_TEXT);
	assert_int_equal(pbus_of(&upn, UPA_STATUS_SUCCESS), 0);
	world_pass(2);
	assert_int_equal(world_stats().pbu_sent, 1);
	pass_present(61000); /* the next one is many seconds away */
	before = world_stats().pbu_sent;
	pass_present(4000);
	assert_int_equal(world_stats().pbu_sent, before);
	assert_int_equal(pbus_of(&later, UPA_STATUS_SUCCESS), 0);
	world_pass(2);
	assert_int_equal(world_stats().pbu_sent, before + 1); /* at once */
}

static void registration_that_is_being_installed_is_enough(void **state)
{
	struct upn upn = force(MN);

	world_rs(0, world_mac, LINK_TEXT);
	world->hold = true;
	world_answer(&(struct world_pba){.lifetime_s = 600});
	assert_int_equal(world_view(world_mac).state, ATTACHMENT_INSTALLING);
	hear(&upn);
	assert_int_equal(world_stats().pbu_sent, 1);
	assert_int_equal(world_stats().upa_sent[UPA_STATUS_SUCCESS], 1);
	world->hold = false;
	world_apply();
	assert_int_equal(world_view(world_mac).state, ATTACHMENT_ACTIVE);
	assert_int_equal(world_stats().pbu_sent, 1);
}

static void registration_that_will_be_tried_again_is_enough(void **state)
{
	struct upn upn = force(MN);

	world_rs(0, world_mac, LINK_TEXT);
	world_reject(MH_STATUS_INSUFFICIENT_RESOURCES);
	assert_int_equal(world_view(world_mac).state, ATTACHMENT_WAITING);
	assert_int_equal(pbus_of(&upn, UPA_STATUS_SUCCESS), 0);
}

static void node_that_left_is_not_attached(void **state)
{
	struct mn_id id = {.subtype = 1, .length = sizeof(MN) - 1, .data = (const uint8_t *)MN};
	struct upn leaving = force(MN), detached = force(MN), refused = force(MN);

	world_attached();
	assert_int_equal(mag_detach(world->mag, &world->now, &id), 0);
	world_apply();
	assert_int_equal(pbus_of(&leaving, UPA_STATUS_NOT_ATTACHED), 0);
	world_pass(1000);
	assert_int_equal(world_view(world_mac).state, ATTACHMENT_DETACHED);
	assert_int_equal(pbus_of(&detached, UPA_STATUS_NOT_ATTACHED), 0);
	world_rs(0, world_mac, LINK_TEXT);
	world_reject(MH_STATUS_NOT_LMA_FOR_THIS_MOBILE_NODE);
	assert_int_equal(world_view(world_mac).state, ATTACHMENT_REFUSED);
	assert_int_equal(pbus_of(&refused, UPA_STATUS_NOT_ATTACHED), 0);
}

/* An echo differed: no PBU before an administrative action (RFC 5213 section 6.9.1.2). */
static void halted_node_is_not_registered(void **state)
{
	struct upn upn = force(MN);

	world_attached();
	world_pass(2000);
	world_rs(0, world_mac, LINK_TEXT);
	world_answer(&(struct world_pba){.lifetime_s = 600, .wrong = WRONG_HI});
	assert_int_equal(pbus_of(&upn, UPA_STATUS_UNSPECIFIED), 0);
}

static void nobody_is_registered_at_the_end(void **state)
{
	struct upn upn = force(MN);

	world_attached();
	world_pass(2000);
	mag_shutdown(world->mag, &world->now);
	world_apply();
	assert_int_equal(pbus_of(&upn, UPA_STATUS_NOT_ATTACHED), 0);
}

/* wire-formats B.10: at most 2 PBU/s. */
static void many_notifications_do_not_make_many_pbus(void **state)
{
	uint64_t before;

	world_attached();
	world_pass(2000);
	before = world_stats().pbu_sent;
	for (unsigned i = 0; i < 10; i++) {
		struct upn upn = force(MN);

		upn.flags = 0;
		world_na(0, world_mac, LINK_TEXT);
		hear(&upn);
		if (world_view(world_mac).state == ATTACHMENT_REFRESHING && world_stats().pbu_sent < before + 3)
			world_accept();
		world_pass(90);
	}
	assert_in_range(world_stats().pbu_sent - before, 1, 2);
}

static void notification_for_all_sessions_registers_those_that_are_there(void **state)
{
	const uint8_t second[6] = {2, 0, 0, 0, 0, 9}, foreign[6] = {2, 0, 0, 0, 0, 2};
	struct upn upn = force(NULL);
	uint64_t before;

	world_attached();
	world_rs(1, second, "fe80::9");
	world_answer(&(struct world_pba){.lifetime_s = 600, .prefixes = {"2001:db8:f1:9::/64"}});
	world_rs(2, foreign, "fe80::2"); /* of the other LMA */
	world_answer(&(struct world_pba){.lifetime_s = 600, .prefixes = {"2001:db8:f1:2::/64"}});
	world_pass(2000);
	world_na(1, second, "fe80::9");
	before = world_stats().pbu_sent;
	upn.group = 1;
	hear(&upn);
	expect_answer(&upn, UPA_STATUS_SUCCESS);
	assert_int_equal(world_stats().pbu_sent, before + 1);
	world_na(0, world_mac, LINK_TEXT); /* answers its probe */
	world_na(2, foreign, "fe80::2");
	assert_int_equal(world_stats().pbu_sent, before + 2);
	expect_pbu(0, HI_UNKNOWN);
}

static void group_that_was_not_agreed_on_is_refused(void **state)
{
	struct upn other = force(NULL), strange = force(NULL), parameters = force(NULL);

	world_attached();
	world_pass(2000);
	world_na(0, world_mac, LINK_TEXT);
	other.group = 2;
	assert_int_equal(pbus_of(&other, UPA_STATUS_UNSPECIFIED), 0);
	strange.group = 1;
	strange.group_type = 2;
	assert_int_equal(pbus_of(&strange, UPA_STATUS_UNSPECIFIED), 0);
	parameters.group = 1;
	parameters.reason = UPN_REASON_UPDATE_SESSION_PARAMETERS;
	assert_int_equal(pbus_of(&parameters, UPA_STATUS_FAILED_TO_UPDATE_SESSION_PARAMETERS), 0);
}

static void notification_about_nobody_or_two_is_refused(void **state)
{
	struct upn nobody = force(NULL), two = force(MN), groups = force(NULL);

	world_attached();
	world_pass(2000);
	world_na(0, world_mac, LINK_TEXT);
	assert_int_equal(pbus_of(&nobody, UPA_STATUS_UNSPECIFIED), 0);
	two.twice = true;
	assert_int_equal(pbus_of(&two, UPA_STATUS_UNSPECIFIED), 0);
	groups.group = 1;
	groups.twice = true;
	assert_int_equal(pbus_of(&groups, UPA_STATUS_UNSPECIFIED), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(node_that_was_seen_just_now_is_registered_at_once),
		TEST(node_that_was_not_seen_has_to_answer_a_probe_first),
		TEST(node_that_is_being_probed_is_asked_at_once),
		TEST(data_answers_the_probe_as_well),
		TEST(node_that_does_not_answer_is_gone_and_asserts_nothing),
		TEST(refresh_after_the_answer_is_a_refresh),
		TEST(without_neighbour_detection_everybody_is_there),
		TEST(notification_that_comes_again_is_answered_again_without_another_pbu),
		TEST(refusal_that_is_asked_for_again_stays_one),
		TEST(first_copy_that_arrives_counts_and_old_numbers_are_forgotten),
		TEST(stranger_is_not_attached),
		TEST(reasons_that_ask_for_what_is_not_here_are_refused),
		TEST(registration_under_way_is_enough),
		TEST(registration_that_is_being_installed_is_enough),
		TEST(registration_that_will_be_tried_again_is_enough),
		TEST(node_that_left_is_not_attached),
		TEST(halted_node_is_not_registered),
		TEST(nobody_is_registered_at_the_end),
		TEST(many_notifications_do_not_make_many_pbus),
		TEST(peer_of_the_own_role_has_no_say),
		TEST(notification_for_all_sessions_registers_those_that_are_there),
		TEST(group_that_was_not_agreed_on_is_refused),
		TEST(notification_about_nobody_or_two_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
