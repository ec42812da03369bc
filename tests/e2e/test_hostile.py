# SPDX-License-Identifier: BSD-3-Clause
"""Hosts that misbehave: each packet is dropped for its reason, and does not arrive."""

import pytest
from scapy.layers.inet6 import ICMPv6DestUnreach, IPv6, IPv6ExtHdrFragment, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from hosts import Frames, drops, ping, reaches
from lab.domain import LMAA, MAGS, SERVER, node_id, node_mac
from lab.lab import wait_until
from packet import mobility
from packet.wire import Wire

PORT = 5353


@pytest.fixture
def world(lab, domain):
    """Two attached nodes that have been heard, and their addresses."""
    made = domain(mags=1)
    for node in (1, 2):
        made.plug(node, 1)
    made.addresses = {node: made.address(node) for node in (1, 2)}
    for node in (1, 2):
        reaches(lab, f"mn{node}", SERVER)
    return made


def datagram(source, destination=SERVER):
    return IPv6(src=source, dst=destination) / UDP(sport=PORT, dport=PORT) / Raw(b"hostile")


def sessions(world):
    return {row["mn"]: (row["prefixes"], row["proxy_coa"], row["state"]) for row in world.lma.rows("bindings")}


def dropped(gateway, reason, send):
    """Each sent packet is counted under that reason."""
    before = drops(gateway, reason)
    for _ in range(3):
        send()
    wait_until(lambda: drops(gateway, reason) >= before + 3, 10, f"three packets dropped as {reason}")


def fails_policy(frames, packet):
    """The mobile node is told that its source address failed the ingress policy (RFC 4443 section 3.1, code 5)."""
    frames.wire.clear()
    frames.send(packet)
    frames.wire.expect(lambda p: ICMPv6DestUnreach in p and p[ICMPv6DestUnreach].code == 5, 10,
                       "source failed ingress policy")


def test_packets_with_foreign_sources_do_not_leave_the_mag(lab, world):
    foreign = [
        ("uplink_mac_mismatch", node_mac(1), world.addresses[2]),
        ("uplink_mac_mismatch", node_mac(2), world.addresses[1]),
        ("uplink_link_local", node_mac(1), "fe80::1234"),
    ]
    server = Wire(lab.namespaces["server"], "eth0")
    try:
        with Frames(lab, 1) as frames:
            for reason, mac, source in foreign:
                dropped(world.mag(1), reason, lambda m=mac, s=source: frames.send(datagram(s), source=m))
            fails_policy(frames, datagram("2001:db8:f0ff::1"))
            frames.send(datagram(world.addresses[1]))
        server.expect(lambda p: UDP in p and p[UDP].dport == PORT and p[IPv6].src == world.addresses[1], 10,
                      "the honest packet")
        assert not server.seen(lambda p: UDP in p and p[UDP].dport == PORT)
    finally:
        server.close()
    reaches(lab, "mn2", SERVER)
    assert world.mag(1).rows("bindings", mn=node_id(2))[0]["mac"] == node_mac(2)


def test_unknown_link_layer_address_gets_nothing(lab, world):
    with Frames(lab, 1) as frames:
        frames.send(datagram(world.addresses[1]), source="02:00:00:00:66:66")
        wait_until(lambda: world.mag(1).ctl("why", "02:00:00:00:66:66", check=False), 10,
                   "the MAG knows of the stranger")
        dropped(world.mag(1), "link_refused",
                lambda: frames.send(datagram(world.addresses[1]), source="02:00:00:00:66:66"))
    assert len(world.lma.rows("bindings")) == 2
    reaches(lab, "mn1", SERVER)


def test_signalling_of_a_mobile_node_is_dropped_by_mag_and_lma(lab, world):
    before = sessions(world)
    with Frames(lab, 1) as frames:
        to_mag = mobility.pbu(world.addresses[1], MAGS[1], node_id(2))
        dropped(world.mag(1), "signalling_side", lambda: frames.send(to_mag))
        to_lma = mobility.pbu(world.addresses[1], LMAA, node_id(2))
        dropped(world.lma, "signalling_side", lambda: frames.send(to_lma))
        leave = mobility.pbu(world.addresses[1], LMAA, node_id(2), lifetime_s=0)
        dropped(world.lma, "signalling_side", lambda: frames.send(leave))
        core = Wire(lab.namespaces["core"], "mag1")
        try:
            frames.send(mobility.pbu(MAGS[1], LMAA, node_id(2), lifetime_s=0))  # as if it were the MAG
            dropped(world.mag(1), "signalling_side", lambda: frames.send(to_mag))
            assert not core.seen(lambda p: mobility.is_mh(p, mobility.PBU))
        finally:
            core.close()
    assert sessions(world) == before


def test_signalling_of_a_stranger_on_the_core_link_is_dropped(lab, world):
    mac = world.lma.rows("ports", port="core0")[0]["mac"]
    core = Wire(lab.namespaces["core"], "lma")
    try:
        packet = mobility.pbu("2001:db8:1::bad", LMAA, node_id(1))
        dropped(world.lma, "signalling_peer", lambda: core.send(Ether(src="02:00:00:00:0b:ad", dst=mac) / packet))
        assert not core.seen(lambda p: IPv6 in p and p[IPv6].dst == "2001:db8:1::bad" and p[IPv6].nh == 135)
        inner = IPv6(src="2001:db8:1::bad", dst=LMAA, nh=41) / datagram(world.addresses[1])
        dropped(world.lma, "tunnel_unknown", lambda: core.send(Ether(src="02:00:00:00:0b:ad", dst=mac) / inner))
    finally:
        core.close()
    assert {row["peer"] for row in world.lma.rows("bindings")} == {"mag1"}


def test_fragments_pass_through_and_end_at_own_addresses(lab, world):
    large = lambda: ping(lab, "mn1", SERVER, "-s", "4000", count=3)[0] == 3  # noqa: E731
    wait_until(large, 15, "three fragmented packets there and back; the server first learns the tunnel's MTU")
    fragment = IPv6(src=world.addresses[1], dst=LMAA) / IPv6ExtHdrFragment(offset=0, m=1, id=7, nh=17) / Raw(bytes(64))
    with Frames(lab, 1) as frames:
        dropped(world.lma, "fragment", lambda: frames.send(fragment))
