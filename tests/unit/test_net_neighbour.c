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

/* RFC 4861 section 7.2.5, row by row. */
static void advertisement_without_override_does_not_change_the_address_but_makes_it_stale(void **state)
{
	struct neighbour_view view;

	reach(PEER, peer_mac);
	receive_nd(host, PORT_CORE, discovery(PEER, "2001:db8:1::1", 136, NA_SOLICITED, PEER, other_mac));
	assert_true(find_neighbour(host, PEER, &view));
	assert_int_equal(view.state, NEIGHBOUR_STALE);
	assert_memory_equal(view.mac, peer_mac, 6);
	/* and in any other state it is ignored */
	receive_nd(host, PORT_CORE, discovery(PEER, "2001:db8:1::1", 136, NA_SOLICITED, PEER, other_mac));
	assert_int_equal(state_of(host, PEER), NEIGHBOUR_STALE);
}

static void advertisement_with_override_changes_the_address(void **state)
{
	struct neighbour_view view;

	reach(PEER, peer_mac);
	receive_nd(host, PORT_CORE, discovery(PEER, "ff02::1", 136, NA_OVERRIDE, PEER, other_mac));
	assert_true(find_neighbour(host, PEER, &view));
	assert_int_equal(view.state, NEIGHBOUR_STALE);
	assert_memory_equal(view.mac, other_mac, 6);
	answers(host, PORT_CORE, PEER, peer_mac);
	assert_true(find_neighbour(host, PEER, &view));
	assert_int_equal(view.state, NEIGHBOUR_REACHABLE);
	assert_memory_equal(view.mac, peer_mac, 6);
}

static void advertisement_of_the_same_address_confirms_only_when_solicited(void **state)
{
	reach(PEER, peer_mac);
	host_pass(host, 30000);
	receive_nd(host, PORT_CORE, discovery(PEER, "ff02::1", 136, NA_OVERRIDE, PEER, peer_mac));
	assert_int_equal(state_of(host, PEER), NEIGHBOUR_STALE);
	receive_nd(host, PORT_CORE, discovery(PEER, "2001:db8:1::1", 136, NA_SOLICITED, PEER, peer_mac));
	assert_int_equal(state_of(host, PEER), NEIGHBOUR_REACHABLE);
}

static void advertisement_without_an_address_confirms_but_does_not_resolve(void **state)
{
	assert_int_equal(send_to(host, PEER), 0);
	receive_nd(host, PORT_CORE, discovery(PEER, "2001:db8:1::1", 136, NA_SOLICITED, PEER, NULL));
	assert_int_equal(state_of(host, PEER), NEIGHBOUR_INCOMPLETE);
	answers(host, PORT_CORE, PEER, peer_mac);
	host_pass(host, 30000);
	assert_int_equal(state_of(host, PEER), NEIGHBOUR_STALE);
	receive_nd(host, PORT_CORE, discovery(PEER, "2001:db8:1::1", 136, NA_SOLICITED, PEER, NULL));
	assert_int_equal(state_of(host, PEER), NEIGHBOUR_REACHABLE);
}

static void unsolicited_advertisement_resolves_without_confirming_and_is_confirmed_by_probes(void **state)
{
	assert_int_equal(send_to(host, PEER), 0);
	host_clear(host);
	receive_nd(host, PORT_CORE, discovery(PEER, "ff02::1", 136, NA_OVERRIDE, PEER, peer_mac));
	assert_int_equal(state_of(host, PEER), NEIGHBOUR_DELAY); /* stale, and a packet was just sent to it */
	assert_int_equal(host->output_count, 1);
	host_pass(host, 5000);
	assert_int_equal(state_of(host, PEER), NEIGHBOUR_PROBE);
}

static void advertisement_of_a_node_nobody_asked_for_makes_no_entry(void **state)
{
	receive_nd(host, PORT_CORE, discovery(PEER, "ff02::1", 136, NA_OVERRIDE, PEER, peer_mac));
	assert_int_equal(state_of(host, PEER), NEIGHBOUR_STATE_COUNT);
}

