# SPDX-License-Identifier: BSD-3-Clause
"""The build with AddressSanitizer and UndefinedBehaviorSanitizer through a whole life; at its end the logs may not have
a report."""

import pytest

import ending
from hosts import reaches
from lab.domain import SERVER, Domain
from lab.lab import ROOT, Lab, wait_until

BUILD = ROOT / "build-san"
# libxdp 1.3 keeps the context of a memory area (80 octets a port) when DPDK's net_af_xdp closes its port.
LEAKS_OF_OTHERS = "leak:xsk_umem__create\n"


def test_attach_handover_and_end_have_no_report(monkeypatch, tmp_path):
    if not (BUILD / "hawser").exists() or not (BUILD / "hawserctl").exists():
        pytest.skip("build-san is not built: run.py san, or ninja -C build-san")
    suppressions = tmp_path / "suppressions"
    suppressions.write_text(LEAKS_OF_OTHERS)
    monkeypatch.setenv("LSAN_OPTIONS", f"suppressions={suppressions}:print_suppressions=0")
    monkeypatch.setenv("ASAN_OPTIONS", "detect_leaks=1:abort_on_error=0")
    monkeypatch.setenv("UBSAN_OPTIONS", "halt_on_error=1:print_stacktrace=1")
    with Lab("e2e", build=BUILD) as lab:
        world = Domain(lab, lma_variables={"TimestampValidityWindow": 60000}).start()
        for node in (1, 2):
            world.plug(node, 1)
        addresses = {node: world.address(node, deadline_s=60) for node in (1, 2)}
        reaches(lab, "mn1", addresses[2], deadline_s=60)
        world.plug(1, 2)
        reaches(lab, "mn1", SERVER, deadline_s=60)
        wait_until(lambda: world.binding(1)["peer"] == "mag2", 30, "mn1 is registered at mag2")
        for gateway in lab.gateways.values():
            for thing in ("node", "bindings", "nodes", "tunnels", "ports", "drops", "events"):
                gateway.ctl("show", thing)
        ending.check(lab)
