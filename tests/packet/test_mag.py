# SPDX-License-Identifier: BSD-3-Clause
"""The access gateway's paths: from mobile nodes into the tunnel and back, and what an access link does not carry."""

import pytest
from scapy.layers.inet6 import (ICMPv6DestUnreach, ICMPv6EchoReply, ICMPv6EchoRequest, ICMPv6ND_NA, ICMPv6ND_NS,
                                ICMPv6PacketTooBig, ICMPv6ParamProblem, ICMPv6TimeExceeded, IPv6, IPv6ExtHdrDestOpt,
                                UDP)
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.packet import Raw

import mobility
from lab.lab import wait_until
from rigs import (FIXED_LINK_LOCAL, FIXED_MAC, LMA_MAC, LMAA, LMAA2, MAG1, SERVER, STRANGER, host, node_id, node_mac,
                  solicited_frame)
from test_lma import DECAPSULATED, ECN, assert_error, carries, flow_label, hop_taken, udp


def to_node(number, mag, packet):
    """The frame in which a mobile node gets a packet."""
    return Ether(src=FIXED_MAC, dst=node_mac(number)) / Dot1Q(vlan=mag.vlan[number]) / packet


def test_uplink_goes_into_the_tunnel_to_the_lma(mag, drops):
    inner = udp(host(mag.prefix[1]), SERVER, b"mag-up", tc=0x28 | ECN["ect0"], hlim=64)
    before = drops(mag.gateway)
    mag.access.send(mag.from_node(1, inner))
    frame = mag.core.expect(carries(b"mag-up"))
    assert frame == bytes(Ether(src=mag.core.mac, dst=LMA_MAC) /
                          IPv6(src=MAG1, dst=LMAA, nh=41, hlim=55, tc=46 << 2 | 2, fl=flow_label(frame)) /
                          hop_taken(inner))
    before.become()


@pytest.mark.parametrize("number", [1, 2, 3])
def test_downlink_goes_to_the_node_on_its_link(mag, drops, number):
    inner = udp(SERVER, host(mag.prefix[number]), b"mag-down", hlim=10)
    before = drops(mag.gateway)
    mag.core.send(mag.tunnelled(inner))
    assert mag.access.expect(carries(b"mag-down")) == bytes(to_node(number, mag, hop_taken(inner)))
    before.become()


def test_packet_to_a_node_of_the_same_mag_goes_by_the_lma(mag):
    inner = udp(host(mag.prefix[1]), host(mag.prefix[2]), b"by-the-lma")
    mag.access.send(mag.from_node(1, inner))
    assert mag.core.expect(carries(b"by-the-lma"))[54:] == bytes(hop_taken(inner))
    assert not mag.access.seen(carries(b"by-the-lma"))


def test_local_routing_of_both_nodes_keeps_their_packets_here(mag):
    inner = udp(host(mag.prefix[1]), host(mag.prefix[3]), b"stays-here", hlim=64)
    mag.access.send(mag.from_node(1, inner))
    assert mag.access.expect(carries(b"stays-here")) == bytes(to_node(3, mag, hop_taken(inner)))
    assert not mag.core.seen(carries(b"stays-here"))


@pytest.mark.parametrize("inner,outer,result", DECAPSULATED)
def test_ecn_of_both_headers_decides_what_the_node_gets(mag, drops, inner, outer, result):
    payload = f"mag-ecn-{inner}-{outer}-".encode()
    packet = udp(SERVER, host(mag.prefix[1]), payload, tc=ECN[inner])
    before = drops(mag.gateway)
    mag.core.send(mag.tunnelled(packet, tc=ECN[outer]))
    if result is None:
        before.become(tunnel_ecn=1)
    else:
        assert mag.access.expect(carries(payload))[18:] == bytes(hop_taken(packet, tc=ECN[result]))


def test_extension_headers_of_a_node_pass_untouched(mag):
    inner = (IPv6(src=host(mag.prefix[1]), dst=SERVER) / IPv6ExtHdrDestOpt() / UDP(sport=1, dport=2) /
             Raw(b"mag-extended"))
    mag.access.send(mag.from_node(1, inner))
    assert mag.core.expect(carries(b"mag-extended"))[54:] == bytes(hop_taken(inner))