static void next_hop_of_a_route_is_probed_without_traffic_and_its_failure_is_told_and_mended(void **state)
{
	const struct fwd_neighbour *body;

	host_free(host);
	host = host_with_routes(ROLE_LMA);
	net_start(host->net, &host->now);
	answers(host, PORT_CORE, "2001:db8:1::fe", peer_mac);
	host_clear(host);
	host_pass(host, 30000);
	assert_int_equal(state_of(host, "2001:db8:1::fe"), NEIGHBOUR_DELAY);
	host_pass(host, 5000);
	assert_int_equal(state_of(host, "2001:db8:1::fe"), NEIGHBOUR_PROBE);
	assert_int_equal(host->update_count, 0);
	host_pass(host, 3000);
	assert_int_equal(state_of(host, "2001:db8:1::fe"), NEIGHBOUR_FAILED);
	assert_int_equal(host->update_count, 1);
	assert_int_equal(host->updates[0].op, FWD_OP_neighbour_insert);
	assert_int_equal(host->updates[0].body.neighbour.resolved, 0);
	assert_non_null(strstr(host->logs, "event=next_hop_failed"));
	host_clear(host);
	host_pass(host, 3000);
	assert_int_equal(state_of(host, "2001:db8:1::fe"), NEIGHBOUR_INCOMPLETE);
	host_pass(host, 60000);
	assert_null(strstr(host->logs, "address=2001:db8:1::fe")); /* said once */
	answers(host, PORT_CORE, "2001:db8:1::fe", other_mac);
	assert_int_equal(host->update_count, 1);
	body = &host->updates[0].body.neighbour;
	assert_int_equal(host->updates[0].op, FWD_OP_neighbour_insert);
	assert_int_equal(body->resolved, 1);
	assert_int_equal(body->port, PORT_CORE);
	assert_int_equal(body->mtu_bytes, 1500);
	assert_memory_equal(body->mac, other_mac, 6);
	assert_memory_equal(body->source_mac, net_macs[PORT_CORE], 6);
	assert_non_null(strstr(host->logs, "event=next_hop_answers"));
}

static struct packet transit(const char *source, const char *destination)
{
	static const uint8_t payload[16] = {0x30, 0x39, 0x30, 0x39, 0, 16};

	return ipv6(source, destination, 17, 63, payload, sizeof(payload));
}

#define SERVER "2001:db8:100::5"

static void packet_of_the_data_plane_waits_and_leaves_with_a_route_for_its_destination(void **state)
{
	punt(host, PUNT_neighbour_resolve, PORT_CORE, transit("2001:db8:f1:1::100", SERVER));
	assert_int_equal(count_icmp(host, 135), 1);
	assert_int_equal(host->update_count, 0);
	host_clear(host);
	answers(host, PORT_OUTSIDE, SERVER, peer_mac);
	assert_int_equal(host->update_count, 2);
	assert_int_equal(host->updates[0].op, FWD_OP_neighbour_insert);
	assert_memory_equal(host->updates[0].body.neighbour.mac, peer_mac, 6);
	assert_int_equal(host->updates[1].op, FWD_OP_route_insert);
	assert_int_equal(host->updates[1].index, host->updates[0].index);
	assert_int_equal(host->updates[1].body.route.length, 128);
	assert_int_equal(host->updates[1].body.route.local, 0);
	assert_address(host->updates[1].body.route.prefix.s6_addr, SERVER);
	assert_int_equal(only_output(host)->output.port, PORT_OUTSIDE);
	assert_int_equal(frame_ip(&host->outputs[0])[7], 63); /* the data plane took its hop */
}

static void host_route_is_taken_back_when_the_destination_dies(void **state)
{
	punt(host, PUNT_neighbour_resolve, PORT_CORE, transit("2001:db8:f1:1::100", SERVER));
	answers(host, PORT_OUTSIDE, SERVER, peer_mac);
	host_clear(host);
	host_pass(host, 38000);
	assert_int_equal(state_of(host, SERVER), NEIGHBOUR_FAILED);
	assert_int_equal(host->update_count, 1);
	assert_int_equal(host->updates[0].body.neighbour.resolved, 0);
	host_pass(host, 3000);
	assert_int_equal(state_of(host, SERVER), NEIGHBOUR_STATE_COUNT);
	assert_int_equal(host->update_count, 3);
	assert_int_equal(host->updates[1].op, FWD_OP_route_remove);
	assert_int_equal(host->updates[2].op, FWD_OP_neighbour_remove);
}

static void destination_that_never_answers_reaches_no_table_and_its_senders_are_told(void **state)
{
	punt(host, PUNT_neighbour_resolve, PORT_CORE, transit("2001:db8:77::1", SERVER));
	host_pass(host, 10000);
	assert_int_equal(host->update_count, 0);
	assert_int_equal(state_of(host, SERVER), NEIGHBOUR_STATE_COUNT);
	assert_int_equal(stats_of(host).errors_sent[1], 1);
}

