/* SPDX-License-Identifier: BSD-3-Clause */
/* Neighbour cache: every transition of RFC 4861 section 7.3 with its time, queues, limits, the data plane told. */
#include "net_host.h"

#include <errno.h>

#define PEER "2001:db8:1::2"

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
	host_free(host);
	return 0;
}

static void reach(const char *address, const uint8_t mac[6])
{
	assert_int_equal(send_to(host, address), 0);
	answers(host, PORT_CORE, address, mac);
	assert_int_equal(state_of(host, address), NEIGHBOUR_REACHABLE);
	host_clear(host);
}

static void unknown_next_hop_is_solicited_by_multicast_three_times_a_second_apart(void **state)
{
	const uint8_t *ip;

	assert_int_equal(send_to(host, PEER), 0);
	ip = frame_ip(only_output(host));
	assert_memory_equal(host->outputs[0].bytes, "\x33\x33\xff\x00\x00\x02", 6);
	assert_memory_equal(host->outputs[0].bytes + 6, net_macs[PORT_CORE], 6);
	assert_int_equal(ip[7], 255);
	assert_int_equal(ip[40], 135);
	assert_address(ip + 8, "2001:db8:1::1");
	assert_address(ip + 24, "ff02::1:ff00:2");
	assert_address(ip + 48, PEER);
	assert_memory_equal(ip + 64, "\x01\x01", 2);
	assert_memory_equal(ip + 66, net_macs[PORT_CORE], 6);
	host_pass(host, 999);
	assert_int_equal(host->output_count, 1);
	host_pass(host, 1);
	assert_int_equal(host->output_count, 2);
	host_pass(host, 1000);
	assert_int_equal(host->output_count, 3);
	assert_int_equal(state_of(host, PEER), NEIGHBOUR_INCOMPLETE);
	host_pass(host, 999);
	assert_int_equal(state_of(host, PEER), NEIGHBOUR_INCOMPLETE);
	host_pass(host, 1);
	assert_int_equal(state_of(host, PEER), NEIGHBOUR_FAILED);
	assert_int_equal(host->output_count, 3);
	assert_sums(host);
}

static void advertisement_makes_it_reachable_and_releases_what_waits_in_order(void **state)
{
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(send_to(host, PEER), 0);
	host_clear(host);
	answers(host, PORT_CORE, PEER, peer_mac);
	assert_int_equal(state_of(host, PEER), NEIGHBOUR_REACHABLE);
	assert_int_equal(host->output_count, 3);
	for (unsigned i = 0; i < 3; i++) {
		assert_memory_equal(host->outputs[i].bytes, peer_mac, 6);
		assert_memory_equal(host->outputs[i].bytes + 6, net_macs[PORT_CORE], 6);
		assert_address(frame_ip(&host->outputs[i]) + 24, PEER);
	}
}

static void unused_entry_becomes_stale_after_the_reachable_time_and_is_forgotten_ten_minutes_later(void **state)
{
	reach(PEER, peer_mac);
	host_pass(host, 29999);
	assert_int_equal(state_of(host, PEER), NEIGHBOUR_REACHABLE);
	host_pass(host, 1);
	assert_int_equal(state_of(host, PEER), NEIGHBOUR_STALE);
	host_pass(host, 600000);
	assert_int_equal(state_of(host, PEER), NEIGHBOUR_STATE_COUNT);
	assert_int_equal(host->output_count, 0);
}

static void reachable_time_is_random_between_half_and_one_and_a_half_of_the_base(void **state)
{
	host->random = 0;
	reach(PEER, peer_mac);
	host_pass(host, 14999);
	assert_int_equal(state_of(host, PEER), NEIGHBOUR_REACHABLE);
	host_pass(host, 1);
	assert_int_equal(state_of(host, PEER), NEIGHBOUR_STALE);
	host->random = 29999;
	answers(host, PORT_CORE, PEER, peer_mac);
	host_pass(host, 44998);
	assert_int_equal(state_of(host, PEER), NEIGHBOUR_REACHABLE);
	host_pass(host, 1);
	assert_int_equal(state_of(host, PEER), NEIGHBOUR_STALE);
}

