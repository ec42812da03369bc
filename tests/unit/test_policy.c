/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>

#include "node/hash_index.h"
#include "node/policy.h"

static struct in6_addr ip6(const char *text)
{
	struct in6_addr address;

	assert_int_equal(inet_pton(AF_INET6, text, &address), 1);
	return address;
}

static struct home_network_prefix prefix(const char *text, uint8_t length)
{
	return (struct home_network_prefix){.prefix = ip6(text), .length = length};
}

static struct mn_id nai(const char *text)
{
	return (struct mn_id){.subtype = 1, .length = (uint8_t)strlen(text), .data = (const uint8_t *)text};
}

static int setup(void **state)
{
	*state = policy_create();
	return *state == NULL;
}

static int teardown(void **state)
{
	policy_destroy(*state);
	return 0;
}

static void assert_node_id(const struct policy_node *node, const char *id)
{
	assert_int_equal(node->id.subtype, 1);
	assert_int_equal(node->id.length, strlen(id));
	assert_memory_equal(node->id.data, id, strlen(id));
}

static void empty_policy_knows_nobody(void **state)
{
	struct policy *policy = *state;
	struct mn_id id = nai("mn1@example.com");
	struct home_network_prefix hnp = prefix("2001:db8:1::", 64);
	struct in6_addr address = ip6("2001:db8::1");
	uint8_t text[MN_ID_MAX];
	struct policy_node node;

	assert_false(policy_node_by_id(policy, &id, &node));
	assert_false(policy_node_by_mac(policy, (const uint8_t[6]){2, 0, 0, 0, 0, 1}, text, &node));
	assert_null(policy_prefix_owner(policy, &hnp));
	assert_null(policy_node(policy, 0));
	assert_null(policy_peer(policy, 0));
	assert_null(policy_pool(policy, 0));
	assert_int_equal(policy_pool_find(policy, &hnp), UINT32_MAX);
	assert_int_equal(policy_peer_find(policy, &address), UINT32_MAX);
	assert_int_equal(policy_peer_find_name(policy, "lma"), UINT32_MAX);
	policy_destroy(NULL);
}

static void peers_are_found_by_address_and_name_and_copied(void **state)
{
	struct policy *policy = *state;
	char name[] = "mag1";
	struct policy_peer peer = {.name = name, .address = ip6("2001:db8::1"), .insecure = true, .heartbeat = true};
	struct in6_addr second = ip6("2001:db8::2"), third = ip6("2001:db8::3");

	assert_int_equal(policy_add_peer(policy, &peer), 0);
	name[3] = '2';
	peer.address = second;
	peer.heartbeat = false;
	assert_int_equal(policy_add_peer(policy, &peer), 0);
	memset(name, 'x', sizeof(name) - 1);
	assert_string_equal(policy_peer(policy, 0)->name, "mag1");
	assert_true(policy_peer(policy, 0)->heartbeat);
	assert_string_equal(policy_peer(policy, 1)->name, "mag2");
	assert_false(policy_peer(policy, 1)->heartbeat);
	assert_int_equal(policy_peer_find(policy, &second), 1);
	assert_int_equal(policy_peer_find_name(policy, "mag2"), 1);
	assert_int_equal(policy_peer_find(policy, &third), UINT32_MAX);
	assert_int_equal(policy_peer_find_name(policy, "mag3"), UINT32_MAX);
	assert_null(policy_peer(policy, 2));
}

static void peer_with_a_taken_name_or_address_is_refused(void **state)
{
	struct policy *policy = *state;
	struct policy_peer peer = {.name = "mag1", .address = ip6("2001:db8::1")};
	struct policy_peer same_name = {.name = "mag1", .address = ip6("2001:db8::2")};
	struct policy_peer same_address = {.name = "mag2", .address = ip6("2001:db8::1")};

	assert_int_equal(policy_add_peer(policy, &peer), 0);
	assert_int_equal(policy_add_peer(policy, &same_name), -EEXIST);
	assert_int_equal(policy_add_peer(policy, &same_address), -EEXIST);
	assert_null(policy_peer(policy, 1));
}

