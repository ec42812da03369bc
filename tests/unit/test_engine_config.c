/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include <arpa/inet.h>

#include "config_texts.h"
#include "engine_config.h"

static struct config *parse(const char *text)
{
	struct config *config;
	char *messages = parse_messages(text, strlen(text), &config);

	assert_string_equal(messages, "");
	free(messages);
	return config;
}

static struct config *parse_changed(const char *base, const char *old, const char *new)
{
	char *text = text_replace(base, old, new);
	struct config *config = parse(text);

	free(text);
	return config;
}

static void assert_address(const struct in6_addr *address, const char *expected)
{
	char text[INET6_ADDRSTRLEN];

	assert_string_equal(inet_ntop(AF_INET6, address, text, sizeof(text)), expected);
}

static struct mn_id nai(const char *text)
{
	return (struct mn_id){.subtype = 1, .length = (uint8_t)strlen(text), .data = (const uint8_t *)text};
}

static void lma_policy_has_peers_pools_and_nodes(void **state)
{
	struct config *config = parse(lma_text);
	struct policy *policy = config_policy(config);
	struct mn_id mn1 = nai("mn1@example.com"), mn2 = nai("mn2@example.com"), other = nai("other");
	struct policy_node node;

	config_destroy(config); /* everything is copied */
	assert_string_equal(policy_peer(policy, 0)->name, "mag1");
	assert_string_equal(policy_peer(policy, 1)->name, "mag2");
	assert_address(&policy_peer(policy, 1)->address, "2001:db8:0:1::12");
	assert_true(policy_peer(policy, 1)->insecure);
	assert_true(policy_peer(policy, 1)->heartbeat);
	assert_null(policy_peer(policy, 2));
	assert_string_equal(policy_pool(policy, 1)->name, "pool1");
	assert_address(&policy_pool(policy, 1)->prefix.prefix, "2001:db8:2000::");
	assert_int_equal(policy_pool(policy, 1)->prefix.length, 48);
	assert_true(policy_node_by_id(policy, &mn1, &node));
	assert_int_equal(node.prefix_count, 1);
	assert_address(&node.prefixes[0].prefix, "fd00:0:0:1::");
	assert_int_equal(node.pool, 0);
	assert_int_equal(node.peer_count, 0);
	assert_true(policy_node_by_id(policy, &mn2, &node));
	assert_int_equal(node.prefix_count, 0);
	assert_int_equal(node.dynamic_prefixes, 1);
	assert_int_equal(node.pool, 1);
	assert_int_equal(node.peer_count, 2);
	assert_int_equal(node.peers[0], 0);
	assert_int_equal(node.peers[1], 1);
	assert_true(node.proxy_registration);
	assert_false(policy_node_by_id(policy, &other, &node));
	policy_destroy(policy);
}

static void proxy_registration_false_reaches_the_policy(void **state)
{
	struct config *config = parse_changed(
		lma_text, "    pool: pool1\n", "    proxy-registration: false\n    dynamic-prefixes: 3\n");
	struct policy *policy = config_policy(config);

	assert_true(policy_node(policy, 0)->proxy_registration);
	assert_false(policy_node(policy, 1)->proxy_registration);
	assert_int_equal(policy_node(policy, 1)->dynamic_prefixes, 3);
	policy_destroy(policy);
	config_destroy(config);
}

static void lma_default_profile_serves_unknown_nodes(void **state)
{
	struct config *config = parse_changed(lma_text, "mobile-nodes:\n",
		"unknown-nodes: profile\n"
		"default-profile: {pool: pool1, mags: [mag2], dynamic-prefixes: 2}\n"
		"mobile-nodes:\n");
	struct policy *policy = config_policy(config);
	struct mn_id other = nai("other");
	struct policy_node node;

	assert_true(policy_node_by_id(policy, &other, &node));
	assert_true(node.is_default);
	assert_int_equal(node.pool, 1);
	assert_int_equal(node.dynamic_prefixes, 2);
	assert_int_equal(node.peer_count, 1);
	assert_int_equal(node.peers[0], 1);
	assert_true(node.proxy_registration);
	policy_destroy(policy);
	config_destroy(config);
}

