# SPDX-License-Identifier: BSD-3-Clause
"""The figures of draft-abeille-netlmm-proxymip6ro between real processes, arrow by arrow, from a capture of the core
network that is read by a decoder of these tests. A domain serves both of its figures: the set-up, and the handover."""

import time

from domains import DIRECT_ONE, DIRECT_TWO, PROXY_ONE, PROXY_TWO, of
from lab.core_trace import CONTROLLER, HANDOVER, HANDOVER_A, HANDOVER_B, NEW_FLOW, PROXY
from lab.domain import MAGS, node_id

def set_up(ro, *arrows):
    """mn1 speaks to mn2: these messages move the pair to the direct path."""
    ro.at_rest()
    since = time.time()
    ro.talks()
    ro.expect(since, *arrows)
    return [message for _, message in ro.trace.ro_messages(since)]


def hand_over(ro, *arrows):
    """mn1 moves from mag1 to mag3 while it talks direct: after PBU and PBA these messages move the pair along."""
    ro.optimised()
    since = time.time()
    ro.domain.plug(1, 3)
    ro.talks()
    ro.expect(since, *arrows)
    kinds = [frame.kind for frame in ro.trace.frames(since) if frame.kind in (5, 6, 11)]
    assert kinds[:2] == [5, 6], "PBU and PBA come first"
    return [message for _, message in ro.trace.ro_messages(since)]


def in_order(messages):
    """One stamp and one association in every message, and both nodes; the first LMA knows the other node by prefix only."""
    assert len({message.stamp for message in messages}) == 1 and messages[0].stamp is not None
    assert len({message.association for message in messages}) == 1 and messages[0].association != 0
    for number, message in enumerate(messages):
        by_prefix = number == 0 and message.tuples[0].mn == "" and message.tuples[0].prefixes
        assert len(message.tuples) == 2
        assert {entry.mn for entry in message.tuples} == {node_id(1), "" if by_prefix else node_id(2)}
    return messages


@of(DIRECT_ONE)
def test_figure_2_direct_mode_with_one_lma(ro):
    init, _, setup, *_ = in_order(set_up(
        ro, "LMA1 -RO Init-> MAG2", "MAG2 -RO Init Ack-> LMA1", "MAG2 -RO Setup-> MAG1", "MAG1 -RO Setup Ack-> MAG2",
        "MAG2 -RO Report-> LMA1", "LMA1 -RO Report Ack-> MAG2"))
    assert init.code == NEW_FLOW and init.flags & (CONTROLLER | PROXY | HANDOVER) == CONTROLLER
    assert [entry.mn for entry in init.tuples] == [node_id(2), node_id(1)] and init.tuples[1].mag == MAGS[1]
    assert [entry.mn for entry in setup.tuples] == [node_id(1), node_id(2)] and setup.authorised


@of(DIRECT_TWO)
def test_figure_3_direct_mode_with_two_lmas(ro):
    in_order(set_up(
        ro, "LMA1 -RO Init-> LMA2", "LMA2 -RO Init Ack-> LMA1", "LMA2 -RO Init-> MAG2", "MAG2 -RO Init Ack-> LMA2",
        "MAG2 -RO Setup-> MAG1", "MAG1 -RO Setup Ack-> MAG2", "MAG2 -RO Report-> LMA2", "LMA2 -RO Report Ack-> MAG2",
        "LMA2 -RO Report-> LMA1", "LMA1 -RO Report Ack-> LMA2"))


@of(DIRECT_ONE)
def test_figure_4_handover_in_direct_mode_with_one_lma(ro):
    init, _, setup, *_ = in_order(hand_over(
        ro, "LMA1 -RO Init-> MAG3", "MAG3 -RO Init Ack-> LMA1", "MAG3 -RO Setup-> MAG2", "MAG2 -RO Setup Ack-> MAG3",
        "MAG3 -RO Report-> LMA1", "LMA1 -RO Report Ack-> MAG3"))
    assert init.code == HANDOVER_A and init.flags & HANDOVER and init.tuples[1].mag == MAGS[2]
    assert setup.code == HANDOVER_B and setup.flags & HANDOVER


@of(DIRECT_TWO)
def test_figure_5_handover_in_direct_mode_with_two_lmas(ro):
    in_order(hand_over(
        ro, "LMA1 -RO Init-> LMA2", "LMA2 -RO Init Ack-> LMA1", "LMA1 -RO Init-> MAG3", "MAG3 -RO Init Ack-> LMA1",
        "MAG3 -RO Setup-> MAG2", "MAG2 -RO Setup Ack-> MAG3", "MAG3 -RO Report-> LMA1", "LMA1 -RO Report Ack-> MAG3",
        "LMA1 -RO Report-> LMA2", "LMA2 -RO Report Ack-> LMA1"))


@of(PROXY_ONE)
def test_figure_6_proxy_mode_with_one_lma(ro):
    init, _, setup, _, activate, _ = in_order(set_up(
        ro, "LMA1 -RO Init-> MAG2", "MAG2 -RO Init Ack-> LMA1", "LMA1 -RO Setup-> MAG1", "MAG1 -RO Setup Ack-> LMA1",
        "LMA1 -RO Setup-> MAG2", "MAG2 -RO Setup Ack-> LMA1"))
    assert all(message.flags & PROXY for message in (init, setup, activate))
    assert init.tuples[1].mag == MAGS[1] and setup.tuples[1].mag == MAGS[2]


@of(PROXY_TWO)
def test_figure_7_proxy_mode_with_two_lmas(ro):
    in_order(set_up(
        ro, "LMA1 -RO Init-> LMA2", "LMA2 -RO Init Ack-> LMA1", "LMA2 -RO Init-> MAG2", "MAG2 -RO Init Ack-> LMA2",
        "LMA2 -RO Report-> LMA1", "LMA1 -RO Report Ack-> LMA2", "LMA1 -RO Setup-> MAG1", "MAG1 -RO Setup Ack-> LMA1",
        "LMA1 -RO Report-> LMA2", "LMA2 -RO Report Ack-> LMA1", "LMA2 -RO Setup-> MAG2",
        "MAG2 -RO Setup Ack-> LMA2"))


@of(PROXY_ONE)
def test_figure_8_handover_in_proxy_mode_with_one_lma(ro):
    in_order(hand_over(
        ro, "LMA1 -RO Init-> MAG3", "MAG3 -RO Init Ack-> LMA1", "LMA1 -RO Setup-> MAG2", "MAG2 -RO Setup Ack-> LMA1",
        "LMA1 -RO Setup-> MAG3", "MAG3 -RO Setup Ack-> LMA1"))


@of(PROXY_TWO)
def test_figure_9_handover_in_proxy_mode_with_two_lmas(ro):
    in_order(hand_over(
        ro, "LMA1 -RO Init-> LMA2", "LMA2 -RO Init Ack-> LMA1", "LMA1 -RO Init-> MAG3", "MAG3 -RO Init Ack-> LMA1",
        "LMA1 -RO Report-> LMA2", "LMA2 -RO Report Ack-> LMA1", "LMA2 -RO Setup-> MAG2", "MAG2 -RO Setup Ack-> LMA2",
        "LMA2 -RO Report-> LMA1", "LMA1 -RO Report Ack-> LMA2", "LMA1 -RO Setup-> MAG3",
        "MAG3 -RO Setup Ack-> LMA1"))
