#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Traffic for the laboratory; each command prints one JSON object at its end.

traffic.py echo PORT                          UDP echo server until SIGTERM; it numbers what it sends back
traffic.py probe ADDRESS PORT RATE SECONDS    numbered UDP packets to an echo server: loss, longest gap, order, RTT
traffic.py path ADDRESS PORT                  which routers answer for which hop limit, until the target does
traffic.py sink PORT                          TCP: takes one connection, answers with the count and the SHA-256
traffic.py source ADDRESS PORT SECONDS [RATE] TCP: sends for so long, compares the sink's answer; RATE: octets/s at most

Each direction of a probe has its own order: the echo server writes how many packets of this sender it has had before.
SIGTERM ends a probe: no new packets, the last echoes are waited for, the result is printed. It ends a source in the same
way, before its time.
"""

import errno
import hashlib
import json
import select
import signal
import socket
import statistics
import struct
import sys
import time

IPV6_RECVERR = 25
SO_RCVBUFFORCE = 33
SO_MAX_PACING_RATE = 47
ROOM = 16 << 20  # octets that wait while the machine has no time for the program
HEADER = struct.Struct("!IdI")  # number, time of sending, number of the echo
SIZE = 96
LINGER_S = 1  # so long the last echoes are waited for
HOPS_MAX = 10
HOP_TRIES = 3
MISSING_TOLD = 10


def make_room(datagrams):
    """The kernel drops what finds no room: that would look like a loss on the way. Not everybody may ask for more."""
    try:
        datagrams.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, ROOM)
    except PermissionError:
        datagrams.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, ROOM)


def listening(kind, port):
    server = socket.socket(socket.AF_INET6, kind)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("::", port))
    return server


def echo(port):
    server = listening(socket.SOCK_DGRAM, port)
    make_room(server)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    echoed = {}
    while True:
        data, sender = server.recvfrom(2048)
        number = echoed.get(sender, 0)
        echoed[sender] = number + 1
        if len(data) >= HEADER.size:
            data = data[:HEADER.size - 4] + struct.pack("!I", number) + data[HEADER.size:]
        try:
            server.sendto(data, sender)
        except OSError:
            continue


class Probe:
    def __init__(self, rate, seconds):
        self.rate, self.total = rate, int(rate * seconds)
        self.sent, self.unsendable = 0, 0
        self.arrivals = []  # (number, number of the echo, when, round trip)
        self.seen = set()

    def end(self, *_):
        self.total = min(self.total, self.sent)

    def take(self, data):
        number, sent, echoed = HEADER.unpack_from(data)
        now = time.monotonic()
        self.arrivals.append((number, echoed, now, now - sent))
        self.seen.add(number)

    def result(self):
        numbers = [row[0] for row in self.arrivals]
        times = [row[2] for row in self.arrivals]
        there = [number for _, number in sorted({(echoed, number) for number, echoed, _, _ in self.arrivals})]
        echoes = [row[1] for row in self.arrivals]
        gap = max((b - a for a, b in zip(times, times[1:])), default=self.total / self.rate)
        arrived = max(echoes, default=-1) + 1  # what the echo server had, unless its last answers are lost
        return {"sent": self.sent, "received": len(self.seen), "lost": self.sent - len(self.seen),
                "missing": [number for number in range(self.sent) if number not in self.seen][:MISSING_TOLD],
                "duplicates": len(numbers) - len(self.seen), "reordered": inversions(numbers),
                "reordered_out": inversions(there), "reordered_back": inversions(echoes),
                "lost_back": arrived - len(set(echoes)), "unsendable": self.unsendable, "gap_ms": round(gap * 1000, 2),
                "rtt_ms": round(statistics.median([row[3] for row in self.arrivals]) * 1000, 3) if self.arrivals else None}


def inversions(numbers):
    """How many came behind one that was sent later."""
    late, highest = 0, -1
    for number in numbers:
        late += number < highest
        highest = max(highest, number)
    return late


def probe(address, port, rate, seconds):
    client = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    client.setblocking(False)
    make_room(client)
    run = Probe(rate, seconds)
    signal.signal(signal.SIGTERM, run.end)
    start = time.monotonic()
    over = None
    while True:
        now = time.monotonic()
        while run.sent < run.total and now >= start + run.sent / rate:
            try:
                client.sendto(HEADER.pack(run.sent, now, 0).ljust(SIZE, b"\0"), (address, port))
            except OSError:
                run.unsendable += 1
            run.sent += 1
        if run.sent >= run.total:
            over = over or now
            if now > over + LINGER_S or len(run.seen) + run.unsendable >= run.sent:
                return run.result()
        due = start + run.sent / rate if run.sent < run.total else now + 0.05
        select.select([client], [], [], max(0, min(due - now, 0.01)))
        while True:
            try:
                run.take(client.recv(2048))
            except OSError:
                break


def offender(client):
    """The router that complained, from the error queue: struct sock_extended_err and the address behind it."""
    try:
        _, ancillary, _, _ = client.recvmsg(512, 512, socket.MSG_ERRQUEUE)
    except OSError:
        return None
    for level, kind, data in ancillary:
        if level == socket.IPPROTO_IPV6 and kind == IPV6_RECVERR and len(data) >= 16 + 24:
            return socket.inet_ntop(socket.AF_INET6, data[24:40])
    return None


def hop(address, port, limit):
    """Who answers a packet of that hop limit, and after how many ms; (None, None) if nobody does."""
    for _ in range(HOP_TRIES):
        client = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        client.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
        client.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, limit)
        client.settimeout(1)
        client.connect((address, port))
        start = time.monotonic()
        client.send(HEADER.pack(0, start, 0).ljust(SIZE, b"\0"))
        try:
            client.recv(2048)
            found = address
        except TimeoutError:
            continue
        except OSError as error:
            found = offender(client) or errno.errorcode.get(error.errno)
        return found, round((time.monotonic() - start) * 1000, 3)
    return None, None


def path(address, port):
    hops = []
    for limit in range(1, HOPS_MAX + 1):
        found, milliseconds = hop(address, port, limit)
        hops.append({"hop": limit, "address": found, "ms": milliseconds})
        if found == address:
            break
    return {"hops": hops, "reached": hops[-1]["address"] == address}


def sink(port):
    server = listening(socket.SOCK_STREAM, port)
    server.listen(1)
    connection, _ = server.accept()
    digest, count = hashlib.sha256(), 0
    while True:
        data = connection.recv(65536)
        if not data:
            break
        digest.update(data)
        count += len(data)
    connection.sendall(json.dumps({"bytes": count, "sha256": digest.hexdigest()}).encode())
    connection.close()
    return {"bytes": count}


def source(address, port, seconds, rate=None):
    connection = socket.create_connection((address, port), timeout=30)
    if rate is not None:
        connection.setsockopt(socket.SOL_SOCKET, SO_MAX_PACING_RATE, rate)
    digest, count = hashlib.sha256(), 0
    block = bytes(range(256)) * 64
    start = time.monotonic()
    failure = None
    answer = b""
    told = []
    signal.signal(signal.SIGTERM, lambda *_: told.append(True))
    try:
        while not told and time.monotonic() - start < seconds:
            sent = connection.send(block)
            digest.update(block[:sent])
            count += sent
        elapsed = time.monotonic() - start
        connection.shutdown(socket.SHUT_WR)
        while True:
            data = connection.recv(4096)
            if not data:
                break
            answer += data
    except OSError as error:
        failure, elapsed = str(error), time.monotonic() - start
    whole = bool(answer) and json.loads(answer) == {"bytes": count, "sha256": digest.hexdigest()}
    return {"bytes": count, "seconds": round(elapsed, 3), "mbit_s": round(count * 8 / elapsed / 1e6, 1), "whole": whole,
            "error": failure}


def main():
    command, *arguments = sys.argv[1:]
    if command == "echo":
        return echo(int(arguments[0]))
    if command == "probe":
        result = probe(arguments[0], int(arguments[1]), float(arguments[2]), float(arguments[3]))
    elif command == "path":
        result = path(arguments[0], int(arguments[1]))
    elif command == "sink":
        result = sink(int(arguments[0]))
    elif command == "source":
        result = source(arguments[0], int(arguments[1]), float(arguments[2]), *map(int, arguments[3:]))
    else:
        sys.exit(__doc__)
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
