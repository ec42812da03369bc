/* SPDX-License-Identifier: BSD-3-Clause */
/* Neighbour discovery messages: what we answer and with which bytes, and what is thrown away (RFC 4861 section 7.1). */
#include "net_host.h"

#define OWN        "2001:db8:1::1"
#define PEER       "2001:db8:1::2"
#define LINK_LOCAL "fe80::ff:fe00:10" /* of 02:00:00:00:00:10 */

static struct net_host *host;

static int set_up(void **state)
{
	(void)state;
	host = host_new(ROLE_LMA);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	assert_sums(host);
	host_free(host);
	return 0;
}

static void solicitation_is_answered_to_the_solicitor(void **state)
{
	const uint8_t *ip;

	receive_nd(host, PORT_CORE, discovery(PEER, "ff02::1:ff00:1", 135, 0, OWN, peer_mac));
	ip = frame_ip(only_output(host));
	assert_int_equal(host->outputs[0].output.port, PORT_CORE);
	assert_int_equal(host->outputs[0].output.length, 14 + 40 + 32);
	assert_memory_equal(host->outputs[0].bytes, peer_mac, 6);
	assert_int_equal(ip[7], 255);
	assert_address(ip + 8, OWN);
	assert_address(ip + 24, PEER);
	assert_memory_equal(ip + 40, "\x88\x00", 2);
	assert_memory_equal(ip + 44, "\xe0\x00\x00\x00", 4); /* router, solicited, override */
	assert_address(ip + 48, OWN);
	assert_memory_equal(ip + 64, "\x02\x01\x02\x00\x00\x00\x00\x10", 8);
	assert_int_equal(stats_of(host).na_sent, 1);
}

static void link_local_address_of_the_port_is_answered_for(void **state)
{
	receive_nd(host, PORT_CORE, discovery("fe80::99", "ff02::1:ff00:10", 135, 0, LINK_LOCAL, peer_mac));
	assert_address(frame_ip(only_output(host)) + 8, LINK_LOCAL);
}

static void address_of_another_port_is_not_answered_for(void **state)
{
	receive_nd(host, PORT_OUTSIDE, discovery("2001:db8:100::2", "ff02::1:ff00:1", 135, 0, OWN, peer_mac));
	receive_nd(host, PORT_CORE, discovery(PEER, "ff02::1:ff00:9", 135, 0, "2001:db8:1::9", peer_mac));
	assert_int_equal(host->output_count, 0);
	assert_int_equal(state_of(host, PEER), NEIGHBOUR_STATE_COUNT);
}

static void solicitor_without_an_option_is_solicited_before_it_is_answered(void **state)
{
	receive_nd(host, PORT_CORE, discovery(PEER, OWN, 135, 0, OWN, NULL));
	assert_true(is_icmp(only_output(host), 135));
	answers(host, PORT_CORE, PEER, peer_mac);
	assert_true(is_icmp(&host->outputs[1], 136));
	assert_memory_equal(host->outputs[1].bytes, peer_mac, 6);
}

static void duplicate_address_detection_for_our_address_is_answered_to_all_nodes_and_logged(void **state)
{
	const uint8_t *ip;

	receive_nd(host, PORT_CORE, discovery("::", "ff02::1:ff00:1", 135, 0, OWN, NULL));
	ip = frame_ip(only_output(host));
	assert_memory_equal(host->outputs[0].bytes, "\x33\x33\x00\x00\x00\x01", 6);
	assert_address(ip + 8, OWN);
	assert_address(ip + 24, "ff02::1");
	assert_memory_equal(ip + 44, "\xa0\x00\x00\x00", 4); /* router, override; not solicited */
	assert_non_null(strstr(host->logs, "event=address_conflict"));
	assert_non_null(strstr(host->logs, "mac=02:00:00:00:00:21"));
	assert_int_equal(stats_of(host).address_conflicts, 1);
}

static void malformed_probes_are_not_answered(void **state)
{
	receive_nd(host, PORT_CORE, discovery("::", "ff02::1:ff00:1", 135, 0, OWN, peer_mac)); /* with an option */
	receive_nd(host, PORT_CORE, discovery("::", OWN, 135, 0, OWN, NULL));                  /* unicast */
	assert_int_equal(host->output_count, 0);
	assert_int_equal(stats_of(host).malformed, 2);
}