static void prefix_belongs_to_the_longest_pool_that_contains_it(void **state)
{
	struct policy *policy = *state;
	struct policy_pool wide = {.name = "wide", .prefix = prefix("2001:db8::", 32)};
	struct policy_pool narrow = {.name = "narrow", .prefix = prefix("2001:db8:1::", 48)};
	struct policy_pool one = {.name = "one", .prefix = prefix("fd00:0:0:7::", 64)};
	struct home_network_prefix inside = prefix("2001:db8:1:ffff::", 64), beside = prefix("2001:db8:2::", 64);
	struct home_network_prefix shorter = prefix("2001:db8::", 31), exact = prefix("fd00:0:0:7::", 64);
	struct home_network_prefix longer = prefix("fd00:0:0:7::1", 128), outside = prefix("fd00:0:0:8::", 64);

	assert_int_equal(policy_add_pool(policy, &wide), 0);
	assert_int_equal(policy_add_pool(policy, &narrow), 0);
	assert_int_equal(policy_add_pool(policy, &one), 0);
	assert_int_equal(policy_pool_find(policy, &inside), 1);
	assert_int_equal(policy_pool_find(policy, &beside), 0);
	assert_int_equal(policy_pool_find(policy, &shorter), UINT32_MAX);
	assert_int_equal(policy_pool_find(policy, &exact), 2);
	assert_int_equal(policy_pool_find(policy, &longer), 2);
	assert_int_equal(policy_pool_find(policy, &outside), UINT32_MAX);
	assert_string_equal(policy_pool(policy, 1)->name, "narrow");
}

static void pool_that_is_there_or_longer_than_64_is_refused(void **state)
{
	struct policy *policy = *state;
	struct policy_pool pool = {.name = "a", .prefix = prefix("2001:db8::", 48)};
	struct policy_pool same_name = {.name = "a", .prefix = prefix("2001:db8:1::", 48)};
	struct policy_pool host_bits = {.name = "b", .prefix = prefix("2001:db8:0:7::1", 48)};
	struct policy_pool longer = {.name = "c", .prefix = prefix("2001:db8:2::", 65)};

	assert_int_equal(policy_add_pool(policy, &pool), 0);
	assert_int_equal(policy_add_pool(policy, &same_name), -EEXIST);
	assert_int_equal(policy_add_pool(policy, &host_bits), -EEXIST);
	assert_int_equal(policy_add_pool(policy, &longer), -EINVAL);
	assert_null(policy_pool(policy, 1));
}

static void node_is_found_by_id_mac_and_prefix_and_copied(void **state)
{
	struct policy *policy = *state;
	char id_text[] = "mn1@example.com";
	struct home_network_prefix prefixes[] = {prefix("2001:db8:1::", 64), prefix("2001:db8:2::", 64)};
	uint32_t peers[] = {3, 5};
	struct policy_node source = {.id = nai(id_text),
		.has_mac = true,
		.mac = {2, 0, 0, 0, 0, 1},
		.peer = 4,
		.pool = 6,
		.prefixes = prefixes,
		.prefix_count = 2,
		.peers = peers,
		.peer_count = 2,
		.proxy_registration = true,
		.lifetime_s = 300,
		.is_default = true};
	struct mn_id id = nai("mn1@example.com"), cut = nai("mn1@example.co"), other_type = id;
	struct home_network_prefix second = prefixes[1], wider = prefix("2001:db8:2::", 63);
	struct policy_node node;

	assert_int_equal(policy_add_node(policy, &source), 0);
	memset(id_text, 'x', sizeof(id_text) - 1);
	memset(prefixes, 0, sizeof(prefixes));
	memset(peers, 0, sizeof(peers));
	assert_true(policy_node_by_id(policy, &id, &node));
	assert_node_id(&node, "mn1@example.com");
	assert_memory_equal(&node.prefixes[1].prefix, &second.prefix, 16);
	assert_int_equal(node.prefix_count, 2);
	assert_int_equal(node.peers[1], 5);
	assert_int_equal(node.dynamic_prefixes, 1);
	assert_int_equal(node.lifetime_s, 300);
	assert_false(node.is_default);
	assert_ptr_equal(policy_prefix_owner(policy, &second), policy_node(policy, 0));
	assert_null(policy_prefix_owner(policy, &wider));
	memset(&node, 0, sizeof(node));
	assert_true(policy_node_by_mac(policy, source.mac, NULL, &node));
	assert_node_id(&node, "mn1@example.com");
	other_type.subtype = 5;
	assert_false(policy_node_by_id(policy, &other_type, &node));
	assert_false(policy_node_by_id(policy, &cut, &node));
}

