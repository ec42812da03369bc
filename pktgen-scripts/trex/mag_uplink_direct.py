# SPDX-License-Identifier: BSD-3-Clause
"""Mobile nodes to their partners at another MAG, on the direct path: access port to core port of a MAG."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from hawser_streams import HawserProfile  # noqa: E402


def register():
    return HawserProfile("mag_uplink_direct")
