"""A cluster of real processes on several hosts: started, watched, looked at."""

import json
import signal
import sys
from pathlib import Path
from typing import NamedTuple

import netns_jobs
from netns_network import until

from mincer.store.folder import sweep

PASSWORD = "correct horse battery staple"
_PORT = 11235
_MINCER = [sys.executable, "-m", "mincer"]


class Logged(NamedTuple):
    """One line of a job's log: see `netns_jobs.log`."""

    at: float
    word: str
    task: str
    attempt: int
    host: str
    pid: int


class Cluster:
    """A coordinator on the host `c` and a driver's host `d`, which alone has the input.

    `expected`: what the inline runner makes of it.
    """

    def __init__(self, network, expected):
        self.network = network
        self.expected = expected
        #: Where job and test tell each other things, on all hosts.
        self.marks = network.folder / "marks"
        self.marks.mkdir()
        self.c, self.d = network.host("c"), network.host("d")
        netns_jobs.write_input(self.d.files / "input.txt")
        self.input = network.disk / "input.txt"
        self.address = f"{self.c.address}:{_PORT}"
        self.workers = {}
        self.serve = self.start(self.c, "serve", self.address)
        self.serve.until("coordinator at")

    def start(self, host, *words, program=_MINCER, **environment):
        """Start a command of mincer on this host."""
        return host.start(
            *map(str, program),
            *map(str, words),
            MINCER_PASSWORD=PASSWORD,
            MINCER_TEST_INPUT=str(self.input),
            XDG_CONFIG_HOME=str(self.network.disk),
            **environment,
        )

    # --- who is there

    def hosts(self, *names):
        """More hosts."""
        return [self.network.host(name) for name in names]

    def worker(self, host, *options):
        """A worker of one slot that has joined."""
        worker = self.starting(host, *options)
        worker.until("joined")
        return worker

    def starting(self, host, *options, address=None, program=_MINCER):
        """A worker that has been started."""
        address = address or self.address
        words = ["worker", address, "-n", 1, "--memory", "64MB", "--no-local-reads"]
        words += options
        self.workers[host.name] = self.start(host, *words, program=program)
        return self.workers[host.name]

    def run(self, job="job", *, program=_MINCER, **params):
        """Run one of the jobs of the job file from `d`."""
        where = ("--runner", "cluster", "--address", self.address)
        return Run(self, job, where, params, program)

    def serve_job(self, job="job", **params):
        """A driver on `d` that coordinates its own job, at `served_at`."""
        where = ("--runner", "serve", "--address", self.served_at)
        return Run(self, job, where, params)

    @property
    def served_at(self):
        return f"{self.d.address}:{_PORT}"

    # --- what the job and the test tell each other

    def here(self, moment, seconds=30):
        """Wait until somebody is held at this moment; return the name of his host."""
        path = self.marks / f"{moment}.here"
        assert until(path.exists, seconds), f"nobody gets to {moment}"
        return json.loads(path.read_text("ascii"))[0]

    def go(self, moment):
        """Let go who is held there."""
        (self.marks / f"{moment}.go").touch()

    @property
    def log(self):
        path = self.marks / "log"
        lines = path.read_text("ascii").splitlines() if path.exists() else []
        return [Logged(*json.loads(line)) for line in lines]

    def begun(self, kind="map", host=None):
        """The attempts that have begun, as (task, attempt), on this host or on all."""
        return [
            (one.task, one.attempt)
            for one in self.log
            if one.word == f"{kind} begins" and host in (None, one.host)
        ]

    def both_work(self):
        """Run a job of two records, each of which needs the other's host to end."""
        run = self.run("meeting")
        assert run.program.end() == 0, run.program.stderr
        run.nothing_is_left()
        return len(run.program.stdout.splitlines()) == 2

    def keeps_nothing(self, name):
        """Wait until the worker on this host has nothing of any job on its disk."""
        tmp = self.network.hosts[name].tmp
        clean = until(lambda: not list(tmp.glob("mincer-*/mincer-*")))
        assert clean, f"{name} keeps {list(tmp.glob('mincer-*/mincer-*'))}"

    def is_alive(self, logged):
        """True when the process that logged this still runs."""
        return logged.pid in {one.pid for one in self.network.processes()}

    def break_connections(self):
        """Reset all connections of the coordinator; return how many."""
        told = self.c.run("ss", "-HKtn", "state", "established")
        return len(told.splitlines())

    # --- the end

    def leave(self):
        """Ask all to leave; nothing of them is left. Those that were killed leave their
        folders to the next process that starts there."""
        for host in self.network.hosts.values():
            for number, program in enumerate(host.programs, 1):
                print(f"--- {host.name}, program {number}:\n{program.stderr}")
        for host in self.network.hosts.values():
            for program in host.programs:
                if program.process.poll() is None:
                    if program.is_frozen:
                        program.thaw()
                    program.signal(signal.SIGTERM)
        for host in self.network.hosts.values():
            for program in host.programs:
                code = program.end()
                assert program.was_killed or "Traceback" not in program.stderr
                if program in (self.serve, *self.workers.values()):
                    # 4: it was refused, and has ended by itself.
                    assert code in (0, 4) or program.was_killed, program.stderr
        nobody = until(lambda: not self.network.processes(), 10)
        assert nobody, [one.cmdline() for one in self.network.processes()]
        for host in self.network.hosts.values():
            if any(program.was_killed for program in host.programs):
                sweep(str(host.tmp))
            assert sorted(path.name for path in host.tmp.iterdir()) == [], host.name
            listening = host.run("ss", "-Hltn")
            assert not listening, f"{host.name} listens still: {listening}"