static void node_with_something_taken_is_refused_and_leaves_no_trace(void **state)
{
	struct policy *policy = *state;
	struct home_network_prefix first[] = {prefix("2001:db8:1::", 64)};
	struct home_network_prefix clash[] = {prefix("2001:db8:3::", 64), prefix("2001:db8:1::", 64)};
	struct home_network_prefix twice[] = {prefix("2001:db8:4::", 64), prefix("2001:db8:4::5", 64)};
	struct home_network_prefix too_long[] = {{.length = 129}};
	struct policy_node node = {.id = nai("a"), .has_mac = true, .mac = {2}, .prefixes = first, .prefix_count = 1};
	struct policy_node same_id = {.id = nai("a")};
	struct policy_node same_mac = {.id = nai("b"), .has_mac = true, .mac = {2}};
	struct policy_node same_prefix = {.id = nai("c"), .prefixes = clash, .prefix_count = 2};
	struct policy_node own_twice = {.id = nai("d"), .prefixes = twice, .prefix_count = 2};
	struct policy_node wrong = {.id = nai("e"), .prefixes = too_long, .prefix_count = 1};
	struct policy_node found;

	assert_int_equal(policy_add_node(policy, &node), 0);
	assert_int_equal(policy_add_node(policy, &same_id), -EEXIST);
	assert_int_equal(policy_add_node(policy, &same_mac), -EEXIST);
	assert_int_equal(policy_add_node(policy, &same_prefix), -EEXIST);
	assert_int_equal(policy_add_node(policy, &own_twice), -EEXIST);
	assert_int_equal(policy_add_node(policy, &wrong), -EINVAL);
	assert_null(policy_node(policy, 1));
	assert_false(policy_node_by_id(policy, &same_prefix.id, &found));
	assert_null(policy_prefix_owner(policy, &clash[0]));
}

static void node_with_an_empty_identifier_is_a_node(void **state)
{
	struct policy *policy = *state;
	struct policy_node empty = {.id = {.subtype = 1}}, node;

	assert_int_equal(policy_add_node(policy, &empty), 0);
	assert_int_equal(policy_add_node(policy, &empty), -EEXIST);
	assert_true(policy_node_by_id(policy, &empty.id, &node));
	assert_int_equal(node.id.length, 0);
}

static void unknown_nodes_get_the_default_profile(void **state)
{
	struct policy *policy = *state;
	struct policy_node profile = {.id = nai("ignored"),
		.has_mac = true,
		.mac = {9},
		.peer = 2,
		.dynamic_prefixes = 3,
		.proxy_registration = true};
	struct mn_id id = nai("anybody");
	uint8_t text[MN_ID_MAX];
	struct policy_node node;

	assert_int_equal(policy_set_default(policy, &profile, "old-%m"), 0);
	assert_int_equal(policy_set_default(policy, &profile, "100%%-%m@d.example"), 0);
	assert_true(policy_node_by_id(policy, &id, &node));
	assert_node_id(&node, "anybody");
	assert_true(node.is_default);
	assert_int_equal(node.dynamic_prefixes, 3);
	assert_false(node.has_mac);
	assert_true(policy_node_by_mac(policy, (const uint8_t[6]){0x02, 0xab, 0, 0, 0x10, 0xff}, text, &node));
	assert_node_id(&node, "100%-02ab000010ff@d.example");
	assert_true(node.has_mac);
	assert_memory_equal(node.mac, ((uint8_t[6]){0x02, 0xab, 0, 0, 0x10, 0xff}), 6);
	assert_int_equal(node.peer, 2);
}

static void made_id_never_takes_over_a_configured_node(void **state)
{
	struct policy *policy = *state;
	struct policy_node victim = {.id = nai("020000000001@example")}, profile = {0}, node;
	uint8_t text[MN_ID_MAX];

	assert_int_equal(policy_add_node(policy, &victim), 0);
	assert_int_equal(policy_set_default(policy, &profile, "%m@example"), 0);
	assert_false(policy_node_by_mac(policy, (const uint8_t[6]){2, 0, 0, 0, 0, 1}, text, &node));
	assert_true(policy_node_by_mac(policy, (const uint8_t[6]){2, 0, 0, 0, 0, 2}, text, &node));
}

