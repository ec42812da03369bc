# SPDX-License-Identifier: BSD-3-Clause
"""What a direct path rests on goes away: packets go over the anchor within the bounds of the protocol, and when it is there
again the pair becomes direct again. One domain for each mode, which its tests share; at its end every gateway has to give
back its packet buffers."""

import os
import time

import pytest
from scapy.layers.inet6 import ICMPv6DestUnreach, ICMPv6EchoRequest, IPv6
from scapy.packet import Raw

import ending
import faults
from hosts import drops
from lab.core_trace import ICMPV6, IN_TUNNEL, ipv6
from lab.domain import LMAA, MAGS, SERVER, node_id
from lab.lab import Lab, wait_until
from lab.ro_world import RoWorld

HEARTBEATS = {"HEARTBEAT_INTERVAL": 1, "MISSING_HEARTBEATS_ALLOWED": 3}
AGAIN_S = 40
# Silent for a second, three questions a second each without an answer; and what a busy machine adds.
NOTICED_S = 1 + 3 + 4
AT_ONCE_S = 2
ROUTER = "2001:db8:1::fe"
UNREACHABLE, RO_ERROR = 1, 5
UNKNOWN, TIMED_OUT = 139, 141


@pytest.fixture(scope="module", params=["direct", "proxy"])
def shared(request):
    if os.geteuid() != 0:
        pytest.skip("needs root for network namespaces")
    with Lab("alive") as made:
        yield RoWorld(made, request.param, lma_variables=HEARTBEATS, mag_variables=HEARTBEATS)
        ending.check(made)


@pytest.fixture
def ro(shared):
    """mn1 at mag1 and mn2 at mag2 talk direct, and mn1 goes on talking."""
    shared.place(1, 1)
    shared.place(2, 2)
    shared.becomes_direct(deadline_s=AGAIN_S)
    talk = shared.lab.start("mn1", "ping", "-6", "-n", "-i", "0.05", shared.addresses[2])
    yield shared
    talk.kill()
    talk.wait()


def sent(ro, way, since):
    """Times of the packets from mn1 to mn2 that took that tunnel."""
    return [at for at, *taken in ro.trace.carried(ro.addresses[1], ro.addresses[2], since) if tuple(taken) == way]


def goes_direct(ro, since):
    wait_until(lambda: len(sent(ro, ("MAG1", "MAG2"), since)) > 5, 10, "mn1 sends direct")


def falls_back(ro, since, within_s):
    """mag1 sends to the anchor, and nothing to mag2 any more."""
    wait_until(lambda: sent(ro, ("MAG1", "LMA1"), since), within_s + 5, "mag1 sends over the anchor")
    first = sent(ro, ("MAG1", "LMA1"), since)[0]
    assert first - since < within_s
    assert not sent(ro, ("MAG1", "MAG2"), first)
    return first - since


def counted(gateway, name):
    return sum(row["count"] for row in gateway.rows("messages", name=name))


def reports(ro, since, status):
    return f"MAG1 -RO Report-> LMA1 ({status})" in ro.trace.arrows(since)


def comes_back(ro):
    """What a MAG hears of a node is how it finds those that it does not know any more."""
    ro.place(1, 1)
    ro.place(2, 2)
    ro.talks(2, 1)
    ro.becomes_direct(deadline_s=AGAIN_S)


def test_dead_mag_is_noticed(ro):
    goes_direct(ro, time.time())
    ro.domain.mag(2).kill()
    falls_back(ro, time.time(), NOTICED_S)
    ro.domain.start_mag(2)
    comes_back(ro)


def errors(ro, since):
    """(time, quoted packet) of each RO Error of mag2 to mag1."""
    return [(frame.at, ipv6(frame.at, frame.payload[8:])) for frame in ro.trace.frames(since)
            if frame.protocol == ICMPV6 and (frame.source, frame.destination) == (MAGS[2], MAGS[1])
            and tuple(frame.payload[:2]) == (UNREACHABLE, RO_ERROR)]


