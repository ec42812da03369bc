# SPDX-License-Identifier: BSD-3-Clause
"""Pairs on the direct path: removal, handovers of either and of both, one MAG for both, traffic through all of it."""

import time

import pytest

from domains import ALL, DIRECT_ONE, DIRECT_TWO, PROXY_ONE, PROXY_TWO, of
from hosts import listens, result, traffic
from lab.core_trace import TEAR_DOWN
from lab.domain import node_id
from lab.lab import wait_until
from lab.losses import Losses, tracks
from lab.ro_world import HOLD_DOWN_MS, IN_ORDER, RoWorld

TCP_PORT = 9000
TCP_RATE = 2000000  # octets/s: every packet is captured, and looked at while the transfer goes on
# A handover loses what is in the air while no MAG knows the node: a second at most, of two directions.
HANDOVER_LOST_MAX = 1000


def told_to_end(ro, since):
    """Which MAGs were told to remove the pair, and whether all said that they did."""
    setups = [(frame, message) for frame, message in ro.trace.ro_messages(since) if message.lifetime == 0]
    return {ro.trace.name(frame.destination) for frame, message in setups
            if message.name == "RO Setup" and message.code == TEAR_DOWN}


@of(*ALL)
def test_stop_takes_the_pair_back_to_the_anchor_until_the_hold_down_is_over(ro):
    ro.optimised()
    since = time.time()
    assert ro.stop()
    assert ro.goes(1, 2) == ro.anchor_way(1, 2)
    assert told_to_end(ro, since) == {"MAG1", "MAG2"}
    ro.becomes_direct()
    assert time.time() - since > HOLD_DOWN_MS / 1000, "packets alone bring it back, but not before"
    assert ro.stop()
    assert not ro.stop(), "there is nothing to stop any more"


@of(DIRECT_TWO, PROXY_ONE)
def test_start_needs_no_traffic(ro):
    ro.at_rest()
    since = time.time()
    ro.domain.lma.ctl("ro", "start", node_id(1), ro.addresses[2])  # of another LMA's node only the prefix is known
    wait_until(lambda: len(ro.trace.arrows(since)) >= 6, 20, "messages of route optimisation")
    ro.becomes_direct()


@of(*ALL)
def test_node_moves_to_the_mag_of_its_peer_and_away_again(ro):
    ro.optimised()
    ro.domain.plug(1, 2)
    ro.becomes_direct()  # local: not in any tunnel
    assert ro.goes(1, 2) == ([], [])
    ro.domain.plug(1, 3)
    ro.becomes_direct()
    assert ro.goes(1, 2) == ([("MAG3", "MAG2")], [("MAG2", "MAG3")])


# The figures of the draft, with one MAG for both nodes: nobody has to tell another MAG (wire-formats G.6.10).
LOCAL = {
    DIRECT_ONE: ["LMA1 -RO Init-> MAG2", "MAG2 -RO Init Ack-> LMA1", "MAG2 -RO Report-> LMA1",
                 "LMA1 -RO Report Ack-> MAG2"],
    DIRECT_TWO: ["LMA1 -RO Init-> LMA2", "LMA2 -RO Init Ack-> LMA1", "LMA2 -RO Init-> MAG2", "MAG2 -RO Init Ack-> LMA2",
                 "MAG2 -RO Report-> LMA2", "LMA2 -RO Report Ack-> MAG2", "LMA2 -RO Report-> LMA1",
                 "LMA1 -RO Report Ack-> LMA2"],
    PROXY_ONE: ["LMA1 -RO Init-> MAG2", "MAG2 -RO Init Ack-> LMA1", "LMA1 -RO Setup-> MAG2", "MAG2 -RO Setup Ack-> LMA1",
                "LMA1 -RO Setup-> MAG2", "MAG2 -RO Setup Ack-> LMA1"],
    PROXY_TWO: ["LMA1 -RO Init-> LMA2", "LMA2 -RO Init Ack-> LMA1", "LMA2 -RO Init-> MAG2", "MAG2 -RO Init Ack-> LMA2",
                "LMA2 -RO Report-> LMA1", "LMA1 -RO Report Ack-> LMA2", "LMA1 -RO Setup-> MAG2",
                "MAG2 -RO Setup Ack-> LMA1", "LMA1 -RO Report-> LMA2", "LMA2 -RO Report Ack-> LMA1",
                "LMA2 -RO Setup-> MAG2", "MAG2 -RO Setup Ack-> LMA2"],
}


@of(*ALL)
def test_pair_that_begins_at_one_mag_is_local_from_the_start(ro):
    ro.at_rest()
    ro.place(1, 2)
    since = time.time()
    ro.talks()
    ro.expect(since, *LOCAL[ro.mode, len(ro.domain.lma_numbers)])
    assert ro.goes(1, 2) == ([], []), "in no tunnel"
    pair, = [row for row in ro.domain.mag(2).rows("pairs") if row["state"] == "active"]
    assert pair["a_to_b"] == pair["b_to_a"] == "local"
    assert ro.stop()
    assert ro.goes(1, 2) == ro.anchor_way(1, 2)
    ro.becomes_direct()
    ro.domain.plug(1, 3)
    ro.becomes_direct()
    assert ro.goes(1, 2) == ([("MAG3", "MAG2")], [("MAG2", "MAG3")])


