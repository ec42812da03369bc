/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every reason to drop a packet and every reason to give it to the control core, each produced by a packet in bursts of
 * 1, 63 and 64. The last test fails when a reason of the lists has no case here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <arpa/inet.h>
#include <cmocka.h>

#include "scenario.h"

#define IPPROTO_MOBILITY 135

static const unsigned bursts[] = {1, 63, 64};
static bool seen_drop[DROP_COUNT], seen_punt[PUNT_COUNT];

struct reason_case {
	const char *name;
	enum dataplane_role role;
	uint16_t port;
	void (*build)(struct frame *frame);
	int drop; /* enum drop_reason, or -1: punted */
	int punt; /* enum punt_reason */
};

/* ---- frames ---- */

static void mac_in(struct frame *f, uint16_t port)
{
	frame_ethernet(f, MAC(port), ROUTER, 0);
}

static void ten_octets(struct frame *f)
{
	frame_bytes(f, "\2\0\0\0\0\20\2\0\0\0", 10);
}

static void runt_behind_ethernet(struct frame *f)
{
	mac_in(f, CORE);
	frame_bytes(f, "\x60\0\0\0", 4);
}

static void runt_in_tag(struct frame *f)
{
	frame_ethernet(f, MAC(CORE), ROUTER, 100);
	f->length = 16;
}

static void ipv4(struct frame *f)
{
	mac_in(f, CORE);
	frame_set16(f, 12, 0x0800);
	frame_bytes(f, (const uint8_t[40]){0x45}, 40);
}

static void foreign_mac(struct frame *f)
{
	frame_ethernet(f, NEXT_HOP, ROUTER, 0);
	scenario_udp(f, SERVER, MN1, 64, 0);
}

static void tag_on_core(struct frame *f)
{
	frame_ethernet(f, MAC(CORE), ROUTER, 100);
	scenario_udp(f, SERVER, MN1, 64, 0);
}

static void tag_without_link(struct frame *f)
{
	frame_ethernet(f, MAC(TAGGED), MN2_MAC, 300);
	scenario_udp(f, MN2, SERVER, 64, 0);
}

static void no_tag(struct frame *f)
{
	frame_ethernet(f, MAC(TAGGED), MN2_MAC, 0);
	scenario_udp(f, MN2, SERVER, 64, 0);
}

static void version_four(struct frame *f)
{
	mac_in(f, CORE);
	scenario_udp(f, SERVER, MN1, 64, 0);
	f->bytes[14] = 0x45;
}

static void length_too_long(struct frame *f)
{
	mac_in(f, CORE);
	scenario_udp(f, SERVER, MN1, 64, 0);
	frame_set16(f, 14 + 4, 31);
}

static void echo_cut_off(struct frame *f)
{
	mac_in(f, CORE);
	frame_close(f, frame_ipv6(f, &(struct frame_ipv6){MAG, LMA, IPPROTO_ICMPV6, 64, 0, 0}));
}

static void core_udp(struct frame *f, const char *from, const char *to)
{
	mac_in(f, CORE);
	scenario_udp(f, from, to, 64, 0);
}

static void source_multicast(struct frame *f)
{
	core_udp(f, "ff0e::1", MN1);
}

static void source_loopback(struct frame *f)
{
	core_udp(f, "::1", MN1);
}

static void source_unspecified(struct frame *f)
{
	core_udp(f, "::", LMA);
}

static void source_link_local_to_node(struct frame *f)
{
	core_udp(f, "fe80::1", MN1);
}

static void destination_loopback(struct frame *f)
{
	core_udp(f, SERVER, "::1");
}

static void destination_unspecified(struct frame *f)
{
	core_udp(f, SERVER, "::");
}

static void destination_group(struct frame *f)
{
	core_udp(f, SERVER, "ff0e::1234");
}

static void in_tunnel(struct frame *f, const char *from, const char *to, uint8_t outer, uint8_t inner)
{
	mac_in(f, CORE);
	scenario_outer(f, MAG, LMA, outer);
	scenario_udp(f, from, to, 64, inner);
	frame_close(f, f->l3);
}

static void tunnelled_to_group(struct frame *f)
{
	in_tunnel(f, MN1, "ff0e::1234", 0, 0);
}

static void nine_extension_headers(struct frame *f)
{
	uint16_t ip;

	mac_in(f, CORE);
	ip = frame_ipv6(f, &(struct frame_ipv6){MAG, LMA, IPPROTO_DSTOPTS, 64, 0, 0});
	for (unsigned i = 0; i < 9; i++)
		frame_extension(f, i == 8 ? IPPROTO_UDP : IPPROTO_DSTOPTS, (const uint8_t[]){1, 4, 0, 0, 0, 0});
	frame_udp(f, 1, 2, 0);
	frame_close(f, ip);
}

static void extension_header_too_long(struct frame *f)
{
	mac_in(f, CORE);
	frame_ipv6(f, &(struct frame_ipv6){MAG, LMA, IPPROTO_DSTOPTS, 64, 0, 0});
	frame_extension(f, IPPROTO_IPV6, (const uint8_t[]){1, 4, 0, 0, 0, 0});
	f->bytes[f->length - 7] = 200;
	frame_close(f, f->l3);
}

static void udp_to_all_nodes(struct frame *f)
{
	frame_ethernet(f, MULTICAST, ROUTER, 0);
	scenario_udp(f, "fe80::1", "ff02::1", 64, 0);
}

static void to_own(struct frame *f, uint16_t port, const char *from, const char *to, uint8_t protocol)
{
	uint16_t ip;

	mac_in(f, port);
	ip = frame_ipv6(f, &(struct frame_ipv6){from, to, protocol, 64, 0, 0});
	frame_bytes(f, (const uint8_t[16]){59, 1, 5}, 16);
	frame_close(f, ip);
}

static void no_next_header(struct frame *f)
{
	to_own(f, CORE, MAG, LMA, IPPROTO_NONE);
}

static void from_peer(struct frame *f)
{
	to_own(f, CORE, MAG, LMA, IPPROTO_MOBILITY);
}

static void signalling_behind_options(struct frame *f)
{
	mac_in(f, CORE);
	frame_ipv6(f, &(struct frame_ipv6){MAG, LMA, IPPROTO_HOPOPTS, 64, 0, 0});
	frame_extension(f, IPPROTO_DSTOPTS, (const uint8_t[]){1, 4, 0, 0, 0, 0});
	frame_extension(f, IPPROTO_MOBILITY, (const uint8_t[]){1, 4, 0, 0, 0, 0});
	frame_bytes(f, (const uint8_t[16]){59, 1, 5}, 16);
	frame_close(f, f->l3);
}

