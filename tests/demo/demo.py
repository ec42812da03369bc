#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""A Proxy Mobile IPv6 domain on one machine, step by step.

KEEP=1 leaves it running and prints how to look around.
"""

import json
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from lab.domain import SERVER, Domain, node_id  # noqa: E402
from lab.lab import ROOT, Lab, LabError, wait_until  # noqa: E402

TRAFFIC = ROOT / "tests" / "lab" / "traffic.py"
KEEP = os.environ.get("KEEP") == "1"


def say(title, text=""):
    print(f"\n== {title}", flush=True)
    if text:
        print(textwrap.fill(" ".join(text.split()), 100), flush=True)


def show(gateway, *arguments):
    print(f"$ hawserctl {' '.join(arguments)}    # on {gateway.name}")
    print(textwrap.indent(gateway.ctl(*arguments, text=True).rstrip(), "  "), flush=True)


def ping(lab, node, target, count=3):
    result = lab.run(node, "ping", "-6", "-n", "-c", count, "-i", "0.2", "-W", "2", target, check=False)
    print(f"$ ping {target}    # on {node}")
    print(textwrap.indent("\n".join(result.stdout.splitlines()[-2:]), "  "), flush=True)
    if result.returncode != 0:
        raise LabError(f"{node} does not reach {target}")


def discovery_capture(lab, node):
    """Records router solicitations and advertisements as the mobile node's kernel sees them."""
    path = lab.directory / f"{node}.pcap"
    process = lab.start(node, "tcpdump", "-i", "wlan0", "-U", "-w", path, "icmp6 and (ip6[40] == 133 or ip6[40] == 134)")
    wait_until(path.exists, 10, "tcpdump records")
    return process, path


def solicitation_to_advertisement_ms(path):
    """From the last solicitation before the first advertisement to that advertisement; earlier ones nobody heard."""
    output = subprocess.run(["tshark", "-r", path, "-T", "fields", "-e", "frame.time_epoch", "-e", "icmpv6.type"],
                            capture_output=True, text=True, check=False).stdout
    solicited = None
    for line in output.splitlines():
        at, kind = line.split()[:2]
        if kind == "133":
            solicited = float(at)
        elif kind == "134" and solicited is not None:
            return round((float(at) - solicited) * 1000, 2)
    return None


def attach(domain, node, mag):
    lab = domain.lab
    domain.switch_on(node)
    capture, path = discovery_capture(lab, f"mn{node}")
    domain.plug(node, mag)
    address = domain.address(node)
    milliseconds = wait_until(lambda: solicitation_to_advertisement_ms(path), 10, "a router solicitation was answered",
                              every_s=0.3)
    capture.terminate()
    print(f"mn{node} attached to mag{mag} and configured {address} (router solicitation to advertisement: {milliseconds} ms)")
    return address, milliseconds


def collect(process, deadline_s):
    output, _ = process.communicate(timeout=deadline_s)
    return json.loads(output)


def handover_with_tcp(domain, results):
    lab = domain.lab
    before = domain.address(1)
    lab.start("server", sys.executable, TRAFFIC, "sink", "9000")
    tcp = lab.start("mn1", sys.executable, TRAFFIC, "source", SERVER, "9000", "6", stdout=subprocess.PIPE, text=True)
    time.sleep(3)  # of the transfer's six seconds: the handover lies in their middle
    domain.plug(1, 2)
    result = collect(tcp, 40)
    results["tcp_survived"] = bool(result["whole"])
    results["tcp_mbit_s"] = result["mbit_s"]
    results["same_address"] = domain.address(1) == before
    print(f"TCP transfer: {result['bytes']} octets, {result['mbit_s']} Mbit/s, every octet arrived: {result['whole']}")


def handover_with_probe(domain, results):
    lab = domain.lab
    lab.start("server", sys.executable, TRAFFIC, "echo", "7")
    probe = lab.start("mn2", sys.executable, TRAFFIC, "probe", SERVER, "7", "1000", "6", stdout=subprocess.PIPE, text=True)
    time.sleep(3)
    domain.plug(2, 2)
    result = collect(probe, 40)
    results["handover_gap_ms"] = result["gap_ms"]
    results["handover_lost_packets"] = result["lost"]
    print(f"probe of 1000 packets/s through the handover: {result['lost']} of {result['sent']} lost, "
          f"longest gap {result['gap_ms']} ms")


