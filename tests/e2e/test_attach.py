# SPDX-License-Identifier: BSD-3-Clause
"""A mobile node comes: its address, its prefixes, whom it reaches, what it hears."""

from scapy.layers.inet6 import ICMPv6ND_RA, ICMPv6NDOptPrefixInfo, IPv6
from scapy.layers.l2 import Ether

from capture import Capture
from hosts import FIXED_LINK_LOCAL, FIXED_MAC, Frames, in_prefix, link_local, ping, reaches
from lab.domain import POOL, SERVER, node_id, node_mac
from lab.lab import wait_until

TUNNEL_MTU = 1460


def test_node_gets_an_address_of_its_prefix_and_reaches_everybody(lab, domain):
    world = domain()
    for node in (1, 2):
        world.plug(node, 1)
    addresses = {node: world.address(node) for node in (1, 2)}
    for node, address in addresses.items():
        prefixes = world.binding(node)["prefixes"]
        assert len(prefixes) == 1 and in_prefix(address, prefixes[0]) and in_prefix(address, POOL)
        route = lab.run(f"mn{node}", "ip", "-6", "route", "show", "default").stdout
        assert f"via {FIXED_LINK_LOCAL} dev wlan0" in route
    for where, target in (("mn1", SERVER), ("mn1", addresses[2]), ("mn2", addresses[1]), ("server", addresses[1])):
        reaches(lab, where, target)
        answered, output = ping(lab, where, target, count=5)
        assert answered == 5, output
    assert FIXED_MAC in lab.run("mn1", "ip", "-6", "neigh", "show", FIXED_LINK_LOCAL, "dev", "wlan0").stdout
    assert world.mag(1).rows("tunnels")[0]["users"] == 2


def test_packets_of_two_nodes_of_one_mag_turn_around_at_the_lma(lab, domain):
    world = domain()
    for node in (1, 2):
        world.plug(node, 1)
    target = [world.address(node) for node in (1, 2)][1]
    reaches(lab, "mn1", target)
    capture = Capture(lab, "core", "lma", "ip6 proto 41")
    assert ping(lab, "mn1", target, count=3)[0] == 3
    wait_until(lambda: capture.count("icmpv6.type == 129") == 6, 10, "three replies, each up and down")
    assert capture.stop().count("icmpv6.type == 128") == 6


def test_no_node_hears_of_another_nodes_prefix(lab, domain):
    world = domain()
    captures = {node: Capture(lab, f"mn{node}", "wlan0") for node in (1, 2)}
    for node in (1, 2):
        world.plug(node, 1)
    prefixes = {}
    for node in (1, 2):
        world.address(node)
        prefixes[node] = world.binding(node)["prefixes"][0].split("/")[0]
        reaches(lab, f"mn{node}", SERVER)
    world.plug(2, 2)
    reaches(lab, "mn2", SERVER)
    for node, capture in captures.items():
        rows = capture.stop().fields("icmpv6.type == 134", "eth.dst", "eth.src", "ipv6.src", "ipv6.hlim",
                                     "icmpv6.opt.prefix", "icmpv6.opt.mtu", "icmpv6.opt.src_linkaddr",
                                     "icmpv6.opt.prefix.length", occurrence="a")
        assert rows, f"mn{node} heard no router advertisement"
        for row in rows:
            assert row == (node_mac(node), FIXED_MAC, FIXED_LINK_LOCAL, "255", prefixes[node], str(TUNNEL_MTU),
                           FIXED_MAC, "64")
        assert capture.count(f"eth.src == {node_mac(3 - node)}") == 0
        assert capture.objections() == ""


def test_duplicate_address_detection_of_a_node_stays_its_own(lab, domain):
    world = domain()
    captures = {node: Capture(lab, f"mn{node}", "wlan0") for node in (1, 2)}
    world.plug(2, 1)
    world.plug(1, 1)
    addresses = {node: world.address(node) for node in (1, 2)}
    for node, capture in captures.items():
        capture.stop()
        own = f"icmpv6.type == 135 && ipv6.src == :: && eth.src == {node_mac(node)}"
        probes = {row[0] for row in capture.fields(own, "icmpv6.nd.ns.target_address")}
        assert addresses[node] in probes
        for target in probes:
            assert capture.count(f"icmpv6.nd.na.target_address == {target} && eth.src != {node_mac(node)}") == 0
        assert capture.count(f"ipv6.src == :: && eth.src != {node_mac(node)}") == 0
        assert "dadfailed" not in lab.run(f"mn{node}", "ip", "-6", "addr", "show", "dev", "wlan0").stdout


def test_router_solicitation_is_answered_with_the_nodes_prefix(lab, domain):
    world = domain()
    world.plug(1, 1)
    world.address(1)
    with Frames(lab, 1) as frames:
        def answered():
            frames.solicit()  # again and again: answers are not closer than half a second
            return frames.wire.seen(lambda packet: ICMPv6ND_RA in packet and packet[Ether].dst == node_mac(1))
        frame = Ether(wait_until(answered, 10, "a router advertisement", every_s=0.3)[0])
    assert frame[IPv6].dst == link_local(1)
    assert f"{frame[ICMPv6NDOptPrefixInfo].prefix}/64" == world.binding(1)["prefixes"][0]


def test_node_that_solicits_attaches_by_it(domain):
    world = domain(nodes=1)
    world.switch_on(1)
    world.plug(1, 2)
    world.address(1)
    events = [row["event"] for row in world.mag(2).rows("events", mn=node_id(1))]
    assert events[0] == "attach_rs"
    assert {"pbu_sent", "pba_received", "registered"} <= set(events)
