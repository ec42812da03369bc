# SPDX-License-Identifier: BSD-3-Clause
"""hawser-bench measures every path in one short round, refuses wrong arguments, and compare.py reads what it wrote."""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

PATHS = {"lma_downlink", "lma_uplink", "lma_hairpin", "mag_uplink", "mag_downlink", "mag_uplink_direct", "mag_downlink_direct"}
WRONG = [
    (["--flows", "0"], "1 to 67108864"),
    (["--flows", "x"], "1 to 67108864"),
    (["--flows", ","], "at least one"),
    (["--paths", "sideways"], "no such path"),
    (["--traffic", "zipf:"], "exponent"),
    (["--traffic", "zipf:9"], "exponent"),
    (["--size", "63"], "64 to 1460"),
    (["--size", "1461"], "64 to 1460"),
    (["--buffers", "65"], "multiples of 64"),
    (["--seed", "0"], "1 or more"),
    (["--counters", "some"], "on, off and both"),
    (["surplus"], "usage"),
]

bench, compare = sys.argv[1], pathlib.Path(sys.argv[2])


def run(*arguments):
    return subprocess.run(arguments, capture_output=True, text=True, timeout=110, check=False)


def check(what, good, why=""):
    name = re.sub(r"[^A-Za-z0-9:,.-]+", "_", what)
    print(f"[{'       OK' if good else '  FAILED '}] {name}{'' if good else ': ' + why}")
    return 0 if good else 1


def measure(directory, name, *arguments):
    report = pathlib.Path(directory) / name
    done = run(bench, "--round-ms", "1", "--no-scale", "--json", str(report), *arguments)
    return done, json.loads(report.read_text()) if report.exists() else {}


def main():
    failed = 0
    for arguments, words in WRONG:
        done = run(bench, *arguments)
        failed += check(f"{' '.join(arguments)} is refused", done.returncode == 2 and words in done.stderr + done.stdout,
                        f"exit {done.returncode}: {done.stderr}")
    with tempfile.TemporaryDirectory() as directory:
        done, uniform = measure(directory, "uniform.json", "--flows", "1,100")
        rows = {(row["name"], row["flows"]): row for row in uniform.get("results", [])}
        wanted = {(path + end, flows) for path in PATHS for end in ("", "_counters") for flows in (1, 100)}
        failed += check("every path is measured with and without counters", wanted <= set(rows),
                        f"missing {wanted - set(rows)}: {done.stderr}")
        failed += check("minimum, median and maximum are in order",
                        bool(rows) and all(0 < row["min"] <= row["median"] <= row["max"] for row in rows.values()))
        failed += check("each path has ticks by stage", {stage["path"] for stage in uniform["stages"]} >= PATHS)
        done, mixed = measure(directory, "mixed.json", "--flows", "1000", "--traffic", "zipf:1.1", "--size", "imix", "--buffers", "1024")
        failed += check("Zipf traffic of mixed sizes goes through every path", done.returncode == 0 and mixed != {}, done.stderr)
        done = run(sys.executable, str(compare), f"{directory}/uniform.json", f"{directory}/uniform.json")
        failed += check("compare.py puts two files side by side",
                        done.returncode == 0 and "1.000" in done.stdout and "lma_hairpin" in done.stdout, done.stderr)
        done = run(sys.executable, str(compare), str(compare), f"{directory}/uniform.json")
        failed += check("compare.py names a file that is none", done.returncode != 0 and "not a file of make bench" in done.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
