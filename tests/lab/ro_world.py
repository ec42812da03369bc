# SPDX-License-Identifier: BSD-3-Clause
"""A domain with route optimisation: mn1 and mn2 talk, the core switch is recorded."""

import time

from .core_trace import REMOVED, CoreTrace
from .domain import LMAAS, MAGS, SERVER, Domain, lma_name, node_id
from .lab import wait_until
from .programs import listens, ping, traffic

NAMES = {**{address: f"LMA{i}" for i, address in LMAAS.items()}, **{address: f"MAG{i}" for i, address in MAGS.items()}}
HOLD_DOWN_MS = 2000
# A pair is optimised as soon as it talks in both directions. As in the figures only the LMA of mn1 looks for pairs.
SETTINGS = {"detect-packets": 1, "detect-sample": 1, "detect-window": 500, "hold-down": HOLD_DOWN_MS}
ONLY_LMA1_LOOKS = {"lma2": {"detect": False}}
NO_HUGEPAGES = {"hugepages": "off"}  # five gateways at once, and other suites: there may be pages for some of them only
IN_ORDER = {"in-order": True}
VALIDITY_WINDOW_MS = 10000
ECHO_PORT = 7
RO_DEADLINE_S = 20


class RoWorld:
    def __init__(self, lab, mode="direct", lmas=1, nodes=2, ro=None, ro_lma=None, ro_mag=None, ro_of=None,
                 **options):
        self.lab, self.mode = lab, mode
        variables = {"TimestampValidityWindow": VALIDITY_WINDOW_MS, "MinDelayBeforeBCEDelete": 2000,
                     **options.pop("lma_variables", {})}
        self.domain = Domain(lab, mags=3, nodes=nodes, lmas=lmas, lma_variables=variables,
                             ro={**SETTINGS, **(ro or {})},
                             ro_lma={"mode": mode, **(ro_lma or {})}, ro_mag={"detect": False, **(ro_mag or {})},
                             ro_of=ONLY_LMA1_LOOKS if ro_of is None else ro_of, dataplane=NO_HUGEPAGES, **options).start()
        self.trace = CoreTrace(lab, NAMES, "ip6 proto 135 or ip6 proto 41 or icmp6")
        self.addresses = {}

    # ---- mobile nodes ----

    def at(self, node, mag):
        binding = self.domain.binding(node)
        return binding and binding["peer"] == f"mag{mag}" and binding["state"] == "active"

    def place(self, node, mag):
        """The mobile node is at that MAG, by layer 2 and by registration."""
        if self.domain.plugged.get(node) != mag:
            self.domain.plug(node, mag)
        self.addresses.setdefault(node, None)
        wait_until(lambda: self.at(node, mag) or not self._speaks(node), RO_DEADLINE_S,
                   f"mn{node} is registered at mag{mag}")
        self.addresses[node] = self.addresses[node] or self.domain.address(node)

    def _speaks(self, node):
        """A packet of the node is what its new MAG hears of it."""
        if self.addresses[node]:
            ping(self.lab, f"mn{node}", SERVER, wait_s=1)
        return True

    def ping(self, source=1, destination=2, count=1):
        return ping(self.lab, f"mn{source}", self.addresses[destination], count=count, wait_s=1)[0]

    def talks(self, source=1, destination=2, deadline_s=RO_DEADLINE_S):
        wait_until(lambda: self.ping(source, destination), deadline_s, f"mn{source} reaches mn{destination}")

    def echo(self, node=2):
        """An echo server on that node, for probes."""
        process = traffic(self.lab, f"mn{node}", "echo", ECHO_PORT)
        listens(self.lab, f"mn{node}", "u", ECHO_PORT)
        return process

    def probe(self, seconds, rate=1000, source=1, destination=2):
        return traffic(self.lab, f"mn{source}", "probe", self.addresses[destination], ECHO_PORT, rate, seconds)

    # ---- pairs ----

    def ways(self, source, destination, since):
        """(sender, receiver) of each tunnel packet from one node to the other, in order, each run of equals once."""
        found = []
        for _, *way in self.trace.carried(self.addresses[source], self.addresses[destination], since):
            if not found or found[-1] != tuple(way):
                found.append(tuple(way))
        return found

    def goes(self, source, destination):
        """The way of one packet from one node to the other and that of the answer: tunnels in order."""
        since = time.time()
        if not self.ping(source, destination):
            return None
        return self.ways(source, destination, since), self.ways(destination, source, since)

    def direct_way(self, source, destination):
        a, b = (f"MAG{self.domain.plugged[node]}" for node in (source, destination))
        return ([], []) if a == b else ([(a, b)], [(b, a)])

    def anchor_way(self, source, destination):
        mags = {node: f"MAG{self.domain.plugged[node]}" for node in (source, destination)}
        lmas = {node: f"LMA{self.domain.anchor(node)}" for node in (source, destination)}
        return tuple([(mags[a], lmas[a]), (lmas[b], mags[b])] for a, b in ((source, destination), (destination, source)))

    def becomes_direct(self, source=1, destination=2, deadline_s=RO_DEADLINE_S):
        wait_until(lambda: self.goes(source, destination) == self.direct_way(source, destination), deadline_s,
                   f"mn{source} and mn{destination} talk direct")

    def becomes_anchored(self, source=1, destination=2, deadline_s=RO_DEADLINE_S):
        wait_until(lambda: self.goes(source, destination) == self.anchor_way(source, destination), deadline_s,
                   f"mn{source} and mn{destination} talk over the anchor")

    def stop(self, source=1, destination=2, lma=1):
        """False: there was nothing to stop. Else every MAG of the pair has acknowledged that it is removed."""
        gateway, since = self.lab.gateways[lma_name(lma)], time.time()
        said = gateway.ctl("ro", "stop", node_id(source), node_id(destination), check=False)
        if not said or said[0]["result"] != "stopped":
            return False
        mags = {f"MAG{self.domain.plugged[node]}" for node in (source, destination)}
        wait_until(lambda: mags <= self.removed_at(since), RO_DEADLINE_S, f"the pair is removed at {mags}")
        return True

    def removed_at(self, since):
        return {self.trace.name(frame.source) for frame, message in self.trace.ro_messages(since)
                if message.name == "RO Setup Ack" and message.code == REMOVED}

    def at_rest(self):
        """mn1 at mag1, mn2 at mag2, and the anchor between them."""
        if all(node in self.domain.plugged for node in (1, 2)):
            self.stop()
        for node in (1, 2):
            self.place(node, node)

    def optimised(self):
        """mn1 at mag1 and mn2 at mag2 talk direct."""
        self.at_rest()
        self.talks()
        self.becomes_direct()

    # ---- what is said ----

    def expect(self, since, *arrows, deadline_s=RO_DEADLINE_S):
        """These messages, in this order, and no others; afterwards the pair talks direct, without any further one."""
        wait_until(lambda: self.ping() and len(self.trace.arrows(since)) >= len(arrows), deadline_s,
                   f"{len(arrows)} messages of route optimisation")
        self.becomes_direct()
        assert self.trace.arrows(since) == list(arrows)