static void signalling_from_stranger(struct frame *f)
{
	to_own(f, CORE, STRANGER, LMA, IPPROTO_MOBILITY);
}

static void signalling_from_outside(struct frame *f)
{
	to_own(f, OUTSIDE, MAG, LMA, IPPROTO_MOBILITY);
}

static void signalling_in_tunnel(struct frame *f)
{
	uint16_t ip;

	mac_in(f, CORE);
	scenario_outer(f, MAG, LMA, 0);
	ip = frame_ipv6(f, &(struct frame_ipv6){MN1, LMA, IPPROTO_MOBILITY, 64, 0, 0});
	frame_bytes(f, (const uint8_t[16]){59, 1, 5}, 16);
	frame_close(f, ip);
	frame_close(f, f->l3);
}

static void signalling_from_node(struct frame *f)
{
	uint16_t ip;

	frame_ethernet(f, FIXED, MN1_MAC, 0);
	ip = frame_ipv6(f, &(struct frame_ipv6){MN1, MAG, IPPROTO_MOBILITY, 64, 0, 0});
	frame_bytes(f, (const uint8_t[16]){59, 1, 5}, 16);
	frame_close(f, ip);
}

static void fragment_of_tunnel(struct frame *f)
{
	mac_in(f, CORE);
	frame_ipv6(f, &(struct frame_ipv6){MAG, LMA, IPPROTO_FRAGMENT, 64, 0, 0});
	frame_extension(f, IPPROTO_IPV6, (const uint8_t[]){0, 1, 0, 0, 0, 7});
	scenario_udp(f, MN1, SERVER, 64, 0);
	frame_close(f, f->l3);
}

static void access_udp(struct frame *f, const uint8_t *mac, const char *from, const char *to)
{
	frame_ethernet(f, FIXED, mac, 0);
	scenario_udp(f, from, to, 64, 0);
}

static void unknown_host(struct frame *f)
{
	access_udp(f, UNKNOWN_MAC, NOBODY, SERVER);
}

static void unknown_host_multicast(struct frame *f)
{
	frame_ethernet(f, MULTICAST, UNKNOWN_MAC, 0);
	scenario_udp(f, "fe80::1", "ff02::16", 1, 0);
}

static void pending_host(struct frame *f)
{
	access_udp(f, PENDING_MAC, NOBODY, SERVER);
}

static void pending_host_multicast(struct frame *f)
{
	access_udp(f, PENDING_MAC, "fe80::1", "ff02::2");
}

static void refused_host(struct frame *f)
{
	access_udp(f, REFUSED_MAC, NOBODY, SERVER);
}

static void link_icmp(
	struct frame *f, const uint8_t *mac, const char *from, const char *to, uint8_t type, const char *target)
{
	uint16_t ip;

	frame_ethernet(f, MULTICAST, mac, 0);
	ip = frame_ipv6(f, &(struct frame_ipv6){from, to, IPPROTO_ICMPV6, 255, 0, 0});
	frame_icmpv6(f, type, target);
	frame_close(f, ip);
}

static void refused_solicitation(struct frame *f)
{
	link_icmp(f, REFUSED_MAC, "fe80::1", "ff02::2", 133, NULL);
}

static void multicast_listener_report(struct frame *f)
{
	link_icmp(f, MN1_MAC, MN1_LINK_LOCAL, "ff02::16", 143, NULL);
}

static void solicitation_for_stranger(struct frame *f)
{
	link_icmp(f, MN1_MAC, MN1_LINK_LOCAL, "ff02::1:ff00:99", 135, "2001:db8:aa:1::99");
}

static void forwarded_solicitation(struct frame *f)
{
	link_icmp(f, MN1_MAC, MN1_LINK_LOCAL, GATEWAY_LINK_LOCAL, 135, GATEWAY_LINK_LOCAL);
	f->bytes[14 + 7] = 254;
}

static void source_of_nobody(struct frame *f)
{
	access_udp(f, MN1_MAC, NOBODY, SERVER);
}

static void access_error(struct frame *f, const uint8_t *mac, const char *from, const char *to, uint8_t hop_limit)
{
	uint16_t ip;

	frame_ethernet(f, FIXED, mac, 0);
	ip = frame_ipv6(f, &(struct frame_ipv6){from, to, IPPROTO_ICMPV6, hop_limit, 0, 0});
	frame_icmpv6(f, 1, NULL);
	frame_close(f, ip);
}

static void error_from_source_of_nobody(struct frame *f)
{
	access_error(f, MN1_MAC, NOBODY, SERVER, 64);
}

static void source_of_other_node(struct frame *f)
{
	access_udp(f, MN1_MAC, MN2, SERVER);
}

static void source_on_other_link(struct frame *f)
{
	frame_ethernet(f, FIXED, MN2_MAC, 100);
	scenario_udp(f, MN2, SERVER, 64, 0);
	/* Link 1 does not know the MAC at all. */
}

static void link_local_to_server(struct frame *f)
{
	access_udp(f, MN1_MAC, MN1_LINK_LOCAL, SERVER);
}

static void dad_of_node(struct frame *f)
{
	link_icmp(f, MN1_MAC, "::", "ff02::1:ff00:10", 135, MN1);
}

static void dad_of_stranger(struct frame *f)
{
	link_icmp(f, UNKNOWN_MAC, "::", "ff02::1:ff00:10", 135, "fe80::1234");
}

static void tunnel_from_stranger(struct frame *f)
{
	mac_in(f, CORE);
	scenario_outer(f, STRANGER, LMA, 0);
	scenario_udp(f, MN1, SERVER, 64, 0);
	frame_close(f, f->l3);
}

static void unknown_tunnel_with_nothing_inside(struct frame *f)
{
	mac_in(f, CORE);
	scenario_outer(f, STRANGER, LMA, 0);
	frame_close(f, f->l3);
}

static void tunnel_from_outside(struct frame *f)
{
	mac_in(f, OUTSIDE);
	scenario_outer(f, MAG, LMA, 0);
	scenario_udp(f, MN1, SERVER, 64, 0);
	frame_close(f, f->l3);
}

static void into_unresolved_tunnel(struct frame *f)
{
	access_udp(f, MN4_MAC, MN4, SERVER);
}

static void ipv4_in_tunnel(struct frame *f)
{
	in_tunnel(f, MN1, SERVER, 0, 0);
	f->bytes[14 + 40] = 0x45;
}

static void tunnel_in_itself(struct frame *f)
{
	in_tunnel(f, MAG, LMA, 0, 0);
}

