# SPDX-License-Identifier: BSD-3-Clause
"""Other drivers than the one that kernel ports usually get: they carry the domain and give back all packet buffers."""

import pytest

import ending
from hosts import ping, reaches
from lab.domain import LMAA, SERVER

OUTSIDE = "2001:db8:ffff::1"


def lma_ports(core, outside):
    return {"ports": [{"name": "core0", "device": core, "side": "core", "addresses": [f"{LMAA}/64"]},
                      {"name": "out0", "device": outside, "side": "outside", "addresses": [f"{OUTSIDE}/64"]}]}


def carries(lab, world):
    world.plug(1, 1)
    world.address(1)
    reaches(lab, "mn1", SERVER)
    answered, output = ping(lab, "mn1", SERVER, "-i", "0.02", count=100)
    assert answered >= 95, output
    assert world.lma.stop() == 0
    return ending.buffers(world.lma)


def test_af_packet_holds_no_buffer(lab, domain):
    devices = (f"vdev:net_af_packet{i},iface={name},qdisc_bypass=0" for i, name in enumerate(("core0", "out0")))
    world = domain(start=False, mags=1, nodes=1, lma_keys=lma_ports(*devices))
    for interface in ("core0", "out0"):
        lab.no_ipv6("lma", interface)
    world.start()
    assert {row["driver"] for row in world.lma.rows("ports")} == {"net_af_packet"}
    assert carries(lab, world) == [0, 0, 0]


def test_tap_gives_every_buffer_back_when_it_is_closed(lab, domain):
    """The LMA's interfaces are taps, bridged with its cables. The bridges may not take the ports' MAC addresses for
    their own: those are behind the taps."""
    devices = (f"vdev:net_tap{i},iface={name}" for i, name in enumerate(("tcore", "tout")))
    world = domain(start=False, mags=1, nodes=1, lma_keys=lma_ports(*devices))
    world.start()
    assert {row["driver"] for row in world.lma.rows("ports")} == {"net_tap"}
    for number, (tap, cable) in enumerate((("tcore", "core0"), ("tout", "out0"))):
        lab.run("lma", "ip", "link", "set", tap, "address", f"02:00:00:00:7a:0{number}")
        lab.bridge("lma", f"b{tap}", tap, cable)
    after_start, before_close, after_close = carries(lab, world)
    assert before_close == after_start and after_close == 0


JUMBO = {"lma": ("core0", "out0"), "core": ("lma", "mag1", "switch"), "mag1": ("core0", "access0"),
         "air": ("mag1", "mn1", "air1"), "mn1": ("wlan0",), "server": ("eth0",)}


@pytest.mark.parametrize("mtu", [2000, 9000])
def test_larger_frames_are_carried_whole(lab, domain, mtu):
    world = domain(start=False, mags=1, nodes=1)
    for where, interfaces in JUMBO.items():
        for interface in interfaces:
            lab.run(where, "ip", "link", "set", interface, "mtu", mtu)
    for name, configuration in (("lma", world.lma_configuration()), ("mag1", world.mag_configuration(1))):
        for port in configuration["ports"]:
            port["mtu"] = mtu
        lab.gateway(name, name, configuration)
    world.plug(1, 1)
    address = world.address(1)
    reaches(lab, "mn1", SERVER)
    whole = mtu - 40 - 40 - 8  # tunnel, IPv6 and ICMPv6 header
    for source, target in (("mn1", SERVER), ("server", address)):
        answered, output = ping(lab, source, target, "-M", "do", "-s", str(whole), count=5)
        assert answered == 5, output
