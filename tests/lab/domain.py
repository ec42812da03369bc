# SPDX-License-Identifier: BSD-3-Clause
"""A PMIPv6 domain in namespaces:

    mn1 ─┐                                 ┌─ server
    mn2 ─┴ air (switches air1, air2)       │ outside
             │            │               lma
            mag1 ── core switch ── mag2 ───┘ (core)

A mobile node is plugged into the switch of a MAG; moving it is plugging it into the other one. Ports of mobile nodes are
isolated from each other, as the per-MN-prefix model of RFC 5213 wants.
"""

import time

from .lab import wait_until

LMAA = "2001:db8:1::1"
SERVER = "2001:db8:ffff::100"
POOL = "2001:db8:f000::/40"
MAGS = {1: "2001:db8:1::a1", 2: "2001:db8:1::a2"}


def node_mac(number):
    return f"02:00:00:00:10:{number:02x}"


def node_id(number):
    return f"mn{number}@example.com"


class Domain:
    def __init__(self, lab, mags=2, nodes=2, lma_variables=None, mag_variables=None, lma=None, mag=None, mobile_nodes=None,
                 dataplane=None, lma_keys=None, mag_keys=None):
        self.lab, self.node_count = lab, nodes
        self.lma_variables, self.mag_variables = lma_variables or {}, mag_variables or {}
        self.lma_extra, self.mag_extra = lma or {}, mag or {}
        self.mobile_nodes = mobile_nodes
        self.lma_keys, self.mag_keys = lma_keys or {}, mag_keys or {}  # of the file's top level, instead of those below
        self.dataplane = {"control-core": 0, "workers": [1], **(dataplane or {})}
        self.mag_numbers = range(1, mags + 1)
        self.plugged, self.switches = {}, set()
        self._networks()

    def _networks(self):
        lab = self.lab
        for name in ["core", "air", "lma", "server", *(f"mag{i}" for i in self.mag_numbers),
                     *(f"mn{i}" for i in range(1, self.node_count + 1))]:
            lab.namespace(name)
        lab.cable("lma", "core0", "core", "lma")
        lab.cable("lma", "out0", "server", "eth0")
        ports = ["lma"]
        for i in self.mag_numbers:
            lab.cable(f"mag{i}", "core0", "core", f"mag{i}")
            lab.cable(f"mag{i}", "access0", "air", f"mag{i}")
            lab.bridge("air", f"air{i}", f"mag{i}")
            ports.append(f"mag{i}")
        lab.bridge("core", "switch", *ports)
        lab.run("server", "ip", "-6", "addr", "add", f"{SERVER}/64", "dev", "eth0", "nodad")
        lab.run("server", "ip", "-6", "route", "add", POOL, "via", "2001:db8:ffff::1")
        for i in range(1, self.node_count + 1):
            lab.cable(f"mn{i}", "wlan0", "air", f"mn{i}", a_mac=node_mac(i))
            lab.run("air", "ip", "link", "set", f"mn{i}", "down")
            lab.run(f"mn{i}", "sysctl", "-qw", "net.ipv6.conf.wlan0.accept_ra=2")

    # ---- configurations ----

    def lma_configuration(self):
        return {
            "role": "lma",
            "dataplane": dict(self.dataplane),
            "ports": [
                {"name": "core0", "device": "kernel:core0", "side": "core", "addresses": [f"{LMAA}/64"]},
                {"name": "out0", "device": "kernel:out0", "side": "outside", "addresses": ["2001:db8:ffff::1/64"]},
            ],
            "routes": [{"prefix": "::/0", "via": SERVER, "port": "out0"}],
            "peers": [{"name": f"mag{i}", "address": MAGS[i], "insecure": True} for i in self.mag_numbers],
            "lma": {"address": LMAA, "pools": [{"name": "pool", "prefix": POOL}], "max-bindings": 1000,
                    "restart-hold": 0, **self.lma_extra},
            "variables": dict(self.lma_variables),
            "mobile-nodes": self.mobile_nodes or [{"id": node_id(i), "mac": node_mac(i)}
                                                  for i in range(1, self.node_count + 1)],
            **self.lma_keys,
        }

    def mag_configuration(self, number):
        return {
            "role": "mag",
            "dataplane": dict(self.dataplane),
            "ports": [
                {"name": "core0", "device": "kernel:core0", "side": "core", "addresses": [f"{MAGS[number]}/64"]},
                {"name": "access0", "device": "kernel:access0", "side": "access"},
            ],
            "peers": [{"name": "lma", "address": LMAA, "insecure": True}],
            "mag": {"address": MAGS[number], "max-nodes": 1000, **self.mag_extra},
            "variables": dict(self.mag_variables),
            "mobile-nodes": self.mobile_nodes or [{"id": node_id(i), "mac": node_mac(i), "lma": "lma"}
                                                  for i in range(1, self.node_count + 1)],
            **self.mag_keys,
        }

    def start_lma(self):
        return self.lab.gateway("lma", "lma", self.lma_configuration())

    def start_mag(self, number):
        return self.lab.gateway(f"mag{number}", f"mag{number}", self.mag_configuration(number))

    def start(self):
        gateways = [("lma", self.lma_configuration())]
        gateways += [(f"mag{i}", self.mag_configuration(i)) for i in self.mag_numbers]
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
        rows = self.lma.rows("bindings", mn=node_id(node))
        return rows[0] if rows else None
