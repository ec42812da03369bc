# SPDX-License-Identifier: BSD-3-Clause
"""What mobile nodes and the server do."""

import ipaddress
import json
import re
import subprocess
import sys

from scapy.layers.inet6 import ICMPv6ND_RS, ICMPv6NDOptSrcLLAddr, IPv6
from scapy.layers.l2 import Ether

from lab.domain import node_mac
from lab.lab import ROOT, wait_until
from packet.wire import Wire

TRAFFIC = ROOT / "tests" / "lab" / "traffic.py"
FIXED_MAC, FIXED_LINK_LOCAL = "00:00:5e:00:52:13", "fe80::200:5eff:fe00:5213"


def link_local(number):
    return f"fe80::ff:fe00:10{number:02x}"


def ping(lab, where, target, *options, count=1, wait_s=2):
    """(how many were answered, output)"""
    result = lab.run(where, "ping", "-6", "-n", "-c", count, "-i", "0.2", "-W", wait_s, *options, target, check=False)
    match = re.search(r"(\d+) received", result.stdout)
    return int(match.group(1)) if match else 0, result.stdout + result.stderr


def reaches(lab, where, target, deadline_s=15):
    """Waits until target answers."""
    wait_until(lambda: ping(lab, where, target, wait_s=1)[0] == 1, deadline_s, f"{where} reaches {target}")


def in_prefix(address, prefix):
    return ipaddress.IPv6Address(address) in ipaddress.IPv6Network(prefix)


def traffic(lab, where, *arguments):
    """Starts a command of traffic.py; its result is collected with result()."""
    return lab.start(where, sys.executable, TRAFFIC, *arguments, stdout=subprocess.PIPE, text=True)


def listens(lab, where, protocol, port):
    """Waits until somebody there listens on the port."""
    wait_until(lambda: f":{port} " in lab.run(where, "ss", f"-Hln{protocol}").stdout, 20,
               f"{where} listens on port {port}")


def result(process, deadline_s=60):
    output, _ = process.communicate(timeout=deadline_s)
    assert output, "traffic.py has not said anything"
    return json.loads(output)


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
