# SPDX-License-Identifier: BSD-3-Clause
"""A mobile node moves: its address, its connections and its packets stay with it."""

from hosts import history, listens, reaches, result, traffic
from lab.domain import SERVER, node_id
from lab.lab import wait_until

# Of 4000 packets, of which about 3000 follow the return: without a repair they are all lost, because mag1 would not notice
# for a minute. What a return costs on a quiet machine is some packets; here it only has to end.
LOST_AT_RETURN_MAX = 2000


def uplink_packets(gateway, node):
    return sum(row["up_packets"] for row in gateway.rows("nodes", mn=node_id(node)))


def at(world, node, mag):
    """The LMA has the mobile node at that MAG."""
    binding = world.binding(node)
    return binding and binding["peer"] == f"mag{mag}" and binding["state"] == "active"


def move_under_tcp(lab, world, port, *moves):
    """A transfer from mn1 to the server, moved in its middle; every octet has to arrive."""
    sink = traffic(lab, "server", "sink", port)
    listens(lab, "server", "t", port)
    source = traffic(lab, "mn1", "source", SERVER, port, 5)
    for mag in moves:
        before = world.plugged[1]
        base = uplink_packets(world.mag(before), 1)
        wait_until(lambda b=before, n=base: uplink_packets(world.mag(b), 1) > n + 100, 20,
                   f"the transfer runs through mag{before}")
        world.plug(1, mag)
        wait_until(lambda m=mag: at(world, 1, m), 20, f"mn1 is registered at mag{mag}")
    sent = result(source)
    assert sent["whole"] and sent["error"] is None and sent["bytes"] > 0
    assert result(sink)["bytes"] == sent["bytes"]


def test_tcp_transfer_lives_through_a_handover(lab, domain):
    world = domain()
    world.plug(1, 1)
    address, prefixes = world.address(1), world.binding(1)["prefixes"]
    reaches(lab, "mn1", SERVER)
    move_under_tcp(lab, world, 9000, 2)
    assert world.address(1) == address and world.binding(1)["prefixes"] == prefixes
    assert lab.global_addresses("mn1", "wlan0", deprecated=True) == [address]
    assert "handover" in history(world.lma, node_id(1))
    assert uplink_packets(world.mag(2), 1) > 100
    assert len(world.lma.rows("bindings")) == 1
    reaches(lab, "server", address)


def test_tcp_transfer_lives_through_a_handover_and_the_way_back(lab, domain):
    world = domain()
    world.plug(1, 1)
    world.address(1)
    reaches(lab, "mn1", SERVER)
    move_under_tcp(lab, world, 9000, 2, 1)
    wait_until(lambda: at(world, 1, 1), 5, "mn1 is registered at mag1")


def test_quick_return_is_repaired_by_the_traffic_itself(lab, domain):
    """mag1 has not noticed that mn1 was away: the LMA, which drops what mag1 sends, asks it to register mn1 again."""
    world = domain(mag={"nud-interval": 60000})
    world.plug(1, 1)
    world.address(1)
    reaches(lab, "mn1", SERVER)
    world.plug(1, 2)
    reaches(lab, "mn1", SERVER)
    wait_until(lambda: at(world, 1, 2), 20, "mn1 is registered at mag2")
    traffic(lab, "server", "echo", 7)
    listens(lab, "server", "u", 7)
    base = uplink_packets(world.mag(2), 1)
    probe = traffic(lab, "mn1", "probe", SERVER, 7, 1000, 4)
    wait_until(lambda: uplink_packets(world.mag(2), 1) > base + 1000, 20, "the probe runs through mag2")
    world.plug(1, 1)
    lost = result(probe)["lost"]
    assert at(world, 1, 1)
    assert lost < LOST_AT_RETURN_MAX, f"{lost} packets lost"
    assert "upn_sent" in history(world.lma, node_id(1))
    assert "upn_received" in history(world.mag(1), node_id(1))


def test_node_comes_back_to_a_mag_that_has_noticed_that_it_left(lab, domain):
    world = domain(mag={"nud-interval": 1000, "nud-retransmit": 500, "nud-probes": 2})
    world.plug(1, 1)
    address = world.address(1)
    for mag, left in ((2, 1), (1, 2)):
        world.plug(1, mag)
        reaches(lab, "mn1", SERVER)
        wait_until(lambda m=mag: at(world, 1, m), 10, f"mn1 is registered at mag{mag}")
        wait_until(lambda m=left: not world.mag(m).rows("bindings"), 20, f"mag{left} has noticed")
        assert at(world, 1, mag), "the late de-registration has to be ignored"
    assert world.address(1) == address
    reaches(lab, "mn1", SERVER)


def test_two_nodes_hand_over_at_once(lab, domain):
    world = domain()
    for node in (1, 2):
        world.plug(node, 1)
    addresses = {node: world.address(node) for node in (1, 2)}
    for node in (1, 2):
        reaches(lab, f"mn{node}", SERVER)
    for node in (1, 2):
        world.plug(node, 2)
    pings = [lab.start(f"mn{node}", "ping", "-6", "-n", "-i", "0.2", SERVER) for node in (1, 2)]
    for node in (1, 2):
        wait_until(lambda n=node: at(world, n, 2), 20, f"mn{node} is registered at mag2")
    for process in pings:
        process.terminate()
    reaches(lab, "mn1", addresses[2])
    reaches(lab, "server", addresses[1])
    assert {node: world.address(node) for node in (1, 2)} == addresses


def test_nodes_swap_their_mags_and_keep_talking(lab, domain):
    world = domain()
    world.plug(1, 1)
    world.plug(2, 2)
    addresses = {node: world.address(node) for node in (1, 2)}
    reaches(lab, "mn1", addresses[2])
    world.plug(1, 2)
    world.plug(2, 1)
    for node in (1, 2):
        reaches(lab, f"mn{node}", SERVER)  # so that its new MAG hears of it
    for node in (1, 2):
        reaches(lab, f"mn{node}", addresses[3 - node])
    assert at(world, 1, 2) and at(world, 2, 1)


def test_ping_pong_ten_times_keeps_the_address(lab, domain):
    world = domain(nodes=1)
    world.plug(1, 1)
    address = world.address(1)
    for turn in range(10):
        mag = 2 - turn % 2
        world.plug(1, mag)
        reaches(lab, "mn1", SERVER, deadline_s=5)
        assert at(world, 1, mag)
    assert world.address(1) == address
    assert len(world.lma.rows("bindings")) == 1
