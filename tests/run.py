#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs the test suites and sums them up.

run.py [SUITE ...]: unit, eal, sim, fuzz, packet, e2e (the build of gcc), clang (the same C suites built by clang), san (unit,
eal and sim under AddressSanitizer and UndefinedBehaviorSanitizer). Without names: all of them.

The last line is "N passed, N failed, N skipped". A test that could not run is listed by name with its reason.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
C_SUITES = ["unit", "eal", "sim", "fuzz"]
PYTEST_SUITES = ["packet", "e2e"]
DEADLINE_S = {"unit": 300, "eal": 600, "sim": 600, "fuzz": 300, "packet": 900, "e2e": 1800}

CMOCKA = re.compile(r"^\[\s+(OK|FAILED|SKIPPED)\s+\] (\S+)$")
SKIP_REASON = re.compile(r"skip: (\S+?): (.*)$")


class Totals:
    def __init__(self):
        self.passed, self.failed, self.skipped = [], [], []

    def add(self, suite, passed, failed, skipped, seconds):
        self.passed += [f"{suite}/{name}" for name in passed]
        self.failed += [f"{suite}/{name}" for name in failed]
        self.skipped += [(f"{suite}/{name}", reason) for name, reason in skipped]
        print(f"suite {suite}: {len(passed)} passed, {len(failed)} failed, {len(skipped)} skipped in {seconds:.0f} s", flush=True)


def run(command, deadline_s, **options):
    """Returns (exit code, output). The command gets a process group of its own, which is ended at the deadline."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                               start_new_session=True, **options)
    try:
        output, _ = process.communicate(timeout=deadline_s)
        return process.returncode, output
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            output, _ = process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
        return 124, (output or "") + f"\nended after its deadline of {deadline_s} s\n"
    except BaseException:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()
        raise


def build(directory, compiler, options):
    path = ROOT / directory
    environment = dict(os.environ, CC=compiler)
    if not (path / "build.ninja").exists():
        code, output = run(["meson", "setup", str(path), *options], 300, cwd=ROOT, env=environment)
        if code != 0:
            return output
    code, output = run(["ninja", "-C", str(path)], 1800, cwd=ROOT, env=environment)
    return None if code == 0 else output


def read_cmocka(name, code, output):
    passed, failed, skipped, reasons = [], [], [], dict(SKIP_REASON.findall(output))
    for line in output.splitlines():
        match = CMOCKA.match(line)
        if not match:
            continue
        word, test = match.groups()
        if word == "OK":
            passed.append(f"{name}/{test}")
        elif word == "SKIPPED" and test not in [entry.rsplit("/", 1)[-1] for entry, _ in skipped]:
            skipped.append((f"{name}/{test}", reasons.get(test, "no reason given")))
        elif word == "FAILED" and f"{name}/{test}" not in failed:
            failed.append(f"{name}/{test}")
    # cmocka reports a skipped test as OK as well in some versions: count it once
    names = {entry for entry, _ in skipped}
    passed = [entry for entry in passed if entry not in names]
    if code == 77 and not passed and not failed and not skipped:
        lines = output.strip().splitlines()
        skipped.append((name, lines[-1] if lines else "no reason given"))
    elif code != 0 and not failed:
        failed.append(name)
    elif not passed and not failed and not skipped:
        passed.append(name)
    return passed, failed, skipped


def c_suites(totals, suites, directory, label):
    listing = json.loads(subprocess.check_output(["meson", "introspect", "--tests", str(ROOT / directory)], text=True))
    for suite in suites:
        start = time.monotonic()
        passed, failed, skipped = [], [], []
        for test in listing:
            if not any(entry.split(":")[-1] == suite for entry in test["suite"]):
                continue
            environment = dict(os.environ, **test["env"])
            environment.setdefault("ASAN_OPTIONS", "detect_leaks=1:abort_on_error=0")
            environment.setdefault("UBSAN_OPTIONS", "halt_on_error=1:print_stacktrace=1")
            code, output = run(test["cmd"], min(test["timeout"] or 600, DEADLINE_S[suite]), env=environment,
                               cwd=test["workdir"] or ROOT / directory)
            counts = read_cmocka(test["name"], code, output)
            if counts[1]:
                print(f"--- {label}{suite}/{test['name']}: exit code {code}\n{output[-12000:]}\n---", flush=True)
            for total, part in zip((passed, failed, skipped), counts):
                total += part
        totals.add(label + suite, passed, failed, skipped, time.monotonic() - start)


def pytest_suite(totals, suite):
    start = time.monotonic()
    folder = ROOT / "tests" / suite
    if not list(folder.glob("test_*.py")):
        return
    report = ROOT / "build" / f"{suite}.xml"
    report.unlink(missing_ok=True)
    code, output = run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", str(folder)],
                       DEADLINE_S[suite], cwd=ROOT)
    passed, failed, skipped = [], [], []
    if report.exists():
        for case in xml.etree.ElementTree.parse(report).iter("testcase"):
            name = f"{case.get('classname', '').split('.')[-1]}/{case.get('name')}"
            if case.find("failure") is not None or case.find("error") is not None:
                failed.append(name)
            elif case.find("skipped") is not None:
                skipped.append((name, case.find("skipped").get("message", "no reason given")))
            else:
                passed.append(name)
    if code not in (0, 5) and not failed:
        failed.append("pytest")
    if failed:
        print(f"--- {suite}: exit code {code}\n{output[-30000:]}\n---", flush=True)
    totals.add(suite, passed, failed, skipped, time.monotonic() - start)


def built(totals, name, directory, compiler, options):
    problem = build(directory, compiler, options)
    if problem is not None:
        print(problem[-8000:])
        totals.add(name, [], ["build"], [], 0)
    return problem is None


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    wanted = sys.argv[1:] or C_SUITES + PYTEST_SUITES + ["clang", "san"]
    unknown = set(wanted) - set(C_SUITES + PYTEST_SUITES + ["clang", "san"])
    if unknown:
        sys.exit(f"run.py: no such suite: {' '.join(sorted(unknown))}")
    totals = Totals()
    usable = built(totals, "build", "build", os.environ.get("CC", "gcc"), [])
    if usable:
        c_suites(totals, [suite for suite in C_SUITES if suite in wanted], "build", "")
    if "clang" in wanted and built(totals, "clang", "build-clang", "clang", []):
        c_suites(totals, C_SUITES, "build-clang", "clang-")
    if "san" in wanted and built(totals, "san", "build-san", "gcc", ["-Db_sanitize=address,undefined", "-Db_lundef=false"]):
        c_suites(totals, C_SUITES, "build-san", "san-")
    for suite in PYTEST_SUITES:  # last: one of their tests takes the gateway of the sanitizer build
        if usable and suite in wanted:
            pytest_suite(totals, suite)
    for name, reason in totals.skipped:
        print(f"skipped: {name}: {reason}")
    for name in totals.failed:
        print(f"failed: {name}")
    print(f"{len(totals.passed)} passed, {len(totals.failed)} failed, {len(totals.skipped)} skipped", flush=True)
    return 1 if totals.failed or not totals.passed else 0


if __name__ == "__main__":
    sys.exit(main())
