/* SPDX-License-Identifier: BSD-3-Clause */
/* ICMPv6: echo, errors out with their rules and rates, errors in about tunnels (RFC 4443, wire-formats H.3 and I.3). */
#include "net_host.h"

#include <pcap/pcap.h>

#define OWN    "2001:db8:1::1"
#define PEER   "2001:db8:1::2"
#define SERVER "2001:db8:100::5"
#define MAG    "2001:db8:1::a1"
#define MN     "2001:db8:f1:1::100"

static struct net_host *host;

static void resolve(uint16_t port, const char *address)
{
	send_to(host, address);
	answers(host, port, address, peer_mac);
}

static void set_up_role(enum role role)
{
	host = host_new(role);
	resolve(PORT_CORE, PEER);
	resolve(PORT_OUTSIDE, SERVER);
	host_clear(host);
}

static int set_up(void **state)
{
	(void)state;
	set_up_role(ROLE_LMA);
	return 0;
}

static int set_up_mag(void **state)
{
	(void)state;
	set_up_role(ROLE_MAG);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	assert_sums(host);
	host_free(host);
	return 0;
}

static struct packet udp(const char *source, const char *destination, uint16_t total)
{
	uint8_t payload[FRAME_MAX - 40];

	for (unsigned i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)i;
	return ipv6(source, destination, 17, 64, payload, (uint16_t)(total - 40));
}

/* The only output is this ICMPv6 error about @offending. */
static const uint8_t *assert_error(
	uint8_t type, uint8_t code, uint32_t parameter, const char *source, const struct packet *offending)
{
	const struct output_seen *seen = only_output(host);
	const uint8_t *ip = output_ip(seen);
	uint16_t quoted = offending->length < 1232 ? offending->length : 1232;

	assert_int_equal(output_ip_length(seen), 48 + quoted);
	assert_int_equal(ip[6], 58);
	assert_int_equal(ip[7], 64);
	assert_address(ip + 8, source);
	assert_memory_equal(ip + 24, offending->bytes + 8, 16);
	assert_int_equal(ip[40], type);
	assert_int_equal(ip[41], code);
	assert_int_equal((uint32_t)ip[44] << 24 | (uint32_t)ip[45] << 16 | (uint32_t)ip[46] << 8 | ip[47], parameter);
	assert_memory_equal(ip + 48, offending->bytes, quoted);
	return ip;
}

/* ---- echo ---- */

static void echo_to_an_own_address_is_answered_from_it_with_the_same_data(void **state)
{
	const uint8_t *ip;

	punt(host, PUNT_icmp_echo, PORT_CORE, icmp(PEER, OWN, 64, 128, 0, 0x12340001, "abcdefg", 7));
	ip = frame_ip(only_output(host));
	assert_memory_equal(host->outputs[0].bytes, peer_mac, 6);
	assert_address(ip + 8, OWN);
	assert_address(ip + 24, PEER);
	assert_int_equal(ip[40], 129);
	assert_memory_equal(ip + 44,
		"\x12\x34\x00\x01"
		"abcdefg",
		11);
	assert_int_equal(stats_of(host).echo_replies, 1);
}

static void echo_between_link_local_addresses_is_answered_on_the_port(void **state)
{
	punt(host, PUNT_icmp_echo, PORT_OUTSIDE, icmp("fe80::99", "fe80::ff:fe00:11", 64, 128, 0, 1, NULL, 0));
	receive_nd(host, PORT_OUTSIDE,
		discovery("fe80::99", "fe80::ff:fe00:11", 136, NA_SOLICITED, "fe80::99", other_mac));
	assert_int_equal(host->outputs[1].output.port, PORT_OUTSIDE);
	assert_memory_equal(host->outputs[1].bytes, other_mac, 6);
	assert_address(frame_ip(&host->outputs[1]) + 8, "fe80::ff:fe00:11");
}

