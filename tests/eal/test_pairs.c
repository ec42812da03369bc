/* SPDX-License-Identifier: BSD-3-Clause */
/* The ways of packets of pairs: straight to the peer's MAG, out of direct tunnels, back to the LMA of who has left. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <arpa/inet.h>
#include <cmocka.h>
#include <rte_cycles.h>
#include <rte_malloc.h>

#include "endpoint.h"
#include "scenario.h"

static const unsigned bursts[] = {1, 63, 64};

static struct bed *bed;

static int set_up(void **state)
{
	bed = scenario_mag(1);
	scenario_pairs(bed);
	return 0;
}

static int tear_down(void **state)
{
	bed_destroy(bed);
	return 0;
}

/* ---- frames ---- */

static struct frame from_node(const uint8_t *mac, const char *from, const char *to, uint8_t hop_limit)
{
	struct frame frame;

	frame_init(&frame);
	frame_ethernet(&frame, FIXED, mac, 0);
	scenario_udp(&frame, from, to, hop_limit, 0xb9);
	return frame;
}

static struct frame to_node(const uint8_t *mac, uint16_t vlan, const char *from, const char *to, uint8_t hop_limit)
{
	struct frame frame;

	frame_init(&frame);
	frame_ethernet(&frame, mac, FIXED, vlan);
	scenario_udp(&frame, from, to, hop_limit, 0xb9);
	return frame;
}

static struct frame in_tunnel(
	bool in, const char *local, const char *remote, const char *from, const char *to, uint8_t hop_limit)
{
	struct frame frame;

	frame_init(&frame);
	frame_ethernet(&frame, in ? MAC(CORE) : ROUTER, in ? ROUTER : MAC(CORE), 0);
	scenario_outer(&frame, in ? remote : local, in ? local : remote, 0xb9);
	scenario_udp(&frame, from, to, hop_limit, 0xb9);
	frame_close(&frame, frame.l3);
	return frame;
}

static struct frame out_of(const char *remote, const char *from, const char *to)
{
	return in_tunnel(true, MAG, remote, from, to, 64);
}

static struct frame into(const char *remote, const char *from, const char *to, uint8_t hop_limit)
{
	return in_tunnel(false, MAG, remote, from, to, hop_limit);
}

/* @n frames were sent to @port and are @want, but for the flow label of an outer header. */
static void expect_sent(uint16_t port, struct frame want, bool encapsulated, unsigned n)
{
	struct frame got;

	for (unsigned i = 0; i < n; i++) {
		assert_true(bed_sent(bed, port, &got));
		assert_int_equal(got.length, want.length);
		if (encapsulated) {
			got.bytes[want.l3 + 1] &= 0xf0;
			want.bytes[want.l3 + 1] &= 0xf0;
			memcpy(got.bytes + want.l3 + 2, want.bytes + want.l3 + 2, 2);
		}
		assert_memory_equal(got.bytes, want.bytes, want.length);
	}
	assert_false(bed_sent(bed, port, &got));
	bed_check_conservation(bed);
}

/* In every burst @in comes to @port, and what is sent is @want, from @out. */
static void expect_way(uint16_t port, struct frame in, uint16_t out, struct frame want, bool encapsulated)
{
	for (unsigned i = 0; i < RTE_DIM(bursts); i++) {
		bed_receive(bed, port, &in, bursts[i]);
		expect_sent(out, want, encapsulated, bursts[i]);
	}
}

static void expect_pair_counter(uint32_t pair, uint64_t up, uint64_t down)
{
	struct object_counter counter;

	door_pair_counter(bed->door, pair, COUNTER_UP, &counter);
	assert_int_equal(counter.packets, up);
	assert_int_equal(counter.bytes, up * 70);
	door_pair_counter(bed->door, pair, COUNTER_DOWN, &counter);
	assert_int_equal(counter.packets, down);
	assert_int_equal(counter.bytes, down * 70);
}

static uint64_t node_packets(uint32_t node, enum counter_direction direction)
{
	struct object_counter counter;

	door_node_counter(bed->door, node, direction, &counter);
	return counter.packets;
}

static uint64_t id_of(const char *text)
{
	struct in6_addr address;

	assert_int_equal(inet_pton(AF_INET6, text, &address), 1);
	return endpoint_id_ipv6(address.s6_addr);
}

