/* SPDX-License-Identifier: BSD-3-Clause */
/* Tunnels on their way to the data plane: templates, resolving, changed and dead next hops, refused updates. */
#include "net_host.h"

#include <errno.h>

#define LMAA "2001:db8:1::1"
#define MAG  "2001:db8:1::a1"
#define FAR  "2001:db8:a9::1"

static struct net_host *host;

static int set_up(void **state)
{
	(void)state;
	host = host_with_routes(ROLE_LMA);
	net_start(host->net, &host->now);
	host_clear(host);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	assert_sums(host);
	host_free(host);
	return 0;
}

static struct fwd_update tunnel(uint32_t index, const char *remote)
{
	return (struct fwd_update){.op = FWD_OP_tunnel_insert,
		.index = index,
		.body.tunnel = {.local = addr(LMAA),
			.remote = addr(remote),
			.descriptor = 77,
			.mtu_bytes = 1460,
			.type = TUNNEL_IPV6_IN_IPV6,
			.use = TUNNEL_TO_MAG,
			.hop_limit = 55,
			.dscp_mode = DSCP_FIXED,
			.dscp = 46}};
}

static int insert(uint32_t index, const char *remote)
{
	struct fwd_update update = tunnel(index, remote);

	return net_tunnel_insert(host->net, &host->now, &update);
}

static unsigned slots_used(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < SLOTS_MAX; i++)
		n += host->slot_used[i];
	return n;
}

static void tunnel_over_a_known_next_hop_is_resolved_at_once(void **state)
{
	static const uint8_t expected[54] = {2, 0, 0, 0, 0, 0x21, 2, 0, 0, 0, 0, 0x10, 0x86, 0xdd, 0x60, 0, 0, 0, 0, 0,
		41, 55, 0x20, 1, 0xd, 0xb8, 0, 1, [37] = 1, 0x20, 1, 0xd, 0xb8, 0, 1, [52] = 0, 0xa1};
	struct fwd_update update = tunnel(3, MAG);
	const struct tunnel_template *template;

	send_to(host, MAG);
	answers(host, PORT_CORE, MAG, peer_mac);
	host_clear(host);
	assert_int_equal(net_tunnel_insert(host->net, &host->now, &update), 1);
	assert_int_equal(update.body.tunnel.flags, TUNNEL_RESOLVED);
	assert_int_equal(update.body.tunnel.mtu_bytes, 1460);
	assert_int_equal(update.body.tunnel.dscp, 46);
	assert_true(update.body.tunnel.descriptor < SLOTS_MAX);
	template = &host->slots[update.body.tunnel.descriptor];
	assert_int_equal(template->length, 54);
	assert_int_equal(template->l3, 14);
	assert_int_equal(template->port, PORT_CORE);
	assert_memory_equal(template->bytes, expected, sizeof(expected));
	assert_int_equal(host->update_count, 0);
	host_pass(host, 1000);
	assert_int_equal(host->resolved_count, 0);
}

static void message_inside_a_tunnel_leaves_by_the_tunnels_port(void **state)
{
	struct fwd_update update = tunnel(3, MAG);
	struct mh_datagram datagram = {.source = addr("2001:db8:aa:1::1"),
		.destination = addr("2001:db8:aa:2::1"),
		.bytes = (const uint8_t *)"\x3b\x01\x0b\0\0\0RO",
		.length = 8};

	send_to(host, MAG);
	answers(host, PORT_CORE, MAG, peer_mac);
	host_clear(host);
	assert_int_equal(net_send_mh_inner(host->net, 3, &datagram), -ENOENT);
	assert_int_equal(net_tunnel_insert(host->net, &host->now, &update), 1);
	assert_int_equal(net_send_mh_inner(host->net, 3, &datagram), 0);
	assert_int_equal(only_output(host)->output.kind, NET_TUNNEL);
	assert_int_equal(only_output(host)->output.tunnel, 3);
	assert_int_equal(only_output(host)->output.port, PORT_CORE);
	assert_int_equal(only_output(host)->output.length, 48);
	assert_int_equal(only_output(host)->bytes[6], 135);
	assert_memory_equal(only_output(host)->bytes + 8, &datagram.source, 16);
	assert_memory_equal(only_output(host)->bytes + 24, &datagram.destination, 16);
	assert_memory_equal(only_output(host)->bytes + 40, datagram.bytes, 8);
	host_clear(host);
	datagram.length = UINT16_MAX;
	assert_int_equal(net_send_mh_inner(host->net, 3, &datagram), -EMSGSIZE);
}

