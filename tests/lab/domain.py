# SPDX-License-Identifier: BSD-3-Clause
"""A PMIPv6 domain in namespaces:

    mn1 ─┐                                 ┌─ server ── lma2 (with two LMAs)
    mn2 ─┴ air (switches air1, air2, ...)  │ outside      │
             │            │               lma             │
            mag1 ── core switch ── mag2 ───┴──────────────┘ (core)

A mobile node is plugged into the switch of a MAG; moving it is plugging it into another one. Ports of mobile nodes are
isolated from each other, as the per-MN-prefix model of RFC 5213 wants. With two LMAs mn1, mn3, ... are anchored at the
first one and mn2, mn4, ... at the second one.
"""

import time

from .lab import wait_until

LMAA = "2001:db8:1::1"
LMAAS = {1: LMAA, 2: "2001:db8:1::2"}
OUTSIDES = {1: "2001:db8:ffff::1", 2: "2001:db8:ffff::2"}
SERVER = "2001:db8:ffff::100"
POOL = "2001:db8:f000::/40"
POOLS = {1: POOL, 2: "2001:db8:f100::/40"}
MAGS = {1: "2001:db8:1::a1", 2: "2001:db8:1::a2", 3: "2001:db8:1::a3"}


def node_mac(number):
    return f"02:00:00:00:10:{number:02x}"


def node_id(number):
    return f"mn{number}@example.com"


def lma_name(number):
    return "lma" if number == 1 else f"lma{number}"


