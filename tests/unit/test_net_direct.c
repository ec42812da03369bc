/* SPDX-License-Identifier: BSD-3-Clause */
/* Tunnels between MAGs: RO Errors out and in (wire-formats G.6.2), ways that broke, echo requests to peers. */
#include "net_host.h"

#include "endpoint.h"

#define OWN    "2001:db8:1::1"
#define PEER   "2001:db8:1::a1"
#define LMA    "2001:db8:1::b1"
#define ROUTER "2001:db8:1::fe"
#define MN     "2001:db8:aa:1::10"
#define CN     "2001:db8:aa:2::20"
#define DIRECT 4
#define ANCHOR 5

static struct net_host *host;
static struct config_peer peers[2];

static void tunnel_to(uint32_t index, const char *remote, enum tunnel_use use)
{
	struct fwd_update update = {.op = FWD_OP_tunnel_insert,
		.index = index,
		.body.tunnel = {.local = addr(OWN),
			.remote = addr(remote),
			.mtu_bytes = 1460,
			.use = (uint8_t)use,
			.hop_limit = 55}};

	if (net_tunnel_insert(host->net, &host->now, &update) == 0)
		answers(host, PORT_CORE, remote, peer_mac);
}

static int set_up(void **state)
{
	(void)state;
	host = calloc(1, sizeof(*host));
	assert_non_null(host);
	host_configure(host, ROLE_MAG);
	peers[0] = (struct config_peer){.address = addr(PEER), .role = PEER_MAG};
	peers[1] = (struct config_peer){.address = addr(LMA), .role = PEER_OPPOSITE};
	host->config.peers = peers;
	host->config.peer_count = 2;
	host_create(host);
	net_start(host->net, &host->now);
	tunnel_to(DIRECT, PEER, TUNNEL_TO_PEER_MAG);
	tunnel_to(ANCHOR, LMA, TUNNEL_TO_LMA);
	answers(host, PORT_CORE, ROUTER, other_mac);
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

/* ---- out ---- */

static struct packet_meta refused(uint32_t tunnel)
{
	struct packet_meta meta = from_port(PUNT_pair_error, PORT_CORE);

	meta.tunnel = tunnel;
	return meta;
}

static struct packet inner_packet(const char *source, const char *destination, uint16_t n)
{
	static const uint8_t payload[1400] = "payload";
	struct packet packet = ipv6(source, destination, 17, 63, payload, n);

	packet.bytes[0] = 0x6b; /* traffic class 0xb9, flow label 0x12345 */
	packet.bytes[1] = 0x91;
	packet.bytes[2] = 0x23;
	packet.bytes[3] = 0x45;
	return packet;
}

/* RO-088 */
static void packet_that_no_pair_takes_is_answered_by_an_error_that_quotes_it_with_its_outer_header(void **state)
{
	static const uint8_t expected[] = {    /* IPv6: from us to the peer, 100 octets of ICMPv6 */
		0x60, 0, 0, 0, 0, 100, 58, 64, /* */
		0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,    /* 2001:db8:1::1 */
		0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xa1, /* 2001:db8:1::a1 */
		/* Destination Unreachable, source failed ingress policy */
		1, 5, 0xf6, 0xe9, 0, 0, 0, 0,
		/* outer header: class of the inner one, no flow label, 52 octets, hop limit of the tunnel */
		0x6b, 0x90, 0, 0, 0, 52, 41, 55,                               /* */
		0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xa1, /* 2001:db8:1::a1 */
		0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,    /* 2001:db8:1::1 */
		/* inner packet */
		0x6b, 0x91, 0x23, 0x45, 0, 12, 17, 63,                            /* */
		0x20, 0x01, 0x0d, 0xb8, 0, 0xaa, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0x20, /* 2001:db8:aa:2::20 */
		0x20, 0x01, 0x0d, 0xb8, 0, 0xaa, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0x10, /* 2001:db8:aa:1::10 */
		'p', 'a', 'y', 'l', 'o', 'a', 'd', 0, 0, 0, 0, 0};
	struct packet packet = inner_packet(CN, MN, 12);
	struct packet_meta meta = refused(DIRECT);

	(void)state;
	punt_meta(host, &meta, &packet);
	assert_int_equal(output_ip_length(only_output(host)), sizeof(expected));
	assert_memory_equal(frame_ip(&host->outputs[0]), expected, sizeof(expected));
	assert_memory_equal(host->outputs[0].bytes, peer_mac, 6);
	assert_int_equal(stats_of(host).pair_errors_sent, 1);
}

static void long_packet_is_quoted_as_far_as_the_smallest_mtu_allows(void **state)
{
	struct packet packet = inner_packet(CN, MN, 1400);
	struct packet_meta meta = refused(DIRECT);
	const uint8_t *ip;

	(void)state;
	punt_meta(host, &meta, &packet);
	ip = frame_ip(only_output(host));
	assert_int_equal(output_ip_length(&host->outputs[0]), 1280);
	assert_int_equal(ip[48 + 4] << 8 | ip[48 + 5], 1440); /* the outer packet's own length */
	assert_memory_equal(ip + 88, packet.bytes, 1280 - 88);
}

/* After a restart, or with the last pair gone: there is no tunnel, and the punted packet is the outer one. */
static void packet_of_a_peer_without_any_pair_is_quoted_as_it_came(void **state)
{
	struct packet inner = inner_packet(CN, MN, 12), outer = ipv6(PEER, OWN, 41, 61, inner.bytes, inner.length);
	struct packet_meta meta = refused(INDEX_NONE);
	const uint8_t *ip;

	(void)state;
	outer.bytes[3] = 0x77;
	punt_meta(host, &meta, &outer);
	ip = frame_ip(only_output(host));
	assert_address(ip + 8, OWN);
	assert_address(ip + 24, PEER);
	assert_int_equal(ip[40], 1);
	assert_int_equal(ip[41], 5);
	assert_int_equal(output_ip_length(&host->outputs[0]), 48 + outer.length);
	assert_memory_equal(ip + 48, outer.bytes, outer.length);
}

static void only_configured_mags_are_told(void **state)
{
	struct packet inner = inner_packet(CN, MN, 12), of_lma = ipv6(LMA, OWN, 41, 64, inner.bytes, inner.length),
		      of_nobody = ipv6("2001:db8:1::66", OWN, 41, 64, inner.bytes, inner.length),
		      to_other = ipv6(PEER, "2001:db8:1::2", 41, 64, inner.bytes, inner.length);
	struct packet_meta meta = refused(INDEX_NONE), of_anchor = refused(ANCHOR), of_none = refused(77);

	(void)state;
	punt_meta(host, &meta, &of_lma);
	punt_meta(host, &meta, &of_nobody);
	punt_meta(host, &meta, &to_other);
	punt_meta(host, &of_anchor, &inner);
	punt_meta(host, &of_none, &inner);
	assert_int_equal(host->output_count, 0);
	assert_int_equal(stats_of(host).malformed, 5);
}

static void refused_packet_cut_anywhere_does_no_harm(void **state)
{
	struct packet inner = inner_packet(CN, MN, 4), outer = ipv6(PEER, OWN, 41, 64, inner.bytes, inner.length);
	struct packet_meta known = refused(DIRECT), unknown = refused(INDEX_NONE);

	(void)state;
	for (; inner.length > 0; inner.length--) {
		host_pass(host, 1000);
		punt_meta(host, &known, &inner);
	}
	for (; outer.length > 0; outer.length--) {
		host_pass(host, 1000);
		punt_meta(host, &unknown, &outer);
	}
}

static void pair_is_told_at_most_once_a_second(void **state)
{
	struct packet first = inner_packet(CN, MN, 12), back = inner_packet(MN, CN, 12);
	struct packet_meta meta = refused(DIRECT);

	(void)state;
	for (unsigned i = 0; i < 8; i++) { /* several workers, four each in a second */
		punt_meta(host, &meta, &first);
		host_pass(host, 124);
	}
	assert_int_equal(count_icmp(host, 1), 1);
	punt_meta(host, &meta, &back);
	assert_int_equal(count_icmp(host, 1), 2);
	host_pass(host, 8);
	punt_meta(host, &meta, &first);
	assert_int_equal(count_icmp(host, 1), 3);
	assert_int_equal(stats_of(host).pair_errors_limited, 7);
}

static unsigned errors_in_a_second(uint32_t from, unsigned per_ms)
{
	struct packet_meta meta = refused(DIRECT);
	unsigned sent = 0;

	for (uint32_t ms = 0; ms < 1000; ms++) {
		for (uint32_t i = 0; i < per_ms; i++) {
			struct packet packet = inner_packet(CN, MN, 12);
			uint32_t pair = from + ms * per_ms + i;

			packet.bytes[13] = (uint8_t)(pair >> 16);
			packet.bytes[14] = (uint8_t)(pair >> 8);
			packet.bytes[15] = (uint8_t)pair;
			punt_meta(host, &meta, &packet);
		}
		host->now.monotonic_ns += 1000000;
		sent += count_icmp(host, 1);
		host->output_count = 0;
	}
	return sent;
}

static void peer_is_told_at_most_a_thousand_times_a_second(void **state)
{
	unsigned sent;

	(void)state;
	for (uint32_t second = 0; second < 3; second++) {
		sent = errors_in_a_second(second * 4000, 4);
		assert_true(sent <= 1000);
		assert_true(sent >= 800);
	}
}

/* ---- in ---- */

/* What a node at @from says about our packet in the direct tunnel; @cut octets of the quote are missing. */
static struct packet about(const char *from, const char *remote, uint8_t type, uint8_t code, uint16_t cut)
{
	struct packet inner = inner_packet(MN, CN, 40), outer = ipv6(OWN, remote, 41, 64, inner.bytes, inner.length);

	return icmp(from, OWN, 60, type, code, 0, outer.bytes, (uint16_t)(outer.length - cut));
}

static void expect_pair_error(const struct net_heard *heard)
{
	struct in6_addr mn = addr(MN), cn = addr(CN);

	assert_int_equal(heard->kind, NET_HEARD_PAIR_ERROR);
	assert_address(heard->peer.s6_addr, PEER);
	assert_int_equal(heard->source, endpoint_id_ipv6(mn.s6_addr));
	assert_int_equal(heard->destination, endpoint_id_ipv6(cn.s6_addr));
}

/* RO-088 */
static void error_of_the_peer_names_the_pair_that_it_does_not_take(void **state)
{
	(void)state;
	punt(host, PUNT_icmp_error_in, PORT_CORE, about(PEER, PEER, 1, 5, 0));
	assert_int_equal(host->heard_count, 1);
	expect_pair_error(&host->heard[0]);
	assert_int_equal(host->output_count, 0); /* the mobile node need not know */
	assert_int_equal(stats_of(host).pair_errors_received, 1);
}

static void error_needs_no_more_of_the_quote_than_the_inner_addresses(void **state)
{
	(void)state;
	for (uint16_t cut = 0; cut <= 120; cut++) {
		host->heard_count = 0;
		punt(host, PUNT_icmp_error_in, PORT_CORE, about(PEER, PEER, 1, 5, cut));
		assert_int_equal(host->heard_count, cut <= 40 ? 1 : 0);
		if (cut <= 40)
			expect_pair_error(&host->heard[0]);
	}
}

static void error_about_what_is_not_our_direct_tunnel_says_nothing_of_pairs(void **state)
{
	struct packet_meta out_of_tunnel = from_port(PUNT_icmp_error_in, PORT_NONE);
	struct packet error = about(PEER, PEER, 1, 5, 0);

	(void)state;
	punt(host, PUNT_icmp_error_in, PORT_CORE, about(PEER, LMA, 1, 5, 0));
	punt(host, PUNT_icmp_error_in, PORT_CORE, about(PEER, "2001:db8:1::a2", 1, 5, 0));
	punt(host, PUNT_icmp_error_in, PORT_ACCESS, error);
	out_of_tunnel.tunnel = DIRECT;
	punt_meta(host, &out_of_tunnel, &error);
	error.bytes[60] ^= 1; /* checksum */
	punt(host, PUNT_icmp_error_in, PORT_CORE, error);
	assert_int_equal(host->heard_count, 0);
}

/* ---- ways that broke ---- */

static void expect_broken(unsigned n)
{
	assert_int_equal(host->heard_count, n);
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(host->heard[i].kind, NET_HEARD_BROKEN);
		assert_address(host->heard[i].peer.s6_addr, PEER);
	}
}