static void template_on_a_tagged_port_carries_the_tag(void **state)
{
	static uint16_t vlan = 300;
	struct fwd_update update = tunnel(3, MAG);
	const struct tunnel_template *template;

	host_free(host);
	host = calloc(1, sizeof(*host));
	assert_non_null(host);
	host_configure(host, ROLE_LMA);
	host->ports[0].vlans = &vlan;
	host->ports[0].vlan_count = 1;
	host_create(host);
	send_to(host, MAG);
	assert_memory_equal(host->outputs[0].bytes + 12, "\x81\x00\x01\x2c\x86\xdd", 6);
	answers(host, PORT_CORE, MAG, peer_mac);
	assert_int_equal(net_tunnel_insert(host->net, &host->now, &update), 1);
	template = &host->slots[update.body.tunnel.descriptor];
	assert_int_equal(template->length, 58);
	assert_int_equal(template->l3, 18);
	assert_memory_equal(template->bytes + 12, "\x81\x00\x01\x2c\x86\xdd\x60", 7);
}

static void tunnel_over_an_unknown_next_hop_is_resolved_later_with_a_replacement(void **state)
{
	struct fwd_update update = tunnel(3, MAG);

	assert_int_equal(net_tunnel_insert(host->net, &host->now, &update), 0);
	assert_int_equal(update.body.tunnel.flags, 0);
	assert_int_equal(update.body.tunnel.descriptor, INDEX_NONE);
	assert_int_equal(count_icmp(host, 135), 1);
	answers(host, PORT_CORE, MAG, peer_mac);
	assert_int_equal(host->update_count, 1);
	assert_int_equal(host->updates[0].op, FWD_OP_tunnel_replace);
	assert_int_equal(host->updates[0].index, 3);
	assert_int_equal(host->updates[0].body.tunnel.flags, TUNNEL_RESOLVED);
	assert_memory_equal(host->slots[host->updates[0].body.tunnel.descriptor].bytes, peer_mac, 6);
	assert_int_equal(host->resolved_count, 1);
	assert_int_equal(host->resolved[0].tunnel, 3);
	assert_int_equal(host->resolved[0].error, 0);
}

static void tunnel_whose_next_hop_does_not_answer_fails_after_three_seconds_and_is_mended_later(void **state)
{
	assert_int_equal(insert(3, MAG), 0);
	host_pass(host, 2999);
	assert_int_equal(host->resolved_count, 0);
	host_pass(host, 1);
	assert_int_equal(host->resolved_count, 1);
	assert_int_equal(host->resolved[0].error, -EHOSTUNREACH);
	assert_int_equal(host->update_count, 0);
	host_clear(host);
	host_pass(host, 5000);
	answers(host, PORT_CORE, MAG, peer_mac);
	assert_int_equal(host->update_count, 1);
	assert_int_equal(host->updates[0].body.tunnel.flags, TUNNEL_RESOLVED);
	assert_int_equal(host->resolved_count, 1); /* who still uses it may go on */
	assert_int_equal(host->resolved[0].tunnel, 3);
	assert_int_equal(host->resolved[0].error, 0);
	host_clear(host);
	answers(host, PORT_CORE, MAG, other_mac);
	assert_int_equal(host->resolved_count, 0); /* once */
}

static void tunnel_without_a_route_fails_at_the_next_turn(void **state)
{
	host_free(host);
	host = host_new(ROLE_LMA);
	assert_int_equal(insert(3, FAR), 0);
	assert_int_equal(insert(4, LMAA), 0); /* to ourselves */
	assert_int_equal(insert(5, "fe80::1"), 0);
	assert_int_equal(insert(6, "ff02::1"), 0);
	assert_int_equal(host->resolved_count, 0); /* never inside the call */
	net_advance(host->net, &host->now);
	assert_int_equal(host->resolved_count, 4);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(host->resolved[i].tunnel, 3 + i);
		assert_int_equal(host->resolved[i].error, -EHOSTUNREACH);
	}
}