static void negative_answer_is_remembered(void **state)
{
	struct packet_meta meta = from_port(PUNT_neighbour_resolve, PORT_NONE);
	struct packet packet = transit("2001:db8:f1:1::100", SERVER);

	meta.tunnel = 7;
	punt_meta(host, &meta, &packet);
	host_pass(host, 3000);
	assert_int_equal(count_icmp(host, 1), 1);
	host_clear(host);
	punt_meta(host, &meta, &packet);
	assert_int_equal(only_output(host)->output.kind, NET_TUNNEL);
	assert_int_equal(host->outputs[0].output.tunnel, 7);
	assert_true(is_icmp(&host->outputs[0], 1));
	assert_int_equal(output_ip(&host->outputs[0])[41], 3);
	assert_sums(host);
}

static const char *numbered(unsigned i)
{
	static char text[64];

	snprintf(text, sizeof(text), "2001:db8:1::a:%x", i + 1);
	return text;
}

static void solicit_us_from(const char *address)
{
	receive_nd(host, PORT_CORE, discovery(address, "ff02::1:ff00:1", 135, 0, "2001:db8:1::1", peer_mac));
}

static void oldest_entry_of_our_own_answers_gives_way_to_a_new_one(void **state)
{
	for (unsigned i = 0; i < 16; i++) {
		host_pass(host, 1);
		solicit_us_from(numbered(i));
	}
	host_pass(host, 10);
	assert_int_equal(send_to(host, PEER), 0);
	assert_int_equal(state_of(host, numbered(0)), NEIGHBOUR_STATE_COUNT);
	assert_int_equal(state_of(host, numbered(1)), NEIGHBOUR_DELAY);
	assert_int_equal(stats_of(host).neighbours_full, 0);
}

static void destination_of_the_data_plane_gives_way_only_after_ten_idle_minutes(void **state)
{
	struct neighbour_view view;

	for (unsigned i = 0; i < 16; i++) {
		punt(host, PUNT_neighbour_resolve, PORT_CORE, transit("2001:db8:f1:1::100", numbered(i)));
		answers(host, PORT_CORE, numbered(i), peer_mac);
	}
	assert_int_equal(send_to(host, PEER), -EHOSTUNREACH);
	assert_int_equal(stats_of(host).neighbours_full, 1);
	assert_non_null(strstr(host->logs, "event=neighbours_full"));
	host->random = 29999;
	for (unsigned minute = 0; minute < 20; minute++) { /* they live: each probe is answered */
		host_pass(host, 30000);
		for (uint32_t i = 0; net_neighbour_next(host->net, i, &view); i = view.index + 1) {
			char text[IP6_TEXT_MAX];

			answers(host, PORT_CORE, ip6_format(&view.address, text), peer_mac);
		}
		host_clear(host);
	}
	assert_int_equal(send_to(host, PEER), 0);
	assert_int_equal(host->updates[0].op, FWD_OP_route_remove);
	assert_int_equal(host->updates[1].op, FWD_OP_neighbour_remove);
	assert_int_equal(host->update_count, 2);
}

static void scan_of_an_on_link_prefix_takes_at_most_half_of_the_cache(void **state)
{
	unsigned incomplete = 0;
	struct neighbour_view view;

	for (unsigned i = 0; i < 40; i++)
		punt(host, PUNT_neighbour_resolve, PORT_CORE, transit("2001:db8:f1:1::100", numbered(i)));
	for (uint32_t i = 0; net_neighbour_next(host->net, i, &view); i = view.index + 1)
		incomplete += view.state == NEIGHBOUR_INCOMPLETE;
	assert_in_range(incomplete, 8, 9);
	assert_int_equal(send_to(host, "2001:db8:100::9"), -EHOSTUNREACH);
}

