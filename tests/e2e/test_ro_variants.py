# SPDX-License-Identifier: BSD-3-Clause
"""Route optimisation with other settings than the usual ones: each test in a domain of its own."""

import time

import pytest

import faults
from lab.core_trace import ACTIVE, CREATED, EARLY, EXPERIMENTAL, PBA, PBU, REFRESH
from lab.domain import node_id, node_mac
from lab.lab import wait_until
from lab.ro_world import RoWorld

FIGURE_2 = ["LMA1 -RO Init-> MAG2", "MAG2 -RO Init Ack-> LMA1", "MAG2 -RO Setup-> MAG1", "MAG1 -RO Setup Ack-> MAG2",
            "MAG2 -RO Report-> LMA1", "LMA1 -RO Report Ack-> MAG2"]
LIFETIME_S = 4


def messages(ro, since=0.0):
    return [message for _, message in ro.trace.ro_messages(since)]


def test_native_profile_says_the_same_in_other_numbers(lab):
    ro = RoWorld(lab, ro={"profile": "native"})
    ro.at_rest()
    since = time.time()
    ro.expect(since, *FIGURE_2)
    assert all(message.native for message in messages(ro, since))


def test_answers_use_the_profile_of_the_request(lab):
    ro = RoWorld(lab, ro_lma={"profile": "native"})
    ro.at_rest()
    since = time.time()
    ro.expect(since, *FIGURE_2)
    assert [message.native for message in messages(ro, since)] == [True, True, False, False, False, False]


@pytest.mark.parametrize("mode", ["direct", "proxy"])
def test_early_activation_begins_with_the_answer_to_init(lab, mode):
    ro = RoWorld(lab, mode, ro={"early-activation": True})
    ro.at_rest()
    since = time.time()
    ro.talks()
    ro.becomes_direct()
    init, acknowledged, *_ = messages(ro, since)
    assert init.flags & EARLY and acknowledged.flags & EARLY and acknowledged.code == ACTIVE


def test_early_activation_is_taken_back_without_confirmation(lab):
    """Setup and everything else that mag2 says is lost: what it sends direct meanwhile nobody takes."""
    ro = RoWorld(lab, ro={"early-activation": True, "ack-timeout": 1000, "retries": 0, "hold-down": 60000})
    ro.at_rest()
    faults.lose(lab, "mag2", EXPERIMENTAL)
    since = time.time()
    ro.talks()
    wait_until(lambda: [arrow for arrow in ro.trace.arrows(since) if arrow == "LMA1 -RO Init-> MAG2"], 20, "RO Init")
    ro.becomes_anchored(deadline_s=5)
    faults.heal(lab, "mag2")
    assert ro.goes(1, 2) == ro.anchor_way(1, 2), "held down"


def test_setting_that_only_the_lma_has_activates_nothing_early(lab):
    ro = RoWorld(lab, ro_lma={"early-activation": True})
    ro.at_rest()
    since = time.time()
    ro.expect(since, *FIGURE_2)
    init, acknowledged, *_ = messages(ro, since)
    assert init.flags & EARLY and acknowledged.code == CREATED, "created, activation pending"


@pytest.mark.parametrize("mode, lmas", [("direct", 1), ("proxy", 2)])
def test_pair_is_refreshed_before_its_lifetime_ends(lab, mode, lmas):
    ro = RoWorld(lab, mode, lmas, ro={"lifetime": LIFETIME_S})
    ro.optimised()
    since = time.time()

    def refreshes():
        assert ro.goes(1, 2) == ro.direct_way(1, 2), "it stays on the direct path"
        return [message for message in messages(ro, since) if message.name == "RO Init" and message.code == REFRESH]

    wait_until(lambda: len(refreshes()) >= 2 * lmas, 30, "two refreshes")
    assert time.time() - since > LIFETIME_S


def test_mag_asks_its_lma(lab):
    ro = RoWorld(lab, ro_lma={"detect": False}, ro_mag={"detect": True}, ro_of={"mag2": {"detect": False}})
    ro.at_rest()
    since = time.time()
    ro.expect(since, "MAG1 -RO Init-> LMA1", "LMA1 -RO Init Ack-> MAG1", *FIGURE_2)


def test_pbu_between_mags_instead_of_setup(lab):
    ro = RoWorld(lab, ro_mag={"pbu-for-setup": True})
    ro.at_rest()
    since = time.time()
    ro.expect(since, *(arrow for arrow in FIGURE_2 if "Setup" not in arrow))
    between = [(frame.kind, ro.trace.name(frame.source), ro.trace.name(frame.destination))
               for frame in ro.trace.frames(since) if frame.kind in (PBU, PBA) and "LMA1" not in
               (ro.trace.name(frame.source), ro.trace.name(frame.destination))]
    assert between == [(PBU, "MAG2", "MAG1"), (PBA, "MAG1", "MAG2")]
    assert len(ro.domain.lma.rows("bindings")) == 2 and len(ro.domain.mag(1).rows("bindings")) == 1


def test_node_that_may_not_take_part_stays_at_the_anchor(lab):
    nodes = [{"id": node_id(1), "mac": node_mac(1)}, {"id": node_id(2), "mac": node_mac(2), "route-optimisation": "deny"}]
    ro = RoWorld(lab, mobile_nodes=nodes)
    ro.at_rest()
    since = time.time()
    for _ in range(20):
        assert ro.goes(1, 2) == ro.anchor_way(1, 2)
    assert ro.trace.arrows(since) == []


def test_both_lmas_look_for_pairs_and_one_controls(lab):
    ro = RoWorld(lab, "direct", 2, ro_of={})
    ro.at_rest()
    since = time.time()
    ro.talks()
    ro.becomes_direct()
    answers = [message for message in messages(ro, since) if message.name in ("RO Setup Ack", "RO Report Ack")]
    assert answers and all(message.code < 128 for message in answers)
