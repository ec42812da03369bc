# SPDX-License-Identifier: BSD-3-Clause
"""The anchor's paths: out of tunnels, into tunnels, from one mobile node to another, and what goes nowhere."""

import pytest
from scapy.layers.inet6 import (ICMPv6DestUnreach, ICMPv6EchoReply, ICMPv6EchoRequest, ICMPv6PacketTooBig,
                                ICMPv6ParamProblem, ICMPv6TimeExceeded, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment,
                                IPv6ExtHdrHopByHop, UDP)
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Raw

import mobility
from rigs import (LMAA, MAG1, MAG1_MAC, MAG2, MAG2_MAC, OUTSIDE, SERVER, SERVER_MAC, STRANGER, STRANGER_MAC, host)

ECN = {"not": 0, "ect1": 1, "ect0": 2, "ce": 3}


def udp(source, destination, payload=b"payload", **fields):
    return IPv6(src=source, dst=destination, **fields) / UDP(sport=4000, dport=4001) / Raw(payload)


def carries(payload):
    return lambda packet: payload in bytes(packet)


def downlink(lma, inner):
    lma.outside.send(Ether(src=SERVER_MAC, dst=lma.outside.mac) / inner)


def hop_taken(inner, **fields):
    """What is left of an inner packet after the gateway."""
    out = IPv6(bytes(inner))
    out.hlim -= 1
    for name, value in fields.items():
        setattr(out, name, value)
    return out


def flow_label(frame):
    return int.from_bytes(frame[15:18], "big") & 0xfffff


def test_uplink_leaves_decapsulated_with_its_hop_taken(lma, drops):
    inner = udp(host(lma.prefix[1]), SERVER, b"up-1", fl=0x12345, hlim=64)
    before = drops(lma.gateway)
    lma.core.send(lma.tunnelled(MAG1, inner))
    frame = lma.outside.expect(carries(b"up-1"))
    assert frame == bytes(Ether(src=lma.outside.mac, dst=SERVER_MAC) / hop_taken(inner))
    before.become()


def test_downlink_leaves_encapsulated_to_the_proxy_coa(lma, drops):
    inner = udp(SERVER, host(lma.prefix[1]), b"down-1", tc=0xb8, hlim=33)
    before = drops(lma.gateway)
    downlink(lma, inner)
    frame = lma.core.expect(carries(b"down-1"))
    assert frame == bytes(Ether(src=lma.core.mac, dst=MAG1_MAC) /
                          IPv6(src=LMAA, dst=MAG1, nh=41, hlim=64, tc=0xb8, fl=flow_label(frame)) / hop_taken(inner))
    before.become()


def test_hairpin_goes_from_one_tunnel_into_the_other(lma):
    inner = udp(host(lma.prefix[1]), host(lma.prefix[2]), b"hairpin", hlim=64)
    lma.core.send(lma.tunnelled(MAG1, inner))
    frame = lma.core.expect(carries(b"hairpin"))
    assert frame == bytes(Ether(src=lma.core.mac, dst=MAG2_MAC) /
                          IPv6(src=LMAA, dst=MAG2, nh=41, hlim=64, fl=flow_label(frame)) / hop_taken(inner))
    assert not lma.outside.seen(carries(b"hairpin"))


def test_outer_flow_label_is_the_same_within_a_flow_and_differs_between_flows(lma):
    labels = {}
    for port in range(4000, 4016):
        for _ in range(2):
            downlink(lma, IPv6(src=SERVER, dst=host(lma.prefix[1])) / UDP(sport=port, dport=1) / Raw(b"flow"))
            labels.setdefault(port, set()).add(flow_label(lma.core.expect(carries(b"flow"))))
    assert all(len(found) == 1 for found in labels.values())
    assert len(set.union(*labels.values())) > 8


@pytest.mark.parametrize("name", ECN)
def test_ecn_is_copied_to_the_outer_header(lma, name):
    payload = f"ecn-in-{name}".encode()
    downlink(lma, udp(SERVER, host(lma.prefix[1]), payload, tc=ECN[name]))
    frame = Ether(lma.core.expect(carries(payload)))
    assert frame[IPv6].tc & 3 == ECN[name]


