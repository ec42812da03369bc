/* SPDX-License-Identifier: BSD-3-Clause */
/* Routes of the gateway: what the data plane is told at start, next-hop determination, own packets. */
#include "net_host.h"

#include <errno.h>

static struct net_host *host;

static int set_up(void **state)
{
	(void)state;
	host = host_with_routes(ROLE_LMA);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	assert_sums(host);
	host_free(host);
	return 0;
}

/* The update that inserted the route, which is there. */
static const struct fwd_update *find_route(const char *prefix, uint8_t length)
{
	struct in6_addr wanted = addr(prefix);

	for (unsigned i = 0; i < host->update_count; i++) {
		const struct fwd_update *update = &host->updates[i];

		if (update->op == FWD_OP_route_insert && update->body.route.length == length &&
			memcmp(&update->body.route.prefix, &wanted, 16) == 0)
			return update;
	}
	fail_msg("no route to %s/%u", prefix, length);
	abort();
}

static void start_tells_connected_prefixes_as_local_and_static_routes_with_their_next_hop(void **state)
{
	const struct fwd_update *route;
	bool inserted[16] = {false};

	net_start(host->net, &host->now);
	for (unsigned i = 0; i < host->update_count; i++) { /* a next hop comes before its route */
		const struct fwd_update *update = &host->updates[i];

		if (update->op == FWD_OP_neighbour_insert)
			inserted[update->index] = true;
		else if (!update->body.route.local)
			assert_true(inserted[update->index]);
	}
	assert_int_equal(host->update_count, 6);
	route = find_route("2001:db8:1::", 64);
	assert_int_equal(route->body.route.local, 1);
	assert_int_equal(route->body.route.port, PORT_CORE);
	route = find_route("2001:db8:100::", 64);
	assert_int_equal(route->body.route.port, PORT_OUTSIDE);
	route = find_route("::", 0);
	assert_int_equal(route->body.route.local, 0);
	(void)find_route("2001:db8:77::", 48);
	assert_int_equal(count_icmp(host, 135), 2); /* both next hops are asked for at once */
}

static void start_goes_on_where_updates_were_refused(void **state)
{
	host->refuse = true;
	net_start(host->net, &host->now);
	assert_int_equal(host->update_count, 0);
	host_pass(host, 1);
	host->refuse = false;
	host_pass(host, 1);
	assert_int_equal(host->update_count, 6);
	(void)find_route("::", 0);
}

static void longest_prefix_decides(void **state)
{
	static const struct {
		const char *destination, *next_hop;
		uint16_t port;
	} rows[] = {
		{"2001:db8:1::9", "2001:db8:1::9", PORT_CORE},
		{"2001:db8:100::9", "2001:db8:100::9", PORT_OUTSIDE},
		{"2001:db8:77:ffff::9", "2001:db8:100::fe", PORT_OUTSIDE},
		{"2001:db8:78::9", "2001:db8:1::fe", PORT_CORE},
		{"fc00::1", "2001:db8:1::fe", PORT_CORE},
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct neighbour_view view;

		assert_int_equal(send_to(host, rows[i].destination), 0);
		assert_true(find_neighbour(host, rows[i].next_hop, &view));
		assert_int_equal(view.port, rows[i].port);
	}
}

static void routes_are_shown_longest_first(void **state)
{
	struct route_view view;

	assert_true(net_route_next(host->net, 0, &view));
	assert_int_equal(view.length, 64);
	assert_string_equal(view.origin, "connected");
	assert_true(net_route_next(host->net, 2, &view));
	assert_int_equal(view.length, 48);
	assert_string_equal(view.origin, "static");
	assert_true(net_route_next(host->net, 3, &view));
	assert_int_equal(view.length, 0);
	assert_false(net_route_next(host->net, 4, &view));
}