def look_around(domain):
    lab = domain.lab
    print("\nThe domain keeps running. Look around in another terminal:")
    for gateway in lab.gateways.values():
        print(f"  {lab.build}/hawserctl --socket {gateway.socket} show bindings")
    print(f"  ip netns exec {lab.namespaces['mn1']} ping {SERVER}")
    print(f"  move mn2 to mag2: ip netns exec {lab.namespaces['air']} ip link set mn2 master air2")
    print("Ctrl-C ends it and cleans up.", flush=True)
    while True:
        time.sleep(3600)


def summary(results, seconds):
    say("What was measured")
    width = max(map(len, results))
    for name, value in results.items():
        print(f"  {name:{width}}  {value}")
    (ROOT / "build" / "demo.json").write_text(json.dumps(results, indent=2) + "\n")
    print(f"\nwritten to build/demo.json; the demo took {seconds:.0f} s")


def main():
    start = time.monotonic()
    results = {}
    with Lab("demo") as lab:
        say("A Proxy Mobile IPv6 domain in network namespaces", """One LMA, two MAGs, two Linux hosts as mobile nodes, a server
            on the outside: nine namespaces. The mobile nodes run nothing of Hawser: all they see is a router.""")
        domain = Domain(lab, lma_variables={"MinDelayBeforeBCEDelete": 2000}).start()
        print("gateways up: " + ", ".join(f"{g.name} (pid {g.process.pid})" for g in lab.gateways.values()))

        say("1. The mobile nodes attach", """The MAG hears a mobile node, registers it with the LMA (Proxy Binding Update and
            Acknowledgement), and advertises the home network prefix that the LMA assigned. The host configures its address by
            SLAAC.""")
        address1, results["attach_ms"] = attach(domain, 1, 1)
        address2, _ = attach(domain, 2, 1)
        results["pbu_pba_ms"] = round(domain.mag(1).rows("bindings", mn=node_id(1))[0]["pbu_pba_us"] / 1000, 3)
        show(domain.lma, "show", "bindings")
        show(domain.lma, "show", "tunnels")
        show(domain.mag(1), "show", "bindings")

        say("2. To the server behind the LMA, and between the mobile nodes", """Uplink packets go through the tunnel from MAG to
            LMA; what is for another mobile node turns around at the LMA.""")
        ping(lab, "mn1", SERVER)
        ping(lab, "mn1", address2)
        ping(lab, "server", address1)

        say("3. mn1 moves from mag1 to mag2 while it sends", """Its cable is plugged into the other access switch in the middle
            of a TCP transfer. mag2 hears it, registers it, the LMA moves the tunnel; the address stays.""")
        handover_with_tcp(domain, results)
        show(domain.lma, "show", "bindings")
        show(domain.mag(2), "show", "bindings")
        show(domain.lma, "why", node_id(1))
        ping(lab, "mn1", address2)

        say("4. mn2 follows, under a probe of 1000 packets a second")
        handover_with_probe(domain, results)
        show(domain.lma, "show", "bindings")

        say("5. What the data plane counted")
        show(domain.lma, "show", "stages")
        show(domain.lma, "show", "drops")

        summary(results, time.monotonic() - start)
        if KEEP:
            look_around(domain)
        say("Shutting down", "The MAGs de-register their mobile nodes; every packet buffer must be back.")
        for name in ("mag1", "mag2", "lma"):
            code = lab.gateways[name].stop()
            line = [entry for entry in lab.gateways[name].output().splitlines() if "event=stopped" in entry]
            print(f"{name}: exit code {code} {line[-1].split('event=stopped ')[-1] if line else ''}")
    return 0 if results["tcp_survived"] and results["same_address"] else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LabError as failure:
        print(f"demo: {failure}", file=sys.stderr)
        sys.exit(1)
