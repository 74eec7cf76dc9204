"""Several hosts on one machine: network namespaces around a router, as tests need them.

A host has an address, a name and a disk of its own: the folder `Network.disk` is
another one on each, under the same path. Nothing outside is touched, and nothing has to
be removed: a namespace lives as long as the process that was started in it, which ends
with this one, however that ends.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path

import psutil

#: Processes started here, and all that they start, have this in their environment.
MARK = "MINCER_TEST_NETWORK"
#: Where a machine says which of its starts this is: one of its own for each host.
_BOOT_ID = "/proc/sys/kernel/random/boot_id"
_NAMESPACES = ["unshare", "--net", "--mount", "--uts"]


def until(true, seconds=30):
    """Wait for `true()`; False when it never came."""
    nothing = threading.Event()
    give_up = time.monotonic() + seconds
    while not true():
        if time.monotonic() > give_up:
            return False
        nothing.wait(0.01)
    return True


def marked(token):
    """The processes with this mark in their environment."""
    mark = f"{MARK}={token}".encode()
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(OSError):
            told = Path(f"/proc/{process.pid}/environ").read_bytes()
            if mark in told.split(b"\0"):
                found.append(process)
    return found


def what_is_missing():
    """What (as MINCER_REQUIRE names it) this machine lacks for a network, and why."""
    if not sys.platform.startswith("linux"):
        return "netns", "network namespaces are a thing of Linux"
    if os.geteuid() != 0:
        return "root", "hosts of their own can only be made by root"
    for command in ("unshare", "nsenter", "setpriv", "ip", "tc", "ss"):
        if shutil.which(command) is None:
            return "netns", f"there is no {command} here (util-linux, iproute2)"
    try:
        with contextlib.closing(_Holder("probe")) as probe:
            probe.run("ip", "link", "add", "name", "a", "type", "veth")
            probe.run("tc", "qdisc", "add", "dev", "lo", "root", *_limit("1mbit"))
            probe.run("ip", "rule", "add", "to", "10.0.0.1", "blackhole")
    except AssertionError as error:
        return "netns", f"no host of its own can be made here: {error}"
    return None


def _limit(rate):
    return ["tbf", "rate", rate, "burst", "32kb", "latency", "400ms"]


class Network:
    """A router, and hosts that reach each other through it.

    `folder`: for the disks of the hosts and what programs print.
    """

    def __init__(self, folder):
        self.folder = Path(folder)
        #: What the path of its own disk is on every host.
        self.disk = self.folder / "disk"
        self.disk.mkdir()
        self.token = uuid.uuid4().hex
        self.hosts = {}
        self._router = _Holder("router")
        self._router.run("ip", "link", "set", "lo", "up")
        self._router.shell("echo 1 >/proc/sys/net/ipv4/ip_forward")

    def host(self, name):
        """One more host."""
        self.hosts[name] = Host(self, name, len(self.hosts) + 1, self._router)
        return self.hosts[name]

    # --- what may happen to a network

    def cut(self, host):
        """Take the cable out of this host."""
        self._router.run("ip", "link", "set", host.port, "down")

    def mend(self, host):
        self._router.run("ip", "link", "set", host.port, "up")

    def block(self, source, target, how="blackhole"):
        """Let nothing pass from one host to another; what they have to say the other
        way goes on. `how`: "blackhole" without a word, "unreachable" with one."""
        self._rule("add", source, target, how)

    def unblock(self, source, target, how="blackhole"):
        self._rule("del", source, target, how)

    def _rule(self, word, source, target, how):
        way = ["from", source.address, "to", target.address]
        self._router.run("ip", "rule", word, *way, how)

    def slow(self, host, rate):
        """Let so much pass a second (as "4mbit"), each way."""
        change = ["tc", "qdisc", "replace", "dev"]
        self._router.run(*change, host.port, "root", *_limit(rate))
        host.run(*change, "eth0", "root", *_limit(rate))

    # --- what is left

    def processes(self):
        """All that still run of what was started here."""
        return marked(self.token)

    def close(self):
        """End everything."""
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        for host in self.hosts.values():
            host.close()
        self._router.close()


class Host:
    """One machine, as far as programs can tell."""

    def __init__(self, network, name, number, router):
        self.network = network
        self.name = name
        self.address = f"10.77.{number}.1"
        #: The end of its cable at the router.
        self.port = f"port{number}"
        #: What it has at the path `network.disk`, for who looks on from outside.
        self.files = network.folder / f"disk-of-{name}"
        (self.files / "tmp").mkdir(parents=True)
        (self.files / "boot_id").write_text(f"{uuid.uuid4()}\n", "ascii")
        #: Programs that were started here, the dead among them.
        self.programs = []
        self._holder = _Holder(name)
        gate = f"10.77.{number}.254"
        link = ["ip", "link", "add", "name", self.port, "type", "veth"]
        router.run(*link, "peer", "name", "eth0", "netns", str(self._holder.pid))
        router.run("ip", "addr", "add", f"{gate}/24", "dev", self.port)
        router.run("ip", "link", "set", self.port, "up")
        self._holder.shell(
            f"""
            mount --bind {self.files} {network.disk}
            mount --bind {self.files}/boot_id {_BOOT_ID}
            echo {name} >/proc/sys/kernel/hostname
            ip link set lo up
            ip addr add {self.address}/24 dev eth0
            ip link set eth0 up
            ip route add default via {gate}
            """
        )

    @property
    def tmp(self):
        """Its folder for temporary files, from outside."""
        return self.files / "tmp"

    def run(self, *command):
        """Run a command to its end; return what it prints."""
        return self._holder.run(*command)

    def start(self, *command, **environment):
        """Start a program, in a process group of its own."""
        number = len(self.programs) + 1
        told = self.network.folder / f"{self.name}-{number}"
        program = Program(
            [*self._holder.enter, "setpriv", "--pdeathsig", "KILL", *command],
            told,
            {
                **os.environ,
                MARK: self.network.token,
                "MINCER_TEST_HOST": self.name,
                "TMPDIR": str(self.network.disk / "tmp"),
                "PYTHONFAULTHANDLER": "1",
                **environment,
            },
        )
        self.programs.append(program)
        return program

    def connections(self):
        """The addresses with which it has connections now."""
        lines = self.run("ss", "-Htn", "state", "established").splitlines()
        # As [::ffff:10.77.3.1]:4711, since sockets are for both kinds of addresses.
        names = [line.split()[3].rpartition(":")[0] for line in lines]
        return [name.strip("[]").removeprefix("::ffff:") for name in names]

    def close(self):
        for program in self.programs:
            program.close()
        self._holder.close()


class Program:
    """A process on a host, with what it says in files."""

    def __init__(self, command, told, environment):
        self.command = command
        self.was_killed = self.is_frozen = False
        self._stdout, self._stderr = (
            told.with_name(f"{told.name}.{way}") for way in ("out", "err")
        )
        with open(self._stdout, "wb") as out, open(self._stderr, "wb") as errors:
            self.process = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=errors,
                start_new_session=True,
            )
        self.pid = self.process.pid

    @property
    def stdout(self):
        return self._stdout.read_text("utf-8")

    @property
    def stderr(self):
        return self._stderr.read_text("utf-8")

    def until(self, words, times=1, seconds=30):
        """Wait until it has said this on stderr."""
        came = until(
            lambda: (
                self.stderr.count(words) >= times or self.process.poll() is not None
            ),
            seconds,
        )
        assert came, f"it does not say {words!r}:\n{self.stderr}"
        assert self.stderr.count(words) >= times, f"it ended:\n{self.stderr}"

    def end(self, seconds=60):
        """Wait for its end; return its exit code."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)  # it tells its stacks
            self.process.wait(10)
            raise AssertionError(f"it does not end:\n{self.stderr}") from None

    def signal(self, number):
        """To this process alone."""
        self.process.send_signal(number)

    def kill(self):
        """Its whole process group is gone, and nobody is told."""
        self.was_killed = True
        os.killpg(self.pid, signal.SIGKILL)
        self.process.wait()

    def freeze(self):
        """Stop it and all that it has started, as a machine that sleeps."""
        self.is_frozen = True
        tree = psutil.Process(self.pid)
        for one in [tree, *tree.children(recursive=True)]:
            one.suspend()

    def thaw(self):
        tree = psutil.Process(self.pid)
        for one in [*tree.children(recursive=True), tree]:
            one.resume()
        self.is_frozen = False

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class _Holder:
    """A process that keeps new namespaces, and ends with this one: it reads from a pipe
    of which nobody else has the other end."""

    def __init__(self, name):
        self._name = name
        self._process = subprocess.Popen(
            [*_NAMESPACES, "sh", "-c", "echo ready; exec cat"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        is_ready = self._process.stdout.readline() == b"ready\n"
        assert is_ready, f"{' '.join(_NAMESPACES)} failed"
        self.pid = self._process.pid
        #: What runs a command inside.
        self.enter = ["nsenter", "-t", str(self.pid), "--net", "--mount", "--uts"]

    def run(self, *command):
        done = subprocess.run(
            [*self.enter, *command], capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, f"{self._name}: {command}: {done.stderr}"
        return done.stdout

    def shell(self, script):
        return self.run("sh", "-e", "-c", script)

    def close(self):
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
