"""A job is run by a coordinator: its parts are taken, and however it ends, nothing is
left behind."""

import os
import threading
from types import SimpleNamespace

import pytest
from remote_orders import order_of

import mincer
from mincer.errors import (
    CancelledError,
    DetachedError,
    InputError,
    JobError,
    NoConnectionError,
    OutputError,
    RefusedError,
    ShipError,
)
from mincer.flow.part import BlockPart
from mincer.net.membership import Standing
from mincer.runners.base import JobControl
from mincer.runners.remote import run as module
from mincer.runners.remote.run import check_connection, run_remote
from mincer.sinks import MemorySink
from mincer.store.disk import AppendFile
from mincer.wire import frames


def words(key, line):
    yield from ((word, 1) for word in line.split())


JOB = mincer.Job(words, sum, parts=2)
INPUT = {1: "a b a"}


@pytest.fixture(autouse=True)
def short(tmp_path, monkeypatch):
    """Folders lie in the test's own, and nobody waits long."""
    (tmp_path / "folders").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "folders"))
    monkeypatch.setattr(module, "_LOOK_S", 0.001)


@pytest.fixture
def folders(tmp_path):
    """What is left there."""
    return lambda: os.listdir(tmp_path / "folders")


class Client:
    """A connection whose coordinator does what the test says: `heard` is called with
    each frame that is said to it."""

    def __init__(self, heard=lambda client, frame: None):
        self.heard = heard
        self.said = []
        self.left = []
        self.asker = None
        self.standing = Standing.JOINED
        self.where, self.why, self.hint = "here:1", "", "type this"
        self.is_over = False
        self.was_there = True
        self.crash = None

    def submit(self, frame, asker):
        self.asker = asker
        self.say(frame)

    def say(self, frame):
        self.said.append(frame)
        self.heard(self, frame)

    def leave(self, job):
        self.left.append(job)

    def told(self, kind):
        """The frames of this kind that were said."""
        return [frame for frame in self.said if isinstance(frame, kind)]


class Noted(MemorySink):
    """A sink that notes what is asked of it, and may refuse something."""

    def __init__(self, refused=()):
        super().__init__()
        self.refused = refused
        self.asked = []

    def note(self, what):
        if what not in self.asked:
            self.asked.append(what)
        if what in self.refused:
            raise OutputError(f"cannot {what}")

    def check(self):
        self.note("check")

    def prepare(self, job):
        self.note("prepare")
        super().prepare(job)

    def commit_job(self, parts, manifest):
        self.note("commit")
        super().commit_job(parts, manifest)

    def abort_job(self):
        self.asked.append("abort")
        super().abort_job()


def run(client, source=INPUT, job=JOB, control=None, **more):
    order = order_of(job, source, **more)
    return run_remote(client, order, control or JobControl(), "cluster")


def part(tmp_path, pairs):
    """A part as it travels, and its account."""
    file = AppendFile(str(tmp_path / "made"))
    file.begin()
    writer = BlockPart(file)
    writer.write(list(pairs), list(pairs.values()))
    made = writer.close()
    place = file.commit()
    file.close()
    with open(place.path, "rb") as read:
        read.seek(place.offset)
        return read.read(), frames.Account([1, 1], tuple(made), by_way=(0, 0, 9))


@pytest.fixture
def works(tmp_path):
    """A coordinator that has the job done, in two parts."""
    parts = [part(tmp_path, {"a": 2}), part(tmp_path, {"b": 1})]

    def heard(client, frame):
        asker = client.asker
        committed = client.told(frames.Committed)
        if isinstance(frame, frames.InputEnd):
            for index, (data, account) in enumerate(parts):
                attempt = frames.attempt_of(frame.job, (0, "reduce", index, 0))
                asker.write(attempt, 0, data)
                asker.commit(attempt, account)
        elif isinstance(frame, frames.Committed) and len(committed) == 2:
            rows = [
                frames.WinnerRow((0, "reduce", index, 0), len(data), account)
                for index, (data, account) in enumerate(parts)
            ]
            asker.told(frames.AccountsTold(frame.job, rows))
            ways = {"sent by the driver": 1}
            asker.told(frames.JobDone(frame.job, {"done": 3}, [], ways, 2))

    return heard


# --- a job that is done


