# SPDX-License-Identifier: BSD-3-Clause
"""Whatever goes wrong, packets go over the anchor; and nobody unknown sets anything up."""

import ipaddress
import struct
import time

import pytest

import faults
from hosts import drops
from lab.core_trace import EXPERIMENTAL, MAGIC, VERSION
from lab.domain import LMAA, MAGS, node_id
from lab.lab import wait_until
from lab.ro_world import RoWorld
from packet import mobility

BEATS = {"lma_variables": {"HEARTBEAT_INTERVAL": 1, "MISSING_HEARTBEATS_ALLOWED": 2},
         "mag_variables": {"HEARTBEAT_INTERVAL": 1, "MISSING_HEARTBEATS_ALLOWED": 2}}
STRANGER = "2001:db8:1::bad"
INIT, SETUP = 1, 3
NOT_AUTHORISED = 143


@pytest.mark.parametrize("mode", ["direct", "proxy"])
def test_mag_that_dies_costs_the_direct_path_only(lab, mode):
    ro = RoWorld(lab, mode, **BEATS)
    ro.optimised()
    ro.domain.mag(2).kill()
    dead = time.time()
    ro.ping()
    # mn2 finds another MAG, and is reached there: mag1 does not send to the dead one any more
    ro.domain.plug(2, 3)
    ro.talks(2, 1, deadline_s=30)
    ro.becomes_direct()
    assert ("MAG1", "MAG2") not in ro.ways(1, 2, time.time() - 0.001)
    assert ("MAG1", "MAG3") in ro.ways(1, 2, dead)


def test_mag_without_state_refuses_and_the_pair_falls_back(lab):
    """mag2 is killed and started again: it knows nothing of the pair, and says so to mag1 (RO Error)."""
    ro = RoWorld(lab)
    ro.optimised()
    ro.domain.mag(2).kill()
    ro.domain.start_mag(2)
    since = time.time()
    ro.talks(2, 1, deadline_s=30)  # mn2 is registered again
    ro.talks(1, 2, deadline_s=30)
    ro.becomes_direct(deadline_s=40)
    assert ro.trace.arrows(since)


@pytest.mark.parametrize("mode", ["direct", "proxy"])
def test_handover_during_set_up_wins(lab, mode):
    ro = RoWorld(lab, mode)
    ro.at_rest()
    since = time.time()
    faults.lose(lab, "mag1", EXPERIMENTAL)  # mag1's Setup Ack: the set-up cannot end
    wait_until(lambda: ro.ping() and [arrow for arrow in ro.trace.arrows(since) if arrow.endswith("-RO Setup-> MAG1")], 20,
               "RO Setup on its way")
    ro.domain.plug(1, 3)
    ro.talks()
    ro.becomes_direct()
    faults.heal(lab, "mag1")
    assert ro.goes(1, 2) == ([("MAG3", "MAG2")], [("MAG2", "MAG3")])


def test_mag_out_of_reach_during_set_up_leaves_the_pair_at_the_anchor(lab):
    ro = RoWorld(lab, ro={"ack-timeout": 500, "retries": 1, "hold-down": 60000})
    ro.at_rest()
    since = time.time()
    faults.lose(lab, "mag1", EXPERIMENTAL)
    wait_until(lambda: ro.ping() and [arrow for arrow in ro.trace.arrows(since) if "-RO Report-> LMA1 (141)" in arrow], 20,
               "mag2 reports that mag1 has timed out")
    assert ro.goes(1, 2) == ro.anchor_way(1, 2)
    faults.heal(lab, "mag1")
    assert ro.goes(1, 2) == ro.anchor_way(1, 2), "held down"


def identifier(node):
    return b"\x01" + node_id(node).encode()


def ro_request(source, destination, code, own, other, prefix, mag, association=0x5e7, sequence=1):
    """RO Init or Setup that nobody authorised: tuple A is the receiver's node."""
    fixed = struct.pack("!HBBI", MAGIC, VERSION, code, 0) + struct.pack("!HBBHI", sequence, 0, 1, 300, association)
    at, out = 6 + len(fixed), b""
    for kind, data, factor, offset in [
            (8, identifier(own), 1, 0), (8, identifier(other), 1, 0),
            (22, bytes([0, 64]) + prefix, 8, 4), (51, bytes([0, 128]) + mag, 8, 4),
            (27, struct.pack("!Q", mobility.timestamp_now()), 8, 2)]:
        out += mobility.aligned(at + len(out), kind, data, factor, offset)
    return mobility.message(source, destination, EXPERIMENTAL, fixed + out + mobility.pad(-(at + len(out)) % 8))


def forged(ro, source, target, code, own, other, mag):
    """A request that wants traffic of `own` to `other` to go to that MAG."""
    prefix = ipaddress.IPv6Network(ro.domain.binding(other)["prefixes"][0]).network_address.packed
    return ro_request(source, target, code, own, other, prefix, ipaddress.IPv6Address(mag).packed)


def test_setup_without_authorisation_is_refused(lab):
    """It claims to come from mag3, a peer, but mag1's LMA has not said so."""
    ro = RoWorld(lab)
    ro.at_rest()
    since = time.time()
    with faults.Forger(lab, "mag1") as forger:
        forger.send(forged(ro, MAGS[3], MAGS[1], SETUP, 1, 2, MAGS[3]))
        wait_until(lambda: f"MAG1 -RO Setup Ack-> MAG3 ({NOT_AUTHORISED})" in ro.trace.arrows(since), 20, "a refusal")
    assert ro.ping() and ("MAG1", "MAG3") not in ro.ways(1, 2, since)


def test_init_from_a_mag_that_is_not_the_nodes_lma_is_refused(lab):
    ro = RoWorld(lab, ro_lma={"detect": False})
    ro.at_rest()
    since = time.time()
    with faults.Forger(lab, "mag1") as forger:
        forger.send(forged(ro, MAGS[3], MAGS[1], INIT, 1, 2, MAGS[3]))
        wait_until(lambda: f"MAG1 -RO Init Ack-> MAG3 ({NOT_AUTHORISED})" in ro.trace.arrows(since), 20, "a refusal")
    assert ro.goes(1, 2) == ro.anchor_way(1, 2)


def test_stranger_is_not_even_answered(lab):
    ro = RoWorld(lab, ro_lma={"detect": False})
    ro.at_rest()
    since = time.time()
    for name, target in (("mag1", MAGS[1]), ("lma", LMAA)):
        before = drops(lab.gateways[name], "signalling_peer")
        with faults.Forger(lab, name) as forger:
            for code in (INIT, SETUP):
                forger.send(forged(ro, STRANGER, target, code, 1, 2, STRANGER))
        wait_until(lambda n=name, b=before: drops(lab.gateways[n], "signalling_peer") >= b + 2, 10, f"{name} drops both")
    assert ro.goes(1, 2) == ro.anchor_way(1, 2)
    assert ro.trace.arrows(since) == []
