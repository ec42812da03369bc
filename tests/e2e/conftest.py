# SPDX-License-Identifier: BSD-3-Clause
"""Whole domains: real processes as gateways, real Linux hosts as mobile nodes. Each test has a laboratory of its own, or
one that the tests of a module share; at its end every gateway has to stop cleanly and give back its packet buffers."""

import json
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import ending  # noqa: E402
from lab.core_trace import TIMESTAMP  # noqa: E402
from lab.domain import Domain  # noqa: E402
from lab.lab import Lab  # noqa: E402
from lab.ro_world import IN_ORDER, RoWorld  # noqa: E402

# The clocks of all gateways are the same, but a busy machine may take its time between stamping a PBU and reading it.
VALIDITY_WINDOW_MS = 10000


@pytest.fixture
def lab():
    if os.geteuid() != 0:
        pytest.skip("needs root for network namespaces")
    with Lab("e2e") as made:
        yield made
        ending.check(made)


@pytest.fixture
def domain(lab):
    """Makes the domain of the test; keyword arguments as of Domain."""
    def make(start=True, lma_variables=None, **options):
        variables = {"TimestampValidityWindow": VALIDITY_WINDOW_MS, "MinDelayBeforeBCEDelete": 2000,
                     **(lma_variables or {})}
        made = Domain(lab, lma_variables=variables, **options)
        return made.start() if start else made
    return make


def decoded(lab, path):
    """(name, stamp) of each message of route optimisation, as hawserctl reads the capture."""
    lines = lab.run(None, lab.build / "hawserctl", "decode", "--json", path).stdout.splitlines()
    found = []
    for message in map(json.loads, lines):
        assert message["error"] is None and message["checksum"] == "ok", message
        if message["type"].startswith("RO ") and message["type"] != "RO Marker":
            stamp, = (option for option in message["options"] if option["type"] == TIMESTAMP)
            found.append((message["type"], stamp["seconds"] << 16 | stamp["fraction"]))
    return found


@pytest.fixture(scope="module")
def ro(request):
    """A domain with route optimisation that the tests of a module share; see domains.py. What it said in all of them is
    read by hawserctl as well."""
    if os.geteuid() != 0:
        pytest.skip("needs root for network namespaces")
    mode, lmas = request.param
    with Lab("ro") as made:
        world = RoWorld(made, mode, lmas, ro_mag=IN_ORDER)
        yield world
        ending.check(made)
        world.trace.stop()
        assert decoded(made, world.trace.path) == [(message.name, message.stamp) for _, message in world.trace.ro_messages()]