static void id_format_that_cannot_name_every_node_is_refused(void **state)
{
	struct policy *policy = *state;
	struct home_network_prefix prefixes[] = {prefix("2001:db8:1::", 64)};
	struct policy_node profile = {0}, with_prefix = {.prefixes = prefixes, .prefix_count = 1}, node;
	char longest[MN_ID_MAX - 12 + 2 + 2];
	struct mn_id id = nai("x");

	assert_int_equal(policy_set_default(policy, &profile, "everybody"), -EINVAL);
	assert_int_equal(policy_set_default(policy, &profile, ""), -EINVAL);
	assert_int_equal(policy_set_default(policy, &profile, "%m%s"), -EINVAL);
	assert_int_equal(policy_set_default(policy, &profile, "%m%"), -EINVAL);
	assert_int_equal(policy_set_default(policy, &profile, "%%m"), -EINVAL);
	assert_int_equal(policy_set_default(policy, &with_prefix, "%m"), -EINVAL);
	assert_false(policy_node_by_id(policy, &id, &node));
	memset(longest, 'a', sizeof(longest));
	memcpy(longest, "%m", 2);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(policy_set_default(policy, &profile, longest), -EINVAL);
	longest[sizeof(longest) - 2] = '\0';
	assert_int_equal(policy_set_default(policy, &profile, longest), 0);
}

static void only_the_listed_mags_may_register_a_node(void **state)
{
	struct policy *policy = *state;
	uint32_t peers[] = {1};
	struct policy_node anywhere = {0}, somewhere = {.peers = peers, .peer_count = 1};
	struct policy_peer mag[] = {{.name = "m1", .address = ip6("::1")}, {.name = "m2", .address = ip6("::2")}};

	assert_int_equal(policy_add_peer(policy, &mag[0]), 0);
	assert_int_equal(policy_add_peer(policy, &mag[1]), 0);
	assert_true(policy_peer_may_register(policy, &anywhere, 0));
	assert_false(policy_peer_may_register(policy, &somewhere, 0));
	assert_true(policy_peer_may_register(policy, &somewhere, 1));
	assert_false(policy_peer_may_register(policy, &anywhere, 2));
	assert_false(policy_peer_may_register(policy, &anywhere, UINT32_MAX));
}

#define MANY 50000

static void peer_of_the_own_role_registers_nobody(void **state)
{
	struct policy *policy = *state;
	struct policy_node node = {.peer_count = 0};
	const uint32_t listed[] = {0, 1};

	assert_int_equal(
		policy_add_peer(policy, &(struct policy_peer){.name = "mag", .address = ip6("2001:db8::1")}), 0);
	assert_int_equal(policy_add_peer(policy,
				 &(struct policy_peer){.name = "lma", .address = ip6("2001:db8::2"), .ro_only = true}),
		0);
	assert_true(policy_peer_may_register(policy, &node, 0));
	assert_false(policy_peer_may_register(policy, &node, 1));
	node.peers = listed;
	node.peer_count = 2;
	assert_true(policy_peer_may_register(policy, &node, 0));
	assert_false(policy_peer_may_register(policy, &node, 1));
}

static void prefix_is_eligible_if_it_lies_in_a_listed_one(void **state)
{
	struct policy *policy = *state;
	struct home_network_prefix inside = prefix("2001:db8:5:6::", 64), outside = prefix("2001:db9:5:6::", 64);
	struct home_network_prefix wide = prefix("2001:db8::", 31), listed[] = {prefix("fd00::", 8), {{{{0}}}, 129}};

	assert_true(policy_is_eligible(policy, &inside)); /* without a list all are */
	assert_int_equal(policy_set_eligible(policy, listed, 2), -EINVAL);
	assert_true(policy_is_eligible(policy, &inside));
	listed[1] = prefix("2001:db8:ffff::1", 32); /* host bits are cut off */
	assert_int_equal(policy_set_eligible(policy, listed, 2), 0);
	assert_true(policy_is_eligible(policy, &inside));
	assert_false(policy_is_eligible(policy, &outside));
	assert_false(policy_is_eligible(policy, &wide));
	assert_int_equal(policy_set_eligible(policy, &inside, 1), 0);
	assert_true(policy_is_eligible(policy, &inside));
	assert_int_equal(policy_set_eligible(policy, NULL, 0), 0);
	assert_true(policy_is_eligible(policy, &outside));
}

