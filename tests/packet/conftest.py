# SPDX-License-Identifier: BSD-3-Clause
"""One packet in, exact bytes out, on a running gateway.

Each role runs once for its tests: an LMA whose MAGs, mobile nodes and correspondents are played by the tests, and a MAG
whose LMA and mobile nodes are. What one test changes (drop counters, learned path MTUs) the next one does not rely on.
"""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from lab.lab import Lab, wait_until  # noqa: E402
from rigs import LmaRig, MagRig  # noqa: E402


@pytest.fixture(scope="session")
def lab():
    if os.geteuid() != 0:
        pytest.skip("needs root for network namespaces")
    with Lab("packet") as made:
        yield made


@pytest.fixture(scope="session")
def lma_rig(lab):
    rig = LmaRig(lab)
    yield rig
    rig.close()


@pytest.fixture(scope="session")
def mag_rig(lab):
    rig = MagRig(lab)
    yield rig
    rig.close()


@pytest.fixture
def lma(lma_rig):
    lma_rig.settle()
    return lma_rig


@pytest.fixture
def mag(mag_rig):
    mag_rig.settle()
    return mag_rig


class Drops:
    """Drop counters before and after: exactly what was expected, and nothing else."""

    def __init__(self, gateway):
        self.gateway, self.before = gateway, self._read(gateway)

    @staticmethod
    def _read(gateway):
        return {row["name"]: row["count"] for row in gateway.rows("drops")}

    def difference(self):
        now = self._read(self.gateway)
        return {name: count - self.before.get(name, 0) for name, count in now.items()
                if count != self.before.get(name, 0)}

    def become(self, **expected):
        wait_until(lambda: self.difference() == expected, 5, f"drops {expected}, not {self.difference()}")


@pytest.fixture
def drops():
    return Drops
