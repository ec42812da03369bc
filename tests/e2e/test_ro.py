# SPDX-License-Identifier: BSD-3-Clause
"""Route optimisation: packets between mobile nodes of two MAGs leave the path over the LMA, and come back to it."""

import pytest
from capture import Capture
from hosts import reaches

from lab.domain import LMAA, MAGS, node_id
from lab.lab import wait_until

PINGS = 20
QUICK = {"detect-packets": 5, "detect-sample": 1, "detect-window": 5000}
DIRECT = {(MAGS[1], MAGS[2]), (MAGS[2], MAGS[1])}
ANCHORED = {(MAGS[1], LMAA), (LMAA, MAGS[2]), (MAGS[2], LMAA), (LMAA, MAGS[1])}


def paths(lab, target):
    """Outer addresses of the packets of a ping from mn1 in the core."""
    capture = Capture(lab, "core", "switch", "ip6", "proto", "41")
    lab.run("mn1", "ping", "-6", "-c", PINGS, "-i", "0.05", "-W", "1", target, check=False)
    rows = capture.stop().fields("icmpv6.type == 128 || icmpv6.type == 129", "ipv6.src", "ipv6.dst")
    assert not capture.objections()
    return set(rows)


def attach_both(world):
    world.plug(1, 1)
    world.plug(2, 2)
    return world.address(1), world.address(2)


def becomes_direct(lab, target):
    wait_until(lambda: paths(lab, target) == DIRECT, 30, "packets go from MAG to MAG")


@pytest.mark.parametrize("mode, profile", [("direct", "exp"), ("proxy", "native")])
def test_pair_leaves_the_anchor_and_comes_back_when_a_mag_stops(lab, domain, mode, profile):
    world = domain(ro={**QUICK, "profile": profile}, ro_lma={"mode": mode})
    _, target = attach_both(world)
    reaches(lab, "mn1", target)
    becomes_direct(lab, target)
    before = [(row["up_packets"], row["down_packets"]) for row in world.lma.rows("tunnels")]
    assert paths(lab, target) == DIRECT
    assert [(row["up_packets"], row["down_packets"]) for row in world.lma.rows("tunnels")] == before
    assert world.mag(2).stop() == 0
    wait_until(lambda: world.binding(2) is None or world.binding(2)["state"] != "active", 10, "mn2 is de-registered")
    wait_until(lambda: paths(lab, target) <= {(MAGS[1], LMAA), (LMAA, MAGS[1])}, 10, "mn1 sends to the LMA again")


def test_pair_follows_a_node_to_another_mag(lab, domain):
    world = domain(mags=3, ro=QUICK)
    _, target = attach_both(world)
    becomes_direct(lab, target)
    world.plug(2, 3)
    wait_until(lambda: (world.binding(2) or {}).get("peer") == "mag3", 20, "mn2 is registered at mag3")
    wait_until(lambda: paths(lab, target) == {(MAGS[1], MAGS[3]), (MAGS[3], MAGS[1])}, 20,
               "packets go to the new MAG")
    reaches(lab, "mn1", target)


def test_detach_ends_the_direct_path(lab, domain):
    world = domain(ro=QUICK)
    _, target = attach_both(world)
    becomes_direct(lab, target)
    world.mag(2).ctl("detach", node_id(2))
    wait_until(lambda: not paths(lab, target) & DIRECT, 10, "nothing goes direct")
    world.mag(2).ctl("attach", "access0", "02:00:00:00:10:02")
    wait_until(lambda: paths(lab, target) & ANCHORED, 20, "packets go by the LMA")
    becomes_direct(lab, target)


def test_mags_that_do_not_know_it_are_asked_once(lab, domain):
    world = domain(ro=QUICK, ro_of={"mag1": {"enabled": False}, "mag2": {"enabled": False}})
    _, target = attach_both(world)
    reaches(lab, "mn1", target)
    signalling = Capture(lab, "core", "switch", "ip6", "proto", "135")
    for _ in range(5):
        found = paths(lab, target)
        assert found and found <= ANCHORED
    errors = signalling.stop().fields("mip6.mhtype == 7", "ipv6.src", "ipv6.dst")
    assert sorted(errors) == [(MAGS[1], LMAA), (MAGS[2], LMAA)]
    assert signalling.count(f"mip6.mhtype == 11 && ipv6.src == {LMAA}") == 2  # an Init, and a Setup that ends it
