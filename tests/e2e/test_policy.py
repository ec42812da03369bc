# SPDX-License-Identifier: BSD-3-Clause
"""Who is served, and how a refusal looks to who asks why."""

from hosts import reaches, state
from lab.domain import SERVER, node_id, node_mac
from lab.lab import wait_until


def only_first():
    return [{"id": node_id(1), "mac": node_mac(1)}]


def test_node_that_nobody_configured_is_refused(lab, domain):
    world = domain(mobile_nodes=only_first())
    world.plug(2, 1)
    world.plug(1, 1)
    world.address(1)
    why = wait_until(lambda: world.mag(1).ctl("why", node_mac(2), check=False), 10, "the MAG knows of mn2")[0]
    assert why["state"] == "refused"
    assert "rejected" in [event["event"] for event in why["events"]]
    assert lab.global_addresses("mn2", "wlan0", deprecated=True) == []
    assert len(world.lma.rows("bindings")) == 1


def test_node_that_nobody_configured_gets_the_default_profile(lab, domain):
    world = domain(mobile_nodes=only_first(), lma_keys={"unknown-nodes": "profile"},
                   mag_keys={"unknown-nodes": "profile", "default-profile": {"id-format": "%m@visitors.example"}})
    world.plug(2, 1)
    world.address(2)
    reaches(lab, "mn2", SERVER)
    assert [row["mn"] for row in world.lma.rows("bindings")] == [f"{node_mac(2).replace(':', '')}@visitors.example"]


def test_node_that_the_lma_does_not_know_is_refused_with_153(lab, domain):
    world = domain(lma_keys={"mobile-nodes": only_first()})
    world.plug(2, 1)
    why = wait_until(lambda: refused(world, node_id(2)), 10, "mn2 is refused")
    assert why["last_status"] == 153
    assert why["advice"]


def refused(world, mn):
    rows = world.mag(1).ctl("why", mn, check=False)
    return rows[0] if rows and rows[0]["state"] == "refused" else None


def test_node_without_proxy_registration_is_refused_with_152(lab, domain):
    world = domain(lma_keys={"mobile-nodes": [{"id": node_id(1), "mac": node_mac(1), "proxy-registration": False},
                                              {"id": node_id(2), "mac": node_mac(2)}]})
    for node in (1, 2):
        world.plug(node, 1)
    why = wait_until(lambda: refused(world, node_id(1)), 10, "mn1 is refused")
    assert why["last_status"] == 152
    text = world.mag(1).ctl("why", node_id(1), text=True)
    assert "152" in text and "does not allow proxy registration" in text
    world.address(2)
    assert lab.global_addresses("mn1", "wlan0", deprecated=True) == [] and state(world.lma, node_id(1)) is None
    assert "set proxy-registration" in world.lma.ctl("why", node_id(1), text=True)


def test_mag_that_may_not_register_a_node_gets_154(domain):
    world = domain(lma_keys={"mobile-nodes": [{"id": node_id(1), "mac": node_mac(1), "mags": ["mag2"]}]}, nodes=1)
    world.plug(1, 1)
    assert wait_until(lambda: refused(world, node_id(1)), 10, "mn1 is refused at mag1")["last_status"] == 154
    world.plug(1, 2)
    world.address(1)
    assert world.binding(1)["peer"] == "mag2"