static void index_is_not_reused_before_the_data_plane_forgot_it(void **state)
{
	uint32_t first;
	struct neighbour_view view;

	punt(host, PUNT_neighbour_resolve, PORT_CORE, transit("2001:db8:f1:1::100", SERVER));
	answers(host, PORT_OUTSIDE, SERVER, peer_mac);
	assert_true(find_neighbour(host, SERVER, &view));
	first = view.index;
	host->reclaim_lags = true;
	host_pass(host, 41000);
	assert_int_equal(state_of(host, SERVER), NEIGHBOUR_STATE_COUNT);
	for (unsigned i = 0; i < 8; i++) {
		assert_int_equal(send_to(host, numbered(i)), 0);
		assert_true(find_neighbour(host, numbered(i), &view));
		assert_int_not_equal(view.index, first);
		answers(host, PORT_CORE, numbered(i), peer_mac);
	}
	host->reclaimed = host->taken;
	assert_int_equal(send_to(host, PEER), 0);
	assert_true(find_neighbour(host, PEER, &view));
	assert_int_equal(view.index, first);
}

static void refused_updates_come_later_in_order_and_none_is_lost(void **state)
{
	host->refuse = true;
	punt(host, PUNT_neighbour_resolve, PORT_CORE, transit("2001:db8:f1:1::100", SERVER));
	answers(host, PORT_OUTSIDE, SERVER, peer_mac);
	punt(host, PUNT_neighbour_resolve, PORT_CORE, transit("2001:db8:f1:1::100", "2001:db8:100::6"));
	answers(host, PORT_OUTSIDE, "2001:db8:100::6", peer_mac);
	answers(host, PORT_OUTSIDE, SERVER, other_mac);
	assert_int_equal(host->update_count, 0);
	assert_int_equal(net_advance(host->net, &host->now), engine_ms(&host->now) + 1);
	for (unsigned i = 1; i <= 4; i++) {
		host->accept = 1;
		net_advance(host->net, &host->now);
		assert_int_equal(host->update_count, i);
	}
	assert_int_equal(host->updates[0].op, FWD_OP_neighbour_insert);
	assert_memory_equal(host->updates[0].body.neighbour.mac, other_mac, 6);
	assert_int_equal(host->updates[1].op, FWD_OP_route_insert);
	assert_address(host->updates[1].body.route.prefix.s6_addr, SERVER);
	assert_int_equal(host->updates[2].op, FWD_OP_neighbour_insert);
	assert_int_equal(host->updates[3].op, FWD_OP_route_insert);
	assert_int_equal(host->updates[3].index, host->updates[2].index);
	host->refuse = false;
	assert_true(net_advance(host->net, &host->now) > engine_ms(&host->now) + 1);
	assert_int_equal(host->update_count, 4);
	assert_true(stats_of(host).updates_refused > 0);
}

/* Removed while the insertion was still refused: the slot comes back, in whatever way the updates were taken. */
static void entry_that_dies_while_updates_are_refused_leaves_nothing_behind(void **state)
{
	struct neighbour_view view;

	host->refuse = true;
	host->accept = 1; /* the next hop, but not its route */
	punt(host, PUNT_neighbour_resolve, PORT_CORE, transit("2001:db8:f1:1::100", SERVER));
	answers(host, PORT_OUTSIDE, SERVER, peer_mac);
	for (unsigned i = 0; i < 45; i++) {
		host->now.monotonic_ns += UINT64_C(1000000000);
		net_advance(host->net, &host->now);
	}
	assert_int_equal(host->update_count, 1);
	assert_false(net_neighbour_next(host->net, 0, &view));
	host->refuse = false;
	net_advance(host->net, &host->now);
	assert_int_equal(host->update_count, 2);
	assert_int_equal(host->updates[1].op, FWD_OP_neighbour_remove);
	assert_int_equal(host->updates[1].index, host->updates[0].index);
}

