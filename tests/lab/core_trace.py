# SPDX-License-Identifier: BSD-3-Clause
"""What crossed the core network, read from a capture octet by octet: messages of route optimisation in both wire profiles,
registrations, and the packets inside the tunnels. Nothing here is shared with the gateways' own codec."""

import bisect
import ipaddress
import re
import struct
from dataclasses import dataclass, field
from functools import lru_cache

from .lab import wait_until

IPV6, UDP, IN_TUNNEL, ICMPV6, MOBILITY = 0x86dd, 17, 41, 58, 135
PBU, PBA, EXPERIMENTAL = 5, 6, 11
MAGIC, VERSION = 0x524f, 1
NATIVE_BASE = 239
MARKER = 11
NAMES = {1: "RO Init", 2: "RO Init Ack", 3: "RO Setup", 4: "RO Setup Ack", 5: "RO Report", 6: "RO Report Ack"}
MN_ID, HOME_PREFIX, TIMESTAMP, MAG_ADDRESS, EXPERIMENTAL_OPTION = 8, 22, 27, 51, 18
AUTHORISATION = 6
PROXY, CONTROLLER, EARLY, HANDOVER = 0x80, 0x40, 0x20, 0x10
ACTIVE, CREATED, REMOVED, FAILED = 0, 1, 5, 128
NEW_FLOW, HANDOVER_A, HANDOVER_B, REFRESH, TEAR_DOWN = 1, 2, 3, 4, 5


class BadMessage(Exception):
    """A message that does not follow the format."""


@dataclass
class Tuple:
    """One of the two mobile nodes of a message: tuple A is that of the receiver's side."""
    mn: str
    prefixes: list = field(default_factory=list)
    mag: str | None = None


@dataclass
class RoMessage:
    name: str
    native: bool
    sequence: int
    flags: int
    code: int
    lifetime: int
    association: int
    tuples: list
    stamp: int | None
    authorised: bool

    @property
    def tells_result(self):
        return self.name.endswith("Ack") or self.name == "RO Report"


@dataclass
class Frame:
    at: float
    source: str
    destination: str
    payload: bytes  # behind the IPv6 header
    protocol: int

    @property
    def kind(self):
        """MH type, or None."""
        return self.payload[2] if self.protocol == MOBILITY else None

    @property
    def inner(self):
        """The IPv6 packet in the tunnel, or None."""
        return ipv6(self.at, self.payload) if self.protocol == IN_TUNNEL else None


@lru_cache(maxsize=1024)
def address(data):
    return str(ipaddress.IPv6Address(data))


def ipv6(at, data):
    if len(data) < 40 or data[0] >> 4 != 6:
        return None
    length = struct.unpack_from("!H", data, 4)[0]
    return Frame(at, address(data[8:24]), address(data[24:40]), data[40:40 + length], data[6])


class Recording:
    """A pcap file that is still being written: what is new since the last look, as (time in s, octets)."""

    UNITS = {0xa1b2c3d4: 1e-6, 0xa1b23c4d: 1e-9}

    def __init__(self, path):
        self.path, self.offset, self.unit = path, 0, None

    def new(self):
        with open(self.path, "rb") as stream:
            stream.seek(self.offset)
            data = stream.read()
        at = 0
        if self.unit is None:
            if len(data) < 24:
                return
            self.unit = self.UNITS[struct.unpack_from("<I", data)[0]]
            at = 24
        while at + 16 <= len(data):
            seconds, fraction, size, _ = struct.unpack_from("<IIII", data, at)
            if at + 16 + size > len(data):
                break
            yield seconds + fraction * self.unit, data[at + 16:at + 16 + size]
            at += 16 + size
        self.offset += at