static void spoofed_advertisement_of_our_own_address_is_logged_and_changes_nothing(void **state)
{
	struct neighbour_view view;

	receive_nd(host, PORT_CORE, discovery(OWN, "ff02::1", 136, NA_OVERRIDE, OWN, other_mac));
	receive_nd(host, PORT_CORE, discovery(OWN, "ff02::1:ff00:1", 135, 0, OWN, other_mac));
	assert_int_equal(host->output_count, 0);
	assert_false(net_neighbour_next(host->net, 0, &view));
	assert_int_equal(stats_of(host).address_conflicts, 2);
}

static void solicitation_from_off_the_link_makes_no_entry(void **state)
{
	receive_nd(host, PORT_CORE, discovery("2001:db8:9::2", "ff02::1:ff00:1", 135, 0, OWN, peer_mac));
	receive_nd(host, PORT_CORE, discovery("ff02::2", "ff02::1:ff00:1", 135, 0, OWN, peer_mac));
	assert_int_equal(state_of(host, "2001:db8:9::2"), NEIGHBOUR_STATE_COUNT);
	assert_int_equal(host->output_count, 0);
	assert_int_equal(stats_of(host).malformed, 2);
}

/* Each change of one octet or field of a good message, and the good one at the end. */
static void solicitations_that_break_a_rule_are_thrown_away(void **state)
{
	static const uint8_t zero_mac[6], group_mac[6] = {1};
	struct packet good = discovery(PEER, "ff02::1:ff00:1", 135, 0, OWN, peer_mac), bad;

	bad = good;
	bad.bytes[42] ^= 1; /* checksum */
	receive_nd(host, PORT_CORE, bad);
	bad = good;
	bad.bytes[7] = 254; /* hop limit: from another link */
	receive_nd(host, PORT_CORE, bad);
	bad = good;
	bad.bytes[41] = 1; /* code */
	seal(&bad, 40);
	receive_nd(host, PORT_CORE, bad);
	bad = good;
	bad.bytes[65] = 0; /* option of length 0 */
	seal(&bad, 40);
	receive_nd(host, PORT_CORE, bad);
	bad = good;
	bad.bytes[65] = 2; /* option longer than the message */
	seal(&bad, 40);
	receive_nd(host, PORT_CORE, bad);
	receive_nd(host, PORT_CORE, discovery(PEER, "ff02::1:ff00:1", 135, 0, "ff02::1", peer_mac));
	receive_nd(host, PORT_CORE, discovery(PEER, "ff02::1:ff00:1", 135, 0, OWN, zero_mac));
	receive_nd(host, PORT_CORE, discovery(PEER, "ff02::1:ff00:1", 135, 0, OWN, group_mac));
	assert_int_equal(host->output_count, 0);
	assert_int_equal(stats_of(host).malformed, 8);
	assert_int_equal(state_of(host, PEER), NEIGHBOUR_STATE_COUNT);
	receive_nd(host, PORT_CORE, good);
	assert_int_equal(host->output_count, 1);
}

static void solicitation_cut_anywhere_is_thrown_away(void **state)
{
	struct packet good = discovery(PEER, "ff02::1:ff00:1", 135, 0, OWN, peer_mac);

	for (uint16_t length = 0; length < good.length; length++) {
		struct packet cut = good, short_of_it = good;

		cut.length = length; /* shorter than it claims */
		receive_nd(host, PORT_CORE, cut);
		if (length < 40 || length == 64)
			continue;
		short_of_it.length = length; /* and short with a right length and checksum */
		short_of_it.bytes[5] = (uint8_t)(length - 40);
		if (length >= 44)
			seal(&short_of_it, 40);
		receive_nd(host, PORT_CORE, short_of_it);
	}
	assert_int_equal(host->output_count, 0);
	assert_int_equal(state_of(host, PEER), NEIGHBOUR_STATE_COUNT);
}

static void options_that_are_not_known_are_skipped(void **state)
{
	struct packet packet = discovery(PEER, "ff02::1:ff00:1", 135, 0, OWN, NULL);
	static const uint8_t options[32] = {14, 1, 1, 2, 3, 4, 5, 6, 200, 2, [24] = 1, 1, 2, 0, 0, 0, 0, 0x21};

	memcpy(packet.bytes + 64, options, sizeof(options));
	packet.length += sizeof(options);
	packet.bytes[5] += sizeof(options);
	seal(&packet, 40);
	receive_nd(host, PORT_CORE, packet);
	assert_true(is_icmp(only_output(host), 136));
	assert_memory_equal(host->outputs[0].bytes, peer_mac, 6);
}