# RFC 6040 section 4.2, wire-formats H.2: inner, outer, what goes on
DECAPSULATED = [
    ("not", "not", "not"), ("not", "ect0", "not"), ("not", "ect1", "not"), ("not", "ce", None),
    ("ect0", "not", "ect0"), ("ect0", "ect0", "ect0"), ("ect0", "ect1", "ect1"), ("ect0", "ce", "ce"),
    ("ect1", "not", "ect1"), ("ect1", "ect0", "ect1"), ("ect1", "ect1", "ect1"), ("ect1", "ce", "ce"),
    ("ce", "not", "ce"), ("ce", "ect0", "ce"), ("ce", "ect1", "ce"), ("ce", "ce", "ce")]


@pytest.mark.parametrize("inner,outer,result", DECAPSULATED)
def test_ecn_of_both_headers_decides_what_leaves(lma, drops, inner, outer, result):
    payload = f"ecn-{inner}-{outer}-".encode()
    packet = udp(host(lma.prefix[1]), SERVER, payload, tc=0x28 | ECN[inner])
    before = drops(lma.gateway)
    lma.core.send(lma.tunnelled(MAG1, packet, tc=ECN[outer]))
    if result is None:
        before.become(tunnel_ecn=1)
        assert not lma.outside.seen(carries(payload))
    else:
        frame = lma.outside.expect(carries(payload))
        assert frame[14:] == bytes(hop_taken(packet, tc=0x28 | ECN[result]))


def test_inner_extension_headers_pass_untouched(lma):
    inner = (IPv6(src=host(lma.prefix[1]), dst=SERVER) / IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt() /
             UDP(sport=1, dport=2) / Raw(b"extended"))
    lma.core.send(lma.tunnelled(MAG1, inner))
    assert lma.outside.expect(carries(b"extended"))[14:] == bytes(hop_taken(inner))
    fragment = IPv6(src=SERVER, dst=host(lma.prefix[1])) / IPv6ExtHdrFragment(offset=7, m=1, nh=17) / Raw(b"a-fragment")
    downlink(lma, fragment)
    assert lma.core.expect(carries(b"a-fragment"))[54:] == bytes(hop_taken(fragment))


def test_outer_destination_options_are_skipped(lma):
    inner = udp(host(lma.prefix[1]), SERVER, b"behind-options")
    lma.core.send(Ether(src=MAG1_MAC, dst=lma.core.mac) / IPv6(src=MAG1, dst=LMAA) /
                  IPv6ExtHdrDestOpt(nh=41) / Raw(bytes(inner)))
    assert lma.outside.expect(carries(b"behind-options"))[14:] == bytes(hop_taken(inner))


def test_octets_behind_the_inner_packet_are_cut_off(lma):
    inner = udp(host(lma.prefix[1]), SERVER, b"trailing")
    lma.core.send(Ether(src=MAG1_MAC, dst=lma.core.mac) / IPv6(src=MAG1, dst=LMAA, nh=41) /
                  Raw(bytes(inner) + b"rubbish"))
    assert lma.outside.expect(carries(b"trailing"))[14:] == bytes(hop_taken(inner))


# ---- anti-spoofing and other drops: every one has its name ----

def dropped_from_core(lma, drops, frame, **expected):
    before = drops(lma.gateway)
    lma.core.send(frame)
    before.become(**expected)


def test_source_of_another_nodes_prefix_is_dropped(lma, drops):
    inner = udp(host(lma.prefix[2]), SERVER, b"spoofed")
    dropped_from_core(lma, drops, lma.tunnelled(MAG1, inner), anchor_source=1)
    assert not lma.outside.seen(carries(b"spoofed"))


def test_source_outside_of_all_prefixes_is_dropped(lma, drops):
    dropped_from_core(lma, drops, lma.tunnelled(MAG1, udp("2001:db8:9999::1", SERVER)), anchor_source=1)