def test_mag_without_state_says_so(ro):
    faults.lose(ro.lab, "mag2", faults.HEARTBEAT)  # with a new restart counter: the packets alone have to show it
    ro.domain.mag(2).kill()
    since = time.time()
    ro.domain.start_mag(2)
    wait_until(lambda: errors(ro, since), 10, "an RO Error")
    at, quoted = errors(ro, since)[0]
    assert (quoted.source, quoted.destination, quoted.protocol) == (MAGS[1], MAGS[2], IN_TUNNEL)
    assert (quoted.inner.source, quoted.inner.destination) == (ro.addresses[1], ro.addresses[2])
    falls_back(ro, at, AT_ONCE_S)
    wait_until(lambda: reports(ro, at, UNKNOWN), 5, "mag1 tells its LMA")
    assert counted(ro.domain.mag(1), "ro_errors_taken") > 0
    faults.heal(ro.lab, "mag2")
    comes_back(ro)


def test_cut_between_the_mags_is_noticed_while_both_reach_the_lma(ro):
    goes_direct(ro, time.time())
    before = [counted(ro.domain.mag(i), "ro_probes_sent") for i in (1, 2)]
    for own, other in ((1, 2), (2, 1)):
        faults.lose_between(ro.lab, f"mag{own}", MAGS[other])
    falls_back(ro, time.time(), NOTICED_S)
    ro.talks(deadline_s=5)
    assert [counted(ro.domain.mag(i), "ro_probes_sent") for i in (1, 2)] != before, "a silent path is probed"
    for i in (1, 2):
        faults.heal(ro.lab, f"mag{i}")
    comes_back(ro)


def test_router_that_cannot_reach_the_peer_is_believed(ro):
    since = time.time()
    goes_direct(ro, since)
    frame = next(frame for frame in ro.trace.frames(since)
                 if frame.protocol == IN_TUNNEL and (frame.source, frame.destination) == (MAGS[1], MAGS[2]))
    quoted = IPv6(src=frame.source, dst=frame.destination, nh=IN_TUNNEL) / Raw(frame.payload)
    before, told = counted(ro.domain.mag(1), "ro_paths_broken"), time.time()
    with faults.Forger(ro.lab, "mag1") as router:
        router.send(IPv6(src=ROUTER, dst=MAGS[1]) / ICMPv6DestUnreach(code=0) / Raw(bytes(quoted)))
    falls_back(ro, told, AT_ONCE_S)
    assert counted(ro.domain.mag(1), "ro_paths_broken") == before + 1
    wait_until(lambda: reports(ro, told, TIMED_OUT), 5, "mag1 tells its LMA")
    comes_back(ro)


def alive(gateway):
    return [row for row in gateway.rows("pairs") if row["state"] != "fallback"]


def test_lma_that_restarts_takes_its_pairs_along(ro):
    ro.domain.lma.kill()
    for i in (1, 2):
        wait_until(lambda i=i: not alive(ro.domain.mag(i)), 15, f"mag{i} has ended its pairs")
    ro.domain.start_lma()
    for node in (1, 2):
        wait_until(lambda n=node: ro.at(n, n), 20, f"mn{node} is registered again")
    comes_back(ro)


def answered(ro, since):
    """Sequence numbers of the server's echo replies on their way to mag3."""
    return [frame.inner.payload[7] for frame in ro.trace.frames(since) if frame.inner and frame.inner.source == SERVER
            and (frame.source, frame.destination) == (LMAA, MAGS[3])]


def test_packets_by_the_former_mag_are_taken_for_a_while(ro):
    """mn1 moved to mag3: what mag1 still has of it is taken by the LMA, and from no other MAG."""
    since = time.time()
    ro.domain.plug(1, 3)
    wait_until(lambda: ro.at(1, 3), 10, "mn1 is registered at mag3")
    before = drops(ro.domain.lma, "anchor_source")
    with faults.Forger(ro.lab, "lma") as mags:
        for mag in (1, 2):
            mags.send(IPv6(src=MAGS[mag], dst=LMAA) / IPv6(src=ro.addresses[1], dst=SERVER) / ICMPv6EchoRequest(seq=mag))
        wait_until(lambda: drops(ro.domain.lma, "anchor_source") == before + 1, 5, "one is not believed")
        wait_until(lambda: answered(ro, since) == [1], 5, "what came by mag1 got to the server, and nothing else")
    comes_back(ro)