static void echo_of_a_mobile_node_goes_back_through_its_tunnel(void **state)
{
	struct packet packet = icmp(MN, OWN, 64, 128, 0, 1, "x", 1);
	struct packet_meta meta = from_port(PUNT_icmp_echo, PORT_NONE);

	meta.tunnel = 5;
	punt_meta(host, &meta, &packet);
	assert_int_equal(only_output(host)->output.kind, NET_TUNNEL);
	assert_int_equal(host->outputs[0].output.tunnel, 5);
	assert_address(output_ip(&host->outputs[0]) + 24, MN);
}

static void echo_on_an_access_link_is_answered_from_the_fixed_address_in_a_frame_to_the_node(void **state)
{
	struct packet packet = icmp("fe80::ff:fe00:101", "fe80::200:5eff:fe00:5213", 64, 128, 0, 1, "x", 1);
	struct packet_meta meta = from_port(PUNT_icmp_echo, PORT_ACCESS);

	meta.link = 1;
	memcpy(meta.source_mac, node_mac, 6);
	punt_meta(host, &meta, &packet);
	assert_int_equal(only_output(host)->output.port, PORT_ACCESS);
	assert_memory_equal(host->outputs[0].bytes, node_mac, 6);
	assert_memory_equal(host->outputs[0].bytes + 6, fixed_mac, 6);
	assert_memory_equal(host->outputs[0].bytes + 12, "\x81\x00\x00\x14\x86\xdd", 6); /* VLAN 20 */
	assert_address(frame_ip(&host->outputs[0]) + 8, "fe80::200:5eff:fe00:5213");
}

static void echo_that_is_broken_or_not_for_us_is_not_answered(void **state)
{
	struct packet bad = icmp(PEER, OWN, 64, 128, 0, 1, "abcd", 4);

	bad.bytes[42] ^= 1;
	punt(host, PUNT_icmp_echo, PORT_CORE, bad);
	punt(host, PUNT_icmp_echo, PORT_CORE, icmp(PEER, OWN, 64, 128, 1, 1, NULL, 0));
	punt(host, PUNT_icmp_echo, PORT_CORE, icmp(PEER, OWN, 64, 129, 0, 1, NULL, 0));
	punt(host, PUNT_icmp_echo, PORT_CORE, icmp("::", OWN, 64, 128, 0, 1, NULL, 0));
	punt(host, PUNT_icmp_echo, PORT_CORE, icmp("ff02::1", OWN, 64, 128, 0, 1, NULL, 0));
	punt(host, PUNT_icmp_echo, PORT_CORE, icmp("2001:db8:100::1", OWN, 64, 128, 0, 1, NULL, 0));
	punt(host, PUNT_icmp_echo, PORT_CORE, icmp(PEER, "2001:db8:1::77", 64, 128, 0, 1, NULL, 0));
	punt(host, PUNT_icmp_echo, PORT_CORE, icmp(PEER, "ff02::1", 64, 128, 0, 1, NULL, 0));
	for (uint16_t length = 0; length < 48; length++) {
		bad = icmp(PEER, OWN, 64, 128, 0, 1, NULL, 0);
		bad.length = length;
		punt(host, PUNT_icmp_echo, PORT_CORE, bad);
	}
	assert_int_equal(host->output_count, 0);
}

static void echo_behind_an_extension_header_is_answered_without_it(void **state)
{
	uint8_t message[16] = {58, 0, 1, 4, 0, 0, 0, 0, 128, 0, 0, 0, 0, 1, 0, 2};
	struct packet packet = ipv6(PEER, OWN, 60, 64, message, sizeof(message));

	seal(&packet, 48);
	punt(host, PUNT_icmp_echo, PORT_CORE, packet);
	assert_int_equal(output_ip_length(only_output(host)), 48);
	assert_true(is_icmp(&host->outputs[0], 129));
}

/* ---- errors out ---- */

