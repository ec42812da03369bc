# SPDX-License-Identifier: BSD-3-Clause
"""Several workers on a running gateway: single-queue ports shared out, packets handed over to the one that may send,
and flows shared out between them."""

import pytest

from lab.domain import SERVER


@pytest.mark.parametrize("cores", [[0, 1], [0, 1, 1]], ids=["two", "three"])
def test_ports_with_one_queue_are_shared_out(lab, domain, cores):
    world = domain(mags=1, nodes=2, dataplane={"workers": cores})
    for node in (1, 2):
        world.plug(node, 1)
    addresses = [world.address(node) for node in (1, 2)]
    for target in (SERVER, addresses[1]):
        lab.run("mn1", "ping", "-6", "-n", "-c", "20", "-i", "0.05", "-W", "5", target)
    for gateway in (world.lma, world.mag(1)):
        ports = gateway.rows("ports")
        assert len({worker for port in ports for worker in port["rx_workers"]}) == len(ports)
        workers = gateway.rows("workers")
        assert len(workers) == len(cores)
        assert sum(worker["handed_over"] for worker in workers) > 0
        assert not gateway.rows("drops", name="handoff_full")


@pytest.mark.parametrize("cores", [[0, 1], [0, 1, 1]], ids=["two", "three"])
def test_flows_of_one_queue_are_shared_out(lab, domain, cores):
    world = domain(mags=1, nodes=3, dataplane={"workers": cores}, port_keys={"spread": True})
    for node in (1, 2, 3):
        world.plug(node, 1)
    addresses = {node: world.address(node) for node in (1, 2, 3)}
    for node in (1, 2, 3):
        for target in [SERVER, *(addresses[other] for other in (1, 2, 3) if other != node)]:
            lab.run(f"mn{node}", "ping", "-6", "-n", "-c", "10", "-i", "0.02", "-W", "5", target)
    for gateway in (world.lma, world.mag(1)):
        assert all(port["spread"] for port in gateway.rows("ports"))
        workers = gateway.rows("workers")
        assert len(workers) == len(cores)
        assert all(worker["packets"] + worker["spread_in"] > worker["spread_out"] for worker in workers)
        assert sum(worker["spread_out"] for worker in workers) == sum(worker["spread_in"] for worker in workers) > 0
        assert not gateway.rows("drops", name="spread_full")
