# SPDX-License-Identifier: BSD-3-Clause
"""What mobile nodes and the server do."""

import ipaddress

from scapy.layers.inet6 import ICMPv6ND_RS, ICMPv6NDOptSrcLLAddr, IPv6
from scapy.layers.l2 import Ether

from lab.domain import node_mac
from lab.programs import listens, ping, reaches, result, traffic  # noqa: F401
from packet.wire import Wire

FIXED_MAC, FIXED_LINK_LOCAL = "00:00:5e:00:52:13", "fe80::200:5eff:fe00:5213"


def link_local(number):
    return f"fe80::ff:fe00:10{number:02x}"


def in_prefix(address, prefix):
    return ipaddress.IPv6Address(address) in ipaddress.IPv6Network(prefix)


def state(gateway, mn):
    """The state of the mobile node's session there, or None."""
    rows = gateway.rows("bindings", mn=mn)
    return rows[0]["state"] if rows else None


def history(gateway, mn):
    """The names of the mobile node's events, oldest first."""
    return [row["event"] for row in gateway.rows("events", mn=mn)]


def drops(gateway, reason):
    return sum(row["count"] for row in gateway.rows("drops", name=reason))


class Frames:
    """Frames of a mobile node that its kernel would not send, and those that it gets."""

    def __init__(self, lab, number):
        self.number, self.wire = number, Wire(lab.namespaces[f"mn{number}"], "wlan0")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.wire.close()

    def send(self, packet, source=None, destination=FIXED_MAC):
        self.wire.send(Ether(src=source or node_mac(self.number), dst=destination) / packet)

    def solicit(self):
        self.send(IPv6(src=link_local(self.number), dst="ff02::2", hlim=255) / ICMPv6ND_RS() /
                  ICMPv6NDOptSrcLLAddr(lladdr=node_mac(self.number)), destination="33:33:00:00:00:02")
