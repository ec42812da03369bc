# SPDX-License-Identifier: BSD-3-Clause
"""What make bench-ro writes has the shape that others read; a run of it, not the figures."""

import json
import os
import subprocess
import sys

import jsonschema
import pytest

from lab.lab import ROOT

SPREAD = {"type": "object", "required": ["min", "median", "max"], "additionalProperties": {"type": "number", "minimum": 0}}
COUNT = {"type": "integer", "minimum": 0}
CASE = {
    "type": "object",
    "required": ["driver", "lmas", "runs", "setup_ms", "messages", "setup_lost", "setup_reordered", "handover_ms", "handover_lost",
                 "handover_reordered"],
    "properties": {
        "driver": {"enum": ["ro-direct", "ro-proxy"]}, "lmas": {"enum": [1, 2]}, "runs": {"type": "integer", "minimum": 1},
        "setup_ms": SPREAD, "handover_ms": SPREAD, "handover_gap_ms": SPREAD, "messages": {"type": "integer", "minimum": 6},
        "setup_lost": COUNT, "setup_reordered": COUNT, "handover_lost": COUNT, "handover_reordered": COUNT,
        "setup_kernel_dropped": COUNT, "handover_kernel_dropped": COUNT,
    },
}
SCHEMA = {"type": "object", "required": ["cases"], "properties": {"cases": {"type": "array", "items": CASE}}}


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root for network namespaces")
def test_result_has_its_shape(tmp_path):
    output = tmp_path / "ro.json"
    subprocess.run([sys.executable, ROOT / "tests" / "bench" / "ro.py", "--runs", "2", "--case", "direct-1", "--output", output],
                   check=True, timeout=180, cwd="/")
    result = json.loads(output.read_text())
    jsonschema.validate(result, SCHEMA)
    case, = result["cases"]
    assert (case["driver"], case["lmas"], case["runs"]) == ("ro-direct", 1, 2)
    assert case["setup_lost"] <= case["setup_kernel_dropped"], case
    assert case["setup_ms"]["min"] <= case["setup_ms"]["median"] <= case["setup_ms"]["max"]
