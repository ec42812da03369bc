#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The highest rate that a gateway forwards without loss, as RFC 2544 section 26.1 has it: trials, the interval halved.

    throughput.py trex --profile trex/mag_uplink.py --plan DIR/plan.json --tx 0 --rx 1 --max-pps 30e6
    throughput.py kernel --frames DIR/mag_uplink.pcap --tx IF --rx IF --max-pps 100000

trex drives a TRex server by its public API. kernel sends a capture on an interface of this machine and counts what comes
back on another one: for a gateway on tap interfaces, where the generator is the limit sooner than a real one would be.

A line of JSON per trial, the last one is the result: throughput_pps is null if no rate passed. A trial in which the
generator itself stayed 1 % or more below the rate does not pass: its line has "generator_limit": true.
"""

import argparse
import json
import socket
import struct
import sys
import time
from pathlib import Path

BURST = 32
DRAIN_S = 2.0  # RFC 2544 section 23: what is still in the gateway
ETH_P_IPV6 = 0x86dd


def read_pcap(path):
    data = Path(path).read_bytes()
    if len(data) < 24 or struct.unpack_from("=I", data)[0] != 0xa1b2c3d4:
        raise ValueError(f"{path}: no capture of this machine's byte order")
    frames, at = [], 24
    while at + 16 <= len(data):
        length = struct.unpack_from("=I", data, at + 8)[0]
        frames.append(data[at + 16:at + 16 + length])
        at += 16 + length
    if not frames:
        raise ValueError(f"{path}: no frames")
    return frames


class KernelPorts:
    """Two interfaces of the kernel, which may be one and the same."""

    def __init__(self, tx, rx, frames, drain_s=DRAIN_S):
        self.frames, self.drain_s, self.next = frames, drain_s, 0
        self.counter = Path(f"/sys/class/net/{rx}/statistics/rx_packets")
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.socket.bind((tx, ETH_P_IPV6))

    def close(self):
        self.socket.close()

    def received(self):
        return int(self.counter.read_text())

    def send(self, count):
        for _ in range(count):
            try:
                self.socket.send(self.frames[self.next % len(self.frames)])
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno != 105:  # ENOBUFS: the queue of the interface is full
                    raise
                return
            self.next += 1

    def drain(self, sent, before):
        end = time.monotonic() + self.drain_s
        while self.received() - before < sent and time.monotonic() < end:
            time.sleep(0.005)

    def trial(self, pps, seconds):
        """(sent, received, seconds that it took to send)"""
        before, first, start = self.received(), self.next, time.monotonic()
        elapsed = 0
        while elapsed < seconds:
            due = int(elapsed * pps) - (self.next - first)
            if due > 0:
                self.send(min(due, BURST))
            else:
                time.sleep(min(0.0005, seconds - elapsed))
            elapsed = time.monotonic() - start
        sent = self.next - first
        self.drain(sent, before)
        return sent, self.received() - before, elapsed


class TrexPorts:
    """Two ports of a TRex server."""

    def __init__(self, server, tx, rx, profile, tunables):
        from trex_stl_lib.api import STLClient, STLProfile
        self.tx, self.rx = tx, rx
        self.client = STLClient(server=server)
        self.client.connect()
        ports = sorted({tx, rx})
        self.client.reset(ports=ports)
        self.client.set_port_attr(ports=ports, promiscuous=True)
        streams = STLProfile.load_py(str(profile), direction=0, port_id=tx, tunables=tunables).get_streams()
        self.client.add_streams(streams, ports=[tx])

    def close(self):
        self.client.disconnect()

    def trial(self, pps, seconds):
        self.client.clear_stats()
        self.client.start(ports=[self.tx], mult=f"{pps:.0f}pps", duration=seconds, force=True)
        self.client.wait_on_traffic(ports=[self.tx])
        time.sleep(DRAIN_S)
        stats = self.client.get_stats()
        return stats[self.tx]["opackets"], stats[self.rx]["ipackets"], seconds

    def latency(self):
        """{"average", "total_max", "total_min", "jitter"} in microseconds of the latency stream, or None."""
        groups = self.client.get_stats().get("latency", {})
        found = groups.get(1, {}).get("latency")
        return found and {name: found[name] for name in ("total_min", "average", "total_max", "jitter")}


def tell(row):
    print(json.dumps(row), flush=True)


def passes(ports, pps, seconds):
    sent, received, took = ports.trial(pps, seconds)
    limited = sent < pps * took * 0.99 - BURST
    row = {"pps": round(pps), "seconds": round(took, 3), "sent": sent, "received": received, "lost": sent - received}
    if limited:
        row["generator_limit"] = True
    tell(row)
    return sent > 0 and received >= sent and not limited


def search(ports, max_pps, seconds, resolution, repeat_s):
    """The highest rate that passed, and passed again for repeat_s; None: there is none."""
    low, high, rate = 0, max_pps, max_pps
    while high - low > max_pps * resolution:
        if passes(ports, rate, seconds):
            low = rate
        else:
            high = rate
        rate = (low + high) / 2
    return low if low > 0 and passes(ports, low, repeat_s) else None


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = parser.add_subparsers(dest="kind", required=True)
    trex, kernel = kinds.add_parser("trex"), kinds.add_parser("kernel")
    for kind in (trex, kernel):
        kind.add_argument("--max-pps", type=float, required=True, help="where the search begins")
        kind.add_argument("--seconds", type=float, default=60, help="of a trial; RFC 2544 wants 60 for the result")
        kind.add_argument("--repeat", type=float, default=60, help="seconds of the last trial, at the rate found")
        kind.add_argument("--resolution", type=float, default=0.005, help="part of max-pps where the search ends")
    trex.add_argument("--server", default="127.0.0.1")
    trex.add_argument("--profile", required=True)
    trex.add_argument("--plan", required=True)
    trex.add_argument("--size", default="78")
    trex.add_argument("--latency", action="store_true", help="measure the delay of 1000 packets per second besides")
    trex.add_argument("--tx", type=int, default=0)
    trex.add_argument("--rx", type=int, default=1)
    kernel.add_argument("--frames", required=True, help="a capture of generate.py")
    kernel.add_argument("--tx", required=True)
    kernel.add_argument("--rx", required=True)
    return parser.parse_args()


def open_ports(args):
    if args.kind == "kernel":
        return KernelPorts(args.tx, args.rx, read_pcap(args.frames))
    tunables = ["--plan", args.plan, "--size", args.size, "--latency", "yes" if args.latency else "no"]
    return TrexPorts(args.server, args.tx, args.rx, args.profile, tunables)


def main():
    args = arguments()
    if args.max_pps <= 0 or args.seconds <= 0 or args.repeat <= 0 or not 0 < args.resolution < 1:
        sys.exit("throughput.py: rates and seconds are above 0, the resolution is between 0 and 1")
    try:
        ports = open_ports(args)
    except ModuleNotFoundError as error:
        sys.exit(f"throughput.py: {error}: PYTHONPATH has to name automation/trex_control_plane/interactive of TRex")
    except (OSError, ValueError) as error:
        sys.exit(f"throughput.py: {error}")
    try:
        found = search(ports, args.max_pps, args.seconds, args.resolution, args.repeat)
        result = {"throughput_pps": found and round(found)}
        if args.kind == "trex" and args.latency:
            result["latency_us"] = ports.latency()
        tell(result)
    finally:
        ports.close()


if __name__ == "__main__":
    main()
