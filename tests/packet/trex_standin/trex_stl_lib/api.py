# SPDX-License-Identifier: BSD-3-Clause
"""A stand-in for the public API of TRex, as far as the profiles use it: tests load them with it, without TRex.

It does what TRex documents: a stream is a packet and commands; every packet sent takes the values of the counters, which
then go on by a step and start again behind their limits.
"""

import importlib.util

from scapy.layers.l2 import Ether  # noqa: F401 (TRex hands scapy's classes on)


class STLVmFlowVar:
    def __init__(self, name, init_value=None, min_value=0, max_value=255, size=4, step=1, op="inc", next_var=None,
                 split_to_cores=True):
        assert size in (1, 2, 4, 8) and op in ("inc", "dec") and 0 <= min_value <= max_value < 1 << 8 * size
        assert next_var is None and not split_to_cores, "counters have to stay in step"
        self.name, self.size, self.op, self.step = name, size, op, step
        self.min, self.max = min_value, max_value
        self.value = init_value if init_value is not None else max_value if op == "dec" else min_value
        assert min_value <= self.value <= max_value

    def advance(self):
        count = self.max - self.min + 1
        step = self.step if self.op == "inc" else -self.step
        self.value = self.min + (self.value - self.min + step) % count


class STLVmWrFlowVar:
    def __init__(self, fv_name, pkt_offset, offset_fixup=0, add_val=0, is_big=True):
        assert isinstance(pkt_offset, int) and is_big
        self.name, self.at, self.add = fv_name, pkt_offset + offset_fixup, add_val


class STLScVmRaw:
    def __init__(self, list_of_commands=None, cache_size=None):
        self.commands = list_of_commands or []


class STLPktBuilder:
    def __init__(self, pkt=None, pkt_buffer=None, vm=None):
        assert (pkt is None) != (pkt_buffer is None)
        self.bytes = bytes(pkt if pkt is not None else pkt_buffer)
        commands = vm.commands if vm is not None else []
        self.variables = {c.name: c for c in commands if isinstance(c, STLVmFlowVar)}
        self.writes = [c for c in commands if isinstance(c, STLVmWrFlowVar)]
        assert len(self.variables) + len(self.writes) == len(commands)
        assert all(w.at + self.variables[w.name].size <= len(self.bytes) for w in self.writes)

    def next(self):
        frame = bytearray(self.bytes)
        for write in self.writes:
            variable = self.variables[write.name]
            frame[write.at:write.at + variable.size] = (variable.value + write.add).to_bytes(variable.size, "big")
        for variable in self.variables.values():
            variable.advance()
        return bytes(frame)


class STLTXCont:
    def __init__(self, pps=None, percentage=None):
        assert (pps is None) != (percentage is None) and (pps or percentage) > 0
        self.pps = pps


class STLFlowLatencyStats:
    def __init__(self, pg_id):
        self.pg_id = pg_id


class STLStream:
    def __init__(self, name=None, packet=None, mode=None, flow_stats=None):
        assert isinstance(packet, STLPktBuilder) and isinstance(mode, STLTXCont)
        self.packet, self.mode, self.flow_stats = packet, mode, flow_stats


class STLProfile:
    def __init__(self, streams):
        self.streams = streams

    @staticmethod
    def load_py(python_file, direction=0, port_id=0, **kwargs):
        spec = importlib.util.spec_from_file_location("profile_under_test", python_file)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return STLProfile(module.register().get_streams(direction=direction, port_id=port_id, **kwargs))

    def get_streams(self):
        return self.streams


class STLClient:
    """A server whose gateway loses packets above `limit_pps`."""

    limit_pps = 1000000
    trials = []

    def __init__(self, server="localhost"):
        self.connected, self.streams, self.stats = False, [], {}

    def connect(self):
        self.connected = True

    def disconnect(self):
        self.connected = False

    def reset(self, ports=None):
        assert self.connected
        self.streams = []

    def set_port_attr(self, ports=None, promiscuous=None):
        assert self.connected

    def add_streams(self, streams, ports=None):
        self.streams += streams

    def clear_stats(self, ports=None):
        self.stats = {}

    def start(self, ports=None, mult="1", force=False, duration=-1):
        assert self.streams and mult.endswith("pps") and duration > 0
        pps = float(mult[:-3])
        self.trials.append(pps)
        sent = int(pps * duration)
        self.stats = {0: {"opackets": sent, "ipackets": 0},
                      1: {"opackets": 0, "ipackets": int(min(pps, self.limit_pps) * duration)},
                      "latency": {1: {"latency": {"total_min": 3, "average": 5, "total_max": 40, "jitter": 1,
                                                  "last_max": 7}}}}

    def wait_on_traffic(self, ports=None, timeout=None):
        assert self.stats

    def get_stats(self, ports=None):
        return self.stats
