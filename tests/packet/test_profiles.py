# SPDX-License-Identifier: BSD-3-Clause
"""pktgen-scripts: what every profile yields is forwarded by a gateway that only forwards, packet by packet.

The profiles for TRex run against a stand-in for its API, the scripts for Pktgen against a stand-in for its Lua table.
"""

import collections
import json
import os
import select
import shutil
import socket
import subprocess
import sys
import time

import pytest

from lab.lab import ROOT, wait_until
from wire import Wire, in_namespace

SCRIPTS = ROOT / "pktgen-scripts"
sys.path.insert(0, str(SCRIPTS))
sys.path.insert(0, str(ROOT / "tests" / "packet" / "trex_standin"))

import hawser_plan  # noqa: E402
import throughput  # noqa: E402
from trex_stl_lib.api import STLClient, STLProfile  # noqa: E402

NODES, MAGS, CHUNK = 254, 3, 64
PROFILES = hawser_plan.PROFILES
IPV6_AT, INNER = 14, 54


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    out = tmp_path_factory.mktemp("generated")
    subprocess.run([sys.executable, SCRIPTS / "generate.py", "--out", out, "--nodes", str(NODES), "--mags", str(MAGS),
                    "--seed", "7"], check=True)
    return out


@pytest.fixture(scope="module")
def plan(generated):
    return hawser_plan.Plan.load(generated / "plan.json")


def streams(name, generated, size="78", **more):
    words = ["--plan", str(generated / "plan.json"), "--size", size]
    for key, value in more.items():
        words += [f"--{key}", str(value)]
    return STLProfile.load_py(str(SCRIPTS / "trex" / f"{name}.py"), tunables=words).get_streams()