static void router_that_cannot_reach_the_peer_breaks_the_way(void **state)
{
	static const uint8_t errors[][2] = {{1, 0}, {1, 3}, {1, 5}, {3, 0}, {4, 1}};

	(void)state;
	for (unsigned i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		host_clear(host);
		host_pass(host, 1000);
		host_clear(host);
		punt(host, PUNT_icmp_error_in, PORT_CORE, about(ROUTER, PEER, errors[i][0], errors[i][1], 0));
		expect_broken(1);
		assert_int_equal(count_icmp(host, 1), 0);
	}
}

static void way_is_told_to_be_broken_once_a_second(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 10; i++)
		punt(host, PUNT_icmp_error_in, PORT_CORE, about(ROUTER, PEER, 1, 0, 0));
	expect_broken(1);
	host_pass(host, 1000);
	punt(host, PUNT_icmp_error_in, PORT_CORE, about(ROUTER, PEER, 1, 0, 0));
	expect_broken(2);
	assert_int_equal(stats_of(host).direct_broken, 2);
}

static void packet_too_big_does_not_break_the_way(void **state)
{
	struct packet error = about(ROUTER, PEER, 2, 0, 0);

	(void)state;
	error.bytes[46] = 1400 >> 8;
	error.bytes[47] = 1400 & 0xff;
	seal(&error, 40);
	punt(host, PUNT_icmp_error_in, PORT_CORE, error);
	expect_broken(0);
	assert_int_equal(host->updates[0].body.tunnel.mtu_bytes, 1360);
}