static void change_pair(enum fwd_op op, uint8_t flags, const char *from, const char *to, uint32_t tunnel)
{
	struct fwd_pair pair = {.source = id_of(from), .destination = id_of(to)};

	pair.forward = (struct forward){.action = FORWARD_TUNNEL, .flags = flags, .tunnel = tunnel, .link = LINK_NONE};
	pair.check.from.link = 0;
	memcpy(pair.check.from.mac, MN1_MAC, 6);
	bed_pair(bed, op, &pair, PAIR_DIRECT);
}

/* ---- to the peer ---- */

/* RO-001, RO-089: as into the tunnel to the anchor */
static void packets_of_a_pair_go_straight_to_the_peer(void **state)
{
	expect_way(ACCESS, from_node(MN1_MAC, MN1, MN6, 64), CORE, into(PEER, MN1, MN6, 63), true);
	expect_pair_counter(PAIR_DIRECT, 128, 0);
	assert_int_equal(node_packets(1, COUNTER_UP), 128);
}

static void other_packets_of_the_node_go_to_the_anchor(void **state)
{
	expect_way(ACCESS, from_node(MN1_MAC, MN1, SERVER, 64), CORE, into(LMA, MN1, SERVER, 63), true);
	expect_pair_counter(PAIR_DIRECT, 0, 0);
}

static void packets_of_pairs_and_others_mix_in_a_burst(void **state)
{
	const struct frame direct = from_node(MN1_MAC, MN1, MN6, 64), other = from_node(MN1_MAC, MN1, SERVER, 64);
	unsigned direct_count = 0, other_count = 0;
	struct frame got;

	for (unsigned i = 0; i < 63; i++)
		assert_int_equal(rte_ring_enqueue(bed->receive[ACCESS], bed_mbuf(i % 3 != 0 ? &direct : &other)), 0);
	bed->put += 63;
	bed_turn(bed);
	while (bed_sent(bed, CORE, &got)) {
		bool is_direct = got.bytes[14 + 39] == 7;

		assert_memory_equal(got.bytes + 14 + 40 + 8, (is_direct ? direct : other).bytes + 14 + 8, 32);
		direct_count += is_direct;
		other_count += !is_direct;
	}
	assert_int_equal(direct_count, 42);
	assert_int_equal(other_count, 21);
	bed_check_conservation(bed);
}

/* In the vector of uplink packets move up for those that did not come there, or came by the long way. */
static void packets_of_pairs_stay_theirs_among_unusual_ones(void **state)
{
	const struct frame direct = from_node(MN1_MAC, MN1, MN6, 64), other = from_node(MN1_MAC, MN1, SERVER, 64);
	struct frame foreign = direct, to_port = direct, got;
	const struct frame *kinds[] = {&foreign, &direct, &to_port, &other, &direct};
	unsigned direct_count = 0, other_count = 0;

	memcpy(foreign.bytes, "\2\0\0\0\0\x66", 6);
	memcpy(to_port.bytes, MAC(ACCESS), 6);
	for (unsigned i = 0; i < 64; i++)
		assert_int_equal(rte_ring_enqueue(bed->receive[ACCESS], bed_mbuf(kinds[i % 5])), 0);
	bed->put += 64;
	bed_turn(bed);
	while (bed_sent(bed, CORE, &got)) {
		direct_count += got.bytes[14 + 39] == 7;
		other_count += got.bytes[14 + 39] != 7;
	}
	assert_int_equal(direct_count, 38);
	assert_int_equal(other_count, 13);
	assert_int_equal(bed_drops(bed, DROP_foreign_mac), 13);
	bed_check_conservation(bed);
}

static void path_follows_the_entry(void **state)
{
	const struct frame in = from_node(MN1_MAC, MN1, MN6, 64);

	change_pair(FWD_OP_pair_replace, FORWARD_PAIR_TX, MN1, MN6, 8);
	expect_way(ACCESS, in, CORE, into(FORMER, MN1, MN6, 63), true);
	change_pair(FWD_OP_pair_remove, FORWARD_PAIR_TX, MN1, MN6, INDEX_NONE);
	expect_way(ACCESS, in, CORE, into(LMA, MN1, MN6, 63), true);
}

/* RO-090: who is not the pair's MN does not get into the direct tunnel. */
static void other_sender_does_not_get_into_the_direct_tunnel(void **state)
{
	const struct frame spoofed = from_node(MN4_MAC, MN1, MN6, 64);
	uint64_t drops = 0;

	for (unsigned i = 0; i < RTE_DIM(bursts); i++) {
		bed_receive(bed, ACCESS, &spoofed, bursts[i]);
		drops = bed_drops(bed, DROP_uplink_mac_mismatch) - drops;
		assert_int_equal(drops, bursts[i]);
		bed_check_conservation(bed);
		drops = bed_drops(bed, DROP_uplink_mac_mismatch);
	}
	expect_pair_counter(PAIR_DIRECT, 0, 0);
}

