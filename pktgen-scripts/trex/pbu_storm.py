# SPDX-License-Identifier: BSD-3-Clause
"""Registrations (PBU) of mobile nodes at the core port of an LMA: load for its control core, with signalling on."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from hawser_streams import HawserProfile  # noqa: E402


def register():
    return HawserProfile("pbu_storm")