static void many_nodes_are_all_found(void **state)
{
	struct policy *policy = *state;
	struct policy_node node;
	char text[32];

	for (unsigned i = 0; i < MANY; i++) {
		struct home_network_prefix hnp = prefix("2001:db8::", 64);

		snprintf(text, sizeof(text), "mn%u@example.com", i);
		hnp.prefix.s6_addr32[1] = htonl(i);
		node = (struct policy_node){.id = nai(text), .has_mac = true, .prefixes = &hnp, .prefix_count = 1};
		memcpy(node.mac + 2, &(uint32_t){htonl(i)}, 4);
		assert_int_equal(policy_add_node(policy, &node), 0);
	}
	for (unsigned i = 0; i < MANY; i++) {
		struct home_network_prefix hnp = prefix("2001:db8::", 64);
		uint8_t mac[6] = {0};
		struct mn_id id;

		snprintf(text, sizeof(text), "mn%u@example.com", i);
		id = nai(text);
		hnp.prefix.s6_addr32[1] = htonl(i);
		memcpy(mac + 2, &(uint32_t){htonl(i)}, 4);
		assert_true(policy_node_by_id(policy, &id, &node));
		assert_ptr_equal(node.id.data, policy_node(policy, i)->id.data);
		assert_true(policy_node_by_mac(policy, mac, NULL, &node));
		assert_ptr_equal(node.id.data, policy_node(policy, i)->id.data);
		assert_ptr_equal(policy_prefix_owner(policy, &hnp), policy_node(policy, i));
	}
}

static void hash_index_keeps_values_of_equal_hashes_apart(void **state)
{
	struct hash_index index = {0};
	bool seen[100] = {false};
	uint32_t at = 0, value;
	unsigned found = 0;

	assert_int_equal(hash_index_next(&index, 7, &at), HASH_NONE);
	for (uint32_t i = 0; i < 100; i++) {
		assert_int_equal(hash_index_reserve(&index, 1), 0);
		hash_index_insert(&index, i % 2 == 0 ? UINT64_C(0xffffffff) : 0, i);
	}
	for (at = 0; (value = hash_index_next(&index, UINT64_C(0xffffffff), &at)) != HASH_NONE; found++) {
		assert_int_equal(value % 2, 0);
		assert_false(seen[value]);
		seen[value] = true;
	}
	assert_int_equal(found, 50);
	assert_int_equal(hash_index_reserve(&index, UINT32_MAX), -ENOMEM);
	hash_index_fini(&index);
}

static void hash_of_bytes_tells_length_and_seed_apart(void **state)
{
	static const uint8_t zeros[16];

	assert_int_not_equal(hash_bytes(zeros, 0, 1), hash_bytes(zeros, 0, 2));
	for (size_t n = 0; n < 16; n++)
		assert_int_not_equal(hash_bytes(zeros, n, 1), hash_bytes(zeros, n + 1, 1));
}

#define POLICY_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		POLICY_TEST(empty_policy_knows_nobody),
		POLICY_TEST(peers_are_found_by_address_and_name_and_copied),
		POLICY_TEST(peer_with_a_taken_name_or_address_is_refused),
		POLICY_TEST(prefix_belongs_to_the_longest_pool_that_contains_it),
		POLICY_TEST(pool_that_is_there_or_longer_than_64_is_refused),
		POLICY_TEST(node_is_found_by_id_mac_and_prefix_and_copied),
		POLICY_TEST(node_with_something_taken_is_refused_and_leaves_no_trace),
		POLICY_TEST(node_with_an_empty_identifier_is_a_node),
		POLICY_TEST(unknown_nodes_get_the_default_profile),
		POLICY_TEST(made_id_never_takes_over_a_configured_node),
		POLICY_TEST(id_format_that_cannot_name_every_node_is_refused),
		POLICY_TEST(only_the_listed_mags_may_register_a_node),
		POLICY_TEST(peer_of_the_own_role_registers_nobody),
		POLICY_TEST(prefix_is_eligible_if_it_lies_in_a_listed_one),
		POLICY_TEST(many_nodes_are_all_found),
		cmocka_unit_test(hash_index_keeps_values_of_equal_hashes_apart),
		cmocka_unit_test(hash_of_bytes_tells_length_and_seed_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
