# SPDX-License-Identifier: BSD-3-Clause
"""Faults of the core network: Mobility Header messages that the core switch loses."""

BINDING_UPDATE, BINDING_ACKNOWLEDGEMENT, HEARTBEAT = 5, 6, 13

# Classic BPF for tc: Next Header of IPv6 is 135, and the MH type is the wanted one: TC_ACT_SHOT, else TC_ACT_UNSPEC.
PROGRAM = "6,48 0 0 20,21 0 3 135,48 0 0 56,21 0 1 {kind},6 0 0 2,6 0 0 4294967295"


def lose(lab, port, kind):
    """The core switch loses what comes in by that port and is a message of that type."""
    lab.run("core", "tc", "qdisc", "add", "dev", port, "clsact")
    lab.run("core", "tc", "filter", "add", "dev", port, "ingress", "bpf", "da", "bytecode", PROGRAM.format(kind=kind))


def heal(lab, port):
    lab.run("core", "tc", "qdisc", "del", "dev", port, "clsact")


def cut(lab, port):
    lab.run("core", "ip", "link", "set", port, "down")


def join(lab, port):
    lab.run("core", "ip", "link", "set", port, "up")