static void mag_policy_finds_nodes_by_mac_with_their_lma(void **state)
{
	struct config *config = parse_changed(mag_text, "mobile-nodes:\n",
		"  - {name: lma2, address: 2001:db8:0:1::2, insecure: true, heartbeat: false}\n"
		"variables: {EnableMAGLocalRouting: true}\n"
		"unknown-nodes: profile\n"
		"default-profile: {id-format: '%m@d.example', lifetime: 40, local-routing: false}\n"
		"mobile-nodes:\n"
		"  - {id: far, mac: 02:00:00:00:00:02, lma: lma2}\n");
	struct policy *policy = config_policy(config);
	uint8_t text[MN_ID_MAX];
	struct policy_node node;

	assert_false(policy_peer(policy, 1)->heartbeat);
	assert_true(policy_node_by_mac(policy, (const uint8_t[6]){2, 0, 0, 0, 0, 1}, text, &node));
	assert_memory_equal(node.id.data, "mn1@example.com", node.id.length);
	assert_int_equal(node.peer, 0);
	assert_int_equal(node.lifetime_s, 600);
	assert_true(node.local_routing);
	assert_true(policy_node_by_mac(policy, (const uint8_t[6]){2, 0, 0, 0, 0, 2}, text, &node));
	assert_int_equal(node.peer, 1);
	assert_true(policy_node_by_mac(policy, (const uint8_t[6]){2, 0, 0, 0, 0, 3}, text, &node));
	assert_memory_equal(node.id.data, "020000000003@d.example", node.id.length);
	assert_int_equal(node.lifetime_s, 40);
	assert_false(node.local_routing);
	policy_destroy(policy);
	config_destroy(config);
}

static void lma_engine_gets_defaults_of_the_rfcs(void **state)
{
	struct config *config = parse(lma_text);
	struct lma_config lma;

	memset(&lma, 0xff, sizeof(lma));
	config_lma_engine(config, NULL, &lma);
	assert_address(&lma.address, "2001:db8:0:1::1");
	assert_int_equal(lma.max_bindings, 16384);
	assert_int_equal(lma.max_binding_lifetime_s, 3600);
	assert_int_equal(lma.min_delay_before_bce_delete_ms, 10000);
	assert_int_equal(lma.max_delay_before_new_bce_assign_ms, 1500);
	assert_int_equal(lma.timestamp_validity_window_ms, 300);
	assert_true(lma.timestamp_based_approach_in_use);
	assert_false(lma.mobile_node_generated_timestamp_in_use);
	assert_false(lma.immediate_new_bce);
	assert_int_equal(lma.update_notification_retransmit_count, 1);
	assert_int_equal(lma.update_notification_replay_ms, 1000);
	assert_int_equal(lma.prefix_hold_s, 3600);
	assert_int_equal(lma.restart_hold_s, 3600);
	assert_int_equal(lma.tunnel_mtu_bytes, 1460);
	assert_int_equal(lma.tunnel_hop_limit, 64);
	assert_int_equal(lma.tunnel_dscp, -1);
	assert_null(lma.policy);
	config_destroy(config);
}