static void way_to_the_anchor_that_broke_is_no_matter_of_pairs(void **state)
{
	(void)state;
	punt(host, PUNT_icmp_error_in, PORT_CORE, about(ROUTER, LMA, 1, 0, 0));
	expect_broken(0);
}

/* Neighbour unreachability detection finds out; the data plane was told before the host is. */
static void next_hop_that_failed_breaks_the_way(void **state)
{
	bool unresolved = false;

	(void)state;
	for (unsigned i = 0; i < 60 && host->heard_count == 0; i++)
		host_pass(host, 1000);
	expect_broken(1);
	for (unsigned i = 0; i < host->update_count; i++)
		unresolved |= host->updates[i].op == FWD_OP_tunnel_replace && host->updates[i].index == DIRECT &&
			      (host->updates[i].body.tunnel.flags & TUNNEL_RESOLVED) == 0;
	assert_true(unresolved);
}

static void removed_tunnel_is_not_told_of(void **state)
{
	(void)state;
	net_tunnel_remove(host->net, DIRECT);
	punt(host, PUNT_icmp_error_in, PORT_CORE, about(PEER, PEER, 1, 5, 0));
	host_pass(host, 60000);
	expect_broken(0);
}

/* ---- echo ---- */

static void echo_request_goes_to_the_peer_and_its_answer_is_heard(void **state)
{
	struct in6_addr peer = addr(PEER);
	const uint8_t *ip;

	(void)state;
	assert_int_equal(net_echo(host->net, &host->now, &peer, 0x5253, 7), 0);
	ip = frame_ip(only_output(host));
	assert_address(ip + 8, OWN);
	assert_address(ip + 24, PEER);
	assert_memory_equal(ip + 40, "\x80\x00", 2);
	assert_memory_equal(ip + 44, "\x52\x53\x00\x07", 4);
	punt(host, PUNT_icmp_reply, PORT_CORE, icmp(PEER, OWN, 64, 129, 0, 0x52530007, NULL, 0));
	assert_int_equal(host->heard_count, 1);
	assert_int_equal(host->heard[0].kind, NET_HEARD_ECHO);
	assert_address(host->heard[0].peer.s6_addr, PEER);
	assert_int_equal(host->heard[0].identifier, 0x5253);
	assert_int_equal(host->heard[0].sequence, 7);
	assert_int_equal(stats_of(host).echo_requests, 1);
	assert_int_equal(stats_of(host).echo_answers, 1);
}