static void tunnel_in_the_negative_cache_of_its_next_hop_fails_at_the_next_turn(void **state)
{
	send_to(host, MAG);
	host_pass(host, 3500);
	assert_int_equal(insert(3, MAG), 0);
	net_advance(host->net, &host->now);
	assert_int_equal(host->resolved_count, 1);
	assert_int_equal(host->resolved[0].error, -EHOSTUNREACH);
}

static void all_tunnels_behind_a_next_hop_follow_its_link_layer_address(void **state)
{
	answers(host, PORT_CORE, "2001:db8:1::fe", peer_mac);
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(insert(i, FAR), 1);
	assert_int_equal(insert(7, MAG), 0);
	host_clear(host);
	assert_int_equal(slots_used(), 5);
	receive_nd(
		host, PORT_CORE, discovery("2001:db8:1::fe", "ff02::1", 136, NA_OVERRIDE, "2001:db8:1::fe", other_mac));
	assert_int_equal(host->update_count, 6); /* five tunnels and the next hop of the route */
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(host->updates[i].op, FWD_OP_tunnel_replace);
		assert_memory_equal(host->slots[host->updates[i].body.tunnel.descriptor].bytes, other_mac, 6);
	}
	assert_int_equal(slots_used(), 5);
	host_clear(host);
	answers(host, PORT_CORE, "2001:db8:1::fe", other_mac);
	assert_int_equal(host->update_count, 0); /* nothing new */
}

static void next_hop_that_dies_without_a_word_is_noticed_and_its_tunnels_are_unresolved(void **state)
{
	assert_int_equal(insert(3, MAG), 0);
	answers(host, PORT_CORE, MAG, peer_mac);
	host_clear(host);
	host_pass(host, 37999);
	assert_int_equal(host->update_count, 0);
	host_pass(host, 1); /* 30 s reachable, 5 s delay, 3 probes */
	assert_int_equal(host->update_count, 1);
	assert_int_equal(host->updates[0].op, FWD_OP_tunnel_replace);
	assert_int_equal(host->updates[0].body.tunnel.flags, 0);
	assert_int_equal(host->updates[0].body.tunnel.descriptor, INDEX_NONE);
	assert_int_equal(slots_used(), 0);
	assert_int_equal(host->resolved_count, 0);
}

static void next_hop_that_was_replaced_is_found_by_probing(void **state)
{
	assert_int_equal(insert(3, MAG), 0);
	answers(host, PORT_CORE, MAG, peer_mac);
	host_clear(host);
	host_pass(host, 35000);
	assert_int_equal(state_of(host, MAG), NEIGHBOUR_PROBE);
	answers(host, PORT_CORE, MAG, other_mac);
	assert_int_equal(host->update_count, 1);
	assert_memory_equal(host->slots[host->updates[0].body.tunnel.descriptor].bytes, other_mac, 6);
}

static void mtu_is_that_of_the_smaller_of_port_and_engine(void **state)
{
	struct fwd_update update = tunnel(3, MAG);

	update.body.tunnel.mtu_bytes = 1400;
	net_tunnel_insert(host->net, &host->now, &update);
	assert_int_equal(update.body.tunnel.mtu_bytes, 1400);
	update = tunnel(4, MAG);
	update.body.tunnel.mtu_bytes = 8960;
	net_tunnel_insert(host->net, &host->now, &update);
	assert_int_equal(update.body.tunnel.mtu_bytes, 1460);
}

static void removed_tunnel_leaves_nothing_behind(void **state)
{
	assert_int_equal(insert(3, MAG), 0);
	answers(host, PORT_CORE, MAG, peer_mac);
	assert_int_equal(insert(4, MAG), 1);
	net_tunnel_remove(host->net, 3);
	net_tunnel_remove(host->net, 4);
	net_tunnel_remove(host->net, 4);
	net_tunnel_remove(host->net, 12345678);
	host_clear(host);
	assert_int_equal(slots_used(), 0);
	receive_nd(host, PORT_CORE, discovery(MAG, "ff02::1", 136, NA_OVERRIDE, MAG, other_mac));
	assert_int_equal(host->update_count, 0);
	for (unsigned i = 0; i < 20; i++) {
		host_pass(host, 50000);
		host_clear(host);
	}
	assert_int_equal(state_of(host, MAG), NEIGHBOUR_STATE_COUNT); /* not kept any more */
}