def checksum_is_right(frame):
    pseudo = (ipaddress.IPv6Address(frame.source).packed + ipaddress.IPv6Address(frame.destination).packed +
              struct.pack("!II", len(frame.payload), MOBILITY))
    data = pseudo + frame.payload + b"\0" * (len(frame.payload) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total > 0xffff:
        total = (total & 0xffff) + (total >> 16)
    return total == 0xffff


def options(data):
    while data:
        if data[0] == 0:
            data = data[1:]
            continue
        if len(data) < 2 or len(data) < 2 + data[1]:
            raise BadMessage("an option is longer than the message")
        yield data[0], data[2:2 + data[1]]
        data = data[2 + data[1]:]


def ro_option(kind, data):
    """Code and data of an option of route optimisation in either profile, or (None, data)."""
    if kind == EXPERIMENTAL_OPTION and len(data) >= 8 and struct.unpack_from("!HB", data) == (MAGIC, VERSION):
        return data[3], data[8:]
    return (kind - NATIVE_BASE, data) if NATIVE_BASE < kind <= NATIVE_BASE + 6 else (None, data)


def ro_code(frame):
    """(code, octets from the sequence number on) of a message of route optimisation, or None."""
    if frame.protocol != MOBILITY:
        return None
    message = frame.payload
    if message[2] == EXPERIMENTAL:
        magic, version, code = struct.unpack_from("!HBB", message, 6)
        return (code, message[14:]) if (magic, version) == (MAGIC, VERSION) else None
    code = message[2] - NATIVE_BASE
    return (code, message[6:]) if code in NAMES else None


def ro_message(frame):
    """The message of route optimisation in a frame, or None. BadMessage if it is not as the format says."""
    found = ro_code(frame)
    if found is None or found[0] not in NAMES:
        return None
    code, body = found
    if len(frame.payload) != (frame.payload[1] + 1) * 8:
        raise BadMessage("header length")
    if not checksum_is_right(frame):
        raise BadMessage("checksum")
    sequence, flags, value, lifetime, association = struct.unpack_from("!HBBHI", body)
    message = RoMessage(NAMES[code], frame.kind != EXPERIMENTAL, sequence, flags, value, lifetime, association, [], None, False)
    for kind, data in options(body[10:]):
        if kind == MN_ID:
            message.tuples.append(Tuple(data[1:].decode()))
        elif kind == HOME_PREFIX:
            message.tuples[-1].prefixes.append(f"{address(data[2:18])}/{data[1]}")
        elif kind == MAG_ADDRESS:
            message.tuples[-1].mag = address(data[2:18])
        elif kind == TIMESTAMP:
            message.stamp, = struct.unpack("!Q", data)
        elif ro_option(kind, data)[0] == AUTHORISATION:
            message.authorised = True
    return message


class CoreTrace:
    """Records the core switch: every frame once, in the order in which it was switched. names: address -> name in arrows.
    since: time.time() of a moment before what is looked for."""

    def __init__(self, lab, names, condition="ip6", snap=320):
        self.names = names
        self.path = lab.directory / f"core-{len(lab.processes)}.pcap"
        errors = self.path.with_suffix(".err")
        with open(errors, "wb") as stream:
            self.process = lab.start("core", "tcpdump", "-i", "switch", "--immediate-mode", "-U", "-B", "16384", "-s", snap,
                                     "-w", self.path, condition, stderr=stream)
        wait_until(lambda: "listening on" in errors.read_text(), 20, "tcpdump records the core switch")
        self.errors = errors
        self.recording, self.seen = Recording(self.path), []

    def stop(self):
        """Returns how many frames the kernel could not record."""
        self.process.terminate()
        self.process.wait(20)
        return int(re.search(r"(\d+) packets? dropped by kernel", self.errors.read_text()).group(1))

    def frames(self, since=0.0):
        for at, data in self.recording.new():
            if len(data) >= 54 and struct.unpack_from("!H", data, 12)[0] == IPV6:
                frame = ipv6(at, data[14:])
                if frame:
                    self.seen.append(frame)
        return self.seen[bisect.bisect_left(self.seen, since, key=lambda frame: frame.at):]

    def name(self, where):
        return self.names.get(where, where)

    def ro_messages(self, since=0.0):
        """(frame, message) of each message of route optimisation, in order."""
        found = ((frame, ro_message(frame)) for frame in self.frames(since))
        return [(frame, message) for frame, message in found if message]

    def arrow(self, frame, message):
        note = f" ({message.code})" if message.tells_result and message.code >= FAILED else ""
        return f"{self.name(frame.source)} -{message.name}-> {self.name(frame.destination)}{note}"

    def arrows(self, since=0.0):
        """The messages as the figures draw them: "LMA1 -RO Init-> MAG2"; a failure has its status behind. What a busy
        machine made a gateway send twice is one arrow."""
        once = {(frame.source, frame.destination, frame.payload): (frame, message)
                for frame, message in reversed(self.ro_messages(since))}
        return [self.arrow(*entry) for entry in sorted(once.values(), key=lambda entry: entry[0].at)]

    def carried(self, source, destination, since=0.0):
        """(time, sender, receiver of the tunnel) of each packet between two mobile nodes' addresses."""
        found = []
        for frame in self.frames(since):
            inner = frame.inner
            if inner and inner.protocol != MOBILITY and (inner.source, inner.destination) == (source, destination):
                found.append((frame.at, self.name(frame.source), self.name(frame.destination)))
        return found
