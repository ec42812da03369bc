#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Traffic for the laboratory; each command prints one JSON object at its end.

traffic.py echo PORT                          UDP echo server until SIGTERM
traffic.py probe ADDRESS PORT RATE SECONDS    numbered UDP packets to an echo server: loss, longest gap, order
traffic.py sink PORT                          TCP: takes one connection, answers with the count and the SHA-256
traffic.py source ADDRESS PORT SECONDS        TCP: sends for so long, compares the sink's answer
"""

import hashlib
import json
import select
import signal
import socket
import struct
import sys
import time


def listening(kind, port):
    server = socket.socket(socket.AF_INET6, kind)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("::", port))
    return server


def echo(port):
    server = listening(socket.SOCK_DGRAM, port)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    while True:
        data, sender = server.recvfrom(2048)
        try:
            server.sendto(data, sender)
        except OSError:
            continue


def probe(address, port, rate, seconds):
    client = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    client.setblocking(False)
    total = int(rate * seconds)
    start = time.monotonic()
    seen, order, arrivals, sent, unsendable = set(), [], [], 0, 0
    while True:
        now = time.monotonic()
        while sent < total and now >= start + sent / rate:
            try:
                client.sendto(struct.pack("!Id", sent, now) + bytes(84), (address, port))
            except OSError:
                unsendable += 1
            sent += 1
        if sent == total and (now > start + seconds + 1 or len(seen) + unsendable >= total):
            break
        due = start + sent / rate if sent < total else now + 0.05
        select.select([client], [], [], max(0, min(due - now, 0.01)))
        while True:
            try:
                data = client.recv(2048)
            except OSError:
                break
            number, _ = struct.unpack_from("!Id", data)
            arrivals.append((number, time.monotonic()))
            order.append(number)
            seen.add(number)
    gap = max((b[1] - a[1] for a, b in zip(arrivals, arrivals[1:])), default=seconds)
    return {"sent": sent, "received": len(seen), "lost": sent - len(seen), "duplicates": len(order) - len(seen),
            "reordered": sum(b < a for a, b in zip(order, order[1:])), "gap_ms": round(gap * 1000, 2)}


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


def source(address, port, seconds):
    connection = socket.create_connection((address, port), timeout=30)
    digest, count = hashlib.sha256(), 0
    block = bytes(range(256)) * 64
    start = time.monotonic()
    failure = None
    answer = b""
    try:
        while time.monotonic() - start < seconds:
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
    elif command == "sink":
        result = sink(int(arguments[0]))
    elif command == "source":
        result = source(arguments[0], int(arguments[1]), float(arguments[2]))
    else:
        sys.exit(__doc__)
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