static void lma_engine_gets_what_the_file_says(void **state)
{
	struct config *config = parse_changed(lma_text, "lma:\n",
		"tunnel: {hop-limit: 9, dscp: 46}\n"
		"variables: {MinDelayBeforeBCEDelete: 1, MaxDelayBeforeNewBCEAssign: 2, TimestampValidityWindow: 3,\n"
		"  TimestampBasedApproachInUse: true, MobileNodeGeneratedTimestampInUse: true,\n"
		"  MAX_UPDATE_NOTIFICATION_RETRANSMIT_COUNT: 0, MIN_DELAY_BETWEEN_UPDATE_NOTIFICATION_REPLAY: 500}\n"
		"lma:\n"
		"  address: 2001:db8:0:1::1\n"
		"  max-bindings: 5\n"
		"  max-binding-lifetime: 60\n"
		"  prefix-hold: 7\n"
		"  restart-hold: 8\n"
		"  immediate-new-bce: true\n");
	const struct policy *policy = (const struct policy *)config; /* only passed on */
	struct lma_config lma;

	config->ports[1].mtu_bytes = 1280; /* outside: no tunnels there */
	config_lma_engine(config, policy, &lma);
	assert_int_equal(lma.max_bindings, 5);
	assert_int_equal(lma.max_binding_lifetime_s, 60);
	assert_int_equal(lma.min_delay_before_bce_delete_ms, 1);
	assert_int_equal(lma.max_delay_before_new_bce_assign_ms, 2);
	assert_int_equal(lma.timestamp_validity_window_ms, 3);
	assert_true(lma.mobile_node_generated_timestamp_in_use);
	assert_true(lma.immediate_new_bce);
	assert_int_equal(lma.update_notification_retransmit_count, 0);
	assert_int_equal(lma.update_notification_replay_ms, 500);
	assert_int_equal(lma.prefix_hold_s, 7);
	assert_int_equal(lma.restart_hold_s, 8);
	assert_int_equal(lma.tunnel_mtu_bytes, 1460);
	assert_int_equal(lma.tunnel_hop_limit, 9);
	assert_int_equal(lma.tunnel_dscp, 46);
	assert_ptr_equal(lma.policy, policy);
	config_destroy(config);
}

static void mag_engine_gets_defaults_of_the_rfcs(void **state)
{
	struct config *config = parse(mag_text);
	struct mag_config mag;

	memset(&mag, 0xff, sizeof(mag));
	config_mag_engine(config, NULL, &mag);
	assert_address(&mag.address, "2001:db8:0:1::11");
	assert_int_equal(mag.max_nodes, 16384);
	assert_int_equal(mag.binding_lifetime_s, 600);
	assert_int_equal(mag.refresh_percent, 75);
	assert_int_equal(mag.access_technology, 3);
	assert_int_equal(mag.initial_bindack_timeout_ms, 1000);
	assert_int_equal(mag.max_bindack_timeout_ms, 32000);
	assert_true(mag.timestamp_based_approach_in_use);
	assert_false(mag.enable_mag_local_routing);
	assert_address(&mag.fixed_link_local, "fe80::200:5eff:fe00:5213");
	assert_memory_equal(mag.fixed_link_layer, ((uint8_t[]){0, 0, 0x5e, 0, 0x52, 0x13}), 6);
	assert_int_equal(mag.nud_interval_ms, 10000);
	assert_int_equal(mag.nud_retransmit_ms, 1000);
	assert_int_equal(mag.nud_probes, 3);
	assert_int_equal(mag.refused_hold_s, 30);
	assert_int_equal(mag.router_lifetime_s, 1800);
	assert_int_equal(mag.prefix_valid_s, 2592000);
	assert_int_equal(mag.prefix_preferred_s, 604800);
	assert_int_equal(mag.max_rtr_adv_interval_s, 600);
	assert_int_equal(mag.access_mtu_bytes, 1500);
	assert_int_equal(mag.tunnel_mtu_bytes, 1460);
	assert_int_equal(mag.tunnel_hop_limit, 64);
	assert_int_equal(mag.tunnel_dscp, -1);
	assert_null(mag.policy);
	config_destroy(config);
}