/* The MN is on another link than its pair knows yet: its endpoint decides, and nothing is lost. */
static void node_that_moved_within_the_gateway_uses_the_anchor_until_its_pair_follows(void **state)
{
	struct fwd_update update = {.op = FWD_OP_endpoint_replace};

	update.body.endpoint.id = id_of(MN1);
	update.body.endpoint.forward =
		(struct forward){.action = FORWARD_LOCAL, .link = 0, .tunnel = 1, .node = 1, .mac = {2, 0, 0, 0, 1, 4}};
	bed_apply(bed, &update);
	expect_way(ACCESS, from_node(MN4_MAC, MN1, MN6, 64), CORE, into(LMA, MN1, MN6, 63), true);
}

static void pair_of_two_nodes_here_is_delivered_here(void **state)
{
	expect_way(ACCESS, from_node(MN1_MAC, MN1, MN2, 64), TAGGED, to_node(MN2_MAC, 200, MN1, MN2, 63), false);
	expect_pair_counter(PAIR_HERE, 128, 0);
	assert_int_equal(node_packets(1, COUNTER_UP), 128);
	assert_int_equal(node_packets(2, COUNTER_DOWN), 128);
}

/* Its next hop does not answer any more: the packets find another way before anybody has thought about the pair. */
static void packets_of_a_direct_tunnel_without_a_next_hop_go_to_the_anchor(void **state)
{
	struct fwd_update update = {.op = FWD_OP_tunnel_replace, .index = 7};
	const struct frame in = from_node(MN1_MAC, MN1, MN6, 64);

	update.body.tunnel = (struct fwd_tunnel){
		.mtu_bytes = BED_TUNNEL_MTU, .hop_limit = 64, .descriptor = INDEX_NONE, .use = TUNNEL_TO_PEER_MAG};
	inet_pton(AF_INET6, MAG, &update.body.tunnel.local);
	inet_pton(AF_INET6, PEER, &update.body.tunnel.remote);
	bed_apply(bed, &update);
	expect_way(ACCESS, in, CORE, into(LMA, MN1, MN6, 63), true);
	update.op = FWD_OP_endpoint_replace; /* and the anchor is not to be reached either */
	update.body.endpoint.id = id_of(MN1);
	update.body.endpoint.forward =
		(struct forward){.action = FORWARD_LOCAL, .link = 0, .tunnel = 3, .node = 1, .mac = {2, 0, 0, 0, 1, 1}};
	bed_apply(bed, &update);
	bed_reset(bed);
	bed_receive(bed, ACCESS, &in, 63);
	assert_int_equal(bed_drops(bed, DROP_tunnel_unresolved), 63);
	bed_check_conservation(bed);
}

static void hop_limit_ends_before_the_direct_tunnel(void **state)
{
	const struct frame in = from_node(MN1_MAC, MN1, MN6, 1);
	struct packet_meta meta;
	struct frame got;

	bed_receive(bed, ACCESS, &in, 1);
	assert_true(bed_punted(bed, &got, &meta));
	assert_int_equal(meta.reason, PUNT_hop_limit_error);
	bed_check_conservation(bed);
}

/* ---- from the peer ---- */

static void packets_of_the_peer_are_delivered(void **state)
{
	expect_way(CORE, out_of(PEER, MN6, MN1), ACCESS, to_node(MN1_MAC, 0, MN6, MN1, 63), false);
	expect_pair_counter(PAIR_DIRECT, 0, 128);
	assert_int_equal(node_packets(1, COUNTER_DOWN), 128);
}

static void packets_of_the_former_peer_are_delivered_while_it_lingers(void **state)
{
	expect_way(CORE, out_of(FORMER, MN6, MN1), ACCESS, to_node(MN1_MAC, 0, MN6, MN1, 63), false);
}

static void packets_for_who_has_left_return_to_its_anchor(void **state)
{
	expect_way(CORE, out_of(PEER, MN6, MN7), CORE, into(LMA, MN6, MN7, 63), true);
	expect_pair_counter(PAIR_LEFT, 0, 128);
}

static void packets_of_the_anchor_never_return_to_it(void **state)
{
	const struct frame in = out_of(LMA, MN6, MN7);

	for (unsigned i = 0; i < RTE_DIM(bursts); i++) {
		bed_reset(bed);
		bed_receive(bed, CORE, &in, bursts[i]);
		assert_int_equal(bed_drops(bed, DROP_downlink_no_endpoint), bursts[i]);
		bed_check_conservation(bed);
	}
}