def test_error_of_the_mag_itself_passes_and_nothing_else_of_it(lma, drops):
    error = IPv6(src=MAG1, dst=SERVER, hlim=64) / ICMPv6PacketTooBig(mtu=1400) / Raw(b"about-a-downlink-packet")
    lma.core.send(lma.tunnelled(MAG1, error))
    assert lma.outside.expect(carries(b"about-a-downlink-packet"))[14:] == bytes(hop_taken(error))
    dropped_from_core(lma, drops, lma.tunnelled(MAG1, udp(MAG1, SERVER)), anchor_source=1)
    echo = IPv6(src=MAG1, dst=SERVER) / ICMPv6EchoRequest()
    dropped_from_core(lma, drops, lma.tunnelled(MAG1, echo), anchor_source=1)
    error[IPv6].src = MAG2
    dropped_from_core(lma, drops, lma.tunnelled(MAG1, error), anchor_source=1)
    error[IPv6].src, error[IPv6].dst = MAG1, LMAA
    dropped_from_core(lma, drops, lma.tunnelled(MAG1, error), tunnel_loop=1)


def test_tunnel_of_a_stranger_is_dropped(lma, drops):
    dropped_from_core(lma, drops, lma.tunnelled(STRANGER, udp(host(lma.prefix[1]), SERVER)), tunnel_unknown=1)


def test_tunnel_from_the_outside_is_dropped(lma, drops):
    before = drops(lma.gateway)
    lma.outside.send(Ether(src=SERVER_MAC, dst=lma.outside.mac) / IPv6(src=MAG1, dst=LMAA, nh=41) /
                     udp(host(lma.prefix[1]), SERVER))
    before.become(tunnel_unknown=1)


def test_inner_packet_that_is_the_tunnel_again_is_dropped(lma, drops):
    dropped_from_core(lma, drops, lma.tunnelled(MAG1, udp(MAG1, LMAA)), tunnel_loop=1)


def test_inner_packet_that_is_no_ipv6_is_dropped(lma, drops):
    frame = Ether(src=MAG1_MAC, dst=lma.core.mac) / IPv6(src=MAG1, dst=LMAA, nh=41) / Raw(b"\x45" + bytes(60))
    dropped_from_core(lma, drops, frame, tunnel_inner_protocol=1)


def test_inner_packet_that_is_cut_is_dropped(lma, drops):
    inner = bytes(udp(host(lma.prefix[1]), SERVER, b"x" * 100))[:90]
    frame = Ether(src=MAG1_MAC, dst=lma.core.mac) / IPv6(src=MAG1, dst=LMAA, nh=41) / Raw(inner)
    dropped_from_core(lma, drops, frame, ip_length=1)


def test_outer_fragment_is_dropped(lma, drops):
    frame = (Ether(src=MAG1_MAC, dst=lma.core.mac) / IPv6(src=MAG1, dst=LMAA) / IPv6ExtHdrFragment(nh=41, m=1) /
             Raw(bytes(udp(host(lma.prefix[1]), SERVER, b"x" * 33))))
    dropped_from_core(lma, drops, frame, fragment=1)


def test_too_many_outer_extension_headers_are_dropped(lma, drops):
    chain = b"".join(bytes([60, 0, 1, 4, 0, 0, 0, 0]) for _ in range(20)) + bytes([41, 0, 1, 4, 0, 0, 0, 0])
    frame = Ether(src=MAG1_MAC, dst=lma.core.mac) / IPv6(src=MAG1, dst=LMAA, nh=60) / Raw(chain)
    dropped_from_core(lma, drops, frame, extension_headers=1)