static void inner_too_long(struct frame *f)
{
	in_tunnel(f, MN1, SERVER, 0, 0);
	frame_set16(f, 14 + 40 + 4, 31);
}

static void inner_cut_off(struct frame *f)
{
	mac_in(f, CORE);
	scenario_outer(f, MAG, LMA, 0);
	frame_bytes(f, "\x60\0\0\0", 4);
	frame_close(f, f->l3);
}

static void congestion_lost(struct frame *f)
{
	in_tunnel(f, MN1, SERVER, 3, 0);
}

static void nested(struct frame *f, uint8_t limit, uint8_t next)
{
	uint16_t ip;

	frame_ethernet(f, FIXED, MN1_MAC, 0);
	ip = frame_ipv6(f, &(struct frame_ipv6){MN1, SERVER, IPPROTO_DSTOPTS, 64, 0, 0});
	frame_extension(f, next, (const uint8_t[]){4, 1, limit, 1, 1, 0});
	frame_bytes(f, (const uint8_t[40]){1}, 40);
	frame_close(f, ip);
}

static void limit_reached(struct frame *f)
{
	nested(f, 0, IPPROTO_IPV6);
}

static void limit_reached_by_error(struct frame *f)
{
	nested(f, 0, IPPROTO_ICMPV6);
}

static void to_node(struct frame *f, const char *lma, const char *to, uint8_t hop_limit)
{
	mac_in(f, CORE);
	scenario_outer(f, lma, MAG, 0);
	scenario_udp(f, SERVER, to, hop_limit, 0);
	frame_close(f, f->l3);
}

static void down_to_nobody(struct frame *f)
{
	to_node(f, LMA, NOBODY, 64);
}

static void down_by_other_tunnel(struct frame *f)
{
	to_node(f, MAG2, MN1, 64);
}

static void down_expired(struct frame *f)
{
	to_node(f, LMA, MN1, 1);
}

static void outside_udp(struct frame *f, const char *to)
{
	mac_in(f, OUTSIDE);
	scenario_udp(f, SERVER, to, 64, 0);
}

static void outside_error(struct frame *f, const char *to, uint8_t hop_limit, unsigned extra)
{
	uint16_t ip;

	mac_in(f, OUTSIDE);
	ip = frame_ipv6(f, &(struct frame_ipv6){SERVER, to, IPPROTO_ICMPV6, hop_limit, 0, 0});
	frame_icmpv6(f, 3, NULL);
	for (unsigned i = 0; i < extra; i++)
		frame_bytes(f, "", 1);
	frame_close(f, ip);
}

static void outside_to_nobody(struct frame *f)
{
	outside_udp(f, NOBODY);
}

static void outside_error_to_nobody(struct frame *f)
{
	outside_error(f, NOBODY, 64, 0);
}

static void outside_to_elsewhere(struct frame *f)
{
	outside_udp(f, ELSEWHERE);
}

static void mag_core_to_node(struct frame *f)
{
	core_udp(f, SERVER, MN1);
}

static void outside_to_blocked(struct frame *f)
{
	outside_udp(f, MN3);
}

static void blocked_sends(struct frame *f)
{
	in_tunnel(f, MN3, SERVER, 0, 0);
}

static void source_of_other_mag(struct frame *f)
{
	in_tunnel(f, MN2, SERVER, 0, 0);
}

static void source_without_binding(struct frame *f)
{
	in_tunnel(f, NOBODY, SERVER, 0, 0);
}

static void inner_error(struct frame *f, const char *to, uint8_t hop_limit)
{
	uint16_t ip;

	mac_in(f, CORE);
	scenario_outer(f, MAG, LMA, 0);
	ip = frame_ipv6(f, &(struct frame_ipv6){MN1, to, IPPROTO_ICMPV6, hop_limit, 0, 0});
	frame_icmpv6(f, 1, NULL);
	frame_close(f, ip);
	frame_close(f, f->l3);
}

static void nowhere(struct frame *f)
{
	in_tunnel(f, MN1, ELSEWHERE, 0, 0);
}

static void error_to_nowhere(struct frame *f)
{
	inner_error(f, ELSEWHERE, 64);
}

static void to_lost(struct frame *f)
{
	in_tunnel(f, MN1, LOST, 0, 0);
}

static void to_near(struct frame *f)
{
	in_tunnel(f, MN1, NEAR, 0, 0);
}

static void error_expires(struct frame *f)
{
	access_error(f, MN1_MAC, MN1, SERVER, 1);
}

static void routed_expires(struct frame *f)
{
	mac_in(f, CORE);
	scenario_outer(f, MAG, LMA, 0);
	scenario_udp(f, MN1, SERVER, 1, 0);
	frame_close(f, f->l3);
}

static void expires_in_tunnel(struct frame *f)
{
	frame_ethernet(f, FIXED, MN1_MAC, 0);
	scenario_udp(f, MN1, SERVER, 0, 0);
}

static void too_big(struct frame *f)
{
	uint16_t ip;

	mac_in(f, OUTSIDE);
	ip = frame_ipv6(f, &(struct frame_ipv6){SERVER, MN1, IPPROTO_UDP, 64, 0, 0});
	frame_udp(f, 1, 2, BED_TUNNEL_MTU - 40 - 8 + 1);
	frame_close(f, ip);
}

static void error_too_big(struct frame *f)
{
	outside_error(f, MN1, 64, BED_TUNNEL_MTU);
}

static void entry_says_drop(struct frame *f)
{
	access_udp(f, MN5_MAC, MN5, SERVER);
}

static void down_entry_says_drop(struct frame *f)
{
	to_node(f, LMA, MN5, 64);
}

static void outside_entry_says_drop(struct frame *f)
{
	outside_udp(f, MN5);
}

static void tunnel_entry_says_drop(struct frame *f)
{
	in_tunnel(f, MN5, SERVER, 0, 0);
}

static void core_solicitation(struct frame *f)
{
	link_icmp(f, ROUTER, "fe80::1", "ff02::1:ff00:1", 135, LMA);
}

static void core_dad(struct frame *f)
{
	link_icmp(f, ROUTER, "::", "ff02::1:ff00:1", 135, LMA);
}

static void router_solicitation(struct frame *f)
{
	link_icmp(f, UNKNOWN_MAC, "fe80::1", "ff02::2", 133, NULL);
}

static void solicitation_for_gateway(struct frame *f)
{
	link_icmp(f, MN1_MAC, MN1_LINK_LOCAL, "ff02::1:ff00:5213", 135, GATEWAY_LINK_LOCAL);
}

static void solicitation_for_anycast(struct frame *f)
{
	link_icmp(f, MN1_MAC, MN1_LINK_LOCAL, "ff02::1:ff00:0", 135, "2001:db8:aa:1::");
}

