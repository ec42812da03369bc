#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""compare.py OLD NEW: two files that `make bench` wrote, side by side, with the ratio of the medians (new over old).

A ratio says something only if the machines and their load were alike: what differs of them is printed first. Rows that
only one file has are listed after the others. A reference of the same run beside a row tells how much of a ratio the
machine is: "of walk" is the ratio after that of the two_line_walk beside it, of the same rig with as many flows, is taken out.
"""

import json
import signal
import sys

WALK = "two_line_walk"  # the one row that every rig has


def load(path):
    try:
        with open(path, encoding="utf-8") as file:
            data = json.load(file)
        rows = {(row["name"], row["flows"], row.get("rig") if row["name"] == WALK else None): row for row in data["results"]}
    except OSError as error:
        sys.exit(f"compare.py: {path}: {error.strerror}")
    except (ValueError, KeyError, TypeError) as error:
        sys.exit(f"compare.py: {path}: not a file of make bench ({error!r})")
    return data, rows


def print_machines(old, new):
    keys = sorted({*old.get("machine", {}), *new.get("machine", {})} - {"notes"})
    for key in keys:
        before, after = old.get("machine", {}).get(key), new.get("machine", {}).get(key)
        if before != after:
            print(f"machine: {key}: {before} -> {after}")


def ratio(old, new, key):
    if key not in old or key not in new or not old[key]["median"]:
        return None
    return new[key]["median"] / old[key]["median"]


def main():
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # | head ends us quietly
    if len(sys.argv) != 3:
        sys.exit(__doc__.splitlines()[0])
    (old_file, old), (new_file, new) = load(sys.argv[1]), load(sys.argv[2])
    print_machines(old_file, new_file)
    print(f"{'name':40}{'flows':>10}  {'unit':12}{'old':>12}{'new':>12}{'new/old':>9}{'of walk':>9}")
    for key in (key for key in old if key in new):
        change, walk = ratio(old, new, key), ratio(old, new, (WALK, key[1], new[key].get("rig")))
        change_text = f"{change:9.3f}" if change is not None else f"{'-':>9}"
        walk_text = f"{change / walk:9.3f}" if change is not None and walk and old[key]["unit"] == "tsc/packet" else ""
        name = f"{key[0]}, {key[2]}" if key[2] else key[0]
        print(f"{name:40}{key[1]:>10}  {old[key]['unit']:12}{old[key]['median']:>12}{new[key]['median']:>12}"
              f"{change_text}{walk_text}")
    for label, rows, other in (("only in old", old, new), ("only in new", new, old)):
        for key in (key for key in rows if key not in other):
            print(f"{label}: {key[0]} {key[1]} {rows[key]['median']} {rows[key]['unit']}")
    for name in sorted({*old_file.get("references", {}), *new_file.get("references", {})}):
        values = [file.get("references", {}).get(name) for file in (old_file, new_file)]
        if not any(isinstance(value, list) for value in values):
            print(f"reference {name}: {values[0]} -> {values[1]}")


if __name__ == "__main__":
    main()
