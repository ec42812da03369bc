# SPDX-License-Identifier: BSD-3-Clause
"""hawser-bench measures every path in one short round, refuses wrong arguments, and the scripts beside it read what it wrote."""
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

PATHS = {"lma_downlink", "lma_uplink", "lma_hairpin", "mag_uplink", "mag_downlink", "mag_uplink_direct", "mag_downlink_direct"}
RIGS = {"lma", "mag", "mag_pairs"}
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
    (["--packets", "0"], "1 to 262144"),
    (["--counters", "some"], "on, off and both"),
    (["surplus"], "usage"),
]

bench, (compare, plot, model) = sys.argv[1], map(pathlib.Path, sys.argv[2:5])
SVG = "{http://www.w3.org/2000/svg}"


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


def lines_of(picture):
    """Points of each line of the picture, by the class of its group."""
    root = xml.etree.ElementTree.parse(picture).getroot()
    return {group.get("class"): [tuple(map(float, point.split(","))) for point in line.get("points").split()]
            for group in root.iter(f"{SVG}g") for line in group.findall(f"{SVG}polyline")}


def check_plot(directory, report):
    """@report has two numbers of flows for every path."""
    folder = pathlib.Path(directory)
    picture = folder / "plot.svg"
    done = run(sys.executable, str(plot), str(folder / "uniform.json"), str(picture))
    failed = check("plot.py draws what was measured", done.returncode == 0 and picture.exists(), done.stderr)
    lines = lines_of(picture) if picture.exists() else {}
    failed += check("every path and the walk have a line of two points",
                    set(lines) == PATHS | {"two_line_walk"} and all(len(points) == 2 for points in lines.values()))
    medians = {row["name"]: row["median"] for row in report["results"] if row["flows"] == 100}
    by_ticks = sorted(lines, key=lambda name: medians[name])
    failed += check("what takes more ticks is higher, more flows are further right",
                    bool(lines) and all(lines[a][1][1] >= lines[b][1][1] for a, b in zip(by_ticks, by_ticks[1:])) and
                    all(points[0][0] < points[1][0] for points in lines.values()))
    one = {"results": [row for row in report["results"] if row["flows"] == 1]}
    none = {"results": [dict(row, median=0) for row in report["results"]]}
    for what, text, words in [("no file", None, "No such file"), ("no JSON", "{", "not JSON"), ("other JSON", "[1]", "not a file of make bench"),
                              ("no rows", '{"results": []}', "fewer than two"), ("one number of flows", json.dumps(one), "fewer than two"),
                              ("no ticks", json.dumps(none), "not a file of make bench")]:
        wrong = folder / "wrong.json"
        wrong.unlink(missing_ok=True)
        if text is not None:
            wrong.write_text(text)
        done = run(sys.executable, str(plot), str(wrong), str(folder / "wrong.svg"))
        failed += check(f"plot.py refuses {what}", done.returncode == 1 and words in done.stderr and "Traceback" not in done.stderr and
                        not (folder / "wrong.svg").exists(), done.stderr)
    done = run(sys.executable, str(plot), str(folder / "uniform.json"), str(folder / "nowhere" / "plot.svg"))
    return failed + check("plot.py names a place where it cannot write", done.returncode == 1 and "No such file" in done.stderr, done.stderr)


def check_of_walk(directory, report):
    """Twice the walk of one rig: half the ratio of its paths, and of no other's."""
    file = pathlib.Path(directory) / "slow.json"
    slow = dict(report, results=[dict(row, median=2 * row["median"]) if (row["name"], row["rig"]) == ("two_line_walk", "mag") else row
                                 for row in report["results"]])
    file.write_text(json.dumps(slow))
    done = run(sys.executable, str(compare), f"{directory}/uniform.json", str(file))
    said = {words[0]: words[-1] for words in map(str.split, done.stdout.splitlines()) if len(words) == 7 and words[1] == "100"}
    wanted = {path: "0.500" if path in ("mag_uplink", "mag_downlink") else "1.000" for path in PATHS}
    return check("compare.py takes the walk beside a path", wanted == {path: said.get(path) for path in PATHS}, done.stdout + done.stderr)


def check_model(directory):
    """100 ticks alone and 110 of two, at 2000 ticks per microsecond."""
    file = pathlib.Path(directory) / "two.json"
    rows = [{"name": "p_worker_alone", "flows": 9, "median": 100, "mpps": 20}, {"name": "p_two_workers", "flows": 9, "median": 110, "mpps": 36.36}]
    file.write_text(json.dumps({"results": rows}))
    words = run(sys.executable, str(model), str(file)).stdout.splitlines()[-1].split()
    failed = check("one and two workers are as measured", words[:4] == ["p", "9", "20.0", "36.4"], str(words))
    failed += check("32 workers are between the two bounds", words[-3:] == ["156.1", "-", "581.8"], str(words))
    file.write_text(json.dumps({"results": rows[:1]}))
    done = run(sys.executable, str(model), str(file))
    return failed + check("model.py refuses a run on one core", done.returncode == 1 and "two cores" in done.stderr, done.stderr)


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
        failed += check_plot(directory, uniform)
        failed += check_model(directory)
        done, mixed = measure(directory, "mixed.json", "--flows", "1000", "--traffic", "zipf:1.1", "--size", "imix", "--buffers", "1024")
        failed += check("Zipf traffic of mixed sizes goes through every path", done.returncode == 0 and mixed != {}, done.stderr)
        done = run(sys.executable, str(compare), f"{directory}/uniform.json", f"{directory}/uniform.json")
        beside = [{"rig": row["rig"], "flows": row["flows"], "value": row["median"]} for row in uniform["results"]
                  if row["name"] == "two_line_walk"]
        failed += check("each rig has its walk", {row["rig"] for row in beside} == RIGS and
                        sorted(uniform["references"]["two_line_walk"], key=str) == sorted(beside, key=str), str(beside))
        failed += check_of_walk(directory, uniform)
        failed += check("compare.py puts two files side by side",
                        done.returncode == 0 and "1.000" in done.stdout and "lma_hairpin" in done.stdout, done.stderr)
        done = run(sys.executable, str(compare), str(compare), f"{directory}/uniform.json")
        failed += check("compare.py names a file that is none", done.returncode != 0 and "not a file of make bench" in done.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