static void own_packet_without_a_way_is_refused_with_the_reason(void **state)
{
	uint8_t payload[1500] = {59};
	struct packet packet;

	host_free(host);
	host = host_new(ROLE_LMA);
	assert_int_equal(send_to(host, "2001:db8:78::9"), -ENETUNREACH);
	assert_int_equal(send_to(host, "fe80::2"), -ENETUNREACH);
	assert_int_equal(send_to(host, "2001:db8:1::1"), -EINVAL);
	assert_int_equal(send_to(host, "ff02::1"), -EINVAL);
	assert_int_equal(send_to(host, "::"), -EINVAL);
	packet = ipv6("2001:db8:1::1", "2001:db8:1::2", 135, 64, payload, 1461);
	assert_int_equal(net_send(host->net, &host->now, packet.bytes, packet.length), -EMSGSIZE);
	packet = ipv6("2001:db8:1::1", "2001:db8:1::2", 135, 64, payload, 100);
	assert_int_equal(net_send(host->net, &host->now, packet.bytes, 139), -EINVAL); /* says 140 */
	assert_int_equal(net_send(host->net, &host->now, packet.bytes, 39), -EINVAL);
	assert_int_equal(host->output_count, 0);
}

static void mobility_header_message_gets_its_ipv6_header(void **state)
{
	uint8_t message[48] = {59, 5, 5};
	struct mh_datagram datagram = {.source = addr("2001:db8:1::1"),
		.destination = addr("2001:db8:a1::1"),
		.bytes = message,
		.length = sizeof(message)};
	const uint8_t *ip;

	net_start(host->net, &host->now);
	answers(host, PORT_CORE, "2001:db8:1::fe", peer_mac);
	host_clear(host);
	assert_int_equal(net_send_mh(host->net, &host->now, &datagram), 0);
	ip = frame_ip(only_output(host));
	assert_memory_equal(ip, "\x60\x00\x00\x00\x00\x30\x87\x40", 8);
	assert_address(ip + 8, "2001:db8:1::1");
	assert_address(ip + 24, "2001:db8:a1::1");
	assert_memory_equal(ip + 40, message, sizeof(message));
	assert_memory_equal(host->outputs[0].bytes, peer_mac, 6);
	datagram.length = 2049;
	assert_int_equal(net_send_mh(host->net, &host->now, &datagram), -EMSGSIZE);
}

static void route_whose_next_hop_is_not_on_its_port_is_named_and_left_out(void **state)
{
	struct route_view view;

	host_free(host);
	host = calloc(1, sizeof(*host));
	assert_non_null(host);
	host_configure(host, ROLE_LMA);
	host->config.route_count = 2;
	host->routes[0].via = addr("2001:db8:1::1"); /* ourselves */
	host->routes[1].port = NULL;                 /* found by the next hop */
	host_create(host);
	assert_non_null(strstr(host->logs, "event=route_unusable"));
	assert_true(net_route_next(host->net, 2, &view));
	assert_int_equal(view.port, PORT_OUTSIDE);
	assert_false(net_route_next(host->net, 3, &view));
}

static void resolve_of_what_has_no_route_is_answered(void **state)
{
	host_free(host);
	host = host_new(ROLE_LMA);
	send_to(host, "2001:db8:1::2");
	answers(host, PORT_CORE, "2001:db8:1::2", peer_mac);
	host_clear(host);
	punt(host, PUNT_neighbour_resolve, PORT_CORE, ipv6("2001:db8:1::2", "2001:db8:78::9", 59, 63, NULL, 0));
	assert_true(is_icmp(only_output(host), 1));
	assert_int_equal(frame_ip(&host->outputs[0])[41], 0);
	punt(host, PUNT_neighbour_resolve, PORT_CORE, ipv6("2001:db8:1::2", "ff02::5", 59, 63, NULL, 0));
	punt(host, PUNT_neighbour_resolve, PORT_CORE, ipv6("2001:db8:1::2", "fe80::5", 59, 63, NULL, 0));
	punt(host, PUNT_neighbour_resolve, PORT_CORE, ipv6("2001:db8:1::2", "2001:db8:1::1", 59, 63, NULL, 0));
	assert_int_equal(host->output_count, 1);
	assert_int_equal(stats_of(host).malformed, 3);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(start_tells_connected_prefixes_as_local_and_static_routes_with_their_next_hop),
		CASE(start_goes_on_where_updates_were_refused),
		CASE(longest_prefix_decides),
		CASE(routes_are_shown_longest_first),
		CASE(own_packet_without_a_way_is_refused_with_the_reason),
		CASE(mobility_header_message_gets_its_ipv6_header),
		CASE(route_whose_next_hop_is_not_on_its_port_is_named_and_left_out),
		CASE(resolve_of_what_has_no_route_is_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
