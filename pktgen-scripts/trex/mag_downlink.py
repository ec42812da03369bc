# SPDX-License-Identifier: BSD-3-Clause
"""A server to mobile nodes: out of the tunnel of the LMA, at the core port of a MAG, to the access port."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from hawser_streams import HawserProfile  # noqa: E402


def register():
    return HawserProfile("mag_downlink")