/* The anchor's packets for an MN of a pair go on as before: both paths are open. */
static void packets_of_the_anchor_are_delivered_beside(void **state)
{
	expect_way(CORE, out_of(LMA, MN6, MN1), ACCESS, to_node(MN1_MAC, 0, MN6, MN1, 63), false);
}

/* Of a burst one goes to the control core, the others are dropped; the packet is the inner one. */
static void expect_refused(struct frame in, enum drop_reason reason, uint32_t tunnel)
{
	for (unsigned i = 0; i < RTE_DIM(bursts); i++) {
		struct packet_meta meta;
		struct frame got;

		bed_reset(bed);
		bed_receive(bed, CORE, &in, bursts[i]);
		assert_true(bed_punted(bed, &got, &meta));
		assert_int_equal(meta.reason, PUNT_pair_error);
		assert_int_equal(meta.tunnel, tunnel);
		assert_int_equal(meta.l3, 0);
		assert_memory_equal(got.bytes, in.bytes + 14 + 40, 40);
		assert_false(bed_punted(bed, &got, &meta));
		assert_int_equal(bed_drops(bed, reason), bursts[i] - 1);
		bed_check_conservation(bed);
	}
}

static void peer_is_told_that_there_is_no_pair(void **state)
{
	expect_refused(out_of(PEER, MN6, MN2), DROP_pair_unknown, 7);
	expect_refused(out_of(PEER, NOBODY, MN1), DROP_pair_unknown, 7);
	expect_refused(out_of(PEER, MN6, SERVER), DROP_pair_unknown, 7);
	expect_refused(out_of(PEER, MN1, MN6), DROP_pair_unknown, 7); /* TX is not RX */
	change_pair(FWD_OP_pair_remove, FORWARD_PAIR_RX, MN6, MN1, INDEX_NONE);
	expect_refused(out_of(PEER, MN6, MN1), DROP_pair_unknown, 7);
}

static void peer_is_told_that_it_is_not_the_one_of_the_pair(void **state)
{
	expect_refused(out_of(FORMER, MN6, MN7), DROP_pair_tunnel_mismatch, 8);
}

/* After a restart, say: it is not known from which tunnel, so the whole packet goes to the control core. */
static void peer_without_any_pair_is_told_too(void **state)
{
	struct bed *fresh = scenario_mag(1);
	struct frame in = out_of(PEER, MN6, MN1), got, cut = in, strange = out_of(STRANGER, MN6, MN1);
	struct packet_meta meta;

	for (unsigned i = 0; i < RTE_DIM(bursts); i++) {
		bed_reset(fresh);
		bed_receive(fresh, CORE, &in, bursts[i]);
		assert_true(bed_punted(fresh, &got, &meta));
		assert_int_equal(meta.reason, PUNT_pair_error);
		assert_int_equal(meta.tunnel, INDEX_NONE);
		assert_int_equal(meta.l3, 0);
		assert_int_equal(got.length, in.length - 14);
		assert_memory_equal(got.bytes, in.bytes + 14, got.length);
		assert_false(bed_punted(fresh, &got, &meta));
		assert_int_equal(bed_drops(fresh, DROP_tunnel_unknown), bursts[i] - 1);
		bed_check_conservation(fresh);
	}
	bed_reset(fresh);
	cut.length = 14 + 40 + 39;
	frame_set16(&cut, 14 + 4, 39);
	bed_receive(fresh, CORE, &cut, 1);
	bed_receive(fresh, CORE, &strange, 1);
	assert_false(bed_punted(fresh, &got, &meta));
	assert_int_equal(bed_drops(fresh, DROP_tunnel_unknown), 2);
	bed_check_conservation(fresh);
	bed_destroy(fresh);
}

static void peer_is_told_once_in_a_while_for_each_pair(void **state)
{
	const struct frame frames[] = {out_of(PEER, MN6, MN2), out_of(PEER, NOBODY, MN2), out_of(FORMER, MN6, MN2)};
	uint64_t while_ticks = bed->workers[0]->limits.pair_error_interval;
	struct packet_meta meta;
	struct frame got;

	for (unsigned round = 0; round < 2; round++)
		for (unsigned i = 0; i < RTE_DIM(frames); i++)
			bed_receive(bed, CORE, &frames[i], 2);
	for (unsigned i = 0; i < RTE_DIM(frames); i++)
		assert_true(bed_punted(bed, &got, &meta));
	assert_false(bed_punted(bed, &got, &meta));
	assert_int_equal(bed_drops(bed, DROP_pair_unknown), 9);
	for (unsigned i = 0; i < PAIR_BUCKETS; i++) /* time goes by */
		if (bed->workers[0]->pair_buckets[i].full_at != 0)
			bed->workers[0]->pair_buckets[i].full_at -= while_ticks;
	bed_receive(bed, CORE, &frames[0], 2);
	assert_true(bed_punted(bed, &got, &meta));
	assert_false(bed_punted(bed, &got, &meta));
	bed_check_conservation(bed);
}

