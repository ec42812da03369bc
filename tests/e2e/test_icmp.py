# SPDX-License-Identifier: BSD-3-Clause
"""What ICMPv6 tells hosts on both sides of the tunnel."""

import pytest

from hosts import FIXED_LINK_LOCAL, ping, reaches
from lab.domain import LMAA, SERVER
from lab.lab import wait_until

TUNNEL_MTU = 1460
LARGE = ("-M", "do", "-s", "1452")  # with both headers 1500 octets


@pytest.fixture
def world(lab, domain):
    made = domain(mags=1, nodes=1)
    made.plug(1, 1)
    made.mn1 = made.address(1)
    reaches(lab, "mn1", SERVER)
    return made


def says(lab, where, target, text, *options):
    """Waits until ping says so: an error may fall to the rate limit, or to an address that is still being resolved."""
    wait_until(lambda: text in ping(lab, where, target, *options, wait_s=1)[1], 15,
               f"{where} hears of {target}: {text}")


def test_each_hop_says_that_the_hop_limit_is_exceeded(lab, world):
    for hops in (1, 2):
        says(lab, "mn1", SERVER, "Time exceeded: Hop limit", "-t", str(hops))
    assert ping(lab, "mn1", SERVER, "-t", "3")[0] == 1
    for hops in (1, 2):
        says(lab, "server", world.mn1, "Time exceeded: Hop limit", "-t", str(hops))
    assert ping(lab, "server", world.mn1, "-t", "3")[0] == 1


def test_packet_too_big_tells_the_mtu_of_the_tunnel(lab, world):
    says(lab, "server", world.mn1, f"mtu={TUNNEL_MTU}", *LARGE)
    assert f"mtu {TUNNEL_MTU}" in lab.run("server", "ip", "-6", "route", "get", world.mn1).stdout
    answered, output = ping(lab, "server", world.mn1, "-s", "1452", count=2)
    assert answered == 2, f"fragmented by the sender: {output}"
    lab.run("mn1", "sysctl", "-qw", "net.ipv6.conf.wlan0.accept_ra_mtu=0")
    lab.run("mn1", "sysctl", "-qw", "net.ipv6.conf.wlan0.mtu=1500")
    lab.run("mn1", "ip", "-6", "route", "add", SERVER, "via", FIXED_LINK_LOCAL, "dev", "wlan0")  # without the RA's MTU
    says(lab, "mn1", SERVER, f"mtu={TUNNEL_MTU}", *LARGE)
    assert ping(lab, "mn1", SERVER, "-M", "do", "-s", str(TUNNEL_MTU - 48))[0] == 1


def test_router_advertisement_keeps_nodes_below_the_mtu_of_the_tunnel(lab, world):
    assert f"mtu: {TUNNEL_MTU}" in ping(lab, "mn1", SERVER, "-M", "do", "-s", str(TUNNEL_MTU))[1]
    assert lab.run("mn1", "cat", "/proc/sys/net/ipv6/conf/wlan0/mtu").stdout.strip() == str(TUNNEL_MTU)


def test_own_addresses_answer_echo_requests(lab, world):
    for where, target in (("mn1", LMAA), ("server", "2001:db8:ffff::1")):
        reaches(lab, where, target)


def test_prefix_that_nobody_has_is_unreachable(lab, world):
    says(lab, "server", "2001:db8:f0ff::1", "Address unreachable")
    says(lab, "mn1", "2001:db8:f0ff::1", "Address unreachable")
