# SPDX-License-Identifier: BSD-3-Clause
"""Who has lost a packet: the kernels of the laboratory, for want of time or room, or a gateway."""

import json
import struct

NOISE = {"ip_destination_invalid", "own_unknown_protocol"}  # what kernels say of themselves: not for a gateway
MARKERS = {"marker"}  # consumed, as they should be
UDP_HEADER = 8


def kernel_drops(lab):
    """(host, what) -> packets that kernels dropped: in queues of interfaces, in sockets. Of a packet that a gateway's
    port had no room for the gateway knows nothing."""
    found = {}
    for where in lab.namespaces:
        for line in lab.run(where, "cat", "/proc/net/snmp6").stdout.splitlines():
            name, count = line.split()
            if name == "Udp6RcvbufErrors":
                found[where, name] = int(count)
        for link in json.loads(lab.run(where, "ip", "-j", "-s", "link").stdout):
            for way in ("rx", "tx"):
                found[where, f"{link['ifname']} {way} dropped"] = link["stats64"][way]["dropped"]
    return found


def gateway_drops(lab):
    """(gateway, reason) -> packets that were dropped, or answered with an error, without what has to be dropped."""
    found = {}
    for name, gateway in lab.gateways.items():
        found |= {(name, row["name"]): row["count"] for row in gateway.rows("drops") if row["name"] not in NOISE | MARKERS}
        found |= {(name, row["name"]): row["count"] for row in gateway.rows("punts") if row["name"].endswith("_error")}
    return found


def held(lab):
    """(MAG, how the wait ended) -> packets that did not wait for their marker until it came."""
    return {(name, why): sum(row[f"released_{why}"] for row in gateway.rows("workers"))
            for name, gateway in lab.gateways.items() if name.startswith("mag") for why in ("deadline", "overflow")}


def grown(before, after):
    return {key: count - before.get(key, 0) for key, count in after.items() if count > before.get(key, 0)}


class Losses:
    """From construction to since_then(): what was dropped by whom."""

    LOOKS = {"kernels": kernel_drops, "gateways": gateway_drops, "held": held}

    def __init__(self, lab):
        self.lab = lab
        self.before = self._look()

    def _look(self):
        return {name: look(self.lab) for name, look in self.LOOKS.items()}

    def since_then(self):
        after = self._look()
        return {name: grown(self.before[name], after[name]) for name in self.LOOKS}


def tracks(ro, numbers, since):
    """Packets of a probe by their numbers: every tunnel of the core in which they were seen, there and back."""
    ends, found = {ro.addresses[1], ro.addresses[2]}, {number: [] for number in numbers}
    for frame in ro.trace.frames(since):
        inner = frame.inner
        if inner and {inner.source, inner.destination} == ends and len(inner.payload) >= UDP_HEADER + 4:
            number, = struct.unpack_from("!I", inner.payload, UDP_HEADER)
            if number in found:
                found[number].append(f"{ro.trace.name(frame.source)}>{ro.trace.name(frame.destination)}")
    return found