static void each_reason_has_its_type_and_code(void **state)
{
	static const struct {
		uint8_t reason, type, code;
		uint32_t parameter;
	} rows[] = {
		{PUNT_hop_limit_error, 3, 0, 0},
		{PUNT_no_route_error, 1, 0, 0},
		{PUNT_no_endpoint_error, 1, 3, 0},
		{PUNT_source_policy_error, 1, 5, 0},
		{PUNT_own_protocol_error, 4, 1, 6},
		{PUNT_packet_too_big_error, 2, 0, 1460},
	};
	struct packet offending = udp(SERVER, MN, 200);

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct packet_meta meta = from_port(rows[i].reason, PORT_OUTSIDE);

		host_clear(host);
		meta.mtu_bytes = 1460;
		punt_meta(host, &meta, &offending);
		assert_error(rows[i].type, rows[i].code, rows[i].parameter, "2001:db8:100::1", &offending);
		assert_memory_equal(host->outputs[0].bytes, peer_mac, 6);
	}
	assert_int_equal(stats_of(host).errors_sent[1], 3);
	assert_int_equal(stats_of(host).errors_sent[2], 1);
}

static void parameter_problem_points_at_the_next_header_octet_of_the_last_extension_header(void **state)
{
	static const uint8_t payload[24] = {60, 0, 1, 4, 0, 0, 0, 0, 253, 0, 1, 4};
	struct packet offending = ipv6(PEER, OWN, 0, 64, payload, sizeof(payload));

	punt(host, PUNT_own_protocol_error, PORT_CORE, offending);
	assert_error(4, 1, 48, OWN, &offending);
}

static void parameter_problem_points_at_the_tunnel_encapsulation_limit(void **state)
{
	static const uint8_t direct[16] = {59, 0, 4, 1, 0, 1, 1, 0},
			     second[16] = {60, 0, 1, 4, [8] = 59, 0, 1, 0, 4, 1};
	struct packet offending = ipv6(SERVER, MN, 60, 64, direct, 8);

	punt(host, PUNT_tunnel_limit_error, PORT_OUTSIDE, offending);
	assert_error(4, 0, 44, "2001:db8:100::1", &offending);
	host_clear(host);
	offending = ipv6(SERVER, MN, 0, 64, second, 16);
	punt(host, PUNT_tunnel_limit_error, PORT_OUTSIDE, offending);
	assert_error(4, 0, 54, "2001:db8:100::1", &offending);
}

static void parameter_problem_for_other_callers(void **state)
{
	static const uint8_t message[8] = {0, 0, 5};
	struct packet offending = ipv6(PEER, OWN, 135, 64, message, sizeof(message));
	struct packet_meta meta = from_port(PUNT_mobility_header, PORT_CORE);

	net_parameter_problem(host->net, &host->now, &meta, offending.bytes, offending.length, 0, 40);
	assert_error(4, 0, 40, OWN, &offending);
}

static void errors_quote_as_much_as_fits_the_smallest_mtu(void **state)
{
	struct packet offending = udp(SERVER, MN, 1500);
	struct packet_meta meta = from_port(PUNT_packet_too_big_error, PORT_OUTSIDE);

	meta.mtu_bytes = 1000; /* never less than IPv6 guarantees */
	punt_meta(host, &meta, &offending);
	assert_error(2, 0, 1280, "2001:db8:100::1", &offending);
	assert_int_equal(host->outputs[0].output.length, 14 + 1280);
}

static void error_to_a_mobile_node_of_the_lma_goes_through_its_tunnel(void **state)
{
	struct packet offending = udp(MN, "2001:db8:77::1", 100);
	struct packet_meta meta = from_port(PUNT_no_route_error, PORT_NONE);

	meta.tunnel = 9;
	punt_meta(host, &meta, &offending);
	assert_error(1, 0, 0, OWN, &offending);
	assert_int_equal(host->outputs[0].output.kind, NET_TUNNEL);
	assert_int_equal(host->outputs[0].output.tunnel, 9);
}

static void error_to_a_mobile_node_of_the_mag_goes_in_a_frame_on_its_link(void **state)
{
	struct packet offending = udp(MN, "2001:db8:77::1", 1500);
	struct packet_meta meta = from_port(PUNT_packet_too_big_error, PORT_ACCESS);

	meta.link = 0;
	meta.mtu_bytes = 1460;
	memcpy(meta.source_mac, node_mac, 6);
	punt_meta(host, &meta, &offending);
	assert_error(2, 0, 1460, OWN, &offending);
	assert_int_equal(host->outputs[0].output.port, PORT_ACCESS);
	assert_memory_equal(host->outputs[0].bytes, node_mac, 6);
	assert_memory_equal(host->outputs[0].bytes + 6, fixed_mac, 6);
	assert_memory_equal(host->outputs[0].bytes + 12, "\x81\x00\x00\x0a\x86\xdd", 6); /* VLAN 10 */
}

