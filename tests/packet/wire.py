# SPDX-License-Identifier: BSD-3-Clause
"""The other end of a gateway's cable: sends frames, keeps what comes, and plays the neighbours that live there.

A thread reads the socket. It answers neighbour solicitations for the addresses of the wire's hosts, so that the gateway
always finds them, and hands every frame to those who answer by themselves (an LMA that acknowledges registrations).
"""

import collections
import ctypes
import os
import select
import socket
import struct
import threading
import time

from scapy.layers.inet6 import (ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6NDOptDstLLAddr, IPv6)
from scapy.layers.l2 import Dot1Q, Ether

CLONE_NEWNET = 0x40000000
SOL_PACKET, PACKET_AUXDATA, PACKET_OUTGOING = 263, 8, 4
VLAN_VALID = 0x10
_libc = ctypes.CDLL(None, use_errno=True)


class in_namespace:
    """What is opened inside lives in that namespace; the thread comes back afterwards."""

    def __init__(self, name):
        self.path = f"/run/netns/{name}"

    def _enter(self, path):
        with open(path, "rb") as handle:
            if _libc.setns(handle.fileno(), CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), f"setns {path}")

    def __enter__(self):
        self.back = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        self._enter(self.path)

    def __exit__(self, *_):
        try:
            if _libc.setns(self.back, CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns back")
        finally:
            os.close(self.back)


class Wire:
    def __init__(self, namespace, interface):
        with in_namespace(namespace):
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            self.socket.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
            self.socket.bind((interface, 0))
        self.hosts = {}      # address -> MAC, answered for
        self.answerers = []  # functions of a packet that return packets to send, or None
        self.frames = collections.deque()
        self.arrived = threading.Condition()
        self.running = True
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def close(self):
        self.running = False
        self.thread.join(5)
        self.socket.close()

    # ---- what comes ----

    def _solicited(self, packet):
        if ICMPv6ND_NS not in packet or packet[ICMPv6ND_NS].tgt not in self.hosts or packet[IPv6].src == "::":
            return None
        target = packet[ICMPv6ND_NS].tgt
        mac = self.hosts[target]
        return [Ether(src=mac, dst=packet[Ether].src) / IPv6(src=target, dst=packet[IPv6].src, hlim=255) /
                ICMPv6ND_NA(tgt=target, R=0, S=1, O=1) / ICMPv6NDOptDstLLAddr(lladdr=mac)]

    @staticmethod
    def _with_tag(data, ancillary):
        """The kernel takes VLAN tags off and tells them beside the frame."""
        for level, kind, value in ancillary:
            if level == SOL_PACKET and kind == PACKET_AUXDATA:
                status, _, _, _, _, tag, protocol = struct.unpack("=IIIHHHH", value[:20])
                if status & VLAN_VALID:
                    return data[:12] + struct.pack("!HH", protocol or 0x8100, tag) + data[12:]
        return data

    def _read(self):
        while self.running:
            if not select.select([self.socket], [], [], 0.2)[0]:
                continue
            data, ancillary, _, address = self.socket.recvmsg(65536, 256)
            if address[2] == PACKET_OUTGOING:
                continue
            data = self._with_tag(data, ancillary)
            packet = Ether(data)
            for answerer in [self._solicited, *self.answerers]:
                for answer in answerer(packet) or []:
                    self.send(answer)
            with self.arrived:
                self.frames.append((data, packet))
                self.arrived.notify_all()

    # ---- what tests do ----

    def send(self, packet):
        self.socket.send(bytes(packet))

    def clear(self):
        with self.arrived:
            self.frames.clear()

    def expect(self, match, deadline_s=5, what="a packet"):
        """The bytes of the first frame, since the last clear(), for which match(packet) holds; it is taken out."""
        end = time.monotonic() + deadline_s
        with self.arrived:
            while True:
                for entry in self.frames:
                    if match(entry[1]):
                        self.frames.remove(entry)
                        return entry[0]
                left = end - time.monotonic()
                if left <= 0:
                    seen = "; ".join(packet.summary() for _, packet in self.frames) or "nothing"
                    raise AssertionError(f"not within {deadline_s} s: {what}; seen: {seen}")
                self.arrived.wait(left)

    def seen(self, match):
        with self.arrived:
            return [data for data, packet in self.frames if match(packet)]


def vlan_of(packet):
    return packet[Dot1Q].vlan if Dot1Q in packet else None