static void advertisement_that_is_solicited_and_multicast_is_thrown_away(void **state)
{
	assert_int_equal(send_to(host, PEER), 0);
	receive_nd(host, PORT_CORE, discovery(PEER, "ff02::1", 136, NA_SOLICITED | NA_OVERRIDE, PEER, peer_mac));
	assert_int_equal(state_of(host, PEER), NEIGHBOUR_INCOMPLETE);
	assert_int_equal(stats_of(host).malformed, 1);
}

static void advertisement_on_another_port_does_not_count(void **state)
{
	assert_int_equal(send_to(host, PEER), 0);
	receive_nd(host, PORT_OUTSIDE, discovery(PEER, OWN, 136, NA_SOLICITED | NA_OVERRIDE, PEER, peer_mac));
	assert_int_equal(state_of(host, PEER), NEIGHBOUR_INCOMPLETE);
}

static void discovery_out_of_a_tunnel_or_from_an_access_port_does_not_count(void **state)
{
	struct packet packet = discovery(PEER, "ff02::1:ff00:1", 135, 0, OWN, peer_mac);
	struct packet_meta meta = from_port(PUNT_neighbour_discovery, PORT_CORE);

	meta.tunnel = 3;
	punt_meta(host, &meta, &packet);
	meta.tunnel = INDEX_NONE;
	meta.link = 0;
	punt_meta(host, &meta, &packet);
	meta.link = LINK_NONE;
	meta.port = PORT_ACCESS;
	punt_meta(host, &meta, &packet);
	meta.port = PORT_NONE;
	punt_meta(host, &meta, &packet);
	assert_int_equal(host->output_count, 0);
}

static void routers_and_redirects_of_others_are_ignored(void **state)
{
	static const uint8_t body[40];

	receive_nd(host, PORT_CORE, icmp("fe80::99", "ff02::1", 255, 134, 0, 0, body, 8));
	receive_nd(host, PORT_CORE, icmp("fe80::99", OWN, 255, 137, 0, 0, body, 32));
	assert_int_equal(host->output_count, 0);
	assert_int_equal(host->update_count, 0);
}

static void own_addresses_are_announced_three_times_at_start(void **state)
{
	static const char *const own[] = {OWN, LINK_LOCAL, "2001:db8:100::1", "fe80::ff:fe00:11"};

	net_start(host->net, &host->now);
	assert_int_equal(host->output_count, 4);
	for (unsigned i = 0; i < 4; i++) {
		const uint8_t *ip = frame_ip(&host->outputs[i]);

		assert_int_equal(host->outputs[i].output.port, i / 2);
		assert_address(ip + 8, own[i]);
		assert_address(ip + 24, "ff02::1");
		assert_memory_equal(ip + 40, "\x88\x00", 2);
		assert_memory_equal(ip + 44, "\xa0\x00\x00\x00", 4);
		assert_address(ip + 48, own[i]);
		assert_memory_equal(ip + 66, net_macs[i / 2], 6);
	}
	host_pass(host, 1000);
	assert_int_equal(host->output_count, 8);
	host_pass(host, 100000);
	assert_int_equal(host->output_count, 12);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(solicitation_is_answered_to_the_solicitor),
		CASE(link_local_address_of_the_port_is_answered_for),
		CASE(address_of_another_port_is_not_answered_for),
		CASE(solicitor_without_an_option_is_solicited_before_it_is_answered),
		CASE(duplicate_address_detection_for_our_address_is_answered_to_all_nodes_and_logged),
		CASE(malformed_probes_are_not_answered),
		CASE(spoofed_advertisement_of_our_own_address_is_logged_and_changes_nothing),
		CASE(solicitation_from_off_the_link_makes_no_entry),
		CASE(solicitations_that_break_a_rule_are_thrown_away),
		CASE(solicitation_cut_anywhere_is_thrown_away),
		CASE(options_that_are_not_known_are_skipped),
		CASE(advertisement_that_is_solicited_and_multicast_is_thrown_away),
		CASE(advertisement_on_another_port_does_not_count),
		CASE(discovery_out_of_a_tunnel_or_from_an_access_port_does_not_count),
		CASE(routers_and_redirects_of_others_are_ignored),
		CASE(own_addresses_are_announced_three_times_at_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