/* Of 300 pairs, each with its own limit, the peer is told of as many as the limit of peers allows. */
static void peer_is_told_of_a_bounded_number_of_pairs(void **state)
{
	unsigned told = 0;
	struct packet_meta meta;
	struct frame got;

	bed->workers[0]->limits.peer_error_interval = UINT64_MAX / (2 * PEER_ERROR_BURST);
	for (unsigned i = 0; i < 300; i++) {
		struct frame in = out_of(PEER, MN6, MN2);

		in.bytes[14 + 40 + 8 + 7] = (uint8_t)i;
		in.bytes[14 + 40 + 8 + 6] = (uint8_t)(i >> 8);
		bed_receive(bed, CORE, &in, 1);
	}
	while (bed_punted(bed, &got, &meta))
		told++;
	assert_int_equal(told, PEER_ERROR_BURST);
	bed_check_conservation(bed);
}

static void error_of_the_peer_reaches_the_node_that_it_is_for(void **state)
{
	struct frame in, out;
	uint16_t ip;

	frame_init(&in);
	frame_ethernet(&in, MAC(CORE), ROUTER, 0);
	scenario_outer(&in, PEER, MAG, 0);
	ip = frame_ipv6(&in, &(struct frame_ipv6){PEER, MN1, IPPROTO_ICMPV6, 64, 0, 0});
	frame_bytes(&in, (const uint8_t[64]){2, 0, 0x12, 0x34, 0, 0, 5, 0}, 64);
	frame_close(&in, ip);
	frame_close(&in, in.l3);
	frame_init(&out);
	frame_ethernet(&out, MN1_MAC, FIXED, 0);
	ip = frame_ipv6(&out, &(struct frame_ipv6){PEER, MN1, IPPROTO_ICMPV6, 63, 0, 0});
	frame_bytes(&out, (const uint8_t[64]){2, 0, 0x12, 0x34, 0, 0, 5, 0}, 64);
	frame_close(&out, ip);
	expect_way(CORE, in, ACCESS, out, false);
}

/* ---- an LMA after a handover: MN2 came to MAG2, where its tunnel is 2, from MAG with tunnel 1 ---- */

static struct bed *anchor_after_handover(void)
{
	struct bed *anchor = scenario_lma(1);
	struct fwd_update update = {.op = FWD_OP_endpoint_replace};

	update.body.endpoint.id = id_of(MN2);
	update.body.endpoint.forward = (struct forward){.action = FORWARD_TUNNEL,
		.flags = FORWARD_FORMER,
		.link = LINK_NONE,
		.tunnel = 2,
		.node = 2,
		.former = 1};
	bed_apply(anchor, &update);
	return anchor;
}

static void return_of(struct bed *anchor, enum fwd_op op, const char *from, const char *to, uint32_t tunnel)
{
	struct fwd_pair pair = {.source = id_of(from),
		.destination = id_of(to),
		.forward = {.action = FORWARD_LOCAL,
			.flags = FORWARD_PAIR_RX,
			.link = LINK_NONE,
			.tunnel = INDEX_NONE,
			.node = INDEX_NONE},
		.check = {.tunnel = tunnel, .former = INDEX_NONE}};

	bed_pair(anchor, op, &pair, 3);
}

static void expect_passed(struct bed *anchor, struct frame in, unsigned n, uint16_t out)
{
	struct frame got;

	bed_reset(anchor);
	bed_receive(anchor, CORE, &in, n);
	for (unsigned i = 0; i < n; i++) {
		assert_true(bed_sent(anchor, out, &got));
		assert_memory_equal(
			got.bytes + got.length - 62, in.bytes + in.length - 62, 62); /* addresses, payload */
	}
	assert_false(bed_sent(anchor, out, &got));
	bed_check_conservation(anchor);
}

static void expect_source_dropped(struct bed *anchor, struct frame in, unsigned n)
{
	bed_reset(anchor);
	bed_receive(anchor, CORE, &in, n);
	assert_int_equal(bed_drops(anchor, DROP_anchor_source), n);
	bed_check_conservation(anchor);
}

