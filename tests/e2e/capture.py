# SPDX-License-Identifier: BSD-3-Clause
"""Captures, read by tshark."""

import subprocess

from scapy.layers.inet6 import IPv6, in6_chksum
from scapy.layers.l2 import Ether
from scapy.utils import RawPcapReader

from lab.lab import wait_until
from packet.mobility import Message

# Checksums are checked; expert information of "warning" and above is an objection.
OPTIONS = ["-o", "udp.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"]
OBJECTIONS = "_ws.malformed || _ws.expert.severity >= 0x600000"


class Capture:
    """Records an interface from construction to stop()."""

    def __init__(self, lab, where, interface, *condition):
        self.path = lab.directory / f"{where}-{interface}-{len(lab.processes)}.pcap"
        errors = self.path.with_suffix(".err")
        with open(errors, "wb") as stream:
            self.process = lab.start(where, "tcpdump", "-i", interface, "-U", "-s", "0", "-w", self.path, *condition,
                                     stderr=stream)
        wait_until(lambda: "listening on" in errors.read_text(), 20, f"tcpdump records {interface} in {where}")

    def stop(self):
        self.process.terminate()
        self.process.wait(20)
        return self

    def _tshark(self, condition, *arguments):
        command = ["tshark", "-n", "-r", str(self.path), *OPTIONS, "-Y", condition, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def fields(self, condition, *names, occurrence="f"):
        """A tuple of texts per packet that the condition holds for; with occurrence "a" each text has all values."""
        arguments = ["-T", "fields", "-E", f"occurrence={occurrence}"]
        for name in names:
            arguments += ["-e", name]
        return [tuple(line.split("\t")) for line in self._tshark(condition, *arguments).splitlines()]

    def count(self, condition):
        return len(self._tshark(condition).splitlines())

    def objections(self):
        """What tshark finds wrong with the packets."""
        return self._tshark(OBJECTIONS, "-T", "fields", "-e", "frame.number", "-e", "_ws.expert.message",
                            "-e", "_ws.col.Info")


def messages(capture, kind):
    """(IPv6 header, message) of each Mobility Header message of that type."""
    found = []
    for data, _ in RawPcapReader(str(capture.path)):
        packet = Ether(data)
        if IPv6 in packet and packet[IPv6].nh == 135 and data[56] == kind:
            assert in6_chksum(135, packet[IPv6], bytes(packet[IPv6].payload)) == 0, "checksum of the Mobility Header"
            found.append((packet[IPv6], Message(packet)))
    return found
