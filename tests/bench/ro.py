#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Measures route optimisation between real processes in namespaces and writes build/ro.json.

ro.py [--runs N] [--case DRIVER-LMAS ...] [--output FILE]       cases: direct-1 direct-2 proxy-1 proxy-2

One run: mn1 at one MAG sends 1000 packets a second to mn2 at another one, which echoes them; the pair moves to the direct
path. Then mn1 moves to another MAG under a second probe. Then the pair is stopped. All times come from one capture of the
core switch:

setup_ms     from the packet that triggers to the first packet on the direct path. Every packet counts, in both directions:
             it is the first answer on its way to the anchor, or, if the anchor still knew of answers, the first packet
handover_ms  from the PBU of the new MAG, to which mn1 is new, to the first packet on the direct path from or
             to it
messages     of route optimisation in a set-up, acknowledgements counted

Loss and reordering are those of the probes, both directions together, summed over all runs. handover_lost has what the
mobile node sends and gets while no MAG knows that it is there. setup_kernel_dropped and handover_kernel_dropped are what the
kernels of the hosts had no room for meanwhile: of a gateway that had no core for half a second, say, because something else
had it. That is part of what was lost, and no fault of route optimisation.
"""

import argparse
import json
import os
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from lab.core_trace import PBU  # noqa: E402
from lab.domain import node_id  # noqa: E402
from lab.lab import ROOT, Lab, LabError, wait_until  # noqa: E402
from lab.losses import grown, kernel_drops  # noqa: E402
from lab.programs import result  # noqa: E402
from lab.ro_world import RoWorld  # noqa: E402

RUNS = 20
CASES = [(driver, lmas) for driver in ("direct", "proxy") for lmas in (1, 2)]
FIRST_MAG, SECOND_MAG = 1, 3  # of mn1; mn2 stays at mag2
BEHIND = 200                  # packets of a probe on the direct path before it ends
FORGETS = {"refused-hold": 1}  # a MAG is told when mn1 has left it, and knows nothing of it a second later
SETTINGS = {"detect-packets": 1, "detect-sample": 1, "hold-down": 0, "detect-window": 200}


class Case:
    def __init__(self, world):
        self.world, self.setups, self.handovers = world, [], []
        self.kernel_drops = kernel_drops(world.lab)
        self.mag = FIRST_MAG
        for node, mag in ((1, FIRST_MAG), (2, 2)):
            world.place(node, mag)
        world.echo()
        self.neighbours()

    def neighbours(self):
        """Every MAG has resolved what it needs: what is measured is route optimisation."""
        self.setup()
        self.handover()
        self.setups.clear()
        self.handovers.clear()

    def packets(self, since):
        """(time, sender, receiver) of the tunnels of the pair's packets."""
        a, b = self.world.addresses[1], self.world.addresses[2]
        return self.world.trace.carried(a, b, since), self.world.trace.carried(b, a, since)

    def direct(self, since):
        """When packets were on the direct path of the MAGs of now, per direction."""
        there, back = self.packets(since)
        mag = f"MAG{self.mag}"
        return ([at for at, *way in there if way == [mag, "MAG2"]], [at for at, *way in back if way == ["MAG2", mag]])

    def probe_until_direct(self, since, change=None):
        """What the probe says that ran until the pair was on the direct path for a while."""
        probe = self.world.probe(60)
        if change:
            change()
        wait_until(lambda: min(map(len, self.direct(since))) >= BEHIND, 30, "the probe is on the direct path", every_s=0.1)
        probe.terminate()
        return result(probe)

    def dropped_by_kernels(self):
        """Packets since the last call."""
        before, self.kernel_drops = self.kernel_drops, kernel_drops(self.world.lab)
        return sum(grown(before, self.kernel_drops).values())

    def setup(self):
        self.dropped_by_kernels()
        since = time.time()
        said = self.probe_until_direct(since)
        there, back = self.packets(since)
        messages = [frame.at for frame, _ in self.world.trace.ro_messages(since)]
        to_anchor = [min((at for at, _, receiver in way if receiver.startswith("LMA")), default=since) for way in (there, back)]
        triggered = max(at for at in to_anchor if at < messages[0])
        first = min(map(min, self.direct(since)))
        self.setups.append({"ms": (first - triggered) * 1000, "messages": len(messages), "said": said,
                            "kernels": self.dropped_by_kernels()})

    def handover(self):
        left, next_mag = self.mag, FIRST_MAG + SECOND_MAG - self.mag
        gateway = self.world.domain.mag(next_mag)
        wait_until(lambda: not gateway.rows("bindings", mn=node_id(1)), 20, f"{gateway.name} does not know mn1 any more")
        self.dropped_by_kernels()
        since = time.time()

        def move():
            wait_until(lambda: min(map(len, self.direct(since))) >= BEHIND, 30, "the probe runs", every_s=0.1)
            self.mag = next_mag
            self.world.domain.plug(1, self.mag)

        said = self.probe_until_direct(since, move)
        mag = f"MAG{self.mag}"
        registered = min(frame.at for frame in self.world.trace.frames(since)
                         if frame.kind == PBU and self.world.trace.name(frame.source) == mag)
        first = min(at for way in self.direct(since) for at in way if at > registered)
        self.handovers.append({"ms": (first - registered) * 1000, "gap": said["gap_ms"], "said": said,
                               "kernels": self.dropped_by_kernels()})
        self.world.domain.mag(left).ctl("detach", node_id(1))
        if not self.world.stop():
            raise LabError("the pair was not there to be stopped")

    def run(self):
        self.setup()
        self.handover()