@of(DIRECT_ONE, PROXY_TWO)
def test_both_nodes_move_at_once(ro):
    ro.optimised()
    ro.domain.plug(1, 2)
    ro.domain.plug(2, 3)
    wait_until(lambda: all([ro.ping(1, 2), ro.ping(2, 1)]), 30, "they reach each other")  # both have to speak to be found
    ro.becomes_direct()
    assert ro.at(1, 2) and ro.at(2, 3)


@of(DIRECT_TWO, PROXY_ONE)
def test_node_goes_back_and_forth(ro):
    ro.optimised()
    for mag in (3, 1, 3, 1):
        ro.domain.plug(1, mag)
        ro.becomes_direct()
    assert ro.goes(1, 2) == ([("MAG1", "MAG2")], [("MAG2", "MAG1")])


@pytest.fixture
def echo(ro):
    ro.at_rest()
    process = ro.echo()
    yield process
    process.terminate()
    process.wait(10)


def direct_packets(ro, since):
    a, b = ro.addresses[1], ro.addresses[2]
    return min(len([row for row in ro.trace.carried(*way, since) if row[1].startswith("MAG") and row[2].startswith("MAG")])
               for way in ((a, b), (b, a)))


def on_direct_path(ro, since, count=200):
    wait_until(lambda: direct_packets(ro, since) >= count, 20, f"{count} packets each way on the direct path", every_s=0.1)


def set_up_under_probe(ro):
    since = time.time()
    probe = ro.probe(30)
    on_direct_path(ro, since)
    probe.terminate()
    return result(probe)


def teardown_under_probe(ro):
    since = time.time()
    probe = ro.probe(30)
    on_direct_path(ro, since)
    assert ro.stop()
    ended = time.time()
    wait_until(lambda: len(ro.trace.carried(ro.addresses[1], ro.addresses[2], ended)) > 400, 20, "packets over the anchor")
    probe.terminate()
    return result(probe)


def loses_nothing(ro, change):
    """A machine that is busy with other things may lose packets before a gateway or a program has seen them: the kernel
    counts those, and there are no others."""
    since, losses = time.time(), Losses(ro.lab)
    said = change(ro)
    dropped = losses.since_then()
    story = said, dropped, tracks(ro, said["missing"], since)
    assert dropped["gateways"] == {}, story
    assert said["lost"] <= sum(dropped["kernels"].values()), story
    assert said["reordered_out"] == said["reordered_back"] == said["duplicates"] == 0, story
    assert dropped["kernels"] or dropped["held"] == {}, story


@of(*ALL)
@pytest.mark.parametrize("rest, change", [(RoWorld.at_rest, set_up_under_probe), (RoWorld.optimised, teardown_under_probe)],
                         ids=["set_up", "teardown"])
def test_probe_loses_nothing_and_keeps_its_order(ro, echo, rest, change):
    rest(ro)
    loses_nothing(ro, change)


def test_node_that_comes_back_unnoticed_finds_nothing_of_a_removed_pair(lab):
    """mag1 believes that mn1 has been there all the time, with the pair as it was."""
    ro = RoWorld(lab, "proxy", 1, ro_mag=IN_ORDER, mag={"nud-interval": 600000})
    ro.optimised()
    ro.echo()
    ro.domain.plug(1, 3)
    ro.becomes_direct()
    assert ro.stop()
    ro.place(1, 1)
    loses_nothing(ro, set_up_under_probe)


@of(*ALL)
def test_probe_loses_little_at_handover(ro, echo):
    ro.optimised()
    since = time.time()
    probe = ro.probe(30)
    on_direct_path(ro, since)
    moved = time.time()
    ro.domain.plug(1, 3)
    wait_until(lambda: ("MAG3", "MAG2") in ro.ways(1, 2, moved), 20, "mag3 sends direct")
    on_direct_path(ro, moved)
    probe.terminate()
    said = result(probe)
    assert said["lost"] <= HANDOVER_LOST_MAX and said["duplicates"] == 0, said
    print(f"\n{ro.mode}: handover lost {said['lost']} of {said['sent']}, longest gap {said['gap_ms']} ms")


@of(DIRECT_ONE, PROXY_TWO)
def test_tcp_transfer_lives_through_set_up_handover_and_teardown(ro):
    ro.at_rest()
    since = time.time()
    sink = traffic(ro.lab, "mn2", "sink", TCP_PORT)
    listens(ro.lab, "mn2", "t", TCP_PORT)
    source = traffic(ro.lab, "mn1", "source", ro.addresses[2], TCP_PORT, 60, TCP_RATE)
    on_direct_path(ro, since)
    moved = time.time()
    ro.domain.plug(1, 3)
    wait_until(lambda: ("MAG3", "MAG2") in ro.ways(1, 2, moved), 20, "mag3 sends direct")
    stopped = time.time()
    ro.stop()
    wait_until(lambda: any(way[0] == "MAG3" and way[1].startswith("LMA") for way in ro.ways(1, 2, stopped)), 20,
               "mag3 sends over the anchor")
    source.terminate()
    sent = result(source)
    assert sent["whole"] and sent["error"] is None and sent["bytes"] > 0
    assert result(sink)["bytes"] == sent["bytes"]
