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
from lab.core_trace import CoreTrace  # noqa: E402
from lab.domain import LMAA, MAGS, SERVER, Domain, node_id  # noqa: E402
from lab.lab import ROOT, Lab, LabError, wait_until  # noqa: E402
from lab.programs import listens  # noqa: E402
from lab.programs import ping as quiet_ping  # noqa: E402
from lab.ro_world import NAMES  # noqa: E402

TRAFFIC = ROOT / "tests" / "lab" / "traffic.py"
ECHO_PORT = 7
# The demo's own packets before the probe are too few to move a pair: it shall be seen to move.
ROUTE_OPTIMISATION = {"in-order": True, "detect": False}
ROUTE_OPTIMISATION_LMA = {"mode": "direct", "detect-packets": 200, "detect-sample": 1, "detect-window": 1000}
DIRECT_PACKETS = 1000  # that shall go on the direct path before its counters are looked at
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
    if process.returncode != 0 or not output:
        raise LabError(f"{' '.join(process.args[-4:])} ended with exit code {process.returncode}")
    return json.loads(output)


def handover_with_tcp(domain, results):
    lab = domain.lab
    before = domain.address(1)
    lab.start("server", sys.executable, TRAFFIC, "sink", "9000")
    listens(lab, "server", "t", 9000)
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
    lab.start("server", sys.executable, TRAFFIC, "echo", str(ECHO_PORT))
    listens(lab, "server", "u", ECHO_PORT)
    probe = lab.start("mn2", sys.executable, TRAFFIC, "probe", SERVER, "7", "1000", "6", stdout=subprocess.PIPE, text=True)
    time.sleep(3)
    domain.plug(2, 2)
    result = collect(probe, 40)
    results["handover_gap_ms"] = result["gap_ms"]
    results["handover_lost_packets"] = result["lost"]
    print(f"probe of 1000 packets/s through the handover: {result['lost']} of {result['sent']} lost, "
          f"longest gap {result['gap_ms']} ms")


class Pair:
    """mn1 and mn2, and what the core switch sees of their packets."""

    def __init__(self, domain, results):
        self.domain, self.lab, self.results = domain, domain.lab, results
        self.addresses = {node: domain.address(node) for node in (1, 2)}
        self.trace = CoreTrace(self.lab, NAMES, "ip6 proto 135 or ip6 proto 41")
        self.echo = self.lab.start("mn2", sys.executable, TRAFFIC, "echo", str(ECHO_PORT))
        listens(self.lab, "mn2", "u", ECHO_PORT)

    def start(self, *arguments):
        return self.lab.start("mn1", sys.executable, TRAFFIC, *map(str, arguments), stdout=subprocess.PIPE, text=True)

    def probe(self, rate, seconds):
        return self.start("probe", self.addresses[2], ECHO_PORT, rate, seconds)

    def direct(self, since):
        """When packets of the pair passed between MAGs, either way, as (time, sender, receiver)."""
        both = (self.trace.carried(self.addresses[a], self.addresses[b], since) for a, b in ((1, 2), (2, 1)))
        return sorted(row for rows in both for row in rows if row[1].startswith("MAG") and row[2].startswith("MAG"))

    def path(self, name):
        """Asks for the routers between the mobile nodes, by growing hop limits."""
        hops = collect(self.start("path", self.addresses[2], ECHO_PORT), 60)["hops"]
        gateways = {LMAA: "lma", **{address: f"mag{i}" for i, address in MAGS.items()}, self.addresses[2]: "mn2"}
        print("$ traceroute mn2    # on mn1: " + " - ".join(["mn1", *(gateways.get(hop["address"], "*") for hop in hops)]))
        self.results[f"path_{name}"] = [gateways.get(hop["address"]) for hop in hops]

    def round_trip(self, name):
        result = collect(self.probe(50, 1), 20)
        self.results[f"rtt_{name}_ms"] = result["rtt_ms"]
        print(f"round trip over the {name} path: {result['rtt_ms']} ms (median of {result['received']})", flush=True)

    def anchor_packets(self):
        """Packets that the LMA took out of tunnels or put into them."""
        return sum(row["up_packets"] + row["down_packets"] for row in self.domain.lma.rows("tunnels"))

    def arrows(self, since):
        for frame, message in self.trace.ro_messages(since):
            print(f"  {frame.at - since:8.3f} s  {self.trace.arrow(frame, message)}")
        sys.stdout.flush()


def pair_moves(pair):
    """The pair talks, is seen by the LMA, and moves to the direct path; then the anchor has nothing to do any more."""
    results, since = pair.results, time.time()
    probe = pair.probe(1000, 5)
    wait_until(lambda: pair.direct(since), 20, "the pair is on the direct path", every_s=0.02)
    moved = pair.direct(since)[0][0]
    wait_until(lambda: len(pair.direct(since)) >= 100, 20, "the pair stays there", every_s=0.02)
    anchor, start = pair.anchor_packets(), time.time()
    wait_until(lambda: len(pair.direct(start)) >= DIRECT_PACKETS, 20, "packets on the direct path", every_s=0.05)
    results["anchor_packets_while_direct"] = pair.anchor_packets() - anchor
    direct = len(pair.direct(start))
    messages = pair.trace.ro_messages(since)
    results["ro_setup_ms"] = round((moved - messages[0][0].at) * 1000, 2)
    results["ro_messages"] = len(messages)
    result = collect(probe, 40)
    results["ro_setup_lost_packets"], results["ro_setup_reordered"] = result["lost"], result["reordered"]
    pair.arrows(since)
    print(f"{results['ro_setup_ms']} ms from the first message to the first packet on the direct path\n"
          f"probe of 1000 packets/s: {result['lost']} of {result['sent']} lost, {result['reordered']} out of order\n"
          f"while {direct} packets went from MAG to MAG the LMA carried {results['anchor_packets_while_direct']}", flush=True)