static void advertisement_of_node(struct frame *f)
{
	link_icmp(f, MN1_MAC, MN1, GATEWAY_LINK_LOCAL, 136, MN1);
}

static void dhcp(struct frame *f)
{
	uint16_t ip;

	frame_ethernet(f, MULTICAST, MN1_MAC, 0);
	ip = frame_ipv6(f, &(struct frame_ipv6){MN1_LINK_LOCAL, "ff02::1:2", IPPROTO_UDP, 1, 0, 0});
	frame_udp(f, 546, 547, 10);
	frame_close(f, ip);
}

static void icmp_to(struct frame *f, uint16_t port, const uint8_t *mac, const char *from, const char *to, uint8_t type)
{
	uint16_t ip;

	frame_ethernet(f, MAC(port), mac, 0);
	ip = frame_ipv6(f, &(struct frame_ipv6){from, to, IPPROTO_ICMPV6, 64, 0, 0});
	frame_icmpv6(f, type, NULL);
	frame_close(f, ip);
}

/* An error that the peer forwards: never answered. */
static void direct_error(struct frame *f, const char *peer, const char *to)
{
	uint16_t ip;

	frame_ethernet(f, MAC(CORE), ROUTER, 0);
	scenario_outer(f, peer, MAG, 0);
	ip = frame_ipv6(f, &(struct frame_ipv6){MN6, to, IPPROTO_ICMPV6, 64, 0, 0});
	frame_icmpv6(f, 1, NULL);
	frame_close(f, ip);
	frame_close(f, f->l3);
}

static void direct_error_without_pair(struct frame *f)
{
	direct_error(f, PEER, MN2);
}

static void put_marker(struct frame *f, const char *from, const char *to)
{
	frame_close(f, frame_ipv6(f, &(struct frame_ipv6){from, to, IPPROTO_MOBILITY, 64, 0, 0}));
}

static void marker_of_a_node(struct frame *f)
{
	frame_ethernet(f, FIXED, MN1_MAC, 0);
	put_marker(f, "2001:db8:aa:1:200:5eff:fe00:5213", "2001:db8:aa:6:200:5eff:fe00:5213");
}

static void marker_of_the_anchor(struct frame *f)
{
	mac_in(f, CORE);
	scenario_outer(f, LMA, MAG, 0);
	put_marker(f, "2001:db8:aa:6:200:5eff:fe00:5213", "2001:db8:aa:1:200:5eff:fe00:5213");
	frame_close(f, f->l3);
}

static void direct_error_by_other_tunnel(struct frame *f)
{
	direct_error(f, FORMER, MN7);
}

static void direct_udp(struct frame *f)
{
	frame_ethernet(f, MAC(CORE), ROUTER, 0);
	scenario_outer(f, PEER, MAG, 0);
	scenario_udp(f, MN6, MN2, 64, 0);
	frame_close(f, f->l3);
}

static void echo_from_core(struct frame *f)
{
	icmp_to(f, CORE, ROUTER, SERVER, LMA, 128);
}

static void echo_to_link_local(struct frame *f)
{
	icmp_to(f, CORE, ROUTER, "fe80::1", "fe80::ff:fe00:10", 128);
}

static void answer_of_peer(struct frame *f)
{
	icmp_to(f, CORE, ROUTER, PEER, MAG, 129);
}

static void answer_of_stranger(struct frame *f)
{
	icmp_to(f, CORE, ROUTER, STRANGER, MAG, 129);
}

static void echo_from_node(struct frame *f)
{
	icmp_to(f, ACCESS, MN1_MAC, MN1_LINK_LOCAL, GATEWAY_LINK_LOCAL, 128);
}

static void echo_from_node_to_global(struct frame *f)
{
	icmp_to(f, ACCESS, MN1_MAC, MN1, MAG, 128);
}

static void echo_in_tunnel(struct frame *f)
{
	uint16_t ip;

	mac_in(f, CORE);
	scenario_outer(f, MAG, LMA, 0);
	ip = frame_ipv6(f, &(struct frame_ipv6){MN1, LMA, IPPROTO_ICMPV6, 64, 0, 0});
	frame_icmpv6(f, 128, NULL);
	frame_close(f, ip);
	frame_close(f, f->l3);
}

static void error_from_core(struct frame *f)
{
	icmp_to(f, CORE, ROUTER, SERVER, LMA, 2);
}

static void error_from_node(struct frame *f)
{
	icmp_to(f, ACCESS, MN1_MAC, MN1_LINK_LOCAL, GATEWAY_LINK_LOCAL, 1);
}

static void udp_to_own(struct frame *f)
{
	core_udp(f, SERVER, LMA);
}

#define DROPS(r, p, f, reason)                             \
	{                                                  \
#f, DATAPLANE_##r, p, f, DROP_##reason, -1 \
	}
#define PUNTS(r, p, f, reason)                             \
	{                                                  \
#f, DATAPLANE_##r, p, f, -1, PUNT_##reason \
	}