/* G.6.2: the inner source is in the HNP of the binding that was at that MAG. */
static void anchor_takes_packets_of_who_moved_from_the_former_mag(void **state)
{
	struct bed *anchor = anchor_after_handover();
	struct door_event event;

	for (unsigned i = 0; i < RTE_DIM(bursts); i++)
		expect_passed(anchor, in_tunnel(true, LMA, MAG, MN2, SERVER, 64), bursts[i], OUTSIDE);
	expect_passed(anchor, in_tunnel(true, LMA, MAG2, MN2, SERVER, 64), 63, OUTSIDE);
	while (door_event_poll(anchor->door, &event, 1) == 1)
		assert_int_equal(event.type, EVENT_wrong_tunnel); /* it may be back unnoticed: still told */
	expect_source_dropped(anchor, in_tunnel(true, LMA, MAG2, MN1, SERVER, 64), 63); /* never was there */
	bed_destroy(anchor);
}

/* Blocked means blocked, whichever way they come. */
static void anchor_takes_nothing_from_the_former_mag_for_a_blocked_binding(void **state)
{
	struct bed *anchor = anchor_after_handover();
	struct fwd_update update = {.op = FWD_OP_endpoint_replace};
	const struct frame in = in_tunnel(true, LMA, MAG, MN2, SERVER, 64);

	update.body.endpoint.id = id_of(MN2);
	update.body.endpoint.forward = (struct forward){.action = FORWARD_TUNNEL,
		.flags = FORWARD_FORMER | FORWARD_BLOCKED,
		.link = LINK_NONE,
		.tunnel = 2,
		.node = 2,
		.former = 1};
	bed_apply(anchor, &update);
	bed_receive(anchor, CORE, &in, 63);
	assert_int_equal(bed_drops(anchor, DROP_anchor_blocked), 63);
	bed_check_conservation(anchor);
	bed_destroy(anchor);
}

/*
 * G.6.2: the inner destination is in the HNP of who left, the source is its peer of a pair: a binding here, or one of
 * another LMA. Nobody else's packets, and only from that MAG.
 */
static void anchor_takes_what_the_former_mag_returns_of_a_pair(void **state)
{
	static const char *const peers[] = {MN1, MN6};
	struct bed *anchor = anchor_after_handover();
	struct door_event event;

	for (unsigned p = 0; p < RTE_DIM(peers); p++) {
		struct frame of_former = in_tunnel(true, LMA, MAG2, peers[p], MN4, 64);
		struct frame returned = in_tunnel(true, LMA, MAG, peers[p], MN2, 64);

		if (p == 0) { /* MN1's own tunnel is 1: it comes back from MAG2, for MN4 who left there */
			struct fwd_update update = {.op = FWD_OP_endpoint_replace};

			update.body.endpoint.id = id_of(MN4);
			update.body.endpoint.forward =
				(struct forward){.action = FORWARD_TUNNEL, .link = LINK_NONE, .tunnel = 1, .node = 4};
			bed_apply(anchor, &update);
			expect_source_dropped(anchor, of_former, 63);
			return_of(anchor, FWD_OP_pair_insert, peers[p], MN4, 2);
			while (door_event_poll(anchor->door, &event, 1) == 1)
				continue;
			for (unsigned i = 0; i < RTE_DIM(bursts); i++)
				expect_passed(anchor, of_former, bursts[i], CORE);
			assert_int_equal(door_event_poll(anchor->door, &event, 1), 0); /* MN1 is where it is */
			expect_source_dropped(anchor, in_tunnel(true, LMA, MAG2, peers[p], SERVER, 64), 63);
			return_of(anchor, FWD_OP_pair_remove, peers[p], MN4, 2);
			expect_source_dropped(anchor, of_former, 63);
			continue;
		}
		expect_source_dropped(anchor, returned, 63);
		return_of(anchor, FWD_OP_pair_insert, peers[p], MN2, 1);
		for (unsigned i = 0; i < RTE_DIM(bursts); i++)
			expect_passed(anchor, returned, bursts[i], CORE);
		expect_source_dropped(anchor, in_tunnel(true, LMA, MAG2, peers[p], MN2, 64), 63);
		expect_source_dropped(anchor, in_tunnel(true, LMA, MAG, NOBODY, MN2, 64), 63);
		return_of(anchor, FWD_OP_pair_remove, peers[p], MN2, 1);
		expect_source_dropped(anchor, returned, 63);
	}
	bed_destroy(anchor);
}

/* ---- detection ---- */