def test_tunnel_encapsulation_limit_is_counted_down_in_the_outer_header(mag):
    inner = (IPv6(src=host(mag.prefix[1]), dst=SERVER, nh=60) / Raw(bytes([17, 0, 4, 1, 3, 1, 1, 0])) /
             UDP(sport=1, dport=2) / Raw(b"limited"))
    mag.access.send(mag.from_node(1, inner))
    frame = mag.core.expect(carries(b"limited"))
    assert Ether(frame)[IPv6].nh == 60
    assert frame[54:62] == bytes([41, 0, 4, 1, 2, 1, 1, 0])
    assert frame[62:] == bytes(hop_taken(inner))


# ---- anti-spoofing and other drops ----

def dropped(mag, drops, frame, **expected):
    before = drops(mag.gateway)
    mag.access.send(frame)
    before.become(**expected)


def test_source_outside_of_the_nodes_prefix_fails_the_ingress_policy(mag):
    inner = udp("2001:db8:9999::1", SERVER, b"foreign")
    mag.access.send(mag.from_node(1, inner))
    frame = mag.access.expect(lambda p: ICMPv6DestUnreach in p)
    assert frame[:18] == bytes(to_node(1, mag, inner))[:18]
    assert_error(frame[18:], ICMPv6DestUnreach, MAG1, inner, code=5)
    assert not mag.core.seen(carries(b"foreign"))


def test_source_of_another_node_is_dropped(mag, drops):
    dropped(mag, drops, mag.from_node(3, udp(host(mag.prefix[1]), SERVER, b"stolen")), uplink_mac_mismatch=1)
    assert not mag.core.seen(carries(b"stolen"))


def test_node_that_appears_on_another_link_is_found_there(mag):
    mag.attach(4)
    mag.vlan[4] = 20
    mag.attach(4)
    mag.core.send(mag.tunnelled(udp(SERVER, host(mag.given[4]), b"moved")))
    assert Ether(mag.access.expect(carries(b"moved")))[Dot1Q].vlan == 20


def test_vlan_without_an_access_link_is_dropped(mag, drops):
    dropped(mag, drops, mag.from_node(1, udp(host(mag.prefix[1]), SERVER), vlan=30), unknown_vlan=1)


def test_link_local_source_is_never_forwarded(mag, drops):
    dropped(mag, drops, mag.from_node(1, udp(mag.link_local(1), SERVER)), uplink_link_local=1)


def test_multicast_and_link_local_chatter_stays_on_the_link(mag, drops):
    frame = mag.from_node(1, udp(mag.link_local(1), "ff02::fb"), destination="33:33:00:00:00:fb")
    dropped(mag, drops, frame, link_protocol=1)


def test_duplicate_address_detection_of_a_node_is_neither_answered_nor_bridged(mag, drops):
    frame = solicited_frame(node_mac(1), "::", mag.link_local(1), option=False)
    dropped(mag, drops, Ether(src=frame.src, dst=frame.dst) / Dot1Q(vlan=10) / frame[IPv6], dad_probe=1)
    assert not mag.access.seen(lambda p: ICMPv6ND_NA in p or ICMPv6ND_NS in p)


def test_node_that_policy_does_not_know_is_refused(mag, drops):
    before = drops(mag.gateway)
    stranger = "02:00:00:00:99:99"

    def refused():
        mag.access.send(mag.from_node(1, udp("2001:db8:5555::1", SERVER), mac=stranger))
        return before.difference().get("link_refused")
    wait_until(refused, 5, "packets of the refused node are dropped by that name", 0.1)
    assert set(before.difference()) <= {"link_unknown", "link_refused"}
    assert not mag.core.seen(lambda p: mobility.is_mh(p, mobility.PBU))


def test_node_whose_registration_is_not_answered_is_pending(mag, drops):
    mag.silent.add(7)
    before = drops(mag.gateway)

    def pending():
        mag.access.send(mag.from_node(7, udp(host(mag.given[7]), SERVER)))
        return before.difference().get("link_pending")
    wait_until(pending, 5, "packets before the answer are dropped by that name", 0.1)
    request = mobility.Message(Ether(mag.core.expect(lambda p: mobility.is_mh(p, mobility.PBU))))
    assert request.mn_id == node_id(7)
    mag.silent.discard(7)


def test_signalling_of_a_mobile_node_is_dropped(mag, drops):
    packet = mobility.pbu(host(mag.prefix[1]), MAG1, "mn1@example.com")
    dropped(mag, drops, mag.from_node(1, packet), signalling_side=1)


