# SPDX-License-Identifier: BSD-3-Clause
"""Mobile nodes behind many MAGs to a server: out of their tunnels, at the core port of an LMA, to the outside."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from hawser_streams import HawserProfile  # noqa: E402


def register():
    return HawserProfile("lma_uplink")