static void tunnel_that_is_removed_before_it_is_answered_is_not_answered(void **state)
{
	assert_int_equal(insert(3, MAG), 0);
	assert_int_equal(insert(4, "fe80::1"), 0);
	net_tunnel_remove(host->net, 3);
	net_tunnel_remove(host->net, 4);
	host_pass(host, 10000);
	assert_int_equal(host->resolved_count, 0);
}

static void same_index_may_be_given_again(void **state)
{
	send_to(host, MAG);
	answers(host, PORT_CORE, MAG, peer_mac);
	assert_int_equal(insert(3, MAG), 1);
	assert_int_equal(insert(3, MAG), 1);
	assert_int_equal(slots_used(), 1);
	assert_int_equal(insert(3, "2001:db8:1::a2"), 0);
	assert_int_equal(slots_used(), 0);
}

static void replacement_that_is_refused_comes_later_and_is_answered_only_then(void **state)
{
	host->refuse = true;
	assert_int_equal(insert(3, MAG), 0);
	answers(host, PORT_CORE, MAG, peer_mac);
	assert_int_equal(host->resolved_count, 0);
	assert_int_equal(slots_used(), 0); /* the template of a refused update is given back */
	net_advance(host->net, &host->now);
	assert_int_equal(host->resolved_count, 0);
	host->refuse = false;
	net_advance(host->net, &host->now);
	assert_int_equal(host->update_count, 1);
	assert_int_equal(host->resolved_count, 1);
	assert_int_equal(host->resolved[0].error, 0);
	assert_int_equal(slots_used(), 1);
}

static void tunnel_without_a_free_template_is_resolved_when_there_is_one(void **state)
{
	send_to(host, MAG);
	answers(host, PORT_CORE, MAG, peer_mac);
	host_clear(host);
	host->no_slots = true;
	assert_int_equal(insert(3, MAG), 0);
	assert_int_equal(net_advance(host->net, &host->now), engine_ms(&host->now) + 1);
	assert_int_equal(host->update_count, 0);
	answers(host, PORT_OUTSIDE, "2001:db8:100::fe", peer_mac); /* others do not wait for it */
	assert_int_equal(host->update_count, 1);
	assert_int_equal(host->updates[0].op, FWD_OP_neighbour_insert);
	host->no_slots = false;
	net_advance(host->net, &host->now);
	assert_int_equal(host->update_count, 2);
	assert_int_equal(host->updates[1].op, FWD_OP_tunnel_replace);
	assert_int_equal(host->resolved_count, 1);
}

static void index_out_of_every_bound_is_refused(void **state)
{
	struct fwd_update update = tunnel(INDEX_NONE, MAG);

	assert_int_equal(net_tunnel_insert(host->net, &host->now, &update), -ENOMEM);
	assert_int_equal(update.body.tunnel.flags, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(message_inside_a_tunnel_leaves_by_the_tunnels_port),
		CASE(tunnel_over_a_known_next_hop_is_resolved_at_once),
		CASE(template_on_a_tagged_port_carries_the_tag),
		CASE(tunnel_over_an_unknown_next_hop_is_resolved_later_with_a_replacement),
		CASE(tunnel_whose_next_hop_does_not_answer_fails_after_three_seconds_and_is_mended_later),
		CASE(tunnel_without_a_route_fails_at_the_next_turn),
		CASE(tunnel_in_the_negative_cache_of_its_next_hop_fails_at_the_next_turn),
		CASE(all_tunnels_behind_a_next_hop_follow_its_link_layer_address),
		CASE(next_hop_that_dies_without_a_word_is_noticed_and_its_tunnels_are_unresolved),
		CASE(next_hop_that_was_replaced_is_found_by_probing),
		CASE(mtu_is_that_of_the_smaller_of_port_and_engine),
		CASE(removed_tunnel_leaves_nothing_behind),
		CASE(tunnel_that_is_removed_before_it_is_answered_is_not_answered),
		CASE(same_index_may_be_given_again),
		CASE(replacement_that_is_refused_comes_later_and_is_answered_only_then),
		CASE(tunnel_without_a_free_template_is_resolved_when_there_is_one),
		CASE(index_out_of_every_bound_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