static void link_that_does_not_exist_gets_nothing(void **state)
{
	struct packet offending = udp(MN, "2001:db8:77::1", 100);
	struct packet_meta meta = from_port(PUNT_no_route_error, PORT_ACCESS);

	meta.link = 2;
	punt_meta(host, &meta, &offending);
	assert_int_equal(host->output_count, 0);
}

static void packet_with_an_own_source_is_never_answered(void **state)
{
	punt(host, PUNT_hop_limit_error, PORT_CORE, udp(OWN, MN, 100));
	assert_int_equal(host->output_count, 0);
}

/* RFC 4443 section 2.4(e) */
static void errors_are_never_sent_in_reply_to_errors_redirects_or_what_names_no_node(void **state)
{
	static const uint8_t fragment[16] = {58, 0, 0x01, 0x00};
	struct packet fragmented = ipv6(SERVER, MN, 44, 64, fragment, sizeof(fragment));

	for (unsigned type = 0; type < 256; type++) {
		unsigned expected = type >= 128 && type != 137;

		host_clear(host);
		punt(host, PUNT_hop_limit_error, PORT_OUTSIDE, icmp(SERVER, MN, 1, (uint8_t)type, 0, 0, "abcdefgh", 8));
		assert_int_equal(host->output_count, expected);
		host->now.monotonic_ns += 1000000000;
	}
	host_clear(host);
	punt(host, PUNT_hop_limit_error, PORT_OUTSIDE, udp("::", MN, 100));
	punt(host, PUNT_hop_limit_error, PORT_OUTSIDE, udp("::1", MN, 100));
	punt(host, PUNT_hop_limit_error, PORT_OUTSIDE, udp("ff02::5", MN, 100));
	punt(host, PUNT_hop_limit_error, PORT_OUTSIDE, udp(SERVER, "ff0e::5", 100));
	punt(host, PUNT_hop_limit_error, PORT_OUTSIDE, fragmented); /* a later one: cannot be told */
	assert_int_equal(host->output_count, 0);
}

static void error_type_is_found_behind_extension_headers(void **state)
{
	static const uint8_t message[16] = {58, 0, 1, 4, 0, 0, 0, 0, 1, 3};
	struct packet offending = ipv6(SERVER, MN, 60, 64, message, sizeof(message));

	punt(host, PUNT_hop_limit_error, PORT_OUTSIDE, offending);
	assert_int_equal(host->output_count, 0);
}

static void only_too_big_and_unknown_options_are_told_about_multicast(void **state)
{
	struct packet offending = udp(SERVER, "ff0e::5", 100);
	struct packet_meta meta = from_port(PUNT_packet_too_big_error, PORT_OUTSIDE);

	meta.mtu_bytes = 1400;
	punt_meta(host, &meta, &offending);
	assert_int_equal(host->output_count, 1);
	net_parameter_problem(host->net, &host->now, &meta, offending.bytes, offending.length, 2, 40);
	assert_int_equal(host->output_count, 2);
	net_parameter_problem(host->net, &host->now, &meta, offending.bytes, offending.length, 1, 40);
	assert_int_equal(host->output_count, 2);
}

static void errors_to_one_destination_are_limited_before_all_are(void **state)
{
	host->config.limits.icmp_errors_per_s = 1000;
	host->config.limits.icmp_burst = 100;
	for (unsigned i = 0; i < 200; i++)
		punt(host, PUNT_hop_limit_error, PORT_OUTSIDE, udp(SERVER, MN, 100));
	assert_int_equal(host->output_count, 10); /* a tenth of the burst */
	assert_int_equal(stats_of(host).errors_limited, 190);
	host_clear(host);
	host->now.monotonic_ns += 10000000; /* and one more each 10 ms */
	for (unsigned i = 0; i < 5; i++)
		punt(host, PUNT_hop_limit_error, PORT_OUTSIDE, udp(SERVER, MN, 100));
	assert_int_equal(host->output_count, 1);
	punt(host, PUNT_hop_limit_error, PORT_CORE, udp(PEER, MN, 100));
	assert_int_equal(host->output_count, 2);
}

