# SPDX-License-Identifier: BSD-3-Clause
"""Whole domains: real processes as gateways, real Linux hosts as mobile nodes. Each test has a laboratory of its own;
at its end every gateway has to stop cleanly and give back its packet buffers."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import ending  # noqa: E402
from lab.domain import Domain  # noqa: E402
from lab.lab import Lab  # noqa: E402

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
