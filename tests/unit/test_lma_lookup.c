/* SPDX-License-Identifier: BSD-3-Clause */
/* Every case of RFC 5213 section 5.4.1 as in wire-formats B.6 and B.10: which session a PBU belongs to. */
#include "lma_world.h"

#include <string.h>

#define MN   "mn1@example.com"
#define MAC1 "\x02\x01\x01\x01\x01\x01"
#define MAC2 "\x02\x02\x02\x02\x02\x02"

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

/* A session of @mn at MAG1 with ATT 4 and @link_layer_id. */
static struct pba session(const char *mn, const char *link_layer_id)
{
	struct pbu pbu = world_pbu(&world, mn, MAG1);
	struct pba pba;

	pbu.link_layer_id = link_layer_id;
	pba = world_ask(&world, &pbu);
	assert_int_equal(pba.status, MH_STATUS_ACCEPTED);
	return pba;
}

static struct home_network_prefix prefix_of(const struct pba *pba)
{
	assert_int_equal(pba->status, MH_STATUS_ACCEPTED);
	assert_int_equal(pba->options.prefix_count, 1);
	return pba->options.prefixes[0];
}

static void expect_update(const struct pbu *pbu, const struct pba *old)
{
	struct home_network_prefix before = prefix_of(old);
	unsigned bindings = world_bindings(&world);
	struct pba pba = world_ask(&world, pbu);
	struct home_network_prefix after = prefix_of(&pba);

	assert_int_equal(world_bindings(&world), bindings);
	assert_memory_equal(&before.prefix, &after.prefix, sizeof(before.prefix));
}

static void expect_new(const struct pbu *pbu)
{
	unsigned bindings = world_bindings(&world);
	struct pba pba = world_ask(&world, pbu);

	assert_int_equal(pba.status, MH_STATUS_ACCEPTED);
	assert_int_equal(world_bindings(&world), bindings + 1);
}

static void expect_refused(const struct pbu *pbu, uint8_t status)
{
	unsigned bindings = world_bindings(&world);

	assert_int_equal(world_ask(&world, pbu).status, status);
	assert_int_equal(world_bindings(&world), bindings);
}

/* A PBU of MAG2 with the prefix of @old. */
static struct pbu with_prefix(const struct pba *old, int indicator, int technology, const char *link_layer_id)
{
	struct pbu pbu = world_pbu_again(&world, MN, MAG2, old, 225);

	pbu.indicator = indicator;
	pbu.technology = technology;
	pbu.link_layer_id = link_layer_id;
	return pbu;
}

/* A PBU of MAG2 with ALL_ZERO. */
static struct pbu without_prefix(int indicator, int technology, const char *link_layer_id)
{
	struct pbu pbu = world_pbu(&world, MN, MAG2);

	pbu.indicator = indicator;
	pbu.technology = technology;
	pbu.link_layer_id = link_layer_id;
	return pbu;
}

/* ---- step 1: a prefix is given ---- */

static void prefix_without_binding_is_a_new_session(void **state)
{
	struct pbu pbu = world_pbu(&world, MN, MAG1);

	pbu.prefixes[0] = "2001:db8:f123:1::";
	pbu.indicator = HI_UNCHANGED; /* after a restart of the LMA */
	expect_new(&pbu);
	assert_non_null(fake_host_endpoint(&world.fake, world_endpoint("2001:db8:f123:1::/64")));
}

static void prefix_of_another_nodes_binding_is_refused_155(void **state)
{
	struct pba other = session("mn2@example.com", MAC2);
	struct pbu pbu = with_prefix(&other, HI_UNKNOWN, 4, MAC1);

	expect_refused(&pbu, MH_STATUS_NOT_AUTHORIZED_FOR_HOME_NETWORK_PREFIX);
}

static void prefix_with_link_layer_id_and_technology_is_an_update(void **state)
{
	struct pba old = session(MN, MAC1);
	struct pbu pbu = with_prefix(&old, HI_UNKNOWN, 4, MAC1);

	expect_update(&pbu, &old);
}

static void prefix_with_handoff_between_interfaces_is_an_update(void **state)
{
	struct pba old = session(MN, MAC1);
	struct pbu pbu = with_prefix(&old, HI_BETWEEN_INTERFACES, 3, MAC2);
	struct binding_view view;

	expect_update(&pbu, &old);
	view = world_binding(&world, MN);
	assert_int_equal(view.access_technology, 3);
	assert_memory_equal(view.link_layer_id, MAC2, 6);
}