static void errors_of_one_type_are_limited_in_all(void **state)
{
	struct packet_meta meta = from_port(PUNT_hop_limit_error, PORT_NONE);

	meta.tunnel = 1;
	for (unsigned i = 0; i < 400; i++) {
		char source[64];
		struct packet offending;

		snprintf(source, sizeof(source), "2001:db8:f1:%x::1", i + 1);
		offending = udp(source, SERVER, 100);
		punt_meta(host, &meta, &offending);
	}
	assert_int_equal(host->output_count, 100);
	meta.reason = PUNT_no_route_error;
	punt_meta(host, &meta, &(struct packet){0});
	assert_int_equal(host->output_count, 100);
}

static void limit_of_zero_means_no_errors(void **state)
{
	host->config.limits.icmp_errors_per_s = 0;
	punt(host, PUNT_hop_limit_error, PORT_OUTSIDE, udp(SERVER, MN, 100));
	assert_int_equal(host->output_count, 0);
	host->config.limits.icmp_errors_per_s = 10;
	host->config.limits.icmp_burst = 0;
	punt(host, PUNT_hop_limit_error, PORT_OUTSIDE, udp(SERVER, MN, 100));
	assert_int_equal(host->output_count, 1);
}

/* Vector H09: Packet Too Big of the LMA, octet by octet. */
static void packet_too_big_is_the_one_of_the_vectors(void **state)
{
	char path[512], error[PCAP_ERRBUF_SIZE];
	struct packet offending = {.length = 1500};
	struct packet_meta meta = from_port(PUNT_packet_too_big_error, PORT_NONE);
	const uint8_t *frame = NULL;
	struct pcap_pkthdr *header;
	pcap_t *file;
	int more;

	snprintf(path, sizeof(path), "%s/h_tunnel.pcap", getenv("VECTORS"));
	file = pcap_open_offline(path, error);
	assert_non_null(file);
	while ((more = pcap_next_ex(file, &header, &frame)) == 1 && header->caplen != 14 + 1280)
		;
	assert_int_equal(more, 1);
	memcpy(offending.bytes, frame + 14 + 48, 1232); /* the rest of the offending packet is not quoted */
	meta.tunnel = 1;
	meta.mtu_bytes = 1460;
	punt_meta(host, &meta, &offending);
	assert_int_equal(only_output(host)->output.length, 1280);
	assert_memory_equal(host->outputs[0].bytes, frame + 14, 1280);
	pcap_close(file);
}

/* ---- errors in ---- */

static void tunnel_to(const char *remote, uint32_t index)
{
	struct fwd_update update = {.op = FWD_OP_tunnel_insert,
		.index = index,
		.body.tunnel = {.local = addr(OWN), .remote = addr(remote), .mtu_bytes = 1460, .hop_limit = 64}};

	if (net_tunnel_insert(host->net, &host->now, &update) == 0)
		answers(host, PORT_CORE, remote, peer_mac);
	host_clear(host);
}

/* What we sent into the tunnel, around @inner. */
static struct packet outer(const struct packet *inner)
{
	return ipv6(OWN, MAG, 41, 64, inner->bytes, inner->length);
}

/* An error of a router on the path about what we sent into the tunnel. */
static struct packet path_error(uint8_t type, uint8_t code, uint32_t parameter, const struct packet *inner)
{
	struct packet around = outer(inner);
	uint16_t quoted = around.length < 1232 ? around.length : 1232;

	return icmp(PEER, OWN, 60, type, code, parameter, around.bytes, quoted);
}

static const struct fwd_update *only_update(void)
{
	assert_int_equal(host->update_count, 1);
	return &host->updates[0];
}