class Domain:
    """ro: keys of `route-optimisation` in every gateway (None: no route optimisation at all), over those ro_lma or ro_mag,
    over those ro_of of one gateway by its name. ro_keys: MAGs and LMAs share keys for RO Authorisation. port_keys: of every
    port of every gateway."""

    def __init__(self, lab, mags=2, nodes=2, lma_variables=None, mag_variables=None, lma=None, mag=None, mobile_nodes=None,
                 dataplane=None, lma_keys=None, mag_keys=None, lmas=1, ro=None, ro_lma=None, ro_mag=None, ro_of=None,
                 ro_keys=True, port_keys=None):
        self.lab, self.node_count = lab, nodes
        self.lma_variables, self.mag_variables = lma_variables or {}, mag_variables or {}
        self.lma_extra, self.mag_extra = lma or {}, mag or {}
        self.mobile_nodes = mobile_nodes
        self.lma_keys, self.mag_keys = lma_keys or {}, mag_keys or {}  # of the file's top level, instead of those below
        self.port_keys = port_keys or {}
        self.dataplane = {"control-core": 0, "workers": [1], **(dataplane or {})}
        self.ro, self.ro_lma, self.ro_mag, self.ro_of, self.ro_keys = ro, ro_lma or {}, ro_mag or {}, ro_of or {}, ro_keys
        self.lma_numbers, self.mag_numbers = range(1, lmas + 1), range(1, mags + 1)
        self.plugged, self.switches = {}, set()
        self._networks()

    def _networks(self):
        lab = self.lab
        for name in ["core", "air", "server", *map(lma_name, self.lma_numbers), *(f"mag{i}" for i in self.mag_numbers),
                     *(f"mn{i}" for i in range(1, self.node_count + 1))]:
            lab.namespace(name)
        ports = []
        for i in self.lma_numbers:
            name = lma_name(i)
            lab.cable(name, "core0", "core", name)
            ports.append(name)
        for i in self.mag_numbers:
            lab.cable(f"mag{i}", "core0", "core", f"mag{i}")
            lab.cable(f"mag{i}", "access0", "air", f"mag{i}")
            lab.bridge("air", f"air{i}", f"mag{i}")
            ports.append(f"mag{i}")
        lab.bridge("core", "switch", *ports)
        self._outside()
        for i in range(1, self.node_count + 1):
            lab.cable(f"mn{i}", "wlan0", "air", f"mn{i}", a_mac=node_mac(i))
            lab.run("air", "ip", "link", "set", f"mn{i}", "down")
            lab.run(f"mn{i}", "sysctl", "-qw", "net.ipv6.conf.wlan0.accept_ra=2")

    def _outside(self):
        lab, several = self.lab, len(self.lma_numbers) > 1
        if several:
            lab.namespace("outside")
            lab.cable("server", "eth0", "outside", "server")
            lab.bridge("outside", "switch", "server")
        for i in self.lma_numbers:
            name = lma_name(i)
            if several:
                lab.cable(name, "out0", "outside", name)
                lab.plug("outside", "switch", name)
            else:
                lab.cable(name, "out0", "server", "eth0")
        lab.run("server", "ip", "-6", "addr", "add", f"{SERVER}/64", "dev", "eth0", "nodad")
        for i in self.lma_numbers:
            lab.run("server", "ip", "-6", "route", "add", POOLS[i], "via", OUTSIDES[i])

    # ---- configurations ----

    def anchor(self, node):
        """Number of the LMA of a mobile node."""
        return 1 + (node - 1) % len(self.lma_numbers)

    def _nodes(self, of_mag, lma=None):
        if self.mobile_nodes:
            return self.mobile_nodes
        nodes = [i for i in range(1, self.node_count + 1) if lma is None or self.anchor(i) == lma]
        return [{"id": node_id(i), "mac": node_mac(i), **({"lma": lma_name(self.anchor(i))} if of_mag else {})} for i in nodes]

    def _ro(self, name):
        if self.ro is None:
            return {}
        of_role = self.ro_lma if name.startswith("lma") else self.ro_mag
        return {"route-optimisation": {"enabled": True, **self.ro, **of_role, **self.ro_of.get(name, {})}}

    def _key(self, lma, mag):
        """What an LMA and a MAG share."""
        if self.ro is None or not self.ro_keys:
            return {}
        return {"ro-key": f"{lma:02x}{mag:02x}" * 16, "ro-key-id": mag}

    def _other_lmas(self, number):
        if self.ro is None:
            return []
        return [{"name": lma_name(i), "address": LMAAS[i], "role": "lma", "ro-prefixes": [POOLS[i]], "insecure": True}
                for i in self.lma_numbers if i != number]

    def _other_mags(self, number):
        if self.ro is None:
            return []
        return [{"name": f"mag{i}", "address": MAGS[i], "role": "mag", "insecure": True}
                for i in self.mag_numbers if i != number]

    def lma_configuration(self, number=1):
        name = lma_name(number)
        routes = [{"prefix": POOLS[i], "via": OUTSIDES[i], "port": "out0"} for i in self.lma_numbers if i != number]
        return {
            "role": "lma",
            "dataplane": dict(self.dataplane),
            "ports": [
                {"name": "core0", "device": "kernel:core0", "side": "core", "addresses": [f"{LMAAS[number]}/64"],
                 **self.port_keys},
                {"name": "out0", "device": "kernel:out0", "side": "outside", "addresses": [f"{OUTSIDES[number]}/64"],
                 **self.port_keys},
            ],
            "routes": [*routes, {"prefix": "::/0", "via": SERVER, "port": "out0"}],
            "peers": [{"name": f"mag{i}", "address": MAGS[i], "insecure": True, **self._key(number, i)}
                      for i in self.mag_numbers] + self._other_lmas(number),
            "lma": {"address": LMAAS[number], "pools": [{"name": "pool", "prefix": POOLS[number]}], "max-bindings": 1000,
                    "restart-hold": 0, **self.lma_extra},
            "variables": dict(self.lma_variables),
            "mobile-nodes": self._nodes(False, number),
            **self._ro(name),
            **self.lma_keys,
        }

    def mag_configuration(self, number):
        return {
            "role": "mag",
            "dataplane": dict(self.dataplane),
            "ports": [
                {"name": "core0", "device": "kernel:core0", "side": "core", "addresses": [f"{MAGS[number]}/64"],
                 **self.port_keys},
                {"name": "access0", "device": "kernel:access0", "side": "access", **self.port_keys},
            ],
            "peers": [{"name": lma_name(i), "address": LMAAS[i], "insecure": True, **self._key(i, number)}
                      for i in self.lma_numbers] + self._other_mags(number),
            "mag": {"address": MAGS[number], "max-nodes": 1000, **self.mag_extra},
            "variables": dict(self.mag_variables),
            "mobile-nodes": self._nodes(True),
            **self._ro(f"mag{number}"),
            **self.mag_keys,
        }

    def configurations(self):
        return [*((lma_name(i), self.lma_configuration(i)) for i in self.lma_numbers),
                *((f"mag{i}", self.mag_configuration(i)) for i in self.mag_numbers)]

    def start_lma(self, number=1):
        return self.lab.gateway(lma_name(number), lma_name(number), self.lma_configuration(number))

    def start_mag(self, number):
        return self.lab.gateway(f"mag{number}", f"mag{number}", self.mag_configuration(number))

    def start(self):
        gateways = self.configurations()
        for name, configuration in gateways:
            self.lab.gateway(name, name, configuration, wait=False)
        for name, _ in gateways:
            gateway = self.lab.gateways[name]
            wait_until(lambda g=gateway: (g.process.poll() is not None or
                                          (g.socket.exists() and g.ctl("show", "node", check=False))), 60,
                       f"{name} answers on its control socket")
            if gateway.process.poll() is not None:
                raise RuntimeError(f"{name} ended with exit code {gateway.process.returncode}:\n{gateway.output()}")
        return self

    @property
    def lma(self):
        return self.lab.gateways["lma"]

    def anchor_of(self, node):
        return self.lab.gateways[lma_name(self.anchor(node))]

    def mag(self, number):
        return self.lab.gateways[f"mag{number}"]

    # ---- mobile nodes ----

    def plug(self, node, mag):
        """Layer 2 of a mobile node is now at that MAG."""
        self.lab.plug("air", f"air{mag}", f"mn{node}", isolated=True)
        self.lab.run("air", "ip", "link", "set", f"mn{node}", "up")
        self.plugged[node] = mag

    def switch_on(self, node):
        """The mobile node's interface comes up in reach of no MAG: it ends its duplicate address detection and solicits
        routers, so that the first thing that a MAG hears is a router solicitation."""
        if "nowhere" not in self.switches:
            self.lab.bridge("air", "nowhere")
            self.switches.add("nowhere")
        self.lab.run(f"mn{node}", "sysctl", "-qw", "net.ipv6.conf.wlan0.router_solicitation_interval=1")
        self.lab.plug("air", "nowhere", f"mn{node}", isolated=True)
        self.lab.run("air", "ip", "link", "set", f"mn{node}", "up")
        wait_until(lambda: "tentative" not in self.lab.run(f"mn{node}", "ip", "-6", "addr", "show", "dev", "wlan0").stdout
                   and "fe80" in self.lab.run(f"mn{node}", "ip", "-6", "addr", "show", "dev", "wlan0").stdout, 10,
                   f"mn{node} has a link-local address")
        time.sleep(2.5)  # its multicast listener reports are sent again for so long (RFC 3810 section 9.11)

    def unplug(self, node):
        self.lab.run("air", "ip", "link", "set", f"mn{node}", "nomaster", check=False)
        self.lab.run("air", "ip", "link", "set", f"mn{node}", "down")
        self.plugged.pop(node, None)

    def address(self, node, deadline_s=20):
        """The address that the mobile node made by SLAAC."""
        return wait_until(lambda: (self.lab.global_addresses(f"mn{node}", "wlan0") or [None])[0], deadline_s,
                          f"mn{node} has a global address")

    def binding(self, node):
        rows = self.anchor_of(node).rows("bindings", mn=node_id(node))
        return rows[0] if rows else None