/* What the data plane holds after any mixture of answers, deaths, refusals and time is what net shows. */
static void data_plane_follows_through_random_histories(void **state)
{
	uint64_t seed = 4711;

	for (unsigned run = 0; run < 40; run++) {
		bool inserted[16] = {false}, routed[16] = {false};
		unsigned seen = 0;

		for (unsigned step = 0; step < 200; step++) {
			uint64_t r = test_random(&seed);
			char text[64];

			snprintf(text, sizeof(text), "2001:db8:100::%x", (unsigned)(r >> 8) % 24 + 2);
			host->random = test_random(&seed);
			host->refuse = r % 5 == 0;
			host->accept = (unsigned)(r >> 16) % 3;
			host->reclaim_lags = (r >> 20) % 2;
			if (!host->reclaim_lags)
				host->reclaimed = host->taken;
			switch ((r >> 24) % 4) {
			case 0:
				punt(host, PUNT_neighbour_resolve, PORT_CORE, transit("2001:db8:f1:1::100", text));
				break;
			case 1: answers(host, PORT_OUTSIDE, text, (r >> 32) % 2 ? peer_mac : other_mac); break;
			case 2:
				host->now.monotonic_ns += (r >> 32) % UINT64_C(20000000000);
				net_advance(host->net, &host->now);
				break;
			default: net_advance(host->net, &host->now); break;
			}
			for (; seen < host->update_count; seen++) {
				const struct fwd_update *update = &host->updates[seen];
				uint32_t index = update->index;

				if (update->op == FWD_OP_neighbour_insert) {
					inserted[index] = true;
				} else if (update->op == FWD_OP_route_insert) {
					assert_true(inserted[index] && !routed[index]);
					routed[index] = true;
				} else if (update->op == FWD_OP_route_remove) {
					assert_true(routed[index]);
					routed[index] = false;
				} else {
					assert_int_equal(update->op, FWD_OP_neighbour_remove);
					assert_true(inserted[index] && !routed[index]);
					inserted[index] = false;
				}
			}
			if (host->update_count > UPDATES_MAX - 64 || host->output_count > OUTPUTS_MAX - 64) {
				host_clear(host);
				seen = 0;
			}
		}
		host->refuse = false;
		host->reclaim_lags = false;
		host->reclaimed = host->taken;
		host_clear(host);
		host_pass(host, 600000); /* nobody answers any more */
		for (unsigned i = 0; i < host->update_count; i++) {
			if (host->updates[i].op == FWD_OP_route_remove)
				routed[host->updates[i].index] = false;
			else if (host->updates[i].op == FWD_OP_neighbour_remove)
				inserted[host->updates[i].index] = false;
		}
		for (unsigned i = 0; i < 16; i++)
			assert_false(inserted[i] || routed[i]);
		host_clear(host);
	}
}

