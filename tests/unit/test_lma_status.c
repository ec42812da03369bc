/* SPDX-License-Identifier: BSD-3-Clause */
/* Every PBA status of RFC 5213 section 8.9, and of RFC 6275, by its cause. */
#include "lma_world.h"

#include <errno.h>
#include <string.h>

#include "endpoint.h"
#include "format.h"

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

static void expect_status(const struct pbu *pbu, uint8_t status)
{
	struct pba pba = world_ask(&world, pbu);

	assert_int_equal(pba.status, status);
	assert_int_equal(pba.sequence, pbu->sequence);
	assert_int_equal(pba.lifetime, 0);
	assert_memory_equal(&pba.to, &mag_addresses[pbu->mag], sizeof(pba.to));
}

static void pbu_of_a_known_node_is_accepted_0(void **state)
{
	struct pbu pbu = world_pbu(&world, "mn1@example.com", MAG1);
	struct pba pba = world_ask(&world, &pbu);
	const struct forward *forward;
	struct tunnel_view tunnel;

	assert_int_equal(pba.status, MH_STATUS_ACCEPTED);
	assert_int_equal(pba.sequence, pbu.sequence);
	assert_int_equal(pba.lifetime, 225);
	assert_int_equal(pba.options.mn_id.length, strlen("mn1@example.com"));
	assert_memory_equal(pba.options.mn_id.data, "mn1@example.com", strlen("mn1@example.com"));
	assert_int_equal(pba.options.prefix_count, 1);
	assert_int_equal(pba.options.prefixes[0].length, 64);
	assert_int_equal(pba.options.handoff_indicator, HI_NEW_INTERFACE);
	assert_int_equal(pba.options.access_technology, 4);
	assert_int_equal(pba.options.timestamp, mh_timestamp_from_ns(pbu.wall_ns));
	assert_int_equal(pba.options.link_layer_id_length, 6);
	assert_memory_equal(pba.options.link_layer_id, pbu.link_layer_id, 6);
	assert_int_equal(pba.options.link_local_count, 0);

	forward = fake_host_endpoint(&world.fake, endpoint_id_ipv6(pba.options.prefixes[0].prefix.s6_addr));
	assert_non_null(forward);
	assert_int_equal(forward->action, FORWARD_TUNNEL);
	assert_int_equal(forward->flags, 0);
	assert_true(lma_tunnel_next(world.lma, 0, &tunnel));
	assert_int_equal(forward->tunnel, tunnel.index);
	assert_memory_equal(&tunnel.remote, &mag_addresses[MAG1], sizeof(tunnel.remote));
	assert_int_equal(tunnel.users, 1);
}

static void pbu_with_an_option_twice_is_rejected_128(void **state)
{
	struct pbu pbu = world_pbu(&world, "mn1@example.com", MAG1);

	pbu.twice = true;
	expect_status(&pbu, MH_STATUS_UNSPECIFIED);
}

static void pbu_with_all_zero_beside_a_prefix_is_rejected_128(void **state)
{
	struct pbu pbu = world_pbu(&world, "mn1@example.com", MAG1);

	pbu.prefixes[pbu.prefix_count++] = "2001:db8:f000::";
	expect_status(&pbu, MH_STATUS_UNSPECIFIED);
	pbu = world_pbu(&world, "mn1@example.com", MAG1);
	pbu.prefixes[pbu.prefix_count++] = "::";
	expect_status(&pbu, MH_STATUS_UNSPECIFIED);
	assert_int_equal(world_bindings(&world), 0);
}

static void one_binding(struct lma_config *config)
{
	config->max_bindings = 1;
}

static void pbu_beyond_max_bindings_is_rejected_130(void **state)
{
	struct pbu pbu;

	world_fini(&world);
	world_init(&world, one_binding);
	world_register(&world, "mn1@example.com", MAG1);
	pbu = world_pbu(&world, "mn2@example.com", MAG1);
	expect_status(&pbu, MH_STATUS_INSUFFICIENT_RESOURCES);
	assert_int_equal(world_bindings(&world), 1);
}

