#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs the measuring programs one after the other and writes build/bench.json:

{"results": [{"name", "flows", "unit", "min", "median", "max"}, ...], "machine": {...}}

Each program measures seven rounds after one that does not count. QUICK=1 takes smaller sizes (to see that it runs, not to
quote). A figure is only worth something together with the machine and its load, which stand beside it.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = Path(os.environ.get("HAWSER_BUILD", ROOT / "build"))
QUICK = os.environ.get("QUICK") == "1"

PROGRAMS = [
    ("bench_lma", ["20000"] if QUICK else ["1000000"]),
    ("bench_ro", ["20000"] if QUICK else ["200000"]),
    ("bench_pipeline", ["1", "65536"] if QUICK else ["1", "65536", "1000000"]),
]
GOALS = {
    "ro_direct_setups_per_s_lma": (">=", 150000),
    "ro_direct_setups_per_s_mag": (">=", 150000),
    "ro_proxy_setups_per_s_lma": (">=", 150000),
    "ro_proxy_setups_per_s_mag": (">=", 150000),
    "ro_direct_setups_per_s_mag_door": (">=", 150000),
    "ro_direct_setups_per_s_lma_door": (">=", 150000),
    "ro_bytes_per_association": ("<=", 512),
    "lma_pbu_per_s": (">=", 200000),
    "lma_pbu_per_s_door": (">=", 200000),
    "lma_bytes_per_binding": ("<=", 600),
    "lma_forwarding_bytes_per_binding": ("<=", 128),
}


def first(path, key):
    for line in Path(path).read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return None


def hugepages_free():
    path = Path("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages")
    return int(path.read_text()) if path.exists() else 0


def steal_ticks():
    return int(Path("/proc/stat").read_text().split("\n", 1)[0].split()[8])


def machine():
    return {
        "cpu": first("/proc/cpuinfo", "model name"),
        "cores": os.cpu_count(),
        "memory": first("/proc/meminfo", "MemTotal"),
        "kernel": os.uname().release,
        "dpdk": subprocess.run(["pkg-config", "--modversion", "libdpdk"], capture_output=True, text=True, check=False).stdout.strip(),
        "free_hugepages_2mb": hugepages_free(),
        "load_before": os.getloadavg()[0],
    }


def run(name, arguments, results, notes):
    print(f"# {name} {' '.join(arguments)}", flush=True)
    process = subprocess.Popen([BUILD / "tests" / "bench" / name, *arguments], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, cwd=BUILD)
    try:
        output, errors = process.communicate(timeout=1200)
    except BaseException:
        process.kill()
        process.wait()
        raise
    notes += [line[2:] for line in errors.splitlines() if line.startswith("# ")]
    for line in output.splitlines():
        if line.startswith("{"):
            results.append(json.loads(line))
    if process.returncode != 0:
        sys.exit(f"{name} failed with exit code {process.returncode}:\n{errors}")


def table(results):
    print(f"\n{'name':34}{'flows':>10}  {'unit':12}{'min':>12}{'median':>12}{'max':>12}  goal")
    for row in results:
        relation, goal = GOALS.get(row["name"], (None, None))
        met = ""
        if relation:
            reached = row["median"] >= goal if relation == ">=" else row["median"] <= goal
            met = f"{relation} {goal}: {'met' if reached else 'not met'}"
        print(f"{row['name']:34}{row['flows']:>10}  {row['unit']:12}{row['min']:>12}{row['median']:>12}{row['max']:>12}  {met}")


def main():
    start, steal = time.monotonic(), steal_ticks()
    about, results, notes = machine(), [], []
    for name, arguments in PROGRAMS:
        run(name, arguments, results, notes)
    about["load_after"] = os.getloadavg()[0]
    about["steal_ticks"] = steal_ticks() - steal
    about["notes"] = notes
    (BUILD / "bench.json").write_text(json.dumps({"results": results, "machine": about}, indent=2) + "\n")
    table(results)
    print("\n" + ", ".join(f"{key} {value}" for key, value in about.items() if key != "notes"))
    for note in notes:
        print(f"  {note}")
    print(f"written to build/bench.json in {time.monotonic() - start:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