class Run:
    """One driver with its job."""

    def __init__(self, cluster, job, options, params, program=_MINCER):
        self.cluster = cluster
        number = len(cluster.d.programs) + 1
        self._report = f"report-{number}.json"
        params = {"marks": cluster.marks, **params}
        self.program = cluster.start(
            cluster.d,
            *("run", f"{Path(netns_jobs.__file__)}:{job}"),
            *("--format", "jsonl", "--report", cluster.network.disk / self._report),
            *options,
            *(
                word
                for item in params.items()
                for word in ("-D", "{}={}".format(*item))
            ),
            program=program,
        )

    @property
    def is_running(self):
        return self.program.process.poll() is None

    def end(self, seconds=90, but=(), relays=False):
        """Wait for its end, which is a good one, and its result is exact; return the
        report.

        `but`: workers that do not hear of the end yet. `relays`: some of what workers
        read of each other must have come by way of the coordinator; else nothing may.
        """
        code = self.program.end(seconds)
        assert code == 0, self.program.stderr
        pairs = map(json.loads, self.program.stdout.splitlines())
        made = {pair["key"]: pair["value"] for pair in pairs}
        assert made == self.cluster.expected
        report = json.loads((self.cluster.d.files / self._report).read_text("utf-8"))
        records = netns_jobs.RECORDS
        assert report["counters"] == {"records": records, "values": records}
        assert report["records"] == report["pairs_mapped"] == records
        assert report["pairs"] == len(made)
        ways = report["bytes_by_way"]
        assert ways.keys() == {"file", "direct", "relayed"}
        assert not ways["file"], "hosts have no disk in common"
        assert bool(ways["relayed"]) == relays, ways
        assert report["input_from"] == {"sent by the driver": report["splits"]}
        self.nothing_is_left(but)
        return report

    def fails(self, code=1, seconds=90):
        """Wait for its end, which is a bad one; return what it says of that."""
        assert self.program.end(seconds) == code, self.program.stderr
        assert not self.program.stdout
        self.nothing_is_left()
        return self.program.stderr

    def nothing_is_left(self, but=()):
        """Workers that live have nothing of the job any more, nor has the driver."""
        cluster = self.cluster
        for name, worker in cluster.workers.items():
            lives = worker.process.poll() is None and not worker.is_frozen
            if lives and name not in but:
                cluster.keeps_nothing(name)
        if not self.program.was_killed:
            assert not list(cluster.d.tmp.iterdir())
        gone = until(lambda: cluster.d.address not in cluster.c.connections(), 20)
        assert gone, "the coordinator has a connection to the driver still"
