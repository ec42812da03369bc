# SPDX-License-Identifier: BSD-3-Clause
"""The gateway as a neighbour on its core and outside ports (RFC 4861)."""

import pytest
from scapy.layers.inet6 import (ICMPv6EchoReply, ICMPv6EchoRequest, ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6NDOptDstLLAddr,
                                ICMPv6NDOptSrcLLAddr, IPv6)
from scapy.layers.l2 import Ether

from lab.lab import wait_until
from rigs import LMAA, MAG1, MAG2, OUTSIDE, SERVER, SERVER_MAC, host, solicited_frame
from test_lma import carries, downlink, udp


def link_local(mac):
    octets = [int(part, 16) for part in mac.split(":")]
    identifier = ((octets[0] ^ 2) << 8 | octets[1], octets[2], octets[3], octets[4] << 8 | octets[5])
    return "fe80::%x:%xff:fe%02x:%x" % identifier


def own_addresses(lma):
    return {"core": (lma.core, LMAA), "outside": (lma.outside, OUTSIDE), "core-link-local": (lma.core, None),
            "outside-link-local": (lma.outside, None)}


@pytest.mark.parametrize("which", ["core", "outside", "core-link-local", "outside-link-local"])
def test_own_addresses_are_advertised_when_asked_for(lma, which):
    wire, target = own_addresses(lma)[which]
    target = target or link_local(wire.mac)
    source = "fe80::99" if target.startswith("fe80") else target.rsplit(":", 1)[0] + ":99"
    wire.send(solicited_frame("02:00:00:00:00:99", source, target))
    frame = wire.expect(lambda p: ICMPv6ND_NA in p)
    expected = (Ether(src=wire.mac, dst="02:00:00:00:00:99") / IPv6(src=target, dst=source, hlim=255) /
                ICMPv6ND_NA(R=1, S=1, O=1, tgt=target) / ICMPv6NDOptDstLLAddr(lladdr=wire.mac))
    assert frame == bytes(expected)


def test_duplicate_address_detection_for_our_address_is_answered_to_all_nodes(lma):
    lma.core.send(solicited_frame("02:00:00:00:00:98", "::", LMAA, option=False))
    frame = lma.core.expect(lambda p: ICMPv6ND_NA in p)
    assert frame == bytes(Ether(src=lma.core.mac, dst="33:33:00:00:00:01") / IPv6(src=LMAA, dst="ff02::1", hlim=255) /
                          ICMPv6ND_NA(R=1, S=0, O=1, tgt=LMAA) / ICMPv6NDOptDstLLAddr(lladdr=lma.core.mac))
    wait_until(lambda: "event=address_conflict" in lma.gateway.output(), 5, "the conflict is logged")


def test_address_of_another_port_and_broken_solicitations_are_not_answered(lma):
    lma.outside.send(solicited_frame("02:00:00:00:00:97", "2001:db8:ffff::97", LMAA))
    bad = solicited_frame("02:00:00:00:00:97", "2001:db8:1::97", LMAA)
    bad[IPv6].hlim = 254
    lma.core.send(bad)
    bad = solicited_frame("02:00:00:00:00:97", "2001:db8:1::97", LMAA)
    bad[ICMPv6ND_NS].cksum = 0x1234
    lma.core.send(bad)
    lma.outside.send(Ether(src=SERVER_MAC, dst=lma.outside.mac) / IPv6(src=SERVER, dst=OUTSIDE) /
                     ICMPv6EchoRequest(data=b"fence"))
    lma.outside.expect(lambda p: ICMPv6EchoReply in p)
    assert not lma.outside.seen(lambda p: ICMPv6ND_NA in p)
    assert not lma.core.seen(lambda p: ICMPv6ND_NA in p)