@pytest.mark.parametrize("frame,reason", [
    (lambda mac: Ether(src=MAG1_MAC, dst="02:00:00:00:77:77") / udp(SERVER, LMAA), "foreign_mac"),
    (lambda mac: Ether(src=MAG1_MAC, dst=mac, type=0x9999) / Raw(bytes(60)), "unknown_ethertype"),
    (lambda mac: Ether(src=MAG1_MAC, dst=mac, type=0x86dd) / Raw(b"\x45" + bytes(59)), "ip_version"),
    (lambda mac: Ether(src=MAG1_MAC, dst=mac) / Raw(bytes(udp(SERVER, LMAA, b"y" * 100))[:100]), "ip_length"),
    (lambda mac: Ether(src=MAG1_MAC, dst=mac, type=0x86dd) / Raw(b"\x60" + bytes(20)), "runt"),
    (lambda mac: Ether(src=MAG1_MAC, dst=mac) / udp("ff02::1", LMAA), "ip_source_invalid"),
    (lambda mac: Ether(src=MAG1_MAC, dst=mac) / udp("::1", LMAA), "ip_source_invalid"),
    (lambda mac: Ether(src=MAG1_MAC, dst=mac) / udp(SERVER, "::1"), "ip_destination_invalid"),
    (lambda mac: Ether(src=MAG1_MAC, dst=mac) / udp(SERVER, "2001:db8:4444::1"), "not_for_us"),
    (lambda mac: Ether(src=MAG1_MAC, dst=mac) / udp("fe80::9", "ff02::5"), "ip_destination_invalid"),
], ids=["foreign_mac", "unknown_ethertype", "ip_version", "ip_length", "runt", "multicast_source", "loopback_source",
        "loopback_destination", "not_for_us", "multicast_destination"])
def test_frames_that_are_not_for_us_have_their_reason(lma, drops, frame, reason):
    made = frame(lma.core.mac)
    if reason in ("ip_length", "ip_version", "runt"):
        made[Ether].type = 0x86dd
    dropped_from_core(lma, drops, made, **{reason: 1})


def test_tagged_frame_on_an_untagged_port_is_dropped(lma, drops):
    frame = Ether(src=MAG1_MAC, dst=lma.core.mac) / Dot1Q(vlan=5) / udp(SERVER, LMAA)
    dropped_from_core(lma, drops, frame, unknown_vlan=1)


# ---- signalling only on core ports, from peers ----

def registration(lma, source):
    return mobility.pbu(source, LMAA, "mn9@example.com", sequence=77)


def test_signalling_of_a_stranger_is_dropped(lma, drops):
    frame = Ether(src=STRANGER_MAC, dst=lma.core.mac) / registration(lma, STRANGER)
    dropped_from_core(lma, drops, frame, signalling_peer=1)
    assert not lma.gateway.rows("bindings", id="mn9@example.com")


def test_signalling_from_the_outside_is_dropped(lma, drops):
    before = drops(lma.gateway)
    lma.outside.send(Ether(src=SERVER_MAC, dst=lma.outside.mac) / registration(lma, MAG1))
    before.become(signalling_side=1)
    assert not lma.gateway.rows("bindings", id="mn9@example.com")


def test_signalling_out_of_a_tunnel_is_dropped(lma, drops):
    packet = registration(lma, host(lma.prefix[1]))
    dropped_from_core(lma, drops, lma.tunnelled(MAG1, packet), signalling_side=1)


# ---- errors ----

def assert_error(frame, kind, source, offending, **fields):
    """An ICMPv6 error about exactly these octets."""
    packet = IPv6(frame)
    assert (packet.src, packet.dst, packet.nh) == (source, offending.src, 58)
    assert kind in packet, packet.summary()
    for name, value in fields.items():
        assert getattr(packet[kind], name) == value
    quoted = bytes(packet)[48:]
    assert quoted == bytes(offending)[:1232]
    again = IPv6(bytes(packet))
    del again[kind].cksum
    assert bytes(IPv6(bytes(again))) == bytes(packet)  # the checksum is right


def test_hop_limit_of_one_is_answered_with_time_exceeded(lma, drops):
    before = drops(lma.gateway)
    inner = udp(SERVER, host(lma.prefix[1]), b"last-hop", hlim=1)
    downlink(lma, inner)
    frame = lma.outside.expect(lambda p: ICMPv6TimeExceeded in p)
    assert frame[:14] == bytes(Ether(src=lma.outside.mac, dst=SERVER_MAC) / inner)[:14]
    assert_error(frame[14:], ICMPv6TimeExceeded, OUTSIDE, inner, code=0)
    assert not lma.core.seen(carries(b"last-hop"))
    before.become()