static void new_session_is_rejected_130_while_the_host_is_busy(void **state)
{
	struct pba granted = world_register(&world, "mn1@example.com", MAG1);
	struct pbu pbu;

	world.fake.is_busy = true;
	pbu = world_pbu(&world, "mn2@example.com", MAG1);
	expect_status(&pbu, MH_STATUS_INSUFFICIENT_RESOURCES);
	pbu = world_pbu_again(&world, "mn1@example.com", MAG1, &granted, 225);
	assert_int_equal(world_ask(&world, &pbu).status, MH_STATUS_ACCEPTED);
	pbu = world_pbu_again(&world, "mn1@example.com", MAG1, &granted, 0);
	assert_int_equal(world_ask(&world, &pbu).status, MH_STATUS_ACCEPTED);
}

static void new_session_without_a_free_index_is_rejected_130(void **state)
{
	struct pbu pbu = world_pbu(&world, "mn1@example.com", MAG1);

	world.fake.index_limit[INDEX_NODE] = 0;
	expect_status(&pbu, MH_STATUS_INSUFFICIENT_RESOURCES);
	world.fake.index_limit[INDEX_NODE] = 10;
	world.fake.index_limit[INDEX_TUNNEL] = 0;
	pbu = world_pbu(&world, "mn1@example.com", MAG1);
	expect_status(&pbu, MH_STATUS_INSUFFICIENT_RESOURCES);
	assert_int_equal(fake_host_indexes(&world.fake, INDEX_NODE), 0);
	world.fake.index_limit[INDEX_TUNNEL] = 10;
	world_register(&world, "mn1@example.com", MAG1);
}

static void new_session_from_an_empty_pool_is_rejected_130(void **state)
{
	struct pba granted[4];
	struct pbu pbu;

	for (unsigned i = 0; i < 4; i++) {
		pbu = world_pbu(&world, "small@example.com", MAG1);
		pbu.link_layer_id = (const char *[]){"interface1", "interface2", "interface3", "interface4"}[i];
		granted[i] = world_ask(&world, &pbu);
		assert_int_equal(granted[i].status, MH_STATUS_ACCEPTED);
	}
	pbu = world_pbu(&world, "small@example.com", MAG1);
	expect_status(&pbu, MH_STATUS_INSUFFICIENT_RESOURCES);
}

static void refused_forwarding_state_is_answered_130_and_leaves_nothing(void **state)
{
	static const int errors[] = {-ENOSPC, -EHOSTUNREACH};

	for (unsigned n = 1; n <= 2; n++) { /* tunnel_insert, endpoint_insert */
		struct pbu pbu = world_pbu(&world, "mn1@example.com", MAG1);

		world.fake.fail_update = n;
		world.fake.fail_error = errors[n - 1];
		expect_status(&pbu, MH_STATUS_INSUFFICIENT_RESOURCES);
		assert_int_equal(world_bindings(&world), 0);
		assert_int_equal(world.fake.endpoint_count, 0);
		assert_int_equal(world.fake.tunnel_count, 0);
		assert_int_equal(fake_host_indexes(&world.fake, INDEX_NODE), 0);
		assert_int_equal(fake_host_indexes(&world.fake, INDEX_TUNNEL), 0);
	}
	world_register(&world, "mn1@example.com", MAG1);
}

static void pbu_with_an_older_sequence_number_is_rejected_135(void **state)
{
	struct pba granted;
	struct pbu pbu = world_pbu(&world, "mn1@example.com", MAG1);

	pbu.has_timestamp = false;
	pbu.sequence = 15;
	granted = world_ask(&world, &pbu);
	assert_int_equal(granted.status, MH_STATUS_ACCEPTED);
	assert_int_equal(granted.options.timestamp_count, 0);
	for (unsigned i = 0; i < 4; i++) {
		struct pba pba;

		pbu = world_pbu_again(&world, "mn1@example.com", MAG1, &granted, 200);
		pbu.has_timestamp = false;
		pbu.sequence = (const uint16_t[]){14, 15, 32783, 65535}[i];
		pba = world_ask(&world, &pbu);
		assert_int_equal(pba.status, MH_STATUS_SEQUENCE_OUT_OF_WINDOW);
		assert_int_equal(pba.sequence, 15); /* the last accepted one */
	}
	pbu.sequence = 32782;
	assert_int_equal(world_ask(&world, &pbu).status, MH_STATUS_ACCEPTED);
	pbu.sequence = 4; /* past the wrap */
	assert_int_equal(world_ask(&world, &pbu).status, MH_STATUS_ACCEPTED);
}