static const struct reason_case cases[] = {
	DROPS(LMA, CORE, ten_octets, runt),
	DROPS(LMA, CORE, runt_behind_ethernet, runt),
	DROPS(LMA, CORE, runt_in_tag, runt),
	DROPS(LMA, CORE, ipv4, unknown_ethertype),
	DROPS(LMA, CORE, foreign_mac, foreign_mac),
	DROPS(LMA, CORE, tag_on_core, unknown_vlan),
	DROPS(MAG, TAGGED, tag_without_link, unknown_vlan),
	DROPS(MAG, TAGGED, no_tag, unknown_vlan),
	DROPS(LMA, CORE, version_four, ip_version),
	DROPS(LMA, CORE, length_too_long, ip_length),
	DROPS(LMA, CORE, echo_cut_off, ip_length),
	DROPS(LMA, CORE, inner_too_long, ip_length),
	DROPS(LMA, CORE, inner_cut_off, ip_length),
	DROPS(LMA, CORE, source_multicast, ip_source_invalid),
	DROPS(LMA, CORE, source_loopback, ip_source_invalid),
	DROPS(LMA, CORE, source_unspecified, ip_source_invalid),
	DROPS(LMA, CORE, source_link_local_to_node, ip_source_invalid),
	DROPS(LMA, CORE, destination_loopback, ip_destination_invalid),
	DROPS(LMA, CORE, destination_unspecified, ip_destination_invalid),
	DROPS(LMA, CORE, destination_group, ip_destination_invalid),
	DROPS(LMA, CORE, tunnelled_to_group, ip_destination_invalid),
	DROPS(LMA, CORE, nine_extension_headers, extension_headers),
	DROPS(LMA, CORE, extension_header_too_long, extension_headers),
	DROPS(LMA, CORE, udp_to_all_nodes, own_unknown_protocol),
	DROPS(LMA, CORE, no_next_header, own_unknown_protocol),
	DROPS(LMA, OUTSIDE, signalling_from_outside, signalling_side),
	DROPS(LMA, CORE, signalling_in_tunnel, signalling_side),
	DROPS(MAG, ACCESS, signalling_from_node, signalling_side),
	DROPS(LMA, CORE, signalling_from_stranger, signalling_peer),
	DROPS(LMA, CORE, fragment_of_tunnel, fragment),
	DROPS(MAG, ACCESS, unknown_host, link_unknown),
	DROPS(MAG, ACCESS, unknown_host_multicast, link_unknown),
	DROPS(MAG, TAGGED, source_on_other_link, link_unknown),
	DROPS(MAG, ACCESS, pending_host, link_pending),
	DROPS(MAG, ACCESS, pending_host_multicast, link_pending),
	DROPS(MAG, ACCESS, refused_host, link_refused),
	DROPS(MAG, ACCESS, refused_solicitation, link_refused),
	DROPS(MAG, ACCESS, multicast_listener_report, link_protocol),
	DROPS(MAG, ACCESS, solicitation_for_stranger, link_protocol),
	DROPS(MAG, ACCESS, forwarded_solicitation, link_protocol),
	DROPS(MAG, ACCESS, error_from_source_of_nobody, uplink_source),
	DROPS(MAG, ACCESS, source_of_other_node, uplink_mac_mismatch),
	DROPS(MAG, ACCESS, link_local_to_server, uplink_link_local),
	DROPS(MAG, ACCESS, dad_of_node, dad_probe),
	DROPS(MAG, ACCESS, dad_of_stranger, dad_probe),
	DROPS(MAG, CORE, answer_of_stranger, own_unknown_protocol),
	DROPS(LMA, CORE, tunnel_from_stranger, tunnel_unknown),
	DROPS(LMA, OUTSIDE, tunnel_from_outside, tunnel_unknown),
	DROPS(LMA, CORE, unknown_tunnel_with_nothing_inside, tunnel_unknown),
	DROPS(MAG, ACCESS, into_unresolved_tunnel, tunnel_unresolved),
	DROPS(LMA, CORE, ipv4_in_tunnel, tunnel_inner_protocol),
	DROPS(LMA, CORE, tunnel_in_itself, tunnel_loop),
	DROPS(LMA, CORE, congestion_lost, tunnel_ecn),
	DROPS(MAG, ACCESS, limit_reached_by_error, tunnel_limit),
	DROPS(MAG, CORE, down_to_nobody, downlink_no_endpoint),
	DROPS(MAG, CORE, down_by_other_tunnel, downlink_tunnel_mismatch),
	DROPS(MAG, CORE, direct_error_without_pair, pair_unknown),
	DROPS(MAG, ACCESS, marker_of_a_node, marker_access),
	DROPS(MAG, CORE, marker_of_the_anchor, marker),
	DROPS(MAG, CORE, direct_error_by_other_tunnel, pair_tunnel_mismatch),
	DROPS(LMA, OUTSIDE, outside_error_to_nobody, anchor_no_endpoint),
	DROPS(LMA, CORE, source_of_other_mag, anchor_source),
	DROPS(LMA, CORE, source_without_binding, anchor_source),
	DROPS(LMA, OUTSIDE, outside_to_blocked, anchor_blocked),
	DROPS(LMA, CORE, blocked_sends, anchor_blocked),
	DROPS(LMA, OUTSIDE, outside_to_elsewhere, not_for_us),
	DROPS(MAG, CORE, mag_core_to_node, not_for_us),
	DROPS(LMA, CORE, error_to_nowhere, no_route),
	DROPS(MAG, ACCESS, error_expires, hop_limit),
	DROPS(LMA, OUTSIDE, error_too_big, packet_too_big),
	DROPS(MAG, ACCESS, entry_says_drop, forward_action),
	DROPS(MAG, CORE, down_entry_says_drop, forward_action),
	DROPS(LMA, OUTSIDE, outside_entry_says_drop, forward_action),
	DROPS(LMA, CORE, tunnel_entry_says_drop, forward_action),
	PUNTS(LMA, CORE, from_peer, mobility_header),
	PUNTS(LMA, CORE, signalling_behind_options, mobility_header),
	PUNTS(LMA, CORE, core_solicitation, neighbour_discovery),
	PUNTS(LMA, CORE, core_dad, neighbour_discovery),
	PUNTS(MAG, ACCESS, router_solicitation, access_discovery),
	PUNTS(MAG, ACCESS, solicitation_for_gateway, access_discovery),
	PUNTS(MAG, ACCESS, solicitation_for_anycast, access_discovery),
	PUNTS(MAG, ACCESS, advertisement_of_node, access_discovery),
	PUNTS(MAG, ACCESS, dhcp, access_dhcp),
	PUNTS(LMA, CORE, echo_from_core, icmp_echo),
	PUNTS(LMA, CORE, echo_to_link_local, icmp_echo),
	PUNTS(LMA, CORE, echo_in_tunnel, icmp_echo),
	PUNTS(MAG, ACCESS, echo_from_node, icmp_echo),
	PUNTS(MAG, ACCESS, echo_from_node_to_global, icmp_echo),
	PUNTS(MAG, CORE, answer_of_peer, icmp_reply),
	PUNTS(LMA, CORE, error_from_core, icmp_error_in),
	PUNTS(MAG, ACCESS, error_from_node, icmp_error_in),
	PUNTS(LMA, CORE, udp_to_own, own_protocol_error),
	PUNTS(MAG, CORE, down_expired, hop_limit_error),
	PUNTS(LMA, CORE, routed_expires, hop_limit_error),
	PUNTS(MAG, ACCESS, expires_in_tunnel, hop_limit_error),
	PUNTS(LMA, OUTSIDE, too_big, packet_too_big_error),
	PUNTS(LMA, OUTSIDE, outside_to_nobody, no_endpoint_error),
	PUNTS(LMA, CORE, nowhere, no_route_error),
	PUNTS(MAG, ACCESS, source_of_nobody, source_policy_error),
	PUNTS(LMA, CORE, to_lost, neighbour_resolve),
	PUNTS(LMA, CORE, to_near, neighbour_resolve),
	PUNTS(MAG, ACCESS, limit_reached, tunnel_limit_error),
};

static void expect_drops(struct bed *bed, enum drop_reason reason, uint64_t n)
{
	assert_int_equal(bed_drops(bed, reason), n);
	seen_drop[reason] = true;
	bed_check_conservation(bed);
}