def test_hop_limit_of_one_out_of_a_tunnel_is_answered_through_it(lma):
    inner = udp(host(lma.prefix[1]), SERVER, b"last-up", hlim=1)
    lma.core.send(lma.tunnelled(MAG1, inner))
    frame = lma.core.expect(lambda p: ICMPv6TimeExceeded in p)
    assert frame[:14] == bytes(Ether(src=lma.core.mac, dst=MAG1_MAC) / inner)[:14]
    assert (Ether(frame)[IPv6].src, Ether(frame)[IPv6].dst, Ether(frame)[IPv6].nh) == (LMAA, MAG1, 41)
    assert_error(frame[54:], ICMPv6TimeExceeded, LMAA, inner, code=0)


def test_packet_larger_than_the_tunnel_is_answered_with_its_mtu(lma, drops):
    before = drops(lma.gateway)
    inner = udp(SERVER, host(lma.prefix[1]), b"z" * (1461 - 48))
    downlink(lma, inner)
    frame = lma.outside.expect(lambda p: ICMPv6PacketTooBig in p)
    assert len(frame) == 14 + 1280
    assert_error(frame[14:], ICMPv6PacketTooBig, OUTSIDE, inner, mtu=1460)
    before.become()
    downlink(lma, udp(SERVER, host(lma.prefix[1]), b"fits" + b"z" * (1460 - 52)))
    assert len(lma.core.expect(carries(b"fits"))) == 14 + 1500


def test_prefix_of_the_pool_without_a_binding_is_unreachable(lma):
    inner = udp(SERVER, "2001:db8:f0ff:ffff::1")
    downlink(lma, inner)
    frame = lma.outside.expect(lambda p: ICMPv6DestUnreach in p)
    assert_error(frame[14:], ICMPv6DestUnreach, OUTSIDE, inner, code=3)


def test_destination_without_a_route_is_unreachable(lma):
    inner = udp(host(lma.prefix[1]), "2001:db8:4444::1")
    lma.core.send(lma.tunnelled(MAG1, inner))
    frame = lma.core.expect(lambda p: ICMPv6DestUnreach in p)
    assert_error(frame[54:], ICMPv6DestUnreach, LMAA, inner, code=0)


def test_host_on_the_link_that_does_not_answer_is_unreachable(lma):
    inner = udp(host(lma.prefix[1]), "2001:db8:ffff::dead")
    lma.core.send(lma.tunnelled(MAG1, inner))
    frame = lma.core.expect(lambda p: ICMPv6DestUnreach in p, 8)
    offending = IPv6(frame[54 + 48:])
    assert (offending.src, offending.dst, bytes(offending.payload)) == (inner.src, inner.dst, bytes(inner.payload))
    assert Ether(frame)[ICMPv6DestUnreach].code == 3


def test_errors_are_never_answered_with_errors(lma, drops):
    error = IPv6(src=SERVER, dst=host(lma.prefix[1]), hlim=1) / ICMPv6DestUnreach(code=3) / Raw(b"about-something")
    before = drops(lma.gateway)
    downlink(lma, error)
    before.become(hop_limit=1)
    assert not lma.outside.seen(lambda p: ICMPv6TimeExceeded in p)


@pytest.mark.parametrize("destination,reason", [("2001:db8:f0ff:ffff::1", "anchor_no_endpoint"),
                                                ("2001:db8:4444::1", "no_route")])
def test_errors_that_go_nowhere_are_dropped(lma, drops, destination, reason):
    error = IPv6(src=host(lma.prefix[1]), dst=destination) / ICMPv6DestUnreach(code=3) / Raw(b"about-something")
    dropped_from_core(lma, drops, lma.tunnelled(MAG1, error), **{reason: 1})


def test_error_that_is_too_big_is_dropped(lma, drops):
    before = drops(lma.gateway)
    downlink(lma, IPv6(src=SERVER, dst=host(lma.prefix[1])) / ICMPv6DestUnreach(code=3) / Raw(bytes(1461 - 48)))
    before.become(packet_too_big=1)


def test_no_next_header_to_us_is_dropped(lma, drops):
    dropped_from_core(lma, drops, Ether(src=MAG1_MAC, dst=lma.core.mac) / IPv6(src=MAG1, dst=LMAA, nh=59),
                      own_unknown_protocol=1)


