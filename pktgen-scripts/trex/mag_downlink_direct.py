# SPDX-License-Identifier: BSD-3-Clause
"""Partners at another MAG to mobile nodes, on the direct path: core port to access port of a MAG."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from hawser_streams import HawserProfile  # noqa: E402


def register():
    return HawserProfile("mag_downlink_direct")
