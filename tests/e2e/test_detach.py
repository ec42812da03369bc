# SPDX-License-Identifier: BSD-3-Clause
"""A mobile node goes, by itself or by the operator."""

from hosts import history, ping, reaches, state
from lab.domain import SERVER, node_id, node_mac
from lab.lab import wait_until

MN1 = node_id(1)


def deprecated(lab, node, address):
    """The address is still there, but not to be used any more (RFC 4862 section 5.5.3 e keeps it for two hours)."""
    usable = lab.global_addresses(node, "wlan0")
    return address not in usable and address in lab.global_addresses(node, "wlan0", deprecated=True)


def test_node_without_a_cable_is_deregistered_by_neighbour_unreachability(lab, domain):
    world = domain(nodes=1, mag={"nud-interval": 1000, "nud-retransmit": 200, "nud-probes": 3})
    world.plug(1, 1)
    address = world.address(1)
    reaches(lab, "mn1", SERVER)
    world.unplug(1)
    wait_until(lambda: state(world.lma, MN1) in (None, "delete-wait"), 15, "the LMA has the de-registration")
    events = history(world.mag(1), MN1)
    end = events.index("detach_nud")
    assert events[end - 3:end] == ["probe_unanswered"] * 3
    wait_until(lambda: world.binding(1) is None, 10, "the binding is gone after MinDelayBeforeBCEDelete")
    assert world.lma.rows("tunnels") == [] and world.mag(1).rows("tunnels") == []
    world.plug(1, 2)
    reaches(lab, "mn1", SERVER)
    assert world.address(1) == address, "the prefix was held for the node"


def test_idle_node_that_answers_probes_stays(lab, domain):
    world = domain(nodes=1, mag={"nud-interval": 300, "nud-retransmit": 1000, "nud-probes": 5})
    world.plug(1, 1)
    world.address(1)
    sent = lambda: lab.run("mn1", "cat", "/proc/net/snmp6").stdout  # noqa: E731
    advertisements = lambda: int(next(line.split()[1] for line in sent().splitlines()  # noqa: E731
                                      if line.startswith("Icmp6OutNeighborAdvertisements ")))
    before = advertisements()
    wait_until(lambda: advertisements() >= before + 4, 20, "four probes were answered")
    assert state(world.lma, MN1) == "active" and "detach_nud" not in history(world.mag(1), MN1)


def test_operator_detaches_and_attaches_a_node(lab, domain):
    world = domain(nodes=1)
    world.plug(1, 1)
    address, prefixes = world.address(1), world.binding(1)["prefixes"]
    reaches(lab, "mn1", SERVER)
    assert "detach" in world.mag(1).ctl("detach", MN1, text=True)
    wait_until(lambda: state(world.lma, MN1) in (None, "delete-wait"), 10, "the LMA has the de-registration")
    wait_until(lambda: deprecated(lab, "mn1", address), 10, "the address is deprecated")
    why = world.mag(1).ctl("why", MN1)[0]
    assert why["state"] == "detached" and "detach_admin" in [event["event"] for event in why["events"]]
    answered, _ = ping(lab, "mn1", SERVER, "-I", address, wait_s=1)
    events = history(world.mag(1), MN1)
    events = events[events.index("detach_admin") + 1:]
    assert "attach_packet" not in events, "its packets do not bring it back"
    if "attach_rs" not in events:  # a router solicitation does; when its kernel sends one is its own affair
        assert answered == 0 and state(world.mag(1), MN1) == "detached"
    world.mag(1).ctl("attach", "access0", node_mac(1), check="attach_rs" not in events)
    wait_until(lambda: lab.global_addresses("mn1", "wlan0") == [address], 10, "the address is preferred again")
    assert state(world.lma, MN1) == "active" and world.binding(1)["prefixes"] == prefixes
    reaches(lab, "mn1", SERVER)


def test_operator_attaches_a_node_that_says_nothing(lab, domain):
    world = domain(nodes=2)
    world.plug(1, 1)
    world.address(1)
    world.mag(1).ctl("attach", "access0", node_mac(2))
    wait_until(lambda: state(world.lma, node_id(2)) == "active", 10, "mn2 is registered")
    assert "attach_admin" in history(world.mag(1), node_id(2))


def test_cleared_binding_comes_back_with_the_next_registration(lab, domain):
    world = domain(nodes=1, mag={"binding-lifetime": 8})
    world.plug(1, 1)
    address, prefixes = world.address(1), world.binding(1)["prefixes"]
    reaches(lab, "mn1", SERVER)
    registered = history(world.lma, MN1).count("registered")
    world.lma.ctl("clear", "binding", MN1)
    assert "cleared" in history(world.lma, MN1)
    wait_until(lambda: history(world.lma, MN1).count("registered") > registered, 20,
               "the MAG has registered the node again")
    wait_until(lambda: state(world.lma, MN1) == "active", 10, "the binding is back")
    assert world.binding(1)["prefixes"] == prefixes
    reaches(lab, "mn1", SERVER)
    assert world.address(1) == address
