"""`mincer.Worker`: from Python what `mincer worker` is on the command line."""

import threading
import time

import pytest

import mincer
from cluster_processes import PASSWORD
from mincer.errors import RefusedError, UsageError

PATIENCE_S = 20.0


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in ("MINCER_PASSWORD", "MINCER_KEY_FILE", "MINCER_ADDRESS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def serve():
    with mincer.Serve("127.0.0.1:0", password=PASSWORD) as serve:
        yield serve


class Lines:
    """What a worker tells, and a way to wait for it."""

    def __init__(self):
        self.heard = []
        self._changed = threading.Condition()

    def __call__(self, line):
        with self._changed:
            self.heard.append(line)
            self._changed.notify_all()

    def until(self, words):
        with self._changed:
            assert self._changed.wait_for(
                lambda: any(words in line for line in self.heard), PATIENCE_S
            ), self.heard


class InThread:
    """A worker that runs in a thread of this process."""

    def __init__(self, serve, **more):
        self.lines = Lines()
        self.error = None
        given = {"password": PASSWORD, "slots": 1, **more}
        self.worker = mincer.Worker(str(serve.address), tell=self.lines, **given)
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        try:
            self.worker.run()
        except Exception as error:
            self.error = error

    def end(self):
        self.thread.join(PATIENCE_S)
        assert not self.thread.is_alive()


def words(key, line):
    for word in line.split():
        yield word, 1


JOB = mincer.Job(words, sum)


def test_it_works_for_a_coordinator_until_it_is_told_to_drain(serve):
    running = InThread(serve, drain_timeout=PATIENCE_S)
    with running.worker:
        assert JOB.run({1: "a b a"}, runner=serve).to_dict() == {"a": 2, "b": 1}
        running.worker.drain()
        running.end()
    assert running.error is None


def test_it_can_be_stopped_from_another_thread(serve):
    running = InThread(serve)
    running.lines.until("joined")
    running.worker.stop()
    running.end()
    assert running.error is None


def test_the_end_of_a_with_stops_it_and_waits(serve):
    running = InThread(serve)
    with running.worker:
        running.lines.until("joined")
    assert running.worker._process._is_closed
    running.end()


def test_one_that_never_ran_leaves_nothing_and_one_that_has_left_stays_away(serve):
    before = threading.active_count()
    with mincer.Worker(str(serve.address), password=PASSWORD) as worker:
        assert threading.active_count() > before
    assert threading.active_count() == before
    worker.close()
    with pytest.raises(UsageError, match="this Worker has left"):
        worker.run()


def test_one_for_once_leaves_with_its_coordinator(serve):
    running = InThread(serve, once=True)
    running.lines.until("joined")
    serve.close()
    running.end()
    assert running.error is None


def test_one_that_closes_itself_while_it_runs_does_not_wait_for_itself(serve):
    def tell(line):
        if line.startswith("joined"):
            worker.close()

    worker = mincer.Worker(str(serve.address), password=PASSWORD, slots=1, tell=tell)
    worker.run()
    assert worker._process._is_closed


def test_a_worker_with_another_password_is_refused(serve):
    running = InThread(serve, password="another word")
    running.end()
    assert isinstance(running.error, RefusedError)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "a worker needs the password or the key file"),
        ({"password": "x", "slots": 0}, "slots must be an int, at least 1"),
        ({"password": "x", "slots": True}, "slots must be an int, at least 1"),
        ({"password": "x", "memory": "1MB"}, "memory must be at least 64MB"),
        ({"password": "x", "memory": "much"}, "memory must be a size"),
        ({"password": "x", "drain_timeout": -1}, "drain_timeout must be"),
        ({"password": "x", "drain_timeout": float("nan")}, "drain_timeout must be"),
        ({"password": "x", "drain_timeout": "60"}, "drain_timeout must be"),
        ({"password": "x", "key_file": "y"}, "it can be one of them"),
        ({"address": "there:x", "password": "x"}, "has no port"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_started(given, told):
    before = threading.active_count()
    with pytest.raises(UsageError, match=told):
        mincer.Worker(**given)
    assert threading.active_count() == before


def test_what_has_begun_when_it_drains_is_finished(serve, tmp_path):
    began, goes_on = tmp_path / "began", tmp_path / "goes on"

    def waits(key, value):
        began.touch()
        end = time.monotonic() + PATIENCE_S
        while not goes_on.exists():
            assert time.monotonic() < end
        yield value, 1

    running = InThread(serve)
    with running.worker:
        handle = mincer.Job(waits, sum).submit({1: "a"}, runner=serve)
        end = time.monotonic() + PATIENCE_S
        while not began.exists():
            assert time.monotonic() < end
            handle.wait(0.01)
        with InThread(serve).worker:
            running.worker.drain()
            running.lines.until("draining")
            goes_on.touch()
            with handle.result(PATIENCE_S) as results:
                assert results.to_dict() == {"a": 1}