static void pbu_for_a_node_without_proxy_service_is_rejected_152(void **state)
{
	struct pbu pbu = world_pbu(&world, "disabled@example.com", MAG1);

	expect_status(&pbu, MH_STATUS_PROXY_REG_NOT_ENABLED);
}

static void pbu_for_an_unknown_node_is_rejected_153(void **state)
{
	struct pbu pbu = world_pbu(&world, "nobody@example.com", MAG1);

	expect_status(&pbu, MH_STATUS_NOT_LMA_FOR_THIS_MOBILE_NODE);
}

static void pbu_of_a_mag_that_may_not_register_the_node_is_rejected_154(void **state)
{
	struct pbu pbu = world_pbu(&world, "mag1-only@example.com", MAG2);

	expect_status(&pbu, MH_STATUS_MAG_NOT_AUTHORIZED_FOR_PROXY_REG);
	pbu = world_pbu(&world, "mn1@example.com", MAG4);
	expect_status(&pbu, MH_STATUS_MAG_NOT_AUTHORIZED_FOR_PROXY_REG);
	world_register(&world, "mag1-only@example.com", MAG1);
}

static void add_lma(struct lma_config *config)
{
	struct policy_peer lma2 = {.name = "lma2", .address = mag_addresses[MAG4], .ro_only = true};

	assert_ptr_equal(config->policy, world.policy);
	assert_int_equal(policy_add_peer(world.policy, &lma2), 0);
}

/* Whoever it asks for, known or not. */
static void pbu_of_another_lma_is_rejected_154(void **state)
{
	static const char *const nodes[] = {"mn1@example.com", "nobody@example.com", "disabled@example.com"};

	world_fini(&world);
	world_init(&world, add_lma);
	for (unsigned i = 0; i < 3; i++) {
		struct pbu pbu = world_pbu(&world, nodes[i], MAG4);

		expect_status(&pbu, MH_STATUS_MAG_NOT_AUTHORIZED_FOR_PROXY_REG);
	}
	assert_int_equal(world_bindings(&world), 0);
}

static void pbu_with_a_prefix_that_is_not_the_nodes_is_rejected_155(void **state)
{
	static const char *const foreign[] = {
		"2001:db8:f1:1::",   /* static of another node */
		"fd00:1::",          /* of another pool */
		"2001:db8:9999:1::", /* of nobody */
		"ff0e::",            /* no prefix of anybody */
	};
	struct in6_addr copied;
	struct pba pba;

	for (unsigned i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
		struct pbu pbu = world_pbu(&world, "mn1@example.com", MAG1);

		pbu.prefixes[0] = foreign[i];
		pba = world_ask(&world, &pbu);
		assert_int_equal(pba.status, MH_STATUS_NOT_AUTHORIZED_FOR_HOME_NETWORK_PREFIX);
		assert_int_equal(pba.options.prefix_count, 1); /* copied */
		assert_int_equal(pba.options.prefixes[0].length, 64);
		assert_int_equal(ip6_parse(foreign[i], &copied), 0);
		assert_memory_equal(&pba.options.prefixes[0].prefix, &copied, sizeof(copied));
	}
}

static void pbu_with_a_prefix_length_other_than_64_is_rejected_155(void **state)
{
	struct pbu pbu = world_pbu(&world, "mn1@example.com", MAG1);

	pbu.prefixes[0] = "2001:db8:f000::";
	pbu.prefix_length = 56;
	expect_status(&pbu, MH_STATUS_NOT_AUTHORIZED_FOR_HOME_NETWORK_PREFIX);
}

static void pbu_with_more_prefixes_than_the_policy_grants_is_rejected_155(void **state)
{
	struct pbu pbu = world_pbu(&world, "mn1@example.com", MAG1);

	pbu.prefixes[0] = "2001:db8:f000:1::";
	pbu.prefixes[pbu.prefix_count++] = "2001:db8:f000:2::";
	expect_status(&pbu, MH_STATUS_NOT_AUTHORIZED_FOR_HOME_NETWORK_PREFIX);
	pbu = world_pbu(&world, "two@example.com", MAG1);
	pbu.prefixes[0] = pbu.prefixes[1] = "2001:db8:f000:1::";
	pbu.prefix_count = 2;
	expect_status(&pbu, MH_STATUS_NOT_AUTHORIZED_FOR_HOME_NETWORK_PREFIX); /* the same twice */
	for (pbu.prefix_count = 0; pbu.prefix_count < 20; pbu.prefix_count++)
		pbu.prefixes[pbu.prefix_count] = "2001:db8:f000:7::";
	pbu.wall_ns += 100000;
	expect_status(&pbu, MH_STATUS_NOT_AUTHORIZED_FOR_HOME_NETWORK_PREFIX); /* more than we keep */
}

