# SPDX-License-Identifier: BSD-3-Clause
"""Gateways die and come back."""

from hosts import Frames, history, in_prefix, reaches, state
from lab.domain import SERVER, node_id
from lab.lab import wait_until

HEARTBEATS = {"HEARTBEAT_INTERVAL": 1, "MISSING_HEARTBEATS_ALLOWED": 3}


def counter(lab, name):
    return int((lab.directory / f"{name}.state" / "restart-counter").read_text())


def knows_counter(gateway, peer, value):
    return any(row["restart_counter"] == value for row in gateway.rows("peers", name=peer))


def test_killed_lma_gets_its_bindings_back_from_the_mags(lab, domain):
    world = domain(lma_variables=HEARTBEATS, mag_variables=HEARTBEATS)
    for node in (1, 2):
        world.plug(node, node)
    before = {node: (world.address(node), world.binding(node)["prefixes"]) for node in (1, 2)}
    for node in (1, 2):
        reaches(lab, f"mn{node}", SERVER)
        wait_until(lambda n=node: knows_counter(world.mag(n), "lma", 1), 15, "a heartbeat was answered")
    world.lma.kill()
    assert counter(lab, "lma") == 1
    world.start_lma()
    assert counter(lab, "lma") == 2 and world.lma.rows("node")[0]["restart_counter"] == 2
    for node in (1, 2):
        wait_until(lambda n=node: state(world.lma, node_id(n)) == "active", 20, f"mn{node} is registered again")
        assert world.binding(node)["prefixes"] == before[node][1]
        reaches(lab, f"mn{node}", SERVER)
        assert world.address(node) == before[node][0]
        events = history(world.mag(node), node_id(node))
        assert "peer_restarted" in events or "peer_lost" in events


def test_dead_lma_is_noticed_by_its_missing_heartbeats(lab, domain):
    world = domain(nodes=1, lma_variables=HEARTBEATS, mag_variables=HEARTBEATS)
    world.plug(1, 1)
    address = world.address(1)
    world.lma.kill()
    wait_until(lambda: world.mag(1).rows("peers", name="lma")[0]["heartbeat"] == "unreachable", 20,
               "mag1 misses the LMA")
    assert "heartbeats" in world.mag(1).ctl("why", node_id(1), text=True)
    world.start_lma()
    reaches(lab, "mn1", SERVER, deadline_s=40)
    assert world.address(1) == address


def test_killed_mag_loses_its_bindings_until_its_nodes_send(lab, domain):
    world = domain(nodes=1, lma_variables=HEARTBEATS, mag_variables=HEARTBEATS)
    world.plug(1, 1)
    address, prefixes = world.address(1), world.binding(1)["prefixes"]
    wait_until(lambda: knows_counter(world.lma, "mag1", 1), 15, "a heartbeat was answered")
    world.mag(1).kill()
    wait_until(lambda: world.binding(1) is None, 20, "the LMA has purged the bindings of the dead MAG")
    assert "peer_lost" in history(world.lma, node_id(1))
    assert world.lma.rows("tunnels") == []
    world.start_mag(1)
    assert counter(lab, "mag1") == 2
    reaches(lab, "mn1", SERVER)
    assert world.binding(1)["prefixes"] == prefixes and in_prefix(address, prefixes[0])
    assert world.address(1) == address
    assert "attach_packet" in history(world.mag(1), node_id(1)) or "attach_rs" in history(world.mag(1), node_id(1))


def test_mag_that_ends_deregisters_its_nodes_at_once(lab, domain):
    world = domain(lma_variables={"MinDelayBeforeBCEDelete": 60000})
    for node in (1, 2):
        world.plug(node, 1)
    for node in (1, 2):
        world.address(node)
    assert world.mag(1).stop() == 0
    assert [state(world.lma, node_id(node)) for node in (1, 2)] == ["delete-wait", "delete-wait"]
    assert "shutdown_unacknowledged" not in world.mag(1).output()
    assert counter(lab, "mag1") == 1
    world.start_mag(1)
    assert counter(lab, "mag1") == 2
    with Frames(lab, 1) as frames:
        frames.solicit()  # the last advertisement said that there is no router any more: the node looks for one
    wait_until(lambda: state(world.lma, node_id(1)) == "active", 10, "mn1 is registered again")
    reaches(lab, "mn1", SERVER)


def test_mag_without_an_answering_lma_ends_within_its_wait(lab, domain):
    world = domain(nodes=1, mags=1, mag={"shutdown-wait": 500})
    world.plug(1, 1)
    world.address(1)
    world.lma.kill()
    assert world.mag(1).stop(deadline_s=10) == 0
    assert "event=shutdown_unacknowledged" in world.mag(1).output()