static void expect_punts(struct bed *bed, const struct reason_case *c, const struct frame *in, unsigned n)
{
	struct packet_meta meta;
	struct frame got;

	for (unsigned i = 0; i < n; i++) {
		assert_true(bed_punted(bed, &got, &meta));
		assert_int_equal(meta.reason, c->punt);
		assert_int_equal(meta.port, c->port);
		assert_int_equal(meta.l3, 0);
		assert_int_equal(got.bytes[0] >> 4, 6);
		if (meta.link != LINK_NONE)
			assert_memory_equal(meta.source_mac, in->bytes + 6, 6);
	}
	assert_false(bed_punted(bed, &got, &meta));
	seen_punt[c->punt] = true;
	bed_check_conservation(bed);
}

static void each_packet_ends_where_it_should(void **state)
{
	struct bed *beds[] = {[DATAPLANE_LMA] = scenario_lma(1), [DATAPLANE_MAG] = scenario_mag(1)};

	scenario_pairs(beds[DATAPLANE_MAG]);

	for (unsigned i = 0; i < RTE_DIM(cases) * RTE_DIM(bursts); i++) {
		const struct reason_case *c = &cases[i / RTE_DIM(bursts)];
		unsigned burst = bursts[i % RTE_DIM(bursts)];
		struct frame frame;

		print_message("  %s, %u\n", c->name, burst);
		frame_init(&frame);
		c->build(&frame);
		bed_receive(beds[c->role], c->port, &frame, burst);
		if (c->punt >= 0)
			expect_punts(beds[c->role], c, &frame, burst);
		else
			expect_drops(beds[c->role], (enum drop_reason)c->drop, burst);
	}
	bed_reset(beds[DATAPLANE_LMA]);
	bed_reset(beds[DATAPLANE_MAG]);
	bed_destroy(beds[DATAPLANE_LMA]);
	bed_destroy(beds[DATAPLANE_MAG]);
}

/* ---- what takes more than a frame ---- */

static void chained_packet_is_dropped(void **state)
{
	struct bed *bed = scenario_lma(1);
	struct frame frame;
	struct rte_mbuf *first, *second;

	frame_init(&frame);
	outside_udp(&frame, MN1);
	first = bed_mbuf(&frame);
	second = bed_mbuf(&frame);
	assert_int_equal(rte_pktmbuf_chain(first, second), 0);
	assert_int_equal(rte_ring_enqueue(bed->receive[OUTSIDE], first), 0);
	bed->put = 1;
	bed_turn(bed);
	expect_drops(bed, DROP_chained, 1);
	bed_destroy(bed);
}

static void packet_without_headroom_is_dropped(void **state)
{
	struct bed *bed = scenario_lma(1);
	struct frame frame;
	struct rte_mbuf *pkt;

	frame_init(&frame);
	outside_udp(&frame, MN1);
	for (uint16_t room = 0; room < TUNNEL_LINE - RTE_ETHER_HDR_LEN; room += 6) {
		pkt = bed_mbuf(&frame);
		memmove((uint8_t *)pkt->buf_addr + room, rte_pktmbuf_mtod(pkt, void *), frame.length);
		pkt->data_off = room;
		assert_int_equal(rte_ring_enqueue(bed->receive[OUTSIDE], pkt), 0);
		bed->put = 1;
		bed_turn(bed);
		expect_drops(bed, DROP_no_headroom, 1);
	}
	bed_destroy(bed);
}

static void full_transmit_queue_drops(void **state)
{
	struct bed *bed = scenario_lma(1);
	struct frame frame;
	unsigned room, put = 0;

	frame_init(&frame);
	outside_udp(&frame, MN1);
	room = rte_ring_free_count(bed->transmit[CORE]);
	for (; put < room + 64; put += 64)
		bed_receive(bed, OUTSIDE, &frame, 64);
	expect_drops(bed, DROP_tx_full, put - room);
	bed_destroy(bed);
}

static void full_punt_ring_drops(void **state)
{
	struct bed *bed = scenario_lma(1);
	struct frame frame;
	unsigned room = rte_ring_free_count(bed->door->worker[0].punt_signalling), put = 0;

	frame_init(&frame);
	from_peer(&frame);
	for (; put < room + 64; put += 64)
		bed_receive(bed, CORE, &frame, 64);
	expect_drops(bed, DROP_punt_full, put - room);
	bed_destroy(bed);
}

static void punts_of_one_reason_are_limited(void **state)
{
	struct bed *bed = scenario_lma(1);
	struct frame frame;

	bed->workers[0]->limits.reason_burst = 5;
	bed->workers[0]->limits.reason_interval = UINT64_MAX / 1024;
	frame_init(&frame);
	echo_from_core(&frame);
	bed_receive(bed, CORE, &frame, 64);
	assert_int_equal(bed_drops(bed, DROP_punt_limited), 59);
	expect_drops(bed, DROP_punt_limited, 59);
	bed_destroy(bed);
}

static void one_source_does_not_use_up_the_punts_of_others(void **state)
{
	struct bed *bed = scenario_lma(1);
	struct packet_meta meta;
	struct frame frame, got;

	bed->workers[0]->limits.source_burst = 3;
	bed->workers[0]->limits.source_interval = UINT64_MAX / 1024;
	frame_init(&frame);
	icmp_to(&frame, CORE, ROUTER, SERVER, LMA, 128);
	bed_receive(bed, CORE, &frame, 64);
	assert_int_equal(bed_drops(bed, DROP_punt_limited), 61);
	frame_init(&frame);
	icmp_to(&frame, CORE, ROUTER, LOST, LMA, 128);
	bed_receive(bed, CORE, &frame, 1);
	for (unsigned i = 0; i < 4; i++)
		assert_true(bed_punted(bed, &got, &meta));
	assert_false(bed_punted(bed, &got, &meta));
	bed_check_conservation(bed);
	bed_destroy(bed);
}

/* One a second for each pair, so not a case of the table. */
static void direct_packet_without_pair_is_punted(void **state)
{
	struct bed *bed = scenario_mag(1);
	struct packet_meta meta;
	struct frame frame, got;

	scenario_pairs(bed);
	frame_init(&frame);
	direct_udp(&frame);
	bed_receive(bed, CORE, &frame, 64);
	assert_true(bed_punted(bed, &got, &meta));
	assert_int_equal(meta.reason, PUNT_pair_error);
	seen_punt[PUNT_pair_error] = true;
	expect_drops(bed, DROP_pair_unknown, 63);
	bed_destroy(bed);
}