static void packet_too_big_lowers_the_tunnel_and_is_relayed_to_the_inner_source(void **state)
{
	struct packet inner = udp(SERVER, MN, 1460), quoted = inner;
	const uint8_t *ip;

	tunnel_to(MAG, 4);
	punt(host, PUNT_icmp_error_in, PORT_CORE, path_error(2, 0, 1400, &inner));
	assert_int_equal(only_update()->op, FWD_OP_tunnel_replace);
	assert_int_equal(host->updates[0].index, 4);
	assert_int_equal(host->updates[0].body.tunnel.mtu_bytes, 1360);
	assert_int_equal(only_output(host)->output.kind, NET_PACKET);
	quoted.length = 1232 - 40; /* what the router gave back of the inner packet */
	ip = assert_error(2, 0, 1360, OWN, &quoted);
	assert_int_equal(ip[48 + 4] << 8 | ip[48 + 5], 1420);
	assert_int_equal(stats_of(host).path_mtu_updates, 1);
}

static void path_mtu_never_falls_below_the_smallest_nor_rises_by_an_error(void **state)
{
	struct packet inner = udp(SERVER, MN, 1460);

	tunnel_to(MAG, 4);
	punt(host, PUNT_icmp_error_in, PORT_CORE, path_error(2, 0, 0, &inner));
	assert_int_equal(only_update()->body.tunnel.mtu_bytes, 1240);
	assert_int_equal(output_ip(only_output(host))[46] << 8 | output_ip(&host->outputs[0])[47], 1280);
	punt(host, PUNT_icmp_error_in, PORT_CORE, path_error(2, 0, 1400, &inner));
	punt(host, PUNT_icmp_error_in, PORT_CORE, path_error(2, 0, 0xffffffff, &inner));
	assert_int_equal(host->update_count, 1);
}

static void learned_path_mtu_is_forgotten_after_ten_minutes(void **state)
{
	struct packet inner = udp(SERVER, MN, 1460);
	uint16_t mtu_bytes;
	uint64_t expires_in_ms;

	tunnel_to(MAG, 4);
	punt(host, PUNT_icmp_error_in, PORT_CORE, path_error(2, 0, 1400, &inner));
	assert_true(net_tunnel_path(host->net, &host->now, 4, &mtu_bytes, &expires_in_ms));
	assert_int_equal(mtu_bytes, 1400);
	assert_int_equal(expires_in_ms, 600000);
	host_clear(host);
	for (unsigned i = 0; i < 60; i++) {
		host_pass(host, 9999);
		answers(host, PORT_CORE, MAG, peer_mac);
		host->output_count = 0;
	}
	assert_int_equal(host->update_count, 0);
	host_pass(host, 60);
	assert_int_equal(only_update()->op, FWD_OP_tunnel_replace);
	assert_int_equal(host->updates[0].body.tunnel.mtu_bytes, 1460);
	assert_true(net_tunnel_path(host->net, &host->now, 4, &mtu_bytes, &expires_in_ms));
	assert_int_equal(mtu_bytes, 1500);
	assert_int_equal(expires_in_ms, 0);
}

static void inner_packet_that_needs_outer_fragments_is_not_reported(void **state)
{
	struct packet inner = udp(SERVER, MN, 1280);

	tunnel_to(MAG, 4);
	punt(host, PUNT_icmp_error_in, PORT_CORE, path_error(2, 0, 1300, &inner));
	assert_int_equal(only_update()->body.tunnel.mtu_bytes, 1260);
	assert_int_equal(host->output_count, 0); /* H.3: only inner packets larger than 1280 */
}

static void unreachable_and_time_exceeded_inside_reach_the_inner_source_as_address_unreachable(void **state)
{
	static const struct {
		uint8_t type, code;
		unsigned relayed;
	} rows[] = {{1, 0, 1}, {1, 3, 1}, {1, 4, 1}, {3, 0, 1}, {3, 1, 1}, {4, 0, 0}, {4, 1, 0}, {0, 0, 0}};
	struct packet inner = udp(SERVER, MN, 300);

	tunnel_to(MAG, 4);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		host_clear(host);
		punt(host, PUNT_icmp_error_in, PORT_CORE, path_error(rows[i].type, rows[i].code, 0, &inner));
		assert_int_equal(host->output_count, rows[i].relayed);
		if (rows[i].relayed)
			assert_error(1, 3, 0, OWN, &inner);
		assert_int_equal(host->update_count, 0);
	}
}