def test_tunnel_of_a_stranger_is_dropped(mag, drops):
    before = drops(mag.gateway)
    mag.core.send(mag.tunnelled(udp(SERVER, host(mag.prefix[1]), b"strange"), source=STRANGER))
    before.become(tunnel_unknown=1)
    assert not mag.access.seen(carries(b"strange"))


def test_tunnel_of_another_lma_does_not_reach_the_node(mag, drops):
    before = drops(mag.gateway)
    mag.core.send(mag.tunnelled(udp(LMAA2, host(mag.prefix[1]), b"other-lma"), source=LMAA2))
    before.become(downlink_tunnel_mismatch=1)
    mag.core.send(mag.tunnelled(udp(LMAA2, host(mag.prefix[5]), b"own-lma"), source=LMAA2))
    mag.access.expect(carries(b"own-lma"))
    assert not mag.access.seen(carries(b"other-lma"))


def test_prefix_that_is_not_hosted_is_dropped(mag, drops):
    before = drops(mag.gateway)
    mag.core.send(mag.tunnelled(udp(SERVER, "2001:db8:f000:99::1")))
    before.become(downlink_no_endpoint=1)


def test_packet_for_a_node_without_a_tunnel_is_not_for_us(mag, drops):
    before = drops(mag.gateway)
    mag.core.send(Ether(src=LMA_MAC, dst=mag.core.mac) / udp(SERVER, host(mag.prefix[1])))
    before.become(not_for_us=1)


def test_arp_is_not_carried(mag, drops):
    frame = (Ether(src=node_mac(1), dst="ff:ff:ff:ff:ff:ff") / Dot1Q(vlan=10) /
             ARP(hwsrc=node_mac(1), psrc="10.0.0.1", pdst="10.0.0.2"))
    before = drops(mag.gateway)
    mag.access.send(frame)
    wait_until(lambda: sum(before.difference().values()) == 1, 5, "one drop")


# ---- errors to mobile nodes ----

def test_hop_limit_of_one_of_a_node_is_answered_on_its_link(mag, drops):
    before = drops(mag.gateway)
    inner = udp(host(mag.prefix[2]), SERVER, b"mag-last", hlim=1)
    mag.access.send(mag.from_node(2, inner))
    frame = mag.access.expect(lambda p: ICMPv6TimeExceeded in p)
    assert frame[:18] == bytes(to_node(2, mag, inner))[:18]
    assert_error(frame[18:], ICMPv6TimeExceeded, MAG1, inner, code=0)
    before.become()


def test_error_of_a_node_with_a_foreign_source_is_dropped(mag, drops):
    error = IPv6(src="2001:db8:9999::1", dst=SERVER) / ICMPv6DestUnreach(code=3) / Raw(b"about-something")
    dropped(mag, drops, mag.from_node(1, error), uplink_source=1)


def test_hop_limit_of_one_of_a_correspondent_is_answered_through_the_tunnel(mag):
    inner = udp(SERVER, host(mag.prefix[1]), b"last-down", hlim=1)
    mag.core.send(mag.tunnelled(inner))
    frame = mag.core.expect(lambda p: ICMPv6TimeExceeded in p)
    assert (Ether(frame)[IPv6].src, Ether(frame)[IPv6].dst, Ether(frame)[IPv6].nh) == (MAG1, LMAA, 41)
    assert_error(frame[54:], ICMPv6TimeExceeded, MAG1, inner, code=0)


def test_packet_larger_than_the_access_link_is_answered_through_the_tunnel_with_its_mtu(mag):
    inner = udp(SERVER, host(mag.prefix[1]), b"w" * (1401 - 48))
    mag.core.send(mag.tunnelled(inner))
    frame = mag.core.expect(lambda p: ICMPv6PacketTooBig in p)
    assert_error(frame[54:], ICMPv6PacketTooBig, MAG1, inner, mtu=1400)
    mag.core.send(mag.tunnelled(udp(SERVER, host(mag.prefix[1]), b"w" * (1400 - 48))))
    assert len(mag.access.expect(carries(b"w" * 1300))) == 18 + 1400


def test_tunnel_encapsulation_limit_of_zero_is_answered_with_a_pointer_to_it(mag, drops):
    def limited(upper):
        return IPv6(src=host(mag.prefix[1]), dst=SERVER, nh=60) / Raw(bytes([upper[0], 0, 4, 1, 0, 1, 1, 0]) + upper[1])
    inner = limited((17, bytes(UDP(sport=1, dport=2) / b"no-more")))
    mag.access.send(mag.from_node(1, inner))
    frame = mag.access.expect(lambda p: ICMPv6ParamProblem in p)
    assert_error(frame[18:], ICMPv6ParamProblem, MAG1, inner, code=0, ptr=44)
    dropped(mag, drops, mag.from_node(1, limited((58, bytes(ICMPv6DestUnreach(code=3)) + bytes(8)))), tunnel_limit=1)