def frames_of(name, generated, plan, size="78"):
    """What the streams of a profile send until each of them begins again."""
    found = []
    shares = len(hawser_plan.IMIX) if size == "imix" else 1
    blocks = PROFILES[name].blocks(plan)
    for n, stream in enumerate(streams(name, generated, size)):
        first, end = blocks[n // shares]
        found += [stream.packet.next() for _ in range(end - first)]
        assert stream.packet.next() == found[-(end - first)]  # and then from the start
    return found


def configured(plan, role, core, other):
    """Without what the laboratory chooses by itself."""
    whole = plan.gateway(role, core, other, "")
    return {key: value for key, value in whole.items() if key not in ("name", "control-socket", "state-directory")}


class Port:
    """The tester's end of a cable: frames in and out as octets."""

    def __init__(self, namespace, interface):
        with in_namespace(namespace):
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
            self.socket.bind((interface, 0))

    def receive(self, count, deadline_s):
        """IPv6 that is no ICMPv6 of the gateway itself, until there are so many or the time is over."""
        frames, end = [], time.monotonic() + deadline_s
        while len(frames) < count and time.monotonic() < end:
            if not select.select([self.socket], [], [], 0.05)[0]:
                continue
            data, address = self.socket.recvfrom(65536)
            if address[2] != 4 and data[12:14] == b"\x86\xdd" and data[20] != 58:
                frames.append(data)
        return frames


class Rig:
    """A gateway of either role with the files of generate.py, between two cables."""

    def __init__(self, lab, generated, plan, role):
        self.lab, self.plan, self.role, where = lab, plan, role, f"profiles-{role}"
        other = "out0" if role == "lma" else "access0"
        lab.namespace(where)
        self.ports = {}
        for name, mac in (("core0", plan.core_mac), (other, plan.other_mac)):
            far = lab.namespace(f"{where}-{name}")
            lab.cable(where, name, far, "far", a_mac=mac)
            lab.no_ipv6(where, name)
            lab.no_ipv6(far, "far")
            self.ports[name] = Port(lab.namespaces[far], "far")
        self.gateway = lab.gateway(where, f"profiles-{role}", configured(plan, role, "kernel:core0", f"kernel:{other}"),
                                   arguments=("--forward-only", generated / f"{role}.csv"))
        wait_until(lambda: self.gateway.rows("node")[0]["tables_filled"], 10, "the tables are filled")

    def node(self):
        return self.gateway.rows("node")[0]

    def drops(self):
        return {row["name"]: row["count"] for row in self.gateway.rows("drops")}

    def forward(self, profile, frames):
        """Sends in chunks, as fast as they come out again."""
        out = []
        for at in range(0, len(frames), CHUNK):
            chunk = frames[at:at + CHUNK]
            for frame in chunk:
                self.ports[profile.into].socket.send(frame)
            out += self.ports[profile.out].receive(len(chunk), 5)
        return out


@pytest.fixture(scope="module")
def gateways(lab, generated, plan):
    made = {role: Rig(lab, generated, plan, role) for role in ("lma", "mag")}
    yield made
    for rig in made.values():
        assert rig.gateway.stop() == 0, rig.gateway.output()


def inner_in(profile, frame):
    return frame[INNER if profile.into == "core0" else IPV6_AT:]


def inner_out(profile, frame):
    return frame[INNER if profile.out == "core0" else IPV6_AT:]


def hop_taken(packet):
    return packet[:7] + bytes([packet[7] - 1]) + packet[8:]


def upper_of(packet, at):
    return int.from_bytes(packet[at:at + 8], "big")


def assert_way_out(profile, plan, frame):
    """The header that the gateway put on: MAC addresses, and the tunnel that the inner addresses belong to."""
    inner = inner_out(profile, frame)
    node = upper_of(inner, 24) - hawser_plan.HOMES
    if profile.out == "access0":
        assert frame[:12] == plan.node_mac(node) + hawser_plan.mac_octets(hawser_plan.ACCESS_MAC)
    elif profile.out == "out0":
        assert frame[:12] == hawser_plan.mac_octets(plan.tester_other_mac) + hawser_plan.mac_octets(plan.other_mac)
    else:
        assert frame[:12] == hawser_plan.mac_octets(plan.tester_core_mac) + hawser_plan.mac_octets(plan.core_mac)
        remote = {"mag_uplink": hawser_plan.LMAA, "mag_uplink_direct": plan.mag_address(1)}.get(profile.name)
        remote = remote or plan.mag_address(plan.mag_of(node))
        local = hawser_plan.LMAA if profile.role == "lma" else plan.mag_address(0)
        assert frame[20] == 41
        assert frame[22:54] == hawser_plan.octets(local) + hawser_plan.octets(remote)


@pytest.mark.parametrize("size", ["78", "imix"])
@pytest.mark.parametrize("name", PROFILES)
def test_every_packet_of_a_profile_is_forwarded(gateways, generated, plan, name, size):
    profile = PROFILES[name]
    rig = gateways[profile.role]
    frames = frames_of(name, generated, plan, size)
    before = rig.drops()
    out = rig.forward(profile, frames)
    assert len(out) == len(frames)
    assert rig.drops() == before
    assert collections.Counter(inner_out(profile, frame) for frame in out) == \
        collections.Counter(hop_taken(inner_in(profile, frame)) for frame in frames)
    for frame in out:
        assert_way_out(profile, plan, frame)


@pytest.mark.parametrize("name", PROFILES)
def test_checksums_are_right_for_every_node(generated, plan, name):
    for frame in frames_of(name, generated, plan):
        packet = inner_in(PROFILES[name], frame)
        assert hawser_plan.upper_checksum(packet[8:24], packet[24:40], 17, packet[40:]) == 0


@pytest.mark.parametrize("name", PROFILES)
def test_captures_and_streams_are_the_same_traffic(generated, plan, name):
    captured = throughput.read_pcap(generated / f"{name}.pcap")
    assert sorted(captured) == sorted(frames_of(name, generated, plan))
    assert captured != sorted(captured)


def test_one_seed_makes_the_same_files_again(generated, tmp_path):
    for seed, same in ((7, True), (8, False)):
        out = tmp_path / str(seed)
        subprocess.run([sys.executable, SCRIPTS / "generate.py", "--out", out, "--nodes", str(NODES), "--mags", str(MAGS),
                        "--seed", str(seed)], check=True)
        assert ((out / "lma_hairpin.pcap").read_bytes() == (generated / "lma_hairpin.pcap").read_bytes()) == same
        assert ((out / "mag.csv").read_text() == (generated / "mag.csv").read_text()) == same


@pytest.mark.parametrize("wrong", [["--nodes", "3"], ["--nodes", "0"], ["--mags", "1"], ["--size", "20"],
                                   ["--size", "9000"], ["--core-mac", "x"], ["--timestamps", "2"]])
def test_generator_refuses_what_makes_no_sense(tmp_path, wrong):
    result = subprocess.run([sys.executable, SCRIPTS / "generate.py", "--out", tmp_path, *wrong], capture_output=True,
                            text=True, check=False)
    assert result.returncode == 1 and result.stderr.startswith("generate.py: ")


def test_latency_stream_of_a_profile_is_traffic_of_a_node(generated, plan):
    measured = [stream for stream in streams("mag_uplink", generated, latency="yes") if stream.flow_stats]
    assert len(measured) == 1
    assert measured[0].packet.next() == PROFILES["mag_uplink"].frame(plan, 0, 78)


def test_a_gateway_that_only_forwards_says_so_and_answers_no_signalling(gateways, plan):
    rig = gateways["lma"]
    node = rig.node()
    assert node["forward_only"] and node["rows_applied"] == node["rows"] == NODES and node["rows_refused"] == 0
    rig.ports["core0"].socket.send(plan.pbu(0, 1))
    punts = {row["name"]: row["count"] for row in rig.gateway.rows("punts")}
    wait_until(lambda: any(row["count"] for row in rig.gateway.rows("punts", name="mobility_header")), 5,
               f"the message arrives: {punts}")
    for thing in ("bindings", "nodes", "pairs", "events", "pair_events"):
        assert f"its tables hold {NODES} bindings of {NODES} mobile nodes and 0 pairs" in refusal(rig, "show", thing)
    assert rig.ports["core0"].receive(1, 0.3) == []
    assert {row["state"] for row in rig.gateway.rows("neighbours")} == {"static"}
    assert sum(row["users"] for row in rig.gateway.rows("tunnels")) == NODES
    assert "there is no signalling" in refusal(rig, "clear", "binding", "x")


def refusal(rig, *arguments):
    refused = subprocess.run([rig.lab.build / "hawserctl", "--socket", rig.gateway.socket, *arguments], capture_output=True,
                             text=True, check=False)
    assert refused.returncode == 1 and "this gateway only forwards" in refused.stderr, refused.stderr
    return refused.stderr


def test_a_gateway_that_only_forwards_says_nothing_false_of_pairs(gateways, plan):
    """Its pairs are direct by the file; no engine knows of them, with route-optimisation.enabled as well."""
    rig, pair = gateways["mag"], (plan.prefix(hawser_plan.HOMES), plan.prefix(hawser_plan.PARTNERS))
    assert f"{NODES} pairs" in refusal(rig, "why", *pair)
    assert "no sessions" in refusal(rig, "why", pair[0])
    for action in ("start", "stop"):
        assert "change the file" in refusal(rig, "ro", action, *pair)


@pytest.mark.parametrize("timestamps", [0, 1], ids=["sequence", "timestamps"])
def test_storm_of_registrations_makes_bindings(lab, tmp_path, timestamps):
    generated = tmp_path / "storm"
    subprocess.run([sys.executable, SCRIPTS / "generate.py", "--out", generated, "--nodes", str(NODES), "--mags", str(MAGS),
                    "--timestamps", str(timestamps)], check=True)
    plan = hawser_plan.Plan.load(generated / "plan.json")
    where = lab.namespace(f"storm{timestamps}")
    wires = []
    for name, mac in (("core0", plan.core_mac), ("out0", plan.other_mac)):
        far = lab.namespace(f"{where}-{name}")
        lab.cable(where, name, far, "far", a_mac=mac)
        lab.no_ipv6(where, name)
        lab.no_ipv6(far, "far")
        wires.append(Wire(lab.namespaces[far], "far"))
    wires[0].hosts = {plan.mag_address(mag): plan.tester_core_mac for mag in range(MAGS)}
    gateway = lab.gateway(where, where, configured(plan, "lma", "kernel:core0", "kernel:out0"))
    storm = streams("pbu_storm", generated, nodes=64)
    assert len(storm) == 64
    for stream in storm:
        wires[0].send(stream.packet.next())
    wait_until(lambda: len(gateway.rows("bindings", state="active")) == 64, 15, "64 bindings")
    captured = throughput.read_pcap(generated / "pbu_storm.pcap")
    assert len(captured) == NODES
    if not timestamps:
        assert {s.packet.next() for s in storm} < set(captured)
    for frame in captured:  # made before those of TRex: nothing new of these nodes, and the others
        wires[0].send(frame)
    wait_until(lambda: len(gateway.rows("bindings", state="active")) == NODES, 15, "all bindings")
    for wire in wires:
        wire.close()
    assert gateway.stop() == 0


def hawser(lab, *arguments):
    return subprocess.run([lab.build / "hawser", *arguments], capture_output=True, text=True, check=False, timeout=30)


def test_files_are_checked_before_anything_starts(lab, generated, plan, tmp_path):
    config, rows = tmp_path / "lma.yaml", tmp_path / "rows.csv"
    config.write_text(json.dumps(plan.gateway("lma", "vdev:net_null0", "vdev:net_null1", str(tmp_path))))
    rows.write_text("binding,2001:db8:1000::/64,mag0\nbinding,2001:db8:1000:1::/64,mag9\nnonsense\n")
    for options in (["--check"], []):
        result = hawser(lab, "-c", config, "--forward-only", rows, *options)
        assert result.returncode == 2
        assert result.stderr.splitlines() == [
            f"{rows}:2: peer: mag9: no peer has this name; allowed: the name of a peer with role MAG in {config}",
            f"{rows}:3: nonsense: no kind of row; allowed: binding, pair or neighbour"]
    result = hawser(lab, "-c", config, "--forward-only", generated / "lma.csv", "--check")
    assert result.returncode == 0 and f"ok: {NODES} bindings of {NODES} nodes" in result.stdout
    assert hawser(lab, "-c", config, "--forward-only", tmp_path / "none", "--check").returncode == 2


# ---- searches ----

def test_search_finds_the_limit_of_a_gateway_behind_trex(generated, capsys):
    ports = throughput.TrexPorts("server", 0, 1, SCRIPTS / "trex" / "mag_uplink.py",
                                 ["--plan", str(generated / "plan.json"), "--latency", "yes"])
    drain, throughput.DRAIN_S = throughput.DRAIN_S, 0
    try:
        found = throughput.search(ports, 8e6, 1, 0.001, 2)
    finally:
        throughput.DRAIN_S = drain
    assert STLClient.limit_pps * 0.99 < found <= STLClient.limit_pps
    assert ports.latency() == {"total_min": 3, "average": 5, "total_max": 40, "jitter": 1}
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert rows[0]["pps"] == 8000000 and rows[0]["lost"] > 0 and rows[-1]["lost"] == 0


class Lossy:
    """Loses all above a rate, and everything for `bad` trials; a generator that cannot send above `most`."""

    def __init__(self, limit, most=float("inf"), bad=()):
        self.limit, self.most, self.bad, self.count = limit, most, bad, 0

    def trial(self, pps, seconds):
        self.count += 1
        sent = int(min(pps, self.most) * seconds)
        return sent, 0 if self.count in self.bad else int(min(pps, self.limit, self.most) * seconds), seconds


def test_search_tells_when_nothing_passes_and_when_the_generator_is_the_limit(capsys):
    assert throughput.search(Lossy(0), 1e5, 1, 0.01, 1) is None
    assert 49000 < throughput.search(Lossy(1e9, most=50000), 1e5, 1, 0.01, 1) <= 51000
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert any(row.get("generator_limit") for row in rows)
    assert throughput.search(Lossy(1e9), 1e5, 1, 0.01, 1) == 1e5
    assert throughput.search(Lossy(1e9, bad=(2,)), 1e5, 1, 0.01, 1) is None


def test_search_without_the_api_of_trex_says_where_it_is():
    said = subprocess.run([sys.executable, SCRIPTS / "throughput.py", "trex", "--profile", SCRIPTS / "trex" / "mag_uplink.py",
                           "--plan", "plan.json", "--max-pps", "1"], capture_output=True, text=True, check=False,
                          env={**os.environ, "PYTHONPATH": ""})
    assert said.returncode == 1 and "PYTHONPATH" in said.stderr and "Traceback" not in said.stderr


def test_search_on_one_machine_over_tap_interfaces(lab, generated, plan):
    where = lab.namespace("loop")
    gateway = lab.gateway(where, "loop",
                          configured(plan, "mag", "vdev:net_tap0,iface=core", "vdev:net_tap1,iface=access"),
                          arguments=("--forward-only", generated / "mag.csv"))
    for interface in ("core", "access"):
        lab.no_ipv6(where, interface)
    wait_until(lambda: gateway.rows("node")[0]["tables_filled"], 10, "the tables are filled")
    result = lab.run(where, sys.executable, SCRIPTS / "throughput.py", "kernel", "--frames", generated / "mag_uplink.pcap",
                     "--tx", "access", "--rx", "core", "--max-pps", "2000", "--seconds", "0.5", "--repeat", "0.5",
                     "--resolution", "0.3")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert rows[-1]["throughput_pps"] is not None and rows[-1]["throughput_pps"] >= 600, result.stdout
    received = {row["port"]: row["rx_packets"] for row in gateway.rows("ports")}
    assert received["access0"] >= sum(row["sent"] for row in rows[:-1])
    assert gateway.stop() == 0


@pytest.mark.parametrize("script,limit,expected", [("throughput", 37, "throughput_percent=36.9"),
                                                   ("throughput", 100, "throughput_percent=100.000"),
                                                   ("throughput", 0, "throughput_percent=none"),
                                                   ("run", 10, "lost=0"), ("run", 2, "received=2000000 lost=3000000")])
def test_scripts_for_pktgen_use_what_it_has(script, limit, expected):
    if shutil.which("lua5.4") is None:
        pytest.skip("needs lua5.4")
    environment = dict(os.environ, HAWSER_SCRIPTS=str(SCRIPTS / "pktgen"), HAWSER_RATE="5" if script == "run" else "100")
    result = subprocess.run(["lua5.4", ROOT / "tests" / "packet" / "pktgen_standin.lua",
                             SCRIPTS / "pktgen" / f"{script}.lua", str(limit)], capture_output=True, text=True,
                            env=environment, check=False)
    assert result.returncode == 0, result.stderr
    assert expected in result.stdout.splitlines()[-1]
