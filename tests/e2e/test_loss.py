# SPDX-License-Identifier: BSD-3-Clause
"""Signalling that is lost, doubled, or goes nowhere."""

import struct

import faults
from capture import Capture, messages
from hosts import reaches, state
from lab.domain import SERVER, node_id
from lab.lab import wait_until
from packet import mobility
from packet.wire import Wire

MN1 = node_id(1)
TIMEOUT_S = 1


def tries(world):
    rows = world.mag(1).rows("bindings", mn=MN1)
    return rows[0]["tries"] if rows else 0


def test_lost_acknowledgement_is_asked_for_again_with_growing_pauses(lab, domain):
    world = domain(nodes=1, mag_variables={"INITIAL_BINDACK_TIMEOUT": TIMEOUT_S})
    capture = Capture(lab, "core", "mag1", "ip6 proto 135")
    faults.lose(lab, "lma", faults.BINDING_ACKNOWLEDGEMENT)
    world.plug(1, 1)
    wait_until(lambda: tries(world) >= 3, 30, "two retransmissions")
    assert state(world.mag(1), MN1) == "registering"
    why = world.mag(1).ctl("why", MN1, text=True)
    assert "no answer so far" in why
    assert lab.global_addresses("mn1", "wlan0", deprecated=True) == []
    faults.heal(lab, "lma")
    world.address(1, deadline_s=30)
    reaches(lab, "mn1", SERVER)
    capture.stop()
    requests = capture.fields("mip6.mhtype == 5", "frame.time_epoch")
    times = [float(row[0]) for row in requests]
    pauses = [later - earlier for earlier, later in zip(times, times[1:])]
    assert pauses[0] >= 0.9 * TIMEOUT_S and pauses[1] >= 1.8 * TIMEOUT_S, pauses
    stamps = [struct.unpack("!Q", message.option(27))[0] for _, message in messages(capture, mobility.PBU)]
    assert stamps == sorted(set(stamps)), "each with a new timestamp"
    assert len(world.lma.rows("bindings")) == 1


def test_registration_waits_for_an_lma_that_is_out_of_reach(lab, domain):
    world = domain(nodes=1)
    faults.cut(lab, "lma")
    world.plug(1, 1)
    wait_until(lambda: tries(world) >= 2, 30, "a retransmission")
    assert state(world.mag(1), MN1) != "active"
    assert lab.global_addresses("mn1", "wlan0", deprecated=True) == []
    faults.join(lab, "lma")
    world.address(1, deadline_s=60)
    reaches(lab, "mn1", SERVER)


def test_doubled_registration_is_answered_the_same_and_changes_nothing(lab, domain):
    world = domain(nodes=1)
    mag, lma = (Wire(lab.namespaces["core"], port) for port in ("mag1", "lma"))
    try:
        world.plug(1, 1)
        world.address(1)
        reaches(lab, "mn1", SERVER)

        def doubled():
            """Before and after the duplicate; nothing if the MAG itself has registered the node again meanwhile."""
            before = world.binding(1)
            request = mag.seen(lambda p: mobility.is_mh(p, mobility.PBU))[-1]
            first = lma.seen(lambda p: mobility.is_mh(p, mobility.PBA))[-1]
            count = len(lma.seen(lambda p: mobility.is_mh(p, mobility.PBA)))
            lma.send(request)
            answers = wait_until(lambda: lma.seen(lambda p: mobility.is_mh(p, mobility.PBA))[count:], 20, "a PBA")
            after = world.binding(1)
            return after["sequence"] == before["sequence"] and (before, after, first, answers)

        before, after, first, answers = wait_until(doubled, 30, "a duplicate of the last PBU")
    finally:
        mag.close()
        lma.close()
    assert answers == [first]
    for key in ("prefixes", "proxy_coa", "timestamp", "state", "tunnel"):
        assert after[key] == before[key]
    reaches(lab, "mn1", SERVER)


def test_lost_heartbeats_cost_no_binding_before_they_are_too_many(lab, domain):
    beats = {"HEARTBEAT_INTERVAL": 1, "MISSING_HEARTBEATS_ALLOWED": 100}
    world = domain(nodes=1, lma_variables=beats, mag_variables=beats)
    world.plug(1, 1)
    world.address(1)
    faults.lose(lab, "lma", faults.HEARTBEAT)
    wait_until(lambda: world.mag(1).rows("peers", name="lma")[0]["missed"] >= 3, 20, "three heartbeats are missed")
    assert state(world.lma, MN1) == "active"
    reaches(lab, "mn1", SERVER)
    faults.heal(lab, "lma")
    wait_until(lambda: world.mag(1).rows("peers", name="lma")[0]["missed"] == 0, 20, "heartbeats are answered again")