def test_a_job_is_handed_over_and_its_parts_are_taken(works, folders):
    client = Client(works)
    with run(client) as results:
        assert results.to_dict() == {"a": 2, "b": 1}
        report = results.report
        assert (report.runner, report.workers, report.parts) == ("cluster", 2, 2)
        assert report.bytes_by_way == {"file": 0, "direct": 0, "relayed": 18}
        assert report.input_from == {"sent by the driver": 1}
        assert folders() != []
    assert folders() == []
    kinds = [type(frame).__name__ for frame in client.said]
    assert kinds == ["Submit", "Files", "Splits", "InputEnd", "Committed", "Committed"]
    assert client.left == [client.said[0].job]


def test_a_result_goes_to_its_sink(works, folders):
    client, sink = Client(works), Noted()
    results = run(client, output=sink)
    assert results.to_dict() == {"a": 2, "b": 1}
    assert sink.asked == ["check", "prepare", "commit"]
    assert sink.manifest["bytes_written"] == results.report.bytes_written > 0
    assert client.left == [client.said[0].job]
    assert folders() == []


def test_a_part_that_is_not_what_was_promised_is_refused(works, folders):
    def heard(client, frame):
        asker = client.asker
        if isinstance(frame, frames.InputEnd):
            bad = frames.attempt_of(frame.job, (0, "reduce", 0, 7))
            asker.write(bad, 0, b"no block")
            asker.commit(bad, frames.Account([1, 1], (1, 8, "")))
        elif isinstance(frame, frames.Committed):
            asker.told(frames.JobFailed(frame.job, "it was refused"))

    client = Client(heard)
    with pytest.raises(CancelledError, match="it was refused"):
        run(client, output=Noted())
    (refused,) = client.told(frames.Committed)
    assert (refused.attempt, refused.is_refused) == ((0, "reduce", 0, 7), True)
    assert folders() == []


# --- however it ends, nothing is left


def check_nothing_left(client, folders, sink):
    assert folders() == []
    assert client.left == [client.said[0].job]
    assert sink.asked[-1] == "abort"
    assert sink.manifest is None


@pytest.mark.parametrize(
    ("error", "told"),
    [(ValueError("mine"), InputError), (KeyboardInterrupt(), KeyboardInterrupt)],
)
def test_when_the_source_raises(folders, error, told):
    def lines():
        yield 1, "a"
        raise error

    client, sink = Client(), Noted()
    with pytest.raises(told):
        run(client, lines(), output=sink)
    assert not client.told(frames.InputEnd)
    check_nothing_left(client, folders, sink)


def test_when_the_sink_refuses_at_once(folders):
    client, sink = Client(), Noted(["check"])
    with pytest.raises(OutputError, match="cannot check"):
        run(client, output=sink)
    assert sink.asked == ["check"]
    assert (client.said, client.left, folders()) == ([], [], [])


def test_when_the_sink_cannot_be_prepared(folders):
    client, sink = Client(), Noted(["prepare"])
    with pytest.raises(OutputError, match="cannot prepare"):
        run(client, output=sink)
    assert sink.asked == ["check", "prepare", "abort"]
    assert (client.said, client.left, folders()) == ([], [], [])


def test_when_the_job_cannot_travel(folders):
    client, sink = Client(), Noted()
    lock = threading.Lock()
    with pytest.raises(ShipError):
        run(client, job=mincer.Job(lambda key, line: lock), output=sink)
    assert sink.asked == ["check", "prepare", "abort"]
    assert (client.said, client.left, folders()) == ([], [], [])


def test_when_the_result_cannot_be_committed(works, folders):
    client, sink = Client(works), Noted(["commit"])
    with pytest.raises(OutputError, match="cannot commit"):
        run(client, output=sink)
    check_nothing_left(client, folders, sink)


@pytest.mark.parametrize("when", [frames.Splits, frames.InputEnd])
def test_when_it_is_cancelled(folders, monkeypatch, when):
    monkeypatch.setattr(module, "_SPLITS_AT_ONCE", 1)
    control = JobControl()

    def heard(client, frame):
        if isinstance(frame, when):
            control.cancel()

    def lines():
        yield 1, "a"
        yield 2, "b"

    client, sink = Client(heard), Noted()
    with pytest.raises(CancelledError):
        run(client, lines(), control=control, output=sink)
    check_nothing_left(client, folders, sink)