/* @prefix: where the other end of a pair may be; every packet is looked at. */
static void watch(struct bed *watched, uint32_t packets, const char *prefix, uint8_t length)
{
	struct pair_thresholds thresholds = {.sample = 1, .packets = packets, .window = rte_get_tsc_hz() * 3600};
	struct gateway *gateway = &watched->gateway;

	gateway->pair_told = memory_libc.alloc(&memory_libc, sizeof(*gateway->pair_told), 64);
	gateway->pair_prefixes = memory_libc.alloc(&memory_libc, sizeof(*gateway->pair_prefixes), 8);
	assert_non_null(gateway->pair_told);
	assert_non_null(gateway->pair_prefixes);
	memset(gateway->pair_told, 0, sizeof(*gateway->pair_told));
	assert_int_equal(inet_pton(AF_INET6, prefix, &gateway->pair_prefixes[0].prefix), 1);
	gateway->pair_prefixes[0].length = length;
	gateway->pair_prefix_count = 1;
	watched->workers[0]->sketch = rte_zmalloc("sketch", sizeof(struct pair_sketch), 64);
	assert_non_null(watched->workers[0]->sketch);
	pair_sketch_init(watched->workers[0]->sketch, &thresholds, gateway->pair_told);
}

static void expect_unseen(struct bed *watched)
{
	struct door_event event;

	assert_int_equal(door_event_poll(watched->door, &event, 1), 0);
}

static void expect_seen(struct bed *watched, const char *from, const char *to, uint32_t packets)
{
	struct door_event event;

	assert_int_equal(door_event_poll(watched->door, &event, 1), 1);
	assert_int_equal(event.type, EVENT_pair_seen);
	assert_int_equal(event.endpoint, id_of(from));
	assert_int_equal(event.endpoint_to, id_of(to));
	assert_int_equal(event.value, packets);
	assert_int_equal(event.bytes, packets * 70);
	assert_int_equal(door_event_poll(watched->door, &event, 1), 0);
	bed_check_conservation(watched);
}

/* RO-017 */
static void gateway_tells_of_a_pair_that_uses_the_anchor(void **state)
{
	const struct frame in = from_node(MN1_MAC, MN1, SERVER, 64), direct = from_node(MN1_MAC, MN1, MN6, 64),
			   spoofed = from_node(MN4_MAC, MN1, SERVER, 64);

	watch(bed, 100, "::", 0);
	bed_receive(bed, ACCESS, &in, 63);
	bed_receive(bed, ACCESS, &spoofed, 64);
	bed_receive(bed, ACCESS, &direct, 64);
	bed_receive(bed, ACCESS, &direct, 64);
	expect_unseen(bed);
	bed_receive(bed, ACCESS, &in, 64);
	expect_seen(bed, MN1, SERVER, 100);
	bed_receive(bed, ACCESS, &in, 64); /* once in a window */
	expect_unseen(bed);
}

static void gateway_tells_of_both_directions(void **state)
{
	const struct frame in = from_node(MN1_MAC, MN1, NOBODY, 64), back = out_of(LMA, NOBODY, MN1),
			   other = out_of(LMA, SERVER, MN1), direct = out_of(PEER, MN6, MN1);

	watch(bed, 64, "2001:db8:aa::", 48);
	bed_receive(bed, CORE, &other, 64); /* not where nodes are */
	bed_receive(bed, CORE, &other, 64);
	bed_receive(bed, CORE, &direct, 64);
	bed_receive(bed, CORE, &direct, 64);
	bed_receive(bed, ACCESS, &in, 1);
	bed_receive(bed, CORE, &back, 63);
	expect_unseen(bed);
	bed_receive(bed, CORE, &back, 1);
	expect_seen(bed, NOBODY, MN1, 64);
	bed_receive(bed, ACCESS, &in, 1); /* the way back */
	expect_seen(bed, MN1, NOBODY, 2);
}

/* Two nodes here by way of the LMA: each packet passes twice and counts once. */
static void gateway_counts_packets_between_its_nodes_once(void **state)
{
	const struct frame up = from_node(MN1_MAC, MN1, MN5, 64), down = out_of(LMA, MN5, MN1);

	watch(bed, 64, "::", 0);
	bed_receive(bed, CORE, &down, 64);
	bed_receive(bed, CORE, &down, 64);
	bed_receive(bed, ACCESS, &up, 63);
	expect_unseen(bed);
	bed_receive(bed, ACCESS, &up, 1);
	expect_seen(bed, MN1, MN5, 64);
}

