# SPDX-License-Identifier: BSD-3-Clause
"""Mobility Header messages of a peer that nobody but these tests wrote: built and read octet by octet."""

import struct
import time

from scapy.layers.inet6 import IPv6, in6_chksum
from scapy.packet import Raw
from scapy.pton_ntop import inet_ntop, inet_pton
import socket

MH = 135
PBU, PBA, HEARTBEAT = 5, 6, 13
A_FLAG, P_FLAG = 0x8000, 0x0200
ALL_ZERO = "::"


def timestamp_now():
    now = time.time()
    return int(now) << 16 | int((now % 1) * 65536)


def option(kind, data):
    return bytes([kind, len(data)]) + data


def pad(length):
    if length == 0:
        return b""
    return b"\0" if length == 1 else bytes([1, length - 2]) + bytes(length - 2)


def aligned(so_far, kind, data, factor=1, offset=0):
    return pad((offset - so_far) % factor) + option(kind, data)


def proxy_options(mn_id, prefixes, handoff=1, technology=4, timestamp=None, link_layer=None):
    """Options of a PBU behind its fixed part (offset 12)."""
    out = b""
    for kind, data, factor, offset in [
            (8, b"\x01" + mn_id.encode(), 1, 0),
            *[(22, bytes([0, length]) + inet_pton(socket.AF_INET6, prefix), 8, 4) for prefix, length in prefixes],
            (23, bytes([0, handoff]), 1, 0),
            (24, bytes([0, technology]), 1, 0),
            *([(27, struct.pack("!Q", timestamp), 8, 2)] if timestamp is not None else []),
            *([(25, b"\0\0" + link_layer, 8, 0)] if link_layer else [])]:
        out += aligned(12 + len(out), kind, data, factor, offset)
    return out + pad(-(12 + len(out)) % 8)


def message(source, destination, kind, body):
    """A whole IPv6 packet with a Mobility Header of that type; body starts at octet 6."""
    total = 6 + len(body)
    assert total % 8 == 0
    header = bytearray(struct.pack("!BBBBH", 59, total // 8 - 1, kind, 0, 0) + body)
    packet = IPv6(src=source, dst=destination, nh=MH)
    header[4:6] = struct.pack("!H", in6_chksum(MH, packet, bytes(header)))
    return packet / Raw(bytes(header))


def pbu(source, destination, mn_id, prefixes=((ALL_ZERO, 0),), sequence=1, lifetime_s=600, timestamp=None, **options):
    fixed = struct.pack("!HHH", sequence, A_FLAG | P_FLAG, lifetime_s // 4)
    stamp = timestamp_now() if timestamp is None else timestamp
    return message(source, destination, PBU, fixed + proxy_options(mn_id, prefixes, timestamp=stamp, **options))


class Message:
    """A received Mobility Header message."""

    def __init__(self, packet):
        self.source, self.destination = packet[IPv6].src, packet[IPv6].dst
        self.bytes = bytes(packet[IPv6].payload)
        self.kind = self.bytes[2]
        body = self.bytes[6:(self.bytes[1] + 1) * 8]
        if self.kind == PBU:
            self.sequence, self.flags, self.lifetime = struct.unpack("!HHH", body[:6])
        elif self.kind == PBA:
            self.status, self.flags, self.sequence, self.lifetime = struct.unpack("!BBHH", body[:6])
        self.options = list(self._options(body[6:]))

    @staticmethod
    def _options(data):
        while data:
            if data[0] == 0:
                data = data[1:]
                continue
            kind, length = data[0], data[1]
            if kind != 1:
                yield kind, data[2:2 + length]
            data = data[2 + length:]

    def option(self, kind):
        return next((data for found, data in self.options if found == kind), None)

    @property
    def mn_id(self):
        return self.option(8)[1:].decode()

    @property
    def prefixes(self):
        return [(inet_ntop(socket.AF_INET6, data[2:18]), data[1]) for kind, data in self.options if kind == 22]


def is_mh(packet, kind):
    return IPv6 in packet and packet[IPv6].nh == MH and bytes(packet[IPv6].payload)[2] == kind


def pba(request, prefixes, status=0, lifetime=None):
    """The answer of an LMA to a PBU."""
    fixed = struct.pack("!BBHH", status, 0x20, request.sequence, request.lifetime if lifetime is None else lifetime)
    stamp = request.option(27)
    options = proxy_options(request.mn_id, prefixes, handoff=request.option(23)[1], technology=request.option(24)[1],
                            timestamp=struct.unpack("!Q", stamp)[0] if stamp else None,
                            link_layer=request.option(25)[2:] if request.option(25) else None)
    return message(request.destination, request.source, PBA, fixed + options)
