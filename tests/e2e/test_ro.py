# SPDX-License-Identifier: BSD-3-Clause
"""Route optimisation: packets between mobile nodes of two MAGs leave the path over the LMA, and come back to it."""

import re

import pytest
from scapy.layers.inet6 import ICMPv6PacketTooBig, IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Raw
from scapy.utils import rdpcap

from capture import Capture
from hosts import ping, reaches
from lab.domain import LMAA, MAGS, SERVER, node_id, node_mac
from packet.wire import Wire
from lab.lab import wait_until

PINGS = 20
QUICK = {"detect-packets": 5, "detect-sample": 1, "detect-window": 5000}
DIRECT = {(MAGS[1], MAGS[2]), (MAGS[2], MAGS[1])}
ANCHORED = {(MAGS[1], LMAA), (LMAA, MAGS[2]), (MAGS[2], LMAA), (LMAA, MAGS[1])}


def paths(lab, target):
    """Outer addresses of the packets of a ping from mn1 in the core."""
    capture = Capture(lab, "core", "switch", "ip6", "proto", "41")
    lab.run("mn1", "ping", "-6", "-c", PINGS, "-i", "0.05", "-W", "1", target, check=False)
    rows = capture.stop().fields("icmpv6.type == 128 || icmpv6.type == 129", "ipv6.src", "ipv6.dst")
    assert not capture.objections()
    return set(rows)


def attach_both(world):
    world.plug(1, 1)
    world.plug(2, 2)
    return world.address(1), world.address(2)


def becomes_direct(lab, target):
    wait_until(lambda: paths(lab, target) == DIRECT, 30, "packets go from MAG to MAG")


@pytest.mark.parametrize("mode, profile", [("direct", "exp"), ("proxy", "native")])
def test_pair_leaves_the_anchor_and_comes_back_when_a_mag_stops(lab, domain, mode, profile):
    world = domain(ro={**QUICK, "profile": profile}, ro_lma={"mode": mode})
    _, target = attach_both(world)
    reaches(lab, "mn1", target)
    becomes_direct(lab, target)
    before = [(row["up_packets"], row["down_packets"]) for row in world.lma.rows("tunnels")]
    assert paths(lab, target) == DIRECT
    assert [(row["up_packets"], row["down_packets"]) for row in world.lma.rows("tunnels")] == before
    assert world.mag(2).stop() == 0
    wait_until(lambda: world.binding(2) is None or world.binding(2)["state"] != "active", 10, "mn2 is de-registered")
    wait_until(lambda: paths(lab, target) <= {(MAGS[1], LMAA), (LMAA, MAGS[1])}, 10, "mn1 sends to the LMA again")


def test_pair_follows_a_node_to_another_mag(lab, domain):
    world = domain(mags=3, ro=QUICK)
    _, target = attach_both(world)
    becomes_direct(lab, target)
    world.plug(2, 3)
    reaches(lab, "mn2", SERVER)  # the first packet registers it
    assert world.binding(2)["peer"] == "mag3"
    wait_until(lambda: paths(lab, target) == {(MAGS[1], MAGS[3]), (MAGS[3], MAGS[1])}, 20,
               "packets go to the new MAG")
    reaches(lab, "mn1", target)


def test_detach_ends_the_direct_path(lab, domain):
    world = domain(ro=QUICK)
    _, target = attach_both(world)
    becomes_direct(lab, target)
    world.mag(2).ctl("detach", node_id(2))
    wait_until(lambda: not paths(lab, target) & DIRECT, 10, "nothing goes direct")
    world.mag(2).ctl("attach", "access0", node_mac(2))
    wait_until(lambda: paths(lab, target) & ANCHORED, 20, "packets go by the LMA")
    becomes_direct(lab, target)


def test_mags_that_do_not_know_it_are_asked_once(lab, domain):
    world = domain(ro=QUICK, ro_of={"mag1": {"enabled": False}, "mag2": {"enabled": False}})
    _, target = attach_both(world)
    reaches(lab, "mn1", target)
    signalling = Capture(lab, "core", "switch", "ip6", "proto", "135")
    for _ in range(5):
        found = paths(lab, target)
        assert found and found <= ANCHORED
    errors = signalling.stop().fields("mip6.mhtype == 7", "ipv6.src", "ipv6.dst")
    assert sorted(errors) == [(MAGS[1], LMAA), (MAGS[2], LMAA)]
    assert signalling.count(f"mip6.mhtype == 11 && ipv6.src == {LMAA}") == 2  # an Init, and a Setup that ends it


def test_pair_is_detected_when_it_passes_the_threshold(lab, domain):
    world = domain(ro={"detect-packets": 30, "detect-bytes": 0, "detect-sample": 1, "detect-window": 60000})
    _, target = attach_both(world)
    capture = Capture(lab, "core", "switch", "ip6", "proto", "41")
    answered = 0
    while answered < 29:
        answered += ping(lab, "mn1", target, "-i", "0.05", count=29 - answered)[0]
    assert ping(lab, "mn1", target, "-i", "0.05", count=15)[0] == 15
    requests = capture.stop().fields("icmpv6.type == 128", "ipv6.dst")
    anchored = requests.count((LMAA,))
    assert 30 <= anchored <= 40, "the 30th packet of the way there, and of the way back"
    assert (MAGS[2],) in requests, "what came then went direct"


def tell_too_big(lab, quoted, mtu):
    """A router between the MAGs tells mag1 that its packet was too big."""
    frame = Ether(src="02:00:00:00:99:99", dst=quoted.src) / IPv6(src="2001:db8:1::fe", dst=MAGS[1]) / \
        ICMPv6PacketTooBig(mtu=mtu) / Raw(bytes(quoted[IPv6])[:1232])
    wire = Wire(lab.namespaces["core"], "switch")
    wire.send(frame)
    wire.close()


def test_mtu_of_the_direct_path_reaches_the_node(lab, domain):
    world = domain(ro=QUICK)
    _, target = attach_both(world)
    becomes_direct(lab, target)
    capture = Capture(lab, "core", "switch", "ip6", "src", MAGS[1], "and", "dst", MAGS[2], "and", "proto", "41")
    wait_until(lambda: ping(lab, "mn1", target, count=3)[0] and rdpcap(str(capture.path)), 20, "a packet to quote")
    tell_too_big(lab, rdpcap(str(capture.stop().path))[0], 1400)
    large = ("-M", "do", "-s", "1412")
    wait_until(lambda: re.search("mtu[=:] ?1360", ping(lab, "mn1", target, *large)[1]), 10,
               "mn1 hears of the path MTU of the direct tunnel")
    assert ping(lab, "mn1", target, "-M", "do", "-s", str(1360 - 48))[0] == 1
    assert paths(lab, target) == DIRECT
