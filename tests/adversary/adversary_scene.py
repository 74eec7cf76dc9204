"""A real cluster to be attacked: its processes, what they say, and a job that tells
whether it is well."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import mincer

PATIENCE_S = 30.0
PASSWORD = "correct horse battery staple"
RECORDS = 300


class Process:
    """A command of mincer in a process group of its own; what it says, as it comes."""

    def __init__(self, *words, folder=None, environment=None, before=None):
        command = [sys.executable, "-m", "mincer", *map(str, words)]
        if words and str(words[0]).endswith(".py"):
            command = [sys.executable, *map(str, words)]
        self.process = subprocess.Popen(
            command,
            env={**clean_environment(), **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=folder,
            start_new_session=True,
            preexec_fn=before,
        )
        self._lines = []
        self._news = threading.Condition()
        self._is_over = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self):
        return self.process.pid

    @property
    def lines(self):
        """What it has said so far."""
        with self._news:
            return list(self._lines)

    def _read(self):
        for line in self.process.stdout:
            with self._news:
                self._lines.append(line.rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self._is_over = True
            self._news.notify_all()

    def until(self, pattern, after=0, for_s=PATIENCE_S):
        """Wait for a line, from number `after` on, in which this is found."""
        found = None

        def look():
            nonlocal found
            for line in self._lines[after:]:
                if found := re.search(pattern, line):
                    return True
            return self._is_over

        with self._news:
            self._news.wait_for(look, for_s)
        assert found, "\n".join([f"it never said {pattern!r}, but:", *self.lines])
        return found

    def exit_code(self, for_s=PATIENCE_S):
        """Wait for the end, and all that is said until then."""
        code = self.process.wait(for_s)
        self._reader.join(for_s)
        return code

    def signal(self, number):
        os.killpg(self.process.pid, number)

    def end(self):
        """Nothing is left of it."""
        if self.process.poll() is None:
            self.signal(signal.SIGKILL)
        self.process.wait()
        self._reader.join()
        self.process.stdout.close()


def clean_environment():
    """This process's own, without anything that names another cluster."""
    names = {"MINCER_PASSWORD", "MINCER_KEY_FILE", "MINCER_ADDRESS"}
    return {name: value for name, value in os.environ.items() if name not in names}


class Cluster:
    """A coordinator, workers that have joined it, and jobs.

    `folder`: where its key and its allow-list lie.
    """

    def __init__(self, folder, workers=1, before=None, script=None, options=()):
        self.folder = folder
        self._processes = []
        self.allowed = folder / "allowed"
        self.allowed.mkdir(exist_ok=True)
        self.key = folder / "cluster.key"
        if not self.key.exists():
            subprocess.run(
                [sys.executable, "-m", "mincer", "keygen", str(self.key)],
                check=True,
                capture_output=True,
            )
        words = ["127.0.0.1:0", "--key-file", self.key, "--allowed", self.allowed]
        first = [script] if script else ["serve"]
        self.coordinator = self.start(*first, *words, *options, before=before)
        self.port = int(self.coordinator.until(r"coordinator at \S+:(\d+)")[1])
        self.workers = [self.join() for _ in range(workers)]

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def start(self, *words, **options):
        made = Process(*words, folder=self.folder, **options)
        self._processes.append(made)
        return made

    def worker(self, *words, key=None, **options):
        """A worker that may or may not be let in."""
        secret = ["--key-file", key or self.key]
        return self.start("worker", self.address, "-n", 1, *secret, *words, **options)

    def join(self, *words, key=None):
        """A worker that is let in."""
        made = self.worker(*words, key=key)
        made.until("joined ")
        return made

    def key_for(self, role, name):
        """The key file of one role, and its public half in the allow-list."""
        path = self.folder / f"{name}.key"
        subprocess.run(
            [
                *(sys.executable, "-m", "mincer", "keygen", str(path)),
                *(f"--{role}", name, "--key-file", str(self.key)),
                *("--allowed", str(self.allowed)),
            ],
            check=True,
            capture_output=True,
        )
        return path

    @contextmanager
    def driver(self):
        with mincer.Cluster(self.address, key_file=self.key) as driver:
            yield driver

    def check(self):
        """A legitimate job gives exactly what it should."""
        with self.driver() as driver:
            check_job(driver)

    def end(self):
        for process in self._processes:
            process.end()


def emit(key, value):
    yield value % 7, value


def collect(key, values):
    return sorted(values)


def check_job(runner, records=RECORDS):
    """Each record counts once: the multiset of all is what went in."""
    job = mincer.Job(emit, collect, parts=3)
    with job.run({n: n for n in range(records)}, runner=runner) as results:
        assert results.to_dict() == {
            rest: list(range(rest, records, 7)) for rest in range(7)
        }


def wait(until, for_s=PATIENCE_S):
    """Wait until something is so; return it. Fails when it takes too long."""
    end = time.monotonic() + for_s
    nothing = threading.Event()
    while not (found := until()):
        assert time.monotonic() < end, "it never came to that"
        nothing.wait(0.01)
    return found


def resident_bytes(pid):
    """What a process has in memory."""
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def descriptors(pid):
    """How many descriptors a process has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def cpu_s(pid):
    """The time that a process has computed."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def dial(port, data=b""):
    """A plain connection, on which this was said."""
    line = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
    if data:
        line.sendall(data)
    return line


def is_closed(line):
    """Read what comes until the other end has closed; fails when it does not."""
    line.settimeout(PATIENCE_S)
    try:
        while line.recv(65536):
            pass
    except ConnectionError:
        pass
    return True