static void prefix_with_handoff_between_mags_without_link_layer_ids_is_an_update(void **state)
{
	struct pba old = session(MN, NULL);
	struct pbu pbu = with_prefix(&old, HI_BETWEEN_MAGS, 4, NULL);

	expect_update(&pbu, &old);
}

/* B.10: a link-layer id of zeros is none. */
static void link_layer_id_of_zeros_is_absent_and_echoed(void **state)
{
	struct pbu pbu = world_pbu(&world, MN, MAG1);
	struct pba old, pba;

	pbu.link_layer_id = ZERO_ID;
	old = world_ask(&world, &pbu);
	assert_int_equal(old.options.link_layer_id_length, 6);
	assert_memory_equal(old.options.link_layer_id, "\0\0\0\0\0\0", 6);
	assert_null(world_binding(&world, MN).link_layer_id);
	pbu = with_prefix(&old, HI_BETWEEN_MAGS, 4, ZERO_ID);
	pba = world_ask(&world, &pbu);
	assert_int_equal(pba.status, MH_STATUS_ACCEPTED);
}

static void prefix_from_the_same_mag_and_technology_is_an_update(void **state)
{
	struct pba old = session(MN, MAC1);
	struct pbu pbu = with_prefix(&old, HI_UNCHANGED, 4, NULL);

	pbu.mag = MAG1;
	expect_update(&pbu, &old);
	assert_memory_equal(world_binding(&world, MN).link_layer_id, MAC1, 6); /* not forgotten */
}

/* B.10: it would be a new session with prefixes in use. */
static void prefix_that_fits_no_condition_is_refused_155(void **state)
{
	struct pba old = session(MN, MAC1);
	struct pbu pbu = with_prefix(&old, HI_UNKNOWN, 4, MAC2);

	expect_refused(&pbu, MH_STATUS_NOT_AUTHORIZED_FOR_HOME_NETWORK_PREFIX);
	pbu = with_prefix(&old, HI_UNKNOWN, 5, MAC1); /* another technology */
	expect_refused(&pbu, MH_STATUS_NOT_AUTHORIZED_FOR_HOME_NETWORK_PREFIX);
	pbu = with_prefix(&old, HI_BETWEEN_MAGS, 4, NULL); /* the binding has an id */
	expect_refused(&pbu, MH_STATUS_NOT_AUTHORIZED_FOR_HOME_NETWORK_PREFIX);
	pbu.mag = MAG1;
	pbu.technology = 5; /* the same MAG with another technology */
	pbu.wall_ns += 50000;
	expect_refused(&pbu, MH_STATUS_NOT_AUTHORIZED_FOR_HOME_NETWORK_PREFIX);
}

static void prefixes_of_two_sessions_are_refused_159(void **state)
{
	struct pba first = session(MN, MAC1);
	struct home_network_prefix kept = prefix_of(&first);
	struct pbu pbu = without_prefix(HI_NEW_INTERFACE, 4, MAC2);
	struct pba second = world_ask(&world, &pbu);

	assert_int_equal(second.status, MH_STATUS_ACCEPTED);
	second.options.prefixes[1] = kept;
	second.options.prefix_count = 2;
	pbu = with_prefix(&second, HI_UNKNOWN, 4, MAC2);
	expect_refused(&pbu, MH_STATUS_BCE_PBU_PREFIX_SET_DO_NOT_MATCH);
}

static void deregistration_that_fits_no_session_is_ignored(void **state)
{
	struct pba old;
	struct pbu pbu = world_pbu(&world, MN, MAG1);

	pbu.lifetime = 0; /* no binding at all */
	world_send(&world, &pbu);
	world_expect_silence(&world);
	pbu = world_pbu(&world, MN, MAG1);
	pbu.prefixes[0] = "2001:db8:f123:1::";
	pbu.lifetime = 0;
	world_send(&world, &pbu);
	world_expect_silence(&world);

	old = session(MN, MAC1);
	pbu = with_prefix(&old, HI_UNKNOWN, 4, MAC2); /* a binding, but none of the conditions */
	pbu.lifetime = 0;
	world_send(&world, &pbu);
	world_expect_silence(&world);
	pbu = without_prefix(HI_UNKNOWN, 4, MAC2); /* would wait */
	pbu.lifetime = 0;
	world_send(&world, &pbu);
	world_expect_silence(&world);
	assert_int_equal(world_binding(&world, MN).state, BINDING_ACTIVE);
}

