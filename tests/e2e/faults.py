# SPDX-License-Identifier: BSD-3-Clause
"""Faults of the core network: what the core switch loses, and what it carries that nobody there has sent."""

import ipaddress

from scapy.layers.l2 import Ether

from packet.wire import Wire

BINDING_UPDATE, BINDING_ACKNOWLEDGEMENT, HEARTBEAT = 5, 6, 13

# Classic BPF for tc: Next Header of IPv6 is 135, and the MH type is the wanted one: TC_ACT_SHOT, else TC_ACT_UNSPEC.
PROGRAM = "6,48 0 0 20,21 0 3 135,48 0 0 56,21 0 1 {kind},6 0 0 2,6 0 0 4294967295"

# The same for everything to an address that ends in these four octets, but for neighbour discovery.
BETWEEN = "8,48 0 0 20,21 0 2 58,48 0 0 54,53 3 0 133,32 0 0 50,21 0 1 {end},6 0 0 2,6 0 0 4294967295"


def _lose(lab, port, program):
    lab.run("core", "tc", "qdisc", "add", "dev", port, "clsact")
    lab.run("core", "tc", "filter", "add", "dev", port, "ingress", "bpf", "da", "bytecode", program)


def lose(lab, port, kind):
    """The core switch loses what comes in by that port and is a message of that type."""
    _lose(lab, port, PROGRAM.format(kind=kind))


def lose_between(lab, port, destination):
    """And what comes in by that port and is for that address; both still find each other's MAC address."""
    _lose(lab, port, BETWEEN.format(end=int(ipaddress.IPv6Address(destination)) & 0xffffffff))


def heal(lab, port):
    lab.run("core", "tc", "qdisc", "del", "dev", port, "clsact")


def cut(lab, port):
    lab.run("core", "ip", "link", "set", port, "down")


def join(lab, port):
    lab.run("core", "ip", "link", "set", port, "up")


class Forger:
    """Sends to a gateway out of its port of the core switch."""

    def __init__(self, lab, gateway):
        self.wire = Wire(lab.namespaces["core"], gateway)
        self.mac = lab.run(gateway, "cat", "/sys/class/net/core0/address").stdout.strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.wire.close()

    def send(self, packet):
        self.wire.send(Ether(src="02:00:00:00:0b:ad", dst=self.mac) / packet)