static void mag_engine_gets_what_the_file_says(void **state)
{
	struct config *config = parse_changed(mag_text, "ports:\n",
		"mag: {address: 2001:db8:0:1::11, max-nodes: 1, binding-lifetime: 40, refresh-percent: 50,\n"
		"  access-technology: wlan, nud-interval: 200, nud-retransmit: 20, nud-probes: 4, refused-hold: 5,\n"
		"  router-lifetime: 60, prefix-valid: 70, prefix-preferred: 69, max-rtr-adv-interval: 8}\n"
		"variables: {INITIAL_BINDACK_TIMEOUT: 0.25, MAX_BINDACK_TIMEOUT: 2.5, EnableMAGLocalRouting: true,\n"
		"  TimestampBasedApproachInUse: false, FixedMAGLinkLocalAddressOnAllAccessLinks: 'fe80::1',\n"
		"  FixedMAGLinkLayerAddressOnAllAccessLinks: 02-00-00-00-00-99}\n"
		"ports:\n"
		"  - {name: c1, device: 'kernel:eth7', side: core, mtu: 1400}\n"
		"  - {name: a1, device: 'kernel:eth8', side: access, mtu: 1300}\n");
	struct mag_config mag;

	config_mag_engine(config, NULL, &mag);
	assert_int_equal(mag.max_nodes, 1);
	assert_int_equal(mag.binding_lifetime_s, 40);
	assert_int_equal(mag.refresh_percent, 50);
	assert_int_equal(mag.access_technology, 4);
	assert_int_equal(mag.initial_bindack_timeout_ms, 250);
	assert_int_equal(mag.max_bindack_timeout_ms, 2500);
	assert_false(mag.timestamp_based_approach_in_use);
	assert_true(mag.enable_mag_local_routing);
	assert_address(&mag.fixed_link_local, "fe80::1");
	assert_int_equal(mag.fixed_link_layer[5], 0x99);
	assert_int_equal(mag.nud_interval_ms, 200);
	assert_int_equal(mag.nud_retransmit_ms, 20);
	assert_int_equal(mag.nud_probes, 4);
	assert_int_equal(mag.refused_hold_s, 5);
	assert_int_equal(mag.router_lifetime_s, 60);
	assert_int_equal(mag.prefix_valid_s, 70);
	assert_int_equal(mag.prefix_preferred_s, 69);
	assert_int_equal(mag.max_rtr_adv_interval_s, 8);
	assert_int_equal(mag.access_mtu_bytes, 1300);
	assert_int_equal(mag.tunnel_mtu_bytes, 1360);
	config_destroy(config);
}

static void peers_of_the_own_role_are_for_route_optimisation_only(void **state)
{
	struct config *lma = parse_changed(lma_text, "peers:\n",
		"route-optimisation: {enabled: true, mode: proxy}\n"
		"peers:\n"
		"  - {name: lma2, address: 2001:db8:0:1::2, role: lma, ro-prefixes: ['fd09::/32'], insecure: true}\n");
	struct config *mag = parse_changed(mag_text, "peers:\n",
		"route-optimisation: {enabled: true, direct-trust: peers}\n"
		"peers:\n"
		"  - {name: mag2, address: 2001:db8:0:1::12, role: mag, insecure: true}\n");
	struct policy *policy = config_policy(lma);
	struct policy_node node;
	uint8_t text[MN_ID_MAX];

	assert_true(policy_peer(policy, 0)->ro_only);
	assert_false(policy_peer(policy, 1)->ro_only);
	policy_destroy(policy);
	policy = config_policy(mag);
	assert_true(policy_peer(policy, 0)->ro_only);
	assert_false(policy_peer(policy, 1)->ro_only);
	assert_true(policy_node_by_mac(policy, (const uint8_t[6]){2, 0, 0, 0, 0, 1}, text, &node));
	assert_int_equal(node.peer, 1); /* the first LMA, not the first peer */
	policy_destroy(policy);
	config_destroy(lma);
	config_destroy(mag);
}

static void nodes_take_part_as_the_file_says(void **state)
{
	struct config *config = parse_changed(mag_text, "mobile-nodes:\n",
		"route-optimisation: {default: deny, in-order: true, eligible-prefixes: ['fd00::/16', "
		"'2001:db8:f000::/36']}\n"
		"mobile-nodes:\n"
		"  - {id: b, mac: 02:00:00:00:00:02, route-optimisation: allow, in-order: false}\n");
	struct home_network_prefix inside = {.prefix.s6_addr = {0xfd, 0, 1}, .length = 64};
	struct home_network_prefix outside = {.prefix.s6_addr = {0x20, 0x02}, .length = 64};
	struct policy *policy = config_policy(config);

	assert_false(policy_node(policy, 0)->ro_denied);
	assert_false(policy_node(policy, 0)->in_order);
	assert_true(policy_node(policy, 1)->ro_denied);
	assert_true(policy_node(policy, 1)->in_order);
	assert_true(policy_is_eligible(policy, &inside));
	assert_false(policy_is_eligible(policy, &outside));
	policy_destroy(policy);
	config_destroy(config);
}

