# SPDX-License-Identifier: BSD-3-Clause
"""Start and end of the program itself."""

import json
import signal

import pytest

from lab.lab import wait_until


def written(lab, domain, name="lma", **changes):
    """A configuration of the domain in a file; its path."""
    configuration = domain.lma_configuration() if name == "lma" else domain.mag_configuration(1)
    configuration.update({"name": name, "control-socket": str(lab.directory / f"{name}.sock"),
                          "state-directory": str(lab.directory / f"{name}.state"), **changes})
    path = lab.directory / f"{name}-again.yaml"
    path.write_text(json.dumps(configuration, indent=2))
    return path


def hawser(lab, where, *arguments):
    return lab.run(where, lab.build / "hawser", *arguments, check=False)


def test_check_says_what_memory_is_needed_and_starts_nothing(lab, domain):
    world = domain(start=False)
    for name, where in (("lma", "lma"), ("mag", "mag1")):
        result = hawser(lab, where, "-c", written(lab, world, name), "--check")
        assert result.returncode == 0, result.stderr
        assert "memory: tables" in result.stdout and "packet buffers" in result.stdout
        assert not (lab.directory / f"{name}.sock").exists() and not (lab.directory / f"{name}.state").exists()


@pytest.mark.parametrize("change, key, found", [
    ({"role": "anchor"}, "role", "anchor"),
    ({"colour": "blue"}, "colour", "blue"),
    ({"dataplane": {"workers": [4000]}}, "workers", "4000"),
    ({"lma": {"address": "2001:db8:1::1", "max-bindings": "many"}}, "max-bindings", "many"),
    ({"ports": [{"name": "core0", "device": "kernel:absent0", "side": "core", "addresses": ["2001:db8:1::1/64"]},
                {"name": "out0", "device": "kernel:out0", "side": "outside"}], "routes": []}, "device", "absent0"),
    ({"unknown-nodes": "welcome"}, "unknown-nodes", "welcome"),
], ids=["word", "key", "range", "type", "interface", "choice"])
def test_wrong_file_is_refused_with_its_place(lab, domain, change, key, found):
    world = domain(start=False, mags=1, nodes=1)
    path = written(lab, world, **change)
    result = hawser(lab, "lma", "-c", path)
    assert result.returncode == 2
    assert str(path) in result.stderr and key in result.stderr and found in result.stderr
    assert not (lab.directory / "lma.sock").exists()


def test_file_that_is_not_there_or_is_no_yaml_is_refused(lab, domain):
    domain(start=False, mags=1, nodes=1)
    broken = lab.directory / "broken.yaml"
    broken.write_text("role: [lma\n")
    for path in (lab.directory / "absent.yaml", broken):
        result = hawser(lab, "lma", "-c", path)
        assert result.returncode == 2 and str(path) in result.stderr
    assert hawser(lab, "lma").returncode == 2


def test_second_gateway_on_one_socket_says_whose_it_is(lab, domain):
    world = domain(mags=1, nodes=1)
    path = written(lab, world, "mag", **{"control-socket": str(world.lma.socket)})
    result = hawser(lab, "mag1", "-c", path)
    assert result.returncode == 1
    assert f"process {world.lma.process.pid} serves it already" in result.stderr + result.stdout
    assert world.lma.rows("node")[0]["pid"] == world.lma.process.pid
    assert world.mag(1).rows("node")


def test_second_gateway_on_one_state_directory_is_refused(lab, domain):
    world = domain(mags=1, nodes=1)
    state = str(lab.directory / "lma.state")
    counter = (lab.directory / "lma.state" / "restart-counter").read_text()
    result = hawser(lab, "mag1", "-c", written(lab, world, "mag", **{"state-directory": state}))
    assert result.returncode == 1
    assert f"{state}: another gateway uses it" in result.stderr + result.stdout
    assert (lab.directory / "lma.state" / "restart-counter").read_text() == counter


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_during_the_start_ends_it_cleanly(lab, domain, number):
    world = domain(start=False, mags=1, nodes=1)
    gateway = lab.gateway("lma", "lma", world.lma_configuration(), wait=False)
    wait_until(lambda: "event=memory" in gateway.output() or gateway.process.poll() is not None, 20,
               "the start has begun")
    gateway.process.send_signal(number)
    assert gateway.process.wait(20) == 0, gateway.output()
    assert not gateway.socket.exists()


def test_signals_again_do_not_cut_the_end_short(lab, domain):
    world = domain(mags=1, nodes=1)
    world.plug(1, 1)
    world.address(1)
    process = world.mag(1).process

    def poke():
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.send_signal(signal.SIGINT)
        return process.poll() is not None
    wait_until(poke, 20, "mag1 has ended", every_s=0.002)
    assert process.returncode == 0
    assert world.lma.rows("bindings")[0]["state"] == "delete-wait"