def test_when_it_fails_while_its_source_is_read(folders, monkeypatch):
    monkeypatch.setattr(module, "_SPLITS_AT_ONCE", 1)
    read = []

    def heard(client, frame):
        if isinstance(frame, frames.Splits):
            task = (0, "map", 0)
            client.asker.told(frames.JobFailed(frame.job, "it failed", task))

    def lines():
        for number in range(100_000):
            read.append(number)
            yield number, "a" * 1000

    client, sink = Client(heard), Noted()
    with pytest.raises(JobError, match="it failed"):
        run(client, lines(), output=sink)
    assert len(read) < 10_000
    assert not client.told(frames.InputEnd)
    check_nothing_left(client, folders, sink)


def test_when_the_coordinator_is_lost(folders):
    def heard(client, frame):
        if isinstance(frame, frames.InputEnd):
            client.asker.gone("the coordinator was closed")

    client, sink = Client(heard), Noted()
    with pytest.raises(JobError, match="the coordinator was closed"):
        run(client, output=sink)
    check_nothing_left(client, folders, sink)


def test_when_the_connection_ends_without_a_word(folders):
    def heard(client, frame):
        client.is_over = isinstance(frame, frames.InputEnd)

    client, sink = Client(heard), Noted()
    with pytest.raises(NoConnectionError, match="the connection has ended"):
        run(client, output=sink)
    check_nothing_left(client, folders, sink)


# --- it is left


def test_its_driver_asks_to_leave_until_nothing_is_owed(folders):
    control = JobControl()

    def heard(client, frame):
        if isinstance(frame, frames.InputEnd):
            control.ask_to_leave()
        elif isinstance(frame, frames.Detach):
            owed = 2 - len(client.told(frames.Detach))
            client.asker.told(frames.DetachTold(frame.job, owed))

    client, sink = Client(heard), Noted()
    with pytest.raises(DetachedError) as told:
        run(client, control=control, output=sink)
    assert told.value.job == client.said[0].job
    assert len(client.told(frames.Detach)) == 2
    assert client.left == []  # or the job would be over
    assert sink.asked[-1] == "abort"
    assert folders() == []


def test_who_may_not_leave_stays_for_the_result(works, folders):
    control = JobControl()

    def heard(client, frame):
        if isinstance(frame, frames.InputEnd):
            client.end = frame
            control.ask_to_leave()
        elif isinstance(frame, frames.Detach):
            client.asker.told(frames.DetachTold(frame.job, why="there is no room"))
            works(client, client.end)
        else:
            works(client, frame)

    client = Client(heard)
    with run(client, control=control) as results:
        assert results.to_dict() == {"a": 2, "b": 1}
    assert control.refusal == "there is no room"
    assert len(client.told(frames.Detach)) == 1
    assert client.left == [client.said[0].job]
    assert folders() == []


def test_before_its_source_has_ended_nobody_asks_to_leave(folders):
    control = JobControl()
    control.ask_to_leave()

    def lines():
        yield 1, "a"
        raise ValueError("mine")

    client = Client()
    with pytest.raises(InputError):
        run(client, lines(), control=control)
    assert not client.told(frames.Detach)


# --- the connection


@pytest.fixture
def job():
    return SimpleNamespace(started=-1e9)


def test_a_connection_that_is_there_is_good(job):
    check_connection(job, Client())


def test_a_crash_of_the_connection_is_told_as_such(job):
    client = Client()
    client.is_over, client.crash = True, ZeroDivisionError("ours")
    with pytest.raises(ZeroDivisionError, match="ours"):
        check_connection(job, client)


def test_a_refusal_says_what_to_give(job):
    client = Client()
    client.standing, client.why = Standing.REFUSED, "wrong key"
    with pytest.raises(RefusedError, match="at here:1: wrong key") as told:
        check_connection(job, client)
    assert told.value.hint == "type this"


def test_a_coordinator_that_was_never_there_is_not_waited_for_ever(job):
    client = Client()
    client.was_there = False
    with pytest.raises(NoConnectionError, match="no coordinator answers at here:1"):
        check_connection(job, client)
    job.started = 1e18
    check_connection(job, client)  # it may come yet