def spread(values):
    return {"min": round(min(values), 3), "median": round(statistics.median(values), 3), "max": round(max(values), 3)}


def total(rows, key):
    return sum(row["said"][key] for row in rows)


def measure(driver, lmas, runs):
    with Lab("bench-ro") as lab:
        case = Case(RoWorld(lab, driver, lmas, ro=SETTINGS, ro_mag={"in-order": True}, mag=FORGETS))
        for _ in range(runs):
            case.run()
        dropped = case.world.trace.stop()
    setups, handovers = case.setups, case.handovers
    return {
        "driver": f"ro-{driver}", "lmas": lmas, "runs": runs,
        "setup_ms": spread([row["ms"] for row in setups]),
        "messages": int(statistics.median([row["messages"] for row in setups])),
        "setup_sent": total(setups, "sent"), "setup_lost": total(setups, "lost"), "setup_reordered": total(setups, "reordered"),
        "setup_kernel_dropped": sum(row["kernels"] for row in setups),
        "handover_ms": spread([row["ms"] for row in handovers]),
        "handover_gap_ms": spread([row["gap"] for row in handovers]),
        "handover_sent": total(handovers, "sent"), "handover_lost": total(handovers, "lost"),
        "handover_reordered": total(handovers, "reordered"),
        "handover_kernel_dropped": sum(row["kernels"] for row in handovers),
        "capture_dropped": dropped,
    }


def table(cases):
    print(f"\n{'driver':10}{'LMAs':>5}{'runs':>6}{'messages':>9}{'set-up ms':>26}{'lost':>6}{'late':>6}{'handover ms':>26}{'gap ms':>9}"
          f"{'lost':>7}{'late':>6}")
    for case in cases:
        setup, handover = (" / ".join(f"{case[key][part]:.1f}" for part in ("min", "median", "max"))
                           for key in ("setup_ms", "handover_ms"))
        print(f"{case['driver']:10}{case['lmas']:>5}{case['runs']:>6}{case['messages']:>9}{setup:>26}{case['setup_lost']:>6}"
              f"{case['setup_reordered']:>6}{handover:>26}{case['handover_gap_ms']['median']:>9.1f}{case['handover_lost']:>7}"
              f"{case['handover_reordered']:>6}")
    by_kernels = sum(case["setup_kernel_dropped"] + case["handover_kernel_dropped"] for case in cases)
    if by_kernels:
        print(f"{by_kernels} packets were dropped by kernels, for want of a core: see ..._kernel_dropped")


def main():
    names = [f"{driver}-{lmas}" for driver, lmas in CASES]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--case", action="append", choices=names)
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "ro.json")
    options = parser.parse_args()
    if options.runs < 1:
        parser.error("--runs: at least 1")
    start, cases = time.monotonic(), []
    for driver, lmas in CASES:
        if options.case and f"{driver}-{lmas}" not in options.case:
            continue
        print(f"# ro-{driver}, {lmas} LMA{'s' if lmas > 1 else ''}", flush=True)
        cases.append(measure(driver, lmas, options.runs))
    options.output.write_text(json.dumps({"cases": cases, "machine": {"cores": os.cpu_count(), "load": os.getloadavg()[0]}},
                                         indent=2) + "\n")
    table(cases)
    print(f"\nwritten to {options.output} in {time.monotonic() - start:.0f} s")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LabError as failure:
        print(f"bench-ro: {failure}", file=sys.stderr)
        sys.exit(1)
