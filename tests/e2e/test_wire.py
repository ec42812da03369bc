# SPDX-License-Identifier: BSD-3-Clause
"""What is on the core link, as tshark reads it."""

import struct
import sys

from capture import Capture, messages
from hosts import listens, ping, reaches, traffic
from lab.domain import LMAA, MAGS, SERVER, node_id, node_mac
from lab.lab import wait_until

EXPEDITED, ECT0 = 46, 2
# A ping whose answer fell into the handover is "no response found": that is not the gateway's doing.
NOT_PING = "!(icmpv6.type == 128)"

# A node's program: UDP packets of several flows to an echo server, with a traffic class, until each got its echoes.
FLOWS = """
import socket, sys
address, port, traffic_class, flows, packets = sys.argv[1], *map(int, sys.argv[2:])
sockets = []
for _ in range(flows):
    one = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    one.setsockopt(socket.IPPROTO_IPV6, 67, traffic_class)
    one.settimeout(0.5)
    one.connect((address, port))
    sockets.append(one)
for one in sockets:
    echoed = 0
    for _ in range(packets * 20):
        one.send(b"flow")
        try:
            one.recv(100)
        except TimeoutError:
            continue
        echoed += 1
        if echoed == packets:
            break
    else:
        sys.exit(1)
"""


def test_signalling_is_as_rfc_5213_says(lab, domain):
    world = domain(nodes=1)
    capture = Capture(lab, "core", "lma", "ip6 proto 135")
    world.plug(1, 1)
    world.address(1)
    prefix = world.binding(1)["prefixes"][0].split("/")[0]
    assert world.mag(1).stop() == 0
    wait_until(lambda: [message.lifetime for _, message in messages(capture, 6)][-1:] == [0], 10,
               "the de-registration was answered")
    assert capture.stop().objections() == ""
    (header, request), *_, (_, leave) = messages(capture, 5)
    assert (header.src, header.dst) == (MAGS[1], LMAA)
    identifier = b"\x01" + node_id(1).encode()
    link_layer = b"\0\0" + bytes.fromhex(node_mac(1).replace(":", ""))
    assert request.flags & 0x8200 == 0x8200, "A and P"
    assert sorted(kind for kind, _ in request.options) == [8, 22, 23, 24, 25, 27]
    assert request.option(8) == identifier and request.option(25) == link_layer
    assert request.prefixes == [("::", 0)] and request.option(23) == b"\0\x04" and request.option(24) == b"\0\x03"
    (header, accepted), *_, (_, left) = messages(capture, 6)
    assert (header.src, header.dst) == (LMAA, MAGS[1])
    assert accepted.status == 0 and accepted.flags & 0x20 and accepted.sequence == request.sequence
    assert 0 < accepted.lifetime <= request.lifetime
    assert sorted(kind for kind, _ in accepted.options) == [8, 22, 23, 24, 25, 27]
    assert accepted.prefixes == [(prefix, 64)]
    for kind in (8, 23, 24, 25, 27):
        assert accepted.option(kind) == request.option(kind), f"option {kind} is copied"
    assert leave.lifetime == 0 and leave.prefixes == [(prefix, 64)] and leave.option(23) == b"\0\x04"
    assert struct.unpack("!Q", leave.option(27)) > struct.unpack("!Q", request.option(27))
    assert left.status == 0 and left.lifetime == 0 and left.sequence == leave.sequence
    names = capture.fields("mip6.mhtype == 5 || mip6.mhtype == 6", "mip6.mhtype", "ipv6.hlim")
    assert {row[0] for row in names} == {"5", "6"}


def test_tunnel_headers_tell_of_the_packets_inside(lab, domain):
    world = domain(nodes=1)
    world.plug(1, 1)
    address = world.address(1)
    reaches(lab, "mn1", SERVER)
    traffic(lab, "server", "echo", 7777)
    listens(lab, "server", "u", 7777)
    capture = Capture(lab, "core", "lma", "ip6 proto 41")
    lab.run("mn1", sys.executable, "-c", FLOWS, SERVER, 7777, EXPEDITED << 2 | ECT0, 8, 4)
    assert ping(lab, "server", address, "-Q", "0x28", count=2)[0] == 2
    wait_until(lambda: capture.count("icmpv6.type == 129") == 2, 10, "both echo replies")
    assert capture.stop().objections() == ""
    rows = capture.fields("udp", "ipv6.src", "ipv6.hlim", "ipv6.flow", "ipv6.tclass.dscp", "ipv6.tclass.ecn",
                          "ipv6.plen",
                          "udp.srcport", "udp.dstport", occurrence="a")
    flows = {}
    for sources, hop_limits, labels, dscp, ecn, lengths, source, destination in rows:
        outer, inner = sources.split(",")
        outer_length, inner_length = map(int, lengths.split(","))
        up = outer == MAGS[1]
        assert outer_length == inner_length + 40
        assert inner == (address if up else SERVER)
        assert hop_limits.split(",") == ["64", "63"]
        assert dscp.split(",") == ([str(EXPEDITED)] * 2 if up else ["0"] * 2)
        assert ecn.split(",") == ([str(ECT0)] * 2 if up else ["0"] * 2)
        flows.setdefault((source, destination), set()).add(int(labels.split(",")[0], 16))
    assert len(flows) == 16, "eight flows up and down"
    assert all(len(labels) == 1 for labels in flows.values()), "a flow has one label"
    labels = [label for found in flows.values() for label in found]
    assert 0 not in labels and len(set(labels)) > 8, "flows have different labels"
    requests = capture.fields("icmpv6.type == 128", "ipv6.tclass.dscp", "ipv6.src", occurrence="a")
    assert set(requests) == {("10,10", f"{LMAA},{SERVER}")}


def test_nothing_on_the_core_link_is_malformed(lab, domain):
    beats = {"HEARTBEAT_INTERVAL": 1}
    world = domain(lma_variables=beats, mag_variables=beats, mag={"binding-lifetime": 4})
    ports = {port: Capture(lab, "core", port) for port in ("lma", "mag1", "mag2")}
    for node in (1, 2):
        world.plug(node, 1)
    addresses = {node: world.address(node) for node in (1, 2)}
    reaches(lab, "mn1", addresses[2])
    world.plug(1, 2)
    reaches(lab, "mn1", addresses[2])
    world.mag(1).ctl("detach", node_id(2))
    wait_until(lambda: ports["lma"].count("mip6.mhtype == 13") >= 6, 20, "heartbeats")
    refreshed = ports["lma"].count("mip6.mhtype == 5")
    wait_until(lambda: ports["lma"].count("mip6.mhtype == 5") > refreshed, 20, "a refresh")
    for capture in ports.values():
        kinds = {row[0] for row in capture.stop().fields("mipv6", "mip6.mhtype")}
        assert {"5", "6", "13"} <= kinds
        wrong = capture.count(f"_ws.malformed || ({NOT_PING} && _ws.expert.severity >= 0x600000)")
        assert wrong == 0, capture.objections()