static void parameter_problem_of_our_encapsulation_limit_is_relayed(void **state)
{
	struct packet inner = udp(SERVER, MN, 300), around, error;
	uint8_t payload[FRAME_MAX] = {41, 0, 4, 1, 0, 1, 1, 0};

	tunnel_to(MAG, 4);
	memcpy(payload + 8, inner.bytes, inner.length);
	around = ipv6(OWN, MAG, 60, 64, payload, (uint16_t)(8 + inner.length));
	error = icmp(PEER, OWN, 60, 4, 0, 44, around.bytes, around.length);
	punt(host, PUNT_icmp_error_in, PORT_CORE, error);
	assert_error(1, 3, 0, OWN, &inner);
}

static void error_for_a_mobile_node_of_the_mag_is_relayed_to_its_link(void **state)
{
	struct packet inner = udp(MN, SERVER, 1460);

	tunnel_to(MAG, 4);
	punt(host, PUNT_icmp_error_in, PORT_CORE, path_error(1, 3, 0, &inner));
	assert_int_equal(host->output_count, 0); /* nobody has that prefix */
	host->has_node = true;
	host->node = addr(MN);
	punt(host, PUNT_icmp_error_in, PORT_CORE, path_error(1, 3, 0, &inner));
	assert_int_equal(only_output(host)->output.port, PORT_ACCESS);
	assert_memory_equal(host->outputs[0].bytes, node_mac, 6);
	assert_memory_equal(host->outputs[0].bytes + 12, "\x81\x00\x00\x14\x86\xdd", 6);
	assert_address(frame_ip(&host->outputs[0]) + 8, OWN);
}

static void errors_are_not_relayed_about_errors(void **state)
{
	struct packet inner = icmp(SERVER, MN, 64, 3, 0, 0, "abcdefgh", 8);

	tunnel_to(MAG, 4);
	punt(host, PUNT_icmp_error_in, PORT_CORE, path_error(1, 3, 0, &inner));
	assert_int_equal(host->output_count, 0);
}

static void error_from_an_access_link_or_out_of_a_tunnel_does_not_count(void **state)
{
	struct packet inner = udp(SERVER, MN, 1460), error = path_error(2, 0, 1300, &inner);
	struct packet_meta meta = from_port(PUNT_icmp_error_in, PORT_CORE);

	tunnel_to(MAG, 4);
	meta.tunnel = 4;
	punt_meta(host, &meta, &error);
	meta.tunnel = INDEX_NONE;
	meta.port = PORT_ACCESS;
	punt_meta(host, &meta, &error);
	meta.link = 0;
	punt_meta(host, &meta, &error);
	meta.link = LINK_NONE;
	meta.port = PORT_NONE;
	punt_meta(host, &meta, &error);
	assert_int_equal(host->update_count, 0);
	assert_int_equal(host->output_count, 0);
	assert_int_equal(stats_of(host).errors_ignored, 4);
}

static void error_about_what_we_did_not_send_does_not_count(void **state)
{
	struct packet inner = udp(SERVER, MN, 1400), around = ipv6("2001:db8:1::b", MAG, 41, 64, inner.bytes, 1000);

	tunnel_to(MAG, 4);
	punt(host, PUNT_icmp_error_in, PORT_CORE, icmp(PEER, OWN, 60, 2, 0, 1300, around.bytes, 1040));
	around = ipv6(OWN, "2001:db8:1::a2", 41, 64, inner.bytes, 1000); /* no tunnel of ours */
	punt(host, PUNT_icmp_error_in, PORT_CORE, icmp(PEER, OWN, 60, 2, 0, 1300, around.bytes, 1040));
	around = ipv6(OWN, MAG, 135, 64, inner.bytes, 1000); /* signalling */
	punt(host, PUNT_icmp_error_in, PORT_CORE, icmp(PEER, OWN, 60, 2, 0, 1300, around.bytes, 1040));
	assert_int_equal(host->update_count, 0);
	assert_int_equal(host->output_count, 0);
	assert_int_equal(stats_of(host).errors_ignored, 3);
}