static void stale_entry_that_is_used_is_probed_after_five_seconds_by_unicast_and_fails_after_three(void **state)
{
	const uint8_t *ip;

	reach(PEER, peer_mac);
	host_pass(host, 30000);
	assert_int_equal(send_to(host, PEER), 0);
	assert_int_equal(state_of(host, PEER), NEIGHBOUR_DELAY);
	assert_int_equal(host->output_count, 1); /* the packet itself, to the address that is still believed */
	host_pass(host, 4999);
	assert_int_equal(state_of(host, PEER), NEIGHBOUR_DELAY);
	host_pass(host, 1);
	assert_int_equal(state_of(host, PEER), NEIGHBOUR_PROBE);
	assert_int_equal(count_icmp(host, 135), 1);
	ip = frame_ip(&host->outputs[1]);
	assert_memory_equal(host->outputs[1].bytes, peer_mac, 6);
	assert_address(ip + 24, PEER);
	host_pass(host, 2000);
	assert_int_equal(count_icmp(host, 135), 3);
	host_pass(host, 999);
	assert_int_equal(state_of(host, PEER), NEIGHBOUR_PROBE);
	host_pass(host, 1);
	assert_int_equal(state_of(host, PEER), NEIGHBOUR_FAILED);
	assert_int_equal(count_icmp(host, 135), 3);
}

static void answer_to_a_probe_makes_it_reachable_again(void **state)
{
	reach(PEER, peer_mac);
	host_pass(host, 30000);
	assert_int_equal(send_to(host, PEER), 0);
	host_pass(host, 6500);
	assert_int_equal(state_of(host, PEER), NEIGHBOUR_PROBE);
	answers(host, PORT_CORE, PEER, peer_mac);
	assert_int_equal(state_of(host, PEER), NEIGHBOUR_REACHABLE);
	host_clear(host);
	host_pass(host, 29000);
	assert_int_equal(host->output_count, 0);
}

static void failed_entry_refuses_for_three_seconds_and_then_tries_again(void **state)
{
	assert_int_equal(send_to(host, PEER), 0);
	host_pass(host, 3000);
	assert_int_equal(state_of(host, PEER), NEIGHBOUR_FAILED);
	host_clear(host);
	assert_int_equal(send_to(host, PEER), -EHOSTUNREACH);
	host_pass(host, 2999);
	assert_int_equal(send_to(host, PEER), -EHOSTUNREACH);
	assert_int_equal(host->output_count, 0);
	host_pass(host, 1);
	assert_int_equal(send_to(host, PEER), 0);
	assert_int_equal(state_of(host, PEER), NEIGHBOUR_INCOMPLETE);
	assert_int_equal(count_icmp(host, 135), 1);
}

static void queue_keeps_the_newest_packets(void **state)
{
	uint8_t payload[8] = {59};

	for (uint8_t i = 0; i < 7; i++) {
		struct packet packet;

		payload[7] = i;
		packet = ipv6("2001:db8:1::1", PEER, 135, 64, payload, sizeof(payload));
		assert_int_equal(net_send(host->net, &host->now, packet.bytes, packet.length), 0);
	}
	assert_int_equal(stats_of(host).waiting_dropped, 3);
	host_clear(host);
	answers(host, PORT_CORE, PEER, peer_mac);
	assert_int_equal(host->output_count, 4);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(frame_ip(&host->outputs[i])[47], 3 + i);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(unknown_next_hop_is_solicited_by_multicast_three_times_a_second_apart),
		CASE(advertisement_makes_it_reachable_and_releases_what_waits_in_order),
		CASE(unused_entry_becomes_stale_after_the_reachable_time_and_is_forgotten_ten_minutes_later),
		CASE(reachable_time_is_random_between_half_and_one_and_a_half_of_the_base),
		CASE(stale_entry_that_is_used_is_probed_after_five_seconds_by_unicast_and_fails_after_three),
		CASE(answer_to_a_probe_makes_it_reachable_again),
		CASE(failed_entry_refuses_for_three_seconds_and_then_tries_again),
		CASE(queue_keeps_the_newest_packets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
