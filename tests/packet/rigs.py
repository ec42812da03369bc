# SPDX-License-Identifier: BSD-3-Clause
"""A gateway with played surroundings: its configuration, its wires, and who lives on them."""

from scapy.layers.inet6 import (ICMPv6ND_NS, ICMPv6ND_RA, ICMPv6ND_RS, ICMPv6NDOptPrefixInfo, ICMPv6NDOptSrcLLAddr,
                                IPv6)
from scapy.layers.l2 import Dot1Q, Ether
from scapy.utils6 import in6_getnsma, in6_getnsmac
from scapy.pton_ntop import inet_ntop, inet_pton
import socket

import mobility
from lab.lab import wait_until
from wire import Wire

LMAA, LMAA2, MAG1, MAG2, STRANGER = ("2001:db8:1::1", "2001:db8:1::2", "2001:db8:1::a1", "2001:db8:1::a2",
                                     "2001:db8:1::bad")
ROUTER = "2001:db8:1::fe"
OUTSIDE, SERVER = "2001:db8:ffff::1", "2001:db8:ffff::100"
POOL = "2001:db8:f000::/40"
FIXED_MAC, FIXED_LINK_LOCAL = "00:00:5e:00:52:13", "fe80::200:5eff:fe00:5213"
LMA_MAC, LMA2_MAC, MAG1_MAC, MAG2_MAC = ("02:00:00:00:00:01", "02:00:00:00:00:02", "02:00:00:00:00:a1",
                                         "02:00:00:00:00:a2")
ROUTER_MAC, SERVER_MAC, STRANGER_MAC = "02:00:00:00:00:fe", "02:00:00:00:01:00", "02:00:00:00:0b:ad"


def node_id(number):
    return f"mn{number}@example.com"


def node_mac(number):
    return f"02:00:00:00:10:{number:02x}"


def host(prefix, interface_id="100"):
    """An address in a prefix that ends in ::"""
    return f"{prefix.rstrip(':')}::{interface_id}"


def solicited_frame(source_mac, source, target, option=True):
    group = inet_ntop(socket.AF_INET6, in6_getnsma(inet_pton(socket.AF_INET6, target)))
    packet = (Ether(src=source_mac, dst=in6_getnsmac(inet_pton(socket.AF_INET6, group))) /
              IPv6(src=source, dst=group, hlim=255) / ICMPv6ND_NS(tgt=target))
    return packet / ICMPv6NDOptSrcLLAddr(lladdr=source_mac) if option else packet


class Rig:
    DATAPLANE = {"control-core": 0, "workers": [1]}

    def __init__(self, lab, name):
        self.lab, self.name, self.wires = lab, name, []
        lab.namespace(name)

    def wire(self, interface, mac, mtu=1500):
        """A cable between the gateway's interface and a namespace of its own for the test's end."""
        far = self.lab.namespace(f"{self.name}-{interface}")
        self.lab.cable(self.name, interface, far, "far", a_mac=mac, mtu=mtu)
        self.lab.no_ipv6(self.name, interface)
        self.lab.no_ipv6(far, "far")
        wire = Wire(self.lab.namespaces[far], "far")
        wire.mac = mac
        self.wires.append(wire)
        return wire

    def settle(self):
        assert self.gateway.process.poll() is None, self.gateway.output()
        for wire in self.wires:
            wire.clear()

    def close(self):
        code = self.gateway.stop()
        for wire in self.wires:
            wire.close()
        assert code == 0, f"exit code {code}:\n{self.gateway.output()}"


class LmaRig(Rig):
    def __init__(self, lab):
        super().__init__(lab, "lma")
        self.core = self.wire("core0", "02:00:00:00:0c:01")
        self.outside = self.wire("out0", "02:00:00:00:0c:02")
        self.core.hosts = {MAG1: MAG1_MAC, MAG2: MAG2_MAC, ROUTER: ROUTER_MAC}
        self.outside.hosts = {SERVER: SERVER_MAC}
        self.sequence = 0
        self.gateway = lab.gateway("lma", "lma", {
            "role": "lma", "dataplane": self.DATAPLANE,
            "ports": [
                {"name": "core0", "device": "kernel:core0", "side": "core", "addresses": [f"{LMAA}/64"]},
                {"name": "out0", "device": "kernel:out0", "side": "outside", "addresses": [f"{OUTSIDE}/64"]}],
            "routes": [{"prefix": "2001:db8:8000::/40", "via": SERVER, "port": "out0"}],
            "peers": [{"name": "mag1", "address": MAG1, "insecure": True, "heartbeat": False},
                      {"name": "mag2", "address": MAG2, "insecure": True, "heartbeat": False}],
            "lma": {"address": LMAA, "pools": [{"name": "pool", "prefix": POOL}], "restart-hold": 0,
                    "immediate-new-bce": True},
            "limits": {"source-punts": 200},
            "variables": {"TimestampValidityWindow": 10000},  # the machine may be busy
            "mobile-nodes": [{"id": node_id(i), "mac": node_mac(i)} for i in range(1, 10)]})
        self.prefix = {1: self.attach(1, MAG1), 2: self.attach(2, MAG2)}
        self.find_server()

    def exchange(self, number, mag, **options):
        """A PBU of a MAG; the PBA."""
        self.sequence += 1
        packet = mobility.pbu(mag, LMAA, node_id(number), sequence=self.sequence, **options)
        self.core.send(Ether(src=self.core.hosts[mag], dst=self.core.mac) / packet)
        sequence = self.sequence
        data = self.core.expect(lambda p: mobility.is_mh(p, mobility.PBA) and p[IPv6].dst == mag and
                                mobility.Message(p).sequence == sequence, what="PBA")
        return mobility.Message(Ether(data))

    def attach(self, number, mag):
        """The home network prefix that the LMA gave."""
        answer = self.exchange(number, mag)
        assert answer.status == 0, answer.status
        return answer.prefixes[0][0]

    def find_server(self):
        """The LMA knows the way to the server before the first test counts on it."""
        inner = IPv6(src=host(self.prefix[1]), dst=SERVER) / b"find"

        def found():
            self.core.send(self.tunnelled(MAG1, inner))
            return self.outside.seen(lambda p: IPv6 in p and p[IPv6].src == host(self.prefix[1]))
        wait_until(found, 10, "a packet through the LMA to the server", 0.2)

    def tunnelled(self, mag, inner, mac=None, **outer):
        """A frame of a MAG with an inner packet."""
        return (Ether(src=mac or self.core.hosts.get(mag, STRANGER_MAC), dst=self.core.mac) /
                IPv6(src=mag, dst=LMAA, nh=41, **outer) / inner)