def pair_hands_over(pair):
    results, since = pair.results, time.time()
    probe = pair.probe(1000, 5)
    wait_until(lambda: len(pair.direct(since)) >= 1000, 20, "the probe runs", every_s=0.05)
    pair.domain.plug(1, 3)
    wait_until(lambda: ("MAG3", "MAG2") in {row[1:] for row in pair.direct(since)}, 20, "mag3 sends direct", every_s=0.05)
    result = collect(probe, 40)
    results["ro_handover_gap_ms"], results["ro_handover_lost_packets"] = result["gap_ms"], result["lost"]
    results["ro_handover_kept"] = pair.direct(since)[-1][1:] in (("MAG3", "MAG2"), ("MAG2", "MAG3"))
    pair.arrows(since)
    print(f"probe of 1000 packets/s through the handover: {result['lost']} of {result['sent']} lost, "
          f"longest gap {result['gap_ms']} ms")


def pair_falls_back(pair):
    since = time.time()
    probe = pair.probe(1000, 3)
    wait_until(lambda: len(pair.direct(since)) >= 500, 20, "the probe runs", every_s=0.05)
    show(pair.domain.lma, "ro", "stop", node_id(1), node_id(2))
    result = collect(probe, 40)
    pair.results["ro_stop_lost_packets"] = result["lost"]
    pair.arrows(since)
    print(f"probe of 1000 packets/s through the removal: {result['lost']} of {result['sent']} lost", flush=True)


def route_optimisation(domain, results):
    lab = domain.lab
    say("5. mn1 and mn2 talk to each other", """mn1 goes back to mag1, mn2 stays at mag2. Their packets take the way over the
        anchor, as in any domain of RFC 5213.""")
    domain.plug(1, 1)
    pair = Pair(domain, results)
    wait_until(lambda: quiet_ping(lab, "mn1", pair.addresses[2])[0], 20, "mn1 is back at mag1")
    ping(lab, "mn1", pair.addresses[2])
    pair.path("anchor")
    pair.round_trip("anchor")

    say("6. The pair moves to the direct path", """The LMA sees that two of its mobile nodes send each other many packets, and
        has the MAGs set up a tunnel between them (draft-abeille-netlmm-proxymip6ro, figure 2). No packet is lost, none
        overtakes another.""")
    pair_moves(pair)
    show(domain.lma, "show", "pairs")
    pair.path("direct")
    pair.round_trip("direct")
    show(domain.mag(1), "why", node_id(1), node_id(2))

    say("7. mn1 moves to mag3, on the direct path", """The LMA tells mag3 of the pair behind the Proxy Binding Acknowledgement,
        mag3 takes over (figure 4). Until mag2 knows, packets for mn1 come from mag1 back over the LMA.""")
    pair_hands_over(pair)
    pair.path("after_handover")

    say("8. The operator stops it", "Everything is as before: the anchor carries the pair again.")
    pair_falls_back(pair)
    pair.path("after_stop")


def route_optimisation_worked(results):
    return (results["path_anchor"] == ["mag1", "lma", "mag2", "mn2"] and results["path_direct"] == ["mag1", "mag2", "mn2"] and
            results["path_after_handover"] == ["mag3", "mag2", "mn2"] and
            results["path_after_stop"] == ["mag3", "lma", "mag2", "mn2"] and results["ro_handover_kept"] and
            results["anchor_packets_while_direct"] == 0 and results["ro_setup_lost_packets"] == 0)


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
        say("A Proxy Mobile IPv6 domain in network namespaces", """One LMA, three MAGs, two Linux hosts as mobile nodes, a
            server on the outside: nine namespaces. The mobile nodes run nothing of Hawser: all they see is a router.""")
        domain = Domain(lab, mags=3, lma_variables={"MinDelayBeforeBCEDelete": 2000}, ro={}, ro_lma=ROUTE_OPTIMISATION_LMA,
                        ro_mag=ROUTE_OPTIMISATION).start()
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

        route_optimisation(domain, results)

        say("9. What the data plane counted")
        show(domain.lma, "show", "stages")
        show(domain.lma, "show", "drops")

        summary(results, time.monotonic() - start)
        if KEEP:
            look_around(domain)
        say("Shutting down", "The MAGs de-register their mobile nodes; every packet buffer must be back.")
        for name in ("mag1", "mag2", "mag3", "lma"):
            code = lab.gateways[name].stop()
            line = [entry for entry in lab.gateways[name].output().splitlines() if "event=stopped" in entry]
            print(f"{name}: exit code {code} {line[-1].split('event=stopped ')[-1] if line else ''}")
    return 0 if results["tcp_survived"] and results["same_address"] and route_optimisation_worked(results) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LabError as failure:
        print(f"demo: {failure}", file=sys.stderr)
        sys.exit(1)