static void pbu_with_a_timestamp_outside_the_window_is_rejected_156(void **state)
{
	for (int direction = -1; direction <= 1; direction += 2) {
		struct pbu pbu = world_pbu(&world, "mn1@example.com", MAG1);
		struct pba pba;

		pbu.wall_ns += (uint64_t)direction * 301 * 1000000;
		pba = world_ask(&world, &pbu);
		assert_int_equal(pba.status, MH_STATUS_TIMESTAMP_MISMATCH);
		assert_int_equal(pba.options.timestamp, mh_timestamp_from_ns(world.now.wall_ns));
		pbu.wall_ns = world.now.wall_ns + (uint64_t)direction * 299 * 1000000;
		assert_int_equal(world_ask(&world, &pbu).status, MH_STATUS_ACCEPTED);
		lma_clear(world.lma, &world.now, &(struct mn_id){1, 15, (const uint8_t *)"mn1@example.com"});
		fake_host_run(&world.fake);
	}
}

/* B.10: an equal timestamp is a duplicate, or 156. */
static void another_pbu_with_the_same_timestamp_is_rejected_156(void **state)
{
	struct pbu pbu = world_pbu(&world, "mn1@example.com", MAG1);

	assert_int_equal(world_ask(&world, &pbu).status, MH_STATUS_ACCEPTED);
	pbu.sequence++;
	expect_status(&pbu, MH_STATUS_TIMESTAMP_MISMATCH);
}

static void mobile_node_timestamps(struct lma_config *config)
{
	config->mobile_node_generated_timestamp_in_use = true;
}

static void window_is_not_applied_to_timestamps_of_mobile_nodes(void **state)
{
	struct pba granted;
	struct pbu pbu;

	world_fini(&world);
	world_init(&world, mobile_node_timestamps);
	pbu = world_pbu(&world, "mn1@example.com", MAG1);
	pbu.wall_ns = 5000000000;
	granted = world_ask(&world, &pbu);
	assert_int_equal(granted.status, MH_STATUS_ACCEPTED);
	pbu = world_pbu_again(&world, "mn1@example.com", MAG1, &granted, 200);
	pbu.wall_ns = 4000000000;
	granted = world_ask(&world, &pbu);
	assert_int_equal(granted.status, MH_STATUS_TIMESTAMP_LOWER_THAN_PREV_ACCEPTED);
	assert_int_equal(granted.options.timestamp, mh_timestamp_from_ns(pbu.wall_ns)); /* rule 7 of 5.5 */
}

static void pbu_with_older_timestamp_is_rejected_157(void **state)
{
	struct pba granted = world_register(&world, "mn1@example.com", MAG1);
	struct pbu pbu = world_pbu_again(&world, "mn1@example.com", MAG1, &granted, 200);
	struct pba pba;

	pbu.wall_ns -= 100 * 1000000;
	pba = world_ask(&world, &pbu);
	assert_int_equal(pba.status, MH_STATUS_TIMESTAMP_LOWER_THAN_PREV_ACCEPTED);
	assert_int_equal(pba.options.timestamp, mh_timestamp_from_ns(world.now.wall_ns));
	pbu.wall_ns -= UINT64_C(86400) * 1000000000; /* checked before the window */
	pba = world_ask(&world, &pbu);
	assert_int_equal(pba.status, MH_STATUS_TIMESTAMP_LOWER_THAN_PREV_ACCEPTED);
}

/* The timestamp is the node's, over all its sessions. */
static void older_timestamp_is_rejected_157_for_another_interface_too(void **state)
{
	struct pbu early = world_pbu(&world, "mn1@example.com", MAG2);

	early.link_layer_id = "other";
	world_register(&world, "mn1@example.com", MAG1);
	expect_status(&early, MH_STATUS_TIMESTAMP_LOWER_THAN_PREV_ACCEPTED);
}

