# SPDX-License-Identifier: BSD-3-Clause
"""Programs that the laboratory's hosts run."""

import json
import re
import subprocess
import sys

from .lab import ROOT, wait_until

TRAFFIC = ROOT / "tests" / "lab" / "traffic.py"


def ping(lab, where, target, *options, count=1, wait_s=2):
    """(how many were answered, output)"""
    result = lab.run(where, "ping", "-6", "-n", "-c", count, "-i", "0.2", "-W", wait_s, *options, target, check=False)
    match = re.search(r"(\d+) received", result.stdout)
    return int(match.group(1)) if match else 0, result.stdout + result.stderr


def reaches(lab, where, target, deadline_s=15):
    """Waits until target answers."""
    wait_until(lambda: ping(lab, where, target, wait_s=1)[0] == 1, deadline_s, f"{where} reaches {target}")


def traffic(lab, where, *arguments):
    """Starts a command of traffic.py; its result is collected with result()."""
    return lab.start(where, sys.executable, TRAFFIC, *arguments, stdout=subprocess.PIPE, text=True)


def listens(lab, where, protocol, port):
    """Waits until somebody there listens on the port."""
    wait_until(lambda: f":{port} " in lab.run(where, "ss", f"-Hln{protocol}").stdout, 20,
               f"{where} listens on port {port}")


def result(process, deadline_s=60):
    output, _ = process.communicate(timeout=deadline_s)
    assert output, "traffic.py has not said anything"
    return json.loads(output)