static void route_optimisation_gets_defaults_that_agree(void **state)
{
	struct ro_config expected = ro_config_default();
	struct config *configs[] = {parse(lma_text), parse(mag_text)};

	for (unsigned i = 0; i < 2; i++) {
		struct ro_peer *peers;
		struct ro_config ro;

		memset(&ro, 0xff, sizeof(ro));
		assert_int_equal(config_ro_engine(configs[i], &ro, &peers), 0);
		assert_int_equal(ro_config_check(&ro), 0);
		assert_int_equal(ro.role, i == 0 ? RO_ROLE_LMA : RO_ROLE_MAG);
		assert_address(&ro.address, i == 0 ? "2001:db8:0:1::1" : "2001:db8:0:1::11");
		assert_false(ro.native);
		assert_false(ro.proxy);
		assert_false(ro.early);
		assert_false(ro.trust_peers);
		assert_int_equal(ro.experiment_id, 0);
		assert_int_equal(ro.lifetime_s, expected.lifetime_s);
		assert_int_equal(ro.retries, expected.retries);
#define ASSERT_TIMER(name, ms) assert_int_equal(ro.name, expected.name);
		RO_TIMERS(ASSERT_TIMER)
#undef ASSERT_TIMER
		assert_int_equal(ro.node_pending, 16);
		assert_int_equal(ro.node_active, 256);
		assert_int_equal(ro.node_triggers_per_s, 5);
		assert_int_equal(ro.max_pairs, 65536);
		assert_ptr_equal(ro.peers, peers);
		assert_int_equal(ro.peer_count, configs[i]->peer_count);
		assert_int_equal(peers[0].role, i == 0 ? RO_ROLE_MAG : RO_ROLE_LMA);
		assert_false(peers[0].has_key);
		free(peers);
		config_destroy(configs[i]);
	}
}

static void route_optimisation_gets_what_the_file_says(void **state)
{
	struct config *config = parse_changed(lma_text, "peers:\n",
		"route-optimisation: {enabled: true, mode: proxy, profile: native, experiment-id: 7, lifetime: 100,\n"
		"  early-activation: true, direct-trust: peers, retries: 2, ack-timeout: 300, sequence-deadline: "
		"3000,\n"
		"  pending-lifetime: 5000, esa-confirm-timeout: 200, rx-linger: 4000, tombstone: 6000, hold-down: 9,\n"
		"  max-pairs: 10, pending-per-node: 11, active-per-node: 12, triggers-per-node: 13,\n"
		"  eligible-prefixes: ['fd00::/16', '2001:db8:3000::/36']}\n"
		"peers:\n"
		"  - {name: lma2, address: 2001:db8:0:1::2, role: lma, insecure: true,\n"
		"     ro-prefixes: ['2001:db8:3000::/40', 'fd00:3::/32']}\n"
		"  - {name: mag3, address: 2001:db8:0:1::13, insecure: true, route-optimisation: deny, ro-key-id: 5,\n"
		"     ro-key: '0102030000000000000000000000000000000000000000000000000000000004'}\n");
	struct ro_peer *peers;
	struct ro_config ro;

	assert_int_equal(config_ro_engine(config, &ro, &peers), 0);
	assert_true(ro.native);
	assert_true(ro.proxy);
	assert_true(ro.early);
	assert_true(ro.trust_peers);
	assert_int_equal(ro.experiment_id, 7);
	assert_int_equal(ro.lifetime_s, 100);
	assert_int_equal(ro.retries, 2);
	assert_int_equal(ro.ack_timeout_ms, 300);
	assert_int_equal(ro.sequence_deadline_ms, 3000);
	assert_int_equal(ro.pending_lifetime_ms, 5000);
	assert_int_equal(ro.esa_confirm_ms, 200);
	assert_int_equal(ro.rx_linger_ms, 4000);
	assert_int_equal(ro.tombstone_ms, 6000);
	assert_int_equal(ro.hold_down_ms, 9);
	assert_int_equal(ro.max_pairs, 10);
	assert_int_equal(ro.node_pending, 11);
	assert_int_equal(ro.node_active, 12);
	assert_int_equal(ro.node_triggers_per_s, 13);
	assert_int_equal(ro.eligible_count, 2);
	assert_address(&ro.eligible[1].prefix, "2001:db8:3000::");
	assert_int_equal(ro.eligible[1].length, 36);
	assert_int_equal(ro.peer_count, 4);
	assert_int_equal(peers[0].role, RO_ROLE_LMA);
	assert_int_equal(peers[0].prefix_count, 2);
	assert_address(&peers[0].prefixes[1].prefix, "fd00:3::");
	assert_int_equal(peers[0].prefixes[1].length, 32);
	assert_int_equal(peers[1].role, RO_ROLE_MAG);
	assert_true(peers[1].has_key);
	assert_true(peers[1].denied);
	assert_false(peers[0].denied);
	assert_int_equal(peers[1].key_id, 5);
	assert_int_equal(peers[1].key[2], 3);
	assert_int_equal(peers[1].key[31], 4);
	assert_int_equal(peers[2].prefix_count, 0);
	free(peers);
	config_destroy(config);
}

