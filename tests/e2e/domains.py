# SPDX-License-Identifier: BSD-3-Clause
"""Which domain a test of route optimisation runs in: the mode, and how many LMAs. The tests of a module share them."""

import pytest

DIRECT_ONE, DIRECT_TWO, PROXY_ONE, PROXY_TWO = (("direct", 1), ("direct", 2), ("proxy", 1), ("proxy", 2))
ALL = (DIRECT_ONE, DIRECT_TWO, PROXY_ONE, PROXY_TWO)


def of(*domains):
    return pytest.mark.parametrize("ro", domains, indirect=True, ids=[f"{mode}-{lmas}" for mode, lmas in domains])
