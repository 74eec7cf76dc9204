"""`mincer worker`: it says what it does, and leaves as it was asked to."""

import os
import signal
import subprocess
import sys

import pytest

import mincer
from mincer.cli import worker as module
from mincer.cli.main import main
from mincer.errors import NoConnectionError

PASSWORD = "correct horse battery staple"


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in ("MINCER_PASSWORD", "MINCER_KEY_FILE", "MINCER_ADDRESS"):
        monkeypatch.delenv(name, raising=False)


class Worker:
    """The command as a process; its lines as they come."""

    def __init__(self, *words):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mincer", "worker", *words],
            env={**os.environ, "MINCER_PASSWORD": PASSWORD},
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def until(self, words):
        """Read lines up to the one that holds these words."""
        for line in self.process.stderr:
            if words in line:
                return line
        raise AssertionError(f"it never said {words!r}")

    def end(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()


@pytest.fixture
def start():
    made = []

    def start(*words):
        made.append(Worker(*words))
        return made[-1]

    yield start
    for one in made:
        one.end()


def test_it_waits_for_a_coordinator_joins_and_drains(start):
    with mincer.Serve("127.0.0.1:0", password=PASSWORD) as serve:
        address = str(serve.address)
    worker = start(address, "-n", "1")
    worker.until(f"waiting for a coordinator at {address}")
    with mincer.Serve(address, password=PASSWORD) as serve:
        worker.until(f"joined {address} as ")
        worker.process.send_signal(signal.SIGTERM)
        worker.until("draining")
        assert worker.process.wait(20) == 0


def test_with_another_password_it_ends_with_4_and_says_why(start):
    with mincer.Serve("127.0.0.1:0", password="another") as serve:
        worker = start(str(serve.address), "-n", "1")
        worker.until("refused by")
        assert worker.process.wait(20) == 4


def test_it_finishes_what_has_begun_before_it_leaves(start):
    def slow(key, value):
        import time

        mincer.count("began")
        for _ in range(30):
            time.monotonic()
        yield value, 1

    with mincer.Serve("127.0.0.1:0", password=PASSWORD) as serve:
        worker = start(str(serve.address), "-n", "1")
        worker.until("joined")
        handle = mincer.Job(slow, sum).submit({n: n for n in range(50)}, runner=serve)
        worker.process.send_signal(signal.SIGTERM)
        other = start(str(serve.address), "-n", "1")
        other.until("joined")
        with handle.result() as results:
            assert len(results) == 50
            assert results.counters == {"began": 50}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "a worker needs the password or the key file"),
        (["-p", "x", "--memory", "1MB"], "memory must be at least 64MB"),
        (["there:x", "-p", "x"], "has no port"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_started(words, told, capsys):
    assert main(["worker", *words]) == 2
    assert told in capsys.readouterr().err


class NoWorker:
    def run(self):
        pass


@pytest.mark.parametrize("is_told", [True, False])
def test_it_waits_for_a_network(is_told, monkeypatch):
    monkeypatch.setattr(module, "_WAIT_S_MIN", 0.001)
    whys = ["no name server", "no name server", "no network"]

    def make():
        if whys:
            raise NoConnectionError(whys.pop(0))
        return NoWorker()

    told = []
    tell = told.append if is_told else None
    assert module.work(make, verbose=False, tell=tell) == 0
    assert whys == []
    assert told == ["waiting: no name server", "waiting: no network"] * is_told
