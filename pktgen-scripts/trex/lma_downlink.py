# SPDX-License-Identifier: BSD-3-Clause
"""A server to mobile nodes behind many MAGs: from the outside port of an LMA into their tunnels."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from hawser_streams import HawserProfile  # noqa: E402


def register():
    return HawserProfile("lma_downlink")
