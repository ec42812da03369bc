#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes what a measurement needs, all from one seed: bindings and configuration of the gateway, and the traffic.

    generate.py --out DIR [--nodes N] [--mags N] [--seed N] [--size OCTETS|imix] ...

DIR gets plan.json (what the profiles for TRex and the search read), lma.csv and mag.csv (hawser --forward-only), lma.yaml
and mag.yaml (change the devices), and PROFILE.pcap for Pktgen, testpmd and everything else that replays captures. The
order in the captures is random by the seed, each node comes once; pbu_storm.pcap has one registration of each node.
"""

import argparse
import json
import random
import struct
import sys
from pathlib import Path

from hawser_plan import IMIX, PROFILES, Plan

PCAP_PACKETS = 65536  # of a capture: generators keep it in memory


def write_pcap(path, frames):
    with open(path, "wb") as file:
        file.write(struct.pack("=IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for n, frame in enumerate(frames):
            file.write(struct.pack("=IIII", n // 1000000, n % 1000000, len(frame), len(frame)) + frame)


def sizes(size, chance):
    """Sizes of inner packets without end."""
    population, weights = zip(*IMIX)
    while True:
        yield chance.choices(population, weights)[0] if size == "imix" else int(size)


def order(plan, packets):
    """Nodes in the order of a capture: each once, or a sample of them."""
    return random.Random(plan.seed).sample(range(plan.nodes), min(packets, plan.nodes))


def profile_frames(plan, profile, size, packets):
    chance = random.Random(plan.seed + 1)
    return (profile.frame(plan, i, n) for i, n in zip(order(plan, packets), sizes(size, chance)))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, type=Path, metavar="DIR")
    for name, default in Plan.FIELDS.items():
        parser.add_argument("--" + name.replace("_", "-"), type=type(default), default=default,
                            help=f"default {default}")
    parser.add_argument("--size", default="78", help="octets of inner packets in captures, or imix; default 78")
    parser.add_argument("--packets", type=int, default=PCAP_PACKETS,
                        help=f"at most so many frames in a capture; default {PCAP_PACKETS}")
    parser.add_argument("--core-device", default="pci:0000:01:00.0", help="of core0, as in `ports` of the gateway")
    parser.add_argument("--other-device", default="pci:0000:01:00.1", help="of access0 or out0")
    return parser.parse_args()


def main():
    args = arguments()
    try:
        plan = Plan(**{name: getattr(args, name) for name in Plan.FIELDS})
        args.out.mkdir(parents=True, exist_ok=True)
        plan.save(args.out / "plan.json")
        for role in ("lma", "mag"):
            (args.out / f"{role}.csv").write_text("".join(line + "\n" for line in plan.bindings(role)))
            gateway = plan.gateway(role, args.core_device, args.other_device, str(args.out.resolve()))
            (args.out / f"{role}.yaml").write_text(json.dumps(gateway, indent=2) + "\n")
        for profile in PROFILES.values():
            write_pcap(args.out / f"{profile.name}.pcap", profile_frames(plan, profile, args.size, args.packets))
        write_pcap(args.out / "pbu_storm.pcap", (plan.pbu(i, 1) for i in order(plan, args.packets)))
    except (ValueError, OSError) as error:
        sys.exit(f"generate.py: {error}")


if __name__ == "__main__":
    main()
