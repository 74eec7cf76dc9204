"""Running elsewhere: the driver leaves nothing behind, whatever goes wrong."""

import pytest

import mincer
from mincer.arguments import job_order
from mincer.errors import (
    CancelledError,
    DetachedError,
    NoConnectionError,
    OutputError,
    RefusedError,
)
from mincer.net.membership import Standing
from mincer.runners.base import JobControl
from mincer.runners.remote import run_remote
from mincer.wire import frames


class Client:
    """A connection by which the coordinator says what a test wants it to."""

    where = "there:1"
    is_over = False
    crash = None
    standing = Standing.JOINED
    why = "because"
    was_there = True

    def __init__(self):
        self.said = []
        self.left = []
        self.jobs = {}
        self.answer = {}

    def submit(self, frame, job):
        self.jobs[frame.job] = job
        self.say(frame)

    def say(self, frame):
        self.said.append(type(frame).__name__)
        answer = self.answer.get(type(frame))
        if answer is not None:
            self.jobs[frame.job].told(answer(frame))

    def leave(self, job):
        self.left.append(job)


def words(key, line):
    yield from ((word, 1) for word in line.split())


def order_of(source, **more):
    options = dict.fromkeys(
        ("workers", "memory", "output", "format", "params", "limit")
    )
    job = mincer.Job(words, sum, parts=2)
    return job_order(job._steps, source, **{**options, "overwrite": False, **more})


@pytest.fixture
def client():
    return Client()


@pytest.fixture
def run(client, tmp_path, monkeypatch):
    """Run an order; what is left in the folder for temporary files is checked."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temp"))
    (tmp_path / "temp").mkdir()

    def run(order, control=None, error=None):
        with pytest.raises(error) as raised:
            run_remote(client, order, control or JobControl(), "cluster")
        assert list((tmp_path / "temp").iterdir()) == []
        return raised.value

    return run


def test_a_source_that_raises_ends_the_job(client, run, tmp_path):
    def lines():
        yield 1, "a"
        raise OSError("no more")

    order = order_of(lines(), output=tmp_path / "out")
    run(order, error=Exception)
    assert client.left == [order.job]
    assert not (tmp_path / "out").exists()


def test_where_there_is_no_room_for_the_output_nothing_is_submitted(
    client, run, tmp_path
):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("x")
    run(order_of({1: "a"}, output=tmp_path / "out"), error=OutputError)
    assert (client.said, client.left) == ([], [])


def test_one_that_was_cancelled_is_left_at_once(client, run):
    control = JobControl()
    client.answer[frames.InputEnd] = lambda frame: control.cancel() or _progress(frame)
    order = order_of({1: "a"})
    run(order, control, error=CancelledError)
    assert client.left == [order.job]


def _progress(frame):
    return frames.ProgressTold(frame.job, "mapping", 0, 0, 1, 0, 2, 0, 0, 0, 0)


def test_one_that_goes_on_without_its_driver_is_not_taken_away(client, run):
    control = JobControl(will_leave=True)
    control.ask_to_leave()
    client.answer[frames.Detach] = lambda frame: frames.DetachTold(frame.job)
    order = order_of({1: "a"})
    error = run(order, control, error=DetachedError)
    assert error.job == order.job
    assert client.left == []
    assert client.said == ["Submit", "Files", "Splits", "InputEnd", "Detach"]


@pytest.mark.parametrize(
    ("what", "error", "words"),
    [
        ({"is_over": True}, NoConnectionError, "the connection has ended"),
        ({"standing": Standing.REFUSED}, RefusedError, "refused by the coordinator"),
    ],
)
def test_a_connection_of_which_nothing_will_come_is_told(
    client, run, what, error, words
):
    vars(client).update(what)
    assert words in str(run(order_of({1: "a"}), error=error))
