#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""model.py BENCH.json: what 4 to 32 workers may forward, modelled from what one and two workers were measured to.

A model, not a measurement. Workers write no line that another reads or writes, so the only thing that they share is the
memory behind their own caches. t1 and t2 are the ticks per packet of a worker alone and of two at once
(PATH_worker_alone, PATH_two_workers of hawser-bench). Two bounds:
  upper  one more worker costs nothing further: N / t2
  lower  each further worker slows all down as the second did: N / (t1 * (1 + (N - 1) * (t2 / t1 - 1)))
Not in it: what the NICs and PCIe can do, uneven spreading over queues, hyper-threads, power limits, other sockets' memory.
"""

import json
import sys

WORKERS = (1, 2, 4, 8, 16, 32)
ALONE, BOTH = "_worker_alone", "_two_workers"


def load(path):
    """{(path, flows): (t1, t2, ticks per microsecond)}."""
    try:
        with open(path, encoding="utf-8") as file:
            rows = {(row["name"], row["flows"]): row for row in json.load(file)["results"]}
        measured = {}
        for (name, flows), row in rows.items():
            both = rows.get((name.removesuffix(ALONE) + BOTH, flows))
            if name.endswith(ALONE) and both is not None:
                measured[name.removesuffix(ALONE), flows] = (row["median"], both["median"], row["median"] * row["mpps"])
    except OSError as error:
        sys.exit(f"model.py: {path}: {error.strerror}")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        sys.exit(f"model.py: {path}: not a file of make bench ({error!r})")
    if not measured:
        sys.exit(f"model.py: {path}: no rows *{ALONE} and *{BOTH}: they need two cores")
    return measured


def bounds(workers, alone, both):
    """Packets per tick, lower and upper."""
    both = max(both, alone)
    lower = workers / (alone * (1 + (workers - 1) * (both / alone - 1)))
    return lower, workers / (both if workers > 1 else alone)


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: " + __doc__.splitlines()[0])
    measured = load(sys.argv[1])
    print("Mpps by number of workers; 1 and 2 measured, the others modelled (lower - upper)")
    print(f"{'path':28}{'flows':>9}" + "".join(f"{workers:>16}" for workers in WORKERS))
    for (name, flows), (alone, both, ticks_per_us) in measured.items():
        cells = []
        for workers in WORKERS:
            low, high = (value * ticks_per_us for value in bounds(workers, alone, both))
            cells.append(f"{high:.1f}" if workers <= 2 else f"{low:.1f} - {high:.1f}")
        print(f"{name:28}{flows:>9}" + "".join(f"{cell:>16}" for cell in cells))


if __name__ == "__main__":
    main()
