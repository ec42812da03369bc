# SPDX-License-Identifier: BSD-3-Clause
"""Who is where, and what each of them sends: one numbering for bindings, gateway files and frames of every generator.

A Plan is made from a few numbers and a seed, and is kept as plan.json. Mobile node i has the home network HOMES + i and
the MAC address 02:01 + i; its partner at the other MAG has PARTNERS + i. Frames are octets, without any library: what a
profile sends for index i is frame(i), in Python, in a pcap file, and as a template with counters in TRex.

Checksums are right for every i without being computed again: next to each address that counts up, a word of the payload
counts down.
"""

import ipaddress
import json
import os
import random
import struct
import time

HOMES, PARTNERS = 0x20010db810000000, 0x20010db820000000  # upper 64 bits; the next home networks follow
HOMES_PREFIXES = ["2001:db8:1000::/36", "2001:db8:2000::/36"]
NODES_MAX = 1 << 24
INTERFACE_ID = 0x10
SERVER = "2001:db8:f::100"
CORE, OUTSIDE = "2001:db8:0:1", "2001:db8:0:2"
LMAA, ROUTER = f"{CORE}::1", f"{OUTSIDE}::ff"
ACCESS_MAC = "00:00:5e:00:52:13"  # RFC 6543: what every MAG shows to its mobile nodes
DAY_MS = 86400000  # the longest validity of a timestamp at the LMA
IMIX = [(64, 7), (576, 4), (1420, 1)]
INNER_MIN, INNER_MAX = 56, 1460
ETHERNET, IPV6, UDP, WORDS = 14, 40, 8, 8


def octets(address):
    return ipaddress.IPv6Address(address).packed


def mac_octets(text):
    mac = bytes.fromhex(text.replace(":", ""))
    if len(mac) != 6:
        raise ValueError(f"{text}: no MAC address")
    return mac


def internet_checksum(data):
    data = data + b"\0" if len(data) % 2 else data
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def upper_checksum(source, destination, protocol, data):
    return internet_checksum(source + destination + struct.pack("!II", len(data), protocol) + data)


def ipv6(source, destination, protocol, payload, hop_limit=64):
    return struct.pack("!IHBB", 0x60000000, len(payload), protocol, hop_limit) + source + destination + payload