class MagRig(Rig):
    """Mobile nodes on two access links (VLANs 10 and 20); mn5 belongs to another LMA. The access port is narrower than
    what fits the tunnels (1400 to 1460), and outer headers have a DSCP and hop limit of their own."""

    def __init__(self, lab):
        super().__init__(lab, "mag")
        self.core = self.wire("core0", "02:00:00:00:0c:03")
        self.access = self.wire("access0", "02:00:00:00:0c:04")
        self.core.hosts = {LMAA: LMA_MAC, LMAA2: LMA2_MAC, ROUTER: ROUTER_MAC}
        self.core.answerers.append(self._acknowledge)
        self.status, self.silent = {}, set()
        self.vlan = {1: 10, 2: 20, 3: 10, 4: 10, 5: 10}
        self.given = {number: f"2001:db8:f000:{number}::" for number in range(1, 10)}
        self.gateway = lab.gateway("mag", "mag", {
            "role": "mag", "dataplane": self.DATAPLANE,
            "ports": [
                {"name": "core0", "device": "kernel:core0", "side": "core", "addresses": [f"{MAG1}/64"]},
                {"name": "access0", "device": "kernel:access0", "side": "access", "vlans": [10, 20], "mtu": 1400,
                 "promiscuous": True}],
            "routes": [{"prefix": "::/0", "via": ROUTER, "port": "core0"}],
            "peers": [{"name": "lma", "address": LMAA, "insecure": True, "heartbeat": False},
                      {"name": "lma2", "address": LMAA2, "insecure": True, "heartbeat": False}],
            "tunnel": {"dscp": 46, "hop-limit": 55},
            "mag": {"address": MAG1, "nud-interval": 3600000, "refused-hold": 3600},
            "limits": {"icmp-errors": 1000},
            "mobile-nodes": [{"id": node_id(i), "mac": node_mac(i), "lma": "lma2" if i == 5 else "lma",
                              **({"local-routing": True} if i in (1, 3) else {})} for i in range(1, 10)]})
        self.prefix = {number: self.attach(number) for number in (1, 2, 3, 5)}

    def _acknowledge(self, packet):
        """The LMA: every PBU gets its PBA with the prefix of its node."""
        if not mobility.is_mh(packet, mobility.PBU):
            return None
        request = mobility.Message(packet)
        number = int(request.mn_id[2:].split("@")[0])
        if number in self.silent:
            return None
        answer = mobility.pba(request, [(self.given[number], 64)], self.status.get(number, 0))
        return [Ether(src=self.core.hosts[request.destination], dst=self.core.mac) / answer]

    def from_node(self, number, packet, mac=None, vlan=None, destination=FIXED_MAC):
        return (Ether(src=mac or node_mac(number), dst=destination) /
                Dot1Q(vlan=vlan or self.vlan.get(number, 10)) / packet)

    @staticmethod
    def link_local(number):
        return f"fe80::ff:fe00:10{number:02x}"

    def solicit(self, number):
        packet = (IPv6(src=self.link_local(number), dst="ff02::2", hlim=255) / ICMPv6ND_RS() /
                  ICMPv6NDOptSrcLLAddr(lladdr=node_mac(number)))
        self.access.send(self.from_node(number, packet, destination="33:33:00:00:00:02"))

    def attach(self, number):
        """The prefix of the router advertisement that the node gets."""
        self.solicit(number)
        data = self.access.expect(lambda p: ICMPv6ND_RA in p and p[Ether].dst == node_mac(number), 10,
                                  "router advertisement")
        return Ether(data)[ICMPv6NDOptPrefixInfo].prefix

    def tunnelled(self, inner, source=LMAA, **outer):
        """A frame of the LMA with an inner packet."""
        return (Ether(src=self.core.hosts.get(source, STRANGER_MAC), dst=self.core.mac) /
                IPv6(src=source, dst=MAG1, nh=41, **outer) / inner)
