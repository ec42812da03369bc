# SPDX-License-Identifier: BSD-3-Clause
"""What has to hold when a gateway ends: exit code 0, no report of a sanitizer, and every packet buffer is back, except
those that a driver is known to keep."""

import re

# Packet buffers that a running port of a driver holds in its receive rings, and how many it may keep of what it has
# sent. net_af_xdp lays its memory area over the pool: 2048 buffers stay in the fill ring, also when the port is closed,
# and frames of the last burst stay until the next one fetches their completions. net_tap gives everything back when it
# is closed, net_af_packet copies and holds nothing.
BURST = 64
RECEIVE_RINGS = {"net_af_xdp": 2048, "net_af_packet": 0, "net_tap": 512}
KEPT_SENT = {"net_af_xdp": BURST, "net_af_packet": 0, "net_tap": 0}
KEPT_AFTER_CLOSE = {"net_af_xdp"}

FIELD = re.compile(r"(\w+)=(\S+)")


def log_lines(gateway, event):
    """Lines of the last start with that event, as dictionaries."""
    lines = gateway.output().splitlines()
    starts = [i for i, line in enumerate(lines) if " event=memory " in line]
    return [dict(FIELD.findall(line)) for line in lines[starts[-1] if starts else 0:] if f" event={event} " in line]


def drivers(gateway):
    return [line["driver"] for line in log_lines(gateway, "port_open") for _ in range(int(line["rx_queues"]))]


def buffers(gateway):
    stopped = log_lines(gateway, "stopped")
    assert len(stopped) == 1, f"{gateway.name} has not said that it stopped:\n{gateway.output()}"
    return [int(stopped[0][f"mbufs_{when}"]) for when in ("after_start", "before_close", "after_close")]


def check_buffers(gateway):
    after_start, before_close, after_close = buffers(gateway)
    queues = drivers(gateway)
    rings = sum(RECEIVE_RINGS[driver] for driver in queues)
    sent = sum(KEPT_SENT[driver] for driver in queues)
    kept = sum(RECEIVE_RINGS[driver] for driver in queues if driver in KEPT_AFTER_CLOSE)
    assert after_start == rings, f"{gateway.name}: {after_start} after the start, {queues}"
    assert rings <= before_close <= rings + sent, f"{gateway.name}: {before_close} before the ports close, {queues}"
    assert kept <= after_close <= kept + sent, f"{gateway.name}: {after_close} at the end, {queues}"


def check_gateway(gateway):
    code = gateway.stop() if gateway.process.poll() is None else gateway.process.returncode
    output = gateway.output()
    assert code == 0, f"{gateway.name} ended with exit code {code}:\n{output}"
    for report in ("Sanitizer", "runtime error"):
        assert report not in output, f"{gateway.name}:\n{output}"
    check_buffers(gateway)


def check(lab):
    """MAGs first, at once: they de-register at the LMA."""
    gateways = [gateway for gateway in lab.gateways.values() if not gateway.killed]
    for last in (False, True):
        group = [gateway for gateway in gateways if gateway.name.startswith("lma") == last]
        for gateway in group:
            if gateway.process.poll() is None:
                gateway.process.terminate()
        for gateway in group:
            check_gateway(gateway)
