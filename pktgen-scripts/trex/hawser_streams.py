# SPDX-License-Identifier: BSD-3-Clause
"""What the profiles for TRex have in common: templates with counters, out of the plan that the gateway's files are from.

Tunables (start -f FILE -t NAME=VALUE,... or --NAME VALUE): plan, the file of generate.py (else $HAWSER_PLAN, else
plan.json here); size, octets of inner packets or imix; latency, yes for a stream of 1000 packets per second besides whose
delay TRex measures. Only the public API of TRex is used. The counters are not split between cores, so that they stay in
step: with several cores each one goes through all nodes.
"""

import argparse
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from trex_stl_lib.api import (Ether, STLFlowLatencyStats, STLPktBuilder, STLScVmRaw, STLStream, STLTXCont,  # noqa: E402
                              STLVmFlowVar, STLVmWrFlowVar)

from hawser_plan import IMIX, PROFILES, Plan  # noqa: E402

LATENCY_PPS = 1000
PBU_NODES = 512
PBU_PPS = 10


def read_tunables(tunables, kwargs):
    """Old versions of TRex give tunables as arguments, new ones as a list of words."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--plan", default=kwargs.get("plan") or os.environ.get("HAWSER_PLAN", "plan.json"))
    parser.add_argument("--size", default=str(kwargs.get("size", 78)))
    parser.add_argument("--latency", default=kwargs.get("latency", "no"))
    parser.add_argument("--nodes", type=int, default=int(kwargs.get("nodes", PBU_NODES)))
    return parser.parse_args([str(word) for word in tunables or ()])


def counter(name, at, start, step, count):
    low = start if step > 0 else start - count + 1
    return [STLVmFlowVar(name=name, init_value=start, min_value=low, max_value=low + count - 1, size=4, step=1,
                         op="inc" if step > 0 else "dec", split_to_cores=False),
            STLVmWrFlowVar(fv_name=name, pkt_offset=at)]


def template(plan, profile, first, end, size):
    commands = []
    for name, at, start, step in profile.counters(plan, first, end):
        commands += counter(name, at, start, step, end - first)
    return STLPktBuilder(pkt=Ether(profile.frame(plan, first, size)), vm=STLScVmRaw(commands))


def streams_of(name, tunables, kwargs):
    args = read_tunables(tunables, kwargs)
    plan, profile = Plan.load(args.plan), PROFILES[name]
    shares = IMIX if args.size == "imix" else [(int(args.size), 1)]
    streams = [STLStream(packet=template(plan, profile, first, end, size),
                         mode=STLTXCont(pps=weight * (end - first) / plan.nodes))
               for first, end in profile.blocks(plan) for size, weight in shares]
    if args.latency == "yes":
        first, end = profile.blocks(plan)[0]
        streams.append(STLStream(packet=STLPktBuilder(pkt=Ether(profile.frame(plan, first, max(shares[0][0], 78)))),
                                 mode=STLTXCont(pps=LATENCY_PPS), flow_stats=STLFlowLatencyStats(pg_id=1)))
    return streams


def pbu_streams(tunables, kwargs):
    """Registrations of the first nodes over and over: the first one makes a binding, the others are refused or ignored."""
    args = read_tunables(tunables, kwargs)
    plan = Plan.load(args.plan)
    return [STLStream(packet=STLPktBuilder(pkt=Ether(plan.pbu(i, 1))), mode=STLTXCont(pps=PBU_PPS))
            for i in range(min(args.nodes, plan.nodes))]


class HawserProfile:
    """What TRex calls."""

    def __init__(self, name):
        self.name = name

    def get_streams(self, direction=0, tunables=(), **kwargs):
        return pbu_streams(tunables, kwargs) if self.name == "pbu_storm" else streams_of(self.name, tunables, kwargs)