def test_packet_of_a_node_larger_than_the_tunnel_is_answered_with_its_mtu(mag):
    inner = udp(host(mag.prefix[1]), SERVER, b"z" * (1461 - 48))
    mag.access.send(mag.from_node(1, inner))
    frame = mag.access.expect(lambda p: ICMPv6PacketTooBig in p)
    assert len(frame) == 18 + 1280
    assert frame[:18] == bytes(to_node(1, mag, inner))[:18]
    assert_error(frame[18:], ICMPv6PacketTooBig, MAG1, inner, mtu=1460)
    mag.access.send(mag.from_node(1, udp(host(mag.prefix[1]), SERVER, b"fits" + b"z" * (1460 - 52))))
    assert len(mag.core.expect(carries(b"fits"))) == 14 + 1500


def test_unreachable_from_inside_the_tunnel_reaches_the_node(mag):
    inner = udp(host(mag.prefix[1]), SERVER, b"black-hole")
    mag.access.send(mag.from_node(1, inner))
    sent = mag.core.expect(carries(b"black-hole"))[14:]
    mag.core.send(Ether(src="02:00:00:00:00:fe", dst=mag.core.mac) / IPv6(src="2001:db8:1::fe", dst=MAG1) /
                  ICMPv6DestUnreach(code=0) / Raw(sent))
    frame = mag.access.expect(lambda p: ICMPv6DestUnreach in p)
    assert frame[:18] == bytes(to_node(1, mag, inner))[:18]
    assert_error(frame[18:], ICMPv6DestUnreach, MAG1, hop_taken(inner), code=3)


def test_error_of_a_node_about_the_tunnel_does_not_count(mag):
    """A mobile node must not be able to slow others down."""
    inner = udp(host(mag.prefix[1]), SERVER, b"q" * 1300)
    around = IPv6(src=MAG1, dst=LMAA, nh=41) / inner
    mag.access.send(mag.from_node(1, IPv6(src=host(mag.prefix[1]), dst=MAG1) / ICMPv6PacketTooBig(mtu=1300) /
                                  Raw(bytes(around)[:1232])))
    mag.access.send(mag.from_node(1, udp(host(mag.prefix[1]), SERVER, b"still-whole" + b"q" * 1400)))
    mag.core.expect(carries(b"still-whole"))


# ---- neighbours and echo on the access link ----

def test_node_finds_the_fixed_address(mag):
    frame = solicited_frame(node_mac(1), mag.link_local(1), FIXED_LINK_LOCAL)
    mag.access.send(Ether(src=frame.src, dst=frame.dst) / Dot1Q(vlan=10) / frame[IPv6])
    answer = Ether(mag.access.expect(lambda p: ICMPv6ND_NA in p and p[ICMPv6ND_NA].tgt == FIXED_LINK_LOCAL))
    assert (answer.src, answer.dst, answer[Dot1Q].vlan) == (FIXED_MAC, node_mac(1), 10)
    assert (answer[IPv6].src, answer[IPv6].hlim, answer[ICMPv6ND_NA].S) == (FIXED_LINK_LOCAL, 255, 1)


def test_node_pings_the_fixed_address(mag):
    request = IPv6(src=mag.link_local(1), dst=FIXED_LINK_LOCAL) / ICMPv6EchoRequest(data=b"local")
    mag.access.send(mag.from_node(1, request))
    frame = mag.access.expect(lambda p: ICMPv6EchoReply in p)
    assert frame == bytes(to_node(1, mag, IPv6(src=FIXED_LINK_LOCAL, dst=mag.link_local(1), hlim=64) /
                                  ICMPv6EchoReply(data=b"local")))


def test_node_pings_the_mag(mag):
    mag.access.send(mag.from_node(1, IPv6(src=host(mag.prefix[1]), dst=MAG1) / ICMPv6EchoRequest(data=b"to-mag")))
    frame = mag.access.expect(lambda p: ICMPv6EchoReply in p)
    assert frame == bytes(to_node(1, mag, IPv6(src=MAG1, dst=host(mag.prefix[1]), hlim=64) /
                                  ICMPv6EchoReply(data=b"to-mag")))