static void error_cut_anywhere_or_with_a_wrong_checksum_does_no_harm(void **state)
{
	struct packet inner = udp(SERVER, MN, 200), error = path_error(1, 3, 0, &inner), bad = error;

	tunnel_to(MAG, 4);
	bad.bytes[100] ^= 1;
	punt(host, PUNT_icmp_error_in, PORT_CORE, bad);
	for (uint16_t length = 0; length < error.length; length++) {
		bad = error;
		bad.length = length;
		punt(host, PUNT_icmp_error_in, PORT_CORE, bad);
	}
	assert_int_equal(host->output_count, 0);
	for (uint16_t length = 48; length < error.length; length++) { /* a router that quotes less */
		struct packet around = outer(&inner);

		host_clear(host);
		host->now.monotonic_ns += 1000000000;
		punt(host, PUNT_icmp_error_in, PORT_CORE,
			icmp(PEER, OWN, 60, 1, 3, 0, around.bytes, (uint16_t)(length - 48)));
		assert_int_equal(host->output_count, length - 48 >= 80); /* both headers, at least */
		assert_sums(host);
	}
}

#define CASE(name)     cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define CASE_MAG(name) cmocka_unit_test_setup_teardown(name, set_up_mag, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(echo_to_an_own_address_is_answered_from_it_with_the_same_data),
		CASE(echo_between_link_local_addresses_is_answered_on_the_port),
		CASE(echo_of_a_mobile_node_goes_back_through_its_tunnel),
		CASE_MAG(echo_on_an_access_link_is_answered_from_the_fixed_address_in_a_frame_to_the_node),
		CASE(echo_that_is_broken_or_not_for_us_is_not_answered),
		CASE(echo_behind_an_extension_header_is_answered_without_it),
		CASE(each_reason_has_its_type_and_code),
		CASE(parameter_problem_points_at_the_next_header_octet_of_the_last_extension_header),
		CASE(parameter_problem_points_at_the_tunnel_encapsulation_limit),
		CASE(parameter_problem_for_other_callers),
		CASE(errors_quote_as_much_as_fits_the_smallest_mtu),
		CASE(error_to_a_mobile_node_of_the_lma_goes_through_its_tunnel),
		CASE_MAG(error_to_a_mobile_node_of_the_mag_goes_in_a_frame_on_its_link),
		CASE(link_that_does_not_exist_gets_nothing),
		CASE(packet_with_an_own_source_is_never_answered),
		CASE(errors_are_never_sent_in_reply_to_errors_redirects_or_what_names_no_node),
		CASE(error_type_is_found_behind_extension_headers),
		CASE(only_too_big_and_unknown_options_are_told_about_multicast),
		CASE(errors_to_one_destination_are_limited_before_all_are),
		CASE(errors_of_one_type_are_limited_in_all),
		CASE(limit_of_zero_means_no_errors),
		CASE(packet_too_big_is_the_one_of_the_vectors),
		CASE(packet_too_big_lowers_the_tunnel_and_is_relayed_to_the_inner_source),
		CASE(path_mtu_never_falls_below_the_smallest_nor_rises_by_an_error),
		CASE(learned_path_mtu_is_forgotten_after_ten_minutes),
		CASE(inner_packet_that_needs_outer_fragments_is_not_reported),
		CASE(unreachable_and_time_exceeded_inside_reach_the_inner_source_as_address_unreachable),
		CASE(parameter_problem_of_our_encapsulation_limit_is_relayed),
		CASE_MAG(error_for_a_mobile_node_of_the_mag_is_relayed_to_its_link),
		CASE(errors_are_not_relayed_about_errors),
		CASE(error_from_an_access_link_or_out_of_a_tunnel_does_not_count),
		CASE(error_about_what_we_did_not_send_does_not_count),
		CASE(error_cut_anywhere_or_with_a_wrong_checksum_does_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