static void injected(struct bed *bed, enum drop_reason reason, const struct packet_meta *meta,
	void (*build)(struct frame *), unsigned offset)
{
	struct frame frame, inner;

	frame_init(&frame);
	build(&frame);
	frame_init(&inner);
	frame_bytes(&inner, frame.bytes + offset, frame.length - offset);
	for (unsigned i = 0; i < RTE_DIM(bursts); i++) {
		bed_inject(bed, &inner, meta, bursts[i]);
		expect_drops(bed, reason, bursts[i]);
	}
}

static void injected_packets_that_cannot_go_on_are_dropped(void **state)
{
	struct bed *bed = scenario_lma(1);

	injected(bed, DROP_port_down, &(struct packet_meta){.stage = STAGE_tx, .port = 17}, udp_to_own, 0);
	injected(bed, DROP_inject_malformed, &(struct packet_meta){.stage = STAGE_decap}, udp_to_own, 14);
	injected(bed, DROP_inject_malformed, &(struct packet_meta){.stage = STAGE_route}, ten_octets, 0);
	injected(bed, DROP_inject_malformed, &(struct packet_meta){.stage = STAGE_classify, .port = PORT_NONE},
		ten_octets, 0);
	injected(bed, DROP_dead_index, &(struct packet_meta){.stage = STAGE_encap, .tunnel = 9}, udp_to_own, 14);
	injected(bed, DROP_dead_index, &(struct packet_meta){.stage = STAGE_encap, .tunnel = INDEX_NONE}, udp_to_own,
		14);
	injected(bed, DROP_neighbour_unresolved, &(struct packet_meta){.stage = STAGE_route}, to_lost, 14 + 40);
	bed_destroy(bed);
}

static void injected_to_a_stage_of_the_other_role_is_dropped(void **state)
{
	struct bed *bed = scenario_mag(1);

	injected(bed, DROP_inject_malformed, &(struct packet_meta){.stage = STAGE_anchor_down}, udp_to_own, 14);
	bed_destroy(bed);
}

static void full_handover_ring_drops(void **state)
{
	struct bed *bed = scenario_lma(2);
	struct frame frame;
	unsigned room = rte_ring_free_count(bed->handover[CORE]), put = 0;

	frame_init(&frame);
	outside_udp(&frame, MN1);
	for (; put < room + 64; put += 64) {
		for (unsigned i = 0; i < 64; i++) {
			struct rte_mbuf *pkt = bed_mbuf(&frame);

			*packet_meta(pkt) = (struct packet_meta){.stage = STAGE_classify, .port = OUTSIDE};
			assert_int_equal(door_inject(bed->door, 1, pkt), 0);
		}
		worker_poll(bed->workers[1]);
	}
	assert_int_equal(bed_drops(bed, DROP_handoff_full), put - room);
	seen_drop[DROP_handoff_full] = true;
	bed->put = put;
	while (worker_poll(bed->workers[0]) != 0)
		;
	bed_check_conservation(bed);
	bed_destroy(bed);
}

/* Worker 1 does not take its share of the flows. */
static void full_ring_of_shared_out_flows_drops(void **state)
{
	struct bed_options options = bed_usual(2);
	struct frame frame;
	struct bed *bed;
	unsigned room, put = 0;

	options.spread = true;
	bed = scenario_lma_with(&options);
	room = rte_ring_free_count(bed->share[0]);
	for (unsigned flow = 0; rte_ring_empty(bed->share[0]); flow++, put++) {
		char from[INET6_ADDRSTRLEN];

		snprintf(from, sizeof(from), "2001:db8:5:%x::5", flow);
		frame_init(&frame);
		frame_ethernet(&frame, MAC(OUTSIDE), NEXT_HOP, 0);
		scenario_udp(&frame, from, MN1, 64, 0);
		bed_receive(bed, OUTSIDE, &frame, 1);
	}
	for (unsigned i = 1; i < room + 63; i += 63, put += 63)
		bed_receive(bed, OUTSIDE, &frame, 63);
	assert_true(rte_ring_full(bed->share[0]));
	assert_int_equal(bed->workers[0]->stats->spread_out, room);
	assert_int_equal(
		bed_drops(bed, DROP_spread_full), put - room - bed->workers[0]->stats->stages[STAGE_classify].packets);
	seen_drop[DROP_spread_full] = true;
	assert_int_equal(worker_discard(bed->workers[1]), room);
	assert_int_equal(bed_drops(bed, DROP_shutdown), room);
	bed_check_conservation(bed);
	bed_destroy(bed);
}

static void what_is_left_in_rings_at_the_end_is_counted(void **state)
{
	struct bed *bed = scenario_lma(1);
	struct frame frame;
	struct rte_mbuf *pkt;

	frame_init(&frame);
	udp_to_own(&frame);
	for (unsigned i = 0; i < 100; i++) {
		pkt = bed_mbuf(&frame);
		*packet_meta(pkt) = (struct packet_meta){.stage = STAGE_tx, .port = CORE};
		assert_int_equal(door_inject(bed->door, 0, pkt), 0);
	}
	bed->put = 100;
	assert_int_equal(worker_discard(bed->workers[0]), 100);
	expect_drops(bed, DROP_shutdown, 100);
	bed_destroy(bed);
}

static void unknown_host_is_told_of_once_its_limit_allows(void **state)
{
	struct bed *bed = scenario_mag(1);
	struct door_event event;
	struct frame frame;

	bed->workers[0]->limits.source_burst = 2;
	bed->workers[0]->limits.source_interval = UINT64_MAX / 1024;
	frame_init(&frame);
	unknown_host(&frame);
	bed_receive(bed, ACCESS, &frame, 64);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(door_event_poll(bed->door, &event, 1), 1);
		assert_int_equal(event.type, EVENT_unknown_mac);
		assert_int_equal(event.link, 0);
		assert_memory_equal(event.mac, UNKNOWN_MAC, 6);
		assert_int_equal(event.endpoint, UINT64_C(0x20010db800aa0009));
	}
	assert_int_equal(door_event_poll(bed->door, &event, 1), 0);
	expect_drops(bed, DROP_link_unknown, 64);
	bed_destroy(bed);
}

static void expect_wrong_tunnel(struct bed *bed, uint64_t endpoint, uint32_t tunnel, const char *peer)
{
	struct door_event event;
	struct in6_addr address;

	assert_int_equal(inet_pton(AF_INET6, peer, &address), 1);
	assert_int_equal(door_event_poll(bed->door, &event, 1), 1);
	assert_int_equal(event.type, EVENT_wrong_tunnel);
	assert_int_equal(event.endpoint, endpoint);
	assert_int_equal(event.value, tunnel);
	assert_memory_equal(event.peer, &address, sizeof(address));
}