/* ---- step 2: no prefix, a link-layer id ---- */

static void link_layer_id_with_technology_is_an_update(void **state)
{
	struct pba old = session(MN, MAC1);
	struct pbu pbu = without_prefix(HI_UNKNOWN, 4, MAC1);

	expect_update(&pbu, &old);
}

static void other_link_layer_id_with_handoff_between_interfaces_is_an_update_of_the_only_session(void **state)
{
	struct pba old = session(MN, MAC1);
	struct pbu pbu = without_prefix(HI_BETWEEN_INTERFACES, 5, MAC2);

	expect_update(&pbu, &old);
}

static void other_link_layer_id_with_handoff_between_interfaces_is_new_beside_two_sessions(void **state)
{
	struct pbu pbu;

	session(MN, MAC1);
	session(MN, MAC2);
	pbu = without_prefix(HI_BETWEEN_INTERFACES, 4, "\x02\x03\x03\x03\x03\x03");
	expect_new(&pbu);
}

static void other_link_layer_id_with_unknown_handoff_waits(void **state)
{
	struct pbu pbu;

	session(MN, MAC1);
	pbu = without_prefix(HI_UNKNOWN, 4, MAC2);
	world_send(&world, &pbu);
	world_expect_silence(&world);
	assert_int_equal(world_binding(&world, MN).state, BINDING_HELD);
}

static void other_link_layer_id_with_unknown_handoff_is_new_beside_two_sessions(void **state)
{
	struct pbu pbu;

	session(MN, MAC1);
	session(MN, MAC2);
	pbu = without_prefix(HI_UNKNOWN, 4, "\x02\x03\x03\x03\x03\x03");
	expect_new(&pbu);
}

static void other_link_layer_id_with_other_indicators_is_a_new_session(void **state)
{
	static const int indicators[] = {HI_RESERVED, HI_NEW_INTERFACE, HI_BETWEEN_MAGS, HI_UNCHANGED};

	for (unsigned i = 0; i < sizeof(indicators) / sizeof(indicators[0]); i++) {
		struct pbu pbu;

		session("mn2@example.com", MAC1);
		pbu = without_prefix(indicators[i], 4, MAC2);
		pbu.mn = "mn2@example.com";
		expect_new(&pbu);
		lma_clear(world.lma, &world.now, &(struct mn_id){1, 15, (const uint8_t *)"mn2@example.com"});
		fake_host_run(&world.fake);
	}
}

static void link_layer_id_with_another_technology_is_a_new_session(void **state)
{
	struct pbu pbu;

	session(MN, MAC1);
	pbu = without_prefix(HI_NEW_INTERFACE, 5, MAC1);
	expect_new(&pbu);
}

/* ---- step 3: neither prefix nor link-layer id ---- */

static void bare_pbu_with_handoff_2_or_3_is_an_update_of_the_only_session(void **state)
{
	struct pba old = session(MN, MAC1);
	struct pbu pbu = without_prefix(HI_BETWEEN_MAGS, 4, NULL);

	expect_update(&pbu, &old);
	pbu = without_prefix(HI_BETWEEN_INTERFACES, 4, NULL);
	expect_update(&pbu, &old);
	assert_null(world_binding(&world, MN).link_layer_id); /* the new interface's is not known */
}

static void bare_pbu_with_unknown_handoff_waits(void **state)
{
	struct pbu pbu;

	session(MN, NULL);
	pbu = without_prefix(HI_UNKNOWN, 4, NULL);
	world_send(&world, &pbu);
	world_expect_silence(&world);
	assert_int_equal(world_binding(&world, MN).state, BINDING_HELD);
}

static void bare_pbu_with_other_indicators_is_a_new_session(void **state)
{
	static const int indicators[] = {HI_RESERVED, HI_NEW_INTERFACE, HI_UNCHANGED};

	session(MN, NULL);
	for (unsigned i = 0; i < sizeof(indicators) / sizeof(indicators[0]); i++) {
		struct pbu pbu = without_prefix(indicators[i], 4, NULL);

		expect_new(&pbu);
	}
}