static void time_that_jumps_by_hours_ends_in_the_same_states(void **state)
{
	reach(PEER, peer_mac);
	host->now.monotonic_ns += UINT64_C(7200) * 1000000000;
	while (net_advance(host->net, &host->now) <= engine_ms(&host->now))
		;
	assert_in_set(state_of(host, PEER), ((unsigned long[]){NEIGHBOUR_STALE, NEIGHBOUR_STATE_COUNT}), 2);
	assert_int_equal(send_to(host, PEER), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static void static_neighbour_is_told_to_the_data_plane_and_never_asked(void **state)
{
	struct in6_addr address = addr("2001:db8:100::77");

	assert_int_equal(net_neighbour_static(host->net, &host->now, PORT_OUTSIDE, &address, other_mac), 0);
	assert_int_equal(state_of(host, "2001:db8:100::77"), NEIGHBOUR_STATIC);
	assert_int_equal(host->update_count, 2);
	assert_int_equal(host->updates[0].op, FWD_OP_neighbour_insert);
	assert_int_equal(host->updates[0].body.neighbour.resolved, 1);
	assert_memory_equal(host->updates[0].body.neighbour.mac, other_mac, 6);
	assert_int_equal(host->updates[1].op, FWD_OP_route_insert);
	assert_int_equal(host->updates[1].body.route.length, 128);
	assert_address(host->updates[1].body.route.prefix.s6_addr, "2001:db8:100::77");
	assert_int_equal(send_to(host, "2001:db8:100::77"), 0);
	assert_memory_equal(only_output(host)->bytes, other_mac, 6);
	host_clear(host);
	host_pass(host, 3600 * 1000);
	assert_int_equal(host->output_count, 0);
	assert_int_equal(host->update_count, 0);
	assert_int_equal(state_of(host, "2001:db8:100::77"), NEIGHBOUR_STATIC);
}

static void static_neighbour_keeps_its_address_whatever_is_advertised(void **state)
{
	struct in6_addr address = addr(PEER);
	struct neighbour_view view;

	assert_int_equal(net_neighbour_static(host->net, &host->now, PORT_CORE, &address, other_mac), 0);
	answers(host, PORT_CORE, PEER, peer_mac);
	receive_nd(host, PORT_CORE, discovery(PEER, "2001:db8:1::1", 135, 0, "2001:db8:1::1", peer_mac));
	assert_true(find_neighbour(host, PEER, &view));
	assert_int_equal(view.state, NEIGHBOUR_STATIC);
	assert_memory_equal(view.mac, other_mac, 6);
}

static void static_neighbour_that_was_asked_before_gets_what_waits(void **state)
{
	struct in6_addr address = addr(PEER);

	assert_int_equal(send_to(host, PEER), 0);
	assert_int_equal(state_of(host, PEER), NEIGHBOUR_INCOMPLETE);
	host_clear(host);
	assert_int_equal(net_neighbour_static(host->net, &host->now, PORT_CORE, &address, other_mac), 0);
	assert_memory_equal(only_output(host)->bytes, other_mac, 6);
	host_pass(host, 10000);
	assert_int_equal(state_of(host, PEER), NEIGHBOUR_STATIC);
	assert_int_equal(host->output_count, 1);
}

static void static_neighbours_are_not_evicted_and_end_with_the_table(void **state)
{
	struct in6_addr address = addr("2001:db8:1::100");

	for (unsigned i = 0; i < 16; i++) {
		address.s6_addr[15] = (uint8_t)i + 16;
		assert_int_equal(net_neighbour_static(host->net, &host->now, PORT_CORE, &address, other_mac), 0);
	}
	address.s6_addr[15] = 99;
	assert_int_equal(net_neighbour_static(host->net, &host->now, PORT_CORE, &address, other_mac), -ENOSPC);
	assert_int_equal(state_of(host, "2001:db8:1::110"), NEIGHBOUR_STATIC);
}

static void static_neighbour_must_be_on_the_link_and_no_group(void **state)
{
	static const uint8_t group[6] = {0x33, 0x33}, none[6];
	struct in6_addr on = addr(PEER), off = addr("2001:db8:9::1"), own = addr("2001:db8:1::1");

	assert_int_equal(net_neighbour_static(host->net, &host->now, PORT_CORE, &off, other_mac), -EINVAL);
	assert_int_equal(net_neighbour_static(host->net, &host->now, PORT_CORE, &own, other_mac), -EINVAL);
	assert_int_equal(net_neighbour_static(host->net, &host->now, PORT_ACCESS, &on, other_mac), -EINVAL);
	assert_int_equal(net_neighbour_static(host->net, &host->now, 99, &on, other_mac), -EINVAL);
	assert_int_equal(net_neighbour_static(host->net, &host->now, PORT_CORE, &on, group), -EINVAL);
	assert_int_equal(net_neighbour_static(host->net, &host->now, PORT_CORE, &on, none), -EINVAL);
	assert_int_equal(host->update_count, 0);
}

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
		CASE(advertisement_without_override_does_not_change_the_address_but_makes_it_stale),
		CASE(advertisement_with_override_changes_the_address),
		CASE(advertisement_of_the_same_address_confirms_only_when_solicited),
		CASE(advertisement_without_an_address_confirms_but_does_not_resolve),
		CASE(unsolicited_advertisement_resolves_without_confirming_and_is_confirmed_by_probes),
		CASE(advertisement_of_a_node_nobody_asked_for_makes_no_entry),
		CASE(next_hop_of_a_route_is_probed_without_traffic_and_its_failure_is_told_and_mended),
		CASE(packet_of_the_data_plane_waits_and_leaves_with_a_route_for_its_destination),
		CASE(host_route_is_taken_back_when_the_destination_dies),
		CASE(destination_that_never_answers_reaches_no_table_and_its_senders_are_told),
		CASE(negative_answer_is_remembered),
		CASE(oldest_entry_of_our_own_answers_gives_way_to_a_new_one),
		CASE(destination_of_the_data_plane_gives_way_only_after_ten_idle_minutes),
		CASE(scan_of_an_on_link_prefix_takes_at_most_half_of_the_cache),
		CASE(index_is_not_reused_before_the_data_plane_forgot_it),
		CASE(refused_updates_come_later_in_order_and_none_is_lost),
		CASE(entry_that_dies_while_updates_are_refused_leaves_nothing_behind),
		CASE(data_plane_follows_through_random_histories),
		CASE(time_that_jumps_by_hours_ends_in_the_same_states),
		CASE(static_neighbour_is_told_to_the_data_plane_and_never_asked),
		CASE(static_neighbour_keeps_its_address_whatever_is_advertised),
		CASE(static_neighbour_that_was_asked_before_gets_what_waits),
		CASE(static_neighbours_are_not_evicted_and_end_with_the_table),
		CASE(static_neighbour_must_be_on_the_link_and_no_group),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
