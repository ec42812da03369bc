# SPDX-License-Identifier: BSD-3-Clause
"""Mobile nodes to a server: from the access port of a MAG into the tunnel to its LMA."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from hawser_streams import HawserProfile  # noqa: E402


def register():
    return HawserProfile("mag_uplink")