def test_unknown_requester_is_solicited_before_it_is_answered(lma):
    wire, new, mac = lma.outside, "2001:db8:ffff::77", "02:00:00:00:00:77"
    wire.send(Ether(src=mac, dst=wire.mac) / IPv6(src=new, dst=OUTSIDE) / ICMPv6EchoRequest(data=b"new-here"))
    frame = wire.expect(lambda p: ICMPv6ND_NS in p and p[ICMPv6ND_NS].tgt == new)
    assert frame == bytes(Ether(src=wire.mac, dst="33:33:ff:00:00:77") /
                          IPv6(src=OUTSIDE, dst="ff02::1:ff00:77", hlim=255) /
                          ICMPv6ND_NS(tgt=new) / ICMPv6NDOptSrcLLAddr(lladdr=wire.mac))
    wire.send(Ether(src=mac, dst=wire.mac) / IPv6(src=new, dst=OUTSIDE, hlim=255) /
              ICMPv6ND_NA(tgt=new, R=0, S=1, O=1) / ICMPv6NDOptDstLLAddr(lladdr=mac))
    frame = wire.expect(lambda p: ICMPv6EchoReply in p)
    assert frame[:6] == bytes.fromhex(mac.replace(":", ""))
    assert lma.gateway.rows("neighbours", address=new)


def advertise(lma, address, mac):
    """Unsolicited, to all nodes: that address is at this MAC now."""
    lma.core.send(Ether(src=mac, dst="33:33:00:00:00:01") / IPv6(src=address, dst="ff02::1", hlim=255) /
                  ICMPv6ND_NA(tgt=address, R=1, S=0, O=1) / ICMPv6NDOptDstLLAddr(lladdr=mac))


def test_next_hop_with_another_mac_is_followed(lma):
    back = lma.core.hosts[MAG1]

    def goes_to(mac):
        lma.core.clear()
        downlink(lma, udp(SERVER, host(lma.prefix[1]), b"followed"))
        return Ether(lma.core.expect(carries(b"followed"))).dst == mac
    for mac in ("02:00:00:00:0a:01", back):
        lma.core.hosts[MAG1] = mac
        advertise(lma, MAG1, mac)
        wait_until(lambda: goes_to(mac), 5, "packets go to the new MAC")


def test_next_hop_that_dies_is_noticed_and_mended_when_it_is_back(lma, drops):
    mac = lma.core.hosts.pop(MAG2)
    try:
        advertise(lma, MAG2, "02:00:00:00:0d:ed")  # so that it is asked at once whether this is true
        wait_until(lambda: lma.gateway.rows("neighbours", address=MAG2)[0]["state"] in ("failed", "incomplete"), 15,
                   "the next hop counts as failed")
        before = drops(lma.gateway)
        downlink(lma, udp(SERVER, host(lma.prefix[2]), b"to-the-dead"))
        before.become(tunnel_unresolved=1)
    finally:
        lma.core.hosts[MAG2] = mac

    def answers():
        downlink(lma, udp(SERVER, host(lma.prefix[2]), b"to-the-living"))
        return lma.core.seen(carries(b"to-the-living"))
    wait_until(answers, 15, "packets go to the next hop again", 0.2)


def test_flood_from_one_source_is_kept_from_the_control_core(lma, drops):
    """Its /64 is limited; others are still answered."""
    before = drops(lma.gateway)
    frame = bytes(Ether(src=SERVER_MAC, dst=lma.outside.mac) / IPv6(src="2001:db8:8000:66::1", dst=OUTSIDE) /
                  ICMPv6EchoRequest(data=b"flood"))
    for _ in range(4000):
        lma.outside.socket.send(frame)
    wait_until(lambda: before.difference().get("punt_limited", 0) > 1000, 5, "packets are dropped by that name")
    downlink(lma, IPv6(src=SERVER, dst=OUTSIDE) / ICMPv6EchoRequest(data=b"polite"))
    lma.outside.expect(lambda p: ICMPv6EchoReply in p and b"polite" in bytes(p))
    assert len(lma.outside.seen(lambda p: b"flood" in bytes(p))) < 2500