static void route_optimisation_of_a_mag_gets_its_tunnels_and_pbus(void **state)
{
	struct config *config = parse_changed(mag_text, "ports:\n",
		"mag: {access-technology: wlan}\n"
		"tunnel: {hop-limit: 9, dscp: 46}\n"
		"route-optimisation: {enabled: true, direct-trust: peers, pbu-for-setup: true}\n"
		"ports:\n"
		"  - {name: c1, device: 'kernel:eth7', side: core, mtu: 1400}\n");
	struct ro_peer *peers;
	struct ro_config ro;

	assert_int_equal(config_ro_engine(config, &ro, &peers), 0);
	assert_true(ro.pbu_for_setup);
	assert_int_equal(ro.access_technology, 4);
	assert_address(&ro.tunnel.local, "2001:db8:0:1::11");
	assert_int_equal(ro.tunnel.use, TUNNEL_TO_PEER_MAG);
	assert_int_equal(ro.tunnel.mtu_bytes, 1360);
	assert_int_equal(ro.tunnel.hop_limit, 9);
	assert_int_equal(ro.tunnel.dscp_mode, DSCP_FIXED);
	assert_int_equal(ro.tunnel.dscp, 46);
	assert_int_equal(ro.eligible_count, 0);
	free(peers);
	config_destroy(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lma_policy_has_peers_pools_and_nodes),
		cmocka_unit_test(proxy_registration_false_reaches_the_policy),
		cmocka_unit_test(lma_default_profile_serves_unknown_nodes),
		cmocka_unit_test(mag_policy_finds_nodes_by_mac_with_their_lma),
		cmocka_unit_test(lma_engine_gets_defaults_of_the_rfcs),
		cmocka_unit_test(lma_engine_gets_what_the_file_says),
		cmocka_unit_test(mag_engine_gets_defaults_of_the_rfcs),
		cmocka_unit_test(mag_engine_gets_what_the_file_says),
		cmocka_unit_test(peers_of_the_own_role_are_for_route_optimisation_only),
		cmocka_unit_test(nodes_take_part_as_the_file_says),
		cmocka_unit_test(route_optimisation_gets_defaults_that_agree),
		cmocka_unit_test(route_optimisation_gets_what_the_file_says),
		cmocka_unit_test(route_optimisation_of_a_mag_gets_its_tunnels_and_pbus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