class Plan:
    FIELDS = {"seed": 1, "nodes": 1024, "mags": 4, "core_mac": "02:00:00:00:01:01", "other_mac": "02:00:00:00:01:02",
              "tester_core_mac": "02:00:00:00:02:01", "tester_other_mac": "02:00:00:00:02:02",
              "timestamps": 0}

    def __init__(self, **values):
        unknown = set(values) - set(self.FIELDS)
        if unknown:
            raise ValueError(f"not of a plan: {', '.join(sorted(unknown))}")
        for name, default in self.FIELDS.items():
            setattr(self, name, type(default)(values.get(name, default)))
        if not 2 <= self.nodes <= NODES_MAX or self.nodes % 2:
            raise ValueError(f"nodes {self.nodes}: allowed are even numbers from 2 to {NODES_MAX}")
        if not 2 <= self.mags <= min(1024, self.nodes):
            raise ValueError(f"mags {self.mags}: allowed are 2 to 1024, and not more than nodes")
        if self.timestamps not in (0, 1):
            raise ValueError(f"timestamps {self.timestamps}: allowed are 0 and 1")
        chance = random.Random(self.seed)
        self.ports = chance.randrange(1024, 65536), chance.randrange(1024, 65536)
        self.filler = bytes(chance.randrange(256) for _ in range(INNER_MAX))

    @classmethod
    def load(cls, path):
        with open(path, encoding="utf-8") as file:
            return cls(**json.load(file))

    def save(self, path):
        with open(path, "w", encoding="utf-8") as file:
            json.dump({name: getattr(self, name) for name in self.FIELDS}, file, indent=2)
            file.write("\n")

    # ---- who ----

    @staticmethod
    def prefix(upper):
        return f"{ipaddress.IPv6Address(upper << 64)}/64"

    @staticmethod
    def address(upper):
        return struct.pack("!QQ", upper, INTERFACE_ID)

    @staticmethod
    def node_mac(i):
        return struct.pack("!HI", 0x0201, i)

    def mag_of(self, i):
        """The MAG that has node i, at an LMA; nodes of a MAG follow each other."""
        return i * self.mags // self.nodes

    def nodes_of(self, mag):
        return -(-mag * self.nodes // self.mags), -(-(mag + 1) * self.nodes // self.mags)

    @staticmethod
    def mag_address(mag):
        return f"{CORE}::{0x1000 + mag:x}"

    # ---- files of the gateway ----

    def bindings(self, role):
        """The lines of the file for --forward-only."""
        yield f"# {role} of {self.nodes} nodes, seed {self.seed}: by pktgen-scripts/generate.py"
        if role == "lma":
            for mag in range(self.mags):
                yield f"neighbour,{self.mag_address(mag)},core0,{self.tester_core_mac}"
            yield f"neighbour,{ROUTER},out0,{self.tester_other_mac}"
            for i in range(self.nodes):
                yield f"binding,{self.prefix(HOMES + i)},mag{self.mag_of(i)}"
            return
        yield f"neighbour,{LMAA},core0,{self.tester_core_mac}"
        yield f"neighbour,{self.mag_address(1)},core0,{self.tester_core_mac}"
        for i in range(self.nodes):
            yield f"binding,{self.prefix(HOMES + i)},lma0,access0,{self.node_mac(i).hex(':')}"
        for i in range(self.nodes):
            yield f"pair,{self.prefix(HOMES + i)},{self.prefix(PARTNERS + i)},mag1"

    def gateway(self, role, core_device, other_device, directory, workers=(1,)):
        """A configuration of the gateway; the file is JSON, which is YAML."""
        lma = role == "lma"
        core = {"name": "core0", "device": core_device, "side": "core",
                "addresses": [f"{LMAA if lma else self.mag_address(0)}/64"]}
        common = {"role": role, "name": f"{role}0", "control-socket": os.path.join(directory, f"{role}.sock"),
                  "state-directory": os.path.join(directory, f"{role}.state"),
                  "dataplane": {"control-core": 0, "workers": list(workers)},
                  "limits": {"neighbours": max(1024, 2 * self.mags)},
                  "unknown-nodes": "profile"}
        if lma:
            outside = {"name": "out0", "device": other_device, "side": "outside", "addresses": [f"{OUTSIDE}::1/64"]}
            return {**common, "ports": [core, outside], "routes": [{"prefix": "::/0", "via": ROUTER}],
                    "peers": [{"name": f"mag{mag}", "address": self.mag_address(mag), "insecure": True}
                              for mag in range(self.mags)],
                    "lma": {"address": LMAA, "max-bindings": max(16, self.nodes), "restart-hold": 0,
                            "pools": [{"name": "pool0", "prefix": HOMES_PREFIXES[0]}]},
                    "variables": self.order_of_registrations(),
                    "default-profile": {"pool": "pool0"}}
        return {**common, "ports": [core, {"name": "access0", "device": other_device, "side": "access"}],
                "peers": [{"name": "lma0", "address": LMAA, "insecure": True},
                          {"name": "mag1", "address": self.mag_address(1), "role": "mag", "insecure": True}],
                "mag": {"address": self.mag_address(0), "max-nodes": max(16, self.nodes)},
                "route-optimisation": {"enabled": True, "direct-trust": "peers", "max-pairs": self.nodes,
                                       "eligible-prefixes": HOMES_PREFIXES},
                "default-profile": {"lma": "lma0"}}

    def order_of_registrations(self):
        """Of the LMA: frames made beforehand have sequence numbers, or the time when they were made, up to a day ago."""
        if self.timestamps:
            return {"TimestampBasedApproachInUse": True, "TimestampValidityWindow": DAY_MS}
        return {"TimestampBasedApproachInUse": False}

    # ---- frames ----

    def packet(self, source, destination, size, words):
        """The inner packet of size octets; words are the counters that keep the checksum as it is."""
        body = struct.pack("!II", *words) + self.filler[:size - IPV6 - UDP - WORDS]
        header = struct.pack("!HHHH", *self.ports, UDP + len(body), 0)
        checksum = upper_checksum(source, destination, 17, header + body) or 0xffff
        return ipv6(source, destination, 17, header[:6] + struct.pack("!H", checksum) + body)

    def pbu(self, i, sequence, lifetime_s=600):
        """A Proxy Binding Update of node i from its MAG: a Mobility Header without any protection. With timestamps it has
        the time of this call."""
        options = bytearray()

        def add(kind, data, factor=1, offset=0):
            gap = (offset - 12 - len(options)) % factor
            options.extend(b"" if gap == 0 else b"\0" if gap == 1 else bytes([1, gap - 2]) + bytes(gap - 2))
            options.extend(bytes([kind, len(data)]) + data)

        add(8, b"\x01" + f"{i:08x}@pktgen.example".encode())  # MN identifier, a NAI
        add(22, bytes([0, 64]) + struct.pack("!QQ", HOMES + i, 0), 8, 4)  # home network prefix
        add(23, bytes([0, 1]))  # handoff indicator: attachment over a new interface
        add(24, bytes([0, 4]))  # access technology: IEEE 802.11
        add(25, bytes(2) + self.node_mac(i), 8)  # link-layer identifier
        if self.timestamps:
            add(27, (time.time_ns() * 65536 // 10**9).to_bytes(8, "big"), 8, 2)  # seconds in 48 bits, 1/65536 in 16
        gap = -(12 + len(options)) % 8
        options.extend(b"" if gap == 0 else b"\0" if gap == 1 else bytes([1, gap - 2]) + bytes(gap - 2))
        fixed = struct.pack("!HHH", sequence & 0xffff, 0x8200, lifetime_s // 4)  # acknowledge, proxy registration
        body = fixed + bytes(options)
        header = struct.pack("!BBBB", 59, (6 + len(body)) // 8 - 1, 5, 0)
        source, destination = octets(self.mag_address(self.mag_of(i))), octets(LMAA)
        checksum = upper_checksum(source, destination, 135, header + bytes(2) + body)
        message = header + struct.pack("!H", checksum) + body
        return self.core_frame(ipv6(source, destination, 135, message))

    def core_frame(self, packet):
        return mac_octets(self.core_mac) + mac_octets(self.tester_core_mac) + b"\x86\xdd" + packet


class Profile:
    """One kind of traffic at one port of the gateway under test.

    role: which gateway; into and out: its ports. source, destination: how the inner addresses depend on the node: "home"
    and "partner" count up with it, "opposite" counts down, "server" stays.
    """

    def __init__(self, name, role, into, out, source, destination, outer=None):
        self.name, self.role, self.into, self.out = name, role, into, out
        self.source, self.destination, self.outer = source, destination, outer

    def blocks(self, plan):
        """(first, end) of the nodes that one template with counters can stand for."""
        if self.outer == "mag":
            return [plan.nodes_of(mag) for mag in range(plan.mags)]
        return [(0, plan.nodes)]

    @staticmethod
    def upper(kind, plan, i):
        return {"home": HOMES + i, "partner": PARTNERS + i, "opposite": HOMES + plan.nodes - 1 - i}[kind]

    def end(self, kind, plan, i):
        return octets(SERVER) if kind == "server" else plan.address(self.upper(kind, plan, i))

    def words(self, plan, i):
        """Counters against the addresses; where one address counts down against the other there is nothing to do."""
        if "opposite" in (self.source, self.destination):
            return 0, 0
        return [plan.nodes - 1 - i if kind in ("home", "partner") else 0 for kind in (self.source, self.destination)]

    def frame(self, plan, i, size):
        if not INNER_MIN <= size <= INNER_MAX:
            raise ValueError(f"inner packets of {size} octets: allowed are {INNER_MIN} to {INNER_MAX}")
        packet = plan.packet(self.end(self.source, plan, i), self.end(self.destination, plan, i), size,
                             self.words(plan, i))
        if self.into == "access0":
            return mac_octets(ACCESS_MAC) + plan.node_mac(i) + b"\x86\xdd" + packet
        if self.into == "out0":
            return mac_octets(plan.other_mac) + mac_octets(plan.tester_other_mac) + b"\x86\xdd" + packet
        if self.outer == "mag":
            outer = plan.mag_address(plan.mag_of(i)), LMAA
        else:
            outer = LMAA if self.outer == "lma" else plan.mag_address(1), plan.mag_address(0)
        return plan.core_frame(ipv6(octets(outer[0]), octets(outer[1]), 41, packet))

    def counters(self, plan, first, end):
        """(name, octets of 4 in the frame, value at first, +1 or -1): what differs between the frames of a block."""
        inner = ETHERNET + (IPV6 if self.into == "core0" else 0)
        found = []
        for kind, at in ((self.source, inner + 8), (self.destination, inner + 24)):
            if kind != "server":
                value = self.upper(kind, plan, first) & 0xffffffff
                found.append((f"{kind}_{at}", at + 4, value, -1 if kind == "opposite" else 1))
        for kind, word, at in zip((self.source, self.destination), self.words(plan, first), (0, 4)):
            if kind in ("home", "partner") and "opposite" not in (self.source, self.destination):
                found.append((f"word_{at}", inner + IPV6 + UDP + at, word, -1))
        if self.into == "access0":
            found.append(("mac", 8, first, 1))
        return found


PROFILES = {profile.name: profile for profile in [
    Profile("mag_uplink", "mag", "access0", "core0", "home", "server"),
    Profile("mag_downlink", "mag", "core0", "access0", "server", "home", outer="lma"),
    Profile("mag_uplink_direct", "mag", "access0", "core0", "home", "partner"),
    Profile("mag_downlink_direct", "mag", "core0", "access0", "partner", "home", outer="peer"),
    Profile("lma_uplink", "lma", "core0", "out0", "home", "server", outer="mag"),
    Profile("lma_downlink", "lma", "out0", "core0", "server", "home"),
    Profile("lma_hairpin", "lma", "core0", "core0", "home", "opposite", outer="mag"),
]}
