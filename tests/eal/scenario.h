/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "bed.h"

/*
 * Who is there in the tests of the stages. Prefixes 2001:db8:aa:N::/64 are in the LMA's pool.
 *
 * MAG: MN1 on link 0, MN2 on link 2 (VLAN 200), both by tunnel 1; MN4 by tunnel 3, which is unresolved; MN5's entry
 * says drop. A pending, a refused and a known host without an endpoint on link 0.
 * LMA: MN1 behind MAG (tunnel 1), MN2 behind MAG2 (tunnel 2, DSCP 10), MN3 waits for its deletion, MN4 by the
 * unresolved tunnel 3, MN5's entry says drop. SERVER behind next hop 1, LOST behind next hop 2, which is unresolved,
 * and on-link neighbours of port 1 in 2001:db8:7::/64.
 */
#define MN1_MAC     ((const uint8_t[]){2, 0, 0, 0, 1, 1})
#define MN2_MAC     ((const uint8_t[]){2, 0, 0, 0, 1, 2})
#define MN4_MAC     ((const uint8_t[]){2, 0, 0, 0, 1, 4})
#define MN5_MAC     ((const uint8_t[]){2, 0, 0, 0, 1, 5})
#define PENDING_MAC ((const uint8_t[]){2, 0, 0, 0, 1, 0xa})
#define REFUSED_MAC ((const uint8_t[]){2, 0, 0, 0, 1, 0xb})
#define UNKNOWN_MAC ((const uint8_t[]){2, 0, 0, 0, 1, 0xc})
#define FIXED       ((const uint8_t[]){0, 0, 0x5e, 0, 0x52, 0x13})
#define ROUTER      ((const uint8_t[]){2, 0, 0, 0, 0, 1})
#define NEXT_HOP    ((const uint8_t[]){2, 0, 0, 0, 0, 2})
#define MULTICAST   ((const uint8_t[]){0x33, 0x33, 0, 0, 0, 1})
#define MAC(n)      ((const uint8_t[]){2, 0, 0, 0, 0, 0x10 + (n)})

#define MN1       "2001:db8:aa:1::10"
#define MN2       "2001:db8:aa:2::20"
#define MN3       "2001:db8:aa:3::30"
#define MN4       "2001:db8:aa:4::40"
#define MN5       "2001:db8:aa:5::50"
#define NOBODY    "2001:db8:aa:9::90"
#define SERVER    "2001:db8:5::5"
#define LOST      "2001:db8:6::6"
#define NEAR      "2001:db8:7::7"
#define ELSEWHERE "2001:db8:ffff::1"
#define LMA       "2001:db8:1::1"
#define MAG       "2001:db8:1::2"
#define MAG2      "2001:db8:1::3"
#define STRANGER  "2001:db8:1::66"

#define GATEWAY_LINK_LOCAL "fe80::200:5eff:fe00:5213"
#define MN1_LINK_LOCAL     "fe80::ff:fe00:101"

/*
 * Pairs of the MAG, by scenario_pairs(): PEER and FORMER are other MAGs, behind the direct tunnels 7 and 8.
 * MN1 and MN6 (at PEER, before at FORMER) both ways; MN1 and MN2, both here; from MN6 to MN7, who has left.
 */
#define MN6    "2001:db8:aa:6::60"
#define MN7    "2001:db8:aa:7::70"
#define PEER   "2001:db8:1::7"
#define FORMER "2001:db8:1::8"

/* Slots of the pairs' counters. */
#define PAIR_DIRECT 20
#define PAIR_HERE   21
#define PAIR_LEFT   22

void scenario_pairs(struct bed *bed);

/* The bed with all of them; @workers as bed_create(). */
struct bed *scenario_mag(unsigned workers);
struct bed *scenario_lma(unsigned workers);
struct bed *scenario_mag_with(const struct bed_options *options);
struct bed *scenario_lma_with(const struct bed_options *options);

/* 70 octets of UDP in IPv6, flow label 12345. */
void scenario_udp(struct frame *frame, const char *from, const char *to, uint8_t hop_limit, uint8_t traffic_class);
/* An outer header; closed by frame_close(frame, frame->l3). */
void scenario_outer(struct frame *frame, const char *from, const char *to, uint8_t traffic_class);
