# SPDX-License-Identifier: BSD-3-Clause
"""Mobile nodes to each other: out of one tunnel and into another, at the core port of an LMA."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from hawser_streams import HawserProfile  # noqa: E402


def register():
    return HawserProfile("lma_hairpin")
