# SPDX-License-Identifier: BSD-3-Clause
"""A laboratory of network namespaces: hosts, bridges, cables and gateways, all of them cleaned up again.

Everything that a Lab makes carries its tag, so that several labs run side by side. A Lab is a context manager; it also
cleans up when the process gets SIGINT, SIGTERM or SIGHUP. Processes are ended by their pid, only those that it started.
"""

import atexit
import json
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


class LabError(Exception):
    pass


def wait_until(condition, deadline_s, what, every_s=0.05):
    """Returns the first true value of condition(); LabError(what) after the deadline."""
    end = time.monotonic() + deadline_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise LabError(f"not within {deadline_s} s: {what}")
        time.sleep(every_s)


class Gateway:
    """A running hawser."""

    def __init__(self, lab, name, process, socket, log):
        self.lab, self.name, self.process, self.socket, self.log = lab, name, process, socket, log
        self.killed = False

    def ctl(self, *arguments, check=True, text=False):
        """hawserctl against this gateway: the rows of --json, or the text for people."""
        command = [str(self.lab.build / "hawserctl"), "--socket", str(self.socket), *map(str, arguments)]
        if not text:
            command.append("--json")
        result = subprocess.run(command, capture_output=True, text=True, timeout=30)
        if check and result.returncode != 0:
            raise LabError(f"{' '.join(command)}: exit code {result.returncode}: {result.stderr.strip()}")
        if text:
            return result.stdout
        return [json.loads(line) for line in result.stdout.splitlines() if line.strip()]

    def rows(self, thing, **filters):
        """Rows of `show THING`, as dictionaries; filters must be equal."""
        rows = self.ctl("show", thing)
        return [row for row in rows if all(row.get(key) == value for key, value in filters.items())]

    def stop(self, deadline_s=20):
        """SIGTERM; returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(deadline_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise LabError(f"{self.name} did not end within {deadline_s} s after SIGTERM") from None

    def kill(self):
        self.killed = True
        self.process.kill()
        self.process.wait()

    def output(self):
        return Path(self.log).read_text(errors="replace")


class Lab:
    def __init__(self, name="lab", build=None, keep=False):
        self.tag = f"{name}-{os.getpid() % 100000:x}{secrets.token_hex(2)}"
        self.build = Path(build or os.environ.get("HAWSER_BUILD", ROOT / "build"))
        self.keep = keep
        self.directory = Path(tempfile.mkdtemp(prefix=f"hawser-{self.tag}-"))
        self.namespaces, self.processes, self.gateways = {}, [], {}
        self.closed = False
        atexit.register(self.close)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._interrupted)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _interrupted(self, number, _frame):
        for other in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(other, signal.SIG_IGN)  # a terminal's group and make both send one: nothing is cut short
        self.keep = False
        self.close()
        os._exit(128 + number)

    # ---- commands ----

    def command(self, where, command):
        return ["ip", "netns", "exec", self.namespaces[where], *map(str, command)] if where else list(map(str, command))

    def run(self, where, *command, check=True, deadline_s=60, **options):
        """Run a command in a namespace and return subprocess.CompletedProcess with text output."""
        result = subprocess.run(self.command(where, command), capture_output=True, text=True, errors="replace",
                                timeout=deadline_s, **options)
        if check and result.returncode != 0:
            raise LabError(f"{where}: {' '.join(map(str, command))}: exit code {result.returncode}: "
                           f"{result.stderr.strip() or result.stdout.strip()}")
        return result

    def start(self, where, *command, **options):
        """Start a command in a namespace; it is ended when the lab closes."""
        options.setdefault("stdout", subprocess.DEVNULL)
        options.setdefault("stderr", subprocess.DEVNULL)
        options.setdefault("stdin", subprocess.DEVNULL)
        process = subprocess.Popen(self.command(where, command), start_new_session=True, **options)
        self.processes.append(process)
        return process

    # ---- networks ----

    def namespace(self, name):
        full = f"{self.tag}-{name}"
        self.run(None, "ip", "netns", "add", full)
        self.namespaces[name] = full
        self.run(name, "ip", "link", "set", "lo", "up")
        return name

    def cable(self, a, a_if, b, b_if, a_mac=None, b_mac=None, mtu=1500):
        """A veth pair between two namespaces. Checksum offload is off on both ends: DPDK reads frames as they are."""
        temporary = [f"v{secrets.token_hex(4)}" for _ in range(2)]
        self.run(None, "ip", "link", "add", temporary[0], "type", "veth", "peer", "name", temporary[1])
        for where, name, interface, mac in ((a, temporary[0], a_if, a_mac), (b, temporary[1], b_if, b_mac)):
            self.run(None, "ip", "link", "set", name, "netns", self.namespaces[where])
            self.run(where, "ip", "link", "set", name, "name", interface, "mtu", mtu)
            if mac:
                self.run(where, "ip", "link", "set", interface, "address", mac)
            self.run(where, "ethtool", "-K", interface, "tx", "off", "tso", "off", "gso", "off", check=False)
            self.run(where, "ip", "link", "set", interface, "up")

    def no_ipv6(self, where, interface):
        """An interface that a gateway or a bridge holds: the kernel itself says nothing on it."""
        self.run(where, "sysctl", "-qw", f"net.ipv6.conf.{interface.replace('.', '/')}.disable_ipv6=1")

    def bridge(self, where, name, *ports, isolated=()):
        """A learning bridge without IPv6 of its own; isolated ports do not hear each other, as in an access switch."""
        self.run(where, "ip", "link", "add", name, "type", "bridge", "mcast_snooping", "0", "stp_state", "0")
        self.no_ipv6(where, name)
        self.run(where, "ip", "link", "set", name, "up")
        for port in ports:
            self.plug(where, name, port, port in isolated)

    def plug(self, where, bridge, port, isolated=False):
        """Put a port into a bridge, taking it out of the one it is in: what a handover looks like on layer 2."""
        self.no_ipv6(where, port)
        self.run(where, "ip", "link", "set", port, "master", bridge)
        self.run(where, "bridge", "link", "set", "dev", port, "isolated", "on" if isolated else "off")

    def global_addresses(self, where, interface, deprecated=False):
        """Global addresses that are usable (not tentative, not failed); without deprecated ones unless asked for."""
        found = json.loads(self.run(where, "ip", "-j", "-6", "addr", "show", "dev", interface, "scope", "global").stdout)
        return [entry["local"] for item in found for entry in item.get("addr_info", [])
                if entry.get("local") and not entry.get("tentative") and not entry.get("dadfailed")
                and (deprecated or not (entry.get("deprecated") or entry.get("preferred_life_time") == 0))]

    # ---- gateways ----

    def gateway(self, where, name, configuration, wait=True, deadline_s=60, arguments=()):
        """Start hawser in a namespace with a configuration (a dictionary, as the YAML file has it) and more arguments."""
        configuration = dict(configuration)
        socket = self.directory / f"{name}.sock"
        configuration.setdefault("name", name)
        configuration.setdefault("control-socket", str(socket))
        configuration.setdefault("state-directory", str(self.directory / f"{name}.state"))
        path = self.directory / f"{name}.yaml"
        path.write_text(json.dumps(configuration, indent=2))  # JSON is YAML
        log_path = self.directory / f"{name}.log"
        log = open(log_path, "ab")
        process = self.start(where, self.build / "hawser", "-c", path, *arguments, stdout=log, stderr=log)
        log.close()
        gateway = Gateway(self, name, process, socket, log_path)
        self.gateways[name] = gateway
        if wait:
            def ready():
                if process.poll() is not None:
                    raise LabError(f"{name} ended with exit code {process.returncode}:\n{gateway.output()}")
                return socket.exists() and gateway.ctl("show", "node", check=False)
            wait_until(ready, deadline_s, f"{name} answers on its control socket\n")
        return gateway

    # ---- the end ----

    def _end(self, process):
        if process.poll() is not None:
            return
        try:
            os.killpg(process.pid, signal.SIGTERM)
        except ProcessLookupError:
            return

    def close(self):
        if self.closed or self.keep:
            return
        self.closed = True
        for process in reversed(self.processes):
            self._end(process)
        end = time.monotonic() + 15
        for process in self.processes:
            try:
                process.wait(max(0.1, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        for full in self.namespaces.values():
            subprocess.run(["ip", "netns", "del", full], capture_output=True, check=False)
        shutil.rmtree(self.directory, ignore_errors=True)
