#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs the measuring programs one after the other and writes build/bench.json, and build/scaling.svg of it (plot.py):

{"results": [{"name", "flows", "unit", "min", "median", "max"}, ...], "stages": [...], "references": {...},
 "machine": {...}}

Each program measures seven rounds after one that does not count. QUICK=1 takes smaller sizes (to see that it runs, not to
quote). A figure is only worth something together with the machine and its load, which stand beside it.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

import plot

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = Path(os.environ.get("HAWSER_BUILD", ROOT / "build"))
QUICK = os.environ.get("QUICK") == "1"

PROGRAMS = [
    ("bench_lma", ["20000"] if QUICK else ["1000000"]),
    ("bench_ro", ["20000"] if QUICK else ["200000"]),
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


FLOWS = "1,1000,65536" if QUICK else "1,1000,65536,1000000,8000000"
DRIVE = ["--paths", "mag_uplink_direct", "--flows", "65536" if QUICK else "1000000"]
DRIVE_ROUNDS = 3 if QUICK else 7
DRIVE_PACKETS = {"": 4096, "_64k": 65536}  # of the capture, by suffix; net_pcap has a buffer for each
SPARE_BUFFERS = 16383  # besides those, with either program
POOL_CACHE = 512  # as hawser-bench has it
TESTPMD_S = 1.5


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


def program(name):
    return BUILD / "tests" / "bench" / name


def pipeline(results, references, notes):
    """hawser-bench prints its own table; its results join the others."""
    report = BUILD / "hawser-bench.json"
    arguments = ["--flows", FLOWS, "--json", str(report)]
    print(f"# hawser-bench {' '.join(arguments)}", flush=True)
    process = subprocess.Popen([program("hawser-bench"), *arguments], stderr=subprocess.PIPE, text=True, cwd=BUILD)
    try:
        errors = process.communicate(timeout=1200)[1]
    except BaseException:
        process.kill()
        process.wait()
        raise
    if process.returncode != 0:
        sys.exit(f"hawser-bench failed with exit code {process.returncode}:\n{errors}")
    notes += [line[2:] for line in errors.splitlines() if line.startswith("# ")]
    written = json.loads(report.read_text())
    results += written["results"]
    references.update(written["references"])
    return written["stages"]


def drive(capture, packets, counters):
    """Ticks per packet of our pipeline over the packets of a capture, net_pcap included; counters of objects "on" or "off"."""
    done = subprocess.run([program("hawser-bench"), *DRIVE, "--counters", counters, "--packets", str(packets), "--drive",
                           str(capture)], capture_output=True, text=True, timeout=300, check=True, cwd=BUILD)
    return json.loads(done.stdout.splitlines()[-1])["ticks"]


def cores():
    """The forwarding core is the first one, as that of hawser-bench. On a machine of one core both threads are there: the
    main one waits for its input."""
    first_two = sorted(os.sched_getaffinity(0))[:2]
    return ["--lcores", f"0@{first_two[0]},1@{first_two[-1]}", "--main-lcore", "1"]


def prioritise(process):
    """Real-time priority for the forwarding thread: EAL does not survive it before its start. It leaves no time for others."""
    if len(os.sched_getaffinity(0)) < 2:
        return
    for task in Path(f"/proc/{process.pid}/task").iterdir():
        try:
            if "worker" in (task / "comm").read_text():
                os.sched_setscheduler(int(task.name), os.SCHED_FIFO, os.sched_param(50))
        except (OSError, ProcessLookupError):
            pass  # it ended, or we may not


def testpmd(capture, packets, mode="5tswap"):
    """The same of dpdk-testpmd, with as many buffers, that swaps MAC addresses, IP addresses and ports (5tswap), or does
    nothing (io); as it counts itself."""
    pages = ["--in-memory"] if hugepages_free() >= 400 else ["--no-huge"]
    arguments = ["dpdk-testpmd", *pages, "--no-pci", "--no-telemetry", "-m", "768", *cores(), "--file-prefix",
                 f"bench-testpmd{os.getpid()}", "--vdev", f"net_pcap0,rx_pcap={capture},infinite_rx=1"]
    arguments += ["--", f"--forward-mode={mode}", "--nb-cores=1", "--burst=64", "--auto-start", "--record-core-cycles",
                  "--no-lsc-interrupt", f"--total-num-mbufs={SPARE_BUFFERS + packets}", f"--mbcache={POOL_CACHE}"]
    process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        process.wait(TESTPMD_S / 2)
    except subprocess.TimeoutExpired:
        prioritise(process)
    try:
        process.wait(TESTPMD_S)  # it ends by a line on its standard input, not before
    except subprocess.TimeoutExpired:
        pass
    try:
        output = process.communicate("\n", timeout=60)[0]
    except BaseException:
        process.kill()
        process.wait()
        raise
    found = re.search(r"CPU cycles/packet=([0-9.]+)", output)
    if found is None:
        sys.exit(f"dpdk-testpmd gave no cycles per packet:\n{output}")
    return float(found.group(1))


def driver_ratio(references, suffix, packets):
    """Both over the same packets and device, in turn: the median of the ratios of neighbours."""
    capture = BUILD / "bench.pcap"
    subprocess.run([program("hawser-bench"), *DRIVE, "--packets", str(packets), "--write-pcap", str(capture)], check=True,
                   timeout=300, cwd=BUILD, stderr=subprocess.DEVNULL)
    ours, counting, theirs = [], [], []
    for _ in range(DRIVE_ROUNDS):
        ours.append(drive(capture, packets, "off"))
        theirs.append(testpmd(capture, packets))
        counting.append(drive(capture, packets, "on"))
    alone = testpmd(capture, packets, "io")
    ratio = round(statistics.median(a / b for a, b in zip(ours, theirs)), 2)
    references["hawser_net_pcap" + suffix] = round(statistics.median(ours), 1)
    references["hawser_net_pcap_counters" + suffix] = round(statistics.median(counting), 1)
    references["driver_ratio_counters" + suffix] = round(statistics.median(a / b for a, b in zip(counting, theirs)), 2)
    references["testpmd_5tswap" + suffix] = round(statistics.median(theirs), 1)
    references["testpmd_io" + suffix] = round(alone, 1)
    references["driver_ratio" + suffix] = ratio
    capture.unlink()
    print(f"\nover net_pcap with {packets} packets, driver included, {DRIVE[1]}: {references['hawser_net_pcap' + suffix]} ticks "
          f"per packet, {references['hawser_net_pcap_counters' + suffix]} with counters of nodes, tunnels and pairs; dpdk-testpmd 5tswap {references['testpmd_5tswap' + suffix]}, io {references['testpmd_io' + suffix]}; "
          f"median of {DRIVE_ROUNDS} ratios to 5tswap {ratio} (goal <= 1.4: {'met' if ratio <= 1.4 else 'not met'})")


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
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    start, steal = time.monotonic(), steal_ticks()
    about, results, notes, references = machine(), [], [], {}
    for name, arguments in PROGRAMS:
        run(name, arguments, results, notes)
    table(results)
    print()
    stages = pipeline(results, references, notes)
    for suffix, packets in DRIVE_PACKETS.items():
        driver_ratio(references, suffix, packets)
    about["load_after"] = os.getloadavg()[0]
    about["steal_ticks"] = steal_ticks() - steal
    about["notes"] = notes
    (BUILD / "bench.json").write_text(json.dumps({"results": results, "stages": stages, "references": references, "machine": about}, indent=2) + "\n")
    plot.write(BUILD / "bench.json", BUILD / "scaling.svg")
    print("\n" + ", ".join(f"{key} {value}" for key, value in about.items() if key != "notes"))
    for note in notes:
        print(f"  {note}")
    print(f"written to build/bench.json and build/scaling.svg in {time.monotonic() - start:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