/* RO-015 */
static void anchor_tells_of_a_pair_of_its_bindings(void **state)
{
	struct bed *anchor = scenario_lma(1);
	struct frame pair = in_tunnel(true, LMA, MAG, MN1, MN2, 64), out = in_tunnel(true, LMA, MAG, MN1, SERVER, 64);

	watch(anchor, 64, ELSEWHERE, 128);
	bed_receive(anchor, CORE, &out, 64);
	bed_receive(anchor, CORE, &out, 64);
	bed_receive(anchor, CORE, &pair, 63);
	expect_unseen(anchor);
	bed_receive(anchor, CORE, &pair, 1);
	expect_seen(anchor, MN1, MN2, 64);
	bed_destroy(anchor);
}

/* RO-016: the other end is in a prefix of a peer LMA; both directions pass here. */
static void anchor_tells_of_a_pair_with_a_peer_anchor(void **state)
{
	struct bed *anchor = scenario_lma(1);
	struct frame leaves = in_tunnel(true, LMA, MAG, MN1, SERVER, 64), comes, stranger;

	for (unsigned i = 0; i < 2; i++) {
		struct frame *frame = i == 0 ? &comes : &stranger;

		frame_init(frame);
		frame_ethernet(frame, MAC(OUTSIDE), NEXT_HOP, 0);
		scenario_udp(frame, i == 0 ? SERVER : ELSEWHERE, MN1, 64, 0);
	}
	watch(anchor, 64, "2001:db8:5::", 48);
	bed_receive(anchor, OUTSIDE, &stranger, 64);
	bed_receive(anchor, OUTSIDE, &stranger, 64);
	bed_receive(anchor, CORE, &leaves, 63);
	bed_receive(anchor, OUTSIDE, &comes, 63);
	expect_unseen(anchor);
	bed_receive(anchor, CORE, &leaves, 1);
	expect_seen(anchor, MN1, SERVER, 64);
	bed_receive(anchor, OUTSIDE, &comes, 1);
	expect_seen(anchor, SERVER, MN1, 64);
	bed_destroy(anchor);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define PAIR_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		PAIR_TEST(packets_of_a_pair_go_straight_to_the_peer),
		PAIR_TEST(other_packets_of_the_node_go_to_the_anchor),
		PAIR_TEST(packets_of_pairs_and_others_mix_in_a_burst),
		PAIR_TEST(packets_of_pairs_stay_theirs_among_unusual_ones),
		PAIR_TEST(path_follows_the_entry),
		PAIR_TEST(other_sender_does_not_get_into_the_direct_tunnel),
		PAIR_TEST(node_that_moved_within_the_gateway_uses_the_anchor_until_its_pair_follows),
		PAIR_TEST(pair_of_two_nodes_here_is_delivered_here),
		PAIR_TEST(packets_of_a_direct_tunnel_without_a_next_hop_go_to_the_anchor),
		PAIR_TEST(hop_limit_ends_before_the_direct_tunnel),
		PAIR_TEST(packets_of_the_peer_are_delivered),
		PAIR_TEST(packets_of_the_former_peer_are_delivered_while_it_lingers),
		PAIR_TEST(packets_for_who_has_left_return_to_its_anchor),
		PAIR_TEST(packets_of_the_anchor_never_return_to_it),
		PAIR_TEST(packets_of_the_anchor_are_delivered_beside),
		PAIR_TEST(peer_is_told_that_there_is_no_pair),
		PAIR_TEST(peer_is_told_that_it_is_not_the_one_of_the_pair),
		PAIR_TEST(peer_without_any_pair_is_told_too),
		PAIR_TEST(peer_is_told_once_in_a_while_for_each_pair),
		PAIR_TEST(peer_is_told_of_a_bounded_number_of_pairs),
		PAIR_TEST(error_of_the_peer_reaches_the_node_that_it_is_for),
		PAIR_TEST(anchor_takes_packets_of_who_moved_from_the_former_mag),
		PAIR_TEST(anchor_takes_nothing_from_the_former_mag_for_a_blocked_binding),
		PAIR_TEST(anchor_takes_what_the_former_mag_returns_of_a_pair),
		PAIR_TEST(gateway_tells_of_a_pair_that_uses_the_anchor),
		PAIR_TEST(gateway_tells_of_both_directions),
		PAIR_TEST(gateway_counts_packets_between_its_nodes_once),
		PAIR_TEST(anchor_tells_of_a_pair_of_its_bindings),
		PAIR_TEST(anchor_tells_of_a_pair_with_a_peer_anchor),
#undef PAIR_TEST
	};
	int failed;

	bed_eal_start();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	bed_eal_stop();
	return failed;
}