/* B.10: only an accepted PBU moves the clock. */
static void timestamp_of_a_rejected_pbu_is_not_kept(void **state)
{
	struct pba granted = world_register(&world, "mn1@example.com", MAG1);
	struct pbu rejected = world_pbu_again(&world, "mn1@example.com", MAG1, &granted, 200);
	struct pbu pbu = rejected;

	rejected.wall_ns += 200 * 1000000;
	rejected.indicator = -1;
	expect_status(&rejected, MH_STATUS_MISSING_HANDOFF_INDICATOR_OPTION);
	assert_int_equal(world_ask(&world, &pbu).status, MH_STATUS_ACCEPTED);
}

static void pbu_without_a_prefix_option_is_rejected_158(void **state)
{
	struct pbu pbu = world_pbu(&world, "mn1@example.com", MAG1);
	struct pba pba;

	pbu.prefix_count = 0;
	pba = world_ask(&world, &pbu);
	assert_int_equal(pba.status, MH_STATUS_MISSING_HOME_NETWORK_PREFIX_OPTION);
	assert_int_equal(pba.options.prefix_count, 1);
	assert_int_equal(pba.options.prefixes[0].length, 0);
	assert_int_equal(pba.options.prefixes[0].prefix.s6_addr[0], 0);
}

static void pbu_with_another_prefix_set_than_the_bindings_is_rejected_159(void **state)
{
	struct pba granted = world_register(&world, "two@example.com", MAG1);
	struct pbu pbu;

	assert_int_equal(granted.options.prefix_count, 2);
	pbu = world_pbu_again(&world, "two@example.com", MAG1, &granted, 225);
	pbu.prefix_count = 1; /* another count */
	expect_status(&pbu, MH_STATUS_BCE_PBU_PREFIX_SET_DO_NOT_MATCH);
	pbu = world_pbu_again(&world, "two@example.com", MAG1, &granted, 225);
	pbu.prefixes[1] = "2001:db8:f000:77::"; /* another prefix */
	expect_status(&pbu, MH_STATUS_BCE_PBU_PREFIX_SET_DO_NOT_MATCH);
	pbu = world_pbu_again(&world, "two@example.com", MAG1, &granted, 225);
	pbu.prefixes[1] = pbu.prefixes[0]; /* the count fits, the set does not */
	expect_status(&pbu, MH_STATUS_BCE_PBU_PREFIX_SET_DO_NOT_MATCH);
	pbu = world_pbu_again(&world, "two@example.com", MAG1, &granted, 225);
	pbu.prefixes[0] = pbu.prefixes[1];
	pbu.prefixes[1] = world_pbu_again(&world, "two@example.com", MAG1, &granted, 225).prefixes[0];
	pbu.wall_ns = world.now.wall_ns;
	assert_int_equal(world_ask(&world, &pbu).status, MH_STATUS_ACCEPTED); /* in any order */
}

static void pbu_without_mn_identifier_is_rejected_160(void **state)
{
	struct pbu pbu = world_pbu(&world, NULL, MAG1);
	struct pba pba = world_ask(&world, &pbu);

	assert_int_equal(pba.status, MH_STATUS_MISSING_MN_IDENTIFIER_OPTION);
	assert_int_equal(pba.options.mn_id_count, 1);
	assert_int_equal(pba.options.mn_id.length, 0);
}

static void pbu_without_handoff_indicator_is_rejected_161(void **state)
{
	struct pbu pbu = world_pbu(&world, "mn1@example.com", MAG1);
	struct pba pba;

	pbu.indicator = -1;
	pba = world_ask(&world, &pbu);
	assert_int_equal(pba.status, MH_STATUS_MISSING_HANDOFF_INDICATOR_OPTION);
	assert_int_equal(pba.options.handoff_indicator_count, 1);
	assert_int_equal(pba.options.handoff_indicator, 0);
}

static void pbu_without_access_technology_type_is_rejected_162(void **state)
{
	struct pbu pbu = world_pbu(&world, "mn1@example.com", MAG1);
	struct pba pba;

	pbu.technology = -1;
	pba = world_ask(&world, &pbu);
	assert_int_equal(pba.status, MH_STATUS_MISSING_ACCESS_TECH_TYPE_OPTION);
	assert_int_equal(pba.options.access_technology_count, 1);
	assert_int_equal(pba.options.access_technology, 0);
}