static void bare_pbu_is_a_new_session_beside_two(void **state)
{
	struct pbu pbu;

	session(MN, MAC1);
	session(MN, MAC2);
	for (int indicator = HI_BETWEEN_INTERFACES; indicator <= HI_UNKNOWN; indicator++) {
		pbu = without_prefix(indicator, 4, NULL);
		expect_new(&pbu);
	}
}

/* B.10: the only session is on its way out anyway. */
static void unknown_handoff_updates_a_session_in_its_delete_wait_at_once(void **state)
{
	struct pba old = session(MN, MAC1);
	struct home_network_prefix before = prefix_of(&old);
	struct pbu pbu = world_pbu_again(&world, MN, MAG1, &old, 0);
	struct pba pba = world_ask(&world, &pbu);

	assert_int_equal(pba.status, MH_STATUS_ACCEPTED);
	pbu = without_prefix(HI_UNKNOWN, 4, MAC2);
	pba = world_ask(&world, &pbu);
	assert_int_equal(pba.status, MH_STATUS_ACCEPTED);
	assert_memory_equal(&pba.options.prefixes[0].prefix, &before.prefix, sizeof(before.prefix));
	assert_int_equal(world_binding(&world, MN).state, BINDING_ACTIVE);
}

static void impatient(struct lma_config *config)
{
	config->immediate_new_bce = true;
}

static void unknown_handoff_is_a_new_session_at_once_if_configured(void **state)
{
	struct pbu pbu;

	world_fini(&world);
	world_init(&world, impatient);
	session(MN, MAC1);
	pbu = without_prefix(HI_UNKNOWN, 4, MAC2);
	expect_new(&pbu);
}

/* Identifiers compare as octets, long ones too. */
static void link_layer_ids_of_any_length_are_told_apart(void **state)
{
	char one[250], other[250];
	struct pba old;
	struct pbu pbu;

	memset(one, 'x', sizeof(one) - 1);
	one[sizeof(one) - 1] = '\0';
	memcpy(other, one, sizeof(one));
	other[200] = 'y';
	old = session(MN, one);
	pbu = without_prefix(HI_NEW_INTERFACE, 4, other);
	expect_new(&pbu);
	pbu = without_prefix(HI_NEW_INTERFACE, 4, one);
	expect_update(&pbu, &old);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(prefix_without_binding_is_a_new_session),
		TEST(prefix_of_another_nodes_binding_is_refused_155),
		TEST(prefix_with_link_layer_id_and_technology_is_an_update),
		TEST(prefix_with_handoff_between_interfaces_is_an_update),
		TEST(prefix_with_handoff_between_mags_without_link_layer_ids_is_an_update),
		TEST(link_layer_id_of_zeros_is_absent_and_echoed),
		TEST(prefix_from_the_same_mag_and_technology_is_an_update),
		TEST(prefix_that_fits_no_condition_is_refused_155),
		TEST(prefixes_of_two_sessions_are_refused_159),
		TEST(deregistration_that_fits_no_session_is_ignored),
		TEST(link_layer_id_with_technology_is_an_update),
		TEST(other_link_layer_id_with_handoff_between_interfaces_is_an_update_of_the_only_session),
		TEST(other_link_layer_id_with_handoff_between_interfaces_is_new_beside_two_sessions),
		TEST(other_link_layer_id_with_unknown_handoff_waits),
		TEST(other_link_layer_id_with_unknown_handoff_is_new_beside_two_sessions),
		TEST(other_link_layer_id_with_other_indicators_is_a_new_session),
		TEST(link_layer_id_with_another_technology_is_a_new_session),
		TEST(bare_pbu_with_handoff_2_or_3_is_an_update_of_the_only_session),
		TEST(bare_pbu_with_unknown_handoff_waits),
		TEST(bare_pbu_with_other_indicators_is_a_new_session),
		TEST(bare_pbu_is_a_new_session_beside_two),
		TEST(unknown_handoff_updates_a_session_in_its_delete_wait_at_once),
		TEST(unknown_handoff_is_a_new_session_at_once_if_configured),
		TEST(link_layer_ids_of_any_length_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