static void expect_no_event(struct bed *bed)
{
	struct door_event event;

	assert_int_equal(door_event_poll(bed->door, &event, 1), 0);
}

/* MN2 is behind MAG2, MAG sends a packet of it: dropped, and the control core hears so as often as the limit allows. */
static void node_in_another_tunnel_is_told_of_once_its_limit_allows(void **state)
{
	struct bed *bed = scenario_lma(1);
	struct frame frame;

	bed->workers[0]->limits.source_burst = 2;
	bed->workers[0]->limits.source_interval = UINT64_MAX / 1024;
	frame_init(&frame);
	source_of_other_mag(&frame);
	bed_receive(bed, CORE, &frame, 63);
	expect_wrong_tunnel(bed, UINT64_C(0x20010db800aa0002), 1, MAG);
	expect_wrong_tunnel(bed, UINT64_C(0x20010db800aa0002), 1, MAG);
	expect_no_event(bed);
	expect_drops(bed, DROP_anchor_source, 63);
	bed_destroy(bed);
}

/* The MAG's last MN went elsewhere and its tunnel with it. */
static void node_of_a_mag_without_a_tunnel_is_told_of(void **state)
{
	struct bed *bed = scenario_lma(1);
	struct frame frame;

	frame_init(&frame);
	tunnel_from_stranger(&frame);
	bed_receive(bed, CORE, &frame, 1);
	expect_wrong_tunnel(bed, UINT64_C(0x20010db800aa0001), INDEX_NONE, STRANGER);
	expect_no_event(bed);
	expect_drops(bed, DROP_tunnel_unknown, 1);
	bed_destroy(bed);
}

static void stranger_in_a_tunnel_is_not_told_of(void **state)
{
	void (*const frames[])(struct frame *) = {
		source_without_binding, tunnel_from_outside, unknown_tunnel_with_nothing_inside};
	struct bed *bed = scenario_lma(1);
	struct frame frame;

	for (unsigned i = 0; i < RTE_DIM(frames); i++) {
		frame_init(&frame);
		frames[i](&frame);
		bed_receive(bed, i == 1 ? OUTSIDE : CORE, &frame, 64);
		expect_no_event(bed);
		bed_check_conservation(bed);
	}
	bed_destroy(bed);
}

static void receive_exact(struct bed *bed, uint16_t port, const struct frame *frame)
{
	assert_int_equal(rte_ring_enqueue(bed->receive[port], bed_mbuf_exact(frame)), 0);
	bed->put++;
	worker_poll(bed->workers[0]);
	bed_check_conservation(bed);
}

/* Nothing reads behind the packet (AddressSanitizer), and whatever comes out of it is counted once. */
static void packets_cut_off_at_any_octet_are_taken(void **state)
{
	struct bed *beds[] = {[DATAPLANE_LMA] = scenario_lma(1), [DATAPLANE_MAG] = scenario_mag(1)};

	for (unsigned i = 0; i < RTE_DIM(cases); i++) {
		struct frame frame;
		uint16_t length;

		frame_init(&frame);
		cases[i].build(&frame);
		length = RTE_MIN(frame.length, 200);
		for (uint16_t cut = 0; cut < length; cut++) {
			frame.length = cut;
			receive_exact(beds[cases[i].role], cases[i].port, &frame);
		}
		/* And with lengths that claim no more than there is. */
		for (uint16_t cut = 14 + 40; cut < length; cut++) {
			frame.length = cut;
			frame_close(&frame, 14);
			receive_exact(beds[cases[i].role], cases[i].port, &frame);
		}
	}
	bed_destroy(beds[DATAPLANE_LMA]);
	bed_destroy(beds[DATAPLANE_MAG]);
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static void packets_with_changed_octets_are_taken(void **state)
{
	struct bed *beds[] = {[DATAPLANE_LMA] = scenario_lma(1), [DATAPLANE_MAG] = scenario_mag(1)};
	uint32_t seed = 42;

	for (unsigned i = 0; i < 200 * RTE_DIM(cases); i++) {
		const struct reason_case *c = &cases[i % RTE_DIM(cases)];
		struct frame frame;

		frame_init(&frame);
		c->build(&frame);
		for (unsigned changes = 1 + next_random(&seed) % 4; changes > 0; changes--)
			frame.bytes[next_random(&seed) % RTE_MIN(frame.length, 120)] = (uint8_t)next_random(&seed);
		receive_exact(beds[c->role], c->port, &frame);
	}
	bed_destroy(beds[DATAPLANE_LMA]);
	bed_destroy(beds[DATAPLANE_MAG]);
}

static void every_reason_has_a_case(void **state)
{
	for (unsigned i = 0; i < DROP_COUNT; i++)
		if (!seen_drop[i])
			fail_msg("no case for drop reason %s", drop_reason_name((enum drop_reason)i));
	for (unsigned i = 0; i < PUNT_COUNT; i++)
		if (!seen_punt[i])
			fail_msg("no case for punt reason %s", punt_reason_name((enum punt_reason)i));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_packet_ends_where_it_should),
		cmocka_unit_test(chained_packet_is_dropped),
		cmocka_unit_test(packet_without_headroom_is_dropped),
		cmocka_unit_test(full_transmit_queue_drops),
		cmocka_unit_test(full_punt_ring_drops),
		cmocka_unit_test(punts_of_one_reason_are_limited),
		cmocka_unit_test(one_source_does_not_use_up_the_punts_of_others),
		cmocka_unit_test(direct_packet_without_pair_is_punted),
		cmocka_unit_test(injected_packets_that_cannot_go_on_are_dropped),
		cmocka_unit_test(injected_to_a_stage_of_the_other_role_is_dropped),
		cmocka_unit_test(full_handover_ring_drops),
		cmocka_unit_test(full_ring_of_shared_out_flows_drops),
		cmocka_unit_test(what_is_left_in_rings_at_the_end_is_counted),
		cmocka_unit_test(unknown_host_is_told_of_once_its_limit_allows),
		cmocka_unit_test(node_in_another_tunnel_is_told_of_once_its_limit_allows),
		cmocka_unit_test(node_of_a_mag_without_a_tunnel_is_told_of),
		cmocka_unit_test(stranger_in_a_tunnel_is_not_told_of),
		cmocka_unit_test(packets_cut_off_at_any_octet_are_taken),
		cmocka_unit_test(packets_with_changed_octets_are_taken),
		cmocka_unit_test(every_reason_has_a_case),
	};
	int failed;

	bed_eal_start();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	bed_eal_stop();
	return failed;
}