/* The order of the checks (B.3): take one mistake away after the other. */
static void first_check_that_fails_gives_the_status(void **state)
{
	struct pbu pbu = world_pbu(&world, NULL, MAG2);

	pbu.wall_ns = 1;
	pbu.prefix_count = 0;
	pbu.indicator = pbu.technology = -1;
	expect_status(&pbu, MH_STATUS_MISSING_MN_IDENTIFIER_OPTION);
	pbu.mn = "mag1-only@example.com";
	expect_status(&pbu, MH_STATUS_MAG_NOT_AUTHORIZED_FOR_PROXY_REG);
	pbu.mn = "nobody@example.com";
	expect_status(&pbu, MH_STATUS_NOT_LMA_FOR_THIS_MOBILE_NODE);
	pbu.mn = "disabled@example.com";
	expect_status(&pbu, MH_STATUS_PROXY_REG_NOT_ENABLED);
	pbu.mn = "mn1@example.com";
	expect_status(&pbu, MH_STATUS_TIMESTAMP_MISMATCH);
	pbu.wall_ns = world.now.wall_ns;
	expect_status(&pbu, MH_STATUS_MISSING_HOME_NETWORK_PREFIX_OPTION);
	pbu.prefix_count = 1;
	expect_status(&pbu, MH_STATUS_MISSING_HANDOFF_INDICATOR_OPTION);
	pbu.indicator = HI_NEW_INTERFACE;
	expect_status(&pbu, MH_STATUS_MISSING_ACCESS_TECH_TYPE_OPTION);
	pbu.technology = 4;
	assert_int_equal(world_ask(&world, &pbu).status, MH_STATUS_ACCEPTED);
}

static void pbu_with_a_care_of_address_that_is_none_is_ignored(void **state)
{
	static const char *const none[] = {"::", "ff02::1", "fe80::1", "::1", "2001:db8:1::1"};

	for (unsigned i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		struct pbu pbu = world_pbu(&world, "mn1@example.com", MAG1);

		pbu.alternate = none[i];
		world_send(&world, &pbu);
		world_expect_silence(&world);
	}
	assert_int_equal(world_bindings(&world), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(pbu_of_a_known_node_is_accepted_0),
		TEST(pbu_with_an_option_twice_is_rejected_128),
		TEST(pbu_with_all_zero_beside_a_prefix_is_rejected_128),
		TEST(pbu_beyond_max_bindings_is_rejected_130),
		TEST(new_session_is_rejected_130_while_the_host_is_busy),
		TEST(new_session_without_a_free_index_is_rejected_130),
		TEST(new_session_from_an_empty_pool_is_rejected_130),
		TEST(refused_forwarding_state_is_answered_130_and_leaves_nothing),
		TEST(pbu_with_an_older_sequence_number_is_rejected_135),
		TEST(pbu_for_a_node_without_proxy_service_is_rejected_152),
		TEST(pbu_for_an_unknown_node_is_rejected_153),
		TEST(pbu_of_a_mag_that_may_not_register_the_node_is_rejected_154),
		TEST(pbu_of_another_lma_is_rejected_154),
		TEST(pbu_with_a_prefix_that_is_not_the_nodes_is_rejected_155),
		TEST(pbu_with_a_prefix_length_other_than_64_is_rejected_155),
		TEST(pbu_with_more_prefixes_than_the_policy_grants_is_rejected_155),
		TEST(pbu_with_a_timestamp_outside_the_window_is_rejected_156),
		TEST(another_pbu_with_the_same_timestamp_is_rejected_156),
		TEST(window_is_not_applied_to_timestamps_of_mobile_nodes),
		TEST(pbu_with_older_timestamp_is_rejected_157),
		TEST(older_timestamp_is_rejected_157_for_another_interface_too),
		TEST(timestamp_of_a_rejected_pbu_is_not_kept),
		TEST(pbu_without_a_prefix_option_is_rejected_158),
		TEST(pbu_with_another_prefix_set_than_the_bindings_is_rejected_159),
		TEST(pbu_without_mn_identifier_is_rejected_160),
		TEST(pbu_without_handoff_indicator_is_rejected_161),
		TEST(pbu_without_access_technology_type_is_rejected_162),
		TEST(first_check_that_fails_gives_the_status),
		TEST(pbu_with_a_care_of_address_that_is_none_is_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
