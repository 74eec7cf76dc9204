"""Fifty workers, one of which is killed every second, and another one started."""

import json
import os
import random
import signal
import sys
import threading
import time
import uuid
from collections import Counter

import fifty_jobs
import pytest
from fifty_jobs import KEYS, MAPS, PARTS
from netns_cluster import PASSWORD
from netns_network import MARK, Program, end_all, marked, until

from mincer.store.folder import sweep

WORKERS = 50
#: Victims that must at least have been of this kind, or the test has shown nothing.
HOLDERS_MIN, REDUCERS_MIN = 20, 2
_END_S = 900


class Crowd:
    """A standing coordinator and its workers, on loopback."""

    def __init__(self, folder):
        self.folder = folder
        self.log = folder / "log"
        self.log.touch()
        self.input = folder / "input.txt"
        self.tmp = folder / "tmp"
        self.tmp.mkdir()
        fifty_jobs.write_input(self.input)
        self.token = uuid.uuid4().hex
        self.workers = {}
        self._started = 0
        self.serve = self.start("serve", "serve", "127.0.0.1:0")
        self.serve.until("coordinator at")
        self.address = self.serve.stderr.split("coordinator at ")[1].split()[0]

    def start(self, name, *words):
        command = [sys.executable, "-m", "mincer", *map(str, words)]
        environment = {
            **os.environ,
            MARK: self.token,
            "MINCER_TEST_HOST": name,
            "MINCER_TEST_INPUT": str(self.input),
            "MINCER_PASSWORD": PASSWORD,
            "TMPDIR": str(self.tmp),
            "XDG_CONFIG_HOME": str(self.folder),
        }
        return Program(command, self.folder / name, environment)

    def worker(self):
        """Start one more."""
        self._started += 1
        name = f"worker-{self._started}"
        words = ["worker", self.address, "-n", 1, "--memory", "64MB"]
        words.append("--no-local-reads")
        self.workers[name] = self.start(name, *words)

    def run(self):
        words = [f"{fifty_jobs.__file__}:job", "--runner", "cluster"]
        words += ["--address", self.address, "-D", f"log={self.log}"]
        words += ["--format", "jsonl", "--report", self.folder / "report.json"]
        return self.start("run", "run", *words)

    def leave(self):
        """Ask all to leave; nothing of them is left."""
        for worker in self.workers.values():
            worker.until("joined")  # the last has only been started
        last = [*self.workers.values(), self.serve]
        for program in last:
            program.signal(signal.SIGTERM)
        for program in last:
            assert program.end(120) == 0, program.stderr
        nobody = until(lambda: not marked(self.token), 20)
        assert nobody, [one.cmdline() for one in marked(self.token)]
        # Those killed last have left their folders to the next process that starts.
        sweep(str(self.tmp))
        assert not list(self.tmp.iterdir())

    def close(self):
        end_all(self.token)
        for program in [*self.workers.values(), self.serve]:
            program.close()


class Watch:
    """Who does what, as the job's log tells it."""

    def __init__(self, path):
        self._path = path
        self._read = 0
        self.counts = Counter()
        #: By worker: how many maps it has done, and the reduce in work.
        self.maps = Counter()
        self.reduces = {}

    def look(self):
        with open(self._path, "rb") as file:
            file.seek(self._read)
            told = file.read()
        whole = told[: told.rfind(b"\n") + 1]
        self._read += len(whole)
        for line in whole.splitlines():
            word, task, _, worker = json.loads(line)
            self.counts[word] += 1
            if word == "map ends":
                self.maps[worker] += 1
            elif word == "reduce begins":
                self.reduces[worker] = task
            else:
                self.reduces.pop(worker, None)


class Reaper:
    """Kills a worker a second: first those that hold committed segments, in a reduce
    those that reduce, and otherwise one of those that came last.

    Not one of the old ones each time: with it a fiftieth of all maps is to be done
    again, which is as much as a machine of two cores can do in that second.
    """

    def __init__(self, crowd, watch, seed):
        self._crowd = crowd
        self._watch = watch
        self._chance = random.Random(seed)
        self.kills = self.holders = self.reducers = 0

    def kill_one(self):
        watch, workers = self._watch, self._crowd.workers
        watch.look()
        holders = [name for name in workers if watch.maps[name]]
        reducers = [name for name in workers if name in watch.reduces]
        young = list(workers)[-10:]
        choice = young
        if self.holders < HOLDERS_MIN + 5:
            choice = holders or young
        elif self.reducers < REDUCERS_MIN + 1:
            choice = reducers or young
        name = self._chance.choice(choice)
        workers.pop(name).kill()
        self.kills += 1
        self.holders += name in holders
        self.reducers += name in reducers
        self._crowd.worker()


@pytest.fixture
def crowd(tmp_path):
    crowd = Crowd(tmp_path)
    yield crowd
    crowd.close()


@pytest.mark.guard(2 * _END_S)
def test_fifty_workers_of_which_one_dies_each_second(crowd):
    for _ in range(WORKERS):
        crowd.worker()
    for worker in crowd.workers.values():
        worker.until("joined", seconds=180)
    watch = Watch(crowd.log)
    reaper = Reaper(crowd, watch, seed=4)
    run = crowd.run()

    def first_map_is_done():
        watch.look()
        return watch.counts["map ends"]

    assert until(first_map_is_done, 120), run.stderr
    began = due = time.monotonic()
    nothing = threading.Event()
    while run.process.poll() is None:
        assert time.monotonic() - began < _END_S, run.stderr
        if time.monotonic() >= due:
            reaper.kill_one()
            due += 1.0
        nothing.wait(0.02)
    took = time.monotonic() - began
    assert run.end() == 0, run.stderr
    pairs = [json.loads(line) for line in run.stdout.splitlines()]
    made = {pair["key"]: pair["value"] for pair in pairs}
    assert len(pairs) == len(made) == KEYS
    assert made == {key: list(range(key, MAPS, KEYS)) for key in range(KEYS)}
    report = json.loads((crowd.folder / "report.json").read_text("utf-8"))
    assert report["counters"] == {"records": MAPS, "values": MAPS}
    watch.look()
    counts = watch.counts
    begun = counts["map begins"] + counts["reduce begins"]
    print(
        f"\n{took:.0f} s; {reaper.kills} workers killed, {reaper.holders} of them with "
        f"committed segments, {reaper.reducers} in a reduce; "
        f"{begun - MAPS - PARTS} attempts run again, "
        f"{(counts['map ends'] - MAPS) * PARTS} segments made again; "
        f"attempts: {report['attempts']}"
    )
    assert reaper.holders >= HOLDERS_MIN
    assert reaper.reducers >= REDUCERS_MIN
    crowd.leave()