def test_unknown_protocol_to_us_is_answered_with_a_pointer_to_it(lma):
    packet = IPv6(src=SERVER, dst=OUTSIDE, nh=253) / Raw(b"experiment")
    downlink(lma, packet)
    frame = lma.outside.expect(lambda p: ICMPv6ParamProblem in p)
    assert_error(frame[14:], ICMPv6ParamProblem, OUTSIDE, packet, code=1, ptr=6)


# ---- echo ----

def test_echo_to_an_own_address_is_answered(lma):
    downlink(lma, IPv6(src=SERVER, dst=OUTSIDE) / ICMPv6EchoRequest(id=7, seq=9, data=b"ping-data"))
    frame = lma.outside.expect(lambda p: ICMPv6EchoReply in p)
    assert frame == bytes(Ether(src=lma.outside.mac, dst=SERVER_MAC) / IPv6(src=OUTSIDE, dst=SERVER, hlim=64) /
                          ICMPv6EchoReply(id=7, seq=9, data=b"ping-data"))


def test_echo_of_a_mobile_node_is_answered_through_its_tunnel(lma):
    request = IPv6(src=host(lma.prefix[1]), dst=LMAA) / ICMPv6EchoRequest(id=3, seq=1, data=b"from-mn")
    lma.core.send(lma.tunnelled(MAG1, request))
    frame = lma.core.expect(lambda p: ICMPv6EchoReply in p)
    assert frame[54:] == bytes(IPv6(src=LMAA, dst=host(lma.prefix[1]), hlim=64) /
                               ICMPv6EchoReply(id=3, seq=1, data=b"from-mn"))


# ---- path MTU of the tunnel ----

def test_packet_too_big_from_inside_the_tunnel_lowers_it_and_is_relayed(lma):
    number, mag = 3, MAG2
    prefix = lma.attach(number, mag)
    inner = udp(SERVER, host(prefix), b"m" * (1460 - 48))
    downlink(lma, inner)
    sent = IPv6(lma.core.expect(carries(b"m" * 200))[14:])
    lma.core.send(Ether(src="02:00:00:00:00:fe", dst=lma.core.mac) / IPv6(src="2001:db8:1::fe", dst=LMAA) /
                  ICMPv6PacketTooBig(mtu=1400) / Raw(bytes(sent)[:1232]))
    frame = lma.outside.expect(lambda p: ICMPv6PacketTooBig in p)
    assert Ether(frame)[ICMPv6PacketTooBig].mtu == 1360
    assert frame[14 + 48:14 + 48 + 6] == bytes(sent)[40:46]
    lma.outside.clear()
    downlink(lma, udp(SERVER, host(prefix), b"n" * (1361 - 48)))
    frame = lma.outside.expect(lambda p: ICMPv6PacketTooBig in p)
    assert Ether(frame)[ICMPv6PacketTooBig].mtu == 1360
    assert [row["mtu_bytes"] for row in lma.gateway.rows("tunnels", remote=mag)] == [1360]


# ---- handover: the tunnel moves ----

def test_after_a_handover_only_the_new_mag_is_believed(lma, drops):
    prefix = lma.attach(4, MAG1)
    answer = lma.exchange(4, MAG2, prefixes=[(prefix, 64)], handoff=3)
    assert answer.status == 0 and answer.prefixes == [(prefix, 64)]
    downlink(lma, udp(SERVER, host(prefix), b"after-handover"))
    assert Ether(lma.core.expect(carries(b"after-handover")))[IPv6].dst == MAG2
    dropped_from_core(lma, drops, lma.tunnelled(MAG1, udp(host(prefix), SERVER)), anchor_source=1)


def test_after_its_deregistration_a_node_gets_nothing(lma, drops):
    prefix = lma.attach(5, MAG1)
    assert lma.exchange(5, MAG1, prefixes=[(prefix, 64)], handoff=4, lifetime_s=0).status == 0
    before = drops(lma.gateway)
    downlink(lma, udp(SERVER, host(prefix), b"too-late"))
    before.become(anchor_blocked=1)