static void answer_that_is_broken_or_comes_from_the_wrong_side_is_not_heard(void **state)
{
	struct packet answer = icmp(PEER, OWN, 64, 129, 0, 0x52530007, NULL, 0), other = answer, cut = answer;
	struct packet_meta inside = from_port(PUNT_icmp_reply, PORT_CORE);

	(void)state;
	other.bytes[41] = 1;
	seal(&other, 40);
	punt(host, PUNT_icmp_reply, PORT_CORE, other);
	for (cut.length = 0; cut.length < answer.length; cut.length++)
		punt(host, PUNT_icmp_reply, PORT_CORE, cut);
	inside.tunnel = DIRECT;
	punt_meta(host, &inside, &answer);
	punt(host, PUNT_icmp_reply, PORT_ACCESS, answer);
	answer.bytes[47] ^= 1;
	punt(host, PUNT_icmp_reply, PORT_CORE, answer);
	assert_int_equal(host->heard_count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		CASE(packet_that_no_pair_takes_is_answered_by_an_error_that_quotes_it_with_its_outer_header),
		CASE(long_packet_is_quoted_as_far_as_the_smallest_mtu_allows),
		CASE(packet_of_a_peer_without_any_pair_is_quoted_as_it_came),
		CASE(only_configured_mags_are_told),
		CASE(refused_packet_cut_anywhere_does_no_harm),
		CASE(pair_is_told_at_most_once_a_second),
		CASE(peer_is_told_at_most_a_thousand_times_a_second),
		CASE(error_of_the_peer_names_the_pair_that_it_does_not_take),
		CASE(error_needs_no_more_of_the_quote_than_the_inner_addresses),
		CASE(error_about_what_is_not_our_direct_tunnel_says_nothing_of_pairs),
		CASE(router_that_cannot_reach_the_peer_breaks_the_way),
		CASE(way_is_told_to_be_broken_once_a_second),
		CASE(packet_too_big_does_not_break_the_way),
		CASE(way_to_the_anchor_that_broke_is_no_matter_of_pairs),
		CASE(next_hop_that_failed_breaks_the_way),
		CASE(removed_tunnel_is_not_told_of),
		CASE(echo_request_goes_to_the_peer_and_its_answer_is_heard),
		CASE(answer_that_is_broken_or_comes_from_the_wrong_side_is_not_heard),
#undef CASE
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
